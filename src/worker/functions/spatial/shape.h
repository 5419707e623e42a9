// Values as Boost.Geometry's types, in the plane. A point is a multipoint of one and so on, which
// leaves three types to compute with. Boost.Geometry is used because the guide's printed results
// are its results, digit by digit.
#pragma once

#include <boost/geometry/core/cs.hpp>
#include <boost/geometry/geometries/box.hpp>
#include <boost/geometry/geometries/linestring.hpp>
#include <boost/geometry/geometries/multi_linestring.hpp>
#include <boost/geometry/geometries/multi_point.hpp>
#include <boost/geometry/geometries/multi_polygon.hpp>
#include <boost/geometry/geometries/point_xy.hpp>
#include <boost/geometry/geometries/polygon.hpp>
#include <functional>

#include "worker/functions/spatial/geometry.h"

namespace skep::worker::spatial {

namespace bg = boost::geometry;
using Point = bg::model::d2::point_xy<double>;
using Line = bg::model::linestring<Point>;
using Ring = bg::model::ring<Point>;  // clockwise, closed
using Polygon = bg::model::polygon<Point>;
using Points = bg::model::multi_point<Point>;
using Lines = bg::model::multi_linestring<Line>;
using Polygons = bg::model::multi_polygon<Polygon>;

// Every part of a value in one of three lists; empty ones are left out, rings are closed and turned
// so that exteriors run clockwise and interiors counterclockwise. Throws InvalidInputException for
// a coordinate that is not finite.
struct Shape {
  explicit Shape(const Geometry& geometry);

  Kind kind;
  int32_t srid;
  // What the value's subtype says, not what it holds: 0, 1, 2.
  int dimension;
  Points points;
  Lines lines;
  Polygons polygons;
  // Of all points, when there are any.
  bool empty = true;
  double x_min = 0, y_min = 0, x_max = 0, y_max = 0;

  bool BoxIntersects(const Shape& other) const {
    return !empty && !other.empty && x_min <= other.x_max && other.x_min <= x_max &&
           y_min <= other.y_max && other.y_min <= y_max;
  }
};

void AppendRing(Ring& to, const Geometry& ring);
// A polygon of the plane. Rings begin at their least point by x, then y.
Geometry ToGeometry(const Polygon& polygon);
Geometry ToGeometry(const Line& line);
Geometry ToGeometry(const Point& point);
// Empty lists give an empty value of `if_empty`, one part itself, parts of one subtype its
// multi-subtype, others a collection.
Geometry ToGeometry(const Points& points, const Lines& lines, const Polygons& polygons,
                    Kind if_empty);

// Runs `compute` and turns what Boost.Geometry throws about unfit input into
// InvalidInputException.
void Guarded(const std::function<void()>& compute);

// Throws InvalidInputException unless both have one SRID and neither is a collection.
void CheckPair(const Shape& a, const Shape& b);

}  // namespace skep::worker::spatial
