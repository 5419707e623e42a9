#include <cmath>

#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using SpatialMeasures = FunctionsTest;

TEST_F(SpatialMeasures, MeasuresThePlane) {
  EXPECT_EQ(Ask("select rs_st_area(g), rs_st_length(g), rs_st_length2d(g), rs_st_perimeter(g),"
                "       rs_st_perimeter2d(g) from (values"
                " ('POLYGON((0 0,10 0,10 10,0 10,0 0),(2 2,4 2,4 4,2 4,2 2))'::rs_geometry),"
                " ('LINESTRING Z (0 0 0,3 4 100)'), ('MULTIPOINT(1 1,2 2)'),"
                " ('GEOMETRYCOLLECTION(LINESTRING(0 0,0 2),POLYGON((0 0,1 0,1 1,0 1,0 0)))'),"
                " (null)) t(g)"),
            "96.0|0.0|0.0|48.0|48.0 ; 0.0|5.0|5.0|0.0|0.0 ; 0.0|0.0|0.0|0.0|0.0 ; "
            "1.0|2.0|2.0|4.0|4.0 ; NULL|NULL|NULL|NULL|NULL");
}

TEST_F(SpatialMeasures, MeasuresDistances) {
  EXPECT_EQ(Ask("select rs_st_distance('POINT(0 0)', 'POINT Z (3 4 9)'),"
                "       rs_st_distance('POINT(5 5)', 'POLYGON((0 0,9 0,9 9,0 9,0 0))'),"
                "       rs_st_distance('LINESTRING(0 0,0 9)', 'MULTIPOINT(4 20,7 3)'),"
                "       rs_st_distance('POLYGON((0 0,1 0,1 1,0 0))', 'POLYGON((4 0,5 0,5 1,4 0))'),"
                "       rs_st_distance('POINT EMPTY', 'POINT(1 1)')"),
            "5.0|0.0|7.0|3.0|NULL");
  EXPECT_EQ(Ask("select rs_st_dwithin('POINT(0 0)', 'POINT(3 4)', 5),"
                "       rs_st_dwithin('POINT(0 0)', 'POINT(3 4)', 4.9),"
                "       rs_st_dwithin('POINT(0 0)', null, 1)"),
            "true|false|NULL");
  EXPECT_EQ(Ask("select rs_st_dwithin('POINT(0 0)', 'POINT(3 4)', -1)"),
            "ERROR threshold must not be negative");
  EXPECT_EQ(Ask("select rs_st_distance('POINT(0 0)', 'GEOMETRYCOLLECTION(POINT(1 1))')"),
            "ERROR GEOMETRYCOLLECTION is not supported by this function");
  EXPECT_EQ(Ask("select rs_st_distance('SRID=1;POINT(0 0)', 'SRID=2;POINT(1 1)')"),
            "ERROR Operation on mixed SRID geometries (1 != 2)");
}

TEST_F(SpatialMeasures, MeasuresAngles) {
  // North is 0, east a quarter turn; clockwise.
  EXPECT_EQ(Ask("select round(degrees(rs_st_azimuth('POINT(1 1)', 'POINT(1 5)')), 9),"
                "       round(degrees(rs_st_azimuth('POINT(1 1)', 'POINT(5 1)')), 9),"
                "       round(degrees(rs_st_azimuth('POINT(1 1)', 'POINT(0 1)')), 9),"
                "       rs_st_azimuth('POINT(1 1)', 'POINT(1 1)')"),
            "0.0|90.0|270.0|NULL");
  EXPECT_EQ(Ask("select round(degrees(rs_st_angle('POINT(0 1)', 'POINT(0 0)', 'POINT(1 0)')), 9),"
                "       round(degrees(rs_st_angle('POINT(1 0)', 'POINT(0 0)', 'POINT(0 1)')), 9),"
                "       round(degrees(rs_st_angle('POINT(0 0)', 'POINT(0 1)', 'POINT(5 5)',"
                "         'POINT(4 5)')), 9),"
                "       rs_st_angle('POINT(0 0)', 'POINT(0 0)', 'POINT(5 5)')"),
            "90.0|270.0|270.0|NULL");
  EXPECT_EQ(Ask("select rs_st_azimuth('POINT EMPTY', 'POINT(1 1)')"),
            "ERROR point must not be empty");
  EXPECT_EQ(Ask("select rs_st_angle('POINT(1 1)', 'POINT(2 2)', 'LINESTRING(1 1,2 2)')"),
            "ERROR argument must be of subtype POINT, not LINESTRING");
}

