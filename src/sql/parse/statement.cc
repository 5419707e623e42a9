#include "sql/parse/statement.h"

#include <algorithm>
#include <string>

#include "sql/ast/visit.h"

namespace skep::sql {
using namespace ast;

namespace {

// Commands of PostgreSQL that Redshift has not. The first one of each that fits counts: longer
// ones stand before shorter ones.
constexpr std::string_view kForeign[] = {
    "create unique index",
    "create index",
    "create sequence",
    "create temp sequence",
    "create temporary sequence",
    "create trigger",
    "create constraint trigger",
    "create event trigger",
    "create rule",
    "create type",
    "create domain",
    "create extension",
    "create aggregate",
    "create operator",
    "create cast",
    "create collation",
    "create conversion",
    "create tablespace",
    "create server",
    "create foreign",
    "create text search",
    "create publication",
    "create subscription",
    "create statistics",
    "create access method",
    "create language",
    "create policy",
    "create unlogged table",
    "create recursive view",
    "create global temporary table",
    "create global temp table",
    "alter index",
    "alter sequence",
    "alter trigger",
    "alter event trigger",
    "alter rule",
    "alter type",
    "alter domain",
    "alter extension",
    "alter aggregate",
    "alter operator",
    "alter collation",
    "alter conversion",
    "alter tablespace",
    "alter server",
    "alter foreign",
    "alter text search",
    "alter publication",
    "alter subscription",
    "alter statistics",
    "alter language",
    "alter large object",
    "alter policy",
    "drop index",
    "drop sequence",
    "drop trigger",
    "drop event trigger",
    "drop rule",
    "drop type",
    "drop domain",
    "drop extension",
    "drop aggregate",
    "drop operator",
    "drop cast",
    "drop collation",
    "drop conversion",
    "drop tablespace",
    "drop server",
    "drop foreign",
    "drop text search",
    "drop publication",
    "drop subscription",
    "drop statistics",
    "drop access method",
    "drop language",
    "drop owned",
    "drop policy",
    "savepoint",
    "release savepoint",
    "release",
    "rollback to",
    "rollback work to",
    "rollback transaction to",
    "rollback prepared",
    "commit prepared",
    "prepare transaction",
    "listen",
    "notify",
    "unlisten",
    "cluster",
    "reindex",
    "checkpoint",
    "load",
    "do",
    "move",
    "security label",
    "import foreign schema",
    "reassign owned",
    "set constraints",
    "table",
};

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return upper;
}

}  // namespace

Statement* ParseStatement(Parser& parser) { return StatementParser(parser).Parse(); }

Statement* StatementParser::Parse() {
  const Parser::Nested nested(p_);
  first_ = p_.at();
  Statement* statement = p_.failed() ? nullptr : ParseKnown();
  if (!p_.failed() && statement) p_.Close(statement);
  return statement;
}

void StatementParser::Refuse(std::string_view command) {
  p_.Raise(ErrorKind::kFeatureNotSupported, Upper(command) + " is not supported", p_.Peek().begin);
}

bool StatementParser::RefuseForeign() {
  const size_t first = p_.at();
  for (const std::string_view command : kForeign) {
    std::string_view rest = command;
    size_t ahead = 0;
    bool fits = true;
    // CREATE OR REPLACE TRIGGER is CREATE TRIGGER
    while (fits && !rest.empty()) {
      const size_t blank = rest.find(' ');
      fits = p_.Peek(ahead).Is(rest.substr(0, blank));
      rest = blank == std::string_view::npos ? std::string_view() : rest.substr(blank + 1);
      ahead++;
      if (ahead == 1 && p_.Peek(1).Is("or") && p_.Peek(2).Is("replace")) ahead = 3;
    }
    if (!fits) continue;
    Refuse(command);
    return true;
  }
  p_.Seek(first);
  return false;
}

