// Statements about schemas, databases, routines, models, templates and datashares; loading.
#include "sql/ast/names.h"
#include "sql/print/printer.h"

namespace skep::sql {
using namespace ast;

// ---------------------------------------------------------------- objects

void Printer::Write(const Drop& drop) {
  Word("drop");
  Word(WordsOf(drop.object));
  WordIf(drop.if_exists, "if exists");
  Commas(drop.names, [&](const Routine* name) { Write(*name); });
  WordIf(drop.external_database, "drop external database");
  Write(drop.behavior);
}

void Printer::Write(const Comment& comment) {
  Word("comment on");
  Word(WordsOf(comment.object));
  Write(*comment.name);
  NamedIf("on", comment.table);
  Word("is");
  if (!comment.text) return Word("null");
  Write(*comment.text);
}

void Printer::Write(const CreateSchema& schema) {
  Word("create schema");
  WordIf(schema.if_not_exists, "if not exists");
  if (!schema.name.empty()) Write(schema.name);
  NamedIf("authorization", schema.authorization);
  if (schema.quota) Write(*schema.quota);
  for (const Statement* element : schema.elements) Write(static_cast<const Node&>(*element));
}

void Printer::Write(const AlterSchema& schema) {
  Word("alter schema");
  Write(schema.name);
  NamedIf("rename to", schema.rename_to);
  NamedIf("owner to", schema.owner);
  if (schema.quota) Write(*schema.quota);
}

void Printer::Write(const CreateExternalSchema& schema) {
  Word("create external schema");
  WordIf(schema.if_not_exists, "if not exists");
  Write(schema.name);
  static constexpr std::string_view kSources[] = {"",
                                                  "from data catalog",
                                                  "from hive metastore",
                                                  "from postgres",
                                                  "from mysql",
                                                  "from kinesis",
                                                  "from msk",
                                                  "from kafka",
                                                  "from redshift"};
  if (schema.source != ExternalSource::kNone) Word(kSources[static_cast<size_t>(schema.source)]);
  WriteAll(schema.options);
}

void Printer::Write(const AlterExternalSchema& schema) {
  Word("alter external schema");
  Write(schema.name);
  WriteAll(schema.options);
}

void Printer::Write(const CreateDatabase& database) {
  Word("create database");
  Write(database.name);
  WordIf(database.with_permissions, "with permissions");
  switch (database.source) {
    case DatabaseSource::kNone:
      break;
    case DatabaseSource::kIntegration:
      ValueIf("from integration", database.from);
      break;
    case DatabaseSource::kArn:
      ValueIf("from arn", database.from);
      break;
    case DatabaseSource::kDatashare:
      Word("from datashare");
      Write(database.datashare);
      Word("of");
      ValueIf("account", database.account);
      ValueIf("namespace", database.namespace_id);
      break;
  }
  WriteAll(database.options);
}

void Printer::Write(const AlterDatabase& database) {
  Word("alter database");
  Write(database.name);
  NamedIf("rename to", database.rename_to);
  NamedIf("owner to", database.owner);
  WriteAll(database.options);
}

void Printer::Write(const AlterIntegration& integration) {
  Word("alter database");
  Write(integration.database);
  Word("integration");
  if (!integration.refresh.empty()) {
    Word("refresh");
    Word(integration.refresh);
    WordIf(integration.refresh != "table", "tables");
  } else {
    Word("set");
    WriteAll(integration.options);
    WordIf(integration.history_for_all, "for all tables");
    WordIf(!integration.tables.empty(), "for table");
  }
  if (!integration.schemas.empty()) {
    Word("in schema");
    Put(" ");
    Names(integration.schemas);
  }
  Tables(integration.tables);
}

void Printer::Write(const CreateFunction& function) {
  Word(function.or_replace ? "create or replace function" : "create function");
  Write(function.name);
  Arguments(function.arguments);
  Word("returns");
  Write(*function.returns);
  Write(function.volatility);
  ValueIf("as", function.body);
  NamedIf("language", function.language);
}

void Printer::Write(const CreateProcedure& procedure) {
  Word(procedure.or_replace ? "create or replace procedure" : "create procedure");
  Write(procedure.name);
  Arguments(procedure.arguments);
  WordIf(procedure.nonatomic, "nonatomic");
  ValueIf("as", procedure.body);
  NamedIf("language", procedure.language);
  if (procedure.security != Security::kNone)
    Word(procedure.security == Security::kInvoker ? "security invoker" : "security definer");
  for (const Statement* setting : procedure.settings) Write(static_cast<const Node&>(*setting));
}

void Printer::Write(const CreateExternalFunction& function) {
  Word(function.or_replace ? "create or replace external function" : "create external function");
  Write(function.name);
  Arguments(function.arguments);
  Word("returns");
  Write(*function.returns);
  Write(function.volatility);
  WriteAll(function.options);
}

void Printer::Write(const AlterRoutine& routine) {
  Word("alter");
  Word(WordsOf(routine.object));
  Write(*routine.routine);
  NamedIf("rename to", routine.rename_to);
  NamedIf("owner to", routine.owner);
}

void Printer::Write(const CreateLibrary& library) {
  Word(library.or_replace ? "create or replace library" : "create library");
  Write(library.name);
  NamedIf("language", library.language);
  ValueIf("from", library.from);
  WriteAll(library.options);
}

void Printer::Write(const CreateModel& model) {
  Word(model.external ? "create external model" : "create model");
  Write(model.name);
  NamedIf("from", model.table);
  if (model.query) {
    Word("from");
    WriteIn(*model.query);
  }
  ValueIf("from", model.job);
  ValueIf("target", model.target);
  Word("function");
  Write(model.function);
  if (!model.arguments.empty())
    Parenthesis(model.arguments, [&](const TypeName* type) { Write(*type); });
  if (model.returns) {
    Word("returns");
    Write(*model.returns);
  }
  WriteAll(model.options);
}

void Printer::Write(const CreateTemplate& made) {
  Word(made.or_replace ? "create or replace template" : "create template");
  Write(made.name);
  Word("for copy as");
  WriteAll(made.options);
}

void Printer::Write(const AlterTemplate& altered) {
  Word("alter template");
  Write(altered.name);
  switch (altered.step) {
    case TemplateStep::kRename:
      return NamedIf("rename to", altered.to);
    case TemplateStep::kOwner:
      return NamedIf("owner to", altered.to);
    case TemplateStep::kAdd:
      Word("add");
      return WriteAll(altered.options);
    case TemplateStep::kDrop:
      Word("drop");
      return WriteAll(altered.options);
    case TemplateStep::kSet:
      Word("set");
      return Commas(altered.options, [&](const Option* option) {
        Word(option->name);
        Word("to");
        for (const Value* value : option->values) Write(*value);
      });
  }
}

void Printer::Write(const CreateDatashare& share) {
  Word("create datashare");
  Write(share.name);
  WriteAll(share.options);
}

void Printer::Write(const AlterDatashare& share) {
  Word("alter datashare");
  Write(share.name);
  if (share.object == ObjectKind::kNone) {
    Word("set");
    WriteAll(share.options);
    return NamedIf("for schema", share.schema);
  }
  Word(share.remove ? "remove" : "add");
  if (share.all_in_schema) {
    Word("all");
    Word(PluralOf(share.object));
    Word("in schema");
  } else {
    Word(WordsOf(share.object));
  }
  Commas(share.names, [&](const Routine* name) { Write(*name); });
}

void Printer::Write(const AlterSystem& system) {
  Word("alter system set");
  Write(system.setting);
  Word("=");
  Write(*system.value);
}

// ---------------------------------------------------------------- loading

void Printer::Write(const ast::Copy& copy) {
  Word("copy");
  Write(copy.table);
  if (!copy.columns.empty()) NameList(copy.columns);
  ValueIf("from", copy.source);
  WriteAll(copy.options);
  NamedIf("using template", copy.use_template);
  if (!copy.job) return;
  NamedIf("job create", copy.job);
  if (copy.job_auto == OnOff::kNone) return;
  Word("auto");
  Switch(copy.job_auto, "on", "off");
}

void Printer::Write(const CopyJob& job) {
  static constexpr std::string_view kSteps[] = {"alter", "run", "list", "show", "drop"};
  Word("copy job");
  Word(kSteps[static_cast<size_t>(job.step)]);
  if (job.name) Write(job.name);
  if (job.job_auto == OnOff::kNone) return;
  Word("auto");
  Switch(job.job_auto, "on", "off");
}

void Printer::Write(const Unload& unload) {
  Word("unload (");
  if (unload.inner)
    Write(*unload.inner);
  else
    Write(*unload.query);
  Put(")");
  ValueIf("to", unload.target);
  WriteAll(unload.options);
}

}  // namespace skep::sql
