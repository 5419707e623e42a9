#include "jobs/crawl_events.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace skep::jobs {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr char kAccount[] = "111111111111";

// A lake of names; remembers what was listed.
class Lake final : public lake::ObjectStore {
 public:
  Result<lake::ListPage> List(const identity::Credentials&, const std::string&,
                              const std::string& prefix, const std::string& delimiter,
                              const std::string&) override {
    const std::lock_guard lock(mutex_);
    listed_.push_back(prefix + delimiter);
    if (down_) return Fail(ErrorKind::kExternalUnavailable, "down");
    lake::ListPage page;
    for (const auto& [key, etag] : objects_) {
      if (!key.starts_with(prefix)) continue;
      if (!delimiter.empty() && key.find('/', prefix.size()) != std::string::npos) continue;
      page.objects.push_back({key, etag, 10, 0});
    }
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

  void Set(const std::string& key, const std::string& etag) {
    const std::lock_guard lock(mutex_);
    if (etag.empty())
      objects_.erase(key);
    else
      objects_[key] = etag;
  }
  void Down(bool down) {
    const std::lock_guard lock(mutex_);
    down_ = down;
  }
  std::vector<std::string> TakeListed() {
    const std::lock_guard lock(mutex_);
    return std::exchange(listed_, {});
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> objects_;
  std::vector<std::string> listed_;
  bool down_ = false;
};

class CsvInferrer final : public catalog::Inferrer {
 public:
  std::atomic<int> asked = 0;
  Result<ipc::InferReply> Infer(const catalog::SampleObject&,
                                const identity::Credentials&) override {
    asked++;
    ipc::InferReply r;
    r.format = "csv";
    r.delimiter = ",";
    r.columns = {{"a", "int"}};
    return r;
  }
};

class CrawlEventsTest : public testing::Test {
 protected:
  CrawlEventsTest()
      : keys_({{kAccount, "AK", Secret("s"), "http://one", "us-east-1", true}}),
        roles_({{"arn:aws:iam::111111111111:role/crawl", {"service:glue"}, {}}}, keys_) {
    options_.debounce = milliseconds(20);
    options_.longest_wait = milliseconds(100);
    options_.retry = milliseconds(20);
    options_.sweep = milliseconds(0);
  }
  void SetUp() override {
    char name[] = "/tmp/skep-events-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    auto store = control::OpenSqlite(directory_ + "/control.db");
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    const Json json = {
        {"Name", "c"},
        {"Role", "crawl"},
        {"DatabaseName", "db"},
        {"RecrawlPolicy", {{"RecrawlBehavior", "CRAWL_EVENT_MODE"}}},
        {"Targets", {{"S3Targets", {{{"Path", "s3://lake/t/"}, {"Exclusions", {"**.tmp"}}}}}}}};
    ASSERT_TRUE(store_->CreateCrawler({kAccount, "c", "READY", json.dump()}));
    lake_.Set("t/p=1/a.csv", "e1");
    jobs_ = std::make_unique<CrawlJobs>(*store_, roles_, lake_, inferrer_);
  }
  void TearDown() override {
    events_.reset();
    jobs_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  void Begin() { events_ = std::make_unique<CrawlEvents>(*store_, *jobs_, options_); }
  // The crawl of all, after which events are looked at alone.
  void CrawlAll() {
    ASSERT_TRUE(jobs_->Start(kAccount, "c"));
    AwaitIdle();
    ASSERT_EQ(lake_.TakeListed(), std::vector<std::string>{"t/"});
  }
  size_t Told(const std::string& key, bool removed = false, const std::string& etag = "",
              const std::string& bucket = "lake") {
    const auto taken = events_->Take(kAccount, {}, {{bucket, {key}, removed, etag, 10}});
    EXPECT_TRUE(taken);
    return taken ? taken->folders : 0;
  }
  void AwaitIdle() {
    for (int i = 0; i < 4000; i++) {
      if (store_->Crawls().ListChanges("", "")->empty() &&
          (*store_->GetCrawler(kAccount, "c"))->state == "READY")
        return;
      ::poll(nullptr, 0, 5);
    }
    ADD_FAILURE() << "the crawl does not end";
  }
  size_t Partitions() {
    const auto found = store_->ListGluePartitions(kAccount, "db", "t");
    return found ? found->size() : 0;
  }

  std::string directory_;
  std::unique_ptr<control::Store> store_;
  Lake lake_;
  CsvInferrer inferrer_;
  identity::ConfiguredKeys keys_;
  identity::RoleChainResolver roles_;
  CrawlEventsOptions options_;
  std::unique_ptr<CrawlJobs> jobs_;
  std::unique_ptr<CrawlEvents> events_;
};

TEST_F(CrawlEventsTest, CrawlsTheFolderThatAnEventNames) {
  Begin();
  CrawlAll();
  EXPECT_EQ(Partitions(), 1u);
  lake_.Set("t/p=2/a.csv", "e2");
  EXPECT_EQ(Told("t/p=2/a.csv", false, "e2"), 1u);
  AwaitIdle();
  EXPECT_EQ(Partitions(), 2u);
  EXPECT_EQ(lake_.TakeListed(), std::vector<std::string>{"t/p=2//"});
  EXPECT_EQ(inferrer_.asked, 2);
}

TEST_F(CrawlEventsTest, AReplayedEventCostsNothing) {
  Begin();
  CrawlAll();
  for (int i = 0; i < 5; i++) EXPECT_EQ(Told("t/p=1/a.csv", false, "e1"), 0u);
  EXPECT_TRUE(store_->Crawls().ListChanges("", "")->empty());
  EXPECT_TRUE(lake_.TakeListed().empty());
  // Of a former content: looked at again, and found as it is.
  EXPECT_EQ(Told("t/p=1/a.csv", false, "e0"), 1u);
  AwaitIdle();
  EXPECT_EQ(lake_.TakeListed(), std::vector<std::string>{"t/p=1//"});
  EXPECT_EQ(inferrer_.asked, 1);
  EXPECT_EQ((*store_->GetGlueTable(kAccount, "db", "t"))->version, 0u);
}

TEST_F(CrawlEventsTest, TheLakeCountsAndNotTheOrderOfEvents) {
  Begin();
  CrawlAll();
  // Created, removed, created: told in the wrong order.
  lake_.Set("t/p=2/a.csv", "e2");
  Told("t/p=2/a.csv", false, "e2");
  Told("t/p=2/a.csv", true);
  AwaitIdle();
  EXPECT_EQ(Partitions(), 2u);
  EXPECT_TRUE(*store_->Crawls().GetSeen(kAccount, "c", "lake", "t/p=2/"));
  lake_.Set("t/p=2/a.csv", "");
  Told("t/p=2/a.csv", true);
  Told("t/p=2/a.csv", false, "e2");
  AwaitIdle();
  EXPECT_FALSE(*store_->Crawls().GetSeen(kAccount, "c", "lake", "t/p=2/"));
}

TEST_F(CrawlEventsTest, HearsOnlyOfWhatACrawlerLooksAt) {
  Begin();
  CrawlAll();
  EXPECT_EQ(Told("elsewhere/a.csv"), 0u);
  EXPECT_EQ(Told("t/p=2/x.tmp"), 0u);
  EXPECT_EQ(Told("t/p=2/a.csv", false, "", "other"), 0u);
  const auto foreign =
      events_->Take("222222222222", {}, {{"lake", {"t/p=2/a.csv"}, false, "", 10}});
  ASSERT_TRUE(foreign);
  EXPECT_EQ(foreign->folders, 0u);
  const auto other_buckets =
      events_->Take(kAccount, {"another"}, {{"lake", {"t/p=2/a.csv"}, false, "", 10}});
  ASSERT_TRUE(other_buckets);
  EXPECT_EQ(other_buckets->folders, 0u);
  EXPECT_TRUE(lake_.TakeListed().empty());
}

TEST_F(CrawlEventsTest, ABurstIsOneCrawl) {
  options_.debounce = milliseconds(1000);
  options_.longest_wait = milliseconds(60'000);
  Begin();
  CrawlAll();
  for (int i = 0; i < 50; i++) {
    const std::string key = "t/p=1/" + std::to_string(i) + ".csv";
    lake_.Set(key, "e");
    Told(key, false, "e");
  }
  AwaitIdle();
  EXPECT_EQ(lake_.TakeListed(), std::vector<std::string>{"t/p=1//"});
}

TEST_F(CrawlEventsTest, AFloodIsKeptAsOneListingOfEverything) {
  options_.debounce = milliseconds(2000);
  options_.longest_wait = milliseconds(60'000);
  Begin();
  CrawlAll();
  std::vector<LakeEvent> flood;
  for (int i = 0; i < 12'000; i++)
    flood.push_back({"lake", {"t/p=" + std::to_string(i) + "/a.csv"}, false, "", 10});
  ASSERT_TRUE(events_->Take(kAccount, {}, flood));
  ASSERT_TRUE(events_->Take(kAccount, {}, flood));
  EXPECT_EQ(store_->Crawls().ListChanges("", "")->size(), 10'001u);
  AwaitIdle();
  EXPECT_EQ(lake_.TakeListed(), std::vector<std::string>{"t/"});
}

TEST_F(CrawlEventsTest, WhatWasKeptIsCrawledByTheNextGateway) {
  Begin();
  CrawlAll();
  events_.reset();
  lake_.Set("t/p=2/a.csv", "e2");
  ASSERT_TRUE(store_->Crawls().AddChanges({{kAccount, "c", "lake", "t/p=2/", 1, 1, 1, {}}}));
  Begin();
  AwaitIdle();
  EXPECT_EQ(Partitions(), 2u);
}

TEST_F(CrawlEventsTest, AFailedCrawlIsTriedAgain) {
  Begin();
  CrawlAll();
  lake_.Set("t/p=2/a.csv", "e2");
  lake_.Down(true);
  Told("t/p=2/a.csv");
  for (int i = 0; i < 2000; i++) {
    if (store_->Glue().ListObjects(kAccount, "crawl", "c")->size() > 2) break;
    ::poll(nullptr, 0, 5);
  }
  EXPECT_EQ(Partitions(), 1u);
  EXPECT_FALSE(store_->Crawls().ListChanges("", "")->empty());
  lake_.Down(false);
  AwaitIdle();
  EXPECT_EQ(Partitions(), 2u);
}

TEST_F(CrawlEventsTest, ASweepFindsWhatNoEventTold) {
  Begin();
  CrawlAll();
  events_.reset();
  lake_.Set("t/p=2/a.csv", "e2");
  options_.sweep = milliseconds(60'000);
  Begin();
  for (int i = 0; i < 2000 && Partitions() < 2; i++) ::poll(nullptr, 0, 5);
  EXPECT_EQ(Partitions(), 2u);
}

}  // namespace
}  // namespace skep::jobs
