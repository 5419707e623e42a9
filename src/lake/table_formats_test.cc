#include "lake/table_formats.h"

#include <gtest/gtest.h>

namespace skep::lake {
namespace {

std::vector<std::string> Kept(const HudiTimeline& timeline, std::vector<std::string> keys) {
  std::vector<ObjectInfo> objects;
  for (auto& key : keys) objects.push_back({std::move(key), "e", 1, 0});
  KeepHudiFiles(timeline, "t/", objects);
  std::vector<std::string> kept;
  for (auto& object : objects) kept.push_back(std::move(object.key));
  return kept;
}

using Keys = std::vector<std::string>;

TEST(HudiFiles, AreTheLatestCommittedOfEachGroup) {
  const HudiTimeline timeline{{"20260101000000", "20260102000000"}, {}};
  EXPECT_EQ(Kept(timeline,
                 {"t/p/a-0_0-1-1_20260101000000.parquet", "t/p/a-0_0-2-2_20260102000000.parquet",
                  "t/p/a-0_0-3-3_20260103000000.parquet",  // not committed
                  "t/p/b-0_0-1-1_20260101000000.parquet"}),
            (Keys{"t/p/a-0_0-2-2_20260102000000.parquet", "t/p/b-0_0-1-1_20260101000000.parquet"}));
}

TEST(HudiFiles, OfArchivedCommitsCount) {
  const HudiTimeline timeline{{"20260105000000"}, {}};
  EXPECT_EQ(Kept(timeline, {"t/a_0_20250101000000.parquet", "t/a_0_20250201000000.parquet"}),
            (Keys{"t/a_0_20250201000000.parquet"}));
}

TEST(HudiFiles, OfReplacedGroupsAreGoneUntilWrittenAgain) {
  const HudiTimeline timeline{{"20260101000000", "20260102000000", "20260103000000"},
                              {{{"p", "a"}, "20260102000000"}, {{"p", "c"}, "20260102000000"}}};
  EXPECT_EQ(Kept(timeline, {"t/p/a_0_20260101000000.parquet", "t/q/a_0_20260101000000.parquet",
                            "t/p/c_0_20260103000000.parquet"}),
            (Keys{"t/p/c_0_20260103000000.parquet", "t/q/a_0_20260101000000.parquet"}));
}

TEST(HudiFiles, HaveNamesOfHudi) {
  const HudiTimeline timeline{{"20260101000000"}, {}};
  EXPECT_EQ(Kept(timeline, {"t/a.parquet", "t/_x_1.parquet", "t/a_0_2026010x.parquet",
                            "t/a_0_1.orc", "t/_.parquet", "t/__.parquet", "t/a_b_.parquet"}),
            Keys());
}

}  // namespace
}  // namespace skep::lake
