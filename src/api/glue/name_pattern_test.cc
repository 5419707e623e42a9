#include "api/glue/name_pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace skep::glue {
namespace {

bool Matches(std::string_view pattern, std::string_view name) {
  const auto compiled = NamePattern::Compile(pattern);
  EXPECT_TRUE(compiled) << pattern << ": " << (compiled ? "" : compiled.error().message);
  return compiled && compiled->Matches(name);
}

TEST(NamePattern, MatchesWholeNames) {
  struct Case {
    const char *pattern, *name;
    bool matches;
  };
  for (const Case& c : {Case{"t[0-2]", "t1", true},
                        {"t[0-2]", "t3", false},
                        {"t", "tt", false},
                        {".*", "", true},
                        {"a*", "aaa", true},
                        {"a+b", "b", false},
                        {"a?b", "b", true},
                        {"(ab|cd)+x", "abcdx", true},
                        {"(ab|cd)+x", "abcx", false},
                        {"a|b|c", "c", true},
                        {"a|b*", "bbb", true},
                        {"a|b*", "ab", false},
                        {"^sales_\\d+$", "sales_12", true},
                        {"sales_\\d+", "sales_", false},
                        {"[^a-c]x", "dx", true},
                        {"[^a-c]x", "ax", false},
                        {"a\\.b", "a.b", true},
                        {"a\\.b", "axb", false},
                        {"(?:x(y|z)*)?w", "xyzyw", true},
                        {"(?:x(y|z)*)?w", "w", true},
                        {"\\w+_(eu|us)_.*", "orders_us_2024", true},
                        {"[]a]+", "]a", true},
                        {"(a|(b|c)*)d", "bcbd", true},
                        {"((a)*)*", "aaaa", true}}) {
    EXPECT_EQ(Matches(c.pattern, c.name), c.matches) << c.pattern << " ~ " << c.name;
  }
}

TEST(NamePattern, RefusesWhatItCannotRun) {
  for (const char* pattern :
       {"(", ")", "a)", "[", "[a", "*", "+a", "a{2}", "(?=a)", "\\1", "\\", "a^b", "[z-a]"}) {
    EXPECT_FALSE(NamePattern::Compile(pattern)) << pattern;
  }
  EXPECT_FALSE(NamePattern::Compile(std::string(500, '(') + std::string(500, ')')));
}

TEST(NamePattern, IsLinearInHostilePatterns) {
  std::string pattern;
  for (int i = 0; i < 60; i++) pattern += "(a*)*";
  EXPECT_FALSE(Matches(pattern + "b", std::string(255, 'a')));
}

}  // namespace
}  // namespace skep::glue
