// Auto-copy jobs of a database: what they load, and which files they have loaded. The record of a
// file is written in the transaction that loads its rows, so that neither is ever there without the
// other. Source: the developer guide's "COPY JOB" and "SYS_COPY_JOB_DETAIL".
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "ipc/messages.h"

namespace skep::worker {

struct CopyJob {
  int64_t id = 0;
  std::string name, owner;
  std::string schema, table;
  std::string location;            // s3://bucket/prefix
  std::vector<std::string> roles;  // first assumed first
  bool automatic = true;
  std::string text;     // COPY ... JOB CREATE, as its owner wrote it
  int64_t since_s = 0;  // files modified before it are older than the job
};

// What became of a file of a job.
enum class FileFate : uint8_t {
  kOlder,    // it was there before the job
  kLoaded,   // committed with its rows
  kFailed,   // not tried again by itself
  kPending,  // its store or role failed: to be tried again
};

class CopyJobs {
 public:
  // Files changed so long before a job was made may look younger than it: clocks differ.
  static constexpr int64_t kClockSkewS = 900;

  // All of the following run in the connection's transaction. Errors: those of the engine.
  // `there` are files that the job's prefix had when it was made.
  static Result<void> Create(duckdb::Connection& connection, const std::string& database,
                             CopyJob job, const std::vector<ipc::TableFile>& there);
  static Result<std::optional<CopyJob>> Find(duckdb::Connection& connection,
                                             const std::string& database, const std::string& name);
  static Result<void> SetAutomatic(duckdb::Connection& connection, const std::string& database,
                                   int64_t id, bool automatic);
  static Result<void> Drop(duckdb::Connection& connection, const std::string& database, int64_t id);
  // Takes away the files that the job is done with. `again`: failed ones are tried once more.
  static Result<void> LeaveNew(duckdb::Connection& connection, const std::string& database,
                               const CopyJob& job, bool again, std::vector<ipc::TableFile>& files);
  // Notes what became of files; `message` says why they failed. One that fails as kPending too
  // often has failed.
  static Result<void> Note(duckdb::Connection& connection, const std::string& database, int64_t id,
                           FileFate fate, const std::vector<ipc::TableFile>& files,
                           const std::string& message);
  // For SYS_COPY_JOB_INFO; kept for a week.
  static Result<void> Tell(duckdb::Connection& connection, const std::string& database,
                           const CopyJob& job, const std::string& message);

  // Of one worker: a job runs once at a time.
  class Lease {
   public:
    Lease(CopyJobs& jobs, std::pair<std::string, std::string> key)
        : jobs_(jobs), key_(std::move(key)) {}
    ~Lease() {
      const std::lock_guard lock(jobs_.mutex_);
      jobs_.running_.erase(key_);
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

   private:
    CopyJobs& jobs_;
    std::pair<std::string, std::string> key_;
  };
  // Null while the job runs elsewhere.
  std::unique_ptr<Lease> TryRun(const std::string& database, const std::string& name);

 private:
  std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> running_;
};

}  // namespace skep::worker
