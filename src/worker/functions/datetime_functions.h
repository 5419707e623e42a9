// Redshift's date and time functions. Those that work on a part of a date take it as a constant
// string first. Source: developer guide, "Date and time functions".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_dateadd(part, n, moment), rs_add_months(moment, n).
void RegisterDateadd(Registrar& registrar);
// rs_datediff(part, from, to), rs_months_between(a, b).
void RegisterDatediff(Registrar& registrar);
// rs_date_part(part, moment), rs_extract(part, moment), rs_date_part_year(date).
void RegisterExtract(Registrar& registrar);
// rs_date_trunc(part, moment), rs_trunc_timestamp(moment), rs_last_day(moment),
// rs_next_day(moment, day).
void RegisterDateTrunc(Registrar& registrar);
// rs_convert_timezone([from,] to, timestamp), rs_timezone(zone, moment).
void RegisterZoneFunctions(Registrar& registrar);
// rs_date_cmp, rs_timestamp_cmp_date and their kin, rs_interval_cmp.
void RegisterDatetimeCompare(Registrar& registrar);
// "+", "-", "*" and "/" where the engine's result or type is another.
void RegisterDatetimeOperators(Registrar& registrar);

}  // namespace skep::worker
