#include "worker/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "worker/wire_rows.h"

namespace skep::worker {
namespace {

constexpr uint16_t kText = 0, kBinary = 1;

class EncoderTest : public ::testing::Test {
 protected:
  EncoderTest() : connection_(database_) {}

  duckdb::unique_ptr<duckdb::MaterializedQueryResult> Ask(const std::string& sql) {
    auto result = connection_.Query(sql);
    EXPECT_FALSE(result->HasError()) << sql << "\n" << result->GetError();
    return result;
  }

  // All rows of a chunk through frames of this limit; checks what every frame must be.
  std::vector<WireRow> Encode(duckdb::DataChunk& chunk, const std::vector<uint16_t>& formats,
                              size_t limit_bytes = 64 << 10, const std::string& zone = "UTC") {
    auto shape = ShapeOf(chunk.GetTypes(), formats);
    EXPECT_TRUE(shape.has_value());
    shape->zone_is_utc = IsUtc(zone);
    RowEncoder encoder(*connection_.context, *shape);
    encoder.Load(chunk);
    WireMessages messages;
    frames_ = 0;
    for (size_t row = 0; row < chunk.size();) {
      Frame frame = Frame::WithRoom(limit_bytes);
      const size_t next = encoder.Encode(row, chunk.size(), frame, limit_bytes);
      EXPECT_GT(next, row) << "an empty frame takes at least one row";
      if (next == row) break;
      const size_t payload = frame.size - ipc::kFrameHeader;
      if (next > row + 1) EXPECT_LE(payload, limit_bytes);
      frames_++;
      row = next;
      ReadMessages({frame.data.get() + ipc::kFrameHeader, payload}, messages);
    }
    EXPECT_EQ(messages.rows.size(), chunk.size());
    return messages.rows;
  }

  // One value: what its select list entry looks like in this format.
  std::optional<std::string> Value(const std::string& expression, uint16_t format) {
    const auto result = Ask("SELECT " + expression);
    const auto chunk = result->Fetch();
    const auto rows = Encode(*chunk, {format}, 64 << 10, zone_);
    return rows.size() == 1 && rows[0].size() == 1
               ? rows[0][0]
               : std::optional<std::string>("(no single value)");
  }
  std::string Shown(const std::string& expression, uint16_t format) {
    const auto value = Value(expression, format);
    return !value ? "NULL" : format == kText ? *value : Hex(*value);
  }

