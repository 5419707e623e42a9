// What is kept of loads, unloads and auto-copy jobs in the hidden tables of a database, behind
// STL_LOAD_ERRORS, SYS_LOAD_HISTORY, SYS_UNLOAD_HISTORY, SYS_COPY_JOB and their kin:
// rs_kept(table varchar) reads one of them. Records of statements are kept for a week.
#pragma once

#include <duckdb.hpp>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "worker/copy/load_report.h"
#include "worker/unload/unload_report.h"

namespace skep::worker::copy {

// The hidden tables: "load_errors", "loads", "load_files", "simplified", "unloads", "unload_files",
// "copy_jobs", "copy_job_files", "copy_job_messages".

// `database` tells the database of a context's session.
void RegisterLoadTables(duckdb::DatabaseInstance& instance,
                        std::function<std::string(duckdb::ClientContext&)> database);

// The table's name for the engine; it need not exist.
std::string KeptTable(const std::string& database, std::string_view table);
// "create table if not exists ..." of one of them.
std::string CreateKeptTable(const std::string& database, std::string_view table);

// How a statement ended.
struct Ending {
  std::string user;
  uint32_t process_id = 0;
  std::optional<std::string> failure;  // why; nothing: it completed
  uint64_t rows = 0;
};

// Writes records of statements in transactions of their own, so that they stay when the statement's
// is rolled back. Of one worker: it alone gives out the numbers of statements.
class LoadRecords {
 public:
  // The report with its rejected records; answers the statement's number. Errors: kIoError.
  Result<int64_t> KeepLoad(duckdb::DatabaseInstance& instance, const std::string& database,
                           const Ending& ending, LoadReport& report);
  Result<int64_t> KeepUnload(duckdb::DatabaseInstance& instance, const std::string& database,
                             const Ending& ending, const unload::UnloadReport& report);

 private:
  std::mutex mutex_;
};

}  // namespace skep::worker::copy
