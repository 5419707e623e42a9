// Decides whether a request is allowed by the policies that apply to it, and names the policy and
// statement that decided. A pure function: knows no store and no clock (the caller puts
// aws:CurrentTime into the context). An explicit deny wins; within an account one side suffices,
// between accounts both must allow; boundaries and session policies only take away; a policy that
// does not parse denies. Source: IAM User Guide, "Policy evaluation logic" and "Cross-account
// policy evaluation logic".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/policy.h"

namespace skep::identity {

// Values of condition keys, by lower-case key. A key that is not there is not in the request.
using RequestContext = std::map<std::string, std::vector<std::string>, std::less<>>;

// Who asks. For a session of a role: `arn` is the role's, `session_arn` the session's.
struct RequestPrincipal {
  std::string account;      // 12 digits; empty for services
  std::string arn;          // a role's or user's; a federated user's has no own
  std::string id;           // AIDA…, AROA…
  std::string session_arn;  // arn:aws:sts::…; empty = no session
  std::string service;      // redshift.amazonaws.com; the others are empty then
  std::string federated;    // an identity provider's ARN; the others are empty then
  bool role = false;        // a session of a role
};

struct AccessRequest {
  RequestPrincipal principal;
  std::string action;            // "s3:GetObject"
  std::string resource;          // an ARN
  std::string resource_account;  // 12 digits: whose it is
  RequestContext context;
};

// A policy and what to call it. `document` is empty when its text does not parse.
struct AppliedPolicy {
  std::string name;
  std::optional<PolicyDocument> document;
};
AppliedPolicy MakeAppliedPolicy(std::string name, std::string_view text, PolicyUse use);

struct PolicySet {
  std::vector<AppliedPolicy> identity;
  std::optional<std::vector<AppliedPolicy>> boundary;  // absent = none is set
  std::optional<std::vector<AppliedPolicy>> session;   // absent = the session has none
  std::vector<AppliedPolicy> resource;
  // A role's trust policy must allow within an account, too.
  bool resource_must_allow = false;
};

enum class DecidedBy : uint8_t { kExplicitDeny, kAllow, kIdentity, kBoundary, kSession, kResource };

struct Decision {
  bool allowed = false;
  DecidedBy by = DecidedBy::kIdentity;  // of implicit denials: whose allow is missing
  std::string policy;                   // empty when a missing allow decided
  std::string statement;                // its Sid, else its number counted from 1
  std::string reason;                   // "no identity-based policy allows the s3:GetObject action"
};

Decision Evaluate(const AccessRequest& request, const PolicySet& policies);

// True when every condition of a statement holds for the context. Unknown comparisons hold in Deny
// and do not in Allow.
bool ConditionsHold(const PolicyStatement& statement, const RequestContext& context,
                    bool variables);

}  // namespace skep::identity
