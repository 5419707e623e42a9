#include "lake/lake_service.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "ipc/channel.h"
#include "lake/manifest.h"

namespace skep::lake {
namespace {

constexpr size_t kPacketBytes = 128u << 10;  // lists are cut into packets of about this size
constexpr int kUnreadBytes =
    128 << 10;  // descriptors in flight are scarce: a peer that does not read gets no more
constexpr size_t kUnreadAnswerBytes = 128u << 20;  // beyond, a worker gets no further lists
constexpr size_t kListThreads = 8;
constexpr size_t kBulkPartitions =
    8;                                // from here on, one listing of the whole table may be cheaper
constexpr size_t kQueryBytes = 4000;  // of a remote query that are kept
constexpr uint64_t kLoggedRefusals = 20;  // per connection, then every 1,000th

std::string WithSlash(std::string prefix) {
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  return prefix;
}

// What decided a refusal, for the error's detail.
std::string DetailOf(const identity::Decision& decision) {
  if (decision.policy.empty()) return decision.reason;
  return fmt::format("{} ({}, statement {})", decision.reason, decision.policy, decision.statement);
}

// The refusal of a catalog's table (empty: of all tables of the database), or nothing.
std::optional<Error> RefusedByCatalog(const Credentials& credentials, std::string_view action,
                                      const std::string& database, const std::string& table) {
  const auto decision = credentials.DecideCatalog(action, Lower(database), Lower(table));
  if (decision.allowed) return std::nullopt;
  return Error{ErrorKind::kInsufficientPrivilege,
               fmt::format("{} is not authorized to perform: {} on {}{}{}", credentials.role,
                           action, database, table.empty() ? "" : ".", table),
               DetailOf(decision),
               {},
               0};
}

Error TooMuch() {
  return {ErrorKind::kTooManyConnections,
          "the workspace's running statements read too many external files and partitions",
          {},
          "Run fewer statements over large external tables at a time.",
          0};
}

struct Location {
  std::string bucket, key;  // key as the catalog has it, without a leading slash
  std::string prefix() const { return WithSlash(key); }
};

}  // namespace

CatalogAction CatalogActionOf(std::string_view change) {
  static constexpr std::pair<std::string_view, std::string_view> kActions[] = {
      {"CreateDatabase", "glue:CreateDatabase"},
      {"DropDatabase", "glue:DeleteDatabase"},
      {"CreateTable", "glue:CreateTable"},
      {"DropTable", "glue:DeleteTable"},
      {"PublishIceberg", "glue:UpdateTable"},
      {"AddPartitions", "glue:BatchCreatePartition"},
      {"DropPartitions", "glue:BatchDeletePartition"}};
  const auto json = nlohmann::json::parse(change, nullptr, false);
  CatalogAction wanted{"glue:UpdateTable", {}};
  if (!json.is_object()) return wanted;
  const auto text = [](const nlohmann::json& of, const char* name) {
    const auto found = of.is_object() ? of.find(name) : of.end();
    return found != of.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  for (const auto& [operation, action] : kActions) {
    if (text(json, "operation") == operation) wanted.action = action;
  }
  // The name that the change itself will use, never another member a worker may have added.
  const auto table = json.find("table");
  wanted.table = wanted.action == "glue:CreateTable"
                     ? (table != json.end() ? text(*table, "Name") : std::string())
                     : text(json, "name");
  return wanted;
}

namespace {

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

}  // namespace

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

LakeService::LakeService(TableSource& tables, const identity::RoleChainResolver& roles,
                         BlockCache& cache, ObjectStore& store, const LakeServiceOptions& options)
    : tables_(tables),
      roles_(roles),
      cache_(cache),
      store_(store),
      options_(options),
      fetches_per_account_(std::max<size_t>(1, options.fetch_threads / 2)) {
  for (size_t i = 0; i < options_.fetch_threads; i++) pool_.emplace_back([this] { RunPool(); });
}

LakeService::~LakeService() { Shutdown(); }

uint64_t LakeService::Serve(UniqueFd socket, const std::string& workspace) {
  auto connection = std::make_shared<Connection>();
  connection->workspace = workspace;
  connection->socket = std::move(socket);
  connection->wake = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  ipc::SetNonBlocking(connection->socket.get(), true);
  std::vector<std::thread> finished;
  {
    const std::lock_guard lock(mutex_);
    connection->id = next_connection_++;
    if (stopping_ || !connection->wake) return connection->id;
    finished.swap(finished_);
    connections_.emplace(connection->id, connection);
    figures_.connections++;
    connection->thread = std::thread([this, connection] { RunConnection(connection); });
  }
  for (auto& t : finished) t.join();
  return connection->id;
}

Result<uint64_t> LakeService::GrantObject(uint64_t connection, const Credentials& credentials,
                                          const std::string& path, const std::string& etag,
                                          uint64_t size) {
  auto scan = std::make_shared<Scan>();
  Scan::File file;
  if (!ParseS3Path(path, file.bucket, file.key) || etag.empty()) {
    return Fail(ErrorKind::kInvalidArgument, fmt::format("\"{}\" names no object", path));
  }
  if (!credentials.MayRead(file.bucket, file.key)) {
    return Fail(ErrorKind::kInsufficientPrivilege,
                fmt::format("role {} may not read {}", credentials.role, path));
  }
  file.file = ipc::TableFile{0, 0, path, etag, size, 0};
  scan->live = Renewed(credentials, {});
  file.allowed = scan->live->Last();
  scan->name = path;
  scan->files.push_back(std::move(file));
  scan->listed[0] = {0};
  std::shared_ptr<Connection> found;
  {
    const std::lock_guard lock(mutex_);
    const auto it = connections_.find(connection);
    if (it != connections_.end()) found = it->second;
  }
  if (!found) return Fail(ErrorKind::kUndefinedObject, "the worker is gone");
  return found->AddScan(std::move(scan), options_.scans_per_connection);
}

void LakeService::RevokeGrant(uint64_t connection, uint64_t scan) {
  std::shared_ptr<Connection> found;
  {
    const std::lock_guard lock(mutex_);
    const auto it = connections_.find(connection);
    if (it == connections_.end()) return;
    found = it->second;
  }
  found->EraseScan(scan);
}

void LakeService::Shutdown() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [id, c] : connections_) ::shutdown(c->socket.get(), SHUT_RDWR);
    threads.swap(pool_);
  }
  if (threads.empty()) return;  // done before
  store_.Stop();
  if (options_.remotes != nullptr) options_.remotes->Stop();
  work_.notify_all();
  for (auto& t : threads) t.join();
  // A connection's thread takes itself out of the map and leaves its handle in finished_.
  std::unique_lock lock(mutex_);
  work_.wait(lock, [this] { return connections_.empty(); });
  threads.clear();
  threads.swap(finished_);
  lock.unlock();
  for (auto& t : threads) t.join();
}

LakeService::Figures LakeService::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

void LakeService::RunConnection(const std::shared_ptr<Connection>& c) {
  bool open = true;
  ipc::Packet packet;
  while (open) {
    // Send what there is, as far as the peer reads.
    bool blocked = false, unread = false, room = true;
    {
      std::unique_lock lock(c->mutex);
      while (open && !c->out.empty() && !blocked) {
        int queued = 0;
        if (::ioctl(c->socket.get(), SIOCOUTQ, &queued) == 0 && queued > kUnreadBytes) {
          unread = blocked = true;
          break;
        }
        Outgoing& next = c->out.front();
        std::vector<int> fds;
        if (next.descriptor) fds.push_back(next.descriptor.get());
        errno = 0;
        if (ipc::SendPacket(c->socket.get(), next.bytes, fds)) {
          if (next.last) c->unanswered--;
          c->out_bytes -= next.bytes.size();
          c->out.pop_front();
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ||
                   errno == ETOOMANYREFS) {
          // The last two clear by themselves but poll would not say so.
          unread = errno == ENOBUFS || errno == ETOOMANYREFS;
          blocked = true;
        } else {
          open = false;
        }
      }
      room = c->unanswered < options_.requests_per_connection;
    }
    if (!open) break;
    pollfd fds[2] = {
        {c->socket.get(),
         static_cast<short>((room ? POLLIN : 0) | (blocked && !unread ? POLLOUT : 0)), 0},
        {c->wake.get(), POLLIN, 0}};
    if (::poll(fds, 2, unread ? 5 : -1) < 0 && errno != EINTR) break;
    if (fds[1].revents & POLLIN) {
      uint64_t count = 0;
      [[maybe_unused]] const auto n = ::read(c->wake.get(), &count, sizeof count);
    }
    if (fds[0].revents & (POLLHUP | POLLERR)) break;
    if (!room || !(fds[0].revents & POLLIN)) continue;
    for (int i = 0; i < 64; i++) {  // a few at a time, so that answers go out in between
      const auto status = ipc::ReceivePacket(c->socket.get(), packet);
      if (status == ipc::ReceiveStatus::kWouldBlock) break;
      if (status == ipc::ReceiveStatus::kClosed) {
        open = false;
        break;
      }
      ipc::LakeRequest request;
      if (!packet.fds.empty() || !ipc::DecodeExact(packet.bytes, request)) {
        log::Warn(
            "lake_packet_malformed",
            {{"connection", c->id}, {"workspace", c->workspace}, {"bytes", packet.bytes.size()}});
        open = false;
        break;
      }
      Accept(c, std::move(request));
      const std::lock_guard lock(c->mutex);
      if (c->unanswered >= options_.requests_per_connection) break;
    }
  }

  std::vector<std::shared_ptr<LakeWrite>> unfinished;
  {
    const std::lock_guard lock(c->mutex);
    c->closed = true;
    *c->gone = true;
    c->out.clear();
    c->scans.clear();
    for (auto& [number, write] : c->writes) unfinished.push_back(std::move(write));
    c->writes.clear();
    std::ranges::move(c->dropped, std::back_inserter(unfinished));
    c->dropped.clear();
  }
  ::shutdown(c->socket.get(), SHUT_RDWR);
  for (const auto& write : unfinished) {
    log::Warn("write_unfinished",
              {{"connection", c->id}, {"workspace", c->workspace}, {"place", write->place()}});
    write->Abort();
  }
  unfinished.clear();
  {
    const std::lock_guard lock(mutex_);
    c->queue.clear();
    connections_.erase(c->id);
    finished_.push_back(std::move(c->thread));
  }
  work_.notify_all();
}

