// INSERT, UPDATE, DELETE, MERGE, TRUNCATE: values on their way into columns.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "sql/emit/statement_emitter.h"

namespace skep::sql {
using namespace ast;

namespace {

// Columns that the source of a MERGE gets; no user's name holds a blank at its end.
constexpr std::string_view kMatchedRow = "matched row ", kSourceRow = "source row ",
                           kMatchNumber = "match number ";

}  // namespace

Result<std::shared_ptr<const RelationEntry>> StatementEmitter::Existing(const QualifiedName& name,
                                                                        const Node& at) {
  SKEP_TRY_ASSIGN(auto entry, resolver_.Find(name));
  if (!entry)
    return resolver_.Fail1(ErrorKind::kUndefinedTable,
                           "relation \"" + resolver_.Dotted(name) + "\" does not exist", &at);
  return entry;
}

// The relation of INSERT, UPDATE, DELETE, MERGE.
Result<ScopeRelation*> StatementEmitter::Changed(const QualifiedName& name, const Name& alias,
                                                 const Node& at) {
  SKEP_TRY_ASSIGN(auto* target, resolver_.EnterTarget(name, alias));
  if (target->entry->is_view)
    return resolver_.Fail1(ErrorKind::kWrongObjectType,
                           "cannot change a view: \"" + target->entry->name + "\"", &at);
  switch (target->entry->kind) {
    case RelationKind::kExternal:
      if (!target->entry->database.empty())
        return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                               "Operation not supported on external tables", &at);
      return Unsupported("writing to an external table", at);
    case RelationKind::kSystem:
      return resolver_.Fail1(ErrorKind::kInsufficientPrivilege,
                             "permission denied for relation " + target->entry->name, &at);
    default:
      out_.changed = EntryText(*target->entry);
      return target;
  }
}

// Where the values go: the named columns, or all but those that fill themselves.
Result<std::vector<size_t>> StatementEmitter::TargetColumns(const List<Name>& names,
                                                            const RelationEntry& entry,
                                                            size_t values, bool known_values,
                                                            const Node& at) {
  std::vector<size_t> columns;
  if (names.empty()) {
    size_t plain = 0;
    for (const Column& column : entry.columns) plain += column.identity ? 0 : 1;
    const bool skip = known_values && values <= plain;
    for (size_t i = 0; i < entry.columns.size(); i++) {
      if (!(skip && entry.columns[i].identity)) columns.push_back(i);
    }
  }
  for (const Name& name : names) {
    const std::string folded = resolver_.Fold(name);
    const auto found = std::ranges::find(entry.columns, folded, &Column::name);
    if (found == entry.columns.end())
      return resolver_.FailAt(
          ErrorKind::kUndefinedColumn,
          "column \"" + folded + "\" of relation \"" + entry.name + "\" does not exist",
          name.begin);
    const auto index = static_cast<size_t>(found - entry.columns.begin());
    if (std::ranges::find(columns, index) != columns.end())
      return resolver_.FailAt(ErrorKind::kDuplicateColumn,
                              "column \"" + folded + "\" specified more than once", name.begin);
    columns.push_back(index);
  }
  if (known_values && values > columns.size())
    return resolver_.Fail1(ErrorKind::kSyntaxError,
                           "INSERT has more expressions than target columns", &at);
  if (known_values && values < columns.size()) {
    if (!names.empty())
      return resolver_.Fail1(ErrorKind::kSyntaxError,
                             "INSERT has more target columns than expressions", &at);
    columns.resize(values);
  }
  return columns;
}

