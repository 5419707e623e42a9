#include "lake/block_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <latch>
#include <thread>

#include "ipc/messages.h"

namespace skep::lake {
namespace {

constexpr uint32_t kMiB = 1u << 20;
constexpr uint32_t kPage = BlockCache::kPageBytes;

class BlockCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/skep-cache-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<BlockCache> Make(uint64_t max_bytes = 64 * kMiB) {
    auto cache = BlockCache::Open(directory_ + "/blocks", max_bytes);
    EXPECT_TRUE(cache);
    return std::move(*cache);
  }
  static char At(uint64_t offset) { return static_cast<char>('a' + (offset / 1000 + offset) % 26); }
  BlockCache::Fetch Filling() {
    return [this](uint64_t offset, std::span<char> into) -> Result<void> {
      fetches_++;
      fetched_ += into.size();
      for (size_t i = 0; i < into.size(); i++) into[i] = At(offset + i);
      return {};
    };
  }
  static std::string Read(const CachedBlock& block, uint32_t offset, uint32_t length) {
    std::string s(length, '\0');
    EXPECT_EQ(::pread(block.descriptor.get(), s.data(), length, offset),
              static_cast<ssize_t>(length));
    return s;
  }
  std::string OnlyFile() const {
    EXPECT_EQ(Files(), 1u);
    return std::filesystem::directory_iterator(directory_ + "/blocks")->path();
  }
  size_t Files() const {
    size_t n = 0;
    for ([[maybe_unused]] const auto& e :
         std::filesystem::directory_iterator(directory_ + "/blocks"))
      n++;
    return n;
  }

  std::string directory_;
  std::atomic<int> fetches_ = 0;
  std::atomic<uint64_t> fetched_ = 0;
  BlockKey key_{"http://s3", "bucket", "key", "e1", 20ull * kMiB + 123, 1};
};

TEST_F(BlockCacheTest, FillsOnlyTheMissingPages) {
  const auto cache = Make();
  const auto missing = cache->Find(key_, 0, 10);
  ASSERT_TRUE(missing);
  EXPECT_FALSE(missing->descriptor);
  const auto one = cache->Get(key_, 3 * kMiB - 5, 10, Filling());
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->bytes, 8 * kMiB);
  EXPECT_EQ(fetched_, 2u * kPage);
  EXPECT_EQ(fetches_, 1);
  const std::string bytes = Read(*one, 3 * kMiB - 5, 10);
  for (uint32_t i = 0; i < 10; i++) EXPECT_EQ(bytes[i], At(11ull * kMiB - 5 + i));
  ASSERT_TRUE(cache->Get(key_, 2 * kMiB, 3 * kMiB, Filling()));
  EXPECT_EQ(fetched_, 3u * kMiB);
  EXPECT_EQ(fetches_, 3);
  const auto found = cache->Find(key_, 2 * kMiB, 3 * kMiB);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->descriptor);
  const auto partly = cache->Find(key_, 4 * kMiB, 2 * kMiB);
  ASSERT_TRUE(partly);
  EXPECT_FALSE(partly->descriptor);
}

TEST_F(BlockCacheTest, AnswersFromMemoryWhenItsDiskTakesNothing) {
  const auto cache = Make();
  std::filesystem::remove_all(directory_ + "/blocks");
  key_.block = 2;
  for (int i = 0; i < 2; i++) {
    const auto got = cache->Get(key_, 4 * kMiB - 1, 100, Filling());
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->bytes, 4 * kMiB + 123);
    EXPECT_EQ(Read(*got, 4 * kMiB - 1, 1)[0], At(20ull * kMiB - 1));
    EXPECT_EQ(Read(*got, 4 * kMiB + 98, 1)[0], At(20ull * kMiB + 98));
    EXPECT_LT(::pwrite(got->descriptor.get(), "x", 1, 0), 0) << "workers only read";
  }
  EXPECT_EQ(cache->figures().bypassed, 2u);
  EXPECT_EQ(cache->figures().used_bytes, 0u);
}

