// A worker's engine and sessions within the test's own process, spoken to over the sockets that a
// gateway would use. Shared by the tests of this folder.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <duckdb.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "ipc/channel.h"
#include "ipc/messages.h"
#include "worker/engine.h"
#include "worker/reactor.h"
#include "worker/session.h"
#include "worker/wire_rows.h"

namespace skep::worker {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "skep-worker-XXXXXX").string();
    path_ = ::mkdtemp(path.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Reply {
  WireMessages messages;
  size_t frames = 0;
  bool attached = false;
  bool closed = false;  // the session ended instead of an answer, or none came in time
  std::optional<ipc::StatementComplete> complete;
  std::optional<ipc::StatementDescription> described;
  std::optional<Error> error;
  char transaction = '?';

  // Rows as text: values parted by '|', rows by ' ; '. An error by its message.
  std::string Text() const {
    if (closed) return "CLOSED";
    if (error) return "ERROR " + error->message;
    std::string text;
    for (const auto& row : messages.rows) {
      if (&row != &messages.rows.front()) text += " ; ";
      for (const auto& value : row) {
        if (&value != &row.front()) text += "|";
        text += value.value_or("NULL");
      }
    }
    return text;
  }
};

// The gateway's end of one session.
class SessionClient {
 public:
  SessionClient(Engine& engine, Reactor& reactor, std::string id = "session-1", bool attach = true)
      : id_(std::move(id)) {
    auto pair = ipc::StreamSocketPair();
    socket_ = std::move(pair->first);
    const timeval patience{60, 0};  // a lost wake-up shall fail the test, not hang it
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    session_ = Session::Open(engine, reactor, std::move(pair->second),
                             [] { FAIL() << "the engine became unusable"; });
    thread_ = std::thread([session = session_] { session->Run(); });
    if (attach) Send(ipc::FrameType::kAttach, Attachment());
  }
  // Speaks to a session of another process.
  SessionClient(UniqueFd socket, std::string id) : id_(std::move(id)), socket_(std::move(socket)) {
    const timeval patience{60, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    Send(ipc::FrameType::kAttach, Attachment());
  }
  ~SessionClient() { Leave(); }
  SessionClient(const SessionClient&) = delete;
  SessionClient& operator=(const SessionClient&) = delete;

  ipc::AttachSession Attachment() const {
    ipc::AttachSession attach;
    attach.session_id = id_;
    attach.database = "dev";
    attach.user = "alice";
    attach.process_id = 42;
    return attach;
  }
  static ipc::ExecuteStatement Statement(const std::string& text) {
    ipc::ExecuteStatement statement;
    statement.statement_id = "statement";
    statement.text = text;
    return statement;
  }

  template <class Message>
  void Send(ipc::FrameType type, const Message& message) {
    SendRaw(ipc::EncodeFrame(type, message));
  }
  void SendRaw(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(n, 0);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  bool ReadFrame(ipc::FrameType& type, std::string& payload) {
    char head[ipc::kFrameHeader];
    if (!ReadExactly(head, sizeof head)) return false;
    ipc::FrameHeader header;
    if (!ipc::DecodeFrameHeader({head, sizeof head}, header)) return false;
    payload.resize(header.length);
    type = header.type;
    return ReadExactly(payload.data(), payload.size());
  }
  // Everything up to the end of one request's answer.
  Reply Read() {
    Reply reply;
    while (true) {
      ipc::FrameType type;
      std::string payload;
      if (!ReadFrame(type, payload)) {
        reply.closed = true;
        return reply;
      }
      switch (type) {
        case ipc::FrameType::kAttached:
          reply.attached = true;
          break;
        case ipc::FrameType::kRows:
          reply.frames++;
          ReadMessages(payload, reply.messages);
          break;
        case ipc::FrameType::kComplete: {
          ipc::StatementComplete complete;
          EXPECT_TRUE(ipc::DecodeExact(payload, complete));
          reply.transaction = complete.transaction;
          reply.complete = std::move(complete);
          return reply;
        }
        case ipc::FrameType::kDescribed: {
          ipc::StatementDescription described;
          EXPECT_TRUE(ipc::DecodeExact(payload, described));
          reply.transaction = described.transaction;
          reply.described = std::move(described);
          return reply;
        }
        case ipc::FrameType::kError: {
          ipc::StatementError error;
          EXPECT_TRUE(ipc::DecodeExact(payload, error));
          reply.transaction = error.transaction;
          reply.error = std::move(error.error.error);
          return reply;
        }
        default:
          ADD_FAILURE() << "an unexpected frame";
          return reply;
      }
    }
  }
  Reply Run(const ipc::ExecuteStatement& statement) {
    Send(ipc::FrameType::kExecute, statement);
    return Read();
  }
  Reply Run(const std::string& text) { return Run(Statement(text)); }
  Reply Fetch(const std::string& portal, uint64_t rows) {
    Send(ipc::FrameType::kFetch, ipc::FetchPortal{portal, rows});
    return Read();
  }
  Reply Describe(const std::string& text) {
    ipc::DescribeStatement describe;
    describe.text = text;
    Send(ipc::FrameType::kDescribe, describe);
    return Read();
  }

  void Cancel() { session_->Cancel(id_); }
  Session& session() { return *session_; }
  int fd() const { return socket_.get(); }
  // Closes the gateway's end and waits for the session's thread.
  void Leave() {
    socket_.Reset();
    Join();
  }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  bool ReadExactly(char* to, size_t size) {
    while (size > 0) {
      const ssize_t n = ::recv(socket_.get(), to, size, 0);
      if (n <= 0) return false;
      to += n;
      size -= static_cast<size_t>(n);
    }
    return true;
  }

  std::string id_;
  UniqueFd socket_;
  std::shared_ptr<Session> session_;
  std::thread thread_;
};

class EngineFixture : public ::testing::Test {
 protected:
  EngineFixture() {
    std::filesystem::create_directories(folder_.path() + "/data/databases");
    std::filesystem::create_directories(folder_.path() + "/temp");
    auto lake = ipc::PacketSocketPair();
    lake_ = std::move(lake->first);
    ipc::WorkerBinding binding;
    binding.workspace = "test";
    binding.data_directory = folder_.path() + "/data";
    binding.temp_directory = folder_.path() + "/temp";
    binding.threads = 2;
    binding.memory_limit_bytes = 1u << 30;
    auto engine = Engine::Open(binding, std::move(lake->second));
    EXPECT_TRUE(engine.has_value()) << engine.error().message;
    engine_ = std::move(*engine);
    reactor_ = std::make_unique<Reactor>();
  }
  ~EngineFixture() override {
    reactor_.reset();
    engine_.reset();
  }

  std::unique_ptr<SessionClient> Client(const std::string& id = "session-1") {
    return std::make_unique<SessionClient>(*engine_, *reactor_, id);
  }

  TemporaryFolder folder_;
  UniqueFd lake_;  // the gateway's end; nobody answers
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Reactor> reactor_;
};

}  // namespace skep::worker
