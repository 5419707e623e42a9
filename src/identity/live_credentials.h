// Credentials of something that may run longer than a session of its role: a scan, an UNLOAD, a
// COPY. Shortly before they expire the chain is walked anew, so that trust and policies count as
// they are by then; a refusal ends whatever used them. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "identity/role_chain.h"

namespace skep::identity {

class LiveCredentials {
 public:
  using Pointer = std::shared_ptr<const Credentials>;
  using Walk = std::function<Result<Credentials>()>;

  // `walk` answers the next session's credentials; empty: there is none after the first. `now_s`:
  // seconds since the epoch; empty = the system's clock.
  explicit LiveCredentials(Credentials first, Walk walk = {}, std::function<int64_t()> now_s = {});
  LiveCredentials(const LiveCredentials&) = delete;
  LiveCredentials& operator=(const LiveCredentials&) = delete;

  // What the next request is asked of and signed with. May walk, so it blocks; one thread walks for
  // all. A walk that cannot be made (a service is down) is tried again while the session lasts.
  // Errors: those of the walk, with a message that says that a session was to be renewed; a refusal
  // is final.
  Result<Pointer> Current();
  // The same without blocking: null when the credentials have to be renewed first.
  Pointer Fresh() const;
  // The last there were, whatever became of them: for accounts, names, and to clean up with.
  Pointer Last() const;

 private:
  bool Due(int64_t now_s) const;
  void Keep(Credentials credentials, int64_t now_s);

  const Walk walk_;
  const std::function<int64_t()> now_s_;
  mutable std::mutex mutex_;
  std::condition_variable walked_;
  bool walking_ = false;
  Pointer current_;
  int64_t due_s_ = 0;  // when to walk; 0 = never
  std::optional<Error> refused_;
};

}  // namespace skep::identity
