// Names and types of expressions.
#include <algorithm>

#include "base/text.h"
#include "sql/date_parts.h"
#include "sql/function_lookup.h"
#include "sql/resolve/resolver.h"

namespace skep::sql {
using namespace ast;
using enum TypeKind;

namespace {

Type TextOf(int32_t length) {
  Type type = Type::Of(kVarchar);
  type.length = length;
  return type;
}

constexpr uint32_t kMaxParameters = 65535;

bool In(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, word) != list.end();
}

}  // namespace

Result<Type> Resolver::Visit(const Expr* expr, Scope& scope, Clause clause) {
  if (!expr) return Type{};
  SKEP_TRY(Look());
  SKEP_TRY_ASSIGN(Type type, VisitAny(expr, scope, clause));
  if (type.kind != kUnknown) resolved_.types[expr] = type;
  return type;
}

// What decides something is a truth value: no number stands for one.
Result<void> Resolver::Condition(const Expr* expr, Scope& scope, Clause clause,
                                 std::string_view word) {
  SKEP_TRY_ASSIGN(const Type type, Visit(expr, scope, clause));
  Infer(expr, Type::Of(kBoolean));
  if (AreMatched(type, Type::Of(kBoolean))) return {};
  return Fail1(
      ErrorKind::kDatatypeMismatch,
      "argument of " + std::string(word) + " must be type boolean, not type " + BareTypeText(type),
      expr);
}

Result<Type> Resolver::Subquery(const Query& query, Scope& scope) {
  SKEP_TRY_ASSIGN(const auto output, QueryIn(query, &scope));
  return output.size() == 1 ? output[0].type : Type{};
}