  struct Row {
    const char* expression;
    const char* text;
    const char* binary;
  };
  void Expect(const std::vector<Row>& rows) {
    for (const auto& row : rows) {
      EXPECT_EQ(Shown(row.expression, kText), row.text) << row.expression;
      EXPECT_EQ(Shown(row.expression, kBinary), row.binary) << row.expression;
      // NULL of the same type, alone and beside a value.
      const std::string null =
          "CASE WHEN random() > 2 THEN " + std::string(row.expression) + " END";
      EXPECT_EQ(Shown(null, kText), "NULL") << row.expression;
      EXPECT_EQ(Shown(null, kBinary), "NULL") << row.expression;
    }
  }

  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_;
  std::string zone_ = "UTC";
  size_t frames_ = 0;
};

TEST_F(EncoderTest, WritesIntegersInTheWidthOfTheirWireType) {
  Expect({{"true", "t", "01"},
          {"false", "f", "00"},
          {"(-128)::TINYINT", "-128", "ff80"},
          {"255::UTINYINT", "255", "00ff"},
          {"(-32768)::SMALLINT", "-32768", "8000"},
          {"65535::USMALLINT", "65535", "0000ffff"},
          {"(-2147483648)::INTEGER", "-2147483648", "80000000"},
          {"4294967295::UINTEGER", "4294967295", "00000000ffffffff"},
          {"(-9223372036854775808)::BIGINT", "-9223372036854775808", "8000000000000000"},
          {"9223372036854775807::BIGINT", "9223372036854775807", "7fffffffffffffff"}});
}

TEST_F(EncoderTest, WritesWideIntegersAsNumerics) {
  Expect({{"18446744073709551615::UBIGINT", "18446744073709551615",
           "000500040000000007341a5802e103bb064f"},
          {"0::UBIGINT", "0", "0000000000000000"},
          {"170141183460469231731687303715884105727::HUGEINT",
           "170141183460469231731687303715884105727",
           "000a00090000000000aa0583209a01d5090d0c601c871bf620da165f"},
          {"(-170141183460469231731687303715884105728)::HUGEINT",
           "-170141183460469231731687303715884105728",
           "000a00094000000000aa0583209a01d5090d0c601c871bf620da1660"},
          {"18446744073709551616::HUGEINT", "18446744073709551616",
           "000500040000000007341a5802e103bb0650"},
          {"340282366920938463463374607431768211455::UHUGEINT",
           "340282366920938463463374607431768211455",
           "000a00090000000001540b071a2403aa121a18c111ff10dd1aa505af"}});
}

TEST_F(EncoderTest, WritesDecimalsOfAllWidths) {
  Expect({{"99.99::DECIMAL(4,2)", "99.99", "0002000000000002006326ac"},
          {"(-0.01)::DECIMAL(4,2)", "-0.01", "0001ffff400000020064"},
          {"0::DECIMAL(4,2)", "0.00", "0000000000000002"},
          {"999.9::DECIMAL(4,1)", "999.9", "000200000000000103e72328"},
          {"9999::DECIMAL(4,0)", "9999", "0001000000000000270f"},
          {"0.9999::DECIMAL(4,4)", "0.9999", "0001ffff00000004270f"},
          {"(-12345.6789)::DECIMAL(9,4)", "-12345.6789", "0003000140000004000109291a85"},
          {"12345678.90::DECIMAL(10,2)", "12345678.90", "000300010000000204d2162e2328"},
          {"100000000.0000::DECIMAL(18,4)", "100000000.0000", "00010002000000040001"},
          {"999999999.999999999::DECIMAL(18,9)", "999999999.999999999",
           "00060002000000090009270f270f270f270f2328"},
          {"9999999999999999999999999999.9999999999::DECIMAL(38,10)",
           "9999999999999999999999999999.9999999999",
           "000a00060000000a270f270f270f270f270f270f270f270f270f26ac"},
          {"(-1234567890123456789012345678.0987654321)::DECIMAL(38,10)",
           "-1234567890123456789012345678.0987654321",
           "000a00064000000a04d2162e23340d801ed204d2162e03db198f0834"},
          {"0.0000000001::DECIMAL(38,10)", "0.0000000001", "0001fffd0000000a0064"},
          {"0::DECIMAL(38,10)", "0.0000000000", "000000000000000a"},
          {"(-99999999999999999999999999999999999999)::DECIMAL(38,0)",
           "-99999999999999999999999999999999999999",
           "000a0009400000000063270f270f270f270f270f270f270f270f270f"},
          {"'0.99999999999999999999999999999999999999'::DECIMAL(38,38)",
           "0.99999999999999999999999999999999999999",
           "000affff00000026270f270f270f270f270f270f270f270f270f26ac"}});
}

TEST_F(EncoderTest, WritesRedshiftsBinaryNumericsAsScaledIntegers) {
  const std::pair<const char*, const char*> rows[] = {
      {"99.99::DECIMAL(4,2)", "000000000000270f"},
      {"(-0.01)::DECIMAL(4,2)", "ffffffffffffffff"},
      {"(-12345.6789)::DECIMAL(9,4)", "fffffffff8a432eb"},
      {"999999999999999999::DECIMAL(18,0)", "0de0b6b3a763ffff"},
      {"1::DECIMAL(38,10)", "000000000000000000000002540be400"},
      {"(-1)::DECIMAL(38,0)", "ffffffffffffffffffffffffffffffff"},
      {"18446744073709551616::DECIMAL(38,0)", "00000000000000010000000000000000"},
      {"18446744073709551615::UBIGINT", "0000000000000000ffffffffffffffff"},
      {"(-1)::HUGEINT", "ffffffffffffffffffffffffffffffff"},
      {"7::UHUGEINT", "00000000000000000000000000000007"},
      {"7::INTEGER", "00000007"},  // all others as in format 1
      {"'ab'", "6162"}};
  for (const auto& [expression, hex] : rows)
    EXPECT_EQ(Shown(expression, ipc::kRedshiftBinary), hex) << expression;
}

TEST_F(EncoderTest, WritesFloats) {
  Expect({{"0::DOUBLE", "0", "0000000000000000"},
          {"'-0'::DOUBLE", "-0", "8000000000000000"},
          {"'NaN'::DOUBLE", "NaN", "7ff8000000000000"},
          {"'inf'::DOUBLE", "Infinity", "7ff0000000000000"},
          {"'-inf'::DOUBLE", "-Infinity", "fff0000000000000"},
          {"1e15::DOUBLE", "1e+15", "430c6bf526340000"},
          {"0.00001::DOUBLE", "1e-05", "3ee4f8b588e368f1"},
          {"5e-324::DOUBLE", "5e-324", "0000000000000001"},
          {"1.7976931348623157e308::DOUBLE", "1.7976931348623157e+308", "7fefffffffffffff"},
          {"0.1::FLOAT", "0.1", "3dcccccd"},
          {"1000000::FLOAT", "1e+06", "49742400"},
          {"'-inf'::FLOAT", "-Infinity", "ff800000"}});
}

TEST_F(EncoderTest, WritesDatesAndTimes) {
  Expect(
      {{"DATE '2024-02-29'", "2024-02-29", "00002279"},
       {"DATE '0044-03-15 (BC)'", "0044-03-15 BC", "fff49d7b"},
       {"DATE '12000-01-01'", "12000-01-01", "0037bb49"},
       {"DATE 'infinity'", "infinity", "7fffffff"},
       {"DATE '-infinity'", "-infinity", "80000000"},
       {"TIME '24:00:00'", "24:00:00", "000000141dd76000"},
       {"TIME '12:34:56.789'", "12:34:56.789", "0000000a8be62608"},
       {"TIME_NS '12:34:56.789000400'", "12:34:56.789", "0000000a8be62608"},
       {"TIMETZ '12:34:56+00'", "12:34:56+00", "0000000a8bda1c0000000000"},
       {"TIMETZ '12:34:56.789+05:30'", "12:34:56.789+05:30", "0000000a8be62608ffffb2a8"},
       {"TIMETZ '23:59:59.999999-15:59:59'", "23:59:59.999999-15:59:59",
        "000000141dd75fff0000e0ff"},
       {"TIMESTAMP '2024-02-29 23:59:59.999999'", "2024-02-29 23:59:59.999999", "0002b58cd363bfff"},
       {"TIMESTAMP '0044-03-15 (BC) 12:00:00.000001'", "0044-03-15 12:00:00.000001 BC",
        "ff1af9e8fb46d001"},
       {"TIMESTAMP 'infinity'", "infinity", "7fffffffffffffff"},
       {"TIMESTAMP '-infinity'", "-infinity", "8000000000000000"},
       {"TIMESTAMP_S '2000-01-01 00:00:00'", "2000-01-01 00:00:00", "0000000000000000"},
       {"TIMESTAMP_MS '1999-12-31 23:59:59.5'", "1999-12-31 23:59:59.5", "fffffffffff85ee0"},
       {"TIMESTAMP_NS '1970-01-01 00:00:00.100000400'", "1970-01-01 00:00:00.1",
        "fffca2fec4c9a6a0"},
       {"TIMESTAMPTZ '2024-02-29 23:59:59.999999+00'", "2024-02-29 23:59:59.999999+00",
        "0002b58cd363bfff"},
       {"TIMESTAMPTZ 'infinity'", "infinity", "7fffffffffffffff"}});
}

TEST_F(EncoderTest, ShowsTimestampsWithTimeZoneInTheSessionsZone) {
  const auto in_zone = [&](const std::string& zone, const std::string& moment) {
    Ask("SET TimeZone = '" + zone + "'");
    zone_ = zone;
    return Shown("TIMESTAMPTZ '" + moment + "'", kText);
  };
  EXPECT_EQ(in_zone("America/New_York", "2024-01-15 12:00:00+00"), "2024-01-15 07:00:00-05");
  EXPECT_EQ(in_zone("America/New_York", "2024-07-15 12:00:00+00"), "2024-07-15 08:00:00-04");
  EXPECT_EQ(in_zone("America/New_York", "infinity"), "infinity");
  EXPECT_EQ(in_zone("Asia/Kolkata", "2024-01-15 12:00:00+00"), "2024-01-15 17:30:00+05:30");
  EXPECT_EQ(Shown("TIMESTAMPTZ '2024-01-15 12:00:00+00'", kBinary),
            "0002b1f9859c3000");  // a moment has no zone
  EXPECT_EQ(Shown("CASE WHEN random() > 2 THEN TIMESTAMPTZ '2024-01-15 12:00:00+00' END", kText),
            "NULL");
}

TEST_F(EncoderTest, WritesIntervalsUuidsAndBytes) {
  Expect({{"INTERVAL '0 seconds'", "00:00:00", "00000000000000000000000000000000"},
          {"INTERVAL '-14 months'", "-1 years -2 mons", "000000000000000000000000fffffff2"},
          {"INTERVAL '14 months -3 days 04:05:06.7'", "1 year 2 mons -3 days +04:05:06.7",
           "000000036c966ee0fffffffd0000000e"},
          {"INTERVAL '100 hours'", "100:00:00", "00000053d1ac10000000000000000000"},
          {"UUID 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
           "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
          {"UUID '00000000-0000-0000-0000-000000000000'", "00000000-0000-0000-0000-000000000000",
           "00000000000000000000000000000000"},
          {"UUID 'ffffffff-ffff-ffff-ffff-ffffffffffff'", "ffffffff-ffff-ffff-ffff-ffffffffffff",
           "ffffffffffffffffffffffffffffffff"},
          {"unhex('00FF10')", "00ff10", "303066663130"},
          {"''::BLOB", "", ""}});
}

TEST_F(EncoderTest, WritesStringsAsTheyAre) {
  Expect({{"''", "", ""},
          {"'a'", "a", "61"},
          {"'exactly12byt'", "exactly12byt", "65786163746c793132627974"},
          {"'thirteen byte'", "thirteen byte", "746869727465656e2062797465"},
          {"'Grüße, 世界 🐝'", "Grüße, 世界 🐝", "4772c3bcc39f652c20e4b896e7958c20f09f909d"},
          {"'a'::ENUM('a', 'b')", "a", "61"},
          {"'101'::BIT", "101", "313031"},
          {"NULL", "NULL", "NULL"}});
  EXPECT_EQ(Value("chr(0) || 'x'", kText), std::string("\0x", 2));
}

TEST_F(EncoderTest, WritesNestedValuesAsJson) {
  const std::pair<const char*, const char*> rows[] = {
      {"[1, NULL, 3]", "[1,null,3]"},
      {"[]::INTEGER[]", "[]"},
      {"{'a': 1, 'b': 'x\"y\\z'}", "{\"a\":1,\"b\":\"x\\\"y\\\\z\"}"},
      {"{'n': NULL::INTEGER, 'l': [[1.50::DECIMAL(4,2)], []]}", "{\"n\":null,\"l\":[[1.50],[]]}"},
      {"MAP {'k': true, 'l': false}", "{\"k\":true,\"l\":false}"},
      {"['tab\there', chr(1), chr(10)]", "[\"tab\\there\",\"\\u0001\",\"\\n\"]"},
      {"[1.5::DOUBLE, 'NaN'::DOUBLE, 1e15::DOUBLE]", "[1.5,null,1e+15]"},
      {"[0.1::FLOAT]", "[0.1]"},
      {"[DATE '2024-02-29']", "[\"2024-02-29\"]"},
      {"[1, 2]::INTEGER[2]", "[1,2]"},
      {"union_value(num := 7)", "7"},
      {"['Grüße 🐝']", "[\"Grüße 🐝\"]"},
      {"[170141183460469231731687303715884105727]", "[170141183460469231731687303715884105727]"},
      {"'{\"raw\": [1, 2]}'::JSON", "{\"raw\": [1, 2]}"},
      {"['{\"raw\":1}'::JSON]", "[{\"raw\":1}]"},
      {"CASE WHEN random() > 2 THEN [1] END", "NULL"}};
  for (const auto& [expression, json] : rows)
    EXPECT_EQ(Shown(expression, kText), json) << expression;
  EXPECT_EQ(DescribeColumn("c", duckdb::LogicalType::LIST(duckdb::LogicalType::INTEGER)).type_oid,
            oid::kSuper);
}

TEST_F(EncoderTest, ReadsConstantDictionaryAndFlatVectors) {
  constexpr size_t kRows = 100;
  for (const uint16_t format : {kText, kBinary}) {
    duckdb::DataChunk chunk;
    chunk.Initialize(
        *connection_.context,
        {duckdb::LogicalType::INTEGER, duckdb::LogicalType::VARCHAR, duckdb::LogicalType::BIGINT,
         duckdb::LogicalType::VARCHAR, duckdb::LogicalType::DECIMAL(38, 2)});
    chunk.SetCardinality(kRows);
    chunk.data[0].Reference(duckdb::Value::INTEGER(7));
    chunk.data[1].Reference(duckdb::Value(duckdb::LogicalType::VARCHAR));  // a constant NULL
    for (size_t i = 0; i < kRows; i++) {
      chunk.data[2].SetValue(i, i % 3 == 0 ? duckdb::Value(duckdb::LogicalType::BIGINT)
                                           : duckdb::Value::BIGINT(static_cast<int64_t>(i)));
    }
    duckdb::Vector words(duckdb::LogicalType::VARCHAR);
    words.SetValue(0, duckdb::Value("short"));
    words.SetValue(1, duckdb::Value("a string of more than twelve bytes"));
    words.SetValue(2, duckdb::Value(duckdb::LogicalType::VARCHAR));
    duckdb::SelectionVector selection(kRows);
    for (size_t i = 0; i < kRows; i++) selection.set_index(i, i % 3);
    chunk.data[3].Slice(words, selection, kRows);
    ASSERT_EQ(chunk.data[3].GetVectorType(), duckdb::VectorType::DICTIONARY_VECTOR);
    chunk.data[4].Reference(duckdb::Value::DECIMAL(duckdb::hugeint_t(-150), 38, 2));
    for (const size_t limit : {size_t{1}, size_t{300}, size_t{64} << 10}) {
      const auto rows = Encode(chunk, {format}, limit);
      ASSERT_EQ(rows.size(), kRows);
      for (size_t i = 0; i < kRows; i++) {
        EXPECT_EQ(rows[i][0], format == kText ? "7" : std::string("\0\0\0\7", 4));
        EXPECT_EQ(rows[i][1], std::nullopt);
        EXPECT_EQ(rows[i][2].has_value(), i % 3 != 0);
        if (format == kText && i % 3 != 0) EXPECT_EQ(rows[i][2], std::to_string(i));
        const char* words_of[] = {"short", "a string of more than twelve bytes", nullptr};
        EXPECT_EQ(rows[i][3],
                  words_of[i % 3] ? std::optional<std::string>(words_of[i % 3]) : std::nullopt);
        if (format == kText) EXPECT_EQ(rows[i][4], "-1.50");
      }
    }
  }
}

TEST_F(EncoderTest, MixesFormatsWithinARow) {
  const auto result =
      Ask("SELECT 5::INTEGER, 5::INTEGER, 1.5::DECIMAL(4,1), 1.5::DECIMAL(4,1), unhex('AB'), "
          "unhex('AB')");
  const auto chunk = result->Fetch();
  const auto rows = Encode(*chunk, {0, 1, 1, 2, 0, 1});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0][0], "5");
  EXPECT_EQ(Hex(*rows[0][1]), "00000005");
  EXPECT_EQ(Hex(*rows[0][2]), "000200000000000100011388");
  EXPECT_EQ(Hex(*rows[0][3]), "000000000000000f");
  EXPECT_EQ(rows[0][4], "ab");
  EXPECT_EQ(rows[0][5], "ab");
}

TEST_F(EncoderTest, NeverTearsARowAndKeepsFramesWithinTheirLimit) {
  const auto result =
      Ask("SELECT i, repeat('x', (i * 7919 % 3000)::INTEGER), NULL FROM range(2000) t(i)");
  const auto chunk = result->Fetch();
  ASSERT_GT(chunk->size(), 1000u);
  for (const size_t limit : {size_t{64}, size_t{4000}, size_t{16} << 10, size_t{256} << 10}) {
    const auto rows = Encode(*chunk, {}, limit);  // checks the limit
    ASSERT_EQ(rows.size(), chunk->size());
    for (size_t i = 0; i < rows.size(); i++) {
      ASSERT_EQ(rows[i][0], std::to_string(i));
      ASSERT_EQ(rows[i][1]->size(), i * 7919 % 3000);
    }
    if (limit == size_t{256} << 10) {
      EXPECT_LT(frames_, 30u) << "frames are filled";
    }
  }
}

TEST_F(EncoderTest, SendsARowThatIsLargerThanAFrame) {
  const auto result = Ask("SELECT i, repeat('y', 3000000) FROM range(3) t(i)");
  const auto chunk = result->Fetch();
  const auto rows = Encode(*chunk, {}, 64 << 10);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(frames_, 3u);
  EXPECT_EQ(rows[2][1]->size(), 3000000u);
  // In hexadecimal a byte is two.
  const auto bytes = Ask("SELECT repeat('z', 3000000)::BLOB");
  const auto one = bytes->Fetch();
  EXPECT_EQ(Encode(*one, {}, 16 << 10)[0][0]->size(), 6000000u);
}

TEST_F(EncoderTest, DoesNotTouchAFrameThatHasNoRoomForTheNextRow) {
  const auto result = Ask("SELECT repeat('x', 100) FROM range(2)");
  const auto chunk = result->Fetch();
  const auto shape = ShapeOf(chunk->GetTypes(), {});
  RowEncoder encoder(*connection_.context, *shape);
  encoder.Load(*chunk);
  Frame frame = Frame::WithRoom(150);
  ASSERT_EQ(encoder.Encode(0, 2, frame, 150), 1u);
  const size_t size = frame.size;
  EXPECT_EQ(encoder.Encode(1, 2, frame, 150), 1u);
  EXPECT_EQ(frame.size, size);
  frame.Clear();
  EXPECT_EQ(encoder.Encode(1, 2, frame, 150), 2u);
}

TEST_F(EncoderTest, RefusesARowThatNoFrameHolds) {
  const auto result = Ask("SELECT repeat('x', 40000000), repeat('y', 40000000)");
  const auto chunk = result->Fetch();
  const auto shape = ShapeOf(chunk->GetTypes(), {});
  RowEncoder encoder(*connection_.context, *shape);
  encoder.Load(*chunk);
  Frame frame = Frame::WithRoom(100);
  try {
    encoder.Encode(0, 1, frame, 100);
    FAIL() << "it was encoded";
  } catch (const std::exception& e) {
    EXPECT_EQ(duckdb::ErrorData(e).Type(), duckdb::ExceptionType::OBJECT_SIZE);
  }
}

TEST_F(EncoderTest, TakesAnEmptyChunk) {
  duckdb::DataChunk chunk;
  chunk.Initialize(*connection_.context, {duckdb::LogicalType::INTEGER,
                                          duckdb::LogicalType::LIST(duckdb::LogicalType::INTEGER)});
  EXPECT_TRUE(Encode(chunk, {}).empty());
  EXPECT_EQ(frames_, 0u);
}

TEST_F(EncoderTest, SendsRowsOfManyColumns) {
  std::string list = "0";
  for (size_t i = 1; i < kMaxColumns; i++) list += "," + std::to_string(i);
  const auto result = Ask("SELECT " + list + " FROM range(5)");
  const auto chunk = result->Fetch();
  const auto rows = Encode(*chunk, {}, 16 << 10);
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[4][kMaxColumns - 1], std::to_string(kMaxColumns - 1));
}

