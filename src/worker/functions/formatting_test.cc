#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

class Formatting : public FunctionsTest {
 protected:
  std::string Text(const std::string& expression) {
    const std::string answer = Ask("select '[' || (" + expression + ")::varchar || ']'");
    return answer.starts_with('[') ? answer.substr(1, answer.size() - 2) : answer;
  }
  void Expect(std::initializer_list<std::pair<const char*, const char*>> cases) {
    for (const auto& [expression, answer] : cases)
      EXPECT_EQ(Text(expression), answer) << expression;
  }
};

using ToChar = Formatting;

TEST_F(ToChar, WritesDatesByTheirFormat) {
  Expect({{"rs_to_char(timestamp '2009-12-31 23:15:59', 'MONTH-DY-DD-YYYY HH12:MIPM')",
           "DECEMBER -THU-31-2009 11:15PM"},
          {"rs_to_char(timestamp '2009-12-31 23:15:59', 'DDD')", "365"},
          {"rs_to_char(timestamp '2022-05-16 23:15:59', 'ID')", "1"},
          {"rs_to_char(date '2009-12-31', 'FMMONTH')", "DECEMBER"},
          {"rs_to_char(date '2009-12-31', 'Month') || '|'", "December |"},
          {"rs_to_char(date '2009-12-31', 'day') || '|'", "thursday |"},
          {"rs_to_char(timestamp '2008-02-18 02:36:48', 'cc')", "21"},
          {"rs_to_char(timestamp '2008-02-18 02:36:48', 'HH12:MI:SS TZ')", "02:36:48 UTC"},
          {"rs_to_char(timestamp '2008-02-18 02:36:48.325143', 'HH24:MI:SS.MS SS:US')",
           "02:36:48.325 48:325143"},
          {"rs_to_char(date '2021-01-03', 'IYYY-IW-ID Q J D WW W')", "2020-53-7 1 2459218 1 01 1"},
          {"rs_to_char(date '2021-01-03', 'FMDDth FMMM Y,YYY YYY YY Y RM')",
           "3rd 1 2,021 021 21 1 I   "},
          {"rs_to_char(timestamp '2021-01-03 01:02:03', 'SSSS a.m. AD \"MM\" tz OF')",
           "3723 a.m. AD MM utc +00"},
          {"rs_to_char('2 days 30:00:05'::interval, 'DD HH24:MI:SS')", "02 30:00:05"},
          {"rs_to_char('2021-01-03 04:05', 'HH24')", "04"},
          {"rs_to_char(null::date, 'YYYY')", "NULL"}});
  Ask("set TimeZone = 'America/New_York'");
  Expect({{"rs_to_char('2021-07-03 04:05:00+00'::timestamptz, 'HH24:MI TZ OF')", "00:05 EDT -04"}});
}

TEST_F(ToChar, WritesNumbersByTheirFormat) {
  Expect({{"rs_to_char(-125.8, '999D99S')", "125.80-"},
          {"rs_to_char(-125.88, '$S999D99')", "$-125.88"},
          {"rs_to_char(-125.88, '$999D99PR')", "$<125.88>"},
          {"rs_to_char(618.80, 'l99999D99')", "$   618.80"},
          {"rs_to_char(125, 'RN')", "           CXXV"},
          {"rs_to_char(618.8, 'rn')", "          dcxix"},
          {"rs_to_char(1234567, '9,999,999')", " 1,234,567"},
          {"rs_to_char(12, '0999')", " 0012"},
          {"rs_to_char(12, 'FM0999')", "0012"},
          {"rs_to_char(0.1, '9.9')", "  .1"},
          {"rs_to_char(0.1, 'FM9.9')", ".1"},
          {"rs_to_char(1485, '9G999')", " 1,485"},
          {"rs_to_char(482, '999th')", " 482nd"},
          {"rs_to_char(12.45, '99V9')", " 125"},
          {"rs_to_char(12345, '999')", " ###"},
          {"rs_to_char(-12, '99MI')", "12-"},
          {"rs_to_char(12, 'SG99')", "+12"},
          {"rs_to_char(12, 'PL99')", "+ 12"},
          {"rs_to_char(12345.678::double, '9.99EEEE')", " 1.23e+04"},
          {"rs_to_char(0.005::double, '0.99')", " 0.01"},
          {"rs_to_char(12345678901234567890::decimal(20,0), '99999999999999999999')",
           " 12345678901234567890"}});
  EXPECT_EQ(Text("rs_to_char(1, '9.9.9')"), "ERROR multiple decimal points");
}

TEST_F(ToChar, TakesColumnsWithNulls) {
  EXPECT_EQ(Ask("select count(x), max(x) from (select rs_to_char(case when i % 2 = 0 then i end, "
                "'9999') x from range(5000) r(i))"),
            "2500| 4998");
  EXPECT_EQ(Ask("select count(distinct x) from (select rs_to_char(date '2021-03-04', case when i % "
                "2 = 0 then 'YYYY' else 'MM' end) x from range(5000) r(i))"),
            "2");
}

using ToTimestamp = Formatting;

