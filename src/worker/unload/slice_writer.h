// One slice of an UNLOAD: the rows of one of the engine's threads, into files of its own, one open
// at a time. What all slices share is UnloadState.
#pragma once

#include <atomic>
#include <duckdb.hpp>
#include <duckdb/function/copy_function.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sql/unload_plan.h"
#include "worker/external_scan/bzip2.h"
#include "worker/external_scan/lake_client.h"
#include "worker/unload/record_format.h"
#include "worker/unload/row_texts.h"

namespace skep::worker::unload {

struct WrittenFile {
  std::string name;  // below the prefix
  uint64_t bytes = 0, rows = 0;
};

// The values of one folder.
using PartitionValues = std::vector<std::optional<std::string>>;

// What is known of an UNLOAD before it runs.
struct UnloadTask {
  sql::UnloadPlan plan;
  duckdb::vector<duckdb::LogicalType> types;  // of plan.columns
  std::vector<duckdb::idx_t> written;         // indexes of the columns in the files
  std::vector<RecordColumn> records;          // of them
  std::vector<std::string> keys;              // names of the partition columns
  // Parquet: the engine's own writer.
  std::optional<duckdb::CopyFunction> parquet;
  duckdb::unique_ptr<duckdb::FunctionData> parquet_options;
};

// Of all slices. Aborts the write unless it was committed.
struct UnloadState {
  UnloadState(external_scan::LakeClient& c, uint64_t w, std::string s)
      : client(c), write(w), stem(std::move(s)) {}
  ~UnloadState();
  UnloadState(const UnloadState&) = delete;
  UnloadState& operator=(const UnloadState&) = delete;

  external_scan::LakeClient& client;
  const uint64_t write;
  const std::string stem;  // in front of every file's name
  bool committed = false;
  std::atomic<uint32_t> slices = 0, files = 0;
  std::mutex mutex;
  std::vector<WrittenFile> written;
  std::map<std::string, PartitionValues> folders;
  std::map<std::string, uint32_t> parts;  // files so far, by folder, where slices share numbers
};

class SliceWriter {
 public:
  SliceWriter(duckdb::ExecutionContext& context, const UnloadTask& task, UnloadState& state);
  ~SliceWriter();
  SliceWriter(const SliceWriter&) = delete;
  SliceWriter& operator=(const SliceWriter&) = delete;

  // Writes the rows of a chunk. Throws duckdb::Exception.
  void Write(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk);
  // Closes the last file.
  void Finish(duckdb::ExecutionContext& context);

 private:
  struct ParquetFile;

  void WriteText(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk);
  void WriteParquet(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk);
  void WriteFolders(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk);
  void PutParquet(duckdb::ExecutionContext& context, duckdb::DataChunk& rows);
  void Enter(duckdb::ExecutionContext& context, const std::vector<Field>& values);
  void Open(duckdb::ExecutionContext& context);
  void Flush();
  void Close(duckdb::ExecutionContext& context);
  bool is_open() const { return text_ || parquet_; }

  const UnloadTask& task_;
  UnloadState& state_;
  const uint32_t slice_;
  PartitionValues values_;  // of the folder that is open
  std::string folder_;
  std::map<std::string, uint32_t> parts_;  // files so far, by folder

  // The open file.
  std::string name_;
  uint32_t file_ = 0;
  uint64_t rows_ = 0;
  duckdb::unique_ptr<duckdb::FileHandle> text_;
  std::string pending_;                                 // not handed to text_ yet
  std::unique_ptr<external_scan::Bzip2Packer> packer_;  // in between
  std::unique_ptr<ParquetFile> parquet_;

  std::optional<RowTexts> texts_;  // of all columns, or of the partition columns
  std::optional<RecordFormat> format_;
  std::vector<Field> fields_;
};

}  // namespace skep::worker::unload
