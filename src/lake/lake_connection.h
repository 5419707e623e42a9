// What the files of LakeService share: what a worker's connection has open.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "identity/live_credentials.h"
#include "lake/lake_service.h"

namespace skep::lake {

inline std::string WithSlash(std::string prefix) {
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  return prefix;
}

// What decided a refusal, for the error's detail.
inline std::string DetailOf(const identity::Decision& decision) {
  if (decision.policy.empty()) return decision.reason;
  return fmt::format("{} ({}, statement {})", decision.reason, decision.policy, decision.statement);
}

inline Error TooMuch() {
  return {ErrorKind::kTooManyConnections,
          "the workspace's running statements read too many external files and partitions",
          {},
          "Run fewer statements over large external tables at a time.",
          0};
}

// A folder or an object of the catalog.
struct Location {
  std::string bucket, key;  // key as the catalog has it, without a leading slash
  std::string prefix() const { return WithSlash(key); }
};

// The refusal of a catalog's table (empty: of all tables of the database), or nothing.
std::optional<Error> RefusedByCatalog(const Credentials& credentials, std::string_view action,
                                      const std::string& database, const std::string& table);

// Shared memory that a worker fills. Its seals keep the length, so that reading it never faults.
struct WriteBuffer {
  UniqueFd descriptor;
  const char* data = nullptr;

