#include "identity/sigv4.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <optional>

#include "base/crypto.h"
#include "base/text.h"

namespace skep::identity {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr int64_t kMaxLifetimeSeconds = 7 * 24 * 3600;

using Parameters = std::vector<std::pair<std::string, std::string>>;

std::unexpected<SignatureFailure> Refuse(SignatureFault fault, std::string message) {
  return std::unexpected(SignatureFailure{fault, std::move(message)});
}

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && Lower(a) == Lower(b);
}

// Trims, and folds runs of blanks into one.
std::string FoldBlanks(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (!blank) {
      out.push_back(c);
    } else if (!out.empty() && out.back() != ' ') {
      out.push_back(' ');
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// An escape that is none stands for itself.
std::string DecodeLeniently(std::string_view text) {
  return UriDecode(text).value_or(std::string(text));
}

Parameters ReadQuery(std::string_view query) {
  Parameters parameters;
  if (query.empty()) return parameters;
  for (const std::string_view part : Split(query, '&')) {
    if (part.empty()) continue;
    const size_t at = part.find('=');
    const std::string_view value =
        at == std::string_view::npos ? std::string_view() : part.substr(at + 1);
    parameters.emplace_back(DecodeLeniently(part.substr(0, at)), DecodeLeniently(value));
  }
  return parameters;
}

std::string CanonicalQuery(std::string_view query, bool without_signature) {
  Parameters encoded;
  for (const auto& [name, value] : ReadQuery(query)) {
    if (without_signature && name == "X-Amz-Signature") continue;
    encoded.emplace_back(UriEncode(name, false), UriEncode(value, false));
  }
  std::ranges::sort(encoded);
  std::string out;
  for (const auto& [name, value] : encoded) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

// Removes "." and ".." segments and doubled slashes (RFC 3986, section 5.2.4), then encodes once
// more: what every service but S3 signs.
std::string CanonicalPath(std::string_view path, bool s3) {
  if (path.empty()) return "/";
  if (s3) return std::string(path);
  std::vector<std::string_view> kept;
  for (const std::string_view segment : Split(path, '/')) {
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
  }
  std::string out;
  for (const std::string_view segment : kept) out += "/" + UriEncode(segment, false);
  if (out.empty() || path.ends_with('/') || path.ends_with("/.") || path.ends_with("/.."))
    out += "/";
  return out;
}

// yyyymmddThhmmssZ as seconds since the epoch.
std::optional<int64_t> ReadTimestamp(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  int parts[6] = {};
  constexpr size_t kStarts[6] = {0, 4, 6, 9, 11, 13}, kWidths[6] = {4, 2, 2, 2, 2, 2};
  for (size_t i = 0; i < 6; i++) {
    for (size_t k = 0; k < kWidths[i]; k++) {
      const char c = text[kStarts[i] + k];
      if (c < '0' || c > '9') return std::nullopt;
      parts[i] = parts[i] * 10 + (c - '0');
    }
  }
  if (parts[0] < 1970 || parts[1] < 1 || parts[1] > 12 || parts[2] < 1 || parts[2] > 31 ||
      parts[3] > 23 || parts[4] > 59 || parts[5] > 60) {
    return std::nullopt;
  }
  std::tm tm{};
  tm.tm_year = parts[0] - 1900;
  tm.tm_mon = parts[1] - 1;
  tm.tm_mday = parts[2];
  tm.tm_hour = parts[3];
  tm.tm_min = parts[4];
  tm.tm_sec = parts[5];
  return ::timegm(&tm);
}

std::string WriteTimestamp(int64_t seconds) {
  const time_t time = seconds;
  std::tm tm{};
  ::gmtime_r(&time, &tm);
  char text[32];
  const size_t size = std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &tm);
  return std::string(text, size);
}

const std::string* FindHeader(const HeaderList& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (EqualIgnoringCase(key, name)) return &value;
  }
  return nullptr;
}

std::string SigningSignature(const Secret& secret, std::string_view day, std::string_view region,
                             std::string_view service, std::string_view to_sign) {
  const Secret start("AWS4" + secret.Reveal());
  std::string key = HmacSha256(start.Reveal(), day);
  for (const std::string_view part : {region, service, std::string_view("aws4_request")})
    key = HmacSha256(key, part);
  return HexEncode(HmacSha256(key, to_sign));
}

// The parts both forms share.
std::expected<void, SignatureFailure> ReadCredential(std::string_view credential,
                                                     ClaimedSignature& claim) {
  const auto parts = Split(credential, '/');
  if (parts.size() != 5 || parts[4] != "aws4_request" || parts[0].empty() || parts[1].size() != 8 ||
      parts[2].empty() || parts[3].empty()) {
    return Refuse(SignatureFault::kIncomplete,
                  fmt::format("Credential must have exactly 5 slash-delimited elements, e.g. "
                              "keyid/date/region/service/aws4_request, got '{}'",
                              credential.substr(0, 200)));
  }
  claim.access_key_id = parts[0];
  claim.day = parts[1];
  claim.region = parts[2];
  claim.service = parts[3];
  return {};
}

std::expected<void, SignatureFailure> ReadSignedHeaders(std::string_view text,
                                                        ClaimedSignature& claim) {
  for (const std::string_view name : Split(text, ';')) {
    if (name.empty())
      return Refuse(SignatureFault::kIncomplete, "SignedHeaders holds an empty name");
    claim.signed_headers.push_back(Lower(name));
  }
  if (!std::ranges::is_sorted(claim.signed_headers)) std::ranges::sort(claim.signed_headers);
  return {};
}

std::expected<void, SignatureFailure> ReadTimes(std::string_view timestamp,
                                                ClaimedSignature& claim) {
  const auto seconds = ReadTimestamp(timestamp);
  if (!seconds) {
    return Refuse(SignatureFault::kIncomplete,
                  fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'. See "
                              "http://en.wikipedia.org/wiki/ISO_8601",
                              timestamp.substr(0, 60)));
  }
  claim.timestamp = timestamp;
  claim.timestamp_s = *seconds;
  if (claim.timestamp.substr(0, 8) != claim.day) {
    return Refuse(
        SignatureFault::kMismatch,
        fmt::format(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            "HTTP: '{}' != '{}', from '{}'.",
            claim.day, claim.timestamp.substr(0, 8), timestamp));
  }
  return {};
}

