#include "sql/resolve/user_functions.h"

#include <algorithm>

#include "sql/ast/statement.h"
#include "sql/ast/visit.h"
#include "sql/function_lookup.h"
#include "sql/parse/token.h"
#include "sql/resolve/resolver.h"

namespace skep::sql {
using namespace ast;
using enum TypeKind;

namespace {

constexpr size_t kMaxDepth = 32;

std::unexpected<Error> Refuse(ErrorKind kind, std::string message, std::string_view body,
                              const Node* at) {
  Error error;
  error.kind = kind;
  error.message = std::move(message);
  error.position = at ? CharacterPosition(body, at->begin) : 0;
  return std::unexpected(std::move(error));
}

std::unexpected<Error> TooLarge(const FunctionEntry& function, const char* why) {
  return Fail(ErrorKind::kPayloadTooLarge,
              "function " + SignatureText(function.name, function.facts.arguments) + " " + why);
}

// How well a value of `from` is an argument of type `to`: 0 is the type itself; -1: not at all.
int Distance(const Type& from, const Type& to) {
  if (from.kind == to.kind) return 0;
  switch (from.kind) {
    case kLiteral:
      return to.IsText() ? 0 : 1;
    case kUnknown:
    case kNull:
      return 1;
    case kChar:
    case kVarchar:
    case kName:
      return to.IsText() ? 1 : -1;
    case kDate:
      return to.kind == kTimestamp ? 2 : to.kind == kTimestampTz ? 3 : to.IsText() ? 9 : -1;
    case kTimestamp:
    case kTimestampTz:
      return to.kind == kTimestamp || to.kind == kTimestampTz ? 2 : to.IsText() ? 9 : -1;
    default:
      break;
  }
  if (from.IsInterval() && to.IsInterval()) return 1;
  if (from.IsNumber() && to.IsNumber()) {
    if (to.kind > from.kind) return static_cast<int>(to.kind) - static_cast<int>(from.kind);
    return from.kind == kDouble && to.kind == kReal ? 5 : -1;
  }
  if (from.IsNumber() && to.IsText()) return 9;
  return -1;
}

}  // namespace

Result<const Expr*> BodyExpression(const ParsedScript& parsed, std::string_view body) {
  const auto refuse = [&](ErrorKind kind, std::string message, const Node* at) {
    return Refuse(kind, std::move(message), body, at);
  };
  if (parsed.statements.size() != 1)
    return refuse(ErrorKind::kSyntaxError, "the body of a function is one SELECT", nullptr);
  const ParsedStatement& statement = parsed.statements[0];
  if (!statement.tree) return std::unexpected(statement.error);
  const auto* top = As<QueryStatement>(statement.tree);
  const auto* select = top ? As<Select>(top->query->body) : nullptr;
  if (!select || top->query->with)
    return refuse(ErrorKind::kFeatureNotSupported,
                  "the body of a function must be a SELECT of one expression", statement.tree);
  const Query& query = *top->query;
  const char* clause = !select->from.empty()                               ? "FROM"
                       : select->into != IntoKind::kNone                   ? "INTO"
                       : select->where                                     ? "WHERE"
                       : !select->group_by.empty() || select->group_by_all ? "GROUP BY"
                       : select->having                                    ? "HAVING"
                       : select->qualify                                   ? "QUALIFY"
                       : !query.order_by.empty()                           ? "ORDER BY"
                       : query.limit || query.offset || select->top        ? "LIMIT"
                       : select->distinct                                  ? "DISTINCT"
                       : select->connect_by                                ? "CONNECT BY"
                                                                           : nullptr;
  if (clause)
    return refuse(ErrorKind::kFeatureNotSupported,
                  std::string("the SELECT of a function cannot have ") + clause, select);
  if (select->items.size() != 1)
    return refuse(ErrorKind::kSyntaxError, "the SELECT of a function must have one expression",
                  select);
  const Expr* value = select->items[0]->value;
  std::optional<std::unexpected<Error>> refused;
  Walk(*value, [&](const Node& node) {
    const auto* call = As<Call>(&node);
    if (As<ScalarQuery>(&node) || As<Exists>(&node) || As<Query>(&node))
      refused = refuse(ErrorKind::kFeatureNotSupported,
                       "subqueries are not supported in the body of a function", &node);
    else if (call && call->over)
      refused = refuse(ErrorKind::kFeatureNotSupported,
                       "window functions are not supported in the body of a function", &node);
    else if (const auto* row = call ? FindFunctionRow(call->name.back().text,
                                                      call->star ? 1 : call->arguments.size())
                                    : nullptr;
             row && row->kind == FunctionKind::kAggregate)
      refused = refuse(ErrorKind::kGroupingError,
                       "aggregates are not allowed in the body of a function", &node);
    return !refused;
  });
  if (refused) return *refused;
  return value;
}

Result<FunctionWeight> WeightOf(Catalog& catalog, const FunctionEntry& function,
                                FunctionWeights& known, const FunctionEntry* self, size_t depth) {
  const std::pair key(function.schema, function.engine_name);
  if (const auto found = known.find(key); found != known.end()) return found->second;
  if (depth > kMaxDepth) return TooLarge(function, "is nested too deeply");
  const FunctionFacts& facts = function.facts;
  const ParsedScript parsed = ParseWholeScript(facts.body);
  SKEP_TRY_ASSIGN(const Expr* body, BodyExpression(parsed, facts.body));
  FunctionWeight weight;
  weight.uses.resize(facts.arguments.size());
  Result<void> done;
  const auto grow = [&](uint64_t& sum, uint64_t by, uint64_t times) {
    sum = std::min(sum + std::min(by, kMaxExpandedNodes) * std::min(times, kMaxExpandedNodes),
                   kMaxExpandedNodes * 2);
  };
  const auto count = [&](const auto& again, const Expr& expr, uint64_t times) -> void {
    Walk(expr, [&](const Node& node) {
      if (!done || weight.nodes > kMaxExpandedNodes) return false;
      grow(weight.nodes, 1, times);
      if (const auto* parameter = As<Parameter>(&node)) {
        if (parameter->number > 0 && parameter->number <= weight.uses.size())
          grow(weight.uses[parameter->number - 1], 1, times);
        return true;
      }
      const auto* call = As<Call>(&node);
      const auto inner =
          call ? std::ranges::find(facts.calls, call->begin, &FunctionFacts::Inner::offset)
               : facts.calls.end();
      if (inner == facts.calls.end()) return true;
      std::shared_ptr<const FunctionEntry> called;
      if (self && self->schema == inner->schema && self->engine_name == inner->engine_name) {
        done = TooLarge(function, "calls itself");
        return false;
      }
      for (auto& entry : catalog.FindFunctions(inner->schema, inner->name)) {
        if (entry->engine_name == inner->engine_name) called = entry;
      }
      if (!called) return true;  // dropped: the engine says so
      auto found = WeightOf(catalog, *called, known, self, depth + 1);
      if (!found) {
        done = std::unexpected(found.error());
        return false;
      }
      grow(weight.nodes, found->nodes, times);
      for (size_t i = 0; i < call->arguments.size() && i < found->uses.size(); i++) {
        uint64_t uses = 0;
        grow(uses, found->uses[i], times);
        again(again, *call->arguments[i], uses);
      }
      return false;
    });
  };
  count(count, *body, 1);
  SKEP_TRY(std::move(done));
  if (weight.nodes > kMaxExpandedNodes) return TooLarge(function, "becomes too large");
  known.emplace(key, weight);
  return weight;
}

// A function of the user's, by name and types. Its type; nothing in user_functions when there is
// none.
Result<Type> Resolver::VisitUserCall(const Call& call, const std::string& name,
                                     const std::vector<Type>& types) {
  if (!context_.catalog || call.star || call.distinct || call.over || call.has_within_group ||
      call.name.size() > 3)
    return Type{};
  std::vector<std::string> schemas = context_.search_path;
  if (call.name.size() > 1) schemas = {Fold(call.name[call.name.size() - 2])};
  if (call.name.size() == 3 && Fold(call.name[0]) != context_.database) return Type{};
  std::shared_ptr<const FunctionEntry> best;
  int nearest = 0;
  for (const std::string& schema : schemas) {
    for (auto& entry : context_.catalog->FindFunctions(schema, name)) {
      if (entry->facts.arguments.size() != types.size()) continue;
      int distance = 0;
      for (size_t i = 0; i < types.size() && distance >= 0; i++) {
        const int one = Distance(types[i], entry->facts.arguments[i]);
        distance = one < 0 ? -1 : distance + one;
      }
      if (distance < 0 || (best && distance >= nearest)) continue;
      best = std::move(entry);
      nearest = distance;
    }
  }
  if (!best) return Type{};
  SKEP_TRY_ASSIGN(const FunctionWeight weight, WeightOf(*context_.catalog, *best, weights_));
  uint64_t nodes = weight.nodes;
  for (size_t i = 0; i < call.arguments.size(); i++) {
    uint64_t argument = 0;
    Walk(*call.arguments[i], [&](const Node& node) {
      const auto inner = expanded_.find(&node);
      argument += inner == expanded_.end() ? 1 : inner->second;
      return inner == expanded_.end() && argument <= kMaxExpandedNodes;
    });
    nodes += std::min(argument, kMaxExpandedNodes) * weight.uses[i];
  }
  SKEP_TRY(Look());
  expanded_nodes_ += nodes;
  if (nodes > kMaxExpandedNodes || expanded_nodes_ > kMaxExpandedNodes)
    return TooLarge(*best, "becomes too large");
  expanded_[&call] = nodes;
  const Type type = best->facts.returns;
  resolved_.user_functions[&call] = std::move(best);
  return type;
}

}  // namespace skep::sql
