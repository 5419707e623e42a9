#include "worker/functions/collation.h"

#include <duckdb/common/exception/binder_exception.hpp>
#include <duckdb/planner/expression.hpp>
#include <string>
#include <utility>

#include "base/text.h"
#include "worker/functions/text_arguments.h"

namespace skep::worker {
namespace {

duckdb::unique_ptr<duckdb::Expression> Collated(duckdb::FunctionBindExpressionInput& input) {
  std::string name;
  if (!ConstantText(input.context, *input.children[1], name))
    throw duckdb::BinderException("the name of a collation must be a constant");
  name = Lower(name);
  const char* collation = nullptr;
  if (name == "case_insensitive" || name == "ci") collation = "nocase";
  if (name == "case_sensitive" || name == "cs") collation = "binary";
  if (!collation)
    throw duckdb::BinderException(
        "collation \"%s\" is not supported: use case_sensitive or case_insensitive", name);
  auto text = std::move(input.children[0]);
  // As the engine's own COLLATE does: the collation is part of the expression's type.
  text->return_type = duckdb::LogicalType::VARCHAR_COLLATION(collation);
  return text;
}

}  // namespace

void RegisterCollation(Registrar& registrar) {
  auto function = TotalFunction({kAny, kText}, kText, duckdb::ScalarFunction::NopFunction);
  // The name of a collation is no text that would have one.
  function.SetCollationHandling(duckdb::FunctionCollationHandling::IGNORE_COLLATIONS);
  function.SetBindExpressionCallback(Collated);
  AddOverloads(registrar, "rs_collate", {function});
}

}  // namespace skep::worker
