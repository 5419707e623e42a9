// Relations of FROM: tables, common tables, queries, functions, joins, pivots, paths into values.
#include <algorithm>

#include "base/text.h"
#include "sql/ast/statement.h"
#include "sql/ast/visit.h"
#include "sql/column_facts.h"
#include "sql/function_lookup.h"
#include "sql/parse/script.h"
#include "sql/parse/token.h"
#include "sql/quoting.h"
#include "sql/resolve/resolver.h"

namespace skep::sql {
using namespace ast;
using enum TypeKind;

namespace {

// The columns of a function whose rows have several.
std::vector<Column> RecordOf(std::string_view function) {
  if (function == "pg_timezone_names")
    return {{"name", Type::Of(kVarchar)},
            {"abbrev", Type::Of(kVarchar)},
            {"utc_offset", Type::Of(kInterval)},
            {"is_dst", Type::Of(kBoolean)}};
  if (function == "pg_get_cols" || function == "pg_get_late_binding_view_cols")
    return {{"view_schema", Type::Of(kName)},
            {"view_name", Type::Of(kName)},
            {"col_name", Type::Of(kName)},
            {"col_type", Type::Of(kVarchar)},
            {"col_num", Type::Of(kInt)}};
  return {};
}

}  // namespace

Result<void> Resolver::From(const Relation& relation, Scope& scope) {
  SKEP_TRY(Look());
  switch (relation.kind) {
    case NodeKind::kNamedTable:
      return FromNamed(static_cast<const NamedTable&>(relation), scope);
    case NodeKind::kJoin:
      if (static_cast<const Join&>(relation).alias.name)
        return FromAliasedJoin(static_cast<const Join&>(relation), scope);
      return FromJoin(static_cast<const Join&>(relation), scope);
    case NodeKind::kPivot:
      return FromPivot(static_cast<const Pivot&>(relation), scope);
    case NodeKind::kUnpivot:
      return FromUnpivot(static_cast<const Unpivot&>(relation), scope);
    case NodeKind::kNestedTable: {
      const auto& nested = static_cast<const NestedTable&>(relation);
      return FromPath(relation, *nested.path, nested.alias, nested.at, false, scope);
    }
    case NodeKind::kUnpivotObject: {
      const auto& unpivot = static_cast<const UnpivotObject&>(relation);
      return FromPath(relation, *unpivot.path, unpivot.alias, unpivot.at, true, scope);
    }
    case NodeKind::kDerivedTable: {
      const auto& derived = static_cast<const DerivedTable&>(relation);
      SKEP_TRY_ASSIGN(auto columns,
                      QueryIn(*derived.query, derived.lateral ? &scope : scope.parent));
      SKEP_TRY_ASSIGN(auto* added, Add(scope, relation, "", std::move(columns), &derived.alias));
      resolved_.relations[&relation] = {RelationUse::Kind::kQuery, added, {}, nullptr};
      return {};
    }
    case NodeKind::kFunctionTable: {
      const auto& table = static_cast<const FunctionTable&>(relation);
      const std::string name = Fold(table.call->name.back());
      const FunctionRow* row = FindFunctionRow(name, table.call->arguments.size());
      if (!row || row->kind != FunctionKind::kTable)
        return Fail1(ErrorKind::kUndefinedFunction, "function " + name + "() does not exist",
                     table.call);
      if (row->how == How::kRefused)
        return Fail1(ErrorKind::kFeatureNotSupported, std::string(row->target), table.call);
      for (const Expr* argument : table.call->arguments)
        SKEP_TRY(Visit(argument, scope, Clause::kFrom));
      std::vector<Column> columns;
      for (size_t i = 0; i < table.column_types.size(); i++) {
        auto type = TypeOf(*table.column_types[i]);
        if (!type) return Fail1(type.error().kind, type.error().message, table.column_types[i]);
        columns.push_back({Fold(table.alias.columns[i]), *type});
      }
      if (columns.empty()) columns = RecordOf(name);
      if (row->how == How::kSyntax) SKEP_TRY(ListColumns(table, name));
      if (columns.empty()) {
        const std::string column =
            table.alias.name && table.alias.columns.empty() ? Fold(table.alias.name) : name;
        columns.push_back({column, Type::Of(name == "generate_series" ? kBigint : kUnknown)});
      }
      SKEP_TRY_ASSIGN(auto* added, Add(scope, relation, name, std::move(columns), &table.alias));
      resolved_.relations[&relation] = {RelationUse::Kind::kFunction, added, {}, nullptr};
      return {};
    }
    default:
      return Fail1(ErrorKind::kInternal, "an unknown kind of relation", &relation);
  }
}

// The columns of PG_GET_COLS('relation') and PG_GET_LATE_BINDING_VIEW_COLS(): names and types are
// known here alone. Views whose names lead nowhere are left out.
Result<void> Resolver::ListColumns(const FunctionTable& table, std::string_view function) {
  if (listing_)
    return Fail1(ErrorKind::kFeatureNotSupported,
                 Lower(function) + "() is not supported within a view that it lists", table.call);
  std::vector<std::shared_ptr<const RelationEntry>> relations;
  if (function == "pg_get_cols") {
    const auto* literal = As<Literal>(table.call->arguments[0]);
    if (!literal || literal->literal != LiteralKind::kString)
      return Fail1(ErrorKind::kFeatureNotSupported, "PG_GET_COLS of a name that is not a literal",
                   table.call);
    SKEP_TRY_ASSIGN(auto entry, FindByText(literal->text));
    if (!entry)
      return Fail1(ErrorKind::kUndefinedTable,
                   "relation \"" + std::string(literal->text) + "\" does not exist", literal);
    relations.push_back(std::move(entry));
  } else if (context_.catalog) {
    relations = context_.catalog->Views();
    std::erase_if(relations,
                  [](const auto& view) { return !TableFacts::Read(view->facts).late_binding; });
  }
  auto& rows = resolved_.rows[&table];
  for (const auto& relation : relations) {
    std::vector<Column> columns = relation->columns;
    const TableFacts facts = TableFacts::Read(relation->facts);
    if (facts.late_binding) {
      const ParsedScript parsed = ParseWholeScript(facts.definition);
      const auto* statement =
          parsed.statements.size() == 1 ? As<QueryStatement>(parsed.statements[0].tree) : nullptr;
      if (!statement) continue;
      SKEP_TRY(Look());
      Resolver inside(context_, facts.definition);
      inside.listing_ = true;
      auto found = inside.ResolveQuery(*statement->query);
      if (!found) continue;
      columns = std::move(*found);
      for (size_t i = 0; i < facts.columns.size() && i < columns.size(); i++)
        columns[i].name = facts.columns[i];
    }
    int number = 0;
    for (const Column& column : columns) {
      if (column.name.starts_with('$')) continue;
      rows.push_back({QuoteString(relation->schema), QuoteString(relation->name),
                      QuoteString(column.name), QuoteString(TypeText(column.type)),
                      std::to_string(++number)});
    }
  }
  return {};
}

// 'schema.name' or 'name', folded as if it stood in the statement.
Result<std::shared_ptr<const RelationEntry>> Resolver::FindByText(std::string_view text) {
  const std::string query = "select * from " + std::string(text);
  const ParsedScript parsed = ParseWholeScript(query);
  const auto* statement =
      parsed.statements.size() == 1 ? As<QueryStatement>(parsed.statements[0].tree) : nullptr;
  const auto* select = statement ? As<Select>(statement->query->body) : nullptr;
  const auto* table =
      select && select->from.size() == 1 ? As<NamedTable>(select->from[0]) : nullptr;
  if (!table) return std::shared_ptr<const RelationEntry>{};
  return Find(table->name);
}

// What looks like a table's name, as a value.
const Expr* Resolver::PathOf(const NamedTable& table) {
  auto* path = resolved_.arena.New<ColumnRef>();
  path->begin = table.begin;
  path->end = table.end;
  path->parts = table.name;
  return path;
}

Result<void> Resolver::FromNamed(const NamedTable& table, Scope& scope) {
  std::vector<std::string> parts;
  for (const Name& part : table.name) parts.push_back(Fold(part));
  if (parts.size() == 1) {
    for (const CommonTables* common = common_; common; common = common->parent) {
      if (common->name != parts[0]) continue;
      copies_ += common->copies;
      SKEP_TRY_ASSIGN(auto* added, Add(scope, table, parts[0], common->columns, &table.alias));
      resolved_.relations[&table] = {RelationUse::Kind::kCommonTable, added, common->emitted,
                                     nullptr};
      return {};
    }
    // from t, t.list as x, x as y: an element that is a list itself.
    for (const ScopeRelation* relation : scope.relations) {
      if (relation->alias != parts[0] || relation->entry || relation->columns.empty() ||
          relation->columns[0].name != parts[0])
        continue;
      const Type& element = relation->columns[0].type;
      if (element.IsSuper() || element.kind == kArray)
        return FromPath(table, *PathOf(table), table.alias, table.at, false, scope);
    }
  } else {
    // c.orders: aliases come before schemas.
    for (Scope* s = &scope; s; s = s->parent) {
      const bool known = std::ranges::any_of(
          s->relations, [&](const ScopeRelation* r) { return r->alias == parts[0]; });
      if (!known) continue;
      bool ambiguous = false, ambiguous_table = false;
      if (!FindColumn(parts, scope, ambiguous, ambiguous_table)) break;
      return FromPath(table, *PathOf(table), table.alias, table.at, false, scope);
    }
  }
  SKEP_TRY_ASSIGN(auto entry, Find(table.name));
  if (!entry) {
    return Fail1(ErrorKind::kUndefinedTable,
                 "relation \"" + Dotted(table.name) + "\" does not exist", &table);
  }
  if (entry->kind == RelationKind::kView && TableFacts::Read(entry->facts).late_binding)
    return FromLateView(table, *entry, scope);
  SKEP_TRY_ASSIGN(auto* added,
                  Add(scope, table, entry->name, entry->columns, &table.alias, entry.get()));
  added->entry = entry;
  if (!table.alias.name) added->schema = entry->schema;
  resolved_.relations[&table] = {RelationUse::Kind::kEntry, added, {}, nullptr};
  Reference whole;
  whole.kind = Reference::Kind::kRelation;
  whole.relation = added;
  NoteRead(whole, Clause::kFrom);
  return {};
}

// WITH NO SCHEMA BINDING: names mean what they mean now, as if the query stood in the view's place.
Result<void> Resolver::FromLateView(const NamedTable& table, const RelationEntry& view,
                                    Scope& scope) {
  constexpr size_t kMaxNested = 32, kMaxText = 16 << 20, kMaxReads = 1000;
  if (late_views_ == kMaxNested)
    return Fail1(ErrorKind::kPayloadTooLarge, "late-binding views are nested too deeply", &table);
  const TableFacts facts = TableFacts::Read(view.facts);
  // Views that each read the one before them twice would double for each.
  SKEP_TRY(Look());
  late_text_ += facts.definition.size();
  if (++late_reads_ > kMaxReads || late_text_ > kMaxText)
    return Fail1(ErrorKind::kPayloadTooLarge, "late-binding views become too large", &table);
  resolved_.texts.push_back(facts.definition);
  const std::string_view text = resolved_.texts.back();
  ParsedScript parsed = ParseWholeScript(text);
  const auto* statement =
      parsed.statements.size() == 1 ? As<QueryStatement>(parsed.statements[0].tree) : nullptr;
  if (!statement)
    return Fail1(ErrorKind::kInternal, "the definition of a view cannot be read", &table);
  const Query& query = *statement->query;
  resolved_.scripts.push_back(std::move(parsed));
  const std::string_view outer_text = std::exchange(script_, text);
  CommonTables* const outer_common = std::exchange(common_, nullptr);
  late_views_++;
  auto columns = QueryIn(query, nullptr);
  late_views_--;
  common_ = outer_common;
  script_ = outer_text;
  if (!columns) {
    Error error = std::move(columns).error();
    error.position = CharacterPosition(script_, table.begin);
    return std::unexpected(std::move(error));
  }
  for (size_t i = 0; i < facts.columns.size() && i < columns->size(); i++)
    (*columns)[i].name = facts.columns[i];
  SKEP_TRY_ASSIGN(auto* added, Add(scope, table, view.name, std::move(*columns), &table.alias));
  if (!table.alias.name) added->schema = view.schema;
  RelationUse use{RelationUse::Kind::kLateView, added, {}, nullptr};
  use.query = &query;
  use.renamed = !facts.columns.empty();
  resolved_.relations[&table] = std::move(use);
  return {};
}

// FROM path AS element AT index; UNPIVOT path AS value AT key.
Result<void> Resolver::FromPath(const Relation& relation, const Expr& path, const Alias& alias,
                                const Name& at, bool unpivot, Scope& scope) {
  SKEP_TRY_ASSIGN(const Type type, Visit(&path, scope, Clause::kFrom));
  std::string name = alias.name ? Fold(alias.name) : LabelOf(&path);
  Type element = Type::Of(type.IsNested() ? kUnknown : kSuper);
  if (type.kind == kArray && type.elements) element = type.elements->front();
  if (type.kind == kMap && type.elements) {
    // A map is an array of its keys and values.
    element = Type::Of(kStruct);
    element.elements = type.elements;
    element.names =
        std::make_shared<std::vector<std::string>>(std::vector<std::string>{"key", "value"});
  }
  std::vector<Column> columns{{name, element}};
  if (element.kind == kStruct && element.elements) {
    // The fields of a row of an external table's array are its columns.
    columns.clear();
    for (size_t i = 0; i < element.elements->size(); i++)
      columns.push_back({(*element.names)[i], (*element.elements)[i]});
  }
  if (at) columns.push_back({Fold(at), Type::Of(unpivot ? kVarchar : kBigint)});
  SKEP_TRY_ASSIGN(auto* added, Add(scope, relation, name, std::move(columns), &alias));
  resolved_.relations[&relation] = {RelationUse::Kind::kPath, added, {}, &path};
  return {};
}

// (a join b on ...) as c: its columns are those of one relation.
Result<void> Resolver::FromAliasedJoin(const Join& join, Scope& scope) {
  Scope& inner = scopes_.emplace_back();
  inner.parent = scope.parent;
  SKEP_TRY(FromJoin(join, inner));
  Star star;
  std::vector<Column> columns;
  SKEP_TRY(ExpandStar(star, inner, columns));
  PivotUse use;
  use.others = resolved_.stars[&star];
  resolved_.stars.erase(&star);
  SKEP_TRY_ASSIGN(auto* added, Add(scope, join, "", std::move(columns), &join.alias));
  resolved_.pivots[&join] = std::move(use);
  resolved_.relations[&join] = {RelationUse::Kind::kQuery, added, {}, nullptr};
  return {};
}

Result<void> Resolver::FromJoin(const Join& join, Scope& scope) {
  const size_t first = scope.relations.size();
  SKEP_TRY(From(*join.left, scope));
  const size_t middle = scope.relations.size();
  SKEP_TRY(From(*join.right, scope));
  std::vector<std::pair<std::string, uint32_t>> shared;
  for (const Name& name : join.using_columns) shared.emplace_back(Fold(name), name.begin);
  const auto find = [&](const std::string& name, size_t from, size_t to) -> const Column* {
    for (size_t i = from; i < to; i++) {
      for (const Column& column : scope.relations[i]->columns) {
        if (column.name == name) return &column;
      }
    }
    return nullptr;
  };
  if (join.natural) {
    for (size_t i = middle; i < scope.relations.size(); i++) {
      for (const Column& column : scope.relations[i]->columns) {
        if (!column.name.starts_with('$') && find(column.name, first, middle))
          shared.emplace_back(column.name, join.begin);
      }
    }
  }
  for (const auto& [name, offset] : shared) {
    const Column* left = find(name, first, middle);
    const Column* right = find(name, middle, scope.relations.size());
    if (!left || !right) {
      return FailAt(ErrorKind::kUndefinedColumn,
                    "column \"" + name + "\" specified in USING clause does not exist in " +
                        (left ? "right" : "left") + " table",
                    offset);
    }
    const bool known =
        std::ranges::any_of(scope.merged, [&, &n = name](const Column& c) { return c.name == n; });
    if (!known) scope.merged.push_back({name, CommonType(left->type, right->type)});
  }
  if (join.on) SKEP_TRY(Condition(join.on, scope, Clause::kFrom, "JOIN/ON"));
  return {};
}

Result<void> Resolver::FromPivot(const Pivot& pivot, Scope& scope) {
  Scope& source = scopes_.emplace_back();
  source.parent = scope.parent;
  SKEP_TRY(From(*pivot.source, source));
  std::vector<std::pair<const ScopeRelation*, size_t>> used;
  const auto note = [&](const Expr& expr) {
    Walk(expr, [&](const Node& node) {
      const auto found = resolved_.references.find(&node);
      if (found != resolved_.references.end() && found->second.relation)
        used.emplace_back(found->second.relation, found->second.column);
      return true;
    });
  };
  std::vector<Type> types;
  for (const SelectItem* item : pivot.aggregates) {
    SKEP_TRY_ASSIGN(Type type, Visit(item->value, source, Clause::kSelect));
    types.push_back(std::move(type));
    note(*item->value);
  }
  SKEP_TRY(Visit(pivot.column, source, Clause::kSelect));
  note(*pivot.column);
  PivotUse use;
  std::vector<Column> columns;
  for (const ScopeRelation* relation : source.relations) {
    for (size_t i = 0; i < relation->columns.size(); i++) {
      const bool taken = std::ranges::find(used, std::pair(relation, i)) != used.end();
      if (taken || relation->columns[i].name.starts_with('$')) continue;
      use.others.push_back({relation, i});
      columns.push_back(relation->columns[i]);
    }
  }
  for (const SelectItem* value : pivot.values) {
    SKEP_TRY(Visit(value->value, source, Clause::kSelect));
    std::string label = value->alias ? Fold(value->alias) : "";
    if (label.empty()) {
      const auto* literal = As<Literal>(value->value);
      label = literal && literal->literal != LiteralKind::kNull ? std::string(literal->text)
              : literal                                         ? "null"
                                                                : LabelOf(value->value);
      if (!context_.case_sensitive_identifiers) {
        std::ranges::transform(label, label.begin(), [](char c) {
          return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        });
      }
    }
    SKEP_TRY(CheckWidth(columns.size() + pivot.aggregates.size(), *value));
    for (size_t a = 0; a < pivot.aggregates.size(); a++) {
      const SelectItem* aggregate = pivot.aggregates[a];
      std::string name = label;
      if (aggregate->alias)
        name += "_" + Fold(aggregate->alias);
      else if (pivot.aggregates.size() > 1)
        name += "_" + LabelOf(aggregate->value);
      use.labels.push_back(FrontContext::Cut(std::move(name)));
      columns.push_back({use.labels.back(), types[a]});
    }
  }
  SKEP_TRY_ASSIGN(auto* added, Add(scope, pivot, "", std::move(columns), &pivot.alias));
  resolved_.pivots[&pivot] = std::move(use);
  resolved_.relations[&pivot] = {RelationUse::Kind::kQuery, added, {}, nullptr};
  return {};
}

Result<void> Resolver::FromUnpivot(const Unpivot& unpivot, Scope& scope) {
  Scope& source = scopes_.emplace_back();
  source.parent = scope.parent;
  SKEP_TRY(From(*unpivot.source, source));
  PivotUse use;
  Type value = Type::Of(kNull);
  for (size_t i = 0; i < unpivot.columns.size(); i++) {
    const Expr* expr = unpivot.columns[i]->value;
    SKEP_TRY_ASSIGN(const Type type, Visit(expr, source, Clause::kSelect));
    const auto found = resolved_.references.find(expr);
    if (found == resolved_.references.end() || !found->second.relation)
      return Fail1(ErrorKind::kSyntaxError, "UNPIVOT takes columns of its source", expr);
    use.listed.push_back({found->second.relation, found->second.column});
    value = CommonType(value, type);
    std::string label = LabelOf(expr);
    if (const auto* literal = As<Literal>(unpivot.labels[i])) label = std::string(literal->text);
    use.labels.push_back(label);
  }
  std::vector<Column> columns;
  for (const ScopeRelation* relation : source.relations) {
    for (size_t i = 0; i < relation->columns.size(); i++) {
      const bool listed = std::ranges::any_of(
          use.listed, [&](const Expansion& e) { return e.relation == relation && e.column == i; });
      if (listed || relation->columns[i].name.starts_with('$')) continue;
      use.others.push_back({relation, i});
      columns.push_back(relation->columns[i]);
    }
  }
  columns.push_back({Fold(unpivot.name), Type::Of(kVarchar)});
  columns.push_back({Fold(unpivot.value), value});
  SKEP_TRY_ASSIGN(auto* added, Add(scope, unpivot, "", std::move(columns), &unpivot.alias));
  resolved_.pivots[&unpivot] = std::move(use);
  resolved_.relations[&unpivot] = {RelationUse::Kind::kQuery, added, {}, nullptr};
  return {};
}

}  // namespace skep::sql
