#include "identity/role_chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"

namespace skep::identity {
namespace {

constexpr size_t kMaxHops = 10;
constexpr int64_t kSessionSeconds = 3600;  // what the service allows a chained session

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

bool CoveredByAny(const std::vector<std::string>& allowed, std::string_view bucket,
                  std::string_view key, bool whole_prefix) {
  if (bucket.empty() || bucket.find('/') != std::string_view::npos ||
      key.find('\0') != std::string_view::npos)
    return false;
  if (!HasPlainSegments(key)) return false;
  if (allowed.empty()) return true;
  return std::ranges::any_of(
      allowed, [&](const std::string& p) { return Covers(p, bucket, key, whole_prefix); });
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

bool Credentials::MayRead(std::string_view bucket, std::string_view key) const {
  return !key.empty() && CoveredByAny(allowed, bucket, key, false);
}

bool Credentials::MayList(std::string_view bucket, std::string_view prefix) const {
  return CoveredByAny(allowed, bucket, prefix, true);
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

Result<Credentials> RoleChainResolver::Resolve(const Principal& principal,
                                               const std::vector<std::string>& chain) const {
  auto resolved = Walk(principal, chain);
  if (!resolved) {
    log::Warn("role_chain_denied", {{"principal", principal.text()},
                                    {"hops", chain.size()},
                                    {"reason", resolved.error().message}});
  }
  return resolved;
}

Result<Credentials> RoleChainResolver::Walk(const Principal& principal,
                                            const std::vector<std::string>& chain) const {
  if (chain.empty())
    return Fail(ErrorKind::kInvalidArgument, "the role chain is empty", {},
                "Name at least one role.");
  if (chain.size() > kMaxHops) {
    return Fail(
        ErrorKind::kInvalidArgument,
        fmt::format("the role chain has {} roles, at most {} are allowed", chain.size(), kMaxHops));
  }
  std::string caller = principal.text();
  Role last;
  for (size_t hop = 0; hop < chain.size(); hop++) {
    const std::string& arn = chain[hop];
    if (AccountOfRoleArn(arn).empty()) {
      return Fail(ErrorKind::kInvalidArgument,
                  fmt::format("\"{}\" is not a role ARN", arn.substr(0, 200)), {},
                  "Write arn:aws:iam::<12 digits>:role/<name>.");
    }
    bool known = false;
    {
      const std::lock_guard lock(mutex_);
      const auto role = std::ranges::find(roles_, arn, &Role::arn);
      known = role != roles_.end();
      if (known) last = *role;
    }
    if (!known) {
      return Fail(ErrorKind::kInvalidRole, fmt::format("role {} cannot be assumed", arn),
                  fmt::format("hop {} of {}: there is no such role", hop + 1, chain.size()));
    }
    if (std::ranges::find(last.trust, caller) == last.trust.end()) {
      return Fail(
          ErrorKind::kInsufficientPrivilege,
          fmt::format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                      caller, arn),
          fmt::format("hop {} of {}: the role's trust does not name the caller", hop + 1,
                      chain.size()));
    }
    log::Info("role_assumed", {{"principal", principal.text()},
                               {"hop", hop + 1},
                               {"hops", chain.size()},
                               {"caller", caller},
                               {"role", arn}});
    caller = arn;
  }
  const std::string account = AccountOfRoleArn(last.arn);
  SKEP_TRY_ASSIGN(Credentials credentials, provider_.Provide(last, account));
  // A provider answers for the account it was asked for, or not at all.
  if (credentials.account != account)
    return Fail(ErrorKind::kInvalidRole, fmt::format("role {} cannot be assumed", last.arn));
  credentials.role = last.arn;
  credentials.allowed = last.allowed;
  credentials.expires_s = now_s_() + kSessionSeconds;
  return credentials;
}

}  // namespace skep::identity
