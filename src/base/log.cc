#include "base/log.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <ctime>

#include "base/text.h"

namespace skep::log {
namespace {

std::atomic<Level> least_level{Level::kInfo};
std::atomic<bool> as_json{false};

constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

std::string Now() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
  return fmt::format("{}.{:03}Z", text, ms);
}

}  // namespace

void Configure(Level least, bool json) {
  least_level = least;
  as_json = json;
}

bool ParseLevel(std::string_view text, Level& level) {
  for (size_t i = 0; i < std::size(kNames); i++) {
    if (text == kNames[i]) {
      level = static_cast<Level>(i);
      return true;
    }
  }
  return false;
}

bool Enabled(Level level) { return level >= least_level.load(std::memory_order_relaxed); }

void Write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!Enabled(level)) return;
  const std::string_view name = kNames[static_cast<size_t>(level)];
  std::string line;
  if (as_json) {
    line = fmt::format(R"({{"time":"{}","level":"{}","event":)", Now(), name);
    AppendJsonString(line, event);
    for (const auto& f : fields) {
      line.push_back(',');
      AppendJsonString(line, f.key);
      line.push_back(':');
      AppendJsonString(line, f.value);
    }
    line += "}\n";
  } else {
    line = fmt::format("{} {} {}", Now(), name, event);
    for (const auto& f : fields) {
      line += fmt::format(" {}=", f.key);
      if (NeedsQuotes(f.value)) {
        AppendJsonString(line, f.value);
      } else {
        line += f.value;
      }
    }
    line.push_back('\n');
  }
  // One write per line keeps lines of several processes whole.
  [[maybe_unused]] const auto n = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace skep::log
