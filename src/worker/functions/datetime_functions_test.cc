#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

// Answers are cast to text: the engine's own text of some types is another.
class Datetime : public FunctionsTest {
 protected:
  std::string Text(const std::string& expression) {
    return Ask("select (" + expression + ")::varchar");
  }
  void Expect(std::initializer_list<std::pair<const char*, const char*>> cases) {
    for (const auto& [expression, answer] : cases)
      EXPECT_EQ(Text(expression), answer) << expression;
  }
};

using Dateadd = Datetime;

TEST_F(Dateadd, ReturnsTimestampsForDatesAndText) {
  Expect({{"rs_dateadd('day', 30, date '2021-11-01')", "2021-12-01 00:00:00"},
          {"rs_dateadd('month', 18, '2021-02-28')", "2022-08-28 00:00:00"},
          {"rs_dateadd('minute', 30, '2021-02-28')", "2021-02-28 00:30:00"},
          {"rs_dateadd('week', -1, timestamp '2021-03-01 10:00:00')", "2021-02-22 10:00:00"},
          {"rs_dateadd('quarter', 1, date '2021-11-30')", "2022-02-28 00:00:00"},
          {"rs_dateadd('century', 1, date '2021-11-30')", "2121-11-30 00:00:00"},
          {"rs_dateadd('us', 5, timestamp '2021-11-30 00:00:00')", "2021-11-30 00:00:00.000005"}});
  EXPECT_EQ(TypeOf("rs_dateadd('day', 1, date '2021-01-01')"), "TIMESTAMP");
}

TEST_F(Dateadd, KeepsTheDayOfTheMonthUnlikeAddMonths) {
  Expect({{"rs_dateadd('month', 1, '2021-04-30')", "2021-05-30 00:00:00"},
          {"rs_dateadd('month', 1, '2021-01-31')", "2021-02-28 00:00:00"},
          {"rs_add_months('2021-04-30', 1)", "2021-05-31 00:00:00"},
          {"rs_add_months('2021-03-31', 1)", "2021-04-30 00:00:00"},
          {"rs_add_months(date '2021-03-15', -13)", "2020-02-15 00:00:00"}});
}

TEST_F(Dateadd, RollsOverTheEndOfFebruaryByYearsAlone) {
  Expect({{"rs_dateadd('month', 12, '2020-02-29')", "2021-02-28 00:00:00"},
          {"rs_dateadd('year', 1, '2020-02-29')", "2021-03-01 00:00:00"},
          {"rs_dateadd('year', 4, '2020-02-29')", "2024-02-29 00:00:00"}});
}

TEST_F(Dateadd, GoesRoundTheClockForTimes) {
  Expect({{"rs_dateadd('hour', 12, time '13:24:55')", "01:24:55"},
          {"rs_dateadd('minute', -30, time '00:10:00.5')", "23:40:00.5"},
          {"rs_dateadd('hour', 2, '13:24:55 PST'::timetz)", "23:24:55+00"}});
  EXPECT_EQ(Text("rs_dateadd('day', 1, time '10:00:00')"),
            "ERROR date part \"day\" not supported for type TIME");
}

TEST_F(Dateadd, GoesByTheSessionsClockForTimestampsWithZone) {
  Ask("set TimeZone = 'America/New_York'");
  Expect(
      {{"rs_dateadd('day', 1, '2021-03-13 12:00:00'::timestamptz)", "2021-03-14 12:00:00-04"},
       {"rs_dateadd('hour', 24, '2021-03-13 12:00:00'::timestamptz)", "2021-03-14 13:00:00-04"}});
}

TEST_F(Dateadd, RefusesWhatLeavesTime) {
  EXPECT_EQ(Text("rs_dateadd('year', 999999999999, date '2021-01-01')"),
            "ERROR timestamp out of range");
  EXPECT_EQ(Text("rs_dateadd('day', 9223372036854775807, date '2021-01-01')"),
            "ERROR timestamp out of range");
  EXPECT_EQ(Text("rs_dateadd('second', 9223372036854775, date '2021-01-01')"),
            "ERROR timestamp out of range");
  EXPECT_EQ(Text("rs_dateadd('fortnight', 1, date '2021-01-01')"),
            "ERROR date part \"fortnight\" is not recognized");
}

