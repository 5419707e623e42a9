#include "sql/resolve/resolver.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"
#include "sql/ast/visit.h"
#include "sql/emit/duckdb_catalog.h"
#include "sql/function_lookup.h"
#include "sql/parse/token.h"
#include "sql/quoting.h"

namespace skep::sql {
using namespace ast;
using enum TypeKind;

namespace {

std::string Text(std::string_view text) { return std::string(text); }

// Names of system relations that need no schema.
bool IsSystemName(std::string_view name) {
  return name.starts_with("pg_") || name.starts_with("svv_") || name.starts_with("stv_") ||
         name.starts_with("stl_") || name.starts_with("svl_") || name.starts_with("sys_") ||
         name.starts_with("svcs_");
}

}  // namespace

std::string LabelOf(const Expr* expr) {
  static constexpr std::string_view kNone = "?column?";
  if (const auto* ref = As<ColumnRef>(expr)) return Text(ref->parts.back().text);
  if (const auto* field = As<Field>(expr)) return Text(field->name.text);
  if (const auto* index = As<Index>(expr)) return LabelOf(index->operand);
  if (const auto* mark = As<OuterMark>(expr)) return LabelOf(mark->column);
  if (const auto* prior = As<Prior>(expr)) return LabelOf(prior->operand);
  if (const auto* collate = As<Collate>(expr)) return LabelOf(collate->operand);
  if (const auto* cast = As<Cast>(expr)) {
    const std::string inner = LabelOf(cast->operand);
    if (inner != kNone && inner != "case") return inner;
    static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
        {"int", "int4"},      {"smallint", "int2"},   {"bigint", "int8"},  {"real", "float4"},
        {"double", "float8"}, {"decimal", "numeric"}, {"boolean", "bool"}, {"char", "bpchar"}};
    for (const auto& [ours, label] : kTypes) {
      if (cast->type->name == ours) return Text(label);
    }
    return Text(cast->type->name);
  }
  if (const auto* call = As<Call>(expr)) {
    const std::string name = Text(call->name.back().text);
    static constexpr std::pair<std::string_view, std::string_view> kLabels[] = {
        {"nvl", "coalesce"},
        {"decode", "case"},
        {"dateadd", "date_add"},
        {"datediff", "date_diff"},
        {"getdate", "timestamp"},
        {"sysdate", "timestamp"},
        {"current_date", "date"},
        {"substr", "substring"},
        {"nvl2", "case"},
        {"current_timestamp", "timestamptz"},
        {"date_part_year", "date_part_year"}};
    for (const auto& [function, label] : kLabels) {
      if (name == function) return Text(label);
    }
    return name;
  }
  if (const auto* node = As<Case>(expr)) {
    const std::string inner = node->otherwise ? LabelOf(node->otherwise) : Text(kNone);
    return As<ColumnRef>(node->otherwise) ? inner : "case";
  }
  if (As<Extract>(expr)) return "date_part";
  if (As<Position>(expr)) return "position";
  if (As<Substring>(expr)) return "substring";
  if (const auto* trim = As<Trim>(expr))
    return trim->side == TrimSide::kLeading    ? "ltrim"
           : trim->side == TrimSide::kTrailing ? "rtrim"
                                               : "btrim";
  if (As<AtTimeZone>(expr)) return "timezone";
  if (As<Row>(expr)) return "row";
  if (As<ArrayLiteral>(expr)) return "array";
  if (As<ObjectTransform>(expr)) return "object_transform";
  if (As<Exists>(expr)) return "?column?";
  if (const auto* typed = As<TypedLiteral>(expr)) {
    if (typed->type->name == "interval") return "interval";
    return Text(typed->type->name);
  }
  if (const auto* scalar = As<ScalarQuery>(expr)) {
    const QueryBody* body = scalar->query->body;
    while (const auto* inner = As<Query>(body)) body = inner->body;
    if (const auto* select = As<Select>(body); select && select->items.size() == 1) {
      const SelectItem& item = *select->items[0];
      return item.alias ? Text(item.alias.text) : LabelOf(item.value);
    }
  }
  return Text(kNone);
}

