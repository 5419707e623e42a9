#include "api/redshift_data/pg_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace skep::redshift_data {
namespace {

constexpr size_t kMaxColumns =
    1664;  // Redshift's limit of columns in a target list is 1,600; PostgreSQL's 1,664

enum class Member : uint8_t { kLong, kDouble, kBoolean, kString };

struct Type {
  uint32_t oid;
  std::string_view name;
  Member member;
  int32_t precision;  // 0: by modifier
  int32_t scale;
  bool is_signed;
  bool is_case_sensitive;
};

constexpr std::array kTypes = std::to_array<Type>({
    {16, "bool", Member::kBoolean, 1, 0, false, false},
    {18, "char", Member::kString, 1, 0, false, true},
    {19, "name", Member::kString, 63, 0, false, true},
    {20, "int8", Member::kLong, 19, 0, true, false},
    {21, "int2", Member::kLong, 5, 0, true, false},
    {23, "int4", Member::kLong, 10, 0, true, false},
    {25, "text", Member::kString, 0, 0, false, true},
    {26, "oid", Member::kLong, 10, 0, false, false},
    {700, "float4", Member::kDouble, 8, 8, true, false},
    {701, "float8", Member::kDouble, 17, 17, true, false},
    {705, "unknown", Member::kString, 0, 0, false, true},
    {1042, "bpchar", Member::kString, 0, 0, false, true},
    {1043, "varchar", Member::kString, 0, 0, false, true},
    {1082, "date", Member::kString, 13, 0, false, false},
    {1083, "time", Member::kString, 15, 6, false, false},
    {1114, "timestamp", Member::kString, 29, 6, false, false},
    {1184, "timestamptz", Member::kString, 35, 6, false, false},
    {1188, "intervaly2m", Member::kString, 0, 0, false, false},
    {1190, "intervald2s", Member::kString, 0, 0, false, false},
    {1266, "timetz", Member::kString, 21, 6, false, false},
    {1700, "numeric", Member::kString, 0, 0, true, false},
    {3000, "geometry", Member::kString, 0, 0, false, false},
    {3001, "geography", Member::kString, 0, 0, false, false},
    {4000, "super", Member::kString, 0, 0, false, true},
    {6551, "varbyte", Member::kString, 0, 0, false, false},
});
constexpr Type kOther = {0, "varchar", Member::kString, 0, 0, false, true};

const Type& TypeOf(uint32_t oid) {
  const auto found = std::ranges::find(kTypes, oid, &Type::oid);
  return found == kTypes.end() ? kOther : *found;
}

std::unexpected<Error> Malformed(std::string_view what) {
  return Fail(ErrorKind::kProtocolViolation, fmt::format("the stored result is damaged: {}", what));
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsInteger(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || text.size() > 19 || !std::ranges::all_of(text, IsDigit)) return false;
  return text.size() == 1 || text.front() != '0';
}

// A number as JSON spells it (RFC 8259, section 6).
bool IsJsonNumber(std::string_view text) {
  size_t at = text.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && IsDigit(text[at])) at++;
    return at > begin;
  };
  const size_t whole = at;
  if (!digits() || (text[whole] == '0' && at > whole + 1)) return false;
  if (at < text.size() && text[at] == '.') {
    at++;
    if (!digits()) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    at++;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) at++;
    if (!digits()) return false;
  }
  return at == text.size() && text.size() < 64;
}

void AppendField(std::string_view value, Member member, std::string& json) {
  switch (member) {
    case Member::kLong:
      if (!IsInteger(value)) break;
      json.append("{\"longValue\":").append(value).push_back('}');
      return;
    case Member::kDouble:
      // JSON has no infinities; AWS's JSON protocols spell them as strings.
      if (IsJsonNumber(value)) {
        json.append("{\"doubleValue\":").append(value).push_back('}');
        return;
      }
      if (value != "NaN" && value != "Infinity" && value != "-Infinity") break;
      json.append("{\"doubleValue\":\"").append(value).append("\"}");
      return;
    case Member::kBoolean:
      if (value != "t" && value != "f") break;
      json.append("{\"booleanValue\":").append(value == "t" ? "true" : "false").push_back('}');
      return;
    case Member::kString:
      break;
  }
  json += "{\"stringValue\":";
  AppendJsonString(value, json);
  json += '}';
}

}  // namespace

