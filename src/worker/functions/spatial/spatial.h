// The guide's spatial functions and the casts of GEOMETRY and GEOGRAPHY. Redshift's ST_X is rs_st_x
// here; the aggregate ST_Collect is rs_st_collect_agg.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// Also names the types rs_geometry and rs_geography in the catalog: the engine's parser keeps the
// name GEOMETRY for its own. Call before the instance is locked.
void RegisterSpatial(Registrar& registrar);

}  // namespace skep::worker
