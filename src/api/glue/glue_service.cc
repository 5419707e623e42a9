#include "api/glue/glue_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "api/glue/name_pattern.h"
#include "api/glue/partition_filter.h"
#include "api/glue/shapes.h"
#include "base/crypto.h"
#include "base/text.h"

namespace skep::glue {
namespace asio = boost::asio;
using api::Answer;
using api::Context;
using api::Failure;
using api::Json;
using api::Refuse;

namespace {

constexpr size_t kDefaultPage = 100;
constexpr size_t kPartitionPage = 1000;

std::string Text(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<std::string> Texts(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_array() ? found->get<std::vector<std::string>>()
                                                  : std::vector<std::string>();
}

// What was stored by us or by the crawler; damage is answered as an empty structure.
Json Stored(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_object() ? json : Json::object();
}

std::unexpected<Failure> NotFound(std::string message) {
  return Refuse("EntityNotFoundException", std::move(message));
}
std::unexpected<Failure> Exists(std::string message) {
  return Refuse("AlreadyExistsException", std::move(message));
}
std::unexpected<Failure> InvalidInput(std::string message) {
  return Refuse("InvalidInputException", std::move(message));
}

// Control-store errors in this service's names.
Failure Translate(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kUndefinedObject:
      return {"EntityNotFoundException", error.message, 400, Json::object()};
    case ErrorKind::kDuplicateObject:
      return {"AlreadyExistsException", error.message, 400, Json::object()};
    case ErrorKind::kInvalidArgument:
      return {"InvalidInputException", error.message, 400, Json::object()};
    default:
      return {"InternalServiceException", error.message, 500, Json::object()};
  }
}
std::unexpected<Failure> Translated(const Error& error) {
  return std::unexpected(Translate(error));
}

Json ErrorDetail(const Failure& failure) {
  return {{"ErrorCode", failure.type}, {"ErrorMessage", failure.message}};
}

// One page of a sorted list of (key, item): items behind the token's key, and the token of the next
// page.
template <class Item, class KeyOf>
Answer<std::vector<Item>> Page(std::vector<Item> items, const Json& request, size_t usual,
                               Json& out, KeyOf key_of) {
  const std::string token = Text(request, "NextToken");
  if (!token.empty()) {
    const auto decoded = Base64Decode(token);
    const Json after = decoded ? Json::parse(*decoded, nullptr, false) : Json();
    if (!after.is_array()) return InvalidInput("Continuation token is not valid.");
    std::erase_if(items, [&](const Item& item) { return !(after < Json::array({key_of(item)})); });
  }
  const auto most = request.contains("MaxResults")
                        ? static_cast<size_t>(request["MaxResults"].template get<int64_t>())
                        : usual;
  if (items.size() > most) {
    items.resize(most);
    out["NextToken"] = Base64Encode(
        Json::array({key_of(items.back())}).dump(-1, ' ', true, Json::error_handler_t::replace));
  }
  return items;
}

struct CallState {
  control::Store& store;
  CrawlerRunner& crawls;
  const Context& context;
  const Json& request;
  std::string catalog;
  double now = 0;  // seconds since the epoch

  Answer<control::GlueDatabase> Database(const char* member = "DatabaseName") const {
    const std::string name = Text(request, member);
    auto found = store.GetGlueDatabase(catalog, Lower(name));
    if (!found) return Translated(found.error());
    if (!*found) return NotFound(fmt::format("Database {} not found.", Lower(name)));
    return std::move(**found);
  }

  Answer<control::GlueTable> TableNamed(const std::string& name) const {
    const std::string database = Lower(Text(request, "DatabaseName"));
    auto found = store.GetGlueTable(catalog, database, Lower(name));
    if (!found) return Translated(found.error());
    if (*found) return std::move(**found);
    if (auto known = Database(); !known) return std::unexpected(known.error());
    return NotFound(fmt::format("Table {} not found.", Lower(name)));
  }
  Answer<control::GlueTable> Table(const char* member = "TableName") const {
    return TableNamed(Text(request, member));
  }

