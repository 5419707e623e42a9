#include "session/warehouse_session.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>

#include "base/ids.h"
#include "base/log.h"
#include "session/settings.h"
#include "session/trivial.h"
#include "session/worker_link.h"
#include "sql/statement.h"

namespace skep::session {
namespace asio = boost::asio;

namespace {

// For what answers no rows, or none that anybody reads.
class NoRows final : public RowSink {
  asio::awaitable<Result<void>> Write(std::string_view) override { co_return Result<void>{}; }
};

// What SELECT SET_CONFIG(...) answers.
TrivialResult SetConfigAnswer(std::string value) {
  constexpr uint32_t kVarchar = 1043;
  TrivialResult result;
  result.columns = {{"set_config", kVarchar, -1, -1}};
  result.rows = {{std::move(value)}};
  result.tag = "SELECT 1";
  return result;
}

uint64_t MicrosecondsSince(std::chrono::steady_clock::time_point start) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                   std::chrono::steady_clock::now() - start)
                                   .count());
}

// A position counts characters, not bytes, of the whole text that the client sent; `before` is what
// stands before the statement.
void MovePosition(Error& error, std::string_view before) {
  if (error.position == 0) return;
  error.position += static_cast<uint32_t>(std::ranges::count_if(
      before, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// A session's socket tells of a worker's death before its process is known to be gone. Waits for
// that, so that the message can say how it died and the next statement does not meet the dead one.
asio::awaitable<void> AwaitDeath(asio::any_io_executor executor,
                                 std::shared_ptr<compute::Worker> worker) {
  constexpr auto kStep = std::chrono::milliseconds(2);
  constexpr int kMostSteps = 150;
  asio::steady_timer tick(executor);
  for (int step = 0; worker && worker->usable() && step < kMostSteps; step++) {
    tick.expires_after(kStep);
    boost::system::error_code ignored;
    auto wait = asio::redirect_error(asio::use_awaitable, ignored);
    co_await tick.async_wait(wait);
  }
}

Error Warning(std::string message) {
  return Error{ErrorKind::kInTransaction, std::move(message), {}, {}, 0};
}

class WarehouseSession final : public Session {
 public:
  WarehouseSession(asio::any_io_executor executor, compute::Pool& pool, net::BlockingPool& reading,
                   CopyJobListener* copy_jobs, SessionOptions options)
      : executor_(std::move(executor)),
        pool_(pool),
        reading_(reading),
        copy_jobs_(copy_jobs),
        options_(std::move(options)),
        id_(NewUuid()),
        settings_(options_.settings, options_.user, options_.superuser) {}

  ~WarehouseSession() override { Detach(); }

  asio::awaitable<Result<Outcome>> Execute(StatementRequest request, RowSink& sink) override;
  asio::awaitable<Result<void>> RunScript(std::string script, ScriptSink& sink) override;
  asio::awaitable<Result<ipc::StatementDescription>> Describe(
      std::string text, std::vector<uint32_t> parameter_types) override;
  asio::awaitable<Result<Outcome>> Fetch(std::string portal, uint64_t max_rows,
                                         RowSink& sink) override;
  void ClosePortal(const std::string& portal) override;
  void BeginBatch() override { BeginImplicit(); }
  asio::awaitable<Result<void>> Sync() override;
  asio::awaitable<void> FailTransaction() override;
  void Cancel() override;
  char transaction_status() const override { return implicit_ ? 'I' : transaction_; }
  ipc::Settings TakeReportedChanges() override { return settings_.TakeReportedChanges(); }
  ipc::Settings ReportedSettings() const override { return settings_.Reported(); }
  uint32_t process_id() const override { return options_.process_id; }
  asio::awaitable<void> Close() override;

 private:
  using Script = std::shared_ptr<const std::string>;
  asio::awaitable<Result<std::vector<sql::Statement>>> Parse(Script script);
  asio::awaitable<Result<Outcome>> ExecuteOne(const sql::Statement& statement,
                                              StatementRequest request, RowSink& sink);
  asio::awaitable<Result<Outcome>> RunInWorker(ipc::ExecuteStatement message, RowSink& sink);
  asio::awaitable<Result<Outcome>> ControlTransaction(const sql::Statement& statement,
                                                      RowSink& sink);
  Result<Outcome> ApplySetting(const sql::Statement& statement);
  Result<TrivialResult> Show(const sql::Statement& statement) const;
  asio::awaitable<Result<void>> Attach();
  asio::awaitable<Result<WorkerLink::End>> Converse(std::string frame, RowSink* sink,
                                                    std::vector<Error>& notices,
                                                    std::optional<Error>& sink_error);
  void Detach();
  void Follow(char worker_state);
  void BeginImplicit();
  asio::awaitable<Result<void>> EndImplicit(bool commit);
  void EndTransaction(bool commit);
  void UpdatePin();
  asio::awaitable<Result<Outcome>> AnswerHere(const TrivialResult& result,
                                              const StatementRequest& request, RowSink& sink);
  Result<void> RefuseWhenFailed(const sql::Statement& statement) const;

  asio::any_io_executor executor_;
  compute::Pool& pool_;
  net::BlockingPool& reading_;
  CopyJobListener* const copy_jobs_;  // may be null
  SessionOptions options_;
  const std::string id_;
  Settings settings_;

  std::shared_ptr<compute::Worker> worker_;
  std::unique_ptr<WorkerLink> link_;
  bool pinned_ = false;
  bool read_only_ = false;  // BEGIN READ ONLY

  char transaction_ = 'I';
  bool begun_in_worker_ = false;  // BEGIN has reached the engine
  bool implicit_ = false;         // the transaction is a multi-statement script's own
  bool temporary_tables_ = false;
  std::set<std::string> portals_;
  std::string ahead_;  // frames without an answer, sent with the next request

  bool running_ = false;  // a request is with the worker
  bool cancelled_ = false;
  std::shared_ptr<compute::Admission::Waiter> waiter_;
};

// Long scripts are read on another thread, so that no other connection waits for it, and without
// their trees, which are many times as large and of no use here.
asio::awaitable<Result<std::vector<sql::Statement>>> WarehouseSession::Parse(Script script) {
  constexpr size_t kLongBytes = 64u << 10;
  constexpr size_t kMaxBytes = sql::kMaxStatementBytes + (1u << 20);
  if (script->size() > kMaxBytes)
    co_return Fail(ErrorKind::kPayloadTooLarge, "the script is larger than 17 MB");
  if (script->size() <= kLongBytes) co_return sql::ParseScript(*script);
  auto read = [script] {
    auto statements = sql::ParseScript(*script);
    if (!statements) return statements;
    for (sql::Statement& statement : *statements) {
      statement.tree = nullptr;
      statement.script.reset();
    }
    return statements;
  };
  co_return co_await reading_.Run(std::move(read));
}

asio::awaitable<Result<Outcome>> WarehouseSession::Execute(StatementRequest request,
                                                           RowSink& sink) {
  if (transaction_ != 'E') {
    if (request.parameters.empty()) {
      if (auto answer =
              AnswerProbe(request.text, options_.database, options_.user, options_.process_id)) {
        co_return co_await AnswerHere(*answer, request, sink);
      }
    }
  }
  cancelled_ = false;
  const auto script = std::make_shared<const std::string>(std::move(request.text));
  auto parsed = co_await Parse(script);
  if (!parsed) {
    co_await FailTransaction();
    co_return Fail(parsed.error());
  }
  if (parsed->empty()) co_return Outcome{.empty = true};
  if (parsed->size() > 1) {
    co_return Fail(ErrorKind::kSyntaxError,
                   "cannot insert multiple commands into a prepared statement");
  }
  const std::string before = script->substr(0, parsed->front().offset);
  const std::string text(parsed->front().text);
  sql::Statement statement = parsed->front();
  statement.text = text;
  auto outcome = co_await ExecuteOne(statement, std::move(request), sink);
  if (!outcome) MovePosition(outcome.error(), before);
  co_return outcome;
}

asio::awaitable<Result<void>> WarehouseSession::RunScript(std::string script, ScriptSink& sink) {
  cancelled_ = false;
  if (transaction_ != 'E') {
    if (auto answer = AnswerProbe(script, options_.database, options_.user, options_.process_id)) {
      StatementRequest request;
      request.describe = true;
      auto outcome = co_await AnswerHere(*answer, request, sink);
      if (!outcome) co_return Fail(outcome.error());
      co_return co_await sink.Completed(*outcome);
    }
  }
  const auto text = std::make_shared<const std::string>(std::move(script));
  auto parsed = co_await Parse(text);
  if (!parsed) {
    co_await FailTransaction();
    co_return Fail(parsed.error());
  }
  if (parsed->empty()) co_return co_await sink.Completed(Outcome{.empty = true});
  const bool several = parsed->size() > 1;
  std::optional<Error> failure;
  for (const auto& statement : *parsed) {
    if (several && statement.work != sql::WorkClass::kTransaction) BeginImplicit();
    StatementRequest request;
    request.describe = true;
    auto outcome = co_await ExecuteOne(statement, std::move(request), sink);
    if (!outcome) {
      failure = outcome.error();
      MovePosition(*failure, std::string_view(*text).substr(0, statement.offset));
      break;
    }
    auto completed = co_await sink.Completed(*outcome);
    if (!completed) {
      failure = completed.error();
      break;
    }
  }
  if (implicit_) {
    auto ended = co_await EndImplicit(!failure);
    if (!ended && !failure) failure = ended.error();
  }
  if (failure) co_return Fail(*failure);
  co_return Result<void>{};
}

void WarehouseSession::BeginImplicit() {
  if (transaction_ != 'I') return;
  transaction_ = 'T';
  implicit_ = true;
  begun_in_worker_ = false;
  settings_.BeginTransaction();
}

asio::awaitable<Result<void>> WarehouseSession::EndImplicit(bool commit) {
  sql::Statement end;
  end.kind = commit ? sql::ast::NodeKind::kCommit : sql::ast::NodeKind::kRollback;
  end.command = commit ? "COMMIT" : "ROLLBACK";
  implicit_ = false;
  NoRows nothing;
  auto ended = co_await ControlTransaction(end, nothing);
  if (!ended) co_return Fail(ended.error());
  co_return Result<void>{};
}

asio::awaitable<Result<void>> WarehouseSession::Sync() {
  if (!implicit_) co_return Result<void>{};
  cancelled_ = false;
  co_return co_await EndImplicit(transaction_ == 'T');
}

Result<void> WarehouseSession::RefuseWhenFailed(const sql::Statement& statement) const {
  if (transaction_ != 'E' || statement.kind == sql::ast::NodeKind::kCommit ||
      statement.kind == sql::ast::NodeKind::kRollback)
    return {};
  return Fail(ErrorKind::kFailedTransaction,
              "current transaction is aborted, commands ignored until end of transaction block");
}

asio::awaitable<Result<Outcome>> WarehouseSession::ExecuteOne(const sql::Statement& statement,
                                                              StatementRequest request,
                                                              RowSink& sink) {
  SKEP_CO_TRY(RefuseWhenFailed(statement));
  std::optional<Error> failure = statement.refusal;
  if (failure) {
    co_await FailTransaction();
    co_return Fail(*failure);
  }
  // What shows more than settings is the worker's to answer.
  const bool shows =
      statement.work == sql::WorkClass::kShow && statement.kind != sql::ast::NodeKind::kShowSetting;
  switch (shows ? sql::WorkClass::kRead : statement.work) {
    case sql::WorkClass::kTransaction:
      co_return co_await ControlTransaction(statement, sink);
    case sql::WorkClass::kShow: {
      auto shown = Show(statement);
      if (shown) co_return co_await AnswerHere(*shown, request, sink);
      failure = shown.error();
      break;
    }
    case sql::WorkClass::kSetting:
    case sql::WorkClass::kNothing: {
      // Only the worker knows the zones there are.
      const bool zone = statement.setting_name == "timezone" && !statement.setting_default &&
                        statement.kind == sql::ast::NodeKind::kSet;
      const std::string before = zone ? settings_.Get("timezone").value_or("") : "";
      auto applied = ApplySetting(statement);
      if (applied && zone) {
        ipc::ExecuteStatement check;
        check.statement_id = request.statement_id;
        check.text = "select 1";
        NoRows nothing;
        if (auto checked = co_await RunInWorker(std::move(check), nothing); !checked) {
          applied = Fail(checked.error());
          if (auto back = settings_.Set("timezone", before, statement.setting_local); !back)
            applied = Fail(back.error());
        }
      }
      if (applied && statement.setting_shown)
        co_return co_await AnswerHere(SetConfigAnswer(statement.setting_value), request, sink);
      if (applied) co_return *applied;
      failure = applied.error();
      break;
    }
    case sql::WorkClass::kWrite:
    case sql::WorkClass::kLoad:
    case sql::WorkClass::kDefinition:
      if (transaction_ == 'T' && read_only_) {
        failure = Error{ErrorKind::kReadOnlyTransaction,
                        "cannot execute " + statement.command + " in a read-only transaction",
                        {},
                        {},
                        0};
        break;
      }
      [[fallthrough]];
    default: {
      ipc::ExecuteStatement message;
      message.statement_id =
          request.statement_id.empty() ? NewUuid() : std::move(request.statement_id);
      message.text = statement.text;
      message.parameter_types = std::move(request.parameter_types);
      message.parameters = std::move(request.parameters);
      message.result_formats = std::move(request.result_formats);
      message.describe = request.describe;
      message.portal = std::move(request.portal);
      message.max_rows = request.max_rows;
      message.timeout_ms = settings_.statement_timeout_ms();
      if (!statement.changes_copy_jobs || !copy_jobs_)
        co_return co_await RunInWorker(std::move(message), sink);
      auto outcome = Result<Outcome>(Outcome{});
      if (auto heard = co_await copy_jobs_->Changing(options_.workspace, options_.user); heard)
        outcome = co_await RunInWorker(std::move(message), sink);
      else
        outcome = Fail(heard.error());
      copy_jobs_->Changed(options_.workspace);
      co_return outcome;
    }
  }
  co_await FailTransaction();
  co_return Fail(*failure);
}

// A failure found in the gateway fails an open transaction like one found in the engine.
asio::awaitable<void> WarehouseSession::FailTransaction() {
  if (transaction_ != 'T') co_return;
  if (begun_in_worker_ && link_) {
    std::vector<Error> notices;
    std::optional<Error> sink_error;
    ipc::ExecuteStatement rollback;
    rollback.text = "ROLLBACK";
    auto ended = co_await Converse(ipc::EncodeFrame(ipc::FrameType::kExecute, rollback), nullptr,
                                   notices, sink_error);
    if (!ended) Detach();
  }
  const bool implicit = implicit_;
  EndTransaction(false);
  transaction_ = 'E';
  implicit_ = implicit;
}

asio::awaitable<Result<Outcome>> WarehouseSession::AnswerHere(const TrivialResult& result,
                                                              const StatementRequest& request,
                                                              RowSink& sink) {
  std::string messages;
  if (request.describe) messages = EncodeRowDescription(result.columns, request.result_formats);
  messages += EncodeRows(result, request.result_formats);
  auto written = co_await sink.Write(messages);
  if (!written) co_return Fail(written.error());
  co_return Outcome{.tag = result.tag, .has_result = true, .rows = result.rows.size()};
}

asio::awaitable<Result<Outcome>> WarehouseSession::ControlTransaction(
    const sql::Statement& statement, RowSink& sink) {
  Outcome outcome;
  if (statement.kind == sql::ast::NodeKind::kBegin) {
    outcome.tag = "BEGIN";
    if (transaction_ == 'I' || implicit_) {
      if (transaction_ == 'I') {
        settings_.BeginTransaction();
        begun_in_worker_ = false;
      }
      implicit_ = false;
      transaction_ = 'T';
      read_only_ = statement.read_only;
    } else {
      outcome.notices.push_back(Warning("there is already a transaction in progress"));
    }
    co_return outcome;
  }
  const bool commit = statement.kind == sql::ast::NodeKind::kCommit;
  outcome.tag = commit && transaction_ != 'E' ? "COMMIT" : "ROLLBACK";
  if (transaction_ == 'I') {
    outcome.notices.push_back(Warning("there is no transaction in progress"));
    co_return outcome;
  }
  if (transaction_ == 'E' || !begun_in_worker_) {
    EndTransaction(commit && transaction_ == 'T');
    co_return outcome;
  }
  ipc::ExecuteStatement message;
  message.statement_id = NewUuid();
  message.text = commit ? "COMMIT" : "ROLLBACK";
  auto ended = co_await RunInWorker(std::move(message), sink);
  const bool committed = ended && commit;
  EndTransaction(committed);
  if (!ended) co_return Fail(ended.error());
  outcome.notices = std::move(ended->notices);
  co_return outcome;
}

void WarehouseSession::EndTransaction(bool commit) {
  settings_.EndTransaction(commit);
  transaction_ = 'I';
  implicit_ = false;
  read_only_ = false;
  begun_in_worker_ = false;
  portals_.clear();
  UpdatePin();
}

Result<Outcome> WarehouseSession::ApplySetting(const sql::Statement& statement) {
  Outcome outcome;
  outcome.tag = statement.command;
  switch (statement.kind) {
    case sql::ast::NodeKind::kSet:
    case sql::ast::NodeKind::kSetTransaction:
      if (statement.setting_default) {
        SKEP_TRY(settings_.Reset(statement.setting_name));
      } else {
        SKEP_TRY(settings_.Set(statement.setting_name, statement.setting_value,
                               statement.setting_local));
      }
      break;
    case sql::ast::NodeKind::kReset:
      if (statement.setting_name == "all") {
        settings_.ResetAll();
      } else {
        SKEP_TRY(settings_.Reset(statement.setting_name));
      }
      break;
    case sql::ast::NodeKind::kDiscard:
      settings_.ResetAll();
      break;
    default:
      break;  // DEALLOCATE: statements are the protocol's
  }
  return outcome;
}

Result<TrivialResult> WarehouseSession::Show(const sql::Statement& statement) const {
  constexpr uint32_t kText = 25;
  TrivialResult result;
  if (statement.setting_name == "all") {
    result.columns = {{"name", kText, -1, -1}, {"setting", kText, -1, -1}};
    for (const auto& [name, value] : settings_.All()) result.rows.push_back({name, value});
  } else {
    SKEP_TRY_ASSIGN(auto value, settings_.Get(statement.setting_name));
    result.columns = {{statement.setting_name, kText, -1, -1}};
    result.rows = {{value}};
  }
  result.tag = "SHOW";
  return result;
}

asio::awaitable<Result<void>> WarehouseSession::Attach() {
  if (worker_ && worker_->usable() && link_ && link_->is_open()) co_return Result<void>{};
  Detach();
  auto acquired = co_await pool_.Acquire(options_.workspace);
  if (!acquired) co_return Fail(acquired.error());
  auto socket = (*acquired)->OpenSession();
  if (!socket) co_return Fail(socket.error());
  worker_ = *acquired;
  link_ = std::make_unique<WorkerLink>(executor_, std::move(*socket));
  ipc::AttachSession attach;
  attach.session_id = id_;
  attach.database = options_.database;
  attach.user = options_.user;
  attach.process_id = options_.process_id;
  attach.settings = settings_.ForWorker();
  co_return co_await link_->Send(ipc::EncodeFrame(ipc::FrameType::kAttach, attach));
}

void WarehouseSession::Detach() {
  if (pinned_ && worker_) worker_->Unpin();
  pinned_ = false;
  temporary_tables_ = false;
  portals_.clear();
  ahead_.clear();
  if (link_) link_->Close();
  link_.reset();
  worker_.reset();
}

void WarehouseSession::UpdatePin() {
  const bool wanted = worker_ && (begun_in_worker_ || temporary_tables_ || !portals_.empty());
  if (wanted == pinned_) return;
  pinned_ = wanted;
  if (!worker_) return;
  if (wanted) {
    worker_->Pin();
  } else {
    worker_->Unpin();
  }
}

asio::awaitable<Result<WorkerLink::End>> WarehouseSession::Converse(
    std::string frame, RowSink* sink, std::vector<Error>& notices,
    std::optional<Error>& sink_error) {
  auto sent = co_await link_->Send(std::exchange(ahead_, {}) + std::move(frame));
  if (!sent) co_return Fail(sent.error());
  co_return co_await link_->Receive(sink, notices, sink_error);
}

// Takes over the transaction state the worker reports.
void WarehouseSession::Follow(char worker_state) {
  if (transaction_ != 'T') return;
  if (worker_state == 'E') {
    settings_.EndTransaction(false);
    transaction_ = 'E';
    begun_in_worker_ = false;
  } else if (worker_state == 'T') {
    begun_in_worker_ = true;
  }
}

asio::awaitable<Result<Outcome>> WarehouseSession::RunInWorker(ipc::ExecuteStatement message,
                                                               RowSink& sink) {
  const auto queued = std::chrono::steady_clock::now();
  waiter_ = pool_.AdmissionOf(options_.workspace).NewWaiter();
  auto ticket = co_await pool_.AdmissionOf(options_.workspace).Enter(waiter_);
  waiter_.reset();
  if (!ticket) co_return Fail(ticket.error());

  const bool in_transaction = transaction_ == 'T';
  const auto lost = [&](Error error) -> std::unexpected<Error> {
    if (worker_ && error.kind == ErrorKind::kWorkerLost) {
      error.message = "the workspace's worker " + worker_->Death() + " while it ran the statement";
      error.hint = "Run the statement again; a new worker starts with it.";
    }
    Detach();
    if (in_transaction) {
      settings_.EndTransaction(false);
      transaction_ = 'E';
      begun_in_worker_ = false;
    }
    return Fail(std::move(error));
  };

  if (in_transaction && begun_in_worker_ &&
      !(worker_ && worker_->usable() && link_ && link_->is_open())) {
    co_return lost(Error{ErrorKind::kWorkerLost, "the worker was lost"});
  }
  auto attached = co_await Attach();
  if (!attached) co_return lost(attached.error());
  if (cancelled_)
    co_return lost(Error{ErrorKind::kQueryCanceled, "canceling statement due to user request"});
  message.settings = settings_.TakeWorkerChanges();
  message.begin_first = in_transaction && !begun_in_worker_;
  const std::string portal = message.portal;
  Outcome outcome;
  outcome.queue_us = MicrosecondsSince(queued);

  const auto worker = worker_;
  worker->Begin();
  running_ = true;
  std::optional<Error> sink_error;
  auto end = co_await Converse(ipc::EncodeFrame(ipc::FrameType::kExecute, message), &sink,
                               outcome.notices, sink_error);
  running_ = false;
  worker->End();
  if (!end) {
    co_await AwaitDeath(executor_, worker);
    co_return lost(end.error());
  }
  if (const auto* failed = std::get_if<ipc::StatementError>(&*end)) {
    Follow(failed->transaction);
    UpdatePin();
    co_return Fail(failed->error.error);
  }
  const auto* complete = std::get_if<ipc::StatementComplete>(&*end);
  if (!complete)
    co_return lost(Error{ErrorKind::kProtocolViolation, "the worker answered out of turn"});
  Follow(complete->transaction);
  temporary_tables_ = complete->temporary_tables;
  if (complete->suspended) {
    portals_.insert(portal);
  } else if (!portal.empty()) {
    portals_.erase(portal);
  }
  UpdatePin();
  if (sink_error) co_return Fail(*sink_error);
  outcome.tag = complete->tag;
  outcome.rows = complete->rows;
  outcome.suspended = complete->suspended;
  outcome.has_result = complete->has_result;
  outcome.compile_us = complete->compile_us;
  outcome.run_us = complete->run_us;
  if (log::Enabled(log::Level::kDebug)) {
    log::Debug("statement", {{"id", message.statement_id},
                             {"client", options_.client},
                             {"tag", outcome.tag},
                             {"rows", outcome.rows},
                             {"queue_us", outcome.queue_us},
                             {"compile_us", outcome.compile_us},
                             {"run_us", outcome.run_us}});
  }
  co_return outcome;
}

asio::awaitable<Result<ipc::StatementDescription>> WarehouseSession::Describe(
    std::string text, std::vector<uint32_t> parameter_types) {
  ipc::StatementDescription description;
  description.transaction = transaction_;
  if (auto answer = AnswerProbe(text, options_.database, options_.user, options_.process_id)) {
    description.columns = answer->columns;
    co_return description;
  }
  const auto script = std::make_shared<const std::string>(std::move(text));
  SKEP_CO_TRY_ASSIGN(auto parsed, co_await Parse(script));
  if (parsed.empty()) co_return description;
  if (parsed.size() > 1) {
    co_return Fail(ErrorKind::kSyntaxError,
                   "cannot insert multiple commands into a prepared statement");
  }
  const sql::Statement& statement = parsed.front();
  SKEP_CO_TRY(RefuseWhenFailed(statement));
  if (statement.refusal) co_return Fail(*statement.refusal);
  const bool shows =
      statement.work == sql::WorkClass::kShow && statement.kind != sql::ast::NodeKind::kShowSetting;
  switch (shows ? sql::WorkClass::kRead : statement.work) {
    case sql::WorkClass::kShow: {
      SKEP_CO_TRY_ASSIGN(auto shown, Show(statement));
      description.columns = shown.columns;
      co_return description;
    }
    case sql::WorkClass::kTransaction:
    case sql::WorkClass::kSetting:
    case sql::WorkClass::kNothing:
      if (statement.setting_shown) description.columns = SetConfigAnswer({}).columns;
      co_return description;
    default:
      break;
  }
  ipc::DescribeStatement message;
  message.text = statement.text;
  message.parameter_types = std::move(parameter_types);
  auto attached = co_await Attach();
  if (!attached) co_return Fail(attached.error());
  message.settings = settings_.TakeWorkerChanges();
  message.begin_first = transaction_ == 'T' && !begun_in_worker_;
  const auto worker = worker_;
  worker->Begin();
  running_ = true;
  std::vector<Error> notices;
  std::optional<Error> sink_error;
  auto end = co_await Converse(ipc::EncodeFrame(ipc::FrameType::kDescribe, message), nullptr,
                               notices, sink_error);
  running_ = false;
  worker->End();
  if (!end) {
    co_await AwaitDeath(executor_, worker);
    Detach();
    if (transaction_ == 'T') Follow('E');
    co_return Fail(end.error());
  }
  if (const auto* failed = std::get_if<ipc::StatementError>(&*end)) {
    Follow(failed->transaction);
    UpdatePin();
    Error error = failed->error.error;
    MovePosition(error, std::string_view(*script).substr(0, statement.offset));
    co_return Fail(std::move(error));
  }
  if (auto* described = std::get_if<ipc::StatementDescription>(&*end)) {
    Follow(described->transaction);
    UpdatePin();
    co_return std::move(*described);
  }
  Detach();
  co_return Fail(ErrorKind::kProtocolViolation, "the worker answered out of turn");
}

asio::awaitable<Result<Outcome>> WarehouseSession::Fetch(std::string portal, uint64_t max_rows,
                                                         RowSink& sink) {
  if (!portals_.contains(portal) || !link_) {
    co_return Fail(ErrorKind::kInvalidCursorName, "portal \"" + portal + "\" does not exist");
  }
  const auto worker = worker_;
  worker->Begin();
  running_ = true;
  Outcome outcome;
  std::optional<Error> sink_error;
  const ipc::FetchPortal message{portal, max_rows};
  auto end = co_await Converse(ipc::EncodeFrame(ipc::FrameType::kFetch, message), &sink,
                               outcome.notices, sink_error);
  running_ = false;
  worker->End();
  if (!end) {
    co_await AwaitDeath(executor_, worker);
    Detach();
    if (transaction_ == 'T') Follow('E');
    co_return Fail(end.error());
  }
  if (const auto* failed = std::get_if<ipc::StatementError>(&*end)) {
    Follow(failed->transaction);
    co_return Fail(failed->error.error);
  }
  const auto* complete = std::get_if<ipc::StatementComplete>(&*end);
  if (!complete) {
    Detach();
    co_return Fail(ErrorKind::kProtocolViolation, "the worker answered out of turn");
  }
  if (!complete->suspended) portals_.erase(portal);
  UpdatePin();
  if (sink_error) co_return Fail(*sink_error);
  outcome.tag = complete->tag;
  outcome.rows = complete->rows;
  outcome.suspended = complete->suspended;
  outcome.has_result = true;
  co_return outcome;
}

void WarehouseSession::ClosePortal(const std::string& portal) {
  if (!portals_.erase(portal) || !link_) return;
  UpdatePin();
  // No answer follows; the frame goes out ahead of the next request.
  ahead_ += ipc::EncodeFrame(ipc::FrameType::kClosePortal, ByteView(portal));
}

void WarehouseSession::Cancel() {
  cancelled_ = true;
  if (waiter_) compute::Admission::Abandon(*waiter_);
  if (running_ && worker_) worker_->Cancel(id_);
}

asio::awaitable<void> WarehouseSession::Close() {
  if (running_) Cancel();
  Detach();
  co_return;
}

}  // namespace

asio::awaitable<Result<std::unique_ptr<Session>>> WarehouseSessions::Open(SessionOptions options) {
  const std::string name = options.workspace;
  auto look_up = [this, name] { return store_.GetWorkspace(name); };
  auto found = co_await blocking_.Run(look_up);
  if (!found) co_return Fail(found.error());
  if (!*found)
    co_return Fail(ErrorKind::kUndefinedObject, "workgroup \"" + name + "\" does not exist");
  if (options.database.empty()) options.database = (*found)->database;
  if (options.database != (*found)->database) {
    co_return Fail(ErrorKind::kUndefinedDatabase,
                   "database \"" + options.database + "\" does not exist");
  }
  if (options.process_id == 0) options.process_id = next_process_id_++;
  if (default_timeout_ms_ > 0)
    options.settings.insert(options.settings.begin(),
                            {"statement_timeout", std::to_string(default_timeout_ms_)});
  co_return std::make_unique<WarehouseSession>(executor_, pool_, reading_, copy_jobs_,
                                               std::move(options));
}

}  // namespace skep::session
