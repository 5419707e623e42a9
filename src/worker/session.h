// A session attached to this worker: one thread, one connection to the engine, requests one after
// the other from its own socket. Keeps what belongs to the session inside the worker: its
// transaction, prepared statements, portals, temporary tables.
#pragma once

#include <atomic>
#include <duckdb.hpp>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "base/unique_fd.h"
#include "ipc/messages.h"
#include "sql/emit.h"
#include "worker/engine.h"
#include "worker/functions/session_names.h"
#include "worker/outlet.h"
#include "worker/reactor.h"
#include "worker/result_cache.h"
#include "worker/result_shape.h"
#include "worker/wire_collector.h"

namespace skep::worker {

class Session : public std::enable_shared_from_this<Session> {
 public:
  // `fatal` is called when the engine cannot be used any more; the process must end.
  static std::shared_ptr<Session> Open(Engine& engine, Reactor& reactor, UniqueFd socket,
                                       std::function<void()> fatal);
  ~Session();

  // Serves requests until the gateway closes the socket. On the session's own thread.
  void Run();
  // Stops the running statement of the session of this id, from any thread. A statement that was
  // sent but not yet read counts as running. Nothing happens when it is another session.
  void Cancel(const std::string& session_id);
  // Ends the session: its statement, then its thread. From any thread.
  void End();

 private:
  Session(Engine& engine, Reactor& reactor, std::function<void()> fatal)
      : engine_(engine), reactor_(reactor), fatal_(std::move(fatal)) {}

  enum class StopReason : uint8_t { kNone, kCancel, kTimeout, kGone };
  enum class Phase : uint8_t { kIdle, kReading, kRunning };

  // A statement that was parsed, emitted and, unless it is run directly, prepared by the engine.
  struct Prepared {
    std::string text;
    sql::ast::NodeKind kind = sql::ast::NodeKind::kDescribe;
    sql::WorkClass work = sql::WorkClass::kNothing;
    bool temporary = false;
    uint32_t parameter_count = 0;
    sql::Emitted emitted;
    std::vector<uint32_t> types;
    std::vector<uint32_t> parameter_types;  // the same, with what the statement tells of the others
    // Numerics as they are sent: their scale is known with their value only. Empty: no such need.
    std::string as_sent;
    duckdb::unique_ptr<duckdb::PreparedStatement> statement;  // null = run directly
    std::optional<duckdb::vector<duckdb::LogicalType>> described;
    // When its plan was made; see WriteClock.
    WriteClock::Moment planned;
    uint64_t planned_own_writes = 0;
  };
  struct Portal {
    duckdb::unique_ptr<duckdb::ColumnDataCollection> rows;
    duckdb::ColumnDataScanState scan;
    duckdb::DataChunk chunk;
    size_t at = 0;  // row within chunk
    uint64_t left = 0;
    ResultShape shape;
    std::string tag;
  };
  // What the hook of the engine needs of the running statement.
  struct Running {
    WireOutput* output = nullptr;  // null: nothing goes to the client
    bool materialise = false;
    bool trusted = false;  // our own statement: no check of its plan
    Prepared* prepared = nullptr;
    bool kept_plan = false;  // made before this execution began
  };

  bool AwaitRequest();
  bool Receive(size_t bytes);
  bool Handle(ipc::FrameType type, const std::string& payload);
  void Attach(const ipc::AttachSession& request);
  void Answer(ipc::FrameType type, std::string_view payload);
  void AnswerError(Error error);
  template <class Message>
  void AnswerOutcome(ipc::FrameType type, Result<Message> outcome);

