#include "worker/functions/division.h"

#include <cmath>
#include <duckdb/catalog/catalog_entry/scalar_function_catalog_entry.hpp>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/main/extension/extension_loader.hpp>
#include <duckdb/parser/parsed_data/create_scalar_function_info.hpp>
#include <limits>
#include <type_traits>

namespace skep::worker {
namespace {

using duckdb::LogicalType;

[[noreturn]] void ByZero() {
  throw duckdb::Exception(duckdb::ExceptionType::DIVIDE_BY_ZERO, "division by zero");
}
[[noreturn]] void TooLarge() { throw duckdb::OutOfRangeException("numeric value is out of range"); }

struct Divide {
  template <class T>
  static T Operation(T a, T b) {
    if (b == T(0)) ByZero();
    if constexpr (std::is_integral_v<T>) {
      if (b == T(-1) && a == std::numeric_limits<T>::min()) TooLarge();
    }
    return a / b;
  }
};

struct Remainder {
  template <class T>
  static T Operation(T a, T b) {
    if (b == T(0)) ByZero();
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

// What the engine had for other types (intervals, decimals) stays.
void Replace(duckdb::ExtensionLoader& loader, duckdb::ScalarFunctionSet ours) {
  const auto& theirs = loader.GetFunction(ours.name).functions;
  for (const auto& function : theirs.functions) {
    bool replaced = false;
    for (const auto& mine : ours.functions) replaced |= mine.arguments == function.arguments;
    if (!replaced) ours.AddFunction(function);
  }
  duckdb::CreateScalarFunctionInfo info(std::move(ours));
  info.on_conflict = duckdb::OnCreateConflict::REPLACE_ON_CONFLICT;
  info.internal = true;
  auto& instance = loader.GetDatabaseInstance();
  auto& system = duckdb::Catalog::GetSystemCatalog(instance);
  const auto transaction = duckdb::CatalogTransaction::GetSystemTransaction(instance);
  system.CreateFunction(transaction, info);
}

}  // namespace

void RegisterDivision(duckdb::DatabaseInstance& instance) {
  duckdb::ExtensionLoader loader(instance, "skep");
  Replace(loader, Numbers<Divide>("/"));
  Replace(loader, Numbers<Remainder>("%"));
  Replace(loader, Numbers<Remainder>("mod"));
}

}  // namespace skep::worker
