#include "worker/pg_format.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "worker/wire_rows.h"

namespace skep::worker {
namespace {

// What a writer wrote. It may scribble kFormatSlack beyond its end and nothing before its start.
template <class Write>
std::string Written(Write write) {
  char buffer[8 + 128 + kFormatSlack];
  std::memset(buffer, '#', sizeof buffer);
  const char* end = write(buffer + 8);
  EXPECT_EQ(std::string_view(buffer, 8), "########");
  EXPECT_GE(end, buffer + 8);
  EXPECT_LE(end, buffer + 8 + 112);  // the encoder's bound
  return {static_cast<const char*>(buffer + 8), end};
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(),
                 kInfinity = std::numeric_limits<double>::infinity();

// The literals of this file are PostgreSQL 15's own output.

TEST(PgFormat, WritesDoublesAsPostgresDoes) {
  const std::pair<double, const char*> rows[] = {
      {0.0, "0"},
      {-0.0, "-0"},
      {1, "1"},
      {-1.5, "-1.5"},
      {0.1, "0.1"},
      {0.3333333333333333, "0.3333333333333333"},
      {1e15, "1e+15"},
      {999999999999999, "999999999999999"},
      {123456789012345.6, "123456789012345.6"},
      {1e14, "100000000000000"},
      {1e-4, "0.0001"},
      {1e-5, "1e-05"},
      {1.5e-5, "1.5e-05"},
      {0.00012345678901234567, "0.00012345678901234567"},
      {1e22, "1e+22"},
      {1e100, "1e+100"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {2.2250738585072014e-308, "2.2250738585072014e-308"},
      {kNan, "NaN"},
      {-kNan, "NaN"},
      {kInfinity, "Infinity"},
      {-kInfinity, "-Infinity"},
      {12.3, "12.3"},
      {1234567.89, "1234567.89"},
      {999999999999.99, "999999999999.99"},
      {1000000000000.01, "1000000000000.01"},
      {-0.01, "-0.01"},
      {9007199254740993.0, "9.007199254740992e+15"},
      {0.005, "0.005"},
      {123.456, "123.456"},
      {9.999e-5, "9.999e-05"},
      {99.995, "99.995"},
      {100, "100"},
      {0.5, "0.5"},
      {0.05, "0.05"}};
  for (const auto& [value, text] : rows)
    EXPECT_EQ(Written([&](char* p) { return PutFloat(p, value); }), text);
}

TEST(PgFormat, WritesFloatsAsPostgresDoes) {
  const std::pair<float, const char*> rows[] = {{0.0f, "0"},
                                                {-0.0f, "-0"},
                                                {0.1f, "0.1"},
                                                {1e6f, "1e+06"},
                                                {999999.f, "999999"},
                                                {123456.7f, "123456.7"},
                                                {1234567.f, "1.234567e+06"},
                                                {0.0001f, "0.0001"},
                                                {0.00001f, "1e-05"},
                                                {3.4028235e38f, "3.4028235e+38"},
                                                {1e-45f, "1e-45"},
                                                {16777216.f, "1.6777216e+07"},
                                                {3.1415927f, "3.1415927"},
                                                {0.3f, "0.3"},
                                                {static_cast<float>(kNan), "NaN"},
                                                {static_cast<float>(kInfinity), "Infinity"}};
  for (const auto& [value, text] : rows)
    EXPECT_EQ(Written([&](char* p) { return PutFloat(p, value); }), text);
}

TEST(PgFormat, WritesShortestDoublesThatReadBackAsTheSame) {
  uint64_t seed = 88172645463325252;  // xorshift64
  for (int i = 0; i < 200'000; i++) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    double d;
    std::memcpy(&d, &seed, sizeof d);
    if (i % 2 == 0)
      d = static_cast<double>(static_cast<int64_t>(seed % 2'000'000'000'000) - 1'000'000'000'000) /
          100;
    if (!std::isfinite(d)) continue;
    const std::string text = Written([&](char* p) { return PutFloat(p, d); });
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), d) << text;
    std::string digits;
    for (const char c : text.substr(0, text.find('e'))) {
      if (c >= '0' && c <= '9' && !(digits.empty() && c == '0')) digits += c;
    }
    if (text.find('.') == std::string::npos) digits.erase(digits.find_last_not_of('0') + 1);
    ASSERT_LE(digits.size(), 17u) << text;
  }
}

TEST(PgFormat, WritesIntegersOfAnyLength) {
  for (int64_t power = 1; power <= 1'000'000'000'000'000'000; power *= 10) {
    for (const int64_t v : {power, power - 1, -power, 1 - power}) {
      EXPECT_EQ(Written([&](char* p) { return PutSigned(p, v); }), std::to_string(v));
    }
    if (power == 1'000'000'000'000'000'000) break;
  }
  EXPECT_EQ(Written([](char* p) { return PutSigned(p, INT64_MIN); }), "-9223372036854775808");
  EXPECT_EQ(Written([](char* p) { return PutSigned(p, INT64_MAX); }), "9223372036854775807");
  EXPECT_EQ(Written([](char* p) { return PutUnsigned(p, UINT64_MAX); }), "18446744073709551615");
  EXPECT_EQ(Written([](char* p) { return PutUnsigned128(p, ~UInt128{0}); }),
            "340282366920938463463374607431768211455");
  EXPECT_EQ(Written([](char* p) {
              return PutUnsigned128(p, static_cast<UInt128>(10'000'000'000'000'000'000u) * 100);
            }),
            "1000000000000000000000");
}

TEST(PgFormat, WritesDecimalsOfEveryScale) {
  for (unsigned scale = 0; scale <= 18; scale++) {
    for (const int64_t v : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{99},
                            int64_t{-1234567890123456789}, int64_t{999999999999999999}}) {
      std::string digits = std::to_string(v < 0 ? -v : v);
      if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
      std::string text = (v < 0 ? "-" : "") + digits;
      if (scale > 0) text.insert(text.size() - scale, ".");
      EXPECT_EQ(Written([&](char* p) { return PutDecimal(p, v, scale); }), text);
      EXPECT_EQ(Written([&](char* p) { return PutDecimal128(p, v, scale); }), text);
    }
  }
}

TEST(PgFormat, WritesBinaryNumericsInBase10000) {
  struct Row {
    Int128 value;
    unsigned scale;
    const char* hex;
  };
  const Int128 kNines =
      static_cast<Int128>(9'999'999'999'999'999'999u) * 10'000'000'000'000'000'000u +
      9'999'999'999'999'999'999u;  // 38
  const Row rows[] = {
      {0, 2, "0000000000000002"},
      {9999, 2, "0002000000000002006326ac"},
      {-9999, 2, "0002000040000002006326ac"},
      {1, 2, "0001ffff000000020064"},
      {10000, 2, "00010000000000020064"},
      {1234567890, 2, "000300010000000204d2162e2328"},
      {1, 4, "0001ffff000000040001"},
      {-123456789, 4, "0003000140000004000109291a85"},
      {100000000, 4, "00010001000000040001"},
      {1000000000000, 4, "00010002000000040001"},
      {12000, 4, "0002000000000004000107d0"},
      {9999, 1, "000200000000000103e72328"},
      {-5, 1, "0001ffff400000011388"},
      {123456789, 3, "0003000100000003000c0d801ed2"},
      {1, 9, "0001fffd0000000903e8"},
      {999999999999999999, 9, "00060002000000090009270f270f270f270f2328"},
      {-100000000, 9, "0001ffff4000000903e8"},
      {1, 10, "0001fffd0000000a0064"},
      {kNines, 10, "000a00060000000a270f270f270f270f270f270f270f270f270f26ac"},
      {kNines, 0, "000a0009000000000063270f270f270f270f270f270f270f270f270f"},
      {-kNines, 0, "000a0009400000000063270f270f270f270f270f270f270f270f270f"},
      {kNines, 38, "000affff00000026270f270f270f270f270f270f270f270f270f26ac"},
      {-1, 38, "0001fff6400000260064"},
      {0, 38, "0000000000000026"},
  };
  for (const auto& row : rows) {
    const bool negative = row.value < 0;
    const auto magnitude =
        negative ? 0 - static_cast<UInt128>(row.value) : static_cast<UInt128>(row.value);
    EXPECT_EQ(
        Hex(Written([&](char* p) { return PutNumericBinary(p, magnitude, negative, row.scale); })),
        row.hex);
  }
  EXPECT_EQ(Hex(Written([](char* p) { return PutNumericBinary(p, ~UInt128{0}, false, 0); })),
            "000a00090000000001540b071a2403aa121a18c111ff10dd1aa505af");
}

TEST(PgFormat, WritesDaysOfEveryAge) {
  struct Row {
    int32_t days;
    const char* text;
    const char* hex;
  };
  const Row rows[] = {
      {19782, "2024-02-29", "00002279"},      {10957, "2000-01-01", "00000000"},
      {10956, "1999-12-31", "ffffffff"},      {0, "1970-01-01", "ffffd533"},
      {-719162, "0001-01-01", "fff4dbf9"},    {-719163, "0001-12-31 BC", "fff4dbf8"},
      {-735160, "0044-03-15 BC", "fff49d7b"}, {3663382, "12000-01-01", "0037bb49"},
      {2932896, "9999-12-31", "002c95d3"},    {INT32_MAX, "infinity", "7fffffff"},
      {-INT32_MAX, "-infinity", "80000000"}};
  for (const auto& row : rows) {
    EXPECT_EQ(Written([&](char* p) { return PutDate(p, row.days); }), row.text);
    EXPECT_EQ(Hex(Written([&](char* p) { return PutDateBinary(p, row.days); })), row.hex)
        << row.text;
  }
  // A walk over 1200 years: the day after follows, months have their lengths.
  int year = 1601, month = 1, day = 1;
  for (int32_t days = -134774; year < 2801; days++) {
    ASSERT_EQ(Written([&](char* p) { return PutDate(p, days); }),
              fmt::format("{:04}-{:02}-{:02}", year, month, day));
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    const int lengths[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (++day > lengths[month - 1]) {
      day = 1;
      if (++month > 12) month = 1, year++;
    }
  }
}

TEST(PgFormat, WritesTimestampsOfEveryAge) {
  struct Row {
    int64_t micros;
    const char* text;
    const char* hex;
  };
  const int64_t day = kMicrosPerDay;
  const Row rows[] = {
      {19782 * day + day - 1, "2024-02-29 23:59:59.999999", "0002b58cd363bfff"},
      {10957 * day, "2000-01-01 00:00:00", "0000000000000000"},
      {10957 * day - 500000, "1999-12-31 23:59:59.5", "fffffffffff85ee0"},
      {-735160 * day + day / 2 + 1, "0044-03-15 12:00:00.000001 BC", "ff1af9e8fb46d001"},
      {3663382 * day + 3723 * 1000000ll, "12000-01-01 01:02:03", "046120cf5372d8c0"},
      {100000, "1970-01-01 00:00:00.1", "fffca2fec4c9a6a0"},
      {-1, "1969-12-31 23:59:59.999999", "fffca2fec4c81fff"},
      {INT64_MAX, "infinity", "7fffffffffffffff"},
      {-INT64_MAX, "-infinity", "8000000000000000"}};
  for (const auto& row : rows) {
    EXPECT_EQ(Written([&](char* p) { return PutTimestamp(p, row.micros); }), row.text);
    EXPECT_EQ(Hex(Written([&](char* p) { return PutTimestampBinary(p, row.micros); })), row.hex)
        << row.text;
  }
  EXPECT_EQ(Written([&](char* p) { return PutTimestamp(p, -735160 * day, true, 0); }),
            "0044-03-15 00:00:00+00 BC");
  EXPECT_EQ(Written([&](char* p) { return PutTimestamp(p, INT64_MAX, true, 3600); }), "infinity");
  // The last microsecond that the engine's type holds, and the first.
  EXPECT_EQ(Written([](char* p) { return PutTimestamp(p, INT64_MAX - 1); }),
            "294247-01-10 04:00:54.775806");
  EXPECT_EQ(Written([](char* p) { return PutTimestamp(p, INT64_MIN + 2); }),
            "290309-12-21 19:59:05.224194 BC");
}

TEST(PgFormat, WritesZonesToTheSecond) {
  const std::pair<int64_t, const char*> rows[] = {
      {0, "+00"},        {7200, "+02"},         {-10800, "-03"},
      {19800, "+05:30"}, {-17762, "-04:56:02"}, {57599, "+15:59:59"}};
  for (const auto& [seconds, text] : rows)
    EXPECT_EQ(Written([&](char* p) { return PutZone(p, seconds); }), text);
}

TEST(PgFormat, WritesIntervalsInPostgresStyle) {
  struct Row {
    int32_t months, days;
    int64_t micros;
    const char* text;
  };
  const int64_t second = 1'000'000, hour = 3600 * second;
  const Row rows[] = {
      {0, 0, 0, "00:00:00"},
      {12, 0, 0, "1 year"},
      {-12, 0, 0, "-1 years"},
      {1, 0, 0, "1 mon"},
      {14, 0, 0, "1 year 2 mons"},
      {-14, 0, 0, "-1 years -2 mons"},
      {0, 1, 0, "1 day"},
      {0, -3, 0, "-3 days"},
      {0, 1, -second, "1 day -00:00:01"},
      {0, -1, second, "-1 days +00:00:01"},
      {14, -3, 4 * hour + 306 * second + 700000, "1 year 2 mons -3 days +04:05:06.7"},
      {-1, 1, 0, "-1 mons +1 day"},
      {0, 0, 100 * hour, "100:00:00"},
      {0, 0, -100 * hour, "-100:00:00"},
      {0, 0, 1, "00:00:00.000001"},
      {0, 0, -1, "-00:00:00.000001"},
      {1, -1, second, "1 mon -1 days +00:00:01"},
      {2136000000, 0, 0, "178000000 years"},
      {11, 0, 0, "11 mons"},
      {0, 0, INT64_MAX, "2562047788:00:54.775807"},
      {0, 0, INT64_MIN, "-2562047788:00:54.775808"},
      {INT32_MIN, INT32_MIN, INT64_MIN,
       "-178956970 years -8 mons -2147483648 days -2562047788:00:54.775808"}};
  for (const auto& row : rows)
    EXPECT_EQ(Written([&](char* p) { return PutInterval(p, row.months, row.days, row.micros); }),
              row.text);
}

TEST(PgFormat, WritesClocksUuidsAndBytes) {
  EXPECT_EQ(Written([](char* p) { return PutClock(p, kMicrosPerDay); }), "24:00:00");
  EXPECT_EQ(Written([](char* p) { return PutClock(p, 45296789000); }), "12:34:56.789");
  EXPECT_EQ(Written([](char* p) { return PutClock(p, 1); }), "00:00:00.000001");
  EXPECT_EQ(Written([](char* p) { return PutUuid(p, 0xa0eebc999c0b4ef8, 0xbb6d6bb9bd380a11); }),
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
  EXPECT_EQ(Written([](char* p) { return PutHex(p, "\x00\xff\x10", 3); }), "\\x00ff10");
}

}  // namespace
}  // namespace skep::worker
