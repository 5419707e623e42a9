// What outlives a worker: settings, transaction state, the lazily attached session socket. Speaks
// no client protocol; pgwire and the Data API drive it. Lives on the gateway's I/O thread; not
// thread-safe.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "ipc/messages.h"
#include "sql/statement.h"

namespace skep::session {

// Where a statement's rows go. Write suspends while the receiver is slow; that is the
// back-pressure.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // Takes whole PostgreSQL messages (RowDescription, DataRow), valid until it returns. An error
  // ends the statement.
  virtual boost::asio::awaitable<Result<void>> Write(std::string_view messages) = 0;
};

struct Outcome {
  std::string tag;          // CommandComplete text
  bool suspended = false;   // PortalSuspended instead
  bool empty = false;       // EmptyQueryResponse instead
  bool has_result = false;  // a row description was sent or would have been
  uint64_t rows = 0;
  uint64_t queue_us = 0, compile_us = 0, run_us = 0;
  std::vector<Error> notices;
};

// Adds the end of each statement of a script.
class ScriptSink : public RowSink {
 public:
  virtual boost::asio::awaitable<Result<void>> Completed(const Outcome& outcome) = 0;
};

struct StatementRequest {
  std::string text;          // exactly one statement (or none: Outcome.empty)
  std::string statement_id;  // empty = made here
  std::vector<uint32_t> parameter_types;
  std::vector<ipc::Parameter> parameters;
  std::vector<uint16_t> result_formats;
  bool describe = false;  // RowDescription first
  std::string portal;
  uint64_t max_rows = 0;
};

struct SessionOptions {
  std::string workspace;
  std::string database;
  std::string user;
  bool superuser = false;
  uint32_t process_id = 0;
  ipc::Settings settings;  // from the start-up packet, names lower-case
  std::string client;      // for the log: "pgwire 127.0.0.1:4711", "data-api AKIA..."
};

class Session {
 public:
  virtual ~Session() = default;

  // Runs one statement. Transaction control and settings are answered here; everything else goes to
  // the workspace's worker.
  virtual boost::asio::awaitable<Result<Outcome>> Execute(StatementRequest request,
                                                          RowSink& sink) = 0;
  // Runs a script as the simple protocol does: several statements are one transaction unless they
  // say otherwise; the first error ends it.
  virtual boost::asio::awaitable<Result<void>> RunScript(std::string script, ScriptSink& sink) = 0;
  // Types of parameters and columns. Wakes the worker, except for statements answered in the
  // gateway.
  virtual boost::asio::awaitable<Result<ipc::StatementDescription>> Describe(
      std::string text, std::vector<uint32_t> parameter_types) = 0;
  // Continues a suspended portal.
  virtual boost::asio::awaitable<Result<Outcome>> Fetch(std::string portal, uint64_t max_rows,
                                                        RowSink& sink) = 0;
  virtual void ClosePortal(const std::string& portal) = 0;
  // The statements from here to Sync are one transaction, unless one is open: a batch of the
  // extended protocol. A single statement that Sync follows at once does not need it.
  virtual void BeginBatch() {}
  // Sync of the extended protocol: commits the batch, or rolls it back when it failed.
  virtual boost::asio::awaitable<Result<void>> Sync() = 0;

  // Fails an open transaction: for an error that the protocol found and the session has not seen.
  // Nothing outside a transaction.
  virtual boost::asio::awaitable<void> FailTransaction() { co_return; }

  // Cancels what runs now; harmless when nothing does. Call on the I/O thread.
  virtual void Cancel() = 0;
  // 'I', 'T' or 'E' for ReadyForQuery.
  virtual char transaction_status() const = 0;
  // Settings reported by ParameterStatus that changed since the last call: name as the protocol
  // spells it ("TimeZone"), value.
  virtual ipc::Settings TakeReportedChanges() = 0;
  // All reported settings, for the start of a connection.
  virtual ipc::Settings ReportedSettings() const = 0;
  virtual uint32_t process_id() const = 0;
  // Ends the session: rolls back, detaches from the worker. Call before destroying it.
  virtual boost::asio::awaitable<void> Close() = 0;
};

// Hears of statements that change a workspace's auto-copy jobs.
class CopyJobListener {
 public:
  virtual ~CopyJobListener() = default;
  // Before the statement runs; an error keeps it from running.
  virtual boost::asio::awaitable<Result<void>> Changing(std::string workspace,
                                                        std::string user) = 0;
  // Behind it, whether it succeeded or not.
  virtual void Changed(const std::string& workspace) = 0;
};

// Opens sessions; the composition root's implementation knows the pool. Errors: kUndefinedDatabase,
// kUndefinedObject (workspace).
class SessionFactory {
 public:
  virtual ~SessionFactory() = default;
  virtual boost::asio::awaitable<Result<std::unique_ptr<Session>>> Open(SessionOptions options) = 0;
};

}  // namespace skep::session
