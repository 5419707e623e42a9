#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using SpatialFormats = FunctionsTest;

TEST_F(SpatialFormats, ReadsTextWithAndWithoutAnSrid) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_geomfromtext('point(1 2)')),"
                "       rs_st_asewkt(rs_st_geomfromtext('point(1 2)', 3857)),"
                "       rs_st_asewkt(rs_st_geomfromewkt('srid=31; LINESTRING ( 1 2 , 3 4 )'))"),
            "POINT(1 2)|SRID=3857;POINT(1 2)|SRID=31;LINESTRING(1 2,3 4)");
  // ST_GeomFromText: a negative SRID gives NULL, one that cannot be an SRID an error.
  EXPECT_EQ(Ask("select rs_st_geomfromtext('point(1 2)', -1), rs_st_geomfromtext(null),"
                "       rs_st_geomfromtext('point(1 2)', null)"),
            "NULL|NULL|NULL");
  EXPECT_EQ(Ask("select rs_st_geomfromtext('point(1 2)', 5000000000)"),
            "ERROR invalid SRID 5000000000");
  EXPECT_EQ(Ask("select rs_st_geomfromtext('pint(1 2)')").substr(0, 27),
            "ERROR parse error - invalid");
}

TEST_F(SpatialFormats, WritesWkbWithTypeNumbersAndEwkbWithFlags) {
  const std::string numbers = "000000000000F03F00000000000000400000000000000840";
  EXPECT_EQ(Ask("select rs_st_ashexwkb(rs_st_geomfromtext('POINT Z (1 2 3)', 9)),"
                "       rs_st_ashexewkb(rs_st_geomfromtext('POINT Z (1 2 3)', 9)),"
                "       hex(rs_st_asbinary(rs_st_geomfromtext('POINT M (1 2 3)', 9))),"
                "       hex(rs_st_asewkb(rs_st_geomfromtext('POINT M (1 2 3)', 9)))"),
            "01E9030000" + numbers + "|01010000A009000000" + numbers + "|01D1070000" + numbers +
                "|01D107002009000000" + numbers);
}

TEST_F(SpatialFormats, ReadsWkbFromTextAndBytes) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_geomfromwkb(h)), rs_st_asewkt(rs_st_geomfromwkb(h, 12)),"
                "       rs_st_asewkt(rs_st_geomfromewkb(h)), rs_st_asewkt(rs_st_geogfromwkb(h)),"
                "       rs_st_asewkt(rs_st_geomfromwkb(unhex(h))), rs_st_geomfromwkb(h, -2)"
                " from (select '01010000000000000000001C400000000000002040' h)"),
            "POINT(7 8)|SRID=12;POINT(7 8)|POINT(7 8)|SRID=4326;POINT(7 8)|POINT(7 8)|NULL");
  EXPECT_EQ(Ask("select rs_st_geomfromwkb('0101')"),
            "ERROR invalid well-known binary representation of a geometry");
}

TEST_F(SpatialFormats, WritesGeoJson) {
  EXPECT_EQ(Ask("select rs_st_asgeojson('POINT(1.5 -2)'), rs_st_asgeojson('POINT ZM (1 2 3 4)'),"
                "       rs_st_asgeojson('LINESTRING M (1 2 9,3 4 9)'),"
                "       rs_st_asgeojson('POINT EMPTY')"),
            R"({"type":"Point","coordinates":[1.5,-2]}|{"type":"Point","coordinates":[1,2,3]}|)"
            R"({"type":"LineString","coordinates":[[1,2],[3,4]]}|)"
            R"({"type":"Point","coordinates":[]})");
  EXPECT_EQ(Ask("select rs_st_asgeojson('GEOMETRYCOLLECTION(POINT(1 2))')"),
            R"({"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]}]})");
}

TEST_F(SpatialFormats, ReadsGeoJson) {
  // ST_GeomFromGeoJSON: always SRID 4326; one point of three numbers makes all of them 3DZ.
  EXPECT_EQ(Ask(R"(select rs_st_asewkt(rs_st_geomfromgeojson(
      '{"coordinates": [[4, 5], [6, 7, 8]], "type": "MultiPoint"}')))"),
            "SRID=4326;MULTIPOINT Z ((4 5 0),(6 7 8))");
  for (const char* wrong :
       {"", "null", "[]", "{}", R"({"type":"Point"})", R"({"type":"Dot","coordinates":[1,2]})",
        R"({"type":"Point","coordinates":[1]})", R"({"type":"Point","coordinates":["1","2"]})",
        R"({"type":"Point","coordinates":[1e400,2]})", R"({"type":1,"coordinates":[1,2]})",
        R"({"type":"GeometryCollection","geometries":[5]})"}) {
    EXPECT_EQ(Ask("select rs_st_geomfromgeojson('" + std::string(wrong) + "')").substr(0, 21),
              "ERROR invalid GeoJSON")
        << wrong;
  }
  EXPECT_EQ(Ask("select rs_st_geomfromgeojson(repeat('[', 100000))").substr(0, 21),
            "ERROR invalid GeoJSON");
}

