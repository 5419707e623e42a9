#include <cmath>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <limits>

#include "worker/functions/calendar.h"
#include "worker/functions/date_part.h"
#include "worker/functions/datetime_functions.h"
#include "worker/functions/time_zone.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

// EXTRACT answers whole numbers of the part alone; DATE_PART keeps the fraction of what it answers.
enum class Form : uint8_t { kDatePart, kExtract };

template <Form kForm>
double OfTime(DatePart part, int64_t time) {
  const int64_t fraction = time % kMicrosPerSecond;
  switch (part) {
    case DatePart::kHour:
      return static_cast<double>(time / kMicrosPerHour);
    case DatePart::kMinute:
      return static_cast<double>(time / kMicrosPerMinute % 60);
    case DatePart::kSecond:
      if (kForm == Form::kExtract) return static_cast<double>(time / kMicrosPerSecond % 60);
      return static_cast<double>(time % kMicrosPerMinute) / 1e6;
    case DatePart::kMillisecond:
      if (kForm == Form::kExtract) return static_cast<double>(fraction / 1000);
      return static_cast<double>(fraction) / 1e3;
    case DatePart::kMicrosecond:
      if (kForm == Form::kExtract) return static_cast<double>(fraction % 1000);
      return static_cast<double>(fraction);
    default:  // kEpoch
      if (kForm == Form::kExtract) return static_cast<double>(time / kMicrosPerSecond);
      return static_cast<double>(time) / 1e6;
  }
}

double Epoch(Form form, int64_t micros) {
  return form == Form::kExtract ? static_cast<double>(FloorDivide(micros, kMicrosPerSecond))
                                : static_cast<double>(micros) / 1e6;
}

// Years before 1 AD count down from -1 in decades, centuries and millennia, as there is no year 0.
int64_t Span(int64_t year, int64_t length) {
  return year > 0 ? (year + length - 1) / length : -((length - year) / length);
}

template <Form kForm>
double OfTimestamp(DatePart part, int64_t instant) {
  const int64_t day = DayOf(instant);
  switch (part) {
    case DatePart::kMillennium:
      return static_cast<double>(Span(ToCalendar(day).year, 1000));
    case DatePart::kCentury:
      return static_cast<double>(Span(ToCalendar(day).year, 100));
    case DatePart::kDecade:  // decade 1 is the years 1 to 9
      return static_cast<double>(FloorDivide(ToCalendar(day).year, 10) + 1);
    case DatePart::kYear: {
      const int64_t year = ToCalendar(day).year;
      return static_cast<double>(year > 0 ? year : year - 1);
    }
    case DatePart::kQuarter:
      return (ToCalendar(day).month - 1) / 3 + 1;
    case DatePart::kMonth:
      return ToCalendar(day).month;
    case DatePart::kWeek:
      return ToIsoWeek(day).week;
    case DatePart::kDayOfWeek:
      return DayOfWeek(day);
    case DatePart::kDayOfYear:
      return DayOfYear(day, ToCalendar(day).year);
    case DatePart::kDay:
      return ToCalendar(day).day;
    case DatePart::kEpoch:
      return Epoch(kForm, instant);
    default:
      return OfTime<kForm>(part, TimeOf(instant));
  }
}

double OfZone(DatePart part, int32_t seconds_east) {
  switch (part) {
    case DatePart::kTimezoneHour:
      return seconds_east / 3600;
    case DatePart::kTimezoneMinute:
      return seconds_east / 60 % 60;
    default:
      return seconds_east;
  }
}
bool IsOfZone(DatePart part) {
  return part == DatePart::kTimezone || part == DatePart::kTimezoneHour ||
         part == DatePart::kTimezoneMinute;
}
bool IsOfTime(DatePart part) {
  return (part >= DatePart::kHour && part <= DatePart::kMicrosecond) || part == DatePart::kEpoch;
}

template <Form kForm>
double OfInterval(DatePart part, duckdb::interval_t interval) {
  const int64_t months = interval.months;
  switch (part) {
    case DatePart::kMillennium:
      return static_cast<double>(months / 12000);
    case DatePart::kCentury:
      return static_cast<double>(months / 1200);
    case DatePart::kDecade:
      return static_cast<double>(months / 120);
    case DatePart::kYear:
      return static_cast<double>(months / 12);
    case DatePart::kQuarter:
      return static_cast<double>(months % 12 / 3 + 1);
    case DatePart::kMonth:
      return static_cast<double>(months % 12);
    case DatePart::kDay:
      return interval.days;
    case DatePart::kEpoch: {
      // A year has 365.25 days, a month beside it 30.
      const double days = static_cast<double>(months / 12) * 365.25 +
                          static_cast<double>(months % 12 * 30) + interval.days;
      const double seconds = days * 86400 + static_cast<double>(interval.micros) / 1e6;
      return kForm == Form::kExtract ? std::floor(seconds) : seconds;
    }
    default:
      return OfTime<kForm>(part, interval.micros);
  }
}

template <class Source, class Result, class Of>
void Run(duckdb::DataChunk& arguments, duckdb::Vector& result, Of of) {
  duckdb::UnaryExecutor::Execute<Source, Result>(
      arguments.data[0], result, arguments.size(),
      [&](Source source) { return static_cast<Result>(of(source)); });
}

