#include "worker/external_scan/lake_client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bitset>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace skep::external_scan {
namespace {

constexpr auto kInterruptPoll = std::chrono::milliseconds(20);
constexpr int kReadRounds = 16;  // a block that is dropped from the cache while it is read is asked
                                 // for again, but not for ever

ipc::LakeRequest RequestOf(ipc::LakeType type, const Asker& asker) {
  ipc::LakeRequest request;
  request.type = type;
  request.user = asker.user;
  request.statement = asker.statement;
  request.process_id = asker.process_id;
  return request;
}

Error GatewayGone() {
  return {
      ErrorKind::kExternalUnavailable, "the gateway no longer serves external tables", {}, {}, 0};
}

}  // namespace

// The file of one cache block, mapped as long as anyone copies from it.
struct LakeClient::Mapping {
  char* data = nullptr;
  size_t length = 0;
  dev_t device = 0;
  ino_t inode = 0;
  ~Mapping() {
    if (data != nullptr) ::munmap(data, length);
  }
};

struct LakeClient::Call {
  ipc::LakeRequest request;
  ipc::LakeReply reply;
  bool done = false;
  bool abandoned = false;  // nobody waits any more
  std::optional<Error> error;
  // kBlock only.
  UniqueFd descriptor;         // of kWriteBuffer, too
  size_t first = 0, last = 0;  // pages
  uint64_t expected_bytes = 0;
  std::shared_ptr<Upload> upload;  // kWritePart only
};

struct LakeClient::Block {
  BlockKey key;
  std::list<BlockKey>::iterator recent;
  uint64_t bytes = 0;
  std::shared_ptr<Mapping> mapping;
  std::bitset<kPages> present;  // filled in `mapping`
  std::bitset<kPages> pending;  // asked for by `calls`
  std::vector<CallPtr> calls;
};

LakeClient::LakeClient(UniqueFd socket, const LakeClientOptions& options)
    : socket_(std::move(socket)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      options_(options) {
  ipc::SetNonBlocking(socket_.get(), true);
  io_ = std::thread([this] { RunIo(); });
}

LakeClient::~LakeClient() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  Wake();
  io_.join();
  for (char* buffer : buffers_) {
    if (buffer != nullptr) ::munmap(buffer, ipc::kWriteBufferBytes);
  }
}

void LakeClient::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
}

void LakeClient::RunIo() {
  ipc::Packet packet;
  for (bool open = true; open;) {
    bool blocked = false;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || gone_) break;
      blocked = !queue_.empty() && in_flight_.size() < options_.requests_in_flight;
    }
    pollfd fds[2] = {{socket_.get(), static_cast<short>(blocked ? POLLIN | POLLOUT : POLLIN), 0},
                     {wake_.get(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) break;
    if (fds[1].revents != 0) {
      uint64_t count;
      [[maybe_unused]] const auto n = ::read(wake_.get(), &count, sizeof count);
    }
    while (open) {
      const auto status = ipc::ReceivePacket(socket_.get(), packet);
      if (status == ipc::ReceiveStatus::kWouldBlock) break;
      if (status == ipc::ReceiveStatus::kClosed) {
        open = false;
        break;
      }
      Receive(std::move(packet));
    }
    const std::lock_guard lock(mutex_);
    Pump();
  }
  const std::lock_guard lock(mutex_);
  gone_ = true;
  for (auto& [id, call] : in_flight_) queue_.push_back(call);
  in_flight_.clear();
  for (auto& call : queue_) {
    call->error = GatewayGone();
    Finish(*call);
  }
  queue_.clear();
  changed_.notify_all();
}

