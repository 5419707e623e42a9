#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using Division = FunctionsTest;

TEST_F(Division, TruncatesIntegersTowardsZero) {
  EXPECT_EQ(Ask("select 5 / 2, -5 / 2, 7 / -2"), "2|-2|-3");
  EXPECT_EQ(TypeOf("5::smallint / 2::smallint"), "SMALLINT");
}

TEST_F(Division, RefusesZero) {
  EXPECT_EQ(Ask("select 1 / 0"), "ERROR division by zero");
  EXPECT_EQ(Ask("select 1 % 0"), "ERROR division by zero");
  EXPECT_EQ(Ask("select 1.5::double / 0"), "ERROR division by zero");
}

TEST_F(Division, RefusesTheSmallestIntegerByMinusOne) {
  EXPECT_EQ(Ask("select (-2147483648)::integer / (-1)::integer"),
            "ERROR numeric value is out of range");
}

}  // namespace
}  // namespace skep::worker
