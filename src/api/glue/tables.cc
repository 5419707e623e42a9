#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/glue/name_pattern.h"
#include "api/glue/operations.h"
#include "base/text.h"

namespace skep::glue {
namespace {

Answer<Json> CheckTableInput(const CallState& call) {
  for (const char* foreign : {"OpenTableFormatInput", "UpdateOpenTableFormatInput"}) {
    if (call.request.contains(foreign))
      return InvalidInput(fmt::format(
          "{} is not offered here; write the table's metadata and give its location.", foreign));
  }
  Json json = call.request["TableInput"];
  json["Name"] = Lower(Text(json, "Name"));
  std::vector<std::string> keys;
  for (const Json& key : json.value("PartitionKeys", Json::array())) {
    const std::string name = Lower(Text(key, "Name"));
    if (std::ranges::find(keys, name) != keys.end())
      return InvalidInput(fmt::format("Partition key {} is given twice.", name));
    keys.push_back(name);
  }
  return json;
}

// Only what AttributesToGet names.
Json Chosen(const Json& request, Json table) {
  const auto wanted = Texts(request, "AttributesToGet");
  if (wanted.empty() || std::ranges::find(wanted, "DEFAULT") != wanted.end()) return table;
  Json less = {{"Name", table["Name"]}, {"DatabaseName", table["DatabaseName"]}};
  if (std::ranges::find(wanted, "TABLE_TYPE") != wanted.end() && table.contains("TableType"))
    less["TableType"] = table["TableType"];
  return less;
}

Answer<Json> CreateTable(const CallState& call) {
  auto json = CheckTableInput(call);
  if (!json) return json;
  auto database = call.Database();
  if (!database) return std::unexpected(database.error());
  control::GlueTable table{call.catalog, database->name, Text(*json, "Name"), 0, {}};
  (*json)["DatabaseName"] = table.database;
  (*json)["CatalogId"] = call.catalog;
  (*json)["CreateTime"] = call.now;
  (*json)["UpdateTime"] = call.now;
  (*json)["CreatedBy"] = call.CallerArn();
  table.json = Dump(*json);
  const Json indexes = call.request.value("PartitionIndexes", Json::array());
  for (const Json& index : indexes) {
    if (auto checked = CheckPartitionIndex(KeysOf(table), index); !checked)
      return std::unexpected(checked.error());
  }
  const auto made = call.store.CreateGlueTable(table);
  if (!made && made.error().kind == ErrorKind::kDuplicateObject)
    return Exists("Table already exists.");
  if (!made && made.error().kind == ErrorKind::kUndefinedObject)
    return NotFound(fmt::format("Database {} not found.", table.database));
  if (!made) return Translated(made.error());
  for (const Json& index : indexes) {
    if (auto kept = KeepPartitionIndex(call, table, index); !kept)
      return std::unexpected(kept.error());
  }
  return Json::object();
}

Answer<Json> GetTable(const CallState& call) {
  auto table = call.Table("Name");
  if (!table) return std::unexpected(table.error());
  return Json{{"Table", Chosen(call.request, TableOf(*table))}};
}

Answer<Json> GetTables(const CallState& call) {
  auto database = call.Database();
  if (!database) return std::unexpected(database.error());
  auto found = call.store.ListGlueTables(call.catalog, database->name);
  if (!found) return Translated(found.error());
  if (const std::string expression = Text(call.request, "Expression"); !expression.empty()) {
    const auto pattern = NamePattern::Compile(expression);
    const auto hive = NamePattern::Compile(AsExpression(expression));
    if (!pattern && !hive) return InvalidInput(pattern.error().message);
    std::erase_if(*found, [&](const auto& table) {
      return !(pattern && pattern->Matches(table.name)) && !(hive && hive->Matches(table.name));
    });
  }
  Json out = {{"TableList", Json::array()}};
  auto page = Page(std::move(*found), call.request, kDefaultPage, out,
                   [](const auto& t) { return Json(t.name); });
  if (!page) return std::unexpected(page.error());
  for (const auto& table : *page) out["TableList"].push_back(Chosen(call.request, TableOf(table)));
  return out;
}

std::unexpected<Failure> Concurrent() {
  return Refuse("ConcurrentModificationException",
                "Update table failed due to concurrent modifications.");
}

Answer<Json> UpdateTable(const CallState& call) {
  auto json = CheckTableInput(call);
  if (!json) return json;
  auto table = call.TableNamed(Text(*json, "Name"));
  if (!table) return std::unexpected(table.error());
  const std::string version = Text(call.request, "VersionId");
  if (!version.empty() && version != std::to_string(table->version)) return Concurrent();
  const Json old = Stored(table->json);
  for (const char* kept : {"CreateTime", "CreatedBy"}) {
    if (old.contains(kept)) (*json)[kept] = old[kept];
  }
  (*json)["DatabaseName"] = table->database;
  (*json)["CatalogId"] = call.catalog;
  (*json)["UpdateTime"] = call.now;
  table->json = Dump(*json);
  // A crawler may have been quicker: the version is compared again where it is written.
  const auto updated = call.Glue().ReplaceTable(*table, !call.request.value("SkipArchive", false));
  if (!updated) return Translated(updated.error());
  if (!*updated) return Concurrent();
  return Json::object();
}

Answer<void> DropTable(const CallState& call, const std::string& name) {
  auto table = call.TableNamed(name);
  if (!table) return std::unexpected(table.error());
  const auto deleted = call.store.DeleteGlueTable(call.catalog, table->database, table->name);
  if (!deleted) return Translated(deleted.error());
  if (!*deleted) return NotFound(fmt::format("Table {} not found.", table->name));
  DropTags(call, call.Arn("table/" + table->database + "/" + table->name));
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

constexpr auto kOperations = std::to_array<Operation>({
    {"CreateTable", CreateTable, true},
    {"GetTable", GetTable},
    {"GetTables", GetTables},
    {"UpdateTable", UpdateTable, true},
    {"DeleteTable", DeleteTable, true},
    {"BatchDeleteTable", BatchDeleteTable, true},
});

}  // namespace

Json TableOf(const control::GlueTable& table) {
  Json json = Stored(table.json);
  json["Name"] = table.name;
  json["DatabaseName"] = table.database;
  json["CatalogId"] = table.catalog_id;
  json["VersionId"] = std::to_string(table.version);
  json["IsRegisteredWithLakeFormation"] = false;
  return json;
}

std::vector<PartitionKey> KeysOf(const control::GlueTable& table) {
  std::vector<PartitionKey> keys;
  const Json json = Stored(table.json);
  for (const Json& key : json.value("PartitionKeys", Json::array()))
    keys.push_back({Text(key, "Name"), Text(key, "Type")});
  return keys;
}

std::span<const Operation> TableOperations() { return kOperations; }

}  // namespace skep::glue
