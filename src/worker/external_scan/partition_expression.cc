#include "worker/external_scan/partition_expression.h"

#include <algorithm>
#include <duckdb/planner/expression/bound_between_expression.hpp>
#include <duckdb/planner/expression/bound_comparison_expression.hpp>
#include <duckdb/planner/expression/bound_conjunction_expression.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/expression/bound_operator_expression.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>

namespace skep::external_scan {
namespace {

using duckdb::Expression;
using duckdb::ExpressionClass;
using duckdb::ExpressionType;
using duckdb::LogicalTypeId;
using Text = std::optional<std::string>;

// Types that the catalog orders as the engine does.
bool IsComparable(const duckdb::LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::DATE:
      return true;
    default:
      return false;
  }
}

const char* OperatorOf(ExpressionType type) {
  switch (type) {
    case ExpressionType::COMPARE_EQUAL:
      return " = ";
    case ExpressionType::COMPARE_NOTEQUAL:
      return " <> ";
    case ExpressionType::COMPARE_LESSTHAN:
      return " < ";
    case ExpressionType::COMPARE_LESSTHANOREQUALTO:
      return " <= ";
    case ExpressionType::COMPARE_GREATERTHAN:
      return " > ";
    case ExpressionType::COMPARE_GREATERTHANOREQUALTO:
      return " >= ";
    default:
      return nullptr;
  }
}

class Writer {
 public:
  explicit Writer(const LakeTable& table) : table_(table) {}

  Text Write(const Expression& filter) const {
    switch (filter.GetExpressionClass()) {
      case ExpressionClass::BOUND_COMPARISON:
        return Comparison(filter.Cast<duckdb::BoundComparisonExpression>());
      case ExpressionClass::BOUND_BETWEEN:
        return Between(filter.Cast<duckdb::BoundBetweenExpression>());
      case ExpressionClass::BOUND_CONJUNCTION:
        return Conjunction(filter.Cast<duckdb::BoundConjunctionExpression>());
      case ExpressionClass::BOUND_OPERATOR:
        return In(filter.Cast<duckdb::BoundOperatorExpression>());
      default:
        return std::nullopt;
    }
  }

 private:
  // A key that the grammar can name.
  Text Key(const Expression& expression) const {
    if (expression.GetExpressionClass() != ExpressionClass::BOUND_REF) return std::nullopt;
    const size_t slot = expression.Cast<duckdb::BoundReferenceExpression>().index;
    if (slot >= table_.partition_keys()) return std::nullopt;
    const size_t column = table_.data_columns() + slot;
    const std::string& name = table_.names()[column];
    constexpr const char* kWords[] = {"and", "or", "not", "in", "between", "like", "is", "null"};
    const bool plain =
        !name.empty() &&
        std::ranges::all_of(
            name,
            [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }) &&
        (name[0] < '0' || name[0] > '9') && std::ranges::find(kWords, name) == std::end(kWords);
    if (!plain || !IsComparable(table_.types()[column]) ||
        expression.return_type != table_.types()[column])
      return std::nullopt;
    return name;
  }

  static Text Constant(const Expression& expression) {
    if (expression.GetExpressionClass() != ExpressionClass::BOUND_CONSTANT) return std::nullopt;
    const auto& value = expression.Cast<duckdb::BoundConstantExpression>().value;
    if (value.IsNull() || !IsComparable(value.type())) return std::nullopt;
    const std::string text = value.ToString();
    if (value.type().id() != LogicalTypeId::VARCHAR && value.type().id() != LogicalTypeId::DATE)
      return text;
    std::string quoted = "'";
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 0x20 || c == '\\') return std::nullopt;
      if (c == '\'') quoted += c;
      quoted += c;
    }
    return quoted + "'";
  }

  Text Comparison(const duckdb::BoundComparisonExpression& comparison) const {
    const bool turned = comparison.left->GetExpressionClass() == ExpressionClass::BOUND_CONSTANT;
    const auto key = Key(turned ? *comparison.right : *comparison.left);
    const auto constant = Constant(turned ? *comparison.left : *comparison.right);
    const char* sign =
        OperatorOf(turned ? duckdb::FlipComparisonExpression(comparison.GetExpressionType())
                          : comparison.GetExpressionType());
    if (!key || !constant || sign == nullptr) return std::nullopt;
    return *key + sign + *constant;
  }

  Text Between(const duckdb::BoundBetweenExpression& between) const {
    const auto key = Key(*between.input);
    const auto lower = Constant(*between.lower), upper = Constant(*between.upper);
    if (!key || !lower || !upper) return std::nullopt;
    return *key + (between.lower_inclusive ? " >= " : " > ") + *lower + " AND " + *key +
           (between.upper_inclusive ? " <= " : " < ") + *upper;
  }

  // Of AND what can be said is enough; of OR all of it has to be.
  Text Conjunction(const duckdb::BoundConjunctionExpression& conjunction) const {
    const bool all = conjunction.GetExpressionType() == ExpressionType::CONJUNCTION_AND;
    Text text;
    for (const auto& child : conjunction.children) {
      const auto one = Write(*child);
      if (!one && !all) return std::nullopt;
      if (one) text = (text ? *text + (all ? " AND " : " OR ") : std::string()) + "(" + *one + ")";
    }
    return text;
  }

  Text In(const duckdb::BoundOperatorExpression& list) const {
    if (list.GetExpressionType() != ExpressionType::COMPARE_IN || list.children.size() < 2)
      return std::nullopt;
    const auto key = Key(*list.children[0]);
    if (!key) return std::nullopt;
    std::string text = *key + " IN (";
    for (size_t i = 1; i < list.children.size(); i++) {
      const auto constant = Constant(*list.children[i]);
      if (!constant) return std::nullopt;
      text += (i > 1 ? ", " : "") + *constant;
    }
    return text + ")";
  }

  const LakeTable& table_;
};

}  // namespace

std::optional<std::string> PartitionExpression(const duckdb::Expression& filter,
                                               const LakeTable& table) {
  return Writer(table).Write(filter);
}

}  // namespace skep::external_scan
