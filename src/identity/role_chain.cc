#include "identity/role_chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/log.h"

namespace skep::identity {
namespace {

constexpr size_t kMaxHops = 10;
constexpr const char* kSessionName = "RedshiftIamRoleSession";  // as the service names its own

// Walks the segments of a key; false for "." and "..", which no honest key has.
bool HasPlainSegments(std::string_view key) {
  while (true) {
    const size_t slash = key.find('/');
    const std::string_view segment = key.substr(0, slash);
    if (segment == "." || segment == "..") return false;
    if (slash == std::string_view::npos) return true;
    key.remove_prefix(slash + 1);
  }
}

// True when `pattern` covers bucket/key; with `whole_prefix` everything that starts with
// bucket/key.
bool Covers(std::string_view pattern, std::string_view bucket, std::string_view key,
            bool whole_prefix) {
  const size_t slash = pattern.find('/');
  if (pattern.substr(0, slash) != bucket) return false;
  if (slash == std::string_view::npos) return true;
  std::string_view allowed = pattern.substr(slash + 1);
  if (allowed.ends_with('*')) {
    allowed.remove_suffix(1);
    return key.starts_with(allowed);
  }
  if (allowed.empty() || allowed.ends_with('/')) return key.starts_with(allowed);
  if (!key.starts_with(allowed)) return false;
  // "bucket/prefix" is that key and what lies below it, not "bucket/prefix2".
  if (key.size() == allowed.size()) return !whole_prefix;
  return key[allowed.size()] == '/';
}

// False for names that lead elsewhere than they say.
bool IsHonest(std::string_view bucket, std::string_view key) {
  return !bucket.empty() && bucket.find_first_of("/*?") == std::string_view::npos &&
         key.find('\0') == std::string_view::npos && HasPlainSegments(key);
}

bool CoveredByAny(const std::vector<std::string>& allowed, std::string_view bucket,
                  std::string_view key, bool whole_prefix) {
  if (allowed.empty()) return true;
  return std::ranges::any_of(
      allowed, [&](const std::string& p) { return Covers(p, bucket, key, whole_prefix); });
}

// What a configured role's list of paths says.
Decision ByPaths(bool allowed) {
  Decision decision;
  decision.allowed = allowed;
  decision.by = allowed ? DecidedBy::kAllow : DecidedBy::kIdentity;
  decision.policy = "paths of the configured role";
  if (!allowed) decision.reason = "because the role's paths do not cover it";
  return decision;
}

// A foreign account's services decide.
Decision ByForeign() {
  Decision decision;
  decision.allowed = true;
  decision.by = DecidedBy::kAllow;
  decision.policy = "foreign account";
  return decision;
}

Decision Refused(DecidedBy by, std::string reason) {
  Decision decision;
  decision.by = by;
  decision.reason = std::move(reason);
  return decision;
}

}  // namespace

std::string AccountOfRoleArn(std::string_view arn) {
  constexpr std::string_view kPrefix = "arn:aws:iam::", kRole = ":role/";
  if (!arn.starts_with(kPrefix) || arn.size() > 2048) return {};
  arn.remove_prefix(kPrefix.size());
  if (arn.size() <= 12 + kRole.size() || arn.substr(12, kRole.size()) != kRole) return {};
  const std::string_view account = arn.substr(0, 12);
  if (account.find_first_not_of("0123456789") != std::string_view::npos) return {};
  for (const char c : arn.substr(12 + kRole.size())) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    std::string_view("+=,.@_-/").find(c) != std::string_view::npos;
    if (!ok) return {};
  }
  return std::string(account);
}

Decision Credentials::DecideRead(std::string_view bucket, std::string_view key) const {
  if (key.empty() || !IsHonest(bucket, key)) return ByPaths(false);
  if (!subject) return ByPaths(CoveredByAny(allowed, bucket, key, false));
  return AccessControl::Decide(*subject, "s3:GetObject",
                               fmt::format("arn:aws:s3:::{}/{}", bucket, key), account);
}

