#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using Regexes = FunctionsTest;

TEST_F(Regexes, CountMatches) {
  Check({{"rs_regexp_count('one two three', '[a-z]+')", "3"},
         {"rs_regexp_count('aXbXc', 'x')", "0"},
         {"rs_regexp_count('aXbXc', 'x', 1, 'i')", "2"},
         {"rs_regexp_count('aXbXc', 'X', 3)", "1"},
         {"rs_regexp_count('äöü', '.')", "3"},
         // Before the text is its first character, behind it nothing.
         {"rs_regexp_count('aa', 'a', -4)", "2"},
         {"rs_regexp_count('aa', 'a', 3)", "0"},
         {"rs_regexp_count('abc', 'x*')", "4"},
         {"rs_regexp_count(1212, '2')", "2"},
         {"rs_regexp_count('a', null)", "NULL"}});
  EXPECT_EQ(TypeOf("rs_regexp_count('a', 'a')"), "INTEGER");
}

TEST_F(Regexes, FindPositions) {
  Check({{"rs_regexp_instr('größe 42', '[0-9]+')", "7"},
         {"rs_regexp_instr('größe 42', '[0-9]+', 1, 1, 1)", "9"},
         {"rs_regexp_instr('größe 42', '[0-9]', 1, 2)", "8"},
         {"rs_regexp_instr('größe 42', '[0-9]', 1, 3)", "0"},
         {"rs_regexp_instr('größe 42', 'x')", "0"},
         {"rs_regexp_instr('größe 42', 'E', 1, 1, 0, 'i')", "5"},
         // The first group in place of the match.
         {"rs_regexp_instr('key=value', '=(v.)', 1, 1, 0, 'e')", "5"},
         {"rs_regexp_instr('key=value', '=(v.)', 1, 1, 1, 'e')", "7"},
         {"rs_regexp_instr('key=value', '=v', 1, 1, 0, 'e')", "4"},
         {"rs_regexp_instr('aaa', 'a', 1, 0)", "0"},
         {"rs_regexp_instr('aaa', 'a', 1, 4)", "0"}});
}

TEST_F(Regexes, TakeParts) {
  Check({{"rs_regexp_substr('mail to ann@home.org', '[a-z]+@[a-z.]+')", "ann@home.org"},
         {"rs_regexp_substr('a1b22c333', '[0-9]+', 1, 2)", "22"},
         {"rs_regexp_substr('a1b22c333', '[0-9]+', 4)", "22"},
         {"rs_regexp_substr('a1b22c333', 'x')", ""},
         {"rs_regexp_substr('a1b22c333', '[0-9]+', 1, 4)", ""},
         {"rs_regexp_substr('ab', '[a-z]', 9)", ""},
         {"rs_regexp_substr('ab', '[a-z]', 1, 0)", "NULL"},
         {"rs_regexp_substr('ab', '[a-z]', 1, 3)", "NULL"},
         {"rs_regexp_substr('Dog cat dOG', 'dog', 1, 2, 'i')", "dOG"},
         {"rs_regexp_substr('id: 17, ID: 18', 'id: (\\w+)', 1, 2, 'ie')", "18"},
         {"rs_regexp_substr('id: 17', 'id: ([a-z]+)?', 1, 1, 'e')", ""},
         {"rs_regexp_substr('ab', 'a', 1, 1, 'q')",
          "ERROR invalid regular expression parameter: \"q\""}});
}

