// One external table as one statement sees it: columns, partitions and the files listed so far, all
// of one version of the catalog. The catalog entry, the bound scan and its file lists share it;
// when the last of them goes, or the transaction that opened it ends, the scan is closed at the
// gateway.
#pragma once

#include <duckdb.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "worker/external_scan/iceberg.h"
#include "worker/external_scan/lake_client.h"

namespace skep::external_scan {

// Virtual columns: not in `select *`, known before a file is opened.
inline constexpr duckdb::column_t kPathColumn =
    UINT64_C(9223372036854775808);  // the engine's id of "filename"
inline constexpr duckdb::column_t kFileIndexColumn =
    UINT64_C(9223372036854775810);  // the engine's id of "file_index"
inline constexpr duckdb::column_t kSizeColumn = UINT64_C(9223372036854776000);

class LakeTable : public duckdb::enable_shared_from_this<LakeTable> {
 public:
  // Throws as lake_errors says: a type that is not supported, a partition value that is not of its
  // key's type.
  LakeTable(LakeClient& client, std::string schema, OpenedTable opened,
            std::unique_ptr<IcebergTable> iceberg = nullptr);
  ~LakeTable();
  LakeTable(const LakeTable&) = delete;
  LakeTable& operator=(const LakeTable&) = delete;

  // Leaves the scan to another table of the same.
  void Keep();
  // Closes the scan at the gateway; reading fails from then on. Idempotent.
  void Close();

  LakeClient& client() const { return client_; }
  uint64_t scan() const { return scan_; }
  const std::string& format() const { return description_.format; }
  // In a remote database: it has rows and no files.
  bool remote() const { return description_.format == "postgres"; }
  const ipc::TableDescription& description() const { return description_; }
  std::string QualifiedName() const { return schema_ + "." + description_.name; }

  // Data columns first, then partition keys.
  const duckdb::vector<std::string>& names() const { return names_; }
  const duckdb::vector<duckdb::LogicalType>& types() const { return types_; }
  size_t data_columns() const { return description_.columns.size(); }
  size_t partition_keys() const { return description_.partition_keys.size(); }
  // Of the whole table, also of those that were not found yet.
  size_t partition_count() const {
    return late() ? description_.partition_count : known_partitions();
  }
  // Whether partitions are found as they are asked for.
  bool late() const { return description_.partition_count > 0; }
  // Finds the partitions that pass `filter` (an expression of GetPartitions; empty: all). Answers
  // how many are known then: these, and those that were found before. Throws lake errors.
  size_t FindPartitions(const std::string& filter, const LakeClient::Interrupted& interrupted);
  // Of partition `partition`, cast to its key's type.
  duckdb::Value PartitionValue(uint32_t partition, size_t key) const;

  // Lists the files of partitions, each partition at most once. Numbers, in order of partition.
  // Throws lake errors.
  duckdb::vector<uint32_t> ListFiles(const duckdb::vector<uint32_t>& partitions,
                                     const LakeClient::Interrupted& interrupted);
  // A file that was listed.
  ipc::TableFile File(uint32_t number) const;

  // Of the description's options.
  std::optional<std::string> Option(std::string_view name) const;
  // Files carry their schema, or a reader of ours that takes the table's: columns are found by name,
  // and need no option `columns`.
  bool self_describing() const {
    return format() == "parquet" || format() == "avro" || format() == "orc" || format() == "xlsx";
  }

  // Set when the table is one of Iceberg's, which says itself what its files are.
  IcebergTable* iceberg() const { return iceberg_.get(); }

  duckdb::virtual_column_map_t VirtualColumns() const;
  // What is to be taken off an object of text that the engine does not take off (decompression.h).
  std::string OwnCompression(const std::string& path) const;
  // JSON's reader keeps only the path of a file, so its path must say which file it is.
  bool names_files_in_path() const { return description_.format == "json"; }

  // The engine's scan, which ours wraps; set once at bind.
  duckdb::table_function_t engine_scan = nullptr;
  duckdb::table_function_init_local_t engine_init_local = nullptr;
  duckdb::unique_ptr<duckdb::TableCatalogEntry> entry;  // set once by whoever made the table

 private:
  LakeClient& client_;
  const uint64_t scan_;
  const std::string schema_;
  std::unique_ptr<IcebergTable> iceberg_;
  ipc::TableDescription description_;
  duckdb::vector<std::string> names_;
  duckdb::vector<duckdb::LogicalType> types_;

  void AddFileColumns(duckdb::virtual_column_map_t& columns) const;
  size_t known_partitions() const;
  void AddPartitions(const std::vector<ipc::TablePartition>& partitions);

  std::mutex finding_;  // answers are numbered in the order in which they come
  std::vector<std::string> found_filters_;
  bool found_all_ = false;

  mutable std::mutex mutex_;
  duckdb::vector<duckdb::Value> values_;  // of partitions, row by row
  size_t partitions_ = 0;                 // known ones
  bool closed_ = false;
  std::vector<ipc::TableFile> files_;  // by number; unlisted ones have no path
  std::unordered_map<uint32_t, duckdb::vector<uint32_t>> listed_;  // partition -> numbers
};

}  // namespace skep::external_scan
