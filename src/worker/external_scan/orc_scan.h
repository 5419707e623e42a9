// Apache ORC for the engine, which has no reader of it: a table function "read_orc" of its
// multi-file kind, over Apache Arrow's reader. Stripes are read by threads independently, only the
// columns that are asked for. Source: the ORC specification v1.
#pragma once

#include <duckdb.hpp>

namespace skep::external_scan {

// Registers read_orc(path). As a scan of an external table (lake_scan.h) columns are found by name;
// by place when the table says so (option "positional") or when the file has no names but _col0,
// _col1 and so on, as Hive once wrote them. Errors: InvalidInputException naming the object, those
// of the lake.
void RegisterOrc(duckdb::DatabaseInstance& instance);

}  // namespace skep::external_scan
