// What it costs to hand out a block of the block cache whose pages lie in memory: with its sums
// compared, beside opening the file alone and beside copying the same bytes.
#include "lake/block_cache.h"

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "ipc/messages.h"

namespace {

using namespace skep;
using namespace skep::lake;

struct Folder {
  Folder() {
    char name[] = "/tmp/skep-block-cache-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

const BlockKey kKey{"http://s3", "bucket", "key", "etag", ipc::kBlockBytes, 0};

Result<void> Fill(uint64_t offset, std::span<char> into) {
  for (size_t i = 0; i < into.size(); i++) into[i] = static_cast<char>((offset + i) * 31 >> 3);
  return {};
}

// Bytes that are asked for at once.
void HandOut(benchmark::State& state) {
  const auto length = static_cast<uint32_t>(state.range(0));
  const Folder folder;
  const auto cache = std::move(*BlockCache::Open(folder.path, 64u << 20));
  (void)cache->Get(kKey, 0, static_cast<uint32_t>(ipc::kBlockBytes), Fill);
  for (auto _ : state) {
    const auto found = cache->Find(kKey, 0, length);
    if (!found || !found->descriptor) state.SkipWithError("not in the cache");
  }
  state.SetBytesProcessed(state.iterations() * length);
}
BENCHMARK(HandOut)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20)->Arg(8 << 20);

void OpenAlone(benchmark::State& state) {
  const Folder folder;
  const auto cache = std::move(*BlockCache::Open(folder.path, 64u << 20));
  (void)cache->Get(kKey, 0, 1, Fill);
  const std::string path = std::filesystem::directory_iterator(folder.path)->path();
  for (auto _ : state) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    benchmark::DoNotOptimize(file);
    ::close(file);
  }
}
BENCHMARK(OpenAlone);

void Sum(benchmark::State& state) {
  std::string bytes(ipc::kBlockBytes, '\0');
  (void)Fill(0, bytes);
  std::vector<uint32_t> sums(bytes.size() / BlockCache::kPageBytes);
  for (auto _ : state) {
    Crc32cOfPages(bytes, BlockCache::kPageBytes, sums);
    benchmark::DoNotOptimize(sums.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}
BENCHMARK(Sum);

void Copy(benchmark::State& state) {
  std::string from(ipc::kBlockBytes, 'x'), to(ipc::kBlockBytes, 'y');
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(from.size()));
}
BENCHMARK(Copy);

}  // namespace

BENCHMARK_MAIN();
