// Gives every name of a statement its meaning: which relation, which column, which alias. One pass
// from the outside in, with a scope for each query; what it finds is kept in a Resolved beside the
// tree. Source: the developer guide's "Names and identifiers", SELECT, "Querying semistructured
// data"; sql.md section 3, rows 11, 17, 33.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sql/ast/query.h"
#include "sql/resolve/context.h"
#include "sql/resolve/resolved.h"
#include "sql/resolve/user_functions.h"

namespace skep::sql {

class Resolver {
 public:
  // `parameters`: of another resolver of the same statement.
  Resolver(const FrontContext& context, std::string_view script,
           std::shared_ptr<std::vector<Type>> parameters = nullptr)
      : context_(context), script_(script) {
    resolved_.parameters = parameters ? std::move(parameters)
                                      : std::make_shared<std::vector<Type>>(context.parameters);
  }

  // Errors: kUndefinedTable, kUndefinedColumn, kAmbiguousColumn, kDuplicateObject (an alias twice),
  // kUndefinedFunction, kGroupingError, those of the catalog. With the position in the script.
  Result<std::vector<Column>> ResolveQuery(const ast::Query& query);
  // An expression over one relation (UPDATE, DELETE, defaults, policies) and, in DML, its sources.
  Result<Type> ResolveExpression(const ast::Expr& expr, Clause clause);

  // An open parameter takes this type, as that of what stands beside it; else nothing happens.
  void Infer(const ast::Expr* expr, const Type& type);
  // $1 ... $n are a function's arguments of these types, and there are no others.
  void EnterArguments(std::vector<Type> types) {
    resolved_.parameters = std::make_shared<std::vector<Type>>(types);
    arguments_ = std::move(types);
  }

  // Relations that expressions may name from here on (of UPDATE ... FROM, DELETE ... USING, MERGE).
  // `target` is the relation that is written; its own name stays visible.
  Result<ScopeRelation*> EnterTarget(const ast::QualifiedName& name, const ast::Name& alias);
  Result<void> EnterFrom(const ast::List<ast::Relation*>& from);
  Result<void> EnterWith(const ast::WithClause& with);
  // A relation with these columns and no place in a catalog.
  ScopeRelation* EnterColumns(std::string alias, std::vector<Column> columns);

  // The relation of a name as a statement's object. nullptr: there is none.
  Result<std::shared_ptr<const RelationEntry>> Find(const ast::QualifiedName& name);
  // Where a new object of this name belongs.
  struct Target {
    std::string schema;  // empty: temporary
    std::string name;
  };
  Result<Target> NewObject(const ast::QualifiedName& name, bool temporary);

  // a.b.c, for messages.
  std::string Dotted(const ast::QualifiedName& name) const;
  // An identifier as the session's settings fold it.
  std::string Fold(const ast::Name& name) const;

  Resolved& resolved() { return resolved_; }
  std::unexpected<Error> Fail1(ErrorKind kind, std::string message, const ast::Node* at,
                               std::string hint = {}) const;
  std::unexpected<Error> FailAt(ErrorKind kind, std::string message, uint32_t offset,
                                std::string hint = {}) const;

 private:
  struct Scope {
    Scope* parent = nullptr;
    std::vector<ScopeRelation*> relations;
    std::vector<Column> merged;  // of USING: visible bare
    const ast::Select* select = nullptr;
    bool aliases = false;              // of the select list may be used
    size_t aliases_before = SIZE_MAX;  // only items in front of this one
    bool hierarchical = false;
    bool output_first = false;  // ORDER BY: a bare name is an alias first
    // The select list's aliases among its first aliases_seen items; of equal ones the first.
    std::unordered_map<std::string, const ast::SelectItem*> named;
    size_t aliases_seen = 0;
  };
  struct CommonTables {
    CommonTables* parent = nullptr;
    std::string name;
    std::string emitted;
    std::vector<Column> columns;
    size_t copies = 1;  // of common tables that reading this one means, each in its place
  };

  Result<std::vector<Column>> Body(const ast::QueryBody& body, Scope* outer,
                                   const ast::Query* ordered);
  Result<std::vector<Column>> QueryIn(const ast::Query& query, Scope* outer);
  Result<std::vector<Column>> SelectIn(const ast::Select& select, Scope* outer,
                                       const ast::Query* ordered);
  Result<std::vector<Column>> SetIn(const ast::SetOperation& operation, Scope* outer);
  Result<std::vector<Column>> ValuesIn(const ast::Values& values, Scope* outer);
  Result<void> With(const ast::WithClause& with, Scope* outer);
  Result<void> OrderBy(const ast::List<ast::OrderItem*>& items, Scope& scope,
                       const std::vector<Column>& output);
  Result<void> CheckPosition(const ast::Expr* expr, size_t columns, std::string_view clause) const;
  Result<void> CheckDistinctOrder(const ast::Expr* expr, const ast::Select& select) const;
  std::vector<Type> BranchTypes(const ast::QueryBody& body,
                                const std::vector<Column>& output) const;
  void SetBranchTypes(const ast::QueryBody& body, const std::vector<Type>& types);
  Result<void> OrderByOutput(const ast::Query& query, const std::vector<Column>& output,
                             Scope* outer);

