#include "protocol/pgwire/startup.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace skep::pgwire {
namespace {

// What drivers say about themselves: nothing a session needs.
constexpr std::string_view kDriverParameters[] = {"client_protocol_version",
                                                  "driver_version",
                                                  "driver_discovery_version",
                                                  "os_version",
                                                  "plugin_name",
                                                  "idp_type",
                                                  "provider_name",
                                                  "identity_namespace",
                                                  "token_type"};

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

}  // namespace

Result<ipc::Settings> ReadOptions(std::string_view options) {
  std::vector<std::string> words;
  for (size_t i = 0; i < options.size();) {
    if (IsBlank(options[i])) {
      i++;
      continue;
    }
    auto& word = words.emplace_back();
    for (; i < options.size() && !IsBlank(options[i]); i++) {
      if (options[i] == '\\' && i + 1 < options.size()) i++;
      word.push_back(options[i]);
    }
  }
  ipc::Settings settings;
  for (size_t i = 0; i < words.size(); i++) {
    std::string_view assignment = words[i];
    if (assignment == "-c" && i + 1 < words.size()) {
      assignment = words[++i];
    } else if (assignment.starts_with("-c") || assignment.starts_with("--")) {
      assignment.remove_prefix(2);
    } else {
      assignment = {};
    }
    const size_t equals = assignment.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Fail(ErrorKind::kProtocolViolation,
                  fmt::format("invalid command-line argument for server process: {}", words[i]), {},
                  "Write options as -c name=value.");
    }
    std::string name = Lower(assignment.substr(0, equals));
    std::ranges::replace(name, '-', '_');
    settings.emplace_back(std::move(name), assignment.substr(equals + 1));
  }
  return settings;
}

Result<Startup> ReadStartup(const StartupMessage& message) {
  const uint32_t major = message.version >> 16;
  if (major != 3) {
    return Fail(ErrorKind::kFeatureNotSupported,
                fmt::format("unsupported frontend protocol {}.{}: server supports 3.0", major,
                            message.version & 0xffff));
  }
  Startup startup;
  ipc::Settings from_options;
  for (const auto& [given, value] : message.parameters) {
    if (given.starts_with("_pq_.")) {
      startup.unknown_options.push_back(given);
      continue;
    }
    const std::string name = Lower(given);
    if (name == "user") {
      startup.user = value;
    } else if (name == "database") {
      startup.database = value;
    } else if (name == "replication") {
      startup.replication = !(value.empty() || value == "0" || Lower(value) == "false" ||
                              Lower(value) == "off" || Lower(value) == "no");
    } else if (name == "options") {
      SKEP_TRY_ASSIGN(from_options, ReadOptions(value));
    } else if (std::ranges::find(kDriverParameters, name) != std::end(kDriverParameters)) {
      if (name == "client_protocol_version" || name == "driver_version")
        startup.redshift_driver = true;
      if (name == "client_protocol_version") {
        int version = 0;
        std::from_chars(value.data(), value.data() + value.size(), version);
        startup.client_protocol = version;
      }
    } else {
      startup.settings.emplace_back(name, value);
    }
  }
  for (auto& [name, value] : from_options) {
    if (name == "workgroup") {
      startup.workgroup = std::move(value);
    } else if (name == "authentication") {
      startup.authentication = Lower(value);
    } else {
      startup.settings.emplace_back(std::move(name), std::move(value));
    }
  }
  if (startup.user.empty())
    return Fail(ErrorKind::kProtocolViolation,
                "no PostgreSQL user name specified in startup packet");
  return startup;
}

Method ChooseMethod(std::string_view configured, const Startup& startup, bool md5_only) {
  if (configured == "trust") return Method::kTrust;
  if (configured == "scram-sha-256") return Method::kScram;
  if (configured == "digest") return Method::kDigest;
  if (configured == "md5") return Method::kMd5;
  if (md5_only || startup.authentication == "md5") return Method::kMd5;
  return startup.redshift_driver ? Method::kDigest : Method::kScram;
}

ServerName ReadServerName(std::string_view name) {
  const std::string lower = Lower(name);
  const size_t dot = lower.find('.');
  ServerName read;
  read.workgroup = lower.substr(0, dot);
  read.certain =
      dot != std::string::npos && lower.find(".redshift-serverless.", dot) != std::string::npos;
  return read;
}

}  // namespace skep::pgwire
