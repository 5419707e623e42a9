#include "compute/fork_server.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "ipc/messages.h"

extern char** environ;

namespace skep::compute {
namespace asio = boost::asio;

namespace {
constexpr int kChildSocket = 3;
constexpr auto kSpawnTimeout = std::chrono::seconds(10);

// What workers may know of the gateway's environment; all else may be a secret, and a worker runs
// other people's SQL.
bool IsForWorkers(std::string_view variable) {
  const std::string_view name = variable.substr(0, variable.find('='));
  return name == "PATH" || name == "LANG" || name == "TZ" || name == "TZDIR" || name == "TMPDIR" ||
         name == "LD_LIBRARY_PATH" || name == "LLVM_PROFILE_FILE" || name.starts_with("LC_") ||
         name.ends_with("SAN_OPTIONS");
}

struct PendingSpawn {
  explicit PendingSpawn(const asio::any_io_executor& executor) : done(executor) {}
  asio::steady_timer done;  // cancelled when the answer is there
  pid_t pid = 0;
};
}  // namespace

struct ForkServer::State : std::enable_shared_from_this<ForkServer::State> {
  State(asio::any_io_executor e, std::string path, std::function<void(pid_t, int)> exit)
      : executor(std::move(e)), worker_path(std::move(path)), on_exit(std::move(exit)) {}

  Result<void> Start();
  asio::awaitable<void> Listen(std::shared_ptr<PacketSocket> from, pid_t server);
  void Ended(pid_t server);

  asio::any_io_executor executor;
  std::string worker_path;
  std::function<void(pid_t, int)> on_exit;
  std::shared_ptr<PacketSocket> socket;
  pid_t pid = -1;
  bool stopping = false;
  uint64_t next_token = 1;
  std::map<uint64_t, std::shared_ptr<PendingSpawn>> pending;
};

Result<void> ForkServer::State::Start() {
  auto pair = ipc::PacketSocketPair();
  if (!pair) return Fail(pair.error());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pair->second.get(), kChildSocket);
  posix_spawn_file_actions_addclosefrom_np(&actions, kChildSocket + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // Signals blocked or ignored in the gateway must not stay so in workers; an own group keeps the
  // terminal's Ctrl-C away.
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  const std::string fd = std::to_string(kChildSocket);
  const char* arguments[] = {worker_path.c_str(), "--fork-server", fd.c_str(), nullptr};
  // When the socket already is descriptor 3, dup2 onto itself would leave it close-on-exec.
  if (pair->second.get() == kChildSocket) ::fcntl(kChildSocket, F_SETFD, 0);
  std::vector<char*> environment;
  for (char** variable = environ; *variable != nullptr; variable++) {
    if (IsForWorkers(*variable)) environment.push_back(*variable);
  }
  environment.push_back(nullptr);
  pid_t child = -1;
  const int failed = ::posix_spawn(&child, worker_path.c_str(), &actions, &attributes,
                                   const_cast<char* const*>(arguments), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    return Fail(ErrorKind::kIoError,
                fmt::format("cannot start {}: {}", worker_path, std::strerror(failed)), {},
                "Set worker.path to the skep-worker executable.");
  }
  pid = child;
  socket = std::make_shared<PacketSocket>(executor, std::move(pair->first));
  log::Info("fork_server_started", {{"pid", child}});
  asio::co_spawn(executor, Listen(socket, child),
                 [self = shared_from_this(), child](std::exception_ptr) { self->Ended(child); });
  return {};
}

asio::awaitable<void> ForkServer::State::Listen(std::shared_ptr<PacketSocket> from, pid_t server) {
  while (true) {
    auto packet = co_await from->Receive();
    if (!packet) break;
    ipc::ForkMessage message;
    if (!ipc::DecodeExact(packet->bytes, message)) break;
    if (message.type == ipc::ForkType::kExited) {
      on_exit(message.pid, message.status);
    } else if (message.type == ipc::ForkType::kSpawned) {
      const auto it = pending.find(message.token);
      if (it == pending.end()) continue;
      it->second->pid = message.pid;
      it->second->done.cancel();
    }
  }
  from->Close();
}

void ForkServer::State::Ended(pid_t server) {
  int status = 0;
  ::kill(server, SIGKILL);
  ::waitpid(server, &status, 0);
  if (pid != server) return;
  pid = -1;
  socket.reset();
  for (auto& [token, spawn] : pending) spawn->done.cancel();
  if (!stopping) log::Fault("fork_server_lost", {{"pid", server}, {"status", status}});
}

ForkServer::ForkServer(asio::any_io_executor executor, std::string worker_path,
                       std::function<void(pid_t, int)> on_exit)
    : state_(std::make_shared<State>(std::move(executor), std::move(worker_path),
                                     std::move(on_exit))) {}

ForkServer::~ForkServer() { Stop(); }

Result<void> ForkServer::Start() { return state_->Start(); }
pid_t ForkServer::pid() const { return state_->pid; }

asio::awaitable<Result<SpawnedProcess>> ForkServer::Spawn() {
  auto state = state_;
  if (!state->socket && !state->stopping) SKEP_CO_TRY(state->Start());
  if (!state->socket) co_return Fail(ErrorKind::kAdminShutdown, "the gateway is shutting down");
  SKEP_CO_TRY_ASSIGN(auto control, ipc::PacketSocketPair());
  SKEP_CO_TRY_ASSIGN(auto lake, ipc::PacketSocketPair());
  const uint64_t token = state->next_token++;
  const ipc::ForkMessage request{.type = ipc::ForkType::kSpawn, .token = token};
  if (!state->socket->Send(ipc::EncodePacket(request), {control.second.get(), lake.second.get()})) {
    co_return Fail(ErrorKind::kWorkerLost, "the fork server is gone");
  }
  auto spawn = std::make_shared<PendingSpawn>(state->executor);
  spawn->done.expires_after(kSpawnTimeout);
  state->pending[token] = spawn;
  boost::system::error_code ignored;
  auto wait = asio::redirect_error(asio::use_awaitable, ignored);
  co_await spawn->done.async_wait(wait);
  state->pending.erase(token);
  if (spawn->pid <= 0)
    co_return Fail(ErrorKind::kWorkerLost, "the fork server did not start a worker");
  SpawnedProcess process;
  process.pid = spawn->pid;
  process.control = std::move(control.first);
  process.lake = std::move(lake.first);
  co_return process;
}

void ForkServer::Stop() {
  state_->stopping = true;
  state_->on_exit = [](pid_t, int) {};
  for (auto& [token, spawn] : state_->pending) spawn->done.cancel();
  if (state_->pid > 0) {
    const pid_t server = state_->pid;
    state_->pid = -1;
    if (state_->socket) state_->socket->Close();
    ::kill(server, SIGTERM);
  }
}

}  // namespace skep::compute
