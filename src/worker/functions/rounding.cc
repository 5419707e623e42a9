#include "worker/functions/rounding.h"

#include <algorithm>
#include <cmath>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>

#include "worker/functions/decimals.h"
#include "worker/functions/native_functions.h"
#include "worker/functions/wide_integers.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

enum class Mode : uint8_t { kCeil, kFloor, kRound, kTrunc };

// ---- DECIMAL ------------------------------------------------------------------------------------

template <class Integer>
Integer Divide(Integer value, Integer divisor, Mode mode) {
  const Integer quotient = value / divisor;
  const Integer rest = value % divisor;
  switch (mode) {
    case Mode::kCeil:
      return quotient + (rest > 0 ? 1 : 0);
    case Mode::kFloor:
      return quotient - (rest < 0 ? 1 : 0);
    case Mode::kTrunc:
      return quotient;
    case Mode::kRound: {
      const Integer half = divisor / 2;  // powers of ten are even, and 1 leaves no rest
      if (rest == 0) return quotient;
      if (rest >= half) return quotient + 1;
      if (rest <= -half) return quotient - 1;
      return quotient;
    }
  }
  return quotient;
}

struct Places final : duckdb::FunctionData {
  Mode mode = Mode::kRound;
  unsigned dropped = 0;   // digits cut off the operand
  unsigned appended = 0;  // zeroes put back: places below 0

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<Places>(*this);
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& places = other.Cast<Places>();
    return mode == places.mode && dropped == places.dropped && appended == places.appended;
  }
};

const Places& PlacesOf(duckdb::ExpressionState& state) {
  return state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<Places>();
}

Int128 Checked(Int128 value) {
  if (value >= kPowersOfTen[kMaxPrecision] || value <= -kPowersOfTen[kMaxPrecision]) {
    ThrowDecimalOverflow();
  }
  return value;
}

// The value at `scale` rounded at `places`, which may lie behind the scale or before the point.
Int128 RoundAt(Int128 value, unsigned scale, int64_t places, Mode mode) {
  const int64_t dropped = static_cast<int64_t>(scale) - places;
  if (dropped <= 0) return value;
  if (dropped > kMaxPrecision) return 0;
  const Int128 power = kPowersOfTen[static_cast<size_t>(dropped)];
  Int128 result;
  if (__builtin_mul_overflow(Divide(value, power, mode), power, &result)) ThrowDecimalOverflow();
  return Checked(result);
}

void RoundNarrow(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                 duckdb::Vector& result) {
  const Places& places = PlacesOf(state);
  const auto divisor = static_cast<int64_t>(kPowersOfTen[places.dropped]);
  const auto factor = static_cast<int64_t>(kPowersOfTen[places.appended]);
  const Mode mode = places.mode;
  duckdb::UnaryExecutor::Execute<int64_t, int64_t>(
      arguments.data[0], result, arguments.size(),
      [=](int64_t value) { return Divide(value, divisor, mode) * factor; });
}

void RoundWide(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
               duckdb::Vector& result) {
  const Places& places = PlacesOf(state);
  duckdb::UnaryExecutor::Execute<duckdb::hugeint_t, duckdb::hugeint_t>(
      arguments.data[0], result, arguments.size(), [&](duckdb::hugeint_t value) {
        const Int128 cut = Divide(ToInt128(value), kPowersOfTen[places.dropped], places.mode);
        Int128 product;
        if (__builtin_mul_overflow(cut, kPowersOfTen[places.appended], &product)) {
          ThrowDecimalOverflow();
        }
        return ToHugeint(Checked(product));
      });
}

void RoundToZero(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<duckdb::hugeint_t, duckdb::hugeint_t>(
      arguments.data[0], result, arguments.size(),
      [](duckdb::hugeint_t) { return duckdb::hugeint_t(0); });
}

// Places from a column: the type keeps the operand's scale.
void RoundByRow(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                duckdb::Vector& result) {
  const Places& places = PlacesOf(state);
  duckdb::BinaryExecutor::Execute<duckdb::hugeint_t, int32_t, duckdb::hugeint_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](duckdb::hugeint_t value, int32_t at) {
        return ToHugeint(RoundAt(ToInt128(value), places.dropped, at, places.mode));
      });
}

void SetShape(duckdb::ScalarFunction& function, unsigned precision, unsigned scale) {
  function.SetReturnType(
      LogicalType::DECIMAL(static_cast<uint8_t>(precision), static_cast<uint8_t>(scale)));
}

