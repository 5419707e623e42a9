#include "sql/statement.h"

#include <algorithm>
#include <charconv>

#include "sql/parse/script.h"
#include "sql/parse/token.h"

namespace skep::sql {
namespace {

struct Leading {
  std::string_view words;  // one to three leading words
  StatementKind kind;
};

// The longest match counts; what is not here is refused by name.
constexpr Leading kLeading[] = {
    {"select", StatementKind::kSelect},
    {"with", StatementKind::kSelect},
    {"values", StatementKind::kSelect},
    {"insert into", StatementKind::kInsert},
    {"update", StatementKind::kUpdate},
    {"delete", StatementKind::kDelete},
    {"delete from", StatementKind::kDelete},
    {"create table", StatementKind::kCreateTable},
    {"create temp table", StatementKind::kCreateTable},
    {"create temporary table", StatementKind::kCreateTable},
    {"create local temp table", StatementKind::kCreateTable},
    {"create local temporary table", StatementKind::kCreateTable},
    {"create view", StatementKind::kCreateView},
    {"create or replace view", StatementKind::kCreateView},
    {"create schema", StatementKind::kCreateSchema},
    {"create external schema", StatementKind::kCreateExternalSchema},
    {"merge into", StatementKind::kMerge},
    {"comment on", StatementKind::kComment},
    {"drop table", StatementKind::kDropTable},
    {"drop view", StatementKind::kDropView},
    {"drop schema", StatementKind::kDropSchema},
    {"alter table", StatementKind::kAlterTable},
    {"truncate", StatementKind::kTruncate},
    {"truncate table", StatementKind::kTruncate},
    {"begin", StatementKind::kBegin},
    {"start transaction", StatementKind::kBegin},
    {"commit", StatementKind::kCommit},
    {"end", StatementKind::kCommit},
    {"rollback", StatementKind::kRollback},
    {"abort", StatementKind::kRollback},
    {"set", StatementKind::kSet},
    {"reset", StatementKind::kReset},
    {"show", StatementKind::kShow},
    {"explain", StatementKind::kExplain},
    {"analyze", StatementKind::kAnalyze},
    {"vacuum", StatementKind::kVacuum},
    {"deallocate", StatementKind::kDeallocate},
    {"discard all", StatementKind::kDiscard},
};
constexpr size_t kMostLeadingWords = 4;

std::string_view TextOf(const Token& token, std::string_view script) {
  return script.substr(token.begin, token.end - token.begin);
}

bool IsName(const Token& token) {
  return token.kind == TokenKind::kWord || token.kind == TokenKind::kQuotedName;
}

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return out;
}

using Tokens = std::vector<Token>;

// The value of SET: words and literals as SHOW would print them, a list joined by ", ".
std::string SettingValue(const Tokens& tokens, size_t from, size_t to, std::string_view script) {
  std::string out;
  for (size_t i = from; i < to; i++) {
    const Token& t = tokens[i];
    if (t.IsOperator(",")) {
      out += ", ";
    } else if (t.kind == TokenKind::kQuotedName && t.value != "$user") {
      out += t.value;
    } else if (t.kind == TokenKind::kQuotedName) {
      out += "\"$user\"";
    } else {
      if (!out.empty() && out.back() != ' ' && out.back() != '-' && t.spaced) out += ' ';
      out += t.kind == TokenKind::kWord ? TextOf(t, script) : t.value;
    }
  }
  return out;
}

std::unexpected<Error> Near(const Tokens& tokens, size_t at, std::string_view script) {
  const bool end =
      at >= tokens.size() || tokens[at].kind == TokenKind::kEnd || tokens[at].IsOperator(";");
  const size_t offset = at < tokens.size() ? tokens[at].begin : script.size();
  return std::unexpected(
      Error{ErrorKind::kSyntaxError,
            end ? "syntax error at end of input"
                : "syntax error at or near \"" + std::string(TextOf(tokens[at], script)) + "\"",
            {},
            {},
            CharacterPosition(script, offset)});
}

// SET, RESET and SHOW: tokens [b, e) with b at the verb.
Result<void> ReadSetting(Statement& s, const Tokens& tokens, size_t b, size_t e,
                         std::string_view script) {
  size_t at = b + 1;
  const auto word = [&](size_t i, std::string_view w) { return i < e && tokens[i].Is(w); };
  if (s.kind == StatementKind::kSet) {
    if (word(at, "session") && word(at + 1, "authorization")) {
      s.kind = StatementKind::kUnsupported;
      s.command = "SET SESSION AUTHORIZATION";
      return {};
    }
    if (word(at, "session") && word(at + 1, "characteristics")) {
      s.setting_name = "default_transaction_isolation";
      s.setting_value = "serializable";
      return {};
    }
    if (word(at, "transaction")) {
      s.setting_name = "transaction_isolation";
      s.setting_value = "serializable";
      return {};
    }
    if (word(at, "role")) {
      s.kind = StatementKind::kUnsupported;
      s.command = "SET ROLE";
      return {};
    }
    if (word(at, "local") || word(at, "session")) {
      s.setting_local = tokens[at].Is("local");
      at++;
    }
    if (word(at, "names")) {
      s.setting_name = "client_encoding";
      s.setting_value = SettingValue(tokens, at + 1, e, script);
      return {};
    }
    if (word(at, "time") && word(at + 1, "zone")) {
      s.setting_name = "timezone";
      at += 2;
    } else {
      if (at >= e || !IsName(tokens[at])) return Near(tokens, at, script);
      s.setting_name = tokens[at++].value;
      while (at + 1 < e && tokens[at].IsOperator(".") && IsName(tokens[at + 1])) {
        s.setting_name += "." + std::string(tokens[at + 1].value);
        at += 2;
      }
      if (!(word(at, "to") || (at < e && tokens[at].IsOperator("="))))
        return Near(tokens, at, script);
      at++;
    }
    if (at >= e) return Near(tokens, at, script);
    if (e - at == 1 &&
        (tokens[at].Is("default") || (s.setting_name == "timezone" && tokens[at].Is("local")))) {
      s.setting_default = true;
    } else {
      s.setting_value = SettingValue(tokens, at, e, script);
    }
    return {};
  }
  if (word(at, "time") && word(at + 1, "zone")) {
    s.setting_name = "timezone";
    at += 2;
  } else if (word(at, "session") && word(at + 1, "authorization")) {
    s.setting_name = "session_authorization";
    at += 2;
  } else if (word(at, "transaction") && word(at + 1, "isolation") && word(at + 2, "level")) {
    s.setting_name = "transaction_isolation";
    at += 3;
  } else {
    if (at >= e || !IsName(tokens[at])) return Near(tokens, at, script);
    s.setting_name = tokens[at++].value;
    while (at + 1 < e && tokens[at].IsOperator(".") && IsName(tokens[at + 1])) {
      s.setting_name += "." + std::string(tokens[at + 1].value);
      at += 2;
    }
  }
  if (at != e) {
    // SHOW TABLES FROM SCHEMA ... and its kin have their own grammar.
    if (s.kind == StatementKind::kShow) {
      s.kind = StatementKind::kUnsupported;
      s.command = "SHOW " + Upper(s.setting_name);
      return {};
    }
    return Near(tokens, at, script);
  }
  return {};
}

// First words of the commands of Redshift (sql.md section 1) and PostgreSQL: known, even where not
// offered. Others are no SQL.
constexpr std::string_view kCommands[] = {
    "abort",      "alter",    "analyze",   "attach",   "begin",    "call",    "cancel",
    "checkpoint", "close",    "cluster",   "comment",  "commit",   "copy",    "create",
    "deallocate", "declare",  "delete",    "desc",     "describe", "detach",  "discard",
    "do",         "drop",     "end",       "execute",  "explain",  "fetch",   "grant",
    "import",     "insert",   "listen",    "load",     "lock",     "merge",   "move",
    "notify",     "prepare",  "reassign",  "refresh",  "reindex",  "release", "reset",
    "revoke",     "rollback", "savepoint", "security", "select",   "set",     "show",
    "start",      "table",    "truncate",  "unlisten", "unload",   "update",  "use",
    "vacuum",     "values",   "with"};

Result<Statement> Classify(const Tokens& tokens, size_t b, size_t e, std::string_view script) {
  Statement s;
  s.offset = tokens[b].begin;
  s.text = script.substr(s.offset, tokens[e - 1].end - s.offset);
  if (s.text.size() > kMaxStatementBytes)
    return Fail(ErrorKind::kPayloadTooLarge, "a statement may have at most 16 MB");
  size_t parenthesis = b;
  while (parenthesis < e && tokens[parenthesis].IsOperator("(")) parenthesis++;
  std::string words;
  size_t matched = 0;
  s.kind = StatementKind::kUnsupported;
  for (size_t n = 0; n < kMostLeadingWords && parenthesis + n < e &&
                     tokens[parenthesis + n].kind == TokenKind::kWord;
       n++) {
    if (n > 0) words += ' ';
    words += tokens[parenthesis + n].value;
    for (const auto& leading : kLeading) {
      if (leading.words == words) {
        s.kind = leading.kind;
        matched = n + 1;
        s.command = Upper(words);
      }
    }
  }
  if (parenthesis > b && s.kind != StatementKind::kSelect) return Near(tokens, b, script);
  if (s.kind == StatementKind::kUnsupported) {
    if (tokens[b].kind != TokenKind::kWord ||
        std::ranges::find(kCommands, tokens[b].value) == std::end(kCommands))
      return Near(tokens, b, script);
    // The name of the command: one word, or two where one says too little.
    s.command = Upper(tokens[b].value);
    for (const std::string_view two : {"CREATE", "ALTER", "DROP", "REFRESH", "ATTACH", "COMMENT"}) {
      if (s.command == two && b + 1 < e && tokens[b + 1].kind == TokenKind::kWord) {
        s.command += " " + Upper(tokens[b + 1].value);
        break;
      }
    }
    // What is known but not offered is still read to its end.
    if (const ParsedScript parsed = ParseWholeScript(s.text);
        !parsed.statements.empty() && !parsed.statements[0].tree &&
        parsed.statements[0].error.kind == ErrorKind::kSyntaxError) {
      Error error = parsed.statements[0].error;
      if (error.position > 0) error.position += CharacterPosition(script, s.offset) - 1;
      return std::unexpected(std::move(error));
    }
    return s;
  }
  for (size_t i = b; i < e; i++) {
    if (tokens[i].kind != TokenKind::kParameter) continue;
    uint32_t number = 0;
    std::from_chars(tokens[i].value.data(), tokens[i].value.data() + tokens[i].value.size(),
                    number);
    if (number == 0) {
      return std::unexpected(Error{ErrorKind::kUndefinedParameter,
                                   "there is no parameter $0",
                                   {},
                                   {},
                                   CharacterPosition(script, tokens[i].begin)});
    }
    s.parameter_count = std::max(s.parameter_count, number);
  }
  switch (s.kind) {
    case StatementKind::kSelect:
      s.returns_rows = true;
      s.command = "SELECT";
      // SELECT ... INTO makes a table.
      for (size_t i = b, depth = 0; i < e; i++) {
        if (tokens[i].IsOperator("(")) depth++;
        if (tokens[i].IsOperator(")") && depth > 0) depth--;
        if (depth == 0 && tokens[i].Is("into")) {
          s.kind = StatementKind::kCreateTableAs;
          s.returns_rows = false;
          for (size_t k = i + 1; k < i + 4 && k < e; k++)
            s.temporary |= tokens[k].Is("temp") || tokens[k].Is("temporary") ||
                           (tokens[k].kind == TokenKind::kWord && tokens[k].value.starts_with('#'));
          break;
        }
      }
      break;
    case StatementKind::kCreateTable: {
      size_t at = b + matched;
      s.temporary = s.command.find("TEMP") != std::string::npos;
      while (at < e && (tokens[at].Is("if") || tokens[at].Is("not") || tokens[at].Is("exists")))
        at++;
      if (at < e && tokens[at].kind == TokenKind::kWord && tokens[at].value.starts_with("#"))
        s.temporary = true;
      s.command = "CREATE TABLE";
      size_t depth = 0;
      for (; at < e; at++) {
        if (tokens[at].IsOperator("(")) depth++;
        if (tokens[at].IsOperator(")") && depth > 0) depth--;
        if (depth == 0 && tokens[at].Is("as")) {
          s.kind = StatementKind::kCreateTableAs;
          break;
        }
      }
      break;
    }
    case StatementKind::kExplain:
    case StatementKind::kShow:
      s.returns_rows = true;
      break;
    case StatementKind::kBegin:
      for (size_t i = b; i + 1 < e; i++)
        s.read_only |= tokens[i].Is("read") && tokens[i + 1].Is("only");
      break;
    default:
      break;
  }
  if (s.kind == StatementKind::kSet || s.kind == StatementKind::kReset ||
      s.kind == StatementKind::kShow) {
    SKEP_TRY(ReadSetting(s, tokens, b, e, script));
    if (s.kind == StatementKind::kUnsupported) s.returns_rows = false;
  }
  return s;
}

}  // namespace

