#include "worker/functions/spatial/ewkb.h"

#include <bit>
#include <duckdb.hpp>
#include <limits>
#include <utility>

#include "base/crypto.h"

namespace skep::worker::spatial {
namespace {

static_assert(std::endian::native == std::endian::little);

struct TypeWord {
  Kind kind;
  Dimensions dimensions;
  bool srid, boxed;
};

TypeWord ParseTypeWord(uint32_t word) {
  const uint32_t number = word & 0x0fffffff;
  const uint32_t kind = number % 1000, ogc = number / 1000;
  if (kind < 1 || kind > 7 || ogc > 3) InvalidBinary();
  TypeWord result{};
  result.kind = static_cast<Kind>(kind);
  result.dimensions.z = (word & kFlagZ) != 0 || ogc == 1 || ogc == 3;
  result.dimensions.m = (word & kFlagM) != 0 || ogc == 2 || ogc == 3;
  result.srid = (word & kFlagSrid) != 0;
  result.boxed = (word & kFlagUnboxed) == 0;
  return result;
}

bool IsEmptyPoint(const double* numbers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!std::isnan(numbers[i])) return false;
  }
  return true;
}

// Either byte order, building the model.
class Reader {
 public:
  Reader(std::string_view bytes, bool stored) : rest_(bytes), stored_(stored) {}

  Geometry ReadAll() {
    Geometry geometry = Read(0);
    if (!rest_.empty()) InvalidBinary();
    SetSrid(geometry, geometry.srid);
    return geometry;
  }

 private:
  template <class T>
  T Take() {
    if (rest_.size() < sizeof(T)) InvalidBinary();
    T value;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  uint32_t Word() {
    const auto word = Take<uint32_t>();
    return swap_ ? std::byteswap(word) : word;
  }
  uint32_t Count(size_t bytes_each) {
    const uint32_t count = Word();
    if (count > rest_.size() / bytes_each) InvalidBinary();
    return count;
  }
  void Points(Geometry& line, size_t count) {
    const size_t numbers = count * line.dimensions.Count();
    if (numbers > rest_.size() / sizeof(double)) InvalidBinary();
    line.coordinates.resize(numbers);
    for (double& number : line.coordinates) {
      const auto bits = Take<uint64_t>();
      number = std::bit_cast<double>(swap_ ? std::byteswap(bits) : bits);
    }
  }
  Geometry Read(int depth) {
    const auto order = Take<uint8_t>();
    if (order > 1) InvalidBinary();
    swap_ = order == 0;
    const uint32_t word = Word();
    if (!stored_ && (word & kFlagUnboxed) != 0) InvalidBinary();
    const TypeWord type = ParseTypeWord(word);
    Geometry geometry;
    geometry.kind = type.kind;
    geometry.dimensions = type.dimensions;
    geometry.boxed = type.boxed;
    if (type.srid) geometry.srid = static_cast<int32_t>(Word());
    if (geometry.srid < 0) InvalidBinary();
    const size_t point_bytes = type.dimensions.Count() * sizeof(double);
    switch (type.kind) {
      case Kind::kPoint:
        Points(geometry, 1);
        if (IsEmptyPoint(geometry.coordinates.data(), geometry.coordinates.size()))
          geometry.coordinates.clear();
        break;
      case Kind::kLineString:
        Points(geometry, Count(point_bytes));
        break;
      case Kind::kPolygon: {
        const uint32_t rings = Count(sizeof(uint32_t));
        for (uint32_t i = 0; i < rings; i++) {
          Geometry& ring = geometry.parts.emplace_back(NewLike(geometry, Kind::kLineString));
          Points(ring, Count(point_bytes));
        }
        break;
      }
      default: {
        if (depth >= kMaximumDepth) InvalidBinary();
        const uint32_t members = Count(5);
        for (uint32_t i = 0; i < members; i++) {
          Geometry member = Read(depth + 1);
          if (member.dimensions != geometry.dimensions) InvalidBinary();
          if (geometry.kind != Kind::kCollection && MultiOf(member.kind) != geometry.kind)
            InvalidBinary();
          if (geometry.kind != Kind::kCollection && IsCollection(member.kind)) InvalidBinary();
          geometry.parts.push_back(std::move(member));
        }
      }
    }
    return geometry;
  }

  std::string_view rest_;
  bool stored_;
  bool swap_ = false;
};

enum class Words { kOgc, kFlags };

void Append(std::string& out, uint32_t word) {
  out.append(reinterpret_cast<const char*>(&word), sizeof word);
}

void AppendNumbers(std::string& out, const std::vector<double>& numbers) {
  out.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(double));
}

