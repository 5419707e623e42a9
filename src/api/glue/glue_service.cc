#include "api/glue/glue_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "api/glue/operations.h"
#include "api/glue/resource_policy.h"
#include "api/glue/shapes.h"
#include "base/text.h"

namespace skep::glue {
namespace asio = boost::asio;

namespace {

const std::map<std::string_view, Operation>& Operations() {
  static const std::map<std::string_view, Operation> operations = [] {
    std::map<std::string_view, Operation> all;
    for (const auto group :
         {DatabaseOperations(), TableOperations(), TableVersionOperations(), SearchOperations(),
          PartitionOperations(), PartitionIndexOperations(), ColumnStatisticsOperations(),
          FunctionOperations(), ConnectionOperations(), ClassifierOperations(), CrawlerOperations(),
          CrawlHistoryOperations(), TriggerOperations(), WorkflowOperations(), TagOperations(),
          PolicyOperations(), CatalogOperations(), UnfilteredOperations()}) {
      for (const Operation& operation : group) all.emplace(operation.name, operation);
    }
    return all;
  }();
  return operations;
}

// What a request touches, as IAM names it: the catalog, the database and what is in it.
std::vector<std::string> ResourcesOf(const CallState& call, std::string_view operation) {
  std::vector<std::string> resources = {call.Arn("catalog")};
  const auto named = [&](const Json& holder, const char* member) {
    return Lower(Text(holder, member));
  };
  const auto input = [&](const char* structure) {
    return call.request.value(structure, Json::object());
  };
  std::string database = named(call.request, "DatabaseName");
  if (database.empty() && operation.ends_with("Database")) database = named(call.request, "Name");
  if (database.empty()) database = named(input("DatabaseInput"), "Name");
  if (!database.empty()) resources.push_back(call.Arn("database/" + database));
  if (operation.find("Connection") != std::string_view::npos) {
    for (const std::string& name :
         {Text(call.request, "Name"), Text(call.request, "ConnectionName"),
          Text(input("ConnectionInput"), "Name")}) {
      if (!name.empty()) resources.push_back(call.Arn("connection/" + name));
    }
    return resources;
  }
  if (database.empty() || operation.ends_with("Database")) return resources;
  std::vector<std::string> tables = Texts(call.request, "TablesToDelete");
  tables.push_back(Text(call.request, "TableName"));
  if (tables.back().empty()) tables.back() = Text(input("TableInput"), "Name");
  if (tables.back().empty()) tables.back() = Text(call.request, "Name");
  for (const std::string& table : tables) {
    if (!table.empty()) resources.push_back(call.Arn("table/" + database + "/" + Lower(table)));
  }
  for (const std::string& name :
       {Text(call.request, "FunctionName"), Text(input("FunctionInput"), "FunctionName")}) {
    if (!name.empty())
      resources.push_back(call.Arn("userDefinedFunction/" + database + "/" + name));
  }
  return resources;
}

std::string ActionOf(std::string_view operation) { return fmt::format("glue:{}", operation); }

// The resource policy of another account's catalog; the caller's own needs none. Failure:
// AccessDeniedException when it does not let the caller in.
Answer<std::string> CheckCatalog(const CallState& call, std::string_view operation) {
  const auto policy = call.Glue().GetObject(call.catalog, "resource_policy", "", "");
  if (!policy) return Translated(policy.error());
  const std::string text = *policy ? Text(Stored((*policy)->json), "PolicyInJson") : std::string();
  const std::string action = ActionOf(operation);
  const auto resources = ResourcesOf(call, operation);
  if (ResourcePolicyAllows(text, {call.context.caller.account, call.CallerArn(), action},
                           resources))
    return text;
  return Refuse("AccessDeniedException",
                fmt::format("User: {} is not authorized to perform: {} on resource: {} because no "
                            "resource-based policy allows the {} action",
                            call.CallerArn(), action, resources.back(), action));
}

// Of an answer's lists, leaves out what the policy does not open to the caller.
void Filter(const CallState& call, std::string_view operation, const std::string& policy,
            Json& answer) {
  struct List {
    const char *member, *type, *holder, *name;
  };
  constexpr List kLists[] = {
      {"DatabaseList", "database", nullptr, "Name"},
      {"TableList", "table", "DatabaseName", "Name"},
      {"ConnectionList", "connection", nullptr, "Name"},
      {"UserDefinedFunctions", "userDefinedFunction", "DatabaseName", "FunctionName"},
  };
  const PolicyQuestion question{call.context.caller.account, call.CallerArn(), ActionOf(operation)};
  for (const List& list : kLists) {
    if (!answer.contains(list.member)) continue;
    Json open = Json::array();
    for (Json& item : answer[list.member]) {
      std::string resource = fmt::format("{}/", list.type);
      if (list.holder != nullptr) resource += Text(item, list.holder) + "/";
      const std::vector<std::string> named = {call.Arn(resource + Text(item, list.name))};
      if (ResourcePolicyAllows(policy, question, named)) open.push_back(std::move(item));
    }
    answer[list.member] = std::move(open);
  }
}

}  // namespace

GlueService::GlueService(control::Store& store, net::BlockingPool& blocking, CrawlerRunner& crawls,
                         std::function<int64_t()> now_ms, const SealedBox* box)
    : store_(store), blocking_(blocking), crawls_(crawls), now_ms_(std::move(now_ms)), box_(box) {
  if (!now_ms_) {
    now_ms_ = [] {
      return std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::system_clock::now().time_since_epoch())
          .count();
    };
  }
}

std::vector<std::string> GlueService::PassedRoles(const Context& context,
                                                  std::string_view operation,
                                                  const Json& request) const {
  if (operation != "CreateCrawler" && operation != "UpdateCrawler") return {};
  const std::string role = Text(request, "Role");
  if (role.empty()) return {};
  return {role.starts_with("arn:")
              ? role
              : fmt::format("arn:aws:iam::{}:role/{}", context.caller.account, role)};
}

bool GlueService::Knows(std::string_view operation) const {
  return Operations().contains(operation);
}

Answer<Json> GlueService::CallNow(const Context& context, std::string_view operation,
                                  const Json& request) {
  const auto found = Operations().find(operation);
  if (found == Operations().end())
    return Refuse("UnknownOperationException",
                  fmt::format("The operation {} is not known here.", operation));
  auto checked = ReadShape(request, operation);
  if (!checked) return checked;
  std::string catalog = Text(*checked, "CatalogId");
  if (catalog.empty()) catalog = context.caller.account;
  const CallState call{
      store_, crawls_, context, *checked, catalog, static_cast<double>(now_ms_()) / 1000.0, box_};
  const bool foreign = call.catalog != context.caller.account;
  const Answer<std::string> policy =
      foreign ? CheckCatalog(call, operation) : Answer<std::string>();
  if (!policy) return std::unexpected(policy.error());
  std::unique_lock lock(changing_, std::defer_lock);
  if (found->second.changes) lock.lock();
  auto answer = found->second.run(call);
  if (answer && foreign) Filter(call, operation, *policy, *answer);
  return answer;
}

asio::awaitable<Answer<std::string>> GlueService::Call(Context context, std::string operation,
                                                       Json request) {
  auto work = [this, context = std::move(context), operation = std::move(operation),
               request = std::move(request)]() -> Answer<std::string> {
    auto answer = CallNow(context, operation, request);
    if (!answer) return std::unexpected(answer.error());
    return answer->dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  co_return co_await blocking_.Run(std::move(work));
}

}  // namespace skep::glue
