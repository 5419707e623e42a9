// Floats as text of 15 digits (REAL: 6): what a cast to VARCHAR gives, and what of a float counts
// when it becomes DECIMAL. printf's %.15g, some times faster. Source: PostgreSQL 8,
// src/backend/utils/adt/float.c; sql.md section 3, row 31.
#pragma once

#include <cstddef>

namespace skep::worker {

inline constexpr size_t kFloatTextBytes = 128;
inline constexpr int kDoubleDigits = 15, kFloatDigits = 6;

// Writes at most kFloatTextBytes; answers the end. `digits`: 1 to 15 (REAL: 6).
char* PutRoundedFloat(char* p, double value, unsigned digits = kDoubleDigits);
char* PutRoundedFloat(char* p, float value, unsigned digits = kFloatDigits);

}  // namespace skep::worker
