#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using ObjectFunctions = FunctionsTest;

TEST_F(ObjectFunctions, MakesObjects) {
  EXPECT_EQ(Ask("select rs_object(), rs_object('a', 1, 'b\"', 'x', 'c', null, 'd', rs_object('e', "
                "2.50))"),
            R"({}|{"a":1,"b\"":"x","c":null,"d":{"e":2.50}})");
  EXPECT_EQ(Ask("select rs_object(k, v) from (values ('k1', rs_array(1)), ('k2', null)) t(k, v)"),
            R"({"k1":[1]} ; {"k2":null})");
}

TEST_F(ObjectFunctions, RefusesWhatMakesNoObject) {
  EXPECT_EQ(Ask("select rs_object('k', date '2024-12-31')"),
            "ERROR OBJECT could not convert type date to super");
  EXPECT_EQ(Ask("select rs_object('k')"), "ERROR OBJECT takes keys and values in pairs");
  EXPECT_EQ(Ask("select rs_object(null, 1)"), "ERROR OBJECT keys must not be null");
  EXPECT_EQ(Ask("select rs_object('k', 1, 'k', 2)"),
            "ERROR Invalid input: SUPER value has duplicate attributes");
}

TEST_F(ObjectFunctions, CountsAttributes) {
  EXPECT_EQ(Ask(R"(select rs_get_number_attributes(rs_json_parse('{"a":{"b":1},"c":[2,3]}')),
                   rs_get_number_attributes(rs_object()), rs_get_number_attributes(rs_array()))"),
            "2|0|NULL");
}

// r_lower_attribute_names.md: to all depths; values stay.
TEST_F(ObjectFunctions, ChangesTheCaseOfNames) {
  EXPECT_EQ(Ask(R"(select rs_lower_attribute_names(rs_json_parse('[{"Ab":{"ÇD":"X"}},"Y"]')),
                   rs_upper_attribute_names(rs_json_parse('{"ab":{"çd":"x"}}')),
                   rs_lower_attribute_names('Ab'::super), rs_lower_attribute_names(null))"),
            R"([{"ab":{"çd":"X"}},"Y"]|{"AB":{"ÇD":"x"}}|"Ab"|NULL)");
  EXPECT_EQ(Ask(R"(select rs_upper_attribute_names(rs_json_parse('{"a":1,"A":2}')))"),
            "ERROR SUPER value has duplicate attributes after case conversion.");
}

TEST_F(ObjectFunctions, Transforms) {
  Ask(R"(create table p as select rs_json_parse(
      '{"n":{"f":"Ann","l":"Lee"},"age":30,"tag":"t","list":[1]}') s)");
  EXPECT_EQ(Ask(R"(select rs_object_transform(s, ['"n"."f"', '"age"', '"none"'],
                   ['"n"."f"', '"new"."x"', '"age"'], ['ANN'::super, null::super, 31::super])
                   from p)"),
            R"({"n":{"f":"ANN"},"age":31,"new":{"x":null}})");
  // Without KEEP all stays.
  EXPECT_EQ(Ask(R"(select rs_object_transform(s, null, ['"n"."m"', '"tag"."y"'], [1::super,
                   2::super]) from p)"),
            R"({"n":{"f":"Ann","l":"Lee","m":1},"age":30,"tag":{"y":2},"list":[1]})");
  EXPECT_EQ(Ask(R"(select rs_object_transform(s, ['"n"', 'list'], null, null) from p)"),
            R"({"n":{"f":"Ann","l":"Lee"},"list":[1]})");
}

// r_object_transform_function.md: without clauses, or without an object, the input.
TEST_F(ObjectFunctions, TransformsNothingElse) {
  EXPECT_EQ(Ask("select rs_object_transform(rs_object('a', 1), null, null, null), "
                "rs_object_transform(rs_array(1), ['\"a\"'], null, null), "
                "rs_object_transform(null, ['\"a\"'], null, null)"),
            R"({"a":1}|[1]|NULL)");
  EXPECT_EQ(Ask("select rs_object_transform(rs_object('a', 1), ['\"a'], null, null)"),
            "ERROR OBJECT_TRANSFORM: invalid path \"a");
}

TEST_F(ObjectFunctions, WorkOnColumns) {
  EXPECT_EQ(
      Ask("select count(*), count(o), sum(rs_get_number_attributes(o)), "
          "sum(rs_super_get(rs_object_transform(o, ['\"B\"'], ['\"b\"'], [i::super]), "
          "'b')::integer) from (select i, case when i % 3 = 0 then null else rs_object('A', i, "
          "'B', i::varchar) end o from range(3000) r(i))"),
      "3000|2000|4000|3000000");
}

}  // namespace
}  // namespace skep::worker
