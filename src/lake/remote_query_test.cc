#include "lake/remote_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace skep::lake {
namespace {

using testing::HasSubstr;

RemoteTable Orders() {
  RemoteTable table{"sales", "orders", "TABLE", {}};
  table.columns = {DescribeRemoteColumn("id", 23, -1, "integer"),
                   DescribeRemoteColumn("na\"me", 1043, 24, "character varying(20)"),
                   DescribeRemoteColumn("price", 1700, (10 << 16 | 2) + 4, "numeric(10,2)"),
                   DescribeRemoteColumn("key", 2950, -1, "uuid"),
                   DescribeRemoteColumn("code", 1042, 7, "character(3)")};
  return table;
}

TEST(RemoteQuery, MapsTypesAsTheGuideSays) {
  const struct {
    uint32_t oid;
    int32_t modifier;
    const char* type;
    bool as_text;
  } kRows[] = {{16, -1, "boolean", false},
               {21, -1, "smallint", false},
               {23, -1, "int", false},
               {20, -1, "bigint", false},
               {700, -1, "float", false},
               {701, -1, "double", false},
               {25, -1, "varchar(65535)", false},
               {1043, -1, "varchar(65535)", false},
               {1043, 14, "varchar(10)", false},
               {1043, 100004, "varchar(65535)", false},
               {1042, 9, "char(5)", false},
               {1042, 10004, "varchar(65535)", true},
               {1082, -1, "date", false},
               {1114, -1, "timestamp", false},
               {1184, -1, "timestamptz", false},
               {1700, (38 << 16 | 10) + 4, "decimal(38,10)", false},
               {1700, (39 << 16 | 0) + 4, "varchar(65535)", true},
               {1700, (5 << 16 | 0x7fe) + 4, "varchar(65535)", true},  // numeric(5, -2)
               {1700, (3 << 16 | 5) + 4, "varchar(65535)", true},      // numeric(3, 5)
               {1700, -1, "varchar(65535)", true},
               {2950, -1, "varchar(65535)", true},   // uuid
               {3802, -1, "varchar(65535)", true},   // jsonb
               {17, -1, "varchar(65535)", true},     // bytea
               {1083, -1, "varchar(65535)", true},   // time
               {1007, -1, "varchar(65535)", true}};  // integer[]
  for (const auto& row : kRows) {
    const auto column = DescribeRemoteColumn("c", row.oid, row.modifier, "t");
    EXPECT_EQ(column.type, row.type) << row.oid << " " << row.modifier;
    EXPECT_EQ(column.as_text, row.as_text) << row.oid << " " << row.modifier;
  }
}

TEST(RemoteQuery, WritesColumnsAndFilters) {
  const auto text = WriteRemoteScan(Orders(), R"({"columns": [1, 3, 4], "filter":
      {"op": "and", "of": [{"op": ">=", "column": 0, "value": "7"},
                           {"op": "or", "of": [{"op": "in", "column": 1, "values": ["a", "it's"]},
                                               {"op": "null", "column": 2}]},
                           {"op": "=", "column": 4, "value": "x"},
                           {"op": "not null", "column": 3}]}})");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text,
            R"(copy (select "na""me", "key"::text, "code"::text from "sales"."orders" where )"
            R"((("id" >= '7'::int) and (("na""me" in ('a'::text, 'it''s'::text)) or )"
            R"(("price" is null)) and ("code" = 'x'::bpchar) and ("key"::text is not null))))"
            R"( to stdout (format binary))");
}

TEST(RemoteQuery, ReadsNoColumnsForCounting) {
  const auto text = WriteRemoteScan(Orders(), R"({"columns": []})");
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, R"(copy (select  from "sales"."orders") to stdout (format binary))");
}

TEST(RemoteQuery, SendsALimitBehindTheFilter) {
  const auto text = WriteRemoteScan(
      Orders(), R"({"columns": [0], "filter": {"op": "null", "column": 2}, "limit": 10})");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, R"(copy (select "id" from "sales"."orders" where ("price" is null) limit 10) )"
                   R"(to stdout (format binary))");
}

TEST(RemoteQuery, NamesAndValuesStayWithinTheirQuotes) {
  RemoteTable table{"s\"; drop table x; --", "t\"\"", "TABLE", {}};
  table.columns = {DescribeRemoteColumn("c\"::text from pg_authid --", 25, -1, "text")};
  const auto text = WriteRemoteScan(
      table,
      R"({"columns": [0], "filter": {"op": "=", "column": 0, "value": "\\'; drop table y"}})");
  ASSERT_TRUE(text);
  EXPECT_EQ(*text,
            R"(copy (select "c""::text from pg_authid --" from "s""; drop table x; --"."t""""" )"
            R"(where ("c""::text from pg_authid --" = '\''; drop table y'::text)) to stdout )"
            R"((format binary))");
}

TEST(RemoteQuery, RefusesWhatIsNotInTheTree) {
  nlohmann::json deep = {{"op", "null"}, {"column", 0}};
  for (int i = 0; i < 100; i++) deep = {{"op", "and"}, {"of", nlohmann::json::array({deep})}};
  nlohmann::json wide = {{"op", "in"}, {"column", 0}, {"values", nlohmann::json::array()}};
  for (int i = 0; i < 5000; i++) wide["values"].push_back("1");
  const std::string kPlans[] = {
      "",
      "[]",
      "select 1",
      R"({"columns": "*"})",
      R"({"columns": [5]})",
      R"({"columns": [-1]})",
      R"({"columns": [0.5]})",
      R"({"columns": [0, 0, 0, 0, 0, 0]})",
      R"({"columns": [0], "filter": "id = 1"})",
      R"({"columns": [0], "limit": -1})",
      R"({"columns": [0], "limit": 0.5})",
      R"({"columns": [0], "limit": "1 offset 2"})",
      R"({"columns": [0], "limit": 18446744073709551615})",
      R"({"columns": [0], "filter": {"op": "= 1 or 1", "column": 0, "value": "1"}})",
      R"({"columns": [0], "filter": {"op": "=", "column": "id", "value": "1"}})",
      R"({"columns": [0], "filter": {"op": "=", "column": 9, "value": "1"}})",
      R"({"columns": [0], "filter": {"op": "=", "column": 0, "value": 1}})",
      R"({"columns": [0], "filter": {"op": "<", "column": 1, "value": "a"}})",
      R"({"columns": [0], "filter": {"op": "=", "column": 1, "value": "a\u0000b"}})",
      R"({"columns": [0], "filter": {"op": "and", "of": []}})",
      R"({"columns": [0], "filter": {"op": "in", "column": 0, "values": []}})",
      nlohmann::json({{"columns", {0}}, {"filter", deep}}).dump(),
      nlohmann::json({{"columns", {0}}, {"filter", wide}}).dump(),
  };
  for (const std::string& plan : kPlans) {
    const auto text = WriteRemoteScan(Orders(), plan);
    ASSERT_FALSE(text) << plan << "\n" << *text;
    EXPECT_EQ(text.error().kind, ErrorKind::kProtocolViolation) << plan;
    EXPECT_THAT(text.error().message, HasSubstr("a remote scan's plan is wrong"));
  }
}

}  // namespace
}  // namespace skep::lake
