// Follows schedules: at the begin of each minute it starts the crawlers whose own schedule, or
// whose activated trigger's, names the minute, and the runs of workflows whose trigger's does.
// Minutes that pass while the gateway is down are not
// made up for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "control/store.h"
#include "jobs/crawl_jobs.h"
#include "jobs/workflow_runs.h"

namespace skep::jobs {

class CrawlSchedule {
 public:
  using Minute = std::chrono::sys_time<std::chrono::minutes>;

  // All must outlive it. No `runs`: workflows are not started.
  CrawlSchedule(control::Store& store, CrawlJobs& crawls, WorkflowRuns* runs = nullptr);
  ~CrawlSchedule();
  CrawlSchedule(const CrawlSchedule&) = delete;
  CrawlSchedule& operator=(const CrawlSchedule&) = delete;

  // Starts what is due in this minute. Blocks for the control store.
  void RunMinute(Minute minute);

 private:
  void Run();

  control::Store& store_;
  CrawlJobs& crawls_;
  WorkflowRuns* runs_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace skep::jobs
