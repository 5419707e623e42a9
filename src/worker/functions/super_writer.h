// Writes values of the engine's types as SUPER text, nested ones included: columns of external
// tables may be structs, lists and maps. Source: limitations-super.md; ingest-super.md, "Copying
// data from columnar-format Parquet and ORC" (dates inside of nested values become strings).
#pragma once

#include <duckdb.hpp>
#include <string>

namespace skep::worker {

// Whether CAST to SUPER takes the type: booleans, numbers, text, NULL and nested values; no dates,
// times, intervals, binary or spatial values. Asks the engine to bind again when the type of a
// parameter is not known yet.
bool CanBecomeSuper(const duckdb::LogicalType& type);
// The type's name in messages: "date", "timestamp without time zone".
std::string RedshiftName(const duckdb::LogicalType& type);

// Throws that `what`, like "cannot cast" or "ARRAY could not convert", does not take `type`.
[[noreturn]] void RefuseType(const std::string& what, const duckdb::LogicalType& type);

class SuperWriter {
 public:
  // Refers to `source`, whose first `rows` values it may write.
  SuperWriter(duckdb::Vector& source, duckdb::idx_t rows);

  bool IsNull(duckdb::idx_t row) const;
  // Appends the value; "null" for NULL.
  void Append(std::string& out, duckdb::idx_t row) const;

 private:
  duckdb::RecursiveUnifiedVectorFormat format_;
};

}  // namespace skep::worker
