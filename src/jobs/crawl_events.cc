#include "jobs/crawl_events.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <set>

#include "base/log.h"
#include "catalog/crawler/listing.h"
#include "catalog/crawler/settings.h"

namespace skep::jobs {
namespace {

using std::chrono::milliseconds;

// Kept of one crawler between two crawls; behind it, everything has changed.
constexpr size_t kMostFolders = 10'000;

int64_t NowMs() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

struct Watcher {
  control::Crawler crawler;
  std::vector<catalog::Target> targets;
};

Result<std::vector<Watcher>> WatchersOf(control::Store& store, const std::string& account) {
  SKEP_TRY_ASSIGN(auto crawlers, store.ListCrawlers(account));
  std::vector<Watcher> out;
  for (auto& crawler : crawlers) {
    auto targets = catalog::EventTargets(crawler);
    if (!targets.empty()) out.push_back({std::move(crawler), std::move(targets)});
  }
  return out;
}

}  // namespace

CrawlEvents::CrawlEvents(control::Store& store, CrawlJobs& crawls, CrawlEventsOptions options)
    : store_(store), crawls_(crawls), options_(options) {
  crawls_.Listen(this, [this](const std::string& account, const std::string& crawler,
                              bool succeeded) { Ended({account, crawler}, succeeded); });
  thread_ = std::thread([this] { Run(); });
}

CrawlEvents::~CrawlEvents() { Stop(); }

void CrawlEvents::Stop() {
  crawls_.Listen(this, {});
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// Whether the very object that the event tells of was seen already, so that looking again can find
// nothing: a replayed message. Not while a crawl runs, which may have listed before and not yet
// written down what it saw.
bool CrawlEvents::Known(const control::Crawler& crawler, const LakeEvent& event) const {
  if (event.removed || event.etag.empty() || event.keys.size() != 1 || crawler.state != "READY")
    return false;
  const std::string& key = event.keys.front();
  const std::string folder = catalog::FolderOf(key);
  const auto seen = store_.Crawls().GetSeen(crawler.account, crawler.name, event.bucket, folder);
  if (!seen || !*seen) return false;
  const control::SeenObject object{key.substr(folder.size()), event.size, event.etag};
  if (std::ranges::find((*seen)->objects, object) == (*seen)->objects.end()) return false;
  const auto pending = store_.Crawls().ListChanges(crawler.account, crawler.name);
  return pending && std::ranges::none_of(*pending, [&](const control::ChangedFolder& change) {
           return change.bucket == event.bucket && change.folder == folder;
         });
}

Result<CrawlEvents::Taken> CrawlEvents::Take(const std::string& account,
                                             const std::vector<std::string>& buckets,
                                             const std::vector<LakeEvent>& events) {
  Taken taken;
  taken.events = events.size();
  if (events.empty()) return taken;
  SKEP_TRY_ASSIGN(const auto watchers, WatchersOf(store_, account));
  const int64_t now = NowMs();
  std::map<std::pair<Name, catalog::FolderName>, uint64_t> folders;
  for (const LakeEvent& event : events) {
    if (!buckets.empty() && std::ranges::find(buckets, event.bucket) == buckets.end()) continue;
    for (const Watcher& watcher : watchers) {
      const bool replayed = events.size() == 1 && Known(watcher.crawler, event);
      for (const std::string& key : event.keys) {
        const bool covered = std::ranges::any_of(watcher.targets, [&](const catalog::Target& t) {
          return catalog::Covers(t, event.bucket, key);
        });
        if (covered && !replayed) {
          folders[{{watcher.crawler.account, watcher.crawler.name},
                   {event.bucket, catalog::FolderOf(key)}}]++;
        }
      }
    }
  }
  if (folders.empty()) return taken;
  std::map<Name, size_t> kept;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, waiting] : waiting_) kept[name] = waiting.folders;
  }
  std::vector<control::ChangedFolder> changes;
  std::map<Name, size_t> names;
  for (const auto& [where, count] : folders) {
    const Name& name = where.first;
    catalog::FolderName folder = where.second;
    if (kept[name]++ >= kMostFolders) folder.second = catalog::kEverywhere;
    names[name]++;
    changes.push_back({name.first, name.second, folder.first, folder.second, now, now, count, {}});
  }
  SKEP_TRY(store_.Crawls().AddChanges(changes));
  taken.folders = changes.size();
  const auto at = Clock::now();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, count] : names) {
      auto [waiting, fresh] = waiting_.try_emplace(name);
      waiting->second.folders += count;
      if (fresh) waiting->second.first = at;
      waiting->second.last = at;
    }
  }
  wake_.notify_all();
  return taken;
}