Statement* StatementParser::ParseKnown() {
  if (AtQuery()) return p_.At("with") ? ParseWithStatement() : ParseQueryStatement();
  const Token& token = p_.Peek();
  if (token.kind != TokenKind::kWord) {
    p_.Unexpected();
    return nullptr;
  }
  using Rule = Statement* (StatementParser::*)();
  static constexpr std::pair<std::string_view, Rule> kRules[] = {
      {"alter", &StatementParser::ParseAlter},
      {"analyse", &StatementParser::ParseAnalyze},
      {"analyze", &StatementParser::ParseAnalyze},
      {"attach", &StatementParser::ParseAttachPolicy},
      {"begin", &StatementParser::ParseBegin},
      {"call", &StatementParser::ParseCall},
      {"cancel", &StatementParser::ParseCancel},
      {"close", &StatementParser::ParseClose},
      {"comment", &StatementParser::ParseComment},
      {"copy", &StatementParser::ParseCopy},
      {"create", &StatementParser::ParseCreate},
      {"deallocate", &StatementParser::ParseDeallocate},
      {"declare", &StatementParser::ParseDeclare},
      {"desc", &StatementParser::ParseDescribe},
      {"describe", &StatementParser::ParseDescribe},
      {"detach", &StatementParser::ParseDetachPolicy},
      {"drop", &StatementParser::ParseDrop},
      {"execute", &StatementParser::ParseExecute},
      {"explain", &StatementParser::ParseExplain},
      {"fetch", &StatementParser::ParseFetch},
      {"grant", &StatementParser::ParseGrant},
      {"lock", &StatementParser::ParseLock},
      {"merge", &StatementParser::ParseMerge},
      {"prepare", &StatementParser::ParsePrepare},
      {"refresh", &StatementParser::ParseRefresh},
      {"reset", &StatementParser::ParseReset},
      {"revoke", &StatementParser::ParseRevoke},
      {"set", &StatementParser::ParseSet},
      {"show", &StatementParser::ParseShow},
      {"truncate", &StatementParser::ParseTruncate},
      {"unload", &StatementParser::ParseUnload},
      {"vacuum", &StatementParser::ParseVacuum},
  };
  const std::string_view word = token.value;
  if (word == "insert") return ParseInsert(nullptr);
  if (word == "update") return ParseUpdate(nullptr);
  if (word == "delete") return ParseDelete(nullptr);
  if (RefuseForeign()) return nullptr;
  if (word == "start" && p_.Peek(1).Is("transaction")) return ParseBegin();
  if (word == "commit" || word == "end") return ParseEnd(true);
  if (word == "rollback" || word == "abort") return ParseEnd(false);
  if (word == "use") {
    auto* use = Begin<Use>();
    p_.Take();
    use->database = p_.ParseName();
    return use;
  }
  if (word == "discard") {
    auto* discard = Begin<Discard>();
    p_.Take();
    if (!p_.AtAny({"all", "plans", "temp", "temporary", "sequences"})) p_.Unexpected();
    discard->what = p_.Take().value;
    return discard;
  }
  const auto* rule =
      std::ranges::lower_bound(kRules, word, {}, &std::pair<std::string_view, Rule>::first);
  if (rule != std::end(kRules) && rule->first == word) return (this->*rule->second)();
  p_.Unexpected();
  return nullptr;
}

Statement* StatementParser::ParseCreate() {
  p_.Expect("create");
  const bool or_replace = p_.Take({"or", "replace"});
  if (p_.Take("external")) {
    if (p_.Take("table")) return ParseCreateExternalTable();
    if (p_.Take("schema")) return ParseCreateExternalSchema();
    if (p_.Take("function")) return ParseCreateExternalFunction(or_replace);
    if (p_.Take("model")) return ParseCreateModel(true);
    if (p_.AtAny({"view", "protected"})) return ParseCreateExternalView();
    p_.Unexpected();
    return nullptr;
  }
  bool temporary = false;
  if (p_.At("local") && (p_.Peek(1).Is("temp") || p_.Peek(1).Is("temporary"))) p_.Take();
  if (p_.AtAny({"temp", "temporary"})) temporary = p_.Take().kind == TokenKind::kWord;
  if (p_.Take("table")) return ParseCreateTable(temporary);
  if (p_.Take("view")) return ParseCreateView(or_replace, temporary);
  if (temporary) {
    p_.Unexpected();
    return nullptr;
  }
  if (p_.Take({"materialized", "view"})) return ParseCreateMaterializedView();
  if (p_.Take("schema")) return ParseCreateSchema();
  if (p_.Take("database")) return ParseCreateDatabase();
  if (p_.Take("function")) return ParseCreateFunction(or_replace);
  if (p_.Take("procedure")) return ParseCreateProcedure(or_replace);
  if (p_.Take("library")) return ParseCreateLibrary(or_replace);
  if (p_.Take("model")) return ParseCreateModel(false);
  if (p_.Take("template")) return ParseCreateTemplate(or_replace);
  if (p_.Take("datashare")) return ParseCreateDatashare();
  if (p_.Take("user")) return ParseCreateUser();
  if (p_.Take("group")) return ParseCreateGroup();
  if (p_.Take("role")) return ParseCreateRole();
  if (p_.Take({"identity", "provider"})) return ParseCreateIdentityProvider();
  if (p_.Take({"masking", "policy"})) return ParseCreatePolicy(true, or_replace);
  if (p_.Take({"rls", "policy"})) return ParseCreatePolicy(false, or_replace);
  p_.Unexpected();
  return nullptr;
}

