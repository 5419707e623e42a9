// For tests of the PostgreSQL door: the server over a loopback socket with the real control store
// and sessions that answer from a script, and a client that says exactly what a test wants.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/ids.h"
#include "control/store.h"
#include "identity/passwords.h"
#include "net/blocking_pool.h"
#include "net/tls.h"
#include "protocol/pgwire/codec.h"
#include "protocol/pgwire/server.h"
#include "session/session.h"

namespace skep::pgwire::testing {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::string_literals;

// What sessions did, for the tests' threads to read.
struct Record {
  std::atomic<int> opened = 0, closed = 0, cancelled = 0, described = 0, executed = 0, running = 0,
                   failed_transactions = 0;
  std::atomic<int> portals_closed = 0, batches = 0;
  std::atomic<uint64_t> bytes = 0;  // taken by sinks
  std::atomic<bool> sink_failed = false;
};

inline std::string Row(const std::vector<std::string>& values) {
  ByteWriter w;
  w.U8('D').U32Be(0).U16Be(static_cast<uint16_t>(values.size()));
  for (const std::string& value : values) w.U32Be(static_cast<uint32_t>(value.size())).Raw(value);
  w.PatchU32Be(1, static_cast<uint32_t>(w.size() - 1));
  return w.Take();
}

// "rows N [SIZE]" gives N rows; "insert" none; "wait" runs until cancelled; "bad" fails; "begin",
// "commit", "rollback"; "set N V" is reported; "notice"; "throw"; "echo" gives its first parameter,
// the last result format and its own text. A script splits at ";".
class ScriptedSession final : public session::Session {
 public:
  ScriptedSession(asio::any_io_executor executor, session::SessionOptions options, Record& record,
                  uint32_t process_id)
      : options_(std::move(options)), record_(record), process_id_(process_id), wake_(executor) {
    record_.opened++;
  }

  asio::awaitable<Result<session::Outcome>> Execute(session::StatementRequest request,
                                                    session::RowSink& sink) override {
    record_.executed++;
    record_.running++;
    auto outcome = co_await One(std::move(request), sink);
    record_.running--;
    if (!outcome && transaction_ == 'T') transaction_ = 'E';
    co_return outcome;
  }
  asio::awaitable<Result<void>> RunScript(std::string script, session::ScriptSink& sink) override {
    if (script.empty()) co_return co_await sink.Completed(session::Outcome{.empty = true});
    for (size_t at = 0; at < script.size();) {
      const size_t end = std::min(script.find(';', at), script.size());
      session::StatementRequest request;
      request.text = script.substr(at, end - at);
      request.describe = true;
      at = end + 1;
      auto outcome = co_await Execute(std::move(request), sink);
      if (!outcome) co_return Fail(outcome.error());
      auto taken = co_await sink.Completed(*outcome);
      if (!taken) co_return Fail(taken.error());
    }
    co_return Result<void>{};
  }
  asio::awaitable<Result<ipc::StatementDescription>> Describe(
      std::string text, std::vector<uint32_t> types) override {
    record_.described++;
    if (text == "bad") co_return Fail(ErrorKind::kUndefinedTable, "no such table");
    ipc::StatementDescription description;
    description.parameter_types = std::move(types);
    if (text.starts_with("rows")) description.columns = Columns();
    co_return description;
  }
  asio::awaitable<Result<session::Outcome>> Fetch(std::string portal, uint64_t max_rows,
                                                  session::RowSink& sink) override {
    const auto found = left_.find(portal);
    if (found == left_.end()) co_return Fail(ErrorKind::kInvalidCursorName, "no such portal");
    const uint64_t rows = max_rows == 0 ? found->second : std::min(max_rows, found->second);
    found->second -= rows;
    const bool suspended = found->second > 0;
    if (!suspended) left_.erase(found);
    for (uint64_t i = 0; i < rows; i++) SKEP_CO_TRY(co_await sink.Write(Row({"x"})));
    co_return session::Outcome{.tag = "SELECT " + std::to_string(rows),
                               .suspended = suspended,
                               .has_result = true,
                               .rows = rows};
  }
  void ClosePortal(const std::string& portal) override {
    record_.portals_closed += static_cast<int>(left_.erase(portal));
  }
  void BeginBatch() override { record_.batches++; }
  asio::awaitable<Result<void>> Sync() override { co_return Result<void>{}; }
  asio::awaitable<void> FailTransaction() override {
    if (transaction_ == 'T') {
      transaction_ = 'E';
      record_.failed_transactions++;
    }
    co_return;
  }
  void Cancel() override {
    record_.cancelled++;
    cancelled_ = true;
    wake_.cancel();
  }
  char transaction_status() const override { return transaction_; }
  ipc::Settings TakeReportedChanges() override { return std::exchange(changes_, {}); }
  ipc::Settings ReportedSettings() const override {
    return {{"server_version", "8.0.2"}, {"session_authorization", options_.user}};
  }
  uint32_t process_id() const override { return process_id_; }
  asio::awaitable<void> Close() override {
    record_.closed++;
    co_return;
  }

