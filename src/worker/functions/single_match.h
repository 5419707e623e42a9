// rs_single_match(row bigint, matches bigint) bigint: the row, unless it is there and has several
// matches. Error "Found multiple matches to update the same tuple." (MERGE, usage notes).
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

void RegisterSingleMatch(Registrar& registrar);

}  // namespace skep::worker
