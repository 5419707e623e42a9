// Managed storage of one workspace: where its databases live and how they become part of the
// engine. The worker that opened a store is its only writer. An error is reported, nothing is
// thrown; what Commit acknowledged is durable.
#pragma once

#include <duckdb.hpp>
#include <string>
#include <vector>

#include "base/error.h"

namespace skep::worker {

class Store {
 public:
  virtual ~Store() = default;

  // Makes a database part of the engine under its own name; creates it when it does not exist, with
  // the schemas public and skep_catalog. Does nothing when it is open. Errors: kUndefinedDatabase
  // (not a name), kIoError, kDiskFull, kConflict (another process owns it), kFeatureNotSupported
  // (written by a newer version).
  virtual Result<void> OpenDatabase(duckdb::DuckDB& engine, const std::string& name) = 0;
  // Opens every database there is.
  virtual Result<void> OpenAll(duckdb::DuckDB& engine) = 0;

  // Whether a database of this name is open.
  virtual bool Has(const std::string& name) = 0;
  // All that are open, by name.
  virtual std::vector<std::string> Names() = 0;

  virtual Result<void> Begin(duckdb::Connection& connection) = 0;
  // Durable when it returns. Errors: kSerializationFailure, kDiskFull, kIoError.
  virtual Result<void> Commit(duckdb::Connection& connection) = 0;
  virtual void Rollback(duckdb::Connection& connection) noexcept = 0;

  // Housekeeping that may be skipped: folds what was logged into the database's own form. Does
  // nothing while others write.
  virtual void Maintain(duckdb::Connection& connection, const std::string& database) noexcept = 0;
  // Leaves every database in a form that opens fast. The engine is still open.
  virtual void Close(duckdb::DuckDB& engine) noexcept = 0;
};

}  // namespace skep::worker
