// Numbers of stored values: boxes, counts, planar lengths and areas, lengths on the sphere, angles.
// All read the bytes once and build nothing. They look at x and y alone unless they say otherwise.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "worker/functions/spatial/ewkb.h"

namespace skep::worker::spatial {

struct Extent {
  double low, high;
};
enum class Axis : uint8_t { kX, kY, kZ, kM };
// Nothing when the value has no such coordinate or no points.
std::optional<Extent> ExtentOf(std::string_view stored, Axis axis);
// Of x and y.
std::optional<std::pair<Extent, Extent>> BoxOf(std::string_view stored);

int64_t CountPoints(std::string_view stored);
int64_t CountRings(std::string_view stored);
// In units of the coordinates.
double PlanarArea(std::string_view stored);
double PlanarLength(std::string_view stored);
double PlanarPerimeter(std::string_view stored);

// Metres; the mean radius of WGS 84's ellipsoid, (2a + b) / 3.
constexpr double kEarthRadius = (2 * 6378137.0 + 6356752.314245179) / 3;
using XY = std::pair<double, double>;
// Along the great circle, in units of `radius`; longitude and latitude in degrees.
double SphereDistance(XY a, XY b, double radius);
double SphereLength(std::string_view stored);

// Radians clockwise from north, in [0, 2 pi); nothing when both points are the same.
std::optional<double> Azimuth(XY from, XY to);
// The clockwise turn from the first direction to the second, in [0, 2 pi).
std::optional<double> ClockwiseAngle(std::optional<double> first, std::optional<double> second);

// Twice the area of a ring, positive when it runs counterclockwise.
double SignedArea(const Geometry& ring);

}  // namespace skep::worker::spatial
