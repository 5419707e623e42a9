// Plans of parameterised queries that serve any values. The engine plans a query with parameters
// anew for every execution, so that their values can exclude parts of tables; where the tables are
// small that costs several times the execution, and one plan is kept instead.
#pragma once

#include <duckdb.hpp>
#include <string>

namespace skep::worker {

// Above this many rows of all tables together, planning with the values pays.
inline constexpr size_t kGenericPlanRows = 50'000;

// A prepared statement whose plan takes any parameters of the types it was bound with; null when
// the query is not fit for one: its tables are larger, its parameters' types are open, or it must
// be bound anew each time (now(), external tables). Runs in the connection's transaction, or in one
// of its own. Throws duckdb::Exception.
duckdb::unique_ptr<duckdb::PreparedStatement> PlanForAnyValues(duckdb::Connection& connection,
                                                               const std::string& text);

}  // namespace skep::worker
