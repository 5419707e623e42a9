// Tables, views and schemas: what the engine holds of them, and what is kept beside it
// (docs/adr/0005).
#include <algorithm>
#include <charconv>
#include <set>

#include "base/ids.h"
#include "base/text.h"
#include "sql/emit/statement_emitter.h"
#include "sql/parse/script.h"
#include "sql/print/print.h"

namespace skep::sql {
using namespace ast;

Result<void> StatementEmitter::CheckSchema(const Target& target, const Node& at) {
  if (IsReservedSchema(target.schema))
    return resolver_.Fail1(ErrorKind::kInsufficientPrivilege,
                           "permission denied for schema " + target.schema, &at);
  if (target.schema.empty() && Lower(target.name).starts_with("pg_"))
    return resolver_.Fail1(ErrorKind::kInsufficientPrivilege,
                           "permission denied to create \"" + target.name + "\"", &at);
  if (!target.schema.empty() && context_.catalog &&
      context_.catalog->IsExternalSchema(target.schema))
    return Unsupported("creating a relation in an external schema this way", at);
  return {};
}

// Source: the developer guide's ALTER TABLE, "Usage notes".
Result<void> StatementEmitter::CheckColumnCount(size_t columns, const Node& at) {
  constexpr size_t kMaxColumns = 1600;
  if (columns <= kMaxColumns) return {};
  return resolver_.Fail1(ErrorKind::kTooManyColumns,
                         "tables can have at most " + std::to_string(kMaxColumns) + " columns",
                         &at);
}

namespace {

const char* StyleWord(DistStyle style) {
  switch (style) {
    case DistStyle::kAuto:
      return "auto";
    case DistStyle::kEven:
      return "even";
    case DistStyle::kKey:
      return "key";
    case DistStyle::kAll:
      return "all";
    case DistStyle::kNone:
      break;
  }
  return "";
}

const char* StyleWord(SortStyle style) {
  switch (style) {
    case SortStyle::kPlain:
    case SortStyle::kCompound:
      return "compound";
    case SortStyle::kInterleaved:
      return "interleaved";
    case SortStyle::kAuto:
      return "auto";
    case SortStyle::kNone:
      break;
  }
  return "";
}

}  // namespace

void StatementEmitter::ApplyAttributes(const TableAttributes& attributes, TableFacts& facts,
                                       std::vector<std::pair<std::string, ColumnFacts>>& columns) {
  facts.diststyle = StyleWord(attributes.dist_style);
  facts.sort_style = StyleWord(attributes.sort_style);
  if (attributes.backup == OnOff::kOff) facts.backup = "no";
  if (attributes.encode_auto) facts.encode = "auto";
  const auto facts_of = [&](const Name& name) -> ColumnFacts* {
    const std::string folded = resolver_.Fold(name);
    for (auto& [column, found] : columns) {
      if (column == folded) return &found;
    }
    return nullptr;
  };
  for (const Name& name : attributes.dist_key) {
    if (ColumnFacts* column = facts_of(name)) column->distkey = true;
  }
  int place = 0;
  for (const Name& name : attributes.sort_key) {
    if (ColumnFacts* column = facts_of(name)) column->sortkey = ++place;
  }
  for (const auto& [column, found] : columns) {
    if (found.distkey && facts.diststyle.empty()) facts.diststyle = "key";
    if (found.sortkey > 0 && facts.sort_style.empty()) facts.sort_style = "compound";
  }
}

// Of IDENTITY(seed, step), 1 where none is written.
Result<int64_t> StatementEmitter::IdentityNumber(std::string_view digits, const Node& at) {
  if (digits.empty()) return 1;
  int64_t number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (read.ptr != digits.data() + digits.size())
    return resolver_.Fail1(ErrorKind::kSyntaxError, "IDENTITY takes two whole numbers", &at);
  if (read.ec != std::errc())
    return resolver_.Fail1(ErrorKind::kNumericOutOfRange,
                           "value \"" + std::string(digits) + "\" is out of range for type bigint",
                           &at);
  return number;
}

Result<Type> StatementEmitter::ColumnType(const ColumnDefinition& column, std::string_view table) {
  auto type = TypeOf(*column.type);
  if (!type) return resolver_.Fail1(type.error().kind, type.error().message, column.type);
  if (type->IsNested() || type->kind == TypeKind::kName || type->kind == TypeKind::kOid)
    return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                           "Column \"" + std::string(table) + "." + resolver_.Fold(column.name) +
                               "\" has unsupported type",
                           column.type);
  return type;
}

// A default as the engine keeps it. `text` is where its positions lie.
Result<std::string> StatementEmitter::DefaultText(const Expr& value, const Type& type,
                                                  std::string_view text) {
  Resolver defaults(context_, text);
  SKEP_TRY(defaults.ResolveExpression(value, Clause::kWrite));
  DuckDbWriter inner(context_, defaults.resolved(), text,
                     text.data() == text_.data() ? &writer_ : nullptr);
  inner.Keep();
  inner.WriteAssigned(&value, type);
  if (inner.error()) return std::unexpected(*inner.error());
  return std::move(inner.text());
}

