#include "lake/table_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <unordered_map>

#include "base/text.h"

namespace skep::lake {
namespace {

constexpr uint64_t kMaxManifestBytes = 64u << 20;
constexpr uint64_t kMaxInstantBytes = 64u << 20;
constexpr size_t kMaxInstants = 100'000;
constexpr size_t kMaxReplacements = 1'000;  // commits that are read for the groups they replace
constexpr size_t kFewFiles = 8;             // that are looked at one by one

std::unexpected<Error> Denied(const TableReader& reader, const char* action,
                              const std::string& bucket, const std::string& key) {
  return Fail(ErrorKind::kExternalDenied,
              fmt::format("{} is not authorized to perform: {} on s3://{}/{}",
                          reader.credentials.role, action, bucket, key));
}

Result<std::string> ReadObject(const TableReader& reader, const std::string& bucket,
                               const ObjectInfo& object, uint64_t most) {
  if (!reader.credentials.MayRead(bucket, object.key))
    return Denied(reader, "s3:GetObject", bucket, object.key);
  if (object.size > most)
    return Fail(ErrorKind::kPayloadTooLarge,
                fmt::format("s3://{}/{} is larger than {} MB", bucket, object.key, most >> 20));
  std::string text(object.size, '\0');
  if (!text.empty())
    SKEP_TRY(reader.store.GetRange(reader.credentials, bucket, object.key, object.etag, 0,
                                   std::span(text)));
  return text;
}

std::string_view FolderOf(std::string_view key) { return key.substr(0, key.rfind('/') + 1); }

// One manifest's lines, as keys.
Result<void> ReadLines(const std::string& text, const std::string& bucket,
                       const std::string& manifest, size_t most, std::vector<std::string>& keys) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    std::string in, key;
    if (!ParseS3Path(line, in, key) || key.empty())
      return Fail(
          ErrorKind::kDataException, "Invalid S3 Path.",
          fmt::format("Delta Lake manifest {} names \"{}\"", manifest, line.substr(0, 200)));
    if (in != bucket)
      return Fail(ErrorKind::kDataException,
                  fmt::format("Delta Lake manifest in bucket {} cannot contain entries in bucket "
                              "{}.",
                              bucket, in),
                  manifest);
    if (!keys.empty() && FolderOf(key) != FolderOf(keys.front()))
      return Fail(ErrorKind::kDataException,
                  "Delta Lake files are expected to be in the same folder.", manifest);
    if (keys.size() >= most)
      return Fail(ErrorKind::kPayloadTooLarge,
                  fmt::format("Delta Lake manifest {} names more than {} files", manifest, most));
    keys.push_back(std::move(key));
  }
  return {};
}

