#include "worker/functions/strings.h"

#include <algorithm>
#include <cstring>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/ternary_executor.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "worker/functions/ascii.h"
#include "worker/functions/characters.h"
#include "worker/functions/text_arguments.h"
#include "worker/functions/unicode.h"

namespace skep::worker {
namespace {

using duckdb::BinaryExecutor;
using duckdb::DataChunk;
using duckdb::ExpressionState;
using duckdb::LogicalType;
using duckdb::string_t;
using duckdb::StringVector;
using duckdb::TernaryExecutor;
using duckdb::UnaryExecutor;
using duckdb::Vector;
using std::string_view;

[[noreturn]] void TooLong() {
  throw duckdb::InvalidInputException("the result is too large: text has at most %d bytes",
                                      kMaxTextBytes);
}

// ---- Lengths ----

void CharacterLength(DataChunk& arguments, ExpressionState&, Vector& result) {
  UnaryExecutor::Execute<string_t, int32_t>(
      arguments.data[0], result, arguments.size(),
      [](string_t text) { return static_cast<int32_t>(CountCharacters(View(text))); });
}

void ByteLength(DataChunk& arguments, ExpressionState&, Vector& result) {
  UnaryExecutor::Execute<string_t, int32_t>(
      arguments.data[0], result, arguments.size(),
      [](string_t text) { return static_cast<int32_t>(text.GetSize()); });
}

// ---- Parts of the text itself: the results point into the argument ----

template <class Body>
void SliceBy(DataChunk& arguments, Vector& result, Body body) {
  UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(),
      [&](string_t text) { return Slice(body(View(text))); });
  StringVector::AddHeapReference(result, arguments.data[0]);
}

template <class B, class Body>
void SliceBy2(DataChunk& arguments, Vector& result, Body body) {
  BinaryExecutor::Execute<string_t, B, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t text, B b) { return Slice(body(View(text), b)); });
  StringVector::AddHeapReference(result, arguments.data[0]);
}

template <class B, class C, class Body>
void SliceBy3(DataChunk& arguments, Vector& result, Body body) {
  TernaryExecutor::Execute<string_t, B, C, string_t>(
      arguments.data[0], arguments.data[1], arguments.data[2], result, arguments.size(),
      [&](string_t text, B b, C c) { return Slice(body(View(text), b, c)); });
  StringVector::AddHeapReference(result, arguments.data[0]);
}

constexpr int64_t kToTheEnd = std::numeric_limits<int64_t>::max();

// Units [skip, skip + take) of a text for SUBSTRING's start and length: a start before 1 shortens
// the length.
std::pair<uint64_t, uint64_t> Window(int64_t start, int64_t length) {
  if (length < 0) throw duckdb::InvalidInputException("negative substring length not allowed");
  int64_t end;
  if (__builtin_add_overflow(start, length, &end)) end = kToTheEnd;
  start = std::max<int64_t>(start, 1);
  if (end <= start) return {0, 0};
  return {static_cast<uint64_t>(start - 1), static_cast<uint64_t>(end - start)};
}

string_view CharacterWindow(string_view text, int64_t start, int64_t length) {
  const auto [skip, take] = Window(start, length);
  if (take == 0) return {};
  const string_view rest = text.substr(OffsetOfCharacter(text, skip));
  return take >= rest.size() ? rest : rest.substr(0, OffsetOfCharacter(rest, take));
}

string_view ByteWindow(string_view bytes, int64_t start, int64_t length) {
  const auto [skip, take] = Window(start, length);
  return skip >= bytes.size() ? string_view() : bytes.substr(skip, take);
}

template <auto window>
void SubstringFrom(DataChunk& arguments, ExpressionState&, Vector& result) {
  SliceBy2<int64_t>(arguments, result, [](string_view text, int64_t start) {
    return window(text, std::max<int64_t>(start, 1), kToTheEnd);
  });
}

template <auto window>
void SubstringFor(DataChunk& arguments, ExpressionState&, Vector& result) {
  SliceBy3<int64_t, int64_t>(
      arguments, result,
      [](string_view text, int64_t start, int64_t length) { return window(text, start, length); });
}

void Left(DataChunk& arguments, ExpressionState&, Vector& result) {
  SliceBy2<int64_t>(arguments, result,
                    [](string_view text, int64_t n) { return CharacterWindow(text, 1, n); });
}

void Right(DataChunk& arguments, ExpressionState&, Vector& result) {
  SliceBy2<int64_t>(arguments, result, [](string_view text, int64_t n) {
    if (n < 0) throw duckdb::InvalidInputException("negative substring length not allowed");
    return text.substr(OffsetFromEnd(text, static_cast<uint64_t>(n)));
  });
}

