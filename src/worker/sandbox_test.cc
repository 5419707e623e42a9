#include "worker/sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace skep::worker {
namespace {
namespace fs = std::filesystem;

// What an attempt answers: 0 when it worked, else errno.
int ErrorOf(long result) { return result < 0 ? errno : 0; }
int OpenError(const std::string& path, int flags) {
  const UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  return fd ? 0 : errno;
}

struct Outcome {
  bool locked = false;
  bool files = false, calls = false;
  int value = -1;  // what the attempt answered
  char text[512] = {};
};

class SandboxTest : public ::testing::Test {
 protected:
  SandboxTest() {
    std::string path = (fs::temp_directory_path() / "skep-sandbox-XXXXXX").string();
    root_ = ::mkdtemp(path.data());
    inside_ = root_ + "/inside";
    outside_ = root_ + "/outside";
    fs::create_directory(inside_);
    fs::create_directory(outside_);
    std::ofstream(inside_ + "/mine") << "mine";
    std::ofstream(outside_ + "/secret") << "secret";
  }
  ~SandboxTest() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  // Runs `attempt` in a child, locked down or free; `before` runs first, free in any case.
  Outcome Run(
      bool locked, const std::function<int()>& attempt,
      const std::function<void()>& before = [] {}) {
    int pipe[2];
    EXPECT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    const UniqueFd from(pipe[0]);
    UniqueFd to(pipe[1]);
    const pid_t child = ::fork();
    if (child == 0) {
      before();
      Outcome outcome;
      if (locked) {
        const auto report = LockDown({{inside_}, {"/proc/self", "/does/not/exist"}});
        outcome.locked = report.has_value();
        const std::string text = report ? report->Summary() : report.error().message;
        std::strncpy(outcome.text, text.c_str(), sizeof outcome.text - 1);
        outcome.files = report && report->files;
        outcome.calls = report && report->calls;
      }
      outcome.value = locked && !outcome.locked ? -2 : attempt();
      const bool sent = ::write(to.get(), &outcome, sizeof outcome) == sizeof outcome;
      ::_exit(sent ? 0 : 1);
    }
    to.Reset();
    Outcome outcome;
    EXPECT_EQ(::read(from.get(), &outcome, sizeof outcome), static_cast<ssize_t>(sizeof outcome))
        << "the child died";
    ::waitpid(child, nullptr, 0);
    return outcome;
  }

