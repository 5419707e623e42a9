#include "app/application.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "api/access/access_service.h"
#include "api/glue/glue_service.h"
#include "api/glue/partition_walk.h"
#include "api/iam/iam_service.h"
#include "api/redshift_data/data_service.h"
#include "api/sts/sts_service.h"
#include "app/copy_job_sessions.h"
#include "app/credentials.h"
#include "app/iam_setup.h"
#include "app/scratch_inferrer.h"
#include "base/log.h"
#include "base/sealed_box.h"
#include "base/unique_fd.h"
#include "catalog/crawler/crawl.h"
#include "catalog/foreign_catalog.h"
#include "catalog/glue_tables.h"
#include "compute/pool.h"
#include "control/iam_store.h"
#include "control/store.h"
#include "identity/access_control.h"
#include "identity/access_keys.h"
#include "identity/issuer_keys.h"
#include "identity/role_chain.h"
#include "identity/session_token.h"
#include "identity/sts_client.h"
#include "jobs/copy_jobs.h"
#include "jobs/crawl_events.h"
#include "jobs/crawl_jobs.h"
#include "jobs/crawl_schedule.h"
#include "jobs/queue_poller.h"
#include "jobs/workflow_runs.h"
#include "lake/block_cache.h"
#include "lake/lake_service.h"
#include "lake/object_store.h"
#include "net/blocking_pool.h"
#include "net/tls.h"
#include "protocol/aws/authenticator.h"
#include "protocol/aws/event_webhook.h"
#include "protocol/aws/http_server.h"
#include "protocol/aws/json_service.h"
#include "protocol/aws/query_protocol.h"
#include "protocol/pgwire/server.h"
#include "session/warehouse_session.h"

namespace skep::app {
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kCancelLimit =
    std::chrono::seconds(10);  // from cancelling what still runs to its end
constexpr auto kWorkerStopLimit = std::chrono::seconds(10);  // for checkpoints
constexpr auto kUnwindLimit =
    std::chrono::seconds(5);  // for what is left once everything was told to end

int Refuse(const Error& error) {
  log::Fault("start_failed", {{"error", error.message}, {"hint", error.hint}});
  return 1;
}

// Only one gateway may own a data directory.
Result<UniqueFd> LockDirectory(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  const std::string path = (fs::path(directory) / "skep.lock").string();
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file)
    return Fail(ErrorKind::kIoError, "cannot write " + path, {},
                "Check that data_dir exists and is yours.");
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return Fail(ErrorKind::kConflict, "another gateway uses " + directory, {},
                "Stop it, or choose another data_dir.");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.get(), 0) != 0 || ::write(file.get(), pid.data(), pid.size()) < 0) {
    return Fail(ErrorKind::kIoError, "cannot write " + path);
  }
  return file;
}

void RaiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// The names that the PostgreSQL server knows them by.
std::string NameOf(Authentication authentication) {
  switch (authentication) {
    case Authentication::kAuto:
      return "auto";
    case Authentication::kScram:
      return "scram-sha-256";
    case Authentication::kDigest:
      return "digest";
    case Authentication::kMd5:
      return "md5";
    case Authentication::kTrust:
      return "trust";
  }
  return {};
}

// Crawls as the Glue API asks for them.
class CrawlStarter final : public glue::CrawlerRunner {
 public:
  CrawlStarter(jobs::CrawlJobs& crawls, jobs::WorkflowRuns& runs) : crawls_(crawls), runs_(runs) {}
  Result<void> Start(const std::string& account, const std::string& crawler) override {
    return crawls_.Start(account, crawler);
  }
  Result<void> Stop(const std::string& account, const std::string& crawler) override {
    return crawls_.Stop(account, crawler);
  }
  Result<std::string> StartRun(const std::string& account, const std::string& workflow,
                               const std::string& trigger, const std::string& properties) override {
    return runs_.Start(account, workflow, trigger, properties);
  }
  Result<void> StopRun(const std::string& account, const std::string& workflow,
                       const std::string& run) override {
    return runs_.Stop(account, workflow, run);
  }
  Result<void> PutRunProperties(const std::string& account, const std::string& workflow,
                                const std::string& run, const std::string& properties) override {
    return runs_.PutProperties(account, workflow, run, properties);
  }