void LakeService::Accept(const std::shared_ptr<Connection>& c, ipc::LakeRequest request) {
  if (request.type == ipc::LakeType::kCloseScan) {
    c->EraseScan(request.scan);
    return;
  }
  if (request.type == ipc::LakeType::kAbandon) return c->Abandon(request.scan);
  {
    const std::lock_guard lock(c->mutex);
    if (request.type == ipc::LakeType::kAbortWrite) {  // has no answer
      const auto write = c->writes.find(request.scan);
      if (write == c->writes.end()) return;
      c->dropped.push_back(std::move(write->second));
      c->writes.erase(write);
    } else {
      c->unanswered++;
      if (request.type == ipc::LakeType::kOpenObjects) c->opening.try_emplace(request.id);
    }
  }
  if (request.type == ipc::LakeType::kAsk && request.change.starts_with(R"({"what":"note")")) {
    // In the order of the socket: the scan may be closed by the next request.
    const auto scan = c->FindScan(request.scan);
    if (scan && scan->record) ScanLog::Note(*scan->record, request.change);
    ipc::LakeReply reply;
    reply.id = request.id;
    const std::lock_guard lock(c->mutex);
    c->Queue({ipc::EncodePacket(reply), {}, true});
    return;
  }
  if (request.type == ipc::LakeType::kBlock) {
    // Cached blocks are answered here: no hand-over to another thread.
    std::vector<Outgoing> out;
    ReadBlock(c, request, false, out);
    if (!out.empty()) {
      const std::lock_guard lock(c->mutex);
      for (auto& p : out) c->Queue(std::move(p));
      return;
    }
  }
  std::string account;
  if (request.type == ipc::LakeType::kBlock || request.type == ipc::LakeType::kListFiles ||
      request.type == ipc::LakeType::kOpenFiles) {
    if (const auto scan = c->FindScan(request.scan)) account = scan->live->Last()->account;
  } else if (request.type == ipc::LakeType::kWritePart ||
             request.type == ipc::LakeType::kCommitWrite) {
    if (const auto write = c->FindWrite(request.scan)) account = write->credentials()->account;
  } else if ((request.type == ipc::LakeType::kOpenObjects ||
              request.type == ipc::LakeType::kOpenWrite) &&
             !request.schema.role_chain.empty()) {
    account = identity::AccountOfRoleArn(request.schema.role_chain.back());
  } else if (request.schema.source == ipc::SchemaSource::kPostgres) {
    account = "host " + request.schema.host.substr(0, 256);
  }
  {
    const std::lock_guard lock(mutex_);
    c->queue.emplace_back(std::move(request), std::move(account));
    if (c->in_ready || c->running >= options_.fetches_per_connection) return;
    c->in_ready = true;
    ready_.push_back(c);
  }
  work_.notify_one();
}

void LakeService::RunPool() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return stopping_ || !ready_.empty(); });
    if (stopping_) return;
    const auto c = ready_.front();
    ready_.pop_front();
    c->in_ready = false;
    // A store that hangs keeps what waits for it, not what waits for another organization's.
    const auto next = std::ranges::find_if(c->queue, [&](const auto& waiting) {
      const std::string& of = waiting.second;
      if (of.empty()) return true;
      const auto here = c->running_of.find(of), anywhere = running_of_.find(of);
      return (here == c->running_of.end() ||
              here->second < options_.fetches_per_connection_and_account) &&
             (anywhere == running_of_.end() || anywhere->second < fetches_per_account_);
    });
    if (next == c->queue.end()) continue;
    const auto [request, account] = std::move(*next);
    c->queue.erase(next);
    c->running++;
    if (!account.empty()) {
      c->running_of[account]++;
      running_of_[account]++;
    }
    if (!c->queue.empty() && c->running < options_.fetches_per_connection) {
      c->in_ready = true;
      ready_.push_back(c);
      work_.notify_one();
    }
    lock.unlock();
    Answer(c, request);
    lock.lock();
    c->running--;
    const auto again = [this](const std::shared_ptr<Connection>& waiting) {
      if (waiting->in_ready || waiting->queue.empty()) return;
      waiting->in_ready = true;
      ready_.push_back(waiting);
      work_.notify_one();
    };
    again(c);
    if (account.empty()) continue;
    if (--c->running_of[account] == 0) c->running_of.erase(account);
    const bool was_full = running_of_[account] == fetches_per_account_;
    if (--running_of_[account] == 0) running_of_.erase(account);
    if (!was_full) continue;
    for (const auto& [id, other] : connections_) again(other);
  }
}

void LakeService::Answer(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request) {
  std::vector<Outgoing> out;
  bool behind = false;
  {
    const std::lock_guard lock(c->mutex);
    behind = c->out_bytes > kUnreadAnswerBytes && request.type != ipc::LakeType::kBlock;
  }
  if (behind) {
    Refuse(c, request,
           Error{ErrorKind::kTooManyConnections, "the worker does not read its answers", {}, {}, 0},
           out);
    return c->Send(std::move(out));
  }
  try {
    switch (request.type) {
      case ipc::LakeType::kOpenTable:
        OpenTable(c, request, out);
        break;
      case ipc::LakeType::kOpenObjects:
        OpenObjects(c, request, out);
        break;
      case ipc::LakeType::kOpenFiles:
        OpenFiles(c, request, out);
        break;
      case ipc::LakeType::kListFiles:
        ListFiles(c, request, out);
        break;
      case ipc::LakeType::kListTables:
        ListTables(c, request, out);
        break;
      case ipc::LakeType::kBlock:
        ReadBlock(c, request, true, out);
        break;
      case ipc::LakeType::kChangeCatalog:
        ChangeCatalog(c, request, out);
        break;
      case ipc::LakeType::kOpenWrite:
        OpenWrite(c, request, out);
        break;
      case ipc::LakeType::kWriteBuffer:
        MakeBuffer(c, request, out);
        break;
      case ipc::LakeType::kWritePart:
        WritePart(c, request, out);
        break;
      case ipc::LakeType::kCommitWrite:
        CommitWrite(c, request, out);
        break;
      case ipc::LakeType::kAbortWrite: {
        std::shared_ptr<LakeWrite> write;
        {
          const std::lock_guard lock(c->mutex);
          if (c->dropped.empty()) break;
          write = std::move(c->dropped.front());
          c->dropped.pop_front();
        }
        write->Abort();
        break;
      }
      case ipc::LakeType::kAsk:
        Ask(c, request, out);
        break;
      case ipc::LakeType::kListPartitions:
        ListPartitions(c, request, out);
        break;
      case ipc::LakeType::kReadRemote:
        ReadRemote(c, request, out);
        break;
      case ipc::LakeType::kEndRemote:
        EndRemote(c, request, out);
        break;
      default:
        Refuse(c, request, Error{ErrorKind::kProtocolViolation, "unknown lake request", {}, {}, 0},
               out);
    }
  } catch (const std::exception& e) {
    log::Fault("lake_request_failed", {{"connection", c->id}, {"error", e.what()}});
    out.clear();
    ipc::LakeReply reply;
    reply.id = request.id;
    reply.error =
        Error{ErrorKind::kInternal, "an external read failed inside the gateway", {}, {}, 0};
    out.push_back({ipc::EncodePacket(reply), {}, true});
  }
  c->Send(std::move(out));
}

