// Which resources of the catalog an operation touches, for policies. Source: Service Authorization
// Reference, "Actions, resources, and condition keys for AWS Glue".
#include <fmt/format.h>

#include "api/glue/glue_service.h"
#include "base/text.h"

namespace skep::glue {
namespace {

// A text of the request, in lower case as the catalog keeps names: asking for SECRET must not pass
// a deny of secret.
std::string TextIn(const api::Json& json, const char* name) {
  if (!json.is_object()) return {};
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? Lower(found->get<std::string>())
                                                   : std::string();
}

}  // namespace

std::vector<std::string> GlueService::Resources(const api::Context& context,
                                                std::string_view operation,
                                                const api::Json& request) const {
  const std::string root =
      fmt::format("arn:aws:glue:{}:{}:", context.region, context.caller.account);
  const auto inside = [&](const char* structure) {
    const auto found = request.find(structure);
    return found != request.end() ? TextIn(*found, "Name") : std::string();
  };
  if (operation.find("Crawler") != std::string_view::npos) {
    std::string name = TextIn(request, "Name");
    if (name.empty()) name = TextIn(request, "CrawlerName");
    return {root + "crawler/" + (name.empty() ? "*" : name)};
  }
  std::vector<std::string> resources = {root + "catalog"};
  const bool of_database = operation.find("Database") != std::string_view::npos;
  std::string database = of_database ? TextIn(request, "Name") : TextIn(request, "DatabaseName");
  if (of_database && database.empty()) database = inside("DatabaseInput");
  if (database.empty()) database = "*";
  resources.push_back(root + "database/" + database);
  if (of_database) return resources;
  std::string table = TextIn(request, "TableName");
  if (table.empty()) table = TextIn(request, "Name");
  if (table.empty()) table = inside("TableInput");
  if (const auto tables = request.find("TablesToDelete");
      tables != request.end() && tables->is_array() && tables->size() <= 1000) {
    for (const api::Json& one : *tables) {
      if (one.is_string())
        resources.push_back(
            fmt::format("{}table/{}/{}", root, database, Lower(one.get<std::string>())));
    }
    return resources;
  }
  resources.push_back(fmt::format("{}table/{}/{}", root, database, table.empty() ? "*" : table));
  return resources;
}

}  // namespace skep::glue
