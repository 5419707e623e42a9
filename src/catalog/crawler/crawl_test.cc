#include "catalog/crawler/crawl.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "catalog/glue_tables.h"

namespace skep::catalog {
namespace {

using Json = nlohmann::json;

constexpr char kAccount[] = "111111111111";

class MemoryStore final : public lake::ObjectStore {
 public:
  std::map<std::string, uint64_t> sizes;  // bucket/key
  std::vector<std::string> listed;        // prefixes, with the delimiter
  Result<lake::ListPage> List(const identity::Credentials&, const std::string& bucket,
                              const std::string& prefix, const std::string& delimiter,
                              const std::string& next) override {
    listed.push_back(prefix + delimiter);
    lake::ListPage page;
    const std::string below = bucket + "/" + prefix;
    for (auto it = sizes.upper_bound(next.empty() ? below : bucket + "/" + next);
         it != sizes.end() && it->first.starts_with(below); ++it) {
      const auto& [path, size] = *it;
      if (!delimiter.empty() && path.find(delimiter, below.size()) != std::string::npos) continue;
      if (page.objects.size() == 1000) {
        page.next = page.objects.back().key;
        break;
      }
      page.objects.push_back({path.substr(bucket.size() + 1), "e" + std::to_string(size), size, 0});
    }
    return page;
  }
  Result<lake::ObjectInfo> Head(const identity::Credentials&, const std::string& bucket,
                                const std::string& key) override {
    const auto it = sizes.find(bucket + "/" + key);
    if (it == sizes.end()) return Fail(ErrorKind::kExternalNotFound, "404");
    return lake::ObjectInfo{key, "e", it->second, 0};
  }
  Result<void> GetRange(const identity::Credentials&, const std::string&, const std::string&,
                        const std::string&, uint64_t, std::span<char>) override {
    return Fail(ErrorKind::kInternal, "crawls read through the inferrer");
  }
  Result<std::string> Put(const identity::Credentials&, const std::string&, const std::string&,
                          std::string_view) override {
    return std::string();
  }
  Result<void> CreateBucket(const identity::Credentials&, const std::string&) override {
    return {};
  }
};

// Knows the schema of every path by the first prefix that fits.
class TableInferrer final : public Inferrer {
 public:
  std::vector<std::pair<std::string, Result<ipc::InferReply>>> schemas;
  std::vector<SampleObject> asked;
  Result<ipc::InferReply> Infer(const SampleObject& object,
                                const identity::Credentials& credentials) override {
    asked.push_back(object);
    EXPECT_EQ(credentials.account, kAccount);
    for (const auto& [prefix, reply] : schemas) {
      if (object.path.starts_with(prefix)) return reply;
    }
    return Fail(ErrorKind::kDataException, "not readable");
  }
};

ipc::InferReply Schema(const std::string& format, std::vector<ipc::InferredColumn> columns,
                       bool header = false, const std::string& quote = "") {
  ipc::InferReply r;
  r.format = format;
  r.columns = std::move(columns);
  if (format == "csv") r.delimiter = ",";
  r.header = header;
  r.quote = quote;
  r.rows = 100;
  return r;
}

class CrawlTest : public testing::Test {
 protected:
  CrawlTest()
      : keys_({{kAccount, "AK", Secret("s"), "http://one", "us-east-1", true}}),
        roles_({{"arn:aws:iam::111111111111:role/crawl", {"service:glue"}, {}},
                {"arn:aws:iam::111111111111:role/narrow", {"service:glue"}, {"lake/a/"}},
                {"arn:aws:iam::111111111111:role/untrusting", {"workspace:w"}, {}},
                {"arn:aws:iam::222222222222:role/foreign", {"service:glue"}, {}}},
               keys_) {}
  void SetUp() override {
    char name[] = "/tmp/skep-crawl-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    auto store = control::OpenSqlite(directory_ + "/control.db");
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  Result<CrawlSummary> Crawl(const Json& more = Json::object(),
                             const std::string& path = "s3://lake/") {
    Json json = {{"Name", "c"},
                 {"Role", "crawl"},
                 {"DatabaseName", "DB"},
                 {"Targets", {{"S3Targets", {{{"Path", path}}}}}}};
    json.update(more);
    return RunCrawl({kAccount, "c", "RUNNING", json.dump()}, *store_, roles_, objects_, inferrer_,
                    [this] { return stop_; });
  }
  // As a stored crawler, which remembers what it saw.
  Result<CrawlSummary> Again(const Json& more = Json::object(), const CrawlOptions& options = {}) {
    Json json = {{"Name", "c"},
                 {"Role", "crawl"},
                 {"DatabaseName", "DB"},
                 {"Targets", {{"S3Targets", {{{"Path", "s3://lake/"}}}}}}};
    json.update(more);
    const control::Crawler crawler{kAccount, "c", "RUNNING", json.dump()};
    if (!*store_->UpdateCrawler(crawler)) EXPECT_TRUE(store_->CreateCrawler(crawler));
    objects_.listed.clear();
    inferrer_.asked.clear();
    return RunCrawl(
        crawler, *store_, roles_, objects_, inferrer_, [this] { return stop_; }, options);
  }
  static Json Configured(const Json& configuration) {
    return {{"Configuration", configuration.dump()}};
  }
  static Json Evidence(const Result<CrawlSummary>& done) {
    EXPECT_TRUE(done) << done.error().message;
    return done ? Json::parse(done->evidence) : Json();
  }
  std::vector<std::string> Asked() const {
    std::vector<std::string> paths;
    for (const SampleObject& one : inferrer_.asked) paths.push_back(one.path.substr(10));
    return paths;
  }
  static std::string ColumnsOf(const Json& table) {
    std::string out;
    for (const Json& c : table["StorageDescriptor"]["Columns"])
      out += c["Name"].get<std::string>() + ":" + c["Type"].get<std::string>() + " ";
    return out;
  }
  Json Table(const std::string& name) {
    const auto t = store_->GetGlueTable(kAccount, "db", name);
    EXPECT_TRUE(t && *t) << name;
    return t && *t ? Json::parse((*t)->json) : Json();
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& t : *store_->ListGlueTables(kAccount, "db")) names.push_back(t.name);
    return names;
  }

