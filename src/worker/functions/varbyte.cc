#include "worker/functions/varbyte.h"

#include <cstring>
#include <duckdb/common/exception/conversion_exception.hpp>
#include <duckdb/common/operator/cast_operators.hpp>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/ternary_executor.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "worker/functions/ascii.h"
#include "worker/functions/characters.h"
#include "worker/functions/text_arguments.h"

namespace skep::worker {
namespace {

using duckdb::BinaryExecutor;
using duckdb::DataChunk;
using duckdb::ExpressionState;
using duckdb::LogicalType;
using duckdb::string_t;
using duckdb::StringVector;
using duckdb::UnaryExecutor;
using duckdb::Vector;
using std::string_view;

[[noreturn]] void NotUtf8() {
  throw duckdb::ConversionException("invalid byte sequence for encoding UTF8");
}

// ---- Formats ----

enum class Format { kHex, kBinary, kUtf8 };

Format FormatOf(string_view name) {
  const std::string lower = Lower(name);
  if (lower == "hex") return Format::kHex;
  if (lower == "binary") return Format::kBinary;
  if (lower == "utf8" || lower == "utf-8") return Format::kUtf8;
  throw duckdb::InvalidInputException(
      "invalid format \"%s\": it must be hex, binary, utf8 or utf-8", std::string(name));
}

// Digits of `bits` bits each into bytes; missing ones at the front are zero.
template <unsigned bits>
string_t FromDigits(Vector& result, string_view text) {
  constexpr size_t kDigits = 8 / bits;
  const size_t size = (text.size() + kDigits - 1) / kDigits;
  string_t out = StringVector::EmptyString(result, size);
  char* to = out.GetDataWriteable();
  size_t missing = size * kDigits - text.size();
  unsigned byte = 0;
  for (size_t i = 0; i < text.size(); i++) {
    const int digit = HexDigit(text[i]);
    if (digit < 0 || digit >= 1 << bits)
      throw duckdb::ConversionException(
          "invalid %s digit: \"%s\"", bits == 4 ? "hexadecimal" : "binary",
          std::string(CutToBytes(text.substr(i), 1 + (text[i] < 0 ? 3 : 0))));
    byte = byte << bits | static_cast<unsigned>(digit);
    if ((i + missing + 1) % kDigits == 0) {
      *to++ = static_cast<char>(byte);
      byte = 0;
    }
  }
  out.Finalize();
  return out;
}

template <unsigned bits>
string_t ToDigits(Vector& result, string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  constexpr size_t kDigits = 8 / bits;
  string_t out = StringVector::EmptyString(result, bytes.size() * kDigits);
  char* to = out.GetDataWriteable();
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    for (unsigned shift = 8; shift > 0;) {
      shift -= bits;
      *to++ = kHex[byte >> shift & ((1 << bits) - 1)];
    }
  }
  out.Finalize();
  return out;
}

string_t Parse(Vector& result, const string_t& text, Format format) {
  switch (format) {
    case Format::kHex:
      return FromDigits<4>(result, View(text));
    case Format::kBinary:
      return FromDigits<1>(result, View(text));
    default:
      return text;
  }
}

string_t Print(Vector& result, const string_t& bytes, Format format) {
  switch (format) {
    case Format::kHex:
      return ToDigits<4>(result, View(bytes));
    case Format::kBinary:
      return ToDigits<1>(result, View(bytes));
    default:
      if (!IsValidUtf8(View(bytes))) NotUtf8();
      return bytes;
  }
}

void FromHex(DataChunk& arguments, ExpressionState&, Vector& result) {
  UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(),
      [&](string_t text) { return FromDigits<4>(result, View(text)); });
}

void HexOfBytes(DataChunk& arguments, ExpressionState&, Vector& result) {
  UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(),
      [&](string_t bytes) { return ToDigits<4>(result, View(bytes)); });
}

// Of a negative number the two's complement in the width of its type.
template <class T>
void HexOfNumber(DataChunk& arguments, ExpressionState&, Vector& result) {
  UnaryExecutor::Execute<T, string_t>(arguments.data[0], result, arguments.size(), [&](T number) {
    char text[17];
    const int n = std::snprintf(text, sizeof text, "%llx",
                                static_cast<unsigned long long>(std::make_unsigned_t<T>(number)));
    return StringVector::AddString(result, text, static_cast<duckdb::idx_t>(n));
  });
}

void ToVarbyte(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<string_t, string_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t text, string_t format) { return Parse(result, text, FormatOf(View(format))); });
  StringVector::AddHeapReference(result, arguments.data[0]);
}

void FromVarbyte(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<string_t, string_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t bytes, string_t format) {
        return Print(result, bytes, FormatOf(View(format)));
      });
  StringVector::AddHeapReference(result, arguments.data[0]);
}

// ---- Single bits and bytes ----

// 0 <= index < count, or an error.
size_t Index(int64_t index, uint64_t count) {
  if (index < 0 || static_cast<uint64_t>(index) >= count)
    throw duckdb::OutOfRangeException("index %d out of valid range, 0..%d", index,
                                      static_cast<int64_t>(count) - 1);
  return static_cast<size_t>(index);
}

