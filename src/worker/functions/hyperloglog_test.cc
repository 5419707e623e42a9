#include "worker/functions/hyperloglog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace skep::worker {
namespace {

HyperLogLog Of(int32_t from, int32_t to) {
  HyperLogLog sketch;
  for (int32_t i = from; i < to; i++) sketch.Add(&i, sizeof i);
  return sketch;
}

// Indices and ranks from MurmurHash3's reference implementation, seed 9001.
TEST(HyperLogLog, HashesLikeDataSketches) {
  HyperLogLog numbers;
  for (const int32_t value : {7, 8, 11}) numbers.Add(&value, sizeof value);
  EXPECT_EQ(numbers.ToText(),
            R"({"version":1,"logm":15,"sparse":{"indices":[41306866,43586927,65575051],)"
            R"("values":[1,3,1]}})");
  HyperLogLog texts;
  for (const char* text : {"spring", "a text of more than sixteen bytes", ""}) {
    texts.Add(text, std::strlen(text));
  }
  EXPECT_EQ(texts.ToText(),
            R"({"version":1,"logm":15,"sparse":{"indices":[37220083,38345657,51016573],)"
            R"("values":[1,2,2]}})");
}

TEST(HyperLogLog, CountsExactlyWhileSmall) {
  EXPECT_EQ(HyperLogLog().Cardinality(), 0U);
  EXPECT_EQ(Of(0, 1).Cardinality(), 1U);
  HyperLogLog twice = Of(0, 1000);
  twice.Merge(Of(500, 1500));
  EXPECT_EQ(twice.Cardinality(), 1500U);
}

TEST(HyperLogLog, EstimatesWithinTwoPercent) {
  for (const int32_t count : {5000, 7000, 20000, 50000, 100000, 500000, 2000000}) {
    const auto estimate = static_cast<double>(Of(0, count).Cardinality());
    EXPECT_LT(std::abs(estimate / count - 1), 0.02) << count;
  }
}

TEST(HyperLogLog, MergesAsIfAddedTogether) {
  const HyperLogLog whole = Of(0, 60000);
  for (const auto& [left, right] : {std::pair{Of(0, 30000), Of(20000, 60000)},
                                    {Of(0, 100), Of(50, 60000)},
                                    {Of(0, 60000), Of(10, 20)},
                                    {HyperLogLog(), Of(0, 60000)}}) {
    HyperLogLog merged = left;
    merged.Merge(right);
    EXPECT_EQ(merged.ToBytes(), whole.ToBytes());
  }
}

TEST(HyperLogLog, ReadsItsOwnBytesAndText) {
  for (const int32_t count : {0, 1, 100, 6000, 7000, 100000}) {
    const HyperLogLog sketch = Of(0, count);
    EXPECT_LE(sketch.ToBytes().size(), 24580U);
    const auto from_bytes = HyperLogLog::FromBytes(sketch.ToBytes());
    ASSERT_TRUE(from_bytes);
    EXPECT_EQ(from_bytes->ToBytes(), sketch.ToBytes());
    const auto from_text = HyperLogLog::FromText(sketch.ToText());
    ASSERT_TRUE(from_text);
    EXPECT_EQ(from_text->ToBytes(), sketch.ToBytes());
  }
}

TEST(HyperLogLog, ReadsSparseTextWithoutAVersion) {
  const auto sketch =
      HyperLogLog::FromText(R"( {"logm":15,"sparse":{"indices":[3,9],"values":[1,2]}})");
  ASSERT_TRUE(sketch);
  EXPECT_EQ(sketch->Cardinality(), 2U);
}

TEST(HyperLogLog, RefusesForeignText) {
  for (const char* text :
       {"", "x", "{}", "[]", "QUJD", R"({"logm":14,"sparse":{"indices":[],"values":[]}})",
        R"({"logm":15,"sparse":{"indices":[1],"values":[]}})",
        R"({"logm":15,"sparse":{"indices":[67108864],"values":[1]}})",
        R"({"logm":15,"sparse":{"indices":[-1],"values":[1]}})",
        R"({"logm":15,"sparse":{"indices":[1],"values":[0]}})",
        R"({"logm":15,"sparse":{"indices":[1],"values":[64]}})",
        R"({"logm":15,"version":2,"sparse":{"indices":[1],"values":[1]}})"}) {
    EXPECT_FALSE(HyperLogLog::FromText(text)) << text;
  }
}

TEST(HyperLogLog, RefusesForeignBytes) {
  const std::string sparse = Of(0, 10).ToBytes();
  const std::string dense = Of(0, 50000).ToBytes();
  for (const auto& bytes : {sparse, dense}) {
    EXPECT_FALSE(HyperLogLog::FromBytes(bytes + "x"));
    EXPECT_FALSE(HyperLogLog::FromBytes(bytes.substr(0, bytes.size() - 1)));
    EXPECT_FALSE(HyperLogLog::FromBytes("x" + bytes));
  }
  EXPECT_FALSE(HyperLogLog::FromBytes(""));
  EXPECT_FALSE(HyperLogLog::FromBytes(std::string_view("\1\17\2\0", 4)));
  EXPECT_FALSE(HyperLogLog::FromBytes(std::string_view("\1\17\0\0\0\0\0\0", 8)));
}

}  // namespace
}  // namespace skep::worker
