// Operators with a SUPER operand: what they do depends on the kinds of the values, row by row. An
// operand of another type is cast to SUPER first. Source: query-super.md, "Dynamic typing".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_super_eq, _ne: false and true for different kinds; usable in hash joins. rs_super_lt, _le,
// _gt, _ge: NULL for different kinds and for arrays and objects. rs_super_add, _sub, _mul, _div,
// _mod, _neg and an overload of rs_abs, rs_ceil, rs_floor, rs_round, rs_trunc and rs_sign: NULL for
// what is no number, else exact and of the operand's kind; rs_super_concat: NULL for what is no
// string. rs_super_sort_key: a BLOB equal for equal values, in ORDER BY's order, for ORDER BY,
// GROUP BY, DISTINCT, MIN and MAX.
void RegisterSuperOperators(Registrar& registrar);
void RegisterSuperArithmetic(Registrar& registrar);

}  // namespace skep::worker
