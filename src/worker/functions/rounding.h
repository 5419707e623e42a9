// ABS, CEIL, FLOOR, ROUND and TRUNC for every type of number; super_arithmetic.cc adds those of
// SUPER. The scale of a rounded DECIMAL is part of its type, so a constant number of places decides
// it while binding. Source: developer guide, "CEILING", "FLOOR", "ROUND", "TRUNC".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_abs, rs_ceil, rs_floor, rs_round, rs_trunc. Text is read as DOUBLE.
void RegisterRounding(Registrar& registrar);

}  // namespace skep::worker