Result<void> StatementEmitter::EmitInsert(const Insert& insert) {
  out_.counts_rows = true;
  if (const auto named = ExternalNamed(insert.table)) {
    SKEP_TRY(CheckWritable(named->schema, insert));
    SKEP_TRY_ASSIGN(const auto external, Existing(insert.table, insert));
    return EmitInsertExternal(insert, *external);
  }
  SKEP_TRY_ASSIGN(ScopeRelation * target, Changed(insert.table, {}, insert));
  const RelationEntry& entry = *target->entry;
  if (insert.default_values) {
    writer_.Put("insert into " + EntryText(entry) + " default values");
    return {};
  }
  const auto open = [&](const std::vector<size_t>& columns) {
    writer_.Put("insert into " + EntryText(entry) + " (");
    for (const size_t& column : columns) {
      if (&column != &columns.front()) writer_.Put(", ");
      writer_.PutName(entry.columns[column].name);
    }
    writer_.Put(") ");
  };
  Resolver source(context_, text_, resolver_.resolved().parameters);
  const auto* values = As<Values>(insert.query->body);
  if (values && !insert.with && !insert.query->with && insert.query->order_by.empty() &&
      !insert.query->limit) {
    for (const Row* row : values->rows) {
      if (row->items.size() != values->rows[0]->items.size())
        return source.Fail1(ErrorKind::kSyntaxError, "VALUES lists must all be the same length",
                            row);
      for (const Expr* item : row->items) SKEP_TRY(source.ResolveExpression(*item, Clause::kWrite));
    }
    SKEP_TRY_ASSIGN(const auto columns, TargetColumns(insert.columns, entry,
                                                      values->rows[0]->items.size(), true, insert));
    DuckDbWriter inner(context_, source.resolved(), text_, &writer_);
    for (const Row* row : values->rows) {
      for (size_t i = 0; i < row->items.size(); i++)
        source.Infer(row->items[i], entry.columns[columns[i]].type);
    }
    open(columns);
    writer_.Put("values ");
    for (const Row* row : values->rows) {
      inner.Put(row == values->rows[0] ? "(" : ", (");
      for (size_t i = 0; i < row->items.size(); i++) {
        if (i > 0) inner.Put(", ");
        inner.WriteAssigned(row->items[i], entry.columns[columns[i]].type);
      }
      inner.Put(")");
    }
    writer_.Append(inner);
    return {};
  }
  if (insert.with) SKEP_TRY(source.EnterWith(*insert.with));
  SKEP_TRY_ASSIGN(const auto output, source.ResolveQuery(*insert.query));
  SKEP_TRY_ASSIGN(const auto columns,
                  TargetColumns(insert.columns, entry, output.size(), true, insert));
  if (const auto* select = As<Select>(insert.query->body);
      select && select->items.size() == columns.size()) {
    for (size_t i = 0; i < columns.size(); i++)
      source.Infer(select->items[i]->value, entry.columns[columns[i]].type);
  }
  DuckDbWriter inner(context_, source.resolved(), text_, &writer_);
  open(columns);
  // Values that may not fit go through a check on their way.
  bool checked = false;
  const auto fits = [](const Type& from, const Type& to) {
    if (to.kind == TypeKind::kChar) return from.kind == TypeKind::kChar && from.length <= to.length;
    if (to.kind == TypeKind::kSuper) return from.IsSuper();
    if (to.kind != TypeKind::kVarchar || to.length < 0 || to.length >= 65535) return true;
    return from.IsText() && from.length >= 0 && from.length <= to.length;
  };
  for (size_t i = 0; i < columns.size(); i++)
    checked |= !fits(output[i].type, entry.columns[columns[i]].type);
  if (checked) {
    inner.Put("select ");
    for (size_t i = 0; i < columns.size(); i++) {
      if (i > 0) inner.Put(", ");
      const std::string value = "source." + QuoteName("c" + std::to_string(i));
      const Type& type = entry.columns[columns[i]].type;
      if (fits(output[i].type, type))
        inner.Put(value);
      else
        inner.WriteAssignedText(value, type);
    }
    inner.Put(" from (");
  }
  if (insert.with) inner.WriteWithClause(*insert.with);
  inner.WriteQuery(*insert.query);
  if (checked) {
    inner.Put(") as source(");
    for (size_t i = 0; i < columns.size(); i++)
      inner.Put((i > 0 ? ", " : "") + QuoteName("c" + std::to_string(i)));
    inner.Put(")");
  }
  writer_.Append(inner);
  return {};
}

// The column of each assignment, with the names of its value resolved.
Result<std::vector<const Column*>> StatementEmitter::Assigned(const List<Assignment*>& set,
                                                              const ScopeRelation& target) {
  std::vector<const Column*> columns;
  for (const Assignment* assignment : set) {
    const Name& name = assignment->column[assignment->column.size() - 1];
    const std::string folded = resolver_.Fold(name);
    const auto found = std::ranges::find(target.entry->columns, folded, &Column::name);
    if (found == target.entry->columns.end())
      return resolver_.FailAt(
          ErrorKind::kUndefinedColumn,
          "column \"" + folded + "\" of relation \"" + target.entry->name + "\" does not exist",
          name.begin);
    if (std::ranges::find(columns, &*found) != columns.end())
      return resolver_.FailAt(ErrorKind::kSyntaxError,
                              "multiple assignments to same column \"" + folded + "\"", name.begin);
    SKEP_TRY(resolver_.ResolveExpression(*assignment->value, Clause::kWrite));
    resolver_.Infer(assignment->value, found->type);
    columns.push_back(&*found);
  }
  return columns;
}

void StatementEmitter::WriteAssignments(const List<Assignment*>& set,
                                        const std::vector<const Column*>& columns) {
  for (size_t i = 0; i < set.size(); i++) {
    if (i > 0) writer_.Put(", ");
    writer_.PutName(columns[i]->name);
    writer_.Put(" = ");
    writer_.WriteAssigned(set[i]->value, columns[i]->type);
  }
}