duckdb::unique_ptr<duckdb::FunctionData> BindPlaces(duckdb::ScalarFunction& function,
                                                    const LogicalType& type, Mode mode,
                                                    int64_t places) {
  constexpr unsigned kNarrowDigits = 18;
  const DecimalShape shape = ShapeOf(type);
  const int64_t dropped = static_cast<int64_t>(shape.scale) - places;
  auto data = duckdb::make_uniq<Places>();
  data->mode = mode;
  if (dropped <= 0) {
    function.arguments[0] = type;
    function.SetReturnType(type);
    function.SetFunctionCallback(duckdb::ScalarFunction::NopFunction);
    return data;
  }
  const unsigned scale = places > 0 ? static_cast<unsigned>(places) : 0;
  if (dropped > static_cast<int64_t>(shape.precision)) {
    function.arguments[0] = LogicalType::DECIMAL(kMaxPrecision, static_cast<uint8_t>(shape.scale));
    SetShape(function, kMaxPrecision, 0);
    function.SetFunctionCallback(RoundToZero);
    return data;
  }
  data->dropped = static_cast<unsigned>(dropped);
  data->appended = places < 0 ? static_cast<unsigned>(-places) : 0;
  // Rounding away from zero may need one digit more.
  const unsigned precision = shape.precision - shape.scale + scale + 1;
  const bool narrow = shape.precision <= kNarrowDigits && precision <= kNarrowDigits &&
                      data->appended < kNarrowDigits;
  const unsigned held = narrow ? kNarrowDigits : kMaxPrecision;
  function.arguments[0] =
      LogicalType::DECIMAL(static_cast<uint8_t>(held), static_cast<uint8_t>(shape.scale));
  // The vector's width has to be the one that the callback writes.
  SetShape(function, narrow ? std::max(precision, 10U) : kMaxPrecision, scale);
  function.SetFunctionCallback(narrow ? RoundNarrow : RoundWide);
  return data;
}

template <Mode mode>
duckdb::unique_ptr<duckdb::FunctionData> BindWhole(duckdb::ClientContext&,
                                                   duckdb::ScalarFunction& function,
                                                   Arguments& arguments) {
  return BindPlaces(function, arguments[0]->return_type, mode, 0);
}

template <Mode mode>
duckdb::unique_ptr<duckdb::FunctionData> BindAt(duckdb::ClientContext& context,
                                                duckdb::ScalarFunction& function,
                                                Arguments& arguments) {
  const LogicalType type = arguments[0]->return_type;
  if (arguments[1]->HasParameter()) throw duckdb::ParameterNotResolvedException();
  if (arguments[1]->IsFoldable()) {
    const duckdb::Value places = duckdb::ExpressionExecutor::EvaluateScalar(context, *arguments[1])
                                     .DefaultCastAs(LogicalType::INTEGER);
    if (!places.IsNull()) {
      auto data = BindPlaces(function, type, mode, places.GetValue<int32_t>());
      duckdb::Function::EraseArgument(function, arguments, 1);
      return data;
    }
  }
  const DecimalShape shape = ShapeOf(type);
  auto data = duckdb::make_uniq<Places>();
  data->mode = mode;
  data->dropped = shape.scale;
  function.arguments[0] = LogicalType::DECIMAL(kMaxPrecision, static_cast<uint8_t>(shape.scale));
  SetShape(function, kMaxPrecision, shape.scale);
  function.SetFunctionCallback(RoundByRow);
  return data;
}

// ---- floats and integers ------------------------------------------------------------------------

template <class Float>
Float RoundFloat(Float value, Mode mode) {
  switch (mode) {
    case Mode::kCeil:
      return std::ceil(value);
    case Mode::kFloor:
      return std::floor(value);
    case Mode::kRound:
      return std::round(value);
    case Mode::kTrunc:
      return std::trunc(value);
  }
  return value;
}

template <class Float, Mode mode>
void RunFloat(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<Float, Float>(arguments.data[0], result, arguments.size(),
                                               [](Float value) { return RoundFloat(value, mode); });
}

template <Mode mode>
void RunFloatAt(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<double, int32_t, double>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](double value, int32_t places) {
        const double power = std::pow(10.0, std::abs(static_cast<double>(places)));
        const double rounded = places >= 0 ? RoundFloat(value * power, mode) / power
                                           : RoundFloat(value / power, mode) * power;
        if (std::isfinite(rounded)) return rounded;
        return places >= 0 ? value : 0.0;
      });
}

// ---- the functions ------------------------------------------------------------------------------

const LogicalType& DecimalType() {
  static const LogicalType type(LogicalTypeId::DECIMAL);
  return type;
}

