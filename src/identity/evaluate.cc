#include "identity/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "identity/policy_values.h"

namespace skep::identity {
namespace {

// kUnknown: it cannot be compared; in Deny that counts as true, in Allow as false.
enum class Truth : uint8_t { kFalse, kTrue, kUnknown };

Truth Of(bool value) { return value ? Truth::kTrue : Truth::kFalse; }
Truth Not(Truth value) { return value == Truth::kUnknown ? value : Of(value == Truth::kFalse); }

// A policy's text with its variables replaced; nullopt when one has no single value and no default.
// Values are taken literally: a * in a tag is no wildcard. Source: "IAM policy elements: Variables
// and tags".
std::optional<Pattern> Substitute(std::string_view text, const RequestContext& context,
                                  bool variables, bool wildcards) {
  Pattern out;
  const auto literal = [&](std::string_view part) {
    for (const char c : part) out.push_back(static_cast<unsigned char>(c));
  };
  const auto plain = [&](std::string_view part) {
    if (!wildcards) return literal(part);
    const Pattern pattern = WildcardPattern(part);
    out.insert(out.end(), pattern.begin(), pattern.end());
  };
  while (true) {
    const size_t begin = variables ? text.find("${") : std::string_view::npos;
    plain(text.substr(0, begin));
    if (begin == std::string_view::npos) return out;
    text.remove_prefix(begin + 2);
    const size_t end = text.find('}');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view name = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (name == "*" || name == "?" || name == "$") {
      literal(name);
      continue;
    }
    std::optional<std::string_view> fallback;
    if (const size_t comma = name.find(','); comma != std::string_view::npos) {
      std::string_view quoted = name.substr(comma + 1);
      while (quoted.starts_with(' ')) quoted.remove_prefix(1);
      while (quoted.ends_with(' ')) quoted.remove_suffix(1);
      if (quoted.size() < 2 || quoted.front() != '\'' || quoted.back() != '\'') return std::nullopt;
      fallback = quoted.substr(1, quoted.size() - 2);
      name = name.substr(0, comma);
    }
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    const auto found = context.find(Lower(name));
    if (found != context.end() && found->second.size() == 1) {
      literal(found->second[0]);
    } else if (found == context.end() && fallback) {
      literal(*fallback);
    } else {
      return std::nullopt;
    }
  }
}

std::string TextOf(const Pattern& literal) {
  std::string text;
  for (const uint16_t c : literal) text += static_cast<char>(c);
  return text;
}

bool IsNegated(ConditionOperator op) {
  switch (op) {
    case ConditionOperator::kStringNotEquals:
    case ConditionOperator::kStringNotEqualsIgnoreCase:
    case ConditionOperator::kStringNotLike:
    case ConditionOperator::kNumericNotEquals:
    case ConditionOperator::kDateNotEquals:
    case ConditionOperator::kNotIpAddress:
    case ConditionOperator::kArnNotLike:
      return true;
    default:
      return false;
  }
}

Truth Compare(std::optional<double> given, std::optional<double> wanted, ConditionOperator op) {
  if (!given || !wanted) return Truth::kUnknown;
  switch (op) {
    case ConditionOperator::kNumericLessThan:
    case ConditionOperator::kDateLessThan:
      return Of(*given < *wanted);
    case ConditionOperator::kNumericLessThanEquals:
    case ConditionOperator::kDateLessThanEquals:
      return Of(*given <= *wanted);
    case ConditionOperator::kNumericGreaterThan:
    case ConditionOperator::kDateGreaterThan:
      return Of(*given > *wanted);
    case ConditionOperator::kNumericGreaterThanEquals:
    case ConditionOperator::kDateGreaterThanEquals:
      return Of(*given >= *wanted);
    default:
      return Of(*given == *wanted);
  }
}

// One value of the request against one of the policy; for negated operators, as if they were not.
Truth TestOne(ConditionOperator op, const std::string& given, const std::string& wanted,
              const RequestContext& context, bool variables) {
  const bool wildcards = op == ConditionOperator::kStringLike ||
                         op == ConditionOperator::kStringNotLike ||
                         op == ConditionOperator::kArnLike || op == ConditionOperator::kArnNotLike;
  const auto pattern = Substitute(wanted, context, variables, wildcards);
  if (!pattern) return Truth::kUnknown;
  switch (op) {
    case ConditionOperator::kStringEquals:
    case ConditionOperator::kStringNotEquals:
    case ConditionOperator::kBinaryEquals:
    case ConditionOperator::kStringLike:
    case ConditionOperator::kStringNotLike:
      return Of(Matches(*pattern, given, false));
    case ConditionOperator::kStringEqualsIgnoreCase:
    case ConditionOperator::kStringNotEqualsIgnoreCase:
      return Of(Matches(*pattern, given, true));
    case ConditionOperator::kArnLike:
    case ConditionOperator::kArnNotLike:
      return Of(MatchesArn(*pattern, given));
    case ConditionOperator::kBool: {
      const auto one = ReadTruth(given), other = ReadTruth(TextOf(*pattern));
      return one && other ? Of(*one == *other) : Truth::kUnknown;
    }
    case ConditionOperator::kIpAddress:
    case ConditionOperator::kNotIpAddress: {
      const auto range = ReadAddressRange(TextOf(*pattern)), address = ReadAddressRange(given);
      return range && address ? Of(Covers(*range, *address)) : Truth::kUnknown;
    }
    case ConditionOperator::kNumericEquals:
    case ConditionOperator::kNumericNotEquals:
    case ConditionOperator::kNumericLessThan:
    case ConditionOperator::kNumericLessThanEquals:
    case ConditionOperator::kNumericGreaterThan:
    case ConditionOperator::kNumericGreaterThanEquals:
      return Compare(ReadNumber(given), ReadNumber(TextOf(*pattern)), op);
    case ConditionOperator::kDateEquals:
    case ConditionOperator::kDateNotEquals:
    case ConditionOperator::kDateLessThan:
    case ConditionOperator::kDateLessThanEquals:
    case ConditionOperator::kDateGreaterThan:
    case ConditionOperator::kDateGreaterThanEquals:
      return Compare(ReadDate(given), ReadDate(TextOf(*pattern)), op);
    case ConditionOperator::kNull:
      break;
  }
  return Truth::kUnknown;
}

// One value of the request against all of the policy: any of them for plain operators, none of them
// for negated ones.
Truth TestValue(const PolicyCondition& condition, const std::string& given,
                const RequestContext& context, bool variables) {
  Truth any = Truth::kFalse;
  for (const std::string& wanted : condition.values) {
    const Truth one = TestOne(condition.op, given, wanted, context, variables);
    if (one == Truth::kTrue) {
      any = Truth::kTrue;
      break;
    }
    if (one == Truth::kUnknown) any = Truth::kUnknown;
  }
  return IsNegated(condition.op) ? Not(any) : any;
}

Truth TestCondition(const PolicyCondition& condition, const RequestContext& context,
                    bool variables) {
  const auto found = context.find(condition.key);
  const bool absent = found == context.end() || found->second.empty();
  if (condition.op == ConditionOperator::kNull) {
    return Of(std::ranges::any_of(
        condition.values, [&](const std::string& value) { return ReadTruth(value) == absent; }));
  }
  if (absent) {
    if (condition.if_exists) return Truth::kTrue;
    if (condition.set == ConditionSet::kForAllValues) return Truth::kTrue;
    if (condition.set == ConditionSet::kForAnyValue) return Truth::kFalse;
    return Of(IsNegated(condition.op));
  }
  const std::vector<std::string>& given = found->second;
  // Only ForAllValues and ForAnyValue say what several values mean.
  if (condition.set == ConditionSet::kSingle && given.size() > 1) return Truth::kUnknown;
  const bool all = condition.set == ConditionSet::kForAllValues;
  Truth result = Of(all);
  for (const std::string& value : given) {
    const Truth one = TestValue(condition, value, context, variables);
    if (one == Of(!all)) return one;
    if (one == Truth::kUnknown) result = one;
  }
  return result;
}

bool MatchesAction(const PolicyStatement& statement, std::string_view action) {
  const bool named = std::ranges::any_of(statement.actions, [&](const std::string& pattern) {
    return Matches(WildcardPattern(pattern), action, true);
  });
  return named != statement.not_action;
}

bool MatchesResource(const PolicyStatement& statement, const AccessRequest& request,
                     bool variables) {
  if (statement.resources.empty()) return true;  // a trust policy speaks of its own role
  bool named = false, unknown = false;
  for (const std::string& resource : statement.resources) {
    const auto pattern = Substitute(resource, request.context, variables, true);
    if (!pattern) {
      unknown = true;
    } else if (MatchesArn(*pattern, request.resource)) {
      named = true;
    }
  }
  if (statement.not_resource) return statement.allow ? !named && !unknown : !named;
  return named || (unknown && !statement.allow);
}

// How a statement of a resource's policy names the caller; higher reaches further.
enum class Grant : uint8_t { kNone, kAccount, kPrincipal, kSession };

bool IsAccountOf(const RequestPrincipal& principal, const PolicyPrincipal& named) {
  return named.form == PrincipalForm::kAccount && !principal.account.empty() &&
         named.text == principal.account;
}

Grant GrantOf(const PolicyStatement& statement, const RequestPrincipal& principal) {
  Grant best = Grant::kNone;
  for (const PolicyPrincipal& named : statement.principals) {
    Grant grant = Grant::kNone;
    switch (named.form) {
      case PrincipalForm::kAnyone:
        // Whom a provider vouches for, a policy must name the provider.
        if (principal.federated.empty()) grant = Grant::kPrincipal;
        break;
      case PrincipalForm::kAccount:
        if (IsAccountOf(principal, named)) grant = Grant::kAccount;
        break;
      case PrincipalForm::kArn:
        if (!principal.arn.empty() && named.text == principal.arn) grant = Grant::kPrincipal;
        if (!principal.session_arn.empty() && named.text == principal.session_arn)
          grant = Grant::kSession;
        break;
      case PrincipalForm::kId:
        if (!principal.id.empty() && named.text == principal.id) grant = Grant::kPrincipal;
        break;
      case PrincipalForm::kService:
        if (!principal.service.empty() && named.text == principal.service) grant = Grant::kSession;
        break;
      case PrincipalForm::kFederated:
        if (!principal.federated.empty() && named.text == principal.federated)
          grant = Grant::kSession;
        break;
    }
    best = std::max(best, grant);
  }
  return best;
}

// NotPrincipal spares a caller only when its account, its ARN and its session are all listed.
bool SparedByNotPrincipal(const PolicyStatement& statement, const RequestPrincipal& principal) {
  const auto listed = [&](PrincipalForm form, const std::string& text) {
    return text.empty() || std::ranges::find(statement.principals, PolicyPrincipal{form, text}) !=
                               statement.principals.end();
  };
  const bool anyone =
      std::ranges::find(statement.principals, PolicyPrincipal{PrincipalForm::kAnyone, "*"}) !=
      statement.principals.end();
  return anyone || (listed(PrincipalForm::kAccount, principal.account) &&
                    listed(PrincipalForm::kArn, principal.arn) &&
                    listed(PrincipalForm::kArn, principal.session_arn) &&
                    listed(PrincipalForm::kService, principal.service) &&
                    listed(PrincipalForm::kFederated, principal.federated));
}

struct Found {
  const AppliedPolicy* policy = nullptr;
  std::string statement;
  Grant grant = Grant::kNone;  // in a resource's policy
};

std::string NameOf(const PolicyStatement& statement, size_t index) {
  return statement.sid.empty() ? std::to_string(index + 1) : statement.sid;
}

// Whether a statement applies; `resource` asks for the caller among its principals.
Grant Applies(const PolicyStatement& statement, const AccessRequest& request, bool variables,
              bool resource) {
  if (!MatchesAction(statement, request.action)) return Grant::kNone;
  if (!MatchesResource(statement, request, variables)) return Grant::kNone;
  Grant grant = Grant::kPrincipal;
  if (resource) {
    if (statement.not_principal) {
      if (SparedByNotPrincipal(statement, request.principal)) return Grant::kNone;
      if (statement.allow && !request.principal.federated.empty()) return Grant::kNone;
    } else {
      grant = GrantOf(statement, request.principal);
    }
  }
  if (grant == Grant::kNone) return grant;
  return ConditionsHold(statement, request.context, variables) ? grant : Grant::kNone;
}

// The first explicit deny of a layer, or nothing. A policy that does not parse denies.
std::optional<Found> FindDeny(const std::vector<AppliedPolicy>& layer, const AccessRequest& request,
                              bool resource) {
  for (const AppliedPolicy& policy : layer) {
    if (!policy.document) return Found{&policy, "malformed", Grant::kNone};
    const auto& statements = policy.document->statements;
    for (size_t i = 0; i < statements.size(); i++) {
      if (statements[i].allow) continue;
      const Grant grant = Applies(statements[i], request, policy.document->variables, resource);
      if (grant != Grant::kNone) return Found{&policy, NameOf(statements[i], i), grant};
    }
  }
  return std::nullopt;
}

// The allow of a layer that reaches furthest, or nothing.
std::optional<Found> FindAllow(const std::vector<AppliedPolicy>& layer,
                               const AccessRequest& request, bool resource) {
  std::optional<Found> best;
  for (const AppliedPolicy& policy : layer) {
    if (!policy.document) continue;
    const auto& statements = policy.document->statements;
    for (size_t i = 0; i < statements.size(); i++) {
      if (!statements[i].allow) continue;
      const Grant grant = Applies(statements[i], request, policy.document->variables, resource);
      if (grant == Grant::kNone || (best && best->grant >= grant)) continue;
      best = Found{&policy, NameOf(statements[i], i), grant};
    }
  }
  return best;
}

Decision Denied(const Found& found, std::string_view layer) {
  Decision decision;
  decision.by = DecidedBy::kExplicitDeny;
  decision.policy = found.policy->name;
  decision.statement = found.statement;
  decision.reason = found.policy->document ? fmt::format("with an explicit deny in {}", layer)
                                           : fmt::format("because {} is malformed", layer);
  return decision;
}

Decision Missing(DecidedBy by, std::string_view layer, const AccessRequest& request) {
  Decision decision;
  decision.by = by;
  decision.reason = fmt::format("because no {} allows the {} action", layer, request.action);
  return decision;
}

Decision Allowed(const Found& found) {
  Decision decision;
  decision.allowed = true;
  decision.by = DecidedBy::kAllow;
  decision.policy = found.policy->name;
  decision.statement = found.statement;
  return decision;
}

}  // namespace

AppliedPolicy MakeAppliedPolicy(std::string name, std::string_view text, PolicyUse use) {
  AppliedPolicy policy{std::move(name), std::nullopt};
  if (auto parsed = ParsePolicy(text, use)) policy.document = std::move(*parsed);
  return policy;
}

bool ConditionsHold(const PolicyStatement& statement, const RequestContext& context,
                    bool variables) {
  return std::ranges::all_of(statement.conditions, [&](const PolicyCondition& condition) {
    const Truth truth = TestCondition(condition, context, variables);
    return truth == Truth::kTrue || (truth == Truth::kUnknown && !statement.allow);
  });
}

Decision Evaluate(const AccessRequest& request, const PolicySet& policies) {
  // What takes away.
  if (const auto deny = FindDeny(policies.identity, request, false))
    return Denied(*deny, "an identity-based policy");
  if (const auto deny = FindDeny(policies.resource, request, true))
    return Denied(*deny, "a resource-based policy");
  if (policies.boundary) {
    if (const auto deny = FindDeny(*policies.boundary, request, false))
      return Denied(*deny, "a permissions boundary");
  }
  if (policies.session) {
    if (const auto deny = FindDeny(*policies.session, request, false))
      return Denied(*deny, "a session policy");
  }

  // What gives.
  const auto granted = FindAllow(policies.resource, request, true);
  const Grant grant = granted ? granted->grant : Grant::kNone;
  if (!request.principal.service.empty() || !request.principal.federated.empty()) {
    return granted ? Allowed(*granted)
                   : Missing(DecidedBy::kResource, "resource-based policy", request);
  }
  const bool same_account = request.principal.account == request.resource_account;
  if ((!same_account || policies.resource_must_allow) && grant == Grant::kNone)
    return Missing(DecidedBy::kResource, "resource-based policy", request);
  if (same_account && grant == Grant::kSession) return Allowed(*granted);
  const bool named = same_account && grant == Grant::kPrincipal;
  // A user that the resource names needs nothing of its own; a session stays within its limits.
  if (named && !request.principal.role && !policies.session) return Allowed(*granted);

  const auto own = FindAllow(policies.identity, request, false);
  if (!own && !named) return Missing(DecidedBy::kIdentity, "identity-based policy", request);
  if (policies.boundary && !FindAllow(*policies.boundary, request, false))
    return Missing(DecidedBy::kBoundary, "permissions boundary", request);
  if (policies.session && !FindAllow(*policies.session, request, false))
    return Missing(DecidedBy::kSession, "session policy", request);
  return Allowed(own ? *own : *granted);
}

}  // namespace skep::identity
