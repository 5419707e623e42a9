// IAM policy documents: from JSON text to statements that evaluate.h can test. Everything that is
// not understood (an unknown element, operator or principal, a pattern that is no ARN) makes the
// whole document malformed, so that no half of a policy is ever applied. Source: IAM User Guide,
// "Grammar of the IAM JSON policy language" and "IAM JSON policy elements".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::identity {

enum class PolicyUse : uint8_t {
  kIdentity,  // attached to a user or role, a permissions boundary, a session policy
  kTrust,     // who may assume a role: principals, sts: actions, no resources
  kResource,  // on another resource: principals and resources
};

enum class PrincipalForm : uint8_t {
  kAnyone,     // "*"
  kAccount,    // an account's number or arn:…:root: delegates to that account
  kArn,        // a user's, role's or session's ARN
  kId,         // a unique identifier: AIDA…, AROA…
  kService,    // redshift.amazonaws.com
  kFederated,  // an identity provider
};
struct PolicyPrincipal {
  PrincipalForm form = PrincipalForm::kAnyone;
  std::string text;  // kAccount: the 12 digits
  bool operator==(const PolicyPrincipal&) const = default;
};

enum class ConditionOperator : uint8_t {
  kStringEquals,
  kStringNotEquals,
  kStringEqualsIgnoreCase,
  kStringNotEqualsIgnoreCase,
  kStringLike,
  kStringNotLike,
  kNumericEquals,
  kNumericNotEquals,
  kNumericLessThan,
  kNumericLessThanEquals,
  kNumericGreaterThan,
  kNumericGreaterThanEquals,
  kDateEquals,
  kDateNotEquals,
  kDateLessThan,
  kDateLessThanEquals,
  kDateGreaterThan,
  kDateGreaterThanEquals,
  kBool,
  kBinaryEquals,
  kIpAddress,
  kNotIpAddress,
  kArnLike,  // ArnEquals means the same
  kArnNotLike,
  kNull,
};
enum class ConditionSet : uint8_t { kSingle, kForAllValues, kForAnyValue };

// One operator over one key.
struct PolicyCondition {
  ConditionOperator op = ConditionOperator::kStringEquals;
  ConditionSet set = ConditionSet::kSingle;
  bool if_exists = false;
  std::string key;  // lower-case
  std::vector<std::string> values;
};

struct PolicyStatement {
  std::string sid;
  bool allow = false;
  std::vector<PolicyPrincipal> principals;
  bool not_principal = false;
  std::vector<std::string> actions;  // "s3:GetObject", with * and ?
  bool not_action = false;
  std::vector<std::string> resources;  // ARNs with * and ?, or "*"; empty in trust policies
  bool not_resource = false;
  std::vector<PolicyCondition> conditions;
};

struct PolicyDocument {
  bool variables = false;  // Version 2012-10-17: ${…} is replaced
  std::vector<PolicyStatement> statements;
};

// Bytes besides white space: inline policies of a role together, a managed policy, a user's inline
// policies together, a role's trust policy, session policies together. Source: IAM User Guide,
// "IAM and AWS STS quotas".
inline constexpr size_t kMaxRolePoliciesBytes = 10240;
inline constexpr size_t kMaxManagedPolicyBytes = 6144;
inline constexpr size_t kMaxUserPoliciesBytes = 2048;
inline constexpr size_t kMaxTrustPolicyBytes = 2048;
inline constexpr size_t kMaxSessionPoliciesBytes = 2048;

// Bytes of a document that count against a quota: all but white space outside of JSON strings.
size_t PolicyBytes(std::string_view text);

// Errors: kInvalidArgument with what is malformed; kPayloadTooLarge beyond 128 KiB of text.
Result<PolicyDocument> ParsePolicy(std::string_view text, PolicyUse use);

// "StringEquals", "ForAnyValue:StringLikeIfExists": fills op, set and if_exists; false when there
// is no such operator.
bool ReadConditionOperator(std::string_view text, PolicyCondition& condition);

}  // namespace skep::identity
