// Puts our functions into the engine's system catalog. What is registered here is what the emitter
// may name; call everything before the instance is locked.
#pragma once

#include <duckdb.hpp>
#include <duckdb/function/aggregate_function.hpp>
#include <duckdb/function/cast/cast_function_set.hpp>
#include <duckdb/function/function_set.hpp>
#include <duckdb/function/scalar_function.hpp>
#include <duckdb/main/extension/extension_loader.hpp>
#include <duckdb/planner/expression.hpp>
#include <string>

namespace skep::worker {

// What the binder gives a bind callback: the arguments of the call.
using Arguments = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

class Registrar {
 public:
  explicit Registrar(duckdb::DatabaseInstance& instance);

  void Add(duckdb::ScalarFunction function);
  void Add(duckdb::ScalarFunctionSet functions);
  void Add(duckdb::AggregateFunction function);
  void Add(duckdb::AggregateFunctionSet functions);
  // Takes the place of the engine's overloads with the same arguments; its others stay.
  void Replace(duckdb::ScalarFunctionSet ours);
  // Takes the place of the engine's own cast. cost < 0: explicit only.
  void Cast(const duckdb::LogicalType& source, const duckdb::LogicalType& target,
            duckdb::BoundCastInfo cast, int64_t cost);
  void Cast(const duckdb::LogicalType& source, const duckdb::LogicalType& target,
            duckdb::bind_cast_function_t bind, int64_t cost);

  // As Cast, also where an extension has registered a cast of its own, which would win otherwise.
  // What the cast costs as an implicit one stays as it is.
  void CastFirst(const duckdb::LogicalType& source, const duckdb::LogicalType& target,
                 const duckdb::BoundCastInfo& cast);

  duckdb::DatabaseInstance& instance() { return instance_; }

 private:
  duckdb::DatabaseInstance& instance_;
  duckdb::ExtensionLoader loader_;
};

}  // namespace skep::worker
