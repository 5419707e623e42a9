#include <fstream>

#include "worker/external_scan/lake_fixture.h"

namespace skep::external_scan {
namespace {

// Tables of CSV and JSON, one folder each.
class TextScan : public LakeFixture {
 protected:
  void WriteText(const std::string& file, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + "/" + file).parent_path());
    std::ofstream(root_ + "/" + file, std::ios::binary) << text;
  }
  void Add(const std::string& name, const std::string& format,
           std::vector<ipc::TableColumn> columns,
           std::vector<std::pair<std::string, std::string>> options = {}) {
    FakeTable table;
    table.description = Describe(name, format, std::move(columns));
    table.description.options = std::move(options);
    table.folders = {name};
    gateway_->SetTable(std::move(table));
  }
};

TEST_F(TextScan, SkipsTheHeaderOfEveryCsvFile) {
  WriteText("t/a.csv", "id,name\n1,one\n2,two\n");
  WriteText("t/b.csv", "id,name\n3,\"th,ree\"\n");
  WriteText("t/empty.csv", "id,name\n");
  Add("t", "csv", {{"id", "int"}, {"name", "string"}},
      {{"delimiter", ","}, {"quote", "\""}, {"escape", "\""}, {"skip", "1"}});
  EXPECT_EQ(
      Ask("SELECT id, name, regexp_extract(\"$path\", '[^/]*$') FROM skep_lake.ext.t ORDER BY id"),
      "1|one|a.csv ; 2|two|a.csv ; 3|th,ree|b.csv");
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.t"), "3");
  EXPECT_EQ(Ask("SELECT \"$size\" FROM skep_lake.ext.t WHERE id = 3"), "19");
}

TEST_F(TextScan, ReadsHiveText) {
  WriteText("h/000000_0", std::string("1\x01x\x01") +
                              "1.50\x01"
                              "2026-01-02\x01"
                              "2026-01-02 03:04:05.123456\x01true\n" +
                              "2\x01\\N\x01\\N\x01\\N\x01\\N\x01\\N\n" +
                              "3\x01\"quoted\"\x01\x01\x01\x01\n" + "4\n" +
                              "5\x01z\x01"
                              "2\x01"
                              "2026-01-02\x01"
                              "2026-01-02 00:00:00\x01"
                              "false\x01too\x01many\n");
  Add("h", "csv",
      {{"id", "bigint"},
       {"s", "varchar(10)"},
       {"d", "decimal(10,2)"},
       {"day", "date"},
       {"at", "timestamp"},
       {"ok", "boolean"}},
      {{"delimiter", "\x01"}, {"quote", ""}, {"escape", ""}});
  EXPECT_EQ(Ask("SELECT * FROM skep_lake.ext.h ORDER BY id"),
            "1|x|1.50|2026-01-02|2026-01-02 03:04:05.123456|true ; 2|NULL|NULL|NULL|NULL|NULL ; "
            "3|\"quoted\"|NULL|NULL|NULL|NULL ; "
            "4|NULL|NULL|NULL|NULL|NULL ; 5|z|2.00|2026-01-02|2026-01-02 00:00:00|false");
}

TEST_F(TextScan, ReadsQuotedNewlinesEscapesAndNulls) {
  WriteText("q/a", "1;\"a\nb\";x\n2;\"say \\\"hi\\\"\";nil\n3;plain\n");
  Add("q", "csv", {{"id", "int"}, {"s", "string"}, {"t", "string"}},
      {{"delimiter", ";"}, {"quote", "\""}, {"escape", "\\"}, {"null", "nil"}});
  EXPECT_EQ(Ask("SELECT id, replace(s, chr(10), '/'), t FROM skep_lake.ext.q ORDER BY id"),
            "1|a/b|x ; 2|say \"hi\"|NULL ; 3|plain|NULL");
  WriteText("e/a", "1,a\\,b\n2,\\N\n");
  Add("e", "csv", {{"id", "int"}, {"s", "string"}},
      {{"delimiter", ","}, {"quote", ""}, {"escape", "\\"}});
  EXPECT_EQ(Ask("SELECT id, s FROM skep_lake.ext.e ORDER BY id"), "1|a,b ; 2|NULL");
}

