#include "worker/functions/json_functions.h"

#include <charconv>
#include <duckdb/execution/expression_executor.hpp>
#include <utility>

#include "worker/functions/characters.h"
#include "worker/functions/json_reader.h"
#include "worker/functions/rows.h"
#include "worker/functions/super_value.h"
#include "worker/functions/types.h"

namespace skep::worker {
namespace {

using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::string_t;
using duckdb::ValidityMask;
using duckdb::Vector;

constexpr size_t kMaxVarcharBytes = 65535;
constexpr size_t kMaxPathElements = 5;
// Text functions see JSON as it is written.
constexpr JsonOptions kAsText{.duplicates = Duplicates::kKeepAll, .keep_numbers = true};

JsonOptions ParseOptions(int32_t bits) {
  JsonOptions options;
  if ((bits & kParseDedupAttributes) != 0) options.duplicates = Duplicates::kKeepLast;
  options.truncate_strings = (bits & kParseTruncateStrings) != 0;
  return options;
}

template <bool kBinary>
JsonFault ParseSuper(std::string_view json, int32_t bits, std::string& text) {
  if (kBinary && !IsValidUtf8(json)) return JsonFault::kSyntax;
  return Canonical(json, ParseOptions(bits), text);
}

template <bool kBinary>
string_t ParseOne(string_t json, int32_t bits, Vector& result, ValidityMask& mask, idx_t row,
                  std::string& text) {
  const JsonFault fault = ParseSuper<kBinary>(View(json), bits, text);
  if (fault != JsonFault::kNone && (bits & kParseNullOnError) == 0) {
    throw duckdb::InvalidInputException(MessageOf(fault));
  }
  if (fault != JsonFault::kNone || text == "null") {
    mask.SetInvalid(row);
    return {};
  }
  return AddSuper(result, text);
}

template <bool kBinary>
void JsonParse(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  std::string text;
  duckdb::UnaryExecutor::ExecuteWithNulls<string_t, string_t>(
      arguments.data[0], result, arguments.size(),
      [&](string_t json, ValidityMask& mask, idx_t row) {
        return ParseOne<kBinary>(json, 0, result, mask, row, text);
      });
}

template <bool kBinary>
void JsonParseWith(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  std::string text;
  duckdb::BinaryExecutor::ExecuteWithNulls<string_t, int32_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t json, int32_t bits, ValidityMask& mask, idx_t row) {
        return ParseOne<kBinary>(json, bits, result, mask, row, text);
      });
}

template <bool kBinary>
void CanJsonParse(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  std::string text;
  duckdb::UnaryExecutor::Execute<string_t, bool>(
      arguments.data[0], result, arguments.size(),
      [&](string_t json) { return ParseSuper<kBinary>(View(json), 0, text) == JsonFault::kNone; });
}

void JsonSerialize(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  duckdb::UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(), [&](string_t value) {
        if (value.GetSize() > kMaxVarcharBytes) {
          throw duckdb::InvalidInputException("value too long for type character varying(%d)",
                                              kMaxVarcharBytes);
        }
        return Slice(View(value));
      });
  duckdb::StringVector::AddHeapReference(result, arguments.data[0]);
}

void JsonSerializeToVarbyte(duckdb::DataChunk& arguments, duckdb::ExpressionState&,
                            Vector& result) {
  result.Reinterpret(arguments.data[0]);
}

// The root must be of the kind.
template <SuperKind kRoot>
void IsValid(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  std::string text;
  duckdb::UnaryExecutor::Execute<string_t, bool>(
      arguments.data[0], result, arguments.size(), [&](string_t json) {
        return Canonical(View(json), kAsText, text) == JsonFault::kNone && KindOf(text) == kRoot;
      });
}

// The message depends on whether the text looks like JSON at all. Source:
// JSON_EXTRACT_PATH_TEXT.md, JSON_ARRAY_LENGTH.md, examples.
[[noreturn]] void Invalid(std::string_view json, const char* what) {
  const size_t start = json.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || (json[start] != '{' && json[start] != '[')) {
    throw duckdb::InvalidInputException("JSON parsing error");
  }
  throw duckdb::InvalidInputException("%s %s", what, std::string(json.substr(0, 256)));
}

