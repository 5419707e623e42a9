// What the columns of a sheet are, by a sample of its rows: where its header ends, names, types.
#pragma once

#include <cstdint>
#include <vector>

#include "ipc/messages.h"
#include "worker/external_scan/workbook.h"

namespace skep::external_scan {

struct SheetShape {
  std::vector<ipc::InferredColumn> columns;
  bool header = false;
  uint64_t skip = 0;  // rows of the sheet before its data: titles, and the header
};

// The header is the first row that is about as wide as the table, when it is all text and no two of
// its cells are the same; rows before it are titles. When cells were merged in it, a second row of
// text completes it ("2025" over "q1" and "q2": "2025_q1", "2025_q2"). Columns without a name are
// "col0", .... Types are bigint, double, boolean, date, timestamp or string; a column of unlike
// values, or of times, is a string.
SheetShape ShapeOf(const std::vector<SheetRow>& sample);

}  // namespace skep::external_scan
