// What a start-up packet means: who connects to what, which workgroup was named, which proof of a
// password the client can give, and which settings its session begins with. Pure functions of the
// packet; nothing is looked up here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "ipc/messages.h"
#include "protocol/pgwire/codec.h"

namespace skep::pgwire {

enum class Method : uint8_t { kScram, kDigest, kMd5, kTrust };

struct Startup {
  std::string user;
  std::string database;        // empty = the workspace's default
  std::string workgroup;       // from options; empty = not named
  std::string authentication;  // from options; empty = not named
  bool redshift_driver = false;
  std::optional<int> client_protocol;  // what Redshift's drivers ask for: 0 PostgreSQL's, 1 more
                                       // about columns, 2 binary numbers
  bool replication = false;
  ipc::Settings settings;                    // names lower-case, in order; a later one counts
  std::vector<std::string> unknown_options;  // "_pq_.…": answered by NegotiateProtocolVersion
};

// Errors: kProtocolViolation for a version other than 3, no user, or options that cannot be read.
Result<Startup> ReadStartup(const StartupMessage& message);

// Splits "-c name=value --name=value" (a backslash takes the next character as it is). Errors:
// kProtocolViolation.
Result<ipc::Settings> ReadOptions(std::string_view options);

// configured: ServerOptions::authentication. Redshift's drivers do not speak SCRAM; PostgreSQL's do
// not speak the digest.
Method ChooseMethod(std::string_view configured, const Startup& startup, bool md5_only);

// A TLS server name whose first label may be a workgroup:
// "etl.123456789012.us-east-1.redshift-serverless.example".
struct ServerName {
  std::string workgroup;  // empty = none
  bool certain =
      false;  // the name has Redshift's form: a workgroup that does not exist is an error
};
ServerName ReadServerName(std::string_view name);

}  // namespace skep::pgwire
