// Formats of numbers: "999G999D99S" compiled once, written by TO_CHAR and read by TO_NUMBER.
// Source: developer guide, "Numeric format strings"; PostgreSQL's formatting rules where the guide
// is silent. The currency symbol is "$", the decimal point ".", the group separator ",".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace skep::worker {

// A decimal number as its digits.
struct DecimalDigits {
  bool negative = false;
  std::string whole;     // at least one digit, no leading zeros
  std::string fraction;  // as many digits as the format shows

  // value / 10^scale, rounded half away from zero to `places`.
  static DecimalDigits Of(__int128 value, int scale, int places);
};

class NumberFormat {
 public:
  // Throws for a format longer than 4 KiB and for elements that exclude each other.
  explicit NumberFormat(std::string_view format);

  void Write(__int128 value, int scale, std::string& out) const;
  void Write(double value, std::string& out) const;
  // The number without its point: with `scale()` digits after it. False when the text has no digit
  // where the format asks for some, or does not fit 38 digits. Throws for RN and EEEE.
  bool Read(std::string_view text, __int128& value) const;

  int digits() const { return pre_ + multi_ + post_; }
  int scale() const { return post_ + multi_; }

  enum class Key : uint8_t {
    kLiteral,
    kNine,
    kZero,
    kPoint,
    kLocalPoint,
    kComma,
    kGroup,
    kCurrency,
    kBlank,
    kFill,
    kSign,
    kMinus,
    kPlus,
    kPlusMinus,
    kBracket,
    kRoman,
    kMulti,
    kOrdinal,
    kExponent
  };

 private:
  struct Node {
    Key key;
    bool lower = false;
    char literal = 0;
  };
  class Writer;

  void Prepare(const Node& node);
  // `number` is the digits with the point, `spaces` how many places before it stay blank.
  void WriteDigits(const std::string& number, int spaces, char sign, std::string& out) const;
  void WriteRoman(int64_t value, std::string& out) const;
  std::string Digits(const DecimalDigits& digits, int& spaces) const;

  std::vector<Node> nodes_;
  int pre_ = 0, post_ = 0, multi_ = 0, zero_start_ = 0, zero_end_ = 0, sign_at_ = 0;
  enum class SignPlace : uint8_t { kNone, kBefore, kAfter } sign_place_ = SignPlace::kNone;
  bool has_sign_ = false, has_point_ = false, has_zero_ = false, fill_ = false, bracket_ = false,
       minus_ = false, plus_ = false, roman_ = false, has_multi_ = false, exponent_ = false;
};

}  // namespace skep::worker