std::unexpected<Error> Resolver::FailAt(ErrorKind kind, std::string message, uint32_t offset,
                                        std::string hint) const {
  Error error;
  error.kind = kind;
  error.message = std::move(message);
  error.hint = std::move(hint);
  error.position = CharacterPosition(script_, offset);
  return std::unexpected(std::move(error));
}

Result<void> Resolver::Look() {
  constexpr size_t kStepsBetweenLooks = 256;
  if (++steps_ % kStepsBetweenLooks != 0 || !context_.stopped || !context_.stopped()) return {};
  return Fail(ErrorKind::kQueryCanceled, "canceling statement due to user request");
}

// PostgreSQL's limit of a list of columns.
Result<void> Resolver::CheckWidth(size_t columns, const Node& at) const {
  constexpr size_t kMaxColumns = 1664;
  if (columns <= kMaxColumns) return {};
  return Fail1(ErrorKind::kTooManyColumns,
               "target lists can have at most " + std::to_string(kMaxColumns) + " entries", &at);
}

std::unexpected<Error> Resolver::Fail1(ErrorKind kind, std::string message, const Node* at,
                                       std::string hint) const {
  return FailAt(kind, std::move(message), at->begin, std::move(hint));
}

std::string Resolver::Fold(const Name& name) const { return context_.Fold(name); }

std::string Resolver::Dotted(const QualifiedName& name) const {
  std::string text;
  for (const Name& part : name) text += (text.empty() ? "" : ".") + Fold(part);
  return text;
}

std::string Resolver::OutputName(const SelectItem& item) const {
  if (item.alias) return Fold(item.alias);
  const std::string label = FrontContext::Cut(LabelOf(item.value));
  return context_.case_sensitive_identifiers ? label : Lower(label);
}

// ---------------------------------------------------------------- objects

std::string RelationKey(const RelationEntry& entry) {
  return QuoteName(entry.schema) + "." + QuoteName(entry.name);
}

std::string FunctionKey(const FunctionEntry& function) {
  return QuoteName(function.schema) + "." + QuoteName(function.engine_name);
}

Result<std::shared_ptr<const RelationEntry>> Resolver::Find(const QualifiedName& name) {
  std::vector<std::string> parts;
  for (const Name& part : name) parts.push_back(Fold(part));
  if (parts.size() > 3)
    return FailAt(ErrorKind::kFeatureNotSupported,
                  "cross-database reference to \"" + parts[0] + "\" is not supported",
                  name[0].begin);
  if (parts.size() == 3 && parts[0] == kAutoMounted && parts[0] != context_.database) {
    parts[1] = std::string(kAutoMounted) + "." + parts[1];
    parts.erase(parts.begin());
  }
  if (parts.size() == 3) {
    if (parts[0] != context_.database) {
      if (!context_.catalog) return nullptr;
      auto elsewhere = context_.catalog->FindElsewhere(parts[0], parts[1], parts[2]);
      if (!elsewhere)
        return FailAt(elsewhere.error().kind, elsewhere.error().message, name[0].begin);
      return elsewhere;
    }
    parts.erase(parts.begin());
  }
  if (!context_.catalog) return nullptr;
  if (parts.size() == 2) return context_.catalog->Find(parts[0], parts[1]);
  const std::string& object = parts[0];
  SKEP_TRY_ASSIGN(auto temporary, context_.catalog->Find("", object));
  if (temporary) return temporary;
  if (IsSystemName(object)) {
    SKEP_TRY_ASSIGN(auto system, context_.catalog->Find("pg_catalog", object));
    if (system) return system;
  }
  for (const std::string& schema : context_.search_path) {
    SKEP_TRY_ASSIGN(auto found, context_.catalog->Find(schema, object));
    if (found) return found;
  }
  return nullptr;
}

