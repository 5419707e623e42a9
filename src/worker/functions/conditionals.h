// COALESCE, DECODE, GREATEST, LEAST, NVL2 and NULLIF: replaced by what the engine has while
// binding, so they cost what that costs. Source: developer guide, "Conditional expressions".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_decode(e, search, result [, search, result]... [, default]): NULL matches NULL.
// rs_coalesce(e, ...), rs_greatest, rs_least: the common type, to which a text literal gives way.
// 42xxx without one. rs_nvl2(e, a, b): numbers or dates give their common type, everything else the
// type of a. rs_nullif(a, b): the type of a. Texts compare without their trailing blanks.
void RegisterConditionals(Registrar& registrar);

}  // namespace skep::worker
