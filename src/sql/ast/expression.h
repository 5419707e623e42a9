// Expressions, types and what they are made of. Source of the forms: the developer guide's
// "Expressions", "Conditions", "SQL functions reference".
#pragma once

#include <tuple>

#include "sql/ast/node.h"

namespace skep::sql::ast {

struct Query;
struct Select;
struct OrderItem;
struct Window;

enum class LiteralKind : uint8_t { kNull, kTrue, kFalse, kInteger, kDecimal, kFloat, kString };

struct Literal : Is<NodeKind::kLiteral, Expr> {
  LiteralKind literal = LiteralKind::kNull;
  std::string_view text;  // number: as written; string: its value, escapes resolved
  static auto Fields(auto& s) { return std::tie(s.literal, s.text); }
};

// smallint, varchar(20), timestamp with time zone, interval day to second(3), array<struct<a:int>>.
struct TypeName : Is<NodeKind::kTypeName, Node> {
  // Canonical lower-case word: "int", "varchar", "timestamptz", "double precision", "interval",
  // "struct", "array", "map", or the user's own word.
  std::string_view name;
  std::string_view written;          // the words as the user wrote them, without arguments
  List<std::string_view> arguments;  // numbers, or "max"
  std::string_view qualifier;        // of an interval: "year to month", "day to second(3)"
  List<TypeName*> elements;          // of array, map, struct
  List<Name> element_names;          // of struct
  bool quoted = false;
  static auto Fields(auto& s) {
    return std::tie(s.name, s.arguments, s.qualifier, s.elements, s.element_names, s.quoted);
  }
};

// DATE '2024-01-01', INTERVAL '3 days' DAY TO SECOND
struct TypedLiteral : Is<NodeKind::kTypedLiteral, Expr> {
  TypeName* type = nullptr;
  std::string_view text;
  static auto Fields(auto& s) { return std::tie(s.type, s.text); }
};

struct Parameter : Is<NodeKind::kParameter, Expr> {  // $1, or :name
  uint32_t number = 0;
  std::string_view name;
  static auto Fields(auto& s) { return std::tie(s.number, s.name); }
};

// a, t.a, s.t.a, d.s.t.a, and more parts when a SUPER value is navigated.
struct ColumnRef : Is<NodeKind::kColumnRef, Expr> {
  QualifiedName parts;
  static auto Fields(auto& s) { return std::tie(s.parts); }
};

// *, t.*, * exclude (a, b); count(*) is a Call
struct Star : Is<NodeKind::kStar, Expr> {
  QualifiedName qualifier;
  Expr* of = nullptr;  // a navigated value: t.items[0].*
  List<Name> exclude;
  static auto Fields(auto& s) { return std::tie(s.qualifier, s.of, s.exclude); }
};

enum class UnaryOperator : uint8_t {
  kMinus,
  kPlus,
  kNot,
  kBitNot,
  kAbs,
  kSquareRoot,
  kCubeRoot,
  kFactorial,
};

struct Unary : Is<NodeKind::kUnary, Expr> {
  UnaryOperator op = UnaryOperator::kMinus;
  Expr* operand = nullptr;
  static auto Fields(auto& s) { return std::tie(s.op, s.operand); }
};

enum class BinaryOperator : uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kPower,
  kConcat,
  kBitAnd,
  kBitOr,
  kBitXor,
  kShiftLeft,
  kShiftRight,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kMatch,
  kMatchInsensitive,
  kNotMatch,
  kNotMatchInsensitive,  // ~ ~* !~ !~*
  kDistinctFrom,
  kNotDistinctFrom,
  kOverlaps,  // geometry &&
};

struct Binary : Is<NodeKind::kBinary, Expr> {
  BinaryOperator op = BinaryOperator::kAdd;
  Expr* left = nullptr;
  Expr* right = nullptr;
  static auto Fields(auto& s) { return std::tie(s.left, s.op, s.right); }
};

// a and b and c: a chain is one node.
struct Logical : Is<NodeKind::kLogical, Expr> {
  bool is_or = false;
  List<Expr*> operands;
  static auto Fields(auto& s) { return std::tie(s.is_or, s.operands); }
};

enum class TestKind : uint8_t { kNull, kTrue, kFalse, kUnknown };

struct IsTest : Is<NodeKind::kIsTest, Expr> {
  Expr* operand = nullptr;
  TestKind test = TestKind::kNull;
  bool negated = false;
  static auto Fields(auto& s) { return std::tie(s.operand, s.test, s.negated); }
};

