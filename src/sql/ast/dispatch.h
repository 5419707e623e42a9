// Calls a function with a node as what it is. Every file that includes this is compiled once for
// each kind of node: include it only where all kinds matter.
#pragma once

#include <utility>

#include "sql/ast/statement.h"

namespace skep::sql::ast {

template <class F>
decltype(auto) Dispatch(const Node& node, F&& f) {
  switch (node.kind) {
#define SKEP_AST_KIND(name) \
  case NodeKind::k##name:   \
    return f(static_cast<const name&>(node));
    SKEP_AST_EXPRESSIONS(SKEP_AST_KIND)
    SKEP_AST_QUERIES(SKEP_AST_KIND)
    SKEP_AST_RELATIONS(SKEP_AST_KIND)
    SKEP_AST_PARTS(SKEP_AST_KIND)
#include "sql/ast/statement_kinds.inc"
#undef SKEP_AST_KIND
  }
  std::unreachable();
}

}  // namespace skep::sql::ast
