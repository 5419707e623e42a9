#include "jobs/copy_jobs.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>

#include "base/ids.h"

namespace skep::jobs {
namespace {

using std::chrono::milliseconds;

constexpr const char* kRole = "arn:aws:iam::111122223333:role/reader";

struct RunCall {
  std::string job;
  bool careful;
  std::vector<std::string> paths;
};

// Answers what the test says, and tells what was asked.
class FakeDoor final : public CopyJobDoor {
 public:
  Result<std::vector<CopyJob>> List(const std::string&, const std::string&) override {
    const std::lock_guard lock(mutex_);
    lists_++;
    changed_.notify_all();
    return jobs;
  }
  Result<uint64_t> Run(const std::string&, const CopyJob& job, bool careful,
                       const std::vector<std::string>& paths) override {
    std::unique_lock lock(mutex_);
    EXPECT_FALSE(running_) << "one job twice at a time";
    running_ = true;
    calls_.push_back({job.name, careful, paths});
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_ || stopped_; });
    running_ = false;
    if (fail_with && calls_.size() <= failing) return Fail(*fail_with, "as the test says");
    return uint64_t{1};
  }
  void Stop() override {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  std::vector<RunCall> AwaitCalls(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return calls_.size() >= count; }));
    return calls_;
  }
  void AwaitLists(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return lists_ >= count; }));
  }
  void Clear() {
    const std::lock_guard lock(mutex_);
    jobs.clear();
  }
  void Hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }

  std::vector<CopyJob> jobs;
  std::optional<ErrorKind> fail_with;
  size_t failing = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false, stopped_ = false, running_ = false;
  std::vector<RunCall> calls_;
  size_t lists_ = 0;
};

class CopyJobsTest : public testing::Test {
 protected:
  CopyJobsTest() {
    path_ = std::filesystem::temp_directory_path() / ("copy_jobs_" + NewUuid());
    store_ = std::move(*control::OpenSqlite(path_.string()));
    EXPECT_TRUE(store_->PutWorkspace({"w", "dev", 0}));
    control::User user;
    user.workspace = "w";
    user.name = "ann";
    EXPECT_TRUE(store_->PutUser(user));
    door_.jobs = {{"1", "j", "ann", "s3://lake/in/", {kRole}, true}};
    options_.debounce = milliseconds(5);
    options_.longest_wait = milliseconds(20);
    options_.retry = milliseconds(1);
    options_.longest_retry = milliseconds(4);
  }
  ~CopyJobsTest() override {
    store_.reset();
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path_.string() + end);
  }
  static LakeEvent Event(const std::string& key, const std::string& bucket = "lake") {
    LakeEvent event;
    event.bucket = bucket;
    event.keys = {key};
    return event;
  }
  // Jobs of a workspace that has made one.
  std::unique_ptr<CopyJobs> Made() {
    auto jobs = std::make_unique<CopyJobs>(*store_, door_, options_);
    EXPECT_TRUE(jobs->Changing("w", "ann"));
    jobs->Changed("w");
    door_.AwaitCalls(1);
    return jobs;
  }

  std::filesystem::path path_;
  std::unique_ptr<control::Store> store_;
  FakeDoor door_;
  CopyJobsOptions options_;
};

TEST_F(CopyJobsTest, ANewJobLooksAtItsWholePrefix) {
  const auto jobs = Made();
  const auto calls = door_.AwaitCalls(1);
  EXPECT_EQ(calls[0].job, "j");
  EXPECT_TRUE(calls[0].paths.empty());
  EXPECT_FALSE(calls[0].careful);
}

TEST_F(CopyJobsTest, EventsNameWhatARunLoads) {
  const auto jobs = Made();
  EXPECT_EQ(jobs->Take("111122223333", {}, {Event("in/a"), Event("in/b"), Event("out/c")}), 2u);
  const auto calls = door_.AwaitCalls(2);
  EXPECT_EQ(calls[1].paths, (std::vector<std::string>{"s3://lake/in/a", "s3://lake/in/b"}));
}