std::expected<ClaimedSignature, SignatureFailure> ReadHeaderForm(const RequestView& request,
                                                                 std::string_view authorization) {
  ClaimedSignature claim;
  if (!authorization.starts_with(kAlgorithm) || authorization.size() == kAlgorithm.size() ||
      authorization[kAlgorithm.size()] != ' ') {
    return Refuse(SignatureFault::kIncomplete,
                  fmt::format("Authorization header requires the algorithm {}.", kAlgorithm));
  }
  authorization.remove_prefix(kAlgorithm.size());
  std::string_view credential, signed_headers, signature;
  for (std::string_view part : Split(authorization, ',')) {
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    const size_t at = part.find('=');
    if (at == std::string_view::npos)
      return Refuse(SignatureFault::kIncomplete,
                    "Authorization header holds a part that is no key=value pair.");
    const std::string_view name = part.substr(0, at), value = part.substr(at + 1);
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") signed_headers = value;
    if (name == "Signature") signature = value;
  }
  for (const auto& [name, value] : {std::pair("Credential", credential),
                                    {"Signature", signature},
                                    {"SignedHeaders", signed_headers}}) {
    if (value.empty())
      return Refuse(SignatureFault::kIncomplete,
                    fmt::format("Authorization header requires '{}' parameter.", name));
  }
  if (auto read = ReadCredential(credential, claim); !read) return std::unexpected(read.error());
  if (auto read = ReadSignedHeaders(signed_headers, claim); !read)
    return std::unexpected(read.error());
  claim.signature = signature;
  const std::string* date = FindHeader(request.headers, "x-amz-date");
  if (date == nullptr) {
    return Refuse(SignatureFault::kIncomplete,
                  "Authorization header requires existence of an 'X-Amz-Date' header.");
  }
  if (auto read = ReadTimes(*date, claim); !read) return std::unexpected(read.error());
  if (const std::string* token = FindHeader(request.headers, "x-amz-security-token"))
    claim.session_token = *token;
  if (const std::string* hash = FindHeader(request.headers, "x-amz-content-sha256"))
    claim.payload_hash = *hash;
  return claim;
}