TEST_F(Dateadd, TakesColumnsWithNulls) {
  EXPECT_EQ(Ask("select count(x), max(x) from (select rs_dateadd('month', i, case when i % 2 = 0 "
                "then date '2020-01-31' end) x from range(5000) r(i))"),
            "2500|2436-07-31 00:00:00");
  EXPECT_EQ(Text("rs_dateadd('month', null, date '2020-01-31')"), "NULL");
}

using Datediff = Datetime;

TEST_F(Datediff, CountsBoundaries) {
  Expect({{"rs_datediff('year', '2020-12-31', '2021-01-01')", "1"},
          {"rs_datediff('week', '2021-01-01', '2021-12-31')", "52"},
          {"rs_datediff('week', '2021-01-02', '2021-01-03')", "1"},  // Saturday to Sunday
          {"rs_datediff('week', '2021-01-03', '2021-01-04')", "0"},
          {"rs_datediff('hour', '2021-01-01', '2021-01-03 05:04:03')", "53"},
          {"rs_datediff('qtr', date '1998-07-01', date '2008-06-05')", "39"},
          {"rs_datediff('month', '2021-01-31', '2020-12-01')", "-1"},
          {"rs_datediff('day', timestamp '2021-01-01 23:59:59', timestamp '2021-01-02')", "1"},
          {"rs_datediff('decade', '2009-12-31', '2010-01-01')", "1"},
          {"rs_datediff('century', '2000-12-31', '2001-01-01')", "1"},
          {"rs_datediff('millennium', '1999-12-31', '2000-01-01')", "0"},
          {"rs_datediff('hour', time '20:00:00', time '15:24:45')", "-5"},
          {"rs_datediff('minute', time '20:00:00', time '21:00:00')", "60"},
          {"rs_datediff('hour', '20:00:00 PST'::timetz, '00:58:00 EST'::timetz)", "1"},
          {"rs_datediff('hour', '04:00:00+00'::timetz, '20:00:00 PST'::timetz)", "0"},
          {"rs_datediff('day', null, date '2021-01-01')", "NULL"}});
  EXPECT_EQ(TypeOf("rs_datediff('day', date '2021-01-01', date '2021-01-01')"), "BIGINT");
}

TEST_F(Datediff, GivesMonthsBetweenWithAMonthOf31Days) {
  Expect({{"rs_months_between('1969-01-18', '1969-03-18')", "-2"},
          {"rs_months_between('2014-09-30', '2014-08-31')", "1"},
          {"rs_months_between('2014-02-15 10:00', '2014-01-15')", "1"}});
  EXPECT_EQ(Ask("select round(rs_months_between('2008-12-25 15:00:00', '2008-01-21 19:30:00'), 2)"),
            "11.12");
}

using Extract = Datetime;

