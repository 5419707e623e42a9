// ST_Buffer, of construct.h.
#include <algorithm>
#include <boost/geometry/algorithms/buffer.hpp>
#include <boost/geometry/strategies/agnostic/buffer_distance_symmetric.hpp>
#include <boost/geometry/strategies/cartesian.hpp>
#include <boost/geometry/strategies/cartesian/buffer_end_round.hpp>
#include <boost/geometry/strategies/cartesian/buffer_join_round.hpp>
#include <boost/geometry/strategies/cartesian/buffer_point_circle.hpp>
#include <boost/geometry/strategies/cartesian/buffer_side_straight.hpp>
#include <cmath>
#include <duckdb.hpp>

#include "worker/functions/spatial/construct.h"

namespace skep::worker::spatial {
namespace {

// Every vertex may become a circle.
constexpr size_t kMaximumVertices = 1u << 20;

}  // namespace

Geometry Buffer(const Geometry& geometry, double distance, int64_t segments) {
  if (geometry.kind == Kind::kCollection)
    throw duckdb::InvalidInputException("GEOMETRYCOLLECTION is not supported by this function");
  if (!std::isfinite(distance))
    throw duckdb::InvalidInputException("the distance of a buffer must be finite");
  const Shape shape(geometry);
  Polygons polygons;
  if (!shape.empty && (distance > 0 || shape.dimension == 2)) {
    size_t vertices = 0;
    ForEachLine(geometry, [&](const Geometry& line) { vertices += line.Points(); });
    const auto quarter =
        static_cast<size_t>(std::clamp<int64_t>(segments, 0, int64_t{kMaximumVertices}));
    const size_t circle = 4 * quarter;
    if (vertices * std::max<size_t>(circle, 4) > kMaximumVertices)
      throw duckdb::InvalidInputException("the buffer would have too many points");
    namespace buffer = bg::strategy::buffer;
    const buffer::distance_symmetric<double> by(distance);
    const buffer::side_straight side;
    const buffer::join_round join(circle);
    const buffer::end_round end(circle);
    const buffer::point_circle around(circle);
    Guarded([&] {
      if (shape.dimension == 0) bg::buffer(shape.points, polygons, by, side, join, end, around);
      if (shape.dimension == 1) bg::buffer(shape.lines, polygons, by, side, join, end, around);
      if (shape.dimension == 2) bg::buffer(shape.polygons, polygons, by, side, join, end, around);
    });
  }
  Geometry result = ToGeometry({}, {}, polygons, Kind::kPolygon);
  SetSrid(result, geometry.srid);
  return result;
}

}  // namespace skep::worker::spatial
