// Access keys by their id: those of workspaces' users, of IAM users, and of sessions that carry a
// token. Who holds key, secret and token acts as their owner. Calls block for the store.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "control/store.h"
#include "identity/access_control.h"
#include "identity/session_token.h"

namespace skep::identity {

// A key and whose it is.
struct KnownKey {
  Secret secret;
  CallerIdentity identity;
};

// A long-lived key that is active and whose owner is there. `access` may be null: then keys of IAM
// users are not known.
Result<std::optional<KnownKey>> FindAccessKey(control::Store& store, const AccessControl* access,
                                              const std::string& id);
// Whether the workspace's user of a session is there, and a superuser.
Result<std::optional<bool>> FindWorkspaceUser(control::Store& store, const std::string& workspace,
                                              const std::string& name);
// The caller that a session's claims tell of; without what is asked of the store.
CallerIdentity IdentityOf(const SessionClaims& claims);

// A subject and the account that it belongs to.
struct KeyHolder {
  Subject subject;
  std::string account;
};

class AccessKeys {
 public:
  // `now_s`: seconds since the epoch; empty = the system's clock.
  AccessKeys(control::Store& store, const AccessControl& access, const SessionTokens& tokens,
             std::function<int64_t()> now_s = {});

  // Who these belong to. An unknown key, a wrong secret, a token that is not the key's and an
  // expired one are told apart in the log alone. Error: kExternalDenied.
  Result<KeyHolder> Verify(const std::string& id, const Secret& secret,
                           const std::string& session_token) const;

 private:
  Result<std::optional<KnownKey>> Find(const std::string& id, const std::string& token) const;

  control::Store& store_;
  const AccessControl& access_;
  const SessionTokens& tokens_;
  std::function<int64_t()> now_s_;
};

}  // namespace skep::identity
