// Apache Avro's object container files for the engine: a table function "read_avro" of its
// multi-file kind. Blocks are read in order and decoded by threads independently, only the columns
// that are asked for. Source: the Avro 1.12 specification. (The engine's own extension reads whole
// files into memory, knows no decimals and no local timestamps.)
#pragma once

#include <duckdb.hpp>

namespace skep::external_scan {

// Registers read_avro(path). Codecs: null, deflate, snappy, zstandard, bzip2. Types: all but
// recursive records, unions of unlike types and decimals of more than 38 digits, which fail when
// their column is read. Errors: InvalidInputException naming the object, those of the lake.
void RegisterAvro(duckdb::DatabaseInstance& instance);

}  // namespace skep::external_scan
