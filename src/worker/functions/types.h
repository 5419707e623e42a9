// Redshift's types that the engine does not have under a name of its own, as the engine stores
// them. CHAR and VARCHAR are VARCHAR (CHAR without its trailing blanks); VARBYTE is BLOB.
#pragma once

#include <duckdb.hpp>

namespace skep::worker {

// SUPER: VARCHAR under the alias "SUPER", holding canonical JSON (no blanks outside of strings,
// numbers as they were written, keys in order). SQL NULL and JSON null are both NULL values of it:
// a whole value "null" does not occur.
duckdb::LogicalType SuperType();
bool IsSuper(const duckdb::LogicalType& type);

// HLLSKETCH: BLOB under the alias "HLLSKETCH".
duckdb::LogicalType HllSketchType();
bool IsHllSketch(const duckdb::LogicalType& type);

// GEOMETRY and GEOGRAPHY: BLOB under the aliases "RS_GEOMETRY" and "RS_GEOGRAPHY", holding
// little-endian EWKB (spatial/ewkb.h). The engine's own GEOMETRY keeps no SRID in a value, and the
// engine takes a BLOB of the alias "GEOMETRY" for its own.
duckdb::LogicalType GeometryType();
bool IsGeometry(const duckdb::LogicalType& type);
duckdb::LogicalType GeographyType();
bool IsGeography(const duckdb::LogicalType& type);

}  // namespace skep::worker
