#include "worker/functions/super_number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "worker/functions/ascii.h"
#include "worker/functions/wide_integers.h"

namespace skep::worker {
namespace {

// 0.d1d2d3... * 10^exponent, without zeros at either end.
struct Digits {
  bool negative = false;
  int exponent = 0;
  size_t count = 0;
  std::array<char, 64> digits{};
};

Digits Split(std::string_view number) {
  Digits result;
  size_t at = 0;
  if (!number.empty() && number[0] == '-') {
    result.negative = true;
    at = 1;
  }
  bool after_point = false;
  for (; at < number.size(); at++) {
    const char c = number[at];
    if (c == '.') {
      after_point = true;
      continue;
    }
    if (!IsDigit(c)) break;
    if (result.count == 0 && c == '0') {
      if (after_point) result.exponent--;
      continue;
    }
    if (!after_point) result.exponent++;
    if (result.count < result.digits.size()) result.digits[result.count++] = c;
  }
  if (at < number.size() && (number[at] == 'e' || number[at] == 'E')) {
    at++;
    if (at < number.size() && number[at] == '+') at++;
    int exponent = 0;
    std::from_chars(number.data() + at, number.data() + number.size(), exponent);
    result.exponent += exponent;
  }
  while (result.count > 0 && result.digits[result.count - 1] == '0') result.count--;
  if (result.count == 0) {
    result.negative = false;
    result.exponent = 0;
  }
  return result;
}

// Small integers, by far the most frequent, need no digits.
bool ReadShort(std::string_view number, int64_t& value) {
  if (number.size() > 18) return false;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  return error == std::errc() && end == number.data() + number.size();
}

template <class T>
void AppendScientific(std::string& out, T value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  if (value == 0) value = 0;  // no negative zero
  char text[48];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  // The exponent has two digits or more there; here as many as it needs.
  char* e = std::find(text, end.ptr, 'e');
  char* digits = e + 2;
  while (digits + 1 < end.ptr && *digits == '0') digits++;
  out.append(text, e + 2);
  out.append(digits, end.ptr);
}

}  // namespace

bool IsFloat(std::string_view number) { return number.find('e') != std::string_view::npos; }

__int128 PowerOfTen(int exponent) {
  return kPowersOfTen[static_cast<size_t>(std::clamp(exponent, 0, kMaxDecimalDigits))];
}

int DecimalScale(std::string_view number) {
  const size_t point = number.find('.');
  return point == std::string_view::npos ? 0 : static_cast<int>(number.size() - point - 1);
}

int DecimalPrecision(std::string_view number) {
  int digits = 0;
  for (const char c : number) {
    if (c == '.') break;
    if (!IsDigit(c)) continue;
    if (digits > 0 || c != '0') digits++;
  }
  return std::max(digits + DecimalScale(number), 1);
}

bool ReadDecimal(std::string_view number, Decimal& decimal) {
  if (int64_t value = 0; ReadShort(number, value)) {
    decimal = {value, 0};
    return true;
  }
  if (IsFloat(number)) {
    const Digits split = Split(number);
    const int scale = std::max(0, static_cast<int>(split.count) - split.exponent);
    if (scale > kMaxDecimalDigits || split.exponent > kMaxDecimalDigits) return false;
    const int zeros = split.exponent + scale - static_cast<int>(split.count);
    if (static_cast<int>(split.count) + zeros > kMaxDecimalDigits) return false;
    __int128 value = 0;
    for (size_t i = 0; i < split.count; i++) value = value * 10 + (split.digits[i] - '0');
    value *= PowerOfTen(zeros);
    decimal = {split.negative ? -value : value, scale};
    return true;
  }
  if (DecimalPrecision(number) > kMaxDecimalDigits) return false;
  __int128 value = 0;
  for (const char c : number) {
    if (IsDigit(c)) value = value * 10 + (c - '0');
  }
  decimal = {!number.empty() && number[0] == '-' ? -value : value, DecimalScale(number)};
  return true;
}

bool ReadDecimal(std::string_view number, int precision, int scale, __int128& value) {
  Decimal decimal;
  if (!ReadDecimal(number, decimal)) {
    // A float too small or too fine: what is left of it at 38 digits decides.
    const double read = ReadDouble(number);
    if (!(std::fabs(read) < 1e-37)) return false;
    decimal = {0, 0};
  }
  value = decimal.value;
  if (decimal.scale > scale) {
    const __int128 divisor = PowerOfTen(decimal.scale - scale);
    const __int128 rest = value % divisor;
    value /= divisor;
    if (rest >= divisor - rest) value++;
    if (-rest >= divisor + rest) value--;
  } else if (decimal.scale < scale) {
    if (__builtin_mul_overflow(value, PowerOfTen(scale - decimal.scale), &value)) return false;
  }
  const __int128 limit = PowerOfTen(precision);
  return value < limit && value > -limit;
}

double ReadDouble(std::string_view number) {
  double value = 0;
  const auto result = std::from_chars(number.data(), number.data() + number.size(), value);
  if (result.ec == std::errc::result_out_of_range) {
    return IsFloat(number) && number.find("e-") != std::string_view::npos ? 0 : HUGE_VAL;
  }
  return value;
}

void AppendDecimal(std::string& out, Decimal decimal) {
  char digits[48];
  char* at = digits + sizeof digits;
  const bool negative = decimal.value < 0;
  unsigned __int128 rest = negative ? -static_cast<unsigned __int128>(decimal.value)
                                    : static_cast<unsigned __int128>(decimal.value);
  int written = 0;
  while (rest > 0 || written <= decimal.scale) {
    if (written == decimal.scale && decimal.scale > 0) *--at = '.';
    *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    written++;
  }
  if (negative) *--at = '-';
  out.append(at, static_cast<size_t>(digits + sizeof digits - at));
}

void AppendFloat(std::string& out, double value) { AppendScientific(out, value); }
void AppendFloat(std::string& out, float value) { AppendScientific(out, value); }

int CompareNumbers(std::string_view a, std::string_view b) {
  int64_t x = 0;
  int64_t y = 0;
  if (ReadShort(a, x) && ReadShort(b, y)) return x < y ? -1 : static_cast<int>(x > y);
  const Digits p = Split(a);
  const Digits q = Split(b);
  const int sign_p = p.count == 0 ? 0 : (p.negative ? -1 : 1);
  const int sign_q = q.count == 0 ? 0 : (q.negative ? -1 : 1);
  if (sign_p != sign_q) return sign_p < sign_q ? -1 : 1;
  if (sign_p == 0) return 0;
  int order = p.exponent < q.exponent ? -1 : static_cast<int>(p.exponent > q.exponent);
  if (order == 0) order = std::memcmp(p.digits.data(), q.digits.data(), std::min(p.count, q.count));
  if (order == 0) order = p.count < q.count ? -1 : static_cast<int>(p.count > q.count);
  return order * sign_p;
}

void AppendNumberKey(std::string& out, std::string_view number) {
  const Digits split = Split(number);
  if (split.count == 0) {
    out.push_back('\x80');
    return;
  }
  // Negative numbers are the complement of positive ones.
  const unsigned char flip = split.negative ? 0xFF : 0x00;
  const auto put = [&](unsigned byte) { out.push_back(static_cast<char>(byte ^ flip)); };
  out.push_back(split.negative ? '\x7F' : '\x81');
  const auto exponent = static_cast<unsigned>(split.exponent + 0x8000);
  put((exponent >> 8U) & 0xFFU);
  put(exponent & 0xFFU);
  for (size_t i = 0; i < split.count; i += 2) {
    const int high = split.digits[i] - '0';
    const int low = i + 1 < split.count ? split.digits[i + 1] - '0' : 0;
    put(static_cast<unsigned>(high * 10 + low + 1));
  }
  put(0);
}

}  // namespace skep::worker
