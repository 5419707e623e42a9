#include "worker/parameters.h"

#include <fmt/format.h>

#include <bit>
#include <cctype>
#include <duckdb/common/types/decimal.hpp>
#include <duckdb/common/types/uuid.hpp>

#include "base/bytes.h"
#include "worker/engine_errors.h"
#include "worker/front_catalog.h"
#include "worker/pg_format.h"
#include "worker/result_shape.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::Value;

// The engine's offsets of TIMETZ end here (15:59:59).
constexpr int32_t kMaxZoneSeconds = 16 * 3600 - 1;

bool IsKnown(const LogicalType& type) {
  return type.id() != LogicalTypeId::INVALID && type.id() != LogicalTypeId::UNKNOWN &&
         type.id() != LogicalTypeId::ANY && type.id() != LogicalTypeId::SQLNULL;
}

// PostgreSQL knows no zero byte in text.
bool IsText(std::string_view bytes) {
  return Value::StringIsValid(bytes.data(), bytes.size()) &&
         bytes.find('\0') == std::string_view::npos;
}

std::unexpected<Error> Malformed(size_t number) {
  return Fail(ErrorKind::kInvalidText,
              fmt::format("incorrect binary data format in bind parameter {}", number));
}

// Base 10000 digits to text. nullopt when malformed.
std::optional<std::string> NumericText(std::string_view bytes) {
  ByteReader r(bytes);
  const uint16_t count = r.U16Be();
  const auto weight = static_cast<int16_t>(r.U16Be());
  const uint16_t sign = r.U16Be();
  const uint16_t scale = r.U16Be();
  if (!r.ok() || r.left() != size_t{count} * 2 || count > 64 || scale > 16383 || weight > 64 ||
      weight < -64)
    return std::nullopt;
  if (sign == 0xc000) return "NaN";
  if (sign == 0xd000) return "Infinity";
  if (sign == 0xf000) return "-Infinity";
  if (sign != 0 && sign != 0x4000) return std::nullopt;
  std::vector<uint16_t> digits(count);
  for (auto& digit : digits) {
    digit = r.U16Be();
    if (digit > 9999) return std::nullopt;
  }
  std::string text = sign == 0x4000 ? "-" : "";
  std::string whole;
  for (int i = 0; i <= weight; i++) {
    whole += fmt::format(
        "{:04}", static_cast<size_t>(i) < digits.size() ? digits[static_cast<size_t>(i)] : 0);
  }
  const size_t first = whole.find_first_not_of('0');
  text += first == std::string::npos ? "0" : whole.substr(first);
  if (scale > 0) {
    std::string fraction;
    for (int i = weight + 1; fraction.size() < scale; i++) {
      fraction += i < 0 ? "0000"
                        : fmt::format("{:04}", static_cast<size_t>(i) < digits.size()
                                                   ? digits[static_cast<size_t>(i)]
                                                   : 0);
    }
    text += "." + fraction.substr(0, scale);
  }
  return text;
}

// A number as the decimal it spells: 12.30 is DECIMAL(4,2). What no decimal holds becomes a double.
Result<Value> NaturalNumber(const std::string& text, size_t number) {
  size_t digits = 0, scale = 0;
  bool point = false, plain = !text.empty();
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (c >= '0' && c <= '9') {
      digits++;
      scale += point ? 1 : 0;
    } else if (c == '.' && !point) {
      point = true;
    } else if (!((c == '-' || c == '+') && i == 0)) {
      plain = false;
    }
  }
  const Value source(text);
  Value out;
  std::string error;
  const bool decimal = plain && digits > 0 && digits <= 38;
  const LogicalType type =
      decimal ? LogicalType::DECIMAL(static_cast<uint8_t>(digits), static_cast<uint8_t>(scale))
              : LogicalType::DOUBLE;
  if (!source.DefaultTryCastAs(type, out, &error)) {
    return Fail(ErrorKind::kInvalidText,
                fmt::format("invalid input syntax for type numeric: \"{}\" in bind parameter {}",
                            text, number));
  }
  return out;
}

