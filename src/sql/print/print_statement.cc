// Statements about rows, sessions, tables and views.
#include "sql/ast/names.h"
#include "sql/print/printer.h"

namespace skep::sql {
using namespace ast;

// ---------------------------------------------------------------- rows

void Printer::Write(const QueryStatement& statement) { Write(*statement.query); }

void Printer::Write(const Insert& insert) {
  if (insert.with) Write(*insert.with);
  Word("insert into");
  Write(insert.table);
  if (!insert.columns.empty()) NameList(insert.columns);
  WordIf(insert.default_values, "default values");
  if (insert.query) Write(*insert.query);
}

void Printer::Write(const Assignment& assignment) {
  Write(assignment.column);
  Word("=");
  WriteChild(assignment.value);
}

void Printer::Write(const Update& update) {
  if (update.with) Write(*update.with);
  Word("update");
  WriteRelation(*update.table);
  Word("set");
  Commas(update.set, [&](const Assignment* assignment) { Write(*assignment); });
  if (!update.from.empty()) {
    Word("from");
    Relations(update.from);
  }
  if (update.where) {
    Word("where");
    WriteChild(update.where);
  }
}

void Printer::Write(const Delete& deletion) {
  if (deletion.with) Write(*deletion.with);
  Word("delete from");
  WriteRelation(*deletion.table);
  if (!deletion.using_tables.empty()) {
    Word("using");
    Relations(deletion.using_tables);
  }
  if (deletion.where) {
    Word("where");
    WriteChild(deletion.where);
  }
}

void Printer::Write(const MergeAction& action) {
  Word(action.matched ? "when matched then" : "when not matched then");
  switch (action.step) {
    case MergeStep::kDelete:
      return Word("delete");
    case MergeStep::kUpdate:
      Word("update set");
      return Commas(action.set, [&](const Assignment* assignment) { Write(*assignment); });
    case MergeStep::kInsert:
      Word("insert");
      if (!action.columns.empty()) NameList(action.columns);
      Word("values");
      return ExpressionList(action.values);
  }
}

void Printer::Write(const Merge& merge) {
  Word("merge into");
  WriteRelation(*merge.target);
  Word("using");
  WriteRelation(*merge.source);
  Word("on");
  WriteChild(merge.on);
  for (const MergeAction* action : merge.actions) Write(*action);
  WordIf(merge.remove_duplicates, "remove duplicates");
}

void Printer::Write(const Truncate& truncate) {
  Word("truncate table");
  Write(truncate.table);
}

void Printer::Write(const CallProcedure& call) {
  Word("call");
  Write(call.name);
  Put("(");
  Expressions(call.arguments);
  Put(")");
}

void Printer::Write(const DeclareCursor& declare) {
  Word("declare");
  Write(declare.cursor);
  Word("cursor for");
  Write(*declare.query);
}

void Printer::Write(const ast::Fetch& fetch) {
  switch (fetch.direction) {
    case FetchDirection::kNext:
      Word("fetch next");
      break;
    case FetchDirection::kAll:
      Word("fetch all");
      break;
    case FetchDirection::kForward:
      Word("fetch forward");
      WordIf(!fetch.count.empty(), fetch.count);
      break;
  }
  Word("from");
  Write(fetch.cursor);
}

void Printer::Write(const CloseCursor& close) {
  Word(close.all ? "close all" : "close");
  if (!close.all) Write(close.cursor);
}

void Printer::Write(const Prepare& prepare) {
  Word("prepare");
  Write(prepare.name);
  if (!prepare.types.empty())
    Parenthesis(prepare.types, [&](const TypeName* type) { Write(*type); });
  Word("as");
  Write(static_cast<const Node&>(*prepare.statement));
}

void Printer::Write(const Execute& execute) {
  Word("execute");
  Write(execute.name);
  if (!execute.arguments.empty()) ExpressionList(execute.arguments);
}

void Printer::Write(const Deallocate& deallocate) {
  Word(deallocate.all ? "deallocate all" : "deallocate");
  if (!deallocate.all) Write(deallocate.name);
}

void Printer::Write(const Explain& explain) {
  Word("explain");
  WordIf(explain.analyze, "analyze");
  WordIf(explain.verbose, "verbose");
  Write(static_cast<const Node&>(*explain.statement));
}

// ---------------------------------------------------------------- sessions

void Printer::Write(const ast::Begin& begin) {
  Word(begin.start ? "start transaction" : "begin");
  Modes(begin.isolation, begin.access);
}
void Printer::Write(const Commit&) { Word("commit"); }
void Printer::Write(const Rollback&) { Word("rollback"); }

void Printer::Write(const LockTables& lock) {
  Word("lock table");
  Tables(lock.tables);
  if (lock.mode.empty()) return;
  Word("in");
  Word(lock.mode);
  Word("mode");
}

void Printer::Write(const Set& set) {
  Word("set");
  Write(set.scope);
  if (set.interval) {
    Word("time zone");
    return WriteChild(set.interval);
  }
  Write(set.name);
  Word("to");
  if (set.to_default) return Word("default");
  Commas(set.values, [&](const Value* value) { Write(*value); });
}

void Printer::Write(const SetSessionAuthorization& set) {
  Word("set");
  Write(set.scope);
  Word("session authorization");
  if (set.to_default) return Word("default");
  Write(set.user);
}

void Printer::Write(const SetTransaction& set) {
  Word(set.characteristics ? "set session characteristics as transaction" : "set transaction");
  Modes(set.isolation, set.access);
}

void Printer::Write(const SetRole& set) {
  Word("set");
  Write(set.scope);
  Word("role");
  if (!set.role) return Word("none");
  Write(set.role);
}

void Printer::Write(const Reset& reset) {
  Word("reset");
  WordIf(reset.all, "all");
  WordIf(reset.session_authorization, "session authorization");
  if (!reset.name.empty()) Write(reset.name);
}

void Printer::Write(const Discard& discard) {
  Word("discard");
  Word(discard.what);
}

void Printer::Write(const Use& use) {
  Word("use");
  Write(use.database);
}

void Printer::Write(const Cancel& cancel) {
  Word("cancel");
  Write(*cancel.process);
  if (cancel.message) Write(*cancel.message);
}

// ---------------------------------------------------------------- tables

void Printer::Write(const TableAttributes& attributes) {
  if (attributes.backup != OnOff::kNone) {
    Word("backup");
    Switch(attributes.backup, "yes", "no");
  }
  static constexpr std::string_view kDist[] = {"", "auto", "even", "key", "all"};
  if (attributes.dist_style != DistStyle::kNone) {
    Word("diststyle");
    Word(kDist[static_cast<size_t>(attributes.dist_style)]);
  }
  if (!attributes.dist_key.empty()) {
    Word("distkey");
    NameList(attributes.dist_key);
  }
  switch (attributes.sort_style) {
    case SortStyle::kNone:
      break;
    case SortStyle::kPlain:
      Word("sortkey");
      break;
    case SortStyle::kCompound:
      Word("compound sortkey");
      break;
    case SortStyle::kInterleaved:
      Word("interleaved sortkey");
      break;
    case SortStyle::kAuto:
      Word("sortkey auto");
      break;
  }
  if (!attributes.sort_key.empty()) NameList(attributes.sort_key);
  WordIf(attributes.encode_auto, "encode auto");
}

void Printer::Write(const TableFormat& format) {
  NamedIf("using", format.format);
  ValueIf("location", format.location);
  if (!format.partitioned_by.empty()) {
    Word("partitioned by");
    ExpressionList(format.partitioned_by);
  }
  if (!format.properties.empty()) {
    Word("table properties");
    Properties(format.properties);
  }
}

void Printer::Write(const TableConstraint& constraint) {
  NamedIf("constraint", constraint.name);
  static constexpr std::string_view kWords[] = {"unique", "primary key", "foreign key"};
  Word(kWords[static_cast<size_t>(constraint.constraint)]);
  NameList(constraint.columns);
  References(constraint.references, constraint.referenced);
}

void Printer::Write(const LikeTable& like) {
  Word("like");
  Write(like.table);
  if (like.defaults != DefaultsRule::kNone)
    Word(like.defaults == DefaultsRule::kIncluding ? "including defaults" : "excluding defaults");
}

void Printer::Write(const CreateTable& table) {
  Word(table.temporary ? "create temp table" : "create table");
  WordIf(table.if_not_exists, "if not exists");
  Write(table.name);
  Parenthesis(table.elements, [&](const Node* element) { Write(*element); });
  Write(table.attributes);
  Write(table.format);
}

void Printer::Write(const CreateTableAs& table) {
  Word(table.temporary ? "create temp table" : "create table");
  WordIf(table.if_not_exists, "if not exists");
  Write(table.name);
  if (!table.columns.empty()) NameList(table.columns);
  Write(table.attributes);
  Write(table.format);
  Word("as");
  Write(*table.query);
}

void Printer::Write(const CreateExternalTable& table) {
  Word("create external table");
  WordIf(table.if_not_exists, "if not exists");
  Write(table.name);
  if (!table.columns.empty()) Columns(table.columns);
  if (!table.partitioned_by.empty()) {
    Word("partitioned by");
    Columns(table.partitioned_by);
  }
  WordIf(table.delimited, "row format delimited");
  WriteAll(table.row_format);
  ValueIf("row format serde", table.serde);
  if (!table.serde_properties.empty()) {
    Word("with serdeproperties");
    Properties(table.serde_properties);
  }
  if (!table.stored_as.empty()) {
    Word("stored as");
    PlainWord(table.stored_as);
  }
  ValueIf("stored as inputformat", table.input_format);
  ValueIf("outputformat", table.output_format);
  ValueIf("location", table.location);
  if (!table.properties.empty()) {
    Word("table properties");
    Properties(table.properties);
  }
  if (table.query) {
    Word("as");
    Write(*table.query);
  }
}

void Printer::Write(const CreateView& view) {
  Word(view.or_replace ? "create or replace" : "create");
  WordIf(view.temporary, "temp");
  Word("view");
  Write(view.name);
  if (!view.columns.empty()) NameList(view.columns);
  Word("as");
  Write(*view.query);
  WordIf(view.no_schema_binding, "with no schema binding");
}

void Printer::Write(const CreateMaterializedView& view) {
  Word("create materialized view");
  WordIf(view.if_not_exists, "if not exists");
  Write(view.name);
  if (!view.columns.empty()) NameList(view.columns);
  Write(view.attributes);
  if (view.auto_refresh != OnOff::kNone) {
    Word("auto refresh");
    Switch(view.auto_refresh, "yes", "no");
  }
  Word("as");
  Write(*view.query);
}

void Printer::Write(const CreateExternalView& view) {
  Word(view.guarded ? "create external protected view" : "create external view");
  Write(view.name);
  WordIf(view.if_not_exists, "if not exists");
  Word("as");
  Write(*view.query);
}

void Printer::Write(const PartitionValues& partition) {
  Word("partition");
  Properties(partition.values);
  ValueIf("location", partition.location);
}

void Printer::Write(const AlterAction& action) {
  const auto named = [&](std::string_view words) {
    Word(words);
    Write(action.name);
  };
  switch (action.step) {
    case AlterStep::kAddColumn:
      Word("add column");
      WordIf(action.if_not_exists, "if not exists");
      return Write(*action.column);
    case AlterStep::kDropColumn:
      named("drop column");
      return Write(action.behavior);
    case AlterStep::kAddConstraint:
      Word("add");
      return Write(*action.constraint);
    case AlterStep::kDropConstraint:
      named("drop constraint");
      return Write(action.behavior);
    case AlterStep::kOwnerTo:
      return named("owner to");
    case AlterStep::kRenameTo:
      return NamedIf("rename to", action.new_name);
    case AlterStep::kRenameColumn:
      named("rename column");
      return NamedIf("to", action.new_name);
    case AlterStep::kColumnType:
      named("alter column");
      Word("type");
      return Write(*action.type);
    case AlterStep::kColumnEncode:
      named("alter column");
      Word("encode");
      return PlainWord(action.word);
    case AlterStep::kDistKey:
      return named("alter distkey");
    case AlterStep::kDistStyle:
      switch (action.dist_style) {
        case DistStyle::kKey:
          return named("alter diststyle key distkey");
        case DistStyle::kEven:
          return Word("alter diststyle even");
        case DistStyle::kAll:
          return Word("alter diststyle all");
        default:
          return Word("alter diststyle auto");
      }
    case AlterStep::kSortKey:
      Word(action.compound ? "alter compound sortkey" : "alter sortkey");
      return NameList(action.columns);
    case AlterStep::kSortKeyAuto:
      return Word(action.compound ? "alter compound sortkey auto" : "alter sortkey auto");
    case AlterStep::kSortKeyNone:
      return Word(action.compound ? "alter compound sortkey none" : "alter sortkey none");
    case AlterStep::kEncodeAuto:
      return Word("alter encode auto");
    case AlterStep::kRowLevelSecurity:
      Word("row level security");
      Switch(action.on, "on", "off");
      if (!action.conjunction.empty()) {
        Word("conjunction type");
        Word(action.conjunction);
      }
      return WordIf(action.for_datashares, "for datashares");
    case AlterStep::kMasking:
      Word("masking");
      Switch(action.on, "on", "off");
      return WordIf(action.for_datashares, "for datashares");
    case AlterStep::kSetLocation:
      return ValueIf("set location", action.location);
    case AlterStep::kSetFileFormat:
      Word("set file format");
      return PlainWord(action.word);
    case AlterStep::kSetTableProperties:
      Word("set table properties");
      return Properties(action.properties);
    case AlterStep::kAddPartitions:
      Word(action.if_not_exists ? "add if not exists" : "add");
      for (const PartitionValues* partition : action.partitions) Write(*partition);
      return;
    case AlterStep::kDropPartitions:
      Word("drop");
      for (const PartitionValues* partition : action.partitions) Write(*partition);
      return;
    case AlterStep::kPartitionLocation:
      for (const PartitionValues* partition : action.partitions) Write(*partition);
      return ValueIf("set location", action.location);
  }
}

void Printer::Write(const AlterTable& table) {
  Word(table.view ? "alter view" : "alter table");
  Write(table.table);
  Put(" ");
  Commas(table.actions, [&](const AlterAction* action) { Write(*action); });
}

void Printer::Write(const AlterTableAppend& append) {
  Word("alter table");
  Write(append.table);
  Word("append from");
  Write(append.source);
  WordIf(append.ignore_extra, "ignoreextra");
  WordIf(append.fill_target, "filltarget");
}

void Printer::Write(const AlterMaterializedView& view) {
  Word("alter materialized view");
  Write(view.view);
  if (view.auto_refresh != OnOff::kNone) {
    Word("auto refresh");
    Switch(view.auto_refresh, "yes", "no");
  }
  if (view.actions.empty()) return;
  Put(" ");
  Commas(view.actions, [&](const AlterAction* action) { Write(*action); });
}

void Printer::Write(const AlterExternalView& view) {
  Word("alter external view");
  Write(view.view);
  WordIf(view.force, "force");
  if (!view.query) return Word("remove definition");
  Word("as");
  Write(*view.query);
}

// ---------------------------------------------------------------- maintenance

void Printer::Write(const RefreshMaterializedView& refresh) {
  Word("refresh materialized view");
  Write(refresh.view);
  Write(refresh.behavior);
}

void Printer::Write(const Analyze& analyze) {
  Word("analyze");
  WordIf(analyze.verbose, "verbose");
  if (!analyze.table.empty()) Write(analyze.table);
  if (!analyze.columns.empty()) NameList(analyze.columns);
  WordIf(analyze.which == AnalyzeColumns::kPredicate, "predicate columns");
  WordIf(analyze.which == AnalyzeColumns::kAll, "all columns");
}

void Printer::Write(const AnalyzeCompression& analyze) {
  Word("analyze compression");
  if (!analyze.table.empty()) Write(analyze.table);
  if (!analyze.columns.empty()) NameList(analyze.columns);
  if (analyze.comprows.empty()) return;
  Word("comprows");
  Word(analyze.comprows);
}

void Printer::Write(const Vacuum& vacuum) {
  Word("vacuum");
  static constexpr std::string_view kModes[] = {"",        "full",     "sort only", "delete only",
                                                "reindex", "recluster"};
  if (vacuum.mode != VacuumMode::kNone) Word(kModes[static_cast<size_t>(vacuum.mode)]);
  if (!vacuum.table.empty()) Write(vacuum.table);
  if (!vacuum.threshold.empty()) {
    Word("to");
    Word(vacuum.threshold);
    Word("percent");
  }
  WordIf(vacuum.boost, "boost");
}

}  // namespace skep::sql
