#include <chrono>
#include <fstream>
#include <thread>

#include "worker/external_scan/lake_file_system.h"
#include "worker/external_scan/lake_fixture.h"

namespace skep::external_scan {
namespace {

// ext.sales: four days and one NULL day of 1,000 rows each, as Parquet, two files a day.
class ParquetScan : public LakeFixture {
 protected:
  ParquetScan() {
    FakeTable table;
    table.description = Describe(
        "sales", "parquet", {{"id", "bigint"}, {"amount", "decimal(10,2)"}, {"note", "string"}},
        {{"dt", "date"}, {"region", "string"}});
    for (int day = 1; day <= 5; day++) {
      const std::string date = day == 5 ? "none" : "2026-01-0" + std::to_string(day);
      const std::string folder = "sales/dt=" + date;
      for (int part = 0; part < 2; part++) {
        Write(folder + "/part-" + std::to_string(part) + ".parquet",
              "SELECT " + std::to_string(day * 1000) + " + range + " + std::to_string(part * 500) +
                  " AS id, (range * 1.5)::DECIMAL(10,2) AS amount, 'n' || range AS note FROM "
                  "range(500)",
              "FORMAT parquet");
      }
      AddPartition(table,
                   {day == 5 ? std::nullopt : std::optional(date), day % 2 == 0 ? "east" : "west"},
                   folder);
    }
    sales_ = table;
    gateway_->SetTable(std::move(table));
    gateway_->TakeCounts();
  }
  // One object of `bytes` of noise per column, so that columns are far apart in the file.
  void AddWide() {
    Write("wide/w.parquet",
          "SELECT range AS id, md5(range::VARCHAR) || md5((range + 1)::VARCHAR) || md5((range + "
          "2)::VARCHAR) AS a, md5((range * 3)::VARCHAR) || md5((range * 5)::VARCHAR) AS b FROM "
          "range(120000)",
          "FORMAT parquet, ROW_GROUP_SIZE 120000, COMPRESSION uncompressed");
    FakeTable table;
    table.description =
        Describe("wide", "parquet", {{"id", "bigint"}, {"a", "string"}, {"b", "string"}});
    table.folders = {"wide"};
    gateway_->SetTable(std::move(table));
  }
  using Listed = std::vector<uint32_t>;
  FakeTable sales_;
};

TEST_F(ParquetScan, ReadsAllRowsOfAPartitionedTable) {
  EXPECT_EQ(Ask("SELECT count(*), sum(id), count(dt), count(DISTINCT dt), max(note) FROM "
                "skep_lake.ext.sales"),
            "5000|17497500|4000|4|n99");
  EXPECT_EQ(gateway_->TakeCounts().last_user, "alice");
}

TEST_F(ParquetScan, ListsOnlyPartitionsThatSurviveTheFilter) {
  const std::tuple<const char*, const char*, Listed> cases[] = {
      {"dt = '2026-01-02'", "1000", {1}},
      {"dt BETWEEN '2026-01-02' AND '2026-01-03' AND id > 3400", "599", {1, 2}},
      {"dt IN ('2026-01-01', '2026-01-04')", "2000", {0, 3}},
      {"dt IS NULL", "1000", {4}},
      {"region = 'east'", "2000", {1, 3}},
      {"extract(day FROM dt) = 3 OR dt IS NULL", "2000", {2, 4}},
      {"dt > '2030-01-01'", "0", {}},
      {"region = upper('west')", "0", {}},
  };
  for (const auto& [filter, count, listed] : cases) {
    EXPECT_EQ(Ask(std::string("SELECT count(*) FROM skep_lake.ext.sales WHERE ") + filter), count)
        << filter;
    EXPECT_EQ(gateway_->TakeCounts().listed, listed) << filter;
  }
}

TEST_F(ParquetScan, PrunesByTheBuildSideOfAJoinBeforeListing) {
  Run("CREATE TABLE days AS SELECT DATE '2026-01-03' AS d");
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.sales JOIN days ON dt = d"), "1000");
  EXPECT_EQ(gateway_->TakeCounts().listed, Listed({2}));
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.sales WHERE dt IN (SELECT d FROM days)"),
            "1000");
  EXPECT_EQ(gateway_->TakeCounts().listed, Listed({2}));
}

TEST_F(ParquetScan, ListsNothingToExplainOrDescribe) {
  const std::string plan =
      Ask("EXPLAIN SELECT sum(id) FROM skep_lake.ext.sales WHERE dt = '2026-01-02'");
  EXPECT_NE(plan.find("ext.sales"), std::string::npos) << plan;
  EXPECT_NE(plan.find("1/5"), std::string::npos) << plan;
  EXPECT_EQ(Ask("DESCRIBE skep_lake.ext.sales").substr(0, 9), "id|BIGINT");
  const auto prepared = connection_->Prepare("SELECT * FROM skep_lake.ext.sales");
  EXPECT_EQ(prepared->ColumnCount(), 5u);
  EXPECT_EQ(gateway_->TakeCounts().lists, 0u);
}

TEST_F(ParquetScan, AnswersPathAndSizeWithoutShowingThemInStar) {
  EXPECT_EQ(
      Ask("SELECT DISTINCT \"$path\" FROM skep_lake.ext.sales WHERE dt = '2026-01-01' ORDER BY 1"),
      "s3://lake/sales/dt=2026-01-01/part-0.parquet ; "
      "s3://lake/sales/dt=2026-01-01/part-1.parquet");
  const auto size = std::filesystem::file_size(root_ + "/sales/dt=2026-01-01/part-0.parquet");
  EXPECT_EQ(
      Ask("SELECT DISTINCT \"$size\" FROM skep_lake.ext.sales WHERE \"$path\" LIKE '%01/part-0%'"),
      std::to_string(size));
  const auto counts = gateway_->TakeCounts();
  EXPECT_EQ(counts.listed, Listed({0, 0, 1, 2, 3, 4}));
  EXPECT_EQ(counts.bytes.size(), 2u);  // only the files of the first day were opened
  EXPECT_EQ(
      Ask("SELECT count(*) FROM skep_lake.ext.sales WHERE dt = '2026-01-02' AND \"$size\" > 0"),
      "1000");
  EXPECT_EQ(gateway_->TakeCounts().listed, Listed({1}));
  EXPECT_EQ(connection_->Query("SELECT * FROM skep_lake.ext.sales LIMIT 1")->ColumnCount(), 5u);
}

TEST_F(ParquetScan, GroupsAndSortsByPartitionKeys) {
  EXPECT_EQ(Ask("SELECT dt, region, count(*), min(id) FROM skep_lake.ext.sales GROUP BY 1, 2 ORDER "
                "BY dt NULLS LAST LIMIT 2"),
            "2026-01-01|west|1000|1000 ; 2026-01-02|east|1000|2000");
  EXPECT_EQ(Ask("SELECT id, note, dt FROM skep_lake.ext.sales ORDER BY id DESC LIMIT 2"),
            "5999|n499|NULL ; 5998|n498|NULL");
}

TEST_F(ParquetScan, FetchesOnlyTheColumnsItNeeds) {
  AddWide();
  const auto size = std::filesystem::file_size(root_ + "/wide/w.parquet");
  ASSERT_GT(size, 18u << 20);
  EXPECT_EQ(Ask("SELECT sum(id) FROM skep_lake.ext.wide"), "7199940000");
  const auto narrow = gateway_->TakeCounts().bytes["s3://lake/wide/w.parquet"];
  EXPECT_LT(narrow, 5u << 20);
  EXPECT_EQ(Ask("SELECT count(DISTINCT a), count(DISTINCT b) FROM skep_lake.ext.wide"),
            "120000|120000");
  EXPECT_GT(gateway_->TakeCounts().bytes["s3://lake/wide/w.parquet"], 15u << 20);
}

TEST_F(ParquetScan, ReadsMissingColumnsAndFieldsAsNull) {
  Write("mixed/a.parquet", "SELECT 1 AS id, {'x': 1} AS s", "FORMAT parquet");
  Write("mixed/b.parquet",
        "SELECT 2 AS ID, 'new' AS extra, {'x': 2, 'y': 'two'} AS s, 7 AS unknown",
        "FORMAT parquet");
  FakeTable table;
  table.description = Describe("mixed", "parquet",
                               {{"extra", "string"},
                                {"id", "bigint"},
                                {"s", "struct<x:bigint,y:string>"},
                                {"nowhere", "array<int>"}});
  table.folders = {"mixed"};
  gateway_->SetTable(std::move(table));
  EXPECT_EQ(Ask("SELECT id, extra, s.x, s.y, nowhere FROM skep_lake.ext.mixed ORDER BY id"),
            "1|NULL|1|NULL|NULL ; 2|new|2|two|NULL");
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.mixed WHERE extra IS NULL"), "1");
}

TEST_F(ParquetScan, ReadsNestedTypes) {
  Write("nested/n.parquet",
        "SELECT [1, 2] AS l, {'a': 1, 'b': [{'c': 'x'}]} AS s, MAP {'k': 5} AS m",
        "FORMAT parquet");
  FakeTable table;
  table.description = Describe("nested", "parquet",
                               {{"l", "array<int>"},
                                {"s", "struct<a:int,b:array<struct<c:string>>>"},
                                {"m", "map<string,int>"}});
  table.folders = {"nested"};
  gateway_->SetTable(std::move(table));
  EXPECT_EQ(Ask("SELECT l[2], s.b[1].c, m['k'] FROM skep_lake.ext.nested"), "2|x|5");
  EXPECT_EQ(Ask("SELECT u FROM skep_lake.ext.nested, UNNEST(l) t(u)"), "1 ; 2");
}

TEST_F(ParquetScan, JoinsTwoExternalTablesAndOneWithItself) {
  Write("names/n.parquet", "SELECT 1000 + range AS id, 'name' || range AS name FROM range(10)",
        "FORMAT parquet");
  FakeTable table;
  table.description = Describe("names", "parquet", {{"id", "bigint"}, {"name", "string"}});
  table.folders = {"names"};
  gateway_->SetTable(std::move(table));
  EXPECT_EQ(Ask("SELECT count(*), max(name) FROM skep_lake.ext.sales JOIN skep_lake.ext.names "
                "USING (id)"),
            "10|name9");
  EXPECT_EQ(gateway_->TakeCounts().opened, 2u);
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.sales a JOIN skep_lake.ext.sales b ON a.id = "
                "b.id AND a.dt = b.dt"),
            "4000");
  EXPECT_EQ(gateway_->TakeCounts().opened, 1u);
  EXPECT_EQ(Ask("WITH s AS (SELECT * FROM skep_lake.ext.sales WHERE dt = '2026-01-01') SELECT "
                "count(*) FROM s a JOIN s b USING (id)"),
            "1000");
}

