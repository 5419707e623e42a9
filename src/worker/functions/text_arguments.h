// What every function of text shares: it takes values of any type that has a text form (numbers,
// dates, booleans), and NULL when an argument is NULL. Declare such an argument as ANY, bind with
// BindText, and the engine's cast to VARCHAR does the rest.
#pragma once

#include <array>
#include <cstdint>
#include <duckdb.hpp>
#include <duckdb/execution/expression_executor_state.hpp>
#include <duckdb/function/scalar_function.hpp>
#include <initializer_list>
#include <string>
#include <string_view>

#include "worker/functions/registrar.h"

namespace skep::worker {

// Types of arguments; kAny is one that BindText makes a text.
inline constexpr auto kAny = duckdb::LogicalTypeId::ANY;
inline constexpr auto kText = duckdb::LogicalTypeId::VARCHAR;
inline constexpr auto kVarbyte = duckdb::LogicalTypeId::BLOB;
inline constexpr auto kInteger = duckdb::LogicalTypeId::INTEGER;
inline constexpr auto kBigint = duckdb::LogicalTypeId::BIGINT;
inline constexpr auto kBoolean = duckdb::LogicalTypeId::BOOLEAN;

using Expressions = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

// Binds every ANY argument as VARCHAR. Throws BinderException (42883) for types that have no text
// form in expressions: VARBYTE, GEOMETRY, HLLSKETCH and the engine's nested types.
duckdb::unique_ptr<duckdb::FunctionData> BindText(duckdb::ClientContext& context,
                                                  duckdb::ScalarFunction& function,
                                                  Expressions& arguments);

// Whether a value of the type is VARBYTE.
bool IsVarbyte(const duckdb::LogicalType& type);

// As BindText, but when any of the ANY arguments is VARBYTE all of them are, and `bytes` runs
// instead of the function's own callback. `returns_same`: the result is then VARBYTE, too.
template <auto bytes, bool returns_same>
duckdb::unique_ptr<duckdb::FunctionData> BindTextOrBytes(duckdb::ClientContext& context,
                                                         duckdb::ScalarFunction& function,
                                                         Expressions& arguments) {
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

inline std::string_view View(const duckdb::string_t& text) {
  return {text.GetData(), text.GetSize()};
}
inline duckdb::string_t Slice(std::string_view text) {
  return {text.data(), static_cast<uint32_t>(text.size())};
}

// The rows of a call's arguments, whatever form their vectors have.
class Columns {
 public:
  explicit Columns(duckdb::DataChunk& arguments);

  bool NullAt(size_t row) const;
  template <class T>
  const T& At(size_t column, size_t row) const {
    const auto& format = formats_[column];
    return duckdb::UnifiedVectorFormat::GetData<T>(format)[format.sel->get_index(row)];
  }
  std::string_view Text(size_t column, size_t row) const {
    return View(At<duckdb::string_t>(column, row));
  }
  int64_t Integer(size_t column, size_t row) const { return At<int64_t>(column, row); }
  size_t size() const { return formats_.size(); }

 private:
  duckdb::vector<duckdb::UnifiedVectorFormat> formats_;
};

// Fills `result` row by row for functions of more arguments than the engine's executors take:
// body(const Columns&, row, T& out) answers false for NULL. A NULL argument makes NULL. Interrupts
// of the statement are noticed between rows.
template <class T, class Body>
void ForEachRow(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                duckdb::Vector& result, Body body) {
  const bool constant = arguments.AllConstant();
  const Columns columns(arguments);
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* out = duckdb::FlatVector::GetData<T>(result);
  auto& valid = duckdb::FlatVector::Validity(result);
  const size_t rows = constant ? 1 : arguments.size();
  for (size_t row = 0; row < rows; row++) {
    if ((row & 63) == 63 && state.GetContext().IsInterrupted()) throw duckdb::InterruptException();
    if (columns.NullAt(row) || !body(columns, row, out[row])) valid.SetInvalid(row);
  }
  if (constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
}

}  // namespace skep::worker
