#include "worker/functions/number_casts.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <duckdb/common/exception/conversion_exception.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "worker/functions/ascii.h"
#include "worker/functions/decimals.h"
#include "worker/functions/float_text.h"
#include "worker/functions/text_view.h"
#include "worker/functions/wide_integers.h"
#include "worker/pg_format.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::Vector;

// ---- from text --------------------------------------------------------------------------------

enum class Read : uint8_t { kOk, kSyntax, kRange };

// An integer or a float.
template <class Number>
Read ReadNumber(std::string_view text, Number& value) {
  text = WithoutSpaces(text);
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return Read::kSyntax;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) {
    return Read::kSyntax;
  }
  return error == std::errc::result_out_of_range ? Read::kRange : Read::kOk;
}

// digits [. digits] [e [sign] digits], rounded half away from zero to the scale.
Read ReadDecimal(std::string_view text, DecimalShape shape, Int128& value) {
  constexpr int kFarExponent = 1000;
  text = WithoutSpaces(text);
  bool negative = false;
  size_t at = 0;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) negative = text[at++] == '-';
  const size_t begin = at;
  int places = 0;  // digits after the point
  int count = 0;
  bool point = false;
  for (; at < text.size(); at++) {
    if (text[at] == '.') {
      if (point) return Read::kSyntax;
      point = true;
      continue;
    }
    if (text[at] < '0' || text[at] > '9') break;
    count++;
    if (point) places++;
  }
  if (count == 0) return Read::kSyntax;
  const std::string_view digits = text.substr(begin, at - begin);
  int exponent = 0;
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return Read::kSyntax;
    std::string_view rest = text.substr(at + 1);
    const bool down = rest.starts_with('-');
    if (down || rest.starts_with('+')) rest.remove_prefix(1);
    if (rest.empty()) return Read::kSyntax;
    for (const char c : rest) {
      if (c < '0' || c > '9') return Read::kSyntax;
      if (exponent < kFarExponent) exponent = exponent * 10 + (c - '0');
    }
    if (down) exponent = -exponent;
  }
  // How many of the digits are kept; the next one rounds.
  const int64_t kept = int64_t{count} - places + exponent + static_cast<int>(shape.scale);
  Int128 result = 0;
  int64_t index = 0;
  bool up = false;
  for (const char c : digits) {
    if (c == '.') continue;
    if (index < kept) {
      result = result * 10 + (c - '0');
      if (result >= kPowersOfTen[shape.precision]) return Read::kRange;
    } else {
      if (index == kept) up = c >= '5';
      break;
    }
    index++;
  }
  for (; index < kept && result != 0; index++) {
    result *= 10;
    if (result >= kPowersOfTen[shape.precision]) return Read::kRange;
  }
  if (up) result++;
  if (result >= kPowersOfTen[shape.precision]) return Read::kRange;
  value = negative ? -result : result;
  return Read::kOk;
}

// What a failing value says. TRY_CAST wants a message and NULL, CAST the error itself.
void Fail(Read why, std::string_view text, std::string_view type, std::string_view syntax_type,
          duckdb::CastParameters& parameters) {
  const std::string shown(text.substr(0, 128));
  std::string message;
  if (why == Read::kSyntax) {
    message = fmt::format("invalid input syntax for {}: \"{}\"", syntax_type, shown);
  } else if (type.empty()) {
    message = "Numeric data overflow (result precision)";
  } else {
    message = fmt::format("value \"{}\" is out of range for type {}", shown, type);
  }
  if (parameters.error_message == nullptr) {
    if (why == Read::kSyntax) throw duckdb::ConversionException(message);
    throw duckdb::OutOfRangeException(message);
  }
  if (parameters.error_message->empty()) *parameters.error_message = message;
}

template <class Physical, class Reader>
bool FromText(Vector& source, Vector& result, size_t count, duckdb::CastParameters& parameters,
              std::string_view type, std::string_view syntax_type, Reader read) {
  bool all = true;
  duckdb::UnaryExecutor::ExecuteWithNulls<duckdb::string_t, Physical>(
      source, result, count, [&](duckdb::string_t text, duckdb::ValidityMask& mask, idx_t row) {
        const std::string_view view = View(text);
        Physical value{};
        const Read how = read(view, value);
        if (how != Read::kOk) {
          Fail(how, view, type, syntax_type, parameters);
          mask.SetInvalid(row);
          all = false;
        }
        return value;
      });
  return all;
}

template <class Integer>
constexpr std::string_view kIntegerName = sizeof(Integer) == 2   ? "smallint"
                                          : sizeof(Integer) == 4 ? "integer"
                                                                 : "bigint";

template <class Integer>
bool TextToInteger(Vector& source, Vector& result, idx_t count,
                   duckdb::CastParameters& parameters) {
  return FromText<Integer>(source, result, count, parameters, kIntegerName<Integer>, "integer",
                           ReadNumber<Integer>);
}

