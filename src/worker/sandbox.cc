#include "worker/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include "base/unique_fd.h"

namespace skep::worker {
namespace {

std::unexpected<Error> Failed(const std::string& what) {
  return Fail(ErrorKind::kIoError, fmt::format("sandbox: {}: {}", what, std::strerror(errno)));
}

// Landlock, spelled out: headers of distributions are older than kernels.
struct LandlockRuleset {
  uint64_t files, network, scoped;
};
struct __attribute__((packed)) LandlockPath {
  uint64_t access;
  int32_t fd;
};
constexpr uint64_t kWriteFile = 1u << 1, kReadFile = 1u << 2, kReadDirectory = 1u << 3,
                   kRemoveDirectory = 1u << 4, kRemoveFile = 1u << 5, kMakeDirectory = 1u << 7,
                   kMakeRegular = 1u << 8, kRefer = 1u << 13, kTruncate = 1u << 14;
constexpr uint64_t kReading = kReadFile | kReadDirectory;
constexpr uint64_t kWriting = kReading | kWriteFile | kRemoveDirectory | kRemoveFile |
                              kMakeDirectory | kMakeRegular | kRefer | kTruncate;
// What a rule for a single file may hold.
constexpr uint64_t kOfFile = kWriteFile | kReadFile | kTruncate;
constexpr int kLandlockRulePathBeneath = 1;

Result<void> AllowPath(int ruleset, const std::string& path, uint64_t access, uint64_t handled,
                       bool optional) {
  const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd) {
    if (optional) return {};
    return Failed("cannot open " + path);
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return Failed("cannot look at " + path);
  LandlockPath rule{access & handled, fd.get()};
  if (!S_ISDIR(info.st_mode)) rule.access &= kOfFile;
  if (::syscall(SYS_landlock_add_rule, ruleset, kLandlockRulePathBeneath, &rule, 0) != 0)
    return Failed("landlock rule for " + path);
  return {};
}

Result<void> ConfineFiles(const SandboxPlan& plan, SandboxReport& report) {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1);
  if (abi < 1) {
    report.missing.push_back(fmt::format("landlock: {}", std::strerror(errno)));
    return {};
  }
  uint64_t files = (uint64_t{1} << 13) - 1;
  if (abi >= 2) files |= kRefer;
  if (abi >= 3) files |= kTruncate;
  if (abi >= 5) files |= uint64_t{1} << 15;  // ioctl on devices
  // TCP bind and connect from ABI 4; abstract sockets and signals from ABI 6. No rule allows any of
  // them.
  const LandlockRuleset rules{files, abi >= 4 ? uint64_t{3} : 0, abi >= 6 ? uint64_t{3} : 0};
  const size_t size = abi >= 6 ? sizeof rules : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
  const UniqueFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, size, 0)));
  if (!ruleset) return Failed("landlock ruleset");
  for (const auto& path : plan.writable)
    SKEP_TRY(AllowPath(ruleset.get(), path, kWriting, files, false));
  for (const auto& path : plan.readable)
    SKEP_TRY(AllowPath(ruleset.get(), path, kReading, files, true));
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return Failed("landlock");
  report.files = true;
  report.layers.push_back(fmt::format("landlock={}", abi));
  return {};
}

// Where a call may reach is the business of the other layers; this list leaves out what reaches
// other processes, the network, or parts of the kernel that a database has no use for. truncate(2)
// by path is left out too: Landlock sees it only from ABI 3 on.
constexpr const char* kAllowedCalls[] = {
    // memory and threads
    "mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "futex", "futex_waitv",
    "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "gettid", "getpid", "getppid", "exit", "exit_group", "set_tid_address",
    "membarrier", "arch_prctl", "getcpu", "mincore",
    // signals and time
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "clock_gettime",
    "clock_nanosleep", "clock_getres", "nanosleep", "gettimeofday", "time", "restart_syscall",
    // files
    "openat", "open", "close", "read", "write", "pread64", "pwrite64", "readv", "writev", "preadv",
    "pwritev", "lseek", "fstat", "stat", "lstat", "newfstatat", "statx", "statfs", "fstatfs",
    "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64", "mkdir", "mkdirat",
    "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "ftruncate", "fallocate",
    "fsync", "fdatasync", "fadvise64", "sync_file_range", "getcwd", "dup", "flock",
    "copy_file_range",
    // sockets that are open already, waiting
    "recvmsg", "sendmsg", "recvfrom", "sendto", "shutdown", "getsockopt", "poll", "ppoll",
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "pipe2",
    // questions without consequence
    "getrandom", "uname", "sysinfo", "getuid", "geteuid", "getgid", "getegid", "getrusage",
    "umask"};

