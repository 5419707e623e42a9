// Statements about rows: queries, changes, cursors, prepared statements, EXPLAIN. Source of the
// forms: the developer guide's "SQL commands".
#pragma once

#include "sql/ast/statement_parts.h"

namespace skep::sql::ast {

// SELECT, SELECT INTO, WITH, VALUES.
struct QueryStatement : Is<NodeKind::kQueryStatement, Statement> {
  Query* query = nullptr;
  static auto Fields(auto& s) { return std::tie(s.query); }
};

struct Insert : Is<NodeKind::kInsert, Statement> {
  WithClause* with = nullptr;  // written before INSERT
  QualifiedName table;
  List<Name> columns;
  bool default_values = false;
  Query* query = nullptr;  // a VALUES body holds Default expressions
  static auto Fields(auto& s) {
    return std::tie(s.with, s.table, s.columns, s.default_values, s.query);
  }
};

struct Assignment : Is<NodeKind::kAssignment, Node> {
  QualifiedName column;
  Expr* value = nullptr;  // perhaps Default
  static auto Fields(auto& s) { return std::tie(s.column, s.value); }
};

struct Update : Is<NodeKind::kUpdate, Statement> {
  WithClause* with = nullptr;
  NamedTable* table = nullptr;
  List<Assignment*> set;
  List<Relation*> from;
  Expr* where = nullptr;
  static auto Fields(auto& s) { return std::tie(s.with, s.table, s.set, s.from, s.where); }
};

struct Delete : Is<NodeKind::kDelete, Statement> {
  WithClause* with = nullptr;
  NamedTable* table = nullptr;
  List<Relation*> using_tables;
  Expr* where = nullptr;
  static auto Fields(auto& s) { return std::tie(s.with, s.table, s.using_tables, s.where); }
};

enum class MergeStep : uint8_t { kUpdate, kDelete, kInsert };

struct MergeAction : Is<NodeKind::kMergeAction, Node> {  // WHEN [NOT] MATCHED THEN ...
  bool matched = false;
  MergeStep step = MergeStep::kUpdate;
  List<Assignment*> set;
  List<Name> columns;
  List<Expr*> values;
  static auto Fields(auto& s) { return std::tie(s.matched, s.step, s.set, s.columns, s.values); }
};

struct Merge : Is<NodeKind::kMerge, Statement> {
  NamedTable* target = nullptr;
  Relation* source = nullptr;
  Expr* on = nullptr;
  List<MergeAction*> actions;
  bool remove_duplicates = false;
  static auto Fields(auto& s) {
    return std::tie(s.target, s.source, s.on, s.actions, s.remove_duplicates);
  }
};

struct Truncate : Is<NodeKind::kTruncate, Statement> {
  QualifiedName table;
  static auto Fields(auto& s) { return std::tie(s.table); }
};

struct CallProcedure : Is<NodeKind::kCallProcedure, Statement> {
  QualifiedName name;
  List<Expr*> arguments;
  static auto Fields(auto& s) { return std::tie(s.name, s.arguments); }
};

struct DeclareCursor : Is<NodeKind::kDeclareCursor, Statement> {
  Name cursor;
  Query* query = nullptr;
  static auto Fields(auto& s) { return std::tie(s.cursor, s.query); }
};

enum class FetchDirection : uint8_t { kNext, kAll, kForward };

struct Fetch : Is<NodeKind::kFetch, Statement> {
  FetchDirection direction = FetchDirection::kNext;
  std::string_view count;  // FORWARD n
  Name cursor;
  static auto Fields(auto& s) { return std::tie(s.direction, s.count, s.cursor); }
};

struct CloseCursor : Is<NodeKind::kCloseCursor, Statement> {
  bool all = false;
  Name cursor;
  static auto Fields(auto& s) { return std::tie(s.all, s.cursor); }
};

struct Prepare : Is<NodeKind::kPrepare, Statement> {
  Name name;
  List<TypeName*> types;
  Statement* statement = nullptr;
  static auto Fields(auto& s) { return std::tie(s.name, s.types, s.statement); }
};

struct Execute : Is<NodeKind::kExecute, Statement> {
  Name name;
  List<Expr*> arguments;
  static auto Fields(auto& s) { return std::tie(s.name, s.arguments); }
};

struct Deallocate : Is<NodeKind::kDeallocate, Statement> {
  bool all = false;
  Name name;
  static auto Fields(auto& s) { return std::tie(s.all, s.name); }
};

struct Explain : Is<NodeKind::kExplain, Statement> {
  bool verbose = false;
  bool analyze = false;
  Statement* statement = nullptr;
  static auto Fields(auto& s) { return std::tie(s.verbose, s.analyze, s.statement); }
};

}  // namespace skep::sql::ast
