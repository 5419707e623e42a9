// The scan lake_remote: a table of a remote database, whose rows come through a pipe as the gateway
// copies them. Columns that nothing reads are not asked for; filters that mean the same there are
// sent along, and are applied here again.
#pragma once

#include <duckdb.hpp>
#include <duckdb/function/table_function.hpp>

#include "worker/external_scan/lake_table.h"

namespace skep::external_scan {

duckdb::TableFunction BindRemoteScan(LakeTable& table,
                                     duckdb::unique_ptr<duckdb::FunctionData>& bind_data);
// Has LIMITs sent along where any rows of the scan will do.
void RegisterRemoteLimits(duckdb::DatabaseInstance& instance);

}  // namespace skep::external_scan