  std::string directory_;
  std::unique_ptr<control::Store> store_;
  MemoryStore objects_;
  TableInferrer inferrer_;
  identity::ConfiguredKeys keys_;
  identity::RoleChainResolver roles_;
  bool stop_ = false;
};

TEST_F(CrawlTest, WritesTablesAsCrawlersDo) {
  objects_.sizes = {{"lake/airports/a.csv", 1000},
                    {"lake/quotes/q.csv.gz", 10},
                    {"lake/flights/dt=2024-01-01/1.parquet", 500},
                    {"lake/flights/dt=2024-01-02/1.parquet", 1500},
                    {"lake/logs/l.json", 5}};
  inferrer_.schemas = {
      {"s3://lake/airports", Schema("csv", {{"IATA", "string"}, {"lat", "double"}}, true)},
      {"s3://lake/quotes", Schema("csv", {{"q", "string"}, {"n", "bigint"}}, false, "\"")},
      {"s3://lake/flights", Schema("parquet", {{"delay", "int"}, {"dt", "date"}})},
      {"s3://lake/logs", Schema("json", {{"b", "string"}, {"A", "bigint"}})}};
  const auto done = Crawl({{"TablePrefix", "Raw_"}});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->tables_created, 4u);
  EXPECT_EQ(done->partitions_written, 2u);
  EXPECT_TRUE(*store_->GetGlueDatabase(kAccount, "db"));

  const Json airports = Table("raw_airports");
  EXPECT_EQ(airports["TableType"], "EXTERNAL_TABLE");
  EXPECT_EQ(airports["Parameters"]["classification"], "csv");
  EXPECT_EQ(airports["Parameters"]["skip.header.line.count"], "1");
  EXPECT_EQ(airports["Parameters"]["UPDATED_BY_CRAWLER"], "c");
  EXPECT_EQ(airports["Parameters"]["recordCount"], "100");
  EXPECT_EQ(airports["Parameters"]["sizeKey"], "1000");
  const Json& sd = airports["StorageDescriptor"];
  EXPECT_EQ(sd["Location"], "s3://lake/airports/");
  EXPECT_EQ(sd["SerdeInfo"]["SerializationLibrary"],
            "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe");
  EXPECT_EQ(sd["SerdeInfo"]["Parameters"]["field.delim"], ",");
  EXPECT_EQ(sd["Columns"],
            Json::parse(R"([{"Name":"iata","Type":"string"},{"Name":"lat","Type":"double"}])"));
  EXPECT_EQ(sd["NumberOfBuckets"], -1);

