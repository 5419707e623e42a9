// Expressions: names, operators' operands, windows; what needs an engine's own words is virtual.
#include <algorithm>
#include <utility>

#include "sql/emit/writer.h"

namespace skep::sql {
using namespace ast;

namespace {

constexpr size_t kMaxDepth = 3000;
// Between two looks at whether somebody still waits.
constexpr size_t kStepsBetweenLooks = 1024;

// Of several types beside a value the one that says most about how it compares.
Type StrictOf(const Type& a, const Type& b) {
  Type strict = b.kind == TypeKind::kChar || a.kind == TypeKind::kUnknown ? b : a;
  strict.fold_case = a.fold_case || b.fold_case;
  return strict;
}

}  // namespace

bool Writer::IsAtomic(const Expr* expr) {
  switch (expr->kind) {
    case NodeKind::kLiteral:
    case NodeKind::kParameter:
    case NodeKind::kCall:
    case NodeKind::kCase:
    case NodeKind::kExists:
    case NodeKind::kScalarQuery:
    case NodeKind::kCast:
    case NodeKind::kTypedLiteral:
    case NodeKind::kRow:
    case NodeKind::kColumnRef:  // an alias brings its own parentheses
    case NodeKind::kOuterMark:
    case NodeKind::kPrior:
    case NodeKind::kExtract:
    case NodeKind::kPosition:
    case NodeKind::kSubstring:
    case NodeKind::kTrim:
    case NodeKind::kOverlay:
    case NodeKind::kField:
    case NodeKind::kIndex:
    case NodeKind::kObjectTransform:
    case NodeKind::kDefault:
      return true;
    default:
      return false;
  }
}

void Writer::WriteOperand(const Expr* expr) {
  if (IsAtomic(expr)) return WriteExpression(expr);
  Put("(");
  WriteExpression(expr);
  Put(")");
}

void Writer::WriteList(const List<Expr*>& items) {
  for (const Expr* item : items) {
    if (item != items[0]) Put(", ");
    WriteExpression(item);
  }
}

// The engine takes a chain of AND apart in the square of its length; in groups it does not.
void Writer::WriteOperands(const Logical& logical, size_t first, size_t behind) {
  constexpr size_t kGroup = 64;
  size_t step = 1;
  while (step * kGroup < behind - first) step *= kGroup;
  for (size_t i = first; i < behind; i += step) {
    if (i > first) Put(logical.is_or ? " or " : " and ");
    if (step > 1) {
      Put("(");
      WriteOperands(logical, i, std::min(i + step, behind));
      Put(")");
      continue;
    }
    const Expr* operand = logical.operands[i];
    const auto* negation = As<Unary>(operand);
    const bool torn = As<Logical>(operand) || (negation && negation->op == UnaryOperator::kNot);
    if (torn) Put("(");
    WriteExpression(operand);
    if (torn) Put(")");
  }
}

void Writer::WriteColumnOf(const ScopeRelation& relation, size_t column, bool merged) {
  if (!merged) {
    // PRIOR speaks of the parent's row.
    PutName(in_prior_ && !hierarchy_alias_.empty() ? hierarchy_alias_ : relation.emitted);
    Put(".");
  }
  // Behind the hierarchy its rows know their parent's columns.
  PutName((in_prior_ && hierarchy_alias_.empty() ? kPriorPrefix : "") +
          relation.ColumnName(column));
}

void Writer::WriteColumn(const ColumnRef& ref) {
  const auto found = resolved_.references.find(&ref);
  if (found == resolved_.references.end())
    return Raise(ErrorKind::kInternal, "a column was not resolved", ref);
  const Reference& reference = found->second;
  const bool navigated = ref.parts.size() > reference.used;
  std::string value = Captured([&] {
    switch (reference.kind) {
      case Reference::Kind::kColumn:
        WriteColumnOf(*reference.relation, reference.column);
        break;
      case Reference::Kind::kMerged:
        PutName(reference.merged);
        break;
      case Reference::Kind::kAlias:
        WriteOperand(reference.item->value);
        break;
      case Reference::Kind::kLevel:  // in CONNECT BY itself, the level of the row that is looked
                                     // for
        Put(hierarchy_alias_.empty() ? "\"level\"" : "(" + hierarchy_alias_ + ".\"level\" + 1)");
        break;
      case Reference::Kind::kRelation:
        PutName(reference.relation->emitted);
        break;
    }
  });
  if (!navigated) {
    Put(value);
    return;
  }
  Type type;
  if (reference.kind == Reference::Kind::kColumn)
    type = reference.relation->columns[reference.column].type;
  for (size_t i = reference.used; i < ref.parts.size(); i++) {
    const std::string name =
        type.kind == TypeKind::kStruct ? Fold(ref.parts[i]) : FoldAttribute(ref.parts[i]);
    value = Captured([&] { WriteField(type, name, std::move(value)); });
    if (type.kind == TypeKind::kStruct && type.names && type.elements) {
      const auto it = std::ranges::find(*type.names, name);
      type = it == type.names->end()
                 ? Type{}
                 : Type((*type.elements)[static_cast<size_t>(it - type.names->begin())]);
    }
  }
  Put(value);
}

void Writer::WriteWindow(const Window& window) {
  Put(" over (");
  bool any = false;
  if (!window.partition_by.empty()) {
    Put("partition by ");
    WriteList(window.partition_by);
    any = true;
  }
  WriteSortItems(window.order_by, any ? " order by " : "order by ", false);
  any |= !window.order_by.empty();
  const auto bound = [&](const FrameBound& edge) {
    if (edge.offset) {
      WriteOperand(edge.offset);
      Put(" ");
    }
    switch (edge.edge) {
      case FrameEdge::kUnboundedPreceding:
        Put("unbounded preceding");
        break;
      case FrameEdge::kPreceding:
        Put("preceding");
        break;
      case FrameEdge::kCurrentRow:
        Put("current row");
        break;
      case FrameEdge::kFollowing:
        Put("following");
        break;
      case FrameEdge::kUnboundedFollowing:
        Put("unbounded following");
        break;
    }
  };
  if (window.from) {
    if (any) Put(" ");
    Put(window.unit == FrameUnit::kRange ? "range " : "rows ");
    if (window.to) {
      Put("between ");
      bound(*window.from);
      Put(" and ");
      bound(*window.to);
    } else {
      bound(*window.from);
    }
  }
  Put(")");
}

std::vector<Type> Writer::PartTypes(const Expr* expr) const {
  const auto* row = As<Row>(expr);
  if (!row) return {TypeOf(expr)};
  std::vector<Type> types;
  for (const Expr* item : row->items) types.push_back(TypeOf(item));
  return types;
}

void Writer::WriteBeside(const Expr* expr, const std::vector<Type>& others) {
  const auto* row = As<Row>(expr);
  if (!row) return WriteComparable(expr, others.empty() ? Type{} : others[0]);
  Put("(");
  for (size_t i = 0; i < row->items.size(); i++) {
    if (i > 0) Put(", ");
    WriteComparable(row->items[i], i < others.size() ? others[i] : Type{});
  }
  Put(")");
}

void Writer::WriteMember(const Expr* value, const List<Expr*>& items, bool negated) {
  if (TypeOf(value).IsSuper()) {
    Put(negated ? "(not (" : "(");
    for (const Expr* item : items) {
      if (item != items[0]) Put(" or ");
      WriteComparison(BinaryOperator::kEqual, value, item);
    }
    Put(negated ? "))" : ")");
    return;
  }
  const std::vector<Type> types = PartTypes(value);
  std::vector<Type> beside(types.size());
  for (const Expr* item : items) {
    const std::vector<Type> parts = PartTypes(item);
    for (size_t i = 0; i < parts.size() && i < beside.size(); i++)
      beside[i] = StrictOf(beside[i], parts[i]);
  }
  WriteBeside(value, beside);
  Put(negated ? " not in (" : " in (");
  for (const Expr* item : items) {
    if (item != items[0]) Put(", ");
    WriteBeside(item, types);
  }
  Put(")");
}

void Writer::WriteMemberOfQuery(const Expr* value, std::string_view op, const Query& query) {
  const std::vector<Type> types = PartTypes(value);
  const auto output = resolved_.outputs.find(&query);
  std::vector<Type> columns;
  bool cut = false;
  if (output != resolved_.outputs.end()) {
    for (size_t i = 0; i < output->second.size(); i++) {
      columns.push_back(output->second[i].type);
      cut |= i < types.size() && NeedsBlanksCut(columns[i], types[i]);
    }
  }
  WriteBeside(value, columns);
  Put(op);
  if (!cut) {
    WriteQuery(query);
    return Put(")");
  }
  const auto name = [](size_t i) { return "c" + std::to_string(i); };
  Put("select ");
  for (size_t i = 0; i < columns.size(); i++) {
    if (i > 0) Put(", ");
    const bool this_one = i < types.size() && NeedsBlanksCut(columns[i], types[i]);
    Put(this_one ? "rtrim(" + name(i) + ", ' ')" : name(i));
  }
  Put(" from (");
  WriteQuery(query);
  Put(") as compared(");
  for (size_t i = 0; i < columns.size(); i++) Put((i > 0 ? ", " : "") + name(i));
  Put("))");
}

void Writer::WriteExpression(const Expr* expr) {
  if (error_ || !expr) return;
  if (++steps_ % kStepsBetweenLooks == 0 && context_.stopped && context_.stopped())
    return Raise(ErrorKind::kQueryCanceled, "canceling statement due to user request", *expr);
  if (out_.size() + held_ > most_bytes_)
    return Raise(ErrorKind::kPayloadTooLarge, "the statement becomes too long", *expr);
  if (++depth_ > kMaxDepth) {
    Raise(ErrorKind::kPayloadTooLarge, "the statement is nested too deeply", *expr);
    depth_--;
    return;
  }
  switch (expr->kind) {
    case NodeKind::kLiteral:
      Mark(*expr);
      WriteLiteral(*static_cast<const Literal*>(expr));
      break;
    case NodeKind::kTypedLiteral:
      Mark(*expr);
      WriteTypedLiteral(*static_cast<const TypedLiteral*>(expr));
      break;
    case NodeKind::kParameter: {
      const auto& parameter = *static_cast<const Parameter*>(expr);
      Mark(*expr);
      if (parameter.number == 0) {
        Raise(ErrorKind::kUndefinedParameter, "named parameters are not bound", *expr);
        break;
      }
      Put(std::string(argument_prefix_) + std::to_string(parameter.number));
      break;
    }
    case NodeKind::kColumnRef:
      Mark(*expr);
      WriteColumn(*static_cast<const ColumnRef*>(expr));
      break;
    case NodeKind::kOuterMark:
      WriteExpression(static_cast<const OuterMark*>(expr)->column);
      break;
    case NodeKind::kPrior: {
      const bool before = std::exchange(in_prior_, true);
      WriteOperand(static_cast<const Prior*>(expr)->operand);
      in_prior_ = before;
      break;
    }
    case NodeKind::kUnary:
      Mark(*expr);
      WriteUnary(*static_cast<const Unary*>(expr));
      break;
    case NodeKind::kBinary: {
      const auto& binary = *static_cast<const Binary*>(expr);
      if (binary.op >= BinaryOperator::kEqual && binary.op <= BinaryOperator::kGreaterEqual)
        WriteComparison(binary.op, binary.left, binary.right);
      else
        WriteBinary(binary);
      break;
    }
    case NodeKind::kLogical: {
      const auto& logical = *static_cast<const Logical*>(expr);
      WriteOperands(logical, 0, logical.operands.size());
      break;
    }
    case NodeKind::kIsTest: {
      const auto& test = *static_cast<const IsTest*>(expr);
      WriteOperand(test.operand);
      Put(test.negated ? " is not " : " is ");
      Put(test.test == TestKind::kNull || test.test == TestKind::kUnknown ? "null"
          : test.test == TestKind::kTrue                                  ? "true"
                                                                          : "false");
      break;
    }
    case NodeKind::kBetween: {
      const auto& between = *static_cast<const Between*>(expr);
      if (TypeOf(between.value).IsSuper() || TypeOf(between.low).IsSuper() ||
          TypeOf(between.high).IsSuper()) {
        Put(between.negated ? "(not (" : "(");
        WriteComparison(BinaryOperator::kGreaterEqual, between.value, between.low);
        Put(" and ");
        WriteComparison(BinaryOperator::kLessEqual, between.value, between.high);
        Put(between.negated ? "))" : ")");
        break;
      }
      WriteComparable(between.value, StrictOf(TypeOf(between.low), TypeOf(between.high)));
      Put(between.negated ? " not between " : " between ");
      WriteComparable(between.low, TypeOf(between.value));
      Put(" and ");
      WriteComparable(between.high, TypeOf(between.value));
      break;
    }
    case NodeKind::kInList: {
      const auto& list = *static_cast<const InList*>(expr);
      WriteMember(list.value, list.items, list.negated);
      break;
    }
    case NodeKind::kInQuery: {
      const auto& query = *static_cast<const InQuery*>(expr);
      WriteMemberOfQuery(query.value, query.negated ? " not in (" : " in (", *query.query);
      break;
    }
    case NodeKind::kLike:
      WriteLike(*static_cast<const Like*>(expr));
      break;
    case NodeKind::kQuantified: {
      const auto& quantified = *static_cast<const Quantified*>(expr);
      static constexpr std::string_view kOperators[] = {"=", "<>", "<", "<=", ">", ">="};
      const size_t index =
          static_cast<size_t>(quantified.op) - static_cast<size_t>(BinaryOperator::kEqual);
      if (!quantified.query) {
        Unsupported("ANY or ALL of a list", *expr);
        break;
      }
      const std::string op = " " + std::string(kOperators[index]);
      WriteMemberOfQuery(quantified.value, op + (quantified.all ? " all (" : " any ("),
                         *quantified.query);
      break;
    }
    case NodeKind::kExists:
      Put("exists (");
      WriteQuery(*static_cast<const Exists*>(expr)->query);
      Put(")");
      break;
    case NodeKind::kScalarQuery:
      Mark(*expr);
      Put("(");
      WriteQuery(*static_cast<const ScalarQuery*>(expr)->query);
      Put(")");
      break;
    case NodeKind::kCase: {
      const auto& node = *static_cast<const Case*>(expr);
      Mark(*expr);
      Put("case");
      if (node.operand && !TypeOf(node.operand).IsSuper()) {
        Put(" ");
        Type beside;
        for (const When* when : node.whens) beside = StrictOf(beside, TypeOf(when->condition));
        WriteComparable(node.operand, beside);
      }
      for (const When* when : node.whens) {
        Put(" when ");
        if (node.operand && TypeOf(node.operand).IsSuper())
          WriteComparison(BinaryOperator::kEqual, node.operand, when->condition);
        else if (node.operand)
          WriteComparable(when->condition, TypeOf(node.operand));
        else
          WriteExpression(when->condition);
        Put(" then ");
        WriteBranch(when->result, TypeOf(expr));
      }
      if (node.otherwise) {
        Put(" else ");
        WriteBranch(node.otherwise, TypeOf(expr));
      }
      Put(" end");
      break;
    }
    case NodeKind::kCast:
      Mark(*expr);
      WriteCast(*static_cast<const Cast*>(expr));
      break;
    case NodeKind::kCall:
      Mark(*expr);
      WriteCall(*static_cast<const Call*>(expr));
      break;
    case NodeKind::kRow: {
      Put("(");
      WriteList(static_cast<const Row*>(expr)->items);
      Put(")");
      break;
    }
    case NodeKind::kIndex:
      WriteIndex(*static_cast<const Index*>(expr));
      break;
    case NodeKind::kField: {
      const auto& field = *static_cast<const Field*>(expr);
      const Type& of = TypeOf(field.operand);
      WriteField(of, of.kind == TypeKind::kStruct ? Fold(field.name) : FoldAttribute(field.name),
                 Captured([&] { WriteOperand(field.operand); }));
      break;
    }
    case NodeKind::kDefault:
      Put("default");
      break;
    default:
      Mark(*expr);
      WriteSpecial(expr);
  }
  depth_--;
}

}  // namespace skep::sql
