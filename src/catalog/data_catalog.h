// A data catalog as external schemas use it: databases, tables and partitions in the Glue API's
// JSON shapes, whether the control store keeps them or a foreign Glue does. Names are lower-case.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control/store.h"
#include "ipc/messages.h"

namespace skep::catalog {

// Partitions of a table that pass an expression of GetPartitions (empty: all), by its keys' names
// and types. Errors: kInvalidArgument (the expression).
using PartitionFinder = std::function<Result<std::vector<control::GluePartition>>(
    control::Store& store, const control::TableName& table,
    const std::vector<ipc::TableColumn>& keys, std::string_view expression)>;

// Errors of all calls of a foreign catalog: also kExternalUnavailable, kExternalDenied,
// kInsufficientPrivilege (its policies).
class DataCatalog {
 public:
  virtual ~DataCatalog() = default;
  // 12 digits.
  virtual const std::string& account() const = 0;

  virtual Result<std::vector<control::GlueDatabase>> ListDatabases() = 0;
  virtual Result<bool> HasDatabase(const std::string& name) = 0;
  // Error: kDuplicateObject.
  virtual Result<void> CreateDatabase(const control::GlueDatabase& database) = 0;
  virtual Result<bool> DeleteDatabase(const std::string& name) = 0;

  virtual Result<std::optional<control::GlueTable>> GetTable(const std::string& database,
                                                             const std::string& name) = 0;
  // Empty, too, when there is no such database.
  virtual Result<std::vector<control::GlueTable>> ListTables(const std::string& database) = 0;
  // Errors: kDuplicateObject, kUndefinedObject (no such database).
  virtual Result<void> CreateTable(const control::GlueTable& table) = 0;
  // False: there is none by now.
  virtual Result<bool> UpdateTable(const control::GlueTable& table) = 0;
  // Puts `table` in the place of what it was read as. False: it is gone, or another by now.
  virtual Result<bool> ReplaceTable(const control::GlueTable& table) = 0;
  virtual Result<bool> DeleteTable(const std::string& database, const std::string& name) = 0;

  // How many partitions a table has, or, beyond `enough`, some number above it.
  virtual Result<uint64_t> CountPartitions(const control::GlueTable& table, uint64_t enough) = 0;
  virtual Result<std::vector<control::GluePartition>> ListPartitions(
      const control::GlueTable& table, const std::vector<ipc::TableColumn>& keys,
      std::string_view expression) = 0;
  // Error: kDuplicateObject (one of them is there; then none, as far as the catalog can, was made).
  virtual Result<void> CreatePartitions(const control::GlueTable& table,
                                        const std::vector<control::GluePartition>& partitions) = 0;
  virtual Result<bool> DeletePartition(const control::GlueTable& table,
                                       const std::vector<std::string>& values) = 0;
};

// The catalog of an account in the control store, which must outlive it. Without a finder no
// expression is understood.
class StoredCatalog final : public DataCatalog {
 public:
  StoredCatalog(control::Store& store, std::string_view account, const PartitionFinder* finder)
      : store_(store), account_(account), finder_(finder) {}
  const std::string& account() const override { return account_; }
  Result<std::vector<control::GlueDatabase>> ListDatabases() override;
  Result<bool> HasDatabase(const std::string& name) override;
  Result<void> CreateDatabase(const control::GlueDatabase& database) override;
  Result<bool> DeleteDatabase(const std::string& name) override;
  Result<std::optional<control::GlueTable>> GetTable(const std::string& database,
                                                     const std::string& name) override;
  Result<std::vector<control::GlueTable>> ListTables(const std::string& database) override;
  Result<void> CreateTable(const control::GlueTable& table) override;
  Result<bool> UpdateTable(const control::GlueTable& table) override;
  Result<bool> ReplaceTable(const control::GlueTable& table) override;
  Result<bool> DeleteTable(const std::string& database, const std::string& name) override;
  Result<uint64_t> CountPartitions(const control::GlueTable& table, uint64_t enough) override;
  Result<std::vector<control::GluePartition>> ListPartitions(
      const control::GlueTable& table, const std::vector<ipc::TableColumn>& keys,
      std::string_view expression) override;
  Result<void> CreatePartitions(const control::GlueTable& table,
                                const std::vector<control::GluePartition>& partitions) override;
  Result<bool> DeletePartition(const control::GlueTable& table,
                               const std::vector<std::string>& values) override;

 private:
  control::Store& store_;
  const std::string account_;
  const PartitionFinder* finder_;
};

}  // namespace skep::catalog
