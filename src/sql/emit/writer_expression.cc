// Expressions: names, operators' operands, windows; what needs an engine's own words is virtual.
#include <algorithm>
#include <utility>

#include "sql/emit/writer.h"

namespace skep::sql {
using namespace ast;

namespace {

// Rewrites that repeat an expression must not multiply without end.
constexpr size_t kMaxEmittedBytes = 64u << 20;
constexpr size_t kMaxDepth = 3000;

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

void Writer::WriteColumnOf(const ScopeRelation& relation, size_t column, bool merged) {
  if (!merged) {
    // PRIOR speaks of the parent's row.
    PutName(in_prior_ ? std::string_view(hierarchy_alias_) : std::string_view(relation.emitted));
    Put(".");
  }
  PutName(relation.ColumnName(column));
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

void Writer::WriteExpression(const Expr* expr) {
  if (error_ || !expr) return;
  if (out_.size() > kMaxEmittedBytes)
    return Raise(ErrorKind::kPayloadTooLarge, "the statement becomes too long", *expr);
  if (++depth_ > kMaxDepth) {
    Raise(ErrorKind::kPayloadTooLarge, "the statement is nested too deeply", *expr);
    depth_--;
    return;
  }
  const auto in = [&](const Expr* value, const auto& items, bool negated) {
    if (TypeOf(value).IsSuper()) {
      Put(negated ? "(not (" : "(");
      for (const Expr* item : items) {
        if (item != items[0]) Put(" or ");
        WriteComparison(BinaryOperator::kEqual, value, item);
      }
      Put(negated ? "))" : ")");
      return;
    }
    WriteOperand(value);
    Put(negated ? " not in (" : " in (");
    WriteList(items);
    Put(")");
  };
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
      for (const Expr* operand : logical.operands) {
        if (operand != logical.operands[0]) Put(logical.is_or ? " or " : " and ");
        const auto* inner = As<Logical>(operand);
        const auto* negation = As<Unary>(operand);
        if (inner || (negation && negation->op == UnaryOperator::kNot)) {
          Put("(");
          WriteExpression(operand);
          Put(")");
        } else {
          WriteExpression(operand);
        }
      }
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
      WriteOperand(between.value);
      Put(between.negated ? " not between " : " between ");
      WriteOperand(between.low);
      Put(" and ");
      WriteOperand(between.high);
      break;
    }
    case NodeKind::kInList: {
      const auto& list = *static_cast<const InList*>(expr);
      in(list.value, list.items, list.negated);
      break;
    }
    case NodeKind::kInQuery: {
      const auto& query = *static_cast<const InQuery*>(expr);
      WriteOperand(query.value);
      Put(query.negated ? " not in (" : " in (");
      WriteQuery(*query.query);
      Put(")");
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
      WriteOperand(quantified.value);
      Put(" ");
      Put(kOperators[index]);
      Put(quantified.all ? " all (" : " any (");
      WriteQuery(*quantified.query);
      Put(")");
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
        WriteExpression(node.operand);
      }
      for (const When* when : node.whens) {
        Put(" when ");
        if (node.operand && TypeOf(node.operand).IsSuper())
          WriteComparison(BinaryOperator::kEqual, node.operand, when->condition);
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
