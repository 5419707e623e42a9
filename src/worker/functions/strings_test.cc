#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

class Strings : public FunctionsTest {
 protected:
  // More rows than a vector has, every fifth NULL, characters of two bytes among them.
  void FillTable() {
    Ask("create table t as select i, case when i % 5 = 0 then null "
        "else 'row ö ' || i::varchar || '  ' end as s from range(5000) r(i)");
  }
};

TEST_F(Strings, CountCharactersAndBytes) {
  Check({{"rs_length('größe')", "5"},
         {"rs_octet_length('größe')", "7"},
         {"rs_length('tail   ')", "7"},
         {"rs_length('')", "0"},
         {"rs_length(null)", "NULL"},
         // Other types count as their text, VARBYTE as its bytes.
         {"rs_length(-1234)", "5"},
         {"rs_length(1.50)", "4"},
         {"rs_length(date '2024-02-29')", "10"},
         {"rs_length('größe'::blob)", "7"},
         {"rs_octet_length('größe'::blob)", "7"}});
  EXPECT_EQ(TypeOf("rs_length('x')"), "INTEGER");
  EXPECT_TRUE(Ask("select rs_length([1])").starts_with("ERROR No function matches"));
}

TEST_F(Strings, TakePartsByCharacter) {
  Check({{"rs_substring('Straßenbahn', 4, 3)", "aße"},
         {"rs_substring('Straßenbahn', 7)", "nbahn"},
         {"rs_substring('tramway', 5, 100)", "way"},
         // A start before the first character takes from the length.
         {"rs_substring('tramway', -1, 4)", "tr"},
         {"rs_substring('tramway', 0, 2)", "t"},
         {"rs_substring('tramway', -5, 4)", ""},
         {"rs_substring('tramway', 9, 4)", ""},
         {"rs_substring('tramway', -9223372036854775808, 9223372036854775807)", ""},
         {"rs_substring('tramway', 2, 9223372036854775807)", "ramway"},
         {"rs_substring(12345, 2, 3)", "234"},
         {"rs_substring('tramway', null, 3)", "NULL"},
         {"rs_to_hex(rs_substring('xyz'::blob, 2))", "797a"},
         {"rs_to_hex(rs_substring('xyz'::blob, -1, 3))", "78"},
         {"rs_left('größe', 3)", "grö"},
         {"rs_left('ab', 5)", "ab"},
         {"rs_right('größe', 3)", "öße"},
         {"rs_right('ab', 5)", "ab"},
         {"rs_right('ab', 0)", ""},
         {"rs_substring('ab', 1, -1)", "ERROR negative substring length not allowed"},
         {"rs_left('ab', -1)", "ERROR negative substring length not allowed"},
         {"rs_right('ab', -1)", "ERROR negative substring length not allowed"}});
  EXPECT_EQ(TypeOf("rs_substring('a'::blob, 1)"), "BLOB");
}

TEST_F(Strings, TrimBlanksOrAnyOfTheCharactersNamed) {
  Check({{"'[' || rs_btrim('  a b  ') || ']'", "[a b]"},
         {"'[' || rs_ltrim('  a  ') || ']'", "[a  ]"},
         {"'[' || rs_rtrim('  a  ') || ']'", "[  a]"},
         // Blanks are U+0020 alone.
         {"rs_length(rs_btrim(chr(9) || 'a' || chr(160)))", "3"},
         {"rs_btrim('abcXcba', 'abc')", "X"},
         {"rs_ltrim('2024-03-05', '0-24')", "3-05"},
         {"rs_rtrim('ößx', 'xß')", "ö"},
         {"rs_btrim('aaa', 'a')", ""},
         {"rs_btrim('aaa', '')", "aaa"},
         {"rs_btrim(1001, '1')", "00"},
         {"rs_btrim('a', null)", "NULL"}});
}

TEST_F(Strings, PadToALengthInCharacters) {
  Check({{"rs_lpad('ab', 5)", "   ab"},
         {"'[' || rs_rpad('ab', 4) || ']'", "[ab  ]"},
         {"rs_lpad('ab', 7, 'xyz')", "xyzxyab"},
         {"rs_rpad('ab', 7, 'xyz')", "abxyzxy"},
         {"rs_lpad('é', 4, 'üx')", "üxüé"},
         // Too long a text loses its end on either side.
         {"rs_lpad('abcdef', 3)", "abc"},
         {"rs_rpad('abcdef', 3)", "abc"},
         {"rs_lpad('abc', -1)", ""},
         {"rs_lpad('abc', 5, '')", "abc"},
         {"rs_rpad(7, 3, '0')", "700"},
         {"rs_lpad('a', 99999999999)",
          "ERROR the result is too large: text has at most 16777216 bytes"}});
}

