#include "worker/functions/spatial/shape.h"

#include <algorithm>
#include <boost/geometry/algorithms/correct.hpp>
#include <boost/geometry/core/exception.hpp>
#include <boost/geometry/strategies/cartesian.hpp>
#include <cmath>
#include <duckdb.hpp>

namespace skep::worker::spatial {
namespace {

template <class Container>
void AppendAll(Container& to, const Geometry& line) {
  for (size_t i = 0; i < line.Points(); i++) {
    if (!std::isfinite(line.X(i)) || !std::isfinite(line.Y(i)))
      throw duckdb::InvalidInputException("geometry contains coordinates that are not finite");
    to.emplace_back(line.X(i), line.Y(i));
  }
}

Geometry FromRing(const Ring& ring) {
  Geometry line;
  line.kind = Kind::kLineString;
  if (ring.empty()) return line;
  std::vector<std::pair<double, double>> points;
  for (const auto& point : ring) points.emplace_back(point.x(), point.y());
  points.pop_back();
  std::ranges::rotate(points, std::ranges::min_element(points));
  points.push_back(points.front());
  for (const auto& [x, y] : points) {
    line.coordinates.push_back(x);
    line.coordinates.push_back(y);
  }
  return line;
}

}  // namespace

void AppendRing(Ring& to, const Geometry& ring) { AppendAll(to, ring); }

Shape::Shape(const Geometry& geometry) : kind(geometry.kind), srid(geometry.srid), dimension(0) {
  if (kind == Kind::kLineString || kind == Kind::kMultiLineString) dimension = 1;
  if (kind == Kind::kPolygon || kind == Kind::kMultiPolygon) dimension = 2;
  ForEachSingle(geometry, [&](const Geometry& single) {
    if (single.IsEmpty()) return;
    switch (single.kind) {
      case Kind::kPoint:
        AppendAll(points, single);
        break;
      case Kind::kLineString:
        AppendAll(lines.emplace_back(), single);
        break;
      default: {
        Polygon& polygon = polygons.emplace_back();
        AppendAll(polygon.outer(), single.parts.front());
        for (size_t i = 1; i < single.parts.size(); i++) {
          if (!single.parts[i].IsEmpty())
            AppendAll(polygon.inners().emplace_back(), single.parts[i]);
        }
      }
    }
  });
  bg::correct(polygons);
  ForEachLine(geometry, [&](const Geometry& line) {
    for (size_t i = 0; i < line.Points(); i++) {
      const double x = line.X(i), y = line.Y(i);
      x_min = empty ? x : std::min(x_min, x);
      x_max = empty ? x : std::max(x_max, x);
      y_min = empty ? y : std::min(y_min, y);
      y_max = empty ? y : std::max(y_max, y);
      empty = false;
    }
  });
}

Geometry ToGeometry(const Polygon& polygon) {
  Geometry result;
  result.kind = Kind::kPolygon;
  result.parts.push_back(FromRing(polygon.outer()));
  for (const auto& inner : polygon.inners()) result.parts.push_back(FromRing(inner));
  return result;
}

Geometry ToGeometry(const Line& line) {
  Geometry result;
  result.kind = Kind::kLineString;
  for (const auto& point : line) {
    result.coordinates.push_back(point.x());
    result.coordinates.push_back(point.y());
  }
  return result;
}

Geometry ToGeometry(const Point& point) { return NewPoint(point.x(), point.y()); }

Geometry ToGeometry(const Points& points, const Lines& lines, const Polygons& polygons,
                    Kind if_empty) {
  std::vector<Geometry> members;
  for (const auto& point : points) members.push_back(ToGeometry(point));
  for (const auto& line : lines) members.push_back(ToGeometry(line));
  for (const auto& polygon : polygons) members.push_back(ToGeometry(polygon));
  if (members.empty()) {
    Geometry empty;
    empty.kind = if_empty;
    return empty;
  }
  if (members.size() == 1) return std::move(members.front());
  return Collected(std::move(members));
}

void Guarded(const std::function<void()>& compute) {
  try {
    compute();
  } catch (const bg::exception& error) {
    throw duckdb::InvalidInputException("geometry is not valid: %s", error.what());
  }
}

void CheckPair(const Shape& a, const Shape& b) {
  if (a.srid != b.srid) {
    throw duckdb::InvalidInputException("Operation on mixed SRID geometries (%d != %d)", a.srid,
                                        b.srid);
  }
  if (a.kind == Kind::kCollection || b.kind == Kind::kCollection)
    throw duckdb::InvalidInputException("GEOMETRYCOLLECTION is not supported by this function");
}

}  // namespace skep::worker::spatial
