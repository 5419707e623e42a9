#include "worker/unload/unload_function.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/copy_function_catalog_entry.hpp>
#include <duckdb/function/copy_function.hpp>
#include <duckdb/main/extension/extension_loader.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"
#include "worker/external_scan/lake_file_writer.h"
#include "worker/unload/iceberg_commit.h"
#include "worker/unload/iceberg_writer.h"
#include "worker/unload/slice_writer.h"
#include "worker/unload/unload_report.h"

namespace skep::worker::unload {
namespace {

using duckdb::idx_t;
using external_scan::InterruptOf;
using external_scan::LakeClient;
using external_scan::OrThrow;
using Json = nlohmann::ordered_json;

constexpr uint64_t kRowGroupRows = 1'000'000;
constexpr uint64_t kParquetStep = uint64_t{32} << 20;  // MAXFILESIZE is rounded down to it
constexpr size_t kPartitionsAtOnce = 500;              // in one request, which has a largest size
constexpr const char* kDefaultPartition = "__HIVE_DEFAULT_PARTITION__";

struct UnloadInfo final : duckdb::CopyFunctionInfo {
  UnloadInfo(LakeClient& c, UnloadHooks h) : client(c), hooks(std::move(h)) {}
  LakeClient& client;
  UnloadHooks hooks;
};

struct UnloadBind final : duckdb::TableFunctionData {
  UnloadTask task;
  bool skip = false;  // the table exists: IF NOT EXISTS
  LakeClient* client = nullptr;
  external_scan::Asker asker;
  ipc::ExternalSchemaBinding schema;  // of an external table
  std::optional<IcebergTask> iceberg;