StatementClass ClassOf(StatementKind kind) {
  switch (kind) {
    case StatementKind::kEmpty:
      return StatementClass::kNothing;
    case StatementKind::kSelect:
    case StatementKind::kExplain:
      return StatementClass::kRead;
    case StatementKind::kInsert:
    case StatementKind::kUpdate:
    case StatementKind::kDelete:
    case StatementKind::kMerge:
      return StatementClass::kWrite;
    case StatementKind::kCreateTable:
    case StatementKind::kCreateTableAs:
    case StatementKind::kCreateView:
    case StatementKind::kCreateSchema:
    case StatementKind::kCreateExternalSchema:
    case StatementKind::kDropTable:
    case StatementKind::kDropView:
    case StatementKind::kDropSchema:
    case StatementKind::kAlterTable:
    case StatementKind::kTruncate:
    case StatementKind::kComment:
      return StatementClass::kDefinition;
    case StatementKind::kBegin:
    case StatementKind::kCommit:
    case StatementKind::kRollback:
      return StatementClass::kTransaction;
    case StatementKind::kSet:
    case StatementKind::kReset:
    case StatementKind::kShow:
    case StatementKind::kDeallocate:
    case StatementKind::kDiscard:
      return StatementClass::kSetting;
    case StatementKind::kAnalyze:
    case StatementKind::kVacuum:
      return StatementClass::kMaintenance;
    case StatementKind::kUnsupported:
      break;
  }
  return StatementClass::kUnsupported;
}

Result<std::vector<Statement>> ParseScript(std::string_view script) {
  ast::Arena arena;
  SKEP_TRY_ASSIGN(const auto tokens, ReadTokens(script, arena));
  std::vector<Statement> statements;
  size_t begin = 0;
  for (size_t i = 0; i < tokens.size(); i++) {
    const bool end = tokens[i].kind == TokenKind::kEnd;
    if (!end && !tokens[i].IsOperator(";")) continue;
    if (i > begin) {
      SKEP_TRY_ASSIGN(auto statement, Classify(tokens, begin, i, script));
      statements.push_back(std::move(statement));
    }
    begin = i + 1;
  }
  return statements;
}

}  // namespace skep::sql
