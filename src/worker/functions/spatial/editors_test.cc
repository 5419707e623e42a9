#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using SpatialEditors = FunctionsTest;

TEST_F(SpatialEditors, MakesPointsAndBoxes) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_point(1, 2.5)), rs_st_asewkt(rs_st_makepoint(1, 2, 3)),"
                "       rs_st_asewkt(rs_st_makepoint(1, 2, 3, 4)), rs_st_point(1, null)"),
            "POINT(1 2.5)|POINT Z (1 2 3)|POINT ZM (1 2 3 4)|NULL");
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_makeenvelope(0, 1, 2, 3, 5)),"
                "       rs_st_asewkt(rs_st_makeenvelope(1, 1, 1, 1)),"
                "       rs_st_asewkt(rs_st_makeenvelope(1, 1, 1, 4))"),
            "SRID=5;POLYGON((0 1,0 3,2 3,2 1,0 1))|POINT(1 1)|LINESTRING(1 1,1 4)");
  EXPECT_EQ(Ask("select rs_st_makeenvelope(0, 1, 2, 3, -5)"), "ERROR invalid SRID -5");
}

TEST_F(SpatialEditors, AddsSetsAndRemovesPoints) {
  // ST_AddPoint: the point takes the line's dimensions; an empty one changes nothing.
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_addpoint(g, 'POINT ZM (9 9 8 7)')),"
                "       rs_st_asewkt(rs_st_addpoint(g, 'POINT(9 9)', 0)),"
                "       rs_st_asewkt(rs_st_addpoint(g, 'POINT(9 9)', 2)),"
                "       rs_st_asewkt(rs_st_addpoint(g, 'POINT EMPTY', 1)),"
                "       rs_st_asewkt(rs_st_setpoint(g, -2, 'POINT(9 9)')),"
                "       rs_st_asewkt(rs_st_removepoint(g, 0))"
                " from (select 'LINESTRING Z (1 1 5,2 2 6)'::rs_geometry g)"),
            "LINESTRING Z (1 1 5,2 2 6,9 9 8)|LINESTRING Z (9 9 0,1 1 5,2 2 6)|"
            "LINESTRING Z (1 1 5,2 2 6,9 9 0)|LINESTRING Z (1 1 5,2 2 6)|"
            "LINESTRING Z (9 9 0,2 2 6)|LINESTRING Z (2 2 6)");
  for (const char* call : {"rs_st_addpoint('LINESTRING(1 1,2 2)', 'POINT(9 9)', 3)",
                           "rs_st_addpoint('LINESTRING(1 1,2 2)', 'POINT(9 9)', -2)",
                           "rs_st_setpoint('LINESTRING(1 1,2 2)', 2, 'POINT(9 9)')",
                           "rs_st_setpoint('LINESTRING(1 1,2 2)', -3, 'POINT(9 9)')",
                           "rs_st_removepoint('LINESTRING(1 1,2 2)', 2)",
                           "rs_st_removepoint('LINESTRING(1 1,2 2)', -1)"}) {
    EXPECT_TRUE(Ask(std::string("select ") + call).ends_with("is out of range")) << call;
  }
  EXPECT_EQ(Ask("select rs_st_addpoint('POINT(1 1)', 'POINT(9 9)')"),
            "ERROR argument must be of subtype LINESTRING, not POINT");
  EXPECT_EQ(Ask("select rs_st_setpoint('SRID=1;LINESTRING(1 1,2 2)', 0, 'SRID=2;POINT(9 9)')"),
            "ERROR Operation on mixed SRID geometries (1 != 2)");
}

TEST_F(SpatialEditors, MakesLines) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_linefrommultipoint('SRID=3;MULTIPOINT(1 1,EMPTY,2 2)')),"
                "       rs_st_asewkt(rs_st_linefrommultipoint('MULTIPOINT M EMPTY')),"
                "       rs_st_asewkt(rs_st_makeline('POINT(1 1)', 'MULTIPOINT(EMPTY,2 2)')),"
                "       rs_st_asewkt(rs_st_makeline('LINESTRING(1 1,2 2)', 'LINESTRING(2 2,3 3)')),"
                "       rs_st_asewkt(rs_st_makeline('POINT EMPTY', 'POINT EMPTY'))"),
            "SRID=3;LINESTRING(1 1,2 2)|LINESTRING M EMPTY|LINESTRING(1 1,2 2)|"
            "LINESTRING(1 1,2 2,2 2,3 3)|LINESTRING EMPTY");
  EXPECT_EQ(Ask("select rs_st_linefrommultipoint('POINT(1 1)')"),
            "ERROR argument must be of subtype MULTIPOINT, not POINT");
  EXPECT_EQ(Ask("select rs_st_makeline('POINT(1 1)', 'POINT Z (1 1 1)')"),
            "ERROR geometries must have the same dimensions");
  EXPECT_EQ(Ask("select rs_st_makeline('POINT(1 1)', 'POLYGON EMPTY')"),
            "ERROR ST_MakeLine takes points, linestrings and multipoints, not POLYGON");
}

