// The guide's spatial functions and the casts of GEOMETRY and GEOGRAPHY. Redshift's ST_X is rs_st_x
// here; the aggregate ST_Collect is rs_st_collect_agg.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// Also names the types GEOMETRY and GEOGRAPHY in the catalog, the first instead of the engine's.
// Call before the instance is locked.
void RegisterSpatial(Registrar& registrar);

}  // namespace skep::worker
