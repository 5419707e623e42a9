#include "worker/external_scan/remote_rows.h"

#include <fmt/format.h>

#include <bit>
#include <duckdb/common/types/date.hpp>
#include <duckdb/common/types/hugeint.hpp>
#include <duckdb/common/types/timestamp.hpp>
#include <limits>
#include <utility>

#include "base/bytes.h"

namespace skep::external_scan {
namespace {

using duckdb::FlatVector;
using duckdb::LogicalTypeId;

constexpr std::string_view kSignature("PGCOPY\n\xff\r\n\0", 11);
constexpr size_t kMaxRowBytes = 64u << 20;
constexpr size_t kMaxTextBytes = 65535;
// 2000-01-01 counted from 1970-01-01.
constexpr int64_t kEpochDays = 10957, kMicrosPerDay = INT64_C(86'400'000'000);

template <class T>
void Put(duckdb::Vector& vector, size_t row, T value) {
  FlatVector::GetData<T>(vector)[row] = value;
}

}  // namespace

RemoteRows::RemoteRows(std::vector<duckdb::LogicalType> types, std::string table)
    : types_(std::move(types)), table_(std::move(table)) {}

std::unexpected<Error> RemoteRows::Garbage(std::string_view what) const {
  return Fail(ErrorKind::kDataException,
              fmt::format("the database of {} sent what cannot be read: {}", table_, what));
}

void RemoteRows::Append(std::string_view bytes) {
  if (at_ > 0 && at_ >= buffer_.size() / 2) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  buffer_ += bytes;
}

// False: more bytes are needed.
Result<bool> RemoteRows::Header() {
  constexpr uint32_t kCriticalFlags = 0xffff0000;
  const std::string_view left = std::string_view(buffer_).substr(at_);
  if (!kSignature.starts_with(left.substr(0, kSignature.size())))
    return Garbage("no signature of binary rows");
  ByteReader reader(left);
  reader.Bytes(kSignature.size());
  const uint32_t flags = reader.U32Be(), extension = reader.U32Be();
  if (!reader.ok()) return false;
  if ((flags & kCriticalFlags) != 0 || extension > kMaxRowBytes)
    return Garbage("an unknown form of rows");
  reader.Bytes(extension);
  if (!reader.ok()) return false;
  at_ = buffer_.size() - reader.left();
  state_ = State::kRows;
  return true;
}

Result<size_t> RemoteRows::Decode(duckdb::DataChunk& out, const std::vector<size_t>& targets,
                                  size_t at, size_t room) {
  if (state_ == State::kHeader) {
    SKEP_TRY_ASSIGN(const bool complete, Header());
    if (!complete) return size_t{0};
  }
  size_t rows = 0;
  while (state_ == State::kRows && rows < room) {
    ByteReader reader(std::string_view(buffer_).substr(at_));
    const auto fields = static_cast<int16_t>(reader.U16Be());
    if (!reader.ok()) break;
    if (fields == -1) {
      if (reader.left() > 0) return Garbage("bytes behind the end");
      state_ = State::kDone;
      break;
    }
    if (fields < 0 || static_cast<size_t>(fields) != types_.size())
      return Garbage("a row of another number of columns");
    // A row that is not whole yet is looked at for its lengths alone.
    ByteReader lengths = reader;
    for (size_t i = 0; i < types_.size() && lengths.ok(); i++) {
      const auto length = static_cast<int32_t>(lengths.U32Be());
      if (!lengths.ok() || length == -1) continue;
      if (length < 0 || static_cast<size_t>(length) > kMaxRowBytes)
        return Garbage("a value of an impossible length");
      lengths.Bytes(static_cast<size_t>(length));
    }
    if (!lengths.ok()) {
      if (buffer_.size() - at_ > kMaxRowBytes)
        return Fail(ErrorKind::kPayloadTooLarge,
                    fmt::format("a row of {} is larger than {} bytes", table_, kMaxRowBytes));
      break;
    }
    for (size_t i = 0; i < types_.size(); i++) {
      duckdb::Vector& vector = out.data[targets[i]];
      const auto length = static_cast<int32_t>(reader.U32Be());
      FlatVector::SetNull(vector, at + rows, length == -1);
      if (length != -1)
        SKEP_TRY(Value(vector, at + rows, types_[i], reader.Bytes(static_cast<size_t>(length))));
    }
    at_ = buffer_.size() - reader.left();
    rows++;
  }
  return rows;
}

Result<void> RemoteRows::Value(duckdb::Vector& vector, size_t row, const duckdb::LogicalType& type,
                               std::string_view bytes) const {
  const auto wrong = [&] {
    return Garbage(fmt::format("{} bytes are no {}", bytes.size(), type.ToString()));
  };
  const auto out_of_range = [&](std::string_view what) {
    return Fail(ErrorKind::kDatetimeOutOfRange,
                fmt::format("{} of {} is out of range", what, table_));
  };
  ByteReader reader(bytes);
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
      if (bytes.size() != 1 || static_cast<unsigned char>(bytes[0]) > 1) return wrong();
      Put<bool>(vector, row, bytes[0] == 1);
      return {};
    case LogicalTypeId::SMALLINT:
      if (bytes.size() != 2) return wrong();
      Put<int16_t>(vector, row, static_cast<int16_t>(reader.U16Be()));
      return {};
    case LogicalTypeId::INTEGER:
      if (bytes.size() != 4) return wrong();
      Put<int32_t>(vector, row, static_cast<int32_t>(reader.U32Be()));
      return {};
    case LogicalTypeId::BIGINT:
      if (bytes.size() != 8) return wrong();
      Put<int64_t>(vector, row, static_cast<int64_t>(reader.U64Be()));
      return {};
    case LogicalTypeId::FLOAT:
      if (bytes.size() != 4) return wrong();
      Put<float>(vector, row, std::bit_cast<float>(reader.U32Be()));
      return {};
    case LogicalTypeId::DOUBLE:
      if (bytes.size() != 8) return wrong();
      Put<double>(vector, row, std::bit_cast<double>(reader.U64Be()));
      return {};
    case LogicalTypeId::DATE: {
      if (bytes.size() != 4) return wrong();
      const auto days = static_cast<int32_t>(reader.U32Be());
      // The ends of the range are the infinities, which Redshift's dates have not.
      const int64_t shifted = int64_t{days} + kEpochDays;
      if (days == std::numeric_limits<int32_t>::max() ||
          days == std::numeric_limits<int32_t>::min())
        return out_of_range("the date infinity");
      if (shifted >= std::numeric_limits<int32_t>::max() ||
          shifted <= std::numeric_limits<int32_t>::min() + 1)
        return out_of_range("a date");
      Put<duckdb::date_t>(vector, row, duckdb::date_t(static_cast<int32_t>(shifted)));
      return {};
    }
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ: {
      if (bytes.size() != 8) return wrong();
      const auto micros = static_cast<int64_t>(reader.U64Be());
      if (micros == std::numeric_limits<int64_t>::max() ||
          micros == std::numeric_limits<int64_t>::min())
        return out_of_range("the timestamp infinity");
      int64_t shifted = 0;
      if (__builtin_add_overflow(micros, kEpochDays * kMicrosPerDay, &shifted) ||
          !duckdb::Timestamp::IsFinite(duckdb::timestamp_t(shifted)))
        return out_of_range("a timestamp");
      Put<duckdb::timestamp_t>(vector, row, duckdb::timestamp_t(shifted));
      return {};
    }
    case LogicalTypeId::DECIMAL:
      return Decimal(vector, row, type, bytes);
    case LogicalTypeId::VARCHAR:
      if (bytes.size() > kMaxTextBytes)
        return Fail(ErrorKind::kStringTooLong,
                    fmt::format("a value of {} is too long for type character varying({})", table_,
                                kMaxTextBytes));
      if (!duckdb::Value::StringIsValid(bytes.data(), bytes.size()) ||
          bytes.find('\0') != std::string_view::npos)
        return Garbage("text that is not UTF-8");
      Put<duckdb::string_t>(vector, row,
                            duckdb::StringVector::AddString(vector, bytes.data(), bytes.size()));
      return {};
    default:
      return Garbage("a type that is not read");
  }
}

// Source: PostgreSQL's numeric_send: count of digits, weight, sign, scale shown, digits of base
// 10,000.
Result<void> RemoteRows::Decimal(duckdb::Vector& vector, size_t row,
                                 const duckdb::LogicalType& type, std::string_view bytes) const {
  constexpr uint16_t kPositive = 0x0000, kNegative = 0x4000;
  constexpr int kDigit = 4;  // decimal digits in one
  const int width = duckdb::DecimalType::GetWidth(type),
            scale = duckdb::DecimalType::GetScale(type);
  ByteReader reader(bytes);
  const auto count = static_cast<int16_t>(reader.U16Be()),
             weight = static_cast<int16_t>(reader.U16Be());
  const uint16_t sign = reader.U16Be();
  (void)reader.U16Be();
  if (!reader.ok() || count < 0 || reader.left() != static_cast<size_t>(count) * 2)
    return Garbage("no numeric");
  const auto out_of_range = [&](std::string_view what) {
    return Fail(ErrorKind::kNumericOutOfRange,
                fmt::format("{} of {} does not fit decimal({},{})", what, table_, width, scale));
  };
  if (sign != kPositive && sign != kNegative) return out_of_range("a numeric NaN or infinity");
  // A digit of place p counts 10^(4 * p); the value wanted is in units of 10^-scale.
  duckdb::hugeint_t value(0);
  const duckdb::hugeint_t limit = duckdb::Hugeint::POWERS_OF_TEN[width];
  for (int i = 0; i < count; i++) {
    const uint16_t digit = reader.U16Be();
    if (digit > 9999) return Garbage("no numeric");
    if (digit == 0) continue;
    const int power = kDigit * (int{weight} - i) + scale;
    if (power > 38) return out_of_range("a numeric");
    duckdb::hugeint_t part(digit);
    if (power >= 0) {
      if (!duckdb::Hugeint::TryMultiply(part, duckdb::Hugeint::POWERS_OF_TEN[power], part))
        return out_of_range("a numeric");
    } else {
      // The column's scale ends within this digit; what is behind it is zero.
      const int cut = -power;
      if (cut >= kDigit) return out_of_range("a numeric");
      constexpr int kPowers[] = {1, 10, 100, 1000};
      if (digit % kPowers[cut] != 0) return out_of_range("a numeric");
      part = duckdb::hugeint_t(digit / kPowers[cut]);
    }
    if (!duckdb::Hugeint::TryAddInPlace(value, part) || value >= limit)
      return out_of_range("a numeric");
  }
  if (sign == kNegative) value = -value;
  switch (type.InternalType()) {
    case duckdb::PhysicalType::INT16:
      Put<int16_t>(vector, row, duckdb::Hugeint::Cast<int16_t>(value));
      return {};
    case duckdb::PhysicalType::INT32:
      Put<int32_t>(vector, row, duckdb::Hugeint::Cast<int32_t>(value));
      return {};
    case duckdb::PhysicalType::INT64:
      Put<int64_t>(vector, row, duckdb::Hugeint::Cast<int64_t>(value));
      return {};
    default:
      Put<duckdb::hugeint_t>(vector, row, value);
      return {};
  }
}

}  // namespace skep::external_scan
