// MEDIAN, PERCENTILE_CONT and PERCENTILE_DISC, exact also for DECIMAL. Source: developer guide,
// "PERCENTILE_CONT function", "PERCENTILE_DISC window function", "MEDIAN function".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_percentile_cont(x, p [, descending]), rs_percentile_disc(x, p [, descending]), rs_median(x);
// p and descending are constants, 0 <= p <= 1 (22003 else). CONT interpolates: integers and
// DECIMAL give DECIMAL with as many more places as p has, as far as 38 digits allow; floats
// DOUBLE; dates and timestamps their own type. DISC gives x's type. NULLs are left out. All work
// as aggregates and over whole partitions.
void RegisterPercentiles(Registrar& registrar);

}  // namespace skep::worker
