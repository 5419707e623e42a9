// The spatial reference systems that an SRID may name, and moving coordinates from one to another.
// Definitions are those of the EPSG registry (reference_systems.def).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "worker/functions/spatial/geometry.h"

namespace skep::worker::spatial {

struct Spheroid {
  double equatorial_radius, polar_radius;  // metres
};
// Of a system of longitude and latitude; nothing of other systems and of unknown SRIDs.
std::optional<Spheroid> SpheroidOf(int32_t srid);

bool IsKnownSrid(int32_t srid);

// ST_Transform. Throws InvalidInputException for an SRID that is not known and for coordinates that
// the target system cannot express.
Geometry Transformed(const Geometry& geometry, int32_t srid);

}  // namespace skep::worker::spatial
