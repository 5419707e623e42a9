// Functions over SUPER arrays. What is no array gives NULL; elements are the same if "=" would say
// so, and null is an element like others. Source: c_Array_Functions.md and the pages it lists.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_array(any...), rs_array_concat, rs_array_flatten, rs_get_array_length, rs_split_to_array,
// rs_subarray, rs_array_contains, rs_array_position, rs_array_positions, rs_array_distinct,
// rs_array_except, rs_array_intersection, rs_array_union, rs_array_sort, rs_arrays_overlap, with
// Redshift's arguments.
void RegisterArrayFunctions(Registrar& registrar);

}  // namespace skep::worker
