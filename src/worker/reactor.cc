#include "worker/reactor.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

namespace skep::worker {

Reactor::Reactor()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = 0;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  thread_ = std::thread([this] { Run(); });
}

Reactor::~Reactor() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  const uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  thread_.join();
}

uint64_t Reactor::Add(int fd, std::weak_ptr<Watched> watched) {
  const std::lock_guard lock(mutex_);
  const uint64_t id = next_id_++;
  watched_[id] = std::move(watched);
  epoll_event event{};
  event.events = EPOLLRDHUP;
  event.data.u64 = id;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  return id;
}

void Reactor::WantsRoom(uint64_t id, int fd) {
  epoll_event event{};
  event.events = EPOLLRDHUP | EPOLLOUT;
  event.data.u64 = id;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Reactor::WantsNoRoom(uint64_t id, int fd) {
  epoll_event event{};
  event.events = EPOLLRDHUP;
  event.data.u64 = id;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Reactor::Remove(uint64_t id, int fd) {
  const std::lock_guard lock(mutex_);
  watched_.erase(id);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

uint64_t Reactor::At(Clock::time_point when, std::function<void()> callback) {
  bool earliest = false;
  uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = next_id_++;
    const auto [it, inserted] = timers_.emplace(std::pair(when, id), std::move(callback));
    timer_times_[id] = when;
    earliest = it == timers_.begin();
  }
  if (earliest) {
    const uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
  }
  return id;
}

void Reactor::Forget(uint64_t timer) {
  const std::lock_guard lock(mutex_);
  const auto found = timer_times_.find(timer);
  if (found == timer_times_.end()) return;
  timers_.erase({found->second, timer});
  timer_times_.erase(found);
}

int Reactor::NextTimeout() {
  const std::lock_guard lock(mutex_);
  if (timers_.empty()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first.first - Clock::now())
          .count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 60'000));
}

void Reactor::RunTimers() {
  const auto now = Clock::now();
  while (true) {
    std::function<void()> due;
    {
      const std::lock_guard lock(mutex_);
      if (timers_.empty() || timers_.begin()->first.first > now) return;
      due = std::move(timers_.begin()->second);
      timer_times_.erase(timers_.begin()->first.second);
      timers_.erase(timers_.begin());
    }
    due();
  }
}

void Reactor::Run() {
  ::pthread_setname_np(::pthread_self(), "skep-reactor");
  std::array<epoll_event, 64> events;
  while (true) {
    const int n =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), NextTimeout());
    if (n < 0 && errno != EINTR) return;
    for (int i = 0; i < n; i++) {
      const auto& event = events[static_cast<size_t>(i)];
      if (event.data.u64 == 0) {
        uint64_t count = 0;
        (void)!::read(wake_.get(), &count, sizeof count);
        continue;
      }
      std::shared_ptr<Watched> watched;
      {
        const std::lock_guard lock(mutex_);
        const auto found = watched_.find(uint64_t{event.data.u64});  // a copy: the event is packed
        if (found != watched_.end()) watched = found->second.lock();
      }
      if (!watched) continue;
      if (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        watched->PeerGone();
      } else if (event.events & EPOLLOUT) {
        watched->Writable();
      }
    }
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    RunTimers();
  }
}

}  // namespace skep::worker