Decision Credentials::DecideList(std::string_view bucket, std::string_view prefix) const {
  if (!IsHonest(bucket, prefix)) return ByPaths(false);
  if (!subject) return ByPaths(CoveredByAny(allowed, bucket, prefix, true));
  return AccessControl::Decide(*subject, "s3:ListBucket", fmt::format("arn:aws:s3:::{}", bucket),
                               account, {{"s3:prefix", {std::string(prefix)}}});
}

Decision Credentials::DecideWrite(std::string_view action, std::string_view bucket,
                                  std::string_view key) const {
  if (key.empty() || !IsHonest(bucket, key)) return ByPaths(false);
  if (subject)
    return AccessControl::Decide(*subject, action, fmt::format("arn:aws:s3:::{}/{}", bucket, key),
                                 account);
  if (writes_objects || foreign) return ByPaths(CoveredByAny(allowed, bucket, key, false));
  Decision decision = ByPaths(false);
  decision.policy = "configured role";
  decision.reason = "because the role does not say objects = \"write\" in the configuration";
  return decision;
}

Decision Credentials::DecideSecret(std::string_view arn) const {
  if (!subject) {
    Decision decision = ByPaths(std::ranges::find(secrets, arn) != secrets.end());
    decision.policy = "configured role";
    if (!decision.allowed)
      decision.reason = "because the role's secrets in the configuration do not name it";
    return decision;
  }
  // arn:aws:secretsmanager:region:account:secret:name
  std::string_view owner = arn;
  for (int part = 0; part < 4; part++) {
    const size_t colon = owner.find(':');
    if (colon == std::string_view::npos) return Refused(DecidedBy::kIdentity, "no such secret");
    owner.remove_prefix(colon + 1);
  }
  return AccessControl::Decide(*subject, "secretsmanager:GetSecretValue", arn,
                               owner.substr(0, owner.find(':')));
}

Decision Credentials::DecideCatalog(std::string_view action, std::string_view database,
                                    std::string_view table) const {
  if (foreign) return ByForeign();
  if (!subject) {
    Decision decision = ByPaths(changes_catalog || action.starts_with("glue:Get"));
    decision.policy = "configured role";
    if (!decision.allowed)
      decision.reason = "because the role does not say catalog = \"write\" in the configuration";
    return decision;
  }
  const std::string catalog = fmt::format("arn:aws:glue:{}:{}:", region, account);
  Decision decision;
  for (const std::string& resource :
       {catalog + "catalog", fmt::format("{}database/{}", catalog, database),
        fmt::format("{}table/{}/{}", catalog, database, table.empty() ? "*" : table)}) {
    decision = AccessControl::Decide(*subject, action, resource, account);
    if (!decision.allowed) break;
  }
  return decision;
}

Result<Credentials> ConfiguredKeys::Provide(const Role& role, std::string_view account) {
  const auto found = std::ranges::find(accounts_, account, &Account::id);
  if (found == accounts_.end()) {
    return Fail(ErrorKind::kInvalidRole,
                fmt::format("role {} cannot be assumed: no keys are configured for account {}",
                            role.arn, account),
                {}, "Add the account with its keys and endpoint to the configuration.");
  }
  Credentials c;
  c.account = found->id;
  c.access_key_id = found->access_key_id;
  c.secret_access_key = found->secret_access_key;
  c.endpoint = found->endpoint;
  c.region = found->region;
  c.path_style = found->path_style;
  return c;
}

std::optional<Account> ConfiguredKeys::ForeignAccount(std::string_view account) const {
  const auto found = std::ranges::find(accounts_, account, &Account::id);
  if (found == accounts_.end() || !found->foreign) return std::nullopt;
  return *found;
}

RoleChainResolver::RoleChainResolver(std::vector<Role> roles, CredentialProvider& provider,
                                     std::function<int64_t()> now_s)
    : roles_(std::move(roles)), provider_(provider), now_s_(std::move(now_s)) {
  if (!now_s_) {
    now_s_ = [] {
      return std::chrono::duration_cast<std::chrono::seconds>(
                 std::chrono::system_clock::now().time_since_epoch())
          .count();
    };
  }
}

