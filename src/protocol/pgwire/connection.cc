#include "protocol/pgwire/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/ids.h"
#include "base/log.h"

namespace skep::pgwire {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr uint32_t kVersion = 3u << 16;
constexpr size_t kCancelKeyBytes = 4;

Error Plain(ErrorKind kind, std::string message, std::string hint = {}) {
  return Error{kind, std::move(message), {}, std::move(hint), 0};
}

Limits LimitsOf(const ServerOptions& options) {
  Limits limits;
  limits.message_bytes = options.max_message_bytes;
  return limits;
}

}  // namespace

Connection::Connection(House& house, asio::ip::tcp::socket socket)
    : house_(house), channel_(std::move(socket), house.scratch), limits_(LimitsOf(house.options)) {}

Connection::~Connection() = default;

asio::awaitable<void> Connection::Run() {
  StartDeadline();
  std::string defect;
  try {
    co_await Greet();
  } catch (const std::exception& e) {
    defect = e.what();
  }
  if (!defect.empty()) {
    const std::string incident = NewUuid();
    log::Fault("incident",
               {{"incident", incident}, {"peer", channel_.transport().peer()}, {"error", defect}});
    co_await Refuse(Plain(ErrorKind::kInternal, "internal error, incident " + incident));
  }
  timer_.reset();
  if (session_) {
    if (const auto mine = house_.by_process_id.find(session_->process_id());
        mine != house_.by_process_id.end() && mine->second == this) {
      house_.by_process_id.erase(mine);
    }
    conversation_.reset();
    co_await session_->Close();
    session_.reset();
  }
  if (counted_) house_.clients--;
  co_await channel_.Finish();
}

// Everything before the start-up packet, and cancel requests, which come in its place.
asio::awaitable<void> Connection::Greet() {
  bool asked_tls = false, asked_gss = false;
  while (true) {
    auto message = co_await Receive(Phase::kStartup);
    if (!message) co_return;
    if (auto* startup = std::get_if<StartupMessage>(&*message))
      co_return co_await Welcome(std::move(*startup));
    if (const auto* cancel = std::get_if<CancelRequest>(&*message))
      co_return CancelAnother(*cancel);
    bool& asked = std::holds_alternative<SslRequest>(*message) ? asked_tls : asked_gss;
    if (std::exchange(asked, true) || channel_.transport().tls()) {
      co_return co_await Refuse(
          Plain(ErrorKind::kProtocolViolation, "encryption was asked for twice"));
    }
    const bool agreed =
        std::holds_alternative<SslRequest>(*message) && house_.options.tls != nullptr;
    // What was sent before the handshake must not be read as if it had come through it.
    if (agreed && !channel_.unread().empty()) {
      co_return co_await Refuse(
          Plain(ErrorKind::kProtocolViolation, "received unencrypted data after SSL request"));
    }
    channel_.out().push_back(agreed ? 'S' : 'N');
    if (!co_await channel_.Flush()) co_return;
    if (agreed && !co_await channel_.transport().Handshake(*house_.options.tls)) {
      log::Debug("tls_failed", {{"peer", channel_.transport().peer()}});
      co_return;
    }
  }
}

asio::awaitable<void> Connection::Welcome(StartupMessage message) {
  auto startup = ReadStartup(message);
  if (!startup) co_return co_await Refuse(startup.error());
  if (message.version != kVersion || !startup->unknown_options.empty()) {
    AppendNegotiateProtocolVersion(channel_.out(), kVersion, startup->unknown_options);
  }
  if (startup->replication) {
    co_return co_await Refuse(
        Plain(ErrorKind::kFeatureNotSupported, "replication connections are not supported"));
  }
  if (house_.options.require_tls && !channel_.transport().tls()) {
    const Error error = Plain(ErrorKind::kInvalidRole, "only encrypted connections are accepted",
                              "Connect with sslmode=require or better.");
    co_return co_await Refuse(error, sqlstate::kInvalidAuthorization);
  }
  if (house_.clients >= house_.options.max_connections) {
    log::Warn("too_many_connections",
              {{"peer", channel_.transport().peer()}, {"limit", house_.options.max_connections}});
    co_return co_await Refuse(Plain(ErrorKind::kTooManyConnections,
                                    "sorry, too many clients already",
                                    "Try again later, or close what idles."));
  }
  counted_ = true;
  house_.clients++;
  auto candidate = co_await Admit(*startup);
  if (!candidate) co_return;
  timer_.reset();
  co_await Serve(std::move(*startup), std::move(candidate->user));
}

// Answers the user whose password was proved. Whoever fails is told no more than that.
asio::awaitable<std::optional<Candidate>> Connection::Admit(Startup startup) {
  WorkgroupChoice choice{ReadServerName(channel_.transport().ServerName()), startup.workgroup,
                         house_.options.default_workspace};
  auto find = [&store = house_.store, choice = std::move(choice), user = startup.user,
               decoys = house_.decoys] { return FindCandidate(store, choice, user, decoys); };
  auto candidate = co_await house_.blocking.Run(std::move(find));
  if (!candidate) {
    if (candidate.error().kind == ErrorKind::kUndefinedObject) {
      co_await RefuseLate(candidate.error());
    } else {
      log::Fault("login_impossible",
                 {{"peer", channel_.transport().peer()}, {"error", candidate.error().message}});
      co_await Refuse(Plain(ErrorKind::kIoError, "users cannot be looked up now",
                            "Try again later; the server's log says why."));
    }
    co_return std::nullopt;
  }
  const Method method =
      ChooseMethod(house_.options.authentication, startup, candidate->user.md5_only);
  PasswordExchange exchange(method, *candidate);
  Result<bool> proved = exchange.Begin(channel_.out());
  while (proved && !*proved) {
    const auto answer = co_await Receive(Phase::kAuthentication);
    if (!answer || std::holds_alternative<Terminate>(*answer)) co_return std::nullopt;
    proved = exchange.Take(*answer, channel_.out());
  }
  if (proved && candidate->known) co_return std::move(*candidate);

  const bool wrong = proved || proved.error().kind == ErrorKind::kAuthenticationFailed;
  log::Warn("login_failed",
            {{"peer", channel_.transport().peer()},
             {"workspace", candidate->user.workspace},
             {"user", startup.user},
             {"method", NameOf(method)},
             {"reason", proved ? std::string("no such user")
                               : proved.error().message + " " + proved.error().detail}});
  if (wrong) {
    co_await RefuseLate(
        Plain(ErrorKind::kAuthenticationFailed,
              fmt::format("password authentication failed for user \"{}\"", startup.user)));
  } else {
    co_await Refuse(proved.error());
  }
  co_return std::nullopt;
}