Result<Resolver::Target> Resolver::NewObject(const QualifiedName& name, bool temporary) {
  std::vector<std::string> parts;
  for (const Name& part : name) parts.push_back(Fold(part));
  if (parts.size() == 3 && parts[0] == context_.database) parts.erase(parts.begin());
  if (parts.size() > 2)
    return FailAt(ErrorKind::kFeatureNotSupported,
                  "cross-database reference to \"" + parts[0] + "\" is not supported",
                  name[0].begin);
  Target target;
  target.name = parts.back();
  if (temporary || target.name.starts_with('#')) {
    if (parts.size() == 2 && !parts[0].starts_with("pg_temp"))
      return FailAt(ErrorKind::kSyntaxError, "temporary tables may not specify a schema name",
                    name[0].begin);
    return target;
  }
  if (parts.size() == 2) {
    target.schema = parts[0];
  } else {
    if (context_.search_path.empty())
      return FailAt(ErrorKind::kUndefinedSchema, "no schema has been selected to create in",
                    name[0].begin);
    target.schema = context_.search_path.front();
  }
  return target;
}

// ---------------------------------------------------------------- scopes

Result<ScopeRelation*> Resolver::Add(Scope& scope, const Relation& at, std::string alias,
                                     std::vector<Column> columns, const Alias* written,
                                     const RelationEntry* entry) {
  const bool renamed = written && written->name;
  if (renamed) alias = Fold(written->name);
  for (const ScopeRelation* other : scope.relations) {
    if (alias.empty() || other->alias != alias) continue;
    // Tables of several schemas may share their name; it means none of them then.
    if (entry && !renamed && !other->schema.empty() && other->schema != entry->schema) continue;
    return Fail1(ErrorKind::kDuplicateAlias,
                 "table name \"" + alias + "\" specified more than once", &at);
  }
  if (written && !written->columns.empty()) {
    if (written->columns.size() > columns.size() && !columns.empty()) {
      return FailAt(ErrorKind::kUndefinedColumn,
                    "table \"" + alias + "\" has " + std::to_string(columns.size()) +
                        " columns available but " + std::to_string(written->columns.size()) +
                        " columns specified",
                    written->columns[0].begin);
    }
    for (size_t i = 0; i < written->columns.size(); i++) {
      if (i == columns.size()) columns.push_back({});
      columns[i].name = Fold(written->columns[i]);
    }
  }
  ScopeRelation& relation = resolved_.pool.emplace_back();
  relation.alias = alias;
  relation.columns = std::move(columns);
  relation.emitted = alias.empty() ? "unnamed" : alias;
  std::set<std::string> names;
  bool unique = true;
  for (const Column& column : relation.columns) unique &= names.insert(column.name).second;
  if (!unique) {
    std::set<std::string> used;
    for (const Column& column : relation.columns) {
      std::string name = column.name;
      for (size_t n = 2; used.contains(name) || (name != column.name && names.contains(name)); n++)
        name = column.name + "_" + std::to_string(n);
      used.insert(name);
      relation.emitted_columns.push_back(name);
    }
  }
  const auto taken = [&](const std::string& name) {
    return std::ranges::any_of(scope.relations,
                               [&](const auto* other) { return other->emitted == name; });
  };
  if (taken(relation.emitted)) {
    size_t number = 2;
    while (taken(relation.emitted + "_" + std::to_string(number))) number++;
    relation.emitted += "_" + std::to_string(number);
  }
  scope.relations.push_back(&relation);
  return &relation;
}

Result<ScopeRelation*> Resolver::EnterTarget(const QualifiedName& name, const Name& alias) {
  SKEP_TRY_ASSIGN(auto entry, Find(name));
  if (!entry) {
    return FailAt(ErrorKind::kUndefinedTable, "relation \"" + Dotted(name) + "\" does not exist",
                  name[0].begin);
  }
  ScopeRelation& relation = resolved_.pool.emplace_back();
  relation.alias = alias ? Fold(alias) : entry->name;
  relation.schema = alias ? "" : entry->schema;
  relation.emitted = relation.alias;
  relation.columns = entry->columns;
  relation.entry = entry;
  statement_.relations.push_back(&relation);
  return &relation;
}

