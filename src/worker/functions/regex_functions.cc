#include "worker/functions/regex_functions.h"

#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/functions/characters.h"
#include "worker/functions/regex.h"
#include "worker/functions/text_arguments.h"

namespace skep::worker {
namespace {

using duckdb::DataChunk;
using duckdb::ExpressionState;
using duckdb::string_t;
using duckdb::Vector;
using std::string_view;
using Span = RegexScratch::Span;

// The last argument of the functions: any of the letters c, i, e and p.
struct Flags {
  bool ignore_case = false;
  bool extract = false;  // the first group instead of the whole match
  bool perl = false;
};

Flags ParseFlags(string_view letters) {
  Flags flags;
  for (const char letter : letters) {
    switch (letter) {
      case 'c':
        flags.ignore_case = false;
        break;
      case 'i':
        flags.ignore_case = true;
        break;
      case 'e':
        flags.extract = true;
        break;
      case 'p':
        flags.perl = true;
        break;
      default:
        throw duckdb::InvalidInputException("invalid regular expression parameter: \"%s\"",
                                            std::string(CutToBytes(letters, 100)));
    }
  }
  return flags;
}

// How a function's arguments say what the pattern is; the pattern itself is the second.
struct Shape {
  RegexSyntax syntax = RegexSyntax::kPosix;
  bool ignore_case = false;
  size_t flags = SIZE_MAX;   // argument, if there is one
  size_t escape = SIZE_MAX;  // the same
};

struct Prepared {
  const Regex* regex;
  bool extract;
};

struct RegexBinding : duckdb::FunctionData {
  Shape shape;
  std::string pattern, flags, escape;
  std::shared_ptr<const Regex> regex;  // null: differs by row
  bool extract = false;

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<RegexBinding>(*this);
  }
  bool Equals(const duckdb::FunctionData& other_data) const override {
    const auto& other = other_data.Cast<RegexBinding>();
    return pattern == other.pattern && flags == other.flags && escape == other.escape &&
           !regex == !other.regex;
  }
};

struct RegexState : duckdb::FunctionLocalState {
  RegexScratch scratch;
};

duckdb::unique_ptr<duckdb::FunctionLocalState> MakeState(ExpressionState&,
                                                         const duckdb::BoundFunctionExpression&,
                                                         duckdb::FunctionData*) {
  return duckdb::make_uniq<RegexState>();
}

RegexSyntax SyntaxOf(const Shape& shape, const Flags& flags) {
  return flags.perl ? RegexSyntax::kPerl : shape.syntax;
}

duckdb::unique_ptr<duckdb::FunctionData> BindShape(duckdb::ClientContext& context,
                                                   duckdb::ScalarFunction& function,
                                                   Arguments& arguments, const Shape& shape) {
  BindText(context, function, arguments);
  auto binding = duckdb::make_uniq<RegexBinding>();
  binding->shape = shape;
  binding->escape = "\\";
  const auto constant = [&](size_t argument, std::string& text) {
    return argument >= arguments.size() || ConstantText(context, *arguments[argument], text);
  };
  if (constant(1, binding->pattern) && constant(shape.flags, binding->flags) &&
      constant(shape.escape, binding->escape)) {
    const Flags flags = ParseFlags(binding->flags);
    binding->regex =
        std::make_shared<const Regex>(binding->pattern, SyntaxOf(shape, flags),
                                      shape.ignore_case || flags.ignore_case, binding->escape);
    binding->extract = flags.extract;
  }
  return std::move(binding);
}

// What a call needs while a chunk is run.
struct Call {
  explicit Call(ExpressionState& state)
      : binding(state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<RegexBinding>()),
        scratch(duckdb::ExecuteFunctionState::GetFunctionState(state)->Cast<RegexState>().scratch),
        context(state.GetContext()) {}

  Prepared PatternOf(const Columns& columns, size_t row) {
    if (binding.regex) return {binding.regex.get(), binding.extract};
    const Shape& shape = binding.shape;
    const Flags flags =
        shape.flags < columns.size() ? ParseFlags(columns.Text(shape.flags, row)) : Flags();
    const string_view escape =
        shape.escape < columns.size() ? columns.Text(shape.escape, row) : "\\";
    return {&scratch.Compiled(columns.Text(1, row), SyntaxOf(shape, flags),
                              shape.ignore_case || flags.ignore_case, escape),
            flags.extract};
  }

