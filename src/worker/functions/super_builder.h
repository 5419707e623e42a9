// The loop over functions that build SUPER values from any number of arguments.
#pragma once

#include <duckdb.hpp>
#include <string>

#include "worker/functions/rows.h"
#include "worker/functions/super_value.h"

namespace skep::worker {

// Calls `build(row, text)` for every row, or once if all arguments are constant. It answers whether
// the result, whose canonical text it appends to the empty `text`, is other than NULL.
template <class Build>
void BuildSuper(duckdb::DataChunk& arguments, duckdb::Vector& result, Build&& build) {
  std::string text;
  FillRows<duckdb::string_t>(arguments, result, [&](size_t row, duckdb::string_t& out) {
    text.clear();
    if (!build(row, text) || text == "null") return false;
    out = AddSuper(result, text);
    return true;
  });
}

}  // namespace skep::worker