TEST_F(ParquetScan, ReadsATableWithoutPartitionsOrRows) {
  sales_.description.partitions.clear();
  sales_.folders.clear();
  gateway_->SetTable(sales_);
  EXPECT_EQ(Ask("SELECT count(*), max(id) FROM skep_lake.ext.sales"), "0|NULL");
  EXPECT_EQ(Ask("SELECT \"$path\" FROM skep_lake.ext.sales WHERE \"$size\" > 5"), "");
  FakeTable table;
  table.description = Describe("nothing", "parquet", {{"id", "bigint"}});
  table.folders = {"no_such_folder"};
  gateway_->SetTable(std::move(table));
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.nothing"), "0");
}

TEST_F(ParquetScan, ClosesTheScanWithTheStatement) {
  Ask("SELECT count(*) FROM skep_lake.ext.sales");
  Ask("SELECT count(*) FROM skep_lake.ext.sales WHERE id = 'x'");
  const auto open = Ask("SELECT 1");
  client_->ListTables({}, {}).value();  // the socket keeps order: what came before has arrived
  EXPECT_EQ(gateway_->TakeCounts().open_scans, 0u);
  Run("BEGIN");
  for (int i = 0; i < 5; i++) Ask("SELECT count(*) FROM skep_lake.ext.sales");
  client_->ListTables({}, {}).value();  // the socket keeps order: what came before has arrived
  EXPECT_LE(gateway_->TakeCounts().open_scans, 1u);
  Run("COMMIT");
  client_->ListTables({}, {}).value();
  EXPECT_EQ(gateway_->TakeCounts().open_scans, 0u);
}

