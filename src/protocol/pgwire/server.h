// The PostgreSQL door: listens, takes connections, ends them. Each connection (connection.h)
// authenticates before it opens a session and drives that session; nothing here knows SQL. Lives on
// the gateway's I/O thread. The process must ignore SIGPIPE.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "control/store.h"
#include "net/blocking_pool.h"
#include "session/session.h"

namespace skep::pgwire {

struct ServerOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 0;                               // 0 = any free one
  std::shared_ptr<boost::asio::ssl::context> tls;  // null: SSLRequest is answered 'N'
  bool require_tls = false;
  // "auto" chooses by what the client can speak; "scram-sha-256", "digest", "md5" force one;
  // "trust" asks for no password.
  std::string authentication = "auto";
  // Of clients that name no workgroup; empty = the only one there is.
  std::string default_workspace;
  size_t max_connections = 5000;
  std::chrono::milliseconds authentication_timeout =
      std::chrono::seconds(60);  // from accept to the password's check
  // A failed login is answered after this long and up to as long again.
  std::chrono::milliseconds failed_login_delay{250};
  uint32_t max_message_bytes = 65u << 20;
};

class Server {
 public:
  // The references must outlive the server and every connection: Drain or Abort, and run the
  // io_context until connections() is 0.
  Server(boost::asio::io_context& io, session::SessionFactory& sessions, control::Store& store,
         net::BlockingPool& blocking, ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds, listens and begins to accept once the io_context runs. Errors: kIoError (address in use,
  // no such host), kInvalidArgument (an unknown authentication, require_tls without tls).
  Result<void> Start();
  // The port bound by Start.
  uint16_t port() const;
  size_t connections() const;

  // From here on no connection is accepted.
  void StopAccepting();
  // Stops accepting, ends every connection with 57P01 as soon as it idles outside a transaction,
  // and returns when the last is gone.
  boost::asio::awaitable<void> Drain();
  // Cancels what runs and closes every connection now.
  void Abort();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace skep::pgwire
