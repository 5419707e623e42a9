#include "worker/functions/spatial/chapters.h"
#include "worker/functions/spatial/construct.h"
#include "worker/functions/spatial/geography.h"
#include "worker/functions/spatial/measures.h"
#include "worker/functions/spatial/relations.h"

namespace skep::worker::spatial {
namespace {

double Area(Stored value) { return PlanarArea(value.bytes); }
double Length(Stored value) { return PlanarLength(value.bytes); }
double Perimeter(Stored value) { return PlanarPerimeter(value.bytes); }
double LengthSphere(Stored value) { return SphereLength(value.bytes); }
double AreaOnSpheroid(const Geography& geography) { return GeodesicArea(geography.value); }
double LengthOnSpheroid(const Geography& geography) { return GeodesicLength(geography.value); }
double PerimeterOnSpheroid(const Geography& geography) {
  return GeodesicPerimeter(geography.value);
}
std::optional<double> DistanceOnSpheroid(const Geography& a, const Geography& b) {
  return GeodesicDistance(a.value, b.value);
}

// A point argument: its SRID and, unless it is empty, its place.
struct Place {
  int32_t srid;
  std::optional<XY> xy;
};
Place PlaceOf(Stored value) {
  StoredReader reader(value.bytes);
  const Header header = reader.ReadHeader();
  if (header.kind != Kind::kPoint)
    throw duckdb::InvalidInputException("argument must be of subtype POINT, not %s",
                                        std::string(UpperName(header.kind)));
  const Sequence point = reader.ReadSequence(Sequence::Role::kPoint, header.dimensions, 1);
  Place place{header.srid, std::nullopt};
  if (point.count > 0) place.xy = XY{point.X(0), point.Y(0)};
  return place;
}
void CheckSameSrid(const Place& a, const Place& b) {
  if (a.srid != b.srid) {
    throw duckdb::InvalidInputException("Operation on mixed SRID geometries (%d != %d)", a.srid,
                                        b.srid);
  }
}
XY NotEmpty(const Place& place) {
  if (!place.xy) throw duckdb::InvalidInputException("point must not be empty");
  return *place.xy;
}

std::optional<double> DistanceSphereOf(Stored a, Stored b, double radius) {
  if (radius < 0) throw duckdb::InvalidInputException("radius must not be negative");
  const Place from = PlaceOf(a), to = PlaceOf(b);
  CheckSameSrid(from, to);
  if (!from.xy || !to.xy) return std::nullopt;
  return SphereDistance(*from.xy, *to.xy, radius);
}
std::optional<double> DistanceSphere(Stored a, Stored b) {
  return DistanceSphereOf(a, b, kEarthRadius);
}

std::optional<double> AzimuthOf(Stored a, Stored b) {
  const Place from = PlaceOf(a), to = PlaceOf(b);
  CheckSameSrid(from, to);
  return Azimuth(NotEmpty(from), NotEmpty(to));
}
std::optional<double> Angle4(Stored a, Stored b, Stored c, Stored d) {
  const std::array places{PlaceOf(a), PlaceOf(b), PlaceOf(c), PlaceOf(d)};
  for (const auto& place : places) CheckSameSrid(places[0], place);
  return ClockwiseAngle(Azimuth(NotEmpty(places[0]), NotEmpty(places[1])),
                        Azimuth(NotEmpty(places[2]), NotEmpty(places[3])));
}
std::optional<double> Angle3(Stored a, Stored b, Stored c) { return Angle4(b, a, b, c); }

bool Disjoint(const Shape& a, const Shape& b) { return !Intersects(a, b); }
bool Within(const Shape& a, const Shape& b) { return Contains(b, a); }
bool CoveredBy(const Shape& a, const Shape& b) { return Covers(b, a); }
bool DWithin(const Shape& a, const Shape& b, double threshold) {
  if (threshold < 0) throw duckdb::InvalidInputException("threshold must not be negative");
  const auto distance = Distance(a, b);
  return distance && *distance <= threshold;
}

void CheckPlanar(Stored a, Stored b) {
  for (const Stored value : {a, b}) {
    if (StoredReader(value.bytes).ReadHeader().dimensions.Count() > 2)
      throw duckdb::InvalidInputException("geometry must be two-dimensional");
  }
}
Geometry IntersectionOf(Stored a, Stored b) {
  CheckPlanar(a, b);
  return Intersection(Shape(ReadEwkb(a.bytes)), Shape(ReadEwkb(b.bytes)));
}
Geometry UnionOf(Stored a, Stored b) {
  CheckPlanar(a, b);
  return Union(Shape(ReadEwkb(a.bytes)), Shape(ReadEwkb(b.bytes)));
}

Geometry BufferBy(const Geometry& geometry, double distance) {
  constexpr int64_t kDefaultSegments = 8;
  return Buffer(geometry, distance, kDefaultSegments);
}

}  // namespace

void AddMeasures(Overloads& functions) {
  functions.AddEither<&Area, &AreaOnSpheroid>("rs_st_area");
  functions.AddEither<&Length, &LengthOnSpheroid>("rs_st_length");
  functions.AddEither<&Length, &LengthOnSpheroid>("rs_st_length2d");
  functions.AddEither<&Perimeter, &PerimeterOnSpheroid>("rs_st_perimeter");
  functions.AddEither<&Perimeter, &PerimeterOnSpheroid>("rs_st_perimeter2d");
  functions.AddEither<&Distance, &DistanceOnSpheroid>("rs_st_distance");
  functions.Add<&DWithin>("rs_st_dwithin");
  functions.Add<&LengthSphere>("rs_st_lengthsphere");
  functions.Add<&DistanceSphere>("rs_st_distancesphere");
  functions.Add<&DistanceSphereOf>("rs_st_distancesphere");
  functions.Add<&AzimuthOf>("rs_st_azimuth");
  functions.Add<&Angle3>("rs_st_angle");
  functions.Add<&Angle4>("rs_st_angle");
  functions.Add<&Intersects>("rs_st_intersects");
  functions.Add<&Disjoint>("rs_st_disjoint");
  functions.Add<&Contains>("rs_st_contains");
  functions.Add<&ContainsProperly>("rs_st_containsproperly");
  functions.Add<&Within>("rs_st_within");
  functions.Add<&Covers>("rs_st_covers");
  functions.Add<&CoveredBy>("rs_st_coveredby");
  functions.Add<&Touches>("rs_st_touches");
  functions.Add<&Crosses>("rs_st_crosses");
  functions.Add<&Equals>("rs_st_equals");
  functions.Add<&IntersectionOf>("rs_st_intersection");
  functions.Add<&UnionOf>("rs_st_union");
  functions.Add<&BufferBy>("rs_st_buffer");
  functions.Add<&Buffer>("rs_st_buffer");
}

}  // namespace skep::worker::spatial
