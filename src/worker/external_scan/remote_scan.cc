#include "worker/external_scan/remote_scan.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <duckdb/main/config.hpp>
#include <duckdb/optimizer/optimizer_extension.hpp>
#include <duckdb/planner/expression/bound_between_expression.hpp>
#include <duckdb/planner/expression/bound_columnref_expression.hpp>
#include <duckdb/planner/expression/bound_comparison_expression.hpp>
#include <duckdb/planner/expression/bound_conjunction_expression.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/expression/bound_operator_expression.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <duckdb/planner/operator/logical_limit.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"
#include "worker/external_scan/remote_rows.h"

namespace skep::external_scan {
namespace {

using duckdb::Expression;
using duckdb::ExpressionType;
using duckdb::LogicalTypeId;
using Json = nlohmann::json;

constexpr const char* kFunction = "lake_remote";
constexpr int kInterruptPollMs = 20;
constexpr size_t kReadBytes = 256u << 10;
constexpr size_t kMaxFilters = 64, kMaxInList = 500;

struct RemoteBind final : duckdb::TableFunctionData {
  duckdb::shared_ptr<LakeTable> table;
  Json filters = Json::array();
  std::optional<idx_t> limit;  // rows that are wanted at most
  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    auto copy = duckdb::make_uniq<RemoteBind>();
    copy->table = table;
    copy->filters = filters;
    copy->limit = limit;
    return copy;
  }
  bool Equals(const duckdb::FunctionData& other) const override { return this == &other; }
  // Every execution binds anew (lake_catalog.h).
  bool SupportStatementCache() const override { return false; }
};

// One read, from its first row to its last.
struct RemoteState final : duckdb::GlobalTableFunctionState {
  LakeClient::RemoteRows source;
  std::unique_ptr<RemoteRows> rows;
  std::vector<size_t> targets;  // of the query's columns
  std::vector<size_t> unread;   // columns of the chunk that nobody needs
  std::string buffer;
  bool ended = false;
  idx_t MaxThreads() const override { return 1; }
};

// ---------------------------------------------------------------- filters

// A constant as the remote database reads it; nullopt when it might mean something else there.
std::optional<std::string> TextOf(const duckdb::Value& value, const duckdb::LogicalType& type) {
  if (value.IsNull() || value.type() != type) return std::nullopt;
  const auto of_this_era = [](duckdb::date_t date) {
    int32_t year = 0, month = 0, day = 0;
    if (!duckdb::Date::IsFinite(date)) return false;
    duckdb::Date::Convert(date, year, month, day);
    return year >= 1 && year <= 9999;
  };
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::DECIMAL:
      return value.ToString();
    case LogicalTypeId::DOUBLE:
      if (!std::isfinite(value.GetValue<double>())) return std::nullopt;
      return fmt::format("{}", value.GetValue<double>());
    case LogicalTypeId::DATE:
      if (!of_this_era(duckdb::DateValue::Get(value))) return std::nullopt;
      return value.ToString();
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ: {
      const auto moment = duckdb::TimestampValue::Get(value);
      if (!duckdb::Timestamp::IsFinite(moment) || !of_this_era(duckdb::Timestamp::GetDate(moment)))
        return std::nullopt;
      return duckdb::Timestamp::ToString(moment) +
             (type.id() == LogicalTypeId::TIMESTAMP_TZ ? "+00" : "");
    }
    case LogicalTypeId::VARCHAR: {
      auto text = value.GetValue<std::string>();
      if (text.find('\0') != std::string::npos || text.size() > 4096) return std::nullopt;
      return text;
    }
    default:
      return std::nullopt;
  }
}

class FilterReader {
 public:
  FilterReader(const duckdb::LogicalGet& get, const LakeTable& table) : get_(get), table_(table) {}

  std::optional<Json> Read(const Expression& filter) const {
    switch (filter.GetExpressionClass()) {
      case duckdb::ExpressionClass::BOUND_CONJUNCTION:
        return ReadAll(filter.Cast<duckdb::BoundConjunctionExpression>());
      case duckdb::ExpressionClass::BOUND_COMPARISON:
        return ReadComparison(filter.Cast<duckdb::BoundComparisonExpression>());
      case duckdb::ExpressionClass::BOUND_BETWEEN:
        return ReadBetween(filter.Cast<duckdb::BoundBetweenExpression>());
      case duckdb::ExpressionClass::BOUND_OPERATOR:
        return ReadOperator(filter.Cast<duckdb::BoundOperatorExpression>());
      default:
        return std::nullopt;
    }
  }

