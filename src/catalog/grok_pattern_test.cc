#include "catalog/grok_pattern.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace skep::catalog {
namespace {

uint32_t GroupOf(const GrokExpression& grok, std::string_view field) {
  const auto found = std::ranges::find(grok.fields, field, &GrokField::name);
  return found == grok.fields.end() ? 0 : found->group;
}

TEST(GrokPattern, NamesGroupsByTheirFields) {
  const auto grok = ReadGrok("%{WORD:verb} (a|b) %{INT:Count:int} %{WORD}", "");
  ASSERT_TRUE(grok);
  EXPECT_EQ(GroupOf(*grok, "verb"), 1u);
  EXPECT_EQ(GroupOf(*grok, "count"), 3u);
  EXPECT_EQ(GroupOf(*grok, "word"), 4u);
  EXPECT_TRUE(grok->regex.starts_with("(\\b\\w+\\b) (a|b) ("));
}

TEST(GrokPattern, TakesPatternsOfTheTable) {
  const auto grok = ReadGrok("%{ID:id}-%{WORD:w}", "# a comment\nID [A-Z(]{2}\\(\r\nWORD [a-z]+\n");
  ASSERT_TRUE(grok);
  EXPECT_EQ(grok->regex, "([A-Z(]{2}\\()-([a-z]+)");
  EXPECT_EQ(GroupOf(*grok, "w"), 2u);
}

TEST(GrokPattern, FindsFieldsWithinPatterns) {
  const auto grok = ReadGrok("%{COMBINEDAPACHELOG}", "");
  ASSERT_TRUE(grok);
  for (const char* field : {"clientip", "verb", "request", "response", "bytes", "agent"})
    EXPECT_GT(GroupOf(*grok, field), 0u) << field;
}

TEST(GrokPattern, TakesNamedGroups) {
  const auto grok = ReadGrok("(?<queue>[0-9A-F]{10}) (?:x)(?=y)(?<!z)", "");
  ASSERT_TRUE(grok);
  EXPECT_EQ(GroupOf(*grok, "queue"), 1u);
  EXPECT_EQ(grok->fields.size(), 1u);
}

TEST(GrokPattern, GivesOnlyFieldsAGroupWhenClassifying) {
  const auto grok =
      ReadGrok("(a|b) %{TIME} %{NUMBER:Count:int} (?<rest>.*)", "", GrokUse::kClassifying);
  ASSERT_TRUE(grok);
  EXPECT_TRUE(grok->regex.starts_with("(?:a|b) (?:(?:"));
  for (const char* none : {"(?<", "(?!", "(?>", "(?P"})
    EXPECT_EQ(grok->regex.find(none), std::string::npos) << none;
  ASSERT_EQ(grok->fields.size(), 2u);
  EXPECT_EQ(grok->fields[0].name, "Count");
  EXPECT_EQ(grok->fields[0].type, "int");
  EXPECT_EQ(grok->fields[1].name, "rest");
  EXPECT_EQ(grok->fields[1].group, 2u);
  EXPECT_FALSE(ReadGrok("%{WORD", "", GrokUse::kClassifying));
}

TEST(GrokPattern, RefusesWhatItDoesNotKnowAndWhatHasNoEnd) {
  EXPECT_EQ(ReadGrok("%{NOT_THERE:x}", "").error().kind, ErrorKind::kFeatureNotSupported);
  EXPECT_EQ(ReadGrok("%{A}", "A %{B}\nB %{A}").error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(
      ReadGrok(
          "%{A}",
          "A %{B}%{B}%{B}%{B}%{B}%{B}%{B}%{B}%{B}%{B}\nB %{C}%{C}%{C}%{C}%{C}%{C}%{C}%{C}%{C}%{C}\n"
          "C %{D}%{D}%{D}%{D}%{D}%{D}%{D}%{D}%{D}%{D}\nD %{IP}%{IP}%{IP}%{IP}%{IP}")
          .error()
          .kind,
      ErrorKind::kInvalidArgument);
  EXPECT_TRUE(ReadGrok("%{unfinished", ""));
}

}  // namespace
}  // namespace skep::catalog
