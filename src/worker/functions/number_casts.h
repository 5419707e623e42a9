// Casts to and from numbers in Redshift's words: what text is a number, how fractions round, and
// which error a value that does not fit raises. Sources: developer guide, "Numeric types", "Type
// compatibility and conversion", "CAST function".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// Text to number: blanks around are ignored; "invalid input syntax for integer" (22P02), "value
// ... is out of range for type ..." (22003). Between numbers: fractions round half away from zero
// from DECIMAL, half to even from floats; "... out of range" (22003). Floats to text: 15 or 6
// digits. REAL takes no implicit casts from exact numbers, so that operators choose DOUBLE.
void RegisterNumberCasts(Registrar& registrar);

}  // namespace skep::worker