Result<Type> Resolver::VisitAny(const Expr* expr, Scope& scope, Clause clause) {
  const auto visit = [&](const Expr* child) { return Visit(child, scope, clause); };
  switch (expr->kind) {
    case NodeKind::kLiteral: {
      const auto& literal = *static_cast<const Literal*>(expr);
      switch (literal.literal) {
        case LiteralKind::kNull:
          return Type::Of(kNull);
        case LiteralKind::kTrue:
        case LiteralKind::kFalse:
          return Type::Of(kBoolean);
        case LiteralKind::kInteger: {
          const size_t digits = literal.text.size();
          if (digits < 10) return Type::Of(kInt);
          if (digits == 10 && literal.text <= "2147483647") return Type::Of(kInt);
          if (digits < 19 || (digits == 19 && literal.text <= "9223372036854775807"))
            return Type::Of(kBigint);
          Type decimal = Type::Of(kDecimal);
          decimal.length = 38;
          return decimal;
        }
        case LiteralKind::kDecimal: {
          Type decimal = Type::Of(kDecimal);
          const size_t point = literal.text.find('.');
          decimal.scale = static_cast<int32_t>(literal.text.size() - point - 1);
          decimal.length =
              std::max<int32_t>(static_cast<int32_t>(literal.text.size()) - 1, decimal.scale + 1);
          return decimal;
        }
        case LiteralKind::kFloat:
          return Type::Of(kDouble);
        case LiteralKind::kString: {
          Type text = Type::Of(kLiteral);
          text.length = static_cast<int32_t>(literal.text.size());
          return text;
        }
      }
      return Type{};
    }
    case NodeKind::kTypedLiteral: {
      const auto& typed = *static_cast<const TypedLiteral*>(expr);
      auto type = TypeOf(*typed.type);
      if (!type) return Fail1(type.error().kind, type.error().message, typed.type);
      return *type;
    }
    case NodeKind::kParameter: {
      const auto& parameter = *static_cast<const Parameter*>(expr);
      const auto number = parameter.number;
      if (!arguments_) {
        auto& parameters = *resolved_.parameters;
        if (number > 0 && number <= kMaxParameters && parameters.size() < number)
          parameters.resize(number);
        return resolved_.TypeOf(expr);
      }
      if (number == 0 || number > arguments_->size())
        return Fail1(ErrorKind::kUndefinedParameter,
                     "there is no parameter $" +
                         (number == 0 ? std::string(parameter.name) : std::to_string(number)),
                     expr);
      return (*arguments_)[number - 1];
    }
    case NodeKind::kDefault:
      return Type{};
    case NodeKind::kColumnRef:
      return VisitColumn(*static_cast<const ColumnRef*>(expr), scope, clause);
    case NodeKind::kOuterMark: {
      if (clause != Clause::kWhere)
        return Fail1(ErrorKind::kSyntaxError,
                     "the (+) operator can be used in the WHERE clause only", expr);
      const auto* column = static_cast<const OuterMark*>(expr)->column;
      return visit(column);
    }
    case NodeKind::kPrior: {
      if (!scope.hierarchical)
        return Fail1(ErrorKind::kSyntaxError, "PRIOR can be used with CONNECT BY only", expr);
      return visit(static_cast<const Prior*>(expr)->operand);
    }
    case NodeKind::kStar:
      return Fail1(ErrorKind::kSyntaxError, "syntax error at or near \"*\"", expr);
    case NodeKind::kUnary: {
      const auto& unary = *static_cast<const Unary*>(expr);
      if (unary.op == UnaryOperator::kNot) {
        SKEP_TRY(Condition(unary.operand, scope, clause, "NOT"));
        return Type::Of(kBoolean);
      }
      SKEP_TRY_ASSIGN(Type type, visit(unary.operand));
      if (unary.op == UnaryOperator::kSquareRoot || unary.op == UnaryOperator::kCubeRoot)
        return Type::Of(kDouble);
      if (type.kind == kLiteral) return Type{};
      return type;
    }
    case NodeKind::kBinary:
      return VisitBinary(*static_cast<const Binary*>(expr), scope, clause);
    case NodeKind::kLogical:
      for (const Expr* operand : static_cast<const Logical*>(expr)->operands) {
        SKEP_TRY(Condition(operand, scope, clause,
                           static_cast<const Logical*>(expr)->is_or ? "OR" : "AND"));
      }
      return Type::Of(kBoolean);
    case NodeKind::kIsTest:
      SKEP_TRY(visit(static_cast<const IsTest*>(expr)->operand));
      return Type::Of(kBoolean);
    case NodeKind::kBetween: {
      const auto& between = *static_cast<const Between*>(expr);
      SKEP_TRY(visit(between.value));
      SKEP_TRY(visit(between.low));
      SKEP_TRY(visit(between.high));
      InferEach({between.value, between.low, between.high});
      return Type::Of(kBoolean);
    }
    case NodeKind::kInList: {
      const auto& in = *static_cast<const InList*>(expr);
      SKEP_TRY(visit(in.value));
      for (const Expr* item : in.items) SKEP_TRY(visit(item));
      for (const Expr* item : in.items) InferRow(in.value, item);
      for (const Expr* item : in.items) InferRow(item, in.value);
      return Type::Of(kBoolean);
    }
    case NodeKind::kInQuery: {
      const auto& in = *static_cast<const InQuery*>(expr);
      SKEP_TRY(visit(in.value));
      SKEP_TRY_ASSIGN(const auto output, QueryIn(*in.query, &scope));
      const auto* row = As<Row>(in.value);
      if (output.size() != (row ? row->items.size() : 1))
        return Fail1(ErrorKind::kSyntaxError,
                     output.size() > (row ? row->items.size() : 1) ? "subquery has too many columns"
                                                                   : "subquery has too few columns",
                     in.query);
      InferQuery(in.value, output);
      return Type::Of(kBoolean);
    }
    case NodeKind::kLike: {
      const auto& like = *static_cast<const Like*>(expr);
      SKEP_TRY(visit(like.value));
      SKEP_TRY(visit(like.pattern));
      SKEP_TRY(visit(like.escape));
      for (const Expr* text : {like.value, like.pattern, like.escape}) Infer(text, TextOf(-1));
      return Type::Of(kBoolean);
    }
    case NodeKind::kQuantified: {
      const auto& quantified = *static_cast<const Quantified*>(expr);
      SKEP_TRY(visit(quantified.value));
      if (quantified.query) {
        SKEP_TRY_ASSIGN(const auto output, QueryIn(*quantified.query, &scope));
        InferQuery(quantified.value, output);
      }
      for (const Expr* item : quantified.items) SKEP_TRY(visit(item));
      return Type::Of(kBoolean);
    }
    case NodeKind::kExists:
      SKEP_TRY(QueryIn(*static_cast<const Exists*>(expr)->query, &scope));
      return Type::Of(kBoolean);
    case NodeKind::kScalarQuery: {
      const auto& scalar = *static_cast<const ScalarQuery*>(expr);
      SKEP_TRY_ASSIGN(const auto output, QueryIn(*scalar.query, &scope));
      if (output.size() != 1)
        return Fail1(ErrorKind::kSyntaxError, "subquery must return only one column", expr);
      return output[0].type;
    }
    case NodeKind::kCase: {
      const auto& node = *static_cast<const Case*>(expr);
      SKEP_TRY(visit(node.operand));
      std::vector<const Expr*> results;
      for (const When* when : node.whens) {
        if (node.operand) {
          SKEP_TRY(visit(when->condition));
          InferEach({node.operand, when->condition});
        } else {
          SKEP_TRY(Condition(when->condition, scope, clause, "CASE/WHEN"));
        }
        SKEP_TRY(visit(when->result));
        results.push_back(when->result);
      }
      if (node.otherwise) {
        SKEP_TRY(visit(node.otherwise));
        results.push_back(node.otherwise);
      }
      return CommonOf(results, "CASE");
    }
    case NodeKind::kCast: {
      const auto& cast = *static_cast<const Cast*>(expr);
      SKEP_TRY(visit(cast.operand));
      auto type = TypeOf(*cast.type);
      if (!type) return Fail1(type.error().kind, type.error().message, cast.type);
      Infer(cast.operand, *type);
      // Numbers and moments are nothing to each other.
      const Type& from = resolved_.TypeOf(cast.operand);
      const auto moment = [](const Type& t) { return t.IsDateTime() || t.IsInterval(); };
      const auto count = [](const Type& t) { return t.IsNumber() || t.kind == kBoolean; };
      if ((moment(from) && count(*type)) || (count(from) && moment(*type)))
        return Fail1(ErrorKind::kCannotCoerce,
                     "cannot cast type " + BareTypeText(from) + " to " + BareTypeText(*type), expr);
      return *type;
    }
    case NodeKind::kCall:
      return VisitCall(*static_cast<const Call*>(expr), scope, clause);
    case NodeKind::kExtract: {
      const auto& extract = *static_cast<const Extract*>(expr);
      SKEP_TRY_ASSIGN(const Type source, visit(extract.source));
      const auto part = CanonicalDatePart(Lower(extract.part));
      if (!part || *part == "epoch") return Type{};
      return source.kind == kDate || source.kind == kTimestamp ? Type::Of(kInt) : Type{};
    }
    case NodeKind::kPosition: {
      const auto& position = *static_cast<const Position*>(expr);
      SKEP_TRY(visit(position.needle));
      SKEP_TRY(visit(position.text));
      return Type::Of(kInt);
    }
    case NodeKind::kSubstring: {
      const auto& substring = *static_cast<const Substring*>(expr);
      SKEP_TRY_ASSIGN(Type type, visit(substring.text));
      SKEP_TRY(visit(substring.from));
      SKEP_TRY(visit(substring.length));
      return type.kind == kVarbyte ? type : TextOf(type.length);
    }
    case NodeKind::kTrim: {
      const auto& trim = *static_cast<const Trim*>(expr);
      SKEP_TRY_ASSIGN(const Type type, visit(trim.text));
      SKEP_TRY(visit(trim.characters));
      return TextOf(type.length);
    }
    case NodeKind::kOverlay: {
      const auto& overlay = *static_cast<const Overlay*>(expr);
      SKEP_TRY(visit(overlay.text));
      SKEP_TRY(visit(overlay.placing));
      SKEP_TRY(visit(overlay.from));
      SKEP_TRY(visit(overlay.length));
      return TextOf(-1);
    }
    case NodeKind::kAtTimeZone: {
      const auto& zone = *static_cast<const AtTimeZone*>(expr);
      SKEP_TRY_ASSIGN(const Type type, visit(zone.moment));
      SKEP_TRY(visit(zone.zone));
      return Type::Of(type.kind == kTimestampTz ? kTimestamp : kTimestampTz);
    }
    case NodeKind::kCollate: {
      const auto& collate = *static_cast<const Collate*>(expr);
      SKEP_TRY_ASSIGN(Type type, visit(collate.operand));
      type.fold_case = Lower(collate.collation.text) == "case_insensitive";
      return type;
    }
    case NodeKind::kRow:
      for (const Expr* item : static_cast<const Row*>(expr)->items) SKEP_TRY(visit(item));
      return Type{};
    case NodeKind::kArrayLiteral:
      for (const Expr* item : static_cast<const ArrayLiteral*>(expr)->items) SKEP_TRY(visit(item));
      return Type{};
    case NodeKind::kIndex: {
      const auto& index = *static_cast<const Index*>(expr);
      SKEP_TRY_ASSIGN(const Type type, visit(index.operand));
      SKEP_TRY(visit(index.index));
      if (type.kind == kArray && type.elements) return type.elements->front();
      if (type.kind == kMap && type.elements) return type.elements->back();
      if (type.kind != kSuper && type.kind != kUnknown)
        return Fail1(ErrorKind::kDatatypeMismatch,
                     "cannot subscript type " + TypeText(type) + " because it is not SUPER", expr);
      return Type::Of(kSuper);
    }
    case NodeKind::kField: {
      const auto& field = *static_cast<const Field*>(expr);
      SKEP_TRY_ASSIGN(const Type type, visit(field.operand));
      SKEP_TRY(CheckNavigable(type, expr));
      return Navigate(type, {Fold(field.name)}, 0);
    }
    case NodeKind::kObjectTransform: {
      const auto& transform = *static_cast<const ObjectTransform*>(expr);
      SKEP_TRY(visit(transform.input));
      for (const Expr* item : transform.keep) SKEP_TRY(visit(item));
      for (const Expr* item : transform.set) SKEP_TRY(visit(item));
      return Type::Of(kSuper);
    }
    default:
      return Fail1(ErrorKind::kInternal, "an unknown kind of expression", expr);
  }
}