// A default that was kept as the user wrote it.
Result<std::string> StatementEmitter::KeptDefault(const std::string& value, const Type& type,
                                                  const Node& at) {
  const std::string text = "select " + value;
  const ParsedScript parsed = ParseWholeScript(text);
  const auto* statement =
      parsed.statements.size() == 1 ? As<QueryStatement>(parsed.statements[0].tree) : nullptr;
  const auto* select = statement ? As<Select>(statement->query->body) : nullptr;
  if (!select || select->items.size() != 1)
    return resolver_.Fail1(ErrorKind::kInternal, "a default cannot be read", &at);
  return DefaultText(*select->items[0]->value, type, text);
}

// The engine's column; what it cannot hold goes to the facts.
Result<void> StatementEmitter::EmitColumn(const ColumnDefinition& column, const Target& target,
                                          bool comma) {
  SKEP_TRY_ASSIGN(const Type type, ColumnType(column, target.name));
  if (comma) writer_.Put(", ");
  writer_.Mark(column);
  writer_.PutName(resolver_.Fold(column.name));
  writer_.Put(" " + DuckDbWriter::TypeName(type));
  if (column.null_rule == NullRule::kNotNull || column.primary_key ||
      column.identity != IdentityKind::kNone)
    writer_.Put(" not null");
  if (column.identity != IdentityKind::kNone) {
    const std::string sequence = QuoteName(context_.database) + "." + QuoteName(kHiddenSchema) +
                                 "." + QuoteName("identity-" + NewUuid());
    SKEP_TRY_ASSIGN(const int64_t seed, IdentityNumber(column.seed, column));
    SKEP_TRY_ASSIGN(const int64_t step, IdentityNumber(column.step, column));
    out_.before.push_back("create sequence " + sequence + " start with " + std::to_string(seed) +
                          " increment by " + std::to_string(step) +
                          " minvalue -9223372036854775807 maxvalue 9223372036854775807");
    writer_.Put(" default nextval(" + QuoteString(sequence) + ")");
    return {};
  }
  if (column.default_value) {
    SKEP_TRY_ASSIGN(const std::string value, DefaultText(*column.default_value, type, text_));
    writer_.Put(" default (" + value + ")");
  }
  return {};
}

Result<void> StatementEmitter::EmitCreateTable(const CreateTable& create) {
  SKEP_TRY_ASSIGN(const Target target, resolver_.NewObject(create.name, create.temporary));
  SKEP_TRY(CheckSchema(target, create));
  if (create.if_not_exists && context_.catalog) {
    SKEP_TRY_ASSIGN(const auto found, context_.catalog->Find(target.schema, target.name));
    if (found) return {};
  }
  std::vector<std::pair<std::string, ColumnFacts>> columns;
  TableFacts facts;
  writer_.Put(target.schema.empty() ? "create temporary table " : "create table ");
  PutTarget(target);
  writer_.Put(" (");
  std::set<std::string> names;
  const auto add = [&](std::string name, ColumnFacts column, const Node& at) -> Result<void> {
    if (!names.insert(name).second)
      return resolver_.Fail1(ErrorKind::kDuplicateColumn,
                             "column \"" + name + "\" specified more than once", &at);
    SKEP_TRY(CheckColumnCount(columns.size() + 1, at));
    columns.emplace_back(std::move(name), std::move(column));
    return {};
  };
  for (const Node* element : create.elements) {
    if (const auto* column = As<ColumnDefinition>(element)) {
      SKEP_TRY(EmitColumn(*column, target, !columns.empty()));
      SKEP_TRY_ASSIGN(const Type type, TypeOf(*column->type));
      ColumnFacts known;
      known.type = type;
      known.type.fold_case = column->collate == "case_insensitive" || column->collate == "ci";
      known.encoding = column->encode;
      if (column->default_value) known.default_text = Print(*column->default_value);
      if (column->identity != IdentityKind::kNone) {
        known.identity = std::string(column->seed.empty() ? "1" : column->seed) + "," +
                         std::string(column->step.empty() ? "1" : column->step);
        known.by_default = column->identity == IdentityKind::kByDefault;
      }
      known.distkey = column->distkey;
      known.sortkey = column->sortkey ? 1 : 0;
      if (column->primary_key || column->unique)
        facts.constraints.push_back((column->primary_key ? "PRIMARY KEY (" : "UNIQUE (") +
                                    resolver_.Fold(column->name) + ")");
      if (!column->references.empty())
        facts.constraints.push_back("FOREIGN KEY (" + resolver_.Fold(column->name) +
                                    ") REFERENCES " + resolver_.Dotted(column->references));
      SKEP_TRY(add(resolver_.Fold(column->name), std::move(known), *column));
    } else if (const auto* like = As<LikeTable>(element)) {
      SKEP_TRY_ASSIGN(const auto entry, Existing(like->table, *like));
      for (const Column& source : entry->columns) {
        if (source.name.starts_with('$')) continue;
        if (!columns.empty()) writer_.Put(", ");
        writer_.PutName(source.name);
        writer_.Put(" " + DuckDbWriter::TypeName(source.type));
        if (source.not_null) writer_.Put(" not null");
        ColumnFacts known = ColumnFacts::Read(source.facts);
        known.type = source.type;
        known.comment.clear();
        known.identity.clear();
        if (like->defaults != DefaultsRule::kIncluding) known.default_text.clear();
        if (!known.default_text.empty()) {
          SKEP_TRY_ASSIGN(const std::string value,
                          KeptDefault(known.default_text, source.type, *like));
          writer_.Put(" default (" + value + ")");
        }
        SKEP_TRY(add(source.name, std::move(known), *like));
      }
    } else if (const auto* constraint = As<TableConstraint>(element)) {
      std::string text = constraint->constraint == ConstraintKind::kPrimaryKey ? "PRIMARY KEY ("
                         : constraint->constraint == ConstraintKind::kUnique   ? "UNIQUE ("
                                                                               : "FOREIGN KEY (";
      for (const Name& name : constraint->columns)
        text += (&name == &constraint->columns[0] ? "" : ", ") + resolver_.Fold(name);
      text += ")";
      if (!constraint->references.empty())
        text += " REFERENCES " + resolver_.Dotted(constraint->references);
      facts.constraints.push_back(std::move(text));
    }
  }
  if (columns.empty())
    return resolver_.Fail1(ErrorKind::kSyntaxError, "a table needs at least one column", &create);
  writer_.Put(")");
  ApplyAttributes(create.attributes, facts, columns);
  for (auto& [name, known] : columns) {
    if (!NeedsDeclaring(known.type)) known.type = {};
    if (std::string text = known.Text(); !text.empty())
      out_.column_facts.emplace_back(name, std::move(text));
  }
  out_.table_facts = facts.Text();
  return {};
}

