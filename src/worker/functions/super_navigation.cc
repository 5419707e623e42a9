#include "worker/functions/super_navigation.h"

#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <optional>
#include <utility>

#include "worker/functions/super_value.h"
#include "worker/functions/types.h"

namespace skep::worker {
namespace {

using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::string_t;
using duckdb::Vector;

// An attribute (its key quoted) or an index.
struct Step {
  std::string quoted_key;
  int64_t index = 0;
  bool is_index = false;
  bool operator==(const Step&) const = default;
};

bool Take(const Step& step, std::string_view& value) {
  std::string_view found;
  if (step.is_index) {
    if (KindOf(value) != SuperKind::kArray || !FindElement(value, step.index, found)) return false;
  } else {
    if (KindOf(value) != SuperKind::kObject || !FindAttribute(value, step.quoted_key, found)) {
      return false;
    }
  }
  value = found;
  return true;
}

[[noreturn]] void Missing(const Step& step, std::string_view value) {
  const std::string what = step.is_index ? "[" + std::to_string(step.index) + "]" : step.quoted_key;
  throw duckdb::InvalidInputException("invalid navigation on SUPER: no %s in %s", what,
                                      std::string(value.substr(0, 64)));
}

// The step of a call, where it is the same for every row.
struct StepData : duckdb::FunctionData {
  explicit StepData(std::optional<Step> s) : step(std::move(s)) {}
  duckdb::unique_ptr<FunctionData> Copy() const override {
    return duckdb::make_uniq<StepData>(step);
  }
  bool Equals(const FunctionData& other) const override {
    return step == other.Cast<StepData>().step;
  }
  std::optional<Step> step;
};

bool Constant(duckdb::ClientContext& context, const Arguments& arguments, const LogicalType& type,
              duckdb::Value& value) {
  if (!arguments[1]->IsFoldable()) return false;
  value = duckdb::ExpressionExecutor::EvaluateScalar(context, *arguments[1]);
  return !value.IsNull() && value.DefaultTryCastAs(type);
}

duckdb::unique_ptr<duckdb::FunctionData> BindKey(duckdb::ClientContext& context,
                                                 duckdb::ScalarFunction&, Arguments& arguments) {
  duckdb::Value key;
  std::optional<Step> step;
  if (Constant(context, arguments, LogicalType::VARCHAR, key)) {
    step.emplace();
    AppendQuoted(step->quoted_key, duckdb::StringValue::Get(key));
  }
  return duckdb::make_uniq<StepData>(std::move(step));
}

duckdb::unique_ptr<duckdb::FunctionData> BindIndex(duckdb::ClientContext& context,
                                                   duckdb::ScalarFunction&, Arguments& arguments) {
  duckdb::Value index;
  std::optional<Step> step;
  if (Constant(context, arguments, LogicalType::BIGINT, index))
    step = Step{{}, index.GetValue<int64_t>(), true};
  return duckdb::make_uniq<StepData>(std::move(step));
}

template <bool kStrict>
string_t Walk(const Step& step, string_t value, duckdb::ValidityMask& mask, idx_t row) {
  std::string_view at = View(value);
  const bool found = Take(step, at);
  if (!found || at == "null") {
    if (kStrict && !found) Missing(step, at);
    mask.SetInvalid(row);
    return {};
  }
  return Slice(at);
}

template <bool kStrict>
void Navigate(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, Vector& result) {
  const auto& constant =
      state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<StepData>().step;
  auto& source = arguments.data[0];
  Step step;
  if (constant) {
    duckdb::UnaryExecutor::ExecuteWithNulls<string_t, string_t>(
        source, result, arguments.size(),
        [&](string_t value, duckdb::ValidityMask& mask, idx_t row) {
          return Walk<kStrict>(*constant, value, mask, row);
        });
  } else if (arguments.data[1].GetType().id() == duckdb::LogicalTypeId::VARCHAR) {
    duckdb::BinaryExecutor::ExecuteWithNulls<string_t, string_t, string_t>(
        source, arguments.data[1], result, arguments.size(),
        [&](string_t value, string_t key, duckdb::ValidityMask& mask, idx_t row) {
          step.quoted_key.clear();
          AppendQuoted(step.quoted_key, View(key));
          return Walk<kStrict>(step, value, mask, row);
        });
  } else {
    step.is_index = true;
    duckdb::BinaryExecutor::ExecuteWithNulls<string_t, int64_t, string_t>(
        source, arguments.data[1], result, arguments.size(),
        [&](string_t value, int64_t index, duckdb::ValidityMask& mask, idx_t row) {
          step.index = index;
          return Walk<kStrict>(step, value, mask, row);
        });
  }
  duckdb::StringVector::AddHeapReference(result, source);
}

// ---- lists for FROM

// Grows the list's struct child row by row.
class ListBuilder {
 public:
  ListBuilder(Vector& list, Vector& source) : list_(list) {
    duckdb::ListVector::SetListSize(list, 0);
    auto& entries = duckdb::StructVector::GetEntries(duckdb::ListVector::GetEntry(list));
    duckdb::StringVector::AddHeapReference(*entries[0], source);
  }

