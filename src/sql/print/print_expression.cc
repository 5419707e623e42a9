// Expressions and types. Parentheses follow the parser's precedence.
#include "sql/ast/names.h"
#include "sql/print/printer.h"

namespace skep::sql {
using namespace ast;

namespace {

struct BinaryForm {
  std::string_view text;
  Binding binding;
};

BinaryForm FormOf(BinaryOperator op) {
  switch (op) {
    case BinaryOperator::kAdd:
      return {"+", Binding::kAdditive};
    case BinaryOperator::kSubtract:
      return {"-", Binding::kAdditive};
    case BinaryOperator::kMultiply:
      return {"*", Binding::kMultiplicative};
    case BinaryOperator::kDivide:
      return {"/", Binding::kMultiplicative};
    case BinaryOperator::kModulo:
      return {"%", Binding::kMultiplicative};
    case BinaryOperator::kPower:
      return {"^", Binding::kPower};
    case BinaryOperator::kConcat:
      return {"||", Binding::kOther};
    case BinaryOperator::kBitAnd:
      return {"&", Binding::kOther};
    case BinaryOperator::kBitOr:
      return {"|", Binding::kOther};
    case BinaryOperator::kBitXor:
      return {"#", Binding::kOther};
    case BinaryOperator::kShiftLeft:
      return {"<<", Binding::kOther};
    case BinaryOperator::kShiftRight:
      return {">>", Binding::kOther};
    case BinaryOperator::kEqual:
      return {"=", Binding::kComparison};
    case BinaryOperator::kNotEqual:
      return {"<>", Binding::kComparison};
    case BinaryOperator::kLess:
      return {"<", Binding::kComparison};
    case BinaryOperator::kLessEqual:
      return {"<=", Binding::kComparison};
    case BinaryOperator::kGreater:
      return {">", Binding::kComparison};
    case BinaryOperator::kGreaterEqual:
      return {">=", Binding::kComparison};
    case BinaryOperator::kMatch:
      return {"~", Binding::kOther};
    case BinaryOperator::kMatchInsensitive:
      return {"~*", Binding::kOther};
    case BinaryOperator::kNotMatch:
      return {"!~", Binding::kOther};
    case BinaryOperator::kNotMatchInsensitive:
      return {"!~*", Binding::kOther};
    case BinaryOperator::kDistinctFrom:
      return {"is distinct from", Binding::kIs};
    case BinaryOperator::kNotDistinctFrom:
      return {"is not distinct from", Binding::kIs};
    case BinaryOperator::kOverlaps:
      return {"&&", Binding::kOther};
  }
  return {"", Binding::kPrimary};
}

std::string_view TextOf(UnaryOperator op) {
  switch (op) {
    case UnaryOperator::kMinus:
      return "-";
    case UnaryOperator::kPlus:
      return "+";
    case UnaryOperator::kNot:
      return "not";
    case UnaryOperator::kBitNot:
      return "~";
    case UnaryOperator::kAbs:
      return "@";
    case UnaryOperator::kSquareRoot:
      return "|/";
    case UnaryOperator::kCubeRoot:
      return "||/";
    case UnaryOperator::kFactorial:
      return "!!";
  }
  return "";
}

Binding Next(Binding binding) { return static_cast<Binding>(static_cast<int>(binding) + 1); }

}  // namespace

Binding Printer::BindingOf(const Expr& expr) {
  switch (expr.kind) {
    case NodeKind::kLogical:
      return static_cast<const Logical&>(expr).is_or ? Binding::kOr : Binding::kAnd;
    case NodeKind::kUnary:
      return static_cast<const Unary&>(expr).op == UnaryOperator::kNot ? Binding::kNot
                                                                       : Binding::kUnary;
    case NodeKind::kIsTest:
      return Binding::kIs;
    case NodeKind::kBinary:
      return FormOf(static_cast<const Binary&>(expr).op).binding;
    case NodeKind::kQuantified:
      return Binding::kComparison;
    case NodeKind::kLike:
    case NodeKind::kBetween:
    case NodeKind::kInList:
    case NodeKind::kInQuery:
      return Binding::kPredicate;
    case NodeKind::kCast:
      return static_cast<const Cast&>(expr).form == CastForm::kOperator ? Binding::kPostfix
                                                                        : Binding::kPrimary;
    case NodeKind::kAtTimeZone:
      return Binding::kUnary;  // what is fastened to its end belongs to the zone
    case NodeKind::kCollate:
    case NodeKind::kIndex:
    case NodeKind::kField:
      return Binding::kPostfix;
    case NodeKind::kPrior:
      return Binding::kUnary;
    case NodeKind::kStar:
      return static_cast<const Star&>(expr).of ? Binding::kPostfix : Binding::kPrimary;
    default:
      return Binding::kPrimary;
  }
}

// The expression, in parentheses when it binds less than `least`.
void Printer::Write(const Expr* expr, Binding least) {
  if (!expr) return;
  const bool parenthesis = BindingOf(*expr) < least;
  if (parenthesis) Word("(");
  WriteExpression(*expr);
  if (parenthesis) Put(")");
}

void Printer::Expressions(List<Expr*> items) {
  Commas(items, [&](const Expr* item) { WriteChild(item); });
}

void Printer::ExpressionList(List<Expr*> items) {
  Word("(");
  Expressions(items);
  Put(")");
}

// What a subscript or a field is fastened to.
void Printer::PathOperand(const Expr* expr) {
  const auto* call = As<Call>(expr);
  const bool bare = expr->kind == NodeKind::kIndex || expr->kind == NodeKind::kField ||
                    (call && !call->bare && !call->over && !call->has_within_group &&
                     call->nulls == NullTreatment::kNone && !call->approximate);
  Write(expr, bare ? Binding::kPostfix : Next(Binding::kPrimary));
}

// A chain a + b - c leans left: its spine is walked by a loop.
void Printer::WriteBinary(const Binary& binary) {
  std::vector<const Binary*> spine{&binary};
  while (const auto* left = As<Binary>(spine.back()->left)) {
    if (FormOf(left->op).binding < FormOf(spine.back()->op).binding) break;
    spine.push_back(left);
  }
  Write(spine.back()->left, FormOf(spine.back()->op).binding);
  for (size_t i = spine.size(); i-- > 0;) {
    const BinaryForm form = FormOf(spine[i]->op);
    Word(form.text);
    Put(" ");
    Write(spine[i]->right, form.binding == Binding::kIs ? Binding::kPredicate : Next(form.binding));
  }
}

void Printer::OrderBy(List<OrderItem*> items) {
  Commas(items, [&](const OrderItem* item) { Write(*item); });
}

void Printer::Exclude(List<Name> names) {
  if (names.empty()) return;
  Word("exclude");
  NameList(names);
}

void Printer::WriteExpression(const Expr& expr) {
  switch (expr.kind) {
    case NodeKind::kLiteral: {
      const auto& literal = static_cast<const Literal&>(expr);
      switch (literal.literal) {
        case LiteralKind::kNull:
          return Word("null");
        case LiteralKind::kTrue:
          return Word("true");
        case LiteralKind::kFalse:
          return Word("false");
        case LiteralKind::kString:
          return String(literal.text);
        default:
          return Word(literal.text);
      }
    }
    case NodeKind::kTypedLiteral:
      return WriteTyped(static_cast<const TypedLiteral&>(expr));
    case NodeKind::kParameter: {
      const auto& parameter = static_cast<const Parameter&>(expr);
      Word(parameter.number > 0 || parameter.name.empty() ? "$" : ":");
      return Put(parameter.number > 0 || parameter.name.empty()
                     ? std::string_view(std::to_string(parameter.number))
                     : parameter.name);
    }
    case NodeKind::kColumnRef:
      return Write(static_cast<const ColumnRef&>(expr).parts);
    case NodeKind::kStar: {
      const auto& star = static_cast<const Star&>(expr);
      if (star.of) {
        PathOperand(star.of);
        return Put(".*");
      }
      if (star.qualifier.empty()) {
        Word("*");
      } else {
        Write(star.qualifier);
        Put(".*");
      }
      return Exclude(star.exclude);
    }
    case NodeKind::kUnary: {
      const auto& unary = static_cast<const Unary&>(expr);
      Word(TextOf(unary.op));
      if (unary.op == UnaryOperator::kNot) {
        Put(" ");
        return Write(unary.operand, Binding::kNot);
      }
      // No "--", "~~" or "!!" may come of two operators.
      const bool apart = BindingOf(*unary.operand) == Binding::kUnary;
      if (apart) Put(" ");
      const size_t here = out_.size();
      Write(unary.operand, Binding::kUnary);
      if (!apart && here < out_.size() && out_[here] == ' ') out_.erase(here, 1);
      return;
    }
    case NodeKind::kBinary:
      return WriteBinary(static_cast<const Binary&>(expr));
    case NodeKind::kLogical: {
      const auto& logical = static_cast<const Logical&>(expr);
      bool first = true;
      for (const Expr* operand : logical.operands) {
        if (!first) Word(logical.is_or ? "or" : "and");
        first = false;
        Write(operand, logical.is_or ? Binding::kAnd : Binding::kNot);
      }
      return;
    }
    case NodeKind::kIsTest: {
      const auto& test = static_cast<const IsTest&>(expr);
      Write(test.operand, Binding::kIs);
      Word("is");
      WordIf(test.negated, "not");
      static constexpr std::string_view kWords[] = {"null", "true", "false", "unknown"};
      return Word(kWords[static_cast<size_t>(test.test)]);
    }
    case NodeKind::kBetween: {
      const auto& between = static_cast<const Between&>(expr);
      Write(between.value, Binding::kPredicate);
      WordIf(between.negated, "not");
      Word("between");
      Write(between.low, Binding::kOther);
      Word("and");
      return Write(between.high, Binding::kOther);
    }
    case NodeKind::kInList: {
      const auto& in = static_cast<const InList&>(expr);
      Write(in.value, Binding::kPredicate);
      WordIf(in.negated, "not");
      Word("in");
      return ExpressionList(in.items);
    }
    case NodeKind::kInQuery: {
      const auto& in = static_cast<const InQuery&>(expr);
      Write(in.value, Binding::kPredicate);
      WordIf(in.negated, "not");
      Word("in");
      return WriteIn(*in.query);
    }
    case NodeKind::kLike: {
      const auto& like = static_cast<const Like&>(expr);
      Write(like.value, Binding::kPredicate);
      WordIf(like.negated, "not");
      static constexpr std::string_view kWords[] = {"like", "ilike", "similar to"};
      Word(kWords[static_cast<size_t>(like.like)]);
      Write(like.pattern, Binding::kOther);
      if (!like.escape) return;
      Word("escape");
      return Write(like.escape, Binding::kOther);
    }
    case NodeKind::kQuantified: {
      const auto& quantified = static_cast<const Quantified&>(expr);
      Write(quantified.value, Binding::kComparison);
      Word(FormOf(quantified.op).text);
      Word(quantified.all ? "all" : "any");
      if (quantified.query) return WriteIn(*quantified.query);
      return ExpressionList(quantified.items);
    }
    case NodeKind::kExists:
      Word("exists");
      return WriteIn(*static_cast<const Exists&>(expr).query);
    case NodeKind::kScalarQuery:
      return WriteIn(*static_cast<const ScalarQuery&>(expr).query);
    case NodeKind::kCase: {
      const auto& choice = static_cast<const Case&>(expr);
      Word("case");
      WriteChild(choice.operand);
      for (const When* when : choice.whens) {
        Word("when");
        WriteChild(when->condition);
        Word("then");
        WriteChild(when->result);
      }
      if (choice.otherwise) {
        Word("else");
        WriteChild(choice.otherwise);
      }
      return Word("end");
    }
    case NodeKind::kCast: {
      const auto& cast = static_cast<const Cast&>(expr);
      switch (cast.form) {
        case CastForm::kOperator: {
          Write(cast.operand, Binding::kPostfix);
          Put("::");
          const size_t here = out_.size();
          Write(*cast.type);
          if (here < out_.size() && out_[here] == ' ') out_.erase(here, 1);
          return;
        }
        case CastForm::kConvert:
          Word("convert(");
          Write(*cast.type);
          Put(", ");
          WriteChild(cast.operand);
          return Put(")");
        default:
          Word(cast.form == CastForm::kCast ? "cast(" : "try_cast(");
          WriteChild(cast.operand);
          Word("as");
          Write(*cast.type);
          return Put(")");
      }
    }
    case NodeKind::kCall:
      return Write(static_cast<const Call&>(expr));
    case NodeKind::kExtract: {
      const auto& extract = static_cast<const Extract&>(expr);
      Word("extract(");
      if (NeedsQuotes(extract.part))
        String(extract.part);
      else
        Put(extract.part);
      Word("from");
      WriteChild(extract.source);
      return Put(")");
    }
    case NodeKind::kPosition: {
      const auto& position = static_cast<const Position&>(expr);
      Word("position(");
      Write(position.needle, Binding::kOther);
      Word("in");
      Write(position.text, Binding::kOther);
      return Put(")");
    }
    case NodeKind::kSubstring: {
      const auto& substring = static_cast<const Substring&>(expr);
      Word("substring(");
      WriteChild(substring.text);
      if (substring.from) {
        Word("from");
        WriteChild(substring.from);
      }
      if (substring.length) {
        Word("for");
        WriteChild(substring.length);
      }
      return Put(")");
    }
    case NodeKind::kTrim: {
      const auto& trim = static_cast<const Trim&>(expr);
      Word("trim(");
      if (trim.side == TrimSide::kNone) {
        WriteChild(trim.text);
        if (trim.characters) {
          Put(", ");
          WriteChild(trim.characters);
        }
        return Put(")");
      }
      static constexpr std::string_view kSides[] = {"", "both", "leading", "trailing"};
      Word(kSides[static_cast<size_t>(trim.side)]);
      WriteChild(trim.characters);
      Word("from");
      WriteChild(trim.text);
      return Put(")");
    }
    case NodeKind::kOverlay: {
      const auto& overlay = static_cast<const Overlay&>(expr);
      Word("overlay(");
      WriteChild(overlay.text);
      Word("placing");
      WriteChild(overlay.placing);
      Word("from");
      WriteChild(overlay.from);
      if (overlay.length) {
        Word("for");
        WriteChild(overlay.length);
      }
      return Put(")");
    }
    case NodeKind::kAtTimeZone: {
      const auto& zone = static_cast<const AtTimeZone&>(expr);
      Write(zone.moment,
            zone.moment->kind == NodeKind::kAtTimeZone ? Binding::kUnary : Binding::kPostfix);
      Word("at time zone");
      return Write(zone.zone, Binding::kPrimary);
    }
    case NodeKind::kCollate: {
      const auto& collate = static_cast<const Collate&>(expr);
      Write(collate.operand, Binding::kPostfix);
      Word("collate");
      return Write(collate.collation);
    }
    case NodeKind::kRow: {
      const auto& row = static_cast<const Row&>(expr);
      Word(row.keyword ? "row(" : "(");
      Expressions(row.items);
      return Put(")");
    }
    case NodeKind::kArrayLiteral:
      Word("array[");
      Expressions(static_cast<const ArrayLiteral&>(expr).items);
      return Put("]");
    case NodeKind::kIndex: {
      const auto& index = static_cast<const Index&>(expr);
      if (index.operand->kind == NodeKind::kColumnRef)
        WriteExpression(*index.operand);
      else
        PathOperand(index.operand);
      Put("[");
      WriteChild(index.index);
      return Put("]");
    }
    case NodeKind::kField: {
      const auto& field = static_cast<const Field&>(expr);
      PathOperand(field.operand);
      Put(".");
      return Put(field.name);
    }
    case NodeKind::kPrior: {
      const Expr* operand = static_cast<const Prior&>(expr).operand;
      Word("prior");
      return Write(operand, operand->kind == NodeKind::kColumnRef ? Binding::kPrimary
                                                                  : Next(Binding::kPrimary));
    }
    case NodeKind::kOuterMark:
      Write(static_cast<const OuterMark&>(expr).column->parts);
      return Put("(+)");
    case NodeKind::kDefault:
      return Word("default");
    case NodeKind::kObjectTransform: {
      const auto& transform = static_cast<const ObjectTransform&>(expr);
      Word("object_transform(");
      WriteChild(transform.input);
      if (!transform.keep.empty()) {
        Word("keep ");
        Expressions(transform.keep);
      }
      if (!transform.set.empty()) {
        Word("set ");
        Expressions(transform.set);
      }
      return Put(")");
    }
    default:
      return;
  }
}

void Printer::Write(const Call& call) {
  WordIf(call.approximate, "approximate");
  Write(call.name);
  if (call.bare) return;
  Put("(");
  WordIf(call.distinct, "distinct");
  WordIf(call.all, "all");
  if (call.star) {
    Put("*");
  } else if (call.arguments.size() == 1 && As<Star>(call.arguments[0]) &&
             As<Star>(call.arguments[0])->qualifier.empty() && !As<Star>(call.arguments[0])->of &&
             As<Star>(call.arguments[0])->exclude.empty()) {
    Put("(*)");
  } else {
    Expressions(call.arguments);
  }
  const std::string_view nulls = call.nulls == NullTreatment::kIgnore    ? "ignore nulls"
                                 : call.nulls == NullTreatment::kRespect ? "respect nulls"
                                                                         : "";
  if (call.nulls_inside) WordIf(!nulls.empty(), nulls);
  Put(")");
  if (call.has_within_group) {
    Word("within group (order by ");
    OrderBy(call.within_group);
    Put(")");
  }
  if (!call.nulls_inside) WordIf(!nulls.empty(), nulls);
  if (call.over) {
    Word("over");
    Write(*call.over);
  }
}

void Printer::Write(const Window& window) {
  Word("(");
  if (!window.partition_by.empty()) {
    Word("partition by ");
    Expressions(window.partition_by);
  }
  if (!window.order_by.empty()) {
    Word("order by ");
    OrderBy(window.order_by);
  }
  if (window.unit != FrameUnit::kNone) {
    Word(window.unit == FrameUnit::kRows ? "rows" : "range");
    WordIf(window.to, "between");
    Write(*window.from);
    if (window.to) {
      Word("and");
      Write(*window.to);
    }
  }
  Put(")");
}

void Printer::Write(const FrameBound& bound) {
  if (bound.offset) Write(bound.offset, Binding::kOther);
  static constexpr std::string_view kWords[] = {"unbounded preceding", "preceding", "current row",
                                                "following", "unbounded following"};
  Word(kWords[static_cast<size_t>(bound.edge)]);
}

void Printer::Write(const TypeName& type) {
  if (type.quoted) {
    Word(WriteName(type.name, true).starts_with('"') ? WriteName(type.name, true)
                                                     : '"' + std::string(type.name) + '"');
    return;
  }
  std::string_view name = type.name;
  size_t arrays = 0;
  while (name.ends_with("[]")) {
    name.remove_suffix(2);
    arrays++;
  }
  Word(name == "double" ? "double precision" : name);
  if (!type.qualifier.empty()) Word(type.qualifier);
  if (!type.elements.empty()) {
    Put("<");
    for (size_t i = 0; i < type.elements.size(); i++) {
      if (i > 0) Put(", ");
      if (i < type.element_names.size()) {
        Put(type.element_names[i]);
        Put(":");
      }
      const size_t here = out_.size();
      Write(*type.elements[i]);
      if (out_[here] == ' ') out_.erase(here, 1);
    }
    Put(">");
  }
  if (!type.arguments.empty()) {
    Put("(");
    Commas(type.arguments, [&](std::string_view argument) { Put(argument); });
    Put(")");
  }
  for (; arrays > 0; arrays--) Put("[]");
}

// An interval's fields stand behind its text.
void Printer::WriteTyped(const TypedLiteral& literal) {
  TypeName type = *literal.type;
  const std::string_view qualifier = type.qualifier;
  type.qualifier = {};
  Write(type);
  String(literal.text);
  if (!qualifier.empty()) Word(qualifier);
}

}  // namespace skep::sql