Result<void> StatementEmitter::EmitCreateTableAs(const Target& target, bool if_not_exists,
                                                 const List<Name>& columns,
                                                 const TableAttributes& attributes,
                                                 const Query& query, const Node& at) {
  SKEP_TRY(CheckSchema(target, at));
  if (if_not_exists && context_.catalog) {
    SKEP_TRY_ASSIGN(const auto found, context_.catalog->Find(target.schema, target.name));
    if (found) return {};
  }
  SKEP_TRY_ASSIGN(auto output, resolver_.ResolveQuery(query));
  if (columns.size() > output.size())
    return resolver_.FailAt(ErrorKind::kSyntaxError,
                            "CREATE TABLE AS specifies too many column names", columns[0].begin);
  for (size_t i = 0; i < columns.size(); i++) output[i].name = resolver_.Fold(columns[i]);
  SKEP_TRY(CheckColumnCount(output.size(), at));
  std::set<std::string> names;
  for (const Column& column : output) {
    if (!names.insert(column.name).second)
      return resolver_.Fail1(ErrorKind::kDuplicateColumn,
                             "column \"" + column.name + "\" specified more than once", &at);
  }
  writer_.Put(target.schema.empty() ? "create temporary table " : "create table ");
  PutTarget(target);
  writer_.Put(" as ");
  const bool renamed = !columns.empty();
  if (renamed) writer_.Put("select * from (");
  writer_.WriteQuery(query);
  if (renamed) {
    writer_.Put(") as source(");
    for (size_t i = 0; i < output.size(); i++) {
      if (i > 0) writer_.Put(", ");
      writer_.PutName(output[i].name);
    }
    writer_.Put(")");
  }
  std::vector<std::pair<std::string, ColumnFacts>> known;
  for (const Column& column : output) {
    ColumnFacts facts;
    if (NeedsDeclaring(column.type)) facts.type = column.type;
    known.emplace_back(column.name, std::move(facts));
  }
  TableFacts facts;
  ApplyAttributes(attributes, facts, known);
  const std::string table = TargetText(target);
  for (const auto& [name, column] : known) CommentOnColumn(table, name, column, "");
  if (const std::string text = facts.Text(); !text.empty()) CommentOnRelation("table", table, text);
  return {};
}

// SELECT ... INTO is CREATE TABLE AS.
Result<void> StatementEmitter::EmitInto(const Query& query, const Select& select) {
  SKEP_TRY_ASSIGN(const Target target,
                  resolver_.NewObject(select.into_name, select.into == IntoKind::kTemporary));
  out_.tag = "SELECT";
  return EmitCreateTableAs(target, false, {}, {}, query, select);
}

