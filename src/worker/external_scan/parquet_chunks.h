// What a scan will read of a Parquet file, by its footer.
#pragma once

#include <duckdb.hpp>
#include <duckdb/common/multi_file/base_file_reader.hpp>
#include <vector>

#include "worker/external_scan/read_ahead.h"

namespace skep::external_scan {

// The chunks of the columns that the engine's Parquet reader was set up to read, by row group,
// without groups that the statistics of a filtered column exclude. Empty for other readers.
std::vector<PlannedGroup> ChunksOf(duckdb::BaseFileReader& reader);

// Bytes at the end of a Parquet file that the engine reads first, in the hope that they hold all of
// the footer.
uint64_t FooterGuess(uint64_t file_bytes);

}  // namespace skep::external_scan
