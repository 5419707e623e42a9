#include "app/offline_crawl.h"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "app/iam_setup.h"
#include "app/scratch_inferrer.h"
#include "catalog/glue_tables.h"
#include "compute/pool.h"
#include "identity/access_control.h"
#include "lake/block_cache.h"
#include "lake/lake_service.h"

namespace skep::app {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kCacheBytes = 1ull << 30;
constexpr auto kStopLimit = std::chrono::seconds(5);

// Removed at the end.
class Folder {
 public:
  static Result<Folder> Make(const std::string& parent) {
    std::error_code error;
    fs::create_directories(parent, error);
    std::string path = parent + "/dry-run-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr)
      return Fail(ErrorKind::kIoError, "cannot make a folder in " + parent);
    return Folder(std::move(path));
  }
  Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Folder& operator=(Folder&&) = delete;
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  std::string Sub(const char* name) const {
    std::error_code ignored;
    fs::create_directories(path_ + "/" + name, ignored);
    return path_ + "/" + name;
  }

 private:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace

Result<catalog::CrawlSummary> DryRunCrawl(const Config& config, control::Store& store,
                                          const control::Crawler& crawler) {
  std::signal(SIGPIPE, SIG_IGN);
  SKEP_TRY_ASSIGN(const auto iam, OpenIam(config));
  const identity::AccessControl access(*iam);
  identity::ConfiguredKeys keys(config.accounts);
  identity::RoleChainResolver roles(config.roles, keys);
  roles.UseStoredRoles(access, config.account, config.region);

  SKEP_TRY_ASSIGN(const Folder folder, Folder::Make(fs::temp_directory_path().string()));
  SKEP_TRY_ASSIGN(const auto cache, lake::BlockCache::Open(folder.Sub("cache"), kCacheBytes));
  const auto objects = lake::MakeS3Store({});
  catalog::GlueTableSource tables(store);
  lake::LakeService lake(tables, roles, *cache, *objects, {});
  compute::PoolOptions options;
  options.worker_path = config.worker.path;
  options.data_root = folder.Sub("workspaces");
  options.temp_root = folder.Sub("temp");
  options.extension_directory = config.worker.extension_dir;
  options.threads = 1;
  options.require_sandbox = config.worker.require_sandbox;
  options.prefork = 0;
  boost::asio::io_context io(1);
  compute::Pool pool(io.get_executor(), options, [&lake](UniqueFd socket, const std::string& name) {
    return lake.Serve(std::move(socket), name);
  });
  ScratchInferrer inferrer(io, pool, lake);
  SKEP_TRY(pool.Start());
  auto work = boost::asio::make_work_guard(io);
  std::thread loop([&io] { io.run(); });

  catalog::CrawlOptions crawl_options;
  crawl_options.dry_run = true;
  auto done = catalog::RunCrawl(crawler, store, roles, *objects, inferrer, {}, crawl_options);

  const auto stop = [&]() -> boost::asio::awaitable<void> {
    inferrer.Stop();
    co_await pool.Stop(kStopLimit);
  };
  boost::asio::co_spawn(io, stop(), boost::asio::use_future).wait();
  work.reset();
  io.stop();
  loop.join();
  lake.Shutdown();
  return done;
}

}  // namespace skep::app
