// Users and roles: their life, tags, policies, boundaries and access keys. What users and roles
// have in common is written once, by kind.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/iam/call.h"
#include "base/crypto.h"
#include "base/log.h"
#include "identity/policy.h"
#include "identity/policy_values.h"
#include "identity/session_token.h"

namespace skep::iam {

using api::Refuse;
using identity::WriteDate;

namespace {

constexpr size_t kMaxAttached = 10, kMaxKeys = 2;

std::string Encoded(std::string_view document) { return UriEncode(document, false); }

// `whole`: with tags and boundary, which lists leave out.
std::string EntityXml(const IamEntity& e, bool whole) {
  const std::string noun(NounOf(e.kind));
  XmlWriter xml;
  xml.Element("Path", e.path)
      .Element(noun + "Name", e.name)
      .Element(noun + "Id", e.id)
      .Element("Arn", e.Arn())
      .Element("CreateDate", WriteDate(e.created_s));
  if (e.kind == IamKind::kRole) {
    xml.Element("AssumeRolePolicyDocument", Encoded(e.trust));
    if (!e.description.empty()) xml.Element("Description", e.description);
    xml.Element("MaxSessionDuration", std::to_string(e.max_session_s));
  }
  if (whole && !e.boundary.empty()) {
    xml.Open("PermissionsBoundary")
        .Element("PermissionsBoundaryType", "Policy")
        .Element("PermissionsBoundaryArn", e.boundary)
        .Close("PermissionsBoundary");
  }
  if (whole && !e.tags.empty()) WriteTags(xml, e.tags);
  return xml.Take();
}

Answer<int64_t> MaxSession(const Call& call, int64_t fallback) {
  const std::string* given = call.parameters.Find("MaxSessionDuration");
  if (given == nullptr) return fallback;
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), seconds);
  if (error != std::errc() || end != given->data() + given->size() || seconds < 3600 ||
      seconds > 43200) {
    return Invalid(fmt::format(
        "1 validation error detected: Value '{}' at 'maxSessionDuration' failed to satisfy "
        "constraint: Member must have value between 3600 and 43200",
        given->substr(0, 40)));
  }
  return seconds;
}

// The document of a managed policy that may be attached or be a boundary.
Answer<void> CheckAttachable(const Call& call, const std::string& arn) {
  const auto text = call.access.PolicyText(arn);
  if (!text) return Translated(text.error(), arn);
  const bool own = arn.starts_with("arn:aws:iam::aws:policy/") ||
                   arn.starts_with("arn:aws:iam::" + call.account() + ":policy/");
  if (!*text || !own)
    return NoSuchEntity(fmt::format("Policy {} does not exist or is not attachable.", arn));
  return {};
}

Answer<std::string> TrustDocument(const Call& call, std::string_view parameter) {
  auto trust = call.Document(parameter, identity::PolicyUse::kTrust);
  if (trust && identity::PolicyBytes(*trust) > identity::kMaxTrustPolicyBytes) {
    return Refuse(
        "LimitExceeded",
        fmt::format("Cannot exceed quota for ACLSizePerRole: {}", identity::kMaxTrustPolicyBytes),
        409);
  }
  return trust;
}

template <IamKind kKind>
Answer<std::string> Create(const Call& call) {
  const std::string noun(NounOf(kKind));
  auto name = call.Name(noun + "Name", 64);
  if (!name) return std::unexpected(name.error());
  auto path = call.Path();
  if (!path) return std::unexpected(path.error());
  IamEntity entity;
  entity.kind = kKind;
  entity.account = call.account();
  entity.name = std::move(*name);
  entity.path = std::move(*path);
  entity.boundary = call.Text("PermissionsBoundary");
  identity::RequestContext more;
  if (!entity.boundary.empty()) more["iam:permissionsboundary"] = {entity.boundary};
  if (auto allowed = call.Allow(entity.Arn(), std::move(more)); !allowed)
    return std::unexpected(allowed.error());
  if (!entity.boundary.empty()) {
    if (auto known = CheckAttachable(call, entity.boundary); !known)
      return std::unexpected(known.error());
  }
  if constexpr (kKind == IamKind::kRole) {
    auto trust = TrustDocument(call, "AssumeRolePolicyDocument");
    if (!trust) return std::unexpected(trust.error());
    entity.trust = std::move(*trust);
    entity.description = call.Text("Description");
    if (entity.description.size() > 1000)
      return Invalid("A description has at most 1000 characters.");
    const auto seconds = MaxSession(call, 3600);
    if (!seconds) return std::unexpected(seconds.error());
    entity.max_session_s = *seconds;
  }
  auto tags = call.Tags();
  if (!tags) return std::unexpected(tags.error());
  entity.tags = std::move(*tags);
  entity.id = identity::NewIamId(kKind == IamKind::kRole ? "AROA" : "AIDA", 17);
  entity.created_s = call.access.now_s();
  if (auto made = call.store.CreateEntity(entity); !made)
    return Translated(made.error(), fmt::format("{} with name {}", noun, entity.name));
  return "<" + noun + ">" + EntityXml(entity, true) + "</" + noun + ">";
}