 private:
  std::optional<size_t> ColumnOf(const Expression& expression) const {
    if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF)
      return std::nullopt;
    const auto& binding = expression.Cast<duckdb::BoundColumnRefExpression>().binding;
    const auto& ids = get_.GetColumnIds();
    if (binding.table_index != get_.table_index || binding.column_index >= ids.size() ||
        ids[binding.column_index].IsVirtualColumn())
      return std::nullopt;
    const auto column = ids[binding.column_index].GetPrimaryIndex();
    if (column >= table_.types().size()) return std::nullopt;
    return column;
  }
  static const duckdb::Value* ConstantOf(const Expression& expression) {
    if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_CONSTANT) return nullptr;
    return &expression.Cast<duckdb::BoundConstantExpression>().value;
  }

  std::optional<Json> ReadAll(const duckdb::BoundConjunctionExpression& all) const {
    const bool either = all.GetExpressionType() == ExpressionType::CONJUNCTION_OR;
    Json of = Json::array();
    for (const auto& child : all.children) {
      auto read = Read(*child);
      if (read) {
        of.push_back(std::move(*read));
      } else if (either) {
        return std::nullopt;  // of AND the rest is still true
      }
    }
    if (of.empty() || of.size() > kMaxFilters) return std::nullopt;
    return Json{{"op", either ? "or" : "and"}, {"of", std::move(of)}};
  }

  std::optional<Json> ReadComparison(const duckdb::BoundComparisonExpression& comparison) const {
    auto type = comparison.GetExpressionType();
    auto column = ColumnOf(*comparison.left);
    const auto* constant = ConstantOf(*comparison.right);
    if (!column) {
      column = ColumnOf(*comparison.right);
      constant = ConstantOf(*comparison.left);
      type = duckdb::FlipComparisonExpression(type);
    }
    if (!column || !constant) return std::nullopt;
    const char* op = nullptr;
    switch (type) {
      case ExpressionType::COMPARE_EQUAL:
        op = "=";
        break;
      case ExpressionType::COMPARE_NOTEQUAL:
        op = "<>";
        break;
      case ExpressionType::COMPARE_LESSTHAN:
        op = "<";
        break;
      case ExpressionType::COMPARE_LESSTHANOREQUALTO:
        op = "<=";
        break;
      case ExpressionType::COMPARE_GREATERTHAN:
        op = ">";
        break;
      case ExpressionType::COMPARE_GREATERTHANOREQUALTO:
        op = ">=";
        break;
      default:
        return std::nullopt;
    }
    const auto& type_of = table_.types()[*column];
    if (type_of.id() == LogicalTypeId::VARCHAR && type != ExpressionType::COMPARE_EQUAL)
      return std::nullopt;  // order is the collation's
    auto text = TextOf(*constant, type_of);
    if (!text) return std::nullopt;
    return Json{{"op", op}, {"column", *column}, {"value", std::move(*text)}};
  }

  std::optional<Json> ReadBetween(const duckdb::BoundBetweenExpression& between) const {
    const auto column = ColumnOf(*between.input);
    const auto* lower = ConstantOf(*between.lower);
    const auto* upper = ConstantOf(*between.upper);
    if (!column || !lower || !upper) return std::nullopt;
    const auto& type = table_.types()[*column];
    auto from = TextOf(*lower, type), to = TextOf(*upper, type);
    if (!from || !to || type.id() == LogicalTypeId::VARCHAR) return std::nullopt;
    return Json{{"op", "and"},
                {"of", Json::array({{{"op", between.lower_inclusive ? ">=" : ">"},
                                     {"column", *column},
                                     {"value", std::move(*from)}},
                                    {{"op", between.upper_inclusive ? "<=" : "<"},
                                     {"column", *column},
                                     {"value", std::move(*to)}}})}};
  }

  std::optional<Json> ReadOperator(const duckdb::BoundOperatorExpression& operation) const {
    const auto type = operation.GetExpressionType();
    if (operation.children.empty()) return std::nullopt;
    const auto column = ColumnOf(*operation.children[0]);
    if (!column) return std::nullopt;
    if (type == ExpressionType::OPERATOR_IS_NULL || type == ExpressionType::OPERATOR_IS_NOT_NULL)
      return Json{{"op", type == ExpressionType::OPERATOR_IS_NULL ? "null" : "not null"},
                  {"column", *column}};
    if (type != ExpressionType::COMPARE_IN || operation.children.size() < 2 ||
        operation.children.size() > kMaxInList)
      return std::nullopt;
    Json values = Json::array();
    for (size_t i = 1; i < operation.children.size(); i++) {
      const auto* constant = ConstantOf(*operation.children[i]);
      if (!constant) return std::nullopt;
      auto text = TextOf(*constant, table_.types()[*column]);
      if (!text) return std::nullopt;
      values.push_back(std::move(*text));
    }
    return Json{{"op", "in"}, {"column", *column}, {"values", std::move(values)}};
  }

  const duckdb::LogicalGet& get_;
  const LakeTable& table_;
};

