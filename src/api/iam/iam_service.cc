#include "api/iam/iam_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/iam/call.h"
#include "base/log.h"
#include "base/text.h"

namespace skep::iam {

using api::Refuse;

namespace {

constexpr size_t kMaxPage = 1000, kDefaultPage = 100, kMaxTags = 50;

const Entry* FindOperation(std::string_view action) {
  for (const auto* table : {&EntityOperations(), &PolicyOperations(), &OidcOperations()}) {
    if (const auto found = table->find(action); found != table->end()) return &found->second;
  }
  return nullptr;
}

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_+=,.@-").find(c) != std::string_view::npos;
}

}  // namespace

std::unexpected<api::Failure> NoSuchEntity(std::string message) {
  return Refuse("NoSuchEntity", std::move(message), 404);
}
std::unexpected<api::Failure> Invalid(std::string message) {
  return Refuse("ValidationError", std::move(message));
}

std::unexpected<api::Failure> Translated(const Error& error, const std::string& what) {
  switch (error.kind) {
    case ErrorKind::kDuplicateObject:
      return Refuse("EntityAlreadyExists", what + " already exists.", 409);
    case ErrorKind::kUndefinedObject:
      return NoSuchEntity(what + " cannot be found.");
    case ErrorKind::kDependentObjects:
      return Refuse("DeleteConflict", error.message, 409);
    default:
      return Refuse("ServiceFailure", error.message, 500);
  }
}

std::string_view NounOf(IamKind kind) { return kind == IamKind::kUser ? "User" : "Role"; }

Answer<void> Call::Allow(const std::string& resource, identity::RequestContext more) const {
  for (const auto& [key, values] : context.conditions) more.emplace(key, values);
  const std::string full = fmt::format("iam:{}", action);
  const identity::Decision decision =
      identity::AccessControl::Decide(subject, full, resource, account(), more);
  if (decision.allowed) return {};
  log::Info("api_access_denied", {{"caller", subject.arn},
                                  {"action", full},
                                  {"resource", resource},
                                  {"policy", decision.policy},
                                  {"statement", decision.statement},
                                  {"decision", decision.reason}});
  return Refuse("AccessDenied",
                fmt::format("User: {} is not authorized to perform: {} on resource: {} {}",
                            subject.arn, full, resource, decision.reason),
                403);
}

Answer<std::string> Call::Name(std::string_view parameter, size_t most) const {
  const std::string name = Text(parameter);
  std::string member(parameter);
  member[0] = Lower(member.substr(0, 1))[0];
  const auto bad = [&](std::string_view constraint) {
    return Invalid(
        fmt::format("1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: "
                    "{}",
                    name.substr(0, 200), member, constraint));
  };
  if (name.empty()) return bad("Member must have length greater than or equal to 1");
  if (name.size() > most)
    return bad(fmt::format("Member must have length less than or equal to {}", most));
  if (!std::ranges::all_of(name, IsNameCharacter))
    return bad("Member must satisfy regular expression pattern: [\\w+=,.@-]+");
  return name;
}

Answer<IamEntity> Call::Entity(IamKind kind, identity::RequestContext more) const {
  const std::string parameter = std::string(NounOf(kind)) + "Name";
  std::string name;
  if (kind == IamKind::kUser && !parameters.Has(parameter)) {
    if (caller.form != identity::CallerIdentity::Form::kUser)
      return Invalid("Must specify userName when calling with non-User credentials");
    name = caller.name;
  } else {
    auto read = Name(parameter, kind == IamKind::kUser ? 128 : 64);
    if (!read) return std::unexpected(read.error());
    name = std::move(*read);
  }
  auto found = store.GetEntity(kind, account(), name);
  if (!found) return Translated(found.error(), name);
  IamEntity unknown;
  unknown.kind = kind;
  unknown.account = account();
  unknown.name = name;
  const IamEntity& entity = *found ? **found : unknown;
  if (!entity.boundary.empty())
    more.emplace("iam:permissionsboundary", std::vector<std::string>{entity.boundary});
  for (const auto& [key, value] : entity.tags) more["aws:resourcetag/" + Lower(key)] = {value};
  // Who may not touch it does not learn whether it is there.
  if (auto allowed = Allow(entity.Arn(), std::move(more)); !allowed)
    return std::unexpected(allowed.error());
  if (!*found) {
    return NoSuchEntity(
        fmt::format("The {} with name {} cannot be found.", Lower(NounOf(kind)), name));
  }
  return std::move(**found);
}

Answer<std::string> Call::Path() const {
  if (!parameters.Has("Path")) return std::string("/");
  const std::string path = Text("Path");
  const bool good =
      path.size() <= 512 && path.starts_with('/') && path.ends_with('/') &&
      path.find("//") == std::string::npos &&
      std::ranges::all_of(path, [](char c) { return c == '/' || IsNameCharacter(c); });
  if (!good || path.starts_with(identity::kReservedPath) ||
      path.starts_with("/aws-service-role/")) {
    return Invalid(fmt::format(
        "The specified value for path is invalid. It must begin and end with / and contain only "
        "alphanumeric characters and/or / characters, and not be a reserved one: {}",
        path.substr(0, 200)));
  }
  return path;
}