Statement* StatementParser::ParseAlter() {
  p_.Expect("alter");
  if (p_.Take("table")) return ParseAlterTable(false);
  if (p_.Take("view")) return ParseAlterTable(true);
  if (p_.Take({"materialized", "view"})) return ParseAlterMaterializedView();
  if (p_.Take({"external", "view"})) return ParseAlterExternalView();
  if (p_.Take({"external", "schema"})) return ParseAlterExternalSchema();
  if (p_.Take("schema")) return ParseAlterSchema();
  if (p_.Take("database")) return ParseAlterDatabase();
  if (p_.Take("function")) return ParseAlterRoutine(ObjectKind::kFunction);
  if (p_.Take("procedure")) return ParseAlterRoutine(ObjectKind::kProcedure);
  if (p_.Take("template")) return ParseAlterTemplate();
  if (p_.Take("datashare")) return ParseAlterDatashare();
  if (p_.Take("system")) return ParseAlterSystem();
  if (p_.Take({"default", "privileges"})) return ParseAlterDefaultPrivileges();
  if (p_.Take("user")) return ParseAlterUser();
  if (p_.Take("group")) return ParseAlterGroup();
  if (p_.Take("role")) return ParseAlterRole();
  if (p_.Take({"identity", "provider"})) return ParseAlterIdentityProvider();
  if (p_.Take({"masking", "policy"})) return ParseAlterPolicy(true);
  if (p_.Take({"rls", "policy"})) return ParseAlterPolicy(false);
  p_.Unexpected();
  return nullptr;
}

// ---------------------------------------------------------------- pieces

bool StatementParser::AtQuery(size_t ahead) const {
  while (p_.Peek(ahead).IsOperator("(")) ahead++;
  const Token& token = p_.Peek(ahead);
  return token.Is("select") || token.Is("with") ||
         (token.Is("values") && p_.Peek(ahead + 1).IsOperator("("));
}

// A user, a role or a group: name, or namespace:name.
Name StatementParser::ParseIdentity() {
  Name name = p_.ParseName();
  if (!p_.AtOperator(":") || p_.failed()) return name;
  p_.Take();
  const Name rest = p_.ParseAnyName();
  if (p_.failed()) return {};
  const std::string text = std::string(name.text) + ':' + std::string(rest.text);
  name.text = p_.arena().Copy(std::string_view(text));
  name.quoted = name.quoted || rest.quoted;
  name.end = rest.end;
  return name;
}

List<Name> StatementParser::ParseIdentities() {
  std::vector<Name> names;
  do {
    names.push_back(ParseIdentity());
  } while (p_.TakeOperator(","));
  return p_.Copy(names);
}

Name StatementParser::ParseNameOrParameter() {
  const Token& token = p_.Peek();
  if (token.kind != TokenKind::kParameter) return p_.ParseName();
  if (token.value.size() > 5) {
    p_.Unexpected();
    return {};
  }
  p_.Take();
  return {p_.script().substr(token.begin, token.end - token.begin), false, token.begin, token.end};
}

QualifiedName StatementParser::ParsePath() {
  std::vector<Name> parts{ParseNameOrParameter()};
  while (p_.TakeOperator(".")) {
    parts.push_back(p_.Peek().kind == TokenKind::kParameter ? ParseNameOrParameter()
                                                            : p_.ParseAnyName());
  }
  return p_.Copy(parts);
}

Routine* StatementParser::ParseRoutine(ObjectKind kind) {
  auto* routine = p_.Make<Routine>(p_.at());
  if (kind == ObjectKind::kRole || kind == ObjectKind::kUser || kind == ObjectKind::kGroup) {
    routine->name = p_.Copy(std::vector<Name>{ParseIdentity()});
    return p_.Close(routine);
  }
  routine->name = ParsePath();
  if ((kind == ObjectKind::kFunction || kind == ObjectKind::kProcedure) && p_.AtOperator("(")) {
    routine->has_arguments = true;
    routine->arguments = ParseArguments();
  }
  return p_.Close(routine);
}

