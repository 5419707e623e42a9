#include "jobs/workflow_runs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace skep::jobs {
namespace {

using Json = nlohmann::json;

constexpr char kAccount[] = "111111111111";

class WorkflowRunsTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/skep-workflows-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    Open();
    for (const char* crawler : {"a", "b", "c", "d"})
      ASSERT_TRUE(store_->CreateCrawler({kAccount, crawler, "READY", "{}"}));
    Workflow("w", Json::object());
  }
  void TearDown() override {
    runs_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  // Also again, as after the gateway's death.
  void Open() {
    runs_.reset();
    store_.reset();
    running_.clear();
    auto store = control::OpenSqlite(directory_ + "/control.db");
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    runs_ = std::make_unique<WorkflowRuns>(
        *store_,
        WorkflowRuns::Crawls{
            [this](const std::string&, const std::string& crawler) -> Result<void> {
              if (broken_.contains(crawler)) return Fail(ErrorKind::kUndefinedObject, "no crawler");
              if (!running_.insert(crawler).second) return Fail(ErrorKind::kConflict, "it runs");
              started_.push_back(crawler);
              return {};
            },
            [this](const std::string&, const std::string& crawler) -> Result<void> {
              stopped_.push_back(crawler);
              return {};
            }},
        [this] { return now_ms_++; });
  }
  void Workflow(const std::string& name, Json json) {
    ASSERT_TRUE(store_->Glue().PutObject({kAccount, "workflow", "", name, json.dump()}));
  }
  void Trigger(const std::string& name, const std::string& type,
               const std::vector<std::string>& crawlers, const Json& predicate = nullptr,
               const std::string& state = "ACTIVATED", const std::string& workflow = "w") {
    Json json = {{"Type", type}, {"State", state}, {"WorkflowName", workflow}};
    for (const auto& crawler : crawlers) json["Actions"].push_back({{"CrawlerName", crawler}});
    if (!predicate.is_null()) json["Predicate"] = predicate;
    ASSERT_TRUE(store_->Glue().PutObject({kAccount, "trigger", "", name, json.dump()}));
  }
  static Json When(const std::string& logical,
                   const std::vector<std::pair<std::string, std::string>>& conditions) {
    Json json = {{"Logical", logical}};
    for (const auto& [crawler, state] : conditions)
      json["Conditions"].push_back(
          {{"LogicalOperator", "EQUALS"}, {"CrawlerName", crawler}, {"CrawlState", state}});
    return json;
  }
  void End(const std::string& crawler, const std::string& state) {
    running_.erase(crawler);
    auto found = store_->GetCrawler(kAccount, crawler);
    ASSERT_TRUE(found && *found);
    (*found)->json = Json({{"LastCrawl", {{"Status", state}}}}).dump();
    ASSERT_TRUE(store_->UpdateCrawler(**found));
    runs_->CrawlEnded(kAccount, crawler);
  }
  std::string Start() {
    auto started = runs_->Start(kAccount, "w", "", "{}");
    EXPECT_TRUE(started) << started.error().message;
    return started.value_or("");
  }
  Json Run(const std::string& id) {
    const auto found = store_->Glue().GetObject(kAccount, WorkflowRuns::kRun, "w", id);
    return found && *found ? Json::parse((*found)->json) : Json();
  }
  using Names = std::vector<std::string>;

  std::string directory_;
  std::unique_ptr<control::Store> store_;
  std::unique_ptr<WorkflowRuns> runs_;
  std::set<std::string> running_, broken_;
  Names started_, stopped_;
  int64_t now_ms_ = 1'700'000'000'000;
};

