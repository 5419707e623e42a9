#include "worker/functions/decimals.h"

#include <algorithm>
#include <duckdb/catalog/catalog_entry/scalar_function_catalog_entry.hpp>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/planner/expression.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>

#include "worker/functions/division.h"
#include "worker/functions/wide_integers.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

constexpr unsigned kNarrowDigits = 18;  // what the engine keeps in 64 bits

unsigned WholeDigits(DecimalShape shape) { return shape.precision - shape.scale; }

bool FitsPrecision(Int128 value, unsigned precision) {
  return value < kPowersOfTen[precision] && value > -kPowersOfTen[precision];
}

// a * 10^power; false when it leaves 128 bits.
bool Scale(Int128 a, unsigned power, Int128& result) {
  return !__builtin_mul_overflow(a, kPowersOfTen[power], &result);
}

// ---- the values -------------------------------------------------------------------------------

struct Plan final : duckdb::FunctionData {
  // Digits by which the operands are shifted left before, the result right after.
  unsigned left_shift = 0;
  unsigned right_shift = 0;
  unsigned result_shift = 0;

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<Plan>(*this);
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& plan = other.Cast<Plan>();
    return left_shift == plan.left_shift && right_shift == plan.right_shift &&
           result_shift == plan.result_shift;
  }
};

Int128 Checked(Int128 value) {
  if (!FitsPrecision(value, kMaxPrecision)) ThrowDecimalOverflow();
  return value;
}

// Each operator has the plain form, for shapes whose values always fit, and the checked one.
struct Add {
  static Int128 Plain(Int128 a, Int128 b, const Plan&) { return a + b; }
  static Int128 Wide(Int128 a, Int128 b, const Plan& plan) {
    Int128 left;
    Int128 right;
    Int128 sum;
    if (!Scale(a, plan.left_shift, left) || !Scale(b, plan.right_shift, right) ||
        __builtin_add_overflow(left, right, &sum)) {
      ThrowDecimalOverflow();
    }
    return Checked(sum);
  }
};

struct Subtract {
  static Int128 Plain(Int128 a, Int128 b, const Plan&) { return a - b; }
  static Int128 Wide(Int128 a, Int128 b, const Plan& plan) { return Add::Wide(a, -b, plan); }
};

struct Multiply {
  static Int128 Plain(Int128 a, Int128 b, const Plan&) { return a * b; }
  static Int128 Wide(Int128 a, Int128 b, const Plan& plan) {
    Int128 product;
    if (!__builtin_mul_overflow(a, b, &product)) {
      return Checked(product / kPowersOfTen[plan.result_shift]);
    }
    if (plan.result_shift == 0) ThrowDecimalOverflow();
    UInt256 wide = static_cast<UInt256>(Magnitude(a)) * static_cast<UInt256>(Magnitude(b));
    wide /= static_cast<UInt256>(static_cast<UInt128>(kPowersOfTen[plan.result_shift]));
    if (wide >= static_cast<UInt256>(static_cast<UInt128>(kPowersOfTen[kMaxPrecision]))) {
      ThrowDecimalOverflow();
    }
    const auto magnitude = static_cast<Int128>(static_cast<UInt128>(wide));
    return (a < 0) != (b < 0) ? -magnitude : magnitude;
  }
};

struct DivideTruncating {
  static Int128 Plain(Int128 a, Int128 b, const Plan& plan) {
    if (b == 0) ThrowDivisionByZero();
    const Int128 numerator = a * kPowersOfTen[plan.left_shift];
    // Most values are small; the division of 128 bits is a call.
    if (static_cast<int64_t>(numerator) == numerator && static_cast<int64_t>(b) == b) {
      if (b == -1) return -numerator;
      return static_cast<int64_t>(numerator) / static_cast<int64_t>(b);
    }
    return numerator / b;
  }
  static Int128 Wide(Int128 a, Int128 b, const Plan& plan) {
    if (b == 0) ThrowDivisionByZero();
    UInt256 numerator = Magnitude(a);
    for (unsigned left = plan.left_shift; left > 0;) {
      const unsigned step = std::min(left, kMaxPrecision);
      const auto factor = static_cast<UInt256>(static_cast<UInt128>(kPowersOfTen[step]));
      // A numerator beyond 256 bits over 38 digits is beyond 38 digits.
      if (numerator > ~UInt256{0} / factor) ThrowDecimalOverflow();
      numerator *= factor;
      left -= step;
    }
    const UInt256 quotient = numerator / static_cast<UInt256>(Magnitude(b));
    if (quotient >= static_cast<UInt256>(static_cast<UInt128>(kPowersOfTen[kMaxPrecision]))) {
      ThrowDecimalOverflow();
    }
    const auto magnitude = static_cast<Int128>(static_cast<UInt128>(quotient));
    return (a < 0) != (b < 0) ? -magnitude : magnitude;
  }
};

