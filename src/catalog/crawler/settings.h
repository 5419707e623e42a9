// What a crawler's definition asks for, read once per crawl: where it looks, with which
// classifiers, and what it may change. Values that the API would have refused read as the service's
// defaults.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "catalog/crawler/classifier.h"
#include "control/store.h"

namespace skep::catalog {

struct Target {
  std::string bucket, prefix;
  std::vector<std::string> exclusions;
  size_t samples = 0;  // SampleSize: files of each leaf folder; 0 = not given
};

enum class Recrawl : uint8_t { kEverything, kNewFolders, kEvents };
enum class OnDelete : uint8_t { kDeprecate, kDelete, kLog };

struct CrawlSettings {
  std::vector<Target> targets;
  std::string database;      // lower-case
  std::string table_prefix;  // lower-case
  Recrawl recrawl = Recrawl::kEverything;
  bool log_updates = false;  // UpdateBehavior LOG
  OnDelete on_delete = OnDelete::kDeprecate;
  bool merge_new_columns = false;   // CrawlerOutput.Tables: MergeNewColumns
  bool inherit_from_table = false;  // CrawlerOutput.Partitions: InheritFromTable
  bool combine_compatible = false;  // Grouping: CombineCompatibleSchemas
  size_t table_level = 0;           // Grouping.TableLevelConfiguration; 1 = the bucket, 0 = none
  size_t table_threshold = 0;       // CrawlerOutput.Tables.TableThreshold; 0 = none
  std::vector<Classifier> classifiers;
  std::string definition;  // digest of what decides which objects are looked at
  std::string method;      // digest of what decides how a sample is understood
};

// Errors: kInvalidArgument for a crawler without usable targets or database; those of the control
// store.
Result<CrawlSettings> ReadSettings(const control::Crawler& crawler, control::Store& store);

// Where a crawler of event mode looks; of others and of damaged ones nothing.
std::vector<Target> EventTargets(const control::Crawler& crawler);
// Whether a crawler looks at this object.
bool Covers(const Target& target, std::string_view bucket, std::string_view key);

}  // namespace skep::catalog
