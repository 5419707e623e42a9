#include "worker/functions/percentiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression.hpp>
#include <string>
#include <utility>
#include <vector>

#include "worker/functions/decimals.h"
#include "worker/functions/native_functions.h"
#include "worker/functions/wide_integers.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

// The percentile as a fraction of whole numbers, so that no position is off by one.
struct Percentile final : duckdb::FunctionData {
  int64_t numerator = 0;
  unsigned places = 0;
  bool descending = false;
  unsigned cut = 0;  // places of the interpolated value that the result's type has no room for

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<Percentile>(*this);
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& percentile = other.Cast<Percentile>();
    return numerator == percentile.numerator && places == percentile.places &&
           descending == percentile.descending && cut == percentile.cut;
  }
};

template <class Value>
struct Values {
  std::vector<Value>* list;
};

template <class Value>
struct Collect {
  template <class State>
  static void Initialize(State& state) {
    state.list = nullptr;
  }
  template <class State>
  static void Destroy(State& state, duckdb::AggregateInputData&) {
    delete state.list;
    state.list = nullptr;
  }
  static bool IgnoreNull() { return true; }

  template <class Input, class State, class Operator>
  static void Operation(State& state, const Input& value, duckdb::AggregateUnaryInput&) {
    if (state.list == nullptr) state.list = new std::vector<Value>;
    state.list->push_back(value);
  }
  template <class Input, class State, class Operator>
  static void ConstantOperation(State& state, const Input& value, duckdb::AggregateUnaryInput&,
                                idx_t count) {
    if (state.list == nullptr) state.list = new std::vector<Value>;
    state.list->insert(state.list->end(), count, value);
  }
  template <class State, class Operator>
  static void Combine(const State& source, State& target, duckdb::AggregateInputData&) {
    if (source.list == nullptr) return;
    if (target.list == nullptr) target.list = new std::vector<Value>;
    target.list->insert(target.list->end(), source.list->begin(), source.list->end());
  }
};

// NaN is greater than every number.
struct Less {
  template <class Value>
  bool operator()(const Value& a, const Value& b) const {
    if constexpr (std::is_floating_point_v<Value>) {
      if (std::isnan(b)) return !std::isnan(a);
    }
    return a < b;
  }
};

// The value at a place of the order, counted from 0; smaller ones come to stand before it.
template <class Value>
Value At(std::vector<Value>& list, size_t place) {
  const auto at = list.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(list.begin(), at, list.end(), Less{});
  return *at;
}

// p * (rows - 1) from the lowest value: whole rows, and what is left in units of 10^-places.
struct Position {
  size_t row;
  Int128 part;
  Int128 unit;
};

Position ContinuousPosition(const Percentile& percentile, size_t rows) {
  const Int128 unit = kPowersOfTen[percentile.places];
  const Int128 share = percentile.descending ? unit - percentile.numerator : percentile.numerator;
  const Int128 position = share * static_cast<Int128>(rows - 1);
  return {static_cast<size_t>(position / unit), position % unit, unit};
}

// The two rows that the position lies between.
template <class Value>
struct Neighbours {
  Value low;
  Value high;
};

template <class Value>
Neighbours<Value> Around(std::vector<Value>& list, const Position& position) {
  const Value low = At(list, position.row);
  if (position.part == 0) return {low, low};
  return {low, *std::min_element(list.begin() + static_cast<std::ptrdiff_t>(position.row) + 1,
                                 list.end(), Less{})};
}

// Kind interpolates: (neighbours, position, percentile) to the result.
template <class Value, class Kind>
struct Continuous : Collect<Value> {
  template <class Target, class State>
  static void Finalize(State& state, Target& target, duckdb::AggregateFinalizeData& data) {
    if (state.list == nullptr) {
      data.ReturnNull();
      return;
    }
    const auto& percentile = data.input.bind_data->template Cast<Percentile>();
    const Position position = ContinuousPosition(percentile, state.list->size());
    target = Kind::Between(Around(*state.list, position), position, percentile);
  }
};

struct OfFloats {
  static double Between(const Neighbours<double>& rows, const Position& position,
                        const Percentile&) {
    const double part = static_cast<double>(position.part) / static_cast<double>(position.unit);
    return rows.low + (rows.high - rows.low) * part;
  }
};

// Dates and times: down to their unit.
struct OfTimes {
  template <class Value>
  static Value Between(const Neighbours<Value>& rows, const Position& position, const Percentile&) {
    const Int128 distance = static_cast<Int128>(rows.high) - rows.low;
    return static_cast<Value>(rows.low + distance * position.part / position.unit);
  }
};

