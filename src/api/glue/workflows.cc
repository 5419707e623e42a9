#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "api/glue/operations.h"

namespace skep::glue {
namespace {

constexpr const char* kKind = "workflow";
constexpr const char* kRun = "workflow_run";
constexpr size_t kWorkflowPage = 25;

Answer<control::GlueObject> Find(const CallState& call) {
  const std::string name = Text(call.request, "Name");
  auto found = call.Glue().GetObject(call.catalog, kKind, "", name);
  if (!found) return Translated(found.error());
  if (!*found) return NotFound(fmt::format("Workflow {} not found.", name));
  return std::move(**found);
}

Answer<control::GlueObject> FindRun(const CallState& call) {
  const std::string id = Text(call.request, "RunId");
  auto found = call.Glue().GetObject(call.catalog, kRun, Text(call.request, "Name"), id);
  if (!found) return Translated(found.error());
  if (!*found) return NotFound(fmt::format("Workflow run {} not found.", id));
  return std::move(**found);
}

Answer<std::vector<control::GlueObject>> TriggersOf(const CallState& call,
                                                    const std::string& workflow) {
  auto found = call.Glue().ListObjects(call.catalog, "trigger", "");
  if (!found) return Translated(found.error());
  std::erase_if(*found, [&](const auto& trigger) {
    return Text(Stored(trigger.json), "WorkflowName") != workflow;
  });
  return std::move(*found);
}

// The triggers and crawlers of a workflow and what leads to what; `actions`: what a run has done
// with them.
class Graph {
 public:
  explicit Graph(const Json& actions) : actions_(actions) {}

  void Add(const control::GlueObject& trigger) {
    const Json json = Stored(trigger.json);
    Json shown = json;
    shown["Name"] = trigger.name;
    const std::string id = "trigger_" + trigger.name;
    nodes_.push_back({{"Type", "TRIGGER"},
                      {"Name", trigger.name},
                      {"UniqueId", id},
                      {"TriggerDetails", {{"Trigger", shown}}}});
    for (const Json& action : json.value("Actions", Json::array()))
      AddEdge(id, Crawler(Text(action, "CrawlerName")));
    const Json predicate = json.value("Predicate", Json::object());
    for (const Json& condition : predicate.value("Conditions", Json::array()))
      AddEdge(Crawler(Text(condition, "CrawlerName")), id);
  }
  Json Take() { return {{"Nodes", std::move(nodes_)}, {"Edges", std::move(edges_)}}; }

 private:
  std::string Crawler(const std::string& name) {
    const std::string id = "crawler_" + name;
    if (!crawlers_.insert(name).second) return id;
    Json crawls = Json::array();
    for (const Json& action : actions_) {
      if (Text(action, "CrawlerName") != name) continue;
      Json crawl = action;
      crawl.erase("CrawlerName");
      crawl.erase("Trigger");
      crawls.push_back(std::move(crawl));
    }
    Json node = {{"Type", "CRAWLER"}, {"Name", name}, {"UniqueId", id}};
    if (!crawls.empty()) node["CrawlerDetails"] = {{"Crawls", std::move(crawls)}};
    nodes_.push_back(std::move(node));
    return id;
  }
  void AddEdge(const std::string& from, const std::string& to) {
    if (seen_.emplace(from, to).second)
      edges_.push_back({{"SourceId", from}, {"DestinationId", to}});
  }