void PushFilters(duckdb::ClientContext&, duckdb::LogicalGet& get, duckdb::FunctionData* data,
                 duckdb::vector<duckdb::unique_ptr<Expression>>& filters) {
  auto& bind = data->Cast<RemoteBind>();
  const FilterReader reader(get, *bind.table);
  for (const auto& filter : filters) {
    if (bind.filters.size() >= kMaxFilters) return;
    if (auto read = reader.Read(*filter)) bind.filters.push_back(std::move(*read));
  }
}

// ---------------------------------------------------------------- reading

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> InitGlobal(
    duckdb::ClientContext& context, duckdb::TableFunctionInitInput& input) {
  const auto& bind = input.bind_data->Cast<RemoteBind>();
  LakeTable& table = *bind.table;
  auto state = duckdb::make_uniq<RemoteState>();
  Json columns = Json::array();
  std::vector<duckdb::LogicalType> types;
  for (idx_t i = 0; i < input.column_ids.size(); i++) {
    const auto column = input.column_ids[i];
    if (duckdb::IsVirtualColumn(column) || column >= table.types().size()) {
      state->unread.push_back(i);
      continue;
    }
    columns.push_back(column);
    types.push_back(table.types()[column]);
    state->targets.push_back(i);
  }
  Json plan = {{"columns", std::move(columns)}};
  if (!bind.filters.empty()) plan["filter"] = {{"op", "and"}, {"of", bind.filters}};
  if (bind.limit) plan["limit"] = *bind.limit;
  state->rows = std::make_unique<RemoteRows>(std::move(types), table.QualifiedName());
  state->source = OrThrow(table.client().ReadRemote(
      table.scan(), plan.dump(-1, ' ', false, Json::error_handler_t::replace),
      InterruptOf(&context)));
  state->buffer.resize(kReadBytes);
  return state;
}

// Reads what the pipe has, and waits for it. False at its end.
bool ReadMore(RemoteState& state, const LakeClient::Interrupted& interrupted) {
  while (true) {
    pollfd pipe{state.source.pipe.get(), POLLIN, 0};
    const int ready = ::poll(&pipe, 1, kInterruptPollMs);
    if (interrupted && interrupted())
      ThrowLakeError({ErrorKind::kQueryCanceled, "the statement was cancelled", {}, {}, 0});
    if (ready <= 0) continue;
    const ssize_t n = ::read(pipe.fd, state.buffer.data(), state.buffer.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) return false;
    state.rows->Append(std::string_view(state.buffer).substr(0, static_cast<size_t>(n)));
    return true;
  }
}

void Run(duckdb::ClientContext& context, duckdb::TableFunctionInput& input,
         duckdb::DataChunk& out) {
  auto& state = input.global_state->Cast<RemoteState>();
  LakeTable& table = *input.bind_data->Cast<RemoteBind>().table;
  const auto interrupted = InterruptOf(&context);
  size_t rows = 0;
  while (!state.ended && rows < STANDARD_VECTOR_SIZE) {
    const size_t more =
        OrThrow(state.rows->Decode(out, state.targets, rows, STANDARD_VECTOR_SIZE - rows));
    rows += more;
    if (more > 0 && rows == STANDARD_VECTOR_SIZE) break;
    // A full vector is answered before the pipe is waited for again.
    if (ReadMore(state, interrupted)) continue;
    state.ended = true;
    state.source.pipe.Reset();
    OrThrow(table.client().EndRemote(table.scan(), state.source.number, interrupted));
    if (!state.rows->done())
      ThrowLakeError({ErrorKind::kDataException,
                      fmt::format("the rows of {} ended early", table.QualifiedName()),
                      {},
                      {},
                      0});
  }
  for (const size_t column : state.unread) {
    out.data[column].SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
    duckdb::ConstantVector::SetNull(out.data[column], true);
  }
  out.SetCardinality(rows);
}

