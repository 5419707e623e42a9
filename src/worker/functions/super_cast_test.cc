#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using SuperCast = FunctionsTest;

TEST_F(SuperCast, WritesScalarsAsJson) {
  EXPECT_EQ(Ask("select 'oak \"tree\"'::super, 7::super, true::super, null::super"),
            R"("oak \"tree\""|7|true|NULL)");
  EXPECT_EQ(TypeOf("7::smallint::super"), "SUPER");
}

// r_is_float.md: a float is printed with an exponent; limitations-super.md: decimals keep theirs.
TEST_F(SuperCast, TellsFloatsFromDecimals) {
  EXPECT_EQ(Ask("select 5.0::super, 3.25::double::super, 1e300::super, 0.1::float::super"),
            "5.0|3.25e+0|1e+300|1e-1");
  EXPECT_EQ(Ask("select (-0.05)::decimal(38,20)::super"), "-0.05000000000000000000");
  EXPECT_EQ(Ask("select 'nan'::double::super is null"), "true");
}

// limitations-super.md: no date or time becomes SUPER.
TEST_F(SuperCast, RefusesDatesAndTimes) {
  EXPECT_EQ(Ask("select date '2024-05-06'::super"), "ERROR cannot cast type date to super");
  EXPECT_EQ(Ask("select timestamp '2024-05-06 01:02:03'::super"),
            "ERROR cannot cast type timestamp without time zone to super");
  EXPECT_EQ(Ask("select cast(interval 1 day as super)"),
            "ERROR cannot cast type interval to super");
  EXPECT_EQ(Ask("select 'a'::blob::super"), "ERROR cannot cast type binary varying to super");
  EXPECT_EQ(Ask("select 'a'::super::blob"), "ERROR cannot cast type super to binary varying");
}

TEST_F(SuperCast, TakesNestedValuesOfExternalTables) {
  EXPECT_EQ(Ask("select cast({'a': 1, 'b': [1.5, null], 'when': date '2024-02-03'} as super)"),
            R"({"a":1,"b":[1.5,null],"when":"2024-02-03"})");
  EXPECT_EQ(Ask("select map {1: 'x', 2: null}::super"), R"({"1":"x","2":null})");
  EXPECT_EQ(Ask("select [[1], []]::super, [1, 2]::integer[2]::super"), "[[1],[]]|[1,2]");
  EXPECT_EQ(Ask("select count(s), min(s::varchar), count(*) filter (where "
                "rs_super_at(rs_super_get(s, 'l'), 0)::integer = i) from (select i, case when i % "
                "3 = 0 then null else "
                "{'i': i, 'l': [i, null]} end::super s from range(5000) r(i))"),
            "3333|NULL|3333");
}

TEST_F(SuperCast, ReadsTheJsonOfFiles) {
  EXPECT_EQ(Ask(R"(select '{ "a" : 1E2 }'::json::super)"), R"({"a":1e+2})");
  EXPECT_EQ(Ask(R"(select 'null'::json::super is null)"), "true");
}

// limitations-super.md, the casts to boolean.
TEST_F(SuperCast, IsLax) {
  EXPECT_EQ(Ask("select 5::super::boolean, 5.0::super::boolean, 0::super::boolean"),
            "true|NULL|false");
  EXPECT_EQ(Ask("select 'Good'::super::integer, '12'::super::integer, [1]::super::integer"),
            "NULL|12|NULL");
  EXPECT_EQ(Ask("select 40000::super::smallint, 2.5::super::integer, true::super::bigint"),
            "NULL|3|1");
  EXPECT_EQ(Ask("select 12.345::super::decimal(5,2), 1234.5::super::decimal(5,2), "
                "1e2::super::decimal(5,1), true::super::decimal(5,1)"),
            "12.35|NULL|100.0|NULL");
  EXPECT_EQ(Ask("select 12.25::super::double, '1.5'::super::real, 3::super::double"),
            "12.25|1.5|3.0");
}

TEST_F(SuperCast, ReadsDatesAndTimesFromStringsOnly) {
  EXPECT_EQ(Ask("select '2024-05-06'::super::date, 5::super::date, 'soon'::super::date"),
            "2024-05-06|NULL|NULL");
  EXPECT_EQ(Ask("select '2024-05-06 07:08:09'::super::timestamp, '07:08:09'::super::time"),
            "2024-05-06 07:08:09|07:08:09");
}

// limitations-super.md: arrays and objects have no text.
TEST_F(SuperCast, GivesTextOfScalarsOnly) {
  EXPECT_EQ(Ask(R"(select rs_json_parse('"a\n\"b"')::varchar, 5.50::super::varchar)"),
            "a\n\"b|5.50");
  EXPECT_EQ(Ask("select true::super::varchar, rs_array(1)::varchar, rs_object()::varchar"),
            "true|NULL|NULL");
}

TEST_F(SuperCast, WorksOnColumns) {
  Ask("create table t as select i, case when i % 4 = 0 then null when i % 4 = 1 then i::super when "
      "i % 4 = 2 then i::varchar::super else rs_array(i) end s from range(6000) r(i)");
  EXPECT_EQ(Ask("select count(s), count(s::integer), count(s::varchar), "
                "count(*) filter (where s::integer = i) from t"),
            "4500|3000|3000|3000");
  EXPECT_EQ(Ask("insert into t values (1, 'x'), (2, 5), (3, null)"), "3");
}

// super-configurations.md: cast_super_null_on_error = off.
TEST_F(SuperCast, IsStrictOnDemand) {
  EXPECT_EQ(Ask("select rs_super_cast_strict('12'::super, null::integer), "
                "rs_super_cast_strict(null::super, null::integer)"),
            "12|NULL");
  EXPECT_EQ(TypeOf("rs_super_cast_strict('12'::super, null::decimal(5,2))"), "DECIMAL(5,2)");
  EXPECT_EQ(Ask("select rs_super_cast_strict('Good'::super, null::integer)"),
            "ERROR cannot cast SUPER value \"Good\" to type integer");
}

}  // namespace
}  // namespace skep::worker