List<Argument*> StatementParser::ParseArguments() {
  p_.ExpectOperator("(");
  std::vector<Argument*> arguments;
  if (!p_.AtOperator(")")) {
    do {
      arguments.push_back(ParseArgument());
    } while (p_.TakeOperator(","));
  }
  p_.ExpectOperator(")");
  return p_.Copy(arguments);
}

// type, name type, name mode type, mode name type, mode type
Argument* StatementParser::ParseArgument() {
  auto* argument = p_.Make<Argument>(p_.at());
  const auto mode = [&] {
    if (argument->mode != ArgumentMode::kNone) return;
    if (p_.Take("in"))
      argument->mode = p_.Take("out") ? ArgumentMode::kInOut : ArgumentMode::kIn;
    else if (p_.At("out") && !p_.Peek(1).IsOperator(",") && !p_.Peek(1).IsOperator(")") &&
             p_.Take("out"))
      argument->mode = ArgumentMode::kOut;
    else if (p_.Take("inout"))
      argument->mode = ArgumentMode::kInOut;
  };
  mode();
  // A name is followed by a mode or a type; a type is not followed by a word, except in its own
  // spellings.
  const Token& next = p_.Peek(1);
  const bool two_words = p_.At("double")                                      ? next.Is("precision")
                         : p_.AtAny({"character", "char", "nchar", "binary"}) ? next.Is("varying")
                         : p_.AtAny({"time", "timestamp"}) ? next.Is("with") || next.Is("without")
                         : p_.At("interval")
                             ? next.Is("year") || next.Is("month") || next.Is("day") ||
                                   next.Is("hour") || next.Is("minute") || next.Is("second")
                             : p_.At("national");
  if (!two_words && p_.AtName() &&
      (next.kind == TokenKind::kWord || next.kind == TokenKind::kQuotedName))
    argument->name = p_.ParseName();
  mode();
  argument->type = p_.ParseType();
  return p_.Close(argument);
}

List<TypeName*> StatementParser::ParseTypes() {
  p_.ExpectOperator("(");
  std::vector<TypeName*> types;
  if (!p_.AtOperator(")")) {
    do {
      types.push_back(p_.ParseType());
    } while (p_.TakeOperator(","));
  }
  p_.ExpectOperator(")");
  return p_.Copy(types);
}

List<ColumnDefinition*> StatementParser::ParseColumns(bool attributes) {
  p_.ExpectOperator("(");
  std::vector<ColumnDefinition*> columns;
  do {
    columns.push_back(ParseColumn(attributes));
  } while (p_.TakeOperator(","));
  p_.ExpectOperator(")");
  return p_.Copy(columns);
}

// name type [attributes]; the type may be missing where no attributes are allowed.
ColumnDefinition* StatementParser::ParseColumn(bool attributes) {
  auto* column = p_.Make<ColumnDefinition>(p_.at());
  column->name = p_.ParseName();
  // Hive's "name: type"
  if (!attributes) p_.TakeOperator(":");
  if (attributes || (!p_.AtOperator(",") && !p_.AtOperator(")"))) column->type = p_.ParseType();
  if (attributes) ParseColumnAttributes(column);
  return p_.Close(column);
}

void StatementParser::ParseColumnAttributes(ColumnDefinition* column) {
  const auto identity = [&](IdentityKind kind) {
    column->identity = kind;
    if (!p_.TakeOperator("(")) return;
    column->seed = p_.ExpectInteger();
    p_.ExpectOperator(",");
    column->step = p_.ExpectInteger();
    p_.ExpectOperator(")");
  };
  while (!p_.failed()) {
    if (p_.Take("default")) {
      column->default_value = p_.ParseExpression();
      // COLLATE behind it is the column's.
      if (auto* collate = As<Collate>(column->default_value); collate && column->collate.empty()) {
        column->collate = collate->collation.text;
        column->default_value = collate->operand;
      }
    } else if (p_.Take("identity")) {
      identity(IdentityKind::kIdentity);
    } else if (p_.Take({"generated", "by", "default", "as", "identity"})) {
      identity(IdentityKind::kByDefault);
    } else if (p_.At("generated")) {
      Refuse("generated column");
    } else if (p_.Take("encode")) {
      column->encode = p_.ParseAnyName().text;
    } else if (p_.Take("distkey")) {
      column->distkey = true;
    } else if (p_.Take("sortkey")) {
      column->sortkey = true;
    } else if (p_.Take("collate")) {
      column->collate = p_.ParseAnyName().text;
    } else if (p_.Take("constraint")) {
      column->constraint = p_.ParseName();
      if (!p_.AtAny({"not", "null", "unique", "primary", "references", "check"})) p_.Unexpected();
    } else if (p_.Take({"not", "null"})) {
      column->null_rule = NullRule::kNotNull;
    } else if (p_.Take("null")) {
      column->null_rule = NullRule::kNull;
    } else if (p_.Take("unique")) {
      column->unique = true;
    } else if (p_.Take({"primary", "key"})) {
      column->primary_key = true;
    } else if (p_.Take("references")) {
      ParseReferences(column->references, column->referenced);
    } else if (p_.At("check")) {
      Refuse("check constraint");
    } else if (p_.AtAny({"deferrable", "initially"}) || p_.At({"not", "deferrable"})) {
      Refuse("deferrable constraint");
    } else {
      return;
    }
  }
}

