#include "worker/functions/super_information.h"

#include <limits>

#include "worker/functions/characters.h"
#include "worker/functions/rows.h"
#include "worker/functions/super_number.h"
#include "worker/functions/super_value.h"
#include "worker/functions/types.h"

namespace skep::worker {
namespace {

using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::string_t;
using duckdb::Vector;

// Decimals of scale 0 are integers, whatever the column they came from.
template <class T>
bool FitsInteger(std::string_view value) {
  Decimal decimal;
  return KindOf(value) == SuperKind::kNumber && !IsFloat(value) && DecimalScale(value) == 0 &&
         ReadDecimal(value, decimal) && decimal.value >= std::numeric_limits<T>::min() &&
         decimal.value <= std::numeric_limits<T>::max();
}

bool IsArray(std::string_view value) { return KindOf(value) == SuperKind::kArray; }
bool IsObject(std::string_view value) { return KindOf(value) == SuperKind::kObject; }
bool IsBoolean(std::string_view value) { return KindOf(value) == SuperKind::kBoolean; }
bool IsVarchar(std::string_view value) { return KindOf(value) == SuperKind::kString; }
bool IsScalar(std::string_view value) {
  return !IsArray(value) && !IsObject(value) && KindOf(value) != SuperKind::kNull;
}
bool IsDecimalNumber(std::string_view value) {
  return KindOf(value) == SuperKind::kNumber && !IsFloat(value);
}
bool IsFloatNumber(std::string_view value) {
  return KindOf(value) == SuperKind::kNumber && IsFloat(value);
}
// CHAR holds ASCII only.
bool IsChar(std::string_view value) { return IsVarchar(value) && IsAscii(value); }

// Runs `measure` on every value; NULL is one, too, of the type "null".
template <class T, class Measure>
void OfEveryValue(duckdb::DataChunk& arguments, Vector& result, Measure measure) {
  const Columns columns(arguments);
  FillRows<T>(arguments, result, [&](idx_t row, T& out) {
    out = measure(columns.IsNull(0, row) ? "null" : columns.Text(0, row));
    return true;
  });
}

// False for NULL.
template <bool (*kTest)(std::string_view)>
void Test(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  OfEveryValue<bool>(arguments, result, kTest);
}

const char* TypeOf(SuperKind kind) {
  switch (kind) {
    case SuperKind::kBoolean:
      return "boolean";
    case SuperKind::kNumber:
      return "number";
    case SuperKind::kString:
      return "string";
    case SuperKind::kArray:
      return "array";
    case SuperKind::kObject:
      return "object";
    case SuperKind::kNull:
      break;
  }
  return "null";
}

void JsonTypeof(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  OfEveryValue<string_t>(arguments, result, [](std::string_view value) {
    return string_t(TypeOf(KindOf(value)));  // short enough to stand inside of string_t
  });
}

// The real layout is not published. These weights give the sizes that r_SIZE.md prints and grow as
// values do.
size_t BodySize(std::string_view value, size_t depth) {
  if (depth > kMaxSuperDepth) return 1;
  switch (KindOf(value)) {
    case SuperKind::kNull:
    case SuperKind::kBoolean:
      return 1;
    case SuperKind::kNumber:
      if (FitsInteger<int16_t>(value)) return 3;
      if (FitsInteger<int32_t>(value)) return 5;
      if (FitsInteger<int64_t>(value) || IsFloat(value)) return 9;
      return DecimalPrecision(value) <= 18 ? 11 : 19;
    case SuperKind::kString: {
      std::string room;
      return 5 + Unquoted(value, room).size();
    }
    case SuperKind::kArray: {
      size_t size = 4;
      ArrayElements elements(value);
      std::string_view element;
      while (elements.Next(element)) size += 1 + BodySize(element, depth + 1);
      return size;
    }
    case SuperKind::kObject: {
      size_t size = 5;
      ObjectAttributes attributes(value);
      std::string_view key;
      std::string_view content;
      while (attributes.Next(key, content))
        size += 7 + key.size() - 2 + BodySize(content, depth + 1);
      return size;
    }
  }
  return 1;
}

void Size(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  OfEveryValue<int32_t>(arguments, result, [](std::string_view value) {
    return static_cast<int32_t>(3 + BodySize(value, 0));
  });
}

void JsonSize(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  duckdb::UnaryExecutor::Execute<string_t, int32_t>(
      arguments.data[0], result, arguments.size(),
      [](string_t value) { return static_cast<int32_t>(value.GetSize()); });
}

// NULL for what is no decimal.
template <int (*kMeasure)(std::string_view)>
void Measure(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  duckdb::UnaryExecutor::ExecuteWithNulls<string_t, int32_t>(
      arguments.data[0], result, arguments.size(),
      [](string_t value, duckdb::ValidityMask& mask, idx_t row) {
        if (IsDecimalNumber(View(value))) return kMeasure(View(value));
        mask.SetInvalid(row);
        return 0;
      });
}

}  // namespace

void RegisterSuperInformation(Registrar& registrar) {
  const auto add = [&](const char* name, const LogicalType& type, duckdb::scalar_function_t run,
                       bool sees_nulls) {
    duckdb::ScalarFunction function(name, {SuperType()}, type, std::move(run));
    if (sees_nulls) function.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
    registrar.Add(function);
  };
  add("rs_is_array", LogicalType::BOOLEAN, Test<IsArray>, true);
  add("rs_is_bigint", LogicalType::BOOLEAN, Test<FitsInteger<int64_t>>, true);
  add("rs_is_boolean", LogicalType::BOOLEAN, Test<IsBoolean>, true);
  add("rs_is_char", LogicalType::BOOLEAN, Test<IsChar>, true);
  add("rs_is_decimal", LogicalType::BOOLEAN, Test<IsDecimalNumber>, true);
  add("rs_is_float", LogicalType::BOOLEAN, Test<IsFloatNumber>, true);
  add("rs_is_integer", LogicalType::BOOLEAN, Test<FitsInteger<int32_t>>, true);
  add("rs_is_object", LogicalType::BOOLEAN, Test<IsObject>, true);
  add("rs_is_scalar", LogicalType::BOOLEAN, Test<IsScalar>, true);
  add("rs_is_smallint", LogicalType::BOOLEAN, Test<FitsInteger<int16_t>>, true);
  add("rs_is_varchar", LogicalType::BOOLEAN, Test<IsVarchar>, true);
  add("rs_json_typeof", LogicalType::VARCHAR, JsonTypeof, true);
  add("rs_size", LogicalType::INTEGER, Size, true);
  add("rs_json_size", LogicalType::INTEGER, JsonSize, false);
  add("rs_decimal_precision", LogicalType::INTEGER, Measure<DecimalPrecision>, false);
  add("rs_decimal_scale", LogicalType::INTEGER, Measure<DecimalScale>, false);
}

}  // namespace skep::worker
