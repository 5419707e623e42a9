#include "worker/result_shape.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "worker/functions/types.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using Before = ColumnShape::Before;

struct Wire {
  ValueKind kind;
  uint32_t type_oid;
  int16_t size;
  int32_t modifier = -1;
  uint8_t scale = 0;
  Before before = Before::kNothing;
  LogicalType cast_to = LogicalType::INVALID;
  uint32_t pad_bytes = 0;
};

int32_t NumericModifier(int width, int scale) { return ((width << 16) | scale) + 4; }

Wire Numeric(ValueKind kind, int width, uint8_t scale) {
  return {kind, oid::kNumeric, -1, NumericModifier(width, scale), scale};
}

Wire AsText(uint32_t type_oid, Before before, LogicalType cast_to = LogicalType::VARCHAR) {
  return {ValueKind::kText, type_oid, -1, -1, 0, before, std::move(cast_to)};
}

Wire WireOf(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
      return {ValueKind::kBool, oid::kBool, 1};
    case LogicalTypeId::TINYINT:
      return {ValueKind::kInt8, oid::kInt2, 2};
    case LogicalTypeId::UTINYINT:
      return {ValueKind::kUint8, oid::kInt2, 2};
    case LogicalTypeId::SMALLINT:
      return {ValueKind::kInt16, oid::kInt2, 2};
    case LogicalTypeId::USMALLINT:
      return {ValueKind::kUint16, oid::kInt4, 4};
    case LogicalTypeId::INTEGER:
      return {ValueKind::kInt32, oid::kInt4, 4};
    case LogicalTypeId::UINTEGER:
      return {ValueKind::kUint32, oid::kInt8, 8};
    case LogicalTypeId::BIGINT:
      return {ValueKind::kInt64, oid::kInt8, 8};
    case LogicalTypeId::UBIGINT:
      return Numeric(ValueKind::kUint64, 20, 0);
    case LogicalTypeId::HUGEINT:
      return Numeric(ValueKind::kDecimal128, 38, 0);
    case LogicalTypeId::UHUGEINT:
      return Numeric(ValueKind::kUint128, 39, 0);
    case LogicalTypeId::FLOAT:
      return {ValueKind::kFloat, oid::kFloat4, 4};
    case LogicalTypeId::DOUBLE:
      return {ValueKind::kDouble, oid::kFloat8, 8};
    case LogicalTypeId::DECIMAL: {
      const uint8_t width = duckdb::DecimalType::GetWidth(type);
      const uint8_t scale = duckdb::DecimalType::GetScale(type);
      switch (type.InternalType()) {
        case duckdb::PhysicalType::INT16:
          return Numeric(ValueKind::kDecimal16, width, scale);
        case duckdb::PhysicalType::INT32:
          return Numeric(ValueKind::kDecimal32, width, scale);
        case duckdb::PhysicalType::INT64:
          return Numeric(ValueKind::kDecimal64, width, scale);
        default:
          return Numeric(ValueKind::kDecimal128, width, scale);
      }
    }
    case LogicalTypeId::VARCHAR:
      if (type.IsJSONType() || IsSuper(type)) return {ValueKind::kText, oid::kSuper, -1};
      return {ValueKind::kText, oid::kVarchar, -1};
    case LogicalTypeId::CHAR:
      return {ValueKind::kText, oid::kVarchar, -1};
    case LogicalTypeId::BLOB:
      if (IsHllSketch(type)) return AsText(oid::kHllSketch, Before::kCast);
      if (IsGeometry(type)) return AsText(oid::kGeometry, Before::kCast);
      if (IsGeography(type)) return AsText(oid::kGeography, Before::kCast);
      return AsText(oid::kVarbyte, Before::kHex);
    case LogicalTypeId::DATE:
      return {ValueKind::kDate, oid::kDate, 4};
    case LogicalTypeId::TIME:
      return {ValueKind::kTime, oid::kTime, 8};
    case LogicalTypeId::TIME_NS:
      return {ValueKind::kTime, oid::kTime, 8, -1, 0, Before::kCast, LogicalType::TIME};
    case LogicalTypeId::TIME_TZ:
      return {ValueKind::kTimeTz, oid::kTimetz, 12};
    case LogicalTypeId::TIMESTAMP:
      return {ValueKind::kTimestamp, oid::kTimestamp, 8};
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP_NS:
      return {ValueKind::kTimestamp, oid::kTimestamp,       8, -1, 0,
              Before::kCast,         LogicalType::TIMESTAMP};
    case LogicalTypeId::TIMESTAMP_TZ:
      return {ValueKind::kTimestampTz, oid::kTimestamptz, 8};
    case LogicalTypeId::INTERVAL:
      return {ValueKind::kInterval, oid::kInterval, 16};
    case LogicalTypeId::UUID:
      return {ValueKind::kUuid, oid::kUuid, 16};
    case LogicalTypeId::STRUCT:
    case LogicalTypeId::LIST:
    case LogicalTypeId::MAP:
    case LogicalTypeId::ARRAY:
    case LogicalTypeId::UNION:
    case LogicalTypeId::VARIANT:
      return AsText(oid::kSuper, Before::kJson);
    default:
      return AsText(oid::kVarchar, Before::kCast);
  }
}

