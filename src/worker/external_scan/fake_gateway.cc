#include "worker/external_scan/fake_gateway.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "ipc/channel.h"

namespace skep::external_scan {
namespace {

constexpr std::string_view kBucket = "s3://lake/";

}  // namespace

FakeGateway::FakeGateway(std::string root) : root_(std::move(root)) {
  auto pair = ipc::PacketSocketPair();
  if (!pair) throw std::runtime_error(pair.error().message);
  own_end_ = std::move(pair->first);
  worker_end_ = std::move(pair->second);
  thread_ = std::thread([this] { Run(); });
}

FakeGateway::~FakeGateway() {
  Close();
  thread_.join();
}

void FakeGateway::Close() { ::shutdown(own_end_.get(), SHUT_RDWR); }

void FakeGateway::SetTable(FakeTable table) {
  const std::lock_guard lock(mutex_);
  const std::string name = table.description.name;
  tables_[name] = std::move(table);
}

uint64_t FakeGateway::Grant(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const std::string local = LocalPath(path);
  Scan scan;
  scan.files.push_back({0, 0, path, EtagOf(local), std::filesystem::file_size(local), 0});
  scans_[next_scan_] = std::move(scan);
  return next_scan_++;
}

void FakeGateway::SetFault(const std::string& part, Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_[part] = fault;
  blocks_.clear();
}

void FakeGateway::FailList(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  list_error_ = std::move(error);
}

void FakeGateway::FailOpen(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  open_error_ = std::move(error);
}

void FakeGateway::ClearFaults() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
  list_error_.reset();
  open_error_.reset();
  for (const auto& request : std::exchange(held_, {})) Handle(request);
}

void FakeGateway::ForgetBlocks() {
  const std::lock_guard lock(mutex_);
  blocks_.clear();
}

FakeGateway::Counts FakeGateway::TakeCounts() {
  const std::lock_guard lock(mutex_);
  counts_.open_scans = scans_.size();
  return std::exchange(counts_, {});
}

void FakeGateway::WaitForHeld() {
  std::unique_lock lock(mutex_);
  held_changed_.wait(lock, [this] { return !held_.empty(); });
}

std::string FakeGateway::LocalPath(const std::string& path) const {
  return root_ + "/" + path.substr(kBucket.size());
}

