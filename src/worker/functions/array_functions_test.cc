#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using ArrayFunctions = FunctionsTest;

TEST_F(ArrayFunctions, MakesArraysOfAnything) {
  EXPECT_EQ(Ask("select rs_array(), rs_array(7, 'x', null, true, 2.50, rs_array('y'::super))"),
            R"([]|[7,"x",null,true,2.50,["y"]])");
  EXPECT_EQ(Ask("select rs_array(1, date '2024-01-01')"),
            "ERROR ARRAY could not convert type date to super");
  EXPECT_EQ(Ask("select count(*) from (select rs_array(i, nullif(i % 2, 0)) a from range(3000) "
                "r(i)) where rs_super_at(a, 1) is null"),
            "1500");
}

TEST_F(ArrayFunctions, JoinsAndFlattens) {
  EXPECT_EQ(
      Ask("select rs_array_concat(rs_array(1), rs_array('a', null)), "
          "rs_array_concat(rs_array(), rs_array()), rs_array_concat(rs_array(), rs_array(2)), "
          "rs_array_concat(rs_array(1), 2::super), rs_array_concat(rs_array(1), null)"),
      R"([1,"a",null]|[]|[2]|NULL|NULL)");
  EXPECT_EQ(Ask("select rs_array_flatten(rs_array(rs_array(1, rs_array(2)), rs_array(), 3, null)), "
                "rs_array_flatten(rs_array(1), rs_array(2, 3)), rs_array_flatten(5::super)"),
            "[1,2,3,null]|[1,2,3]|NULL");
}

TEST_F(ArrayFunctions, CountsAndCuts) {
  EXPECT_EQ(Ask("select rs_get_array_length(rs_array(1, rs_array(2, 3))), "
                "rs_get_array_length(rs_array()), rs_get_array_length(rs_object()), "
                "rs_get_array_length(null)"),
            "2|0|NULL|NULL");
  EXPECT_EQ(
      Ask("select rs_subarray(rs_array(0, 1, 2, 3), 1, 2), rs_subarray(rs_array(0, 1, 2), 1), "
          "rs_subarray(rs_array(0, 1, 2), -2, 1), rs_subarray(rs_array(0), 5, 1), "
          "rs_subarray(rs_array(0, 1), 0, -1), rs_subarray(rs_array(0, 1), -9, 9)"),
      "[1,2]|[1,2]|[1]|[]|[]|[0,1]");
}

TEST_F(ArrayFunctions, SplitsText) {
  EXPECT_EQ(Ask("select rs_split_to_array('a,b,,c'), rs_split_to_array('a--b', '--'), "
                "rs_split_to_array('', ';'), rs_split_to_array('a\"b', ''), "
                "rs_split_to_array(null)"),
            R"(["a","b","","c"]|["a","b"]|[""]|["a\"b"]|NULL)");
}

// array_contains.md, array_position.md, array_positions.md: null_match.
TEST_F(ArrayFunctions, Searches) {
  EXPECT_EQ(Ask("select rs_array_contains(rs_array('a', 'b'), 'b'), "
                "rs_array_contains(rs_array(1, 2), 2.0), rs_array_contains(rs_array('1'), 1), "
                "rs_array_contains(rs_array(1, null), null), "
                "rs_array_contains(rs_array(1, null), 3), rs_array_contains(3::super, 3)"),
            "true|true|false|true|false|NULL");
  EXPECT_EQ(Ask("select rs_array_contains(rs_array(1), null, false), "
                "rs_array_contains(rs_array(1, null), 1, false), "
                "rs_array_contains(rs_array(1, null), 3, false), "
                "rs_array_contains(rs_array(1), 3, false)"),
            "NULL|true|NULL|false");
  EXPECT_EQ(
      Ask("select rs_array_position(rs_array('a', 'b', 'b'), 'b'), "
          "rs_array_position(rs_array('a'), 'c'), rs_array_position(rs_array(1, null), null), "
          "rs_array_position(rs_array(1, null), 3, false)"),
      "1|-1|1|NULL");
  EXPECT_EQ(Ask("select rs_array_positions(rs_array('a', 'b', 'a'), 'a'), "
                "rs_array_positions(rs_array(1), 2), rs_array_positions(rs_array(null, 1, null), "
                "null), rs_array_positions(rs_array(1, null), 3, false), "
                "rs_array_positions(rs_array(1, null), 1, false)"),
            "[0,2]|[]|[0,2]|NULL|[0]");
}

// array_except.md, array_intersection.md: multi-sets by default, sets on demand.
TEST_F(ArrayFunctions, TreatsArraysAsSets) {
  EXPECT_EQ(Ask("select rs_array_except(rs_array('x', 'y', 'y', 'y'), rs_array('y')), "
                "rs_array_except(rs_array('x', 'y', 'y', 'x'), rs_array('y'), true), "
                "rs_array_except(rs_array(1, null), rs_array(null))"),
            R"(["x","y","y"]|["x"]|[1])");
  EXPECT_EQ(Ask("select rs_array_intersection(rs_array(1, 2, 2, 3), rs_array(2, 2, 2, 1)), "
                "rs_array_intersection(rs_array(2, 2, 1), rs_array(2, 2), true), "
                "rs_array_intersection(rs_array('a', null), rs_array('b', null))"),
            "[1,2,2]|[2]|[null]");
  EXPECT_EQ(Ask("select rs_array_union(rs_array('b', 'a', 'b'), rs_array(null, 'b', null)), "
                "rs_array_distinct(rs_array(1, 1.0, 'a', 'a ', null, null))"),
            R"(["b","a",null]|[1,"a",null])");
  EXPECT_EQ(Ask("select rs_arrays_overlap(rs_array(1, null), rs_array(2, null)), "
                "rs_arrays_overlap(rs_array(1), rs_array(2)), rs_arrays_overlap(rs_array(), null)"),
            "true|false|NULL");
}

// array_sort.md: kinds in order; nulls last, or first when descending.
TEST_F(ArrayFunctions, Sorts) {
  EXPECT_EQ(Ask("select rs_array_sort(rs_array('b', rs_object(), rs_array(), 10, null, 9, true)), "
                "rs_array_sort(rs_array(2, null, 10), false), "
                "rs_array_sort(rs_array(2, null, 10), false, false), "
                "rs_array_sort(rs_array(2, null, 10), true, true)"),
            R"([true,9,10,"b",[],{},null]|[null,10,2]|[10,2,null]|[null,2,10])");
}

TEST_F(ArrayFunctions, WorkOnColumns) {
  Ask("create table l as select i, case when i % 4 = 0 then null else rs_array(i % 3, i % 5, i) "
      "end "
      "a from range(6000) r(i)");
  EXPECT_EQ(
      Ask("select count(a), count(*) filter (where rs_array_contains(a, 1)), "
          "sum(rs_array_position(a, i)), sum(rs_get_array_length(rs_array_distinct(a))), "
          "count(rs_array_sort(a)) from l"),
      Ask("select count(*) filter (where i % 4 <> 0), count(*) filter (where i % 4 <> 0 and 1 "
          "in (i % 3, i % 5, i)), sum(case when i % 4 = 0 then null when i = i % 3 then 0 "
          "when i = i % 5 then 1 else 2 end), sum(case when i % 4 = 0 then null else "
          "len(list_distinct([i % 3, i % 5, i])) end), count(*) filter (where i % 4 <> 0) "
          "from l"));
}

}  // namespace
}  // namespace skep::worker
