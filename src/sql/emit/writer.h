// Writes a resolved tree as another engine's SQL: what all dialects share stands here, what they
// differ in is virtual. The text holds nothing that was not written by an emitter: names are
// quoted, literals are rewritten, everything else comes from the emitters' own tables.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sql/ast/query.h"
#include "sql/parse/token.h"
#include "sql/resolve/context.h"
#include "sql/resolve/resolved.h"

namespace skep::sql {

class Writer {
 public:
  // `beside`: another writer of the same script.
  Writer(const FrontContext& context, const Resolved& resolved, std::string_view script,
         const Writer* beside = nullptr);
  virtual ~Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void WriteQuery(const ast::Query& query);
  void WriteExpression(const ast::Expr* expr);
  void WriteWithClause(const ast::WithClause& with) { WriteWith(with); }
  void WriteOneRelation(const ast::Relation& relation) { WriteRelation(relation); }
  void WriteFromList(const ast::List<ast::Relation*>& from, std::string_view word);

  void Put(std::string_view text) { out_ += text; }
  void PutName(std::string_view name);
  void PutString(std::string_view text);
  // The next text belongs to this node.
  void Mark(const ast::Node& node);

  // What another writer of the same script wrote, or its error.
  void Append(const Writer& other);

  std::string& text() { return out_; }
  std::vector<std::pair<uint32_t, uint32_t>>& positions() { return positions_; }
  const std::optional<Error>& error() const { return error_; }
  // Relations written so far, each view as those that it reads.
  size_t relations() const { return relations_; }
  void Raise(ErrorKind kind, std::string message, const ast::Node& at);
  void Unsupported(std::string_view what, const ast::Node& at);

 protected:
  // ---- what dialects differ in
  virtual void WriteRelationEntry(const RelationEntry& entry) = 0;
  virtual void WriteLiteral(const ast::Literal& literal) = 0;
  virtual void WriteTypedLiteral(const ast::TypedLiteral& literal) = 0;
  virtual void WriteUnary(const ast::Unary& unary) = 0;
  virtual void WriteBinary(const ast::Binary& binary) = 0;
  virtual void WriteComparison(ast::BinaryOperator op, const ast::Expr* left,
                               const ast::Expr* right) = 0;
  // An operand of a comparison beside values of this type, so that equal values are equal for the
  // engine.
  virtual void WriteComparable(const ast::Expr* expr, const Type& against) = 0;
  // Whether a column of this type must be written anew to be compared with values of that one.
  virtual bool NeedsBlanksCut(const Type& type, const Type& against) const = 0;
  virtual void WriteLike(const ast::Like& like) = 0;
  virtual void WriteCast(const ast::Cast& cast) = 0;
  virtual void WriteCall(const ast::Call& call) = 0;
  virtual void WriteSpecial(const ast::Expr* expr) = 0;  // EXTRACT, POSITION, TRIM, ...
  virtual void WriteField(const Type& of, const std::string& name, std::string value) = 0;
  // One of several values that become one of this type (CASE).
  virtual void WriteBranch(const ast::Expr* expr, const Type& result) = 0;
  // The same of a branch of a set operation.
  virtual void WriteBranchItem(const ast::Expr* expr, const Type& result) = 0;
  // A function around what values of this type are sorted by; empty for none.
  virtual std::string_view SortFunction(const Type& type) const = 0;
  virtual void WriteIndex(const ast::Index& index) = 0;
  virtual void WriteUnnest(const ast::Relation& relation, const RelationUse& use, bool unpivot,
                           const ast::Name& at) = 0;
  virtual void WriteFunctionTable(const ast::FunctionTable& table, const RelationUse& use) = 0;
  virtual void WriteHierarchy(const ast::Select& select) = 0;

  // ---- shared
  void WriteBody(const ast::QueryBody& body);
  virtual void WriteSelect(const ast::Select& select, const ast::Query* ordered);
  void WriteSelectList(const ast::Select& select);
  void WriteFrom(const ast::Select& select);
  void WriteRelation(const ast::Relation& relation);
  void WriteOuterMarks(const ast::Select& select);
  // `of_output`: a name of the select list means the column that is answered, not its expression.
  void WriteSortItems(const ast::List<ast::OrderItem*>& items, std::string_view word,
                      bool of_output);
  void WriteSortItem(const ast::OrderItem& item, bool of_output);
  void WriteGroupBy(const ast::Select& select);
  void WriteGrouping(const ast::GroupingElement& element);
  void WriteWith(const ast::WithClause& with);
  void WritePivot(const ast::Pivot& pivot, const RelationUse& use);
  void WriteUnpivot(const ast::Unpivot& unpivot, const RelationUse& use);
  void WriteAliased(const ScopeRelation& relation, bool columns);
  void WriteWindow(const ast::Window& window);
  void WriteMember(const ast::Expr* value, const ast::List<ast::Expr*>& items, bool negated);
  void WriteMemberOfQuery(const ast::Expr* value, std::string_view op, const ast::Query& query);
  // A value, or a row of them, beside others: what they have in common with CHAR and collations.
  void WriteBeside(const ast::Expr* expr, const std::vector<Type>& others);
  std::vector<Type> PartTypes(const ast::Expr* expr) const;
  void WriteColumn(const ast::ColumnRef& ref);
  void WriteColumnOf(const ScopeRelation& relation, size_t column, bool merged = false);
  // In parentheses unless nothing could tear it apart.
  void WriteOperand(const ast::Expr* expr);
  void WriteList(const ast::List<ast::Expr*>& items);
  void WriteOperands(const ast::Logical& logical, size_t first, size_t behind);
  std::string Captured(const auto& write) {
    std::string before;
    std::swap(before, out_);
    const auto marks = positions_.size();
    const size_t held = before.size();
    held_ += held;
    write();
    held_ -= held;
    std::swap(before, out_);
    positions_.resize(marks);
    return before;
  }
  const Type& TypeOf(const ast::Expr* expr) const { return resolved_.TypeOf(expr); }
  std::string Fold(const ast::Name& name) const;
  std::string FoldAttribute(const ast::Name& name) const;  // of a SUPER object
  static inline const std::string kPriorPrefix = "prior ";
  static bool IsAtomic(const ast::Expr* expr);

  const FrontContext& context_;
  const Resolved& resolved_;
  std::string_view script_;
  std::shared_ptr<const CharacterPositions> characters_;
  size_t most_bytes_;
  std::string out_;
  size_t held_ = 0;  // bytes of what was written before the text that is being captured
  size_t steps_ = 0;
  size_t relations_ = 0;
  std::map<std::string, size_t> relations_of_;  // of common tables, by emitted name
  std::vector<std::pair<uint32_t, uint32_t>> positions_;
  std::optional<Error> error_;
  size_t depth_ = 0;
  std::string hierarchy_alias_;  // of the rows of CONNECT BY, while their query is written
  bool in_prior_ = false;
  const ast::Join* renamed_join_ = nullptr;  // whose inside is written
  std::optional<uint32_t> place_;           // where a late-binding view stands, while it is written
  std::string_view argument_prefix_ = "$";  // of parameters: "p" in the body of a function
  std::string filter_;  // " filter (...)" of the aggregate that is written next (PIVOT)
};

}  // namespace skep::sql
