#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using Spatial = FunctionsTest;

TEST_F(Spatial, ReadsAndWritesText) {
  EXPECT_EQ(Ask("select rs_st_astext(rs_st_geomfromtext('point(1 2)'))"), "POINT(1 2)");
}

}  // namespace
}  // namespace skep::worker
