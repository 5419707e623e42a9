#include "control/sqlite_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/unique_fd.h"
#include "control/migrations.h"
#include "control/partition_key.h"
#include "control/sqlite_connection.h"
#include "control/sqlite_crawl.h"
#include "control/sqlite_glue.h"

namespace skep::control {
namespace {

// Marks the file as ours ("Skep" in ASCII).
constexpr int kApplicationId = 0x536b6570;

int64_t NowMs() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

class SqliteStore final : public Store, private SqliteConnection {
 public:
  explicit SqliteStore(std::string path) : SqliteConnection(std::move(path)) {}

  Result<void> Open(const SqliteOptions& options);
  Result<void> CreateFile() const;

  Result<void> PutWorkspace(const Workspace& w) override {
    return Change(
        "INSERT INTO workspaces VALUES (?,?,?) ON CONFLICT (name) DO UPDATE SET default_database = "
        "excluded.default_database, "
        "created_ms = excluded.created_ms",
        w.name, w.database, w.created_ms);
  }
  Result<std::optional<Workspace>> GetWorkspace(std::string_view name) override {
    return One<Workspace>(
        ReadWorkspace, "SELECT name, default_database, created_ms FROM workspaces WHERE name = ?",
        name);
  }
  Result<std::vector<Workspace>> ListWorkspaces() override {
    return All<Workspace>(
        ReadWorkspace, "SELECT name, default_database, created_ms FROM workspaces ORDER BY name");
  }

  Result<void> PutUser(const User& u) override {
    return Change(
        "INSERT INTO users VALUES (?,?,?,?,?,?,?) ON CONFLICT (workspace, name) DO UPDATE SET "
        "superuser = excluded.superuser, "
        "md5_only = excluded.md5_only, scram = excluded.scram, md5 = excluded.md5, digest = "
        "excluded.digest",
        u.workspace, u.name, u.superuser, u.md5_only, u.scram, u.md5, u.digest);
  }
  Result<std::optional<User>> GetUser(std::string_view workspace, std::string_view name) override {
    return One<User>(ReadUser, "SELECT * FROM users WHERE workspace = ? AND name = ?", workspace,
                     name);
  }
  Result<std::vector<User>> ListUsers(std::string_view workspace) override {
    return All<User>(ReadUser, "SELECT * FROM users WHERE workspace = ? ORDER BY name", workspace);
  }
  Result<bool> DeleteUser(std::string_view workspace, std::string_view name) override {
    return Touch("DELETE FROM users WHERE workspace = ? AND name = ?", workspace, name);
  }

  Result<void> PutAccessKey(const AccessKey& k) override {
    return Change(
        "INSERT INTO access_keys VALUES (?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET secret = "
        "excluded.secret, "
        "workspace = excluded.workspace, user = excluded.user, account = excluded.account, active "
        "= excluded.active",
        k.id, k.secret.Reveal(), k.workspace, k.user, k.account, k.active);
  }
  Result<std::optional<AccessKey>> GetAccessKey(std::string_view id) override {
    return One<AccessKey>(
        [](sqlite3_stmt* s) {
          return AccessKey{Text(s, 0), Secret(Text(s, 1)), Text(s, 2),
                           Text(s, 3), Text(s, 4),         Int(s, 5) != 0};
        },
        "SELECT * FROM access_keys WHERE id = ?", id);
  }

