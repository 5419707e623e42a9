// Rules of schemas, databases, routines, models, templates, datashares; DROP and COMMENT.
#include "sql/parse/statement.h"

namespace skep::sql {
using namespace ast;

namespace {

constexpr KindRule kDropKinds[] = {
    {"table", ObjectKind::kTable},
    {"view", ObjectKind::kView},
    {"materialized view", ObjectKind::kMaterializedView},
    {"external view", ObjectKind::kExternalView},
    {"schema", ObjectKind::kSchema},
    {"database", ObjectKind::kDatabase},
    {"function", ObjectKind::kFunction},
    {"procedure", ObjectKind::kProcedure},
    {"library", ObjectKind::kLibrary},
    {"model", ObjectKind::kModel},
    {"template", ObjectKind::kTemplate},
    {"datashare", ObjectKind::kDatashare},
    {"user", ObjectKind::kUser},
    {"group", ObjectKind::kGroup},
    {"role", ObjectKind::kRole},
    {"identity provider", ObjectKind::kIdentityProvider},
    {"masking policy", ObjectKind::kMaskingPolicy},
    {"rls policy", ObjectKind::kRlsPolicy},
};

constexpr OptionRule kSchemaQuota[] = {
    {"quota", Takes::kScalar, "mb|gb|tb"},
};

constexpr OptionRule kExternalSchemaOptions[] = {
    {"create external database if not exists"},
    {"database", Takes::kScalar},
    {"schema", Takes::kScalar},
    {"region", Takes::kString},
    {"iam_role", Takes::kScalar},
    {"catalog_role", Takes::kScalar},
    {"catalog_id", Takes::kString},
    {"authentication_arn", Takes::kString},
    {"authentication", Takes::kScalar},
    {"secret_arn", Takes::kString, "", true},
    {"uri", Takes::kString},
    {"port", Takes::kNumber},
    {"cluster_arn", Takes::kString},
};

constexpr OptionRule kDatabaseOptions[] = {
    {"owner", Takes::kScalar},
    {"connection limit", Takes::kScalar},
    {"collate", Takes::kScalar},
    {"isolation level", Takes::kScalar},
    {"with data catalog schema", Takes::kScalar},
    {"with no data catalog schema"},
    {"iam_role", Takes::kScalar},
};

constexpr OptionRule kIntegrationOptions[] = {
    {"database", Takes::kScalar},         {"acceptinvchars", Takes::kScalar},
    {"query_all_states", Takes::kScalar}, {"refresh_interval", Takes::kNumber},
    {"truncatecolumns", Takes::kScalar},  {"history_mode", Takes::kScalar},
    {"auto_remediation", Takes::kScalar},
};

constexpr OptionRule kExternalFunctionOptions[] = {
    {"lambda", Takes::kString},         {"sagemaker", Takes::kString},
    {"iam_role", Takes::kScalar},       {"retry_timeout", Takes::kNumber},
    {"max_batch_rows", Takes::kNumber}, {"max_batch_size", Takes::kNumber, "kb|mb"},
};

constexpr OptionRule kLibraryOptions[] = {
    {"credentials", Takes::kString, "", true},
    {"with credentials", Takes::kString, "", true, "credentials"},
    {"access_key_id", Takes::kString, "", true},
    {"secret_access_key", Takes::kString, "", true},
    {"session_token", Takes::kString, "", true},
    {"iam_role", Takes::kScalar},
    {"region", Takes::kString},
};

constexpr OptionRule kModelOptions[] = {
    {"iam_role", Takes::kScalar},
    {"auto", Takes::kNothing, "on|off"},
    {"model_type", Takes::kScalar},
    {"problem_type", Takes::kScalar},
    {"objective", Takes::kScalar},
    {"preprocessors", Takes::kString},
    {"hyperparameters default except", Takes::kSettings},
    {"hyperparameters default"},
    {"hyperparameters", Takes::kSettings},
    {"settings", Takes::kSettings},
};

constexpr OptionRule kDatashareOptions[] = {
    {"set publicaccessible", Takes::kScalar, "", false, "publicaccessible"},
    {"publicaccessible", Takes::kScalar},
    {"set includenew", Takes::kScalar, "", false, "includenew"},
    {"includenew", Takes::kScalar},
    {"set managedby", Takes::kScalar, "", false, "managedby"},
    {"managedby", Takes::kScalar},
};

}  // namespace

Statement* StatementParser::ParseDrop() {
  auto* drop = Begin<Drop>();
  p_.Expect("drop");
  drop->object = TakeKind(kDropKinds);
  if (drop->object == ObjectKind::kNone) {
    p_.Unexpected();
    return drop;
  }
  drop->if_exists = TakeIfExists();
  std::vector<Routine*> names;
  do {
    names.push_back(ParseRoutine(drop->object));
  } while (p_.TakeOperator(","));
  drop->names = p_.Copy(names);
  if (drop->object == ObjectKind::kSchema)
    drop->external_database = p_.Take({"drop", "external", "database"});
  drop->behavior = ParseBehavior();
  if (drop->object == ObjectKind::kExternalView && !drop->if_exists)
    drop->if_exists = TakeIfExists();
  return drop;
}

Statement* StatementParser::ParseComment() {
  static constexpr KindRule kKinds[] = {
      {"materialized view", ObjectKind::kMaterializedView},
      {"external table", ObjectKind::kExternalTable},
      {"table", ObjectKind::kTable},
      {"column", ObjectKind::kColumn},
      {"view", ObjectKind::kView},
      {"constraint", ObjectKind::kConstraint},
      {"schema", ObjectKind::kSchema},
      {"database", ObjectKind::kDatabase},
      {"function", ObjectKind::kFunction},
      {"procedure", ObjectKind::kProcedure},
      {"language", ObjectKind::kLanguage},
      {"library", ObjectKind::kLibrary},
      {"model", ObjectKind::kModel},
      {"datashare", ObjectKind::kDatashare},
      {"role", ObjectKind::kRole},
      {"user", ObjectKind::kUser},
  };
  auto* comment = Begin<Comment>();
  p_.Expect({"comment", "on"});
  comment->object = TakeKind(kKinds);
  if (comment->object == ObjectKind::kNone) {
    if (p_.AtAny({"index", "sequence", "trigger", "type", "domain", "rule", "aggregate", "operator",
                  "cast", "conversion", "tablespace"}))
      Refuse("comment on such an object");
    p_.Unexpected();
    return comment;
  }
  comment->name = ParseRoutine(comment->object);
  if (comment->object == ObjectKind::kConstraint) {
    p_.Expect("on");
    comment->table = p_.ParseQualifiedName();
  }
  p_.Expect("is");
  if (!p_.Take("null")) comment->text = ParseString();
  return comment;
}

// ---------------------------------------------------------------- schemas and databases

Statement* StatementParser::ParseCreateSchema() {
  auto* schema = Begin<CreateSchema>();
  schema->if_not_exists = TakeIfNotExists();
  if (!p_.At("authorization")) schema->name = p_.ParseQualifiedName();
  if (p_.Take("authorization")) schema->authorization = ParseIdentity();
  schema->quota = ParseOption(kSchemaQuota);
  std::vector<Statement*> elements;
  while (!p_.failed() && p_.AtAny({"create", "grant"})) elements.push_back(ParseStatement(p_));
  schema->elements = p_.Copy(elements);
  return schema;
}

Statement* StatementParser::ParseAlterSchema() {
  auto* schema = Begin<AlterSchema>();
  schema->name = p_.ParseQualifiedName();
  if (p_.Take({"rename", "to"})) {
    schema->rename_to = p_.ParseName();
  } else if (p_.Take({"owner", "to"})) {
    schema->owner = ParseIdentity();
  } else {
    schema->quota = ParseOption(kSchemaQuota);
    if (!schema->quota) p_.Unexpected();
  }
  return schema;
}

Statement* StatementParser::ParseCreateExternalSchema() {
  auto* schema = Begin<CreateExternalSchema>();
  schema->if_not_exists = TakeIfNotExists();
  schema->name = p_.ParseQualifiedName();
  if (p_.Take("from")) {
    if (p_.Take({"data", "catalog"}))
      schema->source = ExternalSource::kDataCatalog;
    else if (p_.Take({"hive", "metastore"}))
      schema->source = ExternalSource::kHiveMetastore;
    else if (p_.Take("postgres"))
      schema->source = ExternalSource::kPostgres;
    else if (p_.Take("mysql"))
      schema->source = ExternalSource::kMysql;
    else if (p_.Take("kinesis"))
      schema->source = ExternalSource::kKinesis;
    else if (p_.Take("msk"))
      schema->source = ExternalSource::kMsk;
    else if (p_.Take("kafka"))
      schema->source = ExternalSource::kKafka;
    else if (p_.Take("redshift"))
      schema->source = ExternalSource::kRedshift;
    else if (!p_.AtAny({"database", "iam_role"}))
      p_.Unexpected();
  }
  schema->options = ParseOptions(kExternalSchemaOptions);
  return schema;
}

Statement* StatementParser::ParseAlterExternalSchema() {
  auto* schema = Begin<AlterExternalSchema>();
  schema->name = p_.ParseQualifiedName();
  schema->options = ParseOptions(kExternalSchemaOptions);
  if (schema->options.empty()) p_.Unexpected();
  return schema;
}

Statement* StatementParser::ParseCreateDatabase() {
  auto* database = Begin<CreateDatabase>();
  if (p_.At({"if", "not", "exists"})) Refuse("create database if not exists");
  database->name = p_.ParseName();
  database->with_permissions = p_.Take({"with", "permissions"});
  std::vector<Option*> options;
  const auto take = [&](std::span<const OptionRule> rules) {
    for (Option* option : ParseOptions(rules)) options.push_back(option);
  };
  for (bool more = true; more && !p_.failed();) {
    const size_t here = p_.at();
    take(kDatabaseOptions);
    if (p_.Take("from")) {
      if (p_.Take("integration")) {
        database->source = DatabaseSource::kIntegration;
        database->from = ParseString();
        p_.Take("set");
        take(kIntegrationOptions);
        if (p_.Take("set")) take(kIntegrationOptions);
      } else if (p_.Take("datashare")) {
        database->source = DatabaseSource::kDatashare;
        database->datashare = p_.ParseQualifiedName();
        p_.Expect("of");
        if (p_.Take("account")) database->account = ParseValue();
        p_.Expect("namespace");
        database->namespace_id = ParseValue();
      } else {
        p_.Expect("arn");
        database->source = DatabaseSource::kArn;
        database->from = ParseString();
      }
    } else if (p_.At("with") && !p_.Peek(1).Is("data") && !p_.Peek(1).Is("no")) {
      p_.Take();
    }
    more = p_.at() != here;
  }
  database->options = p_.Copy(options);
  if (p_.AtAny({"template", "encoding", "tablespace", "lc_collate", "lc_ctype"}))
    Refuse("create database with template, encoding or tablespace");
  return database;
}

Statement* StatementParser::ParseAlterDatabase() {
  const Name name = p_.ParseName();
  if (p_.Take("integration")) return ParseAlterIntegration(name);
  auto* database = Begin<AlterDatabase>();
  database->name = name;
  if (p_.Take({"rename", "to"})) {
    database->rename_to = p_.ParseName();
  } else if (p_.Take({"owner", "to"})) {
    database->owner = ParseIdentity();
  } else {
    p_.Take("with");
    database->options = ParseOptions(kDatabaseOptions);
    if (database->options.empty()) p_.Unexpected();
  }
  return database;
}

Statement* StatementParser::ParseAlterIntegration(Name name) {
  auto* integration = Begin<AlterIntegration>();
  integration->database = name;
  const auto tables = [&] {
    std::vector<QualifiedName> names;
    do {
      names.push_back(p_.ParseQualifiedName());
    } while (p_.TakeOperator(","));
    integration->tables = p_.Copy(names);
  };
  if (p_.Take("refresh")) {
    if (p_.Take("table")) {
      integration->refresh = "table";
      tables();
      return integration;
    }
    if (!p_.AtAny({"all", "inerror", "remediable"})) p_.Unexpected();
    integration->refresh = p_.Take().value;
    p_.Expect("tables");
    if (p_.Take({"in", "schema"})) integration->schemas = p_.ParseNames();
    return integration;
  }
  p_.Expect("set");
  integration->options = ParseOptions(kIntegrationOptions);
  if (integration->options.empty()) p_.Unexpected();
  if (p_.Take("for")) {
    if (p_.Take("table")) {
      tables();
    } else {
      p_.Expect({"all", "tables"});
      integration->history_for_all = true;
      if (p_.Take({"in", "schema"})) integration->schemas = p_.ParseNames();
    }
  }
  return integration;
}

// ---------------------------------------------------------------- routines

Statement* StatementParser::ParseCreateFunction(bool or_replace) {
  auto* function = Begin<CreateFunction>();
  function->or_replace = or_replace;
  function->name = p_.ParseQualifiedName();
  function->arguments = ParseArguments();
  p_.Expect("returns");
  if (p_.At("table") || p_.At("setof")) Refuse("function that returns a table");
  function->returns = p_.ParseType();
  for (bool more = true; more && !p_.failed();) {
    more = true;
    if (const Volatility volatility = ParseVolatility(); volatility != Volatility::kNone) {
      function->volatility = volatility;
    } else if (!function->body && p_.Take("as")) {
      function->body = ParseString();
    } else if (!function->language && p_.Take("language")) {
      if (p_.Peek().kind == TokenKind::kString) {
        const Token& token = p_.Take();
        function->language = {token.value, true, token.begin, token.end};
      } else {
        function->language = p_.ParseName();
      }
    } else if (p_.Take("strict")) {
      Refuse("strict function");
    } else {
      more = false;
    }
  }
  if (!function->body || !function->language) p_.Unexpected();
  return function;
}

Statement* StatementParser::ParseCreateProcedure(bool or_replace) {
  auto* procedure = Begin<CreateProcedure>();
  procedure->or_replace = or_replace;
  procedure->name = p_.ParseQualifiedName();
  procedure->arguments = ParseArguments();
  std::vector<Statement*> settings;
  for (bool more = true; more && !p_.failed();) {
    if (p_.Take("nonatomic")) {
      procedure->nonatomic = true;
    } else if (!procedure->body && p_.Take("as")) {
      procedure->body = ParseString();
    } else if (!procedure->language && p_.Take("language")) {
      procedure->language = p_.ParseName();
    } else if (p_.Take({"security", "invoker"}) || p_.Take({"external", "security", "invoker"})) {
      procedure->security = Security::kInvoker;
    } else if (p_.Take({"security", "definer"}) || p_.Take({"external", "security", "definer"})) {
      procedure->security = Security::kDefiner;
    } else if (p_.At("set")) {
      const size_t first = p_.at();
      p_.Take();
      settings.push_back(ParseSetting(SettingScope::kNone, first));
    } else {
      more = false;
    }
  }
  procedure->settings = p_.Copy(settings);
  if (!procedure->body || !procedure->language) p_.Unexpected();
  return procedure;
}

Statement* StatementParser::ParseCreateExternalFunction(bool or_replace) {
  auto* function = Begin<CreateExternalFunction>();
  function->or_replace = or_replace;
  function->name = p_.ParseQualifiedName();
  function->arguments = ParseArguments();
  p_.Expect("returns");
  function->returns = p_.ParseType();
  function->volatility = ParseVolatility();
  function->options = ParseOptions(kExternalFunctionOptions);
  if (!FindOption(function->options, "lambda") && !FindOption(function->options, "sagemaker"))
    p_.Unexpected();
  return function;
}

Statement* StatementParser::ParseAlterRoutine(ObjectKind kind) {
  auto* routine = Begin<AlterRoutine>();
  routine->object = kind;
  routine->routine = ParseRoutine(kind);
  if (p_.Take({"rename", "to"})) {
    routine->rename_to = p_.ParseName();
  } else {
    p_.Expect({"owner", "to"});
    routine->owner = ParseIdentity();
  }
  return routine;
}

Statement* StatementParser::ParseCreateLibrary(bool or_replace) {
  auto* library = Begin<CreateLibrary>();
  library->or_replace = or_replace;
  library->name = p_.ParseQualifiedName();
  p_.Expect("language");
  library->language = p_.ParseName();
  p_.Expect("from");
  library->from = ParseString();
  library->options = ParseOptions(kLibraryOptions);
  return library;
}

// ---------------------------------------------------------------- models and templates

Statement* StatementParser::ParseCreateModel(bool external) {
  auto* model = Begin<CreateModel>();
  model->external = external;
  model->name = p_.ParseQualifiedName();
  std::vector<Option*> options;
  if (p_.Take("from")) {
    if (p_.Peek().kind == TokenKind::kString) {
      model->job = ParseString();
    } else if (AtQuery()) {
      p_.ExpectOperator("(");
      model->query = p_.ParseQuery();
      p_.ExpectOperator(")");
    } else {
      model->table = p_.ParseQualifiedName();
    }
  }
  for (bool more = true; more && !p_.failed();) {
    const size_t here = p_.at();
    if (!model->target && p_.Take("target")) {
      model->target = ParseValue();
    } else if (model->function.empty() && p_.Take("function")) {
      model->function = p_.ParseQualifiedName();
      if (p_.AtOperator("(")) model->arguments = ParseTypes();
    } else if (!model->returns && p_.Take("returns")) {
      model->returns = p_.ParseType();
    } else if (p_.At("sagemaker")) {  // SAGEMAKER 'endpoint'[:'model']
      auto* option = p_.Make<Option>(p_.at());
      p_.Take();
      option->name = "sagemaker";
      std::vector<Value*> values{ParseString()};
      if (p_.TakeOperator(":")) values.push_back(ParseString());
      option->values = p_.Copy(values);
      options.push_back(p_.Close(option));
    } else if (Option* option = ParseOption(kModelOptions)) {
      options.push_back(option);
    }
    more = p_.at() != here;
  }
  model->options = p_.Copy(options);
  if (model->function.empty()) p_.Unexpected();
  return model;
}

Statement* StatementParser::ParseCreateTemplate(bool or_replace) {
  auto* made = Begin<CreateTemplate>();
  made->or_replace = or_replace;
  made->name = p_.ParseQualifiedName();
  p_.Expect({"for", "copy"});
  p_.Take("as");
  made->options = ParseOptions(CopyRules());
  return made;
}

Statement* StatementParser::ParseAlterTemplate() {
  auto* altered = Begin<AlterTemplate>();
  altered->name = p_.ParseQualifiedName();
  const auto one = [&] {
    Option* option = ParseOption(CopyRules());
    if (!option)
      p_.Unexpected();
    else
      altered->options = p_.Copy(std::vector<Option*>{option});
  };
  if (p_.Take({"rename", "to"})) {
    altered->to = p_.ParseName();
  } else if (p_.Take({"owner", "to"})) {
    altered->step = TemplateStep::kOwner;
    altered->to = ParseIdentity();
  } else if (p_.Take("add")) {
    altered->step = TemplateStep::kAdd;
    one();
  } else if (p_.Take("drop")) {
    altered->step = TemplateStep::kDrop;
    auto* option = p_.Make<Option>(p_.at());
    option->name = p_.ParsePlainWord();
    altered->options = p_.Copy(std::vector<Option*>{p_.Close(option)});
  } else {
    p_.Expect("set");
    altered->step = TemplateStep::kSet;
    std::vector<Option*> options;
    do {
      auto* option = p_.Make<Option>(p_.at());
      option->name = p_.ParsePlainWord();
      p_.Expect("to");
      option->values = p_.Copy(std::vector<Value*>{ParseValue()});
      options.push_back(p_.Close(option));
    } while (p_.TakeOperator(","));
    altered->options = p_.Copy(options);
  }
  return altered;
}

// ---------------------------------------------------------------- datashares, system

Statement* StatementParser::ParseCreateDatashare() {
  auto* share = Begin<CreateDatashare>();
  share->name = p_.ParseName();
  share->options = ParseOptions(kDatashareOptions);
  return share;
}

Statement* StatementParser::ParseAlterDatashare() {
  auto* share = Begin<AlterDatashare>();
  share->name = p_.ParseName();
  if (p_.AtAny({"set", "publicaccessible", "includenew"})) {
    share->options = ParseOptions(kDatashareOptions);
    if (share->options.empty()) p_.Unexpected();
    if (p_.Take({"for", "schema"})) share->schema = p_.ParseName();
    return share;
  }
  share->remove = p_.Take("remove");
  if (!share->remove) p_.Expect("add");
  share->all_in_schema = p_.Take("all");
  if (share->all_in_schema) {
    share->object = p_.At("functions") ? ObjectKind::kFunction : ObjectKind::kTable;
    if (!p_.Take("functions")) p_.Expect("tables");
    p_.Expect({"in", "schema"});
  } else if (p_.Take("table")) {
    share->object = ObjectKind::kTable;
  } else if (p_.Take("schema")) {
    share->object = ObjectKind::kSchema;
  } else if (p_.Take("function")) {
    share->object = ObjectKind::kFunction;
  } else if (p_.Take("view")) {
    share->object = ObjectKind::kView;
  } else if (p_.Take({"materialized", "view"})) {
    share->object = ObjectKind::kMaterializedView;
  } else {
    p_.Unexpected();
    return share;
  }
  std::vector<Routine*> names;
  do {
    names.push_back(ParseRoutine(share->all_in_schema ? ObjectKind::kSchema : share->object));
  } while (p_.TakeOperator(","));
  share->names = p_.Copy(names);
  return share;
}

Statement* StatementParser::ParseAlterSystem() {
  auto* system = Begin<AlterSystem>();
  p_.Expect("set");
  system->setting = p_.ParseName();
  if (!p_.Take("to")) p_.ExpectOperator("=");
  system->value = ParseValue();
  return system;
}

}  // namespace skep::sql
