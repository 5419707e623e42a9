#include "worker/functions/conditionals.h"

#include <duckdb/planner/expression/bound_case_expression.hpp>
#include <duckdb/planner/expression/bound_comparison_expression.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/expression/bound_operator_expression.hpp>
#include <duckdb/planner/expression_binder.hpp>
#include <utility>

#include "worker/functions/native_functions.h"

namespace skep::worker {
namespace {

using duckdb::ExpressionType;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using ExpressionPointer = duckdb::unique_ptr<duckdb::Expression>;

// With the types of literals, which give way to others.
LogicalType TypeOf(const duckdb::Expression& expression) {
  return duckdb::ExpressionBinder::GetExpressionReturnType(expression);
}

ExpressionPointer Null(const LogicalType& type) {
  return duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value(type));
}

bool IsPlainText(const LogicalType& type) {
  return type.id() == LogicalTypeId::VARCHAR && !type.HasAlias();
}

ExpressionPointer WithoutTrailingBlanks(duckdb::ClientContext& context,
                                        ExpressionPointer expression) {
  Arguments arguments;
  arguments.push_back(std::move(expression));
  arguments.push_back(duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value(" ")));
  return CallNative(context, "rtrim", std::move(arguments));
}

ExpressionPointer Compare(duckdb::ClientContext& context, ExpressionType comparison,
                          ExpressionPointer left, ExpressionPointer right) {
  LogicalType type;
  if (!duckdb::BoundComparisonExpression::TryBindComparison(context, TypeOf(*left), TypeOf(*right),
                                                            type, comparison)) {
    throw duckdb::BinderException("cannot compare values of type %s and type %s",
                                  left->return_type.ToString(), right->return_type.ToString());
  }
  type = LogicalType::NormalizeType(type);
  left = CastTo(context, std::move(left), type);
  right = CastTo(context, std::move(right), type);
  if (IsPlainText(type)) {
    left = WithoutTrailingBlanks(context, std::move(left));
    right = WithoutTrailingBlanks(context, std::move(right));
  }
  return duckdb::make_uniq<duckdb::BoundComparisonExpression>(comparison, std::move(left),
                                                              std::move(right));
}

// Of all results: a literal gives way, a NULL does not count.
LogicalType CommonType(duckdb::ClientContext& context, const duckdb::vector<LogicalType>& types,
                       const char* what) {
  LogicalType common = LogicalType::SQLNULL;
  for (const auto& type : types) {
    if (type.id() == LogicalTypeId::SQLNULL) continue;
    LogicalType next = type;
    if (common.id() != LogicalTypeId::SQLNULL &&
        !LogicalType::TryGetMaxLogicalType(context, common, type, next)) {
      throw duckdb::BinderException("%s types %s and %s cannot be matched", what,
                                    LogicalType::NormalizeType(common).ToString(),
                                    LogicalType::NormalizeType(type).ToString());
    }
    common = next;
  }
  return LogicalType::NormalizeType(common);
}

void CheckResolved(const Arguments& arguments) {
  for (const auto& argument : arguments) {
    if (argument->return_type.id() == LogicalTypeId::UNKNOWN) {
      throw duckdb::ParameterNotResolvedException();
    }
  }
}

duckdb::unique_ptr<duckdb::FunctionData> BindAny(duckdb::ClientContext&,
                                                 duckdb::ScalarFunction& function,
                                                 Arguments& arguments) {
  CheckResolved(arguments);
  function.SetReturnType(LogicalType::SQLNULL);  // the expression's own counts
  return nullptr;
}

ExpressionPointer Decode(duckdb::FunctionBindExpressionInput& input) {
  auto& arguments = input.children;
  if (arguments.size() < 3) throw duckdb::BinderException("DECODE needs at least three arguments");
  const size_t pairs = (arguments.size() - 1) / 2;
  const bool has_default = arguments.size() % 2 == 0;
  duckdb::vector<LogicalType> types;
  for (size_t i = 0; i < pairs; i++) types.push_back(TypeOf(*arguments[2 + 2 * i]));
  if (has_default) types.push_back(TypeOf(*arguments.back()));
  const LogicalType type = CommonType(input.context, types, "CASE");

  auto result = duckdb::make_uniq<duckdb::BoundCaseExpression>(type);
  for (size_t i = 0; i < pairs; i++) {
    duckdb::BoundCaseCheck check;
    check.when_expr = Compare(input.context, ExpressionType::COMPARE_NOT_DISTINCT_FROM,
                              arguments[0]->Copy(), std::move(arguments[1 + 2 * i]));
    check.then_expr = CastTo(input.context, std::move(arguments[2 + 2 * i]), type);
    result->case_checks.push_back(std::move(check));
  }
  result->else_expr =
      has_default ? CastTo(input.context, std::move(arguments.back()), type) : Null(type);
  return result;
}