void RoleChainResolver::SetRoles(std::vector<Role> roles) {
  const std::lock_guard lock(mutex_);
  roles_ = std::move(roles);
}

void RoleChainResolver::UseStoredRoles(const AccessControl& access, std::string account,
                                       std::string region) {
  access_ = &access;
  account_ = std::move(account);
  region_ = std::move(region);
}

Result<std::vector<std::string>> RoleChainResolver::Expand(
    const std::vector<std::string>& chain) const {
  if (chain.size() != 1 || chain[0] != kDefaultChain) return chain;
  if (!default_chain_.empty()) return default_chain_;
  return Fail(ErrorKind::kInvalidRole, "this workspace has no default IAM role", {},
              "Set lake.default_iam_role, or name the role: IAM_ROLE 'arn:aws:iam::...:role/...'.");
}

Result<Credentials> RoleChainResolver::Act(Subject subject, const std::string& account) const {
  if (provider_.ForeignAccount(account))
    return Fail(ErrorKind::kInvalidRole,
                fmt::format("account {} is foreign: its keys are not known here", account));
  SKEP_TRY_ASSIGN(Credentials credentials, provider_.Provide(Role{subject.arn, {}, {}}, account));
  if (credentials.account != account)
    return Fail(ErrorKind::kInvalidRole, fmt::format("account {} is not known here", account));
  credentials.role = subject.arn;
  credentials.subject = std::make_shared<const Subject>(std::move(subject));
  credentials.expires_s = now_s_() + session_seconds_;
  return credentials;
}

Result<Credentials> RoleChainResolver::Resolve(const Principal& principal,
                                               const std::vector<std::string>& asked,
                                               std::vector<ChainHop>* hops,
                                               const ChainPurpose& purpose) const {
  SKEP_TRY_ASSIGN(const std::vector<std::string> chain, Expand(asked));
  std::vector<ChainHop> tried;
  auto resolved = Walk(principal, chain, purpose.keys, tried);
  const bool denied = !tried.empty() && !tried.back().decision.allowed;
  for (size_t i = 0; i < tried.size(); i++) {
    if (!tried[i].decision.allowed) break;
    log::Info("role_assumed", {{"principal", principal.text()},
                               {"user", purpose.user},
                               {"statement_id", purpose.statement},
                               {"purpose", purpose.action},
                               {"hop", i + 1},
                               {"hops", chain.size()},
                               {"caller", tried[i].caller},
                               {"role", tried[i].role},
                               {"policy", tried[i].decision.policy},
                               {"statement", tried[i].decision.statement}});
  }
  if (!resolved) {
    log::Warn("role_chain_denied",
              {{"principal", principal.text()},
               {"user", purpose.user},
               {"statement_id", purpose.statement},
               {"purpose", purpose.action},
               {"hops", chain.size()},
               {"hop", tried.size()},
               {"caller", denied ? tried.back().caller : std::string()},
               {"role", denied ? tried.back().role : std::string()},
               {"reason", resolved.error().message},
               {"policy", denied ? tried.back().decision.policy : std::string()},
               {"statement", denied ? tried.back().decision.statement : std::string()},
               {"decision", denied ? tried.back().decision.reason : std::string()}});
  }
  if (hops != nullptr) *hops = std::move(tried);
  return resolved;
}

// Who walks: what trust lists call it, and its policies when it has any.
struct RoleChainResolver::Caller {
  std::string text;  // "workspace:w", "service:glue", a role's ARN
  std::optional<Subject> subject;
  std::vector<Subject> services;  // as which the first stored role may be assumed; any of them
  std::vector<control::WorkspaceRole> workspace_roles;
  RequestContext context;              // of the first hop
  std::optional<SessionKeys> foreign;  // of the last hop, when it led into a foreign account
};

