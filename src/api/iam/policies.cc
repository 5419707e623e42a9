// Managed policies and their versions, and what policies would say (SimulatePrincipalPolicy).
#include <fmt/format.h>

#include <algorithm>

#include "api/iam/call.h"
#include "base/crypto.h"
#include "base/text.h"
#include "identity/policy.h"
#include "identity/policy_values.h"
#include "identity/session_token.h"

namespace skep::iam {

using api::Refuse;
using control::IamManagedPolicy;
using control::IamPolicyVersion;
using identity::WriteDate;

namespace {

constexpr size_t kMaxVersions = 5, kMaxSimulations = 1000;

std::string DefaultVersion(const IamManagedPolicy& policy) {
  for (const IamPolicyVersion& version : policy.versions) {
    if (version.is_default) return version.id;
  }
  return "v1";
}

std::string PolicyXml(const IamManagedPolicy& p) {
  XmlWriter xml;
  xml.Element("PolicyName", p.name)
      .Element("PolicyId", p.id)
      .Element("Arn", p.Arn())
      .Element("Path", p.path)
      .Element("DefaultVersionId", DefaultVersion(p))
      .Element("AttachmentCount", std::to_string(p.attachments))
      .Element("IsAttachable", "true")
      .Element("CreateDate", WriteDate(p.created_s))
      .Element("UpdateDate", WriteDate(p.updated_s));
  if (!p.description.empty()) xml.Element("Description", p.description);
  return xml.Take();
}

std::string VersionXml(const IamPolicyVersion& v, bool document) {
  XmlWriter xml;
  if (document) xml.Element("Document", UriEncode(v.document, false));
  xml.Element("VersionId", v.id)
      .Element("IsDefaultVersion", v.is_default ? "true" : "false")
      .Element("CreateDate", WriteDate(v.created_s));
  return xml.Take();
}

Answer<std::string> PolicyDocument(const Call& call) {
  auto document = call.Document("PolicyDocument", identity::PolicyUse::kIdentity);
  if (document && identity::PolicyBytes(*document) > identity::kMaxManagedPolicyBytes) {
    return Refuse(
        "LimitExceeded",
        fmt::format("Cannot exceed quota for PolicySize: {}", identity::kMaxManagedPolicyBytes),
        409);
  }
  return document;
}

// One of the account's own: AWS's cannot be changed.
Answer<IamManagedPolicy> OwnPolicy(const Call& call) {
  auto policy = call.Policy();
  if (policy && policy->account == "aws")
    return Refuse("AccessDenied", "The policies of AWS cannot be changed.", 403);
  return policy;
}

Answer<std::string> CreatePolicy(const Call& call) {
  const auto name = call.Name("PolicyName", 128);
  if (!name) return std::unexpected(name.error());
  const auto path = call.Path();
  if (!path) return std::unexpected(path.error());
  IamManagedPolicy policy;
  policy.account = call.account();
  policy.name = *name;
  policy.path = *path;
  if (auto allowed = call.Allow(policy.Arn()); !allowed) return std::unexpected(allowed.error());
  const auto document = PolicyDocument(call);
  if (!document) return std::unexpected(document.error());
  policy.id = identity::NewIamId("ANPA", 17);
  policy.description = call.Text("Description");
  policy.created_s = policy.updated_s = call.access.now_s();
  policy.versions = {{"v1", *document, true, policy.created_s}};
  if (auto made = call.store.CreatePolicy(policy); !made)
    return Translated(made.error(), fmt::format("A policy called {}", *name));
  return "<Policy>" + PolicyXml(policy) + "</Policy>";
}

Answer<std::string> GetPolicy(const Call& call) {
  const auto policy = call.Policy();
  if (!policy) return std::unexpected(policy.error());
  return "<Policy>" + PolicyXml(*policy) + "</Policy>";
}

Answer<std::string> ListPolicies(const Call& call) {
  if (auto allowed = call.Allow(fmt::format("arn:aws:iam::{}:policy/", call.account())); !allowed)
    return std::unexpected(allowed.error());
  const std::string scope = call.Text("Scope"), prefix = call.Text("PathPrefix");
  const bool attached_only = call.Text("OnlyAttached") == "true";
  std::vector<std::pair<std::string, std::string>> items;
  if (scope != "AWS") {
    const auto policies = call.store.ListPolicies(call.account());
    if (!policies) return Translated(policies.error(), "");
    for (const IamManagedPolicy& policy : *policies) {
      if (!policy.path.starts_with(prefix) || (attached_only && policy.attachments == 0)) continue;
      // The list is read without versions.
      const auto whole = call.store.GetPolicy(policy.Arn());
      if (!whole) return Translated(whole.error(), policy.name);
      if (*whole) items.emplace_back(policy.Arn(), PolicyXml(**whole));
    }
  }
  if (scope != "Local" && !attached_only) {
    for (const std::string_view arn : identity::AwsManagedPolicies()) {
      IamManagedPolicy policy;
      policy.account = "aws";
      policy.name = arn.substr(arn.rfind('/') + 1);
      policy.id = "ANPA" + policy.name;
      items.emplace_back(arn, PolicyXml(policy));
    }
  }
  return Page(call, "Policies", items);
}

Answer<std::string> DeletePolicy(const Call& call) {
  const auto policy = OwnPolicy(call);
  if (!policy) return std::unexpected(policy.error());
  if (policy->versions.size() > 1) {
    return Refuse("DeleteConflict",
                  "This policy has more than one version. Before you delete a policy, you must "
                  "delete the policy's versions. The default version is deleted with the policy.",
                  409);
  }
  const auto deleted = call.store.DeletePolicy(policy->Arn());
  if (!deleted) return Translated(deleted.error(), policy->name);
  return std::string();
}

Answer<std::string> CreatePolicyVersion(const Call& call) {
  const auto policy = OwnPolicy(call);
  if (!policy) return std::unexpected(policy.error());
  const auto document = PolicyDocument(call);
  if (!document) return std::unexpected(document.error());
  if (policy->versions.size() >= kMaxVersions) {
    return Refuse(
        "LimitExceeded",
        "A managed policy can have up to 5 versions. Before you create a new version, you "
        "must delete an existing version.",
        409);
  }
  int64_t newest = 0;
  for (const IamPolicyVersion& version : policy->versions)
    newest = std::max<int64_t>(newest, std::atoll(version.id.c_str() + 1));
  const IamPolicyVersion version{"v" + std::to_string(newest + 1), *document,
                                 call.Text("SetAsDefault") == "true", call.access.now_s()};
  if (auto put = call.store.PutPolicyVersion(policy->Arn(), version); !put)
    return Translated(put.error(), policy->name);
  return "<PolicyVersion>" + VersionXml(version, false) + "</PolicyVersion>";
}

std::unexpected<api::Failure> NoSuchVersion(const Call& call) {
  return NoSuchEntity(fmt::format("Policy {} version {} does not exist or is not attachable.",
                                  call.Text("PolicyArn"), call.Text("VersionId")));
}

Answer<std::string> GetPolicyVersion(const Call& call) {
  const auto policy = call.Policy();
  if (!policy) return std::unexpected(policy.error());
  const auto found =
      std::ranges::find(policy->versions, call.Text("VersionId"), &IamPolicyVersion::id);
  if (found == policy->versions.end()) return NoSuchVersion(call);
  return "<PolicyVersion>" + VersionXml(*found, true) + "</PolicyVersion>";
}

Answer<std::string> ListPolicyVersions(const Call& call) {
  const auto policy = call.Policy();
  if (!policy) return std::unexpected(policy.error());
  std::vector<std::pair<std::string, std::string>> items;
  for (const IamPolicyVersion& version : policy->versions)
    items.emplace_back(version.id, VersionXml(version, false));
  return Page(call, "Versions", items);
}

Answer<std::string> SetDefaultPolicyVersion(const Call& call) {
  const auto policy = OwnPolicy(call);
  if (!policy) return std::unexpected(policy.error());
  const auto set = call.store.SetDefaultPolicyVersion(policy->Arn(), call.Text("VersionId"));
  if (!set) return Translated(set.error(), policy->name);
  if (!*set) return NoSuchVersion(call);
  return std::string();
}

Answer<std::string> DeletePolicyVersion(const Call& call) {
  const auto policy = OwnPolicy(call);
  if (!policy) return std::unexpected(policy.error());
  const std::string version = call.Text("VersionId");
  if (version == DefaultVersion(*policy))
    return Refuse("DeleteConflict", "Cannot delete the default version of a policy.", 409);
  const auto deleted = call.store.DeletePolicyVersion(policy->Arn(), version);
  if (!deleted) return Translated(deleted.error(), policy->name);
  if (!*deleted) return NoSuchVersion(call);
  return std::string();
}

// The user or role that an ARN of the caller's account names.
Answer<IamEntity> SourceOf(const Call& call, const std::string& arn) {
  for (const IamKind kind : {IamKind::kUser, IamKind::kRole}) {
    auto found = call.store.GetEntity(kind, call.account(), arn.substr(arn.rfind('/') + 1));
    if (!found) return Translated(found.error(), arn);
    if (*found && (*found)->Arn() == arn) return std::move(**found);
  }
  return NoSuchEntity(fmt::format("The entity {} cannot be found.", arn));
}

identity::RequestContext ContextEntries(const Call& call) {
  identity::RequestContext context;
  const auto keys = call.parameters.Members("ContextEntries", "ContextKeyName");
  for (size_t i = 0; i < keys.size(); i++) {
    context[Lower(keys[i])] =
        call.parameters.List(fmt::format("ContextEntries.member.{}.ContextKeyValues", i + 1));
  }
  return context;
}

// Source: IAM User Guide, "Testing IAM policies with the IAM policy simulator".
Answer<std::string> SimulatePrincipalPolicy(const Call& call) {
  const std::string arn = call.Text("PolicySourceArn");
  if (auto allowed = call.Allow(arn); !allowed) return std::unexpected(allowed.error());
  const auto source = SourceOf(call, arn);
  if (!source) return std::unexpected(source.error());
  identity::CallerIdentity who;
  who.account = source->account;
  who.name = source->name;
  who.form = source->kind == IamKind::kUser ? identity::CallerIdentity::Form::kUser
                                            : identity::CallerIdentity::Form::kRole;
  if (source->kind == IamKind::kRole) {
    who.session.emplace();
    who.session->id = source->id;
    who.session->session_name = "simulation";
    who.session->issued_s = call.access.now_s();
  }
  auto subject = call.access.SubjectOf(who);
  if (!subject) return Translated(subject.error(), arn);
  for (const std::string& text : call.parameters.List("PolicyInputList"))
    subject->policies.identity.push_back(
        identity::MakeAppliedPolicy("PolicyInputList", text, identity::PolicyUse::kIdentity));
  std::vector<std::string> resources = call.parameters.List("ResourceArns");
  if (resources.empty()) resources.emplace_back("*");
  const std::vector<std::string> actions = call.parameters.List("ActionNames");
  if (actions.size() * resources.size() > kMaxSimulations)
    return Refuse("InvalidInput", "Too many actions and resources at once.");
  const identity::RequestContext context = ContextEntries(call);
  std::vector<std::pair<std::string, std::string>> items;
  for (const std::string& action : actions) {
    for (const std::string& resource : resources) {
      const identity::Decision decision =
          identity::AccessControl::Decide(*subject, action, resource, call.account(), context);
      XmlWriter xml;
      xml.Element("EvalActionName", action)
          .Element("EvalResourceName", resource)
          .Element("EvalDecision", decision.allowed ? "allowed"
                                   : decision.by == identity::DecidedBy::kExplicitDeny
                                       ? "explicitDeny"
                                       : "implicitDeny")
          .Open("MatchedStatements");
      if (!decision.policy.empty())
        xml.Open("member").Element("SourcePolicyId", decision.policy).Close("member");
      xml.Close("MatchedStatements").Open("MissingContextValues").Close("MissingContextValues");
      items.emplace_back(std::to_string(items.size()), xml.Take());
    }
  }
  return Page(call, "EvaluationResults", items);
}

}  // namespace

const std::map<std::string_view, Entry>& PolicyOperations() {
  static const std::map<std::string_view, Entry> operations = {
      {"CreatePolicy", {CreatePolicy, true}},
      {"GetPolicy", {GetPolicy, false}},
      {"ListPolicies", {ListPolicies, false}},
      {"DeletePolicy", {DeletePolicy, true}},
      {"CreatePolicyVersion", {CreatePolicyVersion, true}},
      {"GetPolicyVersion", {GetPolicyVersion, false}},
      {"ListPolicyVersions", {ListPolicyVersions, false}},
      {"SetDefaultPolicyVersion", {SetDefaultPolicyVersion, true}},
      {"DeletePolicyVersion", {DeletePolicyVersion, true}},
      {"SimulatePrincipalPolicy", {SimulatePrincipalPolicy, false}},
  };
  return operations;
}

}  // namespace skep::iam
