#include "sql/function_table.h"

namespace skep::sql {
namespace {

using enum FunctionKind;
using enum How;
using enum Volatility;

constexpr FunctionRow kRows[] = {
// The file's chapter is the group of its rows.
#define SKEP_FUNCTION(name, kind, signatures, how, target, volatility) \
  {SKEP_GROUP, name, kind, signatures, how, target, volatility},
#define SKEP_GROUP "String functions"
#include "sql/functions/string.def"
#undef SKEP_GROUP
#define SKEP_GROUP "Math functions"
#include "sql/functions/math.def"
#undef SKEP_GROUP
#define SKEP_GROUP "Date and time functions"
#include "sql/functions/datetime.def"
#undef SKEP_GROUP
#define SKEP_GROUP "Data type formatting functions"
#include "sql/functions/formatting.def"
#undef SKEP_GROUP
#define SKEP_GROUP "Hash functions"
#include "sql/functions/hash.def"
#undef SKEP_GROUP
#define SKEP_GROUP "JSON functions"
#include "sql/functions/json.def"
#undef SKEP_GROUP
#define SKEP_GROUP "Array functions"
#include "sql/functions/array.def"
#undef SKEP_GROUP
#define SKEP_GROUP "Object functions"
#include "sql/functions/object.def"
#undef SKEP_GROUP
#define SKEP_GROUP "SUPER type information functions"
#include "sql/functions/super.def"
#undef SKEP_GROUP
#define SKEP_GROUP "VARBYTE functions"
#include "sql/functions/varbyte.def"
#undef SKEP_GROUP
#define SKEP_GROUP "Aggregate functions"
#include "sql/functions/aggregate.def"
#undef SKEP_GROUP
#define SKEP_GROUP "Bit-wise aggregate functions"
#include "sql/functions/bitwise.def"
#undef SKEP_GROUP
#define SKEP_GROUP "Window functions"
#include "sql/functions/window.def"
#undef SKEP_GROUP
#define SKEP_GROUP "Conditional expressions"
#include "sql/functions/conditional.def"
#undef SKEP_GROUP
#define SKEP_GROUP "HyperLogLog functions"
#include "sql/functions/hll.def"
#undef SKEP_GROUP
#define SKEP_GROUP "Spatial functions"
#include "sql/functions/spatial.def"
#undef SKEP_GROUP
#define SKEP_GROUP "System administration functions"
#include "sql/functions/admin.def"
#undef SKEP_GROUP
#define SKEP_GROUP "System information functions"
#include "sql/functions/information.def"
#undef SKEP_GROUP
#undef SKEP_FUNCTION
};

}  // namespace

std::span<const FunctionRow> FunctionRows() { return kRows; }

}  // namespace skep::sql
