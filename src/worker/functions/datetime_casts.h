// Casts between text and dates, times, timestamps, intervals and booleans as Redshift does them, in
// place of the engine's own. ISO text takes a path of its own and costs no more than before; what
// becomes text is written by worker/pg_format.h, which the wire uses, too.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// VARCHAR to DATE, TIMESTAMP, TIMESTAMPTZ, TIME, TIMETZ, INTERVAL and BOOLEAN; DATE,
// TIMESTAMP, TIMESTAMPTZ and INTERVAL to VARCHAR. Errors: `invalid input syntax for type date:
// "x"`, `date/time field value out of range: "x"`, `time zone "x" not recognized`.
void RegisterDatetimeCasts(Registrar& registrar);

}  // namespace skep::worker
