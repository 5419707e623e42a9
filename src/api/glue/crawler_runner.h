// What the Glue API needs of whoever runs crawls.
#pragma once

#include <string>

#include "base/error.h"

namespace skep::glue {

class CrawlerRunner {
 public:
  virtual ~CrawlerRunner() = default;
  // Both block for the control store; called on the blocking pool.
  // Start returns once the crawler is RUNNING. Errors: kUndefinedObject, kConflict (it runs or is
  // stopping).
  virtual Result<void> Start(const std::string& account, const std::string& crawler) = 0;
  // Errors: kUndefinedObject, kConflict (it does not run, or is stopping already).
  virtual Result<void> Stop(const std::string& account, const std::string& crawler) = 0;
};

}  // namespace skep::glue
