// The parser's frame: a cursor over tokens, one error, one arena. Recursive descent for statements
// and queries, precedence climbing for expressions. The first error is kept and moves the cursor to
// the end, so that no rule has to look whether an earlier one failed: what they then build is
// thrown away.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sql/ast/expression.h"
#include "sql/ast/query.h"
#include "sql/parse/token.h"

namespace skep::sql {

class Parser {
 public:
  // How strongly operators bind, from the weakest.
  enum Level : int {
    kOr = 1,
    kAnd,
    kNot,
    kIs,
    kComparison,
    kPredicate,  // LIKE, BETWEEN, IN
    kOther,      // || and whatever else
    kAdditive,
    kMultiplicative,
    kPower,
  };

  // `tokens` end with kEnd. All three outlive the parser; the tree lives in the arena.
  Parser(std::string_view script, const std::vector<Token>& tokens, ast::Arena& arena)
      : script_(script), tokens_(tokens), arena_(arena) {}

  // ---- rules of expressions and queries (parse/expression.cc, parse/query.cc)
  ast::Expr* ParseExpression();
  ast::Query* ParseQuery();  // WITH, SELECT, VALUES or a parenthesis; to the end of the query
  ast::Select* ParseSelect();
  ast::TypeName* ParseType();
  ast::OrderItem* ParseOrderItem();
  ast::List<ast::OrderItem*> ParseOrderBy();  // behind ORDER BY
  ast::List<ast::Expr*> ParseExpressions();   // a, b, c
  ast::List<ast::Relation*> ParseFromList();  // behind FROM
  ast::Relation* ParseRelation();             // one item of it, with joins
  ast::Alias ParseAlias();                    // optional [AS] name [(columns)]
  ast::WithClause* ParseWith();               // at WITH

  // ---- rules of names
  // Any identifier that may name an object here: not a word that has to mean something else.
  ast::Name ParseName();
  ast::Name ParseAnyName();                 // behind AS or a dot: any word
  std::string_view ParsePlainWord();        // any word that is not quoted: the key of an option
  ast::QualifiedName ParseQualifiedName();  // a.b.c
  ast::List<ast::Name> ParseNames();        // a, b, c
  ast::List<ast::Name> ParseNameList();     // (a, b, c)
  bool AtName(size_t ahead = 0) const;      // whether ParseName would succeed

  // ---- the cursor
  const Token& Peek(size_t ahead = 0) const {
    const size_t i = at_ + ahead;
    return i < tokens_.size() ? tokens_[i] : tokens_.back();
  }
  bool AtEnd() const { return Peek().kind == TokenKind::kEnd || Peek().IsOperator(";"); }
  bool At(std::string_view word) const { return Peek().Is(word); }
  bool At(std::initializer_list<std::string_view> words) const {  // all of them, in this order
    size_t i = 0;
    for (const std::string_view word : words) {
      if (!Peek(i++).Is(word)) return false;
    }
    return true;
  }
  bool AtAny(std::initializer_list<std::string_view> words) const {
    for (const std::string_view word : words) {
      if (Peek().Is(word)) return true;
    }
    return false;
  }
  bool AtOperator(std::string_view op) const { return Peek().IsOperator(op); }
  const Token& Take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool Take(std::string_view word) { return At(word) && (at_++, true); }
  bool Take(std::initializer_list<std::string_view> words) {
    return At(words) && (at_ += words.size(), true);
  }
  bool TakeOperator(std::string_view op) { return AtOperator(op) && (at_++, true); }
  void Expect(std::string_view word) {
    if (!Take(word)) Unexpected();
  }
  void Expect(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) Expect(word);
  }
  void ExpectOperator(std::string_view op) {
    if (!TakeOperator(op)) Unexpected();
  }
  std::string_view ExpectString();
  std::string_view ExpectInteger();  // digits, perhaps behind a minus
  std::string_view ExpectNumber();   // the same of any number
  size_t at() const { return at_; }
  void Seek(size_t token) {
    if (!error_) at_ = token;
  }

