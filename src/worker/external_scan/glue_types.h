// Types of the data catalog (Hive's grammar, as Glue keeps them) to the engine's types and back.
// Source: Apache Hive Language Manual, "Types"; Glue Developer Guide, "Column".
#pragma once

#include <duckdb.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace skep::external_scan {

// Parses e.g. "int", "decimal(10,2)", "varchar(20)", "array<struct<a:int,b:map<string,double>>>";
// any case, blanks allowed. Errors: kFeatureNotSupported (a type that is not read),
// kInvalidArgument (not a type at all, or nested too deep).
Result<duckdb::LogicalType> ParseGlueType(std::string_view text);

// The catalog's name of a type found in a file. Types that it lacks become the next wider one, or
// string.
std::string GlueTypeOf(const duckdb::LogicalType& type);

}  // namespace skep::external_scan