template <class Float>
bool TextToFloat(Vector& source, Vector& result, idx_t count, duckdb::CastParameters& parameters) {
  constexpr std::string_view kName = sizeof(Float) == 4 ? "real" : "double precision";
  constexpr std::string_view kSyntax = sizeof(Float) == 4 ? "type real" : "type double precision";
  return FromText<Float>(source, result, count, parameters, kName, kSyntax, ReadNumber<Float>);
}

template <class Physical>
bool TextToDecimal(Vector& source, Vector& result, idx_t count,
                   duckdb::CastParameters& parameters) {
  const DecimalShape shape = ShapeOf(result.GetType());
  return FromText<Physical>(source, result, count, parameters, "", "type numeric",
                            [&](std::string_view text, Physical& value) {
                              Int128 wide = 0;
                              const Read how = ReadDecimal(text, shape, wide);
                              value = Narrow<Physical>(wide);
                              return how;
                            });
}

duckdb::BoundCastInfo BindTextToDecimal(duckdb::BindCastInput&, const LogicalType&,
                                        const LogicalType& target) {
  return ByPhysicalType(
      target, []<class Physical>() { return duckdb::BoundCastInfo(TextToDecimal<Physical>); });
}

// ---- to text ----------------------------------------------------------------------------------

template <class Float>
bool FloatToText(Vector& source, Vector& result, idx_t count, duckdb::CastParameters&) {
  duckdb::UnaryExecutor::Execute<Float, duckdb::string_t>(source, result, count, [&](Float value) {
    char text[kFloatTextBytes];
    const char* end = PutRoundedFloat(text, value);
    return duckdb::StringVector::AddString(result, text, static_cast<idx_t>(end - text));
  });
  return true;
}

template <class Physical>
bool DecimalToText(Vector& source, Vector& result, idx_t count, duckdb::CastParameters&) {
  const unsigned scale = ShapeOf(source.GetType()).scale;
  duckdb::UnaryExecutor::Execute<Physical, duckdb::string_t>(
      source, result, count, [&](Physical value) {
        char text[48 + kFormatSlack];
        const char* end;
        if constexpr (std::is_same_v<Physical, duckdb::hugeint_t>) {
          end = PutDecimal128(text, ToInt128(value), scale);
        } else {
          end = PutDecimal(text, value, scale);
        }
        return duckdb::StringVector::AddString(result, text, static_cast<idx_t>(end - text));
      });
  return true;
}

duckdb::BoundCastInfo BindDecimalToText(duckdb::BindCastInput&, const LogicalType& source,
                                        const LogicalType&) {
  return ByPhysicalType(
      source, []<class Physical>() { return duckdb::BoundCastInfo(DecimalToText<Physical>); });
}

// ---- between numbers --------------------------------------------------------------------------

// The engine's own cast under our message.
struct Reworded final : duckdb::BoundCastData {
  Reworded(duckdb::BoundCastInfo cast, std::string text)
      : theirs(std::move(cast)), message(std::move(text)) {}
  duckdb::unique_ptr<duckdb::BoundCastData> Copy() const override {
    return duckdb::make_uniq<Reworded>(theirs.Copy(), message);
  }
  duckdb::BoundCastInfo theirs;
  std::string message;
};

bool RunReworded(Vector& source, Vector& result, idx_t count, duckdb::CastParameters& parameters) {
  auto& data = parameters.cast_data->Cast<Reworded>();
  std::string error;
  duckdb::CastParameters inner(parameters, data.theirs.cast_data.get(), parameters.local_state);
  inner.error_message = &error;
  if (data.theirs.function(source, result, count, inner)) return true;
  if (parameters.error_message == nullptr) throw duckdb::OutOfRangeException(data.message);
  if (parameters.error_message->empty()) *parameters.error_message = data.message;
  return false;
}

std::string OverflowOf(const LogicalType& target) {
  switch (target.id()) {
    case LogicalTypeId::SMALLINT:
      return "smallint out of range";
    case LogicalTypeId::INTEGER:
      return "integer out of range";
    case LogicalTypeId::BIGINT:
      return "bigint out of range";
    case LogicalTypeId::DECIMAL:
      return "Numeric data overflow (result precision)";
    default:
      return "value out of range: overflow";
  }
}

duckdb::BoundCastInfo BindReworded(duckdb::BindCastInput& input, const LogicalType& source,
                                   const LogicalType& target) {
  duckdb::BoundCastInfo theirs =
      duckdb::DefaultCasts::GetDefaultCastFunction(input, source, target);
  return {RunReworded, duckdb::make_uniq<Reworded>(std::move(theirs), OverflowOf(target))};
}

duckdb::BoundCastInfo BindTheirs(duckdb::BindCastInput& input, const LogicalType& source,
                                 const LogicalType& target) {
  return duckdb::DefaultCasts::GetDefaultCastFunction(input, source, target);
}

