// Redshift's types that the engine does not have under a name of its own, as the engine stores
// them. CHAR and VARCHAR are VARCHAR (CHAR without its trailing blanks); VARBYTE is BLOB.
#pragma once

#include <duckdb.hpp>

namespace skep::worker {

// SUPER: VARCHAR under the alias "SUPER", holding canonical JSON: no blanks outside of strings,
// keys in their order and each once, strings as AppendQuoted (super_value.h) writes them; integers
// and decimals as digits ("5", "5.00"), floating point numbers with an exponent ("2.22e+0"). JSON
// null is a value inside of arrays and objects only: a whole value "null" is SQL NULL, which
// navigation and unnesting answer for it. On the wire the text is printed as it is, strings in
// their quotes.
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
