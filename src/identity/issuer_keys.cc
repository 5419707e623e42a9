#include "identity/issuer_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "net/http_client.h"

namespace skep::identity {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxBytes = 256u << 10;

net::HttpCall CallOf(const IssuerSource& source, std::string url, bool configured) {
  net::HttpCall call;
  call.url = std::move(url);
  call.headers = {{"accept", "application/json"}};
  call.timeout = std::chrono::seconds(5);
  call.max_bytes = kMaxBytes;
  call.ca_file = source.ca_file;
  call.https_only = !configured;
  call.outside_only = !configured;
  return call;
}

Result<std::string> Get(const net::HttpCall& call) {
  SKEP_TRY_ASSIGN(auto reply, net::Exchange(call));
  if (reply.status != 200)
    return Fail(ErrorKind::kExternalUnavailable,
                fmt::format("{} answered {}", net::HostOfUrl(call.url), reply.status));
  return std::move(reply.body);
}

std::string TextOf(const Json& json, const char* name) {
  const auto found = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && found != json.end() && found->is_string() ? found->get<std::string>()
                                                                       : std::string();
}

}  // namespace

std::string IssuerName(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme) || url.size() > kMaxIssuerBytes || net::HostOfUrl(url).empty() ||
      url.find_first_of("?#@\\ ") != std::string_view::npos)
    return {};
  if (std::ranges::any_of(url, [](unsigned char c) { return c <= ' ' || c >= 127; })) return {};
  url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  return std::string(url);
}

IssuerKeys::IssuerKeys(std::vector<IssuerSource> configured, std::function<int64_t()> now_s)
    : configured_(std::move(configured)), now_s_(now_s ? std::move(now_s) : [] {
        return static_cast<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
      }) {}

Result<std::vector<JsonWebKey>> IssuerKeys::Fetch(const IssuerSource& source,
                                                  bool configured) const {
  if (!source.jwks_file.empty()) {
    std::ifstream file(source.jwks_file, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file || text.size() > kMaxBytes)
      return Fail(ErrorKind::kExternalUnavailable,
                  fmt::format("the key file of {} cannot be read", source.issuer));
    return ReadJsonWebKeys(text);
  }
  std::string url = source.jwks_url;
  if (url.empty()) {
    const std::string base = source.issuer.ends_with('/')
                                 ? source.issuer.substr(0, source.issuer.size() - 1)
                                 : source.issuer;
    SKEP_TRY_ASSIGN(const std::string text,
                    Get(CallOf(source, base + "/.well-known/openid-configuration", configured)));
    const Json document = Json::parse(text, nullptr, false);
    if (TextOf(document, "issuer") != source.issuer)
      return Fail(ErrorKind::kInvalidArgument, "the discovery document is another issuer's");
    url = TextOf(document, "jwks_uri");
    if (url.empty())
      return Fail(ErrorKind::kInvalidArgument, "the discovery document names no keys");
  }
  SKEP_TRY_ASSIGN(const std::string text, Get(CallOf(source, url, configured)));
  return ReadJsonWebKeys(text);
}

Result<std::vector<JsonWebKey>> IssuerKeys::KeysOf(const std::string& issuer,
                                                   const JsonWebToken& token) {
  const auto found = std::ranges::find_if(configured_, [&](const IssuerSource& one) {
    return IssuerName(one.issuer) == IssuerName(issuer);
  });
  const bool configured = found != configured_.end();
  IssuerSource source = configured ? *found : IssuerSource();
  source.issuer = issuer;  // in its own spelling
  if (!source.jwks_file.empty()) {
    SKEP_TRY_ASSIGN(const auto keys, Fetch(source, true));
    return KeysFor(keys, token);
  }
  {
    const std::lock_guard lock(mutex_);
    const int64_t now = now_s_();
    if (!kept_.contains(issuer) && kept_.size() >= kMaxIssuers) kept_.clear();
    Kept& kept = kept_[issuer];
    const bool fresh = kept.known && now - kept.fetched_s < kKeepSeconds;
    auto fitting = KeysFor(kept.keys, token);
    if (fresh && !fitting.empty()) return fitting;
    // Not for every forged token a request to the issuer, and one at a time.
    const bool lately = kept.tried_s != 0 && now - kept.tried_s < kRefetchSeconds;
    if (kept.fetching || lately) {
      if (kept.known) return fitting;
      if (kept.fetching)
        return Fail(ErrorKind::kExternalUnavailable, "the issuer's keys are being fetched");
      return Fail(kept.error);
    }
    kept.fetching = true;
    kept.tried_s = now;
  }
  auto fetched = Fetch(source, configured);
  const std::lock_guard lock(mutex_);
  Kept& kept = kept_[issuer];
  kept.fetching = false;
  if (!fetched) {
    log::Warn("issuer_keys_not_fetched", {{"issuer", issuer},
                                          {"reason", fetched.error().message},
                                          {"detail", fetched.error().detail}});
    kept.error = fetched.error();
    // Old keys are better than none while the issuer is down.
    if (kept.known) return KeysFor(kept.keys, token);
    return Fail(fetched.error());
  }
  kept.known = true;
  kept.keys = std::move(*fetched);
  kept.fetched_s = now_s_();
  return KeysFor(kept.keys, token);
}

}  // namespace skep::identity