TEST_F(Strings, RepeatAndReplaceUpToALimit) {
  Check({{"rs_repeat('ab', 3)", "ababab"},
         {"rs_repeat(12, 2)", "1212"},
         {"rs_repeat('ab', 0)", ""},
         {"rs_repeat('ab', -3)", ""},
         {"rs_repeat('', 99999999999)", ""},
         {"rs_repeat('ab', 8388609)",
          "ERROR the result is too large: text has at most 16777216 bytes"},
         {"length(rs_repeat('ab', 8388608))", "16777216"},
         {"rs_replace('banana', 'an', 'o')", "booa"},
         {"rs_replace('banana', 'x', 'o')", "banana"},
         {"rs_replace('banana', '', 'o')", "banana"},
         {"rs_replace('banana', 'a', '')", "bnn"},
         {"rs_replace('aaa', 'aa', 'b')", "ba"},
         {"rs_replace('banana', 'a', null)", "NULL"},
         {"rs_replace(rs_repeat('a', 10000), 'a', rs_repeat('b', 10000))",
          "ERROR the result is too large: text has at most 16777216 bytes"}});
}

TEST_F(Strings, ReverseAndCapitalise) {
  Check({{"rs_reverse('größe')", "eßörg"},
         {"rs_reverse(120)", "021"},
         {"rs_reverse(date '2024-05-06')", "60-50-4202"},
         {"rs_reverse('')", ""},
         {"rs_initcap('old-town ROAD')", "Old-Town Road"},
         {"rs_initcap('a_b@c.d 4th')", "A_B@C.D 4th"},
         {"rs_initcap('ÉTÉ à östersund')", "Été À Östersund"},
         {"rs_initcap('tab' || chr(9) || 'new' || chr(10) || 'line')", "Tab\tNew\nLine"}});
}

TEST_F(Strings, FindPositions) {
  Check({{"rs_strpos('größer', 'er')", "5"},
         {"rs_strpos('größer', 'x')", "0"},
         {"rs_strpos('größer', '')", "1"},
         {"rs_strpos(1234.50, '.')", "5"},
         {"rs_strpos(null, 'x')", "NULL"},
         {"rs_octetindex('er', 'größer')", "7"},
         {"rs_octetindex('x', 'größer')", "0"}});
  EXPECT_EQ(TypeOf("rs_strpos('a', 'a')"), "INTEGER");
}

TEST_F(Strings, CompareByBytesWithoutTrailingBlanks) {
  Check({{"rs_bpcharcmp('ant', 'bee')", "-1"},
         {"rs_bpcharcmp('bee', 'ant')", "1"},
         {"rs_bpcharcmp('bee', 'bee  ')", "0"},
         {"rs_bpcharcmp('é', 'z')", "1"},
         {"rs_bpcharcmp('a', null)", "NULL"}});
}

TEST_F(Strings, MakeCharactersOfAsciiOnly) {
  Check({{"rs_chr(65)", "A"},
         {"rs_chr(128)", "NULL"},
         {"rs_chr(-1)", "NULL"},
         {"rs_length(rs_chr(0))", "1"},
         {"ascii(rs_text('éa'))", "233"},
         {"ascii('')", "0"}});
}

TEST_F(Strings, SplitAtDelimiters) {
  Check({{"rs_split_part('a--b--c', '--', 2)", "b"},
         {"rs_split_part('a--b--c', '--', 3)", "c"},
         {"rs_split_part('a--b--c', '--', 4)", ""},
         {"rs_split_part('abc', '-', 1)", "abc"},
         {"rs_split_part('abc', '', 1)", "abc"},
         {"rs_split_part('abc', '', 2)", ""},
         {"rs_split_part('-a', '-', 1)", ""},
         {"rs_split_part(timestamp '2024-07-08 09:10:11', '-', 2)", "07"},
         {"rs_split_part('a', '-', 0)", "ERROR field position must be greater than zero"}});
}

TEST_F(Strings, ReadNumbersInAnyBase) {
  Check({{"rs_strtol('0x1F', 16)", "31"},
         {"rs_strtol('zz', 36)", "1295"},
         {"rs_strtol('  +101', 2)", "5"},
         {"rs_strtol('-8000000000000000', 16)", "-9223372036854775808"},
         {"rs_strtol('', 10)", "0"},
         {"rs_strtol(rs_chr(0) || '5', 10)", "0"},
         {"rs_strtol('8', 8)", "ERROR The input 8 is not valid to be converted to base 8"},
         {"rs_strtol('-', 10)", "ERROR The input - is not valid to be converted to base 10"},
         {"rs_strtol('8000000000000000', 16)",
          "ERROR value \"8000000000000000\" is out of range for type bigint"},
         {"rs_strtol('1', 37)", "ERROR base 37 is out of range: it must be between 2 and 36"}});
}

TEST_F(Strings, TranslateCharacterByCharacter) {
  Check({{"translate('soft bed', 'ofbe', 'ALd')", "sALt dd"},
         {"translate('a.b c', ' .', '_')", "ab_c"},
         {"translate(rs_text(101), '0', 'o')", "1o1"}});
}