Result<void> StatementEmitter::EmitCreateView(const CreateView& create) {
  SKEP_TRY_ASSIGN(const Target target, resolver_.NewObject(create.name, create.temporary));
  SKEP_TRY(CheckSchema(target, create));
  TableFacts facts;
  facts.definition = Print(*create.query);
  const std::string view = TargetText(target);
  if (create.no_schema_binding) {
    // The engine holds a place for its name; what it means is found when it is read.
    facts.late_binding = true;
    for (const Name& name : create.columns) facts.columns.push_back(resolver_.Fold(name));
    writer_.Put(create.or_replace ? "create or replace view " : "create view ");
    writer_.Put(view + " as select null as " + QuoteName(kLateBindingColumn) + " where false");
    CommentOnRelation("view", view, facts.Text());
    return {};
  }
  SKEP_TRY_ASSIGN(auto output, resolver_.ResolveQuery(*create.query));
  for (const Access& access : resolver_.resolved().reads) {
    if (!access.entry->database.empty())
      return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                             "External tables are not supported in views", &create,
                             "Create the view WITH NO SCHEMA BINDING.");
    if (access.entry->kind != RelationKind::kTable && access.entry->kind != RelationKind::kView)
      continue;
    std::string name = RelationKey(*access.entry);
    if (std::ranges::find(facts.depends, name) == facts.depends.end())
      facts.depends.push_back(std::move(name));
  }
  for (const auto& [call, function] : resolver_.resolved().user_functions)
    facts.depends.push_back(FunctionKey(*function));
  if (create.columns.size() > output.size())
    return resolver_.FailAt(ErrorKind::kSyntaxError,
                            "CREATE VIEW specifies more column names than columns",
                            create.columns[0].begin);
  SKEP_TRY(CheckColumnCount(output.size(), create));
  for (size_t i = 0; i < create.columns.size(); i++)
    output[i].name = resolver_.Fold(create.columns[i]);
  if (create.or_replace) SKEP_TRY(CheckReplaced(target, output, create));
  writer_.Put(create.or_replace ? "create or replace " : "create ");
  writer_.Put(target.schema.empty() ? "temporary view " : "view ");
  PutTarget(target);
  if (!create.columns.empty()) {
    writer_.Put(" (");
    for (size_t i = 0; i < output.size(); i++) {
      if (i > 0) writer_.Put(", ");
      writer_.PutName(output[i].name);
    }
    writer_.Put(")");
  }
  writer_.Put(" as ");
  writer_.Keep();
  writer_.WriteQuery(*create.query);
  facts.relations = writer_.relations();
  CommentOnRelation("view", view, facts.Text());
  for (const Column& column : output) {
    ColumnFacts known;
    if (NeedsDeclaring(column.type)) known.type = column.type;
    CommentOnColumn(view, column.name, known, "");
  }
  return {};
}

// A view that takes another's place has its columns, and reads nothing that reads it.
Result<void> StatementEmitter::CheckReplaced(const Target& target,
                                             const std::vector<Column>& columns,
                                             const CreateView& create) {
  if (!context_.catalog) return {};
  SKEP_TRY_ASSIGN(const auto before, context_.catalog->Find(target.schema, target.name));
  if (!before || !before->is_view || TableFacts::Read(before->facts).late_binding) return {};
  const auto refuse = [&](std::string message) {
    return resolver_.Fail1(ErrorKind::kWrongObjectType, std::move(message), &create,
                           "DROP the view first.");
  };
  if (before->columns.size() != columns.size())
    return refuse("cannot change number of columns in view");
  for (size_t i = 0; i < columns.size(); i++) {
    const Column &was = before->columns[i], &is = columns[i];
    if (was.name != is.name)
      return refuse("cannot change name of view column \"" + was.name + "\"");
    const bool known = was.type.kind != TypeKind::kUnknown && is.type.kind != TypeKind::kUnknown;
    if (known && BareTypeText(was.type) != BareTypeText(is.type))
      return refuse("cannot change data type of view column \"" + was.name + "\"");
  }
  std::set<std::string> above{RelationKey(*before)};
  std::vector<std::shared_ptr<const RelationEntry>> open{before};
  while (!open.empty()) {
    const auto view = open.back();
    open.pop_back();
    for (auto& dependent : context_.catalog->Dependents(*view)) {
      if (above.insert(RelationKey(*dependent)).second) open.push_back(dependent);
    }
  }
  for (const Access& access : resolver_.resolved().reads) {
    if (access.entry && above.contains(RelationKey(*access.entry)))
      return resolver_.Fail1(
          ErrorKind::kSyntaxError,
          "infinite recursion detected: view \"" + target.name + "\" would read itself", &create);
  }
  return {};
}

// The views that read this column of a table; CASCADE drops them.
Result<void> StatementEmitter::MindColumn(const RelationEntry& entry, const std::string& column,
                                          bool cascade, const Node& at) {
  if (!context_.catalog || entry.kind == RelationKind::kTemporary) return {};
  std::set<std::string> dropped;
  for (const auto& view : context_.catalog->Dependents(entry)) {
    const std::string definition = TableFacts::Read(view->facts).definition;
    const ParsedScript parsed = ParseWholeScript(definition);
    const auto* statement =
        parsed.statements.size() == 1 ? As<QueryStatement>(parsed.statements[0].tree) : nullptr;
    Resolver inside(context_, definition);
    bool reads = !statement || !inside.ResolveQuery(*statement->query);
    for (const Access& access : inside.resolved().reads) {
      if (!access.entry || RelationKey(*access.entry) != RelationKey(entry)) continue;
      for (const auto& [clause, columns] : access.columns) {
        for (size_t i = 0; i < columns.size() && i < entry.columns.size(); i++)
          reads |= columns[i] && entry.columns[i].name == column;
      }
    }
    if (!reads) continue;
    if (!cascade) {
      auto failed =
          resolver_.Fail1(ErrorKind::kDependentObjects,
                          "cannot drop table " + entry.name + " column " + column +
                              " because other objects depend on it",
                          &at, "Use DROP COLUMN ... CASCADE to drop the dependent objects too.");
      failed.error().detail =
          "view " + view->name + " depends on table " + entry.name + " column " + column;
      return failed;
    }
    SKEP_TRY(DropWithDependents(*view, true, dropped, at));
  }
  return {};
}

