#include <algorithm>
#include <array>
#include <optional>

#include "worker/functions/ascii.h"
#include "worker/functions/calendar.h"
#include "worker/functions/calendar_names.h"
#include "worker/functions/datetime_format.h"

namespace skep::worker {
namespace {

using Key = DatetimeFormat::Key;
using Node = DatetimeFormat::Node;

// Digits of a field that stands before another one without a mark between; 0 for names.
size_t Width(Key key) {
  switch (key) {
    case Key::kDay:
    case Key::kHour12:
    case Key::kHour24:
    case Key::kMinute:
    case Key::kMonth:
    case Key::kSecond:
    case Key::kIsoWeek:
    case Key::kWeekOfYear:
    case Key::kCentury:
    case Key::kYear2:
    case Key::kIsoYear2:
      return 2;
    case Key::kYear3:
    case Key::kIsoYear3:
    case Key::kDayOfYear:
    case Key::kIsoDayOfYear:
    case Key::kMillisecond:
      return 3;
    case Key::kYear4:
    case Key::kIsoYear4:
      return 4;
    case Key::kSecondOfDay:
      return 5;
    case Key::kMicrosecond:
      return 6;
    case Key::kJulian:
      return 7;
    case Key::kDayOfWeek:
    case Key::kIsoDayOfWeek:
    case Key::kWeekOfMonth:
    case Key::kQuarter:
    case Key::kYear1:
    case Key::kIsoYear1:
      return 1;
    default:
      return 0;
  }
}

class Reader {
 public:
  Reader(std::string_view text, bool strict) : text_(text), strict_(strict) {}

  int64_t Read(const std::vector<Node>& nodes) {
    for (size_t i = 0; i < nodes.size(); i++) {
      const Node& node = nodes[i];
      if (node.key == Key::kLiteral) {
        Skip(node.literal);
        continue;
      }
      while (at_ < text_.size() && IsSpace(text_[at_])) at_++;
      if (at_ >= text_.size()) break;
      const bool adjacent = i + 1 < nodes.size() && Width(nodes[i + 1].key) > 0;
      Field(node, adjacent);
      if (node.ordinal) at_ = std::min(at_ + 2, text_.size());
    }
    return Instant();
  }

 private:
  // A mark in the format stands for any one mark in the text; blanks stand for any number.
  void Skip(std::string_view literal) {
    for (const char c : literal) {
      if (at_ >= text_.size()) return;
      if (IsSpace(c)) {
        while (at_ < text_.size() && IsSpace(text_[at_])) at_++;
        continue;
      }
      while (c != text_[at_] && IsSpace(text_[at_]) && at_ + 1 < text_.size()) at_++;
      if (!IsDigit(text_[at_]) || c == text_[at_]) at_++;
    }
  }

  [[noreturn]] void Invalid(std::string_view field) {
    throw duckdb::ConversionException("invalid value \"%s\" for \"%s\"",
                                      std::string(text_.substr(at_, 32)), std::string(field));
  }

  int Number(const Node& node, bool adjacent, std::string_view name, size_t* digits = nullptr) {
    const size_t width = adjacent ? Width(node.key) : 10;
    const size_t start = at_;
    bool negative = false;
    if (!adjacent && (text_[at_] == '-' || text_[at_] == '+') && at_ + 1 < text_.size())
      negative = text_[at_++] == '-';
    int64_t value = 0;
    const size_t first = at_;
    while (at_ < text_.size() && at_ - first < width && IsDigit(text_[at_]))
      value = value * 10 + (text_[at_++] - '0');
    if (at_ == first) {
      at_ = start;
      Invalid(name);
    }
    if (value > 2'000'000'000) {
      at_ = start;
      Invalid(name);
    }
    if (digits) *digits = at_ - first;
    return static_cast<int>(negative ? -value : value);
  }

  bool Word(std::string_view word) {
    if (text_.size() - at_ < word.size() || !EqualsNoCase(text_.substr(at_, word.size()), word))
      return false;
    at_ += word.size();
    return true;
  }

  template <size_t kCount>
  int Name(const std::array<std::string_view, kCount>& names, bool whole, std::string_view field) {
    for (size_t i = 0; i < kCount; i++) {
      if (whole && Word(names[i])) return static_cast<int>(i);
    }
    for (size_t i = 0; i < kCount; i++) {
      if (Word(names[i].substr(0, 3))) return static_cast<int>(i);
    }
    Invalid(field);
  }

  // Two-digit years are those nearest to 2020.
  int WholeYear(int value, size_t digits) {
    if (digits >= 4 || value < 0) return value;
    if (value < 70) return value + 2000;
    if (value < 100) return value + 1900;
    if (value < 520) return value + 2000;
    return value + 1000;
  }

