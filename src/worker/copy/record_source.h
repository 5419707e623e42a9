// The text of a COPY's objects in batches that end where a record ends, so that threads can read
// them independently. Objects are opened one after another by whichever thread has nothing to do;
// a thread without an object of its own takes batches of another's.
#pragma once

#include <atomic>
#include <cstdint>
#include <duckdb.hpp>
#include <duckdb/common/file_system.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/messages.h"
#include "sql/copy_plan.h"
#include "worker/external_scan/transcoder.h"

namespace skep::worker::copy {

struct Batch {
  std::string text;         // whole records
  size_t file = 0;          // index
  uint64_t first_line = 1;  // of the object
};

class BatchSource {
 public:
  static constexpr size_t kBatchBytes = 1u << 20;

  explicit BatchSource(std::vector<ipc::TableFile> files) : files_(std::move(files)) {}
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;
  virtual ~BatchSource() = default;

  // False at the end of all objects. `mine` is the calling thread's object, kept between calls;
  // SIZE_MAX at first. Throws duckdb::Exception (the lake's errors; a record that is too long).
  bool Next(size_t& mine, Batch& batch);

  const std::string& PathOf(size_t file) const { return files_[file].path; }

 protected:
  // More of an object, by any thread; false at its end.
  virtual bool Take(size_t number, Batch& batch) = 0;

  std::vector<ipc::TableFile> files_;

 private:
  std::atomic<size_t> next_{0};
};

class RecordSource final : public BatchSource {
 public:
  static constexpr size_t kMaxRecordBytes = 4u << 20;

  RecordSource(duckdb::ClientContext& context, const sql::CopyPlan& plan, uint64_t scan,
               std::vector<ipc::TableFile> files);

 private:
  struct Object {
    std::mutex mutex;
    bool opened = false, ended = false, done = false;
    duckdb::unique_ptr<duckdb::FileHandle> handle;
    std::unique_ptr<external_scan::Transcoder> transcoder;
    std::string rest;
    uint64_t line = 1, skip = 0;
  };

  static void Read(Object& object);
  bool Take(size_t number, Batch& batch) override;
  void Open(size_t number);
  void SkipLines(Object& object);
  // Just behind the last whole record; npos: none ends within.
  size_t EndOfRecords(std::string_view text) const;
  size_t EndOfCsv(std::string_view text) const;
  static size_t EndOfJson(std::string_view text);

  duckdb::ClientContext& context_;
  const sql::CopyPlan& plan_;
  uint64_t scan_;
  std::vector<std::unique_ptr<Object>> objects_;
};

}  // namespace skep::worker::copy
