#include "identity/access_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/text.h"
#include "identity/policy_values.h"
#include "identity/role_chain.h"

namespace skep::identity {
namespace {

using control::IamEntity;
using control::IamKind;

constexpr std::string_view kEverything =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";

// The managed policies of AWS that are known here, as AWS publishes them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kAwsPolicies = {{
    {"arn:aws:iam::aws:policy/AdministratorAccess", kEverything},
    {"arn:aws:iam::aws:policy/IAMFullAccess",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]})"},
    {"arn:aws:iam::aws:policy/IAMReadOnlyAccess",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:Get*","iam:List*"],"Resource":"*"}]})"},
    {"arn:aws:iam::aws:policy/AmazonS3FullAccess",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","s3-object-lambda:*"],"Resource":"*"}]})"},
    {"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*","s3:Describe*"],"Resource":"*"}]})"},
}};

std::unexpected<Error> Gone() {
  return Fail(ErrorKind::kAuthenticationFailed,
              "The security token included in the request is invalid.");
}

}  // namespace

std::string_view AwsManagedPolicy(std::string_view arn) {
  const auto found =
      std::ranges::find(kAwsPolicies, arn, &std::pair<std::string_view, std::string_view>::first);
  return found == kAwsPolicies.end() ? std::string_view() : found->second;
}

std::vector<std::string_view> AwsManagedPolicies() {
  std::vector<std::string_view> arns;
  for (const auto& [arn, document] : kAwsPolicies) arns.push_back(arn);
  return arns;
}

std::string WorkspaceUserArn(std::string_view account, std::string_view workspace,
                             std::string_view user) {
  return fmt::format("arn:aws:iam::{}:user{}{}/{}", account, kReservedPath, workspace, user);
}

std::string CallerIdentity::Arn(const std::string& entity_arn) const {
  if (form == Form::kRole && session)
    return fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", account, name, session->session_name);
  if (form == Form::kFederated && session)
    return fmt::format("arn:aws:sts::{}:federated-user/{}", account, session->session_name);
  return entity_arn;
}

AccessControl::AccessControl(control::IamStore& store, std::function<int64_t()> now_s)
    : store_(store), now_s_(std::move(now_s)) {
  if (!now_s_) {
    now_s_ = [] {
      return std::chrono::duration_cast<std::chrono::seconds>(
                 std::chrono::system_clock::now().time_since_epoch())
          .count();
    };
  }
}

Result<std::optional<std::string>> AccessControl::PolicyText(std::string_view arn) const {
  if (const std::string_view known = AwsManagedPolicy(arn); !known.empty())
    return std::optional<std::string>(known);
  SKEP_TRY_ASSIGN(const auto policy, store_.GetPolicy(arn));
  if (!policy) return std::optional<std::string>();
  for (const auto& version : policy->versions) {
    if (version.is_default) return std::optional<std::string>(version.document);
  }
  return std::optional<std::string>();
}

Result<std::optional<IamEntity>> AccessControl::FindRole(std::string_view arn) const {
  const std::string account = AccountOfRoleArn(arn);
  if (account.empty()) return std::optional<IamEntity>();
  SKEP_TRY_ASSIGN(auto role,
                  store_.GetEntity(IamKind::kRole, account, arn.substr(arn.rfind('/') + 1)));
  if (!role || role->Arn() != arn) return std::optional<IamEntity>();
  return role;
}

Result<std::vector<AppliedPolicy>> AccessControl::IdentityPolicies(const IamEntity& entity) const {
  std::vector<AppliedPolicy> policies;
  for (const auto& one : entity.inline_policies) {
    policies.push_back(MakeAppliedPolicy(fmt::format("{} of {}", one.name, entity.Arn()),
                                         one.document, PolicyUse::kIdentity));
  }
  for (const std::string& arn : entity.attached) {
    SKEP_TRY_ASSIGN(const auto text, PolicyText(arn));
    policies.push_back(MakeAppliedPolicy(arn, text.value_or(""), PolicyUse::kIdentity));
  }
  return policies;
}

