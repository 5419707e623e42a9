#include "lake/remote_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace skep::lake {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxPlanBytes = 256u << 10, kMaxDepth = 32, kMaxNodes = 2000;
constexpr std::string_view kLongText = "varchar(65535)";

// Source: PostgreSQL's src/include/catalog/pg_type.dat.
enum TypeOid : uint32_t {
  kBool = 16,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kText = 25,
  kFloat4 = 700,
  kFloat8 = 701,
  kBpchar = 1042,
  kVarchar = 1043,
  kDate = 1082,
  kTimestamp = 1114,
  kTimestampTz = 1184,
  kNumeric = 1700,
};

std::unexpected<Error> Malformed(std::string_view what) {
  return Fail(ErrorKind::kProtocolViolation,
              fmt::format("a remote scan's plan is wrong: {}", what));
}

bool IsText(const RemoteColumn& column) {
  return column.type.starts_with("varchar") || column.type.starts_with("char");
}

// What a constant of a column's type is cast to.
std::string CastOf(const RemoteColumn& column) {
  if (column.as_text || column.type.starts_with("varchar")) return "text";
  if (column.type.starts_with("char")) return "bpchar";
  if (column.type.starts_with("decimal")) return "numeric";
  if (column.type == "float") return "real";
  if (column.type == "double") return "double precision";
  return column.type;  // smallint, int, bigint, boolean, date, timestamp, timestamptz
}

std::string ValueOf(const RemoteColumn& column) {
  return QuoteRemoteName(column.name) + (column.as_text ? "::text" : "");
}

class FilterWriter {
 public:
  explicit FilterWriter(const RemoteTable& table) : table_(table) {}

  Result<void> Write(const Json& tree, size_t depth) {
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes) return Malformed("the filter is too large");
    if (!tree.is_object()) return Malformed("a filter is no object");
    SKEP_TRY_ASSIGN(const std::string op, TextOf(tree, "op"));
    if (op == "and" || op == "or") return WriteAll(tree, op, depth);
    SKEP_TRY_ASSIGN(const RemoteColumn* column, ColumnOf(tree));
    if (op == "null" || op == "not null") {
      text += "(" + ValueOf(*column) + (op == "null" ? " is null)" : " is not null)");
      return {};
    }
    if (op == "in") return WriteIn(tree, *column);
    static constexpr std::string_view kOperators[] = {"=", "<>", "<", "<=", ">", ">="};
    if (std::ranges::find(kOperators, op) == std::end(kOperators))
      return Malformed("an unknown operator");
    if (IsText(*column) && op != "=") return Malformed("texts have no order here");
    SKEP_TRY_ASSIGN(const std::string value, TextOf(tree, "value"));
    SKEP_TRY_ASSIGN(const std::string constant, Constant(*column, value));
    text += fmt::format("({} {} {})", ValueOf(*column), op, constant);
    return {};
  }

  std::string text;

 private:
  static Result<std::string> TextOf(const Json& tree, const char* name) {
    const auto found = tree.find(name);
    if (found == tree.end() || !found->is_string())
      return Malformed(fmt::format("{} is no text", name));
    return found->get<std::string>();
  }

  Result<const RemoteColumn*> ColumnOf(const Json& tree) const {
    const auto found = tree.find("column");
    if (found == tree.end() || !found->is_number_unsigned() ||
        found->get<uint64_t>() >= table_.columns.size())
      return Malformed("there is no such column");
    return &table_.columns[found->get<uint64_t>()];
  }

  static Result<std::string> Constant(const RemoteColumn& column, const std::string& value) {
    if (value.find('\0') != std::string::npos) return Malformed("a value holds a zero byte");
    return QuoteRemoteText(value) + "::" + CastOf(column);
  }

  Result<void> WriteAll(const Json& tree, const std::string& op, size_t depth) {
    const auto of = tree.find("of");
    if (of == tree.end() || !of->is_array() || of->empty()) return Malformed("an empty list");
    text += "(";
    for (size_t i = 0; i < of->size(); i++) {
      if (i > 0) text += " " + op + " ";
      SKEP_TRY(Write((*of)[i], depth + 1));
    }
    text += ")";
    return {};
  }

  Result<void> WriteIn(const Json& tree, const RemoteColumn& column) {
    const auto values = tree.find("values");
    if (values == tree.end() || !values->is_array() || values->empty())
      return Malformed("an empty list");
    text += "(" + ValueOf(column) + " in (";
    for (size_t i = 0; i < values->size(); i++) {
      if (++nodes_ > kMaxNodes) return Malformed("the filter is too large");
      if (!(*values)[i].is_string()) return Malformed("a value is no text");
      SKEP_TRY_ASSIGN(const std::string constant,
                      Constant(column, (*values)[i].get<std::string>()));
      text += (i > 0 ? ", " : "") + constant;
    }
    text += "))";
    return {};
  }

  const RemoteTable& table_;
  size_t nodes_ = 0;
};

}  // namespace

