#include "worker/functions/division.h"

#include <cmath>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <limits>
#include <type_traits>

namespace skep::worker {
namespace {

using duckdb::LogicalType;

[[noreturn]] void TooLarge() { throw duckdb::OutOfRangeException("numeric value is out of range"); }

struct Divide {
  template <class T>
  static T Operation(T a, T b) {
    if (b == T(0)) ThrowDivisionByZero();
    if constexpr (std::is_integral_v<T>) {
      if (b == T(-1) && a == std::numeric_limits<T>::min()) TooLarge();
    }
    return a / b;
  }
};

struct Remainder {
  template <class T>
  static T Operation(T a, T b) {
    if (b == T(0)) ThrowDivisionByZero();
    if constexpr (std::is_floating_point_v<T>) {
      return std::fmod(a, b);
    } else {
      if (b == T(-1)) return T(0);
      return a % b;
    }
  }
};

template <class T, class Operator>
void Run(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<T, T, T>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](T a, T b) { return Operator::template Operation<T>(a, b); });
}

template <class T, class Operator>
void Add(duckdb::ScalarFunctionSet& set, const LogicalType& type) {
  duckdb::ScalarFunction function({type, type}, type, Run<T, Operator>);
  function.SetFallible();
  set.AddFunction(function);
}

template <class Operator>
duckdb::ScalarFunctionSet Numbers(const std::string& name) {
  duckdb::ScalarFunctionSet set(name);
  Add<int16_t, Operator>(set, LogicalType::SMALLINT);
  Add<int32_t, Operator>(set, LogicalType::INTEGER);
  Add<int64_t, Operator>(set, LogicalType::BIGINT);
  Add<duckdb::hugeint_t, Operator>(set, LogicalType::HUGEINT);
  Add<float, Operator>(set, LogicalType::FLOAT);
  Add<double, Operator>(set, LogicalType::DOUBLE);
  return set;
}

}  // namespace

void ThrowDivisionByZero() {
  throw duckdb::Exception(duckdb::ExceptionType::DIVIDE_BY_ZERO, "division by zero");
}

void RegisterDivision(Registrar& registrar) {
  registrar.Replace(Numbers<Divide>("/"));
  registrar.Replace(Numbers<Remainder>("%"));
  registrar.Replace(Numbers<Remainder>("mod"));
}

}  // namespace skep::worker
