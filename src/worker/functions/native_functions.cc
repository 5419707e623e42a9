#include "worker/functions/native_functions.h"

#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/aggregate_function_catalog_entry.hpp>
#include <duckdb/function/function_binder.hpp>
#include <duckdb/planner/expression/bound_cast_expression.hpp>
#include <utility>

namespace skep::worker {

duckdb::unique_ptr<duckdb::FunctionData> BindAsNative(duckdb::ClientContext& context,
                                                      duckdb::AggregateFunction& function,
                                                      const std::string& name,
                                                      duckdb::vector<duckdb::LogicalType> types,
                                                      Arguments& arguments) {
  auto& entry =
      duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::AggregateFunctionCatalogEntry>(
          context, DEFAULT_SCHEMA, name);
  for (size_t i = 0; i < types.size(); i++) {
    arguments[i] = CastTo(context, std::move(arguments[i]), types[i]);
  }
  duckdb::AggregateFunction theirs = entry.functions.GetFunctionByArguments(context, types);
  theirs.name = function.name;
  function = std::move(theirs);
  if (!function.HasBindCallback()) return nullptr;
  return function.GetBindCallback()(context, function, arguments);
}

duckdb::unique_ptr<duckdb::Expression> CallNative(duckdb::ClientContext& context,
                                                  const std::string& name, Arguments children) {
  duckdb::FunctionBinder binder(context);
  duckdb::ErrorData error;
  auto call = binder.BindScalarFunction(DEFAULT_SCHEMA, name, std::move(children), error);
  if (!call) error.Throw();
  return call;
}

duckdb::unique_ptr<duckdb::Expression> CastTo(duckdb::ClientContext& context,
                                              duckdb::unique_ptr<duckdb::Expression> expression,
                                              const duckdb::LogicalType& type) {
  return duckdb::BoundCastExpression::AddCastToType(context, std::move(expression), type);
}

}  // namespace skep::worker
