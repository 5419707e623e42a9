#include "worker/functions/super_operators.h"

#include <duckdb/function/function_binder.hpp>
#include <duckdb/planner/expression/bound_comparison_expression.hpp>
#include <utility>

#include "worker/functions/super_arguments.h"
#include "worker/functions/super_key.h"
#include "worker/functions/super_value.h"
#include "worker/functions/types.h"

namespace skep::worker {
namespace {

using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::string_t;
using duckdb::Vector;

void SortKey(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  std::string key;
  duckdb::UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(), [&](string_t value) {
        key.clear();
        AppendSortKey(key, View(value));
        return duckdb::StringVector::AddStringOrBlob(result, key.data(), key.size());
      });
}

duckdb::ScalarFunction SortKeyFunction() {
  return {"rs_super_sort_key", {LogicalType::ANY}, LogicalType::BLOB, SortKey, BindAsSuper};
}

// Equality is the engine's own comparison of keys: it knows hash joins for that.
template <duckdb::ExpressionType kType>
duckdb::unique_ptr<duckdb::Expression> CompareKeys(duckdb::FunctionBindExpressionInput& input) {
  duckdb::FunctionBinder binder(input.context);
  const auto key = [&](duckdb::unique_ptr<duckdb::Expression>& child) {
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> children;
    children.push_back(std::move(child));
    return binder.BindScalarFunction(SortKeyFunction(), std::move(children));
  };
  auto left = key(input.children[0]);
  auto right = key(input.children[1]);
  return duckdb::make_uniq<duckdb::BoundComparisonExpression>(kType, std::move(left),
                                                              std::move(right));
}

void Unreachable(duckdb::DataChunk&, duckdb::ExpressionState&, Vector&) {
  throw duckdb::InternalException("a SUPER comparison was not replaced");
}

template <class Test>
void Order(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  duckdb::BinaryExecutor::ExecuteWithNulls<string_t, string_t, bool>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](string_t a, string_t b, duckdb::ValidityMask& mask, idx_t row) {
        int order = 0;
        if (!CompareScalars(View(a), View(b), order)) mask.SetInvalid(row);
        return Test()(order, 0);
      });
}

// Two strings make a string.
void Concat(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  std::string text;
  duckdb::BinaryExecutor::ExecuteWithNulls<string_t, string_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t a, string_t b, duckdb::ValidityMask& mask, idx_t row) {
        const std::string_view left = View(a);
        const std::string_view right = View(b);
        if (KindOf(left) != SuperKind::kString || KindOf(right) != SuperKind::kString) {
          mask.SetInvalid(row);
          return string_t();
        }
        text.assign(left.substr(0, left.size() - 1));
        text += right.substr(1);
        return AddSuper(result, text);
      });
}

const duckdb::vector<LogicalType> kTwo{LogicalType::ANY, LogicalType::ANY};

}  // namespace

void RegisterSuperOperators(Registrar& registrar) {
  registrar.Add(SortKeyFunction());
  duckdb::ScalarFunction eq("rs_super_eq", kTwo, LogicalType::BOOLEAN, Unreachable, BindAsSuper);
  eq.SetBindExpressionCallback(CompareKeys<duckdb::ExpressionType::COMPARE_EQUAL>);
  registrar.Add(eq);
  duckdb::ScalarFunction ne("rs_super_ne", kTwo, LogicalType::BOOLEAN, Unreachable, BindAsSuper);
  ne.SetBindExpressionCallback(CompareKeys<duckdb::ExpressionType::COMPARE_NOTEQUAL>);
  registrar.Add(ne);
  registrar.Add({"rs_super_lt", kTwo, LogicalType::BOOLEAN, Order<std::less<>>, BindAsSuper});
  registrar.Add({"rs_super_le", kTwo, LogicalType::BOOLEAN, Order<std::less_equal<>>, BindAsSuper});
  registrar.Add({"rs_super_gt", kTwo, LogicalType::BOOLEAN, Order<std::greater<>>, BindAsSuper});
  registrar.Add(
      {"rs_super_ge", kTwo, LogicalType::BOOLEAN, Order<std::greater_equal<>>, BindAsSuper});
  duckdb::ScalarFunction concat("rs_super_concat", kTwo, SuperType(), Concat, BindAsSuper);
  concat.SetFallible();
  registrar.Add(concat);
}

}  // namespace skep::worker
