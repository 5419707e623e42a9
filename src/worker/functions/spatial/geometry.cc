#include "worker/functions/spatial/geometry.h"

#include <algorithm>
#include <array>

namespace skep::worker::spatial {
namespace {

constexpr std::array<std::string_view, 8> kUpper = {
    "",           "POINT",           "LINESTRING",   "POLYGON",
    "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION"};
constexpr std::array<std::string_view, 8> kMixed = {
    "",           "Point",           "LineString",   "Polygon",
    "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"};

void Force(Geometry& geometry, Dimensions dimensions) {
  for (auto& part : geometry.parts) Force(part, dimensions);
  Geometry forced;
  forced.dimensions = dimensions;
  forced.coordinates.reserve(geometry.Points() * dimensions.Count());
  for (size_t i = 0; i < geometry.Points(); i++) AppendPoint(forced, geometry, i);
  geometry.coordinates = std::move(forced.coordinates);
  geometry.dimensions = dimensions;
}

}  // namespace

std::string_view UpperName(Kind kind) { return kUpper[static_cast<size_t>(kind)]; }
std::string_view MixedName(Kind kind) { return kMixed[static_cast<size_t>(kind)]; }

Kind MultiOf(Kind kind) {
  return IsCollection(kind) ? kind : static_cast<Kind>(static_cast<uint8_t>(kind) + 3);
}

bool Geometry::IsClosedLine() const { return Points() > 0 && XY(0) == XY(Points() - 1); }

bool Geometry::IsEmpty() const {
  return coordinates.empty() &&
         std::ranges::all_of(parts, [](const Geometry& part) { return part.IsEmpty(); });
}

Geometry NewLike(const Geometry& like, Kind kind) {
  Geometry result;
  result.kind = kind;
  result.dimensions = like.dimensions;
  result.srid = like.srid;
  result.boxed = like.boxed;
  return result;
}

Geometry NewPlanar(const Geometry& like, Kind kind) {
  Geometry result = NewLike(like, kind);
  result.dimensions = {};
  return result;
}

Geometry NewPoint(double x, double y) {
  Geometry result;
  result.coordinates = {x, y};
  return result;
}

Geometry NewBox(double x_min, double y_min, double x_max, double y_max) {
  Geometry result;
  if (x_min == x_max && y_min == y_max) return NewPoint(x_min, y_min);
  if (x_min == x_max || y_min == y_max) {
    result.kind = Kind::kLineString;
    result.coordinates = {x_min, y_min, x_max, y_max};
    return result;
  }
  result.kind = Kind::kPolygon;
  Geometry& ring = result.parts.emplace_back();
  ring.kind = Kind::kLineString;
  ring.coordinates = {x_min, y_min, x_min, y_max, x_max, y_max, x_max, y_min, x_min, y_min};
  return result;
}

void AppendPoint(Geometry& to, const Geometry& from, size_t index) {
  const double* point = from.coordinates.data() + index * from.dimensions.Count();
  to.coordinates.push_back(point[0]);
  to.coordinates.push_back(point[1]);
  if (to.dimensions.z) to.coordinates.push_back(from.dimensions.z ? point[2] : 0);
  if (to.dimensions.m)
    to.coordinates.push_back(from.dimensions.m ? point[from.dimensions.z ? 3 : 2] : 0);
}

Geometry PointAt(const Geometry& line, size_t index) {
  Geometry result = NewLike(line, Kind::kPoint);
  AppendPoint(result, line, index);
  return result;
}

void SetSrid(Geometry& geometry, int32_t srid) {
  geometry.srid = srid;
  for (auto& part : geometry.parts) SetSrid(part, srid);
}

Geometry Forced(const Geometry& geometry, Dimensions dimensions) {
  Geometry result = geometry;
  if (geometry.dimensions != dimensions) Force(result, dimensions);
  return result;
}

Geometry Multi(Geometry geometry) {
  if (IsCollection(geometry.kind)) return geometry;
  Geometry result = NewLike(geometry, MultiOf(geometry.kind));
  result.parts.push_back(std::move(geometry));
  return result;
}

Geometry Collected(std::vector<Geometry> members) {
  Geometry result = NewLike(members.front(), Kind::kCollection);
  const Kind first = members.front().kind;
  if (!IsCollection(first) &&
      std::ranges::all_of(members, [&](const Geometry& member) { return member.kind == first; })) {
    result.kind = MultiOf(first);
  }
  result.parts = std::move(members);
  return result;
}

}  // namespace skep::worker::spatial
