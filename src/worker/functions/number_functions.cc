#include "worker/functions/number_functions.h"

#include <fmt/format.h>

#include <cmath>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <limits>
#include <numbers>
#include <optional>
#include <type_traits>

#include "worker/functions/decimals.h"
#include "worker/functions/rounding.h"
#include "worker/functions/wide_integers.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

[[noreturn]] void ThrowOutOfRange(const char* message) {
  throw duckdb::OutOfRangeException(message);
}

// An infinity that was not put in.
double Finite(double result, double input) {
  if (std::isinf(result) && std::isfinite(input)) ThrowOutOfRange("value out of range: overflow");
  return result;
}

double Exp(double x) { return Finite(std::exp(x), x); }

double Ln(double x) {
  if (x == 0) ThrowOutOfRange("cannot take logarithm of zero");
  if (x < 0) ThrowOutOfRange("cannot take logarithm of a negative number");
  return std::log(x);
}

double Log(double x) {
  if (x == 0) ThrowOutOfRange("cannot take logarithm of zero");
  if (x < 0) ThrowOutOfRange("cannot take logarithm of a negative number");
  return std::log10(x);
}

double Acos(double x) {
  if (x < -1 || x > 1) ThrowOutOfRange("input is out of range");
  return std::acos(x);
}

double Asin(double x) {
  if (x < -1 || x > 1) ThrowOutOfRange("input is out of range");
  return std::asin(x);
}

double Cot(double x) {
  const double tangent = std::tan(x);
  if (tangent == 0 || std::isinf(x)) ThrowOutOfRange("input is out of range");
  return 1 / tangent;
}

double Power(double base, double exponent) {
  if (base == 0 && exponent < 0) {
    ThrowOutOfRange("zero raised to a negative power is undefined");
  }
  if (base < 0 && std::isfinite(exponent) && exponent != std::floor(exponent)) {
    ThrowOutOfRange("a negative number raised to a non-integer power yields a complex result");
  }
  const double result = std::pow(base, exponent);
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) {
    ThrowOutOfRange("value out of range: overflow");
  }
  return result;
}

// The engine's is off by one place for whole roots.
double CubeRoot(double x) {
  const double root = std::cbrt(x), whole = std::round(root);
  return whole * whole * whole == x ? whole : root;
}

template <double (*function)(double)>
void Unary(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<double, double>(arguments.data[0], result, arguments.size(),
                                                 function);
}

template <double (*function)(double)>
void AddUnary(Registrar& registrar, const std::string& name) {
  duckdb::ScalarFunction scalar(name, {LogicalType::DOUBLE}, LogicalType::DOUBLE, Unary<function>);
  scalar.SetFallible();
  registrar.Add(std::move(scalar));
}

void RunPower(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<double, double, double>(arguments.data[0], arguments.data[1],
                                                          result, arguments.size(), Power);
}

// ---- LN of a constant DECIMAL: computed in NUMERIC, 16 places -----------------------------------

constexpr unsigned kLnScale = 16;

void LnDecimal(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
               duckdb::Vector& result) {
  const auto& expression = state.expr.Cast<duckdb::BoundFunctionExpression>();
  const unsigned scale = ShapeOf(expression.children[0]->return_type).scale;
  duckdb::UnaryExecutor::Execute<duckdb::hugeint_t, duckdb::hugeint_t>(
      arguments.data[0], result, arguments.size(), [&](duckdb::hugeint_t value) {
        const Int128 wide = ToInt128(value);
        if (wide == 0) ThrowOutOfRange("cannot take logarithm of zero");
        if (wide < 0) ThrowOutOfRange("cannot take logarithm of a negative number");
        const long double x =
            static_cast<long double>(wide) / static_cast<long double>(kPowersOfTen[scale]);
        return ToHugeint(static_cast<Int128>(
            std::roundl(std::log(x) * static_cast<long double>(kPowersOfTen[kLnScale]))));
      });
}

duckdb::unique_ptr<duckdb::FunctionData> BindLnDecimal(duckdb::ClientContext&,
                                                       duckdb::ScalarFunction& function,
                                                       Arguments& arguments) {
  if (arguments[0]->IsFoldable()) {
    const unsigned scale = ShapeOf(arguments[0]->return_type).scale;
    function.arguments[0] = LogicalType::DECIMAL(kMaxPrecision, static_cast<uint8_t>(scale));
    function.SetReturnType(LogicalType::DECIMAL(kMaxPrecision, kLnScale));
    return nullptr;
  }
  function.arguments[0] = LogicalType::DOUBLE;
  function.SetReturnType(LogicalType::DOUBLE);
  function.SetFunctionCallback(Unary<Ln>);
  return nullptr;
}

