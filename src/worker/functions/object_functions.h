// Functions that make and change SUPER objects. Source: Object_Functions.md and the pages it lists.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_object(key, value, ...), rs_get_number_attributes, rs_lower_attribute_names,
// rs_upper_attribute_names, rs_object_transform(object, keep VARCHAR[], set VARCHAR[], values
// SUPER[]): the paths of KEEP (NULL without the clause) and of SET, the values of SET.
void RegisterObjectFunctions(Registrar& registrar);

}  // namespace skep::worker
