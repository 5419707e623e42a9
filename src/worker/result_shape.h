// How a statement's columns look on the wire: their PostgreSQL types for RowDescription, and which
// kernel of the encoder writes each. Made once per execution from the engine's types.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "ipc/messages.h"
#include "sql/resolve/catalog.h"

namespace skep::worker {

namespace oid {
inline constexpr uint32_t kBool = 16, kBytea = 17, kName = 19, kInt8 = 20, kInt2 = 21, kInt4 = 23,
                          kText = 25, kOid = 26, kJson = 114, kFloat4 = 700, kFloat8 = 701,
                          kUnknown = 705, kBpchar = 1042, kVarchar = 1043, kDate = 1082,
                          kTime = 1083, kTimestamp = 1114, kTimestamptz = 1184, kInterval = 1186,
                          kTimetz = 1266, kNumeric = 1700, kUuid = 2950, kHllSketch = 2935,
                          kGeometry = 3000, kGeography = 3001, kSuper = 4000, kVarbyte = 6551,
                          kIntervalYearToMonth = 1188, kIntervalDayToSecond = 1190;
}  // namespace oid

enum class ValueKind : uint8_t {
  kBool,
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat,
  kDouble,
  kDecimal16,
  kDecimal32,
  kDecimal64,
  kDecimal128,
  kUint128,
  kDate,
  kTime,
  kTimeTz,
  kTimestamp,
  kTimestampTz,
  kInterval,
  kIntervalMonths,   // of a type without the other parts
  kIntervalSeconds,  // the same
  kIntervalNoDays,   // as PostgreSQL 8.0 had it
  kUuid,
  kText,
  kBlob,
};

struct ColumnShape {
  enum class Before : uint8_t {
    kNothing,
    kCast,
    kJson,
    kPad,
    kHex
  };  // what happens to the vector first

  ValueKind kind = ValueKind::kText;
  bool binary = false;
  bool scaled = false;  // a numeric as a scaled integer (ipc::kRedshiftBinary)
  uint8_t scale = 0;
  Before before = Before::kNothing;
  duckdb::LogicalType cast_to;
  uint32_t pad_bytes = 0;  // kPad: CHAR(n) is sent with its trailing blanks
};

// Whether clocks in this zone show UTC, so that no cast is needed.
inline bool IsUtc(const std::string& zone) { return zone == "UTC" || zone == "Etc/UTC"; }

struct ResultShape {
  std::vector<ColumnShape> columns;
  bool zone_is_utc = true;  // timestamptz as text needs the session's zone otherwise
  // extra_float_digits: floats as text have 15 (REAL: 6) digits and these; above 0: as few as tell
  // them apart.
  int extra_float_digits = 1;
};

// What the front knows of a result's columns: as many as it has, or none at all.
using Declared = std::vector<sql::Column>;

// The wire type of an engine type, and of what the front knows beyond it.
ipc::ResultColumn DescribeColumn(const std::string& name, const duckdb::LogicalType& type,
                                 const sql::Type& declared = {});
std::vector<ipc::ResultColumn> DescribeColumns(const duckdb::vector<std::string>& names,
                                               const duckdb::vector<duckdb::LogicalType>& types,
                                               const Declared& declared = {});

// A row has a count of 16 bits; PostgreSQL's limit keeps well below it.
inline constexpr size_t kMaxColumns = 1664;

// `formats` as in Bind: none, one for all, or one per column. Errors: kProtocolViolation,
// kPayloadTooLarge (more than kMaxColumns).
Result<ResultShape> ShapeOf(const duckdb::vector<duckdb::LogicalType>& types,
                            const std::vector<uint16_t>& formats, const Declared& declared = {});

// A whole RowDescription message.
std::string EncodeRowDescription(const std::vector<ipc::ResultColumn>& columns,
                                 const ResultShape& shape);

// The engine's type of a parameter declared with this OID; INVALID when there is none.
duckdb::LogicalType TypeOfOid(uint32_t type_oid);

}  // namespace skep::worker