CrawlEvents::Clock::time_point CrawlEvents::DueAt(const Waiting& waiting) const {
  const auto quiet =
      std::min(waiting.last + options_.debounce, waiting.first + options_.longest_wait);
  return std::max(quiet, waiting.not_before);
}

// What an earlier gateway acknowledged and did not live to crawl.
void CrawlEvents::Recover() {
  const auto kept = store_.Crawls().ListChanges("", "");
  if (!kept) {
    log::Warn("crawl_events_failed", {{"error", kept.error().message}});
    return;
  }
  const std::lock_guard lock(mutex_);
  for (const auto& change : *kept) waiting_.try_emplace({change.account, change.crawler});
  if (!kept->empty()) log::Info("crawl_events_recovered", {{"folders", kept->size()}});
}

void CrawlEvents::StartDue(Clock::time_point now) {
  std::vector<std::pair<Name, Waiting>> due;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& one : waiting_) {
      if (DueAt(one.second) <= now) due.push_back(one);
    }
  }
  for (const auto& [name, waiting] : due) {
    // Taken off before the crawl reads what is kept: what comes from here on waits anew.
    {
      const std::lock_guard lock(mutex_);
      waiting_.erase(name);
      if (waiting.backoff.count() > 0) failed_[name] = waiting.backoff;
    }
    const auto started = crawls_.Start(name.first, name.second, true);
    if (started || started.error().kind == ErrorKind::kUndefinedObject) continue;
    // It runs: that crawl may have listed before the event, so another follows it.
    const std::lock_guard lock(mutex_);
    Waiting& again = waiting_.try_emplace(name, waiting).first->second;
    again.not_before =
        now + (started.error().kind == ErrorKind::kConflict ? options_.debounce : options_.retry);
  }
}

void CrawlEvents::Ended(const Name& name, bool succeeded) {
  {
    const std::lock_guard lock(mutex_);
    const auto failed = failed_.find(name);
    const milliseconds before = failed == failed_.end() ? milliseconds(0) : failed->second;
    if (failed != failed_.end()) failed_.erase(failed);
    if (succeeded) {
      // Waits for nothing but this crawl's end.
      if (const auto next = waiting_.find(name); next != waiting_.end())
        next->second.not_before = {};
    } else {
      const auto pending = store_.Crawls().ListChanges(name.first, name.second);
      if (pending && pending->empty()) return;
      Waiting& again = waiting_[name];
      again.backoff = std::min(std::max(before * 2, options_.retry), options_.longest_retry);
      again.not_before = Clock::now() + again.backoff;
    }
  }
  wake_.notify_all();
}

// Lists everything for every crawler of event mode that has run before.
void CrawlEvents::Sweep() {
  const auto watchers = WatchersOf(store_, "");
  if (!watchers) {
    log::Warn("crawl_sweep_failed", {{"error", watchers.error().message}});
    return;
  }
  for (const Watcher& watcher : *watchers) {
    // One that never ran is its owner's to start.
    const auto seen = store_.Crawls().Definition(watcher.crawler.account, watcher.crawler.name);
    if (!seen || !*seen) continue;
    const auto started = crawls_.Start(watcher.crawler.account, watcher.crawler.name);
    if (!started && started.error().kind != ErrorKind::kConflict)
      log::Warn("crawl_sweep_failed",
                {{"crawler", watcher.crawler.name}, {"error", started.error().message}});
  }
}

void CrawlEvents::Run() {
  Recover();
  auto next_sweep = Clock::now();  // for what happened while no gateway ran
  const bool sweeps = options_.sweep.count() > 0;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      auto until = sweeps ? next_sweep : Clock::now() + std::chrono::hours(1);
      for (const auto& [name, waiting] : waiting_) until = std::min(until, DueAt(waiting));
      if (!stopping_ && until > Clock::now()) wake_.wait_until(lock, until);
      if (stopping_) return;
    }
    try {
      const auto now = Clock::now();
      if (sweeps && now >= next_sweep) {
        next_sweep = now + options_.sweep;
        Sweep();
      }
      StartDue(now);
    } catch (const std::exception& e) {
      log::Fault("crawl_events_failed", {{"error", e.what()}});
    }
  }
}

}  // namespace skep::jobs
