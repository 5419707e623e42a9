#include "worker/functions/character_types.h"

#include <algorithm>
#include <cstring>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <string_view>

#include "worker/functions/characters.h"
#include "worker/functions/text_arguments.h"

namespace skep::worker {
namespace {

using duckdb::string_t;
using duckdb::StringVector;
using std::string_view;

[[noreturn]] void TooLong(const char* type, size_t bytes) {
  throw duckdb::InvalidInputException("value too long for type %s(%d)", type, bytes);
}

// Blanks beyond the limit are no loss.
string_view WithoutExcessBlanks(string_view text, size_t bytes, const char* type) {
  if (text.size() <= bytes) return text;
  if (text.find_first_not_of(' ', bytes) != string_view::npos) TooLong(type, bytes);
  return text.substr(0, bytes);
}

string_view ToVarchar(string_view text, size_t bytes) { return CutToBytes(text, bytes); }
string_view ToChar(string_view text, size_t bytes) {
  return WithoutTrailingBlanks(CutToBytes(text, bytes));
}
string_view AssignVarchar(string_view text, size_t bytes) {
  return WithoutExcessBlanks(text, bytes, "character varying");
}
string_view AssignChar(string_view text, size_t bytes) {
  text = WithoutExcessBlanks(text, bytes, "character");
  if (!IsAscii(text))
    throw duckdb::InvalidInputException(
        "Multibyte character not supported for CHAR (Hint: try using VARCHAR)");
  return WithoutTrailingBlanks(text);
}

// A type's length, which the front has checked; nothing can be longer than text at all.
size_t Bytes(int64_t n) {
  return static_cast<size_t>(std::clamp<int64_t>(n, 0, int64_t{kMaxTextBytes}));
}

template <auto fit>
void Fit(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<string_t, int64_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](string_t text, int64_t n) { return Slice(fit(View(text), Bytes(n))); });
  StringVector::AddHeapReference(result, arguments.data[0]);
}

void Pad(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<string_t, int64_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t text, int64_t n) {
        const size_t size = Bytes(n);
        if (text.GetSize() >= size) return text;
        string_t out = StringVector::EmptyString(result, size);
        char* to = out.GetDataWriteable();
        std::memcpy(to, text.GetData(), text.GetSize());
        std::memset(to + text.GetSize(), ' ', size - text.GetSize());
        out.Finalize();
        return out;
      });
  StringVector::AddHeapReference(result, arguments.data[0]);
}

}  // namespace

void RegisterCharacterTypes(Registrar& registrar) {
  const auto add = [&](const char* name, duckdb::scalar_function_t run, auto make) {
    AddOverloads(registrar, name, {make({kAny, kBigint}, kText, std::move(run), BindText)});
  };
  add("rs_to_varchar", Fit<ToVarchar>, TotalFunction);
  add("rs_to_char_type", Fit<ToChar>, TotalFunction);
  add("rs_assign_varchar", Fit<AssignVarchar>, TextFunction);
  add("rs_assign_char", Fit<AssignChar>, TextFunction);
  add("rs_pad", Pad, TotalFunction);
}

}  // namespace skep::worker
