#include "worker/functions/listagg.h"

#include <cstring>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression.hpp>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "worker/functions/characters.h"
#include "worker/functions/native_functions.h"
#include "worker/functions/text_view.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;

constexpr size_t kLimitBytes = 65535;

struct Separator final : duckdb::FunctionData {
  explicit Separator(std::string value) : text(std::move(value)) {}
  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<Separator>(text);
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    return text == other.Cast<Separator>().text;
  }
  std::string text;
};

const std::string& SeparatorOf(const duckdb::AggregateInputData& data) {
  return data.bind_data->Cast<Separator>().text;
}

// In the engine's arena: freed with the query.
struct Joined {
  char* data;
  uint32_t size;
  uint32_t room;
};

void Append(Joined& joined, std::string_view text, std::string_view separator,
            duckdb::ArenaAllocator& arena) {
  const size_t size = joined.size + (joined.size > 0 ? separator.size() : 0) + text.size();
  if (size > kLimitBytes) {
    throw duckdb::OutOfRangeException("Result size exceeds LISTAGG limit");
  }
  if (size > joined.room) {
    size_t room = std::max<size_t>(joined.room, 16);
    while (room < size) room *= 2;
    const auto grown = joined.data == nullptr
                           ? arena.Allocate(room)
                           : arena.Reallocate(reinterpret_cast<duckdb::data_ptr_t>(joined.data),
                                              joined.room, room);
    joined.data = reinterpret_cast<char*>(grown);
    joined.room = static_cast<uint32_t>(room);
  }
  if (joined.size > 0) {
    std::memcpy(joined.data + joined.size, separator.data(), separator.size());
    joined.size += static_cast<uint32_t>(separator.size());
  }
  std::memcpy(joined.data + joined.size, text.data(), text.size());
  joined.size += static_cast<uint32_t>(text.size());
}

struct Listagg {
  template <class State>
  static void Initialize(State& state) {
    state = {nullptr, 0, 0};
  }
  static bool IgnoreNull() { return true; }

  template <class Input, class State, class Operator>
  static void Operation(State& state, const Input& value, duckdb::AggregateUnaryInput& input) {
    if (value.GetSize() == 0) return;
    Append(state, View(value), SeparatorOf(input.input), input.input.allocator);
  }
  template <class Input, class State, class Operator>
  static void ConstantOperation(State& state, const Input& value,
                                duckdb::AggregateUnaryInput& input, idx_t count) {
    for (idx_t i = 0; i < count; i++) Operation<Input, State, Operator>(state, value, input);
  }
  template <class State, class Operator>
  static void Combine(const State& source, State& target, duckdb::AggregateInputData& input) {
    if (source.size == 0) return;
    Append(target, {source.data, source.size}, SeparatorOf(input), input.allocator);
  }
  template <class Target, class State>
  static void Finalize(State& state, Target& target, duckdb::AggregateFinalizeData& data) {
    if (state.size == 0) {
      data.ReturnNull();
      return;
    }
    target = duckdb::string_t(state.data, state.size);
  }
};

// Distinct values: at most kLimitBytes of them, so what is kept is bounded as well.
struct Seen {
  std::unordered_set<std::string> keys;
  std::vector<std::string> values;
  size_t size = 0;
};
struct Distinct {
  Seen* seen;
};

void Note(Distinct& state, std::string_view value, size_t separator_size) {
  if (value.empty()) return;
  if (state.seen == nullptr) state.seen = new Seen;
  if (!state.seen->keys.emplace(WithoutTrailingBlanks(value)).second) return;
  state.seen->size += value.size() + (state.seen->values.empty() ? 0 : separator_size);
  if (state.seen->size > kLimitBytes) {
    throw duckdb::OutOfRangeException("Result size exceeds LISTAGG limit");
  }
  state.seen->values.emplace_back(value);
}

struct ListaggDistinct {
  template <class State>
  static void Initialize(State& state) {
    state.seen = nullptr;
  }
  template <class State>
  static void Destroy(State& state, duckdb::AggregateInputData&) {
    delete state.seen;
    state.seen = nullptr;
  }
  static bool IgnoreNull() { return true; }

  template <class Input, class State, class Operator>
  static void Operation(State& state, const Input& value, duckdb::AggregateUnaryInput& input) {
    Note(state, View(value), SeparatorOf(input.input).size());
  }
  template <class Input, class State, class Operator>
  static void ConstantOperation(State& state, const Input& value,
                                duckdb::AggregateUnaryInput& input, idx_t) {
    Operation<Input, State, Operator>(state, value, input);
  }
  template <class State, class Operator>
  static void Combine(const State& source, State& target, duckdb::AggregateInputData& input) {
    if (source.seen == nullptr) return;
    for (const auto& value : source.seen->values) {
      Note(target, value, SeparatorOf(input).size());
    }
  }
  template <class Target, class State>
  static void Finalize(State& state, Target& target, duckdb::AggregateFinalizeData& data) {
    if (state.seen == nullptr) {
      data.ReturnNull();
      return;
    }
    std::string text;
    text.reserve(state.seen->size);
    for (const auto& value : state.seen->values) {
      if (!text.empty()) text += SeparatorOf(data.input);
      text += value;
    }
    target = duckdb::StringVector::AddString(data.result, text);
  }
};

duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext& context,
                                              duckdb::AggregateFunction& function,
                                              Arguments& arguments) {
  if (arguments.size() == 1) return duckdb::make_uniq<Separator>("");
  if (arguments[1]->HasParameter()) throw duckdb::ParameterNotResolvedException();
  if (!arguments[1]->IsFoldable()) {
    throw duckdb::BinderException("LISTAGG delimiter must be a constant");
  }
  const duckdb::Value separator =
      duckdb::ExpressionExecutor::EvaluateScalar(context, *arguments[1]);
  duckdb::Function::EraseArgument(function, arguments, 1);
  return duckdb::make_uniq<Separator>(separator.IsNull() ? "" : separator.ToString());
}

void AddBoth(Registrar& registrar, const std::string& name, duckdb::AggregateFunction function) {
  function.SetBindCallback(Bind);
  duckdb::AggregateFunctionSet set(name);
  // Any type by its text: the binder casts.
  function.arguments = {LogicalType::ANY_PARAMS(LogicalType::VARCHAR)};
  set.AddFunction(function);
  function.arguments.emplace_back(LogicalType::VARCHAR);
  set.AddFunction(function);
  registrar.Add(std::move(set));
}

}  // namespace

void RegisterListagg(Registrar& registrar) {
  AddBoth(registrar, "rs_listagg",
          duckdb::AggregateFunction::UnaryAggregate<Joined, duckdb::string_t, duckdb::string_t,
                                                    Listagg>(LogicalType::VARCHAR,
                                                             LogicalType::VARCHAR));
  AddBoth(registrar, "rs_listagg_distinct",
          duckdb::AggregateFunction::UnaryAggregateDestructor<
              Distinct, duckdb::string_t, duckdb::string_t, ListaggDistinct,
              duckdb::AggregateDestructorType::LEGACY>(LogicalType::VARCHAR, LogicalType::VARCHAR));
}

}  // namespace skep::worker