// Behind REFERENCES.
void StatementParser::ParseReferences(QualifiedName& table, List<Name>& columns) {
  table = p_.ParseQualifiedName();
  if (p_.AtOperator("(")) columns = p_.ParseNameList();
  if (p_.At({"on", "delete"}) || p_.At({"on", "update"})) Refuse("on delete or on update");
  if (p_.At("match")) Refuse("match");
}

Behavior StatementParser::ParseBehavior() {
  if (p_.Take("cascade")) return Behavior::kCascade;
  if (p_.Take("restrict")) return Behavior::kRestrict;
  if (p_.Take("force")) return Behavior::kForce;
  return Behavior::kNone;
}

Value* StatementParser::ParseString(bool secret) {
  auto* value = p_.Make<Value>(p_.at());
  value->text = p_.ExpectString();
  value->secret = secret;
  return p_.Close(value);
}

bool StatementParser::AtValue() const {
  switch (p_.Peek().kind) {
    case TokenKind::kOperator:
      return p_.AtOperator("-") || p_.AtOperator("+");
    case TokenKind::kEnd:
    case TokenKind::kBitString:
      return false;
    default:
      return true;
  }
}

Value* StatementParser::ParseValue(bool secret) {
  auto* value = p_.Make<Value>(p_.at());
  value->secret = secret;
  const Token& token = p_.Peek();
  switch (token.kind) {
    case TokenKind::kString:
      value->form = ValueForm::kString;
      value->text = p_.Take().value;
      break;
    case TokenKind::kWord:
      value->form = ValueForm::kWord;
      value->text = p_.Take().value;
      break;
    case TokenKind::kQuotedName:
      value->form = ValueForm::kName;
      value->text = p_.Take().value;
      break;
    case TokenKind::kParameter:
      value->form = ValueForm::kParameter;
      if (token.value.size() > 5) p_.Unexpected();
      value->text = p_.Take().value;
      break;
    default:
      value->form = ValueForm::kNumber;
      value->text = p_.ExpectNumber();
  }
  return p_.Close(value);
}

// ('a'='b', c=1)
List<Property*> StatementParser::ParseProperties() {
  std::vector<Property*> properties;
  p_.ExpectOperator("(");
  do {
    auto* property = p_.Make<Property>(p_.at());
    property->key = ParseValue();
    p_.ExpectOperator("=");
    property->value = ParseValue();
    properties.push_back(p_.Close(property));
  } while (p_.TakeOperator(","));
  p_.ExpectOperator(")");
  return p_.Copy(properties);
}

OnOff StatementParser::ParseSwitch() {
  if (p_.AtAny({"on", "yes", "true"})) {
    p_.Take();
    return OnOff::kOn;
  }
  if (p_.AtAny({"off", "no", "false"})) {
    p_.Take();
    return OnOff::kOff;
  }
  p_.Unexpected();
  return OnOff::kNone;
}

bool StatementParser::TakeIfExists() { return p_.Take({"if", "exists"}); }
bool StatementParser::TakeIfNotExists() { return p_.Take({"if", "not", "exists"}); }

ObjectKind StatementParser::TakeKind(std::span<const KindRule> rules) {
  for (const auto& [words, kind] : rules) {
    const size_t blank = words.find(' ');
    const bool fits = blank == std::string_view::npos
                          ? p_.Take(words)
                          : p_.Take({words.substr(0, blank), words.substr(blank + 1)});
    if (fits) return kind;
  }
  return ObjectKind::kNone;
}

Volatility StatementParser::ParseVolatility() {
  if (p_.Take("volatile")) return Volatility::kVolatile;
  if (p_.Take("stable")) return Volatility::kStable;
  if (p_.Take("immutable")) return Volatility::kImmutable;
  return Volatility::kNone;
}

}  // namespace skep::sql
