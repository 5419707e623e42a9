// What is kept of loads in the hidden tables of a database, behind STL_LOAD_ERRORS and
// SYS_LOAD_ERROR_DETAIL: rs_load_errors() reads it. Kept for a week.
#pragma once

#include <duckdb.hpp>
#include <functional>
#include <string>

#include "base/error.h"
#include "worker/copy/load_report.h"

namespace skep::worker::copy {

// `database` tells the database of a context's session.
void RegisterLoadTables(duckdb::DatabaseInstance& instance,
                        std::function<std::string(duckdb::ClientContext&)> database);

// Writes a report's rejected records in a transaction of its own, so that they stay when the load
// is rolled back. Errors: kIoError.
Result<void> KeepLoadErrors(duckdb::DatabaseInstance& instance, const std::string& database,
                            const std::string& user, uint32_t process_id, LoadReport& report);

}  // namespace skep::worker::copy
