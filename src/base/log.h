// Structured logs: one line per event on standard error, `time level event key=value …`, or JSON.
// Values are quoted when they need it; secrets never get here (Secret has no conversion to text).
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace skep::log {

enum class Level { kDebug, kInfo, kWarn, kError };

// A key and its value as text.
struct Field {
  template <class T>
  Field(std::string_view name, const T& v) : key(name), value(fmt::format("{}", v)) {}
  std::string_view key;
  std::string value;
};

// Chooses the least level that is written and the form of lines. Call once at start-up.
void Configure(Level least, bool json);
// Parses "debug", "info", "warn", "error"; false when it is none of them.
bool ParseLevel(std::string_view text, Level& level);
bool Enabled(Level level);
void Write(Level level, std::string_view event, std::initializer_list<Field> fields);

inline void Debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  if (Enabled(Level::kDebug)) Write(Level::kDebug, event, fields);
}
inline void Info(std::string_view event, std::initializer_list<Field> fields = {}) {
  Write(Level::kInfo, event, fields);
}
inline void Warn(std::string_view event, std::initializer_list<Field> fields = {}) {
  Write(Level::kWarn, event, fields);
}
inline void Fault(std::string_view event, std::initializer_list<Field> fields = {}) {
  Write(Level::kError, event, fields);
}

}  // namespace skep::log
