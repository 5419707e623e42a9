#include "worker/copy/load_tables.h"

#include <algorithm>
#include <duckdb/function/table_function.hpp>
#include <duckdb/main/appender.hpp>
#include <duckdb/main/connection.hpp>
#include <duckdb/main/extension/extension_loader.hpp>
#include <span>

#include "sql/emit/duckdb_catalog.h"
#include "sql/quoting.h"

namespace skep::worker::copy {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

struct Kept {
  std::string_view name;
  std::string_view columns;  // "name type, ...", as CREATE TABLE takes them
};
constexpr Kept kTables[] = {
    {"load_errors",
     "query_id bigint, loaded_at timestamp, user_name varchar, process_id integer, table_name "
     "varchar, file_name varchar, line_number bigint, column_name varchar, column_type varchar, "
     "column_length varchar, position integer, record varchar, value varchar, code integer, reason "
     "varchar"},
    {"loads",
     "query_id bigint, user_name varchar, process_id integer, status varchar, table_name varchar, "
     "began timestamp, ended timestamp, location varchar, format varchar, loaded_rows bigint, "
     "loaded_bytes bigint, files bigint, file_bytes bigint, errors bigint, job_id bigint, message "
     "varchar"},
    {"load_files",
     "query_id bigint, file_name varchar, bytes bigint, lines bigint, etag varchar, modified "
     "timestamp, began timestamp, ended timestamp"},
    {"simplified",
     "query_id bigint, line_number bigint, maximum_tolerance double, initial_size bigint, "
     "simplified varchar, final_size bigint, final_tolerance double"},
    {"unloads",
     "query_id bigint, user_name varchar, process_id integer, status varchar, began timestamp, "
     "ended timestamp, format varchar, compression varchar, location varchar, unloaded_rows "
     "bigint, files bigint, file_bytes bigint, message varchar"},
    {"unload_files",
     "query_id bigint, file_name varchar, lines bigint, bytes bigint, ended timestamp"},
    {"copy_jobs",
     "job_id bigint, job_name varchar, job_owner varchar, schema_name varchar, table_name varchar, "
     "data_source varchar, iam_role varchar, is_auto boolean, job_text varchar, created_at "
     "timestamp, since bigint"},
    {"copy_job_files",
     "job_id bigint, path varchar, size bigint, etag varchar, modified timestamp, enqueued "
     "timestamp, status varchar, attempts integer, message varchar"},
    {"copy_job_messages", "job_id bigint, job_name varchar, recorded timestamp, message varchar"},
};
constexpr const char* kKeptFor = "interval 7 days";
constexpr size_t kMostFiles = 100'000;  // of one statement

const Kept& Find(std::string_view name) {
  const auto found = std::ranges::find(kTables, name, &Kept::name);
  if (found == std::end(kTables))
    throw duckdb::InvalidInputException("there is no kept table %s", std::string(name));
  return *found;
}

struct KeptInfo final : duckdb::TableFunctionInfo {
  explicit KeptInfo(std::function<std::string(duckdb::ClientContext&)> d)
      : database(std::move(d)) {}
  std::function<std::string(duckdb::ClientContext&)> database;
};

struct KeptBind final : duckdb::TableFunctionData {
  std::string database, table;
};

struct KeptRows final : duckdb::GlobalTableFunctionState {
  duckdb::unique_ptr<duckdb::MaterializedQueryResult> result;
};

duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext& context,
                                              duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<LogicalType>& types,
                                              duckdb::vector<std::string>& names) {
  auto bind = duckdb::make_uniq<KeptBind>();
  bind->database = input.info->Cast<KeptInfo>().database(context);
  const Kept& kept = Find(input.inputs[0].GetValue<std::string>());
  bind->table = std::string(kept.name);
  for (std::string_view rest = kept.columns; !rest.empty();) {
    const size_t comma = std::min(rest.find(", "), rest.size()), blank = rest.find(' ');
    names.emplace_back(rest.substr(0, blank));
    types.push_back(duckdb::TransformStringToLogicalType(
        std::string(rest.substr(blank + 1, comma - blank - 1)), context));
    rest.remove_prefix(std::min(comma + 2, rest.size()));
  }
  return bind;
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> Init(duckdb::ClientContext& context,
                                                          duckdb::TableFunctionInitInput& input) {
  auto rows = duckdb::make_uniq<KeptRows>();
  const auto& bind = input.bind_data->Cast<KeptBind>();
  if (bind.database.empty()) return rows;
  duckdb::Connection connection(*context.db);
  if (!connection.TableInfo(bind.database, std::string(sql::kHiddenSchema), bind.table))
    return rows;
  auto result = connection.Query("select * from " + KeptTable(bind.database, bind.table));
  if (result->HasError()) result->ThrowError();
  rows->result = std::move(result);
  return rows;
}

void Run(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  auto& rows = input.global_state->Cast<KeptRows>();
  if (!rows.result) return;
  const auto chunk = rows.result->Fetch();
  if (chunk) out.Reference(*chunk);
}

Value Number(uint64_t number) { return Value::BIGINT(static_cast<int64_t>(number)); }
// What is not UTF-8 in a record is shown as it is in the reason.
Value Readable(const std::string& text) {
  return Value::StringIsValid(text) ? Value(text) : Value("");
}
Value Moment(int64_t us) { return Value::TIMESTAMP(duckdb::timestamp_t(us)); }

// A transaction that writes records, of which old ones go.
class Writing {
 public:
  Writing(duckdb::DatabaseInstance& instance, std::string database)
      : connection_(instance), database_(std::move(database)) {}

  void Begin(std::initializer_list<std::string_view> tables, std::string_view aged) {
    for (const std::string_view table : tables) Query(CreateKeptTable(database_, table));
    Query("begin");
    const std::string first = KeptTable(database_, tables.begin()[0]);
    const auto gone = Query("delete from " + first + " where " + std::string(aged) +
                            " < now()::timestamp - " + kKeptFor);
    if (gone->GetValue(0, 0).GetValue<int64_t>() == 0) return;
    for (const std::string_view table : std::span(tables.begin() + 1, tables.end()))
      Query("delete from " + KeptTable(database_, table) +
            " where query_id not in (select query_id from " + first + ")");
  }
  // The next statement's number; loads and unloads share them.
  int64_t NextNumber() {
    int64_t last = 0;
    for (const char* table : {"loads", "unloads", "load_errors"}) {
      Query(CreateKeptTable(database_, table));
      const auto result =
          Query("select coalesce(max(query_id), 0) from " + KeptTable(database_, table));
      last = std::max(last, result->GetValue(0, 0).GetValue<int64_t>());
    }
    return last + 1;
  }
  void Append(std::string_view table, std::vector<std::vector<Value>> rows) {
    if (rows.empty()) return;
    duckdb::Appender appender(connection_, database_, std::string(sql::kHiddenSchema),
                              std::string(table));
    for (auto& row : rows) {
      appender.BeginRow();
      for (Value& value : row) appender.Append(std::move(value));
      appender.EndRow();
    }
    appender.Close();
  }
  void Commit() { Query("commit"); }

 private:
  duckdb::unique_ptr<duckdb::MaterializedQueryResult> Query(const std::string& text) {
    auto result = connection_.Query(text);
    if (result->HasError()) result->ThrowError();
    return result;
  }
  duckdb::Connection connection_;
  std::string database_;
};

Result<int64_t> NotKept(const std::exception& e) {
  return Fail(ErrorKind::kIoError, std::string("the statement's records could not be kept: ") +
                                       duckdb::ErrorData(e).RawMessage());
}

std::vector<Value> ErrorRow(int64_t query, int64_t now, const Ending& ending,
                            const LoadReport& report, const LoadError& error) {
  return {Value::BIGINT(query),
          Moment(now),
          Value(ending.user),
          Value::INTEGER(static_cast<int32_t>(ending.process_id)),
          Value(report.table),
          Readable(error.file),
          Number(error.line),
          Value(error.column),
          Value(error.type),
          Value(error.length),
          Value::INTEGER(static_cast<int32_t>(error.position)),
          Readable(error.record),
          Readable(error.value),
          Value::INTEGER(error.code),
          Readable(error.reason)};
}

// Of SIMPLIFY a row for the load, of SIMPLIFY AUTO a row for each shape that was too large.
std::vector<std::vector<Value>> SimplifiedRows(int64_t query, const LoadReport& report) {
  if (report.simplify == sql::CopySimplify::kNone) return {};
  const Value tolerance = report.tolerance ? Value(*report.tolerance) : Value(LogicalType::DOUBLE);
  const Value no_number(LogicalType::BIGINT);
  if (report.simplify == sql::CopySimplify::kAll)
    return {{Value::BIGINT(query), no_number, tolerance, no_number, Value(LogicalType::VARCHAR),
             no_number, Value(LogicalType::DOUBLE)}};
  std::vector<std::vector<Value>> rows;
  for (const auto& shape : report.simplified)
    rows.push_back({Value::BIGINT(query), Number(shape.record), tolerance,
                    Number(shape.initial_bytes), Value(shape.fits ? "t" : "f"),
                    Number(shape.final_bytes), Value(shape.tolerance)});
  return rows;
}

}  // namespace

