// Small results of a session's queries, kept as the frames that were sent, for when the same query
// comes again and nothing was written in between. What Redshift calls result caching
// (enable_result_cache_for_session).
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "ipc/messages.h"
#include "worker/engine.h"

namespace skep::worker {

class ResultCache {
 public:
  static constexpr size_t kMostResultBytes = 16u << 10;
  static constexpr size_t kMostBytes = 1u << 20;

  struct Entry {
    std::string key;
    std::string frames;  // encoded kRows frames
    uint64_t rows = 0;
    WriteClock::Moment seen;  // taken before its transaction began
  };

  // What makes two requests the same: text, parameters, formats, whether the rows are described.
  static std::string KeyOf(const ipc::ExecuteStatement& request);
  // True when the engine's SQL answers the same whenever it is asked, as long as nothing is
  // written.
  static bool IsStable(std::string_view emitted);

  // nullptr when it is not there, or data was written since.
  const Entry* Find(const std::string& key, const WriteClock& clock);
  void Keep(Entry entry);
  void Clear();

 private:
  void Drop(std::list<Entry>::iterator entry);

  std::list<Entry> recent_;                                                   // newest first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> entries_;  // by Entry::key
  size_t bytes_ = 0;
};

}  // namespace skep::worker
