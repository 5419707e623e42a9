#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/ternary_executor.hpp>

#include "worker/functions/calendar.h"
#include "worker/functions/date_part.h"
#include "worker/functions/datetime_functions.h"
#include "worker/functions/session_clock.h"
#include "worker/functions/text_view.h"
#include "worker/functions/time_zone.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::string_t;

void RunFromUtc(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                duckdb::Vector& result) {
  ZoneMemo zones(state.GetContext());
  duckdb::BinaryExecutor::Execute<string_t, int64_t, int64_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](const string_t& to, int64_t utc) { return zones[View(to)].ToLocal(utc); });
}

void RunBetween(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                duckdb::Vector& result) {
  ZoneMemo sources(state.GetContext()), targets(state.GetContext());
  duckdb::TernaryExecutor::Execute<string_t, string_t, int64_t, int64_t>(
      arguments.data[0], arguments.data[1], arguments.data[2], result, arguments.size(),
      [&](const string_t& from, const string_t& to, int64_t local) {
        return targets[View(to)].ToLocal(sources[View(from)].ToUtc(local));
      });
}

duckdb::unique_ptr<duckdb::FunctionData> BindConvert(duckdb::ClientContext&,
                                                     duckdb::ScalarFunction& function, Arguments&) {
  function.arguments.back() = LogicalType::TIMESTAMP;
  return nullptr;
}

void RunToUtc(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
              duckdb::Vector& result) {
  ZoneMemo zones(state.GetContext());
  duckdb::BinaryExecutor::Execute<string_t, int64_t, int64_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](const string_t& zone, int64_t local) { return zones[View(zone)].ToUtc(local); });
}

void RunTimeTz(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
               duckdb::Vector& result) {
  ZoneMemo zones(state.GetContext());
  const int64_t now = TransactionStart(&state.GetContext());
  duckdb::BinaryExecutor::Execute<string_t, duckdb::dtime_tz_t, duckdb::dtime_tz_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](const string_t& zone, duckdb::dtime_tz_t time) {
        const int32_t east = zones[View(zone)].SecondsEastAt(now);
        const int64_t micros = time.time().micros + (east - time.offset()) * kMicrosPerSecond;
        return duckdb::dtime_tz_t(duckdb::dtime_t(FloorModulo(micros, kMicrosPerDay)), east);
      });
}

// A clock without a zone gives an instant, an instant a clock. Text and dates are instants first,
// as PostgreSQL prefers them.
duckdb::unique_ptr<duckdb::FunctionData> BindTimezone(duckdb::ClientContext&,
                                                      duckdb::ScalarFunction& function,
                                                      Arguments& arguments) {
  const LogicalType& given = arguments[1]->return_type;
  LogicalType type = MomentOf(function, given);
  if (given.id() == LogicalTypeId::VARCHAR || given.id() == LogicalTypeId::DATE)
    type = LogicalType::TIMESTAMP_TZ;
  function.arguments = {LogicalType::VARCHAR, type};
  switch (type.id()) {
    case LogicalTypeId::TIMESTAMP:
      function.function = RunToUtc;
      function.SetReturnType(LogicalType::TIMESTAMP_TZ);
      break;
    case LogicalTypeId::TIMESTAMP_TZ:
      function.function = RunFromUtc;
      function.SetReturnType(LogicalType::TIMESTAMP);
      break;
    case LogicalTypeId::TIME_TZ:
      function.function = RunTimeTz;
      function.SetReturnType(LogicalType::TIME_TZ);
      break;
    default:
      throw duckdb::BinderException("No function matches 'timezone' of type %s", given.ToString());
  }
  return nullptr;
}

}  // namespace

void RegisterZoneFunctions(Registrar& registrar) {
  duckdb::ScalarFunctionSet convert("rs_convert_timezone");
  duckdb::ScalarFunction from_utc({LogicalType::VARCHAR, LogicalType::ANY}, LogicalType::TIMESTAMP,
                                  RunFromUtc, BindConvert);
  duckdb::ScalarFunction between({LogicalType::VARCHAR, LogicalType::VARCHAR, LogicalType::ANY},
                                 LogicalType::TIMESTAMP, RunBetween, BindConvert);
  from_utc.SetFallible();
  between.SetFallible();
  convert.AddFunction(from_utc);
  convert.AddFunction(between);
  registrar.Add(convert);

  duckdb::ScalarFunction timezone("rs_timezone", {LogicalType::VARCHAR, LogicalType::ANY},
                                  LogicalType::TIMESTAMP_TZ, nullptr, BindTimezone);
  timezone.SetFallible();
  registrar.Add(timezone);
}

}  // namespace skep::worker
