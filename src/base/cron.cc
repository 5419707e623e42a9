#include "base/cron.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "base/text.h"

namespace skep {
namespace {

struct Field {
  int least, most;
  std::array<std::string_view, 12> names;  // of the values from `least` on
};

constexpr Field kMinutes{0, 59, {}}, kHours{0, 23, {}}, kDays{1, 31, {}}, kYears{1970, 2199, {}};
constexpr Field kMonths{
    1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}};
constexpr Field kWeekdays{1, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}};

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool Number(std::string_view text, const Field& field, int& value) {
  for (size_t i = 0; i < field.names.size(); i++) {
    if (!field.names[i].empty() && field.names[i] == text) {
      value = field.least + static_cast<int>(i);
      return true;
    }
  }
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size() && value >= field.least &&
         value <= field.most;
}

template <size_t N>
bool Fill(std::string_view text, const Field& field, std::bitset<N>& set) {
  for (const std::string_view item : Split(text, ',')) {
    const auto stepped = Split(item, '/');
    int step = 1, from = field.least, to = field.most;
    if (stepped.size() > 2) return false;
    if (stepped.size() == 2) {
      const auto read =
          std::from_chars(stepped[1].data(), stepped[1].data() + stepped[1].size(), step);
      if (read.ec != std::errc{} || read.ptr != stepped[1].data() + stepped[1].size() || step < 1 ||
          step > field.most)
        return false;
    }
    if (stepped[0] != "*") {
      const auto range = Split(stepped[0], '-');
      if (range.size() > 2 || !Number(range[0], field, from)) return false;
      if (stepped.size() == 1) to = from;
      if (range.size() == 2 && !Number(range[1], field, to)) return false;
      if (from > to) return false;
    }
    for (int value = from; value <= to; value += step) set.set(static_cast<size_t>(value));
  }
  return true;
}

}  // namespace

Result<CronSchedule> CronSchedule::Parse(std::string_view text) {
  const auto invalid = [&] {
    return Fail(ErrorKind::kInvalidArgument,
                fmt::format("Invalid Schedule Expression: {}", text.substr(0, 200)));
  };
  const std::string lower = Lower(text);
  if (!lower.starts_with("cron(") || !lower.ends_with(')')) return invalid();
  std::vector<std::string_view> fields;
  for (const std::string_view word :
       Split(std::string_view(lower).substr(5, lower.size() - 6), ' ')) {
    if (!word.empty()) fields.push_back(word);
  }
  if (fields.size() != 6) return invalid();
  CronSchedule schedule;
  const std::string_view day = fields[2], weekday = fields[4];
  // One of the days is left open.
  if ((day == "?") == (weekday == "?") && !(day == "*" && weekday == "*")) return invalid();
  if (day == "l") {
    schedule.last_day_ = true;
  } else if (!Fill(day == "?" ? "*" : day, kDays, schedule.days_)) {
    return invalid();
  }
  if (!Fill(fields[0], kMinutes, schedule.minutes_) || !Fill(fields[1], kHours, schedule.hours_) ||
      !Fill(fields[3], kMonths, schedule.months_) ||
      !Fill(weekday == "?" ? "*" : weekday, kWeekdays, schedule.weekdays_) ||
      !Fill(fields[5], kYears, schedule.years_))
    return invalid();
  return schedule;
}

bool CronSchedule::Matches(std::chrono::sys_time<std::chrono::minutes> minute) const {
  using namespace std::chrono;
  const auto day = floor<days>(minute);
  const year_month_day date(day);
  const auto of_day = (minute - day).count();
  const int year_number = static_cast<int>(date.year());
  if (year_number < 0 || static_cast<size_t>(year_number) >= years_.size()) return false;
  const bool right_day = last_day_ ? date == year_month_day(date.year() / date.month() / last)
                                   : days_.test(static_cast<unsigned>(date.day()));
  return right_day && minutes_.test(static_cast<size_t>(of_day % 60)) &&
         hours_.test(static_cast<size_t>(of_day / 60)) &&
         months_.test(static_cast<unsigned>(date.month())) &&
         weekdays_.test(weekday(day).c_encoding() + 1) &&
         years_.test(static_cast<size_t>(year_number));
}

}  // namespace skep
