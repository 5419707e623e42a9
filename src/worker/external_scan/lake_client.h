// The worker's end of the lake socket: asks the gateway for external tables, their files and byte
// ranges of those files, and keeps the blocks it was given mapped. Knows nothing of the engine: it
// answers Result, and lake_errors turns that into exceptions. One I/O thread receives; any number
// of threads ask and wait.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "base/unique_fd.h"
#include "ipc/channel.h"
#include "ipc/messages.h"
#include "worker/external_scan/read_ahead.h"

namespace skep::external_scan {

// A file as the gateway listed it. The gateway holds its key and ETag; the number is all it takes.
struct FileId {
  uint64_t scan = 0;
  uint32_t number = 0;
  uint64_t size_bytes = 0;
};

struct OpenedTable {
  uint64_t scan = 0;
  ipc::TableDescription description;
};

// Who asks, for the gateway's records; and the keys with which COPY reads in place of roles.
struct Asker {
  std::string user;
  std::string statement;  // UUID
  uint32_t process_id = 0;
  ipc::AccessKeys keys;
  Secret master_key;        // of objects that are encrypted on the client's side; empty: none
  bool describing = false;  // tables are opened for their columns alone
};

struct LakeClientOptions {
  size_t mapped_blocks = 1024;  // kept after use, the least recently used goes first
  size_t requests_in_flight = 96;
  size_t ahead_in_flight = 48;  // above, read-ahead is dropped instead of queued
};

class LakeClient {
 public:
  // Tells a waiting call to give up with kQueryCanceled. Asked at least every 20 ms; may be empty.
  using Interrupted = std::function<bool()>;

  explicit LakeClient(UniqueFd socket, const LakeClientOptions& options = {});
  ~LakeClient();
  LakeClient(const LakeClient&) = delete;
  LakeClient& operator=(const LakeClient&) = delete;

  // Opens a scan of a table. Errors: what the gateway says (kUndefinedTable, kExternalDenied,
  // kInvalidRole, ...), kExternalUnavailable (gateway gone), kQueryCanceled. The same for the calls
  // below.
  Result<OpenedTable> OpenTable(const ipc::ExternalSchemaBinding& schema,
                                const std::string& schema_name, const Asker& asker,
                                const std::string& table, const Interrupted& interrupted);
  // Finds partitions of a scan whose table was described without them: those that pass `filter` (an
  // expression of Glue's GetPartitions; empty: all) and were not found before. Their numbers go on
  // from those found before.
  Result<std::vector<ipc::TablePartition>> ListPartitions(uint64_t scan, const std::string& filter,
                                                          const Interrupted& interrupted);
  // Lists the files of some partitions, in order of partition; any number of partitions.
  Result<std::vector<ipc::TableFile>> ListFiles(uint64_t scan,
                                                const std::vector<uint32_t>& partitions,
                                                const Interrupted& interrupted);
  // Opens files that the metadata of the scan's table name: paths and sizes in bytes, 0 if unknown.
  Result<std::vector<ipc::TableFile>> OpenFiles(
      uint64_t scan, const std::vector<std::pair<std::string, uint64_t>>& objects,
      const Interrupted& interrupted);
  // Begins to read rows of a table in a remote database: what `plan` says (lake/remote_query.h).
  // Answers the number of the read, and the end of the pipe through which they come.
  struct RemoteRows {
    uint32_t number = 0;
    UniqueFd pipe;
  };
  Result<RemoteRows> ReadRemote(uint64_t scan, const std::string& plan,
                                const Interrupted& interrupted);
  // Whether all rows of a read came. Errors: why not.
  Result<void> EndRemote(uint64_t scan, uint32_t number, const Interrupted& interrupted);
  // Changes the data catalog of a schema (sql/emit/external.cc). Errors: what the gateway says.
  Result<void> ChangeCatalog(const ipc::ExternalSchemaBinding& schema, const Asker& asker,
                             const std::string& change, const Interrupted& interrupted);
  // Asks a question about the data catalog of a schema (catalog/glue_questions.h), or
  // {"what":"scans"} of the workspace; each answer is a JSON object.
  Result<std::vector<std::string>> AskCatalog(const ipc::ExternalSchemaBinding& schema,
                                              const Asker& asker, const std::string& question,
                                              const Interrupted& interrupted);
  // Opens a scan of objects that a role chain may read (no roles: the asker's keys), and answers
  // them. `paths` are those of ipc::ObjectsNamed::kListed, at most ipc::kMaxFilesPerOpen. Errors
  // also: kExternalNotFound, kDataException (a manifest).
  Result<std::vector<ipc::TableFile>> OpenObjects(const std::vector<std::string>& roles,
                                                  const Asker& asker, const std::string& path,
                                                  ipc::ObjectsNamed named, uint64_t& scan,
                                                  const Interrupted& interrupted,
                                                  const std::vector<std::string>& paths = {});
  // The objects of a scan, or of a write, are encrypted on the client's side under this key.
  void KeyOfScan(uint64_t scan, Secret key);
  void KeyOfWrite(uint64_t write, Secret key);
  std::optional<Secret> KeyOfScan(uint64_t scan) const;
  std::optional<Secret> KeyOfWrite(uint64_t write) const;
  // The metadata of an object, without "x-amz-meta-".
  Result<std::map<std::string, std::string>> MetadataOf(const FileId& file,
                                                        const Interrupted& interrupted);
  // Begins new objects (ipc::LakeType::kOpenWrite): below `place`, or, when `where` names a catalog
  // database, in the location of that external table. Errors also: kExternalDenied,
  // kDuplicateObject.
  Result<uint64_t> OpenWrite(const ipc::ExternalSchemaBinding& where, const Asker& asker,
                             const std::string& place, const std::string& options,
                             const Interrupted& interrupted);
  // Makes all files of a write visible. Cannot be interrupted: it is a commit.
  Result<void> CommitWrite(uint64_t write);
  // The same, with a change of a schema's catalog that makes the files known; it names the numbers
  // of files to be replaced ("attempt") when it comes too late: then the write stays open
  // (kSerializationFailure).
  Result<void> PublishWrite(uint64_t write, const ipc::ExternalSchemaBinding& schema,
                            const Asker& asker, const std::string& change);
  // Drops a write's files. Never blocks.
  void AbortWrite(uint64_t write);

