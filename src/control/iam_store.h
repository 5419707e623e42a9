// Accounts, IAM users and roles, their policies, access keys and tags, and which roles a workspace
// uses. Part of the control store (same file, same rules: calls block, what is acknowledged is
// kept); documents are kept as they were given and judged elsewhere (identity/). Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace skep::control {

enum class IamKind : uint8_t { kUser, kRole };

using IamTags = std::vector<std::pair<std::string, std::string>>;

struct IamAccount {
  std::string id;    // 12 digits
  std::string name;  // for people
  int64_t created_s = 0;
  bool operator==(const IamAccount&) const = default;
};

struct IamPolicyText {
  std::string name;
  std::string document;  // JSON as it was given
  bool operator==(const IamPolicyText&) const = default;
};

// A user or a role with everything that hangs on it.
struct IamEntity {
  IamKind kind = IamKind::kRole;
  std::string account, name;
  std::string id;          // AIDA… or AROA…
  std::string path = "/";  // begins and ends with /
  std::string trust;       // a role's AssumeRolePolicyDocument
  std::string description;
  int64_t max_session_s = 3600;  // of roles
  std::string boundary;          // ARN of a managed policy; empty = none
  int64_t created_s = 0;
  IamTags tags;                                // by key
  std::vector<IamPolicyText> inline_policies;  // by name
  std::vector<std::string> attached;           // ARNs of managed policies

  // arn:aws:iam::<account>:role/<path><name>
  std::string Arn() const {
    return "arn:aws:iam::" + account + (kind == IamKind::kUser ? ":user" : ":role") + path + name;
  }
};

struct IamPolicyVersion {
  std::string id;  // "v1"
  std::string document;
  bool is_default = false;
  int64_t created_s = 0;
};
struct IamManagedPolicy {
  std::string account, name, path = "/", id, description;
  int64_t created_s = 0, updated_s = 0;
  int64_t attachments = 0;  // counted when read
  std::vector<IamPolicyVersion> versions;

  std::string Arn() const { return "arn:aws:iam::" + account + ":policy" + path + name; }
};

struct IamAccessKey {
  std::string id;  // AKIA…
  Secret secret;
  std::string account, user;
  bool active = true;
  int64_t created_s = 0;
};

// A role that a workspace begins its chains with, or one that it presents an external id to.
struct WorkspaceRole {
  std::string workspace, arn;
  bool warehouse = false;   // the workspace's own role: at most one
  std::string external_id;  // what the workspace says to that role; may be empty
};

// An issuer of tokens that an account trusts.
struct IamOidcProvider {
  std::string account;
  std::string url;  // of the issuer, without https://
  std::vector<std::string> client_ids, thumbprints;
  IamTags tags;
  int64_t created_s = 0;

  std::string Arn() const { return "arn:aws:iam::" + account + ":oidc-provider/" + url; }
};

class IamStore {
 public:
  virtual ~IamStore() = default;

  // Create* fail with kDuplicateObject; what belongs to something that is not there fails with
  // kUndefinedObject; Update*, Delete*, Detach answer false when there was none. Names are unique
  // and found whatever their case.
  virtual Result<void> CreateAccount(const IamAccount&) = 0;
  virtual Result<std::optional<IamAccount>> GetAccount(std::string_view id) = 0;
  virtual Result<std::vector<IamAccount>> ListAccounts() = 0;

  // With its tags; policies are added one by one.
  virtual Result<void> CreateEntity(const IamEntity&) = 0;
  virtual Result<std::optional<IamEntity>> GetEntity(IamKind kind, std::string_view account,
                                                     std::string_view name) = 0;
  // Without tags and policies, by name.
  virtual Result<std::vector<IamEntity>> ListEntities(IamKind kind, std::string_view account) = 0;
  // Trust, description, longest session and boundary.
  virtual Result<bool> UpdateEntity(const IamEntity&) = 0;
  // Fails with kDependentObjects while it has policies or keys.
  virtual Result<bool> DeleteEntity(IamKind kind, std::string_view account,
                                    std::string_view name) = 0;
  virtual Result<void> PutInlinePolicy(const IamEntity& entity, const IamPolicyText& policy) = 0;
  virtual Result<bool> DeleteInlinePolicy(const IamEntity& entity, std::string_view name) = 0;
  virtual Result<void> AttachPolicy(const IamEntity& entity, std::string_view arn) = 0;
  virtual Result<bool> DetachPolicy(const IamEntity& entity, std::string_view arn) = 0;
  virtual Result<void> PutTags(const IamEntity& entity, const IamTags& tags) = 0;
  virtual Result<void> DeleteTags(const IamEntity& entity,
                                  const std::vector<std::string>& keys) = 0;

  virtual Result<void> PutAccessKey(const IamAccessKey&) = 0;  // inserts or replaces
  virtual Result<std::optional<IamAccessKey>> GetAccessKey(std::string_view id) = 0;
  virtual Result<std::vector<IamAccessKey>> ListAccessKeys(std::string_view account,
                                                           std::string_view user) = 0;
  virtual Result<bool> DeleteAccessKey(std::string_view id) = 0;

  // With one version.
  virtual Result<void> CreatePolicy(const IamManagedPolicy&) = 0;
  virtual Result<std::optional<IamManagedPolicy>> GetPolicy(std::string_view arn) = 0;
  // Without documents.
  virtual Result<std::vector<IamManagedPolicy>> ListPolicies(std::string_view account) = 0;
  // Fails with kDependentObjects while it is attached or a boundary.
  virtual Result<bool> DeletePolicy(std::string_view arn) = 0;
  virtual Result<void> PutPolicyVersion(std::string_view arn, const IamPolicyVersion&) = 0;
  virtual Result<bool> SetDefaultPolicyVersion(std::string_view arn, std::string_view version) = 0;
  virtual Result<bool> DeletePolicyVersion(std::string_view arn, std::string_view version) = 0;

  virtual Result<void> CreateOidcProvider(const IamOidcProvider&) = 0;
  virtual Result<std::optional<IamOidcProvider>> GetOidcProvider(std::string_view account,
                                                                 std::string_view url) = 0;
  // Without client ids, thumbprints and tags, by URL.
  virtual Result<std::vector<IamOidcProvider>> ListOidcProviders(std::string_view account) = 0;
  // Client ids, thumbprints and tags.
  virtual Result<bool> UpdateOidcProvider(const IamOidcProvider&) = 0;
  virtual Result<bool> DeleteOidcProvider(std::string_view account, std::string_view url) = 0;

  virtual Result<void> PutWorkspaceRole(const WorkspaceRole&) = 0;  // inserts or replaces
  virtual Result<std::vector<WorkspaceRole>> ListWorkspaceRoles(std::string_view workspace) = 0;
  virtual Result<bool> DeleteWorkspaceRole(std::string_view workspace, std::string_view arn) = 0;
};

// Opens the IAM part of a control store that OpenSqlite has opened (and migrated) before. Errors:
// kIoError.
Result<std::unique_ptr<IamStore>> OpenSqliteIam(const std::string& path);

}  // namespace skep::control
