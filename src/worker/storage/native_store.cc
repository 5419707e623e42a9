#include "worker/storage/native_store.h"

#include <fmt/format.h>

#include <chrono>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/main/attached_database.hpp>
#include <duckdb/main/database_manager.hpp>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "sql/emit.h"
#include "sql/quoting.h"
#include "worker/engine_errors.h"

namespace skep::worker {
namespace fs = std::filesystem;

namespace {

// Version of the hidden tables. A store of a higher one is refused.
constexpr int kFormat = 1;
// The process that had the file before may still be on its way out.
constexpr auto kLockPatience = std::chrono::seconds(10);

// Redshift's rule for database names, which also keeps them from being paths (sql.md section 1).
bool IsDatabaseName(const std::string& name) {
  if (name.empty() || name.size() > 64 || name == "memory" || name == "system" || name == "temp" ||
      name == sql::kLakeCatalog)
    return false;
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || c == '-'))
      return false;
  }
  return name[0] != '-' && name[0] != '$';
}

class NativeStore final : public Store {
 public:
  explicit NativeStore(std::string directory)
      : databases_((fs::path(directory) / "databases").string()) {}

  Result<void> OpenDatabase(duckdb::DuckDB& engine, const std::string& name) override {
    if (!IsDatabaseName(name))
      return Fail(ErrorKind::kUndefinedDatabase, "database \"" + name + "\" does not exist");
    const std::lock_guard lock(mutex_);
    if (open_.contains(name)) return {};
    duckdb::Connection connection(engine);
    SKEP_TRY(Attach(connection, name));
    if (auto prepared = Prepare(connection, name); !prepared) {
      (void)Run(connection, fmt::format("DETACH \"{}\"", name));
      return prepared;
    }
    open_.insert(name);
    return {};
  }

  Result<void> OpenAll(duckdb::DuckDB& engine) override {
    std::error_code error;
    for (fs::directory_iterator it(databases_, error), end; !error && it != end;
         it.increment(error)) {
      const std::string name = it->path().stem().string();
      if (it->path().extension() != ".duckdb") continue;
      if (!IsDatabaseName(name)) {
        log::Warn("stray_database_file", {{"file", it->path().filename().string()}});
        continue;
      }
      SKEP_TRY(OpenDatabase(engine, name));
    }
    if (error)
      return Fail(ErrorKind::kIoError,
                  fmt::format("cannot read {}: {}", databases_, error.message()));
    return {};
  }

  bool Has(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    return open_.contains(name);
  }

  std::vector<std::string> Names() override {
    const std::lock_guard lock(mutex_);
    return {open_.begin(), open_.end()};
  }

  Result<void> Begin(duckdb::Connection& connection) override {
    return Guarded([&] { connection.BeginTransaction(); });
  }
  Result<void> Commit(duckdb::Connection& connection) override {
    return Guarded([&] { connection.Commit(); });
  }
  void Rollback(duckdb::Connection& connection) noexcept override {
    try {
      if (connection.HasActiveTransaction()) connection.Rollback();
    } catch (const std::exception& e) {
      log::Warn("rollback_failed", {{"error", ToError(e).message}});
    }
  }

  void Maintain(duckdb::Connection& connection, const std::string& database) noexcept override {
    try {
      connection.Query(fmt::format("CHECKPOINT \"{}\"", database));
    } catch (const std::exception&) {
      // Others write: next time.
    }
  }

  void Close(duckdb::DuckDB& engine) noexcept override {
    const std::lock_guard lock(mutex_);
    try {
      duckdb::Connection connection(engine);
      for (const auto& name : open_) Maintain(connection, name);
    } catch (const std::exception&) {
      // The log is replayed at the next start.
    }
  }

 private:
  template <class Work>
  Result<void> Guarded(Work work) {
    try {
      work();
      return {};
    } catch (const std::exception& e) {
      return Fail(ToError(e));
    }
  }

  Result<void> Run(duckdb::Connection& connection, const std::string& text) {
    const auto result = connection.Query(text);
    if (result->HasError()) return Fail(ToError(result->GetErrorObject(), nullptr));
    return {};
  }

