#include "worker/functions/date_part.h"

#include <array>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>

#include "sql/date_parts.h"
#include "worker/functions/calendar.h"

namespace skep::worker {
namespace {

constexpr std::array<std::string_view, 19> kNames = {
    "millennium", "century",  "decade",        "year",           "quarter",
    "month",      "week",     "dayofweek",     "dayofyear",      "day",
    "hour",       "minute",   "second",        "millisecond",    "microsecond",
    "epoch",      "timezone", "timezone_hour", "timezone_minute"};

}  // namespace

std::string_view NameOf(DatePart part) { return kNames[static_cast<size_t>(part)]; }

std::optional<int32_t> MonthsOf(DatePart part) {
  switch (part) {
    case DatePart::kMillennium:
      return 12000;
    case DatePart::kCentury:
      return 1200;
    case DatePart::kDecade:
      return 120;
    case DatePart::kYear:
      return 12;
    case DatePart::kQuarter:
      return 3;
    case DatePart::kMonth:
      return 1;
    default:
      return std::nullopt;
  }
}

std::optional<int64_t> ClockUnitOf(DatePart part) {
  switch (part) {
    case DatePart::kHour:
      return kMicrosPerHour;
    case DatePart::kMinute:
      return kMicrosPerMinute;
    case DatePart::kSecond:
      return kMicrosPerSecond;
    case DatePart::kMillisecond:
      return 1000;
    case DatePart::kMicrosecond:
      return 1;
    default:
      return std::nullopt;
  }
}

DatePart TakeDatePart(duckdb::ClientContext& context, duckdb::ScalarFunction& function,
                      Arguments& arguments) {
  if (!arguments[0]->IsFoldable())
    throw duckdb::BinderException("the date part of %s must be a constant", function.name);
  const std::string word =
      duckdb::ExpressionExecutor::EvaluateScalar(context, *arguments[0]).ToString();
  const auto name = sql::CanonicalDatePart(word);
  if (!name) throw duckdb::BinderException("date part \"%s\" is not recognized", word);
  duckdb::Function::EraseArgument(function, arguments, 0);
  size_t part = 0;
  while (kNames[part] != *name) part++;
  return static_cast<DatePart>(part);
}

duckdb::LogicalType MomentOf(const duckdb::ScalarFunction& function,
                             const duckdb::LogicalType& type) {
  using duckdb::LogicalTypeId;
  switch (type.id()) {
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIME_TZ:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
    case LogicalTypeId::INTERVAL:
      return type;
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::SQLNULL:
    case LogicalTypeId::UNKNOWN:
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP_NS:
      return duckdb::LogicalType::TIMESTAMP;
    default:
      throw duckdb::BinderException("No function matches '%s' of type %s", function.name,
                                    type.ToString());
  }
}

duckdb::unique_ptr<duckdb::FunctionData> PartData::Copy() const {
  return duckdb::make_uniq<PartData>(part, unit);
}
bool PartData::Equals(const duckdb::FunctionData& other) const {
  const auto& theirs = other.Cast<PartData>();
  return part == theirs.part && unit == theirs.unit;
}
const PartData& PartData::Of(duckdb::ExpressionState& state) {
  return state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<PartData>();
}

void RefusePart(DatePart part, const duckdb::LogicalType& type) {
  throw duckdb::BinderException("date part \"%s\" not supported for type %s",
                                std::string(NameOf(part)), type.ToString());
}

}  // namespace skep::worker
