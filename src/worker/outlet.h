// Where a session's frames leave the worker. Frames go to the socket at once while it takes them;
// what it does not take waits here and the reactor sends it on. Producers look at full() and step
// aside, so a slow client costs memory up to a mark and no thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/unique_fd.h"
#include "worker/frame.h"
#include "worker/reactor.h"

namespace skep::worker {

class Outlet final : public Reactor::Watched, public std::enable_shared_from_this<Outlet> {
 public:
  static constexpr size_t kHighWaterBytes = 4u << 20;
  static constexpr size_t kLowWaterBytes = 1u << 20;
  static constexpr size_t kHoldAtMostBytes = 256u << 10;

  // `gone` is called once, on the reactor's thread, when the gateway closed its end.
  static std::shared_ptr<Outlet> Open(UniqueFd socket, Reactor& reactor,
                                      std::function<void()> gone);
  ~Outlet() override;

  int fd() const { return socket_.get(); }
  // Sends a sealed frame, behind what waits. A frame that left at once is given back empty, to be
  // used again; else it is taken.
  void Push(Frame& frame);
  // Takes a sealed frame that need not go before the next one is pushed, unless many wait so.
  void Hold(Frame frame);
  bool full() const { return waiting_bytes_.load(std::memory_order_relaxed) > kHighWaterBytes; }
  // Calls `callback` once when there is room, or when Stop is called. False, and nothing is kept,
  // when that is so already.
  bool OnRoom(std::function<void()> callback);
  // Waits for room. False when stopped.
  bool WaitForRoom();
  // Waits until everything is sent, the peer is gone or the time is over.
  void Drain(std::chrono::milliseconds limit);

  // The running statement shall send no more: wakes its producers. Resume before the next one.
  void Stop();
  void Resume() { stopped_.store(false, std::memory_order_release); }
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }

  void Writable() override;
  void PeerGone() override;
  // Ends the watch; call before the last reference goes.
  void Close();

 private:
  Outlet(UniqueFd socket, Reactor& reactor, std::function<void()> gone)
      : socket_(std::move(socket)), reactor_(reactor), gone_(std::move(gone)) {}
  void Flush();
  std::vector<std::function<void()>> TakeWakers();

  UniqueFd socket_;
  Reactor& reactor_;
  std::function<void()> gone_;
  uint64_t watch_ = 0;
  std::atomic<size_t> waiting_bytes_ = 0;
  std::atomic<bool> stopped_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Frame> waiting_;
  std::vector<std::function<void()>> wakers_;
  bool armed_ = false;
  bool dead_ = false;
};

}  // namespace skep::worker