  int64_t Fraction(const Node& node, bool adjacent, size_t places, std::string_view name) {
    size_t digits = 0;
    int64_t value = Number(node, adjacent, name, &digits);
    for (size_t i = digits; i < places; i++) value *= 10;
    for (size_t i = places; i < digits; i++) value /= 10;
    return value;
  }

  void Field(const Node& node, bool adjacent) {
    size_t digits = 0;
    switch (node.key) {
      case Key::kMeridiem:
      case Key::kMeridiemDots:
        if (Word("p.m.") || Word("pm")) {
          half_ = 'p';
        } else if (Word("a.m.") || Word("am")) {
          half_ = 'a';
        } else {
          Invalid("AM");
        }
        break;
      case Key::kEra:
      case Key::kEraDots:
        if (Word("b.c.") || Word("bc")) {
          before_christ_ = true;
        } else if (!Word("a.d.") && !Word("ad")) {
          Invalid("AD");
        }
        break;
      case Key::kCentury:
        century_ = Number(node, adjacent, "CC");
        break;
      case Key::kDayName:
        Name(kDayNames, true, "DAY");
        break;
      case Key::kDayNameShort:
        Name(kDayNames, false, "DY");
        break;
      case Key::kDayOfYear:
        day_of_year_ = Number(node, adjacent, "DDD");
        break;
      case Key::kIsoDayOfYear:
        iso_day_of_year_ = Number(node, adjacent, "IDDD");
        break;
      case Key::kDay:
        day_ = Number(node, adjacent, "DD");
        break;
      case Key::kDayOfWeek:
        Number(node, adjacent, "D");
        break;
      case Key::kIsoDayOfWeek:
        iso_day_ = Number(node, adjacent, "ID");
        break;
      case Key::kHour12:
      case Key::kHour24:
        hour_ = Number(node, adjacent, "HH24");
        break;
      case Key::kIsoWeek:
        iso_week_ = Number(node, adjacent, "IW");
        break;
      case Key::kIsoYear4:
      case Key::kIsoYear3:
      case Key::kIsoYear2:
      case Key::kIsoYear1:
        iso_year_ = Number(node, adjacent, "IYYY", &digits);
        if (node.key != Key::kIsoYear4) iso_year_ = WholeYear(*iso_year_, digits);
        break;
      case Key::kJulian:
        julian_ = Number(node, adjacent, "J");
        break;
      case Key::kMinute:
        minute_ = Number(node, adjacent, "MI");
        break;
      case Key::kMonth:
        month_ = Number(node, adjacent, "MM");
        break;
      case Key::kMonthName:
        month_ = Name(kMonthNames, true, "MONTH") + 1;
        break;
      case Key::kMonthNameShort:
        month_ = Name(kMonthNames, false, "MON") + 1;
        break;
      case Key::kMillisecond:
        micros_ += Fraction(node, adjacent, 3, "MS") * 1000;
        break;
      case Key::kMicrosecond:
        micros_ += Fraction(node, adjacent, 6, "US");
        break;
      case Key::kQuarter:
        Number(node, adjacent, "Q");
        break;
      case Key::kRomanMonth: {
        // The longest that fits: VIII before VII before VI.
        size_t best = 0, length = 0;
        for (size_t i = 0; i < kRomanMonths.size(); i++) {
          const auto roman = kRomanMonths[i];
          if (roman.size() > length && text_.size() - at_ >= roman.size() &&
              EqualsNoCase(text_.substr(at_, roman.size()), roman)) {
            best = i + 1;
            length = roman.size();
          }
        }
        if (best == 0) Invalid("RM");
        at_ += length;
        month_ = static_cast<int>(best);
        break;
      }
      case Key::kSecondOfDay:
        second_of_day_ = Number(node, adjacent, "SSSS");
        break;
      case Key::kSecond:
        second_ = Number(node, adjacent, "SS");
        break;
      case Key::kWeekOfYear:
        week_of_year_ = Number(node, adjacent, "WW");
        break;
      case Key::kWeekOfMonth:
        week_of_month_ = Number(node, adjacent, "W");
        break;
      case Key::kYearComma: {
        const int thousands = Number(node, false, "Y,YYY");
        if (at_ < text_.size() && text_[at_] == ',') at_++;
        if (at_ >= text_.size() || thousands > 1000 || thousands < 0) Invalid("Y,YYY");
        year_ = thousands * 1000 + Number(node, false, "Y,YYY") % 1000;
        break;
      }
      case Key::kYear4:
        year_ = Number(node, adjacent, "YYYY");
        break;
      case Key::kYear3:
      case Key::kYear2:
      case Key::kYear1: {
        const int value = Number(node, adjacent, "YY", &digits);
        short_year_ = digits <= 2;
        year_ = WholeYear(value, digits);
        year_of_century_ = value;
        break;
      }
      case Key::kOffset:
      case Key::kZone:
      case Key::kZoneHour:
      case Key::kZoneMinute:
        throw duckdb::NotImplementedException(
            "\"TZ\"/\"tz\"/\"OF\" format patterns are not supported in to_timestamp and to_date");
      case Key::kLiteral:
        break;
    }
  }