std::expected<ClaimedSignature, SignatureFailure> ReadQueryForm(const RequestView& request,
                                                                const Parameters& query) {
  ClaimedSignature claim;
  claim.presigned = true;
  std::optional<std::string> algorithm, credential, date, expires, headers, signature;
  for (const auto& [name, value] : query) {
    std::optional<std::string>* target = name == "X-Amz-Algorithm"       ? &algorithm
                                         : name == "X-Amz-Credential"    ? &credential
                                         : name == "X-Amz-Date"          ? &date
                                         : name == "X-Amz-Expires"       ? &expires
                                         : name == "X-Amz-SignedHeaders" ? &headers
                                         : name == "X-Amz-Signature"     ? &signature
                                                                         : nullptr;
    if (name == "X-Amz-Security-Token") claim.session_token = value;
    if (name == "X-Amz-Content-Sha256") claim.payload_hash = value;
    if (target == nullptr) continue;
    if (target->has_value())
      return Refuse(SignatureFault::kIncomplete, fmt::format("The query holds '{}' twice.", name));
    *target = value;
  }
  if (algorithm != kAlgorithm)
    return Refuse(SignatureFault::kIncomplete,
                  fmt::format("X-Amz-Algorithm must be {}.", kAlgorithm));
  for (const auto& [name, value] : {std::pair("X-Amz-Credential", &credential),
                                    {"X-Amz-Date", &date},
                                    {"X-Amz-SignedHeaders", &headers},
                                    {"X-Amz-Signature", &signature}}) {
    if (!value->has_value() || (*value)->empty())
      return Refuse(SignatureFault::kIncomplete, fmt::format("The query requires '{}'.", name));
  }
  if (auto read = ReadCredential(*credential, claim); !read) return std::unexpected(read.error());
  if (auto read = ReadSignedHeaders(*headers, claim); !read) return std::unexpected(read.error());
  if (auto read = ReadTimes(*date, claim); !read) return std::unexpected(read.error());
  claim.signature = *signature;
  claim.lifetime_s = kClockSkewSeconds;
  if (expires) {
    const char* end = expires->data() + expires->size();
    const auto read = std::from_chars(expires->data(), end, claim.lifetime_s);
    if (read.ec != std::errc{} || read.ptr != end || claim.lifetime_s < 0 ||
        claim.lifetime_s > kMaxLifetimeSeconds) {
      return Refuse(SignatureFault::kIncomplete,
                    "X-Amz-Expires must be a number of seconds between 0 and 604800.");
    }
  }
  return claim;
}

}  // namespace

std::string_view CodeOf(SignatureFault fault) {
  switch (fault) {
    case SignatureFault::kMissing:
      return "MissingAuthenticationTokenException";
    case SignatureFault::kIncomplete:
      return "IncompleteSignatureException";
    case SignatureFault::kUnknownKey:
      return "UnrecognizedClientException";
    case SignatureFault::kMismatch:
      return "InvalidSignatureException";
    case SignatureFault::kNotYetValid:
      return "InvalidSignatureException";
    case SignatureFault::kExpired:
      return "RequestExpired";
    case SignatureFault::kTokenExpired:
      return "ExpiredTokenException";
  }
  return "InvalidSignatureException";
}

std::expected<ClaimedSignature, SignatureFailure> ReadSignature(const RequestView& request) {
  const std::string* authorization = FindHeader(request.headers, "authorization");
  if (authorization != nullptr && !authorization->empty())
    return ReadHeaderForm(request, *authorization);
  const Parameters query = ReadQuery(request.query);
  const bool presigned = std::ranges::any_of(query, [](const auto& p) {
    return p.first == "X-Amz-Signature" || p.first == "X-Amz-Algorithm";
  });
  if (presigned) return ReadQueryForm(request, query);
  return Refuse(SignatureFault::kMissing, "Missing Authentication Token");
}

