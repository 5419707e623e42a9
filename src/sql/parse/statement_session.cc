// Rules of transactions, locks and settings.
#include <string>

#include "sql/parse/statement.h"

namespace skep::sql {
using namespace ast;

// ISOLATION LEVEL x, READ ONLY, READ WRITE in any order, perhaps with commas.
void StatementParser::ParseTransactionModes(IsolationLevel& isolation, AccessMode& access) {
  while (!p_.failed()) {
    if (p_.Take({"isolation", "level"})) {
      if (p_.Take("serializable"))
        isolation = IsolationLevel::kSerializable;
      else if (p_.Take("snapshot"))
        isolation = IsolationLevel::kSnapshot;
      else if (p_.Take({"repeatable", "read"}))
        isolation = IsolationLevel::kRepeatableRead;
      else if (p_.Take({"read", "committed"}))
        isolation = IsolationLevel::kReadCommitted;
      else if (p_.Take({"read", "uncommitted"}))
        isolation = IsolationLevel::kReadUncommitted;
      else
        p_.Unexpected();
    } else if (p_.Take({"read", "only"})) {
      access = AccessMode::kReadOnly;
    } else if (p_.Take({"read", "write"})) {
      access = AccessMode::kReadWrite;
    } else if (p_.At("deferrable") || p_.At({"not", "deferrable"})) {
      Refuse("deferrable transaction");
    } else {
      return;
    }
    p_.TakeOperator(",");
  }
}

Statement* StatementParser::ParseBegin() {
  auto* begin = Begin<ast::Begin>();
  begin->start = p_.Take().value == "start";
  if (!p_.Take("work")) p_.Take("transaction");
  ParseTransactionModes(begin->isolation, begin->access);
  return begin;
}

Statement* StatementParser::ParseEnd(bool commit) {
  p_.Take();
  if (!p_.Take("work")) p_.Take("transaction");
  if (p_.At({"and", "chain"})) Refuse("and chain");
  p_.Take({"and", "no", "chain"});
  if (commit) return Begin<Commit>();
  return Begin<Rollback>();
}

Statement* StatementParser::ParseLock() {
  auto* lock = Begin<LockTables>();
  p_.Expect("lock");
  p_.Take("table");
  std::vector<QualifiedName> tables;
  do {
    tables.push_back(p_.ParseQualifiedName());
  } while (p_.TakeOperator(","));
  lock->tables = p_.Copy(tables);
  if (p_.Take("in")) {
    static constexpr std::string_view kModes[] = {
        "access share", "row share",           "row exclusive", "share update exclusive",
        "share",        "share row exclusive", "exclusive",     "access exclusive"};
    std::string mode;
    while (!p_.failed() && !p_.At("mode") && p_.Peek().kind == TokenKind::kWord) {
      if (!mode.empty()) mode += ' ';
      mode += p_.Take().value;
    }
    for (const std::string_view known : kModes) {
      if (mode == known) lock->mode = known;
    }
    if (lock->mode.empty()) p_.Unexpected();
    p_.Expect("mode");
  }
  return lock;
}

// At the setting's name.
Set* StatementParser::ParseSetting(SettingScope scope, size_t first) {
  auto* set = p_.Make<Set>(first);
  set->scope = scope;
  set->name = p_.ParseQualifiedName();
  if (!p_.Take("to")) p_.ExpectOperator("=");
  if (p_.Take("default")) {
    set->to_default = true;
    return p_.Close(set);
  }
  std::vector<Value*> values;
  do {
    values.push_back(ParseValue());
  } while (p_.TakeOperator(","));
  set->values = p_.Copy(values);
  return p_.Close(set);
}

Statement* StatementParser::ParseSet() {
  p_.Expect("set");
  SettingScope scope = SettingScope::kNone;
  const auto named = [&](std::string_view name) {
    auto* set = Begin<Set>();
    set->scope = scope;
    set->name = p_.Copy(std::vector<Name>{{name, false, p_.Peek().begin, p_.Peek().begin + 1}});
    return set;
  };
  const bool setting = p_.Peek(1).Is("to") || p_.Peek(1).IsOperator("=");
  if (!setting) {
    if (p_.At("session") && !p_.Peek(1).Is("authorization") && !p_.Peek(1).Is("characteristics")) {
      p_.Take();
      scope = SettingScope::kSession;
    } else if (p_.Take("local")) {
      scope = SettingScope::kLocal;
    }
  }
  if (p_.Take({"session", "authorization"})) {
    auto* authorization = Begin<SetSessionAuthorization>();
    authorization->scope = scope;
    if (p_.Take("default")) {
      authorization->to_default = true;
    } else if (p_.Peek().kind == TokenKind::kString) {
      const Token& token = p_.Take();
      authorization->user = {token.value, true, token.begin, token.end};
      if (token.value.empty()) p_.UnexpectedAt(token);
    } else {
      authorization->user = ParseIdentity();
    }
    return authorization;
  }
  if (p_.Take({"session", "characteristics"})) {
    auto* set = Begin<SetTransaction>();
    set->characteristics = true;
    p_.Expect({"as", "transaction"});
    ParseTransactionModes(set->isolation, set->access);
    return set;
  }
  if (p_.At("transaction") && !setting) {
    auto* set = Begin<SetTransaction>();
    p_.Take();
    ParseTransactionModes(set->isolation, set->access);
    return set;
  }
  if (p_.At("role") && !p_.Peek(1).Is("to") && !p_.Peek(1).IsOperator("=")) {
    auto* role = Begin<SetRole>();
    p_.Take();
    role->scope = scope;
    if (p_.Take("none")) return role;
    if (p_.Peek().kind == TokenKind::kString) {
      const Token& token = p_.Take();
      role->role = {token.value, true, token.begin, token.end};
      if (token.value.empty()) p_.UnexpectedAt(token);
    } else {
      role->role = ParseIdentity();
    }
    return role;
  }
  if (p_.Take({"time", "zone"})) {
    auto* set = named("timezone");
    if (p_.AtAny({"local", "default"})) {
      p_.Take();
      set->to_default = true;
    } else if (p_.At("interval")) {
      set->interval = p_.ParseExpression();
    } else {
      set->values = p_.Copy(std::vector<Value*>{ParseValue()});
    }
    return set;
  }
  if (p_.At("names") && !setting) {
    p_.Take();
    auto* set = named("client_encoding");
    if (p_.Take("default"))
      set->to_default = true;
    else
      set->values = p_.Copy(std::vector<Value*>{ParseValue()});
    return set;
  }
  if (p_.At({"timezone", "interval"})) {
    p_.Take();
    auto* set = named("timezone");
    set->interval = p_.ParseExpression();
    return set;
  }
  return ParseSetting(scope, first_);
}

Statement* StatementParser::ParseReset() {
  auto* reset = Begin<Reset>();
  p_.Expect("reset");
  if (p_.Take("all"))
    reset->all = true;
  else if (p_.Take({"session", "authorization"}))
    reset->session_authorization = true;
  else if (p_.At({"time", "zone"})) {
    const Token& token = p_.Take();
    p_.Take();
    reset->name = p_.Copy(std::vector<Name>{{"timezone", false, token.begin, token.end}});
  } else {
    reset->name = p_.ParseQualifiedName();
  }
  return reset;
}

Statement* StatementParser::ParseCancel() {
  auto* cancel = Begin<Cancel>();
  p_.Expect("cancel");
  if (p_.Peek().kind != TokenKind::kInteger && p_.Peek().kind != TokenKind::kParameter) {
    p_.Unexpected();
    return cancel;
  }
  cancel->process = ParseValue();
  if (p_.Peek().kind == TokenKind::kString) cancel->message = ParseString();
  return cancel;
}

}  // namespace skep::sql
