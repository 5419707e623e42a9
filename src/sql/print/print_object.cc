// Statements about other objects, access, loading, and SHOW.
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
  if (!comment.table.empty()) {
    Word("on");
    Write(comment.table);
  }
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
  if (!model.table.empty()) {
    Word("from");
    Write(model.table);
  }
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

// ---------------------------------------------------------------- access

void Printer::Write(const Privilege& privilege) {
  Word(privilege.name);
  if (!privilege.columns.empty()) NameList(privilege.columns);
}

template <NodeKind K>
void Printer::WriteGrant(const GrantOf<K>& grant, std::string_view verb, std::string_view to) {
  Word(verb);
  WordIf(grant.option_for == OptionFor::kGrant, "grant option for");
  WordIf(grant.option_for == OptionFor::kAdmin, "admin option for");
  if (grant.form == GrantForm::kRoles) {
    Commas(grant.roles, [&](const Name& role) {
      Word("role");
      Write(role);
    });
  }
  if (grant.form == GrantForm::kAssumeRole) {
    Word("assumerole on");
    Commas(grant.iam_roles, [&](const Value* role) { Write(*role); });
  }
  Commas(grant.privileges, [&](const Privilege* privilege) { Write(*privilege); });
  switch (grant.form) {
    case GrantForm::kObjects:
      Word("on");
      WordIf(grant.object != ObjectKind::kNone, WordsOf(grant.object));
      break;
    case GrantForm::kAllInSchema:
      Word("on all");
      Word(PluralOf(grant.object));
      Word("in schema");
      break;
    case GrantForm::kKind:
      Word("on");
      Word(PluralOf(grant.object));
      break;
    case GrantForm::kScoped:
      Word("for");
      Word(PluralOf(grant.object));
      Word("in");
      NamedIf("schema", grant.scope_schema);
      NamedIf("database", grant.scope_database);
      break;
    default:
      break;
  }
  Commas(grant.objects, [&](const Routine* object) { Write(*object); });
  Word(to);
  Commas(grant.grantees, [&](const Grantee* grantee) { Write(*grantee); });
  if (!grant.purposes.empty()) {
    Word("for");
    Commas(grant.purposes, [&](std::string_view purpose) { Word(purpose); });
  }
  Write(grant.behavior);
}

void Printer::Write(const ast::Grant& grant) { WriteGrant(grant, "grant", "to"); }
void Printer::Write(const Revoke& revoke) { WriteGrant(revoke, "revoke", "from"); }

void Printer::Write(const AlterDefaultPrivileges& defaults) {
  Word("alter default privileges");
  if (!defaults.users.empty()) {
    Word("for user");
    Put(" ");
    Names(defaults.users);
  }
  if (!defaults.schemas.empty()) {
    Word("in schema");
    Put(" ");
    Names(defaults.schemas);
  }
  Write(static_cast<const Node&>(*defaults.grant));
}

void Printer::Write(const CreateUser& user) {
  Word("create user");
  Write(user.name);
  WriteAll(user.options);
}

void Printer::Write(const AlterUser& user) {
  Word("alter user");
  Write(user.name);
  NamedIf("rename to", user.rename_to);
  WriteAll(user.options);
  if (user.setting) Write(static_cast<const Node&>(*user.setting));
}

void Printer::Write(const CreateGroup& group) {
  Word("create group");
  Write(group.name);
  if (group.users.empty()) return;
  Word("with user");
  Names(group.users);
}

void Printer::Write(const AlterGroup& group) {
  Word("alter group");
  Write(group.name);
  NamedIf("rename to", group.rename_to);
  if (group.users.empty()) return;
  Word(group.drop ? "drop user" : "add user");
  Names(group.users);
}

void Printer::Write(const CreateRole& role) {
  Word("create role");
  Write(role.name);
  ValueIf("externalid", role.external_id);
}

void Printer::Write(const AlterRole& role) {
  Word("alter role");
  Write(role.name);
  NamedIf("rename to", role.rename_to);
  NamedIf("owner to", role.owner);
  ValueIf("externalid to", role.external_id);
}

void Printer::Write(const CreateIdentityProvider& provider) {
  Word("create identity provider");
  Write(provider.name);
  WriteAll(provider.options);
}

void Printer::Write(const AlterIdentityProvider& provider) {
  Word("alter identity provider");
  Write(provider.name);
  WriteAll(provider.options);
}

void Printer::Write(const CreatePolicy& policy) {
  Word(policy.or_replace ? "create or replace" : "create");
  Word(policy.masking ? "masking policy" : "rls policy");
  WordIf(policy.if_not_exists, "if not exists");
  Write(policy.name);
  if (!policy.columns.empty()) {
    Word("with");
    Columns(policy.columns);
    Write(policy.alias);
  }
  Word("using");
  ExpressionList(policy.using_expressions);
}

