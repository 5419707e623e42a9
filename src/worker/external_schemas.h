// The external schemas of a workspace's databases: rows of the hidden table
// skep_catalog.external_schemas, kept in memory so that names resolve without a query. What a
// transaction defines is its session's own until it commits.
#pragma once

#include <duckdb.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "ipc/messages.h"
#include "sql/emit.h"

namespace skep::worker {

ipc::ExternalSchemaBinding BindingOf(const sql::ExternalSchemaDefinition& definition);

class ExternalSchemas {
 public:
  using Key = std::pair<std::string, std::string>;  // database, schema
  // What a transaction changed; nullopt = dropped.
  using Changes = std::map<Key, std::optional<ipc::ExternalSchemaBinding>>;

  // Reads the hidden table of a database that was opened. Errors: kIoError.
  Result<void> Load(duckdb::Connection& connection, const std::string& database);
  std::optional<ipc::ExternalSchemaBinding> Find(const Key& key, const Changes& own) const;
  // All of a database, by name.
  std::map<std::string, ipc::ExternalSchemaBinding> All(const std::string& database,
                                                        const Changes& own) const;
  // The transaction that made these changes has committed.
  void Apply(const Changes& changes);
  // Writes the row, within the connection's transaction, and notes the change. Errors:
  // kDuplicateSchema.
  Result<void> Create(duckdb::Connection& connection, const std::string& database,
                      const sql::ExternalSchemaDefinition& definition, Changes& own) const;
  // Gives a schema that exists the roles of `definition`, as far as it names any.
  Result<void> Alter(duckdb::Connection& connection, const std::string& database,
                     const sql::ExternalSchemaDefinition& definition, Changes& own) const;
  // Removes the row. The schema exists.
  Result<void> Drop(duckdb::Connection& connection, const Key& key, Changes& own) const;

 private:
  mutable std::mutex mutex_;
  std::map<Key, ipc::ExternalSchemaBinding> known_;
};

}  // namespace skep::worker
