// Runs crawls on a few threads of its own, each crawler one at a time. A crawler's state in the
// control store is its lease: READY -> RUNNING -> READY (STOPPING in between when it was asked to
// stop), with LastCrawl in its JSON.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "catalog/crawler/crawl.h"
#include "catalog/crawler/inferrer.h"
#include "control/store.h"
#include "identity/role_chain.h"
#include "lake/object_store.h"

namespace skep::jobs {

class CrawlJobs {
 public:
  // Told of each crawl that ends, on its thread: account, crawler, whether it succeeded.
  using Listener = std::function<void(const std::string&, const std::string&, bool)>;

  CrawlJobs(control::Store& store, const identity::RoleChainResolver& roles,
            lake::ObjectStore& objects, catalog::Inferrer& inferrer, size_t threads = 2);
  ~CrawlJobs();
  CrawlJobs(const CrawlJobs&) = delete;
  CrawlJobs& operator=(const CrawlJobs&) = delete;

  // Queues a crawl; returns once the crawler is RUNNING. Blocks for the control store. Errors:
  // kUndefinedObject (no such crawler), kConflict with the message "Crawler with name <x> has
  // already started" (the API's CrawlerRunningException).
  // `changes_only`: look only into folders that events named.
  Result<void> Start(const std::string& account, const std::string& crawler,
                     bool changes_only = false);
  // `who` tells listeners apart. An empty one: that one is told no more.
  void Listen(const void* who, Listener listener);
  // Asks a crawl to stop. Errors: kUndefinedObject; kConflict "... is not running"
  // (CrawlerNotRunningException) or "... is stopping" (CrawlerStoppingException).
  Result<void> Stop(const std::string& account, const std::string& crawler);
  // Ends the running crawls (they fail) and joins the threads.
  void Shutdown();

 private:
  struct Job {
    std::string account, crawler;
    bool changes_only = false;
  };
  void Run();
  void RunOne(const Job& job);
  void KeepEvidence(const Job& job, const std::string& name, const catalog::CrawlSummary& done);
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
  std::mutex listening_;  // held while listeners are told
  std::map<const void*, Listener> listeners_;
  std::vector<std::thread> threads_;
};

}  // namespace skep::jobs