Result<Value> ReadBinary(std::string_view bytes, size_t number, const LogicalType& type) {
  ByteReader r(bytes);
  const auto exactly = [&](size_t n) { return bytes.size() == n; };
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
      if (!exactly(1)) return Malformed(number);
      return Value::BOOLEAN(r.U8() != 0);
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT: {
      // Of the width that was sent, in the type that is wanted.
      int64_t v = 0;
      if (exactly(2)) {
        v = static_cast<int16_t>(r.U16Be());
      } else if (exactly(4)) {
        v = static_cast<int32_t>(r.U32Be());
      } else if (exactly(8)) {
        v = static_cast<int64_t>(r.U64Be());
      } else {
        return Malformed(number);
      }
      return Value::BIGINT(v).DefaultCastAs(type);
    }
    case LogicalTypeId::FLOAT:
      if (!exactly(4)) return Malformed(number);
      return Value::FLOAT(std::bit_cast<float>(r.U32Be()));
    case LogicalTypeId::DOUBLE:
      if (exactly(4)) return Value::DOUBLE(static_cast<double>(std::bit_cast<float>(r.U32Be())));
      if (!exactly(8)) return Malformed(number);
      return Value::DOUBLE(std::bit_cast<double>(r.U64Be()));
    case LogicalTypeId::DECIMAL: {
      const auto text = NumericText(bytes);
      if (!text) return Malformed(number);
      return NaturalNumber(*text, number);
    }
    case LogicalTypeId::VARCHAR: {
      if (!IsText(bytes)) {
        return Fail(ErrorKind::kInvalidText,
                    fmt::format("invalid byte sequence for encoding \"UTF8\" in bind parameter {}",
                                number));
      }
      return Value(std::string(bytes));
    }
    case LogicalTypeId::BLOB:
      return Value::BLOB(reinterpret_cast<duckdb::const_data_ptr_t>(bytes.data()), bytes.size());
    case LogicalTypeId::DATE: {
      if (!exactly(4)) return Malformed(number);
      const auto days = static_cast<int32_t>(r.U32Be());
      if (days == INT32_MAX || days == INT32_MIN)
        return Value::DATE(days > 0 ? duckdb::date_t::infinity() : duckdb::date_t::ninfinity());
      if (days > INT32_MAX - kPostgresEpochDays - 1) return Malformed(number);
      return Value::DATE(duckdb::date_t(static_cast<int32_t>(days + kPostgresEpochDays)));
    }
    case LogicalTypeId::TIME: {
      if (!exactly(8)) return Malformed(number);
      const uint64_t micros = r.U64Be();
      if (micros > static_cast<uint64_t>(kMicrosPerDay)) return Malformed(number);
      return Value::TIME(duckdb::dtime_t(static_cast<int64_t>(micros)));
    }
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ: {
      if (!exactly(8)) return Malformed(number);
      const auto micros = static_cast<int64_t>(r.U64Be());
      duckdb::timestamp_t moment;
      if (micros == INT64_MAX || micros == INT64_MIN) {
        moment = micros > 0 ? duckdb::timestamp_t::infinity() : duckdb::timestamp_t::ninfinity();
      } else {
        int64_t shifted = 0;
        if (__builtin_add_overflow(micros, kPostgresEpochDays * kMicrosPerDay, &shifted))
          return Malformed(number);
        moment = duckdb::timestamp_t(shifted);
      }
      if (type.id() == LogicalTypeId::TIMESTAMP) return Value::TIMESTAMP(moment);
      return Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(moment.value));
    }
    case LogicalTypeId::INTERVAL: {
      // As Redshift's drivers send them: months, microseconds, or both without days.
      if (exactly(4)) return Value::INTERVAL(static_cast<int32_t>(r.U32Be()), 0, 0);
      if (exactly(8)) return Value::INTERVAL(0, 0, static_cast<int64_t>(r.U64Be()));
      if (exactly(12)) {
        const auto micros = static_cast<int64_t>(r.U64Be());
        return Value::INTERVAL(static_cast<int32_t>(r.U32Be()), 0, micros);
      }
      if (!exactly(16)) return Malformed(number);
      const auto micros = static_cast<int64_t>(r.U64Be());
      const auto days = static_cast<int32_t>(r.U32Be());
      const auto months = static_cast<int32_t>(r.U32Be());
      return Value::INTERVAL(months, days, micros);
    }
    case LogicalTypeId::TIME_TZ: {
      if (!exactly(12)) return Malformed(number);
      const uint64_t micros = r.U64Be();
      const auto west = static_cast<int32_t>(r.U32Be());
      if (micros > static_cast<uint64_t>(kMicrosPerDay) || west < -kMaxZoneSeconds ||
          west > kMaxZoneSeconds)
        return Malformed(number);
      return Value::TIMETZ(
          duckdb::dtime_tz_t(duckdb::dtime_t(static_cast<int64_t>(micros)), -west));
    }
    case LogicalTypeId::UUID: {
      if (!exactly(16)) return Malformed(number);
      char text[40];
      const uint64_t high = r.U64Be();
      const uint64_t low = r.U64Be();
      return Value::UUID(std::string(text, PutUuid(text, high, low)));
    }
    default:
      return Fail(ErrorKind::kFeatureNotSupported,
                  fmt::format("a binary value for bind parameter {} of type {} is not supported",
                              number, type.ToString()),
                  {}, "Send it as text.");
  }
}

