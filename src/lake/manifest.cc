#include "lake/manifest.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace skep::lake {
namespace {

using Json = nlohmann::json;

// Takes entries out of a manifest as they are parsed and keeps nothing else, so that a manifest
// costs no more memory than what it names.
class Entries {
 public:
  bool OnEvent(int depth, Json::parse_event_t event, Json& value) {
    using Event = Json::parse_event_t;
    constexpr int kRoot = 0, kList = 1, kEntry = 2, kMember = 3, kMetaMember = 4;
    if (!why.empty()) return false;
    switch (event) {
      case Event::key:
        if (depth == kList) {
          inside_ = value == "entries";
          return inside_;
        }
        if (depth == kMember) return value == "url" || value == "mandatory" || value == "meta";
        return depth == kMetaMember && value == "content_length";
      case Event::object_start:
        if (depth == kRoot) root = true;
        return depth != kList && depth < kMetaMember;
      case Event::array_start:
        if (inside_ && depth == kList) list = true;
        if (inside_ && depth == kEntry) Bad("has no \"url\"");
        return inside_ && depth == kList;
      case Event::object_end:
        if (!inside_ || depth != kEntry) return true;
        Add(value);
        return false;
      case Event::value:
        if (inside_ && depth == kEntry) Bad("has no \"url\"");
        return true;
      default:
        return true;
    }
  }

  std::vector<ManifestEntry> entries;
  bool root = false, list = false;
  std::string why;

 private:
  bool inside_ = false;  // of the member "entries"

  void Bad(std::string_view what) { why = fmt::format("entry {} {}", entries.size() + 1, what); }
  void Add(const Json& one) {
    ManifestEntry entry;
    const auto url = one.find("url");
    if (url == one.end() || !url->is_string()) return Bad("has no \"url\"");
    entry.url = url->get<std::string>();
    if (const auto mandatory = one.find("mandatory"); mandatory != one.end()) {
      if (!mandatory->is_boolean()) return Bad("has a \"mandatory\" that is no truth value");
      entry.mandatory = mandatory->get<bool>();
    }
    if (const auto meta = one.find("meta"); meta != one.end() && meta->is_object()) {
      if (const auto length = meta->find("content_length"); length != meta->end()) {
        if (!length->is_number_unsigned()) return Bad("has a \"content_length\" that is no length");
        entry.content_length = length->get<uint64_t>();
      }
    }
    entries.push_back(std::move(entry));
  }
};

}  // namespace

Result<std::vector<ManifestEntry>> ReadManifest(std::string_view text, std::string_view name) {
  const auto bad = [&](std::string_view why) {
    return Fail(ErrorKind::kDataException, fmt::format("{} is not a manifest: {}", name, why));
  };
  Entries in;
  const auto json = Json::parse(
      text,
      [&in](int depth, Json::parse_event_t event, Json& value) {
        return in.OnEvent(depth, event, value);
      },
      false);
  if (!in.why.empty()) return bad(in.why);
  if (!in.root || !json.is_object()) return bad("it is not a JSON object");
  if (!in.list) return bad("it has no array \"entries\"");
  return std::move(in.entries);
}

}  // namespace skep::lake