// The engine adds plain columns only; the rest is said of the column once it is there.
Result<void> StatementEmitter::EmitAddColumn(const ColumnDefinition& column,
                                             const RelationEntry& entry) {
  const std::string table = EntryText(entry), name = resolver_.Fold(column.name);
  if (std::ranges::find(entry.columns, name, &Column::name) != entry.columns.end())
    return resolver_.Fail1(
        ErrorKind::kDuplicateColumn,
        "column \"" + name + "\" of relation \"" + entry.name + "\" already exists", &column);
  if (column.identity != IdentityKind::kNone)
    return Unsupported("adding an IDENTITY column", column);
  if (column.primary_key || column.unique || !column.references.empty())
    return Unsupported("adding a column with a key", column);
  const bool needed = column.null_rule == NullRule::kNotNull;
  const auto* literal = As<Literal>(column.default_value);
  const bool valued = column.default_value && !(literal && literal->literal == LiteralKind::kNull);
  if (needed && !valued)
    return resolver_.Fail1(
        ErrorKind::kFeatureNotSupported,
        "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression",
        &column);
  SKEP_TRY_ASSIGN(const Type type, ColumnType(column, entry.name));
  const std::string in_table = "alter table " + table + " ", quoted = QuoteName(name);
  out_.before.push_back(in_table + "add column " + quoted + " " + DuckDbWriter::TypeName(type));
  if (column.default_value) {
    SKEP_TRY_ASSIGN(const std::string value, DefaultText(*column.default_value, type, text_));
    // Rows that are there get the default's value of now.
    if (valued) out_.before.push_back("update " + table + " set " + quoted + " = (" + value + ")");
    out_.before.push_back(in_table + "alter column " + quoted + " set default (" + value + ")");
  }
  if (needed) {
    out_.behind_commit = in_table + "alter column " + quoted + " set not null";
    out_.undo = in_table + "drop column " + quoted;
  }
  ColumnFacts known;
  if (NeedsDeclaring(type)) known.type = type;
  known.encoding = column.encode;
  if (column.default_value) known.default_text = Print(*column.default_value);
  CommentOnColumn(table, name, known, "");
  return {};
}

// ALTER TABLE may name a view to rename it.
Result<void> StatementEmitter::EmitAlterView(const AlterTable& alter, const RelationEntry& view) {
  for (const AlterAction* action : alter.actions) {
    if (action->step != AlterStep::kRenameTo)
      return resolver_.Fail1(ErrorKind::kWrongObjectType, "\"" + view.name + "\" is not a table",
                             &alter);
    writer_.Put("alter view " + EntryText(view) + " rename to ");
    writer_.PutName(resolver_.Fold(action->new_name));
  }
  return {};
}