// ---------------------------------------------------------------- columns

// Values of plain types have no fields.
Result<void> Resolver::CheckNavigable(const Type& type, const Expr* at) const {
  if (type.kind == kSuper || type.kind == kUnknown || type.IsNested()) return {};
  return Fail1(ErrorKind::kDatatypeMismatch,
               "cannot navigate into type " + TypeText(type) + " because it is not SUPER", at);
}

Type Resolver::Navigate(Type type, const std::vector<std::string>& parts, size_t from) const {
  for (size_t i = from; i < parts.size(); i++) {
    if (type.kind == kStruct && type.elements && type.names) {
      const auto it = std::ranges::find(*type.names, parts[i]);
      if (it == type.names->end()) return {};
      Type inner = (*type.elements)[static_cast<size_t>(it - type.names->begin())];
      type = std::move(inner);
    } else {
      return type.kind == kSuper ? type : Type::Of(kSuper);
    }
  }
  return type;
}

// Every way to read the name, from the innermost scope outwards; the first that fits.
std::optional<Reference> Resolver::FindColumn(const std::vector<std::string>& parts,
                                              Scope& innermost, bool& ambiguous,
                                              bool& ambiguous_table) {
  const size_t n = parts.size();
  for (Scope* scope = &innermost; scope; scope = scope->parent) {
    const auto alias = [&]() -> std::optional<Reference> {
      if (!scope->aliases || !scope->select) return std::nullopt;
      const auto& items = scope->select->items;
      for (size_t& i = scope->aliases_seen; i < items.size() && i < scope->aliases_before; i++) {
        if (items[i]->alias && !As<Star>(items[i]->value))
          scope->named.emplace(Fold(items[i]->alias), items[i]);
      }
      const auto named = scope->named.find(parts[0]);
      if (named == scope->named.end()) return std::nullopt;
      Reference found;
      found.kind = Reference::Kind::kAlias;
      found.item = named->second;
      return found;
    };
    const auto in = [&](const ScopeRelation* relation, const std::string& name,
                        size_t used) -> std::optional<Reference> {
      for (size_t i = 0; i < relation->columns.size(); i++) {
        if (relation->columns[i].name != name) continue;
        Reference found;
        found.relation = relation;
        found.column = i;
        found.used = used;
        for (size_t j = i + 1; j < relation->columns.size(); j++)
          ambiguous |= relation->columns[j].name == name;
        return found;
      }
      return std::nullopt;
    };
    if (n >= 2) {
      const auto of_name =
          std::ranges::count_if(scope->relations, [&](const ScopeRelation* relation) {
            return relation->alias == parts[0] && in(relation, parts[1], 2);
          });
      if (of_name > 1) {
        ambiguous_table = true;
        return std::nullopt;
      }
    }
    if (scope->output_first && n == 1) {
      if (auto found = alias()) return found;
    }
    for (const ScopeRelation* relation : scope->relations) {
      if (n >= 2 && relation->alias == parts[0]) {
        if (auto found = in(relation, parts[1], 2)) return found;
      }
      if (n >= 3 && relation->schema == parts[0] && relation->alias == parts[1]) {
        if (auto found = in(relation, parts[2], 3)) return found;
      }
      if (n >= 4 && parts[0] == context_.database && relation->schema == parts[1] &&
          relation->alias == parts[2]) {
        if (auto found = in(relation, parts[3], 4)) return found;
      }
    }
    std::optional<Reference> bare;
    for (const Column& column : scope->merged) {
      if (column.name != parts[0]) continue;
      bare.emplace();
      bare->kind = Reference::Kind::kMerged;
      bare->merged = column.name;
      break;
    }
    if (!bare) {
      for (const ScopeRelation* relation : scope->relations) {
        auto found = in(relation, parts[0], 1);
        if (!found) continue;
        if (bare) {
          ambiguous = true;
          return std::nullopt;
        }
        bare = std::move(found);
      }
    }
    if (bare) {
      if (n == 1 || !bare->relation) return bare;
      const Type& type = bare->relation->columns[bare->column].type;
      if (type.IsSuper() || type.IsNested() || type.kind == kUnknown) return bare;
    }
    if (scope->hierarchical && n == 1 && parts[0] == "level") {
      Reference level;
      level.kind = Reference::Kind::kLevel;
      return level;
    }
    if (auto found = alias()) return found;
    if (n == 1) {
      for (const ScopeRelation* relation : scope->relations) {
        if (relation->alias != parts[0]) continue;
        Reference whole;
        whole.kind = Reference::Kind::kRelation;
        whole.relation = relation;
        return whole;
      }
    }
  }
  return std::nullopt;
}

