// The one list of everything we add to the engine.
#pragma once

#include <duckdb.hpp>

namespace skep::worker {

// Call once, before the instance is locked.
void RegisterFunctions(duckdb::DatabaseInstance& instance);

}  // namespace skep::worker
