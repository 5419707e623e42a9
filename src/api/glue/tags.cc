#include <fmt/format.h>

#include <array>

#include "api/glue/operations.h"
#include "base/log.h"
#include "base/text.h"

namespace skep::glue {
namespace {

constexpr const char* kKind = "tags";
constexpr size_t kMaxTags = 50;

std::unexpected<Failure> NoResource(const std::string& arn) {
  return NotFound(fmt::format("Resource {} not found.", arn));
}

// Whether what the part behind the account names is there.
Answer<bool> Exists(const CallState& call, const std::string& type, const std::string& name) {
  const auto known = [](const auto& found) -> Answer<bool> {
    if (!found) return Translated(found.error());
    return found->has_value();
  };
  if (type == "catalog") return name.empty();
  if (type == "database") return known(call.store.GetGlueDatabase(call.catalog, Lower(name)));
  if (type == "crawler") return known(call.store.GetCrawler(call.catalog, name));
  if (type == "connection" || type == "trigger" || type == "workflow")
    return known(call.Glue().GetObject(call.catalog, type, "", name));
  const size_t slash = name.find('/');
  if (slash == std::string::npos) return false;
  const std::string database = Lower(name.substr(0, slash)), object = name.substr(slash + 1);
  if (type == "table") return known(call.store.GetGlueTable(call.catalog, database, Lower(object)));
  if (type == "userDefinedFunction")
    return known(call.Glue().GetObject(call.catalog, "function", database, object));
  return false;
}

// The ARN of something that there is in the caller's account.
Answer<std::string> ReadArn(const CallState& call) {
  const std::string arn = Text(call.request, "ResourceArn");
  std::vector<std::string> parts;
  std::string rest = arn;
  for (int i = 0; i < 5; i++) {
    const size_t colon = rest.find(':');
    if (colon == std::string::npos)
      return InvalidInput(fmt::format("Resource ARN {} is not valid.", arn));
    parts.push_back(rest.substr(0, colon));
    rest.erase(0, colon + 1);
  }
  if (parts[0] != "arn" || parts[2] != "glue")
    return InvalidInput(fmt::format("Resource ARN {} is not valid.", arn));
  if (parts[4] != call.catalog)
    return Refuse("AccessDeniedException",
                  fmt::format("Account {} may not use {}.", call.catalog, arn));
  const size_t slash = rest.find('/');
  const std::string type = rest.substr(0, slash);
  const std::string name = slash == std::string::npos ? std::string() : rest.substr(slash + 1);
  const auto there = Exists(call, type, name);
  if (!there) return std::unexpected(there.error());
  if (!*there) return NoResource(arn);
  return call.Arn(rest);
}

Answer<Json> TagsOf(const CallState& call, const std::string& arn) {
  const auto found = call.Glue().GetObject(call.catalog, kKind, "", arn);
  if (!found) return Translated(found.error());
  return *found ? Stored((*found)->json) : Json::object();
}

Answer<Json> PutTags(const CallState& call, const std::string& arn, const Json& tags) {
  if (tags.size() > kMaxTags)
    return InvalidInput(fmt::format("A resource has at most {} tags.", kMaxTags));
  const auto put = call.Glue().PutObject({call.catalog, kKind, "", arn, Dump(tags)});
  if (!put) return Translated(put.error());
  return Json::object();
}

Answer<Json> GetTags(const CallState& call) {
  const auto arn = ReadArn(call);
  if (!arn) return std::unexpected(arn.error());
  auto tags = TagsOf(call, *arn);
  if (!tags) return tags;
  return Json{{"Tags", std::move(*tags)}};
}

Answer<void> CheckValues(const Json& tags) {
  for (const auto& [key, value] : tags.items()) {
    if (key.starts_with("aws:")) return InvalidInput("Keys of tags must not begin with aws:.");
    if (value.get<std::string>().size() > 256 * 4)
      return InvalidInput(fmt::format("The value of tag {} is too long.", key));
  }
  return {};
}

Answer<Json> TagResource(const CallState& call) {
  const auto arn = ReadArn(call);
  if (!arn) return std::unexpected(arn.error());
  if (auto checked = CheckValues(call.request["TagsToAdd"]); !checked)
    return std::unexpected(checked.error());
  auto tags = TagsOf(call, *arn);
  if (!tags) return tags;
  tags->update(call.request["TagsToAdd"]);
  return PutTags(call, *arn, *tags);
}

Answer<Json> UntagResource(const CallState& call) {
  const auto arn = ReadArn(call);
  if (!arn) return std::unexpected(arn.error());
  auto tags = TagsOf(call, *arn);
  if (!tags) return tags;
  for (const std::string& key : Texts(call.request, "TagsToRemove")) tags->erase(key);
  return PutTags(call, *arn, *tags);
}

constexpr auto kOperations = std::to_array<Operation>({
    {"GetTags", GetTags},
    {"TagResource", TagResource, true},
    {"UntagResource", UntagResource, true},
});

}  // namespace

Answer<void> CheckTags(const Json& request) {
  const Json tags = request.value("Tags", Json::object());
  if (tags.size() > kMaxTags)
    return InvalidInput(fmt::format("A resource has at most {} tags.", kMaxTags));
  return CheckValues(tags);
}

Answer<void> KeepTags(const CallState& call, const std::string& arn) {
  const Json tags = call.request.value("Tags", Json::object());
  if (tags.empty()) return {};
  if (auto put = PutTags(call, arn, tags); !put) return std::unexpected(put.error());
  return {};
}

void DropTags(const CallState& call, const std::string& arn) {
  const auto dropped = call.Glue().DeleteObject(call.catalog, kKind, "", arn);
  if (!dropped) log::Warn("glue_tags_kept", {{"arn", arn}, {"error", dropped.error().message}});
}

bool HasTags(const CallState& call, const std::string& arn, const Json& wanted) {
  if (wanted.empty()) return true;
  const auto tags = TagsOf(call, arn);
  if (!tags) return false;
  for (const auto& [key, value] : wanted.items()) {
    if (!tags->contains(key) || (*tags)[key] != value) return false;
  }
  return true;
}

std::span<const Operation> TagOperations() { return kOperations; }

}  // namespace skep::glue
