// String functions whose result is a number: positions, the order of two texts, numbers written in
// some base. Source: developer guide, chapter "String functions".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_strpos(text, part), rs_octetindex(part, text), rs_bpcharcmp, rs_strtol.
void RegisterTextNumbers(Registrar& registrar);

}  // namespace skep::worker
