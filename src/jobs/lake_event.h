// Notifications of object stores: "this object was created, that one removed". Reads the shapes of
// S3 (event notification structure 2.x), EventBridge, SNS envelopes, MinIO and versitygw. Nothing
// in them is believed: they only say where to look.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::jobs {

struct LakeEvent {
  std::string bucket;
  // As sent and, when that is another, percent-decoded: senders do not agree on it.
  std::vector<std::string> keys;
  bool removed = false;
  std::string etag;  // empty = not told
  uint64_t size = 0;
};

// Takes events that a source sent of an account's store, which may speak of `buckets` (empty: all)
// alone. Returns once they are kept; an error: the sender has to repeat itself.
using EventSink = std::function<Result<void>(const std::string& source, const std::string& account,
                                             const std::vector<std::string>& buckets,
                                             const std::vector<LakeEvent>& events)>;

// The events of one message, none for test messages and for those of another kind. Errors:
// kInvalidArgument (not JSON of a known shape, more than 10,000 records, nested too deep).
Result<std::vector<LakeEvent>> ParseLakeEvents(std::string_view body);

}  // namespace skep::jobs
