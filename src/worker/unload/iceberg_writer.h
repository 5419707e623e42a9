// The data files of a write to an Iceberg table: one slice has the rows of one of the engine's
// threads. Rows of an unpartitioned table go into a file as they come; those of a partitioned one
// are kept, in memory that the engine may spill, until a partition has a file's worth or all rows
// are there.
#pragma once

#include <atomic>
#include <duckdb.hpp>
#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/function/copy_function.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "worker/unload/iceberg_metadata.h"
#include "worker/unload/slice_writer.h"

namespace skep::worker::unload {

// What is known of a write before it runs.
struct IcebergTask {
  IcebergTarget target;
  std::string table;
  std::vector<std::string> names;  // of the columns in files
  std::optional<duckdb::CopyFunction> parquet;
  duckdb::unique_ptr<duckdb::FunctionData> parquet_options;

  // Prepares the engine's Parquet writer. Throws InvalidInputException when the rows are not of the
  // table's types.
  void Bind(duckdb::ClientContext& context, const duckdb::vector<duckdb::LogicalType>& types,
            const std::string& name);
};

class IcebergSlice {
 public:
  IcebergSlice(const IcebergTask& task, UnloadState& state, std::vector<DataFile>& files);
  ~IcebergSlice();
  IcebergSlice(const IcebergSlice&) = delete;
  IcebergSlice& operator=(const IcebergSlice&) = delete;

  // Throws duckdb::Exception.
  void Write(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk);
  void Finish(duckdb::ExecutionContext& context);

 private:
  struct OpenFile;
  struct Partition {
    std::vector<duckdb::Value> values;  // transformed
    duckdb::unique_ptr<duckdb::ColumnDataCollection> rows;
  };

  size_t PartitionOf(const std::string& raw, const duckdb::DataChunk& chunk, duckdb::idx_t row);
  void Keep(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk);
  void Flush(duckdb::ExecutionContext& context, Partition& partition);
  void Open(duckdb::ExecutionContext& context, const std::vector<duckdb::Value>& partition);
  void Put(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk);
  void Close(duckdb::ExecutionContext& context);

  const IcebergTask& task_;
  UnloadState& state_;
  std::vector<DataFile>& files_;  // of all slices, under state_.mutex
  const uint32_t slice_;
  uint32_t parts_ = 0;
  std::unique_ptr<OpenFile> file_;
  std::vector<Partition> partitions_;
  std::unordered_map<std::string, size_t> by_values_;  // transformed -> partition
  std::unordered_map<std::string, size_t> by_source_;  // as it was -> partition; a cache
};

}  // namespace skep::worker::unload