// The engine's number of a row, which a column of the same name hides.
bool StatementEmitter::HasRowNumber(const RelationEntry& entry) {
  return std::ranges::none_of(entry.columns,
                              [](const Column& column) { return Lower(column.name) == "rowid"; });
}

Result<void> StatementEmitter::EmitUpdate(const Update& update) {
  out_.counts_rows = true;
  if (update.with) SKEP_TRY(resolver_.EnterWith(*update.with));
  SKEP_TRY_ASSIGN(ScopeRelation * target,
                  Changed(update.table->name, update.table->alias.name, *update.table));
  SKEP_TRY(resolver_.EnterFrom(update.from));
  SKEP_TRY_ASSIGN(const auto columns, Assigned(update.set, *target));
  if (update.where) SKEP_TRY(resolver_.ResolveExpression(*update.where, Clause::kWhere));
  if (update.with) writer_.WriteWithClause(*update.with);
  const std::string table = EntryText(*target->entry), alias = QuoteName(target->emitted);
  writer_.Put("update " + table + " as ");
  const auto where = [&] {
    if (!update.where) return;
    writer_.Put(" where ");
    writer_.WriteExpression(update.where);
  };
  if (update.from.empty() || !HasRowNumber(*target->entry)) {
    writer_.Put(alias + " set ");
    WriteAssignments(update.set, columns);
    writer_.WriteFromList(update.from, " from ");
    where();
    return {};
  }
  // A row that several others match is changed once, by one of them.
  writer_.Put("changed set ");
  for (size_t i = 0; i < columns.size(); i++) {
    writer_.Put(i > 0 ? ", " : "");
    writer_.PutName(columns[i]->name);
    writer_.Put(As<Default>(update.set[i]->value) ? " = default"
                                                  : " = matched.v" + std::to_string(i));
  }
  writer_.Put(" from (select " + alias + ".rowid as row_number");
  for (size_t i = 0; i < columns.size(); i++) {
    if (As<Default>(update.set[i]->value)) continue;
    writer_.Put(", first(");
    writer_.WriteAssigned(update.set[i]->value, columns[i]->type);
    writer_.Put(") as v" + std::to_string(i));
  }
  writer_.Put(" from " + table + " as " + alias);
  writer_.WriteFromList(update.from, ", ");
  where();
  writer_.Put(" group by " + alias + ".rowid");
  if (context_.error_on_nondeterministic_update)
    writer_.Put(" having rs_single_match(" + alias + ".rowid, count(*)) = " + alias + ".rowid");
  writer_.Put(") as matched where changed.rowid = matched.row_number");
  return {};
}

Result<void> StatementEmitter::EmitDelete(const Delete& erase) {
  out_.counts_rows = true;
  if (erase.with) SKEP_TRY(resolver_.EnterWith(*erase.with));
  SKEP_TRY_ASSIGN(ScopeRelation * target,
                  Changed(erase.table->name, erase.table->alias.name, *erase.table));
  SKEP_TRY(resolver_.EnterFrom(erase.using_tables));
  if (erase.with) writer_.WriteWithClause(*erase.with);
  writer_.Put("delete from " + EntryText(*target->entry) + " as " + QuoteName(target->emitted));
  writer_.WriteFromList(erase.using_tables, " using ");
  if (erase.where) {
    SKEP_TRY(resolver_.ResolveExpression(*erase.where, Clause::kWhere));
    writer_.Put(" where ");
    writer_.WriteExpression(erase.where);
  }
  return {};
}

