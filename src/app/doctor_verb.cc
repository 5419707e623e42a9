// `skep doctor`: looks at what commonly stops a gateway from working and says how to mend it.
// Changes nothing.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <sstream>

#include "app/verbs.h"
#include "base/unique_fd.h"

namespace skep::app {
namespace {

namespace fs = std::filesystem;

class Findings {
 public:
  void Ok(std::string_view what, const std::string& found) { Line("ok", what, found, ""); }
  void Warn(std::string_view what, const std::string& found, const std::string& mend) {
    Line("warn", what, found, mend);
    ++warnings_;
  }
  void Fault(std::string_view what, const std::string& found, const std::string& mend) {
    Line("fail", what, found, mend);
    ++faults_;
  }
  int Close() const {
    fmt::print("\n{} failed, {} to look at\n", faults_, warnings_);
    return faults_ == 0 ? 0 : kExitFailed;
  }

 private:
  static void Line(std::string_view verdict, std::string_view what, const std::string& found,
                   const std::string& mend) {
    fmt::print("{:<5} {:<16} {}\n", verdict, what, found);
    if (!mend.empty()) fmt::print("{:<5} {:<16} -> {}\n", "", "", mend);
  }
  int warnings_ = 0, faults_ = 0;
};

struct Finished {
  int code = -1;  // 127 = could not be run
  std::string output;
};
// Runs a program and takes its standard output and error together, 64 KiB at most.
Finished RunProgram(const std::string& program, const char* argument) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    execl(program.c_str(), program.c_str(), argument, static_cast<char*>(nullptr));
    _exit(127);
  }
  UniqueFd reading(ends[0]);
  close(ends[1]);
  Finished finished;
  char chunk[4096];
  for (ssize_t n = 0; (n = read(reading.get(), chunk, sizeof chunk)) > 0;) {
    if (finished.output.size() < 65536) finished.output.append(chunk, static_cast<size_t>(n));
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return finished;
  finished.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return finished;
}

void CheckWorker(const Config& config, Findings& findings) {
  if (access(config.worker.path.c_str(), X_OK) != 0) {
    findings.Fault("worker", fmt::format("{}: {}", config.worker.path, std::strerror(errno)),
                   "Build it (make build), or name it with worker.path.");
    return;
  }
  const Finished version = RunProgram(config.worker.path, "--version");
  const std::string first = version.output.substr(0, version.output.find('\n'));
  if (version.code == 0) {
    if (first.find(SKEP_VERSION) == std::string::npos)
      findings.Warn("worker", first,
                    "It is not of this skep's version (" SKEP_VERSION "): install both together.");
    else
      findings.Ok("worker", first);
  } else {
    findings.Fault(
        "worker",
        fmt::format("{} --version ended with {}: {}", config.worker.path, version.code, first),
        "Is the engine's library (libduckdb.so) where the worker looks for it? Run: ldd " +
            config.worker.path);
  }
  const Finished sandbox = RunProgram(config.worker.path, "--check-sandbox");
  std::istringstream lines(sandbox.output);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const bool missing = line.find("missing") != std::string::npos ||
                         line.find("unavailable") != std::string::npos || line.starts_with("no ") ||
                         line.find(": no") != std::string::npos || line.starts_with("fail") ||
                         line.starts_with("warn");
    if (!missing)
      findings.Ok("sandbox", line);
    else if (config.worker.require_sandbox)
      findings.Fault("sandbox", line,
                     "Use a kernel with Landlock (5.13 or newer), seccomp and user namespaces, or "
                     "set worker.require_sandbox = false.");
    else
      findings.Warn("sandbox", line,
                    "Workers are confined less than they could be. A kernel with Landlock (5.13 or "
                    "newer) and seccomp mends it.");
  }
  if (sandbox.code != 0 && sandbox.output.empty())
    findings.Warn("sandbox", fmt::format("--check-sandbox ended with {}", sandbox.code),
                  "Run it by hand: " + config.worker.path + " --check-sandbox");
}

void CheckExtensions(const Config& config, Findings& findings) {
  std::error_code error;
  size_t count = 0;
  for (fs::directory_iterator it(config.worker.extension_dir, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() == ".duckdb_extension") ++count;
  }
  if (error || count == 0)
    findings.Warn(
        "extensions", "none in " + config.worker.extension_dir,
        "Fetch them with tools/fetch_duckdb, or name their folder with worker.extension_dir.");
  else
    findings.Ok("extensions", fmt::format("{} in {}", count, config.worker.extension_dir));
}