  void RefuseDate(int64_t year, int64_t month, int64_t day) {
    throw duckdb::ConversionException("date/time field date value out of range: %lld-%lld-%lld",
                                      static_cast<long long>(year), static_cast<long long>(month),
                                      static_cast<long long>(day));
  }

  int64_t DayFound() {
    if (julian_) return *julian_ - kJulianDayOfEpoch;
    if (iso_year_ && (iso_week_ || iso_day_of_year_)) {
      // Week 1 holds 4 January.
      const int64_t fourth = DayNumber(*iso_year_, 1, 4);
      const int64_t monday = fourth - FloorModulo(fourth + 3, 7);
      if (iso_day_of_year_) return monday + *iso_day_of_year_ - 1;
      return monday + (*iso_week_ - 1) * int64_t{7} + iso_day_.value_or(1) - 1;
    }
    int64_t year = iso_year_.value_or(year_.value_or(1));
    if (century_ && (!year_ || short_year_)) {
      const int64_t within = year_ ? year_of_century_ : 1;
      year = (*century_ - 1) * int64_t{100} + within;
      if (within == 0) year += 100;
    }
    if (before_christ_ && year > 0) year = 1 - year;
    if (day_of_year_) {
      if (strict_ && (*day_of_year_ < 1 || *day_of_year_ > 365 + IsLeapYear(year)))
        RefuseDate(year, 1, *day_of_year_);
      return DayNumber(year, 1, 1) + *day_of_year_ - 1;
    }
    if (week_of_year_) return DayNumber(year, 1, 1) + (*week_of_year_ - 1) * int64_t{7};
    int64_t month = month_.value_or(1);
    const int64_t day = week_of_month_ ? (*week_of_month_ - 1) * int64_t{7} + 1 : day_.value_or(1);
    if (strict_ &&
        (month < 1 || month > 12 || day < 1 || day > DaysInMonth(year, static_cast<int>(month))))
      RefuseDate(year, month, day);
    year += FloorDivide(month - 1, 12);
    month = FloorModulo(month - 1, 12) + 1;
    return DayNumber(year, static_cast<int>(month), day);
  }

  int64_t Instant() {
    const int64_t day = DayFound();
    int64_t hour = hour_;
    if (half_ == 'p' && hour < 12) hour += 12;
    if (half_ == 'a' && hour == 12) hour = 0;
    if (strict_ && (hour < 0 || hour > 23 || minute_ < 0 || minute_ > 59 || second_ < 0 ||
                    second_ > 59 || second_of_day_ < 0 || second_of_day_ >= 86400)) {
      throw duckdb::ConversionException("date/time field time value out of range: %lld:%d:%d.%lld",
                                        static_cast<long long>(hour), minute_, second_,
                                        static_cast<long long>(micros_));
    }
    const int64_t time = hour * kMicrosPerHour + minute_ * kMicrosPerMinute +
                         (second_ + int64_t{second_of_day_}) * kMicrosPerSecond + micros_;
    if (day < kFirstDay || day > kLastDay) TimestampOutOfRange();
    return AddMicros(day * kMicrosPerDay, time);
  }

  std::string_view text_;
  bool strict_;
  size_t at_ = 0;
  std::optional<int> year_, month_, day_, century_, day_of_year_, iso_day_of_year_, iso_day_,
      iso_week_, iso_year_, julian_, week_of_year_, week_of_month_;
  int year_of_century_ = 0;
  bool short_year_ = false, before_christ_ = false;
  int hour_ = 0, minute_ = 0, second_ = 0, second_of_day_ = 0;
  int64_t micros_ = 0;
  char half_ = 0;
};

}  // namespace

int64_t DatetimeFormat::Read(std::string_view text, bool strict) const {
  if (shows_zone_)
    throw duckdb::NotImplementedException(
        "\"TZ\"/\"tz\"/\"OF\" format patterns are not supported in to_timestamp and to_date");
  return Reader(text, strict).Read(nodes_);
}

}  // namespace skep::worker