void LakeClient::Receive(ipc::Packet packet) {
  ipc::LakeReply reply;
  const std::lock_guard lock(mutex_);
  if (!ipc::DecodeExact(packet.bytes, reply)) {
    gone_ = true;  // out of step with the gateway: nothing that follows can be trusted
    return;
  }
  const auto found = in_flight_.find(reply.id);
  if (found == in_flight_.end()) return;
  const CallPtr call = found->second;
  const bool more = reply.more && !reply.error;
  if (reply.error) call->error = std::move(reply.error);
  if (call->reply.id == 0) {
    call->reply = std::move(reply);
  } else {
    std::ranges::move(reply.table.partitions, std::back_inserter(call->reply.table.partitions));
    std::ranges::move(reply.files, std::back_inserter(call->reply.files));
    std::ranges::move(reply.names, std::back_inserter(call->reply.names));
  }
  if (!packet.fds.empty()) call->descriptor = std::move(packet.fds.front());
  if (more) return;
  in_flight_.erase(found);
  Finish(*call);
  changed_.notify_all();
}

void LakeClient::Finish(Call& call) {
  if (call.request.type == ipc::LakeType::kBlock) FinishBlock(call);
  if (call.request.type == ipc::LakeType::kWriteBuffer && !call.error) FinishBuffer(call);
  if (call.upload) {
    free_.push_back(call.request.offset);
    call.upload->parts--;
    if (call.error && !call.upload->error) call.upload->error = call.error;
  }
  call.done = true;
  if (call.abandoned && !call.error &&
      ((call.request.type == ipc::LakeType::kOpenTable && !call.request.describe) ||
       call.request.type == ipc::LakeType::kOpenObjects) &&
      !gone_) {
    auto close = std::make_shared<Call>();
    close->request.type = ipc::LakeType::kCloseScan;
    close->request.scan = call.reply.scan;
    Submit(close);
  }
  if (call.abandoned && !call.error && call.request.type == ipc::LakeType::kOpenWrite && !gone_) {
    auto abort = std::make_shared<Call>();
    abort->request.type = ipc::LakeType::kAbortWrite;
    abort->request.scan = call.reply.scan;
    Submit(abort);
  }
}

// A buffer is kept, whoever asked for it.
void LakeClient::FinishBuffer(Call& call) {
  void* data = ::mmap(nullptr, ipc::kWriteBufferBytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                      call.descriptor.get(), 0);
  if (data == MAP_FAILED) {
    call.error = Error{ErrorKind::kOutOfMemory,
                       fmt::format("cannot map a buffer: {}", std::strerror(errno)),
                       {},
                       {},
                       0};
    return;
  }
  call.descriptor.Reset();
  const auto number = static_cast<uint32_t>(call.reply.scan);
  if (number >= buffers_.size()) buffers_.resize(number + 1);
  buffers_[number] = static_cast<char*>(data);
  free_.push_back(number);
}

void LakeClient::FinishBlock(Call& call) {
  const auto found =
      blocks_.find(BlockKey{call.request.scan, call.request.file, call.request.block});
  Block* block = found == blocks_.end() ? nullptr : found->second.get();
  if (block) {
    std::erase_if(block->calls, [&](const CallPtr& c) {
      if (c.get() != &call) return false;
      for (size_t p = call.first; p <= call.last; p++) block->pending.reset(p);
      return true;
    });
  }
  if (call.error) return;
  struct stat st{};
  if (!call.descriptor || ::fstat(call.descriptor.get(), &st) != 0 ||
      call.reply.block_bytes != call.expected_bytes ||
      static_cast<uint64_t>(st.st_size) < call.expected_bytes) {
    call.error = Error{ErrorKind::kExternalUnavailable,
                       "the gateway gave a short block",
                       {},
                       "Run the statement again.",
                       0};
    return;
  }
  if (!block) return;
  // A block that left the gateway's cache comes back as another file, which holds only what was
  // asked for since.
  if (!block->mapping || block->mapping->device != st.st_dev ||
      block->mapping->inode != st.st_ino) {
    void* data =
        ::mmap(nullptr, call.expected_bytes, PROT_READ, MAP_SHARED, call.descriptor.get(), 0);
    if (data == MAP_FAILED) {
      call.error = Error{ErrorKind::kOutOfMemory,
                         fmt::format("cannot map a block: {}", std::strerror(errno)),
                         {},
                         {},
                         0};
      return;
    }
    auto mapping = std::make_shared<Mapping>();
    mapping->data = static_cast<char*>(data);
    mapping->length = call.expected_bytes;
    mapping->device = st.st_dev;
    mapping->inode = st.st_ino;
    block->mapping = std::move(mapping);
    block->present.reset();
  }
  call.descriptor.Reset();
  for (size_t p = call.first; p <= call.last; p++) block->present.set(p);
}