asio::awaitable<void> Connection::Serve(Startup startup, control::User user) {
  auto& out = channel_.out();
  AppendAuthenticationOk(out);
  session::SessionOptions options;
  options.workspace = user.workspace;
  options.database = startup.database;
  options.user = user.name;
  options.superuser = user.superuser;
  options.settings = std::move(startup.settings);
  options.client = "pgwire " + channel_.transport().peer();
  const std::string client = options.client;
  auto opened = co_await house_.sessions.Open(std::move(options));
  if (!opened) co_return co_await Refuse(opened.error());
  session_ = std::move(*opened);
  key_ = RandomBytes(kCancelKeyBytes);
  house_.by_process_id[session_->process_id()] = this;

  for (const auto& [name, value] : session_->ReportedSettings())
    AppendParameterStatus(out, name, value);
  // Without it Redshift's drivers fall back to PostgreSQL's protocol.
  int protocol = kProtocolPostgres;
  if (startup.client_protocol) {
    protocol = std::clamp(*startup.client_protocol, kProtocolPlain, kProtocolBinary);
    AppendParameterStatus(out, "server_protocol_version", std::to_string(protocol));
  }
  AppendBackendKeyData(out, session_->process_id(), key_);
  log::Debug("session_opened", {{"client", client},
                                {"workspace", user.workspace},
                                {"user", user.name},
                                {"process_id", session_->process_id()},
                                {"tls", channel_.transport().tls()}});
  conversation_ = std::make_unique<Conversation>(channel_, *session_, limits_, protocol, client);
  if (draining_) conversation_->Drain();
  co_await conversation_->Run();
}

// The next message; nullopt when there is none and the client has been told why.
asio::awaitable<std::optional<Message>> Connection::Receive(Phase phase) {
  while (true) {
    auto taken = channel_.Take(phase, limits_);
    if (taken && *taken) co_return std::move(**taken);
    if (taken) {
      log::Info("protocol_violation",
                {{"peer", channel_.transport().peer()}, {"error", taken->error().message}});
      co_await Refuse(taken->error());
      co_return std::nullopt;
    }
    if (!co_await channel_.Flush()) co_return std::nullopt;
    if (!draining_ && co_await channel_.More()) continue;
    if (draining_) {
      co_await Refuse(
          Plain(ErrorKind::kAdminShutdown, "the server is shutting down", "Connect again."));
    } else if (expired_ && phase == Phase::kAuthentication) {
      co_await Refuse(
          Plain(ErrorKind::kStatementTimeout, "canceling authentication due to timeout"));
    }
    co_return std::nullopt;
  }
}

asio::awaitable<void> Connection::Refuse(Error error, std::string_view state) {
  AppendError(channel_.out(), "FATAL", error, state);
  co_await channel_.Flush();
}

// Slows down who guesses.
asio::awaitable<void> Connection::RefuseLate(Error error) {
  const auto least = house_.options.failed_login_delay;
  const uint64_t spread = static_cast<uint64_t>(least.count()) + 1;
  const auto delay = least + std::chrono::milliseconds(ByteReader(RandomBytes(8)).U64() % spread);
  error_code ignored;
  timer_->expires_after(delay);
  co_await timer_->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  co_await Refuse(std::move(error));
}

void Connection::CancelAnother(const CancelRequest& request) {
  const auto found = house_.by_process_id.find(request.process_id);
  const bool known = found != house_.by_process_id.end();
  const std::string none(kCancelKeyBytes, '\0');
  const bool equal = ConstantTimeEqual(known ? found->second->key_ : none, request.key);
  if (!known || !equal) {
    log::Info("cancel_refused",
              {{"peer", channel_.transport().peer()}, {"process_id", request.process_id}});
    return;
  }
  if (found->second->conversation_) found->second->conversation_->Cancel();
}

void Connection::StartDeadline() {
  timer_ = std::make_unique<asio::steady_timer>(channel_.transport().executor());
  timer_->expires_after(house_.options.authentication_timeout);
  timer_->async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->OnDeadline();
  });
}

void Connection::OnDeadline() {
  if (!timer_) return;
  expired_ = true;
  if (!channel_.Interrupt()) channel_.Close();
}

void Connection::Drain() {
  draining_ = true;
  if (conversation_) {
    conversation_->Drain();
  } else {
    channel_.Interrupt();
    if (timer_) timer_->cancel();
  }
}

void Connection::Abort() {
  if (conversation_) conversation_->Cancel();
  channel_.Close();
  if (timer_) timer_->cancel();
}

}  // namespace skep::pgwire
