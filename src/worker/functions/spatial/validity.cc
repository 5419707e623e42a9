// Validity and simplicity, of relations.h.
#include <algorithm>
#include <boost/geometry/algorithms/is_simple.hpp>
#include <boost/geometry/algorithms/is_valid.hpp>
#include <boost/geometry/strategies/cartesian.hpp>
#include <cmath>

#include "worker/functions/spatial/measures.h"
#include "worker/functions/spatial/relations.h"

namespace skep::worker::spatial {
namespace {

bool IsFinite(const Geometry& geometry) {
  bool finite = true;
  ForEachLine(geometry, [&](const Geometry& line) {
    finite &= std::ranges::all_of(line.coordinates, [](double n) { return std::isfinite(n); });
  });
  return finite;
}

// Turned as a whole so that the exterior runs clockwise; the others keep their sense relative to
// it, which validity asks about. Nothing for a ring that is not closed.
std::optional<Polygon> Turned(const Geometry& polygon) {
  Polygon result;
  const bool reverse = SignedArea(polygon.parts.front()) > 0;
  for (size_t i = 0; i < polygon.parts.size(); i++) {
    if (!polygon.parts[i].IsClosedLine()) return std::nullopt;
    Ring& ring = i == 0 ? result.outer() : result.inners().emplace_back();
    AppendRing(ring, polygon.parts[i]);
    if (reverse) std::ranges::reverse(ring);
  }
  return result;
}

bool IsOneDimensional(const Geometry& line) {
  for (size_t i = 1; i < line.Points(); i++) {
    if (line.XY(i) != line.XY(0)) return true;
  }
  return false;
}

bool HasRepeatedPoints(const Geometry& geometry) {
  bool repeated = false;
  ForEachLine(geometry, [&](const Geometry& line) {
    for (size_t i = 1; i < line.Points(); i++) repeated |= line.XY(i) == line.XY(i - 1);
  });
  return repeated;
}

}  // namespace

bool IsValid(const Geometry& geometry) {
  if (geometry.kind == Kind::kCollection) return std::ranges::all_of(geometry.parts, IsValid);
  if (!IsFinite(geometry)) return false;
  bool valid = true;
  Polygons polygons;
  ForEachSingle(geometry, [&](const Geometry& single) {
    if (single.IsEmpty()) return;
    if (single.kind == Kind::kLineString) valid &= IsOneDimensional(single);
    if (single.kind != Kind::kPolygon) return;
    if (auto polygon = Turned(single)) {
      polygons.push_back(std::move(*polygon));
    } else {
      valid = false;
    }
  });
  if (!valid || polygons.empty()) return valid;
  Guarded([&] { valid = bg::is_valid(polygons); });
  return valid;
}

bool IsSimple(const Geometry& geometry) {
  if (geometry.kind == Kind::kCollection) return std::ranges::all_of(geometry.parts, IsSimple);
  const Shape shape(geometry);
  bool simple = true;
  Guarded([&] {
    if (shape.dimension == 0) simple = bg::is_simple(shape.points);
    if (shape.dimension == 1) simple = !HasRepeatedPoints(geometry) && bg::is_simple(shape.lines);
    if (shape.dimension == 2) simple = !HasRepeatedPoints(geometry);
  });
  return simple;
}

}  // namespace skep::worker::spatial