// A role, configured or stored.
struct RoleChainResolver::Target {
  std::optional<Role> configured;
  std::optional<control::IamEntity> stored;
};

Result<RoleChainResolver::Target> RoleChainResolver::FindTarget(const std::string& arn) const {
  Target target;
  {
    // What the operator wrote stands above what the API made.
    const std::lock_guard lock(mutex_);
    const auto role = std::ranges::find(roles_, arn, &Role::arn);
    if (role != roles_.end()) target.configured = *role;
  }
  if (!target.configured && access_ != nullptr) {
    SKEP_TRY_ASSIGN(target.stored, access_->FindRole(arn));
  }
  return target;
}

// The principal of a chain. A workspace whose chain leaves its own role out begins as that role.
Result<RoleChainResolver::Caller> RoleChainResolver::Begin(const Principal& principal,
                                                           const std::vector<std::string>& chain,
                                                           std::vector<ChainHop>& hops) const {
  Caller caller;
  caller.text = principal.text();
  if (access_ == nullptr) return caller;
  if (principal.service() == "glue") {
    caller.services = {access_->SubjectOfService("glue.amazonaws.com")};
    caller.context["aws:sourceaccount"] = {AccountOfRoleArn(chain[0])};
    return caller;
  }
  const std::string_view workspace = principal.workspace();
  if (workspace.empty()) return caller;
  SKEP_TRY_ASSIGN(caller.workspace_roles, access_->store().ListWorkspaceRoles(workspace));
  const auto own =
      std::ranges::find(caller.workspace_roles, true, &control::WorkspaceRole::warehouse);
  if (own == caller.workspace_roles.end()) return caller;
  caller.services = {access_->SubjectOfService("redshift.amazonaws.com"),
                     access_->SubjectOfService("redshift-serverless.amazonaws.com")};
  caller.context["aws:sourceaccount"] = {account_};
  caller.context["aws:sourcearn"] = {
      fmt::format("arn:aws:redshift-serverless:{}:{}:workgroup/{}", region_, account_, workspace)};
  if (chain[0] == own->arn) return caller;
  SKEP_TRY_ASSIGN(const Target first, FindTarget(chain[0]));
  const bool trusted =
      first.configured &&
      std::ranges::find(first.configured->trust, caller.text) != first.configured->trust.end();
  if (!trusted) SKEP_TRY(Assume(caller, own->arn, hops));
  return caller;
}

Decision RoleChainResolver::DecideHop(const Caller& caller, const Target& target) const {
  if (target.configured) {
    const Role& role = *target.configured;
    if (std::ranges::find(role.trust, caller.text) == role.trust.end())
      return Refused(DecidedBy::kResource, "the role's trust does not name the caller");
    Decision decision;
    decision.allowed = true;
    decision.by = DecidedBy::kAllow;
    decision.policy = "trust of the configured role";
    if (caller.subject) {
      decision = AccessControl::Decide(*caller.subject, "sts:AssumeRole", role.arn,
                                       caller.subject->principal.account);
    }
    return decision;
  }
  const control::IamEntity& role = *target.stored;
  const auto known =
      std::ranges::find(caller.workspace_roles, role.Arn(), &control::WorkspaceRole::arn);
  const bool registered = known != caller.workspace_roles.end();
  AssumeRequest asked;
  asked.session_name = kSessionName;
  asked.context = caller.context;
  if (registered) asked.external_id = known->external_id;
  if (caller.subject) return AccessControl::MayAssume(*caller.subject, role, asked);
  // A workspace begins with its own role, or any workspace could use every role that trusts
  // warehouses.
  const bool workspace = caller.text.starts_with("workspace:");
  if (workspace && (!registered || !known->warehouse))
    return Refused(DecidedBy::kIdentity, "it is not the workspace's own role");
  Decision decision =
      Refused(DecidedBy::kIdentity,
              "because a configured role has no policy that allows the sts:AssumeRole action");
  for (const Subject& service : caller.services) {
    decision = AccessControl::MayAssume(service, role, asked);
    if (decision.allowed || decision.by == DecidedBy::kExplicitDeny) break;
  }
  return decision;
}

