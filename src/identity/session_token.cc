#include "identity/session_token.h"

#include <nlohmann/json.hpp>

#include "base/crypto.h"

namespace skep::identity {
namespace {

using Json = nlohmann::json;

constexpr char kVersion = '\x01';
constexpr size_t kMacBytes = 32;
constexpr size_t kMaxTokenBytes = 60'000;

Json ToJson(const SessionClaims& c) {
  return {{"k", c.access_key_id},
          {"f", static_cast<int>(c.form)},
          {"a", c.account},
          {"n", c.name},
          {"i", c.id},
          {"w", c.workspace},
          {"s", c.session_name},
          {"p", c.policy},
          {"r", c.policy_arns},
          {"t", c.tags},
          {"x", c.transitive_tags},
          {"o", c.source_identity},
          {"b", c.issued_s},
          {"e", c.expires_s}};
}

SessionClaims FromJson(const Json& j) {
  SessionClaims c;
  j.at("k").get_to(c.access_key_id);
  c.form = static_cast<SessionForm>(j.at("f").get<int>());
  j.at("a").get_to(c.account);
  j.at("n").get_to(c.name);
  j.at("i").get_to(c.id);
  j.at("w").get_to(c.workspace);
  j.at("s").get_to(c.session_name);
  j.at("p").get_to(c.policy);
  j.at("r").get_to(c.policy_arns);
  j.at("t").get_to(c.tags);
  j.at("x").get_to(c.transitive_tags);
  j.at("o").get_to(c.source_identity);
  j.at("b").get_to(c.issued_s);
  j.at("e").get_to(c.expires_s);
  return c;
}

// Keys for different uses, so that no output of one is an input of another.
std::string Derive(const Secret& key, std::string_view use) {
  return HmacSha256(key.Reveal(), use);
}

}  // namespace

std::string NewIamId(std::string_view prefix, size_t characters) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id(prefix);
  for (const char byte : RandomBytes(characters))
    id += kAlphabet[static_cast<unsigned char>(byte) % kAlphabet.size()];
  return id;
}

SessionCredentials SessionTokens::Issue(SessionClaims claims) const {
  claims.access_key_id = NewIamId("ASIA", 16);
  const std::string payload = ToJson(claims).dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::string mac = HmacSha256(Derive(key_, "session token"), payload);
  SessionCredentials credentials;
  credentials.secret_access_key = SecretOf(claims.access_key_id);
  credentials.session_token = Base64Encode(kVersion + mac + payload);
  credentials.access_key_id = std::move(claims.access_key_id);
  return credentials;
}

std::optional<SessionClaims> SessionTokens::Open(std::string_view token,
                                                 std::string_view access_key_id) const {
  if (token.size() > kMaxTokenBytes) return std::nullopt;
  const auto bytes = Base64Decode(token);
  if (!bytes || bytes->size() <= 1 + kMacBytes || (*bytes)[0] != kVersion) return std::nullopt;
  const std::string_view mac = std::string_view(*bytes).substr(1, kMacBytes);
  const std::string_view payload = std::string_view(*bytes).substr(1 + kMacBytes);
  if (!ConstantTimeEqual(HmacSha256(Derive(key_, "session token"), payload), mac))
    return std::nullopt;
  try {
    SessionClaims claims = FromJson(Json::parse(payload));
    if (claims.access_key_id != access_key_id) return std::nullopt;
    return claims;
  } catch (const Json::exception&) {
    return std::nullopt;  // sealed by another version of Skep
  }
}

Secret SessionTokens::SecretOf(std::string_view access_key_id) const {
  // 30 bytes are the 40 characters of a secret access key.
  return Secret(
      Base64Encode(HmacSha256(Derive(key_, "session secret"), access_key_id).substr(0, 30)));
}

}  // namespace skep::identity