TEST_F(ParquetScan, SeesTheNewestCatalogInEachStatement) {
  auto prepared =
      connection_->Prepare("SELECT count(*) FROM skep_lake.ext.sales WHERE dt >= $1::DATE");
  ASSERT_FALSE(prepared->HasError()) << prepared->GetError();
  const auto count = [&](const char* from) {
    duckdb::vector<duckdb::Value> values{duckdb::Value(from)};
    auto result = prepared->Execute(values, false);
    return result->HasError() ? result->GetError()
                              : TextOf(result->Cast<duckdb::MaterializedQueryResult>());
  };
  gateway_->TakeCounts();
  EXPECT_EQ(count("2026-01-03"), "2000");
  auto counts = gateway_->TakeCounts();
  EXPECT_EQ(counts.opened, 1u);
  EXPECT_EQ(counts.listed, Listed({2, 3}));
  AddPartition(sales_, {"2026-02-01", "north"}, "sales/dt=2026-01-01");
  gateway_->SetTable(sales_);
  EXPECT_EQ(count("2026-01-03"), "3000");
  EXPECT_EQ(gateway_->TakeCounts().listed, Listed({2, 3, 5}));
  EXPECT_EQ(count("2026-01-04"), "2000");
  Run("BEGIN");
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.sales"), "6000");
  sales_.description.partitions.pop_back();
  gateway_->SetTable(sales_);
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.sales"), "5000");
  Run("ROLLBACK");
  EXPECT_TRUE(ReadsLake(prepared->GetStatementProperties()));
  EXPECT_FALSE(ReadsLake(connection_->Prepare("SELECT 1")->GetStatementProperties()));
}

