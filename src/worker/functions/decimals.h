// Arithmetic on DECIMAL as Redshift does it: the type of a result follows from the types of its
// operands alone, every value is exact, and what does not fit is an error. Source: developer guide,
// "Computations with numeric values".
#pragma once

#include <duckdb.hpp>

#include "worker/functions/registrar.h"

namespace skep::worker {

struct DecimalShape {
  unsigned precision;
  unsigned scale;
  bool operator==(const DecimalShape&) const = default;
};

// The guide's table; precision is capped at 38. Division then gives up scale, but keeps at least
// four places; the other operators keep theirs, which is why they can overflow.
DecimalShape SumShape(DecimalShape a, DecimalShape b);
DecimalShape ProductShape(DecimalShape a, DecimalShape b);
DecimalShape QuotientShape(DecimalShape a, DecimalShape b);
DecimalShape RemainderShape(DecimalShape a, DecimalShape b);

// DECIMAL's own shape; of an integer the one it enters computations with: (5,0), (10,0), (19,0).
DecimalShape ShapeOf(const duckdb::LogicalType& type);

// 22003: "Numeric data overflow (result precision)".
[[noreturn]] void ThrowDecimalOverflow();

// Replaces + - * / % and mod of DECIMAL; integers enter by the engine's implicit casts. The
// engine's own + and - stay where they answer the same type. Division truncates.
void RegisterDecimals(Registrar& registrar);

}  // namespace skep::worker
