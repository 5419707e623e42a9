#include "jobs/crawl_jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "catalog/crawler/crawl.h"

namespace skep::jobs {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::system_clock;

double Seconds(Clock::time_point t) {
  return static_cast<double>(
             std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count()) /
         1000.0;
}

constexpr int64_t kKeptRuns = 1000;    // of a crawler
constexpr int64_t kKeptEvidence = 25;  // documents of a crawler

std::string SummaryOf(const catalog::CrawlSummary& done) {
  const Json summary = {{"TABLE",
                         {{"ADD", {{"Count", done.tables_created}}},
                          {"UPDATE", {{"Count", done.tables_updated}}},
                          {"DELETE", {{"Count", done.tables_deleted}}}}},
                        {"PARTITION", {{"ADD", {{"Count", done.partitions_written}}}}}};
  return summary.dump();
}

}  // namespace

CrawlJobs::CrawlJobs(control::Store& store, const identity::RoleChainResolver& roles,
                     lake::ObjectStore& objects, catalog::Inferrer& inferrer, size_t threads)
    : store_(store), roles_(roles), objects_(objects), inferrer_(inferrer) {
  for (size_t i = 0; i < threads; i++) threads_.emplace_back([this] { Run(); });
}

CrawlJobs::~CrawlJobs() { Shutdown(); }

void CrawlJobs::Listen(const void* who, Listener listener) {
  const std::lock_guard lock(listening_);
  if (listener)
    listeners_.insert_or_assign(who, std::move(listener));
  else
    listeners_.erase(who);
}

Result<void> CrawlJobs::Start(const std::string& account, const std::string& crawler,
                              bool changes_only) {
  SKEP_TRY_ASSIGN(const auto found, store_.GetCrawler(account, crawler));
  if (!found)
    return Fail(ErrorKind::kUndefinedObject,
                fmt::format("Crawler entry with name {} does not exist", crawler));
  SKEP_TRY_ASSIGN(const bool moved, store_.MoveCrawler(account, crawler, "READY", "RUNNING"));
  if (!moved)
    return Fail(ErrorKind::kConflict,
                fmt::format("Crawler with name {} has already started", crawler));
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      queue_.push_back({account, crawler, changes_only});
      wake_.notify_one();
      return {};
    }
  }
  SKEP_TRY(store_.MoveCrawler(account, crawler, "RUNNING", "READY"));
  return Fail(ErrorKind::kAdminShutdown, "the gateway is going down");
}

Result<void> CrawlJobs::Stop(const std::string& account, const std::string& crawler) {
  SKEP_TRY_ASSIGN(const auto found, store_.GetCrawler(account, crawler));
  if (!found)
    return Fail(ErrorKind::kUndefinedObject,
                fmt::format("Crawler entry with name {} does not exist", crawler));
  SKEP_TRY_ASSIGN(const bool moved, store_.MoveCrawler(account, crawler, "RUNNING", "STOPPING"));
  if (!moved) {
    return Fail(ErrorKind::kConflict,
                found->state == "STOPPING"
                    ? fmt::format("Crawler with name {} is stopping", crawler)
                    : fmt::format("Crawler with name {} is not running", crawler));
  }
  const std::lock_guard lock(mutex_);
  stop_.insert({account, crawler});
  return {};
}

void CrawlJobs::Shutdown() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

bool CrawlJobs::Stopped(const Job& job) const {
  const std::lock_guard lock(mutex_);
  return stopping_ || stop_.contains({job.account, job.crawler});
}

void CrawlJobs::Run() {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      // What is still queued at shutdown is handed back too: RunOne sees that it is stopped.
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    RunOne(job);
  }
}

// A run in the crawler's history, as the API's CrawlerHistory with counts of tables. Names sort by
// time.
void CrawlJobs::Record(const Job& job, const std::string& name, const Json& run) {
  auto kept = store_.Glue().PutObject({job.account, "crawl", job.crawler, name,
                                       run.dump(-1, ' ', false, Json::error_handler_t::replace)});
  if (kept) kept = store_.Glue().TrimObjects(job.account, "crawl", job.crawler, kKeptRuns);
  if (!kept)
    log::Fault("crawl_record_failed", {{"crawler", job.crawler}, {"error", kept.error().message}});
}

// Under the name of the run.
void CrawlJobs::KeepEvidence(const Job& job, const std::string& name,
                             const catalog::CrawlSummary& done) {
  auto kept =
      store_.Glue().PutObject({job.account, "crawl_evidence", job.crawler, name, done.evidence});
  if (kept)
    kept = store_.Glue().TrimObjects(job.account, "crawl_evidence", job.crawler, kKeptEvidence);
  if (!kept)
    log::Fault("crawl_evidence_failed",
               {{"crawler", job.crawler}, {"error", kept.error().message}});
}

