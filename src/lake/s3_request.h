// What an S3 request looks like and what a listing says, without doing any of it: URLs, signatures,
// XML.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "lake/object_store.h"

namespace skep::lake {

inline constexpr uint64_t kMaxObjectBytes = 1ull << 50;

// Whether a store's ETag can stand in a header: not empty, of bounded length, printable.
bool IsEtag(std::string_view etag);

struct S3Url {
  std::string scheme, host;                                // host with port
  std::string path;                                        // percent-encoded, begins with '/'
  std::vector<std::pair<std::string, std::string>> query;  // not encoded, sorted by name
  std::string bucket, key;

  std::string QueryText() const;
  std::string Text() const;
  // s3://bucket/key, for messages.
  std::string Place() const { return "s3://" + bucket + "/" + key; }
};

// Errors: kInvalidArgument (bucket name or key that cannot be named in a URL, malformed endpoint).
Result<S3Url> MakeS3Url(const Credentials& credentials, const std::string& bucket,
                        const std::string& key);
// Adds host, x-amz-date, x-amz-content-sha256 and authorization to `headers`, which are signed with
// it.
Result<void> SignS3(const Credentials& credentials, const std::string& method, const S3Url& url,
                    std::string_view body,
                    std::vector<std::pair<std::string, std::string>>& headers);
// Reads a ListBucketResult. Errors: kExternalUnavailable (not one).
Result<ListPage> ParseListing(const std::string& xml);

}  // namespace skep::lake
