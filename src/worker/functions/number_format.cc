#include "worker/functions/number_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <duckdb.hpp>

#include "worker/functions/ascii.h"

namespace skep::worker {
namespace {

using Key = NumberFormat::Key;

struct Keyword {
  std::string_view text;
  Key key;
};
constexpr Keyword kKeywords[] = {
    {"EEEE", Key::kExponent}, {"FM", Key::kFill},      {"MI", Key::kMinus},
    {"PL", Key::kPlus},       {"PR", Key::kBracket},   {"RN", Key::kRoman},
    {"SG", Key::kPlusMinus},  {"TH", Key::kOrdinal},   {"S", Key::kSign},
    {"9", Key::kNine},        {"0", Key::kZero},       {".", Key::kPoint},
    {",", Key::kComma},       {"D", Key::kLocalPoint}, {"G", Key::kGroup},
    {"L", Key::kCurrency},    {"V", Key::kMulti},      {"B", Key::kBlank}};

[[noreturn]] void Refuse(const char* message) { throw duckdb::InvalidInputException(message); }

std::string Plain(unsigned __int128 value) {
  char text[48];
  char* p = text + sizeof text;
  do {
    *--p = static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value);
  return std::string(p, static_cast<size_t>(text + sizeof text - p));
}

// Adds one to the last of the digits; true when a digit was carried out of the first.
bool Increment(std::string& digits) {
  for (size_t i = digits.size(); i-- > 0;) {
    if (digits[i] != '9') {
      digits[i]++;
      return false;
    }
    digits[i] = '0';
  }
  return true;
}

const char* OrdinalOf(const std::string& number) {
  const char last = number.empty() ? '0' : number.back();
  if (number.size() > 1 && number[number.size() - 2] == '1') return "th";
  return last == '1' ? "st" : last == '2' ? "nd" : last == '3' ? "rd" : "th";
}

}  // namespace

DecimalDigits DecimalDigits::Of(__int128 value, int scale, int places) {
  DecimalDigits digits;
  digits.negative = value < 0;
  std::string all = Plain(value < 0 ? -static_cast<unsigned __int128>(value)
                                    : static_cast<unsigned __int128>(value));
  if (scale >= 0) {
    const auto after = static_cast<size_t>(scale);
    if (all.size() <= after) all.insert(0, after + 1 - all.size(), '0');
    digits.whole = all.substr(0, all.size() - after);
    digits.fraction = all.substr(all.size() - after);
  } else {
    digits.whole = all == "0" ? all : all + std::string(static_cast<size_t>(-scale), '0');
  }
  const auto keep = static_cast<size_t>(places);
  if (digits.fraction.size() > keep) {
    const bool up = digits.fraction[keep] >= '5';
    digits.fraction.resize(keep);
    if (up && (digits.fraction.empty() || Increment(digits.fraction)) && Increment(digits.whole))
      digits.whole.insert(0, 1, '1');
    if (digits.negative && digits.whole == "0" &&
        digits.fraction.find_first_not_of('0') == std::string::npos)
      digits.negative = false;
  }
  digits.fraction.resize(keep, '0');
  return digits;
}

NumberFormat::NumberFormat(std::string_view format) {
  constexpr size_t kLongest = 4096;
  if (format.size() > kLongest) Refuse("format is longer than 4096 bytes");
  for (size_t i = 0; i < format.size();) {
    const std::string_view rest = format.substr(i);
    if (rest[0] == '"') {
      for (i++; i < format.size() && format[i] != '"'; i++)
        nodes_.push_back({Key::kLiteral, false, format[i]});
      i++;
      continue;
    }
    const auto* const found = std::ranges::find_if(kKeywords, [&](const Keyword& keyword) {
      return rest.size() >= keyword.text.size() &&
             EqualsNoCase(rest.substr(0, keyword.text.size()), keyword.text);
    });
    Node node{Key::kLiteral, false, rest[0]};
    if (found != std::end(kKeywords)) node = {found->key, rest[0] >= 'a' && rest[0] <= 'z', 0};
    Prepare(node);
    nodes_.push_back(node);
    i += found == std::end(kKeywords) ? 1 : found->text.size();
  }
}

void NumberFormat::Prepare(const Node& node) {
  if (exponent_ && node.key != Key::kLiteral && node.key != Key::kExponent)
    Refuse("\"EEEE\" must be the last pattern used");
  switch (node.key) {
    case Key::kNine:
      if (bracket_) Refuse("\"9\" must be ahead of \"PR\"");
      if (has_multi_) {
        multi_++;
      } else {
        (has_point_ ? post_ : pre_)++;
      }
      break;
    case Key::kZero:
      if (bracket_) Refuse("\"0\" must be ahead of \"PR\"");
      if (!has_zero_ && !has_point_) {
        has_zero_ = true;
        zero_start_ = pre_;
      }
      (has_point_ ? post_ : pre_)++;
      zero_end_ = pre_ + post_;
      break;
    case Key::kPoint:
    case Key::kLocalPoint:
      if (has_point_) Refuse("multiple decimal points");
      if (has_multi_) Refuse("cannot use \"V\" and decimal point together");
      has_point_ = true;
      break;
    case Key::kFill:
      fill_ = true;
      break;
    case Key::kSign:
      if (has_sign_) Refuse("cannot use \"S\" twice");
      if (plus_ || minus_ || bracket_)
        Refuse("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
      has_sign_ = true;
      if (!has_point_) {
        sign_place_ = SignPlace::kBefore;
        sign_at_ = pre_;
      } else {
        sign_place_ = SignPlace::kAfter;
      }
      break;
    case Key::kMinus:
      if (has_sign_) Refuse("cannot use \"S\" and \"MI\" together");
      minus_ = true;
      break;
    case Key::kPlus:
      if (has_sign_) Refuse("cannot use \"S\" and \"PL\" together");
      plus_ = true;
      break;
    case Key::kPlusMinus:
      if (has_sign_) Refuse("cannot use \"S\" and \"SG\" together");
      plus_ = minus_ = true;
      break;
    case Key::kBracket:
      if (has_sign_ || plus_ || minus_)
        Refuse("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
      bracket_ = true;
      break;
    case Key::kRoman:
      roman_ = true;
      break;
    case Key::kMulti:
      if (has_point_) Refuse("cannot use \"V\" and decimal point together");
      has_multi_ = true;
      break;
    case Key::kExponent:
      if (exponent_) Refuse("cannot use \"EEEE\" twice");
      if (fill_ || has_sign_ || bracket_ || minus_ || plus_ || roman_ || has_multi_)
        Refuse("\"EEEE\" is incompatible with other formats");
      exponent_ = true;
      break;
    default:
      break;
  }
}

// The walk over a format that puts digits, signs and marks in their places, step by step as
// PostgreSQL takes them: each step depends on what the ones before have written.
class NumberFormat::Writer {
 public:
  Writer(const NumberFormat& format, const std::string& number, int spaces, char sign,
         std::string& out)
      : f_(format), number_(number), spaces_(spaces), sign_(sign), out_(out) {
    bracket_ = f_.bracket_;
    sign_place_ = f_.sign_place_;
    if (f_.plus_ || f_.minus_) {
      sign_written_ = !(f_.plus_ && !f_.minus_);
    } else {
      if (sign_ != '-' && bracket_ && f_.fill_) bracket_ = false;
      sign_written_ = sign_ == '+' && f_.fill_ && !f_.has_sign_;
      if (sign_place_ == SignPlace::kBefore && f_.pre_ + f_.multi_ == f_.sign_at_)
        sign_place_ = SignPlace::kAfter;
    }
    count_ = f_.post_ + f_.pre_ + (f_.has_multi_ ? f_.multi_ : 0) - 1;
    if (f_.fill_ && f_.has_point_) {
      last_ = LastRelevant();
      if (last_ >= 0 && f_.zero_end_ > spaces_) {
        const int last_zero =
            std::min(static_cast<int>(number_.size()) - 1, f_.zero_end_ - spaces_);
        last_ = std::max(last_, last_zero);
      }
    }
    if (!sign_written_ && spaces_ == 0) count_++;
  }

  void Step(const Node& node) {
    switch (node.key) {
      case Key::kNine:
      case Key::kZero:
      case Key::kPoint:
      case Key::kLocalPoint:
        Digit(node.key);
        break;
      case Key::kComma:
      case Key::kGroup:
        if (in_number_) {
          out_ += ',';
        } else if (!f_.fill_) {
          out_ += ' ';
        }
        break;
      case Key::kCurrency:
        out_ += '$';
        break;
      case Key::kOrdinal: {
        if (number_[0] == '#' || sign_ == '-' || f_.has_point_) break;
        const char* ordinal = OrdinalOf(number_);
        for (int i = 0; i < 2; i++) out_ += node.lower ? ordinal[i] : UpperLetter(ordinal[i]);
        break;
      }
      case Key::kMinus:
        if (sign_ == '-') {
          out_ += '-';
        } else if (!f_.fill_) {
          out_ += ' ';
        }
        break;
      case Key::kPlus:
        if (sign_ == '+') {
          out_ += '+';
        } else if (!f_.fill_) {
          out_ += ' ';
        }
        break;
      case Key::kPlusMinus:
        out_ += sign_;
        break;
      case Key::kLiteral:
        out_ += node.literal;
        break;
      default:
        break;
    }
  }

 private:
  char At() const { return at_ < number_.size() ? number_[at_] : '\0'; }
  // The last digit after the point that is not zero, the point itself when all are; -1 without.
  int LastRelevant() const {
    const size_t point = number_.find('.');
    if (point == std::string::npos) return -1;
    const size_t last = number_.find_last_not_of('0');
    return static_cast<int>(std::max(last, point));
  }
  bool LastIsPoint() const { return last_ >= 0 && number_[static_cast<size_t>(last_)] == '.'; }
  // "9.9" shows 0.1 as " .1".
  bool DropsZero() const {
    return !f_.has_zero_ && at_ == 0 && !number_.empty() && number_[0] == '0' && f_.post_ != 0;
  }

  void WriteSign() {
    if (f_.has_sign_) {
      if (sign_place_ == SignPlace::kBefore) {
        out_ += sign_;
        sign_written_ = true;
      }
    } else if (bracket_) {
      out_ += sign_ == '+' ? ' ' : '<';
      sign_written_ = true;
    } else {
      if (sign_ == '-') {
        out_ += '-';
      } else if (!f_.fill_) {
        out_ += ' ';
      }
      sign_written_ = true;
    }
  }

  void Digit(Key key) {
    in_number_ = false;
    if (!sign_written_ && (current_ >= spaces_ || (f_.has_zero_ && f_.zero_start_ == current_)) &&
        (!DropsZero() || LastIsPoint()))
      WriteSign();
    if (current_ < spaces_ && (f_.zero_start_ > current_ || !f_.has_zero_)) {
      if (!f_.fill_) out_ += ' ';
    } else if (f_.has_zero_ && current_ < spaces_ && f_.zero_start_ <= current_) {
      out_ += '0';
      in_number_ = true;
    } else {
      if (At() == '.') {
        if (!LastIsPoint() || f_.fill_) out_ += '.';
      } else if (last_ >= 0 && static_cast<int>(at_) > last_ && key != Key::kZero) {
        // zeros at the end are left out
      } else if (DropsZero()) {
        if (!f_.fill_) {
          out_ += ' ';
        } else if (LastIsPoint()) {
          out_ += '0';
        }
      } else if (At() != '\0') {
        out_ += At();
        in_number_ = true;
      }
      if (at_ < number_.size()) at_++;
    }
    int end = count_ + (spaces_ ? 1 : 0) + (f_.has_point_ ? 1 : 0);
    if (last_ >= 0 && static_cast<int>(at_) == last_) end = current_;
    if (current_ + 1 == end) {
      if (sign_written_ && bracket_) {
        out_ += sign_ == '+' ? ' ' : '>';
      } else if (f_.has_sign_ && sign_place_ == SignPlace::kAfter) {
        out_ += sign_;
      }
    }
    current_++;
  }

  const NumberFormat& f_;
  const std::string& number_;
  int spaces_;
  char sign_;
  std::string& out_;
  bool bracket_, sign_written_ = false, in_number_ = false;
  SignPlace sign_place_;
  int count_ = 0, current_ = 0, last_ = -1;
  size_t at_ = 0;
};

void NumberFormat::WriteDigits(const std::string& number, int spaces, char sign,
                               std::string& out) const {
  Writer writer(*this, number, spaces, sign, out);
  for (const Node& node : nodes_) writer.Step(node);
}

std::string NumberFormat::Digits(const DecimalDigits& digits, int& spaces) const {
  const int places = pre_ + multi_;
  spaces = 0;
  if (static_cast<int>(digits.whole.size()) > places) {
    std::string filled(static_cast<size_t>(places), '#');
    if (post_ > 0) filled += '.' + std::string(static_cast<size_t>(post_), '#');
    return filled;
  }
  spaces = places - static_cast<int>(digits.whole.size());
  return post_ > 0 ? digits.whole + '.' + digits.fraction : digits.whole;
}

void NumberFormat::WriteRoman(int64_t value, std::string& out) const {
  std::string roman;
  if (value < 1 || value > 3999) {
    roman.assign(15, '#');
  } else {
    static constexpr std::pair<int, std::string_view> kParts[] = {
        {1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
        {40, "XL"},  {10, "X"},   {9, "IX"},  {5, "V"},    {4, "IV"},  {1, "I"}};
    for (const auto& [size, letters] : kParts) {
      for (; value >= size; value -= size) roman += letters;
    }
  }
  for (const Node& node : nodes_) {
    if (node.key == Key::kLiteral) out += node.literal;
    if (node.key != Key::kRoman) continue;
    if (!fill_ && roman.size() < 15) out.append(15 - roman.size(), ' ');
    for (const char c : roman) out += node.lower ? LowerLetter(c) : c;
  }
}

void NumberFormat::Write(__int128 value, int scale, std::string& out) const {
  if (roman_) {
    const DecimalDigits digits = DecimalDigits::Of(value, scale, 0);
    const bool fits = !digits.negative && digits.whole.size() <= 4;
    WriteRoman(fits ? std::strtoll(digits.whole.c_str(), nullptr, 10) : 0, out);
    return;
  }
  if (exponent_) {
    long double number = static_cast<long double>(value);
    for (int i = 0; i < scale; i++) number /= 10;
    Write(static_cast<double>(number), out);
    return;
  }
  const DecimalDigits digits = DecimalDigits::Of(value, scale - multi_, post_);
  int spaces;
  const std::string number = Digits(digits, spaces);
  WriteDigits(number, spaces, digits.negative ? '-' : '+', out);
}

void NumberFormat::Write(double value, std::string& out) const {
  if (roman_) {
    WriteRoman(std::fabs(value) < 1e6 ? std::llrint(value) : 0, out);
    return;
  }
  if (exponent_) {
    if (!std::isfinite(value)) {
      out.append(1, ' ').append(static_cast<size_t>(pre_), '#').append(1, '.');
      out.append(static_cast<size_t>(post_) + 4, '#');
      return;
    }
    char text[512];
    const int size = std::snprintf(text, sizeof text, "%s%.*e", value < 0 ? "" : " ",
                                   std::min(post_, 300), value);
    out.append(text, static_cast<size_t>(size));
    return;
  }
  constexpr int kReliable = 15;  // digits of a double
  if (multi_ > 0) value *= std::pow(10.0, multi_);
  std::string number;
  int spaces = 0;
  bool negative = std::signbit(value);  // also of what rounds to zero
  if (!std::isfinite(value)) {
    number.assign(static_cast<size_t>(pre_ + multi_), '#');
    if (post_ > 0) number += '.' + std::string(static_cast<size_t>(post_), '#');
  } else {
    char text[640];
    const double size = std::fabs(value);
    int places = post_;
    if (size >= 1e9 || post_ > 5) {  // more digits than a double has are not shown
      const auto whole = std::to_chars(text, text + sizeof text, size, std::chars_format::fixed, 0);
      const auto length = static_cast<int>(whole.ptr - text);
      places = length >= kReliable ? 0 : std::min(post_, kReliable - length);
    }
    *std::to_chars(text, text + sizeof text - 1, size, std::chars_format::fixed, places).ptr = '\0';
    DecimalDigits digits;
    const char* point = std::strchr(text, '.');
    digits.whole = point ? std::string(text, static_cast<size_t>(point - text)) : text;
    if (point) digits.fraction = point + 1;
    digits.fraction.resize(static_cast<size_t>(post_), '0');
    number = Digits(digits, spaces);
  }
  WriteDigits(number, spaces, negative ? '-' : '+', out);
}

}  // namespace skep::worker