TEST_F(TextScan, ReadsCompressedCsvByNameOrOption) {
  Write("z/a.csv.gz", "SELECT range AS id, 'x' || range AS s FROM range(50000)",
        "FORMAT csv, HEADER false, COMPRESSION gzip");
  Write("z/b.csv.zst", "SELECT 50000 + range AS id, 'x' || range AS s FROM range(10)",
        "FORMAT csv, HEADER false, COMPRESSION zstd");
  WriteText("z/c.csv", "60000,plain\n");
  Add("z", "csv", {{"id", "bigint"}, {"s", "string"}}, {{"delimiter", ","}});
  EXPECT_EQ(Ask("SELECT count(*), max(id), max(s) FROM skep_lake.ext.z"), "50011|60000|x9999");
  Add("z", "csv", {{"id", "bigint"}, {"s", "string"}},
      {{"delimiter", ","}, {"compression", "none"}});
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.z WHERE \"$path\" LIKE '%c.csv'"), "1");
  Write("y/noname", "SELECT range AS id FROM range(5)",
        "FORMAT csv, HEADER false, COMPRESSION gzip");
  Add("y", "csv", {{"id", "bigint"}}, {{"delimiter", ","}, {"compression", "gzip"}});
  EXPECT_EQ(Ask("SELECT sum(id) FROM skep_lake.ext.y"), "10");
}

TEST_F(TextScan, PrunesPartitionsOfCsv) {
  FakeTable table;
  table.description = Describe("p", "csv", {{"id", "int"}, {"s", "string"}}, {{"year", "int"}});
  table.description.options = {{"delimiter", ","}};
  for (int year = 2020; year < 2026; year++) {
    WriteText("p/" + std::to_string(year) + "/f.csv",
              std::to_string(year) + ",a\n" + std::to_string(year + 1) + ",b\n");
    AddPartition(table, {std::to_string(year)}, "p/" + std::to_string(year));
  }
  gateway_->SetTable(std::move(table));
  EXPECT_EQ(Ask("SELECT id, s, year FROM skep_lake.ext.p WHERE year > 2023 ORDER BY ALL"),
            "2024|a|2024 ; 2025|a|2025 ; 2025|b|2024 ; 2026|b|2025");
  EXPECT_EQ(gateway_->TakeCounts().listed, (std::vector<uint32_t>{4, 5}));
  EXPECT_EQ(Ask("SELECT year, count(*) FROM skep_lake.ext.p GROUP BY 1 ORDER BY 1 LIMIT 1"),
            "2020|2");
}

TEST_F(TextScan, NamesTheFileOfABadValueAndGoesOn) {
  WriteText("bad/a.csv", "1,2\nx,3\n");
  Add("bad", "csv", {{"id", "int"}, {"n", "int"}}, {{"delimiter", ","}});
  const std::string error = Ask("SELECT sum(id) FROM skep_lake.ext.bad");
  EXPECT_EQ(error.substr(0, 5), "ERROR");
  EXPECT_NE(error.find("s3://lake/bad/a.csv"), std::string::npos) << error;
  WriteText("bad/a.csv", std::string("\xff\xfe\x00\x01\x02", 5));
  EXPECT_EQ(Ask("SELECT sum(id) FROM skep_lake.ext.bad").substr(0, 5), "ERROR");
  WriteText("bad/a.csv", "");
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.bad"), "0");
  WriteText("bad/a.csv.gz", "no gzip");
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.bad").substr(0, 5), "ERROR");
  EXPECT_EQ(Ask("SELECT 1"), "1");
}

TEST_F(TextScan, ReadsJsonLinesNestedMissingAndUnknownKeys) {
  WriteText("j/a.json",
            "{\"id\":1,\"s\":\"one\",\"tags\":[\"x\",\"y\"],\"o\":{\"k\":1.5},\"other\":0}\n{"
            "\"id\":2}\n\n");
  WriteText("j/b.json", "{\"s\":\"three\",\"id\":3,\"o\":null}\n");
  Add("j", "json",
      {{"id", "bigint"}, {"s", "string"}, {"tags", "array<string>"}, {"o", "struct<k:double>"}});
  EXPECT_EQ(
      Ask("SELECT id, s, tags[1], o.k, \"$size\" > 0, regexp_extract(\"$path\", '[^/]*$') FROM "
          "skep_lake.ext.j ORDER BY id"),
      "1|one|x|1.5|true|a.json ; 2|NULL|NULL|NULL|true|a.json ; 3|three|NULL|NULL|true|b.json");
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.j"), "3");
  EXPECT_EQ(Ask("SELECT id FROM skep_lake.ext.j WHERE \"$path\" LIKE '%b.json'"), "3");
  EXPECT_EQ(Ask("SELECT min(\"$path\") FROM skep_lake.ext.j"), "s3://lake/j/a.json");
}

