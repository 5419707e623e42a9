// Math functions whose types, rounding or errors differ from the engine's. Source: developer guide,
// "Math functions" (a page for each); messages as PostgreSQL has them.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_ceil, rs_floor: any number to its own type, DECIMAL to scale 0. rs_round, rs_trunc: DECIMAL to
// the scale asked for by a constant (else its own), other numbers to DOUBLE. rs_sign: DECIMAL to
// DECIMAL(1,0), else DOUBLE. rs_exp, rs_ln, rs_log, rs_power, rs_acos, rs_asin, rs_cot: DOUBLE,
// errors instead of infinity. rs_shift_left, rs_shift_right: the left operand's type, the count
// modulo its bits. rs_abs, rs_ceil, rs_floor, rs_round, rs_sign and rs_trunc take a SUPER too; what
// is no number in it is NULL.
void RegisterNumberFunctions(Registrar& registrar);

}  // namespace skep::worker