// ---- SIGN ---------------------------------------------------------------------------------------

template <class Physical, class Result>
void Sign(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<Physical, Result>(
      arguments.data[0], result, arguments.size(), [](Physical value) {
        if constexpr (std::is_floating_point_v<Physical>) {
          if (std::isnan(value)) return value;
        }
        return static_cast<Result>((value > Physical(0)) - (value < Physical(0)));
      });
}

duckdb::unique_ptr<duckdb::FunctionData> BindSignDecimal(duckdb::ClientContext&,
                                                         duckdb::ScalarFunction& function,
                                                         Arguments& arguments) {
  const LogicalType& type = arguments[0]->return_type;
  function.arguments[0] = type;
  function.SetFunctionCallback(ByPhysicalType(
      type, []<class Physical>() { return duckdb::scalar_function_t(Sign<Physical, int16_t>); }));
  return nullptr;
}

duckdb::unique_ptr<duckdb::FunctionData> BindText(duckdb::ClientContext&,
                                                  duckdb::ScalarFunction& function, Arguments&) {
  function.arguments[0] = LogicalType::DOUBLE;
  return nullptr;
}

// ---- << and >> ----------------------------------------------------------------------------------

template <class Integer, bool kLeft>
void Shift(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  constexpr int64_t kMask = sizeof(Integer) == 8 ? 63 : 31;
  duckdb::BinaryExecutor::Execute<Integer, int64_t, Integer>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](Integer value, int64_t count) {
        const int64_t wide = value;
        const int64_t by = count & kMask;
        if constexpr (kLeft) {
          return static_cast<Integer>(static_cast<uint64_t>(wide) << by);
        } else {
          return static_cast<Integer>(wide >> by);
        }
      });
}

template <bool kLeft>
void AddShift(Registrar& registrar, const std::string& name) {
  duckdb::ScalarFunctionSet set(name);
  const LogicalType count = LogicalType::BIGINT;
  const auto add = [&](const LogicalType& type, duckdb::scalar_function_t run) {
    set.AddFunction(duckdb::ScalarFunction({type, count}, type, std::move(run)));
  };
  add(LogicalType::SMALLINT, Shift<int16_t, kLeft>);
  add(LogicalType::INTEGER, Shift<int32_t, kLeft>);
  add(LogicalType::BIGINT, Shift<int64_t, kLeft>);
  registrar.Add(std::move(set));
}

}  // namespace

void RegisterNumberFunctions(Registrar& registrar) {
  AddUnary<Exp>(registrar, "rs_exp");
  AddUnary<Log>(registrar, "rs_log");
  AddUnary<Acos>(registrar, "rs_acos");
  AddUnary<Asin>(registrar, "rs_asin");
  AddUnary<Cot>(registrar, "rs_cot");
  AddUnary<CubeRoot>(registrar, "rs_cbrt");

  duckdb::ScalarFunction power("rs_power", {LogicalType::DOUBLE, LogicalType::DOUBLE},
                               LogicalType::DOUBLE, RunPower);
  power.SetFallible();
  registrar.Add(std::move(power));

  const LogicalType decimal(LogicalTypeId::DECIMAL);
  duckdb::ScalarFunctionSet ln("rs_ln");
  ln.AddFunction(duckdb::ScalarFunction({LogicalType::DOUBLE}, LogicalType::DOUBLE, Unary<Ln>));
  ln.AddFunction(duckdb::ScalarFunction({decimal}, decimal, LnDecimal, BindLnDecimal));
  for (auto& function : ln.functions) function.SetFallible();
  registrar.Add(std::move(ln));

  duckdb::ScalarFunctionSet sign("rs_sign");
  sign.AddFunction(
      duckdb::ScalarFunction({LogicalType::DOUBLE}, LogicalType::DOUBLE, Sign<double, double>));
  sign.AddFunction(
      duckdb::ScalarFunction({decimal}, LogicalType::DECIMAL(1, 0), nullptr, BindSignDecimal));
  sign.AddFunction(duckdb::ScalarFunction({LogicalType::VARCHAR}, LogicalType::DOUBLE,
                                          Sign<double, double>, BindText));
  registrar.Add(std::move(sign));

  AddShift<true>(registrar, "rs_shift_left");
  AddShift<false>(registrar, "rs_shift_right");
  RegisterRounding(registrar);
}

}  // namespace skep::worker
