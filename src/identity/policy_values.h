// The values that policies compare: patterns with * and ?, ARNs, numbers, dates, truth values,
// address ranges. Pure functions; a pattern costs at most its length times the text's. Source: IAM
// User Guide, "IAM JSON policy elements: Condition operators".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace skep::identity {

// A pattern's characters; the two above bytes are wildcards, so that a variable's value can never
// become one.
using Pattern = std::vector<uint16_t>;
inline constexpr uint16_t kAnyOne = 256;   // ?
inline constexpr uint16_t kAnyMany = 257;  // *

// Every * and ? of the text is a wildcard.
Pattern WildcardPattern(std::string_view text);
bool Matches(std::span<const uint16_t> pattern, std::string_view text, bool ignore_case);
// Both in six parts at their first five colons; each part must match its own. A pattern of only *
// matches everything.
bool MatchesArn(const Pattern& pattern, std::string_view arn);

// arn:partition:service:region:account:resource without its first part; nullopt when it is none.
std::optional<std::array<std::string_view, 5>> SplitArn(std::string_view arn);

std::optional<double> ReadNumber(std::string_view text);
// Seconds since the epoch of ISO 8601 (2026-01-31, 2026-01-31T12:30:00Z, with fraction or offset),
// or the seconds themselves.
std::optional<double> ReadDate(std::string_view text);
std::optional<bool> ReadTruth(std::string_view text);

// An IPv4 or IPv6 address with the bits that count.
struct AddressRange {
  std::array<uint8_t, 16> bytes{};
  int family = 0;  // AF_INET or AF_INET6
  int bits = 0;
};
// "10.0.0.0/8", "2001:db8::1".
std::optional<AddressRange> ReadAddressRange(std::string_view text);
bool Covers(const AddressRange& range, const AddressRange& address);

// Seconds since the epoch as 2026-01-31T12:30:00Z.
std::string WriteDate(int64_t seconds);

}  // namespace skep::identity