  Answer<control::Crawler> FindCrawler() const {
    const std::string name = Text(request, "Name");
    auto found = store.GetCrawler(context.caller.account, name);
    if (!found) return Translated(found.error());
    if (!*found) return NotFound(fmt::format("Crawler {} not found.", name));
    return std::move(**found);
  }
};

// ---------------------------------------------------------------- databases

Json DatabaseOf(const control::GlueDatabase& database) {
  Json json = Stored(database.json);
  json["Name"] = database.name;
  json["CatalogId"] = database.catalog_id;
  return json;
}

Answer<Json> CreateDatabase(const CallState& call) {
  Json json = call.request["DatabaseInput"];
  const std::string name = Lower(Text(json, "Name"));
  json["Name"] = name;
  json["CatalogId"] = call.catalog;
  json["CreateTime"] = call.now;
  if (!json.contains("CreateTableDefaultPermissions")) {
    json["CreateTableDefaultPermissions"] =
        Json::array({{{"Principal", {{"DataLakePrincipalIdentifier", "IAM_ALLOWED_PRINCIPALS"}}},
                      {"Permissions", Json::array({"ALL"})}}});
  }
  const auto made = call.store.CreateGlueDatabase(
      {call.catalog, name, json.dump(-1, ' ', false, Json::error_handler_t::replace)});
  if (!made && made.error().kind == ErrorKind::kDuplicateObject)
    return Exists("Database already exists.");
  if (!made) return Translated(made.error());
  return Json::object();
}

Answer<Json> GetDatabase(const CallState& call) {
  auto database = call.Database("Name");
  if (!database) return std::unexpected(database.error());
  return Json{{"Database", DatabaseOf(*database)}};
}

Answer<Json> GetDatabases(const CallState& call) {
  auto found = call.store.ListGlueDatabases(call.catalog);
  if (!found) return Translated(found.error());
  Json out = {{"DatabaseList", Json::array()}};
  auto page = Page(std::move(*found), call.request, kDefaultPage, out,
                   [](const auto& d) { return Json(d.name); });
  if (!page) return std::unexpected(page.error());
  for (const auto& database : *page) out["DatabaseList"].push_back(DatabaseOf(database));
  return out;
}

Answer<Json> UpdateDatabase(const CallState& call) {
  auto database = call.Database("Name");
  if (!database) return std::unexpected(database.error());
  Json json = call.request["DatabaseInput"];
  if (Lower(Text(json, "Name")) != database->name)
    return InvalidInput("A database cannot be renamed.");
  const Json old = Stored(database->json);
  json["Name"] = database->name;
  json["CatalogId"] = call.catalog;
  for (const char* kept : {"CreateTime", "CreateTableDefaultPermissions"}) {
    if (!json.contains(kept) && old.contains(kept)) json[kept] = old[kept];
  }
  database->json = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto updated = call.store.UpdateGlueDatabase(*database);
  if (!updated) return Translated(updated.error());
  if (!*updated) return NotFound(fmt::format("Database {} not found.", database->name));
  return Json::object();
}

Answer<Json> DeleteDatabase(const CallState& call) {
  const std::string name = Lower(Text(call.request, "Name"));
  const auto deleted = call.store.DeleteGlueDatabase(call.catalog, name);
  if (!deleted) return Translated(deleted.error());
  if (!*deleted) return NotFound(fmt::format("Database {} not found.", name));
  return Json::object();
}

// ---------------------------------------------------------------- tables

Json TableOf(const control::GlueTable& table) {
  Json json = Stored(table.json);
  json["Name"] = table.name;
  json["DatabaseName"] = table.database;
  json["CatalogId"] = table.catalog_id;
  json["VersionId"] = std::to_string(table.version);
  json["IsRegisteredWithLakeFormation"] = false;
  return json;
}

Answer<Json> CheckTableInput(const Json& input) {
  Json json = input;
  json["Name"] = Lower(Text(input, "Name"));
  std::vector<std::string> keys;
  for (const Json& key : input.value("PartitionKeys", Json::array())) {
    const std::string name = Lower(Text(key, "Name"));
    if (std::ranges::find(keys, name) != keys.end())
      return InvalidInput(fmt::format("Partition key {} is given twice.", name));
    keys.push_back(name);
  }
  return json;
}

Answer<Json> CreateTable(const CallState& call) {
  auto json = CheckTableInput(call.request["TableInput"]);
  if (!json) return json;
  auto database = call.Database();
  if (!database) return std::unexpected(database.error());
  control::GlueTable table{call.catalog, database->name, Text(*json, "Name"), 0, {}};
  (*json)["DatabaseName"] = table.database;
  (*json)["CatalogId"] = call.catalog;
  (*json)["CreateTime"] = call.now;
  (*json)["UpdateTime"] = call.now;
  (*json)["CreatedBy"] =
      fmt::format("arn:aws:iam::{}:user/{}", call.context.caller.account, call.context.caller.user);
  table.json = json->dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto made = call.store.CreateGlueTable(table);
  if (!made && made.error().kind == ErrorKind::kDuplicateObject)
    return Exists("Table already exists.");
  if (!made && made.error().kind == ErrorKind::kUndefinedObject)
    return NotFound(fmt::format("Database {} not found.", table.database));
  if (!made) return Translated(made.error());
  return Json::object();
}

Answer<Json> GetTable(const CallState& call) {
  auto table = call.Table("Name");
  if (!table) return std::unexpected(table.error());
  return Json{{"Table", TableOf(*table)}};
}

Answer<Json> GetTables(const CallState& call) {
  auto database = call.Database();
  if (!database) return std::unexpected(database.error());
  auto found = call.store.ListGlueTables(call.catalog, database->name);
  if (!found) return Translated(found.error());
  if (const std::string expression = Text(call.request, "Expression"); !expression.empty()) {
    const auto pattern = NamePattern::Compile(expression);
    if (!pattern) return InvalidInput(pattern.error().message);
    std::erase_if(*found, [&](const auto& table) { return !pattern->Matches(table.name); });
  }
  Json out = {{"TableList", Json::array()}};
  auto page = Page(std::move(*found), call.request, kDefaultPage, out,
                   [](const auto& t) { return Json(t.name); });
  if (!page) return std::unexpected(page.error());
  for (const auto& table : *page) out["TableList"].push_back(TableOf(table));
  return out;
}

Answer<Json> UpdateTable(const CallState& call) {
  auto json = CheckTableInput(call.request["TableInput"]);
  if (!json) return json;
  auto table = call.TableNamed(Text(*json, "Name"));
  if (!table) return std::unexpected(table.error());
  if (const std::string version = Text(call.request, "VersionId");
      !version.empty() && version != std::to_string(table->version)) {
    return Refuse(
        "ConcurrentModificationException",
        fmt::format(
            "Update table failed due to concurrent modifications: version {} is current, not {}.",
            table->version, version));
  }
  const Json old = Stored(table->json);
  for (const char* kept : {"CreateTime", "CreatedBy"}) {
    if (old.contains(kept)) (*json)[kept] = old[kept];
  }
  (*json)["DatabaseName"] = table->database;
  (*json)["CatalogId"] = call.catalog;
  (*json)["UpdateTime"] = call.now;
  table->json = json->dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto updated = call.store.UpdateGlueTable(*table);
  if (!updated) return Translated(updated.error());
  if (!*updated) return NotFound(fmt::format("Table {} not found.", table->name));
  return Json::object();
}

Answer<void> DropTable(const CallState& call, const std::string& name) {
  auto table = call.TableNamed(name);
  if (!table) return std::unexpected(table.error());
  const auto deleted = call.store.DeleteGlueTable(call.catalog, table->database, table->name);
  if (!deleted) return Translated(deleted.error());
  if (!*deleted) return NotFound(fmt::format("Table {} not found.", table->name));
  return {};
}

Answer<Json> DeleteTable(const CallState& call) {
  if (auto dropped = DropTable(call, Text(call.request, "Name")); !dropped)
    return std::unexpected(dropped.error());
  return Json::object();
}

Answer<Json> BatchDeleteTable(const CallState& call) {
  if (auto database = call.Database(); !database) return std::unexpected(database.error());
  Json errors = Json::array();
  for (const std::string& name : Texts(call.request, "TablesToDelete")) {
    if (auto dropped = DropTable(call, name); !dropped)
      errors.push_back({{"TableName", name}, {"ErrorDetail", ErrorDetail(dropped.error())}});
  }
  return errors.empty() ? Json::object() : Json{{"Errors", errors}};
}

// ---------------------------------------------------------------- partitions

std::vector<PartitionKey> KeysOf(const control::GlueTable& table) {
  std::vector<PartitionKey> keys;
  const Json json = Stored(table.json);
  for (const Json& key : json.value("PartitionKeys", Json::array()))
    keys.push_back({Text(key, "Name"), Text(key, "Type")});
  return keys;
}

Json PartitionOf(const control::GlueTable& table, const control::GluePartition& partition) {
  Json json = Stored(partition.json);
  json["Values"] = partition.values;
  json["DatabaseName"] = table.database;
  json["TableName"] = table.name;
  json["CatalogId"] = table.catalog_id;
  return json;
}

Answer<control::GluePartition> MakePartition(const CallState& call, const control::GlueTable& table,
                                             size_t keys, const Json& input) {
  control::GluePartition partition{Texts(input, "Values"), {}};
  if (partition.values.size() != keys) {
    return InvalidInput("The number of partition keys do not match the number of partition values");
  }
  if (std::ranges::any_of(partition.values,
                          [](const std::string& value) { return value.empty(); })) {
    return InvalidInput("A partition value must have at least one character.");
  }
  Json json = input;
  json["CreationTime"] = call.now;
  json["LastAccessTime"] =
      input.contains("LastAccessTime") ? input["LastAccessTime"] : Json(call.now);
  partition.json = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  partition.json =
      PartitionOf(table, partition).dump(-1, ' ', false, Json::error_handler_t::replace);
  return partition;
}

Answer<void> StorePartitions(const CallState& call, const control::GlueTable& table,
                             const std::vector<control::GluePartition>& partitions, bool replace) {
  const auto made = call.store.CreateGluePartitions(table, partitions, replace);
  if (made) return {};
  if (made.error().kind == ErrorKind::kDuplicateObject) return Exists("Partition already exists.");
  if (made.error().kind == ErrorKind::kUndefinedObject)
    return NotFound(fmt::format("Table {} not found.", table.name));
  return Translated(made.error());
}

Answer<Json> CreatePartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  auto partition =
      MakePartition(call, *table, KeysOf(*table).size(), call.request["PartitionInput"]);
  if (!partition) return std::unexpected(partition.error());
  if (auto made = StorePartitions(call, *table, {*partition}, false); !made)
    return std::unexpected(made.error());
  return Json::object();
}

// Good ones are made, bad ones are listed.
Answer<Json> BatchCreatePartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  const size_t keys = KeysOf(*table).size();
  Json errors = Json::array();
  const auto refuse = [&](const Json& values, const Failure& failure) {
    errors.push_back({{"PartitionValues", values}, {"ErrorDetail", ErrorDetail(failure)}});
  };
  std::vector<control::GluePartition> good;
  for (const Json& input : call.request["PartitionInputList"]) {
    auto partition = MakePartition(call, *table, keys, input);
    if (!partition) {
      refuse(input.value("Values", Json::array()), partition.error());
    } else {
      good.push_back(std::move(*partition));
    }
  }
  auto all = good.empty() ? Answer<void>() : StorePartitions(call, *table, good, false);
  if (!all && all.error().type == "AlreadyExistsException") {
    for (const auto& partition : good) {
      if (auto made = StorePartitions(call, *table, {partition}, false); !made)
        refuse(partition.values, made.error());
    }
  } else if (!all) {
    return std::unexpected(all.error());
  }
  return errors.empty() ? Json::object() : Json{{"Errors", errors}};
}