Result<void> AccessControl::AddBoundary(const IamEntity& entity, Subject& subject) const {
  if (entity.boundary.empty()) return {};
  SKEP_TRY_ASSIGN(const auto text, PolicyText(entity.boundary));
  subject.policies.boundary = {
      MakeAppliedPolicy(entity.boundary, text.value_or(""), PolicyUse::kIdentity)};
  return {};
}

Result<void> AccessControl::AddSession(const SessionClaims& session, Subject& subject) const {
  std::vector<AppliedPolicy> limits;
  if (!session.policy.empty())
    limits.push_back(MakeAppliedPolicy("session policy", session.policy, PolicyUse::kIdentity));
  for (const std::string& arn : session.policy_arns) {
    SKEP_TRY_ASSIGN(const auto text, PolicyText(arn));
    limits.push_back(MakeAppliedPolicy(arn, text.value_or(""), PolicyUse::kIdentity));
  }
  // A federated user has what its policies name, and nothing without them.
  if (!limits.empty() || session.form == SessionForm::kFederated)
    subject.policies.session = std::move(limits);
  for (const auto& [key, value] : session.tags)
    subject.context["aws:principaltag/" + Lower(key)] = {value};
  subject.context["aws:tokenissuetime"] = {WriteDate(session.issued_s)};
  if (!session.source_identity.empty())
    subject.context["aws:sourceidentity"] = {session.source_identity};
  return {};
}

void AccessControl::AddCommon(Subject& subject) const {
  subject.context["aws:principalarn"] = {subject.principal.arn};
  subject.context["aws:principalaccount"] = {subject.principal.account};
  subject.context["aws:userid"] = {subject.user_id};
  subject.context["aws:currenttime"] = {WriteDate(now_s_())};
  subject.context["aws:epochtime"] = {std::to_string(now_s_())};
  subject.context["aws:principalisawsservice"] = {"false"};
}

Subject AccessControl::SubjectOfService(std::string_view service) const {
  Subject subject;
  subject.principal.service = service;
  subject.arn = service;
  subject.context["aws:currenttime"] = {WriteDate(now_s_())};
  subject.context["aws:epochtime"] = {std::to_string(now_s_())};
  subject.context["aws:principalisawsservice"] = {"true"};
  subject.context["aws:principalservicename"] = {std::string(service)};
  return subject;
}

Result<Subject> AccessControl::SubjectOfRole(const IamEntity& role,
                                             const SessionClaims& session) const {
  Subject subject;
  subject.principal.account = role.account;
  subject.principal.arn = role.Arn();
  subject.principal.id = role.id;
  subject.principal.role = true;
  subject.principal.session_arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", role.account,
                                              role.name, session.session_name);
  subject.arn = subject.principal.session_arn;
  subject.user_id = role.id + ":" + session.session_name;
  for (const auto& [key, value] : role.tags)
    subject.context["aws:principaltag/" + Lower(key)] = {value};
  subject.context["aws:principaltype"] = {"AssumedRole"};
  SKEP_TRY_ASSIGN(subject.policies.identity, IdentityPolicies(role));
  SKEP_TRY(AddBoundary(role, subject));
  SKEP_TRY(AddSession(session, subject));
  AddCommon(subject);
  return subject;
}

