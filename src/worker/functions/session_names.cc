#include "worker/functions/session_names.h"

#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>

#include "base/text.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::string_t;

const SessionNames& NamesOf(duckdb::ExpressionState& state) {
  const auto names = state.GetContext().registered_state->Get<SessionNames>(kSessionNames);
  if (!names) throw duckdb::InvalidInputException("there is no session here");
  return *names;
}

void PutText(duckdb::Vector& result, const std::string& text) {
  result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  *duckdb::ConstantVector::GetData<string_t>(result) =
      duckdb::StringVector::AddString(result, text);
}

void CurrentUser(duckdb::DataChunk&, duckdb::ExpressionState& state, duckdb::Vector& result) {
  PutText(result, NamesOf(state).user);
}

void CurrentPid(duckdb::DataChunk&, duckdb::ExpressionState& state, duckdb::Vector& result) {
  result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  *duckdb::ConstantVector::GetData<int32_t>(result) =
      static_cast<int32_t>(NamesOf(state).process_id);
}

template <auto Member>
void LastLoad(duckdb::DataChunk&, duckdb::ExpressionState& state, duckdb::Vector& result) {
  result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  *duckdb::ConstantVector::GetData<int64_t>(result) = NamesOf(state).*Member;
}

void CurrentSchema(duckdb::DataChunk&, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const auto& path = NamesOf(state).search_path;
  PutText(result, path.empty() ? "public" : path[0]);
}

void CurrentSchemas(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                    duckdb::Vector& result) {
  const auto& path = NamesOf(state).search_path;
  duckdb::UnaryExecutor::Execute<bool, string_t>(
      arguments.data[0], result, arguments.size(), [&](bool implied) {
        std::string text = implied ? "{pg_catalog" : "{";
        for (const std::string& schema : path) text += (text == "{" ? "" : ",") + schema;
        return duckdb::StringVector::AddString(result, text + "}");
      });
}

void CurrentSetting(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                    duckdb::Vector& result) {
  const auto& settings = NamesOf(state).settings;
  duckdb::BinaryExecutor::ExecuteWithNulls<string_t, bool, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t name, bool missing_is_null, duckdb::ValidityMask& valid, idx_t row) {
        const auto found = settings.find(Lower(name.GetString()));
        if (found != settings.end()) return duckdb::StringVector::AddString(result, found->second);
        if (!missing_is_null)
          throw duckdb::InvalidInputException("unrecognized configuration parameter \"%s\"",
                                              name.GetString());
        valid.SetInvalid(row);
        return string_t();
      });
}

}  // namespace

void RegisterSessionNames(Registrar& registrar) {
  const auto add = [&](const char* name, duckdb::vector<LogicalType> arguments,
                       const LogicalType& type, duckdb::scalar_function_t function) {
    duckdb::ScalarFunction made(name, std::move(arguments), type, std::move(function));
    // Never folded into a plan: a setting can change while the plan is kept.
    made.SetStability(duckdb::FunctionStability::VOLATILE);
    registrar.Add(std::move(made));
  };
  add("rs_current_user", {}, LogicalType::VARCHAR, CurrentUser);
  add("rs_current_pid", {}, LogicalType::INTEGER, CurrentPid);
  add("rs_last_copy_id", {}, LogicalType::BIGINT, LastLoad<&SessionNames::last_copy>);
  add("rs_last_copy_count", {}, LogicalType::BIGINT, LastLoad<&SessionNames::last_copy_rows>);
  add("rs_last_unload_id", {}, LogicalType::BIGINT, LastLoad<&SessionNames::last_unload>);
  add("rs_last_unload_count", {}, LogicalType::BIGINT, LastLoad<&SessionNames::last_unload_rows>);
  add("rs_current_schema", {}, LogicalType::VARCHAR, CurrentSchema);
  add("rs_current_schemas", {LogicalType::BOOLEAN}, LogicalType::VARCHAR, CurrentSchemas);
  add("rs_current_setting", {LogicalType::VARCHAR, LogicalType::BOOLEAN}, LogicalType::VARCHAR,
      CurrentSetting);
}

}  // namespace skep::worker
