#include "worker/functions/rounding.h"

#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using Rounding = FunctionsTest;

TEST_F(Rounding, GivesWholeDecimalsWithoutPlaces) {
  EXPECT_EQ(Ask("select rs_ceil(17.05::decimal(8,2)), rs_ceil(-17.95::decimal(8,2)), "
                "rs_floor(17.95::decimal(8,2)), rs_floor(-17.05::decimal(8,2))"),
            "18|-17|17|-18");
  EXPECT_EQ(Ask("select rs_round(17.5), rs_round(-17.5), rs_trunc(17.9), rs_trunc(-17.9)"),
            "18|-18|17|-17");
  EXPECT_EQ(Ask("select rs_ceil(5::decimal(3,0)), rs_ceil(0.99::decimal(2,2))"), "5|1");
}

TEST_F(Rounding, LetsAConstantDecideTheScale) {
  EXPECT_EQ(Ask("select rs_round(63.465::decimal(8,3), 2), rs_round(63.465::decimal(8,3), 1), "
                "rs_round(63.465::decimal(8,3), -1), rs_round(66::decimal(2,0), -2)"),
            "63.47|63.5|60|100");
  EXPECT_EQ(Ask("select rs_trunc(63.465::decimal(8,3), 2), rs_trunc(-63.465::decimal(8,3), 1), "
                "rs_trunc(69.9, -1)"),
            "63.46|-63.4|60");
  EXPECT_EQ(Ask("select rs_round(1.25, 5), rs_round(99.95, 1)"), "1.25|100.0");
  EXPECT_EQ(Ask("select rs_round(12.5, -40), rs_round(12.5, -2147483648)"), "0|0");
}

TEST_F(Rounding, KeepsTheScaleWhenPlacesComeFromAColumn) {
  EXPECT_EQ(Ask("select rs_round(17.456::decimal(8,3), p) from (values (2), (0), (-1), (9), "
                "(null)) t(p) order by p"),
            "20.000 ; 17.000 ; 17.460 ; 17.456 ; NULL");
}

TEST_F(Rounding, RoundsWideDecimals) {
  EXPECT_EQ(Ask("select rs_round(12345678901234567890.55::decimal(38,2), 1), "
                "rs_floor(-12345678901234567890.55::decimal(38,2))"),
            "12345678901234567890.6|-12345678901234567891");
  EXPECT_EQ(Ask("select rs_round('99999999999999999999999999999999999999'::decimal(38,0), -1)"),
            "ERROR Numeric data overflow (result precision)");
}

TEST_F(Rounding, KeepsTheTypeOfIntegersInCeilAndFloor) {
  EXPECT_EQ(TypeOf("rs_ceil(5::smallint)"), "SMALLINT");
  EXPECT_EQ(TypeOf("rs_floor(5::bigint)"), "BIGINT");
  EXPECT_EQ(TypeOf("rs_ceil(1.5::real)"), "FLOAT");
  EXPECT_EQ(TypeOf("rs_floor(1.5::double)"), "DOUBLE");
  EXPECT_EQ(TypeOf("rs_round(5)"), "DOUBLE");
}

TEST_F(Rounding, RoundsDoublesHalfAwayFromZero) {
  EXPECT_EQ(Ask("select rs_round(2.5::double), rs_round(-2.5::double), rs_round(3.14159::double, "
                "2), rs_round(1234, -2), rs_trunc(-2.79::double, 1)"),
            "3.0|-3.0|3.14|1200.0|-2.7");
  EXPECT_EQ(Ask("select rs_round(1e308::double, 300), rs_round(1e308::double, -400)"),
            "1e+308|0.0");
}

TEST_F(Rounding, ReadsText) {
  EXPECT_EQ(Ask("select rs_round('2.5'), rs_trunc('2.55', 1), rs_ceil('1.2'), rs_abs('-3')"),
            "3.0|2.5|2.0|3.0");
  EXPECT_EQ(Ask("select rs_round('x')"),
            "ERROR invalid input syntax for type double precision: \"x\"");
}

TEST_F(Rounding, AnswersAbsInTheSameType) {
  EXPECT_EQ(Ask("select rs_abs(-5), rs_abs(-5.25), rs_abs(-1.5::double)"), "5|5.25|1.5");
  EXPECT_EQ(TypeOf("rs_abs(-5.25::decimal(8,2))"), "DECIMAL(8,2)");
  EXPECT_EQ(TypeOf("rs_abs(-5::smallint)"), "SMALLINT");
  EXPECT_TRUE(Ask("select rs_abs((-32768)::smallint)").starts_with("ERROR Overflow"));
}

TEST_F(Rounding, RunsOverColumns) {
  Ask("create table t as select case when i % 4 = 0 then null else (i + 0.55)::decimal(9,2) end "
      "as d from range(10000) r(i)");
  EXPECT_EQ(Ask("select count(rs_round(d, 1)), count(rs_ceil(d)), max(rs_round(d, 1)), "
                "max(rs_floor(d)) from t"),
            "7500|7500|9999.6|9999");
}

}  // namespace
}  // namespace skep::worker