Result<void> Resolver::EnterFrom(const List<Relation*>& from) {
  for (const Relation* relation : from) SKEP_TRY(From(*relation, statement_));
  return {};
}

Result<void> Resolver::EnterWith(const WithClause& with) { return With(with, &statement_); }

ScopeRelation* Resolver::EnterColumns(std::string alias, std::vector<Column> columns) {
  ScopeRelation& relation = resolved_.pool.emplace_back();
  relation.alias = alias;
  relation.emitted = std::move(alias);
  relation.columns = std::move(columns);
  statement_.relations.push_back(&relation);
  return &relation;
}

Result<Type> Resolver::ResolveExpression(const Expr& expr, Clause clause) {
  if (clause == Clause::kWhere) {
    SKEP_TRY(Condition(&expr, statement_, clause, "WHERE"));
    return Type::Of(kBoolean);
  }
  return Visit(&expr, statement_, clause);
}

// ---------------------------------------------------------------- queries

Result<std::vector<Column>> Resolver::ResolveQuery(const Query& query) {
  return QueryIn(query, statement_.relations.empty() ? nullptr : &statement_);
}

Result<std::vector<Column>> Resolver::QueryIn(const Query& query, Scope* outer) {
  CommonTables* const before = common_;
  if (query.with) SKEP_TRY(With(*query.with, outer));
  SKEP_TRY_ASSIGN(auto output, Body(*query.body, outer, &query));
  if (query.limit || query.offset) {
    Scope& scope = scopes_.emplace_back();
    scope.parent = outer;
    for (const Expr* count : {query.limit, query.offset}) {
      SKEP_TRY(Visit(count, scope, Clause::kSelect));
      Infer(count, Type::Of(kBigint));
    }
  }
  common_ = before;
  resolved_.outputs[&query] = output;
  return output;
}

Result<void> Resolver::With(const WithClause& with, Scope* outer) {
  std::set<std::string> names;
  for (const CommonTable* table : with.tables) {
    SKEP_TRY(Look());
    const std::string name = Fold(table->name);
    if (!names.insert(name).second)
      return FailAt(ErrorKind::kDuplicateAlias,
                    "WITH query name \"" + name + "\" specified more than once", table->name.begin);
    CommonTables entry;
    entry.name = name;
    entry.emitted = name;
    // The engine sees names of its own only: one that hides none from outside.
    const auto taken = [&](const std::string& emitted) {
      for (const CommonTables* other = common_; other; other = other->parent) {
        if (other->emitted == emitted) return true;
      }
      return false;
    };
    while (taken(entry.emitted)) entry.emitted = name + "_" + std::to_string(++common_count_ + 1);
    const auto rename = [&](std::vector<Column>& columns) -> Result<void> {
      if (table->columns.size() > columns.size())
        return FailAt(ErrorKind::kUndefinedColumn,
                      "WITH query \"" + name + "\" has " + std::to_string(columns.size()) +
                          " columns available but " + std::to_string(table->columns.size()) +
                          " columns specified",
                      table->columns[0].begin);
      for (size_t i = 0; i < table->columns.size(); i++) columns[i].name = Fold(table->columns[i]);
      return {};
    };
    CommonTables* added = nullptr;
    const auto add = [&](std::vector<Column> columns) {
      entry.columns = std::move(columns);
      entry.parent = common_;
      added = &common_pool_.emplace_back(entry);
      common_ = added;
    };
    if (with.recursive) {
      // The first branch gives the columns that the second one sees.
      const auto* operation = As<SetOperation>(table->query->body);
      if (operation && !table->query->with && operation->op == SetOperator::kUnion) {
        SKEP_TRY_ASSIGN(auto columns, Body(*operation->left, outer, nullptr));
        SKEP_TRY(rename(columns));
        add(std::move(columns));
        SKEP_TRY(Body(*operation->right, outer, nullptr));
        resolved_.outputs[table->query] = added->columns;
        resolved_.outputs[operation] = added->columns;
        if (!table->query->order_by.empty())
          SKEP_TRY(OrderByOutput(*table->query, added->columns, outer));
        resolved_.common_tables[table] = added->emitted;
        continue;
      }
    }
    const size_t outside = std::exchange(copies_, 0);
    SKEP_TRY_ASSIGN(auto columns, QueryIn(*table->query, outer));
    SKEP_TRY(rename(columns));
    // The engine puts a common table wherever it is read, so that each reading the one before it
    // twice would double for each.
    constexpr size_t kMostCopies = 64;
    entry.copies = std::max<size_t>(copies_, 1);
    if (entry.copies > kMostCopies) {
      resolved_.materialised.insert(table);
      entry.copies = 1;
    }
    copies_ = outside;
    add(std::move(columns));
    resolved_.common_tables[table] = added->emitted;
  }
  return {};
}

