// The engine's last operator, ours: takes the chunks of a result within the engine's threads,
// encodes their rows into frames and hands them to the session's outlet. A full outlet takes the
// task off its thread until there is room.
#pragma once

#include <atomic>
#include <duckdb.hpp>
#include <duckdb/execution/operator/helper/physical_result_collector.hpp>
#include <mutex>
#include <string>

#include "worker/outlet.h"
#include "worker/result_shape.h"

namespace skep::worker {

// One execution's output. Outlives the execution.
struct WireOutput {
  Outlet& outlet;
  const std::vector<uint16_t>& formats;
  const Declared& declared;
  std::string zone;  // the session's time zone
  int extra_float_digits = 0;
  bool describe = false;  // RowDescription first
  std::atomic<uint64_t> rows = 0;
  // A copy of the frames while they are few, for the result cache; empty and not `whole` when there
  // were too many.
  bool keep = false;
  std::mutex kept_mutex;
  std::string kept;
  bool whole = true;
  void Copy(const Frame& frame, bool last);
};

// Throws duckdb::Exception for formats that do not fit the columns.
duckdb::unique_ptr<duckdb::PhysicalOperator> MakeWireCollector(duckdb::ClientContext& context,
                                                               duckdb::PreparedStatementData& data,
                                                               WireOutput& output);

// The frame of a RowDescription.
Frame DescribeRows(const duckdb::vector<std::string>& names,
                   const duckdb::vector<duckdb::LogicalType>& types, const ResultShape& shape,
                   const Declared& declared);

}  // namespace skep::worker
