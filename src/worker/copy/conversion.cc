#include "worker/copy/conversion.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <duckdb/common/vector_operations/vector_operations.hpp>

#include "base/text.h"

namespace skep::worker::copy {
namespace {

using enum sql::TypeKind;
using duckdb::FlatVector;
using duckdb::idx_t;
using duckdb::string_t;

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t") == std::string_view::npos;
}

// The bytes of the first character that is no UTF-8; empty when there is none. NUL counts as such.
std::string_view InvalidPart(std::string_view text) {
  const auto* s = reinterpret_cast<const unsigned char*>(text.data());
  for (size_t i = 0; i < text.size();) {
    const unsigned char c = s[i];
    const size_t length = c == 0     ? 0
                          : c < 0x80 ? 1
                          : c < 0xC2 ? 0
                          : c < 0xE0 ? 2
                          : c < 0xF0 ? 3
                          : c < 0xF5 ? 4
                                     : 0;
    bool valid = length > 0 && i + length <= text.size();
    for (size_t k = 1; valid && k < length; k++) valid = (s[i + k] & 0xC0U) == 0x80U;
    if (valid && length == 3)
      valid = !(c == 0xE0 && s[i + 1] < 0xA0) && !(c == 0xED && s[i + 1] >= 0xA0);
    if (valid && length == 4)
      valid = !(c == 0xF0 && s[i + 1] < 0x90) && !(c == 0xF4 && s[i + 1] > 0x8F);
    if (!valid) return text.substr(i, std::max<size_t>(1, std::min(length, text.size() - i)));
    i += length;
  }
  return {};
}

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x} ", static_cast<unsigned char>(c));
  if (!out.empty()) out.pop_back();
  return out;
}

// The first character that no number of this kind has.
size_t BadDigit(std::string_view text, bool fraction) {
  size_t i = 0;
  while (i < text.size() && text[i] == ' ') i++;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) i++;
  const size_t digits = i;
  bool point = false;
  for (; i < text.size(); i++) {
    if (text[i] >= '0' && text[i] <= '9') continue;
    if (fraction && text[i] == '.' && !point) {
      point = true;
      continue;
    }
    return i;
  }
  return i == digits ? 0 : text.size();
}

}  // namespace

ColumnLoader::ColumnLoader(duckdb::ClientContext& context, const sql::CopyPlan& plan,
                           const sql::CopyColumn& column, const duckdb::LogicalType& type)
    : context_(context),
      plan_(plan),
      column_(column),
      type_(type),
      is_text_(column.type.kind == kChar || column.type.kind == kVarchar),
      // The first field of a shapefile is no text: it is the value as it is stored.
      is_shape_(plan.format == sql::CopyFormat::kShapefile && &column == plan.columns.data()),
      text_(duckdb::LogicalType::VARCHAR) {
  const bool moment = column.type.kind == kTimestamp || column.type.kind == kTimestampTz;
  if (column.type.kind == kDate && !plan.date_format.empty()) {
    format_ = std::make_unique<DatetimeFormat>(plan.date_format);
  } else if (moment && plan.time_format != "auto") {
    has_format_ = plan.time_format == "epochsecs" || plan.time_format == "epochmillisecs";
    if (!has_format_) format_ = std::make_unique<DatetimeFormat>(plan.time_format);
  }
  has_format_ |= format_ != nullptr;
}

void ColumnLoader::Reset() {
  text_.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  FlatVector::Validity(text_).Reset();
  duckdb::StringVector::GetStringBuffer(text_).GetStringAllocator().Reset();
}

std::string_view ColumnLoader::TextAt(idx_t row) const {
  if (FlatVector::IsNull(text_, row)) return {};
  const auto& text = FlatVector::GetData<string_t>(text_)[row];
  return {text.GetData(), text.GetSize()};
}

void ColumnLoader::TakeNull(idx_t row) { FlatVector::SetNull(text_, row, true); }