  const Json quotes = Table("raw_quotes");
  EXPECT_EQ(quotes["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"],
            "org.apache.hadoop.hive.serde2.OpenCSVSerde");
  EXPECT_EQ(quotes["Parameters"]["compressionType"], "gzip");
  EXPECT_EQ(quotes["StorageDescriptor"]["Compressed"], true);
  EXPECT_EQ(Table("raw_logs")["StorageDescriptor"]["SerdeInfo"]["Parameters"]["paths"], "a,b");

  const Json flights = Table("raw_flights");
  EXPECT_EQ(flights["PartitionKeys"], Json::parse(R"([{"Name":"dt","Type":"date"}])"));
  EXPECT_EQ(flights["StorageDescriptor"]["Columns"].size(), 1u);  // dt is the key's
  const auto partitions = store_->ListGluePartitions(kAccount, "db", "raw_flights");
  ASSERT_TRUE(partitions && partitions->size() == 2);
  const Json second = Json::parse((*partitions)[1].json);
  EXPECT_EQ(second["Values"], Json({"2024-01-02"}));
  EXPECT_EQ(second["StorageDescriptor"]["Location"], "s3://lake/flights/dt=2024-01-02/");
  EXPECT_EQ(second["Parameters"]["sizeKey"], "1500");

  // And what was written can be read as external tables.
  GlueTableSource source(*store_);
  identity::Credentials catalog;
  catalog.account = kAccount;
  const auto table = source.GetTable(catalog, "DB", "Raw_Flights");
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->description.format, "parquet");
  EXPECT_EQ(table->locations, (std::vector<std::string>{"s3://lake/flights/dt=2024-01-01/",
                                                        "s3://lake/flights/dt=2024-01-02/"}));
  const auto csv = source.GetTable(catalog, "db", "raw_airports");
  ASSERT_TRUE(csv);
  EXPECT_EQ(csv->description.options,
            (std::vector<std::pair<std::string, std::string>>{
                {"delimiter", ","}, {"quote", ""}, {"escape", ""}, {"skip", "1"}}));
}

TEST_F(CrawlTest, ChangesNothingWhenNothingChanged) {
  objects_.sizes = {{"lake/t/p=1/a.parquet", 10}, {"lake/t/p=2/a.parquet", 10}};
  inferrer_.schemas = {{"s3://", Schema("parquet", {{"a", "int"}})}};
  ASSERT_TRUE(Crawl());
  const auto before = *store_->GetGlueTable(kAccount, "db", "t");
  const auto again = Crawl();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->tables_created + again->tables_updated + again->partitions_written, 0u);
  EXPECT_EQ(again->tables_unchanged, 1u);
  EXPECT_EQ((*store_->GetGlueTable(kAccount, "db", "t"))->version, before->version);
}

TEST_F(CrawlTest, AddsColumnsAndPartitionsAndKeepsUsersParameters) {
  objects_.sizes = {{"lake/t/p=1/a.parquet", 10}};
  inferrer_.schemas = {{"s3://", Schema("parquet", {{"a", "int"}})}};
  ASSERT_TRUE(Crawl());
  Json edited = Table("t");
  edited["Parameters"]["owner_team"] = "x";
  ASSERT_TRUE(*store_->UpdateGlueTable({kAccount, "db", "t", 0, edited.dump()}));
  objects_.sizes["lake/t/p=2/a.parquet"] = 10;
  inferrer_.schemas = {{"s3://", Schema("parquet", {{"a", "bigint"}, {"b", "string"}})}};
  const auto done = Crawl();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->tables_updated, 1u);
  const Json t = Table("t");
  EXPECT_EQ(t["StorageDescriptor"]["Columns"].size(), 2u);
  EXPECT_EQ(t["Parameters"]["owner_team"], "x");
  EXPECT_EQ(store_->ListGluePartitions(kAccount, "db", "t")->size(), 2u);
}

