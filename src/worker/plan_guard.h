// The second of two independent checks of a statement: what the engine bound must be no more than
// what the emitter may have meant. It looks at the plan's leaves, not at text. Anything unknown is
// refused and logged as an incident.
#pragma once

#include <duckdb.hpp>
#include <functional>
#include <string>

namespace duckdb {
class PreparedStatementData;
}

namespace skep::worker {

// Throws duckdb::PermissionException when the plan reads or writes anything but tables of
// `database`, temporary tables, external tables, the engine's catalog views and number series.
// Tables of `readable` databases may be read.
using IsDatabase = std::function<bool(const std::string& name)>;
void CheckPlan(duckdb::PreparedStatementData& data, const std::string& database,
               const IsDatabase& readable = {});

}  // namespace skep::worker
