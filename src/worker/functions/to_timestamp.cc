#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/ternary_executor.hpp>

#include "worker/functions/calendar.h"
#include "worker/functions/date_part.h"
#include "worker/functions/datetime_format.h"
#include "worker/functions/format_memo.h"
#include "worker/functions/formatting_functions.h"
#include "worker/functions/text_view.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::string_t;
using State = FormatState<DatetimeFormat>;

struct ToDate {
  using Type = duckdb::date_t;
  static Type Make(const Zone&, int64_t local) { return DateOf(DayOf(local)); }
};
struct ToTimestampTz {
  using Type = int64_t;
  static Type Make(const Zone& zone, int64_t local) { return zone.ToUtc(local); }
};

template <class To>
void Run(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  State& own = State::Of(state);
  const auto read = [&](const string_t& text, const string_t& format, bool strict) {
    return To::Make(*own.zone, own.formats[View(format)].Read(View(text), strict));
  };
  if (arguments.ColumnCount() == 2) {
    duckdb::BinaryExecutor::Execute<string_t, string_t, typename To::Type>(
        arguments.data[0], arguments.data[1], result, arguments.size(),
        [&](const string_t& text, const string_t& format) { return read(text, format, false); });
    return;
  }
  duckdb::TernaryExecutor::Execute<string_t, string_t, bool, typename To::Type>(
      arguments.data[0], arguments.data[1], arguments.data[2], result, arguments.size(), read);
}

// Numbers and timestamps are read by their text.
duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext&,
                                              duckdb::ScalarFunction& function, Arguments&) {
  function.arguments[0] = LogicalType::VARCHAR;
  return nullptr;
}

template <class To>
void Add(Registrar& registrar, const char* name, const LogicalType& type) {
  duckdb::ScalarFunctionSet set(name);
  for (const bool strict : {false, true}) {
    duckdb::vector<LogicalType> arguments = {LogicalType::ANY, LogicalType::VARCHAR};
    if (strict) arguments.push_back(LogicalType::BOOLEAN);
    duckdb::ScalarFunction function(arguments, type, Run<To>, Bind);
    function.SetInitStateCallback(State::Init);
    function.SetFallible();
    set.AddFunction(function);
  }
  registrar.Add(set);
}

}  // namespace

void RegisterToTimestamp(Registrar& registrar) {
  Add<ToDate>(registrar, "rs_to_date", LogicalType::DATE);
  Add<ToTimestampTz>(registrar, "rs_to_timestamp", LogicalType::TIMESTAMP_TZ);
}

}  // namespace skep::worker
