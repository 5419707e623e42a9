// What time it is for SQL: the start of the transaction, the start of the statement, and the
// functions that tell it. Source: developer guide, "Date and time functions in transactions".
#pragma once

#include <cstdint>
#include <duckdb.hpp>

#include "worker/functions/registrar.h"

namespace skep::worker {

// Microseconds since 1970-01-01 UTC; the clock on the wall without a context or a transaction.
int64_t TransactionStart(duckdb::ClientContext* context);
// The same for all of one statement. A connection's first statement that asks takes the time of
// its binding.
int64_t StatementStart(duckdb::ClientContext& context);

// rs_getdate, rs_sysdate, rs_current_date, rs_current_time, rs_localtime, rs_localtimestamp,
// rs_now, rs_timeofday.
void RegisterSessionClock(Registrar& registrar);

}  // namespace skep::worker