bool ColumnLoader::Take(const Field& field, idx_t row, Rejection& rejection) {
  bool null = field.null;
  std::string_view text = field.text;
  if (!null && !is_text_) {
    // An empty field is no number, date or anything else; of text it is an empty text.
    null = IsBlank(text);
  } else if (!null) {
    null = (plan_.empty_as_null && text.empty()) ||
           (plan_.blanks_as_null && !text.empty() && IsBlank(text));
  }
  if (null) {
    if (column_.not_null) {
      rejection = {1213, "Missing data for not-null field"};
      return false;
    }
    TakeNull(row);
    return true;
  }
  if (is_shape_) {
    FlatVector::GetData<string_t>(text_)[row] =
        duckdb::StringVector::AddStringOrBlob(text_, text.data(), text.size());
    return true;
  }
  return TakeText({text, false, 0, field.plain, field.stays}, row, rejection);
}

bool ColumnLoader::TakeText(Field field, idx_t row, Rejection& rejection) {
  std::string_view text = field.text;
  std::string repaired;
  if (const auto bad = field.plain ? std::string_view() : InvalidPart(text); !bad.empty()) {
    if (!plan_.replacement) {
      rejection = {1220, fmt::format("String contains invalid or unsupported UTF8 codepoints. Bad "
                                     "UTF8 hex sequence: {} (error {})",
                                     Hex(bad), bad[0] == '\0' ? 4 : 2)};
      return false;
    }
    // A replacement for each byte of what is invalid.
    for (std::string_view rest = text; !rest.empty();) {
      const auto part = InvalidPart(rest);
      const size_t valid =
          part.empty() ? rest.size() : static_cast<size_t>(part.data() - rest.data());
      repaired.append(rest.substr(0, valid));
      repaired.append(part.size(), (*plan_.replacement)[0]);
      rest.remove_prefix(valid + part.size());
    }
    text = repaired;
    field.stays = false;
  }
  if (is_text_) {
    const bool is_char = column_.type.kind == kChar;
    if (plan_.trim_blanks || is_char) {
      while (text.ends_with(' ')) text.remove_suffix(1);
    }
    const auto most =
        column_.type.length > 0 ? static_cast<size_t>(column_.type.length) : size_t{65535};
    if (is_char && !field.plain && InvalidPart(text).empty()) {
      for (size_t i = 0; i < text.size(); i++) {
        if (static_cast<unsigned char>(text[i]) < 0x80) continue;
        rejection = {1220,
                     "Multibyte character not supported for CHAR (Hint: try using VARCHAR). "
                     "Invalid char: " +
                         Hex(text.substr(i, 1))};
        return false;
      }
    }
    if (text.size() > most) {
      if (!plan_.truncate_columns) {
        rejection = {1204, "String length exceeds DDL length"};
        return false;
      }
      size_t length = most;
      while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) length--;
      text = text.substr(0, length);
    }
  } else if (column_.type.kind == kDecimal && !plan_.round_decimals) {
    text = CutDecimals(text);
  }
  FlatVector::GetData<string_t>(text_)[row] =
      field.stays ? string_t(text.data(), static_cast<uint32_t>(text.size()))
                  : duckdb::StringVector::AddString(text_, text.data(), text.size());
  return true;
}

// COPY cuts the digits that a DECIMAL has no room for, unless ROUNDEC.
std::string_view ColumnLoader::CutDecimals(std::string_view text) {
  const size_t point = text.find('.');
  if (point == std::string_view::npos || text.find_first_of("eE") != std::string_view::npos)
    return text;
  const size_t end = point + 1 + static_cast<size_t>(std::max(column_.type.scale, 0));
  if (end >= text.size()) return text;
  for (size_t i = end; i < text.size(); i++) {
    if (text[i] < '0' || text[i] > '9') return text;  // its own reason
  }
  return text.substr(0, end);
}

