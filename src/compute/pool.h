// The workers of this node: one primary per workspace, started by the first statement, put to sleep
// after idling; spare processes forked ahead hide the start. Lives on the I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "compute/admission.h"
#include "compute/fork_server.h"
#include "compute/worker.h"

namespace skep::compute {

struct PoolOptions {
  std::string worker_path;
  std::string data_root;  // <data_root>/<workspace> is the workspace's directory
  std::string temp_root;
  std::string extension_directory;
  uint32_t threads = 2;
  uint64_t memory_limit_bytes = 0;  // 0 = the engine's default
  bool require_sandbox = false;
  size_t prefork = 1;
  std::chrono::milliseconds idle_timeout{std::chrono::minutes(5)};
  size_t max_active_statements = 50;
  size_t max_waiting_statements = 500;
};

// Hands a worker's lake socket to the lake service; answers an id of the connection.
using ServeLake = std::function<uint64_t(UniqueFd socket, const std::string& workspace)>;

class Pool {
 public:
  Pool(boost::asio::any_io_executor executor, PoolOptions options, ServeLake serve_lake);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Starts the fork server and the spares. Errors: kIoError.
  Result<void> Start();
  // The workspace's primary worker, started if need be. Errors: kWorkerLost, kAdminShutdown,
  // kIoError (directories).
  boost::asio::awaitable<Result<std::shared_ptr<Worker>>> Acquire(std::string workspace);
  // A worker of no workspace for one crawl; the caller ends it with Shutdown. `lake_connection`
  // gets the lake service's id.
  boost::asio::awaitable<Result<std::shared_ptr<Worker>>> Scratch(uint64_t& lake_connection);
  Admission& AdmissionOf(const std::string& workspace);
  // Ends every worker in order (checkpoint), waits up to `limit`, then kills.
  boost::asio::awaitable<void> Stop(std::chrono::milliseconds limit);
  // Kills every worker now; statements that run fail with kWorkerLost.
  void Kill();

  size_t workers() const { return by_pid_.size(); }
  pid_t PidOf(const std::string& workspace) const;

 private:
  struct Place {
    std::shared_ptr<Worker> worker;
    bool starting = false;
    std::deque<std::shared_ptr<boost::asio::steady_timer>> waiters;
  };
  struct Spare {
    std::shared_ptr<Worker> worker;
    UniqueFd lake;
  };

  boost::asio::awaitable<Result<Spare>> TakeProcess();
  boost::asio::awaitable<Result<std::shared_ptr<Worker>>> StartWorker(std::string workspace,
                                                                      uint64_t& lake_connection);
  boost::asio::awaitable<void> Refill();
  boost::asio::awaitable<void> ReapIdle();
  void KeepSpares();
  void Lost(Worker& worker);

  boost::asio::any_io_executor executor_;
  PoolOptions options_;
  ServeLake serve_lake_;
  ForkServer fork_server_;
  std::map<std::string, Place> places_;
  std::map<std::string, std::unique_ptr<Admission>> admissions_;
  std::map<pid_t, std::shared_ptr<Worker>> by_pid_;
  std::deque<Spare> spares_;
  boost::asio::steady_timer reaper_;
  bool refilling_ = false;
  bool stopping_ = false;
};

}  // namespace skep::compute
