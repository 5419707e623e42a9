#include "compute/admission.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace skep::compute {
namespace asio = boost::asio;

asio::awaitable<Result<Admission::Ticket>> Admission::Enter(std::shared_ptr<Waiter> waiter) {
  if (waiter->abandoned)
    co_return Fail(ErrorKind::kQueryCanceled, "canceling statement due to user request");
  if (running_ < limit_ && waiting_.empty()) {
    running_++;
    co_return Ticket(this);
  }
  if (waiting_.size() >= max_waiting_) {
    co_return Fail(ErrorKind::kTooManyConnections, "too many statements wait for this workgroup",
                   {}, "Retry later.");
  }
  waiting_.push_back(waiter);
  waiter->timer.expires_at(asio::steady_timer::time_point::max());
  boost::system::error_code ignored;
  auto wait = asio::redirect_error(asio::use_awaitable, ignored);
  co_await waiter->timer.async_wait(wait);
  if (waiter->admitted) {
    Ticket ticket(this);
    if (waiter->abandoned)
      co_return Fail(ErrorKind::kQueryCanceled, "canceling statement due to user request");
    co_return ticket;
  }
  std::erase(waiting_, waiter);
  co_return Fail(ErrorKind::kQueryCanceled, "canceling statement due to user request");
}

void Admission::Leave() {
  running_--;
  while (running_ < limit_ && !waiting_.empty()) {
    const auto next = waiting_.front();
    waiting_.pop_front();
    if (next->abandoned) continue;
    next->admitted = true;
    running_++;
    next->timer.cancel();
  }
}

}  // namespace skep::compute
