#include "jobs/copy_jobs.h"

#include <algorithm>
#include <exception>

#include "base/log.h"
#include "identity/role_chain.h"

namespace skep::jobs {
namespace {

constexpr size_t kMostPaths = 500;  // that events name; behind them, the prefix is listed
constexpr auto kNever = std::chrono::hours(24);

// Of the control store's settings: the user whose statement changed the workspace's jobs last;
// empty: there are none.
std::string MarkOf(const std::string& workspace) { return "copy_jobs/" + workspace; }

// "." or ".." between slashes, which some stores take for folders. Such an object is found by a
// listing, if there is one.
bool HasDotSegment(std::string_view path) {
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    if (path.substr(0, end) == "." || path.substr(0, end) == "..") return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

}  // namespace

CopyJobs::CopyJobs(control::Store& store, CopyJobDoor& door, CopyJobsOptions options)
    : store_(store), door_(door), options_(options) {
  const auto workspaces = store_.ListWorkspaces();
  if (!workspaces) log::Warn("copy_jobs_failed", {{"error", workspaces.error().message}});
  for (const auto& workspace : workspaces.value_or(std::vector<control::Workspace>{})) {
    const auto user = store_.GetSetting(MarkOf(workspace.name));
    if (!user || !*user || (*user)->empty()) continue;
    Workspace& known = workspaces_[workspace.name];
    known.user = **user;
    known.stale = known.sweep = true;
  }
  next_sweep_ = Clock::now() + (options_.sweep.count() > 0 ? options_.sweep : kNever);
  for (size_t i = 0; i < options_.threads; i++) threads_.emplace_back([this] { Run(); });
}

CopyJobs::~CopyJobs() { Stop(); }

void CopyJobs::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  door_.Stop();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

Result<void> CopyJobs::Changing(const std::string& workspace, const std::string& user) {
  {
    const std::lock_guard lock(mutex_);
    workspaces_[workspace].changing++;
  }
  SKEP_TRY(store_.PutSetting(MarkOf(workspace), user));
  const std::lock_guard lock(mutex_);
  workspaces_[workspace].user = user;
  return {};
}

void CopyJobs::Changed(const std::string& workspace) {
  {
    const std::lock_guard lock(mutex_);
    Workspace& changed = workspaces_[workspace];
    if (changed.changing > 0) changed.changing--;
    changed.stale = true;
    changed.not_before = {};
  }
  wake_.notify_all();
}

size_t CopyJobs::Take(const std::string& account, const std::vector<std::string>& buckets,
                      const std::vector<LakeEvent>& events) {
  size_t taken = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    for (auto& [workspace, all] : workspaces_) {
      for (auto& [name, job] : all.jobs) {
        if (!job.facts.automatic || job.facts.roles.empty() ||
            identity::AccountOfRoleArn(job.facts.roles.back()) != account)
          continue;
        for (const LakeEvent& event : events) {
          if (event.removed) continue;
          if (!buckets.empty() && std::ranges::find(buckets, event.bucket) == buckets.end())
            continue;
          for (const std::string& key : event.keys) {
            std::string path = "s3://" + event.bucket + "/" + key;
            if (!path.starts_with(job.facts.location) || HasDotSegment(path)) continue;
            if (job.paths.empty() && !job.everything) job.first = now;
            job.last = now;
            job.failures = 0;
            taken++;
            if (job.paths.size() < kMostPaths)
              job.paths.insert(std::move(path));
            else
              job.everything = true;
          }
        }
      }
    }
  }
  if (taken > 0) wake_.notify_all();
  return taken;
}

CopyJobs::Clock::time_point CopyJobs::Backoff(size_t failures) const {
  auto wait = options_.retry;
  for (size_t i = 1; i < failures && wait < options_.longest_retry; i++) wait *= 2;
  return Clock::now() + std::min(wait, options_.longest_retry);
}

CopyJobs::Clock::time_point CopyJobs::DueAt(const Job& job) const {
  if (job.running || (!job.everything && job.paths.empty())) return Clock::now() + kNever;
  const auto quiet =
      job.paths.empty() ? job.not_before
                        : std::min(job.last + options_.debounce, job.first + options_.longest_wait);
  return std::max(quiet, job.not_before);
}

CopyJobs::Clock::time_point CopyJobs::NextDue() const {
  auto next = next_sweep_;
  for (const auto& [name, workspace] : workspaces_) {
    if (workspace.stale && !workspace.listing) next = std::min(next, workspace.not_before);
    if (workspace.running >= options_.runs_per_workspace) continue;
    for (const auto& [job_name, job] : workspace.jobs) next = std::min(next, DueAt(job));
  }
  return next;
}

void CopyJobs::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto now = Clock::now();
    if (now >= next_sweep_) {
      next_sweep_ = now + (options_.sweep.count() > 0 ? options_.sweep : kNever);
      for (auto& [name, workspace] : workspaces_) workspace.stale = workspace.sweep = true;
    }
    try {
      if (RunNext(lock, now)) continue;
    } catch (const std::exception& e) {
      if (!lock.owns_lock()) lock.lock();
      log::Fault("copy_jobs_failed", {{"error", e.what()}});
    }
    if (!stopping_) wake_.wait_until(lock, NextDue());
  }
}