void ColumnLoader::Convert(idx_t count, duckdb::Vector& out, std::vector<Rejection>& rejected) {
  if (is_text_ || is_shape_ || (column_.type.IsSuper() && plan_.format == sql::CopyFormat::kJson)) {
    if (out.GetType() == text_.GetType())
      out.Reference(text_);
    else
      out.Reinterpret(text_);
    return;
  }
  bool whole = false;
  if (!has_format_) {
    try {
      std::string error;
      whole = duckdb::VectorOperations::TryCast(context_, text_, out, count, &error);
    } catch (const duckdb::InterruptException&) {
      throw;
    } catch (const std::exception&) {
      whole = false;  // row by row, to see which
    }
  }
  if (whole) return;
  duckdb::Vector made(type_, count);
  made.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  for (idx_t row = 0; row < count; row++) {
    if (FlatVector::IsNull(text_, row)) {
      FlatVector::SetNull(made, row, true);
      continue;
    }
    if (ConvertRow(row, made)) continue;
    FlatVector::SetNull(made, row, true);
    const bool moment = column_.type.IsDateTime();
    if (moment && plan_.accept_any_date && !column_.not_null) continue;
    if (rejected.empty()) rejected.resize(count);
    if (rejected[row].code == 0) rejected[row] = Why(TextAt(row));
  }
  out.Reference(made);
}

bool ColumnLoader::ConvertRow(idx_t row, duckdb::Vector& out) {
  try {
    const std::string text(TextAt(row));
    duckdb::Value value;
    if (has_format_) {
      if (!ReadMoment(text, value)) return false;
    } else {
      std::string error;
      if (!duckdb::Value(text).TryCastAs(context_, type_, value, &error) || value.IsNull())
        return false;
    }
    out.SetValue(row, value);
    return true;
  } catch (const duckdb::InterruptException&) {
    throw;
  } catch (const std::exception&) {
    return false;
  }
}

bool ColumnLoader::ReadMoment(std::string_view text, duckdb::Value& value) const {
  int64_t micros = 0;
  if (format_) {
    micros = format_->Read(text, true);
  } else {
    double seconds = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return false;
    seconds *= plan_.time_format == "epochsecs" ? 1e6 : 1e3;
    if (!std::isfinite(seconds) || std::fabs(seconds) > 9e18) return false;
    micros = std::llround(seconds);
  }
  const duckdb::timestamp_t moment(micros);
  switch (column_.type.kind) {
    case kDate:
      value = duckdb::Value::DATE(duckdb::Timestamp::GetDate(moment));
      break;
    case kTimestampTz:
      value = duckdb::Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(micros));
      break;
    default:
      value = duckdb::Value::TIMESTAMP(moment);
  }
  return true;
}

Rejection ColumnLoader::Why(std::string_view text) const {
  const auto digit = [&](std::string_view type, bool fraction, int32_t code) -> Rejection {
    const size_t at = BadDigit(text, fraction);
    if (at < text.size())
      return {code, fmt::format("Invalid digit, Value '{}', Pos {}, Type: {}", text[at], at, type)};
    return {1204, fmt::format("Overflow, Value '{}' is out of range, Type: {}", text, type)};
  };
  switch (column_.type.kind) {
    case kSmallint:
      return digit("Short", false, 1207);
    case kInt:
      return digit("Integer", false, 1207);
    case kBigint:
      return digit("Long", false, 1207);
    case kDecimal:
      return digit("Decimal", true, 1207);
    case kReal:
    case kDouble:
      return {1208, fmt::format("Invalid value '{}', Type: Float", text)};
    case kBoolean:
      return {1210, "Unknown boolean format"};
    case kDate:
      return {1205, format_ ? "Invalid Date Format - Value does not match DATEFORMAT"
                            : "Invalid Date Format - length must be 10 or more"};
    case kTimestamp:
    case kTimestampTz:
      return {1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]"};
    case kTime:
    case kTimeTz:
      return {1206, "Invalid time format or value [HH24:MI:SS]"};
    case kSuper:
      return {1224, "Invalid JSON in a SUPER column"};
    default:
      return {1200, "Invalid value for type " + sql::BareTypeText(column_.type)};
  }
}

}  // namespace skep::worker::copy
