#include "sql/emit.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/text.h"
#include "sql/emit/duckdb.h"
#include "sql/functions.h"
#include "sql/lexer.h"
#include "sql/parse/parser.h"
#include "sql/quoting.h"
#include "sql/resolve/resolver.h"

namespace skep::sql {
namespace {
using thin::Token;
using thin::TokenKind;
using thin::Tokenize;


constexpr size_t kMaxEmittedBytes =
    4 * kMaxStatementBytes;  // rewrites that repeat an argument must not multiply without end
constexpr size_t kMaxDepth =
    400;  // nested parentheses; the engine's own parser has a limit of this order

template <size_t N>
bool In(std::string_view word, const std::array<std::string_view, N>& list) {
  return std::ranges::find(list, word) != list.end();
}

// Keywords of queries and expressions, written as they are. Every other word goes quoted, so that
// no grammar of the engine's own (SHOW, DESCRIBE, PIVOT, ATTACH, ...) can be reached by a word that
// is not listed here.
constexpr std::array<std::string_view, 50> kKeywords = {"all",          "and",
                                                        "any",          "as",
                                                        "asc",          "between",
                                                        "by",           "case",
                                                        "current_date", "current_timestamp",
                                                        "default",      "desc",
                                                        "distinct",     "else",
                                                        "end",          "except",
                                                        "exists",       "false",
                                                        "group",        "having",
                                                        "ilike",        "in",
                                                        "intersect",    "is",
                                                        "isnull",       "like",
                                                        "limit",        "localtimestamp",
                                                        "not",          "notnull",
                                                        "null",         "offset",
                                                        "on",           "or",
                                                        "order",        "qualify",
                                                        "select",       "similar",
                                                        "some",         "then",
                                                        "true",         "union",
                                                        "when",         "where",
                                                        "current_time", "localtime",
                                                        "from",         "values",
                                                        "with",         "join"};
constexpr std::array<std::string_view, 9> kUnits = {"year", "years", "month",  "months", "day",
                                                    "days", "hour",  "minute", "second"};
constexpr std::array<std::string_view, 8> kLiteralTypes = {
    "date", "time", "timestamp", "timestamptz", "timetz", "interval", "datetime", "varchar"};
constexpr std::array<std::string_view, 7> kBeforeText = {"escape", "zone",    "to",      "for",
                                                         "both",   "leading", "trailing"};
constexpr std::array<std::string_view, 9> kFrameWords = {
    "rows", "range", "between", "and", "unbounded", "preceding", "following", "current", "row"};
constexpr std::array<std::string_view, 28> kOperators = {
    "+", "-", "*", "/", "%",  "^",  "=", "<",  ">",  "<=",  ">=", "<>",  "!=",  "||",
    ".", ",", "&", "|", "<<", ">>", "~", "!~", "~*", "!~*", "~~", "!~~", "~~*", "!~~*"};
// Ends the FROM clause of a query.
constexpr std::array<std::string_view, 14> kAfterFrom = {
    "where",  "group", "having",    "order",  "limit",   "offset", "union",
    "except", "minus", "intersect", "window", "qualify", "fetch",  "set"};
constexpr std::array<std::string_view, 10> kJoinWords = {
    "join", "left", "right", "full", "inner", "outer", "cross", "natural", "on", "using"};
constexpr std::array<std::string_view, 4> kInformationSchema = {"columns", "schemata", "tables",
                                                                "views"};
constexpr std::array<std::string_view, 10> kPgCatalog = {
    "pg_attrdef",     "pg_attribute", "pg_class",  "pg_constraint", "pg_database",
    "pg_description", "pg_namespace", "pg_tables", "pg_type",       "pg_views"};

// Rows of catalog views that users may see: all but those of kHiddenSchema.
struct CatalogView {
  std::string_view schema, name, condition;
};
constexpr CatalogView kVisible[] = {
    {"pg_catalog", "pg_namespace", "nspname <> 'skep_catalog'"},
    {"pg_catalog", "pg_tables", "schemaname <> 'skep_catalog'"},
    {"pg_catalog", "pg_views", "schemaname <> 'skep_catalog'"},
    {"pg_catalog", "pg_class",
     "relnamespace not in (select oid from pg_catalog.pg_namespace where nspname = "
     "'skep_catalog')"},
    {"pg_catalog", "pg_attribute",
     "attrelid not in (select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on "
     "n.oid = c.relnamespace where n.nspname = 'skep_catalog')"},
    {"information_schema", "columns", "table_schema <> 'skep_catalog'"},
    {"information_schema", "tables", "table_schema <> 'skep_catalog'"},
    {"information_schema", "views", "table_schema <> 'skep_catalog'"},
    {"information_schema", "schemata", "schema_name <> 'skep_catalog'"},
};

struct DatePart {
  std::string_view name, canonical, make;
  int factor;
};
constexpr DatePart kDateParts[] = {
    {"year", "year", "to_years", 1},
    {"years", "year", "to_years", 1},
    {"y", "year", "to_years", 1},
    {"yr", "year", "to_years", 1},
    {"yy", "year", "to_years", 1},
    {"yyyy", "year", "to_years", 1},
    {"quarter", "quarter", "to_months", 3},
    {"qtr", "quarter", "to_months", 3},
    {"q", "quarter", "to_months", 3},
    {"month", "month", "to_months", 1},
    {"months", "month", "to_months", 1},
    {"mon", "month", "to_months", 1},
    {"mm", "month", "to_months", 1},
    {"week", "week", "to_days", 7},
    {"weeks", "week", "to_days", 7},
    {"w", "week", "to_days", 7},
    {"ww", "week", "to_days", 7},
    {"day", "day", "to_days", 1},
    {"days", "day", "to_days", 1},
    {"d", "day", "to_days", 1},
    {"dd", "day", "to_days", 1},
    {"hour", "hour", "to_hours", 1},
    {"hours", "hour", "to_hours", 1},
    {"h", "hour", "to_hours", 1},
    {"hh", "hour", "to_hours", 1},
    {"hr", "hour", "to_hours", 1},
    {"minute", "minute", "to_minutes", 1},
    {"minutes", "minute", "to_minutes", 1},
    {"m", "minute", "to_minutes", 1},
    {"mi", "minute", "to_minutes", 1},
    {"min", "minute", "to_minutes", 1},
    {"n", "minute", "to_minutes", 1},
    {"second", "second", "to_seconds", 1},
    {"seconds", "second", "to_seconds", 1},
    {"s", "second", "to_seconds", 1},
    {"sec", "second", "to_seconds", 1},
    {"ss", "second", "to_seconds", 1},
    {"millisecond", "millisecond", "to_milliseconds", 1},
    {"ms", "millisecond", "to_milliseconds", 1},
    {"microsecond", "microsecond", "to_microseconds", 1},
    {"us", "microsecond", "to_microseconds", 1},
    {"epoch", "epoch", "", 1},
    {"dow", "dow", "", 1},
    {"dayofweek", "dow", "", 1},
    {"doy", "doy", "", 1},
    {"dayofyear", "doy", "", 1},
    {"decade", "decade", "", 1},
    {"century", "century", "", 1},
};

const DatePart* FindDatePart(const Token& token) {
  std::string name = token.value;
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  const auto it = std::ranges::find(kDateParts, name, &DatePart::name);
  return it == std::end(kDateParts) ? nullptr : it;
}

// A to_char format in the engine's own letters; nothing when it holds a pattern without a
// counterpart.
std::optional<std::string> EngineFormat(std::string_view format) {
  static constexpr std::pair<std::string_view, std::string_view> kPatterns[] = {
      {"yyyy", "%Y"}, {"hh24", "%H"}, {"hh12", "%I"}, {"ddd", "%j"}, {"yy", "%y"},
      {"mm", "%m"},   {"dd", "%d"},   {"hh", "%I"},   {"mi", "%M"},  {"ss", "%S"},
      {"ms", "%g"},   {"us", "%f"},   {"am", "%p"},   {"pm", "%p"}};
  static constexpr std::pair<std::string_view, std::string_view> kExact[] = {
      {"Mon", "%b"}, {"Dy", "%a"}, {"FMMonth", "%B"}, {"FMDay", "%A"}};
  std::string out;
  while (!format.empty()) {
    const auto exact =
        std::ranges::find_if(kExact, [&](const auto& p) { return format.starts_with(p.first); });
    const std::string lower = Lower(format.substr(0, 4));
    const auto folded =
        std::ranges::find_if(kPatterns, [&](const auto& p) { return lower.starts_with(p.first); });
    if (exact != std::end(kExact)) {
      out += exact->second;
      format.remove_prefix(exact->first.size());
    } else if (folded != std::end(kPatterns)) {
      out += folded->second;
      format.remove_prefix(folded->first.size());
    } else if (format[0] == '"' && format.find('"', 1) != std::string_view::npos) {
      const size_t close = format.find('"', 1);
      for (const char c : format.substr(1, close - 1))
        out += c == '%' ? std::string("%%") : std::string(1, c);
      format.remove_prefix(close + 1);
    } else if (std::string_view("-/.,:; _").find(format[0]) != std::string_view::npos ||
               (format[0] == 'T' && !out.empty())) {
      out.push_back(format[0]);
      format.remove_prefix(1);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

// A pattern of SIMILAR TO as a regular expression over the whole text.
std::string SimilarPattern(std::string_view pattern) {
  std::string out = "(?s)(?:";
  for (size_t i = 0; i < pattern.size(); i++) {
    const char c = pattern[i];
    if (c == '%') {
      out += ".*";
    } else if (c == '_') {
      out += '.';
    } else if (c == '\\' && i + 1 < pattern.size()) {
      out += c;
      out += pattern[++i];
    } else {
      if (c == '.' || c == '^' || c == '$') out += '\\';
      out += c;
    }
  }
  return out + ")";
}

class Emitter {
 public:
  Emitter(const Statement& statement, const EmitContext& context)
      : statement_(statement), context_(context) {}

  Result<Emitted> Run();

 private:
  // What a run of tokens is. kQuery and kExpression differ only in name: FROM always opens a
  // relation list and only behind SELECT. kChange: behind UPDATE ... SET or DELETE, where FROM may
  // stand without SELECT. kKeywords: arguments of substring and trim, where FROM is punctuation.
  enum class Mode { kQuery, kExpression, kRelations, kChange, kKeywords };

  std::unexpected<Error> Error1(ErrorKind kind, std::string message, size_t at,
                                std::string hint = {}) const {
    const size_t offset = at < tokens_.size() ? tokens_[at].offset : statement_.text.size();
    return std::unexpected(Error{
        kind, std::move(message), {}, std::move(hint), CharacterPosition(statement_.text, offset)});
  }
  std::unexpected<Error> Near(size_t at) const {
    if (at >= end_) return Error1(ErrorKind::kSyntaxError, "syntax error at end of input", end_);
    return Error1(ErrorKind::kSyntaxError,
                  "syntax error at or near \"" + std::string(tokens_[at].text) + "\"", at);
  }
  std::unexpected<Error> Unsupported(const std::string& what, size_t at) const {
    return Error1(ErrorKind::kFeatureNotSupported, what + " is not supported", at);
  }

  bool Word(size_t i, std::string_view word) const { return i < end_ && tokens_[i].Is(word); }
  bool Op(size_t i, std::string_view op) const { return i < end_ && tokens_[i].IsOperator(op); }
  bool Name(size_t i) const { return i < end_ && tokens_[i].IsName(); }

  // Tokens are marked nearly in order, so counting goes on from the last one.
  void Mark(size_t i) {
    const size_t offset = tokens_[i].offset;
    if (offset < counted_offset_) {
      counted_offset_ = 0;
      counted_position_ = 1;
    }
    counted_position_ +=
        CharacterPosition(statement_.text.substr(counted_offset_), offset - counted_offset_) - 1;
    counted_offset_ = offset;
    out_.positions.emplace_back(static_cast<uint32_t>(out_.text.size()), counted_position_);
  }
  void Space() {
    if (!out_.text.empty() && out_.text.back() != ' ' && out_.text.back() != '(')
      out_.text.push_back(' ');
  }
  void Put(std::string_view text) {
    Space();
    out_.text += text;
  }
  void PutToken(size_t i);
  void PutName(size_t i) {
    Space();
    Mark(i);
    out_.text += QuoteName(tokens_[i].value);
  }

  Result<void> MatchParentheses();
  Result<void> Range(size_t b, size_t e, Mode mode, size_t depth);
  Result<size_t> Relation(size_t at, size_t e, size_t depth, bool target);
  bool PutCatalogView(std::string_view schema, std::string_view name, size_t at, size_t next,
                      size_t e);
  Result<size_t> Call(size_t at, size_t e, size_t depth);
  Result<size_t> Type(size_t at, size_t e);
  std::vector<std::pair<size_t, size_t>> Arguments(size_t open) const;
  std::string FirstSchema() const {
    return context_.search_path.empty() ? "public" : context_.search_path.front();
  }
  Result<void> NameList(size_t open);
  Result<void> Window(size_t open, size_t depth);
  Result<size_t> WithClause(size_t at, size_t e, size_t depth);
  void NameItem(size_t b, size_t e);
  bool OpensQuery(size_t open) const;

  Result<void> EmitInsert();
  Result<void> EmitUpdate();
  Result<void> EmitDelete();
  Result<void> EmitCreateTable();
  Result<void> EmitColumn(size_t b, size_t e);
  Result<void> EmitCreateView();
  Result<void> EmitCreateSchema();
  Result<void> EmitCreateExternalSchema();
  Result<void> EmitDrop();
  Result<void> EmitDropSchema();
  Result<void> EmitAlterTable();
  Result<void> EmitTruncate();
  Result<void> EmitExplain();
  Result<void> EmitQuery(size_t b, size_t e);
  Result<size_t> NewTableName(size_t at);
  Result<void> CheckSchemaName(size_t at) const;

  const Statement& statement_;
  const EmitContext& context_;
  std::vector<Token> tokens_;
  std::vector<size_t> match_;
  size_t end_ = 0;
  size_t counted_offset_ = 0;
  uint32_t counted_position_ = 1;
  std::set<std::string, std::less<>> common_tables_;
  Emitted out_;
};

void Emitter::PutToken(size_t i) {
  const Token& t = tokens_[i];
  const bool tight = t.IsOperator(",") || t.IsOperator(")") || t.IsOperator(".") ||
                     t.IsOperator("::") || t.IsOperator("[") || t.IsOperator("]");
  const bool after_dot = !out_.text.empty() && out_.text.back() == '.';
  if (!tight && !after_dot) Space();
  Mark(i);
  switch (t.kind) {
    case TokenKind::kQuotedName:
      out_.text += QuoteName(t.value);
      break;
    case TokenKind::kString:
      out_.text += QuoteString(t.value);
      break;
    case TokenKind::kParameter:
      out_.text += "$" + t.value;
      break;
    case TokenKind::kWord:
      out_.text +=
          In(t.value, kKeywords) && !after_dot && !Op(i + 1, ".") ? t.value : QuoteName(t.value);
      break;
    default:
      out_.text += t.value;
  }
}

Result<void> Emitter::MatchParentheses() {
  match_.assign(tokens_.size(), 0);
  std::vector<size_t> open;
  for (size_t i = 0; i < end_; i++) {
    if (tokens_[i].IsOperator("(") || tokens_[i].IsOperator("[")) {
      open.push_back(i);
      if (open.size() > kMaxDepth)
        return Error1(ErrorKind::kPayloadTooLarge, "the statement is nested too deeply", i);
    } else if (tokens_[i].IsOperator(")") || tokens_[i].IsOperator("]")) {
      if (open.empty() || tokens_[open.back()].IsOperator("(") != tokens_[i].IsOperator(")"))
        return Near(i);
      match_[open.back()] = i;
      match_[i] = open.back();
      open.pop_back();
    }
  }
  if (!open.empty()) return Near(end_);
  return {};
}

std::vector<std::pair<size_t, size_t>> Emitter::Arguments(size_t open) const {
  std::vector<std::pair<size_t, size_t>> out;
  const size_t close = match_[open];
  size_t begin = open + 1;
  for (size_t i = open + 1; i < close; i++) {
    if (Op(i, "(") || Op(i, "[")) {
      i = match_[i];
    } else if (Op(i, ",")) {
      out.emplace_back(begin, i);
      begin = i + 1;
    }
  }
  if (close > open + 1) out.emplace_back(begin, close);
  return out;
}

// A type's name after :: or AS; answers the token behind it.
Result<size_t> Emitter::Type(size_t at, size_t e) {
  if (at >= e || !tokens_[at].IsName()) return Near(at);
  if (!out_.text.ends_with("::")) Space();
  Mark(at);
  const std::string& name = tokens_[at].value;
  const bool arguments = Op(at + 1, "(");
  const auto with_arguments = [&](std::string_view target, size_t i) -> Result<size_t> {
    out_.text += target;
    if (!Op(i, "(")) return i;
    const size_t close = match_[i];
    if (Word(i + 1, "max") && close == i + 2) return close + 1;
    out_.text += "(";
    for (size_t k = i + 1; k < close; k++) {
      if (tokens_[k].kind != TokenKind::kNumber && !tokens_[k].IsOperator(",")) return Near(k);
      out_.text += tokens_[k].value;
    }
    out_.text += ")";
    return close + 1;
  };
  const auto zoned = [&](std::string_view plain, std::string_view with_zone, size_t i) -> size_t {
    if (Op(i, "(")) i = match_[i] + 1;
    if ((Word(i, "with") || Word(i, "without")) && Word(i + 1, "time") && Word(i + 2, "zone")) {
      out_.text += Word(i, "with") ? with_zone : plain;
      return i + 3;
    }
    out_.text += plain;
    return i;
  };
  if (name == "varchar" || name == "nvarchar" || name == "text" || name == "bpchar" ||
      name == "nchar" || name == "char") {
    return with_arguments("varchar", at + 1);
  }
  if (name == "character") return with_arguments("varchar", at + (Word(at + 1, "varying") ? 2 : 1));
  if (name == "decimal" || name == "numeric") {
    if (arguments) return with_arguments("decimal", at + 1);
    out_.text += "decimal(18,0)";
    return at + 1;
  }
  if (name == "double") {
    out_.text += "double";
    return at + (Word(at + 1, "precision") ? 2 : 1);
  }
  if (name == "float" || name == "float8") {
    out_.text += "double";
    return arguments ? match_[at + 1] + 1 : at + 1;
  }
  if (name == "timestamp") return zoned("timestamp", "timestamptz", at + 1);
  if (name == "time") return zoned("time", "timetz", at + 1);
  if (name == "super") {
    out_.text += "json";
    return at + 1;
  }
  if (name == "varbyte" || name == "varbinary" || name == "binary") {
    out_.text += "blob";
    return arguments ? match_[at + 1] + 1 : at + 1;
  }
  static constexpr std::array<std::string_view, 17> kSame = {
      "smallint", "integer", "int",  "bigint",      "int2",   "int4",     "int8", "real", "float4",
      "boolean",  "bool",    "date", "timestamptz", "timetz", "interval", "oid",  "name"};
  if (!In(name, kSame))
    return Error1(ErrorKind::kUndefinedObject, "type \"" + name + "\" does not exist", at);
  out_.text += name == "oid" ? "bigint" : name == "name" ? "varchar" : name;
  return at + 1;
}

// A table, view or alias of one in relation position; answers the token behind the name.
Result<size_t> Emitter::Relation(size_t at, size_t e, size_t depth, bool target) {
  if (Word(at, "lateral")) {
    Put("lateral");
    at++;
  }
  if (Word(at, "only")) at++;
  if (at >= e || !tokens_[at].IsName() ||
      (tokens_[at].kind == TokenKind::kWord && In(tokens_[at].value, kKeywords)))
    return Near(at);
  std::vector<size_t> parts{at};
  while (Op(parts.back() + 1, ".") && Name(parts.back() + 2) && parts.size() < 4)
    parts.push_back(parts.back() + 2);
  const size_t next = parts.back() + 1;
  if (Op(next, "(") && !target) {
    const Function* function = parts.size() == 1 ? FindFunction(tokens_[at].value, 0) : nullptr;
    if (!function || function->form != FunctionForm::kRelation) {
      return Error1(ErrorKind::kUndefinedFunction,
                    "function " + tokens_[parts.back()].value + "() does not exist", at);
    }
    Put(function->target);
    out_.text += "(";
    SKEP_TRY(Range(next + 1, match_[next], Mode::kExpression, depth + 1));
    out_.text += ")";
    return match_[next] + 1;
  }
  if (parts.size() >= 3) {
    const std::string& database = tokens_[parts[0]].value;
    if (parts.size() > 3 || database != context_.database) {
      return Error1(ErrorKind::kFeatureNotSupported,
                    "cross-database reference to \"" + database + "\" is not supported", at);
    }
    parts.erase(parts.begin());
  }
  // The engine compares names without regard to case, so the checks do too.
  const std::string name = Lower(tokens_[parts.back()].value);
  const std::string schema = parts.size() == 2 ? Lower(tokens_[parts[0]].value) : "";
  // The engine reads a file where a table of that name is missing; no table's name looks like a
  // path.
  for (const size_t part : parts) {
    if (tokens_[part].value.find_first_of("./\\:*?[~") != std::string::npos) {
      return Error1(ErrorKind::kUndefinedTable,
                    "relation \"" + tokens_[part].value + "\" does not exist", part);
    }
  }
  const auto denied = [&] {
    return Error1(ErrorKind::kInsufficientPrivilege, "permission denied for relation " + name, at);
  };
  if (schema.empty()) {
    if (!common_tables_.contains(name)) {
      for (const std::string_view prefix : {"duckdb_", "pragma_", "sqlite_"}) {
        if (name.starts_with(prefix)) return denied();
      }
      if (name.starts_with("pg_") && !In(name, kPgCatalog)) {
        return Error1(ErrorKind::kUndefinedTable, "relation \"" + name + "\" does not exist", at);
      }
      if (name.starts_with("pg_") && target) return denied();
      if (PutCatalogView("pg_catalog", name, at, next, e)) return next;
    }
    PutName(parts.back());
    return next;
  }
  if (schema == kHiddenSchema || schema == kLakeCatalog || schema == "main" || schema == "temp" ||
      schema == "system")
    return denied();
  if (schema == "information_schema" ? !In(name, kInformationSchema)
                                     : schema == "pg_catalog" && !In(name, kPgCatalog)) {
    return Error1(ErrorKind::kUndefinedTable,
                  "relation \"" + schema + "." + name + "\" does not exist", at);
  }
  if (target && (schema == "information_schema" || schema == "pg_catalog")) return denied();
  if (PutCatalogView(schema, name, at, next, e)) return next;
  const bool external = context_.names && context_.names->IsExternalSchema(schema);
  if (external && target) return Unsupported("writing to an external table", at);
  Space();
  Mark(at);
  if (external) out_.text += QuoteName(kLakeCatalog) + ".";
  if (!external && schema != "information_schema" && schema != "pg_catalog")
    out_.text += QuoteName(context_.database) + ".";
  out_.text += QuoteName(tokens_[parts[0]].value) + ".";
  Mark(parts.back());
  out_.text += QuoteName(tokens_[parts.back()].value);
  return next;
}

// A catalog view without the hidden schema; false when `name` needs none of that.
bool Emitter::PutCatalogView(std::string_view schema, std::string_view name, size_t at, size_t next,
                             size_t e) {
  const auto view = std::ranges::find_if(
      kVisible, [&](const auto& v) { return v.schema == schema && v.name == name; });
  if (view == std::end(kVisible)) return false;
  Space();
  Mark(at);
  out_.text += "(select * from " + QuoteName(schema) + "." + QuoteName(name) + " where " +
               std::string(view->condition) + ")";
  const bool named =
      next < e && (Word(next, "as") ||
                   (tokens_[next].IsName() && !In(tokens_[next].value, kKeywords) &&
                    !In(tokens_[next].value, kAfterFrom) && !In(tokens_[next].value, kJoinWords)));
  if (!named) out_.text += " " + QuoteName(name);
  return true;
}

// A function call at `at` (a name before an opening parenthesis); answers the token behind the
// closing one.
Result<size_t> Emitter::Call(size_t at, size_t e, size_t depth) {
  const std::string name = Lower(tokens_[at].value);
  const size_t open = at + 1, close = match_[open];
  const auto unknown = [&] {
    return Error1(ErrorKind::kUndefinedFunction, "function " + name + "() does not exist", at,
                  "No function of this name is offered; see docs/compatibility/sql.md.");
  };
  if (name == "cast" || name == "try_cast") {
    size_t as = open + 1;
    for (; as < close && !Word(as, "as"); as++) {
      if (Op(as, "(")) as = match_[as];
    }
    if (as >= close) return Near(close);
    Space();
    Mark(at);
    out_.text += name + "(";
    SKEP_TRY(Range(open + 1, as, Mode::kExpression, depth + 1));
    Put("as");
    SKEP_TRY_ASSIGN(const size_t behind, Type(as + 1, close));
    if (behind != close) return Near(behind);
    out_.text += ")";
    return close + 1;
  }
  if (name == "extract") {
    const DatePart* part = open + 1 < close ? FindDatePart(tokens_[open + 1]) : nullptr;
    if (!part || !Word(open + 2, "from")) return Near(open + 1);
    Space();
    Mark(at);
    out_.text += "extract(";
    out_.text += part->canonical;
    out_.text += " from";
    SKEP_TRY(Range(open + 3, close, Mode::kExpression, depth + 1));
    out_.text += ")";
    return close + 1;
  }
  const auto arguments = Arguments(open);
  const Function* function = FindFunction(name, arguments.size());
  if (!function || function->form == FunctionForm::kRelation) return unknown();
  const auto emit = [&](size_t i) {
    return Range(arguments[i].first, arguments[i].second, Mode::kExpression, depth + 1);
  };
  const auto count = [&](size_t n) -> Result<void> {
    if (arguments.size() != n) return unknown();
    return {};
  };
  const auto part_of = [&](size_t i) -> Result<const DatePart*> {
    const auto [b, f] = arguments[i];
    const DatePart* part =
        f == b + 1 && (tokens_[b].IsName() || tokens_[b].kind == TokenKind::kString)
            ? FindDatePart(tokens_[b])
            : nullptr;
    if (!part)
      return Error1(ErrorKind::kInvalidArgument, "invalid date part \"" + tokens_[b].value + "\"",
                    b);
    return part;
  };
  Space();
  Mark(at);
  switch (function->form) {
    case FunctionForm::kPlain: {
      out_.text += function->target;
      out_.text += "(";
      SKEP_TRY(Range(open + 1, close, Mode::kExpression, depth + 1));
      // The engine wants IGNORE NULLS inside the parentheses.
      if ((Word(close + 1, "ignore") || Word(close + 1, "respect")) && Word(close + 2, "nulls")) {
        out_.text += " " + tokens_[close + 1].value + " nulls)";
        return close + 3;
      }
      out_.text += ")";
      break;
    }
    case FunctionForm::kKeywords:
      out_.text += function->target;
      out_.text += "(";
      SKEP_TRY(Range(open + 1, close, Mode::kKeywords, depth + 1));
      out_.text += ")";
      break;
    case FunctionForm::kTemplate:
      for (size_t k = 0; k < function->target.size(); k++) {
        const char c = function->target[k];
        if (c == '$' && k + 1 < function->target.size() && function->target[k + 1] >= '1' &&
            function->target[k + 1] <= '9') {
          const auto index = static_cast<size_t>(function->target[++k] - '1');
          out_.text += "(";
          SKEP_TRY(emit(index));
          out_.text += ")";
        } else {
          out_.text.push_back(c);
        }
      }
      break;
    case FunctionForm::kConvert: {
      SKEP_TRY(count(2));
      out_.text += "cast(";
      SKEP_TRY(emit(1));
      out_.text += " as";
      SKEP_TRY_ASSIGN(const size_t behind, Type(arguments[0].first, arguments[0].second));
      if (behind != arguments[0].second) return Near(behind);
      out_.text += ")";
      break;
    }
    case FunctionForm::kListagg: {
      if (arguments.empty() || arguments.size() > 2) return unknown();
      const bool distinct = Word(arguments[0].first, "distinct");
      out_.text += distinct ? "string_agg(distinct cast(" : "string_agg(cast(";
      SKEP_TRY(Range(arguments[0].first + (distinct ? 1 : 0), arguments[0].second,
                     Mode::kExpression, depth + 1));
      out_.text += " as varchar),";
      if (arguments.size() == 2) {
        SKEP_TRY(emit(1));
      } else {
        out_.text += " ''";
      }
      size_t behind = close + 1;
      if (Word(behind, "within") && Word(behind + 1, "group") && Op(behind + 2, "(") &&
          Word(behind + 3, "order")) {
        SKEP_TRY(Range(behind + 3, match_[behind + 2], Mode::kExpression, depth + 1));
        behind = match_[behind + 2] + 1;
      }
      out_.text += ")";
      return behind;
    }
    case FunctionForm::kToChar:
    case FunctionForm::kToDate: {
      SKEP_TRY(count(2));
      const auto [b, f] = arguments[1];
      const auto format = f == b + 1 && tokens_[b].kind == TokenKind::kString
                              ? EngineFormat(tokens_[b].value)
                              : std::nullopt;
      if (!format) return Unsupported("this format of " + name, b);
      const bool to_char = function->form == FunctionForm::kToChar;
      out_.text += to_char ? "strftime(cast(" : "cast(strptime(";
      SKEP_TRY(emit(0));
      out_.text += (to_char ? " as timestamp), " : ", ") + QuoteString(*format) + ")";
      if (!to_char) out_.text += " as " + std::string(function->target) + ")";
      break;
    }
    case FunctionForm::kDateAdd: {
      SKEP_TRY(count(3));
      SKEP_TRY_ASSIGN(const DatePart* part, part_of(0));
      if (part->make.empty())
        return Error1(ErrorKind::kInvalidArgument, "invalid date part for dateadd",
                      arguments[0].first);
      out_.text += "(cast(";
      SKEP_TRY(emit(2));
      out_.text += " as timestamp) + ";
      out_.text += part->make;
      out_.text += "(cast((";
      SKEP_TRY(emit(1));
      out_.text += part->factor == 1 ? ") as integer)))"
                                     : ") * " + std::to_string(part->factor) + " as integer)))";
      break;
    }
    case FunctionForm::kDateDiff: {
      SKEP_TRY(count(3));
      SKEP_TRY_ASSIGN(const DatePart* part, part_of(0));
      out_.text += "date_diff('" + std::string(part->canonical) + "', cast(";
      SKEP_TRY(emit(1));
      out_.text += " as timestamp), cast(";
      SKEP_TRY(emit(2));
      out_.text += " as timestamp))";
      break;
    }
    case FunctionForm::kDatePart: {
      SKEP_TRY(count(2));
      SKEP_TRY_ASSIGN(const DatePart* part, part_of(0));
      out_.text += std::string(function->target) + "('" + std::string(part->canonical) + "',";
      SKEP_TRY(emit(1));
      out_.text += ")";
      break;
    }
    case FunctionForm::kNow:
      SKEP_TRY(count(0));
      out_.text += "cast(now() as timestamp)";
      break;
    case FunctionForm::kDecode:
      if (arguments.size() < 3) return unknown();
      out_.text += "(case";
      for (size_t i = 1; i + 1 < arguments.size(); i += 2) {
        out_.text += " when (";
        SKEP_TRY(emit(0));
        out_.text += ") is not distinct from (";
        SKEP_TRY(emit(i));
        out_.text += ") then (";
        SKEP_TRY(emit(i + 1));
        out_.text += ")";
      }
      if (arguments.size() % 2 == 0) {
        out_.text += " else (";
        SKEP_TRY(emit(arguments.size() - 1));
        out_.text += ")";
      }
      out_.text += " end)";
      break;
    case FunctionForm::kLiteral:
      if (name == "pg_get_userbyid" || name == "current_schemas") {
        SKEP_TRY(count(1));
        out_.text += name == "current_schemas" ? QuoteString("{pg_catalog," + FirstSchema() + "}")
                                               : QuoteString(context_.user);
        break;
      }
      SKEP_TRY(count(0));
      if (name == "current_database") {
        out_.text += QuoteString(context_.database);
      } else if (name == "current_schema") {
        out_.text += QuoteString(FirstSchema());
      } else if (name == "pg_backend_pid") {
        out_.text += std::to_string(context_.process_id);
      } else if (name == "version") {
        out_.text +=
            "'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red "
            "Hat 3.4.2-6.fc3), Redshift 1.0.77467'";
      } else {
        out_.text += "100";
      }
      break;
    case FunctionForm::kRelation:
      return unknown();
  }
  (void)e;
  return close + 1;
}

// ("a", "b"): column names in parentheses.
Result<void> Emitter::NameList(size_t open) {
  out_.text += "(";
  for (const auto& [from, to] : Arguments(open)) {
    if (to != from + 1 || !tokens_[from].IsName()) return Near(from);
    if (out_.text.back() != '(') out_.text += ", ";
    Mark(from);
    out_.text += QuoteName(tokens_[from].value);
  }
  out_.text += ")";
  return {};
}

// What follows OVER: partition, order, frame.
Result<void> Emitter::Window(size_t open, size_t depth) {
  const size_t close = match_[open];
  size_t frame = open + 1;
  for (; frame < close; frame++) {
    if (Op(frame, "(")) {
      frame = match_[frame];
    } else if ((Word(frame, "rows") || Word(frame, "range")) &&
               (Word(frame + 1, "between") || Word(frame + 1, "unbounded") ||
                Word(frame + 1, "current") || Word(frame + 2, "preceding") ||
                Word(frame + 2, "following"))) {
      break;
    }
  }
  Put("(");
  SKEP_TRY(Range(open + 1, frame, Mode::kExpression, depth + 1));
  for (; frame < close; frame++) {
    const Token& t = tokens_[frame];
    if (t.kind != TokenKind::kNumber && !(t.kind == TokenKind::kWord && In(t.value, kFrameWords)))
      return Near(frame);
    Mark(frame);
    Put(t.value);
  }
  out_.text += ")";
  return {};
}

// WITH at `at`: names of common table expressions, then their queries; answers the token behind
// them.
Result<size_t> Emitter::WithClause(size_t at, size_t e, size_t depth) {
  Put("with");
  size_t i = at + 1;
  if (Word(i, "recursive")) {
    Put("recursive");
    i++;
  }
  // All names first: a recursive one may be used before it is read.
  for (size_t k = i; k < e; k++) {
    if (Op(k, "(")) {
      k = match_[k];
    } else if (Name(k) &&
               (Word(k + 1, "as") || (Op(k + 1, "(") && Word(match_[k + 1] + 1, "as")))) {
      common_tables_.insert(Lower(tokens_[k].value));
    }
  }
  while (true) {
    if (i >= e || !Name(i)) return Near(i);
    PutName(i++);
    if (Op(i, "(")) {
      SKEP_TRY(NameList(i));
      i = match_[i] + 1;
    }
    if (!Word(i, "as")) return Near(i);
    if (!Op(i + 1, "(") || !OpensQuery(i + 1)) return Near(i + 1);
    Put("as (");
    SKEP_TRY(Range(i + 2, match_[i + 1], Mode::kQuery, depth + 1));
    out_.text += ")";
    i = match_[i + 1] + 1;
    if (!Op(i, ",") || i >= e) return i;
    out_.text += ",";
    i++;
  }
}

// True when the parenthesis holds a query and not joined relations.
bool Emitter::OpensQuery(size_t open) const {
  size_t inner = open;
  while (Op(inner, "(")) {
    const size_t behind = match_[inner] + 1;
    if (inner > open && !Op(behind, ")") && !Word(behind, "union") && !Word(behind, "except") &&
        !Word(behind, "minus") && !Word(behind, "intersect") && !Word(behind, "order") &&
        !Word(behind, "limit") && !Word(behind, "offset")) {
      return false;
    }
    inner++;
  }
  return Word(inner, "select") || Word(inner, "with") ||
         (Word(inner, "values") && Op(inner + 1, "("));
}

// Behind an item of a select list without a name of its own: the name Redshift would give it.
void Emitter::NameItem(size_t b, size_t e) {
  if (b >= e) return;
  const auto name = [&](std::string_view text) { out_.text += " as " + QuoteName(text); };
  std::vector<size_t> top;  // tokens outside parentheses; a parenthesis counts as one
  for (size_t i = b; i < e; i++) {
    if (Word(i, "as")) return;
    top.push_back(i);
    if (Op(i, "(")) i = match_[i];
  }
  if (Word(b, "approximate")) return;
  const Token& first = tokens_[b];
  const bool function = top.size() >= 2 && first.kind == TokenKind::kWord && Op(top[1], "(") &&
                        !In(first.value, kKeywords);
  if (top.size() == 1) {
    if (first.Is("current_user") || first.Is("session_user") || first.Is("user") ||
        first.Is("sysdate"))
      return name(first.value);
    if (first.Is("current_date")) return name("date");
    if (first.IsName() && !first.Is("true") && !first.Is("false") && !first.Is("null")) return;
    if (first.IsOperator("*")) return;
    return name("?column?");
  }
  if (first.Is("case") && Word(e - 1, "end")) {
    size_t ends = 0;
    for (const size_t i : top) ends += Word(i, "end") ? 1 : 0;
    if (ends == 1) return name("case");
  }
  if (function) {
    const bool cast = first.Is("cast") || first.Is("try_cast") || first.Is("convert");
    const bool whole = top.size() == 2 || (top.size() == 4 && Word(top[2], "over")) ||
                       (top.size() == 5 && Word(top[2], "within") && Word(top[3], "group")) ||
                       (top.size() == 6 && Word(top[2], "ignore") && Word(top[4], "over"));
    if (cast && whole) {
      if (Name(top[1] + 1) && Word(top[1] + 2, "as"))
        name(tokens_[top[1] + 1].value);
      else
        name("?column?");
      return;
    }
    if (whole) return name(first.Is("extract") ? std::string("date_part") : first.value);
  }
  // A column of a relation: a.b, a.*
  if (top.size() % 2 == 1) {
    bool dotted = true;
    for (size_t i = 1; i < top.size(); i += 2) dotted &= Op(top[i], ".");
    if (dotted) return;
  }
  if (Op(top[1], "::") && top.size() <= 4 && !Op(top.back(), "::")) {
    if (first.IsName() && !In(first.value, kKeywords)) return name(first.value);
    return name("?column?");
  }
  // An alias without AS stands behind a complete operand.
  const Token& last = tokens_[e - 1];
  const Token& before = tokens_[e - 2];
  const bool operand =
      before.IsOperator(")") ||
      (before.IsName() &&
       (!In(before.value, kKeywords) || before.Is("end") || before.Is("null") ||
        before.Is("true") || before.Is("false") || before.kind == TokenKind::kQuotedName)) ||
      before.kind == TokenKind::kString || before.kind == TokenKind::kNumber ||
      before.kind == TokenKind::kParameter;
  if (last.kind == TokenKind::kQuotedName && operand) return;
  if (last.kind == TokenKind::kWord && operand && !In(last.value, kKeywords) &&
      !(before.kind == TokenKind::kString && In(last.value, kUnits)))
    return;
  if (Op(b, "*") || Word(b, "distinct")) return;
  for (const size_t i : top) {
    if (Word(i, "exclude")) return;
  }
  name("?column?");
}

Result<void> Emitter::Range(size_t b, size_t e, Mode mode, size_t depth) {
  if (depth > kMaxDepth)
    return Error1(ErrorKind::kPayloadTooLarge, "the statement is nested too deeply", b);
  if (out_.text.size() > kMaxEmittedBytes)
    return Error1(ErrorKind::kPayloadTooLarge, "the statement becomes too long", b);
  enum class Clause { kOther, kList, kFrom };
  Clause clause = mode == Mode::kRelations ? Clause::kFrom : Clause::kOther;
  bool wants_relation = mode == Mode::kRelations;
  bool after_relation = false;            // an alias, perhaps with column names, may follow
  bool may_from = mode == Mode::kChange;  // a SELECT stands before
  bool query_start = true;                // SELECT, WITH, VALUES may stand here
  size_t item = b;
  std::string top;  // of SELECT TOP n: LIMIT at the end
  const auto end_list = [&](size_t at) {
    if (clause == Clause::kList) NameItem(item, at);
    clause = Clause::kOther;
  };
  const auto query_follows = [&](size_t at) {
    return at < e && (Word(at, "select") || Word(at, "values") || Op(at, "("));
  };
  for (size_t i = b; i < e;) {
    const Token& t = tokens_[i];
    if (wants_relation) {
      if (Op(i, "(")) {
        const size_t close = match_[i];
        const bool query = OpensQuery(i);
        Put("(");
        SKEP_TRY(Range(i + 1, close, query ? Mode::kQuery : Mode::kRelations, depth + 1));
        out_.text += ")";
        i = close + 1;
      } else {
        SKEP_TRY_ASSIGN(i, Relation(i, e, depth, false));
      }
      wants_relation = false;
      after_relation = true;
      continue;
    }
    if (after_relation) {
      after_relation = false;
      if ((Word(i, "pivot") || Word(i, "unpivot")) && Op(i + 1, "("))
        return Unsupported(t.value == "pivot" ? "PIVOT" : "UNPIVOT", i);
      if (Word(i, "as")) {
        Put("as");
        i++;
      } else if (!t.IsName() ||
                 (t.kind == TokenKind::kWord &&
                  (In(t.value, kJoinWords) || In(t.value, kAfterFrom) || In(t.value, kKeywords)))) {
        continue;
      }
      if (i >= e || !Name(i)) return Near(i);
      PutName(i++);
      if (i < e && Op(i, "(")) {
        SKEP_TRY(NameList(i));
        i = match_[i] + 1;
      }
      continue;
    }
    const bool dotted = i > b && Op(i - 1, ".");
    const bool call = i + 1 < e && Op(i + 1, "(");
    if (t.kind == TokenKind::kWord && !dotted && !Op(i + 1, ".")) {
      const std::string& w = t.value;
      if (w == "with" && i == b && mode != Mode::kRelations) {
        SKEP_TRY_ASSIGN(i, WithClause(i, e, depth));
        if (!query_follows(i)) return Near(i);
        continue;
      }
      if (w == "select") {
        if (!query_start) return Near(i);
        query_start = false;
        may_from = true;
        PutToken(i++);
        size_t k = i;
        if (Word(k, "distinct") || Word(k, "all")) k++;
        if (Word(k, "top") && k + 1 < e &&
            (tokens_[k + 1].kind == TokenKind::kNumber ||
             tokens_[k + 1].kind == TokenKind::kParameter)) {
          if (k > i) PutToken(i);
          top = std::string(tokens_[k + 1].text);
          i = k + 2;
        }
        if (i < e && (Word(i, "distinct") || Word(i, "all"))) PutToken(i++);
        clause = Clause::kList;
        item = i;
        if (i >= e || Word(i, "from")) return Near(i);
        continue;
      }
      if (w == "values") {
        if (!query_start || !call) return Near(i);
        query_start = false;
        PutToken(i++);
        continue;
      }
      if (w == "union" || w == "except" || w == "intersect" ||
          (w == "minus" && (query_follows(i + 1) || Word(i + 1, "all")))) {
        end_list(i);
        if (!top.empty()) return Unsupported("TOP in a set operation", i);
        Mark(i);
        Put(w == "minus" ? std::string("except") : w);
        i++;
        if (i < e && (Word(i, "all") || Word(i, "distinct"))) PutToken(i++);
        if (!query_follows(i)) return Near(i);
        query_start = true;
        may_from = false;
        continue;
      }
      if (w == "from") {
        const bool distinct_from =
            i >= b + 2 && Word(i - 1, "distinct") && (Word(i - 2, "is") || Word(i - 2, "not"));
        if (distinct_from || (mode == Mode::kKeywords && !may_from)) {
          PutToken(i++);
          continue;
        }
        if (!may_from) return Near(i);
        end_list(i);
        may_from = false;
        PutToken(i++);
        clause = Clause::kFrom;
        wants_relation = true;
        continue;
      }
      if (w == "into") return Unsupported("SELECT INTO", i);
      if (w == "for" && (Word(i + 1, "update") || Word(i + 1, "share")))
        return Unsupported("SELECT FOR UPDATE", i);
      if (w == "connect" && Word(i + 1, "by")) return Unsupported("CONNECT BY", i);
      if (w == "start" && Word(i + 1, "with")) return Unsupported("START WITH", i);
      if (mode == Mode::kKeywords &&
          (w == "for" || w == "both" || w == "leading" || w == "trailing")) {
        Mark(i);
        Put(w);
        i++;
        continue;
      }
      if (clause == Clause::kFrom) {
        if (w == "join") {
          PutToken(i++);
          wants_relation = true;
          continue;
        }
        if (!call && In(w, kJoinWords) && w != "on") {
          Mark(i);
          Put(w);
          i++;
          continue;
        }
        if (w == "using" && call) {
          Put("using ");
          SKEP_TRY(NameList(i + 1));
          i = match_[i + 1] + 1;
          continue;
        }
      }
      if (w == "join") return Near(i);
      if (w == "fetch" && (Word(i + 1, "first") || Word(i + 1, "next")) && i + 2 < e &&
          tokens_[i + 2].kind == TokenKind::kNumber) {
        end_list(i);
        Put("limit " + tokens_[i + 2].value);
        i += 3;
        if (Word(i, "row") || Word(i, "rows")) i++;
        if (!Word(i, "only")) return Near(i);
        i++;
        continue;
      }
      if (w == "where" || w == "having" || w == "qualify" || w == "limit" || w == "offset" ||
          ((w == "group" || w == "order") && Word(i + 1, "by"))) {
        end_list(i);
        PutToken(i++);
        continue;
      }
      if (clause == Clause::kList && w == "as" && i + 1 < e) {
        if (!Name(i + 1)) return Near(i + 1);
        Put("as");
        PutName(i + 1);
        i += 2;
        continue;
      }
      if (w == "as") return Near(i);
      // Words with a meaning in one place only; elsewhere they are names.
      const bool nulls = w == "nulls" && (Word(i + 1, "first") || Word(i + 1, "last"));
      const bool ignore = (w == "ignore" || w == "respect") && Word(i + 1, "nulls");
      if (nulls || ignore) {
        Put(w + " " + tokens_[i + 1].value);
        i += 2;
        continue;
      }
      if (w == "at" && Word(i + 1, "time") && Word(i + 2, "zone")) {
        Mark(i);
        Put("at time zone");
        i += 3;
        continue;
      }
      if (w == "similar" && Word(i + 1, "to")) {
        // The engine reads SIMILAR TO as a regular expression; the wildcards % and _ are put into
        // its letters.
        if (i + 2 >= e || tokens_[i + 2].kind != TokenKind::kString || Word(i + 3, "escape"))
          return Unsupported("this form of SIMILAR TO", i);
        Mark(i);
        Put("similar to");
        Put(QuoteString(SimilarPattern(tokens_[i + 2].value)));
        i += 3;
        continue;
      }
      if (w == "escape" && i + 1 < e && tokens_[i + 1].kind == TokenKind::kString) {
        Put("escape");
        i++;
        continue;
      }
      if (w == "partition" && Word(i + 1, "by")) {
        Put("partition by");
        i += 2;
        continue;
      }
      if (w == "unknown" && i > b && (Word(i - 1, "is") || Word(i - 1, "not"))) {
        Put("null");
        i++;
        continue;
      }
      if (w == "collate") {
        if (Word(i + 1, "pg_catalog") && Op(i + 2, ".") && Word(i + 3, "default")) {
          i += 4;
          continue;
        }
        return Unsupported("COLLATE", i);
      }
      if (w == "operator" && call && Word(i + 2, "pg_catalog") && Op(i + 3, ".") && i + 4 < e &&
          match_[i + 1] == i + 5) {
        if (tokens_[i + 4].kind != TokenKind::kOperator || !In(tokens_[i + 4].value, kOperators))
          return Near(i + 4);
        Put(tokens_[i + 4].value);
        i += 6;
        continue;
      }
      if (w == "exclude" && i > b && Op(i - 1, "*") && i + 1 < e) {
        Put("exclude ");
        if (Op(i + 1, "(")) {
          SKEP_TRY(NameList(i + 1));
          i = match_[i + 1] + 1;
        } else {
          if (!Name(i + 1)) return Near(i + 1);
          out_.text += "(" + QuoteName(tokens_[i + 1].value) + ")";
          i += 2;
        }
        continue;
      }
      if (In(w, kLiteralTypes) && i + 1 < e && tokens_[i + 1].kind == TokenKind::kString) {
        Mark(i);
        Put(w == "datetime" ? std::string("timestamp") : w);
        PutToken(i + 1);
        i += 2;
        if (w == "interval" && i < e && tokens_[i].kind == TokenKind::kWord &&
            In(tokens_[i].value, kUnits)) {
          Put(tokens_[i++].value);
          if (Op(i, "(") && match_[i] == i + 2 && tokens_[i + 1].kind == TokenKind::kNumber)
            i += 3;  // a precision
        }
        continue;
      }
      if (w == "sysdate") {
        Put("cast(now() as timestamp)");
        i++;
        continue;
      }
      if (w == "current_user" || w == "session_user" || (w == "user" && !call)) {
        Put(QuoteString(context_.user));
        i++;
        continue;
      }
      if (w == "approximate" && (Word(i + 1, "count") || Word(i + 1, "percentile_disc"))) {
        i++;
        continue;
      }
      if (call) {
        const bool behind_call = i > b && (Op(i - 1, ")") || Word(i - 1, "nulls"));
        if (w == "over" && behind_call) {
          Put("over");
          SKEP_TRY(Window(i + 1, depth));
          i = match_[i + 1] + 1;
          continue;
        }
        const bool grouper =
            (w == "cube" || w == "rollup") && i > b && (Word(i - 1, "by") || Op(i - 1, ","));
        if (grouper || (w == "filter" && behind_call && Word(i + 2, "where"))) {
          Put(w);
          i++;
          continue;
        }
        if (!In(w, kKeywords) || w == "isnull") {
          SKEP_TRY_ASSIGN(i, Call(i, e, depth));
          continue;
        }
      }
      if (w == "within" && Word(i + 1, "group") && Op(i + 2, "(") && Word(i + 3, "order")) {
        Put("within group");
        i += 2;
        continue;
      }
      if (w == "grouping" && Word(i + 1, "sets") && Op(i + 2, "(")) {
        Put("grouping sets");
        i += 2;
        continue;
      }
      PutToken(i++);
      continue;
    }
    if (t.IsName() && call) {
      if (match_[i + 1] == i + 3 && Op(i + 2, "+"))
        return Unsupported("the outer join operator (+)", i + 1);
      if (dotted) {
        if (!(i >= b + 2 && Word(i - 2, "pg_catalog") && out_.text.ends_with("\"pg_catalog\".")) ||
            (i >= b + 3 && Op(i - 3, "."))) {
          return Error1(ErrorKind::kUndefinedFunction, "function " + t.value + "() does not exist",
                        i);
        }
        out_.text.resize(out_.text.size() - std::string_view("\"pg_catalog\".").size());
      }
      SKEP_TRY_ASSIGN(i, Call(i, e, depth));
      continue;
    }
    if (t.IsName()) {
      PutToken(i++);
      continue;
    }
    // name 'text' is a literal of a type of that name to the engine: only the types named above
    // have one.
    if (t.kind == TokenKind::kString && i > b && tokens_[i - 1].IsName() &&
        !(tokens_[i - 1].kind == TokenKind::kWord &&
          (In(tokens_[i - 1].value, kKeywords) || In(tokens_[i - 1].value, kBeforeText)))) {
      return Near(i);
    }
    if (t.IsOperator("::")) {
      out_.text += "::";
      SKEP_TRY_ASSIGN(i, Type(i + 1, e));
      continue;
    }
    if (t.IsOperator("(")) {
      const size_t close = match_[i];
      if (close == i + 2 && Op(i + 1, "+")) return Unsupported("the outer join operator (+)", i);
      Put("(");
      SKEP_TRY(Range(i + 1, close, Mode::kExpression, depth + 1));
      out_.text += ")";
      i = close + 1;
      continue;
    }
    if (t.kind == TokenKind::kOperator) {
      if (t.value == "[") return Unsupported("navigation and arrays by brackets", i);
      if (std::string_view("();{}:?]").find(t.value) != std::string_view::npos) return Near(i);
      if (!In(t.value, kOperators))
        return Error1(ErrorKind::kUndefinedFunction, "operator does not exist: " + t.value, i);
      if (t.value == ",") {
        if (clause == Clause::kFrom) wants_relation = true;
        if (clause == Clause::kList) NameItem(item, i);
        item = i + 1;
      }
      const bool match = t.value == "~" || t.value == "!~" || t.value == "~*" || t.value == "!~*";
      if (match && i > b) {
        // The engine's operator wants the whole text to match, Redshift's any part of it.
        if (i + 1 >= e || tokens_[i + 1].kind != TokenKind::kString)
          return Unsupported("a pattern that is not a literal", i + 1);
        Mark(i);
        Put(t.value.starts_with("!") ? "!~" : "~");
        Put(QuoteString((t.value.ends_with("*") ? "(?is).*(?:" : "(?s).*(?:") +
                        tokens_[i + 1].value + ").*"));
        i += 2;
        continue;
      }
    }
    PutToken(i++);
  }
  if (wants_relation) return Near(e);
  if (clause == Clause::kList) NameItem(item, e);
  if (!top.empty()) Put("limit " + top);
  return {};
}

Result<void> Emitter::EmitQuery(size_t b, size_t e) { return Range(b, e, Mode::kQuery, 0); }

Result<void> Emitter::CheckSchemaName(size_t at) const {
  if (!Name(at)) return Near(at);
  const std::string name = Lower(tokens_[at].value);
  if (name == kHiddenSchema || name == kLakeCatalog || name == "main" || name == "temp" ||
      name == "system" || name == "information_schema" || name.starts_with("pg_")) {
    return Error1(ErrorKind::kInsufficientPrivilege, "schema name \"" + name + "\" is reserved",
                  at);
  }
  return {};
}

// The name of a table or view about to be made; goes to the first schema of the search path when it
// names none.
Result<size_t> Emitter::NewTableName(size_t at) {
  if (!Name(at)) return Near(at);
  if (Op(at + 1, ".") && Name(at + 2)) {
    SKEP_TRY(CheckSchemaName(at));
    return Relation(at, end_, 0, true);
  }
  std::string name = tokens_[at].value;
  if (statement_.temporary) {
    Space();
    Mark(at);
    out_.text += QuoteName(name);
    return at + 1;
  }
  const std::string schema = context_.search_path.empty() ? "public" : context_.search_path.front();
  if (context_.names && context_.names->IsExternalSchema(schema))
    return Unsupported("creating a table in an external schema", at);
  Space();
  Mark(at);
  out_.text += QuoteName(context_.database) + "." + QuoteName(schema) + "." + QuoteName(name);
  return at + 1;
}

Result<void> Emitter::EmitInsert() {
  Put("insert into");
  SKEP_TRY_ASSIGN(size_t at, Relation(2, end_, 0, true));
  if (Op(at, "(")) {
    size_t inner = at;
    while (Op(inner, "(")) inner++;
    if (!Word(inner, "select") && !Word(inner, "with")) {
      Put("(");
      for (const auto& [from, to] : Arguments(at)) {
        if (to != from + 1 || !tokens_[from].IsName()) return Near(from);
        if (out_.text.back() != '(') out_.text += ", ";
        Mark(from);
        out_.text += QuoteName(tokens_[from].value);
      }
      out_.text += ")";
      at = match_[at] + 1;
    }
  }
  if (Word(at, "default") && Word(at + 1, "values")) {
    if (at + 2 != end_) return Near(at + 2);
    Put("default values");
    return {};
  }
  if (Word(at, "values")) {
    Put("values");
    return Range(at + 1, end_, Mode::kExpression, 0);
  }
  if (!Word(at, "select") && !Word(at, "with") && !Op(at, "(")) return Near(at);
  return EmitQuery(at, end_);
}

Result<void> Emitter::EmitUpdate() {
  Put("update");
  SKEP_TRY_ASSIGN(const size_t at, Relation(1, end_, 0, true));
  size_t set = at;
  if (Word(set, "as")) set++;
  if (Name(set) && !Word(set, "set")) {
    Put("as");
    PutName(set++);
  }
  if (!Word(set, "set")) return Near(set);
  Put("set");
  return Range(set + 1, end_, Mode::kChange, 0);
}

Result<void> Emitter::EmitDelete() {
  Put("delete from");
  SKEP_TRY_ASSIGN(size_t at, Relation(Word(1, "from") ? 2 : 1, end_, 0, true));
  if (Word(at, "as")) at++;
  if (Name(at) && !Word(at, "using") && !Word(at, "where")) {
    Put("as");
    PutName(at++);
  }
  if (Word(at, "using")) {
    Put("using");
    size_t where = at + 1;
    for (; where < end_ && !Word(where, "where"); where++) {
      if (Op(where, "(")) where = match_[where];
    }
    SKEP_TRY(Range(at + 1, where, Mode::kRelations, 0));
    at = where;
  }
  if (at < end_ && !Word(at, "where")) return Near(at);
  return Range(at, end_, Mode::kChange, 0);
}

Result<void> Emitter::EmitColumn(size_t b, size_t e) {
  if (!Name(b)) return Near(b);
  PutName(b);
  SKEP_TRY_ASSIGN(size_t at, Type(b + 1, e));
  while (at < e) {
    if (Word(at, "not") && Word(at + 1, "null")) {
      Put("not null");
      at += 2;
    } else if (Word(at, "null")) {
      at++;
    } else if (Word(at, "default")) {
      size_t stop = at + 1;
      for (; stop < e; stop++) {
        if (Op(stop, "(")) {
          stop = match_[stop];
        } else if (stop > at + 1 &&
                   (Word(stop, "not") || Word(stop, "null") || Word(stop, "encode") ||
                    Word(stop, "distkey") || Word(stop, "sortkey") || Word(stop, "primary") ||
                    Word(stop, "unique") || Word(stop, "references"))) {
          break;
        }
      }
      Put("default");
      SKEP_TRY(Range(at + 1, stop, Mode::kExpression, 0));
      at = stop;
    } else if (Word(at, "encode") && Name(at + 1)) {
      at += 2;
    } else if (Word(at, "distkey") || Word(at, "sortkey") || Word(at, "unique")) {
      at++;
    } else if (Word(at, "primary") && Word(at + 1, "key")) {
      Put("not null");
      at += 2;
    } else if (Word(at, "references") && Name(at + 1)) {
      at += 2;
      while (Op(at, ".") && Name(at + 1)) at += 2;
      if (Op(at, "(")) at = match_[at] + 1;
    } else if (Word(at, "collate") && Name(at + 1)) {
      at += 2;
    } else if (Word(at, "identity") || Word(at, "generated")) {
      return Unsupported("an IDENTITY column", at);
    } else {
      return Near(at);
    }
  }
  return {};
}

Result<void> Emitter::EmitCreateTable() {
  size_t at = 1;
  while (!Word(at, "table")) at++;
  at++;
  Put(statement_.temporary ? "create temporary table" : "create table");
  if (Word(at, "if") && Word(at + 1, "not") && Word(at + 2, "exists")) {
    Put("if not exists");
    at += 3;
  }
  SKEP_TRY_ASSIGN(at, NewTableName(at));
  const bool as_query = statement_.kind == StatementKind::kCreateTableAs;
  if (Op(at, "(")) {
    const auto arguments = Arguments(at);
    const size_t close = match_[at];
    Put("(");
    for (const auto& [from, to] : arguments) {
      if (Word(from, "primary") || Word(from, "unique") || Word(from, "foreign") ||
          Word(from, "constraint"))
        continue;  // informational
      if (Word(from, "like")) return Unsupported("CREATE TABLE LIKE", from);
      if (out_.text.back() != '(') out_.text += ", ";
      if (as_query) {
        if (to != from + 1 || !Name(from)) return Near(from);
        PutName(from);
      } else {
        SKEP_TRY(EmitColumn(from, to));
      }
    }
    out_.text += ")";
    at = close + 1;
  } else if (!as_query && !Word(at, "backup") && !Word(at, "diststyle")) {
    return Near(at);
  }
  // Physical attributes are read and have no meaning here yet.
  while (at < end_ && !Word(at, "as")) {
    if (Word(at, "backup") && Name(at + 1)) {
      at += 2;
    } else if (Word(at, "diststyle") && Name(at + 1)) {
      at += 2;
    } else if (Word(at, "distkey") && Op(at + 1, "(")) {
      at = match_[at + 1] + 1;
    } else if (Word(at, "compound") || Word(at, "interleaved")) {
      at++;
    } else if (Word(at, "sortkey") && (Op(at + 1, "(") || Word(at + 1, "auto"))) {
      at = Op(at + 1, "(") ? match_[at + 1] + 1 : at + 2;
    } else if (Word(at, "encode") && Word(at + 1, "auto")) {
      at += 2;
    } else {
      return Near(at);
    }
  }
  if (!as_query) return {};
  Put("as");
  size_t b = at + 1, e = end_;
  while (Op(b, "(") && match_[b] == e - 1) b++, e--;
  if (!Word(b, "select") && !Word(b, "with") && !Word(b, "values") && !Op(b, "(")) return Near(b);
  return EmitQuery(b, e);
}

Result<void> Emitter::EmitCreateView() {
  const bool replace = Word(1, "or");
  size_t at = replace ? 4 : 2;
  Put(replace ? "create or replace view" : "create view");
  SKEP_TRY_ASSIGN(at, NewTableName(at));
  if (Op(at, "(")) {
    Put("(");
    for (const auto& [from, to] : Arguments(at)) {
      if (to != from + 1 || !Name(from)) return Near(from);
      if (out_.text.back() != '(') out_.text += ", ";
      out_.text += QuoteName(tokens_[from].value);
    }
    out_.text += ")";
    at = match_[at] + 1;
  }
  if (!Word(at, "as")) return Near(at);
  size_t e = end_;
  if (e >= 4 && Word(e - 4, "with") && Word(e - 3, "no") && Word(e - 2, "schema") &&
      Word(e - 1, "binding")) {
    return Unsupported("WITH NO SCHEMA BINDING", e - 4);
  }
  Put("as");
  return EmitQuery(at + 1, e);
}

Result<void> Emitter::EmitCreateSchema() {
  size_t at = 2;
  Put("create schema");
  if (Word(at, "if") && Word(at + 1, "not") && Word(at + 2, "exists")) {
    Put("if not exists");
    at += 3;
  }
  SKEP_TRY(CheckSchemaName(at));
  Space();
  Mark(at);
  out_.new_schema = tokens_[at].value;
  out_.text += QuoteName(context_.database) + "." + QuoteName(out_.new_schema);
  at++;
  if (Word(at, "authorization") && Name(at + 1)) at += 2;
  if (at != end_) return Near(at);
  return {};
}

Result<void> Emitter::EmitCreateExternalSchema() {
  ExternalSchemaDefinition definition;
  size_t at = 3;
  if (Word(at, "if") && Word(at + 1, "not") && Word(at + 2, "exists")) {
    definition.if_not_exists = true;
    at += 3;
  }
  SKEP_TRY(CheckSchemaName(at));
  definition.name = tokens_[at++].value;
  if (!Word(at, "from")) return Near(at);
  if (!(Word(at + 1, "data") && Word(at + 2, "catalog"))) {
    return Unsupported(
        "CREATE EXTERNAL SCHEMA FROM " + (Name(at + 1) ? tokens_[at + 1].value : std::string("?")),
        at + 1);
  }
  at += 3;
  const auto text = [&](std::string& into) -> Result<void> {
    if (at >= end_ || tokens_[at].kind != TokenKind::kString) return Near(at);
    into = tokens_[at++].value;
    return {};
  };
  while (at < end_) {
    if (Word(at, "database")) {
      at++;
      SKEP_TRY(text(definition.catalog_database));
    } else if (Word(at, "region")) {
      at++;
      SKEP_TRY(text(definition.region));
    } else if (Word(at, "catalog_id")) {
      at++;
      SKEP_TRY(text(definition.catalog_id));
    } else if (Word(at, "iam_role")) {
      at++;
      if (Word(at, "default")) return Unsupported("IAM_ROLE default", at);
      std::string roles;
      SKEP_TRY(text(roles));
      for (size_t from = 0; from <= roles.size();) {
        const size_t comma = std::min(roles.find(',', from), roles.size());
        std::string role = roles.substr(from, comma - from);
        std::erase(role, ' ');
        if (role.empty())
          return Error1(ErrorKind::kInvalidArgument, "IAM_ROLE holds an empty role", at - 1);
        definition.role_chain.push_back(std::move(role));
        from = comma + 1;
      }
    } else if (Word(at, "create") && Word(at + 1, "external") && Word(at + 2, "database")) {
      definition.create_database = true;
      at += 3;
      if (Word(at, "if") && Word(at + 1, "not") && Word(at + 2, "exists")) at += 3;
    } else {
      return Near(at);
    }
  }
  if (definition.catalog_database.empty())
    return Error1(ErrorKind::kSyntaxError, "DATABASE is missing", end_);
  if (definition.role_chain.empty())
    return Error1(ErrorKind::kSyntaxError, "IAM_ROLE is missing", end_);
  out_.external_schema = std::move(definition);
  return {};
}

Result<void> Emitter::EmitDrop() {
  const bool view = statement_.kind == StatementKind::kDropView;
  size_t at = 2;
  bool if_exists = false;
  if (Word(at, "if") && Word(at + 1, "exists")) {
    if_exists = true;
    at += 2;
  }
  const bool cascade = end_ > at && Word(end_ - 1, "cascade");
  const size_t e = end_ - (cascade || Word(end_ - 1, "restrict") ? 1 : 0);
  while (true) {
    if (!out_.text.empty()) out_.text += "; ";
    out_.text += view ? "drop view" : "drop table";
    if (if_exists) out_.text += " if exists";
    SKEP_TRY_ASSIGN(at, Relation(at, e, 0, true));
    if (cascade) out_.text += " cascade";
    if (at == e) return {};
    if (!Op(at, ",")) return Near(at);
    at++;
  }
}

Result<void> Emitter::EmitDropSchema() {
  SchemaDrop drop;
  size_t at = 2;
  if (Word(at, "if") && Word(at + 1, "exists")) {
    drop.if_exists = true;
    at += 2;
  }
  while (true) {
    SKEP_TRY(CheckSchemaName(at));
    drop.names.push_back(tokens_[at++].value);
    if (!Op(at, ",")) break;
    at++;
  }
  if (Word(at, "drop") && Word(at + 1, "external") && Word(at + 2, "database")) {
    drop.drop_external_database = true;
    at += 3;
  }
  if (Word(at, "cascade") || Word(at, "restrict")) drop.cascade = Word(at++, "cascade");
  if (at != end_) return Near(at);
  out_.schema_drop = std::move(drop);
  return {};
}

Result<void> Emitter::EmitAlterTable() {
  Put("alter table");
  SKEP_TRY_ASSIGN(size_t at, Relation(2, end_, 0, true));
  if (Word(at, "rename")) {
    size_t k = at + 1;
    if (Word(k, "to") && Name(k + 1) && k + 2 == end_) {
      Put("rename to");
      PutName(k + 1);
      return {};
    }
    if (Word(k, "column")) k++;
    if (Name(k) && Word(k + 1, "to") && Name(k + 2) && k + 3 == end_) {
      Put("rename column");
      PutName(k);
      Put("to");
      PutName(k + 2);
      return {};
    }
    return Near(k);
  }
  if (Word(at, "add") && !Word(at + 1, "constraint") && !Word(at + 1, "primary") &&
      !Word(at + 1, "unique") && !Word(at + 1, "foreign")) {
    at++;
    if (Word(at, "column")) at++;
    Put("add column");
    return EmitColumn(at, end_);
  }
  if (Word(at, "drop")) {
    at++;
    if (Word(at, "column")) at++;
    if (!Name(at)) return Near(at);
    Put("drop column");
    PutName(at++);
    if (Word(at, "cascade") || Word(at, "restrict")) at++;
    if (at != end_) return Near(at);
    return {};
  }
  return Unsupported("this form of ALTER TABLE", at);
}

Result<void> Emitter::EmitTruncate() {
  Put("truncate");
  SKEP_TRY_ASSIGN(const size_t at, Relation(Word(1, "table") ? 2 : 1, end_, 0, true));
  if (at != end_) return Near(at);
  return {};
}

Result<void> Emitter::EmitExplain() {
  size_t at = 1;
  if (Word(at, "verbose")) at++;
  if (Word(at, "analyze")) return Unsupported("EXPLAIN ANALYZE", at);
  if (!Word(at, "select") && !Word(at, "with") && !Op(at, "("))
    return Unsupported("EXPLAIN of this statement", at);
  Put("explain");
  return EmitQuery(at, end_);
}

Result<Emitted> Emitter::Run() {
  SKEP_TRY_ASSIGN(tokens_, Tokenize(statement_.text));
  end_ = tokens_.size() - 1;
  SKEP_TRY(MatchParentheses());
  out_.tag = statement_.command;
  out_.returns_rows = statement_.returns_rows;
  switch (statement_.kind) {
    case StatementKind::kSelect:
      out_.counts_rows = true;
      SKEP_TRY(EmitQuery(0, end_));
      break;
    case StatementKind::kInsert:
      out_.tag = "INSERT";
      out_.counts_rows = true;
      SKEP_TRY(EmitInsert());
      break;
    case StatementKind::kUpdate:
      out_.tag = "UPDATE";
      out_.counts_rows = true;
      SKEP_TRY(EmitUpdate());
      break;
    case StatementKind::kDelete:
      out_.tag = "DELETE";
      out_.counts_rows = true;
      SKEP_TRY(EmitDelete());
      break;
    case StatementKind::kCreateTable:
    case StatementKind::kCreateTableAs:
      out_.tag = "CREATE TABLE";
      SKEP_TRY(EmitCreateTable());
      break;
    case StatementKind::kCreateView:
      out_.tag = "CREATE VIEW";
      SKEP_TRY(EmitCreateView());
      break;
    case StatementKind::kCreateSchema:
      out_.tag = "CREATE SCHEMA";
      SKEP_TRY(EmitCreateSchema());
      break;
    case StatementKind::kCreateExternalSchema:
      out_.tag = "CREATE SCHEMA";
      SKEP_TRY(EmitCreateExternalSchema());
      break;
    case StatementKind::kDropTable:
    case StatementKind::kDropView:
      out_.tag = statement_.kind == StatementKind::kDropView ? "DROP VIEW" : "DROP TABLE";
      SKEP_TRY(EmitDrop());
      break;
    case StatementKind::kDropSchema:
      out_.tag = "DROP SCHEMA";
      SKEP_TRY(EmitDropSchema());
      break;
    case StatementKind::kAlterTable:
      out_.tag = "ALTER TABLE";
      SKEP_TRY(EmitAlterTable());
      break;
    case StatementKind::kTruncate:
      out_.tag = "TRUNCATE";
      SKEP_TRY(EmitTruncate());
      break;
    case StatementKind::kExplain:
      SKEP_TRY(EmitExplain());
      break;
    case StatementKind::kAnalyze:
    case StatementKind::kVacuum:
      out_.tag = statement_.kind == StatementKind::kAnalyze ? "ANALYZE" : "VACUUM";
      break;
    default:
      return Unsupported(statement_.command, 0);
  }
  return std::move(out_);
}

}  // namespace

namespace {

// SELECT and EXPLAIN by the tree.
Result<Emitted> EmitParsed(const Statement& statement, const EmitContext& context) {
  ast::Arena arena;
  SKEP_TRY_ASSIGN(const auto tokens, ReadTokens(statement.text, arena));
  Parser parser(statement.text, tokens, arena);
  const bool explain = parser.Take("explain");
  if (explain) {
    parser.Take("verbose");
    if (parser.At("analyze"))
      parser.Raise(ErrorKind::kFeatureNotSupported, "EXPLAIN ANALYZE is not supported",
                   parser.Peek().begin);
  }
  const ast::Query* query = parser.ParseQuery();
  if (!parser.failed() && !parser.AtEnd()) parser.Unexpected();
  if (parser.failed()) return std::unexpected(*parser.error());
  Resolver resolver(context, statement.text);
  SKEP_TRY_ASSIGN(auto output, resolver.ResolveQuery(*query));
  DuckDbWriter writer(context, resolver.resolved(), statement.text);
  if (explain) writer.Put("explain ");
  writer.WriteQuery(*query);
  if (writer.error()) return std::unexpected(*writer.error());
  Emitted emitted;
  emitted.text = std::move(writer.text());
  emitted.positions = std::move(writer.positions());
  emitted.tag = explain ? "EXPLAIN" : "SELECT";
  emitted.returns_rows = true;
  emitted.counts_rows = !explain;
  emitted.output = std::move(output);
  return emitted;
}

}  // namespace

Result<Emitted> EmitDuckDb(const Statement& statement, const EmitContext& context) {
  if (statement.kind == StatementKind::kSelect || statement.kind == StatementKind::kExplain)
    return EmitParsed(statement, context);
  return Emitter(statement, context).Run();
}

uint32_t UserPosition(const Emitted& emitted, uint32_t emitted_offset) {
  auto it = std::ranges::upper_bound(emitted.positions, emitted_offset, {},
                                     &std::pair<uint32_t, uint32_t>::first);
  return it == emitted.positions.begin() ? 0 : std::prev(it)->second;
}

}  // namespace skep::sql
