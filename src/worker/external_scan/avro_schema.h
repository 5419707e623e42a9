// The schema of an Avro file, and the engine's type of it.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace skep::external_scan {

enum class AvroKind : uint8_t {
  kNull,
  kBoolean,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kBytes,
  kString,
  kFixed,
  kEnum,
  kRecord,
  kArray,
  kMap,
  kUnion
};

enum class AvroLogical : uint8_t {
  kNone,
  kDecimal,
  kDate,
  kTimeMillis,
  kTimeMicros,
  kTimestampMillis,
  kTimestampMicros,
  kTimestampNanos,
  kUuid
};

struct AvroNode {
  AvroKind kind = AvroKind::kNull;
  AvroLogical logical = AvroLogical::kNone;
  duckdb::LogicalType type;  // of values; of a union: of its branches that are not null
  // Of an array and a map one, of a record and a union as many as it has.
  std::vector<std::shared_ptr<const AvroNode>> children;
  std::vector<std::string> names;  // of a record's fields; an enum's symbols
  size_t size = 0;                 // of a fixed
  std::string unreadable;          // why values cannot be read; empty: they can
};

// Throws InvalidInputException without the file's name: no schema, nested too deeply, a type that
// is not known, not a record.
std::shared_ptr<const AvroNode> ParseAvroSchema(std::string_view json);

}  // namespace skep::external_scan