Answer<std::vector<control::GluePartition>> ListPartitions(const CallState& call,
                                                           const control::GlueTable& table) {
  auto found = call.store.ListGluePartitions(call.catalog, table.database, table.name);
  if (!found) return Translated(found.error());
  std::ranges::sort(*found, {}, &control::GluePartition::values);
  return std::move(*found);
}

std::unexpected<Failure> NoPartition() { return NotFound("Cannot find partition."); }

Answer<Json> GetPartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  auto all = ListPartitions(call, *table);
  if (!all) return std::unexpected(all.error());
  const auto found = std::ranges::find(*all, Texts(call.request, "PartitionValues"),
                                       &control::GluePartition::values);
  if (found == all->end()) return NoPartition();
  return Json{{"Partition", PartitionOf(*table, *found)}};
}

// FNV-1a: the same partition falls into the same segment on every page.
uint64_t SegmentHash(const std::vector<std::string>& values) {
  uint64_t hash = 14695981039346656037ull;
  for (const std::string& value : values) {
    for (const char c : value + '\x1f')
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  }
  return hash >> 16;
}

Answer<Json> GetPartitions(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  const auto filter = PartitionFilter::Parse(Text(call.request, "Expression"), KeysOf(*table));
  if (!filter) return InvalidInput(filter.error().message);
  std::optional<std::pair<uint64_t, uint64_t>> segment;
  if (const auto given = call.request.find("Segment"); given != call.request.end()) {
    segment = {(*given)["SegmentNumber"].get<uint64_t>(),
               (*given)["TotalSegments"].get<uint64_t>()};
    if (segment->first >= segment->second)
      return InvalidInput("SegmentNumber must be less than TotalSegments.");
  }
  auto found = ListPartitions(call, *table);
  if (!found) return std::unexpected(found.error());
  std::erase_if(*found, [&](const auto& p) {
    return !filter->Matches(p.values) ||
           (segment && SegmentHash(p.values) % segment->second != segment->first);
  });
  Json out = {{"Partitions", Json::array()}};
  auto page = Page(std::move(*found), call.request, kPartitionPage, out,
                   [](const auto& p) { return Json(p.values); });
  if (!page) return std::unexpected(page.error());
  const bool bare = call.request.value("ExcludeColumnSchema", false);
  for (const auto& partition : *page) {
    Json json = PartitionOf(*table, partition);
    if (bare && json.contains("StorageDescriptor") && json["StorageDescriptor"].is_object())
      json["StorageDescriptor"].erase("Columns");
    out["Partitions"].push_back(std::move(json));
  }
  return out;
}

