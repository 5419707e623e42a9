#include "worker/functions/text_numbers.h"

#include <duckdb/common/exception/conversion_exception.hpp>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <limits>
#include <string>
#include <string_view>

#include "worker/functions/ascii.h"
#include "worker/functions/characters.h"
#include "worker/functions/text_arguments.h"

namespace skep::worker {
namespace {

using duckdb::BinaryExecutor;
using duckdb::DataChunk;
using duckdb::ExpressionState;
using duckdb::string_t;
using duckdb::Vector;
using std::string_view;

void Strpos(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<string_t, string_t, int32_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](string_t whole, string_t part) {
        const string_view text = View(whole);
        const size_t at = text.find(View(part));
        return at == string_view::npos
                   ? 0
                   : static_cast<int32_t>(CountCharacters(text.substr(0, at)) + 1);
      });
}

void OctetIndex(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<string_t, string_t, int32_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](string_t part, string_t whole) {
        const size_t at = View(whole).find(View(part));
        return at == string_view::npos ? 0 : static_cast<int32_t>(at + 1);
      });
}

void Compare(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<string_t, string_t, int32_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(), [](string_t a, string_t b) {
        const int order = WithoutTrailingBlanks(View(a)).compare(WithoutTrailingBlanks(View(b)));
        return (order > 0) - (order < 0);
      });
}

[[noreturn]] void NotANumber(string_view text, int64_t base) {
  throw duckdb::ConversionException("The input %s is not valid to be converted to base %d",
                                    std::string(text), base);
}

int64_t ParseInBase(string_view whole, int64_t base) {
  if (base < 2 || base > 36)
    throw duckdb::OutOfRangeException("base %d is out of range: it must be between 2 and 36", base);
  string_view text = whole.substr(0, whole.find('\0'));
  if (text.empty()) return 0;
  while (!text.empty() && IsSpace(text[0])) text.remove_prefix(1);
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (base == 16 && (text.starts_with("0x") || text.starts_with("0X"))) text.remove_prefix(2);
  if (text.empty()) NotANumber(whole, base);
  uint64_t magnitude = 0;
  const uint64_t limit = uint64_t{std::numeric_limits<int64_t>::max()} + (negative ? 1 : 0);
  for (const char c : text) {
    int digit = 99;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'z') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'Z') digit = c - 'A' + 10;
    if (digit >= base) NotANumber(whole, base);
    if (__builtin_mul_overflow(magnitude, static_cast<uint64_t>(base), &magnitude) ||
        __builtin_add_overflow(magnitude, static_cast<uint64_t>(digit), &magnitude) ||
        magnitude > limit)
      throw duckdb::OutOfRangeException("value \"%s\" is out of range for type bigint",
                                        std::string(whole));
  }
  return static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
}

void Strtol(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<string_t, int64_t, int64_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](string_t text, int64_t base) { return ParseInBase(View(text), base); });
}

}  // namespace

void RegisterTextNumbers(Registrar& registrar) {
  AddOverloads(registrar, "rs_strpos", {TotalFunction({kAny, kAny}, kInteger, Strpos)});
  AddOverloads(registrar, "rs_octetindex", {TotalFunction({kAny, kAny}, kInteger, OctetIndex)});
  AddOverloads(registrar, "rs_bpcharcmp", {TotalFunction({kAny, kAny}, kInteger, Compare)});
  AddOverloads(registrar, "rs_strtol", {TextFunction({kAny, kBigint}, kBigint, Strtol)});
}

}  // namespace skep::worker
