#include "lake/block_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/crc32c.h"
#include "base/crypto.h"
#include "base/log.h"
#include "ipc/messages.h"

namespace skep::lake {
namespace {

constexpr uint32_t kPages = static_cast<uint32_t>(ipc::kBlockBytes / BlockCache::kPageBytes);
constexpr std::string_view kSuffix = ".block";
constexpr uint32_t kCheckedPages = 16;  // read and compared at a time
constexpr int kRefills = 2;             // of a range, until its disk is taken for broken

Error FromErrno(const char* what, const std::string& path, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return Error{full ? ErrorKind::kDiskFull : ErrorKind::kIoError,
               fmt::format("cannot {} cache file {}: {}", what, path, std::strerror(number)),
               {},
               full ? "Free space on the cache's disk or make the cache smaller." : "",
               0};
}

// Errors that hold for everybody who wants the same bytes. A refusal concerns one caller's
// credentials.
bool IsShared(const Error& error) {
  return error.kind != ErrorKind::kExternalDenied && error.kind != ErrorKind::kQueryCanceled;
}

std::string FileName(const BlockKey& key) {
  ByteWriter w;
  w.String(key.endpoint)
      .String(key.bucket)
      .String(key.key)
      .String(key.etag)
      .U64(key.object_bytes)
      .U32(key.block);
  return HexEncode(Sha256(w.str())).substr(0, 48) + std::string(kSuffix);
}

// Which of the pages from `first` on, `bytes` in all, are not what `sums` says. A page that cannot
// be read is none of them.
std::vector<uint32_t> DamagedPages(int file, uint32_t first, size_t bytes,
                                   std::span<const uint32_t> sums) {
  constexpr size_t kPage = BlockCache::kPageBytes;
  std::vector<uint32_t> damaged;
  std::array<char, kCheckedPages * kPage> buffer;
  std::array<uint32_t, kCheckedPages> found{};
  for (size_t done = 0; done < bytes;) {
    const size_t want = std::min(buffer.size(), bytes - done);
    size_t have = 0;
    while (have < want) {
      const ssize_t n = ::pread(file, buffer.data() + have, want - have,
                                static_cast<off_t>(uint64_t{first} * kPage + done + have));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      have += static_cast<size_t>(n);
    }
    Crc32cOfPages({buffer.data(), have}, kPage, found);
    for (size_t at = 0; at < want; at += kPage) {
      const size_t page = at / kPage;
      if (have < std::min(want, at + kPage) || found[page] != sums[done / kPage + page])
        damaged.push_back(first + static_cast<uint32_t>(done / kPage + page));
    }
    done += want;
  }
  return damaged;
}

}  // namespace

// A fetch of pages [first, last] on its way.
struct BlockCache::Load {
  uint32_t first = 0, last = 0;
  bool over = false;
  std::optional<Error> error;  // set when it fails those who wait, too
};

struct BlockCache::Block {
  std::string name;
  uint64_t start = 0;   // offset of the block in its object
  uint32_t bytes = 0;   // length of the block
  uint32_t users = 0;   // calls at work on it; evicted only at zero
  uint64_t filled = 0;  // bytes accounted
  std::bitset<kPages> have, loading;
  std::vector<uint32_t> sums;  // of the pages that are there
  std::vector<std::shared_ptr<Load>> loads;
  std::condition_variable changed;
  std::list<std::string>::iterator place;

  static uint32_t PageStart(uint32_t page) { return page * kPageBytes; }
  uint32_t PageEnd(uint32_t page) const { return std::min(bytes, (page + 1) * kPageBytes); }
};

Result<std::unique_ptr<BlockCache>> BlockCache::Open(const std::string& directory,
                                                     uint64_t max_bytes) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return Fail(ErrorKind::kIoError,
                fmt::format("cannot create cache directory {}: {}", directory, error.message()));
  ::chmod(directory.c_str(), 0700);
  uint64_t removed = 0;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() != kSuffix) continue;
    std::error_code ignored;
    if (std::filesystem::remove(it->path(), ignored)) removed++;
  }
  if (error)
    return Fail(ErrorKind::kIoError,
                fmt::format("cannot read cache directory {}: {}", directory, error.message()));
  log::Info("block_cache_opened",
            {{"directory", directory}, {"max_bytes", max_bytes}, {"removed", removed}});
  return std::unique_ptr<BlockCache>(new BlockCache(directory, max_bytes));
}

