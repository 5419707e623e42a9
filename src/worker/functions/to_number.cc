#include <algorithm>
#include <duckdb/common/exception/conversion_exception.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>

#include "worker/functions/date_part.h"
#include "worker/functions/formatting_functions.h"
#include "worker/functions/number_format.h"
#include "worker/functions/text_view.h"
#include "worker/functions/wide_integers.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::string_t;

struct NumberData : duckdb::FunctionData {
  explicit NumberData(std::string given) : text(std::move(given)), format(text) {}
  std::string text;
  NumberFormat format;
  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<NumberData>(text);
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    return text == other.Cast<NumberData>().text;
  }
};

template <class T>
void Run(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const auto& format =
      state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<NumberData>().format;
  duckdb::UnaryExecutor::Execute<string_t, T>(
      arguments.data[0], result, arguments.size(), [&](const string_t& text) {
        const std::string_view view = View(text);
        __int128 value;
        if (!format.Read(view, value))
          throw duckdb::ConversionException("invalid input syntax for type numeric: \"%s\"",
                                            std::string(view.substr(0, 256)));
        return Narrow<T>(value);
      });
}

duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext& context,
                                              duckdb::ScalarFunction& function,
                                              Arguments& arguments) {
  if (!arguments[1]->IsFoldable())
    throw duckdb::BinderException("the format of to_number must be a constant");
  const auto format = duckdb::ExpressionExecutor::EvaluateScalar(context, *arguments[1]);
  auto data = duckdb::make_uniq<NumberData>(format.ToString());
  duckdb::Function::EraseArgument(function, arguments, 1);
  const int digits = std::max(data->format.digits(), 1);
  if (digits > 38) throw duckdb::InvalidInputException("format has more than 38 digits");
  const auto type = LogicalType::DECIMAL(static_cast<uint8_t>(digits),
                                         static_cast<uint8_t>(data->format.scale()));
  function.arguments = {LogicalType::VARCHAR};
  function.SetReturnType(type);
  function.function = ByPhysicalType(
      type, []<class Physical>() { return duckdb::scalar_function_t(Run<Physical>); });
  return data;
}

}  // namespace

void RegisterToNumber(Registrar& registrar) {
  duckdb::ScalarFunction function("rs_to_number", {LogicalType::ANY, LogicalType::VARCHAR},
                                  LogicalType::DECIMAL(38, 0), nullptr, Bind);
  function.SetFallible();
  registrar.Add(function);
}

}  // namespace skep::worker
