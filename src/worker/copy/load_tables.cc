#include "worker/copy/load_tables.h"

#include <duckdb/function/table_function.hpp>
#include <duckdb/main/appender.hpp>
#include <duckdb/main/connection.hpp>
#include <duckdb/main/extension/extension_loader.hpp>

#include "sql/emit/duckdb_catalog.h"
#include "sql/quoting.h"

namespace skep::worker::copy {
namespace {

using duckdb::LogicalType;

constexpr const char* kColumns =
    "query_id bigint, loaded_at timestamp, user_name varchar, process_id integer, table_name "
    "varchar, "
    "file_name varchar, line_number bigint, column_name varchar, column_type varchar, "
    "column_length varchar, position integer, record varchar, value varchar, code integer, "
    "reason varchar";
constexpr const char* kKept = "interval 7 days";

std::string Table(const std::string& database) {
  return sql::QuoteName(database) + "." + std::string(sql::kHiddenSchema) + ".load_errors";
}

struct LoadInfo final : duckdb::TableFunctionInfo {
  explicit LoadInfo(std::function<std::string(duckdb::ClientContext&)> d)
      : database(std::move(d)) {}
  std::function<std::string(duckdb::ClientContext&)> database;
};

struct LoadBind final : duckdb::TableFunctionData {
  std::string database;
};

struct LoadRows final : duckdb::GlobalTableFunctionState {
  duckdb::unique_ptr<duckdb::MaterializedQueryResult> result;
};

duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext& context,
                                              duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<LogicalType>& types,
                                              duckdb::vector<std::string>& names) {
  auto bind = duckdb::make_uniq<LoadBind>();
  bind->database = input.info->Cast<LoadInfo>().database(context);
  const LogicalType text = LogicalType::VARCHAR;
  names = {"query_id",  "loaded_at",   "user_name",   "process_id",  "table_name",
           "file_name", "line_number", "column_name", "column_type", "column_length",
           "position",  "record",      "value",       "code",        "reason"};
  types = {LogicalType::BIGINT,
           LogicalType::TIMESTAMP,
           text,
           LogicalType::INTEGER,
           text,
           text,
           LogicalType::BIGINT,
           text,
           text,
           text,
           LogicalType::INTEGER,
           text,
           text,
           LogicalType::INTEGER,
           text};
  return bind;
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> Init(duckdb::ClientContext& context,
                                                          duckdb::TableFunctionInitInput& input) {
  auto rows = duckdb::make_uniq<LoadRows>();
  const std::string& database = input.bind_data->Cast<LoadBind>().database;
  if (database.empty()) return rows;
  duckdb::Connection connection(*context.db);
  const auto there = connection.TableInfo(database, std::string(sql::kHiddenSchema), "load_errors");
  if (!there) return rows;
  auto result = connection.Query("select * from " + Table(database));
  if (result->HasError()) result->ThrowError();
  rows->result = std::move(result);
  return rows;
}

void Run(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  auto& rows = input.global_state->Cast<LoadRows>();
  if (!rows.result) return;
  const auto chunk = rows.result->Fetch();
  if (chunk) out.Reference(*chunk);
}

}  // namespace

void RegisterLoadTables(duckdb::DatabaseInstance& instance,
                        std::function<std::string(duckdb::ClientContext&)> database) {
  duckdb::TableFunction function("rs_load_errors", {}, Run, Bind, Init);
  function.function_info = duckdb::make_shared_ptr<LoadInfo>(std::move(database));
  duckdb::ExtensionLoader loader(instance, "skep");
  loader.RegisterFunction(function);
}

Result<void> KeepLoadErrors(duckdb::DatabaseInstance& instance, const std::string& database,
                            const std::string& user, uint32_t process_id, LoadReport& report) {
  const std::lock_guard lock(report.mutex);
  if (report.errors.empty()) return {};
  try {
    duckdb::Connection connection(instance);
    const auto run = [&](const std::string& text) {
      auto result = connection.Query(text);
      if (result->HasError()) result->ThrowError();
      return result;
    };
    const std::string table = Table(database);
    run("create table if not exists " + table + " (" + kColumns + ")");
    run("begin");
    run("delete from " + table + " where loaded_at < now()::timestamp - " + kKept);
    const auto last = run("select coalesce(max(query_id), 0) + 1 from " + table);
    const int64_t query = last->GetValue(0, 0).GetValue<int64_t>();
    const auto now = duckdb::Timestamp::GetCurrentTimestamp();
    duckdb::Appender appender(connection, database, std::string(sql::kHiddenSchema), "load_errors");
    const auto text = [](const std::string& of) { return duckdb::Value(of); };
    for (const LoadError& error : report.errors) {
      // What is not UTF-8 in a record is shown as it is in the reason.
      const auto readable = [&](const std::string& of) {
        return duckdb::Value::StringIsValid(of) ? duckdb::Value(of) : duckdb::Value("");
      };
      appender.BeginRow();
      appender.Append(query);
      appender.Append(now);
      appender.Append(text(user));
      appender.Append(static_cast<int32_t>(process_id));
      appender.Append(text(report.table));
      appender.Append(readable(error.file));
      appender.Append(static_cast<int64_t>(error.line));
      appender.Append(text(error.column));
      appender.Append(text(error.type));
      appender.Append(text(error.length));
      appender.Append(static_cast<int32_t>(error.position));
      appender.Append(readable(error.record));
      appender.Append(readable(error.value));
      appender.Append(error.code);
      appender.Append(readable(error.reason));
      appender.EndRow();
    }
    appender.Close();
    run("commit");
  } catch (const std::exception& e) {
    return Fail(ErrorKind::kIoError, std::string("the rejected records could not be kept: ") +
                                         duckdb::ErrorData(e).RawMessage());
  }
  return {};
}

}  // namespace skep::worker::copy