Answer<Json> BatchGetPartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  auto all = ListPartitions(call, *table);
  if (!all) return std::unexpected(all.error());
  Json out = {{"Partitions", Json::array()}, {"UnprocessedKeys", Json::array()}};
  for (const Json& wanted : call.request["PartitionsToGet"]) {
    const auto values = Texts(wanted, "Values");
    const auto found = std::ranges::lower_bound(*all, values, {}, &control::GluePartition::values);
    if (found != all->end() && found->values == values)
      out["Partitions"].push_back(PartitionOf(*table, *found));
  }
  return out;
}

Answer<void> DropPartition(const CallState& call, const control::GlueTable& table,
                           const std::vector<std::string>& values) {
  const auto deleted =
      call.store.DeleteGluePartition(call.catalog, table.database, table.name, values);
  if (!deleted) return Translated(deleted.error());
  if (!*deleted) return NoPartition();
  return {};
}

Answer<Json> UpdatePartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  auto all = ListPartitions(call, *table);
  if (!all) return std::unexpected(all.error());
  const auto old = Texts(call.request, "PartitionValueList");
  const auto found = std::ranges::find(*all, old, &control::GluePartition::values);
  if (found == all->end()) return NoPartition();
  Json input = call.request["PartitionInput"];
  if (!input.contains("Values")) input["Values"] = old;
  auto partition = MakePartition(call, *table, KeysOf(*table).size(), input);
  if (!partition) return std::unexpected(partition.error());
  const bool moved = partition->values != old;
  if (auto made = StorePartitions(call, *table, {*partition}, !moved); !made)
    return std::unexpected(made.error());
  if (moved) {
    if (auto dropped = DropPartition(call, *table, old); !dropped)
      return std::unexpected(dropped.error());
  }
  return Json::object();
}