TEST_F(Regexes, ReplaceEveryMatch) {
  Check({{"rs_regexp_replace('a1b22', '[0-9]+')", "ab"},
         {"rs_regexp_replace('a1b22', '[0-9]+', '#')", "a#b#"},
         {"rs_regexp_replace('a1b22', '[0-9]+', '#', 3)", "a1b#"},
         {"rs_regexp_replace('a1b22', '[0-9]+', '#', 9)", "a1b22"},
         {"rs_regexp_replace('Red red', 'RED', 'x', 1, 'i')", "x x"},
         {"rs_regexp_replace('ann lee', '([a-z]+) ([a-z]+)', '$2, $1')", "lee, ann"},
         {"rs_regexp_replace('ann', '(n+)', '<\\1$0$$\\\\>')", "a<nnnn$\\>"},
         {"rs_regexp_replace('abc', 'b*', '-')", "-a--c-"},
         {"rs_regexp_replace('größe', 'x', 'y')", "größe"},
         {"rs_regexp_replace('a', 'a', null)", "NULL"},
         {"rs_regexp_replace(rs_repeat('a', 60000), 'a', rs_repeat('b', 1000))",
          "ERROR the result is too large: text has at most 16777216 bytes"}});
}

TEST_F(Regexes, PosixTakesTheLongestOfTheLeftmost) {
  Check({{"rs_regexp_substr('xyzzy', 'xy|xyz')", "xyz"},
         {"rs_regexp_substr('xyzzy', 'x(y|yz)(zzy|zy)?')", "xyzzy"},
         {"rs_regexp_substr('foobar', '(fo|foo)(bar|obar)?')", "foobar"},
         {"rs_regexp_replace('xyz', 'x*(xy)?z', '[$1]')", "[xy]"},
         {"rs_regexp_substr('aXbX', '.*?X')", "aXbX"},
         // Perl takes the first alternative, and knows lazy quantifiers.
         {"rs_regexp_substr('xyzzy', 'xy|xyz', 1, 1, 'p')", "xy"},
         {"rs_regexp_substr('aXbX', '.*?X', 1, 1, 'p')", "aX"}});
}

TEST_F(Regexes, PosixSyntaxIsItsOwn) {
  Check({{"rs_regexp_substr('a]b', '[]]b')", "]b"},
         {"rs_regexp_substr('a-b', '[^a-]')", "b"},
         {"rs_regexp_substr('x1.5', '[\\d.]+')", "1.5"},
         {"rs_regexp_substr('a\\b', '[\\\\]b')", "\\b"},
         {"rs_regexp_substr('tag_1 x', '\\w+')", "tag_1"},
         {"rs_regexp_substr('cafe', '[[:alpha:]]+')", "cafe"},
         {"rs_regexp_substr('a.b', '[[.full-stop.]]')",
          "ERROR invalid regular expression: invalid collating element: '[.full-stop.]'"},
         {"rs_regexp_substr('a.b', '[[...]]')", "."},
         {"rs_regexp_substr('a{b', 'a{')", "a{"},
         {"rs_regexp_substr('over there', '\\<t[a-z]+\\>')", "there"},
         {"rs_regexp_substr('abab', '(ab)\\1')", "abab"},
         // The dot matches a line's end, the dollar only the text's.
         {"rs_regex('a' || chr(10), '^a.$')", "true"},
         {"rs_regex('a' || chr(10), 'a$')", "false"},
         {"rs_regexp_substr('ab', '(?=a)')",
          "ERROR invalid regular expression: invalid preceding regular expression prior to "
          "repetition operator: '(?=a)'"},
         {"rs_regexp_substr('ab', 'a|*b')",
          "ERROR invalid regular expression: invalid preceding regular expression prior to "
          "repetition operator: 'a|*b'"},
         {"rs_regexp_substr('ab', '(a')",
          "ERROR invalid regular expression: parentheses () not balanced: '(a'"},
         {"rs_regexp_substr('ab', 'a)')",
          "ERROR invalid regular expression: parentheses () not balanced: 'a)'"},
         {"rs_regexp_substr('ab', '[a')",
          "ERROR invalid regular expression: brackets [] not balanced: '[a'"},
         {"rs_regexp_substr('ab', 'a\\')",
          "ERROR invalid regular expression: invalid escape \\ sequence: 'a\\'"}});
}