Result<Type> Resolver::VisitColumn(const ColumnRef& ref, Scope& scope, Clause clause) {
  std::vector<std::string> parts;
  for (const Name& part : ref.parts) parts.push_back(Fold(part));
  bool ambiguous = false, ambiguous_table = false;
  auto found = FindColumn(parts, scope, ambiguous, ambiguous_table);
  if (ambiguous_table)
    return Fail1(ErrorKind::kAmbiguousAlias, "table reference \"" + parts[0] + "\" is ambiguous",
                 &ref);
  if (ambiguous)
    return Fail1(ErrorKind::kAmbiguousColumn, "column reference \"" + parts[0] + "\" is ambiguous",
                 &ref);
  if (!found) {
    if (parts.size() > 1) {
      // A relation that is known but lacks the column, or no such relation.
      for (Scope* s = &scope; s; s = s->parent) {
        for (const ScopeRelation* relation : s->relations) {
          if (relation->alias == parts[parts.size() - 2])
            return Fail1(
                ErrorKind::kUndefinedColumn,
                "column " + parts[parts.size() - 2] + "." + parts.back() + " does not exist", &ref);
        }
      }
      return Fail1(ErrorKind::kUndefinedTable,
                   "missing FROM-clause entry for table \"" + parts[parts.size() - 2] + "\"", &ref);
    }
    return Fail1(ErrorKind::kUndefinedColumn, "column \"" + parts[0] + "\" does not exist", &ref);
  }
  Type type;
  switch (found->kind) {
    case Reference::Kind::kColumn:
      type = found->relation->columns[found->column].type;
      NoteRead(*found, clause);
      break;
    case Reference::Kind::kMerged: {
      for (Scope* s = &scope; s; s = s->parent) {
        for (const Column& column : s->merged) {
          if (column.name == found->merged) type = column.type;
        }
      }
      for (const ScopeRelation* relation : scope.relations) {
        for (size_t i = 0; i < relation->columns.size(); i++) {
          if (relation->columns[i].name != found->merged) continue;
          Reference read;
          read.relation = relation;
          read.column = i;
          NoteRead(read, clause);
        }
      }
      break;
    }
    case Reference::Kind::kAlias: {
      const auto known = resolved_.types.find(found->item->value);
      if (known != resolved_.types.end()) type = known->second;
      break;
    }
    case Reference::Kind::kLevel:
      type = Type::Of(kBigint);
      break;
    case Reference::Kind::kRelation:
      NoteRead(*found, clause);
      break;
  }
  if (found->used < parts.size()) SKEP_TRY(CheckNavigable(type, &ref));
  type = Navigate(std::move(type), parts, found->used);
  resolved_.references[&ref] = std::move(*found);
  return type;
}

