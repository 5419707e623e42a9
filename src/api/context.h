// What every operation of every AWS API is given and how it answers. Services are pure of HTTP:
// protocol/aws calls them after it has verified the caller.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "identity/access_control.h"

namespace skep::api {

using Json = nlohmann::json;

// Who signed the request.
struct Caller {
  std::string account;  // 12 digits
  std::string workspace;
  std::string user;
  std::string access_key_id;
  bool superuser = false;
  // Who that is to the policies. Workspaces' users may do what the services let them; everybody
  // else (IAM users, sessions of roles, federated users) what policies allow.
  std::shared_ptr<const identity::CallerIdentity> identity = {};

  // What statements and audit lines are filed under.
  std::string Name() const { return workspace + "/" + user; }
};

struct Context {
  Caller caller;
  std::string region;  // as signed for
  std::string request_id;
  identity::RequestContext conditions = {};  // aws:SourceIp, aws:UserAgent, …
};

// An error as a service names it. Services whose names differ from base/error.h's table translate
// kinds themselves.
struct Failure {
  std::string type = "InternalServerException";
  std::string message;
  int http_status = 400;
  Json members = Json::object();  // further members of the error's structure

  static Failure Of(const Error& error) {
    const ErrorCodes& codes = CodesOf(error.kind);
    return {std::string(codes.aws_exception), error.message, codes.http_status, Json::object()};
  }
};
template <class T>
using Answer = std::expected<T, Failure>;
inline std::unexpected<Failure> Refuse(std::string type, std::string message,
                                       int http_status = 400) {
  return std::unexpected(Failure{std::move(type), std::move(message), http_status, Json::object()});
}

// One AWS service.
class Service {
 public:
  virtual ~Service() = default;
  // The prefix of X-Amz-Target ("AWSGlue") and the name in the credential scope ("glue").
  virtual std::string_view target() const = 0;
  virtual std::string_view signing_name() const = 0;
  virtual bool Knows(std::string_view operation) const = 0;
  // Whether callers must be users of a workspace; others are refused.
  virtual bool NeedsWorkspace() const { return false; }
  // The ARNs that a caller's policies must allow the operation on, each of them.
  virtual std::vector<std::string> Resources(const Context&, std::string_view /*operation*/,
                                             const Json& /*request*/) const {
    return {"*"};
  }
  // Roles that the request hands over to this service, which the caller must be allowed to pass
  // (iam:PassRole).
  virtual std::vector<std::string> PassedRoles(const Context&, std::string_view /*operation*/,
                                               const Json& /*request*/) const {
    return {};
  }
  // Runs a known operation; `request` is an object. Answers the response's JSON text. Call on the
  // I/O thread.
  virtual boost::asio::awaitable<Answer<std::string>> Call(Context context, std::string operation,
                                                           Json request) = 0;
};

}  // namespace skep::api