struct OfExactNumbers {
  template <class Value>
  static duckdb::hugeint_t Between(const Neighbours<Value>& rows, const Position& position,
                                   const Percentile& percentile) {
    Int128 below;
    Int128 above;
    Int128 sum;
    if (__builtin_mul_overflow(Widen(rows.low), position.unit - position.part, &below) ||
        __builtin_mul_overflow(Widen(rows.high), position.part, &above) ||
        __builtin_add_overflow(below, above, &sum)) {
      ThrowDecimalOverflow();
    }
    sum /= kPowersOfTen[percentile.cut];
    if (Magnitude(sum) >= Magnitude(kPowersOfTen[kMaxPrecision])) ThrowDecimalOverflow();
    return ToHugeint(sum);
  }
};

template <class Value>
struct Discrete : Collect<Value> {
  template <class Target, class State>
  static void Finalize(State& state, Target& target, duckdb::AggregateFinalizeData& data) {
    if (state.list == nullptr) {
      data.ReturnNull();
      return;
    }
    const auto& percentile = data.input.bind_data->template Cast<Percentile>();
    const auto rows = static_cast<Int128>(state.list->size());
    const Int128 unit = kPowersOfTen[percentile.places];
    // The first row whose cumulative distribution reaches p.
    const Int128 reached = (percentile.numerator * rows + unit - 1) / unit;
    Int128 place = std::max<Int128>(reached, 1) - 1;
    if (percentile.descending) place = rows - 1 - place;
    target = At(*state.list, static_cast<size_t>(place));
  }
};

template <class Value, class Result, class Operator>
duckdb::AggregateFunction Make(const LogicalType& input, const LogicalType& result) {
  auto function =
      duckdb::AggregateFunction::UnaryAggregateDestructor<Values<Value>, Value, Result, Operator,
                                                          duckdb::AggregateDestructorType::LEGACY>(
          input, result);
  function.SetOrderDependent(duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT);
  return function;
}

// ---- binding ------------------------------------------------------------------------------------

duckdb::Value ConstantOf(duckdb::ClientContext& context, const duckdb::Expression& expression) {
  if (expression.HasParameter()) throw duckdb::ParameterNotResolvedException();
  if (!expression.IsFoldable()) {
    throw duckdb::BinderException("percentile must be a constant between 0 and 1");
  }
  return duckdb::ExpressionExecutor::EvaluateScalar(context, expression);
}

// A decimal as it is written, a float by its shortest form.
duckdb::unique_ptr<Percentile> ReadPercentile(const duckdb::Value& value) {
  constexpr unsigned kMostPlaces = 17;
  if (value.IsNull()) throw duckdb::InvalidInputException("percentile value must not be NULL");
  auto percentile = duckdb::make_uniq<Percentile>();
  const double number = value.GetValue<double>();
  if (!(number >= 0 && number <= 1)) {
    throw duckdb::OutOfRangeException("percentile value %s is not between 0 and 1",
                                      fmt::format("{}", number));
  }
  if (value.type().id() == LogicalTypeId::DECIMAL) {
    percentile->places =
        std::min<unsigned>(duckdb::DecimalType::GetScale(value.type()), kMostPlaces);
  } else {
    const std::string shortest = fmt::format("{}", number);
    const size_t point = shortest.find('.');
    percentile->places =
        shortest.find('e') != std::string::npos
            ? kMostPlaces
            : static_cast<unsigned>(point == std::string::npos ? 0 : shortest.size() - point - 1);
    percentile->places = std::min(percentile->places, kMostPlaces);
  }
  percentile->numerator =
      static_cast<int64_t>(std::round(static_cast<long double>(number) *
                                      static_cast<long double>(kPowersOfTen[percentile->places])));
  return percentile;
}

duckdb::AggregateFunction ExactFor(const LogicalType& type, const LogicalType& result) {
  return ByPhysicalType(type, [&]<class Value>() {
    return Make<Value, duckdb::hugeint_t, Continuous<Value, OfExactNumbers>>(type, result);
  });
}