BlockCache::~BlockCache() = default;

Result<std::shared_ptr<BlockCache::Block>> BlockCache::Enter(const BlockKey& key, uint32_t offset,
                                                             uint32_t length, bool create) {
  const uint64_t start = uint64_t{key.block} * ipc::kBlockBytes;
  if (start >= key.object_bytes)
    return Fail(ErrorKind::kInvalidArgument,
                fmt::format("block {} lies beyond the object's end", key.block));
  const auto bytes =
      static_cast<uint32_t>(std::min<uint64_t>(ipc::kBlockBytes, key.object_bytes - start));
  if (length == 0 || offset >= bytes || length > bytes - offset) {
    return Fail(ErrorKind::kInvalidArgument,
                fmt::format("range {}+{} lies outside block {} of {} bytes", offset, length,
                            key.block, bytes));
  }
  const std::string name = FileName(key);
  const auto found = blocks_.find(name);
  if (found != blocks_.end()) return found->second;
  if (!create) return std::shared_ptr<Block>();

  const std::string path = directory_ + "/" + name;
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
  if (!file) return Fail(FromErrno("create", path, errno));
  // The only change of length in the file's life, before anybody has it.
  if (::ftruncate(file.get(), bytes) != 0) {
    const int number = errno;
    ::unlink(path.c_str());
    return Fail(FromErrno("size", path, number));
  }
  auto block = std::make_shared<Block>();
  block->name = name;
  block->start = start;
  block->bytes = bytes;
  block->sums.resize((bytes + kPageBytes - 1) / kPageBytes);
  recent_.push_front(name);
  block->place = recent_.begin();
  blocks_.emplace(name, block);
  figures_.blocks++;
  return block;
}

Result<CachedBlock> BlockCache::Open(const Block& block) const {
  const std::string path = directory_ + "/" + block.name;
  CachedBlock out;
  out.descriptor = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!out.descriptor) return Fail(FromErrno("open", path, errno));
  struct stat status{};
  if (::fstat(out.descriptor.get(), &status) != 0) return Fail(FromErrno("open", path, errno));
  if (!S_ISREG(status.st_mode) || static_cast<uint64_t>(status.st_size) != block.bytes)
    return Fail(ErrorKind::kIoError,
                fmt::format("cache file {} is no longer {} bytes long", path, block.bytes));
  out.bytes = block.bytes;
  return out;
}

// A descriptor of a block whose pages [first, last] are there and, by their sums, what was fetched.
// Otherwise the damaged ones are dropped and the descriptor is empty. The caller is one of the
// block's users; the lock is given up while pages are read.
Result<CachedBlock> BlockCache::HandOut(std::unique_lock<std::mutex>& lock, Block& block,
                                        uint32_t first, uint32_t last) {
  SKEP_TRY_ASSIGN(auto opened, Open(block));
  const std::vector<uint32_t> sums(block.sums.begin() + first, block.sums.begin() + last + 1);
  lock.unlock();
  const auto damaged = DamagedPages(opened.descriptor.get(), first,
                                    block.PageEnd(last) - Block::PageStart(first), sums);
  lock.lock();
  if (damaged.empty()) return opened;
  for (const uint32_t page : damaged) {
    if (!block.have[page]) continue;  // another reader was faster
    const uint32_t bytes = block.PageEnd(page) - Block::PageStart(page);
    block.have.reset(page);
    block.filled -= bytes;
    figures_.used_bytes -= bytes;
    figures_.damaged_pages++;
  }
  log::Warn("block_cache_damaged", {{"path", directory_ + "/" + block.name},
                                    {"pages", damaged.size()},
                                    {"first_page", damaged.front()}});
  return CachedBlock{};
}

void BlockCache::Touch(const std::shared_ptr<Block>& block) {
  recent_.splice(recent_.begin(), recent_, block->place);
}