// Floats become DECIMAL by their first 15 (REAL: 6) digits: what lies behind is noise of the
// binary form. Below that many digits one multiplication rounds the same.
template <class Float, class Physical>
bool FloatToDecimal(Vector& source, Vector& result, idx_t count,
                    duckdb::CastParameters& parameters) {
  constexpr double kExactBelow = sizeof(Float) == 4 ? 1e6 : 1e15;
  const DecimalShape shape = ShapeOf(result.GetType());
  const auto power = static_cast<double>(kPowersOfTen[shape.scale]);
  const auto limit = static_cast<double>(kPowersOfTen[shape.precision]);
  bool all = true;
  duckdb::UnaryExecutor::ExecuteWithNulls<Float, Physical>(
      source, result, count, [&](Float value, duckdb::ValidityMask& mask, idx_t row) {
        const double scaled = std::round(static_cast<double>(value) * power);
        if (std::fabs(scaled) < kExactBelow && std::fabs(scaled) < limit) {
          return Narrow<Physical>(static_cast<Int128>(scaled));
        }
        Int128 wide = 0;
        Read how = Read::kRange;
        if (std::isfinite(value)) {
          char text[kFloatTextBytes];
          const char* end = PutRoundedFloat(text, value);
          how = ReadDecimal({text, static_cast<size_t>(end - text)}, shape, wide);
        }
        if (how != Read::kOk) {
          Fail(Read::kRange, "", "", "", parameters);
          mask.SetInvalid(row);
          all = false;
        }
        return Narrow<Physical>(wide);
      });
  return all;
}

template <class Float>
duckdb::BoundCastInfo BindFloatToDecimal(duckdb::BindCastInput&, const LogicalType&,
                                         const LogicalType& target) {
  return ByPhysicalType(target, []<class Physical>() {
    return duckdb::BoundCastInfo(FloatToDecimal<Float, Physical>);
  });
}

}  // namespace

void RegisterNumberCasts(Registrar& registrar) {
  constexpr int64_t kExplicit = -1;
  constexpr int64_t kAvoided = 1000;  // above every sum of the engine's own costs for two operands
  const LogicalType text = LogicalType::VARCHAR;
  const LogicalType decimal(LogicalTypeId::DECIMAL);
  const LogicalType integers[] = {LogicalType::SMALLINT, LogicalType::INTEGER, LogicalType::BIGINT};

  registrar.Cast(text, integers[0], duckdb::BoundCastInfo(TextToInteger<int16_t>), kExplicit);
  registrar.Cast(text, integers[1], duckdb::BoundCastInfo(TextToInteger<int32_t>), kExplicit);
  registrar.Cast(text, integers[2], duckdb::BoundCastInfo(TextToInteger<int64_t>), kExplicit);
  registrar.Cast(text, LogicalType::FLOAT, duckdb::BoundCastInfo(TextToFloat<float>), kExplicit);
  registrar.Cast(text, LogicalType::DOUBLE, duckdb::BoundCastInfo(TextToFloat<double>), kExplicit);
  registrar.Cast(text, decimal, BindTextToDecimal, kExplicit);
  registrar.Cast(LogicalType::FLOAT, text, duckdb::BoundCastInfo(FloatToText<float>), kExplicit);
  registrar.Cast(LogicalType::DOUBLE, text, duckdb::BoundCastInfo(FloatToText<double>), kExplicit);

  registrar.Cast(decimal, text, BindDecimalToText, kExplicit);

  registrar.Cast(LogicalType::FLOAT, decimal, BindFloatToDecimal<float>, kExplicit);
  registrar.Cast(LogicalType::DOUBLE, decimal, BindFloatToDecimal<double>, kExplicit);

  auto& casts = duckdb::CastFunctionSet::Get(registrar.instance());
  const auto reword = [&](const LogicalType& source, const LogicalType& target) {
    const int64_t cost = casts.ImplicitCastCost(registrar.instance(), source, target);
    registrar.Cast(source, target, BindReworded, cost);
  };
  reword(LogicalType::INTEGER, LogicalType::SMALLINT);
  reword(LogicalType::BIGINT, LogicalType::SMALLINT);
  reword(LogicalType::BIGINT, LogicalType::INTEGER);
  reword(LogicalType::DOUBLE, LogicalType::FLOAT);
  for (const auto& integer : integers) {
    reword(LogicalType::HUGEINT, integer);
    reword(LogicalType::FLOAT, integer);
    reword(LogicalType::DOUBLE, integer);
    reword(decimal, integer);
    reword(integer, decimal);
    registrar.Cast(integer, LogicalType::FLOAT, BindTheirs, kAvoided);
  }
  reword(LogicalType::HUGEINT, decimal);
  reword(decimal, decimal);
  registrar.Cast(decimal, LogicalType::FLOAT, BindTheirs, kAvoided);
}

}  // namespace skep::worker
