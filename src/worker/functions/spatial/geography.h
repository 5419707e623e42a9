// Lengths and areas of GEOGRAPHY values on the spheroid of their SRID, in metres and square metres.
// Computed with Andoyer's first-order formulas, as Redshift's results are; they are off by some
// metres in ten thousand kilometres.
#pragma once

#include <optional>

#include "worker/functions/spatial/geometry.h"

namespace skep::worker::spatial {

// All throw InvalidInputException when the SRID names no system of longitude and latitude.
double GeodesicArea(const Geometry& geography);
double GeodesicLength(const Geometry& geography);
double GeodesicPerimeter(const Geometry& geography);
// Of points alone; throws for others. Nothing when one is empty.
std::optional<double> GeodesicDistance(const Geometry& a, const Geometry& b);

// A geometry as a geography: SRID 0 becomes 4326. Throws InvalidInputException when the SRID is not
// of longitude and latitude.
Geometry ToGeography(Geometry geometry);

}  // namespace skep::worker::spatial