void BlockCache::Forget(const std::shared_ptr<Block>& block) {
  const std::string path = directory_ + "/" + block->name;
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    log::Warn("block_cache_unlink_failed", {{"path", path}, {"error", std::strerror(errno)}});
  }
  figures_.used_bytes -= block->filled;
  figures_.blocks--;
  recent_.erase(block->place);
  blocks_.erase(block->name);
}

void BlockCache::EvictLocked(uint64_t need) {
  auto it = recent_.end();
  while (figures_.used_bytes + need > max_bytes_ && it != recent_.begin()) {
    --it;
    const auto block = blocks_.at(*it);
    if (block->users > 0) continue;
    ++it;
    Forget(block);
    figures_.evicted_blocks++;
  }
}

Result<CachedBlock> BlockCache::Find(const BlockKey& key, uint32_t offset, uint32_t length) {
  std::unique_lock lock(mutex_);
  SKEP_TRY_ASSIGN(const auto block, Enter(key, offset, length, false));
  if (!block) return CachedBlock{};
  const uint32_t first = offset / kPageBytes, last = (offset + length - 1) / kPageBytes;
  for (uint32_t p = first; p <= last; p++) {
    if (!block->have[p]) return CachedBlock{};
  }
  Touch(block);
  block->users++;
  auto found = HandOut(lock, *block, first, last);
  block->users--;
  if (!found) return CachedBlock{};  // Get knows what to do without the file
  if (found->descriptor) figures_.hits++;
  return found;
}

Result<void> BlockCache::Write(const Block& block, uint32_t offset, std::span<const char> bytes) {
  const std::string path = directory_ + "/" + block.name;
  for (bool retried = false;; retried = true) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    int number = file ? 0 : errno;
    for (size_t at = 0; number == 0 && at < bytes.size();) {
      const ssize_t n = ::pwrite(file.get(), bytes.data() + at, bytes.size() - at,
                                 static_cast<off_t>(offset + at));
      if (n > 0) at += static_cast<size_t>(n);
      if (n < 0 && errno != EINTR) number = errno;
    }
    if (number == 0) return {};
    if ((number != ENOSPC && number != EDQUOT) || retried)
      return Fail(FromErrno("write", path, number));
    // The disk is fuller than the cap assumed: give up everything that nobody uses, once.
    const std::lock_guard lock(mutex_);
    EvictLocked(max_bytes_);
  }
}

