// English names of months and days of the week, as text and formats of dates write them.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "worker/functions/ascii.h"

namespace skep::worker {

inline constexpr std::array<std::string_view, 12> kMonthNames = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
// From Sunday.
inline constexpr std::array<std::string_view, 7> kDayNames = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
inline constexpr std::array<std::string_view, 12> kRomanMonths = {
    "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"};

// 1 to 12, by the whole name or its first three letters; also "sept".
constexpr std::optional<int> MonthNamed(std::string_view word) {
  for (size_t i = 0; i < kMonthNames.size(); i++) {
    const auto name = kMonthNames[i];
    if (EqualsNoCase(word, name) || EqualsNoCase(word, name.substr(0, 3)))
      return static_cast<int>(i) + 1;
  }
  if (EqualsNoCase(word, "sept")) return 9;
  return std::nullopt;
}

// 0 (Sunday) to 6, by the whole name or the abbreviations of NEXT_DAY.
constexpr std::optional<int> DayNamed(std::string_view word) {
  for (size_t i = 0; i < kDayNames.size(); i++) {
    const auto name = kDayNames[i];
    if (EqualsNoCase(word, name) || EqualsNoCase(word, name.substr(0, 3)))
      return static_cast<int>(i);
  }
  if (EqualsNoCase(word, "tues")) return 2;
  if (EqualsNoCase(word, "weds")) return 3;
  if (EqualsNoCase(word, "thur") || EqualsNoCase(word, "thurs")) return 4;
  return std::nullopt;
}

}  // namespace skep::worker
