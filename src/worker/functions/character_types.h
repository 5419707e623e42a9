// CHAR(n) and VARCHAR(n), whose n counts bytes: explicit casts cut what is too long, assignments
// refuse it unless only blanks are cut. CHAR values are kept without their trailing blanks. Source:
// developer guide, "Character types".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// Each takes a value and n, the bytes of the type:
// rs_to_varchar, rs_to_char_type: value::VARCHAR(n) and value::CHAR(n).
// rs_assign_varchar, rs_assign_char: the same for INSERT and UPDATE. Error 22001 for a value too
// long; rs_assign_char also refuses characters of several bytes.
// rs_pad: a stored CHAR(n) with its blanks.
void RegisterCharacterTypes(Registrar& registrar);

}  // namespace skep::worker