  static std::shared_ptr<WriteBuffer> Make() {
    auto buffer = std::make_shared<WriteBuffer>();
    buffer->descriptor = UniqueFd(::memfd_create("part", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    const int fd = buffer->descriptor.get();
    if (!buffer->descriptor || ::ftruncate(fd, ipc::kWriteBufferBytes) != 0 ||
        ::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
      return nullptr;
    void* data = ::mmap(nullptr, ipc::kWriteBufferBytes, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) return nullptr;
    buffer->data = static_cast<const char*>(data);
    return buffer;
  }
  ~WriteBuffer() {
    if (data != nullptr) ::munmap(const_cast<char*>(data), ipc::kWriteBufferBytes);
  }
};

// A packet for the worker.
struct LakeService::Outgoing {
  std::string bytes;
  UniqueFd descriptor;
  bool last = true;  // of its request
};

// A table, or one granted object, that a connection may read from.
struct LakeService::Scan {
  Scan() = default;
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;
  ~Scan() {
    if (held) *held -= counted;
    for (const auto& copy : copies) copy->Stop();
    if (record) log->End(*record);
  }
  // Counts files and partitions against the connection's limit; false beyond it.
  bool Hold(size_t more, size_t limit) {
    if (!held) return true;
    const size_t now = held->fetch_add(more) + more;
    counted += more;
    return now <= limit;
  }
  // Nobody waits for it any more: its connection or its statement is gone.
  bool abandoned() const { return closed || (gone && *gone); }

  std::shared_ptr<identity::LiveCredentials> live;  // of the data
  // Of the catalog, where other roles lead there; of tables only.
  std::shared_ptr<identity::LiveCredentials> catalog_live;
  std::shared_ptr<std::atomic<size_t>> held;  // by all scans of the connection
  size_t counted = 0;
  std::atomic<bool> closed = false;
  std::shared_ptr<std::atomic<bool>> gone;
  std::string name;      // for the log
  std::string location;  // of the table
  // Where the catalog has the table, when its partitions are found as they are asked for.
  std::string database, table;
  std::shared_ptr<ScanLog::Scan> record;
  ScanLog* log = nullptr;
  TableListing listing = TableListing::kFolders;
  std::shared_ptr<const HudiTimeline> timeline;  // under the mutex; of Hudi's tables
  // Of a table in a remote database.
  std::shared_ptr<RemoteSession> session;
  std::shared_ptr<const RemoteTable> remote;
  std::vector<std::shared_ptr<RemoteCopy>> copies;  // by number; under the mutex
  bool named_by_metadata = false;  // files are opened by their paths, as a table's metadata say

  struct File {
    std::string bucket, key;
    ipc::TableFile file;
    bool read = false;
    // With which credentials the file was last allowed to be read.
    std::weak_ptr<const Credentials> allowed;
  };
  std::mutex mutex;
  std::vector<std::string> locations;                                 // by partition
  std::map<std::vector<std::optional<std::string>>, uint32_t> known;  // of those found late
  std::vector<File> files;                                            // by number
  std::unordered_map<uint32_t, std::vector<uint32_t>>
      listed;  // partition -> numbers, so that asking twice answers the same

  // Notes why a request of the scan failed.
  void Failed(const Error& error) const {
    if (!record) return;
    const std::lock_guard lock(record->mutex);
    if (record->error.empty()) record->error = error.message.substr(0, 4000);
  }
};

// A scan and what its requests are asked of and signed with.
struct LakeService::LiveScan {
  std::shared_ptr<Scan> scan;
  identity::LiveCredentials::Pointer credentials;
};

struct LakeService::Connection {
  uint64_t id = 0;
  std::string workspace;
  UniqueFd socket, wake;
  std::thread thread;

  // Under the service's mutex. Requests wait with the account whose store they may have to wait
  // for.
  std::deque<std::pair<ipc::LakeRequest, std::string>> queue;
  size_t running = 0;
  std::unordered_map<std::string, size_t> running_of;  // by account
  bool in_ready = false;
  const std::shared_ptr<std::atomic<size_t>> held = std::make_shared<std::atomic<size_t>>(0);
  const std::shared_ptr<std::atomic<bool>> gone = std::make_shared<std::atomic<bool>>(false);

  std::mutex mutex;
  bool closed = false;
  std::deque<Outgoing> out;
  size_t out_bytes = 0;  // that the worker has not read
  size_t unanswered = 0;
  uint64_t next_scan = 1;
  std::unordered_map<uint64_t, std::shared_ptr<Scan>> scans;
  // By request: objects that are being looked up; null while the request still waits its turn.
  std::unordered_map<uint64_t, std::shared_ptr<Scan>> opening;
  // Of running statements, by statement and place.
  std::map<std::string, std::weak_ptr<RemoteSession>> remotes;
  uint64_t next_write = 1;
  std::unordered_map<uint64_t, std::shared_ptr<LakeWrite>> writes;
  std::deque<std::shared_ptr<LakeWrite>> dropped;     // to be aborted on the pool
  std::vector<std::shared_ptr<WriteBuffer>> buffers;  // by number
  uint64_t refusals = 0;

  // Under the mutex.
  void Queue(Outgoing packet) {
    out_bytes += packet.bytes.size();
    out.push_back(std::move(packet));
  }
  void Send(std::vector<Outgoing> packets) {
    {
      const std::lock_guard lock(mutex);
      if (closed) return;
      for (auto& p : packets) Queue(std::move(p));
    }
    const uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(wake.get(), &one, sizeof one);
  }
  std::shared_ptr<LakeWrite> FindWrite(uint64_t write) {
    const std::lock_guard lock(mutex);
    const auto found = writes.find(write);
    return found == writes.end() ? nullptr : found->second;
  }
  std::shared_ptr<Scan> MakeScan() const {
    auto scan = std::make_shared<Scan>();
    scan->held = held;
    scan->gone = gone;
    return scan;
  }
  void EraseScan(uint64_t scan) {
    const std::lock_guard lock(mutex);
    const auto found = scans.find(scan);
    if (found == scans.end()) return;
    found->second->closed = true;
    scans.erase(found);
  }
  // Nobody waits for what a request looks up.
  void Abandon(uint64_t request) {
    const std::lock_guard lock(mutex);
    const auto found = opening.find(request);
    if (found == opening.end()) return;
    if (!found->second) found->second = MakeScan();
    found->second->closed = true;
  }
  // The scan of a request that is answered now.
  std::shared_ptr<Scan> BeginOpening(uint64_t request) {
    const std::lock_guard lock(mutex);
    auto& scan = opening[request];
    if (!scan) scan = MakeScan();
    return scan;
  }
  void EndOpening(uint64_t request) {
    const std::lock_guard lock(mutex);
    opening.erase(request);
  }
  std::shared_ptr<Scan> FindScan(uint64_t scan) {
    const std::lock_guard lock(mutex);
    const auto found = scans.find(scan);
    return found == scans.end() ? nullptr : found->second;
  }
  // A scan that may still read: it is open, and its role can still be had. Renews the role's
  // session when that is due, which blocks.
  Result<LiveScan> OpenScan(uint64_t number) {
    LiveScan open{FindScan(number), nullptr};
    if (!open.scan)
      return Fail(ErrorKind::kUndefinedObject, fmt::format("there is no scan {}", number));
    auto credentials = open.scan->live->Current();
    if (!credentials) {
      open.scan->Failed(credentials.error());
      return Fail(std::move(credentials).error());
    }
    open.credentials = std::move(*credentials);
    return open;
  }
  Result<uint64_t> AddScan(std::shared_ptr<Scan> scan, size_t limit) {
    const std::lock_guard lock(mutex);
    if (closed) return Fail(ErrorKind::kUndefinedObject, "the worker is gone");
    if (scans.size() >= limit)
      return Fail(ErrorKind::kTooManyConnections,
                  fmt::format("the worker has {} open external scans", limit));
    const uint64_t number = next_scan++;
    scans.emplace(number, std::move(scan));
    return number;
  }
};

// Answers with a list in as many packets as it needs: `list` is where a reply has it, `size` about
// what an item takes there. The rest of the reply is told once.
template <class Outgoing, class Item, class Size>
void SendInPackets(ipc::LakeReply reply, std::vector<Item> items,
                   std::vector<Item>& (*list)(ipc::LakeReply&), const Size& size,
                   std::vector<Outgoing>& out) {
  constexpr size_t kPacketBytes = 128u << 10;
  size_t bytes = 0;
  const auto flush = [&](bool last) {
    reply.more = !last;
    out.push_back({ipc::EncodePacket(reply), {}, last});
    reply.table = {};
    list(reply).clear();
    bytes = 0;
  };
  for (auto& item : items) {
    const size_t more = size(item);
    if (bytes > 0 && bytes + more > kPacketBytes) flush(false);
    bytes += more;
    list(reply).push_back(std::move(item));
  }
  flush(true);
}

}  // namespace skep::lake
