// Queries and what stands in their FROM clauses. Source of the forms: the developer guide's SELECT.
#pragma once

#include "sql/ast/expression.h"

namespace skep::sql::ast {

struct CommonTable : Is<NodeKind::kCommonTable, Node> {
  Name name;
  List<Name> columns;
  Query* query = nullptr;
  static auto Fields(auto& s) { return std::tie(s.name, s.columns, s.query); }
};

struct WithClause : Is<NodeKind::kWithClause, Node> {
  bool recursive = false;
  List<CommonTable*> tables;
  static auto Fields(auto& s) { return std::tie(s.recursive, s.tables); }
};

// [WITH ...] body [ORDER BY ...] [LIMIT ...] [OFFSET ...]. Parentheses around a query make a Query
// whose body is that Query.
struct Query : Is<NodeKind::kQuery, QueryBody> {
  WithClause* with = nullptr;
  QueryBody* body = nullptr;
  List<OrderItem*> order_by;
  Expr* limit = nullptr;
  bool limit_all = false;
  Expr* offset = nullptr;
  static auto Fields(auto& s) {
    return std::tie(s.with, s.body, s.order_by, s.limit, s.limit_all, s.offset);
  }
};

struct SelectItem : Is<NodeKind::kSelectItem, Node> {
  Expr* value = nullptr;
  Name alias;
  bool as = false;
  static auto Fields(auto& s) { return std::tie(s.value, s.as, s.alias); }
};

enum class GroupingKind : uint8_t { kExpression, kEmpty, kRollup, kCube, kSets };

struct GroupingElement : Is<NodeKind::kGroupingElement, Node> {
  GroupingKind grouping = GroupingKind::kExpression;
  List<Expr*> items;                // an expression, or the items of ROLLUP, CUBE
  List<GroupingElement*> elements;  // of GROUPING SETS
  bool row = false;                 // (a, b) as one
  static auto Fields(auto& s) { return std::tie(s.grouping, s.row, s.items, s.elements); }
};

enum class IntoKind : uint8_t { kNone, kTable, kTemporary };

struct Select : Is<NodeKind::kSelect, QueryBody> {
  bool distinct = false;
  bool all = false;
  List<Expr*> distinct_on;  // parsed, then refused: Redshift has none
  Expr* top = nullptr;
  List<SelectItem*> items;
  List<Name> exclude;  // select * exclude (a) without a star of its own
  IntoKind into = IntoKind::kNone;
  QualifiedName into_name;
  List<Relation*> from;
  Expr* where = nullptr;
  Expr* start_with = nullptr;
  Expr* connect_by = nullptr;
  bool nocycle = false;
  bool group_by_all = false;
  List<GroupingElement*> group_by;
  Expr* having = nullptr;
  Expr* qualify = nullptr;
  static auto Fields(auto& s) {
    return std::tie(s.distinct, s.all, s.distinct_on, s.top, s.items, s.exclude, s.into,
                    s.into_name, s.from, s.where, s.start_with, s.connect_by, s.nocycle,
                    s.group_by_all, s.group_by, s.having, s.qualify);
  }
};

enum class SetOperator : uint8_t { kUnion, kIntersect, kExcept, kMinus };

struct SetOperation : Is<NodeKind::kSetOperation, QueryBody> {
  SetOperator op = SetOperator::kUnion;
  bool all = false;
  bool distinct = false;
  QueryBody* left = nullptr;
  QueryBody* right = nullptr;
  static auto Fields(auto& s) { return std::tie(s.left, s.op, s.all, s.distinct, s.right); }
};

struct Values : Is<NodeKind::kValues, QueryBody> {
  List<Row*> rows;
  static auto Fields(auto& s) { return std::tie(s.rows); }
};

struct Alias {
  Name name;
  List<Name> columns;
  bool as = false;
  static auto Fields(auto& s) { return std::tie(s.as, s.name, s.columns); }
};

// s.t [AS] a (x, y). The name may also be a path into a SUPER column of an earlier relation
// (FROM c, c.orders o AT i); the resolver decides.
struct NamedTable : Is<NodeKind::kNamedTable, Relation> {
  QualifiedName name;
  bool only = false;
  Alias alias;
  Name at;
  static auto Fields(auto& s) { return std::tie(s.only, s.name, s.alias, s.at); }
};

// c.orders[0].items o AT i: a path that cannot be a table's name.
struct NestedTable : Is<NodeKind::kNestedTable, Relation> {
  Expr* path = nullptr;
  Alias alias;
  Name at;
  static auto Fields(auto& s) { return std::tie(s.path, s.alias, s.at); }
};

// UNPIVOT c.orders AS v AT k
struct UnpivotObject : Is<NodeKind::kUnpivotObject, Relation> {
  Expr* path = nullptr;
  Alias alias;
  Name at;
  static auto Fields(auto& s) { return std::tie(s.path, s.alias, s.at); }
};

struct DerivedTable : Is<NodeKind::kDerivedTable, Relation> {
  Query* query = nullptr;
  bool lateral = false;
  Alias alias;
  static auto Fields(auto& s) { return std::tie(s.lateral, s.query, s.alias); }
};

// generate_series(1, 3) as t (n), pg_get_cols() cols(a name, b int)
struct FunctionTable : Is<NodeKind::kFunctionTable, Relation> {
  Call* call = nullptr;
  Alias alias;
  List<TypeName*> column_types;  // of the alias' columns
  bool lateral = false;
  static auto Fields(auto& s) { return std::tie(s.lateral, s.call, s.alias, s.column_types); }
};

enum class JoinKind : uint8_t { kInner, kLeft, kRight, kFull, kCross };

struct Join : Is<NodeKind::kJoin, Relation> {
  JoinKind join = JoinKind::kInner;
  bool natural = false;
  Relation* left = nullptr;
  Relation* right = nullptr;
  Expr* on = nullptr;
  List<Name> using_columns;
  Alias alias;  // (a join b on ...) as c
  bool parenthesised = false;
  static auto Fields(auto& s) {
    return std::tie(s.left, s.join, s.natural, s.right, s.on, s.using_columns, s.parenthesised,
                    s.alias);
  }
};

// source PIVOT (sum(x) [AS s], ... FOR c IN (1 AS one, 2, ...)) [AS] alias
struct Pivot : Is<NodeKind::kPivot, Relation> {
  Relation* source = nullptr;
  List<SelectItem*> aggregates;
  Expr* column = nullptr;
  List<SelectItem*> values;
  Alias alias;
  static auto Fields(auto& s) {
    return std::tie(s.source, s.aggregates, s.column, s.values, s.alias);
  }
};

// source UNPIVOT [INCLUDE | EXCLUDE NULLS] (value FOR name IN (a AS 'x', b, ...)) [AS] alias
struct Unpivot : Is<NodeKind::kUnpivot, Relation> {
  Relation* source = nullptr;
  bool include_nulls = false;
  bool exclude_nulls = false;
  Name value;
  Name name;
  List<SelectItem*> columns;  // the column, and its label as written in `labels`
  List<Expr*> labels;         // null where none was written
  Alias alias;
  static auto Fields(auto& s) {
    return std::tie(s.source, s.include_nulls, s.exclude_nulls, s.value, s.name, s.columns,
                    s.labels, s.alias);
  }
};

}  // namespace skep::sql::ast