 private:
  static std::vector<ipc::ResultColumn> Columns() { return {{"a", 1043, -1, -1}}; }

  asio::awaitable<Result<session::Outcome>> One(session::StatementRequest request,
                                                session::RowSink& sink) {
    session::Outcome outcome;
    const std::string& text = request.text;
    cancelled_ = false;
    if (transaction_ == 'E' && text != "rollback" && text != "commit")
      co_return Fail(ErrorKind::kFailedTransaction, "transaction is aborted");
    if (text.starts_with("rows ")) {
      char* rest = nullptr;
      const uint64_t rows = std::strtoull(text.c_str() + 5, &rest, 10);
      const std::string value(*rest == ' ' ? std::strtoull(rest, nullptr, 10) : 1, 'x');
      std::string description;
      AppendRowDescription(description, Columns(), request.result_formats);
      if (request.describe) SKEP_CO_TRY(co_await sink.Write(description));
      outcome.has_result = true;
      outcome.rows = request.max_rows == 0 ? rows : std::min(request.max_rows, rows);
      for (uint64_t i = 0; i < outcome.rows; i++) {
        auto taken = co_await sink.Write(Row({value}));
        if (!taken) {
          record_.sink_failed = true;
          co_return Fail(taken.error());
        }
        record_.bytes += value.size();
        if (cancelled_)
          co_return Fail(ErrorKind::kQueryCanceled, "canceling statement due to user request");
      }
      outcome.suspended = request.max_rows > 0 && outcome.rows == request.max_rows;
      if (outcome.suspended) left_[request.portal] = rows - outcome.rows;
      outcome.tag = "SELECT " + std::to_string(outcome.rows);
    } else if (text == "wait") {
      boost::system::error_code ignored;
      wake_.expires_at(asio::steady_timer::time_point::max());
      co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      co_return Fail(ErrorKind::kQueryCanceled, "canceling statement due to user request");
    } else if (text == "echo") {
      const std::string format =
          request.result_formats.empty() ? "none" : std::to_string(request.result_formats.back());
      SKEP_CO_TRY(co_await sink.Write(
          Row({request.parameters.at(0).value.value_or("NULL"), format, text})));
      outcome.has_result = true;
      outcome.tag = "SELECT 1";
    } else if (text == "bad") {
      co_return std::unexpected(Error{ErrorKind::kSyntaxError, "syntax error", {}, {}, 3});
    } else if (text == "throw") {
      throw std::runtime_error("a broken invariant");
    } else if (text == "begin") {
      transaction_ = 'T';
      outcome.tag = "BEGIN";
    } else if (text == "commit" || text == "rollback") {
      outcome.tag = transaction_ == 'E' ? "ROLLBACK" : "COMMIT";
      transaction_ = 'I';
      left_.clear();
    } else if (text.starts_with("set ")) {
      const size_t blank = text.find(' ', 4);
      changes_.emplace_back(text.substr(4, blank - 4), text.substr(blank + 1));
      outcome.tag = "SET";
    } else if (text == "notice") {
      outcome.notices.push_back(Error{ErrorKind::kInTransaction, "mind the gap", {}, {}, 0});
      outcome.tag = "NOTICE";
    } else if (text.empty()) {
      outcome.empty = true;
    } else {
      outcome.tag = "INSERT 0 1";
    }
    co_return outcome;
  }