struct Remainder {
  static Int128 Plain(Int128 a, Int128 b, const Plan& plan) {
    if (b == 0) ThrowDivisionByZero();
    return (a * kPowersOfTen[plan.left_shift]) % (b * kPowersOfTen[plan.right_shift]);
  }
  static Int128 Wide(Int128 a, Int128 b, const Plan& plan) {
    if (b == 0) ThrowDivisionByZero();
    const UInt256 left = static_cast<UInt256>(Magnitude(a)) *
                         static_cast<UInt256>(static_cast<UInt128>(kPowersOfTen[plan.left_shift]));
    const UInt256 right =
        static_cast<UInt256>(Magnitude(b)) *
        static_cast<UInt256>(static_cast<UInt128>(kPowersOfTen[plan.right_shift]));
    const UInt256 rest = left % right;
    if (rest >= static_cast<UInt256>(static_cast<UInt128>(kPowersOfTen[kMaxPrecision]))) {
      ThrowDecimalOverflow();
    }
    const auto magnitude = static_cast<Int128>(static_cast<UInt128>(rest));
    return a < 0 ? -magnitude : magnitude;
  }
};

template <class Operator, bool kWide, class Left, class Right, class Result>
void Run(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const auto& plan = state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<Plan>();
  duckdb::BinaryExecutor::Execute<Left, Right, Result>(
      arguments.data[0], arguments.data[1], result, arguments.size(), [&](Left a, Right b) {
        if constexpr (kWide) {
          return Narrow<Result>(Operator::Wide(Widen(a), Widen(b), plan));
        } else {
          return Narrow<Result>(Operator::Plain(Widen(a), Widen(b), plan));
        }
      });
}

// The result's vector is as wide as its type says. Beside a wide operand that is 128 bits always.
template <class Operator>
duckdb::scalar_function_t Choose(bool wide, bool left_narrow, bool right_narrow,
                                 const LogicalType& result) {
  using Huge = duckdb::hugeint_t;
  if (wide) return Run<Operator, true, Huge, Huge, Huge>;
  if (left_narrow && right_narrow) {
    return ByPhysicalType(result, []<class Result>() {
      return duckdb::scalar_function_t(Run<Operator, false, int64_t, int64_t, Result>);
    });
  }
  if (result.InternalType() != duckdb::PhysicalType::INT128) {
    throw duckdb::InternalException("decimal arithmetic chose a result of too few digits");
  }
  if (left_narrow) return Run<Operator, false, int64_t, Huge, Huge>;
  if (right_narrow) return Run<Operator, false, Huge, int64_t, Huge>;
  return Run<Operator, false, Huge, Huge, Huge>;
}

// ---- the types --------------------------------------------------------------------------------

// The engine's own function, for where it answers the same type.
struct Native final : duckdb::ScalarFunctionInfo {
  explicit Native(duckdb::ScalarFunction function) : theirs(std::move(function)) {}
  duckdb::ScalarFunction theirs;
};

bool IsDecimal(const LogicalType& type) { return type.id() == LogicalTypeId::DECIMAL; }

// How an operand is read: in 64 bits when its digits fit.
LogicalType OperandType(const LogicalType& type, bool narrow, unsigned scale) {
  if (narrow) {
    if (!IsDecimal(type)) return LogicalType::BIGINT;
    return LogicalType::DECIMAL(kNarrowDigits, static_cast<uint8_t>(scale));
  }
  return LogicalType::DECIMAL(kMaxPrecision, static_cast<uint8_t>(scale));
}

// BIGINT's 19 digits are 64 bits all the same.
bool IsNarrow(const LogicalType& type, DecimalShape shape) {
  return shape.precision <= kNarrowDigits || type.id() == LogicalTypeId::BIGINT;
}

struct Operands {
  LogicalType types[2];
  DecimalShape shapes[2];
};