template <IamKind kKind>
Answer<std::string> Get(const Call& call) {
  const auto entity = call.Entity(kKind);
  if (!entity) return std::unexpected(entity.error());
  const std::string noun(NounOf(kKind));
  return "<" + noun + ">" + EntityXml(*entity, true) + "</" + noun + ">";
}

template <IamKind kKind>
Answer<std::string> List(const Call& call) {
  const bool roles = kKind == IamKind::kRole;
  const std::string prefix = call.parameters.Has("PathPrefix") ? call.Text("PathPrefix") : "/";
  if (auto allowed = call.Allow(
          fmt::format("arn:aws:iam::{}:{}{}", call.account(), roles ? "role" : "user", prefix));
      !allowed)
    return std::unexpected(allowed.error());
  const auto entities = call.store.ListEntities(kKind, call.account());
  if (!entities) return Translated(entities.error(), "");
  std::vector<std::pair<std::string, std::string>> items;
  for (const IamEntity& e : *entities) {
    if (e.path.starts_with(prefix)) items.emplace_back(e.name, EntityXml(e, false));
  }
  return Page(call, roles ? "Roles" : "Users", items);
}

// Trust in what is gone must not become trust in another of its name: policies that name it get its
// identifier instead, as AWS shows it.
Answer<void> ForgetPrincipal(const Call& call, const IamEntity& gone) {
  const auto accounts = call.store.ListAccounts();
  if (!accounts) return Translated(accounts.error(), "");
  const std::string named = "\"" + gone.Arn() + "\"", id = "\"" + gone.id + "\"";
  for (const auto& account : *accounts) {
    auto roles = call.store.ListEntities(IamKind::kRole, account.id);
    if (!roles) return Translated(roles.error(), "");
    for (IamEntity& role : *roles) {
      bool changed = false;
      for (size_t at = role.trust.find(named); at != std::string::npos;
           at = role.trust.find(named, at + id.size())) {
        role.trust.replace(at, named.size(), id);
        changed = true;
      }
      if (!changed) continue;
      if (auto updated = call.store.UpdateEntity(role); !updated)
        return Translated(updated.error(), role.name);
    }
  }
  return {};
}

template <IamKind kKind>
Answer<std::string> Delete(const Call& call) {
  const auto entity = call.Entity(kKind);
  if (!entity) return std::unexpected(entity.error());
  const auto conflict = [](const char* what) {
    return Refuse("DeleteConflict", fmt::format("Cannot delete entity, must {} first.", what), 409);
  };
  if (!entity->attached.empty()) return conflict("detach all policies");
  if (!entity->inline_policies.empty()) return conflict("delete policies");
  if (kKind == IamKind::kUser) {
    const auto keys = call.store.ListAccessKeys(call.account(), entity->name);
    if (!keys) return Translated(keys.error(), entity->name);
    if (!keys->empty()) return conflict("delete access keys");
  }
  if (auto forgotten = ForgetPrincipal(call, *entity); !forgotten)
    return std::unexpected(forgotten.error());
  const auto deleted = call.store.DeleteEntity(kKind, call.account(), entity->name);
  if (!deleted) return Translated(deleted.error(), entity->name);
  return std::string();
}

Answer<std::string> Updated(const Call& call, const IamEntity& entity) {
  const auto updated = call.store.UpdateEntity(entity);
  if (!updated) return Translated(updated.error(), entity.name);
  return std::string();
}

Answer<std::string> UpdateRole(const Call& call) {
  auto role = call.Entity(IamKind::kRole);
  if (!role) return std::unexpected(role.error());
  if (call.parameters.Has("Description")) role->description = call.Text("Description");
  if (role->description.size() > 1000) return Invalid("A description has at most 1000 characters.");
  const auto seconds = MaxSession(call, role->max_session_s);
  if (!seconds) return std::unexpected(seconds.error());
  role->max_session_s = *seconds;
  auto updated = Updated(call, *role);
  if (!updated) return updated;
  return std::string("\n");  // UpdateRole has a result, without members
}

