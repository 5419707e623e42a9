#include "identity/policy.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/text.h"
#include "identity/policy_values.h"

namespace skep::identity {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxTextBytes = 128u << 10;
constexpr int kMaxDepth = 16;
constexpr size_t kMaxStatements = 500;
constexpr size_t kMaxPatternBytes = 2048;

std::unexpected<Error> Malformed(std::string message) {
  return Fail(ErrorKind::kInvalidArgument, std::move(message));
}

constexpr std::array<std::pair<std::string_view, ConditionOperator>, 27> kOperators = {{
    {"StringEquals", ConditionOperator::kStringEquals},
    {"StringNotEquals", ConditionOperator::kStringNotEquals},
    {"StringEqualsIgnoreCase", ConditionOperator::kStringEqualsIgnoreCase},
    {"StringNotEqualsIgnoreCase", ConditionOperator::kStringNotEqualsIgnoreCase},
    {"StringLike", ConditionOperator::kStringLike},
    {"StringNotLike", ConditionOperator::kStringNotLike},
    {"NumericEquals", ConditionOperator::kNumericEquals},
    {"NumericNotEquals", ConditionOperator::kNumericNotEquals},
    {"NumericLessThan", ConditionOperator::kNumericLessThan},
    {"NumericLessThanEquals", ConditionOperator::kNumericLessThanEquals},
    {"NumericGreaterThan", ConditionOperator::kNumericGreaterThan},
    {"NumericGreaterThanEquals", ConditionOperator::kNumericGreaterThanEquals},
    {"DateEquals", ConditionOperator::kDateEquals},
    {"DateNotEquals", ConditionOperator::kDateNotEquals},
    {"DateLessThan", ConditionOperator::kDateLessThan},
    {"DateLessThanEquals", ConditionOperator::kDateLessThanEquals},
    {"DateGreaterThan", ConditionOperator::kDateGreaterThan},
    {"DateGreaterThanEquals", ConditionOperator::kDateGreaterThanEquals},
    {"Bool", ConditionOperator::kBool},
    {"BinaryEquals", ConditionOperator::kBinaryEquals},
    {"IpAddress", ConditionOperator::kIpAddress},
    {"NotIpAddress", ConditionOperator::kNotIpAddress},
    {"ArnEquals", ConditionOperator::kArnLike},
    {"ArnLike", ConditionOperator::kArnLike},
    {"ArnNotEquals", ConditionOperator::kArnNotLike},
    {"ArnNotLike", ConditionOperator::kArnNotLike},
    {"Null", ConditionOperator::kNull},
}};

// Parses JSON that has no member twice (the parser would keep the last, a reader may have seen the
// first) and is not deeper than a policy is.
Result<Json> ParseJson(std::string_view text) {
  std::vector<std::set<std::string>> seen;
  bool repeated = false, deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kMaxDepth) deep = true;
    if (event == Json::parse_event_t::object_start) seen.emplace_back();
    if (event == Json::parse_event_t::object_end && !seen.empty()) seen.pop_back();
    if (event == Json::parse_event_t::key && !seen.empty() &&
        !seen.back().insert(value.get<std::string>()).second)
      repeated = true;
    return true;
  };
  // Counted before the parser sees it: it recurses.
  int open = 0;
  for (const char c : text) {
    if (c == '{' || c == '[') open++;
    if (c == '}' || c == ']') open--;
    if (open > 10 * kMaxDepth) return Malformed("Syntax errors in policy.");
  }
  Json json = Json::parse(text, watch, false);
  if (json.is_discarded() || !json.is_object() || deep)
    return Malformed("Syntax errors in policy.");
  if (repeated) return Malformed("Syntax errors in policy: an element is there twice.");
  return json;
}

// A text or a list of texts; with `scalars` numbers and truth values, too, as their text.
Result<std::vector<std::string>> Texts(const Json& value, std::string_view element, bool scalars) {
  std::vector<std::string> texts;
  const auto add = [&](const Json& one) {
    if (one.is_string()) {
      texts.push_back(one.get<std::string>());
    } else if (scalars && (one.is_boolean() || one.is_number())) {
      texts.push_back(one.dump());
    } else {
      return false;
    }
    return texts.back().size() <= kMaxPatternBytes && texts.back().find('\0') == std::string::npos;
  };
  bool ok = true;
  if (value.is_array()) {
    for (const Json& one : value) ok = ok && add(one);
  } else {
    ok = add(value);
  }
  if (!ok) return Malformed(fmt::format("Policy {} holds what is no text.", element));
  return texts;
}

