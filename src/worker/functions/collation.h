// COLLATE(text, 'case_insensitive'): nothing happens to the value, but comparisons, grouping,
// sorting and LIKE on it fold case. Source: developer guide, "COLLATE function".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_collate(text, name): name is a constant, 'case_insensitive' (or 'ci') or 'case_sensitive' (or
// 'cs'). Costs nothing at run time.
void RegisterCollation(Registrar& registrar);

}  // namespace skep::worker
