// The gateway's end of workers' lake sockets. A worker names an external table, gets its
// description, asks for the files of some partitions and then for blocks of those files; everything
// else it may ask is refused and logged. It never sees a credential and never names a URL. What it
// writes (lake_write.h) it puts into shared memory that the gateway made and cannot lose. One
// thread per connection moves packets; a shared pool waits for catalogs and object stores.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "identity/access_keys.h"
#include "identity/live_credentials.h"
#include "identity/role_chain.h"
#include "ipc/messages.h"
#include "lake/block_cache.h"
#include "lake/lake_write.h"
#include "lake/object_store.h"
#include "lake/remote_database.h"
#include "lake/scan_log.h"
#include "lake/table_formats.h"

namespace skep::lake {

// A table as the catalog holds it. locations[i] is the s3:// folder of description.partitions[i]; a
// table without partition keys has exactly one location and no partitions.
struct CatalogTable {
  ipc::TableDescription description;
  std::string location;
  std::vector<std::string> locations;
  TableListing listing = TableListing::kFolders;
};

// Partitions that a filter lets pass, with their folders.
struct CatalogPartitions {
  std::vector<ipc::TablePartition> partitions;
  std::vector<std::string> locations;
};

// Whether the asker may do this to a table (empty: to all of the database) of the catalog.
using MayAct =
    std::function<bool(std::string_view action, std::string_view database, std::string_view table)>;

// Where tables come from: the data catalog of the account of the credentials, which are those of
// the chain that leads there. Called on pool threads; thread-safe.
class TableSource {
 public:
  virtual ~TableSource() = default;
  // Errors: kUndefinedTable, kUndefinedSchema (no such catalog database), kFeatureNotSupported (a
  // format we do not read).
  virtual Result<CatalogTable> GetTable(const Credentials& catalog, std::string_view database,
                                        std::string_view table) = 0;
  // The same without partitions and locations.
  virtual Result<CatalogTable> DescribeTable(const Credentials& catalog, std::string_view database,
                                             std::string_view table) {
    return GetTable(catalog, database, table);
  }
  virtual Result<std::vector<std::string>> ListTables(const Credentials& catalog,
                                                      std::string_view database) = 0;
  // The partitions of a table whose description left them out. Errors: kInvalidArgument (a filter
  // that cannot be read).
  virtual Result<CatalogPartitions> ListPartitions(const Credentials& catalog,
                                                   std::string_view database,
                                                   std::string_view table,
                                                   std::string_view filter) {
    (void)catalog, (void)database, (void)table, (void)filter;
    return CatalogPartitions{};
  }
  // Answers a question about a catalog (catalog/glue_questions.h) with what `may` lets see.
  virtual Result<std::vector<std::string>> Ask(const Credentials& catalog,
                                               std::string_view database, std::string_view question,
                                               const MayAct& may) {
    (void)catalog, (void)database, (void)question, (void)may;
    return std::vector<std::string>{};
  }
  // Changes a catalog (catalog/glue_changes.h).
  virtual Result<void> Change(const Credentials& catalog, std::string_view database,
                              std::string_view change) {
    (void)catalog, (void)database, (void)change;
    return Fail(ErrorKind::kFeatureNotSupported, "this catalog cannot be changed");
  }
};

// What a change of the catalog (sql/emit/external.cc) has to be allowed: an action, and the table
// that it will change, empty for none.
struct CatalogAction {
  std::string action, table;
  bool operator==(const CatalogAction&) const = default;
};
CatalogAction CatalogActionOf(std::string_view change);

struct LakeServiceOptions {
  size_t fetch_threads = 32;
  // Of the pool, so that one worker cannot take it all, and no store that hangs all of a worker's.
  // One account takes at most half of the pool.
  size_t fetches_per_connection = 12;
  size_t fetches_per_connection_and_account = 8;
  size_t requests_per_connection = 128;  // accepted and not yet answered; beyond, its packets wait
  size_t scans_per_connection = 1024;
  size_t files_per_scan = 2'000'000;
  size_t buffers_per_connection = 64;  // of ipc::kWriteBufferBytes each
  size_t partitions_per_scan = 1'000'000;
  RemoteDatabases* remotes = nullptr;  // of federated schemas; null: there are none
  size_t copies_per_scan = 64;         // running reads of one remote table
  const identity::AccessKeys* keys =
      nullptr;                                // who verifies the keys of COPY; null: none are taken
  size_t entries_per_connection = 6'000'000;  // files and partitions of all its scans
};

class LakeService {
 public:
  LakeService(TableSource& tables, const identity::RoleChainResolver& roles, BlockCache& cache,
              ObjectStore& store, const LakeServiceOptions& options = {});
  ~LakeService();
  LakeService(const LakeService&) = delete;
  LakeService& operator=(const LakeService&) = delete;

