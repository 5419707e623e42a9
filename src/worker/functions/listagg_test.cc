#include "worker/functions/listagg.h"

#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using Listagg = FunctionsTest;

TEST_F(Listagg, JoinsInOrder) {
  EXPECT_EQ(Ask("select rs_listagg(x, '; ' order by x desc) from (values (3), (1), (2)) t(x)"),
            "3; 2; 1");
  EXPECT_EQ(Ask("select rs_listagg(x order by x) from (values ('b'), ('a')) t(x)"), "ab");
  EXPECT_EQ(Ask("select rs_listagg(x, null order by x) from (values ('b'), ('a')) t(x)"), "ab");
}

// Guide: "NULL values and empty strings are ignored".
TEST_F(Listagg, LeavesOutNullAndEmptyText) {
  EXPECT_EQ(Ask("select rs_listagg(x, ',' order by y) from (values ('a', 1), ('', 2), (null, 3), "
                "('b', 4)) t(x, y)"),
            "a,b");
  EXPECT_EQ(Ask("select rs_listagg(x, ',') from (values (''), (null)) t(x)"), "NULL");
}

TEST_F(Listagg, KeepsTheFirstOfEqualValues) {
  EXPECT_EQ(Ask("select rs_listagg_distinct(x, ',' order by y) from (values ('b', 1), ('a ', 2), "
                "('a', 3), ('b', 4)) t(x, y)"),
            "b,a ");
  EXPECT_EQ(Ask("select rs_listagg_distinct(x) from (values (null)) t(x)"), "NULL");
}

TEST_F(Listagg, StandsOverPartitions) {
  EXPECT_EQ(Ask("select g, rs_listagg(x, ',' order by x) over (partition by g) from (values (1, "
                "'b'), (1, 'a'), (2, 'c')) t(g, x) order by g"),
            "1|a,b ; 1|a,b ; 2|c");
  EXPECT_EQ(Ask("select rs_listagg_distinct(x, '' order by y desc) over () from (values ('b', 1), "
                "('a', 2), ('b', 3)) t(x, y) limit 1"),
            "ba");
}

TEST_F(Listagg, StopsAtTheLimit) {
  EXPECT_EQ(Ask("select length(rs_listagg('x', '')) from range(65535)"), "65535");
  EXPECT_EQ(Ask("select length(rs_listagg('x', '')) from range(65536)"),
            "ERROR Result size exceeds LISTAGG limit");
  EXPECT_EQ(Ask("select length(rs_listagg_distinct(i, ',')) from range(20000) t(i)"),
            "ERROR Result size exceeds LISTAGG limit");
}

TEST_F(Listagg, RefusesADelimiterFromAColumn) {
  EXPECT_EQ(Ask("select rs_listagg(x, x) from (values ('a')) t(x)"),
            "ERROR LISTAGG delimiter must be a constant");
}

TEST_F(Listagg, GroupsLongColumns) {
  Ask("create table t as select i, case when i % 3 = 0 then null else 'v' || (i % 7) end as x, "
      "i % 1000 as g from range(30000) r(i)");
  EXPECT_EQ(Ask("select count(*), sum(length(l)), min(l) = max(l) from (select rs_listagg(x, ',' "
                "order by i) as l from t group by g) s"),
            "1000|59000|false");
  EXPECT_EQ(Ask("select rs_listagg_distinct(x, ',' order by x) from t"), "v0,v1,v2,v3,v4,v5,v6");
}

}  // namespace
}  // namespace skep::worker
