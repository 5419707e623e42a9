#include "worker/nested_json.h"

#include <fmt/format.h>

#include <string>

#include "base/text.h"
#include "worker/pg_format.h"

namespace skep::worker {
namespace {

using duckdb::LogicalTypeId;
using duckdb::Value;

void Append(const Value& value, std::string& out) {
  if (value.IsNull()) {
    out += "null";
    return;
  }
  const auto& type = value.type();
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
      out += value.GetValue<bool>() ? "true" : "false";
      return;
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::UINTEGER:
    case LogicalTypeId::UBIGINT:
    case LogicalTypeId::UHUGEINT:
    case LogicalTypeId::DECIMAL:
      out += value.ToString();
      return;
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE: {
      const auto d = value.GetValue<double>();
      if (!std::isfinite(d)) {
        out += "null";
        return;
      }
      char text[64];
      const char* end = type.id() == LogicalTypeId::FLOAT ? PutFloat(text, value.GetValue<float>())
                                                          : PutFloat(text, d);
      out.append(text, static_cast<size_t>(end - text));
      return;
    }
    case LogicalTypeId::STRUCT: {
      const auto& children = duckdb::StructValue::GetChildren(value);
      out.push_back('{');
      for (size_t i = 0; i < children.size(); i++) {
        if (i > 0) out.push_back(',');
        AppendJsonString(out, duckdb::StructType::GetChildName(type, i));
        out.push_back(':');
        Append(children[i], out);
      }
      out.push_back('}');
      return;
    }
    case LogicalTypeId::MAP: {
      out.push_back('{');
      bool first = true;
      for (const auto& entry : duckdb::MapValue::GetChildren(value)) {
        const auto& pair = duckdb::StructValue::GetChildren(entry);
        if (!first) out.push_back(',');
        first = false;
        AppendJsonString(out, pair[0].ToString());
        out.push_back(':');
        Append(pair[1], out);
      }
      out.push_back('}');
      return;
    }
    case LogicalTypeId::LIST:
    case LogicalTypeId::ARRAY: {
      const auto& children = type.id() == LogicalTypeId::LIST
                                 ? duckdb::ListValue::GetChildren(value)
                                 : duckdb::ArrayValue::GetChildren(value);
      out.push_back('[');
      for (size_t i = 0; i < children.size(); i++) {
        if (i > 0) out.push_back(',');
        Append(children[i], out);
      }
      out.push_back(']');
      return;
    }
    case LogicalTypeId::UNION:
      Append(duckdb::UnionValue::GetValue(value), out);
      return;
    case LogicalTypeId::VARCHAR:
      if (type.IsJSONType()) {
        out += duckdb::StringValue::Get(value);
        return;
      }
      AppendJsonString(out, duckdb::StringValue::Get(value));
      return;
    default:
      AppendJsonString(out, value.ToString());
  }
}

}  // namespace

void WriteJson(duckdb::Vector& source, duckdb::Vector& text, size_t rows) {
  auto* out = duckdb::FlatVector::GetData<duckdb::string_t>(text);
  auto& validity = duckdb::FlatVector::Validity(text);
  std::string json;
  for (size_t row = 0; row < rows; row++) {
    const Value value = source.GetValue(row);
    if (value.IsNull()) {
      validity.SetInvalid(row);
      continue;
    }
    json.clear();
    Append(value, json);
    out[row] = duckdb::StringVector::AddString(text, json);
  }
}

}  // namespace skep::worker
