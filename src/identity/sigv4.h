// AWS Signature Version 4: canonical requests, signing (for requests to S3) and verification (of
// requests to our APIs), by header and by presigned query. Pure functions of bytes: knows no
// sockets, no key store and no clock. Follows "Signature Version 4 signing process" of the AWS
// General Reference and "Authenticating Requests" of the S3 API Reference.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"

namespace skep::identity {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// A request as it stands on the wire. Borrowed: must outlive the call.
struct RequestView {
  std::string_view method;
  std::string_view path;      // as sent, percent-encoded, without the query
  std::string_view query;     // as sent, without '?'
  const HeaderList& headers;  // names in any case
  std::string_view body;
};

enum class SignatureFault : uint8_t {
  kMissing,       // not signed at all
  kIncomplete,    // malformed or lacking parts
  kUnknownKey,    // for callers: the access key is not known or not active
  kMismatch,      // signed with another secret, or changed on its way
  kNotYetValid,   // dated more than 15 minutes in the future
  kExpired,       // dated more than 15 minutes ago, or a presigned URL past its end
  kTokenExpired,  // for callers: the session token has run out
};
struct SignatureFailure {
  SignatureFault fault = SignatureFault::kMissing;
  std::string message;
};
// The code that AWS's services answer, e.g. "InvalidSignatureException".
std::string_view CodeOf(SignatureFault fault);

// Who says to have signed a request, and how. Nothing in it is proven before CheckSignature.
struct ClaimedSignature {
  std::string access_key_id;
  std::string day;  // yyyymmdd of the credential scope
  std::string region;
  std::string service;
  std::vector<std::string> signed_headers;  // lower-case, sorted
  std::string signature;                    // 64 lower-case hexadecimal digits
  std::string timestamp;                    // yyyymmddThhmmssZ
  int64_t timestamp_s = 0;
  int64_t lifetime_s = 0;  // presigned only
  bool presigned = false;
  std::string session_token;
  std::string payload_hash;  // x-amz-content-sha256 as sent; empty = none
};

inline constexpr int64_t kClockSkewSeconds = 15 * 60;

// Reads Authorization or the X-Amz-… query. Bounded by the request's size; never throws.
std::expected<ClaimedSignature, SignatureFailure> ReadSignature(const RequestView& request);

// Proves a claim: the signature (in constant time), the clock (now_s: seconds since the epoch), the
// body's hash, and that host and every x-amz-… header were signed.
std::expected<void, SignatureFailure> CheckSignature(const RequestView& request,
                                                     const ClaimedSignature& claim,
                                                     const Secret& secret, int64_t now_s);

struct SigningKey {
  std::string access_key_id;
  Secret secret;
  Secret session_token;  // empty = none
  std::string region;
  std::string service;  // "s3": paths are not encoded again, x-amz-content-sha256 is sent
};

// Adds x-amz-date, x-amz-security-token and x-amz-content-sha256 (s3) where missing, then
// authorization. `headers` must hold host.
void SignRequest(std::string_view method, std::string_view path, std::string_view query,
                 HeaderList& headers, std::string_view body, const SigningKey& key, int64_t now_s);

// The steps, for tests: canonical request and string to sign.
std::string CanonicalRequest(const RequestView& request,
                             const std::vector<std::string>& signed_headers,
                             std::string_view payload_hash, bool s3, bool presigned);
std::string StringToSign(std::string_view timestamp, std::string_view scope,
                         std::string_view canonical_request);

}  // namespace skep::identity