// As text: strings without their quotes; null is NULL.
string_t AddText(std::string_view value, Vector& result, ValidityMask& mask, idx_t row) {
  std::string room;
  switch (KindOf(value)) {
    case SuperKind::kNull:
      mask.SetInvalid(row);
      return {};
    case SuperKind::kString:
      value = Unquoted(value, room);
      break;
    default:
      break;
  }
  return duckdb::StringVector::AddString(result, value.data(), value.size());
}

// An array in `text`; false where null_if_invalid asks for NULL.
bool ReadArray(std::string_view json, bool null_if_invalid, std::string& text) {
  const bool valid =
      Canonical(json, kAsText, text) == JsonFault::kNone && KindOf(text) == SuperKind::kArray;
  if (!valid && !null_if_invalid) Invalid(json, "invalid json array object");
  return valid;
}

int32_t ArrayLength(string_t json, bool null_if_invalid, ValidityMask& mask, idx_t row,
                    std::string& text) {
  if (ReadArray(View(json), null_if_invalid, text)) {
    return static_cast<int32_t>(CountElements(text));
  }
  mask.SetInvalid(row);
  return 0;
}

void JsonArrayLength(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  std::string text;
  if (arguments.ColumnCount() == 1) {
    duckdb::UnaryExecutor::ExecuteWithNulls<string_t, int32_t>(
        arguments.data[0], result, arguments.size(),
        [&](string_t json, ValidityMask& mask, idx_t row) {
          return ArrayLength(json, false, mask, row, text);
        });
    return;
  }
  duckdb::BinaryExecutor::ExecuteWithNulls<string_t, bool, int32_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t json, bool null_if_invalid, ValidityMask& mask, idx_t row) {
        return ArrayLength(json, null_if_invalid, mask, row, text);
      });
}

string_t Element(string_t json, int32_t index, bool null_if_invalid, Vector& result,
                 ValidityMask& mask, idx_t row, std::string& text) {
  std::string_view element;
  if (ReadArray(View(json), null_if_invalid, text) && FindElement(text, index, element)) {
    return AddText(element, result, mask, row);
  }
  mask.SetInvalid(row);
  return {};
}

void JsonElement(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  std::string text;
  if (arguments.ColumnCount() == 2) {
    duckdb::BinaryExecutor::ExecuteWithNulls<string_t, int32_t, string_t>(
        arguments.data[0], arguments.data[1], result, arguments.size(),
        [&](string_t json, int32_t index, ValidityMask& mask, idx_t row) {
          return Element(json, index, false, result, mask, row, text);
        });
    return;
  }
  duckdb::TernaryExecutor::ExecuteWithNulls<string_t, int32_t, bool, string_t>(
      arguments.data[0], arguments.data[1], arguments.data[2], result, arguments.size(),
      [&](string_t json, int32_t index, bool null_if_invalid, ValidityMask& mask, idx_t row) {
        return Element(json, index, null_if_invalid, result, mask, row, text);
      });
}

// ---- JSON_EXTRACT_PATH_TEXT

// One path element: into an object by name, into an array by its number.
bool Descend(std::string_view name, std::string& quoted, std::string_view& value) {
  std::string_view found;
  switch (KindOf(value)) {
    case SuperKind::kObject:
      quoted.clear();
      AppendQuoted(quoted, name);
      if (!FindAttribute(value, quoted, found)) return false;
      break;
    case SuperKind::kArray: {
      int64_t index = 0;
      const auto read = std::from_chars(name.data(), name.data() + name.size(), index);
      if (read.ec != std::errc() || read.ptr != name.data() + name.size()) return false;
      if (!FindElement(value, index, found)) return false;
      break;
    }
    default:
      return false;
  }
  value = found;
  return true;
}

