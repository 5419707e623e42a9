#include "worker/functions/hll_functions.h"

#include <cmath>
#include <duckdb/common/exception/conversion_exception.hpp>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <limits>
#include <utility>

#include "worker/functions/hyperloglog.h"
#include "worker/functions/native_functions.h"
#include "worker/functions/text_view.h"
#include "worker/functions/types.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::PhysicalType;
using duckdb::string_t;

HyperLogLog Read(const string_t& bytes) {
  auto sketch = HyperLogLog::FromBytes(View(bytes));
  if (!sketch) throw duckdb::InvalidInputException("invalid HLLSKETCH value");
  return *std::move(sketch);
}

// ---- aggregates ---------------------------------------------------------------------------------

struct State {
  HyperLogLog* sketch;
};

template <class Value>
void AddValue(HyperLogLog& sketch, Value value) {
  if constexpr (std::is_same_v<Value, string_t>) {
    sketch.Add(value.GetData(), value.GetSize());
  } else {
    if constexpr (std::is_floating_point_v<Value>) {
      if (value == 0) value = 0;  // -0 equals 0
      if (std::isnan(value)) value = std::numeric_limits<Value>::quiet_NaN();
    }
    sketch.Add(&value, sizeof value);
  }
}

struct Sketching {
  template <class S>
  static void Initialize(S& state) {
    state.sketch = nullptr;
  }
  template <class S>
  static void Destroy(S& state, duckdb::AggregateInputData&) {
    delete state.sketch;
    state.sketch = nullptr;
  }
  static bool IgnoreNull() { return true; }

  template <class S, class Operator>
  static void Combine(const S& source, S& target, duckdb::AggregateInputData&) {
    if (source.sketch == nullptr) return;
    if (target.sketch == nullptr) target.sketch = new HyperLogLog;
    target.sketch->Merge(*source.sketch);
  }

  static HyperLogLog& Of(State& state) {
    if (state.sketch == nullptr) state.sketch = new HyperLogLog;
    return *state.sketch;
  }
};

struct OfValues : Sketching {
  template <class Input, class S, class Operator>
  static void Operation(S& state, const Input& value, duckdb::AggregateUnaryInput&) {
    AddValue(Of(state), value);
  }
  template <class Input, class S, class Operator>
  static void ConstantOperation(S& state, const Input& value, duckdb::AggregateUnaryInput&, idx_t) {
    AddValue(Of(state), value);
  }
};

struct Cardinality : OfValues {
  template <class Target, class S>
  static void Finalize(S& state, Target& target, duckdb::AggregateFinalizeData&) {
    target = state.sketch == nullptr ? 0 : static_cast<int64_t>(state.sketch->Cardinality());
  }
};

struct Create : OfValues {
  template <class Target, class S>
  static void Finalize(S& state, Target& target, duckdb::AggregateFinalizeData& data) {
    const std::string bytes =
        state.sketch == nullptr ? HyperLogLog().ToBytes() : state.sketch->ToBytes();
    target = duckdb::StringVector::AddStringOrBlob(data.result, bytes);
  }
};

struct Union : Sketching {
  template <class Input, class S, class Operator>
  static void Operation(S& state, const Input& value, duckdb::AggregateUnaryInput&) {
    Of(state).Merge(Read(value));
  }
  template <class Input, class S, class Operator>
  static void ConstantOperation(S& state, const Input& value, duckdb::AggregateUnaryInput&, idx_t) {
    Of(state).Merge(Read(value));
  }
  template <class Target, class S>
  static void Finalize(S& state, Target& target, duckdb::AggregateFinalizeData& data) {
    if (state.sketch == nullptr) {
      data.ReturnNull();
      return;
    }
    target = duckdb::StringVector::AddStringOrBlob(data.result, state.sketch->ToBytes());
  }
};

template <class Input, class Result, class Operator>
duckdb::AggregateFunction Make(const LogicalType& input, const LogicalType& result) {
  auto function =
      duckdb::AggregateFunction::UnaryAggregateDestructor<State, Input, Result, Operator,
                                                          duckdb::AggregateDestructorType::LEGACY>(
          input, result);
  function.SetOrderDependent(duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT);
  function.SetDistinctDependent(duckdb::AggregateDistinctDependent::NOT_DISTINCT_DEPENDENT);
  return function;
}

// How a type's values become bytes: numbers and dates in their own width, all else as text.
LogicalType HashedType(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::SQLNULL:
      return LogicalType::INTEGER;
    case LogicalTypeId::DECIMAL:
      // One width for what is one type to the user.
      return LogicalType::DECIMAL(type.InternalType() == PhysicalType::INT128 ? 38 : 18,
                                  duckdb::DecimalType::GetScale(type));
    case LogicalTypeId::BOOLEAN:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIME_TZ:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
      return type;
    case LogicalTypeId::BLOB:
    case LogicalTypeId::GEOMETRY:
      throw duckdb::BinderException("HyperLogLog functions take no %s", type.ToString());
    default:
      return LogicalType::VARCHAR;
  }
}

