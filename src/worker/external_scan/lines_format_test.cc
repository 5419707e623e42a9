#include "worker/external_scan/lines_format.h"

#include <gtest/gtest.h>

namespace skep::external_scan {
namespace {

using Fields = std::vector<std::optional<std::string>>;

Fields Split(const LinesFormat& format, size_t columns, std::string_view line) {
  LineSplitter splitter(format, columns);
  Fields fields;
  for (const auto& field : splitter.Split(line))
    fields.push_back(field ? std::optional(std::string(*field)) : std::nullopt);
  return fields;
}

TEST(LinesFormat, CutsAtTheDelimiter) {
  LinesFormat format;
  format.delimiter = "|";
  EXPECT_EQ(Split(format, 3, "a|b|c"), Fields({"a", "b", "c"}));
  EXPECT_EQ(Split(format, 3, "a||"), Fields({"a", "", ""}));
  EXPECT_EQ(Split(format, 3, ""), Fields({""}));
  EXPECT_EQ(Split(format, 1, "a|b"), Fields({"a", "b"}));
  format.delimiter = "<>";
  EXPECT_EQ(Split(format, 2, "a<>b<c"), Fields({"a", "b<c"}));
}

TEST(LinesFormat, TakesEscapesAndQuotes) {
  LinesFormat format;
  format.delimiter = ",";
  format.escape = '\\';
  EXPECT_EQ(Split(format, 2, "a\\,b,c\\\\"), Fields({"a,b", "c\\"}));
  EXPECT_EQ(Split(format, 1, "a\\"), Fields({"a\\"}));
  format.quote = '"';
  EXPECT_EQ(Split(format, 3, "\"a,b\",\"c\\\"d\",e"), Fields({"a,b", "c\"d", "e"}));
  format.escape = '"';
  EXPECT_EQ(Split(format, 2, "\"a\"\"b\",\"\""), Fields({"a\"b", ""}));
  EXPECT_EQ(Split(format, 2, "\"open,never"), Fields({"open,never"}));
}

TEST(LinesFormat, KnowsNull) {
  LinesFormat format;
  format.delimiter = ",";
  format.null_text = "\\N";
  EXPECT_EQ(Split(format, 2, "\\N,x"), Fields({std::nullopt, "x"}));
}

TEST(LinesFormat, MatchesWholeLines) {
  LinesFormat format;
  format.regex = "(\\d+) (\\w+)( .*)?";
  EXPECT_EQ(Split(format, 3, "12 ab"), Fields({"12", "ab", std::nullopt}));
  EXPECT_EQ(Split(format, 3, "12 ab rest of it"), Fields({"12", "ab", " rest of it"}));
  EXPECT_EQ(Split(format, 3, "x12 ab"), Fields({std::nullopt, std::nullopt, std::nullopt}));
  EXPECT_EQ(Split(format, 5, "12 ab").size(), 5u);
  format.groups = {2, 0, 1, 99};
  EXPECT_EQ(Split(format, 4, "12 ab"), Fields({"ab", std::nullopt, "12", std::nullopt}));
  format.regex = "a|b";
  EXPECT_EQ(Split(format, 1, "ab"), Fields({std::nullopt}));
  EXPECT_EQ(Split(format, 1, "\xff"), Fields({std::nullopt}));
}

TEST(LinesFormat, RefusesExpressionsThatDoNotCompile) {
  LinesFormat format;
  format.regex = "(";
  EXPECT_ANY_THROW(LineSplitter(format, 1));
}

TEST(LinesFormat, ReadsOptions) {
  ipc::TableDescription table;
  table.name = "t";
  table.options = {{"delimiter", ";"},
                   {"surplus_char", "TRUNCATE"},
                   {"numeric_overflow", "fail"},
                   {"groups", "3,1"},
                   {"skip", "2"},
                   {"line_end", "~"}};
  const auto format = LinesFormat::Read(table);
  ASSERT_TRUE(format);
  EXPECT_EQ(format->delimiter, ";");
  EXPECT_EQ(format->surplus_char, Handling::kTruncate);
  EXPECT_EQ(format->numeric_overflow, Handling::kFail);
  EXPECT_EQ(format->groups, (std::vector<uint32_t>{3, 1}));
  EXPECT_EQ(format->skip_lines, 2u);
  EXPECT_EQ(format->line_end, '~');
  table.options = {{"invalid_char", "whatever"}};
  EXPECT_FALSE(LinesFormat::Read(table));
  table.options = {{"line_end", "ab"}};
  EXPECT_FALSE(LinesFormat::Read(table));
}

TEST(LinesFormat, TellsUtf8) {
  size_t fault = 9;
  EXPECT_TRUE(IsUtf8("aä€😀", fault));
  for (const std::string_view bad :
       {"a\xff", "a\xc3", "a\xc0\xaf", "a\xed\xa0\x80", "a\xf4\x90\x80\x80", "a\x80"}) {
    EXPECT_FALSE(IsUtf8(bad, fault));
    EXPECT_EQ(fault, 1u);
  }
  EXPECT_EQ(ReplaceInvalid("a\xff"
                           "b\xc3",
                           '?'),
            "a?b?");
  EXPECT_EQ(ReplaceInvalid("plain", '?'), "plain");
}

TEST(LinesFormat, KnowsLengthsOfCharacterTypes) {
  EXPECT_EQ(CharLengthOf("varchar(20)"), 20u);
  EXPECT_EQ(CharLengthOf("CHAR(3)"), 3u);
  EXPECT_EQ(CharLengthOf("string"), 0u);
  EXPECT_EQ(CharLengthOf("decimal(8,2)"), 0u);
}

}  // namespace
}  // namespace skep::external_scan
