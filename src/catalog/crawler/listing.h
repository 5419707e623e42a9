// What a crawl looks at: the objects below its targets, from the object store or, for folders that
// no event named, from what the crawler saw last time; and which of them are new.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "catalog/crawler/settings.h"
#include "control/crawl_store.h"
#include "identity/role_chain.h"
#include "lake/object_store.h"

namespace skep::catalog {

using FolderName = std::pair<std::string, std::string>;  // bucket, folder
using SeenFolders = std::map<FolderName, std::vector<control::SeenObject>>;

// In the place of a folder's name: so many changed that everything is to be listed.
inline constexpr std::string_view kEverywhere = "*";

struct ListedTarget {
  std::string prefix;                     // where tables are looked for
  std::vector<lake::ObjectInfo> objects;  // those a table may read, in key order
  uint64_t hidden = 0;                    // hidden, empty, excluded or not readable
  uint64_t requests = 0;                  // pages of listings
};

struct Lister {
  lake::ObjectStore& store;
  const identity::Credentials& credentials;
  const std::string& role;
  size_t max_objects;  // of a target; kPayloadTooLarge beyond

  // Lists a target whole. Errors: those of the store; kInsufficientPrivilege.
  Result<ListedTarget> All(const Target& target) const;
  // Lists the changed folders of a target; the others are taken from `seen`.
  Result<ListedTarget> Changed(const Target& target, const SeenFolders& seen,
                               const std::vector<control::ChangedFolder>& changes) const;

 private:
  Result<void> List(const Target& target, const std::string& prefix, const std::string& delimiter,
                    ListedTarget& out) const;
};

// The folder of a key: "a/b/" of "a/b/c", empty of "c".
std::string FolderOf(std::string_view key);
// Adds a target's objects to what was seen.
void AddSeen(SeenFolders& seen, const std::string& bucket,
             const std::vector<lake::ObjectInfo>& objects);
// Folders that differ; those that are gone without objects.
std::vector<control::SeenFolder> Differences(const SeenFolders& before, const SeenFolders& now);

}  // namespace skep::catalog
