// Which objects are a table's when listing its folders does not say: Delta Lake's tables by their
// manifests (SymlinkTextInputFormat), and Hudi's copy-on-write tables by their timeline. What lies
// there is an organization's: hostile, and read with its own role. Source: the developer guide's
// "Creating external tables for data managed in Delta Lake", "... in Apache Hudi"; Hudi's timeline
// of layout 1.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "lake/object_store.h"

namespace skep::lake {

// How a table's objects are found.
enum class TableListing : uint8_t {
  kFolders,   // everything below its locations
  kManifest,  // what the manifests below its locations name
  kHudi       // the latest committed file of each of Hudi's file groups
};

// What calls below share: whose rights, what there may be at most, whether anybody still waits.
struct TableReader {
  ObjectStore& store;
  const Credentials& credentials;
  size_t most_files = 0;
  std::function<bool()> stopped = {};
};

// The files that manifests of one folder name, one path a line, as objects of the same bucket.
// Errors: kDataException (another bucket, several folders, no path of S3), kExternalNotFound (a
// file that is not there), kExternalDenied, kPayloadTooLarge, and those of the store.
Result<std::vector<ObjectInfo>> FilesOfManifests(const TableReader& reader,
                                                 const std::string& bucket,
                                                 const std::vector<ObjectInfo>& manifests);

// What Hudi committed to a table.
struct HudiTimeline {
  std::set<std::string, std::less<>> commits;  // instants of completed ones
  // Of file groups that were replaced: (folder below the table, file id) -> instant.
  std::map<std::pair<std::string, std::string>, std::string> replaced;
};

// Reads <base>.hoodie/; `base` is the table's key, with its slash. Errors: kDataException ("No
// valid Hudi commit timeline found"), kFeatureNotSupported (a table that is merged on read, layouts
// of Hudi 1), kExternalDenied, and those of the store.
Result<HudiTimeline> ReadHudiTimeline(const TableReader& reader, const std::string& bucket,
                                      const std::string& base);
// Leaves of a folder's objects the latest committed file of each group. `base` as above.
void KeepHudiFiles(const HudiTimeline& timeline, std::string_view base,
                   std::vector<ObjectInfo>& objects);

}  // namespace skep::lake