  Result<void> From(const ast::Relation& relation, Scope& scope);
  Result<void> FromJoin(const ast::Join& join, Scope& scope);
  Result<void> FromNamed(const ast::NamedTable& table, Scope& scope);
  Result<void> FromLateView(const ast::NamedTable& table, const RelationEntry& view, Scope& scope);
  Result<void> FromPivot(const ast::Pivot& pivot, Scope& scope);
  Result<void> FromUnpivot(const ast::Unpivot& unpivot, Scope& scope);
  Result<void> FromPath(const ast::Relation& relation, const ast::Expr& path,
                        const ast::Alias& alias, const ast::Name& at, bool unpivot, Scope& scope);
  Result<ScopeRelation*> Add(Scope& scope, const ast::Relation& at, std::string alias,
                             std::vector<Column> columns, const ast::Alias* written,
                             const RelationEntry* entry = nullptr);
  const ast::Expr* PathOf(const ast::NamedTable& table);
  Result<void> FromAliasedJoin(const ast::Join& join, Scope& scope);

  Result<Type> Visit(const ast::Expr* expr, Scope& scope, Clause clause);
  Result<Type> VisitAny(const ast::Expr* expr, Scope& scope, Clause clause);
  Result<Type> VisitColumn(const ast::ColumnRef& ref, Scope& scope, Clause clause);
  Result<Type> VisitCall(const ast::Call& call, Scope& scope, Clause clause);
  Result<Type> CommonOf(const std::vector<const ast::Expr*>& values, std::string_view what);
  void InferEach(std::initializer_list<const ast::Expr*> operands);
  void InferRow(const ast::Expr* value, const ast::Expr* item);
  void InferQuery(const ast::Expr* value, const std::vector<Column>& output);
  void InferBinary(const ast::Binary& binary, const Type& a, const Type& b);
  void InferArguments(const ast::Call& call, std::string_view name);
  Result<Type> VisitUserCall(const ast::Call& call, const std::string& name,
                             const std::vector<Type>& types);
  Result<Type> VisitBinary(const ast::Binary& binary, Scope& scope, Clause clause);
  Result<void> Condition(const ast::Expr* expr, Scope& scope, Clause clause, std::string_view word);
  Result<Type> Subquery(const ast::Query& query, Scope& scope);
  Result<void> CheckScalar(const ast::Expr* value, const Type& type);
  Result<void> ExpandStar(const ast::Star& star, Scope& scope, std::vector<Column>& output);
  Result<void> ListColumns(const ast::FunctionTable& table, std::string_view function);
  Result<std::shared_ptr<const RelationEntry>> FindByText(std::string_view text);
  std::optional<Reference> FindColumn(const std::vector<std::string>& parts, Scope& scope,
                                      bool& ambiguous, bool& ambiguous_table);
  Result<void> CheckWidth(size_t columns, const ast::Node& at) const;
  // An error when nobody waits any longer.
  Result<void> Look();
  void NoteRead(const Reference& reference, Clause clause);
  Result<void> CheckOperator(const ast::Binary& binary, const Type& a, const Type& b) const;
  Result<void> CheckCall(const ast::Call& call, const FunctionRow& row, Clause clause) const;
  Result<void> CheckNavigable(const Type& type, const ast::Expr* at) const;
  Type Navigate(Type type, const std::vector<std::string>& parts, size_t from) const;
  std::string OutputName(const ast::SelectItem& item) const;

  const FrontContext& context_;
  std::string_view script_;
  Resolved resolved_;
  std::deque<Scope> scopes_;
  Scope statement_;
  std::deque<CommonTables> common_pool_;
  CommonTables* common_ = nullptr;
  size_t common_count_ = 0;
  size_t copies_ = 0;  // of what the query that is being resolved reads
  size_t steps_ = 0;
  size_t late_views_ = 0;                  // that are being read, one within the other
  size_t late_text_ = 0, late_reads_ = 0;  // of the definitions that were read
  bool listing_ = false;                   // the columns of a view are looked up for a list
  uint64_t expanded_nodes_ = 0;            // that calls of users' functions become
  FunctionWeights weights_;
  std::optional<std::vector<Type>> arguments_;
  // Nodes that the call of a user's function becomes.
  std::unordered_map<const ast::Node*, uint64_t> expanded_;
};

// The label Redshift gives a select item without an alias.
std::string LabelOf(const ast::Expr* expr);

}  // namespace skep::sql
