#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/glue/name_pattern.h"
#include "api/glue/operations.h"
#include "base/text.h"

namespace skep::glue {
namespace {

constexpr const char* kKind = "function";

Json FunctionOf(const control::GlueObject& object) {
  Json json = Stored(object.json);
  json["FunctionName"] = object.name;
  json["DatabaseName"] = object.parent;
  json["CatalogId"] = object.catalog_id;
  return json;
}

std::unexpected<Failure> NoFunction(const std::string& name) {
  return NotFound(fmt::format("Function {} not found.", name));
}

Answer<Json> CreateFunction(const CallState& call) {
  auto database = call.Database();
  if (!database) return std::unexpected(database.error());
  Json json = call.request["FunctionInput"];
  const std::string name = Text(json, "FunctionName");
  if (name.empty()) return InvalidInput("A function must have a FunctionName.");
  json["CreateTime"] = call.now;
  const auto made =
      call.Glue().CreateObject({call.catalog, kKind, database->name, name, Dump(json)});
  if (!made && made.error().kind == ErrorKind::kDuplicateObject)
    return Exists("Function already exists.");
  if (!made) return Translated(made.error());
  return Json::object();
}

Answer<control::GlueObject> Find(const CallState& call) {
  auto database = call.Database();
  if (!database) return std::unexpected(database.error());
  const std::string name = Text(call.request, "FunctionName");
  auto found = call.Glue().GetObject(call.catalog, kKind, database->name, name);
  if (!found) return Translated(found.error());
  if (!*found) return NoFunction(name);
  return std::move(**found);
}

Answer<Json> GetFunction(const CallState& call) {
  auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  return Json{{"UserDefinedFunction", FunctionOf(*found)}};
}

Answer<Json> GetFunctions(const CallState& call) {
  std::optional<std::string> parent;
  if (call.request.contains("DatabaseName")) {
    auto database = call.Database();
    if (!database) return std::unexpected(database.error());
    parent = database->name;
  }
  const auto pattern = NamePattern::Compile(AsExpression(Text(call.request, "Pattern")));
  if (!pattern) return InvalidInput(pattern.error().message);
  auto found = call.Glue().ListObjects(call.catalog, kKind, parent);
  if (!found) return Translated(found.error());
  const std::string type = Text(call.request, "FunctionType");
  std::erase_if(*found, [&](const control::GlueObject& function) {
    return !pattern->Matches(function.name) ||
           (!type.empty() && Text(Stored(function.json), "FunctionType") != type);
  });
  Json out = {{"UserDefinedFunctions", Json::array()}};
  auto page = Page(std::move(*found), call.request, kDefaultPage, out,
                   [](const auto& f) { return Json::array({f.parent, f.name}); });
  if (!page) return std::unexpected(page.error());
  for (const auto& function : *page) out["UserDefinedFunctions"].push_back(FunctionOf(function));
  return out;
}

Answer<Json> UpdateFunction(const CallState& call) {
  auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  Json json = call.request["FunctionInput"];
  if (const std::string name = Text(json, "FunctionName"); !name.empty() && name != found->name)
    return InvalidInput("A function cannot be renamed.");
  const Json old = Stored(found->json);
  if (old.contains("CreateTime")) json["CreateTime"] = old["CreateTime"];
  found->json = Dump(json);
  if (const auto put = call.Glue().PutObject(*found); !put) return Translated(put.error());
  return Json::object();
}

Answer<Json> DeleteFunction(const CallState& call) {
  auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  const auto deleted = call.Glue().DeleteObject(call.catalog, kKind, found->parent, found->name);
  if (!deleted) return Translated(deleted.error());
  if (!*deleted) return NoFunction(found->name);
  return Json::object();
}

constexpr auto kOperations = std::to_array<Operation>({
    {"CreateUserDefinedFunction", CreateFunction, true},
    {"GetUserDefinedFunction", GetFunction},
    {"GetUserDefinedFunctions", GetFunctions},
    {"UpdateUserDefinedFunction", UpdateFunction, true},
    {"DeleteUserDefinedFunction", DeleteFunction, true},
});

}  // namespace

std::span<const Operation> FunctionOperations() { return kOperations; }

}  // namespace skep::glue
