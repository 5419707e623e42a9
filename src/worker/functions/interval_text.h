// Reads intervals: '3 hours, 30 minutes', '1-2' year to month, 'P1Y2M'. Source: developer guide,
// "Interval literals"; PostgreSQL's forms where the guide is silent.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "worker/functions/registrar.h"

namespace skep::worker {

enum class IntervalField : uint8_t { kYear, kMonth, kDay, kHour, kMinute, kSecond };

// A qualifier such as "day to second(3)": the fields that the value keeps; without one, all.
struct IntervalFields {
  bool given = false;
  IntervalField first = IntervalField::kYear;
  IntervalField last = IntervalField::kSecond;
  int precision = 6;  // digits of a second's fraction, rounded to

  // Nothing when the text is no qualifier.
  static std::optional<IntervalFields> Read(std::string_view qualifier);
};

enum class IntervalError : uint8_t { kNone, kSyntax, kRange };

// A number without a unit counts in the qualifier's last field, or in seconds.
IntervalError ReadInterval(std::string_view text, const IntervalFields& fields,
                           duckdb::interval_t& result);
std::string IntervalMessage(IntervalError error, std::string_view text);

// rs_interval(text [, qualifier]): the qualifier is a constant.
void RegisterIntervalText(Registrar& registrar);

}  // namespace skep::worker