// ---------------------------------------------------------------- parameters

namespace {

// The type of a parameter beside a value of this one; kUnknown when it tells nothing.
Type ParameterType(const Type& beside) {
  switch (beside.kind) {
    case kBoolean:
    case kSmallint:
    case kInt:
    case kBigint:
    case kDecimal:
    case kReal:
    case kDouble:
    case kChar:
    case kDate:
    case kTime:
    case kTimeTz:
    case kTimestamp:
    case kTimestampTz:
      return Type::Of(beside.kind);  // any length: the value is what was sent
    case kVarchar:
    case kLiteral:
    case kName:
      return Type::Of(kVarchar);
    case kInterval:
    case kIntervalYearToMonth:
    case kIntervalDayToSecond:
      return Type::Of(kInterval);
    default:
      return {};
  }
}

}  // namespace

// What PostgreSQL takes for a parameter whose type was left open: that of what it stands beside.
void Resolver::Infer(const Expr* expr, const Type& type) {
  const auto* parameter = As<Parameter>(expr);
  if (!parameter || parameter->number == 0 || parameter->number > resolved_.parameters->size())
    return;
  Type& known = (*resolved_.parameters)[parameter->number - 1];
  if (known.kind == kUnknown) known = ParameterType(type);
}

void Resolver::InferEach(std::initializer_list<const Expr*> operands) {
  for (const Expr* one : operands) {
    for (const Expr* other : operands) Infer(one, resolved_.TypeOf(other));
  }
}

void Resolver::InferRow(const Expr* value, const Expr* item) {
  const auto* a = As<Row>(value);
  const auto* b = As<Row>(item);
  if (!a || !b) return Infer(item, resolved_.TypeOf(value));
  for (size_t i = 0; i < a->items.size() && i < b->items.size(); i++)
    Infer(b->items[i], resolved_.TypeOf(a->items[i]));
}