Answer<std::string> UpdateAssumeRolePolicy(const Call& call) {
  auto role = call.Entity(IamKind::kRole);
  if (!role) return std::unexpected(role.error());
  auto trust = TrustDocument(call, "PolicyDocument");
  if (!trust) return std::unexpected(trust.error());
  role->trust = std::move(*trust);
  return Updated(call, *role);
}

// ---------------------------------------------------------------- inline policies

template <IamKind kKind>
Answer<std::string> PutPolicy(const Call& call) {
  const auto entity = call.Entity(kKind);
  if (!entity) return std::unexpected(entity.error());
  const auto name = call.Name("PolicyName", 128);
  if (!name) return std::unexpected(name.error());
  const auto document = call.Document("PolicyDocument", identity::PolicyUse::kIdentity);
  if (!document) return std::unexpected(document.error());
  size_t bytes = identity::PolicyBytes(*document);
  for (const auto& policy : entity->inline_policies) {
    if (policy.name != *name) bytes += identity::PolicyBytes(policy.document);
  }
  const size_t most =
      kKind == IamKind::kRole ? identity::kMaxRolePoliciesBytes : identity::kMaxUserPoliciesBytes;
  if (bytes > most) {
    return Refuse("LimitExceeded",
                  fmt::format("Maximum policy size of {} bytes exceeded for {} {}", most,
                              kKind == IamKind::kRole ? "role" : "user", entity->name),
                  409);
  }
  if (auto put = call.store.PutInlinePolicy(*entity, {*name, *document}); !put)
    return Translated(put.error(), *name);
  return std::string();
}

std::unexpected<api::Failure> NoSuchPolicy(IamKind kind, const std::string& name) {
  return NoSuchEntity(fmt::format("The {} policy with name {} cannot be found.",
                                  kind == IamKind::kRole ? "role" : "user", name));
}

template <IamKind kKind>
Answer<std::string> GetPolicy(const Call& call) {
  const auto entity = call.Entity(kKind);
  if (!entity) return std::unexpected(entity.error());
  const std::string name = call.Text("PolicyName");
  const auto found =
      std::ranges::find(entity->inline_policies, name, &control::IamPolicyText::name);
  if (found == entity->inline_policies.end()) return NoSuchPolicy(kKind, name);
  XmlWriter xml;
  xml.Element(std::string(NounOf(kKind)) + "Name", entity->name)
      .Element("PolicyName", name)
      .Element("PolicyDocument", Encoded(found->document));
  return xml.Take();
}

template <IamKind kKind>
Answer<std::string> DeletePolicy(const Call& call) {
  const auto entity = call.Entity(kKind);
  if (!entity) return std::unexpected(entity.error());
  const std::string name = call.Text("PolicyName");
  const auto deleted = call.store.DeleteInlinePolicy(*entity, name);
  if (!deleted) return Translated(deleted.error(), name);
  if (!*deleted) return NoSuchPolicy(kKind, name);
  return std::string();
}

template <IamKind kKind>
Answer<std::string> ListPolicies(const Call& call) {
  const auto entity = call.Entity(kKind);
  if (!entity) return std::unexpected(entity.error());
  std::vector<std::pair<std::string, std::string>> items;
  for (const auto& policy : entity->inline_policies) items.emplace_back(policy.name, policy.name);
  return Page(call, "PolicyNames", items);
}

// ---------------------------------------------------------------- managed policies

template <IamKind kKind>
Answer<std::string> Attach(const Call& call) {
  const std::string arn = call.Text("PolicyArn");
  const auto entity = call.Entity(kKind, {{"iam:policyarn", {arn}}});
  if (!entity) return std::unexpected(entity.error());
  if (auto known = CheckAttachable(call, arn); !known) return std::unexpected(known.error());
  if (entity->attached.size() >= kMaxAttached &&
      std::ranges::find(entity->attached, arn) == entity->attached.end()) {
    return Refuse(
        "LimitExceeded",
        fmt::format("Cannot exceed quota for PoliciesPer{}: {}", NounOf(kKind), kMaxAttached), 409);
  }
  if (auto attached = call.store.AttachPolicy(*entity, arn); !attached)
    return Translated(attached.error(), arn);
  return std::string();
}

template <IamKind kKind>
Answer<std::string> Detach(const Call& call) {
  const std::string arn = call.Text("PolicyArn");
  const auto entity = call.Entity(kKind, {{"iam:policyarn", {arn}}});
  if (!entity) return std::unexpected(entity.error());
  const auto detached = call.store.DetachPolicy(*entity, arn);
  if (!detached) return Translated(detached.error(), arn);
  if (!*detached) return NoSuchEntity(fmt::format("Policy {} was not found.", arn));
  return std::string();
}

