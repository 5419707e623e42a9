#include "api/redshift_data/pg_rows.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>

namespace skep::redshift_data {
namespace {

using Json = nlohmann::json;

std::string Row(const std::vector<std::optional<std::string>>& values) {
  ByteWriter w;
  w.U16Be(static_cast<uint16_t>(values.size()));
  for (const auto& value : values) {
    w.U32Be(value ? static_cast<uint32_t>(value->size()) : 0xffffffffu);
    if (value) w.Raw(*value);
  }
  return w.Take();
}
std::string Described(const std::vector<Column>& columns) {
  ByteWriter w;
  w.U16Be(static_cast<uint16_t>(columns.size()));
  for (const Column& c : columns) {
    w.CString(c.name)
        .U32Be(0)
        .U16Be(0)
        .U32Be(c.type_oid)
        .U16Be(static_cast<uint16_t>(c.type_size))
        .U32Be(static_cast<uint32_t>(c.type_modifier))
        .U16Be(0);
  }
  return w.Take();
}
Json Field(uint32_t oid, std::optional<std::string> value) {
  std::string json;
  const auto done = AppendRecord(Row({std::move(value)}), {{"c", oid}}, json);
  return done ? Json::parse(json)[0] : Json(done.error().message);
}

TEST(PgRows, BecomeTheMemberOfTheirType) {
  EXPECT_EQ(Field(21, "-7"), Json({{"longValue", -7}}));
  EXPECT_EQ(Field(20, "9223372036854775807").dump(), "{\"longValue\":9223372036854775807}");
  EXPECT_EQ(Field(701, "1e+20"), Json({{"doubleValue", 1e20}}));
  EXPECT_EQ(Field(701, "NaN"), Json({{"doubleValue", "NaN"}}));
  EXPECT_EQ(Field(16, "f"), Json({{"booleanValue", false}}));
  EXPECT_EQ(Field(1700, "12.340"), Json({{"stringValue", "12.340"}}));
  EXPECT_EQ(Field(1114, "2024-02-29 12:34:56"), Json({{"stringValue", "2024-02-29 12:34:56"}}));
  EXPECT_EQ(Field(99999, "x"), Json({{"stringValue", "x"}}));
  EXPECT_EQ(Field(23, std::nullopt), Json({{"isNull", true}}));
  EXPECT_EQ(Field(1043, ""), Json({{"stringValue", ""}}));
}

TEST(PgRows, NeverBreakTheJson) {
  EXPECT_EQ(Field(1043, "a\"b\\c\n\x01\xc3\xa9"), Json({{"stringValue", "a\"b\\c\n\x01\xc3\xa9"}}));
  EXPECT_EQ(Field(1043, "\xff"), Json({{"stringValue", "\xef\xbf\xbd"}}));
  EXPECT_EQ(Field(23, "1,\"x\":2"), Json({{"stringValue", "1,\"x\":2"}}));
  EXPECT_EQ(Field(701, "1]"), Json({{"stringValue", "1]"}}));
  EXPECT_EQ(Field(16, "true"), Json({{"stringValue", "true"}}));
}

TEST(PgRows, AreRefusedWhenCutOrPadded) {
  const std::vector<Column> columns = {{"a", 23}, {"b", 1043}};
  const std::string whole = Row({"1", "text"});
  for (size_t size = 0; size < whole.size(); size++) {
    std::string json;
    EXPECT_FALSE(AppendRecord(whole.substr(0, size), columns, json)) << size;
  }
  std::string json;
  EXPECT_FALSE(AppendRecord(whole + "x", columns, json));
  EXPECT_FALSE(AppendRecord(Row({"1"}), columns, json));
}

TEST(PgRows, DescriptionsAreReadWholeOrNotAtAll) {
  const std::vector<Column> columns = {{"a", 23, 4, -1},
                                       {"?column?", 1700, -1, (10 << 16 | 3) + 4}};
  const std::string whole = Described(columns);
  const auto read = ReadRowDescription(whole);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[1].name, "?column?");
  for (size_t size = 0; size < whole.size(); size++)
    EXPECT_FALSE(ReadRowDescription(whole.substr(0, size))) << size;
  std::string json;
  AppendColumnMetadata(*read, json);
  const Json metadata = Json::parse(json);
  EXPECT_EQ(metadata[0]["typeName"], "int4");
  EXPECT_EQ(metadata[0]["precision"], 10);
  EXPECT_EQ(metadata[1]["precision"], 10);
  EXPECT_EQ(metadata[1]["scale"], 3);
}

TEST(PgRows, MessagesAreFramedByTheirLength) {
  ByteWriter w;
  w.U8('D').U32Be(6).Raw("ab");
  const std::string bytes = w.Take();
  size_t wanted = 0;
  for (size_t size = 0; size < bytes.size(); size++) {
    const auto none = NextMessage(ByteView(bytes).substr(0, size), &wanted);
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none);
  }
  EXPECT_EQ(wanted, bytes.size());
  const std::string longer = bytes + "more";
  const auto message = NextMessage(longer);
  ASSERT_TRUE(message && *message);
  EXPECT_EQ((*message)->payload, "ab");
  EXPECT_EQ((*message)->size, bytes.size());
  EXPECT_FALSE(NextMessage(std::string("D\x00\x00\x00\x03", 5)));
  EXPECT_FALSE(NextMessage(std::string("D\x40\x00\x00\x00", 5)));
}

}  // namespace
}  // namespace skep::redshift_data