  Result<void> PutSetting(std::string_view name, std::string_view value) override {
    return Change(
        "INSERT INTO settings VALUES (?,?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name, value);
  }
  Result<std::optional<std::string>> GetSetting(std::string_view name) override {
    return One<std::string>([](sqlite3_stmt* s) { return Text(s, 0); },
                            "SELECT value FROM settings WHERE name = ?", name);
  }

  Result<void> CreateGlueDatabase(const GlueDatabase& d) override {
    return Change("INSERT INTO glue_databases VALUES (?,?,?)", d.catalog_id, d.name, d.json);
  }
  Result<bool> UpdateGlueDatabase(const GlueDatabase& d) override {
    return Touch("UPDATE glue_databases SET json = ? WHERE catalog_id = ? AND name = ?", d.json,
                 d.catalog_id, d.name);
  }
  Result<std::optional<GlueDatabase>> GetGlueDatabase(std::string_view catalog_id,
                                                      std::string_view name) override {
    return One<GlueDatabase>(ReadGlueDatabase,
                             "SELECT * FROM glue_databases WHERE catalog_id = ? AND name = ?",
                             catalog_id, name);
  }
  Result<std::vector<GlueDatabase>> ListGlueDatabases(std::string_view catalog_id) override {
    return All<GlueDatabase>(ReadGlueDatabase,
                             "SELECT * FROM glue_databases WHERE catalog_id = ? ORDER BY name",
                             catalog_id);
  }
  Result<bool> DeleteGlueDatabase(std::string_view catalog_id, std::string_view name) override {
    return Touch("DELETE FROM glue_databases WHERE catalog_id = ? AND name = ?", catalog_id, name);
  }

  Result<void> CreateGlueTable(const GlueTable& t) override {
    return Change("INSERT INTO glue_tables VALUES (?,?,?,?,?)", t.catalog_id, t.database, t.name,
                  static_cast<int64_t>(t.version), t.json);
  }
  Result<bool> UpdateGlueTable(const GlueTable& t) override { return glue_.RaiseTable(t); }
  Result<std::optional<GlueTable>> GetGlueTable(std::string_view catalog_id,
                                                std::string_view database,
                                                std::string_view name) override {
    return One<GlueTable>(
        ReadGlueTable,
        "SELECT * FROM glue_tables WHERE catalog_id = ? AND database = ? AND name = ?", catalog_id,
        database, name);
  }
  Result<std::vector<GlueTable>> ListGlueTables(std::string_view catalog_id,
                                                std::string_view database) override {
    return All<GlueTable>(
        ReadGlueTable,
        "SELECT * FROM glue_tables WHERE catalog_id = ? AND database = ? ORDER BY name", catalog_id,
        database);
  }
  Result<bool> DeleteGlueTable(std::string_view catalog_id, std::string_view database,
                               std::string_view name) override {
    return Touch("DELETE FROM glue_tables WHERE catalog_id = ? AND database = ? AND name = ?",
                 catalog_id, database, name);
  }

  Result<void> CreateGluePartitions(const GlueTable& table,
                                    const std::vector<GluePartition>& partitions,
                                    bool replace) override {
    const std::lock_guard lock(mutex_);
    return InTransaction([&]() -> Result<void> {
      for (const GluePartition& partition : partitions) {
        const std::string key = PartitionKey(partition.values);
        SKEP_TRY(
            Run(replace ? "INSERT INTO glue_partitions (catalog_id, database, table_name, key, "
                          "json) VALUES (?,?,?,?,?) ON CONFLICT (catalog_id, database, "
                          "table_name, key) DO UPDATE SET json = excluded.json"
                        : "INSERT INTO glue_partitions (catalog_id, database, table_name, key, "
                          "json) VALUES (?,?,?,?,?)",
                NoRow, table.catalog_id, table.database, table.name, Bytes{key}, partition.json));
      }
      return {};
    });
  }
  Result<std::vector<GluePartition>> ListGluePartitions(std::string_view catalog_id,
                                                        std::string_view database,
                                                        std::string_view table) override {
    return All<GluePartition>(
        [](sqlite3_stmt* s) { return GluePartition{PartitionValues(Text(s, 0)), Text(s, 1)}; },
        "SELECT key, json FROM glue_partitions WHERE catalog_id = ? AND database = ? AND "
        "table_name = ? ORDER BY key",
        catalog_id, database, table);
  }
  Result<bool> DeleteGluePartition(std::string_view catalog_id, std::string_view database,
                                   std::string_view table,
                                   const std::vector<std::string>& values) override {
    const std::string key = PartitionKey(values);
    return Touch(
        "DELETE FROM glue_partitions WHERE catalog_id = ? AND database = ? AND table_name = ? AND "
        "key = ?",
        catalog_id, database, table, Bytes{key});
  }

  GlueStore& Glue() override { return glue_; }
  CrawlStore& Crawls() override { return crawls_; }

  Result<void> CreateCrawler(const Crawler& c) override {
    return Change("INSERT INTO crawlers VALUES (?,?,?,?)", c.account, c.name, c.state, c.json);
  }
  // The state moves by MoveCrawler only: an update that read an old one must not undo a move.
  Result<bool> UpdateCrawler(const Crawler& c) override {
    return Touch("UPDATE crawlers SET json = ? WHERE account = ? AND name = ?", c.json, c.account,
                 c.name);
  }
  Result<bool> MoveCrawler(std::string_view account, std::string_view name, std::string_view from,
                           std::string_view to) override {
    return Touch("UPDATE crawlers SET state = ? WHERE account = ? AND name = ? AND state = ?", to,
                 account, name, from);
  }
  Result<std::optional<Crawler>> GetCrawler(std::string_view account,
                                            std::string_view name) override {
    return One<Crawler>(ReadCrawler, "SELECT * FROM crawlers WHERE account = ? AND name = ?",
                        account, name);
  }
  Result<std::vector<Crawler>> ListCrawlers(std::string_view account) override {
    return All<Crawler>(
        ReadCrawler, "SELECT * FROM crawlers WHERE ?1 = '' OR account = ?1 ORDER BY account, name",
        account);
  }
  Result<bool> DeleteCrawler(std::string_view account, std::string_view name) override {
    return Touch("DELETE FROM crawlers WHERE account = ? AND name = ?", account, name);
  }

  Result<void> PutStatement(const Statement& s) override {
    return Change(
        "INSERT INTO statements VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT "
        "(id) DO UPDATE SET "
        "account = excluded.account, caller = excluded.caller, workspace = excluded.workspace, "
        "database = excluded.database, "
        "user = excluded.user, workgroup = excluded.workgroup, cluster = excluded.cluster, name = "
        "excluded.name, "
        "client_token = excluded.client_token, sql = excluded.sql, parameters_json = "
        "excluded.parameters_json, "
        "status = excluded.status, error = excluded.error, has_result = excluded.has_result, "
        "result_rows = excluded.result_rows, "
        "result_bytes = excluded.result_bytes, process_id = excluded.process_id, query_id = "
        "excluded.query_id, "
        "created_ms = excluded.created_ms, updated_ms = excluded.updated_ms, duration_ns = "
        "excluded.duration_ns, "
        "result_file = excluded.result_file",
        s.id, s.account, s.caller, s.workspace, s.database, s.user, s.workgroup, s.cluster, s.name,
        s.client_token, s.sql, s.parameters_json, s.status, s.error, s.has_result, s.result_rows,
        s.result_bytes, s.process_id, s.query_id, s.created_ms, s.updated_ms, s.duration_ns,
        s.result_file);
  }
  Result<std::optional<Statement>> GetStatement(std::string_view id) override {
    return One<Statement>(ReadStatement, "SELECT * FROM statements WHERE id = ?", id);
  }
  Result<std::optional<Statement>> FindStatementByToken(std::string_view account,
                                                        std::string_view caller,
                                                        std::string_view token) override {
    if (token.empty()) return std::optional<Statement>();
    // "client_token <> ''" lets SQLite use the partial index.
    return One<Statement>(ReadStatement,
                          "SELECT * FROM statements WHERE account = ? AND caller = ? AND "
                          "client_token = ? AND client_token <> ''",
                          account, caller, token);
  }
  Result<std::vector<Statement>> ListStatements(const StatementFilter& f) override {
    return All<Statement>(
        ReadStatement,
        "SELECT * FROM statements WHERE account = ?1 AND (?2 = '' OR caller = ?2) AND (?3 = '' OR "
        "status = ?3) "
        "AND substr(name, 1, length(?4)) = ?4 AND (?5 = '' OR database = ?5) AND (?6 = '' OR "
        "workgroup = ?6) "
        "AND (?7 = '' OR cluster = ?7) AND created_ms >= ?8 "
        "AND (?9 = '' OR (created_ms, id) < (SELECT created_ms, id FROM statements WHERE id = ?9)) "
        "ORDER BY created_ms DESC, id DESC LIMIT ?10",
        f.account, f.caller, f.status, f.name_prefix, f.database, f.workgroup, f.cluster,
        f.since_ms, f.before_id, static_cast<int64_t>(f.limit));
  }
  Result<uint64_t> FailUnfinished(std::string_view error) override {
    const std::lock_guard lock(mutex_);
    uint64_t failed = 0;
    SKEP_TRY(InTransaction([&]() -> Result<void> {
      SKEP_TRY(
          Run("UPDATE statements SET status = 'FAILED', error = ?, has_result = 0, updated_ms = ? "
              "WHERE status IN ('SUBMITTED', 'PICKED', 'STARTED')",
              NoRow, error, NowMs()));
      failed = static_cast<uint64_t>(sqlite3_changes64(db_));
      return Run("UPDATE crawlers SET state = 'READY' WHERE state <> 'READY'", NoRow);
    }));
    return failed;
  }
  Result<std::vector<std::string>> DeleteStatementsBefore(int64_t created_ms) override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> files;
    SKEP_TRY(InTransaction([&]() -> Result<void> {
      SKEP_TRY(Run(
          "SELECT result_file FROM statements WHERE created_ms < ? AND result_file <> ''",
          [&](sqlite3_stmt* s) { files.push_back(Text(s, 0)); }, created_ms));
      return Run("DELETE FROM statements WHERE created_ms < ?", NoRow, created_ms);
    }));
    return files;
  }

