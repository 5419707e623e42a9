#include "worker/functions/spatial/reference_system_text.h"

#include <gtest/gtest.h>

#include <string>

namespace skep::worker::spatial {
namespace {

TEST(ReferenceSystemText, TakesTheDefinitionsOwnIdentifier) {
  EXPECT_EQ(
      SridOfText(R"(PROJCS["x",GEOGCS["y",AUTHORITY["EPSG","4326"]],AUTHORITY["EPSG","25832"]])"),
      25832);
  EXPECT_EQ(SridOfText(R"(PROJCRS["x", BASEGEOGCRS["y"], ID["EPSG", 3035]])"), 3035);
  // Of a part alone, of a system that there is not, of another registry.
  EXPECT_EQ(SridOfText(R"(PROJCS["x",GEOGCS["y",AUTHORITY["EPSG","4326"]]])"), 0);
  EXPECT_EQ(SridOfText(R"(GEOGCS["x",AUTHORITY["EPSG","999999"]])"), 0);
  EXPECT_EQ(SridOfText(R"(GEOGCS["x",AUTHORITY["EPSG","4326x"]])"), 0);
  EXPECT_EQ(SridOfText(R"(GEOGCS["x",AUTHORITY["ESRI","4326"]])"), 0);
}

TEST(ReferenceSystemText, KnowsNamesOfEsriAndOfTheRegistry) {
  EXPECT_EQ(SridOfText(R"(GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984"]])"), 4326);
  EXPECT_EQ(SridOfText(R"(GEOGCS["WGS 84"])"), 4326);
  EXPECT_EQ(SridOfText(R"(PROJCS["NAD_1983_UTM_Zone_10N",GEOGCS["x"]])"), 26910);
  EXPECT_EQ(SridOfText(R"(PROJCS["British_National_Grid"])"), 27700);
  // The first and the last of the table.
  EXPECT_NE(SridOfText(R"(PROJCS["Zanderij / UTM zone 21N"])"), 0);
  EXPECT_NE(SridOfText(R"(PROJCS["Abidjan 1987 / UTM zone 29N"])"), 0);
}

TEST(ReferenceSystemText, SurvivesAnyText) {
  for (const char* text :
       {"", "[", "]]]]", "\"", "PROJCS[\"", "a,b,c", "AUTHORITY[", "PROJCS[x,AUTHORITY[EPSG"})
    EXPECT_EQ(SridOfText(text), 0) << text;
  EXPECT_EQ(SridOfText(std::string(100'000, '[')), 0);
}

}  // namespace
}  // namespace skep::worker::spatial
