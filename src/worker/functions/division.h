// Division of integers and floats as Redshift does it: integers truncate, and a zero divisor is an
// error instead of NULL or infinity. DECIMAL has its own rules in decimals.h. Source: sql.md
// section 3, rows 1 and 2.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// 22012.
[[noreturn]] void ThrowDivisionByZero();

// Replaces the engine's "/", "%" and mod for numbers. Call before the instance is locked.
void RegisterDivision(Registrar& registrar);

}  // namespace skep::worker
