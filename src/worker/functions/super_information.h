// What a SUPER value is: its kind, the types it fits into, its size. Source:
// c_Type_Info_Functions.md and the pages it lists.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_is_array, rs_is_bigint, ..., rs_json_typeof, rs_json_size, rs_size, rs_decimal_precision,
// rs_decimal_scale: each takes one SUPER.
void RegisterSuperInformation(Registrar& registrar);

}  // namespace skep::worker
