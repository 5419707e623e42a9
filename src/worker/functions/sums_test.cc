#include "worker/functions/sums.h"

#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using Sums = FunctionsTest;

TEST_F(Sums, AverageIntegersTruncatedToBigint) {
  EXPECT_EQ(Ask("select rs_avg(x) from (values (1), (2)) t(x)"), "1");
  EXPECT_EQ(Ask("select rs_avg(x) from (values (-1), (-2)) t(x)"), "-1");
  EXPECT_EQ(Ask("select rs_avg(x) from (values (9223372036854775807), (9223372036854775805)) t(x)"),
            "9223372036854775806");
  for (const std::string type : {"smallint", "integer", "bigint"}) {
    EXPECT_EQ(TypeOf("rs_avg(1::" + type + ")"), "BIGINT");
  }
}

TEST_F(Sums, AverageDecimalsAtTheirScale) {
  EXPECT_EQ(Ask("select rs_avg(x) from (values (2.25), (3.10)) t(x)"), "2.67");
  EXPECT_EQ(TypeOf("rs_avg(1::decimal(5,2))"), "DECIMAL(38,2)");
  EXPECT_EQ(Ask("select rs_avg(1::decimal(4,1)), rs_avg(1::decimal(9,1)), "
                "rs_avg(1::decimal(18,1)), rs_avg(1::decimal(38,1))"),
            "1.0|1.0|1.0|1.0");
  EXPECT_EQ(Ask("select rs_avg(x) from (select '99999999999999999999999999999999999999'"
                "::decimal(38,0) as x from range(3))"),
            "ERROR Numeric data overflow (result precision)");
}

TEST_F(Sums, AverageFloatsAsDouble) {
  EXPECT_EQ(Ask("select rs_avg(x) from (values (1.5::real), (2)) t(x)"), "1.75");
  EXPECT_EQ(TypeOf("rs_avg(1::real)"), "DOUBLE");
}

TEST_F(Sums, LeaveOutNullsAndRepetitions) {
  EXPECT_EQ(Ask("select rs_avg(x), rs_avg(distinct x) from (values (1), (null), (1), (4)) t(x)"),
            "2|2");
  EXPECT_EQ(Ask("select rs_avg(x) from (values (1)) t(x) where x > 1"), "NULL");
}

TEST_F(Sums, GroupAndMoveOverWindows) {
  Ask("create table t as select i::integer as n, i::decimal(12,2) as d, i % 3 as g from "
      "range(9000) r(i)");
  EXPECT_EQ(Ask("select g, rs_avg(n), rs_avg(d) from t group by g order by g"),
            "0|4498|4498.50 ; 1|4499|4499.50 ; 2|4500|4500.50");
  EXPECT_EQ(Ask("select a from (select n, rs_avg(n) over (order by n rows 2 preceding) as a from "
                "t) where n in (0, 1, 8999) order by n"),
            "0 ; 0 ; 8998");
}

TEST_F(Sums, NarrowTheEnginesSum) {
  EXPECT_EQ(TypeOf("rs_narrow(sum(1::smallint))"), "BIGINT");
  EXPECT_EQ(TypeOf("rs_narrow(sum(1::bigint))"), "BIGINT");
  EXPECT_EQ(TypeOf("rs_narrow(sum(1::decimal(5,2)))"), "DECIMAL(38,2)");
  EXPECT_EQ(TypeOf("rs_narrow(sum(1::real))"), "DOUBLE");
  EXPECT_EQ(Ask("select rs_narrow(sum(x)) from (values (9223372036854775807), (1)) t(x)"),
            "ERROR bigint out of range");
  EXPECT_EQ(Ask("select rs_narrow(sum(x)) from (values (1)) t(x) where x > 1"), "NULL");
  EXPECT_EQ(Ask("select rs_narrow(sum('60000000000000000000000000000000000000'::decimal(38,0))) "
                "from range(2)"),
            "ERROR Numeric data overflow (result precision)");
}

// Guide, "SUM window function", "AVG window function": NUMERIC for BIGINT arguments.
TEST_F(Sums, WidenBigintOverWindows) {
  EXPECT_EQ(TypeOf("rs_over(sum(x) over (), x) from (values (1::bigint)) t(x)"), "DECIMAL(38,0)");
  EXPECT_EQ(TypeOf("rs_over(sum(x) over (), x) from (values (1)) t(x)"), "BIGINT");
  EXPECT_EQ(TypeOf("rs_over(rs_avg(x) over (), x) from (values (1::bigint)) t(x)"),
            "DECIMAL(38,0)");
  EXPECT_EQ(TypeOf("rs_over(sum(x) over (), x) from (values (1.5)) t(x)"), "DECIMAL(38,1)");
  EXPECT_EQ(Ask("select rs_over(sum(x) over (), x) from (values (9223372036854775807), (1)) t(x) "
                "limit 1"),
            "9223372036854775808");
}

TEST_F(Sums, TakeIntegersForTruth) {
  EXPECT_EQ(Ask("select rs_bool_and(x), rs_bool_or(x) from (values (2), (0), (null)) t(x)"),
            "false|true");
  EXPECT_EQ(Ask("select rs_bool_and(distinct x) from (values (true), (true)) t(x)"), "true");
  EXPECT_EQ(TypeOf("rs_bool_or(1::smallint)"), "BOOLEAN");
  EXPECT_EQ(Ask("select rs_bool_or(x) over (partition by g) from (values (0, 1), (1, 1), (0, 2)) "
                "t(x, g) order by g"),
            "true ; true ; false");
}

TEST_F(Sums, TellTheShareOfAWindow) {
  EXPECT_EQ(Ask("select rs_ratio_to_report(x, sum(x) over ()) from (values (1), (3), (null)) t(x) "
                "order by x"),
            "0.25 ; 0.75 ; NULL");
  EXPECT_EQ(TypeOf("rs_ratio_to_report(1.5, 2)"), "DOUBLE");
  EXPECT_EQ(Ask("select rs_ratio_to_report(0, 0)"), "NULL");
}

}  // namespace
}  // namespace skep::worker
