#include <duckdb/common/vector_operations/binary_executor.hpp>

#include "worker/functions/calendar.h"
#include "worker/functions/date_part.h"
#include "worker/functions/datetime_format.h"
#include "worker/functions/format_memo.h"
#include "worker/functions/formatting_functions.h"
#include "worker/functions/number_format.h"
#include "worker/functions/text_view.h"
#include "worker/functions/wide_integers.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::string_t;

template <class Format, class Value, class Write>
void Run(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result,
         Write write) {
  auto& own = FormatState<Format>::Of(state);
  duckdb::BinaryExecutor::Execute<Value, string_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](Value value, const string_t& format) {
        own.out.clear();
        write(own, own.formats[View(format)], value);
        return duckdb::StringVector::AddString(result, own.out);
      });
}

void SetZone(const DatetimeFormat& format, const Zone& zone, int64_t utc, DatetimeFields& fields) {
  if (!format.ShowsZone()) return;
  fields.seconds_east = zone.SecondsEastAt(utc);
  fields.zone = zone.NameAt(utc);
}

using DatetimeState = FormatState<DatetimeFormat>;

// A timestamp without zone is one of the session's clock.
void RunTimestamp(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                  duckdb::Vector& result) {
  Run<DatetimeFormat, int64_t>(arguments, state, result,
                               [](DatetimeState& own, const DatetimeFormat& format, int64_t local) {
                                 auto fields = DatetimeFields::OfInstant(local);
                                 if (format.ShowsZone())
                                   SetZone(format, *own.zone, own.zone->ToUtc(local), fields);
                                 format.Write(fields, own.out);
                               });
}
void RunTimestampTz(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                    duckdb::Vector& result) {
  Run<DatetimeFormat, int64_t>(arguments, state, result,
                               [](DatetimeState& own, const DatetimeFormat& format, int64_t utc) {
                                 auto fields = DatetimeFields::OfInstant(own.zone->ToLocal(utc));
                                 SetZone(format, *own.zone, utc, fields);
                                 format.Write(fields, own.out);
                               });
}
void RunTime(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  Run<DatetimeFormat, int64_t>(arguments, state, result,
                               [](DatetimeState& own, const DatetimeFormat& format, int64_t time) {
                                 format.Write(DatetimeFields::OfInterval(0, 0, time), own.out);
                               });
}
void RunInterval(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                 duckdb::Vector& result) {
  Run<DatetimeFormat, duckdb::interval_t>(
      arguments, state, result,
      [](DatetimeState& own, const DatetimeFormat& format, duckdb::interval_t interval) {
        format.Write(DatetimeFields::OfInterval(interval.months, interval.days, interval.micros),
                     own.out);
      });
}

using NumberState = FormatState<NumberFormat>;

void RunInteger(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                duckdb::Vector& result) {
  Run<NumberFormat, int64_t>(arguments, state, result,
                             [](NumberState& own, const NumberFormat& format, int64_t value) {
                               format.Write(value, 0, own.out);
                             });
}
void RunDouble(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
               duckdb::Vector& result) {
  Run<NumberFormat, double>(arguments, state, result,
                            [](NumberState& own, const NumberFormat& format, double value) {
                              format.Write(value, own.out);
                            });
}
void RunDecimal(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                duckdb::Vector& result) {
  const int scale = duckdb::DecimalType::GetScale(arguments.data[0].GetType());
  Run<NumberFormat, duckdb::hugeint_t>(
      arguments, state, result,
      [scale](NumberState& own, const NumberFormat& format, duckdb::hugeint_t value) {
        format.Write(ToInt128(value), scale, own.out);
      });
}

duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext&,
                                              duckdb::ScalarFunction& function,
                                              Arguments& arguments) {
  LogicalType type = arguments[0]->return_type;
  const auto use = [&](const LogicalType& as, duckdb::scalar_function_t run) {
    type = as;
    function.function = std::move(run);
  };
  const auto datetimes = [&] { function.SetInitStateCallback(DatetimeState::Init); };
  function.SetInitStateCallback(NumberState::Init);
  switch (type.id()) {
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::UINTEGER:
      use(LogicalType::BIGINT, RunInteger);
      break;
    case LogicalTypeId::UBIGINT:
    case LogicalTypeId::HUGEINT:
      use(LogicalType::DECIMAL(38, 0), RunDecimal);
      break;
    case LogicalTypeId::DECIMAL:
      use(LogicalType::DECIMAL(38, duckdb::DecimalType::GetScale(type)), RunDecimal);
      break;
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
      use(LogicalType::DOUBLE, RunDouble);
      break;
    case LogicalTypeId::INTERVAL:
      use(LogicalType::INTERVAL, RunInterval);
      datetimes();
      break;
    case LogicalTypeId::TIME:
      use(LogicalType::TIME, RunTime);
      datetimes();
      break;
    case LogicalTypeId::TIMESTAMP_TZ:
      use(LogicalType::TIMESTAMP_TZ, RunTimestampTz);
      datetimes();
      function.SetStability(duckdb::FunctionStability::CONSISTENT_WITHIN_QUERY);
      break;
    default:
      type = MomentOf(function, type);
      if (type.id() == LogicalTypeId::TIME_TZ)
        throw duckdb::BinderException("No function matches 'to_char' of type %s", type.ToString());
      use(LogicalType::TIMESTAMP, RunTimestamp);
      datetimes();
  }
  function.arguments = {type, LogicalType::VARCHAR};
  return nullptr;
}

}  // namespace

void RegisterToChar(Registrar& registrar) {
  duckdb::ScalarFunction function("rs_to_char", {LogicalType::ANY, LogicalType::VARCHAR},
                                  LogicalType::VARCHAR, nullptr, Bind);
  function.SetFallible();
  registrar.Add(function);
}

}  // namespace skep::worker