TEST_F(TextScan, ReadsJsonPartitionsArraysAndCompression) {
  FakeTable table;
  table.description = Describe("k", "json", {{"id", "int"}}, {{"dt", "date"}});
  Write("k/1/a.json.gz", "SELECT range AS id FROM range(1000)", "FORMAT json, COMPRESSION gzip");
  Write("k/2/a.json", "SELECT range AS id FROM range(10)", "FORMAT json, ARRAY true");
  AddPartition(table, {"2026-01-01"}, "k/1");
  AddPartition(table, {std::nullopt}, "k/2");
  AddPartition(table, {"2026-01-03"}, "k/2");
  gateway_->SetTable(std::move(table));
  EXPECT_EQ(Ask("SELECT dt, count(*), sum(id) FROM skep_lake.ext.k GROUP BY dt ORDER BY dt"),
            "2026-01-01|1000|499500 ; 2026-01-03|10|45 ; NULL|10|45");
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.k WHERE dt = '2026-01-03'"), "10");
}

TEST_F(TextScan, ReadsAJsonFileOfManyBlocks) {
  Write("big/a.json", "SELECT range AS id, repeat(md5(range::VARCHAR), 8) AS s FROM range(80000)",
        "FORMAT json");
  ASSERT_GT(std::filesystem::file_size(root_ + "/big/a.json"), 20u << 20);
  Add("big", "json", {{"id", "bigint"}, {"s", "string"}});
  EXPECT_EQ(
      Ask("SELECT count(*), sum(id), sum(length(s)), count(DISTINCT s) FROM skep_lake.ext.big"),
      "80000|3199960000|20480000|80000");
  Write("bigc/a.csv", "SELECT range AS id, repeat(md5(range::VARCHAR), 8) AS s FROM range(80000)",
        "FORMAT csv, HEADER false");
  Add("bigc", "csv", {{"id", "bigint"}, {"s", "string"}}, {{"delimiter", ","}});
  EXPECT_EQ(
      Ask("SELECT count(*), sum(id), sum(length(s)), count(DISTINCT s) FROM skep_lake.ext.bigc"),
      "80000|3199960000|20480000|80000");
}

TEST_F(TextScan, HidesItsInnerPathsInErrorsOfJson) {
  WriteText("broken/a.json", "{\"id\":1}\n{\"id\":\n");
  Add("broken", "json", {{"id", "int"}});
  const std::string error = PublicText(Ask("SELECT sum(id) FROM skep_lake.ext.broken"));
  EXPECT_EQ(error.substr(0, 5), "ERROR");
  EXPECT_NE(error.find("s3://lake/broken/a.json"), std::string::npos) << error;
  WriteText("broken/a.json", "{\"id\":\"x\"}\n");
  EXPECT_EQ(Ask("SELECT sum(id) FROM skep_lake.ext.broken").substr(0, 5), "ERROR");
  gateway_->SetFault("broken", Fault::kDenied);
  EXPECT_EQ(Failure("SELECT sum(id) FROM skep_lake.ext.broken").kind, ErrorKind::kExternalDenied);
  gateway_->ClearFaults();
  WriteText("broken/a.json", "");
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.broken"), "0");
}

TEST_F(TextScan, RefusesOptionsAndFormatsItCannotRead) {
  WriteText("o/a", "1\n");
  Add("o", "csv", {{"id", "int"}}, {{"delimiter", ""}});
  EXPECT_EQ(Failure("SELECT * FROM skep_lake.ext.o").kind, ErrorKind::kFeatureNotSupported);
  Add("o", "rcfile", {{"id", "int"}});
  EXPECT_EQ(Failure("SELECT * FROM skep_lake.ext.o").kind, ErrorKind::kFeatureNotSupported);
}

}  // namespace
}  // namespace skep::external_scan