void LakeService::Refuse(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                         Error error, std::vector<Outgoing>& out) {
  uint64_t refusals = 0;
  {
    const std::lock_guard lock(c->mutex);
    refusals = ++c->refusals;
  }
  if (refusals <= kLoggedRefusals || refusals % 1000 == 0) {
    log::Warn("lake_request_refused", {{"connection", c->id},
                                       {"workspace", c->workspace},
                                       {"type", static_cast<int>(request.type)},
                                       {"scan", request.scan},
                                       {"file", request.file},
                                       {"block", request.block},
                                       {"refusals", refusals},
                                       {"reason", error.message}});
  }
  {
    const std::lock_guard lock(mutex_);
    figures_.refused++;
  }
  ipc::LakeReply reply;
  reply.id = request.id;
  reply.error = std::move(error);
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

Result<Credentials> LakeService::Walk(const Connection& c, const ipc::LakeRequest& request,
                                      const std::vector<std::string>& chain, const char* action) {
  return roles_.Resolve(identity::Principal::Workspace(c.workspace), chain, nullptr,
                        {request.user.substr(0, 256), request.statement.substr(0, 64), action});
}

std::shared_ptr<identity::LiveCredentials> LakeService::Renewed(
    Credentials first, identity::LiveCredentials::Walk walk) {
  return std::make_shared<identity::LiveCredentials>(std::move(first), std::move(walk),
                                                     roles_.clock());
}

// The same request asked again, by whom and for what it was asked.
std::shared_ptr<identity::LiveCredentials> LakeService::RenewedCatalog(
    const Connection& c, const ipc::LakeRequest& request, const char* action, Credentials first) {
  ipc::LakeRequest again;
  again.user = request.user;
  again.statement = request.statement;
  again.schema = request.schema;
  return Renewed(std::move(first),
                 [this, workspace = c.workspace, again = std::move(again), action] {
                   Connection asker;
                   asker.workspace = workspace;
                   return CatalogOf(asker, again, action);
                 });
}

std::shared_ptr<identity::LiveCredentials> LakeService::RenewedChain(
    const Connection& c, const ipc::LakeRequest& request, const char* action, Credentials first) {
  ipc::LakeRequest again;
  again.user = request.user;
  again.statement = request.statement;
  again.schema.role_chain = request.schema.role_chain;
  return Renewed(std::move(first),
                 [this, workspace = c.workspace, again = std::move(again), action] {
                   Connection asker;
                   asker.workspace = workspace;
                   return Walk(asker, again, again.schema.role_chain, action);
                 });
}

Result<Credentials> LakeService::CatalogOf(const Connection& c, const ipc::LakeRequest& request,
                                           const char* action) {
  if (c.workspace.empty())
    return Fail(ErrorKind::kInsufficientPrivilege, "a scratch worker has no external schemas");
  if (request.schema.source != ipc::SchemaSource::kDataCatalog)
    return Fail(ErrorKind::kFeatureNotSupported, "this external schema has no data catalog");
  auto credentials = Walk(c, request,
                          request.schema.catalog_roles.empty() ? request.schema.role_chain
                                                               : request.schema.catalog_roles,
                          action);
  if (credentials && !request.schema.catalog_id.empty() &&
      request.schema.catalog_id != credentials->account)
    return Fail(ErrorKind::kInsufficientPrivilege,
                fmt::format("{} is not authorized to perform: {} on the catalog of account {}",
                            credentials->role, action, request.schema.catalog_id));
  return credentials;
}

void LakeService::ChangeCatalog(const std::shared_ptr<Connection>& c,
                                const ipc::LakeRequest& request, std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const CatalogAction wanted = CatalogActionOf(request.change);
  const auto credentials = CatalogOf(*c, request, wanted.action.c_str());
  if (!credentials) return fail(credentials.error());
  if (auto refused = RefusedByCatalog(*credentials, wanted.action, request.schema.catalog_database,
                                      wanted.table))
    return fail(std::move(*refused));
  const auto changed =
      tables_.Change(*credentials, request.schema.catalog_database, request.change);
  if (!changed) return fail(changed.error());
  log::Info("catalog_changed", {{"workspace", c->workspace},
                                {"user", request.user},
                                {"account", credentials->account},
                                {"database", request.schema.catalog_database},
                                {"role", credentials->role}});
  ipc::LakeReply reply;
  reply.id = request.id;
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

// Looks the table up with the roles of the catalog; what is scanned is read with those of the data.
Result<std::shared_ptr<LakeService::Scan>> LakeService::FindTable(const Connection& c,
                                                                  const ipc::LakeRequest& request,
                                                                  CatalogTable& table) {
  SKEP_TRY_ASSIGN(auto credentials, CatalogOf(c, request, "glue:GetTable"));
  if (auto refused = RefusedByCatalog(credentials, "glue:GetTable", request.schema.catalog_database,
                                      request.table))
    return Fail(std::move(*refused));
  if (request.describe) {
    SKEP_TRY_ASSIGN(
        table, tables_.DescribeTable(credentials, request.schema.catalog_database, request.table));
    return nullptr;
  }
  SKEP_TRY_ASSIGN(table,
                  tables_.GetTable(credentials, request.schema.catalog_database, request.table));
  auto scan = c.MakeScan();
  scan->database = request.schema.catalog_database;
  scan->table = request.table;
  auto catalog = RenewedCatalog(c, request, "glue:GetTable", std::move(credentials));
  if (request.schema.catalog_roles.empty()) {
    scan->live = std::move(catalog);
  } else {
    SKEP_TRY_ASSIGN(auto data, Walk(c, request, request.schema.role_chain, "s3:GetObject"));
    scan->live = RenewedChain(c, request, "s3:GetObject", std::move(data));
    scan->catalog_live = std::move(catalog);
  }
  scan->name = request.schema.catalog_database + "." + request.table;
  scan->location = std::move(table.location);
  scan->listing = table.listing;
  scan->locations = std::move(table.locations);
  return scan;
}

void LakeService::OpenTable(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  if (request.schema.source == ipc::SchemaSource::kPostgres) return OpenRemote(c, request, out);
  CatalogTable table;
  ScanFacts facts;
  facts.workspace = c->workspace;
  facts.user = request.user;
  facts.statement = request.statement;
  facts.process_id = request.process_id;
  facts.table = request.schema_name + "." + request.table;
  const auto fail = [&](Error error) {
    if (error.kind != ErrorKind::kUndefinedTable && !facts.statement.empty())
      scan_log_.Refused(facts, error);
    Refuse(c, request, std::move(error), out);
  };
  auto found = FindTable(*c, request, table);
  if (!found) return fail(found.error());
  const auto scan = std::move(*found);
  if (!scan) {
    ipc::LakeReply reply;
    reply.id = request.id;
    reply.table = std::move(table.description);
    reply.table.partitions.clear();
    out.push_back({ipc::EncodePacket(reply), {}, true});
    if (out.back().bytes.size() > ipc::kMaxPacket) {
      out.clear();
      fail({ErrorKind::kPayloadTooLarge,
            fmt::format("the description of external table {} is too large", request.table),
            {},
            {},
            0});
    }
    return;
  }
  const auto& description = table.description;
  if (!scan->Hold(scan->locations.size(), options_.entries_per_connection)) return fail(TooMuch());
  scan->named_by_metadata = description.format == "iceberg";
  facts.account = scan->live->Last()->account;
  facts.role = scan->live->Last()->role;
  facts.format = description.format;
  facts.location = scan->location;
  if (!description.partition_keys.empty())
    facts.partitions =
        std::max<uint64_t>(description.partitions.size(), description.partition_count);
  facts.nested = std::ranges::any_of(description.columns, [](const ipc::TableColumn& column) {
    return column.type.find('<') != std::string::npos;
  });
  // The record is there before anybody can name the scan.
  scan->log = &scan_log_;
  if (!facts.statement.empty()) scan->record = scan_log_.Begin(std::move(facts));
  auto number = c->AddScan(scan, options_.scans_per_connection);
  if (!number) {
    scan->Failed(number.error());
    return Refuse(c, request, number.error(), out);
  }
  {
    const std::lock_guard lock(mutex_);
    figures_.scans++;
  }
  log::Debug("external_table_opened", {{"workspace", c->workspace},
                                       {"user", request.user},
                                       {"table", scan->name},
                                       {"role", scan->live->Last()->role},
                                       {"partitions", scan->locations.size()}});

  std::vector<ipc::TablePartition> partitions = std::move(table.description.partitions);
  ipc::LakeReply reply;
  reply.id = request.id;
  reply.scan = *number;
  reply.table = std::move(table.description);
  reply.table.partitions.clear();
  SendPartitions(std::move(reply), std::move(partitions), out);
  if (std::ranges::any_of(out,
                          [](const Outgoing& o) { return o.bytes.size() > ipc::kMaxPacket; })) {
    out.clear();
    Refuse(c, request,
           {ErrorKind::kPayloadTooLarge,
            fmt::format("the description of external table {} is too large", request.table),
            {},
            {},
            0},
           out);
  }
}

// A reply and its partitions, in as many packets as they need.
void LakeService::SendPartitions(ipc::LakeReply reply, std::vector<ipc::TablePartition> partitions,
                                 std::vector<Outgoing>& out) {
  size_t bytes = 0;
  const auto flush = [&](bool last) {
    reply.more = !last;
    out.push_back({ipc::EncodePacket(reply), {}, last});
    reply.table = {};
    bytes = 0;
  };
  for (auto& partition : partitions) {
    size_t size = 8;
    for (const auto& v : partition.values) size += 8 + (v ? v->size() : 0);
    if (bytes > 0 && bytes + size > kPacketBytes) flush(false);
    reply.table.partitions.push_back(std::move(partition));
    bytes += size;
  }
  flush(true);
}

void LakeService::ListPartitions(const std::shared_ptr<Connection>& c,
                                 const ipc::LakeRequest& request, std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto open = c->OpenScan(request.scan);
  if (!open) return fail(open.error());
  const auto& scan = open->scan;
  if (scan->table.empty())
    return fail({ErrorKind::kInvalidArgument, "objects have no partitions", {}, {}, 0});
  auto catalog = open->credentials;
  if (scan->catalog_live) {
    auto current = scan->catalog_live->Current();
    if (!current) {
      scan->Failed(current.error());
      return fail(current.error());
    }
    catalog = std::move(*current);
  }
  // The credentials may be others than those that opened the table.
  if (auto refused = RefusedByCatalog(*catalog, "glue:GetTable", scan->database, scan->table)) {
    scan->Failed(*refused);
    return fail(std::move(*refused));
  }
  const auto began = std::chrono::steady_clock::now();
  auto found = tables_.ListPartitions(*catalog, scan->database, scan->table, request.change);
  if (!found) {
    scan->Failed(found.error());
    return fail(found.error());
  }
  std::vector<ipc::TablePartition> fresh;
  {
    const std::lock_guard lock(scan->mutex);
    for (size_t i = 0; i < found->partitions.size(); i++) {
      const auto number = static_cast<uint32_t>(scan->locations.size());
      if (!scan->known.try_emplace(found->partitions[i].values, number).second) continue;
      if (scan->locations.size() >= options_.partitions_per_scan)
        return fail({ErrorKind::kPayloadTooLarge,
                     fmt::format("external table {} has more than {} partitions", scan->name,
                                 options_.partitions_per_scan),
                     {},
                     "Filter by the partition keys.",
                     0});
      if (!scan->Hold(1, options_.entries_per_connection)) return fail(TooMuch());
      scan->locations.push_back(std::move(found->locations[i]));
      fresh.push_back(std::move(found->partitions[i]));
    }
  }
  if (scan->record) {
    scan->record->partition_us +=
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                  std::chrono::steady_clock::now() - began)
                                  .count());
  }
  ipc::LakeReply reply;
  reply.id = request.id;
  SendPartitions(std::move(reply), std::move(fresh), out);
}

