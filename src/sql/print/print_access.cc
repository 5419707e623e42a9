// Statements about privileges, users, groups, roles, identity providers and policies.
#include "sql/ast/names.h"
#include "sql/print/printer.h"

namespace skep::sql {
using namespace ast;

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
  Grantees(grant.grantees);
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
  Grantees(policy.grantees);
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
  Grantees(policy.grantees);
}

}  // namespace skep::sql
