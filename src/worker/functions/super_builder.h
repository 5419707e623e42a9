// Loops over functions that build SUPER values from any number of arguments.
#pragma once

#include <duckdb.hpp>
#include <string>
#include <vector>

#include "worker/functions/super_value.h"

namespace skep::worker {

// Calls `build(row, text)` for every row, or once if all arguments are constant. It answers whether
// the result, whose canonical text it appends to the empty `text`, is other than NULL.
template <class Build>
void BuildSuper(duckdb::DataChunk& arguments, duckdb::Vector& result, Build&& build) {
  const bool constant = arguments.AllConstant();
  const duckdb::idx_t count = constant ? 1 : arguments.size();
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* out = duckdb::FlatVector::GetData<duckdb::string_t>(result);
  auto& validity = duckdb::FlatVector::Validity(result);
  std::string text;
  for (duckdb::idx_t row = 0; row < count; row++) {
    text.clear();
    if (build(row, text) && text != "null") {
      out[row] = AddSuper(result, text);
    } else {
      validity.SetInvalid(row);
    }
  }
  if (constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
}

// The arguments of a function row by row; `rows` as BuildSuper counts them.
class Rows {
 public:
  explicit Rows(duckdb::DataChunk& arguments) : formats_(arguments.ColumnCount()) {
    const duckdb::idx_t rows = arguments.AllConstant() ? 1 : arguments.size();
    for (size_t i = 0; i < formats_.size(); i++) {
      arguments.data[i].ToUnifiedFormat(rows, formats_[i]);
    }
  }
  bool IsNull(size_t column, duckdb::idx_t row) const {
    return !formats_[column].validity.RowIsValid(formats_[column].sel->get_index(row));
  }
  template <class T>
  const T& At(size_t column, duckdb::idx_t row) const {
    return duckdb::UnifiedVectorFormat::GetData<T>(
        formats_[column])[formats_[column].sel->get_index(row)];
  }
  std::string_view Text(size_t column, duckdb::idx_t row) const {
    return View(At<duckdb::string_t>(column, row));
  }
  size_t columns() const { return formats_.size(); }

 private:
  std::vector<duckdb::UnifiedVectorFormat> formats_;
};

}  // namespace skep::worker