  // Memory for a part of a file, ipc::kWriteBufferBytes.
  struct Buffer {
    uint32_t number = 0;
    char* data = nullptr;
  };
  // Parts of one file on their way, and what went wrong with one.
  struct Upload {
    size_t parts = 0;
    std::optional<Error> error;
  };
  // Waits until one is free.
  Result<Buffer> TakeBuffer(const Interrupted& interrupted);
  void ReturnBuffer(const Buffer& buffer);
  // Sends a part; the buffer returns by itself. `metadata` is what stands beside the object (JSON,
  // lake/lake_write.h), the same with each part.
  void PutPart(uint64_t write, uint32_t file, const std::string& name, uint32_t part,
               const Buffer& buffer, uint32_t bytes, const std::shared_ptr<Upload>& upload,
               const std::string& metadata);
  // Bytes of a file of an open write that were handed to PutPart.
  uint64_t WrittenBytes(uint64_t write, uint32_t file) const;
  // Waits until at most `most` parts are on their way. Errors: that of a part.
  Result<void> WaitForUpload(const Upload& upload, size_t most, const Interrupted& interrupted);

  Result<std::vector<std::string>> ListTables(const ipc::ExternalSchemaBinding& schema,
                                              const Interrupted& interrupted);
  // Tells the gateway's records of a scan what became of values that did not fit
  // ({"what":"note","errors":[...]}, lake/scan_log.h). Never blocks.
  void Note(uint64_t scan, std::string note);
  // Ends a scan and forgets its blocks. Never blocks.
  void CloseScan(uint64_t scan);

  // Copies bytes [offset, offset + out.size()) of a file; all ranges are requested before the first
  // is waited for. `name` stands in error messages. Errors also: kExternalChanged,
  // kExternalNotFound, kExternalDenied.
  Result<void> Read(const FileId& file, uint64_t offset, std::span<char> out,
                    const std::string& name, const Interrupted& interrupted);
  // Starts to fetch a range that will be read soon. Never blocks; does nothing when the gateway is
  // busy or gone.
  void Prefetch(const FileId& file, uint64_t offset, uint64_t length);
  // Starts to fetch what a scan of the file will read, and goes on as it is read. The last plan for
  // a file counts.
  void PlanReads(const FileId& file, std::vector<PlannedGroup> groups);

  struct Figures {
    uint64_t block_requests = 0, ahead_requests = 0, requested_bytes = 0, read_bytes = 0,
             list_requests = 0, listed_partitions = 0, open_requests = 0;
  };
  Figures figures() const;

 private:
  static constexpr uint64_t kPageBytes = 4u << 10;
  static constexpr size_t kPages = ipc::kBlockBytes / kPageBytes;

  struct Call;
  struct Mapping;
  struct Block;
  using CallPtr = std::shared_ptr<Call>;
  struct BlockKey {
    uint64_t scan;
    uint32_t file, block;
    bool operator==(const BlockKey&) const = default;
  };
  struct BlockKeyHash {
    size_t operator()(const BlockKey& k) const {
      return std::hash<uint64_t>{}(k.scan * 0x9e3779b97f4a7c15u ^
                                   (uint64_t{k.file} << 32 | k.block));
    }
  };

  void RunIo();
  void Receive(ipc::Packet packet);
  void Finish(Call& call);
  void FinishBlock(Call& call);
  void FinishBuffer(Call& call);
  void EndWrite(uint64_t write);
  void Submit(const CallPtr& call);
  void Pump();
  void Wake();
  Result<void> Wait(std::unique_lock<std::mutex>& lock, Call& call, const Interrupted& interrupted);
  Result<ipc::LakeReply> Ask(ipc::LakeRequest request, const Interrupted& interrupted);
  Block& Touch(const FileId& file, uint32_t block);
  void PrefetchLocked(const FileId& file, uint64_t offset, uint64_t length);
  void Request(Block& block, const FileId& file, uint32_t number, size_t first, size_t last,
               bool ahead);

  UniqueFd socket_, wake_;
  LakeClientOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool gone_ = false, stopping_ = false;
  uint64_t next_id_ = 1;
  std::deque<CallPtr> queue_;  // not sent yet
  std::unordered_map<uint64_t, CallPtr> in_flight_;
  std::unordered_map<BlockKey, std::unique_ptr<Block>, BlockKeyHash> blocks_;
  std::list<BlockKey> recent_;  // newest first
  struct ScanPlans {
    std::shared_ptr<Demand> demand = std::make_shared<Demand>();
    std::unordered_map<uint32_t, ReadAhead> of_files;
  };
  std::unordered_map<uint64_t, ScanPlans> plans_;  // by scan
  Figures figures_;
  // Of open writes: bytes by file.
  std::unordered_map<uint64_t, std::unordered_map<uint32_t, uint64_t>> written_;
  std::unordered_map<uint64_t, Secret> scan_keys_, write_keys_;
  std::vector<char*> buffers_;      // all, by number
  std::vector<uint32_t> free_;      // of them
  bool buffers_exhausted_ = false;  // the gateway gives no more
  std::thread io_;
};

}  // namespace skep::external_scan
