#include <cmath>
#include <duckdb/common/vector_operations/binary_executor.hpp>

#include "worker/functions/calendar.h"
#include "worker/functions/datetime_functions.h"

namespace skep::worker {
namespace {

using duckdb::interval_t;
using duckdb::LogicalType;

[[noreturn]] void IntervalOutOfRange() {
  throw duckdb::ConversionException("interval field value out of range");
}

template <class A, class B, class Result, Result (*kOf)(A, B)>
void Run(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<A, B, Result>(arguments.data[0], arguments.data[1], result,
                                                arguments.size(), kOf);
}

template <class A, class B, class Result, Result (*kOf)(A, B)>
duckdb::ScalarFunction Operator(const LogicalType& left, const LogicalType& right,
                                const LogicalType& type) {
  duckdb::ScalarFunction function({left, right}, type, Run<A, B, Result, kOf>);
  function.SetFallible();
  return function;
}

using duckdb::date_t;

date_t PlusDays(date_t day, int64_t days) {
  int64_t sum;
  if (__builtin_add_overflow(int64_t{day.days}, days, &sum))
    throw duckdb::ConversionException("date out of range");
  return DateOf(sum);
}
date_t DaysPlus(int64_t days, date_t day) { return PlusDays(day, days); }
date_t MinusDays(date_t day, int64_t days) {
  int64_t sum;
  if (__builtin_sub_overflow(int64_t{day.days}, days, &sum))
    throw duckdb::ConversionException("date out of range");
  return DateOf(sum);
}
int32_t DaysBetween(date_t a, date_t b) {
  int32_t days;
  if (__builtin_sub_overflow(a.days, b.days, &days))
    throw duckdb::ConversionException("date out of range");
  return days;
}

interval_t TimeBetween(int64_t a, int64_t b) { return {0, 0, a - b}; }
// Days and the time beside them, never months.
interval_t InstantsBetween(int64_t a, int64_t b) {
  int64_t micros;
  if (__builtin_sub_overflow(a, b, &micros)) IntervalOutOfRange();
  return {0, static_cast<int32_t>(micros / kMicrosPerDay), micros % kMicrosPerDay};
}

int32_t Whole(double value) {
  if (!(std::fabs(value) < 2147483648.0)) IntervalOutOfRange();
  return static_cast<int32_t>(value);
}
double ToMicro(double days) { return std::rint(days * 1e6) / 1e6; }

// What a month's fraction leaves are days of a month of 30, what a day's leaves is time. `months`,
// `days` and `micros` are those of the result with their fractions. Source: PostgreSQL 15,
// interval_mul.
interval_t Cascade(double months, double days, double micros) {
  if (!std::isfinite(months + days + micros)) IntervalOutOfRange();
  interval_t scaled;
  scaled.months = Whole(months);
  scaled.days = Whole(days);
  double rest_days = ToMicro((months - scaled.months) * 30);
  double rest_seconds = ToMicro((days - scaled.days + rest_days - std::trunc(rest_days)) * 86400);
  rest_days = std::trunc(rest_days);
  if (std::fabs(rest_seconds) >= 86400) {
    const double more = std::trunc(rest_seconds / 86400);
    rest_days += more;
    rest_seconds -= more * 86400;
  }
  scaled.days = Whole(scaled.days + rest_days);
  micros = std::rint(micros + rest_seconds * 1e6);
  if (!(std::fabs(micros) < 9.2e18)) IntervalOutOfRange();
  scaled.micros = static_cast<int64_t>(micros);
  return scaled;
}
interval_t Times(interval_t interval, double factor) {
  return Cascade(interval.months * factor, interval.days * factor,
                 static_cast<double>(interval.micros) * factor);
}
interval_t TimesLeft(double factor, interval_t interval) { return Times(interval, factor); }

// Whole factors stay exact.
interval_t TimesWhole(interval_t interval, int64_t factor) {
  interval_t scaled;
  if (__builtin_mul_overflow(int64_t{interval.months}, factor, &scaled.micros) ||
      scaled.micros != static_cast<int32_t>(scaled.micros))
    IntervalOutOfRange();
  scaled.months = static_cast<int32_t>(scaled.micros);
  if (__builtin_mul_overflow(int64_t{interval.days}, factor, &scaled.micros) ||
      scaled.micros != static_cast<int32_t>(scaled.micros))
    IntervalOutOfRange();
  scaled.days = static_cast<int32_t>(scaled.micros);
  if (__builtin_mul_overflow(interval.micros, factor, &scaled.micros)) IntervalOutOfRange();
  return scaled;
}
interval_t WholeTimes(int64_t factor, interval_t interval) { return TimesWhole(interval, factor); }

interval_t Divide(interval_t interval, double divisor) {
  if (divisor == 0)
    throw duckdb::Exception(duckdb::ExceptionType::DIVIDE_BY_ZERO, "division by zero");
  return Cascade(interval.months / divisor, interval.days / divisor,
                 static_cast<double>(interval.micros) / divisor);
}

}  // namespace

void RegisterDatetimeOperators(Registrar& registrar) {
  const auto date = LogicalType::DATE, big = LogicalType::BIGINT;
  const auto interval = LogicalType::INTERVAL, number = LogicalType::DOUBLE;
  duckdb::ScalarFunctionSet plus("+");
  plus.AddFunction(Operator<date_t, int64_t, date_t, PlusDays>(date, big, date));
  plus.AddFunction(Operator<int64_t, date_t, date_t, DaysPlus>(big, date, date));
  registrar.Replace(plus);

  duckdb::ScalarFunctionSet minus("-");
  minus.AddFunction(Operator<date_t, int64_t, date_t, MinusDays>(date, big, date));
  minus.AddFunction(
      Operator<date_t, date_t, int32_t, DaysBetween>(date, date, LogicalType::INTEGER));
  minus.AddFunction(Operator<int64_t, int64_t, interval_t, TimeBetween>(
      LogicalType::TIME, LogicalType::TIME, interval));
  for (const auto& type : {LogicalType::TIMESTAMP, LogicalType::TIMESTAMP_TZ})
    minus.AddFunction(
        Operator<int64_t, int64_t, interval_t, InstantsBetween>(type, type, interval));
  registrar.Replace(minus);

  duckdb::ScalarFunctionSet times("*");
  times.AddFunction(Operator<interval_t, double, interval_t, Times>(interval, number, interval));
  times.AddFunction(
      Operator<double, interval_t, interval_t, TimesLeft>(number, interval, interval));
  times.AddFunction(Operator<interval_t, int64_t, interval_t, TimesWhole>(interval, big, interval));
  times.AddFunction(Operator<int64_t, interval_t, interval_t, WholeTimes>(big, interval, interval));
  registrar.Replace(times);

  duckdb::ScalarFunctionSet divide("/");
  divide.AddFunction(Operator<interval_t, double, interval_t, Divide>(interval, number, interval));
  registrar.Replace(divide);
}

}  // namespace skep::worker
