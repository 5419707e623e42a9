#include "worker/functions/float_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>

namespace skep::worker {
namespace {

template <class Float>
std::string Text(Float value) {
  char text[kFloatTextBytes];
  return {text, PutRoundedFloat(text, value)};
}

std::string Printed(double value, const char* format) {
  char text[64];
  const int size = std::snprintf(text, sizeof text, format, value);
  return {text, static_cast<size_t>(size)};
}

TEST(FloatText, WritesWhatPrintfWrites) {
  for (const double value :
       {1.0, -1.5, 0.1, 1.0 / 3, 2.0 / 3, 1e15, 999999999999999.4, 999999999999999.9, 1e-5,
        0.00012345678901234567, 123456789012345678.0, 5e-324, 1.7976931348623157e308,
        0.30000000000000004, 9.999999999999999e22, -2.2250738585072014e-308, 1234567890123455.0,
        100000.0}) {
    EXPECT_EQ(Text(value), Printed(value, "%.15g"));
    EXPECT_EQ(Text(static_cast<float>(value)),
              std::isinf(static_cast<float>(value))
                  ? "Infinity"
                  : Printed(static_cast<double>(static_cast<float>(value)), "%.6g"));
  }
}

TEST(FloatText, WritesAnyBitsAsPrintfDoes) {
  std::mt19937_64 random(5);  // NOLINT: the same each time
  for (int i = 0; i < 200000; i++) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(Text(value), Printed(value, "%.15g"));
    const auto narrow = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (!std::isfinite(narrow)) continue;
    ASSERT_EQ(Text(narrow), Printed(static_cast<double>(narrow), "%.6g"));
  }
}

TEST(FloatText, NamesWhatIsNotFinite) {
  EXPECT_EQ(Text(std::numeric_limits<double>::infinity()), "Infinity");
  EXPECT_EQ(Text(-std::numeric_limits<float>::infinity()), "-Infinity");
  EXPECT_EQ(Text(std::numeric_limits<double>::quiet_NaN()), "NaN");
}

}  // namespace
}  // namespace skep::worker
