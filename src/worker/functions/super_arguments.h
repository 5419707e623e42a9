// Binding of functions whose arguments may be of any type and are taken as SUPER.
#pragma once

#include <duckdb.hpp>

#include "worker/functions/super_writer.h"
#include "worker/functions/types.h"

namespace skep::worker {

// A bind callback: every argument declared ANY becomes SUPER, by a cast where it is none.
inline duckdb::unique_ptr<duckdb::FunctionData> BindAsSuper(
    duckdb::ClientContext&, duckdb::ScalarFunction& function,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  for (size_t i = 0; i < arguments.size() && i < function.arguments.size(); i++) {
    if (function.arguments[i].id() != duckdb::LogicalTypeId::ANY) continue;
    const auto& type = arguments[i]->return_type;
    if (!CanBecomeSuper(type)) RefuseType("cannot cast", type);
    function.arguments[i] = SuperType();
  }
  return nullptr;
}

}  // namespace skep::worker
