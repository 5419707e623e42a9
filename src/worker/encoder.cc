#include "worker/encoder.h"

#include <duckdb/common/types/datetime.hpp>

#include "worker/functions/float_text.h"
#include "worker/nested_json.h"
#include "worker/pg_format.h"

namespace skep::worker {
namespace {

// Upper bound of one value's bytes without its length word; strings count apart.
constexpr size_t kFixedValueBytes = 112;
constexpr size_t kRowHead = 7;

template <class T>
T At(const void* data, size_t i) {
  return static_cast<const T*>(data)[i];
}

Int128 Wide(duckdb::hugeint_t h) {
  return static_cast<Int128>((static_cast<UInt128>(static_cast<uint64_t>(h.upper)) << 64) |
                             h.lower);
}

char* PutNumeric(char* p, Int128 v, unsigned scale) {
  const auto u = static_cast<UInt128>(v);
  return PutNumericBinary(p, v < 0 ? 0 - u : u, v < 0, scale);
}

template <bool kBinary, class T>
char* PutInteger16(char* p, T v) {
  if (!kBinary) return PutSigned(p, v);
  PutBe16(p, static_cast<uint16_t>(v));
  return p + 2;
}
template <bool kBinary, class T>
char* PutInteger32(char* p, T v) {
  if (!kBinary) return PutSigned(p, v);
  PutBe32(p, static_cast<uint32_t>(v));
  return p + 4;
}
template <bool kBinary, class T>
char* PutInteger64(char* p, T v) {
  if (!kBinary) return PutSigned(p, v);
  PutBe64(p, static_cast<uint64_t>(v));
  return p + 8;
}
template <bool kBinary, class T>
char* PutNarrowDecimal(char* p, T v, unsigned scale, bool scaled) {
  if (!kBinary) return PutDecimal(p, v, scale);
  if (!scaled) return PutNumeric(p, v, scale);
  PutBe64(p, static_cast<uint64_t>(int64_t{v}));
  return p + 8;
}
char* PutScaled128(char* p, Int128 v) {
  PutBe64(p, static_cast<uint64_t>(static_cast<UInt128>(v) >> 64));
  PutBe64(p + 8, static_cast<uint64_t>(v));
  return p + 16;
}

// CHAR(n) is stored without its trailing blanks.
void Pad(duckdb::Vector& source, duckdb::Vector& target, size_t rows, size_t bytes) {
  duckdb::UnaryExecutor::Execute<duckdb::string_t, duckdb::string_t>(
      source, target, rows, [&](const duckdb::string_t& value) {
        if (value.GetSize() >= bytes) return duckdb::StringVector::AddString(target, value);
        auto padded = duckdb::StringVector::EmptyString(target, bytes);
        std::memcpy(padded.GetDataWriteable(), value.GetData(), value.GetSize());
        std::memset(padded.GetDataWriteable() + value.GetSize(), ' ', bytes - value.GetSize());
        padded.Finalize();
        return padded;
      });
}

// VARBYTE is sent as hexadecimal digits.
void Hex(duckdb::Vector& source, duckdb::Vector& target, size_t rows) {
  static constexpr char kDigits[] = "0123456789abcdef";
  duckdb::UnaryExecutor::Execute<duckdb::string_t, duckdb::string_t>(
      source, target, rows, [&](const duckdb::string_t& value) {
        auto text = duckdb::StringVector::EmptyString(target, 2 * value.GetSize());
        const char* from = value.GetData();
        char* to = text.GetDataWriteable();
        for (size_t i = 0; i < value.GetSize(); i++) {
          const auto byte = static_cast<unsigned char>(from[i]);
          to[2 * i] = kDigits[byte >> 4];
          to[2 * i + 1] = kDigits[byte & 15];
        }
        text.Finalize();
        return text;
      });
}

// `digits`: 0 for as few as tell the value apart.
template <class Float>
char* PutDigits(char* p, Float value, unsigned digits) {
  return digits == 0 ? PutFloat(p, value) : PutRoundedFloat(p, value, digits);
}

bool IsBytes(ValueKind kind) { return kind == ValueKind::kText || kind == ValueKind::kBlob; }

}  // namespace

RowEncoder::RowEncoder(duckdb::ClientContext& context, const ResultShape& shape)
    : context_(context), shape_(shape) {
  const size_t n = shape.columns.size();
  columns_.resize(n);
  formats_.resize(n);
  local_formats_.resize(n);
  made_.resize(n);
  local_.resize(n);
  size_t binary = 0;
  fixed_bytes_ = kRowHead;
  for (size_t k = 0; k < n; k++) {
    const auto& column = shape.columns[k];
    columns_[k] = {column.kind, column.binary, column.scaled, column.scale, nullptr,
                   nullptr,     nullptr,       nullptr,       nullptr};
    if (column.kind == ValueKind::kFloat || column.kind == ValueKind::kDouble) {
      const int most = column.kind == ValueKind::kFloat ? kFloatDigits : kDoubleDigits;
      const int extra = shape.extra_float_digits;
      columns_[k].scale = static_cast<uint8_t>(extra > 0 ? 0 : std::max(most + extra, 1));
    }
    binary += column.binary ? 1 : 0;
    fixed_bytes_ += 4 + (IsBytes(column.kind) ? 0 : kFixedValueBytes);
  }
  mode_ = binary == 0 ? Mode::kText : binary == n ? Mode::kBinary : Mode::kMixed;
}

void RowEncoder::Load(duckdb::DataChunk& chunk) {
  const size_t rows = chunk.size();
  for (size_t k = 0; k < columns_.size(); k++) {
    duckdb::Vector* source = &chunk.data[k];
    const auto& shape = shape_.columns[k];
    if (shape.before != ColumnShape::Before::kNothing) {
      made_[k] = std::make_unique<duckdb::Vector>(shape.cast_to, rows);
      if (shape.before == ColumnShape::Before::kJson) {
        WriteJson(*source, *made_[k], rows);
      } else if (shape.before == ColumnShape::Before::kHex) {
        Hex(*source, *made_[k], rows);
      } else if (shape.before == ColumnShape::Before::kPad) {
        Pad(*source, *made_[k], rows, shape.pad_bytes);
      } else {
        duckdb::VectorOperations::Cast(context_, *source, *made_[k], rows);
      }
      source = made_[k].get();
    }
    auto& column = columns_[k];
    auto& format = formats_[k];
    source->ToUnifiedFormat(rows, format);
    column.data = format.data;
    column.sel = format.sel->data();
    column.valid = format.validity.GetData();
    if (column.kind == ValueKind::kTimestampTz && !column.binary && !shape_.zone_is_utc) {
      local_[k] = std::make_unique<duckdb::Vector>(duckdb::LogicalType::TIMESTAMP, rows);
      duckdb::VectorOperations::Cast(context_, *source, *local_[k], rows);
      local_[k]->ToUnifiedFormat(rows, local_formats_[k]);
      column.local_sel = local_formats_[k].sel->data();
      column.local = reinterpret_cast<const int64_t*>(local_formats_[k].data);
    }
  }
}

// Bytes of one non-null value, which must fit.
template <bool kBinary>
char* RowEncoder::Value(char* p, const Column& c, size_t i, size_t row) {
  switch (c.kind) {
    case ValueKind::kBool: {
      const bool v = At<bool>(c.data, i);
      *p = kBinary ? static_cast<char>(v) : v ? 't' : 'f';
      return p + 1;
    }
    case ValueKind::kInt8:
      return PutInteger16<kBinary>(p, At<int8_t>(c.data, i));
    case ValueKind::kUint8:
      return PutInteger16<kBinary>(p, At<uint8_t>(c.data, i));
    case ValueKind::kInt16:
      return PutInteger16<kBinary>(p, At<int16_t>(c.data, i));
    case ValueKind::kUint16:
      return PutInteger32<kBinary>(p, At<uint16_t>(c.data, i));
    case ValueKind::kInt32:
      return PutInteger32<kBinary>(p, At<int32_t>(c.data, i));
    case ValueKind::kUint32:
      return PutInteger64<kBinary>(p, At<uint32_t>(c.data, i));
    case ValueKind::kInt64:
      return PutInteger64<kBinary>(p, At<int64_t>(c.data, i));
    case ValueKind::kUint64: {
      const auto v = At<uint64_t>(c.data, i);
      if (kBinary && c.scaled) return PutScaled128(p, v);
      return kBinary ? PutNumericBinary(p, v, false, 0) : PutUnsigned(p, v);
    }
    case ValueKind::kFloat:
      if (!kBinary) return PutDigits(p, At<float>(c.data, i), c.scale);
      PutBe32(p, At<uint32_t>(c.data, i));
      return p + 4;
    case ValueKind::kDouble:
      if (!kBinary) return PutDigits(p, At<double>(c.data, i), c.scale);
      PutBe64(p, At<uint64_t>(c.data, i));
      return p + 8;
    case ValueKind::kDecimal16:
      return PutNarrowDecimal<kBinary>(p, At<int16_t>(c.data, i), c.scale, c.scaled);
    case ValueKind::kDecimal32:
      return PutNarrowDecimal<kBinary>(p, At<int32_t>(c.data, i), c.scale, c.scaled);
    case ValueKind::kDecimal64:
      return PutNarrowDecimal<kBinary>(p, At<int64_t>(c.data, i), c.scale, c.scaled);
    case ValueKind::kDecimal128: {
      const Int128 v = Wide(At<duckdb::hugeint_t>(c.data, i));
      if (kBinary && c.scaled) return PutScaled128(p, v);
      return kBinary ? PutNumeric(p, v, c.scale) : PutDecimal128(p, v, c.scale);
    }
    case ValueKind::kUint128: {
      const auto v = At<duckdb::uhugeint_t>(c.data, i);
      const UInt128 u = (static_cast<UInt128>(v.upper) << 64) | v.lower;
      if (kBinary && c.scaled) return PutScaled128(p, static_cast<Int128>(u));
      return kBinary ? PutNumericBinary(p, u, false, 0) : PutUnsigned128(p, u);
    }
    case ValueKind::kDate: {
      const auto v = At<int32_t>(c.data, i);
      return kBinary ? PutDateBinary(p, v) : PutDate(p, v);
    }
    case ValueKind::kTime: {
      const auto v = At<int64_t>(c.data, i);
      if (!kBinary) return PutClock(p, v);
      PutBe64(p, static_cast<uint64_t>(v));
      return p + 8;
    }
    case ValueKind::kTimeTz: {
      const auto v = At<duckdb::dtime_tz_t>(c.data, i);
      if (!kBinary) return PutZone(PutClock(p, v.time().micros), v.offset());
      PutBe64(p, static_cast<uint64_t>(v.time().micros));
      PutBe32(p + 8, static_cast<uint32_t>(-v.offset()));
      return p + 12;
    }
    case ValueKind::kTimestamp: {
      const auto v = At<int64_t>(c.data, i);
      return kBinary ? PutTimestampBinary(p, v) : PutTimestamp(p, v);
    }
    case ValueKind::kTimestampTz: {
      const auto v = At<int64_t>(c.data, i);
      if (kBinary) return PutTimestampBinary(p, v);
      if (!c.local) return PutTimestamp(p, v, true, 0);
      const int64_t local = c.local[c.local_sel ? c.local_sel[row] : row];
      return PutTimestamp(p, local, true, (local - v) / 1'000'000);
    }
    case ValueKind::kInterval:
    case ValueKind::kIntervalMonths:
    case ValueKind::kIntervalSeconds:
    case ValueKind::kIntervalNoDays: {
      const auto v = At<duckdb::interval_t>(c.data, i);
      if (!kBinary) return PutInterval(p, v.months, v.days, v.micros);
      if (c.kind != ValueKind::kInterval) {
        const int64_t micros = v.micros + v.days * kMicrosPerDay;
        if (c.kind != ValueKind::kIntervalMonths) {
          PutBe64(p, static_cast<uint64_t>(micros));
          p += 8;
        }
        if (c.kind != ValueKind::kIntervalSeconds) {
          PutBe32(p, static_cast<uint32_t>(v.months));
          p += 4;
        }
        return p;
      }
      PutBe64(p, static_cast<uint64_t>(v.micros));
      PutBe32(p + 8, static_cast<uint32_t>(v.days));
      PutBe32(p + 12, static_cast<uint32_t>(v.months));
      return p + 16;
    }
    case ValueKind::kUuid: {
      // The engine flips the first bit so that UUIDs sort as numbers.
      const auto v = At<duckdb::hugeint_t>(c.data, i);
      const uint64_t high = static_cast<uint64_t>(v.upper) ^ (uint64_t{1} << 63);
      if (!kBinary) return PutUuid(p, high, v.lower);
      PutBe64(p, high);
      PutBe64(p + 8, v.lower);
      return p + 16;
    }
    case ValueKind::kText: {
      const auto& s = static_cast<const duckdb::string_t*>(c.data)[i];
      const uint32_t n = s.GetSize();
      if (n <= duckdb::string_t::INLINE_LENGTH) {
        std::memcpy(p, s.GetPrefix(), duckdb::string_t::INLINE_LENGTH);  // constant size
      } else {
        std::memcpy(p, s.GetData(), n);
      }
      return p + n;
    }
    case ValueKind::kBlob: {
      const auto& s = static_cast<const duckdb::string_t*>(c.data)[i];
      const uint32_t n = s.GetSize();
      if (!kBinary) return PutHex(p, s.GetData(), n);
      std::memcpy(p, s.GetData(), n);
      return p + n;
    }
  }
  return p;
}

size_t RowEncoder::BytesOf(const Column& c, size_t i) {
  const size_t n = static_cast<const duckdb::string_t*>(c.data)[i].GetSize();
  return c.kind == ValueKind::kBlob && !c.binary ? 2 + 2 * n : n;
}

size_t RowEncoder::BytesOfRow(size_t row) const {
  size_t bytes = fixed_bytes_;
  for (const auto& c : columns_) {
    const size_t i = c.sel ? c.sel[row] : row;
    if (IsBytes(c.kind) && !c.IsNull(i)) bytes += BytesOf(c, i);
  }
  return bytes;
}

// Stops before the row that would pass `limit`. Writes at most kFormatSlack beyond it.
template <RowEncoder::Mode kMode>
size_t RowEncoder::Rows(size_t from, size_t to, Frame& frame, const char* limit) {
  char* p = frame.data.get() + frame.size;
  const size_t count = columns_.size();
  const Column* columns = columns_.data();
  size_t row = from;
  for (; row < to; row++) {
    char* const start = p;
    if (static_cast<size_t>(limit - p) < fixed_bytes_) break;
    size_t left = static_cast<size_t>(limit - p) - fixed_bytes_;  // for strings
    *p = 'D';
    PutBe16(p + 5, static_cast<uint16_t>(count));
    p += kRowHead;
    for (size_t k = 0; k < count; k++) {
      const Column& c = columns[k];
      const size_t i = c.sel ? c.sel[row] : row;
      if (c.IsNull(i)) {
        PutBe32(p, 0xffffffffu);
        p += 4;
        continue;
      }
      if (IsBytes(c.kind)) {
        const size_t n = BytesOf(c, i);
        if (n > left) {
          frame.size = static_cast<size_t>(start - frame.data.get());
          return row;
        }
        left -= n;
      }
      const bool binary = kMode == Mode::kMixed ? c.binary : kMode == Mode::kBinary;
      char* const end = binary ? Value<true>(p + 4, c, i, row) : Value<false>(p + 4, c, i, row);
      PutBe32(p, static_cast<uint32_t>(end - p - 4));
      p = end;
    }
    PutBe32(start + 1, static_cast<uint32_t>(p - start - 1));
  }
  frame.size = static_cast<size_t>(p - frame.data.get());
  return row;
}

size_t RowEncoder::Encode(size_t from, size_t to, Frame& frame, size_t limit_bytes) {
  const auto run = [&](size_t last, size_t payload_limit) {
    const size_t wanted = ipc::kFrameHeader + payload_limit + kFormatSlack;
    if (frame.capacity < wanted) frame.Reserve(wanted - frame.size);
    const char* limit = frame.data.get() + ipc::kFrameHeader + payload_limit;
    switch (mode_) {
      case Mode::kText:
        return Rows<Mode::kText>(from, last, frame, limit);
      case Mode::kBinary:
        return Rows<Mode::kBinary>(from, last, frame, limit);
      case Mode::kMixed:
        break;
    }
    return Rows<Mode::kMixed>(from, last, frame, limit);
  };
  if (from >= to) return from;
  if (frame.size - ipc::kFrameHeader < limit_bytes) {
    const size_t next = run(to, limit_bytes);
    if (next > from || !frame.empty()) return next;
  } else if (!frame.empty()) {
    return from;
  }
  // One row larger than a frame.
  const size_t bytes = BytesOfRow(from);
  if (bytes > ipc::kMaxFrame) {
    throw duckdb::Exception(duckdb::ExceptionType::OBJECT_SIZE,
                            fmt::format("a row of {} bytes is too large to be sent", bytes));
  }
  return run(from + 1, bytes);
}

}  // namespace skep::worker
