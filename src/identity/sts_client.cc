#include "identity/sts_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <pugixml.hpp>
#include <utility>

#include "base/crypto.h"

namespace skep::identity {
namespace {

constexpr int64_t kLeastSeconds = 900, kMostChainedSeconds = 3600;

std::string FormOf(const ForeignRole& asked) {
  std::string form = "Action=AssumeRole&Version=2011-06-15";
  const auto add = [&form](const std::string& name, const std::string& value) {
    form += "&" + name + "=" + UriEncode(value, false);
  };
  add("RoleArn", asked.role);
  add("RoleSessionName", asked.session_name);
  add("DurationSeconds",
      std::to_string(std::clamp(asked.seconds, kLeastSeconds, kMostChainedSeconds)));
  if (!asked.external_id.empty()) add("ExternalId", asked.external_id);
  if (!asked.session_policy.empty()) add("Policy", asked.session_policy);
  size_t i = 1;
  for (const auto& [key, value] : asked.tags) {
    add(fmt::format("Tags.member.{}.Key", i), key);
    add(fmt::format("Tags.member.{}.Value", i++), value);
  }
  return form;
}

Result<SessionKeys> ReadCredentials(const std::string& xml, const std::string& what) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size()))
    return Fail(ErrorKind::kExternalUnavailable, fmt::format("{}: an answer of no XML", what));
  const auto credentials =
      document.child("AssumeRoleResponse").child("AssumeRoleResult").child("Credentials");
  SessionKeys keys;
  keys.access_key_id = credentials.child_value("AccessKeyId");
  keys.secret_access_key = Secret(credentials.child_value("SecretAccessKey"));
  keys.session_token = Secret(credentials.child_value("SessionToken"));
  keys.expires_s = ReadXmlTime(credentials.child_value("Expiration"));
  // They become headers.
  const auto header = [](std::string_view text) {
    return !text.empty() &&
           std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 127; });
  };
  if (!header(keys.access_key_id) || !header(keys.secret_access_key.Reveal()) ||
      !header(keys.session_token.Reveal()) || keys.expires_s == 0)
    return Fail(ErrorKind::kExternalUnavailable,
                fmt::format("{}: an answer without credentials", what));
  return keys;
}

}  // namespace

int64_t ReadXmlTime(const std::string& text) {
  std::tm tm{};
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                  &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
    return 0;
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  return ::timegm(&tm);
}

Result<SessionKeys> ReadCredentialsFile(const std::string& path, const std::string& profile) {
  std::ifstream file(path);
  const auto none = [&](std::string_view why) {
    return Fail(ErrorKind::kInvalidRole,
                fmt::format("the credentials file {} cannot be used: {}", path, why));
  };
  if (!file) return none("it cannot be read");
  SessionKeys keys;
  bool inside = false;
  const auto trimmed = [](std::string text) {
    const size_t first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r");
    return first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
  };
  for (std::string line; std::getline(file, line);) {
    line = trimmed(line);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      inside = trimmed(line.substr(1, line.find(']') - 1)) == profile;
      continue;
    }
    const size_t equals = line.find('=');
    if (!inside || equals == std::string::npos) continue;
    const std::string name = trimmed(line.substr(0, equals));
    std::string value = trimmed(line.substr(equals + 1));
    if (name == "aws_access_key_id")
      keys.access_key_id = std::move(value);
    else if (name == "aws_secret_access_key")
      keys.secret_access_key = Secret(std::move(value));
    else if (name == "aws_session_token")
      keys.session_token = Secret(std::move(value));
  }
  if (keys.access_key_id.empty() || keys.secret_access_key.empty())
    return none(fmt::format("profile {} has no keys", profile));
  return keys;
}

StsClient::StsClient(AwsCallOptions options, std::function<int64_t()> now_s)
    : caller_(std::move(options)), now_s_(now_s ? std::move(now_s) : [] {
        return static_cast<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
      }) {}

Result<SessionKeys> StsClient::OwnKeys(const Account& account) {
  if (!account.credentials_file.empty())
    return ReadCredentialsFile(account.credentials_file, account.credentials_profile.empty()
                                                             ? "default"
                                                             : account.credentials_profile);
  if (account.access_key_id.empty())
    return Fail(ErrorKind::kInvalidRole,
                fmt::format("no keys are configured for account {}", account.id));
  return SessionKeys{account.access_key_id, account.secret_access_key, account.session_token, 0};
}

Result<SessionKeys> StsClient::Assume(const Account& account, const SessionKeys& caller,
                                      const ForeignRole& asked) {
  const std::string form = FormOf(asked);
  const std::string name = Sha256(account.sts_endpoint + '\n' + caller.access_key_id + '\n' +
                                  caller.secret_access_key.Reveal() + '\n' + form);
  {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find(name);
    const int64_t now = now_s_();
    if (found != kept_.end() && now - found->second.since_s < kReuseSeconds &&
        found->second.keys.expires_s - now > 2 * kReuseSeconds)
      return found->second.keys;
  }
  SKEP_TRY_ASSIGN(SessionKeys keys, Ask(account, caller, asked));
  const std::lock_guard lock(mutex_);
  const int64_t now = now_s_();
  std::erase_if(kept_,
                [now](const auto& one) { return now - one.second.since_s >= kReuseSeconds; });
  if (kept_.size() < kMaxKept) kept_[name] = {keys, now};
  return keys;
}

Result<SessionKeys> StsClient::Ask(const Account& account, const SessionKeys& caller,
                                   const ForeignRole& asked) {
  AwsCall call;
  call.endpoint = account.sts_endpoint;
  call.content_type = "application/x-www-form-urlencoded; charset=utf-8";
  call.body = FormOf(asked);
  call.key = {caller.access_key_id, caller.secret_access_key, caller.session_token, account.region,
              "sts"};
  call.what = fmt::format("the STS of account {}", account.id);
  SKEP_TRY_ASSIGN(const AwsReply reply, caller_.Send(call));
  if (reply.status == 200) return ReadCredentials(reply.body, call.what);
  const std::string said = fmt::format("HTTP {}, {}: {}", reply.status, reply.code, reply.message);
  if (reply.code == "AccessDenied" || reply.code == "AccessDeniedException")
    return Fail(ErrorKind::kInsufficientPrivilege,
                fmt::format("{} does not hand out role {}", call.what, asked.role), said);
  const bool keys = reply.status == 403 || reply.status == 401 ||
                    reply.code.starts_with("ExpiredToken") || reply.code == "InvalidClientTokenId";
  return Fail(keys ? ErrorKind::kExternalDenied : ErrorKind::kInvalidRole,
              fmt::format("{} refused the request for role {}", call.what, asked.role), said,
              keys ? "Check the keys of the account in the configuration." : "");
}

}  // namespace skep::identity
