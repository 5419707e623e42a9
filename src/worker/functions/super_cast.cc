#include "worker/functions/super_cast.h"

#include <cmath>
#include <cstring>
#include <duckdb/common/exception/conversion_exception.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <limits>
#include <utility>

#include "worker/functions/json_reader.h"
#include "worker/functions/super_number.h"
#include "worker/functions/super_value.h"
#include "worker/functions/super_writer.h"
#include "worker/functions/types.h"

namespace skep::worker {
namespace {

using duckdb::BoundCastInfo;
using duckdb::CastParameters;
using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::string_t;
using duckdb::Vector;

// ---- to SUPER

bool WriteAll(Vector& source, Vector& result, idx_t count, CastParameters&) {
  const bool constant = source.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  if (constant) count = 1;
  const SuperWriter writer(source, count);
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* out = duckdb::FlatVector::GetData<string_t>(result);
  auto& validity = duckdb::FlatVector::Validity(result);
  std::string text;
  for (idx_t row = 0; row < count; row++) {
    text.clear();
    if (!writer.IsNull(row)) writer.Append(text, row);
    if (text.empty() || text == "null") {
      validity.SetInvalid(row);
    } else {
      out[row] = AddSuper(result, text);
    }
  }
  if (constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  return true;
}

BoundCastInfo RefuseToSuper(duckdb::BindCastInput&, const LogicalType& source, const LogicalType&) {
  RefuseType("cannot cast", source);
}

// JSON of files is not canonical.
bool ReadJson(Vector& source, Vector& result, idx_t count, CastParameters&) {
  std::string text;
  duckdb::UnaryExecutor::ExecuteWithNulls<string_t, string_t>(
      source, result, count, [&](string_t json, duckdb::ValidityMask& mask, idx_t row) {
        const JsonFault fault = Canonical(View(json), {}, text);
        if (fault != JsonFault::kNone) throw duckdb::ConversionException(MessageOf(fault));
        if (text != "null") return AddSuper(result, text);
        mask.SetInvalid(row);
        return string_t();
      });
  return true;
}

// ---- from SUPER

template <class T>
bool PutInteger(std::string_view text, SuperKind kind, void* out) {
  if (kind == SuperKind::kBoolean) {
    const T value = text.front() == 't' ? 1 : 0;
    std::memcpy(out, &value, sizeof value);
    return true;
  }
  __int128 value = 0;
  if (!ReadDecimal(text, kMaxDecimalDigits, 0, value)) return false;
  if constexpr (sizeof(T) < sizeof value) {
    if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max()) {
      return false;
    }
  }
  const T narrow = static_cast<T>(value);
  std::memcpy(out, &narrow, sizeof narrow);
  return true;
}

bool PutDecimal(std::string_view text, const LogicalType& type, void* out) {
  __int128 value = 0;
  if (!ReadDecimal(text, duckdb::DecimalType::GetWidth(type), duckdb::DecimalType::GetScale(type),
                   value)) {
    return false;
  }
  // Little endian: the low bytes are the narrower integer.
  std::memcpy(out, &value, duckdb::GetTypeIdSize(type.InternalType()));
  return true;
}

// What is no string: booleans, numbers, arrays and objects.
bool PutScalar(std::string_view text, SuperKind kind, const LogicalType& type, void* out) {
  const bool number = kind == SuperKind::kNumber;
  if (!number && kind != SuperKind::kBoolean) return false;
  switch (type.id()) {
    case LogicalTypeId::SMALLINT:
      return PutInteger<int16_t>(text, kind, out);
    case LogicalTypeId::INTEGER:
      return PutInteger<int32_t>(text, kind, out);
    case LogicalTypeId::BIGINT:
      return PutInteger<int64_t>(text, kind, out);
    case LogicalTypeId::HUGEINT:
      return PutInteger<__int128>(text, kind, out);
    case LogicalTypeId::DECIMAL:
      return number && PutDecimal(text, type, out);
    case LogicalTypeId::FLOAT: {
      if (!number) return false;
      const auto value = static_cast<float>(ReadDouble(text));
      std::memcpy(out, &value, sizeof value);
      return std::isfinite(value);
    }
    case LogicalTypeId::DOUBLE: {
      if (!number) return false;
      const double value = ReadDouble(text);
      std::memcpy(out, &value, sizeof value);
      return std::isfinite(value);
    }
    case LogicalTypeId::BOOLEAN: {
      // Numbers with a scale and floats have no cast to boolean.
      if (number && (IsFloat(text) || DecimalScale(text) > 0)) return false;
      const bool value = number ? text != "0" : text.front() == 't';
      std::memcpy(out, &value, sizeof value);
      return true;
    }
    default:
      return false;
  }
}

// Strings go through the cast from VARCHAR, whosever it is.
struct FromText : duckdb::BoundCastData {
  explicit FromText(BoundCastInfo cast) : from_text(std::move(cast)) {}
  duckdb::unique_ptr<BoundCastData> Copy() const override {
    return duckdb::make_uniq<FromText>(from_text.Copy());
  }
  BoundCastInfo from_text;
};

duckdb::unique_ptr<duckdb::FunctionLocalState> InitFromText(
    duckdb::CastLocalStateParameters& parameters) {
  auto& cast = parameters.cast_data->Cast<FromText>().from_text;
  if (cast.init_local_state == nullptr) return nullptr;
  duckdb::CastLocalStateParameters inner(parameters, cast.cast_data);
  return cast.init_local_state(inner);
}

// As many rows as `count`; the flat result has NULL where a value does not fit.
void ReadAll(Vector& source, Vector& result, idx_t count, const BoundCastInfo& from_text,
             duckdb::optional_ptr<duckdb::FunctionLocalState> local_state) {
  duckdb::UnifiedVectorFormat input;
  source.ToUnifiedFormat(count, input);
  const auto* texts = duckdb::UnifiedVectorFormat::GetData<string_t>(input);
  const LogicalType& type = result.GetType();
  const idx_t width = duckdb::GetTypeIdSize(type.InternalType());
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* out = duckdb::FlatVector::GetData(result);
  auto& validity = duckdb::FlatVector::Validity(result);
  duckdb::unique_ptr<Vector> strings;
  for (idx_t row = 0; row < count; row++) {
    const idx_t index = input.sel->get_index(row);
    if (!input.validity.RowIsValid(index)) {
      validity.SetInvalid(row);
      continue;
    }
    const std::string_view text = View(texts[index]);
    const SuperKind kind = KindOf(text);
    if (kind != SuperKind::kString) {
      if (!PutScalar(text, kind, type, out + row * width)) validity.SetInvalid(row);
      continue;
    }
    validity.SetInvalid(row);
    if (!strings) {
      strings = duckdb::make_uniq<Vector>(LogicalType::VARCHAR, count);
      duckdb::FlatVector::Validity(*strings).SetAllInvalid(count);
    }
    std::string room;
    const std::string_view content = Unquoted(text, room);
    duckdb::FlatVector::GetData<string_t>(*strings)[row] =
        duckdb::StringVector::AddString(*strings, content.data(), content.size());
    duckdb::FlatVector::Validity(*strings).SetValid(row);
  }
  if (!strings) return;
  Vector parsed(type, count);
  std::string ignored;
  CastParameters lax(from_text.cast_data.get(), false, &ignored, local_state);
  from_text.function(*strings, parsed, count, lax);
  parsed.Flatten(count);
  const auto& wanted = duckdb::FlatVector::Validity(*strings);
  const auto& parsed_validity = duckdb::FlatVector::Validity(parsed);
  for (idx_t row = 0; row < count; row++) {
    if (!wanted.RowIsValid(row) || !parsed_validity.RowIsValid(row)) continue;
    std::memcpy(out + row * width, duckdb::FlatVector::GetData(parsed) + row * width, width);
    validity.SetValid(row);
  }
}

bool CastFromText(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  const auto& cast = parameters.cast_data->Cast<FromText>().from_text;
  const bool constant = source.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  ReadAll(source, result, constant ? 1 : count, cast, parameters.local_state);
  if (constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  return true;
}

BoundCastInfo BindFromText(duckdb::BindCastInput& input, const LogicalType&,
                           const LogicalType& target) {
  auto cast = input.GetCastFunction(LogicalType::VARCHAR, target);
  return {CastFromText, duckdb::make_uniq<FromText>(std::move(cast)), InitFromText};
}

BoundCastInfo RefuseFromSuper(duckdb::BindCastInput&, const LogicalType&,
                              const LogicalType& target) {
  throw duckdb::Exception(duckdb::ExceptionType::MISMATCH_TYPE,
                          "cannot cast type super to " + RedshiftName(target));
}

// Arrays and objects have no text: NULL.
bool CastToVarchar(Vector& source, Vector& result, idx_t count, CastParameters&) {
  std::string room;
  duckdb::UnaryExecutor::ExecuteWithNulls<string_t, string_t>(
      source, result, count, [&](string_t value, duckdb::ValidityMask& mask, idx_t row) {
        std::string_view text = View(value);
        switch (KindOf(text)) {
          case SuperKind::kString:
            text = Unquoted(text, room);
            break;
          case SuperKind::kBoolean:
          case SuperKind::kNumber:
            break;
          default:
            mask.SetInvalid(row);
            return string_t();
        }
        return duckdb::StringVector::AddString(result, text.data(), text.size());
      });
  return true;
}

// ---- the strict cast

struct StrictData : duckdb::FunctionData {
  explicit StrictData(BoundCastInfo bound) : cast(std::move(bound)) {}
  duckdb::unique_ptr<FunctionData> Copy() const override {
    return duckdb::make_uniq<StrictData>(cast.Copy());
  }
  bool Equals(const FunctionData& other) const override { return this == &other; }
  BoundCastInfo cast;
};

duckdb::unique_ptr<duckdb::FunctionData> BindStrict(
    duckdb::ClientContext& context, duckdb::ScalarFunction& function,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  const LogicalType target = arguments[1]->return_type;
  function.arguments[1] = target;
  function.SetReturnType(target);
  duckdb::GetCastFunctionInput input(context);
  return duckdb::make_uniq<StrictData>(
      duckdb::CastFunctionSet::Get(context).GetCastFunction(SuperType(), target, input));
}

struct StrictState : duckdb::FunctionLocalState {
  duckdb::unique_ptr<FunctionLocalState> inner;
};

duckdb::unique_ptr<duckdb::FunctionLocalState> InitStrict(duckdb::ExpressionState& state,
                                                          const duckdb::BoundFunctionExpression&,
                                                          duckdb::FunctionData* bind_data) {
  auto& cast = bind_data->Cast<StrictData>().cast;
  auto result = duckdb::make_uniq<StrictState>();
  if (cast.init_local_state != nullptr) {
    duckdb::CastLocalStateParameters parameters(state.GetContext(), cast.cast_data);
    result->inner = cast.init_local_state(parameters);
  }
  return result;
}

void CastStrict(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, Vector& result) {
  auto& expression = state.expr.Cast<duckdb::BoundFunctionExpression>();
  auto& cast = expression.bind_info->Cast<StrictData>().cast;
  auto& local = duckdb::ExecuteFunctionState::GetFunctionState(state)->Cast<StrictState>();
  auto& source = arguments.data[0];
  const idx_t count = arguments.size();
  std::string ignored;
  CastParameters parameters(cast.cast_data.get(), false, &ignored, local.inner.get());
  cast.function(source, result, count, parameters);
  duckdb::UnifiedVectorFormat before;
  duckdb::UnifiedVectorFormat after;
  source.ToUnifiedFormat(count, before);
  result.ToUnifiedFormat(count, after);
  for (idx_t row = 0; row < count; row++) {
    const idx_t index = before.sel->get_index(row);
    if (!before.validity.RowIsValid(index)) continue;
    if (after.validity.RowIsValid(after.sel->get_index(row))) continue;
    const auto text = View(duckdb::UnifiedVectorFormat::GetData<string_t>(before)[index]);
    throw duckdb::ConversionException("cannot cast SUPER value %s to type %s",
                                      std::string(text.substr(0, 64)),
                                      RedshiftName(result.GetType()));
  }
}

constexpr int64_t kExplicit = -1;
// As far as any other type from a literal, see CastRules::ImplicitCast.
constexpr int64_t kLiteral = 20;

}  // namespace

void RegisterSuperCasts(Registrar& registrar) {
  const LogicalType super = SuperType();
  duckdb::ExtensionLoader(registrar.instance(), "skep").RegisterType("SUPER", super);

  registrar.Cast(LogicalType::SQLNULL, super, duckdb::DefaultCasts::TryVectorNullCast, 400);
  registrar.Cast(LogicalType(LogicalTypeId::STRING_LITERAL), super, WriteAll, kLiteral);
  for (const auto& type : LogicalType::AllTypes()) {
    switch (type.id()) {
      case LogicalTypeId::STRUCT:
        registrar.Cast(LogicalType::STRUCT({{"any", LogicalType::ANY}}), super, WriteAll,
                       kExplicit);
        break;
      case LogicalTypeId::LIST:
        registrar.Cast(LogicalType::LIST(LogicalType::ANY), super, WriteAll, kExplicit);
        break;
      case LogicalTypeId::MAP:
        registrar.Cast(LogicalType::MAP(LogicalType::ANY, LogicalType::ANY), super, WriteAll,
                       kExplicit);
        break;
      case LogicalTypeId::ARRAY:
        registrar.Cast(LogicalType::ARRAY(LogicalType::ANY, duckdb::optional_idx()), super,
                       WriteAll, kExplicit);
        break;
      default:
        if (CanBecomeSuper(type)) {
          registrar.Cast(type, super, WriteAll, kExplicit);
        } else {
          registrar.Cast(type, super, RefuseToSuper, kExplicit);
        }
    }
  }
  for (const LogicalType& type : {HllSketchType(), GeographyType()}) {
    registrar.Cast(type, super, RefuseToSuper, kExplicit);
    registrar.Cast(super, type, RefuseFromSuper, kExplicit);
  }
  registrar.Cast(LogicalType::JSON(), super, ReadJson, kExplicit);
  registrar.Cast(super, LogicalType::JSON(), duckdb::DefaultCasts::ReinterpretCast, kExplicit);

  registrar.Cast(super, LogicalType::VARCHAR, CastToVarchar, kExplicit);
  for (const LogicalType& type : std::initializer_list<LogicalType>{
           LogicalType::BOOLEAN, LogicalType::SMALLINT, LogicalType::INTEGER, LogicalType::BIGINT,
           LogicalType::HUGEINT, LogicalType::FLOAT, LogicalType::DOUBLE,
           LogicalType(LogicalTypeId::DECIMAL), LogicalType::DATE, LogicalType::TIME,
           LogicalType::TIME_TZ, LogicalType::TIMESTAMP, LogicalType::TIMESTAMP_TZ}) {
    registrar.Cast(super, type, BindFromText, kExplicit);
  }
  for (const LogicalType& type :
       std::initializer_list<LogicalType>{LogicalType::BLOB, LogicalType::INTERVAL}) {
    registrar.Cast(super, type, RefuseFromSuper, kExplicit);
  }

  duckdb::ScalarFunction strict("rs_super_cast_strict", {super, LogicalType::ANY}, LogicalType::ANY,
                                CastStrict, BindStrict);
  strict.SetInitStateCallback(InitStrict);
  strict.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  strict.SetFallible();
  registrar.Add(strict);
}

}  // namespace skep::worker