TEST_F(SpatialEditors, MakesPolygons) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_makepolygon('SRID=3;LINESTRING(0 0,9 0,9 9,0 0)')),"
                "       rs_st_asewkt(rs_st_makepolygon('LINESTRING(0 0,9 0,9 9,0 0)',"
                "         'MULTILINESTRING((5 2,6 3,6 2,5 2),EMPTY)')),"
                "       rs_st_asewkt(rs_st_makepolygon('LINESTRING EMPTY')),"
                "       rs_st_asewkt(rs_st_polygon('LINESTRING M (0 0 1,9 0 2,9 9 3,0 0 1)', 4))"),
            "SRID=3;POLYGON((0 0,9 0,9 9,0 0))|POLYGON((0 0,9 0,9 9,0 0),(5 2,6 3,6 2,5 2))|"
            "POLYGON EMPTY|SRID=4;POLYGON M ((0 0 1,9 0 2,9 9 3,0 0 1))");
  EXPECT_EQ(Ask("select rs_st_makepolygon('LINESTRING(0 0,9 0,9 9)')"),
            "ERROR linestring must be closed");
  EXPECT_EQ(Ask("select rs_st_makepolygon('LINESTRING(0 0)')"), "ERROR linestring must be closed");
  EXPECT_EQ(Ask("select rs_st_makepolygon('LINESTRING(0 0,9 0,9 9,0 0)', 'LINESTRING(1 1,2 2)')"),
            "ERROR argument must be of subtype MULTILINESTRING, not LINESTRING");
  EXPECT_EQ(Ask("select rs_st_polygon('LINESTRING(0 0,9 0,9 9,0 0)', -4)"),
            "ERROR invalid SRID -4");
}

TEST_F(SpatialEditors, ForcesDimensions) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_force2d(g)), rs_st_asewkt(rs_st_force3d(g)),"
                "       rs_st_asewkt(rs_st_force3dz(g)), rs_st_asewkt(rs_st_force3dm(g)),"
                "       rs_st_asewkt(rs_st_force4d(g))"
                " from (select 'SRID=3;MULTIPOINT M (1 2 5,EMPTY)'::rs_geometry g)"),
            "SRID=3;MULTIPOINT((1 2),EMPTY)|SRID=3;MULTIPOINT Z ((1 2 0),EMPTY)|"
            "SRID=3;MULTIPOINT Z ((1 2 0),EMPTY)|SRID=3;MULTIPOINT M ((1 2 5),EMPTY)|"
            "SRID=3;MULTIPOINT ZM ((1 2 0 5),EMPTY)");
}

TEST_F(SpatialEditors, TurnsAndWraps) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_reverse('POLYGON((0 0,9 0,9 9,0 0))')),"
                "       rs_st_asewkt(rs_st_reverse('MULTIPOINT(1 1,2 2)')),"
                "       rs_st_asewkt(rs_st_multi('SRID=3;LINESTRING(1 1,2 2)')),"
                "       rs_st_asewkt(rs_st_multi('MULTIPOINT(1 1)')),"
                "       rs_st_asewkt(rs_st_setsrid('SRID=3;POINT(1 1)', 0))"),
            "POLYGON((0 0,9 9,9 0,0 0))|MULTIPOINT((1 1),(2 2))|"
            "SRID=3;MULTILINESTRING((1 1,2 2))|MULTIPOINT((1 1))|POINT(1 1)");
  EXPECT_EQ(Ask("select rs_st_setsrid('POINT(1 1)', -1)"), "ERROR invalid SRID -1");
}

TEST_F(SpatialEditors, WalksAlongLines) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_lineinterpolatepoint(g, 0)),"
                "       rs_st_asewkt(rs_st_lineinterpolatepoint(g, 0.75)),"
                "       rs_st_asewkt(rs_st_lineinterpolatepoint(g, 1)),"
                "       rs_st_asewkt(rs_st_lineinterpolatepoint('LINESTRING Z EMPTY', 0.5)),"
                "       rs_st_asewkt(rs_st_lineinterpolatepoint('LINESTRING(1 1,1 1)', 0.5))"
                " from (select 'SRID=3;LINESTRING M (0 0 0,0 4 8,4 4 16)'::rs_geometry g)"),
            "SRID=3;POINT M (0 0 0)|SRID=3;POINT M (2 4 12)|SRID=3;POINT M (4 4 16)|"
            "POINT Z EMPTY|POINT(1 1)");
  EXPECT_EQ(Ask("select rs_st_lineinterpolatepoint('LINESTRING(0 0,1 1)', 1.5)"),
            "ERROR fraction must be between 0 and 1");
}

