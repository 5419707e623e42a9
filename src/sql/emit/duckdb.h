// Expressions and relations in the engine's SQL. Meaning that depends on types is left to functions
// that the worker registers (rs_...); what the front knows of types chooses between them.
#pragma once

#include <string>
#include <string_view>

#include "sql/emit/writer.h"
#include "sql/function_table.h"

namespace skep::sql {

class DuckDbWriter : public Writer {
 public:
  using Writer::Writer;

  // Through here values go into a column of this type (INSERT, UPDATE).
  void WriteAssigned(const ast::Expr* expr, const Type& target);
  // A value that is already written, on its way into a column of this type.
  void WriteAssignedText(const std::string& value, const Type& target);
  // The body of a function of the user's: its arguments are p1, p2, ...
  void WriteFunctionBody(const ast::Expr* body, const Type& returns);
  // What follows is kept in the catalog: CURRENT_USER and its like mean whoever reads it.
  void Keep() { kept_ = true; }
  void WriteRelationEntry(const RelationEntry& entry) override;
  void WriteSerialized(const RelationEntry& entry);
  // The engine's name of a type.
  static std::string TypeName(const Type& type);

 protected:
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

 private:
  void WriteSign(const ast::Unary& unary);
  void WriteOperator(const ast::Binary& binary);
  void WriteFunction(const ast::Call& call);
  // The engine forgets the type of what a NULL makes NULL; a cast keeps the front's.
  void WriteKeepingType(const ast::Expr& expr, const auto& operands, const auto& write) {
    const Type& type = TypeOf(&expr);
    const bool known = type.IsNumber() || type.IsText() || type.IsDateTime();
    const bool sized = type.kind != TypeKind::kDecimal || type.length > 0;
    bool null = false;
    for (const ast::Expr* operand : operands) null |= IsNull(operand, 0);
    if (!known || !sized || !null) return write();
    Put("cast(");
    write();
    Put(" as " + TypeName(type) + ")");
  }
  // Whether it is a NULL whatever its columns hold, as far as that is seen at once.
  bool IsNull(const ast::Expr* expr, int depth) const;
  void WriteCastTo(const Type& target, const ast::Expr* operand, bool lenient);
  void WriteUserCall(const ast::Call& call, const FunctionEntry& function);
  void WriteNamed(const ast::Call& call, const FunctionRow& row);
  void WriteMacro(const ast::Call& call, const FunctionRow& row);
  bool WriteSyntax(const ast::Call& call, const std::string& name);
  bool WriteSession(const ast::Call& call, const std::string& name);
  void WriteSetting(const ast::Call& call);
  bool WriteChoice(const ast::Call& call, std::string_view name, size_t i);
  void WriteArguments(const ast::Call& call, const FunctionRow& row);
  // The date part of an argument as a constant; false when it is not one.
  bool WriteDatePart(const ast::Expr* expr);
  // An operand of arithmetic beside one of another type: literals get the type Redshift gives them.
  void WriteArithmetic(const ast::Expr* expr, const ast::Expr* other);
  void Function(std::string_view name, std::initializer_list<const ast::Expr*> arguments);

  bool kept_ = false;
};

}  // namespace skep::sql
