#include "worker/external_scan/avro_decoder.h"

#include <bit>
#include <cstring>
#include <duckdb/common/types/hugeint.hpp>
#include <duckdb/common/types/timestamp.hpp>

namespace skep::external_scan {
namespace {

using duckdb::FlatVector;
using duckdb::idx_t;
using duckdb::Vector;

// Of an array of nothing: items that take no bytes must not be countless.
constexpr int64_t kMaxEmptyItems = 1 << 16;

[[noreturn]] void Broken(const char* why) { throw duckdb::InvalidInputException(why); }

template <class T>
void Put(Vector& out, idx_t row, T value) {
  FlatVector::GetData<T>(out)[row] = value;
}

std::string UuidText(std::string_view bytes) {
  std::string out;
  for (size_t i = 0; i < bytes.size(); i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    constexpr char kHex[] = "0123456789abcdef";
    out += kHex[static_cast<uint8_t>(bytes[i]) >> 4];
    out += kHex[bytes[i] & 15];
  }
  return out;
}

}  // namespace

int64_t AvroDecoder::Long() {
  uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (at_ == in_.size()) Broken("it ends within a value");
    const auto byte = static_cast<uint8_t>(in_[at_++]);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0)
      return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }
  Broken("it has a number of too many bytes");
}

std::string_view AvroDecoder::Take(size_t count) {
  if (count > left()) Broken("it ends within a value");
  const std::string_view bytes = in_.substr(at_, count);
  at_ += count;
  return bytes;
}

size_t AvroDecoder::Length(size_t least) {
  const int64_t length = Long();
  if (length < 0 || static_cast<uint64_t>(length) > left() / least)
    Broken("it has a length beyond its end");
  return static_cast<size_t>(length);
}

int64_t AvroDecoder::BlockCount() {
  int64_t count = Long();
  if (count < 0) {
    if (count == INT64_MIN) Broken("it has a count beyond its end");
    count = -count;
    Long();  // the block's size in bytes
  }
  if (count > static_cast<int64_t>(left()) + kMaxEmptyItems)
    Broken("it has a count beyond its end");
  return count;
}

const AvroNode& AvroDecoder::Branch(const AvroNode& node) {
  const int64_t branch = Long();
  if (branch < 0 || static_cast<size_t>(branch) >= node.children.size())
    Broken("it has a branch that its union has not");
  return *node.children[static_cast<size_t>(branch)];
}

void AvroDecoder::Skip(const AvroNode& node) {
  switch (node.kind) {
    case AvroKind::kNull:
      return;
    case AvroKind::kBoolean:
      Take(1);
      return;
    case AvroKind::kInt:
    case AvroKind::kLong:
    case AvroKind::kEnum:
      Long();
      return;
    case AvroKind::kFloat:
      Take(4);
      return;
    case AvroKind::kDouble:
      Take(8);
      return;
    case AvroKind::kBytes:
    case AvroKind::kString:
      Bytes();
      return;
    case AvroKind::kFixed:
      Take(node.size);
      return;
    case AvroKind::kRecord:
      for (const auto& child : node.children) Skip(*child);
      return;
    case AvroKind::kArray:
    case AvroKind::kMap:
      for (int64_t count = Long(); count != 0; count = Long()) {
        if (count < 0) {
          Take(Length(1));
          continue;
        }
        if (count > static_cast<int64_t>(left()) + kMaxEmptyItems)
          Broken("it has a count beyond its end");
        for (; count > 0; count--) {
          if (node.kind == AvroKind::kMap) Bytes();
          Skip(*node.children[0]);
        }
      }
      return;
    case AvroKind::kUnion:
      Skip(Branch(node));
      return;
  }
}

void AvroDecoder::Read(const AvroNode& node, Vector& out, idx_t row) {
  switch (node.kind) {
    case AvroKind::kNull:
      FlatVector::SetNull(out, row, true);
      return;
    case AvroKind::kBoolean:
      Put<bool>(out, row, Take(1)[0] != 0);
      return;
    case AvroKind::kInt:
    case AvroKind::kLong:
      ReadNumber(node, out, row);
      return;
    case AvroKind::kFloat: {
      float value = 0;
      std::memcpy(&value, Take(sizeof value).data(), sizeof value);
      Put(out, row, value);
      return;
    }
    case AvroKind::kDouble: {
      double value = 0;
      std::memcpy(&value, Take(sizeof value).data(), sizeof value);
      Put(out, row, value);
      return;
    }
    case AvroKind::kBytes:
    case AvroKind::kFixed:
      if (node.logical == AvroLogical::kDecimal) {
        ReadDecimal(node, out, row);
        return;
      }
      ReadText(node, out, row);
      return;
    case AvroKind::kString:
    case AvroKind::kEnum:
      ReadText(node, out, row);
      return;
    case AvroKind::kRecord: {
      if (node.children.empty()) {
        FlatVector::SetNull(out, row, true);
        return;
      }
      auto& fields = duckdb::StructVector::GetEntries(out);
      for (size_t i = 0; i < node.children.size(); i++) Read(*node.children[i], *fields[i], row);
      return;
    }
    case AvroKind::kArray:
    case AvroKind::kMap:
      ReadItems(node, out, row);
      return;
    case AvroKind::kUnion:
      ReadUnion(node, out, row);
      return;
  }
}