 private:
  jobs::CrawlJobs& crawls_;
  jobs::WorkflowRuns& runs_;
};

// Crawls that change nothing, one at a time.
class CrawlPreview final : public access::CrawlPreviewer {
 public:
  CrawlPreview(control::Store& store, const identity::RoleChainResolver& roles,
               lake::ObjectStore& objects, catalog::Inferrer& inferrer)
      : store_(store), roles_(roles), objects_(objects), inferrer_(inferrer) {}
  Result<std::string> DryRun(const std::string& account, const std::string& crawler) override {
    const std::unique_lock lock(running_, std::try_to_lock);
    if (!lock) return Fail(ErrorKind::kThrottled, "Another dry run is running.");
    SKEP_TRY_ASSIGN(const auto found, store_.GetCrawler(account, crawler));
    if (!found)
      return Fail(ErrorKind::kUndefinedObject,
                  fmt::format("Crawler entry with name {} does not exist", crawler));
    catalog::CrawlOptions options;
    options.dry_run = true;
    SKEP_TRY_ASSIGN(const auto done, catalog::RunCrawl(
                                         *found, store_, roles_, objects_, inferrer_,
                                         [this] { return stopping_.load(); }, options));
    return done.evidence;
  }
  void Stop() { stopping_ = true; }

 private:
  control::Store& store_;
  const identity::RoleChainResolver& roles_;
  lake::ObjectStore& objects_;
  catalog::Inferrer& inferrer_;
  std::mutex running_;
  std::atomic<bool> stopping_ = false;
};

std::vector<aws::EventSource> EventSources(const Config& config) {
  std::vector<aws::EventSource> sources;
  for (const EventSourceConfig& source : config.event_sources) {
    if (!source.secret.empty())
      sources.push_back({source.name, source.account, source.secret, source.buckets});
  }
  return sources;
}

// Errors: kInvalidSettingValue (a queue of an account without keys).
Result<std::vector<jobs::QueueSource>> QueueSources(const Config& config) {
  std::vector<jobs::QueueSource> sources;
  for (const EventSourceConfig& source : config.event_sources) {
    if (source.queue_url.empty()) continue;
    const auto account = std::ranges::find(config.accounts, source.account, &identity::Account::id);
    if (account == config.accounts.end()) {
      return Fail(ErrorKind::kInvalidSettingValue,
                  fmt::format("event source {}: there is no [[account]] with id = \"{}\"",
                              source.name, source.account),
                  {}, "Its keys read the queue.");
    }
    sources.push_back({source.name, source.queue_url, *account, source.buckets});
  }
  return sources;
}

// Crawlers and auto-copy jobs hear of the same events.
jobs::EventSink KeepEvents(jobs::CrawlEvents& crawls, jobs::CopyJobs& loads) {
  return [&crawls, &loads](const std::string& source, const std::string& account,
                           const std::vector<std::string>& buckets,
                           const std::vector<jobs::LakeEvent>& events) -> Result<void> {
    const size_t objects = loads.Take(account, buckets, events);
    SKEP_TRY_ASSIGN(const auto taken, crawls.Take(account, buckets, events));
    log::Debug("events_kept", {{"source", source},
                               {"events", taken.events},
                               {"folders", taken.folders},
                               {"objects", objects}});
    return {};
  };
}

aws::EventWebhook::Sink ReadEvents(const jobs::EventSink& keep) {
  return [keep](const aws::EventSource& source, const std::string& body) -> Result<void> {
    SKEP_TRY_ASSIGN(const auto told, jobs::ParseLakeEvents(body));
    return keep(source.name, source.account, source.buckets, told);
  };
}

std::string Metric(std::string_view name, std::string_view type, std::string_view help,
                   uint64_t value) {
  return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n{0} {3}\n", name, type, help, value);
}

