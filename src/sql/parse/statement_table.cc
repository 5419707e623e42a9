// Rules of tables and views, and of their maintenance.
#include <string>

#include "sql/parse/statement.h"

namespace skep::sql {
using namespace ast;

// BACKUP, DISTSTYLE, DISTKEY, SORTKEY, ENCODE AUTO, in any order.
bool StatementParser::ParseTableAttribute(TableAttributes& attributes) {
  if (p_.Take("backup")) {
    attributes.backup = ParseSwitch();
  } else if (p_.Take("diststyle")) {
    if (p_.Take("auto"))
      attributes.dist_style = DistStyle::kAuto;
    else if (p_.Take("even"))
      attributes.dist_style = DistStyle::kEven;
    else if (p_.Take("key"))
      attributes.dist_style = DistStyle::kKey;
    else if (p_.Take("all"))
      attributes.dist_style = DistStyle::kAll;
    else
      p_.Unexpected();
  } else if (p_.Take("distkey")) {
    attributes.dist_key = ParseKeyColumns();
  } else if (p_.AtAny({"compound", "interleaved", "sortkey"})) {
    attributes.sort_style = p_.At("compound")      ? SortStyle::kCompound
                            : p_.At("interleaved") ? SortStyle::kInterleaved
                                                   : SortStyle::kPlain;
    if (!p_.At("sortkey")) p_.Take();
    p_.Expect("sortkey");
    if (attributes.sort_style == SortStyle::kPlain && p_.Take("auto"))
      attributes.sort_style = SortStyle::kAuto;
    else
      attributes.sort_key = ParseKeyColumns();
  } else if (p_.Take({"encode", "auto"})) {
    attributes.encode_auto = true;
  } else {
    return false;
  }
  return !p_.failed();
}

// USING ICEBERG LOCATION PARTITIONED BY TABLE PROPERTIES, in any order.
bool StatementParser::ParseTableFormat(TableFormat& format) {
  if (!format.format && p_.At("using") && p_.AtName(1)) {
    p_.Take();
    format.format = p_.ParseName();
  } else if (p_.Take("location")) {
    format.location = ParseString();
  } else if (p_.Take({"partitioned", "by"})) {
    p_.ExpectOperator("(");
    format.partitioned_by = p_.ParseExpressions();
    p_.ExpectOperator(")");
  } else if (p_.Take({"table", "properties"})) {
    format.properties = ParseProperties();
  } else {
    return false;
  }
  return !p_.failed();
}

// (a, b); a column of CREATE TABLE AS may be given by its position: the name is its digits then.
List<Name> StatementParser::ParseKeyColumns() {
  std::vector<Name> names;
  p_.ExpectOperator("(");
  do {
    const Token& token = p_.Peek();
    if (token.kind == TokenKind::kInteger) {
      p_.Take();
      names.push_back({token.value, false, token.begin, token.end});
    } else {
      names.push_back(p_.ParseName());
    }
  } while (p_.TakeOperator(","));
  p_.ExpectOperator(")");
  return p_.Copy(names);
}

TableConstraint* StatementParser::ParseTableConstraint() {
  auto* constraint = p_.Make<TableConstraint>(p_.at());
  if (p_.Take("constraint")) constraint->name = p_.ParseName();
  if (p_.Take("unique")) {
    constraint->constraint = ConstraintKind::kUnique;
  } else if (p_.Take({"primary", "key"})) {
    constraint->constraint = ConstraintKind::kPrimaryKey;
  } else if (p_.Take({"foreign", "key"})) {
    constraint->constraint = ConstraintKind::kForeignKey;
  } else if (p_.At("check")) {
    Refuse("check constraint");
  } else if (p_.At("exclude")) {
    Refuse("exclude constraint");
  } else {
    p_.Unexpected();
  }
  constraint->columns = p_.ParseNameList();
  if (constraint->constraint == ConstraintKind::kForeignKey) {
    p_.Expect("references");
    ParseReferences(constraint->references, constraint->referenced);
  }
  if (p_.AtAny({"deferrable", "initially"}) || p_.At({"not", "deferrable"}))
    Refuse("deferrable constraint");
  return p_.Close(constraint);
}

Statement* StatementParser::ParseCreateTable(bool temporary) {
  const bool if_not_exists = TakeIfNotExists();
  const QualifiedName name = p_.ParseQualifiedName();
  std::vector<Node*> elements;
  std::vector<Name> columns;
  bool typed = false;
  size_t untyped = 0;  // the token where a type is missing
  if (p_.TakeOperator("(")) {
    do {
      if (p_.At("like") || p_.At("constraint") || p_.At("unique") || p_.At("primary") ||
          p_.At("foreign") || (p_.At("check") && p_.Peek(1).IsOperator("(")) ||
          (p_.At("exclude") && p_.Peek(1).Is("using"))) {
        typed = true;
        if (p_.At("like")) {
          auto* like = p_.Make<LikeTable>(p_.at());
          p_.Take();
          like->table = p_.ParseQualifiedName();
          if (p_.Take({"including", "defaults"}))
            like->defaults = DefaultsRule::kIncluding;
          else if (p_.Take({"excluding", "defaults"}))
            like->defaults = DefaultsRule::kExcluding;
          else if (p_.AtAny({"including", "excluding"}))
            Refuse("like including or excluding other than defaults");
          elements.push_back(p_.Close(like));
        } else {
          elements.push_back(ParseTableConstraint());
        }
        continue;
      }
      const size_t here = p_.at();
      const Name column = p_.ParseName();
      if (p_.AtOperator(",") || p_.AtOperator(")")) {
        if (columns.empty()) untyped = p_.at();
        columns.push_back(column);  // of CREATE TABLE AS
        continue;
      }
      p_.Seek(here);
      typed = true;
      elements.push_back(ParseColumn(true));
    } while (p_.TakeOperator(","));
    p_.ExpectOperator(")");
  }
  TableAttributes attributes;
  TableFormat format;
  while (ParseTableAttribute(attributes) || ParseTableFormat(format)) {
  }
  if (p_.At("inherits")) Refuse("table inheritance");
  if (p_.At("tablespace")) Refuse("tablespace");
  if (p_.At({"partition", "by"})) Refuse("table partitioning");
  if (p_.At({"partition", "of"})) Refuse("table partitioning");
  if (p_.At({"on", "commit"})) Refuse("on commit");
  if (p_.At("with") && p_.Peek(1).IsOperator("(")) Refuse("storage parameters");
  if (p_.Take("as")) {
    auto* table = Begin<CreateTableAs>();
    if (typed || !AtQuery()) {
      p_.Unexpected();
      return table;
    }
    table->temporary = temporary;
    table->if_not_exists = if_not_exists;
    table->name = name;
    table->columns = p_.Copy(columns);
    table->attributes = attributes;
    table->format = format;
    table->query = p_.ParseQuery();
    if (p_.At({"with", "no", "data"})) Refuse("with no data");
    p_.Take({"with", "data"});
    return table;
  }
  auto* table = Begin<CreateTable>();
  if (!columns.empty()) p_.Seek(untyped);
  if (!typed || !columns.empty()) {
    p_.Unexpected();
    return table;
  }
  table->temporary = temporary;
  table->if_not_exists = if_not_exists;
  table->name = name;
  table->elements = p_.Copy(elements);
  table->attributes = attributes;
  table->format = format;
  return table;
}

Statement* StatementParser::ParseCreateExternalTable() {
  static constexpr OptionRule kRowFormat[] = {
      {"fields terminated by", Takes::kString},
      {"escaped by", Takes::kString},
      {"lines terminated by", Takes::kString},
      {"collection items terminated by", Takes::kString},
      {"map keys terminated by", Takes::kString},
      {"null defined as", Takes::kString},
  };
  auto* table = Begin<CreateExternalTable>();
  table->if_not_exists = TakeIfNotExists();
  table->name = p_.ParseQualifiedName();
  if (p_.AtOperator("(")) {
    table->columns = ParseColumns(false);
    for (const ColumnDefinition* column : table->columns) {
      if (!column->type && !p_.failed())
        p_.Raise(ErrorKind::kSyntaxError,
                 "column \"" + std::string(column->name.text) + "\" needs a type", column->begin);
    }
  }
  for (bool more = true; more && !p_.failed();) {
    if (p_.Take({"partitioned", "by"})) {
      table->partitioned_by = ParseColumns(false);
    } else if (p_.Take({"row", "format"})) {
      if (p_.Take("delimited")) {
        table->delimited = true;
        table->row_format = ParseOptions(kRowFormat);
      } else {
        p_.Expect("serde");
        table->serde = ParseString();
        if (p_.Take({"with", "serdeproperties"})) table->serde_properties = ParseProperties();
      }
    } else if (p_.Take({"stored", "as"})) {
      if (p_.Take("inputformat")) {
        table->input_format = ParseString();
        p_.Expect("outputformat");
        table->output_format = ParseString();
      } else {
        table->stored_as = p_.ParseAnyName().text;
      }
    } else if (p_.Take("location")) {
      table->location = ParseString();
    } else if (p_.Take({"table", "properties"}) || p_.Take("tblproperties")) {
      table->properties = ParseProperties();
    } else {
      more = false;
    }
  }
  if (p_.At("as")) {
    table->query = ParseDefinition();
  } else if (table->columns.empty()) {
    p_.Unexpected();
  }
  return table;
}

Statement* StatementParser::ParseCreateView(bool or_replace, bool temporary) {
  auto* view = Begin<CreateView>();
  view->or_replace = or_replace;
  view->temporary = temporary;
  view->name = p_.ParseQualifiedName();
  if (p_.AtOperator("(")) view->columns = p_.ParseNameList();
  p_.Expect("as");
  if (!AtQuery()) {
    p_.Unexpected();
    return view;
  }
  view->query = p_.ParseQuery();
  view->no_schema_binding = p_.Take({"with", "no", "schema", "binding"});
  if (p_.At("with") && (p_.Peek(1).Is("check") || p_.Peek(2).Is("check"))) Refuse("check option");
  return view;
}

Statement* StatementParser::ParseCreateMaterializedView() {
  auto* view = Begin<CreateMaterializedView>();
  view->if_not_exists = TakeIfNotExists();
  view->name = p_.ParseQualifiedName();
  if (p_.AtOperator("(")) view->columns = p_.ParseNameList();
  while (!p_.failed()) {
    if (p_.Take({"auto", "refresh"}))
      view->auto_refresh = ParseSwitch();
    else if (!ParseTableAttribute(view->attributes))
      break;
  }
  view->query = ParseDefinition();
  return view;
}

Statement* StatementParser::ParseCreateExternalView() {
  auto* view = Begin<CreateExternalView>();
  view->guarded = p_.Take("protected");
  p_.Expect("view");
  view->if_not_exists = TakeIfNotExists();
  view->name = p_.ParseQualifiedName();
  if (TakeIfNotExists()) view->if_not_exists = true;
  view->query = ParseDefinition();
  return view;
}

Query* StatementParser::ParseDefinition() {
  p_.Expect("as");
  if (AtQuery()) return p_.ParseQuery();
  p_.Unexpected();
  return nullptr;
}

// ---------------------------------------------------------------- ALTER

Statement* StatementParser::ParseAlterTable(bool view) {
  const QualifiedName name = p_.ParseQualifiedName();
  if (!view && p_.Take("append")) {
    auto* append = Begin<AlterTableAppend>();
    p_.Expect("from");
    append->table = name;
    append->source = p_.ParseQualifiedName();
    append->ignore_extra = p_.Take("ignoreextra");
    if (!append->ignore_extra) append->fill_target = p_.Take("filltarget");
    return append;
  }
  auto* table = Begin<AlterTable>();
  table->view = view;
  table->table = name;
  std::vector<AlterAction*> actions;
  do {
    actions.push_back(ParseAlterAction());
  } while (p_.TakeOperator(","));
  table->actions = p_.Copy(actions);
  return table;
}

PartitionValues* StatementParser::ParsePartition(bool location) {
  auto* partition = p_.Make<PartitionValues>(p_.at());
  p_.Expect("partition");
  partition->values = ParseProperties();
  if (location) {
    p_.Expect("location");
    partition->location = ParseString();
  }
  return p_.Close(partition);
}

bool StatementParser::ParseRowLevelSecurity(AlterAction* action) {
  if (p_.Take({"row", "level", "security"})) {
    action->step = AlterStep::kRowLevelSecurity;
    action->on = ParseSwitch();
    if (p_.Take({"conjunction", "type"})) {
      if (!p_.AtAny({"and", "or"})) p_.Unexpected();
      action->conjunction = p_.Take().value;
    }
  } else if (p_.Take("masking")) {
    action->step = AlterStep::kMasking;
    action->on = ParseSwitch();
  } else {
    return false;
  }
  action->for_datashares = p_.Take({"for", "datashares"});
  return true;
}

AlterAction* StatementParser::ParseAlterAction() {
  auto* action = p_.Make<AlterAction>(p_.at());
  const auto step = [&](AlterStep kind) { action->step = kind; };
  if (ParseRowLevelSecurity(action)) return p_.Close(action);
  if (p_.Take("add")) {
    if (p_.At("partition") || p_.At({"if", "not", "exists"})) {
      const size_t here = p_.at();
      action->if_not_exists = TakeIfNotExists();
      if (p_.At("partition")) {
        step(AlterStep::kAddPartitions);
        std::vector<PartitionValues*> partitions;
        do {
          partitions.push_back(ParsePartition(true));
        } while (p_.At("partition") || p_.TakeOperator(","));
        action->partitions = p_.Copy(partitions);
        return p_.Close(action);
      }
      p_.Seek(here);
      action->if_not_exists = false;
    }
    if (p_.AtAny({"constraint", "unique", "primary", "foreign"}) ||
        (p_.At("check") && p_.Peek(1).IsOperator("("))) {
      step(AlterStep::kAddConstraint);
      action->constraint = ParseTableConstraint();
      return p_.Close(action);
    }
    step(AlterStep::kAddColumn);
    if (p_.At("column") && p_.Peek(1).kind != TokenKind::kEnd) p_.Take();
    action->if_not_exists = TakeIfNotExists();
    const bool parenthesis = p_.TakeOperator("(");
    action->column = ParseColumn(true);
    if (parenthesis) p_.ExpectOperator(")");
  } else if (p_.Take("drop")) {
    if (p_.At("partition")) {
      step(AlterStep::kDropPartitions);
      std::vector<PartitionValues*> partitions;
      do {
        partitions.push_back(ParsePartition(false));
      } while (p_.At("partition"));
      action->partitions = p_.Copy(partitions);
      return p_.Close(action);
    }
    step(p_.Take("constraint") ? AlterStep::kDropConstraint : AlterStep::kDropColumn);
    if (action->step == AlterStep::kDropColumn) p_.Take("column");
    action->name = p_.ParseName();
    action->behavior = ParseBehavior();
  } else if (p_.Take("owner")) {
    step(AlterStep::kOwnerTo);
    p_.Expect("to");
    action->name = ParseIdentity();
  } else if (p_.Take("rename")) {
    if (p_.Take("to")) {
      step(AlterStep::kRenameTo);
    } else {
      step(AlterStep::kRenameColumn);
      p_.Take("column");
      action->name = p_.ParseName();
      p_.Expect("to");
    }
    action->new_name = p_.ParseName();
  } else if (p_.Take("alter")) {
    if (p_.Take("distkey")) {
      step(AlterStep::kDistKey);
      action->name = p_.ParseName();
    } else if (p_.Take("diststyle")) {
      step(AlterStep::kDistStyle);
      if (p_.Take("auto")) {
        action->dist_style = DistStyle::kAuto;
      } else if (p_.Take("even")) {
        action->dist_style = DistStyle::kEven;
      } else if (p_.Take("all")) {
        action->dist_style = DistStyle::kAll;
      } else {
        p_.Expect({"key", "distkey"});
        action->dist_style = DistStyle::kKey;
        action->name = p_.ParseName();
      }
    } else if (p_.At({"compound", "sortkey"}) || p_.At("sortkey") ||
               p_.At({"interleaved", "sortkey"})) {
      if (p_.At("interleaved")) Refuse("alter interleaved sortkey");
      action->compound = p_.Take("compound");
      p_.Expect("sortkey");
      if (p_.Take("auto")) {
        step(AlterStep::kSortKeyAuto);
      } else if (p_.Take("none")) {
        step(AlterStep::kSortKeyNone);
      } else {
        step(AlterStep::kSortKey);
        action->columns = p_.ParseNameList();
      }
    } else if (p_.Take({"encode", "auto"})) {
      step(AlterStep::kEncodeAuto);
    } else {
      p_.Take("column");
      action->name = p_.ParseName();
      if (p_.At("set") || p_.At("drop")) Refuse("alter column set or drop");
      if (p_.Take("encode")) {
        step(AlterStep::kColumnEncode);
        action->word = p_.ParseAnyName().text;
      } else {
        step(AlterStep::kColumnType);
        p_.Expect("type");
        action->type = p_.ParseType();
        if (p_.At("using")) Refuse("alter column type using");
      }
    }
  } else if (p_.Take("set")) {
    if (p_.Take("location")) {
      step(AlterStep::kSetLocation);
      action->location = ParseString();
    } else if (p_.Take({"file", "format"})) {
      step(AlterStep::kSetFileFormat);
      action->word = p_.ParseAnyName().text;
    } else if (p_.Take({"table", "properties"})) {
      step(AlterStep::kSetTableProperties);
      action->properties = ParseProperties();
    } else {
      if (p_.At("schema")) Refuse("alter table set schema");
      p_.Unexpected();
    }
  } else if (p_.At("partition")) {
    step(AlterStep::kPartitionLocation);
    action->partitions = p_.Copy(std::vector<PartitionValues*>{ParsePartition(false)});
    p_.Expect({"set", "location"});
    action->location = ParseString();
  } else {
    if (p_.AtAny({"enable", "disable"})) Refuse("alter table enable or disable");
    if (p_.At("inherit") || p_.At({"no", "inherit"})) Refuse("table inheritance");
    p_.Unexpected();
  }
  return p_.Close(action);
}

Statement* StatementParser::ParseAlterMaterializedView() {
  auto* view = Begin<AlterMaterializedView>();
  view->view = p_.ParseQualifiedName();
  if (p_.Take({"auto", "refresh"})) view->auto_refresh = ParseSwitch();
  if (view->auto_refresh == OnOff::kNone || !p_.AtEnd()) {
    std::vector<AlterAction*> actions;
    do {
      actions.push_back(ParseAlterAction());
    } while (p_.TakeOperator(","));
    view->actions = p_.Copy(actions);
  }
  return view;
}

Statement* StatementParser::ParseAlterExternalView() {
  auto* view = Begin<AlterExternalView>();
  view->view = p_.ParseQualifiedName();
  view->force = p_.Take("force");
  if (p_.Take({"remove", "definition"})) return view;
  view->query = ParseDefinition();
  return view;
}

// ---------------------------------------------------------------- maintenance

Statement* StatementParser::ParseRefresh() {
  auto* refresh = Begin<RefreshMaterializedView>();
  p_.Expect({"refresh", "materialized", "view"});
  refresh->view = p_.ParseQualifiedName();
  refresh->behavior = ParseBehavior();
  return refresh;
}

Statement* StatementParser::ParseAnalyze() {
  p_.Take();
  const auto target = [&](QualifiedName& table, List<Name>& columns) {
    if (!p_.AtName() || p_.At({"predicate", "columns"})) return;
    table = p_.ParseQualifiedName();
    if (p_.AtOperator("(")) columns = p_.ParseNameList();
  };
  if (p_.Take("compression")) {
    auto* compression = Begin<AnalyzeCompression>();
    if (!p_.At("comprows")) target(compression->table, compression->columns);
    if (p_.Take("comprows")) compression->comprows = p_.ExpectInteger();
    return compression;
  }
  auto* analyze = Begin<Analyze>();
  analyze->verbose = p_.Take("verbose");
  target(analyze->table, analyze->columns);
  if (p_.Take({"predicate", "columns"}))
    analyze->which = AnalyzeColumns::kPredicate;
  else if (p_.Take({"all", "columns"}))
    analyze->which = AnalyzeColumns::kAll;
  return analyze;
}

Statement* StatementParser::ParseVacuum() {
  auto* vacuum = Begin<Vacuum>();
  p_.Expect("vacuum");
  if (p_.Take("full"))
    vacuum->mode = VacuumMode::kFull;
  else if (p_.Take({"sort", "only"}))
    vacuum->mode = VacuumMode::kSortOnly;
  else if (p_.Take({"delete", "only"}))
    vacuum->mode = VacuumMode::kDeleteOnly;
  else if (p_.At("reindex") &&
           (p_.AtName(1) || p_.Peek(1).IsOperator(";") || p_.Peek(1).kind == TokenKind::kEnd) &&
           p_.Take("reindex"))
    vacuum->mode = VacuumMode::kReindex;
  else if (p_.At("recluster") && p_.AtName(1) && p_.Take("recluster"))
    vacuum->mode = VacuumMode::kRecluster;
  if (p_.AtName() && !p_.At("boost")) vacuum->table = p_.ParseQualifiedName();
  if (p_.Take("to")) {
    vacuum->threshold = p_.ExpectInteger();
    p_.Expect("percent");
  }
  vacuum->boost = p_.Take("boost");
  return vacuum;
}

}  // namespace skep::sql
