// Workbooks for the engine: a table function "read_xlsx" of its multi-file kind, one sheet of each
// file. A file whose header has the table's names is read by them, from behind that header;
// another one by the places of its columns. Values come as text, which the engine casts to the
// table's types.
#pragma once

#include <duckdb.hpp>

#include "base/error.h"
#include "ipc/messages.h"

namespace skep::external_scan {

// Registers read_xlsx(path). Options of the table: "sheet" (a name, or a number from 1), "skip"
// (rows before the data). Errors: InvalidInputException naming the object, those of the lake.
void RegisterXlsx(duckdb::DatabaseInstance& instance);

// Whether an object is a workbook; `path` is the engine's. Throws what reading throws.
bool IsXlsx(duckdb::ClientContext& context, const std::string& path);

// The columns of an object's first sheet, by its first 20,000 rows, with "sheet" and "skip" as
// properties. `path` is the engine's. Throws InvalidInputException, and what reading throws.
ipc::InferReply InferXlsx(duckdb::ClientContext& context, const std::string& path);

}  // namespace skep::external_scan