// One thing that is due; false when nothing is.
bool CopyJobs::RunNext(std::unique_lock<std::mutex>& lock, Clock::time_point now) {
  for (auto& [name, workspace] : workspaces_) {
    if (workspace.stale && !workspace.listing && workspace.not_before <= now) {
      ListJobs(lock, std::string(name));
      return true;
    }
    if (workspace.running >= options_.runs_per_workspace) continue;
    for (auto& [job_name, job] : workspace.jobs) {
      if (DueAt(job) > now) continue;
      RunJob(lock, std::string(name), std::string(job_name));
      return true;
    }
  }
  return false;
}

void CopyJobs::ListJobs(std::unique_lock<std::mutex>& lock, const std::string& name) {
  Workspace& workspace = workspaces_[name];  // never erased
  workspace.listing = true;
  workspace.stale = false;
  const std::string user = workspace.user;
  lock.unlock();
  Result<std::vector<CopyJob>> listed = std::vector<CopyJob>{};
  if (!user.empty()) listed = door_.List(name, user);
  lock.lock();
  workspace.listing = false;
  if (!listed) {
    workspace.stale = true;
    workspace.not_before = Backoff(++workspace.failures);
    if (!stopping_)
      log::Warn("copy_jobs_not_listed", {{"workspace", name}, {"error", listed.error().message}});
    return;
  }
  workspace.failures = 0;
  const bool sweep = std::exchange(workspace.sweep, false);
  std::map<std::string, Job> jobs;
  for (CopyJob& facts : *listed) {
    const auto known = workspace.jobs.find(facts.name);
    // A job that runs is found again by its name.
    const bool same = known != workspace.jobs.end() && known->second.facts == facts;
    Job& job = jobs[facts.name];
    if (known != workspace.jobs.end()) job = std::move(known->second);
    if (facts.automatic && (sweep || !same)) {
      job.everything = true;
      job.failures = 0;
    }
    job.facts = std::move(facts);
  }
  workspace.jobs = std::move(jobs);
  if (workspace.jobs.empty() && workspace.changing == 0 && !workspace.stale) {
    workspace.user.clear();
    const auto cleared = store_.PutSetting(MarkOf(name), "");
    if (!cleared) log::Warn("copy_jobs_failed", {{"error", cleared.error().message}});
  }
  wake_.notify_all();
}

void CopyJobs::RunJob(std::unique_lock<std::mutex>& lock, const std::string& workspace,
                      const std::string& name) {
  Job& job = workspaces_[workspace].jobs[name];
  job.running = true;
  workspaces_[workspace].running++;
  const CopyJob facts = job.facts;
  const bool careful = job.careful;
  std::vector<std::string> paths;
  if (!job.everything) paths.assign(job.paths.begin(), job.paths.end());
  job.everything = false;
  job.paths.clear();
  lock.unlock();
  const auto owner = store_.GetUser(workspace, facts.owner);
  const bool orphaned = owner && !*owner;
  Result<uint64_t> rows = uint64_t{0};
  if (!orphaned) rows = door_.Run(workspace, facts, careful, paths);
  lock.lock();
  workspaces_[workspace].running--;
  wake_.notify_all();
  if (orphaned)
    log::Warn("copy_job_without_owner",
              {{"workspace", workspace}, {"job", name}, {"owner", facts.owner}});
  else if (rows)
    log::Info("copy_job_ran",
              {{"workspace", workspace}, {"job", name}, {"named", paths.size()}, {"rows", *rows}});
  else if (!stopping_)
    log::Warn("copy_job_failed",
              {{"workspace", workspace}, {"job", name}, {"error", rows.error().message}});
  auto& jobs = workspaces_[workspace].jobs;
  const auto still = jobs.find(name);
  if (still == jobs.end()) return;  // dropped meanwhile
  Job& ran = still->second;
  ran.running = false;
  if (rows) {
    ran.failures = 0;
    ran.careful = false;
    return;
  }
  ran.careful = ran.careful || rows.error().kind == ErrorKind::kWorkerLost;
  if (rows.error().kind == ErrorKind::kUndefinedObject) return;  // dropped: the next listing tells
  if (++ran.failures > options_.retries) return;
  ran.everything = true;
  ran.not_before = Backoff(ran.failures);
}

}  // namespace skep::jobs