// A parameter of the type "unknown" is one that was left open.
bool IsOpen(uint32_t type_oid) { return type_oid == 0 || type_oid == oid::kUnknown; }

std::string TypeText(uint32_t type_oid, Declare declare) {
  if (type_oid == oid::kNumeric) return declare == Declare::kAll ? "DECIMAL(38,10)" : "";
  const LogicalType type = IsOpen(type_oid) ? LogicalType() : TypeOfOid(type_oid);
  if (type.id() == LogicalTypeId::INVALID) return declare == Declare::kKnown ? "" : "VARCHAR";
  return type.IsJSONType() ? "JSON" : type.ToString();
}

}  // namespace

sql::Type FrontTypeOfOid(uint32_t type_oid) {
  if (IsOpen(type_oid)) return {};
  if (type_oid == oid::kNumeric) return sql::Type::Of(sql::TypeKind::kDecimal);
  if (type_oid == oid::kBpchar) return sql::Type::Of(sql::TypeKind::kChar);
  return FrontType(TypeOfOid(type_oid));
}

std::vector<uint32_t> KnownTypes(std::vector<uint32_t> declared,
                                 const std::vector<sql::Type>& inferred) {
  using enum sql::TypeKind;
  const auto oid_of = [](sql::TypeKind kind) -> uint32_t {
    switch (kind) {
      case kBoolean:
        return oid::kBool;
      case kSmallint:
        return oid::kInt2;
      case kInt:
        return oid::kInt4;
      case kBigint:
        return oid::kInt8;
      case kDecimal:
        return oid::kNumeric;
      case kReal:
        return oid::kFloat4;
      case kDouble:
        return oid::kFloat8;
      case kChar:
        return oid::kBpchar;
      case kVarchar:
        return oid::kVarchar;
      case kDate:
        return oid::kDate;
      case kTime:
        return oid::kTime;
      case kTimeTz:
        return oid::kTimetz;
      case kTimestamp:
        return oid::kTimestamp;
      case kTimestampTz:
        return oid::kTimestamptz;
      case kInterval:
        return oid::kInterval;
      case kVarbyte:
        return oid::kVarbyte;
      default:
        return 0;
    }
  };
  declared.resize(std::max(declared.size(), inferred.size()));
  for (size_t i = 0; i < inferred.size(); i++) {
    if (IsOpen(declared[i])) declared[i] = oid_of(inferred[i].kind);
  }
  return declared;
}

