#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

class DatetimeCasts : public FunctionsTest {
 protected:
  // Without the engine's mark of the place.
  std::string Error(const std::string& sql) {
    const std::string answer = Ask(sql);
    return answer.substr(0, answer.find('\n'));
  }
};

TEST_F(DatetimeCasts, ReadEveryFormOfADate) {
  // Guide: "Date, time, and timestamp literals", "Using automatic recognition".
  constexpr std::pair<const char*, const char*> kDates[] = {
      {"2021-03-04", "2021-03-04"},
      {"March 4, 2021", "2021-03-04"},
      {"Mar 4,2021", "2021-03-04"},
      {"3/4/2021", "2021-03-04"},
      {"03/04/21", "2021-03-04"},
      {"2021-Mar-04", "2021-03-04"},
      {"Mar-04-2021", "2021-03-04"},
      {"04-Mar-2021", "2021-03-04"},
      {"20210304", "2021-03-04"},
      {"210304", "2021-03-04"},
      {"2021.063", "2021-03-04"},
      {"J2459278", "2021-03-04"},
      {"04.03.2021", "2021-04-03"},
      {"24.03.2021", "2021-03-24"},
      {"2021/3/4", "2021-03-04"},
      {"3-4-2021", "2021-03-04"},
      {"4 Mar 2021", "2021-03-04"},
      {"2021-03-04 05:06:07", "2021-03-04"},
      {"20210304 050607", "2021-03-04"},
      {"  2021-03-04  ", "2021-03-04"},
      {"Thursday, March 4, 2021", "2021-03-04"},
      {"epoch", "1970-01-01"},
      {"69-01-02", "ERROR"},
      {"01/02/69", "2069-01-02"},
      {"01/02/70", "1970-01-02"}};
  for (const auto& [text, date] : kDates) {
    const std::string answer = Ask("select '" + std::string(text) + "'::date::varchar");
    EXPECT_TRUE(answer.starts_with(date)) << text << " -> " << answer;
  }
}

TEST_F(DatetimeCasts, ReadEveryFormOfATimestamp) {
  constexpr std::pair<const char*, const char*> kTimestamps[] = {
      {"2021-03-04 05:06:07.089", "2021-03-04 05:06:07.089"},
      {"2021-03-04T05:06:07", "2021-03-04 05:06:07"},
      {"Mar 4,2021  05:06:07", "2021-03-04 05:06:07"},
      {"Mar 4,2021 17:06", "2021-03-04 17:06:00"},
      {"20210304 050607", "2021-03-04 05:06:07"},
      {"210304 050607", "2021-03-04 05:06:07"},
      {"20210304", "2021-03-04 00:00:00"},
      {"03/04/21 05:06:07", "2021-03-04 05:06:07"},
      {"2021-03-04 05:06 PM", "2021-03-04 17:06:00"},
      {"2021-03-04 12:06AM", "2021-03-04 00:06:00"},
      {"2021.063 05:06", "2021-03-04 05:06:00"},
      {"J2459278 05:06:07.5", "2021-03-04 05:06:07.5"},
      {"4 Mar 05:06:07 2021 PST", "2021-03-04 05:06:07"},
      {"Mar 4, 2021 05:06:07 EST", "2021-03-04 05:06:07"},
      {"2021-03-04 05:06:07-08", "2021-03-04 05:06:07"},
      {"2021-03-04 24:00:00", "2021-03-05 00:00:00"}};
  for (const auto& [text, timestamp] : kTimestamps)
    EXPECT_EQ(Ask("select '" + std::string(text) + "'::timestamp::varchar"), timestamp) << text;
}