Result<Subject> AccessControl::SubjectOfUser(const CallerIdentity& caller) const {
  Subject subject;
  subject.principal.account = caller.account;
  if (!caller.workspace.empty()) {
    subject.principal.arn = WorkspaceUserArn(caller.account, caller.workspace, caller.name);
    subject.user_id = caller.workspace + "/" + caller.name;
    if (caller.administrator) {
      subject.policies.identity.push_back(
          MakeAppliedPolicy("superuser of " + caller.workspace, kEverything, PolicyUse::kIdentity));
    }
  } else {
    SKEP_TRY_ASSIGN(const auto user, store_.GetEntity(IamKind::kUser, caller.account, caller.name));
    if (!user || (caller.session && caller.session->id != user->id)) return Gone();
    subject.principal.arn = user->Arn();
    subject.principal.id = subject.user_id = user->id;
    for (const auto& [key, value] : user->tags)
      subject.context["aws:principaltag/" + Lower(key)] = {value};
    SKEP_TRY_ASSIGN(subject.policies.identity, IdentityPolicies(*user));
    SKEP_TRY(AddBoundary(*user, subject));
  }
  subject.context["aws:username"] = {caller.name};
  subject.context["aws:principaltype"] = {"User"};
  return subject;
}

Result<Subject> AccessControl::SubjectOf(const CallerIdentity& caller) const {
  if (caller.form == CallerIdentity::Form::kRole) {
    if (!caller.session) return Gone();
    SKEP_TRY_ASSIGN(const auto role, store_.GetEntity(IamKind::kRole, caller.account, caller.name));
    if (!role || role->id != caller.session->id) return Gone();
    return SubjectOfRole(*role, *caller.session);
  }
  SKEP_TRY_ASSIGN(Subject subject, SubjectOfUser(caller));
  subject.arn = caller.Arn(subject.principal.arn);
  if (caller.session) {
    SKEP_TRY(AddSession(*caller.session, subject));
    if (caller.form == CallerIdentity::Form::kFederated) {
      subject.user_id = caller.account + ":" + caller.session->session_name;
      subject.principal.session_arn = subject.arn;
      subject.principal.arn = subject.arn;
      subject.principal.id.clear();
      subject.context.erase("aws:username");
      subject.context["aws:principaltype"] = {"FederatedUser"};
    }
  }
  AddCommon(subject);
  return subject;
}

Decision AccessControl::Decide(const Subject& subject, std::string_view action,
                               std::string_view resource, std::string_view resource_account,
                               const RequestContext& more) {
  AccessRequest request;
  request.principal = subject.principal;
  request.action = action;
  request.resource = resource;
  request.resource_account = resource_account;
  request.context = subject.context;
  for (const auto& [key, values] : more) request.context[key] = values;
  return Evaluate(request, subject.policies);
}

Decision AccessControl::MayAssume(const Subject& subject, const IamEntity& role,
                                  const AssumeRequest& asked) {
  AccessRequest request;
  request.principal = subject.principal;
  request.resource = role.Arn();
  request.resource_account = role.account;
  request.context = subject.context;
  for (const auto& [key, values] : asked.context) request.context[key] = values;
  request.context["sts:rolesessionname"] = {asked.session_name};
  if (!asked.external_id.empty()) request.context["sts:externalid"] = {asked.external_id};
  for (const auto& [key, value] : asked.tags) {
    request.context["aws:requesttag/" + Lower(key)] = {value};
    request.context["aws:tagkeys"].push_back(key);
  }
  if (!asked.transitive_tags.empty())
    request.context["sts:transitivetagkeys"] = asked.transitive_tags;
  if (!asked.source_identity.empty())
    request.context["sts:sourceidentity"] = {asked.source_identity};
  for (const auto& [key, value] : role.tags)
    request.context["aws:resourcetag/" + Lower(key)] = {value};

  PolicySet policies = subject.policies;
  policies.resource.push_back(
      MakeAppliedPolicy("trust policy of " + role.Arn(), role.trust, PolicyUse::kTrust));
  policies.resource_must_allow = true;
  request.action = "sts:AssumeRole";
  Decision decision = Evaluate(request, policies);
  for (const auto& [wanted, action] :
       {std::pair(!asked.tags.empty(), "sts:TagSession"),
        std::pair(!asked.source_identity.empty(), "sts:SetSourceIdentity")}) {
    if (!decision.allowed || !wanted) continue;
    request.action = action;
    if (Decision more = Evaluate(request, policies); !more.allowed) decision = std::move(more);
  }
  return decision;
}

}  // namespace skep::identity
