// Who a caller is to the policies, and what they say: gathers the policies of users, roles and
// sessions from the control store and asks Evaluate. Nothing is cached, so a change counts from the
// next question on. Calls block for the store.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control/iam_store.h"
#include "identity/evaluate.h"
#include "identity/session_token.h"

namespace skep::identity {

// Who signed a request.
struct CallerIdentity {
  enum class Form : uint8_t { kWorkspaceUser, kUser, kRole, kFederated };
  Form form = Form::kWorkspaceUser;
  std::string account;
  std::string name;            // the user's or role's
  std::string workspace;       // of a workspace's user
  bool superuser = false;      // of a workspace's user
  bool administrator = false;  // of a workspace's user: may do everything in the account
  std::string access_key_id;
  std::optional<SessionClaims> session;  // of temporary credentials

  // As GetCallerIdentity answers it; `id` is the entity's.
  std::string Arn(const std::string& entity_arn) const;
};

// The ARN of a workspace's user. Its path is reserved: no IAM user can have it.
std::string WorkspaceUserArn(std::string_view account, std::string_view workspace,
                             std::string_view user);
inline constexpr std::string_view kReservedPath = "/skep/";

// A caller as Evaluate wants it: who, with which policies, with which condition keys.
struct Subject {
  RequestPrincipal principal;
  std::string arn;      // what answers and messages call it
  std::string user_id;  // AIDA…, AROA…:session
  PolicySet policies;   // all but `resource`
  RequestContext context;
};

// What is asked of a role besides itself.
struct AssumeRequest {
  std::string session_name;
  std::string external_id;  // empty = none was said
  SessionTags tags;
  std::vector<std::string> transitive_tags;
  std::string source_identity;
  RequestContext context;  // aws:SourceIp, aws:SourceArn, …
};

class AccessControl {
 public:
  // `now_s`: seconds since the epoch; empty = the system's clock.
  explicit AccessControl(control::IamStore& store, std::function<int64_t()> now_s = {});

  // Errors: kAuthenticationFailed when the user or role of the credentials is gone or is another of
  // that name.
  Result<Subject> SubjectOf(const CallerIdentity& caller) const;
  // A session of a role.
  Result<Subject> SubjectOfRole(const control::IamEntity& role, const SessionClaims& session) const;
  // A service of AWS, as which the warehouse or a crawler begins a chain.
  Subject SubjectOfService(std::string_view service) const;

  // Whether the subject may; `resource_account` is whose the resource is.
  static Decision Decide(const Subject& subject, std::string_view action, std::string_view resource,
                         std::string_view resource_account, const RequestContext& more = {});
  // Whether the subject may assume the role, tag the session, set its source identity: the first
  // denial, or the allow of sts:AssumeRole.
  static Decision MayAssume(const Subject& subject, const control::IamEntity& role,
                            const AssumeRequest& asked);

  // The role that an ARN names, whole path included.
  Result<std::optional<control::IamEntity>> FindRole(std::string_view arn) const;
  // A managed policy's current document: ours or one of AWS's. nullopt when there is none.
  Result<std::optional<std::string>> PolicyText(std::string_view arn) const;

  control::IamStore& store() const { return store_; }
  int64_t now_s() const { return now_s_(); }

 private:
  Result<std::vector<AppliedPolicy>> IdentityPolicies(const control::IamEntity& entity) const;
  Result<void> AddBoundary(const control::IamEntity& entity, Subject& subject) const;
  Result<void> AddSession(const SessionClaims& session, Subject& subject) const;
  void AddCommon(Subject& subject) const;
  Result<Subject> SubjectOfUser(const CallerIdentity& caller) const;

  control::IamStore& store_;
  std::function<int64_t()> now_s_;
};

// A managed policy that every account has, e.g. arn:aws:iam::aws:policy/AdministratorAccess. Empty
// when there is none of that name here.
std::string_view AwsManagedPolicy(std::string_view arn);
std::vector<std::string_view> AwsManagedPolicies();

}  // namespace skep::identity
