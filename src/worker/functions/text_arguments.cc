#include "worker/functions/text_arguments.h"

#include <duckdb/common/exception/binder_exception.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression.hpp>
#include <utility>

#include "worker/functions/types.h"

namespace skep::worker {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

bool IsVarbyte(const LogicalType& type) {
  return type.id() == LogicalTypeId::BLOB && !type.HasAlias();
}

duckdb::unique_ptr<duckdb::FunctionData> BindText(duckdb::ClientContext&,
                                                  duckdb::ScalarFunction& function,
                                                  Arguments& arguments) {
  for (size_t i = 0; i < arguments.size() && i < function.arguments.size(); i++) {
    if (function.arguments[i].id() != LogicalTypeId::ANY) continue;
    const LogicalType& type = arguments[i]->return_type;
    if (type.id() == LogicalTypeId::BLOB || type.id() == LogicalTypeId::GEOMETRY || type.IsNested())
      throw duckdb::BinderException(
          "No function matches the given name and argument types '%s(%s)'. You might need to add "
          "explicit type casts.",
          function.name, type.ToString());
    // A collation has to reach the result and the comparison behind it.
    const bool collated = type.id() == LogicalTypeId::VARCHAR && !type.HasAlias();
    function.arguments[i] = collated ? type : LogicalType(LogicalType::VARCHAR);
  }
  return nullptr;
}

duckdb::ScalarFunction TotalFunction(duckdb::vector<LogicalType> arguments, LogicalType returns,
                                     duckdb::scalar_function_t run,
                                     duckdb::bind_scalar_function_t bind) {
  return {std::move(arguments), std::move(returns), std::move(run), bind};
}

duckdb::ScalarFunction TextFunction(duckdb::vector<LogicalType> arguments, LogicalType returns,
                                    duckdb::scalar_function_t run,
                                    duckdb::bind_scalar_function_t bind) {
  auto function = TotalFunction(std::move(arguments), std::move(returns), std::move(run), bind);
  function.SetFallible();
  return function;
}

void AddOverloads(Registrar& registrar, const char* name,
                  std::initializer_list<duckdb::ScalarFunction> functions) {
  duckdb::ScalarFunctionSet set(name);
  for (auto function : functions) {
    function.name = name;
    set.AddFunction(std::move(function));
  }
  registrar.Add(std::move(set));
}

bool ConstantText(duckdb::ClientContext& context, const duckdb::Expression& argument,
                  std::string& text) {
  if (argument.HasParameter() || !argument.IsFoldable()) return false;
  duckdb::Value value;
  if (!duckdb::ExpressionExecutor::TryEvaluateScalar(context, argument, value)) return false;
  if (value.IsNull()) return false;
  value = value.CastAs(context, LogicalType::VARCHAR);
  text = duckdb::StringValue::Get(value);
  return true;
}

}  // namespace skep::worker
