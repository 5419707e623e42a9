// A client's byte stream, plain or TLS, that holds no buffers while nothing moves: OpenSSL works on
// the socket itself and gives its buffers back between records. Not thread-safe; lives on the I/O
// thread. At most one Write and one wait for input at a time.
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace skep::pgwire {

class Transport {
 public:
  explicit Transport(boost::asio::ip::tcp::socket socket);

  // Becomes TLS; false when the client cannot be agreed with.
  boost::asio::awaitable<bool> Handshake(boost::asio::ssl::context& context);
  bool tls() const { return ssl_ != nullptr; }
  // The name the client asked for in its TLS hello; empty = none.
  std::string ServerName() const;

  enum class Read { kData, kNothingYet, kEnd };
  // Appends what has come to `into`, at most about `scratch`'s size. Never waits.
  Read TryRead(std::span<char> scratch, std::string& into);
  // Calls back once when there may be something to read, or the socket was closed.
  void WaitReadable(std::function<void()> callback);

  // Writes all of both, in order; suspends while the client does not take it. False when the
  // connection is gone.
  boost::asio::awaitable<bool> Write(std::string_view first, std::string_view second = {});

  // Says goodbye without waiting: TLS close, end of our stream.
  void Shutdown();
  void Close();
  const std::string& peer() const { return peer_; }
  boost::asio::any_io_executor executor() { return socket_.get_executor(); }

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  boost::asio::awaitable<bool> WritePlain(std::string_view first, std::string_view second);
  boost::asio::awaitable<bool> WriteTls(std::string_view data);

  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::string peer_;
  bool read_wants_write_ = false;  // TLS itself has to send before it can read on
  bool broken_ = false;
};

}  // namespace skep::pgwire
