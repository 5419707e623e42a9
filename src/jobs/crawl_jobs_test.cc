#include "jobs/crawl_jobs.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "jobs/crawl_schedule.h"

namespace skep::jobs {
namespace {

using Json = nlohmann::json;

constexpr char kAccount[] = "111111111111";

class OneObject final : public lake::ObjectStore {
 public:
  std::atomic<bool> down = false;
  Result<lake::ListPage> List(const identity::Credentials&, const std::string&,
                              const std::string& prefix, const std::string&,
                              const std::string&) override {
    if (down) return Fail(ErrorKind::kExternalUnavailable, "the object store cannot be reached");
    lake::ListPage page;
    page.objects.push_back({prefix + "a.csv", "e", 10, 0});
    return page;
  }
  Result<lake::ObjectInfo> Head(const identity::Credentials&, const std::string&,
                                const std::string&) override {
    return Fail(ErrorKind::kExternalNotFound, "404");
  }
  Result<void> GetRange(const identity::Credentials&, const std::string&, const std::string&,
                        const std::string&, uint64_t, std::span<char>) override {
    return Fail(ErrorKind::kInternal, "");
  }
  Result<std::string> Put(const identity::Credentials&, const std::string&, const std::string&,
                          std::string_view) override {
    return std::string();
  }
  Result<void> CreateBucket(const identity::Credentials&, const std::string&) override {
    return {};
  }
};

// Waits at a gate, so that tests see a running crawl.
class GatedInferrer final : public catalog::Inferrer {
 public:
  std::atomic<bool> open = true, entered = false;
  Result<ipc::InferReply> Infer(const catalog::SampleObject&,
                                const identity::Credentials&) override {
    entered = true;
    entered.notify_all();
    open.wait(false);
    ipc::InferReply r;
    r.format = "csv";
    r.columns = {{"a", "int"}};
    return r;
  }
};

class CrawlJobsTest : public testing::Test {
 protected:
  CrawlJobsTest()
      : keys_({{kAccount, "AK", Secret("s"), "http://one", "us-east-1", true}}),
        roles_({{"arn:aws:iam::111111111111:role/crawl", {"service:glue"}, {}}}, keys_) {}
  void SetUp() override {
    char name[] = "/tmp/skep-jobs-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    auto store = control::OpenSqlite(directory_ + "/control.db");
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    Add("c");
    jobs_ = std::make_unique<CrawlJobs>(*store_, roles_, objects_, inferrer_);
  }
  void TearDown() override {
    Open();
    jobs_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  void Add(const std::string& name) {
    const Json json = {{"Name", name},
                       {"Role", "crawl"},
                       {"DatabaseName", "db"},
                       {"Targets", {{"S3Targets", {{{"Path", "s3://lake/t/"}}}}}}};
    ASSERT_TRUE(store_->CreateCrawler({kAccount, name, "READY", json.dump()}));
  }
  void Open() {
    inferrer_.open = true;
    inferrer_.open.notify_all();
  }
  control::Crawler Get(const std::string& name) { return **store_->GetCrawler(kAccount, name); }
  Json Finished(const std::string& name) {
    for (int i = 0; i < 2000 && Get(name).state != "READY"; i++) ::poll(nullptr, 0, 10);
    EXPECT_EQ(Get(name).state, "READY");
    return Json::parse(Get(name).json)["LastCrawl"];
  }

  std::string directory_;
  std::unique_ptr<control::Store> store_;
  OneObject objects_;
  GatedInferrer inferrer_;
  identity::ConfiguredKeys keys_;
  identity::RoleChainResolver roles_;
  std::unique_ptr<CrawlJobs> jobs_;
};

TEST_F(CrawlJobsTest, RunsACrawlAndRecordsIt) {
  ASSERT_TRUE(jobs_->Start(kAccount, "c"));
  const Json last = Finished("c");
  EXPECT_EQ(last["Status"], "SUCCEEDED");
  EXPECT_GT(last["StartTime"].get<double>(), 1.6e9);
  EXPECT_FALSE(last.contains("ErrorMessage"));
  EXPECT_TRUE(*store_->GetGlueTable(kAccount, "db", "t"));
}

TEST_F(CrawlJobsTest, RecordsFailures) {
  objects_.down = true;
  ASSERT_TRUE(jobs_->Start(kAccount, "c"));
  const Json last = Finished("c");
  EXPECT_EQ(last["Status"], "FAILED");
  EXPECT_EQ(last["ErrorMessage"], "the object store cannot be reached");
  objects_.down = false;
  ASSERT_TRUE(jobs_->Start(kAccount, "c"));
  EXPECT_EQ(Finished("c")["Status"], "SUCCEEDED");
}

TEST_F(CrawlJobsTest, KeepsAHistoryOfRuns) {
  ASSERT_TRUE(jobs_->Start(kAccount, "c"));
  Finished("c");
  objects_.down = true;
  ASSERT_TRUE(jobs_->Start(kAccount, "c"));
  Finished("c");
  const auto runs = *store_->Glue().ListObjects(kAccount, "crawl", "c");
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_LT(runs[0].name, runs[1].name);
  const Json first = Json::parse(runs[0].json), second = Json::parse(runs[1].json);
  EXPECT_EQ(first["State"], "COMPLETED");
  EXPECT_EQ(first["TablesCreated"], 1);
  EXPECT_GE(first["EndTime"].get<double>(), first["StartTime"].get<double>());
  EXPECT_EQ(second["State"], "FAILED");
  EXPECT_EQ(second["ErrorMessage"], "the object store cannot be reached");
  EXPECT_NE(first["CrawlId"], second["CrawlId"]);
}

TEST_F(CrawlJobsTest, StartsWhatTheMinuteNames) {
  using namespace std::chrono;
  const auto noon = sys_days(year(2024) / 2 / 29) + hours(12) + minutes(0);
  const auto schedule = [&](const std::string& name, const char* state) {
    Add(name);
    control::Crawler crawler = Get(name);
    Json json = Json::parse(crawler.json);
    json["Schedule"] = {{"ScheduleExpression", "cron(0 12 * * ? *)"}, {"State", state}};
    crawler.json = json.dump();
    ASSERT_TRUE(*store_->UpdateCrawler(crawler));
  };
  schedule("scheduled", "SCHEDULED");
  schedule("stopped", "NOT_SCHEDULED");
  Add("triggered");
  Add("idle");
  const auto trigger = [&](const char* name, const char* crawler, const char* state) {
    const Json json = {{"Type", "SCHEDULED"},
                       {"State", state},
                       {"Schedule", "cron(0 12 * * ? *)"},
                       {"Actions", {{{"CrawlerName", crawler}}, {{"CrawlerName", "gone"}}}}};
    ASSERT_TRUE(store_->Glue().PutObject({kAccount, "trigger", "", name, json.dump()}));
  };
  trigger("active", "triggered", "ACTIVATED");
  trigger("passive", "idle", "CREATED");
  const auto runs = [&](const char* name) {
    return store_->Glue().ListObjects(kAccount, "crawl", name)->size();
  };
  CrawlSchedule crawl_schedule(*store_, *jobs_);
  crawl_schedule.RunMinute(noon + minutes(1));
  EXPECT_EQ(Get("scheduled").state, "READY");
  EXPECT_EQ(runs("scheduled"), 0u);
  crawl_schedule.RunMinute(noon);
  for (const char* name : {"scheduled", "triggered"}) {
    EXPECT_EQ(Finished(name)["Status"], "SUCCEEDED") << name;
    EXPECT_EQ(runs(name), 1u) << name;
  }
  EXPECT_EQ(runs("stopped") + runs("idle"), 0u);
}

TEST_F(CrawlJobsTest, RunsACrawlerOnceAtATimeAndStopsIt) {
  Add("queued");
  inferrer_.open = false;
  EXPECT_EQ(jobs_->Stop(kAccount, "c").error().message, "Crawler with name c is not running");
  ASSERT_TRUE(jobs_->Start(kAccount, "c"));
  inferrer_.entered.wait(false);
  EXPECT_EQ(Get("c").state, "RUNNING");
  const auto second = jobs_->Start(kAccount, "c");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  ASSERT_TRUE(jobs_->Start(kAccount, "queued"));
  ASSERT_TRUE(jobs_->Stop(kAccount, "queued"));
  ASSERT_TRUE(jobs_->Stop(kAccount, "c"));
  EXPECT_EQ(Get("c").state, "STOPPING");
  EXPECT_EQ(jobs_->Stop(kAccount, "c").error().message, "Crawler with name c is stopping");
  Open();
  EXPECT_EQ(Finished("c")["Status"], "CANCELLED");
  EXPECT_EQ(Finished("queued")["Status"], "CANCELLED");
}

TEST_F(CrawlJobsTest, RefusesUnknownCrawlers) {
  EXPECT_EQ(jobs_->Start(kAccount, "ghost").error().kind, ErrorKind::kUndefinedObject);
  EXPECT_EQ(jobs_->Stop(kAccount, "ghost").error().kind, ErrorKind::kUndefinedObject);
  EXPECT_EQ(jobs_->Start("222222222222", "c").error().kind, ErrorKind::kUndefinedObject);
}

TEST_F(CrawlJobsTest, HandsBackItsCrawlersAtShutdown) {
  Add("queued");
  inferrer_.open = false;
  ASSERT_TRUE(jobs_->Start(kAccount, "c"));
  inferrer_.entered.wait(false);
  ASSERT_TRUE(jobs_->Start(kAccount, "queued"));
  std::thread shutdown([this] { jobs_->Shutdown(); });
  while (true) {
    Add("probe");
    if (!jobs_->Start(kAccount, "probe")) break;
    ASSERT_TRUE(jobs_->Stop(kAccount, "probe"));
    ASSERT_TRUE(*store_->DeleteCrawler(kAccount, "probe"));
  }
  Open();
  shutdown.join();
  EXPECT_EQ(Get("c").state, "READY");
  EXPECT_EQ(Get("queued").state, "READY");
  EXPECT_EQ(Json::parse(Get("queued").json)["LastCrawl"]["Status"], "CANCELLED");
}

}  // namespace
}  // namespace skep::jobs