Result<void> StatementEmitter::EmitMerge(const Merge& merge) {
  out_.counts_rows = true;
  SKEP_TRY_ASSIGN(ScopeRelation * target,
                  Changed(merge.target->name, merge.target->alias.name, *merge.target));
  std::vector<Relation*> from{merge.source};
  SKEP_TRY(resolver_.EnterFrom(from));
  SKEP_TRY(resolver_.ResolveExpression(*merge.on, Clause::kWhere));
  if (!HasRowNumber(*target->entry))
    return Unsupported("MERGE into a table that has a column \"rowid\"", *merge.target);
  const auto used = resolver_.resolved().relations.find(merge.source);
  if (used == resolver_.resolved().relations.end())
    return Unsupported("this source of a MERGE", *merge.source);
  const ScopeRelation& source = *used->second.relation;
  if (source.entry && source.entry == target->entry)
    return Unsupported("MERGE of a table into itself", *merge.source);
  const std::string table = EntryText(*target->entry), alias = QuoteName(target->emitted),
                    from_alias = QuoteName(source.emitted);
  // Matches are found first, so that a row that several rows match is seen before it is changed.
  writer_.Put("merge into " + table + " as " + alias + " using (select " + from_alias +
              ".*, rs_single_match(" + alias + ".rowid, count(*) over (partition by " + alias +
              ".rowid)) as " + QuoteName(kMatchedRow));
  if (merge.remove_duplicates)
    writer_.Put(", row_number() over (partition by " + from_alias + "." + QuoteName(kSourceRow) +
                " order by " + alias + ".rowid) as " + QuoteName(kMatchNumber));
  writer_.Put(" from ");
  if (merge.remove_duplicates)
    writer_.Put("(select *, row_number() over () as " + QuoteName(kSourceRow) + " from ");
  writer_.WriteOneRelation(*merge.source);
  if (merge.remove_duplicates) writer_.Put(") as " + from_alias);
  writer_.Put(" left join " + table + " as " + alias + " on (");
  writer_.WriteExpression(merge.on);
  writer_.Put(")) as " + from_alias + " on " + alias + ".rowid = " + from_alias + "." +
              QuoteName(kMatchedRow));
  if (merge.remove_duplicates) return EmitRemoveDuplicates(merge, *target, source);
  for (const MergeAction* action : merge.actions) {
    writer_.Put(action->matched ? " when matched then " : " when not matched then ");
    switch (action->step) {
      case MergeStep::kUpdate: {
        writer_.Put("update set ");
        SKEP_TRY_ASSIGN(const auto columns, Assigned(action->set, *target));
        WriteAssignments(action->set, columns);
        break;
      }
      case MergeStep::kDelete:
        writer_.Put("delete");
        break;
      case MergeStep::kInsert: {
        for (const Expr* value : action->values)
          SKEP_TRY(resolver_.ResolveExpression(*value, Clause::kWrite));
        SKEP_TRY_ASSIGN(const auto columns, TargetColumns(action->columns, *target->entry,
                                                          action->values.size(), true, *action));
        for (size_t i = 0; i < columns.size(); i++)
          resolver_.Infer(action->values[i], target->entry->columns[columns[i]].type);
        writer_.Put("insert (");
        for (size_t i = 0; i < columns.size(); i++) {
          if (i > 0) writer_.Put(", ");
          writer_.PutName(target->entry->columns[columns[i]].name);
        }
        writer_.Put(") values (");
        for (size_t i = 0; i < columns.size(); i++) {
          if (i > 0) writer_.Put(", ");
          writer_.WriteAssigned(action->values[i], target->entry->columns[columns[i]].type);
        }
        writer_.Put(")");
        break;
      }
    }
  }
  return {};
}

// The simple form: what matches becomes what the source has, once; the rest is added.
Result<void> StatementEmitter::EmitRemoveDuplicates(const Merge& merge, const ScopeRelation& target,
                                                    const ScopeRelation& source) {
  const std::vector<Column>& to = target.entry->columns;
  std::vector<size_t> from;
  for (size_t i = 0; i < source.columns.size(); i++) {
    if (!source.columns[i].name.starts_with('$')) from.push_back(i);
  }
  if (from.size() != to.size())
    return resolver_.Fail1(ErrorKind::kDatatypeMismatch,
                           "MERGE with REMOVE DUPLICATES needs a source with the columns of its "
                           "target: " +
                               std::to_string(from.size()) + " instead of " +
                               std::to_string(to.size()),
                           merge.source);
  const std::string alias = QuoteName(source.emitted) + ".";
  const auto value = [&](size_t i) {
    writer_.WriteAssignedText(alias + QuoteName(source.ColumnName(from[i])), to[i].type);
  };
  writer_.Put(" when matched and " + alias + QuoteName(kMatchNumber) + " = 1 then update set ");
  for (size_t i = 0; i < to.size(); i++) {
    writer_.Put((i > 0 ? ", " : "") + QuoteName(to[i].name) + " = ");
    value(i);
  }
  writer_.Put(" when matched then delete when not matched then insert (");
  for (size_t i = 0; i < to.size(); i++) writer_.Put((i > 0 ? ", " : "") + QuoteName(to[i].name));
  writer_.Put(") values (");
  for (size_t i = 0; i < to.size(); i++) {
    if (i > 0) writer_.Put(", ");
    value(i);
  }
  writer_.Put(")");
  return {};
}

Result<void> StatementEmitter::EmitTruncate(const Truncate& truncate) {
  SKEP_TRY_ASSIGN(ScopeRelation * target, Changed(truncate.table, {}, truncate));
  writer_.Put("truncate " + EntryText(*target->entry));
  return {};
}

}  // namespace skep::sql
