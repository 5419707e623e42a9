// Values of nested types as the JSON that json_serialization_enable makes of them. Source: the
// developer guide's "Serializing complex nested JSON".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_nested_text(value, parse): VARCHAR; NULL beyond 65,535 bytes. `parse`: text within the value
// that is JSON stands there as such.
void RegisterNestedText(Registrar& registrar);

}  // namespace skep::worker
