// The distance between two values, of relations.h: its templates take as long to compile as those
// of the predicates.
#include <boost/geometry/algorithms/distance.hpp>
#include <boost/geometry/strategies/cartesian.hpp>
#include <boost/geometry/strategies/distance/cartesian.hpp>
#include <boost/geometry/strategies/index/cartesian.hpp>
#include <cmath>

#include "worker/functions/spatial/relations.h"

namespace skep::worker::spatial {
namespace {

double Between(const Shape& a, const Shape& b) {
  if (a.dimension > b.dimension) return Between(b, a);
  if (a.dimension == 0) {
    if (b.dimension == 0) {
      if (a.points.size() == 1 && b.points.size() == 1) {
        return std::hypot(a.points[0].x() - b.points[0].x(), a.points[0].y() - b.points[0].y());
      }
      return bg::distance(a.points, b.points);
    }
    if (b.dimension == 1) return bg::distance(a.points, b.lines);
    return bg::distance(a.points, b.polygons);
  }
  if (a.dimension == 1) {
    if (b.dimension == 1) return bg::distance(a.lines, b.lines);
    return bg::distance(a.lines, b.polygons);
  }
  return bg::distance(a.polygons, b.polygons);
}

}  // namespace

std::optional<double> Distance(const Shape& a, const Shape& b) {
  CheckPair(a, b);
  if (a.empty || b.empty) return std::nullopt;
  double distance = 0;
  Guarded([&] { distance = Between(a, b); });
  return distance;
}

}  // namespace skep::worker::spatial
