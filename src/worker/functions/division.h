// Division as Redshift does it: integers truncate, and a zero divisor is an error instead of NULL
// or infinity. Source: sql.md section 3, operators.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// Replaces the engine's "/", "%" and mod for numbers. Call before the instance is locked.
void RegisterDivision(Registrar& registrar);

}  // namespace skep::worker
