// PostgreSQL's text and binary form of single values, byte for byte. Every writer takes where to
// write and answers the new end; it may scribble up to kFormatSlack bytes beyond that, so callers
// keep them free. Nothing here allocates, knows of rows or of the engine. Source: PostgreSQL 15,
// src/backend/utils/adt (numeric.c, datetime.c, float.c, timestamp.c).
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace skep::worker {

inline constexpr size_t kFormatSlack = 64;
inline constexpr int64_t kPostgresEpochDays = 10957;  // 2000-01-01 counted from 1970-01-01
inline constexpr int64_t kMicrosPerDay = 86'400'000'000;
using Int128 = __int128;
using UInt128 = unsigned __int128;

inline void PutBe16(char* p, uint16_t v) {
  v = __builtin_bswap16(v);
  std::memcpy(p, &v, sizeof v);
}
inline void PutBe32(char* p, uint32_t v) {
  v = __builtin_bswap32(v);
  std::memcpy(p, &v, sizeof v);
}
inline void PutBe64(char* p, uint64_t v) {
  v = __builtin_bswap64(v);
  std::memcpy(p, &v, sizeof v);
}

namespace format_detail {
struct Tables {
  char pairs[200] = {};
  uint64_t powers[20] = {};
  constexpr Tables() {
    for (int i = 0; i < 100; i++) {
      pairs[2 * i] = static_cast<char>('0' + i / 10);
      pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
    uint64_t v = 1;
    for (auto& power : powers) {
      power = v;
      v *= 10;
    }
  }
};
inline constexpr Tables kTables;

inline void Two(char* p, unsigned v) { std::memcpy(p, kTables.pairs + 2 * v, 2); }
// From the bit length: no loop and one comparison.
inline unsigned Digits(uint64_t v) {
  const auto bits = static_cast<unsigned>(64 - __builtin_clzll(v | 1));
  const unsigned t = (bits * 1233) >> 12;
  return t - (v < kTables.powers[t] ? 1 : 0) + 1;
}
// Exactly n digits, zero padded.
inline char* Fixed(char* p, uint64_t v, unsigned n) {
  char* e = p + n;
  while (v >= 100 && e - p >= 2) {
    e -= 2;
    Two(e, static_cast<unsigned>(v % 100));
    v /= 100;
  }
  if (e - p >= 2) {
    e -= 2;
    Two(e, static_cast<unsigned>(v));
  } else if (e - p == 1) {
    *--e = static_cast<char>('0' + v % 10);
  }
  while (e > p) *--e = '0';
  return p + n;
}
// Digits [.., e), at least scale + 1 of them: opens a gap for the point.
inline char* Point(char* e, unsigned scale) {
  if (scale == 0) return e;
  std::memmove(e - scale + 1, e - scale, scale);
  *(e - scale) = '.';
  return e + 1;
}
}  // namespace format_detail

inline char* PutUnsigned(char* p, uint64_t v) {
  using namespace format_detail;
  const unsigned n = v ? Digits(v) : 1;
  char* e = p + n;
  while (v >> 32) {
    const uint64_t q = v / 10000;
    const auto r = static_cast<unsigned>(v - q * 10000);
    v = q;
    e -= 4;
    Two(e, r / 100);
    Two(e + 2, r % 100);
  }
  auto w = static_cast<uint32_t>(v);
  while (w >= 100) {
    e -= 2;
    Two(e, w % 100);
    w /= 100;
  }
  if (w >= 10) {
    Two(e - 2, w);
  } else {
    e[-1] = static_cast<char>('0' + w);
  }
  return p + n;
}

inline char* PutSigned(char* p, int64_t v) {
  auto u = static_cast<uint64_t>(v);
  if (v < 0) {
    *p++ = '-';
    u = 0 - u;
  }
  return PutUnsigned(p, u);
}

inline char* PutUnsigned128(char* p, UInt128 v) {
  constexpr uint64_t kE18 = 1'000'000'000'000'000'000;
  if (!(v >> 64)) return PutUnsigned(p, static_cast<uint64_t>(v));
  p = PutUnsigned128(p, v / kE18);
  return format_detail::Fixed(p, static_cast<uint64_t>(v % kE18), 18);
}

// value / 10^scale with exactly `scale` digits behind the point.
inline char* PutDecimal(char* p, int64_t v, unsigned scale) {
  using namespace format_detail;
  auto u = static_cast<uint64_t>(v);
  if (v < 0) {
    *p++ = '-';
    u = 0 - u;
  }
  if (scale == 2) {
    const uint64_t q = u / 100;
    p = PutUnsigned(p, q);
    *p = '.';
    Two(p + 1, static_cast<unsigned>(u - q * 100));
    return p + 3;
  }
  char* e = u < kTables.powers[scale] ? Fixed(p, u, scale + 1) : PutUnsigned(p, u);
  return Point(e, scale);
}

inline char* PutDecimal128(char* p, Int128 v, unsigned scale) {
  auto u = static_cast<UInt128>(v);
  if (v < 0) {
    *p++ = '-';
    u = 0 - u;
  }
  char digits[48];
  const auto n = static_cast<unsigned>(PutUnsigned128(digits, u) - digits);
  const unsigned pad = n <= scale ? scale + 1 - n : 0;
  std::memset(p, '0', pad);
  std::memcpy(p + pad, digits, n);
  return format_detail::Point(p + pad + n, scale);
}

// numeric_send: digits in base 10000. `negative` apart from the magnitude, so that all of UInt128
// fits.
inline char* PutNumericBinary(char* p, UInt128 u, bool negative, unsigned scale) {
  const auto& powers = format_detail::kTables.powers;
  const unsigned fraction = (scale + 3) / 4, pad = fraction * 4 - scale;
  unsigned n = 0;
  uint16_t digits[12];  // the least significant first
  const auto take = [&](uint64_t x, bool all_four) {
    for (unsigned k = 0; all_four ? k < 4 : x != 0; k++) {
      digits[n++] = static_cast<uint16_t>(x % 10000);
      x /= 10000;
    }
  };
  if (u < (static_cast<UInt128>(1) << 64) / 1000) {
    take(static_cast<uint64_t>(u) * powers[pad], false);
  } else {
    if (pad) {
      digits[n++] = static_cast<uint16_t>(static_cast<uint64_t>(u % powers[4 - pad]) * powers[pad]);
      u /= powers[4 - pad];
    }
    while (u >> 64) {
      take(static_cast<uint64_t>(u % powers[16]), true);
      u /= powers[16];
    }
    take(static_cast<uint64_t>(u), false);
  }
  unsigned low = 0;
  while (low < n && !digits[low]) low++;
  while (n > low && !digits[n - 1]) n--;
  const unsigned count = n - low;
  const int weight = count ? static_cast<int>(n) - static_cast<int>(fraction) - 1 : 0;
  PutBe16(p, static_cast<uint16_t>(count));
  PutBe16(p + 2, static_cast<uint16_t>(weight));
  PutBe16(p + 4, negative && count ? 0x4000 : 0);
  PutBe16(p + 6, static_cast<uint16_t>(scale));
  p += 8;
  for (unsigned i = n; i > low; i--) {
    PutBe16(p, digits[i - 1]);
    p += 2;
  }
  return p;
}

// The shortest digits that read back as the same number. Fixed notation for 1e-4 <= |d| < 1e15
// (float4: 1e6), else d.ddde+XX.
template <class Float>
inline char* PutFloat(char* p, Float d) {
  using namespace format_detail;
  constexpr int kFixedBelow = sizeof(Float) == 8 ? 15 : 6;
  const auto put = [&](const char* text) {
    const size_t n = std::strlen(text);
    std::memcpy(p, text, n);
    return p + n;
  };
  if (std::isnan(d)) return put("NaN");
  if (std::isinf(d)) return put(d > 0 ? "Infinity" : "-Infinity");
  if (std::signbit(d)) {
    *p++ = '-';
    d = -d;
  }
  if (d == 0) {
    *p++ = '0';
    return p;
  }
  if constexpr (sizeof(Float) == 8) {
    // Amounts of money: at most 15 digits map one to one to doubles, so r / 100 == d proves that
    // r / 100 is the shortest form.
    if (d < 1e12 && d >= 1e-4) {
      const auto r = static_cast<uint64_t>(d * 100 + 0.5);
      if (static_cast<double>(r) / 100 == d) {
        const uint64_t q = r / 100;
        const auto f = static_cast<unsigned>(r - q * 100);
        p = PutUnsigned(p, q);
        if (f) {
          *p = '.';
          Two(p + 1, f);
          p += f % 10 ? 3 : 2;
        }
        return p;
      }
    }
  }
  const auto x = fmt::detail::dragonbox::to_decimal(d);
  const uint64_t significand = x.significand;
  const unsigned n = Digits(significand);
  const int exponent = x.exponent + static_cast<int>(n) - 1;
  if (exponent < -4 || exponent >= kFixedBelow) {
    PutUnsigned(p + 1, significand);
    p[0] = p[1];
    if (n > 1) {
      p[1] = '.';
      p += n + 1;
    } else {
      p += 1;
    }
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    const auto magnitude = static_cast<unsigned>(std::abs(exponent));
    if (magnitude < 10) *p++ = '0';
    return PutUnsigned(p, magnitude);
  }
  if (x.exponent >= 0) {
    p = PutUnsigned(p, significand);
    std::memset(p, '0', static_cast<size_t>(x.exponent));
    return p + x.exponent;
  }
  const auto scale = static_cast<unsigned>(-x.exponent);
  char* e = n <= scale ? Fixed(p, significand, scale + 1) : PutUnsigned(p, significand);
  return Point(e, scale);
}

// Days since 1970-01-01 as YYYY-MM-DD; answers whether the year is before Christ, whose mark stands
// behind the time of a timestamp. After Neri and Schneider, "Euclidean affine functions".
inline char* PutCalendarDay(char* p, int64_t days, bool& before_christ) {
  using namespace format_detail;
  int64_t shifted = days + 719468;
  uint64_t eras = 0;  // whole cycles of 400 years, far past only
  if (shifted < 0) {
    eras = static_cast<uint64_t>(-shifted) / 146097 + 1;
    shifted += static_cast<int64_t>(eras * 146097);
  }
  const uint64_t n1 = 4 * static_cast<uint64_t>(shifted) + 3, century = n1 / 146097;
  const uint32_t n2 = 4 * static_cast<uint32_t>(n1 % 146097 / 4) + 3;
  const uint64_t p2 = 2939745ull * n2;
  const auto year_of_century = static_cast<uint32_t>(p2 >> 32);
  const uint32_t day_of_year = static_cast<uint32_t>(p2) / 2939745 / 4;
  const uint32_t n3 = 2141 * day_of_year + 197913;
  const bool next_year = day_of_year >= 306;
  int64_t year = static_cast<int64_t>(100 * century + year_of_century) + next_year -
                 static_cast<int64_t>(eras) * 400;
  const unsigned month = (n3 >> 16) - (next_year ? 12 : 0), day = (n3 & 0xffff) / 2141 + 1;
  before_christ = year <= 0;
  if (before_christ) year = 1 - year;
  if (year < 10000) {
    Two(p, static_cast<unsigned>(year) / 100);
    Two(p + 2, static_cast<unsigned>(year) % 100);
    p += 4;
  } else {
    p = PutUnsigned(p, static_cast<uint64_t>(year));
  }
  *p = '-';
  Two(p + 1, month);
  p[3] = '-';
  Two(p + 4, day);
  return p + 6;
}

inline char* PutBeforeChrist(char* p, bool yes) {
  if (!yes) return p;
  std::memcpy(p, " BC", 3);
  return p + 3;
}

// HH:MM:SS and a fraction without trailing zeros. 24:00:00 is a time, too.
inline char* PutClock(char* p, int64_t micros) {
  using namespace format_detail;
  const auto seconds = static_cast<uint32_t>(micros / 1'000'000);
  const auto fraction = static_cast<uint32_t>(micros % 1'000'000);
  Two(p, seconds / 3600);
  p[2] = ':';
  Two(p + 3, seconds / 60 % 60);
  p[5] = ':';
  Two(p + 6, seconds % 60);
  p += 8;
  if (fraction) {
    *p = '.';
    Fixed(p + 1, fraction, 6);
    p += 7;
    while (p[-1] == '0') p--;
  }
  return p;
}

// Seconds east of Greenwich: +HH, +HH:MM or +HH:MM:SS.
inline char* PutZone(char* p, int64_t east_seconds) {
  using namespace format_detail;
  *p++ = east_seconds < 0 ? '-' : '+';
  const auto s = static_cast<unsigned>(std::abs(east_seconds));
  Two(p, s / 3600);
  p += 2;
  if (s % 3600) {
    *p = ':';
    Two(p + 1, s / 60 % 60);
    p += 3;
    if (s % 60) {
      *p = ':';
      Two(p + 1, s % 60);
      p += 3;
    }
  }
  return p;
}

// The engine's infinite dates are +-INT32_MAX, its infinite timestamps +-INT64_MAX.
inline char* PutInfinity(char* p, bool positive) {
  if (positive) {
    std::memcpy(p, "infinity", 8);
    return p + 8;
  }
  std::memcpy(p, "-infinity", 9);
  return p + 9;
}

inline char* PutDate(char* p, int32_t days) {
  constexpr int32_t kInfinite = std::numeric_limits<int32_t>::max();
  if (days == kInfinite || days == -kInfinite) return PutInfinity(p, days > 0);
  bool before_christ;
  p = PutCalendarDay(p, days, before_christ);
  return PutBeforeChrist(p, before_christ);
}

// Microseconds since 1970-01-01 of the clock shown; `east_seconds` is appended when `zoned`.
inline char* PutTimestamp(char* p, int64_t micros, bool zoned = false, int64_t east_seconds = 0) {
  constexpr int64_t kInfinite = std::numeric_limits<int64_t>::max();
  if (micros == kInfinite || micros == -kInfinite) return PutInfinity(p, micros > 0);
  int64_t days = micros / kMicrosPerDay, rest = micros % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    days--;
  }
  bool before_christ;
  p = PutCalendarDay(p, days, before_christ);
  *p++ = ' ';
  p = PutClock(p, rest);
  if (zoned) p = PutZone(p, east_seconds);
  return PutBeforeChrist(p, before_christ);
}

inline char* PutDateBinary(char* p, int32_t days) {
  constexpr int32_t kInfinite = std::numeric_limits<int32_t>::max();
  uint32_t v = static_cast<uint32_t>(days) - static_cast<uint32_t>(kPostgresEpochDays);
  if (days == kInfinite) v = 0x7fffffffu;
  if (days == -kInfinite) v = 0x80000000u;
  PutBe32(p, v);
  return p + 4;
}

inline char* PutTimestampBinary(char* p, int64_t micros) {
  constexpr int64_t kInfinite = std::numeric_limits<int64_t>::max();
  uint64_t v =
      static_cast<uint64_t>(micros) - static_cast<uint64_t>(kPostgresEpochDays * kMicrosPerDay);
  if (micros == kInfinite) v = static_cast<uint64_t>(kInfinite);
  if (micros == -kInfinite) v = uint64_t{1} << 63;
  PutBe64(p, v);
  return p + 8;
}

// IntervalStyle postgres: "1 year 2 mons -3 days +04:05:06.7".
inline char* PutInterval(char* p, int32_t months, int32_t days, int64_t micros) {
  bool empty = true, negative_before = false;
  const auto part = [&](int64_t value, const char* unit) {
    if (value == 0) return;
    if (!empty) *p++ = ' ';
    if (negative_before && value > 0) *p++ = '+';
    p = PutSigned(p, value);
    *p++ = ' ';
    const size_t n = std::strlen(unit);
    std::memcpy(p, unit, n);
    p += n;
    if (value != 1) *p++ = 's';
    negative_before = value < 0;
    empty = false;
  };
  part(months / 12, "year");
  part(months % 12, "mon");
  part(days, "day");
  if (empty || micros != 0) {
    if (!empty) *p++ = ' ';
    if (micros < 0) {
      *p++ = '-';
    } else if (negative_before) {
      *p++ = '+';
    }
    const uint64_t u =
        micros < 0 ? 0 - static_cast<uint64_t>(micros) : static_cast<uint64_t>(micros);
    constexpr uint64_t kMicrosPerHour = 3'600'000'000;
    const uint64_t hours = u / kMicrosPerHour;
    if (hours >= 100) {
      p = PutUnsigned(p, hours);
    } else {
      format_detail::Two(p, static_cast<unsigned>(hours));
      p += 2;
    }
    char clock[32];  // PutClock's own hours are dropped
    const char* end = PutClock(clock, static_cast<int64_t>(u % kMicrosPerHour));
    const auto n = static_cast<size_t>(end - clock) - 2;
    std::memcpy(p, clock + 2, n);
    p += n;
  }
  return p;
}

inline char* PutUuid(char* p, uint64_t high, uint64_t low) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (int i = 0; i < 32; i++) {
    const uint64_t half = i < 16 ? high : low;
    if (i == 8 || i == 12 || i == 16 || i == 20) *p++ = '-';
    *p++ = kHex[half >> (60 - 4 * (i & 15)) & 15];
  }
  return p;
}

// \x and two digits a byte.
inline char* PutHex(char* p, const char* data, size_t size) {
  static constexpr char kHex[] = "0123456789abcdef";
  *p++ = '\\';
  *p++ = 'x';
  for (size_t i = 0; i < size; i++) {
    const auto b = static_cast<unsigned char>(data[i]);
    *p++ = kHex[b >> 4];
    *p++ = kHex[b & 15];
  }
  return p;
}

}  // namespace skep::worker
