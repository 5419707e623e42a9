#include "worker/external_scan/remote_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>

namespace skep::external_scan {
namespace {

using duckdb::LogicalType;
using testing::HasSubstr;

std::string Be(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; i--) text += static_cast<char>(value >> (8 * i));
  return text;
}
std::string Field(const std::string& bytes) { return Be(bytes.size(), 4) + bytes; }
std::string Null() { return Be(0xffffffff, 4); }
const std::string kHeader = std::string("PGCOPY\n\xff\r\n\0", 11) + Be(0, 4) + Be(0, 4);
const std::string kEnd = Be(0xffff, 2);

std::string Numeric(std::vector<int> digits, int weight, int sign, int scale) {
  std::string text = Be(digits.size(), 2) + Be(static_cast<uint64_t>(weight), 2) +
                     Be(static_cast<uint64_t>(sign), 2) + Be(static_cast<uint64_t>(scale), 2);
  for (const int digit : digits) text += Be(static_cast<uint64_t>(digit), 2);
  return text;
}

struct Table {
  explicit Table(std::vector<LogicalType> types) : rows(types, "ext.t") {
    duckdb::vector<LogicalType> of(types.begin(), types.end());
    chunk.Initialize(duckdb::Allocator::DefaultAllocator(), of);
    for (size_t i = 0; i < types.size(); i++) targets.push_back(i);
  }
  Result<size_t> Decode(size_t room = 100) { return rows.Decode(chunk, targets, 0, room); }
  std::string At(size_t column, size_t row) { return chunk.GetValue(column, row).ToString(); }

