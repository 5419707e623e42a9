#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

class Varbyte : public FunctionsTest {
 protected:
  void Check(std::initializer_list<Row> rows) {
    for (const auto& row : rows) {
      const std::string answer = Ask(std::string("select ") + row.expression);
      // A cast's error shows the place, too.
      EXPECT_EQ(answer.substr(0, answer.find("\n\nLINE ")), row.value) << row.expression;
    }
  }
};

TEST_F(Varbyte, ReadsAndPrintsItsFormats) {
  Check({{"rs_to_hex(rs_from_hex('00fFa0'))", "00ffa0"},
         {"rs_to_hex(rs_from_hex('fff'))", "0fff"},
         {"rs_to_hex(rs_from_hex(''))", ""},
         {"rs_from_varbyte(rs_from_hex('a5'), 'BINARY')", "10100101"},
         {"rs_from_varbyte('hello', 'hex')", "68656c6c6f"},
         {"rs_from_varbyte(rs_from_hex('c3a9'), 'Utf-8')", "é"},
         {"rs_to_hex(rs_to_varbyte('101', 'binary'))", "05"},
         {"rs_to_hex(rs_to_varbyte('100000001', 'binary'))", "0101"},
         {"rs_to_hex(rs_to_varbyte('é', 'utf8'))", "c3a9"},
         {"rs_to_hex(rs_to_varbyte('abc', 'hex'))", "0abc"},
         {"rs_to_varbyte(null, 'hex')", "NULL"},
         {"rs_from_hex('0x1')", "ERROR invalid hexadecimal digit: \"x\""},
         {"rs_from_hex('é')", "ERROR invalid hexadecimal digit: \"é\""},
         {"rs_to_varbyte('012', 'binary')", "ERROR invalid binary digit: \"2\""},
         {"rs_from_varbyte(rs_from_hex('ff'), 'utf8')",
          "ERROR invalid byte sequence for encoding UTF8"},
         {"rs_to_varbyte('1', 'base64')",
          "ERROR invalid format \"base64\": it must be hex, binary, utf8 or utf-8"}});
  EXPECT_EQ(TypeOf("rs_from_hex('00')"), "BLOB");
}

TEST_F(Varbyte, PrintsNumbersInHexadecimal) {
  Check({{"rs_to_hex(255)", "ff"},
         {"rs_to_hex(0)", "0"},
         {"rs_to_hex(-1)", "ffffffff"},
         {"rs_to_hex((-1)::bigint)", "ffffffffffffffff"},
         {"rs_to_hex((-1)::smallint)", "ffffffff"},
         {"rs_to_hex('xyz')", "78797a"}});
}

TEST_F(Varbyte, CountsBitsFromTheRight) {
  Check({{"rs_getbit(rs_from_hex('8001'), 0)", "1"},
         {"rs_getbit(rs_from_hex('8001'), 1)", "0"},
         {"rs_getbit(rs_from_hex('8001'), 15)", "1"},
         {"rs_getbit(rs_from_hex('8001'), 16)", "ERROR index 16 out of valid range, 0..15"},
         {"rs_getbit(rs_from_hex('8001'), -1)", "ERROR index -1 out of valid range, 0..15"},
         {"rs_get_byte('AZ', 1)", "90"},
         {"rs_get_byte('AZ', 2)", "ERROR index 2 out of valid range, 0..1"},
         {"rs_to_hex(rs_set_byte('AZ', 0, 255))", "ff5a"},
         {"rs_to_hex(rs_set_bit('AZ', 9, 0))", "4158"},
         {"rs_to_hex(rs_set_bit('AZ', 8, 1))", "415b"},
         {"rs_set_bit('AZ', 0, 2)", "ERROR new bit must be 0 or 1"},
         {"rs_set_bit('', 0, 1)", "ERROR index 0 out of valid range, 0..-1"}});
}

TEST_F(Varbyte, HasOperators) {
  Check({{"rs_to_hex('x'::blob || 'y'::blob)", "7879"},
         {"rs_to_hex('x'::blob + 'y'::blob)", "7879"},
         {"rs_to_hex('x'::blob + 'y')", "7879"},
         {"rs_to_hex(~rs_from_hex('0f01'))", "f0fe"},
         {"rs_to_hex(rs_from_hex('0f') & rs_from_hex('3c'))", "0c"},
         {"rs_to_hex(rs_from_hex('0f') | rs_from_hex('3c'))", "3f"},
         {"rs_to_hex(xor(rs_from_hex('0f'), rs_from_hex('3c')))", "33"},
         {"rs_from_hex('0f') < rs_from_hex('10')", "true"},
         {"rs_from_hex('0f') + null", "NULL"},
         {"rs_from_hex('0f') & rs_from_hex('0f0f')",
          "ERROR cannot combine the bits of VARBYTE values of different sizes"}});
}

TEST_F(Varbyte, LeavesTheEnginesOperatorsAsTheyAre) {
  Check({{"6 & 3", "2"},
         {"6 | 3", "7"},
         {"~6", "-7"},
         {"xor(6, 3)", "5"},
         {"6 + 3", "9"},
         {"1.5 + 2", "3.5"},
         {"date '2024-01-01' + 1", "2024-01-02"},
         {"1 + '2'::integer", "3"}});
}

TEST_F(Varbyte, CastsTextAndIntegers) {
  Check({{"rs_to_hex('é\\x41'::blob)", "c3a95c783431"},
         {"rs_from_hex('c3a9')::varchar", "é"},
         {"rs_to_hex(258::smallint::blob)", "0102"},
         {"rs_to_hex(258::blob)", "00000102"},
         {"rs_to_hex(258::bigint::blob)", "0000000000000102"},
         {"rs_to_hex((-2)::smallint::blob)", "fffe"},
         {"rs_from_hex('fffe')::smallint", "-2"},
         {"rs_from_hex('0102')::integer", "258"},
         {"rs_from_hex('0102')::bigint", "258"},
         {"rs_from_hex('ff')::varchar", "ERROR invalid byte sequence for encoding UTF8"},
         {"rs_from_hex('c080')::varchar", "ERROR invalid byte sequence for encoding UTF8"},
         {"rs_from_hex('eda080')::varchar", "ERROR invalid byte sequence for encoding UTF8"},
         {"try_cast(rs_from_hex('ff') as varchar)", "NULL"},
         {"rs_from_hex('010203')::smallint",
          "ERROR VARBYTE value is out of range for the integer type"},
         {"null::blob::varchar", "NULL"}});
}

TEST_F(Varbyte, WorksOnColumnsWithNulls) {
  Ask("create table t as select i, case when i % 5 = 0 then null else i::blob end b "
      "from range(5000) r(i)");
  EXPECT_EQ(Ask("select count(*) from t where rs_strtol(rs_to_hex(b), 16) = i"), "4000");
  EXPECT_EQ(Ask("select count(*) from t where b::bigint = i and rs_length(b) = 8"), "4000");
  EXPECT_EQ(Ask("select count(*) from t where rs_getbit(b, 0) = i % 2"), "4000");
  EXPECT_EQ(Ask("select count(*) from t where ~(~b) = b"), "4000");
  EXPECT_EQ(Ask("select count(*) from t where b is null"), "1000");
}

}  // namespace
}  // namespace skep::worker
