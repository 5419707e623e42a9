#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "api/glue/operations.h"

namespace skep::glue {
namespace {

// Of the members of a run, those of the API's CrawlerHistory.
Json HistoryOf(const Json& run) {
  Json out = Json::object();
  for (const char* member : {"CrawlId", "State", "StartTime", "EndTime", "Summary", "ErrorMessage",
                             "LogGroup", "LogStream", "MessagePrefix", "DPUHour"}) {
    if (run.contains(member)) out[member] = run[member];
  }
  return out;
}

template <class T>
bool Holds(const T& left, const std::string& op, const T& right) {
  if (op == "GT") return left > right;
  if (op == "GE") return left >= right;
  if (op == "LT") return left < right;
  if (op == "LE") return left <= right;
  if (op == "NE") return left != right;
  return left == right;
}

// Times are milliseconds since the epoch in filters. Failure: a value that is no number.
Answer<bool> Passes(const Json& run, const Json& filter) {
  const std::string field = Text(filter, "FieldName"), op = Text(filter, "FilterOperator"),
                    value = Text(filter, "FieldValue");
  if (field == "CRAWL_ID") return Holds(Text(run, "CrawlId"), op, value);
  if (field == "STATE") return Holds(Text(run, "State"), op, value);
  double wanted = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), wanted);
  if (read.ec != std::errc{} || read.ptr != value.data() + value.size())
    return InvalidInput(fmt::format("FieldValue {} of {} is not a number.", value, field));
  const char* const member = field == "START_TIME" ? "StartTime"
                             : field == "END_TIME" ? "EndTime"
                                                   : "DPUHour";
  if (!run.contains(member) || !run[member].is_number()) return false;
  const double scale = field == "DPU_HOUR" ? 1 : 1000;
  return Holds(run[member].get<double>() * scale, op, wanted);
}

Answer<Json> ListCrawls(const CallState& call) {
  auto crawler = call.FindCrawler("CrawlerName");
  if (!crawler) return std::unexpected(crawler.error());
  auto runs = CrawlsOf(call, *crawler);
  if (!runs) return std::unexpected(runs.error());
  std::vector<Json> chosen;
  for (Json& run : *runs) {
    bool passes = true;
    for (const Json& filter : call.request.value("Filters", Json::array())) {
      const auto one = Passes(run, filter);
      if (!one) return std::unexpected(one.error());
      passes = passes && *one;
    }
    if (passes) chosen.push_back(std::move(run));
  }
  Json out = {{"Crawls", Json::array()}};
  // Newest first: keys that grow as runs get older.
  auto page = Page(std::move(chosen), call.request, 20, out, [](const Json& run) {
    return Json::array({-run.value("StartTime", 0.0), Text(run, "CrawlId")});
  });
  if (!page) return std::unexpected(page.error());
  for (const Json& run : *page) out["Crawls"].push_back(HistoryOf(run));
  return out;
}

Json MetricsOf(const control::Crawler& crawler, const std::vector<Json>& runs) {
  std::vector<double> seconds;
  std::array<int64_t, 3> tables{};
  constexpr std::array kTables = {"TablesCreated", "TablesUpdated", "TablesDeleted"};
  for (const Json& run : runs) {
    if (run.contains("EndTime") && run.contains("StartTime"))
      seconds.push_back(run.value("EndTime", 0.0) - run.value("StartTime", 0.0));
    for (size_t i = 0; i < tables.size(); i++) tables[i] += run.value(kTables[i], int64_t{0});
  }
  Json out = {{"CrawlerName", crawler.name},
              {"TimeLeftSeconds", 0.0},
              {"StillEstimating", crawler.state == "RUNNING"},
              {"LastRuntimeSeconds", seconds.empty() ? 0.0 : seconds.front()}};
  std::ranges::sort(seconds);
  out["MedianRuntimeSeconds"] = seconds.empty() ? 0.0 : seconds[seconds.size() / 2];
  for (size_t i = 0; i < tables.size(); i++) out[kTables[i]] = tables[i];
  return out;
}

Answer<Json> GetCrawlerMetrics(const CallState& call) {
  auto crawlers = call.store.ListCrawlers(call.context.caller.account);
  if (!crawlers) return Translated(crawlers.error());
  const auto wanted = Texts(call.request, "CrawlerNameList");
  if (!wanted.empty()) {
    std::erase_if(*crawlers, [&](const auto& crawler) {
      return std::ranges::find(wanted, crawler.name) == wanted.end();
    });
  }
  Json out = {{"CrawlerMetricsList", Json::array()}};
  auto page = Page(std::move(*crawlers), call.request, kDefaultPage, out,
                   [](const auto& c) { return Json(c.name); });
  if (!page) return std::unexpected(page.error());
  for (const auto& crawler : *page) {
    const auto runs = CrawlsOf(call, crawler);
    if (!runs) return std::unexpected(runs.error());
    out["CrawlerMetricsList"].push_back(MetricsOf(crawler, *runs));
  }
  return out;
}

// Not of AWS: why a crawl decided as it did. Without CrawlId the last one, with TableName the last
// that knows the table and only what it says of it.
Answer<Json> ExplainCrawl(const CallState& call) {
  auto crawler = call.FindCrawler("CrawlerName");
  if (!crawler) return std::unexpected(crawler.error());
  const std::string id = Text(call.request, "CrawlId"), table = Text(call.request, "TableName");
  auto found = call.Glue().ListObjects(crawler->account, "crawl_evidence", crawler->name);
  if (!found) return Translated(found.error());
  for (auto object = found->rbegin(); object != found->rend(); ++object) {
    if (!id.empty() && !object->name.ends_with("-" + id)) continue;
    Json evidence = Stored(object->json);
    if (!table.empty()) {
      for (const char* member : {"Tables", "Changes"}) {
        Json chosen = Json::array();
        for (Json& one : evidence[member]) {
          if (Text(one, "Table") == table) chosen.push_back(std::move(one));
        }
        evidence[member] = std::move(chosen);
      }
      if (evidence["Tables"].empty() && evidence["Changes"].empty()) continue;
    }
    const size_t dash = object->name.find('-');
    return Json{{"CrawlId", object->name.substr(dash + 1)}, {"Evidence", std::move(evidence)}};
  }
  return NotFound(
      fmt::format("There is no evidence of such a crawl of crawler {}.", crawler->name));
}

constexpr auto kOperations = std::to_array<Operation>({
    {"ListCrawls", ListCrawls},
    {"ExplainCrawl", ExplainCrawl},
    {"GetCrawlerMetrics", GetCrawlerMetrics},
});

}  // namespace

Answer<std::vector<Json>> CrawlsOf(const CallState& call, const control::Crawler& crawler) {
  const auto found = call.Glue().ListObjects(crawler.account, "crawl", crawler.name);
  if (!found) return Translated(found.error());
  std::vector<Json> runs;
  for (const auto& object : *found) {
    Json run = Stored(object.json);
    // The gateway went down during it.
    if (Text(run, "State") == "RUNNING" && crawler.state == "READY") {
      run["State"] = "FAILED";
      run["ErrorMessage"] = "The crawl was interrupted.";
    }
    runs.push_back(std::move(run));
  }
  std::ranges::reverse(runs);
  return runs;
}

std::span<const Operation> CrawlHistoryOperations() { return kOperations; }

}  // namespace skep::glue
