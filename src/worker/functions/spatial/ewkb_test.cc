#include "worker/functions/spatial/ewkb.h"

#include <gtest/gtest.h>

#include <duckdb.hpp>
#include <limits>

#include "worker/functions/spatial/measures.h"
#include "worker/functions/spatial/wkt.h"

namespace skep::worker::spatial {
namespace {

std::string StoredOf(const char* text) { return WriteStored(ParseWkt(text).geometry); }

const char* const kTexts[] = {
    "POINT(3 -4)",
    "SRID=26918;POINT ZM (1 2 3 4)",
    "POINT EMPTY",
    "SRID=7;LINESTRING M (0 0 1,2 2 5)",
    "LINESTRING EMPTY",
    "POLYGON((0 0,8 0,8 8,0 0),(1 1,2 1,2 2,1 1))",
    "POLYGON EMPTY",
    "MULTIPOINT Z ((1 2 3),EMPTY)",
    "MULTILINESTRING((0 0,1 1),EMPTY)",
    "MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))",
    "SRID=4326;GEOMETRYCOLLECTION(POINT(1 1),GEOMETRYCOLLECTION(LINESTRING(0 0,1 1)))",
    "GEOMETRYCOLLECTION EMPTY"};

TEST(Ewkb, ReadsBackWhatItWrites) {
  for (const char* text : kTexts) {
    const Geometry geometry = ParseWkt(text).geometry;
    EXPECT_EQ(WriteEwkt(geometry, 15), text);
    EXPECT_EQ(ReadEwkb(WriteStored(geometry)), geometry) << text;
    for (const auto form : {BinaryForm::kEwkb, BinaryForm::kExtendedEwkb})
      EXPECT_EQ(ReadEwkb(WriteBinary(geometry, form), false), geometry) << text;
    Geometry plain = geometry;
    SetSrid(plain, 0);
    EXPECT_EQ(ReadEwkb(WriteBinary(geometry, BinaryForm::kWkb), false), plain) << text;
  }
}

TEST(Ewkb, RefusesBytesThatEndEarlyOrLate) {
  for (const char* text : kTexts) {
    const std::string whole = StoredOf(text);
    for (size_t length = 0; length < whole.size(); length++) {
      const std::string cut = whole.substr(0, length);
      EXPECT_THROW(ReadEwkb(cut), duckdb::InvalidInputException) << text;
      EXPECT_THROW(CountPoints(cut), duckdb::InvalidInputException) << text;
    }
    EXPECT_THROW(ReadEwkb(whole + whole), duckdb::InvalidInputException);
    EXPECT_THROW(CountPoints(whole + "x"), duckdb::InvalidInputException);
  }
}

// Every byte changed in turn: an error or a value, never more memory than the bytes could hold.
TEST(Ewkb, SurvivesChangedBytes) {
  for (const char* text : kTexts) {
    const std::string whole = StoredOf(text);
    for (size_t at = 0; at < whole.size(); at++) {
      for (const char change : {'\x01', '\x7f', '\xff'}) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ change);
        try {
          ReadEwkb(bytes);
          CountPoints(bytes);
        } catch (const duckdb::InvalidInputException&) {
        }
      }
    }
  }
}

TEST(Ewkb, RefusesCountsAboveWhatIsLeft) {
  std::string line = StoredOf("LINESTRING(0 0,1 1)");
  line.replace(5, 4, "\xff\xff\xff\xff");
  EXPECT_THROW(ReadEwkb(line), duckdb::InvalidInputException);
  EXPECT_THROW(CountPoints(line), duckdb::InvalidInputException);
}

TEST(Ewkb, RefusesDeepNesting) {
  Geometry nested;
  nested.kind = Kind::kCollection;
  for (int i = 0; i < kMaximumDepth + 2; i++) {
    Geometry outer;
    outer.kind = Kind::kCollection;
    outer.parts.push_back(std::move(nested));
    nested = std::move(outer);
  }
  const std::string bytes = WriteStored(nested);
  EXPECT_THROW(ReadEwkb(bytes), duckdb::InvalidInputException);
  EXPECT_THROW(CountPoints(bytes), duckdb::InvalidInputException);
}

TEST(Ewkb, RefusesMembersOfTheWrongSubtype) {
  Geometry points;
  points.kind = Kind::kMultiPoint;
  points.parts.push_back(ParseWkt("LINESTRING(0 0,1 1)").geometry);
  EXPECT_THROW(ReadEwkb(WriteStored(points)), duckdb::InvalidInputException);
}

