// Databases as the engine's own files, one each: <directory>/databases/<name>.duckdb with a
// write-ahead log beside it.
#pragma once

#include <memory>
#include <set>

#include "worker/storage/store.h"

namespace skep::worker {

// `directory` is the workspace's; it exists and is writable.
std::unique_ptr<Store> MakeNativeStore(std::string directory);

}  // namespace skep::worker