Result<void> StatementEmitter::EmitAlterTable(const AlterTable& alter) {
  if (alter.table.size() == 3 && resolver_.Fold(alter.table[0]) == kAutoMounted &&
      context_.database != kAutoMounted)
    return resolver_.Fail1(ErrorKind::kInsufficientPrivilege,
                           "database awsdatacatalog is read-only", &alter);
  if (const auto external = ExternalNamed(alter.table)) {
    SKEP_TRY(CheckWritable(external->schema, alter));
    return EmitAlterExternal(alter, *external);
  }
  SKEP_TRY_ASSIGN(const auto altered, Existing(alter.table, alter));
  if (altered->is_view) return EmitAlterView(alter, *altered);
  SKEP_TRY_ASSIGN(ScopeRelation * target, Changed(alter.table, {}, alter));
  const RelationEntry& entry = *target->entry;
  const std::string table = EntryText(entry);
  const auto column_of = [&](const Name& name) -> Result<const Column*> {
    const std::string folded = resolver_.Fold(name);
    const auto found = std::ranges::find(entry.columns, folded, &Column::name);
    if (found == entry.columns.end())
      return resolver_.FailAt(ErrorKind::kUndefinedColumn,
                              "column \"" + folded + "\" does not exist", name.begin);
    return &*found;
  };
  TableFacts facts = TableFacts::Read(entry.facts);
  for (const AlterAction* action : alter.actions) {
    switch (action->step) {
      case AlterStep::kAddColumn: {
        out_.reshapes = true;
        if (alter.actions.size() > 1)
          return Unsupported("adding a column together with other changes", *action);
        SKEP_TRY(CheckColumnCount(entry.columns.size() + 1, *action));
        SKEP_TRY(EmitAddColumn(*action->column, entry));
        break;
      }
      case AlterStep::kDropColumn: {
        out_.reshapes = true;
        SKEP_TRY_ASSIGN(const Column* column, column_of(action->name));
        SKEP_TRY(MindColumn(entry, column->name, action->behavior == Behavior::kCascade, *action));
        writer_.Put("alter table " + table + " drop column ");
        writer_.PutName(column->name);
        break;
      }
      case AlterStep::kRenameTo:
        out_.reshapes = true;
        writer_.Put("alter table " + table + " rename to ");
        writer_.PutName(resolver_.Fold(action->new_name));
        break;
      case AlterStep::kRenameColumn: {
        SKEP_TRY_ASSIGN(const Column* column, column_of(action->name));
        writer_.Put("alter table " + table + " rename column ");
        writer_.PutName(column->name);
        writer_.Put(" to ");
        writer_.PutName(resolver_.Fold(action->new_name));
        break;
      }
      case AlterStep::kColumnType: {
        out_.reshapes = true;
        SKEP_TRY_ASSIGN(const Column* column, column_of(action->name));
        auto type = TypeOf(*action->type);
        if (!type) return resolver_.Fail1(type.error().kind, type.error().message, action->type);
        if (column->type.kind != TypeKind::kVarchar || type->kind != TypeKind::kVarchar)
          return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                                 "only the size of a VARCHAR column can be altered", action);
        if (type->length < column->type.length)
          return Unsupported("making a VARCHAR column smaller", *action);
        ColumnFacts known = ColumnFacts::Read(column->facts);
        known.type = *type;
        CommentOnColumn(table, column->name, known, column->facts);
        break;
      }
      case AlterStep::kColumnEncode: {
        SKEP_TRY_ASSIGN(const Column* column, column_of(action->name));
        ColumnFacts known = ColumnFacts::Read(column->facts);
        known.encoding = action->word;
        CommentOnColumn(table, column->name, known, column->facts);
        break;
      }
      case AlterStep::kDistKey:
      case AlterStep::kDistStyle:
      case AlterStep::kSortKey:
      case AlterStep::kSortKeyAuto:
      case AlterStep::kSortKeyNone: {
        const bool dist =
            action->step == AlterStep::kDistKey || action->step == AlterStep::kDistStyle;
        const bool keyed = action->step == AlterStep::kDistKey ||
                           action->step == AlterStep::kSortKey || action->name ||
                           !action->columns.empty();
        std::vector<std::string> keys;
        if (keyed) {
          if (action->name) keys.push_back(resolver_.Fold(action->name));
          for (const Name& name : action->columns) keys.push_back(resolver_.Fold(name));
        }
        for (const std::string& key : keys) {
          if (std::ranges::find(entry.columns, key, &Column::name) == entry.columns.end())
            return resolver_.Fail1(ErrorKind::kUndefinedColumn,
                                   "column \"" + key + "\" does not exist", action);
        }
        for (const Column& column : entry.columns) {
          ColumnFacts known = ColumnFacts::Read(column.facts);
          const auto place = std::ranges::find(keys, column.name);
          if (dist)
            known.distkey = place != keys.end();
          else
            known.sortkey = place == keys.end() ? 0 : static_cast<int>(place - keys.begin()) + 1;
          CommentOnColumn(table, column.name, known, column.facts);
        }
        if (dist)
          facts.diststyle =
              action->step == AlterStep::kDistKey ? "key" : StyleWord(action->dist_style);
        else
          facts.sort_style = action->step == AlterStep::kSortKey       ? "compound"
                             : action->step == AlterStep::kSortKeyAuto ? "auto"
                                                                       : "";
        break;
      }
      case AlterStep::kEncodeAuto:
        facts.encode = "auto";
        break;
      default:
        return Unsupported("this form of ALTER TABLE", *action);
    }
  }
  if (const std::string text = facts.Text(); text != entry.facts && !text.empty())
    CommentOnRelation("table", table, text);
  return {};
}

// The views that read a relation go first.
Result<void> StatementEmitter::DropWithDependents(const RelationEntry& entry, bool cascade,
                                                  std::set<std::string>& dropped, const Node& at) {
  if (!dropped.insert(RelationKey(entry)).second) return {};
  if (entry.kind != RelationKind::kTemporary) {
    for (const auto& view : context_.catalog->Dependents(entry)) {
      if (dropped.contains(RelationKey(*view))) continue;
      if (!cascade) {
        auto failed =
            resolver_.Fail1(ErrorKind::kDependentObjects,
                            std::string("cannot drop ") + (entry.is_view ? "view " : "table ") +
                                entry.name + " because other objects depend on it",
                            &at, "Use DROP ... CASCADE to drop the dependent objects too.");
        failed.error().detail = "view " + view->name + " depends on " +
                                (entry.is_view ? "view " : "table ") + entry.name;
        return failed;
      }
      SKEP_TRY(DropWithDependents(*view, true, dropped, at));
    }
  }
  out_.before.push_back((entry.is_view ? "drop view " : "drop table ") + EntryText(entry));
  return {};
}

