#include "worker/generic_plan.h"

#include <duckdb/execution/physical_plan_generator.hpp>
#include <duckdb/main/prepared_statement_data.hpp>
#include <duckdb/optimizer/optimizer.hpp>
#include <duckdb/parser/sql_statement.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <duckdb/planner/planner.hpp>
#include <vector>

namespace skep::worker {
namespace {

bool IsSmall(duckdb::LogicalOperator& root, duckdb::ClientContext& context) {
  size_t rows = 0;
  std::vector<duckdb::LogicalOperator*> operators{&root};
  while (!operators.empty()) {
    auto& op = *operators.back();
    operators.pop_back();
    if (op.type == duckdb::LogicalOperatorType::LOGICAL_GET)
      rows += op.Cast<duckdb::LogicalGet>().EstimateCardinality(context);
    if (rows > kGenericPlanRows) return false;
    for (auto& child : op.children) operators.push_back(child.get());
  }
  return true;
}

}  // namespace

duckdb::unique_ptr<duckdb::PreparedStatement> PlanForAnyValues(duckdb::Connection& connection,
                                                               const std::string& text) {
  duckdb::unique_ptr<duckdb::PreparedStatement> made;
  auto& context = *connection.context;
  auto statements =
      connection.ExtractStatements(text);  // takes the context's lock, as the function below does
  if (statements.size() != 1) return made;
  context.RunFunctionInTransaction([&] {
    auto statement = std::move(statements.front());
    const auto parameters = statement->named_param_map;
    auto unbound = statement->Copy();
    auto data = duckdb::make_shared_ptr<duckdb::PreparedStatementData>(statement->type);
    duckdb::Planner planner(context);
    planner.CreatePlan(std::move(statement));
    if (!planner.plan || !planner.properties.bound_all_parameters ||
        planner.properties.always_require_rebind)
      return;
    if (!IsSmall(*planner.plan, context)) return;
    data->properties = planner.properties;
    data->names = planner.names;
    data->types = planner.types;
    data->value_map = std::move(planner.value_map);
    duckdb::Optimizer optimizer(*planner.binder, context);
    auto plan = optimizer.Optimize(std::move(planner.plan));
    duckdb::PhysicalPlanGenerator generator(context);
    data->physical_plan = generator.Plan(std::move(plan));
    data->unbound_statement = std::move(unbound);
    data->properties.parameter_count = parameters.size();
    made = duckdb::make_uniq<duckdb::PreparedStatement>(connection.context, std::move(data), text,
                                                        parameters);
  });
  return made;
}

}  // namespace skep::worker
