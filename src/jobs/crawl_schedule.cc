#include "jobs/crawl_schedule.h"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/cron.h"
#include "base/log.h"

namespace skep::jobs {
namespace {

using Json = nlohmann::json;
using Account = std::string;

std::string TextOf(const Json& json, const char* name) {
  if (!json.is_object()) return {};
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool Due(const std::string& expression, CrawlSchedule::Minute minute) {
  const auto schedule = CronSchedule::Parse(expression);
  return schedule && schedule->Matches(minute);
}

using Names = std::set<std::pair<Account, std::string>>;

void AddCrawlers(control::Store& store, CrawlSchedule::Minute minute, Names& due) {
  const auto crawlers = store.ListCrawlers("");
  if (!crawlers) {
    log::Warn("crawl_schedule_failed", {{"error", crawlers.error().message}});
    return;
  }
  for (const auto& crawler : *crawlers) {
    const Json json = Json::parse(crawler.json, nullptr, false);
    if (!json.is_object() || !json.contains("Schedule")) continue;
    const Json& schedule = json["Schedule"];
    if (TextOf(schedule, "State") == "SCHEDULED" &&
        Due(TextOf(schedule, "ScheduleExpression"), minute))
      due.emplace(crawler.account, crawler.name);
  }
}

// A trigger of a workflow begins a run of it.
struct DueRun {
  Account account;
  std::string workflow, trigger;
};

void AddTriggered(control::Store& store, CrawlSchedule::Minute minute, Names& due,
                  std::vector<DueRun>& runs) {
  const auto triggers = store.Glue().ListObjects("", "trigger", std::nullopt);
  if (!triggers) {
    log::Warn("crawl_schedule_failed", {{"error", triggers.error().message}});
    return;
  }
  for (const auto& trigger : *triggers) {
    const Json json = Json::parse(trigger.json, nullptr, false);
    if (TextOf(json, "State") != "ACTIVATED" || !Due(TextOf(json, "Schedule"), minute) ||
        !json.contains("Actions") || !json["Actions"].is_array())
      continue;
    if (const std::string workflow = TextOf(json, "WorkflowName"); !workflow.empty()) {
      runs.push_back({trigger.catalog_id, workflow, trigger.name});
      continue;
    }
    for (const Json& action : json["Actions"])
      due.emplace(trigger.catalog_id, TextOf(action, "CrawlerName"));
  }
}

}  // namespace

CrawlSchedule::CrawlSchedule(control::Store& store, CrawlJobs& crawls, WorkflowRuns* runs)
    : store_(store), crawls_(crawls), runs_(runs), thread_([this] { Run(); }) {}

CrawlSchedule::~CrawlSchedule() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void CrawlSchedule::RunMinute(Minute minute) {
  Names due;
  AddCrawlers(store_, minute, due);
  std::vector<DueRun> runs;
  AddTriggered(store_, minute, due, runs);
  for (const auto& [account, crawler] : due) {
    if (const auto started = crawls_.Start(account, crawler); !started) {
      log::Warn("scheduled_crawl_not_started",
                {{"account", account}, {"crawler", crawler}, {"error", started.error().message}});
    }
  }
  for (const DueRun& run : runs) {
    if (runs_ == nullptr) continue;
    if (const auto started = runs_->Start(run.account, run.workflow, run.trigger, "{}"); !started)
      log::Warn("scheduled_workflow_not_started", {{"account", run.account},
                                                   {"workflow", run.workflow},
                                                   {"error", started.error().message}});
  }
}

void CrawlSchedule::Run() {
  using namespace std::chrono;
  Minute next = floor<minutes>(system_clock::now()) + minutes(1);
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_until(lock, next, [this] { return stopping_; })) return;
    }
    try {
      RunMinute(next);
    } catch (const std::exception& e) {
      log::Fault("crawl_schedule_failed", {{"error", e.what()}});
    }
    next = std::max(next, floor<minutes>(system_clock::now())) + minutes(1);
  }
}

}  // namespace skep::jobs