// The characters to trim. Any one of them goes, in whatever order.
class CharacterSet {
 public:
  explicit CharacterSet(string_view characters) : characters_(characters) {
    for (const char c : characters) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 128) ascii_[byte >> 6] |= uint64_t{1} << (byte & 63);
    }
  }
  string_view WithoutLeading(string_view text) const {
    while (!text.empty()) {
      const size_t length = FirstLength(text);
      if (!Has(text.substr(0, length))) break;
      text.remove_prefix(length);
    }
    return text;
  }
  string_view WithoutTrailing(string_view text) const {
    while (!text.empty()) {
      const size_t at = OffsetFromEnd(text, 1);
      if (!Has(text.substr(at))) break;
      text = text.substr(0, at);
    }
    return text;
  }

 private:
  bool Has(string_view character) const {
    const auto byte = static_cast<unsigned char>(character[0]);
    if (byte < 128) return (ascii_[byte >> 6] >> (byte & 63) & 1) != 0;
    // A whole UTF-8 character is never found in the middle of another.
    return characters_.find(character) != string_view::npos;
  }

  string_view characters_;
  uint64_t ascii_[2] = {0, 0};
};

template <bool leading, bool trailing>
string_view Trimmed(string_view text, const CharacterSet& set) {
  if constexpr (leading) text = set.WithoutLeading(text);
  if constexpr (trailing) text = set.WithoutTrailing(text);
  return text;
}

template <bool leading, bool trailing>
void TrimBlanks(DataChunk& arguments, ExpressionState&, Vector& result) {
  const CharacterSet blanks(" ");
  SliceBy(arguments, result,
          [&](string_view text) { return Trimmed<leading, trailing>(text, blanks); });
}

template <bool leading, bool trailing>
void TrimCharacters(DataChunk& arguments, ExpressionState&, Vector& result) {
  SliceBy2<string_t>(arguments, result, [](string_view text, const string_t& characters) {
    return Trimmed<leading, trailing>(text, CharacterSet(View(characters)));
  });
}

string_view Part(string_view text, string_view delimiter, int64_t part) {
  if (part <= 0) throw duckdb::InvalidInputException("field position must be greater than zero");
  if (delimiter.empty()) return part == 1 ? text : string_view();
  for (;; part--) {
    const size_t at = text.find(delimiter);
    if (part == 1) return text.substr(0, at);
    if (at == string_view::npos) return {};
    text.remove_prefix(at + delimiter.size());
  }
}

void SplitPart(DataChunk& arguments, ExpressionState&, Vector& result) {
  SliceBy3<string_t, int64_t>(arguments, result,
                              [](string_view text, const string_t& delimiter, int64_t part) {
                                return Part(text, View(delimiter), part);
                              });
}

// ---- New texts ----

// The first `characters` characters of `fill` repeated without end; `write` gets the pieces.
struct Filling {
  Filling(string_view text, int64_t characters) : fill(text) {
    const int64_t each = CountCharacters(fill);
    if (each == 0 || characters <= 0) return;
    whole = static_cast<uint64_t>(characters / each);
    rest = OffsetOfCharacter(fill, static_cast<uint64_t>(characters % each));
    if (whole > kMaxTextBytes / fill.size()) TooLong();
    bytes = whole * fill.size() + rest;
  }
  char* Write(char* to) const {
    for (uint64_t i = 0; i < whole; i++) {
      std::memcpy(to, fill.data(), fill.size());
      to += fill.size();
    }
    std::memcpy(to, fill.data(), rest);
    return to + rest;
  }

  string_view fill;
  uint64_t whole = 0;
  size_t rest = 0;
  size_t bytes = 0;
};

template <bool left>
string_t Padded(Vector& result, string_view text, int64_t length, string_view fill) {
  length = std::max<int64_t>(length, 0);
  const int64_t has = CountCharacters(text);
  if (has >= length)
    return StringVector::AddString(
        result, Slice(text.substr(0, OffsetOfCharacter(text, static_cast<uint64_t>(length)))));
  const Filling filling(fill, length - has);
  if (text.size() + filling.bytes > kMaxTextBytes) TooLong();
  string_t out = StringVector::EmptyString(result, text.size() + filling.bytes);
  char* to = out.GetDataWriteable();
  if constexpr (left) to = filling.Write(to);
  std::memcpy(to, text.data(), text.size());
  if constexpr (!left) filling.Write(to + text.size());
  out.Finalize();
  return out;
}

