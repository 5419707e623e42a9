#include "worker/copy/copy_function.h"

#include <algorithm>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/function/table_function.hpp>
#include <duckdb/main/connection.hpp>
#include <duckdb/main/extension/extension_loader.hpp>
#include <duckdb/planner/binder.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <type_traits>

#include "base/text.h"
#include "worker/copy/avro_paths.h"
#include "worker/copy/conversion.h"
#include "worker/copy/fields.h"
#include "worker/copy/json_fields.h"
#include "worker/copy/load_report.h"
#include "worker/copy/record_source.h"
#include "worker/copy/shape_reader.h"
#include "worker/copy/shape_source.h"
#include "worker/external_scan/infer.h"
#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"
#include "worker/external_scan/lake_scan.h"
#include "worker/external_scan/lake_table.h"

namespace skep::worker::copy {
namespace {

using duckdb::idx_t;
using external_scan::InterruptOf;
using external_scan::LakeClient;

constexpr size_t kShownBytes = 1024;  // of a record and a value in the reports

struct CopyInfo final : duckdb::TableFunctionInfo {
  CopyInfo(LakeClient& c, std::function<external_scan::Asker(duckdb::ClientContext&)> a)
      : client(c), asker(std::move(a)) {}
  LakeClient& client;
  std::function<external_scan::Asker(duckdb::ClientContext&)> asker;
};

struct CopyBind final : duckdb::TableFunctionData {
  sql::CopyPlan plan;
  duckdb::vector<duckdb::LogicalType> types;
  LakeClient* client = nullptr;
  external_scan::Asker asker;
};

struct CopyGlobal final : duckdb::GlobalTableFunctionState {
  CopyGlobal(LakeClient& c, duckdb::shared_ptr<LoadReport> r, idx_t t)
      : client(c), report(std::move(r)), threads(t) {}
  ~CopyGlobal() override {
    for (const uint64_t scan : scans) client.CloseScan(scan);
  }
  CopyGlobal(const CopyGlobal&) = delete;
  CopyGlobal& operator=(const CopyGlobal&) = delete;
  idx_t MaxThreads() const override { return threads; }

