// How names and strings are written in the engine's SQL. Everything else that is written there
// comes from tables of the emitter.
#pragma once

#include <string>
#include <string_view>

namespace skep::sql {

// "name", its double quotes doubled.
std::string QuoteName(std::string_view name);
// 'text', its single quotes doubled. Backslashes mean themselves.
std::string QuoteString(std::string_view text);

}  // namespace skep::sql
