#include "sql/column_facts.h"

#include <nlohmann/json.hpp>

namespace skep::sql {

namespace {

std::string Written(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

bool NeedsDeclaring(const Type& type) {
  switch (type.kind) {
    case TypeKind::kChar:
    case TypeKind::kVarchar:
    case TypeKind::kVarbyte:
    case TypeKind::kIntervalYearToMonth:
    case TypeKind::kIntervalDayToSecond:
      return true;
    default:
      return false;
  }
}

ColumnFacts ColumnFacts::Read(std::string_view text) {
  ColumnFacts facts;
  if (text.starts_with('{')) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_object()) {
      const auto read = [&](const char* key) { return json.value(key, std::string()); };
      facts.type = ParseCompactType(read("type"));
      facts.encoding = read("encoding");
      facts.default_text = read("default");
      facts.identity = read("identity");
      facts.sequence = read("sequence");
      facts.by_default = json.value("by_default", false);
      facts.distkey = json.value("distkey", false);
      facts.sortkey = json.value("sortkey", 0);
      facts.comment = read("comment");
      return facts;
    }
  }
  facts.comment = text;
  return facts;
}

std::string ColumnFacts::Text() const {
  nlohmann::json json = nlohmann::json::object();
  if (type.kind != TypeKind::kUnknown) json["type"] = CompactType(type);
  if (!encoding.empty()) json["encoding"] = encoding;
  if (!default_text.empty()) json["default"] = default_text;
  if (!identity.empty()) json["identity"] = identity;
  if (!sequence.empty()) json["sequence"] = sequence;
  if (by_default) json["by_default"] = true;
  if (distkey) json["distkey"] = true;
  if (sortkey) json["sortkey"] = sortkey;
  if (!comment.empty()) json["comment"] = comment;
  return json.empty() ? std::string() : Written(json);
}

TableFacts TableFacts::Read(std::string_view text) {
  TableFacts facts;
  const auto json =
      text.starts_with('{') ? nlohmann::json::parse(text, nullptr, false) : nlohmann::json();
  if (!json.is_object()) {
    facts.comment = text;
    return facts;
  }
  const auto read = [&](const char* key) { return json.value(key, std::string()); };
  facts.diststyle = read("diststyle");
  facts.sort_style = read("sort_style");
  facts.backup = read("backup");
  facts.encode = read("encode");
  facts.constraints = json.value("constraints", std::vector<std::string>());
  facts.definition = read("definition");
  facts.relations = json.value("relations", size_t{0});
  facts.late_binding = json.value("late_binding", false);
  facts.columns = json.value("columns", std::vector<std::string>());
  facts.depends = json.value("depends", std::vector<std::string>());
  facts.comment = read("comment");
  return facts;
}

std::string TableFacts::Text() const {
  nlohmann::json json = nlohmann::json::object();
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  put("diststyle", diststyle);
  put("sort_style", sort_style);
  put("backup", backup);
  put("encode", encode);
  if (!constraints.empty()) json["constraints"] = constraints;
  put("definition", definition);
  if (relations > 1) json["relations"] = relations;
  if (late_binding) json["late_binding"] = true;
  if (!columns.empty()) json["columns"] = columns;
  if (!depends.empty()) json["depends"] = depends;
  put("comment", comment);
  return json.empty() ? std::string() : Written(json);
}

}  // namespace skep::sql
