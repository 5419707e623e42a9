// Who a token of an OpenID Connect issuer speaks of, once issuer, signature, audience and times are
// proven; and whether a role's trust policy lets that one assume it. Source: STS API Reference,
// "AssumeRoleWithWebIdentity"; IAM User Guide, "Available keys for AWS OIDC federation"; OpenID
// Connect Core 1.0, section 3.1.3.7.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control/iam_store.h"
#include "identity/access_control.h"
#include "identity/issuer_keys.h"

namespace skep::identity {

struct WebIdentity {
  std::string provider;    // the provider's ARN
  std::string issuer;      // without https://
  std::string subject;     // sub
  std::string audience;    // the client id that the provider knows
  RequestContext context;  // issuer:aud, issuer:sub, …
  SessionTags tags;        // https://aws.amazon.com/tags
  std::vector<std::string> transitive_tags;
};

enum class TokenFault : uint8_t {
  kNone,
  kInvalid,      // InvalidIdentityToken
  kExpired,      // ExpiredTokenException
  kRejected,     // IDPRejectedClaim
  kUnreachable,  // IDPCommunicationError
  kInternal,     // the store failed
};
struct WebIdentityAnswer {
  WebIdentity identity;
  TokenFault fault = TokenFault::kNone;
  std::string message;
};

// Proves a token for an account's providers. `now_s`: seconds since the epoch. Blocks.
WebIdentityAnswer ProveWebIdentity(std::string_view token, const std::string& account,
                                   control::IamStore& store, IssuerKeys& keys, int64_t now_s);

// Whether the role's trust policy lets the identity assume it (and tag the session).
Decision MayAssumeWithWebIdentity(const WebIdentity& identity, const control::IamEntity& role,
                                  const std::string& session_name, const RequestContext& more);

}  // namespace skep::identity