std::expected<void, SignatureFailure> CheckSignature(const RequestView& request,
                                                     const ClaimedSignature& claim,
                                                     const Secret& secret, int64_t now_s) {
  const bool s3 = claim.service == "s3";
  const auto is_signed = [&](std::string_view name) {
    return std::ranges::binary_search(claim.signed_headers, name);
  };
  if (!is_signed("host")) {
    return Refuse(SignatureFault::kMismatch,
                  "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  }
  std::vector<std::string> seen;
  for (const auto& [key, value] : request.headers) {
    std::string name = Lower(key);
    if (name.starts_with("x-amz-") && !is_signed(name)) {
      return Refuse(SignatureFault::kMismatch,
                    fmt::format("'{}' must be a 'SignedHeader' in the AWS Authorization.", name));
    }
    seen.push_back(std::move(name));
  }
  for (const std::string& name : claim.signed_headers) {
    if (std::ranges::find(seen, name) == seen.end()) {
      return Refuse(
          SignatureFault::kMismatch,
          fmt::format("The signed header '{}' is not part of the request.", name.substr(0, 100)));
    }
  }
  std::string hash = HexEncode(Sha256(request.body));
  if (s3 && (claim.payload_hash == "UNSIGNED-PAYLOAD" ||
             (claim.presigned && claim.payload_hash.empty()))) {
    hash = "UNSIGNED-PAYLOAD";
  } else if (!claim.payload_hash.empty() && claim.payload_hash != hash) {
    return Refuse(
        SignatureFault::kMismatch,
        "The value passed as x-amz-content-sha256 is not the hash of the body that was received.");
  }
  const std::string scope = claim.day + "/" + claim.region + "/" + claim.service + "/aws4_request";
  const std::string canonical =
      CanonicalRequest(request, claim.signed_headers, hash, s3, claim.presigned);
  const std::string expected = SigningSignature(secret, claim.day, claim.region, claim.service,
                                                StringToSign(claim.timestamp, scope, canonical));
  if (!ConstantTimeEqual(expected, claim.signature)) {
    return Refuse(SignatureFault::kMismatch,
                  "The request signature we calculated does not match the signature you provided. "
                  "Check your AWS Secret Access Key and signing "
                  "method. Consult the service documentation for details.");
  }
  if (claim.timestamp_s > now_s + kClockSkewSeconds) {
    return Refuse(SignatureFault::kNotYetValid,
                  fmt::format("Signature not yet current: {} is still later than {} ({} + 15 min.)",
                              claim.timestamp, WriteTimestamp(now_s + kClockSkewSeconds),
                              WriteTimestamp(now_s)));
  }
  const int64_t lifetime = claim.presigned ? claim.lifetime_s : kClockSkewSeconds;
  if (claim.timestamp_s + lifetime < now_s) {
    return Refuse(
        SignatureFault::kExpired,
        fmt::format("Signature expired: {} is now earlier than {} ({} - {} s.)", claim.timestamp,
                    WriteTimestamp(now_s - lifetime), WriteTimestamp(now_s), lifetime));
  }
  return {};
}

void SignRequest(std::string_view method, std::string_view path, std::string_view query,
                 HeaderList& headers, std::string_view body, const SigningKey& key, int64_t now_s) {
  const bool s3 = key.service == "s3";
  std::string timestamp = WriteTimestamp(now_s);
  if (const std::string* given = FindHeader(headers, "x-amz-date")) {
    timestamp = *given;
  } else {
    headers.emplace_back("x-amz-date", timestamp);
  }
  const std::string day = timestamp.substr(0, 8);
  std::string hash = HexEncode(Sha256(body));
  if (!key.session_token.empty() && FindHeader(headers, "x-amz-security-token") == nullptr) {
    headers.emplace_back("x-amz-security-token", key.session_token.Reveal());
  }
  if (const std::string* given = FindHeader(headers, "x-amz-content-sha256")) {
    hash = *given;
  } else if (s3) {
    headers.emplace_back("x-amz-content-sha256", hash);
  }
  std::vector<std::string> names;
  for (const auto& [name, value] : headers) names.push_back(Lower(name));
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  const RequestView request{method, path, query, headers, body};
  const std::string scope = day + "/" + key.region + "/" + key.service + "/aws4_request";
  const std::string to_sign =
      StringToSign(timestamp, scope, CanonicalRequest(request, names, hash, s3, false));
  std::string signed_headers;
  for (const std::string& name : names)
    signed_headers += (signed_headers.empty() ? "" : ";") + name;
  headers.emplace_back(
      "authorization",
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                  key.access_key_id, scope, signed_headers,
                  SigningSignature(key.secret, day, key.region, key.service, to_sign)));
}

std::string CanonicalRequest(const RequestView& request,
                             const std::vector<std::string>& signed_headers,
                             std::string_view payload_hash, bool s3, bool presigned) {
  std::string out = fmt::format("{}\n{}\n{}\n", request.method, CanonicalPath(request.path, s3),
                                CanonicalQuery(request.query, presigned));
  std::string names;
  for (const std::string& name : signed_headers) {
    std::string values;
    bool first = true;
    for (const auto& [key, value] : request.headers) {
      if (!EqualIgnoringCase(key, name)) continue;
      values += (first ? "" : ",") + FoldBlanks(value);
      first = false;
    }
    out += name + ":" + values + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  out += "\n" + names + "\n";
  out += payload_hash;
  return out;
}

std::string StringToSign(std::string_view timestamp, std::string_view scope,
                         std::string_view canonical_request) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, timestamp, scope,
                     HexEncode(Sha256(canonical_request)));
}

}  // namespace skep::identity
