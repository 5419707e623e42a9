// Runs crawls one at a time on a thread of its own. A crawler's state in the control store is its
// lease: READY -> RUNNING -> READY (STOPPING in between when it was asked to stop), with LastCrawl
// in its JSON.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "base/error.h"
#include "catalog/crawler/inferrer.h"
#include "control/store.h"
#include "identity/role_chain.h"
#include "lake/object_store.h"

namespace skep::jobs {

class CrawlJobs {
 public:
  CrawlJobs(control::Store& store, const identity::RoleChainResolver& roles,
            lake::ObjectStore& objects, catalog::Inferrer& inferrer);
  ~CrawlJobs();
  CrawlJobs(const CrawlJobs&) = delete;
  CrawlJobs& operator=(const CrawlJobs&) = delete;

  // Queues a crawl; returns once the crawler is RUNNING. Blocks for the control store. Errors:
  // kUndefinedObject (no such crawler), kConflict with the message "Crawler with name <x> has
  // already started" (the API's CrawlerRunningException).
  Result<void> Start(const std::string& account, const std::string& crawler);
  // Asks a crawl to stop. Errors: kUndefinedObject; kConflict "... is not running"
  // (CrawlerNotRunningException) or "... is stopping" (CrawlerStoppingException).
  Result<void> Stop(const std::string& account, const std::string& crawler);
  // Ends the running crawl (it fails) and joins the thread.
  void Shutdown();

 private:
  struct Job {
    std::string account, crawler;
  };
  void Run();
  void RunOne(const Job& job);
  void Record(const Job& job, const std::string& name, const nlohmann::json& run);
  bool Stopped(const Job& job) const;

  control::Store& store_;
  const identity::RoleChainResolver& roles_;
  lake::ObjectStore& objects_;
  catalog::Inferrer& inferrer_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;
  std::set<std::pair<std::string, std::string>> stop_;  // (account, crawler) asked to stop
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace skep::jobs