bool IsAccount(std::string_view text) {
  return text.size() == 12 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Result<PolicyPrincipal> ReadAwsPrincipal(const std::string& text) {
  if (text == "*") return PolicyPrincipal{PrincipalForm::kAnyone, "*"};
  if (IsAccount(text)) return PolicyPrincipal{PrincipalForm::kAccount, text};
  const auto invalid = [&] {
    return Malformed(
        fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", text.substr(0, 200)));
  };
  // No wildcards: a principal is named whole or is everybody.
  if (text.find_first_of("*?$") != std::string::npos) return invalid();
  if ((text.starts_with("AROA") || text.starts_with("AIDA")) && text.size() >= 16 &&
      std::ranges::all_of(text,
                          [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }))
    return PolicyPrincipal{PrincipalForm::kId, text};
  const auto arn = SplitArn(text);
  if (!arn || (*arn)[0] != "aws" || !(*arn)[2].empty() || !IsAccount((*arn)[3])) return invalid();
  const std::string_view service = (*arn)[1], resource = (*arn)[4];
  if (service == "iam" && resource == "root")
    return PolicyPrincipal{PrincipalForm::kAccount, std::string((*arn)[3])};
  const auto names = [&](std::string_view prefix) {
    return resource.starts_with(prefix) && resource.size() > prefix.size();
  };
  if ((service == "iam" && (names("role/") || names("user/"))) ||
      (service == "sts" && (names("assumed-role/") || names("federated-user/"))))
    return PolicyPrincipal{PrincipalForm::kArn, text};
  return invalid();
}

Result<std::vector<PolicyPrincipal>> ReadPrincipals(const Json& value) {
  std::vector<PolicyPrincipal> principals;
  if (value.is_string()) {
    if (value != "*")
      return Malformed("Invalid principal in policy: it is neither \"*\" nor a map.");
    principals.push_back({PrincipalForm::kAnyone, "*"});
    return principals;
  }
  if (!value.is_object() || value.empty()) return Malformed("Invalid principal in policy.");
  for (const auto& [kind, list] : value.items()) {
    SKEP_TRY_ASSIGN(const auto texts, Texts(list, "Principal", false));
    if (texts.empty()) return Malformed("Invalid principal in policy: a list is empty.");
    for (const std::string& text : texts) {
      if (kind == "AWS") {
        SKEP_TRY_ASSIGN(PolicyPrincipal one, ReadAwsPrincipal(text));
        principals.push_back(std::move(one));
      } else if (kind == "Service" || kind == "Federated") {
        if (text.empty() || text.find_first_of("*?$") != std::string::npos) {
          return Malformed(
              fmt::format("Invalid principal in policy: \"{}\":\"{}\"", kind, text.substr(0, 200)));
        }
        principals.push_back(
            {kind == "Service" ? PrincipalForm::kService : PrincipalForm::kFederated, text});
      } else {
        return Malformed(fmt::format("Invalid principal in policy: \"{}\"", kind.substr(0, 200)));
      }
    }
  }
  return principals;
}

bool IsAction(std::string_view text) {
  if (text == "*") return true;
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return std::ranges::all_of(text.substr(0, colon), [&](char c) { return plain(c) || c == '-'; }) &&
         std::ranges::all_of(text.substr(colon + 1),
                             [&](char c) { return plain(c) || c == '*' || c == '?'; });
}

Result<std::vector<std::string>> ReadActions(const Json& value, PolicyUse use) {
  SKEP_TRY_ASSIGN(auto actions, Texts(value, "Action", false));
  if (actions.empty()) return Malformed("Policy statement must contain actions.");
  for (const std::string& action : actions) {
    if (!IsAction(action)) {
      return Malformed(
          action.find(':') == std::string::npos
              ? "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
              : fmt::format("Action \"{}\" is malformed.", action.substr(0, 200)));
    }
    if (use == PolicyUse::kTrust && !Lower(action).starts_with("sts:"))
      return Malformed("AssumeRole policy may only specify STS AssumeRole actions.");
  }
  return actions;
}

Result<std::vector<std::string>> ReadResources(const Json& value) {
  SKEP_TRY_ASSIGN(auto resources, Texts(value, "Resource", false));
  if (resources.empty()) return Malformed("Policy statement must contain resources.");
  for (const std::string& resource : resources) {
    if (resource != "*" && !SplitArn(resource)) {
      return Malformed(
          fmt::format("Resource {} must be in ARN format or \"*\".", resource.substr(0, 200)));
    }
  }
  return resources;
}

// Values that could never be compared make the document malformed.
bool Comparable(ConditionOperator op, const std::string& value) {
  if (value.find("${") != std::string::npos) return true;
  switch (op) {
    case ConditionOperator::kNumericEquals:
    case ConditionOperator::kNumericNotEquals:
    case ConditionOperator::kNumericLessThan:
    case ConditionOperator::kNumericLessThanEquals:
    case ConditionOperator::kNumericGreaterThan:
    case ConditionOperator::kNumericGreaterThanEquals:
      return ReadNumber(value).has_value();
    case ConditionOperator::kDateEquals:
    case ConditionOperator::kDateNotEquals:
    case ConditionOperator::kDateLessThan:
    case ConditionOperator::kDateLessThanEquals:
    case ConditionOperator::kDateGreaterThan:
    case ConditionOperator::kDateGreaterThanEquals:
      return ReadDate(value).has_value();
    case ConditionOperator::kBool:
    case ConditionOperator::kNull:
      return ReadTruth(value).has_value();
    case ConditionOperator::kIpAddress:
    case ConditionOperator::kNotIpAddress:
      return ReadAddressRange(value).has_value();
    default:
      return true;
  }
}

Result<std::vector<PolicyCondition>> ReadConditions(const Json& value) {
  std::vector<PolicyCondition> conditions;
  if (!value.is_object()) return Malformed("Syntax errors in policy: Condition is no map.");
  for (const auto& [op, keys] : value.items()) {
    PolicyCondition model;
    if (!ReadConditionOperator(op, model))
      return Malformed(fmt::format("Invalid Condition type : {}.", op.substr(0, 200)));
    if (!keys.is_object() || keys.empty())
      return Malformed("Syntax errors in policy: a Condition names no key.");
    for (const auto& [key, values] : keys.items()) {
      PolicyCondition condition = model;
      condition.key = Lower(key);
      if (condition.key.find(':') == std::string::npos || condition.key.size() > kMaxPatternBytes)
        return Malformed(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
      SKEP_TRY_ASSIGN(condition.values, Texts(values, "Condition", true));
      if (condition.values.empty())
        return Malformed("Syntax errors in policy: a Condition has no values.");
      for (const std::string& one : condition.values) {
        if (!Comparable(condition.op, one))
          return Malformed(fmt::format("Condition {} cannot compare \"{}\".", op.substr(0, 200),
                                       one.substr(0, 200)));
      }
      conditions.push_back(std::move(condition));
    }
  }
  return conditions;
}

Result<PolicyStatement> ReadStatement(const Json& json, PolicyUse use) {
  static const std::set<std::string> known = {"Sid",          "Effect",      "Principal",
                                              "NotPrincipal", "Action",      "NotAction",
                                              "Resource",     "NotResource", "Condition"};
  if (!json.is_object()) return Malformed("Syntax errors in policy: a Statement is no map.");
  for (const auto& [name, value] : json.items()) {
    if (!known.contains(name))
      return Malformed(
          fmt::format("Syntax errors in policy: unknown element {}.", name.substr(0, 200)));
  }
  PolicyStatement statement;
  if (json.contains("Sid")) {
    if (!json["Sid"].is_string()) return Malformed("Statement IDs (SID) must be texts.");
    statement.sid = json["Sid"].get<std::string>();
    const bool plain = std::ranges::all_of(statement.sid, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    });
    if (use != PolicyUse::kResource && !plain)
      return Malformed("Statement IDs (SID) must be alpha-numeric.");
  }
  if (!json.contains("Effect") || (json["Effect"] != "Allow" && json["Effect"] != "Deny"))
    return Malformed("Policy statement must have an Effect, Allow or Deny.");
  statement.allow = json["Effect"] == "Allow";

  statement.not_action = json.contains("NotAction");
  if (json.contains("Action") == statement.not_action)
    return Malformed("Policy statement must contain actions.");
  SKEP_TRY_ASSIGN(statement.actions,
                  ReadActions(json[statement.not_action ? "NotAction" : "Action"], use));

  statement.not_resource = json.contains("NotResource");
  const bool has_resource = json.contains("Resource");
  if (use == PolicyUse::kTrust) {
    if (has_resource || statement.not_resource) return Malformed("Has prohibited field Resource.");
  } else if (has_resource == statement.not_resource) {
    return Malformed("Policy statement must contain resources.");
  } else {
    SKEP_TRY_ASSIGN(statement.resources,
                    ReadResources(json[statement.not_resource ? "NotResource" : "Resource"]));
  }

  statement.not_principal = json.contains("NotPrincipal");
  const bool has_principal = json.contains("Principal");
  if (use == PolicyUse::kIdentity) {
    if (has_principal || statement.not_principal)
      return Malformed("Policy document should not specify a principal.");
  } else if (has_principal == statement.not_principal) {
    return Malformed("Policy statement must contain a principal.");
  } else {
    if (statement.not_principal && statement.allow)
      return Malformed("Allow with NotPrincipal is not allowed.");
    SKEP_TRY_ASSIGN(statement.principals,
                    ReadPrincipals(json[statement.not_principal ? "NotPrincipal" : "Principal"]));
  }
  if (json.contains("Condition")) {
    SKEP_TRY_ASSIGN(statement.conditions, ReadConditions(json["Condition"]));
  }
  return statement;
}

}  // namespace

size_t PolicyBytes(std::string_view text) {
  size_t bytes = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (quoted && c == '\\') {
      bytes += 2;
      i++;
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (quoted || (c != ' ' && c != '\t' && c != '\r' && c != '\n')) bytes++;
  }
  return bytes;
}

bool ReadConditionOperator(std::string_view text, PolicyCondition& condition) {
  constexpr std::string_view kAll = "ForAllValues:", kAny = "ForAnyValue:", kIf = "IfExists";
  condition.set = ConditionSet::kSingle;
  if (text.starts_with(kAll)) {
    condition.set = ConditionSet::kForAllValues;
    text.remove_prefix(kAll.size());
  } else if (text.starts_with(kAny)) {
    condition.set = ConditionSet::kForAnyValue;
    text.remove_prefix(kAny.size());
  }
  condition.if_exists = text.ends_with(kIf);
  if (condition.if_exists) text.remove_suffix(kIf.size());
  const auto found =
      std::ranges::find(kOperators, text, &std::pair<std::string_view, ConditionOperator>::first);
  if (found == kOperators.end()) return false;
  condition.op = found->second;
  // Whether a key is there cannot be asked if it is there.
  return condition.op != ConditionOperator::kNull || !condition.if_exists;
}

Result<PolicyDocument> ParsePolicy(std::string_view text, PolicyUse use) {
  if (text.size() > kMaxTextBytes)
    return Fail(ErrorKind::kPayloadTooLarge, "The policy document is too long.");
  SKEP_TRY_ASSIGN(const Json json, ParseJson(text));
  PolicyDocument document;
  for (const auto& [name, value] : json.items()) {
    if (name == "Version") {
      if (value != "2012-10-17" && value != "2008-10-17")
        return Malformed("The policy's Version is neither 2012-10-17 nor 2008-10-17.");
      document.variables = value == "2012-10-17";
    } else if (name == "Id") {
      if (!value.is_string()) return Malformed("Syntax errors in policy: Id is no text.");
    } else if (name != "Statement") {
      return Malformed(
          fmt::format("Syntax errors in policy: unknown element {}.", name.substr(0, 200)));
    }
  }
  if (!json.contains("Statement"))
    return Malformed("Syntax errors in policy: there is no Statement.");
  const Json& list = json["Statement"];
  if (list.is_array()) {
    if (list.empty() || list.size() > kMaxStatements)
      return Malformed("Syntax errors in policy: there is no Statement, or too many.");
    for (const Json& one : list) {
      SKEP_TRY_ASSIGN(PolicyStatement statement, ReadStatement(one, use));
      document.statements.push_back(std::move(statement));
    }
  } else {
    SKEP_TRY_ASSIGN(PolicyStatement statement, ReadStatement(list, use));
    document.statements.push_back(std::move(statement));
  }
  std::set<std::string_view> sids;
  for (const PolicyStatement& statement : document.statements) {
    if (!statement.sid.empty() && !sids.insert(statement.sid).second)
      return Malformed("Statement IDs (SID) in a single policy must be unique.");
  }
  return document;
}

}  // namespace skep::identity
