#include "worker/copy_jobs.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "sql/emit/duckdb_catalog.h"
#include "worker/copy/load_tables.h"
#include "worker/engine_errors.h"

namespace skep::worker {
namespace {

using duckdb::Value;
using Rows = duckdb::unique_ptr<duckdb::QueryResult>;

constexpr int kMostAttempts = 5;
constexpr size_t kAskedAtOnce = 1000;

Result<Rows> Run(duckdb::Connection& connection, const std::string& text,
                 duckdb::vector<Value> values = {}) {
  auto statement = connection.Prepare(text);
  if (statement->HasError()) return Fail(ToError(statement->GetErrorObject(), nullptr));
  auto result = statement->Execute(values, false);
  if (result->HasError()) return Fail(ToError(result->GetErrorObject(), nullptr));
  return result;
}

Result<void> Make(duckdb::Connection& connection, const std::string& database) {
  for (const char* table : {"copy_jobs", "copy_job_files", "copy_job_messages"})
    SKEP_TRY(Run(connection, copy::CreateKeptTable(database, table)));
  return {};
}

// So that questions about jobs need not make tables.
Result<bool> Exists(duckdb::Connection& connection, const std::string& database) {
  SKEP_TRY_ASSIGN(const auto found,
                  Run(connection,
                      "select count(*) from duckdb_tables() where database_name = $1 and "
                      "schema_name = $2 and table_name = 'copy_jobs'",
                      {Value(database), Value(std::string(sql::kHiddenSchema))}));
  const auto chunk = found->Fetch();
  return chunk && chunk->GetValue(0, 0).GetValue<int64_t>() > 0;
}

Value PathsOf(const ipc::TableFile* begin, const ipc::TableFile* end) {
  duckdb::vector<Value> paths;
  for (const auto* file = begin; file != end; file++) paths.emplace_back(file->path);
  return Value::LIST(duckdb::LogicalType::VARCHAR, std::move(paths));
}

const char* CodeOf(FileFate fate) {
  constexpr const char* kCodes[] = {"S", "I", "E", "P"};
  return kCodes[static_cast<size_t>(fate)];
}

}  // namespace

Result<void> CopyJobs::Create(duckdb::Connection& connection, const std::string& database,
                              CopyJob job, const std::vector<ipc::TableFile>& there) {
  SKEP_TRY(Make(connection, database));
  SKEP_TRY_ASSIGN(const auto same, Find(connection, database, job.name));
  if (same)
    return Fail(ErrorKind::kDuplicateObject, "COPY JOB \"" + job.name + "\" already exists");
  // Numbers of dropped jobs are not given again while messages tell of them.
  SKEP_TRY_ASSIGN(
      const auto last,
      Run(connection, "select greatest(coalesce((select max(job_id) from " +
                          copy::KeptTable(database, "copy_jobs") +
                          "), 0), coalesce((select max(job_id) from " +
                          copy::KeptTable(database, "copy_job_messages") + "), 0), 100000) + 1"));
  job.id = last->Fetch()->GetValue(0, 0).GetValue<int64_t>();
  SKEP_TRY(Run(connection,
               "delete from " + copy::KeptTable(database, "copy_job_files") + " where job_id = $1",
               {Value::BIGINT(job.id)}));
  std::string roles;
  for (const std::string& role : job.roles) roles += (roles.empty() ? "" : ",") + role;
  SKEP_TRY(Run(connection,
               "insert into " + copy::KeptTable(database, "copy_jobs") +
                   " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now()::timestamp, $10)",
               {Value::BIGINT(job.id), Value(job.name), Value(job.owner), Value(job.schema),
                Value(job.table), Value(job.location), Value(roles), Value::BOOLEAN(job.automatic),
                Value(job.text), Value::BIGINT(job.since_s)}));
  std::vector<ipc::TableFile> close = there;
  std::erase_if(close, [&](const auto& file) { return file.modified_s < job.since_s; });
  SKEP_TRY(Tell(connection, database, job, "the job was created"));
  return Note(connection, database, job.id, FileFate::kOlder, close, {});
}

Result<std::optional<CopyJob>> CopyJobs::Find(duckdb::Connection& connection,
                                              const std::string& database,
                                              const std::string& name) {
  SKEP_TRY_ASSIGN(const bool exists, Exists(connection, database));
  if (!exists) return std::nullopt;
  SKEP_TRY_ASSIGN(const auto found,
                  Run(connection,
                      "select job_id, job_name, job_owner, schema_name, table_name, data_source, "
                      "iam_role, is_auto, job_text, since from " +
                          copy::KeptTable(database, "copy_jobs") + " where job_name = $1",
                      {Value(name)}));
  const auto chunk = found->Fetch();
  if (!chunk || chunk->size() == 0) return std::nullopt;
  const auto text = [&](duckdb::idx_t column) { return chunk->GetValue(column, 0).ToString(); };
  CopyJob job;
  job.id = chunk->GetValue(0, 0).GetValue<int64_t>();
  job.name = text(1);
  job.owner = text(2);
  job.schema = text(3);
  job.table = text(4);
  job.location = text(5);
  job.roles = SplitAtCommas(text(6));
  job.automatic = chunk->GetValue(7, 0).GetValue<bool>();
  job.text = text(8);
  job.since_s = chunk->GetValue(9, 0).GetValue<int64_t>();
  return job;
}

Result<void> CopyJobs::SetAutomatic(duckdb::Connection& connection, const std::string& database,
                                    int64_t id, bool automatic) {
  SKEP_TRY(Run(
      connection,
      "update " + copy::KeptTable(database, "copy_jobs") + " set is_auto = $2 where job_id = $1",
      {Value::BIGINT(id), Value::BOOLEAN(automatic)}));
  return {};
}

Result<void> CopyJobs::Drop(duckdb::Connection& connection, const std::string& database,
                            int64_t id) {
  for (const char* table : {"copy_jobs", "copy_job_files"})
    SKEP_TRY(Run(connection,
                 "delete from " + copy::KeptTable(database, table) + " where job_id = $1",
                 {Value::BIGINT(id)}));
  return {};
}

Result<void> CopyJobs::LeaveNew(duckdb::Connection& connection, const std::string& database,
                                const CopyJob& job, bool again,
                                std::vector<ipc::TableFile>& files) {
  std::erase_if(files, [&](const auto& file) { return file.modified_s < job.since_s; });
  std::unordered_set<std::string> done;
  for (size_t at = 0; at < files.size(); at += kAskedAtOnce) {
    const size_t end = std::min(at + kAskedAtOnce, files.size());
    SKEP_TRY_ASSIGN(
        const auto known,
        Run(connection,
            "select path from " + copy::KeptTable(database, "copy_job_files") +
                " where job_id = $1 and path in (select unnest($2::varchar[])) and status "
                "in ('S', 'I'" +
                (again ? ")" : ", 'E')"),
            {Value::BIGINT(job.id), PathsOf(files.data() + at, files.data() + end)}));
    while (const auto chunk = known->Fetch()) {
      if (chunk->size() == 0) break;
      for (duckdb::idx_t row = 0; row < chunk->size(); row++)
        done.insert(chunk->GetValue(0, row).ToString());
    }
  }
  std::erase_if(files, [&](const auto& file) { return done.contains(file.path); });
  return {};
}

Result<void> CopyJobs::Note(duckdb::Connection& connection, const std::string& database, int64_t id,
                            FileFate fate, const std::vector<ipc::TableFile>& files,
                            const std::string& message) {
  if (files.empty()) return {};
  const std::string table = copy::KeptTable(database, "copy_job_files");
  const Value paths = PathsOf(files.data(), files.data() + files.size());
  std::unordered_map<std::string, int32_t> attempts;
  SKEP_TRY_ASSIGN(const auto before,
                  Run(connection,
                      "select path, attempts from " + table +
                          " where job_id = $1 and path in (select unnest($2::varchar[]))",
                      {Value::BIGINT(id), paths}));
  while (const auto chunk = before->Fetch()) {
    if (chunk->size() == 0) break;
    for (duckdb::idx_t row = 0; row < chunk->size(); row++)
      attempts[chunk->GetValue(0, row).ToString()] = chunk->GetValue(1, row).GetValue<int32_t>();
  }
  if (!attempts.empty())
    SKEP_TRY(Run(
        connection,
        "delete from " + table + " where job_id = $1 and path in (select unnest($2::varchar[]))",
        {Value::BIGINT(id), paths}));
  duckdb::vector<Value> sizes, etags, moments, codes, counts;
  for (const auto& file : files) {
    const int32_t attempt = ++attempts[file.path];
    const bool given_up = fate == FileFate::kPending && attempt >= kMostAttempts;
    sizes.push_back(Value::BIGINT(static_cast<int64_t>(file.size)));
    etags.emplace_back(file.etag);
    moments.push_back(Value::TIMESTAMP(duckdb::timestamp_t(file.modified_s * 1'000'000)));
    codes.emplace_back(CodeOf(given_up ? FileFate::kFailed : fate));
    counts.push_back(Value::INTEGER(attempt));
  }
  using duckdb::LogicalType;
  SKEP_TRY(Run(connection,
               "insert into " + table +
                   " select $1::bigint, unnest($2::varchar[]), unnest($3::bigint[]), "
                   "unnest($4::varchar[]), unnest($5::timestamp[]), now()::timestamp, "
                   "unnest($6::varchar[]), unnest($7::integer[]), $8::varchar",
               {Value::BIGINT(id), paths, Value::LIST(LogicalType::BIGINT, std::move(sizes)),
                Value::LIST(LogicalType::VARCHAR, std::move(etags)),
                Value::LIST(LogicalType::TIMESTAMP, std::move(moments)),
                Value::LIST(LogicalType::VARCHAR, std::move(codes)),
                Value::LIST(LogicalType::INTEGER, std::move(counts)),
                Value::StringIsValid(message) ? Value(message) : Value("")}));
  return {};
}

Result<void> CopyJobs::Tell(duckdb::Connection& connection, const std::string& database,
                            const CopyJob& job, const std::string& message) {
  const std::string table = copy::KeptTable(database, "copy_job_messages");
  SKEP_TRY(Run(connection, copy::CreateKeptTable(database, "copy_job_messages")));
  SKEP_TRY(Run(connection,
               "delete from " + table + " where recorded < now()::timestamp - interval 7 days"));
  SKEP_TRY(Run(connection, "insert into " + table + " values ($1, $2, now()::timestamp, $3)",
               {Value::BIGINT(job.id), Value(job.name),
                Value::StringIsValid(message) ? Value(message) : Value("")}));
  return {};
}

std::unique_ptr<CopyJobs::Lease> CopyJobs::TryRun(const std::string& database,
                                                  const std::string& name) {
  std::pair<std::string, std::string> key(database, name);
  const std::lock_guard lock(mutex_);
  if (!running_.insert(key).second) return nullptr;
  return std::make_unique<Lease>(*this, std::move(key));
}

}  // namespace skep::worker
