// The object store of an organization: list, look at, read and write objects with the credentials
// of a resolved role chain. Calls block; run them on threads that may. The S3 implementation pools
// its connections and is thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "identity/role_chain.h"

namespace skep::lake {

using identity::Credentials;

struct ObjectInfo {
  std::string key;
  std::string etag;  // without quotes
  uint64_t size = 0;
  int64_t modified_s = 0;  // seconds since the epoch
  // Of Head: its user-defined metadata, names in lower case without "x-amz-meta-".
  std::map<std::string, std::string> metadata;
  bool operator==(const ObjectInfo&) const = default;
};

struct ListPage {
  std::vector<ObjectInfo> objects;
  std::vector<std::string> prefixes;  // with a delimiter only
  std::string next;                   // continue here; empty = that was all
};

// How the store shall encrypt a new object (neither: as the bucket says), and what is said beside
// one that was encrypted before.
struct Encryption {
  bool kms = false;                             // SSE-KMS
  std::string kms_key_id;                       // empty: the account's own key for S3
  std::map<std::string, std::string> metadata;  // user-defined, without "x-amz-meta-"
};

// Errors of all calls: kExternalUnavailable (down, slow, 5xx after retries, answer cut short),
// kExternalDenied (401, 403), kExternalNotFound (no such bucket or key), kExternalChanged (If-Match
// failed).
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  // One page of at most 1,000 objects.
  virtual Result<ListPage> List(const Credentials& credentials, const std::string& bucket,
                                const std::string& prefix, const std::string& delimiter,
                                const std::string& next) = 0;
  virtual Result<ObjectInfo> Head(const Credentials& credentials, const std::string& bucket,
                                  const std::string& key) = 0;
  // Fills `into` with the bytes from `offset`; never less. With an etag, the object must still have
  // it.
  virtual Result<void> GetRange(const Credentials& credentials, const std::string& bucket,
                                const std::string& key, const std::string& etag, uint64_t offset,
                                std::span<char> into) = 0;
  // Writes a whole object and answers its etag.
  virtual Result<std::string> Put(const Credentials& credentials, const std::string& bucket,
                                  const std::string& key, std::string_view bytes) = 0;
  virtual Result<void> CreateBucket(const Credentials& credentials, const std::string& bucket) = 0;
  // An object in parts, seen by nobody before it is completed. Answers the upload's id.
  virtual Result<std::string> BeginUpload(const Credentials& credentials, const std::string& bucket,
                                          const std::string& key, const Encryption& encryption);
  // Uploads part `number`, 1 to 10,000, and answers its etag. All but the last have 5 MiB or more.
  virtual Result<std::string> PutPart(const Credentials& credentials, const std::string& bucket,
                                      const std::string& key, const std::string& upload,
                                      uint32_t number, std::string_view bytes);
  // Makes the object of its parts, named by their etags in order.
  virtual Result<void> CompleteUpload(const Credentials& credentials, const std::string& bucket,
                                      const std::string& key, const std::string& upload,
                                      const std::vector<std::string>& etags);
  virtual Result<void> AbortUpload(const Credentials& credentials, const std::string& bucket,
                                   const std::string& key, const std::string& upload);
  // Deletes an object; one that is not there counts as deleted.
  virtual Result<void> Delete(const Credentials& credentials, const std::string& bucket,
                              const std::string& key);
  // Makes running and later calls fail soon with kAdminShutdown.
  virtual void Stop() {}
};

struct S3Options {
  std::chrono::milliseconds connect_timeout{3000};
  // A transfer that stays below 1 KiB/s for this long ends.
  std::chrono::seconds stall_timeout{15};
  std::chrono::seconds total_timeout{120};
  int attempts = 4;
  std::chrono::milliseconds first_backoff{100};
  size_t idle_connections = 32;
  std::string ca_file;  // empty = the system's
};

std::unique_ptr<ObjectStore> MakeS3Store(const S3Options& options);

// All objects below a prefix, page by page, at most `limit` (kPayloadTooLarge beyond). Ends with
// kQueryCanceled at the page after `stopped` says true.
Result<std::vector<ObjectInfo>> ListAll(ObjectStore& store, const Credentials& credentials,
                                        const std::string& bucket, const std::string& prefix,
                                        size_t limit, const std::function<bool()>& stopped = {});

// Splits s3://bucket/key (also s3a, s3n); false when it is none.
bool ParseS3Path(std::string_view path, std::string& bucket, std::string& key);
// True for objects a table never reads: a name that begins with '.', '_' or '#' or ends in '~'
// (also of a folder below the table), folder markers and empty objects. `relative` is the key below
// the table's location.
bool IsHiddenObject(std::string_view relative, uint64_t size);

}  // namespace skep::lake
