// PartiQL's navigation into SUPER values, and the lists that FROM iterates over. Source:
// query-super.md, "Navigation", "Unnesting queries", "Object unpivoting", "Lax semantics".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_super_get(value, attribute) and rs_super_at(value, index from 0) answer NULL where there is
// nothing; with "_strict" at the end of the name they raise an error instead.
// rs_super_unnest(value) -> STRUCT(value, index)[]: the elements of an array, or the value itself
// if it is none (without an index). rs_super_unpivot(value) -> STRUCT(value, key)[]: the attributes
// of an object.
void RegisterSuperNavigation(Registrar& registrar);

}  // namespace skep::worker