TEST(Ewkb, ReadsBigEndian) {
  EXPECT_EQ(WriteEwkt(ReadEwkb(FromHex("0000000001400000000000000040080000000000"
                                       "00"),
                               false),
                      15),
            "POINT(2 3)");
  EXPECT_EQ(WriteEwkt(ReadEwkb(FromHex("00A00003E9000000094000000000000000400800000000"
                                       "00004010000000000000"),
                               false),
                      15),
            "SRID=9;POINT Z (2 3 4)");
}

TEST(Ewkb, KeepsItsPrivateFlagToItself) {
  Geometry point = NewPoint(1, 2);
  point.boxed = false;
  EXPECT_FALSE(ReadEwkb(WriteStored(point)).boxed);
  EXPECT_THROW(ReadEwkb(WriteStored(point), false), duckdb::InvalidInputException);
  EXPECT_TRUE(ReadEwkb(WriteBinary(point, BinaryForm::kExtendedEwkb), false).boxed);
}

TEST(Ewkb, RefusesValuesAboveTheMaximum) {
  Geometry line;
  line.kind = Kind::kLineString;
  line.coordinates.assign(2 * 65528, 1.0);
  EXPECT_THROW(WriteStored(line), duckdb::InvalidInputException);
  line.coordinates.resize(2 * 65527);
  EXPECT_LE(WriteStored(line).size(), kMaximumBytes);
}

TEST(Ewkb, RefusesTextThatIsNotHexadecimal) {
  EXPECT_THROW(FromHex("012"), duckdb::InvalidInputException);
  EXPECT_THROW(FromHex("0g"), duckdb::InvalidInputException);
  EXPECT_EQ(UpperHex(FromHex("0aBc")), "0ABC");
}

TEST(Wkt, ReadsEveryWayToWriteDimensions) {
  for (const char* text :
       {"POINT Z (1 2 3)", "pointz(1 2 3)", "Point  z(1 2 3)", "POINT(1 2 3)", " POINT Z(1 2 3 ) "})
    EXPECT_EQ(WriteWkt(ParseWkt(text).geometry, 15), "POINT Z (1 2 3)") << text;
  EXPECT_EQ(WriteWkt(ParseWkt("multipoint m(1 2 3,empty)").geometry, 15),
            "MULTIPOINT M ((1 2 3),EMPTY)");
  EXPECT_EQ(
      WriteWkt(ParseWkt("GEOMETRYCOLLECTION ZM (POINT(1 2 3 4),POINT ZM EMPTY)").geometry, 15),
      "GEOMETRYCOLLECTION ZM (POINT ZM (1 2 3 4),POINT ZM EMPTY)");
}

TEST(Wkt, RefusesWhatIsNotText) {
  for (const char* text : {"",
                           "POINT",
                           "POINT(",
                           "POINT(1)",
                           "POINT(1 2",
                           "POINT(1 2))",
                           "POINT(1 2 3 4 5)",
                           "POINT(nan 1)",
                           "POINT(inf 1)",
                           "POINT(1e999 1)",
                           "POINT Q (1 2)",
                           "CIRCLE(1 2)",
                           "POINT M (1 2)",
                           "LINESTRING(1 2,3 4 5)",
                           "POINT((1 2))",
                           "SRID=;POINT(1 2)",
                           "SRID=-1;POINT(1 2)",
                           "SRID=99999999999;POINT(1 2)",
                           "SRID=4 POINT(1 2)",
                           "GEOMETRYCOLLECTION(POINT Z (1 2 3),POINT(1 2))",
                           "POLYGON(1 2,3 4)",
                           "MULTIPOINT(1 2,)"})
    EXPECT_THROW(ParseWkt(text), duckdb::InvalidInputException) << text;
}

TEST(Wkt, RefusesDeepNesting) {
  std::string text, end;
  for (int i = 0; i < 100000; i++) {
    text += "GEOMETRYCOLLECTION(";
    end += ")";
  }
  EXPECT_THROW(ParseWkt(text + "POINT(1 1)" + end), duckdb::InvalidInputException);
}

TEST(Wkt, WritesSignificantDigits) {
  const Geometry point = ParseWkt("POINT(0.00001234567890123456 123456789.87654321)").geometry;
  EXPECT_EQ(WriteWkt(point, 15), "POINT(1.23456789012346e-05 123456789.876543)");
  EXPECT_EQ(WriteWkt(point, 3), "POINT(1.23e-05 1.23e+08)");
  EXPECT_EQ(WriteWkt(NewPoint(1e300, -0.5), 15), "POINT(1e+300 -0.5)");
}

}  // namespace
}  // namespace skep::worker::spatial