void GetBit(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<string_t, int64_t, int32_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](string_t bytes, int64_t index) {
        const size_t at = Index(index, uint64_t{bytes.GetSize()} * 8);
        const auto byte = static_cast<unsigned char>(bytes.GetData()[bytes.GetSize() - 1 - at / 8]);
        return static_cast<int32_t>(byte >> at % 8 & 1);
      });
}

void GetByte(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<string_t, int64_t, int32_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](string_t bytes, int64_t index) {
        return static_cast<int32_t>(
            static_cast<unsigned char>(bytes.GetData()[Index(index, bytes.GetSize())]));
      });
}

template <class Body>
void Changed(DataChunk& arguments, Vector& result, Body body) {
  duckdb::TernaryExecutor::Execute<string_t, int64_t, int64_t, string_t>(
      arguments.data[0], arguments.data[1], arguments.data[2], result, arguments.size(),
      [&](string_t bytes, int64_t index, int64_t value) {
        string_t out = StringVector::EmptyString(result, bytes.GetSize());
        std::memcpy(out.GetDataWriteable(), bytes.GetData(), bytes.GetSize());
        body(out.GetDataWriteable(), bytes.GetSize(), index, value);
        out.Finalize();
        return out;
      });
}

void SetByte(DataChunk& arguments, ExpressionState&, Vector& result) {
  Changed(arguments, result, [](char* bytes, size_t size, int64_t index, int64_t value) {
    bytes[Index(index, size)] = static_cast<char>(static_cast<uint64_t>(value) & 255);
  });
}

// PostgreSQL counts its bits from the first byte on, in each from the least significant.
void SetBit(DataChunk& arguments, ExpressionState&, Vector& result) {
  Changed(arguments, result, [](char* bytes, size_t size, int64_t index, int64_t value) {
    const size_t at = Index(index, uint64_t{size} * 8);
    if (value != 0 && value != 1) throw duckdb::InvalidInputException("new bit must be 0 or 1");
    const auto mask = static_cast<unsigned char>(1u << at % 8);
    auto byte = static_cast<unsigned char>(bytes[at / 8]);
    byte = static_cast<unsigned char>(value ? byte | mask : byte & ~mask);
    bytes[at / 8] = static_cast<char>(byte);
  });
}

// ---- Operators ----

void Concatenate(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<string_t, string_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(), [&](string_t a, string_t b) {
        if (size_t{a.GetSize()} + b.GetSize() > kMaxTextBytes)
          throw duckdb::InvalidInputException(
              "the result is too large: VARBYTE has at most %d bytes", kMaxTextBytes);
        string_t out = StringVector::EmptyString(result, size_t{a.GetSize()} + b.GetSize());
        std::memcpy(out.GetDataWriteable(), a.GetData(), a.GetSize());
        std::memcpy(out.GetDataWriteable() + a.GetSize(), b.GetData(), b.GetSize());
        out.Finalize();
        return out;
      });
}

template <class Operator>
void Bitwise(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<string_t, string_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(), [&](string_t a, string_t b) {
        if (a.GetSize() != b.GetSize())
          throw duckdb::InvalidInputException(
              "cannot combine the bits of VARBYTE values of different sizes");
        string_t out = StringVector::EmptyString(result, a.GetSize());
        char* to = out.GetDataWriteable();
        for (size_t i = 0; i < a.GetSize(); i++)
          to[i] = static_cast<char>(Operator()(a.GetData()[i], b.GetData()[i]));
        out.Finalize();
        return out;
      });
}

void Not(DataChunk& arguments, ExpressionState&, Vector& result) {
  UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(), [&](string_t a) {
        string_t out = StringVector::EmptyString(result, a.GetSize());
        char* to = out.GetDataWriteable();
        for (size_t i = 0; i < a.GetSize(); i++) to[i] = static_cast<char>(~a.GetData()[i]);
        out.Finalize();
        return out;
      });
}

// ---- Casts ----

bool CastTextToBytes(Vector& source, Vector& result, duckdb::idx_t, duckdb::CastParameters&) {
  result.Reinterpret(source);
  return true;
}

// Where the statement asks for NULL instead of an error (TRY_CAST), `parameters` says so.
template <class From, class To, class Convert>
bool CastBy(Vector& source, Vector& result, duckdb::idx_t count, duckdb::CastParameters& parameters,
            Convert convert) {
  bool all = true;
  UnaryExecutor::ExecuteWithNulls<From, To>(
      source, result, count,
      [&](const From& value, duckdb::ValidityMask& valid, duckdb::idx_t row) {
        To out{};
        const char* error = convert(value, out);
        if (!error) return out;
        duckdb::HandleCastError::AssignError(error, parameters);
        valid.SetInvalid(row);
        all = false;
        return To{};
      });
  return all;
}

bool CastBytesToText(Vector& source, Vector& result, duckdb::idx_t count,
                     duckdb::CastParameters& parameters) {
  const bool all = CastBy<string_t, string_t>(
      source, result, count, parameters, [](const string_t& bytes, string_t& out) -> const char* {
        if (!IsValidUtf8(View(bytes))) return "invalid byte sequence for encoding UTF8";
        out = bytes;
        return nullptr;
      });
  StringVector::AddHeapReference(result, source);
  return all;
}

