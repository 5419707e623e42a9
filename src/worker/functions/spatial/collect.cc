// ST_Collect of two values and of a group's.
#include <duckdb/function/aggregate_function.hpp>

#include "worker/functions/rows.h"
#include "worker/functions/spatial/chapters.h"

namespace skep::worker::spatial {
namespace {

Geometry Gathered(std::vector<Geometry> members) {
  for (const auto& member : members) {
    if (member.srid != members.front().srid) {
      throw duckdb::InvalidInputException("Operation on mixed SRID geometries (%d != %d)",
                                          members.front().srid, member.srid);
    }
    if (member.dimensions != members.front().dimensions)
      throw duckdb::InvalidInputException("geometries must have the same dimensions");
  }
  return Collected(std::move(members));
}

// Unlike other functions it takes NULL: the other value is the result.
void CollectTwo(duckdb::DataChunk& chunk, duckdb::ExpressionState&, duckdb::Vector& result) {
  const bool constant = chunk.AllConstant();
  const duckdb::idx_t rows = constant ? 1 : chunk.size();
  const Columns columns(chunk);
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  for (duckdb::idx_t row = 0; row < rows; row++) {
    std::vector<std::string_view> values;
    for (size_t i = 0; i < 2; i++) {
      if (!columns.IsNull(i, row)) values.push_back(columns.Text(i, row));
    }
    if (values.empty()) {
      duckdb::FlatVector::SetNull(result, row, true);
    } else if (values.size() == 1) {
      PutBytes(result, row, values.front());
    } else {
      PutBytes(result, row, WriteStored(Gathered({ReadEwkb(values[0]), ReadEwkb(values[1])})));
    }
  }
  if (constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
}

struct CollectState {
  struct Members {
    std::vector<std::string> values;
    size_t bytes = 0;
  };
  Members* members;
};

struct Collect {
  template <class State>
  static void Initialize(State& state) {
    state.members = nullptr;
  }
  template <class State>
  static void Destroy(State& state, duckdb::AggregateInputData&) {
    delete state.members;
    state.members = nullptr;
  }
  static void Append(CollectState& state, std::string value) {
    if (state.members == nullptr) state.members = new CollectState::Members;
    // What is too large for a result need not be gathered.
    state.members->bytes += value.size();
    if (state.members->bytes > 2 * kMaximumBytes)
      throw duckdb::InvalidInputException("the collected geometry is larger than the maximum");
    state.members->values.push_back(std::move(value));
  }
  template <class Input, class State, class Operator>
  static void Operation(State& state, const Input& input, duckdb::AggregateUnaryInput&) {
    Append(state, std::string(input.GetData(), input.GetSize()));
  }
  template <class Input, class State, class Operator>
  static void ConstantOperation(State& state, const Input& input,
                                duckdb::AggregateUnaryInput& unary, duckdb::idx_t count) {
    for (duckdb::idx_t i = 0; i < count; i++)
      Operation<Input, State, Operator>(state, input, unary);
  }
  template <class State, class Operator>
  static void Combine(const State& source, State& target, duckdb::AggregateInputData&) {
    if (source.members == nullptr) return;
    for (const auto& value : source.members->values) Append(target, value);
  }
  template <class T, class State>
  static void Finalize(State& state, T& target, duckdb::AggregateFinalizeData& finalize) {
    if (state.members == nullptr) {
      finalize.ReturnNull();
      return;
    }
    std::vector<Geometry> members;
    for (const auto& value : state.members->values) members.push_back(ReadEwkb(value));
    const std::string bytes = WriteStored(Gathered(std::move(members)));
    target = duckdb::StringVector::AddStringOrBlob(finalize.result, bytes.data(), bytes.size());
  }
  static bool IgnoreNull() { return true; }
};

}  // namespace

void AddCollect(Registrar& registrar) {
  duckdb::ScalarFunction two("rs_st_collect", {GeometryType(), GeometryType()}, GeometryType(),
                             CollectTwo);
  two.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  two.SetFallible();
  registrar.Add(std::move(two));
  using duckdb::string_t;
  auto all =
      duckdb::AggregateFunction::UnaryAggregateDestructor<CollectState, string_t, string_t,
                                                          Collect>(GeometryType(), GeometryType());
  all.name = "rs_st_collect_agg";
  all.SetOrderDependent(duckdb::AggregateOrderDependent::ORDER_DEPENDENT);
  registrar.Add(std::move(all));
}

}  // namespace skep::worker::spatial