Result<std::vector<Column>> Resolver::Body(const QueryBody& body, Scope* outer,
                                           const Query* ordered) {
  switch (body.kind) {
    case NodeKind::kSelect:
      return SelectIn(static_cast<const Select&>(body), outer, ordered);
    case NodeKind::kSetOperation: {
      SKEP_TRY_ASSIGN(auto output, SetIn(static_cast<const SetOperation&>(body), outer));
      if (ordered && !ordered->order_by.empty()) SKEP_TRY(OrderByOutput(*ordered, output, outer));
      return output;
    }
    case NodeKind::kValues: {
      SKEP_TRY_ASSIGN(auto output, ValuesIn(static_cast<const Values&>(body), outer));
      if (ordered && !ordered->order_by.empty()) SKEP_TRY(OrderByOutput(*ordered, output, outer));
      return output;
    }
    default: {
      SKEP_TRY_ASSIGN(auto output, QueryIn(static_cast<const Query&>(body), outer));
      if (ordered && !ordered->order_by.empty()) SKEP_TRY(OrderByOutput(*ordered, output, outer));
      return output;
    }
  }
}

Result<std::vector<Column>> Resolver::SetIn(const SetOperation& operation, Scope* outer) {
  SKEP_TRY_ASSIGN(auto left, Body(*operation.left, outer, nullptr));
  SKEP_TRY_ASSIGN(const auto right, Body(*operation.right, outer, nullptr));
  const std::string_view word = operation.op == SetOperator::kUnion       ? "UNION"
                                : operation.op == SetOperator::kIntersect ? "INTERSECT"
                                                                          : "EXCEPT";
  if (left.size() != right.size()) {
    return Fail1(ErrorKind::kSyntaxError,
                 "each " + Text(word) + " query must have the same number of columns",
                 operation.right);
  }
  const std::vector<Type> left_types = BranchTypes(*operation.left, left);
  const std::vector<Type> right_types = BranchTypes(*operation.right, right);
  std::vector<Type> types;
  for (size_t i = 0; i < left.size(); i++) {
    if (!AreMatched(left_types[i], right_types[i]))
      return Fail1(ErrorKind::kDatatypeMismatch, Unmatched(word, left_types[i], right_types[i]),
                   operation.right);
    types.push_back(CommonType(left_types[i], right_types[i]));
    left[i].type = types.back();
  }
  SetBranchTypes(operation, types);
  resolved_.outputs[&operation] = left;
  return left;
}

// The types a branch has to offer: a literal still takes that of the other side.
std::vector<Type> Resolver::BranchTypes(const QueryBody& body,
                                        const std::vector<Column>& output) const {
  std::vector<Type> types;
  for (const Column& column : output) types.push_back(column.type);
  const auto* select = As<Select>(&body);
  if (!select || select->items.size() != output.size()) return types;
  for (size_t i = 0; i < types.size(); i++) {
    if (As<Literal>(select->items[i]->value)) types[i] = resolved_.TypeOf(select->items[i]->value);
  }
  return types;
}