TEST_F(ParquetScan, ReadsTwoPartitionsAtOneLocation) {
  AddPartition(sales_, {"2027-01-01", "copy"}, "sales/dt=2026-01-01");
  gateway_->SetTable(sales_);
  EXPECT_EQ(Ask("SELECT dt, count(*) FROM skep_lake.ext.sales WHERE dt IN ('2026-01-01', "
                "'2027-01-01') GROUP BY 1 ORDER BY 1"),
            "2026-01-01|1000 ; 2027-01-01|1000");
}

TEST_F(ParquetScan, FailsOneStatementWhenAnObjectIsRefusedGoneOrChanged) {
  const std::tuple<Fault, ErrorKind> cases[] = {
      {Fault::kDenied, ErrorKind::kExternalDenied},
      {Fault::kMissing, ErrorKind::kExternalNotFound},
      {Fault::kChanged, ErrorKind::kExternalChanged},
      {Fault::kShort, ErrorKind::kExternalUnavailable},
  };
  for (const auto& [fault, kind] : cases) {
    gateway_->SetFault("02/part-1", fault);
    const Error error = Failure("SELECT sum(id) FROM skep_lake.ext.sales");
    EXPECT_EQ(error.kind, kind) << error.message;
    EXPECT_NE(error.message.find("s3://lake/sales/dt=2026-01-02/part-1.parquet"), std::string::npos)
        << error.message;
    EXPECT_EQ(Ask("SELECT sum(id) > 0 FROM skep_lake.ext.sales WHERE dt = '2026-01-01'"), "true");
    gateway_->ClearFaults();
    EXPECT_EQ(Ask("SELECT sum(id) FROM skep_lake.ext.sales"), "17497500");
  }
}

TEST_F(ParquetScan, NoticesAnObjectThatIsReplacedWhileItIsRead) {
  // The listing is of the old object, the blocks of the new one.
  gateway_->SetFault("02/part-1", Fault::kSlow);
  duckdb::unique_ptr<duckdb::MaterializedQueryResult> result;
  std::thread query(
      [&] { result = connection_->Query("SELECT sum(id) FROM skep_lake.ext.sales"); });
  gateway_->WaitForHeld();
  std::filesystem::copy_file(root_ + "/sales/dt=2026-01-03/part-1.parquet",
                             root_ + "/sales/dt=2026-01-02/part-1.parquet",
                             std::filesystem::copy_options::overwrite_existing);
  gateway_->ClearFaults();
  query.join();
  ASSERT_TRUE(result->HasError());
  const auto error = LakeErrorOf(result->GetErrorObject());
  ASSERT_TRUE(error) << result->GetError();
  EXPECT_EQ(error->kind, ErrorKind::kExternalChanged);
  EXPECT_EQ(error->hint, "Run the statement again.");
  EXPECT_EQ(Ask("SELECT sum(id) FROM skep_lake.ext.sales"), "17997500");
}

