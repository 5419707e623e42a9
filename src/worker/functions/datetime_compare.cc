#include <duckdb/common/vector_operations/binary_executor.hpp>

#include "worker/functions/calendar.h"
#include "worker/functions/date_part.h"
#include "worker/functions/datetime_functions.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

template <class T>
int32_t Compare(T a, T b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

template <class T>
void Run(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<T, T, int32_t>(arguments.data[0], arguments.data[1], result,
                                                 arguments.size(), Compare<T>);
}

// A month counts 30 days, a day 24 hours.
void RunInterval(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  const auto micros = [](duckdb::interval_t interval) {
    const int64_t days = int64_t{interval.months} * 30 + interval.days;
    return static_cast<__int128>(days) * kMicrosPerDay + interval.micros;
  };
  duckdb::BinaryExecutor::Execute<duckdb::interval_t, duckdb::interval_t, int32_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](duckdb::interval_t a, duckdb::interval_t b) { return Compare(micros(a), micros(b)); });
}

// Both arguments meet in one type, whatever they are given as.
template <LogicalTypeId kType>
duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext&,
                                              duckdb::ScalarFunction& function, Arguments&) {
  function.arguments = {LogicalType(kType), LogicalType(kType)};
  return nullptr;
}

void Add(Registrar& registrar, const char* name, duckdb::scalar_function_t run,
         duckdb::bind_scalar_function_t bind) {
  duckdb::ScalarFunction function(name, {LogicalType::ANY, LogicalType::ANY}, LogicalType::INTEGER,
                                  std::move(run), bind);
  registrar.Add(function);
}

}  // namespace

void RegisterDatetimeCompare(Registrar& registrar) {
  Add(registrar, "rs_date_cmp", Run<int32_t>, Bind<LogicalTypeId::DATE>);
  for (const char* name : {"rs_timestamp_cmp", "rs_timestamp_cmp_date", "rs_date_cmp_timestamp"})
    Add(registrar, name, Run<int64_t>, Bind<LogicalTypeId::TIMESTAMP>);
  for (const char* name :
       {"rs_timestamptz_cmp", "rs_timestamptz_cmp_date", "rs_timestamptz_cmp_timestamp",
        "rs_timestamp_cmp_timestamptz", "rs_date_cmp_timestamptz"})
    Add(registrar, name, Run<int64_t>, Bind<LogicalTypeId::TIMESTAMP_TZ>);
  Add(registrar, "rs_interval_cmp", RunInterval, Bind<LogicalTypeId::INTERVAL>);
}

}  // namespace skep::worker