// Answers what system views ask: nothing of a catalog but what its role may see.
void LakeService::Ask(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                      std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  if (c->workspace.empty())
    return fail(
        {ErrorKind::kInsufficientPrivilege, "a scratch worker has no external schemas", {}, {}, 0});
  if (request.change == R"({"what":"scans"})")
    return SendNames(request, scan_log_.Records(c->workspace), out);
  if (request.schema.source == ipc::SchemaSource::kPostgres) return AskRemote(c, request, out);
  const auto credentials = CatalogOf(*c, request, "glue:GetTables");
  if (!credentials) return fail(credentials.error());
  auto answer = tables_.Ask(
      *credentials, request.schema.catalog_database, request.change,
      [&](std::string_view action, std::string_view database, std::string_view table) {
        return credentials->DecideCatalog(action, Lower(database), Lower(table)).allowed;
      });
  if (!answer) return fail(answer.error());
  SendNames(request, std::move(*answer), out);
}

// Names in as many packets as they need; one that fits none is left out.
void LakeService::SendNames(const ipc::LakeRequest& request, std::vector<std::string> names,
                            std::vector<Outgoing>& out) {
  ipc::LakeReply reply;
  reply.id = request.id;
  size_t bytes = 0;
  const auto flush = [&](bool last) {
    reply.more = !last;
    out.push_back({ipc::EncodePacket(reply), {}, last});
    reply.names.clear();
    bytes = 0;
  };
  for (auto& name : names) {
    if (name.size() > ipc::kMaxPacket - 4096) continue;
    if (bytes > 0 && bytes + name.size() + 4 > kPacketBytes) flush(false);
    bytes += name.size() + 4;
    reply.names.push_back(std::move(name));
  }
  flush(true);
}