duckdb::AggregateFunction ContinuousFor(const LogicalType& type, Percentile& percentile) {
  switch (type.id()) {
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::DECIMAL: {
      const DecimalShape shape = ShapeOf(type);
      const unsigned room = kMaxPrecision - (shape.precision - shape.scale);
      const unsigned wanted = shape.scale + percentile.places;
      const unsigned scale = std::min({wanted, room, kMaxScale});
      percentile.cut = wanted - scale;
      return ExactFor(type, LogicalType::DECIMAL(kMaxPrecision, static_cast<uint8_t>(scale)));
    }
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
      return Make<double, double, Continuous<double, OfFloats>>(LogicalType::DOUBLE,
                                                                LogicalType::DOUBLE);
    case LogicalTypeId::DATE:
      return Make<int32_t, int32_t, Continuous<int32_t, OfTimes>>(type, type);
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
    case LogicalTypeId::TIME:
      return Make<int64_t, int64_t, Continuous<int64_t, OfTimes>>(type, type);
    default:
      throw duckdb::BinderException("function percentile_cont(%s) does not exist", type.ToString());
  }
}

duckdb::AggregateFunction DiscreteFor(const LogicalType& type) {
  if (!type.IsNumeric() && !type.IsTemporal()) {
    throw duckdb::BinderException("function percentile_disc(%s) does not exist", type.ToString());
  }
  switch (type.InternalType()) {
    case duckdb::PhysicalType::INT16:
      return Make<int16_t, int16_t, Discrete<int16_t>>(type, type);
    case duckdb::PhysicalType::INT32:
      return Make<int32_t, int32_t, Discrete<int32_t>>(type, type);
    case duckdb::PhysicalType::INT64:
      return Make<int64_t, int64_t, Discrete<int64_t>>(type, type);
    case duckdb::PhysicalType::INT128:
      return Make<duckdb::hugeint_t, duckdb::hugeint_t, Discrete<duckdb::hugeint_t>>(type, type);
    case duckdb::PhysicalType::FLOAT:
      return Make<float, float, Discrete<float>>(type, type);
    case duckdb::PhysicalType::DOUBLE:
      return Make<double, double, Discrete<double>>(type, type);
    default:
      throw duckdb::BinderException("function percentile_disc(%s) does not exist", type.ToString());
  }
}

void Become(duckdb::AggregateFunction& function, duckdb::AggregateFunction made) {
  made.name = function.name;
  function = std::move(made);
}

template <bool kContinuous>
duckdb::unique_ptr<duckdb::FunctionData> BindPercentile(duckdb::ClientContext& context,
                                                        duckdb::AggregateFunction& function,
                                                        Arguments& arguments) {
  auto percentile = ReadPercentile(ConstantOf(context, *arguments[1]));
  if (arguments.size() == 3) {
    const duckdb::Value descending = ConstantOf(context, *arguments[2]);
    percentile->descending = !descending.IsNull() && descending.GetValue<bool>();
  }
  while (arguments.size() > 1) {
    duckdb::Function::EraseArgument(function, arguments, arguments.size() - 1);
  }
  const LogicalType type = arguments[0]->return_type;
  Become(function, kContinuous ? ContinuousFor(type, *percentile) : DiscreteFor(type));
  return percentile;
}

duckdb::unique_ptr<duckdb::FunctionData> BindMedian(duckdb::ClientContext&,
                                                    duckdb::AggregateFunction& function,
                                                    Arguments& arguments) {
  auto half = duckdb::make_uniq<Percentile>();
  half->numerator = 5;
  half->places = 1;
  Become(function, ContinuousFor(arguments[0]->return_type, *half));
  return half;
}

void AddBound(Registrar& registrar, const std::string& name,
              std::initializer_list<duckdb::vector<LogicalType>> overloads,
              duckdb::bind_aggregate_function_t bind) {
  duckdb::AggregateFunctionSet set(name);
  for (const auto& arguments : overloads) {
    set.AddFunction(duckdb::AggregateFunction(arguments, LogicalType::ANY, nullptr, nullptr,
                                              nullptr, nullptr, nullptr, nullptr, bind));
  }
  registrar.Add(std::move(set));
}

}  // namespace

void RegisterPercentiles(Registrar& registrar) {
  const LogicalType any = LogicalType::ANY;
  AddBound(registrar, "rs_percentile_cont", {{any, any}, {any, any, LogicalType::BOOLEAN}},
           BindPercentile<true>);
  AddBound(registrar, "rs_percentile_disc", {{any, any}, {any, any, LogicalType::BOOLEAN}},
           BindPercentile<false>);
  AddBound(registrar, "rs_median", {{any}}, BindMedian);
}

}  // namespace skep::worker