  IcebergPlace place() const { return {*client, schema, asker, task.plan}; }
};

struct UnloadGlobal final : duckdb::GlobalFunctionData {
  UnloadGlobal(LakeClient& client, uint64_t write, std::string stem)
      : state(client, write, std::move(stem)) {}
  UnloadState state;
  std::vector<DataFile> data_files;  // of a table of Iceberg
};

struct UnloadLocal final : duckdb::LocalFunctionData {
  // With the first row, one of them.
  std::unique_ptr<SliceWriter> slice;
  std::unique_ptr<IcebergSlice> iceberg;
};

FieldKind KindOf(const duckdb::LogicalType& type, const sql::Type& declared) {
  const uint32_t shown = DescribeColumn("", type, declared).type_oid;
  switch (shown) {
    case oid::kSuper:
      return FieldKind::kJson;
    case oid::kBool:
      return FieldKind::kBoolean;
    case oid::kInt2:
    case oid::kInt4:
    case oid::kInt8:
    case oid::kOid:
    case oid::kNumeric:
    case oid::kFloat4:
    case oid::kFloat8:
      return FieldKind::kNumber;
    default:
      return FieldKind::kText;
  }
}

// The engine's Parquet writer for these columns.
void BindParquet(duckdb::ClientContext& context, UnloadTask& task) {
  auto& catalog = duckdb::Catalog::GetSystemCatalog(context);
  auto& entry =
      catalog.GetEntry<duckdb::CopyFunctionCatalogEntry>(context, DEFAULT_SCHEMA, "parquet");
  task.parquet = entry.function;
  duckdb::CopyInfo info;
  info.options["compression"] = {duckdb::Value("snappy")};
  info.options["row_group_size"] = {duckdb::Value::UBIGINT(kRowGroupRows)};
  info.options["row_group_size_bytes"] = {duckdb::Value::UBIGINT(task.plan.row_group_bytes)};
  duckdb::vector<std::string> names;
  duckdb::vector<duckdb::LogicalType> types;
  for (const idx_t i : task.written) {
    names.push_back(task.plan.columns[i].name);
    types.push_back(task.types[i]);
  }
  duckdb::QueryResult::DeduplicateColumns(names);
  duckdb::CopyFunctionBindInput input(info);
  task.parquet_options = task.parquet->copy_to_bind(context, input, names, types);
  if (task.plan.max_file_bytes > kParquetStep)
    task.plan.max_file_bytes -= task.plan.max_file_bytes % kParquetStep;
}

// For the description alone: opens no scan.
external_scan::Asker Describing(external_scan::Asker asker) {
  asker.describing = true;
  return asker;
}

// A table that is to be made must not be there.
void CheckNew(UnloadBind& bind, LakeClient::Interrupted interrupted) {
  const auto& plan = bind.task.plan;
  const auto opened =
      bind.client->OpenTable(bind.schema, {}, Describing(bind.asker), plan.table, interrupted);
  if (!opened) {
    if (opened.error().kind == ErrorKind::kUndefinedTable) return;
    external_scan::ThrowLakeError(opened.error());
  }
  bind.skip = plan.if_not_exists;
  if (!bind.skip)
    external_scan::ThrowLakeError({ErrorKind::kDuplicateTable,
                                   fmt::format("external table \"{}\" already exists", plan.table),
                                   {},
                                   {},
                                   0});
}

// How an external table's files look the catalog says.
void FollowTable(UnloadBind& bind, LakeClient::Interrupted interrupted) {
  auto& plan = bind.task.plan;
  const auto opened = OrThrow(
      bind.client->OpenTable(bind.schema, {}, Describing(bind.asker), plan.table, interrupted));
  const auto& table = opened.description;
  if (table.format != "iceberg" &&
      (table.columns.size() + table.partition_keys.size() != plan.columns.size() ||
       table.partition_keys.size() != plan.partition.size()))
    throw duckdb::InvalidInputException("external table \"%s\" has changed", plan.table);
  const auto refuse = [&](const std::string& what) {
    throw duckdb::NotImplementedException("INSERT into external table \"%s\": %s is not supported",
                                          plan.table, what);
  };
  if (table.format == "iceberg") {
    bind.iceberg.emplace();
    bind.iceberg->target = ReadIcebergTarget(bind.place(), interrupted);
    return;
  }
  if (table.format == "parquet") {
    plan.format = sql::UnloadFormat::kParquet;
    plan.extension = ".parquet";
    return;
  }
  if (table.format != "csv") refuse("format " + table.format);
  plan.format = sql::UnloadFormat::kDelimited;
  plan.extension = ".txt";
  plan.null_text = "\\N";
  for (const auto& [name, value] : table.options) {
    if (name == "delimiter") {
      if (value.size() != 1) refuse("a delimiter of several characters");
      plan.delimiter = value;
    } else if (name == "quote") {
      if (!value.empty()) refuse("a quote character");
    } else if (name == "escape") {
      if (!value.empty() && value != "\\") refuse("this escape character");
      plan.escape = !value.empty();
    } else if (name == "null") {
      plan.null_text = value;
    } else if (name == "encoding") {
      refuse("the encoding " + value);
    } else if (name == "skip") {
      if (value != "1") refuse("a header of several lines");
      plan.header = true;
    } else if (name == "compression" && value != "none") {
      if (value != "gzip" && value != "zstd" && value != "bzip2") refuse("compression " + value);
      plan.compression = value;
      plan.extension += value == "gzip" ? ".gz" : value == "zstd" ? ".zst" : ".bz2";
    }
  }
}

duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext& context,
                                              duckdb::CopyFunctionBindInput& input,
                                              const duckdb::vector<std::string>&,
                                              const duckdb::vector<duckdb::LogicalType>& types) {
  const auto option = input.info.options.find("plan");
  if (option == input.info.options.end() || option->second.size() != 1 ||
      input.info.file_path != kUnloadTarget)
    throw duckdb::PermissionException("permission denied");
  auto& info = input.function_info->Cast<UnloadInfo>();
  auto bind = duckdb::make_uniq<UnloadBind>();
  UnloadTask& task = bind->task;
  task.plan = sql::UnloadPlan::Read(option->second[0].GetValue<std::string>());
  task.types = types;
  bind->client = &info.client;
  bind->asker = info.hooks.asker(context);
  if (task.plan.columns.size() != types.size())
    throw duckdb::InvalidInputException("the query has %llu columns, %llu were expected",
                                        static_cast<unsigned long long>(types.size()),
                                        static_cast<unsigned long long>(task.plan.columns.size()));
  if (!task.plan.schema.empty()) {
    auto schema = info.hooks.schema(context, task.plan.schema);
    if (!schema)
      throw duckdb::CatalogException("external schema \"%s\" does not exist", task.plan.schema);
    bind->schema = std::move(*schema);
  } else {
    bind->schema.role_chain = task.plan.roles;
  }
  if (!task.plan.creation.empty())
    CheckNew(*bind, InterruptOf(&context));
  else if (!task.plan.table.empty())
    FollowTable(*bind, InterruptOf(&context));
  if (!task.plan.iceberg.empty() && !bind->skip) {
    bind->iceberg.emplace();
    bind->iceberg->target = IcebergTarget::New(
        task.plan.iceberg, task.plan.path.substr(0, task.plan.path.size() - 1), task.plan.table,
        std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::system_clock::now().time_since_epoch())
            .count());
  }
  if (bind->iceberg) {
    bind->iceberg->Bind(context, types, task.plan.table);
    return bind;
  }
  // The readers do not know "\\N" where a backslash escapes; an empty field is NULL to them.
  if (!task.plan.table.empty() && task.plan.escape &&
      task.plan.null_text.find('\\') != std::string::npos)
    task.plan.null_text.clear();
  for (const uint32_t i : task.plan.partition) task.keys.push_back(task.plan.columns[i].name);
  for (idx_t i = 0; i < types.size(); i++) {
    if (!task.plan.include &&
        std::ranges::find(task.plan.partition, i) != task.plan.partition.end())
      continue;
    const auto& column = task.plan.columns[i];
    task.written.push_back(i);
    task.records.push_back({column.name, KindOf(types[i], column.type),
                            types[i].id() == duckdb::LogicalTypeId::VARCHAR});
  }
  if (task.plan.format == sql::UnloadFormat::kParquet) BindParquet(context, task);
  return bind;
}

