// Floats as text of 15 digits (REAL: 6): what a cast to VARCHAR gives, and what of a float counts
// when it becomes DECIMAL. printf's %.15g, some times faster. Source: PostgreSQL 8,
// src/backend/utils/adt/float.c; sql.md section 3, row 31.
#pragma once

#include <cstddef>

namespace skep::worker {

inline constexpr size_t kFloatTextBytes = 128;

// Writes at most kFloatTextBytes; answers the end.
char* PutRoundedFloat(char* p, double value);
char* PutRoundedFloat(char* p, float value);

}  // namespace skep::worker
