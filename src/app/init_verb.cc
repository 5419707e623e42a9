// `skep init`: makes a data directory with a commented skep.toml, a TLS certificate, a workspace
// and an administrator. Running it again completes what is missing and changes nothing that is
// there.
#include <fmt/core.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "app/credentials.h"
#include "app/verbs.h"
#include "net/tls.h"

namespace skep::app {
namespace {

namespace fs = std::filesystem;

struct InitOptions {
  std::string user = "admin";
  std::string password;
  std::string database = "dev";
};

Result<void> MakeDirectory(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error && !fs::is_directory(path)) error = std::make_error_code(std::errc::not_a_directory);
  if (error)
    return Fail(ErrorKind::kIoError,
                fmt::format("Cannot make the folder \"{}\": {}", path, error.message()), {},
                "Name another one with --data-dir.");
  if (chmod(path.c_str(), 0700) != 0)
    return Fail(ErrorKind::kIoError, fmt::format("The folder \"{}\" is not yours.", path), {},
                "Name another one with --data-dir.");
  return {};
}

Result<int> Init(const Context& context, const InitOptions& options) {
  SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
  const Config& config = loaded.config;
  std::error_code ignored;
  const bool ours = fs::exists(config.ControlPath(), ignored) ||
                    fs::exists(config.data_dir + "/skep.toml", ignored) || !loaded.file.empty();
  if (!ours && fs::exists(config.data_dir, ignored) && !fs::is_empty(config.data_dir, ignored)) {
    return Fail(ErrorKind::kDuplicateObject,
                fmt::format("\"{}\" is not empty and no data directory of Skep.", config.data_dir),
                {}, "Name an empty or new one with --data-dir.");
  }
  SKEP_TRY(CheckName("workspace", config.workspace));
  SKEP_TRY(CheckName("user", options.user));
  Secret password(options.password.empty() && context.input.environment.contains("SKEP_PASSWORD")
                      ? context.input.environment.at("SKEP_PASSWORD")
                      : options.password);
  const bool generated = password.empty();
  if (generated) password = GeneratePassword();
  SKEP_TRY(CheckPassword(password));
  SKEP_TRY(MakeDirectory(config.data_dir));
  for (const std::string& folder :
       {config.WorkspacesDir(), config.ResultsDir(), config.TempDir(), config.data_dir + "/tls"})
    SKEP_TRY(MakeDirectory(folder));

  if (loaded.file.empty()) {
    // What was given by flag or environment becomes the file's; data_dir is where the file lies.
    std::map<std::string, std::string> chosen;
    for (const ConfigKey& key : ConfigKeys()) {
      if (key.name != "data_dir" && loaded.sources.at(std::string(key.name)) != Source::kDefault)
        chosen[std::string(key.name)] = key.show(config);
    }
    const std::string path = config.data_dir + "/skep.toml";
    SKEP_TRY(WriteFileAtomically(path, CommentedToml(chosen), 0600));
    fmt::print("wrote     {}\n", path);
  } else {
    fmt::print("kept      {}\n", loaded.file);
  }

  const bool certificate = fs::exists(config.pgwire.tls_certificate, ignored),
             key = fs::exists(config.pgwire.tls_key, ignored);
  if (certificate != key) {
    return Fail(ErrorKind::kConflict,
                fmt::format("Of \"{}\" and \"{}\" only one exists.", config.pgwire.tls_certificate,
                            config.pgwire.tls_key),
                {}, "Put the other one back, or remove this one to get a new pair.");
  }
  if (certificate) {
    fmt::print("kept      {}\n", config.pgwire.tls_certificate);
  } else {
    SKEP_TRY(net::WriteSelfSignedCertificate(
        config.pgwire.tls_certificate, config.pgwire.tls_key,
        config.pgwire.host == "0.0.0.0" || config.pgwire.host == "::" ? "localhost"
                                                                      : config.pgwire.host));
    fmt::print("wrote     {} (self-signed)\n", config.pgwire.tls_certificate);
  }

  SKEP_TRY_ASSIGN(const auto store, control::OpenSqlite(config.ControlPath()));
  SKEP_TRY_ASSIGN(auto workspace, store->GetWorkspace(config.workspace));
  if (workspace) {
    fmt::print("kept      workspace {} (database {})\n", workspace->name, workspace->database);
  } else {
    SKEP_TRY(CheckName("database", options.database));
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    workspace = control::Workspace{config.workspace, options.database, now.count()};
    SKEP_TRY(store->PutWorkspace(*workspace));
    fmt::print("made      workspace {} (database {})\n", workspace->name, workspace->database);
  }
  SKEP_TRY_ASSIGN(const auto user, store->GetUser(config.workspace, options.user));
  if (user) {
    if (!options.password.empty()) {
      return Fail(
          ErrorKind::kDuplicateObject,
          fmt::format("User {} exists; its password was not changed.", options.user), {},
          fmt::format("Change it with: skep user add {} --superuser --replace", options.user));
    }
    fmt::print("kept      user {}\n", options.user);
  } else {
    SKEP_TRY(store->PutUser(MakeUser(config.workspace, options.user, password, true)));
    SKEP_TRY(WriteAdminCredential(config.AdminCredentialPath(),
                                  {options.user, password, config.workspace, workspace->database}));
    fmt::print("made      user {}{}\n          (also in {}, which `skep sql` reads)\n",
               options.user, generated ? " with password " + password.Reveal() : std::string(),
               config.AdminCredentialPath());
  }
  const std::string where =
      loaded.sources.at("data_dir") == Source::kDefault && context.input.config_path.empty()
          ? ""
          : " --data-dir " + config.data_dir;
  fmt::print("\nNext:     skep serve{}\nThen:     skep sql{} -c \"select 1\"\n", where, where);
  return 0;
}

}  // namespace

void RegisterInit(CLI::App& root, Context& context) {
  CLI::App* verb = AddVerb(
      root, "init", "Make a data directory: skep.toml, TLS certificate, workspace, administrator");
  auto options = std::make_shared<InitOptions>();
  verb->add_option("--user", options->user, "Name of the administrator [admin]");
  verb->add_option("--password", options->password,
                   "Its password [SKEP_PASSWORD; default: a generated one, printed once]");
  verb->add_option("--database", options->database, "First database of the workspace [dev]");
  AddConfigFlags(*verb, context, true);
  verb->callback([&context, options] {
    context.run = [&context, options] { return Init(context, *options); };
  });
}

}  // namespace skep::app
