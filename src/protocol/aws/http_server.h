// An HTTP/1.1 listener: reads whole requests (bounded in size and time), hands them to one handler,
// writes its answers, keeps connections alive. Knows nothing of AWS. Lives on the gateway's I/O
// thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace skep::aws {

struct HttpRequest {
  std::string method;
  std::string path;                                          // as sent, without the query
  std::string query;                                         // as sent, without '?'
  std::vector<std::pair<std::string, std::string>> headers;  // names lower-case, in order
  std::string body;
  std::string peer;  // "127.0.0.1:4711"

  // The first header of this (lower-case) name; empty when there is none.
  std::string_view Header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

using Handler = std::function<boost::asio::awaitable<HttpResponse>(HttpRequest)>;

struct HttpOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 0;                               // 0 = any free one
  std::shared_ptr<boost::asio::ssl::context> tls;  // null = plain
  uint64_t max_body_bytes = 16ull << 20;
  // Of all requests at once, those with small bodies aside: a body is held before anybody has asked
  // who sends it.
  uint64_t max_bodies_bytes = 256ull << 20;
  uint32_t max_header_bytes = 64u << 10;
  size_t max_connections = 4096;
  std::chrono::milliseconds request_timeout =
      std::chrono::seconds(30);  // from a request's first byte to its last; TLS handshake
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(75);   // between requests
  std::chrono::milliseconds write_timeout = std::chrono::seconds(60);  // of one response
};

class HttpServer {
 public:
  HttpServer(boost::asio::io_context& io, HttpOptions options, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Binds, listens and begins to accept once the io_context runs. Errors: kIoError (address in use,
  // no such host).
  Result<void> Start();
  // The port bound by Start.
  uint16_t port() const;
  size_t connections() const;

  // From here on no connection is accepted; those that idle are closed, the others after their
  // running request.
  void StopAccepting();
  // Returns when the last connection has ended. Call StopAccepting first.
  boost::asio::awaitable<void> Drain();
  // Closes every connection now; a handler that runs is not interrupted, its answer is dropped.
  void Abort();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace skep::aws
