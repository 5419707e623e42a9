// The embedded driver of the control store: one SQLite file in WAL mode, synced on every commit,
// shared by the gateway and by the command line's verbs while the gateway runs. One connection
// behind a mutex; statements are prepared once.
#pragma once

#include <memory>
#include <string>

#include "control/store.h"

namespace skep::control {

struct SqliteOptions {
  int busy_timeout_ms = 10000;  // how long to wait for another process's write
};

// Opens or creates the file (mode 0600) and migrates it. Errors: kIoError (not a control store,
// corrupt, made by a newer Skep, unreadable), kDiskFull.
Result<std::unique_ptr<Store>> OpenSqlite(const std::string& path, const SqliteOptions& options);

}  // namespace skep::control
