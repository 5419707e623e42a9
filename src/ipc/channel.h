// Packets with descriptors over SOCK_SEQPACKET sockets, and socket pairs. Blocking or not as the
// socket is set.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/unique_fd.h"

namespace skep::ipc {

struct Packet {
  std::string bytes;
  std::vector<UniqueFd> fds;
};

enum class ReceiveStatus { kPacket, kWouldBlock, kClosed };

// A connected pair, close-on-exec, with room for kMaxPacket in flight. Errors: kInternal (out of
// descriptors).
Result<std::pair<UniqueFd, UniqueFd>> PacketSocketPair();
Result<std::pair<UniqueFd, UniqueFd>> StreamSocketPair();

// Sends one packet with up to four descriptors (borrowed). False when the peer is gone, or on a
// non-blocking socket when it is full.
bool SendPacket(int socket, ByteView bytes, const std::vector<int>& fds = {});
// Receives one packet; descriptors arrive close-on-exec. A truncated packet counts as closed.
ReceiveStatus ReceivePacket(int socket, Packet& packet);

void SetNonBlocking(int fd, bool on);

}  // namespace skep::ipc