struct Between : Is<NodeKind::kBetween, Expr> {
  Expr* value = nullptr;
  Expr* low = nullptr;
  Expr* high = nullptr;
  bool negated = false;
  static auto Fields(auto& s) { return std::tie(s.value, s.low, s.high, s.negated); }
};

struct InList : Is<NodeKind::kInList, Expr> {
  Expr* value = nullptr;
  List<Expr*> items;
  bool negated = false;
  static auto Fields(auto& s) { return std::tie(s.value, s.items, s.negated); }
};

struct InQuery : Is<NodeKind::kInQuery, Expr> {
  Expr* value = nullptr;
  Query* query = nullptr;
  bool negated = false;
  static auto Fields(auto& s) { return std::tie(s.value, s.query, s.negated); }
};

enum class LikeKind : uint8_t { kLike, kILike, kSimilar };

struct Like : Is<NodeKind::kLike, Expr> {
  LikeKind like = LikeKind::kLike;
  Expr* value = nullptr;
  Expr* pattern = nullptr;
  Expr* escape = nullptr;
  bool negated = false;
  static auto Fields(auto& s) { return std::tie(s.like, s.value, s.pattern, s.escape, s.negated); }
};

// a > any (select ...), a = all (x, y)
struct Quantified : Is<NodeKind::kQuantified, Expr> {
  Expr* value = nullptr;
  BinaryOperator op = BinaryOperator::kEqual;
  bool all = false;
  Query* query = nullptr;
  List<Expr*> items;
  static auto Fields(auto& s) { return std::tie(s.value, s.op, s.all, s.query, s.items); }
};

struct Exists : Is<NodeKind::kExists, Expr> {
  Query* query = nullptr;
  static auto Fields(auto& s) { return std::tie(s.query); }
};

struct ScalarQuery : Is<NodeKind::kScalarQuery, Expr> {
  Query* query = nullptr;
  static auto Fields(auto& s) { return std::tie(s.query); }
};

struct When : Is<NodeKind::kWhen, Node> {
  Expr* condition = nullptr;
  Expr* result = nullptr;
  static auto Fields(auto& s) { return std::tie(s.condition, s.result); }
};

struct Case : Is<NodeKind::kCase, Expr> {
  Expr* operand = nullptr;
  List<When*> whens;
  Expr* otherwise = nullptr;
  static auto Fields(auto& s) { return std::tie(s.operand, s.whens, s.otherwise); }
};

enum class CastForm : uint8_t { kOperator, kCast, kTryCast, kConvert };

struct Cast : Is<NodeKind::kCast, Expr> {
  CastForm form = CastForm::kOperator;
  Expr* operand = nullptr;
  TypeName* type = nullptr;
  static auto Fields(auto& s) { return std::tie(s.form, s.operand, s.type); }
};

enum class NullTreatment : uint8_t { kNone, kRespect, kIgnore };

// f(a, b), count(*), listagg(distinct a, ',') within group (order by b) over (...), sysdate
struct Call : Is<NodeKind::kCall, Expr> {
  QualifiedName name;
  bool bare = false;  // written without parentheses: sysdate, current_user
  bool star = false;  // f(*)
  bool distinct = false;
  bool all = false;
  bool approximate = false;  // approximate count(distinct x)
  List<Expr*> arguments;
  bool has_within_group = false;
  List<OrderItem*> within_group;
  NullTreatment nulls = NullTreatment::kNone;
  bool nulls_inside = false;  // first_value(x ignore nulls)
  Window* over = nullptr;
  static auto Fields(auto& s) {
    return std::tie(s.name, s.bare, s.star, s.distinct, s.all, s.approximate, s.arguments,
                    s.has_within_group, s.within_group, s.nulls, s.nulls_inside, s.over);
  }
};

enum class FrameEdge : uint8_t {
  kUnboundedPreceding,
  kPreceding,
  kCurrentRow,
  kFollowing,
  kUnboundedFollowing,
};

struct FrameBound : Is<NodeKind::kFrameBound, Node> {
  FrameEdge edge = FrameEdge::kCurrentRow;
  Expr* offset = nullptr;
  static auto Fields(auto& s) { return std::tie(s.edge, s.offset); }
};

enum class FrameUnit : uint8_t { kNone, kRows, kRange };

// over (partition by ... order by ... rows between ... and ...)
struct Window : Is<NodeKind::kWindow, Node> {
  List<Expr*> partition_by;
  List<OrderItem*> order_by;
  FrameUnit unit = FrameUnit::kNone;
  FrameBound* from = nullptr;
  FrameBound* to = nullptr;  // null: from alone was written
  static auto Fields(auto& s) { return std::tie(s.partition_by, s.order_by, s.unit, s.from, s.to); }
};