  idx_t size() const { return size_; }
  // The row that comes next, in both columns.
  idx_t Grow(std::string_view value) {
    duckdb::ListVector::Reserve(list_, size_ + 1);
    auto& column = Column(0);
    if (value == "null") {
      duckdb::FlatVector::SetNull(column, size_, true);
    } else {
      duckdb::FlatVector::GetData<string_t>(column)[size_] = Slice(value);
    }
    return size_++;
  }
  Vector& Column(size_t i) {
    return *duckdb::StructVector::GetEntries(duckdb::ListVector::GetEntry(list_))[i];
  }
  void Finish() { duckdb::ListVector::SetListSize(list_, size_); }

 private:
  Vector& list_;
  idx_t size_ = 0;
};

template <class Fill>
void BuildLists(duckdb::DataChunk& arguments, Vector& result, Fill&& fill) {
  auto& source = arguments.data[0];
  const bool constant = source.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  const idx_t count = constant ? 1 : arguments.size();
  duckdb::UnifiedVectorFormat input;
  source.ToUnifiedFormat(count, input);
  const auto* values = duckdb::UnifiedVectorFormat::GetData<string_t>(input);
  ListBuilder builder(result, source);
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* lists = duckdb::FlatVector::GetData<duckdb::list_entry_t>(result);
  for (idx_t row = 0; row < count; row++) {
    const idx_t index = input.sel->get_index(row);
    const idx_t begin = builder.size();
    if (input.validity.RowIsValid(index)) {
      // Not a copy: short values stand inside of their string_t.
      fill(builder, View(values[index]));
    }
    lists[row] = {begin, builder.size() - begin};
  }
  builder.Finish();
  if (constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
}

void Unnest(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  BuildLists(arguments, result, [](ListBuilder& builder, std::string_view value) {
    if (KindOf(value) != SuperKind::kArray) {
      const idx_t row = builder.Grow(value);
      duckdb::FlatVector::SetNull(builder.Column(1), row, true);
      return;
    }
    ArrayElements elements(value);
    std::string_view element;
    for (int64_t index = 0; elements.Next(element); index++) {
      const idx_t row = builder.Grow(element);
      duckdb::FlatVector::GetData<int64_t>(builder.Column(1))[row] = index;
    }
  });
}

void Unpivot(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  std::string room;
  BuildLists(arguments, result, [&room](ListBuilder& builder, std::string_view value) {
    if (KindOf(value) != SuperKind::kObject) return;
    ObjectAttributes attributes(value);
    std::string_view key;
    std::string_view content;
    while (attributes.Next(key, content)) {
      const idx_t row = builder.Grow(content);
      auto& keys = builder.Column(1);
      const std::string_view text = Unquoted(key, room);
      duckdb::FlatVector::GetData<string_t>(keys)[row] =
          duckdb::StringVector::AddString(keys, text.data(), text.size());
    }
  });
}

LogicalType RowsOf(const char* second, const LogicalType& type) {
  duckdb::child_list_t<LogicalType> row;
  row.emplace_back("value", SuperType());
  row.emplace_back(second, type);
  return LogicalType::LIST(LogicalType::STRUCT(std::move(row)));
}

void AddBoth(Registrar& registrar, const std::string& name, const LogicalType& step,
             duckdb::bind_scalar_function_t bind) {
  registrar.Add(
      duckdb::ScalarFunction(name, {SuperType(), step}, SuperType(), Navigate<false>, bind));
  duckdb::ScalarFunction strict(name + "_strict", {SuperType(), step}, SuperType(), Navigate<true>,
                                bind);
  strict.SetFallible();
  registrar.Add(strict);
}

}  // namespace

void RegisterSuperNavigation(Registrar& registrar) {
  AddBoth(registrar, "rs_super_get", LogicalType::VARCHAR, BindKey);
  AddBoth(registrar, "rs_super_at", LogicalType::BIGINT, BindIndex);
  for (auto [name, run, second, type] :
       {std::tuple{"rs_super_unnest", &Unnest, "index", LogicalType::BIGINT},
        std::tuple{"rs_super_unpivot", &Unpivot, "key", LogicalType::VARCHAR}}) {
    duckdb::ScalarFunction function(name, {SuperType()}, RowsOf(second, type), run);
    function.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
    registrar.Add(function);
  }
}

}  // namespace skep::worker
