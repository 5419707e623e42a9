// The data catalog of a foreign account: asks its Glue, with the credentials of the chain that
// leads there. What tables look like is kept for some seconds, so that one statement does not ask
// twice. Source of shapes and errors: AWS Glue's public model (2017-03-31).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "catalog/data_catalog.h"
#include "identity/aws_call.h"
#include "identity/role_chain.h"

namespace skep::catalog {

// Calls Glue, and remembers tables. Thread-safe; blocks.
class GlueClient {
 public:
  static constexpr int64_t kKeepMs = 5000;
  static constexpr size_t kMaxKept = 2000;

  // `now_ms`: any steady clock; empty = the system's.
  explicit GlueClient(identity::AwsCallOptions options = {}, std::function<int64_t()> now_ms = {});

  // Errors: kUndefinedObject (EntityNotFoundException), kDuplicateObject, kConflict (another was
  // faster), kInsufficientPrivilege, kExternalDenied (the keys), kExternalUnavailable,
  // kInvalidArgument.
  Result<nlohmann::json> Call(const identity::Credentials& credentials,
                              const std::string& operation, const nlohmann::json& request);

  // A table that was looked up lately as this role sees it.
  std::optional<std::optional<control::GlueTable>> Find(const identity::Credentials& credentials,
                                                        const std::string& database,
                                                        const std::string& name);
  void Keep(const identity::Credentials& credentials, const std::string& database,
            const std::string& name, std::optional<control::GlueTable> table);
  // Forgets what any role saw of the account's table; of all its tables without a name.
  void Forget(const std::string& account, const std::string& database, const std::string& name);
  void Stop() { caller_.Stop(); }

 private:
  struct Kept {
    std::optional<control::GlueTable> table;
    int64_t since_ms = 0;
  };

  identity::AwsCaller caller_;
  std::function<int64_t()> now_ms_;
  std::mutex mutex_;
  std::map<std::string, Kept> kept_;  // account, database, table, role
};

class ForeignCatalog final : public DataCatalog {
 public:
  static constexpr size_t kMaxPartitions = 1'000'000;

  // Both must outlive it.
  ForeignCatalog(GlueClient& glue, const identity::Credentials& credentials)
      : glue_(glue), credentials_(credentials) {}
  const std::string& account() const override { return credentials_.account; }
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
  nlohmann::json Request(const std::string& database = {}) const;
  // All pages of a list, or its first when `one`; false: what it lists is not there.
  Result<bool> Pages(const std::string& operation, nlohmann::json request, const char* member,
                     size_t page, size_t most, std::vector<nlohmann::json>& items,
                     bool one = false);

  GlueClient& glue_;
  const identity::Credentials& credentials_;
};

}  // namespace skep::catalog
