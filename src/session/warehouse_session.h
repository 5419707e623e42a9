// The session that leads to a workspace's worker, and the factory that opens it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "compute/pool.h"
#include "control/store.h"
#include "net/blocking_pool.h"
#include "session/session.h"

namespace skep::session {

class WarehouseSessions final : public SessionFactory {
 public:
  WarehouseSessions(boost::asio::any_io_executor executor, compute::Pool& pool,
                    control::Store& store, net::BlockingPool& blocking, uint64_t default_timeout_ms)
      : executor_(std::move(executor)),
        pool_(pool),
        store_(store),
        blocking_(blocking),
        default_timeout_ms_(default_timeout_ms) {}

  boost::asio::awaitable<Result<std::unique_ptr<Session>>> Open(SessionOptions options) override;
  // Must outlive all sessions. Call before the first is opened.
  void Tell(CopyJobListener& listener) { copy_jobs_ = &listener; }

 private:
  boost::asio::any_io_executor executor_;
  compute::Pool& pool_;
  control::Store& store_;
  net::BlockingPool& blocking_;
  net::BlockingPool reading_{1};  // long scripts, one at a time: their trees take memory
  const uint64_t default_timeout_ms_;
  uint32_t next_process_id_ = 1000;
  CopyJobListener* copy_jobs_ = nullptr;
};

}  // namespace skep::session