  LakeClient& client;
  duckdb::shared_ptr<LoadReport> report;
  idx_t threads;
  std::vector<uint64_t> scans;
  std::vector<JsonPath> paths;
  std::unique_ptr<BatchSource> source;
};

template <class Reader>
struct CopyLocal final : duckdb::LocalTableFunctionState {
  explicit CopyLocal(Reader r) : reader(std::move(r)) {}
  Reader reader;
  Batch batch;
  bool has_batch = false;
  size_t mine = SIZE_MAX;
  std::vector<ColumnLoader> loaders;
  // Of each row: where it came from.
  struct Origin {
    uint64_t line;
    std::string_view record;  // within the batch
  };
  std::vector<Origin> origins;
  std::vector<std::vector<Rejection>> rejected;  // by column, by row
};

ipc::ObjectsNamed NamedBy(const sql::CopyPlan& plan) {
  if (plan.job != 0) return ipc::ObjectsNamed::kListed;
  return plan.manifest ? ipc::ObjectsNamed::kManifest : ipc::ObjectsNamed::kPrefix;
}

duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext& context,
                                              duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<duckdb::LogicalType>& types,
                                              duckdb::vector<std::string>& names) {
  auto bind = duckdb::make_uniq<CopyBind>();
  const auto& info = input.info->Cast<CopyInfo>();
  bind->plan = sql::CopyPlan::Read(input.inputs[0].GetValue<std::string>());
  bind->client = &info.client;
  bind->asker = info.asker(context);
  const auto& table = duckdb::Catalog::GetEntry<duckdb::TableCatalogEntry>(
      context, bind->plan.database, bind->plan.schema, bind->plan.relation);
  for (const auto& column : bind->plan.columns) {
    names.push_back(column.name);
    types.push_back(table.GetColumn(column.name).Type());
  }
  bind->types = types;
  return bind;
}

std::string ReadWhole(duckdb::ClientContext& context, LakeClient& client, uint64_t scan,
                      const ipc::TableFile& file) {
  constexpr uint64_t kMaxBytes = 64u << 10;
  if (file.size > kMaxBytes)
    throw duckdb::InvalidInputException("%s is larger than 64 KB", file.path);
  std::string text(file.size, '\0');
  external_scan::OrThrow(
      client.Read({scan, file.number, file.size}, 0, text, file.path, InterruptOf(&context)));
  return text;
}

// Of the plan's jsonpaths file, one for each column.
std::vector<JsonPath> PathsOf(duckdb::ClientContext& context, LakeClient& client,
                              const external_scan::Asker& asker, const sql::CopyPlan& plan) {
  struct Opened {
    LakeClient& client;
    uint64_t scan = 0;
    ~Opened() {
      if (scan != 0) client.CloseScan(scan);
    }
  } opened{client};
  const auto files = external_scan::OrThrow(client.OpenObjects(
      plan.roles, asker, plan.json, ipc::ObjectsNamed::kOne, opened.scan, InterruptOf(&context)));
  auto paths = external_scan::OrThrow(
      ReadJsonPaths(ReadWhole(context, client, opened.scan, files.at(0)), plan.json));
  if (paths.size() != plan.columns.size())
    throw duckdb::InvalidInputException(
        "Number of jsonpaths and the number of columns should match. JSONPath size: %llu, "
        "Number of columns in table or column list: %llu",
        static_cast<unsigned long long>(paths.size()),
        static_cast<unsigned long long>(plan.columns.size()));
  return paths;
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> InitGlobal(
    duckdb::ClientContext& context, duckdb::TableFunctionInitInput& input) {
  const auto& bind = input.bind_data->Cast<CopyBind>();
  auto report = context.registered_state->GetOrCreate<LoadReport>(LoadReport::kName);
  report->Begin(bind.plan, duckdb::Timestamp::GetCurrentTimestamp().value);
  auto global = duckdb::make_uniq<CopyGlobal>(
      *bind.client, report, duckdb::TaskScheduler::GetScheduler(context).NumberOfThreads());
  const auto interrupted = InterruptOf(&context);
  const auto open = [&](const std::string& path, ipc::ObjectsNamed named) {
    uint64_t scan = 0;
    auto files = bind.client->OpenObjects(
        bind.plan.roles, bind.asker, path, named, scan, interrupted,
        named == ipc::ObjectsNamed::kListed ? bind.plan.files : std::vector<std::string>{});
    if (scan != 0) {
      global->scans.push_back(scan);
      if (!bind.asker.master_key.empty()) bind.client->KeyOfScan(scan, bind.asker.master_key);
    }
    return std::pair(scan, external_scan::OrThrow(std::move(files)));
  };
  if (bind.plan.json.starts_with("s3://"))
    global->paths = PathsOf(context, *bind.client, bind.asker, bind.plan);
  const bool shapes = bind.plan.format == sql::CopyFormat::kShapefile;
  const bool has_siblings = shapes && !bind.plan.manifest;
  auto [scan, files] =
      open(has_siblings ? ShapeSource::SharedPrefix(bind.plan.path) : bind.plan.path,
           NamedBy(bind.plan));
  if (shapes) files = ShapeSource::Parts(std::move(files), bind.plan.path);
  report->Reads(files, true);
  if (shapes)
    global->source = std::make_unique<ShapeSource>(context, bind.plan, scan, std::move(files));
  else
    global->source = std::make_unique<RecordSource>(context, bind.plan, scan, std::move(files));
  return global;
}

template <class Reader>
duckdb::unique_ptr<duckdb::LocalTableFunctionState> MakeLocal(duckdb::ClientContext& context,
                                                              const CopyBind& bind, Reader reader) {
  auto local = duckdb::make_uniq<CopyLocal<Reader>>(std::move(reader));
  local->loaders.reserve(bind.plan.columns.size());
  for (size_t i = 0; i < bind.plan.columns.size(); i++)
    local->loaders.emplace_back(context, bind.plan, bind.plan.columns[i], bind.types[i]);
  local->rejected.resize(bind.plan.columns.size());
  return local;
}

duckdb::unique_ptr<duckdb::LocalTableFunctionState> InitLocal(duckdb::ExecutionContext& context,
                                                              duckdb::TableFunctionInitInput& input,
                                                              duckdb::GlobalTableFunctionState* g) {
  const auto& bind = input.bind_data->Cast<CopyBind>();
  if (bind.plan.format == sql::CopyFormat::kJson)
    return MakeLocal(context.client, bind, JsonReader(bind.plan, g->Cast<CopyGlobal>().paths));
  if (bind.plan.format == sql::CopyFormat::kShapefile) {
    auto& global = g->Cast<CopyGlobal>();
    return MakeLocal(
        context.client, bind,
        ShapeReader(bind.plan, dynamic_cast<const ShapeSource&>(*global.source), *global.report));
  }
  return MakeLocal(context.client, bind, FieldReader(bind.plan));
}

class Scan {
 public:
  Scan(const CopyBind& bind, CopyGlobal& global) : plan_(bind.plan), global_(global) {}

  template <class Reader>
  void Run(CopyLocal<Reader>& local, duckdb::DataChunk& out) {
    do {
      const idx_t rows = Gather(local);
      if (rows == 0) return;
      Finish(local, rows, out);
    } while (out.size() == 0);
  }

 private:
  template <class Reader>
  idx_t Gather(CopyLocal<Reader>& local) {
    for (auto& loader : local.loaders) loader.Reset();
    local.origins.clear();
    idx_t rows = 0;
    // A chunk holds rows of one batch only: their text is the batch's.
    while (rows == 0) {
      uint64_t records = 0;
      if (!local.has_batch) {
        if (!global_.source->Next(local.mine, local.batch)) return 0;
        global_.report->bytes += local.batch.text.size();
        if constexpr (std::is_same_v<Reader, ShapeReader>)
          local.reader.Enter(local.batch);
        else
          local.reader.Enter(local.batch.text, local.batch.first_line);
        local.has_batch = true;
      }
      while (rows < STANDARD_VECTOR_SIZE) {
        if (!local.reader.Next()) {
          local.has_batch = false;
          break;
        }
        records++;
        if (local.reader.blank() && plan_.ignore_blank_lines) continue;
        if (TakeRecord(local, rows)) rows++;
      }
      global_.report->lines[local.batch.file] += records;
    }
    return rows;
  }

  template <class Reader>
  bool TakeRecord(CopyLocal<Reader>& local, idx_t row) {
    const auto& reader = local.reader;
    const auto reject = [&](const Rejection& why, const ColumnLoader* loader, const Field* field) {
      LoadError error = Describe(local.batch, reader.line(), reader.record(), why);
      if (loader) Name(error, loader->column(), field ? field->text : std::string_view());
      if (field) error.position = field->position;
      Reject(std::move(error));
      return false;
    };
    if (const auto fault = reader.fault()) {
      const ColumnLoader* loader = nullptr;
      if constexpr (std::is_same_v<Reader, ShapeReader>) {
        if (fault->of_geometry) loader = local.loaders.data();
      }
      return reject({fault->code, fault->reason}, loader, nullptr);
    }
    const auto& fields = reader.fields();
    const size_t columns = local.loaders.size();
    if (fields.size() > columns) {
      // A delimiter behind the last field ends it, and is no field of its own.
      const bool trailing = fields.size() == columns + 1 && fields.back().text.empty() &&
                            plan_.format == sql::CopyFormat::kDelimited;
      if (!trailing) return reject({1202, "Extra column(s) found"}, nullptr, nullptr);
    }
    if (fields.size() < columns && !plan_.fill_record)
      return reject({1214, "Delimiter not found"}, &local.loaders[fields.size()], nullptr);
    Rejection why;
    for (size_t i = 0; i < columns; i++) {
      auto& loader = local.loaders[i];
      const Field missing{{}, true, reader.record().size()};
      const Field& field = i < fields.size() ? fields[i] : missing;
      if (!loader.Take(field, row, why)) return reject(why, &loader, &field);
    }
    local.origins.push_back({reader.line(), reader.record()});
    return true;
  }

  template <class Reader>
  void Finish(CopyLocal<Reader>& local, idx_t rows, duckdb::DataChunk& out) {
    bool all_fit = true;
    for (size_t i = 0; i < local.loaders.size(); i++) {
      local.rejected[i].clear();
      local.loaders[i].Convert(rows, out.data[i], local.rejected[i]);
      all_fit &= local.rejected[i].empty();
    }
    duckdb::SelectionVector good(rows);
    idx_t count = all_fit ? rows : 0;
    for (idx_t row = 0; row < rows && !all_fit; row++) {
      bool fits = true;
      for (size_t i = 0; i < local.loaders.size() && fits; i++) {
        if (local.rejected[i].empty()) continue;
        const Rejection& why = local.rejected[i][row];
        if (why.code == 0) continue;
        fits = false;
        const auto& origin = local.origins[row];
        LoadError error = Describe(local.batch, origin.line, origin.record, why);
        Name(error, local.loaders[i].column(), local.loaders[i].TextAt(row));
        error.position = PositionOf(local.reader, origin.record, i);
        Reject(std::move(error));
      }
      if (fits) good.set_index(count++, row);
    }
    global_.report->loaded += count;
    if (plan_.no_load) count = 0;
    out.SetCardinality(rows);
    if (count < rows) out.Slice(good, count);
  }

  LoadError Describe(const Batch& batch, uint64_t line, std::string_view record,
                     const Rejection& why) const {
    LoadError error;
    error.file = global_.source->PathOf(batch.file);
    error.line = line;
    error.record = std::string(record.substr(0, kShownBytes));
    error.code = why.code;
    error.reason = why.reason;
    return error;
  }

  // Read once more: only rejected records need it.
  template <class Reader>
  static uint64_t PositionOf(Reader reader, std::string_view record, size_t field) {
    if constexpr (std::is_same_v<Reader, ShapeReader>) {
      return reader.PositionOf(field);
    } else {
      reader.Enter(record, 1);
      return reader.Next() && field < reader.fields().size() ? reader.fields()[field].position : 0;
    }
  }

  static void Name(LoadError& error, const sql::CopyColumn& column, std::string_view value) {
    error.column = column.name;
    error.type = sql::BareTypeText(column.type);
    if (column.type.length >= 0)
      error.length =
          column.type.kind == sql::TypeKind::kDecimal
              ? std::to_string(column.type.length) + "," + std::to_string(column.type.scale)
              : std::to_string(column.type.length);
    error.value = std::string(value.substr(0, kShownBytes));
  }

  void Reject(LoadError error) const {
    const uint64_t count = global_.report->Add(std::move(error));
    if (plan_.ignore_all_errors || count < plan_.max_errors) return;
    throw duckdb::InvalidInputException(
        "Load into table '%s' failed.  Check 'sys_load_error_detail' system table for details.",
        plan_.table);
  }

  const sql::CopyPlan& plan_;
  CopyGlobal& global_;
};

void Run(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  const auto& bind = input.bind_data->Cast<CopyBind>();
  Scan scan(bind, input.global_state->Cast<CopyGlobal>());
  if (bind.plan.format == sql::CopyFormat::kJson)
    scan.Run(input.local_state->Cast<CopyLocal<JsonReader>>(), out);
  else if (bind.plan.format == sql::CopyFormat::kShapefile)
    scan.Run(input.local_state->Cast<CopyLocal<ShapeReader>>(), out);
  else
    scan.Run(input.local_state->Cast<CopyLocal<FieldReader>>(), out);
}

std::string FormatName(sql::CopyFormat format) {
  if (format == sql::CopyFormat::kOrc) return "orc";
  return format == sql::CopyFormat::kAvro ? "avro" : "parquet";
}

// The field that a column is loaded from. One that the file lacks is NULL: it is asked for by a
// name that no field has.
ipc::TableColumn FieldFor(const sql::CopyColumn& column, const ipc::InferReply& file,
                          bool ignore_case) {
  for (const auto& field : file.columns) {
    if (field.name == column.name || (ignore_case && Lower(field.name) == column.name))
      return {field.name, field.type};
  }
  return {"\x01" + column.name, "string"};
}

// Becomes a scan of an external table that the catalog does not have: its columns are those of the
// first file.
duckdb::unique_ptr<duckdb::LogicalOperator> BindTyped(duckdb::ClientContext& context,
                                                      duckdb::TableFunctionBindInput& input,
                                                      idx_t bind_index,
                                                      duckdb::vector<std::string>& names) {
  const auto& info = input.info->Cast<CopyInfo>();
  const auto plan = sql::CopyPlan::Read(input.inputs[0].GetValue<std::string>());
  const auto report = context.registered_state->GetOrCreate<LoadReport>(LoadReport::kName);
  report->Begin(plan, duckdb::Timestamp::GetCurrentTimestamp().value);
  uint64_t scan = 0;
  const auto files = external_scan::OrThrow(
      info.client.OpenObjects(plan.roles, info.asker(context), plan.path, NamedBy(plan), scan,
                              InterruptOf(&context), plan.files));
  report->Reads(files, false);
  ipc::TableDescription description;
  description.name = plan.table;
  description.format = FormatName(plan.format);
  const auto table = [&] {
    return duckdb::make_shared_ptr<external_scan::LakeTable>(
        info.client, "copy", external_scan::OpenedTable{scan, description});
  };
  const auto closing = table();  // closes the scan when what follows fails
  if (files.empty() && plan.job != 0)
    external_scan::ThrowLakeError(
        {ErrorKind::kExternalNotFound, "the job's files are gone", {}, {}, 0});
  if (files.empty()) throw duckdb::InvalidInputException("there is nothing to load");
  duckdb::Connection connection(*context.db);
  ipc::InferRequest request;
  request.scan = scan;
  request.path = files.front().path;
  request.size = files.front().size;
  request.format = description.format;
  const auto first = external_scan::OrThrow(external_scan::Infer(connection, info.client, request));
  const bool by_name = plan.format == sql::CopyFormat::kAvro;
  if (!by_name && first.columns.size() != plan.columns.size())
    throw duckdb::InvalidInputException("%s has %llu columns, the table takes %llu", request.path,
                                        static_cast<unsigned long long>(first.columns.size()),
                                        static_cast<unsigned long long>(plan.columns.size()));
  std::vector<JsonPath> paths;
  if (plan.json.starts_with("s3://")) {
    paths = PathsOf(context, info.client, info.asker(context), plan);
    description.columns = RootsOf(paths, first.columns);
  } else if (by_name) {
    for (const auto& column : plan.columns)
      description.columns.push_back(FieldFor(column, first, plan.json == "auto ignorecase"));
  } else {
    for (const auto& column : first.columns)
      description.columns.push_back({column.name, column.type});
  }
  closing->Keep();
  const auto opened = table();
  duckdb::unique_ptr<duckdb::FunctionData> bound;
  auto function = external_scan::BindLakeScan(context, *opened, bound);
  const idx_t index = paths.empty() ? bind_index : input.binder->GenerateTableIndex();
  auto get = duckdb::make_uniq<duckdb::LogicalGet>(index, function, std::move(bound),
                                                   opened->types(), opened->names());
  for (idx_t i = 0; i < description.columns.size(); i++) get->AddColumnId(i);
  for (idx_t i = 0; i < plan.columns.size(); i++) names.push_back("c" + std::to_string(i));
  if (paths.empty()) return get;
  return FollowPaths(context, std::move(get), index, bind_index, paths, description.columns,
                     opened->types());
}

}  // namespace

void RegisterCopy(duckdb::DatabaseInstance& instance, LakeClient& client,
                  std::function<external_scan::Asker(duckdb::ClientContext&)> asker) {
  duckdb::TableFunction function("rs_copy", {duckdb::LogicalType::VARCHAR}, Run, Bind, InitGlobal,
                                 InitLocal);
  function.function_info = duckdb::make_shared_ptr<CopyInfo>(client, std::move(asker));
  duckdb::TableFunction typed("rs_copy_typed", {duckdb::LogicalType::VARCHAR}, nullptr);
  typed.bind_operator = BindTyped;
  typed.function_info = function.function_info;
  duckdb::ExtensionLoader loader(instance, "skep");
  loader.RegisterFunction(typed);
  loader.RegisterFunction(function);
}

}  // namespace skep::worker::copy
