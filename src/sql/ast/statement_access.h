// Statements about users, roles, privileges and policies. Source of the forms: the developer
// guide's GRANT, REVOKE, CREATE USER, CREATE RLS POLICY and their neighbours.
#pragma once

#include "sql/ast/statement_parts.h"

namespace skep::sql::ast {

// select, "create or replace function", select (a, b)
struct Privilege : Is<NodeKind::kPrivilege, Node> {
  std::string_view name;  // lower case, words divided by one blank; "all", "temp"
  List<Name> columns;
  static auto Fields(auto& s) { return std::tie(s.name, s.columns); }
};

enum class GrantForm : uint8_t {
  kObjects,      // ... ON object
  kAllInSchema,  // ... ON ALL TABLES IN SCHEMA names
  kKind,         // ... ON TABLES, within ALTER DEFAULT PRIVILEGES
  kScoped,       // ... FOR TABLES IN SCHEMA s DATABASE d
  kSystem,       // CREATE USER TO ROLE r
  kRoles,        // ROLE a, ROLE b TO ...
  kAssumeRole,   // ASSUMEROLE ON 'arn' TO u FOR COPY
};

enum class OptionFor : uint8_t { kNone, kGrant, kAdmin };

template <NodeKind K>
struct GrantOf : Is<K, Statement> {
  OptionFor option_for = OptionFor::kNone;  // REVOKE GRANT OPTION FOR
  GrantForm form = GrantForm::kObjects;
  List<Privilege*> privileges;
  List<Name> roles;
  List<Value*> iam_roles;                 // ASSUMEROLE: strings, or the words default, all
  ObjectKind object = ObjectKind::kNone;  // kNone: none was written
  List<Routine*> objects;                 // schemas of kAllInSchema
  Name scope_schema;
  Name scope_database;
  List<Grantee*> grantees;
  List<std::string_view> purposes;  // ASSUMEROLE ... FOR: "copy", "external function"
  Behavior behavior = Behavior::kNone;
  static auto Fields(auto& s) {
    return std::tie(s.option_for, s.form, s.privileges, s.roles, s.iam_roles, s.object, s.objects,
                    s.scope_schema, s.scope_database, s.grantees, s.purposes, s.behavior);
  }
};

struct Grant : GrantOf<NodeKind::kGrant> {};
struct Revoke : GrantOf<NodeKind::kRevoke> {};

struct AlterDefaultPrivileges : Is<NodeKind::kAlterDefaultPrivileges, Statement> {
  List<Name> users;
  List<Name> schemas;
  Statement* grant = nullptr;  // Grant or Revoke
  static auto Fields(auto& s) { return std::tie(s.users, s.schemas, s.grant); }
};

// Options: password, createdb, nocreatedb, createuser, nocreateuser, "syslog access", "in group",
// "valid until", "connection limit", "session timeout", externalid, login, nologin.
struct CreateUser : Is<NodeKind::kCreateUser, Statement> {
  Name name;
  List<Option*> options;
  static auto Fields(auto& s) { return std::tie(s.name, s.options); }
};

// Options as of CREATE USER, "reset session timeout" besides.
struct AlterUser : Is<NodeKind::kAlterUser, Statement> {
  Name name;
  Name rename_to;
  List<Option*> options;
  Statement* setting = nullptr;  // Set or Reset
  static auto Fields(auto& s) { return std::tie(s.name, s.rename_to, s.options, s.setting); }
};

struct CreateGroup : Is<NodeKind::kCreateGroup, Statement> {
  Name name;
  List<Name> users;
  static auto Fields(auto& s) { return std::tie(s.name, s.users); }
};

struct AlterGroup : Is<NodeKind::kAlterGroup, Statement> {
  Name name;
  bool drop = false;  // ADD USER or DROP USER, when users are given
  List<Name> users;
  Name rename_to;
  static auto Fields(auto& s) { return std::tie(s.name, s.drop, s.users, s.rename_to); }
};

struct CreateRole : Is<NodeKind::kCreateRole, Statement> {
  Name name;
  Value* external_id = nullptr;
  static auto Fields(auto& s) { return std::tie(s.name, s.external_id); }
};

struct AlterRole : Is<NodeKind::kAlterRole, Statement> {
  Name name;
  Name rename_to;
  Name owner;
  Value* external_id = nullptr;
  static auto Fields(auto& s) { return std::tie(s.name, s.rename_to, s.owner, s.external_id); }
};

// Options: type, namespace, parameters, application_arn, iam_role, auto_create_roles, "include
// groups like", "exclude groups like", enable, disable.
struct CreateIdentityProvider : Is<NodeKind::kCreateIdentityProvider, Statement> {
  Name name;
  List<Option*> options;
  static auto Fields(auto& s) { return std::tie(s.name, s.options); }
};

struct AlterIdentityProvider : Is<NodeKind::kAlterIdentityProvider, Statement> {
  Name name;
  List<Option*> options;
  static auto Fields(auto& s) { return std::tie(s.name, s.options); }
};

// CREATE {MASKING | RLS} POLICY p WITH (columns) [AS alias] USING (expressions)
struct CreatePolicy : Is<NodeKind::kCreatePolicy, Statement> {
  bool masking = false;
  bool if_not_exists = false;
  bool or_replace = false;
  QualifiedName name;
  List<ColumnDefinition*> columns;
  Alias alias;
  List<Expr*> using_expressions;  // RLS: one
  static auto Fields(auto& s) {
    return std::tie(s.masking, s.if_not_exists, s.or_replace, s.name, s.columns, s.alias,
                    s.using_expressions);
  }
};

struct AlterPolicy : Is<NodeKind::kAlterPolicy, Statement> {
  bool masking = false;
  QualifiedName name;
  List<Expr*> using_expressions;
  static auto Fields(auto& s) { return std::tie(s.masking, s.name, s.using_expressions); }
};

struct AttachPolicy : Is<NodeKind::kAttachPolicy, Statement> {
  bool masking = false;
  QualifiedName name;
  List<QualifiedName> tables;
  List<Expr*> outputs;  // columns, or paths into SUPER columns
  List<Expr*> inputs;
  List<Grantee*> grantees;
  std::string_view priority;
  static auto Fields(auto& s) {
    return std::tie(s.masking, s.name, s.tables, s.outputs, s.inputs, s.grantees, s.priority);
  }
};

struct DetachPolicy : Is<NodeKind::kDetachPolicy, Statement> {
  bool masking = false;
  QualifiedName name;
  List<QualifiedName> tables;
  List<Expr*> outputs;
  List<Grantee*> grantees;
  static auto Fields(auto& s) {
    return std::tie(s.masking, s.name, s.tables, s.outputs, s.grantees);
  }
};

}  // namespace skep::sql::ast
