// `skep user` and `skep workspace`: who may log in, and where to. Write the control store directly;
// a running gateway sees it at once.
#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/credentials.h"
#include "app/verbs.h"

namespace skep::app {
namespace {

struct UserOptions {
  std::string name, workspace, password, output = "text";
  bool password_stdin = false, superuser = false, access_key = false, replace = false;
};

Result<std::string> WorkspaceOf(control::Store& store, const Config& config,
                                const UserOptions& options) {
  const std::string name = options.workspace.empty() ? config.workspace : options.workspace;
  SKEP_TRY_ASSIGN(const auto found, store.GetWorkspace(name));
  if (!found)
    return Fail(ErrorKind::kUndefinedObject, fmt::format("There is no workspace \"{}\".", name), {},
                "skep workspace list shows them.");
  return name;
}

Result<int> AddUser(const Context& context, const UserOptions& options) {
  SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
  SKEP_TRY_ASSIGN(const auto store, OpenStore(loaded.config));
  SKEP_TRY(CheckName("user", options.name));
  SKEP_TRY_ASSIGN(const std::string workspace, WorkspaceOf(*store, loaded.config, options));
  SKEP_TRY_ASSIGN(const auto existing, store->GetUser(workspace, options.name));
  const bool json = options.output == "json";
  const bool only_key = existing && options.access_key && options.password.empty() &&
                        !options.password_stdin && !options.replace && !options.superuser;
  if (existing && !options.replace && !only_key) {
    return Fail(ErrorKind::kDuplicateObject,
                fmt::format("User \"{}\" exists in workspace \"{}\".", options.name, workspace), {},
                "--replace gives it a new password; --access-key alone gives it another key.");
  }
  nlohmann::json out = {{"user", options.name}, {"workspace", workspace}};
  if (!only_key) {
    Secret password(options.password);
    if (options.password_stdin) {
      std::string line;
      std::getline(std::cin, line);
      if (line.ends_with('\r')) line.pop_back();
      if (line.empty())
        return Fail(ErrorKind::kInvalidArgument, "There is no password on standard input.");
      password = Secret(std::move(line));
    }
    const bool from_environment =
        password.empty() && context.input.environment.contains("SKEP_PASSWORD");
    if (from_environment) password = Secret(context.input.environment.at("SKEP_PASSWORD"));
    if (password.empty() && isatty(STDIN_FILENO) != 0 && !json) {
      if (auto typed =
              PromptPassword(fmt::format("Password of {} (empty: generate one): ", options.name)))
        password = std::move(*typed);
    }
    const bool generated = password.empty();
    if (generated) password = GeneratePassword();
    SKEP_TRY(CheckPassword(password));
    SKEP_TRY(store->PutUser(MakeUser(workspace, options.name, password, options.superuser)));
    if (generated) out["password"] = password.Reveal();
    if (!json) {
      fmt::print("{} user {} in workspace {}\n", existing ? "changed" : "made", options.name,
                 workspace);
      if (generated) fmt::print("password {}\n", password.Reveal());
    }
    // Keep `skep sql` able to log in when the administrator's own password changes.
    const auto admin = ReadAdminCredential(loaded.config.AdminCredentialPath());
    if (existing && admin && admin->user == options.name && admin->workspace == workspace) {
      SKEP_TRY(WriteAdminCredential(loaded.config.AdminCredentialPath(),
                                    {admin->user, password, admin->workspace, admin->database}));
    }
  }
  if (options.access_key) {
    const control::AccessKey key = MakeAccessKey(workspace, options.name, loaded.config.account);
    SKEP_TRY(store->PutAccessKey(key));
    out["access_key_id"] = key.id;
    out["secret_access_key"] = key.secret.Reveal();
    if (!json) {
      fmt::print("AWS_ACCESS_KEY_ID={}\nAWS_SECRET_ACCESS_KEY={}\n", key.id, key.secret.Reveal());
      fmt::print(stderr, "The secret is shown this once.\n");
    }
  }
  if (json) fmt::print("{}\n", out.dump());
  return 0;
}

Result<int> ListUsers(const Context& context, const UserOptions& options) {
  SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
  SKEP_TRY_ASSIGN(const auto store, OpenStore(loaded.config));
  std::vector<std::string> workspaces;
  if (!options.workspace.empty()) {
    SKEP_TRY_ASSIGN(const std::string one, WorkspaceOf(*store, loaded.config, options));
    workspaces.push_back(one);
  } else {
    SKEP_TRY_ASSIGN(const auto all, store->ListWorkspaces());
    for (const auto& workspace : all) workspaces.push_back(workspace.name);
  }
  fmt::print("{:<20} {:<30} {}\n", "workspace", "user", "superuser");
  for (const std::string& workspace : workspaces) {
    SKEP_TRY_ASSIGN(const auto users, store->ListUsers(workspace));
    for (const auto& user : users)
      fmt::print("{:<20} {:<30} {}\n", workspace, user.name, user.superuser ? "yes" : "no");
  }
  return 0;
}

Result<int> RemoveUser(const Context& context, const UserOptions& options) {
  SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
  SKEP_TRY_ASSIGN(const auto store, OpenStore(loaded.config));
  SKEP_TRY_ASSIGN(const std::string workspace, WorkspaceOf(*store, loaded.config, options));
  SKEP_TRY_ASSIGN(const auto users, store->ListUsers(workspace));
  size_t other_superusers = 0;
  bool superuser = false;
  for (const auto& user : users) {
    if (user.name == options.name)
      superuser = user.superuser;
    else if (user.superuser)
      ++other_superusers;
  }
  if (superuser && other_superusers == 0) {
    return Fail(
        ErrorKind::kConflict,
        fmt::format("\"{}\" is the last superuser of workspace \"{}\".", options.name, workspace),
        {}, "Make another one first: skep user add NAME --superuser");
  }
  SKEP_TRY_ASSIGN(const bool removed, store->DeleteUser(workspace, options.name));
  if (!removed)
    return Fail(
        ErrorKind::kUndefinedObject,
        fmt::format("There is no user \"{}\" in workspace \"{}\".", options.name, workspace), {},
        "skep user list shows them.");
  fmt::print("removed user {} and its keys from workspace {}\n", options.name, workspace);
  return 0;
}

Result<int> AddWorkspace(const Context& context, const std::string& name,
                         const std::string& database) {
  SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
  SKEP_TRY_ASSIGN(const auto store, OpenStore(loaded.config));
  SKEP_TRY(CheckName("workspace", name));
  SKEP_TRY(CheckName("database", database));
  SKEP_TRY_ASSIGN(const auto existing, store->GetWorkspace(name));
  if (existing)
    return Fail(ErrorKind::kDuplicateObject, fmt::format("Workspace \"{}\" exists.", name));
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  SKEP_TRY(store->PutWorkspace({name, database, now.count()}));
  fmt::print(
      "made workspace {} (database {})\nNext: skep user add NAME --workspace {} --superuser\n",
      name, database, name);
  return 0;
}

Result<int> ListWorkspaces(const Context& context) {
  SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
  SKEP_TRY_ASSIGN(const auto store, OpenStore(loaded.config));
  SKEP_TRY_ASSIGN(const auto workspaces, store->ListWorkspaces());
  fmt::print("{:<20} {}\n", "workspace", "database");
  for (const auto& workspace : workspaces)
    fmt::print("{:<20} {}\n", workspace.name, workspace.database);
  return 0;
}

}  // namespace

void RegisterUser(CLI::App& root, Context& context) {
  CLI::App* user = AddVerb(root, "user", "Add, list and remove users (while the server runs, too)");
  user->require_subcommand(1);
  auto options = std::make_shared<UserOptions>();
  CLI::App* add = AddVerb(*user, "add", "Add a user, or give an existing one another access key");
  add->add_option("name", options->name, "Name of the user")->required();
  add->add_flag("--superuser", options->superuser, "May do everything in the workspace");
  add->add_option(
      "--password", options->password,
      "Its password [SKEP_PASSWORD; default: asked for on a terminal, else generated and printed]");
  add->add_flag("--password-stdin", options->password_stdin,
                "Read its password from the first line of standard input")
      ->excludes("--password");
  add->add_flag("--access-key", options->access_key,
                "Make a key for the AWS APIs and print it, once");
  add->add_flag("--replace", options->replace,
                "Give an existing user a new password and --superuser or not");
  add->add_option("--output", options->output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("");
  CLI::App* list = AddVerb(*user, "list", "List users");
  CLI::App* remove = AddVerb(*user, "remove", "Remove a user and its keys");
  remove->add_option("name", options->name, "Name of the user")->required();
  for (CLI::App* verb : {add, list, remove}) {
    verb->add_option("--workspace", options->workspace,
                     "Workspace [the configured one; list: all]");
    AddConfigFlags(*verb, context, false);
  }
  add->callback([&context, options] {
    context.run = [&context, options] { return AddUser(context, *options); };
  });
  list->callback([&context, options] {
    context.run = [&context, options] { return ListUsers(context, *options); };
  });
  remove->callback([&context, options] {
    context.run = [&context, options] { return RemoveUser(context, *options); };
  });
}

void RegisterWorkspace(CLI::App& root, Context& context) {
  CLI::App* workspace =
      AddVerb(root, "workspace", "Add and list workspaces: each a warehouse of its own");
  workspace->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  auto database = std::make_shared<std::string>("dev");
  CLI::App* add = AddVerb(*workspace, "add", "Add a workspace");
  add->add_option("name", *name, "Name of the workspace")->required();
  add->add_option("--database", *database, "Its first database [dev]");
  CLI::App* list = AddVerb(*workspace, "list", "List workspaces");
  for (CLI::App* verb : {add, list}) AddConfigFlags(*verb, context, false);
  add->callback([&context, name, database] {
    context.run = [&context, name, database] { return AddWorkspace(context, *name, *database); };
  });
  list->callback([&context] { context.run = [&context] { return ListWorkspaces(context); }; });
}

}  // namespace skep::app
