// SHOW and DESC. Names within may be parameters (ParameterOf). Source of the forms: the developer
// guide's SHOW commands, and what the drivers send.
#pragma once

#include "sql/ast/statement_parts.h"

namespace skep::sql::ast {

struct ShowSetting : Is<NodeKind::kShowSetting, Statement> {
  bool all = false;
  QualifiedName name;  // SHOW TIME ZONE is timezone, SHOW SESSION AUTHORIZATION
                       // session_authorization
  static auto Fields(auto& s) { return std::tie(s.all, s.name); }
};

// SHOW {DATABASES | SCHEMAS | TABLES | COLUMNS | FUNCTIONS | PROCEDURES | TEMPLATES | DATASHARES}
// [FROM scope] [filters] [LIKE p] [LIMIT n]
struct ShowObjects : Is<NodeKind::kShowObjects, Statement> {
  ObjectKind object = ObjectKind::kTable;
  bool data_catalog = false;  // SHOW DATABASES FROM DATA CATALOG
  List<Value*> accounts;
  ObjectKind scope = ObjectKind::kNone;  // kDatabase, kSchema, kTable
  QualifiedName in;
  Expr* schema_like = nullptr;  // SCHEMA_NAME LIKE p
  Expr* table_like = nullptr;
  Expr* column_like = nullptr;
  Expr* like = nullptr;
  Option* iam_role = nullptr;
  Expr* limit = nullptr;
  static auto Fields(auto& s) {
    return std::tie(s.object, s.data_catalog, s.accounts, s.scope, s.in, s.schema_like,
                    s.table_like, s.column_like, s.like, s.iam_role, s.limit);
  }
};

struct ShowConstraints : Is<NodeKind::kShowConstraints, Statement> {
  bool foreign = false;
  bool exported = false;
  QualifiedName table;
  Expr* limit = nullptr;
  static auto Fields(auto& s) { return std::tie(s.foreign, s.exported, s.table, s.limit); }
};

// SHOW [COLUMN] GRANTS ON object [FOR grantee] ..., SHOW GRANTS FOR grantee [FROM DATABASE d],
// SHOW GRANTS ON TABLES FROM DATABASE d
struct ShowGrants : Is<NodeKind::kShowGrants, Statement> {
  bool columns = false;
  ObjectKind object = ObjectKind::kNone;
  bool of_all = false;  // ON TABLES
  Routine* on = nullptr;
  Grantee* grantee = nullptr;
  QualifiedName database;
  Expr* schema_like = nullptr;
  Expr* table_like = nullptr;
  Expr* like = nullptr;
  Expr* limit = nullptr;
  static auto Fields(auto& s) {
    return std::tie(s.columns, s.object, s.of_all, s.on, s.grantee, s.database, s.schema_like,
                    s.table_like, s.like, s.limit);
  }
};

struct ShowParameters : Is<NodeKind::kShowParameters, Statement> {
  ObjectKind object = ObjectKind::kFunction;
  Routine* routine = nullptr;
  Expr* like = nullptr;
  Expr* limit = nullptr;
  static auto Fields(auto& s) { return std::tie(s.object, s.routine, s.like, s.limit); }
};

struct ShowPolicies : Is<NodeKind::kShowPolicies, Statement> {
  bool masking = false;
  QualifiedName on;
  Grantee* grantee = nullptr;
  QualifiedName database;
  Expr* limit = nullptr;
  static auto Fields(auto& s) { return std::tie(s.masking, s.on, s.grantee, s.database, s.limit); }
};

// SHOW {TABLE | VIEW | EXTERNAL TABLE | PROCEDURE | FUNCTION | MODEL | TEMPLATE} name
struct ShowDefinition : Is<NodeKind::kShowDefinition, Statement> {
  ObjectKind object = ObjectKind::kTable;
  Routine* name = nullptr;  // none: SHOW MODEL ALL
  bool partition = false;   // SHOW EXTERNAL TABLE t PARTITION
  static auto Fields(auto& s) { return std::tie(s.object, s.name, s.partition); }
};

struct Describe : Is<NodeKind::kDescribe, Statement> {  // DESC DATASHARE, DESC IDENTITY PROVIDER
  ObjectKind object = ObjectKind::kDatashare;
  Name name;
  Value* account = nullptr;
  Value* namespace_id = nullptr;
  static auto Fields(auto& s) { return std::tie(s.object, s.name, s.account, s.namespace_id); }
};

}  // namespace skep::sql::ast