// Whether a caller may ask a foreign STS for a role with keys that are not its own: as the
// configured role's trust says, or the policies of its own role. A caller that got its keys from a
// foreign STS asks with them.
Decision RoleChainResolver::DecideForeignHop(const Caller& caller, const Target& target,
                                             const std::string& arn) const {
  if (target.configured) return DecideHop(caller, target);
  if (caller.subject)
    return AccessControl::Decide(*caller.subject, "sts:AssumeRole", arn,
                                 caller.subject->principal.account);
  if (caller.foreign) return ByForeign();
  return Refused(DecidedBy::kIdentity,
                 "no configured role and no policy lets the caller ask for it");
}

// Has a role of a foreign account handed out by its STS.
Result<void> RoleChainResolver::AssumeForeign(Caller& caller, const std::string& arn,
                                              const Account& account,
                                              std::vector<ChainHop>& hops) const {
  SKEP_TRY_ASSIGN(Target target, FindTarget(arn));
  target.stored.reset();  // what is kept here of a foreign account counts for nothing
  const size_t hop = hops.size() + 1;
  hops.push_back({caller.text, arn, DecideForeignHop(caller, target, arn)});
  const auto refuse = [&](const std::string& why) {
    return Fail(ErrorKind::kInsufficientPrivilege,
                fmt::format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                            caller.text, arn),
                fmt::format("hop {}: {}", hop, why));
  };
  if (!hops.back().decision.allowed) return refuse(hops.back().decision.reason);
  if (assumer_ == nullptr)
    return Fail(ErrorKind::kInvalidRole, fmt::format("role {} cannot be assumed", arn));
  ForeignRole asked;
  asked.role = arn;
  asked.session_name = kSessionName;
  asked.seconds = session_seconds_;
  if (target.configured) {
    asked.external_id = target.configured->external_id;
    asked.session_policy = target.configured->session_policy;
    asked.tags = target.configured->session_tags;
  }
  const auto known = std::ranges::find(caller.workspace_roles, arn, &control::WorkspaceRole::arn);
  if (asked.external_id.empty() && known != caller.workspace_roles.end())
    asked.external_id = known->external_id;
  Result<SessionKeys> own =
      caller.foreign ? Result<SessionKeys>(*caller.foreign) : assumer_->OwnKeys(account);
  if (!own) return Fail(own.error());
  auto keys = assumer_->Assume(account, *own, asked);
  if (!keys) {
    Decision& decision = hops.back().decision;
    decision.allowed = false;
    decision.by = DecidedBy::kResource;
    decision.reason = keys.error().detail.empty() ? keys.error().message : keys.error().detail;
    if (keys.error().kind == ErrorKind::kInsufficientPrivilege) return refuse(decision.reason);
    return Fail(keys.error());
  }
  caller.text = arn;
  caller.services.clear();
  caller.context.clear();
  caller.subject.reset();
  caller.foreign = std::move(*keys);
  return {};
}

// Moves the caller into a role. Errors as Resolve's.
Result<void> RoleChainResolver::Assume(Caller& caller, const std::string& arn,
                                       std::vector<ChainHop>& hops) const {
  if (const auto account = provider_.ForeignAccount(AccountOfRoleArn(arn)))
    return AssumeForeign(caller, arn, *account, hops);
  caller.foreign.reset();
  SKEP_TRY_ASSIGN(const Target target, FindTarget(arn));
  const size_t hop = hops.size() + 1;
  if (!target.configured && !target.stored) {
    hops.push_back({caller.text, arn, Refused(DecidedBy::kResource, "there is no such role")});
    return Fail(ErrorKind::kInvalidRole, fmt::format("role {} cannot be assumed", arn),
                fmt::format("hop {}: there is no such role", hop));
  }
  hops.push_back({caller.text, arn, DecideHop(caller, target)});
  const Decision& decision = hops.back().decision;
  if (!decision.allowed) {
    std::string detail = fmt::format("hop {}: {}", hop, decision.reason);
    if (!decision.policy.empty())
      detail += fmt::format(" ({}, statement {})", decision.policy, decision.statement);
    return Fail(ErrorKind::kInsufficientPrivilege,
                fmt::format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                            caller.text, arn),
                detail);
  }
  caller.text = arn;
  caller.services.clear();
  caller.context.clear();
  caller.subject.reset();
  if (target.stored) {
    SessionClaims session;
    session.session_name = kSessionName;
    session.issued_s = now_s_();
    SKEP_TRY_ASSIGN(caller.subject, access_->SubjectOfRole(*target.stored, session));
  }
  return {};
}

