#include "jobs/workflow_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/log.h"

namespace skep::jobs {
namespace {

using Json = nlohmann::json;

constexpr const char* kTrigger = "trigger";
constexpr int64_t kKeptRuns = 1000;  // of a workflow

std::string TextOf(const Json& json, const char* name) {
  if (!json.is_object()) return {};
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Json ObjectOf(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_object() ? json : Json::object();
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Json& ListOf(const Json& json, const char* name) {
  static const Json kNone = Json::array();
  const auto found = json.find(name);
  return found != json.end() && found->is_array() ? *found : kNone;
}

bool IsActive(const Json& run) {
  const std::string status = TextOf(run, "Status");
  return status == "RUNNING" || status == "STOPPING";
}

bool HasEnded(const std::string& state) { return state != "RUNNING" && state != "CANCELLING"; }

// Of a run, the last state of a crawler; empty: the run has not crawled with it.
std::string StateOf(const Json& run, const std::string& crawler) {
  std::string state;
  for (const Json& action : ListOf(run, "Actions")) {
    if (TextOf(action, "CrawlerName") == crawler) state = TextOf(action, "State");
  }
  return state;
}

// AND, the default: all conditions; ANY: one of them.
bool IsMet(const Json& predicate, const Json& run) {
  const Json& conditions = ListOf(predicate, "Conditions");
  const auto met = [&](const Json& condition) {
    return StateOf(run, TextOf(condition, "CrawlerName")) == TextOf(condition, "CrawlState");
  };
  if (conditions.empty()) return false;
  return TextOf(predicate, "Logical") == "ANY" ? std::ranges::any_of(conditions, met)
                                               : std::ranges::all_of(conditions, met);
}

void Count(Json& run) {
  int64_t succeeded = 0, failed = 0, stopped = 0, running = 0, all = 0;
  for (const Json& action : ListOf(run, "Actions")) {
    const std::string state = TextOf(action, "State");
    all++;
    if (!HasEnded(state))
      running++;
    else if (state == "SUCCEEDED")
      succeeded++;
    else if (state == "CANCELLED")
      stopped++;
    else
      failed++;
  }
  run["Statistics"] = {{"TotalActions", all},           {"TimeoutActions", 0},
                       {"FailedActions", failed},       {"StoppedActions", stopped},
                       {"SucceededActions", succeeded}, {"RunningActions", running},
                       {"ErroredActions", 0},           {"WaitingActions", 0}};
}

}  // namespace

struct WorkflowRuns::Run {
  std::string account, workflow, id;
  Json json;
};

WorkflowRuns::WorkflowRuns(control::Store& store, Crawls crawls, std::function<int64_t()> now_ms)
    : store_(store), crawls_(std::move(crawls)), now_ms_(now_ms ? std::move(now_ms) : [] {
        return static_cast<int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
      }) {}

double WorkflowRuns::Seconds() const { return static_cast<double>(now_ms_()) / 1000.0; }

// wr_ and 64 hexadecimal digits, as in the service; the first 16 are the time, so that names sort.
std::string WorkflowRuns::NewId() const {
  return fmt::format("wr_{:016x}{}", static_cast<uint64_t>(now_ms_()), HexEncode(RandomBytes(24)));
}

void WorkflowRuns::Report(const char* event, const std::string& account, const std::string& name,
                          const Error& error) const {
  log::Warn(event, {{"account", account}, {"name", name}, {"error", error.message}});
}

Result<std::optional<WorkflowRuns::Run>> WorkflowRuns::Find(const std::string& account,
                                                            const std::string& workflow,
                                                            const std::string& id) {
  SKEP_TRY_ASSIGN(const auto found, store_.Glue().GetObject(account, kRun, workflow, id));
  if (!found) return std::optional<Run>();
  return std::optional(Run{account, workflow, id, ObjectOf(found->json)});
}

Result<void> WorkflowRuns::Keep(Run& run) {
  Count(run.json);
  if (IsActive(run.json))
    active_.insert({run.account, run.workflow, run.id});
  else
    active_.erase({run.account, run.workflow, run.id});
  return store_.Glue().PutObject({run.account, kRun, run.workflow, run.id, Dump(run.json)});
}

void WorkflowRuns::EndAction(const Run& run, Json& action, const std::string& state,
                             const std::string& message) const {
  action["State"] = state;
  action["CompletedOn"] = Seconds();
  if (!message.empty()) action["ErrorMessage"] = message;
  log::Info("workflow_action_ended", {{"account", run.account},
                                      {"workflow", run.workflow},
                                      {"run", run.id},
                                      {"crawler", TextOf(action, "CrawlerName")},
                                      {"state", state}});
}

void WorkflowRuns::StartAction(Run& run, Json& action) {
  const auto started = crawls_.start(run.account, TextOf(action, "CrawlerName"));
  if (!started) EndAction(run, action, "FAILED", started.error().message);
}

// The trigger's crawls are in the store before they are started.
Result<void> WorkflowRuns::Fire(Run& run, const std::string& name, const Json& trigger) {
  run.json["Fired"].push_back(name);
  const size_t first = run.json["Actions"].size();
  for (const Json& action : ListOf(trigger, "Actions")) {
    run.json["Actions"].push_back({{"Trigger", name},
                                   {"CrawlerName", TextOf(action, "CrawlerName")},
                                   {"State", "RUNNING"},
                                   {"StartedOn", Seconds()}});
  }
  SKEP_TRY(Keep(run));
  for (size_t i = first; i < run.json["Actions"].size(); i++)
    StartAction(run, run.json["Actions"][i]);
  return {};
}

Result<void> WorkflowRuns::GoOn(Run& run) {
  SKEP_TRY_ASSIGN(const auto triggers, store_.Glue().ListObjects(run.account, kTrigger, ""));
  for (bool fired = true; fired && TextOf(run.json, "Status") == "RUNNING";) {
    fired = false;
    for (const auto& object : triggers) {
      const Json trigger = ObjectOf(object.json);
      const Json& before = ListOf(run.json, "Fired");
      if (TextOf(trigger, "WorkflowName") != run.workflow ||
          TextOf(trigger, "Type") != "CONDITIONAL" || TextOf(trigger, "State") != "ACTIVATED" ||
          std::ranges::find(before, Json(object.name)) != before.end() ||
          !IsMet(trigger.value("Predicate", Json::object()), run.json))
        continue;
      SKEP_TRY(Fire(run, object.name, trigger));
      fired = true;  // what cannot be started has failed, which others may wait for
    }
  }
  const Json& actions = ListOf(run.json, "Actions");
  const bool ended = std::ranges::all_of(
      actions, [](const Json& action) { return HasEnded(TextOf(action, "State")); });
  if (ended) {
    run.json["Status"] = TextOf(run.json, "Status") == "STOPPING" ? "STOPPED" : "COMPLETED";
    run.json["CompletedOn"] = Seconds();
    log::Info("workflow_run_ended", {{"account", run.account},
                                     {"workflow", run.workflow},
                                     {"run", run.id},
                                     {"status", TextOf(run.json, "Status")}});
  }
  return Keep(run);
}

Result<std::string> WorkflowRuns::Start(const std::string& account, const std::string& workflow,
                                        const std::string& trigger, const std::string& properties) {
  const std::lock_guard lock(mutex_);
  SKEP_TRY_ASSIGN(const auto found, store_.Glue().GetObject(account, kWorkflow, "", workflow));
  if (!found)
    return Fail(ErrorKind::kUndefinedObject, fmt::format("Workflow {} not found.", workflow));
  const Json definition = ObjectOf(found->json);
  const auto active = std::ranges::count_if(
      active_, [&](const auto& run) { return run[0] == account && run[1] == workflow; });
  const auto most = definition.find("MaxConcurrentRuns");
  if (most != definition.end() && most->is_number_integer() && active >= most->get<int64_t>())
    return Fail(ErrorKind::kTooManyConnections,
                fmt::format("Concurrent runs exceeded for workflow {}.", workflow));

  SKEP_TRY_ASSIGN(const auto triggers, store_.Glue().ListObjects(account, kTrigger, ""));
  const auto starting = std::ranges::find_if(triggers, [&](const auto& object) {
    const Json json = ObjectOf(object.json);
    return TextOf(json, "WorkflowName") == workflow && TextOf(json, "Type") != "CONDITIONAL" &&
           (trigger.empty() || object.name == trigger);
  });
  if (starting == triggers.end())
    return Fail(ErrorKind::kInvalidArgument,
                fmt::format("Workflow {} has no starting trigger.", workflow));
  Run run{account, workflow, NewId(), {}};
  Json own = definition.value("DefaultRunProperties", Json::object());
  own.update(ObjectOf(properties));
  run.json = {{"Name", workflow},       {"WorkflowRunId", run.id}, {"WorkflowRunProperties", own},
              {"StartedOn", Seconds()}, {"Status", "RUNNING"},     {"Actions", Json::array()},
              {"Fired", Json::array()}};
  SKEP_TRY(Fire(run, starting->name, ObjectOf(starting->json)));
  log::Info("workflow_run_started",
            {{"account", account}, {"workflow", workflow}, {"run", run.id}});
  SKEP_TRY(GoOn(run));
  SKEP_TRY(store_.Glue().TrimObjects(account, kRun, workflow, kKeptRuns));
  return run.id;
}

Result<void> WorkflowRuns::Stop(const std::string& account, const std::string& workflow,
                                const std::string& id) {
  const std::lock_guard lock(mutex_);
  SKEP_TRY_ASSIGN(auto run, Find(account, workflow, id));
  if (!run) return Fail(ErrorKind::kUndefinedObject, fmt::format("Workflow run {} not found.", id));
  if (TextOf(run->json, "Status") != "RUNNING")
    return Fail(ErrorKind::kConflict, fmt::format("Workflow run {} is not running.", id));
  run->json["Status"] = "STOPPING";
  SKEP_TRY(Keep(*run));
  for (const Json& action : ListOf(run->json, "Actions")) {
    if (HasEnded(TextOf(action, "State"))) continue;
    const std::string crawler = TextOf(action, "CrawlerName");
    const auto stopped = crawls_.stop(account, crawler);
    // One that has just ended tells so by itself.
    if (!stopped && stopped.error().kind != ErrorKind::kConflict)
      Report("workflow_crawl_not_stopped", account, crawler, stopped.error());
  }
  return GoOn(*run);
}

Result<void> WorkflowRuns::PutProperties(const std::string& account, const std::string& workflow,
                                         const std::string& id, const std::string& properties) {
  const std::lock_guard lock(mutex_);
  SKEP_TRY_ASSIGN(auto run, Find(account, workflow, id));
  if (!run) return Fail(ErrorKind::kUndefinedObject, fmt::format("Workflow run {} not found.", id));
  run->json["WorkflowRunProperties"].update(ObjectOf(properties));
  return Keep(*run);
}

void WorkflowRuns::CrawlEnded(const std::string& account, const std::string& crawler) {
  const std::lock_guard lock(mutex_);
  if (suspended_) return;
  std::vector<Run> runs;
  for (auto it = active_.begin(); it != active_.end();) {
    auto run = Find((*it)[0], (*it)[1], (*it)[2]);
    if (run && !*run) {  // its workflow was deleted
      it = active_.erase(it);
      continue;
    }
    if (run && (*run)->account == account) runs.push_back(std::move(**run));
    ++it;
  }
  std::string state = "FAILED", message = "the crawler is gone";
  if (const auto found = store_.GetCrawler(account, crawler); found && *found) {
    const Json last = ObjectOf((*found)->json).value("LastCrawl", Json::object());
    state = TextOf(last, "Status");
    message = TextOf(last, "ErrorMessage");
  }
  for (Run& run : runs) {
    bool waited = false;
    for (Json& action : run.json["Actions"]) {
      if (TextOf(action, "CrawlerName") != crawler || HasEnded(TextOf(action, "State"))) continue;
      EndAction(run, action, state, message);
      waited = true;
    }
    if (!waited) continue;
    if (const auto gone_on = GoOn(run); !gone_on)
      Report("workflow_run_failed", account, run.id, gone_on.error());
  }
}

void WorkflowRuns::Suspend() {
  const std::lock_guard lock(mutex_);
  suspended_ = true;
}

void WorkflowRuns::Recover() {
  const std::lock_guard lock(mutex_);
  const auto runs = store_.Glue().ListObjects("", kRun, std::nullopt);
  if (!runs) return Report("workflow_run_failed", "", "", runs.error());
  for (const auto& object : *runs) {
    Run run{object.catalog_id, object.parent, object.name, ObjectOf(object.json)};
    if (!IsActive(run.json)) continue;
    const bool stopping = TextOf(run.json, "Status") == "STOPPING";
    for (Json& action : run.json["Actions"]) {
      if (HasEnded(TextOf(action, "State"))) continue;
      if (stopping)
        EndAction(run, action, "CANCELLED", "");
      else
        StartAction(run, action);
    }
    log::Info("workflow_run_taken_up",
              {{"account", run.account}, {"workflow", run.workflow}, {"run", run.id}});
    if (const auto gone_on = GoOn(run); !gone_on)
      Report("workflow_run_failed", run.account, run.id, gone_on.error());
  }
}

}  // namespace skep::jobs