TEST_F(SpatialMeasures, MeasuresTheSphere) {
  // A quarter of a great circle.
  EXPECT_EQ(Ask("select round(rs_st_distancesphere('POINT(0 0)', 'POINT(90 0)', 2) / pi(), 9),"
                "       round(rs_st_distancesphere('POINT(17 0)', 'POINT(17 90)'), 3),"
                "       round(rs_st_lengthsphere('LINESTRING(0 0,45 0,90 0)'), 3),"
                "       rs_st_lengthsphere('POLYGON((0 0,9 0,9 9,0 0))'),"
                "       rs_st_distancesphere('POINT EMPTY', 'POINT(1 1)')"),
            "1.0|10007557.176|10007557.176|0.0|NULL");
  EXPECT_EQ(Ask("select rs_st_distancesphere('POINT(0 0)', 'POINT(1 1)', -1)"),
            "ERROR radius must not be negative");
  EXPECT_EQ(Ask("select rs_st_distancesphere('POINT(0 0)', 'LINESTRING(1 1,2 2)')"),
            "ERROR argument must be of subtype POINT, not LINESTRING");
}

TEST_F(SpatialMeasures, MeasuresTheSpheroid) {
  // A degree of the equator is a * pi / 180; whatever crosses nothing else lies on the equator.
  EXPECT_EQ(Ask("select round(rs_st_length(rs_st_geogfromtext('LINESTRING(0 0,1 0)')), 3),"
                "       rs_st_length(rs_st_geogfromtext('POLYGON((0 0,1 0,1 1,0 0))')),"
                "       rs_st_area(rs_st_geogfromtext('LINESTRING(0 0,1 0)')),"
                "       rs_st_perimeter(rs_st_geogfromtext('LINESTRING(0 0,1 0)')),"
                "       round(rs_st_distance(rs_st_geogfromtext('POINT(0 0)'),"
                "         rs_st_geogfromtext('POINT(1 0)')), 3),"
                "       rs_st_distance(rs_st_geogfromtext('POINT(0 0)'),"
                "         rs_st_geogfromtext('POINT EMPTY'))"),
            "111319.491|0.0|0.0|0.0|111319.491|NULL");
  // An octant of WGS 84: an eighth of 510065621.7 square kilometres.
  EXPECT_EQ(Ask("select round(rs_st_area(rs_st_geogfromtext("
                "  'POLYGON((0 0,90 0,90 90,0 90,0 0))')) / 1e10)"),
            "6376.0");
  // Another spheroid: WGS 72 is two metres smaller in radius.
  EXPECT_EQ(
      Ask("select round(rs_st_length(rs_st_geogfromtext('SRID=4322;LINESTRING(0 0,1 0)')), 3)"),
      "111319.456");
  EXPECT_EQ(Ask("select rs_st_distance(rs_st_geogfromtext('POINT(0 0)'),"
                "  rs_st_geogfromtext('LINESTRING(0 0,1 1)'))"),
            "ERROR ST_Distance of geographies is defined for points only");
  EXPECT_EQ(Ask("select rs_st_distance(rs_st_geogfromtext('POINT(0 0)'), rs_st_point(1, 1))"),
            "ERROR function st_distance(geography, geometry) does not exist");
  EXPECT_EQ(Ask("select rs_st_geogfromtext('SRID=3857;POINT(0 0)')"),
            "ERROR SRID 3857 is not that of a known geographic coordinate system");
}

}  // namespace
}  // namespace skep::worker