TEST_F(BlockCacheTest, AnswersFromMemoryWhatCannotBeWritten) {
  const auto cache = Make();
  ASSERT_TRUE(cache->Get(key_, 0, 10, Filling()));
  for (const auto& file : std::filesystem::directory_iterator(directory_ + "/blocks")) {
    const auto path = file.path();
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);  // cannot be opened for writing
  }
  const auto got = cache->Get(key_, kMiB, 10, Filling());
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(Read(*got, kMiB + 3, 1)[0], At(9ull * kMiB + 3));
  EXPECT_EQ(cache->figures().bypassed, 1u);
}

TEST_F(BlockCacheTest, FillsAnotherFileWhenOneWasTakenAway) {
  const auto cache = Make();
  ASSERT_TRUE(cache->Get(key_, 0, 10, Filling()));
  for (const auto& file : std::filesystem::directory_iterator(directory_ + "/blocks"))
    std::filesystem::remove(file);
  const auto got = cache->Get(key_, 0, 10, Filling());
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(Read(*got, 5, 1)[0], At(8ull * kMiB + 5));
  EXPECT_EQ(cache->figures().bypassed, 1u);
  ASSERT_TRUE(cache->Get(key_, 0, 10, Filling()));
  EXPECT_EQ(cache->figures().bypassed, 1u);
  EXPECT_EQ(Files(), 1u);
}

TEST_F(BlockCacheTest, FetchesDamagedPagesAgain) {
  const auto cache = Make();
  ASSERT_TRUE(cache->Get(key_, 0, 100 * kPage, Filling()));
  const UniqueFd file(::open(OnlyFile().c_str(), O_WRONLY));
  for (const off_t at : {0u, 7 * kPage + 5, 8 * kPage, 99 * kPage + kPage - 1})
    ASSERT_EQ(::pwrite(file.get(), "#", 1, at), 1);
  fetched_ = 0;
  const auto apart = cache->Find(key_, 20 * kPage, 10 * kPage);
  ASSERT_TRUE(apart);
  EXPECT_TRUE(apart->descriptor) << "pages between the damaged ones are good";
  const auto found = cache->Find(key_, 0, 100 * kPage);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->descriptor);
  EXPECT_EQ(cache->figures().damaged_pages, 4u);
  EXPECT_EQ(cache->figures().used_bytes, 96u * kPage);
  const auto got = cache->Get(key_, 0, 100 * kPage, Filling());
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(fetched_, 4u * kPage);
  const std::string bytes = Read(*got, 0, 100 * kPage);
  for (uint32_t i = 0; i < bytes.size(); i++) ASSERT_EQ(bytes[i], At(8ull * kMiB + i)) << i;
  EXPECT_EQ(cache->figures().used_bytes, 100u * kPage);
  EXPECT_EQ(cache->figures().bypassed, 0u);
}

TEST_F(BlockCacheTest, ChecksTheShortPageAtAnObjectsEnd) {
  const auto cache = Make();
  key_.block = 2;
  ASSERT_TRUE(cache->Get(key_, 4 * kMiB - 10, 133, Filling()));
  ASSERT_TRUE(cache->Find(key_, 4 * kMiB + 1, 122)->descriptor);
  const UniqueFd file(::open(OnlyFile().c_str(), O_WRONLY));
  ASSERT_EQ(::pwrite(file.get(), "#", 1, 4 * kMiB + 122), 1);
  EXPECT_TRUE(cache->Find(key_, 4 * kMiB - 10, 10)->descriptor);
  EXPECT_FALSE(cache->Find(key_, 4 * kMiB - 10, 133)->descriptor);
  const auto got = cache->Get(key_, 4 * kMiB + 122, 1, Filling());
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(Read(*got, 4 * kMiB + 122, 1)[0], At(20ull * kMiB + 122));
}