TEST_F(CopyJobsTest, OnlyEventsOfTheRolesAccountAndTheSourcesBucketsCount) {
  const auto jobs = Made();
  EXPECT_EQ(jobs->Take("999999999999", {}, {Event("in/a")}), 0u);
  EXPECT_EQ(jobs->Take("111122223333", {"other"}, {Event("in/a")}), 0u);
  EXPECT_EQ(jobs->Take("111122223333", {}, {Event("in/a", "other")}), 0u);
  EXPECT_EQ(jobs->Take("111122223333", {}, {Event("in/../out/a"), Event("in/./a")}), 0u);
  LakeEvent removed = Event("in/a");
  removed.removed = true;
  EXPECT_EQ(jobs->Take("111122223333", {}, {removed}), 0u);
}

TEST_F(CopyJobsTest, ABurstBeyondTheLimitListsThePrefix) {
  const auto jobs = Made();
  std::vector<LakeEvent> events;
  for (int i = 0; i < 501; i++) events.push_back(Event("in/" + std::to_string(i)));
  EXPECT_EQ(jobs->Take("111122223333", {}, events), 501u);
  EXPECT_TRUE(door_.AwaitCalls(2)[1].paths.empty());
}

TEST_F(CopyJobsTest, WhatComesDuringARunIsAnotherRun) {
  const auto jobs = Made();
  door_.Hold(true);
  jobs->Take("111122223333", {}, {Event("in/a")});
  door_.AwaitCalls(2);
  jobs->Take("111122223333", {}, {Event("in/b")});
  door_.Hold(false);
  EXPECT_EQ(door_.AwaitCalls(3)[2].paths, std::vector<std::string>{"s3://lake/in/b"});
}

TEST_F(CopyJobsTest, AFailedRunIsRepeatedSomeTimes) {
  door_.fail_with = ErrorKind::kExternalUnavailable;
  door_.failing = 1000;
  options_.retries = 2;
  const auto jobs = Made();
  const auto calls = door_.AwaitCalls(3);
  EXPECT_FALSE(calls[2].careful);
  jobs->Stop();  // joins: no fourth
  EXPECT_EQ(door_.AwaitCalls(3).size(), 3u);
}

TEST_F(CopyJobsTest, BehindALostWorkerARunIsCareful) {
  door_.fail_with = ErrorKind::kWorkerLost;
  door_.failing = 1;
  const auto jobs = Made();
  EXPECT_TRUE(door_.AwaitCalls(2)[1].careful);
}

TEST_F(CopyJobsTest, AGatewayThatStartsSweeps) {
  {
    const auto jobs = Made();
  }
  FakeDoor next;
  next.jobs = door_.jobs;
  CopyJobs again(*store_, next, options_);
  EXPECT_TRUE(next.AwaitCalls(1)[0].paths.empty());
}

TEST_F(CopyJobsTest, AWorkspaceWithoutJobsIsForgotten) {
  {
    const auto jobs = Made();
    door_.Clear();
    EXPECT_TRUE(jobs->Changing("w", "ann"));
    jobs->Changed("w");
    door_.AwaitLists(2);
  }
  EXPECT_EQ(store_->GetSetting("copy_jobs/w").value().value_or("none"), "");
}

TEST_F(CopyJobsTest, AJobWithoutItsOwnerOrWithAutoOffDoesNotRun) {
  door_.jobs = {{"1", "orphan", "bob", "s3://lake/in/", {kRole}, true},
                {"2", "manual", "ann", "s3://lake/in/", {kRole}, false},
                {"3", "runs", "ann", "s3://lake/in/", {kRole}, true}};
  options_.threads = 1;
  const auto jobs = Made();
  EXPECT_EQ(jobs->Take("111122223333", {}, {Event("in/a")}), 2u);
  for (const auto& call : door_.AwaitCalls(2)) EXPECT_EQ(call.job, "runs");
}

}  // namespace
}  // namespace skep::jobs