void Resolver::SetBranchTypes(const QueryBody& body, const std::vector<Type>& types) {
  if (const auto* operation = As<SetOperation>(&body)) {
    SetBranchTypes(*operation->left, types);
    SetBranchTypes(*operation->right, types);
  } else if (As<Select>(&body)) {
    resolved_.branches[&body] = types;
  }
}

Result<std::vector<Column>> Resolver::ValuesIn(const Values& values, Scope* outer) {
  std::vector<Column> output;
  Scope& scope = scopes_.emplace_back();
  scope.parent = outer;
  for (const Row* row : values.rows) {
    if (row != values.rows[0] && row->items.size() != output.size())
      return Fail1(ErrorKind::kSyntaxError, "VALUES lists must all be the same length", row);
    SKEP_TRY(CheckWidth(row->items.size(), *row));
    for (size_t i = 0; i < row->items.size(); i++) {
      SKEP_TRY_ASSIGN(Type type, Visit(row->items[i], scope, Clause::kSelect));
      if (i == output.size())
        output.push_back({"column" + std::to_string(i + 1), std::move(type)});
      else
        output[i].type = CommonType(output[i].type, type);
    }
  }
  resolved_.outputs[&values] = output;
  return output;
}

Result<std::vector<Column>> Resolver::SelectIn(const Select& select, Scope* outer,
                                               const Query* ordered) {
  if (!select.distinct_on.empty())
    return Fail1(ErrorKind::kFeatureNotSupported, "SELECT DISTINCT ON is not supported", &select);
  Scope& scope = scopes_.emplace_back();
  scope.parent = outer;
  scope.select = &select;
  scope.hierarchical = select.connect_by != nullptr;
  for (const Relation* relation : select.from) SKEP_TRY(From(*relation, scope));

  std::vector<Column> output;
  scope.aliases = true;
  for (size_t i = 0; i < select.items.size(); i++) {
    const SelectItem& item = *select.items[i];
    SKEP_TRY(CheckWidth(output.size() + 1, item));
    scope.aliases_before = i;
    if (const auto* star = As<Star>(item.value)) {
      SKEP_TRY(ExpandStar(*star, scope, output));
      continue;
    }
    SKEP_TRY_ASSIGN(Type type, Visit(item.value, scope, Clause::kSelect));
    SKEP_TRY(CheckScalar(item.value, type));
    if (type.kind == kLiteral) {
      type.kind = kVarchar;
      if (type.length == 0) type.length = 1;
    }
    output.push_back({OutputName(item), std::move(type)});
  }
  SKEP_TRY(CheckWidth(output.size(), select));
  scope.aliases_before = SIZE_MAX;
  if (!select.exclude.empty()) {
    for (const Name& name : select.exclude) {
      const std::string excluded = Fold(name);
      if (std::erase_if(output, [&](const Column& c) { return c.name == excluded; }) == 0)
        return FailAt(ErrorKind::kUndefinedColumn, "column \"" + excluded + "\" does not exist",
                      name.begin);
      for (const SelectItem* item : select.items) {
        const auto expansion = resolved_.stars.find(item->value);
        if (expansion == resolved_.stars.end()) continue;
        std::erase_if(expansion->second, [&](const Expansion& e) {
          return e.relation->columns[e.column].name == excluded;
        });
      }
    }
  }
  SKEP_TRY(Visit(select.top, scope, Clause::kSelect));
  Infer(select.top, Type::Of(kBigint));
  if (select.where) SKEP_TRY(Condition(select.where, scope, Clause::kWhere, "WHERE"));
  if (select.start_with) SKEP_TRY(Visit(select.start_with, scope, Clause::kWhere));
  if (select.connect_by) SKEP_TRY(Visit(select.connect_by, scope, Clause::kWhere));
  const auto grouping = [&](const auto& self, const GroupingElement& element) -> Result<void> {
    for (const Expr* item : element.items) {
      SKEP_TRY(CheckPosition(item, output.size(), "GROUP BY"));
      SKEP_TRY(Visit(item, scope, Clause::kGroupBy));
    }
    for (const GroupingElement* inner : element.elements) SKEP_TRY(self(self, *inner));
    return {};
  };
  for (const GroupingElement* element : select.group_by) SKEP_TRY(grouping(grouping, *element));
  if (select.having) SKEP_TRY(Condition(select.having, scope, Clause::kHaving, "HAVING"));
  if (select.qualify) SKEP_TRY(Condition(select.qualify, scope, Clause::kQualify, "QUALIFY"));
  if (ordered) SKEP_TRY(OrderBy(ordered->order_by, scope, output));
  resolved_.outputs[&select] = output;
  return output;
}

