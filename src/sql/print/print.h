// Writes trees back as Redshift SQL: one line, keywords in lower case, names quoted and parentheses
// put only where they are needed. Parsing the text gives an equal tree, which prints the same.
#pragma once

#include <string>
#include <string_view>

#include "sql/ast/statement.h"

namespace skep::sql {

struct PrintOptions {
  bool redact = false;  // secrets become '***'
};

// Prints any node that can be written on its own: statements, queries, relations, expressions,
// types and the parts of statements.
std::string Print(const ast::Node& node, PrintOptions options = {});

}  // namespace skep::sql