TEST_F(Extract, TakesThePartAloneInWholeNumbers) {
  Expect({{"rs_extract('second', timestamp '2021-09-21 11:10:03.189717')", "3"},
          {"rs_extract('ms', timestamp '2021-09-21 11:10:03.189717')", "189"},
          {"rs_extract('us', timestamp '2021-09-21 11:10:03.189717')", "717"},
          {"rs_extract('century', timestamp '2000-12-16')", "20"},
          {"rs_extract('century', timestamp '2001-12-16')", "21"},
          {"rs_extract('decade', timestamp '1999-02-16')", "200"},
          {"rs_extract('decade', timestamp '2000-02-16')", "201"},
          {"rs_extract('mil', timestamp '2000-12-16')", "2"},
          {"rs_extract('mil', timestamp '2001-12-16')", "3"},
          {"rs_extract('epoch', timestamp '2021-01-01 00:00:00.9')", "1609459200"},
          {"rs_extract('hour', time '18:25:33.123456')", "18"},
          {"rs_extract('ms', '18:25:33.123456 EST'::timetz)", "123"},
          {"rs_extract('timezone_hour', '1.12.1997 07:37:16.00 PDT'::timetz)", "-7"},
          {"rs_extract('week', date '2021-01-01')", "53"},
          {"rs_extract('day', null::date)", "NULL"}});
  EXPECT_EQ(TypeOf("rs_extract('day', date '2021-01-01')"), "INTEGER");
  EXPECT_EQ(TypeOf("rs_extract('day', timestamptz '2021-01-01')"), "DOUBLE");
  EXPECT_EQ(Text("rs_extract('timezone', timestamp '2021-01-01')"),
            "ERROR date part \"timezone\" not supported for type TIMESTAMP");
}

TEST_F(Extract, KeepsFractionsInDatePart) {
  Expect({{"rs_date_part('second', timestamp '2021-09-21 11:10:03.189717')", "3.189717"},
          {"rs_date_part('minute', timestamp '20230104 04:05:06.789')", "5"},
          {"rs_date_part('w', timestamp '20220502 04:05:06.789')", "18"},
          {"rs_date_part('dow', timestamp '20220502 04:05:06.789')", "1"},
          {"rs_date_part('us', timestamp '20220502 04:05:06.789')", "789000"},
          {"rs_date_part('doy', date '2020-12-31')", "366"},
          {"rs_date_part('epoch', timestamp '2021-01-01 00:00:00.5')", "1609459200.5"},
          {"rs_date_part('epoch', '2 days 01:00:00'::interval)", "176400"},
          {"rs_date_part_year('20220502 04:05:06.789')", "2022"}});
}

TEST_F(Extract, ReadsTimestampsWithZoneBySessionsClock) {
  Ask("set TimeZone = 'America/New_York'");
  Expect({{"rs_extract('hour', '2021-07-01 12:00:00+00'::timestamptz)", "8"},
          {"rs_extract('timezone', '2021-07-01 12:00:00+00'::timestamptz)", "-14400"},
          {"rs_extract('epoch', '1970-01-02 00:00:00+00'::timestamptz)", "86400"}});
}

using DateTrunc = Datetime;

TEST_F(DateTrunc, CutsToThePart) {
  Expect({{"rs_date_trunc('second', timestamp '2020-04-30 04:05:06.789')", "2020-04-30 04:05:06"},
          {"rs_date_trunc('hour', timestamp '2020-04-30 04:05:06.789')", "2020-04-30 04:00:00"},
          {"rs_date_trunc('quarter', timestamp '2020-06-30 04:05:06')", "2020-04-01 00:00:00"},
          {"rs_date_trunc('week', timestamp '2022-04-30 04:05:06')", "2022-04-25 00:00:00"},
          {"rs_date_trunc('decade', date '2029-04-30')", "2020-01-01 00:00:00"},
          {"rs_date_trunc('century', date '2000-04-30')", "1901-01-01 00:00:00"},
          {"rs_date_trunc('millennium', date '2020-04-30')", "2001-01-01 00:00:00"},
          {"rs_date_trunc('day', '2020-04-30 04:05:06')", "2020-04-30 00:00:00"},
          {"rs_date_trunc('minute', timestamp '1960-04-30 04:05:06')", "1960-04-30 04:05:00"},
          {"rs_date_trunc('month', '1 year 2 mons 3 days'::interval)", "1 year 2 mons"},
          {"rs_trunc_timestamp(timestamp '2020-04-30 04:05:06')", "2020-04-30"}});
  Ask("set TimeZone = 'America/New_York'");
  Expect(
      {{"rs_date_trunc('day', '2021-07-01 02:00:00+00'::timestamptz)", "2021-06-30 00:00:00-04"}});
}