duckdb::unique_ptr<duckdb::NodeStatistics> Cardinality(duckdb::ClientContext&,
                                                       const duckdb::FunctionData* data) {
  const auto rows = data->Cast<RemoteBind>().table->description().rows;
  return rows == 0 ? nullptr : duckdb::make_uniq<duckdb::NodeStatistics>(rows);
}

duckdb::virtual_column_map_t VirtualColumns(duckdb::ClientContext&,
                                            duckdb::optional_ptr<duckdb::FunctionData> data) {
  return data->Cast<RemoteBind>().table->VirtualColumns();
}

duckdb::BindInfo BindInfoOf(const duckdb::optional_ptr<duckdb::FunctionData> data) {
  duckdb::BindInfo info(duckdb::ScanType::EXTERNAL);
  info.table = data->Cast<RemoteBind>().table->entry.get();
  return info;
}

duckdb::InsertionOrderPreservingMap<std::string> Explain(
    duckdb::TableFunctionToStringInput& input) {
  duckdb::InsertionOrderPreservingMap<std::string> lines;
  const auto& bind = input.bind_data->Cast<RemoteBind>();
  lines["Table"] = bind.table->QualifiedName();
  if (!bind.filters.empty()) lines["Remote Filters"] = std::to_string(bind.filters.size());
  if (bind.limit) lines["Remote Limit"] = std::to_string(*bind.limit);
  return lines;
}

// ---------------------------------------------------------------- limits

// A constant; nullopt when it is none. Without one it is `unset`.
std::optional<idx_t> RowsOf(const duckdb::BoundLimitNode& node, idx_t unset) {
  if (node.Type() == duckdb::LimitNodeType::UNSET) return unset;
  if (node.Type() != duckdb::LimitNodeType::CONSTANT_VALUE) return std::nullopt;
  return node.GetConstantValue();
}

// A LIMIT right above a scan, or above columns made of its rows one by one. What filters stands in
// between, since the engine applies every filter again: then other rows may be wanted than the
// first ones.
void PushLimit(const duckdb::LogicalLimit& limit) {
  const auto rows = RowsOf(limit.limit_val, duckdb::DConstants::INVALID_INDEX);
  const auto skipped = RowsOf(limit.offset_val, 0);
  constexpr idx_t kMost = idx_t{1} << 62;
  if (!rows || !skipped || *rows > kMost || *skipped > kMost) return;
  duckdb::LogicalOperator* below = limit.children[0].get();
  while (below->type == duckdb::LogicalOperatorType::LOGICAL_PROJECTION)
    below = below->children[0].get();
  if (below->type != duckdb::LogicalOperatorType::LOGICAL_GET) return;
  auto& get = below->Cast<duckdb::LogicalGet>();
  if (get.function.name != kFunction || !get.bind_data || !get.table_filters.filters.empty())
    return;
  get.bind_data->Cast<RemoteBind>().limit = *rows + *skipped;
}

void PushLimits(duckdb::LogicalOperator& plan) {
  if (plan.type == duckdb::LogicalOperatorType::LOGICAL_LIMIT)
    PushLimit(plan.Cast<duckdb::LogicalLimit>());
  for (const auto& child : plan.children) PushLimits(*child);
}

}  // namespace

void RegisterRemoteLimits(duckdb::DatabaseInstance& instance) {
  duckdb::OptimizerExtension extension;
  extension.optimize_function = [](duckdb::OptimizerExtensionInput&,
                                   duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
    if (plan) PushLimits(*plan);
  };
  duckdb::OptimizerExtension::Register(duckdb::DBConfig::GetConfig(instance), extension);
}

duckdb::TableFunction BindRemoteScan(LakeTable& table,
                                     duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  auto bind = duckdb::make_uniq<RemoteBind>();
  bind->table = table.shared_from_this();
  bind_data = std::move(bind);
  duckdb::TableFunction function(kFunction, {}, Run, nullptr, InitGlobal);
  function.projection_pushdown = true;
  function.pushdown_complex_filter = PushFilters;
  function.cardinality = Cardinality;
  function.get_virtual_columns = VirtualColumns;
  function.get_bind_info = BindInfoOf;
  function.to_string = Explain;
  return function;
}

}  // namespace skep::external_scan
