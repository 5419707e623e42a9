#include "identity/web_identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/text.h"
#include "identity/policy_values.h"

namespace skep::identity {
namespace {

using Json = nlohmann::json;

constexpr int64_t kSkewSeconds = 60;
constexpr std::string_view kTagsClaim = "https://aws.amazon.com/tags";
constexpr size_t kMaxTags = 50, kMaxSubjectBytes = 255;

WebIdentityAnswer Fault(TokenFault fault, std::string message) {
  WebIdentityAnswer answer;
  answer.fault = fault;
  answer.message = std::move(message);
  return answer;
}

std::string TextOf(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  return found != claims.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Seconds since the epoch; nullopt when it is no number or no time.
std::optional<int64_t> TimeOf(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end() || !found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e12) return std::nullopt;
  return static_cast<int64_t>(seconds);
}

std::optional<std::vector<std::string>> TextsOf(const Json& value) {
  std::vector<std::string> texts;
  if (value.is_string()) return std::vector{value.get<std::string>()};
  if (!value.is_array() || value.size() > 100) return std::nullopt;
  for (const Json& one : value) {
    if (!one.is_string()) return std::nullopt;
    texts.push_back(one.get<std::string>());
  }
  return texts;
}

// The client id for which the token was made: the provider must know it. With azp, that one counts.
std::optional<std::string> AudienceOf(const Json& claims, const control::IamOidcProvider& provider,
                                      const std::vector<std::string>& audiences) {
  const auto known = [&](const std::string& id) {
    return std::ranges::find(provider.client_ids, id) != provider.client_ids.end();
  };
  if (claims.contains("azp")) {
    const std::string party = TextOf(claims, "azp");
    if (known(party)) return party;
    return std::nullopt;
  }
  if (audiences.size() == 1 && known(audiences[0])) return audiences[0];
  if (audiences.size() > 1 && std::ranges::all_of(audiences, known)) return audiences[0];
  return std::nullopt;
}

// Tags of the session. False when the claim is malformed.
bool ReadTags(const Json& claims, WebIdentity& identity) {
  const auto found = claims.find(kTagsClaim);
  if (found == claims.end()) return true;
  if (!found->is_object()) return false;
  const auto tags = found->find("principal_tags");
  if (tags != found->end()) {
    if (!tags->is_object() || tags->size() > kMaxTags) return false;
    for (const auto& [key, value] : tags->items()) {
      const auto texts = TextsOf(value);
      if (!texts || texts->size() != 1 || key.empty() || key.size() > 128 ||
          (*texts)[0].size() > 256 || Lower(key).starts_with("aws:"))
        return false;
      identity.tags.emplace_back(key, (*texts)[0]);
    }
  }
  const auto transitive = found->find("transitive_tag_keys");
  if (transitive != found->end()) {
    const auto texts = TextsOf(*transitive);
    if (!texts) return false;
    for (const std::string& key : *texts) {
      if (std::ranges::find(identity.tags, key, &SessionTags::value_type::first) ==
          identity.tags.end())
        return false;
      identity.transitive_tags.push_back(key);
    }
  }
  return true;
}

}  // namespace

WebIdentityAnswer ProveWebIdentity(std::string_view text, const std::string& account,
                                   control::IamStore& store, IssuerKeys& keys, int64_t now_s) {
  using enum TokenFault;
  const auto token = ReadJsonWebToken(text);
  if (!token) return Fault(kInvalid, token.error().message);
  const Json& claims = token->claims;
  const std::string issuer = TextOf(claims, "iss");
  // The issuer's own spelling, with or without https://, is one provider.
  const std::string name =
      IssuerName(issuer.starts_with("https://") ? issuer : "https://" + issuer);
  if (issuer.empty() || name.empty()) return Fault(kInvalid, "Missing or malformed claim: iss");
  const auto provider = store.GetOidcProvider(account, name);
  if (!provider) return Fault(kInternal, provider.error().message);
  if (!*provider)
    return Fault(kInvalid, fmt::format("No OpenIDConnect provider found in your account for {}",
                                       issuer.substr(0, kMaxIssuerBytes)));

  const auto candidates =
      keys.KeysOf(issuer.starts_with("https://") ? issuer : "https://" + issuer, *token);
  if (!candidates) {
    if (candidates.error().kind == ErrorKind::kInvalidArgument)
      return Fault(kInvalid,
                   "Couldn't retrieve verification key from your identity provider, "
                   "please reference AssumeRoleWithWebIdentity documentation for "
                   "requirements");
    return Fault(kUnreachable, "Error communicating with the identity provider");
  }
  if (std::ranges::none_of(*candidates,
                           [&](const JsonWebKey& key) { return IsSignedBy(*token, key); }))
    return Fault(kInvalid,
                 "The ID Token provided could not be validated: its signature is not "
                 "one of the issuer's keys");

  // Only now are the claims worth reading.
  const std::string subject = TextOf(claims, "sub");
  if (subject.empty() || subject.size() > kMaxSubjectBytes)
    return Fault(kInvalid, "Missing a required claim: sub");
  const auto expires = TimeOf(claims, "exp"), issued = TimeOf(claims, "iat");
  if (!expires) return Fault(kInvalid, "Missing a required claim: exp");
  if (!issued) return Fault(kInvalid, "Missing a required claim: iat");
  if (*expires + kSkewSeconds <= now_s)
    return Fault(kExpired, fmt::format("Token expired: current date/time {} must be before the "
                                       "expiration date/time {}",
                                       now_s, *expires));
  if (*issued > now_s + kSkewSeconds) return Fault(kRejected, "The token was issued in the future");
  if (claims.contains("nbf")) {
    const auto begins = TimeOf(claims, "nbf");
    if (!begins || *begins > now_s + kSkewSeconds)
      return Fault(kRejected, "The token is not valid yet");
  }
  const auto audiences =
      claims.contains("aud") ? TextsOf(claims["aud"]) : std::optional<std::vector<std::string>>();
  if (!audiences || audiences->empty()) return Fault(kInvalid, "Missing a required claim: aud");
  const auto audience = AudienceOf(claims, **provider, *audiences);
  if (!audience) return Fault(kInvalid, "Incorrect token audience");

  WebIdentityAnswer answer;
  WebIdentity& identity = answer.identity;
  identity.provider = (*provider)->Arn();
  identity.issuer = name;
  identity.subject = subject;
  identity.audience = *audience;
  if (!ReadTags(claims, identity))
    return Fault(kInvalid, "The claim https://aws.amazon.com/tags is malformed");
  const std::string prefix = Lower(name) + ":";
  identity.context[prefix + "aud"] = {*audience};
  identity.context[prefix + "sub"] = {subject};
  if (claims.contains("azp")) identity.context[prefix + "oaud"] = *audiences;
  for (const char* claim : {"amr", "email"}) {
    if (!claims.contains(claim)) continue;
    if (auto texts = TextsOf(claims[claim])) identity.context[prefix + claim] = std::move(*texts);
  }
  identity.context["aws:federatedprovider"] = {identity.provider};
  return answer;
}

Decision MayAssumeWithWebIdentity(const WebIdentity& identity, const control::IamEntity& role,
                                  const std::string& session_name, const RequestContext& more) {
  AccessRequest request;
  request.principal.federated = identity.provider;
  request.resource = role.Arn();
  request.resource_account = role.account;
  request.context = more;
  for (const auto& [key, values] : identity.context) request.context[key] = values;
  request.context["sts:rolesessionname"] = {session_name};
  for (const auto& [key, value] : identity.tags) {
    request.context["aws:requesttag/" + Lower(key)] = {value};
    request.context["aws:tagkeys"].push_back(key);
  }
  if (!identity.transitive_tags.empty())
    request.context["sts:transitivetagkeys"] = identity.transitive_tags;
  for (const auto& [key, value] : role.tags)
    request.context["aws:resourcetag/" + Lower(key)] = {value};
  PolicySet policies;
  policies.resource.push_back(
      MakeAppliedPolicy("trust policy of " + role.Arn(), role.trust, PolicyUse::kTrust));
  policies.resource_must_allow = true;
  request.action = "sts:AssumeRoleWithWebIdentity";
  Decision decision = Evaluate(request, policies);
  if (!decision.allowed || identity.tags.empty()) return decision;
  request.action = "sts:TagSession";
  if (Decision tagging = Evaluate(request, policies); !tagging.allowed) return tagging;
  return decision;
}

}  // namespace skep::identity