ExpressionPointer Nvl2(duckdb::FunctionBindExpressionInput& input) {
  auto& arguments = input.children;
  const LogicalType left = TypeOf(*arguments[1]);
  const LogicalType right = TypeOf(*arguments[2]);
  const bool alike =
      (left.IsNumeric() && right.IsNumeric()) || (left.IsTemporal() && right.IsTemporal());
  LogicalType type = LogicalType::NormalizeType(left);
  if (left.id() == LogicalTypeId::SQLNULL) {
    type = LogicalType::NormalizeType(right);
  } else if (alike || left.id() == LogicalTypeId::INTEGER_LITERAL ||
             right.id() == LogicalTypeId::SQLNULL) {
    type = CommonType(input.context, {left, right}, "NVL2");
  }
  auto test = duckdb::make_uniq<duckdb::BoundOperatorExpression>(
      ExpressionType::OPERATOR_IS_NOT_NULL, LogicalType::BOOLEAN);
  test->children.push_back(std::move(arguments[0]));
  return duckdb::make_uniq<duckdb::BoundCaseExpression>(
      std::move(test), CastTo(input.context, std::move(arguments[1]), type),
      CastTo(input.context, std::move(arguments[2]), type));
}

ExpressionPointer Nullif(duckdb::FunctionBindExpressionInput& input) {
  auto& arguments = input.children;
  const LogicalType type = arguments[0]->return_type;
  auto value = arguments[0]->Copy();
  auto test = Compare(input.context, ExpressionType::COMPARE_EQUAL, std::move(arguments[0]),
                      std::move(arguments[1]));
  return duckdb::make_uniq<duckdb::BoundCaseExpression>(std::move(test), Null(type),
                                                        std::move(value));
}

ExpressionPointer Coalesce(duckdb::FunctionBindExpressionInput& input) {
  duckdb::vector<LogicalType> types;
  for (const auto& argument : input.children) types.push_back(TypeOf(*argument));
  const LogicalType type = CommonType(input.context, types, "COALESCE");
  auto result =
      duckdb::make_uniq<duckdb::BoundOperatorExpression>(ExpressionType::OPERATOR_COALESCE, type);
  for (auto& argument : input.children) {
    result->children.push_back(CastTo(input.context, std::move(argument), type));
  }
  return result;
}

// The engine's own, of the common type.
ExpressionPointer Choose(duckdb::FunctionBindExpressionInput& input, const char* name,
                         const char* what) {
  duckdb::vector<LogicalType> types;
  for (const auto& argument : input.children) types.push_back(TypeOf(*argument));
  const LogicalType type = CommonType(input.context, types, what);
  Arguments arguments;
  for (auto& argument : input.children) {
    arguments.push_back(CastTo(input.context, std::move(argument), type));
  }
  return CallNative(input.context, name, std::move(arguments));
}
ExpressionPointer Greatest(duckdb::FunctionBindExpressionInput& input) {
  return Choose(input, "greatest", "GREATEST");
}
ExpressionPointer Least(duckdb::FunctionBindExpressionInput& input) {
  return Choose(input, "least", "LEAST");
}

// Of CONNECT BY: the number of a row, unless it was passed on the way to it.
void NoLoop(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<bool, int64_t, int64_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(), [](bool seen, int64_t row) {
        if (seen) throw duckdb::InvalidInputException("CONNECT BY loop in user data");
        return row;
      });
}

void Add(Registrar& registrar, const std::string& name, size_t arguments, bool more,
         duckdb::function_bind_expression_t make) {
  duckdb::ScalarFunction function(name, duckdb::vector<LogicalType>(arguments, LogicalType::ANY),
                                  LogicalType::ANY, nullptr, BindAny);
  if (more) function.varargs = LogicalType::ANY;
  function.SetBindExpressionCallback(make);
  function.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  function.SetFallible();
  registrar.Add(std::move(function));
}

}  // namespace

void RegisterConditionals(Registrar& registrar) {
  Add(registrar, "rs_decode", 3, true, Decode);
  Add(registrar, "rs_coalesce", 1, true, Coalesce);
  Add(registrar, "rs_greatest", 1, true, Greatest);
  Add(registrar, "rs_least", 1, true, Least);
  Add(registrar, "rs_nvl2", 3, false, Nvl2);
  Add(registrar, "rs_nullif", 2, false, Nullif);
  duckdb::ScalarFunction no_loop("rs_no_loop", {LogicalType::BOOLEAN, LogicalType::BIGINT},
                                 LogicalType::BIGINT, NoLoop);
  no_loop.SetFallible();
  registrar.Add(std::move(no_loop));
}

}  // namespace skep::worker
