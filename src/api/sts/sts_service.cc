#include "api/sts/sts_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "identity/policy.h"
#include "identity/policy_values.h"
#include "identity/role_chain.h"
#include "identity/web_identity.h"

namespace skep::sts {

using api::Answer;
using api::Context;
using api::QueryParameters;
using api::Refuse;
using api::XmlWriter;
using identity::CallerIdentity;
using identity::SessionClaims;
using identity::SessionForm;
using identity::Subject;

namespace {

constexpr int64_t kMinSeconds = 900, kMaxRoleSeconds = 43200, kMaxUserSeconds = 129600;
constexpr int64_t kChainedSeconds = 3600;
constexpr size_t kMaxPolicyArns = 10, kMaxTags = 50;
// Of policies and tags together, in the session token. AWS's own packed form is not published.
constexpr size_t kMaxPackedBytes = 4096;

struct CallState {
  const identity::AccessControl& access;
  const identity::SessionTokens& tokens;
  const Context& context;
  const QueryParameters& parameters;
  const CallerIdentity& caller;
  const Subject& subject;
  identity::IssuerKeys& issuers;
};

// Nobody who can be named: what is asked proves itself.
const CallerIdentity kNobody;
const Subject kNoSubject;

std::unexpected<api::Failure> Invalid(std::string message) {
  return Refuse("ValidationError", std::move(message));
}
std::unexpected<api::Failure> Denied(std::string message) {
  return Refuse("AccessDenied", std::move(message), 403);
}
std::unexpected<api::Failure> Broken(const Error& error) {
  if (error.kind == ErrorKind::kAuthenticationFailed)
    return Refuse("InvalidClientTokenId", error.message, 403);
  return Refuse("InternalFailure", error.message, 500);
}
std::unexpected<api::Failure> BadValue(std::string_view value, std::string_view member,
                                       std::string_view constraint) {
  return Invalid(
      fmt::format("1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: "
                  "{}",
                  value.substr(0, 200), member, constraint));
}

bool IsWord(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           more.find(c) != std::string_view::npos;
  });
}

// A text of [\w<more>]* with a length.
Answer<std::string> ReadText(const CallState& call, std::string_view name, std::string_view member,
                             size_t least, size_t most, std::string_view more, bool required) {
  const std::string* given = call.parameters.Find(name);
  if (given == nullptr) {
    if (!required) return std::string();
    return BadValue("null", member, "Member must not be null");
  }
  if (given->size() < least)
    return BadValue(*given, member,
                    fmt::format("Member must have length greater than or equal to {}", least));
  if (given->size() > most)
    return BadValue(*given, member,
                    fmt::format("Member must have length less than or equal to {}", most));
  if (!IsWord(*given, more))
    return BadValue(*given, member,
                    fmt::format("Member must satisfy regular expression pattern: [\\w{}]*", more));
  return *given;
}

Answer<int64_t> ReadDuration(const CallState& call, int64_t fallback, int64_t most) {
  const std::string* given = call.parameters.Find("DurationSeconds");
  if (given == nullptr) return fallback;
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), seconds);
  if (error != std::errc() || end != given->data() + given->size())
    return Refuse("MalformedInput", "DurationSeconds is no number.");
  if (seconds < kMinSeconds)
    return BadValue(*given, "durationSeconds",
                    fmt::format("Member must have value greater than or equal to {}", kMinSeconds));
  if (seconds > most)
    return BadValue(*given, "durationSeconds",
                    fmt::format("Member must have value less than or equal to {}", most));
  return seconds;
}

// Session policies into the claims.
Answer<void> ReadPolicies(const CallState& call, SessionClaims& claims) {
  claims.policy = call.parameters.Text("Policy");
  claims.policy_arns = call.parameters.Members("PolicyArns", "arn");
  if (claims.policy.size() > identity::kMaxSessionPoliciesBytes)
    return BadValue(claims.policy.substr(0, 40), "policy",
                    "Member must have length less than or equal to 2048");
  if (claims.policy_arns.size() > kMaxPolicyArns)
    return BadValue("[...]", "policyArns", "Member must have length less than or equal to 10");
  if (!claims.policy.empty()) {
    const auto parsed = identity::ParsePolicy(claims.policy, identity::PolicyUse::kIdentity);
    if (!parsed) return Refuse("MalformedPolicyDocument", parsed.error().message);
  }
  for (const std::string& arn : claims.policy_arns) {
    const auto text = call.access.PolicyText(arn);
    if (!text) return Broken(text.error());
    if (!*text) return Refuse("ValidationError", fmt::format("Policy {} does not exist.", arn));
  }
  return {};
}

