// The configuration: one table of keys (config.cc) from which come the defaults, the commented
// skep.toml of `skep init`, the names of environment variables and flags, `--help` and `skep
// config`. A value comes from, in rising order: default, skep.toml, SKEP_…, flag. Everything is
// read once at start-up; nothing else in the tree reads the environment.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "identity/issuer_keys.h"
#include "identity/role_chain.h"
#include "lake/remote_database.h"

namespace skep::app {

// Who may tell of changes in a lake: [[event_source]]. By webhook with a secret, or from a queue.
struct EventSourceConfig {
  std::string name, account;
  Secret secret;                     // empty = no webhook
  std::string queue_url;             // empty = no queue
  std::vector<std::string> buckets;  // empty = all of the account
};

// An issuer of tokens that an account trusts: [[oidc_provider]].
struct OidcProviderConfig {
  std::string account;
  std::vector<std::string> client_ids;
  identity::IssuerSource source;
};

enum class Authentication { kAuto, kScram, kDigest, kMd5, kTrust };

struct Config {
  std::string data_dir;
  std::string account =
      "123456789012";  // whose Glue catalog and ARNs these are when a caller names none
  std::string region = "us-east-1";
  std::string workspace = "default";               // what a client gets that names no workgroup
  std::chrono::milliseconds statement_timeout{0};  // 0 = none
  std::chrono::milliseconds drain_timeout{30000};  // after SIGTERM

  struct {
    log::Level level = log::Level::kInfo;
    bool json = false;
  } log;
  struct {
    std::string host;
    uint16_t port = 0;                     // 0 = any free one
    std::string tls_certificate, tls_key;  // both empty only when TLS is off
    bool tls = true;
    bool require_tls = false;
    Authentication authentication = Authentication::kAuto;
    uint32_t max_connections = 0;
  } pgwire;
  struct {
    std::string host;
    uint16_t port = 0;
  } http;
  struct {
    std::string path;                 // the skep-worker executable
    std::string extension_dir;        // may not exist
    uint32_t threads = 0;             // never 0 after Load
    uint64_t memory_limit_bytes = 0;  // 0 = the engine's default
    std::chrono::milliseconds idle_timeout{0};
    uint32_t prefork = 0;
    bool require_sandbox = false;
    uint32_t max_active_statements = 0;
    uint32_t max_waiting_statements = 0;
  } worker;
  struct {
    std::string cache_dir;
    uint64_t cache_size_bytes = 0;
    uint32_t fetch_threads = 0;
    std::vector<std::string> default_iam_role;  // role ARNs; what IAM_ROLE default stands for
    std::chrono::milliseconds role_session_duration{0};  // whole seconds, 1 s to 1 h
  } lake;
  struct {
    uint32_t connections = 0, connections_per_workspace = 0;
    std::chrono::milliseconds connection_wait{0};
  } federated;
  struct {
    std::chrono::milliseconds debounce{0};
    std::chrono::milliseconds sweep_interval{0};  // 0 = none
  } events;
  std::vector<EventSourceConfig> event_sources;    // [[event_source]]
  std::vector<identity::Account> accounts;         // [[account]]
  std::vector<identity::Role> roles;               // [[role]]
  std::vector<OidcProviderConfig> oidc_providers;  // [[oidc_provider]]
  std::vector<lake::RemoteSecret> secrets;         // [[secret]]
  std::vector<lake::RemoteHost> federated_hosts;   // [[federated_host]]

  // Where things lie below data_dir.
  std::string ControlPath() const { return data_dir + "/control.sqlite"; }
  std::string WorkspacesDir() const {
    return data_dir + "/workspaces";
  }  // <this>/<workspace>/databases/<db>.duckdb
  std::string ResultsDir() const { return data_dir + "/results"; }  // Data API results
  std::string TempDir() const { return data_dir + "/temp"; }
  // Encrypts passwords in the control store; mode 0600.
  std::string SealingKeyPath() const { return data_dir + "/sealing.key"; }
  // Written by serve once it listens, removed at the end:
  // {"pid":…,"pgwire":{"host":…,"port":…},"http":{…}}.
  std::string RunFile() const { return data_dir + "/run.json"; }
  // The admin's first credential, mode 0600: {"user":…,"password":…,"workspace":…,"database":…}.
  std::string AdminCredentialPath() const { return data_dir + "/admin.json"; }
};

enum class Source { kDefault, kFile, kEnvironment, kFlag };
std::string_view SourceName(Source source);

// A row of the table.
struct ConfigKey {
  enum class Type { kText, kPath, kPort, kFlag, kCount, kBytes, kDuration, kChoice };
  std::string_view name;  // as in skep.toml: "pgwire.port"
  Type type;
  std::string_view default_text;  // empty: see the description
  std::string_view choices;       // "a|b|c"
  std::string_view description;
  Result<void> (*set)(Config&, const std::string& text);
  std::string (*show)(const Config&);
};
std::span<const ConfigKey> ConfigKeys();
// "pgwire.require_tls" is SKEP_PGWIRE_REQUIRE_TLS and --pgwire-require-tls.
std::string EnvironmentName(std::string_view key);
std::string FlagName(std::string_view key);

struct ConfigInput {
  std::string
      config_path;  // --config; empty = SKEP_CONFIG, else <data dir>/skep.toml when it exists
  std::map<std::string, std::string> environment;  // all of it
  std::map<std::string, std::string> flags;        // key name -> text
  std::string executable_dir;                      // where this binary lies
};

struct LoadedConfig {
  Config config;
  std::string file;                       // empty = none was read
  std::map<std::string, Source> sources;  // by key name
  std::vector<std::string> warnings;  // e.g. an environment variable that looks like a misspelt one
};

// Errors: kInvalidSettingValue (the message names source, key and value), kUndefinedObjectSetting
// (with a suggestion), kIoError.
Result<LoadedConfig> LoadConfig(const ConfigInput& input);
// The process's own environment and executable.
ConfigInput ProcessInput();

// A skep.toml with every key, commented out, and its description. `values` are written uncommented.
std::string CommentedToml(const std::map<std::string, std::string>& values);
// One line per key: name, value, source; secrets masked.
std::string DescribeConfig(const LoadedConfig& loaded);

// "300", "300s", "5min", "1h", "250ms"; a bare number is seconds.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);
// "512MiB", "8GiB", "1GB", "4096".
Result<uint64_t> ParseBytes(std::string_view text);
// The nearest of `known`, or empty when none is near.
std::string Suggest(std::string_view word, std::span<const std::string> known);

}  // namespace skep::app
