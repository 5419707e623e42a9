#include "worker/functions/spatial/geohash.h"

#include <array>
#include <duckdb.hpp>

#include "worker/functions/ascii.h"

namespace skep::worker::spatial {
namespace {

constexpr std::string_view kAlphabet = "0123456789bcdefghjkmnpqrstuvwxyz";
constexpr int kBits = 5;

struct Range {
  double low, high;

  double Middle() const { return (low + high) / 2; }
  void Keep(bool upper) { (upper ? low : high) = Middle(); }
};

}  // namespace

std::string WriteGeoHash(double longitude, double latitude, size_t characters) {
  if (!(longitude >= -180 && longitude <= 180 && latitude >= -90 && latitude <= 90)) {
    throw duckdb::InvalidInputException(
        "geohash of a point outside of longitude -180 to 180 and latitude -90 to 90");
  }
  const std::array<double, 2> position{longitude, latitude};
  std::array<Range, 2> ranges{Range{-180, 180}, Range{-90, 90}};
  std::string text(characters, '0');
  size_t axis = 0;
  for (char& character : text) {
    size_t digit = 0;
    for (int bit = 0; bit < kBits; bit++, axis ^= 1) {
      const bool upper = position[axis] >= ranges[axis].Middle();
      ranges[axis].Keep(upper);
      digit = digit << 1 | (upper ? 1 : 0);
    }
    character = kAlphabet[digit];
  }
  return text;
}

Geometry ParseGeoHash(std::string_view text) {
  std::array<Range, 2> ranges{Range{-180, 180}, Range{-90, 90}};
  size_t axis = 0;
  for (const char character : text) {
    const size_t digit = kAlphabet.find(LowerLetter(character));
    if (digit == std::string_view::npos)
      throw duckdb::InvalidInputException("invalid character in a geohash");
    for (int bit = kBits - 1; bit >= 0; bit--, axis ^= 1)
      ranges[axis].Keep((digit >> bit & 1) != 0);
  }
  return NewBox(ranges[0].low, ranges[1].low, ranges[0].high, ranges[1].high);
}

}  // namespace skep::worker::spatial