void Resolver::InferQuery(const Expr* value, const std::vector<Column>& output) {
  const auto* row = As<Row>(value);
  if (!row) return Infer(value, output.empty() ? Type{} : output[0].type);
  for (size_t i = 0; i < row->items.size() && i < output.size(); i++)
    Infer(row->items[i], output[i].type);
}

void Resolver::InferBinary(const Binary& binary, const Type& a, const Type& b) {
  using enum BinaryOperator;
  switch (binary.op) {
    case kEqual:
    case kNotEqual:
    case kLess:
    case kLessEqual:
    case kGreater:
    case kGreaterEqual:
      InferRow(binary.left, binary.right);
      InferRow(binary.right, binary.left);
      return;
    case kMatch:
    case kMatchInsensitive:
    case kNotMatch:
    case kNotMatchInsensitive:
      Infer(binary.left, TextOf(-1));
      Infer(binary.right, TextOf(-1));
      return;
    case kConcat:
      if (!b.IsSuper() && b.kind != kVarbyte) Infer(binary.left, TextOf(-1));
      if (!a.IsSuper() && a.kind != kVarbyte) Infer(binary.right, TextOf(-1));
      return;
    default:
      break;
  }
  // Arithmetic: days beside a date, an interval beside a moment; else the other operand's type.
  const auto beside = [&](const Type& other, bool right) -> Type {
    if (other.IsText()) return {};
    if (other.IsDateTime() && binary.op == kAdd)
      return Type::Of(other.kind == kDate ? kInt : kInterval);
    if (other.IsDateTime() && !right) return other;
    if (other.IsInterval() && (binary.op == kMultiply || binary.op == kDivide))
      return Type::Of(kDouble);
    return other;
  };
  Infer(binary.left, beside(b, false));
  Infer(binary.right, beside(a, true));
}

void Resolver::InferArguments(const Call& call, std::string_view name) {
  const auto& arguments = call.arguments;
  // The first type that tells anything is that of all.
  const auto among = [&](size_t from, size_t step) {
    for (size_t i = from; i < arguments.size(); i += step) {
      const Type type = ParameterType(resolved_.TypeOf(arguments[i]));
      if (type.kind == kUnknown) continue;
      for (size_t j = from; j < arguments.size(); j += step) Infer(arguments[j], type);
      return;
    }
  };
  if (In(name, {"coalesce", "nvl", "greatest", "least", "isnull", "nullif"})) return among(0, 1);
  if (name == "nvl2") return among(1, 1);
  if (name != "decode") return;
  for (size_t i = 1; i + 1 < arguments.size(); i += 2) InferEach({arguments[0], arguments[i]});
  for (size_t i = 2; i < arguments.size(); i += 2) {
    if (arguments.size() % 2 == 0) InferEach({arguments[i], arguments.back()});
  }
  among(2, 2);
}

// The one type that these become, or PostgreSQL's refusal.
Result<Type> Resolver::CommonOf(const std::vector<const Expr*>& values, std::string_view what) {
  Type type = Type::Of(kNull);
  for (const Expr* value : values) {
    const Type& one = resolved_.TypeOf(value);
    if (!AreMatched(type, one))
      return Fail1(ErrorKind::kDatatypeMismatch, Unmatched(what, type, one), value);
    type = CommonType(type, one);
  }
  return type;
}

// ---------------------------------------------------------------- operators and calls

Result<Type> Resolver::VisitBinary(const Binary& binary, Scope& scope, Clause clause) {
  SKEP_TRY_ASSIGN(Type a, Visit(binary.left, scope, clause));
  SKEP_TRY_ASSIGN(Type b, Visit(binary.right, scope, clause));
  InferBinary(binary, a, b);
  if (As<Parameter>(binary.left)) a = resolved_.TypeOf(binary.left);
  if (As<Parameter>(binary.right)) b = resolved_.TypeOf(binary.right);
  SKEP_TRY(CheckOperator(binary, a, b));
  using enum BinaryOperator;
  switch (binary.op) {
    case kEqual:
    case kNotEqual:
    case kLess:
    case kLessEqual:
    case kGreater:
    case kGreaterEqual:
    case kMatch:
    case kMatchInsensitive:
    case kNotMatch:
    case kNotMatchInsensitive:
    case kDistinctFrom:
    case kNotDistinctFrom:
    case kOverlaps:
      return Type::Of(kBoolean);
    case kConcat: {
      if (a.IsSuper() || b.IsSuper()) return Type::Of(kSuper);
      if (a.kind == kVarbyte || b.kind == kVarbyte) return Type::Of(kVarbyte);
      return TextOf(a.length >= 0 && b.length >= 0 && a.IsText() && b.IsText()
                        ? std::min(65535, a.length + b.length)
                        : -1);
    }
    default:
      break;
  }
  if (a.IsSuper() || b.IsSuper()) return Type::Of(kSuper);
  if (a.IsInterval() && b.IsInterval()) return a;
  if (a.IsDateTime() || b.IsDateTime()) {
    if (a.IsDateTime() && b.IsDateTime()) {
      if (binary.op == kAdd) return Type::Of(kTimestamp);  // date + time
      return a.kind == kDate && b.kind == kDate ? Type::Of(kBigint)
                                                : Type::Of(kIntervalDayToSecond);
    }
    const Type& moment = a.IsDateTime() ? a : b;
    const Type& other = a.IsDateTime() ? b : a;
    if (moment.kind == kDate && other.IsInterval()) return Type::Of(kTimestamp);
    return moment;
  }
  if (a.IsInterval() || b.IsInterval()) return a.IsInterval() ? a : b;
  if (a.IsInteger() && b.IsInteger())
    return binary.op == kPower ? Type::Of(kDouble) : CommonType(a, b);
  if (binary.op == kAdd && a.IsText() && b.IsText())  // joined, as by ||
    return TextOf(a.length >= 0 && b.length >= 0 ? std::min(65535, a.length + b.length) : -1);
  if (a.IsNumber() && b.IsNumber()) {
    if (binary.op == kPower || a.kind == kDouble || b.kind == kDouble || a.kind == kReal ||
        b.kind == kReal)
      return Type::Of(kDouble);
    return DecimalResult(binary.op, a, b);
  }
  return Type{};
}

