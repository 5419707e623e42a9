// What the doors have in common: to listen, to accept, and to begin coroutines whose failures are
// logged, never lost. Lives on the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace skep::net {

// Begins `work`. `keep` lives as long as it; an exception is logged as "<door>_coroutine_failed".
void Spawn(boost::asio::io_context& io, boost::asio::awaitable<void> work,
           std::shared_ptr<void> keep, std::string door);

class Listener {
 public:
  // door: "pgwire", "http": the prefix of the settings and of the log's events.
  Listener(boost::asio::io_context& io, std::string door) : acceptor_(io), door_(std::move(door)) {}
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Binds and listens. Errors: kIoError (address in use, no such host), naming the settings.
  Result<void> Listen(const std::string& host, uint16_t port);
  // Hands each connection to `take` until Close. A failing accept (out of descriptors) is logged
  // and tried again after a pause. Run it with Spawn; what it belongs to must be kept meanwhile.
  boost::asio::awaitable<void> Run(std::function<void(boost::asio::ip::tcp::socket)> take);
  void Close();

  uint16_t port() const { return port_; }
  bool closed() const { return closed_; }

 private:
  boost::asio::ip::tcp::acceptor acceptor_;
  const std::string door_;
  uint16_t port_ = 0;
  bool closed_ = false;
};

}  // namespace skep::net
