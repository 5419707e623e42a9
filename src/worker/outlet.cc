#include "worker/outlet.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <utility>

namespace skep::worker {

std::shared_ptr<Outlet> Outlet::Open(UniqueFd socket, Reactor& reactor,
                                     std::function<void()> gone) {
  std::shared_ptr<Outlet> outlet(new Outlet(std::move(socket), reactor, std::move(gone)));
  const std::lock_guard lock(outlet->mutex_);  // the reactor may call at once
  outlet->watch_ = reactor.Add(outlet->fd(), outlet);
  return outlet;
}

Outlet::~Outlet() { Close(); }

void Outlet::Close() {
  const std::lock_guard lock(mutex_);
  if (watch_ != 0) reactor_.Remove(std::exchange(watch_, 0), fd());
}

// Sends what waits until the socket is full; asks the reactor to go on then. Under the lock.
void Outlet::Flush() {
  while (!waiting_.empty() && !dead_) {
    std::array<iovec, 16> parts;
    size_t count = 0;
    for (auto& frame : waiting_) {
      if (count == parts.size()) break;
      parts[count++] = {frame.data.get() + frame.sent, frame.size - frame.sent};
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t n = ::sendmsg(fd(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        dead_ = true;
        break;
      }
      if (!std::exchange(armed_, true)) reactor_.WantsRoom(watch_, fd());
      return;
    }
    auto left = static_cast<size_t>(n);
    waiting_bytes_ -= left;
    while (left > 0) {
      Frame& first = waiting_.front();
      const size_t of_first = std::min(left, first.size - first.sent);
      first.sent += of_first;
      left -= of_first;
      if (first.sent == first.size) waiting_.pop_front();
    }
  }
  if (dead_) {
    waiting_.clear();
    waiting_bytes_ = 0;
  }
  if (std::exchange(armed_, false)) reactor_.WantsNoRoom(watch_, fd());
}

void Outlet::Push(Frame& frame) {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty() && !dead_) {
    ssize_t n;
    do {
      n = ::send(fd(), frame.data.get(), frame.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n == static_cast<ssize_t>(frame.size)) return frame.Clear();
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) dead_ = true;
    frame.sent = n > 0 ? static_cast<size_t>(n) : 0;
  }
  if (dead_) return frame.Clear();
  waiting_bytes_ += frame.size - frame.sent;
  waiting_.push_back(std::move(frame));
  frame = Frame{};
  if (!armed_) Flush();
}

void Outlet::Hold(Frame frame) {
  const std::lock_guard lock(mutex_);
  if (dead_) return;
  waiting_bytes_ += frame.size - frame.sent;
  waiting_.push_back(std::move(frame));
  // Many small frames are a large one; and who waits for room waits for the reactor, which must
  // have been asked.
  if (!armed_ && waiting_bytes_ > kHoldAtMostBytes) Flush();
}

bool Outlet::OnRoom(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  if (stopped() || dead_ || !full()) return false;
  wakers_.push_back(std::move(callback));
  return true;
}

bool Outlet::WaitForRoom() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopped() || dead_ || !full(); });
  return !stopped() && !dead_;
}

void Outlet::Drain(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  Flush();
  changed_.wait_for(lock, limit, [this] { return dead_ || waiting_.empty(); });
}

std::vector<std::function<void()>> Outlet::TakeWakers() { return std::exchange(wakers_, {}); }

void Outlet::Stop() {
  std::vector<std::function<void()>> wakers;
  {
    const std::lock_guard lock(mutex_);
    stopped_.store(true, std::memory_order_release);
    wakers = TakeWakers();
  }
  changed_.notify_all();
  for (auto& wake : wakers) wake();
}

void Outlet::Writable() {
  std::vector<std::function<void()>> wakers;
  {
    const std::lock_guard lock(mutex_);
    Flush();
    if (waiting_bytes_ < kLowWaterBytes) wakers = TakeWakers();
  }
  changed_.notify_all();
  for (auto& wake : wakers) wake();
}

void Outlet::PeerGone() {
  std::vector<std::function<void()>> wakers;
  std::function<void()> gone;
  {
    const std::lock_guard lock(mutex_);
    dead_ = true;
    waiting_.clear();
    waiting_bytes_ = 0;
    stopped_.store(true, std::memory_order_release);
    wakers = TakeWakers();
    gone = std::exchange(gone_, nullptr);
    // A closed peer stays readable for ever: the watch ends with the first word of it.
    if (watch_ != 0) reactor_.Remove(std::exchange(watch_, 0), fd());
  }
  changed_.notify_all();
  for (auto& wake : wakers) wake();
  if (gone) gone();
}

}  // namespace skep::worker
