// Intersection and union, of construct.h.
#include <boost/geometry/algorithms/intersection.hpp>
#include <boost/geometry/algorithms/union.hpp>
#include <boost/geometry/strategies/cartesian.hpp>
#include <boost/tuple/tuple.hpp>
#include <duckdb.hpp>
#include <set>

#include "worker/functions/spatial/construct.h"
#include "worker/functions/spatial/relations.h"

namespace skep::worker::spatial {
namespace {

constexpr std::array kSingleOf = {Kind::kPoint, Kind::kLineString, Kind::kPolygon};

void Intersect(const Shape& a, const Shape& b, Points& points, Lines& lines, Polygons& polygons) {
  if (a.dimension > b.dimension) return Intersect(b, a, points, lines, polygons);
  if (a.dimension == 0) {
    if (b.dimension == 0) bg::intersection(a.points, b.points, points);
    if (b.dimension == 1) bg::intersection(a.points, b.lines, points);
    if (b.dimension == 2) bg::intersection(a.points, b.polygons, points);
    return;
  }
  if (a.dimension == 1) {
    boost::tuple<Points, Lines> parts;
    if (b.dimension == 1) bg::intersection(a.lines, b.lines, parts);
    if (b.dimension == 2) bg::intersection(a.lines, b.polygons, parts);
    points = std::move(parts.get<0>());
    lines = std::move(parts.get<1>());
    return;
  }
  boost::tuple<Points, Lines, Polygons> parts;
  bg::intersection(a.polygons, b.polygons, parts);
  points = std::move(parts.get<0>());
  lines = std::move(parts.get<1>());
  polygons = std::move(parts.get<2>());
}

}  // namespace

Geometry Intersection(const Shape& a, const Shape& b) {
  CheckPair(a, b);
  Points points;
  Lines lines;
  Polygons polygons;
  if (a.BoxIntersects(b)) Guarded([&] { Intersect(a, b, points, lines, polygons); });
  Geometry result = ToGeometry(points, lines, polygons,
                               kSingleOf[static_cast<size_t>(std::min(a.dimension, b.dimension))]);
  SetSrid(result, a.srid);
  return result;
}

Geometry Union(const Shape& a, const Shape& b) {
  CheckPair(a, b);
  if (a.dimension == 1 || b.dimension == 1)
    throw duckdb::InvalidInputException("linestrings are not supported by ST_Union");
  Points points;
  Polygons polygons;
  // ST_Union, "Return type": the union with an empty geometry is empty.
  if (!a.empty && !b.empty) {
    Guarded([&] {
      if (a.dimension == 2 && b.dimension == 2) {
        bg::union_(a.polygons, b.polygons, polygons);
      } else {
        polygons = a.dimension == 2 ? a.polygons : b.polygons;
      }
    });
    std::set<std::pair<double, double>> seen;
    for (const Shape* shape : {&a, &b}) {
      for (const Point& point : shape->points) {
        if (!seen.emplace(point.x(), point.y()).second) continue;
        const Shape alone(NewPoint(point.x(), point.y()));
        const Shape& other = shape == &a ? b : a;
        Shape unmarked = alone;
        unmarked.srid = other.srid;
        if (other.dimension == 2 && Intersects(other, unmarked)) continue;
        points.push_back(point);
      }
    }
  }
  Geometry result = ToGeometry(points, {}, polygons,
                               kSingleOf[static_cast<size_t>(std::max(a.dimension, b.dimension))]);
  SetSrid(result, a.srid);
  return result;
}

}  // namespace skep::worker::spatial
