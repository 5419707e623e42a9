// `skep explain-access`: walks a role chain as a statement would and says of each hop, of a table
// of the catalog and of an object which policy and statement allowed or denied it. Reads the
// control store and the configuration; asks no gateway and no object store.
#include <fmt/core.h>

#include "app/iam_setup.h"
#include "app/verbs.h"
#include "identity/access_control.h"
#include "identity/role_chain.h"

namespace skep::app {
namespace {

struct ExplainOptions {
  std::string chain, workspace, database, table, object;
};

std::vector<std::string> SplitChain(std::string_view text) {
  std::vector<std::string> chain;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    chain.emplace_back(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return chain;
}

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

  const std::string workspace = options.workspace.empty() ? config.workspace : options.workspace;
  std::vector<identity::ChainHop> hops;
  const auto credentials =
      roles.Resolve(identity::Principal::Workspace(workspace), SplitChain(options.chain), &hops);
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
  verb->add_option("--iam-role", options->chain, "The chain, as in CREATE EXTERNAL SCHEMA")
      ->required();
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
