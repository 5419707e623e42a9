// Integers of 128 and 256 bits and powers of ten: what exact arithmetic on DECIMAL needs. The
// engine's hugeint_t is the same two words as __int128; it never leaves the vectors.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <duckdb.hpp>

namespace skep::worker {

using Int128 = __int128;
using UInt128 = unsigned __int128;
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wbit-int-extension"
using UInt256 = unsigned _BitInt(256);
#pragma clang diagnostic pop

inline Int128 ToInt128(duckdb::hugeint_t value) {
  return static_cast<Int128>(static_cast<UInt128>(static_cast<uint64_t>(value.upper)) << 64 |
                             value.lower);
}
inline duckdb::hugeint_t ToHugeint(Int128 value) {
  duckdb::hugeint_t result;
  result.lower = static_cast<uint64_t>(static_cast<UInt128>(value));
  result.upper = static_cast<int64_t>(value >> 64);
  return result;
}

// Between a vector's physical type and what is computed with.
inline Int128 Widen(duckdb::hugeint_t value) { return ToInt128(value); }
inline int64_t Widen(int64_t value) { return value; }
template <class Physical>
Physical Narrow(Int128 value) {
  if constexpr (std::is_same_v<Physical, duckdb::hugeint_t>) {
    return ToHugeint(value);
  } else {
    return static_cast<Physical>(value);
  }
}

// make.operator()<Physical>() with the integer that a vector of this DECIMAL holds.
template <class Make>
auto ByPhysicalType(const duckdb::LogicalType& decimal, Make make) {
  switch (decimal.InternalType()) {
    case duckdb::PhysicalType::INT16:
      return make.template operator()<int16_t>();
    case duckdb::PhysicalType::INT32:
      return make.template operator()<int32_t>();
    case duckdb::PhysicalType::INT64:
      return make.template operator()<int64_t>();
    default:
      return make.template operator()<duckdb::hugeint_t>();
  }
}

inline constexpr unsigned kMaxPrecision = 38;
inline constexpr unsigned kMaxScale = 37;

inline constexpr auto kPowersOfTen = [] {
  std::array<Int128, kMaxPrecision + 1> powers{};
  powers[0] = 1;
  for (size_t i = 1; i < powers.size(); i++) powers[i] = powers[i - 1] * 10;
  return powers;
}();

inline UInt128 Magnitude(Int128 value) {
  return value < 0 ? 0 - static_cast<UInt128>(value) : static_cast<UInt128>(value);
}

}  // namespace skep::worker
