// The text of values as a cast to VARCHAR gives it, where the engine's own differs: numbers in
// PostgreSQL's shortest form, years before Christ, intervals. Source: PostgreSQL 15, text output
// of the types; see worker/pg_format.h, which the wire uses, too.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// Replaces the casts from REAL, DOUBLE PRECISION, DATE, TIMESTAMP and INTERVAL to VARCHAR.
void RegisterTextCasts(Registrar& registrar);

}  // namespace skep::worker
