#include <array>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <optional>

#include "worker/functions/calendar.h"
#include "worker/functions/calendar_names.h"
#include "worker/functions/date_part.h"
#include "worker/functions/datetime_functions.h"
#include "worker/functions/text_view.h"
#include "worker/functions/time_zone.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

// The first year of a span of years; centuries and millennia begin in year 1.
int64_t FirstYear(int64_t year, int64_t length) {
  return FloorDivide(year - 1, length) * length + 1;
}

int64_t FirstDay(DatePart part, int64_t day) {
  if (part == DatePart::kWeek) return day - FloorModulo(day + 3, 7);  // Monday
  const CalendarDay date = ToCalendar(day);
  switch (part) {
    case DatePart::kMillennium:
      return DayNumber(FirstYear(date.year, 1000), 1, 1);
    case DatePart::kCentury:
      return DayNumber(FirstYear(date.year, 100), 1, 1);
    case DatePart::kDecade:
      return DayNumber(FloorDivide(date.year, 10) * 10, 1, 1);
    case DatePart::kYear:
      return DayNumber(date.year, 1, 1);
    case DatePart::kQuarter:
      return DayNumber(date.year, (date.month - 1) / 3 * 3 + 1, 1);
    case DatePart::kMonth:
      return DayNumber(date.year, date.month, 1);
    default:
      return day;
  }
}

int64_t Truncate(DatePart part, int64_t unit, int64_t instant) {
  if (unit > 0) return FloorDivide(instant, unit) * unit;
  return InstantOf(std::max(FirstDay(part, DayOf(instant)), kFirstDay), 0);
}

void RunTimestamp(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                  duckdb::Vector& result) {
  const auto& data = PartData::Of(state);
  const DatePart part = data.part;
  const int64_t unit = data.unit;
  duckdb::UnaryExecutor::Execute<int64_t, int64_t>(
      arguments.data[0], result, arguments.size(),
      [&](int64_t instant) { return Truncate(part, unit, instant); });
}

void RunTimestampTz(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                    duckdb::Vector& result) {
  const auto& data = PartData::Of(state);
  const DatePart part = data.part;
  const int64_t unit = data.unit;
  const Zone& zone = SessionZone::Of(state);
  duckdb::UnaryExecutor::Execute<int64_t, int64_t>(
      arguments.data[0], result, arguments.size(), [&](int64_t utc) {
        const int64_t local = zone.ToLocal(utc);
        const int64_t cut = Truncate(part, unit, local);
        // Within the hour nothing changes the clock; an hour that comes twice keeps its place.
        if (unit > 0 && unit < kMicrosPerDay) return utc - (local - cut);
        return zone.ToUtc(cut);
      });
}

void RunInterval(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                 duckdb::Vector& result) {
  const auto& data = PartData::Of(state);
  const int64_t unit = data.unit;
  const int32_t months = MonthsOf(data.part).value_or(1);
  duckdb::UnaryExecutor::Execute<duckdb::interval_t, duckdb::interval_t>(
      arguments.data[0], result, arguments.size(), [&](duckdb::interval_t interval) {
        if (unit > 0) {
          interval.micros = unit == kMicrosPerDay ? 0 : interval.micros / unit * unit;
          return interval;
        }
        return duckdb::interval_t{interval.months / months * months, 0, 0};
      });
}

// 0 for a part that is not always as long.
int64_t UnitOf(DatePart part, const LogicalType& type) {
  if (MonthsOf(part)) return 0;
  if (const auto unit = ClockUnitOf(part)) return *unit;
  if (part == DatePart::kDay) return kMicrosPerDay;
  if (part != DatePart::kWeek || type.id() == LogicalTypeId::INTERVAL) RefusePart(part, type);
  return 0;
}