template <bool left>
void PadBlanks(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<string_t, int64_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t text, int64_t length) { return Padded<left>(result, View(text), length, " "); });
}

template <bool left>
void PadWith(DataChunk& arguments, ExpressionState&, Vector& result) {
  TernaryExecutor::Execute<string_t, int64_t, string_t, string_t>(
      arguments.data[0], arguments.data[1], arguments.data[2], result, arguments.size(),
      [&](string_t text, int64_t length, string_t fill) {
        return Padded<left>(result, View(text), length, View(fill));
      });
}

void Repeat(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<string_t, int64_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t text, int64_t times) {
        const size_t size = text.GetSize();
        if (times <= 0 || size == 0) return string_t("", 0);
        if (static_cast<uint64_t>(times) > kMaxTextBytes / size) TooLong();
        string_t out = StringVector::EmptyString(result, size * static_cast<size_t>(times));
        char* to = out.GetDataWriteable();
        for (int64_t i = 0; i < times; i++, to += size) std::memcpy(to, text.GetData(), size);
        out.Finalize();
        return out;
      });
}

string_t Replaced(Vector& result, const string_t& whole, string_view before, string_view after) {
  const string_view text = View(whole);
  if (before.empty() || before.size() > text.size()) return whole;
  size_t count = 0;
  for (size_t at = text.find(before); at != string_view::npos;
       at = text.find(before, at + before.size()))
    count++;
  if (count == 0) return whole;
  const size_t kept = text.size() - count * before.size();
  if (after.size() > 0 && count > (kMaxTextBytes - std::min(kept, kMaxTextBytes)) / after.size())
    TooLong();
  string_t out = StringVector::EmptyString(result, kept + count * after.size());
  char* to = out.GetDataWriteable();
  size_t from = 0;
  for (size_t i = 0; i < count; i++) {
    const size_t at = text.find(before, from);
    std::memcpy(to, text.data() + from, at - from);
    to += at - from;
    std::memcpy(to, after.data(), after.size());
    to += after.size();
    from = at + before.size();
  }
  std::memcpy(to, text.data() + from, text.size() - from);
  out.Finalize();
  return out;
}

void Replace(DataChunk& arguments, ExpressionState&, Vector& result) {
  TernaryExecutor::Execute<string_t, string_t, string_t, string_t>(
      arguments.data[0], arguments.data[1], arguments.data[2], result, arguments.size(),
      [&](string_t text, string_t before, string_t after) {
        return Replaced(result, text, View(before), View(after));
      });
  StringVector::AddHeapReference(result, arguments.data[0]);
}

void Reverse(DataChunk& arguments, ExpressionState&, Vector& result) {
  UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(), [&](string_t whole) {
        string_view text = View(whole);
        string_t out = StringVector::EmptyString(result, text.size());
        char* to = out.GetDataWriteable();
        if (IsAscii(text)) {
          std::reverse_copy(text.begin(), text.end(), to);
          out.Finalize();
          return out;
        }
        to += text.size();
        while (!text.empty()) {
          const size_t length = FirstLength(text);
          to -= length;
          std::memcpy(to, text.data(), length);
          text.remove_prefix(length);
        }
        out.Finalize();
        return out;
      });
}

// Letters, marks and numbers are utf8proc's categories 1 to 11.
bool IsAlphanumeric(int32_t c) {
  if (c < 128) return IsDigit(static_cast<char>(c)) || IsLetter(static_cast<char>(c));
  const int category = duckdb::utf8proc_category(c);
  return category >= 1 && category <= 11;
}

void CapitalizeAscii(string_view text, char* to) {
  bool inside = false;
  for (const char c : text) {
    *to++ = inside ? LowerLetter(c) : UpperLetter(c);
    inside = IsAlphanumeric(c);
  }
}

void Capitalize(string_view text, std::string& out) {
  out.clear();
  bool inside = false;
  while (!text.empty()) {
    const int32_t c = FirstCodePoint(text);
    if (c < 128) {
      out.push_back(inside ? LowerLetter(static_cast<char>(c)) : UpperLetter(static_cast<char>(c)));
    } else {
      AppendUtf8(out, static_cast<uint32_t>(inside ? duckdb::utf8proc_tolower(c)
                                                   : duckdb::utf8proc_toupper(c)));
    }
    inside = IsAlphanumeric(c);
    text.remove_prefix(FirstLength(text));
  }
}