TEST_F(DateTrunc, FindsDaysOfTheCalendar) {
  Expect({{"rs_last_day(timestamp '2024-02-03 10:00:00')", "2024-02-29"},
          {"rs_last_day('2023-02-03')", "2023-02-28"},
          {"rs_next_day('2014-08-20', 'Tuesday')", "2014-08-26"},
          {"rs_next_day(date '2014-08-20', 'w')", "2014-08-27"},
          {"rs_next_day(timestamp '2014-08-20 10:00', 'THURS')", "2014-08-21"}});
  EXPECT_EQ(Text("rs_next_day(date '2014-08-20', 'noday')"),
            "ERROR \"noday\" is not a day of the week");
}

using Zones = Datetime;

TEST_F(Zones, ConvertByNamesAbbreviationsAndPosixForms) {
  Expect(
      {{"rs_convert_timezone('PST', timestamp '2021-08-24 09:36:12')", "2021-08-24 01:36:12"},
       {"rs_convert_timezone('US/Pacific', timestamp '2021-08-24 09:36:12')",
        "2021-08-24 02:36:12"},
       {"rs_convert_timezone('EST', 'PST', '20080305 12:25:29')", "2008-03-05 09:25:29"},
       {"rs_convert_timezone('America/New_York', '2021-02-01 08:00:00')", "2021-02-01 03:00:00"},
       {"rs_convert_timezone('america/new_york', '2021-06-01 08:00:00')", "2021-06-01 04:00:00"},
       {"rs_convert_timezone('GMT', 'NEWZONE +2', '2021-05-17 12:00:00')", "2021-05-17 10:00:00"},
       {"rs_convert_timezone('GMT', 'NEWZONE-2:15', '2021-05-17 12:00:00')", "2021-05-17 14:15:00"},
       {"rs_convert_timezone('GMT', 'America/Los_Angeles+2', '2021-05-17 12:00:00')",
        "2021-05-17 10:00:00"},
       {"rs_convert_timezone('GMT', 'GMT+2', '2021-05-17 12:00:00')", "2021-05-17 10:00:00"},
       {"rs_convert_timezone('UTC', 'PST8PDT', '2021-07-17 12:00:00')", "2021-07-17 05:00:00"},
       {"rs_convert_timezone('UTC', 'Etc/GMT+2', '2021-07-17 12:00:00')", "2021-07-17 10:00:00"}});
  EXPECT_EQ(Text("rs_convert_timezone('Mars/Base', '2021-05-17 12:00:00')"),
            "ERROR time zone \"Mars/Base\" not recognized");
}

TEST_F(Zones, TurnClocksIntoInstantsAndBack) {
  Expect({{"rs_timezone('MST', timestamp '2001-02-16 20:38:40')", "2001-02-17 03:38:40+00"},
          {"rs_timezone('MST', '2001-02-16 20:38:40-05'::timestamptz)", "2001-02-16 18:38:40"}});
  EXPECT_EQ(TypeOf("rs_timezone('MST', timestamp '2001-02-16 20:38:40')"),
            "TIMESTAMP WITH TIME ZONE");
}

TEST_F(Zones, TakeColumnsOfNames) {
  EXPECT_EQ(Ask("select count(*), min(x), max(x) from (select rs_convert_timezone(case i % 3 when "
                "0 then 'PST' when 1 then 'Asia/Tokyo' end, timestamp '2021-01-01') x from "
                "range(6000) r(i)) where x is not null"),
            "4000|2020-12-31 16:00:00|2021-01-01 09:00:00");
}

using DatetimeCompare = Datetime;

