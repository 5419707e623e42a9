// One worker process as the gateway sees it: its control socket, whether it is bound, who is
// attached, when it was last used.
#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "compute/packet_socket.h"
#include "ipc/messages.h"

namespace skep::compute {

class Worker : public std::enable_shared_from_this<Worker> {
 public:
  enum class State { kUnbound, kBinding, kReady, kEnding, kDead };

  Worker(boost::asio::any_io_executor executor, pid_t pid, UniqueFd control);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Starts to listen to the control socket. `on_dead` is called once, when the process or its
  // socket is gone.
  void Listen(std::function<void(Worker&)> on_dead);
  // Turns a pre-forked process into the worker of a workspace. Errors: kWorkerLost, or what the
  // worker says (kFailed).
  boost::asio::awaitable<Result<void>> Bind(ipc::WorkerBinding binding);
  // A new session socket; its other end is on its way to the worker. Errors: kWorkerLost.
  Result<UniqueFd> OpenSession();
  // Stops the running statement of a session.
  void Cancel(const std::string& session_id);
  // Asks for a checkpoint and an orderly end.
  void Shutdown();
  // Marks the process as gone (told by the fork server) with waitpid's status.
  void Exited(int status);

  // A statement is running or being prepared: the worker must not be put to sleep.
  void Begin() { active_++; }
  void End() {
    active_--;
    last_used_ = std::chrono::steady_clock::now();
  }
  // Something outlives statements (transaction, portal, temporary table).
  void Pin() { pins_++; }
  void Unpin() { pins_--; }

  pid_t pid() const { return pid_; }
  State state() const { return state_; }
  bool usable() const { return state_ == State::kReady; }
  bool idle_since(std::chrono::steady_clock::time_point limit) const {
    return active_ == 0 && pins_ == 0 && last_used_ < limit;
  }
  int active() const { return active_; }
  const std::string& workspace() const { return workspace_; }
  // Why it died, for messages: "killed by signal 9", "exited with status 1".
  std::string Death() const;

 private:
  boost::asio::awaitable<void> ReadControl();
  void Die();

  boost::asio::any_io_executor executor_;
  const pid_t pid_;
  PacketSocket control_;
  State state_ = State::kUnbound;
  std::string workspace_;
  std::string failure_;
  boost::asio::steady_timer bound_;  // cancelled when binding ends
  std::function<void(Worker&)> on_dead_;
  int active_ = 0;
  int pins_ = 0;
  int exit_status_ = -1;
  std::chrono::steady_clock::time_point last_used_ = std::chrono::steady_clock::now();
};

}  // namespace skep::compute
