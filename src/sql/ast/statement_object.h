// Statements about all other objects: schemas, databases, routines, models, templates, datashares;
// and DROP and COMMENT of any. Source of the forms: the developer guide's "SQL commands".
#pragma once

#include "sql/ast/statement_parts.h"

namespace skep::sql::ast {

struct Drop : Is<NodeKind::kDrop, Statement> {
  ObjectKind object = ObjectKind::kTable;
  bool if_exists = false;
  List<Routine*> names;
  bool external_database = false;  // DROP SCHEMA x DROP EXTERNAL DATABASE
  Behavior behavior = Behavior::kNone;
  static auto Fields(auto& s) {
    return std::tie(s.object, s.if_exists, s.names, s.external_database, s.behavior);
  }
};

struct Comment : Is<NodeKind::kComment, Statement> {
  ObjectKind object = ObjectKind::kTable;
  Routine* name = nullptr;
  QualifiedName table;    // of a constraint
  Value* text = nullptr;  // none: NULL
  static auto Fields(auto& s) { return std::tie(s.object, s.name, s.table, s.text); }
};

struct CreateSchema : Is<NodeKind::kCreateSchema, Statement> {
  bool if_not_exists = false;
  QualifiedName name;  // empty: of the owner's name
  Name authorization;
  Option* quota = nullptr;
  List<Statement*> elements;
  static auto Fields(auto& s) {
    return std::tie(s.if_not_exists, s.name, s.authorization, s.quota, s.elements);
  }
};

struct AlterSchema : Is<NodeKind::kAlterSchema, Statement> {
  QualifiedName name;
  Name rename_to;
  Name owner;
  Option* quota = nullptr;
  static auto Fields(auto& s) { return std::tie(s.name, s.rename_to, s.owner, s.quota); }
};

enum class ExternalSource : uint8_t {
  kNone,
  kDataCatalog,
  kHiveMetastore,
  kPostgres,
  kMysql,
  kKinesis,
  kMsk,
  kKafka,
  kRedshift,
};

// Options: database, schema, region, iam_role, catalog_role, authentication, authentication_arn,
// secret_arn, uri, port, cluster_arn, catalog_id, "create external database if not exists".
struct CreateExternalSchema : Is<NodeKind::kCreateExternalSchema, Statement> {
  bool if_not_exists = false;
  QualifiedName name;
  ExternalSource source = ExternalSource::kNone;
  List<Option*> options;
  static auto Fields(auto& s) { return std::tie(s.if_not_exists, s.name, s.source, s.options); }
};

struct AlterExternalSchema : Is<NodeKind::kAlterExternalSchema, Statement> {
  QualifiedName name;
  List<Option*> options;
  static auto Fields(auto& s) { return std::tie(s.name, s.options); }
};

enum class DatabaseSource : uint8_t { kNone, kIntegration, kDatashare, kArn };

// Options: owner, "connection limit", collate, "isolation level"; of an integration: database,
// acceptinvchars, query_all_states, refresh_interval, truncatecolumns, history_mode,
// auto_remediation; of a catalog's ARN: "with data catalog schema", "with no data catalog schema",
// iam_role.
struct CreateDatabase : Is<NodeKind::kCreateDatabase, Statement> {
  Name name;
  bool with_permissions = false;
  DatabaseSource source = DatabaseSource::kNone;
  Value* from = nullptr;  // integration, ARN
  QualifiedName datashare;
  Value* account = nullptr;
  Value* namespace_id = nullptr;
  List<Option*> options;
  static auto Fields(auto& s) {
    return std::tie(s.name, s.with_permissions, s.source, s.from, s.datashare, s.account,
                    s.namespace_id, s.options);
  }
};

struct AlterDatabase : Is<NodeKind::kAlterDatabase, Statement> {
  Name name;
  Name rename_to;
  Name owner;
  List<Option*> options;
  static auto Fields(auto& s) { return std::tie(s.name, s.rename_to, s.owner, s.options); }
};

// ALTER DATABASE x INTEGRATION {REFRESH ... | SET ...}
struct AlterIntegration : Is<NodeKind::kAlterIntegration, Statement> {
  Name database;
  std::string_view refresh;      // all, inerror, remediable, table; empty: SET
  List<Option*> options;         // of SET
  bool history_for_all = false;  // HISTORY_MODE ... FOR ALL TABLES
  List<Name> schemas;            // IN SCHEMA
  List<QualifiedName> tables;
  static auto Fields(auto& s) {
    return std::tie(s.database, s.refresh, s.options, s.history_for_all, s.schemas, s.tables);
  }
};

enum class Volatility : uint8_t { kNone, kVolatile, kStable, kImmutable };

struct CreateFunction : Is<NodeKind::kCreateFunction, Statement> {
  bool or_replace = false;
  QualifiedName name;
  List<Argument*> arguments;
  TypeName* returns = nullptr;
  Volatility volatility = Volatility::kNone;
  Value* body = nullptr;  // its place is the literal's
  Name language;
  static auto Fields(auto& s) {
    return std::tie(s.or_replace, s.name, s.arguments, s.returns, s.volatility, s.body, s.language);
  }
};

enum class Security : uint8_t { kNone, kInvoker, kDefiner };

struct CreateProcedure : Is<NodeKind::kCreateProcedure, Statement> {
  bool or_replace = false;
  QualifiedName name;
  List<Argument*> arguments;
  bool nonatomic = false;
  Value* body = nullptr;
  Name language;
  Security security = Security::kNone;
  List<Statement*> settings;  // Set
  static auto Fields(auto& s) {
    return std::tie(s.or_replace, s.name, s.arguments, s.nonatomic, s.body, s.language, s.security,
                    s.settings);
  }
};

// Options: lambda, sagemaker, iam_role, retry_timeout, max_batch_rows, max_batch_size.
struct CreateExternalFunction : Is<NodeKind::kCreateExternalFunction, Statement> {
  bool or_replace = false;
  QualifiedName name;
  List<Argument*> arguments;
  TypeName* returns = nullptr;
  Volatility volatility = Volatility::kNone;
  List<Option*> options;
  static auto Fields(auto& s) {
    return std::tie(s.or_replace, s.name, s.arguments, s.returns, s.volatility, s.options);
  }
};

struct AlterRoutine : Is<NodeKind::kAlterRoutine, Statement> {
  ObjectKind object = ObjectKind::kFunction;
  Routine* routine = nullptr;
  Name rename_to;
  Name owner;
  static auto Fields(auto& s) { return std::tie(s.object, s.routine, s.rename_to, s.owner); }
};

struct CreateLibrary : Is<NodeKind::kCreateLibrary, Statement> {
  bool or_replace = false;
  QualifiedName name;
  Name language;
  Value* from = nullptr;
  List<Option*> options;
  static auto Fields(auto& s) {
    return std::tie(s.or_replace, s.name, s.language, s.from, s.options);
  }
};

// CREATE [EXTERNAL] MODEL. Options: target, iam_role, auto, model_type, problem_type, objective,
// preprocessors, hyperparameters, settings, sagemaker.
struct CreateModel : Is<NodeKind::kCreateModel, Statement> {
  bool external = false;
  QualifiedName name;
  QualifiedName table;     // FROM table
  Query* query = nullptr;  // FROM (query)
  Value* job = nullptr;    // FROM 'job'
  Value* target = nullptr;
  QualifiedName function;
  List<TypeName*> arguments;
  TypeName* returns = nullptr;
  List<Option*> options;
  static auto Fields(auto& s) {
    return std::tie(s.external, s.name, s.table, s.query, s.job, s.target, s.function, s.arguments,
                    s.returns, s.options);
  }
};

struct CreateTemplate : Is<NodeKind::kCreateTemplate, Statement> {  // ... FOR COPY AS options
  bool or_replace = false;
  QualifiedName name;
  List<Option*> options;
  static auto Fields(auto& s) { return std::tie(s.or_replace, s.name, s.options); }
};

enum class TemplateStep : uint8_t { kRename, kOwner, kAdd, kDrop, kSet };

struct AlterTemplate : Is<NodeKind::kAlterTemplate, Statement> {
  QualifiedName name;
  TemplateStep step = TemplateStep::kRename;
  Name to;  // new name or owner
  List<Option*> options;
  static auto Fields(auto& s) { return std::tie(s.name, s.step, s.to, s.options); }
};

// Options: publicaccessible, managedby.
struct CreateDatashare : Is<NodeKind::kCreateDatashare, Statement> {
  Name name;
  List<Option*> options;
  static auto Fields(auto& s) { return std::tie(s.name, s.options); }
};

struct AlterDatashare : Is<NodeKind::kAlterDatashare, Statement> {
  Name name;
  bool remove = false;  // ADD or REMOVE, when object is not kNone
  ObjectKind object = ObjectKind::kNone;
  bool all_in_schema = false;  // ALL TABLES IN SCHEMA: names are the schemas
  List<Routine*> names;
  List<Option*> options;  // SET publicaccessible, includenew
  Name schema;            // SET INCLUDENEW ... FOR SCHEMA
  static auto Fields(auto& s) {
    return std::tie(s.name, s.remove, s.object, s.all_in_schema, s.names, s.options, s.schema);
  }
};

struct AlterSystem : Is<NodeKind::kAlterSystem, Statement> {
  Name setting;
  Value* value = nullptr;
  static auto Fields(auto& s) { return std::tie(s.setting, s.value); }
};

}  // namespace skep::sql::ast
