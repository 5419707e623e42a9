// AVG, SUM's result type and the Boolean aggregates. Source: developer guide, "AVG function", "SUM
// function" and their window forms, "BOOL_AND function"; sql.md section 3, row 3.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_avg(number): integers to BIGINT and DECIMAL(p,s) to DECIMAL(38,s), both truncated towards
// zero; floats to DOUBLE. rs_bool_and, rs_bool_or: BOOLEAN or an integer.
// rs_narrow(sum(x)): the engine's HUGEINT to BIGINT, 22003 when it does not fit.
// rs_over(sum(x) over w, x), rs_over(rs_avg(x) over w, x): for window forms, where BIGINT gives
// DECIMAL(38,0). rs_ratio_to_report(x, sum(x) over w): DOUBLE, NULL for a sum of zero.
void RegisterSums(Registrar& registrar);

}  // namespace skep::worker
