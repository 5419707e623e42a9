#include "identity/policy_values.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "base/text.h"

namespace skep::identity {
namespace {

uint16_t Folded(uint16_t c, bool ignore_case) {
  return ignore_case && c >= 'A' && c <= 'Z' ? static_cast<uint16_t>(c + ('a' - 'A')) : c;
}

// Reads exactly `digits` digits at `at`, moving it on.
std::optional<int> Digits(std::string_view text, size_t& at, size_t digits) {
  if (at + digits > text.size()) return std::nullopt;
  int value = 0;
  for (size_t i = 0; i < digits; i++) {
    const char c = text[at + i];
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  at += digits;
  return value;
}

}  // namespace

Pattern WildcardPattern(std::string_view text) {
  Pattern pattern;
  pattern.reserve(text.size());
  for (const char c : text) {
    pattern.push_back(c == '*'   ? kAnyMany
                      : c == '?' ? kAnyOne
                                 : static_cast<uint16_t>(static_cast<unsigned char>(c)));
  }
  return pattern;
}

bool Matches(std::span<const uint16_t> pattern, std::string_view text, bool ignore_case) {
  constexpr size_t kNone = static_cast<size_t>(-1);
  size_t p = 0, t = 0, star = kNone, resume = 0;
  while (t < text.size()) {
    const auto c = static_cast<uint16_t>(static_cast<unsigned char>(text[t]));
    if (p < pattern.size() && pattern[p] == kAnyMany) {
      // Only the last star needs to be tried again: an earlier one has taken the least it could.
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == kAnyOne ||
                                      Folded(pattern[p], ignore_case) == Folded(c, ignore_case))) {
      p++;
      t++;
    } else if (star != kNone) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == kAnyMany) p++;
  return p == pattern.size();
}

bool MatchesArn(const Pattern& pattern, std::string_view arn) {
  if (!pattern.empty() && std::ranges::all_of(pattern, [](uint16_t c) { return c == kAnyMany; }))
    return true;
  std::span<const uint16_t> rest(pattern);
  for (int part = 0; part < 5; part++) {
    const auto end = std::ranges::find(rest, static_cast<uint16_t>(':'));
    const size_t colon = arn.find(':');
    if (end == rest.end() || colon == std::string_view::npos) return false;
    const auto length = static_cast<size_t>(end - rest.begin());
    if (!Matches(rest.first(length), arn.substr(0, colon), false)) return false;
    rest = rest.subspan(length + 1);
    arn.remove_prefix(colon + 1);
  }
  return Matches(rest, arn, false);
}

std::optional<std::array<std::string_view, 5>> SplitArn(std::string_view arn) {
  constexpr std::string_view kArn = "arn:";
  if (!arn.starts_with(kArn)) return std::nullopt;
  arn.remove_prefix(kArn.size());
  std::array<std::string_view, 5> parts;
  for (size_t i = 0; i < 4; i++) {
    const size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    parts[i] = arn.substr(0, colon);
    arn.remove_prefix(colon + 1);
  }
  parts[4] = arn;
  if (parts[0].empty() || parts[1].empty() || parts[4].empty()) return std::nullopt;
  return parts;
}

std::optional<double> ReadNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::optional<double> ReadDate(std::string_view text) {
  using namespace std::chrono;
  size_t at = 0;
  const auto year_number = Digits(text, at, 4);
  if (!year_number || at >= text.size() || text[at] != '-') return ReadNumber(text);
  at++;
  const auto month_number = Digits(text, at, 2);
  if (!month_number || at >= text.size() || text[at++] != '-') return std::nullopt;
  const auto day_number = Digits(text, at, 2);
  if (!day_number) return std::nullopt;
  const year_month_day date(year(*year_number), month(static_cast<unsigned>(*month_number)),
                            day(static_cast<unsigned>(*day_number)));
  if (!date.ok()) return std::nullopt;
  auto seconds = static_cast<double>(sys_days(date).time_since_epoch().count()) * 86400;
  if (at == text.size()) return seconds;
  if (text[at++] != 'T') return std::nullopt;
  const auto hour = Digits(text, at, 2);
  if (!hour || *hour > 23 || at >= text.size() || text[at++] != ':') return std::nullopt;
  const auto minute = Digits(text, at, 2);
  if (!minute || *minute > 59) return std::nullopt;
  seconds += *hour * 3600 + *minute * 60;
  if (at < text.size() && text[at] == ':') {
    at++;
    const auto second = Digits(text, at, 2);
    if (!second || *second > 60) return std::nullopt;
    seconds += *second;
    if (at < text.size() && text[at] == '.') {
      const size_t begin = at++;
      while (at < text.size() && text[at] >= '0' && text[at] <= '9') at++;
      const auto fraction = ReadNumber("0" + std::string(text.substr(begin, at - begin)));
      if (!fraction) return std::nullopt;
      seconds += *fraction;
    }
  }
  if (text.substr(at) == "Z") return seconds;
  if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return std::nullopt;
  const int sign = text[at++] == '+' ? -1 : 1;
  const auto offset_hour = Digits(text, at, 2);
  if (!offset_hour) return std::nullopt;
  if (at < text.size() && text[at] == ':') at++;
  const auto offset_minute = Digits(text, at, 2);
  if (!offset_minute || at != text.size()) return std::nullopt;
  return seconds + sign * (*offset_hour * 3600 + *offset_minute * 60);
}

std::optional<bool> ReadTruth(std::string_view text) {
  const std::string lower = Lower(text);
  if (lower == "true") return true;
  if (lower == "false") return false;
  return std::nullopt;
}

std::optional<AddressRange> ReadAddressRange(std::string_view text) {
  AddressRange range;
  const size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  if (address.find('\0') != std::string::npos) return std::nullopt;
  range.family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (inet_pton(range.family, address.c_str(), range.bytes.data()) != 1) return std::nullopt;
  const int most = range.family == AF_INET ? 32 : 128;
  range.bits = most;
  if (slash != std::string_view::npos) {
    const std::string_view bits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), range.bits);
    if (error != std::errc() || end != bits.data() + bits.size() || range.bits < 0 ||
        range.bits > most)
      return std::nullopt;
  }
  return range;
}

bool Covers(const AddressRange& range, const AddressRange& address) {
  if (range.family != address.family || address.bits < range.bits) return false;
  for (int bit = 0; bit < range.bits; bit++) {
    const auto at = static_cast<size_t>(bit / 8);
    const int mask = 0x80 >> (bit % 8);
    if ((range.bytes[at] & mask) != (address.bytes[at] & mask)) return false;
  }
  return true;
}

std::string WriteDate(int64_t seconds) {
  using namespace std::chrono;
  const sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace skep::identity
