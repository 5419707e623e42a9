#include "ipc/channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ipc/messages.h"

namespace skep::ipc {
namespace {

constexpr size_t kMaxFds = 4;

Result<std::pair<UniqueFd, UniqueFd>> Pair(int type, int buffer) {
  int fds[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) != 0) {
    return Fail(ErrorKind::kInternal,
                std::string("cannot make a socket pair: ") + std::strerror(errno));
  }
  for (const int fd : fds) {
    // FORCE needs a capability; without it the kernel's limit applies, which is enough for smaller
    // packets.
    if (::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) != 0) {
      ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    }
  }
  return std::pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

}  // namespace

Result<std::pair<UniqueFd, UniqueFd>> PacketSocketPair() { return Pair(SOCK_SEQPACKET, 4 << 20); }
Result<std::pair<UniqueFd, UniqueFd>> StreamSocketPair() { return Pair(SOCK_STREAM, 1 << 20); }

bool SendPacket(int socket, ByteView bytes, const std::vector<int>& fds) {
  iovec io{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr m{};
  m.msg_iov = &io;
  m.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)] = {};
  if (!fds.empty() && fds.size() <= kMaxFds) {
    m.msg_control = control;
    m.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(h), fds.data(), sizeof(int) * fds.size());
  }
  ssize_t n;
  do {
    n = ::sendmsg(socket, &m, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  return n == static_cast<ssize_t>(bytes.size());
}

ReceiveStatus ReceivePacket(int socket, Packet& packet) {
  packet.fds.clear();
  packet.bytes.resize(64 << 10);
  // Peek for the size first: packets are small but for lists of files.
  ssize_t size;
  do {
    size = ::recv(socket, nullptr, 0, MSG_PEEK | MSG_TRUNC);
  } while (size < 0 && errno == EINTR);
  if (size < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK ? ReceiveStatus::kWouldBlock
                                                   : ReceiveStatus::kClosed;
  if (size > static_cast<ssize_t>(kMaxPacket)) return ReceiveStatus::kClosed;
  packet.bytes.resize(static_cast<size_t>(size));
  iovec io{packet.bytes.data(), packet.bytes.size()};
  msghdr m{};
  m.msg_iov = &io;
  m.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)];
  m.msg_control = control;
  m.msg_controllen = sizeof control;
  ssize_t n;
  do {
    n = ::recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK ? ReceiveStatus::kWouldBlock
                                                   : ReceiveStatus::kClosed;
  for (cmsghdr* h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
    if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof fd);
      packet.fds.emplace_back(fd);
    }
  }
  // An empty packet is never sent, so zero bytes mean that the peer closed.
  if (n == 0 || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) return ReceiveStatus::kClosed;
  packet.bytes.resize(static_cast<size_t>(n));
  return ReceiveStatus::kPacket;
}

void SetNonBlocking(int fd, bool on) {
  const int flags = ::fcntl(fd, F_GETFL);
  ::fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

}  // namespace skep::ipc