  // ---- errors
  // "syntax error at or near "x"" at the cursor.
  void Unexpected();
  void UnexpectedAt(const Token& token);
  void Raise(ErrorKind kind, std::string message, uint32_t offset);
  bool failed() const { return error_.has_value(); }
  const std::optional<Error>& error() const { return error_; }

  // ---- making nodes
  ast::Arena& arena() { return arena_; }
  std::string_view script() const { return script_; }
  // A node that begins at token `first`; Close gives it its end: the last token that was taken.
  template <class T>
  T* Make(size_t first) {
    T* node = arena_.New<T>();
    node->begin = tokens_[first].begin;
    node->end = node->begin;
    return node;
  }
  template <class T>
  T* Close(T* node) {
    node->end = at_ > 0 ? tokens_[at_ - 1].end : 0;
    return node;
  }
  template <class T>
  ast::List<T> Copy(const std::vector<T>& items) {
    return arena_.Copy(items);
  }
  // The script between the beginnings of two tokens, without the blanks at its end.
  std::string_view TextBetween(size_t first, size_t behind) const;

  // Counts how deep rules are nested; raises and answers false beyond the limit.
  class Nested {
   public:
    explicit Nested(Parser& parser) : parser_(parser) { parser_.Enter(); }
    ~Nested() { parser_.depth_--; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Parser& parser_;
  };

 private:
  void Enter();
  std::string_view Signed(bool whole);

  // parse/expression.cc
  ast::Expr* ParseLevel(int lowest);
  ast::Expr* ParseUnary();
  ast::Expr* ParsePostfix(bool zones = true);  // without: up to AT TIME ZONE
  ast::Expr* ParsePrimary();
  ast::Expr* ParseParenthesis();
  ast::Expr* ParseCase();
  ast::Expr* ParseIn(ast::Expr* value, bool negated, size_t first);
  ast::Expr* ParseQuantified(ast::Expr* value, ast::BinaryOperator op, size_t first);
  ast::Expr* ParseIs(ast::Expr* value, size_t first);
  bool AtTypedLiteral() const;
  bool AtQuery(size_t ahead = 0) const;
  bool AtQueryGroup(size_t ahead);
  static bool IsSetOperation(const Token& token);
  size_t BehindParenthesis(size_t open);
  // parse/call.cc
  ast::Expr* ParseNameOrCall();
  ast::Expr* ParseCall(size_t first, ast::QualifiedName name);
  ast::Expr* ParseSpecialCall();
  void ParseCallTail(ast::Call* call);
  ast::Window* ParseWindow();
  ast::FrameBound* ParseFrameBound();
  // parse/type.cc
  std::string_view ParseIntervalQualifier();
  bool TakeClosingAngle();

  // parse/query.cc
  ast::QueryBody* ParseSetOperations(int precedence);
  ast::QueryBody* ParseQueryPrimary();
  ast::SelectItem* ParseSelectItem();
  ast::GroupingElement* ParseGroupingElement();
  ast::Relation* ParseRelationPrimary();
  ast::Relation* ParseJoins(ast::Relation* left, size_t first);
  ast::Relation* ParsePivots(ast::Relation* source);
  bool AtTableAlias() const;
  bool AtPivot() const;

  std::string_view script_;
  const std::vector<Token>& tokens_;
  ast::Arena& arena_;
  size_t at_ = 0;
  size_t depth_ = 0;
  bool half_shift_ = false;  // the first > of >> was taken
  // Of the current statement's tokens from closing_from_ on: behind the parenthesis that closes
  // the one that opens there.
  size_t closing_from_ = 0;
  std::vector<uint32_t> closing_;
  std::optional<Error> error_;
};

// Words that structure statements and so cannot name anything unless quoted.
bool IsStructural(std::string_view word);

}  // namespace skep::sql