Answer<Json> DeletePartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  if (auto dropped = DropPartition(call, *table, Texts(call.request, "PartitionValues")); !dropped)
    return std::unexpected(dropped.error());
  return Json::object();
}

Answer<Json> BatchDeletePartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  Json errors = Json::array();
  for (const Json& wanted : call.request["PartitionsToDelete"]) {
    const auto values = Texts(wanted, "Values");
    if (auto dropped = DropPartition(call, *table, values); !dropped) {
      errors.push_back(
          {{"PartitionValues", values}, {"ErrorDetail", ErrorDetail(dropped.error())}});
    }
  }
  return errors.empty() ? Json::object() : Json{{"Errors", errors}};
}

// ---------------------------------------------------------------- crawlers

Json CrawlerOf(const control::Crawler& crawler) {
  Json json = Stored(crawler.json);
  json["Name"] = crawler.name;
  json["State"] = crawler.state;
  return json;
}

Answer<void> CheckCrawler(const Json& json) {
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
  if (const auto classifiers = Texts(json, "Classifiers"); !classifiers.empty()) {
    return NotFound(fmt::format("Classifier {} not found.", classifiers.front()));
  }
  if (const std::string text = Text(json, "Configuration");
      !text.empty() && !Json::parse(text, nullptr, false).is_object()) {
    return InvalidInput("Configuration is no JSON object.");
  }
  return {};
}

// Schedules are kept and shown; nothing runs by them yet, and State says so.
void PutSchedule(Json& json) {
  if (!json.contains("Schedule")) return;
  const std::string expression = Text(json, "Schedule");
  if (expression.empty()) {
    json.erase("Schedule");
  } else {
    json["Schedule"] = {{"ScheduleExpression", expression}, {"State", "NOT_SCHEDULED"}};
  }
}