void Initcap(DataChunk& arguments, ExpressionState&, Vector& result) {
  std::string other;
  UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(), [&](string_t text) {
        if (!IsAscii(View(text))) {
          Capitalize(View(text), other);
          return StringVector::AddString(result, other.data(), other.size());
        }
        string_t out = StringVector::EmptyString(result, text.GetSize());
        CapitalizeAscii(View(text), out.GetDataWriteable());
        out.Finalize();
        return out;
      });
}

void Chr(DataChunk& arguments, ExpressionState&, Vector& result) {
  UnaryExecutor::ExecuteWithNulls<int64_t, string_t>(
      arguments.data[0], result, arguments.size(),
      [](int64_t code, duckdb::ValidityMask& valid, duckdb::idx_t row) {
        if (code < 0 || code > 127) {
          valid.SetInvalid(row);
          return string_t();
        }
        const char c = static_cast<char>(code);
        return string_t(&c, 1);
      });
}

// ---- Registration ----

// The cast that binding has added is all that rs_text does.
duckdb::unique_ptr<duckdb::Expression> OnlyTheCast(duckdb::FunctionBindExpressionInput& input) {
  return std::move(input.children[0]);
}

}  // namespace

void RegisterStrings(Registrar& registrar) {
  const auto add = [&](const char* name, std::initializer_list<duckdb::ScalarFunction> functions) {
    AddOverloads(registrar, name, functions);
  };
  auto text = TotalFunction({kAny}, kText, duckdb::ScalarFunction::NopFunction);
  text.SetBindExpressionCallback(OnlyTheCast);
  add("rs_text", {text});
  auto length =
      TotalFunction({kAny}, kInteger, CharacterLength, BindTextOrBytes<ByteLength, false>);
  // A column without a character beyond ASCII has as many bytes.
  length.SetStatisticsCallback(
      [](duckdb::ClientContext&,
         duckdb::FunctionStatisticsInput& input) -> duckdb::unique_ptr<duckdb::BaseStatistics> {
        const auto& of = input.child_stats[0];
        if (of.GetType().id() == duckdb::LogicalTypeId::VARCHAR &&
            of.GetStatsType() == duckdb::StatisticsType::STRING_STATS &&
            !duckdb::StringStats::CanContainUnicode(of))
          input.expr.function.SetFunctionCallback(ByteLength);
        return nullptr;
      });
  add("rs_length", {length});
  add("rs_octet_length",
      {TotalFunction({kAny}, kInteger, ByteLength, BindTextOrBytes<ByteLength, false>)});
  add("rs_substring", {TextFunction({kAny, kBigint}, kText, SubstringFrom<CharacterWindow>,
                                    BindTextOrBytes<SubstringFrom<ByteWindow>, true>),
                       TextFunction({kAny, kBigint, kBigint}, kText, SubstringFor<CharacterWindow>,
                                    BindTextOrBytes<SubstringFor<ByteWindow>, true>)});
  add("rs_left", {TextFunction({kAny, kBigint}, kText, Left)});
  add("rs_right", {TextFunction({kAny, kBigint}, kText, Right)});
  add("rs_btrim", {TotalFunction({kAny}, kText, TrimBlanks<true, true>),
                   TotalFunction({kAny, kAny}, kText, TrimCharacters<true, true>)});
  add("rs_ltrim", {TotalFunction({kAny}, kText, TrimBlanks<true, false>),
                   TotalFunction({kAny, kAny}, kText, TrimCharacters<true, false>)});
  add("rs_rtrim", {TotalFunction({kAny}, kText, TrimBlanks<false, true>),
                   TotalFunction({kAny, kAny}, kText, TrimCharacters<false, true>)});
  add("rs_lpad", {TextFunction({kAny, kBigint}, kText, PadBlanks<true>),
                  TextFunction({kAny, kBigint, kAny}, kText, PadWith<true>)});
  add("rs_rpad", {TextFunction({kAny, kBigint}, kText, PadBlanks<false>),
                  TextFunction({kAny, kBigint, kAny}, kText, PadWith<false>)});
  add("rs_repeat", {TextFunction({kAny, kBigint}, kText, Repeat)});
  add("rs_replace", {TextFunction({kAny, kAny, kAny}, kText, Replace)});
  add("rs_reverse", {TotalFunction({kAny}, kText, Reverse)});
  add("rs_initcap", {TotalFunction({kAny}, kText, Initcap)});
  add("rs_chr", {TotalFunction({kBigint}, kText, Chr)});
  add("rs_split_part", {TextFunction({kAny, kAny, kBigint}, kText, SplitPart)});
}

}  // namespace skep::worker
