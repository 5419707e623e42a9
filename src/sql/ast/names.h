// When a name must stand in quotes for the parser to read it back as the same name anywhere.
#pragma once

#include <string>
#include <string_view>

namespace skep::sql::ast {

// True for whatever is no plain lower-case word, and for every word that means something to some
// rule of the grammar.
bool NeedsQuotes(std::string_view name);
// The name as it is written in SQL.
std::string WriteName(std::string_view name, bool quoted);
// 'text', with quotes and backslashes doubled as Redshift's strings need it, and on one line.
std::string WriteString(std::string_view text);

}  // namespace skep::sql::ast
