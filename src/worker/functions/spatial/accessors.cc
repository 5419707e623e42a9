#include <algorithm>

#include "worker/functions/spatial/chapters.h"
#include "worker/functions/spatial/measures.h"
#include "worker/functions/spatial/relations.h"

namespace skep::worker::spatial {
namespace {

Header HeaderOf(Stored value) { return StoredReader(value.bytes).ReadHeader(); }

std::string GeometryTypeName(Stored value) {
  const Header header = HeaderOf(value);
  std::string name(UpperName(header.kind));
  if (header.dimensions.m && !header.dimensions.z) name += "M";
  return name;
}
std::string StGeometryType(Stored value) {
  return "ST_" + std::string(MixedName(HeaderOf(value).kind));
}
int32_t Srid(Stored value) { return HeaderOf(value).srid; }
int32_t NDims(Stored value) { return static_cast<int32_t>(HeaderOf(value).dimensions.Count()); }
bool IsCollectionValue(Stored value) { return IsCollection(HeaderOf(value).kind); }
bool SupportsBBox(Stored value) { return HeaderOf(value).boxed; }

// The flag's byte in the type word of stored bytes.
StoredResult WithBox(Stored value, bool boxed) {
  HeaderOf(value);
  StoredResult result{std::string(value.bytes)};
  constexpr size_t kHighByte = 4;
  constexpr uint8_t kFlag = kFlagUnboxed >> 24;
  auto byte = static_cast<uint8_t>(result.bytes[kHighByte]);
  byte = static_cast<uint8_t>(boxed ? byte & ~kFlag : byte | kFlag);
  result.bytes[kHighByte] = static_cast<char>(byte);
  return result;
}
StoredResult AddBBox(Stored value) { return WithBox(value, true); }
StoredResult DropBBox(Stored value) { return WithBox(value, false); }

template <Axis axis>
std::optional<double> PointCoordinate(Stored value) {
  StoredReader reader(value.bytes);
  const Header header = reader.ReadHeader();
  if (header.kind != Kind::kPoint)
    throw duckdb::InvalidInputException("argument must be of subtype POINT, not %s",
                                        std::string(UpperName(header.kind)));
  const Dimensions dimensions = header.dimensions;
  const Sequence point = reader.ReadSequence(Sequence::Role::kPoint, dimensions, 1);
  if (point.count == 0) return std::nullopt;
  switch (axis) {
    case Axis::kX:
      return point.At(0, 0);
    case Axis::kY:
      return point.At(0, 1);
    case Axis::kZ:
      return dimensions.z ? std::optional(point.At(0, 2)) : std::nullopt;
    case Axis::kM:
      return dimensions.m ? std::optional(point.At(0, dimensions.z ? 3 : 2)) : std::nullopt;
  }
}

template <Axis axis>
std::optional<double> Lowest(Stored value) {
  const auto extent = ExtentOf(value.bytes, axis);
  return extent ? std::optional(extent->low) : std::nullopt;
}
template <Axis axis>
std::optional<double> Highest(Stored value) {
  const auto extent = ExtentOf(value.bytes, axis);
  return extent ? std::optional(extent->high) : std::nullopt;
}

template <class Value>
int32_t NPoints(Value value) {
  return static_cast<int32_t>(CountPoints(value.bytes));
}
int32_t NRings(Stored value) { return static_cast<int32_t>(CountRings(value.bytes)); }
std::optional<int32_t> NumPoints(Stored value) {
  if (HeaderOf(value).kind != Kind::kLineString) return std::nullopt;
  return static_cast<int32_t>(CountPoints(value.bytes));
}
std::optional<int32_t> NumInteriorRings(Stored value) {
  if (HeaderOf(value).kind != Kind::kPolygon) return std::nullopt;
  return static_cast<int32_t>(std::max<int64_t>(CountRings(value.bytes) - 1, 0));
}
int32_t NumGeometries(Stored value) {
  StoredReader reader(value.bytes);
  const Header header = reader.ReadHeader();
  if (IsCollection(header.kind)) return static_cast<int32_t>(reader.ReadCount(1));
  return CountPoints(value.bytes) > 0 ? 1 : 0;
}
bool IsEmptyValue(Stored value) { return CountPoints(value.bytes) == 0; }

int32_t Dimension(const Geometry& geometry) {
  int32_t dimension = 0;
  switch (geometry.kind) {
    case Kind::kCollection:
      for (const auto& part : geometry.parts) dimension = std::max(dimension, Dimension(part));
      return dimension;
    case Kind::kLineString:
    case Kind::kMultiLineString:
      return 1;
    case Kind::kPolygon:
    case Kind::kMultiPolygon:
      return 2;
    default:
      return 0;
  }
}

// What Redshift's guide prints for its one example: a type for each value, a count for all but
// points, the coordinates, the box.
int32_t MemSize(const Geometry& geometry) {
  size_t bytes = 0;
  const auto add = [&](const auto& self, const Geometry& part) -> void {
    bytes += sizeof(uint32_t) + (part.kind == Kind::kPoint ? 0 : sizeof(uint32_t));
    bytes += part.coordinates.size() * sizeof(double);
    for (const auto& inner : part.parts) {
      // Rings have a count and no type.
      if (part.kind == Kind::kPolygon) {
        bytes += sizeof(uint32_t) + inner.coordinates.size() * sizeof(double);
      } else {
        self(self, inner);
      }
    }
  };
  add(add, geometry);
  if (geometry.boxed) bytes += 2 * geometry.dimensions.Count() * sizeof(double);
  if (geometry.srid != 0) bytes += sizeof(int32_t);
  return static_cast<int32_t>(bytes);
}

bool IsClosed(const Geometry& geometry) {
  switch (geometry.kind) {
    case Kind::kPoint:
      return !geometry.IsEmpty();
    case Kind::kMultiPoint:
      return true;
    case Kind::kLineString:
      return geometry.IsClosedLine();
    default:
      return !geometry.parts.empty() && std::ranges::all_of(geometry.parts, IsClosed);
  }
}

// Exteriors one way round, interiors the other.
bool Runs(const Geometry& geometry, bool counterclockwise) {
  bool all = true;
  ForEachSingle(geometry, [&](const Geometry& single) {
    if (single.kind != Kind::kPolygon) return;
    for (size_t i = 0; i < single.parts.size(); i++) {
      const double area = SignedArea(single.parts[i]);
      all &= (i == 0) == counterclockwise ? area > 0 : area < 0;
    }
  });
  return all;
}
bool IsPolygonCcw(const Geometry& geometry) { return Runs(geometry, true); }
bool IsPolygonCw(const Geometry& geometry) { return Runs(geometry, false); }

bool IsRing(const Geometry& geometry) {
  if (geometry.kind != Kind::kLineString)
    throw duckdb::InvalidInputException("ST_IsRing is defined for linestrings only");
  return geometry.IsClosedLine() && IsSimple(geometry);
}

// A line of an input that is a linestring, or nothing.
std::optional<Geometry> PointOf(const Geometry& line, int64_t index) {
  if (line.kind != Kind::kLineString) return std::nullopt;
  const auto points = static_cast<int64_t>(line.Points());
  if (index < 0) index += points + 1;
  if (index < 1 || index > points) return std::nullopt;
  return PointAt(line, static_cast<size_t>(index - 1));
}
std::optional<Geometry> StartPoint(const Geometry& line) { return PointOf(line, 1); }
std::optional<Geometry> EndPoint(const Geometry& line) { return PointOf(line, -1); }

std::optional<Geometry> ExteriorRing(const Geometry& polygon) {
  if (polygon.kind != Kind::kPolygon) return std::nullopt;
  // ST_ExteriorRing, "Return type": the empty polygon.
  if (polygon.parts.empty()) return polygon;
  return polygon.parts.front();
}
std::optional<Geometry> InteriorRingN(const Geometry& polygon, int64_t index) {
  if (polygon.kind != Kind::kPolygon || index < 1 ||
      index >= static_cast<int64_t>(polygon.parts.size()))
    return std::nullopt;
  return polygon.parts[static_cast<size_t>(index)];
}
std::optional<Geometry> GeometryN(const Geometry& geometry, int64_t index) {
  if (!IsCollection(geometry.kind)) return index == 1 ? std::optional(geometry) : std::nullopt;
  if (index < 1 || index > static_cast<int64_t>(geometry.parts.size()))
    throw duckdb::InvalidInputException("index %lld is out of range", index);
  return geometry.parts[static_cast<size_t>(index - 1)];
}

Geometry AllPoints(const Geometry& geometry) {
  Geometry result = NewLike(geometry, Kind::kMultiPoint);
  ForEachLine(geometry, [&](const Geometry& line) {
    for (size_t i = 0; i < line.Points(); i++) result.parts.push_back(PointAt(line, i));
  });
  return result;
}

Geometry Envelope(Stored value) {
  const auto box = BoxOf(value.bytes);
  Geometry input = ReadEwkb(value.bytes);
  if (!box) return input;
  Geometry result = NewBox(box->first.low, box->second.low, box->first.high, box->second.high);
  SetSrid(result, input.srid);
  return result;
}

}  // namespace

void AddAccessors(Overloads& functions) {
  functions.Add<&GeometryTypeName>("rs_geometrytype");
  functions.Add<&StGeometryType>("rs_st_geometrytype");
  functions.Add<&AddBBox>("rs_addbbox");
  functions.Add<&DropBBox>("rs_dropbbox");
  functions.Add<&SupportsBBox>("rs_supportsbbox");
  functions.Add<&Srid>("rs_st_srid");
  functions.Add<&NDims>("rs_st_ndims");
  functions.Add<&Dimension>("rs_st_dimension");
  functions.Add<&MemSize>("rs_st_memsize");
  functions.Add<&PointCoordinate<Axis::kX>>("rs_st_x");
  functions.Add<&PointCoordinate<Axis::kY>>("rs_st_y");
  functions.Add<&PointCoordinate<Axis::kZ>>("rs_st_z");
  functions.Add<&PointCoordinate<Axis::kM>>("rs_st_m");
  functions.Add<&Lowest<Axis::kX>>("rs_st_xmin");
  functions.Add<&Lowest<Axis::kY>>("rs_st_ymin");
  functions.Add<&Lowest<Axis::kZ>>("rs_st_zmin");
  functions.Add<&Lowest<Axis::kM>>("rs_st_mmin");
  functions.Add<&Highest<Axis::kX>>("rs_st_xmax");
  functions.Add<&Highest<Axis::kY>>("rs_st_ymax");
  functions.Add<&Highest<Axis::kZ>>("rs_st_zmax");
  functions.Add<&Highest<Axis::kM>>("rs_st_mmax");
  functions.AddEither<&NPoints<Stored>, &NPoints<StoredGeography>>("rs_st_npoints");
  functions.Add<&NRings>("rs_st_nrings");
  functions.Add<&NumPoints>("rs_st_numpoints");
  functions.Add<&NumInteriorRings>("rs_st_numinteriorrings");
  functions.Add<&NumGeometries>("rs_st_numgeometries");
  functions.Add<&IsEmptyValue>("rs_st_isempty");
  functions.Add<&IsCollectionValue>("rs_st_iscollection");
  functions.Add<&IsClosed>("rs_st_isclosed");
  functions.Add<&IsPolygonCcw>("rs_st_ispolygonccw");
  functions.Add<&IsPolygonCw>("rs_st_ispolygoncw");
  functions.Add<&IsRing>("rs_st_isring");
  functions.Add<&IsSimple>("rs_st_issimple");
  functions.Add<&IsValid>("rs_st_isvalid");
  functions.Add<&PointOf>("rs_st_pointn");
  functions.Add<&StartPoint>("rs_st_startpoint");
  functions.Add<&EndPoint>("rs_st_endpoint");
  functions.Add<&ExteriorRing>("rs_st_exteriorring");
  functions.Add<&InteriorRingN>("rs_st_interiorringn");
  functions.Add<&GeometryN>("rs_st_geometryn");
  functions.Add<&AllPoints>("rs_st_points");
  functions.Add<&Envelope>("rs_st_envelope");
}

}  // namespace skep::worker::spatial