void Write(std::string& out, const Geometry& geometry, Words words, uint32_t flags) {
  uint32_t word = static_cast<uint32_t>(geometry.kind) | flags;
  const Dimensions dimensions = geometry.dimensions;
  if (words == Words::kOgc) {
    word += (dimensions.z ? 1000 : 0) + (dimensions.m ? 2000 : 0);
  } else {
    word |= (dimensions.z ? kFlagZ : 0) | (dimensions.m ? kFlagM : 0);
  }
  out.push_back(1);
  Append(out, word);
  if ((flags & kFlagSrid) != 0) Append(out, static_cast<uint32_t>(geometry.srid));
  switch (geometry.kind) {
    case Kind::kPoint:
      if (geometry.coordinates.empty()) {
        AppendNumbers(
            out, std::vector<double>(dimensions.Count(), std::numeric_limits<double>::quiet_NaN()));
      } else {
        AppendNumbers(out, geometry.coordinates);
      }
      return;
    case Kind::kLineString:
      Append(out, static_cast<uint32_t>(geometry.Points()));
      AppendNumbers(out, geometry.coordinates);
      return;
    case Kind::kPolygon:
      Append(out, static_cast<uint32_t>(geometry.parts.size()));
      for (const auto& ring : geometry.parts) {
        Append(out, static_cast<uint32_t>(ring.Points()));
        AppendNumbers(out, ring.coordinates);
      }
      return;
    default:
      Append(out, static_cast<uint32_t>(geometry.parts.size()));
      for (const auto& part : geometry.parts) Write(out, part, words, 0);
  }
}

}  // namespace

void InvalidBinary() {
  throw duckdb::InvalidInputException("invalid well-known binary representation of a geometry");
}

Geometry ReadEwkb(std::string_view bytes, bool stored) { return Reader(bytes, stored).ReadAll(); }

std::string WriteStored(const Geometry& geometry) {
  std::string out;
  const uint32_t flags = (geometry.srid != 0 ? kFlagSrid : 0) | (geometry.boxed ? 0 : kFlagUnboxed);
  Write(out, geometry, Words::kFlags, flags);
  if (out.size() > kMaximumBytes) {
    throw duckdb::InvalidInputException(
        "geometry of %llu bytes is larger than the maximum of %llu bytes", out.size(),
        kMaximumBytes);
  }
  return out;
}

std::string WriteBinary(const Geometry& geometry, BinaryForm form) {
  std::string out;
  const bool srid = form != BinaryForm::kWkb && geometry.srid != 0;
  Write(out, geometry, form == BinaryForm::kExtendedEwkb ? Words::kFlags : Words::kOgc,
        srid ? kFlagSrid : 0);
  return out;
}

std::string UpperHex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text(bytes.size() * 2, '\0');
  for (size_t i = 0; i < bytes.size(); i++) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    text[2 * i] = kDigits[byte >> 4];
    text[2 * i + 1] = kDigits[byte & 15];
  }
  return text;
}

std::string FromHex(std::string_view text) {
  auto bytes = HexDecode(text);
  if (!bytes) InvalidBinary();
  return *std::move(bytes);
}

std::string_view StoredReader::Take(size_t bytes) {
  if (rest_.size() < bytes) InvalidBinary();
  const std::string_view taken = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return taken;
}

Header StoredReader::ReadHeader() {
  if (Take(1)[0] != 1) InvalidBinary();
  uint32_t word;
  std::memcpy(&word, Take(sizeof word).data(), sizeof word);
  const TypeWord type = ParseTypeWord(word);
  Header header{type.kind, type.dimensions, 0, type.boxed};
  if (type.srid) std::memcpy(&header.srid, Take(sizeof header.srid).data(), sizeof header.srid);
  return header;
}

uint32_t StoredReader::ReadCount(size_t bytes_each) {
  uint32_t count;
  std::memcpy(&count, Take(sizeof count).data(), sizeof count);
  if (count > rest_.size() / bytes_each) InvalidBinary();
  return count;
}

Sequence StoredReader::ReadSequence(Sequence::Role role, Dimensions dimensions, size_t count) {
  Sequence sequence{role, Take(count * dimensions.Count() * sizeof(double)).data(), count,
                    dimensions};
  if (role == Sequence::Role::kPoint) {
    bool empty = true;
    for (size_t i = 0; i < dimensions.Count(); i++) empty &= std::isnan(sequence.At(0, i));
    if (empty) sequence.count = 0;
  }
  return sequence;
}

}  // namespace skep::worker::spatial
