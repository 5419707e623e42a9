// One record of a shapefile's .shp as a GEOMETRY. The bytes are hostile: each count is checked
// against what is left before it is used, and the work for rings is bounded. Source: Esri,
// "ESRI Shapefile Technical Description" (1998), "Main File Record Contents".
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "worker/copy/conversion.h"
#include "worker/functions/spatial/geometry.h"

namespace skep::worker::copy {

// `content` is a record behind its header. Points and multipoints are what they are called, lines
// and polygons of more than one part are multi-subtypes. Clockwise rings are exteriors; others are
// holes of the smallest exterior around them. Measures that all say "no data" are left out.
// Nothing: a null shape. Error: why the record is no shape.
std::expected<std::optional<spatial::Geometry>, Rejection> ReadShape(std::string_view content,
                                                                     int32_t srid);

// What SIMPLIFY says.
struct Simplification {
  bool only_too_large = false;      // AUTO
  std::optional<double> tolerance;  // of AUTO: at most; nothing: as much as it takes
};

// What became of a value that had to be simpler.
struct Simplified {
  size_t initial_bytes = 0, final_bytes = 0;
  double tolerance = 0;
  bool fits = false;
};

// The stored form of `geometry`, made simpler as `how` says (the Ramer-Douglas-Peucker algorithm).
// AUTO finds the least tolerance, to a thousandth, with which the value fits. Error: the reason
// that the guide's "Loading a shapefile" shows for a value that stays too large. `simplified` is
// set when AUTO had something to do.
std::expected<std::string, Rejection> StoredShape(const spatial::Geometry& geometry,
                                                  const std::optional<Simplification>& how,
                                                  std::optional<Simplified>& simplified);

}  // namespace skep::worker::copy
