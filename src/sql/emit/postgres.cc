#include "sql/emit/postgres.h"

#include <algorithm>

#include "base/text.h"
#include "sql/quoting.h"
#include "sql/resolve/resolver.h"

namespace skep::sql {
using namespace ast;
using enum TypeKind;

namespace {

std::string Shape(const Type& decimal) {
  return "numeric(" + std::to_string(decimal.length) + "," + std::to_string(decimal.scale) + ")";
}

bool IsFloat(const Type& type) { return type.kind == kReal || type.kind == kDouble; }

}  // namespace

std::string PostgresWriter::TypeName(const Type& type, const Node& at) {
  const auto sized = [&](std::string_view name) {
    return std::string(name) + (type.length < 0 ? "" : "(" + std::to_string(type.length) + ")");
  };
  switch (type.kind) {
    case kBoolean:
      return "boolean";
    case kSmallint:
      return "smallint";
    case kInt:
      return "integer";
    case kBigint:
      return "bigint";
    case kDecimal:
      return type.length < 0 ? "numeric" : Shape(type);
    case kReal:
      return "real";
    case kDouble:
      return "double precision";
    case kChar:
      return sized("char");
    case kVarchar:
      return sized("varchar");
    case kDate:
      return "date";
    case kTimestamp:
      return "timestamp";
    default:
      Unsupported("the type " + TypeText(type), at);
      return {};
  }
}

void PostgresWriter::WriteRelationEntry(const RelationEntry& entry) {
  switch (entry.kind) {
    case RelationKind::kTemporary:
      Put("pg_temp");
      break;
    case RelationKind::kTable:
    case RelationKind::kView:
      PutName(entry.schema);
      break;
    default: {
      static const Select kNowhere;
      return Unsupported("the relation " + entry.schema + "." + entry.name, kNowhere);
    }
  }
  Put(".");
  PutName(entry.name);
}

void PostgresWriter::WriteSelect(const Select& select, const Query* ordered) {
  if (select.qualify) return Unsupported("QUALIFY", *select.qualify);
  if (select.group_by_all) return Unsupported("GROUP BY ALL", select);
  Writer::WriteSelect(select, ordered);
}

// ---------------------------------------------------------------- literals

void PostgresWriter::WriteLiteral(const Literal& literal) {
  switch (literal.literal) {
    case LiteralKind::kNull:
      return Put("null");
    case LiteralKind::kTrue:
      return Put("true");
    case LiteralKind::kFalse:
      return Put("false");
    case LiteralKind::kString:
      return PutString(literal.text);
    case LiteralKind::kInteger:
    case LiteralKind::kDecimal:
      if (literal.text.size() > 39)
        return Raise(ErrorKind::kNumericOutOfRange, "numeric value is out of range", literal);
      return Put(literal.text);
    case LiteralKind::kFloat:
      Put("cast(");
      Put(literal.text);
      return Put(" as double precision)");
  }
}

void PostgresWriter::WriteTypedLiteral(const TypedLiteral& literal) {
  Put("cast(" + QuoteString(literal.text) + " as " + TypeName(TypeOf(&literal), literal) + ")");
}

// ---------------------------------------------------------------- operators

void PostgresWriter::WriteAs(const Expr* expr, std::string_view type) {
  Put("cast(");
  WriteExpression(expr);
  Put(" as ");
  Put(type);
  Put(")");
}

void PostgresWriter::WriteInteger(const Expr* expr) {
  if (TypeOf(expr).kind == kInt) return WriteOperand(expr);
  WriteAs(expr, "integer");
}

void PostgresWriter::WriteUnary(const Unary& unary) {
  const Type& type = TypeOf(unary.operand);
  const auto prefix = [&](std::string_view op) {
    Put(op);
    WriteOperand(unary.operand);
  };
  const auto root = [&](std::string_view function) {
    Put(function);
    Put("(");
    WriteAs(unary.operand, "double precision");
    Put(")");
  };
  if (unary.op != UnaryOperator::kNot && !type.IsNumber() && type.kind != kNull &&
      type.kind != kUnknown)
    return Unsupported("this operator of " + TypeText(type), unary);
  switch (unary.op) {
    case UnaryOperator::kMinus:
      return prefix("-");
    case UnaryOperator::kPlus:
      return prefix("+");
    case UnaryOperator::kNot:
      return prefix("not ");
    case UnaryOperator::kBitNot:
      return prefix("~");
    case UnaryOperator::kAbs:
      return prefix("@ ");
    case UnaryOperator::kSquareRoot:
      return root("sqrt");
    case UnaryOperator::kCubeRoot:
      return root("cbrt");
    case UnaryOperator::kFactorial:
      return Unsupported("the operator !!", unary);
  }
}

void PostgresWriter::WriteBinary(const Binary& binary) {
  using enum BinaryOperator;
  const Type& a = TypeOf(binary.left);
  const Type& b = TypeOf(binary.right);
  const auto infix = [&](std::string_view op) {
    WriteOperand(binary.left);
    Mark(binary);
    Put(op);
    WriteOperand(binary.right);
  };
  const auto bits = [&](std::string_view op) {
    if (!a.IsInteger() || !b.IsInteger()) return Unsupported("this operator of bits", binary);
    infix(op);
  };
  switch (binary.op) {
    case kAdd:
    case kSubtract:
    case kMultiply:
    case kDivide:
    case kModulo:
      return WriteArithmetic(binary);
    case kPower:
      Put("power(");
      WriteAs(binary.left, "double precision");
      Put(", ");
      WriteAs(binary.right, "double precision");
      return Put(")");
    case kConcat:
      if (!a.IsText() && !b.IsText() && a.kind != kNull && b.kind != kNull)
        return Unsupported("|| without text", binary);
      WriteText(binary.left);
      Mark(binary);
      Put(" || ");
      return WriteText(binary.right);
    case kBitAnd:
      return bits(" & ");
    case kBitOr:
      return bits(" | ");
    case kBitXor:
      return bits(" # ");
    case kShiftLeft:
    case kShiftRight:
      return Unsupported("shifting bits", binary);
    case kMatch:
    case kMatchInsensitive:
    case kNotMatch:
    case kNotMatchInsensitive:
      return Unsupported("matching a regular expression", binary);
    case kDistinctFrom:
    case kNotDistinctFrom:
      return Unsupported("IS DISTINCT FROM", binary);
    case kOverlaps:
      return Unsupported("the operator &&", binary);
    default:
      return WriteComparison(binary.op, binary.left, binary.right);
  }
}

void PostgresWriter::WriteNumber(const Expr* expr, const Expr* other) {
  const auto* literal = As<Literal>(expr);
  if (literal && literal->literal == LiteralKind::kString && TypeOf(other).IsNumber())
    return WriteAs(expr, TypeName(TypeOf(other), *other));
  WriteOperand(expr);
}

void PostgresWriter::WriteArithmetic(const Binary& binary) {
  using enum BinaryOperator;
  const Type& a = TypeOf(binary.left);
  const Type& b = TypeOf(binary.right);
  if (a.IsDateTime() || b.IsDateTime()) return WriteMoment(binary);
  if (binary.op == kAdd && a.IsText() && b.IsText()) {
    WriteText(binary.left);
    Put(" || ");
    return WriteText(binary.right);
  }
  const auto is_number = [](const Expr* expr, const Type& type) {
    return type.IsNumber() || type.kind == kNull || type.kind == kUnknown ||
           (type.kind == kLiteral && As<Literal>(expr));
  };
  if (!is_number(binary.left, a) || !is_number(binary.right, b))
    return Unsupported("arithmetic of " + TypeText(is_number(binary.left, a) ? b : a), binary);
  const bool exact = !IsFloat(a) && !IsFloat(b);
  if (exact && (a.kind == kDecimal || b.kind == kDecimal))
    return WriteDecimal(binary.op, binary.left, binary.right);
  if (!exact && binary.op == kModulo) return Unsupported("the remainder of floats", binary);
  WriteNumber(binary.left, binary.right);
  Mark(binary);
  Put(binary.op == kAdd        ? " + "
      : binary.op == kSubtract ? " - "
      : binary.op == kMultiply ? " * "
      : binary.op == kDivide   ? " / "
                               : " % ");
  WriteNumber(binary.right, binary.left);
}

// The server's numeric has no most digits and divides with as many as it likes; the shape says how
// many there are and which of them are cut off.
void PostgresWriter::WriteDecimal(BinaryOperator op, const Expr* left, const Expr* right) {
  using enum BinaryOperator;
  const auto type_of = [&](const Expr* expr, const Expr* other) {
    const Type& type = TypeOf(expr);
    if (type.IsNumber()) return type;
    // A literal takes the other's type; of anything else it is not known.
    return As<Literal>(expr) ? TypeOf(other) : Type::Of(kDecimal);
  };
  const Type a = type_of(left, right), b = type_of(right, left);
  const Type shape = DecimalResult(op, a, b);
  const auto infix = [&](std::string_view sign) {
    WriteNumber(left, right);
    Put(sign);
    WriteNumber(right, left);
  };
  if (op == kDivide) {
    if (shape.length < 0) return Unsupported("dividing a DECIMAL of unknown digits", *left);
    const std::string scale = std::to_string(shape.scale);
    Put("cast(div(");
    WriteNumber(left, right);
    Put(" * 1e" + scale + ", ");
    WriteNumber(right, left);
    return Put(") * 1e-" + scale + " as " + Shape(shape) + ")");
  }
  const std::string_view sign = op == kAdd        ? " + "
                                : op == kSubtract ? " - "
                                : op == kMultiply ? " * "
                                                  : " % ";
  if (shape.length < 38) return infix(sign);  // always fits
  if (op == kMultiply) {
    Put("cast(trunc(");
    infix(sign);
    return Put(", " + std::to_string(shape.scale) + ") as " + Shape(shape) + ")");
  }
  Put("cast(");
  infix(sign);
  Put(" as " + Shape(shape) + ")");
}

void PostgresWriter::WriteMoment(const Binary& binary) {
  const Type& a = TypeOf(binary.left);
  const Type& b = TypeOf(binary.right);
  const bool minus = binary.op == BinaryOperator::kSubtract;
  const auto days = [&](const Type& moment, const Expr* expr, const Expr* count) {
    WriteOperand(expr);
    Put(minus ? " - " : " + ");
    WriteInteger(count);
    if (moment.kind != kDate) Put(" * interval '1 day'");
  };
  const auto counts = [](const Type& moment, const Type& count) {
    return (moment.kind == kDate || moment.kind == kTimestamp) && count.IsInteger();
  };
  if (minus || binary.op == BinaryOperator::kAdd) {
    if (minus && a.kind == kDate && b.kind == kDate) {
      Put("cast(");
      WriteOperand(binary.left);
      Put(" - ");
      WriteOperand(binary.right);
      return Put(" as bigint)");
    }
    if (counts(a, b)) return days(a, binary.left, binary.right);
    if (!minus && counts(b, a)) return days(b, binary.right, binary.left);
  }
  Unsupported("arithmetic of " + TypeText(a) + " and " + TypeText(b), binary);
}

// The server itself passes over the blanks of CHAR, not over those of text beside it.
bool PostgresWriter::NeedsBlanksCut(const Type& type, const Type& against) const {
  if (type.kind != kVarchar && type.kind != kLiteral) return false;
  return against.kind == kChar || (context_.exact_text_equality && against.IsText());
}

void PostgresWriter::WriteComparable(const Expr* expr, const Type& against) {
  const Type& type = TypeOf(expr);
  const bool fold = (type.IsText() || against.IsText()) && (type.fold_case || against.fold_case);
  const bool trim = NeedsBlanksCut(type, against);
  if (fold) Put("lower(");
  if (trim) Put("rtrim(");
  if (fold || trim)
    WriteExpression(expr);
  else
    WriteOperand(expr);
  if (trim) Put(", ' ')");
  if (fold) Put(")");
}

void PostgresWriter::WriteComparison(BinaryOperator op, const Expr* left, const Expr* right) {
  static constexpr std::string_view kInfix[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};
  const Type& a = TypeOf(left);
  const Type& b = TypeOf(right);
  const auto stored_text = [](const Type& type) { return type.IsText() && type.kind != kLiteral; };
  if (a.IsSuper() || b.IsSuper()) return Unsupported("comparing SUPER", *left);
  if ((stored_text(a) && (b.IsNumber() || b.IsDateTime())) ||
      (stored_text(b) && (a.IsNumber() || a.IsDateTime())))
    return Unsupported("comparing text with " + TypeText(stored_text(a) ? b : a), *left);
  WriteComparable(left, b);
  Put(kInfix[static_cast<size_t>(op) - static_cast<size_t>(BinaryOperator::kEqual)]);
  WriteComparable(right, a);
}

void PostgresWriter::WriteLike(const Like& like) {
  if (like.like == LikeKind::kSimilar) return Unsupported("SIMILAR TO", like);
  const bool fold = like.like == LikeKind::kILike || TypeOf(like.value).fold_case;
  WriteText(like.value);
  Put(like.negated ? " not" : "");
  Put(fold ? " ilike " : " like ");
  WriteOperand(like.pattern);
  if (!like.escape) return;
  Put(" escape ");
  WriteOperand(like.escape);
}

// ---------------------------------------------------------------- casts

void PostgresWriter::WriteConverted(const Type& target, const Cast& cast) {
  const Type& source = TypeOf(cast.operand);
  const std::string name = TypeName(target, cast);
  const bool known = source.kind != kUnknown && source.kind != kNull && source.kind != kLiteral;
  const auto between = [&] {
    Unsupported("a cast from " + TypeText(source) + " to " + TypeText(target), cast);
  };
  if (known && (source.IsSuper() || source.kind == kVarbyte || source.IsInterval()))
    return between();
  if (target.kind == kBoolean && source.IsNumber()) {
    if (!source.IsInteger()) return between();
    Put("(");
    WriteOperand(cast.operand);
    return Put(" <> 0)");
  }
  if (source.kind == kBoolean && (target.kind == kSmallint || target.kind == kBigint)) {
    Put("cast(");
    WriteAs(cast.operand, "integer");
    return Put(" as " + name + ")");
  }
  // Floats and Booleans have another text there.
  if (target.IsText() && (source.kind == kBoolean || IsFloat(source))) return between();
  WriteAs(cast.operand, name);
}

void PostgresWriter::WriteCast(const Cast& cast) {
  if (cast.form == CastForm::kTryCast) return Unsupported("TRY_CAST", cast);
  Type type = TypeOf(&cast);
  // As the engine's emitter has it: VARCHAR without a length holds every number and date.
  if (cast.type->name == "text" ||
      (cast.type->name == "varchar" && cast.type->arguments.empty() &&
       TypeOf(cast.operand).kind != kLiteral && !TypeOf(cast.operand).IsText()))
    type.length = -1;
  WriteConverted(type, cast);
}

void PostgresWriter::WriteText(const Expr* expr) {
  const Type& type = TypeOf(expr);
  if (type.kind == kVarchar || type.kind == kLiteral || type.kind == kUnknown)
    return WriteOperand(expr);
  if (type.kind == kNull || type.kind == kChar || type.IsInteger() || type.kind == kDecimal ||
      type.kind == kDate || type.kind == kTimestamp)
    return WriteAs(expr, "text");
  Unsupported(TypeText(type) + " as text", *expr);
}

void PostgresWriter::WriteBranch(const Expr* expr, const Type& result) {
  const Type& type = TypeOf(expr);
  // A DECIMAL shows the places of its column; never fewer than the value has.
  if (result.kind == kDecimal && result.length > 0 &&
      (type.IsInteger() || (type.kind == kDecimal && type.length > 0 && type.scale < result.scale)))
    return WriteAs(expr, Shape(result));
  WriteExpression(expr);
}

void PostgresWriter::WriteBranchItem(const Expr* expr, const Type& result) {
  WriteBranch(expr, result);
}

// Both put NULL last where they ascend and first where they descend.
std::string_view PostgresWriter::SortFunction(const Type&) const { return {}; }

// ---------------------------------------------------------------- what is not covered

void PostgresWriter::WriteField(const Type&, const std::string& name, std::string) {
  static const Select kNowhere;
  Unsupported("navigation to the field " + name, kNowhere);
}
void PostgresWriter::WriteIndex(const Index& index) { Unsupported("navigation by [ ]", index); }
void PostgresWriter::WriteUnnest(const Relation& relation, const RelationUse&, bool, const Name&) {
  Unsupported("unnesting a value in FROM", relation);
}
void PostgresWriter::WriteFunctionTable(const FunctionTable& table, const RelationUse&) {
  Unsupported("a function in FROM", table);
}
void PostgresWriter::WriteHierarchy(const Select& select) { Unsupported("CONNECT BY", select); }

// ---------------------------------------------------------------- the door

Result<Emitted> EmitPostgres(const sql::Statement& statement, std::string_view script,
                             const EmitContext& context) {
  if (statement.refusal) return std::unexpected(*statement.refusal);
  const auto* query = As<QueryStatement>(statement.tree);
  if (!query || IntoOf(*query->query)) {
    return Fail(ErrorKind::kFeatureNotSupported,
                statement.command + " is not translated, only queries are");
  }
  Resolver resolver(context, script);
  Emitted out;
  SKEP_TRY_ASSIGN(out.output, resolver.ResolveQuery(*query->query));
  PostgresWriter writer(context, resolver.resolved(), script);
  writer.WriteQuery(*query->query);
  if (writer.error()) return std::unexpected(*writer.error());
  out.text = std::move(writer.text());
  out.positions = std::move(writer.positions());
  out.tag = statement.command;
  out.returns_rows = out.counts_rows = true;
  return out;
}

}  // namespace skep::sql