Result<void> StatementEmitter::EmitDrop(const Drop& drop) {
  if (drop.object == ObjectKind::kSchema) {
    SchemaDrop schemas;
    schemas.if_exists = drop.if_exists;
    schemas.cascade = drop.behavior == Behavior::kCascade;
    schemas.drop_external_database = drop.external_database;
    for (const Routine* name : drop.names) {
      const std::string schema = resolver_.Fold(name->name.back());
      if (IsAutoMounted(schema))
        return resolver_.Fail1(ErrorKind::kInsufficientPrivilege,
                               "schema \"" + schema + "\" is reserved", name);
      if (!context_.catalog || !context_.catalog->IsExternalSchema(schema))
        SKEP_TRY(CheckSchema({schema, "x"}, *name));
      schemas.names.push_back(schema);
    }
    out_.schema_drop = std::move(schemas);
    return {};
  }
  if (drop.object == ObjectKind::kFunction) return EmitDropFunctions(drop);
  const bool view = drop.object == ObjectKind::kView;
  if (!view && drop.object != ObjectKind::kTable) return Unsupported(out_.tag, drop);
  std::set<std::string> dropped;
  for (const Routine* name : drop.names) {
    if (const auto external = ExternalNamed(name->name); external && !view) {
      SKEP_TRY(CheckWritable(external->schema, *name));
      ChangeCatalog(
          external->schema,
          {{"operation", "DropTable"}, {"name", external->name}, {"if_exists", drop.if_exists}});
      continue;
    }
    SKEP_TRY_ASSIGN(const auto entry, resolver_.Find(name->name));
    if (!entry) {
      if (drop.if_exists) continue;
      return resolver_.Fail1(
          ErrorKind::kUndefinedTable,
          (view ? "view \"" : "table \"") + resolver_.Dotted(name->name) + "\" does not exist",
          name);
    }
    if (!entry->database.empty())
      return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                             "Operation not supported on external tables", name);
    if (entry->kind == RelationKind::kSystem || entry->kind == RelationKind::kExternal)
      return resolver_.Fail1(ErrorKind::kInsufficientPrivilege,
                             "permission denied for relation " + entry->name, name);
    if (entry->is_view != view)
      return resolver_.Fail1(ErrorKind::kWrongObjectType,
                             "\"" + entry->name + "\" is not a " + (view ? "view" : "table"), name);
    SKEP_TRY(DropWithDependents(*entry, drop.behavior == Behavior::kCascade, dropped, *name));
  }
  return {};
}

Result<void> StatementEmitter::EmitComment(const Comment& comment) {
  const std::string text = comment.text ? std::string(comment.text->text) : "";
  if (comment.object == ObjectKind::kColumn) {
    QualifiedName name = comment.name->name;
    if (name.size() < 2)
      return resolver_.Fail1(ErrorKind::kSyntaxError, "column name must be qualified", &comment);
    const QualifiedName relation = name.first(name.size() - 1);
    SKEP_TRY_ASSIGN(const auto entry, Existing(relation, comment));
    const std::string column = resolver_.Fold(name.back());
    const auto found = std::ranges::find(entry->columns, column, &Column::name);
    if (found == entry->columns.end())
      return resolver_.Fail1(ErrorKind::kUndefinedColumn,
                             "column \"" + column + "\" does not exist", &comment);
    ColumnFacts facts = ColumnFacts::Read(found->facts);
    facts.comment = text;
    CommentOnColumn(EntryText(*entry), column, facts, found->facts);
    return {};
  }
  if (comment.object == ObjectKind::kTable || comment.object == ObjectKind::kView) {
    SKEP_TRY_ASSIGN(const auto entry, Existing(comment.name->name, comment));
    if (entry->kind == RelationKind::kSystem || entry->kind == RelationKind::kExternal)
      return resolver_.Fail1(ErrorKind::kInsufficientPrivilege,
                             "permission denied for relation " + entry->name, &comment);
    TableFacts facts = TableFacts::Read(entry->facts);
    facts.comment = text;
    CommentOnRelation(entry->is_view ? "view" : "table", EntryText(*entry), facts.Text());
    return {};
  }
  return Unsupported("COMMENT ON this kind of object", comment);
}

// ---------------------------------------------------------------- schemas

// Whether a schema may have this name; that there is one of it is found out later.
Result<void> StatementEmitter::CheckNewSchema(const std::string& name, const Node& at) {
  if (IsAutoMounted(name))
    return resolver_.Fail1(ErrorKind::kInsufficientPrivilege,
                           "schema name \"" + name + "\" is reserved", &at);
  if (!context_.catalog || !context_.catalog->IsExternalSchema(name))
    return CheckSchema({name, "x"}, at);
  return {};
}

Result<void> StatementEmitter::EmitCreateSchema(const CreateSchema& create) {
  if (!create.elements.empty()) return Unsupported("CREATE SCHEMA with its objects", create);
  const std::string name = create.name.empty() ? resolver_.Fold(create.authorization)
                                               : resolver_.Fold(create.name.back());
  SKEP_TRY(CheckNewSchema(name, create));
  out_.new_schema = name;
  writer_.Put(create.if_not_exists ? "create schema if not exists " : "create schema ");
  writer_.Mark(create);
  writer_.PutName(context_.database);
  writer_.Put(".");
  writer_.PutName(name);
  return {};
}

Result<void> StatementEmitter::EmitCreateExternalSchema(const CreateExternalSchema& create) {
  using enum ExternalSource;
  const bool from_catalog = create.source == kDataCatalog;
  if (!from_catalog && create.source != kRedshift && create.source != kPostgres)
    return Unsupported("CREATE EXTERNAL SCHEMA from this source", create);
  ExternalSchemaDefinition definition;
  definition.name = resolver_.Fold(create.name.back());
  SKEP_TRY(CheckNewSchema(definition.name, create));
  definition.if_not_exists = create.if_not_exists;
  if (!from_catalog) {
    SKEP_TRY(ReadRemoteSource(create, definition));
    out_.external_schema = std::move(definition);
    return {};
  }
  const auto text = [&](std::string_view name) -> std::string {
    const Option* option = FindOption(create.options, name);
    return option ? std::string(option->text()) : "";
  };
  definition.catalog_database = text("database");
  definition.region = text("region");
  definition.catalog_id = text("catalog_id");
  definition.create_database =
      FindOption(create.options, "create external database if not exists") != nullptr;
  if (definition.catalog_database.empty())
    return resolver_.Fail1(ErrorKind::kSyntaxError, "DATABASE is missing", &create);
  const Option* role = FindOption(create.options, "iam_role");
  if (!role) return resolver_.Fail1(ErrorKind::kSyntaxError, "IAM_ROLE is missing", &create);
  SKEP_TRY_ASSIGN(definition.role_chain, RolesOf(*role));
  if (const Option* catalog = FindOption(create.options, "catalog_role")) {
    SKEP_TRY_ASSIGN(definition.catalog_roles, RolesOf(*catalog));
  }
  out_.external_schema = std::move(definition);
  return {};
}

