// Temporary credentials: an access key that begins with ASIA, its secret, and a session token that
// says whose they are, sealed with a key of the data directory. Nothing is stored, so nothing
// grows; a token that was altered, made elsewhere or belongs to another access key is worth
// nothing. Expiry is checked by whoever opens a token.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"

namespace skep::identity {

using SessionTags = std::vector<std::pair<std::string, std::string>>;

enum class SessionForm : uint8_t { kUser, kRole, kFederated };

// What a session token says.
struct SessionClaims {
  std::string access_key_id;
  SessionForm form = SessionForm::kRole;
  std::string account;
  std::string name;          // the role's or user's
  std::string id;            // AROA…, AIDA…: of the one that was there when the session began
  std::string workspace;     // of a workspace's user: where `name` is one; else empty
  std::string session_name;  // RoleSessionName, or the federated user's name
  std::string policy;        // session policy, JSON; empty = none
  std::vector<std::string> policy_arns;
  SessionTags tags;
  std::vector<std::string> transitive_tags;
  std::string source_identity;
  int64_t issued_s = 0, expires_s = 0;
  bool operator==(const SessionClaims&) const = default;
};

struct SessionCredentials {
  std::string access_key_id;
  Secret secret_access_key;
  std::string session_token;
};

class SessionTokens {
 public:
  // key: 32 random bytes that live as long as the data directory.
  explicit SessionTokens(Secret key) : key_(std::move(key)) {}

  // Makes credentials with a fresh access key; claims.access_key_id is set.
  SessionCredentials Issue(SessionClaims claims) const;
  // nullopt unless the token was sealed here, whole, for this access key.
  std::optional<SessionClaims> Open(std::string_view token, std::string_view access_key_id) const;
  // The secret that goes with an access key that Issue made.
  Secret SecretOf(std::string_view access_key_id) const;

 private:
  Secret key_;
};

// `prefix` and random characters of A–Z and 2–7, as AWS's identifiers: "AROA" + 17, "AKIA" + 16.
std::string NewIamId(std::string_view prefix, size_t characters);

}  // namespace skep::identity