TEST_F(BlockCacheTest, FillsAnotherFileWhenOneWasCutShort) {
  const auto cache = Make();
  ASSERT_TRUE(cache->Get(key_, 0, 10, Filling()));
  std::filesystem::resize_file(OnlyFile(), kPage);
  const auto found = cache->Find(key_, 0, 10);
  ASSERT_TRUE(found) << "a lost file is no reason to fail";
  EXPECT_FALSE(found->descriptor);
  const auto got = cache->Get(key_, 0, 10, Filling());
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(Read(*got, 5, 1)[0], At(8ull * kMiB + 5));
  EXPECT_EQ(cache->figures().bypassed, 1u);
  ASSERT_TRUE(cache->Get(key_, 0, 10, Filling()));
  EXPECT_EQ(std::filesystem::file_size(OnlyFile()), 8u * kMiB);
  EXPECT_TRUE(cache->Find(key_, 0, 10)->descriptor);
}

TEST_F(BlockCacheTest, AnswersFromMemoryWhatItsDiskNeverKeeps) {
  const auto cache = Make();
  ASSERT_TRUE(cache->Get(key_, kMiB, 10, Filling()));
  const std::string path = OnlyFile();
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/dev/null", path);  // takes everything, gives back nothing
  for (int i = 0; i < 2; i++) {
    const auto got = cache->Get(key_, 0, 10, Filling());
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(Read(*got, 5, 1)[0], At(8ull * kMiB + 5));
  }
  EXPECT_GE(cache->figures().bypassed, 1u);
}

