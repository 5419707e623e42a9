#include "compute/pool.h"

#include <signal.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>

#include "base/ids.h"
#include "base/log.h"

namespace skep::compute {
namespace asio = boost::asio;
namespace fs = std::filesystem;

Pool::Pool(asio::any_io_executor executor, PoolOptions options, ServeLake serve_lake)
    : executor_(executor),
      options_(std::move(options)),
      serve_lake_(std::move(serve_lake)),
      fork_server_(executor, options_.worker_path,
                   [this](pid_t pid, int status) {
                     const auto it = by_pid_.find(pid);
                     if (it == by_pid_.end()) return;
                     const auto worker = it->second;
                     worker->Exited(status);
                   }),
      reaper_(executor) {}

Result<void> Pool::Start() {
  SKEP_TRY(fork_server_.Start());
  KeepSpares();
  asio::co_spawn(executor_, ReapIdle(), [](std::exception_ptr) {});
  return {};
}

void Pool::KeepSpares() {
  if (refilling_ || stopping_) return;
  refilling_ = true;
  asio::co_spawn(executor_, Refill(), [this](std::exception_ptr) { refilling_ = false; });
}

asio::awaitable<void> Pool::Refill() {
  while (!stopping_ && spares_.size() < options_.prefork) {
    auto process = co_await fork_server_.Spawn();
    if (!process) {
      if (!stopping_) log::Warn("prefork_failed", {{"error", process.error().message}});
      co_return;
    }
    if (stopping_) co_return;  // its sockets close, and so it ends
    auto worker = std::make_shared<Worker>(executor_, process->pid, std::move(process->control));
    by_pid_[worker->pid()] = worker;
    worker->Listen([this](Worker& dead) { Lost(dead); });
    spares_.push_back({worker, std::move(process->lake)});
  }
}

asio::awaitable<Result<Pool::Spare>> Pool::TakeProcess() {
  while (!spares_.empty()) {
    Spare spare = std::move(spares_.front());
    spares_.pop_front();
    if (spare.worker->state() == Worker::State::kUnbound) co_return spare;
  }
  auto process = co_await fork_server_.Spawn();
  if (!process) co_return Fail(process.error());
  Spare spare;
  spare.worker = std::make_shared<Worker>(executor_, process->pid, std::move(process->control));
  by_pid_[spare.worker->pid()] = spare.worker;
  spare.worker->Listen([this](Worker& dead) { Lost(dead); });
  spare.lake = std::move(process->lake);
  co_return spare;
}

asio::awaitable<Result<std::shared_ptr<Worker>>> Pool::StartWorker(std::string workspace,
                                                                   uint64_t& lake_connection) {
  auto taken = co_await TakeProcess();
  if (!taken) co_return Fail(taken.error());
  Spare process = std::move(*taken);
  const bool scratch = workspace.empty();
  ipc::WorkerBinding binding;
  binding.workspace = workspace;
  binding.temp_directory =
      (fs::path(options_.temp_root) / (scratch ? "scratch-" + NewUuid() : workspace)).string();
  binding.data_directory =
      scratch ? binding.temp_directory : (fs::path(options_.data_root) / workspace).string();
  binding.extension_directory = options_.extension_directory;
  binding.threads = options_.threads;
  binding.memory_limit_bytes = options_.memory_limit_bytes;
  binding.require_sandbox = options_.require_sandbox;
  std::error_code error;
  if (!scratch) fs::create_directories(fs::path(binding.data_directory) / "databases", error);
  if (!error) fs::create_directories(binding.temp_directory, error);
  if (error) {
    process.worker->Shutdown();
    co_return Fail(
        error == std::errc::no_space_on_device ? ErrorKind::kDiskFull : ErrorKind::kIoError,
        "cannot make the workspace's directories: " + error.message());
  }
  lake_connection = serve_lake_(std::move(process.lake), workspace);
  auto bound = co_await process.worker->Bind(std::move(binding));
  KeepSpares();
  if (!bound) co_return Fail(bound.error());
  co_return process.worker;
}

asio::awaitable<Result<std::shared_ptr<Worker>>> Pool::Acquire(std::string workspace) {
  Place& place = places_[workspace];
  while (true) {
    if (stopping_) co_return Fail(ErrorKind::kAdminShutdown, "the gateway is shutting down");
    if (place.worker && place.worker->usable()) co_return place.worker;
    if (!place.starting) break;
    auto timer =
        std::make_shared<asio::steady_timer>(executor_, asio::steady_timer::time_point::max());
    place.waiters.push_back(timer);
    boost::system::error_code ignored;
    auto wait = asio::redirect_error(asio::use_awaitable, ignored);
    co_await timer->async_wait(wait);
  }
  place.starting = true;
  const auto began = std::chrono::steady_clock::now();
  uint64_t lake_connection = 0;
  auto started = co_await StartWorker(workspace, lake_connection);
  place.starting = false;
  if (started) {
    place.worker = *started;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began);
    log::Info("worker_started",
              {{"workspace", workspace}, {"pid", place.worker->pid()}, {"ms", ms.count()}});
  }
  for (auto& waiter : std::exchange(place.waiters, {})) waiter->cancel();
  co_return started;
}

