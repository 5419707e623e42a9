#include <duckdb/common/vector_operations/binary_executor.hpp>

#include "worker/functions/calendar.h"
#include "worker/functions/date_part.h"
#include "worker/functions/datetime_functions.h"
#include "worker/functions/time_zone.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

// More months than time has.
constexpr int64_t kMostMonths = 12 * 600'000;

int64_t CheckedMonths(int64_t count, int64_t unit) {
  const int64_t months = Times(count, unit);
  if (months > kMostMonths || months < -kMostMonths) TimestampOutOfRange();
  return months;
}

// A day that the month does not have becomes its last.
int64_t PlusMonths(int64_t instant, int64_t months) {
  const CalendarDay date = ToCalendar(DayOf(instant));
  const int64_t total = date.year * 12 + date.month - 1 + months;
  const int64_t year = FloorDivide(total, 12);
  const int month = static_cast<int>(FloorModulo(total, 12)) + 1;
  return InstantOf(DayNumber(year, month, std::min(date.day, DaysInMonth(year, month))),
                   TimeOf(instant));
}

// 29 February becomes 1 March in a year that has none.
int64_t PlusYears(int64_t instant, int64_t years) {
  const CalendarDay date = ToCalendar(DayOf(instant));
  return InstantOf(DayNumber(date.year + years, date.month, date.day), TimeOf(instant));
}

// The last day of a month stays the last one.
int64_t AddMonths(int64_t instant, int64_t months) {
  const CalendarDay date = ToCalendar(DayOf(instant));
  const int64_t sum = PlusMonths(instant, CheckedMonths(months, 1));
  if (date.day != DaysInMonth(date.year, date.month)) return sum;
  const CalendarDay there = ToCalendar(DayOf(sum));
  return InstantOf(DayNumber(there.year, there.month, DaysInMonth(there.year, there.month)),
                   TimeOf(sum));
}

enum class Measure : uint8_t { kMicros, kDays, kMonths, kYears };

template <Measure kMeasure>
int64_t Plus(int64_t instant, int64_t count, int64_t unit) {
  switch (kMeasure) {
    case Measure::kMicros:
    case Measure::kDays:
      return AddMicros(instant, Times(count, unit));
    case Measure::kMonths:
      return PlusMonths(instant, CheckedMonths(count, unit));
    case Measure::kYears:
      return PlusYears(instant, CheckedMonths(count, unit));
  }
}

template <Measure kMeasure>
void RunTimestamp(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                  duckdb::Vector& result) {
  const int64_t unit = PartData::Of(state).unit;
  duckdb::BinaryExecutor::Execute<int64_t, int64_t, int64_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](int64_t count, int64_t instant) { return Plus<kMeasure>(instant, count, unit); });
}

// Days and more go by the session's clock, so that noon stays noon.
template <Measure kMeasure>
void RunTimestampTz(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                    duckdb::Vector& result) {
  const int64_t unit = PartData::Of(state).unit;
  const Zone& zone = SessionZone::Of(state);
  duckdb::BinaryExecutor::Execute<int64_t, int64_t, int64_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](int64_t count, int64_t instant) {
        return zone.ToUtc(Plus<kMeasure>(zone.ToLocal(instant), count, unit));
      });
}

int64_t PlusTime(int64_t time, int64_t count, int64_t unit) {
  // The day goes round: what is left of the count is enough.
  return FloorModulo(time + count % (kMicrosPerDay / unit) * unit, kMicrosPerDay);
}
void RunTime(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const int64_t unit = PartData::Of(state).unit;
  duckdb::BinaryExecutor::Execute<int64_t, int64_t, int64_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](int64_t count, int64_t time) { return PlusTime(time, count, unit); });
}
// In UTC, as the guide shows it.
void RunTimeTz(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
               duckdb::Vector& result) {
  const int64_t unit = PartData::Of(state).unit;
  duckdb::BinaryExecutor::Execute<int64_t, duckdb::dtime_tz_t, duckdb::dtime_tz_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](int64_t count, duckdb::dtime_tz_t time) {
        const int64_t utc = time.time().micros - time.offset() * kMicrosPerSecond;
        return duckdb::dtime_tz_t(duckdb::dtime_t(PlusTime(utc, count, unit)), 0);
      });
}

