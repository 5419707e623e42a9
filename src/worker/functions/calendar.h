// Days, months and years of the proleptic Gregorian calendar, and instants as microseconds since
// 1970-01-01. Years are astronomical: year 0 is 1 BC.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <duckdb/common/exception/conversion_exception.hpp>

#include "worker/pg_format.h"  // kMicrosPerDay

namespace skep::worker {

inline constexpr int64_t kMicrosPerSecond = 1'000'000;
inline constexpr int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
inline constexpr int64_t kMicrosPerHour = 60 * kMicrosPerMinute;
inline constexpr int64_t kJulianDayOfEpoch = 2440588;

// What types hold: from 4713 BC to the end of the engine's microseconds.
inline constexpr int64_t kFirstDay = -kJulianDayOfEpoch;
inline constexpr int64_t kLastDay = 106751990;

struct CalendarDay {
  int64_t year;
  int month, day;
};

constexpr int64_t FloorDivide(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
constexpr int64_t FloorModulo(int64_t a, int64_t b) { return a - FloorDivide(a, b) * b; }

constexpr bool IsLeapYear(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}
constexpr int DaysInMonth(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeapYear(year) ? 29 : kDays[month - 1];
}

// Days since 1970-01-01; the month must be 1 to 12, the day may lie outside of it.
constexpr int64_t DayNumber(int64_t year, int month, int64_t day) {
  const int64_t shifted = year - (month <= 2);
  const int64_t era = FloorDivide(shifted, 400), of_era = shifted - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

constexpr CalendarDay ToCalendar(int64_t days) {
  const int64_t shifted = days + 719468;
  const int64_t era = FloorDivide(shifted, 146097), of_era = shifted - era * 146097;
  const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t m = (5 * of_year + 2) / 153;
  const int day = static_cast<int>(of_year - (153 * m + 2) / 5 + 1);
  const int month = static_cast<int>(m < 10 ? m + 3 : m - 9);
  return {year_of_era + era * 400 + (month <= 2), month, day};
}

// 0 is Sunday.
constexpr int DayOfWeek(int64_t days) { return static_cast<int>(FloorModulo(days + 4, 7)); }
constexpr int DayOfYear(int64_t days, int64_t year) {
  return static_cast<int>(days - DayNumber(year, 1, 1) + 1);
}

struct IsoWeek {
  int64_t year;
  int week;  // 1 to 53
};
constexpr IsoWeek ToIsoWeek(int64_t days) {
  const int64_t thursday = days - FloorModulo(days + 3, 7) + 3;
  const int64_t year = ToCalendar(thursday).year;
  return {year, static_cast<int>((thursday - DayNumber(year, 1, 1)) / 7 + 1)};
}

constexpr int64_t DayOf(int64_t micros) { return FloorDivide(micros, kMicrosPerDay); }
constexpr int64_t TimeOf(int64_t micros) { return FloorModulo(micros, kMicrosPerDay); }

[[noreturn]] inline void TimestampOutOfRange() {
  throw duckdb::ConversionException("timestamp out of range");
}

// Throws when the day is outside of what the types hold.
inline int64_t InstantOf(int64_t days, int64_t micros_of_day) {
  if (days < kFirstDay || days > kLastDay) TimestampOutOfRange();
  return days * kMicrosPerDay + micros_of_day;
}
inline duckdb::date_t DateOf(int64_t days) {
  if (days < kFirstDay || days > kLastDay) throw duckdb::ConversionException("date out of range");
  return duckdb::date_t(static_cast<int32_t>(days));
}
inline int64_t AddMicros(int64_t micros, int64_t more) {
  int64_t sum;
  if (__builtin_add_overflow(micros, more, &sum)) TimestampOutOfRange();
  if (sum < kFirstDay * kMicrosPerDay || sum >= (kLastDay + 1) * kMicrosPerDay)
    TimestampOutOfRange();
  return sum;
}
inline int64_t Times(int64_t count, int64_t unit) {
  int64_t product;
  if (__builtin_mul_overflow(count, unit, &product)) TimestampOutOfRange();
  return product;
}

}  // namespace skep::worker