// True when a gateway holds the data directory.
bool GatewayRuns(const Config& config) {
  const UniqueFd lock(open((config.data_dir + "/skep.lock").c_str(), O_RDONLY | O_CLOEXEC));
  if (!lock) return false;
  if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) {
    flock(lock.get(), LOCK_UN);
    return false;
  }
  return errno == EWOULDBLOCK;
}

void CheckPort(const char* what, const std::string& host, uint16_t port, bool running,
               Findings& findings) {
  const std::string place = fmt::format("{}:{}", host, port);
  if (port == 0) return findings.Ok(what, place + " (any free port)");
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
      code != 0) {
    return findings.Fault(what, fmt::format("{}: {}", place, gai_strerror(code)),
                          "Name an address of this machine.");
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(found, freeaddrinfo);
  const UniqueFd listener(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener.get(), found->ai_addr, found->ai_addrlen) == 0 &&
      listen(listener.get(), 1) == 0) {
    if (running)
      return findings.Warn(
          what, place + " is free although a gateway runs",
          "It may have been started with another port: see run.json in the data directory.");
    return findings.Ok(what, place + " is free");
  }
  if (errno == EADDRINUSE && running) return findings.Ok(what, place + " is the running gateway's");
  if (errno == EADDRINUSE)
    return findings.Fault(
        what, place + " is taken",
        fmt::format("Find by whom with: ss -ltnp 'sport = :{}', or choose another port.", port));
  findings.Fault(
      what, fmt::format("{}: {}", place, std::strerror(errno)),
      errno == EACCES ? "Choose a port above 1023." : "Name an address of this machine.");
}

void CheckDirectory(const Config& config, Findings& findings) {
  struct stat status{};
  if (stat(config.data_dir.c_str(), &status) != 0) {
    findings.Fault("data directory", fmt::format("{}: {}", config.data_dir, std::strerror(errno)),
                   "Make it with: skep init --data-dir " + config.data_dir);
    return;
  }
  if (access(config.data_dir.c_str(), R_OK | W_OK | X_OK) != 0)
    findings.Fault("data directory", config.data_dir + " is not writable for this user",
                   "Change its owner, or run skep as the owner.");
  else if ((status.st_mode & 077) != 0)
    findings.Warn("data directory",
                  fmt::format("{} has mode {:o}", config.data_dir, status.st_mode & 0777),
                  "Close it to others: chmod 700 " + config.data_dir);
  else
    findings.Ok("data directory", config.data_dir);
  struct statvfs space{};
  if (statvfs(config.data_dir.c_str(), &space) == 0) {
    const double free_gib =
        static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize) / (1ull << 30);
    const std::string found = fmt::format("{:.1f} GiB free", free_gib);
    if (free_gib < 1)
      findings.Fault("disk", found, "Free space, or move data_dir.");
    else if (free_gib < 10)
      findings.Warn("disk", found, "Little for a warehouse; see lake.cache_size, too.");
    else
      findings.Ok("disk", found);
  }
  std::error_code ignored;
  if (!fs::exists(config.ControlPath(), ignored)) {
    findings.Fault("control store", config.ControlPath() + " is not there",
                   "Make it with: skep init --data-dir " + config.data_dir);
    return;
  }
  const auto store = control::OpenSqlite(config.ControlPath());
  if (!store) {
    findings.Fault("control store", store.error().message, store.error().hint);
    return;
  }
  const auto workspace = (*store)->GetWorkspace(config.workspace);
  if (!workspace)
    findings.Fault("control store", workspace.error().message, workspace.error().hint);
  else if (!*workspace)
    findings.Fault("control store", fmt::format("there is no workspace \"{}\"", config.workspace),
                   "Add it with: skep workspace add " + config.workspace);
  else
    findings.Ok("control store",
                fmt::format("{}, workspace {}", config.ControlPath(), config.workspace));
}

