// Iceberg tables for reading: from the place of a table's metadata to its columns, its data files
// and the rows of them that were deleted. Everything is read through the gateway, which decides
// about each object; the metadata are hostile. Source: the Iceberg table specification, versions 1
// and 2.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <duckdb/common/multi_file/multi_file_data.hpp>
#include <duckdb/planner/table_filter.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "worker/external_scan/lake_client.h"

namespace skep::external_scan {

struct IcebergField {
  int32_t id = 0;
  std::string name;  // in lower case
  duckdb::LogicalType type;
  std::vector<IcebergField> children;  // of a struct; an array's element; a map's key and value
};

struct IcebergFile {
  ipc::TableFile file;
  uint64_t rows = 0;
  struct Bounds {
    std::optional<duckdb::Value> least, most;
  };
  std::unordered_map<int32_t, Bounds> bounds;                // by field
  std::shared_ptr<const std::vector<int64_t>> deleted_rows;  // ascending; null: none
};

class IcebergTable {
 public:
  // Reads the metadata and takes the current snapshot. Throws lake errors and
  // InvalidInputException, NotImplementedException for what is not read (format version 3's
  // deletion vectors and types, equality deletes, data files that are not Parquet).
  IcebergTable(duckdb::ClientContext& context, LakeClient& client, uint64_t scan,
               const std::string& table, const std::string& metadata);

  const std::vector<IcebergField>& fields() const { return fields_; }
  uint64_t total_rows() const { return total_rows_; }

  // Reads the manifests once.
  const std::vector<IcebergFile>& Files(const LakeClient::Interrupted& interrupted);
  // Of Files(), after it was called.
  const IcebergFile* Find(uint32_t number) const;

  // Whether a file's bounds say that no row of it passes `filter` on a column, counted from 0.
  bool Excludes(const IcebergFile& file, size_t column, const duckdb::TableFilter& filter) const;
  // The columns as the engine finds them in files: by their ids.
  duckdb::vector<duckdb::MultiFileColumnDefinition> Schema() const;

 private:
  struct Delete {
    std::string path, format;
    uint64_t size = 0;
  };

  void ReadMetadata(const std::string& text);
  std::string ReadText(duckdb::ClientContext& context, const std::string& path);
  std::vector<ipc::TableFile> Open(const std::vector<std::pair<std::string, uint64_t>>& objects,
                                   const LakeClient::Interrupted& interrupted);
  void ReadManifest(duckdb::Connection& connection, const std::string& manifest,
                    std::vector<IcebergFile>& files,
                    std::vector<std::pair<std::string, uint64_t>>& paths,
                    std::vector<Delete>& deletes);
  void ReadDeletes(duckdb::Connection& connection, const std::vector<Delete>& deletes,
                   const LakeClient::Interrupted& interrupted, std::vector<IcebergFile>& files);
  // The rows of an Avro or Parquet file of the table, one chunk at a time.
  template <class Act>
  void Query(duckdb::Connection& connection, const std::string& sql, const Act& act);

  LakeClient& client_;
  duckdb::DatabaseInstance& database_;
  const uint64_t scan_;
  const std::string name_;
  std::vector<IcebergField> fields_;
  std::unordered_map<int32_t, duckdb::LogicalType> types_;  // of the fields that may have bounds
  std::string manifest_list_;
  std::vector<std::string> manifests_;  // of version 1 without a list
  uint64_t total_rows_ = 0;

  mutable std::mutex mutex_;
  std::optional<std::vector<IcebergFile>> files_;
  std::unordered_map<uint32_t, size_t> by_number_;
};

// Leaves deleted rows out of what a reader of the file answers; null when there are none.
duckdb::unique_ptr<duckdb::DeleteFilter> DeleteFilterOf(const IcebergFile& file);

}  // namespace skep::external_scan