duckdb::unique_ptr<duckdb::FunctionData> BindSame(duckdb::ClientContext&,
                                                  duckdb::ScalarFunction& function,
                                                  Arguments& arguments) {
  if (function.arguments[0].id() == LogicalTypeId::DECIMAL) {
    function.arguments[0] = arguments[0]->return_type;
    function.SetReturnType(arguments[0]->return_type);
  }
  return nullptr;
}

duckdb::unique_ptr<duckdb::Expression> NativeAbs(duckdb::FunctionBindExpressionInput& input) {
  return CallNative(input.context, "abs", std::move(input.children));
}

void AbsText(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<double, double>(arguments.data[0], result, arguments.size(),
                                                 [](double value) { return std::fabs(value); });
}

// Text is read as DOUBLE: a literal, too, which else had many overloads to choose from.
duckdb::unique_ptr<duckdb::FunctionData> BindText(duckdb::ClientContext&,
                                                  duckdb::ScalarFunction& function, Arguments&) {
  function.arguments[0] = LogicalType::DOUBLE;
  return nullptr;
}

duckdb::ScalarFunction OfText(duckdb::scalar_function_t run) {
  return {{LogicalType::VARCHAR}, LogicalType::DOUBLE, std::move(run), BindText};
}

duckdb::ScalarFunction OfText(duckdb::scalar_function_t run, const LogicalType& second) {
  return {{LogicalType::VARCHAR, second}, LogicalType::DOUBLE, std::move(run), BindText};
}

template <Mode mode>
duckdb::ScalarFunctionSet WholeNumbers(const std::string& name) {
  duckdb::ScalarFunctionSet set(name);
  for (const auto& type : {LogicalType::SMALLINT, LogicalType::INTEGER, LogicalType::BIGINT}) {
    set.AddFunction(duckdb::ScalarFunction({type}, type, duckdb::ScalarFunction::NopFunction));
  }
  set.AddFunction(
      duckdb::ScalarFunction({LogicalType::FLOAT}, LogicalType::FLOAT, RunFloat<float, mode>));
  set.AddFunction(
      duckdb::ScalarFunction({LogicalType::DOUBLE}, LogicalType::DOUBLE, RunFloat<double, mode>));
  set.AddFunction(duckdb::ScalarFunction({DecimalType()}, DecimalType(), nullptr, BindWhole<mode>));
  set.AddFunction(OfText(RunFloat<double, mode>));
  for (auto& function : set.functions) function.SetFallible();
  return set;
}

template <Mode mode>
duckdb::ScalarFunctionSet WithPlaces(const std::string& name) {
  const LogicalType places = LogicalType::INTEGER;
  duckdb::ScalarFunctionSet set(name);
  set.AddFunction(
      duckdb::ScalarFunction({LogicalType::DOUBLE}, LogicalType::DOUBLE, RunFloat<double, mode>));
  set.AddFunction(
      duckdb::ScalarFunction({LogicalType::DOUBLE, places}, LogicalType::DOUBLE, RunFloatAt<mode>));
  set.AddFunction(duckdb::ScalarFunction({DecimalType()}, DecimalType(), nullptr, BindWhole<mode>));
  set.AddFunction(
      duckdb::ScalarFunction({DecimalType(), places}, DecimalType(), nullptr, BindAt<mode>));
  set.AddFunction(OfText(RunFloat<double, mode>));
  set.AddFunction(OfText(RunFloatAt<mode>, places));
  for (auto& function : set.functions) function.SetFallible();
  return set;
}

}  // namespace

void RegisterRounding(Registrar& registrar) {
  registrar.Add(WholeNumbers<Mode::kCeil>("rs_ceil"));
  registrar.Add(WholeNumbers<Mode::kFloor>("rs_floor"));
  registrar.Add(WithPlaces<Mode::kRound>("rs_round"));
  registrar.Add(WithPlaces<Mode::kTrunc>("rs_trunc"));

  duckdb::ScalarFunctionSet abs("rs_abs");
  for (const LogicalTypeId id :
       {LogicalTypeId::SMALLINT, LogicalTypeId::INTEGER, LogicalTypeId::BIGINT,
        LogicalTypeId::FLOAT, LogicalTypeId::DOUBLE, LogicalTypeId::DECIMAL}) {
    const LogicalType type(id);
    duckdb::ScalarFunction function({type}, type, nullptr, BindSame);
    function.SetBindExpressionCallback(NativeAbs);
    function.SetFallible();
    abs.AddFunction(std::move(function));
  }
  abs.AddFunction(OfText(AbsText));
  registrar.Add(std::move(abs));
}

}  // namespace skep::worker
