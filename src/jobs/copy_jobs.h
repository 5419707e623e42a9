// Auto-copy jobs from the gateway's side: which workspaces have some, and when each runs: when
// events name new objects below its prefix, when it was made, and at a sweep for what events
// missed. What was loaded the worker knows (worker/copy_jobs.h): a run too many loads nothing
// twice, and one too few is made up for by the next sweep. So events are not kept; a gateway that
// starts sweeps.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "control/store.h"
#include "jobs/lake_event.h"

namespace skep::jobs {

struct CopyJob {
  std::string id, name, owner;
  std::string location;            // s3://bucket/prefix
  std::vector<std::string> roles;  // first assumed first
  bool automatic = true;
  bool operator==(const CopyJob&) const = default;
};

// The way to a workspace's jobs. Called on the jobs' threads; blocks.
class CopyJobDoor {
 public:
  virtual ~CopyJobDoor() = default;
  // As `user` of the workspace.
  virtual Result<std::vector<CopyJob>> List(const std::string& workspace,
                                            const std::string& user) = 0;
  // Runs a job as its owner: all that its prefix has, or `paths` alone. `careful`: an earlier run
  // ended with its worker. Answers how many rows. Errors: those of the run.
  virtual Result<uint64_t> Run(const std::string& workspace, const CopyJob& job, bool careful,
                               const std::vector<std::string>& paths) = 0;
  // Ends what runs, for good.
  virtual void Stop() = 0;
};

struct CopyJobsOptions {
  std::chrono::milliseconds debounce{200};       // a burst is over when nothing came for so long,
  std::chrono::milliseconds longest_wait{1000};  // or this long after its first event
  std::chrono::milliseconds sweep{std::chrono::hours(1)};  // 0: at the start alone
  std::chrono::milliseconds retry{2000};                   // after a failed run; doubles, up to
  std::chrono::milliseconds longest_retry{std::chrono::minutes(5)};
  size_t retries = 5;  // behind them the job waits for its next event or sweep
  size_t threads = 4;
  size_t runs_per_workspace = 2;  // so that none takes all threads
};

class CopyJobs {
 public:
  // Both must outlive it. Workspaces that had jobs are swept soon.
  CopyJobs(control::Store& store, CopyJobDoor& door, CopyJobsOptions options = {});
  ~CopyJobs();
  CopyJobs(const CopyJobs&) = delete;
  CopyJobs& operator=(const CopyJobs&) = delete;

  // A statement of `user` is about to change a workspace's jobs: remembers for good that there may
  // be some. Blocks for the control store.
  Result<void> Changing(const std::string& workspace, const std::string& user);
  // It has, or has failed: looks at them anew. Follows each Changing.
  void Changed(const std::string& workspace);
  // Takes events of an account's store; only those of `buckets` (all, when empty). Answers how many
  // objects a job waits for now.
  size_t Take(const std::string& account, const std::vector<std::string>& buckets,
              const std::vector<LakeEvent>& events);
  // Ends the threads; what runs is cancelled, and rolled back.
  void Stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Job {
    CopyJob facts;
    bool running = false;
    bool everything = false;      // its prefix is to be listed
    std::set<std::string> paths;  // that events named
    Clock::time_point first, last;
    Clock::time_point not_before;
    size_t failures = 0;
    bool careful = false;
  };
  struct Workspace {
    std::string user;
    bool listing = false, stale = false, sweep = false;
    size_t changing = 0;  // statements on their way
    size_t running = 0;   // of its jobs
    Clock::time_point not_before;
    size_t failures = 0;
    std::map<std::string, Job> jobs;
  };

  void Run();
  bool RunNext(std::unique_lock<std::mutex>& lock, Clock::time_point now);
  void ListJobs(std::unique_lock<std::mutex>& lock, const std::string& name);
  void RunJob(std::unique_lock<std::mutex>& lock, const std::string& workspace,
              const std::string& name);
  Clock::time_point DueAt(const Job& job) const;
  Clock::time_point NextDue() const;
  Clock::time_point Backoff(size_t failures) const;

  control::Store& store_;
  CopyJobDoor& door_;
  const CopyJobsOptions options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, Workspace> workspaces_;
  Clock::time_point next_sweep_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace skep::jobs