// The last argument is null_if_invalid if it is a boolean; the others are text.
duckdb::unique_ptr<duckdb::FunctionData> BindPathText(
    duckdb::ClientContext&, duckdb::ScalarFunction& function,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  size_t elements = arguments.size() - 1;
  const bool has_flag =
      elements > 1 && arguments.back()->return_type.id() == duckdb::LogicalTypeId::BOOLEAN;
  if (has_flag) elements--;
  if (elements > kMaxPathElements) {
    throw duckdb::BinderException("json_extract_path_text takes at most %d path elements",
                                  kMaxPathElements);
  }
  function.arguments.assign(arguments.size(), LogicalType::VARCHAR);
  if (has_flag) function.arguments.back() = LogicalType::BOOLEAN;
  function.varargs = LogicalType(duckdb::LogicalTypeId::INVALID);
  return nullptr;
}

void JsonPathText(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  const Columns columns(arguments);
  const size_t last = columns.size() - 1;
  const bool has_flag = arguments.data[last].GetType().id() == duckdb::LogicalTypeId::BOOLEAN;
  const size_t end = has_flag ? last : columns.size();
  std::string text;
  std::string quoted;
  FillRows<string_t>(arguments, result, [&](idx_t row, string_t& out) {
    if (columns.NullAt(row)) return false;
    const std::string_view json = columns.Text(0, row);
    if (Canonical(json, kAsText, text) != JsonFault::kNone) {
      if (!has_flag || !columns.At<bool>(last, row)) Invalid(json, "invalid json object");
      return false;
    }
    std::string_view value = text;
    for (size_t i = 1; i < end; i++) {
      if (!Descend(columns.Text(i, row), quoted, value)) return false;
    }
    out = AddText(value, result, duckdb::FlatVector::Validity(result), row);
    return true;
  });
}

void AddTo(Registrar& registrar, const char* name,
           std::initializer_list<std::pair<duckdb::vector<LogicalType>, duckdb::scalar_function_t>>
               overloads,
           const LogicalType& result, bool fallible) {
  duckdb::ScalarFunctionSet set(name);
  for (const auto& [arguments, run] : overloads) {
    duckdb::ScalarFunction function(arguments, result, run);
    if (fallible) function.SetFallible();
    set.AddFunction(function);
  }
  registrar.Add(set);
}

}  // namespace

void RegisterJsonFunctions(Registrar& registrar) {
  const LogicalType text = LogicalType::VARCHAR;
  const LogicalType bytes = LogicalType::BLOB;
  const LogicalType integer = LogicalType::INTEGER;
  const LogicalType boolean = LogicalType::BOOLEAN;
  AddTo(registrar, "rs_json_parse",
        {{{text}, JsonParse<false>},
         {{bytes}, JsonParse<true>},
         {{text, integer}, JsonParseWith<false>},
         {{bytes, integer}, JsonParseWith<true>}},
        SuperType(), true);
  AddTo(registrar, "rs_can_json_parse",
        {{{text}, CanJsonParse<false>}, {{bytes}, CanJsonParse<true>}}, boolean, false);
  AddTo(registrar, "rs_json_serialize", {{{SuperType()}, JsonSerialize}}, text, true);
  AddTo(registrar, "rs_json_serialize_to_varbyte", {{{SuperType()}, JsonSerializeToVarbyte}}, bytes,
        false);
  AddTo(registrar, "rs_is_valid_json", {{{text}, IsValid<SuperKind::kObject>}}, boolean, false);
  AddTo(registrar, "rs_is_valid_json_array", {{{text}, IsValid<SuperKind::kArray>}}, boolean,
        false);
  AddTo(registrar, "rs_json_array_length",
        {{{text}, JsonArrayLength}, {{text, boolean}, JsonArrayLength}}, integer, true);
  AddTo(registrar, "rs_json_extract_array_element_text",
        {{{text, integer}, JsonElement}, {{text, integer, boolean}, JsonElement}}, text, true);
  duckdb::ScalarFunction path("rs_json_extract_path_text", {text, LogicalType::ANY}, text,
                              JsonPathText, BindPathText, nullptr, nullptr, nullptr,
                              LogicalType::ANY);
  path.SetFallible();
  registrar.Add(path);
}

}  // namespace skep::worker
