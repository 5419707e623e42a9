#include "base/cron.h"

#include <gtest/gtest.h>

namespace skep {
namespace {

using namespace std::chrono;

sys_time<minutes> At(int y, unsigned m, unsigned d, int hour, int minute) {
  return sys_days(year(y) / static_cast<int>(m) / static_cast<int>(d)) + hours(hour) +
         minutes(minute);
}

TEST(CronSchedule, MatchesTheMinutesThatItNames) {
  struct Case {
    const char* text;
    sys_time<minutes> minute;
    bool matches;
  };
  // 2024-02-29 is a Thursday.
  const Case cases[] = {
      {"cron(* * * * ? *)", At(2024, 2, 29, 13, 37), true},
      {"cron(37 13 * * ? *)", At(2024, 2, 29, 13, 37), true},
      {"cron(37 13 * * ? *)", At(2024, 2, 29, 13, 38), false},
      {"cron(0/15 * * * ? *)", At(2024, 2, 29, 13, 45), true},
      {"cron(5/15 * * * ? *)", At(2024, 2, 29, 13, 45), false},
      {"cron(0 8-17/3 * * ? *)", At(2024, 2, 29, 14, 0), true},
      {"cron(0 8-17/3 * * ? *)", At(2024, 2, 29, 15, 0), false},
      {"cron(0 0 ? * THU,FRI *)", At(2024, 2, 29, 0, 0), true},
      {"cron(0 0 ? * 5 *)", At(2024, 2, 29, 0, 0), true},
      {"cron(0 0 ? * MON-WED *)", At(2024, 2, 29, 0, 0), false},
      {"cron(0 0 L * ? *)", At(2024, 2, 29, 0, 0), true},
      {"cron(0 0 L * ? *)", At(2024, 2, 28, 0, 0), false},
      {"cron(0 0 1 jan ? 2025-2027)", At(2026, 1, 1, 0, 0), true},
      {"cron(0 0 1 jan ? 2025-2027)", At(2028, 1, 1, 0, 0), false},
  };
  for (const Case& c : cases) {
    const auto schedule = CronSchedule::Parse(c.text);
    ASSERT_TRUE(schedule) << c.text;
    EXPECT_EQ(schedule->Matches(c.minute), c.matches) << c.text;
  }
}

TEST(CronSchedule, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "cron()",
                           "cron(* * * * ?)",
                           "cron(* * * * ? * *)",
                           "cron(60 * * * ? *)",
                           "cron(* * 0 * ? *)",
                           "cron(* * * 13 ? *)",
                           "cron(* * ? * 8 *)",
                           "cron(* * 1 * 1 *)",
                           "cron(* * ? * ? *)",
                           "cron(2-1 * * * ? *)",
                           "cron(*/0 * * * ? *)",
                           "cron(, * * * ? *)",
                           "cron(1- * * * ? *)",
                           "cron(* * 3W * ? *)",
                           "cron(* * ? * 2#1 *)",
                           "cron(-1 * * * ? *)",
                           "cron(* * * * ? 3000)",
                           "rate(1 hour)",
                           "cron(* * * * ? *",
                           "cron(1/2/3 * * * ? *)"})
    EXPECT_FALSE(CronSchedule::Parse(text)) << text;
}

}  // namespace
}  // namespace skep
