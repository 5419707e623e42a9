// Well-known text, plain and extended ("SRID=4326;POINT(1 2)"). Keywords in any case; Z, M and ZM
// follow the subtype's name. Sources: OGC 06-103r4 section 7, ST_GeomFromText, ST_AsEWKT.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "worker/functions/spatial/geometry.h"

namespace skep::worker::spatial {

struct ParsedText {
  Geometry geometry;  // its srid is 0 when the text names none
  bool names_srid = false;
};
// Throws InvalidInputException.
ParsedText ParseWkt(std::string_view text);

constexpr int kDefaultPrecision = 15;
// Significant digits; what is outside of 1 to 20 becomes the nearest of them.
int Precision(int64_t digits);
void AppendNumber(std::string& out, double number, int precision);
std::string WriteWkt(const Geometry& geometry, int precision);
std::string WriteEwkt(const Geometry& geometry, int precision);

}  // namespace skep::worker::spatial