  const session::SessionOptions options_;
  Record& record_;
  const uint32_t process_id_;
  asio::steady_timer wake_;
  char transaction_ = 'I';
  bool cancelled_ = false;
  ipc::Settings changes_;
  std::map<std::string, uint64_t> left_;  // rows of suspended portals
};

class ScriptedSessions final : public session::SessionFactory {
 public:
  explicit ScriptedSessions(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  asio::awaitable<Result<std::unique_ptr<session::Session>>> Open(
      session::SessionOptions options) override {
    if (!options.database.empty() && options.database != "dev") {
      co_return Fail(ErrorKind::kUndefinedDatabase,
                     "database \"" + options.database + "\" does not exist");
    }
    last = options;
    co_return std::make_unique<ScriptedSession>(executor_, std::move(options), record, next_++);
  }
  Record record;
  session::SessionOptions last;  // read only while no client logs in

 private:
  asio::any_io_executor executor_;
  uint32_t next_ = 1001;
};

// The gateway's PostgreSQL door as the composition root builds it.
class Door {
 public:
  Door(control::Store& store, ServerOptions options)
      : sessions(io.get_executor()),
        server(std::make_unique<Server>(io, sessions, store, blocking, std::move(options))) {
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_TRUE(server->Start());
    thread = std::thread([this] { io.run(); });
  }
  ~Door() {
    auto stop = [](Door& door) -> asio::awaitable<void> {
      door.server->Abort();
      co_await door.server->Drain();
    };
    asio::co_spawn(io, stop(*this), asio::use_future).get();
    EXPECT_EQ(sessions.record.opened, sessions.record.closed);
    work.reset();
    thread.join();
  }
  // On the I/O thread.
  void Abort() {
    asio::post(io, asio::use_future([this] { server->Abort(); })).get();
  }
  size_t connections() {
    return asio::post(io, asio::use_future([this] { return server->connections(); })).get();
  }

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
  net::BlockingPool blocking{2};
  ScriptedSessions sessions;
  std::unique_ptr<Server> server;
  std::thread thread;
};

struct Answer {
  char type = 0;
  std::string body;
};

// A blocking client, plain or TLS. What is read after the server closed comes as type 0.
class Client {
 public:
  explicit Client(uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const timeval patience{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Client() { Close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Client& Send(const std::string& bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const auto n =
          ssl_ ? SSL_write(ssl_, bytes.data() + at, static_cast<int>(bytes.size() - at))
               : static_cast<int>(::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL));
      if (n <= 0) break;
      at += static_cast<size_t>(n);
    }
    return *this;
  }
  // At most n bytes, at least one; empty at the end.
  std::string ReadSome(size_t n) {
    std::string bytes(n, '\0');
    const auto got = ssl_ ? SSL_read(ssl_, bytes.data(), static_cast<int>(n))
                          : static_cast<int>(::recv(fd_, bytes.data(), n, 0));
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return bytes;
  }
  std::string ReadExactly(size_t n) {
    while (ahead_.size() < n) {
      const std::string some = ReadSome(1 << 16);
      if (some.empty()) return {};
      ahead_ += some;
    }
    std::string bytes = ahead_.substr(0, n);
    ahead_.erase(0, n);
    return bytes;
  }
  Answer Read() {
    const std::string head = ReadExactly(5);
    if (head.size() < 5) return {};
    const uint32_t length = ByteReader(std::string_view(head).substr(1)).U32Be();
    return {head[0], ReadExactly(length - 4)};
  }
  // Up to the first of `type`, or to the end.
  std::vector<Answer> ReadUntil(char type) {
    std::vector<Answer> all;
    do {
      all.push_back(Read());
    } while (all.back().type != type && all.back().type != 0);
    return all;
  }
  bool Closed() {
    char byte = 0;
    while (true) {
      const auto n = ssl_ ? SSL_read(ssl_, &byte, 1) : static_cast<int>(::recv(fd_, &byte, 1, 0));
      if (n <= 0) return ssl_ != nullptr || n == 0 || errno == ECONNRESET;
    }
  }
  void ShutdownSend() { ::shutdown(fd_, SHUT_WR); }
  void Close() {
    if (ssl_) SSL_free(ssl_);
    ssl_ = nullptr;
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool Encrypt(const std::string& server_name) {
    const timeval patience{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    static SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, fd_);
    if (!server_name.empty()) SSL_set_tlsext_host_name(ssl_, server_name.c_str());
    return SSL_connect(ssl_) == 1;
  }

  uint32_t process_id = 0;
  std::string key;
  std::map<std::string, std::string> parameters;

 private:
  int fd_ = -1;
  SSL* ssl_ = nullptr;
  std::string ahead_;
};

inline std::string Packet(uint32_t code, const std::string& rest = {}) {
  ByteWriter w;
  w.U32Be(static_cast<uint32_t>(8 + rest.size())).U32Be(code).Raw(rest);
  return w.Take();
}
inline std::string Framed(char type, const std::string& body = {}) {
  ByteWriter w;
  w.U8(static_cast<uint8_t>(type)).U32Be(static_cast<uint32_t>(4 + body.size())).Raw(body);
  return w.Take();
}
using Parameters = std::vector<std::pair<std::string, std::string>>;
inline std::string StartPacket(const Parameters& parameters, uint32_t version = 3u << 16) {
  std::string body;
  for (const auto& [name, value] : parameters) body += name + '\0' + value + '\0';
  return Packet(version, body + '\0');
}
inline std::string CancelPacket(uint32_t process_id, const std::string& key) {
  ByteWriter w;
  w.U32Be(process_id).Raw(key);
  return Packet(80877102, w.str());
}
inline std::string QueryOf(const std::string& text) { return Framed('Q', text + '\0'); }
inline std::string ParseOf(const std::string& name, const std::string& text) {
  return Framed('P', name + '\0' + text + "\0\0\0"s);
}
inline std::string BindOf(const std::string& portal, const std::string& statement) {
  return Framed('B', portal + '\0' + statement + "\0\0\0\0\0\0\0"s);
}
inline std::string DescribeOf(char what, const std::string& name) {
  return Framed('D', what + name + '\0');
}
inline std::string CloseOf(char what, const std::string& name) {
  return Framed('C', what + name + '\0');
}
inline std::string ExecuteOf(const std::string& portal, uint8_t rows = 0) {
  return Framed('E', portal + "\0\0\0\0"s + static_cast<char>(rows));
}
inline const std::string kSync = Framed('S');

inline std::string Types(const std::vector<Answer>& answers) {
  std::string types;
  for (const auto& answer : answers) types += answer.type == 0 ? '.' : answer.type;
  return types;
}
// Fields of an error by their letter.
inline std::map<char, std::string> Fields(const Answer& answer) {
  std::map<char, std::string> fields;
  ByteReader r(answer.body);
  while (r.left() > 1) {
    const char code = static_cast<char>(r.U8());
    fields[code] = r.CString();
  }
  return fields;
}
inline std::string CodeIn(const std::vector<Answer>& answers) {
  for (const auto& answer : answers) {
    if (answer.type == 'E') return Fields(answer)['C'];
  }
  return {};
}

// The client's side of SCRAM-SHA-256.
inline std::string ScramProof(const std::string& password, const std::string& client_first_bare,
                              const std::string& server_first) {
  const auto attribute = [&](char name) {
    const size_t at = server_first.find(std::string(1, name) + "=");
    return server_first.substr(at + 2, server_first.find(',', at) - at - 2);
  };
  const std::string salted =
      Pbkdf2Sha256(password, *Base64Decode(attribute('s')), std::atoi(attribute('i').c_str()));
  const std::string without_proof = "c=biws,r=" + attribute('r');
  const std::string client_key = HmacSha256(salted, "Client Key");
  std::string proof =
      HmacSha256(Sha256(client_key), client_first_bare + "," + server_first + "," + without_proof);
  for (size_t i = 0; i < proof.size(); i++) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
  return without_proof + ",p=" + Base64Encode(proof);
}

class DoorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::temp_directory_path() / ("skep-pgwire-" + NewUuid());
    fs::create_directories(directory_);
    auto opened = control::OpenSqlite((directory_ / "control.sqlite").string());
    ASSERT_TRUE(opened);
    store_ = std::move(*opened);
    ASSERT_TRUE(store_->PutWorkspace({"default"}));
    AddUser("default", "ada", "secret");
    options_.failed_login_delay = std::chrono::milliseconds(0);
    options_.default_workspace = "default";
  }
  void TearDown() override {
    clients_.clear();
    door_.reset();
    store_.reset();
    fs::remove_all(directory_);
  }
  void AddUser(const std::string& workspace, const std::string& name, const std::string& password,
               bool md5_only = false) {
    control::User user{workspace, name, true, md5_only, "", "", ""};
    identity::SetPassword(user, Secret(password));
    ASSERT_TRUE(store_->PutUser(user));
  }
  Door& Open() {
    if (!door_) door_ = std::make_unique<Door>(*store_, options_);
    return *door_;
  }
  void UseTls() {
    const std::string certificate = (directory_ / "server.crt").string(),
                      key = (directory_ / "server.key").string();
    ASSERT_TRUE(net::WriteSelfSignedCertificate(certificate, key, "localhost"));
    options_.tls = *net::ServerContext(certificate, key);
  }
  Record& record() { return Open().sessions.record; }