template <class Result, class Operator>
duckdb::AggregateFunction ForType(const LogicalType& type, const LogicalType& result) {
  switch (type.InternalType()) {
    case PhysicalType::BOOL:
      return Make<bool, Result, Operator>(type, result);
    case PhysicalType::INT16:
      return Make<int16_t, Result, Operator>(type, result);
    case PhysicalType::INT32:
      return Make<int32_t, Result, Operator>(type, result);
    case PhysicalType::INT64:
      return Make<int64_t, Result, Operator>(type, result);
    case PhysicalType::INT128:
      return Make<duckdb::hugeint_t, Result, Operator>(type, result);
    case PhysicalType::FLOAT:
      return Make<float, Result, Operator>(type, result);
    case PhysicalType::DOUBLE:
      return Make<double, Result, Operator>(type, result);
    default:
      return Make<string_t, Result, Operator>(type, result);
  }
}

template <class Result, class Operator>
duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext& context,
                                              duckdb::AggregateFunction& function,
                                              Arguments& arguments) {
  const LogicalType type = HashedType(arguments[0]->return_type);
  auto made = ForType<Result, Operator>(type, function.GetReturnType());
  made.name = function.name;
  function = std::move(made);
  arguments[0] = CastTo(context, std::move(arguments[0]), type);
  return nullptr;
}

void AddUnbound(Registrar& registrar, const std::string& name, const LogicalType& result,
                duckdb::bind_aggregate_function_t bind) {
  registrar.Add(duckdb::AggregateFunction(name, {LogicalType::ANY}, result, nullptr, nullptr,
                                          nullptr, nullptr, nullptr, nullptr, bind));
}

// ---- scalars and casts --------------------------------------------------------------------------

void RunCardinality(duckdb::DataChunk& arguments, duckdb::ExpressionState&,
                    duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<string_t, int64_t>(
      arguments.data[0], result, arguments.size(),
      [](string_t bytes) { return static_cast<int64_t>(Read(bytes).Cardinality()); });
}

void RunCombine(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<string_t, string_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t left, string_t right) {
        HyperLogLog sketch = Read(left);
        sketch.Merge(Read(right));
        return duckdb::StringVector::AddStringOrBlob(result, sketch.ToBytes());
      });
}

bool ToText(duckdb::Vector& source, duckdb::Vector& result, idx_t count, duckdb::CastParameters&) {
  duckdb::UnaryExecutor::Execute<string_t, string_t>(source, result, count, [&](string_t bytes) {
    return duckdb::StringVector::AddString(result, Read(bytes).ToText());
  });
  return true;
}

bool FromText(duckdb::Vector& source, duckdb::Vector& result, idx_t count,
              duckdb::CastParameters& parameters) {
  bool all = true;
  duckdb::UnaryExecutor::ExecuteWithNulls<string_t, string_t>(
      source, result, count, [&](string_t text, duckdb::ValidityMask& mask, idx_t row) {
        const auto sketch = HyperLogLog::FromText(View(text));
        if (sketch) return duckdb::StringVector::AddStringOrBlob(result, sketch->ToBytes());
        const char* message = "invalid input syntax for type hllsketch";
        if (parameters.error_message == nullptr) throw duckdb::ConversionException(message);
        if (parameters.error_message->empty()) *parameters.error_message = message;
        mask.SetInvalid(row);
        all = false;
        return string_t();
      });
  return all;
}

duckdb::unique_ptr<duckdb::FunctionData> BindNothing(
    duckdb::ClientContext&, duckdb::ScalarFunction&,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>&) {
  return nullptr;
}

duckdb::unique_ptr<duckdb::Expression> AsSketch(duckdb::FunctionBindExpressionInput& input) {
  return CastTo(input.context, std::move(input.children[0]), HllSketchType());
}

}  // namespace

void RegisterHll(Registrar& registrar) {
  const LogicalType sketch = HllSketchType();
  duckdb::ExtensionLoader(registrar.instance(), "skep").RegisterType("HLLSKETCH", sketch);
  AddUnbound(registrar, "rs_hll", LogicalType::BIGINT, Bind<int64_t, Cardinality>);
  AddUnbound(registrar, "rs_hll_create_sketch", sketch, Bind<string_t, Create>);
  auto combine = Make<string_t, string_t, Union>(sketch, sketch);
  combine.name = "rs_hll_combine";
  registrar.Add(std::move(combine));

  duckdb::ScalarFunction cardinality("rs_hll_cardinality", {sketch}, LogicalType::BIGINT,
                                     RunCardinality);
  cardinality.SetFallible();
  registrar.Add(std::move(cardinality));
  duckdb::ScalarFunction both("rs_hll_combine_sketches", {sketch, sketch}, sketch, RunCombine);
  both.SetFallible();
  registrar.Add(std::move(both));

  duckdb::ScalarFunction read("rs_to_hllsketch", {LogicalType::VARCHAR}, sketch, nullptr,
                              BindNothing);
  read.SetBindExpressionCallback(AsSketch);
  read.SetFallible();
  registrar.Add(std::move(read));

  constexpr int64_t kExplicit = -1;
  registrar.Cast(sketch, LogicalType::VARCHAR, duckdb::BoundCastInfo(ToText), kExplicit);
  registrar.Cast(sketch, LogicalType::BLOB,
                 duckdb::BoundCastInfo(duckdb::DefaultCasts::ReinterpretCast), kExplicit);
  registrar.Cast(LogicalType::BLOB, sketch,
                 duckdb::BoundCastInfo(duckdb::DefaultCasts::ReinterpretCast), kExplicit);
  registrar.Cast(LogicalType::VARCHAR, sketch, duckdb::BoundCastInfo(FromText), kExplicit);
}

}  // namespace skep::worker
