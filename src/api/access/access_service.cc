#include "api/access/access_service.h"

#include <utility>

#include "api/access/explain_access.h"
#include "session/text_rows.h"

namespace skep::access {
namespace asio = boost::asio;

namespace {

constexpr size_t kMaxRows = 10'000;
constexpr size_t kMaxSql = 100 * 1024;
const Error kMalformed{ErrorKind::kInternal, "malformed rows", {}, {}, 0};

std::string TextOf(const api::Json& request, const char* name) {
  const auto found = request.find(name);
  return found != request.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::unexpected<api::Failure> FailureOf(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kUndefinedObject:
      return api::Refuse("EntityNotFoundException", error.message);
    case ErrorKind::kThrottled:
      return api::Refuse("ThrottlingException", error.message);
    case ErrorKind::kIoError:
    case ErrorKind::kInternal:
      return std::unexpected(api::Failure::Of(error));
    default:
      return api::Refuse("CrawlFailedException", error.detail.empty()
                                                     ? error.message
                                                     : error.message + " (" + error.detail + ")");
  }
}

std::string Dump(const api::Json& json) {
  return json.dump(-1, ' ', false, api::Json::error_handler_t::replace);
}

}  // namespace

api::Answer<std::string> AccessService::ExplainCrawl(const std::string& account,
                                                     const std::string& crawler,
                                                     const std::string& crawl) const {
  const auto found = store_.GetCrawler(account, crawler);
  if (!found) return FailureOf(found.error());
  if (!*found)
    return api::Refuse("EntityNotFoundException",
                       "Crawler entry with name " + crawler + " does not exist");
  const auto kept = store_.Glue().ListObjects(account, "crawl_evidence", crawler);
  if (!kept) return FailureOf(kept.error());
  // Names are times and ids: the last is the newest.
  for (auto object = kept->rbegin(); object != kept->rend(); ++object) {
    const size_t dash = object->name.find('-');
    const std::string id = dash == std::string::npos ? "" : object->name.substr(dash + 1);
    if (!crawl.empty() && crawl != id) continue;
    const api::Json evidence = api::Json::parse(object->json, nullptr, false);
    if (evidence.is_object()) return Dump({{"CrawlId", id}, {"Evidence", evidence}});
  }
  return api::Refuse("EntityNotFoundException", "There is no evidence of such a crawl.");
}

api::Answer<std::string> AccessService::DryRunCrawl(const std::string& account,
                                                    const std::string& crawler) {
  const auto evidence = crawls_.DryRun(account, crawler);
  if (!evidence) return FailureOf(evidence.error());
  return Dump({{"Evidence", api::Json::parse(*evidence, nullptr, false)}});
}

asio::awaitable<api::Answer<std::string>> AccessService::Call(api::Context context,
                                                              std::string operation,
                                                              api::Json request) {
  if (!context.caller.superuser)
    co_return api::Refuse("AccessDeniedException",
                          "Only superusers of the workspace may ask for access decisions.");
  if (operation != "ExplainAccess") {
    const std::string crawler = TextOf(request, "Crawler");
    if (crawler.empty()) co_return api::Refuse("ValidationException", "Crawler is needed.");
    auto ask = [this, operation, account = context.caller.account, crawler,
                crawl = TextOf(request, "CrawlId")] {
      return operation == "ExplainCrawl" ? ExplainCrawl(account, crawler, crawl)
                                         : DryRunCrawl(account, crawler);
    };
    co_return co_await blocking_.Run(std::move(ask));
  }
  AccessQuestion question;
  question.workspace = context.caller.workspace;
  question.user = TextOf(request, "User");
  question.sql = TextOf(request, "Sql");
  question.database = TextOf(request, "Database");
  if (question.user.empty() || question.sql.empty() || question.sql.size() > kMaxSql)
    co_return api::Refuse("ValidationException",
                          "User and Sql are needed; Sql has at most 100 KB.");
  auto find = [&store = store_, workspace = question.workspace] {
    return store.GetWorkspace(workspace);
  };
  const auto workspace = co_await blocking_.Run(std::move(find));
  if (!workspace) co_return std::unexpected(api::Failure::Of(workspace.error()));
  if (question.database.empty() && *workspace) question.database = (*workspace)->database;

  session::SessionOptions options;
  options.workspace = question.workspace;
  options.database = question.database;
  options.user = question.user;
  options.client = "access-api " + context.request_id;
  auto opened = co_await sessions_.Open(std::move(options));
  if (!opened) co_return std::unexpected(api::Failure::Of(opened.error()));
  const std::unique_ptr<session::Session> session = std::move(*opened);
  session::StatementRequest ask;
  ask.text = kSchemasQuery;
  session::TextRows rows(kMaxRows);
  const auto outcome = co_await session->Execute(std::move(ask), rows);
  co_await session->Close();
  if (!outcome) co_return std::unexpected(api::Failure::Of(outcome.error()));
  for (const auto& row : rows.rows) {
    if (row.size() != 3) co_return std::unexpected(api::Failure::Of(kMalformed));
    question.schemas.push_back({row[0], row[1], row[2]});
  }

  auto explain = [&roles = roles_, &store = store_, question = std::move(question)] {
    return ExplainAccess(question, roles, store);
  };
  const auto report = co_await blocking_.Run(std::move(explain));
  if (!report) co_return std::unexpected(api::Failure::Of(report.error()));
  co_return report->dump(-1, ' ', false, api::Json::error_handler_t::replace);
}

}  // namespace skep::access
