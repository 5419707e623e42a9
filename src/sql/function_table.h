// The functions of Redshift's developer guide as one table: what may be called, with which types,
// how the engine answers it. The emitter, the resolver's types and docs/compatibility/functions.md
// all read it. The rows stand in functions/*.def, a file for each chapter of the guide.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace skep::sql {

enum class FunctionKind : uint8_t { kScalar, kAggregate, kWindow, kTable };

enum class How : uint8_t {
  kNative,   // the engine's own function `target` means the same
  kCpp,      // `target` is a function that worker/functions registers (rs_...)
  kMacro,    // `target` is the engine's SQL: $1 ... $9 are arguments, $* all of them
  kSyntax,   // the emitter writes it: a form of its own, or by the types of its arguments
  kSession,  // answered from what the session knows
  kRefused,  // known, but not offered: 0A000 with `target` as the reason
};

enum class Volatility : uint8_t { kImmutable, kStable, kVolatile };

struct FunctionRow {
  std::string_view group;  // chapter: "String functions"
  std::string_view name;   // lower case
  FunctionKind kind;
  // Overloads, parted by " | ": "(timestamp, int [, varchar]) timestamp". Types: smallint int
  // bigint numeric real double number (any of these) bool char varchar text (either) date time
  // timetz timestamp timestamptz interval super varbyte geometry geography hllsketch name oid any;
  // any... for the rest of the arguments; datepart and typename for a bare word; as a result also
  // "same" (the type of the first argument) and "record".
  std::string_view signatures;
  How how;
  std::string_view target;
  Volatility volatility;
};

std::span<const FunctionRow> FunctionRows();

}  // namespace skep::sql
