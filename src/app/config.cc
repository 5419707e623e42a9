#include "app/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/text.h"
#include "net/http_client.h"

#define TOML_EXCEPTIONS \
  0  // errors are values; Debian's shared library has the other form, so the header stands alone
#include <toml++/toml.h>

extern char** environ;

namespace skep::app {
namespace {

namespace fs = std::filesystem;
using Type = ConfigKey::Type;

std::unexpected<Error> BadValue(std::string_view text, std::string_view wanted) {
  return Fail(ErrorKind::kInvalidSettingValue, fmt::format("\"{}\" is not {}", text, wanted));
}

template <class T>
Result<T> ParseNumber(std::string_view text, T least, T most) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return BadValue(text, fmt::format("a whole number from {} to {}", least, most));
  }
  return value;
}

Result<bool> ParseFlag(std::string_view text) {
  for (const std::string_view yes : {"true", "on", "yes", "1"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"false", "off", "no", "0"}) {
    if (text == no) return false;
  }
  return BadValue(text, "true or false");
}

Result<void> SetText(std::string& field, const std::string& text) {
  field = text;
  return {};
}
template <class T>
Result<void> SetNumber(T& field, const std::string& text, T least, T most) {
  SKEP_TRY_ASSIGN(field, ParseNumber<T>(text, least, most));
  return {};
}
Result<void> SetFlag(bool& field, const std::string& text) {
  SKEP_TRY_ASSIGN(field, ParseFlag(text));
  return {};
}
Result<void> SetDuration(std::chrono::milliseconds& field, const std::string& text) {
  SKEP_TRY_ASSIGN(field, ParseDuration(text));
  return {};
}
Result<void> SetSession(Config& config, const std::string& text) {
  SKEP_TRY_ASSIGN(const auto duration, ParseDuration(text));
  if (duration.count() % 1000 != 0 || duration < std::chrono::seconds(1) ||
      duration > std::chrono::hours(1))
    return BadValue(text, "a duration of 1s to 1h in whole seconds");
  config.lake.role_session_duration = duration;
  return {};
}
Result<void> SetBytes(uint64_t& field, const std::string& text) {
  SKEP_TRY_ASSIGN(field, ParseBytes(text));
  return {};
}

std::string Show(bool value) { return value ? "true" : "false"; }
std::string Show(std::chrono::milliseconds value) {
  return value.count() % 1000 == 0 ? fmt::format("{}s", value.count() / 1000)
                                   : fmt::format("{}ms", value.count());
}
std::string ShowBytes(uint64_t value) {
  for (const auto& [unit, name] : {std::pair<uint64_t, const char*>{1ull << 30, "GiB"},
                                   {1ull << 20, "MiB"},
                                   {1ull << 10, "KiB"}}) {
    if (value != 0 && value % unit == 0) return fmt::format("{}{}", value / unit, name);
  }
  return std::to_string(value);
}

constexpr std::array<std::pair<std::string_view, log::Level>, 4> kLevels = {
    {{"debug", log::Level::kDebug},
     {"info", log::Level::kInfo},
     {"warn", log::Level::kWarn},
     {"error", log::Level::kError}}};
constexpr std::array<std::pair<std::string_view, Authentication>, 5> kAuthentications = {
    {{"auto", Authentication::kAuto},
     {"scram-sha-256", Authentication::kScram},
     {"digest", Authentication::kDigest},
     {"md5", Authentication::kMd5},
     {"trust", Authentication::kTrust}}};