Answer<Json> CreateCrawler(const CallState& call) {
  if (auto checked = CheckCrawler(call.request); !checked) return std::unexpected(checked.error());
  Json json = call.request;
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
  PutSchedule(json);
  json["CrawlElapsedTime"] = 0;
  json["CreationTime"] = call.now;
  json["LastUpdated"] = call.now;
  json["Version"] = 1;
  const control::Crawler crawler{call.context.caller.account, Text(call.request, "Name"), "READY",
                                 json.dump(-1, ' ', false, Json::error_handler_t::replace)};
  const auto made = call.store.CreateCrawler(crawler);
  if (!made && made.error().kind == ErrorKind::kDuplicateObject)
    return Exists(fmt::format("Crawler {} already exists.", crawler.name));
  if (!made) return Translated(made.error());
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
  for (const auto& crawler : *page) out["CrawlerNames"].push_back(crawler.name);
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
  if (auto checked = CheckCrawler(json); !checked) return std::unexpected(checked.error());
  json["LastUpdated"] = call.now;
  json["Version"] = json.value("Version", int64_t{1}) + 1;
  crawler->json = json.dump(-1, ' ', false, Json::error_handler_t::replace);
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
  return Json::object();
}

Answer<Json> StartCrawler(const CallState& call) {
  auto crawler = call.FindCrawler();
  if (!crawler) return std::unexpected(crawler.error());
  const auto started = call.crawls.Start(crawler->account, crawler->name);
  if (started) return Json::object();
  if (started.error().kind == ErrorKind::kConflict)
    return Refuse("CrawlerRunningException", started.error().message);
  return Translated(started.error());
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

struct Operation {
  Answer<Json> (*run)(const CallState&);
  bool changes;
};

const std::map<std::string_view, Operation>& Operations() {
  static const std::map<std::string_view, Operation> operations = {
      {"CreateDatabase", {CreateDatabase, true}},
      {"GetDatabase", {GetDatabase, false}},
      {"GetDatabases", {GetDatabases, false}},
      {"UpdateDatabase", {UpdateDatabase, true}},
      {"DeleteDatabase", {DeleteDatabase, true}},
      {"CreateTable", {CreateTable, true}},
      {"GetTable", {GetTable, false}},
      {"GetTables", {GetTables, false}},
      {"UpdateTable", {UpdateTable, true}},
      {"DeleteTable", {DeleteTable, true}},
      {"BatchDeleteTable", {BatchDeleteTable, true}},
      {"CreatePartition", {CreatePartition, true}},
      {"BatchCreatePartition", {BatchCreatePartition, true}},
      {"GetPartition", {GetPartition, false}},
      {"GetPartitions", {GetPartitions, false}},
      {"BatchGetPartition", {BatchGetPartition, false}},
      {"UpdatePartition", {UpdatePartition, true}},
      {"DeletePartition", {DeletePartition, true}},
      {"BatchDeletePartition", {BatchDeletePartition, true}},
      {"CreateCrawler", {CreateCrawler, true}},
      {"GetCrawler", {GetCrawler, false}},
      {"GetCrawlers", {GetCrawlers, false}},
      {"ListCrawlers", {ListCrawlers, false}},
      {"BatchGetCrawlers", {BatchGetCrawlers, false}},
      {"UpdateCrawler", {UpdateCrawler, true}},
      {"DeleteCrawler", {DeleteCrawler, true}},
      {"StartCrawler", {StartCrawler, true}},
      {"StopCrawler", {StopCrawler, true}},
  };
  return operations;
}

}  // namespace

GlueService::GlueService(control::Store& store, net::BlockingPool& blocking, CrawlerRunner& crawls,
                         std::function<int64_t()> now_ms)
    : store_(store), blocking_(blocking), crawls_(crawls), now_ms_(std::move(now_ms)) {
  if (!now_ms_) {
    now_ms_ = [] {
      return std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::system_clock::now().time_since_epoch())
          .count();
    };
  }
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
  if (catalog != context.caller.account) {
    return Refuse("AccessDeniedException", fmt::format("Account {} may not use the catalog {}.",
                                                       context.caller.account, catalog));
  }
  const CallState call{store_,   crawls_, context,
                       *checked, catalog, static_cast<double>(now_ms_()) / 1000.0};
  std::unique_lock lock(changing_, std::defer_lock);
  if (found->second.changes) lock.lock();
  return found->second.run(call);
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
