// Bodies of the functions that users make: what may stand in one, and how much it becomes when the
// engine puts arguments and inner functions in place.
#pragma once

#include <map>

#include "sql/parse/script.h"
#include "sql/resolve/catalog.h"

namespace skep::sql {

// The expression of a body "select <expression>". Errors: kSyntaxError, kFeatureNotSupported for
// every other clause (CREATE FUNCTION: "can't include FROM, INTO, WHERE, GROUP BY, ORDER BY and
// LIMIT"). Positions are within the body.
Result<const ast::Expr*> BodyExpression(const ParsedScript& parsed, std::string_view body);

// How a body grows: nodes of its own and of the functions that it calls, and how often it has each
// argument.
struct FunctionWeight {
  uint64_t nodes = 0;
  std::vector<uint64_t> uses;
};

// Most nodes that the calls of a statement may become together.
inline constexpr uint64_t kMaxExpandedNodes = 20'000;
// By schema and engine name: each body is read once.
using FunctionWeights = std::map<std::pair<std::string, std::string>, FunctionWeight>;

// Errors: kPayloadTooLarge when it grows above the limit or calls itself, in itself or through
// others. `self` stands for the function of its schema and engine name, whatever the catalog has.
Result<FunctionWeight> WeightOf(Catalog& catalog, const FunctionEntry& function,
                                FunctionWeights& known, const FunctionEntry* self = nullptr,
                                size_t depth = 0);

}  // namespace skep::sql
