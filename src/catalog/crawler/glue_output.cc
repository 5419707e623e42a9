#include "catalog/crawler/glue_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "catalog/json_members.h"

namespace skep::catalog {
namespace {

using Json = nlohmann::json;

std::string Property(const ipc::InferReply& schema, std::string_view name) {
  const auto found = std::ranges::find(schema.properties, name,
                                       [](const auto& p) { return std::string_view(p.first); });
  return found == schema.properties.end() ? std::string() : found->second;
}

std::string DelimiterOf(const ipc::InferReply& schema) {
  return schema.delimiter.empty() ? "," : schema.delimiter;
}

struct Serde {
  std::string library, input = "org.apache.hadoop.mapred.TextInputFormat",
                       output = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";
  Json parameters = Json::object();
};

Serde BinarySerde(const std::string& library, const std::string& formats) {
  return {"org.apache.hadoop.hive." + library,
          "org.apache.hadoop.hive." + formats + "InputFormat",
          "org.apache.hadoop.hive." + formats + "OutputFormat",
          {{"serialization.format", "1"}}};
}

Serde CsvSerde(const ipc::InferReply& schema) {
  Serde out;
  const std::string chosen = Property(schema, "serde");
  if (chosen == "OpenCSVSerDe" || (chosen.empty() && !schema.quote.empty())) {
    const std::string quote = schema.quote.empty() ? "\"" : schema.quote;
    out.library = "org.apache.hadoop.hive.serde2.OpenCSVSerde";
    out.parameters = {{"separatorChar", DelimiterOf(schema)},
                      {"quoteChar", quote},
                      {"escapeChar", schema.escape.empty() ? quote : schema.escape}};
  } else {
    out.library = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe";
    out.parameters = {{"field.delim", DelimiterOf(schema)}};
  }
  return out;
}

Serde SerdeOf(const ipc::InferReply& schema, const std::set<std::string>& names) {
  if (schema.format == "parquet") {
    Serde out = BinarySerde("ql.io.parquet.serde.ParquetHiveSerDe", "ql.io.parquet.MapredParquet");
    return out;
  }
  if (schema.format == "orc") return BinarySerde("ql.io.orc.OrcSerde", "ql.io.orc.Orc");
  if (schema.format == "avro") {
    Serde out = BinarySerde("serde2.avro.AvroSerDe", "ql.io.avro.AvroContainer");
    if (const std::string literal = Property(schema, "avro.schema.literal"); !literal.empty())
      out.parameters["avro.schema.literal"] = literal;
    return out;
  }
  Serde out;
  if (schema.format == "xlsx") return {"", "", ""};     // its classification says how it is read
  if (!Property(schema, "rowTag").empty()) return out;  // of XML; nobody queries it
  if (const std::string pattern = Property(schema, "grokPattern"); !pattern.empty()) {
    out.library = "com.amazonaws.glue.serde.GrokSerDe";
    out.parameters = {{"input.format", pattern}};
    if (const std::string custom = Property(schema, "grokCustomPatterns"); !custom.empty())
      out.parameters["input.grokCustomPatterns"] = custom;
    return out;
  }
  if (schema.format == "json") {
    std::string paths;
    for (const auto& name : names) paths += (paths.empty() ? "" : ",") + name;
    out.library = "org.openx.data.jsonserde.JsonSerDe";
    out.parameters = {{"paths", paths}};
    return out;
  }
  return CsvSerde(schema);
}

}  // namespace

Json CrawledParameters(const PlannedTable& table, const Target& target, const std::string& crawler,
                       uint64_t objects, uint64_t bytes, uint64_t rows) {
  const ipc::InferReply& schema = *table.schema;
  Json p = {
      {"CrawlerSchemaDeserializerVersion", "1.0"},
      {"CrawlerSchemaSerializerVersion", "1.0"},
      {"UPDATED_BY_CRAWLER", crawler},
      {"averageRecordSize", fmt::format("{}", rows > 0 ? std::max<uint64_t>(1, bytes / rows) : 0)},
      {"classification", schema.format},
      {"compressionType", table.kind.compression.empty() ? "none" : table.kind.compression},
      {"objectCount", fmt::format("{}", objects)},
      {"recordCount", fmt::format("{}", rows)},
      {"sizeKey", fmt::format("{}", bytes)},
      {"typeOfData", "file"}};
  if (!target.exclusions.empty()) p["exclusions"] = Json(target.exclusions).dump();
  if (schema.format == "csv" && Property(schema, "grokPattern").empty()) {
    p["areColumnsQuoted"] = schema.quote.empty() ? "false" : "true";
    p["columnsOrdered"] = "true";
    p["delimiter"] = DelimiterOf(schema);
    if (schema.header) p["skip.header.line.count"] = "1";
  }
  for (const char* name :
       {"jsonPath", "grokPattern", "sheet", "skip.header.line.count", "rowTag"}) {
    if (const std::string value = Property(schema, name); !value.empty()) p[name] = value;
  }
  return p;
}

Json CrawledDescriptor(const PlannedTable& table, const Target& target,
                       const std::string& crawler) {
  const ipc::InferReply& schema = *table.schema;
  Json columns = Json::array();
  std::set<std::string> names;
  for (size_t i = 0; i < schema.columns.size(); i++) {
    std::string name = Lower(schema.columns[i].name).substr(0, 255);
    if (name.empty()) name = fmt::format("col{}", i);
    const std::string base = name;
    for (int n = 1; !names.insert(name).second; n++) name = fmt::format("{}_{}", base, n);
    columns.push_back({{"Name", name}, {"Type", schema.columns[i].type}});
  }
  Serde serde = SerdeOf(schema, names);
  if (const std::string encoding = Property(schema, "serialization.encoding");
      !encoding.empty() && encoding != "UTF-8")
    serde.parameters["serialization.encoding"] = encoding;
  return {
      {"Columns", std::move(columns)},
      {"Location", "s3://" + target.bucket + "/" + table.location},
      {"InputFormat", serde.input},
      {"OutputFormat", serde.output},
      {"Compressed", !table.kind.compression.empty()},
      {"NumberOfBuckets", -1},
      {"SerdeInfo", {{"SerializationLibrary", serde.library}, {"Parameters", serde.parameters}}},
      {"BucketColumns", Json::array()},
      {"SortColumns", Json::array()},
      {"Parameters",
       CrawledParameters(table, target, crawler, table.objects(), table.bytes(), schema.rows)},
      {"StoredAsSubDirectories", false}};
}

}  // namespace skep::catalog