// Aggregates and window functions stand where their rows are known.
Result<void> Resolver::CheckCall(const Call& call, const FunctionRow& row, Clause clause) const {
  const std::string_view where = clause == Clause::kWhere     ? "WHERE clause"
                                 : clause == Clause::kGroupBy ? "GROUP BY clause"
                                 : clause == Clause::kFrom    ? "JOIN conditions"
                                 : clause == Clause::kHaving  ? "HAVING clause"
                                                              : "";
  const std::string place(where);
  if (call.over || row.kind == FunctionKind::kWindow) {
    if (!where.empty())
      return Fail1(ErrorKind::kWindowingError, "window functions not allowed in " + place, &call);
    // As the guide has it for each of them.
    if (call.over && row.kind == FunctionKind::kAggregate && !call.over->order_by.empty() &&
        !call.over->from && row.name != "listagg" && row.name != "ratio_to_report")
      return Fail1(ErrorKind::kSyntaxError,
                   "Aggregate window functions with an ORDER BY clause require a frame clause",
                   &call);
    return {};
  }
  if (row.kind == FunctionKind::kAggregate && row.name != "grouping" && row.name != "grouping_id" &&
      !where.empty() && clause != Clause::kHaving)
    return Fail1(ErrorKind::kGroupingError, "aggregates not allowed in " + place, &call);
  return {};
}

// PostgreSQL's "operator does not exist", where both types are known and nothing leads from one to
// the other. Text becomes a number or a date by itself.
Result<void> Resolver::CheckOperator(const Binary& binary, const Type& a, const Type& b) const {
  using enum BinaryOperator;
  static constexpr std::pair<BinaryOperator, std::string_view> kSigns[] = {
      {kAdd, "+"},        {kSubtract, "-"}, {kMultiply, "*"},     {kDivide, "/"},
      {kModulo, "%"},     {kEqual, "="},    {kNotEqual, "<>"},    {kLess, "<"},
      {kLessEqual, "<="}, {kGreater, ">"},  {kGreaterEqual, ">="}};
  const auto sign =
      std::ranges::find(kSigns, binary.op, &std::pair<BinaryOperator, std::string_view>::first);
  if (sign == std::end(kSigns)) return {};
  const auto plain = [](const Type& type) {
    return type.IsNumber() || type.kind == kBoolean || type.IsDateTime() || type.IsInterval();
  };
  if (!plain(a) || !plain(b)) return {};
  const auto days = [](const Type& moment, const Type& count) {
    return count.IsInteger() &&
           (moment.kind == kDate || moment.kind == kTimestamp || moment.kind == kTimestampTz);
  };
  const auto clock = [](const Type& type) { return type.kind == kTime || type.kind == kTimeTz; };
  bool exists = false;
  switch (binary.op) {
    case kAdd:
      exists = (a.IsNumber() && b.IsNumber()) || days(a, b) || days(b, a) ||
               (a.IsInterval() && !b.IsNumber() && b.kind != kBoolean) ||
               (b.IsInterval() && !a.IsNumber() && a.kind != kBoolean) ||
               (a.kind == kDate && clock(b)) || (clock(a) && b.kind == kDate);
      break;
    case kSubtract:
      exists = (a.IsNumber() && b.IsNumber()) || days(a, b) ||
               (b.IsInterval() && (a.IsDateTime() || a.IsInterval())) ||
               (a.IsDateTime() && b.IsDateTime() && clock(a) == clock(b));
      break;
    case kMultiply:
      exists =
          (a.IsNumber() && (b.IsNumber() || b.IsInterval())) || (a.IsInterval() && b.IsNumber());
      break;
    case kDivide:
      exists = b.IsNumber() && (a.IsNumber() || a.IsInterval());
      break;
    case kModulo:
      exists = a.IsNumber() && b.IsNumber();
      break;
    case kEqual:
    case kNotEqual:
      exists = AreMatched(a, b) || (a.kind == kBoolean && b.IsInteger()) ||
               (b.kind == kBoolean && a.IsInteger());
      break;
    default:
      exists = AreMatched(a, b);
  }
  if (exists) return {};
  return Fail1(ErrorKind::kUndefinedFunction,
               "operator does not exist: " + BareTypeText(a) + " " + std::string(sign->second) +
                   " " + BareTypeText(b),
               &binary);
}