struct Extract : Is<NodeKind::kExtract, Expr> {  // extract(part from x)
  std::string_view part;
  Expr* source = nullptr;
  static auto Fields(auto& s) { return std::tie(s.part, s.source); }
};

struct Position : Is<NodeKind::kPosition, Expr> {  // position(a in b)
  Expr* needle = nullptr;
  Expr* text = nullptr;
  static auto Fields(auto& s) { return std::tie(s.needle, s.text); }
};

struct Substring : Is<NodeKind::kSubstring, Expr> {  // substring(x from a for b)
  Expr* text = nullptr;
  Expr* from = nullptr;
  Expr* length = nullptr;
  static auto Fields(auto& s) { return std::tie(s.text, s.from, s.length); }
};

enum class TrimSide : uint8_t { kNone, kBoth, kLeading, kTrailing };

struct Trim : Is<NodeKind::kTrim, Expr> {  // trim(both x from y), trim(y), trim(y, x)
  TrimSide side = TrimSide::kNone;
  Expr* characters = nullptr;
  Expr* text = nullptr;
  static auto Fields(auto& s) { return std::tie(s.side, s.characters, s.text); }
};

struct Overlay : Is<NodeKind::kOverlay, Expr> {
  Expr* text = nullptr;
  Expr* placing = nullptr;
  Expr* from = nullptr;
  Expr* length = nullptr;
  static auto Fields(auto& s) { return std::tie(s.text, s.placing, s.from, s.length); }
};

struct AtTimeZone : Is<NodeKind::kAtTimeZone, Expr> {
  Expr* moment = nullptr;
  Expr* zone = nullptr;
  static auto Fields(auto& s) { return std::tie(s.moment, s.zone); }
};

struct Collate : Is<NodeKind::kCollate, Expr> {  // x collate case_insensitive
  Expr* operand = nullptr;
  Name collation;
  static auto Fields(auto& s) { return std::tie(s.operand, s.collation); }
};

struct Row : Is<NodeKind::kRow, Expr> {  // (a, b), row(a, b)
  bool keyword = false;
  List<Expr*> items;
  static auto Fields(auto& s) { return std::tie(s.keyword, s.items); }
};

struct ArrayLiteral : Is<NodeKind::kArrayLiteral, Expr> {  // array[1, 2]; array(1, 2) is a Call
  List<Expr*> items;
  static auto Fields(auto& s) { return std::tie(s.items); }
};

struct Index : Is<NodeKind::kIndex, Expr> {  // x[0]
  Expr* operand = nullptr;
  Expr* index = nullptr;
  static auto Fields(auto& s) { return std::tie(s.operand, s.index); }
};

struct Field : Is<NodeKind::kField, Expr> {  // x[0].name, (expression).name, f(x).name
  Expr* operand = nullptr;
  Name name;
  static auto Fields(auto& s) { return std::tie(s.operand, s.name); }
};

struct Prior : Is<NodeKind::kPrior, Expr> {  // of CONNECT BY
  Expr* operand = nullptr;
  static auto Fields(auto& s) { return std::tie(s.operand); }
};

struct OuterMark : Is<NodeKind::kOuterMark, Expr> {  // t.a(+)
  ColumnRef* column = nullptr;
  static auto Fields(auto& s) { return std::tie(s.column); }
};

struct Default : Is<NodeKind::kDefault, Expr> {  // of INSERT and UPDATE
  static auto Fields(auto&) { return std::tie(); }
};

// object_transform(input keep 'a.b', ... set 'c', value, ...)
struct ObjectTransform : Is<NodeKind::kObjectTransform, Expr> {
  Expr* input = nullptr;
  List<Expr*> keep;
  List<Expr*> set;  // path, value, path, value, ...
  static auto Fields(auto& s) { return std::tie(s.input, s.keep, s.set); }
};

enum class SortDirection : uint8_t { kNone, kAscending, kDescending };
enum class NullOrder : uint8_t { kNone, kFirst, kLast };

struct OrderItem : Is<NodeKind::kOrderItem, Node> {
  Expr* value = nullptr;
  SortDirection direction = SortDirection::kNone;
  NullOrder nulls = NullOrder::kNone;
  static auto Fields(auto& s) { return std::tie(s.value, s.direction, s.nulls); }
};

}  // namespace skep::sql::ast
