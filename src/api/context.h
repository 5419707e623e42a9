// What every operation of every AWS API is given and how it answers. Services are pure of HTTP:
// protocol/aws calls them after it has verified the caller.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace skep::api {

using Json = nlohmann::json;

// Who signed the request.
struct Caller {
  std::string account;  // 12 digits
  std::string workspace;
  std::string user;
  std::string access_key_id;
  bool superuser = false;

  // What statements and audit lines are filed under.
  std::string Name() const { return workspace + "/" + user; }
};

struct Context {
  Caller caller;
  std::string region;  // as signed for
  std::string request_id;
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
  // Runs a known operation; `request` is an object. Answers the response's JSON text. Call on the
  // I/O thread.
  virtual boost::asio::awaitable<Answer<std::string>> Call(Context context, std::string operation,
                                                           Json request) = 0;
};

}  // namespace skep::api
