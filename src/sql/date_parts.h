// The words that name a part of a date or time (year, qtr, hrs ...) and the one name each stands
// for. The emitter asks it for the bare word in DATEADD and its kin; the engine's functions for the
// units of interval text.
#pragma once

#include <optional>
#include <string_view>

namespace skep::sql {

// The canonical name in English singular, lower case: millennium, century, decade, year, quarter,
// month, week, dayofweek, dayofyear, day, hour, minute, second, millisecond, microsecond, epoch,
// timezone, timezone_hour, timezone_minute. Any case is accepted; nothing for other words.
// Source: developer guide, "Date parts for date or timestamp functions".
std::optional<std::string_view> CanonicalDatePart(std::string_view word);

}  // namespace skep::sql
