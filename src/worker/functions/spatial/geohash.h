// Geohash: a point of longitude and latitude as interleaved bits in base 32, longitude first.
// Source: the public description of geohash.org; ST_GeoHash, ST_GeomFromGeoHash.
#pragma once

#include <string>
#include <string_view>

#include "worker/functions/spatial/geometry.h"

namespace skep::worker::spatial {

constexpr int64_t kMaximumGeoHash = 65535;

// Throws InvalidInputException for a point outside of -180..180, -90..90.
std::string WriteGeoHash(double longitude, double latitude, size_t characters);
// The box of the geohash: a polygon, or what it shrinks to when doubles cannot hold it. Throws
// InvalidInputException for another character.
Geometry ParseGeoHash(std::string_view text);

}  // namespace skep::worker::spatial