void AvroDecoder::ReadNumber(const AvroNode& node, Vector& out, idx_t row) {
  const int64_t value = Long();
  if (node.kind == AvroKind::kInt && (value < INT32_MIN || value > INT32_MAX))
    Broken("it has an int of more than 32 bits");
  int64_t micros = 0;
  switch (node.logical) {
    case AvroLogical::kDate:
      Put(out, row, duckdb::date_t(static_cast<int32_t>(value)));
      return;
    case AvroLogical::kTimeMillis:
    case AvroLogical::kTimeMicros:
      micros = node.logical == AvroLogical::kTimeMillis ? value * 1000 : value;
      if (micros < 0 || micros >= duckdb::Interval::MICROS_PER_DAY)
        Broken("it has a time that is not of a day");
      Put(out, row, duckdb::dtime_t(micros));
      return;
    case AvroLogical::kTimestampMillis:
      if (__builtin_mul_overflow(value, int64_t{1000}, &micros))
        Broken("it has a timestamp out of range");
      Put(out, row, duckdb::timestamp_t(micros));
      return;
    case AvroLogical::kTimestampMicros:
      Put(out, row, duckdb::timestamp_t(value));
      return;
    case AvroLogical::kTimestampNanos:
      Put(out, row, duckdb::timestamp_t(value / 1000 - (value % 1000 < 0 ? 1 : 0)));
      return;
    default:
      break;
  }
  if (node.kind == AvroKind::kInt)
    Put(out, row, static_cast<int32_t>(value));
  else
    Put(out, row, value);
}

void AvroDecoder::ReadText(const AvroNode& node, Vector& out, idx_t row) {
  if (node.kind == AvroKind::kEnum) {
    const int64_t symbol = Long();
    if (symbol < 0 || static_cast<size_t>(symbol) >= node.names.size())
      Broken("it has a symbol that its enum has not");
    Put(out, row, duckdb::StringVector::AddString(out, node.names[static_cast<size_t>(symbol)]));
    return;
  }
  const std::string_view bytes = node.kind == AvroKind::kFixed ? Take(node.size) : Bytes();
  if (node.kind == AvroKind::kFixed && node.logical == AvroLogical::kUuid) {
    Put(out, row, duckdb::StringVector::AddString(out, UuidText(bytes)));
    return;
  }
  if (node.kind == AvroKind::kString && !duckdb::Value::StringIsValid(bytes.data(), bytes.size()))
    Broken("it has a string that is not UTF-8");
  Put(out, row, duckdb::StringVector::AddStringOrBlob(out, bytes.data(), bytes.size()));
}

// Two's complement, the highest byte first.
void AvroDecoder::ReadDecimal(const AvroNode& node, Vector& out, idx_t row) {
  std::string_view bytes = node.kind == AvroKind::kFixed ? Take(node.size) : Bytes();
  const char sign = !bytes.empty() && (bytes[0] & 0x80) != 0 ? '\xff' : '\0';
  while (bytes.size() > 16) {
    if (bytes[0] != sign) Broken("it has a decimal of too many digits");
    bytes.remove_prefix(1);
  }
  unsigned __int128 unscaled = sign == '\0' ? 0 : ~static_cast<unsigned __int128>(0);
  for (const char byte : bytes) unscaled = unscaled << 8 | static_cast<uint8_t>(byte);
  duckdb::hugeint_t value;
  value.upper = static_cast<int64_t>(unscaled >> 64);
  value.lower = static_cast<uint64_t>(unscaled);
  const uint8_t precision = duckdb::DecimalType::GetWidth(node.type);
  const duckdb::hugeint_t limit = duckdb::Hugeint::POWERS_OF_TEN[precision];
  if (value >= limit || value <= -limit) Broken("it has a decimal of too many digits");
  switch (node.type.InternalType()) {
    case duckdb::PhysicalType::INT16:
      Put(out, row, static_cast<int16_t>(value.lower));
      return;
    case duckdb::PhysicalType::INT32:
      Put(out, row, static_cast<int32_t>(value.lower));
      return;
    case duckdb::PhysicalType::INT64:
      Put(out, row, static_cast<int64_t>(value.lower));
      return;
    default:
      Put(out, row, value);
  }
}

void AvroDecoder::ReadItems(const AvroNode& node, Vector& out, idx_t row) {
  const idx_t offset = duckdb::ListVector::GetListSize(out);
  idx_t size = offset;
  for (int64_t count = BlockCount(); count != 0; count = BlockCount()) {
    duckdb::ListVector::Reserve(out, size + static_cast<idx_t>(count));
    for (; count > 0; count--, size++) {
      // The list's own vectors move when it grows within its items.
      if (node.kind == AvroKind::kMap) {
        auto& key = duckdb::MapVector::GetKeys(out);
        const std::string_view text = Bytes();
        if (!duckdb::Value::StringIsValid(text.data(), text.size()))
          Broken("it has a string that is not UTF-8");
        Put(key, size, duckdb::StringVector::AddStringOrBlob(key, text.data(), text.size()));
        Read(*node.children[0], duckdb::MapVector::GetValues(out), size);
      } else {
        Read(*node.children[0], duckdb::ListVector::GetEntry(out), size);
      }
    }
    duckdb::ListVector::SetListSize(out, size);
  }
  Put(out, row, duckdb::list_entry_t(offset, size - offset));
}

void AvroDecoder::ReadUnion(const AvroNode& node, Vector& out, idx_t row) {
  const AvroNode& branch = Branch(node);
  if (branch.kind == AvroKind::kNull) {
    FlatVector::SetNull(out, row, true);
    return;
  }
  if (branch.type == node.type) {
    Read(branch, out, row);
    return;
  }
  // A number that the union widens.
  double real = 0;
  int64_t whole = 0;
  if (branch.kind == AvroKind::kFloat) {
    float value = 0;
    std::memcpy(&value, Take(sizeof value).data(), sizeof value);
    real = static_cast<double>(value);
  } else {
    whole = Long();
    real = static_cast<double>(whole);
  }
  if (node.type == duckdb::LogicalType::BIGINT)
    Put(out, row, whole);
  else
    Put(out, row, real);
}

}  // namespace skep::external_scan
