// What a COPY did: the objects it read, the records it loaded and those it rejected. Belongs to a
// connection; the statement's end reads it, and keeps the rejects also when the load has failed.
#pragma once

#include <atomic>
#include <cstdint>
#include <duckdb/main/client_context_state.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ipc/messages.h"
#include "sql/copy_plan.h"

namespace skep::worker::copy {

// A rejected record. Codes as in the developer guide's "Load error reference".
struct LoadError {
  std::string file;          // s3://bucket/key
  uint64_t line = 0;         // from 1
  std::string column, type;  // empty: the record as a whole
  std::string length;        // of the column's type
  uint64_t position = 0;     // of the field in the record, bytes
  std::string record, value;
  int32_t code = 0;
  std::string reason;
};

struct LoadReport final : duckdb::ClientContextState {
  static constexpr const char* kName = "skep_load_report";
  static constexpr size_t kMostErrors = 100'000, kMostBytes = 32u << 20;

  // A shape of a record that SIMPLIFY AUTO worked on.
  struct SimplifiedShape {
    uint64_t record = 0;
    size_t initial_bytes = 0, final_bytes = 0;
    double tolerance = 0;
    bool fits = false;
  };

  std::string table, location, format;
  sql::CopySimplify simplify = sql::CopySimplify::kNone;
  std::optional<double> tolerance;
  int64_t job = 0;
  int64_t began_us = 0;  // since the epoch
  std::atomic<uint64_t> loaded{0}, rejected{0}, bytes{0};
  // Of the objects: records read. Set before the first thread reads.
  std::vector<ipc::TableFile> files;
  std::unique_ptr<std::atomic<uint64_t>[]> lines;  // null: not counted (typed formats)
  std::mutex mutex;
  std::vector<LoadError> errors;  // the first kMostErrors, of kMostBytes together
  size_t error_bytes = 0;
  std::vector<SimplifiedShape> simplified;  // the first kMostErrors

  void Begin(const sql::CopyPlan& plan, int64_t now_us);
  void Reads(std::vector<ipc::TableFile> objects, bool counted) {
    files = std::move(objects);
    if (counted) lines = std::make_unique<std::atomic<uint64_t>[]>(files.size());
  }
  // Answers how many there are now.
  uint64_t Add(LoadError error) {
    const std::lock_guard lock(mutex);
    error_bytes += error.record.size() + error.value.size() + error.reason.size();
    if (errors.size() < kMostErrors && error_bytes < kMostBytes) errors.push_back(std::move(error));
    return ++rejected;
  }
  void Add(const SimplifiedShape& shape) {
    const std::lock_guard lock(mutex);
    if (simplified.size() < kMostErrors) simplified.push_back(shape);
  }
};

}  // namespace skep::worker::copy