template <class Table, class Value>
Result<void> SetChoice(const Table& table, Value& field, const std::string& text) {
  std::string known;
  for (const auto& [name, value] : table) {
    if (text == name) {
      field = value;
      return {};
    }
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return BadValue(text, "one of " + known);
}
template <class Table, class Value>
std::string ShowChoice(const Table& table, Value value) {
  for (const auto& [name, known] : table) {
    if (known == value) return std::string(name);
  }
  return "?";
}

Result<void> SetRoleChain(std::vector<std::string>& field, const std::string& text) {
  std::vector<std::string> chain = SplitAtCommas(text);
  for (const std::string& role : chain) {
    if (identity::AccountOfRoleArn(role).empty())
      return BadValue(text, "arn:aws:iam::<12 digits>:role/<name>, several joined by commas");
  }
  field = std::move(chain);
  return {};
}

constexpr uint16_t kMaxPort = 65535;

// The table. Order is the order in skep.toml: a section's keys together.
const std::array kKeys = {
    ConfigKey{"data_dir", Type::kPath, "", "",
              "Where everything is kept. Default: the folder of skep.toml, else ~/.skep.",
              [](Config& c, const std::string& t) { return SetText(c.data_dir, t); },
              [](const Config& c) { return c.data_dir; }},
    ConfigKey{"account", Type::kText, "123456789012", "",
              "Account number of this warehouse: whose Glue catalog and ARNs these are when a "
              "caller names none.",
              [](Config& c, const std::string& t) -> Result<void> {
                if (t.size() != 12 ||
                    !std::ranges::all_of(t, [](char d) { return d >= '0' && d <= '9'; }))
                  return BadValue(t, "a number of 12 digits");
                c.account = t;
                return {};
              },
              [](const Config& c) { return c.account; }},
    ConfigKey{"region", Type::kText, "us-east-1", "", "Region that clients sign for.",
              [](Config& c, const std::string& t) { return SetText(c.region, t); },
              [](const Config& c) { return c.region; }},
    ConfigKey{"workspace", Type::kText, "default", "", "Workspace of clients that name none.",
              [](Config& c, const std::string& t) { return SetText(c.workspace, t); },
              [](const Config& c) { return c.workspace; }},
    ConfigKey{"statement_timeout", Type::kDuration, "0s", "",
              "Longest run of a statement; 0 = no limit. Sessions may choose their own.",
              [](Config& c, const std::string& t) { return SetDuration(c.statement_timeout, t); },
              [](const Config& c) { return Show(c.statement_timeout); }},
    ConfigKey{"drain_timeout", Type::kDuration, "30s", "",
              "How long running statements may go on after SIGTERM.",
              [](Config& c, const std::string& t) { return SetDuration(c.drain_timeout, t); },
              [](const Config& c) { return Show(c.drain_timeout); }},

    ConfigKey{"log.level", Type::kChoice, "info", "debug|info|warn|error",
              "Least level that is logged (to standard error).",
              [](Config& c, const std::string& t) { return SetChoice(kLevels, c.log.level, t); },
              [](const Config& c) { return ShowChoice(kLevels, c.log.level); }},
    ConfigKey{"log.format", Type::kChoice, "text", "text|json", "Form of log lines.",
              [](Config& c, const std::string& t) {
                return SetChoice(std::array<std::pair<std::string_view, bool>, 2>{{{"text", false},
                                                                                   {"json", true}}},
                                 c.log.json, t);
              },
              [](const Config& c) { return std::string(c.log.json ? "json" : "text"); }},

    ConfigKey{"pgwire.host", Type::kText, "127.0.0.1", "",
              "Address that SQL clients connect to; 0.0.0.0 = all interfaces.",
              [](Config& c, const std::string& t) { return SetText(c.pgwire.host, t); },
              [](const Config& c) { return c.pgwire.host; }},
    ConfigKey{"pgwire.port", Type::kPort, "5439", "",
              "Port of SQL clients; 0 = any free one (see run.json in data_dir).",
              [](Config& c, const std::string& t) {
                return SetNumber<uint16_t>(c.pgwire.port, t, 0, kMaxPort);
              },
              [](const Config& c) { return std::to_string(c.pgwire.port); }},
    ConfigKey{"pgwire.tls_certificate", Type::kPath, "", "",
              "Certificate chain (PEM). Default: tls/server.crt in data_dir, made by skep init.",
              [](Config& c, const std::string& t) { return SetText(c.pgwire.tls_certificate, t); },
              [](const Config& c) { return c.pgwire.tls_certificate; }},
    ConfigKey{"pgwire.tls_key", Type::kPath, "", "",
              "Its private key (PEM). Default: tls/server.key in data_dir.",
              [](Config& c, const std::string& t) { return SetText(c.pgwire.tls_key, t); },
              [](const Config& c) { return c.pgwire.tls_key; }},
    ConfigKey{"pgwire.tls", Type::kFlag, "true", "", "Offer TLS to SQL clients.",
              [](Config& c, const std::string& t) { return SetFlag(c.pgwire.tls, t); },
              [](const Config& c) { return Show(c.pgwire.tls); }},
    ConfigKey{"pgwire.require_tls", Type::kFlag, "false", "",
              "Refuse SQL clients that do not use TLS.",
              [](Config& c, const std::string& t) { return SetFlag(c.pgwire.require_tls, t); },
              [](const Config& c) { return Show(c.pgwire.require_tls); }},
    ConfigKey{
        "pgwire.authentication", Type::kChoice, "auto", "auto|scram-sha-256|digest|md5|trust",
        "How passwords are checked; auto = the best that the client speaks. trust asks for none: "
        "for closed machines only.",
        [](Config& c, const std::string& t) {
          return SetChoice(kAuthentications, c.pgwire.authentication, t);
        },
        [](const Config& c) { return ShowChoice(kAuthentications, c.pgwire.authentication); }},
    ConfigKey{"pgwire.max_connections", Type::kCount, "2000", "",
              "SQL connections at once; further ones are refused with 53300.",
              [](Config& c, const std::string& t) {
                return SetNumber<uint32_t>(c.pgwire.max_connections, t, 1, 1'000'000);
              },
              [](const Config& c) { return std::to_string(c.pgwire.max_connections); }},

    ConfigKey{"http.host", Type::kText, "127.0.0.1", "",
              "Address of the AWS APIs (Redshift Data, Glue) and of /healthz.",
              [](Config& c, const std::string& t) { return SetText(c.http.host, t); },
              [](const Config& c) { return c.http.host; }},
    ConfigKey{"http.port", Type::kPort, "8439", "", "Port of the AWS APIs; 0 = any free one.",
              [](Config& c, const std::string& t) {
                return SetNumber<uint16_t>(c.http.port, t, 0, kMaxPort);
              },
              [](const Config& c) { return std::to_string(c.http.port); }},

    ConfigKey{"worker.path", Type::kPath, "", "",
              "The worker executable. Default: skep-worker beside skep.",
              [](Config& c, const std::string& t) { return SetText(c.worker.path, t); },
              [](const Config& c) { return c.worker.path; }},
    ConfigKey{"worker.extension_dir", Type::kPath, "", "",
              "Folder of the engine's extensions. Default: extensions beside skep, else "
              "../lib/skep/extensions, else the source tree's.",
              [](Config& c, const std::string& t) { return SetText(c.worker.extension_dir, t); },
              [](const Config& c) { return c.worker.extension_dir; }},
    ConfigKey{"worker.threads", Type::kCount, "0", "",
              "Threads of a worker; 0 = one per processor.",
              [](Config& c, const std::string& t) {
                return SetNumber<uint32_t>(c.worker.threads, t, 0, 1024);
              },
              [](const Config& c) { return std::to_string(c.worker.threads); }},
    ConfigKey{
        "worker.memory_limit", Type::kBytes, "0", "",
        "Memory of a worker's engine; 0 = the engine's default (80 % of the machine).",
        [](Config& c, const std::string& t) { return SetBytes(c.worker.memory_limit_bytes, t); },
        [](const Config& c) { return ShowBytes(c.worker.memory_limit_bytes); }},
    ConfigKey{"worker.idle_timeout", Type::kDuration, "300s", "",
              "A worker without work ends after this time.",
              [](Config& c, const std::string& t) { return SetDuration(c.worker.idle_timeout, t); },
              [](const Config& c) { return Show(c.worker.idle_timeout); }},
    ConfigKey{"worker.prefork", Type::kCount, "1", "",
              "Processes forked ahead, to hide the start of a worker.",
              [](Config& c, const std::string& t) {
                return SetNumber<uint32_t>(c.worker.prefork, t, 0, 64);
              },
              [](const Config& c) { return std::to_string(c.worker.prefork); }},
    ConfigKey{"worker.require_sandbox", Type::kFlag, "false", "",
              "Refuse to run workers where the kernel cannot confine them (see skep doctor).",
              [](Config& c, const std::string& t) { return SetFlag(c.worker.require_sandbox, t); },
              [](const Config& c) { return Show(c.worker.require_sandbox); }},
    ConfigKey{"worker.max_active_statements", Type::kCount, "50", "",
              "Statements of a workspace that run at once; further ones wait.",
              [](Config& c, const std::string& t) {
                return SetNumber<uint32_t>(c.worker.max_active_statements, t, 1, 10'000);
              },
              [](const Config& c) { return std::to_string(c.worker.max_active_statements); }},
    ConfigKey{"worker.max_waiting_statements", Type::kCount, "500", "",
              "Statements of a workspace that wait; further ones are refused.",
              [](Config& c, const std::string& t) {
                return SetNumber<uint32_t>(c.worker.max_waiting_statements, t, 0, 1'000'000);
              },
              [](const Config& c) { return std::to_string(c.worker.max_waiting_statements); }},

    ConfigKey{"lake.cache_dir", Type::kPath, "", "",
              "Folder of cached blocks of lake objects. Default: cache in data_dir.",
              [](Config& c, const std::string& t) { return SetText(c.lake.cache_dir, t); },
              [](const Config& c) { return c.lake.cache_dir; }},
    ConfigKey{"lake.cache_size", Type::kBytes, "8GiB", "", "Most bytes of that folder.",
              [](Config& c, const std::string& t) { return SetBytes(c.lake.cache_size_bytes, t); },
              [](const Config& c) { return ShowBytes(c.lake.cache_size_bytes); }},
    ConfigKey{"lake.fetch_threads", Type::kCount, "32", "", "Reads from object stores at once.",
              [](Config& c, const std::string& t) {
                return SetNumber<uint32_t>(c.lake.fetch_threads, t, 1, 1024);
              },
              [](const Config& c) { return std::to_string(c.lake.fetch_threads); }},
    ConfigKey{
        "lake.default_iam_role", Type::kText, "", "",
        "Role, or chain of roles joined by commas, that IAM_ROLE default and awsdatacatalog "
        "stand for; it must trust the workspace as any other. Empty: none.",
        [](Config& c, const std::string& t) { return SetRoleChain(c.lake.default_iam_role, t); },
        [](const Config& c) { return fmt::format("{}", fmt::join(c.lake.default_iam_role, ",")); }},
    ConfigKey{"lake.role_session_duration", Type::kDuration, "1h", "",
              "How long a session of a role lasts, 1s to 1h. A statement that runs longer has the "
              "chain of roles walked anew, so this is how soon a revoked role stops it.",
              [](Config& c, const std::string& t) { return SetSession(c, t); },
              [](const Config& c) { return Show(c.lake.role_session_duration); }},
    ConfigKey{"federated.connections", Type::kCount, "100", "",
              "Connections to remote databases at a time, of all workspaces.",
              [](Config& c, const std::string& t) {
                return SetNumber<uint32_t>(c.federated.connections, t, 1, 10'000);
              },
              [](const Config& c) { return std::to_string(c.federated.connections); }},
    ConfigKey{
        "federated.connections_per_workspace", Type::kCount, "25", "",
        "Of them, those of one workspace; further statements wait.",
        [](Config& c, const std::string& t) {
          return SetNumber<uint32_t>(c.federated.connections_per_workspace, t, 1, 10'000);
        },
        [](const Config& c) { return std::to_string(c.federated.connections_per_workspace); }},
    ConfigKey{
        "federated.connection_wait", Type::kDuration, "30s", "",
        "How long a statement waits for a connection before it is refused.",
        [](Config& c, const std::string& t) { return SetDuration(c.federated.connection_wait, t); },
        [](const Config& c) { return Show(c.federated.connection_wait); }},
    ConfigKey{"events.debounce", Type::kDuration, "200ms", "",
              "How long nothing must have come from event sources before the folders that they "
              "named are crawled.",
              [](Config& c, const std::string& t) { return SetDuration(c.events.debounce, t); },
              [](const Config& c) { return Show(c.events.debounce); }},
    ConfigKey{
        "events.sweep_interval", Type::kDuration, "1h", "",
        "How often crawlers of event mode list everything, for events that never came; 0 = "
        "never.",
        [](Config& c, const std::string& t) { return SetDuration(c.events.sweep_interval, t); },
        [](const Config& c) { return Show(c.events.sweep_interval); }},
};

constexpr std::string_view kListsDescription = R"(
# Accounts of organizations: the keys with which their S3 is read, by the account in a role's ARN.
# [[account]]
# id = "210987654321"
# access_key = "AKIA..."
# secret_key = "..."
# endpoint = "http://127.0.0.1:7070"   # default: the region's AWS endpoint
# region = "us-east-1"
# path_style = true                    # bucket in the path (most S3-compatible servers) or in the host name
# provider = "aws"                     # a foreign account: AWS, or the STS at this URL, hands out its roles and decides what they
#                                      # may; the keys are those that roles are asked for with. Absent: its roles are kept here
# session_token = "..."                # of those keys, when they are temporary
# credentials_file = "credentials"     # instead of keys: AWS's shared credentials file, read at each use
# credentials_profile = "default"
# glue_endpoint = "https://..."        # of a foreign account. Default: the region's of AWS, or the provider's URL

# Roles, who may assume them (workspaces, crawlers, other roles) and what they may read. No role, no access.
# [[role]]
# arn = "arn:aws:iam::210987654321:role/lake-reader"
# trust = ["workspace:default", "service:glue"]
# paths = ["bucket", "other-bucket/prefix", "third-bucket/pre*"]   # empty or absent: all buckets of the account
# catalog = "read"                     # "write": SQL may make, change and drop external tables in the account's catalog
# objects = "read"                     # "write": UNLOAD and INSERT may write and delete objects under these paths
# external_id = "..."                  # of a role of a foreign account: what its STS is told; so are the next two
# session_policy = '{...}'
# session_tags = ["team=data"]

# OpenID Connect issuers that an account trusts (AssumeRoleWithWebIdentity). Others can be made by IAM's API; this one's keys may be
# taken from a file, and it may be on this machine.
# [[oidc_provider]]
# issuer = "https://login.example.com"
# account = "210987654321"             # default: account
# client_ids = ["sts.amazonaws.com"]   # what a token's aud must be
# jwks_file = "keys.json"              # default: as its discovery document says
# jwks_url = "https://login.example.com/keys"
# ca_file = "ca.pem"                   # of the issuer's certificate

# secrets = ["arn:aws:secretsmanager:us-east-1:210987654321:secret:orders"]   # [[secret]]s that the role may read

# Passwords of remote databases, by the SECRET_ARN of CREATE EXTERNAL SCHEMA ... FROM POSTGRES. A role must be allowed to read one.
# [[secret]]
# arn = "arn:aws:secretsmanager:us-east-1:210987654321:secret:orders"
# username = "reader"
# password = "..."                     # or password_file = "path"
# host = "orders.example.com"          # sent to no other server; so is port
# port = 5432

# Servers that external schemas FROM POSTGRES may name as URI. No server, no federated queries. Link-local addresses are never reached,
# loopback only when it is listed itself.
# [[federated_host]]
# name = "orders.example.com"
# port = 5432
# sslmode = "verify-full"              # disable, prefer (default), require, verify-ca, verify-full
# ca_file = "ca.pem"                   # certificates that verify-ca and verify-full trust

# Object stores that tell of new and removed objects: POST /events/<name> on http.port, with the secret as bearer token, as ?token= or
# as key of an HMAC. The account's crawlers with CRAWL_EVENT_MODE hear of it.
# [[event_source]]
# name = "lake"
# account = "210987654321"
# secret = "..."                       # 16 characters at least
# queue_url = "https://sqs.us-east-1.amazonaws.com/210987654321/lake"   # instead: an SQS queue, read with the account's keys
# buckets = ["bucket"]                 # empty or absent: all buckets of the account
)";

std::vector<std::string> KeyNames() {
  std::vector<std::string> names;
  for (const ConfigKey& key : kKeys) names.emplace_back(key.name);
  return names;
}
const ConfigKey* FindKey(std::string_view name) {
  const auto found = std::ranges::find(kKeys, name, &ConfigKey::name);
  return found == kKeys.end() ? nullptr : &*found;
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::unexpected<Error> UnknownKey(std::string_view where, std::string_view name,
                                  std::span<const std::string> known) {
  const std::string near = Suggest(name, known);
  return Fail(
      ErrorKind::kUndefinedObjectSetting, fmt::format("{}: there is no key \"{}\"", where, name),
      {}, near.empty() ? "skep config lists all keys." : fmt::format("Did you mean \"{}\"?", near));
}

// Sets a key; the error names where the value came from.
Result<void> Apply(LoadedConfig& loaded, const ConfigKey& key, const std::string& text,
                   Source source, const std::string& where) {
  auto set = key.set(loaded.config, text);
  if (!set) {
    Error error = set.error();
    error.message = fmt::format("{}: {}: {}", where, key.name, error.message);
    if (error.hint.empty()) error.hint = std::string(key.description);
    return Fail(std::move(error));
  }
  loaded.sources[std::string(key.name)] = source;
  return {};
}

Result<std::string> ScalarText(const toml::node& node, std::string_view where) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
  return Fail(ErrorKind::kInvalidSettingValue,
              fmt::format("{}: wants a text, a whole number, true or false", where));
}

Result<std::vector<std::string>> TextList(const toml::node& node, std::string_view where) {
  const toml::array* list = node.as_array();
  std::vector<std::string> texts;
  if (list != nullptr) {
    for (const toml::node& item : *list) {
      if (!item.is_string())
        return Fail(ErrorKind::kInvalidSettingValue,
                    fmt::format("{}: wants a list of texts", where));
      texts.push_back(item.as_string()->get());
    }
    return texts;
  }
  return Fail(ErrorKind::kInvalidSettingValue, fmt::format("{}: wants a list of texts", where));
}

std::string At(const std::string& file, const toml::node& node) {
  return fmt::format("{}:{}", file, node.source().begin.line);
}

// What makes an account a foreign one. Until here sts_endpoint is the provider's name.
Result<void> ReadProvider(identity::Account& account, const std::string& at) {
  const auto bad = [&at](const std::string& why) {
    return Fail(ErrorKind::kInvalidSettingValue, fmt::format("{}: {}", at, why));
  };
  account.foreign = !account.sts_endpoint.empty();
  if (!account.foreign) {
    if (!account.session_token.empty() || !account.credentials_file.empty() ||
        !account.credentials_profile.empty() || !account.glue_endpoint.empty())
      return bad(
          "account.session_token, credentials_file, credentials_profile and glue_endpoint are of "
          "accounts with a provider");
    return {};
  }
  if (account.sts_endpoint == "aws") {
    account.sts_endpoint = fmt::format("https://sts.{}.amazonaws.com", account.region);
    if (account.glue_endpoint.empty())
      account.glue_endpoint = fmt::format("https://glue.{}.amazonaws.com", account.region);
  } else if (account.glue_endpoint.empty()) {
    account.glue_endpoint = account.sts_endpoint;
  }
  for (const std::string& url : {account.sts_endpoint, account.glue_endpoint}) {
    if (net::HostOfUrl(url).empty())
      return bad(fmt::format("\"{}\" is neither aws nor begins with http:// or https://", url));
  }
  return {};
}

Result<void> ReadAccounts(Config& config, const toml::node& node, const std::string& file) {
  static const std::vector<std::string> known = {
      "id",           "access_key", "secret_key",    "endpoint",         "region",
      "path_style",   "provider",   "session_token", "credentials_file", "credentials_profile",
      "glue_endpoint"};
  const toml::array* list = node.as_array();
  if (list == nullptr || !list->is_array_of_tables())
    return Fail(ErrorKind::kInvalidSettingValue,
                At(file, node) + ": write accounts as [[account]]");
  for (const toml::node& item : *list) {
    identity::Account account;
    account.region = config.region;
    std::string secret;
    for (const auto& [key, value] : *item.as_table()) {
      const std::string where = fmt::format("{}: account.{}", At(file, value), key.str());
      SKEP_TRY_ASSIGN(const std::string text, ScalarText(value, where));
      if (key == "id")
        account.id = text;
      else if (key == "access_key")
        account.access_key_id = text;
      else if (key == "secret_key")
        account.secret_access_key = Secret(text);
      else if (key == "session_token")
        account.session_token = Secret(text);
      else if (key == "credentials_file")
        account.credentials_file =
            (fs::absolute(file).parent_path() / text).lexically_normal().string();
      else if (key == "credentials_profile")
        account.credentials_profile = text;
      else if (key == "provider")
        account.sts_endpoint = text;
      else if (key == "glue_endpoint")
        account.glue_endpoint = text;
      else if (key == "endpoint")
        account.endpoint = text;
      else if (key == "region")
        account.region = text;
      else if (key == "path_style") {
        const auto flag = ParseFlag(text);
        if (!flag)
          return Fail(ErrorKind::kInvalidSettingValue, where + ": " + flag.error().message);
        account.path_style = *flag;
      } else {
        return UnknownKey(At(file, value) + ": [[account]]", key.str(), known);
      }
    }
    if (account.id.size() != 12 ||
        !std::ranges::all_of(account.id, [](char c) { return c >= '0' && c <= '9'; })) {
      return Fail(ErrorKind::kInvalidSettingValue,
                  fmt::format("{}: account.id \"{}\" is not a number of 12 digits", At(file, item),
                              account.id));
    }
    SKEP_TRY(ReadProvider(account, At(file, item)));
    if (account.credentials_file.empty() &&
        (account.access_key_id.empty() || account.secret_access_key.empty())) {
      return Fail(ErrorKind::kInvalidSettingValue,
                  fmt::format("{}: account {} has no access_key or no secret_key", At(file, item),
                              account.id));
    }
    for (const auto& other : config.accounts) {
      if (other.id == account.id)
        return Fail(ErrorKind::kInvalidSettingValue,
                    fmt::format("{}: account {} is there twice", At(file, item), account.id));
    }
    if (account.endpoint.empty()) {
      account.endpoint = fmt::format("https://s3.{}.amazonaws.com", account.region);
    } else if (!account.endpoint.starts_with("http://") &&
               !account.endpoint.starts_with("https://")) {
      return Fail(ErrorKind::kInvalidSettingValue,
                  fmt::format("{}: account.endpoint \"{}\" does not begin with http:// or https://",
                              At(file, item), account.endpoint));
    }
    config.accounts.push_back(std::move(account));
  }
  return {};
}

Result<void> ReadRoles(Config& config, const toml::node& node, const std::string& file) {
  static const std::vector<std::string> known = {
      "arn",         "trust",          "paths",        "catalog", "objects",
      "external_id", "session_policy", "session_tags", "secrets"};
  const toml::array* list = node.as_array();
  if (list == nullptr || !list->is_array_of_tables())
    return Fail(ErrorKind::kInvalidSettingValue, At(file, node) + ": write roles as [[role]]");
  for (const toml::node& item : *list) {
    identity::Role role;
    for (const auto& [key, value] : *item.as_table()) {
      const std::string where = fmt::format("{}: role.{}", At(file, value), key.str());
      if (key == "arn") {
        SKEP_TRY_ASSIGN(role.arn, ScalarText(value, where));
      } else if (key == "trust") {
        SKEP_TRY_ASSIGN(role.trust, TextList(value, where));
      } else if (key == "paths") {
        SKEP_TRY_ASSIGN(role.allowed, TextList(value, where));
      } else if (key == "catalog") {
        SKEP_TRY_ASSIGN(const std::string catalog, ScalarText(value, where));
        if (catalog != "read" && catalog != "write")
          return Fail(ErrorKind::kInvalidSettingValue, where + " is \"read\" or \"write\"");
        role.changes_catalog = catalog == "write";
      } else if (key == "objects") {
        SKEP_TRY_ASSIGN(const std::string objects, ScalarText(value, where));
        if (objects != "read" && objects != "write")
          return Fail(ErrorKind::kInvalidSettingValue, where + " is \"read\" or \"write\"");
        role.writes_objects = objects == "write";
      } else if (key == "external_id") {
        SKEP_TRY_ASSIGN(role.external_id, ScalarText(value, where));
      } else if (key == "session_policy") {
        SKEP_TRY_ASSIGN(role.session_policy, ScalarText(value, where));
      } else if (key == "session_tags") {
        SKEP_TRY_ASSIGN(const auto tags, TextList(value, where));
        for (const std::string& tag : tags) {
          const size_t equals = tag.find('=');
          if (equals == std::string::npos || equals == 0)
            return Fail(ErrorKind::kInvalidSettingValue,
                        fmt::format("{}: \"{}\" is not key=value", where, tag));
          role.session_tags.emplace_back(tag.substr(0, equals), tag.substr(equals + 1));
        }
      } else if (key == "secrets") {
        SKEP_TRY_ASSIGN(role.secrets, TextList(value, where));
      } else {
        return UnknownKey(At(file, value) + ": [[role]]", key.str(), known);
      }
    }
    if (identity::AccountOfRoleArn(role.arn).empty()) {
      return Fail(ErrorKind::kInvalidSettingValue,
                  fmt::format("{}: role.arn \"{}\" is not arn:aws:iam::<12 digits>:role/<name>",
                              At(file, item), role.arn));
    }
    for (const std::string& who : role.trust) {
      if (!who.starts_with("workspace:") && !who.starts_with("service:") &&
          identity::AccountOfRoleArn(who).empty()) {
        return Fail(ErrorKind::kInvalidSettingValue,
                    fmt::format("{}: role.trust \"{}\" is neither workspace:<name>, service:<name> "
                                "nor a role's ARN",
                                At(file, item), who));
      }
    }
    config.roles.push_back(std::move(role));
  }
  return {};
}

Result<void> ReadOidcProviders(Config& config, const toml::node& node, const std::string& file) {
  static const std::vector<std::string> known = {"issuer",    "account",  "client_ids",
                                                 "jwks_file", "jwks_url", "ca_file"};
  const toml::array* list = node.as_array();
  if (list == nullptr || !list->is_array_of_tables())
    return Fail(ErrorKind::kInvalidSettingValue,
                At(file, node) + ": write issuers as [[oidc_provider]]");
  const auto path = [&file](const std::string& text) {
    return (fs::absolute(file).parent_path() / text).lexically_normal().string();
  };
  for (const toml::node& item : *list) {
    OidcProviderConfig provider;
    provider.account = config.account;
    for (const auto& [key, value] : *item.as_table()) {
      const std::string where = fmt::format("{}: oidc_provider.{}", At(file, value), key.str());
      if (key == "client_ids") {
        SKEP_TRY_ASSIGN(provider.client_ids, TextList(value, where));
        continue;
      }
      SKEP_TRY_ASSIGN(const std::string text, ScalarText(value, where));
      if (key == "issuer")
        provider.source.issuer = text;
      else if (key == "account")
        provider.account = text;
      else if (key == "jwks_file")
        provider.source.jwks_file = path(text);
      else if (key == "jwks_url")
        provider.source.jwks_url = text;
      else if (key == "ca_file")
        provider.source.ca_file = path(text);
      else
        return UnknownKey(At(file, value) + ": [[oidc_provider]]", key.str(), known);
    }
    const auto bad = [&](const std::string& why) {
      return Fail(ErrorKind::kInvalidSettingValue, fmt::format("{}: {}", At(file, item), why));
    };
    if (identity::IssuerName(provider.source.issuer).empty())
      return bad(fmt::format("oidc_provider.issuer \"{}\" is no https:// URL of an issuer",
                             provider.source.issuer));
    if (provider.client_ids.empty()) return bad("oidc_provider.client_ids is empty");
    if (!provider.source.jwks_url.empty() && net::HostOfUrl(provider.source.jwks_url).empty())
      return bad("oidc_provider.jwks_url does not begin with http:// or https://");
    if (provider.account.size() != 12 ||
        provider.account.find_first_not_of("0123456789") != std::string::npos)
      return bad("oidc_provider.account is not a number of 12 digits");
    config.oidc_providers.push_back(std::move(provider));
  }
  return {};
}

Result<void> ReadPort(uint32_t& port, const toml::node& value, const std::string& where) {
  const auto number = value.value<int64_t>();
  if (!number || *number < 1 || *number > 65535)
    return Fail(ErrorKind::kInvalidSettingValue, where + " is a number between 1 and 65535");
  port = static_cast<uint32_t>(*number);
  return {};
}

// A file in the same folder is named relative to it. The line's end is no part of a password.
Result<Secret> ReadPasswordFile(const std::string& name, const std::string& file,
                                const std::string& where) {
  const fs::path path = fs::absolute(file).parent_path() / name;
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (!in || text.empty())
    return Fail(ErrorKind::kInvalidSettingValue,
                fmt::format("{}: no password can be read from {}", where, path.string()));
  return Secret(std::move(text));
}

Result<void> ReadSecrets(Config& config, const toml::node& node, const std::string& file) {
  static const std::vector<std::string> known = {"arn",           "username", "password",
                                                 "password_file", "host",     "port"};
  const toml::array* list = node.as_array();
  if (list == nullptr || !list->is_array_of_tables())
    return Fail(ErrorKind::kInvalidSettingValue, At(file, node) + ": write secrets as [[secret]]");
  for (const toml::node& item : *list) {
    lake::RemoteSecret secret;
    for (const auto& [key, value] : *item.as_table()) {
      const std::string where = fmt::format("{}: secret.{}", At(file, value), key.str());
      if (key == "port") {
        SKEP_TRY(ReadPort(secret.port, value, where));
        continue;
      }
      SKEP_TRY_ASSIGN(std::string text, ScalarText(value, where));
      if (key == "arn") {
        secret.arn = text;
      } else if (key == "username") {
        secret.username = text;
      } else if (key == "password") {
        secret.password = Secret(std::move(text));
      } else if (key == "password_file") {
        SKEP_TRY_ASSIGN(secret.password, ReadPasswordFile(text, file, where));
      } else if (key == "host") {
        secret.host = text;
      } else {
        return UnknownKey(At(file, value) + ": [[secret]]", key.str(), known);
      }
    }
    if (!secret.arn.starts_with("arn:aws:secretsmanager:"))
      return Fail(ErrorKind::kInvalidSettingValue,
                  fmt::format("{}: secret.arn \"{}\" is not "
                              "arn:aws:secretsmanager:<region>:<account>:secret:<name>",
                              At(file, item), secret.arn));
    if (secret.username.empty() || secret.password.empty())
      return Fail(
          ErrorKind::kInvalidSettingValue,
          fmt::format("{}: secret {} has no username or no password", At(file, item), secret.arn));
    if (std::ranges::find(config.secrets, secret.arn, &lake::RemoteSecret::arn) !=
        config.secrets.end())
      return Fail(ErrorKind::kInvalidSettingValue,
                  fmt::format("{}: secret {} is there twice", At(file, item), secret.arn));
    config.secrets.push_back(std::move(secret));
  }
  return {};
}

Result<void> ReadFederatedHosts(Config& config, const toml::node& node, const std::string& file) {
  static const std::vector<std::string> known = {"name", "port", "sslmode", "ca_file"};
  static constexpr std::string_view kModes[] = {"disable", "prefer", "require", "verify-ca",
                                                "verify-full"};
  const toml::array* list = node.as_array();
  if (list == nullptr || !list->is_array_of_tables())
    return Fail(ErrorKind::kInvalidSettingValue,
                At(file, node) + ": write servers as [[federated_host]]");
  for (const toml::node& item : *list) {
    lake::RemoteHost host;
    for (const auto& [key, value] : *item.as_table()) {
      const std::string where = fmt::format("{}: federated_host.{}", At(file, value), key.str());
      if (key == "port") {
        SKEP_TRY(ReadPort(host.port, value, where));
        continue;
      }
      SKEP_TRY_ASSIGN(const std::string text, ScalarText(value, where));
      if (key == "name") {
        host.name = text;
      } else if (key == "sslmode") {
        if (std::ranges::find(kModes, text) == std::end(kModes))
          return Fail(ErrorKind::kInvalidSettingValue,
                      fmt::format("{} is one of {}", where, fmt::join(kModes, ", ")));
        host.sslmode = text;
      } else if (key == "ca_file") {
        host.ca_file = (fs::absolute(file).parent_path() / text).lexically_normal().string();
      } else {
        return UnknownKey(At(file, value) + ": [[federated_host]]", key.str(), known);
      }
    }
    if (host.name.empty())
      return Fail(ErrorKind::kInvalidSettingValue,
                  At(file, item) + ": a federated_host has no name");
    if (host.sslmode.starts_with("verify") && host.ca_file.empty())
      return Fail(ErrorKind::kInvalidSettingValue,
                  fmt::format("{}: federated_host {} verifies certificates, but has no ca_file",
                              At(file, item), host.name));
    config.federated_hosts.push_back(std::move(host));
  }
  return {};
}

Result<void> ReadEventSources(Config& config, const toml::node& node, const std::string& file) {
  static const std::vector<std::string> known = {"name", "account", "secret", "queue_url",
                                                 "buckets"};
  constexpr size_t kLeastSecret = 16;
  const toml::array* list = node.as_array();
  if (list == nullptr || !list->is_array_of_tables()) {
    return Fail(ErrorKind::kInvalidSettingValue,
                At(file, node) + ": write event sources as [[event_source]]");
  }
  for (const toml::node& item : *list) {
    EventSourceConfig source;
    for (const auto& [key, value] : *item.as_table()) {
      const std::string where = fmt::format("{}: event_source.{}", At(file, value), key.str());
      if (key == "name") {
        SKEP_TRY_ASSIGN(source.name, ScalarText(value, where));
      } else if (key == "account") {
        SKEP_TRY_ASSIGN(source.account, ScalarText(value, where));
      } else if (key == "secret") {
        SKEP_TRY_ASSIGN(std::string secret, ScalarText(value, where));
        source.secret = Secret(std::move(secret));
      } else if (key == "queue_url") {
        SKEP_TRY_ASSIGN(source.queue_url, ScalarText(value, where));
      } else if (key == "buckets") {
        SKEP_TRY_ASSIGN(source.buckets, TextList(value, where));
      } else {
        return UnknownKey(At(file, value) + ": [[event_source]]", key.str(), known);
      }
    }
    const std::string at = At(file, item);
    if (source.name.empty() || source.name.find_first_not_of(
                                   "abcdefghijklmnopqrstuvwxyz0123456789-_") != std::string::npos) {
      return Fail(ErrorKind::kInvalidSettingValue,
                  fmt::format("{}: event_source.name \"{}\" is not of lower-case letters, digits, "
                              "'-' and '_'",
                              at, source.name));
    }
    if (std::ranges::find(config.event_sources, source.name, &EventSourceConfig::name) !=
        config.event_sources.end()) {
      return Fail(ErrorKind::kInvalidSettingValue,
                  fmt::format("{}: there are two event sources \"{}\"", at, source.name));
    }
    if (source.account.size() != 12 ||
        source.account.find_first_not_of("0123456789") != std::string::npos) {
      return Fail(ErrorKind::kInvalidSettingValue,
                  fmt::format("{}: event_source.account \"{}\" is no number of 12 digits", at,
                              source.account));
    }
    if (!source.queue_url.empty() && !source.queue_url.starts_with("http://") &&
        !source.queue_url.starts_with("https://")) {
      return Fail(ErrorKind::kInvalidSettingValue,
                  fmt::format("{}: event_source.queue_url \"{}\" does not begin with http:// or "
                              "https://",
                              at, source.queue_url));
    }
    const bool webhook = source.queue_url.empty() || !source.secret.empty();
    if (webhook && source.secret.Reveal().size() < kLeastSecret) {
      return Fail(
          ErrorKind::kInvalidSettingValue,
          fmt::format("{}: event_source.secret has fewer than {} characters", at, kLeastSecret));
    }
    config.event_sources.push_back(std::move(source));
  }
  return {};
}

Result<void> ReadFile(LoadedConfig& loaded, const std::string& path) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  if (!stream)
    return Fail(ErrorKind::kIoError, fmt::format("Cannot read the configuration \"{}\"", path), {},
                "Check --config and the file's permissions.");
  const toml::parse_result parsed = toml::parse(text.str(), path);
  if (!parsed) {
    const auto& error = parsed.error();
    return Fail(ErrorKind::kInvalidSettingValue,
                fmt::format("{}:{}:{}: {}", path, error.source().begin.line,
                            error.source().begin.column, error.description()));
  }
  const fs::path folder = fs::absolute(path).parent_path();
  static const std::vector<std::string> names = KeyNames();
  std::vector<std::pair<std::string, const toml::node*>> found;
  for (const auto& [key, value] : parsed.table()) {
    if (key == "account" && value.is_array()) continue;
    if (key == "role" || key == "event_source" || key == "oidc_provider" || key == "secret" ||
        key == "federated_host")
      continue;
    if (const toml::table* section = value.as_table()) {
      for (const auto& [inner, node] : *section)
        found.emplace_back(fmt::format("{}.{}", key.str(), inner.str()), &node);
    } else {
      found.emplace_back(std::string(key.str()), &value);
    }
  }
  for (const auto& [name, node] : found) {
    const ConfigKey* key = FindKey(name);
    if (key == nullptr) return UnknownKey(At(path, *node), name, names);
    SKEP_TRY_ASSIGN(std::string value,
                    ScalarText(*node, fmt::format("{}: {}", At(path, *node), name)));
    // Paths in a file are relative to the file.
    if (key->type == Type::kPath && !value.empty())
      value = (folder / value).lexically_normal().string();
    SKEP_TRY(Apply(loaded, *key, value, Source::kFile, At(path, *node)));
  }
  const toml::table& root = parsed.table();
  if (const toml::node* node = root.get("account"); node != nullptr && node->is_array())
    SKEP_TRY(ReadAccounts(loaded.config, *node, path));
  if (const toml::node* node = root.get("role")) SKEP_TRY(ReadRoles(loaded.config, *node, path));
  if (const toml::node* node = root.get("oidc_provider"))
    SKEP_TRY(ReadOidcProviders(loaded.config, *node, path));
  if (const toml::node* node = root.get("secret"))
    SKEP_TRY(ReadSecrets(loaded.config, *node, path));
  if (const toml::node* node = root.get("federated_host"))
    SKEP_TRY(ReadFederatedHosts(loaded.config, *node, path));
  if (const toml::node* node = root.get("event_source"))
    SKEP_TRY(ReadEventSources(loaded.config, *node, path));
  loaded.file = path;
  return {};
}

std::string Lookup(const std::map<std::string, std::string>& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? std::string() : found->second;
}

std::string DefaultExtensionDirectory(const std::string& executable_dir) {
  for (const char* place :
       {"extensions", "../lib/skep/extensions", "../../../.deps/duckdb/extensions"}) {
    const fs::path candidate = (fs::path(executable_dir) / place).lexically_normal();
    std::error_code ignored;
    if (fs::is_directory(candidate, ignored)) return candidate.string();
  }
  return (fs::path(executable_dir) / "extensions").string();
}

}  // namespace

std::string_view SourceName(Source source) {
  switch (source) {
    case Source::kDefault:
      return "default";
    case Source::kFile:
      return "file";
    case Source::kEnvironment:
      return "environment";
    case Source::kFlag:
      return "flag";
  }
  return "?";
}

std::span<const ConfigKey> ConfigKeys() { return kKeys; }

std::string EnvironmentName(std::string_view key) {
  std::string name = "SKEP_";
  for (const char c : key)
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string FlagName(std::string_view key) {
  std::string name = "--";
  for (const char c : key) name += c == '.' || c == '_' ? '-' : c;
  return name;
}

std::string Suggest(std::string_view word, std::span<const std::string> known) {
  std::string best;
  size_t least = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    size_t distance = EditDistance(word, candidate);
    // "port" for "pgwire.port" is near as well.
    if (candidate.ends_with(fmt::format(".{}", word))) distance = 1;
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, text.data() + text.size());
  uint64_t scale = 0;
  if (unit.empty() || unit == "s")
    scale = 1000;
  else if (unit == "ms")
    scale = 1;
  else if (unit == "min" || unit == "m")
    scale = 60'000;
  else if (unit == "h")
    scale = 3'600'000;
  else if (unit == "d")
    scale = 86'400'000;
  if (error != std::errc() || scale == 0 || count > 315'360'000'000ull / scale) {
    return BadValue(text, "a duration such as 300s, 5min, 1h or 250ms (ten years at most)");
  }
  return std::chrono::milliseconds(count * scale);
}

Result<uint64_t> ParseBytes(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, uint64_t>, 10> units = {
      {{"", 1},
       {"B", 1},
       {"KB", 1'000},
       {"MB", 1'000'000},
       {"GB", 1'000'000'000},
       {"TB", 1'000'000'000'000},
       {"KiB", 1ull << 10},
       {"MiB", 1ull << 20},
       {"GiB", 1ull << 30},
       {"TiB", 1ull << 40}}};
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  std::string_view unit(end, text.data() + text.size());
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  if (error == std::errc()) {
    for (const auto& [name, scale] : units) {
      if (unit == name && count <= (1ull << 60) / scale) return count * scale;
    }
  }
  return BadValue(text, "a size such as 512MiB or 8GiB");
}

ConfigInput ProcessInput() {
  ConfigInput input;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view pair(*entry);
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos)
      input.environment.emplace(pair.substr(0, equals), pair.substr(equals + 1));
  }
  std::error_code ignored;
  input.executable_dir = fs::read_symlink("/proc/self/exe", ignored).parent_path().string();
  return input;
}

Result<LoadedConfig> LoadConfig(const ConfigInput& input) {
  LoadedConfig loaded;
  for (const ConfigKey& key : kKeys) {
    loaded.sources[std::string(key.name)] = Source::kDefault;
    if (!key.default_text.empty())
      SKEP_TRY(Apply(loaded, key, std::string(key.default_text), Source::kDefault, "default"));
  }

  // Which file: named ones must exist, the data directory's need not.
  std::string chosen_dir = Lookup(input.flags, "data_dir");
  if (chosen_dir.empty()) chosen_dir = Lookup(input.environment, EnvironmentName("data_dir"));
  const std::string home = Lookup(input.environment, "HOME");
  const std::string default_dir =
      (fs::path(home.empty() ? "/var/lib" : home) / (home.empty() ? "skep" : ".skep")).string();
  std::string file =
      input.config_path.empty() ? Lookup(input.environment, "SKEP_CONFIG") : input.config_path;
  const bool named = !file.empty();
  if (!named)
    file = (fs::path(chosen_dir.empty() ? default_dir : chosen_dir) / "skep.toml").string();
  std::error_code ignored;
  if (named || fs::exists(file, ignored)) {
    SKEP_TRY(ReadFile(loaded, file));
    if (loaded.config.data_dir.empty())
      loaded.config.data_dir = fs::absolute(file).parent_path().string();
  }

  for (const ConfigKey& key : kKeys) {
    const std::string name = EnvironmentName(key.name);
    if (const auto found = input.environment.find(name); found != input.environment.end()) {
      SKEP_TRY(Apply(loaded, key, found->second, Source::kEnvironment, name));
    }
  }
  static const std::vector<std::string> names = KeyNames();
  std::vector<std::string> variables;
  for (const std::string& name : names) variables.push_back(EnvironmentName(name));
  for (const auto& [name, value] : input.environment) {
    if (!name.starts_with("SKEP_") || name == "SKEP_CONFIG" ||
        std::ranges::find(variables, name) != variables.end())
      continue;
    for (const std::string& variable : variables) {
      if (EditDistance(name, variable) <= 2) {
        loaded.warnings.push_back(fmt::format(
            "the environment variable {} is not known; did you mean {}?", name, variable));
        break;
      }
    }
  }
  for (const auto& [name, value] : input.flags) {
    const ConfigKey* key = FindKey(name);
    if (key == nullptr) return UnknownKey("flags", name, names);
    SKEP_TRY(Apply(loaded, *key, value, Source::kFlag, FlagName(name)));
  }

  Config& config = loaded.config;
  if (config.data_dir.empty()) config.data_dir = default_dir;
  config.data_dir = fs::absolute(config.data_dir).lexically_normal().string();
  if (config.data_dir.size() > 1 && config.data_dir.ends_with('/')) config.data_dir.pop_back();
  if (config.pgwire.tls_certificate.empty() != config.pgwire.tls_key.empty()) {
    return Fail(ErrorKind::kInvalidSettingValue,
                "pgwire.tls_certificate and pgwire.tls_key go together: only one of them is set");
  }
  if (config.pgwire.require_tls && !config.pgwire.tls) {
    return Fail(ErrorKind::kInvalidSettingValue,
                "pgwire.require_tls is true, but pgwire.tls is false");
  }
  if (config.pgwire.tls_certificate.empty()) {
    config.pgwire.tls_certificate = config.data_dir + "/tls/server.crt";
    config.pgwire.tls_key = config.data_dir + "/tls/server.key";
  }
  if (config.worker.path.empty())
    config.worker.path = (fs::path(input.executable_dir) / "skep-worker").string();
  if (config.worker.extension_dir.empty())
    config.worker.extension_dir = DefaultExtensionDirectory(input.executable_dir);
  if (config.worker.threads == 0)
    config.worker.threads = std::max(1u, std::thread::hardware_concurrency());
  if (config.lake.cache_dir.empty()) config.lake.cache_dir = config.data_dir + "/cache";
  return loaded;
}

std::string CommentedToml(const std::map<std::string, std::string>& values) {
  std::string out =
      "# Skep's configuration. Commented lines show the defaults. An environment variable "
      "(SKEP_PGWIRE_PORT for pgwire.port) overrides\n"
      "# this file, a flag (--pgwire-port) overrides both. `skep config` shows what is in force "
      "and where it comes from.\n"
      "# Durations: 250ms, 300s, 5min, 1h. Sizes: 512MiB, 8GiB. Relative paths start at this "
      "file's folder.\n";
  std::string section;
  for (const ConfigKey& key : kKeys) {
    const size_t dot = key.name.find('.');
    const std::string of =
        dot == std::string_view::npos ? "" : std::string(key.name.substr(0, dot));
    if (of != section) {
      section = of;
      out += fmt::format("\n[{}]\n", section);
    } else {
      out += "\n";
    }
    const std::string_view name =
        dot == std::string_view::npos ? key.name : key.name.substr(dot + 1);
    out += fmt::format("# {}", key.description);
    if (!key.choices.empty()) out += fmt::format(" One of {}.", key.choices);
    const auto found = values.find(std::string(key.name));
    const std::string text = found == values.end() ? std::string(key.default_text) : found->second;
    const bool bare =
        key.type == Type::kPort || key.type == Type::kFlag || key.type == Type::kCount;
    std::string quoted = text;
    if (!bare) {
      quoted = "\"";
      for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
      }
      quoted += '"';
    }
    out += fmt::format("\n{}{} = {}\n", found == values.end() ? "# " : "", name, quoted);
  }
  out += kListsDescription;
  return out;
}