TEST_F(SpatialEditors, FindsHulls) {
  // ST_ConvexHull: clockwise from the least point; M is dropped; lines and points when it is flat.
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_convexhull("
                "         'SRID=3;MULTIPOINT ZM (4 0 1 1,2 1 2 2,0 0 3 3,2 4 4 4,2 0 5 5)')),"
                "       rs_st_asewkt(rs_st_convexhull('LINESTRING(5 5,1 1,3 3)')),"
                "       rs_st_asewkt(rs_st_convexhull('MULTIPOINT(2 2,2 2)')),"
                "       rs_st_asewkt(rs_st_convexhull('MULTIPOINT M EMPTY'))"),
            "SRID=3;POLYGON Z ((0 0 3,2 4 4,4 0 1,0 0 3))|LINESTRING(1 1,5 5)|POINT(2 2)|"
            "MULTIPOINT M EMPTY");
}

TEST_F(SpatialEditors, Simplifies) {
  EXPECT_EQ(
      Ask("select rs_st_asewkt(rs_st_simplify('SRID=3;LINESTRING Z (0 0 1,5 0.4 2,10 0 3)', 0.5)),"
          "       rs_st_asewkt(rs_st_simplify('LINESTRING(0 0,5 0.4,10 0)', 0.3)),"
          "       rs_st_asewkt(rs_st_simplify('LINESTRING(0 0,5 0,10 0)', -1)),"
          "       rs_st_asewkt(rs_st_simplify('POLYGON((0 0,0.1 0,0.1 0.1,0 0))', 1)),"
          "       rs_st_asewkt(rs_st_simplify('POINT(1 1)', 1))"),
      "SRID=3;LINESTRING Z (0 0 1,10 0 3)|LINESTRING(0 0,5 0.4,10 0)|LINESTRING(0 0,10 0)|"
      "POLYGON EMPTY|POINT(1 1)");
}

TEST_F(SpatialEditors, FindsCentroids) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_centroid('SRID=3;POLYGON((0 0,6 0,6 6,0 6,0 0))')),"
                "       rs_st_asewkt(rs_st_centroid('MULTIPOINT(0 0,EMPTY,4 2)')),"
                "       rs_st_asewkt(rs_st_centroid('LINESTRING Z (0 0 9,0 2 9,6 2 9)')),"
                "       rs_st_asewkt(rs_st_centroid("
                "         'GEOMETRYCOLLECTION(POINT(100 100),LINESTRING(0 0,2 0))')),"
                "       rs_st_centroid('POLYGON EMPTY')"),
            "SRID=3;POINT(3 3)|POINT(2 1)|POINT(2.25 1.75)|POINT(1 0)|NULL");
}

TEST_F(SpatialEditors, FindsBoundaries) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_boundary('SRID=3;LINESTRING M (0 0 1,1 1 2,2 0 3)')),"
                "       rs_st_asewkt(rs_st_boundary('LINESTRING(0 0,1 1,1 0,0 0)')),"
                "       rs_st_asewkt(rs_st_boundary('POLYGON((0 0,6 0,6 6,0 0))')),"
                "       rs_st_asewkt(rs_st_boundary('MULTIPOLYGON(((0 0,6 0,6 6,0 0)))')),"
                "       rs_st_asewkt(rs_st_boundary('MULTIPOINT(1 1)')),"
                "       rs_st_asewkt(rs_st_boundary('LINESTRING ZM EMPTY'))"),
            "SRID=3;MULTIPOINT((0 0),(2 0))|MULTIPOINT EMPTY|LINESTRING(0 0,6 0,6 6,0 0)|"
            "MULTILINESTRING((0 0,6 0,6 6,0 0))|GEOMETRYCOLLECTION EMPTY|LINESTRING ZM EMPTY");
  // A point that an even number of lines end in is none of the boundary; heights are averaged.
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_boundary("
                "  'MULTILINESTRING Z ((0 0 1,5 5 2),(5 5 4,9 0 3),(5 5 6,9 9 7))'))"),
            "MULTIPOINT Z ((0 0 1),(5 5 4),(9 0 3),(9 9 7))");
  EXPECT_EQ(Ask("select rs_st_boundary('GEOMETRYCOLLECTION EMPTY')"),
            "ERROR GEOMETRYCOLLECTION is not supported by ST_Boundary");
}

