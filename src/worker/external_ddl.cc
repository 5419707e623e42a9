#include "worker/external_ddl.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "sql/emit/duckdb_catalog.h"

namespace skep::worker {
namespace {

using Json = nlohmann::json;

std::string TextOf(const Json& of, const char* name) {
  const auto found = of.is_object() ? of.find(name) : of.end();
  return of.is_object() && found != of.end() && found->is_string() ? found->get<std::string>()
                                                                   : std::string();
}

// A literal of Redshift's: backslashes escape.
std::string Literal(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\{:03o}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "'";
}

// A name, quoted where it is not one word of small letters.
std::string Name(const std::string& name) {
  const bool plain =
      !name.empty() && (name[0] < '0' || name[0] > '9') && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
      });
  if (plain) return name;
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string TableName(const std::string& schema, const Json& table) {
  const std::string name = Name(TextOf(table, "name"));
  if (!sql::IsAutoMounted(schema)) return Name(schema) + "." + name;
  return std::string(sql::kAutoMounted) + "." + Name(schema.substr(sql::kAutoMounted.size() + 1)) +
         "." + name;
}

// A type as CREATE EXTERNAL TABLE takes it: it has no "string" and no "binary".
std::string TypeOf(const std::string& type) {
  std::string out = Lower(type);
  const auto replace = [&](std::string_view word, std::string_view with) {
    for (size_t at = out.find(word); at != std::string::npos; at = out.find(word, at)) {
      const auto letter = [&](size_t i) {
        return i < out.size() && ((out[i] >= 'a' && out[i] <= 'z') || out[i] == '_' ||
                                  (out[i] >= '0' && out[i] <= '9'));
      };
      // A field of a struct may have the name of a type: it stands before a colon.
      const size_t end = at + word.size();
      if ((at > 0 && letter(at - 1)) || letter(end) || (end < out.size() && out[end] == ':')) {
        at = end;
        continue;
      }
      out.replace(at, word.size(), with);
      at += with.size();
    }
  };
  replace("string", "varchar(16383)");
  replace("binary", "varbyte(65535)");
  replace("double", "double precision");
  replace("tinyint", "smallint");
  return out;
}

std::string Columns(const Json& list, const char* between) {
  std::string out;
  if (!list.is_array()) return out;
  for (const auto& column : list) {
    if (!column.is_array() || column.size() != 2 || !column[0].is_string() ||
        !column[1].is_string())
      continue;
    if (!out.empty()) out += between;
    out += Name(column[0].get<std::string>()) + " " + TypeOf(column[1].get<std::string>());
  }
  return out;
}

// 'k'='v', ... of a JSON text.
std::string Properties(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  std::string out;
  if (!json.is_object()) return out;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string() || key == "EXTERNAL") continue;
    out += (out.empty() ? "" : ", ") + Literal(key) + "=" + Literal(value.get<std::string>());
  }
  return out;
}

}  // namespace

std::string TableDdl(const std::string& schema, const Json& table) {
  std::string out = "CREATE EXTERNAL TABLE " + TableName(schema, table) + " (\n    " +
                    Columns(table.value("columns", Json::array()), ",\n    ") + "\n)";
  if (const auto keys = Columns(table.value("keys", Json::array()), ", "); !keys.empty())
    out += "\nPARTITIONED BY (" + keys + ")";
  if (const auto serde = TextOf(table, "serde"); !serde.empty()) {
    out += "\nROW FORMAT SERDE " + Literal(serde);
    if (const auto properties = Properties(TextOf(table, "serde_parameters")); !properties.empty())
      out += "\nWITH SERDEPROPERTIES (" + properties + ")";
  }
  out += "\nSTORED AS INPUTFORMAT " + Literal(TextOf(table, "input")) + " OUTPUTFORMAT " +
         Literal(TextOf(table, "output"));
  out += "\nLOCATION " + Literal(TextOf(table, "location"));
  if (const auto properties = Properties(TextOf(table, "parameters")); !properties.empty())
    out += "\nTABLE PROPERTIES (" + properties + ")";
  return out + ";";
}

std::string PartitionDdl(const std::string& schema, const Json& table, const Json& partition) {
  std::string values;
  const Json keys = table.value("keys", Json::array());
  const Json given = partition.is_object() ? partition.value("values", Json::array()) : Json();
  for (size_t i = 0; i < keys.size() && i < given.size(); i++) {
    if (!keys[i].is_array() || !keys[i][0].is_string() || !given[i].is_string()) continue;
    values += (values.empty() ? "" : ", ") + Name(keys[i][0].get<std::string>()) + "=" +
              Literal(given[i].get<std::string>());
  }
  return "ALTER TABLE " + TableName(schema, table) + " ADD IF NOT EXISTS PARTITION (" + values +
         ") LOCATION " + Literal(TextOf(partition, "location")) + ";";
}

}  // namespace skep::worker
