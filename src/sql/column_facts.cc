#include "sql/column_facts.h"

#include <nlohmann/json.hpp>

namespace skep::sql {

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
  if (by_default) json["by_default"] = true;
  if (distkey) json["distkey"] = true;
  if (sortkey) json["sortkey"] = sortkey;
  if (!comment.empty()) json["comment"] = comment;
  return json.dump();
}

}  // namespace skep::sql