// A parameter without a type takes the other operand's.
Operands OperandsOf(const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  Operands operands;
  for (size_t i = 0; i < 2; i++) {
    operands.types[i] = arguments[i]->return_type;
  }
  for (size_t i = 0; i < 2; i++) {
    if (operands.types[i].id() == LogicalTypeId::UNKNOWN) operands.types[i] = operands.types[1 - i];
    if (operands.types[i].id() == LogicalTypeId::UNKNOWN) {
      operands.types[i] = LogicalType::DECIMAL(18, 0);
    }
  }
  for (size_t i = 0; i < 2; i++) operands.shapes[i] = ShapeOf(operands.types[i]);
  return operands;
}

void SetTypes(duckdb::ScalarFunction& function, LogicalType left, LogicalType right,
              DecimalShape result) {
  function.arguments = {std::move(left), std::move(right)};
  function.SetReturnType(LogicalType::DECIMAL(static_cast<uint8_t>(result.precision),
                                              static_cast<uint8_t>(result.scale)));
}

template <class Operator>
duckdb::unique_ptr<duckdb::FunctionData> BindSum(duckdb::ClientContext& context,
                                                 duckdb::ScalarFunction& function,
                                                 Arguments& arguments) {
  const auto [types, shapes] = OperandsOf(arguments);
  const DecimalShape result = SumShape(shapes[0], shapes[1]);
  if (result.precision <= kNarrowDigits) {
    // The engine's optimizer knows its own function.
    duckdb::ScalarFunction theirs = function.GetExtraFunctionInfo().Cast<Native>().theirs;
    theirs.name = function.name;
    function = std::move(theirs);
    return function.GetBindCallback()(context, function, arguments);
  }
  auto plan = duckdb::make_uniq<Plan>();
  // One digit more than the operands: they stay narrow when brought to the common scale.
  const bool narrow = result.precision - 1 <= kNarrowDigits;
  const unsigned uncapped =
      std::max(WholeDigits(shapes[0]), WholeDigits(shapes[1])) + result.scale + 1;
  if (uncapped <= kMaxPrecision) {
    const LogicalType common = OperandType(LogicalType::DECIMAL(1, 0), narrow, result.scale);
    SetTypes(function, common, common, result);
    function.SetFunctionCallback(Choose<Operator>(false, narrow, narrow, function.GetReturnType()));
    return plan;
  }
  plan->left_shift = result.scale - shapes[0].scale;
  plan->right_shift = result.scale - shapes[1].scale;
  SetTypes(function, OperandType(types[0], false, shapes[0].scale),
           OperandType(types[1], false, shapes[1].scale), result);
  function.SetFunctionCallback(Choose<Operator>(true, false, false, function.GetReturnType()));
  return plan;
}

duckdb::unique_ptr<duckdb::FunctionData> BindProduct(duckdb::ClientContext&,
                                                     duckdb::ScalarFunction& function,
                                                     Arguments& arguments) {
  const auto [types, shapes] = OperandsOf(arguments);
  const DecimalShape result = ProductShape(shapes[0], shapes[1]);
  auto plan = duckdb::make_uniq<Plan>();
  plan->result_shift = shapes[0].scale + shapes[1].scale - result.scale;
  // The product of as many digits as both have together needs no check.
  const bool wide = shapes[0].precision + shapes[1].precision > kMaxPrecision;
  const bool left = !wide && IsNarrow(types[0], shapes[0]);
  const bool right = !wide && IsNarrow(types[1], shapes[1]);
  SetTypes(function, OperandType(types[0], left, shapes[0].scale),
           OperandType(types[1], right, shapes[1].scale), result);
  function.SetFunctionCallback(Choose<Multiply>(wide, left, right, function.GetReturnType()));
  return plan;
}

duckdb::unique_ptr<duckdb::FunctionData> BindQuotient(duckdb::ClientContext&,
                                                      duckdb::ScalarFunction& function,
                                                      Arguments& arguments) {
  const auto [types, shapes] = OperandsOf(arguments);
  const DecimalShape result = QuotientShape(shapes[0], shapes[1]);
  auto plan = duckdb::make_uniq<Plan>();
  plan->left_shift = result.scale + shapes[1].scale - shapes[0].scale;
  const bool wide = shapes[0].precision + plan->left_shift > kMaxPrecision;
  const bool left = !wide && IsNarrow(types[0], shapes[0]);
  const bool right = !wide && IsNarrow(types[1], shapes[1]);
  SetTypes(function, OperandType(types[0], left, shapes[0].scale),
           OperandType(types[1], right, shapes[1].scale), result);
  function.SetFunctionCallback(
      Choose<DivideTruncating>(wide, left, right, function.GetReturnType()));
  return plan;
}

