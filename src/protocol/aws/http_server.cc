#include "protocol/aws/http_server.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/version.hpp>
#include <map>
#include <optional>

#include "base/log.h"
#include "base/text.h"
#include "net/listener.h"

namespace skep::aws {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr const char* kDoor = "http";

auto Into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

HttpResponse Plain(int status, std::string text) {
  return {status, "text/plain; charset=utf-8", {}, std::move(text)};
}

// A request's part of what all bodies together may take.
class Room {
 public:
  Room(uint64_t& taken, uint64_t bytes) : taken_(taken), bytes_(bytes) { taken_ += bytes_; }
  ~Room() { taken_ -= bytes_; }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

 private:
  uint64_t& taken_;
  const uint64_t bytes_;
};

}  // namespace

std::string_view HttpRequest::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

// Owned by the server and by every connection: a connection may outlive the server object.
struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
  State(asio::io_context& context, HttpOptions given, Handler given_handler)
      : io(context),
        options(std::move(given)),
        handler(std::move(given_handler)),
        listener(context, kDoor),
        ended(context) {}

  struct Connection {
    beast::tcp_stream* stream = nullptr;
    bool busy = false;  // a request is being read or answered
  };

  asio::io_context& io;
  const HttpOptions options;
  const Handler handler;
  net::Listener listener;
  asio::steady_timer ended;  // cancelled whenever a connection ends
  uint64_t next_id = 1;
  std::map<uint64_t, Connection> connections;
  uint64_t body_bytes = 0;  // announced by the requests that are being read and answered

  void Take(tcp::socket socket);
  asio::awaitable<void> Serve(tcp::socket socket, uint64_t id);
  template <class Stream>
  asio::awaitable<void> Converse(Stream& stream, beast::tcp_stream& tcp_layer, uint64_t id,
                                 std::string peer);
};

void HttpServer::State::Take(tcp::socket socket) {
  if (connections.size() >= options.max_connections) return;  // closes it
  const uint64_t id = next_id++;
  connections[id] = {};
  net::Spawn(io, Serve(std::move(socket), id), shared_from_this(), kDoor);
}

asio::awaitable<void> HttpServer::State::Serve(tcp::socket socket, uint64_t id) {
  const auto self = shared_from_this();
  struct Leave {
    State& state;
    uint64_t id;
    ~Leave() {
      state.connections.erase(id);
      state.ended.cancel();
    }
  } leave{*this, id};
  error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  std::string peer = error ? std::string("?")
                           : fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
  socket.set_option(tcp::no_delay(true), error);
  if (options.tls == nullptr) {
    beast::tcp_stream stream(std::move(socket));
    connections[id].stream = &stream;
    co_await Converse(stream, stream, id, std::move(peer));
    stream.socket().shutdown(tcp::socket::shutdown_both, error);
    co_return;
  }
  asio::ssl::stream<beast::tcp_stream> stream(std::move(socket), *options.tls);
  beast::tcp_stream& lowest = stream.next_layer();
  connections[id].stream = &lowest;
  lowest.expires_after(options.request_timeout);
  co_await stream.async_handshake(asio::ssl::stream_base::server, Into(error));
  if (error) {
    log::Debug("http_tls_failed", {{"peer", peer}, {"error", error.message()}});
    co_return;
  }
  co_await Converse(stream, lowest, id, std::move(peer));
  lowest.expires_after(std::chrono::seconds(2));
  co_await stream.async_shutdown(Into(error));
}

