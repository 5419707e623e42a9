#include "jobs/lake_event.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/crypto.h"
#include "catalog/json_members.h"

namespace skep::jobs {
namespace {

using catalog::MemberOf;
using catalog::TextOf;
using Json = nlohmann::json;

constexpr size_t kMostRecords = 10'000;
constexpr int kMostDepth = 32;
constexpr int kMostEnvelopes = 3;
constexpr size_t kMostKeyBytes = 1024;

std::unexpected<Error> Unknown(const char* why) {
  return Fail(ErrorKind::kInvalidArgument, std::string("the body is no event: ") + why);
}

// Counts before the parser recurses.
bool TooDeep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') i++;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMostDepth) return true;
    } else if (c == '}' || c == ']') {
      depth--;
    }
  }
  return false;
}

std::vector<std::string> KeysOf(const std::string& key) {
  std::vector<std::string> keys = {key};
  std::string plain = key;
  std::ranges::replace(plain, '+', ' ');
  if (auto decoded = UriDecode(plain); decoded && *decoded != key) keys.push_back(*decoded);
  return keys;
}

void Add(const std::string& bucket, const Json& object, const std::string& name,
         std::vector<LakeEvent>& out) {
  const std::string key = TextOf(object, "key");
  const bool created = name.find("ObjectCreated") != std::string::npos || name == "Object Created";
  const bool removed = name.find("ObjectRemoved") != std::string::npos ||
                       name.find("LifecycleExpiration") != std::string::npos ||
                       name == "Object Deleted";
  if (bucket.empty() || key.empty() || key.size() > kMostKeyBytes * 3 || (!created && !removed))
    return;
  LakeEvent event;
  event.bucket = bucket;
  event.keys = KeysOf(key);
  event.removed = removed;
  event.etag = TextOf(object, "eTag");
  if (event.etag.empty()) event.etag = TextOf(object, "etag");
  std::erase(event.etag, '"');
  if (const Json& size = MemberOf(object, "size"); size.is_number_unsigned())
    event.size = size.get<uint64_t>();
  out.push_back(std::move(event));
}

Result<void> AddRecords(const Json& records, std::vector<LakeEvent>& out) {
  if (records.size() > kMostRecords) return Unknown("it has too many records");
  for (const Json& record : records) {
    const Json& s3 = MemberOf(record, "s3");
    if (!s3.is_object()) return Unknown("a record has no member s3");
    Add(TextOf(MemberOf(s3, "bucket"), "name"), MemberOf(s3, "object"), TextOf(record, "eventName"),
        out);
  }
  return {};
}

Result<void> Read(std::string_view body, int envelopes, std::vector<LakeEvent>& out) {
  if (TooDeep(body)) return Unknown("it is nested too deep");
  const Json json = Json::parse(body, nullptr, false);
  if (json.is_array()) return AddRecords(json, out);  // versitygw before 1.0
  if (!json.is_object()) return Unknown("it is no JSON object");
  if (const Json& records = MemberOf(json, "Records"); records.is_array())
    return AddRecords(records, out);
  if (const std::string type = TextOf(json, "detail-type"); !type.empty()) {  // EventBridge
    const Json& detail = MemberOf(json, "detail");
    Add(TextOf(MemberOf(detail, "bucket"), "name"), MemberOf(detail, "object"), type, out);
    return {};
  }
  if (TextOf(json, "Type") == "Notification") {  // SNS
    if (envelopes >= kMostEnvelopes) return Unknown("it is wrapped too often");
    return Read(TextOf(json, "Message"), envelopes + 1, out);
  }
  if (TextOf(json, "Event") == "s3:TestEvent") return {};
  return Unknown("its shape is not known");
}

}  // namespace

Result<std::vector<LakeEvent>> ParseLakeEvents(std::string_view body) {
  std::vector<LakeEvent> events;
  SKEP_TRY(Read(body, 0, events));
  return events;
}

}  // namespace skep::jobs