  RemoteRows rows;
  duckdb::DataChunk chunk;
  std::vector<size_t> targets;
};

// One row of one value.
Result<std::string> One(const LogicalType& type, const std::string& bytes) {
  Table table({type});
  table.rows.Append(kHeader + Be(1, 2) + Field(bytes) + kEnd);
  SKEP_TRY_ASSIGN(const size_t rows, table.Decode());
  EXPECT_EQ(rows, 1u);
  EXPECT_TRUE(table.rows.done());
  table.chunk.SetCardinality(1);
  return table.At(0, 0);
}

TEST(RemoteRows, DecodesEveryType) {
  const struct {
    LogicalType type;
    std::string bytes;
    const char* text;
  } kRows[] = {
      {LogicalType::BOOLEAN, "\x01", "true"},
      {LogicalType::SMALLINT, Be(0xfffe, 2), "-2"},
      {LogicalType::INTEGER, Be(70000, 4), "70000"},
      {LogicalType::BIGINT, Be(static_cast<uint64_t>(INT64_MIN), 8), "-9223372036854775808"},
      {LogicalType::FLOAT, Be(std::bit_cast<uint32_t>(1.5f), 4), "1.5"},
      {LogicalType::DOUBLE, Be(0x7ff8000000000000, 8), "nan"},
      {LogicalType::VARCHAR, "h\xc3\xa9llo", "h\xc3\xa9llo"},
      {LogicalType::VARCHAR, "", ""},
      {LogicalType::DATE, Be(0, 4), "2000-01-01"},
      {LogicalType::DATE, Be(static_cast<uint32_t>(-730485), 4), "0001-01-01 (BC)"},
      {LogicalType::TIMESTAMP, Be(1, 8), "2000-01-01 00:00:00.000001"},
      {LogicalType::DECIMAL(10, 2), Numeric({1, 2345, 6700}, 1, 0, 2), "12345.67"},
      {LogicalType::DECIMAL(10, 2), Numeric({1, 2345, 6700}, 1, 0x4000, 2), "-12345.67"},
      {LogicalType::DECIMAL(4, 4), Numeric({5}, -1, 0, 4), ".0005"},
      {LogicalType::DECIMAL(18, 3), Numeric({}, 0, 0, 3), "0.000"},
      {LogicalType::DECIMAL(38, 0),
       Numeric({99, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999}, 9, 0, 0),
       "99999999999999999999999999999999999999"},
      {LogicalType::DECIMAL(38, 0), Numeric({10}, 0, 0x4000, 0), "-10"},
  };
  for (const auto& row : kRows) {
    const auto value = One(row.type, row.bytes);
    ASSERT_TRUE(value) << row.text << ": " << value.error().message;
    EXPECT_EQ(*value, row.text);
  }
}

TEST(RemoteRows, DecodesNullsByteByByteAndInPieces) {
  const std::string bytes = kHeader + Be(2, 2) + Field(Be(7, 4)) + Null() + Be(2, 2) + Null() +
                            Field("x") + Be(2, 2) + Field(Be(9, 4)) + Field("yy") + kEnd;
  Table table({LogicalType::INTEGER, LogicalType::VARCHAR});
  size_t at = 0;
  for (const char c : bytes) {
    table.rows.Append(std::string_view(&c, 1));
    const auto more = table.rows.Decode(table.chunk, table.targets, at, 100 - at);
    ASSERT_TRUE(more) << more.error().message;
    at += *more;
  }
  EXPECT_EQ(at, 3u);
  EXPECT_TRUE(table.rows.done());
  table.chunk.SetCardinality(3);
  EXPECT_EQ(table.At(0, 0), "7");
  EXPECT_EQ(table.At(1, 0), "NULL");
  EXPECT_EQ(table.At(0, 1), "NULL");
  EXPECT_EQ(table.At(1, 1), "x");
  EXPECT_EQ(table.At(0, 2), "9");
  EXPECT_EQ(table.At(1, 2), "yy");
}

TEST(RemoteRows, StopsWhereThereIsNoRoom) {
  std::string bytes = kHeader;
  for (int i = 0; i < 5; i++) bytes += Be(1, 2) + Field(Be(static_cast<uint64_t>(i), 2));
  Table table({LogicalType::SMALLINT});
  table.rows.Append(bytes + kEnd);
  EXPECT_EQ(*table.Decode(2), 2u);
  EXPECT_FALSE(table.rows.done());
  EXPECT_EQ(*table.Decode(3), 3u);
  EXPECT_EQ(*table.Decode(3), 0u);
  EXPECT_TRUE(table.rows.done());
}

TEST(RemoteRows, CountsRowsWithoutColumns) {
  Table table(std::vector<LogicalType>{});
  table.rows.Append(kHeader + Be(0, 2) + Be(0, 2) + kEnd);
  RemoteRows& rows = table.rows;
  EXPECT_EQ(*rows.Decode(table.chunk, {}, 0, 100), 2u);
  EXPECT_TRUE(rows.done());
}

TEST(RemoteRows, RefusesWhatItsTypesCannotHold) {
  const struct {
    LogicalType type;
    std::string bytes;
    ErrorKind kind;
  } kRows[] = {
      {LogicalType::BOOLEAN, "\x02", ErrorKind::kDataException},
      {LogicalType::SMALLINT, Be(1, 4), ErrorKind::kDataException},
      {LogicalType::INTEGER, "", ErrorKind::kDataException},
      {LogicalType::BIGINT, Be(1, 4), ErrorKind::kDataException},
      {LogicalType::DOUBLE, Be(1, 4), ErrorKind::kDataException},
      {LogicalType::DATE, Be(INT32_MAX, 4), ErrorKind::kDatetimeOutOfRange},
      {LogicalType::DATE, Be(static_cast<uint32_t>(INT32_MIN), 4), ErrorKind::kDatetimeOutOfRange},
      {LogicalType::DATE, Be(INT32_MAX - 5, 4), ErrorKind::kDatetimeOutOfRange},
      {LogicalType::TIMESTAMP, Be(INT64_MAX, 8), ErrorKind::kDatetimeOutOfRange},
      {LogicalType::TIMESTAMP, Be(static_cast<uint64_t>(INT64_MIN), 8),
       ErrorKind::kDatetimeOutOfRange},
      {LogicalType::TIMESTAMP, Be(INT64_MAX - 1, 8), ErrorKind::kDatetimeOutOfRange},
      {LogicalType::VARCHAR, "\xff\xfe", ErrorKind::kDataException},
      {LogicalType::VARCHAR, std::string("a\0b", 3), ErrorKind::kDataException},
      {LogicalType::VARCHAR, std::string(65536, 'x'), ErrorKind::kStringTooLong},
      {LogicalType::DECIMAL(4, 2), Numeric({100}, 0, 0, 2), ErrorKind::kNumericOutOfRange},
      {LogicalType::DECIMAL(4, 2), Numeric({}, 0, 0xc000, 0), ErrorKind::kNumericOutOfRange},
      {LogicalType::DECIMAL(4, 2), Numeric({}, 0, 0xd000, 0), ErrorKind::kNumericOutOfRange},
      {LogicalType::DECIMAL(4, 2), Numeric({1}, 32767, 0, 0), ErrorKind::kNumericOutOfRange},
      {LogicalType::DECIMAL(4, 2), Numeric({1}, -32768, 0, 0), ErrorKind::kNumericOutOfRange},
      {LogicalType::DECIMAL(4, 2), Numeric({1234}, -1, 0, 4), ErrorKind::kNumericOutOfRange},
      {LogicalType::DECIMAL(4, 2), Numeric({10000}, 0, 0, 0), ErrorKind::kDataException},
      {LogicalType::DECIMAL(4, 2), Be(5, 2) + Be(0, 6), ErrorKind::kDataException},
      {LogicalType::DECIMAL(4, 2), "", ErrorKind::kDataException},
      {LogicalType::DECIMAL(38, 0),
       Numeric({9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999}, 9, 0, 0),
       ErrorKind::kNumericOutOfRange},
      {LogicalType::BLOB, "x", ErrorKind::kDataException},
  };
  for (const auto& row : kRows) {
    const auto value = One(row.type, row.bytes);
    ASSERT_FALSE(value) << row.type.ToString() << " " << *value;
    EXPECT_EQ(value.error().kind, row.kind) << row.type.ToString() << value.error().message;
    EXPECT_THAT(value.error().message, HasSubstr("ext.t"));
  }
}

TEST(RemoteRows, RefusesStreamsThatAreNotRows) {
  const std::string kStreams[] = {
      "PGCOPY\n\xff\r\r",
      "HTTP/1.1 400 Bad Request\r\n",
      std::string(100, '\0'),
      std::string("PGCOPY\n\xff\r\n\0", 11) + Be(1 << 16, 4) + Be(0, 4),
      std::string("PGCOPY\n\xff\r\n\0", 11) + Be(0, 4) + Be(0xffffffff, 4),
      kHeader + Be(2, 2) + Null() + Null(),
      kHeader + Be(0, 2),
      kHeader + Be(0x8000, 2),
      kHeader + Be(1, 2) + Be(0xfffffffe, 4),
      kHeader + Be(1, 2) + Be(0x7fffffff, 4),
      kHeader + kEnd + "more",
  };
  for (const std::string& stream : kStreams) {
    Table table({LogicalType::INTEGER});
    table.rows.Append(stream);
    const auto rows = table.Decode();
    ASSERT_FALSE(rows) << testing::PrintToString(stream);
    EXPECT_EQ(rows.error().kind, ErrorKind::kDataException);
    EXPECT_THAT(rows.error().message, HasSubstr("cannot be read"));
  }
}

TEST(RemoteRows, AnEndWithoutATrailerIsNotDone) {
  Table table({LogicalType::INTEGER});
  table.rows.Append(kHeader + Be(1, 2) + Field(Be(1, 4)) + Be(1, 2) + Be(4, 4) + "ab");
  EXPECT_EQ(*table.Decode(), 1u);
  EXPECT_FALSE(table.rows.done());
}

}  // namespace
}  // namespace skep::external_scan
