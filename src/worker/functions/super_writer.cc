#include "worker/functions/super_writer.h"

#include <charconv>
#include <duckdb/common/types/date.hpp>
#include <duckdb/common/types/time.hpp>
#include <duckdb/common/types/timestamp.hpp>
#include <duckdb/common/types/uuid.hpp>

#include "base/crypto.h"
#include "worker/functions/super_number.h"
#include "worker/functions/super_value.h"
#include "worker/functions/types.h"
#include "worker/functions/wide_integers.h"

namespace skep::worker {
namespace {

using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using Format = duckdb::RecursiveUnifiedVectorFormat;

template <class T>
const T& At(const Format& format, idx_t index) {
  return duckdb::UnifiedVectorFormat::GetData<T>(format.unified)[index];
}

void AppendInteger(std::string& out, int64_t value) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void Append(std::string& out, const Format& format, idx_t row);

void AppendDecimalAt(std::string& out, const Format& format, idx_t index) {
  Decimal decimal;
  decimal.scale = duckdb::DecimalType::GetScale(format.logical_type);
  decimal.value = ByPhysicalType(format.logical_type, [&]<class Physical>() {
    return static_cast<Int128>(Widen(At<Physical>(format, index)));
  });
  AppendDecimal(out, decimal);
}

void AppendStruct(std::string& out, const Format& format, idx_t index) {
  out.push_back('{');
  for (size_t i = 0; i < format.children.size(); i++) {
    if (i > 0) out.push_back(',');
    AppendQuoted(out, duckdb::StructType::GetChildName(format.logical_type, i));
    out.push_back(':');
    Append(out, format.children[i], index);
  }
  out.push_back('}');
}

void AppendMap(std::string& out, const Format& format, idx_t index) {
  const auto& entry = At<duckdb::list_entry_t>(format, index);
  const Format& pairs = format.children[0];
  out.push_back('{');
  std::string key;
  for (idx_t i = 0; i < entry.length; i++) {
    if (i > 0) out.push_back(',');
    const idx_t pair = pairs.unified.sel->get_index(entry.offset + i);
    // A key that is no text becomes the text of its value.
    key.clear();
    Append(key, pairs.children[0], pair);
    if (key.starts_with('"')) {
      out += key;
    } else {
      AppendQuoted(out, key);
    }
    out.push_back(':');
    Append(out, pairs.children[1], pair);
  }
  out.push_back('}');
}

void AppendRange(std::string& out, const Format& child, idx_t offset, idx_t length) {
  out.push_back('[');
  for (idx_t i = 0; i < length; i++) {
    if (i > 0) out.push_back(',');
    Append(out, child, offset + i);
  }
  out.push_back(']');
}

void Append(std::string& out, const Format& format, idx_t row) {
  const idx_t index = format.unified.sel->get_index(row);
  if (!format.unified.validity.RowIsValid(index)) {
    out += "null";
    return;
  }
  const LogicalType& type = format.logical_type;
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
      out += At<bool>(format, index) ? "true" : "false";
      return;
    case LogicalTypeId::TINYINT:
      return AppendInteger(out, At<int8_t>(format, index));
    case LogicalTypeId::SMALLINT:
      return AppendInteger(out, At<int16_t>(format, index));
    case LogicalTypeId::INTEGER:
      return AppendInteger(out, At<int32_t>(format, index));
    case LogicalTypeId::BIGINT:
      return AppendInteger(out, At<int64_t>(format, index));
    case LogicalTypeId::UTINYINT:
      return AppendInteger(out, At<uint8_t>(format, index));
    case LogicalTypeId::USMALLINT:
      return AppendInteger(out, At<uint16_t>(format, index));
    case LogicalTypeId::UINTEGER:
      return AppendInteger(out, At<uint32_t>(format, index));
    case LogicalTypeId::UBIGINT:
      out += std::to_string(At<uint64_t>(format, index));
      return;
    case LogicalTypeId::HUGEINT:
      out += At<duckdb::hugeint_t>(format, index).ToString();
      return;
    case LogicalTypeId::FLOAT:
      return AppendFloat(out, At<float>(format, index));
    case LogicalTypeId::DOUBLE:
      return AppendFloat(out, At<double>(format, index));
    case LogicalTypeId::DECIMAL:
      return AppendDecimalAt(out, format, index);
    case LogicalTypeId::VARCHAR: {
      const std::string_view text = View(At<duckdb::string_t>(format, index));
      if (IsSuper(type)) {
        out += text;
      } else {
        AppendQuoted(out, text);
      }
      return;
    }
    case LogicalTypeId::STRUCT:
      return AppendStruct(out, format, index);
    case LogicalTypeId::MAP:
      return AppendMap(out, format, index);
    case LogicalTypeId::LIST: {
      const auto& entry = At<duckdb::list_entry_t>(format, index);
      return AppendRange(out, format.children[0], entry.offset, entry.length);
    }
    case LogicalTypeId::ARRAY: {
      const idx_t size = duckdb::ArrayType::GetSize(type);
      return AppendRange(out, format.children[0], index * size, size);
    }
    case LogicalTypeId::DATE:
      return AppendQuoted(out, duckdb::Date::ToString(At<duckdb::date_t>(format, index)));
    case LogicalTypeId::TIME:
      return AppendQuoted(out, duckdb::Time::ToString(At<duckdb::dtime_t>(format, index)));
    case LogicalTypeId::TIMESTAMP:
      return AppendQuoted(out, duckdb::Timestamp::ToString(At<duckdb::timestamp_t>(format, index)));
    case LogicalTypeId::TIMESTAMP_TZ:
      return AppendQuoted(
          out, duckdb::Timestamp::ToString(At<duckdb::timestamp_t>(format, index)) + "+00");
    case LogicalTypeId::TIMESTAMP_NS:
      return AppendQuoted(out, duckdb::Timestamp::ToString(duckdb::Timestamp::FromEpochNanoSeconds(
                                   At<duckdb::timestamp_t>(format, index).value)));
    case LogicalTypeId::TIMESTAMP_MS:
      return AppendQuoted(out, duckdb::Timestamp::ToString(duckdb::Timestamp::FromEpochMs(
                                   At<duckdb::timestamp_t>(format, index).value)));
    case LogicalTypeId::TIMESTAMP_SEC:
      return AppendQuoted(out, duckdb::Timestamp::ToString(duckdb::Timestamp::FromEpochSeconds(
                                   At<duckdb::timestamp_t>(format, index).value)));
    case LogicalTypeId::UUID:
      return AppendQuoted(out, duckdb::UUID::ToString(At<duckdb::hugeint_t>(format, index)));
    case LogicalTypeId::BLOB:
      return AppendQuoted(out, HexEncode(View(At<duckdb::string_t>(format, index))));
    default:
      RefuseType("cannot cast", type);
  }
}

}  // namespace