// <yyyymmdd>_<hhmmss>_<micros>_<number>_, as files of external tables are named.
std::string NewStem() {
  using namespace std::chrono;
  const auto now = system_clock::now();
  const auto second = floor<seconds>(now);
  const time_t time = system_clock::to_time_t(second);
  std::tm tm{};
  ::gmtime_r(&time, &tm);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d_%H%M%S", &tm);
  std::random_device random;
  return fmt::format("{}_{:06}_{}_", text, duration_cast<microseconds>(now - second).count(),
                     random() % 100'000'000);
}

void BeginReport(duckdb::ClientContext& context, const sql::UnloadPlan& plan) {
  constexpr const char* kFormats[] = {"Text", "CSV", "Text", "JSON", "Parquet"};
  auto report = duckdb::make_shared_ptr<UnloadReport>();
  report->location = plan.path;
  report->format = kFormats[static_cast<size_t>(plan.format)];
  report->compression =
      plan.format == sql::UnloadFormat::kParquet ? std::string("snappy") : plan.compression;
  report->began_us = duckdb::Timestamp::GetCurrentTimestamp().value;
  context.registered_state->Remove(UnloadReport::kName);
  context.registered_state->Insert(UnloadReport::kName, std::move(report));
}

void TellFiles(duckdb::ClientContext& context, const sql::UnloadPlan& plan,
               const UnloadState& state) {
  const auto report = context.registered_state->Get<UnloadReport>(UnloadReport::kName);
  if (!report || !plan.table.empty()) return;
  for (const WrittenFile& file : state.written)
    report->files.push_back({plan.path + file.name, file.bytes, file.rows});
}

duckdb::unique_ptr<duckdb::GlobalFunctionData> InitGlobal(duckdb::ClientContext& context,
                                                          duckdb::FunctionData& data,
                                                          const std::string&) {
  const auto& bind = data.Cast<UnloadBind>();
  const auto& plan = bind.task.plan;
  if (bind.skip) {
    auto nothing = duckdb::make_uniq<UnloadGlobal>(*bind.client, 0, "");
    nothing->state.committed = true;
    return nothing;
  }
  if (plan.table.empty()) BeginReport(context, plan);
  nlohmann::json options = {{"existing", plan.existing}, {"kms", plan.kms}};
  if (!plan.kms_key_id.empty()) options["kms_key_id"] = plan.kms_key_id;
  ipc::ExternalSchemaBinding where = bind.schema;
  // Where a new table lies the catalog does not know yet.
  if (!plan.creation.empty()) where.catalog_database.clear();
  // Where one of Iceberg lies its metadata say.
  if (bind.iceberg) where.catalog_database.clear();
  const bool in_table = !where.catalog_database.empty();
  const std::string place = bind.iceberg ? bind.iceberg->target.location + "/"
                            : in_table   ? plan.table
                                         : plan.path;
  const uint64_t write = OrThrow(
      bind.client->OpenWrite(where, bind.asker, place, options.dump(), InterruptOf(&context)));
  if (!bind.asker.master_key.empty() && plan.table.empty())
    bind.client->KeyOfWrite(write, bind.asker.master_key);
  return duckdb::make_uniq<UnloadGlobal>(*bind.client, write,
                                         plan.table.empty() ? std::string() : NewStem());
}