Answer<control::IamTags> Call::Tags() const {
  control::IamTags tags = parameters.Pairs("Tags", "Key", "Value");
  if (tags.size() > kMaxTags)
    return Refuse("LimitExceeded", "Cannot exceed quota for TagsPerEntity: 50", 409);
  std::vector<std::string> keys;
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > 128 || value.size() > 256)
      return Invalid("A tag has a key of 1 to 128 and a value of 0 to 256 characters.");
    if (Lower(key).starts_with("aws:"))
      return Refuse("InvalidInput", "Tag keys that begin with aws: are reserved.");
    if (std::ranges::find(keys, Lower(key)) != keys.end())
      return Refuse("InvalidInput",
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    keys.push_back(Lower(key));
  }
  return tags;
}

Answer<std::string> Call::Document(std::string_view parameter, identity::PolicyUse use) const {
  const std::string text = Text(parameter);
  const auto parsed = identity::ParsePolicy(text, use);
  if (!parsed) return Refuse("MalformedPolicyDocument", parsed.error().message);
  if (use != identity::PolicyUse::kTrust) return text;
  // A principal of an account that is here must be there.
  for (const auto& statement : parsed->statements) {
    for (const auto& principal : statement.principals) {
      if (principal.form != identity::PrincipalForm::kArn ||
          !principal.text.starts_with("arn:aws:iam::"))
        continue;
      const std::string owner = principal.text.substr(13, 12);
      const std::string_view resource = std::string_view(principal.text).substr(26);
      if (resource.starts_with("user" + std::string(identity::kReservedPath))) continue;
      const auto known = store.GetAccount(owner);
      if (!known) return Translated(known.error(), owner);
      if (!*known) continue;
      const IamKind kind = resource.starts_with("user/") ? IamKind::kUser : IamKind::kRole;
      const auto entity = store.GetEntity(kind, owner, resource.substr(resource.rfind('/') + 1));
      if (!entity) return Translated(entity.error(), principal.text);
      if (!*entity || (*entity)->Arn() != principal.text) {
        return Refuse("MalformedPolicyDocument",
                      fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", principal.text));
      }
    }
  }
  return text;
}

Answer<control::IamManagedPolicy> Call::Policy() const {
  const std::string arn = Text("PolicyArn");
  if (auto allowed = Allow(arn); !allowed) return std::unexpected(allowed.error());
  const auto missing = [&] { return NoSuchEntity(fmt::format("Policy {} was not found.", arn)); };
  if (const std::string_view document = identity::AwsManagedPolicy(arn); !document.empty()) {
    control::IamManagedPolicy policy;
    policy.account = "aws";
    policy.name = arn.substr(arn.rfind('/') + 1);
    policy.id = "ANPA" + policy.name;
    policy.versions = {{"v1", std::string(document), true, 0}};
    return policy;
  }
  auto found = store.GetPolicy(arn);
  if (!found) return Translated(found.error(), arn);
  if (!*found || (*found)->account != account()) return missing();
  return std::move(**found);
}

std::string Page(const Call& call, std::string_view list,
                 const std::vector<std::pair<std::string, std::string>>& items) {
  size_t most = kDefaultPage;
  if (const std::string* given = call.parameters.Find("MaxItems")) {
    const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), most);
    if (error != std::errc() || end != given->data() + given->size() || most == 0 ||
        most > kMaxPage)
      most = kDefaultPage;
  }
  const std::string marker = call.Text("Marker");
  auto at = items.begin();
  if (!marker.empty()) {
    at = std::ranges::find(items, marker, &std::pair<std::string, std::string>::first);
    if (at != items.end()) ++at;
  }
  XmlWriter xml;
  xml.Open(list);
  std::string out = xml.Take(), last;
  for (size_t n = 0; n < most && at != items.end(); n++, ++at) {
    out += "<member>" + at->second + "</member>";
    last = at->first;
  }
  const bool more = at != items.end();
  xml = XmlWriter();
  xml.Close(list).Element("IsTruncated", more ? "true" : "false");
  if (more) xml.Element("Marker", last);
  return out + xml.Take();
}

void WriteTags(XmlWriter& xml, const control::IamTags& tags) {
  xml.Open("Tags");
  for (const auto& [key, value] : tags)
    xml.Open("member").Element("Key", key).Element("Value", value).Close("member");
  xml.Close("Tags");
}

bool IamService::Knows(std::string_view action) const { return FindOperation(action) != nullptr; }

Answer<std::string> IamService::Call(const api::Context& context, std::string_view action,
                                     const api::QueryParameters& parameters) {
  const Entry* const operation = FindOperation(action);
  if (operation == nullptr || !context.caller.identity)
    return Refuse("InvalidAction", fmt::format("Could not find operation {}", action));
  const identity::CallerIdentity& caller = *context.caller.identity;
  // Source: IAM User Guide, "Comparing the AWS STS API operations": sessions of users and federated
  // users call no IAM operation (there are no MFA devices here).
  if (caller.session && caller.session->form != identity::SessionForm::kRole)
    return Refuse("InvalidClientTokenId", "The security token included in the request is invalid",
                  403);
  std::unique_lock lock(changing_, std::defer_lock);
  if (operation->changes) lock.lock();
  const auto subject = access_.SubjectOf(caller);
  if (!subject) {
    if (subject.error().kind == ErrorKind::kAuthenticationFailed)
      return Refuse("InvalidClientTokenId", subject.error().message, 403);
    return Refuse("ServiceFailure", subject.error().message, 500);
  }
  return operation->run({access_, store_, context, parameters, caller, *subject, action});
}

}  // namespace skep::iam
