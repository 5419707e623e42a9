#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using SpatialAccessors = FunctionsTest;

TEST_F(SpatialAccessors, NamesSubtypes) {
  EXPECT_EQ(
      Ask("select rs_geometrytype('POINT(1 2)'), rs_geometrytype('LINESTRING M (1 2 3,4 5 6)'),"
          "       rs_geometrytype('POLYGON ZM EMPTY'),"
          "       rs_st_geometrytype('MULTILINESTRING M EMPTY'),"
          "       rs_st_geometrytype('GEOMETRYCOLLECTION EMPTY')"),
      "POINT|LINESTRINGM|POLYGON|ST_MultiLineString|ST_GeometryCollection");
}

TEST_F(SpatialAccessors, TellsDimensions) {
  EXPECT_EQ(Ask("select rs_st_ndims('POINT(1 2)'), rs_st_ndims('POINT M (1 2 3)'),"
                "       rs_st_ndims('POINT ZM EMPTY'), rs_st_srid('SRID=77;POINT(1 2)'),"
                "       rs_st_srid('POINT(1 2)'), rs_st_dimension('MULTIPOINT(1 2)'),"
                "       rs_st_dimension('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))'),"
                "       rs_st_dimension('GEOMETRYCOLLECTION EMPTY'),"
                "       rs_st_dimension('MULTIPOLYGON EMPTY')"),
            "2|3|4|77|0|0|1|0|2");
}

TEST_F(SpatialAccessors, ReadsCoordinatesOfPointsAlone) {
  EXPECT_EQ(Ask("select rs_st_x(p), rs_st_y(p), rs_st_z(p), rs_st_m(p) from (values"
                " ('POINT ZM (1 2 3 4)'::rs_geometry), ('POINT M (1 2 4)'), ('POINT EMPTY'), (null)"
                ") t(p)"),
            "1.0|2.0|3.0|4.0 ; 1.0|2.0|NULL|4.0 ; NULL|NULL|NULL|NULL ; NULL|NULL|NULL|NULL");
  EXPECT_EQ(Ask("select rs_st_x('LINESTRING(1 2,3 4)')"),
            "ERROR argument must be of subtype POINT, not LINESTRING");
}

TEST_F(SpatialAccessors, FindsExtremes) {
  EXPECT_EQ(
      Ask("select rs_st_xmin(g), rs_st_xmax(g), rs_st_ymin(g), rs_st_ymax(g), rs_st_zmin(g),"
          "       rs_st_zmax(g), rs_st_mmin(g), rs_st_mmax(g) from (values"
          " ('LINESTRING ZM (5 1 9 2,-3 4 7 8)'::rs_geometry), ('MULTIPOINT M (1 2 3,EMPTY)'),"
          " ('LINESTRING EMPTY')) t(g)"),
      "-3.0|5.0|1.0|4.0|7.0|9.0|2.0|8.0 ; 1.0|1.0|2.0|2.0|NULL|NULL|3.0|3.0 ; "
      "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL");
}

TEST_F(SpatialAccessors, Counts) {
  EXPECT_EQ(Ask("select rs_st_npoints('MULTIPOINT(1 1,EMPTY,1 1)'), rs_st_npoints('POINT EMPTY'),"
                "       rs_st_npoints(rs_st_geogfromtext('LINESTRING(1 1,2 2)')),"
                "       rs_st_numpoints('LINESTRING(1 1,2 2,3 3)'), rs_st_numpoints('POINT(1 1)')"),
            "2|0|2|3|NULL");
  EXPECT_EQ(Ask("select rs_st_nrings('GEOMETRYCOLLECTION(POINT(1 1),POLYGON((0 0,9 0,9 9,0 0),"
                "(1 1,2 1,2 2,1 1)))'), rs_st_nrings('LINESTRING(1 1,2 2)'),"
                "       rs_st_numinteriorrings('POLYGON((0 0,9 0,9 9,0 0),(1 1,2 1,2 2,1 1))'),"
                "       rs_st_numinteriorrings('POLYGON EMPTY'),"
                "       rs_st_numinteriorrings('POINT(1 1)')"),
            "2|0|1|0|NULL");
  // ST_NumGeometries: 0 for one empty value, 1 for another, the members of a collection.
  EXPECT_EQ(Ask("select rs_st_numgeometries('POINT EMPTY'), rs_st_numgeometries('POINT(1 1)'),"
                "       rs_st_numgeometries('MULTIPOINT(EMPTY,EMPTY)'),"
                "       rs_st_numgeometries('GEOMETRYCOLLECTION EMPTY')"),
            "0|1|2|0");
}

TEST_F(SpatialAccessors, KnowsEmptiness) {
  EXPECT_EQ(Ask("select rs_st_isempty('POINT EMPTY'), rs_st_isempty('MULTIPOINT(EMPTY)'),"
                "       rs_st_isempty('GEOMETRYCOLLECTION(POINT EMPTY,POINT(1 1))'),"
                "       rs_st_iscollection('MULTIPOINT EMPTY'), rs_st_iscollection('POINT(1 1)')"),
            "true|true|false|true|false");
}

TEST_F(SpatialAccessors, KnowsClosedAndRings) {
  EXPECT_EQ(
      Ask("select rs_st_isclosed('POINT EMPTY'), rs_st_isclosed('MULTIPOINT EMPTY'),"
          "       rs_st_isclosed('LINESTRING Z (0 0 1,1 1 1,0 0 2)'),"
          "       rs_st_isclosed('MULTILINESTRING((0 0,1 1,0 0),(0 0,1 1))'),"
          "       rs_st_isclosed('MULTILINESTRING EMPTY'),"
          "       rs_st_isclosed('POLYGON((0 0,1 0,1 1,0 1))'),"
          "       rs_st_isclosed('GEOMETRYCOLLECTION(POINT(1 1),POLYGON((0 0,1 0,1 1,0 0)))')"),
      "false|true|true|false|false|false|true");
  EXPECT_EQ(Ask("select rs_st_isring('LINESTRING(0 0,4 0,4 4,0 0)'),"
                "       rs_st_isring('LINESTRING(0 0,4 0,4 4)'),"
                "       rs_st_isring('LINESTRING(0 0,4 4,4 0,0 4,0 0)')"),
            "true|false|false");
  EXPECT_EQ(Ask("select rs_st_isring('POINT(1 1)')"),
            "ERROR ST_IsRing is defined for linestrings only");
}