TEST_F(DatetimeCasts, TakeZonesIntoAccountForTimestampsWithOne) {
  constexpr std::pair<const char*, const char*> kTimestamps[] = {
      {"2021-03-04 05:06:07", "2021-03-04 05:06:07+00"},
      {"2021-03-04 05:06:07-08", "2021-03-04 13:06:07+00"},
      {"2021-03-04 05:06:07.5+05:30", "2021-03-03 23:36:07.5+00"},
      {"2021-03-04 05:06:07 PST", "2021-03-04 13:06:07+00"},
      {"03/04/2021 05:06:07.00 US/Pacific", "2021-03-04 13:06:07+00"},
      {"07/04/2021 05:06:07.00 US/Pacific", "2021-07-04 12:06:07+00"},
      {"4 Mar 05:06:07 2021 EST", "2021-03-04 10:06:07+00"},
      {"24.03.2021 05:06:07.00 PST", "2021-03-24 13:06:07+00"},
      {"2021-03-04T05:06:07Z", "2021-03-04 05:06:07+00"}};
  for (const auto& [text, timestamp] : kTimestamps)
    EXPECT_EQ(Ask("select '" + std::string(text) + "'::timestamptz::varchar"), timestamp) << text;
}

TEST_F(DatetimeCasts, ReadAndShowTimestampsInTheSessionsZone) {
  Ask("set TimeZone = 'America/New_York'");
  EXPECT_EQ(Ask("select '2021-07-04 08:00:00'::timestamptz::varchar"), "2021-07-04 08:00:00-04");
  EXPECT_EQ(Ask("select '2021-01-04 08:00:00+00'::timestamptz::varchar"), "2021-01-04 03:00:00-05");
  // A clock that skips an hour runs on; one that repeats it means the later time.
  EXPECT_EQ(Ask("select '2021-03-14 02:30:00'::timestamptz::varchar"), "2021-03-14 03:30:00-04");
  EXPECT_EQ(Ask("select '2021-11-07 01:30:00'::timestamptz::varchar"), "2021-11-07 01:30:00-05");
  EXPECT_EQ(Ask("select '2121-07-04 08:00:00'::timestamptz::varchar"), "2121-07-04 08:00:00-04");
  EXPECT_EQ(Ask("select '1890-07-04 08:00:00'::timestamptz::varchar"), "1890-07-04 08:00:00-05");
}

TEST_F(DatetimeCasts, ReadEveryFormOfATime) {
  constexpr std::pair<const char*, const char*> kTimes[] = {{"05:06:07.089", "05:06:07.089"},
                                                            {"05:06:07", "05:06:07"},
                                                            {"05:06", "05:06:00"},
                                                            {"050607", "05:06:07"},
                                                            {"05:06 AM", "05:06:00"},
                                                            {"05:06 PM", "17:06:00"},
                                                            {"17:06", "17:06:00"},
                                                            {"0506", "05:06:00"},
                                                            {"2021-03-04 05:06:07", "05:06:07"}};
  for (const auto& [text, time] : kTimes)
    EXPECT_EQ(Ask("select '" + std::string(text) + "'::time::varchar"), time) << text;
  EXPECT_EQ(Ask("select '05:06:07 PST'::timetz::varchar"), "05:06:07-08");
  EXPECT_EQ(Ask("select '1.12.1997 07:37:16.00 PDT'::timetz::varchar"), "07:37:16-07");
  EXPECT_EQ(Ask("select '05:06:07'::timetz::varchar"), "05:06:07+00");
}

TEST_F(DatetimeCasts, KnowWordsForDays) {
  EXPECT_EQ(Ask("select 'today'::date = current_date, 'tomorrow'::date - 'yesterday'::date"),
            "true|2");
  EXPECT_EQ(Ask("select 'now'::timestamp = rs_sysdate(), 'today'::timestamp = current_date"),
            "true|true");
}

TEST_F(DatetimeCasts, NameTheTypeAndTheTextInErrors) {
  EXPECT_EQ(Error("select 'nonsense'::date"),
            "ERROR invalid input syntax for type date: \"nonsense\"");
  EXPECT_EQ(Error("select ''::timestamp"), "ERROR invalid input syntax for type timestamp: \"\"");
  EXPECT_EQ(Error("select '2021-02-30'::date"),
            "ERROR date/time field value out of range: \"2021-02-30\"");
  EXPECT_EQ(Error("select '13/13/2021'::date"),
            "ERROR date/time field value out of range: \"13/13/2021\"");
  EXPECT_EQ(Error("select '25:00:00'::time"),
            "ERROR date/time field value out of range: \"25:00:00\"");
  EXPECT_EQ(Ask("select try_cast('2021-02-30' as date)"), "NULL");
}

