// Role chains: from a workspace through the roles an external schema names to the keys of the last
// role's account. Roles are configured (a trust list, paths) or kept in the control store (IAM
// policies). Every hop is checked and written to the log as an audit record; whatever is not known
// is denied. Workers never see what comes out of here. Follows sts:AssumeRole as the service's
// guide describes role chaining (last role's rights only, 1 hour).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "identity/access_control.h"

namespace skep::identity {

// An organization's account and how its object store is reached.
struct Account {
  std::string id;  // 12 digits
  std::string access_key_id;
  Secret secret_access_key;
  std::string endpoint;  // http(s)://host[:port] of its S3
  std::string region = "us-east-1";
  bool path_style = true;
  // A foreign account: another STS than ours hands out its roles, and its services decide what they
  // may. The keys are those that its first role is asked for with.
  bool foreign = false;
  Secret session_token = {};          // of the keys; empty = none
  std::string credentials_file = {};  // AWS's shared file, instead of keys; read at each use
  std::string credentials_profile = {};
  std::string sts_endpoint = {}, glue_endpoint = {};
};

// A role and who may assume it.
struct Role {
  std::string arn;                 // arn:aws:iam::<account>:role/<name>
  std::vector<std::string> trust;  // "workspace:<name>", "service:glue" (crawlers of the role's own
                                   // account), or role ARNs
  // What the role may read: "bucket", "bucket/prefix" (that key and all below it) or "bucket/pre*"
  // (keys that start so). Empty = all of the account's buckets.
  std::vector<std::string> allowed;
  // Whether it may change the Glue catalog of its account: what it does not say it may not.
  bool changes_catalog = false;
  // Whether it may write and delete the objects that it may read; the same.
  bool writes_objects = false;
  // ARNs of the secrets that it may read (secretsmanager:GetSecretValue); the same.
  std::vector<std::string> secrets = {};
  // Of a role of a foreign account: what its STS is asked with.
  std::string external_id = {};
  std::string session_policy = {};  // JSON
  SessionTags session_tags = {};
};

// Who starts a chain: Workspace("w") is "workspace:w", Service("glue") is "service:glue".
class Principal {
 public:
  static Principal Workspace(std::string_view name) {
    return Principal("workspace:" + std::string(name));
  }
  static Principal Service(std::string_view name) {
    return Principal("service:" + std::string(name));
  }
  const std::string& text() const { return text_; }
  // The name behind "workspace:" or "service:"; empty when it is the other.
  std::string_view workspace() const { return After("workspace:"); }
  std::string_view service() const { return After("service:"); }

 private:
  std::string_view After(std::string_view prefix) const {
    return text_.starts_with(prefix) ? std::string_view(text_).substr(prefix.size())
                                     : std::string_view();
  }
  explicit Principal(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// What a resolved chain may do and with which keys. Stays inside the gateway.
struct Credentials {
  std::string account;
  std::string role;  // ARN of the last role
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;  // empty for plain keys
  std::string endpoint;
  std::string region;
  bool path_style = true;
  std::vector<std::string> allowed;  // Role.allowed of the last role; of configured roles only
  bool changes_catalog = false;      // the same
  bool writes_objects = false;       // the same
  std::vector<std::string> secrets;  // the same
  std::shared_ptr<const Subject> subject;  // the last role's policies; null for configured roles
  int64_t expires_s = 0;                   // seconds since the epoch
  // The account's services decide: nothing is evaluated here but the paths of a configured role.
  bool foreign = false;
  std::string glue_endpoint = {};

  // Whether the role may read this object (s3:GetObject). Keys with "." or ".." segments are never
  // readable: servers that map keys to paths would lead them out of the prefix.
  Decision DecideRead(std::string_view bucket, std::string_view key) const;
  // Whether what lies below this prefix may be listed (s3:ListBucket with s3:prefix); of a
  // configured role, whether all of it may be read.
  Decision DecideList(std::string_view bucket, std::string_view prefix) const;
  // Whether the role may do this ("s3:PutObject", "s3:DeleteObject") to this object; the keys that
  // are never readable are never writable.
  Decision DecideWrite(std::string_view action, std::string_view bucket,
                       std::string_view key) const;
  // Whether the role may do this to a table (empty: to all of the database) of the Glue catalog of
  // its account: on the catalog, the database and the table. Source: Glue Developer Guide,
  // "Specifying AWS Glue resource ARNs".
  Decision DecideCatalog(std::string_view action, std::string_view database,
                         std::string_view table) const;
  // Whether the role may read a secret (secretsmanager:GetSecretValue). Secrets of other accounts
  // have no resource policies here, so they are never readable.
  Decision DecideSecret(std::string_view arn) const;
  bool MayRead(std::string_view bucket, std::string_view key) const {
    return DecideRead(bucket, key).allowed;
  }
  bool MayList(std::string_view bucket, std::string_view prefix) const {
    return DecideList(bucket, prefix).allowed;
  }
};

// One AssumeRole of a chain and what decided it.
struct ChainHop {
  std::string caller, role;
  Decision decision;
};

// Turns an assumed role into the keys and endpoints of its account.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;
  // Errors: kInvalidRole when the account is not known here.
  virtual Result<Credentials> Provide(const Role& role, std::string_view account) = 0;
  // The account when it is a foreign one.
  virtual std::optional<Account> ForeignAccount(std::string_view) const { return std::nullopt; }
};

// Keys that sign requests, and until when.
struct SessionKeys {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
  int64_t expires_s = 0;
};

// What a foreign STS is asked.
struct ForeignRole {
  std::string role, session_name;
  std::string external_id, session_policy;  // empty = none
  SessionTags tags;
  int64_t seconds = 3600;
};

// The STS of foreign accounts.
class RoleAssumer {
 public:
  virtual ~RoleAssumer() = default;
  // Errors: kInsufficientPrivilege (it refused), kExternalDenied (it does not know the keys, or
  // they have expired), kExternalUnavailable, kInvalidArgument. Blocks.
  virtual Result<SessionKeys> Assume(const Account& account, const SessionKeys& caller,
                                     const ForeignRole& asked) = 0;
  // The account's own keys. Errors: kInvalidRole (there are none).
  virtual Result<SessionKeys> OwnKeys(const Account& account) = 0;
};

// Keys from the configuration, one pair per account.
class ConfiguredKeys final : public CredentialProvider {
 public:
  explicit ConfiguredKeys(std::vector<Account> accounts) : accounts_(std::move(accounts)) {}
  Result<Credentials> Provide(const Role& role, std::string_view account) override;
  std::optional<Account> ForeignAccount(std::string_view account) const override;