Answer<void> ReadTags(const CallState& call, SessionClaims& claims) {
  claims.tags = call.parameters.Pairs("Tags", "Key", "Value");
  claims.transitive_tags = call.parameters.List("TransitiveTagKeys");
  if (claims.tags.size() > kMaxTags)
    return BadValue("[...]", "tags", "Member must have length less than or equal to 50");
  std::vector<std::string> keys;
  for (const auto& [key, value] : claims.tags) {
    if (key.empty() || key.size() > 128 || value.size() > 256 || Lower(key).starts_with("aws:") ||
        !IsWord(key, " .:/=+@-") || !IsWord(value, " .:/=+@-"))
      return BadValue(key, "tags",
                      "Member must be a key of 1 to 128 and a value of 0 to 256 of "
                      "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]");
    if (std::ranges::find(keys, Lower(key)) != keys.end())
      return Refuse("InvalidParameterValue",
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    keys.push_back(Lower(key));
  }
  for (const std::string& key : claims.transitive_tags) {
    if (std::ranges::find(keys, Lower(key)) == keys.end())
      return Refuse("InvalidParameterValue",
                    "The specified transitive tag key must be included in the requested tags.");
  }
  return {};
}

size_t PackedPercent(const SessionClaims& claims) {
  size_t bytes = claims.policy.size();
  for (const std::string& arn : claims.policy_arns) bytes += arn.size();
  for (const auto& [key, value] : claims.tags) bytes += key.size() + value.size();
  return bytes == 0 ? 0 : std::max<size_t>(1, bytes * 100 / kMaxPackedBytes);
}

Answer<void> CheckPacked(const SessionClaims& claims) {
  const size_t percent = PackedPercent(claims);
  if (percent <= 100) return {};
  return Refuse("PackedPolicyTooLarge",
                fmt::format("Serialized token too large for session: policies and tags take {}% of "
                            "the allowed size.",
                            percent));
}

void WriteCredentials(XmlWriter& xml, const CallState& call, const SessionClaims& claims) {
  const identity::SessionCredentials made = call.tokens.Issue(claims);
  xml.Open("Credentials")
      .Element("AccessKeyId", made.access_key_id)
      .Element("SecretAccessKey", made.secret_access_key.Reveal())
      .Element("SessionToken", made.session_token)
      .Element("Expiration", identity::WriteDate(claims.expires_s))
      .Close("Credentials");
}

void WritePacked(XmlWriter& xml, const SessionClaims& claims) {
  if (const size_t percent = PackedPercent(claims); percent > 0)
    xml.Element("PackedPolicySize", std::to_string(percent));
}

SessionClaims NewClaims(const CallState& call, SessionForm form, int64_t seconds) {
  SessionClaims claims;
  claims.form = form;
  claims.issued_s = call.access.now_s();
  claims.expires_s = claims.issued_s + seconds;
  return claims;
}

// What a chained session keeps of the one before: transitive tags and the source identity.
Answer<void> Inherit(const CallState& call, SessionClaims& claims) {
  if (!call.caller.session) return {};
  const SessionClaims& before = *call.caller.session;
  for (const std::string& key : before.transitive_tags) {
    const auto same = [&](const auto& tag) { return Lower(tag.first) == Lower(key); };
    const auto inherited = std::ranges::find_if(before.tags, same);
    if (inherited == before.tags.end()) continue;
    if (std::ranges::any_of(claims.tags, same))
      return Refuse("InvalidParameterValue",
                    "One of the specified transitive tag keys can't be set because it conflicts "
                    "with a transitive tag key from the calling session.");
    claims.tags.push_back(*inherited);
    claims.transitive_tags.push_back(key);
  }
  if (before.source_identity.empty()) return {};
  if (!claims.source_identity.empty() && claims.source_identity != before.source_identity)
    return Denied("The source identity of a session cannot be changed.");
  claims.source_identity = before.source_identity;
  return {};
}

std::unexpected<api::Failure> TooLong() {
  return Invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
}

const SessionClaims& BecomeRole(SessionClaims& claims, const control::IamEntity& role) {
  claims.account = role.account;
  claims.name = role.name;
  claims.id = role.id;
  return claims;
}

void WriteAssumedRole(XmlWriter& xml, const SessionClaims& claims) {
  xml.Open("AssumedRoleUser")
      .Element("AssumedRoleId", claims.id + ":" + claims.session_name)
      .Element("Arn", fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", claims.account, claims.name,
                                  claims.session_name))
      .Close("AssumedRoleUser");
  WritePacked(xml, claims);
}

