#include "worker/copy/shapes.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "worker/functions/spatial/construct.h"
#include "worker/functions/spatial/ewkb.h"
#include "worker/functions/spatial/wkt.h"

namespace skep::worker::copy {
namespace {

template <class... Numbers>
std::string Bytes(Numbers... numbers) {
  std::string out;
  (out.append(reinterpret_cast<const char*>(&numbers), sizeof numbers), ...);
  return out;
}

// Of PolyLine and Polygon.
std::string Lines(uint32_t type, std::vector<uint32_t> parts, std::vector<double> numbers) {
  std::string out = Bytes(type, 0.0, 0.0, 0.0, 0.0, static_cast<uint32_t>(parts.size()),
                          static_cast<uint32_t>(numbers.size() / 2));
  for (const uint32_t part : parts) out += Bytes(part);
  for (const double number : numbers) out += Bytes(number);
  return out;
}

std::string Text(std::string_view content, int32_t srid = 0) {
  const auto shape = ReadShape(content, srid);
  if (!shape) return shape.error().reason;
  return *shape ? spatial::WriteWkt(**shape, spatial::kDefaultPrecision) : "null";
}

const std::string kPolygonWithHole =
    Lines(5, {0, 5}, {0, 0, 0, 9, 9, 9, 9, 0, 0, 0, 1, 1, 2, 1, 2, 2, 1, 2, 1, 1});

TEST(Shapes, ReadsEachKind) {
  EXPECT_EQ(Text(Bytes(0)), "null");
  EXPECT_EQ(Text(Bytes(1, 1.5, 2.0)), "POINT(1.5 2)");
  EXPECT_EQ(Text(Lines(3, {0}, {0, 0, 1, 1})), "LINESTRING(0 0,1 1)");
  EXPECT_EQ(Text(Lines(3, {0, 2, 2}, {0, 0, 1, 1, 2, 2, 3, 3})),
            "MULTILINESTRING((0 0,1 1),(2 2,3 3))");
  EXPECT_EQ(Text(kPolygonWithHole), "POLYGON((0 0,0 9,9 9,9 0,0 0),(1 1,2 1,2 2,1 2,1 1))");
  // A ring that is not closed gets its first point again.
  EXPECT_EQ(Text(Lines(5, {0}, {0, 0, 0, 9, 9, 9})), "POLYGON((0 0,0 9,9 9,0 0))");
}

TEST(Shapes, LeavesOutMeasuresThatAreNone) {
  EXPECT_EQ(ReadShape(Bytes(11, 1.0, 2.0, 3.0, -1e39), 0)->value().dimensions.m, false);
  EXPECT_EQ(ReadShape(Bytes(11, 1.0, 2.0, 3.0, 4.0), 0)->value().dimensions.m, true);
  EXPECT_EQ(ReadShape(Bytes(11, 1.0, 2.0, 3.0), 0)->value().dimensions.m, false);
}

TEST(Shapes, AHoleOnTheEdgeBelongsToTheSmallestExterior) {
  // Both exteriors cover the hole; its first points lie on the smaller one's edge.
  EXPECT_EQ(Text(Lines(5, {0, 5, 10}, {0, 0, 0, 9, 9, 9, 9, 0, 0, 0,  //
                                       1, 1, 1, 3, 3, 3, 3, 1, 1, 1,  //
                                       1, 1, 3, 1, 2, 2, 1, 1})),
            "MULTIPOLYGON(((0 0,0 9,9 9,9 0,0 0)),((1 1,1 3,3 3,3 1,1 1),(1 1,3 1,2 2,1 1)))");
}

TEST(Shapes, RefusesWhatIsCutAnywhere) {
  for (const std::string& whole :
       {Bytes(1, 1.0, 2.0), kPolygonWithHole, Lines(3, {0, 2}, {0, 0, 1, 1, 2, 2})}) {
    for (size_t size = 4; size < whole.size(); size++)
      EXPECT_FALSE(ReadShape(whole.substr(0, size), 0)) << size;
  }
  EXPECT_FALSE(ReadShape("", 0));
  EXPECT_FALSE(ReadShape("ab", 0));
}

// Whatever the bytes are, the answer is a value that can be stored and read, or a reason.
TEST(Shapes, SurvivesChangedBytes) {
  std::mt19937 random(20260701);
  const std::string seeds[] = {kPolygonWithHole, Lines(3, {0, 2}, {0, 0, 1, 1, 2, 2}),
                               Bytes(18, 0.0, 0.0, 0.0, 0.0, 1, 1.0, 2.0, 0.0, 0.0, 3.0),
                               Bytes(11, 1.0, 2.0, 3.0, 4.0)};
  size_t read = 0;
  for (int i = 0; i < 20000; i++) {
    std::string bytes = seeds[random() % std::size(seeds)];
    for (size_t change = 0; change <= random() % 4; change++) {
      const uint32_t interesting[] = {0, 1,          3,          5,
                                      8, 0x7FFFFFFF, 0xFFFFFFFF, static_cast<uint32_t>(random())};
      const uint32_t word = interesting[random() % std::size(interesting)];
      const size_t at = random() % (bytes.size() - 3);
      std::memcpy(bytes.data() + at, &word, random() % 4 + 1);
    }
    const auto shape = ReadShape(bytes, 4326);
    if (!shape) {
      EXPECT_FALSE(shape.error().reason.empty());
      continue;
    }
    if (!*shape) continue;
    std::optional<Simplified> simplified;
    for (const auto& how :
         {std::optional<Simplification>(), std::optional(Simplification{true, {}}),
          std::optional(Simplification{false, 0.5})}) {
      const auto stored = StoredShape(**shape, how, simplified);
      ASSERT_TRUE(stored);
      EXPECT_EQ(spatial::ReadEwkb(*stored).srid, 4326);
    }
    read++;
  }
  EXPECT_GT(read, 1000u);
}

TEST(Shapes, FindsTheLeastToleranceThatFits) {
  spatial::Geometry line;
  line.kind = spatial::Kind::kLineString;
  std::mt19937 random(1);
  for (int i = 0; i < 80'000; i++) {
    line.coordinates.push_back(i);
    line.coordinates.push_back(static_cast<double>(random() % 1'000'000));
  }
  std::optional<Simplified> simplified;
  const auto refused = StoredShape(line, std::nullopt, simplified);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason,
            "Geometry size: 1280009 is larger than maximum supported size: 1048447");
  const auto stored = StoredShape(line, Simplification{.only_too_large = true}, simplified);
  ASSERT_TRUE(stored);
  ASSERT_TRUE(simplified);
  EXPECT_TRUE(simplified->fits);
  EXPECT_EQ(simplified->initial_bytes, 1280009u);
  EXPECT_EQ(simplified->final_bytes, stored->size());
  // A little less is not enough.
  EXPECT_FALSE(StoredShape(
      line, Simplification{.only_too_large = true, .tolerance = simplified->tolerance * 0.99},
      simplified));
  EXPECT_FALSE(simplified->fits);
}

// Each split takes off one point only: the square of their number.
TEST(Shapes, GivesUpOnLinesThatTakeTooLong) {
  spatial::Geometry line;
  line.kind = spatial::Kind::kLineString;
  for (int i = 0; i < 2000; i++) {
    line.coordinates.push_back(i);
    line.coordinates.push_back(i % 2 == 0 ? 0 : 1 + i / 2000.0);
  }
  uint64_t steps = 100'000;
  EXPECT_THROW(spatial::SimplifyWithin(line, 1e-9, steps), duckdb::InvalidInputException);
  steps = 10'000'000;
  EXPECT_EQ(spatial::SimplifyWithin(line, 1e-9, steps).Points(), 2000u);
  EXPECT_GT(steps, 0u);
}

}  // namespace
}  // namespace skep::worker::copy
