// Manifests of COPY: which objects to load. Source: the developer guide's "Using a manifest to
// specify data files".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::lake {

struct ManifestEntry {
  std::string url;                         // s3://bucket/key
  bool mandatory = false;                  // that it is missing fails the load
  std::optional<uint64_t> content_length;  // meta.content_length, bytes
};

// {"entries": [{"url": ..., "mandatory": ..., "meta": {"content_length": ...}}]}. `name` stands in
// messages. Errors: kDataException.
Result<std::vector<ManifestEntry>> ReadManifest(std::string_view text, std::string_view name);

}  // namespace skep::lake
