// Makes the scan of an external table: the engine's own reader of its format, told by the catalog's
// SerDe options how to read, with LakeReader plugged in.
#pragma once

#include <duckdb.hpp>
#include <duckdb/function/table_function.hpp>

#include "worker/external_scan/lake_table.h"

namespace skep::external_scan {

// Binds without opening or listing anything. Throws lake errors: kFeatureNotSupported for a format
// or option that is not read.
duckdb::TableFunction BindLakeScan(duckdb::ClientContext& context, LakeTable& table,
                                   duckdb::unique_ptr<duckdb::FunctionData>& bind_data);

}  // namespace skep::external_scan