TEST_F(WorkflowRunsTest, CrawlsFollowEachOther) {
  Trigger("first", "ON_DEMAND", {"a", "b"});
  Trigger("both", "CONDITIONAL", {"c"}, When("AND", {{"a", "SUCCEEDED"}, {"b", "SUCCEEDED"}}));
  Trigger("then", "CONDITIONAL", {"d"}, When("AND", {{"c", "SUCCEEDED"}}));
  const std::string id = Start();
  EXPECT_EQ(id.size(), 67u);
  EXPECT_EQ(started_, (Names{"a", "b"}));
  End("a", "SUCCEEDED");
  EXPECT_EQ(started_.size(), 2u);
  EXPECT_EQ(Run(id)["Statistics"]["RunningActions"], 1);
  End("b", "SUCCEEDED");
  End("c", "SUCCEEDED");
  EXPECT_EQ(started_, (Names{"a", "b", "c", "d"}));
  EXPECT_EQ(Run(id)["Status"], "RUNNING");
  EXPECT_FALSE(Run(id).contains("CompletedOn"));
  End("d", "FAILED");
  const Json run = Run(id);
  EXPECT_EQ(run["Status"], "COMPLETED");
  EXPECT_GT(run["CompletedOn"].get<double>(), run["StartedOn"].get<double>());
  EXPECT_EQ(run["Statistics"]["TotalActions"], 4);
  EXPECT_EQ(run["Statistics"]["SucceededActions"], 3);
  EXPECT_EQ(run["Statistics"]["FailedActions"], 1);
}

TEST_F(WorkflowRunsTest, ATriggerFiresOnceAndByItsConditionOnly) {
  Trigger("first", "ON_DEMAND", {"a", "b"});
  Trigger("any", "CONDITIONAL", {"c"}, When("ANY", {{"a", "SUCCEEDED"}, {"b", "SUCCEEDED"}}));
  Trigger("failed", "CONDITIONAL", {"d"}, When("AND", {{"a", "FAILED"}}));
  Trigger("asleep", "CONDITIONAL", {"d"}, When("AND", {{"a", "SUCCEEDED"}}), "CREATED");
  Trigger("elsewhere", "CONDITIONAL", {"d"}, When("AND", {{"a", "SUCCEEDED"}}), "ACTIVATED", "x");
  Trigger("nothing", "CONDITIONAL", {"d"}, When("AND", {}));
  const std::string id = Start();
  End("a", "SUCCEEDED");
  EXPECT_EQ(started_, (Names{"a", "b", "c"}));
  End("c", "SUCCEEDED");
  End("b", "SUCCEEDED");
  EXPECT_EQ(started_, (Names{"a", "b", "c"}));
  EXPECT_EQ(Run(id)["Status"], "COMPLETED");
  // Crawls that no run has begun change none.
  End("a", "FAILED");
  EXPECT_EQ(started_.size(), 3u);
}

TEST_F(WorkflowRunsTest, WhatCannotBeStartedHasFailed) {
  broken_ = {"a"};
  Trigger("first", "ON_DEMAND", {"a"});
  Trigger("failed", "CONDITIONAL", {"b"}, When("AND", {{"a", "FAILED"}}));
  const std::string id = Start();
  EXPECT_EQ(started_, (Names{"b"}));
  End("b", "SUCCEEDED");
  EXPECT_EQ(Run(id)["Status"], "COMPLETED");
  EXPECT_EQ(Run(id)["Actions"][0]["ErrorMessage"], "no crawler");
}

TEST_F(WorkflowRunsTest, AStoppedRunStartsNothingMore) {
  Trigger("first", "ON_DEMAND", {"a", "b"});
  Trigger("then", "CONDITIONAL", {"c"}, When("ANY", {{"a", "CANCELLED"}, {"a", "SUCCEEDED"}}));
  const std::string id = Start();
  End("b", "SUCCEEDED");
  ASSERT_TRUE(runs_->Stop(kAccount, "w", id));
  EXPECT_EQ(stopped_, (Names{"a"}));
  EXPECT_EQ(Run(id)["Status"], "STOPPING");
  EXPECT_EQ(runs_->Stop(kAccount, "w", id).error().kind, ErrorKind::kConflict);
  End("a", "CANCELLED");
  EXPECT_EQ(Run(id)["Status"], "STOPPED");
  EXPECT_EQ(Run(id)["Statistics"]["StoppedActions"], 1);
  EXPECT_EQ(started_, (Names{"a", "b"}));
  EXPECT_EQ(runs_->Stop(kAccount, "w", id).error().kind, ErrorKind::kConflict);
  EXPECT_EQ(runs_->Stop(kAccount, "w", "wr_none").error().kind, ErrorKind::kUndefinedObject);
}

