#include "worker/functions/soundex.h"

#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>

#include "worker/functions/ascii.h"
#include "worker/functions/text_arguments.h"

namespace skep::worker {
namespace {

using duckdb::string_t;

// Digits of A to Z; '0' for a vowel, which parts equal digits, '-' for H and W, which do not.
constexpr char kDigits[] = "01230120022455012623010202";
constexpr char DigitOf(char letter) {
  return letter == 'H' || letter == 'W' ? '-' : kDigits[letter - 'A'];
}

void Soundex(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<string_t, string_t>(arguments.data[0], result, arguments.size(),
                                                     [](string_t text) {
                                                       char code[4];
                                                       return Slice(SoundexOf(View(text), code));
                                                     });
}

// How many of the four places agree; 0 when one text has no letters, 1 when both have none.
int32_t Agreement(std::string_view a, std::string_view b) {
  char a_code[4], b_code[4];
  const auto x = SoundexOf(a, a_code), y = SoundexOf(b, b_code);
  if (x.empty() || y.empty()) return x.empty() && y.empty() ? 1 : 0;
  int32_t same = 0;
  for (int i = 0; i < 4; i++) same += a_code[i] == b_code[i] ? 1 : 0;
  return same;
}

void Difference(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<string_t, string_t, int32_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](string_t a, string_t b) { return Agreement(View(a), View(b)); });
}

}  // namespace

std::string_view SoundexOf(std::string_view text, char (&code)[4]) {
  size_t size = 0;
  char last = '0';
  for (char c : text) {
    c = UpperLetter(c);
    if (c < 'A' || c > 'Z') continue;
    const char digit = DigitOf(c);
    if (size == 0) {
      code[size++] = c;
      last = digit;
      continue;
    }
    if (digit == '-') continue;
    if (digit != '0' && digit != last) code[size++] = digit;
    last = digit;
    if (size == 4) break;
  }
  if (size == 0) return {};
  while (size < 4) code[size++] = '0';
  return {code, 4};
}

void RegisterSoundex(Registrar& registrar) {
  AddOverloads(registrar, "rs_soundex", {TotalFunction({kAny}, kText, Soundex)});
  AddOverloads(registrar, "rs_difference", {TotalFunction({kAny, kAny}, kInteger, Difference)});
}

}  // namespace skep::worker