duckdb::unique_ptr<duckdb::FunctionData> BindRemainder(duckdb::ClientContext&,
                                                       duckdb::ScalarFunction& function,
                                                       Arguments& arguments) {
  const auto [types, shapes] = OperandsOf(arguments);
  const DecimalShape result = RemainderShape(shapes[0], shapes[1]);
  auto plan = duckdb::make_uniq<Plan>();
  plan->left_shift = result.scale - shapes[0].scale;
  plan->right_shift = result.scale - shapes[1].scale;
  const bool wide = std::max(shapes[0].precision + plan->left_shift,
                             shapes[1].precision + plan->right_shift) > kMaxPrecision;
  const bool left = !wide && IsNarrow(types[0], shapes[0]);
  const bool right = !wide && IsNarrow(types[1], shapes[1]);
  SetTypes(function, OperandType(types[0], left, shapes[0].scale),
           OperandType(types[1], right, shapes[1].scale), result);
  function.SetFunctionCallback(Choose<Remainder>(wide, left, right, function.GetReturnType()));
  return plan;
}

duckdb::ScalarFunction Theirs(Registrar& registrar, const std::string& name) {
  duckdb::ExtensionLoader loader(registrar.instance(), "skep");
  const auto& entry = loader.GetFunction(name);
  for (const auto& function : entry.functions.functions) {
    if (function.arguments.size() == 2 && IsDecimal(function.arguments[0]) &&
        IsDecimal(function.arguments[1])) {
      return function;
    }
  }
  throw duckdb::InternalException("the engine has no decimal \"" + name + "\"");
}

void Replace(Registrar& registrar, const std::string& name, duckdb::bind_scalar_function_t bind,
             bool keep_theirs) {
  const LogicalType decimal(LogicalTypeId::DECIMAL);
  duckdb::ScalarFunction function({decimal, decimal}, decimal, nullptr, bind);
  function.SetFallible();
  if (keep_theirs) {
    function.SetExtraFunctionInfo(duckdb::make_shared_ptr<Native>(Theirs(registrar, name)));
  }
  duckdb::ScalarFunctionSet set(name);
  set.AddFunction(std::move(function));
  registrar.Replace(std::move(set));
}

}  // namespace

void ThrowDecimalOverflow() {
  throw duckdb::OutOfRangeException("Numeric data overflow (result precision)");
}

DecimalShape ShapeOf(const LogicalType& type) {
  uint8_t precision = 0;
  uint8_t scale = 0;
  if (!type.GetDecimalProperties(precision, scale)) {
    throw duckdb::BinderException("no decimal arithmetic on %s", type.ToString());
  }
  return {std::max<unsigned>(precision, 1), scale};
}

DecimalShape SumShape(DecimalShape a, DecimalShape b) {
  const unsigned scale = std::max(a.scale, b.scale);
  const unsigned precision = std::max(WholeDigits(a), WholeDigits(b)) + 1 + scale;
  return {std::min(precision, kMaxPrecision), scale};
}

DecimalShape ProductShape(DecimalShape a, DecimalShape b) {
  return {std::min(a.precision + b.precision + 1, kMaxPrecision),
          std::min(a.scale + b.scale, kMaxScale)};
}

DecimalShape QuotientShape(DecimalShape a, DecimalShape b) {
  constexpr unsigned kLeastScale = 4;
  const unsigned scale = std::max(kLeastScale, a.scale + b.precision - b.scale + 1);
  const unsigned precision = WholeDigits(a) + b.scale + scale;
  if (precision <= kMaxPrecision) return {precision, scale};
  const unsigned given_up = precision - kMaxPrecision;
  return {kMaxPrecision, std::max(scale > given_up ? scale - given_up : 0, kLeastScale)};
}

DecimalShape RemainderShape(DecimalShape a, DecimalShape b) {
  const unsigned scale = std::max(a.scale, b.scale);
  return {std::min(std::max(WholeDigits(a), WholeDigits(b)) + scale, kMaxPrecision), scale};
}

void RegisterDecimals(Registrar& registrar) {
  Replace(registrar, "+", BindSum<Add>, true);
  Replace(registrar, "-", BindSum<Subtract>, true);
  Replace(registrar, "*", BindProduct, false);
  Replace(registrar, "/", BindQuotient, false);
  Replace(registrar, "%", BindRemainder, false);
  Replace(registrar, "mod", BindRemainder, false);
}

}  // namespace skep::worker