void LakeClient::Submit(const CallPtr& call) {
  call->request.id = next_id_++;
  switch (call->request.type) {
    case ipc::LakeType::kOpenTable:
    case ipc::LakeType::kOpenObjects:
      figures_.open_requests++;
      break;
    case ipc::LakeType::kListFiles:
      figures_.list_requests++;
      figures_.listed_partitions += call->request.partitions.size();
      break;
    case ipc::LakeType::kBlock:
      figures_.block_requests++;
      figures_.requested_bytes += call->request.length;
      break;
    default:
      break;
  }
  queue_.push_back(call);
  Pump();
}

// Sends what is queued, as far as the limit and the socket allow.
void LakeClient::Pump() {
  while (!gone_ && !queue_.empty() && in_flight_.size() < options_.requests_in_flight) {
    const CallPtr call = queue_.front();
    if (!ipc::SendPacket(socket_.get(), ipc::EncodePacket(call->request))) {
      const int error = errno;
      if (error == EAGAIN || error == EWOULDBLOCK) {
        Wake();  // the I/O thread waits for room
        return;
      }
      if (error != EMSGSIZE) {
        gone_ = true;
        Wake();
        return;
      }
      queue_.pop_front();
      call->error =
          Error{ErrorKind::kPayloadTooLarge, "the request is too large for the gateway", {}, {}, 0};
      Finish(*call);
      changed_.notify_all();
      continue;
    }
    queue_.pop_front();
    if (call->request.type == ipc::LakeType::kCloseScan ||
        call->request.type == ipc::LakeType::kAbortWrite ||
        call->request.type == ipc::LakeType::kAbandon) {
      call->done = true;  // has no answer
    } else {
      in_flight_.emplace(call->request.id, call);
    }
  }
}

Result<void> LakeClient::Wait(std::unique_lock<std::mutex>& lock, Call& call,
                              const Interrupted& interrupted) {
  while (!call.done) {
    if (gone_) return Fail(GatewayGone());
    if (interrupted && interrupted())
      return Fail(ErrorKind::kQueryCanceled, "the statement was cancelled");
    changed_.wait_for(lock, kInterruptPoll);
  }
  if (call.error) return Fail(*call.error);
  return {};
}

Result<ipc::LakeReply> LakeClient::Ask(ipc::LakeRequest request, const Interrupted& interrupted) {
  auto call = std::make_shared<Call>();
  call->request = std::move(request);
  std::unique_lock lock(mutex_);
  Submit(call);
  if (auto waited = Wait(lock, *call, interrupted); !waited) {
    call->abandoned = true;
    // A listing, and waiting for a remote database, may take long: the gateway need not end it for
    // nobody.
    const bool long_one = call->request.type == ipc::LakeType::kOpenObjects ||
                          call->request.type == ipc::LakeType::kReadRemote ||
                          call->request.schema.source == ipc::SchemaSource::kPostgres;
    if (long_one && !call->done && !gone_) {
      auto abandon = std::make_shared<Call>();
      abandon->request.type = ipc::LakeType::kAbandon;
      abandon->request.scan = call->request.id;
      Submit(abandon);
    }
    return Fail(waited.error());
  }
  return std::move(call->reply);
}

Result<OpenedTable> LakeClient::OpenTable(const ipc::ExternalSchemaBinding& schema,
                                          const std::string& schema_name, const Asker& asker,
                                          const std::string& table,
                                          const Interrupted& interrupted) {
  ipc::LakeRequest request = RequestOf(ipc::LakeType::kOpenTable, asker);
  request.schema = schema;
  request.schema_name = schema_name;
  request.describe = asker.describing;
  request.table = table;
  SKEP_TRY_ASSIGN(auto reply, Ask(std::move(request), interrupted));
  return OpenedTable{reply.scan, std::move(reply.table)};
}

