#include "sql/lexer.h"

#include <gtest/gtest.h>

namespace skep::sql {
using namespace thin;
namespace {

struct Case {
  const char* text;
  TokenKind kind;
  const char* value;
};

TEST(Tokenize, ReadsEachFormOfAToken) {
  const Case cases[] = {
      {"SELECT", TokenKind::kWord, "select"},
      {"#temp", TokenKind::kWord, "#temp"},
      {"a$1", TokenKind::kWord, "a$1"},
      {"\xc3\xa9t\xc3\xa9", TokenKind::kWord, "\xc3\xa9t\xc3\xa9"},
      {"\"A\"\"b\"", TokenKind::kQuotedName, "A\"b"},
      {"'it''s'", TokenKind::kString, "it's"},
      {"'a\\n'", TokenKind::kString, "a\\n"},
      {"E'a\\n\\''", TokenKind::kString, "a\n'"},
      {"$$it's$$", TokenKind::kString, "it's"},
      {"$q$ $$ $q$", TokenKind::kString, " $$ "},
      {"$12", TokenKind::kParameter, "12"},
      {"1.5e-3", TokenKind::kNumber, "1.5e-3"},
      {".5", TokenKind::kNumber, ".5"},
      {"::", TokenKind::kOperator, "::"},
      {"<>", TokenKind::kOperator, "<>"},
      {"!~*", TokenKind::kOperator, "!~*"},
      {"||", TokenKind::kOperator, "||"},
  };
  for (const auto& c : cases) {
    const auto tokens = Tokenize(c.text);
    ASSERT_TRUE(tokens) << c.text;
    ASSERT_EQ(tokens->size(), 2u) << c.text;
    EXPECT_EQ(tokens->front().kind, c.kind) << c.text;
    EXPECT_EQ(tokens->front().value, c.value) << c.text;
    EXPECT_EQ(tokens->front().text, c.text);
  }
}

TEST(Tokenize, RefusesWhatIsCutShortAndSaysWhere) {
  struct {
    const char* text;
    uint32_t position;
  } const cases[] = {{"\xc3\xa9 'a", 3}, {"\"a", 1},    {"1 /* /* */", 3}, {"$q$ $r$", 1},
                     {"E'a\\", 1},       {"a \"\"", 3}, {"1a", 2},         {"E'\\x41'", 3}};
  for (const auto& c : cases) {
    const auto tokens = Tokenize(c.text);
    ASSERT_FALSE(tokens) << c.text;
    EXPECT_EQ(tokens.error().kind, ErrorKind::kSyntaxError) << c.text;
    EXPECT_EQ(tokens.error().position, c.position) << c.text;
  }
}

// Every prefix of a statement with all forms is read or refused, and no token leaves the text.
TEST(Tokenize, EndsOnEveryPrefix) {
  const std::string all =
      "select E'a\\'b', $q$x$q$, \"n\"\"m\", 'o''p', $1, 1.5e3, a::b /* c /* d */ */ -- e\n from "
      "#t where x<-1 and y!~*'z'";
  for (size_t n = 0; n <= all.size(); n++) {
    const auto tokens = Tokenize(std::string_view(all).substr(0, n));
    if (!tokens) continue;
    for (const auto& t : *tokens) EXPECT_LE(t.offset + t.text.size(), n);
  }
}

}  // namespace
}  // namespace skep::sql
