// One worker process: waits for its binding, confines itself, opens the engine, then serves the
// control socket and its sessions until it is told to end.
#pragma once

#include "base/unique_fd.h"

namespace skep::worker {

// Runs in a freshly forked, single-threaded process. Answers the exit code: 0 ended in order, 1
// could not start, 70 the engine is unusable (the next statement gets a new worker).
int RunWorker(UniqueFd control, UniqueFd lake);

}  // namespace skep::worker
