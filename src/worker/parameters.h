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

// Which parameters' types are written into the engine's text.
enum class Declare : uint8_t {
  kKnown,           // those that are known, but for numerics: their scale comes with the value
  kAllButNumerics,  // the others too, as text
  kAll,
};

// Writes declared types into the engine's text, "$1" as "CAST($1 AS BIGINT)", and moves the
// positions along.
void DeclareParameters(sql::Emitted& emitted, const std::vector<uint32_t>& types, Declare declare);

// The front's type of a declared parameter; kUnknown for one that was left open.
sql::Type FrontTypeOfOid(uint32_t type_oid);

// What the client declared, filled up with what the statement tells of the others.
std::vector<uint32_t> KnownTypes(std::vector<uint32_t> declared,
                                 const std::vector<sql::Type>& inferred);

// The value of parameter `number` (from 1). `declared` is an OID or 0; `expected` is what the
// engine made of it, INVALID or UNKNOWN when it does not know. Errors: kInvalidText,
// kFeatureNotSupported (a binary value of an unknown type).
Result<duckdb::Value> ReadParameter(duckdb::ClientContext& context, const ipc::Parameter& parameter,
                                    size_t number, uint32_t declared,
                                    const duckdb::LogicalType& expected);

}  // namespace skep::worker