std::string DescribeConfig(const LoadedConfig& loaded) {
  std::string out =
      loaded.file.empty() ? "# no skep.toml was read\n" : fmt::format("# file: {}\n", loaded.file);
  for (const ConfigKey& key : kKeys) {
    const auto source = loaded.sources.find(std::string(key.name));
    out +=
        fmt::format("{:<30} {:<40} {}\n", key.name, key.show(loaded.config),
                    SourceName(source == loaded.sources.end() ? Source::kDefault : source->second));
  }
  for (const identity::Account& account : loaded.config.accounts) {
    out += fmt::format(
        "account {}: access_key {}, secret_key ********, endpoint {}, region {}, path_style {}{}\n",
        account.id, account.access_key_id, account.endpoint, account.region, account.path_style,
        account.foreign
            ? fmt::format(", foreign: sts {}, glue {}, credentials_file {}", account.sts_endpoint,
                          account.glue_endpoint,
                          account.credentials_file.empty() ? "none" : account.credentials_file)
            : "");
  }
  for (const identity::Role& role : loaded.config.roles) {
    out += fmt::format("role {}: trust [{}], paths [{}], catalog {}, objects {}, secrets [{}]\n",
                       role.arn, fmt::join(role.trust, ", "), fmt::join(role.allowed, ", "),
                       role.changes_catalog ? "write" : "read",
                       role.writes_objects ? "write" : "read", fmt::join(role.secrets, ", "));
  }
  for (const lake::RemoteSecret& secret : loaded.config.secrets) {
    out += fmt::format("secret {}: username {}, password ********, host {}, port {}\n", secret.arn,
                       secret.username, secret.host.empty() ? "any" : secret.host,
                       secret.port == 0 ? "any" : std::to_string(secret.port));
  }
  for (const lake::RemoteHost& host : loaded.config.federated_hosts) {
    out += fmt::format("federated_host {}: port {}, sslmode {}, ca_file {}\n", host.name, host.port,
                       host.sslmode, host.ca_file.empty() ? "none" : host.ca_file);
  }
  for (const OidcProviderConfig& provider : loaded.config.oidc_providers) {
    out +=
        fmt::format("oidc_provider {}: account {}, client_ids [{}], keys {}\n",
                    provider.source.issuer, provider.account, fmt::join(provider.client_ids, ", "),
                    !provider.source.jwks_file.empty()  ? provider.source.jwks_file
                    : !provider.source.jwks_url.empty() ? provider.source.jwks_url
                                                        : "by discovery");
  }
  for (const EventSourceConfig& source : loaded.config.event_sources) {
    out += fmt::format("event_source {}: account {}, secret {}, queue_url {}, buckets [{}]\n",
                       source.name, source.account, source.secret.empty() ? "none" : "********",
                       source.queue_url.empty() ? "none" : source.queue_url,
                       fmt::join(source.buckets, ", "));
  }
  return out;
}

}  // namespace skep::app
