// Formats of dates and times: "YYYY-MM-DD HH24:MI:SS" compiled once, written by TO_CHAR and read by
// TO_DATE and TO_TIMESTAMP. Source: developer guide, "Datetime format strings"; PostgreSQL's
// formatting rules where the guide is silent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace skep::worker {

// What a format shows.
struct DatetimeFields {
  int64_t year = 1;  // astronomical; of an interval, its years
  int month = 1;
  int64_t day = 1;
  int64_t day_number = 0;  // since 1970-01-01; of an interval, all its days
  int64_t hour = 0;
  int minute = 0, second = 0, micros = 0;
  bool interval = false;
  int32_t seconds_east = 0;
  std::string zone;  // name on the clock

  static DatetimeFields OfInstant(int64_t local_micros);
  static DatetimeFields OfInterval(int64_t months, int64_t days, int64_t micros);
};

class DatetimeFormat {
 public:
  // Throws for a format longer than 4 KiB.
  explicit DatetimeFormat(std::string_view format);

  // Whether it shows the zone's name or offset.
  bool ShowsZone() const { return shows_zone_; }
  // Appends; throws when a field has no meaning for an interval.
  void Write(const DatetimeFields& fields, std::string& out) const;
  // The instant on the clock that the text shows. Parts that the format lacks are those of
  // 0001-01-01 00:00:00; parts that are too large carry over, or are an error when `strict`.
  // Throws ConversionException, and NotImplementedException for a zone in the format.
  int64_t Read(std::string_view text, bool strict) const;

  enum class Key : uint8_t {
    kLiteral,
    kMeridiem,
    kMeridiemDots,
    kEra,
    kEraDots,
    kCentury,
    kDayName,
    kDayNameShort,
    kDayOfYear,
    kIsoDayOfYear,
    kDay,
    kDayOfWeek,
    kIsoDayOfWeek,
    kHour12,
    kHour24,
    kIsoWeek,
    kIsoYear4,
    kIsoYear3,
    kIsoYear2,
    kIsoYear1,
    kJulian,
    kMinute,
    kMonth,
    kMonthName,
    kMonthNameShort,
    kMillisecond,
    kOffset,
    kQuarter,
    kRomanMonth,
    kSecondOfDay,
    kSecond,
    kZoneHour,
    kZoneMinute,
    kZone,
    kMicrosecond,
    kWeekOfYear,
    kWeekOfMonth,
    kYearComma,
    kYear4,
    kYear3,
    kYear2,
    kYear1
  };
  enum class Letters : uint8_t { kUpper, kCapital, kLower };
  struct Node {
    Key key;
    Letters letters = Letters::kUpper;
    bool fill = false;    // FM
    char ordinal = 0;     // 'T' for TH, 't' for th
    std::string literal;  // of kLiteral
  };

 private:
  std::vector<Node> nodes_;
  bool shows_zone_ = false;
};

}  // namespace skep::worker
