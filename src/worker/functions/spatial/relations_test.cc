#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

class SpatialRelations : public FunctionsTest {
 protected:
  // A letter for each predicate that holds: Intersects, Contains, contains Properly, coVers,
  // Touches, crosseS, Equals, Within, covered By, Disjoint.
  std::string Holding(const std::string& a, const std::string& b) {
    std::string letters;
    for (const auto& [letter, name] : {std::pair{'I', "intersects"},
                                       {'C', "contains"},
                                       {'P', "containsproperly"},
                                       {'V', "covers"},
                                       {'T', "touches"},
                                       {'S', "crosses"},
                                       {'E', "equals"},
                                       {'W', "within"},
                                       {'B', "coveredby"},
                                       {'D', "disjoint"}}) {
      const std::string answer =
          Ask("select rs_st_" + std::string(name) + "('" + a + "', '" + b + "')");
      if (answer == "true") letters += letter;
      EXPECT_TRUE(answer == "true" || answer == "false") << answer;
    }
    return letters;
  }
};

TEST_F(SpatialRelations, FollowTheNineIntersections) {
  const std::string square = "POLYGON((0 0,10 0,10 10,0 10,0 0))";
  const struct {
    const char *b, *holding;
  } cases[] = {
      {"POINT(5 5)", "ICPV"},
      {"POINT(0 5)", "IVT"},  // a point of the boundary is covered, not contained
      {"POINT(20 5)", "D"},
      {"POINT EMPTY", "D"},
      {"MULTIPOINT(5 5,20 5)", "IS"},
      {"LINESTRING(1 1,9 9)", "ICPV"},
      {"LINESTRING(0 0,5 5)", "ICV"},  // touches the boundary from within
      {"LINESTRING(0 0,10 0)", "IVT"},
      {"LINESTRING(5 5,20 5)", "IS"},
      {"LINESTRING(10 5,20 5)", "IT"},
      {"POLYGON((2 2,3 2,3 3,2 2))", "ICPV"},
      {"POLYGON((0 0,0 10,10 10,10 0,0 0))", "ICVEWB"},
      {"POLYGON((10 0,20 0,20 10,10 10,10 0))", "IT"},
      {"POLYGON((5 5,20 5,20 8,5 5))", "I"},
      {"MULTIPOLYGON(((-5 -5,50 -5,50 50,-5 50,-5 -5)))", "IWB"},
  };
  for (const auto& [b, holding] : cases) EXPECT_EQ(Holding(square, b), holding) << b;
}

TEST_F(SpatialRelations, RelateLinesAndPoints) {
  EXPECT_EQ(Holding("LINESTRING(0 0,4 4)", "LINESTRING(0 4,4 0)"), "IS");
  EXPECT_EQ(Holding("LINESTRING(0 0,4 4)", "LINESTRING(4 4,8 0)"), "IT");
  EXPECT_EQ(Holding("LINESTRING(0 0,4 4)", "LINESTRING(4 4,2 2,0 0)"), "ICVEWB");
  EXPECT_EQ(Holding("LINESTRING(0 0,4 4)", "POINT(0 0)"), "IVT");
  EXPECT_EQ(Holding("LINESTRING(0 0,4 4)", "POINT(2 2)"), "ICPV");
  EXPECT_EQ(Holding("POINT(1 1)", "POINT(1 1)"), "ICPVEWB");
  EXPECT_EQ(Holding("MULTIPOINT(1 1,2 2)", "POINT Z (2 2 9)"), "ICPV");
}

TEST_F(SpatialRelations, SeeHoles) {
  const std::string ring = "POLYGON((0 0,10 0,10 10,0 10,0 0),(2 2,8 2,8 8,2 8,2 2))";
  EXPECT_EQ(Holding(ring, "POINT(5 5)"), "D");
  EXPECT_EQ(Holding(ring, "POINT(2 5)"), "IVT");
  EXPECT_EQ(Holding(ring, "POLYGON((3 3,7 3,7 7,3 7,3 3))"), "D");
  EXPECT_EQ(Holding(ring, "POLYGON((2 2,8 2,8 8,2 8,2 2))"), "IT");
}

TEST_F(SpatialRelations, RefuseCollectionsAndMixedSrids) {
  EXPECT_EQ(Ask("select rs_st_contains('GEOMETRYCOLLECTION EMPTY', 'POINT(1 1)')"),
            "ERROR GEOMETRYCOLLECTION is not supported by this function");
  EXPECT_EQ(Ask("select rs_st_within('SRID=1;POINT(1 1)', 'POINT(1 1)')"),
            "ERROR Operation on mixed SRID geometries (0 != 1)");
  EXPECT_EQ(Ask("select rs_st_touches(null, 'POINT(1 1)')"), "NULL");
  EXPECT_EQ(Ask("select rs_st_intersects(rs_st_point('nan'::double, 1), 'POINT(1 1)')"),
            "ERROR geometry contains coordinates that are not finite");
}

