// Connections to remote PostgreSQL databases (federated queries). The gateway alone connects: it
// finds the secret, looks whether the host may be reached, begins a read-only transaction, and
// copies rows into a pipe as they come. Workers get the pipe's reading end and nothing else. Knows
// nothing of workers or roles. docs/adr/0009.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "base/unique_fd.h"
#include "lake/remote_query.h"
#include "lake/remote_seats.h"

namespace skep::lake {

// What SECRET_ARN names: [[secret]] of the configuration. The members are those of a secret of
// Secrets Manager for a database.
struct RemoteSecret {
  std::string arn, username;
  Secret password;
  // When set, the secret is sent to no other server.
  std::string host;
  uint32_t port = 0;
};

// A server that external schemas may name: [[federated_host]].
struct RemoteHost {
  std::string name;  // as URI writes it
  uint32_t port = 5432;
  std::string sslmode = "prefer";  // libpq's
  std::string ca_file;             // for verify-ca and verify-full
};

struct RemoteOptions {
  std::vector<RemoteSecret> secrets;
  std::vector<RemoteHost> hosts;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds metadata_timeout{30'000};  // of questions about tables
  size_t max_row_bytes = 32u << 20;                    // that the server may send as one row
  size_t max_metadata_bytes = 32u << 20;
  RemoteSeatOptions seats;  // connections at a time
};

// Where an external schema leads.
struct RemotePlace {
  std::string host;
  uint32_t port = 0;
  std::string database, secret_arn;
  // "host:port/database", for messages and records.
  std::string Text() const;
  bool operator==(const RemotePlace&) const = default;
};

class RemoteConnection;
class RemoteDatabases;
// Whether nobody wants any more what is being waited for. Called often; empty: somebody does.
using GivenUp = std::function<bool()>;

// Rows on their way from a server into a pipe. Thread-safe.
class RemoteCopy {
 public:
  RemoteCopy();
  RemoteCopy(const RemoteCopy&) = delete;
  RemoteCopy& operator=(const RemoteCopy&) = delete;

  // Tells the copying thread to give up; it cancels the query at the server. Never blocks.
  void Stop();
  // How it ended: without an error, or by what. nullopt: it goes on. Known when the pipe's reader
  // sees the end.
  std::optional<Result<void>> outcome() const;
  uint64_t bytes() const { return bytes_; }
  uint64_t rows() const { return rows_; }

 private:
  friend class RemoteSession;
  void End(Result<void> outcome);

  UniqueFd stop_;
  std::atomic<uint64_t> bytes_ = 0, rows_ = 0;
  mutable std::mutex mutex_;
  std::optional<Result<void>> outcome_;
};

// What one statement reads of one place: everything of one moment. The first connection exports its
// snapshot, and others that become necessary import it. Thread-safe; when the last owner goes, its
// connections do.
class RemoteSession : public std::enable_shared_from_this<RemoteSession> {
 public:
  // Made by RemoteDatabases::Open.
  RemoteSession(RemoteDatabases& databases, RemotePlace place, std::string workspace);
  ~RemoteSession();
  RemoteSession(const RemoteSession&) = delete;
  RemoteSession& operator=(const RemoteSession&) = delete;

  const RemotePlace& place() const { return place_; }
  // Tables, views and foreign tables of a schema, with their columns; of `table` alone when it is
  // given. Errors: kExternalUnavailable, kInsufficientPrivilege, kPayloadTooLarge.
  Result<std::vector<RemoteTable>> Describe(const std::string& schema,
                                            const std::optional<std::string>& table,
                                            const GivenUp& given_up = {});
  // Starts a query that WriteRemoteScan wrote. `pipe` becomes the reading end. Waits for a
  // connection as RemoteDatabases::Open does.
  Result<std::shared_ptr<RemoteCopy>> Read(const std::string& query, UniqueFd& pipe,
                                           const GivenUp& given_up = {});

 private:
  friend class RemoteDatabases;
  Result<std::unique_ptr<RemoteConnection>> Take(const GivenUp& given_up);
  void GiveBack(std::unique_ptr<RemoteConnection> connection);

  RemoteDatabases& databases_;
  const RemotePlace place_;
  const std::string workspace_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<RemoteConnection>> idle_;
  std::string snapshot_;  // empty: the server exports none
};

// Thread-safe. Outlives its sessions; all copies were stopped before it goes.
class RemoteDatabases {
 public:
  explicit RemoteDatabases(RemoteOptions options);
  ~RemoteDatabases();
  RemoteDatabases(const RemoteDatabases&) = delete;
  RemoteDatabases& operator=(const RemoteDatabases&) = delete;

  // Connects and begins the transaction. Whether the secret may be used was asked before. Blocks
  // while the workspace, or all of them, have no connection left (remote_seats.h). Errors:
  // kInsufficientPrivilege (the host is not listed, or leads to an address that nobody may reach),
  // kUndefinedObject (no such secret), kExternalDenied (the server refuses it),
  // kExternalUnavailable, kTooManyConnections, kQueryCanceled (given up while it waited).
  Result<std::shared_ptr<RemoteSession>> Open(const RemotePlace& place,
                                              const std::string& workspace,
                                              const GivenUp& given_up = {});
  // Nothing is opened from then on, and what waits for a server's answer fails. Does not stop
  // copies.
  void Stop();
  RemoteSeats::Figures figures() const { return seats_.figures(); }

 private:
  friend class RemoteSession;
  friend class RemoteConnection;
  Result<std::unique_ptr<RemoteConnection>> Connect(const RemotePlace& place,
                                                    const std::string& workspace, bool further,
                                                    const std::string& snapshot,
                                                    const GivenUp& given_up);
  // The address of a listed host. Errors: kInsufficientPrivilege, kExternalUnavailable.
  Result<std::string> AddressOf(const RemoteHost& host) const;
  // Runs `work` on a thread that the destructor waits for.
  template <class Work>
  void Run(Work work);

  const RemoteOptions options_;
  std::atomic<bool> stopping_ = false;
  RemoteSeats seats_;
  std::mutex mutex_;
  struct Runner {
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> done;
  };
  std::list<Runner> runners_;
};

// Whether an address may be connected to: neither loopback, link-local, multicast nor unspecified.
// `listed`: the configuration names this very address, so loopback may be; the addresses of
// machines' metadata services never are. Text as getnameinfo gives it.
bool MayConnectTo(std::string_view address, bool listed);

}  // namespace skep::lake