void AppendJsonString(std::string_view text, std::string& json) {
  const bool plain = std::ranges::all_of(
      text, [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
  if (plain) {
    json.push_back('"');
    json.append(text).push_back('"');
    return;
  }
  json += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string_view TypeName(uint32_t oid) { return TypeOf(oid).name; }

Result<std::optional<Message>> NextMessage(ByteView data, size_t* wanted) {
  if (wanted != nullptr) *wanted = kMessageHeader;
  if (data.size() < kMessageHeader) return std::optional<Message>();
  ByteReader reader(data);
  Message message;
  message.type = static_cast<char>(reader.U8());
  const uint32_t length = reader.U32Be();
  if (length < 4 || length > kMaxMessage) return Malformed("a message's length is out of range");
  message.size = size_t{1} + length;
  if (wanted != nullptr) *wanted = message.size;
  if (data.size() < message.size) return std::optional<Message>();
  message.payload = data.substr(kMessageHeader, length - 4);
  return message;
}

Result<std::vector<Column>> ReadRowDescription(ByteView payload) {
  ByteReader reader(payload);
  const size_t count = reader.U16Be();
  if (count > kMaxColumns) return Malformed("too many columns");
  std::vector<Column> columns;
  columns.reserve(count);
  for (size_t i = 0; i < count && reader.ok(); i++) {
    Column column;
    column.name = reader.CString();
    reader.U32Be();  // table
    reader.U16Be();  // attribute
    column.type_oid = reader.U32Be();
    column.type_size = static_cast<int16_t>(reader.U16Be());
    column.type_modifier = static_cast<int32_t>(reader.U32Be());
    reader.U16Be();  // format
    columns.push_back(std::move(column));
  }
  if (!reader.Done()) return Malformed("a row description has the wrong size");
  return columns;
}

Result<void> AppendRecord(ByteView payload, const std::vector<Column>& columns, std::string& json) {
  ByteReader reader(payload);
  if (reader.U16Be() != columns.size()) return Malformed("a row has the wrong number of columns");
  json += '[';
  for (size_t i = 0; i < columns.size(); i++) {
    if (i > 0) json += ',';
    const uint32_t length = reader.U32Be();
    if (length == 0xffffffffu) {
      json += "{\"isNull\":true}";
      continue;
    }
    if (!reader.ok() || length > reader.left()) return Malformed("a value is longer than its row");
    AppendField(reader.Bytes(length), TypeOf(columns[i].type_oid).member, json);
  }
  json += ']';
  if (!reader.Done()) return Malformed("a row has the wrong size");
  return {};
}

void AppendColumnMetadata(const std::vector<Column>& columns, std::string& json) {
  json += '[';
  for (const Column& column : columns) {
    const Type& type = TypeOf(column.type_oid);
    int32_t precision = type.precision, scale = type.scale;
    const int32_t modifier = column.type_modifier >= 4 ? column.type_modifier - 4 : -1;
    if (type.oid == 1700) {
      precision = modifier < 0 ? 0 : (modifier >> 16) & 0xffff;
      scale = modifier < 0 ? 0 : modifier & 0xffff;
    } else if (precision == 0) {
      precision = modifier < 0 ? 65535 : modifier;
    }
    if (json.back() != '[') json += ',';
    json += fmt::format("{{\"isCaseSensitive\":{},\"isCurrency\":false,\"isSigned\":{},\"label\":",
                        type.is_case_sensitive, type.is_signed);
    AppendJsonString(column.name, json);
    json += ",\"name\":";
    AppendJsonString(column.name, json);
    json += fmt::format(
        ",\"nullable\":1,\"precision\":{},\"scale\":{},\"schemaName\":\"\",\"tableName\":\"\","
        "\"typeName\":\"{}\",\"length\":0}}",
        precision, scale, type.name);
  }
  json += ']';
}

}  // namespace skep::redshift_data