TEST_F(SpatialRelations, ServeAsJoins) {
  Ask("create table cells as select rs_st_makeenvelope(10 * i, 0, 10 * i + 10, 10) cell, i"
      " from range(50) t(i)");
  Ask("create table places as select case when i % 10 > 0 then rs_st_point(i / 10.0, 5) end place"
      " from range(5000) t(i)");
  // Borders between cells are the places that are NULL.
  EXPECT_EQ(Ask("select count(*), min(n), max(n) from (select i, count(*) n from cells join places"
                " on rs_st_contains(cell, place) group by i)"),
            "50|90|90");
  EXPECT_EQ(Ask("select count(*) from places where rs_st_within(place,"
                " 'POLYGON((0 0,10 0,10 10,0 10,0 0))')"),
            "90");
}

TEST_F(SpatialRelations, JudgeValidity) {
  const struct {
    const char* geometry;
    bool valid;
  } cases[] = {
      {"POINT EMPTY", true},
      {"LINESTRING EMPTY", true},
      {"LINESTRING(1 1,1 1)", false},  // one-dimensional
      {"LINESTRING(0 0,4 4,4 0,0 4)", true},
      {"POLYGON((0 0,9 0,9 9,0 9))", false},  // not closed
      {"POLYGON((0 0,9 9,9 0,0 9,0 0))", false},
      {"POLYGON((0 0,9 0,9 9,0 9,0 0),(1 1,1 3,3 3,3 1,1 1))", true},
      {"POLYGON((0 0,0 9,9 9,9 0,0 0),(1 1,3 1,3 3,1 3,1 1))", true},
      {"POLYGON((0 0,9 0,9 9,0 9,0 0),(1 1,3 1,3 3,1 3,1 1))", false},  // runs the same way
      {"POLYGON((0 0,9 0,9 9,0 9,0 0),(20 1,20 3,22 3,22 1,20 1))", false},
      {"MULTIPOLYGON(((0 0,4 0,4 4,0 4,0 0)),((4 4,8 4,8 8,4 8,4 4)))", true},
      {"MULTIPOLYGON(((0 0,4 0,4 4,0 4,0 0)),((4 0,8 0,8 4,4 4,4 0)))", false},
      {"GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(1 1,1 1))", false},
  };
  for (const auto& [geometry, valid] : cases) {
    EXPECT_EQ(Ask("select rs_st_isvalid('" + std::string(geometry) + "')"),
              valid ? "true" : "false")
        << geometry;
  }
  EXPECT_EQ(Ask("select rs_st_isvalid(rs_st_point('inf'::double, 1))"), "false");
}

TEST_F(SpatialRelations, JudgeSimplicity) {
  const struct {
    const char* geometry;
    bool simple;
  } cases[] = {
      {"POINT(1 1)", true},
      {"MULTIPOINT(1 1,2 2,1 1)", false},
      {"MULTIPOINT EMPTY", true},
      {"LINESTRING(0 0,4 0,4 4,0 0)", true},
      {"LINESTRING(0 0,4 4,4 0,0 4)", false},
      {"LINESTRING(0 0,0 0,4 4)", false},  // repeats a point
      {"MULTILINESTRING((0 0,4 4),(4 4,8 0))", true},
      {"MULTILINESTRING((0 0,4 4),(0 4,4 0))", false},
      {"POLYGON((0 0,9 0,9 0,9 9,0 0))", false},
      {"GEOMETRYCOLLECTION(POINT(1 1),MULTIPOINT(1 1,1 1))", false},
  };
  for (const auto& [geometry, simple] : cases) {
    EXPECT_EQ(Ask("select rs_st_issimple('" + std::string(geometry) + "')"),
              simple ? "true" : "false")
        << geometry;
  }
}

