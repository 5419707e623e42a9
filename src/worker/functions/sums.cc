#include "worker/functions/sums.h"

#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <duckdb/planner/expression.hpp>
#include <utility>

#include "worker/functions/decimals.h"
#include "worker/functions/native_functions.h"
#include "worker/functions/wide_integers.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

// ---- AVG ----------------------------------------------------------------------------------------

// Two words instead of __int128: the engine aligns states to eight bytes.
struct ExactMean {
  duckdb::hugeint_t sum;
  uint64_t count;
};

struct ExactAverage {
  template <class State>
  static void Initialize(State& state) {
    state.sum = duckdb::hugeint_t(0);
    state.count = 0;
  }
  static bool IgnoreNull() { return true; }

  template <class Input, class State, class Operator>
  static void Operation(State& state, const Input& value, duckdb::AggregateUnaryInput&) {
    AddSum(state, Widen(value));
    state.count++;
  }
  template <class Input, class State, class Operator>
  static void ConstantOperation(State& state, const Input& value, duckdb::AggregateUnaryInput&,
                                idx_t count) {
    Int128 product;
    if (__builtin_mul_overflow(Widen(value), static_cast<Int128>(count), &product)) {
      ThrowDecimalOverflow();
    }
    AddSum(state, product);
    state.count += count;
  }
  template <class State, class Operator>
  static void Combine(const State& source, State& target, duckdb::AggregateInputData&) {
    AddSum(target, ToInt128(source.sum));
    target.count += source.count;
  }
  template <class Target, class State>
  static void Finalize(State& state, Target& target, duckdb::AggregateFinalizeData& data) {
    if (state.count == 0) {
      data.ReturnNull();
      return;
    }
    target = Narrow<Target>(ToInt128(state.sum) / static_cast<Int128>(state.count));
  }

 private:
  template <class State>
  static void AddSum(State& state, Int128 value) {
    Int128 sum;
    if (__builtin_add_overflow(ToInt128(state.sum), value, &sum)) ThrowDecimalOverflow();
    state.sum = ToHugeint(sum);
  }
};

template <class Input>
duckdb::AggregateFunction ExactAverageOf(const LogicalType& type) {
  auto function =
      duckdb::AggregateFunction::UnaryAggregate<ExactMean, Input, int64_t, ExactAverage>(
          type, LogicalType::BIGINT);
  function.SetOrderDependent(duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT);
  return function;
}

template <class Input>
duckdb::AggregateFunction DecimalAverageOf(const LogicalType& type) {
  auto function =
      duckdb::AggregateFunction::UnaryAggregate<ExactMean, Input, duckdb::hugeint_t, ExactAverage>(
          type, LogicalType::DECIMAL(kMaxPrecision, duckdb::DecimalType::GetScale(type)));
  function.SetOrderDependent(duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT);
  return function;
}

duckdb::unique_ptr<duckdb::FunctionData> BindDecimalAverage(duckdb::ClientContext&,
                                                            duckdb::AggregateFunction& function,
                                                            Arguments& arguments) {
  const LogicalType type = arguments[0]->return_type;
  const std::string name = function.name;
  function =
      ByPhysicalType(type, [&]<class Physical>() { return DecimalAverageOf<Physical>(type); });
  function.name = name;
  return nullptr;
}

duckdb::unique_ptr<duckdb::FunctionData> BindFloatAverage(duckdb::ClientContext& context,
                                                          duckdb::AggregateFunction& function,
                                                          Arguments& arguments) {
  return BindAsNative(context, function, "avg", {LogicalType::DOUBLE}, arguments);
}

// An overload of which the bind callback makes everything.
duckdb::AggregateFunction Unbound(duckdb::vector<LogicalType> arguments, const LogicalType& result,
                                  duckdb::bind_aggregate_function_t bind) {
  return {std::move(arguments), result, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, bind};
}

// ---- BOOL_AND, BOOL_OR --------------------------------------------------------------------------

duckdb::unique_ptr<duckdb::FunctionData> BindBoolAnd(duckdb::ClientContext& context,
                                                     duckdb::AggregateFunction& function,
                                                     Arguments& arguments) {
  return BindAsNative(context, function, "bool_and", {LogicalType::BOOLEAN}, arguments);
}
duckdb::unique_ptr<duckdb::FunctionData> BindBoolOr(duckdb::ClientContext& context,
                                                    duckdb::AggregateFunction& function,
                                                    Arguments& arguments) {
  return BindAsNative(context, function, "bool_or", {LogicalType::BOOLEAN}, arguments);
}

void AddBoolean(Registrar& registrar, const std::string& name,
                duckdb::bind_aggregate_function_t bind) {
  duckdb::AggregateFunctionSet set(name);
  for (const auto& type :
       {LogicalType::BOOLEAN, LogicalType::SMALLINT, LogicalType::INTEGER, LogicalType::BIGINT}) {
    set.AddFunction(Unbound({type}, LogicalType::BOOLEAN, bind));
  }
  registrar.Add(std::move(set));
}

