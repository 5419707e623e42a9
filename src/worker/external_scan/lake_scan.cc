#include "worker/external_scan/lake_scan.h"

#include <fmt/format.h>

#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/table_function_catalog_entry.hpp>
#include <duckdb/common/multi_file/multi_file_function.hpp>
#include <duckdb/parser/tableref/table_function_ref.hpp>
#include <optional>
#include <utility>

#include "base/log.h"
#include "worker/external_scan/decompression.h"
#include "worker/external_scan/json_records.h"
#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_reader.h"
#include "worker/external_scan/lines_scan.h"
#include "worker/external_scan/remote_scan.h"

namespace skep::external_scan {
namespace {

const char* FunctionOf(const LakeTable& table) {
  if (table.format() == "parquet") return "parquet_scan";
  if (table.format() == "orc") return "read_orc";
  if (table.format() == "avro") return "read_avro";
  if (table.format() == "xlsx") return "read_xlsx";
  if (table.format() == "csv") return "read_csv";
  if (table.format() == "json") return "read_json";
  ThrowLakeError({ErrorKind::kFeatureNotSupported,
                  fmt::format("external table {} has the format {}, which is not supported",
                              table.QualifiedName(), table.format()),
                  {},
                  {},
                  0});
}

// Data columns as the option `columns` of CSV and JSON wants them: a struct of type names.
duckdb::Value ColumnsOption(const LakeTable& table) {
  duckdb::child_list_t<duckdb::Value> columns;
  for (size_t i = 0; i < table.data_columns(); i++)
    columns.emplace_back(table.names()[i], duckdb::Value(table.types()[i].ToString()));
  return duckdb::Value::STRUCT(std::move(columns));
}

duckdb::named_parameter_map_t CsvOptions(const LakeTable& table) {
  duckdb::named_parameter_map_t options;
  const std::string delimiter = table.Option("delimiter").value_or("\x01");
  const std::string quote = table.Option("quote").value_or(""),
                    escape = table.Option("escape").value_or("");
  if (delimiter.empty() || quote.size() > 1 || escape.size() > 1) {
    ThrowLakeError({ErrorKind::kFeatureNotSupported,
                    fmt::format("external table {}: a delimiter must not be empty, a quote and an "
                                "escape are one character",
                                table.QualifiedName()),
                    {},
                    {},
                    0});
  }
  options["delim"] = duckdb::Value(delimiter);
  options["quote"] = duckdb::Value(quote);
  options["escape"] = duckdb::Value(escape);
  options["auto_detect"] = duckdb::Value::BOOLEAN(false);
  options["header"] = duckdb::Value::BOOLEAN(false);
  uint64_t skip = 0;
  if (const auto text = table.Option("skip")) skip = std::strtoull(text->c_str(), nullptr, 10);
  if (const auto header = table.Option("header"); skip == 0 && header == "true") skip = 1;
  if (skip > 0) options["skip"] = duckdb::Value::BIGINT(static_cast<int64_t>(skip));
  // Rows may be shorter than the table (the rest is NULL) or longer (the rest is ignored), as in
  // Hive. A parallel reader cannot pad rows of which quotes may hide the end.
  options["null_padding"] = duckdb::Value::BOOLEAN(true);
  options["strict_mode"] = duckdb::Value::BOOLEAN(false);
  if (!quote.empty()) options["parallel"] = duckdb::Value::BOOLEAN(false);
  // An empty field is NULL: the readers make no difference between columns of text and others.
  options["nullstr"] =
      duckdb::Value::LIST(duckdb::LogicalType::VARCHAR,
                          {duckdb::Value(table.Option("null").value_or("\\N")), duckdb::Value("")});
  return options;
}

duckdb::named_parameter_map_t JsonOptions(const LakeTable& table) {
  if (const auto path = table.Option("records"); path && !JsonRecords::Along(*path)) {
    ThrowLakeError({ErrorKind::kFeatureNotSupported,
                    fmt::format("external table {}: the jsonPath \"{}\" is not supported",
                                table.QualifiedName(), *path),
                    {},
                    "Names, indexes and [*] may follow the $.",
                    0});
  }
  duckdb::named_parameter_map_t options;
  options["format"] = duckdb::Value(table.Option("array") == "true" ? "array" : "auto");
  options["records"] = duckdb::Value("true");
  return options;
}

duckdb::named_parameter_map_t OptionsOf(const LakeTable& table) {
  if (table.self_describing()) return {};
  auto options = table.format() == "csv" ? CsvOptions(table) : JsonOptions(table);
  options["columns"] = ColumnsOption(table);
  options["hive_partitioning"] =
      duckdb::Value::BOOLEAN(false);  // keys and values come from the catalog, not from paths
  // By each file's name otherwise, which for compressions of ours says gzip (decompression.h).
  if (const auto compression = table.Option("compression");
      compression && table.OwnCompression("").empty())
    options["compression"] = duckdb::Value(*compression == "none" ? "uncompressed" : *compression);
  return options;
}

const LakeFileList& ListOf(const duckdb::FunctionData& bind_data) {
  return bind_data.Cast<duckdb::MultiFileBindData>().file_list->Cast<LakeFileList>();
}

duckdb::virtual_column_map_t VirtualColumnsOf(
    duckdb::ClientContext&, duckdb::optional_ptr<duckdb::FunctionData> bind_data) {
  auto& data = bind_data->Cast<duckdb::MultiFileBindData>();
  data.virtual_columns = ListOf(data).table().VirtualColumns();
  return data.virtual_columns;
}

// Without `table` the binder would neither find virtual columns nor know the catalog's identity.
duckdb::BindInfo BindInfoOf(const duckdb::optional_ptr<duckdb::FunctionData> bind_data) {
  duckdb::BindInfo info(duckdb::ScanType::EXTERNAL);
  info.table = ListOf(*bind_data).table().entry.get();
  return info;
}

duckdb::InsertionOrderPreservingMap<std::string> Explain(
    duckdb::TableFunctionToStringInput& input) {
  duckdb::InsertionOrderPreservingMap<std::string> lines;
  const auto& list = ListOf(*input.bind_data);
  lines["Table"] = list.table().QualifiedName();
  if (list.table().partition_keys() > 0)
    lines["Partitions"] = fmt::format("{}/{}", list.partitions(), list.table().partition_count());
  if (const auto files = list.files_if_listed()) lines["Files"] = std::to_string(*files);
  return lines;
}

// A broken file can bring the engine's readers to an error that ends the whole instance; for us it
// is the file's.
template <class Act>
auto Contain(const LakeTable& table, const std::string& path, const Act& act) {
  try {
    return act();
  } catch (const duckdb::Exception& e) {
    const duckdb::ErrorData error(e);
    if (error.Type() != duckdb::ExceptionType::INTERNAL &&
        error.Type() != duckdb::ExceptionType::FATAL)
      throw;
    log::Warn("external_file_broken", {{"table", table.QualifiedName()},
                                       {"path", PublicText(path)},
                                       {"reason", error.RawMessage().substr(0, 200)}});
    throw duckdb::InvalidInputException("%s is not a readable %s file",
                                        path.empty() ? table.QualifiedName() : PublicText(path),
                                        table.format());
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {  // of the formats' own libraries, which name no file
    throw duckdb::InvalidInputException("%s is not a readable %s file (%s)",
                                        path.empty() ? table.QualifiedName() : PublicText(path),
                                        table.format(), e.what());
  }
}

void Scan(duckdb::ClientContext& context, duckdb::TableFunctionInput& input,
          duckdb::DataChunk& out) {
  const auto& table = ListOf(*input.bind_data).table();
  std::string path;
  if (input.local_state) {
    if (const auto reader = input.local_state->Cast<duckdb::MultiFileLocalState>().reader)
      path = reader->GetFileName();
  }
  Contain(table, path, [&] { table.engine_scan(context, input, out); });
}

duckdb::unique_ptr<duckdb::LocalTableFunctionState> InitLocal(
    duckdb::ExecutionContext& context, duckdb::TableFunctionInitInput& input,
    duckdb::GlobalTableFunctionState* global) {
  const auto& table = ListOf(*input.bind_data).table();
  return Contain(table, {}, [&] { return table.engine_init_local(context, input, global); });
}

}  // namespace

duckdb::TableFunction BindLakeScan(duckdb::ClientContext& context, LakeTable& table,
                                   duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  if (table.remote()) return BindRemoteScan(table, bind_data);
  if (table.format() == "lines") return BindLinesScan(context, table, bind_data);
  auto& entry =
      duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::TableFunctionCatalogEntry>(
          context, DEFAULT_SCHEMA, FunctionOf(table));
  duckdb::TableFunction function =
      entry.functions.GetFunctionByArguments(context, {duckdb::LogicalType::VARCHAR});
  const auto format_info = function.function_info;  // the reader's own, which JSON needs at bind
  function.name = "lake_" + table.format();
  function.function_info = duckdb::make_shared_ptr<LakeScanInfo>(table.shared_from_this());
  function.get_multi_file_reader = LakeReader::Create;
  function.get_virtual_columns = VirtualColumnsOf;
  function.get_bind_info = BindInfoOf;
  function.to_string = Explain;
  table.engine_scan = std::exchange(function.function, Scan);
  table.engine_init_local = std::exchange(function.init_local, InitLocal);
  // These know files, not our list.
  function.statistics = nullptr;
  function.get_partition_stats = nullptr;
  function.serialize = nullptr;
  function.deserialize = nullptr;

  auto options = OptionsOf(table);
  duckdb::vector<duckdb::Value> inputs{duckdb::Value(table.QualifiedName())};
  duckdb::vector<duckdb::LogicalType> input_types, types;
  duckdb::vector<std::string> input_names, names;
  const duckdb::TableFunctionRef ref;
  duckdb::TableFunctionBindInput input(inputs, options, input_types, input_names, format_info.get(),
                                       nullptr, function, ref);
  bind_data = function.bind(context, input, types, names);
  return function;
}

}  // namespace skep::external_scan
