// From events to crawls: keeps which folders events named, for each crawler of event mode that
// looks there, waits until a burst is over, and has those folders crawled. An event is in the
// control store before it is acknowledged; replayed, reordered or doubled it does no more than have
// a folder looked at again. Crawls that failed are tried again, and a sweep lists everything from
// time to time, for events that never came.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "control/store.h"
#include "jobs/crawl_jobs.h"
#include "jobs/lake_event.h"

namespace skep::jobs {

struct CrawlEventsOptions {
  std::chrono::milliseconds debounce{200};       // a burst is over when nothing came for so long,
  std::chrono::milliseconds longest_wait{1000};  // or this long after its first event
  std::chrono::milliseconds sweep{std::chrono::hours(1)};  // between full crawls; 0 = none
  std::chrono::milliseconds retry{2000};                   // after a failed crawl; doubles, up to
  std::chrono::milliseconds longest_retry{std::chrono::minutes(5)};
};

class CrawlEvents {
 public:
  // Both must outlive it. Folders that were kept before are crawled soon.
  CrawlEvents(control::Store& store, CrawlJobs& crawls, CrawlEventsOptions options = {});
  ~CrawlEvents();
  CrawlEvents(const CrawlEvents&) = delete;
  CrawlEvents& operator=(const CrawlEvents&) = delete;

  struct Taken {
    size_t events = 0;   // of the message
    size_t folders = 0;  // kept for a crawler
  };
  // Takes events of an account's store; only those of `buckets` (all, when empty). Returns once
  // they are kept. Blocks for the control store. Errors: those of the store; then the sender has to
  // repeat itself.
  Result<Taken> Take(const std::string& account, const std::vector<std::string>& buckets,
                     const std::vector<LakeEvent>& events);
  // Ends the thread. Crawls that run go on.
  void Stop();

 private:
  using Name = std::pair<std::string, std::string>;  // account, crawler
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    Clock::time_point first, last;  // events
    Clock::time_point not_before;   // after a failure
    std::chrono::milliseconds backoff{0};
    size_t folders = 0;  // that events named, repeated ones too
  };
  bool Known(const control::Crawler& crawler, const LakeEvent& event) const;
  void Run();
  void Recover();
  Clock::time_point DueAt(const Waiting& waiting) const;
  void StartDue(Clock::time_point now);
  void Sweep();
  void Ended(const Name& name, bool succeeded);

  control::Store& store_;
  CrawlJobs& crawls_;
  const CrawlEventsOptions options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<Name, Waiting> waiting_;
  std::map<Name, std::chrono::milliseconds> failed_;  // crawls that run after a failure
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace skep::jobs
