// Numbers inside of SUPER values. An integer or decimal keeps its digits and scale as written
// ("5.00"); a floating point number is written with an exponent ("2.22e+0"), which is how the two
// kinds are told apart. Source: r_is_float.md, r_decimal_scale.md, limitations-super.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace skep::worker {

inline constexpr int kMaxDecimalDigits = 38;

// value / 10^scale.
struct Decimal {
  __int128 value = 0;
  int scale = 0;
};

bool IsFloat(std::string_view number);
// 10^exponent, 0 to 38.
__int128 PowerOfTen(int exponent);
// Digits of a decimal, at least its scale and 1. Sign and leading zeros do not count.
int DecimalPrecision(std::string_view number);
int DecimalScale(std::string_view number);

// An exact number of at most 38 digits, or of a float its shortest digits; false if it does not
// fit.
bool ReadDecimal(std::string_view number, Decimal& decimal);
// The same rounded half away from zero to `scale`, of at most `precision` digits.
bool ReadDecimal(std::string_view number, int precision, int scale, __int128& value);
double ReadDouble(std::string_view number);

void AppendDecimal(std::string& out, Decimal decimal);
// Infinity and NaN, which JSON lacks, become null.
void AppendFloat(std::string& out, double value);
void AppendFloat(std::string& out, float value);

// Less than, equal to or greater than 0, by value whatever the kinds.
int CompareNumbers(std::string_view a, std::string_view b);

// Appends bytes that compare as the numbers do.
void AppendNumberKey(std::string& out, std::string_view number);

}  // namespace skep::worker
