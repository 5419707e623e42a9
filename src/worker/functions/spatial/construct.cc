#include "worker/functions/spatial/construct.h"

#include <algorithm>
#include <boost/geometry/algorithms/centroid.hpp>
#include <boost/geometry/strategies/cartesian.hpp>
#include <cmath>
#include <duckdb.hpp>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>

namespace skep::worker::spatial {
namespace {

// A point and where it stands in its line.
struct Vertex {
  double x, y;
  const Geometry* line;
  size_t index;

  size_t order;

  std::pair<double, double> XY() const { return {x, y}; }
  std::tuple<double, double, size_t> Key() const { return {x, y, order}; }
};

double Turn(const Vertex& a, const Vertex& b, const Vertex& c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

double SquaredDistance(const Geometry& line, size_t point, size_t from, size_t to) {
  const double dx = line.X(to) - line.X(from), dy = line.Y(to) - line.Y(from);
  const double px = line.X(point) - line.X(from), py = line.Y(point) - line.Y(from);
  const double length = dx * dx + dy * dy;
  const double along = length > 0 ? std::clamp((px * dx + py * dy) / length, 0.0, 1.0) : 0;
  const double ox = px - along * dx, oy = py - along * dy;
  return ox * ox + oy * oy;
}

// Marks the points between `from` and `to` that stay. A list of work instead of recursion: lines
// are as long as their writer wishes.
void MarkKept(const Geometry& line, double squared_tolerance, size_t first, size_t last,
              std::vector<bool>& kept, uint64_t& steps_left) {
  std::vector<std::pair<size_t, size_t>> work{{first, last}};
  while (!work.empty()) {
    const auto [from, to] = work.back();
    work.pop_back();
    if (steps_left < to - from)
      throw duckdb::InvalidInputException("the geometry takes too long to simplify");
    steps_left -= to - from;
    size_t farthest = from;
    double distance = squared_tolerance;
    for (size_t i = from + 1; i < to; i++) {
      const double here = SquaredDistance(line, i, from, to);
      if (here > distance) {
        distance = here;
        farthest = i;
      }
    }
    if (farthest == from) continue;
    kept[farthest] = true;
    work.emplace_back(from, farthest);
    work.emplace_back(farthest, to);
  }
}

Geometry SimplifiedLine(const Geometry& line, double tolerance, uint64_t& steps_left) {
  if (line.Points() < 3) return line;
  std::vector<bool> kept(line.Points(), false);
  kept.front() = kept.back() = true;
  MarkKept(line, tolerance * tolerance, 0, line.Points() - 1, kept, steps_left);
  Geometry result = NewLike(line, Kind::kLineString);
  for (size_t i = 0; i < line.Points(); i++) {
    if (kept[i]) AppendPoint(result, line, i);
  }
  return result;
}

}  // namespace

Geometry ConvexHull(const Geometry& geometry) {
  if (geometry.IsEmpty()) return geometry;
  std::vector<Vertex> points;
  ForEachLine(geometry, [&](const Geometry& line) {
    for (size_t i = 0; i < line.Points(); i++)
      points.push_back({line.X(i), line.Y(i), &line, i, points.size()});
  });
  std::ranges::sort(points, {}, &Vertex::Key);
  const auto same = std::ranges::unique(points, {}, &Vertex::XY);
  points.erase(same.begin(), same.end());
  // Andrew's monotone chain, clockwise: over the upper side to the right, back along the lower.
  std::vector<Vertex> hull;
  const auto add = [&](const Vertex& vertex, size_t keep) {
    while (hull.size() >= keep + 2 && Turn(hull[hull.size() - 2], hull.back(), vertex) >= 0)
      hull.pop_back();
    hull.push_back(vertex);
  };
  for (const auto& point : points) add(point, 0);
  const size_t upper = hull.size() - 1;
  for (size_t i = points.size(); i-- > 1;) add(points[i - 1], upper);

  Geometry result = NewLike(geometry, Kind::kPoint);
  result.dimensions.m = false;
  // A closed hull of two points and the first again is a line.
  const size_t distinct = points.size() == 1 ? 1 : hull.size() - 1;
  if (distinct > 2) {
    result.kind = Kind::kPolygon;
    Geometry& ring = result.parts.emplace_back(NewLike(result, Kind::kLineString));
    for (const auto& vertex : hull) AppendPoint(ring, *vertex.line, vertex.index);
    return result;
  }
  if (distinct == 2) result.kind = Kind::kLineString;
  for (size_t i = 0; i < distinct; i++) AppendPoint(result, *hull[i].line, hull[i].index);
  return result;
}

Geometry Simplify(const Geometry& geometry, double tolerance) {
  uint64_t steps = std::numeric_limits<uint64_t>::max();
  return SimplifyWithin(geometry, tolerance, steps);
}

Geometry SimplifyWithin(const Geometry& geometry, double tolerance, uint64_t& steps_left) {
  tolerance = std::max(tolerance, 0.0);
  if (geometry.kind == Kind::kPoint) return geometry;
  if (geometry.kind == Kind::kLineString) return SimplifiedLine(geometry, tolerance, steps_left);
  Geometry result = NewLike(geometry, geometry.kind);
  for (const auto& part : geometry.parts) {
    Geometry simpler = SimplifyWithin(part, tolerance, steps_left);
    if (geometry.kind == Kind::kPolygon && simpler.Points() < 4) {
      if (result.parts.empty()) return result;
      continue;
    }
    result.parts.push_back(std::move(simpler));
  }
  return result;
}

std::optional<Geometry> Centroid(const Geometry& geometry) {
  const Shape shape(geometry);
  if (shape.empty) return std::nullopt;
  Point point;
  Guarded([&] {
    if (!shape.polygons.empty()) {
      bg::centroid(shape.polygons, point);
    } else if (!shape.lines.empty()) {
      bg::centroid(shape.lines, point);
    } else {
      bg::centroid(shape.points, point);
    }
  });
  Geometry result = NewPlanar(geometry, Kind::kPoint);
  result.coordinates = {point.x(), point.y()};
  return result;
}

Geometry Boundary(const Geometry& geometry) {
  if (geometry.kind == Kind::kCollection)
    throw duckdb::InvalidInputException("GEOMETRYCOLLECTION is not supported by ST_Boundary");
  if (geometry.IsEmpty()) return geometry;
  Dimensions dimensions = geometry.dimensions;
  dimensions.m = false;
  const Geometry input = Forced(geometry, dimensions);
  Geometry result = NewLike(input, Kind::kCollection);
  if (input.kind == Kind::kPoint || input.kind == Kind::kMultiPoint) return result;
  if (input.kind == Kind::kPolygon || input.kind == Kind::kMultiPolygon) {
    result.kind = Kind::kMultiLineString;
    ForEachLine(input, [&](const Geometry& ring) {
      if (!ring.IsEmpty()) result.parts.push_back(ring);
    });
    if (input.kind == Kind::kPolygon && result.parts.size() == 1) {
      Geometry ring = std::move(result.parts.front());
      return ring;
    }
    return result;
  }
  // An end point is on the boundary when an odd number of lines end there.
  struct End {
    size_t order, lines = 0;
    std::vector<double> heights;
  };
  std::map<std::pair<double, double>, End> ends;
  ForEachLine(input, [&](const Geometry& line) {
    if (line.IsEmpty()) return;
    for (const size_t index : {size_t{0}, line.Points() - 1}) {
      End& end = ends.try_emplace(line.XY(index), End{ends.size()}).first->second;
      end.lines++;
      if (!dimensions.z) continue;
      const double height = line.coordinates[index * dimensions.Count() + 2];
      if (std::ranges::find(end.heights, height) == end.heights.end())
        end.heights.push_back(height);
    }
  });
  result.kind = Kind::kMultiPoint;
  result.parts.resize(ends.size(), NewLike(result, Kind::kPoint));
  for (const auto& [xy, end] : ends) {
    if (end.lines % 2 == 0) continue;
    Geometry& point = result.parts[end.order];
    point.coordinates = {xy.first, xy.second};
    if (dimensions.z) {
      point.coordinates.push_back(std::accumulate(end.heights.begin(), end.heights.end(), 0.0) /
                                  static_cast<double>(end.heights.size()));
    }
  }
  std::erase_if(result.parts, [](const Geometry& point) { return point.coordinates.empty(); });
  return result;
}

}  // namespace skep::worker::spatial
