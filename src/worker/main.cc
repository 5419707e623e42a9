// The `skep-worker` executable: the fork server, and what `skep doctor` asks it.
#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <duckdb.hpp>
#include <filesystem>
#include <string>
#include <string_view>

#include "worker/fork_server.h"
#include "worker/sandbox.h"

namespace {

constexpr int kUsage = 2;

void Help() {
  fmt::print(
      "skep-worker: runs the statements of one workspace, confined. Started by skep serve.\n"
      "\n"
      "  --fork-server FD   serve a gateway on this inherited socket\n"
      "  --check-sandbox    say which layers of the sandbox this machine offers\n"
      "  --version          print the version\n"
      "  --help             print this help\n");
}

// Locks a child down to a folder of its own and says what came of it.
int CheckSandbox() {
  std::string folder = (std::filesystem::temp_directory_path() / "skep-sandbox-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    fmt::print("fail: cannot make a folder in {}\n",
               std::filesystem::temp_directory_path().string());
    return 1;
  }
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto report = skep::worker::LockDown({{folder}, {}});
    std::string text;
    if (!report) {
      text = "fail: " + report.error().message + "\n";
    } else {
      for (const auto& layer : report->layers) text += layer + "\n";
      for (const auto& lack : report->missing) text += "missing " + lack + "\n";
    }
    (void)!::write(STDOUT_FILENO, text.data(), text.size());
    ::_exit(report && report->complete() ? 0 : 1);
  }
  int status = 0;
  const bool waited = child > 0 && ::waitpid(child, &status, 0) == child;
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return waited && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "--version") {
    fmt::print("skep-worker " SKEP_VERSION " (DuckDB {})\n", duckdb::DuckDB::LibraryVersion());
    return 0;
  }
  if (verb == "--help" || verb == "-h") {
    Help();
    return 0;
  }
  if (verb == "--check-sandbox") return CheckSandbox();
  if (verb == "--fork-server" && argc == 3) {
    int socket = -1;
    const std::string_view text = argv[2];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), socket);
    if (error == std::errc() && end == text.data() + text.size() && socket >= 0)
      return skep::worker::RunForkServer(socket);
  }
  fmt::print(stderr, "skep-worker: it is started by skep serve\nhint: skep-worker --help\n");
  return kUsage;
}
