// Runs of workflows: crawls that follow each other. A run begins with the workflow's starting
// trigger; whenever one of its crawls ends, the conditional triggers whose predicate is met start
// theirs, each once in a run; a run with nothing left to wait for is completed. Every step is in
// the control store before it is done, so a run goes on after the gateway has died: a crawl that
// was cut off is started again. Source: the Glue API's Workflows, Triggers.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>

#include "base/error.h"
#include "control/store.h"

namespace skep::jobs {

class WorkflowRuns {
 public:
  // How crawls are started and stopped (CrawlJobs).
  struct Crawls {
    std::function<Result<void>(const std::string& account, const std::string& crawler)> start, stop;
  };
  WorkflowRuns(control::Store& store, Crawls crawls, std::function<int64_t()> now_ms = {});
  WorkflowRuns(const WorkflowRuns&) = delete;
  WorkflowRuns& operator=(const WorkflowRuns&) = delete;

  // Begins a run and answers its id. `trigger`: the starting trigger that fires; empty: the
  // workflow's own, of which there is one at most. `properties`: a JSON object, added to the
  // workflow's own. Errors: kUndefinedObject (no such workflow), kInvalidArgument (nothing starts
  // it), kTooManyConnections (as many runs as it may have).
  Result<std::string> Start(const std::string& account, const std::string& workflow,
                            const std::string& trigger, const std::string& properties);
  // Asks the crawls of a run to stop; nothing follows them. Errors: kUndefinedObject, kConflict (it
  // does not run).
  Result<void> Stop(const std::string& account, const std::string& workflow,
                    const std::string& run);
  // Merges properties into those of a run. Errors: kUndefinedObject.
  Result<void> PutProperties(const std::string& account, const std::string& workflow,
                             const std::string& run, const std::string& properties);
  // A crawl has ended: what its crawler's LastCrawl says counts.
  void CrawlEnded(const std::string& account, const std::string& crawler);
  // Takes up the runs that an earlier gateway left behind; call once, before others.
  void Recover();
  // The gateway goes down: what crawls end by from now on changes no run.
  void Suspend();

  // The kinds of control::GlueObject: a workflow; a run, whose parent is its workflow and whose
  // name, its id, sorts by time. A run's JSON is the API's WorkflowRun with "Actions" (Trigger,
  // CrawlerName, State, StartedOn, CompletedOn, ErrorMessage) and "Fired" (names of triggers).
  static constexpr const char* kWorkflow = "workflow";
  static constexpr const char* kRun = "workflow_run";

 private:
  struct Run;
  std::string NewId() const;
  double Seconds() const;
  Result<std::optional<Run>> Find(const std::string& account, const std::string& workflow,
                                  const std::string& id);
  Result<void> Keep(Run& run);
  Result<void> Fire(Run& run, const std::string& name, const nlohmann::json& trigger);
  void StartAction(Run& run, nlohmann::json& action);
  void EndAction(const Run& run, nlohmann::json& action, const std::string& state,
                 const std::string& message) const;
  // Fires what is due and completes the run when nothing runs any more.
  Result<void> GoOn(Run& run);
  void Report(const char* event, const std::string& account, const std::string& name,
              const Error& error) const;

  control::Store& store_;
  const Crawls crawls_;
  const std::function<int64_t()> now_ms_;
  bool suspended_ = false;
  std::set<std::array<std::string, 3>> active_;  // account, workflow and id of runs that go on
  std::mutex mutex_;                             // one step of any run at a time
};

}  // namespace skep::jobs