void LakeService::OpenObjects(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                              std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto scan = c->BeginOpening(request.id);
  struct Opening {
    Connection& connection;
    uint64_t request;
    ~Opening() { connection.EndOpening(request); }
  } const opening{*c, request.id};
  if (c->workspace.empty())
    return fail({ErrorKind::kInsufficientPrivilege, "a scratch worker loads nothing", {}, {}, 0});
  if (scan->abandoned())
    return fail({ErrorKind::kQueryCanceled, "nobody waits for the objects", {}, {}, 0});
  auto credentials = request.keys.id.empty()
                         ? Walk(*c, request, request.schema.role_chain, "s3:GetObject")
                         : Holder(request);
  if (!credentials) return fail(credentials.error());
  scan->live = request.keys.id.empty()
                   ? RenewedChain(*c, request, "s3:GetObject", std::move(*credentials))
                   : Renewed(std::move(*credentials),
                             [this, keys = KeysOf(request)] { return Holder(keys); });
  const auto opened = scan->live->Last();
  scan->name = request.table;
  if (auto found = FindObjects(*scan, request); !found) return fail(found.error());
  ScanFacts facts{c->workspace,      opened->account,    opened->role, request.user,
                  request.statement, request.process_id, request.table};
  facts.load = true;
  scan->log = &scan_log_;
  if (!facts.statement.empty()) {
    scan->record = scan_log_.Begin(std::move(facts));
    scan->record->files_listed = scan->files.size();
  }
  auto number = c->AddScan(scan, options_.scans_per_connection);
  if (!number) return fail(number.error());
  log::Info("objects_opened", {{"workspace", c->workspace},
                               {"user", request.user},
                               {"statement_id", request.statement},
                               {"path", request.table},
                               {"role", opened->role},
                               {"objects", scan->files.size()}});
  ipc::LakeReply reply;
  reply.id = request.id;
  reply.scan = *number;
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

// What of a request says whose keys a statement brought along.
ipc::LakeRequest LakeService::KeysOf(const ipc::LakeRequest& request) {
  ipc::LakeRequest keys;
  keys.user = request.user;
  keys.statement = request.statement;
  keys.keys = request.keys;
  return keys;
}

// The rights of the keys that a statement brought along.
Result<Credentials> LakeService::Holder(const ipc::LakeRequest& request) {
  if (options_.keys == nullptr)
    return Fail(ErrorKind::kFeatureNotSupported, "access keys are not supported");
  SKEP_TRY_ASSIGN(auto holder, options_.keys->Verify(request.keys.id, Secret(request.keys.secret),
                                                     request.keys.session_token));
  log::Info("access_keys_used", {{"user", request.user},
                                 {"statement_id", request.statement},
                                 {"access_key", request.keys.id},
                                 {"owner", holder.subject.arn}});
  return roles_.Act(std::move(holder.subject), holder.account);
}

// The objects of a COPY, all looked up before the first is read.
Result<void> LakeService::FindObjects(Scan& scan, const ipc::LakeRequest& request) {
  const auto live = scan.live->Last();
  const Credentials& credentials = *live;
  std::string bucket, key;
  if (!ParseS3Path(request.table, bucket, key))
    return Fail(ErrorKind::kInvalidArgument, fmt::format("\"{}\" is not on S3", request.table));
  const auto denied = [&](const char* action, const std::string& what) {
    return Fail(ErrorKind::kExternalDenied, fmt::format("{} is not authorized to perform: {} on {}",
                                                        credentials.role, action, what));
  };
  scan.listed[0] = {};
  const auto add = [&](const std::string& in, ObjectInfo object) -> Result<void> {
    const std::string path = "s3://" + in + "/" + object.key;
    if (!credentials.MayRead(in, object.key)) return denied("s3:GetObject", path);
    if (object.etag.empty())
      return Fail(ErrorKind::kExternalUnavailable, "the object store gave no ETag for " + path);
    if (scan.files.size() >= options_.files_per_scan)
      return Fail(ErrorKind::kPayloadTooLarge, fmt::format("{} names more than {} objects",
                                                           request.table, options_.files_per_scan));
    const auto number = static_cast<uint32_t>(scan.files.size());
    ipc::TableFile file{number, 0, path, object.etag, object.size, object.modified_s};
    if (!scan.Hold(1, options_.entries_per_connection)) return Fail(TooMuch());
    scan.files.push_back(
        {in, std::move(object.key), std::move(file), false, credentials.foreign ? nullptr : live});
    scan.listed[0].push_back(number);
    return {};
  };
  const auto one = [&](const std::string& in, const std::string& of) -> Result<ObjectInfo> {
    if (!credentials.MayRead(in, of)) return denied("s3:GetObject", "s3://" + in + "/" + of);
    auto object = store_.Head(credentials, in, of);
    if (object) object->key = of;
    return object;
  };
  if (request.named == ipc::ObjectsNamed::kOne) {
    SKEP_TRY_ASSIGN(auto object, one(bucket, key));
    return add(bucket, std::move(object));
  }
  if (request.named == ipc::ObjectsNamed::kListed) {
    if (request.objects.size() > ipc::kMaxFilesPerOpen)
      return Fail(ErrorKind::kPayloadTooLarge, "too many objects in one request");
    for (const auto& [path, size] : request.objects) {
      if (scan.abandoned()) return Fail(ErrorKind::kQueryCanceled, "nobody waits for the objects");
      std::string in, of;
      if (!ParseS3Path(path, in, of) || in != bucket || !of.starts_with(key))
        return Fail(ErrorKind::kInsufficientPrivilege,
                    fmt::format("{} is not below {}", path, request.table));
      auto found = one(in, of);
      if (!found && found.error().kind == ErrorKind::kExternalNotFound) continue;
      if (!found) return Fail(found.error());
      SKEP_TRY(add(in, std::move(*found)));
    }
    return {};
  }
  if (request.named == ipc::ObjectsNamed::kPrefix) {
    if (!credentials.MayList(bucket, key)) {
      // A role for one object alone.
      if (key.empty() || !credentials.MayRead(bucket, key))
        return denied("s3:ListBucket", request.table);
      SKEP_TRY_ASSIGN(auto object, one(bucket, key));
      return add(bucket, std::move(object));
    }
    SKEP_TRY_ASSIGN(auto objects, ListAll(store_, credentials, bucket, key, options_.files_per_scan,
                                          [&scan] { return scan.abandoned(); }));
    std::erase_if(objects, [](const ObjectInfo& o) { return o.key.ends_with('/') && o.size == 0; });
    for (auto& object : objects) SKEP_TRY(add(bucket, std::move(object)));
    if (scan.files.empty())
      return Fail(ErrorKind::kExternalNotFound,
                  fmt::format("The specified S3 prefix '{}' does not exist", key));
    return {};
  }
  constexpr uint64_t kMaxManifestBytes = 64u << 20;
  SKEP_TRY_ASSIGN(const auto object, one(bucket, key));
  if (object.size > kMaxManifestBytes)
    return Fail(ErrorKind::kPayloadTooLarge,
                fmt::format("the manifest {} is larger than 64 MB", request.table));
  std::string text(object.size, '\0');
  if (!text.empty())
    SKEP_TRY(store_.GetRange(credentials, bucket, key, object.etag, 0, std::span(text)));
  SKEP_TRY_ASSIGN(const auto entries, ReadManifest(text, request.table));
  for (const ManifestEntry& entry : entries) {
    if (scan.abandoned()) return Fail(ErrorKind::kQueryCanceled, "nobody waits for the objects");
    std::string in, of;
    if (!ParseS3Path(entry.url, in, of))
      return Fail(ErrorKind::kDataException,
                  fmt::format("the manifest {} names \"{}\", which is not on S3", request.table,
                              entry.url));
    auto found = one(in, of);
    if (!found && found.error().kind == ErrorKind::kExternalNotFound && !entry.mandatory) continue;
    if (!found) return Fail(found.error());
    if (entry.content_length && *entry.content_length != found->size)
      return Fail(ErrorKind::kDataException,
                  fmt::format("the manifest {} gives {} the length {}; it is {}", request.table,
                              entry.url, *entry.content_length, found->size));
    SKEP_TRY(add(in, std::move(*found)));
  }
  return {};
}

Result<std::string> LakeService::PlaceOf(const Connection& c, const ipc::LakeRequest& request,
                                         std::shared_ptr<identity::LiveCredentials>& credentials) {
  if (request.schema.catalog_database.empty()) {
    if (!request.keys.id.empty()) {
      SKEP_TRY_ASSIGN(auto holder, Holder(request));
      credentials =
          Renewed(std::move(holder), [this, keys = KeysOf(request)] { return Holder(keys); });
      return request.table;
    }
    SKEP_TRY_ASSIGN(auto first, Walk(c, request, request.schema.role_chain, "s3:PutObject"));
    credentials = RenewedChain(c, request, "s3:PutObject", std::move(first));
    return request.table;
  }
  SKEP_TRY_ASSIGN(auto first, CatalogOf(c, request, "glue:GetTable"));
  if (auto refused =
          RefusedByCatalog(first, "glue:GetTable", request.schema.catalog_database, request.table))
    return Fail(std::move(*refused));
  SKEP_TRY_ASSIGN(const auto table,
                  tables_.GetTable(first, request.schema.catalog_database, request.table));
  credentials = RenewedCatalog(c, request, "glue:GetTable", std::move(first));
  return WithSlash(table.location);
}

void LakeService::OpenWrite(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  if (c->workspace.empty())
    return fail({ErrorKind::kInsufficientPrivilege, "a scratch worker writes nothing", {}, {}, 0});
  std::shared_ptr<identity::LiveCredentials> credentials;
  const auto place = PlaceOf(*c, request, credentials);
  if (!place) return fail(place.error());
  const auto options = WriteOptions::Read(request.change);
  if (!options) return fail(options.error());
  const std::string role = credentials->Last()->role;
  auto write = LakeWrite::Open(store_, std::move(credentials), *place, *options);
  if (!write) return fail(write.error());
  uint64_t number = 0;
  {
    const std::lock_guard lock(c->mutex);
    if (!c->closed && c->writes.size() < options_.scans_per_connection) {
      number = c->next_write++;
      c->writes.emplace(number, *write);
    }
  }
  if (number == 0)
    return fail({ErrorKind::kTooManyConnections, "the worker has too many open writes", {}, {}, 0});
  log::Info("write_opened", {{"workspace", c->workspace},
                             {"user", request.user},
                             {"place", (*write)->place()},
                             {"role", role}});
  ipc::LakeReply reply;
  reply.id = request.id;
  reply.scan = number;
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

void LakeService::MakeBuffer(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                             std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  ipc::LakeReply reply;
  reply.id = request.id;
  UniqueFd descriptor;
  {
    const std::lock_guard lock(c->mutex);
    const size_t most = c->writes.empty() ? 0 : options_.buffers_per_connection;
    if (c->buffers.size() < most) {
      if (auto buffer = WriteBuffer::Make()) {
        descriptor = UniqueFd(::fcntl(buffer->descriptor.get(), F_DUPFD_CLOEXEC, 0));
        buffer->descriptor.Reset();  // the mapping is enough
        reply.scan = c->buffers.size();
        c->buffers.push_back(std::move(buffer));
      }
    }
  }
  if (!descriptor)
    return fail({ErrorKind::kThrottled, "the worker has all the buffers it gets", {}, {}, 0});
  out.push_back({ipc::EncodePacket(reply), std::move(descriptor), true});
}

void LakeService::WritePart(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto write = c->FindWrite(request.scan);
  if (!write)
    return fail({ErrorKind::kUndefinedObject,
                 fmt::format("there is no write {}", request.scan),
                 {},
                 {},
                 0});
  std::shared_ptr<WriteBuffer> buffer;
  {
    const std::lock_guard lock(c->mutex);
    if (request.offset < c->buffers.size()) buffer = c->buffers[request.offset];
  }
  if (!buffer || request.length == 0 || request.length > ipc::kWriteBufferBytes)
    return fail({ErrorKind::kInvalidArgument, "there is no such buffer", {}, {}, 0});
  const auto written = write->Part(request.file, request.table, request.block,
                                   std::string_view(buffer->data, request.length));
  if (!written) return fail(written.error());
  ipc::LakeReply reply;
  reply.id = request.id;
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

// How a write is made known: the change of a catalog that comes with the request, which the role of
// the catalog must allow, and which names as a table's metadata a file of the write.
Result<LakeWrite::Publish> LakeService::PublicationOf(const Connection& c,
                                                      const ipc::LakeRequest& request,
                                                      const LakeWrite& write,
                                                      std::vector<uint32_t>& attempt) {
  if (request.change.empty()) return LakeWrite::Publish();
  const auto json = nlohmann::json::parse(request.change, nullptr, false);
  const auto text = [&](const char* name) {
    const auto found = json.is_object() ? json.find(name) : json.end();
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const std::string operation = text("operation"), metadata = text("metadata");
  if ((operation != "PublishIceberg" && operation != "CreateTable") || !write.Makes(metadata))
    return Fail(ErrorKind::kInsufficientPrivilege,
                "a write publishes a table whose metadata it wrote, and nothing else");
  if (const auto numbers = json.find("attempt"); numbers != json.end() && numbers->is_array()) {
    for (const auto& number : *numbers) {
      if (number.is_number_unsigned() && number.get<uint64_t>() < LakeWrite::kMaxFiles)
        attempt.push_back(number.get<uint32_t>());
    }
  }
  const CatalogAction wanted = CatalogActionOf(request.change);
  SKEP_TRY_ASSIGN(const auto credentials, CatalogOf(c, request, wanted.action.c_str()));
  if (auto refused = RefusedByCatalog(credentials, wanted.action, request.schema.catalog_database,
                                      wanted.table))
    return Fail(std::move(*refused));
  return LakeWrite::Publish(
      [this, credentials, request, metadata, workspace = c.workspace]() -> Result<void> {
        SKEP_TRY(tables_.Change(credentials, request.schema.catalog_database, request.change));
        log::Info("catalog_changed", {{"workspace", workspace},
                                      {"user", request.user},
                                      {"account", credentials.account},
                                      {"database", request.schema.catalog_database},
                                      {"metadata", metadata},
                                      {"role", credentials.role}});
        return {};
      });
}

void LakeService::CommitWrite(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                              std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  std::shared_ptr<LakeWrite> write;
  {
    const std::lock_guard lock(c->mutex);
    const auto found = c->writes.find(request.scan);
    if (found != c->writes.end()) {
      write = std::move(found->second);
      c->writes.erase(found);
    }
  }
  if (!write)
    return fail({ErrorKind::kUndefinedObject,
                 fmt::format("there is no write {}", request.scan),
                 {},
                 {},
                 0});
  std::vector<uint32_t> attempt;
  auto publish = PublicationOf(*c, request, *write, attempt);
  if (!publish) return fail(publish.error());
  if (auto committed = write->Commit(*publish, attempt); !committed) {
    if (*publish && committed.error().kind == ErrorKind::kSerializationFailure) {
      const std::lock_guard lock(c->mutex);
      if (!c->closed) c->writes.emplace(request.scan, std::move(write));
    }
    return fail(committed.error());
  }
  log::Info("write_committed", {{"workspace", c->workspace},
                                {"place", write->place()},
                                {"role", write->credentials()->role},
                                {"files", write->files()},
                                {"bytes", write->bytes()}});
  ipc::LakeReply reply;
  reply.id = request.id;
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

void LakeService::ListTables(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                             std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  if (c->workspace.empty())
    return fail(
        {ErrorKind::kInsufficientPrivilege, "a scratch worker has no external schemas", {}, {}, 0});
  const auto credentials = CatalogOf(*c, request, "glue:GetTables");
  if (!credentials) return fail(credentials.error());
  if (auto refused =
          RefusedByCatalog(*credentials, "glue:GetTables", request.schema.catalog_database, ""))
    return fail(std::move(*refused));
  auto names = tables_.ListTables(*credentials, request.schema.catalog_database);
  if (!names) return fail(names.error());
  SendNames(request, std::move(*names), out);
}

Result<void> LakeService::ListInto(Scan& scan, const identity::LiveCredentials::Pointer& live,
                                   const std::vector<uint32_t>& partitions,
                                   std::vector<ipc::TableFile>& files) {
  const Credentials& credentials = *live;
  const auto began = std::chrono::steady_clock::now();
  std::vector<uint32_t> wanted;
  std::vector<std::string> folders;
  uint64_t all = 0;  // partitions that there are, listed or not
  {
    const std::lock_guard lock(scan.mutex);
    for (const uint32_t p : partitions) {
      if (!scan.listed.contains(p)) wanted.push_back(p);
    }
    std::ranges::sort(wanted);
    wanted.erase(std::ranges::unique(wanted).begin(), wanted.end());
    for (const uint32_t p : wanted) folders.push_back(scan.locations[p]);
    all =
        std::max<uint64_t>(scan.locations.size(), scan.record ? scan.record->facts.partitions : 0);
  }

  std::vector<Location> locations(wanted.size());
  for (size_t i = 0; i < wanted.size(); i++) {
    Location& l = locations[i];
    const std::string& text = folders[i];
    if (!ParseS3Path(text, l.bucket, l.key)) {
      return Fail(ErrorKind::kFeatureNotSupported,
                  fmt::format("the location \"{}\" of {} is not on S3", text, scan.name));
    }
    // A location may be one object; then reading that object must be allowed.
    const auto decision = credentials.DecideList(l.bucket, l.prefix());
    if (!decision.allowed && (l.key.ends_with('/') || !credentials.MayRead(l.bucket, l.key))) {
      return Fail(ErrorKind::kInsufficientPrivilege,
                  fmt::format("{} is not authorized to perform: s3:ListBucket on s3://{}/{}",
                              credentials.role, l.bucket, l.key),
                  DetailOf(decision));
    }
  }

  std::vector<std::vector<ObjectInfo>> found(wanted.size());
  std::atomic<size_t> objects_found = 0;  // in all of them
  const auto too_many = [&] {
    return Fail(ErrorKind::kPayloadTooLarge, fmt::format("external table {} has more than {} files",
                                                         scan.name, options_.files_per_scan));
  };
  bool done = false;

  // Many partitions below the table's own location: one listing of it, as long as it stays shorter
  // than one per partition.
  Location table;
  if (wanted.size() >= kBulkPartitions && wanted.size() * 2 >= all &&
      ParseS3Path(scan.location, table.bucket, table.key) &&
      credentials.MayList(table.bucket, table.prefix())) {
    std::unordered_map<std::string, std::vector<size_t>> by_prefix;
    bool inside = true;
    for (size_t i = 0; i < wanted.size() && inside; i++) {
      inside =
          locations[i].bucket == table.bucket && locations[i].prefix().starts_with(table.prefix());
      by_prefix[locations[i].prefix()].push_back(i);
    }
    if (inside) {
      std::string next;
      size_t pages = 0;
      do {
        SKEP_TRY_ASSIGN(ListPage page,
                        store_.List(credentials, table.bucket, table.prefix(), "", next));
        for (const auto& object : page.objects) {
          for (size_t slash = object.key.rfind('/'); slash != std::string::npos && slash > 0;
               slash = object.key.rfind('/', slash - 1)) {
            const auto match = by_prefix.find(object.key.substr(0, slash + 1));
            if (match == by_prefix.end()) continue;
            if ((objects_found += match->second.size()) > options_.files_per_scan)
              return too_many();
            for (const size_t i : match->second) found[i].push_back(object);
          }
        }
        next = std::move(page.next);
      } while (!next.empty() && ++pages < wanted.size() && !scan.abandoned());
      done = next.empty();
      if (!done) {
        found.assign(wanted.size(), {});
        objects_found = 0;
      }
    }
  }

  if (!done && !wanted.empty()) {
    std::atomic<size_t> at = 0;
    std::mutex error_mutex;
    std::optional<Error> error;
    std::atomic<bool> failed = false;
    const auto work = [&] {
      for (size_t i = at++; i < wanted.size() && !failed; i = at++) {
        Result<std::vector<ObjectInfo>> objects = std::vector<ObjectInfo>();
        if (credentials.MayList(locations[i].bucket, locations[i].prefix())) {
          objects = ListAll(store_, credentials, locations[i].bucket, locations[i].prefix(),
                            options_.files_per_scan, [&scan] { return scan.abandoned(); });
        }
        if (objects && (objects_found += objects->size()) > options_.files_per_scan)
          objects = too_many();
        if (objects && objects->empty() && !locations[i].key.empty() &&
            !locations[i].key.ends_with('/') &&
            credentials.MayRead(locations[i].bucket, locations[i].key)) {
          auto one = store_.Head(credentials, locations[i].bucket, locations[i].key);
          if (one) {
            objects->push_back(std::move(*one));
          } else if (one.error().kind != ErrorKind::kExternalNotFound) {
            objects = Fail(one.error());
          }
        }
        if (objects) {
          found[i] = std::move(*objects);
        } else {
          const std::lock_guard lock(error_mutex);
          if (!error) error = objects.error();
          failed = true;
        }
      }
    };
    std::vector<std::thread> helpers;
    for (size_t i = 1; i < std::min(kListThreads, wanted.size() / 2); i++)
      helpers.emplace_back(work);
    work();
    for (auto& t : helpers) t.join();
    if (error) return Fail(std::move(*error));
  }

  if (scan.listing != TableListing::kFolders) {
    for (size_t i = 0; i < wanted.size(); i++)
      SKEP_TRY(
          ChooseFiles(scan, credentials, locations[i].bucket, locations[i].prefix(), found[i]));
  }
  const std::lock_guard lock(scan.mutex);
  for (size_t i = 0; i < wanted.size(); i++) {
    if (scan.listed.contains(wanted[i])) continue;  // another request was faster
    auto& numbers = scan.listed[wanted[i]];
    const std::string prefix = locations[i].prefix();
    for (auto& object : found[i]) {
      const bool single = object.key == locations[i].key;
      if (!single && scan.listing != TableListing::kManifest &&
          IsHiddenObject(std::string_view(object.key).substr(prefix.size()), object.size))
        continue;
      if (!credentials.MayRead(locations[i].bucket, object.key)) continue;
      if (object.etag.empty()) {
        scan.listed.erase(wanted[i]);
        return Fail(ErrorKind::kExternalUnavailable,
                    fmt::format("the object store gave no ETag for s3://{}/{}", locations[i].bucket,
                                object.key));
      }
      if (scan.files.size() >= options_.files_per_scan) {
        scan.listed.erase(wanted[i]);
        return too_many();
      }
      if (!scan.Hold(1, options_.entries_per_connection)) {
        scan.listed.erase(wanted[i]);
        return Fail(TooMuch());
      }
      const auto number = static_cast<uint32_t>(scan.files.size());
      ipc::TableFile file{
          number,      wanted[i],   "s3://" + locations[i].bucket + "/" + object.key,
          object.etag, object.size, object.modified_s};
      scan.files.push_back({locations[i].bucket, std::move(object.key), std::move(file), false,
                            credentials.foreign ? nullptr : live});
      numbers.push_back(number);
    }
  }
  for (const uint32_t p : partitions) {
    for (const uint32_t number : scan.listed[p]) files.push_back(scan.files[number].file);
  }
  if (scan.record && !wanted.empty()) {
    auto& record = *scan.record;
    record.partitions_listed += wanted.size();
    record.lists++;
    record.list_us += static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                                std::chrono::steady_clock::now() - began)
                                                .count());
    for (const uint32_t p : wanted) {
      record.files_listed += scan.listed[p].size();
      for (const uint32_t number : scan.listed[p])
        record.bytes_listed += scan.files[number].file.size;
    }
  }
  return {};
}

Result<void> LakeService::ChooseFiles(Scan& scan, const Credentials& credentials,
                                      const std::string& bucket, const std::string& folder,
                                      std::vector<ObjectInfo>& objects) {
  std::erase_if(objects, [&](const ObjectInfo& object) {
    return object.key.size() > folder.size() &&
           IsHiddenObject(std::string_view(object.key).substr(folder.size()), object.size);
  });
  const TableReader reader{store_, credentials, options_.files_per_scan,
                           [&scan] { return scan.abandoned(); }};
  if (scan.listing == TableListing::kManifest) {
    SKEP_TRY_ASSIGN(objects, FilesOfManifests(reader, bucket, objects));
    return {};
  }
  Location base;
  if (!ParseS3Path(scan.location, base.bucket, base.key) || base.bucket != bucket)
    return Fail(ErrorKind::kDataException,
                fmt::format("a partition of the Hudi table {} lies in another bucket", scan.name));
  std::shared_ptr<const HudiTimeline> timeline;
  {
    const std::lock_guard lock(scan.mutex);
    timeline = scan.timeline;
  }
  if (!timeline) {
    SKEP_TRY_ASSIGN(auto read, ReadHudiTimeline(reader, bucket, base.prefix()));
    timeline = std::make_shared<const HudiTimeline>(std::move(read));
    const std::lock_guard lock(scan.mutex);
    scan.timeline = timeline;
  }
  KeepHudiFiles(*timeline, base.prefix(), objects);
  return {};
}

void LakeService::ListFiles(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto open = c->OpenScan(request.scan);
  if (!open) return fail(open.error());
  const auto& scan = open->scan;
  // A granted object is not a table: it has no locations, only its one file.
  // Once each, so that no answer is longer than what was listed.
  std::vector<uint32_t> partitions = request.partitions;
  std::ranges::sort(partitions);
  partitions.erase(std::ranges::unique(partitions).begin(), partitions.end());
  size_t count = 0;
  {
    const std::lock_guard lock(scan->mutex);
    count = scan->locations.empty() && scan->listed.contains(0) ? 1 : scan->locations.size();
  }
  for (const uint32_t p : partitions) {
    if (p >= count)
      return fail({ErrorKind::kInvalidArgument,
                   fmt::format("scan {} has no partition {}", request.scan, p),
                   {},
                   {},
                   0});
  }
  std::vector<ipc::TableFile> files;
  if (auto listed = ListInto(*scan, open->credentials, partitions, files); !listed) {
    scan->Failed(listed.error());
    return fail(listed.error());
  }
  ipc::LakeReply reply;
  reply.id = request.id;
  size_t bytes = 0;
  const auto flush = [&](bool last) {
    reply.more = !last;
    out.push_back({ipc::EncodePacket(reply), {}, last});
    reply.files.clear();
    bytes = 0;
  };
  for (auto& file : files) {
    const size_t size = file.path.size() + file.etag.size() + 40;
    if (bytes > 0 && bytes + size > kPacketBytes) flush(false);
    bytes += size;
    reply.files.push_back(std::move(file));
  }
  flush(true);
}

// What the metadata name may lie anywhere: the role decides, object by object. A file whose size
// they give is asked for when it is read first (VersionOf).
void LakeService::OpenFiles(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto open = c->OpenScan(request.scan);
  if (!open) return fail(open.error());
  const auto& scan = open->scan;
  if (!scan->named_by_metadata)
    return fail({ErrorKind::kInsufficientPrivilege,
                 fmt::format("scan {} opens no files by their paths", request.scan),
                 {},
                 {},
                 0});
  if (request.objects.size() > ipc::kMaxFilesPerOpen)
    return fail({ErrorKind::kProtocolViolation, "too many files in a request", {}, {}, 0});
  ipc::LakeReply reply;
  reply.id = request.id;
  for (const auto& [path, size] : request.objects) {
    auto file = OpenFile(*scan, open->credentials, path, size);
    if (!file) return fail(file.error());
    reply.files.push_back(std::move(*file));
  }
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

Result<ipc::TableFile> LakeService::OpenFile(Scan& scan,
                                             const identity::LiveCredentials::Pointer& live,
                                             const std::string& path, uint64_t size) {
  const Credentials& credentials = *live;
  Scan::File file;
  if (!ParseS3Path(path, file.bucket, file.key) || file.key.empty())
    return Fail(ErrorKind::kDataException,
                fmt::format("the metadata of {} name {}, which is not on S3", scan.name, path));
  if (!credentials.MayRead(file.bucket, file.key))
    return Fail(
        ErrorKind::kExternalDenied,
        fmt::format("{} is not authorized to perform: s3:GetObject on {}", credentials.role, path));
  file.file = {0, 0, path, {}, size, 0};
  if (size == 0) {
    SKEP_TRY_ASSIGN(const ObjectInfo object, store_.Head(credentials, file.bucket, file.key));
    file.file.etag = object.etag;
    file.file.size = object.size;
    file.file.modified_s = object.modified_s;
  }
  if (!credentials.foreign || size == 0) file.allowed = live;
  if (!scan.Hold(1, options_.entries_per_connection)) return Fail(TooMuch());
  const std::lock_guard lock(scan.mutex);
  if (scan.files.size() >= options_.files_per_scan)
    return Fail(ErrorKind::kPayloadTooLarge,
                fmt::format("{} has more than {} files", scan.name, options_.files_per_scan));
  file.file.number = static_cast<uint32_t>(scan.files.size());
  scan.files.push_back(file);
  return std::move(file.file);
}

// The ETag of a file that was opened by what metadata say of it: from the first read on, the scan
// reads that version or fails.
Result<std::string> LakeService::VersionOf(Scan& scan, const Credentials& credentials,
                                           uint32_t number) {
  std::string bucket, key;
  ipc::TableFile said;
  {
    const std::lock_guard lock(scan.mutex);
    bucket = scan.files[number].bucket;
    key = scan.files[number].key;
    said = scan.files[number].file;
  }
  SKEP_TRY_ASSIGN(const ObjectInfo object, store_.Head(credentials, bucket, key));
  if (object.etag.empty())
    return Fail(ErrorKind::kExternalUnavailable, "the object store gave no ETag for " + said.path);
  if (object.size != said.size)
    return Fail(ErrorKind::kDataException,
                fmt::format("the metadata of {} give {} {} bytes; it has {}", scan.name, said.path,
                            said.size, object.size));
  const std::lock_guard lock(scan.mutex);
  auto& file = scan.files[number].file;
  if (file.etag.empty()) file.etag = object.etag;
  return file.etag;
}

// Asks anew whether a file of the scan may be read: credentials were renewed, and the role's rights
// may have been narrowed since the file was listed.
Result<void> LakeService::MayStillRead(Scan& scan, uint32_t number,
                                       const identity::LiveCredentials::Pointer& credentials) {
  std::string bucket, key, etag;
  {
    const std::lock_guard lock(scan.mutex);
    const auto& file = scan.files[number];
    bucket = file.bucket;
    key = file.key;
    etag = file.file.etag;
  }
  const auto decision = credentials->DecideRead(bucket, key);
  if (!decision.allowed)
    return Fail(ErrorKind::kInsufficientPrivilege,
                fmt::format("{} is not authorized to perform: s3:GetObject on s3://{}/{}",
                            credentials->role, bucket, key),
                DetailOf(decision), "The role's rights were changed while the statement ran.");
  if (credentials->foreign) {
    SKEP_TRY_ASSIGN(const ObjectInfo object, store_.Head(*credentials, bucket, key));
    if (!etag.empty() && object.etag != etag)
      return Fail(ErrorKind::kExternalChanged,
                  fmt::format("the object changed while it was read: s3://{}/{}", bucket, key), {},
                  "Run the statement again.");
  }
  const std::lock_guard lock(scan.mutex);
  scan.files[number].allowed = credentials;
  return {};
}

void LakeService::ReadBlock(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            bool may_fetch, std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  if (!may_fetch) {  // credentials are renewed on the pool
    const auto waiting = c->FindScan(request.scan);
    if (waiting && !waiting->live->Fresh()) return;
  }
  const auto open = c->OpenScan(request.scan);
  if (!open) return fail(open.error());
  const auto& [scan, credentials] = *open;
  std::string bucket, key;
  BlockKey block;
  bool allowed = false;  // with these credentials, before
  {
    const std::lock_guard lock(scan->mutex);
    if (request.file >= scan->files.size()) {
      return fail({ErrorKind::kInsufficientPrivilege,
                   fmt::format("file {} was not listed in scan {}", request.file, request.scan),
                   {},
                   {},
                   0});
    }
    auto& file = scan->files[request.file];
    if (file.file.etag.empty() && !may_fetch) return;  // to be asked for on the pool
    if (!std::exchange(file.read, true) && scan->record) scan->record->files_read++;
    bucket = file.bucket;
    key = file.key;
    allowed = file.allowed.lock() == credentials;
    // By account: what a store gave for one account's keys, another's may not be allowed to read.
    block = BlockKey{credentials->account + ' ' + credentials->endpoint,
                     file.bucket,
                     file.key,
                     file.file.etag,
                     file.file.size,
                     request.block};
  }
  if (block.etag.empty()) {
    auto etag = VersionOf(*scan, *credentials, request.file);
    if (!etag) {
      scan->Failed(etag.error());
      return fail(etag.error());
    }
    block.etag = std::move(*etag);
  }
  if (!allowed) {
    // A foreign store decides, and has to be asked.
    if (credentials->foreign && !may_fetch) return;
    if (auto still = MayStillRead(*scan, request.file, credentials); !still) {
      scan->Failed(still.error());
      return fail(still.error());
    }
  }
  Result<CachedBlock> got = CachedBlock{};
  const auto began = std::chrono::steady_clock::now();
  if (may_fetch) {
    got = cache_.Get(block, request.offset, request.length,
                     [&](uint64_t offset, std::span<char> into) {
                       return store_.GetRange(*credentials, bucket, key, block.etag, offset, into);
                     });
  } else {
    got = cache_.Find(block, request.offset, request.length);
    if (got && !got->descriptor) return;  // to be fetched on the pool
  }
  if (!got) {
    scan->Failed(got.error());
    return fail(got.error());
  }
  if (scan->record) {
    auto& record = *scan->record;
    const auto us = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                              std::chrono::steady_clock::now() - began)
                                              .count());
    record.bytes += request.length;
    record.requests++;
    record.request_us += us;
    uint64_t longest = record.longest_us;
    while (us > longest && !record.longest_us.compare_exchange_weak(longest, us)) {
    }
  }
  {
    const std::lock_guard lock(mutex_);
    figures_.blocks++;
    figures_.bytes += request.length;
  }
  ipc::LakeReply reply;
  reply.id = request.id;
  reply.block_bytes = got->bytes;
  out.push_back({ipc::EncodePacket(reply), std::move(got->descriptor), true});
}

// ---------------------------------------------------------------- remote databases

// The roles of a schema of a remote database, which must be allowed its secret.
Result<Credentials> LakeService::MayReadSecret(const std::string& workspace,
                                               const ipc::LakeRequest& request) {
  constexpr const char* kAction = "secretsmanager:GetSecretValue";
  const ipc::ExternalSchemaBinding& schema = request.schema;
  SKEP_TRY_ASSIGN(
      Credentials credentials,
      roles_.Resolve(
          identity::Principal::Workspace(workspace), schema.role_chain, nullptr,
          {request.user.substr(0, 256), request.statement.substr(0, 64), kAction, false}));
  if (const auto decision = credentials.DecideSecret(schema.secret_arn); !decision.allowed)
    return Fail(ErrorKind::kInsufficientPrivilege,
                fmt::format("{} is not authorized to perform: {} on resource: {}", credentials.role,
                            kAction, schema.secret_arn.substr(0, 2048)),
                DetailOf(decision));
  return credentials;
}

Result<std::shared_ptr<RemoteSession>> LakeService::RemoteOf(Connection& c,
                                                             const ipc::LakeRequest& request,
                                                             Credentials& credentials) {
  if (c.workspace.empty())
    return Fail(ErrorKind::kInsufficientPrivilege, "a scratch worker has no external schemas");
  if (options_.remotes == nullptr)
    return Fail(ErrorKind::kFeatureNotSupported, "federated queries are not configured");
  const ipc::ExternalSchemaBinding& schema = request.schema;
  SKEP_TRY_ASSIGN(credentials, MayReadSecret(c.workspace, request));
  const RemotePlace place{schema.host, schema.port, schema.catalog_database, schema.secret_arn};
  const std::string key =
      request.statement + ' ' + place.Text() + ' ' + schema.secret_arn + ' ' + credentials.role;
  if (!request.statement.empty()) {
    const std::lock_guard lock(c.mutex);
    std::erase_if(c.remotes, [](const auto& entry) { return entry.second.expired(); });
    if (const auto known = c.remotes.find(key); known != c.remotes.end()) {
      if (auto session = known->second.lock()) return session;
    }
  }
  auto opened = options_.remotes->Open(place);
  const auto record = [&](auto write, const char* event, const std::string& outcome) {
    write(event, {{"workspace", c.workspace},
                  {"user", request.user.substr(0, 256)},
                  {"statement_id", request.statement.substr(0, 64)},
                  {"role", credentials.role},
                  {"secret", place.secret_arn},
                  {"database", place.Text()},
                  {"outcome", outcome}});
  };
  if (!opened) {
    record(log::Warn, "federated_connection_refused", opened.error().message);
    return Fail(opened.error());
  }
  record(log::Info, "federated_connection_opened", "allowed");
  if (!request.statement.empty() && !request.describe) {
    const std::lock_guard lock(c.mutex);
    c.remotes[key] = *opened;
  }
  return std::move(*opened);
}

void LakeService::OpenRemote(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                             std::vector<Outgoing>& out) {
  ScanFacts facts;
  facts.workspace = c->workspace;
  facts.user = request.user;
  facts.statement = request.statement;
  facts.process_id = request.process_id;
  facts.table = request.schema_name + "." + request.table;
  facts.format = "postgres";
  const auto fail = [&](Error error) {
    if (error.kind != ErrorKind::kUndefinedTable && !facts.statement.empty())
      scan_log_.Refused(facts, error);
    Refuse(c, request, std::move(error), out);
  };
  auto scan = c->MakeScan();
  Credentials credentials;
  auto session = RemoteOf(*c, request, credentials);
  if (!session) return fail(session.error());
  facts.account = credentials.account;
  facts.role = credentials.role;
  ipc::LakeRequest again;
  again.user = request.user;
  again.statement = request.statement;
  again.schema = request.schema;
  scan->live =
      Renewed(std::move(credentials), [this, workspace = c->workspace, again = std::move(again)] {
        return MayReadSecret(workspace, again);
      });
  facts.location = (*session)->place().Text();
  auto tables = (*session)->Describe(request.schema.remote_schema, request.table);
  if (!tables) return fail(tables.error());
  if (tables->size() != 1)
    return fail(
        {ErrorKind::kUndefinedTable,
         fmt::format("relation \"{}.{}\" does not exist", request.schema_name, request.table),
         {},
         {},
         0});
  const auto table = std::make_shared<const RemoteTable>(std::move(tables->front()));
  ipc::LakeReply reply;
  reply.id = request.id;
  reply.table.name = table->name;
  reply.table.format = "postgres";
  reply.table.rows = table->rows;
  for (const RemoteColumn& column : table->columns)
    reply.table.columns.push_back({column.name, column.type});
  if (!request.describe) {
    scan->session = std::move(*session);
    scan->remote = table;
    scan->name = facts.table;
    scan->log = &scan_log_;
    if (!facts.statement.empty()) scan->record = scan_log_.Begin(std::move(facts));
    auto number = c->AddScan(scan, options_.scans_per_connection);
    if (!number) {
      scan->Failed(number.error());
      return Refuse(c, request, number.error(), out);
    }
    reply.scan = *number;
    const std::lock_guard lock(mutex_);
    figures_.scans++;
  }
  out.push_back({ipc::EncodePacket(reply), {}, true});
  if (out.back().bytes.size() <= ipc::kMaxPacket) return;
  out.clear();
  Refuse(c, request,
         {ErrorKind::kPayloadTooLarge,
          fmt::format("the description of external table {} is too large", request.table),
          {},
          {},
          0},
         out);
}

void LakeService::ReadRemote(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                             std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto live = c->OpenScan(request.scan);
  if (!live) return fail(live.error());
  const auto& scan = live->scan;
  if (!scan->remote)
    return fail({ErrorKind::kInvalidArgument,
                 fmt::format("scan {} is not of a remote database", request.scan),
                 {},
                 {},
                 0});
  const auto query = WriteRemoteScan(*scan->remote, request.change);
  if (!query) return fail(query.error());
  {
    const std::lock_guard lock(scan->mutex);
    const auto running = std::ranges::count_if(
        scan->copies, [](const auto& copy) { return !copy->outcome().has_value(); });
    if (static_cast<size_t>(running) >= options_.copies_per_scan ||
        scan->copies.size() >= options_.files_per_scan)
      return fail({ErrorKind::kTooManyConnections, "a scan reads too often", {}, {}, 0});
  }
  if (scan->record) {
    scan->record->requests++;
    const std::lock_guard lock(scan->record->mutex);
    scan->record->query_text = query->substr(0, kQueryBytes);
  }
  UniqueFd pipe;
  auto copy = scan->session->Read(*query, pipe);
  if (!copy) {
    scan->Failed(copy.error());
    return fail(copy.error());
  }
  ipc::LakeReply reply;
  reply.id = request.id;
  {
    const std::lock_guard lock(scan->mutex);
    reply.scan = scan->copies.size();
    scan->copies.push_back(std::move(*copy));
  }
  out.push_back({ipc::EncodePacket(reply), std::move(pipe), true});
}

// The worker has seen the end of the pipe; a copy that still runs it gives up.
void LakeService::EndRemote(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto scan = c->FindScan(request.scan);
  std::shared_ptr<RemoteCopy> copy;
  if (scan) {
    const std::lock_guard lock(scan->mutex);
    if (request.file < scan->copies.size()) copy = scan->copies[request.file];
  }
  if (!copy) return fail({ErrorKind::kUndefinedObject, "there is no such read", {}, {}, 0});
  copy->Stop();
  auto outcome = copy->outcome();
  if (scan->record) {
    scan->record->rows += copy->rows();
    scan->record->bytes += copy->bytes();
  }
  if (!outcome) return fail({ErrorKind::kQueryCanceled, "the read was stopped", {}, {}, 0});
  if (!*outcome) {
    scan->Failed(outcome->error());
    return fail(outcome->error());
  }
  ipc::LakeReply reply;
  reply.id = request.id;
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

// The tables of a remote schema, as system views show them.
void LakeService::AskRemote(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto question = nlohmann::json::parse(request.change, nullptr, false);
  std::vector<std::string> names;
  if (!question.is_object() || question.value("what", nlohmann::json()) != "tables")
    return SendNames(request, std::move(names), out);
  std::optional<std::string> only;
  if (const auto table = question.find("table"); table != question.end() && table->is_string())
    only = table->get<std::string>();
  Credentials credentials;
  const auto session = RemoteOf(*c, request, credentials);
  if (!session) return fail(session.error());
  const auto tables = (*session)->Describe(request.schema.remote_schema, only);
  if (!tables) return fail(tables.error());
  for (const RemoteTable& table : *tables) {
    nlohmann::json columns = nlohmann::json::array();
    for (const RemoteColumn& column : table.columns)
      columns.push_back({column.name, column.remote_type, column.type});
    names.push_back(nlohmann::json({{"name", table.name},
                                    {"type", table.kind},
                                    {"location", (*session)->place().Text()},
                                    {"columns", std::move(columns)}})
                        .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  SendNames(request, std::move(names), out);
}

}  // namespace skep::lake
