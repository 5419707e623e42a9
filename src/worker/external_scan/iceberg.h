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
#include <set>
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
  duckdb::Value initial;               // in files that lack the field (version 3); else NULL
};

struct IcebergFile {
  ipc::TableFile file;
  uint64_t rows = 0;
  struct Bounds {
    std::optional<duckdb::Value> least, most;
  };
  std::unordered_map<int32_t, Bounds> bounds;                // by field
  int64_t sequence = 0;                                      // of its data
  std::shared_ptr<const std::vector<int64_t>> deleted_rows;  // ascending; null: none
  std::vector<uint32_t> equality_deletes;  // that apply to it; see IcebergTable::DeletesOf
};

class IcebergTable {
 public:
  // Reads the metadata and takes the current snapshot. Throws lake errors and
  // InvalidInputException, NotImplementedException for what is not read (format version 3's
  // deletion vectors and types, data files that are not Parquet).
  IcebergTable(duckdb::ClientContext& context, LakeClient& client, uint64_t scan,
               const std::string& table, const std::string& metadata);

  const std::vector<IcebergField>& fields() const { return fields_; }
  uint64_t total_rows() const { return total_rows_; }

  // Reads the manifests once.
  const std::vector<IcebergFile>& Files(const LakeClient::Interrupted& interrupted);
  // Of Files(), after it was called.
  const IcebergFile* Find(uint32_t number) const;

  // What leaves out the deleted rows of a file of Files(); null when there are none. Reads the
  // columns by whose values rows were deleted, once.
  duckdb::unique_ptr<duckdb::DeleteFilter> DeletesOf(uint32_t number,
                                                     const LakeClient::Interrupted& interrupted);

  // Whether a file's bounds say that no row of it passes `filter` on a column, counted from 0.
  bool Excludes(const IcebergFile& file, size_t column, const duckdb::TableFilter& filter) const;
  // The columns as the engine finds them in files: by their ids.
  duckdb::vector<duckdb::MultiFileColumnDefinition> Schema() const;

 private:
  // One entry of a manifest list.
  struct Manifest {
    std::string path;
    uint64_t size = 0;
    int64_t sequence = 0;
    int32_t spec = 0;
  };
  struct Delete {
    std::string path;
    uint64_t size = 0;
    int64_t sequence = 0;
    std::string partition;     // empty: of all partitions
    std::vector<int32_t> ids;  // fields whose values say which rows; none: positions do
    ipc::TableFile file;
  };
  using Paths = std::vector<std::pair<std::string, uint64_t>>;
  struct Found {
    std::vector<IcebergFile> files;
    std::vector<std::string> partitions;  // of them
    Paths paths;                          // of them
    std::vector<Delete> deletes;
  };

  void ReadMetadata(const std::string& text);
  std::string ReadText(duckdb::ClientContext& context, const std::string& path);
  std::vector<ipc::TableFile> Open(const Paths& objects,
                                   const LakeClient::Interrupted& interrupted);
  std::vector<Manifest> ReadList(duckdb::Connection& connection,
                                 const LakeClient::Interrupted& interrupted);
  void ReadManifest(duckdb::Connection& connection, const Manifest& manifest,
                    const ipc::TableFile& file, Found& found);
  void ReadDeletes(duckdb::Connection& connection, std::vector<Delete> deletes,
                   const LakeClient::Interrupted& interrupted, Found& found);
  // Ascending rows of a file that equality deletes name.
  std::vector<int64_t> RowsDeletedByValue(const ipc::TableFile& file,
                                          const std::vector<uint32_t>& deletes);
  // The argument of the engine's read_parquet that finds fields by their ids.
  std::string SchemaOf(const std::vector<int32_t>& ids) const;
  std::string PathOf(const ipc::TableFile& file) const;
  // The rows of an Avro or Parquet file of the table, one chunk at a time.
  template <class Act>
  void Query(duckdb::Connection& connection, const std::string& sql, const Act& act);

  LakeClient& client_;
  duckdb::DatabaseInstance& database_;
  const uint64_t scan_;
  const std::string name_;
  std::vector<IcebergField> fields_;
  std::unordered_map<int32_t, duckdb::LogicalType> types_;  // of the fields that may have bounds
  std::unordered_map<int32_t, IcebergField> known_;         // of all schemas, those in no struct
  std::set<int32_t> unpartitioned_;                         // specs
  std::string manifest_list_;
  std::vector<std::string> manifests_;  // of version 1 without a list
  uint64_t total_rows_ = 0;

  mutable std::mutex mutex_;
  std::optional<std::vector<IcebergFile>> files_;
  std::unordered_map<uint32_t, size_t> by_number_;
  std::vector<Delete> equality_deletes_;
};

}  // namespace skep::external_scan