Answer<std::string> AssumeRole(const CallState& call) {
  const auto arn = ReadText(call, "RoleArn", "roleArn", 20, 2048, "+=,.@:/-", true);
  if (!arn) return std::unexpected(arn.error());
  const auto session_name =
      ReadText(call, "RoleSessionName", "roleSessionName", 2, 64, "+=,.@-", true);
  if (!session_name) return std::unexpected(session_name.error());
  const auto external_id = ReadText(call, "ExternalId", "externalId", 2, 1224, "+=,.@:/-", false);
  if (!external_id) return std::unexpected(external_id.error());
  const auto source = ReadText(call, "SourceIdentity", "sourceIdentity", 2, 64, "+=,.@-", false);
  if (!source) return std::unexpected(source.error());
  const auto seconds = ReadDuration(call, 3600, kMaxRoleSeconds);
  if (!seconds) return std::unexpected(seconds.error());
  if (identity::AccountOfRoleArn(*arn).empty()) return Invalid(fmt::format("{} is invalid", *arn));
  if (call.parameters.Has("SerialNumber") || call.parameters.Has("TokenCode"))
    return Denied("MultiFactorAuthentication failed, there are no MFA devices here.");

  SessionClaims claims = NewClaims(call, SessionForm::kRole, *seconds);
  claims.session_name = *session_name;
  claims.source_identity = *source;
  if (auto read = ReadPolicies(call, claims); !read) return std::unexpected(read.error());
  if (auto read = ReadTags(call, claims); !read) return std::unexpected(read.error());

  identity::AssumeRequest asked;
  asked.session_name = *session_name;
  asked.external_id = *external_id;
  asked.tags = claims.tags;
  asked.transitive_tags = claims.transitive_tags;
  asked.source_identity = *source;
  asked.context = call.context.conditions;
  if (auto kept = Inherit(call, claims); !kept) return std::unexpected(kept.error());
  if (auto fits = CheckPacked(claims); !fits) return std::unexpected(fits.error());

  const auto role = call.access.FindRole(*arn);
  if (!role) return Broken(role.error());
  identity::Decision decision;
  decision.reason = "there is no such role";
  if (*role) decision = identity::AccessControl::MayAssume(call.subject, **role, asked);
  if (!decision.allowed) {
    log::Warn("role_chain_denied", {{"principal", call.subject.arn},
                                    {"hops", 1},
                                    {"reason", "sts:AssumeRole on " + *arn},
                                    {"policy", decision.policy},
                                    {"statement", decision.statement},
                                    {"decision", decision.reason}});
    // Why is for the role's account to know, not for the caller.
    return Denied(
        fmt::format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                    call.subject.arn, *arn));
  }
  if (*seconds > (*role)->max_session_s) return TooLong();
  const bool chained = call.caller.form == CallerIdentity::Form::kRole;
  if (chained && *seconds > kChainedSeconds)
    return Invalid(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
        "chaining.");
  log::Info("role_assumed", {{"principal", call.subject.arn},
                             {"hop", 1},
                             {"hops", 1},
                             {"caller", call.subject.arn},
                             {"role", *arn},
                             {"policy", decision.policy},
                             {"statement", decision.statement}});
  XmlWriter xml;
  WriteCredentials(xml, call, BecomeRole(claims, **role));
  WriteAssumedRole(xml, claims);
  if (!claims.source_identity.empty()) xml.Element("SourceIdentity", claims.source_identity);
  return xml.Take();
}

