#include "catalog/crawler/classifier.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "catalog/grok_pattern.h"
#include "catalog/json_members.h"

namespace skep::catalog {
namespace {

using Json = nlohmann::json;

constexpr char kListSeparator = '\x1f';

// The types that fields may be given; the service's names.
std::string FieldType(std::string_view name) {
  if (name.empty() || name == "string") return "string";
  if (name == "byte") return "tinyint";
  if (name == "short") return "smallint";
  if (name == "long") return "bigint";
  if (name == "boolean" || name == "double" || name == "int" || name == "float")
    return std::string(name);
  return {};
}

void ReadGrokClassifier(Classifier& out, const Json& json) {
  const std::string pattern = TextOf(json, "GrokPattern"), custom = TextOf(json, "CustomPatterns");
  const auto expanded = ExpandGrok(pattern, custom);
  if (!expanded) {
    out.problem = expanded.error().message;
    return;
  }
  std::string names, types;
  for (const TypedField& field : expanded->fields) {
    if (!names.empty()) {
      names += kListSeparator;
      types += kListSeparator;
    }
    names += field.name;
    types += field.type;
  }
  out.options = {{"classifier", "grok"},
                 {"format", TextOf(json, "Classification")},
                 {"regex", expanded->regex},
                 {"columns", names},
                 {"types", types}};
  out.properties = {{"grokPattern", pattern}};
  if (!custom.empty()) out.properties.emplace_back("grokCustomPatterns", custom);
}

void ReadCsv(Classifier& out, const Json& json) {
  out.options = {{"classifier", "csv"},
                 {"delimiter", TextOf(json, "Delimiter")},
                 {"quote", TextOf(json, "QuoteSymbol")},
                 {"header", TextOf(json, "ContainsHeader")}};
  std::string names;
  for (const Json& name : MemberOf(json, "Header")) {
    if (!name.is_string()) continue;
    if (!names.empty()) names += kListSeparator;
    names += name.get<std::string>();
  }
  if (!names.empty()) out.options.emplace_back("columns", names);
  if (MemberOf(json, "AllowSingleColumn") == true)
    out.options.emplace_back("single_column", "true");
  if (const std::string serde = TextOf(json, "Serde"); serde != "None" && !serde.empty())
    out.properties.emplace_back("serde", serde);
}

}  // namespace

Result<TypedGrok> ExpandGrok(std::string_view pattern, std::string_view custom) {
  const auto refuse = [](std::string_view why) {
    return Fail(ErrorKind::kInvalidArgument,
                fmt::format("the grok pattern cannot be used: {}", why));
  };
  auto read = ReadGrok(pattern, custom, GrokUse::kClassifying);
  if (!read) return refuse(read.error().message);
  if (read->fields.empty()) return refuse("it names no field (%{PATTERN:field})");
  TypedGrok out{std::move(read->regex), {}};
  for (GrokField& field : read->fields) {
    std::string type = FieldType(field.type);
    if (type.empty()) return refuse(fmt::format("{} is no type of a field", field.type));
    out.fields.push_back({std::move(field.name), std::move(type)});
  }
  return out;
}

Classifier ReadClassifier(const std::string& name, const Json& json) {
  Classifier out{name, {}, {}, {}, {}};
  if (const Json& grok = MemberOf(json, "GrokClassifier"); grok.is_object()) {
    out.type = "grok";
    ReadGrokClassifier(out, grok);
  } else if (const Json& csv = MemberOf(json, "CsvClassifier"); csv.is_object()) {
    out.type = "csv";
    ReadCsv(out, csv);
  } else if (const Json& paths = MemberOf(json, "JsonClassifier"); paths.is_object()) {
    out.type = "json";
    const std::string path = TextOf(paths, "JsonPath");
    out.options = {{"classifier", "json"}, {"path", path}};
    if (path != "$" && path != "$[*]") out.properties = {{"jsonPath", path}};
  } else {
    const Json& xml = MemberOf(json, "XMLClassifier");
    out.type = "xml";
    out.options = {{"classifier", "xml"},
                   {"format", TextOf(xml, "Classification")},
                   {"row_tag", TextOf(xml, "RowTag")}};
  }
  return out;
}

}  // namespace skep::catalog
