// The gateway's side of the fork server: starts `skep-worker --fork-server`, asks it for new
// workers, hears of their ends, and starts it again when it dies. Lives on the I/O thread.
#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "compute/packet_socket.h"

namespace skep::compute {

struct SpawnedProcess {
  pid_t pid = 0;
  UniqueFd control;
  UniqueFd lake;
};

class ForkServer {
 public:
  // `on_exit` hears of each worker's end: pid and status as from waitpid.
  ForkServer(boost::asio::any_io_executor executor, std::string worker_path,
             std::function<void(pid_t, int)> on_exit);
  ~ForkServer();
  ForkServer(const ForkServer&) = delete;
  ForkServer& operator=(const ForkServer&) = delete;

  // Starts the process. Errors: kIoError when the executable cannot be run.
  Result<void> Start();
  // A new worker, not yet bound. Errors: kWorkerLost when the fork server cannot be had.
  boost::asio::awaitable<Result<SpawnedProcess>> Spawn();
  // Ends the process; its workers end with it.
  void Stop();
  pid_t pid() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace skep::compute
