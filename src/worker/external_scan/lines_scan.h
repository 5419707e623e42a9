// The scan lake_lines: tables of text whose rows the engine's own CSV reader does not understand,
// or whose values need handling (lines_format.h). One thread reads a file from its beginning to its
// end; files are read side by side.
#pragma once

#include <duckdb.hpp>
#include <duckdb/function/table_function.hpp>

#include "worker/external_scan/lake_table.h"

namespace skep::external_scan {

// Throws lake errors (kFeatureNotSupported: columns of nested types).
duckdb::TableFunction BindLinesScan(duckdb::ClientContext& context, LakeTable& table,
                                    duckdb::unique_ptr<duckdb::FunctionData>& bind_data);

}  // namespace skep::external_scan