void CheckCertificate(const Config& config, Findings& findings) {
  if (!config.pgwire.tls)
    return findings.Warn("tls", "off",
                         "Passwords and rows travel in the clear; set pgwire.tls = true.");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen(config.pgwire.tls_certificate.c_str(), "re"), std::fclose);
  if (!file)
    return findings.Fault(
        "tls", fmt::format("{}: {}", config.pgwire.tls_certificate, std::strerror(errno)),
        "skep init makes a self-signed one.");
  const std::unique_ptr<X509, void (*)(X509*)> certificate(
      PEM_read_X509(file.get(), nullptr, nullptr, nullptr), X509_free);
  if (!certificate)
    return findings.Fault("tls", config.pgwire.tls_certificate + " is no PEM certificate",
                          "Replace it; skep init makes a self-signed one where there is none.");
  time_t soon = std::time(nullptr) + 14 * 86400;
  const bool expired = X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0;
  const bool early = X509_cmp_current_time(X509_get0_notBefore(certificate.get())) > 0;
  if (expired || early)
    findings.Fault("tls",
                   config.pgwire.tls_certificate + (expired ? " has expired" : " is not valid yet"),
                   "Renew it, and check this machine's clock.");
  else if (X509_cmp_time(X509_get0_notAfter(certificate.get()), &soon) < 0)
    findings.Warn("tls", config.pgwire.tls_certificate + " expires within two weeks", "Renew it.");
  else
    findings.Ok("tls", config.pgwire.tls_certificate);
  struct stat status{};
  if (stat(config.pgwire.tls_key.c_str(), &status) != 0)
    findings.Fault("tls key", fmt::format("{}: {}", config.pgwire.tls_key, std::strerror(errno)),
                   "Put the certificate's key there.");
  else if ((status.st_mode & 077) != 0)
    findings.Warn("tls key",
                  fmt::format("{} has mode {:o}", config.pgwire.tls_key, status.st_mode & 0777),
                  "Close it to others: chmod 600 " + config.pgwire.tls_key);
}

void CheckMachine(const Config& config, Findings& findings) {
  // Signatures carry the time: they are refused when it is more than five minutes off.
  const std::time_t now = std::time(nullptr);
  if (now < 1'735'689'600)
    findings.Fault("clock", fmt::format("says {} seconds after 1970, which is before 2025", now),
                   "Set it; signed requests fail otherwise.");
  else {
    std::tm utc{};
    gmtime_r(&now, &utc);
    findings.Ok("clock",
                fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900,
                            utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec));
  }
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    if (files.rlim_max < config.pgwire.max_connections + 512)
      findings.Warn("open files", fmt::format("at most {}", files.rlim_max),
                    "Raise it (LimitNOFILE= in a systemd unit) or lower pgwire.max_connections.");
    else
      findings.Ok("open files", fmt::format("at most {}", files.rlim_max));
  }
  if (config.pgwire.authentication == Authentication::kTrust)
    findings.Warn("authentication", "trust: nobody is asked for a password",
                  "Set pgwire.authentication = \"auto\".");
  for (const auto& role : config.roles) {
    const std::string account = identity::AccountOfRoleArn(role.arn);
    const bool known = std::any_of(config.accounts.begin(), config.accounts.end(),
                                   [&](const auto& a) { return a.id == account; });
    if (!known)
      findings.Warn("role", role.arn + " belongs to an account without keys",
                    fmt::format("Add [[account]] with id = \"{}\".", account));
  }
}

Result<int> Doctor(const Context& context) {
  SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
  const Config& config = loaded.config;
  Findings findings;
  findings.Ok("skep", SKEP_VERSION);
  findings.Ok("configuration", loaded.file.empty() ? "defaults (no skep.toml)" : loaded.file);
  for (const std::string& warning : loaded.warnings)
    findings.Warn("configuration", warning, "Correct its name.");
  CheckDirectory(config, findings);
  CheckCertificate(config, findings);
  const bool running = GatewayRuns(config);
  findings.Ok("gateway", running ? "runs on this data directory" : "does not run");
  CheckPort("sql port", config.pgwire.host, config.pgwire.port, running, findings);
  CheckPort("http port", config.http.host, config.http.port, running, findings);
  CheckWorker(config, findings);
  CheckExtensions(config, findings);
  CheckMachine(config, findings);
  return findings.Close();
}

}  // namespace

void RegisterDoctor(CLI::App& root, Context& context) {
  CLI::App* verb =
      AddVerb(root, "doctor",
              "Check this machine: data directory, ports, worker, sandbox, disk; say how to mend");
  AddConfigFlags(*verb, context, true);
  verb->footer("Exit code 0 when nothing failed, else 1.");
  verb->callback([&context] { context.run = [&context] { return Doctor(context); }; });
}

}  // namespace skep::app
