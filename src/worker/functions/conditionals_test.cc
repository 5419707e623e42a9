#include "worker/functions/conditionals.h"

#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using Conditionals = FunctionsTest;

TEST_F(Conditionals, DecodeMatchesInOrder) {
  EXPECT_EQ(Ask("select rs_decode(x, 1, 'one', 2, 'two', 'many') from (values (1), (2), (3), "
                "(null)) t(x) order by x"),
            "one ; two ; many ; many");
  EXPECT_EQ(Ask("select rs_decode(9, 1, 'one')"), "NULL");
  EXPECT_EQ(Ask("select rs_decode(date '2023-05-01', '2023-05-01', 'may')"), "may");
  EXPECT_EQ(Ask("select rs_decode(1, 2)").substr(0, 5), "ERROR");
}

TEST_F(Conditionals, DecodeLetsNullMatchNull) {
  EXPECT_EQ(Ask("select rs_decode(x, null, 0, 1) from (values (5), (null)) t(x) order by x"),
            "1 ; 0");
  EXPECT_EQ(Ask("select rs_decode(null, null, 'none', 'some')"), "none");
}

TEST_F(Conditionals, DecodeTakesTheResultsType) {
  EXPECT_EQ(TypeOf("rs_decode(1, null, 1234, '2345')"), "INTEGER");
  EXPECT_EQ(TypeOf("rs_decode(1, 1, 1.5::decimal(5,2), 2::bigint)"), "DECIMAL(21,2)");
}

TEST_F(Conditionals, CompareTextWithoutTrailingBlanks) {
  EXPECT_EQ(Ask("select rs_decode('a  ', 'a', 1, 0), rs_nullif('a', 'a  '), rs_nullif(' a', 'a')"),
            "1|NULL| a");
}

TEST_F(Conditionals, CoalesceTakesTheFirstValue) {
  EXPECT_EQ(Ask("select rs_coalesce(null, 5, 6), rs_coalesce(null, null)"), "5|NULL");
  EXPECT_EQ(TypeOf("rs_coalesce(null, 5)"), "INTEGER");
  EXPECT_EQ(TypeOf("rs_coalesce(1::decimal(7,2), 1::decimal(15,3))"), "DECIMAL(15,3)");
  EXPECT_EQ(TypeOf("rs_coalesce(date '2023-05-01', timestamp '2023-05-01 10:00:00')"), "TIMESTAMP");
}

TEST_F(Conditionals, CoalesceReadsTextAsTheOtherType) {
  EXPECT_EQ(Ask("select rs_coalesce(null, 'a word', 12)"),
            "ERROR invalid input syntax for integer: \"a word\"");
  EXPECT_EQ(Ask("select rs_coalesce(null, '12', 13)"), "12");
  EXPECT_EQ(Ask("select rs_coalesce(1, x) from (values ('a')) t(x)").substr(0, 20),
            "ERROR COALESCE types");
}

TEST_F(Conditionals, CoalesceLeavesTheRestUncomputed) {
  EXPECT_EQ(Ask("select rs_coalesce(x, 1 / 0) from (values (1), (2)) t(x)"), "1 ; 2");
}

// Guide, "NVL2 function", return type.
TEST_F(Conditionals, Nvl2TakesTheTypeOfTheSecondArgument) {
  EXPECT_EQ(TypeOf("rs_nvl2(1, '2345', 1234)"), "VARCHAR");
  EXPECT_EQ(TypeOf("rs_nvl2(1, null, 1234)"), "INTEGER");
  EXPECT_EQ(TypeOf("rs_nvl2(1, 1::smallint, 1::bigint)"), "BIGINT");
  EXPECT_EQ(Ask("select rs_nvl2(x, 'there', 'missing') from (values (1), (null)) t(x) order by x"),
            "there ; missing");
}

TEST_F(Conditionals, NullifKeepsTheFirstType) {
  EXPECT_EQ(TypeOf("rs_nullif(1::smallint, 2::bigint)"), "SMALLINT");
  EXPECT_EQ(Ask("select rs_nullif(x, 2) from (values (1), (2), (null)) t(x) order by x"),
            "1 ; NULL ; NULL");
  EXPECT_EQ(Ask("select rs_nullif(1, null)"), "1");
}

TEST_F(Conditionals, GreatestAndLeastLeaveOutNull) {
  EXPECT_EQ(Ask("select rs_greatest(1, null, 3), rs_least(1.5, 2, null), rs_greatest('a', 'b')"),
            "3|1.5|b");
  EXPECT_EQ(Ask("select rs_greatest(null, null)"), "NULL");
  EXPECT_EQ(TypeOf("rs_least(1::integer, 2.5)"), "DECIMAL(11,1)");
}

TEST_F(Conditionals, RunOverColumns) {
  Ask("create table t as select case when i % 4 = 0 then null else i end as x from "
      "range(10000) r(i)");
  EXPECT_EQ(Ask("select sum(rs_decode(x, null, 1, 0)), sum(rs_nvl2(x, 1, 0)), "
                "count(rs_nullif(x, 5)), sum(rs_coalesce(x, 0)) = sum(x) from t"),
            "2500|7500|7499|true");
}

}  // namespace
}  // namespace skep::worker
