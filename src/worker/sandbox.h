// Confines a worker process to its own directories before it opens the engine or starts a thread:
// resource limits, namespaces, capabilities, Landlock, seccomp. Late confinement leaks (threads
// that exist stay free), so this is called once, single-threaded. Source: landlock(7), seccomp(2),
// namespaces(7).
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace skep::worker {

struct SandboxPlan {
  std::vector<std::string> writable;  // directories; must exist
  std::vector<std::string> readable;  // directories or files; those that do not exist are left out
};

struct SandboxReport {
  // One entry per layer: "landlock=7", "seccomp=on", "namespaces=net,ipc,uts", "capabilities=none".
  std::vector<std::string> layers;
  // What this kernel does not offer, with the reason: "landlock: Function not implemented".
  std::vector<std::string> missing;
  bool files = false;  // Landlock is in force
  bool calls = false;  // seccomp is in force

  // Both layers that nothing else replaces are there.
  bool complete() const { return files && calls; }
  std::string Summary() const;
};

// Locks this process down for good. A layer that the kernel lacks is reported, not an error.
// Errors: kIoError when a directory cannot be opened or a layer that the kernel has cannot be put
// in force.
Result<SandboxReport> LockDown(const SandboxPlan& plan);

// Asks that this process dies with its parent; false when the parent is gone already.
bool DieWithParent(int parent_pid);

}  // namespace skep::worker