  template <class Reply, class Request, class Work>
  Result<Reply> Attended(const Request& request, Work work);
  Result<ipc::StatementComplete> Execute(const ipc::ExecuteStatement& request);
  Result<ipc::StatementDescription> Describe(const ipc::DescribeStatement& request);
  Result<ipc::StatementComplete> Fetch(const ipc::FetchPortal& request);
  Result<ipc::StatementComplete> RunPrepared(Prepared& prepared,
                                             const ipc::ExecuteStatement& request);
  Result<duckdb::unique_ptr<duckdb::QueryResult>> RunInEngine(Prepared& prepared,
                                                              const ipc::ExecuteStatement& request);
  // Relations of which the open transaction updated or deleted rows: the engine's log cannot tell
  // that and another shape of the same relation.
  std::set<std::string> updated_;
  Result<void> ChangeCatalogs(const sql::Emitted& emitted);
  void EndLoad(std::optional<uint64_t> loaded, const std::string& failure);  // nothing: it failed
  void EndUnload(std::optional<uint64_t> unloaded, const std::string& failure);
  void Tell(ErrorKind kind, std::string message);

  // Auto-copy jobs (session_copy_jobs.cc).
  Result<ipc::StatementComplete> ControlCopyJob(const sql::CopyJobCommand& command,
                                                const ipc::ExecuteStatement& request);
  Result<void> CreateCopyJob(const sql::CopyJobCommand& command);
  Result<std::optional<CopyJob>> FindCopyJob(const std::string& name);
  struct JobRun {
    bool automatic = false;          // failed files stay as they are
    bool careful = false;            // the run before it ended with its worker
    std::vector<std::string> named;  // by events; none: all that the prefix has
  };
  Result<uint64_t> RunCopyJob(const CopyJob& job, const JobRun& run);
  Result<std::vector<ipc::TableFile>> FilesOf(const CopyJob& job,
                                              const std::vector<std::string>& named);
  Result<uint64_t> LoadFiles(const CopyJob& job, const std::vector<ipc::TableFile>& files);
  Result<uint64_t> LoadInTurn(const CopyJob& job, const std::vector<ipc::TableFile>& files,
                              bool careful);
  // Of our own statements, in a transaction that commits.
  Result<void> TrustedTransaction(const std::function<Result<void>()>& work);
  bool ReadsUnstableView(const std::string& emitted);
  bool AnswerFromCache(const ipc::ExecuteStatement& request, ipc::StatementComplete& complete);
  Result<ipc::StatementComplete> RunDefinition(Prepared& prepared);
  void NoteWrite(std::optional<WriteClock::Scope>& scope);
  Result<void> CreateExternalSchema(const sql::ExternalSchemaDefinition& definition);
  Result<void> DropSchemas(const sql::SchemaDrop& drop);
  Result<void> RunTrusted(const std::string& text);
  Result<ipc::StatementComplete> SendPlan(Prepared& prepared, duckdb::QueryResult& result,
                                          const ipc::ExecuteStatement& request);
  Result<ipc::StatementComplete> OpenPortal(Prepared& prepared,
                                            duckdb::unique_ptr<duckdb::QueryResult> result,
                                            const ipc::ExecuteStatement& request);
  uint64_t SendRows(Portal& portal, uint64_t max_rows);
  Result<Prepared*> Prepare(const std::string& text, const std::vector<uint32_t>& types);
  Result<void> PrepareInEngine(Prepared& prepared);
  void TakeKeys(const Prepared& prepared);
  static bool ReadsLake(const Prepared& prepared);
  static bool IsTimeless(const Prepared& prepared);
  static bool KeepsPlan(const Prepared& prepared);
  bool PlanFits(const Prepared& prepared) const;
  Result<sql::Emitted> Emit(const sql::Statement& statement, const std::string& text,
                            const std::vector<uint32_t>& types);
  Result<std::unique_ptr<Prepared>> PrepareAnew(const std::string& text,
                                                const std::vector<uint32_t>& types);
  Result<duckdb::case_insensitive_map_t<duckdb::BoundParameterData>> BindParameters(
      const Prepared& prepared, const ipc::ExecuteStatement& request);
  // Runs `work` within a transaction: the open one, or one of its own that it commits.
  Result<void> WithinTransaction(const std::function<Result<void>()>& work);

