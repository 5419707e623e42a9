#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using SuperInformation = FunctionsTest;

TEST_F(SuperInformation, NamesTheKind) {
  EXPECT_EQ(
      Ask("select rs_json_typeof(rs_array()), rs_json_typeof(rs_object()), "
          "rs_json_typeof(1::super), rs_json_typeof('1'::super), rs_json_typeof(true::super), "
          "rs_json_typeof(null)"),
      "array|object|number|string|boolean|null");
}

TEST_F(SuperInformation, TestsKinds) {
  Ask("create table v as select * from (values (1, rs_array()), (2, rs_object()), (3, 'é'::super), "
      "(4, 'e'::super), (5, true::super), (6, null)) t(i, s)");
  EXPECT_EQ(Ask("select rs_is_array(s), rs_is_object(s), rs_is_scalar(s), rs_is_varchar(s), "
                "rs_is_char(s), rs_is_boolean(s) from v order by i"),
            "true|false|false|false|false|false ; false|true|false|false|false|false ; "
            "false|false|true|true|false|false ; false|false|true|true|true|false ; "
            "false|false|true|false|false|true ; false|false|false|false|false|false");
}

// r_is_bigint.md and its like: scale 0 within the range; r_is_float.md: apart from decimals.
TEST_F(SuperInformation, TestsNumbers) {
  Ask("create table n as select * from (values (1, 7::super), (2, 40000::super), (3, "
      "5000000000::super), (4, 5.0::super), (5, 5::double::super), (6, "
      "99999999999999999999::super), (7, '5'::super), (8, null)) t(i, s)");
  EXPECT_EQ(Ask("select rs_is_smallint(s), rs_is_integer(s), rs_is_bigint(s), rs_is_decimal(s), "
                "rs_is_float(s) from n order by i"),
            "true|true|true|true|false ; false|true|true|true|false ; "
            "false|false|true|true|false ; false|false|false|true|false ; "
            "false|false|false|false|true ; false|false|false|true|false ; "
            "false|false|false|false|false ; false|false|false|false|false");
}

TEST_F(SuperInformation, MeasuresDecimals) {
  EXPECT_EQ(Ask("select rs_decimal_precision(31.4159::super), rs_decimal_scale(31.4159::super), "
                "rs_decimal_precision(0.05::super), rs_decimal_scale(7::super), "
                "rs_decimal_precision(0::super), rs_decimal_scale(1.5::double::super), "
                "rs_decimal_scale(null)"),
            "6|4|2|0|1|NULL|NULL");
}

// r_SIZE.md: the printed sizes.
TEST_F(SuperInformation, MeasuresBytes) {
  EXPECT_EQ(Ask("select rs_size(null), rs_size(false::super), rs_size(rs_array(9,8,7,6)), "
                "rs_size(rs_object('k',1,'l',2,'m',3,'n',4))"),
            "4|4|23|52");
  EXPECT_EQ(Ask("select rs_json_size(rs_array(1, '⬤')), rs_json_size(null)"), "9|NULL");
}

}  // namespace
}  // namespace skep::worker
