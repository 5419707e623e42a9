// Queries in PostgreSQL's SQL, with Redshift's meaning kept: truncating division, DECIMAL's shapes,
// the results of aggregates, Sunday's weeks. Covers numbers, DATE, TIMESTAMP and text; what it does
// not cover it refuses by name (0A000). It needs no extension of the server, whose database has
// UTF8 and the C collation; lengths of VARCHAR and CHAR count characters there, not bytes.
#pragma once

#include <string>
#include <string_view>

#include "sql/emit.h"
#include "sql/emit/writer.h"

namespace skep::sql {

class PostgresWriter final : public Writer {
 public:
  using Writer::Writer;

 protected:
  void WriteRelationEntry(const RelationEntry& entry) override;
  void WriteLiteral(const ast::Literal& literal) override;
  void WriteTypedLiteral(const ast::TypedLiteral& literal) override;
  void WriteUnary(const ast::Unary& unary) override;
  void WriteBinary(const ast::Binary& binary) override;
  void WriteComparison(ast::BinaryOperator op, const ast::Expr* left,
                       const ast::Expr* right) override;
  void WriteComparable(const ast::Expr* expr, const Type& against) override;
  bool NeedsBlanksCut(const Type& type, const Type& against) const override;
  void WriteLike(const ast::Like& like) override;
  void WriteCast(const ast::Cast& cast) override;
  void WriteCall(const ast::Call& call) override;
  void WriteSpecial(const ast::Expr* expr) override;
  void WriteField(const Type& of, const std::string& name, std::string value) override;
  void WriteBranch(const ast::Expr* expr, const Type& result) override;
  void WriteBranchItem(const ast::Expr* expr, const Type& result) override;
  std::string_view SortFunction(const Type& type) const override;
  void WriteIndex(const ast::Index& index) override;
  void WriteUnnest(const ast::Relation& relation, const RelationUse& use, bool unpivot,
                   const ast::Name& at) override;
  void WriteFunctionTable(const ast::FunctionTable& table, const RelationUse& use) override;
  void WriteHierarchy(const ast::Select& select) override;
  void WriteSelect(const ast::Select& select, const ast::Query* ordered) override;

 private:
  // The server's name of a type; empty, with an error, for one that is not covered.
  std::string TypeName(const Type& type, const ast::Node& at);
  void WriteArithmetic(const ast::Binary& binary);
  // `op` over two exact numbers, at least one of them DECIMAL.
  void WriteDecimal(ast::BinaryOperator op, const ast::Expr* left, const ast::Expr* right);
  void WriteMoment(const ast::Binary& binary);
  // An operand of arithmetic: text that is a number becomes one.
  void WriteNumber(const ast::Expr* expr, const ast::Expr* other);
  void WriteAs(const ast::Expr* expr, std::string_view type);
  // A count or a place, which the server's functions take as INTEGER.
  void WriteInteger(const ast::Expr* expr);
  // Anything as text, as Redshift passes it to functions of text.
  void WriteText(const ast::Expr* expr);
  void WriteTimestamp(const ast::Expr* expr);
  void WriteConverted(const Type& target, const ast::Cast& cast);

  // Calls: false when the function is none of the group.
  bool WriteTextCall(const ast::Call& call, const std::string& name);
  bool WriteConditional(const ast::Call& call, const std::string& name);
  bool WriteAggregate(const ast::Call& call, const std::string& name);
  bool WriteDateCall(const ast::Call& call, const std::string& name);
  void WriteDateAdd(const ast::Call& call, std::string_view part);
  void WriteDateDiff(const ast::Call& call, std::string_view part);
  // EXTRACT's whole number, or DATE_PART's DOUBLE.
  void WritePart(std::string_view part, const ast::Expr* source, bool whole, const ast::Node& at);
  // Its canonical name; empty, with an error, when it is none or not one of `offered`.
  std::string_view DatePart(const ast::Expr* expr, std::string_view function,
                            std::initializer_list<std::string_view> offered);
};

// Errors as EmitDuckDb's; of statements that are no queries: kFeatureNotSupported.
Result<Emitted> EmitPostgres(const Statement& statement, std::string_view script,
                             const EmitContext& context);

}  // namespace skep::sql
