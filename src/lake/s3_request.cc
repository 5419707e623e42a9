#include "lake/s3_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>
#include <pugixml.hpp>

#include "base/crypto.h"

namespace skep::lake {
namespace {

bool IsBucketName(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  for (const char c : name) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                    c == '_' || (c >= 'A' && c <= 'Z');
    if (!ok) return false;
  }
  return name.find("..") == std::string_view::npos && name.front() != '.' && name.front() != '-';
}

// "2026-11-24T14:00:00.000Z" as seconds since the epoch; 0 when it is no such text.
int64_t ParseTime(const char* text) {
  std::tm tm{};
  if (std::sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                  &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
    return 0;
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  return ::timegm(&tm);
}

// Keys under encoding-type=url are encoded as in a form: '+' is a blank.
std::optional<std::string> DecodeKey(std::string text, bool encoded) {
  if (!encoded) return text;
  for (char& c : text) {
    if (c == '+') c = ' ';
  }
  return UriDecode(text);
}

}  // namespace

bool IsEtag(std::string_view etag) {
  return !etag.empty() && etag.size() <= 1024 &&
         std::ranges::all_of(etag, [](unsigned char c) { return c >= ' ' && c != 0x7f; });
}

std::string S3Url::QueryText() const {
  std::string out;
  for (const auto& [name, value] : query) {
    out += (out.empty() ? "" : "&") + UriEncode(name, false) + "=" + UriEncode(value, false);
  }
  return out;
}

std::string S3Url::Text() const {
  const std::string q = QueryText();
  return scheme + "://" + host + path + (q.empty() ? "" : "?" + q);
}

Result<S3Url> MakeS3Url(const Credentials& credentials, const std::string& bucket,
                        const std::string& key) {
  S3Url url;
  std::string_view endpoint = credentials.endpoint;
  const size_t colon = endpoint.find("://");
  url.scheme = endpoint.substr(0, colon);
  if (colon == std::string_view::npos || (url.scheme != "http" && url.scheme != "https")) {
    return Fail(ErrorKind::kInvalidArgument,
                fmt::format("\"{}\" is no endpoint of an object store", endpoint), {},
                "Write http(s)://host[:port].");
  }
  endpoint.remove_prefix(colon + 3);
  while (endpoint.ends_with('/')) endpoint.remove_suffix(1);
  if (endpoint.empty() || endpoint.find_first_of("/?#@ \r\n") != std::string_view::npos) {
    return Fail(ErrorKind::kInvalidArgument,
                fmt::format("\"{}\" is no endpoint of an object store", credentials.endpoint), {},
                "Write http(s)://host[:port], without a path.");
  }
  if (!IsBucketName(bucket))
    return Fail(ErrorKind::kInvalidArgument, fmt::format("\"{}\" is no bucket name", bucket));
  if (key.size() > 1024 || key.find('\0') != std::string::npos)
    return Fail(ErrorKind::kInvalidArgument, "the key is longer than 1,024 bytes");
  url.bucket = bucket;
  url.key = key;
  if (credentials.path_style) {
    url.host = endpoint;
    url.path = "/" + bucket + (key.empty() ? "" : "/" + UriEncode(key, true));
  } else {
    url.host = bucket + "." + std::string(endpoint);
    url.path = "/" + UriEncode(key, true);
  }
  return url;
}

Result<void> SignS3(const Credentials& credentials, const std::string& method, const S3Url& url,
                    std::string_view body,
                    std::vector<std::pair<std::string, std::string>>& headers) {
  const time_t now = ::time(nullptr);
  std::tm tm{};
  ::gmtime_r(&now, &tm);
  char stamp[20];
  std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
  const std::string day(stamp, 8), body_hash = HexEncode(Sha256(body));
  headers.emplace_back("host", url.host);
  headers.emplace_back("x-amz-content-sha256", body_hash);
  headers.emplace_back("x-amz-date", stamp);
  if (!credentials.session_token.empty())
    headers.emplace_back("x-amz-security-token", credentials.session_token.Reveal());
  std::ranges::sort(headers);
  std::string canonical_headers, signed_headers;
  for (const auto& [name, value] : headers) {
    canonical_headers += name + ":" + value + "\n";
    signed_headers += (signed_headers.empty() ? "" : ";") + name;
  }
  const std::string canonical = method + "\n" + url.path + "\n" + url.QueryText() + "\n" +
                                canonical_headers + "\n" + signed_headers + "\n" + body_hash;
  const std::string scope = day + "/" + credentials.region + "/s3/aws4_request";
  const std::string to_sign = std::string("AWS4-HMAC-SHA256\n") + stamp + "\n" + scope + "\n" +
                              HexEncode(Sha256(canonical));
  const std::string key = HmacSha256(
      HmacSha256(HmacSha256(HmacSha256("AWS4" + credentials.secret_access_key.Reveal(), day),
                            credentials.region),
                 "s3"),
      "aws4_request");
  headers.emplace_back(
      "authorization",
      fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                  credentials.access_key_id, scope, signed_headers,
                  HexEncode(HmacSha256(key, to_sign))));
  return {};
}

Result<ListPage> ParseListing(const std::string& xml) {
  pugi::xml_document document;
  const auto malformed = [](std::string_view why) {
    return Fail(ErrorKind::kExternalUnavailable, "the object store's listing cannot be read",
                std::string(why));
  };
  if (const auto parsed = document.load_buffer(xml.data(), xml.size()); !parsed)
    return malformed(parsed.description());
  const auto root = document.child("ListBucketResult");
  if (!root) return malformed("no ListBucketResult");
  const bool encoded = std::string_view(root.child_value("EncodingType")) == "url";
  ListPage page;
  for (const auto& node : root.children("Contents")) {
    ObjectInfo object;
    auto key = DecodeKey(node.child_value("Key"), encoded);
    if (!key || key->empty()) return malformed("an object without a key");
    object.key = std::move(*key);
    std::string_view etag = node.child_value("ETag");
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
      etag = etag.substr(1, etag.size() - 2);
    if (!etag.empty() && !IsEtag(etag)) return malformed("an object with a malformed ETag");
    object.etag = etag;
    const std::string_view size = node.child_value("Size");
    const auto read = std::from_chars(size.data(), size.data() + size.size(), object.size);
    if (read.ec != std::errc{} || read.ptr != size.data() + size.size() ||
        object.size > kMaxObjectBytes)
      return malformed("an object without a size");
    object.modified_s = ParseTime(node.child_value("LastModified"));
    page.objects.push_back(std::move(object));
  }
  for (const auto& node : root.children("CommonPrefixes")) {
    auto prefix = DecodeKey(node.child_value("Prefix"), encoded);
    if (!prefix) return malformed("a malformed prefix");
    page.prefixes.push_back(std::move(*prefix));
  }
  if (std::string_view(root.child_value("IsTruncated")) == "true") {
    page.next = root.child_value("NextContinuationToken");
    if (page.next.empty()) return malformed("truncated without a continuation token");
  }
  return page;
}

}  // namespace skep::lake
