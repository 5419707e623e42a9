// What the Glue API needs of whoever runs crawls and workflows.
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
  // A run of a workflow: its id. `trigger`: which of its triggers fires; empty: the one that starts
  // it. `properties`: a JSON object. Errors: kUndefinedObject, kInvalidArgument (nothing starts
  // it), kTooManyConnections (as many runs as it may have).
  virtual Result<std::string> StartRun(const std::string& account, const std::string& workflow,
                                       const std::string& trigger,
                                       const std::string& properties) = 0;
  // Errors: kUndefinedObject, kConflict (it does not run).
  virtual Result<void> StopRun(const std::string& account, const std::string& workflow,
                               const std::string& run) = 0;
  // Adds properties to those of a run. Errors: kUndefinedObject.
  virtual Result<void> PutRunProperties(const std::string& account, const std::string& workflow,
                                        const std::string& run, const std::string& properties) = 0;
};

}  // namespace skep::glue
