#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using CharacterTypes = FunctionsTest;

TEST_F(CharacterTypes, ExplicitCastsCutAtACharacter) {
  Check({{"rs_to_varchar('warehouse', 4)", "ware"},
         {"rs_to_varchar('aé', 2)", "a"},
         {"rs_to_varchar('aé', 3)", "aé"},
         {"rs_to_varchar('a€b', 3)", "a"},
         {"rs_to_varchar(123456, 3)", "123"},
         {"'[' || rs_to_varchar('ab   ', 4) || ']'", "[ab  ]"},
         {"'[' || rs_to_char_type('ab   ', 4) || ']'", "[ab]"},
         {"'[' || rs_to_char_type('ab  cd', 4) || ']'", "[ab]"},
         {"rs_to_char_type(2024, 2)", "20"},
         {"rs_to_varchar(null, 3)", "NULL"}});
}

TEST_F(CharacterTypes, AssignmentsRefuseWhatIsTooLong) {
  Check({{"rs_assign_varchar('abc', 3)", "abc"},
         {"'[' || rs_assign_varchar('abc   ', 4) || ']'", "[abc ]"},
         {"rs_assign_varchar('abcd', 3)", "ERROR value too long for type character varying(3)"},
         {"rs_assign_varchar('aé', 2)", "ERROR value too long for type character varying(2)"},
         {"rs_assign_varchar('abc  d', 3)", "ERROR value too long for type character varying(3)"},
         {"'[' || rs_assign_char('abc   ', 4) || ']'", "[abc]"},
         {"rs_assign_char('abcd', 3)", "ERROR value too long for type character(3)"},
         {"rs_assign_char('é', 3)",
          "ERROR Multibyte character not supported for CHAR (Hint: try using VARCHAR)"},
         {"rs_assign_char(12, 3)", "12"}});
}

TEST_F(CharacterTypes, PadForOutput) {
  Check({{"'[' || rs_pad('ab', 4) || ']'", "[ab  ]"},
         {"rs_pad('abcd', 4)", "abcd"},
         {"rs_to_hex(rs_pad('a', 3)::blob)", "612020"},
         {"rs_pad(null, 4)", "NULL"},
         {"length(rs_pad('a', 99999999999))", "16777216"},
         {"rs_to_varchar('ab', -1)", ""}});
}

TEST_F(CharacterTypes, WorkOnColumnsWithNulls) {
  Ask("create table t as select i, case when i % 5 = 0 then null "
      "else 'value with some length ' || i::varchar end s from range(5000) r(i)");
  EXPECT_EQ(Ask("select count(*), min(length(x)), max(length(x)) from "
                "(select rs_to_varchar(s, 25) x from t) where x is not null"),
            "4000|24|25");
  EXPECT_EQ(Ask("select count(rs_assign_varchar(s, 27)) from t"), "4000");
  EXPECT_EQ(Ask("select count(rs_assign_varchar(s, 26)) from t"),
            "ERROR value too long for type character varying(26)");
  EXPECT_EQ(Ask("select count(*) from t where rs_rtrim(rs_pad(s, 40)) = s"), "4000");
}

TEST_F(CharacterTypes, TextOfValuesIsPostgres) {
  Check({{"1::double::varchar", "1"},
         {"0.1::double::varchar", "0.1"},
         {"1e15::double::varchar", "1e+15"},
         {"123456789012345::double::varchar", "123456789012345"},
         {"1e-5::double::varchar", "1e-05"},
         {"0.1::float::varchar", "0.1"},
         {"16777216::float::varchar", "1.67772e+07"},
         {"'nan'::double::varchar", "NaN"},
         {"'-inf'::double::varchar", "-Infinity"},
         {"1.50::decimal(10,2)::varchar", "1.50"},
         {"true::varchar", "true"},
         {"date '2024-01-02'::varchar", "2024-01-02"},
         {"date '0044-03-15 BC'::varchar", "0044-03-15 BC"},
         {"timestamp '2024-01-02 03:04:05'::varchar", "2024-01-02 03:04:05"},
         {"timestamp '2024-01-02 03:04:05.120000'::varchar", "2024-01-02 03:04:05.12"},
         {"timestamptz '2024-01-02 03:04:05+00'::varchar", "2024-01-02 03:04:05+00"},
         {"time '03:04:05.5'::varchar", "03:04:05.5"},
         {"interval '14 months 3 days 4 hours'::varchar", "1 year 2 mons 3 days 04:00:00"},
         {"null::double::varchar", "NULL"}});
}

}  // namespace
}  // namespace skep::worker
