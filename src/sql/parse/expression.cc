// Rules of expressions. Precedence is PostgreSQL's, from OR up to the cast.
#include <algorithm>

#include "sql/parse/parser.h"

namespace skep::sql {
using namespace ast;

namespace {

// A chain a + b + c is a tree as deep as it is long; whoever walks it does so by recursion.
constexpr size_t kMaxChain = 2000;

// Of one AND or OR.
constexpr size_t kMaxOperands = 50'000;

using enum Parser::Level;

struct BinaryToken {
  std::string_view text;
  BinaryOperator op;
  int level;
};
constexpr BinaryToken kBinaryTokens[] = {
    {"=", BinaryOperator::kEqual, kComparison},
    {"<>", BinaryOperator::kNotEqual, kComparison},
    {"!=", BinaryOperator::kNotEqual, kComparison},
    {"<", BinaryOperator::kLess, kComparison},
    {"<=", BinaryOperator::kLessEqual, kComparison},
    {">", BinaryOperator::kGreater, kComparison},
    {">=", BinaryOperator::kGreaterEqual, kComparison},
    {"+", BinaryOperator::kAdd, kAdditive},
    {"-", BinaryOperator::kSubtract, kAdditive},
    {"*", BinaryOperator::kMultiply, kMultiplicative},
    {"/", BinaryOperator::kDivide, kMultiplicative},
    {"%", BinaryOperator::kModulo, kMultiplicative},
    {"^", BinaryOperator::kPower, kPower},
    {"||", BinaryOperator::kConcat, kOther},
    {"&", BinaryOperator::kBitAnd, kOther},
    {"|", BinaryOperator::kBitOr, kOther},
    {"#", BinaryOperator::kBitXor, kOther},
    {"<<", BinaryOperator::kShiftLeft, kOther},
    {">>", BinaryOperator::kShiftRight, kOther},
    {"~", BinaryOperator::kMatch, kOther},
    {"~*", BinaryOperator::kMatchInsensitive, kOther},
    {"!~", BinaryOperator::kNotMatch, kOther},
    {"!~*", BinaryOperator::kNotMatchInsensitive, kOther},
    {"&&", BinaryOperator::kOverlaps, kOther},
};

const BinaryToken* FindBinary(std::string_view text) {
  for (const auto& token : kBinaryTokens) {
    if (token.text == text) return &token;
  }
  return nullptr;
}

// Functions that are called without parentheses.
constexpr std::string_view kBareFunctions[] = {"current_date",
                                               "current_time",
                                               "current_timestamp",
                                               "current_user",
                                               "current_user_id",
                                               "localtime",
                                               "localtimestamp",
                                               "session_user",
                                               "sysdate",
                                               "user",
                                               "current_aws_account",
                                               "current_namespace",
                                               "current_session_arn"};

// Words in front of a literal that give it a type: DATE '2024-01-01'.
constexpr std::string_view kLiteralTypes[] = {
    "bigint",   "bool",      "boolean", "bpchar",  "char",     "character", "date",
    "datetime", "decimal",   "double",  "float",   "float4",   "float8",    "geography",
    "geometry", "hllsketch", "int",     "int2",    "int4",     "int8",      "integer",
    "interval", "name",      "nchar",   "numeric", "nvarchar", "oid",       "real",
    "regclass", "smallint",  "super",   "text",    "time",     "timestamp", "timestamptz",
    "timetz",   "varbinary", "varbyte", "varchar"};

template <size_t N>
bool In(std::string_view word, const std::string_view (&list)[N]) {
  return std::ranges::find(list, word) != std::end(list);
}

}  // namespace

Expr* Parser::ParseExpression() {
  const Nested nested(*this);
  return ParseLevel(kOr);
}

List<Expr*> Parser::ParseExpressions() {
  std::vector<Expr*> items;
  do {
    items.push_back(ParseExpression());
  } while (TakeOperator(","));
  return Copy(items);
}

// Whatever binds at least as strongly as `lowest`.
Expr* Parser::ParseLevel(int lowest) {
  const size_t first = at_;
  Expr* left;
  if (At("not") && !(Peek(1).IsOperator(".") || Peek(1).IsOperator(","))) {
    const Nested nested(*this);
    auto* negation = Make<Unary>(first);
    Take();
    negation->op = UnaryOperator::kNot;
    negation->operand = ParseLevel(std::max<int>(lowest, kNot));
    left = Close(negation);
  } else {
    left = ParseUnary();
  }
  for (size_t chain = 0; !failed(); chain++) {
    if (chain > kMaxChain) {
      Raise(ErrorKind::kPayloadTooLarge, "the expression is too long", Peek().begin);
      break;
    }
    const Token& token = Peek();
    if (token.kind == TokenKind::kOperator) {
      if (token.value.find("~~") != std::string_view::npos && lowest <= kPredicate) {
        auto* like = Make<Like>(first);
        like->like = token.value.ends_with('*') ? LikeKind::kILike : LikeKind::kLike;
        like->negated = token.value.starts_with('!');
        like->value = left;
        Take();
        like->pattern = ParseLevel(kOther);
        left = Close(like);
        continue;
      }
      const BinaryToken* found = FindBinary(token.value);
      if (!found || found->level < lowest) break;
      // t.a = b (+) is read with its column
      Take();
      if (found->level == kComparison && AtAny({"any", "some", "all"}) && Peek(1).IsOperator("(")) {
        left = ParseQuantified(left, found->op, first);
        continue;
      }
      auto* binary = Make<Binary>(first);
      binary->op = found->op;
      binary->left = left;
      binary->right = ParseLevel(found->level + 1);
      left = Close(binary);
      continue;
    }
    if (token.kind != TokenKind::kWord) break;
    if (token.value == "or" || token.value == "and") {
      const bool is_or = token.value == "or";
      const int level = is_or ? kOr : kAnd;
      if (level < lowest) break;
      std::vector<Expr*> operands{left};
      while (Take(is_or ? "or" : "and")) {
        if (operands.size() >= kMaxOperands)
          Raise(ErrorKind::kPayloadTooLarge, "the expression is too long", Peek().begin);
        operands.push_back(ParseLevel(level + 1));
      }
      auto* logical = Make<Logical>(first);
      logical->is_or = is_or;
      logical->operands = Copy(operands);
      left = Close(logical);
      continue;
    }
    if (token.value == "is" || token.value == "isnull" || token.value == "notnull") {
      if (lowest > kIs) break;
      left = ParseIs(left, first);
      continue;
    }
    if (token.value == "operator" && Peek(1).IsOperator("(")) {  // OPERATOR(pg_catalog.~)
      size_t i = 2;
      while (Peek(i).kind == TokenKind::kWord && Peek(i + 1).IsOperator(".")) i += 2;
      const BinaryToken* found = FindBinary(Peek(i).value);
      if (!found || !Peek(i + 1).IsOperator(")")) {
        Unexpected();
        break;
      }
      if (kOther < lowest) break;
      Seek(at_ + i + 2);
      auto* binary = Make<Binary>(first);
      binary->op = found->op;
      binary->left = left;
      binary->right = ParseLevel(kAdditive);
      left = Close(binary);
      continue;
    }
    const bool negated = token.value == "not";
    const Token& word = negated ? Peek(1) : token;
    if (word.kind != TokenKind::kWord || lowest > kPredicate) break;
    if (word.value == "like" || word.value == "ilike" ||
        (word.value == "similar" && Peek(negated ? 2 : 1).Is("to"))) {
      auto* like = Make<Like>(first);
      like->negated = negated;
      if (negated) Take();
      like->like = At("like")    ? LikeKind::kLike
                   : At("ilike") ? LikeKind::kILike
                                 : LikeKind::kSimilar;
      if (Take().value == "similar") Take();
      like->value = left;
      like->pattern = ParseLevel(kOther);
      if (Take("escape")) like->escape = ParseLevel(kOther);
      left = Close(like);
    } else if (word.value == "between") {
      auto* between = Make<Between>(first);
      between->negated = negated;
      if (negated) Take();
      Take();
      between->value = left;
      between->low = ParseLevel(kOther);
      Expect("and");
      between->high = ParseLevel(kOther);
      left = Close(between);
    } else if (word.value == "in" && (Peek(negated ? 2 : 1).IsOperator("("))) {
      if (negated) Take();
      Take();
      left = ParseIn(left, negated, first);
    } else {
      break;
    }
  }
  return left;
}

Expr* Parser::ParseIs(Expr* value, size_t first) {
  const Token& word = Take();
  auto* test = Make<IsTest>(first);
  test->operand = value;
  if (word.value == "is") {
    test->negated = Take("not");
    if (Take("null")) {
      test->test = TestKind::kNull;
    } else if (Take("true")) {
      test->test = TestKind::kTrue;
    } else if (Take("false")) {
      test->test = TestKind::kFalse;
    } else if (Take("unknown")) {
      test->test = TestKind::kUnknown;
    } else if (Take({"distinct", "from"})) {
      auto* distinct = Make<Binary>(first);
      distinct->op =
          test->negated ? BinaryOperator::kNotDistinctFrom : BinaryOperator::kDistinctFrom;
      distinct->left = value;
      distinct->right = ParseLevel(kComparison + 1);
      return Close(distinct);
    } else {
      Unexpected();
    }
  } else {
    test->negated = word.value == "notnull";
  }
  return Close(test);
}

bool Parser::IsSetOperation(const Token& token) {
  static constexpr std::string_view kWords[] = {"union", "except", "minus", "intersect",
                                                "order", "limit",  "offset"};
  return token.kind == TokenKind::kWord && In(token.value, kWords);
}

// Whether the parenthesis there holds a query and nothing else: (select ...), ((select ...)),
// ((select ...) union select ...).
bool Parser::AtQueryGroup(size_t ahead) {
  size_t open = at_ + ahead;
  std::vector<size_t> groups;
  while (tokens_[open].IsOperator("(") && groups.size() <= kMaxChain) groups.push_back(open++);
  if (groups.empty() || groups.size() > kMaxChain || !AtQuery(open - at_)) return false;
  // From the inside out: what stands behind a group within the next one.
  for (size_t i = groups.size(); i-- > 1;) {
    const Token& behind = tokens_[BehindParenthesis(groups[i])];
    if (!behind.IsOperator(")") && !IsSetOperation(behind)) return false;
  }
  return true;
}

// At the parenthesis behind IN.
Expr* Parser::ParseIn(Expr* value, bool negated, size_t first) {
  const auto query = [&]() -> Expr* {
    auto* in = Make<InQuery>(first);
    in->value = value;
    in->negated = negated;
    ExpectOperator("(");
    in->query = ParseQuery();
    ExpectOperator(")");
    return Close(in);
  };
  if (AtQuery(1) && !Peek(1).IsOperator("(")) return query();
  // ((select ...)) and ((select ...) union ...) are queries, ((select ...), 2) is a list.
  if (Peek(1).IsOperator("(") && AtQueryGroup(1)) {
    const Token& behind = tokens_[BehindParenthesis(at_ + 1)];
    if (behind.IsOperator(")") || IsSetOperation(behind)) return query();
  }
  ExpectOperator("(");
  const auto items = ParseExpressions();
  ExpectOperator(")");
  auto* in = Make<InList>(first);
  in->value = value;
  in->items = items;
  in->negated = negated;
  return Close(in);
}

Expr* Parser::ParseQuantified(Expr* value, BinaryOperator op, size_t first) {
  auto* quantified = Make<Quantified>(first);
  quantified->value = value;
  quantified->op = op;
  quantified->all = Take().value == "all";
  ExpectOperator("(");
  if (AtQuery())
    quantified->query = ParseQuery();
  else
    quantified->items = ParseExpressions();
  ExpectOperator(")");
  return Close(quantified);
}

Expr* Parser::ParseUnary() {
  static constexpr std::pair<std::string_view, UnaryOperator> kPrefixes[] = {
      {"-", UnaryOperator::kMinus},       {"+", UnaryOperator::kPlus},
      {"~", UnaryOperator::kBitNot},      {"@", UnaryOperator::kAbs},
      {"|/", UnaryOperator::kSquareRoot}, {"||/", UnaryOperator::kCubeRoot},
      {"!!", UnaryOperator::kFactorial}};
  if (Peek().kind != TokenKind::kOperator || AtOperator("(")) return ParsePostfix();
  for (const auto& [text, op] : kPrefixes) {
    if (!AtOperator(text)) continue;
    const Nested nested(*this);
    auto* unary = Make<Unary>(at_);
    Take();
    unary->op = op;
    unary->operand = ParseUnary();
    return Close(unary);
  }
  return ParsePostfix();
}

// A primary and what is fastened to its end: casts, fields, subscripts, zones.
Expr* Parser::ParsePostfix(bool zones) {
  const size_t first = at_;
  Expr* value = ParsePrimary();
  for (size_t chain = 0; !failed(); chain++) {
    if (chain > kMaxChain) {
      Raise(ErrorKind::kPayloadTooLarge, "the expression is too long", Peek().begin);
      break;
    }
    if (AtOperator("::")) {
      auto* cast = Make<Cast>(first);
      Take();
      cast->form = CastForm::kOperator;
      cast->operand = value;
      cast->type = ParseType();
      value = Close(cast);
    } else if (AtOperator("[")) {
      auto* index = Make<Index>(first);
      Take();
      index->operand = value;
      index->index = ParseExpression();
      ExpectOperator("]");
      value = Close(index);
    } else if (AtOperator(".") && Peek(1).IsOperator("*")) {
      auto* star = Make<Star>(first);
      Take();
      Take();
      star->of = value;
      value = Close(star);
    } else if (AtOperator(".")) {
      auto* field = Make<Field>(first);
      Take();
      field->operand = value;
      field->name = ParseAnyName();
      value = Close(field);
    } else if (At("collate")) {
      auto* collate = Make<Collate>(first);
      Take();
      collate->operand = value;
      const auto name = ParseQualifiedName();
      if (!name.empty()) collate->collation = name.back();
      value = Close(collate);
    } else if (zones && At({"at", "time", "zone"})) {
      auto* zone = Make<AtTimeZone>(first);
      Take({"at", "time", "zone"});
      zone->moment = value;
      zone->zone = ParsePostfix(false);
      value = Close(zone);
    } else {
      break;
    }
  }
  return value;
}

bool Parser::AtTypedLiteral() const {
  const Token& word = Peek();
  if (word.kind != TokenKind::kWord || !In(word.value, kLiteralTypes)) return false;
  const Token& next = Peek(1);
  if (next.kind == TokenKind::kString) return true;
  if ((word.value == "timestamp" || word.value == "time") &&
      (next.Is("with") || next.Is("without")) && Peek(2).Is("time") && Peek(3).Is("zone"))
    return Peek(4).kind == TokenKind::kString;
  if (word.value == "double" && next.Is("precision")) return Peek(2).kind == TokenKind::kString;
  // timestamp(3) '...', interval(3) '...', numeric(10, 2) '...'
  if (!next.IsOperator("(")) return false;
  size_t i = 2;
  while (Peek(i).kind == TokenKind::kInteger || Peek(i).IsOperator(",")) i++;
  return Peek(i).IsOperator(")") && Peek(i + 1).kind == TokenKind::kString;
}

Expr* Parser::ParsePrimary() {
  const Token& token = Peek();
  const auto literal = [&](LiteralKind kind) -> Expr* {
    auto* made = Make<Literal>(at_);
    made->literal = kind;
    made->text = token.value;
    Take();
    return Close(made);
  };
  switch (token.kind) {
    case TokenKind::kInteger:
      return literal(LiteralKind::kInteger);
    case TokenKind::kDecimal:
      return literal(LiteralKind::kDecimal);
    case TokenKind::kFloat:
      return literal(LiteralKind::kFloat);
    case TokenKind::kString:
      return literal(LiteralKind::kString);
    case TokenKind::kParameter: {
      auto* parameter = Make<Parameter>(at_);
      if (token.value.size() > 5) {
        Unexpected();
        return parameter;
      }
      for (const char c : token.value)
        parameter->number = parameter->number * 10 + static_cast<uint32_t>(c - '0');
      Take();
      return Close(parameter);
    }
    case TokenKind::kBitString:
      Raise(ErrorKind::kFeatureNotSupported, "bit strings are not supported", token.begin);
      return nullptr;
    case TokenKind::kOperator:
      if (token.value == "(") return ParseParenthesis();
      if (token.value == "*") {
        auto* star = Make<Star>(at_);
        Take();
        if (Take("exclude")) {
          star->exclude = AtOperator("(") ? ParseNameList() : Copy(std::vector<Name>{ParseName()});
        }
        return Close(star);
      }
      if (token.value == ":" && Peek(1).kind == TokenKind::kWord && !Peek(1).spaced) {
        auto* parameter = Make<Parameter>(at_);
        Take();
        const Token& name = Take();
        parameter->name = script_.substr(name.begin, name.end - name.begin);
        return Close(parameter);
      }
      Unexpected();
      return nullptr;
    case TokenKind::kQuotedName:
      return ParseNameOrCall();
    case TokenKind::kWord:
      break;
    case TokenKind::kEnd:
      Unexpected();
      return nullptr;
  }
  const bool call = Peek(1).IsOperator("(");
  if (!call && !Peek(1).IsOperator(".")) {
    if (token.value == "null") return literal(LiteralKind::kNull);
    if (token.value == "true") return literal(LiteralKind::kTrue);
    if (token.value == "false") return literal(LiteralKind::kFalse);
    if (token.value == "default") {
      auto* made = Make<Default>(at_);
      Take();
      return Close(made);
    }
    if (token.value == "case") return ParseCase();
    if (In(token.value, kBareFunctions)) {
      auto* bare = Make<Call>(at_);
      bare->bare = true;
      bare->name = Copy(std::vector<Name>{ParseAnyName()});
      return Close(bare);
    }
    if (token.value == "prior" && AtName(1)) {
      const Nested nested(*this);
      auto* prior = Make<Prior>(at_);
      Take();
      prior->operand = ParsePostfix();
      return Close(prior);
    }
    if (token.value == "approximate" && Peek(1).kind == TokenKind::kWord &&
        Peek(2).IsOperator("(")) {
      const size_t first = at_;
      Take();
      Expr* value = ParseNameOrCall();
      if (auto* approximate = As<Call>(value)) {
        approximate->approximate = true;
        approximate->begin = tokens_[first].begin;
      }
      return value;
    }
    if (token.value == "array" && Peek(1).IsOperator("[")) {
      auto* array = Make<ArrayLiteral>(at_);
      Take();
      Take();
      if (!AtOperator("]")) array->items = ParseExpressions();
      ExpectOperator("]");
      return Close(array);
    }
  }
  if (token.value == "case" && call) return ParseCase();
  if (AtTypedLiteral()) {
    auto* typed = Make<TypedLiteral>(at_);
    typed->type = ParseType();
    typed->text = ExpectString();
    if (typed->type && typed->type->name == "interval" && typed->type->qualifier.empty())
      typed->type->qualifier = ParseIntervalQualifier();
    return Close(typed);
  }
  if (call) {
    if (Expr* special = ParseSpecialCall(); special || failed()) return special;
  }
  return ParseNameOrCall();
}

// A parenthesised expression, a row, or a query.
Expr* Parser::ParseParenthesis() {
  const size_t first = at_;
  const auto query = [&]() -> Expr* {
    auto* scalar = Make<ScalarQuery>(first);
    ExpectOperator("(");
    scalar->query = ParseQuery();
    ExpectOperator(")");
    return Close(scalar);
  };
  const Token& next = Peek(1);
  if (next.Is("select") || next.Is("with") || (next.Is("values") && Peek(2).IsOperator("(")))
    return query();
  // ((select 1) union select 2)
  if (next.IsOperator("(") && AtQueryGroup(1) &&
      IsSetOperation(tokens_[BehindParenthesis(at_ + 1)]))
    return query();
  Take();
  std::vector<Expr*> items{ParseExpression()};
  while (TakeOperator(",")) items.push_back(ParseExpression());
  ExpectOperator(")");
  if (items.size() == 1) return items[0];
  auto* row = Make<Row>(first);
  row->items = Copy(items);
  return Close(row);
}

Expr* Parser::ParseCase() {
  const Nested nested(*this);
  auto* made = Make<Case>(at_);
  Expect("case");
  if (!At("when")) made->operand = ParseExpression();
  std::vector<When*> whens;
  while (At("when")) {
    auto* when = Make<When>(at_);
    Take();
    when->condition = ParseExpression();
    Expect("then");
    when->result = ParseExpression();
    whens.push_back(Close(when));
  }
  if (whens.empty()) Unexpected();
  made->whens = Copy(whens);
  if (Take("else")) made->otherwise = ParseExpression();
  Expect("end");
  return Close(made);
}

}  // namespace skep::sql
