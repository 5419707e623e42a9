// The thinking half of a crawl: which objects form which tables and partitions, and how schemas of
// samples become one. Pure functions of listings and inferred schemas; crawl.h does the reading and
// writing. Follows the developer guide's "How does a crawler determine when to create partitions"
// and, where that is silent, what crawled tables look like.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/file_kind.h"
#include "ipc/messages.h"
#include "lake/object_store.h"

namespace skep::catalog {

struct PlannedPartition {
  std::vector<std::string> values;
  std::string prefix;  // key prefix with trailing slash, or the key of a single file
  std::vector<lake::ObjectInfo> objects;  // in key order
};

// A table to be: all objects below one root that are read together. Without keys there is exactly
// one partition without values.
struct PlannedTable {
  std::string name;
  std::string location;  // key prefix with trailing slash, or the key of a single file
  bool single_file = false;
  std::vector<std::string> keys;  // partition key names, lower-case
  std::vector<PlannedPartition> partitions;
  ipc::FileKind kind;
  std::optional<ipc::InferReply> schema;  // merged over the samples

  uint64_t objects() const;
  uint64_t bytes() const;
};

// Groups the objects listed below `prefix` into tables by folder: k=v folders become partitions of
// the folder above them; hidden and empty objects and those that match an exclusion glob are left
// out; a folder that mixes formats gives one table per file. A table level (1 = the bucket, 2 = the
// folders in it) fixes where tables begin: every folder below is a partition key.
std::vector<PlannedTable> GroupIntoTables(std::string_view bucket, std::string_view prefix,
                                          const std::vector<lake::ObjectInfo>& objects,
                                          const std::vector<std::string>& exclusions,
                                          size_t table_level = 0);
// Makes sibling folders with the same format and similar schemas one table with a key partition_0,
// bottom up; `compatible`: whatever their columns. Tables without a schema are dropped (nobody
// could tell what they hold).
std::vector<PlannedTable> CombineSimilar(std::string_view bucket, std::string_view prefix,
                                         std::vector<PlannedTable> tables, bool compatible = false);
// Splits a table without keys into one per file: for folders whose samples turned out to differ.
std::vector<PlannedTable> SplitByFile(const PlannedTable& table);

// True for the same format, delimiter and encoding.
bool Compatible(const ipc::InferReply& a, const ipc::InferReply& b);
// True when at least 70 % of the smaller schema's columns are in the other, and half of the larger
// one's.
bool Similar(const ipc::InferReply& a, const ipc::InferReply& b);
// Union of columns in order of discovery; types widen (int < bigint < double, date < timestamp),
// else string.
ipc::InferReply MergeSchemas(const ipc::InferReply& a, const ipc::InferReply& b);
std::string MergeTypes(const std::string& a, const std::string& b);
// The type of a partition key by its values: "bigint" when all are plain integers without leading
// zeros, "date" when all are yyyy-mm-dd, else "string".
std::string PartitionKeyType(const std::vector<PlannedPartition>& partitions, size_t key);

// Lower case; everything but [a-z0-9_] becomes '_'.
std::string SanitizeName(std::string_view text);
// Glob as crawlers take it: '*' within a folder, '**' across, '?', [abc], [!a], {a,b}, backslash
// escapes.
bool GlobMatches(std::string_view pattern, std::string_view text);

}  // namespace skep::catalog
