// Well-known binary: the OGC's (WKB) and the extended form with an SRID (EWKB). A stored GEOMETRY
// or GEOGRAPHY is little-endian EWKB, plus one private flag. Bytes are hostile wherever they come
// from: each count is checked against what is left before it is used, nesting is limited. Sources:
// OGC 06-103r4 section 8 (WKB; +1000 for Z, +2000 for M), the extended form's flags.
#pragma once

#include <cmath>
#include <cstring>
#include <string>
#include <string_view>

#include "worker/functions/spatial/geometry.h"

namespace skep::worker::spatial {

// Redshift's limit of a value.
constexpr size_t kMaximumBytes = 1048447;

// In the type word of EWKB. The last is ours, of the stored form alone: made by DropBBox.
constexpr uint32_t kFlagZ = 0x80000000, kFlagM = 0x40000000, kFlagSrid = 0x20000000,
                   kFlagUnboxed = 0x10000000;

// Reads WKB or EWKB of either byte order. `stored` allows the private flag. Throws
// InvalidInputException.
Geometry ReadEwkb(std::string_view bytes, bool stored = true);
// What a value is stored as. Throws InvalidInputException above kMaximumBytes.
std::string WriteStored(const Geometry& geometry);

enum class BinaryForm {
  kWkb,          // OGC type numbers, no SRID
  kEwkb,         // OGC type numbers, SRID unless 0
  kExtendedEwkb  // flags for Z and M, SRID unless 0
};
std::string WriteBinary(const Geometry& geometry, BinaryForm form);
std::string UpperHex(std::string_view bytes);
// Throws InvalidInputException for an odd number of digits or another character.
std::string FromHex(std::string_view text);

// The points of one point, linestring or ring inside stored bytes.
struct Sequence {
  enum class Role : uint8_t { kPoint, kLine, kExterior, kInterior };
  Role role;
  const char* data;
  size_t count;  // 0 for an empty point
  Dimensions dimensions;

  double At(size_t point, size_t coordinate) const {
    double number;
    std::memcpy(&number, data + (point * dimensions.Count() + coordinate) * sizeof(double),
                sizeof number);
    return number;
  }
  double X(size_t point) const { return At(point, 0); }
  double Y(size_t point) const { return At(point, 1); }
};

struct Header {
  Kind kind;
  Dimensions dimensions;
  int32_t srid;
  bool boxed;
};

// Reads along stored bytes without building a value. Throws InvalidInputException.
class StoredReader {
 public:
  explicit StoredReader(std::string_view bytes) : rest_(bytes) {}

  Header ReadHeader();
  uint32_t ReadCount(size_t bytes_each);
  Sequence ReadSequence(Sequence::Role role, Dimensions dimensions, size_t count);
  size_t Left() const { return rest_.size(); }

 private:
  std::string_view Take(size_t bytes);
  std::string_view rest_;
};

[[noreturn]] void InvalidBinary();

// Calls `visit` with every Sequence of a stored value in order.
template <class Visit>
void WalkBody(StoredReader& reader, const Header& header, Visit& visit, int depth) {
  using Role = Sequence::Role;
  const size_t point_bytes = header.dimensions.Count() * sizeof(double);
  switch (header.kind) {
    case Kind::kPoint:
      visit(reader.ReadSequence(Role::kPoint, header.dimensions, 1));
      return;
    case Kind::kLineString:
      visit(reader.ReadSequence(Role::kLine, header.dimensions, reader.ReadCount(point_bytes)));
      return;
    case Kind::kPolygon: {
      const uint32_t rings = reader.ReadCount(sizeof(uint32_t));
      for (uint32_t i = 0; i < rings; i++) {
        const Role role = i == 0 ? Role::kExterior : Role::kInterior;
        visit(reader.ReadSequence(role, header.dimensions, reader.ReadCount(point_bytes)));
      }
      return;
    }
    default: {
      if (depth >= kMaximumDepth) InvalidBinary();
      const uint32_t members = reader.ReadCount(5);
      for (uint32_t i = 0; i < members; i++) {
        const Header member = reader.ReadHeader();
        if (member.dimensions != header.dimensions) InvalidBinary();
        WalkBody(reader, member, visit, depth + 1);
      }
    }
  }
}

template <class Visit>
Header Walk(std::string_view bytes, Visit&& visit) {
  StoredReader reader(bytes);
  const Header header = reader.ReadHeader();
  WalkBody(reader, header, visit, 0);
  if (reader.Left() > 0) InvalidBinary();
  return header;
}

}  // namespace skep::worker::spatial