template <class T>
bool CastNumberToBytes(Vector& source, Vector& result, duckdb::idx_t count,
                       duckdb::CastParameters&) {
  UnaryExecutor::Execute<T, string_t>(source, result, count, [](T number) {
    char bytes[sizeof(T)];
    for (size_t i = 0; i < sizeof(T); i++)
      bytes[i] = static_cast<char>(static_cast<std::make_unsigned_t<T>>(number) >>
                                   (8 * (sizeof(T) - 1 - i)));
    return string_t(bytes, sizeof bytes);
  });
  return true;
}

template <class T>
bool CastBytesToNumber(Vector& source, Vector& result, duckdb::idx_t count,
                       duckdb::CastParameters& parameters) {
  return CastBy<string_t, T>(
      source, result, count, parameters, [](const string_t& bytes, T& out) -> const char* {
        if (bytes.GetSize() > sizeof(T))
          return "VARBYTE value is out of range for the integer type";
        uint64_t number = 0;
        for (size_t i = 0; i < bytes.GetSize(); i++)
          number = number << 8 | static_cast<unsigned char>(bytes.GetData()[i]);
        out = static_cast<T>(number);
        return nullptr;
      });
}

template <class T>
void AddNumberCasts(Registrar& registrar, const LogicalType& type) {
  registrar.Cast(type, kVarbyte, CastNumberToBytes<T>, -1);
  registrar.Cast(kVarbyte, type, CastBytesToNumber<T>, -1);
}

// ---- Registration ----

duckdb::unique_ptr<duckdb::FunctionData> BindHex(duckdb::ClientContext& context,
                                                 duckdb::ScalarFunction& function,
                                                 Arguments& arguments) {
  switch (arguments[0]->return_type.id()) {
    case duckdb::LogicalTypeId::SMALLINT:
    case duckdb::LogicalTypeId::INTEGER:
      function.arguments[0] = LogicalType::INTEGER;
      function.SetFunctionCallback(HexOfNumber<int32_t>);
      return nullptr;
    case duckdb::LogicalTypeId::BIGINT:
      function.arguments[0] = LogicalType::BIGINT;
      function.SetFunctionCallback(HexOfNumber<int64_t>);
      return nullptr;
    case duckdb::LogicalTypeId::BLOB:
    case duckdb::LogicalTypeId::VARCHAR:
      function.arguments[0] = LogicalType::BLOB;
      return nullptr;
    default:
      return BindText(context, function, arguments);
  }
}

void AddOperator(Registrar& registrar, const char* name, size_t operands,
                 duckdb::scalar_function_t run) {
  duckdb::ScalarFunctionSet set(name);
  auto function = TextFunction(duckdb::vector<LogicalType>(operands, LogicalType::BLOB),
                               LogicalType::BLOB, std::move(run), nullptr);
  function.name = name;
  set.AddFunction(std::move(function));
  registrar.Replace(std::move(set));
}

}  // namespace

void RegisterVarbyte(Registrar& registrar) {
  AddOverloads(registrar, "rs_from_hex", {TextFunction({kAny}, kVarbyte, FromHex)});
  AddOverloads(registrar, "rs_to_hex", {TextFunction({kAny}, kText, HexOfBytes, BindHex)});
  AddOverloads(registrar, "rs_to_varbyte", {TextFunction({kAny, kAny}, kVarbyte, ToVarbyte)});
  AddOverloads(registrar, "rs_from_varbyte", {TextFunction({kVarbyte, kAny}, kText, FromVarbyte)});
  AddOverloads(registrar, "rs_getbit", {TextFunction({kVarbyte, kBigint}, kInteger, GetBit)});
  AddOverloads(registrar, "rs_get_byte", {TextFunction({kVarbyte, kBigint}, kInteger, GetByte)});
  AddOverloads(registrar, "rs_set_byte",
               {TextFunction({kVarbyte, kBigint, kBigint}, kVarbyte, SetByte)});
  AddOverloads(registrar, "rs_set_bit",
               {TextFunction({kVarbyte, kBigint, kBigint}, kVarbyte, SetBit)});

  AddOperator(registrar, "+", 2, Concatenate);
  AddOperator(registrar, "&", 2, Bitwise<std::bit_and<char>>);
  AddOperator(registrar, "|", 2, Bitwise<std::bit_or<char>>);
  AddOperator(registrar, "xor", 2, Bitwise<std::bit_xor<char>>);
  AddOperator(registrar, "~", 1, Not);

  registrar.Cast(kText, kVarbyte, CastTextToBytes, -1);
  registrar.Cast(kVarbyte, kText, CastBytesToText, -1);
  AddNumberCasts<int16_t>(registrar, LogicalType::SMALLINT);
  AddNumberCasts<int32_t>(registrar, LogicalType::INTEGER);
  AddNumberCasts<int64_t>(registrar, LogicalType::BIGINT);
}

}  // namespace skep::worker
