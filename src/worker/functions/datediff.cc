#include <duckdb/common/vector_operations/binary_executor.hpp>

#include "worker/functions/calendar.h"
#include "worker/functions/date_part.h"
#include "worker/functions/datetime_functions.h"
#include "worker/functions/time_zone.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

// How many boundaries of the part lie between an arbitrary start and this instant.
int64_t Boundaries(DatePart part, int64_t unit, int64_t instant) {
  switch (part) {
    case DatePart::kMillennium:
      return FloorDivide(ToCalendar(DayOf(instant)).year - 1, 1000);
    case DatePart::kCentury:
      return FloorDivide(ToCalendar(DayOf(instant)).year - 1, 100);
    case DatePart::kDecade:
      return FloorDivide(ToCalendar(DayOf(instant)).year, 10);
    case DatePart::kYear:
      return ToCalendar(DayOf(instant)).year;
    case DatePart::kQuarter: {
      const CalendarDay date = ToCalendar(DayOf(instant));
      return date.year * 4 + (date.month - 1) / 3;
    }
    case DatePart::kMonth: {
      const CalendarDay date = ToCalendar(DayOf(instant));
      return date.year * 12 + date.month;
    }
    case DatePart::kWeek:  // weeks begin on Sunday
      return FloorDivide(DayOf(instant) + 4, 7);
    default:
      return FloorDivide(instant, unit);
  }
}

// 0 for a part whose boundaries are counted by the calendar.
int64_t UnitOf(DatePart part, const LogicalType& type) {
  if (MonthsOf(part)) return 0;
  if (const auto unit = ClockUnitOf(part)) return *unit;
  switch (part) {
    case DatePart::kWeek:
      return 0;
    case DatePart::kDay:
    case DatePart::kDayOfYear:
    case DatePart::kDayOfWeek:
      return kMicrosPerDay;
    case DatePart::kEpoch:
      return kMicrosPerSecond;
    default:
      RefusePart(part, type);
  }
}

void RunClock(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
              duckdb::Vector& result) {
  const auto& data = PartData::Of(state);
  const DatePart part = data.part;
  const int64_t unit = data.unit;
  duckdb::BinaryExecutor::Execute<int64_t, int64_t, int64_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](int64_t from, int64_t to) {
        return Boundaries(part, unit, to) - Boundaries(part, unit, from);
      });
}
void RunTimestampTz(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                    duckdb::Vector& result) {
  const auto& data = PartData::Of(state);
  const DatePart part = data.part;
  const int64_t unit = data.unit;
  const Zone& zone = SessionZone::Of(state);
  duckdb::BinaryExecutor::Execute<int64_t, int64_t, int64_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](int64_t from, int64_t to) {
        return Boundaries(part, unit, zone.ToLocal(to)) -
               Boundaries(part, unit, zone.ToLocal(from));
      });
}
void RunTimeTz(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
               duckdb::Vector& result) {
  const int64_t unit = PartData::Of(state).unit;
  const auto utc = [](duckdb::dtime_tz_t time) {
    return FloorModulo(time.time().micros - time.offset() * kMicrosPerSecond, kMicrosPerDay);
  };
  duckdb::BinaryExecutor::Execute<duckdb::dtime_tz_t, duckdb::dtime_tz_t, int64_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](duckdb::dtime_tz_t from, duckdb::dtime_tz_t to) {
        return utc(to) / unit - utc(from) / unit;
      });
}

// The type that two arguments meet in.
LogicalType Common(const duckdb::ScalarFunction& function, const Arguments& arguments) {
  const LogicalType types[] = {MomentOf(function, arguments[0]->return_type),
                               MomentOf(function, arguments[1]->return_type)};
  for (const auto id : {LogicalTypeId::TIME_TZ, LogicalTypeId::TIME, LogicalTypeId::TIMESTAMP_TZ})
    if (types[0].id() == id || types[1].id() == id) return id;
  if (types[0].id() == LogicalTypeId::INTERVAL || types[1].id() == LogicalTypeId::INTERVAL)
    throw duckdb::BinderException("No function matches '%s' of intervals", function.name);
  return LogicalType::TIMESTAMP;
}

duckdb::unique_ptr<duckdb::FunctionData> BindDatediff(duckdb::ClientContext& context,
                                                      duckdb::ScalarFunction& function,
                                                      Arguments& arguments) {
  const DatePart part = TakeDatePart(context, function, arguments);
  const LogicalType type = Common(function, arguments);
  const int64_t unit = UnitOf(part, type);
  function.arguments = {type, type};
  switch (type.id()) {
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIME_TZ:
      if (unit == 0 || unit == kMicrosPerDay) RefusePart(part, type);
      function.function = type.id() == LogicalTypeId::TIME ? RunClock : RunTimeTz;
      break;
    case LogicalTypeId::TIMESTAMP_TZ:
      function.function = RunTimestampTz;
      function.SetInitStateCallback(SessionZone::Init);
      function.SetStability(duckdb::FunctionStability::CONSISTENT_WITHIN_QUERY);
      break;
    default:
      function.function = RunClock;
  }
  return duckdb::make_uniq<PartData>(part, unit);
}

// Whole months between equal days of a month and between last days; else 31 days are a month.
double MonthsBetween(int64_t a, int64_t b) {
  const CalendarDay x = ToCalendar(DayOf(a)), y = ToCalendar(DayOf(b));
  const auto months = static_cast<double>((x.year - y.year) * 12 + x.month - y.month);
  const bool last = x.day == DaysInMonth(x.year, x.month) && y.day == DaysInMonth(y.year, y.month);
  if (x.day == y.day || last) return months;
  const int64_t micros = (x.day - y.day) * kMicrosPerDay + TimeOf(a) - TimeOf(b);
  return months + static_cast<double>(micros) / static_cast<double>(31 * kMicrosPerDay);
}
void RunMonthsBetween(duckdb::DataChunk& arguments, duckdb::ExpressionState&,
                      duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<int64_t, int64_t, double>(
      arguments.data[0], arguments.data[1], result, arguments.size(), MonthsBetween);
}
duckdb::unique_ptr<duckdb::FunctionData> BindMonthsBetween(duckdb::ClientContext&,
                                                           duckdb::ScalarFunction& function,
                                                           Arguments&) {
  function.arguments = {LogicalType::TIMESTAMP, LogicalType::TIMESTAMP};
  return nullptr;
}

}  // namespace

void RegisterDatediff(Registrar& registrar) {
  duckdb::ScalarFunction datediff("rs_datediff",
                                  {LogicalType::VARCHAR, LogicalType::ANY, LogicalType::ANY},
                                  LogicalType::BIGINT, nullptr, BindDatediff);
  datediff.SetFallible();
  registrar.Add(datediff);
  registrar.Add(duckdb::ScalarFunction("rs_months_between", {LogicalType::ANY, LogicalType::ANY},
                                       LogicalType::DOUBLE, RunMonthsBetween, BindMonthsBetween));
}

}  // namespace skep::worker
