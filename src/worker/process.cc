#include "worker/process.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/log.h"
#include "ipc/channel.h"
#include "ipc/messages.h"
#include "worker/engine.h"
#include "worker/reactor.h"
#include "worker/sandbox.h"
#include "worker/session.h"

namespace skep::worker {
namespace fs = std::filesystem;

namespace {

constexpr int kFailed = 1, kUnusable = 70;
// Deep expressions are walked by recursion, within the limits of parser and emitter.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr size_t kStackBytes = 128u << 20;
#else
constexpr size_t kStackBytes = 32u << 20;
#endif
#else
constexpr size_t kStackBytes = 32u << 20;
#endif

bool Tell(int control, ipc::ControlType type, std::string text) {
  ipc::Control message;
  message.type = type;
  message.text = std::move(text);
  return ipc::SendPacket(control, ipc::EncodePacket(message));
}

void Empty(const std::string& directory) {
  std::error_code ignored;
  for (fs::directory_iterator it(directory, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    std::error_code each;
    fs::remove_all(it->path(), each);
  }
}

SandboxPlan PlanFor(const ipc::WorkerBinding& binding) {
  SandboxPlan plan;
  plan.writable = {binding.temp_directory};
  if (!binding.workspace.empty())
    plan.writable.push_back((fs::path(binding.data_directory) / "databases").string());
  plan.readable = {"/proc/self",     "/proc/meminfo",           "/proc/cpuinfo",
                   "/sys/fs/cgroup", "/sys/devices/system/cpu", "/usr/share/zoneinfo"};
  if (!binding.extension_directory.empty()) plan.readable.push_back(binding.extension_directory);
  return plan;
}

// A thread with a stack of our own choosing, which std::thread does not offer.
class SessionThread {
 public:
  SessionThread(std::shared_ptr<Session> session, std::function<void()> done)
      : start_{std::move(session), std::move(done)} {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, kStackBytes);
    started_ = ::pthread_create(&thread_, &attributes, &SessionThread::Main, &start_) == 0;
    ::pthread_attr_destroy(&attributes);
  }
  ~SessionThread() {
    if (started_) ::pthread_join(thread_, nullptr);
  }
  SessionThread(const SessionThread&) = delete;
  SessionThread& operator=(const SessionThread&) = delete;

  bool started() const { return started_; }
  Session& session() { return *start_.session; }
  bool finished() const { return start_.finished.load(std::memory_order_acquire); }

 private:
  struct Start {
    std::shared_ptr<Session> session;
    std::function<void()> done;
    std::atomic<bool> finished = false;
  };
  static void* Main(void* argument) {
    auto& start = *static_cast<Start*>(argument);
    start.session->Run();
    start.finished.store(true, std::memory_order_release);
    start.done();
    return nullptr;
  }

  Start start_;
  pthread_t thread_{};
  bool started_ = false;
};

class Process {
 public:
  Process(UniqueFd control, UniqueFd lake) : control_(std::move(control)), lake_(std::move(lake)) {}

  int Run() {
    ipc::Packet packet;
    if (ipc::ReceivePacket(control_.get(), packet) != ipc::ReceiveStatus::kPacket) return 0;
    ipc::Control request;
    if (!ipc::DecodeExact(packet.bytes, request)) return kFailed;
    if (request.type == ipc::ControlType::kShutdown) return 0;
    if (request.type != ipc::ControlType::kBind) return kFailed;
    if (auto bound = Bind(request.binding); !bound) {
      Tell(control_.get(), ipc::ControlType::kFailed, bound.error().message);
      return kFailed;
    }
    const int code = Serve();
    for (auto& thread : threads_) thread->session().End();
    threads_.clear();
    reactor_.reset();
    engine_->Close();
    engine_.reset();
    return code;
  }

 private:
  Result<void> Bind(const ipc::WorkerBinding& binding) {
    Empty(binding.temp_directory);
    SKEP_TRY_ASSIGN(const SandboxReport report, LockDown(PlanFor(binding)));
    if (!report.missing.empty())
      log::Warn("sandbox_incomplete",
                {{"workspace", binding.workspace}, {"missing", report.Summary()}});
    if (binding.require_sandbox && !report.complete()) {
      return Fail(
          ErrorKind::kFeatureNotSupported,
          "the sandbox that worker.require_sandbox asks for is not complete: " + report.Summary());
    }
    SKEP_TRY_ASSIGN(engine_, Engine::Open(binding, std::move(lake_)));
    reactor_ = std::make_unique<Reactor>();
    wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!Tell(control_.get(), ipc::ControlType::kBound, report.Summary()))
      return Fail(ErrorKind::kAdminShutdown, "the gateway is gone");
    return {};
  }

  int Serve() {
    while (true) {
      pollfd waits[2] = {{control_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
      if (::poll(waits, 2, -1) < 0) {
        if (errno == EINTR) continue;
        return kFailed;
      }
      if (waits[1].revents != 0) {
        uint64_t count = 0;
        (void)!::read(wake_.get(), &count, sizeof count);
        std::erase_if(threads_, [](const auto& thread) { return thread->finished(); });
      }
      if (waits[0].revents == 0) continue;
      ipc::Packet packet;
      // Without its gateway a worker has nobody to answer to; what was committed is on disk.
      if (ipc::ReceivePacket(control_.get(), packet) != ipc::ReceiveStatus::kPacket) ::_exit(0);
      ipc::Control message;
      if (!ipc::DecodeExact(packet.bytes, message)) return kFailed;
      switch (message.type) {
        case ipc::ControlType::kOpenSession:
          if (packet.fds.size() != 1) return kFailed;
          OpenSession(std::move(packet.fds[0]));
          break;
        case ipc::ControlType::kCancel:
          for (auto& thread : threads_) thread->session().Cancel(message.text);
          break;
        case ipc::ControlType::kShutdown:
          return 0;
        default:
          return kFailed;
      }
    }
  }

  void OpenSession(UniqueFd socket) {
    ipc::SetNonBlocking(socket.get(), false);
    auto session = Session::Open(*engine_, *reactor_, std::move(socket), [] {
      log::Fault("worker_unusable", {{"pid", ::getpid()}});
      ::_exit(kUnusable);
    });
    auto thread = std::make_unique<SessionThread>(std::move(session), [this] {
      const uint64_t one = 1;
      (void)!::write(wake_.get(), &one, sizeof one);
    });
    // Without a thread the socket closes, and the gateway tells its client that the worker was
    // lost.
    if (thread->started())
      threads_.push_back(std::move(thread));
    else
      log::Fault("session_thread_failed", {{"sessions", threads_.size()}});
  }

  UniqueFd control_, lake_, wake_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Reactor> reactor_;
  std::vector<std::unique_ptr<SessionThread>> threads_;
};

}  // namespace

int RunWorker(UniqueFd control, UniqueFd lake) {
  try {
    return Process(std::move(control), std::move(lake)).Run();
  } catch (const std::exception& e) {
    log::Fault("worker_failed", {{"error", e.what()}});
    return kFailed;
  }
}

}  // namespace skep::worker
