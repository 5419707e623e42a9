// HLL and its relatives, and HLLSKETCH's text form. Source: developer guide, "HyperLogLog
// functions", "HLLSKETCH type".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// Aggregates: rs_hll(x) BIGINT, also APPROXIMATE COUNT(DISTINCT x); rs_hll_create_sketch(x) and
// rs_hll_combine(sketch) HLLSKETCH. Scalars: rs_hll_cardinality(sketch) BIGINT,
// rs_hll_combine_sketches(a, b). Casts between HLLSKETCH and VARCHAR (22P02
// for other text); rs_to_hllsketch(text) is the cast from text where no type name can be written.
void RegisterHll(Registrar& registrar);

}  // namespace skep::worker
