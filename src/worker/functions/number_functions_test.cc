#include "worker/functions/number_functions.h"

#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using NumberFunctions = FunctionsTest;

TEST_F(NumberFunctions, AnswerDoubles) {
  for (const std::string call : {"rs_exp(1)", "rs_log(1.5)", "rs_power(2, 3)", "rs_power(2.5, 0.5)",
                                 "rs_acos(0.5)", "rs_asin(1)", "rs_cot(1)", "rs_ln(2)"}) {
    EXPECT_EQ(TypeOf(call), "DOUBLE") << call;
  }
  EXPECT_EQ(Ask("select rs_power(2, 10), rs_log(1000), rs_exp(0), rs_ln(1), rs_acos(1)"),
            "1024.0|3.0|1.0|0.0|0.0");
  EXPECT_EQ(Ask("select rs_power(-2, 3), rs_power(4, -0.5)"), "-8.0|0.5");
}

// Guide, "LN function": numeric constants are computed in numeric.
TEST_F(NumberFunctions, ComputeTheLogarithmOfAConstantDecimalExactly) {
  EXPECT_EQ(Ask("select rs_ln(10.0), rs_ln(0.5)"), "2.3025850929940457|-0.6931471805599453");
  EXPECT_EQ(TypeOf("rs_ln(x) from (values (1.5)) t(x)"), "DOUBLE");
}

TEST_F(NumberFunctions, RefuseWhatHasNoResult) {
  EXPECT_EQ(Ask("select rs_ln(0)"), "ERROR cannot take logarithm of zero");
  EXPECT_EQ(Ask("select rs_ln(-1.5)"), "ERROR cannot take logarithm of a negative number");
  EXPECT_EQ(Ask("select rs_log(0)"), "ERROR cannot take logarithm of zero");
  EXPECT_EQ(Ask("select rs_exp(1000)"), "ERROR value out of range: overflow");
  EXPECT_EQ(Ask("select rs_power(10, 400)"), "ERROR value out of range: overflow");
  EXPECT_EQ(Ask("select rs_power(0, -1)"), "ERROR zero raised to a negative power is undefined");
  EXPECT_EQ(Ask("select rs_power(-8, 0.5)"),
            "ERROR a negative number raised to a non-integer power yields a complex result");
  EXPECT_EQ(Ask("select rs_acos(1.5)"), "ERROR input is out of range");
  EXPECT_EQ(Ask("select rs_asin(-2)"), "ERROR input is out of range");
  EXPECT_EQ(Ask("select rs_cot(0)"), "ERROR input is out of range");
  EXPECT_EQ(Ask("select sqrt(-1)"), "ERROR cannot take square root of a negative number");
}

TEST_F(NumberFunctions, GiveNullForNull) {
  EXPECT_EQ(Ask("select rs_exp(null), rs_ln(null), rs_power(2, null), rs_sign(null::integer), "
                "rs_shift_left(1, null)"),
            "NULL|NULL|NULL|NULL|NULL");
}

TEST_F(NumberFunctions, AnswerTheSignInTheArgumentsKind) {
  EXPECT_EQ(TypeOf("rs_sign(-12.5::decimal(12,2))"), "DECIMAL(1,0)");
  EXPECT_EQ(TypeOf("rs_sign(-12.5::double)"), "DOUBLE");
  EXPECT_EQ(TypeOf("rs_sign(5)"), "DOUBLE");
  EXPECT_EQ(Ask("select rs_sign(-12.5), rs_sign(0.0), rs_sign(3::double), rs_sign('-4')"),
            "-1|0|1.0|-1.0");
  EXPECT_EQ(Ask("select rs_sign(-1::decimal(3,1)), rs_sign(7::decimal(9,1)), "
                "rs_sign(-7::decimal(18,1)), rs_sign(7::decimal(38,1))"),
            "-1|1|-1|1");
}

TEST_F(NumberFunctions, ShiftWithinTheWidth) {
  EXPECT_EQ(Ask("select rs_shift_left(3, 2), rs_shift_right(12, 2), rs_shift_right(-12, 2)"),
            "12|3|-3");
  EXPECT_EQ(Ask("select rs_shift_left(1, 31), rs_shift_left(1, 33), rs_shift_left(1::bigint, 40)"),
            "-2147483648|2|1099511627776");
  EXPECT_EQ(TypeOf("rs_shift_left(1::smallint, 3)"), "SMALLINT");
  EXPECT_EQ(Ask("select xor(12, 10), 12 & 10, 12 | 10, ~12"), "6|8|14|-13");
}

TEST_F(NumberFunctions, RunOverColumns) {
  Ask("create table t as select case when i % 4 = 0 then null else i end::double as d from "
      "range(1, 10001) r(i)");
  EXPECT_EQ(Ask("select count(rs_ln(d)), count(rs_power(d, 0.5)), count(rs_sign(d)) from t"),
            "7500|7500|7500");
  EXPECT_EQ(Ask("select max(rs_power(d, 2)) from t"), "99980001.0");
}

}  // namespace
}  // namespace skep::worker
