#include "lake/manifest.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace skep::lake {

Result<std::vector<ManifestEntry>> ReadManifest(std::string_view text, std::string_view name) {
  const auto bad = [&](std::string_view why) {
    return Fail(ErrorKind::kDataException, fmt::format("{} is not a manifest: {}", name, why));
  };
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return bad("it is not a JSON object");
  const auto list = json.find("entries");
  if (list == json.end() || !list->is_array()) return bad("it has no array \"entries\"");
  std::vector<ManifestEntry> entries;
  entries.reserve(list->size());
  for (const auto& one : *list) {
    ManifestEntry entry;
    const auto url = one.is_object() ? one.find("url") : one.end();
    if (!one.is_object() || url == one.end() || !url->is_string())
      return bad(fmt::format("entry {} has no \"url\"", entries.size() + 1));
    entry.url = url->get<std::string>();
    if (const auto mandatory = one.find("mandatory"); mandatory != one.end()) {
      if (!mandatory->is_boolean())
        return bad(fmt::format("\"mandatory\" of entry {} is no truth value", entries.size() + 1));
      entry.mandatory = mandatory->get<bool>();
    }
    if (const auto meta = one.find("meta"); meta != one.end() && meta->is_object()) {
      if (const auto length = meta->find("content_length"); length != meta->end()) {
        if (!length->is_number_unsigned())
          return bad(
              fmt::format("\"content_length\" of entry {} is no length", entries.size() + 1));
        entry.content_length = length->get<uint64_t>();
      }
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace skep::lake
