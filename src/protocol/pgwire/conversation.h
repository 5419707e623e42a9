// What a client and its session say to each other after the login: the simple and the extended
// protocol, prepared statements and portals, cancelling, and the end when the server drains. Turns
// messages into calls of the session and its answers into messages; knows no SQL and no sockets.
// Lives on the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "ipc/messages.h"
#include "protocol/pgwire/channel.h"
#include "protocol/pgwire/codec.h"
#include "session/session.h"

namespace skep::pgwire {

// Redshift's protocol versions, as client_protocol_version and server_protocol_version name them.
inline constexpr int kProtocolPostgres = -1, kProtocolPlain = 0, kProtocolColumns = 1,
                     kProtocolBinary = 2;

class Conversation final : private session::ScriptSink {
 public:
  // client: for the log. protocol: as granted.
  Conversation(Channel& channel, session::Session& session, const Limits& limits, int protocol,
               std::string client);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // Says that the session is ready, then serves the client until it leaves, is lost, breaks the
  // protocol, or the server drains.
  boost::asio::awaitable<void> Run();
  // A cancel request: stops what runs now, is forgotten when nothing does.
  void Cancel();
  // Ends with 57P01 as soon as the client idles outside a transaction.
  void Drain();

 private:
  // An error and the SQLSTATE that only this protocol has for it; empty = the kind's.
  struct Refusal {
    Refusal(Error e, std::string_view s = {}) : error(std::move(e)), state(s) {}
    Error error;
    std::string_view state;
  };
  using Step = std::expected<void, Refusal>;

  struct Prepared {
    std::string text;
    std::vector<uint32_t> types;
  };
  struct Portal {
    enum class State : uint8_t { kReady, kSuspended, kDone, kFailed };
    std::shared_ptr<const Prepared> statement;
    std::vector<ipc::Parameter> parameters;
    std::vector<uint16_t> formats;
    std::string key;  // its name in the session: never used twice
    size_t kept_bytes = 0;
    State state = State::kReady;
    bool has_result = false;
    bool describe = false;  // the RowDescription comes with the rows
  };
  using Portals = std::map<std::string, Portal, std::less<>>;
  class Running;

  boost::asio::awaitable<bool> Handle(Message message);
  boost::asio::awaitable<bool> Dispatch(Message message);
  boost::asio::awaitable<bool> Ready();
  boost::asio::awaitable<void> Fatal(const Error& error);

  boost::asio::awaitable<void> OnQuery(std::string text);
  boost::asio::awaitable<bool> OnSync();
  boost::asio::awaitable<Step> OnParse(Parse message);
  Step OnBind(Bind message);
  boost::asio::awaitable<Step> OnDescribe(Describe message);
  boost::asio::awaitable<Step> OnExecute(Execute message);
  void OnClose(const Close& message);
  boost::asio::awaitable<Result<ipc::StatementDescription>> DescriptionOf(
      std::shared_ptr<const Prepared> statement);
  boost::asio::awaitable<Step> Start(Portal& portal, uint32_t max_rows);
  boost::asio::awaitable<Step> Resume(Portal& portal, uint32_t max_rows);
  boost::asio::awaitable<void> Refuse(Refusal refusal);

  bool Idle() const;
  bool ExecuteFollows(std::string_view portal) const;
  bool SyncFollows() const;
  Step Keep(size_t bytes);
  void DropStatement(std::string_view name);
  void DropPortal(Portals::iterator portal);
  void DropPortals();
  void AppendOutcome(const session::Outcome& outcome);
  void OnGone();

  boost::asio::awaitable<Result<void>> Write(std::string_view messages) override;
  boost::asio::awaitable<Result<void>> Completed(const session::Outcome& outcome) override;

  Channel& channel_;
  session::Session& session_;
  const Limits limits_;
  const int protocol_;
  const std::string client_;

  std::map<std::string, std::shared_ptr<const Prepared>, std::less<>> statements_;
  Portals portals_;
  // Found when a named statement was parsed; until something runs that may change it.
  std::shared_ptr<const Prepared> described_;
  ipc::StatementDescription description_;
  size_t kept_bytes_ = 0;
  uint64_t last_portal_ = 0;

  bool skipping_ = false;  // after an error in the extended protocol, until Sync
  bool batch_ = false;     // extended messages since the last Sync
  bool running_ = false;   // a call of the session
  bool waiting_ = false;   // for the client
  bool gone_ = false;      // the client left while something ran, or cannot be written to
  bool draining_ = false;
};

}  // namespace skep::pgwire
