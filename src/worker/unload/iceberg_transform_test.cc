#include "worker/unload/iceberg_transform.h"

#include <gtest/gtest.h>

namespace skep::worker::unload {
namespace {

using duckdb::Value;

Value Apply(const char* transform, const Value& value) {
  return Transform::Parse(transform)->Apply(value);
}
int32_t Number(const char* transform, const Value& value) {
  return Apply(transform, value).GetValue<int32_t>();
}

// Source: the table specification, appendix B, "32-bit Hash Requirements"; a bucket of 2^31 - 1 is
// the hash itself there.
TEST(IcebergTransform, HashesAsTheSpecificationDoes) {
  constexpr int64_t kMost = INT32_MAX;
  const auto bucket = [&](int64_t hash) { return static_cast<int32_t>((hash & kMost) % kMost); };
  const char* all = "bucket[2147483647]";
  EXPECT_EQ(Number(all, Value::INTEGER(34)), bucket(2017239379));
  EXPECT_EQ(Number(all, Value::BIGINT(34)), bucket(2017239379));
  EXPECT_EQ(Number(all, Value::DECIMAL(int64_t{1420}, 9, 2)), bucket(-500754589));
  EXPECT_EQ(Number(all, Value::DATE(duckdb::date_t(17486))), bucket(-653330422));
  EXPECT_EQ(Number(all, Value::TIMESTAMP(duckdb::timestamp_t(INT64_C(1510871468000000)))),
            bucket(-2047944441));
  EXPECT_EQ(Number(all, Value("iceberg")), bucket(1210000089));
  EXPECT_EQ(Number(all, Value::BLOB_RAW(std::string("\0\1\2\3", 4))), bucket(-188683207));
}

TEST(IcebergTransform, TruncatesTowardsLess) {
  EXPECT_EQ(Number("truncate[10]", Value::INTEGER(-1)), -10);
  EXPECT_EQ(Number("truncate[10]", Value::INTEGER(1)), 0);
  EXPECT_EQ(Apply("truncate[50]", Value::DECIMAL(int64_t{1065}, 9, 2)),
            Value::DECIMAL(int64_t{1050}, 9, 2));
  EXPECT_EQ(Apply("truncate[50]", Value::DECIMAL(int64_t{-1}, 9, 2)),
            Value::DECIMAL(int64_t{-50}, 9, 2));
  EXPECT_EQ(Apply("truncate[3]", Value("h\xC3\xA4\xC3\x9F!")), Value("h\xC3\xA4\xC3\x9F"));
}

TEST(IcebergTransform, CountsTimesFrom1970) {
  const Value last = Value::TIMESTAMP(duckdb::timestamp_t(-1));
  EXPECT_EQ(Number("year", last), -1);
  EXPECT_EQ(Number("month", last), -1);
  EXPECT_EQ(Apply("day", last), Value::DATE(duckdb::date_t(-1)));
  EXPECT_EQ(Number("hour", last), -1);
  EXPECT_EQ(Number("hour", Value::TIMESTAMP(duckdb::timestamp_t(INT64_C(3'600'000'000)))), 1);
  EXPECT_EQ(Number("month", Value::DATE(duckdb::date_t(31))), 1);
  EXPECT_TRUE(Apply("year", Value(duckdb::LogicalType::DATE)).IsNull());
}

TEST(IcebergTransform, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "bucket", "bucket[]", "bucket[0]", "bucket[-1]",
                           "bucket[4294967296]", "bucket[4", "bucket[4]x", "zorder", "Identity"})
    EXPECT_FALSE(Transform::Parse(text)) << text;
  EXPECT_FALSE(Transform::Parse("hour")->ResultOf(duckdb::LogicalType::DATE));
  EXPECT_FALSE(Transform::Parse("bucket[4]")->ResultOf(duckdb::LogicalType::DOUBLE));
}

TEST(IcebergTransform, BoundsAreNeverWithinTheText) {
  EXPECT_EQ(LowerBound("abc", 2), "ab");
  EXPECT_EQ(UpperBound("abc", 2), "ac");
  EXPECT_EQ(UpperBound("abc", 3), "abc");
  EXPECT_EQ(UpperBound("a\x7F"
                       "c",
                       2),
            "b");
  EXPECT_EQ(UpperBound("\x7F\x7Fx", 2), std::nullopt);
  EXPECT_EQ(UpperBound("\xC3\xA4\xC3\xA4x", 2), "\xC3\xA4\xC3\xA5");
  EXPECT_EQ(UpperBound("\xC3\xBFx", 1), std::nullopt);
}

// Source: the table specification, appendix D.
TEST(IcebergTransform, WritesSingleValues) {
  EXPECT_EQ(SingleValue(Value::INTEGER(1)), std::string("\1\0\0\0", 4));
  EXPECT_EQ(SingleValue(Value::BOOLEAN(false)), std::string(1, '\0'));
  EXPECT_EQ(SingleValue(Value::DECIMAL(int64_t{1420}, 9, 2)), "\x05\x8C");
  EXPECT_EQ(SingleValue(Value::DECIMAL(int64_t{-1}, 9, 2)), "\xFF");
  EXPECT_EQ(SingleValue(Value::DECIMAL(int64_t{128}, 9, 2)), std::string("\0\x80", 2));
  EXPECT_EQ(BigEndian(-2, 3), "\xFF\xFF\xFE");
  EXPECT_EQ(SingleValue(Value()), std::nullopt);
}

}  // namespace
}  // namespace skep::worker::unload
