#include "sql/date_parts.h"

#include <algorithm>
#include <array>

namespace skep::sql {
namespace {

struct Spelling {
  std::string_view word, name;
};

// In the order of the words, for the binary search.
constexpr Spelling kSpellings[] = {
    {"c", "century"},
    {"cent", "century"},
    {"cents", "century"},
    {"centuries", "century"},
    {"century", "century"},
    {"d", "day"},
    {"day", "day"},
    {"dayofweek", "dayofweek"},
    {"dayofyear", "dayofyear"},
    {"days", "day"},
    {"dec", "decade"},
    {"decade", "decade"},
    {"decades", "decade"},
    {"decs", "decade"},
    {"dow", "dayofweek"},
    {"doy", "dayofyear"},
    {"dw", "dayofweek"},
    {"dy", "dayofyear"},
    {"epoch", "epoch"},
    {"h", "hour"},
    {"hour", "hour"},
    {"hours", "hour"},
    {"hr", "hour"},
    {"hrs", "hour"},
    {"m", "minute"},
    {"microsec", "microsecond"},
    {"microsecond", "microsecond"},
    {"microseconds", "microsecond"},
    {"microsecs", "microsecond"},
    {"mil", "millennium"},
    {"millennia", "millennium"},
    {"millennium", "millennium"},
    {"millenniums", "millennium"},
    {"millisec", "millisecond"},
    {"millisecon", "millisecond"},
    {"millisecond", "millisecond"},
    {"milliseconds", "millisecond"},
    {"millisecs", "millisecond"},
    {"mils", "millennium"},
    {"min", "minute"},
    {"mins", "minute"},
    {"minute", "minute"},
    {"minutes", "minute"},
    {"mon", "month"},
    {"mons", "month"},
    {"month", "month"},
    {"months", "month"},
    {"ms", "millisecond"},
    {"msec", "millisecond"},
    {"msecond", "millisecond"},
    {"mseconds", "millisecond"},
    {"msecs", "millisecond"},
    {"qtr", "quarter"},
    {"qtrs", "quarter"},
    {"quarter", "quarter"},
    {"quarters", "quarter"},
    {"s", "second"},
    {"sec", "second"},
    {"second", "second"},
    {"seconds", "second"},
    {"secs", "second"},
    {"timezone", "timezone"},
    {"timezone_hour", "timezone_hour"},
    {"timezone_minute", "timezone_minute"},
    {"us", "microsecond"},
    {"usec", "microsecond"},
    {"usecond", "microsecond"},
    {"useconds", "microsecond"},
    {"usecs", "microsecond"},
    {"w", "week"},
    {"week", "week"},
    {"weekday", "dayofweek"},
    {"weeks", "week"},
    {"y", "year"},
    {"year", "year"},
    {"yearday", "dayofyear"},
    {"years", "year"},
    {"yr", "year"},
    {"yrs", "year"},
};
static_assert(std::ranges::is_sorted(kSpellings, {}, &Spelling::word));

}  // namespace

std::optional<std::string_view> CanonicalDatePart(std::string_view word) {
  std::array<char, 16> lower;
  if (word.size() > lower.size()) return std::nullopt;
  std::ranges::transform(word, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const std::string_view folded(lower.data(), word.size());
  const auto* const found = std::ranges::lower_bound(kSpellings, folded, {}, &Spelling::word);
  if (found == std::end(kSpellings) || found->word != folded) return std::nullopt;
  return found->name;
}

}  // namespace skep::sql
