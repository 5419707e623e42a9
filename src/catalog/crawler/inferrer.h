// Who finds the schema of one object. The gateway gives the work to a scratch worker, because files
// are hostile.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "identity/role_chain.h"
#include "ipc/messages.h"

namespace skep::catalog {

struct SampleObject {
  std::string path;  // s3://bucket/key
  std::string etag;
  uint64_t size = 0;
  std::string format;       // "csv", "json", "parquet" by the name; empty = find out
  std::string compression;  // "", "gzip", "zstd"
  std::vector<std::pair<std::string, std::string>> options = {};  // ipc::InferRequest's
};

class Inferrer {
 public:
  virtual ~Inferrer() = default;
  // Blocks until the schema is known. Called on the crawl's own thread. Errors: kDataException (not
  // of that format) skips the object; any other ends the crawl.
  virtual Result<ipc::InferReply> Infer(const SampleObject& object,
                                        const identity::Credentials& credentials) = 0;
};

}  // namespace skep::catalog
