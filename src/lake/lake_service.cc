#include "lake/lake_service.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <exception>

#include "base/log.h"
#include "ipc/channel.h"
#include "lake/lake_connection.h"

namespace skep::lake {
namespace {

constexpr int kUnreadBytes =
    128 << 10;  // descriptors in flight are scarce: a peer that does not read gets no more
constexpr size_t kUnreadAnswerBytes = 128u << 20;  // beyond, a worker gets no further lists
constexpr uint64_t kLoggedRefusals = 20;           // per connection, then every 1,000th

}  // namespace

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
  work_.wait(lock, [this] { return connections_.empty() && apart_.empty(); });
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
      if (request.type == ipc::LakeType::kOpenObjects || ConnectsAway(request))
        c->opening.try_emplace(request.id);
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
  if (ConnectsAway(request)) return AnswerApart(c, std::move(request));
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
  // The catalog of a built-in account is of the account's region; a foreign account's is where its
  // endpoint is.
  const std::string& region = request.schema.region;
  if (credentials && !credentials->foreign && !region.empty() && region != credentials->region)
    return Fail(ErrorKind::kUndefinedObject,
                fmt::format("Database {} not found: account {} has no data catalog in region {}",
                            request.schema.catalog_database, credentials->account, region),
                {}, fmt::format("Its catalog is in region {}.", credentials->region));
  return credentials;
}

}  // namespace skep::lake
