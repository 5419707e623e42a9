// What writes make of an Iceberg table's metadata: manifests, manifest lists and the next metadata
// JSON, as bytes; nothing is read or written here. Format version 2. Source: the Iceberg table
// specification.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "worker/unload/iceberg_transform.h"

namespace skep::worker::unload {

struct TargetField {
  int32_t id = 0;
  std::string name;  // as the metadata have it
  duckdb::LogicalType type;
  bool required = false;
};

struct TargetPartition {
  size_t source = 0;  // index of a field
  int32_t id = 0;
  std::string name;
  Transform transform;
  duckdb::LogicalType type;  // of transformed values
};

// What a write needs to know of a table.
struct IcebergTarget {
  nlohmann::ordered_json metadata;
  std::string path;      // of the metadata; empty: the table is new
  std::string location;  // without a slash behind
  std::vector<TargetField> fields;
  std::vector<TargetPartition> partition;
  int32_t schema_id = 0, spec_id = 0;
  std::string compression;  // of Parquet
  uint64_t file_bytes = 0;  // of a data file, about

  // Throws InvalidInputException (broken metadata) and NotImplementedException (a table that is not
  // written) that name `table`.
  static IcebergTarget Read(const std::string& text, const std::string& path,
                            const std::string& table);
  // Of a table to be made: UnloadPlan::iceberg.
  static IcebergTarget New(const std::string& plan, const std::string& location,
                           const std::string& table, int64_t now_ms);
};

struct ColumnFigures {
  uint64_t bytes = 0, values = 0, nulls = 0;
  std::optional<std::string> least, most;  // single values
};

struct DataFile {
  std::string path;
  uint64_t bytes = 0, rows = 0;
  std::vector<duckdb::Value> partition;  // transformed
  std::map<int32_t, ColumnFigures> columns;
};

// An entry of a manifest list.
struct ListedManifest {
  std::string path;
  uint64_t bytes = 0;
  int32_t spec_id = 0, content = 0;
  int64_t sequence = 0, least_sequence = 0, snapshot = 0;
  int64_t files[3] = {0, 0, 0}, rows[3] = {0, 0, 0};  // added, existing, deleted
  struct Summary {
    bool has_null = false;
    std::optional<bool> has_nan;
    std::optional<std::string> least, most;
  };
  std::optional<std::vector<Summary>> partitions;
  std::optional<std::string> key_metadata;
};

struct Snapshot {
  int64_t id = 0, sequence = 0, timestamp_ms = 0;
  std::optional<int64_t> parent;
  std::string manifest_list;  // its path
};

// The manifest of an append, and its entry but for path, bytes and sequence number.
std::string ManifestOf(const IcebergTarget& table, int64_t snapshot,
                       const std::vector<DataFile>& files);
ListedManifest EntryOf(const IcebergTarget& table, int64_t snapshot,
                       const std::vector<DataFile>& files);
std::string ManifestListOf(const Snapshot& snapshot, const std::vector<ListedManifest>& manifests);
// The snapshot that follows the table's current one.
Snapshot NextSnapshot(const IcebergTarget& table, int64_t id, int64_t now_ms);
// The table's metadata with a snapshot more; without one, a new table's as they are.
std::string MetadataWith(const IcebergTarget& table, const std::optional<Snapshot>& snapshot,
                         const std::vector<DataFile>& files);
// The name of the metadata that follow the table's: 00007-<uuid>.metadata.json.
std::string NextMetadataName(const IcebergTarget& table);

}  // namespace skep::worker::unload
