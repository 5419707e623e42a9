// Rules of statements about rows, cursors and prepared statements.
#include "sql/parse/statement.h"

namespace skep::sql {
using namespace ast;

Statement* StatementParser::ParseQueryStatement() {
  auto* statement = Begin<QueryStatement>();
  statement->query = p_.ParseQuery();
  return statement;
}

// WITH before SELECT belongs to the query, before a change to the change.
Statement* StatementParser::ParseWithStatement() {
  const size_t first = p_.at();
  size_t depth = 0;
  for (size_t i = 1;; i++) {
    const Token& token = p_.Peek(i);
    if (token.kind == TokenKind::kEnd || token.IsOperator(";")) break;
    if (token.IsOperator("(")) {
      depth++;
    } else if (token.IsOperator(")")) {
      if (depth > 0) depth--;
    } else if (depth == 0 && token.kind == TokenKind::kWord && p_.Peek(i - 1).IsOperator(")")) {
      if (token.value == "insert" || token.value == "update" || token.value == "delete") {
        WithClause* with = p_.ParseWith();
        if (p_.At("insert")) return ParseInsert(with);
        if (p_.At("update")) return ParseUpdate(with);
        return ParseDelete(with);
      }
      if (token.value == "merge") {
        p_.Seek(first + i);
        Refuse("with before merge");
        return nullptr;
      }
      if (token.value != "as") break;
    }
  }
  return ParseQueryStatement();
}

NamedTable* StatementParser::ParseTarget() {
  auto* table = p_.Make<NamedTable>(p_.at());
  table->only = p_.At("only") && p_.AtName(1) && p_.Take("only");
  table->name = p_.ParseQualifiedName();
  // Behind the table RETURNING is no alias: it is refused by its name.
  if (!p_.At("returning") || p_.Peek(1).Is("set") || p_.Peek(1).Is("using") ||
      p_.Peek(1).Is("where"))
    table->alias = p_.ParseAlias();
  return p_.Close(table);
}

List<Assignment*> StatementParser::ParseAssignments() {
  std::vector<Assignment*> assignments;
  do {
    if (p_.AtOperator("(")) {
      Refuse("update of several columns as a row");
      break;
    }
    auto* assignment = p_.Make<Assignment>(p_.at());
    assignment->column = p_.ParseQualifiedName();
    p_.ExpectOperator("=");
    assignment->value = p_.ParseExpression();
    assignments.push_back(p_.Close(assignment));
  } while (p_.TakeOperator(","));
  return p_.Copy(assignments);
}

Statement* StatementParser::ParseInsert(WithClause* with) {
  auto* insert = Begin<Insert>();
  insert->with = with;
  p_.Expect("insert");
  if (p_.At("overwrite")) Refuse("insert overwrite");
  p_.Expect("into");
  if (p_.At("table") && p_.AtName(1)) p_.Take();
  insert->table = p_.ParseQualifiedName();
  if (p_.Take({"default", "values"})) {
    insert->default_values = true;
  } else {
    if (p_.AtOperator("(") && !AtQuery()) insert->columns = p_.ParseNameList();
    if (p_.At("overriding")) Refuse("overriding");
    if (!AtQuery()) {
      p_.Unexpected();
      return insert;
    }
    insert->query = p_.ParseQuery();
  }
  if (p_.At({"on", "conflict"})) Refuse("insert on conflict");
  if (p_.At("returning")) Refuse("returning");
  return insert;
}

Statement* StatementParser::ParseUpdate(WithClause* with) {
  auto* update = Begin<Update>();
  update->with = with;
  p_.Expect("update");
  update->table = ParseTarget();
  p_.Expect("set");
  update->set = ParseAssignments();
  if (p_.Take("from")) update->from = p_.ParseFromList();
  if (p_.At({"where", "current", "of"})) Refuse("where current of");
  if (p_.Take("where")) update->where = p_.ParseExpression();
  if (p_.At("returning")) Refuse("returning");
  return update;
}

Statement* StatementParser::ParseDelete(WithClause* with) {
  auto* deletion = Begin<Delete>();
  deletion->with = with;
  p_.Expect("delete");
  p_.Take("from");
  deletion->table = ParseTarget();
  if (p_.Take("using")) deletion->using_tables = p_.ParseFromList();
  if (p_.At({"where", "current", "of"})) Refuse("where current of");
  if (p_.Take("where")) deletion->where = p_.ParseExpression();
  if (p_.At("returning")) Refuse("returning");
  return deletion;
}

Statement* StatementParser::ParseMerge() {
  auto* merge = Begin<Merge>();
  p_.Expect("merge");
  p_.Expect("into");
  merge->target = ParseTarget();
  p_.Expect("using");
  merge->source = p_.ParseRelation();
  p_.Expect("on");
  merge->on = p_.ParseExpression();
  if (p_.Take({"remove", "duplicates"})) {
    merge->remove_duplicates = true;
    return merge;
  }
  std::vector<MergeAction*> actions;
  while (p_.At("when")) {
    auto* action = p_.Make<MergeAction>(p_.at());
    p_.Take();
    action->matched = !p_.Take("not");
    p_.Expect("matched");
    if (p_.At("by")) Refuse("when not matched by");
    if (p_.At("and")) Refuse("merge with a condition on when");
    p_.Expect("then");
    if (p_.At({"do", "nothing"})) Refuse("merge do nothing");
    if (action->matched && p_.Take("delete")) {
      action->step = MergeStep::kDelete;
    } else if (action->matched) {
      p_.Expect({"update", "set"});
      action->set = ParseAssignments();
    } else {
      action->step = MergeStep::kInsert;
      p_.Expect("insert");
      if (p_.AtOperator("(")) action->columns = p_.ParseNameList();
      p_.Expect("values");
      p_.ExpectOperator("(");
      action->values = p_.ParseExpressions();
      p_.ExpectOperator(")");
    }
    actions.push_back(p_.Close(action));
  }
  if (actions.empty()) p_.Unexpected();
  merge->actions = p_.Copy(actions);
  return merge;
}

Statement* StatementParser::ParseTruncate() {
  auto* truncate = Begin<Truncate>();
  p_.Expect("truncate");
  p_.Take("table");
  truncate->table = p_.ParseQualifiedName();
  if (p_.AtOperator(",")) Refuse("truncate of several tables");
  return truncate;
}

Statement* StatementParser::ParseCall() {
  auto* call = Begin<CallProcedure>();
  p_.Expect("call");
  call->name = p_.ParseQualifiedName();
  p_.ExpectOperator("(");
  if (!p_.AtOperator(")")) call->arguments = p_.ParseExpressions();
  p_.ExpectOperator(")");
  return call;
}

Statement* StatementParser::ParseDeclare() {
  auto* declare = Begin<DeclareCursor>();
  p_.Expect("declare");
  declare->cursor = p_.ParseName();
  if (p_.AtAny({"binary", "insensitive", "scroll"}) || p_.At({"no", "scroll"}))
    Refuse("scroll or binary cursor");
  p_.Expect("cursor");
  if (p_.At({"with", "hold"})) Refuse("cursor with hold");
  p_.Take({"without", "hold"});
  p_.Expect("for");
  if (!AtQuery()) {
    p_.Unexpected();
    return declare;
  }
  declare->query = p_.ParseQuery();
  return declare;
}

Statement* StatementParser::ParseFetch() {
  auto* fetch = Begin<Fetch>();
  p_.Expect("fetch");
  if (p_.AtAny({"prior", "backward", "absolute", "relative", "first", "last"}) &&
      !p_.Peek(1).IsOperator(";") && p_.Peek(1).kind != TokenKind::kEnd)
    Refuse("backward fetch");
  if (p_.At("all") && (p_.Peek(1).Is("from") || p_.Peek(1).Is("in") || p_.AtName(1))) {
    p_.Take();
    fetch->direction = FetchDirection::kAll;
  } else if (p_.At("next") && (p_.Peek(1).Is("from") || p_.Peek(1).Is("in") || p_.AtName(1))) {
    p_.Take();
  } else if (p_.At("forward") && !p_.AtOperator(";")) {
    p_.Take();
    fetch->direction = FetchDirection::kForward;
    if (p_.Take("all"))
      fetch->direction = FetchDirection::kAll;
    else if (p_.Peek().kind == TokenKind::kInteger)
      fetch->count = p_.Take().value;
  } else if (p_.Peek().kind == TokenKind::kInteger) {
    fetch->direction = FetchDirection::kForward;
    fetch->count = p_.Take().value;
  }
  if (!p_.Take("from")) p_.Take("in");
  fetch->cursor = p_.ParseName();
  return fetch;
}

Statement* StatementParser::ParseClose() {
  auto* close = Begin<CloseCursor>();
  p_.Expect("close");
  close->all = p_.Take("all");
  if (!close->all) close->cursor = p_.ParseName();
  return close;
}

Statement* StatementParser::ParsePrepare() {
  auto* prepare = Begin<Prepare>();
  p_.Expect("prepare");
  prepare->name = p_.ParseName();
  if (p_.AtOperator("(")) prepare->types = ParseTypes();
  p_.Expect("as");
  prepare->statement = ParseStatement(p_);
  return prepare;
}

Statement* StatementParser::ParseExecute() {
  auto* execute = Begin<Execute>();
  p_.Expect("execute");
  execute->name = p_.ParseName();
  if (p_.TakeOperator("(")) {
    if (!p_.AtOperator(")")) execute->arguments = p_.ParseExpressions();
    p_.ExpectOperator(")");
  }
  return execute;
}

Statement* StatementParser::ParseDeallocate() {
  auto* deallocate = Begin<Deallocate>();
  p_.Expect("deallocate");
  if (p_.At("prepare") && (p_.AtName(1) || p_.Peek(1).Is("all"))) p_.Take();
  deallocate->all = p_.Take("all");
  if (!deallocate->all) deallocate->name = p_.ParseName();
  return deallocate;
}

Statement* StatementParser::ParseExplain() {
  auto* explain = Begin<Explain>();
  p_.Expect("explain");
  if (p_.AtOperator("(") && !AtQuery()) Refuse("explain with options in parentheses");
  explain->analyze = p_.AtAny({"analyze", "analyse"});
  if (explain->analyze) p_.Take();
  explain->verbose = p_.Take("verbose");
  explain->statement = ParseStatement(p_);
  return explain;
}

}  // namespace skep::sql