// The cache cannot hold the range: the caller gets it all the same.
Result<CachedBlock> BlockCache::Bypass(const BlockKey& key, uint32_t offset, uint32_t length,
                                       const Fetch& fetch) {
  const uint64_t start = uint64_t{key.block} * ipc::kBlockBytes;
  CachedBlock out;
  out.bytes = static_cast<uint32_t>(std::min<uint64_t>(ipc::kBlockBytes, key.object_bytes - start));
  const UniqueFd memory(::memfd_create("block", MFD_CLOEXEC));
  if (!memory || ::ftruncate(memory.get(), out.bytes) != 0)
    return Fail(ErrorKind::kOutOfMemory,
                fmt::format("cannot hold a block: {}", std::strerror(errno)));
  const uint32_t first = offset / kPageBytes * kPageBytes,
                 last = std::min(out.bytes,
                                 (offset + length - 1) / kPageBytes * kPageBytes + kPageBytes);
  std::vector<char> bytes(last - first);
  SKEP_TRY(fetch(start + first, bytes));
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::pwrite(memory.get(), bytes.data() + at, bytes.size() - at,
                               static_cast<off_t>(first + at));
    if (n < 0 && errno != EINTR)
      return Fail(ErrorKind::kOutOfMemory,
                  fmt::format("cannot hold a block: {}", std::strerror(errno)));
    if (n > 0) at += static_cast<size_t>(n);
  }
  out.descriptor =
      UniqueFd(::open(fmt::format("/proc/self/fd/{}", memory.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!out.descriptor)
    return Fail(ErrorKind::kOutOfMemory,
                fmt::format("cannot open a block again: {}", std::strerror(errno)));
  const std::lock_guard lock(mutex_);
  figures_.fetched_bytes += bytes.size();
  figures_.bypassed++;
  return out;
}

// Fetches what is missing of pages [first, last], or waits for others that do. kNotKept: fetched,
// but the disk did not take it. The caller is one of the block's users; the lock is given up
// meanwhile.
Result<BlockCache::Filled> BlockCache::Fill(std::unique_lock<std::mutex>& lock,
                                            const std::shared_ptr<Block>& block, uint32_t first,
                                            uint32_t last, const Fetch& fetch) {
  Filled filled = Filled::kFound;
  while (true) {
    uint32_t from = first;
    while (from <= last && (block->have[from] || block->loading[from])) from++;
    if (from <= last) {
      filled = Filled::kFetched;
      const auto load = std::make_shared<Load>();
      load->first = from;
      uint32_t to = from;
      while (to <= last && !block->have[to] && !block->loading[to]) block->loading.set(to++);
      load->last = to - 1;
      block->loads.push_back(load);
      const uint32_t begin = Block::PageStart(from), end = block->PageEnd(to - 1);
      EvictLocked(end - begin);
      lock.unlock();

      bool full = false;
      Result<void> done;
      std::vector<uint32_t> sums;
      try {
        sums.resize(to - from);
        const auto buffer = std::make_unique_for_overwrite<char[]>(end - begin);
        const std::span<char> bytes(buffer.get(), end - begin);
        done = fetch(block->start + begin, bytes);
        if (done) {
          Crc32cOfPages({bytes.data(), bytes.size()}, kPageBytes, sums);
          done = Write(*block, begin, bytes);
          full = !done;
        }
      } catch (const std::exception& e) {
        done = Fail(ErrorKind::kInternal, fmt::format("reading a block failed: {}", e.what()));
      }

      lock.lock();
      for (uint32_t p = from; p < to; p++) {
        block->loading.reset(p);
        if (done) block->have.set(p);
      }
      load->over = true;
      std::erase(block->loads, load);
      if (done) {
        std::ranges::copy(sums, block->sums.begin() + from);
        block->filled += end - begin;
        figures_.used_bytes += end - begin;
        figures_.fetched_bytes += end - begin;
      } else if (!full && IsShared(done.error())) {
        load->error = done.error();
      }
      block->changed.notify_all();
      if (!done) {
        if (block->users == 1 && block->have.none()) Forget(block);
        if (!full) return Fail(done.error());
        log::Warn("block_cache_write_failed", {{"error", done.error().message}});
        return Filled::kNotKept;
      }
      continue;
    }

    const auto waited = std::ranges::find_if(
        block->loads, [&](const auto& load) { return load->first <= last && load->last >= first; });
    if (waited == block->loads.end()) return filled;
    // The list lets go of it. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
    const std::shared_ptr<Load> load = *waited;
    block->changed.wait(lock, [&] { return load->over; });
    if (load->error) return Fail(*load->error);
  }
}

Result<CachedBlock> BlockCache::Get(const BlockKey& key, uint32_t offset, uint32_t length,
                                    const Fetch& fetch) {
  std::unique_lock lock(mutex_);
  auto entered = Enter(key, offset, length, true);
  if (!entered) {
    if (entered.error().kind == ErrorKind::kInvalidArgument) return Fail(entered.error());
    lock.unlock();
    return Bypass(key, offset, length, fetch);
  }
  const std::shared_ptr<Block>& block = *entered;
  Touch(block);
  block->users++;
  struct Leave {
    Block& b;
    ~Leave() { b.users--; }  // runs under the lock: it is declared after it
  } leave{*block};

  const uint32_t first = offset / kPageBytes, last = (offset + length - 1) / kPageBytes;
  for (int refills = 0; refills <= kRefills; refills++) {
    SKEP_TRY_ASSIGN(const Filled filled, Fill(lock, block, first, last, fetch));
    if (filled == Filled::kNotKept) break;
    auto opened = HandOut(lock, *block, first, last);
    if (!opened) {
      // Somebody took the file away; the next who asks fills another one.
      log::Warn("block_cache_file_lost", {{"error", opened.error().message}});
      if (block->users == 1) Forget(block);
      break;
    }
    if (!opened->descriptor) continue;
    (filled == Filled::kFetched ? figures_.misses : figures_.hits)++;
    return opened;
  }
  lock.unlock();
  auto bypassed = Bypass(key, offset, length, fetch);
  lock.lock();
  return bypassed;
}

BlockCache::Figures BlockCache::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace skep::lake