RemoteColumn DescribeRemoteColumn(std::string name, uint32_t type_oid, int32_t modifier,
                                  std::string remote_type) {
  constexpr int32_t kHeader = 4;  // of a modifier
  constexpr int32_t kMaxText = 65535, kMaxChar = 4096, kMaxPrecision = 38;
  RemoteColumn column{std::move(name), {}, std::move(remote_type)};
  const int32_t length = modifier >= kHeader ? modifier - kHeader : -1;
  switch (type_oid) {
    case kBool:
      column.type = "boolean";
      break;
    case kInt2:
      column.type = "smallint";
      break;
    case kInt4:
      column.type = "int";
      break;
    case kInt8:
      column.type = "bigint";
      break;
    case kFloat4:
      column.type = "float";
      break;
    case kFloat8:
      column.type = "double";
      break;
    case kDate:
      column.type = "date";
      break;
    case kTimestamp:
      column.type = "timestamp";
      break;
    case kTimestampTz:
      column.type = "timestamptz";
      break;
    case kText:
      column.type = kLongText;
      break;
    case kVarchar:
      column.type = length > 0 ? fmt::format("varchar({})", std::min(length, kMaxText)) : kLongText;
      break;
    case kBpchar:
      if (length > 0 && length <= kMaxChar) column.type = fmt::format("char({})", length);
      break;
    case kNumeric: {
      const int32_t precision = length >> 16, scale = length & 0x7ff;
      if (length >= 0 && precision >= 1 && precision <= kMaxPrecision && scale <= precision)
        column.type = fmt::format("decimal({},{})", precision, scale);
      break;
    }
    default:
      break;
  }
  if (column.type.empty()) {
    column.type = kLongText;
    column.as_text = true;
  }
  return column;
}

std::string QuoteRemoteName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string QuoteRemoteText(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted + "'";
}

Result<std::string> WriteRemoteScan(const RemoteTable& table, std::string_view plan) {
  if (plan.size() > kMaxPlanBytes) return Malformed("it is too large");
  const Json json = Json::parse(plan, nullptr, false);
  if (!json.is_object()) return Malformed("it is no object");
  const auto columns = json.find("columns");
  if (columns == json.end() || !columns->is_array() || columns->size() > table.columns.size())
    return Malformed("columns is no list of them");
  std::string text = "copy (select ";
  for (size_t i = 0; i < columns->size(); i++) {
    const Json& number = (*columns)[i];
    if (!number.is_number_unsigned() || number.get<uint64_t>() >= table.columns.size())
      return Malformed("there is no such column");
    const RemoteColumn& column = table.columns[number.get<uint64_t>()];
    // The text of a CHAR has no trailing blanks.
    const bool blanks = column.type.starts_with("char");
    text += (i > 0 ? ", " : "") + QuoteRemoteName(column.name) +
            (column.as_text || blanks ? "::text" : "");
  }
  text += " from " + QuoteRemoteName(table.schema) + "." + QuoteRemoteName(table.name);
  if (const auto filter = json.find("filter"); filter != json.end() && !filter->is_null()) {
    FilterWriter writer(table);
    SKEP_TRY(writer.Write(*filter, 0));
    text += " where " + writer.text;
  }
  if (const auto limit = json.find("limit"); limit != json.end()) {
    if (!limit->is_number_unsigned() || limit->get<uint64_t>() > INT64_MAX)
      return Malformed("limit is no number of rows");
    text += fmt::format(" limit {}", limit->get<uint64_t>());
  }
  return text + ") to stdout (format binary)";
}

}  // namespace skep::lake
