#include "worker/functions/hll_functions.h"

#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using HllFunctions = FunctionsTest;

TEST_F(HllFunctions, CountDistinctValues) {
  EXPECT_EQ(Ask("select rs_hll(x) from (values (5), (6), (5), (null)) t(x)"), "2");
  EXPECT_EQ(Ask("select rs_hll(x) from (values (5)) t(x) where x > 5"), "0");
  EXPECT_EQ(TypeOf("rs_hll('a')"), "BIGINT");
  for (const std::string value :
       {"true", "1::smallint", "1::bigint", "1.5", "1::decimal(38,2)", "1.5::real", "1.5::double",
        "'x'", "date '2023-05-01'", "timestamp '2023-05-01'", "interval '1 day'", "null"}) {
    EXPECT_EQ(Ask("select rs_hll(" + value + ")"), value == "null" ? "0" : "1") << value;
  }
  EXPECT_EQ(Ask("select rs_hll(x) from (values (0.0::double), (-0.0::double)) t(x)"), "1");
}

TEST_F(HllFunctions, EstimateLongColumns) {
  EXPECT_EQ(Ask("select abs(rs_hll(i % 50000) - 50000) < 1000, abs(rs_hll(i::varchar) - 200000) < "
                "4000 from range(200000) t(i)"),
            "true|true");
}

TEST_F(HllFunctions, CreateCombineAndCount) {
  Ask("create table t as select rs_hll_create_sketch(x) as s, g from (values (1, 1), (2, 1), (2, "
      "2), (3, 2)) t(x, g) group by g");
  EXPECT_EQ(Ask("select rs_hll_cardinality(s) from t order by g"), "2 ; 2");
  EXPECT_EQ(Ask("select rs_hll_cardinality(rs_hll_combine(s)) from t"), "3");
  EXPECT_EQ(Ask("select rs_hll_cardinality(rs_hll_combine_sketches(a.s, b.s)) from t a, t b where "
                "a.g < b.g"),
            "3");
  EXPECT_EQ(Ask("select rs_hll_cardinality(null), rs_hll_combine_sketches(s, null) is null from t "
                "limit 1"),
            "NULL|true");
}

TEST_F(HllFunctions, MakeAnEmptySketchOfNothing) {
  const std::string empty = R"({"version":1,"logm":15,"sparse":{"indices":[],"values":[]}})";
  EXPECT_EQ(Ask("select rs_hll_create_sketch(null)::varchar"), empty);
  EXPECT_EQ(Ask("select rs_hll_create_sketch(x)::varchar from (values (1)) t(x) where x > 1"),
            empty);
  EXPECT_EQ(Ask("select rs_hll_combine(rs_to_hllsketch(null))"), "NULL");
}

TEST_F(HllFunctions, ReadAndWriteText) {
  EXPECT_EQ(Ask("select rs_hll_cardinality(rs_to_hllsketch('{\"logm\":15,\"sparse\":{\"indices\":"
                "[5,8],\"values\":[1,1]}}'))"),
            "2");
  EXPECT_EQ(Ask("select rs_to_hllsketch('x')"), "ERROR invalid input syntax for type hllsketch");
  EXPECT_EQ(Ask("select rs_hll_cardinality(rs_to_hllsketch(rs_hll_create_sketch(i)::varchar)) = "
                "rs_hll(i) from range(50000) t(i)"),
            "true");
  EXPECT_EQ(TypeOf("rs_hll_create_sketch(1)"), "HLLSKETCH");
}

TEST_F(HllFunctions, RefuseWhatIsNotHashed) {
  EXPECT_TRUE(Ask("select rs_hll('a'::blob)").starts_with("ERROR HyperLogLog functions take no"));
  EXPECT_TRUE(Ask("select rs_hll(rs_hll_create_sketch(1))").starts_with("ERROR"));
}

}  // namespace
}  // namespace skep::worker
