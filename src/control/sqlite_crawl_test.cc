#include "control/sqlite_crawl.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "control/store.h"

namespace skep::control {
namespace {

constexpr char kAccount[] = "111111111111";

class SqliteCrawlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = (std::filesystem::temp_directory_path() / "skep_crawl_XXXXXX").string();
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    folder_ = path;
    Open();
    ASSERT_TRUE(store_->CreateCrawler({kAccount, "c", "READY", "{}"}));
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Open() {
    store_.reset();
    auto opened = OpenSqlite(folder_ + "/control.sqlite");
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  CrawlStore& crawls() { return store_->Crawls(); }
  static ChangedFolder Event(const std::string& folder, int64_t ms) {
    return {kAccount, "c", "lake", folder, ms, ms, 1, {}};
  }

  std::string folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(SqliteCrawlTest, CountsEventsOfAFolderOnceAndKeepsThem) {
  ASSERT_TRUE(crawls().AddChanges({Event("t/", 10), Event("t/", 20), Event("u/", 30)}));
  ASSERT_TRUE(crawls().AddChanges({{kAccount, "nobody", "lake", "t/", 1, 1, 1, {}}}));
  Open();
  const auto kept = crawls().ListChanges("", "");
  ASSERT_TRUE(kept && kept->size() == 2);
  EXPECT_EQ((*kept)[0].folder, "t/");
  EXPECT_EQ((*kept)[0].events, 2u);
  EXPECT_EQ((*kept)[0].first_ms, 10);
  EXPECT_EQ((*kept)[0].last_ms, 20);
  EXPECT_TRUE(crawls().ListChanges(kAccount, "other")->empty());
}

TEST_F(SqliteCrawlTest, AnEventDuringTheCrawlIsNotAnsweredByIt) {
  ASSERT_TRUE(crawls().AddChanges({Event("t/", 10), Event("u/", 10)}));
  CrawlMemory memory;
  memory.answered = *crawls().ListChanges(kAccount, "c");
  ASSERT_TRUE(crawls().AddChanges({Event("t/", 20)}));
  ASSERT_TRUE(crawls().Remember(kAccount, "c", memory));
  const auto left = crawls().ListChanges(kAccount, "c");
  ASSERT_TRUE(left && left->size() == 1);
  EXPECT_EQ((*left)[0].folder, "t/");
}

TEST_F(SqliteCrawlTest, RemembersWhatWasSeenUntilTheCrawlerGoes) {
  CrawlMemory memory;
  memory.definition = "d";
  memory.seen = {{"lake", "t/", {{"a.csv", 10, "e1"}, {"b \n\x1f.csv", 1ull << 40, ""}}},
                 {"lake", "", {{"root.csv", 1, "e"}}}};
  memory.samples = {{"lake", "t/a.csv", "e1", 10, "m", "{}"},
                    {"lake", "t/b.csv", "e2", 20, "m", "{\"a\":1}"}};
  ASSERT_TRUE(crawls().Remember(kAccount, "c", memory));
  Open();
  EXPECT_EQ(*crawls().Definition(kAccount, "c"), "d");
  EXPECT_EQ(*crawls().GetSeen(kAccount, "c", "lake", "t/"), memory.seen[0]);
  EXPECT_EQ(crawls().ListSeen(kAccount, "c")->size(), 2u);
  CrawlMemory next;
  next.definition = "d";
  next.seen = {{"lake", "t/", {}}};
  next.forgotten = {memory.samples[0]};
  ASSERT_TRUE(crawls().Remember(kAccount, "c", next));
  EXPECT_FALSE(crawls().GetSeen(kAccount, "c", "lake", "t/")->has_value());
  const auto samples = crawls().ListSamples(kAccount, "c");
  ASSERT_TRUE(samples && samples->size() == 1);
  EXPECT_EQ((*samples)[0].json, "{\"a\":1}");
  ASSERT_TRUE(crawls().AddChanges({Event("t/", 1)}));
  ASSERT_TRUE(store_->DeleteCrawler(kAccount, "c"));
  ASSERT_TRUE(crawls().Remember(kAccount, "c", memory));
  EXPECT_TRUE(crawls().ListSeen(kAccount, "c")->empty());
  EXPECT_TRUE(crawls().ListSamples(kAccount, "c")->empty());
  EXPECT_TRUE(crawls().ListChanges("", "")->empty());
  EXPECT_FALSE(crawls().Definition(kAccount, "c")->has_value());
}

}  // namespace
}  // namespace skep::control