std::unexpected<api::Failure> FailureOf(const identity::WebIdentityAnswer& answer) {
  switch (answer.fault) {
    case identity::TokenFault::kExpired:
      return Refuse("ExpiredTokenException", answer.message);
    case identity::TokenFault::kRejected:
      return Refuse("IDPRejectedClaim", answer.message, 403);
    case identity::TokenFault::kUnreachable:
      return Refuse("IDPCommunicationError", answer.message);
    case identity::TokenFault::kInternal:
      return Refuse("InternalFailure", answer.message, 500);
    default:
      return Refuse("InvalidIdentityToken", answer.message);
  }
}

Answer<std::string> AssumeRoleWithWebIdentity(const CallState& call) {
  const auto arn = ReadText(call, "RoleArn", "roleArn", 20, 2048, "+=,.@:/-", true);
  if (!arn) return std::unexpected(arn.error());
  const auto session_name =
      ReadText(call, "RoleSessionName", "roleSessionName", 2, 64, "+=,.@-", true);
  if (!session_name) return std::unexpected(session_name.error());
  const auto seconds = ReadDuration(call, 3600, kMaxRoleSeconds);
  if (!seconds) return std::unexpected(seconds.error());
  const std::string* token = call.parameters.Find("WebIdentityToken");
  if (token == nullptr) return BadValue("null", "webIdentityToken", "Member must not be null");
  if (token->size() < 4 || token->size() > identity::kMaxTokenBytes)
    return BadValue("...", "webIdentityToken", "Member must have length between 4 and 20000");
  // ProviderId is for OAuth 2.0 access tokens, which nobody here hands out.
  if (call.parameters.Has("ProviderId"))
    return Refuse("InvalidIdentityToken", "No provider of OAuth 2.0 access tokens is known");
  const std::string account = identity::AccountOfRoleArn(*arn);
  if (account.empty()) return Invalid(fmt::format("{} is invalid", *arn));
  SessionClaims claims = NewClaims(call, SessionForm::kRole, *seconds);
  claims.session_name = *session_name;
  if (auto read = ReadPolicies(call, claims); !read) return std::unexpected(read.error());

  const auto proven = identity::ProveWebIdentity(*token, account, call.access.store(), call.issuers,
                                                 call.access.now_s());
  const auto& who = proven.identity;
  if (proven.fault != identity::TokenFault::kNone) {
    log::Warn("web_identity_refused", {{"role", *arn}, {"reason", proven.message}});
    return FailureOf(proven);
  }
  claims.tags = who.tags;
  claims.transitive_tags = who.transitive_tags;
  if (auto fits = CheckPacked(claims); !fits) return std::unexpected(fits.error());
  const auto role = call.access.FindRole(*arn);
  if (!role) return Broken(role.error());
  identity::Decision decision;
  decision.reason = "there is no such role";
  if (*role)
    decision =
        identity::MayAssumeWithWebIdentity(who, **role, *session_name, call.context.conditions);
  if (!decision.allowed) {
    log::Warn("role_chain_denied", {{"principal", who.provider},
                                    {"subject", who.subject},
                                    {"hops", 1},
                                    {"reason", "sts:AssumeRoleWithWebIdentity on " + *arn},
                                    {"policy", decision.policy},
                                    {"statement", decision.statement},
                                    {"decision", decision.reason}});
    return Denied("Not authorized to perform sts:AssumeRoleWithWebIdentity");
  }
  if (*seconds > (*role)->max_session_s) return TooLong();
  log::Info("role_assumed", {{"principal", who.provider},
                             {"subject", who.subject},
                             {"hop", 1},
                             {"hops", 1},
                             {"caller", who.provider},
                             {"role", *arn},
                             {"policy", decision.policy},
                             {"statement", decision.statement}});
  XmlWriter xml;
  WriteCredentials(xml, call, BecomeRole(claims, **role));
  xml.Element("SubjectFromWebIdentityToken", who.subject);
  WriteAssumedRole(xml, claims);
  xml.Element("Provider", who.provider).Element("Audience", who.audience);
  return xml.Take();
}

Answer<std::string> GetCallerIdentity(const CallState& call) {
  XmlWriter xml;
  xml.Element("Arn", call.subject.arn)
      .Element("UserId", call.subject.user_id)
      .Element("Account", call.caller.account);
  return xml.Take();
}