template <class Stream>
asio::awaitable<void> HttpServer::State::Converse(Stream& stream, beast::tcp_stream& tcp_layer,
                                                  uint64_t id, std::string peer) {
  beast::flat_buffer buffer(options.max_header_bytes + (64u << 10));
  while (!listener.closed()) {
    error_code error;
    http::request_parser<http::string_body> parser;
    parser.header_limit(options.max_header_bytes);
    parser.body_limit(options.max_body_bytes);
    connections[id].busy = buffer.size() > 0;
    // The first byte may be long in coming, the rest of a request not.
    if (buffer.size() == 0) {
      tcp_layer.expires_after(options.idle_timeout);
      const size_t read = co_await stream.async_read_some(buffer.prepare(16u << 10), Into(error));
      if (error) co_return;
      buffer.commit(read);
    }
    connections[id].busy = true;
    tcp_layer.expires_after(options.request_timeout);
    co_await http::async_read_header(stream, buffer, parser, Into(error));
    constexpr uint64_t kSmallBody = 64u << 10;
    const uint64_t announced = error              ? 0
                               : parser.chunked() ? options.max_body_bytes
                                                  : parser.content_length().value_or(0);
    const bool crowded =
        announced > kSmallBody && body_bytes + announced > options.max_bodies_bytes;
    const Room room{body_bytes, crowded || announced <= kSmallBody ? 0 : announced};
    if (!error && !crowded && beast::iequals(parser.get()[http::field::expect], "100-continue")) {
      http::response<http::empty_body> go_on(http::status::continue_, 11);
      co_await http::async_write(stream, go_on, Into(error));
      if (error) co_return;
    }
    if (!error && !crowded) co_await http::async_read(stream, buffer, parser, Into(error));
    bool keep_alive = !error && !crowded && parser.get().keep_alive();
    HttpResponse answer;
    if (error == http::error::end_of_stream || error == asio::error::eof ||
        error == asio::error::connection_reset || error == asio::error::operation_aborted ||
        error == beast::error::timeout) {
      co_return;
    }
    if (crowded) {
      answer = Plain(503, "Too many large requests are being read. Try again later.\n");
    } else if (error == http::error::body_limit) {
      answer =
          Plain(413, fmt::format("The request is larger than {} bytes.\n", options.max_body_bytes));
    } else if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      answer = Plain(431, "The request's headers are too large.\n");
    } else if (error) {
      answer = Plain(400, "This is no HTTP/1.1 request.\n");
    } else {
      HttpRequest request;
      request.peer = peer;
      request.method = std::string(parser.get().method_string());
      const std::string_view target(parser.get().target().data(), parser.get().target().size());
      const size_t question = target.find('?');
      request.path = target.substr(0, question);
      if (question != std::string_view::npos) request.query = target.substr(question + 1);
      for (const auto& field : parser.get())
        request.headers.emplace_back(Lower(field.name_string()), field.value());
      request.body = std::move(parser.get().body());
      tcp_layer.expires_never();
      try {
        answer = co_await handler(std::move(request));
      } catch (const std::exception& e) {
        log::Fault("http_handler_failed", {{"peer", peer}, {"error", e.what()}});
        answer = Plain(500, "internal error\n");
      }
    }
    keep_alive = keep_alive && !listener.closed();
    http::response<http::string_body> response(static_cast<http::status>(answer.status), 11);
    response.set(http::field::server, "skep");
    response.set(http::field::content_type, answer.content_type);
    for (const auto& [name, value] : answer.headers) response.set(name, value);
    response.keep_alive(keep_alive);
    response.body() = std::move(answer.body);
    response.prepare_payload();
    if (parser.get().method() == http::verb::head) response.body().clear();  // its length stays
    tcp_layer.expires_after(options.write_timeout);
    co_await http::async_write(stream, response, Into(error));
    if (error || !keep_alive) co_return;
  }
}

HttpServer::HttpServer(asio::io_context& io, HttpOptions options, Handler handler)
    : state_(std::make_shared<State>(io, std::move(options), std::move(handler))) {}

HttpServer::~HttpServer() {
  StopAccepting();
  Abort();
}

Result<void> HttpServer::Start() {
  State& s = *state_;
  SKEP_TRY(s.listener.Listen(s.options.host, s.options.port));
  auto accept = s.listener.Run([&s](tcp::socket socket) { s.Take(std::move(socket)); });
  net::Spawn(s.io, std::move(accept), state_, kDoor);
  return {};
}

uint16_t HttpServer::port() const { return state_->listener.port(); }
size_t HttpServer::connections() const { return state_->connections.size(); }

void HttpServer::StopAccepting() {
  state_->listener.Close();
  for (auto& [id, connection] : state_->connections) {
    if (!connection.busy && connection.stream != nullptr) connection.stream->cancel();
  }
}

asio::awaitable<void> HttpServer::Drain() {
  const auto state = state_;
  while (!state->connections.empty()) {
    error_code ignored;
    state->ended.expires_at(asio::steady_timer::time_point::max());
    co_await state->ended.async_wait(Into(ignored));
  }
}

void HttpServer::Abort() {
  for (auto& [id, connection] : state_->connections) {
    if (connection.stream == nullptr) continue;
    error_code ignored;
    connection.stream->socket().close(ignored);
  }
}

}  // namespace skep::aws
