// Casts between SUPER and the engine's types. Casts from SUPER are lax: what does not fit is NULL.
// rs_super_cast_strict(value, NULL::type) is the cast of cast_super_null_on_error = off, which
// raises an error instead. Source: query-super.md, "Lax semantics"; limitations-super.md, "Casting
// limitations"; super-configurations.md.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// Registers the type's name and its casts. All are explicit only, but for string literals and NULL.
void RegisterSuperCasts(Registrar& registrar);

}  // namespace skep::worker
