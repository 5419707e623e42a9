// Admission of statements to a workspace's worker: at most so many run at once, the others wait in
// the order they came.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <utility>

#include "base/error.h"

namespace skep::compute {

class Admission {
 public:
  // The right to run one statement; gives it back when destroyed.
  class Ticket {
   public:
    Ticket() = default;
    explicit Ticket(Admission* owner) : owner_(owner) {}
    Ticket(Ticket&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Ticket& operator=(Ticket&& other) noexcept {
      if (this != &other) {
        Release();
        owner_ = std::exchange(other.owner_, nullptr);
      }
      return *this;
    }
    ~Ticket() { Release(); }
    void Release() {
      if (owner_) std::exchange(owner_, nullptr)->Leave();
    }

   private:
    Admission* owner_ = nullptr;
  };

  // A waiter that Abandon can wake early.
  struct Waiter {
    explicit Waiter(const boost::asio::any_io_executor& executor) : timer(executor) {}
    boost::asio::steady_timer timer;
    bool admitted = false;
    bool abandoned = false;
  };

  Admission(boost::asio::any_io_executor executor, size_t limit, size_t max_waiting)
      : executor_(std::move(executor)), limit_(limit), max_waiting_(max_waiting) {}

  // Waits for a place. `waiter` may be abandoned by the caller (cancel). Errors:
  // kTooManyConnections when too many wait, kQueryCanceled when abandoned.
  boost::asio::awaitable<Result<Ticket>> Enter(std::shared_ptr<Waiter> waiter);
  static void Abandon(Waiter& waiter) {
    waiter.abandoned = true;
    waiter.timer.cancel();
  }
  std::shared_ptr<Waiter> NewWaiter() const { return std::make_shared<Waiter>(executor_); }

  size_t running() const { return running_; }
  size_t waiting() const { return waiting_.size(); }

 private:
  void Leave();

  boost::asio::any_io_executor executor_;
  const size_t limit_;
  const size_t max_waiting_;
  size_t running_ = 0;
  std::deque<std::shared_ptr<Waiter>> waiting_;
};

}  // namespace skep::compute