template <IamKind kKind>
Answer<std::string> ListAttached(const Call& call) {
  const auto entity = call.Entity(kKind);
  if (!entity) return std::unexpected(entity.error());
  std::vector<std::pair<std::string, std::string>> items;
  for (const std::string& arn : entity->attached) {
    XmlWriter xml;
    xml.Element("PolicyName", arn.substr(arn.rfind('/') + 1)).Element("PolicyArn", arn);
    items.emplace_back(arn, xml.Take());
  }
  return Page(call, "AttachedPolicies", items);
}

template <IamKind kKind>
Answer<std::string> PutBoundary(const Call& call) {
  const std::string arn = call.Text("PermissionsBoundary");
  auto entity = call.Entity(kKind, {{"iam:permissionsboundary", {arn}}});
  if (!entity) return std::unexpected(entity.error());
  if (auto known = CheckAttachable(call, arn); !known) return std::unexpected(known.error());
  entity->boundary = arn;
  return Updated(call, *entity);
}

template <IamKind kKind>
Answer<std::string> DeleteBoundary(const Call& call) {
  auto entity = call.Entity(kKind);
  if (!entity) return std::unexpected(entity.error());
  entity->boundary.clear();
  return Updated(call, *entity);
}

// ---------------------------------------------------------------- tags

template <IamKind kKind>
Answer<std::string> Tag(const Call& call) {
  const auto tags = call.Tags();
  if (!tags) return std::unexpected(tags.error());
  identity::RequestContext more;
  for (const auto& [key, value] : *tags) {
    more["aws:requesttag/" + key] = {value};
    more["aws:tagkeys"].push_back(key);
  }
  const auto entity = call.Entity(kKind, std::move(more));
  if (!entity) return std::unexpected(entity.error());
  if (entity->tags.size() + tags->size() > 50)
    return Refuse("LimitExceeded", "Cannot exceed quota for TagsPerEntity: 50", 409);
  if (auto put = call.store.PutTags(*entity, *tags); !put) return Translated(put.error(), "");
  return std::string();
}

template <IamKind kKind>
Answer<std::string> Untag(const Call& call) {
  const std::vector<std::string> keys = call.parameters.List("TagKeys");
  const auto entity = call.Entity(kKind, {{"aws:tagkeys", keys}});
  if (!entity) return std::unexpected(entity.error());
  if (auto gone = call.store.DeleteTags(*entity, keys); !gone) return Translated(gone.error(), "");
  return std::string();
}

template <IamKind kKind>
Answer<std::string> ListTags(const Call& call) {
  const auto entity = call.Entity(kKind);
  if (!entity) return std::unexpected(entity.error());
  std::vector<std::pair<std::string, std::string>> items;
  for (const auto& [key, value] : entity->tags) {
    XmlWriter xml;
    xml.Element("Key", key).Element("Value", value);
    items.emplace_back(key, xml.Take());
  }
  return Page(call, "Tags", items);
}

// ---------------------------------------------------------------- access keys

std::string KeyXml(const control::IamAccessKey& key, bool secret) {
  XmlWriter xml;
  xml.Element("UserName", key.user)
      .Element("AccessKeyId", key.id)
      .Element("Status", key.active ? "Active" : "Inactive");
  if (secret) xml.Element("SecretAccessKey", key.secret.Reveal());
  xml.Element("CreateDate", WriteDate(key.created_s));
  return xml.Take();
}