 private:
  static Workspace ReadWorkspace(sqlite3_stmt* s) { return {Text(s, 0), Text(s, 1), Int(s, 2)}; }
  static User ReadUser(sqlite3_stmt* s) {
    return {Text(s, 0), Text(s, 1), Int(s, 2) != 0, Int(s, 3) != 0,
            Text(s, 4), Text(s, 5), Text(s, 6)};
  }
  static GlueDatabase ReadGlueDatabase(sqlite3_stmt* s) {
    return {Text(s, 0), Text(s, 1), Text(s, 2)};
  }
  static GlueTable ReadGlueTable(sqlite3_stmt* s) {
    return {Text(s, 0), Text(s, 1), Text(s, 2), static_cast<uint64_t>(Int(s, 3)), Text(s, 4)};
  }
  static Crawler ReadCrawler(sqlite3_stmt* s) {
    return {Text(s, 0), Text(s, 1), Text(s, 2), Text(s, 3)};
  }
  static Statement ReadStatement(sqlite3_stmt* s) {
    Statement statement;
    std::string* texts[] = {
        &statement.id,           &statement.account,  &statement.caller,
        &statement.workspace,    &statement.database, &statement.user,
        &statement.workgroup,    &statement.cluster,  &statement.name,
        &statement.client_token, &statement.sql,      &statement.parameters_json,
        &statement.status,       &statement.error};
    int column = 0;
    for (std::string* text : texts) *text = Text(s, column++);
    statement.has_result = Int(s, column++) != 0;
    int64_t* numbers[] = {&statement.result_rows, &statement.result_bytes, &statement.process_id,
                          &statement.query_id,    &statement.created_ms,   &statement.updated_ms,
                          &statement.duration_ns};
    for (int64_t* number : numbers) *number = Int(s, column++);
    statement.result_file = Text(s, column);
    return statement;
  }