struct Step {
  Measure measure;
  int64_t unit;
};
Step StepOf(DatePart part, const LogicalType& type) {
  if (const auto unit = ClockUnitOf(part)) return {Measure::kMicros, *unit};
  switch (part) {
    case DatePart::kMillennium:
      return {Measure::kYears, 1000};
    case DatePart::kCentury:
      return {Measure::kYears, 100};
    case DatePart::kDecade:
      return {Measure::kYears, 10};
    case DatePart::kYear:
      return {Measure::kYears, 1};
    case DatePart::kQuarter:
      return {Measure::kMonths, 3};
    case DatePart::kMonth:
      return {Measure::kMonths, 1};
    case DatePart::kWeek:
      return {Measure::kDays, 7 * kMicrosPerDay};
    case DatePart::kDay:
    case DatePart::kDayOfYear:
    case DatePart::kDayOfWeek:
      return {Measure::kDays, kMicrosPerDay};
    case DatePart::kEpoch:
      return {Measure::kMicros, kMicrosPerSecond};
    default:
      RefusePart(part, type);
  }
}

template <template <Measure> class Run>
duckdb::scalar_function_t ByMeasure(Measure measure) {
  switch (measure) {
    case Measure::kMicros:
      return Run<Measure::kMicros>::kRun;
    case Measure::kDays:
      return Run<Measure::kDays>::kRun;
    case Measure::kMonths:
      return Run<Measure::kMonths>::kRun;
    case Measure::kYears:
      return Run<Measure::kYears>::kRun;
  }
}
template <Measure kMeasure>
struct OfTimestamp {
  static constexpr auto* kRun = RunTimestamp<kMeasure>;
};
template <Measure kMeasure>
struct OfTimestampTz {
  static constexpr auto* kRun = RunTimestampTz<kMeasure>;
};

// DATE, text and TIMESTAMP give TIMESTAMP; the others give themselves.
duckdb::unique_ptr<duckdb::FunctionData> BindDateadd(duckdb::ClientContext& context,
                                                     duckdb::ScalarFunction& function,
                                                     Arguments& arguments) {
  const DatePart part = TakeDatePart(context, function, arguments);
  LogicalType type = MomentOf(function, arguments[1]->return_type);
  if (type.id() == LogicalTypeId::DATE) type = LogicalType::TIMESTAMP;
  const Step step = StepOf(part, type);
  switch (type.id()) {
    case LogicalTypeId::TIMESTAMP:
      function.function = ByMeasure<OfTimestamp>(step.measure);
      break;
    case LogicalTypeId::TIMESTAMP_TZ:
      if (step.measure == Measure::kMicros) {
        function.function = RunTimestamp<Measure::kMicros>;
      } else {
        function.function = ByMeasure<OfTimestampTz>(step.measure);
        function.SetInitStateCallback(SessionZone::Init);
        function.SetStability(duckdb::FunctionStability::CONSISTENT_WITHIN_QUERY);
      }
      break;
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIME_TZ:
      if (step.measure != Measure::kMicros) RefusePart(part, type);
      if (type.id() == LogicalTypeId::TIME) {
        function.function = RunTime;
      } else {
        function.function = RunTimeTz;
      }
      break;
    default:
      RefusePart(part, type);
  }
  function.arguments = {LogicalType::BIGINT, type};
  function.SetReturnType(type);
  return duckdb::make_uniq<PartData>(part, step.unit);
}

void RunAddMonths(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<int64_t, int64_t, int64_t>(arguments.data[0], arguments.data[1],
                                                             result, arguments.size(), AddMonths);
}
duckdb::unique_ptr<duckdb::FunctionData> BindAddMonths(duckdb::ClientContext&,
                                                       duckdb::ScalarFunction& function,
                                                       Arguments&) {
  function.arguments = {LogicalType::TIMESTAMP, LogicalType::BIGINT};
  return nullptr;
}

}  // namespace

void RegisterDateadd(Registrar& registrar) {
  duckdb::ScalarFunction dateadd("rs_dateadd",
                                 {LogicalType::VARCHAR, LogicalType::ANY, LogicalType::ANY},
                                 LogicalType::TIMESTAMP, nullptr, BindDateadd);
  dateadd.SetFallible();
  registrar.Add(dateadd);
  duckdb::ScalarFunction add_months("rs_add_months", {LogicalType::ANY, LogicalType::ANY},
                                    LogicalType::TIMESTAMP, RunAddMonths, BindAddMonths);
  add_months.SetFallible();
  registrar.Add(add_months);
}

}  // namespace skep::worker