asio::awaitable<Result<std::shared_ptr<Worker>>> Pool::Scratch(uint64_t& lake_connection) {
  co_return co_await StartWorker("", lake_connection);
}

Admission& Pool::AdmissionOf(const std::string& workspace) {
  auto& admission = admissions_[workspace];
  if (!admission) {
    admission = std::make_unique<Admission>(executor_, options_.max_active_statements,
                                            options_.max_waiting_statements);
  }
  return *admission;
}

void Pool::Lost(Worker& worker) {
  for (auto& [name, place] : places_) {
    if (place.worker.get() == &worker) place.worker.reset();
  }
  std::erase_if(spares_, [&](const Spare& spare) { return spare.worker.get() == &worker; });
  by_pid_.erase(worker.pid());
  KeepSpares();
}

asio::awaitable<void> Pool::ReapIdle() {
  while (!stopping_) {
    reaper_.expires_after(std::clamp<std::chrono::milliseconds>(
        options_.idle_timeout / 4, std::chrono::milliseconds(50), std::chrono::milliseconds(5000)));
    boost::system::error_code error;
    auto wait = asio::redirect_error(asio::use_awaitable, error);
    co_await reaper_.async_wait(wait);
    if (error || stopping_) co_return;
    const auto limit = std::chrono::steady_clock::now() - options_.idle_timeout;
    for (auto& [name, place] : places_) {
      if (!place.worker || !place.worker->usable() || !place.worker->idle_since(limit)) continue;
      log::Info("worker_idle", {{"workspace", name}, {"pid", place.worker->pid()}});
      place.worker->Shutdown();
      place.worker.reset();
    }
  }
}

asio::awaitable<void> Pool::Stop(std::chrono::milliseconds limit) {
  stopping_ = true;
  reaper_.cancel();
  for (const auto& [pid, worker] : by_pid_) worker->Shutdown();
  const auto deadline = std::chrono::steady_clock::now() + limit;
  asio::steady_timer tick(executor_);
  while (!by_pid_.empty() && std::chrono::steady_clock::now() < deadline) {
    tick.expires_after(std::chrono::milliseconds(5));
    boost::system::error_code ignored;
    auto wait = asio::redirect_error(asio::use_awaitable, ignored);
    co_await tick.async_wait(wait);
  }
  if (!by_pid_.empty()) log::Warn("workers_killed", {{"count", by_pid_.size()}});
  Kill();
  fork_server_.Stop();
}

void Pool::Kill() {
  stopping_ = true;
  for (const auto& [pid, worker] : by_pid_) ::kill(pid, SIGKILL);
}

pid_t Pool::PidOf(const std::string& workspace) const {
  const auto it = places_.find(workspace);
  return it != places_.end() && it->second.worker ? it->second.worker->pid() : 0;
}

}  // namespace skep::compute
