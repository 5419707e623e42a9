#include <limits>

#include "worker/functions/spatial/chapters.h"
#include "worker/functions/spatial/geography.h"
#include "worker/functions/spatial/geohash.h"
#include "worker/functions/spatial/geojson.h"
#include "worker/functions/spatial/wkt.h"

namespace skep::worker::spatial {
namespace {

constexpr size_t kMaximumText = 65535;

std::string Limited(std::string text) {
  if (text.size() > kMaximumText) {
    throw duckdb::InvalidInputException(
        "result of %llu bytes is larger than the maximum of %llu bytes of a VARCHAR", text.size(),
        kMaximumText);
  }
  return text;
}

int32_t ValidSrid(int64_t srid) {
  if (srid < 0 || srid > std::numeric_limits<int32_t>::max())
    throw duckdb::InvalidInputException("invalid SRID %lld", srid);
  return static_cast<int32_t>(srid);
}

std::optional<Geometry> WithSrid(Geometry geometry, int64_t srid) {
  if (srid < 0) return std::nullopt;
  SetSrid(geometry, ValidSrid(srid));
  return geometry;
}

Geometry FromText(std::string_view text) { return ParseWkt(text).geometry; }
std::optional<Geometry> FromTextWithSrid(std::string_view text, int64_t srid) {
  return WithSrid(FromText(text), srid);
}
Geometry FromWkb(std::string_view hex) { return ReadEwkb(FromHex(hex), false); }
std::optional<Geometry> FromWkbWithSrid(std::string_view hex, int64_t srid) {
  return WithSrid(FromWkb(hex), srid);
}
Geometry FromBytes(Bytes bytes) { return ReadEwkb(bytes.bytes, false); }
std::optional<Geometry> FromBytesWithSrid(Bytes bytes, int64_t srid) {
  return WithSrid(FromBytes(bytes), srid);
}
Geography GeographyFromText(std::string_view text) { return {ToGeography(FromText(text))}; }
Geography GeographyFromWkb(std::string_view hex) { return {ToGeography(FromWkb(hex))}; }
Geography GeographyFromBytes(Bytes bytes) { return {ToGeography(FromBytes(bytes))}; }

Geometry FromGeoHash(std::string_view text) { return ParseGeoHash(text); }
Geometry FromGeoHashOf(std::string_view text, int64_t characters) {
  if (characters < 0 || static_cast<uint64_t>(characters) > text.size()) return ParseGeoHash(text);
  return ParseGeoHash(text.substr(0, static_cast<size_t>(characters)));
}
std::optional<std::string> GeoHashOf(const Geometry& point, int64_t precision) {
  if (point.kind != Kind::kPoint)
    throw duckdb::InvalidInputException("ST_GeoHash is defined for points only");
  if (point.IsEmpty()) return std::nullopt;
  if (precision < 1 || precision > kMaximumGeoHash)
    throw duckdb::InvalidInputException("precision of a geohash must be between 1 and %lld",
                                        kMaximumGeoHash);
  return WriteGeoHash(point.X(0), point.Y(0), static_cast<size_t>(precision));
}
std::optional<std::string> GeoHash(const Geometry& point) {
  constexpr int64_t kDefault = 20;
  return GeoHashOf(point, kDefault);
}

// Each form for a stored GEOMETRY and a stored GEOGRAPHY: the bytes are alike.
template <class Value>
std::string AsText(Value value) {
  return Limited(WriteWkt(ReadEwkb(value.bytes), kDefaultPrecision));
}
template <class Value>
std::string AsTextOf(Value value, int64_t precision) {
  return Limited(WriteWkt(ReadEwkb(value.bytes), Precision(precision)));
}
template <class Value>
std::string AsEwkt(Value value) {
  return Limited(WriteEwkt(ReadEwkb(value.bytes), kDefaultPrecision));
}
template <class Value>
std::string AsEwktOf(Value value, int64_t precision) {
  return Limited(WriteEwkt(ReadEwkb(value.bytes), Precision(precision)));
}
template <class Value>
std::string AsGeoJson(Value value) {
  return Limited(WriteGeoJson(ReadEwkb(value.bytes), kDefaultPrecision));
}
template <class Value>
std::string AsGeoJsonOf(Value value, int64_t precision) {
  return Limited(WriteGeoJson(ReadEwkb(value.bytes), Precision(precision)));
}
template <class Value, BinaryForm form>
std::string AsHex(Value value) {
  return Limited(UpperHex(WriteBinary(ReadEwkb(value.bytes), form)));
}
template <BinaryForm form>
OwnedBytes AsBytes(Stored value) {
  return {WriteBinary(ReadEwkb(value.bytes), form)};
}

}  // namespace

Geometry ParseAny(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '0')
    return FromWkb(text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first));
  return FromText(text);
}

void AddFormats(Overloads& functions) {
  using enum BinaryForm;
  functions.Add<&FromText>("rs_st_geomfromtext");
  functions.Add<&FromTextWithSrid>("rs_st_geomfromtext");
  functions.Add<&FromText>("rs_st_geomfromewkt");
  functions.Add<&FromWkb>("rs_st_geomfromwkb");
  functions.Add<&FromWkbWithSrid>("rs_st_geomfromwkb");
  functions.Add<&FromBytes>("rs_st_geomfromwkb");
  functions.Add<&FromBytesWithSrid>("rs_st_geomfromwkb");
  functions.Add<&FromWkb>("rs_st_geomfromewkb");
  functions.Add<&FromBytes>("rs_st_geomfromewkb");
  functions.Add<&GeographyFromText>("rs_st_geogfromtext");
  functions.Add<&GeographyFromWkb>("rs_st_geogfromwkb");
  functions.Add<&GeographyFromBytes>("rs_st_geogfromwkb");
  functions.Add<&ParseGeoJson>("rs_st_geomfromgeojson");
  functions.Add<&FromGeoHash>("rs_st_geomfromgeohash");
  functions.Add<&FromGeoHashOf>("rs_st_geomfromgeohash");
  functions.Add<&GeoHash>("rs_st_geohash");
  functions.Add<&GeoHashOf>("rs_st_geohash");
  functions.AddEither<&AsText<Stored>, &AsText<StoredGeography>>("rs_st_astext");
  functions.AddEither<&AsTextOf<Stored>, &AsTextOf<StoredGeography>>("rs_st_astext");
  functions.AddEither<&AsEwkt<Stored>, &AsEwkt<StoredGeography>>("rs_st_asewkt");
  functions.AddEither<&AsEwktOf<Stored>, &AsEwktOf<StoredGeography>>("rs_st_asewkt");
  functions.AddEither<&AsGeoJson<Stored>, &AsGeoJson<StoredGeography>>("rs_st_asgeojson");
  functions.AddEither<&AsGeoJsonOf<Stored>, &AsGeoJsonOf<StoredGeography>>("rs_st_asgeojson");
  functions.AddEither<&AsHex<Stored, kWkb>, &AsHex<StoredGeography, kWkb>>("rs_st_ashexwkb");
  functions.AddEither<&AsHex<Stored, kExtendedEwkb>, &AsHex<StoredGeography, kExtendedEwkb>>(
      "rs_st_ashexewkb");
  functions.Add<&AsBytes<kWkb>>("rs_st_asbinary");
  functions.Add<&AsBytes<kEwkb>>("rs_st_asewkb");
}

}  // namespace skep::worker::spatial
