#include <fmt/format.h>

#include <array>

#include "api/glue/operations.h"

namespace skep::glue {
namespace {

constexpr const char* kKind = "classifier";
constexpr std::array kTypes = {"GrokClassifier", "XMLClassifier", "JsonClassifier",
                               "CsvClassifier"};

// The one of the four members that the request gives.
Answer<std::string> TypeOf(const Json& json) {
  std::string type;
  for (const char* candidate : kTypes) {
    if (!json.contains(candidate)) continue;
    if (!type.empty()) return InvalidInput("Exactly one classifier must be given.");
    type = candidate;
  }
  if (type.empty()) return InvalidInput("Exactly one classifier must be given.");
  return type;
}

Answer<control::GlueObject> Find(const CallState& call, const std::string& name) {
  auto found = call.Glue().GetObject(call.catalog, kKind, "", name);
  if (!found) return Translated(found.error());
  if (!*found) return NotFound(fmt::format("Classifier {} not found.", name));
  return std::move(**found);
}

Answer<Json> CreateClassifier(const CallState& call) {
  const auto type = TypeOf(call.request);
  if (!type) return std::unexpected(type.error());
  Json classifier = call.request[*type];
  classifier["CreationTime"] = call.now;
  classifier["LastUpdated"] = call.now;
  classifier["Version"] = 1;
  const std::string name = Text(classifier, "Name");
  const auto made = call.Glue().CreateObject(
      {call.catalog, kKind, "", name, Dump({{*type, std::move(classifier)}})});
  if (!made && made.error().kind == ErrorKind::kDuplicateObject)
    return Exists(fmt::format("Classifier {} already exists.", name));
  if (!made) return Translated(made.error());
  return Json::object();
}

Answer<Json> GetClassifier(const CallState& call) {
  auto found = Find(call, Text(call.request, "Name"));
  if (!found) return std::unexpected(found.error());
  return Json{{"Classifier", Stored(found->json)}};
}

Answer<Json> GetClassifiers(const CallState& call) {
  auto found = call.Glue().ListObjects(call.catalog, kKind, "");
  if (!found) return Translated(found.error());
  Json out = {{"Classifiers", Json::array()}};
  auto page = Page(std::move(*found), call.request, kDefaultPage, out,
                   [](const auto& c) { return Json(c.name); });
  if (!page) return std::unexpected(page.error());
  for (const auto& classifier : *page) out["Classifiers"].push_back(Stored(classifier.json));
  return out;
}

Answer<Json> UpdateClassifier(const CallState& call) {
  const auto type = TypeOf(call.request);
  if (!type) return std::unexpected(type.error());
  const Json& changes = call.request[*type];
  auto found = Find(call, Text(changes, "Name"));
  if (!found) return std::unexpected(found.error());
  Json json = Stored(found->json);
  if (!json.contains(*type))
    return InvalidInput(fmt::format("Classifier {} is no {}.", found->name, *type));
  Json& classifier = json[*type];
  classifier.update(changes);
  classifier["LastUpdated"] = call.now;
  classifier["Version"] = classifier.value("Version", int64_t{1}) + 1;
  found->json = Dump(json);
  if (const auto put = call.Glue().PutObject(*found); !put) return Translated(put.error());
  return Json::object();
}

Answer<Json> DeleteClassifier(const CallState& call) {
  const std::string name = Text(call.request, "Name");
  const auto deleted = call.Glue().DeleteObject(call.catalog, kKind, "", name);
  if (!deleted) return Translated(deleted.error());
  if (!*deleted) return NotFound(fmt::format("Classifier {} not found.", name));
  return Json::object();
}

constexpr auto kOperations = std::to_array<Operation>({
    {"CreateClassifier", CreateClassifier, true},
    {"GetClassifier", GetClassifier},
    {"GetClassifiers", GetClassifiers},
    {"UpdateClassifier", UpdateClassifier, true},
    {"DeleteClassifier", DeleteClassifier, true},
});

}  // namespace

std::span<const Operation> ClassifierOperations() { return kOperations; }

}  // namespace skep::glue
