// Whether a catalog's resource policy lets another account in: Effect, Principal, Action and
// Resource of its statements with wildcards, Deny before Allow. Conditions are not evaluated: an
// Allow that has one does not allow, a Deny that has one denies.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/context.h"

namespace skep::glue {

struct PolicyQuestion {
  std::string account;    // of the caller, 12 digits
  std::string principal;  // the caller's ARN
  std::string action;     // glue:GetTable
};

// All resources must be allowed, none denied. A policy that cannot be read allows nothing.
bool ResourcePolicyAllows(std::string_view policy, const PolicyQuestion& question,
                          std::span<const std::string> resources);

// Failure: InvalidInputException (no JSON object, no statements, a statement without Effect,
// Principal, Action or Resource).
api::Answer<void> CheckResourcePolicy(std::string_view policy);

}  // namespace skep::glue