TEST_F(SpatialAccessors, KnowsTheSenseOfPolygons) {
  EXPECT_EQ(Ask("select rs_st_ispolygonccw(g), rs_st_ispolygoncw(g) from (values"
                " ('POLYGON((0 0,9 0,9 9,0 0),(5 2,6 3,6 2,5 2))'::rs_geometry),"
                " ('POLYGON((0 0,9 9,9 0,0 0))'), ('POINT(1 1)'),"
                " ('GEOMETRYCOLLECTION(POLYGON((0 0,9 0,9 9,0 0)),POLYGON((0 0,9 9,9 0,0 0)))')"
                ") t(g)"),
            "true|false ; false|true ; true|true ; false|false");
}

TEST_F(SpatialAccessors, TakesPointsOfLines) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_pointn(g, 2)), rs_st_asewkt(rs_st_pointn(g, -1)),"
                "       rs_st_pointn(g, 0), rs_st_pointn(g, 4), rs_st_asewkt(rs_st_startpoint(g)),"
                "       rs_st_asewkt(rs_st_endpoint(g))"
                " from (select 'SRID=8;LINESTRING M (1 1 7,2 2 8,3 3 9)'::rs_geometry g)"),
            "SRID=8;POINT M (2 2 8)|SRID=8;POINT M (3 3 9)|NULL|NULL|SRID=8;POINT M (1 1 7)|"
            "SRID=8;POINT M (3 3 9)");
  EXPECT_EQ(Ask("select rs_st_startpoint('LINESTRING EMPTY'), rs_st_endpoint('MULTIPOINT(1 1)'),"
                "       rs_st_pointn('POINT(1 1)', 1)"),
            "NULL|NULL|NULL");
}

TEST_F(SpatialAccessors, TakesRingsAndMembers) {
  EXPECT_EQ(
      Ask("select rs_st_asewkt(rs_st_exteriorring(g)), rs_st_asewkt(rs_st_interiorringn(g, 1)),"
          "       rs_st_interiorringn(g, 2), rs_st_interiorringn(g, 0) from (select"
          " 'SRID=8;POLYGON((0 0,9 0,9 9,0 0),(5 2,6 3,6 2,5 2))'::rs_geometry g)"),
      "SRID=8;LINESTRING(0 0,9 0,9 9,0 0)|SRID=8;LINESTRING(5 2,6 3,6 2,5 2)|NULL|NULL");
  // ST_ExteriorRing: the empty polygon of an empty one.
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_exteriorring('POLYGON EMPTY')),"
                "       rs_st_exteriorring('POINT(1 1)'), rs_st_interiorringn('POLYGON EMPTY', 1)"),
            "POLYGON EMPTY|NULL|NULL");
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_geometryn('SRID=8;MULTIPOINT(1 1,2 2)', 2)),"
                "       rs_st_asewkt(rs_st_geometryn('POINT(1 1)', 1)),"
                "       rs_st_geometryn('POINT(1 1)', 2)"),
            "SRID=8;POINT(2 2)|POINT(1 1)|NULL");
  EXPECT_EQ(Ask("select rs_st_geometryn('MULTIPOINT(1 1,2 2)', 3)"),
            "ERROR index 3 is out of range");
}

TEST_F(SpatialAccessors, BoxesAndGathersPoints) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_envelope('SRID=8;LINESTRING Z (1 5 0,4 2 0)')),"
                "       rs_st_asewkt(rs_st_envelope('MULTIPOINT(1 1,1 1)')),"
                "       rs_st_asewkt(rs_st_envelope('LINESTRING(1 1,1 5)')),"
                "       rs_st_asewkt(rs_st_envelope('MULTIPOINT Z EMPTY'))"),
            "SRID=8;POLYGON((1 2,1 5,4 5,4 2,1 2))|POINT(1 1)|LINESTRING(1 1,1 5)|"
            "MULTIPOINT Z EMPTY");
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_points('POLYGON Z ((0 0 1,1 0 2,1 1 3,0 0 1))')),"
                "       rs_st_asewkt(rs_st_points('GEOMETRYCOLLECTION(POINT EMPTY)'))"),
            "MULTIPOINT Z ((0 0 1),(1 0 2),(1 1 3),(0 0 1))|MULTIPOINT EMPTY");
}

TEST_F(SpatialAccessors, MarksBoxesWithoutShowingThem) {
  EXPECT_EQ(Ask("select rs_supportsbbox('POINT(1 1)'), rs_supportsbbox(rs_dropbbox('POINT(1 1)')),"
                "       rs_supportsbbox(rs_addbbox(rs_dropbbox('POINT(1 1)'))),"
                "       rs_dropbbox('POINT(7 8)')::varchar,"
                "       rs_st_ashexewkb(rs_dropbbox('POINT(7 8)'))"),
            "true|false|true|01010000000000000000001C400000000000002040|"
            "01010000000000000000001C400000000000002040");
  EXPECT_EQ(Ask("select rs_st_memsize('POINT(1 1)') < rs_st_memsize('LINESTRING(1 1,2 2)')"),
            "true");
}

}  // namespace
}  // namespace skep::worker