// What Ending has to end.
struct Parts {
  asio::io_context& io;
  pgwire::Server& pgwire;
  aws::HttpServer& http;
  redshift_data::DataService& data;
  jobs::QueuePoller& queues;
  jobs::CrawlEvents& crawl_events;
  jobs::CrawlJobs& crawls;
  jobs::WorkflowRuns& workflow_runs;
  jobs::CopyJobs& copy_jobs;
  ScratchInferrer& inferrer;
  compute::Pool& pool;
  lake::ObjectStore& objects;
  identity::StsClient& foreign_sts;
  catalog::GlueClient& foreign_glue;
  CrawlPreview& previews;
  net::BlockingPool& blocking;
  bool& ready;  // what /readyz answers
};

// Ends the gateway in order. The first signal drains: both doors close, running statements go on up
// to drain_timeout, what is left is cancelled, workers checkpoint and end. A second signal cuts all
// of that short. Lives on the I/O thread; stops the io_context.
class Ending {
 public:
  Ending(Parts parts, milliseconds drain_timeout)
      : parts_(parts),
        drain_timeout_(drain_timeout),
        signals_(parts.io, SIGTERM, SIGINT),
        changed_(parts.io) {}

  void AwaitSignals() { Spawn(Listen(), "signals"); }
  void Begin() {
    if (std::exchange(begun_, true)) return;
    parts_.ready = false;
    asio::co_spawn(parts_.io, End(), [this](std::exception_ptr error) {
      Report("ending", error);
      signals_.cancel();
      parts_.io.stop();
    });
  }
  bool begun() const { return begun_; }
  bool forced() const { return forced_; }

 private:
  static void Report(std::string_view what, const std::exception_ptr& error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      log::Fault("gateway_coroutine_failed", {{"what", what}, {"error", e.what()}});
    }
  }
  void Spawn(asio::awaitable<void> work, std::string_view what) {
    asio::co_spawn(parts_.io, std::move(work),
                   [what](std::exception_ptr error) { Report(what, error); });
  }
  // Counts a part as open until its draining ends.
  void SpawnDrain(asio::awaitable<void> drain, std::string_view what) {
    ++open_;
    asio::co_spawn(parts_.io, std::move(drain), [this, what](std::exception_ptr error) {
      Report(what, error);
      --open_;
      changed_.cancel();
    });
  }

  asio::awaitable<void> Listen() {
    while (true) {
      boost::system::error_code error;
      auto wait = asio::redirect_error(asio::use_awaitable, error);
      const int signal = co_await signals_.async_wait(wait);
      if (error) co_return;
      log::Info("signal", {{"number", signal}, {"again", begun_}});
      if (begun_) {
        Force();
      } else {
        Begin();
      }
    }
  }

  void Force() {
    if (std::exchange(forced_, true)) return;
    Cancel();
    parts_.pool.Kill();
    changed_.cancel();
  }
  void Cancel() {
    parts_.data.CancelAll();
    parts_.pgwire.Abort();
    parts_.http.Abort();
    parts_.objects.Stop();
    parts_.foreign_sts.Stop();
    parts_.foreign_glue.Stop();
  }

  asio::awaitable<void> StopCrawls() {
    parts_.previews.Stop();
    auto shut_down = [&crawls = parts_.crawls, &events = parts_.crawl_events,
                      &queues = parts_.queues, &copy_jobs = parts_.copy_jobs,
                      &workflow_runs = parts_.workflow_runs] {
      queues.Stop();
      copy_jobs.Stop();
      events.Stop();
      workflow_runs.Suspend();
      crawls.Shutdown();
      return true;
    };
    co_await parts_.blocking.Run(shut_down);
  }

  // False when something is still open at the end of the time, or the end was forced.
  asio::awaitable<bool> AllClosed(milliseconds limit) {
    const auto deadline = steady_clock::now() + limit;
    while (open_ > 0 && !forced_ && steady_clock::now() < deadline) {
      changed_.expires_at(deadline);
      boost::system::error_code ignored;
      auto wait = asio::redirect_error(asio::use_awaitable, ignored);
      co_await changed_.async_wait(wait);
    }
    co_return open_ == 0 && !forced_;
  }

  asio::awaitable<void> End() {
    const auto began = steady_clock::now();
    log::Info("draining", {{"sql_connections", parts_.pgwire.connections()},
                           {"api_connections", parts_.http.connections()},
                           {"api_statements", parts_.data.active()},
                           {"timeout_ms", drain_timeout_.count()}});
    parts_.pgwire.StopAccepting();
    parts_.http.StopAccepting();
    SpawnDrain(parts_.pgwire.Drain(), "drain of SQL connections");
    SpawnDrain(parts_.http.Drain(), "drain of API connections");
    SpawnDrain(parts_.data.Drain(), "drain of API statements");
    SpawnDrain(StopCrawls(), "stop of crawls");
    if (!co_await AllClosed(drain_timeout_)) {
      log::Warn("drain_cut_short", {{"reason", forced_ ? "second signal" : "drain_timeout"},
                                    {"sql_connections", parts_.pgwire.connections()},
                                    {"api_connections", parts_.http.connections()},
                                    {"api_statements", parts_.data.active()}});
      Cancel();
      co_await AllClosed(kCancelLimit);
    }
    parts_.inferrer.Stop();
    co_await parts_.pool.Stop(forced_ ? milliseconds(0) : kWorkerStopLimit);
    const auto ms = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began);
    log::Info("drained", {{"ms", ms.count()}, {"forced", forced_}});
  }

  Parts parts_;
  const milliseconds drain_timeout_;
  asio::signal_set signals_;
  asio::steady_timer changed_;  // cancelled when a part closes or the end is forced
  int open_ = 0;
  bool begun_ = false;
  bool forced_ = false;
};

