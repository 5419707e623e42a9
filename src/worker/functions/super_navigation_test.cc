#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

class SuperNavigation : public FunctionsTest {
 protected:
  SuperNavigation() {
    Ask("create table trips as select i as id, case when i % 5 = 0 then null else rs_json_parse("
        "'{\"ab\":0,\"a\":{\"b\":\"number ' || i || ' of all\"},\"l\":[' || i || ',[true],null],"
        "\"x\\\"y\":' || i || '}') end as s from range(5000) r(i)");
  }
};

TEST_F(SuperNavigation, FindsAttributesAndElements) {
  EXPECT_EQ(
      Ask("select rs_super_get(rs_super_get(s, 'a'), 'b'), rs_super_at(rs_super_get(s, 'l'), "
          "0), rs_super_get(s, 'x\"y'), rs_super_at(rs_super_get(s, 'l'), 1) from trips where "
          "id = 4711"),
      "\"number 4711 of all\"|4711|4711|[true]");
  EXPECT_EQ(TypeOf("rs_super_get(rs_object(), 'a')"), "SUPER");
}

// query-super.md, "Lax semantics".
TEST_F(SuperNavigation, AnswersNullWhereNothingIs) {
  EXPECT_EQ(Ask("select rs_super_get(s, 'b'), rs_super_get(s, 'A'), rs_super_get(rs_super_get(s, "
                "'l'), 'b'), rs_super_at(s, 0), rs_super_at(rs_super_get(s, 'l'), 2), "
                "rs_super_at(rs_super_get(s, 'l'), 3), rs_super_at(rs_super_get(s, 'l'), -1) "
                "from trips where id = 1"),
            "NULL|NULL|NULL|NULL|NULL|NULL|NULL");
}

TEST_F(SuperNavigation, WorksOnColumnsWithNulls) {
  EXPECT_EQ(Ask("select count(*), count(rs_super_get(s, 'a')), count(rs_super_at(rs_super_get(s, "
                "'l'), 2)), sum(rs_super_at(rs_super_get(s, 'l'), 0)::integer - id) from trips"),
            "5000|4000|0|0");
  // The attribute and the index may be columns too.
  EXPECT_EQ(Ask("select count(rs_super_get(s, case when id % 2 = 0 then 'a' else 'none' end)), "
                "count(rs_super_at(rs_super_get(s, 'l'), id % 3)) from trips"),
            "2000|2667");
}

TEST_F(SuperNavigation, GoesStepByStep) {
  EXPECT_EQ(Ask("select rs_super_get(rs_super_get(s, 'a'), 'b'), "
                "rs_super_at(rs_super_at(rs_super_get(s, 'l'), 1), 0), "
                "rs_super_at(rs_super_at(rs_super_get(s, 'l'), 2), 0) from trips where id = 7"),
            "\"number 7 of all\"|true|NULL");
}

// super-configurations.md: navigate_super_null_on_error = off.
TEST_F(SuperNavigation, IsStrictOnDemand) {
  EXPECT_EQ(Ask("select rs_super_get_strict(rs_object('a', null), 'a')"), "NULL");
  EXPECT_EQ(Ask("select rs_super_get_strict(rs_object('a', 1), 'b')"),
            "ERROR invalid navigation on SUPER: no \"b\" in {\"a\":1}");
  EXPECT_EQ(Ask("select rs_super_at_strict(rs_array(1), 1)"),
            "ERROR invalid navigation on SUPER: no [1] in [1]");
  EXPECT_EQ(Ask("select rs_super_at_strict(rs_array(1), 0)"), "1");
}

TEST_F(SuperNavigation, UnnestsArrays) {
  EXPECT_EQ(Ask("select o.id, u.e.value, u.e.index from (values (1, rs_array('a', null)), (2, "
                "rs_array()), (3, null), (4, rs_object('k', 1))) o(id, s), "
                "unnest(rs_super_unnest(o.s)) u(e) order by 1, 3"),
            "1|\"a\"|0 ; 1|NULL|1 ; 4|{\"k\":1}|NULL");
  EXPECT_EQ(Ask("select count(*), count(u.e.value), sum(u.e.index) from trips t, "
                "unnest(rs_super_unnest(rs_super_get(t.s, 'l'))) u(e)"),
            "12000|8000|12000");
}

TEST_F(SuperNavigation, UnpivotsObjects) {
  EXPECT_EQ(Ask("select u.e.key, u.e.value from (select rs_json_parse('{\"a\\n\":1,\"b\":null}') "
                "s) o, unnest(rs_super_unpivot(o.s)) u(e) order by 1"),
            "a\n|1 ; b|NULL");
  EXPECT_EQ(Ask("select count(*), count(distinct u.e.key) from trips t, "
                "unnest(rs_super_unpivot(t.s)) u(e)"),
            "16000|4");
  EXPECT_EQ(Ask("select rs_super_unpivot(rs_array(1)), rs_super_unpivot(null)"), "[]|[]");
}

}  // namespace
}  // namespace skep::worker