// The user's own identity in the claims.
void NameUser(const CallState& call, SessionClaims& claims) {
  claims.account = call.caller.account;
  claims.name = call.caller.name;
  claims.workspace = call.caller.workspace;
  claims.id = call.subject.principal.id;
}

Answer<std::string> GetSessionToken(const CallState& call) {
  const auto seconds = ReadDuration(call, 43200, kMaxUserSeconds);
  if (!seconds) return std::unexpected(seconds.error());
  if (call.caller.session) return Denied("Cannot call GetSessionToken with session credentials");
  if (call.parameters.Has("SerialNumber") || call.parameters.Has("TokenCode"))
    return Denied("MultiFactorAuthentication failed, there are no MFA devices here.");
  SessionClaims claims = NewClaims(call, SessionForm::kUser, *seconds);
  NameUser(call, claims);
  XmlWriter xml;
  WriteCredentials(xml, call, claims);
  return xml.Take();
}

Answer<std::string> GetFederationToken(const CallState& call) {
  const auto name = ReadText(call, "Name", "name", 2, 32, "+=,.@-", true);
  if (!name) return std::unexpected(name.error());
  const auto seconds = ReadDuration(call, 43200, kMaxUserSeconds);
  if (!seconds) return std::unexpected(seconds.error());
  if (call.caller.session) return Denied("Cannot call GetFederationToken with session credentials");
  SessionClaims claims = NewClaims(call, SessionForm::kFederated, *seconds);
  NameUser(call, claims);
  claims.session_name = *name;
  if (auto read = ReadPolicies(call, claims); !read) return std::unexpected(read.error());
  if (auto read = ReadTags(call, claims); !read) return std::unexpected(read.error());
  if (auto fits = CheckPacked(claims); !fits) return std::unexpected(fits.error());
  const std::string arn =
      fmt::format("arn:aws:sts::{}:federated-user/{}", call.caller.account, *name);
  const identity::Decision decision = identity::AccessControl::Decide(
      call.subject, "sts:GetFederationToken", arn, call.caller.account, call.context.conditions);
  if (!decision.allowed) {
    return Denied(
        fmt::format("User: {} is not authorized to perform: sts:GetFederationToken on resource: "
                    "{} {}",
                    call.subject.arn, arn, decision.reason));
  }
  XmlWriter xml;
  WriteCredentials(xml, call, claims);
  xml.Open("FederatedUser")
      .Element("FederatedUserId", call.caller.account + ":" + *name)
      .Element("Arn", arn)
      .Close("FederatedUser");
  WritePacked(xml, claims);
  return xml.Take();
}

using Operation = Answer<std::string> (*)(const CallState&);

const std::map<std::string_view, Operation>& Operations() {
  static const std::map<std::string_view, Operation> operations = {
      {"AssumeRole", AssumeRole},
      {"AssumeRoleWithWebIdentity", AssumeRoleWithWebIdentity},
      {"GetCallerIdentity", GetCallerIdentity},
      {"GetSessionToken", GetSessionToken},
      {"GetFederationToken", GetFederationToken},
  };
  return operations;
}

}  // namespace

bool StsService::Knows(std::string_view action) const { return Operations().contains(action); }

bool StsService::IsAnonymous(std::string_view action) const {
  return action == "AssumeRoleWithWebIdentity";
}

Answer<std::string> StsService::Call(const Context& context, std::string_view action,
                                     const QueryParameters& parameters) {
  const auto found = Operations().find(action);
  if (found != Operations().end() && IsAnonymous(action))
    return found->second({access_, tokens_, context, parameters, kNobody, kNoSubject, issuers_});
  if (found == Operations().end() || !context.caller.identity)
    return Refuse("InvalidAction", fmt::format("Could not find operation {}", action));
  const CallerIdentity& caller = *context.caller.identity;
  const auto subject = access_.SubjectOf(caller);
  if (!subject) return Broken(subject.error());
  if (caller.form == CallerIdentity::Form::kFederated && action != "GetCallerIdentity")
    return Denied(fmt::format("Cannot call {} with the credentials of a federated user", action));
  return found->second({access_, tokens_, context, parameters, caller, *subject, issuers_});
}

}  // namespace skep::sts
