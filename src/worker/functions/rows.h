// The rows of a call's arguments, whatever form their vectors have, and the loop that fills a
// result from them: for functions that the engine's executors do not fit, with many arguments or
// with NULLs that are values.
#pragma once

#include <cstddef>
#include <duckdb.hpp>
#include <duckdb/execution/expression_executor_state.hpp>
#include <string_view>

#include "worker/functions/text_view.h"

namespace skep::worker {

class Columns {
 public:
  explicit Columns(duckdb::DataChunk& arguments) : formats_(arguments.ColumnCount()) {
    for (size_t i = 0; i < formats_.size(); i++)
      arguments.data[i].ToUnifiedFormat(arguments.size(), formats_[i]);
  }

  bool IsNull(size_t column, size_t row) const {
    const auto& format = formats_[column];
    return !format.validity.RowIsValid(format.sel->get_index(row));
  }
  // Whether any of them is NULL.
  bool NullAt(size_t row) const {
    for (size_t i = 0; i < formats_.size(); i++) {
      if (IsNull(i, row)) return true;
    }
    return false;
  }
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

// Fills `result` row by row, or once when all arguments are constant: body(row, T& out) answers
// false for NULL.
template <class T, class Body>
void FillRows(duckdb::DataChunk& arguments, duckdb::Vector& result, Body body) {
  const bool constant = arguments.AllConstant();
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* out = duckdb::FlatVector::GetData<T>(result);
  auto& valid = duckdb::FlatVector::Validity(result);
  const size_t rows = constant ? 1 : arguments.size();
  for (size_t row = 0; row < rows; row++) {
    if (!body(row, out[row])) valid.SetInvalid(row);
  }
  if (constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
}

// The same with the arguments, of which a NULL makes NULL: body(const Columns&, row, T& out).
// Interrupts of the statement are noticed between rows.
template <class T, class Body>
void ForEachRow(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                duckdb::Vector& result, Body body) {
  const Columns columns(arguments);
  FillRows<T>(arguments, result, [&](size_t row, T& out) {
    if ((row & 63) == 63 && state.GetContext().IsInterrupted()) throw duckdb::InterruptException();
    return !columns.NullAt(row) && body(columns, row, out);
  });
}

}  // namespace skep::worker
