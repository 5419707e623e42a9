// The public keys of OpenID Connect issuers: out of a configured file, or fetched as the issuer's
// discovery document says. Kept for a while; a key that is not among them makes them be fetched
// again, but not more often than once in a while. Thread-safe; blocks. Source: OpenID Connect
// Discovery 1.0, section 4.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "identity/json_web_token.h"

namespace skep::identity {

// Where an issuer's keys are, when not where its discovery document says.
struct IssuerSource {
  std::string issuer;     // https://host[:port][/path]
  std::string jwks_file;  // read at each use
  std::string jwks_url;   // without discovery
  std::string ca_file;    // of the issuer's certificate; empty = the system's
};

inline constexpr size_t kMaxIssuerBytes = 255;
// The issuer as IAM names it: without https:// and a trailing slash. Empty when it is no
// issuer's URL: https, a host, no user, query or fragment, 255 characters at most.
std::string IssuerName(std::string_view url);

class IssuerKeys {
 public:
  static constexpr int64_t kKeepSeconds = 600;    // keys that were fetched
  static constexpr int64_t kRefetchSeconds = 30;  // between two fetches of an issuer
  static constexpr size_t kMaxIssuers = 1000;

  // Issuers that are not configured are asked by https, and never at this machine's own or
  // link-local addresses. `now_s`: a clock that goes forward; empty = the system's.
  explicit IssuerKeys(std::vector<IssuerSource> configured, std::function<int64_t()> now_s = {});

  // The keys that may have signed a token of this issuer; empty when it has no such key. Errors:
  // kExternalUnavailable (they cannot be had), kInvalidArgument (what came is no key set).
  Result<std::vector<JsonWebKey>> KeysOf(const std::string& issuer, const JsonWebToken& token);

 private:
  struct Kept {
    std::vector<JsonWebKey> keys;
    bool known = false;  // keys were fetched once
    bool fetching = false;
    int64_t fetched_s = 0, tried_s = 0;
    Error error;  // of the last try, when it failed
  };
  Result<std::vector<JsonWebKey>> Fetch(const IssuerSource& source, bool configured) const;

  const std::vector<IssuerSource> configured_;
  std::function<int64_t()> now_s_;
  std::mutex mutex_;
  std::map<std::string, Kept> kept_;
};

}  // namespace skep::identity