bool CanBecomeSuper(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::UNKNOWN:
      throw duckdb::ParameterNotResolvedException();
    case LogicalTypeId::SQLNULL:
    case LogicalTypeId::BOOLEAN:
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::UINTEGER:
    case LogicalTypeId::UBIGINT:
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
    case LogicalTypeId::DECIMAL:
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::STRING_LITERAL:
    case LogicalTypeId::INTEGER_LITERAL:
    case LogicalTypeId::STRUCT:
    case LogicalTypeId::MAP:
    case LogicalTypeId::LIST:
    case LogicalTypeId::ARRAY:
      return true;
    default:
      return false;
  }
}

std::string RedshiftName(const LogicalType& type) {
  if (type.HasAlias()) return duckdb::StringUtil::Lower(type.GetAlias());
  switch (type.id()) {
    case LogicalTypeId::TIMESTAMP:
      return "timestamp without time zone";
    case LogicalTypeId::TIMESTAMP_TZ:
      return "timestamp with time zone";
    case LogicalTypeId::TIME:
      return "time without time zone";
    case LogicalTypeId::TIME_TZ:
      return "time with time zone";
    case LogicalTypeId::BLOB:
      return "binary varying";
    default:
      return duckdb::StringUtil::Lower(type.ToString());
  }
}

void RefuseType(const std::string& what, const LogicalType& type) {
  throw duckdb::Exception(duckdb::ExceptionType::MISMATCH_TYPE,
                          what + " type " + RedshiftName(type) + " to super");
}

SuperWriter::SuperWriter(duckdb::Vector& source, idx_t rows) {
  duckdb::Vector::RecursiveToUnifiedFormat(source, rows, format_);
}

bool SuperWriter::IsNull(idx_t row) const {
  return !format_.unified.validity.RowIsValid(format_.unified.sel->get_index(row));
}

void SuperWriter::Append(std::string& out, idx_t row) const { worker::Append(out, format_, row); }

}  // namespace skep::worker
