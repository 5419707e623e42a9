#include "protocol/pgwire/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>

#include "net/listener.h"
#include "protocol/pgwire/connection.h"
#include "protocol/pgwire/login.h"

namespace skep::pgwire {
namespace asio = boost::asio;
using tcp = boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr const char* kDoor = "pgwire";
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
        listener(context, kDoor),
        ended(context) {}

  asio::io_context& io;
  House house;
  net::Listener listener;
  asio::steady_timer ended;  // cancelled whenever a connection ends
  uint64_t next_id = 1;
  std::map<uint64_t, std::shared_ptr<Connection>> connections;

  void Take(tcp::socket socket);
  asio::awaitable<void> Serve(std::shared_ptr<Connection> connection, uint64_t id);
  std::vector<std::shared_ptr<Connection>> All() const;
};

void Server::State::Take(tcp::socket socket) {
  if (connections.size() >= house.options.max_connections + kSpareConnections) return;  // closes it
  const uint64_t id = next_id++;
  auto connection = std::make_shared<Connection>(house, std::move(socket));
  connections[id] = connection;
  net::Spawn(io, Serve(std::move(connection), id), shared_from_this(), kDoor);
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
  SKEP_TRY(s.listener.Listen(options.host, options.port));
  auto accept = s.listener.Run([&s](tcp::socket socket) { s.Take(std::move(socket)); });
  net::Spawn(s.io, std::move(accept), state_, kDoor);
  return {};
}

uint16_t Server::port() const { return state_->listener.port(); }
size_t Server::connections() const { return state_->connections.size(); }

void Server::StopAccepting() { state_->listener.Close(); }

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
