#include "worker/functions/number_casts.h"

#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using NumberCasts = FunctionsTest;

TEST_F(NumberCasts, ReadIntegersBetweenBlanks) {
  EXPECT_EQ(Ask("select ' 12 '::integer, '-7'::smallint, '+9'::bigint"), "12|-7|9");
  EXPECT_EQ(Ask("select '-9223372036854775808'::bigint"), "-9223372036854775808");
}

TEST_F(NumberCasts, RefuseTextThatIsNoInteger) {
  for (const std::string text :
       {"", " ", "x", "1.5", "1e3", "0x10", "1_000", "+-1", "--1", "12a"}) {
    EXPECT_EQ(Ask("select '" + text + "'::integer"),
              "ERROR invalid input syntax for integer: \"" + text + "\"");
  }
}

TEST_F(NumberCasts, RefuseIntegersOutOfRange) {
  EXPECT_EQ(Ask("select '2147483648'::integer"),
            "ERROR value \"2147483648\" is out of range for type integer");
  EXPECT_EQ(Ask("select '32768'::smallint"),
            "ERROR value \"32768\" is out of range for type smallint");
  EXPECT_EQ(Ask("select 33000::integer::smallint"), "ERROR smallint out of range");
  EXPECT_EQ(Ask("select 2147483648::bigint::integer"), "ERROR integer out of range");
  EXPECT_EQ(Ask("select 1e19::double::bigint"), "ERROR bigint out of range");
  EXPECT_EQ(Ask("select 2147483647.5::decimal(12,1)::integer"), "ERROR integer out of range");
}

TEST_F(NumberCasts, ReadDecimalsAndRoundThem) {
  EXPECT_EQ(Ask("select '5.9'::decimal(5,1), ' -0.005 '::decimal(5,2), '.5'::decimal(2,1), "
                "'7.'::decimal(2,1)"),
            "5.9|-0.01|0.5|7.0");
  EXPECT_EQ(Ask("select '1.25e2'::decimal(6,2), '125e-4'::decimal(6,3), '0e99'::decimal(4,0)"),
            "125.00|0.013|0");
  EXPECT_EQ(Ask("select '12345678901234567890123456789012345678'::decimal(38,0)"),
            "12345678901234567890123456789012345678");
  EXPECT_EQ(Ask("select '1e-999999999999'::decimal(4,2)"), "0.00");
}

TEST_F(NumberCasts, RefuseTextThatIsNoDecimal) {
  for (const std::string text : {"", ".", "x", "1.2.3", "1e", "1e+", "1 2", "NaN"}) {
    EXPECT_EQ(Ask("select '" + text + "'::decimal(10,2)"),
              "ERROR invalid input syntax for type numeric: \"" + text + "\"");
  }
}

TEST_F(NumberCasts, RefuseDecimalsThatDoNotFit) {
  const std::string overflow = "ERROR Numeric data overflow (result precision)";
  EXPECT_EQ(Ask("select '123.4'::decimal(4,2)"), overflow);
  EXPECT_EQ(Ask("select '99.995'::decimal(4,2)"), overflow);
  EXPECT_EQ(Ask("select '1e999999999999'::decimal(38,0)"), overflow);
  EXPECT_EQ(Ask("select 123.4::decimal(4,2)"), overflow);
  EXPECT_EQ(Ask("select 1000::integer::decimal(3,0)"), overflow);
  EXPECT_EQ(Ask("select 1e10::double::decimal(5,0)"), overflow);
  EXPECT_EQ(Ask("select 'NaN'::double::decimal(5,0)"), overflow);
}

// Guide, "Numeric types": the fraction is rounded, the whole part never cut.
TEST_F(NumberCasts, RoundHalfAwayFromZeroBetweenExactNumbers) {
  EXPECT_EQ(Ask("select 2.5::integer, -2.5::integer, 2.4::smallint, 0.5::bigint"), "3|-3|2|1");
  EXPECT_EQ(Ask("select 3.145::decimal(4,2), -3.145::decimal(4,2)"), "3.15|-3.15");
}

TEST_F(NumberCasts, RoundFloatsToIntegersHalfToEven) {
  EXPECT_EQ(Ask("select 2.5::double::integer, 3.5::double::integer"), "2|4");
}

TEST_F(NumberCasts, TakeTheFirstFifteenDigitsOfDoubles) {
  EXPECT_EQ(Ask("select 0.1::double::decimal(38,20), 12.345::double::decimal(10,2)"),
            "0.10000000000000000000|12.35");
  EXPECT_EQ(Ask("select 123456789012345678::double::decimal(20,0)"), "123456789012346000");
}

TEST_F(NumberCasts, ReadFloats) {
  EXPECT_EQ(Ask("select ' 1.5 '::double, '-2e3'::real, '+.5'::double"), "1.5|-2000.0|0.5");
  EXPECT_EQ(Ask("select isnan('NaN'::double), isinf('Infinity'::double)"), "true|true");
  EXPECT_EQ(Ask("select 'x'::double"),
            "ERROR invalid input syntax for type double precision: \"x\"");
  EXPECT_EQ(Ask("select ''::real"), "ERROR invalid input syntax for type real: \"\"");
  EXPECT_EQ(Ask("select '1e400'::double"),
            "ERROR value \"1e400\" is out of range for type double precision");
  EXPECT_EQ(Ask("select 1e300::double::real"), "ERROR value out of range: overflow");
}

TEST_F(NumberCasts, WriteNumbersAsText) {
  EXPECT_EQ(Ask("select 3::double::varchar, 0.1::double::varchar, 1e20::double::varchar, "
                "(1/3.0::double)::varchar"),
            "3|0.1|1e+20|0.333333333333333");
  EXPECT_EQ(Ask("select 0.1::real::varchar, 16777216::real::varchar"), "0.1|1.67772e+07");
  EXPECT_EQ(Ask("select 0.25::decimal(2,2)::varchar, (-0.05)::decimal(38,2)::varchar, "
                "7::decimal(3,0)::varchar"),
            "0.25|-0.05|7");
  EXPECT_EQ(Ask("select '-Infinity'::double::varchar, 'NaN'::real::varchar"), "-Infinity|NaN");
}

TEST_F(NumberCasts, GiveNullWhereOnlyTried) {
  EXPECT_EQ(Ask("select try_cast('x' as integer), try_cast('99999' as smallint), "
                "try_cast(99999 as smallint), try_cast('x' as decimal(3,1)), "
                "try_cast(1e9::double as decimal(3,1))"),
            "NULL|NULL|NULL|NULL|NULL");
}

TEST_F(NumberCasts, ReadColumns) {
  Ask("create table t as select case when i % 5 = 0 then null else ' ' || i || '.25' end as d, "
      "case when i % 5 = 0 then null else i::varchar || ' ' end as n from range(10000) r(i)");
  EXPECT_EQ(Ask("select sum(d::decimal(10,1)), sum(n::integer), count(d::double) from t"),
            "40002400.0|40000000|8000");
}

}  // namespace
}  // namespace skep::worker