// The API's walk over partitions for external tables.
Result<std::vector<control::GluePartition>> FindPartitions(
    control::Store& store, const control::TableName& table,
    const std::vector<ipc::TableColumn>& columns, std::string_view expression) {
  std::vector<glue::PartitionKey> keys;
  for (const auto& column : columns) keys.push_back({column.name, column.type});
  return glue::FindPartitions(store, table, keys, expression);
}

// Figures of scans by workspace and organization.
std::string ScanMetrics(const lake::LakeService& lake) {
  std::string out;
  const auto totals = lake.totals();
  const auto add = [&](const char* name, const char* help,
                       uint64_t lake::ScanLog::Total::* figure) {
    if (totals.empty()) return;
    out += fmt::format("# HELP {0} {1}\n# TYPE {0} counter\n", name, help);
    for (const auto& total : totals)
      out += fmt::format("{}{{workspace=\"{}\",account=\"{}\"}} {}\n", name, total.workspace,
                         total.account, total.*figure);
  };
  add("skep_scan_bytes_total", "Bytes of objects that ended scans asked for.",
      &lake::ScanLog::Total::bytes);
  add("skep_scan_requests_total", "Requests for blocks of ended scans.",
      &lake::ScanLog::Total::requests);
  add("skep_scan_files_total", "Files of which ended scans read something.",
      &lake::ScanLog::Total::files);
  add("skep_scans_total", "Scans of external tables and loads that ended.",
      &lake::ScanLog::Total::scans);
  return out;
}

Result<void> WriteRunFile(const Config& config, uint16_t pgwire_port, uint16_t http_port) {
  const nlohmann::json run = {{"pid", ::getpid()},
                              {"pgwire", {{"host", config.pgwire.host}, {"port", pgwire_port}}},
                              {"http", {{"host", config.http.host}, {"port", http_port}}}};
  return WriteFileAtomically(config.RunFile(), run.dump() + "\n", 0600);
}

}  // namespace

