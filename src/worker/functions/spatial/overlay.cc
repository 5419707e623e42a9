// Intersection and union, of construct.h.
#include <boost/geometry/algorithms/covered_by.hpp>
#include <boost/geometry/algorithms/intersection.hpp>
#include <boost/geometry/algorithms/union.hpp>
#include <boost/geometry/strategies/cartesian.hpp>
#include <boost/tuple/tuple.hpp>
#include <duckdb.hpp>
#include <set>

#include "worker/functions/spatial/construct.h"

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

// Boost.Geometry reports a touching point once for each edge, and ends of common edges as
// points too.
Points WithoutRepeats(const Points& points, const Lines& lines, const Polygons& polygons) {
  Points result;
  std::set<std::pair<double, double>> seen;
  for (const Point& point : points) {
    if (!seen.emplace(point.x(), point.y()).second) continue;
    if (bg::covered_by(point, lines) || bg::covered_by(point, polygons)) continue;
    result.push_back(point);
  }
  return result;
}

}  // namespace

Geometry Intersection(const Shape& a, const Shape& b) {
  CheckPair(a, b);
  Points points;
  Lines lines;
  Polygons polygons;
  if (a.BoxIntersects(b)) {
    Guarded([&] {
      Intersect(a, b, points, lines, polygons);
      points = WithoutRepeats(points, lines, polygons);
    });
  }
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
    points = a.points;
    points.insert(points.end(), b.points.begin(), b.points.end());
    Guarded([&] { points = WithoutRepeats(points, {}, polygons); });
  }
  Geometry result = ToGeometry(points, {}, polygons,
                               kSingleOf[static_cast<size_t>(std::max(a.dimension, b.dimension))]);
  SetSrid(result, a.srid);
  return result;
}

}  // namespace skep::worker::spatial