  std::string root_, inside_, outside_;
};

#define SKEP_NEEDS(outcome, layer)                                                         \
  do {                                                                                     \
    ASSERT_TRUE((outcome).locked) << (outcome).text;                                       \
    if (!(outcome).layer) GTEST_SKIP() << "this kernel lacks a layer: " << (outcome).text; \
  } while (false)

struct Attempt {
  const char* what;
  std::function<int()> run;
  int expected;
};

TEST_F(SandboxTest, KeepsFilesOutsideTheFolderOutOfReach) {
  const std::string secret = outside_ + "/secret", mine = inside_ + "/mine";
  const UniqueFd inherited(::open(secret.c_str(), O_RDONLY | O_CLOEXEC));
  const std::string again = "/proc/self/fd/" + std::to_string(inherited.get());
  const std::string parent = "/proc/" + std::to_string(::getpid());
  const std::string dots = inside_ + "/../outside/secret";
  // A link that was there before, to somewhere else.
  ASSERT_EQ(::symlink(secret.c_str(), (inside_ + "/link").c_str()), 0);
  const Attempt attempts[] = {
      {"read /etc/passwd", [] { return OpenError("/etc/passwd", O_RDONLY); }, EACCES},
      {"read a file beside", [&] { return OpenError(secret, O_RDONLY); }, EACCES},
      {"read it by way of ..", [&] { return OpenError(dots, O_RDONLY); }, EACCES},
      {"read it by a link", [&] { return OpenError(inside_ + "/link", O_RDONLY); }, EACCES},
      {"write a file beside", [&] { return OpenError(secret, O_WRONLY); }, EACCES},
      {"empty a file beside", [&] { return OpenError(secret, O_WRONLY | O_TRUNC); }, EACCES},
      {"make a file beside", [&] { return OpenError(outside_ + "/new", O_CREAT | O_WRONLY); },
       EACCES},
      {"make a folder beside", [&] { return ErrorOf(::mkdir((outside_ + "/dir").c_str(), 0700)); },
       EACCES},
      {"remove a file beside", [&] { return ErrorOf(::unlink(secret.c_str())); }, EACCES},
      {"list a folder beside", [&] { return OpenError(outside_, O_RDONLY | O_DIRECTORY); }, EACCES},
      {"list /", [] { return OpenError("/", O_RDONLY | O_DIRECTORY); }, EACCES},
      {"rename out", [&] { return ErrorOf(::rename(mine.c_str(), (outside_ + "/mine").c_str())); },
       EACCES},
      {"rename in",
       [&] { return ErrorOf(::rename(secret.c_str(), (inside_ + "/secret").c_str())); }, EACCES},
      {"open an inherited file again", [&] { return OpenError(again, O_RDONLY); }, EACCES},
      {"open an inherited file for writing", [&] { return OpenError(again, O_RDWR); }, EACCES},
      {"read the root by /proc/self/root",
       [&] { return OpenError("/proc/self/root/etc/passwd", O_RDONLY); }, EACCES},
      {"read init's environment", [] { return OpenError("/proc/1/environ", O_RDONLY); }, EACCES},
      {"read the parent's memory", [&] { return OpenError(parent + "/mem", O_RDONLY); }, EACCES},
      {"read the parent's environment", [&] { return OpenError(parent + "/environ", O_RDONLY); },
       EACCES},
      {"write the own memory", [] { return OpenError("/proc/self/mem", O_RDWR); }, EACCES},
      {"open a device", [] { return OpenError("/dev/null", O_RDWR); }, EACCES},
  };
  for (const auto& attempt : attempts) {
    const Outcome outcome = Run(true, attempt.run);
    SKEP_NEEDS(outcome, files);
    EXPECT_EQ(outcome.value, attempt.expected)
        << attempt.what << ": " << std::strerror(outcome.value);
  }
  // Without the sandbox the same would go, so it is the sandbox that refuses.
  for (const char* free :
       {"read a file beside", "read it by a link", "open an inherited file again",
        "list a folder beside", "read the parent's environment"}) {
    for (const auto& attempt : attempts) {
      if (std::strcmp(attempt.what, free) == 0) EXPECT_EQ(Run(false, attempt.run).value, 0) << free;
    }
  }
  std::ifstream in(secret);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "secret");
}

