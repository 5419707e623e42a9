// What every function of text shares: it takes values of any type that has a text form (numbers,
// dates, booleans), and NULL when an argument is NULL. Declare such an argument as ANY, bind with
// BindText, and the engine's cast to VARCHAR does the rest.
#pragma once

#include <duckdb.hpp>
#include <duckdb/function/scalar_function.hpp>
#include <initializer_list>
#include <string>

#include "worker/functions/registrar.h"
#include "worker/functions/rows.h"

namespace skep::worker {

// Types of arguments; kAny is one that BindText makes a text.
inline constexpr auto kAny = duckdb::LogicalTypeId::ANY;
inline constexpr auto kText = duckdb::LogicalTypeId::VARCHAR;
inline constexpr auto kVarbyte = duckdb::LogicalTypeId::BLOB;
inline constexpr auto kInteger = duckdb::LogicalTypeId::INTEGER;
inline constexpr auto kBigint = duckdb::LogicalTypeId::BIGINT;
inline constexpr auto kBoolean = duckdb::LogicalTypeId::BOOLEAN;

// Binds every ANY argument as VARCHAR. Throws BinderException (42883) for types that have no text
// form in expressions: VARBYTE, GEOMETRY, HLLSKETCH and the engine's nested types.
duckdb::unique_ptr<duckdb::FunctionData> BindText(duckdb::ClientContext& context,
                                                  duckdb::ScalarFunction& function,
                                                  Arguments& arguments);

// Whether a value of the type is VARBYTE.
bool IsVarbyte(const duckdb::LogicalType& type);

// As BindText, but when any of the ANY arguments is VARBYTE all of them are, and `bytes` runs
// instead of the function's own callback. `returns_same`: the result is then VARBYTE, too.
template <auto bytes, bool returns_same>
duckdb::unique_ptr<duckdb::FunctionData> BindTextOrBytes(duckdb::ClientContext& context,
                                                         duckdb::ScalarFunction& function,
                                                         Arguments& arguments) {
  bool any = false;
  for (size_t i = 0; i < arguments.size() && i < function.arguments.size(); i++) {
    any |= function.arguments[i].id() == duckdb::LogicalTypeId::ANY &&
           IsVarbyte(arguments[i]->return_type);
  }
  if (!any) return BindText(context, function, arguments);
  for (auto& argument : function.arguments) {
    if (argument.id() == duckdb::LogicalTypeId::ANY) argument = duckdb::LogicalType::BLOB;
  }
  function.SetFunctionCallback(bytes);
  if (returns_same) function.SetReturnType(duckdb::LogicalType::BLOB);
  return nullptr;
}

// A function that never throws, which the engine may move and run once for equal values; its name
// comes with AddOverloads.
duckdb::ScalarFunction TotalFunction(duckdb::vector<duckdb::LogicalType> arguments,
                                     duckdb::LogicalType returns, duckdb::scalar_function_t run,
                                     duckdb::bind_scalar_function_t bind = BindText);
// The same for one that may throw.
duckdb::ScalarFunction TextFunction(duckdb::vector<duckdb::LogicalType> arguments,
                                    duckdb::LogicalType returns, duckdb::scalar_function_t run,
                                    duckdb::bind_scalar_function_t bind = BindText);
void AddOverloads(Registrar& registrar, const char* name,
                  std::initializer_list<duckdb::ScalarFunction> functions);

// The text of an argument that is a constant other than NULL.
bool ConstantText(duckdb::ClientContext& context, const duckdb::Expression& argument,
                  std::string& text);

}  // namespace skep::worker
