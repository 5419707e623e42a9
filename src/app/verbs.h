// The verbs of the command line. Each registers itself on the CLI11 application and leaves what to
// do in Context::run; main.cc parses, runs it and turns an Error into a message on standard error.
// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no connection (sql).
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "app/config.h"
#include "base/error.h"
#include "control/store.h"

namespace skep::app {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitNoConnection = 3;

struct Context {
  ConfigInput input;
  std::function<Result<int>()> run;  // set by the verb that was chosen
};

void RegisterInit(CLI::App& root, Context& context);
void RegisterServe(CLI::App& root, Context& context);
void RegisterSql(CLI::App& root, Context& context);
void RegisterTranslate(CLI::App& root, Context& context);
void RegisterUser(CLI::App& root, Context& context);
void RegisterWorkspace(CLI::App& root, Context& context);
void RegisterConfig(CLI::App& root, Context& context);
void RegisterOrg(CLI::App& root, Context& context);
void RegisterExplainAccess(CLI::App& root, Context& context);
void RegisterCrawl(CLI::App& root, Context& context);
void RegisterDoctor(CLI::App& root, Context& context);
void RegisterDemo(CLI::App& root, Context& context);

// A subcommand with --help and --version.
CLI::App* AddVerb(CLI::App& parent, const std::string& name, const std::string& description);
// Adds --config and --data-dir; with `all`, a flag for every key of the configuration.
void AddConfigFlags(CLI::App& verb, Context& context, bool all);
// Loads the configuration, sets up logging, prints its warnings.
Result<LoadedConfig> Load(const Context& context);
// Opens the control store of a data directory that init has made. Errors: kUndefinedObject with
// "run skep init".
Result<std::unique_ptr<control::Store>> OpenStore(const Config& config);

// Prints "skep: message", detail and hint.
void PrintError(const Error& error);

}  // namespace skep::app
