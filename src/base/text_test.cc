#include "base/text.h"

#include <gtest/gtest.h>

namespace skep {
namespace {

TEST(Text, LowersAsciiOnly) {
  EXPECT_EQ(Lower("AZ az 09 _"), "az az 09 _");
  EXPECT_EQ(Lower("Ä"), "Ä");
  EXPECT_EQ(Lower(""), "");
}

TEST(Text, SplitsAtCommas) {
  using Parts = std::vector<std::string>;
  EXPECT_EQ(SplitAtCommas(""), Parts{});
  EXPECT_EQ(SplitAtCommas("a"), Parts{"a"});
  EXPECT_EQ(SplitAtCommas("a,b c"), (Parts{"a", "b c"}));
  EXPECT_EQ(SplitAtCommas(",a,,"), (Parts{"", "a", "", ""}));
}

TEST(Text, WritesJsonStrings) {
  const auto json = [](std::string_view text) {
    std::string out = "x";
    AppendJsonString(out, text);
    return out;
  };
  EXPECT_EQ(json(""), "x\"\"");
  EXPECT_EQ(json("a\"b\\c"), "x\"a\\\"b\\\\c\"");
  EXPECT_EQ(json("\n\r\t\b\f"), "x\"\\n\\r\\t\\b\\f\"");
  EXPECT_EQ(json(std::string_view("\0\x1f", 2)), "x\"\\u0000\\u001f\"");
  EXPECT_EQ(json("naïve 🐝\x7f"), "x\"naïve 🐝\x7f\"");
}

}  // namespace
}  // namespace skep
