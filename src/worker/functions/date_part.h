// The part of a date or time that a function works on (DATEADD's first argument and its like), and
// what functions with such an argument share when they are bound.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "worker/functions/registrar.h"

namespace skep::worker {

enum class DatePart : uint8_t {
  kMillennium,
  kCentury,
  kDecade,
  kYear,
  kQuarter,
  kMonth,
  kWeek,
  kDayOfWeek,
  kDayOfYear,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
  kEpoch,
  kTimezone,
  kTimezoneHour,
  kTimezoneMinute
};

std::string_view NameOf(DatePart part);

// Months in one of a part from months to millennia; nothing for the others.
std::optional<int32_t> MonthsOf(DatePart part);
// Microseconds in one of a part from microseconds to hours; nothing for the others.
std::optional<int64_t> ClockUnitOf(DatePart part);

// Takes the constant first argument away and answers the part it names, in any spelling of
// sql/date_parts. Throws BinderException when it is not constant or names no part.
DatePart TakeDatePart(duckdb::ClientContext& context, duckdb::ScalarFunction& function,
                      Arguments& arguments);

// What an argument of date or time is taken for: itself, or TIMESTAMP for text, NULL and
// parameters. Throws BinderException for other types.
duckdb::LogicalType MomentOf(const duckdb::ScalarFunction& function,
                             const duckdb::LogicalType& type);

struct PartData : duckdb::FunctionData {
  PartData(DatePart of, int64_t units) : part(of), unit(units) {}
  DatePart part;
  int64_t unit;  // what one of the part counts in the function's own measure
  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override;
  bool Equals(const duckdb::FunctionData& other) const override;
  static const PartData& Of(duckdb::ExpressionState& state);
};

[[noreturn]] void RefusePart(DatePart part, const duckdb::LogicalType& type);

}  // namespace skep::worker