Result<void> Resolver::OrderBy(const List<OrderItem*>& items, Scope& scope,
                               const std::vector<Column>& output) {
  scope.output_first = true;
  for (const OrderItem* item : items) {
    SKEP_TRY(CheckPosition(item->value, output.size(), "ORDER BY"));
    SKEP_TRY(Visit(item->value, scope, Clause::kOrderBy));
    if (scope.select->distinct) SKEP_TRY(CheckDistinctOrder(item->value, *scope.select));
  }
  scope.output_first = false;
  return {};
}

// A number stands for a column of the output; another constant for nothing.
Result<void> Resolver::CheckPosition(const Expr* expr, size_t columns,
                                     std::string_view clause) const {
  const auto* minus = As<Unary>(expr);
  const auto* literal =
      As<Literal>(minus && minus->op == UnaryOperator::kMinus ? minus->operand : expr);
  if (!literal || literal->literal <= LiteralKind::kFalse) return {};
  if (literal->literal != LiteralKind::kInteger)
    return Fail1(ErrorKind::kSyntaxError, "non-integer constant in " + Text(clause), expr);
  const std::string_view text = literal->text;
  const bool fits = text.size() < 9 && !minus;
  const size_t position = fits ? std::stoul(Text(text)) : 0;
  if (position >= 1 && position <= columns) return {};
  return Fail1(
      ErrorKind::kInvalidColumnReference,
      Text(clause) + " position " + (minus ? "-" : "") + Text(text) + " is not in select list",
      expr);
}

// Rows that became one have no single value of a column that was not selected.
Result<void> Resolver::CheckDistinctOrder(const Expr* expr, const Select& select) const {
  const auto column_of = [&](const Node& node) -> const Reference* {
    const auto found = resolved_.references.find(&node);
    return found != resolved_.references.end() && found->second.kind == Reference::Kind::kColumn
               ? &found->second
               : nullptr;
  };
  std::set<std::pair<const ScopeRelation*, size_t>> selected;
  for (const SelectItem* item : select.items) {
    if (const auto stars = resolved_.stars.find(item->value); stars != resolved_.stars.end()) {
      for (const Expansion& one : stars->second) selected.emplace(one.relation, one.column);
      continue;
    }
    if (!As<ColumnRef>(expr) && Equal(*item->value, *expr)) return {};
    // Of an expression that is selected any part may order: the engine does not tell them apart.
    Walk(*item->value, [&](const Node& node) {
      const Reference* column = column_of(node);
      if (column && (!As<ColumnRef>(expr) || &node == item->value))
        selected.emplace(column->relation, column->column);
      return true;
    });
  }
  bool missing = false;
  Walk(*expr, [&](const Node& node) {
    const Reference* column = column_of(node);
    missing |= column && !selected.contains({column->relation, column->column});
    return node.kind != NodeKind::kQuery;
  });
  if (!missing) return {};
  return Fail1(ErrorKind::kInvalidColumnReference,
               "for SELECT DISTINCT, ORDER BY expressions must appear in select list", expr);
}

// Behind a set operation only the output's own names and numbers mean anything.
Result<void> Resolver::OrderByOutput(const Query& query, const std::vector<Column>& output,
                                     Scope* outer) {
  Scope& scope = scopes_.emplace_back();
  scope.parent = outer;
  scope.merged = output;
  for (const OrderItem* item : query.order_by) {
    SKEP_TRY(CheckPosition(item->value, output.size(), "ORDER BY"));
    SKEP_TRY(Visit(item->value, scope, Clause::kOrderBy));
  }
  return {};
}

