// Tokens that OpenID Connect issuers sign: reads them, and proves their signature with the issuer's
// keys. Which key and which algorithm is decided by the key set, never by the token alone: only
// RS256/384/512 with RSA keys of 2,048 bits or more and ES256/384 with their curve are known. Pure
// functions. Source: RFC 7515, 7517, 7518 and 7519.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::identity {

// A token whose signature nobody has looked at.
struct JsonWebToken {
  std::string algorithm, key_id;  // of the header
  nlohmann::json claims;          // an object
  std::string signed_text;        // header.payload as sent
  std::string signature;          // raw bytes
};

inline constexpr size_t kMaxTokenBytes = 20'000;  // STS takes 4 to 20,000 characters

// Errors: kInvalidArgument with what is wrong.
Result<JsonWebToken> ReadJsonWebToken(std::string_view text);

// A public key of an issuer.
struct JsonWebKey {
  std::string key_id, algorithm;  // either may be empty
  std::string type;               // "RSA", "EC"
  std::string curve;              // "P-256", "P-384"
  std::string n, e, x, y;         // raw bytes
};

// Keys of a set that can be used for signatures; others are passed over. Errors: kInvalidArgument
// (no key set, or more than 100 keys).
Result<std::vector<JsonWebKey>> ReadJsonWebKeys(std::string_view text);

// The keys that may have signed the token: of its kid when it names one.
std::vector<JsonWebKey> KeysFor(const std::vector<JsonWebKey>& keys, const JsonWebToken& token);

// Whether the key signed it, with an algorithm that is the key's.
bool IsSignedBy(const JsonWebToken& token, const JsonWebKey& key);

// Base64url without padding; nullopt for anything else.
std::optional<std::string> Base64UrlDecode(std::string_view text);

}  // namespace skep::identity
