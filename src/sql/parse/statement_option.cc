// Rules of options: words, then what the rule says follows them. AS, = and commas between options
// are noise.
#include <string>

#include "sql/parse/statement.h"

namespace skep::sql {
using namespace ast;

// The option at the cursor; nullptr, and nothing taken, when no rule fits.
Option* StatementParser::ParseOption(std::span<const OptionRule> rules) {
  const size_t first = p_.at();
  const OptionRule* fitting = nullptr;
  for (const OptionRule& rule : rules) {
    std::string_view rest = rule.words;
    size_t ahead = 0;
    bool fits = true;
    while (fits && !rest.empty()) {
      const size_t blank = rest.find(' ');
      fits = p_.Peek(ahead++).Is(rest.substr(0, blank));
      rest = blank == std::string_view::npos ? std::string_view() : rest.substr(blank + 1);
    }
    if (!fits) continue;
    p_.Seek(first + ahead);
    fitting = &rule;
    break;
  }
  if (!fitting) return nullptr;
  auto* option = p_.Make<Option>(first);
  option->name = fitting->name.empty() ? fitting->words : fitting->name;
  std::vector<Value*> values;
  if (fitting->takes != Takes::kNothing || !fitting->trailing.empty()) {
    if (!p_.Take("as")) p_.TakeOperator("=");
  }
  const bool secret = fitting->secret;
  switch (fitting->takes) {
    case Takes::kNothing:
      break;
    case Takes::kString:
      values.push_back(p_.Peek().kind == TokenKind::kParameter ? ParseValue(secret)
                                                               : ParseString(secret));
      break;
    case Takes::kMaybeString:
      if (p_.Peek().kind == TokenKind::kString) values.push_back(ParseString(secret));
      break;
    case Takes::kNumber:
    case Takes::kMaybeNumber: {
      const TokenKind kind = p_.Peek().kind;
      const bool number = kind == TokenKind::kInteger || kind == TokenKind::kDecimal ||
                          kind == TokenKind::kFloat || p_.AtOperator("-") || p_.AtOperator("+");
      if (number)
        values.push_back(ParseValue());
      else if (fitting->takes == Takes::kNumber)
        p_.Unexpected();
      break;
    }
    case Takes::kScalar:
      values.push_back(ParseValue(secret));
      break;
    case Takes::kNames:
      option->form = OptionForm::kBareList;
      option->names = ParseIdentities();
      break;
    case Takes::kColumns:
      option->form = OptionForm::kList;
      option->names = p_.ParseNameList();
      break;
    case Takes::kSettings:
      option->options = ParseSettings();
      break;
  }
  for (std::string_view rest = fitting->trailing; !rest.empty();) {
    const size_t bar = rest.find('|');
    if (p_.At(rest.substr(0, bar))) {
      values.push_back(ParseValue());
      break;
    }
    rest = bar == std::string_view::npos ? std::string_view() : rest.substr(bar + 1);
  }
  option->values = p_.Copy(values);
  return p_.Close(option);
}

List<Option*> StatementParser::ParseOptions(std::span<const OptionRule> rules) {
  std::vector<Option*> options;
  while (!p_.failed()) {
    const size_t here = p_.at();
    const bool comma = !options.empty() && p_.TakeOperator(",");
    Option* option = ParseOption(rules);
    if (!option) {
      if (comma) p_.Seek(here);
      break;
    }
    options.push_back(option);
  }
  return p_.Copy(options);
}

// (key value, key value ...): any words, at least one, each with the values up to the comma.
List<Option*> StatementParser::ParseSettings() {
  std::vector<Option*> options;
  p_.ExpectOperator("(");
  do {
    auto* option = p_.Make<Option>(p_.at());
    option->name = p_.ParsePlainWord();
    std::vector<Value*> values;
    p_.TakeOperator("=");
    while (!p_.failed() && AtValue()) values.push_back(ParseValue());
    option->values = p_.Copy(values);
    options.push_back(p_.Close(option));
  } while (p_.TakeOperator(","));
  p_.ExpectOperator(")");
  return p_.Copy(options);
}

}  // namespace skep::sql
