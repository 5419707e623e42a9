#include "worker/functions/spatial/call.h"

#include <duckdb/planner/expression_binder.hpp>

namespace skep::worker::spatial {

namespace {

std::string NameOf(const duckdb::LogicalType& type) {
  if (IsGeometry(type)) return "geometry";
  if (IsGeography(type)) return "geography";
  switch (type.id()) {
    case duckdb::LogicalTypeId::INTEGER_LITERAL:
      return "integer";
    case duckdb::LogicalTypeId::STRING_LITERAL:
      return "\"unknown\"";
    default:
      return duckdb::StringUtil::Lower(type.ToString());
  }
}

}  // namespace

bool Overloads::TakesGeography(
    const duckdb::ScalarFunction& bound,
    const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& given) {
  bool geometry = false, geography = false, other = false;
  std::string types;
  for (size_t i = 0; i < given.size(); i++) {
    const duckdb::LogicalType type = duckdb::ExpressionBinder::GetExpressionReturnType(*given[i]);
    types += (i > 0 ? ", " : "") + NameOf(type);
    if (bound.arguments[i].id() != duckdb::LogicalTypeId::ANY) continue;
    switch (type.id()) {
      case duckdb::LogicalTypeId::SQLNULL:
      case duckdb::LogicalTypeId::UNKNOWN:
      case duckdb::LogicalTypeId::STRING_LITERAL:
        break;
      default:
        geometry |= IsGeometry(type);
        geography |= IsGeography(type);
        other |= !IsGeometry(type) && !IsGeography(type);
    }
  }
  if (other || (geometry && geography)) {
    throw duckdb::BinderException("function %s(%s) does not exist", bound.name.substr(3), types);
  }
  return geography;
}

}  // namespace skep::worker::spatial