Result<std::vector<ipc::TablePartition>> LakeClient::ListPartitions(
    uint64_t scan, const std::string& filter, const Interrupted& interrupted) {
  ipc::LakeRequest request;
  request.type = ipc::LakeType::kListPartitions;
  request.scan = scan;
  request.change = filter;
  SKEP_TRY_ASSIGN(auto reply, Ask(std::move(request), interrupted));
  return std::move(reply.table.partitions);
}

Result<std::vector<std::string>> LakeClient::AskCatalog(const ipc::ExternalSchemaBinding& schema,
                                                        const Asker& asker,
                                                        const std::string& question,
                                                        const Interrupted& interrupted) {
  ipc::LakeRequest request = RequestOf(ipc::LakeType::kAsk, asker);
  request.schema = schema;
  request.change = question;
  SKEP_TRY_ASSIGN(auto reply, Ask(std::move(request), interrupted));
  return std::move(reply.names);
}

Result<std::vector<ipc::TableFile>> LakeClient::ListFiles(uint64_t scan,
                                                          const std::vector<uint32_t>& partitions,
                                                          const Interrupted& interrupted) {
  std::vector<CallPtr> calls;
  std::unique_lock lock(mutex_);
  for (size_t at = 0; at < partitions.size(); at += ipc::kMaxPartitionsPerList) {
    auto call = std::make_shared<Call>();
    call->request.type = ipc::LakeType::kListFiles;
    call->request.scan = scan;
    const size_t end = std::min(partitions.size(), at + ipc::kMaxPartitionsPerList);
    call->request.partitions.assign(partitions.begin() + static_cast<ptrdiff_t>(at),
                                    partitions.begin() + static_cast<ptrdiff_t>(end));
    Submit(call);
    calls.push_back(std::move(call));
  }
  std::vector<ipc::TableFile> files;
  for (auto& call : calls) {
    SKEP_TRY(Wait(lock, *call, interrupted));
    std::ranges::move(call->reply.files, std::back_inserter(files));
  }
  return files;
}

Result<LakeClient::RemoteRows> LakeClient::ReadRemote(uint64_t scan, const std::string& plan,
                                                      const Interrupted& interrupted) {
  auto call = std::make_shared<Call>();
  call->request.type = ipc::LakeType::kReadRemote;
  call->request.scan = scan;
  call->request.change = plan;
  std::unique_lock lock(mutex_);
  Submit(call);
  // An abandoned read ends when its pipe is closed, at the latest with its scan.
  SKEP_TRY(Wait(lock, *call, interrupted));
  if (!call->descriptor) return Fail(GatewayGone());
  return RemoteRows{static_cast<uint32_t>(call->reply.scan), std::move(call->descriptor)};
}

Result<void> LakeClient::EndRemote(uint64_t scan, uint32_t number, const Interrupted& interrupted) {
  ipc::LakeRequest request;
  request.type = ipc::LakeType::kEndRemote;
  request.scan = scan;
  request.file = number;
  SKEP_TRY(Ask(std::move(request), interrupted));
  return {};
}

Result<void> LakeClient::ChangeCatalog(const ipc::ExternalSchemaBinding& schema, const Asker& asker,
                                       const std::string& change, const Interrupted& interrupted) {
  ipc::LakeRequest request = RequestOf(ipc::LakeType::kChangeCatalog, asker);
  request.schema = schema;
  request.change = change;
  SKEP_TRY_ASSIGN(const auto reply, Ask(std::move(request), interrupted));
  (void)reply;
  return {};
}

