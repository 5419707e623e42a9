#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using SuperOperators = FunctionsTest;

// query-super.md, "Dynamic typing": equality of different kinds is false.
TEST_F(SuperOperators, ComparesForEqualityByKindAndValue) {
  EXPECT_EQ(Ask("select rs_super_eq('P'::super, 'P'), rs_super_eq(5::super, 'P'), "
                "rs_super_eq('5'::super, 5), rs_super_ne(5::super, 'P'), rs_super_eq(null, 'P')"),
            "true|false|false|true|NULL");
  EXPECT_EQ(Ask("select rs_super_eq(5.0::super, 5), rs_super_eq(5.00::super, 5::double), "
                "rs_super_eq(0::super, (-0.0)::double), rs_super_eq(1e20::super, 1e20::double)"),
            "true|true|true|true");
  // Blanks at the end do not count.
  EXPECT_EQ(Ask("select rs_super_eq('P  '::super, 'P'), rs_super_eq('p'::super, 'P')"),
            "true|false");
}

TEST_F(SuperOperators, ComparesArraysAndObjectsToTheirDepths) {
  EXPECT_EQ(Ask(R"(select rs_super_eq(rs_json_parse('{"a":1,"b":[2,{}]}'),
                   rs_json_parse('{"b":[2.0,{}],"a":1}')), rs_super_eq(rs_array(1), rs_array(1, 2)),
                   rs_super_eq(rs_array(1, null), rs_array(1, null)))"),
            "true|false|true");
}

// query-super.md: "<=" of different kinds is NULL.
TEST_F(SuperOperators, OrdersOnlyValuesOfOneKind) {
  EXPECT_EQ(Ask("select rs_super_le('P'::super, 'P'), rs_super_lt(5::super, 'P'), "
                "rs_super_lt(rs_array(1), rs_array(2)), rs_super_gt(true::super, false)"),
            "true|NULL|NULL|true");
  EXPECT_EQ(Ask("select rs_super_lt((-2.5)::super, 1), rs_super_gt(1e2::double::super, 99.5), "
                "rs_super_ge(0.1::super, 0.10::double), rs_super_lt(9::super, 10), "
                "rs_super_lt((-10)::super, -9)"),
            "true|true|true|true|true");
}

TEST_F(SuperOperators, JoinsByHash) {
  Ask("create table a as select rs_array(i, 'x') as s from range(3000) r(i)");
  Ask("create table b as select rs_array(i::decimal(9,1), 'x ') as s from range(1000, 4000) r(i)");
  EXPECT_EQ(Ask("select count(*) from a join b on rs_super_eq(a.s, b.s)"), "2000");
  EXPECT_NE(Ask("explain select 1 from a join b on rs_super_eq(a.s, b.s)").find("HASH_JOIN"),
            std::string::npos);
}

// query-super.md, "Order by": boolean, number, string, array, object.
TEST_F(SuperOperators, SortsAllKinds) {
  EXPECT_EQ(Ask("select string_agg(coalesce(rs_json_serialize(s), 'NULL'), ' ' order by "
                "rs_super_sort_key(s)) from (values (rs_object('a', 1)), (2::super), "
                "('b'::super), (null), (rs_array(1)), ('C'::super), ((-10)::super), "
                "(1.5::double::super), ((-9.5)::super), ('a'::super), (true::super), ('A'::super), "
                "(false::super), (0::super)) t(s)"),
            R"(false true -10 -9.5 0 1.5e+0 2 "a" "A" "b" "C" [1] {"a":1} NULL)");
}

TEST_F(SuperOperators, GroupsByValue) {
  EXPECT_EQ(Ask("select count(distinct rs_super_sort_key(s)) from (select case when i % 2 = 0 then "
                "(i % 10)::super else (i % 10 - 1)::decimal(5,2)::super end s from range(5000) "
                "r(i))"),
            "5");
}

TEST_F(SuperOperators, CalculatesWithNumbers) {
  EXPECT_EQ(Ask("select rs_super_add(25::super, 5), rs_super_sub(1.5::super, 0.25), "
                "rs_super_mul(1.5::super, 1.5), rs_super_add(1::super, 0.5::double)"),
            "30|1.25|2.25|1.5e+0");
  EXPECT_EQ(Ask("select rs_super_div(5::super, 2), rs_super_div(5.0::super, 2), "
                "rs_super_mod(7::super, -3), rs_super_mod(7.5::super, 2), rs_super_neg(5::super)"),
            "2|2.5000|1|1.5|-5");
  EXPECT_EQ(Ask("select rs_super_div(5::super, 0)"), "ERROR division by zero");
}

TEST_F(SuperOperators, AnswersNullForWhatIsNoNumber) {
  EXPECT_EQ(Ask("select rs_super_add('x'::super, 1), rs_super_mul(rs_array(1), 2), "
                "rs_super_add(null, 1), rs_super_neg('5'::super)"),
            "NULL|NULL|NULL|NULL");
  // 38 digits are the end.
  EXPECT_EQ(Ask("select rs_super_mul(99999999999999999999999999999999999999::super, 10)"), "NULL");
}

TEST_F(SuperOperators, RoundsAndKeepsTheKind) {
  EXPECT_EQ(Ask("select rs_round(2.5::super), rs_floor((-2.5)::super), "
                "rs_ceil((-2.5)::super), rs_abs((-2.50)::super), "
                "rs_sign((-7.1)::super), rs_trunc(2.9::double::super), "
                "rs_round('x'::super)"),
            "3|-3|-2|2.50|-1|2e+0|NULL");
  // More digits than a float has.
  EXPECT_EQ(Ask("select rs_ceil(12345678901234567890.5::super), "
                "rs_floor((-12345678901234567890.5)::super)"),
            "12345678901234567891|-12345678901234567891");
}

TEST_F(SuperOperators, JoinsStrings) {
  EXPECT_EQ(Ask("select rs_super_concat('a\"'::super, 'b'), rs_super_concat('a'::super, 1)"),
            R"("a\"b"|NULL)");
}

TEST_F(SuperOperators, TakesParametersByTheirTypes) {
  const auto statement = connection_->Prepare("select rs_super_eq('[1]'::super, $1), rs_array($1)");
  ASSERT_FALSE(statement->HasError()) << statement->GetError();
  const auto text = statement->Execute("[1]");
  ASSERT_FALSE(text->HasError()) << text->GetError();
  EXPECT_EQ(text->Fetch()->GetValue(1, 0).ToString(), "[\"[1]\"]");
  const auto number = statement->Execute(5);
  ASSERT_FALSE(number->HasError()) << number->GetError();
  EXPECT_EQ(number->Fetch()->GetValue(1, 0).ToString(), "[5]");
}

TEST_F(SuperOperators, RefusesOperandsThatAreNoSuper) {
  EXPECT_EQ(Ask("select rs_super_eq(5::super, date '2024-01-01')"),
            "ERROR cannot cast type date to super");
}

}  // namespace
}  // namespace skep::worker