Result<Type> Resolver::VisitCall(const Call& call, Scope& scope, Clause clause) {
  const std::string name = Fold(call.name.back());
  const size_t count = call.star ? 1 : call.arguments.size();
  bool known = false;
  const bool qualified = call.name.size() > 1 && Fold(call.name[0]) != "pg_catalog";
  const FunctionRow* row = qualified ? nullptr : FindFunctionRow(name, count, &known);
  if (call.star && !row && !qualified) row = FindFunctionRow(name, 0, &known);
  if (row) SKEP_TRY(CheckCall(call, *row, clause));
  // A date part is a bare word, not a column.
  const size_t datepart = row ? DatePartOf(*row) : SIZE_MAX;
  std::vector<Type> types;
  for (size_t i = 0; i < call.arguments.size(); i++) {
    const auto* word = As<ColumnRef>(call.arguments[i]);
    if (i == datepart && word && word->parts.size() == 1) {
      types.push_back(Type::Of(kVarchar));
      continue;
    }
    SKEP_TRY_ASSIGN(Type type, Visit(call.arguments[i], scope, clause));
    types.push_back(std::move(type));
  }
  for (const OrderItem* item : call.within_group) {
    SKEP_TRY_ASSIGN(Type type, Visit(item->value, scope, clause));
    if (name.starts_with("percentile"))
      types = {type};  // what is ordered gives the result its type
  }
  if (call.over) {
    for (const Expr* item : call.over->partition_by) SKEP_TRY(Visit(item, scope, clause));
    for (const OrderItem* item : call.over->order_by) SKEP_TRY(Visit(item->value, scope, clause));
    for (const FrameBound* bound : {call.over->from, call.over->to}) {
      if (bound && bound->offset) SKEP_TRY(Visit(bound->offset, scope, clause));
    }
  }
  InferArguments(call, name);
  for (size_t i = 0; i < call.arguments.size() && i < types.size(); i++) {
    if (As<Parameter>(call.arguments[i])) types[i] = resolved_.TypeOf(call.arguments[i]);
  }
  if (row && !call.star) row = FindFunctionRow(name, types);
  if (!row) {
    SKEP_TRY_ASSIGN(const Type type, VisitUserCall(call, name, types));
    if (resolved_.user_functions.contains(&call)) return type;
    return Fail1(ErrorKind::kUndefinedFunction,
                 "function " + SignatureText(name, types) + " does not exist", &call,
                 known
                     ? "There is a function of this name with another number of arguments."
                     : "No function of this name is offered; see docs/compatibility/functions.md.");
  }
  if (row->how == How::kRefused)
    return Fail1(ErrorKind::kFeatureNotSupported, std::string(row->target), &call);
  resolved_.functions[&call] = row;
  const std::vector<const Expr*> arguments(call.arguments.begin(), call.arguments.end());
  if (In(name, {"coalesce", "nvl", "greatest", "least", "isnull"}))
    return CommonOf(arguments, name == "greatest" ? "GREATEST"
                               : name == "least"  ? "LEAST"
                                                  : "COALESCE");
  if (name == "nvl2" && arguments.size() == 3)
    return CommonOf({arguments[1], arguments[2]}, "CASE");
  if (name == "nullif" && !types.empty())
    return types[0].kind == kLiteral ? TextOf(types[0].length) : types[0];
  if (name == "decode" && arguments.size() >= 3) {
    std::vector<const Expr*> results;
    for (size_t i = 2; i < arguments.size(); i += 2) results.push_back(arguments[i]);
    if (arguments.size() % 2 == 0) results.push_back(arguments.back());
    return CommonOf(results, "CASE");
  }
  Type type = ResultType(*row, types);
  if (type.kind == kDecimal && In(name, {"sum", "avg"}) && types[0].kind == kDecimal &&
      types[0].length > 0) {
    type.length = 38;
    type.scale = types[0].scale;
  }
  return type;
}

}  // namespace skep::sql
