// Partition transforms of Iceberg, and single values as its metadata hold them. Source: the Iceberg
// table specification, "Partition Transforms", appendix B (bucket hashes), appendix D (binary
// values).
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace skep::worker::unload {

enum class TransformKind : uint8_t {
  kIdentity,
  kBucket,
  kTruncate,
  kYear,
  kMonth,
  kDay,
  kHour,
  kVoid
};

struct Transform {
  TransformKind kind = TransformKind::kIdentity;
  uint32_t number = 0;  // buckets, or a width

  // "bucket[16]"; nothing for one that is not known.
  static std::optional<Transform> Parse(std::string_view text);
  // Of values of `source`; nothing when they cannot be transformed so.
  std::optional<duckdb::LogicalType> ResultOf(const duckdb::LogicalType& source) const;
  // NULL of NULL. A day is a date, years, months and hours are counted from 1970.
  duckdb::Value Apply(const duckdb::Value& value) const;
};

// A bound or partition value, little-endian; nothing for NULL and types that have none.
std::optional<std::string> SingleValue(const duckdb::Value& value);
// What a bound of text is cut to: no more than `characters`, and not above (below) the text. An
// upper bound may not exist.
std::string LowerBound(const std::string& text, size_t characters);
std::optional<std::string> UpperBound(const std::string& text, size_t characters);

// The unscaled value of a decimal, big-endian in two's complement: as few bytes as hold it, or
// `bytes` of them.
std::string BigEndian(duckdb::hugeint_t value, size_t bytes = 0);
duckdb::hugeint_t Unscaled(const duckdb::Value& decimal);

}  // namespace skep::worker::unload
