// The part of the control store that crawls remember by: which objects each crawler has seen
// (fingerprints by folder), what their samples held, and which folders events have named that no
// crawl has looked at since. Calls block and commit before they return.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::control {

struct SeenObject {
  std::string name;  // below the folder
  uint64_t size = 0;
  std::string etag;
  bool operator==(const SeenObject&) const = default;
};
// The objects directly in one folder, in the order of their names.
struct SeenFolder {
  std::string bucket, folder;  // with trailing slash; empty = the bucket's root
  std::vector<SeenObject> objects;
  bool operator==(const SeenFolder&) const = default;
};
// What the inference made of one object.
struct KnownSample {
  std::string bucket, key, etag;
  uint64_t size = 0;
  std::string method;  // which classifiers were asked; another: the sample says nothing
  std::string json;
};
// A folder that events have named.
struct ChangedFolder {
  std::string account, crawler, bucket, folder;
  int64_t first_ms = 0, last_ms = 0;  // of the events since the last crawl
  uint64_t events = 0;
  std::string token;  // another one after each event
};

// What a crawl leaves behind, all of it or nothing.
struct CrawlMemory {
  std::string definition;               // what of the crawler decides where it looks
  std::vector<SeenFolder> seen;         // replaced; without objects: forgotten
  std::vector<KnownSample> samples;     // added or replaced
  std::vector<KnownSample> forgotten;   // by bucket and key
  std::vector<ChangedFolder> answered;  // dropped, unless an event came since they were read
};

class CrawlStore {
 public:
  virtual ~CrawlStore() = default;

  // Keeps events, one transaction: each names account, crawler, bucket and folder; times and count
  // are `events` more at last_ms.
  virtual Result<void> AddChanges(const std::vector<ChangedFolder>& changes) = 0;
  // Of one crawler, or, both empty, of all.
  virtual Result<std::vector<ChangedFolder>> ListChanges(std::string_view account,
                                                         std::string_view crawler) = 0;

  virtual Result<std::optional<std::string>> Definition(std::string_view account,
                                                        std::string_view crawler) = 0;
  virtual Result<std::vector<SeenFolder>> ListSeen(std::string_view account,
                                                   std::string_view crawler) = 0;
  virtual Result<std::optional<SeenFolder>> GetSeen(std::string_view account,
                                                    std::string_view crawler,
                                                    std::string_view bucket,
                                                    std::string_view folder) = 0;
  virtual Result<std::vector<KnownSample>> ListSamples(std::string_view account,
                                                       std::string_view crawler) = 0;
  virtual Result<void> Remember(std::string_view account, std::string_view crawler,
                                const CrawlMemory& memory) = 0;
};

}  // namespace skep::control