std::string KeptTable(const std::string& database, std::string_view table) {
  return sql::QuoteName(database) + "." + std::string(sql::kHiddenSchema) + "." +
         std::string(Find(table).name);
}

std::string CreateKeptTable(const std::string& database, std::string_view table) {
  return "create table if not exists " + KeptTable(database, table) + " (" +
         std::string(Find(table).columns) + ")";
}

void RegisterLoadTables(duckdb::DatabaseInstance& instance,
                        std::function<std::string(duckdb::ClientContext&)> database) {
  duckdb::TableFunction function("rs_kept", {LogicalType::VARCHAR}, Run, Bind, Init);
  function.function_info = duckdb::make_shared_ptr<KeptInfo>(std::move(database));
  duckdb::ExtensionLoader loader(instance, "skep");
  loader.RegisterFunction(function);
}

void LoadReport::Begin(const sql::CopyPlan& plan, int64_t now_us) {
  constexpr const char* kFormats[] = {"txt",     "csv", "txt",  "json",
                                      "parquet", "orc", "avro", "shapefile"};
  const std::lock_guard lock(mutex);
  table = plan.table;
  location = plan.path;
  format = kFormats[static_cast<size_t>(plan.format)];
  simplify = plan.simplify;
  tolerance = plan.tolerance;
  simplified.clear();
  job = plan.job;
  began_us = now_us;
  files.clear();
  lines.reset();
  errors.clear();
  error_bytes = 0;
  loaded = rejected = bytes = 0;
}