Result<std::vector<ipc::TableFile>> LakeClient::OpenFiles(
    uint64_t scan, const std::vector<std::pair<std::string, uint64_t>>& objects,
    const Interrupted& interrupted) {
  // A packet holds paths of 1 KiB.
  constexpr size_t kPerRequest = std::min<size_t>(ipc::kMaxFilesPerOpen, ipc::kMaxPacket / 2048);
  std::vector<CallPtr> calls;
  std::unique_lock lock(mutex_);
  for (size_t at = 0; at < objects.size(); at += kPerRequest) {
    auto call = std::make_shared<Call>();
    call->request.type = ipc::LakeType::kOpenFiles;
    call->request.scan = scan;
    call->request.objects.assign(
        objects.begin() + static_cast<ptrdiff_t>(at),
        objects.begin() + static_cast<ptrdiff_t>(std::min(objects.size(), at + kPerRequest)));
    Submit(call);
    calls.push_back(std::move(call));
  }
  std::vector<ipc::TableFile> files;
  for (auto& call : calls) {
    SKEP_TRY(Wait(lock, *call, interrupted));
    std::ranges::move(call->reply.files, std::back_inserter(files));
  }
  if (files.size() != objects.size())
    return Fail(ErrorKind::kExternalUnavailable, "the gateway opened other files than were named");
  return files;
}

Result<std::vector<ipc::TableFile>> LakeClient::OpenObjects(const std::vector<std::string>& roles,
                                                            const Asker& asker,
                                                            const std::string& path,
                                                            ipc::ObjectsNamed named, uint64_t& scan,
                                                            const Interrupted& interrupted,
                                                            const std::vector<std::string>& paths) {
  ipc::LakeRequest request = RequestOf(ipc::LakeType::kOpenObjects, asker);
  for (const auto& one : paths) request.objects.emplace_back(one, 0);
  request.schema.role_chain = roles;
  if (roles.empty()) request.keys = asker.keys;
  request.table = path;
  request.named = named;
  if (named == ipc::ObjectsNamed::kManifest && !asker.master_key.empty())
    request.change =
        R"({"master_symmetric_key":")" + Base64Encode(asker.master_key.Reveal()) + R"("})";
  SKEP_TRY_ASSIGN(const auto reply, Ask(std::move(request), interrupted));
  scan = reply.scan;
  return ListFiles(scan, {0}, interrupted);
}

void LakeClient::KeyOfScan(uint64_t scan, Secret key) {
  const std::lock_guard lock(mutex_);
  scan_keys_.insert_or_assign(scan, std::move(key));
}

void LakeClient::KeyOfWrite(uint64_t write, Secret key) {
  const std::lock_guard lock(mutex_);
  write_keys_.insert_or_assign(write, std::move(key));
}

