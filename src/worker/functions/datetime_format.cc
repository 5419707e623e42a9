#include "worker/functions/datetime_format.h"

#include <algorithm>
#include <cstdio>
#include <duckdb.hpp>

#include "worker/functions/calendar.h"
#include "worker/functions/calendar_names.h"

namespace skep::worker {
namespace {

using Key = DatetimeFormat::Key;
using Letters = DatetimeFormat::Letters;

struct Keyword {
  std::string_view text;
  Key key;
};
// Longer ones first where one begins another.
constexpr Keyword kKeywords[] = {{"A.D.", Key::kEraDots},
                                 {"B.C.", Key::kEraDots},
                                 {"A.M.", Key::kMeridiemDots},
                                 {"P.M.", Key::kMeridiemDots},
                                 {"AD", Key::kEra},
                                 {"BC", Key::kEra},
                                 {"AM", Key::kMeridiem},
                                 {"PM", Key::kMeridiem},
                                 {"CC", Key::kCentury},
                                 {"DAY", Key::kDayName},
                                 {"DDD", Key::kDayOfYear},
                                 {"DD", Key::kDay},
                                 {"DY", Key::kDayNameShort},
                                 {"D", Key::kDayOfWeek},
                                 {"HH24", Key::kHour24},
                                 {"HH12", Key::kHour12},
                                 {"HH", Key::kHour12},
                                 {"IDDD", Key::kIsoDayOfYear},
                                 {"ID", Key::kIsoDayOfWeek},
                                 {"IW", Key::kIsoWeek},
                                 {"IYYY", Key::kIsoYear4},
                                 {"IYY", Key::kIsoYear3},
                                 {"IY", Key::kIsoYear2},
                                 {"I", Key::kIsoYear1},
                                 {"J", Key::kJulian},
                                 {"MI", Key::kMinute},
                                 {"MM", Key::kMonth},
                                 {"MONTH", Key::kMonthName},
                                 {"MON", Key::kMonthNameShort},
                                 {"MS", Key::kMillisecond},
                                 {"OF", Key::kOffset},
                                 {"Q", Key::kQuarter},
                                 {"RM", Key::kRomanMonth},
                                 {"SSSSS", Key::kSecondOfDay},
                                 {"SSSS", Key::kSecondOfDay},
                                 {"SS", Key::kSecond},
                                 {"TZH", Key::kZoneHour},
                                 {"TZM", Key::kZoneMinute},
                                 {"TZ", Key::kZone},
                                 {"US", Key::kMicrosecond},
                                 {"WW", Key::kWeekOfYear},
                                 {"W", Key::kWeekOfMonth},
                                 {"Y,YYY", Key::kYearComma},
                                 {"YYYY", Key::kYear4},
                                 {"YYY", Key::kYear3},
                                 {"YY", Key::kYear2},
                                 {"Y", Key::kYear1}};

bool StartsWith(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && EqualsNoCase(text.substr(0, word.size()), word);
}

void Pad(std::string& out, std::string_view name, Letters letters, size_t width) {
  for (size_t i = 0; i < name.size(); i++) {
    const bool upper = letters == Letters::kUpper || (letters == Letters::kCapital && i == 0);
    out += upper ? UpperLetter(name[i]) : LowerLetter(name[i]);
  }
  if (name.size() < width) out.append(width - name.size(), ' ');
}

void Number(std::string& out, int64_t value, int width, const DatetimeFormat::Node& node) {
  char text[32];
  char* const end = text + sizeof text;
  char* p = end;
  uint64_t rest = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  do {
    *--p = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (!node.fill) {
    while (end - p < width - (value < 0)) *--p = '0';
  }
  if (value < 0) *--p = '-';
  out.append(p, static_cast<size_t>(end - p));
  if (!node.ordinal) return;
  const int64_t last = value < 0 ? -value : value;
  const char* suffix = "th";
  if (last / 10 % 10 != 1) {
    if (last % 10 == 1) suffix = "st";
    if (last % 10 == 2) suffix = "nd";
    if (last % 10 == 3) suffix = "rd";
  }
  for (int i = 0; i < 2; i++) out += node.ordinal == 'T' ? UpperLetter(suffix[i]) : suffix[i];
}

int64_t ShownYear(const DatetimeFields& fields, int64_t year) {
  return year > 0 || fields.interval ? year : 1 - year;
}

}  // namespace

DatetimeFields DatetimeFields::OfInstant(int64_t local_micros) {
  DatetimeFields fields;
  fields.day_number = DayOf(local_micros);
  const int64_t time = TimeOf(local_micros);
  const CalendarDay date = ToCalendar(fields.day_number);
  fields.year = date.year;
  fields.month = date.month;
  fields.day = date.day;
  fields.hour = time / kMicrosPerHour;
  fields.minute = static_cast<int>(time / kMicrosPerMinute % 60);
  fields.second = static_cast<int>(time / kMicrosPerSecond % 60);
  fields.micros = static_cast<int>(time % kMicrosPerSecond);
  return fields;
}

DatetimeFields DatetimeFields::OfInterval(int64_t months, int64_t days, int64_t micros) {
  DatetimeFields fields;
  fields.interval = true;
  fields.year = months / 12;
  fields.month = static_cast<int>(months % 12);
  fields.day = days;
  fields.day_number = months * 30 + days;
  fields.hour = micros / kMicrosPerHour;
  fields.minute = static_cast<int>(micros / kMicrosPerMinute % 60);
  fields.second = static_cast<int>(micros / kMicrosPerSecond % 60);
  fields.micros = static_cast<int>(micros % kMicrosPerSecond);
  return fields;
}

DatetimeFormat::DatetimeFormat(std::string_view format) {
  constexpr size_t kLongest = 4096;
  if (format.size() > kLongest)
    throw duckdb::InvalidInputException("format is longer than %d bytes",
                                        static_cast<int>(kLongest));
  const auto literal = [&](char c) {
    if (nodes_.empty() || nodes_.back().key != Key::kLiteral) nodes_.push_back({Key::kLiteral});
    nodes_.back().literal += c;
  };
  bool fill = false;
  for (size_t i = 0; i < format.size();) {
    const std::string_view rest = format.substr(i);
    if (rest[0] == '"') {
      for (i++; i < format.size() && format[i] != '"'; i++) {
        if (format[i] == '\\' && i + 1 < format.size()) i++;
        literal(format[i]);
      }
      i++;
      continue;
    }
    if (rest[0] == '\\' && rest.size() > 1 && rest[1] == '"') {
      literal('"');
      i += 2;
      continue;
    }
    if (StartsWith(rest, "FM") || StartsWith(rest, "TM") || StartsWith(rest, "FX")) {
      fill |= StartsWith(rest, "FM");
      i += 2;
      continue;
    }
    const auto* const found = std::ranges::find_if(
        kKeywords, [&](const Keyword& keyword) { return StartsWith(rest, keyword.text); });
    if (found == std::end(kKeywords)) {
      literal(rest[0]);
      i++;
      continue;
    }
    Node node{found->key};
    const bool lower = rest[0] >= 'a' && rest[0] <= 'z';
    const bool next_lower = rest.size() > 1 && rest[1] >= 'a' && rest[1] <= 'z';
    node.letters = lower ? Letters::kLower : next_lower ? Letters::kCapital : Letters::kUpper;
    node.fill = fill;
    fill = false;
    i += found->text.size();
    const std::string_view after = format.substr(i);
    if (StartsWith(after, "TH")) {
      node.ordinal = after[0] == 'T' ? 'T' : 't';
      i += 2;
    } else if (StartsWith(after, "SP")) {
      i += 2;
    }
    shows_zone_ |= node.key == Key::kZone || node.key == Key::kOffset ||
                   node.key == Key::kZoneHour || node.key == Key::kZoneMinute;
    nodes_.push_back(std::move(node));
  }
}

void DatetimeFormat::Write(const DatetimeFields& f, std::string& out) const {
  const auto month = static_cast<size_t>(std::max(f.month, 1) - 1);
  const auto weekday = static_cast<size_t>(DayOfWeek(f.day_number));
  const int64_t year = ShownYear(f, f.year);
  const auto of_date = [&] {
    if (f.interval)
      throw duckdb::InvalidInputException("invalid format specification for an interval value");
  };
  const auto iso_year = [&] { return ShownYear(f, ToIsoWeek(f.day_number).year); };
  for (const Node& node : nodes_) {
    switch (node.key) {
      case Key::kLiteral:
        out += node.literal;
        break;
      case Key::kMeridiem:
        Pad(out, f.hour % 24 >= 12 ? "pm" : "am",
            node.letters == Letters::kLower ? Letters::kLower : Letters::kUpper, 0);
        break;
      case Key::kMeridiemDots:
        Pad(out, f.hour % 24 >= 12 ? "p.m." : "a.m.", node.letters, 0);
        break;
      case Key::kEra:
        of_date();
        Pad(out, f.year <= 0 ? "bc" : "ad",
            node.letters == Letters::kLower ? Letters::kLower : Letters::kUpper, 0);
        break;
      case Key::kEraDots:
        of_date();
        Pad(out, f.year <= 0 ? "b.c." : "a.d.", node.letters, 0);
        break;
      case Key::kCentury: {
        int64_t century = f.year / 100;
        if (!f.interval)
          century = f.year > 0 ? (f.year - 1) / 100 + 1 : -((1 - f.year - 1) / 100 + 1);
        Number(out, century, century < 0 ? 3 : 2, node);
        break;
      }
      case Key::kDayName:
        of_date();
        Pad(out, kDayNames[weekday], node.letters, node.fill ? 0 : 9);
        break;
      case Key::kDayNameShort:
        of_date();
        Pad(out, kDayNames[weekday].substr(0, 3), node.letters, 0);
        break;
      case Key::kDayOfYear:
        Number(out, f.interval ? f.day_number : DayOfYear(f.day_number, f.year), 3, node);
        break;
      case Key::kIsoDayOfYear: {
        of_date();
        const IsoWeek iso = ToIsoWeek(f.day_number);
        Number(out, (iso.week - 1) * 7 + FloorModulo(f.day_number + 3, 7) + 1, 3, node);
        break;
      }
      case Key::kDay:
        Number(out, f.day, f.day < 0 ? 3 : 2, node);
        break;
      case Key::kDayOfWeek:
        of_date();
        Number(out, static_cast<int64_t>(weekday) + 1, 0, node);
        break;
      case Key::kIsoDayOfWeek:
        of_date();
        Number(out, weekday == 0 ? 7 : static_cast<int64_t>(weekday), 0, node);
        break;
      case Key::kHour12: {
        const int64_t hour = f.hour % 12 == 0 ? 12 : f.hour % 12;
        Number(out, hour, hour < 0 ? 3 : 2, node);
        break;
      }
      case Key::kHour24:
        Number(out, f.hour, f.hour < 0 ? 3 : 2, node);
        break;
      case Key::kIsoWeek:
        of_date();
        Number(out, ToIsoWeek(f.day_number).week, 2, node);
        break;
      case Key::kIsoYear4:
        of_date();
        Number(out, iso_year(), 4, node);
        break;
      case Key::kIsoYear3:
        of_date();
        Number(out, iso_year() % 1000, 3, node);
        break;
      case Key::kIsoYear2:
        of_date();
        Number(out, iso_year() % 100, 2, node);
        break;
      case Key::kIsoYear1:
        of_date();
        Number(out, iso_year() % 10, 1, node);
        break;
      case Key::kJulian:
        of_date();
        Number(out, f.day_number + kJulianDayOfEpoch, 0, node);
        break;
      case Key::kMinute:
        Number(out, f.minute, f.minute < 0 ? 3 : 2, node);
        break;
      case Key::kMonth:
        Number(out, f.month, f.month < 0 ? 3 : 2, node);
        break;
      case Key::kMonthName:
        of_date();
        Pad(out, kMonthNames[month], node.letters, node.fill ? 0 : 9);
        break;
      case Key::kMonthNameShort:
        of_date();
        Pad(out, kMonthNames[month].substr(0, 3), node.letters, 0);
        break;
      case Key::kMillisecond:
        Number(out, f.micros / 1000, 3, node);
        break;
      case Key::kOffset:
      case Key::kZoneHour: {
        of_date();
        const int32_t size = f.seconds_east < 0 ? -f.seconds_east : f.seconds_east;
        char text[16];
        int length = std::snprintf(text, sizeof text, "%c%0*d", f.seconds_east < 0 ? '-' : '+',
                                   node.fill ? 0 : 2, size / 3600);
        if (node.key == Key::kOffset && size / 60 % 60 != 0)
          length += std::snprintf(text + length, sizeof text - static_cast<size_t>(length), ":%02d",
                                  size / 60 % 60);
        out.append(text, static_cast<size_t>(length));
        break;
      }
      case Key::kZoneMinute: {
        of_date();
        const int32_t size = f.seconds_east < 0 ? -f.seconds_east : f.seconds_east;
        Number(out, size / 60 % 60, 2, node);
        break;
      }
      case Key::kZone:
        of_date();
        Pad(out, f.zone, node.letters == Letters::kLower ? Letters::kLower : Letters::kUpper, 0);
        break;
      case Key::kQuarter:
        if (f.month != 0) Number(out, (f.month - 1) / 3 + 1, 0, node);
        break;
      case Key::kRomanMonth: {
        if (f.month == 0) break;
        const size_t index = f.month > 0 ? month : static_cast<size_t>(12 + f.month) % 12;
        Pad(out, kRomanMonths[index], node.letters, node.fill ? 0 : 4);
        break;
      }
      case Key::kSecondOfDay:
        Number(out, f.hour * 3600 + f.minute * 60 + f.second, 0, node);
        break;
      case Key::kSecond:
        Number(out, f.second, f.second < 0 ? 3 : 2, node);
        break;
      case Key::kMicrosecond:
        Number(out, f.micros, 6, node);
        break;
      case Key::kWeekOfYear:
        Number(out, ((f.interval ? f.day_number : DayOfYear(f.day_number, f.year)) - 1) / 7 + 1, 2,
               node);
        break;
      case Key::kWeekOfMonth:
        Number(out, (f.day - 1) / 7 + 1, 0, node);
        break;
      case Key::kYearComma: {
        char text[32];
        const int size =
            std::snprintf(text, sizeof text, "%lld,%03lld", static_cast<long long>(year / 1000),
                          static_cast<long long>(year % 1000));
        out.append(text, static_cast<size_t>(size));
        break;
      }
      case Key::kYear4:
        Number(out, year, year < 0 ? 5 : 4, node);
        break;
      case Key::kYear3:
        Number(out, year % 1000, 3, node);
        break;
      case Key::kYear2:
        Number(out, year % 100, 2, node);
        break;
      case Key::kYear1:
        Number(out, year % 10, 1, node);
        break;
    }
  }
}

}  // namespace skep::worker
