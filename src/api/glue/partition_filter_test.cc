#include "api/glue/partition_filter.h"

#include <gtest/gtest.h>

namespace skep::glue {
namespace {

const std::vector<PartitionKey> kKeys = {{"year", "int"},
                                         {"region", "string"},
                                         {"day", "date"},
                                         {"price", "decimal(10,2)"},
                                         {"at", "timestamp"}};
const std::vector<std::string> kValues = {"2024", "eu-west", "2024-02-29", "10.50",
                                          "2024-02-29 12:00:00"};

bool Matches(std::string_view text, const std::vector<std::string>& values = kValues) {
  const auto filter = PartitionFilter::Parse(text, kKeys);
  EXPECT_TRUE(filter) << text << ": " << (filter ? "" : filter.error().message);
  return filter && filter->Matches(values);
}

TEST(PartitionFilter, ComparesByTheKeysType) {
  for (const char* yes : {"",
                          "  ",
                          "year = 2024",
                          "year = '2024'",
                          "year=02024",
                          "year > 999",
                          "2023 < year",
                          "year <> 1",
                          "year != 1",
                          "YEAR >= 2024",
                          "\"year\" = 2024",
                          "`year` = 2024",
                          "region > 'eu'",
                          "region < 'f'",
                          "day = '2024-02-29'",
                          "day >= date '2024-02-28'",
                          "price = 10.5",
                          "price > 9.99",
                          "price < 10.500001",
                          "price > -1",
                          "at = timestamp '2024-02-29 12:00:00'",
                          "at > '2024-02-29'",
                          "at = '2024-02-29T12:00:00.000'"}) {
    EXPECT_TRUE(Matches(yes)) << yes;
  }
  for (const char* no : {"year = 2023", "year < 999", "region = 'EU-WEST'", "price > 10.50",
                         "day < '2024-02-29'", "2024 < year"})
    EXPECT_FALSE(Matches(no)) << no;
}

TEST(PartitionFilter, CombinesByPrecedence) {
  EXPECT_TRUE(Matches("year = 1 and region = 'x' or year = 2024"));
  EXPECT_FALSE(Matches("year = 1 and (region = 'x' or year = 2024)"));
  EXPECT_TRUE(Matches("not year = 1 and not (region = 'x')"));
  EXPECT_TRUE(Matches("((year = '2024' AND region = 'eu-west'))"));
}

TEST(PartitionFilter, KnowsInBetweenLikeAndNull) {
  EXPECT_TRUE(Matches("year in (1, 2024)"));
  EXPECT_TRUE(Matches("region not in ('a', 'b')"));
  EXPECT_TRUE(Matches("year between 2020 and 2024 and region like 'eu-%'"));
  EXPECT_FALSE(Matches("year not between 2020 and 2024"));
  EXPECT_TRUE(Matches("region like '__-w_st'"));
  EXPECT_FALSE(Matches("region not like '%west%'"));
  EXPECT_TRUE(Matches("region is not null"));
  const std::vector<std::string> null = {"__HIVE_DEFAULT_PARTITION__", "x", "2024-01-01", "1",
                                         "2024-01-01"};
  EXPECT_TRUE(Matches("year is null", null));
  EXPECT_FALSE(Matches("year = 1", null));
  EXPECT_FALSE(Matches("not year = 1", null));
  EXPECT_TRUE(Matches("year = 1 or region = 'x'", null));
}

TEST(PartitionFilter, LeavesOutValuesThatDoNotFitTheirType) {
  const std::vector<std::string> bad = {"soon", "x", "whenever", "1e5", "noon"};
  EXPECT_FALSE(Matches("year > 0", bad));
  EXPECT_FALSE(Matches("day > '2000-01-01'", bad));
}

TEST(PartitionFilter, RefusesWhatItDoesNotUnderstand) {
  for (const char* text : {"year",
                           "year =",
                           "= 1",
                           "year = 1 and",
                           "(year = 1",
                           "year = 1)",
                           "year = 'x'",
                           "day = 'yesterday'",
                           "month = 1",
                           "year == 1",
                           "year = 1; drop",
                           "year like",
                           "year in ()",
                           "year in (1",
                           "year between 1",
                           "year = year",
                           "'unclosed",
                           "year ! 1",
                           "lower(region) = 'x'",
                           "year + 1 = 2",
                           "\xff\xfe"}) {
    const auto filter = PartitionFilter::Parse(text, kKeys);
    ASSERT_FALSE(filter) << text;
    EXPECT_EQ(filter.error().kind, ErrorKind::kInvalidArgument);
  }
  EXPECT_FALSE(PartitionFilter::Parse("a = 1", {{"a", "binary"}}));
  EXPECT_FALSE(PartitionFilter::Parse(std::string(2049, ' ') + "year = 1", kKeys));
  EXPECT_FALSE(
      PartitionFilter::Parse(std::string(1000, '(') + "year = 1" + std::string(1000, ')'), kKeys));
}

TEST(PartitionFilter, ExcludesByFirstValuesOnlyWhatNothingCouldMatch) {
  const std::vector<PartitionKey> keys = {{"a", "string"}, {"b", "int"}};
  struct Case {
    const char* text;
    std::vector<std::string> first;
    bool may;
  };
  const Case cases[] = {
      {"", {}, true},
      {"a = 'x'", {}, true},
      {"a = 'x'", {"x"}, true},
      {"a = 'x'", {"y"}, false},
      {"a = 'x' and b = 1", {"x"}, true},
      {"a = 'x' and b = 1", {"x", "01"}, true},
      {"a = 'x' and b = 1", {"x", "2"}, false},
      {"a = 'x' or b = 1", {"y"}, true},
      {"not (a = 'x' or b = 1)", {"x"}, false},
      {"not (a = 'x' and b = 1)", {"x"}, true},
      {"a is null", {"x"}, false},
      {"a is null", {"__HIVE_DEFAULT_PARTITION__"}, true},
      {"not a = 'x'", {"__HIVE_DEFAULT_PARTITION__"}, false},
      {"a = 'x' or b is null", {"__HIVE_DEFAULT_PARTITION__"}, true},
      {"not (a = 'x' and b = 1)", {"__HIVE_DEFAULT_PARTITION__"}, true},
  };
  for (const Case& c : cases) {
    const auto filter = PartitionFilter::Parse(c.text, keys);
    ASSERT_TRUE(filter) << c.text;
    EXPECT_EQ(filter->MayMatch(c.first), c.may) << c.text << " of " << c.first.size();
  }
}

TEST(PartitionFilter, TellsTheRangeOfFirstKeysThatAreText) {
  const std::vector<PartitionKey> keys = {{"a", "string"}, {"b", "string"}, {"c", "int"}};
  const auto first = [&](const char* text) { return PartitionFilter::Parse(text, keys)->First(3); };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(first("a = 'x' and b = 'y' and c = 1").equal, (Texts{"x", "y"}));
  EXPECT_FALSE(first("a = 'x' and b = 'y' and c = 1").least);
  EXPECT_EQ(first("c = 1 and b > 'y' and a = 'x'").equal, Texts{"x"});
  EXPECT_EQ(first("c = 1 and b > 'y' and a = 'x'").least, "y");
  EXPECT_EQ(first("b = 'y'").equal, Texts{});
  EXPECT_FALSE(first("b = 'y'").least);
  EXPECT_EQ(first("a in ('n', 'k', 'p') and a < 'o'").least, "k");
  EXPECT_EQ(first("a in ('n', 'k', 'p') and a < 'o'").most, "o");
  for (const char* open : {"a = 'x' or b = 'y'", "not a = 'x'", "a <> 'x'", "a like 'x%'"}) {
    EXPECT_TRUE(first(open).equal.empty()) << open;
    EXPECT_FALSE(first(open).least || first(open).most) << open;
  }
}

}  // namespace
}  // namespace skep::glue