// Whole columns of nested types are no results. Source: the developer guide's "Serializing complex
// nested JSON".
Result<void> Resolver::CheckScalar(const Expr* value, const Type& type) {
  const auto* ref = type.IsNested() ? As<ColumnRef>(value) : nullptr;
  const auto found = ref ? resolved_.references.find(ref) : resolved_.references.end();
  if (found == resolved_.references.end() || !found->second.relation) return {};
  const auto& entry = found->second.relation->entry;
  if (!entry || !entry->paths_only) return {};
  return Fail1(ErrorKind::kUndefinedColumn,
               "column \"" + Fold(ref->parts.back()) + "\" does not exist in " + entry->name, ref,
               "Set json_serialization_enable to read it as JSON.");
}

Result<void> Resolver::ExpandStar(const Star& star, Scope& scope, std::vector<Column>& output) {
  std::vector<Expansion> expansion;
  if (star.of)
    return Fail1(ErrorKind::kFeatureNotSupported, "a star of a navigated value is not supported",
                 &star);
  std::vector<std::string> qualifier;
  for (const Name& part : star.qualifier) qualifier.push_back(Fold(part));
  bool found = false;
  std::vector<std::string> merged_done;
  for (const ScopeRelation* relation : scope.relations) {
    if (!qualifier.empty()) {
      const bool named =
          qualifier.back() == relation->alias &&
          (qualifier.size() == 1 || relation->schema == qualifier[qualifier.size() - 2]);
      if (!named) continue;
    }
    found = true;
    for (size_t i = 0; i < relation->columns.size(); i++) {
      const Column& column = relation->columns[i];
      if (column.name.starts_with('$')) continue;  // pseudo-columns
      const bool merged =
          qualifier.empty() &&
          std::ranges::any_of(scope.merged, [&](const Column& c) { return c.name == column.name; });
      if (merged) {
        if (std::ranges::find(merged_done, column.name) != merged_done.end()) continue;
        merged_done.push_back(column.name);
      }
      expansion.push_back({relation, i, merged});
    }
  }
  if (!found) {
    if (scope.relations.empty() && qualifier.empty())
      return Fail1(ErrorKind::kSyntaxError, "SELECT * with no tables specified is not valid",
                   &star);
    return Fail1(ErrorKind::kUndefinedTable, "relation \"" + qualifier.back() + "\" does not exist",
                 &star);
  }
  for (const Name& name : star.exclude) {
    const std::string excluded = Fold(name);
    if (std::erase_if(expansion, [&](const Expansion& e) {
          return e.relation->columns[e.column].name == excluded;
        }) == 0)
      return FailAt(ErrorKind::kUndefinedColumn, "column \"" + excluded + "\" does not exist",
                    name.begin);
  }
  for (const Expansion& e : expansion) {
    if (e.relation->entry && e.relation->entry->paths_only &&
        e.relation->columns[e.column].type.IsNested())
      return Fail1(ErrorKind::kFeatureNotSupported,
                   "Nested tables do not support '*' in the SELECT clause.", &star,
                   "Set json_serialization_enable to read nested columns as JSON.");
    output.push_back(e.relation->columns[e.column]);
    Reference reference;
    reference.relation = e.relation;
    reference.column = e.column;
    NoteRead(reference, Clause::kSelect);
  }
  resolved_.stars[&star] = std::move(expansion);
  return {};
}

void Resolver::NoteRead(const Reference& reference, Clause clause) {
  if (!reference.relation || !reference.relation->entry) return;
  const auto& entry = reference.relation->entry;
  auto it = std::ranges::find(resolved_.reads, entry, &Access::entry);
  if (it == resolved_.reads.end()) it = resolved_.reads.insert(it, Access{entry, {}});
  auto& columns = it->columns[clause];
  columns.resize(entry->columns.size());
  if (reference.kind == Reference::Kind::kColumn && reference.column < columns.size())
    columns[reference.column] = true;
}

}  // namespace skep::sql
