#include "catalog/glue_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/crypto.h"
#include "base/text.h"
#include "catalog/glue_changes.h"
#include "catalog/glue_questions.h"
#include "catalog/grok_pattern.h"
#include "catalog/json_members.h"

namespace skep::catalog {
namespace {

using Json = nlohmann::json;

// A parameter of the SerDe, the storage descriptor or the table, in this order.
std::optional<std::string> ParameterOf(const Json& table, const char* name) {
  const Json& sd = MemberOf(table, "StorageDescriptor");
  for (const Json* holder : {&MemberOf(MemberOf(sd, "SerdeInfo"), "Parameters"),
                             &MemberOf(sd, "Parameters"), &MemberOf(table, "Parameters")}) {
    if (holder->is_object() && holder->contains(name) && (*holder)[name].is_string())
      return (*holder)[name].get<std::string>();
  }
  return std::nullopt;
}

std::vector<ipc::TableColumn> ColumnsOf(const Json& list) {
  std::vector<ipc::TableColumn> out;
  if (!list.is_array()) return out;
  for (const auto& c : list) {
    std::string type = TextOf(c, "Type");
    out.push_back({Lower(TextOf(c, "Name")), type.empty() ? "string" : std::move(type)});
  }
  return out;
}

// As the worker calls it; empty: not one that can be read. US-ASCII is UTF-8.
std::string Encoding(const std::string& name) {
  static constexpr std::pair<std::string_view, std::string_view> kEncodings[] = {
      {"utf-8", "utf8"},
      {"utf8", "utf8"},
      {"us-ascii", "utf8"},
      {"utf-16", "utf16"},
      {"utf16", "utf16"},
      {"utf-16le", "utf16le"},
      {"utf-16be", "utf16be"},
      {"iso-8859-1", "iso88591"},
      {"iso8859_1", "iso88591"},
      {"latin1", "iso88591"},
      {"windows-1252", "windows1252"},
      {"cp1252", "windows1252"}};
  const auto found = std::ranges::find(kEncodings, std::string_view(Lower(name)),
                                       &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(kEncodings) ? std::string() : std::string(found->second);
}

// Hive writes control characters as themselves, as "\t" or in octal ("\001"); LazySimpleSerDe also
// takes a number ("9").
std::string Delimiter(const std::string& text) {
  if (text == "\\t") return "\t";
  if (text.size() == 4 && text[0] == '\\') {
    int n = 0;
    if (std::from_chars(text.data() + 1, text.data() + 4, n, 8).ptr == text.data() + 4 && n > 0 &&
        n < 128)
      return std::string(1, static_cast<char>(n));
  }
  if (text.starts_with("\\u00") && text.size() == 6) {
    int n = 0;
    if (std::from_chars(text.data() + 2, text.data() + 6, n, 16).ptr == text.data() + 6 && n > 0 &&
        n < 128)
      return std::string(1, static_cast<char>(n));
  }
  int n = 0;
  if (text.size() <= 3 && !text.empty() &&
      std::from_chars(text.data(), text.data() + text.size(), n).ptr == text.data() + text.size() &&
      n > 0 && n < 128) {
    return std::string(1, static_cast<char>(n));
  }
  return text;
}

// Properties for handling data, and what the worker's line reader calls them. Source: the developer
// guide's "CREATE EXTERNAL TABLE", "TABLE PROPERTIES".
constexpr std::pair<const char*, const char*> kHandlings[] = {
    {"invalid_char_handling", "invalid_char"},
    {"replacement_char", "replacement"},
    {"numeric_overflow_handling", "numeric_overflow"},
    {"surplus_char_handling", "surplus_char"},
    {"column_count_mismatch_handling", "column_count"}};

// Whether lines have to be read one by one: values are handled, or lines end otherwise.
bool NeedsHandling(const Json& table) {
  if (Lower(ParameterOf(table, "data_cleansing_enabled").value_or("")) == "true") return true;
  const std::string end = Delimiter(ParameterOf(table, "line.delim").value_or("\n"));
  return end != "\n" && end != "\\n" && end != "\r\n" && end != "\\r\\n";
}

std::string FormatOf(const Json& table) {
  const std::string classification = Lower(ParameterOf(table, "classification").value_or(""));
  if (classification == "xlsx") return classification;  // there is no SerDe for it
  const Json& sd = MemberOf(table, "StorageDescriptor");
  const std::string serde = Lower(TextOf(MemberOf(sd, "SerdeInfo"), "SerializationLibrary"));
  const std::string input = Lower(TextOf(sd, "InputFormat"));
  if (serde.ends_with("parquethiveserde") || input.find("parquet") != std::string::npos)
    return "parquet";
  if (serde.ends_with("avroserde") || input.ends_with("avrocontainerinputformat")) return "avro";
  if (serde.ends_with("orcserde") || input.ends_with("orcinputformat")) return "orc";
  if (serde.ends_with("jsonserde")) return "json";
  if (serde.ends_with("regexserde") || serde.ends_with("grokserde")) return "lines";
  if (serde.ends_with("lazysimpleserde") || serde.ends_with("opencsvserde"))
    return NeedsHandling(table) ? "lines" : "csv";
  if (!serde.empty()) return {};
  if (classification == "parquet" || classification == "json" || classification == "csv" ||
      classification == "avro" || classification == "orc")
    return classification;
  return {};
}

// How the input format finds files. Hudi's and Delta Lake's are named as the developer guide's
// "Creating external tables for Redshift Spectrum" has them.
Result<lake::TableListing> ListingOf(const Json& sd, const ipc::TableDescription& d) {
  const std::string input = Lower(TextOf(sd, "InputFormat"));
  const auto refuse = [&](const std::string& what) {
    return Fail(ErrorKind::kFeatureNotSupported,
                fmt::format("external table {} {}, which is not supported", d.name, what));
  };
  if (input.ends_with("symlinktextinputformat")) {
    if (d.format != "parquet") return refuse("has manifests of files that are not Parquet");
    return lake::TableListing::kManifest;
  }
  if (input.find("hoodie") == std::string::npos) return lake::TableListing::kFolders;
  if (input.find("realtime") != std::string::npos)
    return refuse("is a Hudi table that is merged on read");
  if (d.format != "parquet") return refuse("is a Hudi table of files that are not Parquet");
  return lake::TableListing::kHudi;
}

std::string DefaultLocation(const std::string& table, const std::vector<ipc::TableColumn>& keys,
                            const std::vector<std::string>& values) {
  std::string out = table;
  if (!out.ends_with('/')) out += '/';
  for (size_t i = 0; i < keys.size(); i++) out += keys[i].name + "=" + values[i] + "/";
  return out;
}

// Everything but the place of the metadata stands in them. Source: Iceberg's GlueCatalog, which
// keeps these two parameters.
Result<lake::CatalogTable> DescribeIceberg(const Json& table, lake::CatalogTable out) {
  const auto metadata = ParameterOf(table, "metadata_location");
  if (!metadata || metadata->empty())
    return Fail(ErrorKind::kDataException,
                fmt::format("Iceberg table {} has no metadata_location in the catalog",
                            out.description.name));
  out.description.format = "iceberg";
  out.description.options.emplace_back("metadata", *metadata);
  out.description.columns = ColumnsOf(MemberOf(MemberOf(table, "StorageDescriptor"), "Columns"));
  out.location = TextOf(MemberOf(table, "StorageDescriptor"), "Location");
  return out;
}

using Option = std::pair<std::string, std::string>;

// What the worker's line reader is told of a table.
Result<void> DescribeLines(const Json& table, ipc::TableDescription& d) {
  const std::string serde = Lower(
      TextOf(MemberOf(MemberOf(table, "StorageDescriptor"), "SerdeInfo"), "SerializationLibrary"));
  const auto option = [&](const char* name, std::string value) {
    d.options.emplace_back(name, std::move(value));
  };
  const auto missing = [&](const char* name) {
    return Fail(ErrorKind::kDataException,
                fmt::format("external table {} has no {} in the catalog", d.name, name));
  };
  if (serde.ends_with("regexserde")) {
    const auto regex = ParameterOf(table, "input.regex");
    if (!regex || regex->empty()) return missing("input.regex");
    option("regex", *regex);
    if (Lower(ParameterOf(table, "input.regex.case.insensitive").value_or("")) == "true")
      option("ignore_case", "true");
  } else if (serde.ends_with("grokserde")) {
    const auto format = ParameterOf(table, "input.format");
    if (!format || format->empty()) return missing("input.format");
    SKEP_TRY_ASSIGN(const GrokExpression grok,
                    ReadGrok(*format, ParameterOf(table, "input.grokCustomPatterns").value_or("")));
    option("regex", grok.regex);
    std::string groups;
    for (const auto& column : d.columns) {
      const auto field = std::ranges::find(grok.fields, column.name, &GrokField::name);
      groups += (groups.empty() ? "" : ",") +
                std::to_string(field == grok.fields.end() ? 0 : field->group);
    }
    option("groups", groups);
  }
  if (const auto end = ParameterOf(table, "line.delim")) {
    const std::string text = Delimiter(*end);
    if (text != "\\n" && text != "\r\n" && text != "\\r\\n") option("line_end", text);
  }
  if (Lower(ParameterOf(table, "data_cleansing_enabled").value_or("")) != "true") return {};
  // What a table says nothing of has the handling that the guide calls the default.
  option("surplus_char", ParameterOf(table, "surplus_char_handling").value_or("SET_TO_NULL"));
  for (const auto& [property, name] : kHandlings) {
    if (name == std::string_view("surplus_char")) continue;
    if (const auto value = ParameterOf(table, property)) option(name, *value);
  }
  return {};
}

// Partitions as a scan names them, with their folders.
lake::CatalogPartitions PlacesOf(const std::string& location,
                                 const std::vector<ipc::TableColumn>& keys,
                                 const std::vector<control::GluePartition>& partitions) {
  lake::CatalogPartitions out;
  out.partitions.reserve(partitions.size());
  out.locations.reserve(partitions.size());
  for (const auto& p : partitions) {
    if (p.values.size() != keys.size()) continue;  // written before the keys changed
    ipc::TablePartition partition;
    for (const auto& v : p.values) {
      partition.values.push_back(v == "__HIVE_DEFAULT_PARTITION__" ? std::nullopt
                                                                   : std::optional(v));
    }
    const Json json = Json::parse(p.json, nullptr, false);
    std::string place = TextOf(MemberOf(json, "StorageDescriptor"), "Location");
    if (place.empty()) place = DefaultLocation(location, keys, p.values);
    out.partitions.push_back(std::move(partition));
    out.locations.push_back(std::move(place));
  }
  return out;
}

}  // namespace

Result<lake::CatalogTable> DescribeGlueTable(const std::string& table_json,
                                             const std::vector<control::GluePartition>& partitions,
                                             uint64_t version) {
  const Json table = Json::parse(table_json, nullptr, false);
  if (!table.is_object())
    return Fail(ErrorKind::kDataException, "the catalog's entry of the table cannot be read");
  lake::CatalogTable out;
  auto& d = out.description;
  d.name = TextOf(table, "Name");
  d.version = version;
  const Json& sd = MemberOf(table, "StorageDescriptor");
  if (Lower(ParameterOf(table, "table_type").value_or("")) == "iceberg") {
    return DescribeIceberg(table, std::move(out));
  }
  if (TextOf(table, "TableType") == "VIRTUAL_VIEW") {
    return Fail(ErrorKind::kFeatureNotSupported,
                fmt::format("{} is a view of the data catalog, which is not supported", d.name));
  }
  d.format = FormatOf(table);
  if (d.format.empty()) {
    const std::string serde = TextOf(MemberOf(sd, "SerdeInfo"), "SerializationLibrary");
    return Fail(ErrorKind::kFeatureNotSupported,
                fmt::format("external table {} has a format that is not supported: {}", d.name,
                            serde.empty() ? ParameterOf(table, "classification").value_or("unknown")
                                          : serde),
                {},
                "Parquet, ORC, Avro, text (LazySimpleSerDe, OpenCSVSerde, RegexSerDe, GrokSerDe), "
                "JSON lines and workbooks of Excel can be read.");
  }
  SKEP_TRY_ASSIGN(out.listing, ListingOf(sd, d));
  out.location = TextOf(sd, "Location");
  d.columns = ColumnsOf(MemberOf(sd, "Columns"));
  d.partition_keys = ColumnsOf(MemberOf(table, "PartitionKeys"));
  if (out.location.empty() || d.columns.empty()) {
    return Fail(ErrorKind::kDataException,
                fmt::format("external table {} has no {} in the catalog", d.name,
                            out.location.empty() ? "location" : "columns"));
  }

  const auto option = [&](const char* name, std::string value) {
    d.options.emplace_back(name, std::move(value));
  };
  if (d.format == "lines") SKEP_TRY(DescribeLines(table, d));
  const bool pattern = std::ranges::find(d.options, "regex", &Option::first) != d.options.end();
  if (d.format == "csv" || (d.format == "lines" && !pattern)) {
    const bool quoted =
        Lower(TextOf(MemberOf(sd, "SerdeInfo"), "SerializationLibrary")).ends_with("opencsvserde");
    if (quoted) {
      option("delimiter", Delimiter(ParameterOf(table, "separatorChar").value_or(",")));
      const std::string quote = ParameterOf(table, "quoteChar").value_or("\"");
      option("quote", quote);
      // Without an escape character a doubled quote stands for one, as in Hive.
      option("escape", Delimiter(ParameterOf(table, "escapeChar").value_or(quote)));
    } else {
      const auto serde = ParameterOf(table, "field.delim");
      const auto fallback = serde ? serde : ParameterOf(table, "serialization.format");
      option("delimiter",
             fallback ? Delimiter(*fallback) : ParameterOf(table, "delimiter").value_or("\x01"));
      // Not Hive's, but what crawlers note when fields are quoted.
      option("quote", ParameterOf(table, "quote.delim").value_or(""));
      option("escape", Delimiter(ParameterOf(table, "escape.delim").value_or("")));
    }
  }
  if (d.format == "csv" || d.format == "lines" || d.format == "json") {
    if (const auto named = ParameterOf(table, "serialization.encoding")) {
      const std::string encoding = Encoding(*named);
      if (encoding.empty()) {
        return Fail(
            ErrorKind::kFeatureNotSupported,
            fmt::format("external table {}: the encoding \"{}\" is not supported", d.name, *named),
            {}, "UTF-8, UTF-16, ISO-8859-1 and windows-1252 can be read.");
      }
      if (encoding != "utf8") option("encoding", encoding);
    }
  }
  if (d.format == "csv" || d.format == "lines" || d.format == "xlsx") {
    if (const auto skip = ParameterOf(table, "skip.header.line.count")) {
      uint32_t lines = 0;
      const auto read = std::from_chars(skip->data(), skip->data() + skip->size(), lines);
      if (read.ec != std::errc{} || read.ptr != skip->data() + skip->size() || lines > 1'000'000) {
        return Fail(
            ErrorKind::kDataException,
            fmt::format("external table {}: skip.header.line.count is \"{}\"", d.name, *skip));
      }
      if (lines > 0) option("skip", fmt::format("{}", lines));
    }
  }
  if (const auto sheet = ParameterOf(table, "sheet"); sheet && d.format == "xlsx")
    option("sheet", *sheet);
  // Anything but "name" means places (spectrum.md section 2); without a word it is names.
  if (const auto by = ParameterOf(table, "orc.schema.resolution");
      d.format == "orc" && by && Lower(*by) != "name")
    option("positional", "true");
  if (d.format == "csv" || d.format == "json") {
    if (const auto null = ParameterOf(table, "serialization.null.format")) option("null", *null);
    // Otherwise by each file's name.
    auto compression = Lower(ParameterOf(table, "compression_type").value_or(""));
    if (compression == "lzo") compression = "lzop";
    if (compression == "gzip" || compression == "zstd" || compression == "none" ||
        compression == "bzip2" || compression == "snappy" || compression == "lzop")
      option("compression", compression);
    if (const auto path = ParameterOf(table, "jsonPath");
        d.format == "json" && path && *path != "$" && *path != "$[*]")
      option("records", *path);
    if (d.format == "json" && Lower(ParameterOf(table, "strip.outer.array").value_or("")) == "true")
      option("array", "true");
  }
  for (const char* name : {"numRows", "recordCount"}) {
    const auto text = ParameterOf(table, name);
    if (!text || d.rows > 0) continue;
    uint64_t rows = 0;
    if (std::from_chars(text->data(), text->data() + text->size(), rows).ec == std::errc{})
      d.rows = rows;
  }

  if (d.partition_keys.empty()) {
    out.locations.push_back(out.location);
    return out;
  }
  auto found = PlacesOf(out.location, d.partition_keys, partitions);
  d.partitions = std::move(found.partitions);
  out.locations = std::move(found.locations);
  return out;
}

namespace {

std::unexpected<Error> NoDatabase(const DataCatalog& catalog, const std::string& database) {
  return Fail(ErrorKind::kUndefinedSchema,
              fmt::format("database {} not found in the data catalog of account {}", database,
                          catalog.account()),
              {}, "Create it, or run a crawler that fills it.");
}

Result<control::GlueTable> Find(DataCatalog& catalog, const std::string& database,
                                const std::string& table) {
  SKEP_TRY_ASSIGN(auto found, catalog.GetTable(database, table));
  if (found) return std::move(*found);
  SKEP_TRY_ASSIGN(const bool holder, catalog.HasDatabase(database));
  if (!holder) return NoDatabase(catalog, database);
  return Fail(ErrorKind::kUndefinedTable,
              fmt::format("relation \"{}\" does not exist in database {} of the data catalog",
                          table, database));
}

}  // namespace

Result<std::unique_ptr<DataCatalog>> GlueTableSource::Open(const identity::Credentials& catalog) {
  if (!catalog.foreign) return std::make_unique<StoredCatalog>(store_, catalog.account, &finder_);
  if (foreign_ == nullptr)
    return Fail(ErrorKind::kInvalidRole,
                fmt::format("the catalog of account {} is a foreign one", catalog.account));
  return std::make_unique<ForeignCatalog>(*foreign_, catalog);
}

Result<lake::CatalogTable> GlueTableSource::DescribeTable(const identity::Credentials& of,
                                                          std::string_view database,
                                                          std::string_view table) {
  const std::string name = Lower(table);
  SKEP_TRY_ASSIGN(const auto catalog, Open(of));
  SKEP_TRY_ASSIGN(const auto found, Find(*catalog, Lower(database), name));
  auto out = DescribeGlueTable(found.json, {}, found.version);
  if (out) out->description.name = name;
  return out;
}

Result<lake::CatalogTable> GlueTableSource::GetTable(const identity::Credentials& of,
                                                     std::string_view database,
                                                     std::string_view table) {
  const std::string name = Lower(table);
  SKEP_TRY_ASSIGN(const auto catalog, Open(of));
  SKEP_TRY_ASSIGN(const auto found, Find(*catalog, Lower(database), name));
  const Json json = Json::parse(found.json, nullptr, false);
  const bool partitioned = !ColumnsOf(MemberOf(json, "PartitionKeys")).empty();
  uint64_t count = 0;
  if (partitioned) {
    SKEP_TRY_ASSIGN(count, catalog->CountPartitions(found, kDescribedPartitions));
  }
  const bool late = count > kDescribedPartitions;
  std::vector<control::GluePartition> partitions;
  if (partitioned && !late) {
    SKEP_TRY_ASSIGN(partitions, catalog->ListPartitions(found, {}, {}));
  }
  auto out = DescribeGlueTable(found.json, partitions, found.version);
  if (!out) return out;
  out->description.name = name;
  if (late && !out->description.partition_keys.empty()) out->description.partition_count = count;
  return out;
}

Result<lake::CatalogPartitions> GlueTableSource::ListPartitions(const identity::Credentials& of,
                                                                std::string_view database,
                                                                std::string_view table,
                                                                std::string_view filter) {
  const std::string name = Lower(table);
  SKEP_TRY_ASSIGN(const auto catalog, Open(of));
  SKEP_TRY_ASSIGN(const auto found, catalog->GetTable(Lower(database), name));
  if (!found)
    return Fail(ErrorKind::kExternalChanged,
                fmt::format("external table {} was dropped while it was read", name));
  const Json json = Json::parse(found->json, nullptr, false);
  const auto keys = ColumnsOf(MemberOf(json, "PartitionKeys"));
  SKEP_TRY_ASSIGN(const auto partitions, catalog->ListPartitions(*found, keys, filter));
  return PlacesOf(TextOf(MemberOf(json, "StorageDescriptor"), "Location"), keys, partitions);
}

Result<std::vector<std::string>> GlueTableSource::Ask(const identity::Credentials& of,
                                                      std::string_view database,
                                                      std::string_view question,
                                                      const lake::MayAct& may) {
  SKEP_TRY_ASSIGN(const auto catalog, Open(of));
  return AnswerQuestion(*catalog, database, question, may);
}

Result<void> GlueTableSource::Change(const identity::Credentials& of, std::string_view database,
                                     std::string_view change) {
  SKEP_TRY_ASSIGN(const auto catalog, Open(of));
  return ChangeCatalog(*catalog, database, change);
}

Result<std::vector<std::string>> GlueTableSource::ListTables(const identity::Credentials& of,
                                                             std::string_view database) {
  const std::string db = Lower(database);
  SKEP_TRY_ASSIGN(const auto catalog, Open(of));
  SKEP_TRY_ASSIGN(const auto tables, catalog->ListTables(db));
  if (tables.empty()) {
    SKEP_TRY_ASSIGN(const bool holder, catalog->HasDatabase(db));
    if (!holder) return NoDatabase(*catalog, db);
  }
  std::vector<std::string> names;
  for (const auto& t : tables) names.push_back(t.name);
  return names;
}

}  // namespace skep::catalog
