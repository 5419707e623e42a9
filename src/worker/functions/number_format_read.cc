#include <algorithm>
#include <cstring>
#include <duckdb.hpp>

#include "worker/functions/ascii.h"
#include "worker/functions/number_format.h"

namespace skep::worker {
bool NumberFormat::Read(std::string_view text, __int128& value) const {
  if (roman_) throw duckdb::NotImplementedException("\"RN\" not supported for input");
  if (exponent_) throw duckdb::NotImplementedException("\"EEEE\" not supported for input");
  size_t at = 0;
  bool negative = false, any = false, point = false;
  int after = 0;
  std::string digits;
  const auto here = [&] { return at < text.size() ? text[at] : '\0'; };
  const auto sign = [&] {
    if (here() != '-' && here() != '+') return false;
    negative |= text[at++] == '-';
    return true;
  };
  for (const Node& node : nodes_) {
    if (at >= text.size()) break;
    switch (node.key) {
      case Key::kNine:
      case Key::kZero:
      case Key::kPoint:
      case Key::kLocalPoint: {
        while (here() == ' ') at++;
        if (!any && !point) {
          if (here() == '<' && bracket_) {
            negative = true;
            at++;
          } else {
            sign();
          }
        }
        const bool digit_here = node.key == Key::kNine || node.key == Key::kZero;
        if (IsDigit(here())) {
          if (!digit_here || (point && after == post_)) break;
          digits += text[at++];
          any = true;
          if (point) after++;
        } else if (here() == '.' && has_point_ && !point) {
          point = true;
          at++;
        }
        break;
      }
      case Key::kComma:
      case Key::kGroup:
        if (here() == ',') at++;
        break;
      case Key::kCurrency:
        while (here() == ' ') at++;
        if (here() == '$') at++;
        break;
      case Key::kSign:
      case Key::kMinus:
      case Key::kPlus:
      case Key::kPlusMinus:
        if (!sign() && here() == ' ' && node.key != Key::kSign) at++;
        break;
      case Key::kBracket:
        if (here() == '>') at++;
        break;
      case Key::kOrdinal:
        at = std::min(at + 2, text.size());
        break;
      case Key::kLiteral:
        if (here() == node.literal ||
            (here() != '\0' && !IsDigit(here()) && std::strchr("+-.,<>", here()) == nullptr))
          at++;
        break;
      default:
        break;
    }
  }
  // A sign behind the number, where the format has one before it.
  if (any && (has_sign_ || minus_ || plus_) && !negative) sign();
  if (!any) return false;
  if (multi_ > 0) after = multi_;
  digits.append(static_cast<size_t>(std::max(0, scale() - after)), '0');
  const size_t first = std::min(digits.find_first_not_of('0'), digits.size());
  if (digits.size() - first > 38) return false;
  value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  if (negative) value = -value;
  return true;
}

}  // namespace skep::worker