TEST_F(CrawlTest, HonoursTheSchemaChangePolicy) {
  objects_.sizes = {{"lake/t/a.csv", 10}, {"lake/u/a.csv", 10}};
  inferrer_.schemas = {{"s3://lake/t", Schema("csv", {{"a", "int"}})},
                       {"s3://lake/u", Schema("csv", {{"x", "int"}, {"y", "int"}})}};
  ASSERT_TRUE(Crawl());
  inferrer_.schemas = {{"s3://lake/t", Schema("csv", {{"a", "double"}})}};
  objects_.sizes.erase("lake/u/a.csv");
  ASSERT_TRUE(
      Crawl({{"SchemaChangePolicy", {{"UpdateBehavior", "LOG"}, {"DeleteBehavior", "LOG"}}}}));
  EXPECT_EQ(Table("t")["StorageDescriptor"]["Columns"][0]["Type"], "int");
  EXPECT_FALSE(Table("u")["Parameters"].contains("DEPRECATED_BY_CRAWLER"));
  ASSERT_TRUE(Crawl());
  EXPECT_EQ(Table("t")["StorageDescriptor"]["Columns"][0]["Type"], "double");
  EXPECT_TRUE(Table("u")["Parameters"].contains("DEPRECATED_BY_CRAWLER"));
  ASSERT_TRUE(Crawl({{"SchemaChangePolicy", {{"DeleteBehavior", "DELETE_FROM_DATABASE"}}}}));
  EXPECT_EQ(Names(), std::vector<std::string>{"t"});
}