  Result<void> ApplySettings(const ipc::Settings& settings);
  Result<void> BeginTransaction();
  Result<void> BeginAsked(bool asked);
  Result<void> EndTransaction(bool commit);
  void FailTransaction() noexcept;
  char TransactionState() const { return in_transaction_ ? 'T' : failed_ ? 'E' : 'I'; }
  void ForgetStatements();
  void ResolveSearchPath();
  bool SchemaExists(const std::string& name);
  bool SchemaExists(const std::string& database, const std::string& name);
  std::optional<ipc::ExternalSchemaBinding> ExternalBinding(std::string_view schema) const;
  Result<void> CheckAliased(const sql::ExternalSchemaDefinition& definition);
  bool IsExternalSchema(std::string_view schema) const;
  sql::EmitContext Context() const;

  void BeginStatement(uint64_t timeout_ms);
  void EndStatement();
  void Stop(StopReason reason);
  void StopLocked(StopReason reason);
  void Expire(uint64_t statement);
  void ArmNag();
  void Nag(uint64_t statement);
  bool HasUnread() const;
  Error Incident(const std::string& what) const;
  Error Translate(const duckdb::ErrorData& error, const sql::Emitted* emitted);
  duckdb::unique_ptr<duckdb::PhysicalOperator> MakeCollector(duckdb::ClientContext& context,
                                                             duckdb::PreparedStatementData& data);

  Engine& engine_;
  Reactor& reactor_;
  std::function<void()> fatal_;
  std::shared_ptr<Outlet> outlet_;

  ipc::AttachSession attached_;
  std::unique_ptr<duckdb::Connection> connection_;
  duckdb::shared_ptr<SessionFacts> facts_;
  std::optional<Error> attach_error_;
  std::string search_path_text_ = "\"$user\", public", zone_ = "UTC";
  int extra_float_digits_ = 0;
  duckdb::shared_ptr<SessionNames> names_;
  mutable bool asked_settings_ = false;  // whether a statement that is kept holds one's value
  std::vector<std::string> search_path_;
  bool search_path_stale_ = true;
  bool in_transaction_ = false;
  bool own_transaction_ = false;  // it is the running statement's, not the client's
  bool failed_ = false;           // the last request failed inside a transaction
  bool wrote_in_transaction_ = false;
  uint64_t own_writes_ = 0;  // not yet visible to others
  bool plan_aged_ = false;
  bool temporary_tables_ = false;
  bool definitions_changed_ = false;  // by the open transaction
  uint64_t definition_epoch_ = 0;

  std::list<std::unique_ptr<Prepared>> recent_;  // newest first
  std::unordered_map<std::string, std::list<std::unique_ptr<Prepared>>::iterator> statements_;
  // What clients were told of the columns of their statements, by key. It outlives the plans, so
  // that a change of the tables between is seen.
  std::unordered_map<std::string, duckdb::vector<duckdb::LogicalType>> described_;
  std::unique_ptr<Prepared> uncached_;
  ResultCache results_;
  bool use_result_cache_ = true;  // enable_result_cache_for_session
  sql::FrontContext front_;       // what of it are settings
  std::map<std::string, std::unique_ptr<Portal>> portals_;
  Running running_;

  std::string input_;
  size_t input_at_ = 0;
  bool fatal_error_ = false;

  std::mutex stop_mutex_;
  std::string id_;
  Phase phase_ = Phase::kIdle;
  bool cancel_next_ = false;
  std::set<std::string> early_cancels_;  // of sessions, before this one told its name
  bool ended_ = false;
  StopReason stop_reason_ = StopReason::kNone;
  uint64_t statement_ = 0;           // counts them
  uint64_t deadline_ = 0, nag_ = 0;  // timers
};

}  // namespace skep::worker
