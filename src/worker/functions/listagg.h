// LISTAGG: the values of a group as one text. Source: developer guide, "LISTAGG function".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_listagg(x, separator [order by ...]): NULL and '' are left out; NULL when nothing is left; a
// NULL separator is ''. More than 65,535 bytes: 22003 "Result size exceeds LISTAGG limit".
// rs_listagg_distinct is its DISTINCT form: the first of equal values, trailing blanks aside, in
// the order asked for, which need not be the values' own.
void RegisterListagg(Registrar& registrar);

}  // namespace skep::worker