void DeclareParameters(sql::Emitted& emitted, const std::vector<uint32_t>& types, Declare declare) {
  std::string out;
  std::vector<std::pair<uint32_t, uint32_t>> positions;
  size_t next_position = 0;
  const std::string& text = emitted.text;
  const auto carry = [&](size_t upto) {
    while (next_position < emitted.positions.size() &&
           emitted.positions[next_position].first <= upto) {
      const auto& [offset, position] = emitted.positions[next_position++];
      positions.emplace_back(static_cast<uint32_t>(out.size() - (upto - offset)), position);
    }
  };
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '\'' || c == '"') {
      const size_t close = std::min(text.find(c, i + 1), text.size() - 1);
      for (; i <= close; i++) {
        carry(i);
        out.push_back(text[i]);
      }
      continue;
    }
    carry(i);
    if (c != '$' || i + 1 >= text.size() ||
        std::isdigit(static_cast<unsigned char>(text[i + 1])) == 0) {
      out.push_back(c);
      i++;
      continue;
    }
    size_t end = i + 1;
    size_t number = 0;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0 &&
           number < 100'000) {
      number = number * 10 + static_cast<size_t>(text[end++] - '0');
    }
    const std::string name = text.substr(i, end - i);
    const std::string type = number >= 1 && number <= types.size()
                                 ? TypeText(types[number - 1], declare)
                                 : TypeText(0, declare);
    out += type.empty() ? name : "CAST(" + name + " AS " + type + ")";
    i = end;
  }
  emitted.text = std::move(out);
  emitted.positions = std::move(positions);
}

Result<Value> ReadParameter(duckdb::ClientContext& context, const ipc::Parameter& parameter,
                            size_t number, uint32_t declared, const LogicalType& expected) {
  LogicalType type = declared == oid::kNumeric ? LogicalType::DECIMAL(38, 10)
                     : IsOpen(declared)        ? LogicalType::INVALID
                                               : TypeOfOid(declared);
  const bool number_as_sent = declared == oid::kNumeric;
  if (!IsKnown(type)) type = IsKnown(expected) ? expected : LogicalType::VARCHAR;
  if (!parameter.value) return Value(number_as_sent && IsKnown(expected) ? expected : type);
  try {
    if (parameter.format == 1) return ReadBinary(*parameter.value, number, type);
    if (parameter.format != 0)
      return Fail(ErrorKind::kProtocolViolation,
                  fmt::format("unsupported format code: {}", parameter.format));
    const std::string& text = *parameter.value;
    if (!IsText(text)) {
      return Fail(
          ErrorKind::kInvalidText,
          fmt::format("invalid byte sequence for encoding \"UTF8\" in bind parameter {}", number));
    }
    if (number_as_sent) return NaturalNumber(text, number);
    if (type.id() == LogicalTypeId::VARCHAR) return Value(text);
    if (type.id() == LogicalTypeId::BLOB && text.starts_with("\\x")) {
      if (text.size() % 2 != 0)
        return Fail(ErrorKind::kInvalidText, "invalid hexadecimal data: odd number of digits");
      std::string bytes;
      for (size_t i = 2; i < text.size(); i += 2) {
        if (std::isxdigit(static_cast<unsigned char>(text[i])) == 0 ||
            std::isxdigit(static_cast<unsigned char>(text[i + 1])) == 0)
          return Fail(ErrorKind::kInvalidText, "invalid hexadecimal digit");
        bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
      }
      return Value::BLOB(reinterpret_cast<duckdb::const_data_ptr_t>(bytes.data()), bytes.size());
    }
    Value out;
    std::string error;
    if (!Value(text).TryCastAs(context, type, out, &error)) {
      return Fail(ToError(duckdb::ErrorData(duckdb::ExceptionType::CONVERSION, error), nullptr));
    }
    return out;
  } catch (const std::exception& e) {
    return Fail(ToError(e));
  }
}

}  // namespace skep::worker
