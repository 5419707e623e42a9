#include "worker/engine.h"

#include <fmt/format.h>

#include <duckdb/catalog/catalog_search_path.hpp>
#include <duckdb/main/client_data.hpp>
#include <filesystem>

#include "sql/quoting.h"
#include "worker/copy/copy_function.h"
#include "worker/copy/load_tables.h"
#include "worker/engine_errors.h"
#include "worker/external_scan/lake_catalog.h"
#include "worker/external_views.h"
#include "worker/functions/register.h"
#include "worker/show_functions.h"
#include "worker/storage/native_store.h"
#include "worker/unload/unload_function.h"

namespace skep::worker {
namespace fs = std::filesystem;

namespace {

constexpr const char* kFacts = "skep_session";

SessionFacts* FactsOf(duckdb::ClientContext& context) {
  const auto facts = context.registered_state->Get<SessionFacts>(kFacts);
  return facts.get();  // the connection keeps it
}

external_scan::Asker AskerOf(duckdb::ClientContext& context) {
  const SessionFacts* facts = FactsOf(context);
  return facts ? facts->asker : external_scan::Asker{};
}

Result<void> Run(duckdb::Connection& connection, const std::string& text) {
  const auto result = connection.Query(text);
  if (result->HasError())
    return Fail(ErrorKind::kInternal,
                "the engine refused its own set-up: " + result->GetErrorObject().RawMessage());
  return {};
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Open(const ipc::WorkerBinding& binding, UniqueFd lake) {
  std::unique_ptr<Engine> engine(new Engine());
  try {
    SKEP_TRY(engine->Start(binding, std::move(lake)));
  } catch (const std::exception& e) {
    return Fail(ToError(e));
  }
  return engine;
}

Engine::~Engine() {
  instance_.reset();
  lake_.reset();
}

Result<void> Engine::Start(const ipc::WorkerBinding& binding, UniqueFd lake) {
  scratch_ = binding.workspace.empty();
  duckdb::DBConfig config;
  const auto option = [&](const char* name, duckdb::Value value) {
    config.SetOptionByName(name, value);
  };
  option("threads", duckdb::Value::BIGINT(std::max<uint32_t>(1, binding.threads)));
  if (binding.memory_limit_bytes > 0)
    option("memory_limit", duckdb::Value(fmt::format("{}B", binding.memory_limit_bytes)));
  option("temp_directory", duckdb::Value(binding.temp_directory));
  option("secret_directory",
         duckdb::Value((fs::path(binding.temp_directory) / "secrets").string()));
  option("allow_persistent_secrets", duckdb::Value::BOOLEAN(false));
  option("allow_community_extensions", duckdb::Value::BOOLEAN(false));
  option("autoload_known_extensions", duckdb::Value::BOOLEAN(false));
  option("autoinstall_known_extensions", duckdb::Value::BOOLEAN(false));
  // Redshift promises no order without ORDER BY; not promising it either lets all threads write to
  // the client.
  option("preserve_insertion_order", duckdb::Value::BOOLEAN(false));
  // NULL counts as larger than everything (sql.md section 4).
  option("default_null_order", duckdb::Value("NULLS_LAST_ON_ASC_FIRST_ON_DESC"));
  // The gateway's block cache is the one place where blocks are kept.
  option("enable_external_file_cache", duckdb::Value::BOOLEAN(false));
  // Failures keep their place in the text only in this form; engine_errors reads it.
  if (!scratch_) option("errors_as_json", duckdb::Value::BOOLEAN(true));
  instance_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
  RegisterFunctions(*instance_->instance);

  lake_ = std::make_unique<external_scan::LakeClient>(std::move(lake));
  const auto schema_of =
      [this](duckdb::ClientContext& context,
             const std::string& schema) -> std::optional<ipc::ExternalSchemaBinding> {
    const SessionFacts* facts = FactsOf(context);
    if (!facts) return std::nullopt;
    return external_schemas_.Find({facts->database, schema}, facts->external_schemas);
  };
  external_scan::RegisterLake(*instance_->instance, *lake_, schema_of, AskerOf);
  copy::RegisterCopy(*instance_->instance, *lake_, AskerOf);
  unload::RegisterUnload(*instance_->instance, *lake_, {AskerOf, schema_of});
  RegisterExternalViews(*instance_->instance, *lake_, [this](duckdb::ClientContext& context) {
    ExternalAsker asking;
    if (const SessionFacts* facts = FactsOf(context)) {
      asking.asker = facts->asker;
      asking.database = facts->database;
      asking.schemas = external_schemas_.All(facts->database, facts->external_schemas);
    }
    return asking;
  });
  ShowSources shows;
  shows.asker = [](duckdb::ClientContext& context) {
    ExternalAsker asking;
    if (const SessionFacts* facts = FactsOf(context)) {
      asking.asker = facts->asker;
      asking.database = facts->database;
    }
    return asking;
  };
  shows.databases = [this] { return store_ ? store_->Names() : std::vector<std::string>(); };
  shows.schemas_of = [this](duckdb::ClientContext& context, const std::string& database)
      -> Result<std::map<std::string, ipc::ExternalSchemaBinding>> {
    if (!store_ || !store_->Has(database))
      return Fail(ErrorKind::kUndefinedDatabase, "database \"" + database + "\" does not exist");
    SKEP_TRY(OpenDatabase(database));
    const SessionFacts* facts = FactsOf(context);
    const bool own = facts && facts->database == database;
    return external_schemas_.All(database,
                                 own ? facts->external_schemas : ExternalSchemas::Changes());
  };
  RegisterShowFunctions(*instance_->instance, *lake_, std::move(shows));
  copy::RegisterLoadTables(*instance_->instance, [](duckdb::ClientContext& context) {
    const SessionFacts* facts = FactsOf(context);
    return facts ? facts->database : std::string();
  });
  if (!scratch_) {
    store_ = MakeNativeStore(binding.data_directory);
    SKEP_TRY(store_->OpenAll(*instance_));
  }
  return LockConfiguration(binding);
}

Result<void> Engine::LockConfiguration(const ipc::WorkerBinding& binding) {
  duckdb::Connection connection(*instance_);
  SKEP_TRY(Run(connection, "SET GLOBAL TimeZone = 'UTC'"));
  std::string allowed = sql::QuoteString(binding.temp_directory + "/") + ", 's3://'";
  if (!scratch_)
    allowed +=
        ", " + sql::QuoteString((fs::path(binding.data_directory) / "databases").string() + "/");
  SKEP_TRY(Run(connection, "SET allowed_directories = [" + allowed + "]"));
  SKEP_TRY(Run(connection, "SET enable_external_access = false"));
  SKEP_TRY(Run(connection, "SET allowed_configs = ['TimeZone']"));
  return Run(connection, "SET lock_configuration = true");
}

Result<void> Engine::OpenDatabase(const std::string& name) {
  const std::lock_guard lock(opening_);
  if (loaded_.contains(name)) return {};
  SKEP_TRY(store_->OpenDatabase(*instance_, name));
  duckdb::Connection connection(*instance_);
  SKEP_TRY(external_schemas_.Load(connection, name));
  loaded_.insert(name);
  return {};
}

Result<Engine::SessionConnection> Engine::Connect(const std::string& database,
                                                  const std::string& user) {
  try {
    if (!scratch_) SKEP_TRY(OpenDatabase(database));
    SessionConnection made;
    made.connection = std::make_unique<duckdb::Connection>(*instance_);
    made.facts = duckdb::make_shared_ptr<SessionFacts>();
    made.facts->asker.user = user;
    made.facts->database = database;
    made.connection->context->registered_state->Insert(kFacts, made.facts);
    // No name may reach the file system (FROM 'file.csv').
    made.connection->context->config.use_replacement_scans = false;
    return made;
  } catch (const std::exception& e) {
    return Fail(ToError(e));
  }
}

void Engine::Close() {
  if (store_ && instance_) store_->Close(*instance_);
}

}  // namespace skep::worker
