// A SOCK_SEQPACKET socket on the I/O thread: awaitable receive, immediate send.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "ipc/channel.h"

namespace skep::compute {

class PacketSocket {
 public:
  PacketSocket(boost::asio::any_io_executor executor, UniqueFd fd) : descriptor_(executor) {
    ipc::SetNonBlocking(fd.get(), true);
    descriptor_.assign(fd.Release());
  }

  // The next packet; nullopt when the peer is gone or Close was called.
  boost::asio::awaitable<std::optional<ipc::Packet>> Receive() {
    while (descriptor_.is_open()) {
      ipc::Packet packet;
      const auto status = ipc::ReceivePacket(descriptor_.native_handle(), packet);
      if (status == ipc::ReceiveStatus::kPacket) co_return packet;
      if (status == ipc::ReceiveStatus::kClosed) break;
      boost::system::error_code error;
      auto token = boost::asio::redirect_error(boost::asio::use_awaitable, error);
      co_await descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read, token);
      if (error) break;
    }
    co_return std::nullopt;
  }

  // False when the peer is gone or does not keep up (a control message every now and then never
  // fills megabytes).
  bool Send(ByteView bytes, const std::vector<int>& fds = {}) {
    return descriptor_.is_open() && ipc::SendPacket(descriptor_.native_handle(), bytes, fds);
  }

  void Close() {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
  }
  bool is_open() const { return descriptor_.is_open(); }

 private:
  boost::asio::posix::stream_descriptor descriptor_;
};

}  // namespace skep::compute
