// Bound parameters: what the client declared and sent, as values of the engine's types. Bytes are
// hostile: a length is checked against what the type wants before it is read. Source: PostgreSQL 15
// documentation, section 55.7 (Bind), and the types' send functions.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "ipc/messages.h"
#include "sql/emit.h"

namespace skep::worker {

// Writes declared types into the engine's text, "$1" as "CAST($1 AS BIGINT)", and moves the
// positions along. With `all`, also those that were not declared (as text) and numerics.
void DeclareParameters(sql::Emitted& emitted, const std::vector<uint32_t>& types, bool all);

// The value of parameter `number` (from 1). `declared` is an OID or 0; `expected` is what the
// engine made of it, INVALID or UNKNOWN when it does not know. Errors: kInvalidText,
// kFeatureNotSupported (a binary value of an unknown type).
Result<duckdb::Value> ReadParameter(duckdb::ClientContext& context, const ipc::Parameter& parameter,
                                    size_t number, uint32_t declared,
                                    const duckdb::LogicalType& expected);

}  // namespace skep::worker
