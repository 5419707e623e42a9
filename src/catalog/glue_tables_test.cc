#include "catalog/glue_tables.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace skep::catalog {
namespace {

std::string TableJson(const std::string& serde, const std::string& serde_parameters,
                      const std::string& parameters = "{}", const std::string& keys = "[]") {
  return R"({"Name":"t","PartitionKeys":)" + keys + R"(,"Parameters":)" + parameters +
         R"(,"StorageDescriptor":{"Location":"s3://b/t/","Columns":[{"Name":"A","Type":"bigint"},{"Name":"b"}],"SerdeInfo":{"SerializationLibrary":")" +
         serde + R"(","Parameters":)" + serde_parameters + "}}}";
}
constexpr char kLazy[] = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe";
constexpr char kOpenCsv[] = "org.apache.hadoop.hive.serde2.OpenCSVSerde";
constexpr char kParquet[] = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe";
constexpr char kJson[] = "org.openx.data.jsonserde.JsonSerDe";

using Options = std::vector<std::pair<std::string, std::string>>;

TEST(GlueTables, ReadsSerDesAsFormatsAndOptions) {
  struct Case {
    const char* what;
    std::string json;
    std::string format;
    Options options;
  };
  const Case cases[] = {
      {"parquet", TableJson(kParquet, "{}"), "parquet", {}},
      {"json", TableJson(kJson, R"({"paths":"a,b"})"), "json", {}},
      {"json array",
       TableJson(kJson, R"({"strip.outer.array":"true"})"),
       "json",
       {{"array", "true"}}},
      {"Hive text",
       TableJson(kLazy, "{}"),
       "csv",
       {{"delimiter", "\x01"}, {"quote", ""}, {"escape", ""}}},
      {"tab",
       TableJson(kLazy, R"({"field.delim":"\\t"})"),
       "csv",
       {{"delimiter", "\t"}, {"quote", ""}, {"escape", ""}}},
      {"octal",
       TableJson(kLazy, R"({"field.delim":"\\174"})"),
       "csv",
       {{"delimiter", "|"}, {"quote", ""}, {"escape", ""}}},
      {"serialization.format",
       TableJson(kLazy, R"({"serialization.format":"1"})"),
       "csv",
       {{"delimiter", "\x01"}, {"quote", ""}, {"escape", ""}}},
      {"header and null",
       TableJson(kLazy, R"({"field.delim":","})",
                 R"({"skip.header.line.count":"2","serialization.null.format":"NA"})"),
       "csv",
       {{"delimiter", ","}, {"quote", ""}, {"escape", ""}, {"skip", "2"}, {"null", "NA"}}},
      {"quoted",
       TableJson(kOpenCsv, R"({"separatorChar":";","quoteChar":"'"})"),
       "csv",
       {{"delimiter", ";"}, {"quote", "'"}, {"escape", "'"}}},
      {"quoted with escapes",
       TableJson(kOpenCsv, R"({"escapeChar":"\\"})"),
       "csv",
       {{"delimiter", ","}, {"quote", "\""}, {"escape", "\\"}}},
      {"compressed",
       TableJson(kJson, "{}", R"({"compression_type":"GZIP"})"),
       "json",
       {{"compression", "gzip"}}},
      {"by classification", TableJson("", "{}", R"({"classification":"parquet"})"), "parquet", {}},
  };
  for (const auto& c : cases) {
    const auto t = DescribeGlueTable(c.json, {}, 3);
    ASSERT_TRUE(t) << c.what << ": " << t.error().message;
    EXPECT_EQ(t->description.format, c.format) << c.what;
    EXPECT_EQ(t->description.options, c.options) << c.what;
    EXPECT_EQ(t->description.version, 3u);
    EXPECT_EQ(t->locations, std::vector<std::string>{"s3://b/t/"}) << c.what;
    EXPECT_EQ(t->description.columns,
              (std::vector<ipc::TableColumn>{{"a", "bigint"}, {"b", "string"}}))
        << c.what;
  }
}

TEST(GlueTables, RefusesWhatCannotBeRead) {
  struct Case {
    const char* what;
    std::string json;
    ErrorKind kind;
  };
  const Case cases[] = {
      {"no JSON", "{", ErrorKind::kDataException},
      {"an array", "[]", ErrorKind::kDataException},
      {"nothing in it", "{}", ErrorKind::kFeatureNotSupported},
      {"wrong types everywhere",
       R"({"StorageDescriptor":[1],"Parameters":"x","PartitionKeys":{"a":1}})",
       ErrorKind::kFeatureNotSupported},
      {"RCFile", TableJson("org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe", "{}"),
       ErrorKind::kFeatureNotSupported},
      {"Iceberg without metadata", TableJson(kParquet, "{}", R"({"table_type":"ICEBERG"})"),
       ErrorKind::kDataException},
      {"a bad header count", TableJson(kLazy, "{}", R"({"skip.header.line.count":"one"})"),
       ErrorKind::kDataException},
      {"no location",
       R"({"StorageDescriptor":{"Columns":[{"Name":"a"}],"SerdeInfo":{"SerializationLibrary":"x.JsonSerDe"}}})",
       ErrorKind::kDataException},
  };
  for (const auto& c : cases) {
    const auto t = DescribeGlueTable(c.json, {}, 1);
    ASSERT_FALSE(t) << c.what;
    EXPECT_EQ(t.error().kind, c.kind) << c.what << ": " << t.error().message;
  }
}

TEST(GlueTables, PlacesPartitions) {
  const auto t = DescribeGlueTable(
      TableJson(kParquet, "{}", "{}",
                R"([{"Name":"y","Type":"int"},{"Name":"M","Type":"string"}])"),
      {{{"2024", "a"}, R"({"StorageDescriptor":{"Location":"s3://elsewhere/x/"}})"},
       {{"2024", "__HIVE_DEFAULT_PARTITION__"}, "{}"},
       {{"too few"}, "{}"}},
      1);
  ASSERT_TRUE(t);
  EXPECT_EQ(t->description.partition_keys,
            (std::vector<ipc::TableColumn>{{"y", "int"}, {"m", "string"}}));
  ASSERT_EQ(t->description.partitions.size(), 2u);
  EXPECT_EQ(t->description.partitions[1].values,
            (std::vector<std::optional<std::string>>{"2024", std::nullopt}));
  EXPECT_EQ(t->locations,
            (std::vector<std::string>{"s3://elsewhere/x/",
                                      "s3://b/t/y=2024/m=__HIVE_DEFAULT_PARTITION__/"}));
}

}  // namespace
}  // namespace skep::catalog
