// A connection's messages in both directions over its transport: what has come and is not decoded
// yet, what is to be sent and is not written yet. Waits only when nothing is there, keeps no buffer
// while a client idles, and while a statement runs reads ahead a little, so that a client's end is
// seen. Lives on the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "protocol/pgwire/codec.h"
#include "protocol/pgwire/transport.h"

namespace skep::pgwire {

class Channel {
 public:
  // scratch: for reading, shared by all connections of the thread.
  Channel(boost::asio::ip::tcp::socket socket, std::span<char> scratch);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  Transport& transport() { return transport_; }

  // Takes the next message if all of it has come. An Error is final.
  std::optional<Result<Message>> Take(Phase phase, const Limits& limits);
  // What has come and is not taken yet.
  std::string_view unread() const { return std::string_view(in_).substr(at_); }
  // The client's stream is over, or lost.
  bool ended() const { return ended_; }
  // Waits until more has come. False: nothing more will come, or Interrupt was called.
  boost::asio::awaitable<bool> More();
  // Makes a More that waits now answer false; answers whether there was one.
  bool Interrupt();

  // What is to be sent next: encoders append here.
  std::string& out() { return out_; }
  // False when the connection is gone, here and below.
  boost::asio::awaitable<bool> Flush();
  // Sends `messages`, valid until it returns, behind out(). Small ones are only appended; suspends
  // while the client does not read.
  boost::asio::awaitable<bool> Send(std::string_view messages);
  // So much in out() is due to be flushed.
  bool full() const;

  // Notices from now on, without a More, that the client has left: then calls `on_gone`, at most
  // once.
  void Watch(std::function<void()> on_gone);
  void Unwatch() { on_gone_ = nullptr; }

  // Everything that waits ends; nothing comes or goes any more.
  void Close() { transport_.Close(); }
  // Says goodbye, closes, and returns when the transport is at rest. Call before destruction.
  boost::asio::awaitable<void> Finish();

 private:
  Transport::Read Read();
  boost::asio::awaitable<void> Readable();
  void Arm();
  void OnReadable();
  void ReleaseBuffers();

  Transport transport_;
  std::span<char> scratch_;
  std::string in_, out_;
  size_t at_ = 0;       // in_ up to here has been taken
  bool unread_ = true;  // there may be something to read without waiting for it
  bool ended_ = false;  // the client's stream
  bool interrupted_ = false;
  bool armed_ = false;                      // the transport will call OnReadable
  std::move_only_function<void()> resume_;  // the More that waits
  std::function<void()> on_gone_;
};

}  // namespace skep::pgwire
