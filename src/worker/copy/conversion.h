// Fields as values of the columns they are for, with COPY's own rules; what does not fit is a
// reason. Source: the developer guide's "Data conversion parameters" and "Load error reference".
#pragma once

#include <duckdb.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sql/copy_plan.h"
#include "worker/copy/fields.h"
#include "worker/functions/datetime_format.h"

namespace skep::worker::copy {

struct Rejection {
  int32_t code = 0;
  std::string reason;
};

// Of one column, for rows that are gathered as text and then converted together.
class ColumnLoader {
 public:
  ColumnLoader(duckdb::ClientContext& context, const sql::CopyPlan& plan,
               const sql::CopyColumn& column, const duckdb::LogicalType& type);

  // Takes a field as row `row`; false, with the reason, when it can be no value of the column.
  bool Take(const Field& field, duckdb::idx_t row, Rejection& rejection);
  void TakeNull(duckdb::idx_t row);
  // Converts rows [0, count) into `out`. rejected[row] gets the reason of a row that has no value;
  // it arrives empty, and stays so when every row has one.
  void Convert(duckdb::idx_t count, duckdb::Vector& out, std::vector<Rejection>& rejected);
  void Reset();

  std::string_view TextAt(duckdb::idx_t row) const;
  const sql::CopyColumn& column() const { return column_; }

 private:
  bool TakeText(Field field, duckdb::idx_t row, Rejection& rejection);
  std::string_view CutDecimals(std::string_view text);
  bool ConvertRow(duckdb::idx_t row, duckdb::Vector& out);
  bool ReadMoment(std::string_view text, duckdb::Value& value) const;
  Rejection Why(std::string_view text) const;

  duckdb::ClientContext& context_;
  const sql::CopyPlan& plan_;
  const sql::CopyColumn& column_;
  duckdb::LogicalType type_;
  bool is_text_, is_shape_, has_format_ = false;
  std::unique_ptr<DatetimeFormat> format_;
  std::string cut_;
  duckdb::Vector text_;
};

}  // namespace skep::worker::copy
