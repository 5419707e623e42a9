#include "protocol/pgwire/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <map>

#include "base/log.h"
#include "protocol/pgwire/connection.h"
#include "protocol/pgwire/login.h"

namespace skep::pgwire {
namespace asio = boost::asio;
using tcp = boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // when out of descriptors
constexpr size_t kScratchBytes = 64u << 10;
// Beyond max_connections, so that those can be refused with a reason, and cancel requests get
// through.
constexpr size_t kSpareConnections = 128;

auto Into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

}  // namespace

// Owned by the server and by every connection: a connection may outlive the server object.
struct Server::State : std::enable_shared_from_this<Server::State> {
  State(asio::io_context& context, session::SessionFactory& sessions, control::Store& store,
        net::BlockingPool& blocking, ServerOptions options)
      : io(context),
        house{sessions, store, blocking, std::move(options), {}, std::vector<char>(kScratchBytes),
              0,        {}},
        acceptor(context),
        ended(context) {}

  asio::io_context& io;
  House house;
  tcp::acceptor acceptor;
  asio::steady_timer ended;  // cancelled whenever a connection ends
  uint16_t port = 0;
  bool stopping = false;
  uint64_t next_id = 1;
  std::map<uint64_t, std::shared_ptr<Connection>> connections;

  asio::awaitable<void> Accept();
  asio::awaitable<void> Serve(std::shared_ptr<Connection> connection, uint64_t id);
  void Spawn(asio::awaitable<void> work, std::string_view what);
  std::vector<std::shared_ptr<Connection>> All() const;
};

// The only place where coroutines begin: a failure is logged, never lost.
void Server::State::Spawn(asio::awaitable<void> work, std::string_view what) {
  asio::co_spawn(io, std::move(work), [self = shared_from_this(), what](std::exception_ptr error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      log::Fault("pgwire_coroutine_failed", {{"what", what}, {"error", e.what()}});
    }
  });
}

asio::awaitable<void> Server::State::Accept() {
  const auto self = shared_from_this();
  asio::steady_timer pause(io);
  while (!stopping) {
    error_code error;
    tcp::socket socket = co_await acceptor.async_accept(Into(error));
    if (stopping || error == asio::error::operation_aborted) co_return;
    if (error) {
      log::Warn("pgwire_accept_failed", {{"error", error.message()}});
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(Into(error));
      continue;
    }
    if (connections.size() >= house.options.max_connections + kSpareConnections)
      continue;  // closes it
    const uint64_t id = next_id++;
    auto connection = std::make_shared<Connection>(house, std::move(socket));
    connections[id] = connection;
    Spawn(Serve(std::move(connection), id), "connection");
  }
}

asio::awaitable<void> Server::State::Serve(std::shared_ptr<Connection> connection, uint64_t id) {
  const auto self = shared_from_this();
  struct Leave {
    State& state;
    uint64_t id;
    ~Leave() {
      state.connections.erase(id);
      state.ended.cancel();
    }
  } leave{*this, id};
  co_await connection->Run();
}

// A copy: connections come and go while they are told.
std::vector<std::shared_ptr<Connection>> Server::State::All() const {
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [id, connection] : connections) all.push_back(connection);
  return all;
}

Server::Server(asio::io_context& io, session::SessionFactory& sessions, control::Store& store,
               net::BlockingPool& blocking, ServerOptions options)
    : state_(std::make_shared<State>(io, sessions, store, blocking, std::move(options))) {}

Server::~Server() { Abort(); }

Result<void> Server::Start() {
  State& s = *state_;
  const ServerOptions& options = s.house.options;
  constexpr std::string_view kMethods[] = {"auto", "scram-sha-256", "digest", "md5", "trust"};
  if (std::ranges::find(kMethods, options.authentication) == std::end(kMethods)) {
    return Fail(ErrorKind::kInvalidArgument,
                fmt::format("pgwire.authentication is \"{}\"", options.authentication), {},
                "Use auto, scram-sha-256, digest, md5 or trust.");
  }
  if (options.require_tls && !options.tls) {
    return Fail(ErrorKind::kInvalidArgument,
                "pgwire.require_tls is set and there is no certificate", {},
                "Set pgwire.tls_certificate and pgwire.tls_key.");
  }
  SKEP_TRY_ASSIGN(s.house.decoys, DecoySecret(s.house.store));
  error_code error;
  const auto fail = [&](std::string_view step) {
    return Fail(
        ErrorKind::kIoError,
        fmt::format("cannot {} {}:{}: {}", step, options.host, options.port, error.message()), {},
        "Choose another pgwire.host or pgwire.port, or stop what uses it.");
  };
  tcp::resolver resolver(s.io);
  const auto found =
      resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, error);
  if (error || found.empty()) return fail("resolve");
  const tcp::endpoint endpoint = found.begin()->endpoint();
  s.acceptor.open(endpoint.protocol(), error);
  if (error) return fail("open a socket for");
  s.acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  s.acceptor.bind(endpoint, error);
  if (error) return fail("listen on");
  s.acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail("listen on");
  s.port = s.acceptor.local_endpoint(error).port();
  s.Spawn(s.Accept(), "acceptor");
  return {};
}

uint16_t Server::port() const { return state_->port; }
size_t Server::connections() const { return state_->connections.size(); }

void Server::StopAccepting() {
  state_->stopping = true;
  error_code ignored;
  state_->acceptor.close(ignored);
}

asio::awaitable<void> Server::Drain() {
  const auto state = state_;
  StopAccepting();
  for (const auto& connection : state->All()) connection->Drain();
  while (!state->connections.empty()) {
    error_code ignored;
    state->ended.expires_at(asio::steady_timer::time_point::max());
    co_await state->ended.async_wait(Into(ignored));
  }
}

void Server::Abort() {
  StopAccepting();
  for (const auto& connection : state_->All()) connection->Abort();
}

}  // namespace skep::pgwire
