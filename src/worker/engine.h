// The engine of one worker: an instance with our functions, the lake's catalog and the workspace's
// databases, locked down. Opened once, after the process was confined.
#pragma once

#include <atomic>
#include <duckdb.hpp>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "ipc/messages.h"
#include "worker/copy/load_tables.h"
#include "worker/copy_jobs.h"
#include "worker/external_scan/lake_client.h"
#include "worker/external_schemas.h"
#include "worker/storage/store.h"

namespace skep::worker {

// What the engine's callbacks need to know of the session a connection belongs to.
struct SessionFacts final : duckdb::ClientContextState {
  std::string database;
  external_scan::Asker asker;  // of the running statement
  ExternalSchemas::Changes external_schemas;
};

// Tells when committed data may have changed. A plan is made from the statistics of its moment (the
// engine packs values into as few bits as they allow), so a kept plan is right only while nothing
// was written (docs/adr/0004).
class WriteClock {
 public:
  struct Moment {
    uint64_t writes = 0;
    bool quiet = false;  // nobody was writing
  };
  Moment Now() const {
    // In this order: a write that begins between the two loads is seen by the second.
    const uint64_t writes = writes_.load();
    return {writes, active_.load() == 0};
  }
  bool Since(const Moment& moment) const {
    return !moment.quiet || writes_.load() != moment.writes;
  }
  // Around whatever makes a change visible to others.
  class Scope {
   public:
    explicit Scope(WriteClock& clock) : clock_(clock) {
      clock_.active_++;
      clock_.writes_++;
    }
    ~Scope() { clock_.active_--; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    WriteClock& clock_;
  };

 private:
  std::atomic<uint64_t> writes_ = 1;
  std::atomic<uint32_t> active_ = 0;
};

class Engine {
 public:
  // Errors: those of Store, kInternal (an instance that does not come up).
  static Result<std::unique_ptr<Engine>> Open(const ipc::WorkerBinding& binding, UniqueFd lake);
  ~Engine();

  // A connection for a session of this database, with its facts. A scratch worker has no databases;
  // the name is empty then.
  struct SessionConnection {
    std::unique_ptr<duckdb::Connection> connection;
    duckdb::shared_ptr<SessionFacts> facts;
  };
  Result<SessionConnection> Connect(const std::string& database, const std::string& user);

  // Makes a database part of the engine, and its external schemas known. Errors: those of Store.
  Result<void> OpenDatabase(const std::string& name);

  Store& store() { return *store_; }
  ExternalSchemas& external_schemas() { return external_schemas_; }
  external_scan::LakeClient& lake() { return *lake_; }
  copy::LoadRecords& records() { return records_; }
  CopyJobs& copy_jobs() { return copy_jobs_; }
  WriteClock& writes() { return writes_; }
  bool scratch() const { return scratch_; }
  // Grows whenever a definition was committed, so that what was resolved by name is resolved again.
  uint64_t definition_epoch() const { return definition_epoch_.load(std::memory_order_acquire); }
  void DefinitionsChanged() { definition_epoch_++; }
  // Writes databases back. No session may run.
  void Close();

 private:
  Engine() = default;
  Result<void> Start(const ipc::WorkerBinding& binding, UniqueFd lake);
  Result<void> LockConfiguration(const ipc::WorkerBinding& binding);

  bool scratch_ = false;
  std::unique_ptr<external_scan::LakeClient> lake_;  // outlives the instance
  ExternalSchemas external_schemas_;
  copy::LoadRecords records_;
  CopyJobs copy_jobs_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<duckdb::DuckDB> instance_;
  WriteClock writes_;
  std::atomic<uint64_t> definition_epoch_ = 1;
  std::mutex opening_;
  std::set<std::string> loaded_;
};

}  // namespace skep::worker
