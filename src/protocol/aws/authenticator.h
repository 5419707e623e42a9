// Who signed a request: verifies its signature against the keys of workspaces' users, of IAM users
// and of temporary credentials. One for all AWS protocols. Lives on the gateway's I/O thread; looks
// keys up on the blocking pool and believes them for some seconds.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/context.h"
#include "control/store.h"
#include "identity/access_control.h"
#include "identity/session_token.h"
#include "identity/sigv4.h"
#include "net/blocking_pool.h"
#include "protocol/aws/http_server.h"

namespace skep::aws {

struct AuthenticatorOptions {
  std::function<int64_t()> now_ms;  // the wall clock; empty = the system's
  int64_t key_cache_ms = 3000;      // how long a looked-up access key is believed
  // The workspace whose superusers administer the account; those of others would reach into it.
  std::string administrators = {};
};

struct Authenticated {
  api::Caller caller;
  std::string region;
};
struct NotAuthenticated {
  identity::SignatureFailure failure;
  std::optional<Error> broken;  // the store failed, which says nothing of the caller
};

class Authenticator {
 public:
  // Everything must outlive it. Without IAM (null) there are workspaces' users only.
  Authenticator(control::Store& store, const identity::AccessControl* access,
                const identity::SessionTokens* tokens, net::BlockingPool& blocking,
                AuthenticatorOptions options = {});
  ~Authenticator();

  // `signing_name` must be the service of the credential scope; empty = any.
  boost::asio::awaitable<std::expected<Authenticated, NotAuthenticated>> Authenticate(
      const HttpRequest& request, std::string_view signing_name);
  // What policies decide of a caller and its request: nothing for workspaces' users, who may do
  // what the services let them. `resources`: each must be allowed.
  boost::asio::awaitable<api::Answer<void>> Authorize(const api::Context& context,
                                                      std::string action,
                                                      std::vector<std::string> resources);
  // aws:SourceIp, aws:UserAgent, aws:SecureTransport, aws:RequestedRegion of a request.
  static identity::RequestContext ConditionsOf(const HttpRequest& request,
                                               const std::string& region);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace skep::aws