duckdb::unique_ptr<duckdb::LocalFunctionData> InitLocal(duckdb::ExecutionContext&,
                                                        duckdb::FunctionData&) {
  return duckdb::make_uniq<UnloadLocal>();
}

void Sink(duckdb::ExecutionContext& context, duckdb::FunctionData& data,
          duckdb::GlobalFunctionData& global, duckdb::LocalFunctionData& local,
          duckdb::DataChunk& chunk) {
  const auto& bind = data.Cast<UnloadBind>();
  if (bind.skip) return;
  if (bind.iceberg) {
    auto& rows = local.Cast<UnloadLocal>().iceberg;
    auto& all = global.Cast<UnloadGlobal>();
    if (!rows) rows = std::make_unique<IcebergSlice>(*bind.iceberg, all.state, all.data_files);
    return rows->Write(context, chunk);
  }
  auto& slice = local.Cast<UnloadLocal>().slice;
  if (!slice)
    slice = std::make_unique<SliceWriter>(context, bind.task, global.Cast<UnloadGlobal>().state);
  slice->Write(context, chunk);
}

void Combine(duckdb::ExecutionContext& context, duckdb::FunctionData&, duckdb::GlobalFunctionData&,
             duckdb::LocalFunctionData& local) {
  if (auto& slice = local.Cast<UnloadLocal>().slice) slice->Finish(context);
  if (auto& rows = local.Cast<UnloadLocal>().iceberg) rows->Finish(context);
}

Json ManifestType(const sql::Type& type) {
  Json json = {{"base", sql::BareTypeText(type)}};
  using enum sql::TypeKind;
  if (type.kind == kDecimal && type.length > 0) {
    json["precision"] = type.length;
    json["scale"] = type.scale;
  } else if ((type.kind == kChar || type.kind == kVarchar) && type.length > 0) {
    json["max_length"] = type.length;
  }
  return json;
}

