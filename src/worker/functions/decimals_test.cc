#include "worker/functions/decimals.h"

#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using Decimals = FunctionsTest;

TEST(DecimalShapes, FollowTheGuidesTable) {
  struct Case {
    DecimalShape a, b, sum, product, quotient;
  };
  const Case cases[] = {
      {{8, 2}, {8, 2}, {9, 2}, {17, 4}, {17, 9}},
      {{8, 2}, {5, 0}, {9, 2}, {14, 2}, {14, 8}},
      {{10, 0}, {2, 1}, {12, 1}, {13, 1}, {15, 4}},
      {{18, 2}, {18, 4}, {21, 4}, {37, 6}, {37, 17}},
      {{38, 2}, {21, 0}, {38, 2}, {38, 2}, {38, 4}},
      {{38, 20}, {38, 20}, {38, 20}, {38, 37}, {38, 4}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(SumShape(c.a, c.b), c.sum);
    EXPECT_EQ(ProductShape(c.a, c.b), c.product);
    EXPECT_EQ(QuotientShape(c.a, c.b), c.quotient);
  }
}

TEST_F(Decimals, AddAtTheLargerScale) {
  EXPECT_EQ(Ask("select 1.5 + 2.25, 1.5 - 2.25"), "3.75|-0.75");
  EXPECT_EQ(TypeOf("1.5 + 2.25"), "DECIMAL(4,2)");
  // One digit more than 64 bits hold.
  EXPECT_EQ(TypeOf("1::decimal(18,2) + 1::decimal(18,2)"), "DECIMAL(19,2)");
  EXPECT_EQ(Ask("select 9999999999999999.99::decimal(18,2) + 9999999999999999.99::decimal(18,2)"),
            "19999999999999999.98");
  EXPECT_EQ(Ask("select 1::decimal(18,0) - 0.5::decimal(18,9)"), "0.500000000");
}

TEST_F(Decimals, LetIntegersEnterByTheirWidth) {
  EXPECT_EQ(TypeOf("1.5 * 2::smallint"), "DECIMAL(8,1)");
  EXPECT_EQ(TypeOf("1.5 * 2::integer"), "DECIMAL(13,1)");
  EXPECT_EQ(TypeOf("2::bigint * 1.5"), "DECIMAL(22,1)");
  EXPECT_EQ(Ask("select 9223372036854775807 + 0.5, -9223372036854775808 - 0.5"),
            "9223372036854775807.5|-9223372036854775808.5");
}

TEST_F(Decimals, MultiplyExactly) {
  EXPECT_EQ(Ask("select 123456789.123::decimal(18,3) * 987654321.987::decimal(18,3)"),
            "121932631355968601.347401");
  EXPECT_EQ(Ask("select 12345678901234567890.5::decimal(38,1) * 3"), "37037036703703703671.5");
  // 39 digits at the scale of both, 37 at the scale there is room for.
  EXPECT_EQ(Ask("select 1::decimal(38,20) * 1.5::decimal(38,20)"),
            "1.5000000000000000000000000000000000000");
}

TEST_F(Decimals, DivideTruncating) {
  EXPECT_EQ(Ask("select 2.0 / 3, -2.0 / 3"), "0.666666666666|-0.666666666666");
  EXPECT_EQ(Ask("select 12.50::decimal(8,2) / 4::smallint"), "3.12500000");
  EXPECT_EQ(TypeOf("12.50::decimal(8,2) / 4::smallint"), "DECIMAL(14,8)");
  EXPECT_EQ(Ask("select 7 / 2.0"), "3.5000");
  EXPECT_EQ(Ask("select 20::decimal(38,0) / 3::decimal(38,0)"), "6.6666");
  // The numerator needs 256 bits.
  EXPECT_EQ(Ask("select 5::decimal(38,0) / 0.5::decimal(38,37)"), "10.0000");
  EXPECT_EQ(Ask("select 8::decimal(38,37) / 0.25::decimal(38,37)"), "32.0000");
}

TEST_F(Decimals, TakeTheSignOfTheDividendForTheRest) {
  EXPECT_EQ(Ask("select 7.5 % 2, -7.5 % 2, 7.5 % -2, mod(7.25, 0.5)"), "1.5|-1.5|1.5|0.25");
}

TEST_F(Decimals, RefuseZeroAsDivisor) {
  EXPECT_EQ(Ask("select 1.5 / 0"), "ERROR division by zero");
  EXPECT_EQ(Ask("select 1.5 % 0.0"), "ERROR division by zero");
  EXPECT_EQ(Ask("select 1::decimal(38,0) / 0::decimal(38,0)"), "ERROR division by zero");
}

TEST_F(Decimals, RefuseWhatDoesNotFit) {
  const std::string overflow = "ERROR Numeric data overflow (result precision)";
  const std::string most = "'99999999999999999999999999999999999999'::decimal(38,0)";
  EXPECT_EQ(Ask("select " + most + " + 1"), overflow);
  EXPECT_EQ(Ask("select -" + most + " - 1"), overflow);
  EXPECT_EQ(Ask("select " + most + " * 10"), overflow);
  EXPECT_EQ(Ask("select " + most + " * " + most), overflow);
  EXPECT_EQ(Ask("select 200000000000000000.5::decimal(38,20) * 2::decimal(38,20)"), overflow);
  EXPECT_EQ(Ask("select " + most + " / 0.001"), overflow);
  EXPECT_EQ(Ask("select " + most + " - 1"), "99999999999999999999999999999999999998");
}

TEST_F(Decimals, ChooseDoubleBesideFloats) {
  EXPECT_EQ(TypeOf("1.5 * 2::double"), "DOUBLE");
  EXPECT_EQ(TypeOf("1.5 * 2::real"), "DOUBLE");
  EXPECT_EQ(TypeOf("2::real + 1::integer"), "DOUBLE");
  EXPECT_EQ(TypeOf("2::real + 1::bigint"), "DOUBLE");
  EXPECT_EQ(TypeOf("2::real / 1::smallint"), "DOUBLE");
  EXPECT_EQ(TypeOf("2::real * 1::real"), "FLOAT");
}

TEST_F(Decimals, KeepTheWidthOfIntegers) {
  EXPECT_EQ(TypeOf("1::smallint + 1::integer"), "INTEGER");
  EXPECT_EQ(TypeOf("1::smallint * 1::bigint"), "BIGINT");
  EXPECT_EQ(TypeOf("1::smallint - 1::smallint"), "SMALLINT");
  EXPECT_EQ(TypeOf("-9223372036854775808"), "BIGINT");
  EXPECT_TRUE(Ask("select 2147483647 + 1::integer").starts_with("ERROR Overflow"));
}

TEST_F(Decimals, PassNullsInLongColumns) {
  Ask("create table t as select case when i % 3 = 0 then null else i::decimal(12,2) end as a, "
      "(i % 7 + 1)::integer as b, i::decimal(30,3) as c from range(10000) r(i)");
  EXPECT_EQ(Ask("select count(a / b), count(a * c), count(a + c), count(a % b) from t"),
            "6666|6666|6666|6666");
  EXPECT_EQ(Ask("select count(*) from t where (a * b) / b <> a"), "0");
  EXPECT_EQ(Ask("select count(*) from t where (c + b) - b <> c"), "0");
  EXPECT_EQ(Ask("select a / b from t where a is null limit 1"), "NULL");
}

}  // namespace
}  // namespace skep::worker
