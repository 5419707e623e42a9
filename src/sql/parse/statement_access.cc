// Rules of users, roles, privileges and policies.
#include <algorithm>
#include <string>

#include "sql/parse/statement.h"

namespace skep::sql {
using namespace ast;

namespace {

// Privileges on objects. Sorted.
constexpr std::string_view kPrivileges[] = {
    "all",       "alter",   "assumerole", "connect", "create", "delete", "drop",
    "execute",   "insert",  "references", "rule",    "select", "share",  "temp",
    "temporary", "trigger", "truncate",   "update",  "usage"};

// Permissions of roles. Sorted.
constexpr std::string_view kPermissions[] = {"access catalog",
                                             "access system table",
                                             "alter datashare",
                                             "alter default privileges",
                                             "alter table",
                                             "alter user",
                                             "analyze",
                                             "cancel",
                                             "create database",
                                             "create datashare",
                                             "create library",
                                             "create model",
                                             "create or replace external function",
                                             "create or replace function",
                                             "create or replace procedure",
                                             "create or replace view",
                                             "create role",
                                             "create schema",
                                             "create table",
                                             "create user",
                                             "drop database",
                                             "drop datashare",
                                             "drop function",
                                             "drop library",
                                             "drop model",
                                             "drop procedure",
                                             "drop role",
                                             "drop schema",
                                             "drop table",
                                             "drop user",
                                             "drop view",
                                             "explain masking",
                                             "explain rls",
                                             "ignore rls",
                                             "truncate table",
                                             "vacuum"};

template <size_t N>
bool In(std::string_view word, const std::string_view (&sorted)[N]) {
  return std::ranges::binary_search(sorted, word);
}

constexpr KindRule kGrantKinds[] = {
    {"external table", ObjectKind::kExternalTable},
    {"external schema", ObjectKind::kExternalSchema},
    {"copy job", ObjectKind::kCopyJob},
    {"table", ObjectKind::kTable},
    {"schema", ObjectKind::kSchema},
    {"database", ObjectKind::kDatabase},
    {"function", ObjectKind::kFunction},
    {"procedure", ObjectKind::kProcedure},
    {"language", ObjectKind::kLanguage},
    {"model", ObjectKind::kModel},
    {"template", ObjectKind::kTemplate},
    {"datashare", ObjectKind::kDatashare},
};
constexpr KindRule kGrantPlurals[] = {
    {"copy jobs", ObjectKind::kCopyJob},    {"tables", ObjectKind::kTable},
    {"schemas", ObjectKind::kSchema},       {"functions", ObjectKind::kFunction},
    {"procedures", ObjectKind::kProcedure}, {"languages", ObjectKind::kLanguage},
    {"templates", ObjectKind::kTemplate},   {"models", ObjectKind::kModel},
};

constexpr OptionRule kUserOptions[] = {
    {"password", Takes::kScalar, "", true},
    {"createdb"},
    {"nocreatedb"},
    {"createuser"},
    {"nocreateuser"},
    {"syslog access", Takes::kScalar},
    {"in group", Takes::kNames},
    {"valid until", Takes::kString},
    {"connection limit", Takes::kScalar},
    {"reset session timeout"},
    {"session timeout", Takes::kNumber},
    {"externalid", Takes::kScalar},
    {"login"},
    {"nologin"},
};

constexpr OptionRule kProviderOptions[] = {
    {"type", Takes::kScalar},
    {"namespace", Takes::kScalar},
    {"parameters", Takes::kString, "", true},
    {"application_arn", Takes::kString},
    {"iam_role", Takes::kScalar},
    {"auto_create_roles", Takes::kNothing, "true|false"},
    {"include groups like", Takes::kString},
    {"exclude groups like", Takes::kString},
    {"enable"},
    {"disable"},
};

}  // namespace

// ---------------------------------------------------------------- GRANT, REVOKE

Privilege* StatementParser::ParsePrivilege() {
  auto* privilege = p_.Make<Privilege>(p_.at());
  std::string name;
  while (p_.Peek().kind == TokenKind::kWord && !p_.AtAny({"on", "to", "from", "for"})) {
    if (!name.empty()) name += ' ';
    name += p_.Take().value;
  }
  if (name.empty()) {
    p_.Unexpected();
    return privilege;
  }
  if (name == "all privileges") name = "all";
  if (name == "temporary") name = "temp";
  privilege->name = p_.arena().Copy(std::string_view(name));
  p_.Close(privilege);
  if (p_.AtOperator("(")) {
    privilege->columns = p_.ParseNameList();
    p_.Close(privilege);
  }
  return privilege;
}

Grantee* StatementParser::ParseGrantee() {
  auto* grantee = p_.Make<Grantee>(p_.at());
  const auto followed = [&] {
    const Token& next = p_.Peek(1);
    return next.kind == TokenKind::kString || next.kind == TokenKind::kQuotedName ||
           (next.kind == TokenKind::kWord && !next.Is("with") && !next.Is("for") &&
            !next.Is("limit") && !next.Is("from") && !next.Is("cascade") && !next.Is("restrict"));
  };
  if (p_.Take({"masking", "policy"}) || p_.At({"rls", "policy"})) {
    grantee->grantee =
        p_.Take({"rls", "policy"}) ? GranteeKind::kRlsPolicy : GranteeKind::kMaskingPolicy;
    grantee->name = p_.ParseName();
  } else if (p_.At("role") && followed()) {
    p_.Take();
    grantee->grantee = GranteeKind::kRole;
    grantee->name = ParseIdentity();
  } else if (p_.At("group") && followed()) {
    p_.Take();
    grantee->grantee = GranteeKind::kGroup;
    grantee->name = ParseIdentity();
  } else if (p_.At("iam_role") && followed()) {
    p_.Take();
    grantee->grantee = GranteeKind::kIamRole;
    grantee->value = ParseValue();
  } else if (p_.At("namespace") && followed()) {
    p_.Take();
    grantee->grantee = GranteeKind::kNamespace;
    grantee->value = ParseValue();
  } else if (p_.At("account") && followed()) {
    p_.Take();
    grantee->grantee = GranteeKind::kAccount;
    grantee->value = ParseValue();
    grantee->via_data_catalog = p_.Take({"via", "data", "catalog"});
  } else if (p_.Take("public")) {
    grantee->grantee = GranteeKind::kPublic;
  } else if (p_.Peek().kind == TokenKind::kParameter) {
    grantee->name = ParseNameOrParameter();
  } else {
    grantee->name = ParseIdentity();
  }
  grantee->with_grant_option = p_.Take({"with", "grant", "option"});
  if (!grantee->with_grant_option)
    grantee->with_admin_option = p_.Take({"with", "admin", "option"});
  return p_.Close(grantee);
}

List<Grantee*> StatementParser::ParseGrantees() {
  std::vector<Grantee*> grantees;
  do {
    grantees.push_back(ParseGrantee());
  } while (p_.TakeOperator(","));
  return p_.Copy(grantees);
}

Statement* StatementParser::ParseGrant() {
  p_.Expect("grant");
  return ParseGrantOrRevoke(Begin<Grant>(), "to", false);
}

Statement* StatementParser::ParseRevoke() {
  p_.Expect("revoke");
  return ParseGrantOrRevoke(Begin<Revoke>(), "from", false);
}

template <class T>
Statement* StatementParser::ParseGrantOrRevoke(T* grant, std::string_view to, bool of_defaults) {
  if (to == "from") {
    if (p_.Take({"grant", "option", "for"}))
      grant->option_for = OptionFor::kGrant;
    else if (p_.Take({"admin", "option", "for"}))
      grant->option_for = OptionFor::kAdmin;
  }
  const auto tail = [&] {
    p_.Expect(to);
    grant->grantees = ParseGrantees();
  };
  if (p_.At("role") && !p_.Peek(1).Is("on") && !p_.Peek(1).Is("to") && !p_.Peek(1).Is("from")) {
    grant->form = GrantForm::kRoles;
    std::vector<Name> roles;
    do {
      p_.Take("role");
      roles.push_back(ParseIdentity());
    } while (p_.TakeOperator(","));
    grant->roles = p_.Copy(roles);
    tail();
    grant->behavior = ParseBehavior();
    return grant;
  }
  if (p_.At("assumerole") && p_.Peek(1).Is("on")) {
    p_.Take();
    p_.Take();
    grant->form = GrantForm::kAssumeRole;
    std::vector<Value*> roles;
    do {
      if (p_.Peek().kind != TokenKind::kString && !p_.AtAny({"default", "all"})) p_.Unexpected();
      roles.push_back(ParseValue());
    } while (p_.TakeOperator(","));
    grant->iam_roles = p_.Copy(roles);
    tail();
    p_.Expect("for");
    std::vector<std::string_view> purposes;
    do {
      if (p_.Take("all"))
        purposes.emplace_back("all");
      else if (p_.Take("copy"))
        purposes.emplace_back("copy");
      else if (p_.Take("unload"))
        purposes.emplace_back("unload");
      else if (p_.Take({"external", "function"}))
        purposes.emplace_back("external function");
      else if (p_.Take({"create", "model"}))
        purposes.emplace_back("create model");
      else
        p_.Unexpected();
    } while (p_.TakeOperator(","));
    grant->purposes = p_.Copy(purposes);
    return grant;
  }
  // A role may be granted without the word ROLE: what stands before TO is no permission then.
  if ((p_.AtName() || p_.Peek().kind == TokenKind::kQuotedName) &&
      (p_.Peek(1).IsOperator(":") || p_.Peek(1).Is(to) || p_.Peek(1).IsOperator(",")) &&
      !In(p_.Peek().value, kPrivileges) && !In(p_.Peek().value, kPermissions)) {
    grant->form = GrantForm::kRoles;
    grant->roles = ParseIdentities();
    tail();
    grant->behavior = ParseBehavior();
    return grant;
  }
  std::vector<Privilege*> privileges;
  do {
    privileges.push_back(ParsePrivilege());
  } while (p_.TakeOperator(","));
  grant->privileges = p_.Copy(privileges);
  if (p_.failed()) return grant;
  const auto check = [&](bool system) {
    for (const Privilege* privilege : privileges) {
      const bool known = system ? In(privilege->name, kPermissions) || privilege->name == "all"
                                : In(privilege->name, kPrivileges);
      if (known) continue;
      p_.Raise(ErrorKind::kSyntaxError,
               "unrecognized privilege type \"" + std::string(privilege->name) + "\"",
               privilege->begin);
      return;
    }
  };
  if (p_.At(to)) {
    grant->form = GrantForm::kSystem;
    check(true);
    tail();
    grant->behavior = ParseBehavior();
    return grant;
  }
  check(false);
  if (p_.Take("for")) {
    grant->form = GrantForm::kScoped;
    grant->object = TakeKind(kGrantPlurals);
    if (grant->object == ObjectKind::kNone) p_.Unexpected();
    p_.Expect("in");
    if (p_.Take("schema")) {
      grant->scope_schema = p_.ParseName();
      if (p_.Take("database")) grant->scope_database = p_.ParseName();
    } else {
      p_.Expect("database");
      grant->scope_database = p_.ParseName();
    }
    tail();
    grant->behavior = ParseBehavior();
    return grant;
  }
  p_.Expect("on");
  if (of_defaults) {
    grant->form = GrantForm::kKind;
    grant->object = TakeKind(kGrantPlurals);
    if (grant->object == ObjectKind::kNone) p_.Unexpected();
  } else {
    if (p_.At("all") && p_.Peek(2).Is("in")) {
      p_.Take();
      grant->form = GrantForm::kAllInSchema;
      grant->object = TakeKind(kGrantPlurals);
      if (grant->object == ObjectKind::kNone) p_.Unexpected();
      p_.Expect({"in", "schema"});
    } else if (!p_.Peek(1).IsOperator(".") && !p_.Peek(1).IsOperator(",") && !p_.Peek(1).Is(to)) {
      grant->object = TakeKind(kGrantKinds);
    }
    std::vector<Routine*> objects;
    const ObjectKind each =
        grant->form == GrantForm::kAllInSchema ? ObjectKind::kSchema : grant->object;
    do {
      if (p_.At("function") && each == ObjectKind::kFunction) p_.Take();
      objects.push_back(ParseRoutine(each));
    } while (p_.TakeOperator(","));
    grant->objects = p_.Copy(objects);
  }
  tail();
  grant->behavior = ParseBehavior();
  return grant;
}

Statement* StatementParser::ParseAlterDefaultPrivileges() {
  auto* defaults = Begin<AlterDefaultPrivileges>();
  for (bool more = true; more && !p_.failed();) {
    if (p_.Take({"for", "user"}) || p_.Take({"for", "role"}))
      defaults->users = ParseIdentities();
    else if (p_.Take({"in", "schema"}))
      defaults->schemas = p_.ParseNames();
    else
      more = false;
  }
  const size_t first = p_.at();
  if (p_.Take("grant")) {
    defaults->grant = ParseGrantOrRevoke(p_.Make<Grant>(first), "to", true);
  } else {
    p_.Expect("revoke");
    defaults->grant = ParseGrantOrRevoke(p_.Make<Revoke>(first), "from", true);
  }
  if (!p_.failed()) p_.Close(defaults->grant);
  return defaults;
}

// ---------------------------------------------------------------- users, groups, roles

Statement* StatementParser::ParseCreateUser() {
  auto* user = Begin<CreateUser>();
  user->name = ParseIdentity();
  p_.Take("with");
  user->options = ParseOptions(kUserOptions);
  return user;
}

Statement* StatementParser::ParseAlterUser() {
  auto* user = Begin<AlterUser>();
  user->name = ParseIdentity();
  p_.Take("with");
  if (p_.Take({"rename", "to"})) {
    user->rename_to = ParseIdentity();
    return user;
  }
  const size_t first = p_.at();
  if (p_.At("reset") && !p_.Peek(1).Is("session")) {
    user->setting = ParseReset();
    user->setting->begin = p_.Make<Reset>(first)->begin;
    p_.Close(user->setting);
    return user;
  }
  if (p_.Take("set")) {
    user->setting = ParseSetting(SettingScope::kNone, first);
    return user;
  }
  user->options = ParseOptions(kUserOptions);
  if (user->options.empty()) p_.Unexpected();
  return user;
}

Statement* StatementParser::ParseCreateGroup() {
  auto* group = Begin<CreateGroup>();
  group->name = ParseIdentity();
  p_.Take("with");
  if (p_.Take("user")) group->users = ParseIdentities();
  return group;
}

Statement* StatementParser::ParseAlterGroup() {
  auto* group = Begin<AlterGroup>();
  group->name = ParseIdentity();
  if (p_.Take({"rename", "to"})) {
    group->rename_to = ParseIdentity();
    return group;
  }
  group->drop = p_.Take("drop");
  if (!group->drop) p_.Expect("add");
  p_.Expect("user");
  group->users = ParseIdentities();
  return group;
}

Statement* StatementParser::ParseCreateRole() {
  auto* role = Begin<CreateRole>();
  role->name = ParseIdentity();
  if (p_.Take("externalid")) role->external_id = ParseValue();
  return role;
}

Statement* StatementParser::ParseAlterRole() {
  auto* role = Begin<AlterRole>();
  role->name = ParseIdentity();
  p_.Take("with");
  bool any = false;
  for (bool more = true; more && !p_.failed();) {
    const size_t here = p_.at();
    if (any) p_.TakeOperator(",");
    if (p_.Take({"rename", "to"})) {
      role->rename_to = ParseIdentity();
    } else if (p_.Take({"owner", "to"})) {
      role->owner = ParseIdentity();
    } else if (p_.Take("externalid")) {
      p_.Take("to");
      role->external_id = ParseValue();
    } else {
      p_.Seek(here);
      more = false;
    }
    any = any || more;
  }
  if (!any) p_.Unexpected();
  return role;
}

Statement* StatementParser::ParseCreateIdentityProvider() {
  auto* provider = Begin<CreateIdentityProvider>();
  provider->name = p_.ParseName();
  provider->options = ParseOptions(kProviderOptions);
  if (!FindOption(provider->options, "type")) p_.Unexpected();
  return provider;
}

Statement* StatementParser::ParseAlterIdentityProvider() {
  auto* provider = Begin<AlterIdentityProvider>();
  provider->name = p_.ParseName();
  provider->options = ParseOptions(kProviderOptions);
  if (provider->options.empty()) p_.Unexpected();
  return provider;
}

// ---------------------------------------------------------------- policies

// USING (a, b)
List<Expr*> StatementParser::ParseUsing() {
  p_.Expect("using");
  p_.ExpectOperator("(");
  const List<Expr*> expressions = p_.ParseExpressions();
  p_.ExpectOperator(")");
  return expressions;
}

Statement* StatementParser::ParseCreatePolicy(bool masking, bool or_replace) {
  auto* policy = Begin<CreatePolicy>();
  policy->masking = masking;
  policy->or_replace = or_replace;
  policy->if_not_exists = TakeIfNotExists();
  policy->name = p_.ParseQualifiedName();
  if (p_.Take("with")) {
    policy->columns = ParseColumns(false);
    if (!p_.At("using")) policy->alias = p_.ParseAlias();
  }
  policy->using_expressions = ParseUsing();
  return policy;
}

Statement* StatementParser::ParseAlterPolicy(bool masking) {
  auto* policy = Begin<AlterPolicy>();
  policy->masking = masking;
  policy->name = p_.ParseQualifiedName();
  policy->using_expressions = ParseUsing();
  return policy;
}

// {MASKING | RLS} POLICY name ON [TABLE] tables, of a masking policy also (columns).
template <class T>
void StatementParser::ParsePolicyOnTables(T* policy) {
  policy->masking = p_.Take("masking");
  if (!policy->masking) p_.Expect("rls");
  p_.Expect("policy");
  policy->name = p_.ParseQualifiedName();
  p_.Expect("on");
  p_.Take("table");
  std::vector<QualifiedName> tables;
  do {
    tables.push_back(p_.ParseQualifiedName());
  } while (p_.TakeOperator(","));
  policy->tables = p_.Copy(tables);
  if (!policy->masking) return;
  p_.ExpectOperator("(");
  policy->outputs = p_.ParseExpressions();
  p_.ExpectOperator(")");
}

Statement* StatementParser::ParseAttachPolicy() {
  auto* policy = Begin<AttachPolicy>();
  p_.Expect("attach");
  ParsePolicyOnTables(policy);
  if (policy->masking && p_.At("using")) policy->inputs = ParseUsing();
  p_.Expect("to");
  policy->grantees = ParseGrantees();
  if (p_.Take("priority")) policy->priority = p_.ExpectInteger();
  return policy;
}

Statement* StatementParser::ParseDetachPolicy() {
  auto* policy = Begin<DetachPolicy>();
  p_.Expect("detach");
  ParsePolicyOnTables(policy);
  p_.Expect("from");
  policy->grantees = ParseGrantees();
  return policy;
}

}  // namespace skep::sql
