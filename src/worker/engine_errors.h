// The engine's failures in the words and codes that Redshift's users know, pointing at the user's
// own text. What the engine says of itself, its hints and its rewritten SQL never leave here.
#pragma once

#include <duckdb.hpp>

#include "base/error.h"
#include "sql/emit.h"

namespace skep::worker {

// `emitted` maps positions back to the user's statement; may be null.
Error ToError(const duckdb::ErrorData& error, const sql::Emitted* emitted);
Error ToError(const std::exception& exception, const sql::Emitted* emitted = nullptr);

// True when the engine cannot be used any more and the process has to end.
bool IsFatal(const duckdb::ErrorData& error);

}  // namespace skep::worker