TEST_F(Regexes, PerlSyntaxOnRequest) {
  Check({{"rs_regexp_substr('x1 2y', '(?<= )[0-9]y', 1, 1, 'p')", "2y"},
         {"rs_regexp_count('ab1 cd e2', '(?=[^ ]*[0-9])[^ ]+', 1, 'p')", "2"},
         {"rs_regexp_count('ab1 CD2 e', '(?=[^ ]*[0-9])[a-z0-9]+', 1, 'ip')", "2"},
         {"rs_regexp_substr('foobar', 'foo\\Kbar', 1, 1, 'p')", "bar"}});
  // A byte of a character would be no text.
  EXPECT_TRUE(Ask("select rs_regexp_substr('é', '\\C', 1, 1, 'p')").starts_with("ERROR"));
}

TEST_F(Regexes, OperatorsSearchAnywhere) {
  Check({{"rs_regex('warehouse', 'h.u')", "true"},
         {"rs_regex('warehouse', '^h')", "false"},
         {"rs_regex('WAREHOUSE', 'house')", "false"},
         {"rs_iregex('WAREHOUSE', 'house')", "true"},
         {"rs_regex(2024, '^20')", "true"},
         {"rs_regex(null, 'a')", "NULL"}});
}

TEST_F(Regexes, SimilarToMatchesTheWholeText) {
  Check({{"rs_similar('abc', 'abc')", "true"},
         {"rs_similar('abc', 'a')", "false"},
         {"rs_similar('abc', '_b%')", "true"},
         {"rs_similar('abc', '(ab|x)c?')", "true"},
         {"rs_similar('abc', 'x|abc')", "true"},
         {"rs_similar('abcx', 'abc|x')", "false"},
         {"rs_similar('abab', '(ab){2}')", "true"},
         {"rs_similar('b7', '[a-c][[:digit:]]')", "true"},
         {"rs_similar('a.b', 'a.b')", "true"},
         {"rs_similar('axb', 'a.b')", "false"},
         {"rs_similar('^a$', '^a$')", "true"},
         {"rs_similar('100%', '100\\%')", "true"},
         {"rs_similar('1000', '100\\%')", "false"},
         {"rs_similar('a_b', 'a!_b', '!')", "true"},
         {"rs_similar('axb', 'a!_b', '!')", "false"},
         {"rs_similar('a\\b', 'a\\b', '')", "true"},
         {"rs_similar('a', 'a', 'xy')",
          "ERROR invalid escape string: it must be empty or one character"}});
}

TEST_F(Regexes, HoldOutAgainstHostilePatterns) {
  EXPECT_EQ(Ask("select rs_regex(rs_repeat('a', 3000) || '!', '(a+)+$')"),
            "ERROR regular expression failed: match limit exceeded");
  EXPECT_TRUE(Ask("select rs_regex('a', '((((a{1000}){1000}){1000}))')").starts_with("ERROR"));
  EXPECT_TRUE(Ask("select rs_regex('a', rs_repeat('(', 1000) || rs_repeat(')', 1000))")
                  .starts_with("ERROR"));
  EXPECT_TRUE(Ask("select rs_regex('a', 'a' || rs_repeat('*', 60000))").starts_with("ERROR"));
  EXPECT_TRUE(Ask("select rs_regexp_count('a', '(?R)', 1, 'p')").starts_with("ERROR"));
  EXPECT_EQ(Ask("select rs_regex(rs_repeat('a', 65536), 'a')"),
            "ERROR the text for a regular expression is too large: at most 65535 bytes");
  // Short texts are decided even where trying one branch after the other would take for ever.
  EXPECT_EQ(Ask("select rs_regex('aaaaaaaaaaaaaaaaaaaaaaaaaaaa!', '^(a|a|aa)+$')"), "false");
}

