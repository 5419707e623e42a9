#include "protocol/pgwire/conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "base/ids.h"
#include "base/log.h"

namespace skep::pgwire {
namespace asio = boost::asio;

namespace {

// Of texts and parameters of one client's statements and portals.
constexpr size_t kMaxKeptBytes = 128u << 20;
// What a statement or portal weighs without its texts.
constexpr size_t kEntryBytes = 256;
// Messages answered in one go before other clients have their turn.
constexpr int kTurn = 64;
// A result format of the session's: binary, numbers as Redshift's protocol version 2 has them.
constexpr uint16_t kRedshiftBinary = 2, kDriverBinary = 3;

Error Plain(ErrorKind kind, std::string message, std::string hint = {}) {
  return Error{kind, std::move(message), {}, std::move(hint), 0};
}

Error NoStatement(std::string_view name) {
  return Plain(ErrorKind::kInvalidStatementName,
               name.empty() ? std::string("unnamed prepared statement does not exist")
                            : fmt::format("prepared statement \"{}\" does not exist", name));
}

Error NoPortal(std::string_view name) {
  return Plain(ErrorKind::kInvalidCursorName, fmt::format("portal \"{}\" does not exist", name));
}

Error NotUtf8() {
  return Plain(ErrorKind::kInvalidText, "invalid byte sequence for encoding \"UTF8\"",
               "Send the statement's text as UTF-8.");
}

Error Gone() { return Plain(ErrorKind::kQueryCanceled, "the client is gone"); }

bool AreFormats(const std::vector<uint16_t>& formats) {
  return std::ranges::all_of(formats, [](uint16_t format) { return format <= 1; });
}

}  // namespace

// A call of the session: while it lasts, a client that leaves cancels it.
class Conversation::Running {
 public:
  explicit Running(Conversation& conversation) : conversation_(conversation) {
    conversation_.running_ = true;
    conversation_.channel_.Watch([c = &conversation_] { c->OnGone(); });
  }
  ~Running() {
    conversation_.channel_.Unwatch();
    conversation_.running_ = false;
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Conversation& conversation_;
};

Conversation::Conversation(Channel& channel, session::Session& session, const Limits& limits,
                           int protocol, std::string client)
    : channel_(channel),
      session_(session),
      limits_(limits),
      protocol_(protocol),
      client_(std::move(client)) {}

asio::awaitable<void> Conversation::Run() {
  bool go_on = co_await Ready();
  int handled = 0;
  while (go_on && !gone_) {
    auto taken = channel_.Take(Phase::kReady, limits_);
    if (!taken) {
      go_on = co_await channel_.Flush();
      if (!go_on) break;
      if (draining_ && Idle()) {
        co_await Fatal(Plain(ErrorKind::kAdminShutdown,
                             "terminating connection due to administrator command",
                             "Connect again."));
        break;
      }
      handled = 0;
      waiting_ = true;
      co_await channel_.More();
      waiting_ = false;
      go_on = !channel_.ended();
      continue;
    }
    if (!*taken) {
      log::Info("protocol_violation", {{"client", client_}, {"error", taken->error().message}});
      co_await Fatal(taken->error());
      break;
    }
    go_on = co_await Handle(std::move(**taken));
    if (go_on && channel_.full()) go_on = co_await channel_.Flush();
    if (++handled == kTurn) {
      handled = 0;
      co_await asio::post(channel_.transport().executor(), asio::use_awaitable);
    }
  }
}

void Conversation::Cancel() {
  if (running_) session_.Cancel();
}

void Conversation::Drain() {
  draining_ = true;
  if (waiting_ && Idle()) channel_.Interrupt();
}

bool Conversation::Idle() const { return !batch_ && session_.transaction_status() == 'I'; }

void Conversation::OnGone() {
  gone_ = true;
  if (running_) session_.Cancel();
}

asio::awaitable<void> Conversation::Fatal(const Error& error) {
  AppendError(channel_.out(), "FATAL", error);
  co_await channel_.Flush();
}

asio::awaitable<bool> Conversation::Ready() {
  for (const auto& [name, value] : session_.TakeReportedChanges())
    AppendParameterStatus(channel_.out(), name, value);
  AppendReadyForQuery(channel_.out(), session_.transaction_status());
  co_return co_await channel_.Flush();
}

// The one place where a broken invariant ends: the client's connection, with a number to look for
// in the log.
asio::awaitable<bool> Conversation::Handle(Message message) {
  if (skipping_ && !std::holds_alternative<Sync>(message) &&
      !std::holds_alternative<Terminate>(message))
    co_return true;
  std::string defect;
  try {
    co_return co_await Dispatch(std::move(message));
  } catch (const std::exception& e) {
    defect = e.what();
  }
  const std::string incident = NewUuid();
  log::Fault("incident", {{"incident", incident}, {"client", client_}, {"error", defect}});
  co_await Fatal(Plain(ErrorKind::kInternal, "internal error, incident " + incident,
                       "Report it with the lines of the log that have its number."));
  co_return false;
}

asio::awaitable<bool> Conversation::Dispatch(Message message) {
  if (auto* query = std::get_if<Query>(&message)) {
    co_await OnQuery(std::move(query->text));
    co_return co_await Ready();
  }
  if (std::holds_alternative<Sync>(message)) co_return co_await OnSync();
  if (std::holds_alternative<Terminate>(message)) co_return false;
  if (std::holds_alternative<Flush>(message)) co_return co_await channel_.Flush();
  // Left over from a COPY that was refused.
  if (std::holds_alternative<CopyInput>(message)) co_return true;
  if (std::holds_alternative<FunctionCall>(message)) {
    const Error error = Plain(ErrorKind::kFeatureNotSupported,
                              "function calls by message are not supported", "Use SELECT.");
    AppendError(channel_.out(), "ERROR", error);
    co_await session_.FailTransaction();
    co_return co_await Ready();
  }
  batch_ = true;
  Step step;
  if (auto* parse = std::get_if<Parse>(&message)) {
    step = co_await OnParse(std::move(*parse));
  } else if (auto* bind = std::get_if<Bind>(&message)) {
    step = OnBind(std::move(*bind));
  } else if (auto* describe = std::get_if<Describe>(&message)) {
    step = co_await OnDescribe(std::move(*describe));
  } else if (auto* execute = std::get_if<Execute>(&message)) {
    step = co_await OnExecute(std::move(*execute));
  } else if (auto* close = std::get_if<Close>(&message)) {
    OnClose(*close);
  }
  if (!step) co_await Refuse(std::move(step.error()));
  co_return true;
}

asio::awaitable<void> Conversation::OnQuery(std::string text) {
  described_.reset();
  DropStatement({});
  if (const auto unnamed = portals_.find(""); unnamed != portals_.end()) DropPortal(unnamed);
  if (!IsUtf8(text)) {
    AppendError(channel_.out(), "ERROR", NotUtf8(), sqlstate::kUntranslatableText);
    co_await session_.FailTransaction();
    co_return;
  }
  Result<void> ran;
  {
    const Running running(*this);
    ran = co_await session_.RunScript(std::move(text), *this);
  }
  if (!ran) AppendError(channel_.out(), "ERROR", ran.error());
  if (session_.transaction_status() == 'I') DropPortals();
}

asio::awaitable<bool> Conversation::OnSync() {
  skipping_ = batch_ = false;
  described_.reset();
  Result<void> ended;
  {
    const Running running(*this);
    ended = co_await session_.Sync();
  }
  if (!ended) AppendError(channel_.out(), "ERROR", ended.error());
  if (session_.transaction_status() == 'I') DropPortals();
  co_return co_await Ready();
}

asio::awaitable<void> Conversation::Refuse(Refusal refusal) {
  AppendError(channel_.out(), "ERROR", refusal.error, refusal.state);
  skipping_ = true;
  // What is found here fails the transaction like what the session finds.
  co_await session_.FailTransaction();
}

asio::awaitable<Conversation::Step> Conversation::OnParse(Parse message) {
  if (!IsUtf8(message.text))
    co_return std::unexpected(Refusal(NotUtf8(), sqlstate::kUntranslatableText));
  if (message.statement.empty()) {
    DropStatement({});
  } else if (statements_.contains(message.statement)) {
    const Error error =
        Plain(ErrorKind::kDuplicateObject,
              fmt::format("prepared statement \"{}\" already exists", message.statement));
    co_return std::unexpected(Refusal(error, sqlstate::kDuplicateStatement));
  }
  const size_t bytes =
      message.statement.size() + message.text.size() + 4 * message.parameter_types.size();
  if (auto kept = Keep(bytes); !kept) co_return kept;
  auto prepared = std::make_shared<const Prepared>(
      Prepared{std::move(message.text), std::move(message.parameter_types)});
  // A statement that cannot be run must not take a name: its client will use the name again. An
  // unnamed one says so when it is used, which saves a call.
  if (!message.statement.empty()) {
    auto description = co_await DescriptionOf(prepared);
    if (!description) {
      kept_bytes_ -= kEntryBytes + bytes;
      co_return std::unexpected(Refusal(description.error()));
    }
    described_ = prepared;
    description_ = std::move(*description);
  }
  statements_[std::move(message.statement)] = std::move(prepared);
  AppendParseComplete(channel_.out());
  co_return Step{};
}

asio::awaitable<Result<ipc::StatementDescription>> Conversation::DescriptionOf(
    std::shared_ptr<const Prepared> statement) {
  if (statement == described_) co_return description_;
  const Running running(*this);
  co_return co_await session_.Describe(statement->text, statement->types);
}

Conversation::Step Conversation::OnBind(Bind message) {
  const auto statement = statements_.find(message.statement);
  if (statement == statements_.end())
    return std::unexpected(Refusal(NoStatement(message.statement)));
  const auto parameter_format = [](const ipc::Parameter& parameter) {
    return parameter.format <= 1;
  };
  if (!AreFormats(message.result_formats) ||
      !std::ranges::all_of(message.parameters, parameter_format)) {
    return std::unexpected(Refusal(Plain(ErrorKind::kInvalidArgument, "unsupported format code",
                                         "Use 0 (text) or 1 (binary).")));
  }
  if (const auto old = portals_.find(message.portal); old != portals_.end()) {
    if (!message.portal.empty()) {
      return std::unexpected(
          Refusal(Plain(ErrorKind::kDuplicateObject,
                        fmt::format("cursor \"{}\" already exists", message.portal)),
                  sqlstate::kDuplicateCursor));
    }
    DropPortal(old);
  }
  size_t bytes = message.portal.size();
  for (const auto& parameter : message.parameters)
    bytes += sizeof(parameter) + (parameter.value ? parameter.value->size() : 0);
  if (auto kept = Keep(bytes); !kept) return kept;
  Portal portal;
  portal.statement = statement->second;
  portal.parameters = std::move(message.parameters);
  portal.formats = std::move(message.result_formats);
  portal.key = fmt::format("p{}", ++last_portal_);
  portal.kept_bytes = kEntryBytes + bytes;
  portals_.insert_or_assign(std::move(message.portal), std::move(portal));
  AppendBindComplete(channel_.out());
  return {};
}

asio::awaitable<Conversation::Step> Conversation::OnDescribe(Describe message) {
  std::shared_ptr<const Prepared> statement;
  Portal* portal = nullptr;
  if (message.what == 'S') {
    const auto found = statements_.find(message.name);
    if (found == statements_.end()) co_return std::unexpected(Refusal(NoStatement(message.name)));
    statement = found->second;
  } else {
    const auto found = portals_.find(message.name);
    if (found == portals_.end()) co_return std::unexpected(Refusal(NoPortal(message.name)));
    portal = &found->second;
    statement = portal->statement;
    // Nearly every driver sends both at once: then one call does for both.
    if (portal->state == Portal::State::kReady && ExecuteFollows(message.name)) {
      portal->describe = true;
      co_return Step{};
    }
  }
  const auto described = co_await DescriptionOf(statement);
  if (!described) co_return std::unexpected(Refusal(described.error()));
  auto& out = channel_.out();
  if (!portal) AppendParameterDescription(out, described->parameter_types);
  if (described->columns.empty()) {
    AppendNoData(out);
  } else {
    const std::vector<uint16_t> formats = portal ? portal->formats : std::vector<uint16_t>();
    AppendRowDescription(out, described->columns, formats, protocol_ >= kProtocolColumns);
  }
  co_return Step{};
}

// True when nothing but Close stands between this message and a Sync that has come.
bool Conversation::SyncFollows() const {
  std::string_view rest = channel_.unread();
  while (!rest.empty()) {
    if (rest.front() == 'S') return true;
    if (rest.front() != 'C') return false;
    const auto next = Decode(rest, Phase::kReady, limits_);
    const auto* whole = std::get_if<Decoded>(&next);
    if (!whole) return false;
    rest.remove_prefix(whole->consumed);
  }
  return false;
}

bool Conversation::ExecuteFollows(std::string_view portal) const {
  if (!channel_.unread().starts_with('E')) return false;
  const auto next = Decode(channel_.unread(), Phase::kReady, limits_);
  const auto* whole = std::get_if<Decoded>(&next);
  const auto* execute = whole ? std::get_if<Execute>(&whole->message) : nullptr;
  return execute && execute->portal == portal;
}

asio::awaitable<Conversation::Step> Conversation::OnExecute(Execute message) {
  const auto found = portals_.find(message.portal);
  if (found == portals_.end()) co_return std::unexpected(Refusal(NoPortal(message.portal)));
  Portal& portal = found->second;
  switch (portal.state) {
    case Portal::State::kReady:
      co_return co_await Start(portal, message.max_rows);
    case Portal::State::kSuspended:
      co_return co_await Resume(portal, message.max_rows);
    case Portal::State::kDone:
      if (portal.has_result) {
        AppendCommandComplete(channel_.out(), "SELECT 0");
        co_return Step{};
      }
      break;
    case Portal::State::kFailed:
      break;
  }
  co_return std::unexpected(Refusal(
      Plain(ErrorKind::kConflict, fmt::format("portal \"{}\" cannot be run", message.portal)),
      sqlstate::kNotInThisState));
}

asio::awaitable<Conversation::Step> Conversation::Start(Portal& portal, uint32_t max_rows) {
  session::StatementRequest request;
  request.text = portal.statement->text;
  request.parameter_types = portal.statement->types;
  request.parameters = std::move(portal.parameters);
  request.result_formats = portal.formats;
  if (protocol_ >= kProtocolPlain)
    std::ranges::replace(request.result_formats, uint16_t{1},
                         protocol_ >= kProtocolBinary ? kRedshiftBinary : kDriverBinary);
  request.describe = std::exchange(portal.describe, false);
  const bool describe = request.describe;
  if (max_rows > 0) request.portal = portal.key;
  request.max_rows = max_rows;
  portal.parameters.clear();
  portal.state = Portal::State::kFailed;
  described_.reset();
  if (!SyncFollows()) session_.BeginBatch();
  Result<session::Outcome> outcome;
  {
    const Running running(*this);
    outcome = co_await session_.Execute(std::move(request), *this);
  }
  if (!outcome) co_return std::unexpected(Refusal(outcome.error()));
  portal.has_result = outcome->has_result;
  portal.state = outcome->suspended ? Portal::State::kSuspended : Portal::State::kDone;
  if (describe && !outcome->has_result) AppendNoData(channel_.out());
  AppendOutcome(*outcome);
  co_return Step{};
}

asio::awaitable<Conversation::Step> Conversation::Resume(Portal& portal, uint32_t max_rows) {
  portal.state = Portal::State::kFailed;
  Result<session::Outcome> outcome;
  {
    const Running running(*this);
    outcome = co_await session_.Fetch(portal.key, max_rows, *this);
  }
  if (!outcome) co_return std::unexpected(Refusal(outcome.error()));
  portal.state = outcome->suspended ? Portal::State::kSuspended : Portal::State::kDone;
  AppendOutcome(*outcome);
  co_return Step{};
}

void Conversation::OnClose(const Close& message) {
  if (message.what == 'S') {
    DropStatement(message.name);
  } else if (const auto found = portals_.find(message.name); found != portals_.end()) {
    DropPortal(found);
  }
  AppendCloseComplete(channel_.out());
}

Conversation::Step Conversation::Keep(size_t bytes) {
  if (kept_bytes_ + kEntryBytes + bytes > kMaxKeptBytes) {
    return std::unexpected(Refusal(
        Plain(ErrorKind::kPayloadTooLarge,
              fmt::format("prepared statements and portals of this connection hold {} bytes",
                          kept_bytes_),
              "Close those that are not used any more.")));
  }
  kept_bytes_ += kEntryBytes + bytes;
  return {};
}

void Conversation::DropStatement(std::string_view name) {
  const auto found = statements_.find(name);
  if (found == statements_.end()) return;
  kept_bytes_ -= kEntryBytes + found->first.size() + found->second->text.size() +
                 4 * found->second->types.size();
  statements_.erase(found);
}

void Conversation::DropPortal(Portals::iterator portal) {
  if (portal->second.state == Portal::State::kSuspended) session_.ClosePortal(portal->second.key);
  kept_bytes_ -= portal->second.kept_bytes;
  portals_.erase(portal);
}

void Conversation::DropPortals() {
  while (!portals_.empty()) DropPortal(portals_.begin());
}

void Conversation::AppendOutcome(const session::Outcome& outcome) {
  auto& out = channel_.out();
  for (const auto& notice : outcome.notices)
    AppendNotice(out, notice.kind == ErrorKind::kInformation ? "INFO" : "WARNING", notice);
  if (outcome.empty) {
    AppendEmptyQueryResponse(out);
  } else if (outcome.suspended) {
    AppendPortalSuspended(out);
  } else {
    AppendCommandComplete(out, outcome.tag);
  }
}

asio::awaitable<Result<void>> Conversation::Write(std::string_view messages) {
  if (gone_) co_return Fail(Gone());
  if (protocol_ >= kProtocolColumns && messages.starts_with('T')) {
    if (!AppendExtendedRowDescription(channel_.out(), messages)) {
      co_return Fail(ErrorKind::kInternal, "the worker sent a malformed description of columns");
    }
  }
  const bool sent = co_await channel_.Send(messages);
  if (!sent) {
    OnGone();
    co_return Fail(Gone());
  }
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Conversation::Completed(const session::Outcome& outcome) {
  AppendOutcome(outcome);
  if (channel_.full() && !co_await channel_.Flush()) OnGone();
  if (gone_) co_return Fail(Gone());
  co_return Result<void>{};
}

}  // namespace skep::pgwire
