#include "worker/functions/decimals.h"

#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using Decimals = FunctionsTest;

TEST_F(Decimals, Probe) {
  for (const char* e : {"1.5 + 1",
                        "1::smallint + 1",
                        "1::smallint + 1::integer",
                        "1::float + 1::integer",
                        "1::float+1",
                        "1::float + 1.5",
                        "1::float + 1::float",
                        "1.5 / 2",
                        "7 / 2.0",
                        "1.5::decimal(18,2) + 1.5::decimal(18,2)",
                        "1::bigint + 1.5",
                        "1.5 * 2::bigint",
                        "1.5 / 1::double",
                        "-9223372036854775808",
                        "'5' + 1",
                        "'5' + 1::integer",
                        "-1.5",
                        "10.5 % 4",
                        "mod(10.5,4)",
                        "2 * 1.5",
                        "1.5 - null",
                        "1e5",
                        "9223372036854775808",
                        "sum(1)",
                        "@(-5)",
                        "3.0::decimal(8,2) / 2::smallint"}) {
    printf("%s -> %s %s\n", e, TypeOf(e).c_str(), Ask(std::string("select ") + e).c_str());
  }
  for (const char* e : {"'1.5'::int",
                        "' 12 '::int",
                        "'99999999999'::int",
                        "'x'::decimal(5,2)",
                        "'123.456'::decimal(4,2)",
                        "'5.9'::decimal(5,1)",
                        "1.5::int",
                        "2.5::int",
                        "-2.5::int",
                        "2.5::double::int",
                        "33000::smallint",
                        "99999.5::smallint",
                        "1.5::double::varchar",
                        "0.1::float::varchar",
                        "1e20::double::varchar",
                        "0.25::decimal(2,2)::varchar",
                        "1e300::double::float",
                        "350.10::decimal(4,2)",
                        "1.005::double::decimal(10,2)",
                        "0.1::double::decimal(38,20)",
                        "try_cast('x' as int)",
                        "try_cast(99999 as smallint)",
                        "cast(109.652 as decimal(4,1))",
                        "'1e3'::decimal(10,2)",
                        "'1e400'::double",
                        "'NaN'::double",
                        "100000000000::bigint::decimal(5,0)",
                        "true::int",
                        "5::boolean"}) {
    printf("%s -> %s %s\n", e, TypeOf(e).c_str(), Ask(std::string("select ") + e).c_str());
  }
}

}  // namespace
}  // namespace skep::worker