  const RegexBinding& binding;
  RegexScratch& scratch;
  duckdb::ClientContext& context;
};

// One match after the other. After an empty one the next begins a character later.
class Matches {
 public:
  Matches(Call& call, string_view text, size_t from) : call_(call), text_(text), at_(from) {}

  std::optional<Span> Next() {
    if (at_ > text_.size()) return std::nullopt;
    if (call_.context.IsInterrupted()) throw duckdb::InterruptException();
    const auto found = call_.scratch.Find(at_);
    if (!found) {
      at_ = text_.size() + 1;
      return std::nullopt;
    }
    const size_t end = std::max(found->end, at_);
    const bool empty = end == at_ || found->begin == found->end;
    at_ = end;
    if (empty) at_ += end < text_.size() ? FirstLength(text_.substr(end)) : 1;
    return found;
  }

 private:
  Call& call_;
  string_view text_;
  size_t at_;
};

// Where to begin for a 1-based character position; nothing when it is behind the text's end.
std::optional<size_t> StartOf(string_view text, int64_t position) {
  if (position < 1) position = 1;
  const size_t at = OffsetOfCharacter(text, static_cast<uint64_t>(position - 1));
  if (at >= text.size()) return std::nullopt;
  return at;
}

int64_t OptionalInteger(const Columns& columns, size_t column, size_t row) {
  return column < columns.size() ? columns.Integer(column, row) : 1;
}

// The match that the position and the occurrence ask for. The text has been begun.
std::optional<Span> Occurrence(Call& call, string_view text, size_t from, int64_t occurrence) {
  Matches matches(call, text, from);
  std::optional<Span> found;
  for (; occurrence > 0; occurrence--) {
    found = matches.Next();
    if (!found) break;
  }
  return found;
}

bool IsPossibleOccurrence(string_view text, int64_t occurrence) {
  return occurrence >= 1 && (occurrence == 1 || occurrence <= CountCharacters(text));
}

// The part of the match that is asked for: an absent group is empty.
Span Wanted(const Call& call, const Prepared& pattern, const Span& match) {
  if (!pattern.extract || pattern.regex->groups() == 0) return match;
  const auto group = call.scratch.Group(1);
  return group ? *group : Span{match.begin, match.begin};
}

// ---- The functions ----

void Contains(DataChunk& arguments, ExpressionState& state, Vector& result) {
  Call call(state);
  if (call.binding.regex) {
    duckdb::UnaryExecutor::Execute<string_t, bool>(
        arguments.data[0], result, arguments.size(), [&](string_t text) {
          call.scratch.Begin(*call.binding.regex, View(text));
          return call.scratch.Contains();
        });
    return;
  }
  ForEachRow<bool>(arguments, state, result, [&](const Columns& columns, size_t row, bool& out) {
    call.scratch.Begin(*call.PatternOf(columns, row).regex, columns.Text(0, row));
    out = call.scratch.Contains();
    return true;
  });
}

// (text, pattern [, position [, flags]])
void Count(DataChunk& arguments, ExpressionState& state, Vector& result) {
  Call call(state);
  ForEachRow<int32_t>(arguments, state, result,
                      [&](const Columns& columns, size_t row, int32_t& out) {
                        const Prepared pattern = call.PatternOf(columns, row);
                        const string_view text = columns.Text(0, row);
                        out = 0;
                        const auto from = StartOf(text, OptionalInteger(columns, 2, row));
                        if (!from) return true;
                        call.scratch.Begin(*pattern.regex, text);
                        Matches matches(call, text, *from);
                        while (matches.Next()) out++;
                        return true;
                      });
}

// (text, pattern [, position [, occurrence [, option [, flags]]]])
void Instr(DataChunk& arguments, ExpressionState& state, Vector& result) {
  Call call(state);
  ForEachRow<int32_t>(arguments, state, result,
                      [&](const Columns& columns, size_t row, int32_t& out) {
                        const Prepared pattern = call.PatternOf(columns, row);
                        const string_view text = columns.Text(0, row);
                        out = 0;
                        const auto from = StartOf(text, OptionalInteger(columns, 2, row));
                        const int64_t occurrence = OptionalInteger(columns, 3, row);
                        if (!from || !IsPossibleOccurrence(text, occurrence)) return true;
                        call.scratch.Begin(*pattern.regex, text, pattern.extract);
                        const auto match = Occurrence(call, text, *from, occurrence);
                        if (!match) return true;
                        const Span wanted = Wanted(call, pattern, *match);
                        const bool behind = columns.size() > 4 && columns.Integer(4, row) != 0;
                        const size_t at = behind ? wanted.end : wanted.begin;
                        out = static_cast<int32_t>(CountCharacters(text.substr(0, at)) + 1);
                        return true;
                      });
}

// (text, pattern [, position [, occurrence [, flags]]])
void Substr(DataChunk& arguments, ExpressionState& state, Vector& result) {
  Call call(state);
  ForEachRow<string_t>(arguments, state, result,
                       [&](const Columns& columns, size_t row, string_t& out) {
                         const Prepared pattern = call.PatternOf(columns, row);
                         const string_view text = columns.Text(0, row);
                         out = string_t("", 0);
                         const auto from = StartOf(text, OptionalInteger(columns, 2, row));
                         if (!from) return true;
                         const int64_t occurrence = OptionalInteger(columns, 3, row);
                         if (!IsPossibleOccurrence(text, occurrence)) return false;
                         call.scratch.Begin(*pattern.regex, text, pattern.extract);
                         const auto match = Occurrence(call, text, *from, occurrence);
                         if (!match) return true;
                         const Span wanted = Wanted(call, pattern, *match);
                         out = Slice(text.substr(wanted.begin, wanted.end - wanted.begin));
                         return true;
                       });
  duckdb::StringVector::AddHeapReference(result, arguments.data[0]);
}

// The text that replaces a match: $1 to $99 and \1 to \9 are groups, $0 and $& the whole match, $$
// a dollar and \\ a backslash.
class Replacement {
 public:
  explicit Replacement(string_view text) : text_(text) {
    pieces_.push_back({});
    for (size_t i = 0; i < text.size(); i++) {
      const char c = text[i], next = i + 1 < text.size() ? text[i + 1] : '\0';
      const bool digit = next >= '0' && next <= '9';
      if (c == '$' && (digit || next == '&')) {
        uint32_t group = digit ? static_cast<uint32_t>(next - '0') : 0;
        i++;
        if (digit && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9')
          group = group * 10 + static_cast<uint32_t>(text[++i] - '0');
        AddGroup(group);
      } else if (c == '\\' && digit) {
        AddGroup(static_cast<uint32_t>(next - '0'));
        i++;
      } else {
        if ((c == '$' && next == '$') || (c == '\\' && next == '\\')) i++;
        pieces_.back().literal.push_back(c);
      }
    }
  }

  bool IsOf(string_view text) const { return text_ == text; }
  bool uses_groups() const { return uses_groups_; }

  void Append(std::string& out, string_view text, const RegexScratch& scratch) const {
    for (const Piece& piece : pieces_) {
      out += piece.literal;
      if (!piece.group) continue;
      if (const auto span = scratch.Group(*piece.group); span && span->end > span->begin)
        out += text.substr(span->begin, span->end - span->begin);
    }
  }

 private:
  struct Piece {
    std::string literal;
    std::optional<uint32_t> group;  // behind the literal
  };
  void AddGroup(uint32_t group) {
    pieces_.back().group = group;
    uses_groups_ |= group > 0;
    pieces_.push_back({});
  }

  std::string text_;
  std::vector<Piece> pieces_;
  bool uses_groups_ = false;
};

// (text, pattern [, replacement [, position [, flags]]])
void Replace(DataChunk& arguments, ExpressionState& state, Vector& result) {
  Call call(state);
  std::optional<Replacement> made;
  std::string out_text;
  ForEachRow<string_t>(
      arguments, state, result, [&](const Columns& columns, size_t row, string_t& out) {
        const Prepared pattern = call.PatternOf(columns, row);
        const string_view text = columns.Text(0, row);
        out = columns.At<string_t>(0, row);
        const auto from = StartOf(text, OptionalInteger(columns, 3, row));
        if (!from) return true;
        const string_view replacement = columns.size() > 2 ? columns.Text(2, row) : "";
        if (!made || !made->IsOf(replacement)) made.emplace(replacement);
        call.scratch.Begin(*pattern.regex, text, made->uses_groups());
        Matches matches(call, text, *from);
        size_t copied = 0;
        bool any = false;
        while (const auto match = matches.Next()) {
          if (!any) out_text.clear();
          any = true;
          if (match->begin > copied) out_text += text.substr(copied, match->begin - copied);
          made->Append(out_text, text, call.scratch);
          copied = std::max(copied, match->end);
          if (out_text.size() > kMaxTextBytes)
            throw duckdb::InvalidInputException(
                "the result is too large: text has at most %d bytes", kMaxTextBytes);
        }
        if (!any) return true;
        out_text += text.substr(copied);
        out = duckdb::StringVector::AddString(result, out_text);
        return true;
      });
  duckdb::StringVector::AddHeapReference(result, arguments.data[0]);
}

// ---- Registration ----

template <size_t flags>
duckdb::unique_ptr<duckdb::FunctionData> BindFunction(duckdb::ClientContext& context,
                                                      duckdb::ScalarFunction& function,
                                                      Arguments& arguments) {
  return BindShape(context, function, arguments, {.flags = flags});
}
template <bool ignore_case>
duckdb::unique_ptr<duckdb::FunctionData> BindOperator(duckdb::ClientContext& context,
                                                      duckdb::ScalarFunction& function,
                                                      Arguments& arguments) {
  return BindShape(context, function, arguments, {.ignore_case = ignore_case});
}
duckdb::unique_ptr<duckdb::FunctionData> BindSimilar(duckdb::ClientContext& context,
                                                     duckdb::ScalarFunction& function,
                                                     Arguments& arguments) {
  return BindShape(context, function, arguments, {.syntax = RegexSyntax::kSimilar, .escape = 2});
}

// An overload for each number of arguments from the first two on.
void AddAll(Registrar& registrar, const char* name,
            const duckdb::vector<duckdb::LogicalType>& types, duckdb::LogicalType returns,
            duckdb::scalar_function_t run, duckdb::bind_scalar_function_t bind) {
  duckdb::ScalarFunctionSet set(name);
  for (size_t n = 2; n <= types.size(); n++) {
    duckdb::vector<duckdb::LogicalType> first(types.begin(),
                                              types.begin() + static_cast<ptrdiff_t>(n));
    auto function = TextFunction(std::move(first), returns, run, bind);
    function.name = name;
    function.SetInitStateCallback(MakeState);
    set.AddFunction(std::move(function));
  }
  registrar.Add(std::move(set));
}

}  // namespace

void RegisterRegexFunctions(Registrar& registrar) {
  AddAll(registrar, "rs_regex", {kAny, kAny}, kBoolean, Contains, BindOperator<false>);
  AddAll(registrar, "rs_iregex", {kAny, kAny}, kBoolean, Contains, BindOperator<true>);
  AddAll(registrar, "rs_similar", {kAny, kAny, kText}, kBoolean, Contains, BindSimilar);
  AddAll(registrar, "rs_regexp_count", {kAny, kAny, kBigint, kText}, kInteger, Count,
         BindFunction<3>);
  AddAll(registrar, "rs_regexp_instr", {kAny, kAny, kBigint, kBigint, kBigint, kText}, kInteger,
         Instr, BindFunction<5>);
  AddAll(registrar, "rs_regexp_replace", {kAny, kAny, kAny, kBigint, kText}, kText, Replace,
         BindFunction<4>);
  AddAll(registrar, "rs_regexp_substr", {kAny, kAny, kBigint, kBigint, kText}, kText, Substr,
         BindFunction<4>);
}

}  // namespace skep::worker