TEST_F(DatetimeCompare, AnswersMinusOneZeroOrOne) {
  Expect({{"rs_date_cmp('2021-01-01', '2021-01-02')", "-1"},
          {"rs_date_cmp_timestamp('2021-01-02', timestamp '2021-01-01 10:00:00')", "1"},
          {"rs_timestamp_cmp(timestamp '2021-01-01', timestamp '2021-01-01')", "0"},
          {"rs_timestamp_cmp_date(timestamp '2021-01-01 00:00:01', date '2021-01-01')", "1"},
          {"rs_timestamp_cmp_timestamptz(timestamp '2021-01-01', '2021-01-01 00:00+01')", "1"},
          {"rs_timestamptz_cmp('2021-01-01 00:00+01', '2020-12-31 23:00+00')", "0"},
          {"rs_timestamptz_cmp_date('2021-01-01 00:00+01', date '2021-01-01')", "-1"},
          {"rs_timestamptz_cmp_timestamp('2021-01-01 00:00+00', timestamp '2021-01-01')", "0"},
          {"rs_date_cmp_timestamptz(date '2021-01-01', '2021-01-01 00:00-01')", "-1"},
          {"rs_interval_cmp('3 days', '1 year')", "-1"},
          {"rs_interval_cmp('7 days', '1 week')", "0"},
          {"rs_interval_cmp('1 month', '30 days')", "0"},
          {"rs_interval_cmp(null, '30 days')", "NULL"}});
}

using DatetimeOperators = Datetime;

TEST_F(DatetimeOperators, CountDaysBetweenDates) {
  Expect({{"date '2021-03-01' - date '2021-02-01'", "28"},
          {"date '2021-03-01' + 5", "2021-03-06"},
          {"5::bigint + date '2021-03-01'", "2021-03-06"},
          {"date '2021-03-01' - 5::bigint", "2021-02-24"},
          {"date '2021-03-01' + time '20:00:00'", "2021-03-01 20:00:00"},
          {"time '20:00:00' + date '2021-03-01'", "2021-03-01 20:00:00"},
          {"date '2000-01-01' + '20:00:00 PST'::timetz", "2000-01-02 04:00:00+00"}});
  EXPECT_EQ(TypeOf("date '2021-03-01' - date '2021-02-01'"), "INTEGER");
  EXPECT_EQ(Text("date '2021-03-01' + 9223372036854775807"), "ERROR date out of range");
}

TEST_F(DatetimeOperators, AddIntervals) {
  Expect({{"date '2021-12-31' + interval '1 second'", "2021-12-31 00:00:01"},
          {"date '2021-12-31' + rs_interval('52 weeks')", "2022-12-30 00:00:00"},
          {"date '2021-03-31' - rs_interval('4 months')", "2020-11-30 00:00:00"},
          {"timestamp '2021-03-31 10:00' + rs_interval('1 month')", "2021-04-30 10:00:00"},
          {"time '20:00:00' + rs_interval('5 hours')", "01:00:00"},
          {"timestamp '2021-03-31 10:00' - timestamp '2021-01-30 12:30'", "59 days 21:30:00"},
          {"timestamp '2021-03-31 10:00' - date '2021-03-30'", "1 day 10:00:00"},
          {"'2021-03-31 10:00+00'::timestamptz - '2021-01-30 12:30+00'::timestamptz",
           "59 days 21:30:00"},
          {"time '10:00:00' - time '09:30:00'", "00:30:00"},
          {"rs_interval('1 day') + rs_interval('2 hours')", "1 day 02:00:00"},
          {"- rs_interval('1 day 2 hours')", "-1 days -02:00:00"}});
}

TEST_F(DatetimeOperators, ScaleIntervals) {
  Expect({{"rs_interval('1 day') * 3", "3 days"},
          {"2.5 * rs_interval('1 day')", "2 days 12:00:00"},
          {"rs_interval('1 month') * 1.5", "1 mon 15 days"},
          {"rs_interval('1 month') / 2", "15 days"},
          {"rs_interval('1 hour') / 1.5", "00:40:00"},
          {"timestamp 'epoch' + 1609459200.5::double * rs_interval('1 second')",
           "2021-01-01 00:00:00.5"}});
  EXPECT_EQ(Text("rs_interval('1 day') / 0"), "ERROR division by zero");
}

}  // namespace
}  // namespace skep::worker