TEST_F(Regexes, WorkOnColumnsAndPatternsThatDiffer) {
  Ask("create table t as select i, case when i % 5 = 0 then null else 'item ' || i::varchar end s, "
      "'[' || (i % 40)::varchar || ']+$' p from range(5000) r(i)");
  EXPECT_EQ(
      Ask("select count(*), count(s) from t where rs_regexp_substr(s, '[0-9]+') = i::varchar"),
      "4000|4000");
  EXPECT_EQ(Ask("select sum(rs_regexp_count(s, '[0-9]')) = sum(length(i::varchar)) from t "
                "where s is not null"),
            "true");
  EXPECT_EQ(Ask("select count(*) from t where rs_regexp_replace(s, 'item (.)', '$1') = i::varchar"),
            "4000");
  EXPECT_EQ(Ask("select count(*) filter (where rs_regex(s, p) <> "
                "(regexp_matches(s, p))) from t"),
            "0");
  EXPECT_EQ(Ask("select count(*) from t where rs_similar(s, 'item [0-9]+') is null"), "1000");
}

class Likes : public Regexes {};

TEST_F(Likes, EscapeWithBackslashUnlessToldOtherwise) {
  Check({{"rs_like('a_b', 'a\\_b')", "true"},
         {"rs_like('axb', 'a\\_b')", "false"},
         {"rs_like('axb', 'a_b')", "true"},
         {"rs_like('aéb', 'a_b')", "true"},
         {"rs_like('50%', '%\\%')", "true"},
         {"rs_like('50% off', '%\\%')", "false"},
         {"rs_like('a\\b', 'a\\\\b')", "true"},
         {"rs_like('a_b', 'a^_b', '^')", "true"},
         {"rs_like('a\\_b', 'a\\_b', '')", "true"},
         {"rs_like('a_x_b', '%\\_%\\_b')", "true"},
         {"rs_like('ab', '%\\_%')", "false"},
         {"rs_like('xaxaxb', '%a_\\b')", "true"},
         {"rs_like('abcab', 'ab%\\ab')", "true"},
         {"rs_like('ab', 'ab%\\ab')", "false"},
         // Unlike comparisons, blanks count.
         {"rs_like('a ', '\\a')", "false"},
         {"rs_like('a ', 'a')", "false"},
         {"rs_like(1234, '12%')", "true"},
         {"rs_like(null, 'a')", "NULL"},
         {"rs_like('a', 'a\\')", "ERROR LIKE pattern must not end with escape character"},
         {"rs_like('a', 'a', 'ab')",
          "ERROR invalid escape string: it must be empty or one character"}});
}

TEST_F(Likes, IgnoreTheCaseOfAsciiLettersOnly) {
  Check({{"rs_ilike('WareHouse', 'wARE%')", "true"},
         {"rs_ilike('WareHouse', '%HOUSE')", "true"},
         {"rs_ilike('WareHouse', '%eh_us_')", "true"},
         {"rs_ilike('É', 'é')", "false"},
         {"rs_ilike('A_B', 'a\\_b')", "true"},
         {"rs_ilike('AXB', 'a\\_b')", "false"},
         {"rs_ilike('a', 'A', '')", "true"}});
}

TEST_F(Likes, PlainPatternsAreTheEnginesOwn) {
  Ask("create table t as select case when i % 5 = 0 then null else 'item_' || i::varchar end s, "
      "case when i % 2 = 0 then '%\\_1%' else '%2' end p from range(5000) r(i)");
  EXPECT_EQ(Ask("explain select * from t where rs_like(s, 'it%m%')"),
            Ask("explain select * from t where s like 'it%m%'"));
  EXPECT_EQ(Ask("select count(*) from t where rs_like(s, '%\\_1%')"),
            Ask("select count(*) from t where contains(s, '_1')"));
  EXPECT_EQ(Ask("select count(*) from t where rs_like(s, p)"),
            Ask("select count(*) from t where s like p escape '\\'"));
}

}  // namespace
}  // namespace skep::worker