  Result<void> Migrate();

  SqliteGlue glue_{*this};
  SqliteCrawl crawls_{*this};
};

// SQLite gives -wal and -shm the mode of the main file. Closed before SQLite opens it: closing any
// descriptor of a file drops the locks that this process holds on it, and without them another
// process takes the log for abandoned and deletes it.
Result<void> SqliteStore::CreateFile() const {
  const UniqueFd file(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file) return {};
  const int error = errno;
  return Fail(error == ENOSPC || error == EDQUOT ? ErrorKind::kDiskFull : ErrorKind::kIoError,
              fmt::format("Cannot open the control store \"{}\": {}", path_, std::strerror(error)),
              {}, "Run skep init, or check the data directory's owner and permissions.");
}

Result<void> SqliteStore::Open(const SqliteOptions& options) {
  SKEP_TRY(CreateFile());
  int code = sqlite3_open_v2(path_.c_str(), &db_,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_EXRESCODE,
                             nullptr);
  if (code != SQLITE_OK) return Failure(code);
  sqlite3_busy_timeout(db_, options.busy_timeout_ms);
  SKEP_TRY(Execute("PRAGMA synchronous = FULL"));
  SKEP_TRY(Execute("PRAGMA foreign_keys = ON"));
  SKEP_TRY(Execute("PRAGMA trusted_schema = OFF"));
  // KiB, filled as needed: the keys of 100,000 partitions stay in memory.
  SKEP_TRY(Execute("PRAGMA cache_size = -16384"));
  return Migrate();
}

Result<void> SqliteStore::Migrate() {
  const auto newer = [&](int64_t version) {
    return Fail(
        ErrorKind::kIoError,
        fmt::format("The control store \"{}\" has schema version {}, this Skep knows up to {}.",
                    path_, version, SchemaVersion()),
        {}, "A newer Skep has used it. Start that one, or restore a copy from before the update.");
  };
  SKEP_TRY_ASSIGN(int64_t version, Pragma("PRAGMA user_version"));
  if (version > SchemaVersion()) return newer(version);
  SKEP_TRY_ASSIGN(const int64_t application, Pragma("PRAGMA application_id"));
  if (application != kApplicationId) {
    SKEP_TRY_ASSIGN(const int64_t tables, Pragma("SELECT count(*) FROM sqlite_schema"));
    if (application != 0 || tables != 0) {
      return Fail(ErrorKind::kIoError,
                  fmt::format("\"{}\" is a SQLite file of something else.", path_), {},
                  "Name another data directory.");
    }
  }
  std::string mode;
  SKEP_TRY(Run("PRAGMA journal_mode = WAL", [&](sqlite3_stmt* s) { mode = Text(s, 0); }));
  if (mode != "wal") {
    return Fail(ErrorKind::kIoError,
                fmt::format("The control store \"{}\" cannot use a write-ahead log.", path_),
                "journal_mode is " + mode, "Put data_dir on a local file system.");
  }
  while (version < SchemaVersion()) {
    SKEP_TRY(InTransaction([&]() -> Result<void> {
      // Another process may have migrated between our look and the lock.
      SKEP_TRY_ASSIGN(version, Pragma("PRAGMA user_version"));
      if (version > SchemaVersion()) return newer(version);
      if (version == SchemaVersion()) return {};
      SKEP_TRY(Execute(std::string(Migrations()[static_cast<size_t>(version)])));
      SKEP_TRY(Execute(fmt::format("PRAGMA user_version = {}", version + 1)));
      return Execute(fmt::format("PRAGMA application_id = {}", kApplicationId));
    }));
    SKEP_TRY_ASSIGN(version, Pragma("PRAGMA user_version"));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Store>> OpenSqlite(const std::string& path, const SqliteOptions& options) {
  auto store = std::make_unique<SqliteStore>(path);
  SKEP_TRY(store->Open(options));
  return std::unique_ptr<Store>(std::move(store));
}

Result<std::unique_ptr<Store>> OpenSqlite(const std::string& path) {
  return OpenSqlite(path, SqliteOptions{});
}

}  // namespace skep::control
