#include "identity/access_keys.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/log.h"

namespace skep::identity {

Result<std::optional<KnownKey>> FindAccessKey(control::Store& store, const AccessControl* access,
                                              const std::string& id) {
  SKEP_TRY_ASSIGN(auto key, store.GetAccessKey(id));
  if (key) {
    if (!key->active) return std::optional<KnownKey>();
    SKEP_TRY_ASSIGN(const auto user, store.GetUser(key->workspace, key->user));
    if (!user) return std::optional<KnownKey>();
    CallerIdentity caller;
    caller.account = key->account;
    caller.name = key->user;
    caller.workspace = key->workspace;
    caller.superuser = user->superuser;
    caller.access_key_id = id;
    return KnownKey{key->secret, std::move(caller)};
  }
  if (access == nullptr) return std::optional<KnownKey>();
  SKEP_TRY_ASSIGN(auto own, access->store().GetAccessKey(id));
  if (!own || !own->active) return std::optional<KnownKey>();
  CallerIdentity caller;
  caller.form = CallerIdentity::Form::kUser;
  caller.account = own->account;
  caller.name = own->user;
  caller.access_key_id = id;
  return KnownKey{own->secret, std::move(caller)};
}

Result<std::optional<bool>> FindWorkspaceUser(control::Store& store, const std::string& workspace,
                                              const std::string& name) {
  SKEP_TRY_ASSIGN(const auto user, store.GetUser(workspace, name));
  if (!user) return std::optional<bool>();
  return std::optional<bool>(user->superuser);
}

CallerIdentity IdentityOf(const SessionClaims& claims) {
  CallerIdentity caller;
  switch (claims.form) {
    case SessionForm::kRole:
      caller.form = CallerIdentity::Form::kRole;
      break;
    case SessionForm::kFederated:
      caller.form = CallerIdentity::Form::kFederated;
      break;
    case SessionForm::kUser:
      caller.form = claims.workspace.empty() ? CallerIdentity::Form::kUser
                                             : CallerIdentity::Form::kWorkspaceUser;
      break;
  }
  caller.account = claims.account;
  caller.name = claims.name;
  caller.workspace = claims.workspace;
  caller.access_key_id = claims.access_key_id;
  caller.session = claims;
  return caller;
}

AccessKeys::AccessKeys(control::Store& store, const AccessControl& access,
                       const SessionTokens& tokens, std::function<int64_t()> now_s)
    : store_(store), access_(access), tokens_(tokens), now_s_(std::move(now_s)) {
  if (!now_s_) {
    now_s_ = [] {
      return std::chrono::duration_cast<std::chrono::seconds>(
                 std::chrono::system_clock::now().time_since_epoch())
          .count();
    };
  }
}

Result<std::optional<KnownKey>> AccessKeys::Find(const std::string& id,
                                                 const std::string& token) const {
  if (token.empty()) return FindAccessKey(store_, &access_, id);
  const auto claims = tokens_.Open(token, id);
  if (!claims || claims->expires_s <= now_s_()) return std::optional<KnownKey>();
  KnownKey known{tokens_.SecretOf(id), IdentityOf(*claims)};
  if (!claims->workspace.empty()) {
    SKEP_TRY_ASSIGN(const auto superuser,
                    FindWorkspaceUser(store_, claims->workspace, claims->name));
    if (!superuser) return std::optional<KnownKey>();
    known.identity.superuser = *superuser;
  }
  return known;
}

Result<KeyHolder> AccessKeys::Verify(const std::string& id, const Secret& secret,
                                     const std::string& session_token) const {
  const auto refuse = [&](const char* reason) {
    log::Warn("access_keys_refused", {{"access_key", id.substr(0, 128)}, {"reason", reason}});
    return Fail(ErrorKind::kExternalDenied,
                "The AWS Access Key Id you provided does not exist in our records, or its secret "
                "or session token does not belong to it");
  };
  SKEP_TRY_ASSIGN(const auto known, Find(id, session_token));
  if (!known) return refuse("unknown key, or a token that is invalid or expired");
  if (!(known->secret == secret)) return refuse("wrong secret");
  auto subject = access_.SubjectOf(known->identity);
  if (!subject) {
    if (subject.error().kind != ErrorKind::kAuthenticationFailed) return Fail(subject.error());
    return refuse("its owner is gone");
  }
  return KeyHolder{std::move(*subject), known->identity.account};
}

}  // namespace skep::identity
