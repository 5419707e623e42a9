// The printer's frame: text that grows, and a rule for each kind of node. Internal to print/.
#pragma once

#include <string>
#include <string_view>

#include "sql/ast/statement.h"
#include "sql/print/print.h"

namespace skep::sql {

// How strongly an expression's outermost form binds; the parser's own levels, in its order.
enum class Binding : int {
  kOr = 1,
  kAnd,
  kNot,
  kIs,
  kComparison,
  kPredicate,
  kOther,
  kAdditive,
  kMultiplicative,
  kPower,
  kUnary,
  kPostfix,
  kPrimary,
};

class Printer {
 public:
  explicit Printer(PrintOptions options) : options_(options) {}

  void Write(const ast::Node& node);
  std::string Take() { return std::move(out_); }

 private:
  // ---- text
  void Put(std::string_view text) { out_ += text; }
  void Gap() {
    if (!out_.empty() && out_.back() != ' ' && out_.back() != '(' && out_.back() != '[')
      out_ += ' ';
  }
  void Word(std::string_view words) {
    Gap();
    out_ += words;
  }
  void WordIf(bool condition, std::string_view words) {
    if (condition) Word(words);
  }
  template <class T, class F>
  void Commas(ast::List<T> items, F&& f) {
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_ += ", ";
      first = false;
      f(item);
    }
  }
  template <class T, class F>
  void Parenthesis(ast::List<T> items, F&& f) {
    Word("(");
    Commas(items, f);
    Put(")");
  }
  void String(std::string_view text);

  // ---- names and values
  void Put(const ast::Name& name);
  void Write(const ast::Name& name) {
    Gap();
    Put(name);
  }
  void Write(ast::QualifiedName name);
  void PlainWord(std::string_view word);
  void Names(ast::List<ast::Name> names);     // a, b
  void NameList(ast::List<ast::Name> names);  // (a, b)
  void NamedIf(std::string_view words, const ast::Name& name) {
    if (!name) return;
    Word(words);
    Write(name);
  }
  void NamedIf(std::string_view words, ast::QualifiedName name) {
    if (name.empty()) return;
    Word(words);
    Write(name);
  }
  void ValueIf(std::string_view words, const ast::Value* value) {
    if (!value) return;
    Word(words);
    Write(*value);
  }
  void WriteAll(ast::List<ast::Option*> options) {
    for (const ast::Option* option : options) Write(*option);
  }
  void Tables(ast::List<ast::QualifiedName> tables);
  void Write(const ast::Alias& alias);
  void Write(const ast::TableAttributes& attributes);
  void Write(const ast::TableFormat& format);
  void Properties(ast::List<ast::Property*> properties);
  void Columns(ast::List<ast::ColumnDefinition*> columns);
  void Arguments(ast::List<ast::Argument*> arguments);
  void Switch(ast::OnOff on, std::string_view yes, std::string_view no);
  void Write(ast::Behavior behavior);
  void Write(ast::SettingScope scope);
  void Modes(ast::IsolationLevel isolation, ast::AccessMode access);
  void Write(ast::Volatility volatility);
  void References(ast::QualifiedName table, ast::List<ast::Name> columns);

  // ---- expressions (print_expression.cc)
  static Binding BindingOf(const ast::Expr& expr);
  void Write(const ast::Expr* expr, Binding least);
  void WriteChild(const ast::Expr* expr) { Write(expr, Binding::kOr); }
  void Expressions(ast::List<ast::Expr*> items);
  void ExpressionList(ast::List<ast::Expr*> items);
  void PathOperand(const ast::Expr* expr);
  void WriteBinary(const ast::Binary& binary);
  void WriteExpression(const ast::Expr& expr);
  void OrderBy(ast::List<ast::OrderItem*> items);
  void Write(const ast::TypeName& type);
  void WriteTyped(const ast::TypedLiteral& literal);
  void Write(const ast::Call& call);
  void Write(const ast::Window& window);
  void Write(const ast::FrameBound& bound);
  void Exclude(ast::List<ast::Name> names);

  // ---- queries (print_query.cc)
  void WriteIn(const ast::Query& query);  // in parentheses
  void Write(const ast::Query& query);
  void WriteBody(const ast::QueryBody& body);
  void Write(const ast::Select& select);
  void Write(const ast::WithClause& with);
  void Write(const ast::SelectItem& item);
  void Write(const ast::OrderItem& item);
  void Write(const ast::GroupingElement& element);
  void WriteRelation(const ast::Relation& relation);
  void Relations(ast::List<ast::Relation*> relations);
  void WriteJoin(const ast::Join& join);

  // ---- parts of statements and statements (print.cc, print_statement.cc, print_object.cc, ...)
  void Write(const ast::Value& value);
  void Write(const ast::Option& option);
  void Write(const ast::Argument& argument);
  void Write(const ast::Routine& routine);
  void Write(const ast::Grantee& grantee);
  void Grantees(ast::List<ast::Grantee*> grantees);
  void Write(const ast::Property& property);
  void Write(const ast::ColumnDefinition& column);
  void Write(const ast::TableConstraint& constraint);
  void Write(const ast::LikeTable& like);
  void Write(const ast::PartitionValues& partition);
  void Write(const ast::AlterAction& action);
  void Write(const ast::Privilege& privilege);
  void Write(const ast::Assignment& assignment);
  void Write(const ast::MergeAction& action);
  template <ast::NodeKind K>
  void WriteGrant(const ast::GrantOf<K>& grant, std::string_view verb, std::string_view to);
  void Show(std::string_view words, const ast::Expr* value);

#define SKEP_AST_PART_KIND(name)
#define SKEP_AST_KIND(name) void Write(const ast::name& statement);
#include "sql/ast/statement_kinds.inc"
#undef SKEP_AST_KIND

  PrintOptions options_;
  std::string out_;
};

}  // namespace skep::sql