Answer<std::string> CreateAccessKey(const Call& call) {
  const auto user = call.Entity(IamKind::kUser);
  if (!user) return std::unexpected(user.error());
  const auto keys = call.store.ListAccessKeys(call.account(), user->name);
  if (!keys) return Translated(keys.error(), user->name);
  if (keys->size() >= kMaxKeys)
    return Refuse("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409);
  control::IamAccessKey key;
  key.id = identity::NewIamId("AKIA", 16);
  key.secret = Secret(Base64Encode(RandomBytes(30)));
  key.account = call.account();
  key.user = user->name;
  key.created_s = call.access.now_s();
  if (auto put = call.store.PutAccessKey(key); !put) return Translated(put.error(), user->name);
  return "<AccessKey>" + KeyXml(key, true) + "</AccessKey>";
}

Answer<std::string> ListAccessKeys(const Call& call) {
  const auto user = call.Entity(IamKind::kUser);
  if (!user) return std::unexpected(user.error());
  const auto keys = call.store.ListAccessKeys(call.account(), user->name);
  if (!keys) return Translated(keys.error(), user->name);
  std::vector<std::pair<std::string, std::string>> items;
  for (const auto& key : *keys) items.emplace_back(key.id, KeyXml(key, false));
  return Page(call, "AccessKeyMetadata", items);
}

// A key of the user that the call names.
Answer<control::IamAccessKey> OwnKey(const Call& call) {
  const auto user = call.Entity(IamKind::kUser);
  if (!user) return std::unexpected(user.error());
  const std::string id = call.Text("AccessKeyId");
  auto key = call.store.GetAccessKey(id);
  if (!key) return Translated(key.error(), id);
  if (!*key || (*key)->account != call.account() || (*key)->user != user->name)
    return NoSuchEntity(fmt::format("The Access Key with id {} cannot be found.", id));
  return std::move(**key);
}

Answer<std::string> UpdateAccessKey(const Call& call) {
  auto key = OwnKey(call);
  if (!key) return std::unexpected(key.error());
  const std::string status = call.Text("Status");
  if (status != "Active" && status != "Inactive")
    return Invalid("Status must be Active or Inactive.");
  key->active = status == "Active";
  if (auto put = call.store.PutAccessKey(*key); !put) return Translated(put.error(), key->id);
  return std::string();
}

Answer<std::string> DeleteAccessKey(const Call& call) {
  const auto key = OwnKey(call);
  if (!key) return std::unexpected(key.error());
  const auto deleted = call.store.DeleteAccessKey(key->id);
  if (!deleted) return Translated(deleted.error(), key->id);
  return std::string();
}

}  // namespace

const std::map<std::string_view, Entry>& EntityOperations() {
  constexpr IamKind kUser = IamKind::kUser, kRole = IamKind::kRole;
  static const std::map<std::string_view, Entry> operations = {
      {"CreateRole", {Create<kRole>, true}},
      {"GetRole", {Get<kRole>, false}},
      {"ListRoles", {List<kRole>, false}},
      {"DeleteRole", {Delete<kRole>, true}},
      {"UpdateRole", {UpdateRole, true}},
      {"UpdateAssumeRolePolicy", {UpdateAssumeRolePolicy, true}},
      {"PutRolePolicy", {PutPolicy<kRole>, true}},
      {"GetRolePolicy", {GetPolicy<kRole>, false}},
      {"DeleteRolePolicy", {DeletePolicy<kRole>, true}},
      {"ListRolePolicies", {ListPolicies<kRole>, false}},
      {"AttachRolePolicy", {Attach<kRole>, true}},
      {"DetachRolePolicy", {Detach<kRole>, true}},
      {"ListAttachedRolePolicies", {ListAttached<kRole>, false}},
      {"PutRolePermissionsBoundary", {PutBoundary<kRole>, true}},
      {"DeleteRolePermissionsBoundary", {DeleteBoundary<kRole>, true}},
      {"TagRole", {Tag<kRole>, true}},
      {"UntagRole", {Untag<kRole>, true}},
      {"ListRoleTags", {ListTags<kRole>, false}},
      {"CreateUser", {Create<kUser>, true}},
      {"GetUser", {Get<kUser>, false}},
      {"ListUsers", {List<kUser>, false}},
      {"DeleteUser", {Delete<kUser>, true}},
      {"PutUserPolicy", {PutPolicy<kUser>, true}},
      {"GetUserPolicy", {GetPolicy<kUser>, false}},
      {"DeleteUserPolicy", {DeletePolicy<kUser>, true}},
      {"ListUserPolicies", {ListPolicies<kUser>, false}},
      {"AttachUserPolicy", {Attach<kUser>, true}},
      {"DetachUserPolicy", {Detach<kUser>, true}},
      {"ListAttachedUserPolicies", {ListAttached<kUser>, false}},
      {"PutUserPermissionsBoundary", {PutBoundary<kUser>, true}},
      {"DeleteUserPermissionsBoundary", {DeleteBoundary<kUser>, true}},
      {"TagUser", {Tag<kUser>, true}},
      {"UntagUser", {Untag<kUser>, true}},
      {"ListUserTags", {ListTags<kUser>, false}},
      {"CreateAccessKey", {CreateAccessKey, true}},
      {"ListAccessKeys", {ListAccessKeys, false}},
      {"UpdateAccessKey", {UpdateAccessKey, true}},
      {"DeleteAccessKey", {DeleteAccessKey, true}},
  };
  return operations;
}

}  // namespace skep::iam
