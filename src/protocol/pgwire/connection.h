// One client of the PostgreSQL door from accept to close: TLS, start-up packet, proof of the
// password, session, conversation. What only concerns messages is in channel.h, what comes after
// the login in conversation.h. Lives on the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "control/store.h"
#include "net/blocking_pool.h"
#include "protocol/pgwire/channel.h"
#include "protocol/pgwire/codec.h"
#include "protocol/pgwire/conversation.h"
#include "protocol/pgwire/login.h"
#include "protocol/pgwire/server.h"
#include "protocol/pgwire/startup.h"
#include "session/session.h"

namespace skep::pgwire {

class Connection;

// What the connections of one server share.
struct House {
  session::SessionFactory& sessions;
  control::Store& store;
  net::BlockingPool& blocking;
  const ServerOptions options;
  Secret decoys;
  std::vector<char> scratch;  // for reading; used between two suspensions only
  size_t clients = 0;         // that have sent a start-up packet
  std::unordered_map<uint32_t, Connection*> by_process_id;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(House& house, boost::asio::ip::tcp::socket socket);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The whole life. The connection must be kept until it returns.
  boost::asio::awaitable<void> Run();
  // Ends it with 57P01: at once before the session exists, else when it idles outside a
  // transaction.
  void Drain();
  // Cancels what runs and closes.
  void Abort();

 private:
  boost::asio::awaitable<void> Greet();
  boost::asio::awaitable<void> Welcome(StartupMessage message);
  boost::asio::awaitable<std::optional<Candidate>> Admit(Startup startup);
  boost::asio::awaitable<void> Serve(Startup startup, control::User user);
  boost::asio::awaitable<std::optional<Message>> Receive(Phase phase);
  boost::asio::awaitable<void> Refuse(Error error, std::string_view state = {});
  boost::asio::awaitable<void> RefuseLate(Error error);
  void CancelAnother(const CancelRequest& request);
  void StartDeadline();
  void OnDeadline();

  House& house_;
  Channel channel_;
  const Limits limits_;
  std::unique_ptr<boost::asio::steady_timer> timer_;  // until the password is proved
  std::unique_ptr<session::Session> session_;
  std::unique_ptr<Conversation> conversation_;
  std::string key_;       // of cancel requests
  bool counted_ = false;  // in House::clients
  bool expired_ = false, draining_ = false;
};

}  // namespace skep::pgwire
