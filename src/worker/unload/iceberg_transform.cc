#include "worker/unload/iceberg_transform.h"

#include <charconv>
#include <cstring>

namespace skep::worker::unload {
namespace {

using duckdb::LogicalTypeId;
using duckdb::Value;

uint32_t Rotate(uint32_t x, int by) { return x << by | x >> (32 - by); }

// 32-bit MurmurHash3, seed 0.
uint32_t Murmur(std::string_view bytes) {
  constexpr uint32_t kFirst = 0xcc9e2d51, kSecond = 0x1b873593;
  uint32_t hash = 0;
  const auto mix = [](uint32_t k) { return Rotate(k * kFirst, 15) * kSecond; };
  size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    uint32_t k = 0;
    std::memcpy(&k, bytes.data() + at, 4);
    hash = Rotate(hash ^ mix(k), 13) * 5 + 0xe6546b64;
  }
  uint32_t tail = 0;
  for (size_t i = bytes.size(); i > at; i--) tail = tail << 8 | static_cast<uint8_t>(bytes[i - 1]);
  if (at < bytes.size()) hash ^= mix(tail);
  hash ^= static_cast<uint32_t>(bytes.size());
  hash = (hash ^ hash >> 16) * 0x85ebca6b;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35;
  return hash ^ hash >> 16;
}

template <class T>
std::string LittleEndian(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

int64_t FloorDivide(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

// Days and microseconds are counted from 1970.
int64_t Counted(const Value& value) {
  switch (value.type().id()) {
    case LogicalTypeId::DATE:
      return value.GetValueUnsafe<duckdb::date_t>().days;
    case LogicalTypeId::TIMESTAMP:
      return value.GetValueUnsafe<duckdb::timestamp_t>().value;
    case LogicalTypeId::INTEGER:
      return value.GetValueUnsafe<int32_t>();
    default:
      return value.GetValueUnsafe<int64_t>();
  }
}

std::string BytesToHash(const Value& value) {
  switch (value.type().id()) {
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::BLOB:
      return duckdb::StringValue::Get(value);
    case LogicalTypeId::DECIMAL:
      return BigEndian(Unscaled(value));
    default:
      return LittleEndian<int64_t>(Counted(value));
  }
}

// Bytes of the first `characters` of UTF-8.
size_t PrefixOf(const std::string& text, size_t characters) {
  size_t at = 0;
  while (at < text.size() && characters-- > 0) {
    at++;
    while (at < text.size() && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) at++;
  }
  return at;
}

Value Truncated(const Value& value, uint32_t width) {
  const auto& type = value.type();
  if (type.id() == LogicalTypeId::VARCHAR) {
    const std::string& text = duckdb::StringValue::Get(value);
    return Value(text.substr(0, PrefixOf(text, width)));
  }
  if (type.id() == LogicalTypeId::BLOB)
    return Value::BLOB_RAW(duckdb::StringValue::Get(value).substr(0, width));
  if (type.id() == LogicalTypeId::DECIMAL) {
    duckdb::hugeint_t number = Unscaled(value), rest = number % duckdb::hugeint_t(width);
    if (rest < duckdb::hugeint_t(0)) rest += duckdb::hugeint_t(width);
    number -= rest;
    const auto digits = duckdb::DecimalType::GetWidth(type),
               scale = duckdb::DecimalType::GetScale(type);
    int64_t narrow = 0;
    if (digits <= 18 && duckdb::Hugeint::TryCast(number, narrow))
      return Value::DECIMAL(narrow, digits, scale);
    return Value::DECIMAL(number, digits, scale);
  }
  const int64_t number = Counted(value), by = width;
  const int64_t rest = ((number % by) + by) % by;
  return Value::Numeric(type, number - rest);
}

}  // namespace

duckdb::hugeint_t Unscaled(const Value& decimal) {
  switch (decimal.type().InternalType()) {
    case duckdb::PhysicalType::INT16:
      return decimal.GetValueUnsafe<int16_t>();
    case duckdb::PhysicalType::INT32:
      return decimal.GetValueUnsafe<int32_t>();
    case duckdb::PhysicalType::INT64:
      return decimal.GetValueUnsafe<int64_t>();
    default:
      return decimal.GetValueUnsafe<duckdb::hugeint_t>();
  }
}

std::string BigEndian(duckdb::hugeint_t value, size_t bytes) {
  std::string all(16, '\0');
  for (size_t i = 0; i < 8; i++) {
    all[15 - i] = static_cast<char>(value.lower >> (8 * i));
    all[7 - i] = static_cast<char>(static_cast<uint64_t>(value.upper) >> (8 * i));
  }
  if (bytes > 0) return all.substr(16 - bytes);
  size_t first = 0;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(all[i]); };
  while (first < 15 && ((byte(first) == 0x00 && byte(first + 1) < 0x80) ||
                        (byte(first) == 0xFF && byte(first + 1) >= 0x80)))
    first++;
  return all.substr(first);
}

std::optional<Transform> Transform::Parse(std::string_view text) {
  static constexpr std::pair<std::string_view, TransformKind> kNames[] = {
      {"identity", TransformKind::kIdentity}, {"year", TransformKind::kYear},
      {"month", TransformKind::kMonth},       {"day", TransformKind::kDay},
      {"hour", TransformKind::kHour},         {"void", TransformKind::kVoid}};
  for (const auto& [name, kind] : kNames) {
    if (text == name) return Transform{kind, 0};
  }
  static constexpr std::pair<std::string_view, TransformKind> kNumbered[] = {
      {"bucket[", TransformKind::kBucket}, {"truncate[", TransformKind::kTruncate}};
  for (const auto& [name, kind] : kNumbered) {
    if (!text.starts_with(name) || !text.ends_with("]")) continue;
    uint32_t number = 0;
    const char* end = text.data() + text.size() - 1;
    const auto read = std::from_chars(text.data() + name.size(), end, number);
    if (read.ec == std::errc{} && read.ptr == end && number > 0 && number <= INT32_MAX)
      return Transform{kind, number};
  }
  return std::nullopt;
}

std::optional<duckdb::LogicalType> Transform::ResultOf(const duckdb::LogicalType& source) const {
  const auto one_of = [&](std::initializer_list<LogicalTypeId> ids) {
    for (const auto id : ids) {
      if (source.id() == id) return true;
    }
    return false;
  };
  using enum LogicalTypeId;
  switch (kind) {
    case TransformKind::kVoid:
      return source;
    case TransformKind::kIdentity:
      if (one_of(
              {BOOLEAN, INTEGER, BIGINT, FLOAT, DOUBLE, DECIMAL, DATE, TIMESTAMP, VARCHAR, BLOB}))
        return source;
      return std::nullopt;
    case TransformKind::kBucket:
      if (one_of({INTEGER, BIGINT, DECIMAL, DATE, TIMESTAMP, VARCHAR, BLOB}))
        return duckdb::LogicalType::INTEGER;
      return std::nullopt;
    case TransformKind::kTruncate:
      if (one_of({INTEGER, BIGINT, DECIMAL, VARCHAR, BLOB})) return source;
      return std::nullopt;
    case TransformKind::kHour:
      if (one_of({TIMESTAMP})) return duckdb::LogicalType::INTEGER;
      return std::nullopt;
    case TransformKind::kDay:
      if (one_of({DATE, TIMESTAMP})) return duckdb::LogicalType::DATE;
      return std::nullopt;
    default:
      if (one_of({DATE, TIMESTAMP})) return duckdb::LogicalType::INTEGER;
      return std::nullopt;
  }
}

Value Transform::Apply(const Value& value) const {
  constexpr int64_t kHourMicros = INT64_C(3'600'000'000), kDayMicros = 24 * kHourMicros;
  if (kind == TransformKind::kVoid || value.IsNull()) return Value(*ResultOf(value.type()));
  if (kind == TransformKind::kIdentity) return value;
  if (kind == TransformKind::kBucket)
    return Value::INTEGER(static_cast<int32_t>((Murmur(BytesToHash(value)) & INT32_MAX) % number));
  if (kind == TransformKind::kTruncate) return Truncated(value, number);
  if (kind == TransformKind::kHour)
    return Value::INTEGER(static_cast<int32_t>(FloorDivide(Counted(value), kHourMicros)));
  const duckdb::date_t day(static_cast<int32_t>(value.type().id() == LogicalTypeId::DATE
                                                    ? Counted(value)
                                                    : FloorDivide(Counted(value), kDayMicros)));
  if (kind == TransformKind::kDay) return Value::DATE(day);
  int32_t year = 0, month = 0, of_month = 0;
  duckdb::Date::Convert(day, year, month, of_month);
  return Value::INTEGER(kind == TransformKind::kYear ? year - 1970
                                                     : (year - 1970) * 12 + month - 1);
}

std::optional<std::string> SingleValue(const Value& value) {
  if (value.IsNull()) return std::nullopt;
  switch (value.type().id()) {
    case LogicalTypeId::BOOLEAN:
      return std::string(1, duckdb::BooleanValue::Get(value) ? '\1' : '\0');
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::DATE:
      return LittleEndian<int32_t>(static_cast<int32_t>(Counted(value)));
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::TIMESTAMP:
      return LittleEndian<int64_t>(Counted(value));
    case LogicalTypeId::FLOAT:
      return LittleEndian<float>(value.GetValueUnsafe<float>());
    case LogicalTypeId::DOUBLE:
      return LittleEndian<double>(value.GetValueUnsafe<double>());
    case LogicalTypeId::DECIMAL:
      return BigEndian(Unscaled(value));
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::BLOB:
      return duckdb::StringValue::Get(value);
    default:
      return std::nullopt;
  }
}

std::string LowerBound(const std::string& text, size_t characters) {
  return text.substr(0, PrefixOf(text, characters));
}

std::optional<std::string> UpperBound(const std::string& text, size_t characters) {
  std::string prefix = LowerBound(text, characters);
  if (prefix.size() == text.size()) return prefix;
  // The last character that has a successor of as many bytes is raised, what follows goes.
  while (!prefix.empty()) {
    size_t start = prefix.size() - 1;
    while (start > 0 && (static_cast<uint8_t>(prefix[start]) & 0xC0) == 0x80) start--;
    const auto last = static_cast<uint8_t>(prefix.back());
    // Never out of ASCII, and never from one lead byte into the next, which may begin a surrogate.
    const bool raisable = prefix.size() - start == 1 ? last < 0x7F : last < 0xBF;
    if (raisable) {
      prefix.back() = static_cast<char>(last + 1);
      return prefix;
    }
    prefix.resize(start);
  }
  return std::nullopt;
}

}  // namespace skep::worker::unload
