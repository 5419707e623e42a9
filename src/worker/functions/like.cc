#include "worker/functions/like.h"

#include <cstring>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/function/function_binder.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "worker/functions/ascii.h"
#include "worker/functions/characters.h"
#include "worker/functions/text_arguments.h"

namespace skep::worker {

using duckdb::string_t;
using std::string_view;

namespace {

void FoldAscii(std::string& text) {
  for (char& c : text) c = LowerLetter(c);
}

}  // namespace

LikePattern::LikePattern(string_view pattern, string_view escape, bool fold) : fold_(fold) {
  if (!escape.empty() && escape.size() != FirstLength(escape))
    throw duckdb::InvalidInputException("invalid escape string: it must be empty or one character");
  runs_.emplace_back();
  while (!pattern.empty()) {
    string_view c = pattern.substr(0, FirstLength(pattern));
    pattern.remove_prefix(c.size());
    const bool escaped = !escape.empty() && c == escape;
    if (escaped) {
      if (pattern.empty())
        throw duckdb::InvalidInputException("LIKE pattern must not end with escape character");
      c = pattern.substr(0, FirstLength(pattern));
      pattern.remove_prefix(c.size());
    }
    if (!escaped && c == "%") {
      runs_.emplace_back();
      continue;
    }
    Run& run = runs_.back();
    run.characters++;
    const bool gap = !escaped && c == "_";
    if (run.pieces.empty() || (run.pieces.back().gaps > 0) != gap) run.pieces.emplace_back();
    if (gap) {
      run.pieces.back().gaps++;
    } else {
      run.pieces.back().literal += c;
    }
  }
  if (!fold_) return;
  for (Run& run : runs_) {
    for (Piece& piece : run.pieces) FoldAscii(piece.literal);
  }
}

size_t LikePattern::MatchAt(const Run& run, string_view text, size_t at) {
  for (const Piece& piece : run.pieces) {
    if (piece.gaps == 0) {
      if (!text.substr(at).starts_with(piece.literal)) return string_view::npos;
      at += piece.literal.size();
    } else {
      for (uint32_t i = 0; i < piece.gaps; i++) {
        if (at >= text.size()) return string_view::npos;
        at += FirstLength(text.substr(at));
      }
    }
  }
  return at;
}

size_t LikePattern::Search(const Run& run, string_view text, size_t from) {
  if (run.pieces.empty()) return from;
  const std::string& first = run.pieces[0].literal;
  while (from <= text.size()) {
    if (!first.empty()) {
      from = text.find(first, from);
      if (from == string_view::npos) return string_view::npos;
    }
    const size_t end = MatchAt(run, text, from);
    if (end != string_view::npos) return end;
    if (from >= text.size()) break;
    from += FirstLength(text.substr(from));
  }
  return string_view::npos;
}

bool LikePattern::Matches(string_view text, std::string& scratch) const {
  if (fold_) {
    scratch.assign(text);
    FoldAscii(scratch);
    text = scratch;
  }
  size_t at = MatchAt(runs_.front(), text, 0);
  if (at == string_view::npos) return false;
  if (runs_.size() == 1) return at == text.size();
  for (size_t i = 1; i + 1 < runs_.size(); i++) {
    at = Search(runs_[i], text, at);
    if (at == string_view::npos) return false;
  }
  // The last one has to end with the text: its characters are counted from there.
  const Run& last = runs_.back();
  const size_t start = OffsetFromEnd(text, last.characters);
  return start >= at && MatchAt(last, text, start) == text.size();
}

namespace {

// A constant pattern, made once for the statement.
struct LikeBinding : duckdb::FunctionData {
  std::string pattern, escape;
  std::shared_ptr<const LikePattern> made;  // null: the pattern differs by row

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<LikeBinding>(*this);
  }
  bool Equals(const duckdb::FunctionData& other_data) const override {
    const auto& other = other_data.Cast<LikeBinding>();
    return pattern == other.pattern && escape == other.escape && !made == !other.made;
  }
};

template <bool fold>
duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext& context,
                                              duckdb::ScalarFunction& function,
                                              Arguments& arguments) {
  BindText(context, function, arguments);
  auto binding = duckdb::make_uniq<LikeBinding>();
  binding->escape = "\\";
  // A collation folds both sides with lower() after this: what is compared is known only then.
  bool collated = false;
  for (const auto& argument : arguments) {
    const auto& type = argument->return_type;
    collated |= type.id() == duckdb::LogicalTypeId::VARCHAR && !type.HasAlias() &&
                !duckdb::StringType::GetCollation(type).empty();
  }
  if (!collated && ConstantText(context, *arguments[1], binding->pattern) &&
      (arguments.size() < 3 || ConstantText(context, *arguments[2], binding->escape)))
    binding->made = std::make_shared<LikePattern>(binding->pattern, binding->escape, fold);
  return std::move(binding);
}

template <bool fold>
void Run(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const auto& binding =
      state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<LikeBinding>();
  std::string scratch;
  if (binding.made) {
    duckdb::UnaryExecutor::Execute<string_t, bool>(
        arguments.data[0], result, arguments.size(),
        [&](string_t text) { return binding.made->Matches(View(text), scratch); });
    return;
  }
  std::optional<LikePattern> made;  // of the row before: most often the same
  std::string made_of, made_with;
  ForEachRow<bool>(arguments, state, result, [&](const Columns& columns, size_t row, bool& out) {
    const string_view pattern = columns.Text(1, row);
    const string_view escape = columns.size() > 2 ? columns.Text(2, row) : "\\";
    if (!made || made_of != pattern || made_with != escape) {
      made.emplace(pattern, escape, fold);
      made_of = pattern;
      made_with = escape;
    }
    out = made->Matches(columns.Text(0, row), scratch);
    return true;
  });
}

// LIKE without escapes is the engine's.
duckdb::unique_ptr<duckdb::Expression> NativeWhenPlain(duckdb::FunctionBindExpressionInput& input) {
  const auto& binding = input.bind_data->Cast<LikeBinding>();
  if (!binding.made) return nullptr;
  if (!binding.escape.empty() && binding.pattern.find(binding.escape) != std::string::npos)
    return nullptr;
  Arguments both;
  both.push_back(input.children[0]->Copy());
  both.push_back(input.children[1]->Copy());
  duckdb::ErrorData error;
  duckdb::FunctionBinder binder(input.context);
  return binder.BindScalarFunction(DEFAULT_SCHEMA, "~~", std::move(both), error, true);
}

template <bool fold>
void Add(Registrar& registrar, const char* name) {
  const auto made = [](duckdb::vector<duckdb::LogicalType> types) {
    auto function = TextFunction(std::move(types), kBoolean, Run<fold>, Bind<fold>);
    function.SetCollationHandling(duckdb::FunctionCollationHandling::PUSH_COMBINABLE_COLLATIONS);
    if (!fold) function.SetBindExpressionCallback(NativeWhenPlain);
    return function;
  };
  AddOverloads(registrar, name, {made({kAny, kAny}), made({kAny, kAny, kText})});
}

}  // namespace

void RegisterLike(Registrar& registrar) {
  Add<false>(registrar, "rs_like");
  Add<true>(registrar, "rs_ilike");
}

}  // namespace skep::worker
