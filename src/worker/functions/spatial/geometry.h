// A spatial value in memory: its subtype, SRID, dimensions and coordinates, as a tree of parts.
// GEOMETRY and GEOGRAPHY values are stored as EWKB (ewkb.h); functions that change a value's shape
// work on this model, functions that only look read the stored bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace skep::worker::spatial {

// Collections may hold collections; deeper ones than this are refused.
constexpr int kMaximumDepth = 32;

// The numbers are those of well-known binary.
enum class Kind : uint8_t {
  kPoint = 1,
  kLineString,
  kPolygon,
  kMultiPoint,
  kMultiLineString,
  kMultiPolygon,
  kCollection
};
constexpr bool IsCollection(Kind kind) { return kind >= Kind::kMultiPoint; }
std::string_view UpperName(Kind kind);  // "LINESTRING"
std::string_view MixedName(Kind kind);  // "LineString"
// The multi-subtype that holds members of `kind`; collections hold themselves.
Kind MultiOf(Kind kind);

struct Dimensions {
  bool z = false;
  bool m = false;

  size_t Count() const { return size_t{2} + (z ? 1 : 0) + (m ? 1 : 0); }
  bool operator==(const Dimensions&) const = default;
};

struct Geometry {
  Kind kind = Kind::kPoint;
  Dimensions dimensions;
  int32_t srid = 0;
  bool boxed = true;  // supports a precomputed bounding box: AddBBox, DropBBox
  // Of a point or a linestring: Dimensions::Count() numbers a point, in the order x y z m. An empty
  // point has none.
  std::vector<double> coordinates;
  // The rings of a polygon (linestrings, the exterior first) or the members of a collection. They
  // have the whole's dimensions and SRID.
  std::vector<Geometry> parts;

  size_t Points() const { return coordinates.size() / dimensions.Count(); }
  double X(size_t point) const { return coordinates[point * dimensions.Count()]; }
  double Y(size_t point) const { return coordinates[point * dimensions.Count() + 1]; }
  std::pair<double, double> XY(size_t point) const { return {X(point), Y(point)}; }
  // First and last point are the same in the plane. False of no points.
  bool IsClosedLine() const;
  // Holds no point that is not empty.
  bool IsEmpty() const;
  bool operator==(const Geometry&) const = default;
};

// A new value with the SRID, dimensions and box of `like`.
Geometry NewLike(const Geometry& like, Kind kind);
// A 2D value with the SRID and box of `like`.
Geometry NewPlanar(const Geometry& like, Kind kind);
Geometry NewPoint(double x, double y);
// The smallest of a point, a two-point linestring and a clockwise polygon with these corners.
Geometry NewBox(double x_min, double y_min, double x_max, double y_max);
// Appends point `index` of `from` with the dimensions of `to`: coordinates that `from` has not
// are 0.
void AppendPoint(Geometry& to, const Geometry& from, size_t index);
Geometry PointAt(const Geometry& line, size_t index);
void SetSrid(Geometry& geometry, int32_t srid);
// Drops coordinates and adds zeros. Empty points stay empty.
Geometry Forced(const Geometry& geometry, Dimensions dimensions);
// Wraps a point, linestring or polygon into its multi-subtype.
Geometry Multi(Geometry geometry);
// The members as the narrowest value that holds them all: a multi-subtype when all are points, all
// linestrings or all polygons, else a collection.
Geometry Collected(std::vector<Geometry> members);

// Calls `visit` for every point and linestring below `geometry`, rings included.
template <class G, class Visit>
void ForEachLine(G& geometry, Visit&& visit) {
  if (geometry.kind == Kind::kPoint || geometry.kind == Kind::kLineString) {
    visit(geometry);
    return;
  }
  for (auto& part : geometry.parts) ForEachLine(part, visit);
}

// Calls `visit` for every point, linestring and polygon below `geometry`.
template <class G, class Visit>
void ForEachSingle(G& geometry, Visit&& visit) {
  if (!IsCollection(geometry.kind)) {
    visit(geometry);
    return;
  }
  for (auto& part : geometry.parts) ForEachSingle(part, visit);
}

}  // namespace skep::worker::spatial