Result<int64_t> LoadRecords::KeepLoad(duckdb::DatabaseInstance& instance,
                                      const std::string& database, const Ending& ending,
                                      LoadReport& report) {
  const std::lock_guard one_at_a_time(mutex_);
  const std::lock_guard lock(report.mutex);
  try {
    Writing writing(instance, database);
    writing.Begin({"loads", "load_files", "load_errors", "simplified"}, "ended");
    const int64_t query = writing.NextNumber();
    const int64_t now = duckdb::Timestamp::GetCurrentTimestamp().value;
    std::vector<std::vector<Value>> files, errors;
    uint64_t file_bytes = 0;
    for (size_t i = 0; i < report.files.size(); i++) {
      const auto& file = report.files[i];
      file_bytes += file.size;
      if (i >= kMostFiles || ending.failure) continue;
      files.push_back({Value::BIGINT(query), Readable(file.path), Number(file.size),
                       report.lines ? Number(report.lines[i]) : Value(LogicalType::BIGINT),
                       Value(file.etag), Moment(file.modified_s * 1'000'000),
                       Moment(report.began_us), Moment(now)});
    }
    for (const LoadError& error : report.errors)
      errors.push_back(ErrorRow(query, now, ending, report, error));
    writing.Append(
        "loads",
        {{Value::BIGINT(query), Value(ending.user),
          Value::INTEGER(static_cast<int32_t>(ending.process_id)),
          Value(ending.failure ? "aborted" : "completed"), Value(report.table),
          Moment(report.began_us), Moment(now), Readable(report.location), Value(report.format),
          Number(ending.rows), Number(ending.failure ? 0 : report.bytes.load()),
          Number(report.files.size()), Number(file_bytes), Number(report.rejected),
          Value::BIGINT(report.job), Readable(ending.failure.value_or(""))}});
    writing.Append("load_files", std::move(files));
    writing.Append("load_errors", std::move(errors));
    writing.Append("simplified", SimplifiedRows(query, report));
    writing.Commit();
    return query;
  } catch (const std::exception& e) {
    return NotKept(e);
  }
}

Result<int64_t> LoadRecords::KeepUnload(duckdb::DatabaseInstance& instance,
                                        const std::string& database, const Ending& ending,
                                        const unload::UnloadReport& report) {
  const std::lock_guard one_at_a_time(mutex_);
  try {
    Writing writing(instance, database);
    writing.Begin({"unloads", "unload_files"}, "ended");
    const int64_t query = writing.NextNumber();
    const int64_t now = duckdb::Timestamp::GetCurrentTimestamp().value;
    std::vector<std::vector<Value>> files;
    uint64_t file_bytes = 0;
    for (const auto& file : report.files) {
      file_bytes += file.bytes;
      if (files.size() < kMostFiles)
        files.push_back({Value::BIGINT(query), Readable(file.name), Number(file.rows),
                         Number(file.bytes), Moment(now)});
    }
    writing.Append("unloads",
                   {{Value::BIGINT(query), Value(ending.user),
                     Value::INTEGER(static_cast<int32_t>(ending.process_id)),
                     Value(ending.failure ? "aborted" : "completed"), Moment(report.began_us),
                     Moment(now), Value(report.format), Value(report.compression),
                     Readable(report.location), Number(ending.rows), Number(report.files.size()),
                     Number(file_bytes), Readable(ending.failure.value_or(""))}});
    writing.Append("unload_files", std::move(files));
    writing.Commit();
    return query;
  } catch (const std::exception& e) {
    return NotKept(e);
  }
}

}  // namespace skep::worker::copy