// What the front declares goes beyond the engine's type: lengths, padding, names of types.
Wire WireOf(const LogicalType& type, const sql::Type& declared) {
  Wire wire = WireOf(type);
  using enum sql::TypeKind;
  switch (declared.kind) {
    case kChar:
      if (wire.type_oid != oid::kVarchar || declared.length < 1) break;
      wire.type_oid = oid::kBpchar;
      wire.modifier = declared.length + 4;
      if (wire.before == Before::kNothing) {
        wire.before = Before::kPad;
        wire.cast_to = LogicalType::VARCHAR;
        wire.pad_bytes = static_cast<uint32_t>(declared.length);
      }
      break;
    case kVarchar:
      if (wire.type_oid == oid::kVarchar && declared.length >= 0)
        wire.modifier = declared.length + 4;
      break;
    case kNull:  // the engine calls it an integer
      if (wire.type_oid == oid::kInt4) wire = AsText(oid::kVarchar, Before::kCast);
      break;
    case kName:
      if (wire.type_oid == oid::kVarchar) wire.type_oid = oid::kName;
      break;
    case kIntervalYearToMonth:
      if (wire.type_oid == oid::kInterval)
        wire = {ValueKind::kIntervalMonths, oid::kIntervalYearToMonth, 4};
      break;
    case kIntervalDayToSecond:
      if (wire.type_oid == oid::kInterval)
        wire = {ValueKind::kIntervalSeconds, oid::kIntervalDayToSecond, 8};
      break;
    default:
      break;
  }
  return wire;
}

const sql::Type& DeclaredOf(const Declared& declared, size_t columns, size_t i) {
  static const sql::Type kNone;
  return declared.size() == columns ? declared[i].type : kNone;
}

}  // namespace

ipc::ResultColumn DescribeColumn(const std::string& name, const LogicalType& type,
                                 const sql::Type& declared) {
  const Wire wire = WireOf(type, declared);
  return {name, wire.type_oid, wire.size, wire.modifier};
}

std::vector<ipc::ResultColumn> DescribeColumns(const duckdb::vector<std::string>& names,
                                               const duckdb::vector<LogicalType>& types,
                                               const Declared& declared) {
  std::vector<ipc::ResultColumn> columns;
  columns.reserve(types.size());
  for (size_t i = 0; i < types.size(); i++)
    columns.push_back(DescribeColumn(names[i], types[i], DeclaredOf(declared, types.size(), i)));
  return columns;
}

Result<ResultShape> ShapeOf(const duckdb::vector<LogicalType>& types,
                            const std::vector<uint16_t>& formats, const Declared& declared) {
  if (types.size() > kMaxColumns) {
    return Fail(ErrorKind::kPayloadTooLarge,
                fmt::format("a result can have at most {} columns", kMaxColumns));
  }
  if (formats.size() > 1 && formats.size() != types.size()) {
    return Fail(ErrorKind::kProtocolViolation,
                fmt::format("bind message has {} result formats but query has {} columns",
                            formats.size(), types.size()));
  }
  for (const uint16_t format : formats) {
    if (format > ipc::kDriverBinary) {
      return Fail(ErrorKind::kProtocolViolation,
                  fmt::format("unsupported format code: {}", format));
    }
  }
  ResultShape shape;
  shape.columns.reserve(types.size());
  for (size_t i = 0; i < types.size(); i++) {
    Wire wire = WireOf(types[i], DeclaredOf(declared, types.size(), i));
    const uint16_t format = formats.empty() ? 0 : formats[formats.size() == 1 ? 0 : i];
    if (format >= ipc::kRedshiftBinary && wire.kind == ValueKind::kInterval)
      wire.kind = ValueKind::kIntervalNoDays;
    shape.columns.push_back({wire.kind, format != 0, format == ipc::kRedshiftBinary, wire.scale,
                             wire.before, wire.cast_to, wire.pad_bytes});
  }
  return shape;
}

std::string EncodeRowDescription(const std::vector<ipc::ResultColumn>& columns,
                                 const ResultShape& shape) {
  ByteWriter w;
  w.U8('T').U32Be(0).U16Be(static_cast<uint16_t>(columns.size()));
  for (size_t i = 0; i < columns.size(); i++) {
    const auto& column = columns[i];
    w.CString(column.name).U32Be(0).U16Be(0).U32Be(column.type_oid);
    w.U16Be(static_cast<uint16_t>(column.type_size));
    w.U32Be(static_cast<uint32_t>(column.type_modifier));
    w.U16Be(shape.columns[i].binary ? 1 : 0);
  }
  w.PatchU32Be(1, static_cast<uint32_t>(w.size() - 1));
  return w.Take();
}

LogicalType TypeOfOid(uint32_t type_oid) {
  switch (type_oid) {
    case oid::kBool:
      return LogicalType::BOOLEAN;
    case oid::kInt2:
      return LogicalType::SMALLINT;
    case oid::kInt4:
      return LogicalType::INTEGER;
    case oid::kInt8:
    case oid::kOid:
      return LogicalType::BIGINT;
    case oid::kFloat4:
      return LogicalType::FLOAT;
    case oid::kFloat8:
      return LogicalType::DOUBLE;
    case oid::kNumeric:
      return LogicalType::DECIMAL(38, 10);
    case oid::kText:
    case oid::kVarchar:
    case oid::kBpchar:
    case oid::kName:
    case oid::kUnknown:
    case oid::kJson:
    case oid::kSuper:  // a client's text is not SUPER yet
      return LogicalType::VARCHAR;
    case oid::kVarbyte:
    case oid::kBytea:
      return LogicalType::BLOB;
    case oid::kDate:
      return LogicalType::DATE;
    case oid::kTime:
      return LogicalType::TIME;
    case oid::kTimetz:
      return LogicalType::TIME_TZ;
    case oid::kTimestamp:
      return LogicalType::TIMESTAMP;
    case oid::kTimestamptz:
      return LogicalType::TIMESTAMP_TZ;
    case oid::kInterval:
    case oid::kIntervalYearToMonth:
    case oid::kIntervalDayToSecond:
      return LogicalType::INTERVAL;
    case oid::kUuid:
      return LogicalType::UUID;
    default:
      return LogicalType::INVALID;
  }
}

}  // namespace skep::worker
