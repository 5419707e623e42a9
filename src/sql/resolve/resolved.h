// What resolution found out about a statement, kept beside its tree: which relation and column
// every name means, the columns of every query, the types the front knows, and every object and
// column that is read, by clause.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "sql/ast/query.h"
#include "sql/function_table.h"
#include "sql/parse/script.h"
#include "sql/resolve/catalog.h"

namespace skep::sql {

// A relation of one FROM clause.
struct ScopeRelation {
  std::string alias;    // by which expressions name it
  std::string schema;   // with which they may qualify it; empty behind an alias
  std::string emitted;  // unique within its FROM clause
  std::vector<Column> columns;
  // Names in the engine's text where the columns' own are not unique; otherwise empty.
  std::vector<std::string> emitted_columns;
  std::shared_ptr<const RelationEntry> entry;  // null: a query, CTE or function

  const std::string& ColumnName(size_t column) const {
    return emitted_columns.empty() ? columns[column].name : emitted_columns[column];
  }
};

struct Reference {
  enum class Kind : uint8_t {
    kColumn,    // relation, column
    kMerged,    // a column of USING or NATURAL: bare
    kAlias,     // of the select list: item
    kLevel,     // LEVEL of CONNECT BY
    kRelation,  // the whole row
  };
  Kind kind = Kind::kColumn;
  const ScopeRelation* relation = nullptr;
  size_t column = 0;
  const ast::SelectItem* item = nullptr;
  size_t used = 1;  // parts of the name; the others navigate into the value
  std::string merged;
};

enum class Clause : uint8_t {
  kSelect,
  kFrom,
  kWhere,
  kGroupBy,
  kHaving,
  kQualify,
  kOrderBy,
  kWrite
};

struct Access {
  std::shared_ptr<const RelationEntry> entry;
  std::map<Clause, std::vector<bool>> columns;  // which are read, by clause
};

struct Expansion {  // of a star: what it stands for
  const ScopeRelation* relation;
  size_t column;
  bool merged = false;
};

// How one relation of a FROM clause was understood.
struct RelationUse {
  enum class Kind : uint8_t { kEntry, kCommonTable, kQuery, kFunction, kPath, kLateView };
  Kind kind = Kind::kEntry;
  ScopeRelation* relation = nullptr;
  std::string common_table;           // emitted name
  const ast::Expr* path = nullptr;    // kPath: what is unnested
  const ast::Query* query = nullptr;  // kLateView: what the view stands for
  bool renamed = false;               // kLateView: its columns have names of their own
};

// PIVOT: the columns that group, and the names of the new ones (value by value, aggregate by
// aggregate). UNPIVOT: the columns that stay, those that become rows, and their labels.
struct PivotUse {
  std::vector<Expansion> others;
  std::vector<Expansion> listed;
  std::vector<std::string> labels;
};

struct Resolved {
  ast::Arena arena;  // of nodes that the tree has not
  std::unordered_map<const ast::Node*, Type> types;
  std::unordered_map<const ast::Node*, Reference> references;  // ColumnRef
  std::unordered_map<const ast::Node*, std::vector<Expansion>> stars;
  std::unordered_map<const ast::Node*, std::vector<Column>>
      outputs;  // Query, Select, SetOperation, Values
  std::unordered_map<const ast::Node*, const FunctionRow*> functions;  // Call
  // Call of a function that a user made.
  std::unordered_map<const ast::Node*, std::shared_ptr<const FunctionEntry>> user_functions;
  std::unordered_map<const ast::Node*, RelationUse> relations;
  std::unordered_map<const ast::Node*, PivotUse> pivots;
  // Of a FunctionTable whose rows are known here: their values, by row, as the engine's literals.
  std::unordered_map<const ast::Node*, std::vector<std::vector<std::string>>> rows;
  std::unordered_map<const ast::Node*, std::string> common_tables;  // CommonTable: emitted name
  // Of a branch of a set operation: the types all branches become.
  std::unordered_map<const ast::Node*, std::vector<Type>> branches;
  std::unordered_set<const ast::Node*> materialised;  // CommonTable: to be read from one place
  // Definitions of late-binding views that were read, with their texts.
  std::deque<std::string> texts;
  std::vector<ParsedScript> scripts;
  std::vector<Access> reads;
  std::deque<ScopeRelation> pool;
  // By number, from 0: as declared, or as their first use gives them. Shared by the resolvers of
  // one statement.
  std::shared_ptr<std::vector<Type>> parameters;

  const Type& TypeOf(const ast::Expr* expr) const {
    static const Type kNone;
    if (const auto* parameter = ast::As<ast::Parameter>(expr)) {
      const size_t index = parameter->number - 1;
      return parameters && index < parameters->size() ? (*parameters)[index] : kNone;
    }
    const auto it = types.find(expr);
    return it == types.end() ? kNone : it->second;
  }
};

}  // namespace skep::sql
