#include "worker/functions/percentiles.h"

#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using Percentiles = FunctionsTest;

// Guide, "PERCENTILE_CONT function": RN = 1 + P * (N - 1).
TEST_F(Percentiles, InterpolateBetweenRows) {
  EXPECT_EQ(Ask("select rs_percentile_cont(x, 0.5), rs_percentile_cont(x, 0.25), "
                "rs_percentile_cont(x, 0), rs_percentile_cont(x, 1.0) from (values (10), (20), "
                "(40), (80)) t(x)"),
            "30.0|17.50|10|80.0");
  EXPECT_EQ(Ask("select rs_percentile_cont(x, 0.2, true) from (values (1.50), (2.50), (9.00)) "
                "t(x)"),
            "6.400");
  EXPECT_EQ(Ask("select rs_percentile_cont(x, 0.5) from (values (1.0::double), (2), (null)) t(x)"),
            "1.5");
}

TEST_F(Percentiles, CutPlacesThatHaveNoRoom) {
  EXPECT_EQ(TypeOf("rs_percentile_cont(1::decimal(38,2), 0.5)"), "DECIMAL(38,2)");
  EXPECT_EQ(TypeOf("rs_percentile_cont(1::decimal(10,2), 0.25)"), "DECIMAL(38,4)");
  EXPECT_EQ(Ask("select rs_percentile_cont(x, 0.5) from (values (0.01::decimal(38,2)), (0.02)) "
                "t(x)"),
            "0.01");
}

TEST_F(Percentiles, InterpolateDatesAndTimes) {
  EXPECT_EQ(Ask("select rs_percentile_cont(x, 0.25) from (values (date '2023-05-01'), "
                "(date '2023-05-10')) t(x)"),
            "2023-05-03");
  EXPECT_EQ(Ask("select rs_median(x) from (values (timestamp '2023-05-01'), "
                "(timestamp '2023-05-02')) t(x)"),
            "2023-05-01 12:00:00");
}

TEST_F(Percentiles, PickTheFirstRowThatReachesTheShare) {
  EXPECT_EQ(Ask("select rs_percentile_disc(x, 0.5), rs_percentile_disc(x, 0.51), "
                "rs_percentile_disc(x, 0), rs_percentile_disc(x, 1) from (values (10), (20), (30), "
                "(40)) t(x)"),
            "20|30|10|40");
  EXPECT_EQ(Ask("select rs_percentile_disc(x, 0.5, true) from (values (10), (20), (30), (40)) "
                "t(x)"),
            "30");
  // 0.7 of 10 rows is exactly the seventh.
  EXPECT_EQ(Ask("select rs_percentile_disc(i, 0.7) from range(1, 11) t(i)"), "7");
  EXPECT_EQ(TypeOf("rs_percentile_disc(1.5::decimal(4,2), 0.5)"), "DECIMAL(4,2)");
  EXPECT_EQ(TypeOf("rs_percentile_disc(1::smallint, 0.5)"), "SMALLINT");
}

TEST_F(Percentiles, AnswerTheMedian) {
  EXPECT_EQ(Ask("select rs_median(x) from (values (3), (1), (2), (null)) t(x)"), "2.0");
  EXPECT_EQ(Ask("select rs_median(x) from (values (1)) t(x) where x > 1"), "NULL");
  EXPECT_EQ(TypeOf("rs_median(1::real)"), "DOUBLE");
}

TEST_F(Percentiles, StandOverPartitions) {
  EXPECT_EQ(Ask("select g, rs_median(x) over (partition by g), rs_percentile_disc(x, 0.5) over "
                "(partition by g) from (values (1, 5), (1, 8), (2, 7)) t(g, x) order by g"),
            "1|6.5|5 ; 1|6.5|5 ; 2|7.0|7");
}

TEST_F(Percentiles, RefuseSharesThatAreNone) {
  EXPECT_EQ(Ask("select rs_percentile_cont(1, 1.5)"),
            "ERROR percentile value 1.5 is not between 0 and 1");
  EXPECT_TRUE(Ask("select rs_percentile_disc(x, x) from (values (1)) t(x)").starts_with("ERROR"));
  EXPECT_TRUE(Ask("select rs_median('x')").starts_with("ERROR"));
}

TEST_F(Percentiles, GroupLongColumns) {
  Ask("create table t as select case when i % 10 = 0 then null else i end as x, i % 2 as g from "
      "range(20000) r(i)");
  EXPECT_EQ(Ask("select g, rs_median(x), rs_percentile_disc(x, 0.9), rs_median(x::double) from t "
                "group by g order by g"),
            "0|10000.0|17998|10000.0 ; 1|10000.0|17999|10000.0");
}

}  // namespace
}  // namespace skep::worker