TEST_F(WorkflowRunsTest, ARunGoesOnAfterTheGatewaysDeath) {
  Trigger("first", "ON_DEMAND", {"a", "b"});
  Trigger("then", "CONDITIONAL", {"c"}, When("AND", {{"a", "SUCCEEDED"}, {"b", "SUCCEEDED"}}));
  const std::string id = Start();
  End("a", "SUCCEEDED");
  Open();
  runs_->Recover();
  EXPECT_EQ(started_, (Names{"a", "b", "b"})) << "what was cut off is started again, no more";
  End("b", "SUCCEEDED");
  End("c", "SUCCEEDED");
  EXPECT_EQ(Run(id)["Status"], "COMPLETED");
  Open();
  runs_->Recover();
  EXPECT_EQ(started_.size(), 4u);
}

TEST_F(WorkflowRunsTest, ARunThatWasBeingStoppedIsStoppedAfterADeath) {
  Trigger("first", "ON_DEMAND", {"a"});
  const std::string id = Start();
  ASSERT_TRUE(runs_->Stop(kAccount, "w", id));
  Open();
  runs_->Recover();
  EXPECT_EQ(Run(id)["Status"], "STOPPED");
  EXPECT_EQ(started_, (Names{"a"}));
}

TEST_F(WorkflowRunsTest, CrawlsThatEndWithTheGatewayAreTakenUpAfterwards) {
  Trigger("first", "ON_DEMAND", {"a"});
  const std::string id = Start();
  runs_->Suspend();
  End("a", "CANCELLED");
  EXPECT_EQ(Run(id)["Status"], "RUNNING");
  Open();
  runs_->Recover();
  End("a", "SUCCEEDED");
  EXPECT_EQ(Run(id)["Status"], "COMPLETED");
  EXPECT_EQ(Run(id)["Statistics"]["SucceededActions"], 1);
}

TEST_F(WorkflowRunsTest, RefusesWhatCannotRun) {
  EXPECT_EQ(runs_->Start(kAccount, "none", "", "{}").error().kind, ErrorKind::kUndefinedObject);
  EXPECT_EQ(runs_->Start(kAccount, "w", "", "{}").error().kind, ErrorKind::kInvalidArgument);
  Trigger("first", "ON_DEMAND", {"a"});
  EXPECT_EQ(runs_->Start("222222222222", "w", "", "{}").error().kind, ErrorKind::kUndefinedObject);
  Workflow("w", {{"MaxConcurrentRuns", 1}, {"DefaultRunProperties", {{"k", "v"}, {"l", "m"}}}});
  const auto started = runs_->Start(kAccount, "w", "", R"({"k": "own"})");
  ASSERT_TRUE(started);
  EXPECT_EQ(Run(*started)["WorkflowRunProperties"], Json({{"k", "own"}, {"l", "m"}}));
  EXPECT_EQ(runs_->Start(kAccount, "w", "", "{}").error().kind, ErrorKind::kTooManyConnections);
  ASSERT_TRUE(runs_->PutProperties(kAccount, "w", *started, R"({"n": "o"})"));
  EXPECT_EQ(Run(*started)["WorkflowRunProperties"].size(), 3u);
  End("a", "SUCCEEDED");
  EXPECT_TRUE(runs_->Start(kAccount, "w", "", "{}"));
}

}  // namespace
}  // namespace skep::jobs
