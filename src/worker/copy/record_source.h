// The text of a COPY's objects in batches that end where a record ends, so that threads can read
// them independently. Objects are opened one after another by whichever thread has nothing to do;
// a thread without an object of its own takes batches of another's.
#pragma once

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

class RecordSource {
 public:
  static constexpr size_t kBatchBytes = 1u << 20;
  static constexpr size_t kMaxRecordBytes = 4u << 20;

  RecordSource(duckdb::ClientContext& context, const sql::CopyPlan& plan, uint64_t scan,
               std::vector<ipc::TableFile> files);

  // False at the end of all objects. `mine` is the calling thread's object, kept between calls;
  // SIZE_MAX at first. Throws duckdb::Exception (the lake's errors; a record beyond 4 MB).
  bool Next(size_t& mine, Batch& batch);

  const std::string& PathOf(size_t file) const { return files_[file].path; }
  size_t count() const { return files_.size(); }

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
  bool Take(size_t number, Batch& batch);
  void Open(size_t number);
  void SkipLines(Object& object);
  // Just behind the last whole record; npos: none ends within.
  size_t EndOfRecords(std::string_view text) const;
  size_t EndOfCsv(std::string_view text) const;
  static size_t EndOfJson(std::string_view text);

  duckdb::ClientContext& context_;
  const sql::CopyPlan& plan_;
  uint64_t scan_;
  std::vector<ipc::TableFile> files_;
  std::vector<std::unique_ptr<Object>> objects_;
  std::atomic<size_t> next_{0};
};

}  // namespace skep::worker::copy
