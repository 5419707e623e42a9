#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/glue/operations.h"
#include "api/glue/resource_policy.h"

namespace skep::glue {
namespace {

constexpr const char* kKind = "resource_policy";
constexpr size_t kMaxPolicyBytes = 10 * 1024;

// The catalog's own policy has no ARN, or the catalog's.
Answer<std::string> ResourceOf(const CallState& call) {
  const std::string arn = Text(call.request, "ResourceArn");
  if (arn.empty() || arn == call.Arn("catalog")) return std::string();
  if (!arn.starts_with(call.Arn("")))
    return InvalidInput(fmt::format("Resource {} is not of this catalog.", arn));
  return arn;
}

Json PolicyOf(const control::GlueObject& object) {
  Json json = Stored(object.json);
  json["PolicyHash"] = Base64Encode(Md5(Text(json, "PolicyInJson")));
  return json;
}

Answer<std::optional<control::GlueObject>> Find(const CallState& call) {
  const auto resource = ResourceOf(call);
  if (!resource) return std::unexpected(resource.error());
  auto found = call.Glue().GetObject(call.catalog, kKind, "", *resource);
  if (!found) return Translated(found.error());
  return std::move(*found);
}

std::unexpected<Failure> Differs(const std::string& message) {
  return Refuse("ConditionCheckFailureException", message);
}

Answer<void> CheckHash(const CallState& call, const control::GlueObject& policy) {
  const std::string wanted = Text(call.request, "PolicyHashCondition");
  if (wanted.empty() || wanted == Text(PolicyOf(policy), "PolicyHash")) return {};
  return Differs("The policy has another hash.");
}

Answer<Json> PutResourcePolicy(const CallState& call) {
  const std::string policy = Text(call.request, "PolicyInJson");
  if (policy.size() > kMaxPolicyBytes)
    return InvalidInput(fmt::format("A policy has at most {} bytes.", kMaxPolicyBytes));
  if (auto checked = CheckResourcePolicy(policy); !checked) return std::unexpected(checked.error());
  const auto resource = ResourceOf(call);
  if (!resource) return std::unexpected(resource.error());
  const auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  const std::string exists = Text(call.request, "PolicyExistsCondition");
  if (exists == "NOT_EXIST" && *found) return Differs("The policy exists already.");
  if (exists == "MUST_EXIST" && !*found) return Differs("The policy does not exist.");
  if (*found) {
    if (auto checked = CheckHash(call, **found); !checked) return std::unexpected(checked.error());
  } else if (call.request.contains("PolicyHashCondition")) {
    return Differs("The policy does not exist.");
  }
  Json json = {{"PolicyInJson", policy}, {"CreateTime", call.now}, {"UpdateTime", call.now}};
  if (*found) json["CreateTime"] = Stored((*found)->json).value("CreateTime", call.now);
  const control::GlueObject object{call.catalog, kKind, "", *resource, Dump(json)};
  if (const auto put = call.Glue().PutObject(object); !put) return Translated(put.error());
  return Json{{"PolicyHash", PolicyOf(object)["PolicyHash"]}};
}

Answer<Json> GetResourcePolicy(const CallState& call) {
  const auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  if (!*found) return NotFound("Policy not found.");
  return PolicyOf(**found);
}

Answer<Json> GetResourcePolicies(const CallState& call) {
  auto found = call.Glue().ListObjects(call.catalog, kKind, "");
  if (!found) return Translated(found.error());
  Json out = {{"GetResourcePoliciesResponseList", Json::array()}};
  auto page = Page(std::move(*found), call.request, kDefaultPage, out,
                   [](const auto& p) { return Json(p.name); });
  if (!page) return std::unexpected(page.error());
  for (const auto& policy : *page)
    out["GetResourcePoliciesResponseList"].push_back(PolicyOf(policy));
  return out;
}

Answer<Json> DeleteResourcePolicy(const CallState& call) {
  const auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  if (!*found) return NotFound("Policy not found.");
  if (auto checked = CheckHash(call, **found); !checked) return std::unexpected(checked.error());
  const auto deleted = call.Glue().DeleteObject(call.catalog, kKind, "", (*found)->name);
  if (!deleted) return Translated(deleted.error());
  return Json::object();
}

constexpr auto kOperations = std::to_array<Operation>({
    {"PutResourcePolicy", PutResourcePolicy, true},
    {"GetResourcePolicy", GetResourcePolicy},
    {"GetResourcePolicies", GetResourcePolicies},
    {"DeleteResourcePolicy", DeleteResourcePolicy, true},
});

}  // namespace

std::span<const Operation> PolicyOperations() { return kOperations; }

}  // namespace skep::glue
