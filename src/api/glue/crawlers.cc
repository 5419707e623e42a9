#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/glue/operations.h"
#include "base/cron.h"

namespace skep::glue {
namespace {

Json CrawlerOf(const control::Crawler& crawler) {
  Json json = Stored(crawler.json);
  json["Name"] = crawler.name;
  json["State"] = crawler.state;
  return json;
}

// As the request or the stored crawler gives it.
std::string ScheduleText(const Json& json) {
  const auto found = json.find("Schedule");
  if (found == json.end()) return {};
  return found->is_object() ? Text(*found, "ScheduleExpression") : Text(json, "Schedule");
}

Answer<void> CheckCrawler(const CallState& call, const Json& json) {
  const Json targets = json.value("Targets", Json::object());
  for (const auto& [kind, list] : targets.items()) {
    if (kind != "S3Targets" && !(list.is_array() && list.empty()))
      return InvalidInput(fmt::format("{} are not offered here; only S3Targets are.", kind));
  }
  const Json s3 = targets.value("S3Targets", Json::array());
  if (s3.empty()) return InvalidInput("Crawler must have at least one target.");
  for (const Json& target : s3) {
    const std::string path = Text(target, "Path");
    if (!path.starts_with("s3://") || path.size() == 5 || path[5] == '/')
      return InvalidInput(fmt::format("The following S3 path is not valid: {}", path));
  }
  if (Text(json, "DatabaseName").empty())
    return InvalidInput("A crawler with S3 targets must have a DatabaseName.");
  for (const std::string& name : Texts(json, "Classifiers")) {
    const auto known = call.Glue().GetObject(call.context.caller.account, "classifier", "", name);
    if (!known) return Translated(known.error());
    if (!*known) return NotFound(fmt::format("Classifier {} not found.", name));
  }
  if (auto checked = CheckSchedule(ScheduleText(json)); !checked) return checked;
  if (const std::string text = Text(json, "Configuration");
      !text.empty() && !Json::parse(text, nullptr, false).is_object()) {
    return InvalidInput("Configuration is no JSON object.");
  }
  return {};
}

// The request's expression becomes the crawler's structure.
void PutSchedule(Json& json) {
  if (!json.contains("Schedule")) return;
  const std::string expression = Text(json, "Schedule");
  if (expression.empty()) {
    json.erase("Schedule");
  } else {
    json["Schedule"] = {{"ScheduleExpression", expression}, {"State", "SCHEDULED"}};
  }
}

// A crawler of new folders only changes nothing that is there.
void ForceLog(Json& json) {
  const Json recrawl = json.value("RecrawlPolicy", Json::object());
  if (Text(recrawl, "RecrawlBehavior") == "CRAWL_NEW_FOLDERS_ONLY")
    json["SchemaChangePolicy"] = {{"UpdateBehavior", "LOG"}, {"DeleteBehavior", "LOG"}};
}

Answer<Json> CreateCrawler(const CallState& call) {
  if (auto checked = CheckTags(call.request); !checked) return std::unexpected(checked.error());
  if (auto checked = CheckCrawler(call, call.request); !checked)
    return std::unexpected(checked.error());
  Json json = call.request;
  json.erase("Tags");
  const Json defaults = {
      {"Classifiers", Json::array()},
      {"SchemaChangePolicy", Json::object()},
      {"RecrawlPolicy", {{"RecrawlBehavior", "CRAWL_EVERYTHING"}}},
      {"LineageConfiguration", {{"CrawlerLineageSettings", "DISABLE"}}},
      {"LakeFormationConfiguration", {{"UseLakeFormationCredentials", false}, {"AccountId", ""}}}};
  for (const auto& [name, value] : defaults.items()) {
    if (!json.contains(name)) json[name] = value;
  }
  Json& policy = json["SchemaChangePolicy"];
  if (!policy.contains("UpdateBehavior")) policy["UpdateBehavior"] = "UPDATE_IN_DATABASE";
  if (!policy.contains("DeleteBehavior")) policy["DeleteBehavior"] = "DEPRECATE_IN_DATABASE";
  ForceLog(json);
  PutSchedule(json);
  json["CrawlElapsedTime"] = 0;
  json["CreationTime"] = call.now;
  json["LastUpdated"] = call.now;
  json["Version"] = 1;
  const control::Crawler crawler{call.context.caller.account, Text(call.request, "Name"), "READY",
                                 Dump(json)};
  const auto made = call.store.CreateCrawler(crawler);
  if (!made && made.error().kind == ErrorKind::kDuplicateObject)
    return Exists(fmt::format("Crawler {} already exists.", crawler.name));
  if (!made) return Translated(made.error());
  if (auto kept = KeepTags(call, call.Arn("crawler/" + crawler.name)); !kept)
    return std::unexpected(kept.error());
  return Json::object();
}

Answer<Json> GetCrawler(const CallState& call) {
  auto crawler = call.FindCrawler();
  if (!crawler) return std::unexpected(crawler.error());
  return Json{{"Crawler", CrawlerOf(*crawler)}};
}

Answer<std::vector<control::Crawler>> CrawlerPage(const CallState& call, Json& out) {
  auto found = call.store.ListCrawlers(call.context.caller.account);
  if (!found) return Translated(found.error());
  return Page(std::move(*found), call.request, kDefaultPage, out,
              [](const auto& c) { return Json(c.name); });
}

Answer<Json> GetCrawlers(const CallState& call) {
  Json out = {{"Crawlers", Json::array()}};
  auto page = CrawlerPage(call, out);
  if (!page) return std::unexpected(page.error());
  for (const auto& crawler : *page) out["Crawlers"].push_back(CrawlerOf(crawler));
  return out;
}

Answer<Json> ListCrawlers(const CallState& call) {
  Json out = {{"CrawlerNames", Json::array()}};
  auto page = CrawlerPage(call, out);
  if (!page) return std::unexpected(page.error());
  const Json wanted = call.request.value("Tags", Json::object());
  for (const auto& crawler : *page) {
    if (HasTags(call, call.Arn("crawler/" + crawler.name), wanted))
      out["CrawlerNames"].push_back(crawler.name);
  }
  return out;
}

Answer<Json> BatchGetCrawlers(const CallState& call) {
  Json out = {{"Crawlers", Json::array()}, {"CrawlersNotFound", Json::array()}};
  for (const std::string& name : Texts(call.request, "CrawlerNames")) {
    const auto found = call.store.GetCrawler(call.context.caller.account, name);
    if (!found) return Translated(found.error());
    if (*found) {
      out["Crawlers"].push_back(CrawlerOf(**found));
    } else {
      out["CrawlersNotFound"].push_back(name);
    }
  }
  return out;
}

Answer<Json> UpdateCrawler(const CallState& call) {
  auto crawler = call.FindCrawler();
  if (!crawler) return std::unexpected(crawler.error());
  if (crawler->state != "READY")
    return Refuse("CrawlerRunningException",
                  fmt::format("Crawler with name {} is currently running", crawler->name));
  Json json = Stored(crawler->json);
  Json changes = call.request;
  PutSchedule(changes);
  json.update(changes);
  if (call.request.contains("Schedule") && !changes.contains("Schedule")) json.erase("Schedule");
  if (auto checked = CheckCrawler(call, json); !checked) return std::unexpected(checked.error());
  ForceLog(json);
  json["LastUpdated"] = call.now;
  json["Version"] = json.value("Version", int64_t{1}) + 1;
  crawler->json = Dump(json);
  const auto updated = call.store.UpdateCrawler(*crawler);
  if (!updated) return Translated(updated.error());
  if (!*updated) return NotFound(fmt::format("Crawler {} not found.", crawler->name));
  return Json::object();
}

Answer<Json> DeleteCrawler(const CallState& call) {
  auto crawler = call.FindCrawler();
  if (!crawler) return std::unexpected(crawler.error());
  if (crawler->state != "READY")
    return Refuse("CrawlerRunningException",
                  fmt::format("Crawler with name {} is currently running", crawler->name));
  const auto deleted = call.store.DeleteCrawler(crawler->account, crawler->name);
  if (!deleted) return Translated(deleted.error());
  DropTags(call, call.Arn("crawler/" + crawler->name));
  for (const char* kind : {"crawl", "crawl_evidence"}) {
    const auto trimmed = call.Glue().TrimObjects(crawler->account, kind, crawler->name, 0);
    if (!trimmed) return Translated(trimmed.error());
  }
  return Json::object();
}

Answer<Json> StartCrawler(const CallState& call) {
  auto crawler = call.FindCrawler();
  if (!crawler) return std::unexpected(crawler.error());
  if (auto started = Start(call, *crawler); !started) return std::unexpected(started.error());
  return Json::object();
}

Answer<Json> StopCrawler(const CallState& call) {
  auto crawler = call.FindCrawler();
  if (!crawler) return std::unexpected(crawler.error());
  const auto stopped = call.crawls.Stop(crawler->account, crawler->name);
  if (stopped) return Json::object();
  if (stopped.error().kind == ErrorKind::kConflict) {
    return Refuse(
        crawler->state == "STOPPING" ? "CrawlerStoppingException" : "CrawlerNotRunningException",
        stopped.error().message);
  }
  return Translated(stopped.error());
}

// Changes a crawler's Schedule structure.
Answer<Json> Reschedule(const CallState& call, control::Crawler& crawler, Json schedule) {
  Json json = Stored(crawler.json);
  json["Schedule"] = std::move(schedule);
  json["LastUpdated"] = call.now;
  crawler.json = Dump(json);
  const auto updated = call.store.UpdateCrawler(crawler);
  if (!updated) return Translated(updated.error());
  if (!*updated) return NotFound(fmt::format("Crawler {} not found.", crawler.name));
  return Json::object();
}

Answer<Json> UpdateCrawlerSchedule(const CallState& call) {
  auto crawler = call.FindCrawler("CrawlerName");
  if (!crawler) return std::unexpected(crawler.error());
  const std::string expression = Text(call.request, "Schedule");
  if (expression.empty()) return InvalidInput("A schedule expression must be given.");
  if (auto checked = CheckSchedule(expression); !checked) return std::unexpected(checked.error());
  const Json old = Stored(crawler->json).value("Schedule", Json::object());
  const std::string state = Text(old, "State");
  return Reschedule(call, *crawler,
                    {{"ScheduleExpression", expression},
                     {"State", state.empty() ? std::string("SCHEDULED") : state}});
}

Answer<Json> StartCrawlerSchedule(const CallState& call) {
  auto crawler = call.FindCrawler("CrawlerName");
  if (!crawler) return std::unexpected(crawler.error());
  Json schedule = Stored(crawler->json).value("Schedule", Json::object());
  if (Text(schedule, "ScheduleExpression").empty())
    return Refuse("NoScheduleException", fmt::format("Crawler {} has no schedule.", crawler->name));
  if (Text(schedule, "State") == "SCHEDULED")
    return Refuse("SchedulerRunningException",
                  fmt::format("The schedule of crawler {} is running.", crawler->name));
  schedule["State"] = "SCHEDULED";
  return Reschedule(call, *crawler, std::move(schedule));
}

Answer<Json> StopCrawlerSchedule(const CallState& call) {
  auto crawler = call.FindCrawler("CrawlerName");
  if (!crawler) return std::unexpected(crawler.error());
  Json schedule = Stored(crawler->json).value("Schedule", Json::object());
  if (Text(schedule, "State") != "SCHEDULED")
    return Refuse("SchedulerNotRunningException",
                  fmt::format("The schedule of crawler {} is not running.", crawler->name));
  schedule["State"] = "NOT_SCHEDULED";
  return Reschedule(call, *crawler, std::move(schedule));
}

constexpr auto kOperations = std::to_array<Operation>({
    {"CreateCrawler", CreateCrawler, true},
    {"GetCrawler", GetCrawler},
    {"GetCrawlers", GetCrawlers},
    {"ListCrawlers", ListCrawlers},
    {"BatchGetCrawlers", BatchGetCrawlers},
    {"UpdateCrawler", UpdateCrawler, true},
    {"DeleteCrawler", DeleteCrawler, true},
    {"StartCrawler", StartCrawler, true},
    {"StopCrawler", StopCrawler, true},
    {"UpdateCrawlerSchedule", UpdateCrawlerSchedule, true},
    {"StartCrawlerSchedule", StartCrawlerSchedule, true},
    {"StopCrawlerSchedule", StopCrawlerSchedule, true},
});

}  // namespace

Answer<void> CheckSchedule(const std::string& expression) {
  if (expression.empty()) return {};
  const auto read = CronSchedule::Parse(expression);
  if (!read) return InvalidInput(read.error().message);
  return {};
}

Answer<void> Start(const CallState& call, const control::Crawler& crawler) {
  const auto started = call.crawls.Start(crawler.account, crawler.name);
  if (started) return {};
  if (started.error().kind == ErrorKind::kConflict)
    return Refuse("CrawlerRunningException", started.error().message);
  return Translated(started.error());
}

std::span<const Operation> CrawlerOperations() { return kOperations; }

}  // namespace skep::glue
