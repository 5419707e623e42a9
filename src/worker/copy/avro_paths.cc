#include "worker/copy/avro_paths.h"

#include <algorithm>
#include <duckdb/function/function_binder.hpp>
#include <duckdb/planner/expression/bound_columnref_expression.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/operator/logical_projection.hpp>

#include "base/text.h"

namespace skep::worker::copy {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::Value;
using Expression = duckdb::unique_ptr<duckdb::Expression>;

const std::string& RootOf(const JsonPath& path) {
  const auto* name = path.empty() ? nullptr : std::get_if<std::string>(&path.front());
  if (!name) throw duckdb::InvalidInputException("a path into an Avro record begins with a field");
  return *name;
}

Expression Constant(Value value) {
  return duckdb::make_uniq<duckdb::BoundConstantExpression>(std::move(value));
}

Expression Call(duckdb::ClientContext& context, const char* function, Expression of, Value by) {
  duckdb::vector<Expression> arguments;
  arguments.push_back(std::move(of));
  arguments.push_back(Constant(std::move(by)));
  duckdb::ErrorData error;
  auto call = duckdb::FunctionBinder(context).BindScalarFunction(DEFAULT_SCHEMA, function,
                                                                 std::move(arguments), error);
  if (!call) error.Throw();
  return call;
}

// One step further; null when there is nothing of the kind.
Expression Step(duckdb::ClientContext& context, Expression of,
                const std::variant<std::string, int64_t>& step) {
  const LogicalType type = of->return_type;
  if (const auto* name = std::get_if<std::string>(&step)) {
    if (type.id() == LogicalTypeId::MAP)
      return Call(context, "map_extract_value", std::move(of), Value(*name));
    if (type.id() != LogicalTypeId::STRUCT) return nullptr;
    const auto& fields = duckdb::StructType::GetChildTypes(type);
    const bool there = std::ranges::any_of(
        fields, [&](const auto& field) { return Lower(field.first) == Lower(*name); });
    return there ? Call(context, "struct_extract", std::move(of), Value(*name)) : nullptr;
  }
  if (type.id() != LogicalTypeId::LIST) return nullptr;
  return Call(context, "list_extract", std::move(of), Value::BIGINT(std::get<int64_t>(step) + 1));
}

}  // namespace

std::vector<ipc::TableColumn> RootsOf(const std::vector<JsonPath>& paths,
                                      const std::vector<ipc::InferredColumn>& fields) {
  std::vector<ipc::TableColumn> roots;
  for (const JsonPath& path : paths) {
    const std::string& name = RootOf(path);
    if (std::ranges::any_of(roots, [&](const auto& root) {
          return root.name == name || root.name == "\x01" + name;
        }))
      continue;
    const auto field = std::ranges::find(fields, name, &ipc::InferredColumn::name);
    if (field != fields.end())
      roots.push_back({field->name, field->type});
    else
      roots.push_back({"\x01" + name, "string"});
  }
  return roots;
}

duckdb::unique_ptr<duckdb::LogicalOperator> FollowPaths(
    duckdb::ClientContext& context, duckdb::unique_ptr<duckdb::LogicalOperator> records,
    duckdb::idx_t records_index, duckdb::idx_t index, const std::vector<JsonPath>& paths,
    const std::vector<ipc::TableColumn>& roots, const duckdb::vector<LogicalType>& types) {
  duckdb::vector<Expression> values;
  for (const JsonPath& path : paths) {
    const std::string& name = RootOf(path);
    const auto root = std::ranges::find_if(
        roots, [&](const auto& one) { return one.name == name || one.name == "\x01" + name; });
    const auto column = static_cast<duckdb::idx_t>(root - roots.begin());
    Expression value = duckdb::make_uniq<duckdb::BoundColumnRefExpression>(
        types[column], duckdb::ColumnBinding(records_index, column));
    for (size_t i = 1; i < path.size() && value; i++)
      value = Step(context, std::move(value), path[i]);
    if (!value) value = Constant(Value(LogicalType::VARCHAR));
    values.push_back(std::move(value));
  }
  auto followed = duckdb::make_uniq<duckdb::LogicalProjection>(index, std::move(values));
  followed->children.push_back(std::move(records));
  return followed;
}

}  // namespace skep::worker::copy