TEST_F(CrawlTest, LeavesTablesOfOthersAlone) {
  objects_.sizes = {{"lake/t/a.csv", 10}};
  inferrer_.schemas = {{"s3://", Schema("csv", {{"a", "int"}})}};
  ASSERT_TRUE(store_->CreateGlueDatabase({kAccount, "db", "{}"}));
  ASSERT_TRUE(store_->CreateGlueTable(
      {kAccount, "db", "t", 0,
       R"({"Name":"t","StorageDescriptor":{"Location":"s3://elsewhere/"}})"}));
  ASSERT_TRUE(Crawl());
  EXPECT_EQ(Table("t")["StorageDescriptor"]["Location"], "s3://elsewhere/");
  ASSERT_EQ(Names().size(), 2u);
  EXPECT_TRUE(Names()[1].starts_with("t_") && Names()[1].size() == 34) << Names()[1];
}

TEST_F(CrawlTest, SkipsFilesThatCannotBeRead) {
  objects_.sizes = {{"lake/bad/a.csv", 10}, {"lake/good/a.csv", 10}};
  inferrer_.schemas = {{"s3://lake/good", Schema("csv", {{"a", "int"}})}};
  const auto done = Crawl();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(Names(), std::vector<std::string>{"good"});
}

TEST_F(CrawlTest, SplitsFoldersOfUnlikeFiles) {
  objects_.sizes = {{"lake/d/airports.csv", 10}, {"lake/d/species.csv", 10}};
  inferrer_.schemas = {{"s3://lake/d/a", Schema("csv", {{"iata", "string"}, {"lat", "double"}})},
                       {"s3://lake/d/s", Schema("csv", {{"name", "string"}, {"n", "int"}})}};
  ASSERT_TRUE(Crawl());
  EXPECT_EQ(Names(), (std::vector<std::string>{"airports_csv", "species_csv"}));
  EXPECT_EQ(Table("airports_csv")["StorageDescriptor"]["Location"], "s3://lake/d/airports.csv");
}

TEST_F(CrawlTest, FailsWithoutTheRight) {
  objects_.sizes = {{"lake/a/x.csv", 10}, {"lake/b/x.csv", 10}};
  inferrer_.schemas = {{"s3://", Schema("csv", {{"a", "int"}})}};
  struct Case {
    const char* what;
    Json more;
    std::string path;
    ErrorKind kind;
  };
  for (const auto& c :
       {Case{"an unknown role", {{"Role", "ghost"}}, "s3://lake/", ErrorKind::kInvalidRole},
        Case{"a role that does not trust crawlers",
             {{"Role", "untrusting"}},
             "s3://lake/",
             ErrorKind::kInsufficientPrivilege},
        Case{"another account's role",
             {{"Role", "arn:aws:iam::222222222222:role/foreign"}},
             "s3://lake/",
             ErrorKind::kInvalidRole},
        Case{"no role", {{"Role", ""}}, "s3://lake/", ErrorKind::kInvalidRole},
        Case{"outside the role's prefixes",
             {{"Role", "narrow"}},
             "s3://lake/b/",
             ErrorKind::kInsufficientPrivilege},
        Case{"around the role's prefixes",
             {{"Role", "narrow"}},
             "s3://lake/",
             ErrorKind::kInsufficientPrivilege},
        Case{"not S3", Json::object(), "file:///etc", ErrorKind::kInvalidArgument},
        Case{"no targets", {{"Targets", Json::object()}}, "", ErrorKind::kInvalidArgument}}) {
    const auto done = Crawl(c.more, c.path);
    ASSERT_FALSE(done) << c.what;
    EXPECT_EQ(done.error().kind, c.kind) << c.what << ": " << done.error().message;
  }
  EXPECT_TRUE(inferrer_.asked.empty());
  ASSERT_TRUE(Crawl({{"Role", "narrow"}}, "s3://lake/a/"));
  stop_ = true;
  EXPECT_EQ(Crawl().error().kind, ErrorKind::kQueryCanceled);
}

TEST_F(CrawlTest, AnUnchangedLakeCostsOneListingAndNoReads) {
  for (int i = 0; i < 2500; i++)
    objects_.sizes["lake/t/p=" + std::to_string(i % 10) + "/" + std::to_string(i) + ".csv"] = 10;
  objects_.sizes["lake/broken/a.csv"] = 10;
  inferrer_.schemas = {{"s3://lake/t", Schema("csv", {{"a", "int"}})}};
  ASSERT_TRUE(Again());
  EXPECT_EQ(inferrer_.asked.size(), 101u);  // 100 of the table, and one that cannot be read
  const auto before = *store_->GetGlueTable(kAccount, "db", "t");
  const auto done = Again();
  ASSERT_TRUE(done);
  EXPECT_EQ(objects_.listed.size(), 3u);  // pages of one listing
  EXPECT_TRUE(inferrer_.asked.empty());
  EXPECT_EQ((*store_->GetGlueTable(kAccount, "db", "t"))->version, before->version);
  EXPECT_EQ(done->partitions_written, 0u);
}

TEST_F(CrawlTest, ReadsWhatIsNewAndFindsItsColumns) {
  objects_.sizes = {{"lake/t/a.csv", 10}, {"lake/t/c.csv", 10}};
  inferrer_.schemas = {{"s3://lake/t/b", Schema("csv", {{"a", "bigint"}, {"b", "string"}})},
                       {"s3://lake/t", Schema("csv", {{"a", "int"}})}};
  ASSERT_TRUE(Again());
  objects_.sizes["lake/t/b.csv"] = 10;
  const auto done = Again();
  const Json evidence = Evidence(done);
  EXPECT_EQ(Asked(), std::vector<std::string>{"t/b.csv"});
  EXPECT_EQ(ColumnsOf(Table("t")), "a:bigint b:string ");
  const Json change = evidence["Changes"][0];
  EXPECT_EQ(change["Change"], "UPDATE_TABLE");
  EXPECT_EQ(change["Columns"]["Added"][0]["Name"], "b");
  EXPECT_EQ(change["Columns"]["Changed"][0],
            Json({{"Name", "a"}, {"From", "int"}, {"To", "bigint"}}));
  const Json samples = evidence["Tables"][0]["Samples"];
  EXPECT_EQ(samples["FilesTotal"], 3);
  EXPECT_EQ(samples["Columns"][0]["Votes"], Json({{"bigint", 1}, {"int", 2}}));
  EXPECT_EQ(samples["Columns"][0]["Conflict"], true);
  // What a file that is gone said counts no more.
  objects_.sizes.erase("lake/t/b.csv");
  ASSERT_TRUE(Again());
  EXPECT_TRUE(inferrer_.asked.empty());
  EXPECT_EQ(ColumnsOf(Table("t")), "a:int ");
}

TEST_F(CrawlTest, LooksOnlyIntoFoldersThatEventsNamed) {
  const Json events = {{"RecrawlPolicy", {{"RecrawlBehavior", "CRAWL_EVENT_MODE"}}}};
  CrawlOptions changes;
  changes.changes_only = true;
  objects_.sizes = {{"lake/t/p=1/a.csv", 10}, {"lake/t/p=2/a.csv", 10}};
  inferrer_.schemas = {{"s3://lake/t", Schema("csv", {{"a", "int"}})}};
  ASSERT_TRUE(Again(events, changes));
  EXPECT_EQ(objects_.listed, std::vector<std::string>{""});  // it had seen nothing yet
  objects_.sizes["lake/t/p=3/a.csv"] = 10;
  objects_.sizes["lake/t/p=4/a.csv"] = 10;
  objects_.sizes.erase("lake/t/p=1/a.csv");
  ASSERT_TRUE(store_->Crawls().AddChanges({{kAccount, "c", "lake", "t/p=3/", 1, 1, 1, {}},
                                           {kAccount, "c", "lake", "t/p=1/", 1, 1, 1, {}}}));
  Json deleting = events;
  deleting["SchemaChangePolicy"] = {{"DeleteBehavior", "DELETE_FROM_DATABASE"}};
  ASSERT_TRUE(Again(deleting, changes));
  EXPECT_EQ(objects_.listed, (std::vector<std::string>{"t/p=1//", "t/p=3//"}));
  EXPECT_TRUE(store_->Crawls().ListChanges("", "")->empty());
  std::vector<std::string> values;
  for (const auto& p : *store_->ListGluePartitions(kAccount, "db", "t"))
    values.push_back(p.values[0]);
  EXPECT_EQ(values, (std::vector<std::string>{"2", "3"}));
  // A crawl of everything finds the rest.
  ASSERT_TRUE(Again(deleting));
  EXPECT_EQ(store_->ListGluePartitions(kAccount, "db", "t")->size(), 3u);
}

TEST_F(CrawlTest, NewFoldersOnlyLeavesKnownFoldersAndTheSchemaAlone) {
  const Json policy = {{"RecrawlPolicy", {{"RecrawlBehavior", "CRAWL_NEW_FOLDERS_ONLY"}}}};
  objects_.sizes = {{"lake/t/p=1/a.csv", 10}};
  inferrer_.schemas = {{"s3://lake/t/p=1/a", Schema("csv", {{"a", "int"}})},
                       {"s3://lake/t", Schema("csv", {{"a", "bigint"}, {"b", "int"}})}};
  ASSERT_TRUE(Again(policy));
  objects_.sizes["lake/t/p=1/late.csv"] = 10;
  objects_.sizes["lake/t/p=2/a.csv"] = 10;
  const Json evidence = Evidence(Again(policy));
  EXPECT_EQ(Asked(), std::vector<std::string>{"t/p=2/a.csv"});
  EXPECT_EQ(ColumnsOf(Table("t")), "a:int ");
  const auto partitions = *store_->ListGluePartitions(kAccount, "db", "t");
  ASSERT_EQ(partitions.size(), 2u);
  EXPECT_EQ(Json::parse(partitions[0].json)["Parameters"]["objectCount"], "1");
  EXPECT_EQ(ColumnsOf(Json::parse(partitions[1].json)), "a:int ");
  EXPECT_EQ(evidence["Changes"][0]["Change"], "LOGGED_ONLY");
  objects_.sizes.erase("lake/t/p=2/a.csv");
  ASSERT_TRUE(Again(policy));
  EXPECT_EQ(store_->ListGluePartitions(kAccount, "db", "t")->size(), 2u);
}

TEST_F(CrawlTest, ADryRunChangesNothing) {
  objects_.sizes = {{"lake/t/p=1/a.csv", 10}, {"lake/u/a.csv", 10}};
  inferrer_.schemas = {{"s3://lake/t", Schema("csv", {{"a", "int"}})},
                       {"s3://lake/u", Schema("csv", {{"x", "int"}})}};
  CrawlOptions dry;
  dry.dry_run = true;
  Json evidence = Evidence(Again(Json::object(), dry));
  ASSERT_EQ(evidence["Changes"].size(), 4u) << evidence["Changes"].dump(1);
  EXPECT_EQ(evidence["Changes"][0]["Change"], "CREATE_DATABASE");
  EXPECT_FALSE(*store_->GetGlueDatabase(kAccount, "db"));
  ASSERT_TRUE(Again());
  const auto version = (*store_->GetGlueTable(kAccount, "db", "t"))->version;
  inferrer_.schemas = {{"s3://lake/t", Schema("csv", {{"a", "int"}, {"b", "int"}})}};
  objects_.sizes = {{"lake/t/p=2/a.csv", 10}};
  evidence =
      Evidence(Again({{"SchemaChangePolicy", {{"DeleteBehavior", "DELETE_FROM_DATABASE"}}}}, dry));
  std::vector<std::string> kinds;
  for (const Json& change : evidence["Changes"])
    kinds.push_back(change["Change"].get<std::string>() + " " + change["Table"].get<std::string>());
  EXPECT_EQ(kinds, (std::vector<std::string>{"UPDATE_TABLE t", "PARTITIONS t", "DELETE_TABLE u"}));
  EXPECT_EQ((*store_->GetGlueTable(kAccount, "db", "t"))->version, version);
  EXPECT_EQ(Names(), (std::vector<std::string>{"t", "u"}));
  EXPECT_EQ((*store_->ListGluePartitions(kAccount, "db", "t"))[0].values[0], "1");
  EXPECT_TRUE(*store_->Crawls().GetSeen(kAccount, "c", "lake", "u/"));
}

TEST_F(CrawlTest, MergesNewColumnsOnly) {
  const Json merging =
      Configured({{"CrawlerOutput", {{"Tables", {{"AddOrUpdateBehavior", "MergeNewColumns"}}}}}});
  objects_.sizes = {{"lake/t/a.csv", 10}};
  inferrer_.schemas = {{"s3://", Schema("csv", {{"a", "int"}, {"b", "int"}})}};
  ASSERT_TRUE(Again(merging));
  objects_.sizes = {{"lake/t/a.csv", 11}};
  inferrer_.schemas = {{"s3://", Schema("csv", {{"a", "string"}, {"c", "int"}})}};
  ASSERT_TRUE(Again(merging));
  EXPECT_EQ(ColumnsOf(Table("t")), "a:int b:int c:int ");
  // Another kind of file is no new column.
  objects_.sizes = {{"lake/t/a.csv", 12}};
  inferrer_.schemas = {{"s3://", Schema("json", {{"a", "int"}})}};
  ASSERT_TRUE(Again(merging));
  EXPECT_EQ(ColumnsOf(Table("t")), "a:int b:int c:int ");
  EXPECT_TRUE(Table("t")["Parameters"].contains("DEPRECATED_BY_CRAWLER"));
  EXPECT_EQ(Table("t")["Parameters"]["classification"], "csv");
}

TEST_F(CrawlTest, PartitionsInheritFromTheTable) {
  objects_.sizes = {{"lake/t/p=1/a.csv", 10}};
  inferrer_.schemas = {{"s3://", Schema("csv", {{"a", "int"}})}};
  const Json merging =
      Configured({{"CrawlerOutput",
                   {{"Tables", {{"AddOrUpdateBehavior", "MergeNewColumns"}}},
                    {"Partitions", {{"AddOrUpdateBehavior", "InheritFromTable"}}}}}});
  ASSERT_TRUE(Again(merging));
  Json edited = Table("t");
  edited["StorageDescriptor"]["Columns"][0]["Type"] = "decimal(10,2)";
  ASSERT_TRUE(*store_->UpdateGlueTable({kAccount, "db", "t", 0, edited.dump()}));
  objects_.sizes["lake/t/p=2/a.csv"] = 10;
  ASSERT_TRUE(Again(merging));
  for (const auto& p : *store_->ListGluePartitions(kAccount, "db", "t"))
    EXPECT_EQ(ColumnsOf(Json::parse(p.json)), "a:decimal(10,2) ") << p.json;
}

TEST_F(CrawlTest, GroupsAsConfigured) {
  objects_.sizes = {{"lake/top/x/2024/a.csv", 10},
                    {"lake/top/x/2025/a.csv", 10},
                    {"lake/top/y/2024/a.csv", 10},
                    {"lake/top/y/2025/a.csv", 10}};
  inferrer_.schemas = {{"s3://lake/top/x", Schema("csv", {{"a", "int"}, {"b", "int"}})},
                       {"s3://lake/top/y", Schema("csv", {{"k", "int"}, {"l", "int"}})}};
  ASSERT_TRUE(Again(Configured({{"Grouping", {{"TableLevelConfiguration", 3}}}})));
  EXPECT_EQ(Names(), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(Table("x")["PartitionKeys"][0]["Name"], "partition_0");
  ASSERT_TRUE(store_->DeleteGlueDatabase(kAccount, "db"));
  ASSERT_TRUE(
      Again(Configured({{"Grouping", {{"TableGroupingPolicy", "CombineCompatibleSchemas"}}}})));
  EXPECT_EQ(Names(), (std::vector<std::string>{"top"}));
  EXPECT_EQ(ColumnsOf(Table("top")), "a:int b:int k:int l:int ");
  const auto refused =
      Again(Configured({{"CrawlerOutput", {{"Tables", {{"TableThreshold", 1}}}}}}));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("TableThreshold"), std::string::npos);
}

TEST_F(CrawlTest, ExclusionsAndSampleSizeAreTheTargets) {
  for (const char* folder : {"p=1", "p=2"}) {
    for (int i = 0; i < 5; i++)
      objects_.sizes["lake/t/" + std::string(folder) + "/" + std::to_string(i) + ".csv"] = 10;
  }
  objects_.sizes["lake/t/p=1/raw.tmp"] = 10;
  inferrer_.schemas = {{"s3://", Schema("csv", {{"a", "int"}})}};
  ASSERT_TRUE(
      Again({{"Targets",
              {{"S3Targets",
                {{{"Path", "s3://lake/t/"}, {"SampleSize", 1}, {"Exclusions", {"**.tmp"}}}}}}}}));
  EXPECT_EQ(Asked(), (std::vector<std::string>{"t/p=1/0.csv", "t/p=2/0.csv"}));
  EXPECT_EQ(Table("t")["Parameters"]["objectCount"], "10");
}

TEST_F(CrawlTest, AsksCustomClassifiersInOrder) {
  const auto add = [&](const std::string& name, const Json& json) {
    ASSERT_TRUE(store_->Glue().CreateObject({kAccount, "classifier", "", name, json.dump()}));
  };
  add("x",
      {{"GrokClassifier",
        {{"Name", "x"}, {"Classification", "app"}, {"GrokPattern", "%{NOSUCH:a}"}}}});
  add("g",
      {{"GrokClassifier",
        {{"Name", "g"}, {"Classification", "app"}, {"GrokPattern", "%{WORD:who} %{INT:ms:int}"}}}});
  objects_.sizes = {{"lake/t/a.log", 10}};
  ipc::InferReply reply = Schema("app", {{"who", "string"}, {"ms", "int"}});
  inferrer_.schemas = {{"s3://", reply}};
  const Json evidence = Evidence(Again({{"Classifiers", {"x", "g"}}}));
  ASSERT_EQ(inferrer_.asked.size(), 1u);
  EXPECT_EQ(inferrer_.asked[0].options[0].second, "grok");
  EXPECT_EQ(Table("t")["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"],
            "com.amazonaws.glue.serde.GrokSerDe");
  EXPECT_EQ(Table("t")["StorageDescriptor"]["SerdeInfo"]["Parameters"]["input.format"],
            "%{WORD:who} %{INT:ms:int}");
  EXPECT_EQ(Table("t")["Parameters"]["classification"], "app");
  EXPECT_EQ(evidence["Tables"][0]["Classifier"], "g");
  EXPECT_TRUE(evidence["Classifiers"][0].contains("Problem"));
  // One that fits only in part gives way to one that fits.
  reply.certainty = 60;
  inferrer_.schemas = {{"s3://", reply}};
  objects_.sizes = {{"lake/t/a.log", 11}};
  ASSERT_TRUE(Again({{"Classifiers", {"g"}}}));
  EXPECT_EQ(inferrer_.asked.size(), 1u);
  reply.certainty = 0;
  inferrer_.schemas = {{"s3://", reply}};
  objects_.sizes = {{"lake/t/a.log", 12}};
  const Json unknown = Evidence(Again({{"Classifiers", {"g"}}}));
  EXPECT_EQ(inferrer_.asked.size(), 2u);  // the built-in ones, too
  EXPECT_EQ(unknown["NoTable"].size(), 1u);
}

TEST_F(CrawlTest, AnObjectThatChangesMeanwhileIsReadByTheNextCrawl) {
  objects_.sizes = {{"lake/t/a.csv", 10}, {"lake/t/b.csv", 10}};
  inferrer_.schemas = {{"s3://lake/t/b", Fail(ErrorKind::kExternalChanged, "412")},
                       {"s3://lake/t", Schema("csv", {{"a", "int"}})}};
  ASSERT_TRUE(Again());
  EXPECT_EQ(ColumnsOf(Table("t")), "a:int ");
  objects_.sizes["lake/t/b.csv"] = 11;
  inferrer_.schemas = {{"s3://lake/t", Schema("csv", {{"a", "int"}, {"b", "int"}})}};
  ASSERT_TRUE(Again());
  EXPECT_EQ(Asked(), std::vector<std::string>{"t/b.csv"});
  EXPECT_EQ(ColumnsOf(Table("t")), "a:int b:int ");
}

TEST_F(CrawlTest, SkipsWhatCannotBeDecompressed) {
  objects_.sizes = {{"lake/t/a.csv.lz4", 10}, {"lake/u/a.json.zip", 10}};
  const Json evidence = Evidence(Again());
  EXPECT_TRUE(inferrer_.asked.empty());
  ASSERT_EQ(evidence["NoTable"].size(), 2u);
  EXPECT_EQ(evidence["NoTable"][0]["Samples"]["Files"][0]["Error"],
            "lz4 compression is not read here");
}

}  // namespace
}  // namespace skep::catalog
