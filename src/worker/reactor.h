// One thread per worker that waits for everything nobody else should wait for: sockets that were
// full, peers that went away, and deadlines. Its callbacks are short and take no lock that is held
// while something is waited for.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/unique_fd.h"

namespace skep::worker {

class Reactor {
 public:
  using Clock = std::chrono::steady_clock;

  // A socket under watch. Called on the reactor's thread.
  class Watched {
   public:
    virtual ~Watched() = default;
    virtual void Writable() = 0;
    virtual void PeerGone() = 0;
  };

  Reactor();
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Watches for the peer's end; answers the name for the calls below. The socket must be removed
  // before it is closed.
  uint64_t Add(int fd, std::weak_ptr<Watched> watched);
  // From here on Writable is called while the socket takes bytes, until WantsNoRoom.
  void WantsRoom(uint64_t id, int fd);
  void WantsNoRoom(uint64_t id, int fd);
  void Remove(uint64_t id, int fd);

  // Calls back once, at or soon after `when`. Answers a name for Forget.
  uint64_t At(Clock::time_point when, std::function<void()> callback);
  // The callback will not begin after this; it may be running.
  void Forget(uint64_t timer);

 private:
  void Run();
  int NextTimeout();
  void RunTimers();

  UniqueFd epoll_, wake_;
  std::mutex mutex_;
  bool stopping_ = false;
  uint64_t next_id_ = 1;
  std::unordered_map<uint64_t, std::weak_ptr<Watched>> watched_;
  std::map<std::pair<Clock::time_point, uint64_t>, std::function<void()>> timers_;
  std::unordered_map<uint64_t, Clock::time_point> timer_times_;
  std::thread thread_;
};

}  // namespace skep::worker
