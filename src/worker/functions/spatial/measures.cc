#include "worker/functions/spatial/measures.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace skep::worker::spatial {
namespace {

using Role = Sequence::Role;
using std::numbers::pi;

void Widen(std::optional<Extent>& extent, const Sequence& sequence, size_t coordinate) {
  for (size_t i = 0; i < sequence.count; i++) {
    const double value = sequence.At(i, coordinate);
    if (!extent) {
      extent = Extent{value, value};
    } else {
      extent->low = std::min(extent->low, value);
      extent->high = std::max(extent->high, value);
    }
  }
}

double SumSegments(const Sequence& sequence) {
  double sum = 0;
  for (size_t i = 1; i < sequence.count; i++)
    sum += std::hypot(sequence.X(i) - sequence.X(i - 1), sequence.Y(i) - sequence.Y(i - 1));
  return sum;
}

double Radians(double degrees) { return degrees * (pi / 180); }

double Haversine(double angle) {
  const double half = std::sin(angle / 2);
  return half * half;
}

}  // namespace

std::optional<Extent> ExtentOf(std::string_view stored, Axis axis) {
  std::optional<Extent> extent;
  Walk(stored, [&](const Sequence& sequence) {
    const Dimensions dimensions = sequence.dimensions;
    switch (axis) {
      case Axis::kX:
      case Axis::kY:
        Widen(extent, sequence, axis == Axis::kX ? 0 : 1);
        break;
      case Axis::kZ:
        if (dimensions.z) Widen(extent, sequence, 2);
        break;
      case Axis::kM:
        if (dimensions.m) Widen(extent, sequence, dimensions.z ? 3 : 2);
    }
  });
  return extent;
}

std::optional<std::pair<Extent, Extent>> BoxOf(std::string_view stored) {
  std::optional<Extent> x, y;
  Walk(stored, [&](const Sequence& sequence) {
    Widen(x, sequence, 0);
    Widen(y, sequence, 1);
  });
  if (!x || !y) return std::nullopt;
  return std::pair{*x, *y};
}

int64_t CountPoints(std::string_view stored) {
  size_t count = 0;
  Walk(stored, [&](const Sequence& sequence) { count += sequence.count; });
  return static_cast<int64_t>(count);
}

int64_t CountRings(std::string_view stored) {
  int64_t count = 0;
  Walk(stored, [&](const Sequence& sequence) {
    if (sequence.role == Role::kExterior || sequence.role == Role::kInterior) count++;
  });
  return count;
}

double PlanarArea(std::string_view stored) {
  double area = 0;
  Walk(stored, [&](const Sequence& sequence) {
    if (sequence.role != Role::kExterior && sequence.role != Role::kInterior) return;
    if (sequence.count < 3) return;
    // Relative to the first point: far from the origin the products would lose digits.
    const double x0 = sequence.X(0), y0 = sequence.Y(0);
    double doubled = 0;
    for (size_t i = 1; i < sequence.count; i++) {
      doubled += (sequence.X(i - 1) - x0) * (sequence.Y(i) - y0) -
                 (sequence.X(i) - x0) * (sequence.Y(i - 1) - y0);
    }
    const double part = std::abs(doubled) / 2;
    area += sequence.role == Role::kExterior ? part : -part;
  });
  return area;
}

double PlanarLength(std::string_view stored) {
  double length = 0;
  Walk(stored, [&](const Sequence& sequence) {
    if (sequence.role == Role::kLine) length += SumSegments(sequence);
  });
  return length;
}

double PlanarPerimeter(std::string_view stored) {
  double length = 0;
  Walk(stored, [&](const Sequence& sequence) {
    if (sequence.role == Role::kExterior || sequence.role == Role::kInterior)
      length += SumSegments(sequence);
  });
  return length;
}

double SphereDistance(XY a, XY b, double radius) {
  const double part = Haversine(Radians(b.second) - Radians(a.second)) +
                      std::cos(Radians(a.second)) * std::cos(Radians(b.second)) *
                          Haversine(Radians(b.first) - Radians(a.first));
  return 2 * std::asin(std::sqrt(std::min(part, 1.0))) * radius;
}

double SphereLength(std::string_view stored) {
  double length = 0;
  Walk(stored, [&](const Sequence& sequence) {
    if (sequence.role != Role::kLine) return;
    for (size_t i = 1; i < sequence.count; i++) {
      length += SphereDistance({sequence.X(i - 1), sequence.Y(i - 1)},
                               {sequence.X(i), sequence.Y(i)}, kEarthRadius);
    }
  });
  return length;
}

std::optional<double> Azimuth(XY from, XY to) {
  if (from == to) return std::nullopt;
  const double angle = std::atan2(to.first - from.first, to.second - from.second);
  return angle < 0 ? angle + 2 * pi : angle;
}

std::optional<double> ClockwiseAngle(std::optional<double> first, std::optional<double> second) {
  if (!first || !second) return std::nullopt;
  const double angle = *second - *first;
  return angle < 0 ? angle + 2 * pi : angle;
}

double SignedArea(const Geometry& ring) {
  double doubled = 0;
  for (size_t i = 1; i < ring.Points(); i++) {
    doubled += (ring.X(i - 1) - ring.X(0)) * (ring.Y(i) - ring.Y(0)) -
               (ring.X(i) - ring.X(0)) * (ring.Y(i - 1) - ring.Y(0));
  }
  return doubled;
}

}  // namespace skep::worker::spatial
