// The control store: what an acknowledged API call must never lose. One schema with migrations;
// SQLite is the embedded driver. Calls block (fsync on commit): run them on the blocking pool.
// Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "control/crawl_store.h"
#include "control/glue_store.h"

namespace skep::control {

struct Workspace {
  std::string name;              // also the name of its namespace and default workgroup
  std::string database = "dev";  // default database
  int64_t created_ms = 0;
};

struct User {
  std::string workspace;
  std::string name;
  bool superuser = false;
  bool md5_only = false;  // for clients that speak nothing better
  std::string scram;  // "SCRAM-SHA-256$<iterations>:<salt base64>$<stored key base64>:<server key
                      // base64>"; empty = cannot log in
  std::string md5;    // "md5" + hex(md5(password + name))
  std::string
      digest;  // "<hex salt>:<hex sha256(password + salt)>" (Redshift's digest, algorithm 0)
};

struct AccessKey {
  std::string id;  // AKIA...
  Secret secret;
  std::string workspace;
  std::string user;
  std::string account;  // 12 digits
  bool active = true;
};

struct Crawler {
  std::string account, name;
  std::string state = "READY";  // READY, RUNNING, STOPPING
  std::string json;             // the API's Crawler structure
};

// A Data API statement (data-api.md section 3).
struct Statement {
  std::string id;               // UUID
  std::string account, caller;  // who may see it
  std::string workspace, database, user;
  std::string workgroup;  // as the caller named it; empty when it named a cluster
  std::string cluster;
  std::string name;  // StatementName
  std::string client_token;
  std::string sql;
  std::string parameters_json;  // "[]" or [{"name":..,"value":..}]
  std::string status = "SUBMITTED";
  std::string error;
  bool has_result = false;
  int64_t result_rows = -1, result_bytes = -1;
  int64_t process_id = 0, query_id = 0;
  int64_t created_ms = 0, updated_ms = 0, duration_ns = 0;
  std::string result_file;  // name within the results directory
};

struct StatementFilter {
  std::string account, caller;
  std::string status;  // empty = all
  std::string name_prefix, database, workgroup, cluster;
  std::string before_id;  // continue after this statement (newest first)
  int64_t since_ms = 0;
  uint32_t limit = 100;
};

class Store {
 public:
  virtual ~Store() = default;

  // Workspaces, users, keys. Put* inserts or replaces. Missing: nullopt. Errors: kIoError,
  // kDiskFull.
  virtual Result<void> PutWorkspace(const Workspace&) = 0;
  virtual Result<std::optional<Workspace>> GetWorkspace(std::string_view name) = 0;
  virtual Result<std::vector<Workspace>> ListWorkspaces() = 0;
  virtual Result<void> PutUser(const User&) = 0;
  virtual Result<std::optional<User>> GetUser(std::string_view workspace,
                                              std::string_view name) = 0;
  virtual Result<std::vector<User>> ListUsers(std::string_view workspace) = 0;
  virtual Result<bool> DeleteUser(std::string_view workspace, std::string_view name) = 0;
  virtual Result<void> PutAccessKey(const AccessKey&) = 0;
  virtual Result<std::optional<AccessKey>> GetAccessKey(std::string_view id) = 0;
  virtual Result<void> PutSetting(std::string_view name, std::string_view value) = 0;
  virtual Result<std::optional<std::string>> GetSetting(std::string_view name) = 0;

  // Glue objects. Create* fails with kDuplicateObject, Update*/Delete* answer false when there is
  // none.
  virtual Result<void> CreateGlueDatabase(const GlueDatabase&) = 0;
  virtual Result<bool> UpdateGlueDatabase(const GlueDatabase&) = 0;
  virtual Result<std::optional<GlueDatabase>> GetGlueDatabase(std::string_view catalog_id,
                                                              std::string_view name) = 0;
  virtual Result<std::vector<GlueDatabase>> ListGlueDatabases(std::string_view catalog_id) = 0;
  virtual Result<bool> DeleteGlueDatabase(std::string_view catalog_id,
                                          std::string_view name) = 0;  // and its tables
  virtual Result<void> CreateGlueTable(const GlueTable&) = 0;
  // Raises the version and keeps the former one.
  virtual Result<bool> UpdateGlueTable(const GlueTable&) = 0;
  virtual Result<std::optional<GlueTable>> GetGlueTable(std::string_view catalog_id,
                                                        std::string_view database,
                                                        std::string_view name) = 0;
  virtual Result<std::vector<GlueTable>> ListGlueTables(std::string_view catalog_id,
                                                        std::string_view database) = 0;
  virtual Result<bool> DeleteGlueTable(std::string_view catalog_id, std::string_view database,
                                       std::string_view name) = 0;
  virtual Result<void> CreateGluePartitions(const GlueTable& table,
                                            const std::vector<GluePartition>&,
                                            bool replace) = 0;  // one transaction
  virtual Result<std::vector<GluePartition>> ListGluePartitions(std::string_view catalog_id,
                                                                std::string_view database,
                                                                std::string_view table) = 0;
  virtual Result<bool> DeleteGluePartition(std::string_view catalog_id, std::string_view database,
                                           std::string_view table,
                                           const std::vector<std::string>& values) = 0;

  // Table versions, partitions at scale, and the catalog's small objects.
  virtual GlueStore& Glue() = 0;
  // What crawls have seen of the lake, and what events say that they have not seen yet.
  virtual CrawlStore& Crawls() = 0;

  virtual Result<void> CreateCrawler(const Crawler&) = 0;
  virtual Result<bool> UpdateCrawler(const Crawler&) = 0;
  // Moves state from `from` to `to` atomically; false when it was not in `from`.
  virtual Result<bool> MoveCrawler(std::string_view account, std::string_view name,
                                   std::string_view from, std::string_view to) = 0;
  virtual Result<std::optional<Crawler>> GetCrawler(std::string_view account,
                                                    std::string_view name) = 0;
  virtual Result<std::vector<Crawler>> ListCrawlers(
      std::string_view account) = 0;  // empty: of all accounts
  virtual Result<bool> DeleteCrawler(std::string_view account, std::string_view name) = 0;

  virtual Result<void> PutStatement(const Statement&) = 0;  // insert or replace
  virtual Result<std::optional<Statement>> GetStatement(std::string_view id) = 0;
  virtual Result<std::optional<Statement>> FindStatementByToken(std::string_view account,
                                                                std::string_view caller,
                                                                std::string_view token) = 0;
  virtual Result<std::vector<Statement>> ListStatements(const StatementFilter&) = 0;
  // At start-up: statements that were running when the gateway died become FAILED with this text;
  // crawlers become READY.
  virtual Result<uint64_t> FailUnfinished(std::string_view error) = 0;
  virtual Result<std::vector<std::string>> DeleteStatementsBefore(
      int64_t created_ms) = 0;  // answers their result files
};

// Opens or creates the SQLite file and runs pending migrations. Errors: kIoError (with the path and
// what to do).
Result<std::unique_ptr<Store>> OpenSqlite(const std::string& path);

}  // namespace skep::control