template <Form kForm, class Result>
struct Runs {
  static void Timestamp(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                        duckdb::Vector& result) {
    const DatePart part = PartData::Of(state).part;
    if (IsOfTime(part))
      return Run<int64_t, Result>(
          arguments, result, [&](int64_t instant) { return OfTimestamp<kForm>(part, instant); });
    // Neighbours are often of one day.
    int64_t day = std::numeric_limits<int64_t>::min();
    double value = 0;
    Run<int64_t, Result>(arguments, result, [&](int64_t instant) {
      if (const int64_t of = DayOf(instant); of != day) {
        day = of;
        value = OfTimestamp<kForm>(part, instant);
      }
      return value;
    });
  }
  static void TimestampTz(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                          duckdb::Vector& result) {
    const DatePart part = PartData::Of(state).part;
    const Zone& zone = SessionZone::Of(state);
    Run<int64_t, Result>(arguments, result, [&](int64_t utc) {
      if (part == DatePart::kEpoch) return Epoch(kForm, utc);
      if (IsOfZone(part)) return OfZone(part, zone.SecondsEastAt(utc));
      return OfTimestamp<kForm>(part, zone.ToLocal(utc));
    });
  }
  static void Time(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                   duckdb::Vector& result) {
    const DatePart part = PartData::Of(state).part;
    Run<int64_t, Result>(arguments, result,
                         [&](int64_t time) { return OfTime<kForm>(part, time); });
  }
  static void TimeTz(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                     duckdb::Vector& result) {
    const DatePart part = PartData::Of(state).part;
    Run<duckdb::dtime_tz_t, Result>(arguments, result, [&](duckdb::dtime_tz_t time) {
      if (IsOfZone(part)) return OfZone(part, time.offset());
      const int64_t micros = time.time().micros;
      if (part == DatePart::kEpoch) return Epoch(kForm, micros - time.offset() * kMicrosPerSecond);
      return OfTime<kForm>(part, micros);
    });
  }
  static void Interval(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                       duckdb::Vector& result) {
    const DatePart part = PartData::Of(state).part;
    Run<duckdb::interval_t, Result>(arguments, result, [&](duckdb::interval_t interval) {
      return OfInterval<kForm>(part, interval);
    });
  }
  static void Choose(duckdb::ScalarFunction& function, LogicalTypeId type) {
    switch (type) {
      case LogicalTypeId::TIMESTAMP_TZ:
        function.function = TimestampTz;
        function.SetInitStateCallback(SessionZone::Init);
        function.SetStability(duckdb::FunctionStability::CONSISTENT_WITHIN_QUERY);
        break;
      case LogicalTypeId::TIME:
        function.function = Time;
        break;
      case LogicalTypeId::TIME_TZ:
        function.function = TimeTz;
        break;
      case LogicalTypeId::INTERVAL:
        function.function = Interval;
        break;
      default:
        function.function = Timestamp;
    }
  }
};

template <Form kForm>
duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext& context,
                                              duckdb::ScalarFunction& function,
                                              Arguments& arguments) {
  const DatePart part = TakeDatePart(context, function, arguments);
  LogicalType type = MomentOf(function, arguments[0]->return_type);
  if (type.id() == LogicalTypeId::DATE) type = LogicalType::TIMESTAMP;
  const bool zoned =
      type.id() == LogicalTypeId::TIMESTAMP_TZ || type.id() == LogicalTypeId::TIME_TZ;
  const bool clock = type.id() == LogicalTypeId::TIME || type.id() == LogicalTypeId::TIME_TZ;
  if ((IsOfZone(part) && !zoned) || (clock && !IsOfTime(part) && !IsOfZone(part)))
    RefusePart(part, type);
  if (type.id() == LogicalTypeId::INTERVAL &&
      (part == DatePart::kWeek || part == DatePart::kDayOfWeek || part == DatePart::kDayOfYear))
    RefusePart(part, type);
  function.arguments = {type};
  if (kForm == Form::kDatePart || type.id() == LogicalTypeId::TIMESTAMP_TZ) {
    function.SetReturnType(LogicalType::DOUBLE);
    Runs<kForm, double>::Choose(function, type.id());
  } else if (part == DatePart::kEpoch) {
    function.SetReturnType(LogicalType::BIGINT);
    Runs<kForm, int64_t>::Choose(function, type.id());
  } else {
    function.SetReturnType(LogicalType::INTEGER);
    Runs<kForm, int32_t>::Choose(function, type.id());
  }
  return duckdb::make_uniq<PartData>(part, 1);
}

void RunYear(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<duckdb::date_t, int32_t>(
      arguments.data[0], result, arguments.size(), [](duckdb::date_t date) {
        const int64_t year = ToCalendar(date.days).year;
        return static_cast<int32_t>(year > 0 ? year : year - 1);
      });
}
duckdb::unique_ptr<duckdb::FunctionData> BindYear(duckdb::ClientContext&,
                                                  duckdb::ScalarFunction& function, Arguments&) {
  function.arguments = {LogicalType::DATE};
  return nullptr;
}

}  // namespace

void RegisterExtract(Registrar& registrar) {
  duckdb::ScalarFunction date_part("rs_date_part", {LogicalType::VARCHAR, LogicalType::ANY},
                                   LogicalType::DOUBLE, nullptr, Bind<Form::kDatePart>);
  date_part.SetFallible();
  registrar.Add(date_part);
  duckdb::ScalarFunction extract("rs_extract", {LogicalType::VARCHAR, LogicalType::ANY},
                                 LogicalType::INTEGER, nullptr, Bind<Form::kExtract>);
  extract.SetFallible();
  registrar.Add(extract);
  registrar.Add(duckdb::ScalarFunction("rs_date_part_year", {LogicalType::ANY},
                                       LogicalType::INTEGER, RunYear, BindYear));
}

}  // namespace skep::worker