int Serve(const Config& config) {
  std::signal(SIGPIPE, SIG_IGN);
  RaiseFileLimit();
  auto lock = LockDirectory(config.data_dir);
  if (!lock) return Refuse(lock.error());

  auto opened = control::OpenSqlite(config.ControlPath());
  if (!opened) return Refuse(opened.error());
  control::Store& store = **opened;
  if (auto failed = store.FailUnfinished("the gateway stopped while the statement ran"); !failed)
    return Refuse(failed.error());
  auto workspace = store.GetWorkspace(config.workspace);
  if (!workspace) return Refuse(workspace.error());
  if (!*workspace) {
    return Refuse(Error{ErrorKind::kUndefinedObject,
                        "there is no workspace \"" + config.workspace + "\" in " + config.data_dir,
                        {},
                        "Run `skep init` first.",
                        0});
  }
  auto opened_iam = OpenIam(config);
  if (!opened_iam) return Refuse(opened_iam.error());
  if (auto put = PutOidcProviders(config, **opened_iam); !put) return Refuse(put.error());
  auto session_key = SessionKey(store);
  if (!session_key) return Refuse(session_key.error());
  auto sealing_key = SealingKey(config.SealingKeyPath());
  if (!sealing_key) return Refuse(sealing_key.error());
  const SealedBox box(std::move(*sealing_key));
  if (auto sealed = glue::SealStoredPasswords(store, box); !sealed) return Refuse(sealed.error());
  auto queue_sources = QueueSources(config);
  if (!queue_sources) return Refuse(queue_sources.error());
  std::shared_ptr<asio::ssl::context> tls;
  if (config.pgwire.tls) {
    auto context = net::ServerContext(config.pgwire.tls_certificate, config.pgwire.tls_key);
    if (!context) return Refuse(context.error());
    tls = std::move(*context);
  }

  asio::io_context io(1);
  net::BlockingPool blocking(4);

  // Identity: policies, temporary credentials, role chains.
  const identity::AccessControl access(**opened_iam);
  const identity::SessionTokens tokens(std::move(*session_key));
  identity::ConfiguredKeys keys(config.accounts);
  identity::RoleChainResolver roles(config.roles, keys);
  roles.UseStoredRoles(access, config.account, config.region);
  roles.UseDefaultChain(config.lake.default_iam_role);
  roles.UseSessionSeconds(config.lake.role_session_duration.count() / 1000);
  identity::StsClient foreign_sts;
  roles.UseForeignRoles(foreign_sts);
  std::vector<identity::IssuerSource> issuers;
  for (const OidcProviderConfig& provider : config.oidc_providers)
    issuers.push_back(provider.source);
  identity::IssuerKeys issuer_keys(std::move(issuers));
  const identity::AccessKeys access_keys(store, access, tokens);

  // Lake: cache, object store, the service that workers ask.
  auto cache = lake::BlockCache::Open(config.lake.cache_dir, config.lake.cache_size_bytes);
  if (!cache) return Refuse(cache.error());
  const auto objects = lake::MakeS3Store({});
  catalog::GlueClient foreign_glue;
  catalog::GlueTableSource tables(store, FindPartitions, &foreign_glue);
  lake::RemoteOptions remote_options;
  remote_options.secrets = config.secrets;
  remote_options.hosts = config.federated_hosts;
  remote_options.seats.seats = config.federated.connections;
  remote_options.seats.of_workspace = config.federated.connections_per_workspace;
  remote_options.seats.patience = config.federated.connection_wait;
  lake::RemoteDatabases remotes(std::move(remote_options));
  lake::LakeServiceOptions lake_options;
  lake_options.remotes = &remotes;
  lake_options.fetch_threads = config.lake.fetch_threads;
  lake_options.keys = &access_keys;
  lake::LakeService lake(tables, roles, **cache, *objects, lake_options);

  // Compute: workers and sessions.
  compute::PoolOptions pool_options;
  pool_options.worker_path = config.worker.path;
  pool_options.data_root = config.WorkspacesDir();
  pool_options.temp_root = config.TempDir();
  pool_options.extension_directory = config.worker.extension_dir;
  pool_options.threads = config.worker.threads;
  pool_options.memory_limit_bytes = config.worker.memory_limit_bytes;
  pool_options.require_sandbox = config.worker.require_sandbox;
  pool_options.prefork = config.worker.prefork;
  pool_options.idle_timeout = config.worker.idle_timeout;
  pool_options.max_active_statements = config.worker.max_active_statements;
  pool_options.max_waiting_statements = config.worker.max_waiting_statements;
  std::error_code ignored;
  fs::remove(config.RunFile(), ignored);
  fs::remove_all(pool_options.temp_root, ignored);
  fs::create_directories(pool_options.data_root, ignored);
  fs::create_directories(pool_options.temp_root, ignored);
  compute::Pool pool(io.get_executor(), pool_options,
                     [&lake](UniqueFd socket, const std::string& name) {
                       return lake.Serve(std::move(socket), name);
                     });
  session::WarehouseSessions sessions(io.get_executor(), pool, store, blocking,
                                      static_cast<uint64_t>(config.statement_timeout.count()));
  ScratchInferrer inferrer(io, pool, lake);
  jobs::CrawlJobs crawls(store, roles, *objects, inferrer);
  jobs::WorkflowRuns workflow_runs(
      store, {[&crawls](const std::string& account, const std::string& crawler) {
                return crawls.Start(account, crawler);
              },
              [&crawls](const std::string& account, const std::string& crawler) {
                return crawls.Stop(account, crawler);
              }});
  crawls.Listen(&workflow_runs,
                [&workflow_runs](const std::string& account, const std::string& crawler, bool) {
                  workflow_runs.CrawlEnded(account, crawler);
                });
  workflow_runs.Recover();
  const jobs::CrawlSchedule crawl_schedule(store, crawls, &workflow_runs);
  jobs::CrawlEventsOptions event_options;
  event_options.debounce = config.events.debounce;
  event_options.sweep = config.events.sweep_interval;
  jobs::CrawlEvents crawl_events(store, crawls, event_options);
  CopyJobSessions copy_job_sessions(io, sessions);
  jobs::CopyJobsOptions copy_options;
  copy_options.debounce = config.events.debounce;
  copy_options.sweep = config.events.sweep_interval;
  jobs::CopyJobs copy_jobs(store, copy_job_sessions, copy_options);
  CopyJobHearing copy_job_hearing(copy_jobs, blocking);
  sessions.Tell(copy_job_hearing);
  const jobs::EventSink keep_events = KeepEvents(crawl_events, copy_jobs);
  jobs::QueuePoller queues(std::move(*queue_sources), keep_events);

  // The APIs.
  redshift_data::DataServiceOptions data_options;
  data_options.results_directory = config.ResultsDir();
  redshift_data::DataService data(io.get_executor(), sessions, store, blocking, data_options);
  CrawlStarter crawl_starter(crawls, workflow_runs);
  glue::GlueService glue(store, blocking, crawl_starter, {}, &box);
  CrawlPreview previews(store, roles, *objects, inferrer);
  access::AccessService explain(sessions, store, roles, blocking, previews);
  sts::StsService sts(access, tokens, issuer_keys);
  iam::IamService iam(access);

  // Doors.
  pgwire::ServerOptions pgwire_options;
  pgwire_options.host = config.pgwire.host;
  pgwire_options.port = config.pgwire.port;
  pgwire_options.tls = tls;
  pgwire_options.require_tls = config.pgwire.require_tls;
  pgwire_options.authentication = NameOf(config.pgwire.authentication);
  pgwire_options.default_workspace = config.workspace;
  pgwire_options.max_connections = config.pgwire.max_connections;
  pgwire::Server pgwire(io, sessions, store, blocking, pgwire_options);

  bool ready = false;
  aws::JsonServiceOptions json_options;
  json_options.ready = [&ready] { return ready; };
  json_options.metrics = [&pool, &pgwire, &data, &lake, &cache, &remotes] {
    const auto figures = lake.figures();
    const auto seats = remotes.figures();
    const auto cached = (*cache)->figures();
    return Metric("skep_workers", "gauge", "Worker processes, spares included.", pool.workers()) +
           Metric("skep_sql_connections", "gauge", "Connections of SQL clients.",
                  pgwire.connections()) +
           Metric("skep_api_statements", "gauge", "Statements of the Data API that run or wait.",
                  data.active()) +
           Metric("skep_lake_blocks_total", "counter", "Blocks of lake objects handed to workers.",
                  figures.blocks) +
           Metric("skep_lake_bytes_total", "counter",
                  "Bytes of lake objects that workers asked for.", figures.bytes) +
           Metric("skep_lake_refused_total", "counter",
                  "Requests of workers to the lake that were refused.", figures.refused) +
           Metric("skep_cache_bytes", "gauge", "Bytes of lake objects in the block cache.",
                  cached.used_bytes) +
           Metric("skep_cache_hits_total", "counter", "Ranges that were in the block cache.",
                  cached.hits) +
           Metric("skep_cache_misses_total", "counter",
                  "Ranges that were fetched into the block cache.", cached.misses) +
           Metric("skep_cache_bypassed_total", "counter",
                  "Ranges that were fetched past a block cache that could not hold them.",
                  cached.bypassed) +
           Metric("skep_cache_damaged_pages_total", "counter",
                  "Pages of the block cache that were not what was fetched, and fetched again.",
                  cached.damaged_pages) +
           Metric("skep_remote_connections", "gauge", "Connections to remote databases.",
                  seats.taken) +
           Metric("skep_remote_waiting", "gauge",
                  "Requests that wait for a connection to a remote database.", seats.waiting) +
           ScanMetrics(lake);
  };
  aws::AuthenticatorOptions authenticator_options;
  authenticator_options.administrators = config.workspace;
  aws::Authenticator authenticator(store, &access, &tokens, blocking, authenticator_options);
  aws::JsonService json(authenticator, blocking, {&data, &glue, &explain}, json_options);
  aws::QueryProtocol query(authenticator, blocking, {&sts, &iam});
  aws::HttpOptions http_options;
  http_options.host = config.http.host;
  http_options.port = config.http.port;
  aws::EventWebhook webhook(EventSources(config), blocking, ReadEvents(keep_events));
  aws::HttpServer http(io, http_options, [&json, &query, &webhook](aws::HttpRequest request) {
    if (aws::EventWebhook::Takes(request)) return webhook.Handle(std::move(request));
    return aws::QueryProtocol::Takes(request) ? query.Handle(std::move(request))
                                              : json.Handle(std::move(request));
  });

  // Life. Whatever happens from here on, coroutines refer to what is above: only Ending ends them.
  Ending ending({io, pgwire, http, data, queues, crawl_events, crawls, workflow_runs, copy_jobs,
                 inferrer, pool, *objects, foreign_sts, foreign_glue, previews, blocking, ready},
                config.drain_timeout);
  const auto start = [&]() -> Result<void> {
    SKEP_TRY(data.Start());
    SKEP_TRY(pool.Start());
    SKEP_TRY(pgwire.Start());
    SKEP_TRY(http.Start());
    return WriteRunFile(config, pgwire.port(), http.port());
  };
  int exit_code = 0;
  if (auto started = start(); started) {
    ready = true;
    log::Info("ready", {{"sql", fmt::format("{}:{}", config.pgwire.host, pgwire.port())},
                        {"http", fmt::format("{}:{}", config.http.host, http.port())},
                        {"data_dir", config.data_dir},
                        {"workspace", config.workspace},
                        {"pid", ::getpid()}});
    ending.AwaitSignals();
  } else {
    exit_code = Refuse(started.error());
    ending.Begin();
  }
  io.run();
  if (ending.forced()) exit_code = 2;
  fs::remove(config.RunFile(), ignored);

  // Every coroutine keeps the loop busy until it ends, so an idle loop means that nothing refers to
  // the parts any more.
  io.restart();
  io.run_for(kUnwindLimit);
  if (!io.stopped()) {
    log::Fault("stopped_with_work_left", {{"sql_connections", pgwire.connections()},
                                          {"api_connections", http.connections()}});
    std::_Exit(exit_code == 0 ? 2 : exit_code);
  }
  foreign_sts.Stop();
  foreign_glue.Stop();
  previews.Stop();
  queues.Stop();
  copy_jobs.Stop();
  crawl_events.Stop();
  workflow_runs.Suspend();
  crawls.Shutdown();
  lake.Shutdown();
  blocking.Join();
  log::Info("stopped", {{"exit_code", exit_code}});
  return exit_code;
}

}  // namespace skep::app
