#include "api/redshift_data/parameters.h"

#include <gtest/gtest.h>

namespace skep::redshift_data {
namespace {

std::string Rewritten(std::string_view sql, const std::vector<std::string>& names) {
  const auto out = RewriteParameters(sql, names);
  return out ? out->text : "refused: " + out.error().message;
}

TEST(Parameters, AreReplacedOutsideLiteralsCommentsAndCasts) {
  struct Case {
    const char* sql;
    const char* expected;
  };
  for (const Case& c : {
           Case{"select :a", "select $1"},
           Case{"select :a::smallint", "select $1::smallint"},
           Case{"select x::int, :a", "select x::int, $1"},
           Case{"select ':a', \":a\", :a -- :a\n/* :a /* :a */ */",
                "select ':a', \":a\", $1 -- :a\n/* :a /* :a */ */"},
           Case{"select $$ :a $$, :a", "select $$ :a $$, $1"},
           Case{"select :a, :a+:a", "select $1, $1+$1"},
           Case{"select 'it''s :a', :a", "select 'it''s :a', $1"},
           Case{"values(:a)", "values($1)"},
       }) {
    EXPECT_EQ(Rewritten(c.sql, {"a"}), c.expected);
  }
}

TEST(Parameters, AreNumberedByFirstUse) {
  const auto out = RewriteParameters("select :b, :a, :b", {"a", "b"});
  ASSERT_TRUE(out);
  EXPECT_EQ(out->text, "select $1, $2, $1");
  EXPECT_EQ(out->order, (std::vector<size_t>{1, 0}));
}

TEST(Parameters, LeaveATextWithoutThemAlone) {
  EXPECT_EQ(Rewritten("select a[1:2], :x", {}), "select a[1:2], :x");
  EXPECT_EQ(Rewritten("select 'open :a", {"a"}), "select 'open :a");
}

TEST(Parameters, MustAllBeUsedAndKnown) {
  EXPECT_EQ(Rewritten("select :a", {"b"}), "refused: Cannot find parameter: a");
  EXPECT_EQ(Rewritten("select 1", {"b"}),
            "refused: Parameters list contains unused parameters. Unused parameters: [b]");
  EXPECT_EQ(Rewritten("select :a", {"a", "a"}), "refused: Duplicate parameter name: a");
  EXPECT_EQ(Rewritten("select :a, $1", {"a"}).substr(0, 7), "refused");
}

TEST(Parameters, LeadPositionsBackToTheOriginalText) {
  const std::string sql = "select :first, \xc3\xa9, :second x";
  const auto out = RewriteParameters(sql, {"first", "second"});
  ASSERT_TRUE(out);
  EXPECT_EQ(out->text, "select $1, \xc3\xa9, $2 x");
  EXPECT_EQ(out->OriginalPosition(0), 0u);
  EXPECT_EQ(out->OriginalPosition(1), 1u);
  EXPECT_EQ(out->OriginalPosition(8), 8u);  // $1 -> :first
  EXPECT_EQ(out->OriginalPosition(9), 8u);
  EXPECT_EQ(out->OriginalPosition(12), 16u);  // the letter behind it
  EXPECT_EQ(out->OriginalPosition(15), 19u);  // $2 -> :second
  EXPECT_EQ(out->OriginalPosition(18), 27u);  // x
}

}  // namespace
}  // namespace skep::redshift_data
