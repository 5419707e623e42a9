#include "worker/external_scan/glue_types.h"

#include <gtest/gtest.h>

namespace skep::external_scan {
namespace {

TEST(GlueTypes, ReadsEveryHiveType) {
  const std::pair<const char*, const char*> cases[] = {
      {"boolean", "BOOLEAN"},
      {"tinyint", "TINYINT"},
      {"smallint", "SMALLINT"},
      {"int", "INTEGER"},
      {"INTEGER", "INTEGER"},
      {"bigint", "BIGINT"},
      {"float", "FLOAT"},
      {"double", "DOUBLE"},
      {"double precision", "DOUBLE"},
      {"string", "VARCHAR"},
      {"varchar(20)", "VARCHAR"},
      {"char( 3 )", "VARCHAR"},
      {"date", "DATE"},
      {"timestamp", "TIMESTAMP"},
      {"timestamp with local time zone", "TIMESTAMP WITH TIME ZONE"},
      {"binary", "BLOB"},
      {"decimal", "DECIMAL(10,0)"},
      {"decimal(5)", "DECIMAL(5,0)"},
      {" Decimal( 38 , 10 ) ", "DECIMAL(38,10)"},
      {"array<int>", "INTEGER[]"},
      {"map<string,array<double>>", "MAP(VARCHAR, DOUBLE[])"},
      {"struct<a:int,`b c`:decimal(4,2)>", "STRUCT(a INTEGER, \"b c\" DECIMAL(4,2))"},
      {"array<struct<x:map<string,struct<y:date>>,z:boolean>>",
       "STRUCT(x MAP(VARCHAR, STRUCT(y DATE)), z BOOLEAN)[]"},
  };
  for (const auto& [glue, engine] : cases) {
    const auto type = ParseGlueType(glue);
    ASSERT_TRUE(type) << glue << ": " << type.error().message;
    EXPECT_EQ(type->ToString(), engine);
  }
}

TEST(GlueTypes, RefusesWhatIsNoType) {
  for (const char* text : {"", "in", "int x", "decimal(39,0)", "decimal(3,4)", "decimal(",
                           "array<int", "array<>", "map<int>", "struct<>", "struct<a>",
                           "struct<a:int,a:int>", "varchar(0)", "int)", "decimal(99999999999)"}) {
    EXPECT_FALSE(ParseGlueType(text)) << text;
  }
  const auto unsupported = ParseGlueType("uniontype<int,string>");
  ASSERT_FALSE(unsupported);
  EXPECT_EQ(unsupported.error().kind, ErrorKind::kFeatureNotSupported);
  std::string deep;
  for (int i = 0; i < 100'000; i++) deep += "array<";
  EXPECT_FALSE(ParseGlueType(deep));
}

TEST(GlueTypes, NamesReadBackAsTheSameType) {
  for (const char* text :
       {"boolean", "smallint", "int", "bigint", "float", "double", "string", "date", "timestamp",
        "binary", "decimal(18,4)", "array<map<string,struct<a:int,b:array<double>>>>"}) {
    const auto type = ParseGlueType(text);
    ASSERT_TRUE(type) << text;
    EXPECT_EQ(GlueTypeOf(*type), text);
  }
}

}  // namespace
}  // namespace skep::external_scan