// The part of a file's name that Hudi's file group, and the instant that wrote it, are named by:
// <file id>_<write token>_<instant>.parquet.
struct HudiName {
  std::string_view group, instant;
};
std::optional<HudiName> HudiNameOf(std::string_view key) {
  std::string_view name = key.substr(FolderOf(key).size());
  constexpr std::string_view kEnd = ".parquet";
  if (!name.ends_with(kEnd)) return std::nullopt;
  name.remove_suffix(kEnd.size());
  const size_t last = name.rfind('_');
  if (last == std::string_view::npos || last == 0) return std::nullopt;
  const size_t token = name.rfind('_', last - 1);
  if (token == std::string_view::npos || token == 0) return std::nullopt;
  const std::string_view instant = name.substr(last + 1);
  if (instant.empty() || !std::ranges::all_of(instant, [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  return HudiName{name.substr(0, token), instant};
}

// Groups that a replacecommit names.
void TakeReplaced(const std::string& text, const std::string& instant, HudiTimeline& timeline) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return;
  const auto by_folder = json.find("partitionToReplaceFileIds");
  if (by_folder == json.end() || !by_folder->is_object()) return;
  for (const auto& [folder, ids] : by_folder->items()) {
    if (!ids.is_array()) continue;
    for (const auto& id : ids) {
      if (!id.is_string()) continue;
      auto& when = timeline.replaced[{folder, id.get<std::string>()}];
      when = std::max(when, instant);
    }
  }
}

Result<void> CheckProperties(const std::string& text) {
  const auto value = [&](std::string_view name) {
    const size_t at = text.find(std::string(name) + "=");
    if (at == std::string::npos) return std::string();
    const size_t start = at + name.size() + 1;
    return Lower(std::string_view(text).substr(start, text.find_first_of("\r\n", start) - start));
  };
  if (value("hoodie.table.type") == "merge_on_read")
    return Fail(ErrorKind::kFeatureNotSupported,
                "Hudi tables of type MERGE_ON_READ are not supported", {},
                "Copy-on-write tables can be read.");
  if (const std::string layout = value("hoodie.timeline.layout.version");
      !layout.empty() && layout != "0" && layout != "1")
    return Fail(ErrorKind::kFeatureNotSupported,
                fmt::format("Hudi's timeline layout {} is not supported", layout.substr(0, 20)));
  return {};
}

}  // namespace

Result<std::vector<ObjectInfo>> FilesOfManifests(const TableReader& reader,
                                                 const std::string& bucket,
                                                 const std::vector<ObjectInfo>& manifests) {
  std::vector<std::string> keys;
  std::string manifest;
  for (const ObjectInfo& one : manifests) {
    manifest = "s3://" + bucket + "/" + one.key;
    auto text = ReadObject(reader, bucket, one, kMaxManifestBytes);
    if (!text && text.error().kind == ErrorKind::kExternalNotFound)
      return Fail(ErrorKind::kExternalNotFound, "Error fetching Delta Lake manifest.", manifest);
    if (!text) return Fail(text.error());
    SKEP_TRY(ReadLines(*text, bucket, manifest, reader.most_files, keys));
  }
  const auto missing = [&](const std::string& key) {
    return Fail(ErrorKind::kExternalNotFound,
                fmt::format("File s3://{}/{} listed in Delta Lake manifest {} was not found.",
                            bucket, key, manifest));
  };
  for (const std::string& key : keys) {
    if (!reader.credentials.MayRead(bucket, key))
      return Denied(reader, "s3:GetObject", bucket, key);
  }
  std::vector<ObjectInfo> files;
  const std::string folder(keys.empty() ? std::string_view() : FolderOf(keys.front()));
  if (keys.size() <= kFewFiles || !reader.credentials.MayList(bucket, folder)) {
    for (const std::string& key : keys) {
      if (reader.stopped && reader.stopped())
        return Fail(ErrorKind::kQueryCanceled, "nobody waits for the table's files");
      auto file = reader.store.Head(reader.credentials, bucket, key);
      if (!file && file.error().kind == ErrorKind::kExternalNotFound) return missing(key);
      if (!file) return Fail(file.error());
      file->key = key;
      files.push_back(std::move(*file));
    }
    return files;
  }
  SKEP_TRY_ASSIGN(auto listed, ListAll(reader.store, reader.credentials, bucket, folder,
                                       reader.most_files, reader.stopped));
  std::unordered_map<std::string_view, const ObjectInfo*> by_key;
  for (const ObjectInfo& object : listed) by_key.emplace(object.key, &object);
  for (const std::string& key : keys) {
    const auto found = by_key.find(key);
    if (found == by_key.end()) return missing(key);
    files.push_back(*found->second);
  }
  return files;
}

Result<HudiTimeline> ReadHudiTimeline(const TableReader& reader, const std::string& bucket,
                                      const std::string& base) {
  const std::string place = base + ".hoodie/";
  const auto none = [&] {
    return Fail(ErrorKind::kDataException, "No valid Hudi commit timeline found",
                fmt::format("s3://{}/{}", bucket, place),
                "The LOCATION of a Hudi table is the folder that holds .hoodie.");
  };
  if (!reader.credentials.MayList(bucket, place))
    return Denied(reader, "s3:ListBucket", bucket, place);
  HudiTimeline timeline;
  std::vector<ObjectInfo> replacements;
  std::string next;
  bool properties = false;
  size_t instants = 0;
  do {
    if (reader.stopped && reader.stopped())
      return Fail(ErrorKind::kQueryCanceled, "nobody waits for the table's files");
    SKEP_TRY_ASSIGN(ListPage page, reader.store.List(reader.credentials, bucket, place, "/", next));
    for (ObjectInfo& object : page.objects) {
      const std::string_view name = std::string_view(object.key).substr(place.size());
      if (name == "hoodie.properties") {
        SKEP_TRY_ASSIGN(const std::string text,
                        ReadObject(reader, bucket, object, kMaxInstantBytes));
        SKEP_TRY(CheckProperties(text));
        properties = true;
        continue;
      }
      const size_t dot = name.find('.');
      const std::string_view instant = name.substr(0, dot),
                             kind = dot == std::string_view::npos ? "" : name.substr(dot + 1);
      if (kind != "commit" && kind != "replacecommit") continue;
      if (++instants > kMaxInstants)
        return Fail(
            ErrorKind::kPayloadTooLarge,
            fmt::format("s3://{}/{} holds more than {} commits", bucket, place, kMaxInstants));
      timeline.commits.emplace(instant);
      if (kind == "replacecommit") replacements.push_back(std::move(object));
    }
    next = std::move(page.next);
  } while (!next.empty());
  if (!properties || timeline.commits.empty()) return none();
  if (replacements.size() > kMaxReplacements)
    return Fail(ErrorKind::kPayloadTooLarge,
                fmt::format("s3://{}/{} holds more than {} commits that replace files", bucket,
                            place, kMaxReplacements));
  for (const ObjectInfo& object : replacements) {
    SKEP_TRY_ASSIGN(const std::string text, ReadObject(reader, bucket, object, kMaxInstantBytes));
    const std::string_view name = std::string_view(object.key).substr(place.size());
    TakeReplaced(text, std::string(name.substr(0, name.find('.'))), timeline);
  }
  return timeline;
}

void KeepHudiFiles(const HudiTimeline& timeline, std::string_view base,
                   std::vector<ObjectInfo>& objects) {
  // Instants are times: what is older than the oldest that is kept was committed and archived.
  const std::string_view oldest = *timeline.commits.begin();
  std::map<std::pair<std::string_view, std::string_view>, const ObjectInfo*> latest;
  std::map<std::pair<std::string_view, std::string_view>, std::string_view> instants;
  for (const ObjectInfo& object : objects) {
    const auto name = HudiNameOf(object.key);
    if (!name || (name->instant >= oldest && !timeline.commits.contains(name->instant))) continue;
    const std::pair group{FolderOf(object.key), name->group};
    auto& instant = instants[group];
    if (!instant.empty() && name->instant < instant) continue;
    instant = name->instant;
    latest[group] = &object;
  }
  std::vector<ObjectInfo> kept;
  for (const auto& [group, object] : latest) {
    std::string_view folder = group.first;
    if (folder.starts_with(base)) folder.remove_prefix(base.size());
    if (folder.ends_with('/')) folder.remove_suffix(1);
    const auto replaced = timeline.replaced.find({std::string(folder), std::string(group.second)});
    if (replaced != timeline.replaced.end() && instants[group] <= replaced->second) continue;
    kept.push_back(*object);
  }
  objects = std::move(kept);
}

}  // namespace skep::lake