  // Serves a worker's lake socket until it closes; returns at once with the connection's id. An
  // empty workspace is a scratch worker: it gets granted objects only. Thread-safe.
  uint64_t Serve(UniqueFd socket, const std::string& workspace);
  // Lets a connection read one object, as long as the credentials last: a scan with file 0, to be
  // named in ipc::InferRequest. Errors: kUndefinedObject (connection gone), kInsufficientPrivilege
  // (the credentials do not cover the object), kTooManyConnections (too many scans).
  Result<uint64_t> GrantObject(uint64_t connection, const Credentials& credentials,
                               const std::string& path, const std::string& etag, uint64_t size);
  // Ends a grant; harmless when it is gone.
  void RevokeGrant(uint64_t connection, uint64_t scan);
  // Closes all connections and joins all threads.
  void Shutdown();

  struct Figures {
    uint64_t connections = 0, scans = 0, blocks = 0, bytes = 0, refused = 0;
  };
  Figures figures() const;
  // What scans cost, by workspace and organization.
  std::vector<ScanLog::Total> totals() const { return scan_log_.Totals(); }

 private:
  struct Scan;
  struct LiveScan;
  struct Connection;
  struct Outgoing;

  void RunConnection(const std::shared_ptr<Connection>& connection);
  void RunPool();
  void Accept(const std::shared_ptr<Connection>& connection, ipc::LakeRequest request);
  void Answer(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request);
  void OpenTable(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                 std::vector<Outgoing>& out);
  void OpenRemote(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                  std::vector<Outgoing>& out);
  void ReadRemote(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                  std::vector<Outgoing>& out);
  void EndRemote(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                 std::vector<Outgoing>& out);
  void AskRemote(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                 std::vector<Outgoing>& out);
  // The statement's session with the database of a federated schema, when its roles may read its
  // secret.
  Result<Credentials> MayReadSecret(const std::string& workspace, const ipc::LakeRequest& request);
  Result<std::shared_ptr<RemoteSession>> RemoteOf(Connection& connection,
                                                  const ipc::LakeRequest& request,
                                                  Credentials& credentials,
                                                  const GivenUp& given_up);
  static bool ConnectsAway(const ipc::LakeRequest& request);
  void AnswerApart(const std::shared_ptr<Connection>& connection, ipc::LakeRequest request);
  void OpenObjects(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                   std::vector<Outgoing>& out);
  Result<void> FindObjects(Scan& scan, const ipc::LakeRequest& request);
  // A manifest; decrypted with the key that came along when it is encrypted.
  Result<std::string> ReadManifestText(const Credentials& credentials, const std::string& bucket,
                                       const ObjectInfo& object, const ipc::LakeRequest& request);
  void TellMetadata(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                    std::vector<Outgoing>& out);
  void OpenFiles(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                 std::vector<Outgoing>& out);
  Result<ipc::TableFile> OpenFile(Scan& scan, const identity::LiveCredentials::Pointer& live,
                                  const std::string& path, uint64_t size);
  Result<void> MayStillRead(Scan& scan, uint32_t file,
                            const identity::LiveCredentials::Pointer& credentials);
  // What of the objects below `folder` of a bucket is the table's, when its format says so.
  Result<void> ChooseFiles(Scan& scan, const Credentials& credentials, const std::string& bucket,
                           const std::string& folder, std::vector<ObjectInfo>& objects);
  Result<std::string> VersionOf(Scan& scan, const Credentials& credentials, uint32_t number);
  void ListFiles(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                 std::vector<Outgoing>& out);
  void ListTables(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                  std::vector<Outgoing>& out);
  void ChangeCatalog(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                     std::vector<Outgoing>& out);
  void OpenWrite(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                 std::vector<Outgoing>& out);
  // s3://bucket/prefix of a write, when the role chain leads to it.
  Result<std::string> PlaceOf(const Connection& connection, const ipc::LakeRequest& request,
                              std::shared_ptr<identity::LiveCredentials>& credentials);
  void MakeBuffer(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                  std::vector<Outgoing>& out);
  void WritePart(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                 std::vector<Outgoing>& out);
  Result<LakeWrite::Publish> PublicationOf(const Connection& connection,
                                           const ipc::LakeRequest& request, const LakeWrite& write,
                                           std::vector<uint32_t>& attempt);
  void CommitWrite(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                   std::vector<Outgoing>& out);
  void Ask(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
           std::vector<Outgoing>& out);
  void ListPartitions(const std::shared_ptr<Connection>& connection,
                      const ipc::LakeRequest& request, std::vector<Outgoing>& out);
  void SendNames(const ipc::LakeRequest& request, std::vector<std::string> names,
                 std::vector<Outgoing>& out);
  void SendPartitions(ipc::LakeReply reply, std::vector<ipc::TablePartition> partitions,
                      std::vector<Outgoing>& out);
  Result<Credentials> Walk(const Connection& connection, const ipc::LakeRequest& request,
                           const std::vector<std::string>& chain, const char* action);
  Result<Credentials> Holder(const ipc::LakeRequest& request);
  static ipc::LakeRequest KeysOf(const ipc::LakeRequest& request);
  // Credentials that are had again in the same way when they run out.
  std::shared_ptr<identity::LiveCredentials> Renewed(Credentials first,
                                                     identity::LiveCredentials::Walk walk);
  std::shared_ptr<identity::LiveCredentials> RenewedCatalog(const Connection& connection,
                                                            const ipc::LakeRequest& request,
                                                            const char* action, Credentials first);
  std::shared_ptr<identity::LiveCredentials> RenewedChain(const Connection& connection,
                                                          const ipc::LakeRequest& request,
                                                          const char* action, Credentials first);
  Result<std::shared_ptr<Scan>> FindTable(const Connection& connection,
                                          const ipc::LakeRequest& request, CatalogTable& table);
  // The account whose catalog an external schema names, when its roles lead there.
  Result<Credentials> CatalogOf(const Connection& connection, const ipc::LakeRequest& request,
                                const char* action);
  void ReadBlock(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
                 bool may_fetch, std::vector<Outgoing>& out);
  Result<void> ListInto(Scan& scan, const identity::LiveCredentials::Pointer& live,
                        const std::vector<uint32_t>& partitions,
                        std::vector<ipc::TableFile>& files);
  void Refuse(const std::shared_ptr<Connection>& connection, const ipc::LakeRequest& request,
              Error error, std::vector<Outgoing>& out);
  // Refuses, in place of `out`, a description that no packet takes.
  void RefuseIfTooLarge(const std::shared_ptr<Connection>& connection,
                        const ipc::LakeRequest& request, std::vector<Outgoing>& out);

  TableSource& tables_;
  const identity::RoleChainResolver& roles_;
  BlockCache& cache_;
  ObjectStore& store_;
  LakeServiceOptions options_;
  size_t fetches_per_account_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  bool stopping_ = false;
  uint64_t next_connection_ = 1;
  std::unordered_map<uint64_t, std::shared_ptr<Connection>> connections_;
  std::deque<std::shared_ptr<Connection>>
      ready_;  // connections with queued requests, served in turn
  std::unordered_map<std::string, size_t> running_of_;  // by account
  std::vector<std::thread> pool_;
  std::vector<std::thread> finished_;
  std::list<std::thread> apart_;  // of requests to remote databases
  Figures figures_;
  ScanLog scan_log_;
};

}  // namespace skep::lake
