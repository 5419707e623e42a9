#include "worker/parameters.h"

#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"
#include "worker/result_shape.h"
#include "worker/wire_rows.h"

namespace skep::worker {
namespace {

constexpr uint16_t kText = 0, kBinary = 1;

std::string Unhex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return out;
}

class ParametersTest : public ::testing::Test {
 protected:
  Result<duckdb::Value> Read(std::optional<std::string> value, uint16_t format, uint32_t declared,
                             const duckdb::LogicalType& expected = duckdb::LogicalType::INVALID) {
    auto result = ReadParameter(*connection_.context, ipc::Parameter{std::move(value), format}, 1,
                                declared, expected);
    return result;
  }
  std::string Shown(std::optional<std::string> value, uint16_t format, uint32_t declared,
                    const duckdb::LogicalType& expected = duckdb::LogicalType::INVALID) {
    const auto result = Read(std::move(value), format, declared, expected);
    if (!result) return "ERROR " + std::string(CodesOf(result.error().kind).name);
    return result->type().ToString() + " " + result->ToString();
  }
  std::string Name(ErrorKind kind) { return "ERROR " + std::string(CodesOf(kind).name); }

  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_{database_};
};

sql::Emitted EmittedOf(std::string text,
                       std::vector<std::pair<uint32_t, uint32_t>> positions = {}) {
  sql::Emitted emitted;
  emitted.text = std::move(text);
  emitted.positions = std::move(positions);
  return emitted;
}

TEST(DeclareParameters, WritesCastsOfDeclaredTypes) {
  struct Row {
    const char* text;
    std::vector<uint32_t> types;
    Declare declare;
    const char* expected;
  };
  const Row rows[] = {
      {"select $1", {oid::kInt8}, Declare::kKnown, "select CAST($1 AS BIGINT)"},
      {"select $1", {0}, Declare::kKnown, "select $1"},
      {"select $1", {}, Declare::kKnown, "select $1"},
      {"select $1", {}, Declare::kAll, "select CAST($1 AS VARCHAR)"},
      {"select $1, $2", {0, oid::kDate}, Declare::kKnown, "select $1, CAST($2 AS DATE)"},
      {"select $1, $2",
       {0, oid::kDate},
       Declare::kAll,
       "select CAST($1 AS VARCHAR), CAST($2 AS DATE)"},
      {"select $1", {oid::kNumeric}, Declare::kKnown, "select $1"},
      {"select $1", {oid::kNumeric}, Declare::kAll, "select CAST($1 AS DECIMAL(38,10))"},
      {"select $1, $2",
       {oid::kNumeric},
       Declare::kAllButNumerics,
       "select $1, CAST($2 AS VARCHAR)"},
      {"select $1", {oid::kUnknown}, Declare::kKnown, "select $1"},
      {"select $1", {424242}, Declare::kKnown, "select $1"},
      {"select $1", {424242}, Declare::kAll, "select CAST($1 AS VARCHAR)"},
      {"select $1", {oid::kSuper}, Declare::kKnown, "select CAST($1 AS VARCHAR)"},
      {"$1", {oid::kText}, Declare::kKnown, "CAST($1 AS VARCHAR)"},
      {"select '$1', \"$1\", $1",
       {oid::kInt4},
       Declare::kKnown,
       "select '$1', \"$1\", CAST($1 AS INTEGER)"},
      {"select 'it''s $1', $1",
       {oid::kInt4},
       Declare::kKnown,
       "select 'it''s $1', CAST($1 AS INTEGER)"},
      {"select \"a\"\"$1\", $1",
       {oid::kInt4},
       Declare::kKnown,
       "select \"a\"\"$1\", CAST($1 AS INTEGER)"},
      {"select 'never closed $1", {oid::kInt4}, Declare::kKnown, "select 'never closed $1"},
      {"select $10, $1", {oid::kInt4}, Declare::kKnown, "select $10, CAST($1 AS INTEGER)"},
      {"select $0, $", {oid::kInt4}, Declare::kKnown, "select $0, $"},
      {"", {oid::kInt4}, Declare::kKnown, ""},
      {"select $99999999999999999999",
       {oid::kInt4},
       Declare::kKnown,
       "select $99999999999999999999"},
  };
  for (const auto& row : rows) {
    auto emitted = EmittedOf(row.text);
    DeclareParameters(emitted, row.types, row.declare);
    EXPECT_EQ(emitted.text, row.expected);
  }
}

TEST(DeclareParameters, MovesPositionsAlong) {
  //                      0      7   11    17
  auto emitted = EmittedOf("select $1, 'x$1', \"c\"", {{0, 1}, {7, 8}, {11, 12}, {18, 30}});
  DeclareParameters(emitted, {oid::kInt8}, Declare::kKnown);
  ASSERT_EQ(emitted.text, "select CAST($1 AS BIGINT), 'x$1', \"c\"");
  EXPECT_EQ(emitted.positions,
            (std::vector<std::pair<uint32_t, uint32_t>>{{0, 1}, {7, 8}, {27, 12}, {34, 30}}));
  EXPECT_EQ(sql::UserPosition(emitted, 34), 30u);
}

TEST_F(ParametersTest, ReadsText) {
  struct Row {
    const char* text;
    uint32_t declared;
    const char* expected;
  };
  const Row rows[] = {{"5", oid::kInt2, "SMALLINT 5"},
                      {"-2147483648", oid::kInt4, "INTEGER -2147483648"},
                      {"9223372036854775807", oid::kInt8, "BIGINT 9223372036854775807"},
                      {"1.5", oid::kFloat4, "FLOAT 1.5"},
                      {"NaN", oid::kFloat8, "DOUBLE nan"},
                      {"-Infinity", oid::kFloat8, "DOUBLE -inf"},
                      {"12.30", oid::kNumeric, "DECIMAL(4,2) 12.30"},
                      {"-0.5", oid::kNumeric, "DECIMAL(2,1) -0.5"},
                      {"7", oid::kNumeric, "DECIMAL(1,0) 7"},
                      {"1e3", oid::kNumeric, "DOUBLE 1000.0"},
                      {"NaN", oid::kNumeric, "DOUBLE nan"},
                      {"99999999999999999999999999999999999999", oid::kNumeric,
                       "DECIMAL(38,0) 99999999999999999999999999999999999999"},
                      {"t", oid::kBool, "BOOLEAN true"},
                      {"false", oid::kBool, "BOOLEAN false"},
                      {"Grüße", oid::kVarchar, "VARCHAR Grüße"},
                      {"", oid::kText, "VARCHAR "},
                      {"2024-02-29", oid::kDate, "DATE 2024-02-29"},
                      {"infinity", oid::kDate, "DATE infinity"},
                      {"12:34:56.789", oid::kTime, "TIME 12:34:56.789"},
                      {"2024-02-29 12:00:00", oid::kTimestamp, "TIMESTAMP 2024-02-29 12:00:00"},
                      {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", oid::kUuid,
                       "UUID a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
                      {"\\x00ff", oid::kBytea, "BLOB \\x00\\xFF"},
                      {"\\x", oid::kBytea, "BLOB "},
                      {"{\"a\":1}", oid::kSuper, "VARCHAR {\"a\":1}"},
                      {"5", 0, "VARCHAR 5"}};
  for (const auto& row : rows)
    EXPECT_EQ(Shown(row.text, kText, row.declared), row.expected) << row.text;
  EXPECT_EQ(Shown("5", kText, 0, duckdb::LogicalType::SMALLINT), "SMALLINT 5")
      << "what the engine expects decides";
  EXPECT_EQ(Shown("5", kText, 424242, duckdb::LogicalType::SMALLINT), "SMALLINT 5");
}

TEST_F(ParametersTest, ReadsBinary) {
  struct Row {
    const char* hex;
    uint32_t declared;
    const char* expected;
  };
  const Row rows[] = {
      {"01", oid::kBool, "BOOLEAN true"},
      {"00", oid::kBool, "BOOLEAN false"},
      {"8000", oid::kInt2, "SMALLINT -32768"},
      {"ffffffff", oid::kInt4, "INTEGER -1"},
      {"8000000000000000", oid::kInt8, "BIGINT -9223372036854775808"},
      {"0005", oid::kInt8, "BIGINT 5"},
      {"0000000000000005", oid::kInt2, "SMALLINT 5"},
      {"3fc00000", oid::kFloat4, "FLOAT 1.5"},
      {"3ff8000000000000", oid::kFloat8, "DOUBLE 1.5"},
      {"3fc00000", oid::kFloat8, "DOUBLE 1.5"},
      {"7ff8000000000000", oid::kFloat8, "DOUBLE nan"},
      {"6162", oid::kVarchar, "VARCHAR ab"},
      {"", oid::kVarchar, "VARCHAR "},
      {"00ff", oid::kBytea, "BLOB \\x00\\xFF"},
      {"00002279", oid::kDate, "DATE 2024-02-29"},
      {"7fffffff", oid::kDate, "DATE infinity"},
      {"80000000", oid::kDate, "DATE -infinity"},
      {"fff49d7b", oid::kDate, "DATE 0044-03-15 (BC)"},
      {"0000000a8be62608", oid::kTime, "TIME 12:34:56.789"},
      {"000000141dd76000", oid::kTime, "TIME 24:00:00"},
      {"0002b58cd363bfff", oid::kTimestamp, "TIMESTAMP 2024-02-29 23:59:59.999999"},
      {"7fffffffffffffff", oid::kTimestamp, "TIMESTAMP infinity"},
      {"8000000000000000", oid::kTimestamp, "TIMESTAMP -infinity"},
      {"000000036c966ee0fffffffd0000000e", oid::kInterval,
       "INTERVAL 1 year 2 months -3 days 04:05:06.7"},
      {"a0eebc999c0b4ef8bb6d6bb9bd380a11", oid::kUuid, "UUID a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
      {"000200000000000200"
       "6326ac",
       oid::kNumeric, "DECIMAL(4,2) 99.99"},
      {"0001ffff400000020064", oid::kNumeric, "DECIMAL(3,2) -0.01"},
      {"0000000000000002", oid::kNumeric, "DECIMAL(3,2) 0.00"},
      {"0001fffd0000000903e8", oid::kNumeric, "DECIMAL(10,9) 0.000000001"},
      {"00000000c0000000", oid::kNumeric, "DOUBLE nan"},
      {"00000000d0000000", oid::kNumeric, "DOUBLE inf"},
      {"00000000f0000000", oid::kNumeric, "DOUBLE -inf"},
      {"000a0009400000000063270f270f270f270f270f270f270f270f270f", oid::kNumeric,
       "DECIMAL(38,0) -99999999999999999999999999999999999999"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(Shown(Unhex(row.hex), kBinary, row.declared), row.expected) << row.hex;
  EXPECT_EQ(Shown(Unhex("0002b1f9859c3000"), kBinary, oid::kTimestamptz),
            "TIMESTAMP WITH TIME ZONE 2024-01-15 12:00:00+00");
}

TEST_F(ParametersTest, ReadsNullOfEveryType) {
  for (const uint32_t declared : {oid::kBool, oid::kInt8, oid::kNumeric, oid::kVarchar, oid::kDate,
                                  oid::kBytea, uint32_t{0}, uint32_t{424242}}) {
    for (const uint16_t format : {kText, kBinary}) {
      const auto value = Read(std::nullopt, format, declared);
      ASSERT_TRUE(value);
      EXPECT_TRUE(value->IsNull());
    }
  }
  EXPECT_EQ(Read(std::nullopt, kText, oid::kNumeric, duckdb::LogicalType::INTEGER)->type(),
            duckdb::LogicalType::INTEGER);
}

TEST_F(ParametersTest, RefusesTextThatIsNotOfItsType) {
  const std::pair<const char*, uint32_t> rows[] = {{"", oid::kInt4},
                                                   {"x", oid::kInt4},
                                                   {"1;drop", oid::kInt4},
                                                   {"", oid::kNumeric},
                                                   {".", oid::kNumeric},
                                                   {"1.2.3", oid::kNumeric},
                                                   {"--1", oid::kNumeric},
                                                   {"x", oid::kNumeric},
                                                   {"maybe", oid::kBool},
                                                   {"zz", oid::kUuid},
                                                   {"\\x0", oid::kBytea},
                                                   {"\\xzz", oid::kBytea},
                                                   {"\xff\xfe", oid::kVarchar},
                                                   {"a\xc3", oid::kVarchar},
                                                   {"\xed\xa0\x80", oid::kVarchar}};
  for (const auto& [text, declared] : rows)
    EXPECT_EQ(Shown(text, kText, declared), Name(ErrorKind::kInvalidText)) << text;
  EXPECT_EQ(Shown("2024-02-30", kText, oid::kDate), Name(ErrorKind::kDatetimeOutOfRange));
  EXPECT_EQ(Shown("25:00:00", kText, oid::kTime), Name(ErrorKind::kDatetimeOutOfRange));
  EXPECT_EQ(Shown("99999", kText, oid::kInt2), Name(ErrorKind::kNumericOutOfRange));
  EXPECT_EQ(Shown(std::string("a\0b", 3), kText, oid::kVarchar), Name(ErrorKind::kInvalidText))
      << "PostgreSQL has no zero byte in text";
  EXPECT_EQ(Shown(std::string("a\0b", 3), kBinary, oid::kVarchar), Name(ErrorKind::kInvalidText));
  EXPECT_EQ(Shown("1", 2, oid::kInt4), Name(ErrorKind::kProtocolViolation));
  EXPECT_EQ(Shown("1", 0xffff, oid::kInt4), Name(ErrorKind::kProtocolViolation));
}

TEST_F(ParametersTest, RefusesBinaryOfTheWrongLength) {
  struct Row {
    uint32_t declared;
    std::vector<size_t> right;
  };
  const Row rows[] = {{oid::kBool, {1}},
                      {oid::kInt2, {2, 4, 8}},
                      {oid::kInt4, {2, 4, 8}},
                      {oid::kInt8, {2, 4, 8}},
                      {oid::kFloat4, {4}},
                      {oid::kFloat8, {4, 8}},
                      {oid::kDate, {4}},
                      {oid::kTime, {8}},
                      {oid::kTimestamp, {8}},
                      {oid::kTimestamptz, {8}},
                      {oid::kTimetz, {12}},
                      {oid::kUuid, {16}},
                      {oid::kInterval, {4, 8, 12, 16}}};
  for (const auto& row : rows) {
    for (size_t length = 0; length <= 20; length++) {
      const bool right = std::ranges::find(row.right, length) != row.right.end();
      const std::string shown = Shown(std::string(length, '\0'), kBinary, row.declared);
      EXPECT_EQ(shown == Name(ErrorKind::kInvalidText), !right)
          << row.declared << " with " << length << ": " << shown;
    }
  }
}

TEST_F(ParametersTest, RefusesOddBinaryNumerics) {
  for (const char* hex : {
           "", "00",
           "00000000000000",          // a byte short
           "00010000000000000001ff",  // a byte more than it says
           "0002000000000000"
           "0001",  // a digit less than it says
           "ffff000000000000"
           "0001",                  // 65535 digits
           "00010000000000002710",  // a digit of 10000
           "0001000000000000ffff",
           "00010000800000000001",  // an unknown sign
           "0001000000010000"
           "0001",
           "00017fff000000000001",  // 10^131068
           "00018000000000000001",  // 10^-131072
           "0001000000004000"
           "0001",  // a scale of 16384
       }) {
    EXPECT_EQ(Shown(Unhex(hex), kBinary, oid::kNumeric), Name(ErrorKind::kInvalidText)) << hex;
  }
  EXPECT_EQ(Shown(Unhex("0001ffc000003fff0001"), kBinary, oid::kNumeric).substr(0, 6), "DOUBLE")
      << "the smallest that is read";
  EXPECT_EQ(Shown(Unhex("00010040000000000001"), kBinary, oid::kNumeric).substr(0, 6), "DOUBLE")
      << "the largest that is read";
}

TEST_F(ParametersTest, RefusesMomentsThatTheEngineCannotHold) {
  for (const char* hex : {"7ffffffe", "7ffffff0"})
    EXPECT_EQ(Shown(Unhex(hex), kBinary, oid::kDate), Name(ErrorKind::kInvalidText)) << hex;
  EXPECT_EQ(Shown(Unhex("7ffffffffffffffe"), kBinary, oid::kTimestamp),
            Name(ErrorKind::kInvalidText));
  EXPECT_EQ(Shown(Unhex("ffffffffffffffff"), kBinary, oid::kTime), Name(ErrorKind::kInvalidText));
  EXPECT_EQ(Shown(Unhex("000000141dd76001"), kBinary, oid::kTime), Name(ErrorKind::kInvalidText));
}

TEST_F(ParametersTest, SurvivesAnyBytesAsAnyType) {
  uint64_t seed = 88172645463325252;
  const auto next = [&] {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
  };
  const uint32_t types[] = {oid::kBool,
                            oid::kBytea,
                            oid::kName,
                            oid::kInt8,
                            oid::kInt2,
                            oid::kInt4,
                            oid::kText,
                            oid::kOid,
                            oid::kJson,
                            oid::kFloat4,
                            oid::kFloat8,
                            oid::kUnknown,
                            oid::kBpchar,
                            oid::kVarchar,
                            oid::kDate,
                            oid::kTime,
                            oid::kTimestamp,
                            oid::kTimestamptz,
                            oid::kInterval,
                            oid::kTimetz,
                            oid::kNumeric,
                            oid::kUuid,
                            oid::kSuper,
                            0,
                            1,
                            424242};
  size_t read = 0, refused = 0;
  for (int i = 0; i < 60'000; i++) {
    std::string bytes(next() % 24, '\0');
    for (auto& c : bytes) c = static_cast<char>(next() % 3 == 0 ? next() % 4 : next());
    const auto value =
        Read(bytes, static_cast<uint16_t>(next() % 2), types[next() % std::size(types)]);
    if (value) {
      (void)value->ToString();
      read++;
    } else {
      EXPECT_NE(value.error().kind, ErrorKind::kInternal) << value.error().message;
      refused++;
    }
  }
  EXPECT_GT(read, 1000u);
  EXPECT_GT(refused, 1000u);
}

TEST_F(ParametersTest, NamesNoTypeOfTheEngineThatUsersDoNotKnow) {
  const auto value = Read("70000", kText, oid::kInt2);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().message.find("INT16"), std::string::npos) << value.error().message;
  const auto binary = Read(Unhex("00011170"), kBinary, oid::kInt2);
  ASSERT_FALSE(binary);
  EXPECT_EQ(binary.error().message.find("INT"), std::string::npos) << binary.error().message;
}

}  // namespace
}  // namespace skep::worker
