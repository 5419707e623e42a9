#include "worker/functions/types.h"

namespace skep::worker {
namespace {

constexpr const char* kSuper = "SUPER";
constexpr const char* kHllSketch = "HLLSKETCH";
constexpr const char* kGeometry = "RS_GEOMETRY";
constexpr const char* kGeography = "RS_GEOGRAPHY";

duckdb::LogicalType Named(duckdb::LogicalType type, const char* name) {
  type.SetAlias(name);
  return type;
}

bool Is(const duckdb::LogicalType& type, duckdb::LogicalTypeId id, const char* name) {
  return type.id() == id && type.HasAlias() && type.GetAlias() == name;
}

}  // namespace

duckdb::LogicalType SuperType() {
  return Named(duckdb::LogicalType(duckdb::LogicalTypeId::VARCHAR), kSuper);
}
bool IsSuper(const duckdb::LogicalType& type) {
  return Is(type, duckdb::LogicalTypeId::VARCHAR, kSuper);
}

duckdb::LogicalType HllSketchType() {
  return Named(duckdb::LogicalType(duckdb::LogicalTypeId::BLOB), kHllSketch);
}
bool IsHllSketch(const duckdb::LogicalType& type) {
  return Is(type, duckdb::LogicalTypeId::BLOB, kHllSketch);
}

duckdb::LogicalType GeometryType() {
  return Named(duckdb::LogicalType(duckdb::LogicalTypeId::BLOB), kGeometry);
}
bool IsGeometry(const duckdb::LogicalType& type) {
  return Is(type, duckdb::LogicalTypeId::BLOB, kGeometry);
}

duckdb::LogicalType GeographyType() {
  return Named(duckdb::LogicalType(duckdb::LogicalTypeId::BLOB), kGeography);
}
bool IsGeography(const duckdb::LogicalType& type) {
  return Is(type, duckdb::LogicalTypeId::BLOB, kGeography);
}

}  // namespace skep::worker