TEST_F(SpatialEditors, Transforms) {
  // Corners of the projections' definitions: equator and central meridian.
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_transform('SRID=4326;POINT(180 0)', 3857), 9),"
                "       rs_st_asewkt(rs_st_transform('SRID=4326;POINT(9 0)', 32632)),"
                "       rs_st_asewkt(rs_st_transform('SRID=4326;POINT(9 0)', 32732)),"
                "       rs_st_asewkt(rs_st_transform('SRID=4326;POINT Z (0 0 10)', 4978)),"
                "       rs_st_asewkt(rs_st_transform('SRID=4326;POINT EMPTY', 3857))"),
            "SRID=3857;POINT(20037508.3 -7.08115455e-10)|SRID=32632;POINT(500000 0)|"
            "SRID=32732;POINT(500000 10000000)|SRID=4978;POINT Z (6378147 0 0)|"
            "SRID=3857;POINT EMPTY");
  // There and back again.
  EXPECT_EQ(
      Ask("select count(*) from (values (3857), (32631), (2154), (3035), (27700), (4978),"
          " (4230), (28992), (5514), (27572), (2263), (5070)) t(srid) where"
          " rs_st_distance('SRID=4326;POINT(2.5 48.25)',"
          "   rs_st_force2d(rs_st_transform(rs_st_transform('SRID=4326;POINT Z (2.5 48.25 0)',"
          "     srid), 4326))) < 1e-7"),
      "12");
  EXPECT_EQ(Ask("select rs_st_transform('POINT(1 1)', 4326)"),
            "ERROR spatial reference system with SRID 0 not found");
  EXPECT_EQ(Ask("select rs_st_transform('SRID=4326;POINT(1 1)', 123456)"),
            "ERROR spatial reference system with SRID 123456 not found");
  EXPECT_EQ(Ask("select rs_st_transform('SRID=4326;POINT(1 90)', 3857)"),
            "ERROR coordinates (1 90) cannot be transformed to SRID 3857");
}

TEST_F(SpatialEditors, CollectsTwo) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_collect('SRID=3;POINT(1 1)', 'SRID=3;POINT(2 2)')),"
                "       rs_st_asewkt(rs_st_collect('POINT(1 1)', 'MULTIPOINT(2 2)')),"
                "       rs_st_asewkt(rs_st_collect(null, 'POINT(2 2)')),"
                "       rs_st_asewkt(rs_st_collect('POINT(1 1)', null)),"
                "       rs_st_collect(null::rs_geometry, null)"),
            "SRID=3;MULTIPOINT((1 1),(2 2))|GEOMETRYCOLLECTION(POINT(1 1),MULTIPOINT((2 2)))|"
            "POINT(2 2)|POINT(1 1)|NULL");
  EXPECT_EQ(Ask("select rs_st_collect('SRID=1;POINT(1 1)', 'SRID=2;POINT(2 2)')"),
            "ERROR Operation on mixed SRID geometries (1 != 2)");
  EXPECT_EQ(Ask("select rs_st_collect('POINT(1 1)', 'POINT Z (2 2 2)')"),
            "ERROR geometries must have the same dimensions");
}

TEST_F(SpatialEditors, CollectsGroups) {
  Ask("create table shapes as select i % 3 k, i, case when i % 3 = 0 then rs_st_point(i, 0)"
      " when i % 3 = 1 and i < 10 then 'LINESTRING(0 0,1 1)'::rs_geometry end g"
      " from range(4000) t(i)");
  EXPECT_EQ(Ask("select k, rs_st_geometrytype(c), rs_st_numgeometries(c) from"
                " (select k, rs_st_collect_agg(g) c from shapes group by k) order by k"),
            "0|ST_MultiPoint|1334 ; 1|ST_MultiLineString|3 ; 2|NULL|NULL");
  EXPECT_EQ(Ask("select rs_st_astext(rs_st_collect_agg(g order by i desc)) from shapes"
                " where i < 7 and g is not null"),
            "GEOMETRYCOLLECTION(POINT(6 0),LINESTRING(0 0,1 1),POINT(3 0),LINESTRING(0 0,1 1),"
            "POINT(0 0))");
  EXPECT_EQ(
      Ask("select rs_st_collect_agg(rs_st_setsrid(rs_st_point(i, 0), i % 2)) from range(4) t(i)")
          .substr(0, 42),
      "ERROR Operation on mixed SRID geometries (");
  EXPECT_EQ(Ask("select rs_st_collect_agg(rs_st_point(i, 0)) from range(200000) t(i)"),
            "ERROR the collected geometry is larger than the maximum");
}

}  // namespace
}  // namespace skep::worker
