#include "net/listener.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

#include "base/log.h"

namespace skep::net {
namespace asio = boost::asio;
using tcp = boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kAcceptPause = std::chrono::milliseconds(100);

auto Into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

}  // namespace

void Spawn(asio::io_context& io, asio::awaitable<void> work, std::shared_ptr<void> keep,
           std::string door) {
  asio::co_spawn(io, std::move(work),
                 [keep = std::move(keep), door = std::move(door)](std::exception_ptr error) {
                   if (!error) return;
                   try {
                     std::rethrow_exception(error);
                   } catch (const std::exception& e) {
                     log::Fault(door + "_coroutine_failed", {{"error", e.what()}});
                   }
                 });
}

Result<void> Listener::Listen(const std::string& host, uint16_t port) {
  error_code error;
  const auto fail = [&](std::string_view step) {
    return Fail(ErrorKind::kIoError,
                fmt::format("cannot {} {}:{}: {}", step, host, port, error.message()), {},
                fmt::format("Choose another {0}.host or {0}.port, or stop what uses it.", door_));
  };
  tcp::resolver resolver(acceptor_.get_executor());
  const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, error);
  if (error || found.empty()) return fail("resolve");
  const tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor_.open(endpoint.protocol(), error);
  if (error) return fail("open a socket for");
  acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  acceptor_.bind(endpoint, error);
  if (error) return fail("listen on");
  acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail("listen on");
  port_ = acceptor_.local_endpoint(error).port();
  return {};
}

asio::awaitable<void> Listener::Run(std::function<void(tcp::socket)> take) {
  asio::steady_timer pause(acceptor_.get_executor());
  while (!closed_) {
    error_code error;
    tcp::socket socket = co_await acceptor_.async_accept(Into(error));
    if (closed_ || error == asio::error::operation_aborted) co_return;
    if (error) {
      log::Warn(door_ + "_accept_failed", {{"error", error.message()}});
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(Into(error));
      continue;
    }
    take(std::move(socket));
  }
}

void Listener::Close() {
  closed_ = true;
  error_code ignored;
  acceptor_.close(ignored);
}

}  // namespace skep::net
