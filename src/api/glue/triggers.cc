#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/glue/operations.h"

namespace skep::glue {
namespace {

constexpr const char* kKind = "trigger";

Json TriggerOf(const control::GlueObject& object) {
  Json json = Stored(object.json);
  json["Name"] = object.name;
  return json;
}

Answer<control::GlueObject> Find(const CallState& call) {
  const std::string name = Text(call.request, "Name");
  auto found = call.Glue().GetObject(call.catalog, kKind, "", name);
  if (!found) return Translated(found.error());
  if (!*found) return NotFound(fmt::format("Trigger {} not found.", name));
  return std::move(**found);
}

// Only crawlers can be started; each must be there.
Answer<std::vector<control::Crawler>> CrawlersOf(const CallState& call, const Json& trigger) {
  std::vector<control::Crawler> crawlers;
  for (const Json& action : trigger.value("Actions", Json::array())) {
    if (action.contains("JobName"))
      return NotFound(fmt::format("Job {} not found.", Text(action, "JobName")));
    const std::string name = Text(action, "CrawlerName");
    if (name.empty()) return InvalidInput("An action must have a CrawlerName.");
    auto found = call.store.GetCrawler(call.context.caller.account, name);
    if (!found) return Translated(found.error());
    if (!*found) return NotFound(fmt::format("Crawler {} not found.", name));
    crawlers.push_back(std::move(**found));
  }
  if (crawlers.empty()) return InvalidInput("A trigger must have at least one action.");
  return crawlers;
}

// What a CONDITIONAL trigger waits for: ends of crawls within a run of its workflow.
Answer<void> CheckPredicate(const CallState& call, const Json& trigger) {
  const bool conditional = Text(trigger, "Type") == "CONDITIONAL";
  if (!conditional && trigger.contains("Predicate"))
    return InvalidInput("Only a trigger of type CONDITIONAL has a Predicate.");
  if (!conditional) return {};
  if (Text(trigger, "WorkflowName").empty())
    return InvalidInput("Triggers of type CONDITIONAL are offered within workflows only.");
  const Json predicate = trigger.value("Predicate", Json::object());
  const Json conditions = predicate.value("Conditions", Json::array());
  if (conditions.empty())
    return InvalidInput("A trigger of type CONDITIONAL must have a Predicate with Conditions.");
  constexpr std::array<std::string_view, 4> kEnds = {"SUCCEEDED", "FAILED", "CANCELLED", "ERROR"};
  for (const Json& condition : conditions) {
    if (condition.contains("JobName"))
      return NotFound(fmt::format("Job {} not found.", Text(condition, "JobName")));
    const std::string name = Text(condition, "CrawlerName"), state = Text(condition, "CrawlState");
    if (name.empty() || std::ranges::find(kEnds, state) == kEnds.end())
      return InvalidInput(
          "A condition must have a CrawlerName and the CrawlState of a crawl that has ended.");
    const auto crawler = call.store.GetCrawler(call.context.caller.account, name);
    if (!crawler) return Translated(crawler.error());
    if (!*crawler) return NotFound(fmt::format("Crawler {} not found.", name));
  }
  return {};
}

// A workflow has one trigger that starts it.
Answer<void> CheckWorkflow(const CallState& call, const Json& trigger, const std::string& name) {
  const std::string workflow = Text(trigger, "WorkflowName");
  if (workflow.empty()) return {};
  const auto found = call.Glue().GetObject(call.catalog, "workflow", "", workflow);
  if (!found) return Translated(found.error());
  if (!*found) return NotFound(fmt::format("Workflow {} not found.", workflow));
  if (Text(trigger, "Type") == "CONDITIONAL") return {};
  const auto others = call.Glue().ListObjects(call.catalog, kKind, "");
  if (!others) return Translated(others.error());
  for (const auto& other : *others) {
    const Json json = Stored(other.json);
    if (other.name != name && Text(json, "WorkflowName") == workflow &&
        Text(json, "Type") != "CONDITIONAL")
      return InvalidInput(
          fmt::format("Workflow {} already has the starting trigger {}.", workflow, other.name));
  }
  return {};
}

Answer<void> CheckTrigger(const CallState& call, const Json& trigger, const std::string& name) {
  const std::string type = Text(trigger, "Type"), schedule = Text(trigger, "Schedule");
  if (type == "EVENT")
    return InvalidInput(fmt::format("Triggers of type {} are not offered here.", type));
  if (auto checked = CheckPredicate(call, trigger); !checked) return checked;
  if (auto checked = CheckWorkflow(call, trigger, name); !checked) return checked;
  if (type == "CONDITIONAL" && !schedule.empty())
    return InvalidInput("A trigger of type CONDITIONAL has no Schedule.");
  if (type == "SCHEDULED" && schedule.empty())
    return InvalidInput("A trigger of type SCHEDULED must have a Schedule.");
  if (type == "ON_DEMAND" && !schedule.empty())
    return InvalidInput("A trigger of type ON_DEMAND has no Schedule.");
  if (auto checked = CheckSchedule(schedule); !checked) return checked;
  if (auto crawlers = CrawlersOf(call, trigger); !crawlers)
    return std::unexpected(crawlers.error());
  return {};
}

Answer<Json> Put(const CallState& call, const control::GlueObject& object) {
  if (const auto put = call.Glue().PutObject(object); !put) return Translated(put.error());
  return Json{{"Name", object.name}};
}

Answer<Json> CreateTrigger(const CallState& call) {
  if (auto checked = CheckTags(call.request); !checked) return std::unexpected(checked.error());
  if (auto checked = CheckTrigger(call, call.request, Text(call.request, "Name")); !checked)
    return std::unexpected(checked.error());
  Json json = call.request;
  const bool begin = json.value("StartOnCreation", false);
  if (begin && Text(json, "Type") == "ON_DEMAND")
    return InvalidInput("StartOnCreation is not for triggers of type ON_DEMAND.");
  json.erase("Tags");
  json.erase("StartOnCreation");
  json["State"] = begin ? "ACTIVATED" : "CREATED";
  const std::string name = Text(json, "Name");
  const auto made = call.Glue().CreateObject({call.catalog, kKind, "", name, Dump(json)});
  if (!made && made.error().kind == ErrorKind::kDuplicateObject)
    return Exists(fmt::format("Trigger {} already exists.", name));
  if (!made) return Translated(made.error());
  if (auto kept = KeepTags(call, call.Arn("trigger/" + name)); !kept)
    return std::unexpected(kept.error());
  return Json{{"Name", name}};
}

Answer<Json> GetTrigger(const CallState& call) {
  auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  return Json{{"Trigger", TriggerOf(*found)}};
}

// DependentJobName asks for triggers that start a job: there are no jobs.
Answer<std::vector<control::GlueObject>> TriggerPage(const CallState& call, Json& out) {
  auto found = call.Glue().ListObjects(call.catalog, kKind, "");
  if (!found) return Translated(found.error());
  if (call.request.contains("DependentJobName"))
    return NotFound(fmt::format("Job {} not found.", Text(call.request, "DependentJobName")));
  const Json tags = call.request.value("Tags", Json::object());
  std::erase_if(*found, [&](const auto& trigger) {
    return !HasTags(call, call.Arn("trigger/" + trigger.name), tags);
  });
  return Page(std::move(*found), call.request, kDefaultPage, out,
              [](const auto& t) { return Json(t.name); });
}

Answer<Json> GetTriggers(const CallState& call) {
  Json out = {{"Triggers", Json::array()}};
  const auto page = TriggerPage(call, out);
  if (!page) return std::unexpected(page.error());
  for (const auto& trigger : *page) out["Triggers"].push_back(TriggerOf(trigger));
  return out;
}

Answer<Json> ListTriggers(const CallState& call) {
  Json out = {{"TriggerNames", Json::array()}};
  const auto page = TriggerPage(call, out);
  if (!page) return std::unexpected(page.error());
  for (const auto& trigger : *page) out["TriggerNames"].push_back(trigger.name);
  return out;
}

Answer<Json> BatchGetTriggers(const CallState& call) {
  Json out = {{"Triggers", Json::array()}, {"TriggersNotFound", Json::array()}};
  for (const std::string& name : Texts(call.request, "TriggerNames")) {
    const auto found = call.Glue().GetObject(call.catalog, kKind, "", name);
    if (!found) return Translated(found.error());
    if (*found) {
      out["Triggers"].push_back(TriggerOf(**found));
    } else {
      out["TriggersNotFound"].push_back(name);
    }
  }
  return out;
}

Answer<Json> UpdateTrigger(const CallState& call) {
  auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  Json changes = call.request["TriggerUpdate"];
  if (const std::string name = Text(changes, "Name"); !name.empty() && name != found->name)
    return InvalidInput("A trigger cannot be renamed.");
  Json json = Stored(found->json);
  if (Text(json, "State") == "ACTIVATED")
    return InvalidInput(fmt::format("Trigger {} is activated; stop it first.", found->name));
  json.update(changes);
  if (auto checked = CheckTrigger(call, json, found->name); !checked)
    return std::unexpected(checked.error());
  found->json = Dump(json);
  if (auto put = Put(call, *found); !put) return put;
  return Json{{"Trigger", TriggerOf(*found)}};
}

// As in the service, a trigger that is not there was deleted.
Answer<Json> DeleteTrigger(const CallState& call) {
  const std::string name = Text(call.request, "Name");
  const auto deleted = call.Glue().DeleteObject(call.catalog, kKind, "", name);
  if (!deleted) return Translated(deleted.error());
  DropTags(call, call.Arn("trigger/" + name));
  return Json{{"Name", name}};
}

// ON_DEMAND: its crawlers start now, or a run of its workflow. The others may fire from now on.
Answer<Json> StartTrigger(const CallState& call) {
  auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  Json json = Stored(found->json);
  const auto crawlers = CrawlersOf(call, json);
  if (!crawlers) return std::unexpected(crawlers.error());
  const std::string workflow = Text(json, "WorkflowName");
  if (Text(json, "Type") == "ON_DEMAND" && !workflow.empty()) {
    auto run = StartRun(call, workflow, found->name, Json::object());
    if (!run) return std::unexpected(run.error());
    return Json{{"Name", found->name}};
  }
  if (Text(json, "Type") == "ON_DEMAND") {
    for (const auto& crawler : *crawlers) {
      auto started = Start(call, crawler);
      // One that runs already does what was asked for.
      if (!started && started.error().type != "CrawlerRunningException")
        return std::unexpected(started.error());
    }
    return Json{{"Name", found->name}};
  }
  json["State"] = "ACTIVATED";
  found->json = Dump(json);
  return Put(call, *found);
}

Answer<Json> StopTrigger(const CallState& call) {
  auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  Json json = Stored(found->json);
  if (Text(json, "Type") == "ON_DEMAND")
    return InvalidInput("A trigger of type ON_DEMAND cannot be stopped.");
  json["State"] = "DEACTIVATED";
  found->json = Dump(json);
  return Put(call, *found);
}

constexpr auto kOperations = std::to_array<Operation>({
    {"CreateTrigger", CreateTrigger, true},
    {"GetTrigger", GetTrigger},
    {"GetTriggers", GetTriggers},
    {"ListTriggers", ListTriggers},
    {"BatchGetTriggers", BatchGetTriggers},
    {"UpdateTrigger", UpdateTrigger, true},
    {"DeleteTrigger", DeleteTrigger, true},
    {"StartTrigger", StartTrigger, true},
    {"StopTrigger", StopTrigger, true},
});

}  // namespace

std::span<const Operation> TriggerOperations() { return kOperations; }

}  // namespace skep::glue