TEST_F(SpatialFormats, WritesAndReadsGeoHashes) {
  // The published example of the format: 57.64911, 10.40744.
  EXPECT_EQ(Ask("select rs_st_geohash(rs_st_point(10.40744, 57.64911), 11)"), "u4pruydqqvj");
  EXPECT_EQ(Ask("select length(rs_st_geohash(rs_st_point(1, 2))), rs_st_geohash('POINT EMPTY')"),
            "20|NULL");
  EXPECT_EQ(Ask("select rs_st_astext(rs_st_geomfromgeohash('s')),"
                "       rs_st_astext(rs_st_geomfromgeohash('S00', 1)),"
                "       rs_st_astext(rs_st_geomfromgeohash('s', -1))"),
            "POLYGON((0 0,0 45,45 45,45 0,0 0))|POLYGON((0 0,0 45,45 45,45 0,0 0))|"
            "POLYGON((0 0,0 45,45 45,45 0,0 0))");
  EXPECT_EQ(Ask("select rs_st_geomfromgeohash('ail')"), "ERROR invalid character in a geohash");
  EXPECT_EQ(Ask("select rs_st_geohash('LINESTRING(0 0,1 1)')"),
            "ERROR ST_GeoHash is defined for points only");
  EXPECT_EQ(Ask("select rs_st_geohash('POINT(181 0)')").substr(0, 24), "ERROR geohash of a point");
}

TEST_F(SpatialFormats, TakesPrecisionWithinItsRange) {
  EXPECT_EQ(Ask("select rs_st_astext('POINT(1.23456789 2)', 4), rs_st_asewkt('POINT(0.5 2)', 1),"
                "       rs_st_astext('POINT(1.25 2)', 99), rs_st_astext('POINT(1 2)', null)"),
            "POINT(1.235 2)|POINT(0.5 2)|POINT(1.25 2)|NULL");
}

TEST_F(SpatialFormats, RefusesTextsAboveAVarchar) {
  const std::string line =
      "rs_st_geomfromtext('LINESTRING(' || repeat('1.111111 2.222222,', 5000) || '0 0)')";
  EXPECT_EQ(Ask("select rs_st_astext(" + line + ")").substr(0, 15), "ERROR result of");
  EXPECT_EQ(Ask("select rs_st_numpoints(" + line + ")"), "5001");
}

TEST_F(SpatialFormats, CastsTextBytesAndEachOther) {
  EXPECT_EQ(Ask("select rs_st_asewkt('POINT(1 2)'::rs_geometry::rs_geography),"
                "       rs_st_asewkt('SRID=4269;POINT(1 2)'::rs_geography::rs_geometry),"
                "       'POINT(7 8)'::rs_geometry::varchar,"
                "       rs_st_asewkt('01010000000000000000001C400000000000002040'::rs_geography),"
                "       try_cast('nonsense' as rs_geometry),"
                "       rs_st_astext('POINT(7 8)'::rs_geometry::blob::rs_geometry)"),
            "SRID=4326;POINT(1 2)|SRID=4269;POINT(1 2)|01010000000000000000001C400000000000002040|"
            "SRID=4326;POINT(7 8)|NULL|POINT(7 8)");
  EXPECT_TRUE(
      Ask("select 'SRID=26918;POINT(1 2)'::rs_geometry::rs_geography")
          .starts_with("ERROR SRID 26918 is not that of a known geographic coordinate system"));
  EXPECT_EQ(TypeOf("rs_st_point(1, 2)"), "RS_GEOMETRY");
  EXPECT_EQ(TypeOf("rs_st_geogfromtext('POINT(1 2)')"), "RS_GEOGRAPHY");
}

TEST_F(SpatialFormats, TakesALiteralForAGeometryAndNoColumnOfText) {
  EXPECT_EQ(Ask("select rs_st_x('POINT(4 5)'), rs_st_area('POINT(4 5)'), rs_st_astext(null)"),
            "4.0|0.0|NULL");
  EXPECT_EQ(Ask("select rs_st_area(5)"), "ERROR function st_area(integer) does not exist");
  EXPECT_EQ(Ask("select rs_st_astext(s || '') from (select 'POINT(1 2)' s)"),
            "ERROR function st_astext(varchar) does not exist");
}

TEST_F(SpatialFormats, HandlesColumnsWithNulls) {
  Ask("create table points as select case when i % 7 > 0 then rs_st_point(i, -i) end p, i"
      " from range(5000) t(i)");
  EXPECT_EQ(
      Ask("select count(p), sum(rs_st_x(p)), count(rs_st_astext(p)),"
          "       sum((rs_st_astext(p) = 'POINT(' || i || ' ' || -i || ')')::int) from points"),
      Ask("select count(*), sum(i)::double, count(*), count(*) - 0 from range(5000) t(i)"
          " where i % 7 > 0"));
  EXPECT_EQ(Ask("select typeof(p) from points limit 1"), "RS_GEOMETRY");
  EXPECT_EQ(Ask("select count(*) from points where rs_st_astext(rs_st_setsrid(p, 5)) is null"),
            "715");
}

}  // namespace
}  // namespace skep::worker
