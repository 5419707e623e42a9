#include "sql/emit/duckdb.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "sql/ast/visit.h"
#include "sql/emit/duckdb_catalog.h"
#include "sql/quoting.h"

namespace skep::sql {
using namespace ast;
using enum TypeKind;

std::string DuckDbWriter::TypeName(const Type& type) {
  switch (type.kind) {
    case kBoolean:
      return "boolean";
    case kSmallint:
      return "smallint";
    case kInt:
      return "integer";
    case kBigint:
    case kOid:
      return "bigint";
    case kDecimal:
      return "decimal(" + std::to_string(type.length < 0 ? 18 : type.length) + "," +
             std::to_string(type.scale) + ")";
    case kReal:
      return "float";
    case kDouble:
      return "double";
    case kDate:
      return "date";
    case kTime:
      return "time";
    case kTimeTz:
      return "timetz";
    case kTimestamp:
      return "timestamp";
    case kTimestampTz:
      return "timestamptz";
    case kInterval:
    case kIntervalYearToMonth:
    case kIntervalDayToSecond:
      return "interval";
    case kSuper:
      return "super";
    case kVarbyte:
      return "blob";
    case kGeometry:
      return "rs_geometry";
    case kGeography:
      return "rs_geography";
    case kHllSketch:
      return "hllsketch";
    default:
      return "varchar";
  }
}

void DuckDbWriter::WriteRelationEntry(const RelationEntry& entry) {
  switch (entry.kind) {
    case RelationKind::kTemporary:
      Put("temp.main.");
      PutName(entry.name);
      return;
    case RelationKind::kExternal:
      if (!entry.database.empty()) {
        PutName(entry.database);
        Put(".");
        PutName(entry.database_schema);
        Put(".");
        PutName(entry.name);
        return;
      }
      if (!entry.serialized.empty()) return WriteSerialized(entry);
      PutName(kLakeCatalog);
      break;
    case RelationKind::kSystem:
      Put(SystemRelationText(entry.schema, entry.name));
      return;
    default:
      PutName(context_.database);
  }
  Put(".");
  PutName(entry.schema);
  Put(".");
  PutName(entry.name);
}

// An external table whose nested columns are JSON.
void DuckDbWriter::WriteSerialized(const RelationEntry& entry) {
  Put("(select * replace (");
  for (const std::string& column : entry.serialized) {
    if (&column != &entry.serialized.front()) Put(", ");
    Put("rs_nested_text(");
    PutName(column);
    Put(entry.parse_strings ? ", true) as " : ", false) as ");
    PutName(column);
  }
  Put(")");
  for (const Column& column : entry.columns) {
    if (!column.name.starts_with('$')) continue;  // * has them not
    Put(", ");
    PutName(column.name);
  }
  Put(" from ");
  RelationEntry plain = entry;
  plain.serialized.clear();
  WriteRelationEntry(plain);
  Put(")");
}

void DuckDbWriter::Function(std::string_view name, std::initializer_list<const Expr*> arguments) {
  Put(name);
  Put("(");
  bool first = true;
  for (const Expr* argument : arguments) {
    if (!argument) continue;
    if (!first) Put(", ");
    first = false;
    WriteExpression(argument);
  }
  Put(")");
}

// ---------------------------------------------------------------- literals

void DuckDbWriter::WriteLiteral(const Literal& literal) {
  switch (literal.literal) {
    case LiteralKind::kNull:
      return Put("null");
    case LiteralKind::kTrue:
      return Put("true");
    case LiteralKind::kFalse:
      return Put("false");
    case LiteralKind::kString:
      return PutString(literal.text);
    case LiteralKind::kInteger: {
      std::string_view digits = literal.text;
      while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
      if (digits.size() > 38)
        return Raise(ErrorKind::kNumericOutOfRange, "numeric value is out of range", literal);
      const bool wide =
          digits.size() > 19 || (digits.size() == 19 && digits > "9223372036854775807");
      Put(digits);
      if (wide) Put("::decimal(38,0)");
      return;
    }
    case LiteralKind::kDecimal: {
      const std::string_view digits = literal.text;
      if (digits.size() > 39) {  // more than any DECIMAL holds: the nearest DOUBLE
        Put(digits);
        return Put("::double");
      }
      if (digits.front() == '.') Put("0");
      Put(digits);
      if (digits.back() == '.') Put("0");
      return;
    }
    case LiteralKind::kFloat:
      Put(literal.text);
      return;
  }
}

void DuckDbWriter::WriteTypedLiteral(const TypedLiteral& literal) {
  const Type& type = TypeOf(&literal);
  if (type.IsInterval()) {
    Put("rs_interval(");
    PutString(literal.text);
    if (!literal.type->qualifier.empty()) {
      Put(", ");
      PutString(literal.type->qualifier);
    }
    return Put(")");
  }
  std::string value = QuoteString(literal.text);
  switch (type.kind) {
    case kVarchar:
    case kChar:
      if (literal.type->arguments.empty()) {
        Put("cast(" + value + " as varchar)");
      } else {
        Put(type.kind == kChar ? "rs_to_char_type(" : "rs_to_varchar(");
        Put(value + ", " + std::to_string(type.length) + ")");
      }
      return;
    default:
      Put("cast(" + value + " as " + TypeName(type) + ")");
  }
}

// ---------------------------------------------------------------- operators

void DuckDbWriter::WriteUnary(const Unary& unary) {
  WriteKeepingType(unary, std::array{unary.operand}, [&] { WriteSign(unary); });
}

void DuckDbWriter::WriteSign(const Unary& unary) {
  const Type& type = TypeOf(unary.operand);
  switch (unary.op) {
    case UnaryOperator::kMinus:
      if (type.IsSuper()) return Function("rs_super_neg", {unary.operand});
      Put("-");
      // A literal keeps its sign, so that the smallest of each type can be written.
      if (As<Literal>(unary.operand) && type.kind != kLiteral)
        return WriteExpression(unary.operand);
      Put("(");
      WriteExpression(unary.operand);
      return Put(")");
    case UnaryOperator::kPlus:
      Put("+");
      return WriteOperand(unary.operand);
    case UnaryOperator::kNot:
      Put("not ");
      return WriteOperand(unary.operand);
    case UnaryOperator::kBitNot:
      Put("~");
      return WriteOperand(unary.operand);
    case UnaryOperator::kAbs:
      return Function("rs_abs", {unary.operand});
    case UnaryOperator::kSquareRoot:
      return Function("sqrt", {unary.operand});
    case UnaryOperator::kCubeRoot:
      return Function("rs_cbrt", {unary.operand});
    case UnaryOperator::kFactorial:
      return Unsupported("the operator !!", unary);
  }
}

void DuckDbWriter::WriteArithmetic(const Expr* expr, const Expr* other) {
  const Type& type = TypeOf(expr);
  const Type& against = TypeOf(other);
  const auto* literal = As<Literal>(expr);
  const Expr* unsigned_value = expr;
  while (const auto* sign = As<Unary>(unsigned_value)) {
    if (sign->op != UnaryOperator::kMinus && sign->op != UnaryOperator::kPlus) break;
    unsigned_value = sign->operand;
  }
  const auto* whole = As<Literal>(unsigned_value);
  if (whole && whole->literal == LiteralKind::kInteger &&
      (against.kind == kSmallint || against.kind == kReal || against.kind == kDecimal ||
       against.kind == kUnknown)) {
    if (whole == expr || As<Literal>(As<Unary>(expr)->operand))
      WriteExpression(expr);
    else
      WriteOperand(expr);
    return Put(type.kind == kInt ? "::integer" : type.kind == kBigint ? "::bigint" : "");
  }
  if (literal && literal->literal == LiteralKind::kString && against.IsNumber()) {
    Put("cast(");
    WriteExpression(expr);
    return Put(" as " + TypeName(against) + ")");
  }
  WriteOperand(expr);
}

bool DuckDbWriter::IsNull(const Expr* expr, int depth) const {
  if (depth > 8) return false;
  if (const auto* literal = As<Literal>(expr)) return literal->literal == LiteralKind::kNull;
  if (const auto* cast = As<Cast>(expr)) return IsNull(cast->operand, depth + 1);
  if (const auto* unary = As<Unary>(expr)) return IsNull(unary->operand, depth + 1);
  if (const auto* binary = As<Binary>(expr))
    return IsNull(binary->left, depth + 1) || IsNull(binary->right, depth + 1);
  if (const auto* position = As<Position>(expr))
    return IsNull(position->needle, depth + 1) || IsNull(position->text, depth + 1);
  if (const auto* substring = As<Substring>(expr)) return IsNull(substring->text, depth + 1);
  if (const auto* trim = As<Trim>(expr)) return IsNull(trim->text, depth + 1);
  if (const auto* extract = As<Extract>(expr)) return IsNull(extract->source, depth + 1);
  const auto* call = As<Call>(expr);
  if (!call) return false;
  const auto row = resolved_.functions.find(call);
  if (row == resolved_.functions.end() || row->second->kind != FunctionKind::kScalar) return false;
  return std::ranges::any_of(call->arguments,
                             [&](const Expr* one) { return IsNull(one, depth + 1); });
}

void DuckDbWriter::WriteBinary(const Binary& binary) {
  WriteKeepingType(binary, std::array{binary.left, binary.right}, [&] { WriteOperator(binary); });
}

void DuckDbWriter::WriteOperator(const Binary& binary) {
  using enum BinaryOperator;
  const Type& a = TypeOf(binary.left);
  const Type& b = TypeOf(binary.right);
  const bool super = a.IsSuper() || b.IsSuper();
  const auto infix = [&](std::string_view op) {
    const bool arithmetic = binary.op <= kModulo || binary.op == kBitAnd || binary.op == kBitOr;
    if (arithmetic)
      WriteArithmetic(binary.left, binary.right);
    else
      WriteOperand(binary.left);
    Mark(binary);
    Put(op);
    if (arithmetic)
      WriteArithmetic(binary.right, binary.left);
    else
      WriteOperand(binary.right);
  };
  const auto either = [&](std::string_view op, std::string_view super_function) {
    if (super) return Function(super_function, {binary.left, binary.right});
    infix(op);
  };
  // Days beside a date or a moment.
  const auto days = [&](const Type& moment, const Expr* count) {
    const Type& type = TypeOf(count);
    const bool of_moment = moment.kind == kTimestamp || moment.kind == kTimestampTz;
    if (!type.IsInteger() || !(of_moment || (moment.kind == kDate && type.kind == kBigint)))
      return false;
    const bool left = count == binary.left;
    const auto write = [&] {
      Put(of_moment ? "to_days(cast(" : "cast(");
      WriteExpression(count);
      Put(of_moment ? " as integer))" : " as integer)");
    };
    if (left)
      write();
    else
      WriteOperand(binary.left);
    Mark(binary);
    Put(binary.op == kAdd ? " + " : " - ");
    if (left)
      WriteOperand(binary.right);
    else
      write();
    return true;
  };
  if (!super && (binary.op == kAdd || binary.op == kSubtract)) {
    if (days(a, binary.right)) return;
    if (binary.op == kAdd && days(b, binary.left)) return;
  }
  switch (binary.op) {
    case kAdd:
      if (a.IsText() && b.IsText()) return infix(" || ");  // text is joined by + as well
      return either(" + ", "rs_super_add");
    case kSubtract:
      return either(" - ", "rs_super_sub");
    case kMultiply:
      return either(" * ", "rs_super_mul");
    case kDivide:
      return either(" / ", "rs_super_div");
    case kModulo:
      return either(" % ", "rs_super_mod");
    case kPower:
      return Function("rs_power", {binary.left, binary.right});
    case kConcat:
      return either(" || ", "rs_super_concat");
    case kBitAnd:
      return infix(" & ");
    case kBitOr:
      return infix(" | ");
    case kBitXor:
      return Function("xor", {binary.left, binary.right});
    case kShiftLeft:
      return Function("rs_shift_left", {binary.left, binary.right});
    case kShiftRight:
      return Function("rs_shift_right", {binary.left, binary.right});
    case kMatch:
      return Function("rs_regex", {binary.left, binary.right});
    case kMatchInsensitive:
      return Function("rs_iregex", {binary.left, binary.right});
    case kNotMatch:
      Put("not ");
      return Function("rs_regex", {binary.left, binary.right});
    case kNotMatchInsensitive:
      Put("not ");
      return Function("rs_iregex", {binary.left, binary.right});
    case kDistinctFrom:
    case kNotDistinctFrom:
      return Unsupported("IS DISTINCT FROM", binary);
    case kOverlaps:
      return Unsupported("the operator &&", binary);
    default:
      return WriteComparison(binary.op, binary.left, binary.right);
  }
}

// A stored CHAR has no trailing blanks (docs/adr/0005), so text beside it may have none.
bool DuckDbWriter::NeedsBlanksCut(const Type& type, const Type& against) const {
  if (type.kind != kVarchar && type.kind != kLiteral) return false;
  return against.kind == kChar || (context_.exact_text_equality && against.IsText());
}

void DuckDbWriter::WriteComparable(const Expr* expr, const Type& against) {
  const Type& type = TypeOf(expr);
  const bool fold = (type.IsText() || against.IsText()) && (type.fold_case || against.fold_case);
  const auto* literal = As<Literal>(expr);
  if (literal && literal->literal == LiteralKind::kString &&
      (NeedsBlanksCut(type, against) || fold)) {
    std::string_view text = literal->text;
    while (NeedsBlanksCut(type, against) && text.ends_with(' ')) text.remove_suffix(1);
    return PutString(fold ? Lower(text) : std::string(text));
  }
  if (against.kind == kBoolean && type.IsInteger()) {  // any number but 0 is true
    Put("cast(");
    WriteExpression(expr);
    return Put(" as boolean)");
  }
  // A parameter of the type CHAR still has the blanks that were sent.
  const bool trim =
      NeedsBlanksCut(type, against) || (type.kind == kChar && As<Parameter>(expr) != nullptr);
  if (fold) Put("lower(");
  if (trim) Put("rtrim(");
  if (fold || trim)
    WriteExpression(expr);
  else
    WriteOperand(expr);
  if (trim) Put(", ' ')");
  if (fold) Put(")");
}

void DuckDbWriter::WriteComparison(BinaryOperator op, const Expr* left, const Expr* right) {
  static constexpr std::string_view kInfix[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};
  static constexpr std::string_view kSuper[] = {"rs_super_eq", "rs_super_ne", "rs_super_lt",
                                                "rs_super_le", "rs_super_gt", "rs_super_ge"};
  const size_t index = static_cast<size_t>(op) - static_cast<size_t>(BinaryOperator::kEqual);
  if (TypeOf(left).IsSuper() || TypeOf(right).IsSuper())
    return Function(kSuper[index], {left, right});
  const auto* a = As<Row>(left);
  const auto* b = As<Row>(right);
  if (a && b && a->items.size() == b->items.size() && index < 2) {
    Put(index == 0 ? "(" : "(not (");
    for (size_t i = 0; i < a->items.size(); i++) {
      if (i > 0) Put(" and ");
      WriteComparison(BinaryOperator::kEqual, a->items[i], b->items[i]);
    }
    return Put(index == 0 ? ")" : "))");
  }
  WriteComparable(left, TypeOf(right));
  Put(kInfix[index]);
  WriteComparable(right, TypeOf(left));
}

void DuckDbWriter::WriteLike(const Like& like) {
  if (like.like == LikeKind::kSimilar) {
    if (like.negated) Put("not ");
    return Function("rs_similar", {like.value, like.pattern, like.escape});
  }
  const auto* pattern = As<Literal>(like.pattern);
  const bool plain = !like.escape && pattern && pattern->literal == LiteralKind::kString &&
                     pattern->text.find('\\') == std::string_view::npos;
  const Type& type = TypeOf(like.value);
  const bool fold = like.like == LikeKind::kILike || type.fold_case;
  if (plain && !fold && type.IsText()) {  // the engine's own, which its optimizer knows
    WriteOperand(like.value);
    Put(like.negated ? " not" : "");
    Put(" like ");
    return WriteOperand(like.pattern);
  }
  if (like.negated) Put("not ");
  Function(fold ? "rs_ilike" : "rs_like", {like.value, like.pattern, like.escape});
}

// ---------------------------------------------------------------- casts

void DuckDbWriter::WriteCastTo(const Type& target, const Expr* operand, bool lenient) {
  const Type& source = TypeOf(operand);
  const auto cast = [&](std::string_view name) {
    if (source.IsSuper() && !lenient && !context_.cast_super_null_on_error) {
      Put("rs_super_cast_strict(");
      WriteExpression(operand);
      return Put(", null::" + std::string(name) + ")");
    }
    Put(lenient ? "try_cast(" : "cast(");
    WriteExpression(operand);
    Put(" as ");
    Put(name);
    Put(")");
  };
  switch (target.kind) {
    case kVarchar:
      if (target.length < 0 || target.length >= 65535) return cast("varchar");
      if (source.IsText() && source.length >= 0 && source.length <= target.length &&
          source.kind != kLiteral)
        return cast("varchar");
      Put("rs_to_varchar(");
      WriteExpression(operand);
      return Put(", " + std::to_string(target.length) + ")");
    case kChar:
      Put("rs_to_char_type(");
      WriteExpression(operand);
      return Put(", " + std::to_string(target.length) + ")");
    case kName:
      return cast("varchar");
    case kVarbyte:
      if (source.kind != kChar) return cast("blob");
      Put("cast(rs_pad(");  // its bytes with the blanks that are not stored
      WriteExpression(operand);
      return Put(", " + std::to_string(source.length) + ") as blob)");
    default:
      if (target.kind == kHllSketch && source.kind != kHllSketch)
        return Function("rs_to_hllsketch", {operand});
      return cast(TypeName(target));
  }
}

void DuckDbWriter::WriteCast(const Cast& cast) {
  if (cast.type->name == "text" ||
      (cast.type->name == "varchar" && cast.type->arguments.empty() &&
       TypeOf(cast.operand).kind != kLiteral && !TypeOf(cast.operand).IsText())) {
    Type text = TypeOf(&cast);
    text.length = -1;
    return WriteCastTo(text, cast.operand, cast.form == CastForm::kTryCast);
  }
  const Type& type = TypeOf(&cast);
  if (type.IsInterval() && !cast.type->qualifier.empty()) {
    Put("rs_interval(");
    WriteExpression(cast.operand);
    Put(", ");
    PutString(cast.type->qualifier);
    return Put(")");
  }
  WriteCastTo(type, cast.operand, cast.form == CastForm::kTryCast);
}

void DuckDbWriter::WriteAssigned(const Expr* expr, const Type& target) {
  const Type& source = TypeOf(expr);
  if (As<Default>(expr)) return Put("default");
  if (const auto* literal = As<Literal>(expr)) {
    if (literal->literal == LiteralKind::kNull) return Put("null");
    // Short ASCII text fits for certain.
    if (literal->literal == LiteralKind::kString && target.kind == kVarchar && target.length >= 0 &&
        literal->text.size() <= static_cast<size_t>(target.length))
      return WriteExpression(expr);
  }
  if (target.kind == kVarchar && source.IsText() && source.kind != kLiteral && source.length >= 0 &&
      source.length <= target.length)
    return WriteExpression(expr);
  WriteAssignedText(Captured([&] { WriteExpression(expr); }), target);
}

void DuckDbWriter::WriteAssignedText(const std::string& value, const Type& target) {
  switch (target.kind) {
    case kVarchar:
      if (target.length >= 0 && target.length < 65535) {
        Put("rs_assign_varchar(cast(" + value + " as varchar), " + std::to_string(target.length) +
            ")");
        return;
      }
      return Put(value);
    case kChar:
      return Put("rs_assign_char(cast(" + value + " as varchar), " +
                 std::to_string(target.length < 0 ? 1 : target.length) + ")");
    default:
      return Put(value);
  }
}

// ---------------------------------------------------------------- nested values

void DuckDbWriter::WriteField(const Type& of, const std::string& name, std::string value) {
  if (of.kind == kStruct) {
    Put("(" + value + ").");
    return PutName(name);
  }
  Put(context_.navigate_super_null_on_error ? "rs_super_get(" : "rs_super_get_strict(");
  Put(value + ", ");
  PutString(name);
  Put(")");
}

void DuckDbWriter::WriteBranch(const Expr* expr, const Type& result) {
  if (result.kind == kChar) {  // without trailing blanks, as CHAR is kept
    const auto* literal = As<Literal>(expr);
    if (literal && literal->literal == LiteralKind::kString) {
      std::string_view text = literal->text;
      while (text.ends_with(' ')) text.remove_suffix(1);
      return PutString(text);
    }
    if (As<Parameter>(expr)) {
      Put("rtrim(");
      WriteExpression(expr);
      return Put(", ' ')");
    }
  }
  // The engine would take an integer literal beside a SMALLINT for one.
  if (TypeOf(expr).kind == kSmallint && (result.kind == kInt || result.kind == kBigint)) {
    WriteOperand(expr);
    return Put("::integer");
  }
  if (!result.IsSuper() || TypeOf(expr).IsSuper()) return WriteExpression(expr);
  Put("cast(");
  WriteExpression(expr);
  Put(" as super)");
}

// The engine would make text of numbers and moments beside a literal.
void DuckDbWriter::WriteBranchItem(const Expr* expr, const Type& result) {
  const auto* literal = As<Literal>(expr);
  const bool cast =
      literal && literal->literal == LiteralKind::kString &&
      (result.IsNumber() || result.IsDateTime() || result.IsInterval() || result.kind == kBoolean);
  if (!cast) return WriteBranch(expr, result);
  Put("cast(");
  WriteExpression(expr);
  Put(" as " + TypeName(result) + ")");
}

std::string_view DuckDbWriter::SortFunction(const Type& type) const {
  return type.IsSuper() ? "rs_super_sort_key" : "";
}

void DuckDbWriter::WriteIndex(const Index& index) {
  const Type& type = TypeOf(index.operand);
  if (type.kind == kArray) {  // the engine counts from 1
    Put("list_extract(");
    WriteExpression(index.operand);
    Put(", 1 + ");
    WriteOperand(index.index);
    return Put(")");
  }
  if (type.kind == kMap) {
    WriteOperand(index.operand);
    Put("[");
    WriteExpression(index.index);
    return Put("]");
  }
  const bool text = TypeOf(index.index).IsText();
  std::string name = text ? "rs_super_get" : "rs_super_at";
  if (!context_.navigate_super_null_on_error) name += "_strict";
  Function(name, {index.operand, index.index});
}

void DuckDbWriter::WriteUnnest(const Relation&, const RelationUse& use, bool unpivot,
                               const Name& at) {
  const ScopeRelation& relation = *use.relation;
  const Type& type = TypeOf(use.path);
  const bool map = type.kind == kMap, nested = map || type.kind == kArray;
  const bool fields = map || (nested && type.elements->front().kind == kStruct);
  const auto array = [&] {
    if (map) Put("map_entries(");
    WriteExpression(use.path);
    if (map) Put(")");
  };
  Put("lateral (select ");
  const size_t values = relation.columns.size() - (at ? 1 : 0);
  for (size_t i = 0; i < values; i++) {
    if (i > 0) Put(", ");
    if (fields) {
      Put("(element).");
      PutName(relation.columns[i].name);
    } else {
      Put(nested ? "element" : "(element).\"value\"");
    }
    Put(" as ");
    PutName(relation.ColumnName(i));
  }
  if (at) {
    Put(nested ? ", position - 1" : unpivot ? ", (element).\"key\"" : ", (element).\"index\"");
    Put(" as ");
    PutName(relation.ColumnName(values));
  }
  Put(" from (select unnest(");
  if (nested) {
    array();
    Put(") as element, generate_subscripts(");
    array();
    Put(", 1) as position)");
  } else {
    Put(unpivot ? "rs_super_unpivot(" : "rs_super_unnest(");
    WriteExpression(use.path);
    Put(")) as element)");
  }
  Put(" as unnested)");
  WriteAliased(relation, false);
}

void DuckDbWriter::WriteFunctionTable(const FunctionTable& table, const RelationUse& use) {
  const std::string name = Fold(table.call->name.back());
  if (const auto rows = resolved_.rows.find(&table); rows != resolved_.rows.end()) {
    Put("(select * from (values ");
    for (const auto& row : rows->second) {
      Put(&row == rows->second.data() ? "(" : ", (");
      for (size_t i = 0; i < row.size(); i++) Put((i > 0 ? ", " : "") + row[i]);
      Put(")");
    }
    if (rows->second.empty())
      Put("('', '', '', '', 0)) where false)");
    else
      Put("))");
    return WriteAliased(*use.relation, true);
  }
  if (name == "pg_timezone_names") {
    Put("pg_timezone_names()");
    return WriteAliased(*use.relation, true);
  }
  if (name != "generate_series") return Unsupported("the table function " + name, *table.call);
  Put("generate_series(");
  WriteList(table.call->arguments);
  Put(")");
  WriteAliased(*use.relation, true);
}

namespace {

bool HasPrior(const Expr& condition) {
  bool found = false;
  Walk(condition, [&](const Node& node) {
    found |= node.kind == NodeKind::kPrior;
    return !found && node.kind != NodeKind::kQuery;
  });
  return found;
}

}  // namespace

// START WITH ... CONNECT BY: a recursive query whose rows carry their LEVEL, their parent's columns
// for PRIOR and the rows they came by, under the name of the relation it walks.
void DuckDbWriter::WriteHierarchy(const Select& select) {
  if (select.from.size() != 1 || As<Join>(select.from[0]))
    return Unsupported("CONNECT BY over several relations", select);
  const RelationUse& use = resolved_.relations.at(select.from[0]);
  const ScopeRelation& relation = *use.relation;
  enum class Parent : uint8_t { kNone, kRow };
  const auto columns = [&](Parent parent) {
    for (size_t i = 0; i < relation.columns.size(); i++) {
      if (relation.columns[i].name.starts_with('$')) continue;
      const std::string& name = relation.ColumnName(i);
      WriteColumnOf(relation, i);
      Put(" as ");
      PutName(name);
      if (parent == Parent::kRow) {
        Put(", hierarchy.");
        PutName(name);
      } else {
        Put(", case when false then ");
        WriteColumnOf(relation, i);
        Put(" end");
      }
      Put(" as ");
      PutName(kPriorPrefix + name);
      Put(", ");
    }
  };
  // The rows are numbered, so that one that comes again below itself is known.
  const bool walks = HasPrior(*select.connect_by);
  const auto numbered = [&] {
    PutName("numbered rows");
    WriteAliased(relation, false);
  };
  const std::string row = QuoteName(relation.emitted) + ".\"row of hierarchy\"";
  Put("select ");
  if (select.distinct) Put("distinct ");
  WriteSelectList(select);
  Put(" from (with recursive \"numbered rows\" as materialized (select *, row_number() over () as "
      "\"row of hierarchy\" from ");
  WriteRelation(*select.from[0]);
  Put("), hierarchy as (select ");
  columns(Parent::kNone);
  Put("cast(1 as bigint) as \"level\", [" + row + "] as \"rows of hierarchy\" from ");
  numbered();
  if (select.start_with) {
    Put(" where ");
    WriteExpression(select.start_with);
  }
  Put(" union all select ");
  columns(Parent::kRow);
  Put("hierarchy.\"level\" + 1 as \"level\", ");
  const std::string seen = "list_contains(hierarchy.\"rows of hierarchy\", " + row + ")";
  Put("list_append(hierarchy.\"rows of hierarchy\", ");
  Put(walks && !select.nocycle ? "rs_no_loop(" + seen + ", " + row + ")" : row);
  Put(") from hierarchy, ");
  numbered();
  Put(" where ");
  hierarchy_alias_ = "hierarchy";
  WriteOperand(select.connect_by);
  hierarchy_alias_.clear();
  if (walks && select.nocycle) Put(" and not " + seen);
  Put(") select * from hierarchy) as ");
  PutName(relation.emitted);
  if (select.where) {
    Put(" where ");
    WriteExpression(select.where);
  }
}

}  // namespace skep::sql