TEST_F(SpatialRelations, Intersect) {
  const std::string square = "'SRID=3;POLYGON((0 0,4 0,4 4,0 4,0 0))'";
  const struct {
    const char *b, *result;
  } cases[] = {
      {"POLYGON((2 2,6 2,6 6,2 6,2 2))", "POLYGON((2 2,2 4,4 4,4 2,2 2))"},
      {"POLYGON((4 0,8 0,8 4,4 4,4 0))", "LINESTRING(4 4,4 0)"},
      {"POLYGON((4 4,8 4,8 8,4 8,4 4))", "POINT(4 4)"},
      {"POLYGON((9 9,10 9,10 10,9 9))", "POLYGON EMPTY"},
      {"LINESTRING(-1 1,9 1)", "LINESTRING(0 1,4 1)"},
      {"LINESTRING(9 9,8 8)", "LINESTRING EMPTY"},
      {"MULTIPOINT(1 1,9 9,3 3)", "MULTIPOINT((1 1),(3 3))"},
      {"POINT(9 9)", "POINT EMPTY"},
      {"MULTIPOLYGON(((1 1,2 1,2 2,1 1)),((3 3,9 3,9 9,3 9,3 3)))",
       "MULTIPOLYGON(((1 1,2 2,2 1,1 1)),((3 3,3 4,4 4,4 3,3 3)))"},
  };
  for (const auto& [b, result] : cases) {
    EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_intersection(" + square + ", 'SRID=3;" + b + "'))"),
              std::string("SRID=3;") + result)
        << b;
  }
  EXPECT_EQ(Ask("select rs_st_intersection('POINT Z (1 1 1)', 'POINT Z (1 1 1)')"),
            "ERROR geometry must be two-dimensional");
}

TEST_F(SpatialRelations, Unite) {
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_union('SRID=3;POLYGON((0 0,4 0,4 4,0 4,0 0))',"
                "         'SRID=3;POLYGON((2 2,8 2,8 8,2 8,2 2))')),"
                "       rs_st_asewkt(rs_st_union('POLYGON((0 0,4 0,4 4,0 0))', 'POINT(3 1)')),"
                "       rs_st_asewkt(rs_st_union('POINT(1 1)', 'MULTIPOINT(1 1,2 2)'))"),
            "SRID=3;POLYGON((0 0,0 4,2 4,2 8,8 8,8 2,4 2,4 0,0 0))|POLYGON((0 0,4 4,4 0,0 0))|"
            "MULTIPOINT((1 1),(2 2))");
  // ST_Union: the union with an empty geometry is empty.
  EXPECT_EQ(Ask("select rs_st_asewkt(rs_st_union('POLYGON((0 0,4 0,4 4,0 0))', 'POLYGON EMPTY'))"),
            "POLYGON EMPTY");
  EXPECT_EQ(Ask("select rs_st_union('LINESTRING(0 0,1 1)', 'POINT(1 1)')"),
            "ERROR linestrings are not supported by ST_Union");
}

TEST_F(SpatialRelations, Buffer) {
  // One segment to a quarter is a square on its corner.
  EXPECT_EQ(Ask("select rs_st_npoints(rs_st_buffer('POINT(1 1)', 2)),"
                "       round(rs_st_area(rs_st_buffer('POINT(1 1)', 2, 1)), 9),"
                "       round(rs_st_area(rs_st_buffer('LINESTRING(0 0,10 0)', 1, 200)) - 20, 2),"
                "       rs_st_asewkt(rs_st_buffer('SRID=3;POLYGON((0 0,4 0,4 4,0 4,0 0))', -1)),"
                "       rs_st_asewkt(rs_st_buffer('POLYGON((0 0,4 0,4 4,0 4,0 0))', -2.5)),"
                "       rs_st_asewkt(rs_st_buffer('POINT(1 1)', -1)),"
                "       rs_st_asewkt(rs_st_buffer('LINESTRING EMPTY', 1))"),
            "33|8.0|3.14|SRID=3;POLYGON((1 1,1 3,3 3,3 1,1 1))|POLYGON EMPTY|POLYGON EMPTY|"
            "POLYGON EMPTY");
  EXPECT_EQ(Ask("select rs_st_geometrytype(rs_st_buffer('MULTIPOINT(0 0,10 0)', 1)),"
                "       rs_st_geometrytype(rs_st_buffer('MULTIPOINT(0 0,1 0)', 1))"),
            "ST_MultiPolygon|ST_Polygon");
  EXPECT_EQ(Ask("select rs_st_buffer('POINT(1 1)', 2, 1000000000)"),
            "ERROR the buffer would have too many points");
  EXPECT_EQ(Ask("select rs_st_buffer('POINT(1 1)', 'inf'::double)"),
            "ERROR the distance of a buffer must be finite");
  EXPECT_EQ(Ask("select rs_st_buffer('GEOMETRYCOLLECTION EMPTY', 1)"),
            "ERROR GEOMETRYCOLLECTION is not supported by this function");
}

}  // namespace
}  // namespace skep::worker