TEST_F(SandboxTest, RefusesCallsThatReachBeyondTheProcess) {
  const std::string secret = outside_ + "/secret", mine = inside_ + "/mine";
  const pid_t parent = ::getpid();
  const UniqueFd unconnected(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un abstract{};
  abstract.sun_family = AF_UNIX;
  std::memcpy(abstract.sun_path, "\0skep-sandbox-test", 18);
  const UniqueFd inherited(::open(secret.c_str(), O_RDWR | O_CLOEXEC));
  char* const no_arguments[] = {nullptr};
  static char stack[65536];
  const Attempt attempts[] = {
      {"socket(AF_INET)", [] { return ErrorOf(::socket(AF_INET, SOCK_STREAM, 0)); }, EPERM},
      {"socket(AF_INET6, DGRAM)", [] { return ErrorOf(::socket(AF_INET6, SOCK_DGRAM, 0)); }, EPERM},
      {"socket(AF_UNIX)", [] { return ErrorOf(::socket(AF_UNIX, SOCK_STREAM, 0)); }, EPERM},
      {"socket(AF_NETLINK)", [] { return ErrorOf(::socket(AF_NETLINK, SOCK_RAW, 0)); }, EPERM},
      {"socketpair",
       [] {
         int p[2];
         return ErrorOf(::socketpair(AF_UNIX, SOCK_STREAM, 0, p));
       },
       EPERM},
      {"connect to an abstract name",
       [&] {
         return ErrorOf(::connect(unconnected.get(), reinterpret_cast<sockaddr*>(&abstract),
                                  sizeof(sa_family_t) + 18));
       },
       EPERM},
      {"bind",
       [&] {
         return ErrorOf(::bind(unconnected.get(), reinterpret_cast<sockaddr*>(&abstract),
                               sizeof(sa_family_t) + 18));
       },
       EPERM},
      {"listen", [&] { return ErrorOf(::listen(unconnected.get(), 1)); }, EPERM},
      {"setsockopt",
       [&] {
         int one = 1;
         return ErrorOf(::setsockopt(unconnected.get(), SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
       },
       EPERM},
      {"execve", [&] { return ErrorOf(::execve("/bin/true", no_arguments, no_arguments)); }, EPERM},
      {"execveat",
       [&] {
         return ErrorOf(
             ::syscall(SYS_execveat, AT_FDCWD, "/bin/true", no_arguments, no_arguments, 0));
       },
       EPERM},
      {"fork", [] { return ErrorOf(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }, EPERM},
      {"clone in a new namespace",
       [] {
         return ErrorOf(
             ::syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER, stack + sizeof stack, 0, 0, 0));
       },
       EPERM},
      {"clone3", [] { return ErrorOf(::syscall(SYS_clone3, nullptr, 0)); }, ENOSYS},
      {"ptrace", [&] { return ErrorOf(::ptrace(PTRACE_ATTACH, parent, nullptr, nullptr)); }, EPERM},
      {"ptrace of itself", [] { return ErrorOf(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); },
       EPERM},
      {"process_vm_readv",
       [&] {
         char byte;
         iovec local{&byte, 1}, remote{&byte, 1};
         return ErrorOf(::process_vm_readv(parent, &local, 1, &remote, 1, 0));
       },
       EPERM},
      {"mount", [] { return ErrorOf(::mount("none", "/tmp", "tmpfs", 0, nullptr)); }, EPERM},
      {"umount", [] { return ErrorOf(::umount2("/proc", MNT_DETACH)); }, EPERM},
      {"unshare", [] { return ErrorOf(::unshare(CLONE_NEWUSER)); }, EPERM},
      {"setns", [] { return ErrorOf(::setns(0, 0)); }, EPERM},
      {"chroot", [&] { return ErrorOf(::chroot(inside_.c_str())); }, EPERM},
      {"chdir", [&] { return ErrorOf(::chdir(inside_.c_str())); }, EPERM},
      {"kill of the parent", [&] { return ErrorOf(::kill(parent, SIGCONT)); }, EPERM},
      {"kill of all", [] { return ErrorOf(::kill(-1, 0)); }, EPERM},
      {"tgkill of the parent", [&] { return ErrorOf(::syscall(SYS_tgkill, parent, parent, 0)); },
       EPERM},
      {"tkill", [&] { return ErrorOf(::syscall(SYS_tkill, parent, 0)); }, EPERM},
      {"rt_sigqueueinfo",
       [&] {
         siginfo_t info{};
         return ErrorOf(::syscall(SYS_rt_sigqueueinfo, parent, 0, &info));
       },
       EPERM},
      {"pidfd_open", [&] { return ErrorOf(::syscall(SYS_pidfd_open, parent, 0)); }, EPERM},
      {"pidfd_getfd", [] { return ErrorOf(::syscall(SYS_pidfd_getfd, 0, 0, 0)); }, EPERM},
      {"signals by F_SETOWN", [&] { return ErrorOf(::fcntl(unconnected.get(), F_SETOWN, parent)); },
       EPERM},
      {"signals by F_SETSIG",
       [&] { return ErrorOf(::fcntl(unconnected.get(), F_SETSIG, SIGKILL)); }, EPERM},
      {"signals by FIOSETOWN",
       [&] {
         pid_t owner = parent;
         return ErrorOf(::ioctl(unconnected.get(), FIOSETOWN, &owner));
       },
       EPERM},
      {"leases", [&] { return ErrorOf(::fcntl(inherited.get(), F_SETLEASE, F_RDLCK)); }, EPERM},
      {"typing into a terminal",
       [] {
         char c = 'x';
         return ErrorOf(::ioctl(0, TIOCSTI, &c));
       },
       EPERM},
      {"sched_setaffinity of the parent",
       [&] {
         cpu_set_t set;
         CPU_ZERO(&set);
         CPU_SET(0, &set);
         return ErrorOf(::sched_setaffinity(parent, sizeof set, &set));
       },
       EPERM},
      {"setpriority of the parent",
       [&] { return ErrorOf(::setpriority(PRIO_PROCESS, static_cast<id_t>(parent), 1)); }, EPERM},
      {"io_uring_setup",
       [] {
         char zero[256] = {};
         return ErrorOf(::syscall(SYS_io_uring_setup, 1, zero));
       },
       EPERM},
      {"bpf",
       [] {
         bpf_attr attr{};
         return ErrorOf(::syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr));
       },
       EPERM},
      {"perf_event_open",
       [] {
         perf_event_attr attr{};
         return ErrorOf(::syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
       },
       EPERM},
      {"userfaultfd", [] { return ErrorOf(::syscall(SYS_userfaultfd, 1)); }, EPERM},
      {"keyctl", [] { return ErrorOf(::syscall(SYS_keyctl, 0, -3, 0)); }, EPERM},
      {"add_key", [] { return ErrorOf(::syscall(SYS_add_key, "user", "x", "y", 1, -3)); }, EPERM},
      {"memfd_create", [] { return ErrorOf(::memfd_create("x", 0)); }, EPERM},
      {"shmget", [] { return ErrorOf(::syscall(SYS_shmget, 0, 4096, 01600)); }, EPERM},
      {"raising a limit",
       [] {
         rlimit files{1, 1};
         return ErrorOf(::setrlimit(RLIMIT_NOFILE, &files));
       },
       EPERM},
      {"the parent's limits",
       [&] {
         rlimit files{1, 1};
         return ErrorOf(::prlimit(parent, RLIMIT_NOFILE, &files, nullptr));
       },
       EPERM},
      {"prctl(PR_SET_DUMPABLE)", [] { return ErrorOf(::prctl(PR_SET_DUMPABLE, 1)); }, EPERM},
      {"prctl(PR_SET_PDEATHSIG)", [] { return ErrorOf(::prctl(PR_SET_PDEATHSIG, 0)); }, EPERM},
      {"prctl(PR_SET_SECCOMP)",
       [] { return ErrorOf(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); }, EPERM},
      {"hard link out", [&] { return ErrorOf(::link(mine.c_str(), (outside_ + "/link").c_str())); },
       EPERM},
      {"hard link in", [&] { return ErrorOf(::link(secret.c_str(), (inside_ + "/hard").c_str())); },
       EPERM},
      {"symbolic link",
       [&] { return ErrorOf(::symlink(secret.c_str(), (inside_ + "/soft").c_str())); }, EPERM},
      {"truncate by path", [&] { return ErrorOf(::truncate(secret.c_str(), 0)); }, EPERM},
      {"chmod", [&] { return ErrorOf(::chmod(secret.c_str(), 0777)); }, EPERM},
      {"chown", [&] { return ErrorOf(::chown(secret.c_str(), 0, 0)); }, EPERM},
      {"utimensat", [&] { return ErrorOf(::utimensat(AT_FDCWD, secret.c_str(), nullptr, 0)); },
       EPERM},
      {"setxattr",
       [&] { return ErrorOf(::syscall(SYS_setxattr, secret.c_str(), "user.x", "y", 1, 0)); },
       EPERM},
      {"mknod", [&] { return ErrorOf(::mkfifo((inside_ + "/fifo").c_str(), 0600)); }, EPERM},
      {"open_by_handle_at",
       [] { return ErrorOf(::syscall(SYS_open_by_handle_at, AT_FDCWD, nullptr, 0)); }, EPERM},
      {"inotify", [] { return ErrorOf(::syscall(SYS_inotify_init1, 0)); }, EPERM},
      {"fanotify", [] { return ErrorOf(::syscall(SYS_fanotify_init, 0, 0)); }, EPERM},
      {"setuid", [] { return ErrorOf(::syscall(SYS_setuid, 0)); }, EPERM},
      {"capset", [] { return ErrorOf(::syscall(SYS_capset, nullptr, nullptr)); }, EPERM},
      {"personality", [] { return ErrorOf(::syscall(SYS_personality, 0xffffffff)); }, EPERM},
      {"loading a module", [] { return ErrorOf(::syscall(SYS_init_module, nullptr, 0, "")); },
       EPERM},
      {"reboot", [] { return ErrorOf(::syscall(SYS_reboot, 0, 0, 0, 0)); }, EPERM},
      {"landlock again", [] { return ErrorOf(::syscall(444, nullptr, 0, 1)); }, EPERM},
      {"a number that is no call", [] { return ErrorOf(::syscall(0x7fff)); }, EPERM},
  };
  size_t free = 0;
  for (const auto& attempt : attempts) {
    const Outcome outcome = Run(true, attempt.run);
    SKEP_NEEDS(outcome, calls);
    EXPECT_EQ(outcome.value, attempt.expected)
        << attempt.what << ": " << std::strerror(outcome.value);
  }
  // Harmless ones, without the sandbox: they go, so it is the sandbox that refuses.
  for (const char* harmless :
       {"socket(AF_INET)", "socket(AF_UNIX)", "socketpair", "bind", "chdir", "kill of the parent",
        "signals by F_SETOWN", "signals by F_SETSIG", "memfd_create", "prctl(PR_SET_DUMPABLE)",
        "symbolic link", "chmod", "mknod", "inotify", "sched_setaffinity of the parent"}) {
    for (const auto& attempt : attempts) {
      if (std::strcmp(attempt.what, harmless) != 0) continue;
      EXPECT_EQ(Run(false, attempt.run).value, 0) << harmless;
      free++;
    }
  }
  EXPECT_EQ(free, 15u);
}

TEST_F(SandboxTest, AThreadMadeAfterwardsHasTheSameLimits) {
  const Outcome files = Run(true, [] {
    int error = 0;
    std::thread([&] { error = OpenError("/etc/passwd", O_RDONLY); }).join();
    return error;
  });
  SKEP_NEEDS(files, files);
  EXPECT_EQ(files.value, EACCES);
  const Outcome calls = Run(true, [] {
    int error = 0;
    std::thread([&] { error = ErrorOf(::socket(AF_INET, SOCK_STREAM, 0)); }).join();
    return error;
  });
  SKEP_NEEDS(calls, calls);
  EXPECT_EQ(calls.value, EPERM);
}

TEST_F(SandboxTest, HoldsNoCapabilityAndLeavesNoCore) {
  const Outcome outcome = Run(true, [] {
    FILE* status = std::fopen("/proc/self/status", "r");
    if (!status) return 1;
    char line[256];
    int seen = 0;
    while (std::fgets(line, sizeof line, status) != nullptr) {
      for (const char* set : {"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"}) {
        if (std::strncmp(line, set, std::strlen(set)) != 0) continue;
        if (std::strtoull(line + std::strlen(set), nullptr, 16) != 0 &&
            std::strcmp(set, "CapBnd:") != 0)
          return 2;
        seen++;
      }
      if (std::strncmp(line, "NoNewPrivs:\t1", 13) == 0) seen++;
    }
    std::fclose(status);
    if (seen != 6) return 3;
    rlimit core{};
    if (::getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0) return 4;
    return 0;
  });
  ASSERT_TRUE(outcome.locked) << outcome.text;
  EXPECT_EQ(outcome.value, 0);
}

TEST_F(SandboxTest, LetsADatabaseWork) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const UniqueFd ours(pair[0]), theirs(pair[1]);
  ASSERT_EQ(::write(ours.get(), "ping", 4), 4);
  const auto work = [&]() -> int {
    const std::string file = inside_ + "/data", moved = inside_ + "/folder/moved";
    // Files within the folder.
    {
      const UniqueFd fd(::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
      if (!fd) return 1;
      struct flock lock{};
      lock.l_type = F_WRLCK;
      if (::fcntl(fd.get(), F_SETLK, &lock) != 0) return 2;
      if (::pwrite(fd.get(), "0123456789", 10, 0) != 10 || ::ftruncate(fd.get(), 5) != 0 ||
          ::fsync(fd.get()) != 0)
        return 3;
      char buffer[16];
      if (::pread(fd.get(), buffer, sizeof buffer, 0) != 5) return 4;
    }
    if (::mkdir((inside_ + "/folder").c_str(), 0700) != 0 ||
        ::rename(file.c_str(), moved.c_str()) != 0)
      return 5;
    DIR* listing = ::opendir((inside_ + "/folder").c_str());
    if (!listing || !::readdir(listing)) return 6;
    ::closedir(listing);
    if (::unlink(moved.c_str()) != 0 || ::rmdir((inside_ + "/folder").c_str()) != 0) return 7;
    // Threads, memory, waiting.
    int made = 0;
    std::thread([&] { made = 1; }).join();
    if (made != 1) return 8;
    std::string large(64 << 20, 'x');
    if (large[large.size() - 1] != 'x') return 9;
    const UniqueFd event(::eventfd(1, EFD_CLOEXEC)), epoll(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event interest{};
    interest.events = EPOLLIN;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, event.get(), &interest) != 0 ||
        ::epoll_wait(epoll.get(), &interest, 1, 0) != 1)
      return 10;
    pollfd readable{theirs.get(), POLLIN, 0};
    if (::poll(&readable, 1, 0) != 1) return 11;
    // The sockets it was given.
    char word[4];
    if (::recv(theirs.get(), word, 4, 0) != 4 ||
        ::send(theirs.get(), "pong", 4, MSG_NOSIGNAL) != 4 ||
        ::shutdown(theirs.get(), SHUT_WR) != 0)
      return 12;
    // What is readable.
    if (OpenError("/proc/self/status", O_RDONLY) != 0) return 13;
    if (OpenError("/proc/self/status", O_RDWR) == 0) return 14;
    timespec now{};
    if (::clock_gettime(CLOCK_REALTIME, &now) != 0) return 15;
    return 0;
  };
  const Outcome outcome = Run(true, work);
  ASSERT_TRUE(outcome.locked) << outcome.text;
  EXPECT_EQ(outcome.value, 0);
  char word[4];
  ASSERT_EQ(::recv(ours.get(), word, 4, 0), 4);
  EXPECT_EQ(std::string_view(word, 4), "pong");
}

TEST_F(SandboxTest, RefusesAPlanWhoseFolderDoesNotExist) {
  const Outcome outcome = Run(false, [] {
    const auto report = LockDown({{"/does/not/exist"}, {}});
    return report ? report->files ? 1 : 2 : 0;
  });
  if (outcome.value == 2) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(outcome.value, 0);
}

// Makes this process's kernel answer as one without these layers.
void PretendToLack(bool landlock, bool seccomp) {
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  const uint32_t kLandlockCreate = landlock ? 444 : 0xffffffff;
  const uint32_t kSeccomp = seccomp ? SYS_seccomp : 0xffffffff,
                 kPrctl = seccomp ? SYS_prctl : 0xffffffff;
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kLandlockCreate, 5, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSeccomp, 4, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kPrctl, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 2, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
  };
  const sock_fprog program{std::size(filter), filter};
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

TEST_F(SandboxTest, ReportsAKernelWithoutLandlock) {
  const Outcome outcome = Run(true, [] { return 0; }, [] { PretendToLack(true, false); });
  ASSERT_TRUE(outcome.locked) << outcome.text;
  EXPECT_FALSE(outcome.files);
  EXPECT_TRUE(std::strstr(outcome.text, "missing landlock: ")) << outcome.text;
}

TEST_F(SandboxTest, ReportsAKernelWithoutSeccomp) {
  const Outcome outcome = Run(true, [] { return 0; }, [] { PretendToLack(false, true); });
  ASSERT_TRUE(outcome.locked) << outcome.text;
  EXPECT_FALSE(outcome.calls);
  EXPECT_TRUE(std::strstr(outcome.text, "missing seccomp: ")) << outcome.text;
}

TEST_F(SandboxTest, KnowsWhetherItsParentIsStillThere) {
  const pid_t self = ::getpid();
  EXPECT_EQ(Run(false, [&] { return DieWithParent(self) ? 0 : 1; }).value, 0);
  EXPECT_EQ(Run(false, [&] { return DieWithParent(self + 1) ? 0 : 1; }).value, 1);
}

}  // namespace
}  // namespace skep::worker