TEST_F(ParquetScan, PassesOnWhatTheGatewaySaysAboutTables) {
  EXPECT_EQ(Failure("SELECT * FROM skep_lake.ext.nothing_there").kind, ErrorKind::kUndefinedTable);
  EXPECT_EQ(connection_->Query("SELECT * FROM skep_lake.other.sales")->GetErrorType(),
            duckdb::ExceptionType::CATALOG);
  gateway_->FailOpen(Error{ErrorKind::kInvalidRole, "role arn:aws:iam::1:role/x cannot be assumed",
                           "detail", "hint", 0});
  const Error role = Failure("SELECT * FROM skep_lake.ext.sales");
  EXPECT_EQ(role, (Error{ErrorKind::kInvalidRole, "role arn:aws:iam::1:role/x cannot be assumed",
                         "detail", "hint", 0}));
  gateway_->FailOpen({});
  gateway_->FailList(
      Error{ErrorKind::kExternalDenied, "not authorized to perform: s3:ListBucket", {}, {}, 0});
  EXPECT_EQ(Failure("SELECT * FROM skep_lake.ext.sales").kind, ErrorKind::kExternalDenied);
  EXPECT_EQ(Failure("SELECT * FROM skep_lake.ext.sales WHERE \"$size\" = 1").kind,
            ErrorKind::kExternalDenied);
  gateway_->ClearFaults();
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.sales"), "5000");
  sales_.description.partitions[0].values[0] = "yesterday";
  gateway_->SetTable(sales_);
  EXPECT_EQ(Failure("SELECT * FROM skep_lake.ext.sales").kind, ErrorKind::kInvalidText);
  sales_.description.columns[0].type = "uniontype<int>";
  gateway_->SetTable(sales_);
  EXPECT_EQ(Failure("SELECT * FROM skep_lake.ext.sales").kind, ErrorKind::kFeatureNotSupported);
}

TEST_F(ParquetScan, StopsWithin100MillisecondsOfAnInterrupt) {
  gateway_->SetFault("part", Fault::kSlow);
  duckdb::unique_ptr<duckdb::MaterializedQueryResult> result;
  std::thread query(
      [&] { result = connection_->Query("SELECT sum(id) FROM skep_lake.ext.sales"); });
  gateway_->WaitForHeld();
  const auto start = std::chrono::steady_clock::now();
  connection_->Interrupt();
  query.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(100));
  ASSERT_TRUE(result->HasError());
  EXPECT_EQ(result->GetErrorType(), duckdb::ExceptionType::INTERRUPT) << result->GetError();
  gateway_->ClearFaults();
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.sales"), "5000");
}

TEST_F(ParquetScan, LosesOneStatementAndKeepsLocalTablesWhenTheGatewayGoes) {
  Run("CREATE TABLE local AS SELECT 1 AS a");
  gateway_->Close();
  EXPECT_EQ(Failure("SELECT count(*) FROM skep_lake.ext.sales").kind,
            ErrorKind::kExternalUnavailable);
  EXPECT_EQ(Ask("SELECT a FROM local"), "1");
}

TEST_F(ParquetScan, SurvivesCorruptFiles) {
  const std::string file = root_ + "/sales/dt=2026-01-02/part-1.parquet";
  const auto size = std::filesystem::file_size(file);
  std::ofstream(file, std::ios::binary) << std::string(size, 'x');
  EXPECT_NE(Ask("SELECT sum(id) FROM skep_lake.ext.sales")
                .find("s3://lake/sales/dt=2026-01-02/part-1.parquet"),
            std::string::npos);
  std::filesystem::resize_file(file, 3);
  EXPECT_EQ(Ask("SELECT sum(id) FROM skep_lake.ext.sales").substr(0, 5), "ERROR");
  std::filesystem::resize_file(file, 0);
  EXPECT_EQ(Ask("SELECT sum(id) FROM skep_lake.ext.sales").substr(0, 5), "ERROR");
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.sales WHERE dt = '2026-01-03'"), "1000");
}