std::string FakeGateway::EtagOf(const std::string& local) const {
  struct stat st{};
  if (::stat(local.c_str(), &st) != 0) return {};
  return fmt::format("{:x}-{:x}-{:x}", st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

void FakeGateway::Run() {
  ipc::Packet packet;
  while (ipc::ReceivePacket(own_end_.get(), packet) == ipc::ReceiveStatus::kPacket) {
    ipc::LakeRequest request;
    if (!ipc::DecodeExact(packet.bytes, request)) return;
    const std::lock_guard lock(mutex_);
    Handle(request);
  }
}

void FakeGateway::Send(const ipc::LakeReply& reply, int fd) {
  ipc::SendPacket(own_end_.get(), ipc::EncodePacket(reply),
                  fd < 0 ? std::vector<int>{} : std::vector<int>{fd});
}

void FakeGateway::Handle(const ipc::LakeRequest& request) {
  switch (request.type) {
    case ipc::LakeType::kOpenTable:
      return Open(request);
    case ipc::LakeType::kListFiles:
      return List(request);
    case ipc::LakeType::kBlock:
      return Block(request);
    case ipc::LakeType::kCloseScan:
      counts_.closed++;
      scans_.erase(request.scan);
      return;
    default: {
      ipc::LakeReply reply;
      reply.id = request.id;
      for (const auto& [name, table] : tables_) reply.names.push_back(name);
      Send(reply);
    }
  }
}

void FakeGateway::Open(const ipc::LakeRequest& request) {
  if (const auto fault = faults_.find(kOpenFault); fault != faults_.end()) {
    held_.push_back(request);
    held_changed_.notify_all();
    return;
  }
  counts_.opened++;
  counts_.last_user = request.user;
  ipc::LakeReply reply;
  reply.id = request.id;
  const auto found = tables_.find(request.table);
  if (open_error_) {
    reply.error = open_error_;
    return Send(reply);
  }
  if (found == tables_.end()) {
    reply.error =
        Error{ErrorKind::kUndefinedTable,
              fmt::format("relation \"{}\" does not exist in database {} of the data catalog",
                          request.table, request.schema.catalog_database),
              {},
              {},
              0};
    return Send(reply);
  }
  reply.scan = next_scan_++;
  scans_[reply.scan].table = found->second;
  // Partitions split over packets, as large tables' are.
  reply.table = found->second.description;
  auto rest = std::exchange(reply.table.partitions, {});
  for (size_t at = 0;; at += 2) {
    reply.table.partitions.assign(
        rest.begin() + static_cast<ptrdiff_t>(std::min(at, rest.size())),
        rest.begin() + static_cast<ptrdiff_t>(std::min(at + 2, rest.size())));
    reply.more = at + 2 < rest.size();
    Send(reply);
    if (!reply.more) return;
    reply.table = {};
  }
}

void FakeGateway::List(const ipc::LakeRequest& request) {
  counts_.lists++;
  ipc::LakeReply reply;
  reply.id = request.id;
  if (list_error_) {
    reply.error = list_error_;
    return Send(reply);
  }
  auto& scan = scans_[request.scan];
  for (const uint32_t partition : request.partitions) {
    counts_.listed.push_back(partition);
    if (const auto before = scan.listed.find(partition); before != scan.listed.end()) {
      reply.files.insert(reply.files.end(), before->second.begin(), before->second.end());
      continue;
    }
    auto& listed = scan.listed[partition];
    const std::string folder = root_ + "/" + scan.table.folders.at(partition);
    std::set<std::string> paths;
    if (std::filesystem::exists(folder)) {
      for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.is_regular_file()) paths.insert(entry.path().string());
      }
    }
    for (const auto& path : paths) {
      ipc::TableFile file{static_cast<uint32_t>(scan.files.size()),
                          partition,
                          std::string(kBucket) + path.substr(root_.size() + 1),
                          EtagOf(path),
                          std::filesystem::file_size(path),
                          1'700'000'000};
      scan.files.push_back(file);
      listed.push_back(file);
      reply.files.push_back(std::move(file));
    }
  }
  Send(reply);
}

void FakeGateway::Block(const ipc::LakeRequest& request) {
  ipc::LakeReply reply;
  reply.id = request.id;
  const auto scan = scans_.find(request.scan);
  if (scan == scans_.end() || request.file >= scan->second.files.size()) {
    reply.error = Error{ErrorKind::kInsufficientPrivilege, "not listed", {}, {}, 0};
    return Send(reply);
  }
  const ipc::TableFile& file = scan->second.files[request.file];
  std::optional<Fault> fault;
  for (const auto& [part, f] : faults_) {
    if (file.path.find(part) != std::string::npos) fault = f;
  }
  if (fault == Fault::kSlow) {
    held_.push_back(request);
    held_changed_.notify_all();
    return;
  }
  counts_.blocks++;
  counts_.bytes[file.path] += request.length;
  const std::string local = LocalPath(file.path);
  const std::string etag = EtagOf(local);
  if (fault == Fault::kDenied)
    reply.error = Error{
        ErrorKind::kExternalDenied, fmt::format("Access Denied for {}", file.path), {}, {}, 0};
  if (fault == Fault::kMissing || etag.empty())
    reply.error =
        Error{ErrorKind::kExternalNotFound, fmt::format("{} does not exist", file.path), {}, {}, 0};
  if (fault == Fault::kChanged || (!etag.empty() && etag != file.etag)) {
    reply.error = Error{ErrorKind::kExternalChanged,
                        fmt::format("{} changed while it was read", file.path),
                        {},
                        "Run the statement again.",
                        0};
  }
  if (reply.error) return Send(reply);

  const uint64_t start = uint64_t{request.block} * ipc::kBlockBytes;
  reply.block_bytes =
      static_cast<uint32_t>(std::min<uint64_t>(ipc::kBlockBytes, file.size - start));
  auto& block = blocks_[fmt::format("{}@{}@{}", file.path, etag, request.block)];
  if (!block) {
    block = UniqueFd(::memfd_create("block", MFD_CLOEXEC));
    if (::ftruncate(block.get(),
                    fault == Fault::kShort ? reply.block_bytes / 2 : reply.block_bytes) != 0)
      throw std::runtime_error("ftruncate");
  }
  if (fault != Fault::kShort) {
    const UniqueFd in(::open(local.c_str(), O_RDONLY | O_CLOEXEC));
    std::string bytes(request.length, '\0');
    if (::pread(in.get(), bytes.data(), bytes.size(), static_cast<off_t>(start + request.offset)) !=
            static_cast<ssize_t>(bytes.size()) ||
        ::pwrite(block.get(), bytes.data(), bytes.size(), request.offset) !=
            static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("cannot fill a block");
    }
  }
  const UniqueFd readable(
      ::open(fmt::format("/proc/self/fd/{}", block.get()).c_str(), O_RDONLY | O_CLOEXEC));
  Send(reply, readable.get());
}

}  // namespace skep::external_scan
