// Lists, structs and maps as JSON text, the form in which a SUPER value is shown.
#pragma once

#include <duckdb.hpp>

namespace skep::worker {

// Fills `text` (VARCHAR) with the JSON of the first `rows` values of `source`; NULL stays NULL.
void WriteJson(duckdb::Vector& source, duckdb::Vector& text, size_t rows);

}  // namespace skep::worker
