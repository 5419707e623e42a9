#include "sql/date_parts.h"

#include <gtest/gtest.h>

namespace skep::sql {
namespace {

TEST(DateParts, KnowEachPartByItsNamePluralsAndAbbreviations) {
  constexpr std::pair<std::string_view, std::string_view> kWords[] = {
      {"mils", "millennium"},
      {"centuries", "century"},
      {"dec", "decade"},
      {"yrs", "year"},
      {"qtr", "quarter"},
      {"mon", "month"},
      {"w", "week"},
      {"weekday", "dayofweek"},
      {"dw", "dayofweek"},
      {"yearday", "dayofyear"},
      {"dy", "dayofyear"},
      {"d", "day"},
      {"hrs", "hour"},
      {"m", "minute"},
      {"mins", "minute"},
      {"s", "second"},
      {"msecs", "millisecond"},
      {"useconds", "microsecond"},
      {"us", "microsecond"},
      {"epoch", "epoch"},
      {"timezone", "timezone"},
      {"timezone_minute", "timezone_minute"},
      {"millisecon", "millisecond"}};
  for (const auto& [word, name] : kWords) EXPECT_EQ(CanonicalDatePart(word), name) << word;
}

TEST(DateParts, IgnoreCase) { EXPECT_EQ(CanonicalDatePart("QTR"), "quarter"); }

TEST(DateParts, RefuseOtherWords) {
  for (const std::string_view word : {"", "mo", "yea", "isoyear", "a_word_longer_than_every_part"})
    EXPECT_FALSE(CanonicalDatePart(word)) << word;
}

}  // namespace
}  // namespace skep::sql
