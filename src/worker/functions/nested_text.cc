#include "worker/functions/nested_text.h"

#include <fmt/format.h>

#include <cmath>
#include <duckdb/common/types/date.hpp>
#include <duckdb/common/types/time.hpp>
#include <duckdb/common/types/timestamp.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "base/crypto.h"
#include "base/text.h"

namespace skep::worker {
namespace {

using duckdb::LogicalTypeId;
using duckdb::Value;

constexpr size_t kMostBytes = 65'535;

class Writer {
 public:
  Writer(std::string& out, bool parse) : out_(out), parse_(parse) {}

  // Stops, and says so, beyond the most bytes.
  bool Put(const Value& value) {
    if (out_.size() > kMostBytes) return false;
    if (value.IsNull()) {
      out_ += "null";
      return true;
    }
    switch (value.type().id()) {
      case LogicalTypeId::STRUCT:
        return PutStruct(value);
      case LogicalTypeId::MAP:
        return PutMap(value);
      case LogicalTypeId::LIST:
        return PutList(value);
      default:
        PutScalar(value);
        return true;
    }
  }

 private:
  void PutScalar(const Value& value) {
    switch (value.type().id()) {
      case LogicalTypeId::BOOLEAN:
        out_ += value.GetValue<bool>() ? "true" : "false";
        return;
      case LogicalTypeId::TINYINT:
      case LogicalTypeId::SMALLINT:
      case LogicalTypeId::INTEGER:
      case LogicalTypeId::BIGINT:
      case LogicalTypeId::HUGEINT:
      case LogicalTypeId::DECIMAL:
        out_ += value.ToString();
        return;
      case LogicalTypeId::FLOAT:
      case LogicalTypeId::DOUBLE:
        out_ += std::isfinite(value.GetValue<double>()) ? value.ToString() : "null";
        return;
      case LogicalTypeId::TIMESTAMP:
        return PutTimestamp(value.GetValueUnsafe<duckdb::timestamp_t>());
      case LogicalTypeId::BLOB:
        return AppendJsonString(out_, HexEncode(duckdb::StringValue::Get(value)));
      case LogicalTypeId::VARCHAR: {
        const std::string& text = duckdb::StringValue::Get(value);
        if (parse_ && nlohmann::json::accept(text))
          out_ += text;
        else
          AppendJsonString(out_, text);
        return;
      }
      default:
        AppendJsonString(out_, value.ToString());
    }
  }

  // 2018-03-01T11:59:59.000Z, with microseconds where there are any.
  void PutTimestamp(duckdb::timestamp_t at) {
    if (!duckdb::Timestamp::IsFinite(at))
      return AppendJsonString(out_, duckdb::Timestamp::ToString(at));
    duckdb::date_t day;
    duckdb::dtime_t time;
    duckdb::Timestamp::Convert(at, day, time);
    int32_t hour = 0, minute = 0, second = 0, micros = 0;
    duckdb::Time::Convert(time, hour, minute, second, micros);
    out_ +=
        fmt::format("\"{}T{:02}:{:02}:{:02}.", duckdb::Date::ToString(day), hour, minute, second);
    out_ += micros % 1000 == 0 ? fmt::format("{:03}Z\"", micros / 1000)
                               : fmt::format("{:06}Z\"", micros);
  }

  bool PutStruct(const Value& value) {
    const auto& children = duckdb::StructValue::GetChildren(value);
    out_ += '{';
    for (size_t i = 0; i < children.size(); i++) {
      if (i > 0) out_ += ", ";
      AppendJsonString(out_, duckdb::StructType::GetChildName(value.type(), i));
      out_ += ": ";
      if (!Put(children[i])) return false;
    }
    out_ += '}';
    return true;
  }

  bool PutMap(const Value& value) {
    bool first = true;
    out_ += '{';
    for (const auto& entry : duckdb::MapValue::GetChildren(value)) {
      const auto& pair = duckdb::StructValue::GetChildren(entry);
      if (!std::exchange(first, false)) out_ += ", ";
      AppendJsonString(out_, pair[0].ToString());
      out_ += ": ";
      if (!Put(pair[1])) return false;
    }
    out_ += '}';
    return true;
  }

  bool PutList(const Value& value) {
    bool first = true;
    out_ += '[';
    for (const auto& child : duckdb::ListValue::GetChildren(value)) {
      if (!std::exchange(first, false)) out_ += ", ";
      if (!Put(child)) return false;
    }
    out_ += ']';
    return true;
  }

  std::string& out_;
  const bool parse_;
};

void NestedText(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* out = duckdb::FlatVector::GetData<duckdb::string_t>(result);
  auto& validity = duckdb::FlatVector::Validity(result);
  std::string text;
  for (duckdb::idx_t row = 0; row < arguments.size(); row++) {
    const Value value = arguments.data[0].GetValue(row), parse = arguments.data[1].GetValue(row);
    text.clear();
    if (value.IsNull() || !Writer(text, !parse.IsNull() && parse.GetValue<bool>()).Put(value) ||
        text.size() > kMostBytes)
      validity.SetInvalid(row);
    else
      out[row] = duckdb::StringVector::AddString(result, text);
  }
  if (arguments.AllConstant()) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
}

}  // namespace

void RegisterNestedText(Registrar& registrar) {
  duckdb::ScalarFunction function("rs_nested_text",
                                  {duckdb::LogicalType::ANY, duckdb::LogicalType::BOOLEAN},
                                  duckdb::LogicalType::VARCHAR, NestedText);
  function.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  registrar.Add(std::move(function));
}

}  // namespace skep::worker