TEST_F(ToTimestamp, ReadsTextByItsFormat) {
  Expect({{"rs_to_date('02 Oct 2001', 'DD Mon YYYY')", "2001-10-02"},
          {"rs_to_date(20010615, 'YYYYMMDD')", "2001-06-15"},
          {"rs_to_date('2001-166', 'YYYY-DDD')", "2001-06-15"},
          {"rs_to_date('15/06/01', 'DD/MM/YY')", "2001-06-15"},
          {"rs_to_date('June 5, 2001', 'Month DD, YYYY')", "2001-06-05"},
          {"rs_to_date('2001-24-5', 'IYYY-IW-ID')", "2001-06-15"},
          {"rs_to_date('J2452076', '\"J\"J')", "2001-06-15"},
          {"rs_to_timestamp('2017', 'YYYY')", "2017-01-01 00:00:00+00"},
          {"rs_to_timestamp('', 'YYYY')", "0001-01-01 00:00:00+00"},
          {"rs_to_timestamp('2011-12-18 11:38:15 PM', 'YYYY-MM-DD HH:MI:SS AM')",
           "2011-12-18 23:38:15+00"},
          {"rs_to_timestamp(timestamp '2021-04-05 19:27:53.281812', 'YYYY-MM-DD HH24:MI:SS')",
           "2021-04-05 19:27:53+00"},
          {"rs_to_timestamp('12:30:05.25', 'HH24:MI:SS.MS')", "0001-01-01 12:30:05.25+00"}});
  EXPECT_EQ(TypeOf("rs_to_timestamp('2017', 'YYYY')"), "TIMESTAMP WITH TIME ZONE");
}

TEST_F(ToTimestamp, CarriesOverWhatIsTooLargeUnlessStrict) {
  Expect({{"rs_to_date('20010631', 'YYYYMMDD', false)", "2001-07-01"},
          {"rs_to_timestamp('2011-12-18 24:38:15', 'YYYY-MM-DD HH24:MI:SS')",
           "2011-12-19 00:38:15+00"},
          {"rs_to_date('20010631', 'YYYYMMDD', true)",
           "ERROR date/time field date value out of range: 2001-6-31"},
          {"rs_to_timestamp('2011-12-18 24:38:15', 'YYYY-MM-DD HH24:MI:SS', true)",
           "ERROR date/time field time value out of range: 24:38:15.0"},
          {"rs_to_date('x', 'YYYY')", "ERROR invalid value \"x\" for \"YYYY\""}});
}

using ToNumber = Formatting;

TEST_F(ToNumber, ReadsTextByItsFormat) {
  Expect({{"rs_to_number('12,454.8-', '99G999D9S')", "-12454.8"},
          {"rs_to_number('$ 12,454.88', 'L 99G999D99')", "12454.88"},
          {"rs_to_number('12.345', '99D999')", "12.345"},
          {"rs_to_number('-34', 'S99')", "-34"},
          {"rs_to_number('<34>', '99PR')", "-34"},
          {"rs_to_number('  7', '999')", "7"},
          {"rs_to_number(null, '999')", "NULL"}});
  EXPECT_EQ(Text("rs_to_number('abc', '999')"),
            "ERROR invalid input syntax for type numeric: \"abc\"");
  EXPECT_EQ(TypeOf("rs_to_number('12.345', '99D999')"), "DECIMAL(5,3)");
}

using Teradata = Formatting;

TEST_F(Teradata, ReadsIntegers) {
  Expect({{"rs_text_to_int_alt('123-')", "-123"},
          {"rs_text_to_int_alt('2147483647+')", "2147483647"},
          {"rs_text_to_int_alt('-123E-2')", "-1"},
          {"rs_text_to_int_alt('123.9')", "123"},
          {"rs_text_to_int_alt('  ')", "0"},
          {"rs_text_to_int_alt('123{', '999S')", "1230"},
          {"rs_text_to_int_alt('12L', '999S')", "-123"},
          {"rs_text_to_int_alt('USD123', 'C9(I)')", "123"},
          {"rs_text_to_int_alt(null)", "NULL"}});
  EXPECT_EQ(Text("rs_text_to_int_alt('2147483648')"),
            "ERROR value \"2147483648\" is out of range for type integer");
  EXPECT_EQ(Text("rs_text_to_int_alt('12x')"),
            "ERROR invalid input syntax for type numeric: \"12x\"");
}

TEST_F(Teradata, ReadsDecimalsAndRoundsHalvesToEven) {
  Expect({{"rs_text_to_numeric_alt('1.5')", "2"},
          {"rs_text_to_numeric_alt('2.5')", "2"},
          {"rs_text_to_numeric_alt('2.51')", "3"},
          {"rs_text_to_numeric_alt('123.52501', 10, 2)", "123.53"},
          {"rs_text_to_numeric_alt('-123E2')", "-12300"},
          {"rs_text_to_numeric_alt('-' || repeat('9', 38))",
           "-99999999999999999999999999999999999999"},
          {"rs_text_to_numeric_alt('12345', '999V99', 10, 2)", "123.45"}});
  EXPECT_EQ(Text("rs_text_to_numeric_alt('123', 2, 0)"), "ERROR numeric field overflow");
}

}  // namespace
}  // namespace skep::worker