std::optional<Secret> LakeClient::KeyOfScan(uint64_t scan) const {
  const std::lock_guard lock(mutex_);
  const auto found = scan_keys_.find(scan);
  return found == scan_keys_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Secret> LakeClient::KeyOfWrite(uint64_t write) const {
  const std::lock_guard lock(mutex_);
  const auto found = write_keys_.find(write);
  return found == write_keys_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::map<std::string, std::string>> LakeClient::MetadataOf(const FileId& file,
                                                                  const Interrupted& interrupted) {
  ipc::LakeRequest request;
  request.type = ipc::LakeType::kAsk;
  request.change = R"({"what":"metadata"})";
  request.scan = file.scan;
  request.file = file.number;
  SKEP_TRY_ASSIGN(const auto reply, Ask(std::move(request), interrupted));
  std::map<std::string, std::string> metadata;
  for (const auto& name : reply.names) {
    const auto json = nlohmann::json::parse(name, nullptr, false);
    for (const auto& [key, value] : json.items())
      if (json.is_object() && value.is_string()) metadata[key] = value.get<std::string>();
  }
  return metadata;
}

Result<uint64_t> LakeClient::OpenWrite(const ipc::ExternalSchemaBinding& where, const Asker& asker,
                                       const std::string& place, const std::string& options,
                                       const Interrupted& interrupted) {
  ipc::LakeRequest request = RequestOf(ipc::LakeType::kOpenWrite, asker);
  request.schema = where;
  if (where.catalog_database.empty() && where.role_chain.empty()) request.keys = asker.keys;
  request.table = place;
  request.change = options;
  SKEP_TRY_ASSIGN(const auto reply, Ask(std::move(request), interrupted));
  const std::lock_guard lock(mutex_);
  written_[reply.scan];
  return reply.scan;
}

// Between writes the buffers hold no memory.
void LakeClient::EndWrite(uint64_t write) {
  const std::lock_guard lock(mutex_);
  written_.erase(write);
  write_keys_.erase(write);
  if (!written_.empty()) return;
  for (const uint32_t number : free_)
    ::madvise(buffers_[number], ipc::kWriteBufferBytes, MADV_REMOVE);
}

Result<void> LakeClient::CommitWrite(uint64_t write) {
  ipc::LakeRequest request;
  request.type = ipc::LakeType::kCommitWrite;
  request.scan = write;
  const auto reply = Ask(std::move(request), {});
  EndWrite(write);
  if (!reply) return Fail(reply.error());
  return {};
}

Result<void> LakeClient::PublishWrite(uint64_t write, const ipc::ExternalSchemaBinding& schema,
                                      const Asker& asker, const std::string& change) {
  ipc::LakeRequest request = RequestOf(ipc::LakeType::kCommitWrite, asker);
  request.scan = write;
  request.schema = schema;
  request.change = change;
  const auto reply = Ask(std::move(request), {});
  if (reply || reply.error().kind != ErrorKind::kSerializationFailure) EndWrite(write);
  if (!reply) return Fail(reply.error());
  return {};
}

void LakeClient::AbortWrite(uint64_t write) {
  auto call = std::make_shared<Call>();
  call->request.type = ipc::LakeType::kAbortWrite;
  call->request.scan = write;
  {
    const std::lock_guard lock(mutex_);
    if (!gone_) Submit(call);
  }
  EndWrite(write);
}

Result<LakeClient::Buffer> LakeClient::TakeBuffer(const Interrupted& interrupted) {
  std::unique_lock lock(mutex_);
  while (true) {
    if (gone_) return Fail(GatewayGone());
    if (!free_.empty()) {
      const uint32_t number = free_.back();
      free_.pop_back();
      return Buffer{number, buffers_[number]};
    }
    if (!buffers_exhausted_) {
      auto call = std::make_shared<Call>();
      call->request.type = ipc::LakeType::kWriteBuffer;
      Submit(call);
      const auto waited = Wait(lock, *call, interrupted);
      if (waited) continue;
      if (waited.error().kind != ErrorKind::kThrottled || buffers_.empty())
        return Fail(waited.error());
      buffers_exhausted_ = true;
    }
    if (interrupted && interrupted())
      return Fail(ErrorKind::kQueryCanceled, "the statement was cancelled");
    changed_.wait_for(lock, kInterruptPoll);
  }
}

void LakeClient::ReturnBuffer(const Buffer& buffer) {
  const std::lock_guard lock(mutex_);
  free_.push_back(buffer.number);
  changed_.notify_all();
}

void LakeClient::PutPart(uint64_t write, uint32_t file, const std::string& name, uint32_t part,
                         const Buffer& buffer, uint32_t bytes,
                         const std::shared_ptr<Upload>& upload, const std::string& metadata) {
  auto call = std::make_shared<Call>();
  call->request.type = ipc::LakeType::kWritePart;
  call->request.scan = write;
  call->request.file = file;
  call->request.table = name;
  call->request.block = part;
  call->request.offset = buffer.number;
  call->request.length = bytes;
  call->request.change = metadata;
  call->upload = upload;
  const std::lock_guard lock(mutex_);
  upload->parts++;
  if (const auto found = written_.find(write); found != written_.end())
    found->second[file] += bytes;
  if (gone_) {
    call->error = GatewayGone();
    Finish(*call);
    return;
  }
  Submit(call);
}

uint64_t LakeClient::WrittenBytes(uint64_t write, uint32_t file) const {
  const std::lock_guard lock(mutex_);
  const auto found = written_.find(write);
  if (found == written_.end()) return 0;
  const auto bytes = found->second.find(file);
  return bytes == found->second.end() ? 0 : bytes->second;
}

Result<void> LakeClient::WaitForUpload(const Upload& upload, size_t most,
                                       const Interrupted& interrupted) {
  std::unique_lock lock(mutex_);
  while (!upload.error && upload.parts > most) {
    if (gone_) return Fail(GatewayGone());
    if (interrupted && interrupted())
      return Fail(ErrorKind::kQueryCanceled, "the statement was cancelled");
    changed_.wait_for(lock, kInterruptPoll);
  }
  if (upload.error) return Fail(*upload.error);
  return {};
}

Result<std::vector<std::string>> LakeClient::ListTables(const ipc::ExternalSchemaBinding& schema,
                                                        const Interrupted& interrupted) {
  ipc::LakeRequest request;
  request.type = ipc::LakeType::kListTables;
  request.schema = schema;
  SKEP_TRY_ASSIGN(auto reply, Ask(std::move(request), interrupted));
  return std::move(reply.names);
}

void LakeClient::Note(uint64_t scan, std::string note) {
  auto call = std::make_shared<Call>();
  call->request.type = ipc::LakeType::kAsk;
  call->request.scan = scan;
  call->request.change = std::move(note);
  call->abandoned = true;
  const std::lock_guard lock(mutex_);
  if (!gone_) Submit(call);
}

void LakeClient::CloseScan(uint64_t scan) {
  auto call = std::make_shared<Call>();
  call->request.type = ipc::LakeType::kCloseScan;
  call->request.scan = scan;
  const std::lock_guard lock(mutex_);
  plans_.erase(scan);
  scan_keys_.erase(scan);
  std::erase_if(blocks_, [&](const auto& entry) {
    if (entry.first.scan != scan) return false;
    recent_.erase(entry.second->recent);
    return true;
  });
  if (!gone_) Submit(call);
}

// Finds or makes the entry of a block and puts it in front; drops the least recently used one above
// the cap.
LakeClient::Block& LakeClient::Touch(const FileId& file, uint32_t number) {
  const BlockKey key{file.scan, file.number, number};
  auto& slot = blocks_[key];
  if (slot) {
    recent_.splice(recent_.begin(), recent_, slot->recent);
    return *slot;
  }
  slot = std::make_unique<Block>();
  Block& block = *slot;
  block.key = key;
  block.bytes =
      std::min<uint64_t>(ipc::kBlockBytes, file.size_bytes - uint64_t{number} * ipc::kBlockBytes);
  recent_.push_front(key);
  block.recent = recent_.begin();
  if (blocks_.size() > options_.mapped_blocks) {
    for (auto it = std::prev(recent_.end()); it != recent_.begin(); --it) {
      const auto victim = blocks_.find(*it);
      if (!victim->second->calls.empty()) continue;
      blocks_.erase(victim);
      recent_.erase(it);
      break;
    }
  }
  return block;
}

// Asks for the pages of [first, last] that are neither there nor on their way, one request per run
// of them.
void LakeClient::Request(Block& block, const FileId& file, uint32_t number, size_t first,
                         size_t last, bool ahead) {
  for (size_t p = first; p <= last; p++) {
    if (block.present[p] || block.pending[p]) continue;
    size_t end = p;
    while (end < last && !block.present[end + 1] && !block.pending[end + 1]) end++;
    auto call = std::make_shared<Call>();
    call->request.type = ipc::LakeType::kBlock;
    call->request.scan = file.scan;
    call->request.file = file.number;
    call->request.block = number;
    call->request.offset = static_cast<uint32_t>(p * kPageBytes);
    call->request.length =
        static_cast<uint32_t>(std::min((end + 1) * kPageBytes, block.bytes) - p * kPageBytes);
    call->first = p;
    call->last = end;
    call->expected_bytes = block.bytes;
    for (size_t i = p; i <= end; i++) block.pending.set(i);
    block.calls.push_back(call);
    if (ahead) figures_.ahead_requests++;
    Submit(call);
    p = end;
  }
}

Result<void> LakeClient::Read(const FileId& file, uint64_t offset, std::span<char> out,
                              const std::string& name, const Interrupted& interrupted) {
  if (out.empty()) return {};
  if (offset > file.size_bytes || out.size() > file.size_bytes - offset) {
    return Fail(ErrorKind::kDataException,
                fmt::format("{} ends early: {} bytes were expected at {}, it has {}", name,
                            out.size(), offset, file.size_bytes));
  }
  const uint64_t end = offset + out.size();
  const auto range_of = [&](uint32_t number) {
    const uint64_t start = uint64_t{number} * ipc::kBlockBytes;
    return std::pair{std::max(offset, start) - start,
                     std::min(end, start + ipc::kBlockBytes) - start};
  };
  const auto first_block = static_cast<uint32_t>(offset / ipc::kBlockBytes),
             last_block = static_cast<uint32_t>((end - 1) / ipc::kBlockBytes);
  const auto described = [&](Error error) {
    if (error.kind != ErrorKind::kQueryCanceled && error.message.find(name) == std::string::npos)
      error.message = name + ": " + error.message;
    return Fail(std::move(error));
  };

  std::unique_lock lock(mutex_);
  if (gone_) return described(GatewayGone());
  std::vector<ByteRange> ahead;
  if (const auto scan = plans_.find(file.scan); scan != plans_.end()) {
    auto& plans = scan->second.of_files;
    if (const auto plan = plans.find(file.number); plan != plans.end())
      ahead = plan->second.Reading(offset);
  }
  for (uint32_t b = first_block; b <= last_block; b++) {
    const auto [from, to] = range_of(b);
    Request(Touch(file, b), file, b, from / kPageBytes, (to - 1) / kPageBytes, false);
  }
  for (const ByteRange& range : ahead) PrefetchLocked(file, range.offset, range.length);
  for (uint32_t b = first_block; b <= last_block; b++) {
    const auto [from, to] = range_of(b);
    const size_t first = from / kPageBytes, last = (to - 1) / kPageBytes;
    for (int round = 0;; round++) {
      if (round == kReadRounds)
        return Fail(ErrorKind::kExternalUnavailable,
                    name + ": the gateway's cache is too small to read a block");
      Block& block = Touch(file, b);
      Request(block, file, b, first, last, false);
      CallPtr waited;
      bool complete = true;
      for (size_t p = first; p <= last && complete; p++) complete = block.present[p];
      for (const CallPtr& call : block.calls) {
        if (!waited && call->first <= last && call->last >= first) waited = call;
      }
      if (complete) {
        const auto mapping = block.mapping;
        lock.unlock();
        std::memcpy(out.data() + (uint64_t{b} * ipc::kBlockBytes + from - offset),
                    mapping->data + from, to - from);
        lock.lock();
        break;
      }
      if (!waited)
        continue;  // failed within Request: the next round reports it or finds the gateway gone
      if (auto got = Wait(lock, *waited, interrupted); !got) return described(got.error());
    }
  }
  figures_.read_bytes += out.size();
  return {};
}

void LakeClient::Prefetch(const FileId& file, uint64_t offset, uint64_t length) {
  const std::lock_guard lock(mutex_);
  PrefetchLocked(file, offset, length);
}

void LakeClient::PrefetchLocked(const FileId& file, uint64_t offset, uint64_t length) {
  if (offset >= file.size_bytes || length == 0) return;
  const uint64_t end = offset + std::min(length, file.size_bytes - offset);
  for (uint64_t at = offset; at < end;) {
    if (gone_ || queue_.size() + in_flight_.size() >= options_.ahead_in_flight) return;
    const auto number = static_cast<uint32_t>(at / ipc::kBlockBytes);
    const uint64_t start = uint64_t{number} * ipc::kBlockBytes,
                   stop = std::min(end, start + ipc::kBlockBytes);
    Request(Touch(file, number), file, number, (at - start) / kPageBytes,
            (stop - 1 - start) / kPageBytes, true);
    at = stop;
  }
}

void LakeClient::PlanReads(const FileId& file, std::vector<PlannedGroup> groups) {
  const std::lock_guard lock(mutex_);
  ScanPlans& plans = plans_[file.scan];
  ReadAhead plan(std::move(groups), plans.demand);
  for (const ByteRange& range : plan.Begin()) PrefetchLocked(file, range.offset, range.length);
  plans.of_files.insert_or_assign(file.number, std::move(plan));
}

LakeClient::Figures LakeClient::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace skep::external_scan
