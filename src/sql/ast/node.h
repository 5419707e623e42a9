// What all nodes of the tree have in common, and the list of all kinds of nodes. The tree is what
// the user wrote: nothing is resolved, folded by settings or rewritten in it, and every node knows
// its place in the script.
#pragma once

#include <cstdint>
#include <string_view>

#include "sql/ast/arena.h"

namespace skep::sql::ast {

// Every kind of node: expressions, queries, relations, parts, statements. Each is a struct of this
// name with a static Fields(self) that ties its fields in the order they are written.
#define SKEP_AST_EXPRESSIONS(X)                                                                  \
  X(Literal)                                                                                     \
  X(TypedLiteral)                                                                                \
  X(Parameter)                                                                                   \
  X(ColumnRef)                                                                                   \
  X(Star)                                                                                        \
  X(Unary)                                                                                       \
  X(Binary) X(Logical) X(IsTest) X(Between) X(InList) X(InQuery) X(Like) X(Quantified) X(Exists) \
      X(ScalarQuery) X(Case) X(Cast) X(Call) X(Extract) X(Position) X(Substring) X(Trim)         \
          X(Overlay) X(AtTimeZone) X(Collate) X(Row) X(ArrayLiteral) X(Index) X(Field) X(Prior)  \
              X(OuterMark) X(Default) X(ObjectTransform)
#define SKEP_AST_QUERIES(X) X(Query) X(Select) X(SetOperation) X(Values)
#define SKEP_AST_RELATIONS(X) \
  X(NamedTable)               \
  X(DerivedTable) X(FunctionTable) X(Join) X(Pivot) X(Unpivot) X(UnpivotObject) X(NestedTable)
#define SKEP_AST_PARTS(X) \
  X(TypeName)             \
  X(SelectItem)           \
  X(OrderItem) X(GroupingElement) X(CommonTable) X(WithClause) X(When) X(Window) X(FrameBound)

enum class NodeKind : uint8_t {
#define SKEP_AST_KIND(name) k##name,
  SKEP_AST_EXPRESSIONS(SKEP_AST_KIND) SKEP_AST_QUERIES(SKEP_AST_KIND)
      SKEP_AST_RELATIONS(SKEP_AST_KIND) SKEP_AST_PARTS(SKEP_AST_KIND)
#include "sql/ast/statement_kinds.inc"
#undef SKEP_AST_KIND
};

struct Node {
  NodeKind kind;
  uint32_t begin = 0;  // byte offsets in the script: [begin, end)
  uint32_t end = 0;
};

struct Expr : Node {};
struct QueryBody : Node {};  // Select, SetOperation, Values, Query (in parentheses)
struct Relation : Node {};   // of a FROM clause
struct Statement : Node {};

// One identifier as written. `text` of an unquoted one is in lower case, of a quoted one without
// its quotes, otherwise as written: whether it is folded is for the session's settings to say.
struct Name {
  std::string_view text;
  bool quoted = false;
  uint32_t begin = 0;
  uint32_t end = 0;

  explicit operator bool() const { return end > begin; }
  static auto Fields(auto& self) { return std::tie(self.text, self.quoted); }
};

// database.schema.object, as many parts as were written.
using QualifiedName = List<Name>;

template <NodeKind K, class Base>
struct Is : Base {
  static constexpr NodeKind kKind = K;
  Is() : Base{} { this->kind = K; }
};

// The node as a T, or nullptr when it is another kind.
template <class T>
const T* As(const Node* node) {
  return node && node->kind == T::kKind ? static_cast<const T*>(node) : nullptr;
}
template <class T>
T* As(Node* node) {
  return node && node->kind == T::kKind ? static_cast<T*>(node) : nullptr;
}

}  // namespace skep::sql::ast