TEST_F(DatetimeCasts, ReadColumnsWithNulls) {
  EXPECT_EQ(Ask("select count(d), min(d)::varchar, max(d)::varchar from (select (case when i % 3 = "
                "0 then null when i % 2 = 0 then 'Jan 1,2021' else '2021-02-0' || (1 + i % 9) "
                "end)::date d from range(9000) r(i))"),
            "6000|2021-01-01|2021-02-09");
}

TEST_F(DatetimeCasts, ReadBooleans) {
  EXPECT_EQ(Ask("select 't'::bool, 'TRUE'::bool, ' y '::bool, 'yes'::bool, '1'::bool"),
            "true|true|true|true|true");
  EXPECT_EQ(Ask("select 'f'::bool, 'False'::bool, 'n'::bool, 'no'::bool, '0'::bool"),
            "false|false|false|false|false");
  EXPECT_EQ(Error("select 'maybe'::bool"),
            "ERROR invalid input syntax for type boolean: \"maybe\"");
}

TEST_F(DatetimeCasts, ReadAndWriteIntervals) {
  constexpr std::pair<const char*, const char*> kIntervals[] = {
      {"52 weeks", "364 days"},
      {"3 hours, 30 minutes", "03:30:00"},
      {"1w, 1h, 1m, 1s", "7 days 01:01:01"},
      {"0.5 days", "12:00:00"},
      {"5", "00:00:05"},
      {"1.5 months", "1 mon 15 days"},
      {"1 qtr", "3 mons"},
      {"1-2", "1 year 2 mons"},
      {"2 10:00:00", "2 days 10:00:00"},
      {"P1Y2M3DT4H5M6.5S", "1 year 2 mons 3 days 04:05:06.5"},
      {"1 day ago", "-1 days"},
      {"-1 year 2 mons", "-10 mons"},
      {"100 hours", "100:00:00"}};
  for (const auto& [text, interval] : kIntervals)
    EXPECT_EQ(Ask("select rs_interval('" + std::string(text) + "')::varchar"), interval) << text;
  EXPECT_EQ(Ask("select interval '1 day' = '24 hours'::interval"), "true");
  EXPECT_EQ(Error("select rs_interval('soon')"),
            "ERROR invalid input syntax for type interval: \"soon\"");
  EXPECT_EQ(Error("select rs_interval('9999999999 years')"),
            "ERROR interval field value out of range: \"9999999999 years\"");
}

TEST_F(DatetimeCasts, KeepTheFieldsThatAQualifierNames) {
  constexpr std::pair<const char*, const char*> kIntervals[] = {
      {"'1-2', 'year to month'", "1 year 2 mons"},
      {"'5', 'year'", "5 years"},
      {"'5', 'month'", "5 mons"},
      {"'3', 'day'", "3 days"},
      {"'2 10', 'day to hour'", "2 days 10:00:00"},
      {"'2 10:30', 'day to minute'", "2 days 10:30:00"},
      {"'2 10:00:00.5', 'day to second'", "2 days 10:00:00.5"},
      {"'10:30', 'minute to second'", "00:10:30"},
      {"'1.23456', 'second(3)'", "00:00:01.235"},
      {"'14 months', 'year'", "1 year"}};
  for (const auto& [arguments, interval] : kIntervals)
    EXPECT_EQ(Ask("select rs_interval(" + std::string(arguments) + ")::varchar"), interval)
        << arguments;
}

TEST_F(DatetimeCasts, HoldTimeStillWithinAStatement) {
  EXPECT_EQ(Ask("select rs_getdate() = date_trunc('second', rs_getdate()), rs_sysdate() >= "
                "rs_getdate(), rs_current_date() = rs_sysdate()::date"),
            "true|true|true");
  EXPECT_EQ(TypeOf("rs_sysdate()"), "TIMESTAMP");
  EXPECT_EQ(TypeOf("rs_current_date()"), "DATE");
  EXPECT_EQ(TypeOf("rs_now()"), "TIMESTAMP WITH TIME ZONE");
  EXPECT_EQ(Ask("select length(rs_timeofday()), right(rs_timeofday(), 3)"), "35|UTC");
}

}  // namespace
}  // namespace skep::worker
