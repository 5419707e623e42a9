#include "api/access/access_service.h"

#include <utility>

#include "api/access/explain_access.h"

namespace skep::access {
namespace asio = boost::asio;

namespace {

constexpr size_t kMaxRows = 10'000;
constexpr size_t kMaxSql = 100 * 1024;

// Reads DataRow messages of three text columns.
class SchemaRows final : public session::RowSink {
 public:
  asio::awaitable<Result<void>> Write(std::string_view messages) override {
    co_return Read(messages);
  }
  std::vector<SchemaRow> rows;

 private:
  Result<void> Read(std::string_view messages) {
    const auto malformed = [] { return Fail(ErrorKind::kInternal, "malformed rows"); };
    while (!messages.empty()) {
      if (messages.size() < 5) return malformed();
      const size_t length = Number(messages.substr(1, 4));
      if (length < 4 || length + 1 > messages.size()) return malformed();
      const std::string_view body = messages.substr(5, length - 4);
      if (messages[0] == 'D' && !Row(body)) return malformed();
      messages.remove_prefix(length + 1);
    }
    return {};
  }

  static size_t Number(std::string_view bytes) {
    size_t number = 0;
    for (const char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
    return number;
  }

  bool Row(std::string_view body) {
    if (body.size() < 2 || Number(body.substr(0, 2)) != 3 || rows.size() >= kMaxRows) return false;
    body.remove_prefix(2);
    SchemaRow row;
    for (std::string* field : {&row.name, &row.database, &row.options}) {
      if (body.size() < 4) return false;
      const size_t length = Number(body.substr(0, 4));
      body.remove_prefix(4);
      if (length == 0xffffffff) continue;
      if (length > body.size()) return false;
      *field = body.substr(0, length);
      body.remove_prefix(length);
    }
    rows.push_back(std::move(row));
    return true;
  }
};

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
  SchemaRows rows;
  const auto outcome = co_await session->Execute(std::move(ask), rows);
  co_await session->Close();
  if (!outcome) co_return std::unexpected(api::Failure::Of(outcome.error()));
  question.schemas = std::move(rows.rows);

  auto explain = [&roles = roles_, &store = store_, question = std::move(question)] {
    return ExplainAccess(question, roles, store);
  };
  const auto report = co_await blocking_.Run(std::move(explain));
  if (!report) co_return std::unexpected(api::Failure::Of(report.error()));
  co_return report->dump(-1, ' ', false, api::Json::error_handler_t::replace);
}

}  // namespace skep::access