  const Json actions_;
  std::set<std::string> crawlers_;
  std::set<std::pair<std::string, std::string>> seen_;
  Json nodes_ = Json::array(), edges_ = Json::array();
};

Answer<Json> GraphOf(const CallState& call, const std::string& workflow, const Json& actions) {
  const auto triggers = TriggersOf(call, workflow);
  if (!triggers) return std::unexpected(triggers.error());
  Graph graph(actions);
  for (const auto& trigger : *triggers) graph.Add(trigger);
  return graph.Take();
}

bool WithGraph(const CallState& call) { return call.request.value("IncludeGraph", false); }

// The API's WorkflowRun.
Answer<Json> RunOf(const CallState& call, const control::GlueObject& object, bool with_graph) {
  Json json = Stored(object.json);
  const Json actions = json.value("Actions", Json::array());
  json.erase("Actions");
  json.erase("Fired");
  if (with_graph) {
    auto graph = GraphOf(call, object.parent, actions);
    if (!graph) return graph;
    json["Graph"] = std::move(*graph);
  }
  return json;
}

Answer<std::vector<control::GlueObject>> RunsOf(const CallState& call,
                                                const std::string& workflow) {
  auto runs = call.Glue().ListObjects(call.catalog, kRun, workflow);
  if (!runs) return Translated(runs.error());
  std::ranges::reverse(*runs);  // newest first
  return std::move(*runs);
}

// The API's Workflow.
Answer<Json> WorkflowOf(const CallState& call, const control::GlueObject& object) {
  Json json = Stored(object.json);
  json["Name"] = object.name;
  const auto runs = RunsOf(call, object.name);
  if (!runs) return std::unexpected(runs.error());
  if (!runs->empty()) {
    auto last = RunOf(call, runs->front(), false);
    if (!last) return last;
    json["LastRun"] = std::move(*last);
  }
  if (WithGraph(call)) {
    auto graph = GraphOf(call, object.name, Json::array());
    if (!graph) return graph;
    json["Graph"] = std::move(*graph);
  }
  return json;
}

Answer<Json> CreateWorkflow(const CallState& call) {
  if (auto checked = CheckTags(call.request); !checked) return std::unexpected(checked.error());
  Json json = call.request;
  json.erase("Tags");
  json.erase("Name");
  json["CreatedOn"] = json["LastModifiedOn"] = call.now;
  const std::string name = Text(call.request, "Name");
  const auto made = call.Glue().CreateObject({call.catalog, kKind, "", name, Dump(json)});
  if (!made && made.error().kind == ErrorKind::kDuplicateObject)
    return Exists(fmt::format("Workflow {} already exists.", name));
  if (!made) return Translated(made.error());
  if (auto kept = KeepTags(call, call.Arn("workflow/" + name)); !kept)
    return std::unexpected(kept.error());
  return Json{{"Name", name}};
}

Answer<Json> GetWorkflow(const CallState& call) {
  const auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  auto workflow = WorkflowOf(call, *found);
  if (!workflow) return workflow;
  return Json{{"Workflow", std::move(*workflow)}};
}

Answer<Json> BatchGetWorkflows(const CallState& call) {
  Json out = {{"Workflows", Json::array()}, {"MissingWorkflows", Json::array()}};
  for (const std::string& name : Texts(call.request, "Names")) {
    const auto found = call.Glue().GetObject(call.catalog, kKind, "", name);
    if (!found) return Translated(found.error());
    if (!*found) {
      out["MissingWorkflows"].push_back(name);
      continue;
    }
    auto workflow = WorkflowOf(call, **found);
    if (!workflow) return workflow;
    out["Workflows"].push_back(std::move(*workflow));
  }
  return out;
}

Answer<Json> ListWorkflows(const CallState& call) {
  auto found = call.Glue().ListObjects(call.catalog, kKind, "");
  if (!found) return Translated(found.error());
  Json out = {{"Workflows", Json::array()}};
  const auto page = Page(std::move(*found), call.request, kWorkflowPage, out,
                         [](const auto& workflow) { return Json(workflow.name); });
  if (!page) return std::unexpected(page.error());
  for (const auto& workflow : *page) out["Workflows"].push_back(workflow.name);
  return out;
}

Answer<Json> UpdateWorkflow(const CallState& call) {
  auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  Json json = Stored(found->json), changes = call.request;
  changes.erase("Name");
  json.update(changes);
  json["LastModifiedOn"] = call.now;
  found->json = Dump(json);
  if (const auto put = call.Glue().PutObject(*found); !put) return Translated(put.error());
  return Json{{"Name", found->name}};
}

// Its triggers and runs go with it, its crawlers stay. One that is not there was deleted.
Answer<Json> DeleteWorkflow(const CallState& call) {
  const std::string name = Text(call.request, "Name");
  const auto triggers = TriggersOf(call, name);
  if (!triggers) return std::unexpected(triggers.error());
  for (const auto& trigger : *triggers) {
    const auto deleted = call.Glue().DeleteObject(call.catalog, "trigger", "", trigger.name);
    if (!deleted) return Translated(deleted.error());
    DropTags(call, call.Arn("trigger/" + trigger.name));
  }
  const auto runs = RunsOf(call, name);
  if (!runs) return std::unexpected(runs.error());
  for (const auto& run : *runs) {
    const auto deleted = call.Glue().DeleteObject(call.catalog, kRun, name, run.name);
    if (!deleted) return Translated(deleted.error());
  }
  const auto deleted = call.Glue().DeleteObject(call.catalog, kKind, "", name);
  if (!deleted) return Translated(deleted.error());
  DropTags(call, call.Arn("workflow/" + name));
  return Json{{"Name", name}};
}

Answer<Json> StartWorkflowRun(const CallState& call) {
  auto started = StartRun(call, Text(call.request, "Name"), "",
                          call.request.value("RunProperties", Json::object()));
  if (!started) return std::unexpected(started.error());
  return Json{{"RunId", *started}};
}

Answer<Json> StopWorkflowRun(const CallState& call) {
  const auto stopped =
      call.crawls.StopRun(call.catalog, Text(call.request, "Name"), Text(call.request, "RunId"));
  if (stopped) return Json::object();
  if (stopped.error().kind == ErrorKind::kConflict)
    return Refuse("IllegalWorkflowStateException", stopped.error().message);
  if (stopped.error().kind == ErrorKind::kUndefinedObject) return NotFound(stopped.error().message);
  return Translated(stopped.error());
}

Answer<Json> GetWorkflowRun(const CallState& call) {
  const auto found = FindRun(call);
  if (!found) return std::unexpected(found.error());
  auto run = RunOf(call, *found, WithGraph(call));
  if (!run) return run;
  return Json{{"Run", std::move(*run)}};
}

// Newest first.
Answer<Json> GetWorkflowRuns(const CallState& call) {
  const auto workflow = Find(call);
  if (!workflow) return std::unexpected(workflow.error());
  auto runs = RunsOf(call, workflow->name);
  if (!runs) return std::unexpected(runs.error());
  auto token = ReadToken(call.request);
  if (!token) return std::unexpected(token.error());
  if (token->is_array())
    std::erase_if(*runs, [&](const auto& run) { return Json(run.name) >= (*token)[0]; });
  Json out = {{"Runs", Json::array()}};
  const size_t most = PageSize(call.request, kDefaultPage);
  for (const auto& run : *runs) {
    if (out["Runs"].size() == most) {
      out["NextToken"] = MakeToken(Json::array({out["Runs"].back()["WorkflowRunId"]}));
      break;
    }
    auto shown = RunOf(call, run, WithGraph(call));
    if (!shown) return shown;
    out["Runs"].push_back(std::move(*shown));
  }
  return out;
}

Answer<Json> GetWorkflowRunProperties(const CallState& call) {
  const auto found = FindRun(call);
  if (!found) return std::unexpected(found.error());
  return Json{
      {"RunProperties", Stored(found->json).value("WorkflowRunProperties", Json::object())}};
}

Answer<Json> PutWorkflowRunProperties(const CallState& call) {
  const auto put = call.crawls.PutRunProperties(call.catalog, Text(call.request, "Name"),
                                                Text(call.request, "RunId"),
                                                Dump(call.request["RunProperties"]));
  if (put) return Json::object();
  if (put.error().kind == ErrorKind::kUndefinedObject) return NotFound(put.error().message);
  return Translated(put.error());
}

constexpr auto kOperations = std::to_array<Operation>({
    {"CreateWorkflow", CreateWorkflow, true},
    {"GetWorkflow", GetWorkflow},
    {"BatchGetWorkflows", BatchGetWorkflows},
    {"ListWorkflows", ListWorkflows},
    {"UpdateWorkflow", UpdateWorkflow, true},
    {"DeleteWorkflow", DeleteWorkflow, true},
    {"StartWorkflowRun", StartWorkflowRun, true},
    {"StopWorkflowRun", StopWorkflowRun, true},
    {"GetWorkflowRun", GetWorkflowRun},
    {"GetWorkflowRuns", GetWorkflowRuns},
    {"GetWorkflowRunProperties", GetWorkflowRunProperties},
    {"PutWorkflowRunProperties", PutWorkflowRunProperties, true},
});

}  // namespace

Answer<std::string> StartRun(const CallState& call, const std::string& workflow,
                             const std::string& trigger, const Json& properties) {
  auto started = call.crawls.StartRun(call.catalog, workflow, trigger, Dump(properties));
  if (started) return std::move(*started);
  switch (started.error().kind) {
    case ErrorKind::kUndefinedObject:
      return NotFound(started.error().message);
    case ErrorKind::kInvalidArgument:
      return InvalidInput(started.error().message);
    case ErrorKind::kTooManyConnections:
      return Refuse("ConcurrentRunsExceededException", started.error().message);
    default:
      return Translated(started.error());
  }
}

std::span<const Operation> WorkflowOperations() { return kOperations; }

}  // namespace skep::glue
