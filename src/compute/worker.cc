#include "compute/worker.h"

#include <signal.h>
#include <sys/wait.h>

#include <boost/asio/co_spawn.hpp>

#include "base/log.h"

namespace skep::compute {
namespace asio = boost::asio;

namespace {
constexpr auto kBindTimeout = std::chrono::seconds(30);
}

Worker::Worker(asio::any_io_executor executor, pid_t pid, UniqueFd control)
    : executor_(executor), pid_(pid), control_(executor, std::move(control)), bound_(executor) {}

void Worker::Listen(std::function<void(Worker&)> on_dead) {
  on_dead_ = std::move(on_dead);
  asio::co_spawn(executor_, ReadControl(),
                 [self = shared_from_this()](std::exception_ptr) { self->Die(); });
}

asio::awaitable<void> Worker::ReadControl() {
  while (true) {
    auto packet = co_await control_.Receive();
    if (!packet) co_return;
    ipc::Control message;
    if (!ipc::DecodeExact(packet->bytes, message)) {
      log::Fault("worker_protocol_violation", {{"pid", pid_}, {"workspace", workspace_}});
      ::kill(pid_, SIGKILL);
      co_return;
    }
    if (message.type == ipc::ControlType::kBound && state_ == State::kBinding) {
      state_ = State::kReady;
      last_used_ = std::chrono::steady_clock::now();
      log::Info("worker_bound",
                {{"pid", pid_}, {"workspace", workspace_}, {"sandbox", message.text}});
      bound_.cancel();
    } else if (message.type == ipc::ControlType::kFailed) {
      failure_ = message.text;
      log::Fault("worker_binding_failed",
                 {{"pid", pid_}, {"workspace", workspace_}, {"error", message.text}});
      bound_.cancel();
      co_return;
    }
  }
}

asio::awaitable<Result<void>> Worker::Bind(ipc::WorkerBinding binding) {
  auto self = shared_from_this();
  workspace_ = binding.workspace;
  if (state_ != State::kUnbound) co_return Fail(ErrorKind::kWorkerLost, "the worker " + Death());
  state_ = State::kBinding;
  bound_.expires_after(kBindTimeout);
  ipc::Control request;
  request.type = ipc::ControlType::kBind;
  request.binding = std::move(binding);
  if (control_.Send(ipc::EncodePacket(request))) {
    boost::system::error_code ignored;
    auto wait = asio::redirect_error(asio::use_awaitable, ignored);
    co_await bound_.async_wait(wait);
  }
  if (state_ == State::kReady) co_return Result<void>{};
  const std::string why = failure_.empty() ? "the worker " + Death() : failure_;
  ::kill(pid_, SIGKILL);
  Die();
  co_return Fail(ErrorKind::kWorkerLost, "the workspace's worker could not start: " + why);
}

Result<UniqueFd> Worker::OpenSession() {
  if (state_ != State::kReady) return Fail(ErrorKind::kWorkerLost, "the worker " + Death());
  auto pair = ipc::StreamSocketPair();
  if (!pair) return Fail(pair.error());
  ipc::Control message;
  message.type = ipc::ControlType::kOpenSession;
  if (!control_.Send(ipc::EncodePacket(message), {pair->second.get()})) {
    return Fail(ErrorKind::kWorkerLost, "the worker " + Death());
  }
  ipc::SetNonBlocking(pair->first.get(), true);
  return std::move(pair->first);
}

void Worker::Cancel(const std::string& session_id) {
  ipc::Control message;
  message.type = ipc::ControlType::kCancel;
  message.text = session_id;
  control_.Send(ipc::EncodePacket(message));
}

void Worker::Shutdown() {
  if (state_ == State::kDead || state_ == State::kEnding) return;
  state_ = State::kEnding;
  ipc::Control message;
  message.type = ipc::ControlType::kShutdown;
  if (!control_.Send(ipc::EncodePacket(message))) ::kill(pid_, SIGKILL);
}

void Worker::Exited(int status) {
  exit_status_ = status;
  Die();
}

void Worker::Die() {
  if (state_ == State::kDead) return;
  if (state_ != State::kEnding) {
    log::Fault("worker_lost", {{"pid", pid_}, {"workspace", workspace_}, {"death", Death()}});
  } else {
    log::Info("worker_ended", {{"pid", pid_}, {"workspace", workspace_}});
  }
  state_ = State::kDead;
  control_.Close();
  bound_.cancel();
  if (on_dead_) std::exchange(on_dead_, nullptr)(*this);
}

std::string Worker::Death() const {
  if (exit_status_ < 0) return "ended unexpectedly";
  if (WIFSIGNALED(exit_status_))
    return fmt::format("was killed by signal {}", WTERMSIG(exit_status_));
  return fmt::format("exited with status {}", WEXITSTATUS(exit_status_));
}

}  // namespace skep::compute