TEST_F(ParquetScan, IsReadOnlyAndOpensNoFileByName) {
  for (const char* sql : {"INSERT INTO skep_lake.ext.sales VALUES (1, 1, 'x', NULL, NULL)",
                          "DELETE FROM skep_lake.ext.sales", "DROP TABLE skep_lake.ext.sales",
                          "CREATE TABLE skep_lake.ext.t (a INT)", "CREATE SCHEMA skep_lake.more",
                          "UPDATE skep_lake.ext.sales SET id = 1"}) {
    EXPECT_EQ(Ask(sql).substr(0, 5), "ERROR") << sql;
  }
  for (const char* sql :
       {"SELECT * FROM read_parquet('s3://lake/sales/dt=2026-01-01/part-0.parquet')",
        "COPY (SELECT 1) TO 's3://lake/new.parquet'", "SELECT * FROM glob('s3://lake/*')"}) {
    EXPECT_EQ(Failure(sql).kind, ErrorKind::kInsufficientPrivilege) << sql;
  }
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.sales"), "5000");
}

TEST_F(ParquetScan, WorksWhenTheEngineIsLockedDown) {
  Run("SET allowed_directories=['s3://']");
  Run("SET enable_external_access=false");
  Run("SET lock_configuration=true");
  EXPECT_EQ(Ask("SELECT count(*) FROM skep_lake.ext.sales"), "5000");
  EXPECT_EQ(Ask("SELECT * FROM read_text('/etc/hostname')").substr(0, 5), "ERROR");
}

TEST_F(ParquetScan, ReadsTimestampsAsUtcWhenTheEngineIsSetToUtc) {
  Run("SET TimeZone='UTC'");
  Write("ts/a.parquet", "SELECT TIMESTAMPTZ '2026-01-02 03:04:05+00' AS stamp", "FORMAT parquet");
  FakeTable table;
  table.description = Describe("ts", "parquet", {{"stamp", "timestamp"}});
  table.folders = {"ts"};
  gateway_->SetTable(std::move(table));
  EXPECT_EQ(Ask("SELECT stamp FROM skep_lake.ext.ts WHERE stamp = '2026-01-02 03:04:05'"),
            "2026-01-02 03:04:05");
}

TEST_F(ParquetScan, WorksWithTheEnginesOwnFileCache) {
  Run("SET enable_external_file_cache=true");
  for (int i = 0; i < 3; i++) EXPECT_EQ(Ask("SELECT sum(id) FROM skep_lake.ext.sales"), "17497500");
  std::filesystem::copy_file(root_ + "/sales/dt=2026-01-03/part-1.parquet",
                             root_ + "/sales/dt=2026-01-02/part-1.parquet",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(Ask("SELECT sum(id) FROM skep_lake.ext.sales"), "17997500");
}

TEST_F(ParquetScan, CountsTheBytesOfAStatement) {
  TakeLakeBytes(*connection_->context);
  Ask("SELECT sum(id) FROM skep_lake.ext.sales");
  EXPECT_GT(TakeLakeBytes(*connection_->context), 1000u);
  EXPECT_EQ(TakeLakeBytes(*connection_->context), 0u);
}

TEST_F(ParquetScan, ServesTwoConnectionsAtOnce) {
  duckdb::Connection other(*database_);
  std::thread second([&] {
    for (int i = 0; i < 10; i++) {
      auto result = other.Query("SELECT sum(id) FROM skep_lake.ext.sales");
      EXPECT_FALSE(result->HasError()) << result->GetError();
    }
  });
  for (int i = 0; i < 10; i++)
    EXPECT_EQ(Ask("SELECT sum(id) FROM skep_lake.ext.sales WHERE region = 'east'"), "6999000");
  second.join();
}

}  // namespace
}  // namespace skep::external_scan