// Source: the developer guide's "UNLOAD examples", MANIFEST and MANIFEST VERBOSE.
std::string ManifestOf(const UnloadTask& task, const std::vector<WrittenFile>& files) {
  Json manifest = {{"entries", Json::array()}};
  uint64_t bytes = 0, rows = 0;
  for (const WrittenFile& file : files) {
    Json meta = {{"content_length", file.bytes}};
    if (task.plan.verbose) meta["record_count"] = file.rows;
    manifest["entries"].push_back({{"url", task.plan.path + file.name}, {"meta", meta}});
    bytes += file.bytes;
    rows += file.rows;
  }
  if (task.plan.verbose) {
    manifest["schema"] = {{"elements", Json::array()}};
    for (const idx_t i : task.written)
      manifest["schema"]["elements"].push_back(
          {{"name", task.plan.columns[i].name}, {"type", ManifestType(task.plan.columns[i].type)}});
    manifest["meta"] = {{"content_length", bytes}, {"record_count", rows}};
    manifest["author"] = {{"name", "Amazon Redshift"}, {"version", "1.0.0"}};
  }
  return manifest.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// HEADER makes a file even of no rows.
void WriteEmptyFile(const UnloadTask& task, UnloadState& state,
                    LakeClient::Interrupted interrupted) {
  std::string text;
  RecordFormat(task.plan, task.records).AppendHeader(text);
  const std::string name = (task.plan.parallel ? "0000_part_00" : "000") +
                           (task.plan.compression.empty() ? task.plan.extension : std::string());
  const uint32_t number = state.files++;
  external_scan::LakeFileWriter file(state.client, state.write, number, name,
                                     std::move(interrupted));
  OrThrow(file.Append(text));
  OrThrow(file.Finish());
  state.written.push_back({name, text.size(), 1});
}

// The catalog's part of a write to an external table.
class TableChanges {
 public:
  TableChanges(const UnloadBind& bind, LakeClient::Interrupted interrupted)
      : bind_(bind), interrupted_(std::move(interrupted)) {}

  void Create() const {
    if (!bind_.task.plan.creation.empty()) Change(bind_.task.plan.creation);
  }
  void TakeBack() const {
    if (bind_.task.plan.creation.empty()) return;
    const nlohmann::json drop = {
        {"operation", "DropTable"}, {"name", bind_.task.plan.table}, {"if_exists", true}};
    (void)bind_.client->ChangeCatalog(bind_.schema, bind_.asker, drop.dump(), {});
  }
  // `check`: only whether they can be added.
  void AddPartitions(const std::map<std::string, PartitionValues>& folders, bool check) const {
    if (bind_.task.plan.table.empty() || folders.empty()) return;
    for (auto next = folders.begin(); next != folders.end();) {
      nlohmann::json change = {{"operation", "AddPartitions"},
                               {"name", bind_.task.plan.table},
                               {"if_not_exists", true},
                               {"check", check},
                               {"partitions", nlohmann::json::array()}};
      for (size_t count = 0; count < kPartitionsAtOnce && next != folders.end(); count++, next++) {
        const auto& [folder, values] = *next;
        nlohmann::json named = nlohmann::json::object();
        for (size_t i = 0; i < values.size(); i++)
          named[bind_.task.keys[i]] = values[i].value_or(kDefaultPartition);
        change["partitions"].push_back({{"values", named}, {"folder", folder}});
      }
      Change(change.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
  }

 private:
  void Change(const std::string& change) const {
    OrThrow(bind_.client->ChangeCatalog(bind_.schema, bind_.asker, change, interrupted_));
  }
  const UnloadBind& bind_;
  LakeClient::Interrupted interrupted_;
};

void Finalize(duckdb::ClientContext& context, duckdb::FunctionData& data,
              duckdb::GlobalFunctionData& global) {
  const auto& bind = data.Cast<UnloadBind>();
  auto& state = global.Cast<UnloadGlobal>().state;
  const auto interrupted = InterruptOf(&context);
  if (bind.skip) return;
  if (bind.iceberg) {
    auto& files = global.Cast<UnloadGlobal>().data_files;
    std::ranges::sort(files, {}, &DataFile::path);
    return CommitIceberg(context, bind.place(), bind.iceberg->target, state, files);
  }
  if (state.written.empty() && bind.task.plan.header && bind.task.plan.partition.empty() &&
      bind.task.plan.table.empty())
    WriteEmptyFile(bind.task, state, interrupted);
  std::ranges::sort(state.written, {}, &WrittenFile::name);
  if (bind.task.plan.manifest) {
    external_scan::LakeFileWriter file(state.client, state.write, state.files++, "manifest",
                                       interrupted);
    OrThrow(file.Append(ManifestOf(bind.task, state.written)));
    OrThrow(file.Finish());
  }
  const TableChanges changes(bind, interrupted);
  if (bind.task.plan.creation.empty()) changes.AddPartitions(state.folders, true);
  changes.Create();
  state.committed = true;  // or failed for good
  if (auto committed = state.client.CommitWrite(state.write); !committed) {
    changes.TakeBack();
    external_scan::ThrowLakeError(committed.error());
  }
  changes.AddPartitions(state.folders, false);
  TellFiles(context, bind.task.plan, state);
}

duckdb::CopyFunctionExecutionMode Mode(bool preserve_order, bool) {
  return preserve_order ? duckdb::CopyFunctionExecutionMode::REGULAR_COPY_TO_FILE
                        : duckdb::CopyFunctionExecutionMode::PARALLEL_COPY_TO_FILE;
}

}  // namespace

void RegisterUnload(duckdb::DatabaseInstance& instance, LakeClient& client, UnloadHooks hooks) {
  duckdb::CopyFunction function(kUnloadFunction);
  function.copy_to_bind = Bind;
  function.copy_to_initialize_global = InitGlobal;
  function.copy_to_initialize_local = InitLocal;
  function.copy_to_sink = Sink;
  function.copy_to_combine = Combine;
  function.copy_to_finalize = Finalize;
  function.execution_mode = Mode;
  function.function_info = duckdb::make_shared_ptr<UnloadInfo>(client, std::move(hooks));
  duckdb::ExtensionLoader loader(instance, "skep");
  loader.RegisterFunction(function);
}

}  // namespace skep::worker::unload