TEST(ResultShapeTest, RefusesFormatsThatDoNotFit) {
  const duckdb::vector<duckdb::LogicalType> types = {
      duckdb::LogicalType::INTEGER, duckdb::LogicalType::VARCHAR, duckdb::LogicalType::DATE};
  EXPECT_TRUE(ShapeOf(types, {}));
  EXPECT_TRUE(ShapeOf(types, {1}));
  EXPECT_TRUE(ShapeOf(types, {0, 1, 2}));
  EXPECT_EQ(ShapeOf(types, {0, 1}).error().kind, ErrorKind::kProtocolViolation);
  EXPECT_EQ(ShapeOf(types, {0, 1, 0, 1}).error().kind, ErrorKind::kProtocolViolation);
  EXPECT_EQ(ShapeOf(types, {4}).error().kind, ErrorKind::kProtocolViolation);
  EXPECT_EQ(ShapeOf(types, {0xffff}).error().kind, ErrorKind::kProtocolViolation);
  const duckdb::vector<duckdb::LogicalType> too_many(kMaxColumns + 1, duckdb::LogicalType::INTEGER);
  EXPECT_EQ(ShapeOf(too_many, {}).error().kind, ErrorKind::kPayloadTooLarge);
}

TEST(ResultShapeTest, DescribesTypesAsPostgresDoes) {
  struct Row {
    duckdb::LogicalType type;
    uint32_t type_oid;
    int16_t size;
    int32_t modifier;
  };
  const Row rows[] = {{duckdb::LogicalType::BOOLEAN, 16, 1, -1},
                      {duckdb::LogicalType::SMALLINT, 21, 2, -1},
                      {duckdb::LogicalType::INTEGER, 23, 4, -1},
                      {duckdb::LogicalType::BIGINT, 20, 8, -1},
                      {duckdb::LogicalType::FLOAT, 700, 4, -1},
                      {duckdb::LogicalType::DOUBLE, 701, 8, -1},
                      {duckdb::LogicalType::DECIMAL(10, 2), 1700, -1, (10 << 16 | 2) + 4},
                      {duckdb::LogicalType::DECIMAL(38, 38), 1700, -1, (38 << 16 | 38) + 4},
                      {duckdb::LogicalType::VARCHAR, 1043, -1, -1},
                      {duckdb::LogicalType::BLOB, 6551, -1, -1},
                      {duckdb::LogicalType::DATE, 1082, 4, -1},
                      {duckdb::LogicalType::TIME, 1083, 8, -1},
                      {duckdb::LogicalType::TIMESTAMP, 1114, 8, -1},
                      {duckdb::LogicalType::TIMESTAMP_TZ, 1184, 8, -1},
                      {duckdb::LogicalType::TIME_TZ, 1266, 12, -1},
                      {duckdb::LogicalType::INTERVAL, 1186, 16, -1},
                      {duckdb::LogicalType::UUID, 2950, 16, -1},
                      {duckdb::LogicalType::JSON(), 4000, -1, -1}};
  for (const auto& row : rows) {
    const auto column = DescribeColumn("c", row.type);
    EXPECT_EQ(column, (ipc::ResultColumn{"c", row.type_oid, row.size, row.modifier}))
        << row.type.ToString();
    const auto back = TypeOfOid(row.type_oid);
    // A decimal's digits are not in its OID, and what a client sends for SUPER is text.
    if (row.type.id() != duckdb::LogicalTypeId::DECIMAL && !row.type.IsJSONType())
      EXPECT_EQ(back, row.type) << row.type.ToString();
  }
}

TEST(ResultShapeTest, WritesARowDescriptionThatAddsUp) {
  const duckdb::vector<duckdb::LogicalType> types = {duckdb::LogicalType::INTEGER,
                                                     duckdb::LogicalType::VARCHAR};
  const auto shape = ShapeOf(types, {1, 0});
  ASSERT_TRUE(shape);
  const std::string message = EncodeRowDescription(DescribeColumns({"a", "größe"}, types), *shape);
  EXPECT_EQ(Hex(message),
            "54"
            "00000034"
            "0002"
            "6100"
            "00000000"
            "0000"
            "00000017"
            "0004"
            "ffffffff"
            "0001"
            "6772c3b6c39f6500"
            "00000000"
            "0000"
            "00000413"
            "ffff"
            "ffffffff"
            "0000");
}

}  // namespace
}  // namespace skep::worker
