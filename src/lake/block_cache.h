// On-disk cache of 8 MiB blocks of objects, filled as asked for, in whole pages of 4 KiB. A block
// is a sparse file named by a digest of endpoint, bucket, key, ETag and block number, so a changed
// object is another block. Files are only ever filled and unlinked, never truncated or rewritten:
// workers may have them mapped. Which pages are there is kept in memory, with the CRC-32C of each;
// after a restart the cache starts empty. Pages are compared with their sums before they are handed
// out: what a disk made of them is fetched again. What a worker reads later it reads unchecked.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "base/unique_fd.h"

namespace skep::lake {

struct BlockKey {
  std::string endpoint, bucket, key, etag;
  uint64_t object_bytes = 0;
  uint32_t block = 0;
};

struct CachedBlock {
  UniqueFd descriptor;  // read-only; its file is `bytes` long
  uint32_t bytes = 0;
};

class BlockCache {
 public:
  static constexpr uint32_t kPageBytes = 4u << 10;
  // Reads object bytes [offset, offset + into.size()) into `into`, all of them or an error.
  using Fetch = std::function<Result<void>(uint64_t offset, std::span<char> into)>;

  // Creates the directory (private to this process; what an earlier run left in it is removed).
  // Errors: kIoError, kDiskFull.
  static Result<std::unique_ptr<BlockCache>> Open(const std::string& directory, uint64_t max_bytes);
  virtual ~BlockCache();
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  // A block in which bytes [offset, offset + length) are filled. Missing pages are fetched once,
  // however many ask; a failed fetch fails only those that wait for it. When the cache's disk takes
  // nothing more, or gives back other bytes than it took, the descriptor is of memory that holds
  // only that range. Errors: those of fetch,
  // kInvalidArgument (range outside the block), kOutOfMemory.
  Result<CachedBlock> Get(const BlockKey& key, uint32_t offset, uint32_t length,
                          const Fetch& fetch);
  // The same without fetching: an empty descriptor when a page is missing or damaged.
  Result<CachedBlock> Find(const BlockKey& key, uint32_t offset, uint32_t length);

  struct Figures {
    uint64_t used_bytes = 0, blocks = 0, hits = 0, misses = 0, fetched_bytes = 0,
             evicted_blocks = 0, bypassed = 0, damaged_pages = 0;  // bypassed: answers from memory
  };
  Figures figures() const;

 private:
  struct Block;
  struct Load;
  enum class Filled : uint8_t { kFound, kFetched, kNotKept };
  BlockCache(std::string directory, uint64_t max_bytes)
      : directory_(std::move(directory)), max_bytes_(max_bytes) {}
  Result<std::shared_ptr<Block>> Enter(const BlockKey& key, uint32_t offset, uint32_t length,
                                       bool create);
  Result<CachedBlock> Open(const Block& block) const;
  Result<Filled> Fill(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Block>& block,
                      uint32_t first, uint32_t last, const Fetch& fetch);
  Result<CachedBlock> HandOut(std::unique_lock<std::mutex>& lock, Block& block, uint32_t first,
                              uint32_t last);
  Result<void> Write(const Block& block, uint32_t offset, std::span<const char> bytes);
  Result<CachedBlock> Bypass(const BlockKey& key, uint32_t offset, uint32_t length,
                             const Fetch& fetch);
  void Touch(const std::shared_ptr<Block>& block);
  void Forget(const std::shared_ptr<Block>& block);
  void EvictLocked(uint64_t need);

  std::string directory_;
  uint64_t max_bytes_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Block>> blocks_;  // by file name
  std::list<std::string> recent_;                                   // newest first
  Figures figures_;
};

}  // namespace skep::lake
