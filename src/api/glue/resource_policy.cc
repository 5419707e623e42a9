#include "api/glue/resource_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace skep::glue {
namespace {

using api::Json;

// * stands for any characters, ? for one.
bool Like(std::string_view text, std::string_view pattern) {
  size_t t = 0, p = 0, star = std::string_view::npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      p++;
      t++;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') p++;
  return p == pattern.size();
}

// A string or a list of strings.
std::vector<std::string> Listed(const Json& json) {
  if (json.is_string()) return {json.get<std::string>()};
  std::vector<std::string> out;
  if (json.is_array()) {
    for (const Json& one : json) {
      if (one.is_string()) out.push_back(one.get<std::string>());
    }
  }
  return out;
}

std::vector<Json> StatementsOf(const Json& policy) {
  const auto found = policy.find("Statement");
  if (found == policy.end()) return {};
  if (found->is_object()) return {*found};
  return found->is_array() ? found->get<std::vector<Json>>() : std::vector<Json>();
}

bool Names(const Json& statement, const PolicyQuestion& question) {
  const auto found = statement.find("Principal");
  if (found == statement.end()) return false;
  if (*found == "*") return true;
  if (!found->is_object() || !found->contains("AWS")) return false;
  return std::ranges::any_of(Listed((*found)["AWS"]), [&](const std::string& principal) {
    return principal == "*" || principal == question.account ||
           principal == "arn:aws:iam::" + question.account + ":root" ||
           principal == question.principal;
  });
}

bool Covers(const Json& statement, const PolicyQuestion& question, const std::string& resource) {
  const auto actions = Listed(statement.value("Action", Json()));
  const auto resources = Listed(statement.value("Resource", Json()));
  return std::ranges::any_of(
             actions,
             [&](const std::string& a) { return Like(Lower(question.action), Lower(a)); }) &&
         std::ranges::any_of(resources, [&](const std::string& r) { return Like(resource, r); });
}

}  // namespace

bool ResourcePolicyAllows(std::string_view policy, const PolicyQuestion& question,
                          std::span<const std::string> resources) {
  const Json json = Json::parse(policy, nullptr, false);
  if (!json.is_object()) return false;
  const auto statements = StatementsOf(json);
  return std::ranges::all_of(resources, [&](const std::string& resource) {
    bool allowed = false;
    for (const Json& statement : statements) {
      if (!statement.is_object() || !Names(statement, question) ||
          !Covers(statement, question, resource))
        continue;
      const std::string effect = statement.value("Effect", std::string());
      if (effect == "Deny") return false;
      allowed = allowed || (effect == "Allow" && !statement.contains("Condition"));
    }
    return allowed;
  });
}

api::Answer<void> CheckResourcePolicy(std::string_view policy) {
  const auto invalid = [](const std::string& why) {
    return api::Refuse("InvalidInputException", fmt::format("Policy is not valid: {}", why));
  };
  const Json json = Json::parse(policy, nullptr, false);
  if (!json.is_object()) return invalid("it is no JSON object.");
  const auto statements = StatementsOf(json);
  if (statements.empty()) return invalid("it has no Statement.");
  for (const Json& statement : statements) {
    if (!statement.is_object()) return invalid("a Statement is no object.");
    const auto effect = statement.find("Effect");
    if (effect == statement.end() || (*effect != "Allow" && *effect != "Deny"))
      return invalid("Effect must be Allow or Deny.");
    if (!statement.contains("Principal")) return invalid("a Statement has no Principal.");
    for (const char* member : {"Action", "Resource"}) {
      if (Listed(statement.value(member, Json())).empty())
        return invalid(fmt::format("a Statement has no {}.", member));
    }
  }
  return {};
}

}  // namespace skep::glue
