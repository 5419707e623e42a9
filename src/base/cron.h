// Schedules as AWS writes them: cron(minutes hours day-of-month month day-of-week year), in UTC.
// Source: "Cron expressions" of the EventBridge user guide. Pure functions.
#pragma once

#include <bitset>
#include <chrono>
#include <string_view>

#include "base/error.h"

namespace skep {

class CronSchedule {
 public:
  // Values, names (JAN-DEC, SUN-SAT with SUN = 1), lists, ranges, steps, * and ?, L for the last
  // day of a month. Errors: kInvalidArgument (malformed, a number out of range, both days given; W
  // and # are not known).
  static Result<CronSchedule> Parse(std::string_view text);
  // Whether the minute that begins at `minute` is one of the schedule's.
  bool Matches(std::chrono::sys_time<std::chrono::minutes> minute) const;

 private:
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;
  std::bitset<2200> years_;
  bool last_day_ = false;
};

}  // namespace skep
