#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/glue/operations.h"
#include "base/text.h"

namespace skep::glue {
namespace {

Json DatabaseOf(const control::GlueDatabase& database) {
  Json json = Stored(database.json);
  json["Name"] = database.name;
  json["CatalogId"] = database.catalog_id;
  return json;
}

Answer<Json> CreateDatabase(const CallState& call) {
  if (auto checked = CheckTags(call.request); !checked) return std::unexpected(checked.error());
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
  const auto made = call.store.CreateGlueDatabase({call.catalog, name, Dump(json)});
  if (!made && made.error().kind == ErrorKind::kDuplicateObject)
    return Exists("Database already exists.");
  if (!made) return Translated(made.error());
  if (auto kept = KeepTags(call, call.Arn("database/" + name)); !kept)
    return std::unexpected(kept.error());
  return Json::object();
}

Answer<Json> GetDatabase(const CallState& call) {
  auto database = call.Database("Name");
  if (!database) return std::unexpected(database.error());
  return Json{{"Database", DatabaseOf(*database)}};
}

Answer<Json> GetDatabases(const CallState& call) {
  Json out = {{"DatabaseList", Json::array()}};
  // Nothing is shared or federated here.
  const std::string shared = Text(call.request, "ResourceShareType");
  if (shared == "FOREIGN" || shared == "FEDERATED") return out;
  auto found = call.store.ListGlueDatabases(call.catalog);
  if (!found) return Translated(found.error());
  auto page = Page(std::move(*found), call.request, kDefaultPage, out,
                   [](const auto& d) { return Json(d.name); });
  if (!page) return std::unexpected(page.error());
  const auto wanted = Texts(call.request, "AttributesToGet");
  for (const auto& database : *page) {
    Json json = DatabaseOf(database);
    if (!wanted.empty()) {
      Json less = {{"Name", database.name}, {"CatalogId", database.catalog_id}};
      if (std::ranges::find(wanted, "TARGET_DATABASE") != wanted.end() &&
          json.contains("TargetDatabase"))
        less["TargetDatabase"] = json["TargetDatabase"];
      json = std::move(less);
    }
    out["DatabaseList"].push_back(std::move(json));
  }
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
  database->json = Dump(json);
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
  DropTags(call, call.Arn("database/" + name));
  return Json::object();
}

constexpr auto kOperations = std::to_array<Operation>({
    {"CreateDatabase", CreateDatabase, true},
    {"GetDatabase", GetDatabase},
    {"GetDatabases", GetDatabases},
    {"UpdateDatabase", UpdateDatabase, true},
    {"DeleteDatabase", DeleteDatabase, true},
});

}  // namespace

std::span<const Operation> DatabaseOperations() { return kOperations; }

}  // namespace skep::glue