duckdb::unique_ptr<duckdb::FunctionData> BindTrunc(duckdb::ClientContext& context,
                                                   duckdb::ScalarFunction& function,
                                                   Arguments& arguments) {
  const DatePart part = TakeDatePart(context, function, arguments);
  LogicalType type = MomentOf(function, arguments[0]->return_type);
  switch (type.id()) {
    case LogicalTypeId::TIMESTAMP_TZ:
      function.function = RunTimestampTz;
      function.SetInitStateCallback(SessionZone::Init);
      function.SetStability(duckdb::FunctionStability::CONSISTENT_WITHIN_QUERY);
      break;
    case LogicalTypeId::INTERVAL:
      function.function = RunInterval;
      break;
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIMESTAMP:
      type = LogicalType::TIMESTAMP;
      function.function = RunTimestamp;
      break;
    default:
      RefusePart(part, type);
  }
  const int64_t unit = UnitOf(part, type);
  function.arguments = {type};
  function.SetReturnType(type);
  return duckdb::make_uniq<PartData>(part, unit);
}

duckdb::unique_ptr<duckdb::FunctionData> BindDay(duckdb::ClientContext&,
                                                 duckdb::ScalarFunction& function, Arguments&) {
  function.arguments[0] = LogicalType::DATE;
  return nullptr;
}

void RunLastDay(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<duckdb::date_t, duckdb::date_t>(
      arguments.data[0], result, arguments.size(), [](duckdb::date_t day) {
        const CalendarDay date = ToCalendar(day.days);
        return DateOf(day.days - date.day + DaysInMonth(date.year, date.month));
      });
}

int WeekdayOf(const duckdb::string_t& text) {
  const std::string_view word = WithoutBlanks(View(text));
  if (const auto day = DayNamed(word)) return *day;
  // Su, M, Mo, Tu, W, We, Th, F, Fr, Sa.
  for (size_t i = 0; i < kDayNames.size(); i++) {
    const bool by_one = i == 1 || i == 3 || i == 5;
    if (EqualsNoCase(word, kDayNames[i].substr(0, 2)) ||
        (by_one && EqualsNoCase(word, kDayNames[i].substr(0, 1))))
      return static_cast<int>(i);
  }
  throw duckdb::InvalidInputException("\"%s\" is not a day of the week", std::string(word));
}
duckdb::date_t NextDay(duckdb::date_t after, int weekday) {
  const int64_t ahead = FloorModulo(weekday - DayOfWeek(after.days) - 1, 7) + 1;
  return DateOf(after.days + ahead);
}
void RunNextDay(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  auto& names = arguments.data[1];
  if (names.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR &&
      !duckdb::ConstantVector::IsNull(names)) {
    const int weekday = WeekdayOf(*duckdb::ConstantVector::GetData<duckdb::string_t>(names));
    duckdb::UnaryExecutor::Execute<duckdb::date_t, duckdb::date_t>(
        arguments.data[0], result, arguments.size(),
        [&](duckdb::date_t day) { return NextDay(day, weekday); });
    return;
  }
  duckdb::BinaryExecutor::Execute<duckdb::date_t, duckdb::string_t, duckdb::date_t>(
      arguments.data[0], names, result, arguments.size(),
      [](duckdb::date_t day, const duckdb::string_t& name) {
        return NextDay(day, WeekdayOf(name));
      });
}

// The cast to a date, which binding adds, is all there is to it.
void RunTrunc(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  result.Reference(arguments.data[0]);
}

}  // namespace

void RegisterDateTrunc(Registrar& registrar) {
  duckdb::ScalarFunction trunc("rs_date_trunc", {LogicalType::VARCHAR, LogicalType::ANY},
                               LogicalType::TIMESTAMP, nullptr, BindTrunc);
  trunc.SetFallible();
  registrar.Add(trunc);
  registrar.Add(duckdb::ScalarFunction("rs_trunc_timestamp", {LogicalType::ANY}, LogicalType::DATE,
                                       RunTrunc, BindDay));
  registrar.Add(duckdb::ScalarFunction("rs_last_day", {LogicalType::ANY}, LogicalType::DATE,
                                       RunLastDay, BindDay));
  duckdb::ScalarFunction next_day("rs_next_day", {LogicalType::ANY, LogicalType::VARCHAR},
                                  LogicalType::DATE, RunNextDay, BindDay);
  next_day.SetFallible();
  registrar.Add(next_day);
}

}  // namespace skep::worker