// Source: the developer guide's "CREATE EXTERNAL SCHEMA", parameters of each source.
Result<void> StatementEmitter::ReadRemoteSource(const CreateExternalSchema& create,
                                                ExternalSchemaDefinition& definition) {
  constexpr uint32_t kPostgresPort = 5432;
  const bool postgres = create.source == ExternalSource::kPostgres;
  definition.source =
      postgres ? ExternalDefinitionSource::kPostgres : ExternalDefinitionSource::kRedshift;
  definition.remote_schema = "public";
  definition.port = postgres ? kPostgresPort : 0;
  for (const Option* option : create.options) {
    const std::string text(option->text());
    if (option->name == "database") {
      definition.catalog_database = text;
    } else if (option->name == "schema") {
      definition.remote_schema = text;
    } else if (postgres && option->name == "uri") {
      definition.host = text;
    } else if (postgres && option->name == "port") {
      const auto read = std::from_chars(text.data(), text.data() + text.size(), definition.port);
      if (read.ec != std::errc() || read.ptr != text.data() + text.size() || definition.port == 0 ||
          definition.port > 65535)
        return resolver_.Fail1(ErrorKind::kInvalidArgument, "PORT is a number between 1 and 65535",
                               option);
    } else if (postgres && option->name == "secret_arn") {
      definition.secret_arn = text;
    } else if (postgres && option->name == "iam_role") {
      SKEP_TRY_ASSIGN(definition.role_chain, RolesOf(*option));
    } else {
      return resolver_.Fail1(ErrorKind::kSyntaxError,
                             "an external schema of this source takes no such option", option);
    }
  }
  const auto missing = [&](std::string_view what) {
    return resolver_.Fail1(ErrorKind::kSyntaxError, std::string(what) + " is missing", &create);
  };
  if (definition.catalog_database.empty()) return missing("DATABASE");
  if (!postgres) return {};
  if (definition.host.empty()) return missing("URI");
  if (definition.role_chain.empty()) return missing("IAM_ROLE");
  if (definition.secret_arn.empty()) return missing("SECRET_ARN");
  return {};
}

// The roles of IAM_ROLE and CATALOG_ROLE: DEFAULT, or ARNs parted by commas.
Result<std::vector<std::string>> StatementEmitter::RolesOf(const Option& option) {
  const std::string word = option.name == "iam_role" ? "IAM_ROLE" : "CATALOG_ROLE";
  if (option.values.empty())
    return resolver_.Fail1(ErrorKind::kSyntaxError, word + " is missing", &option);
  const std::string text(option.text());
  if (option.values[0]->form != ValueForm::kString) {
    if (Lower(text) != "default")
      return resolver_.Fail1(ErrorKind::kSyntaxError, word + " takes DEFAULT or roles in quotes",
                             &option);
    return std::vector<std::string>{"default"};
  }
  if (Lower(text) == "session") return Unsupported(word + " 'SESSION'", option);
  std::vector<std::string> roles = text.empty() ? std::vector{text} : SplitAtCommas(text);
  for (std::string& one : roles) {
    std::erase(one, ' ');
    if (one.empty())
      return resolver_.Fail1(ErrorKind::kInvalidArgument, word + " holds an empty role", &option);
    if (one == "default")
      return resolver_.Fail1(ErrorKind::kInvalidArgument,
                             "\"default\" is not a role ARN; DEFAULT is written without quotes",
                             &option);
  }
  return roles;
}

Result<void> StatementEmitter::EmitAlterExternalSchema(const AlterExternalSchema& alter) {
  ExternalSchemaDefinition definition;
  definition.alter = true;
  definition.name = resolver_.Fold(alter.name.back());
  if (!context_.catalog || !context_.catalog->IsExternalSchema(definition.name))
    return resolver_.Fail1(ErrorKind::kUndefinedSchema,
                           "external schema \"" + definition.name + "\" does not exist", &alter);
  if (!context_.catalog->IsCatalogSchema(definition.name))
    return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                           "ALTER EXTERNAL SCHEMA is not supported for schemas of this source",
                           &alter, "Drop the schema and create it again.");
  for (const Option* option : alter.options) {
    if (option->name == "iam_role") {
      SKEP_TRY_ASSIGN(definition.role_chain, RolesOf(*option));
    } else if (option->name == "catalog_role") {
      SKEP_TRY_ASSIGN(definition.catalog_roles, RolesOf(*option));
    } else {
      return Unsupported("this change of an external schema of the data catalog", *option);
    }
  }
  out_.external_schema = std::move(definition);
  return {};
}

}  // namespace skep::sql
