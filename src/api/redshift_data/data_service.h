// The Redshift Data API: statements that run in the background in a session of their own, whose
// rows are spooled to a file and read back in pages. The control store is the truth about every
// statement, so results survive a restart. Lives on the I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "api/context.h"
#include "control/store.h"
#include "net/blocking_pool.h"
#include "session/session.h"

namespace skep::redshift_data {

struct DataServiceOptions {
  std::string results_directory;  // <data directory>/results; made by Start
  std::chrono::milliseconds retention = std::chrono::hours(24);
  size_t max_active = 500;  // statements running or waiting, per workspace
  size_t max_statement_bytes = 100 * 1024;
  uint64_t max_result_bytes = 500ull << 20;
  size_t page_bytes = 1 << 20;      // of a result page, before JSON
  size_t max_waiters = 100;         // requests with WaitTimeSeconds per statement
  std::function<int64_t()> now_ms;  // empty = the system's clock
};

class DataService final : public api::Service {
 public:
  // Everything must outlive the service; the service must outlive the io_context's run.
  DataService(boost::asio::any_io_executor executor, session::SessionFactory& sessions,
              control::Store& store, net::BlockingPool& blocking, DataServiceOptions options);
  ~DataService() override;

  // Makes the results directory, drops what a crash left in it, starts the hourly sweep of old
  // results. Call once, before serving.
  Result<void> Start();

  std::string_view target() const override { return "RedshiftData"; }
  std::string_view signing_name() const override { return "redshift-data"; }
  bool Knows(std::string_view operation) const override;
  bool NeedsWorkspace() const override { return true; }
  boost::asio::awaitable<api::Answer<std::string>> Call(api::Context context, std::string operation,
                                                        api::Json request) override;

  // Refuses new statements, ends waiting requests and the sweep; returns when no statement runs any
  // more.
  boost::asio::awaitable<void> Drain();
  // Cancels what still runs (it ends ABORTED); Drain then returns soon.
  void CancelAll();
  size_t active() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace skep::redshift_data
