#include "worker/result_cache.h"

#include <array>

#include "base/bytes.h"

namespace skep::worker {
namespace {

constexpr size_t kEntryBytes = 200;
// Words of the emitter's that depend on the moment, on chance, on other sessions or on files
// outside. The emitter writes every function and relation there is, so the list is complete; a
// literal that happens to hold one only costs the cache.
constexpr std::array<std::string_view, 22> kUnstable = {
    "\"volatile ",        "getdate",  "sysdate",   "timeofday", "'now",
    "yesterday",          "tomorrow", "now(",      "random",    "current_",
    "localtime",          "today",    "skep_lake", "pg_",       "duckdb_",
    "information_schema", "nextval",  "uuid",      "rs_kept",   "rs_external",
    "rs_last_",           "rs_show_"};

size_t BytesOf(const ResultCache::Entry& entry) {
  return entry.key.size() + entry.frames.size() + kEntryBytes;
}

}  // namespace

std::string ResultCache::KeyOf(const ipc::ExecuteStatement& request) {
  ByteWriter w;
  w.Bool(request.describe).U32(static_cast<uint32_t>(request.result_formats.size()));
  for (const uint16_t format : request.result_formats) w.U16(format);
  w.U32(static_cast<uint32_t>(request.parameter_types.size()));
  for (const uint32_t type : request.parameter_types) w.U32(type);
  w.U32(static_cast<uint32_t>(request.parameters.size()));
  for (const auto& parameter : request.parameters) {
    w.Bool(parameter.value.has_value()).U16(parameter.format);
    if (parameter.value) w.String(*parameter.value);
  }
  w.Raw(request.text);
  return w.Take();
}

bool ResultCache::IsStable(std::string_view emitted) {
  for (const std::string_view word : kUnstable) {
    if (emitted.find(word) != std::string_view::npos) return false;
  }
  return true;
}

const ResultCache::Entry* ResultCache::Find(const std::string& key, const WriteClock& clock) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  if (clock.Since(found->second->seen)) {
    Drop(found->second);
    return nullptr;
  }
  recent_.splice(recent_.begin(), recent_, found->second);
  return &recent_.front();
}

void ResultCache::Keep(Entry entry) {
  if (entry.frames.size() > kMostResultBytes || entry.key.size() > kMostResultBytes) return;
  if (const auto old = entries_.find(entry.key); old != entries_.end()) Drop(old->second);
  bytes_ += BytesOf(entry);
  recent_.push_front(std::move(entry));
  entries_[recent_.front().key] = recent_.begin();
  while (bytes_ > kMostBytes) Drop(std::prev(recent_.end()));
}

void ResultCache::Drop(std::list<Entry>::iterator entry) {
  bytes_ -= BytesOf(*entry);
  entries_.erase(entry->key);
  recent_.erase(entry);
}

void ResultCache::Clear() {
  entries_.clear();
  recent_.clear();
  bytes_ = 0;
}

}  // namespace skep::worker
