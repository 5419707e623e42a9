// Rules of calls: CAST, EXTRACT and the other calls with words among their arguments, names and
// ordinary calls, windows.
#include "sql/parse/parser.h"

namespace skep::sql {
using namespace ast;

// Calls with words among their arguments. nullptr, and nothing taken, when this is none.
Expr* Parser::ParseSpecialCall() {
  const Nested nested(*this);
  const size_t first = at_;
  const std::string_view word = Peek().value;
  const auto open = [&] {
    Take();
    ExpectOperator("(");
  };
  if (word == "cast" || word == "try_cast") {
    auto* cast = Make<Cast>(first);
    cast->form = word == "cast" ? CastForm::kCast : CastForm::kTryCast;
    open();
    cast->operand = ParseExpression();
    Expect("as");
    cast->type = ParseType();
    ExpectOperator(")");
    return Close(cast);
  }
  if (word == "convert") {
    auto* cast = Make<Cast>(first);
    cast->form = CastForm::kConvert;
    open();
    cast->type = ParseType();
    ExpectOperator(",");
    cast->operand = ParseExpression();
    ExpectOperator(")");
    return Close(cast);
  }
  if (word == "exists") {
    auto* exists = Make<Exists>(first);
    open();
    exists->query = ParseQuery();
    ExpectOperator(")");
    return Close(exists);
  }
  if (word == "extract") {
    auto* extract = Make<Extract>(first);
    open();
    const Token& part = Peek();
    if (part.kind != TokenKind::kWord && part.kind != TokenKind::kString &&
        part.kind != TokenKind::kQuotedName)
      Unexpected();
    extract->part = Take().value;
    Expect("from");
    extract->source = ParseExpression();
    ExpectOperator(")");
    return Close(extract);
  }
  if (word == "position") {
    // IN divides needle and text; position(a, b) is a call.
    size_t i = at_ + 2;
    const size_t behind = BehindParenthesis(at_ + 1);
    while (i < behind && !tokens_[i].Is("in"))
      i = tokens_[i].IsOperator("(") ? BehindParenthesis(i) : i + 1;
    if (i >= behind) return nullptr;
    auto* position = Make<Position>(first);
    open();
    position->needle = ParseLevel(kOther);
    Expect("in");
    position->text = ParseLevel(kOther);
    ExpectOperator(")");
    return Close(position);
  }
  if (word == "substring") {
    const Name name{word, false, Peek().begin, Peek().end};
    open();
    Expr* text = ParseExpression();
    if (!At("from") && !At("for")) {
      auto* call = Make<Call>(first);
      call->name = Copy(std::vector<Name>{name});
      std::vector<Expr*> arguments{text};
      while (TakeOperator(",")) arguments.push_back(ParseExpression());
      call->arguments = Copy(arguments);
      ExpectOperator(")");
      return Close(call);
    }
    auto* substring = Make<Substring>(first);
    substring->text = text;
    if (Take("from")) substring->from = ParseExpression();
    if (Take("for")) substring->length = ParseExpression();
    ExpectOperator(")");
    return Close(substring);
  }
  if (word == "trim") {
    auto* trim = Make<Trim>(first);
    open();
    if (AtAny({"both", "leading", "trailing"})) {
      trim->side = At("both")      ? TrimSide::kBoth
                   : At("leading") ? TrimSide::kLeading
                                   : TrimSide::kTrailing;
      Take();
    }
    if (Take("from")) {
      trim->text = ParseExpression();
    } else {
      Expr* value = ParseExpression();
      if (Take("from")) {
        trim->characters = value;
        trim->text = ParseExpression();
      } else {
        trim->text = value;
        if (TakeOperator(",")) trim->characters = ParseExpression();
      }
    }
    ExpectOperator(")");
    return Close(trim);
  }
  if (word == "overlay") {
    auto* overlay = Make<Overlay>(first);
    open();
    overlay->text = ParseExpression();
    Expect("placing");
    overlay->placing = ParseExpression();
    Expect("from");
    overlay->from = ParseExpression();
    if (Take("for")) overlay->length = ParseExpression();
    ExpectOperator(")");
    return Close(overlay);
  }
  if (word == "row") {
    auto* row = Make<Row>(first);
    row->keyword = true;
    open();
    if (!AtOperator(")")) row->items = ParseExpressions();
    ExpectOperator(")");
    return Close(row);
  }
  if (word == "prior") {
    auto* prior = Make<Prior>(first);
    Take();
    prior->operand = ParseParenthesis();
    return Close(prior);
  }
  if (word == "object_transform") {
    auto* transform = Make<ObjectTransform>(first);
    open();
    transform->input = ParseExpression();
    if (Take("keep")) transform->keep = ParseExpressions();
    if (Take("set")) transform->set = ParseExpressions();
    ExpectOperator(")");
    return Close(transform);
  }
  return nullptr;
}

Expr* Parser::ParseNameOrCall() {
  const size_t first = at_;
  // left(a, 1) and right(a, 1) are calls although the words join relations.
  const bool called = Peek(1).IsOperator("(");
  if (!AtName() &&
      !(called && AtAny({"left", "right", "array", "isnull", "overlaps", "collate"}))) {
    Unexpected();
    return nullptr;
  }
  std::vector<Name> parts{ParseAnyName()};
  while (AtOperator(".")) {
    if (Peek(1).IsOperator("*")) {
      auto* star = Make<Star>(first);
      star->qualifier = Copy(parts);
      Take();
      Take();
      if (Take("exclude")) {
        star->exclude = AtOperator("(") ? ParseNameList() : Copy(std::vector<Name>{ParseName()});
      }
      return Close(star);
    }
    Take();
    parts.push_back(ParseAnyName());
    if (failed()) return nullptr;
  }
  if (AtOperator("(") && !(Peek(1).IsOperator("+") && Peek(2).IsOperator(")")))
    return ParseCall(first, Copy(parts));
  auto* column = Make<ColumnRef>(first);
  column->parts = Copy(parts);
  Close(column);
  if (AtOperator("(")) {
    auto* mark = Make<OuterMark>(first);
    mark->column = column;
    Seek(at_ + 3);
    return Close(mark);
  }
  return column;
}

// At the parenthesis behind a function's name.
Expr* Parser::ParseCall(size_t first, QualifiedName name) {
  const Nested nested(*this);
  auto* call = Make<Call>(first);
  call->name = name;
  ExpectOperator("(");
  if (Take("distinct"))
    call->distinct = true;
  else if (At("all") && !Peek(1).IsOperator(")"))
    call->all = Take("all");
  if (AtOperator("*") && Peek(1).IsOperator(")")) {
    Take();
    call->star = true;
  } else if (!AtOperator(")")) {
    call->arguments = ParseExpressions();
    if (AtAny({"ignore", "respect"}) && Peek(1).Is("nulls")) {
      call->nulls = Take().value == "ignore" ? NullTreatment::kIgnore : NullTreatment::kRespect;
      call->nulls_inside = true;
      Take();
    }
    if (At({"order", "by"})) {
      Raise(ErrorKind::kFeatureNotSupported,
            "ORDER BY within the arguments of a function is not supported", Peek().begin);
    }
  }
  ExpectOperator(")");
  ParseCallTail(call);
  return Close(call);
}

void Parser::ParseCallTail(Call* call) {
  if (At({"within", "group"}) && Peek(2).IsOperator("(")) {
    Seek(at_ + 3);
    call->has_within_group = true;
    Expect({"order", "by"});
    call->within_group = ParseOrderBy();
    ExpectOperator(")");
  }
  if (AtAny({"ignore", "respect"}) && Peek(1).Is("nulls")) {
    call->nulls = Take().value == "ignore" ? NullTreatment::kIgnore : NullTreatment::kRespect;
    Take();
  }
  if (At("filter") && Peek(1).IsOperator("(") && Peek(2).Is("where"))
    Raise(ErrorKind::kFeatureNotSupported, "FILTER is not supported", Peek().begin);
  if (At("over") && Peek(1).IsOperator("(")) {
    Take();
    call->over = ParseWindow();
  }
}

Window* Parser::ParseWindow() {
  auto* window = Make<Window>(at_);
  ExpectOperator("(");
  if (Take({"partition", "by"})) window->partition_by = ParseExpressions();
  if (Take({"order", "by"})) window->order_by = ParseOrderBy();
  if (AtAny({"rows", "range"})) {
    window->unit = At("rows") ? FrameUnit::kRows : FrameUnit::kRange;
    Take();
    if (Take("between")) {
      window->from = ParseFrameBound();
      Expect("and");
      window->to = ParseFrameBound();
    } else {
      window->from = ParseFrameBound();
    }
  }
  ExpectOperator(")");
  return Close(window);
}

FrameBound* Parser::ParseFrameBound() {
  auto* bound = Make<FrameBound>(at_);
  if (Take("unbounded")) {
    bound->edge = At("preceding") ? FrameEdge::kUnboundedPreceding : FrameEdge::kUnboundedFollowing;
    if (!Take("preceding")) Expect("following");
  } else if (Take({"current", "row"})) {
    bound->edge = FrameEdge::kCurrentRow;
  } else {
    bound->offset = ParseLevel(kOther);
    bound->edge = At("preceding") ? FrameEdge::kPreceding : FrameEdge::kFollowing;
    if (!Take("preceding")) Expect("following");
  }
  return Close(bound);
}

}  // namespace skep::sql