  Result<void> Attach(duckdb::Connection& connection, const std::string& name) {
    const std::string path = (fs::path(databases_) / (name + ".duckdb")).string();
    const auto deadline = std::chrono::steady_clock::now() + kLockPatience;
    while (true) {
      const auto result =
          connection.Query(fmt::format("ATTACH {} AS \"{}\"", sql::QuoteString(path), name));
      if (!result->HasError()) return {};
      const std::string& text = result->GetErrorObject().RawMessage();
      if (text.find("Could not set lock") == std::string::npos &&
          text.find("Conflicting lock") == std::string::npos) {
        Error error = ToError(result->GetErrorObject(), nullptr);
        error.message = fmt::format("database \"{}\" cannot be opened: {}", name, error.message);
        return Fail(std::move(error));
      }
      if (std::chrono::steady_clock::now() > deadline) {
        return Fail(ErrorKind::kConflict,
                    fmt::format("database \"{}\" is in use by another process", name), {},
                    "Only one gateway may own a data directory; look for a process that has the "
                    "file open.");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  // Makes the hidden tables where they are missing, checks the version of those that are there.
  Result<void> Prepare(duckdb::Connection& connection, const std::string& name) {
    const auto result = connection.Query(
        fmt::format("SELECT max(version) FROM \"{}\".{}.format", name, sql::kHiddenSchema));
    if (!result->HasError()) {
      const auto version = result->GetValue(0, 0);
      if (!version.IsNull() && version.GetValue<int32_t>() > kFormat) {
        return Fail(ErrorKind::kFeatureNotSupported,
                    fmt::format("database \"{}\" was written by a newer version", name), {},
                    "Run the version that wrote it, or a newer one.");
      }
      const auto others = connection.Query(fmt::format(
          "SELECT secret_arn FROM \"{}\".{}.external_schemas LIMIT 0", name, sql::kHiddenSchema));
      if (!version.IsNull() && !others->HasError()) return {};
    } else if (result->GetErrorObject().Type() != duckdb::ExceptionType::CATALOG) {
      return Fail(ToError(result->GetErrorObject(), nullptr));
    }
    SKEP_TRY(Begin(connection));
    const auto made = Run(
        connection,
        fmt::format(
            "CREATE SCHEMA IF NOT EXISTS \"{0}\".public; CREATE SCHEMA IF NOT EXISTS \"{0}\".{1}; "
            "CREATE TABLE IF NOT EXISTS \"{0}\".{1}.format (version INTEGER); "
            "INSERT INTO \"{0}\".{1}.format SELECT {2} WHERE NOT EXISTS "
            "(SELECT 1 FROM \"{0}\".{1}.format); "
            "CREATE TABLE IF NOT EXISTS \"{0}\".{1}.external_schemas (name VARCHAR, "
            "catalog_database VARCHAR, catalog_id VARCHAR, region VARCHAR, "
            "role_chain VARCHAR[], created TIMESTAMP); "
            "ALTER TABLE \"{0}\".{1}.external_schemas ADD COLUMN IF NOT EXISTS catalog_roles "
            "VARCHAR[]; "
            "ALTER TABLE \"{0}\".{1}.external_schemas ADD COLUMN IF NOT EXISTS source UTINYINT; "
            "ALTER TABLE \"{0}\".{1}.external_schemas ADD COLUMN IF NOT EXISTS remote_schema "
            "VARCHAR; "
            "ALTER TABLE \"{0}\".{1}.external_schemas ADD COLUMN IF NOT EXISTS host VARCHAR; "
            "ALTER TABLE \"{0}\".{1}.external_schemas ADD COLUMN IF NOT EXISTS port UINTEGER; "
            "ALTER TABLE \"{0}\".{1}.external_schemas ADD COLUMN IF NOT EXISTS secret_arn "
            "VARCHAR;",
            name, sql::kHiddenSchema, kFormat));
    if (!made) {
      Rollback(connection);
      return made;
    }
    return Commit(connection);
  }

  const std::string databases_;
  std::mutex mutex_;
  std::set<std::string> open_;
};

}  // namespace

std::unique_ptr<Store> MakeNativeStore(std::string directory) {
  return std::make_unique<NativeStore>(std::move(directory));
}

}  // namespace skep::worker
