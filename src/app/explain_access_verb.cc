// `skep explain-access`: walks a role chain as a statement would and says of each hop, of a table
// of the catalog and of an object which policy and statement allowed or denied it. Reads the
// control store and the configuration; asks no object store, and a gateway only for the external
// schemas of a statement (--sql).
#include <fmt/core.h>
#include <libpq-fe.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "api/access/explain_access.h"
#include "app/credentials.h"
#include "app/iam_setup.h"
#include "app/verbs.h"
#include "base/text.h"
#include "identity/access_control.h"
#include "identity/role_chain.h"
#include "identity/sts_client.h"

namespace skep::app {
namespace {

struct ExplainOptions {
  std::string chain, workspace, database, table, object;
  std::string user, sql, output = "text";
};

// Prints one line; answers whether it was allowed.
bool Report(const std::string& what, const identity::Decision& decision) {
  fmt::print("{:<7} {}\n", decision.allowed ? "allowed" : "DENIED", what);
  if (!decision.reason.empty()) fmt::print("        {}\n", decision.reason);
  if (!decision.policy.empty()) {
    fmt::print("        by {}{}\n", decision.policy,
               decision.statement.empty() ? "" : ", statement " + decision.statement);
  }
  return decision.allowed;
}

struct ConnectionClose {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

// The external schemas of the running gateway, as its admin sees them.
Result<std::vector<access::SchemaRow>> ReadSchemas(const Config& config, std::string& database) {
  const auto unreachable = [&](const std::string& why) {
    return Fail(ErrorKind::kUndefinedObject, "the external schemas cannot be read: " + why, {},
                "Start the gateway (skep serve); admin.json in its data directory is needed, too.");
  };
  const auto admin = ReadAdminCredential(config.AdminCredentialPath());
  if (!admin) return unreachable("there is no " + config.AdminCredentialPath());
  std::ifstream run(config.RunFile());
  const auto running = nlohmann::json::parse(run, nullptr, false);
  if (!running.is_object() || !running.contains("pgwire") || !running["pgwire"].is_object())
    return unreachable("no gateway runs");
  std::string host = running["pgwire"].value("host", "");
  if (host == "0.0.0.0" || host == "::") host = "127.0.0.1";
  const std::string port = std::to_string(running["pgwire"].value("port", 0));
  database = admin->database;
  const char* names[] = {"host", "port", "user", "dbname", "password", "connect_timeout", nullptr};
  const char* values[] = {host.c_str(),
                          port.c_str(),
                          admin->user.c_str(),
                          database.c_str(),
                          admin->password.Reveal().c_str(),
                          "30",
                          nullptr};
  const std::unique_ptr<PGconn, ConnectionClose> connection(PQconnectdbParams(names, values, 0));
  if (PQstatus(connection.get()) != CONNECTION_OK)
    return unreachable(PQerrorMessage(connection.get()));
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(
      PQexec(connection.get(), access::kSchemasQuery), PQclear);
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK)
    return unreachable(PQerrorMessage(connection.get()));
  std::vector<access::SchemaRow> schemas;
  for (int row = 0; row < PQntuples(result.get()); row++)
    schemas.push_back({PQgetvalue(result.get(), row, 0), PQgetvalue(result.get(), row, 1),
                       PQgetvalue(result.get(), row, 2)});
  return schemas;
}

// Prints what access::ExplainAccess found.
void PrintReport(const nlohmann::json& report) {
  if (report["Tables"].empty()) fmt::print("The statement names no external table.\n");
  for (const auto& table : report["Tables"]) {
    fmt::print("{}\n", table["Table"].get<std::string>());
    for (const auto& step : table["Steps"]) {
      const std::string hop =
          step.contains("Hop") ? fmt::format("hop {}: ", step["Hop"].get<int>()) : std::string();
      identity::Decision decision;
      decision.allowed = step["Allowed"].get<bool>();
      decision.reason = step.value("Reason", "");
      decision.policy = step.value("Policy", "");
      decision.statement = step.value("Statement", "");
      Report(fmt::format("{}{}: {} on {}", hop, step["Caller"].get<std::string>(),
                         step["Action"].get<std::string>(), step["Resource"].get<std::string>()),
             decision);
    }
  }
}

Result<int> ExplainStatement(const Config& config, const ExplainOptions& options,
                             const identity::RoleChainResolver& roles, control::Store& store) {
  access::AccessQuestion question;
  question.workspace = config.workspace;
  question.user = options.user;
  question.sql = options.sql;
  SKEP_TRY_ASSIGN(question.schemas, ReadSchemas(config, question.database));
  SKEP_TRY_ASSIGN(const auto report, access::ExplainAccess(question, roles, store));
  if (options.output == "json") {
    fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    PrintReport(report);
  }
  return report["Allowed"].get<bool>() ? 0 : kExitFailed;
}

Result<int> Explain(const Context& context, const ExplainOptions& options) {
  SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
  const Config& config = loaded.config;
  log::Configure(log::Level::kError, false);  // what the walk would log is printed here
  SKEP_TRY_ASSIGN(const auto store, OpenStore(config));
  SKEP_TRY_ASSIGN(const auto iam, OpenIam(config));
  const identity::AccessControl access(*iam);
  identity::ConfiguredKeys keys(config.accounts);
  identity::RoleChainResolver roles(config.roles, keys);
  roles.UseStoredRoles(access, config.account, config.region);
  roles.UseDefaultChain(config.lake.default_iam_role);
  identity::StsClient foreign_sts;
  roles.UseForeignRoles(foreign_sts);
  if (options.sql.empty() != options.user.empty() || options.sql.empty() == options.chain.empty())
    return Fail(ErrorKind::kInvalidArgument, "Name a statement, or a role chain.", {},
                "Write --as USER --sql '...', or --iam-role CHAIN.");
  if (!options.sql.empty()) return ExplainStatement(config, options, roles, *store);

  const std::string workspace = options.workspace.empty() ? config.workspace : options.workspace;
  std::vector<identity::ChainHop> hops;
  const auto credentials =
      roles.Resolve(identity::Principal::Workspace(workspace), SplitAtCommas(options.chain), &hops);
  for (size_t i = 0; i < hops.size(); i++) {
    Report(fmt::format("hop {}: {} assumes {}", i + 1, hops[i].caller, hops[i].role),
           hops[i].decision);
  }
  if (!credentials) return Fail(credentials.error());
  bool allowed = true;
  if (!options.database.empty()) {
    allowed = Report(fmt::format("glue:GetTable on {}.{}", options.database,
                                 options.table.empty() ? "*" : options.table),
                     credentials->DecideCatalog("glue:GetTable", options.database, options.table));
  }
  if (!options.object.empty()) {
    constexpr std::string_view kScheme = "s3://";
    const size_t slash = options.object.find('/', kScheme.size());
    if (!options.object.starts_with(kScheme) || slash == std::string::npos) {
      return Fail(ErrorKind::kInvalidArgument,
                  fmt::format("\"{}\" names no object.", options.object), {},
                  "Write s3://bucket/key, or s3://bucket/folder/ to ask for a listing.");
    }
    const std::string bucket = options.object.substr(kScheme.size(), slash - kScheme.size());
    const std::string key = options.object.substr(slash + 1);
    const bool folder = key.empty() || key.ends_with('/');
    const bool read = Report(
        fmt::format("{} on {}", folder ? "s3:ListBucket" : "s3:GetObject", options.object),
        folder ? credentials->DecideList(bucket, key) : credentials->DecideRead(bucket, key));
    allowed = allowed && read;
  }
  return allowed ? 0 : kExitFailed;
}

}  // namespace

void RegisterExplainAccess(CLI::App& root, Context& context) {
  CLI::App* verb = AddVerb(root, "explain-access",
                           "Say which hop of a role chain, policy and statement allows or denies");
  auto options = std::make_shared<ExplainOptions>();
  verb->add_option("--as", options->user, "The user whose statement it is");
  verb->add_option("--sql", options->sql, "Explain the external tables that this statement reads");
  verb->add_option("--output", options->output, "Of --sql: text or json")
      ->check(CLI::IsMember({"text", "json"}));
  verb->add_option("--iam-role", options->chain,
                   "Or explain this chain, as in CREATE EXTERNAL SCHEMA");
  verb->add_option("--workspace", options->workspace, "Workspace [the configured one]");
  verb->add_option("--database", options->database, "Ask for this database of the Glue catalog");
  verb->add_option("--table", options->table, "Ask for this table of it");
  verb->add_option("--object", options->object,
                   "Ask for this object (s3://bucket/key) or folder (s3://bucket/folder/)");
  AddConfigFlags(*verb, context, false);
  verb->footer("Exit code 0 when all of it is allowed, else 1.");
  verb->callback([&context, options] {
    context.run = [&context, options] { return Explain(context, *options); };
  });
}

}  // namespace skep::app
