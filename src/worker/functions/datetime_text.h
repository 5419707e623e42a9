// Reads dates, times and timestamps as people write them, for casts from text. Knows nothing of
// the engine but its time zones. Order of numbers is month, day, year (DateStyle "ISO, MDY").
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "worker/functions/time_zone.h"

namespace skep::worker {

struct DatetimeText {
  enum class Special : uint8_t { kNone, kNow, kToday, kTomorrow, kYesterday, kEpoch };
  Special special = Special::kNone;
  bool has_date = false;
  int64_t day = 0;  // since 1970-01-01
  bool has_time = false;
  int64_t micros = 0;  // of the day; 24:00:00 is a time
  bool has_zone = false;
  int32_t seconds_east = 0;          // when `zone` is not set
  std::shared_ptr<const Zone> zone;  // a zone with changing rules

  // Of the clock it shows. Precondition: has_date.
  int64_t local() const;
};

enum class TextError : uint8_t { kNone, kSyntax, kFieldRange, kZoneRange, kUnknownZone };

// What the text must hold. kTime also reads dates before or after the time, and drops them.
enum class TextKind : uint8_t { kDate, kTimestamp, kTime };

// Every form of the developer guide ("Date, time, and timestamp literals", "Using automatic
// recognition", "TIMESTAMPTZ"): ISO, run-together numbers, month names, AM and PM, Julian days,
// day of year, BC, zones as names, abbreviations and offsets, now, today, tomorrow, yesterday,
// epoch. Cost: linear in the text; nothing is allocated unless a zone is named.
TextError ReadDatetime(std::string_view text, TextKind kind, duckdb::ClientContext* context,
                       DatetimeText& out);

}  // namespace skep::worker
