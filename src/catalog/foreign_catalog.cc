#include "catalog/foreign_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <initializer_list>
#include <set>
#include <utility>

#include "base/text.h"
#include "catalog/json_members.h"

namespace skep::catalog {
namespace {

using control::GlueDatabase;
using control::GluePartition;
using control::GlueTable;
using identity::Credentials;
using Json = nlohmann::json;

// Source: the quotas of AWS Glue's batch operations.
constexpr size_t kCreatedPerCall = 100, kTablesPerPage = 100, kPartitionsPerPage = 1000;
constexpr size_t kMaxNamed = 1'000'000;
constexpr size_t kMaxPages = 100'000;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Of a structure only what the service takes as input.
Json Only(const Json& of, std::initializer_list<const char*> members) {
  Json out = Json::object();
  for (const char* name : members) {
    const Json& member = MemberOf(of, name);
    if (!member.is_null()) out[name] = member;
  }
  return out;
}

Json TableInput(const Json& table) {
  return Only(table, {"Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime",
                      "Retention", "StorageDescriptor", "PartitionKeys", "ViewOriginalText",
                      "ViewExpandedText", "TableType", "Parameters", "TargetTable"});
}

GlueTable TableOf(const std::string& account, const std::string& database, const Json& json) {
  GlueTable table{account, database, Lower(TextOf(json, "Name")), 0, Dump(json)};
  const std::string version = TextOf(json, "VersionId");
  // The version tells plans apart; anything that changes with the table will do.
  if (!version.empty() && version.size() <= 18 &&
      version.find_first_not_of("0123456789") == std::string::npos)
    table.version = std::stoull(version);
  const Json& updated = MemberOf(json, "UpdateTime");
  if (updated.is_number())
    table.version = table.version * 1'000'003 +
                    static_cast<uint64_t>(std::abs(std::llround(updated.get<double>() * 1000)));
  return table;
}

std::vector<std::string> ValuesOf(const Json& partition) {
  std::vector<std::string> values;
  for (const auto& value : MemberOf(partition, "Values")) {
    if (value.is_string()) values.push_back(value.get<std::string>());
  }
  return values;
}

ErrorKind KindOf(const identity::AwsReply& reply) {
  static constexpr std::pair<std::string_view, ErrorKind> kCodes[] = {
      {"EntityNotFoundException", ErrorKind::kUndefinedObject},
      {"AlreadyExistsException", ErrorKind::kDuplicateObject},
      {"ConcurrentModificationException", ErrorKind::kConflict},
      {"VersionMismatchException", ErrorKind::kConflict},
      {"AccessDeniedException", ErrorKind::kInsufficientPrivilege},
      {"AccessDenied", ErrorKind::kInsufficientPrivilege},
      {"InvalidInputException", ErrorKind::kInvalidArgument},
      {"ValidationException", ErrorKind::kInvalidArgument},
      {"ExpiredTokenException", ErrorKind::kExternalDenied},
      {"UnrecognizedClientException", ErrorKind::kExternalDenied},
      {"InvalidSignatureException", ErrorKind::kExternalDenied}};
  for (const auto& [code, kind] : kCodes) {
    if (reply.code == code) return kind;
  }
  return reply.status == 401 || reply.status == 403 ? ErrorKind::kExternalDenied
                                                    : ErrorKind::kExternalUnavailable;
}

std::string KeptName(const std::string& account, const std::string& database,
                     const std::string& name, const std::string& role) {
  return account + '\n' + database + '\n' + name + '\n' + role;
}

}  // namespace

GlueClient::GlueClient(identity::AwsCallOptions options, std::function<int64_t()> now_ms)
    : caller_(std::move(options)), now_ms_(now_ms ? std::move(now_ms) : [] {
        return static_cast<int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
      }) {}

Result<Json> GlueClient::Call(const Credentials& credentials, const std::string& operation,
                              const Json& request) {
  identity::AwsCall call;
  call.endpoint = credentials.glue_endpoint;
  call.content_type = "application/x-amz-json-1.1";
  call.target = "AWSGlue." + operation;
  call.body = Dump(request);
  call.key = {credentials.access_key_id, credentials.secret_access_key, credentials.session_token,
              credentials.region, "glue"};
  call.what = fmt::format("the Glue catalog of account {}", credentials.account);
  SKEP_TRY_ASSIGN(const auto reply, caller_.Send(call));
  if (reply.status != 200)
    return Fail(KindOf(reply), fmt::format("{} refused {}", call.what, operation),
                fmt::format("HTTP {}, {}: {}", reply.status, reply.code, reply.message));
  Json json = Json::parse(reply.body, nullptr, false);
  if (!json.is_object())
    return Fail(ErrorKind::kExternalUnavailable,
                fmt::format("{} answered {} with what is no JSON", call.what, operation));
  return json;
}

std::optional<std::optional<GlueTable>> GlueClient::Find(const Credentials& credentials,
                                                         const std::string& database,
                                                         const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(KeptName(credentials.account, database, name, credentials.role));
  if (found == kept_.end() || now_ms_() - found->second.since_ms >= kKeepMs) return std::nullopt;
  return found->second.table;
}

void GlueClient::Keep(const Credentials& credentials, const std::string& database,
                      const std::string& name, std::optional<GlueTable> table) {
  const std::lock_guard lock(mutex_);
  const int64_t now = now_ms_();
  if (kept_.size() >= kMaxKept)
    std::erase_if(kept_, [now](const auto& one) { return now - one.second.since_ms >= kKeepMs; });
  if (kept_.size() >= kMaxKept) kept_.clear();
  kept_[KeptName(credentials.account, database, name, credentials.role)] = {std::move(table), now};
}

void GlueClient::Forget(const std::string& account, const std::string& database,
                        const std::string& name) {
  const std::string prefix =
      account + '\n' + database + '\n' + (name.empty() ? std::string() : name + '\n');
  const std::lock_guard lock(mutex_);
  std::erase_if(kept_, [&](const auto& one) { return one.first.starts_with(prefix); });
}

Json ForeignCatalog::Request(const std::string& database) const {
  Json request = {{"CatalogId", credentials_.account}};
  if (!database.empty()) request["DatabaseName"] = database;
  return request;
}

Result<bool> ForeignCatalog::Pages(const std::string& operation, Json request, const char* member,
                                   size_t page, size_t most, std::vector<Json>& items, bool one) {
  request["MaxResults"] = page;
  std::string token;
  for (size_t pages = 0; pages < kMaxPages; pages++) {
    auto answer = glue_.Call(credentials_, operation, request);
    if (!answer && answer.error().kind == ErrorKind::kUndefinedObject) return false;
    if (!answer) return Fail(answer.error());
    if (const Json& list = MemberOf(*answer, member); list.is_array()) {
      for (const auto& item : list) items.push_back(item);
    }
    if (items.size() > most)
      return Fail(ErrorKind::kPayloadTooLarge,
                  fmt::format("the Glue catalog of account {} lists more than {} entries",
                              credentials_.account, most));
    std::string next = TextOf(*answer, "NextToken");
    if (next.empty() || one) return true;
    if (next == token) break;  // goes round in circles
    token = next;
    request["NextToken"] = std::move(next);
  }
  return Fail(
      ErrorKind::kExternalUnavailable,
      fmt::format("the Glue catalog of account {} does not end its list", credentials_.account));
}

Result<std::vector<GlueDatabase>> ForeignCatalog::ListDatabases() {
  std::vector<Json> items;
  SKEP_TRY(Pages("GetDatabases", Request(), "DatabaseList", kTablesPerPage, kMaxNamed, items));
  std::vector<GlueDatabase> databases;
  for (const Json& item : items)
    databases.push_back({account(), Lower(TextOf(item, "Name")), Dump(item)});
  return databases;
}

Result<bool> ForeignCatalog::HasDatabase(const std::string& name) {
  Json request = Request();
  request["Name"] = name;
  const auto answer = glue_.Call(credentials_, "GetDatabase", request);
  if (answer) return true;
  if (answer.error().kind == ErrorKind::kUndefinedObject) return false;
  return Fail(answer.error());
}

Result<void> ForeignCatalog::CreateDatabase(const GlueDatabase& database) {
  const Json json = Json::parse(database.json, nullptr, false);
  Json request = Request();
  request["DatabaseInput"] = Only(json, {"Name", "Description", "LocationUri", "Parameters"});
  SKEP_TRY(glue_.Call(credentials_, "CreateDatabase", request));
  return {};
}

Result<bool> ForeignCatalog::DeleteDatabase(const std::string& name) {
  Json request = Request();
  request["Name"] = name;
  const auto answer = glue_.Call(credentials_, "DeleteDatabase", request);
  glue_.Forget(account(), name, {});
  if (answer) return true;
  if (answer.error().kind == ErrorKind::kUndefinedObject) return false;
  return Fail(answer.error());
}

Result<std::optional<GlueTable>> ForeignCatalog::GetTable(const std::string& database,
                                                          const std::string& name) {
  if (auto kept = glue_.Find(credentials_, database, name)) return std::move(*kept);
  Json request = Request(database);
  request["Name"] = name;
  const auto answer = glue_.Call(credentials_, "GetTable", request);
  std::optional<GlueTable> table;
  if (answer) {
    const Json& json = MemberOf(*answer, "Table");
    if (!json.is_object())
      return Fail(ErrorKind::kExternalUnavailable,
                  fmt::format("the Glue catalog of account {} answered without a table",
                              credentials_.account));
    table = TableOf(account(), database, json);
  } else if (answer.error().kind != ErrorKind::kUndefinedObject) {
    return Fail(answer.error());
  } else {
    return table;  // may be made any moment
  }
  glue_.Keep(credentials_, database, name, table);
  return table;
}

Result<std::vector<GlueTable>> ForeignCatalog::ListTables(const std::string& database) {
  std::vector<Json> items;
  SKEP_TRY(Pages("GetTables", Request(database), "TableList", kTablesPerPage, kMaxNamed, items));
  std::vector<GlueTable> tables;
  for (const Json& item : items) tables.push_back(TableOf(account(), database, item));
  return tables;
}

Result<void> ForeignCatalog::CreateTable(const GlueTable& table) {
  Json request = Request(table.database);
  request["TableInput"] = TableInput(Json::parse(table.json, nullptr, false));
  const auto made = glue_.Call(credentials_, "CreateTable", request);
  glue_.Forget(account(), table.database, table.name);
  if (!made) return Fail(made.error());
  return {};
}

Result<bool> ForeignCatalog::UpdateTable(const GlueTable& table) {
  const Json json = Json::parse(table.json, nullptr, false);
  Json request = Request(table.database);
  request["TableInput"] = TableInput(json);
  // Whoever was faster is not overwritten.
  if (const std::string version = TextOf(json, "VersionId"); !version.empty())
    request["VersionId"] = version;
  const auto made = glue_.Call(credentials_, "UpdateTable", request);
  glue_.Forget(account(), table.database, table.name);
  if (made) return true;
  if (made.error().kind == ErrorKind::kUndefinedObject) return false;
  return Fail(made.error());
}

Result<bool> ForeignCatalog::ReplaceTable(const GlueTable& table) {
  auto updated = UpdateTable(table);
  if (!updated && updated.error().kind == ErrorKind::kConflict) return false;
  return updated;
}

Result<bool> ForeignCatalog::DeleteTable(const std::string& database, const std::string& name) {
  Json request = Request(database);
  request["Name"] = name;
  const auto answer = glue_.Call(credentials_, "DeleteTable", request);
  glue_.Forget(account(), database, name);
  if (answer) return true;
  if (answer.error().kind == ErrorKind::kUndefinedObject) return false;
  return Fail(answer.error());
}

Result<uint64_t> ForeignCatalog::CountPartitions(const GlueTable& table, uint64_t enough) {
  Json request = Request(table.database);
  request["TableName"] = table.name;
  request["ExcludeColumnSchema"] = true;
  std::vector<Json> items;
  const size_t page = std::min<size_t>(kPartitionsPerPage, enough + 1);
  SKEP_TRY(
      Pages("GetPartitions", std::move(request), "Partitions", page, kMaxPartitions, items, true));
  return items.size();
}

Result<std::vector<GluePartition>> ForeignCatalog::ListPartitions(
    const GlueTable& table, const std::vector<ipc::TableColumn>&, std::string_view expression) {
  Json request = Request(table.database);
  request["TableName"] = table.name;
  request["ExcludeColumnSchema"] = true;
  if (!expression.empty()) request["Expression"] = expression;
  std::vector<Json> items;
  SKEP_TRY(Pages("GetPartitions", std::move(request), "Partitions", kPartitionsPerPage,
                 kMaxPartitions, items));
  std::vector<GluePartition> partitions;
  partitions.reserve(items.size());
  for (const Json& item : items) partitions.push_back({ValuesOf(item), Dump(item)});
  return partitions;
}

Result<void> ForeignCatalog::CreatePartitions(const GlueTable& table,
                                              const std::vector<GluePartition>& partitions) {
  for (size_t from = 0; from < partitions.size(); from += kCreatedPerCall) {
    Json request = Request(table.database);
    request["TableName"] = table.name;
    Json& list = request["PartitionInputList"] = Json::array();
    for (size_t i = from; i < std::min(partitions.size(), from + kCreatedPerCall); i++)
      list.push_back(Only(Json::parse(partitions[i].json, nullptr, false),
                          {"Values", "StorageDescriptor", "Parameters"}));
    SKEP_TRY_ASSIGN(const Json answer, glue_.Call(credentials_, "BatchCreatePartition", request));
    for (const auto& failed : MemberOf(answer, "Errors")) {
      const Json& detail = MemberOf(failed, "ErrorDetail");
      const std::string code = TextOf(detail, "ErrorCode");
      return Fail(code == "AlreadyExistsException" ? ErrorKind::kDuplicateObject
                                                   : ErrorKind::kExternalUnavailable,
                  fmt::format("the Glue catalog of account {} did not take a partition",
                              credentials_.account),
                  fmt::format("{}: {}", code, TextOf(detail, "ErrorMessage")).substr(0, 500));
    }
  }
  return {};
}

Result<bool> ForeignCatalog::DeletePartition(const GlueTable& table,
                                             const std::vector<std::string>& values) {
  Json request = Request(table.database);
  request["TableName"] = table.name;
  request["PartitionValues"] = values;
  const auto answer = glue_.Call(credentials_, "DeletePartition", request);
  if (answer) return true;
  if (answer.error().kind == ErrorKind::kUndefinedObject) return false;
  return Fail(answer.error());
}

}  // namespace skep::catalog