Result<Credentials> RoleChainResolver::Walk(const Principal& principal,
                                            const std::vector<std::string>& chain, bool keys,
                                            std::vector<ChainHop>& hops) const {
  if (chain.empty())
    return Fail(ErrorKind::kInvalidArgument, "the role chain is empty", {},
                "Name at least one role.");
  if (chain.size() > kMaxHops) {
    return Fail(
        ErrorKind::kInvalidArgument,
        fmt::format("the role chain has {} roles, at most {} are allowed", chain.size(), kMaxHops));
  }
  for (const std::string& arn : chain) {
    if (AccountOfRoleArn(arn).empty()) {
      return Fail(ErrorKind::kInvalidArgument,
                  fmt::format("\"{}\" is not a role ARN", arn.substr(0, 200)), {},
                  "Write arn:aws:iam::<12 digits>:role/<name>.");
    }
  }
  SKEP_TRY_ASSIGN(Caller caller, Begin(principal, chain, hops));
  for (const std::string& arn : chain) SKEP_TRY(Assume(caller, arn, hops));

  return KeysOf(std::move(caller), chain.back(), keys);
}

// The keys of the last role's account, with the role's rights.
Result<Credentials> RoleChainResolver::KeysOf(Caller caller, const std::string& arn,
                                              bool keys) const {
  SKEP_TRY_ASSIGN(const Target last, FindTarget(arn));
  const std::string account = AccountOfRoleArn(arn);
  const Role role = last.configured.value_or(Role{arn, {}, {}});
  auto provided = provider_.Provide(role, account);
  if (!provided && !keys && provided.error().kind == ErrorKind::kInvalidRole) {
    provided.emplace();
    provided->account = account;
    provided->region = region_;
  }
  if (!provided) return Fail(provided.error());
  Credentials credentials = std::move(*provided);
  // A provider answers for the account it was asked for, or not at all.
  if (credentials.account != account)
    return Fail(ErrorKind::kInvalidRole, fmt::format("role {} cannot be assumed", arn));
  credentials.role = arn;
  credentials.expires_s = now_s_() + session_seconds_;
  if (const auto foreign = provider_.ForeignAccount(account)) {
    if (!caller.foreign)
      return Fail(ErrorKind::kInvalidRole, fmt::format("role {} cannot be assumed", arn));
    credentials.foreign = true;
    credentials.glue_endpoint = foreign->glue_endpoint;
    credentials.access_key_id = caller.foreign->access_key_id;
    credentials.secret_access_key = caller.foreign->secret_access_key;
    credentials.session_token = caller.foreign->session_token;
    credentials.expires_s = std::min(credentials.expires_s, caller.foreign->expires_s);
    credentials.allowed = role.allowed;
  } else if (caller.subject) {
    credentials.subject = std::make_shared<const Subject>(std::move(*caller.subject));
  } else if (last.configured) {
    credentials.allowed = last.configured->allowed;
    credentials.changes_catalog = last.configured->changes_catalog;
    credentials.writes_objects = last.configured->writes_objects;
    credentials.secrets = last.configured->secrets;
  } else {
    return Fail(ErrorKind::kInvalidRole, fmt::format("role {} cannot be assumed", arn));
  }
  return credentials;
}

}  // namespace skep::identity