  Client& Connect(int receive_buffer = 0) {
    clients_.push_back(std::make_unique<Client>(Open().server->port(), receive_buffer));
    return *clients_.back();
  }
  Client& ConnectTls(const std::string& server_name = {}) {
    auto& client = Connect();
    client.Send(Packet(80877103));
    EXPECT_EQ(client.ReadExactly(1), "S");
    EXPECT_TRUE(client.Encrypt(server_name));
    return client;
  }
  // Answers what the server asks, up to ReadyForQuery or an error, and gives everything it said.
  std::vector<Answer> LogIn(Client& client, const std::string& user = "ada",
                            const std::string& password = "secret", Parameters more = {},
                            uint32_t version = 3u << 16) {
    more.insert(more.begin(), {"user", user});
    client.Send(StartPacket(more, version));
    std::vector<Answer> all;
    std::string first;
    while (true) {
      all.push_back(client.Read());
      const Answer& answer = all.back();
      ByteReader r(answer.body);
      if (answer.type == 'R') {
        switch (r.U32Be()) {
          case 5:
            client.Send(Framed(
                'p', "md5" +
                         HexEncode(Md5(HexEncode(Md5(password + user)) + std::string(r.Rest()))) +
                         '\0'));
            break;
          case 10: {
            first = "n=,r=clientnonce";
            ByteWriter w;
            w.CString("SCRAM-SHA-256")
                .U32Be(static_cast<uint32_t>(first.size() + 3))
                .Raw("n,,")
                .Raw(first);
            client.Send(Framed('p', w.str()));
            break;
          }
          case 11:
            client.Send(Framed('p', ScramProof(password, first, std::string(r.Rest()))));
            break;
          case 13: {
            r.U32Be();
            const std::string salt(r.Bytes(r.U32Be())), nonce(r.Bytes(r.U32Be()));
            ByteWriter w;
            w.U32Be(32).Raw(Sha256(Sha256(password + salt) + nonce + "mine")).U32Be(4).Raw("mine");
            client.Send(Framed('d', w.str()));
            break;
          }
          default:
            break;
        }
      } else if (answer.type == 'K') {
        client.process_id = r.U32Be();
        client.key = std::string(r.Rest());
      } else if (answer.type == 'S') {
        const std::string name = r.CString();
        client.parameters[name] = r.CString();
      } else if (answer.type == 'Z' || answer.type == 'E' || answer.type == 0) {
        return all;
      }
    }
  }
  Client& Ready(int receive_buffer = 0, Parameters more = {}) {
    auto& client = Connect(receive_buffer);
    EXPECT_EQ(LogIn(client, "ada", "secret", std::move(more)).back().type, 'Z');
    return client;
  }
  std::vector<Answer> Ask(Client& client, const std::string& text) {
    return client.Send(QueryOf(text)).ReadUntil('Z');
  }
  // Polls what another thread brings about.
  static bool Eventually(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }

  fs::path directory_;
  std::unique_ptr<control::Store> store_;
  ServerOptions options_;
  std::unique_ptr<Door> door_;
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace skep::pgwire::testing