TEST_F(BlockCacheTest, ReadersOfDamagedPagesAllGetWhatWasFetched) {
  const auto cache = Make();
  ASSERT_TRUE(cache->Get(key_, 0, kMiB, Filling()));
  const UniqueFd file(::open(OnlyFile().c_str(), O_WRONLY));
  for (uint32_t page = 0; page < 256; page += 3)
    ASSERT_EQ(::pwrite(file.get(), "#", 1, page * kPage), 1);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; i++) {
    threads.emplace_back([&] {
      const auto got = cache->Get(key_, 0, kMiB, Filling());
      if (!got) return;
      const std::string bytes = Read(*got, 0, kMiB);
      for (uint32_t at = 0; at < kMiB; at++) {
        if (bytes[at] != At(8ull * kMiB + at)) return;
      }
      right++;
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(right, 8);
  EXPECT_GE(cache->figures().damaged_pages, 86u);
  EXPECT_EQ(cache->figures().used_bytes, kMiB);
}

TEST_F(BlockCacheTest, KnowsTheLengthOfTheLastBlock) {
  const auto cache = Make();
  key_.block = 2;
  const auto last = cache->Get(key_, 4 * kMiB, 123, Filling());
  ASSERT_TRUE(last);
  EXPECT_EQ(last->bytes, 4 * kMiB + 123);
  struct stat st{};
  ASSERT_EQ(::fstat(last->descriptor.get(), &st), 0);
  EXPECT_EQ(st.st_size, 4 * kMiB + 123);
  EXPECT_EQ(fetched_, 123u);
}

TEST_F(BlockCacheTest, RefusesRangesOutsideTheBlock) {
  const auto cache = Make();
  struct Case {
    uint32_t block, offset, length;
  };
  for (const Case c :
       {Case{3, 0, 1}, Case{2, 4 * kMiB, 124}, Case{0, 8 * kMiB, 1}, Case{0, 8 * kMiB - 1, 2},
        Case{0, 0, 0}, Case{0, 5, UINT32_MAX}, Case{UINT32_MAX, 0, 1}}) {
    key_.block = c.block;
    const auto got = cache->Get(key_, c.offset, c.length, Filling());
    ASSERT_FALSE(got) << c.block << ' ' << c.offset << ' ' << c.length;
    EXPECT_EQ(got.error().kind, ErrorKind::kInvalidArgument);
  }
  EXPECT_EQ(fetches_, 0);
}

TEST_F(BlockCacheTest, HandsOutDescriptorsThatCannotWrite) {
  const auto cache = Make();
  const auto block = cache->Get(key_, 0, 1, Filling());
  ASSERT_TRUE(block);
  EXPECT_LT(::pwrite(block->descriptor.get(), "x", 1, 0), 0);
  EXPECT_NE(::ftruncate(block->descriptor.get(), 0), 0);
}

TEST_F(BlockCacheTest, FetchesAPageOnceForManyReaders) {
  const auto cache = Make();
  constexpr int kReaders = 8;
  std::latch go(kReaders);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kReaders; i++) {
    threads.emplace_back([&] {
      go.arrive_and_wait();
      const auto block = cache->Get(key_, 0, 2 * kMiB, Filling());
      if (block && Read(*block, 0, 1)[0] == At(8ull * kMiB)) right++;
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(right, kReaders);
  EXPECT_EQ(fetched_, 2u * kMiB);
}

TEST_F(BlockCacheTest, FailsWaitersWithTheFetchAndRecoversAfterwards) {
  const auto cache = Make();
  std::latch started(1), release(1);
  std::thread first([&] {
    const auto got = cache->Get(key_, 0, 1, [&](uint64_t, std::span<char>) -> Result<void> {
      started.count_down();
      release.wait();
      return Fail(ErrorKind::kExternalUnavailable, "cut short");
    });
    EXPECT_FALSE(got);
  });
  started.wait();
  std::atomic<bool> own = false;
  std::thread second([&] {
    const auto got = cache->Get(key_, 0, 1, [&](uint64_t offset, std::span<char> into) {
      own = true;  // came after the failure
      return Filling()(offset, into);
    });
    if (!own) {
      ASSERT_FALSE(got);
      EXPECT_EQ(got.error().kind, ErrorKind::kExternalUnavailable);
    }
  });
  release.count_down();
  first.join();
  second.join();
  EXPECT_TRUE(cache->Get(key_, 0, 1, Filling()));
}

TEST_F(BlockCacheTest, DoesNotShareOneCallersRefusal) {
  const auto cache = Make();
  std::latch started(1), release(1);
  std::thread denied([&] {
    const auto got = cache->Get(key_, 0, 1, [&](uint64_t, std::span<char>) -> Result<void> {
      started.count_down();
      release.wait();
      return Fail(ErrorKind::kExternalDenied, "403");
    });
    EXPECT_FALSE(got);
  });
  started.wait();
  std::thread allowed([&] { EXPECT_TRUE(cache->Get(key_, 0, 1, Filling())); });
  release.count_down();
  denied.join();
  allowed.join();
}

TEST_F(BlockCacheTest, KeepsVersionsApart) {
  const auto cache = Make();
  ASSERT_TRUE(cache->Get(key_, 0, 1, Filling()));
  key_.etag = "e2";
  const auto got = cache->Get(key_, 0, 1, [](uint64_t, std::span<char>) -> Result<void> {
    return Fail(ErrorKind::kExternalChanged, "changed");
  });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kExternalChanged);
  EXPECT_EQ(Files(), 1u);
}

TEST_F(BlockCacheTest, EvictsTheLeastRecentWithoutHurtingReaders) {
  const auto cache = Make(3 * kPage);
  key_.block = 0;
  const auto old = cache->Get(key_, 0, 1, Filling());
  ASSERT_TRUE(old);
  for (int i = 2; i <= 4; i++) {
    key_.etag = "e" + std::to_string(i);
    ASSERT_TRUE(cache->Get(key_, 0, 1, Filling()));
  }
  EXPECT_EQ(cache->figures().used_bytes, 3u * kPage);
  EXPECT_EQ(cache->figures().evicted_blocks, 1u);
  EXPECT_EQ(Files(), 3u);
  EXPECT_EQ(Read(*old, 5, 1)[0], At(5));  // the descriptor outlives the name
  key_.etag = "e1";
  const auto gone = cache->Find(key_, 0, 1);
  ASSERT_TRUE(gone);
  EXPECT_FALSE(gone->descriptor);
}

TEST_F(BlockCacheTest, StartsEmptyAfterARestart) {
  ASSERT_TRUE(Make()->Get(key_, 0, 1, Filling()));
  const auto cache = Make();
  EXPECT_EQ(Files(), 0u);
  const auto gone = cache->Find(key_, 0, 1);
  ASSERT_TRUE(gone);
  EXPECT_FALSE(gone->descriptor);
}

}  // namespace
}  // namespace skep::lake
