// Rules of SHOW and DESC.
#include "sql/parse/statement.h"

namespace skep::sql {
using namespace ast;

// Behind LIKE or LIMIT: a literal or a parameter.
Expr* StatementParser::ParsePattern() {
  const Token& token = p_.Peek();
  if (token.kind == TokenKind::kParameter && token.value.size() <= 5) {
    auto* parameter = p_.Make<Parameter>(p_.at());
    for (const char c : token.value)
      parameter->number = parameter->number * 10 + static_cast<uint32_t>(c - '0');
    p_.Take();
    return p_.Close(parameter);
  }
  if (token.kind != TokenKind::kString && token.kind != TokenKind::kInteger) {
    p_.Unexpected();
    return nullptr;
  }
  auto* literal = p_.Make<Literal>(p_.at());
  literal->literal =
      token.kind == TokenKind::kString ? LiteralKind::kString : LiteralKind::kInteger;
  literal->text = p_.Take().value;
  return p_.Close(literal);
}

Statement* StatementParser::ParseShow() {
  p_.Expect("show");
  // What is followed by nothing is a setting, whatever its name.
  const bool alone = p_.Peek(1).kind == TokenKind::kEnd || p_.Peek(1).IsOperator(";");
  if (p_.At("databases")) return ParseShowObjects(ObjectKind::kDatabase);
  if (p_.At("schemas")) return ParseShowObjects(ObjectKind::kSchema);
  if (p_.At("tables")) return ParseShowObjects(ObjectKind::kTable);
  if (p_.At("columns")) return ParseShowObjects(ObjectKind::kColumn);
  if (p_.At("functions")) return ParseShowObjects(ObjectKind::kFunction);
  if (p_.At("procedures")) return ParseShowObjects(ObjectKind::kProcedure);
  if (p_.At("datashares")) return ParseShowObjects(ObjectKind::kDatashare);
  if (p_.At("templates")) return ParseShowObjects(ObjectKind::kTemplate);
  if (p_.At("constraints")) return ParseShowConstraints();
  if (p_.At("grants")) return ParseShowGrants(false);
  if (p_.At({"column", "grants"})) return ParseShowGrants(true);
  if (p_.At({"parameters", "of"})) return ParseShowParameters();
  if (p_.At({"rls", "policies"})) return ParseShowPolicies(false);
  if (p_.At({"masking", "policies"})) return ParseShowPolicies(true);
  const auto definition = [&](ObjectKind kind) {
    auto* show = Begin<ShowDefinition>();
    show->object = kind;
    if (kind == ObjectKind::kModel && p_.Take("all")) return show;
    show->name = ParseRoutine(kind);
    if (kind == ObjectKind::kExternalTable) show->partition = p_.Take("partition");
    return show;
  };
  if (!alone) {
    if (p_.Take({"external", "table"})) return definition(ObjectKind::kExternalTable);
    if (p_.Take({"materialized", "view"})) return definition(ObjectKind::kMaterializedView);
    if (p_.Take("table")) return definition(ObjectKind::kTable);
    if (p_.Take("view")) return definition(ObjectKind::kView);
    if (p_.Take("procedure")) return definition(ObjectKind::kProcedure);
    if (p_.Take("function")) return definition(ObjectKind::kFunction);
    if (p_.Take("model")) return definition(ObjectKind::kModel);
    if (p_.Take("template")) return definition(ObjectKind::kTemplate);
  }
  auto* show = Begin<ShowSetting>();
  const auto named = [&](std::string_view name) {
    show->name = p_.Copy(std::vector<Name>{{name, false, p_.Peek().begin, p_.Peek().begin + 1}});
  };
  if (p_.Take("all"))
    show->all = true;
  else if (p_.Take({"time", "zone"}))
    named("timezone");
  else if (p_.Take({"session", "authorization"}))
    named("session_authorization");
  else if (p_.Take({"transaction", "isolation", "level"}))
    named("transaction_isolation");
  else
    show->name = p_.ParseQualifiedName();
  return show;
}

Statement* StatementParser::ParseShowObjects(ObjectKind kind) {
  auto* show = Begin<ShowObjects>();
  p_.Take();
  show->object = kind;
  if (p_.Take("from")) {
    if (kind == ObjectKind::kDatabase) {
      p_.Expect({"data", "catalog"});
      show->data_catalog = true;
      if (p_.Take("account")) {
        std::vector<Value*> accounts;
        do {
          accounts.push_back(ParseValue());
        } while (p_.TakeOperator(","));
        show->accounts = p_.Copy(accounts);
      }
    } else if (p_.Take("database")) {
      show->scope = ObjectKind::kDatabase;
      show->in = ParsePath();
    } else if (p_.Take("schema")) {
      show->scope = ObjectKind::kSchema;
      show->in = ParsePath();
    } else {
      p_.Expect("table");
      show->scope = ObjectKind::kTable;
      show->in = ParsePath();
    }
  }
  static constexpr OptionRule kRole[] = {{"iam_role", Takes::kScalar}};
  while (!p_.failed()) {
    if (p_.Take({"schema_name", "like"}))
      show->schema_like = ParsePattern();
    else if (p_.Take({"table_name", "like"}))
      show->table_like = ParsePattern();
    else if (p_.Take({"column_name", "like"}))
      show->column_like = ParsePattern();
    else if (p_.Take("like"))
      show->like = ParsePattern();
    else if (p_.Take("limit"))
      show->limit = ParsePattern();
    else if (p_.At("iam_role"))
      show->iam_role = ParseOption(kRole);
    else if (!p_.TakeOperator(","))
      break;
  }
  return show;
}

Statement* StatementParser::ParseShowConstraints() {
  auto* show = Begin<ShowConstraints>();
  p_.Expect("constraints");
  if (p_.Take({"foreign", "keys"})) {
    show->foreign = true;
    show->exported = p_.Take("exported");
  } else {
    p_.Expect({"primary", "keys"});
  }
  p_.Expect({"from", "table"});
  show->table = ParsePath();
  if (p_.Take("limit")) show->limit = ParsePattern();
  return show;
}

Statement* StatementParser::ParseShowGrants(bool columns) {
  static constexpr std::pair<std::string_view, ObjectKind> kKinds[] = {
      {"database", ObjectKind::kDatabase},   {"function", ObjectKind::kFunction},
      {"procedure", ObjectKind::kProcedure}, {"schema", ObjectKind::kSchema},
      {"table", ObjectKind::kTable},         {"template", ObjectKind::kTemplate},
      {"language", ObjectKind::kLanguage},   {"model", ObjectKind::kModel},
      {"datashare", ObjectKind::kDatashare}};
  auto* show = Begin<ShowGrants>();
  show->columns = columns;
  p_.Take("column");
  p_.Expect("grants");
  if (p_.Take("on")) {
    if (p_.At("tables") && p_.Peek(1).Is("from")) {
      p_.Take();
      show->object = ObjectKind::kTable;
      show->of_all = true;
    } else {
      for (const auto& [word, kind] : kKinds) {
        const Token& next = p_.Peek(1);
        if (p_.At(word) &&
            (next.kind == TokenKind::kQuotedName || next.kind == TokenKind::kParameter ||
             (next.kind == TokenKind::kWord && !next.Is("for") && !next.Is("limit")))) {
          p_.Take();
          show->object = kind;
          break;
        }
      }
      show->on = ParseRoutine(show->object);
    }
  }
  while (!p_.failed()) {
    if (p_.Take("for"))
      show->grantee = ParseGrantee();
    else if (p_.Take({"from", "database"}))
      show->database = ParsePath();
    else if (p_.Take({"schema_name", "like"}))
      show->schema_like = ParsePattern();
    else if (p_.Take({"table_name", "like"}))
      show->table_like = ParsePattern();
    else if (p_.Take("like"))
      show->like = ParsePattern();
    else if (p_.Take("limit"))
      show->limit = ParsePattern();
    else if (!p_.TakeOperator(","))
      break;
  }
  if (!show->on && !show->of_all && !show->grantee) p_.Unexpected();
  return show;
}

Statement* StatementParser::ParseShowParameters() {
  auto* show = Begin<ShowParameters>();
  p_.Expect({"parameters", "of"});
  show->object = p_.At("procedure") ? ObjectKind::kProcedure : ObjectKind::kFunction;
  if (!p_.Take("procedure")) p_.Expect("function");
  show->routine = ParseRoutine(show->object);
  if (p_.Take("like")) show->like = ParsePattern();
  if (p_.Take("limit")) show->limit = ParsePattern();
  return show;
}

Statement* StatementParser::ParseShowPolicies(bool masking) {
  auto* show = Begin<ShowPolicies>();
  show->masking = masking;
  p_.Take();
  p_.Expect("policies");
  if (p_.Take("on")) {
    show->on = ParsePath();
    if (p_.Take("for")) show->grantee = ParseGrantee();
  } else if (p_.Take({"from", "database"})) {
    show->database = ParsePath();
  }
  if (p_.Take("limit")) show->limit = ParsePattern();
  return show;
}

Statement* StatementParser::ParseDescribe() {
  auto* describe = Begin<Describe>();
  p_.Take();
  if (p_.Take({"identity", "provider"})) {
    describe->object = ObjectKind::kIdentityProvider;
    describe->name = p_.ParseName();
    return describe;
  }
  p_.Expect("datashare");
  describe->name = p_.ParseName();
  if (p_.Take("of")) {
    if (p_.Take("account")) describe->account = ParseValue();
    p_.Expect("namespace");
    describe->namespace_id = ParseValue();
  }
  return describe;
}

}  // namespace skep::sql