void CrawlJobs::RunOne(const Job& job) {
  const auto started = Clock::now();
  Json run = {{"CrawlId", NewUuid()},
              {"State", "RUNNING"},
              {"StartTime", Seconds(started)},
              {"LogGroup", "/aws-glue/crawlers"},
              {"LogStream", job.crawler},
              {"MessagePrefix", NewUuid()},
              {"DPUHour", 0.0}};
  const std::string name = fmt::format(
      "{:015}-{}",
      std::chrono::duration_cast<std::chrono::milliseconds>(started.time_since_epoch()).count(),
      run["CrawlId"].get<std::string>());
  Record(job, name, run);
  Result<catalog::CrawlSummary> done = Fail(ErrorKind::kInternal, "the crawl did not run");
  try {
    const auto crawler = store_.GetCrawler(job.account, job.crawler);
    if (!crawler) {
      done = Fail(crawler.error());
    } else if (*crawler) {
      log::Info("crawl_started", {{"account", job.account}, {"crawler", job.crawler}});
      catalog::CrawlOptions options;
      options.changes_only = job.changes_only;
      done = catalog::RunCrawl(
          **crawler, store_, roles_, objects_, inferrer_, [this, &job] { return Stopped(job); },
          options);
    }
  } catch (const std::exception& e) {
    done = Fail(ErrorKind::kInternal, fmt::format("internal error: {}", e.what()));
  }
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started).count();
  Json last = {{"LogGroup", "/aws-glue/crawlers"},
               {"LogStream", job.crawler},
               {"MessagePrefix", run["MessagePrefix"]},
               {"StartTime", Seconds(started)}};
  run["EndTime"] = Seconds(Clock::now());
  if (done) {
    last["Status"] = "SUCCEEDED";
    run["State"] = "COMPLETED";
    run["Summary"] = SummaryOf(*done);
    run["TablesCreated"] = done->tables_created;
    run["TablesUpdated"] = done->tables_updated;
    run["TablesDeleted"] = done->tables_deleted;
    log::Info("crawl_finished", {{"account", job.account},
                                 {"crawler", job.crawler},
                                 {"ms", elapsed},
                                 {"tables_created", done->tables_created},
                                 {"tables_updated", done->tables_updated},
                                 {"tables_deleted", done->tables_deleted},
                                 {"partitions", done->partitions_written}});
  } else {
    last["Status"] = done.error().kind == ErrorKind::kQueryCanceled ? "CANCELLED" : "FAILED";
    std::string message = done.error().message;
    if (!done.error().detail.empty()) message += " (" + done.error().detail + ")";
    last["ErrorMessage"] = message.substr(0, 2048);
    run["State"] = last["Status"] == "CANCELLED" ? "STOPPED" : "FAILED";
    run["ErrorMessage"] = last["ErrorMessage"];
    log::Warn(
        "crawl_failed",
        {{"account", job.account}, {"crawler", job.crawler}, {"ms", elapsed}, {"error", message}});
  }

  Record(job, name, run);
  if (done) KeepEvidence(job, name, *done);

  // The definition may have been changed meanwhile: read it again and touch only what is ours.
  if (auto crawler = store_.GetCrawler(job.account, job.crawler); crawler && *crawler) {
    Json json = Json::parse((*crawler)->json, nullptr, false);
    if (json.is_object()) {
      json["LastCrawl"] = last;
      json["CrawlElapsedTime"] = elapsed;
      (*crawler)->json = json.dump(-1, ' ', false, Json::error_handler_t::replace);
      if (auto put = store_.UpdateCrawler(**crawler); !put)
        log::Fault("crawl_record_failed",
                   {{"crawler", job.crawler}, {"error", put.error().message}});
    }
  }
  {
    const std::lock_guard lock(mutex_);
    stop_.erase({job.account, job.crawler});
  }
  for (const char* from : {"RUNNING", "STOPPING"}) {
    if (auto moved = store_.MoveCrawler(job.account, job.crawler, from, "READY"); !moved) {
      log::Fault("crawl_lease_failed",
                 {{"crawler", job.crawler}, {"error", moved.error().message}});
    }
  }
  const std::lock_guard lock(listening_);
  for (const auto& [who, listener] : listeners_)
    listener(job.account, job.crawler, done.has_value());
}

}  // namespace skep::jobs