TEST_F(Strings, WorkOnColumnsWithNulls) {
  FillTable();
  EXPECT_EQ(Ask("select count(rs_length(s)), sum(rs_length(s)) = sum(length(s)) from t"),
            "4000|true");
  EXPECT_EQ(Ask("select count(*) from t where rs_substring(s, 5, 1) = 'ö'"), "4000");
  EXPECT_EQ(Ask("select count(*) from t where rs_strpos(s, 'ö') = 5"), "4000");
  EXPECT_EQ(Ask("select count(*) from t where rs_reverse(rs_reverse(s)) = s"), "4000");
  EXPECT_EQ(Ask("select count(*) from t where rs_rtrim(s) || '  ' = s"), "4000");
  EXPECT_EQ(Ask("select count(*) from t where rs_split_part(s, ' ', 3) = i::varchar"), "4000");
  EXPECT_EQ(Ask("select count(*) from t where rs_lpad(s, 30) like '%row ö%'"), "4000");
  EXPECT_EQ(Ask("select count(rs_repeat('x', i)), max(length(rs_repeat('x', i))) from t"),
            "5000|4999");
  // Results that point into their argument outlive it.
  EXPECT_EQ(Ask("select max(rs_substring(s || 'a text longer than twelve', 5, 40)) from t"),
            "ö 999  a text longer than twelve");
  EXPECT_EQ(Ask("select count(distinct x) from (select rs_left(s || i::varchar, 20) x from t)"),
            "4000");
}

TEST_F(Strings, SoundAsAmericansSpell) {
  Check({{"rs_soundex('Robert')", "R163"},
         {"rs_soundex('Rupert')", "R163"},
         // H and W do not part letters of the same sound, vowels do.
         {"rs_soundex('Ashcroft')", "A261"},
         {"rs_soundex('Tymczak')", "T522"},
         {"rs_soundex('Pfister')", "P236"},
         {"rs_soundex('a')", "A000"},
         {"rs_soundex('1 é-')", ""},
         {"rs_soundex(null)", "NULL"},
         {"rs_difference('Robert', 'Rupert')", "4"},
         {"rs_difference('Robert', 'Rubin')", "2"},
         {"rs_difference('Robert', '123')", "0"},
         {"rs_difference('456', '123')", "1"}});
}

TEST_F(Strings, QuoteNamesWhereNeededAndLiteralsAlways) {
  Check({{"rs_quote_ident('plain_1')", "plain_1"},
         {"rs_quote_ident('Mixed')", "\"Mixed\""},
         {"rs_quote_ident('1st')", "\"1st\""},
         {"rs_quote_ident('two words')", "\"two words\""},
         {"rs_quote_ident('say \"x\"')", "\"say \"\"x\"\"\""},
         {"rs_quote_ident('table')", "\"table\""},
         {"rs_quote_ident('')", "\"\""},
         {"rs_quote_literal('it''s')", "'it''s'"},
         {"rs_quote_literal('a\\b')", "'a\\\\b'"},
         {"rs_quote_literal(10)", "'10'"}});
}

TEST_F(Strings, ConcatenateTheTextOfAnything) {
  Check({{"'a' || 1 || 2.50 || true", "a12.50true"},
         {"'a' || 1.0::double || '/' || 1e20::double || '/' || 0.1::float", "a1/1e+20/0.1"},
         {"'a' || date '2024-01-02' || timestamp '2024-01-02 03:04:05.600'",
          "a2024-01-022024-01-02 03:04:05.6"},
         {"'a' || timestamptz '2024-01-02 03:04:05+00'", "a2024-01-02 03:04:05+00"},
         {"'a' || null", "NULL"},
         {"rs_to_hex('a'::blob || 'b'::blob)", "6162"}});
}

TEST_F(Strings, CollationFoldsCase) {
  Ask("create table names as select * from (values ('John'), ('JOHN'), ('jane')) v(n)");
  EXPECT_EQ(Ask("select count(*) from names where n = 'john'"), "0");
  EXPECT_EQ(Ask("select count(*) from names where rs_collate(n, 'case_insensitive') = 'john'"),
            "2");
  EXPECT_EQ(Ask("select count(*) from names where rs_collate(n, 'cs') = 'John'"), "1");
  EXPECT_EQ(Ask("select count(*) from names where rs_like(rs_collate(n, 'ci'), 'JO%')"), "2");
  EXPECT_EQ(Ask("select count(*) from names where rs_like(rs_collate(n, 'ci'), 'J\\O%')"), "2");
  EXPECT_EQ(Ask("select count(*) from (select 1 from names group by rs_collate(n, 'ci'))"), "2");
  EXPECT_EQ(Ask("select count(*) from names where rs_left(rs_collate(n, 'ci'), 2) = 'JO'"), "2");
  EXPECT_EQ(Ask("select max(n) from names where rs_collate(n, 'ci') = 'JANE'"), "jane");
  EXPECT_TRUE(Ask("select rs_collate('a', 'german')").starts_with("ERROR collation \"german\""));
  EXPECT_TRUE(Ask("select rs_collate(n, n) from names").starts_with("ERROR the name of a"));
}

}  // namespace
}  // namespace skep::worker
