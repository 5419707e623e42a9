// What worker_test is when a test starts it as another process: the owner of a store that reports
// over its standard output and is killed.
#pragma once

#include <string>

namespace skep::worker {

// `verb` is "own" (keeps the database open) or "commit" (commits without end, one line for each).
// Answers the exit code.
int StoreChild(const std::string& verb, const std::string& folder);

}  // namespace skep::worker
