// The `skep` executable: parses the command line and runs one verb.
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "app/verbs.h"
#include "base/log.h"

namespace skep::app {

CLI::App* AddVerb(CLI::App& parent, const std::string& name, const std::string& description) {
  CLI::App* verb = parent.add_subcommand(name, description);
  verb->set_help_flag("--help", "Print this help");
  verb->set_version_flag("--version", "skep " SKEP_VERSION, "Print the version");
  return verb;
}

void AddConfigFlags(CLI::App& verb, Context& context, bool all) {
  verb.add_option("--config", context.input.config_path,
                  "The skep.toml to read [SKEP_CONFIG; default: skep.toml in the data directory]")
      ->group("Configuration");
  for (const ConfigKey& key : ConfigKeys()) {
    if (!all && key.name != "data_dir") continue;
    std::string description(key.description);
    if (!key.choices.empty()) description += " (" + std::string(key.choices) + ")";
    description += " [" + EnvironmentName(key.name) +
                   (key.default_text.empty() ? "" : "; default: " + std::string(key.default_text)) +
                   "]";
    verb.add_option_function<std::string>(
            FlagName(key.name),
            [&context, name = std::string(key.name)](const std::string& text) {
              context.input.flags[name] = text;
            },
            description)
        ->group("Configuration")
        ->type_name("");
  }
}

Result<LoadedConfig> Load(const Context& context) {
  SKEP_TRY_ASSIGN(LoadedConfig loaded, LoadConfig(context.input));
  log::Configure(loaded.config.log.level, loaded.config.log.json);
  for (const std::string& warning : loaded.warnings)
    fmt::print(stderr, "skep: warning: {}\n", warning);
  return loaded;
}

Result<std::unique_ptr<control::Store>> OpenStore(const Config& config) {
  std::error_code ignored;
  if (!std::filesystem::exists(config.ControlPath(), ignored)) {
    return Fail(ErrorKind::kUndefinedObject,
                fmt::format("There is no control store in \"{}\".", config.data_dir), {},
                fmt::format("Make one with: skep init --data-dir {}", config.data_dir));
  }
  return control::OpenSqlite(config.ControlPath());
}

void PrintError(const Error& error) {
  fmt::print(stderr, "skep: {}\n", error.message);
  if (!error.detail.empty()) fmt::print(stderr, "      {}\n", error.detail);
  if (!error.hint.empty()) fmt::print(stderr, "hint: {}\n", error.hint);
}

namespace {

// What a word that no verb and no flag matches may have meant.
std::string Meant(const CLI::App& root, const std::string& word) {
  std::vector<std::string> known;
  const CLI::App* verb = &root;
  for (const CLI::App* chosen : root.get_subcommands()) verb = chosen;
  if (word.starts_with("-")) {
    for (const CLI::Option* option : verb->get_options())
      known.push_back(option->get_name(false, false));
  } else {
    for (const CLI::App* sub : verb->get_subcommands([](const CLI::App*) { return true; }))
      known.push_back(sub->get_name());
  }
  return Suggest(word.substr(0, word.find('=')), known);
}

int Main(int argc, char** argv) {
  CLI::App root("Skep: a warehouse that speaks Redshift, on machines you own.", "skep");
  root.set_help_flag("--help,-h", "Print this help");
  root.set_version_flag("--version", "skep " SKEP_VERSION, "Print the version");
  root.require_subcommand(1);
  root.footer(
      "First steps: skep init, skep serve, skep sql -c \"select 1\". Or see everything at once: "
      "skep demo.");
  Context context;
  context.input = ProcessInput();
  RegisterInit(root, context);
  RegisterServe(root, context);
  RegisterSql(root, context);
  RegisterTranslate(root, context);
  RegisterUser(root, context);
  RegisterWorkspace(root, context);
  RegisterOrg(root, context);
  RegisterExplainAccess(root, context);
  RegisterCrawl(root, context);
  RegisterConfig(root, context);
  RegisterDoctor(root, context);
  RegisterDemo(root, context);
  try {
    root.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return root.exit(success);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "skep: {}\n", error.what());
    std::string near;
    for (const std::string& word : root.remaining(true)) {
      if (near.empty()) near = Meant(root, word);
    }
    const bool bare = argc < 2;
    if (!near.empty())
      fmt::print(stderr, "hint: Did you mean {}?\n", near);
    else
      fmt::print(stderr, "hint: {} lists what there is.\n",
                 bare ? "skep --help" : "--help after the verb");
    return kExitUsage;
  }
  if (!context.run) {
    fmt::print(stderr, "skep: nothing to do\nhint: skep --help lists the verbs.\n");
    return kExitUsage;
  }
  const Result<int> done = context.run();
  if (done) return *done;
  PrintError(done.error());
  return kExitFailed;
}

}  // namespace
}  // namespace skep::app

int main(int argc, char** argv) {
  try {
    return skep::app::Main(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "skep: unexpected failure: {}\n", error.what());
    return skep::app::kExitFailed;
  }
}
