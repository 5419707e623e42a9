#include "worker/fork_server.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "base/log.h"
#include "base/unique_fd.h"
#include "ipc/channel.h"
#include "ipc/messages.h"
#include "worker/process.h"
#include "worker/sandbox.h"

namespace skep::worker {
namespace {

[[noreturn]] void BecomeWorker(ipc::Packet packet, pid_t parent, const sigset_t& signals) {
  if (!DieWithParent(parent)) ::_exit(0);
  ::sigprocmask(SIG_SETMASK, &signals, nullptr);
  ::prctl(PR_SET_NAME, "skep-worker");
  // No destructors of the parent's state: this process leaves by _exit.
  ::_exit(RunWorker(std::move(packet.fds[0]), std::move(packet.fds[1])));
}

bool Reap(int socket) {
  while (true) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return true;
    const ipc::ForkMessage message{.type = ipc::ForkType::kExited, .pid = pid, .status = status};
    if (!ipc::SendPacket(socket, ipc::EncodePacket(message))) return false;
  }
}

}  // namespace

int RunForkServer(int socket) {
  const pid_t self = ::getpid();
  ::prctl(PR_SET_NAME, "skep-fork");
  ::signal(SIGPIPE, SIG_IGN);
  ::tzset();  // reads the zone's file now; a worker cannot
  sigset_t child, before;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, &before);
  UniqueFd gateway(socket);
  const UniqueFd children(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!children) {
    log::Fault("fork_server_failed", {{"error", "no signalfd"}});
    return 1;
  }
  while (true) {
    pollfd waits[2] = {{gateway.get(), POLLIN, 0}, {children.get(), POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return 1;
    }
    if (waits[1].revents != 0) {
      signalfd_siginfo info;
      while (::read(children.get(), &info, sizeof info) > 0) {
      }
      if (!Reap(gateway.get())) return 0;
    }
    if (waits[0].revents == 0) continue;
    ipc::Packet packet;
    if (ipc::ReceivePacket(gateway.get(), packet) != ipc::ReceiveStatus::kPacket) return 0;
    ipc::ForkMessage request;
    if (!ipc::DecodeExact(packet.bytes, request) || request.type != ipc::ForkType::kSpawn ||
        packet.fds.size() != 2)
      return 1;
    const pid_t worker = ::fork();
    if (worker == 0) {
      gateway.Reset();
      BecomeWorker(std::move(packet), self, before);
    }
    const ipc::ForkMessage answer{
        .type = ipc::ForkType::kSpawned, .token = request.token, .pid = worker};
    if (!ipc::SendPacket(gateway.get(), ipc::EncodePacket(answer))) return 0;
  }
}

}  // namespace skep::worker
