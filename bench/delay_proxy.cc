// A TCP proxy that passes on what clients send after some milliseconds, as a store further away
// would see it, and what servers send at once. Counts both.
//
//   delay_proxy TARGET_PORT DELAY_MS
//
// Prints "PORT CONTROL_PORT" on one line; each connection to the control port gets
// "requests bytes_from_servers\n" since the start. Ends with its standard input.
#include <unistd.h>

#include <boost/asio.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

namespace {

struct Counters {
  uint64_t requests = 0, bytes = 0;
};

struct Pair {
  explicit Pair(asio::io_context& io) : client(io), server(io), due(io) {}
  tcp::socket client, server;
  asio::steady_timer due;
  std::deque<std::pair<Clock::time_point, std::vector<char>>> held;
  bool ended = false;
};

void Close(Pair& pair) {
  boost::system::error_code ignored;
  pair.ended = true;
  pair.due.cancel();
  pair.client.close(ignored);
  pair.server.close(ignored);
}

asio::awaitable<void> FromClient(std::shared_ptr<Pair> pair, Clock::duration delay,
                                 Counters& counters) {
  std::vector<char> buffer(64 << 10);
  try {
    while (true) {
      const size_t n =
          co_await pair->client.async_read_some(asio::buffer(buffer), asio::use_awaitable);
      if (n > 4 && std::memcmp(buffer.data(), "GET ", 4) == 0) counters.requests++;
      pair->held.emplace_back(Clock::now() + delay,
                              std::vector<char>(buffer.begin(), buffer.begin() + ptrdiff_t(n)));
      pair->due.cancel();
    }
  } catch (const std::exception&) {
    Close(*pair);
  }
}

asio::awaitable<void> ToServer(std::shared_ptr<Pair> pair) {
  try {
    while (!pair->ended) {
      if (pair->held.empty() || pair->held.front().first > Clock::now()) {
        pair->due.expires_at(pair->held.empty() ? Clock::time_point::max()
                                                : pair->held.front().first);
        boost::system::error_code ignored;
        co_await pair->due.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        continue;
      }
      const auto bytes = std::move(pair->held.front().second);
      pair->held.pop_front();
      co_await asio::async_write(pair->server, asio::buffer(bytes), asio::use_awaitable);
    }
  } catch (const std::exception&) {
    Close(*pair);
  }
}

asio::awaitable<void> ToClient(std::shared_ptr<Pair> pair, Counters& counters) {
  std::vector<char> buffer(256 << 10);
  try {
    while (true) {
      const size_t n =
          co_await pair->server.async_read_some(asio::buffer(buffer), asio::use_awaitable);
      counters.bytes += n;
      co_await asio::async_write(pair->client, asio::buffer(buffer.data(), n), asio::use_awaitable);
    }
  } catch (const std::exception&) {
    Close(*pair);
  }
}

asio::awaitable<void> Accept(tcp::acceptor& acceptor, uint16_t target, Clock::duration delay,
                             Counters& counters) {
  while (true) {
    auto pair = std::make_shared<Pair>(static_cast<asio::io_context&>(
        asio::query(acceptor.get_executor(), asio::execution::context)));
    co_await acceptor.async_accept(pair->client, asio::use_awaitable);
    boost::system::error_code error;
    co_await pair->server.async_connect({asio::ip::address_v4::loopback(), target},
                                        asio::redirect_error(asio::use_awaitable, error));
    if (error) continue;
    pair->client.set_option(tcp::no_delay(true));
    pair->server.set_option(tcp::no_delay(true));
    const auto on = acceptor.get_executor();
    asio::co_spawn(on, FromClient(pair, delay, counters), asio::detached);
    asio::co_spawn(on, ToServer(pair), asio::detached);
    asio::co_spawn(on, ToClient(pair, counters), asio::detached);
  }
}

asio::awaitable<void> Tell(tcp::acceptor& acceptor, const Counters& counters) {
  while (true) {
    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    const std::string said =
        std::to_string(counters.requests) + " " + std::to_string(counters.bytes) + "\n";
    boost::system::error_code ignored;
    co_await asio::async_write(socket, asio::buffer(said),
                               asio::redirect_error(asio::use_awaitable, ignored));
  }
}

}  // namespace

int main(int argc, char** argv) {
  unsigned target = 0, delay = 0;
  if (argc != 3 ||
      std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), target).ec != std::errc{} ||
      std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), delay).ec != std::errc{}) {
    std::fputs("usage: delay_proxy TARGET_PORT DELAY_MS\n", stderr);
    return 2;
  }
  asio::io_context io(1);
  tcp::acceptor front(io, {asio::ip::address_v4::loopback(), 0}),
      control(io, {asio::ip::address_v4::loopback(), 0});
  Counters counters;
  asio::co_spawn(
      io, Accept(front, static_cast<uint16_t>(target), std::chrono::milliseconds(delay), counters),
      asio::detached);
  asio::co_spawn(io, Tell(control, counters), asio::detached);
  asio::posix::stream_descriptor in(io, ::dup(STDIN_FILENO));
  char none[64];
  std::function<void()> wait = [&] {
    in.async_read_some(asio::buffer(none), [&](const boost::system::error_code& error, size_t) {
      error ? io.stop() : wait();
    });
  };
  wait();
  std::cout << front.local_endpoint().port() << ' ' << control.local_endpoint().port() << std::endl;
  io.run();
}
