#include "worker/session.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <duckdb/main/prepared_statement_data.hpp>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "worker/engine_errors.h"
#include "worker/external_scan/infer.h"
#include "worker/plan_guard.h"

namespace skep::worker {
namespace {

using std::chrono::milliseconds;

constexpr size_t kReadBytes = 16u << 10;
constexpr auto kNag = milliseconds(10);
constexpr std::string_view kIncident = "internal error (incident ";
constexpr auto kLastWords = milliseconds(1000);

Frame Encoded(ipc::FrameType type, std::string_view payload) {
  Frame frame = Frame::WithRoom(payload.size());
  frame.Append(payload);
  frame.Seal(type);
  return frame;
}

}  // namespace

std::shared_ptr<Session> Session::Open(Engine& engine, Reactor& reactor, UniqueFd socket,
                                       std::function<void()> fatal) {
  std::shared_ptr<Session> session(new Session(engine, reactor, std::move(fatal)));
  // The reactor may still be on its way here when the session's thread has ended.
  session->outlet_ = Outlet::Open(std::move(socket), reactor, [weak = session->weak_from_this()] {
    if (const auto self = weak.lock()) self->Stop(StopReason::kGone);
  });
  return session;
}

Session::~Session() {
  if (outlet_) outlet_->Close();
}

// ---------------------------------------------------------------- requests

bool Session::Receive(size_t bytes) {
  while (input_.size() - input_at_ < bytes) {
    if (input_at_ > 0) {
      input_.erase(0, input_at_);
      input_at_ = 0;
    }
    const size_t have = input_.size();
    const size_t more = std::max(bytes - have, kReadBytes);
    input_.resize(have + more);
    ssize_t n;
    do {
      n = ::recv(outlet_->fd(), input_.data() + have, more, 0);
    } while (n < 0 && errno == EINTR);
    input_.resize(have + (n > 0 ? static_cast<size_t>(n) : 0));
    if (n <= 0) return false;
  }
  return true;
}

// Waits for the next request. From the moment its bytes are taken from the socket, a cancel is
// meant for it.
bool Session::AwaitRequest() {
  if (input_.size() > input_at_) return true;
  char first;
  ssize_t n;
  do {
    n = ::recv(outlet_->fd(), &first, 1, MSG_PEEK);
  } while (n < 0 && errno == EINTR);
  const std::lock_guard lock(stop_mutex_);
  phase_ = Phase::kReading;
  return n > 0 && !ended_;
}

void Session::Run() {
  ::pthread_setname_np(::pthread_self(), "skep-session");
  while (AwaitRequest()) {
    if (!Receive(ipc::kFrameHeader)) break;
    ipc::FrameHeader header;
    if (!ipc::DecodeFrameHeader(ByteView(input_.data() + input_at_, ipc::kFrameHeader), header))
      break;
    if (!Receive(ipc::kFrameHeader + header.length)) break;
    const std::string payload = input_.substr(input_at_ + ipc::kFrameHeader, header.length);
    input_at_ += ipc::kFrameHeader + header.length;
    if (input_at_ == input_.size()) {
      input_.clear();
      input_at_ = 0;
      if (input_.capacity() > 4 * kReadBytes) input_.shrink_to_fit();
    }
    if (!Handle(header.type, payload)) {
      log::Fault("gateway_protocol_violation", {{"session", attached_.session_id}});
      break;
    }
    const std::lock_guard lock(stop_mutex_);
    if (ended_) break;
    if (!input_.empty()) continue;
    phase_ = Phase::kIdle;
    // A cancel that came for what has just ended must not wait for the next statement.
    if (cancel_next_ && !HasUnread()) cancel_next_ = false;
  }
  outlet_->Close();
  portals_.clear();
  ForgetStatements();
  if (in_transaction_) engine_.store().Rollback(*connection_);
  connection_.reset();
}

void Session::Answer(ipc::FrameType type, std::string_view payload) {
  Frame frame = Encoded(type, payload);
  outlet_->Push(frame);
}

void Session::AnswerError(Error error) {
  if (error.kind == ErrorKind::kInternal && !error.message.starts_with(kIncident))
    error = Incident(error.message);
  ipc::StatementError answer;
  answer.error.error = std::move(error);
  answer.transaction = TransactionState();
  ByteWriter w;
  answer.Encode(w);
  Answer(ipc::FrameType::kError, w.str());
  if (std::exchange(fatal_error_, false)) {
    outlet_->Drain(kLastWords);
    fatal_();
  }
}

template <class Message>
void Session::AnswerOutcome(ipc::FrameType type, Result<Message> outcome) {
  if (!outcome) {
    // An interrupt that still nags must not hit the roll-back.
    FailTransaction();
    return AnswerError(std::move(outcome).error());
  }
  outcome->transaction = TransactionState();
  ByteWriter w;
  outcome->Encode(w);
  Answer(type, w.str());
}

bool Session::Handle(ipc::FrameType type, const std::string& payload) {
  switch (type) {
    case ipc::FrameType::kAttach: {
      ipc::AttachSession request;
      if (!ipc::DecodeExact(payload, request) || connection_ || attach_error_) return false;
      Attach(request);
      outlet_->Hold(Encoded(ipc::FrameType::kAttached, {}));
      return true;
    }
    case ipc::FrameType::kExecute: {
      ipc::ExecuteStatement request;
      if (!ipc::DecodeExact(payload, request)) return false;
      BeginStatement(request.timeout_ms);
      auto outcome = Execute(request);
      EndStatement();
      AnswerOutcome(ipc::FrameType::kComplete, std::move(outcome));
      return true;
    }
    case ipc::FrameType::kDescribe: {
      ipc::DescribeStatement request;
      if (!ipc::DecodeExact(payload, request)) return false;
      BeginStatement(0);
      auto outcome = Describe(request);
      EndStatement();
      AnswerOutcome(ipc::FrameType::kDescribed, std::move(outcome));
      return true;
    }
    case ipc::FrameType::kFetch: {
      ipc::FetchPortal request;
      if (!ipc::DecodeExact(payload, request)) return false;
      BeginStatement(0);
      auto outcome = Fetch(request);
      EndStatement();
      AnswerOutcome(ipc::FrameType::kComplete, std::move(outcome));
      return true;
    }
    case ipc::FrameType::kClosePortal:
      portals_.erase(payload);
      return true;
    case ipc::FrameType::kInfer: {
      ipc::InferRequest request;
      if (!ipc::DecodeExact(payload, request)) return false;
      if (attach_error_) {
        AnswerError(*attach_error_);
        return true;
      }
      if (!connection_ || !engine_.scratch()) return false;
      BeginStatement(0);
      running_.trusted = true;  // our own questions; a scratch worker has nothing to guard
      auto reply = external_scan::Infer(*connection_, engine_.lake(), request);
      running_ = {};
      EndStatement();
      if (!reply) {
        AnswerError(std::move(reply).error());
        return true;
      }
      ByteWriter w;
      reply->Encode(w);
      Answer(ipc::FrameType::kInferred, w.str());
      return true;
    }
    default:
      return false;
  }
}

void Session::Attach(const ipc::AttachSession& request) {
  attached_ = request;
  {
    const std::lock_guard lock(stop_mutex_);
    id_ = request.session_id;
    if (early_cancels_.contains(id_)) cancel_next_ = true;
    early_cancels_.clear();
  }
  auto made = engine_.Connect(request.database, request.user);
  if (!made) {
    attach_error_ = made.error();
    return;
  }
  {
    const std::lock_guard lock(stop_mutex_);
    connection_ = std::move(made->connection);
  }
  facts_ = std::move(made->facts);
  facts_->asker.process_id = request.process_id;
  names_ = duckdb::make_shared_ptr<SessionNames>();
  names_->user = attached_.user;
  names_->process_id = attached_.process_id;
  connection_->context->registered_state->Insert(kSessionNames, names_);
  connection_->context->config.get_result_collector = [this](duckdb::ClientContext& context,
                                                             duckdb::PreparedStatementData& data) {
    return MakeCollector(context, data);
  };
  if (auto applied = ApplySettings(request.settings); !applied) attach_error_ = applied.error();
}

namespace {

// Whether rows of these types are what was described. A number computed from a parameter may have
// other digits: it carries them with it.
bool SameForClient(const duckdb::vector<duckdb::LogicalType>& described,
                   const duckdb::vector<duckdb::LogicalType>& made, bool any_digits) {
  return std::ranges::equal(described, made, [&](const auto& a, const auto& b) {
    return a == b || (any_digits && a.id() == duckdb::LogicalTypeId::DECIMAL &&
                      b.id() == duckdb::LogicalTypeId::DECIMAL);
  });
}

}  // namespace

duckdb::unique_ptr<duckdb::PhysicalOperator> Session::MakeCollector(
    duckdb::ClientContext& context, duckdb::PreparedStatementData& data) {
  if (!running_.trusted)
    CheckPlan(data, attached_.database,
              [this](const std::string& name) { return engine_.store().Has(name); });
  const bool rows = data.properties.return_type == duckdb::StatementReturnType::QUERY_RESULT;
  if (rows && running_.materialise) {
    // A portal's rows may be many and wait long: they may go to disk.
    data.memory_type = duckdb::QueryResultMemoryType::BUFFER_MANAGED;
  }
  if (!rows || running_.materialise || !running_.output)
    return duckdb::PhysicalResultCollector::GetResultCollector(context, data);
  if (running_.kept_plan && !PlanFits(*running_.prepared)) {
    // Somebody committed after the plan was made and before this transaction began. A kind that
    // leaves the transaction usable.
    plan_aged_ = true;
    throw duckdb::BinderException("the plan has aged");
  }
  const auto* prepared = running_.prepared;
  const auto& formats = running_.output->formats;
  // Redshift's binary numerics have the scale that was described.
  const bool any_digits = prepared &&
                          std::ranges::find(prepared->parameter_types, oid::kNumeric) !=
                              prepared->parameter_types.end() &&
                          std::ranges::find(formats, ipc::kRedshiftBinary) == formats.end();
  if (prepared && prepared->described && !running_.output->describe &&
      !SameForClient(*prepared->described, data.types, any_digits)) {
    throw duckdb::NotImplementedException("cached plan must not change result type");
  }
  return MakeWireCollector(context, data, *running_.output);
}

// ---------------------------------------------------------------- stopping

void Session::BeginStatement(uint64_t timeout_ms) {
  const std::lock_guard lock(stop_mutex_);
  phase_ = Phase::kRunning;
  statement_++;
  if (stop_reason_ != StopReason::kGone) {
    stop_reason_ = StopReason::kNone;
    outlet_->Resume();
  }
  if (std::exchange(cancel_next_, false)) StopLocked(StopReason::kCancel);
  if (ended_ || stop_reason_ == StopReason::kGone) StopLocked(StopReason::kGone);
  if (timeout_ms > 0) {
    deadline_ = reactor_.At(Reactor::Clock::now() + milliseconds(timeout_ms),
                            [weak = weak_from_this(), statement = statement_] {
                              if (const auto self = weak.lock()) self->Expire(statement);
                            });
  }
}

void Session::EndStatement() {
  const std::lock_guard lock(stop_mutex_);
  // What comes now is too late, unless the next request is here already.
  phase_ = input_.empty() ? Phase::kIdle : Phase::kReading;
  cancel_next_ = false;
  if (deadline_ != 0) reactor_.Forget(std::exchange(deadline_, 0));
  if (nag_ != 0) reactor_.Forget(std::exchange(nag_, 0));
}

void Session::Expire(uint64_t statement) {
  const std::lock_guard lock(stop_mutex_);
  if (phase_ == Phase::kRunning && statement_ == statement) StopLocked(StopReason::kTimeout);
}

void Session::Stop(StopReason reason) {
  const std::lock_guard lock(stop_mutex_);
  StopLocked(reason);
}

void Session::StopLocked(StopReason reason) {
  // Nobody waits for the answer of a client that is gone, whatever stopped the statement before.
  if (stop_reason_ == StopReason::kNone || reason == StopReason::kGone) stop_reason_ = reason;
  if (phase_ != Phase::kRunning) return;
  outlet_->Stop();
  if (connection_) connection_->Interrupt();
  // The engine forgets an interrupt that comes just before a query starts.
  if (nag_ == 0) ArmNag();
}

void Session::ArmNag() {
  nag_ =
      reactor_.At(Reactor::Clock::now() + kNag, [weak = weak_from_this(), statement = statement_] {
        if (const auto self = weak.lock()) self->Nag(statement);
      });
}

void Session::Nag(uint64_t statement) {
  const std::lock_guard lock(stop_mutex_);
  if (phase_ != Phase::kRunning || statement_ != statement) return;
  outlet_->Stop();
  if (connection_) connection_->Interrupt();
  ArmNag();
}

void Session::Cancel(const std::string& session_id) {
  const std::lock_guard lock(stop_mutex_);
  if (id_.empty()) {
    // Its first request may not be read yet, or be on its way through Attach.
    early_cancels_.insert(session_id);
    return;
  }
  if (id_ != session_id) return;
  if (phase_ == Phase::kRunning) return StopLocked(StopReason::kCancel);
  if (phase_ == Phase::kReading) {
    cancel_next_ = true;
    return;
  }
  if (HasUnread()) cancel_next_ = true;
}

bool Session::HasUnread() const {
  pollfd unread{outlet_->fd(), POLLIN, 0};
  return ::poll(&unread, 1, 0) == 1 && (unread.revents & POLLIN) != 0;
}

void Session::End() {
  const std::lock_guard lock(stop_mutex_);
  ended_ = true;
  if (phase_ == Phase::kRunning) StopLocked(StopReason::kGone);
  ::shutdown(outlet_->fd(), SHUT_RD);
}

Error Session::Translate(const duckdb::ErrorData& error, const sql::Emitted* emitted) {
  StopReason reason;
  {
    const std::lock_guard lock(stop_mutex_);
    reason = stop_reason_;
  }
  if (IsFatal(error)) fatal_error_ = true;
  switch (reason) {
    case StopReason::kTimeout:
      return {
          ErrorKind::kStatementTimeout, "canceling statement due to statement timeout", {}, {}, 0};
    case StopReason::kCancel:
      return {ErrorKind::kQueryCanceled, "canceling statement due to user request", {}, {}, 0};
    case StopReason::kGone:
      return {
          ErrorKind::kQueryCanceled, "canceling statement because its client is gone", {}, {}, 0};
    case StopReason::kNone:
      break;
  }
  Error out = ToError(error, emitted);
  if (out.kind == ErrorKind::kInternal) {
    return Incident(error.RawMessage());
  }
  return out;
}

// What went wrong goes to the log; the client gets a name for it.
Error Session::Incident(const std::string& what) const {
  const std::string incident = NewUuid();
  log::Fault("engine_failure",
             {{"incident", incident}, {"session", attached_.session_id}, {"error", what}});
  return {ErrorKind::kInternal, std::string(kIncident) + incident + ")", {}, {}, 0};
}

}  // namespace skep::worker