void Printer::Write(const AlterPolicy& policy) {
  Word(policy.masking ? "alter masking policy" : "alter rls policy");
  Write(policy.name);
  Word("using");
  ExpressionList(policy.using_expressions);
}

void Printer::Write(const AttachPolicy& policy) {
  Word(policy.masking ? "attach masking policy" : "attach rls policy");
  Write(policy.name);
  Word("on");
  Tables(policy.tables);
  if (!policy.outputs.empty()) ExpressionList(policy.outputs);
  if (!policy.inputs.empty()) {
    Word("using");
    ExpressionList(policy.inputs);
  }
  Word("to");
  Commas(policy.grantees, [&](const Grantee* grantee) { Write(*grantee); });
  if (policy.priority.empty()) return;
  Word("priority");
  Word(policy.priority);
}

void Printer::Write(const DetachPolicy& policy) {
  Word(policy.masking ? "detach masking policy" : "detach rls policy");
  Write(policy.name);
  Word("on");
  Tables(policy.tables);
  if (!policy.outputs.empty()) ExpressionList(policy.outputs);
  Word("from");
  Commas(policy.grantees, [&](const Grantee* grantee) { Write(*grantee); });
}

// ---------------------------------------------------------------- loading

void Printer::Write(const ast::Copy& copy) {
  Word("copy");
  Write(copy.table);
  if (!copy.columns.empty()) NameList(copy.columns);
  ValueIf("from", copy.source);
  WriteAll(copy.options);
  if (!copy.use_template.empty()) {
    Word("using template");
    Write(copy.use_template);
  }
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

// ---------------------------------------------------------------- SHOW

void Printer::Show(std::string_view words, const Expr* value) {
  if (!value) return;
  Word(words);
  WriteChild(value);
}

void Printer::Write(const ShowSetting& show) {
  Word(show.all ? "show all" : "show");
  if (!show.all) Write(show.name);
}

void Printer::Write(const ShowObjects& show) {
  Word("show");
  Word(PluralOf(show.object));
  WordIf(show.data_catalog, "from data catalog");
  if (!show.accounts.empty()) {
    Word("account");
    Commas(show.accounts, [&](const Value* account) { Write(*account); });
  }
  if (show.scope != ObjectKind::kNone) {
    Word("from");
    Word(WordsOf(show.scope));
    Write(show.in);
  }
  Show("schema_name like", show.schema_like);
  Show("table_name like", show.table_like);
  Show("column_name like", show.column_like);
  Show("like", show.like);
  if (show.iam_role) Write(*show.iam_role);
  Show("limit", show.limit);
}

void Printer::Write(const ShowConstraints& show) {
  Word(show.foreign ? "show constraints foreign keys" : "show constraints primary keys");
  WordIf(show.exported, "exported");
  Word("from table");
  Write(show.table);
  Show("limit", show.limit);
}

void Printer::Write(const ShowGrants& show) {
  Word(show.columns ? "show column grants" : "show grants");
  if (show.of_all) {
    Word("on");
    Word(PluralOf(show.object));
  } else if (show.on) {
    Word("on");
    WordIf(show.object != ObjectKind::kNone, WordsOf(show.object));
    Write(*show.on);
  }
  if (show.grantee) {
    Word("for");
    Write(*show.grantee);
  }
  if (!show.database.empty()) {
    Word("from database");
    Write(show.database);
  }
  Show("schema_name like", show.schema_like);
  Show("table_name like", show.table_like);
  Show("like", show.like);
  Show("limit", show.limit);
}

void Printer::Write(const ShowParameters& show) {
  Word("show parameters of");
  Word(WordsOf(show.object));
  Write(*show.routine);
  Show("like", show.like);
  Show("limit", show.limit);
}

void Printer::Write(const ShowPolicies& show) {
  Word(show.masking ? "show masking policies" : "show rls policies");
  if (!show.on.empty()) {
    Word("on");
    Write(show.on);
  }
  if (show.grantee) {
    Word("for");
    Write(*show.grantee);
  }
  if (!show.database.empty()) {
    Word("from database");
    Write(show.database);
  }
  Show("limit", show.limit);
}

void Printer::Write(const ShowDefinition& show) {
  Word("show");
  Word(WordsOf(show.object));
  if (!show.name) return Word("all");
  Write(*show.name);
  WordIf(show.partition, "partition");
}

void Printer::Write(const Describe& describe) {
  Word("desc");
  Word(WordsOf(describe.object));
  Write(describe.name);
  WordIf(describe.account || describe.namespace_id, "of");
  ValueIf("account", describe.account);
  ValueIf("namespace", describe.namespace_id);
}

}  // namespace skep::sql
