// GeoJSON of a geometry (RFC 7946 section 3.1): no features, no bounding boxes; M is not written.
#pragma once

#include <string>
#include <string_view>

#include "worker/functions/spatial/geometry.h"

namespace skep::worker::spatial {

// 3DZ when a point has three numbers or more (0 for points of two), else 2D; SRID 4326.
// Throws InvalidInputException.
Geometry ParseGeoJson(std::string_view text);
std::string WriteGeoJson(const Geometry& geometry, int precision);

}  // namespace skep::worker::spatial
