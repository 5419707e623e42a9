// `skep org connect`: lets a workspace read an organization's data lake through roles: the
// warehouse's own and one in the organization's account. Writes the control store directly; a
// running gateway sees it with the next statement.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/iam_setup.h"
#include "app/verbs.h"

namespace skep::app {
namespace {

struct OrgOptions {
  Connection connection;
  std::string administrator, output = "text";
};

Result<int> RunConnect(const Context& context, OrgOptions options) {
  SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
  const Config& config = loaded.config;
  SKEP_TRY_ASSIGN(const auto store, OpenStore(config));
  SKEP_TRY_ASSIGN(const auto iam, OpenIam(config));
  Connection& wanted = options.connection;
  if (wanted.workspace.empty()) wanted.workspace = config.workspace;
  SKEP_TRY_ASSIGN(const Connected connected, Connect(config, *store, *iam, wanted));
  std::optional<control::IamAccessKey> key;
  if (!options.administrator.empty()) {
    auto made = MakeAdministrator(*iam, wanted.account, options.administrator);
    if (!made && made.error().kind != ErrorKind::kDuplicateObject) return Fail(made.error());
    if (made) key = std::move(*made);
  }
  const std::string chain = connected.warehouse_role + "," + connected.organization_role;
  const bool reachable = std::ranges::any_of(
      config.accounts, [&](const auto& account) { return account.id == wanted.account; });
  if (options.output == "json") {
    nlohmann::json out = {{"account", wanted.account},
                          {"workspace", wanted.workspace},
                          {"warehouse_role", connected.warehouse_role},
                          {"organization_role", connected.organization_role},
                          {"external_id", connected.external_id},
                          {"iam_role", chain},
                          {"made", connected.made}};
    if (key) {
      out["access_key_id"] = key->id;
      out["secret_access_key"] = key->secret.Reveal();
    }
    fmt::print("{}\n", out.dump());
  } else {
    for (const std::string& what : connected.made) fmt::print("made {}\n", what);
    if (connected.made.empty()) fmt::print("nothing to do, all of it was there\n");
    fmt::print(
        "account            {}\nwarehouse role     {}\norganization role  {}\n"
        "external id        {}\n",
        wanted.account, connected.warehouse_role, connected.organization_role,
        connected.external_id);
    if (key) {
      fmt::print("AWS_ACCESS_KEY_ID={}\nAWS_SECRET_ACCESS_KEY={}\n", key->id, key->secret.Reveal());
      fmt::print(stderr, "The secret is shown this once.\n");
    }
    fmt::print(
        "Next: create external schema {0} from data catalog database '{0}'\n"
        "      iam_role '{1}';\n",
        wanted.database.empty() ? "lake" : wanted.database, chain);
  }
  if (!reachable) {
    fmt::print(stderr,
               "skep: warning: skep.toml has no [[account]] with id = \"{}\": its S3 cannot be "
               "reached yet.\n",
               wanted.account);
  }
  return 0;
}

}  // namespace

void RegisterOrg(CLI::App& root, Context& context) {
  CLI::App* org = AddVerb(root, "org", "Connect workspaces with organizations' data lakes");
  org->require_subcommand(1);
  auto options = std::make_shared<OrgOptions>();
  Connection& wanted = options->connection;
  CLI::App* connect = AddVerb(
      *org, "connect",
      "Make the roles through which a workspace reads an organization's bucket and catalog");
  connect->add_option("--account", wanted.account, "The organization's account number")->required();
  connect->add_option("--bucket", wanted.bucket, "The bucket of its data lake")->required();
  connect->add_option("--prefix", wanted.prefix, "Only what lies below this folder [all of it]");
  connect->add_option("--database", wanted.database,
                      "Only this database of its Glue catalog [all of them]");
  connect->add_option("--workspace", wanted.workspace, "Workspace [the configured one]");
  connect->add_option("--name", wanted.organization, "The organization's name, for people");
  connect->add_option("--role", wanted.role, "Name of the role in the organization's account")
      ->capture_default_str();
  connect->add_option("--external-id", wanted.external_id,
                      "What the warehouse must say to that role [the one of before, else a random "
                      "one]");
  connect->add_flag("--crawlers", wanted.crawlers,
                    "Let crawlers of the organization's account use the role, too");
  connect->add_option("--administrator", options->administrator,
                      "Also make a user of this name who may do everything in the account, and "
                      "print its access key, once");
  connect->add_option("--output", options->output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("");
  AddConfigFlags(*connect, context, false);
  connect->footer("The same command again changes nothing.");
  connect->callback([&context, options] {
    context.run = [&context, options] { return RunConnect(context, *options); };
  });
}

}  // namespace skep::app