constexpr uint64_t kCloneThread = 0x10000;
constexpr uint64_t kFionread = 0x541b;
// Not F_SETOWN and F_SETSIG: they make the kernel send any signal to any process of the same user.
constexpr int kFileCommands[] = {F_DUPFD,  F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,
                                 F_GETFL,  F_SETFL,         F_GETLK,     F_SETLK,
                                 F_SETLKW, F_OFD_GETLK,     F_OFD_SETLK, F_OFD_SETLKW};

// libseccomp's macros build their comparisons as C does.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc99-extensions"
Result<void> ConfineCalls(SandboxReport& report) {
  using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)), &seccomp_release);
  if (!filter) return Fail(ErrorKind::kIoError, "sandbox: no seccomp filter could be made");
  scmp_filter_ctx c = filter.get();
  int failed = 0;
  const auto rule = [&](int code) {
    if (code != 0 && failed == 0) failed = code;
  };
  for (const char* name : kAllowedCalls) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number != __NR_SCMP_ERROR) rule(seccomp_rule_add(c, SCMP_ACT_ALLOW, number, 0));
  }
  // Threads, no processes. clone3 hides its flags behind a pointer; ENOSYS makes the C library fall
  // back to clone.
  rule(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                        SCMP_A0(SCMP_CMP_MASKED_EQ, kCloneThread, kCloneThread)));
  rule(seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));
  rule(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, kFionread)));
  for (const int command : kFileCommands) {
    rule(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                          SCMP_A1(SCMP_CMP_EQ, static_cast<scmp_datum_t>(command))));
  }
  // Reads limits, never sets them.
  rule(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0)));
  rule(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)));
  rule(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                        SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid()))));
  // There is one thread: a kernel without it is no worse.
  seccomp_attr_set(c, SCMP_FLTATR_CTL_TSYNC, 1);
  // The kernel's own answer, to tell a lack from a failure.
  rule(seccomp_attr_set(c, SCMP_FLTATR_API_SYSRAWRC, 1));
  if (failed != 0)
    return Fail(ErrorKind::kIoError,
                fmt::format("sandbox: seccomp rules: {}", std::strerror(-failed)));
  const int loaded = seccomp_load(c);
  if (loaded == -EINVAL || loaded == -ENOSYS) {
    report.missing.push_back(fmt::format("seccomp: {}", std::strerror(-loaded)));
    return {};
  }
  if (loaded != 0)
    return Fail(ErrorKind::kIoError, fmt::format("sandbox: seccomp: {}", std::strerror(-loaded)));
  report.calls = true;
  report.layers.emplace_back("seccomp=on");
  return {};
}
#pragma clang diagnostic pop

bool WriteFile(const char* path, const std::string& text) {
  const UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// An empty network, and no System V memory of others. As root directly, else inside a user
// namespace that maps this user to itself.
void LeaveNamespaces(SandboxReport& report) {
  constexpr int kOwn = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
  const uid_t user = ::getuid();
  const gid_t group = ::getgid();
  if (::unshare(kOwn) == 0) {
    report.layers.emplace_back("namespaces=net,ipc,uts");
    return;
  }
  if (::unshare(CLONE_NEWUSER | kOwn) != 0) {
    report.missing.push_back(fmt::format("namespaces: {}", std::strerror(errno)));
    return;
  }
  WriteFile("/proc/self/setgroups", "deny");
  if (!WriteFile("/proc/self/uid_map", fmt::format("{0} {0} 1", user)) ||
      !WriteFile("/proc/self/gid_map", fmt::format("{0} {0} 1", group))) {
    report.missing.push_back(
        fmt::format("namespaces: cannot map the user: {}", std::strerror(errno)));
    return;
  }
  report.layers.emplace_back("namespaces=user,net,ipc,uts");
}

void DropCapabilities(SandboxReport& report) {
  for (int capability = 0; capability <= 63; capability++)
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (::syscall(SYS_capset, &header, none) == 0) {
    report.layers.emplace_back("capabilities=none");
  } else {
    report.missing.push_back(fmt::format("capabilities: {}", std::strerror(errno)));
  }
}

void LimitResources() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max = std::min<rlim_t>(files.rlim_max, 16384);
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
}

}  // namespace

std::string SandboxReport::Summary() const {
  std::string text;
  for (const auto& layer : layers) text += (text.empty() ? "" : " ") + layer;
  for (const auto& lack : missing) text += (text.empty() ? "missing " : "; missing ") + lack;
  return text;
}

bool DieWithParent(int parent_pid) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  return ::getppid() == parent_pid;
}

Result<SandboxReport> LockDown(const SandboxPlan& plan) {
  SandboxReport report;
  LimitResources();
  LeaveNamespaces(report);
  DropCapabilities(report);
  ::prctl(PR_SET_DUMPABLE, 0);
  // A change of credentials clears the wish to die with the parent.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Failed("no_new_privs");
  SKEP_TRY(ConfineFiles(plan, report));
  SKEP_TRY(ConfineCalls(report));
  return report;
}

}  // namespace skep::worker
