#include "sql/parse/parser.h"

#include <algorithm>

#include "base/text.h"

namespace skep::sql {
namespace {

// Of nested rules; about a third of a thread's stack. Frames are several times as large under
// AddressSanitizer.
#if defined(__has_feature) && __has_feature(address_sanitizer)
constexpr size_t kMaxDepth = 300;
#else
constexpr size_t kMaxDepth = 1000;
#endif

// Sorted. Redshift reserves more (r_pg_keywords); here are those that could not be told from the
// grammar's own words otherwise.
constexpr std::string_view kStructural[] = {
    "all",       "and",        "any",     "as",         "asc",     "between",  "both",    "by",
    "case",      "cast",       "collate", "constraint", "create",  "cross",    "default", "desc",
    "distinct",  "do",         "else",    "end",        "except",  "false",    "for",     "foreign",
    "from",      "full",       "grant",   "group",      "having",  "ilike",    "in",      "inner",
    "intersect", "into",       "is",      "isnull",     "join",    "lateral",  "leading", "left",
    "like",      "limit",      "minus",   "natural",    "not",     "notnull",  "null",    "offset",
    "on",        "only",       "or",      "order",      "outer",   "overlaps", "placing", "primary",
    "qualify",   "references", "right",   "select",     "similar", "some",     "table",   "then",
    "to",        "trailing",   "true",    "union",      "unique",  "using",    "when",    "where",
    "with"};

}  // namespace

bool IsStructural(std::string_view word) { return std::ranges::binary_search(kStructural, word); }

void Parser::Enter() {
  if (++depth_ > kMaxDepth)
    Raise(ErrorKind::kPayloadTooLarge, "the statement is nested too deeply", Peek().begin);
}

void Parser::Raise(ErrorKind kind, std::string message, uint32_t offset) {
  if (error_) return;
  Error error;
  error.kind = kind;
  error.message = std::move(message);
  error.position = CharacterPosition(script_, offset);
  error_ = std::move(error);
  at_ = tokens_.size() - 1;
}

void Parser::Unexpected() { UnexpectedAt(Peek()); }

void Parser::UnexpectedAt(const Token& token) {
  if (token.kind == TokenKind::kEnd)
    return Raise(ErrorKind::kSyntaxError, "syntax error at end of input", token.begin);
  // Histories keep errors: what may be COPY's credentials is not repeated, and nothing endlessly.
  constexpr size_t kMostBytes = 200;
  std::string text(script_.substr(token.begin, token.end - token.begin));
  const std::string folded = token.kind == TokenKind::kString ? Lower(text) : std::string();
  if (folded.find("secret") != std::string::npos || folded.find("token=") != std::string::npos)
    text = "'***'";
  if (text.size() > kMostBytes) {
    size_t end = kMostBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) end--;
    text = text.substr(0, end) + "...";
  }
  Raise(ErrorKind::kSyntaxError, "syntax error at or near \"" + text + "\"", token.begin);
}

std::string_view Parser::ExpectString() {
  if (Peek().kind != TokenKind::kString) {
    Unexpected();
    return {};
  }
  return Take().value;
}

// Made of the tokens alone: the script may have comments between the sign and the digits.
std::string_view Parser::Signed(bool whole) {
  const bool negative = TakeOperator("-");
  if (!negative) TakeOperator("+");
  const TokenKind kind = Peek().kind;
  if (kind != TokenKind::kInteger &&
      (whole || (kind != TokenKind::kDecimal && kind != TokenKind::kFloat))) {
    Unexpected();
    return {};
  }
  const std::string_view digits = Take().value;
  return negative ? arena_.Copy(std::string_view("-" + std::string(digits))) : digits;
}

std::string_view Parser::ExpectInteger() { return Signed(true); }
std::string_view Parser::ExpectNumber() { return Signed(false); }

// The token behind the one that closes the parenthesis `open`; the end when nothing does. A table
// made once a statement: rules decide by it what stands before them instead of trying.
size_t Parser::BehindParenthesis(size_t open) {
  if (closing_.empty() || open < closing_from_ || open >= closing_from_ + closing_.size()) {
    size_t first = open, behind = open;
    while (first > 0 && !tokens_[first - 1].IsOperator(";")) first--;
    while (behind + 1 < tokens_.size() && !tokens_[behind].IsOperator(";")) behind++;
    closing_from_ = first;
    closing_.assign(behind - first + 1, static_cast<uint32_t>(behind));
    std::vector<size_t> opened;
    for (size_t i = first; i < behind; i++) {
      if (tokens_[i].IsOperator("(")) {
        opened.push_back(i);
      } else if (tokens_[i].IsOperator(")") && !opened.empty()) {
        closing_[opened.back() - first] = static_cast<uint32_t>(i + 1);
        opened.pop_back();
      }
    }
  }
  return closing_[open - closing_from_];
}

std::string_view Parser::TextBetween(size_t first, size_t behind) const {
  if (behind <= first || behind > tokens_.size()) return {};
  const uint32_t begin = tokens_[first].begin;
  return script_.substr(begin, tokens_[behind - 1].end - begin);
}

bool Parser::AtName(size_t ahead) const {
  const Token& token = Peek(ahead);
  return token.kind == TokenKind::kQuotedName ||
         (token.kind == TokenKind::kWord && !IsStructural(token.value));
}

ast::Name Parser::ParseName() {
  if (!AtName()) {
    Unexpected();
    return {};
  }
  return ParseAnyName();
}

ast::Name Parser::ParseAnyName() {
  const Token& token = Peek();
  if (token.kind != TokenKind::kWord && token.kind != TokenKind::kQuotedName) {
    Unexpected();
    return {};
  }
  Take();
  return {token.value, token.kind == TokenKind::kQuotedName, token.begin, token.end};
}

std::string_view Parser::ParsePlainWord() {
  if (Peek().kind != TokenKind::kWord) Unexpected();
  return failed() ? std::string_view() : ParseAnyName().text;
}

ast::QualifiedName Parser::ParseQualifiedName() {
  std::vector<ast::Name> parts{ParseName()};
  while (AtOperator(".") &&
         (Peek(1).kind == TokenKind::kWord || Peek(1).kind == TokenKind::kQuotedName)) {
    Take();
    parts.push_back(ParseAnyName());
  }
  return Copy(parts);
}

ast::List<ast::Name> Parser::ParseNames() {
  std::vector<ast::Name> names;
  do {
    names.push_back(ParseName());
  } while (TakeOperator(","));
  return Copy(names);
}

ast::List<ast::Name> Parser::ParseNameList() {
  ExpectOperator("(");
  const auto names = ParseNames();
  ExpectOperator(")");
  return names;
}

}  // namespace skep::sql
