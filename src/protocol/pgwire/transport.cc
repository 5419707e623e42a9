#include "protocol/pgwire/transport.h"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

namespace skep::pgwire {
namespace asio = boost::asio;
using tcp = boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int kKeepAliveIdleSeconds = 120, kKeepAliveIntervalSeconds = 30, kKeepAliveProbes = 4;

auto Into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

}  // namespace

Transport::Transport(tcp::socket socket) : socket_(std::move(socket)) {
  error_code ignored;
  const auto endpoint = socket_.remote_endpoint(ignored);
  peer_ = ignored ? std::string("?")
                  : fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(tcp::socket::keep_alive(true), ignored);
  const int fd = socket_.native_handle();
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepAliveIdleSeconds, sizeof(int));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepAliveIntervalSeconds, sizeof(int));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kKeepAliveProbes, sizeof(int));
}

asio::awaitable<bool> Transport::Handshake(asio::ssl::context& context) {
  ssl_.reset(SSL_new(context.native_handle()));
  if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) co_return false;
  SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_accept_state(ssl_.get());
  while (true) {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    if (done == 1) co_return true;
    const int why = SSL_get_error(ssl_.get(), done);
    error_code error;
    if (why == SSL_ERROR_WANT_READ) {
      co_await socket_.async_wait(tcp::socket::wait_read, Into(error));
    } else if (why == SSL_ERROR_WANT_WRITE) {
      co_await socket_.async_wait(tcp::socket::wait_write, Into(error));
    } else {
      broken_ = true;
      co_return false;
    }
    if (error || !socket_.is_open()) {
      broken_ = true;
      co_return false;
    }
  }
}

std::string Transport::ServerName() const {
  const char* name = ssl_ ? SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name) : nullptr;
  return name ? std::string(name) : std::string();
}

Transport::Read Transport::TryRead(std::span<char> scratch, std::string& into) {
  if (broken_ || !socket_.is_open()) return Read::kEnd;
  if (!ssl_) {
    while (true) {
      const ssize_t n = ::recv(socket_.native_handle(), scratch.data(), scratch.size(), 0);
      if (n > 0) {
        into.append(scratch.data(), static_cast<size_t>(n));
        return Read::kData;
      }
      if (n < 0 && errno == EINTR) continue;
      return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? Read::kNothingYet : Read::kEnd;
    }
  }
  // A record at a time, until the scratch space is full or the socket is empty: what stays inside
  // OpenSSL would wake nobody.
  bool any = false;
  size_t total = 0;
  read_wants_write_ = false;
  while (total < scratch.size() || SSL_has_pending(ssl_.get()) == 1) {
    ERR_clear_error();
    size_t n = 0;
    const int ok = SSL_read_ex(ssl_.get(), scratch.data(), scratch.size(), &n);
    if (ok == 1) {
      into.append(scratch.data(), n);
      total += n;
      any = true;
      continue;
    }
    const int why = SSL_get_error(ssl_.get(), ok);
    if (why == SSL_ERROR_WANT_READ) break;
    if (why == SSL_ERROR_WANT_WRITE) {
      read_wants_write_ = true;
      break;
    }
    if (why != SSL_ERROR_ZERO_RETURN) broken_ = true;
    return any ? Read::kData : Read::kEnd;
  }
  return any ? Read::kData : Read::kNothingYet;
}

void Transport::WaitReadable(std::function<void()> callback) {
  socket_.async_wait(read_wants_write_ ? tcp::socket::wait_write : tcp::socket::wait_read,
                     [callback = std::move(callback)](const error_code&) { callback(); });
}

asio::awaitable<bool> Transport::Write(std::string_view first, std::string_view second) {
  if (broken_ || !socket_.is_open()) co_return false;
  if (!ssl_) co_return co_await WritePlain(first, second);
  if (!first.empty() && !co_await WriteTls(first)) co_return false;
  if (!second.empty() && !co_await WriteTls(second)) co_return false;
  co_return true;
}

asio::awaitable<bool> Transport::WritePlain(std::string_view first, std::string_view second) {
  while (!first.empty() || !second.empty()) {
    iovec parts[2] = {{const_cast<char*>(first.data()), first.size()},
                      {const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
    if (n >= 0) {
      const size_t of_first = std::min(static_cast<size_t>(n), first.size());
      first.remove_prefix(of_first);
      second.remove_prefix(static_cast<size_t>(n) - of_first);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      broken_ = true;
      co_return false;
    }
    error_code error;
    co_await socket_.async_wait(tcp::socket::wait_write, Into(error));
    if (error || !socket_.is_open()) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> Transport::WriteTls(std::string_view data) {
  while (!data.empty()) {
    ERR_clear_error();
    size_t n = 0;
    const int ok = SSL_write_ex(ssl_.get(), data.data(), data.size(), &n);
    if (ok == 1) {
      data.remove_prefix(n);
      continue;
    }
    const int why = SSL_get_error(ssl_.get(), ok);
    error_code error;
    if (why == SSL_ERROR_WANT_WRITE) {
      co_await socket_.async_wait(tcp::socket::wait_write, Into(error));
    } else if (why == SSL_ERROR_WANT_READ) {
      co_await socket_.async_wait(tcp::socket::wait_read, Into(error));
    } else {
      broken_ = true;
      co_return false;
    }
    if (error || broken_ || !socket_.is_open()) co_return false;
  }
  co_return true;
}

void Transport::Shutdown() {
  if (!socket_.is_open()) return;
  if (ssl_ && !broken_ && SSL_is_init_finished(ssl_.get()) == 1) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void Transport::Close() {
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace skep::pgwire