// ---- what comes out of the engine's SUM ---------------------------------------------------------

void CheckDecimal(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<duckdb::hugeint_t, duckdb::hugeint_t>(
      arguments.data[0], result, arguments.size(), [](duckdb::hugeint_t value) {
        const Int128 wide = ToInt128(value);
        if (wide >= kPowersOfTen[kMaxPrecision] || wide <= -kPowersOfTen[kMaxPrecision]) {
          ThrowDecimalOverflow();
        }
        return value;
      });
}

LogicalType NarrowType(const LogicalType& type) {
  return type.id() == LogicalTypeId::HUGEINT ? LogicalType::BIGINT : type;
}

duckdb::unique_ptr<duckdb::FunctionData> BindNarrow(duckdb::ClientContext&,
                                                    duckdb::ScalarFunction& function,
                                                    Arguments& arguments) {
  for (size_t i = 0; i < arguments.size(); i++) function.arguments[i] = arguments[i]->return_type;
  function.SetReturnType(NarrowType(arguments[0]->return_type));
  return nullptr;
}

duckdb::unique_ptr<duckdb::Expression> Narrowed(duckdb::FunctionBindExpressionInput& input) {
  auto& child = input.children[0];
  if (child->return_type.id() == LogicalTypeId::HUGEINT) {
    return CastTo(input.context, std::move(child), LogicalType::BIGINT);
  }
  const bool may_overflow = child->return_type.id() == LogicalTypeId::DECIMAL &&
                            child->return_type.InternalType() == duckdb::PhysicalType::INT128;
  if (may_overflow) return nullptr;  // CheckDecimal runs
  return std::move(child);
}

duckdb::unique_ptr<duckdb::FunctionData> BindOver(duckdb::ClientContext& context,
                                                  duckdb::ScalarFunction& function,
                                                  Arguments& arguments) {
  auto data = BindNarrow(context, function, arguments);
  if (arguments[1]->return_type.id() == LogicalTypeId::BIGINT) {
    function.SetReturnType(LogicalType::DECIMAL(kMaxPrecision, 0));
  }
  return data;
}

duckdb::unique_ptr<duckdb::Expression> Over(duckdb::FunctionBindExpressionInput& input) {
  if (input.children[1]->return_type.id() == LogicalTypeId::BIGINT) {
    return CastTo(input.context, std::move(input.children[0]),
                  LogicalType::DECIMAL(kMaxPrecision, 0));
  }
  if (auto narrowed = Narrowed(input)) return narrowed;
  return std::move(input.children[0]);
}

void Ratio(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::ExecuteWithNulls<double, double, double>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](double part, double whole, duckdb::ValidityMask& mask, idx_t row) {
        if (whole == 0) {
          mask.SetInvalid(row);
          return 0.0;
        }
        return part / whole;
      });
}

}  // namespace

void RegisterSums(Registrar& registrar) {
  const LogicalType decimal(LogicalTypeId::DECIMAL);
  duckdb::AggregateFunctionSet average("rs_avg");
  average.AddFunction(ExactAverageOf<int16_t>(LogicalType::SMALLINT));
  average.AddFunction(ExactAverageOf<int32_t>(LogicalType::INTEGER));
  average.AddFunction(ExactAverageOf<int64_t>(LogicalType::BIGINT));
  average.AddFunction(Unbound({decimal}, decimal, BindDecimalAverage));
  average.AddFunction(Unbound({LogicalType::FLOAT}, LogicalType::DOUBLE, BindFloatAverage));
  average.AddFunction(Unbound({LogicalType::DOUBLE}, LogicalType::DOUBLE, BindFloatAverage));
  registrar.Add(std::move(average));

  AddBoolean(registrar, "rs_bool_and", BindBoolAnd);
  AddBoolean(registrar, "rs_bool_or", BindBoolOr);

  duckdb::ScalarFunction narrow("rs_narrow", {LogicalType::ANY}, LogicalType::ANY, CheckDecimal,
                                BindNarrow);
  narrow.SetBindExpressionCallback(Narrowed);
  narrow.SetFallible();
  registrar.Add(std::move(narrow));

  duckdb::ScalarFunction over("rs_over", {LogicalType::ANY, LogicalType::ANY}, LogicalType::ANY,
                              nullptr, BindOver);
  over.SetBindExpressionCallback(Over);
  over.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  over.SetFallible();
  registrar.Add(std::move(over));

  registrar.Add(duckdb::ScalarFunction("rs_ratio_to_report",
                                       {LogicalType::DOUBLE, LogicalType::DOUBLE},
                                       LogicalType::DOUBLE, Ratio));
}

}  // namespace skep::worker