 private:
  std::vector<Account> accounts_;
};

// For whom a chain is walked: what its audit records say beside the principal.
struct ChainPurpose {
  std::string user, statement, action;
  // False: nothing of the account's object store is read, so its keys need not be known here.
  bool keys = true;
};

// Walks chains. Thread-safe. `now_s` is replaceable for tests.
class RoleChainResolver {
 public:
  RoleChainResolver(std::vector<Role> roles, CredentialProvider& provider,
                    std::function<int64_t()> now_s = {});

  // Roles of the control store, too, on behalf of a warehouse in this account and region. Call
  // before the first Resolve.
  void UseStoredRoles(const AccessControl& access, std::string account, std::string region);

  // The chain that `default` stands for, of all workspaces; each must still be trusted. Call before
  // the first Resolve.
  void UseDefaultChain(std::vector<std::string> chain) { default_chain_ = std::move(chain); }
  // Who hands out the roles of foreign accounts. Call before the first Resolve.
  void UseForeignRoles(RoleAssumer& assumer) { assumer_ = &assumer; }
  // How long a session of a role lasts, 1 s to an hour. Call before the first Resolve.
  void UseSessionSeconds(int64_t seconds) { session_seconds_ = seconds; }
  // The clock that sessions expire by, in seconds since the epoch.
  const std::function<int64_t()>& clock() const { return now_s_; }
  // The chain itself, or the default one that it asks for. Errors: kInvalidRole (none is
  // configured).
  Result<std::vector<std::string>> Expand(const std::vector<std::string>& chain) const;

  // Assumes chain[0] as the principal, chain[1] as chain[0], and so on; answers the last role's
  // credentials. A workspace begins with its own warehouse role: the chain may name it or leave it
  // out. Errors: kInvalidArgument (empty, malformed or more than 10 hops), kInvalidRole (unknown
  // role or account), kInsufficientPrivilege (not trusted; the message names the hop). `hops`, when
  // given, gets every hop that was tried, the refused one last.
  // The chain "default" is the configured one (kInvalidRole when there is none).
  Result<Credentials> Resolve(const Principal& principal, const std::vector<std::string>& chain,
                              std::vector<ChainHop>* hops = nullptr,
                              const ChainPurpose& purpose = {}) const;
  // The keys of the object store of an account, with the rights of a subject of that account: of a
  // user or a session that a statement brought along. Errors: kInvalidRole (no such account here).
  Result<Credentials> Act(Subject subject, const std::string& account) const;
  // Replaces the roles; the next Resolve sees them.
  void SetRoles(std::vector<Role> roles);

 private:
  struct Caller;
  struct Target;
  Result<Credentials> Walk(const Principal& principal, const std::vector<std::string>& chain,
                           bool keys, std::vector<ChainHop>& hops) const;
  Result<Target> FindTarget(const std::string& arn) const;
  Result<Caller> Begin(const Principal& principal, const std::vector<std::string>& chain,
                       std::vector<ChainHop>& hops) const;
  Decision DecideHop(const Caller& caller, const Target& target) const;
  Decision DecideForeignHop(const Caller& caller, const Target& target,
                            const std::string& arn) const;
  Result<void> Assume(Caller& caller, const std::string& arn, std::vector<ChainHop>& hops) const;
  Result<void> AssumeForeign(Caller& caller, const std::string& arn, const Account& account,
                             std::vector<ChainHop>& hops) const;
  Result<Credentials> KeysOf(Caller caller, const std::string& arn, bool keys) const;

  mutable std::mutex mutex_;
  std::vector<Role> roles_;
  CredentialProvider& provider_;
  std::function<int64_t()> now_s_;
  const AccessControl* access_ = nullptr;
  std::string account_, region_;
  std::vector<std::string> default_chain_;
  RoleAssumer* assumer_ = nullptr;
  int64_t session_seconds_ = 3600;  // what the service allows a chained session
};

// What stands for the configured chain.
inline constexpr std::string_view kDefaultChain = "default";

// The account in arn:aws:iam::<12 digits>:role/<name>; empty when the text is no role ARN.
std::string AccountOfRoleArn(std::string_view arn);

}  // namespace skep::identity
