#include "worker/unload/record_format.h"

#include <gtest/gtest.h>

namespace skep::worker::unload {
namespace {

using enum sql::UnloadFormat;

std::vector<RecordColumn> Columns() {
  return {{"n", FieldKind::kNumber, false},
          {"text", FieldKind::kText, true},
          {"ok", FieldKind::kBoolean, false},
          {"doc", FieldKind::kJson, true}};
}

std::string Written(const sql::UnloadPlan& plan, const std::vector<Field>& fields) {
  std::string out;
  const auto done = RecordFormat(plan, Columns()).Append(fields, out);
  return done ? out : "error: " + done.error().message;
}

sql::UnloadPlan Plan(sql::UnloadFormat format) {
  sql::UnloadPlan plan;
  plan.format = format;
  if (format == kCsv) plan.delimiter = ",";
  return plan;
}

TEST(RecordFormat, DelimitsAndEscapes) {
  auto plan = Plan(kDelimited);
  EXPECT_EQ(Written(plan, {"1", "a|b", "t", "[1]"}), "1|a|b|t|[1]\n");
  EXPECT_EQ(Written(plan, {std::nullopt, "", std::nullopt, std::nullopt}), "|||\n");
  plan.escape = true;
  EXPECT_EQ(Written(plan, {"1", "a|b\\c\nd\re\"f'", "t", "2"}), "1|a\\|b\\\\c\\\nd\\\re\"f'|t|2\n");
  plan.add_quotes = true;
  EXPECT_EQ(Written(plan, {"1", "e\"f'", "t", "2"}), "\"1\"|\"e\\\"f\\'\"|\"t\"|\"2\"\n");
  plan.null_text = "\\N";
  EXPECT_EQ(Written(plan, {std::nullopt, std::nullopt, "f", std::nullopt}), "\\N|\\N|\"f\"|null\n");
}

TEST(RecordFormat, QuotesCsvWhereItMust) {
  const auto plan = Plan(kCsv);
  EXPECT_EQ(Written(plan, {"1", "a,b", "t", "{\"a\":1}"}), "1,\"a,b\",t,\"{\"\"a\"\":1}\"\n");
  EXPECT_EQ(Written(plan, {std::nullopt, "", "f", std::nullopt}), ",\"\",f,\n");
  EXPECT_EQ(Written(plan, {"2", "x\ny", "f", "1"}), "2,\"x\ny\",f,1\n");
}

TEST(RecordFormat, FillsFixedWidthsByCharacters) {
  auto plan = Plan(kFixedWidth);
  plan.widths = {3, 5, 1, 2};
  EXPECT_EQ(Written(plan, {"1", "größe", "t", "1"}), "1  größet1 \n");
  EXPECT_EQ(Written(plan, {std::nullopt, "ab", std::nullopt, std::nullopt}), "   ab      \n");
  EXPECT_EQ(Written(plan, {"1", "größer", "t", "1"}),
            "error: a value of column \"text\" has 6 characters, FIXEDWIDTH gives it 5");
  plan.null_text = "none";
  EXPECT_EQ(Written(plan, {std::nullopt, std::nullopt, std::nullopt, "1"}), "   none  1 \n");
}

TEST(RecordFormat, WritesJson) {
  const auto plan = Plan(kJson);
  EXPECT_EQ(
      Written(plan, {"1.50", "a\"b\\c\nd\x01", "t", "{\"a\":[1,null]}"}),
      "{\"n\":1.50,\"text\":\"a\\\"b\\\\c\\nd\\u0001\",\"ok\":\"t\",\"doc\":{\"a\":[1,null]}}\n");
  EXPECT_EQ(Written(plan, {"NaN", std::nullopt, std::nullopt, std::nullopt}),
            "{\"n\":\"NaN\",\"text\":null,\"ok\":null,\"doc\":null}\n");
  EXPECT_EQ(Written(plan, {"-Infinity", "", "f", "1e5"}),
            "{\"n\":\"-Infinity\",\"text\":\"\",\"ok\":\"f\",\"doc\":1e5}\n");
}

TEST(RecordFormat, NamesColumnsInAHeader) {
  std::string out;
  RecordFormat(Plan(kCsv), {{"a,b"}, {"c"}}).AppendHeader(out);
  RecordFormat(Plan(kDelimited), {{"a,b"}, {"c"}}).AppendHeader(out);
  EXPECT_EQ(out, "\"a,b\",c\na,b|c\n");
}

TEST(FolderOf, KeepsValuesWithinTheirFolder) {
  EXPECT_EQ(FolderOf({"a", "b"}, {"1", "x y"}), "a=1/b=x y/");
  EXPECT_EQ(FolderOf({"a"}, {"../../etc"}), "a=..%2F..%2Fetc/");
  EXPECT_EQ(FolderOf({"a"}, {"2026-01-02 03:04:05"}), "a=2026-01-02 03%3A04%3A05/");
  EXPECT_EQ(FolderOf({"a", "b"}, {std::nullopt, ""}),
            "a=__HIVE_DEFAULT_PARTITION__/b=__HIVE_DEFAULT_PARTITION__/");
  EXPECT_EQ(FolderOf({"a"}, {"50%\n"}), "a=50%25%0A/");
}

}  // namespace
}  // namespace skep::worker::unload
