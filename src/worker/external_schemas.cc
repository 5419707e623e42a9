#include "worker/external_schemas.h"

#include <fmt/format.h>

#include "worker/engine_errors.h"

namespace skep::worker {
namespace {

std::string TableOf(const std::string& database) {
  return fmt::format("\"{}\".{}.external_schemas", database, sql::kHiddenSchema);
}

Result<duckdb::unique_ptr<duckdb::QueryResult>> Run(duckdb::Connection& connection,
                                                    const std::string& text,
                                                    duckdb::vector<duckdb::Value> values) {
  auto statement = connection.Prepare(text);
  if (statement->HasError()) return Fail(ToError(statement->GetErrorObject(), nullptr));
  auto result = statement->Execute(values, false);
  if (result->HasError()) return Fail(ToError(result->GetErrorObject(), nullptr));
  return result;
}

}  // namespace

Result<void> ExternalSchemas::Load(duckdb::Connection& connection, const std::string& database) {
  SKEP_TRY_ASSIGN(
      const auto result,
      Run(connection,
          "SELECT name, catalog_database, catalog_id, region, role_chain FROM " + TableOf(database),
          {}));
  const std::lock_guard lock(mutex_);
  while (const auto chunk = result->Fetch()) {
    for (size_t row = 0; row < chunk->size(); row++) {
      ipc::ExternalSchemaBinding binding;
      binding.catalog_database = chunk->GetValue(1, row).ToString();
      binding.catalog_id = chunk->GetValue(2, row).ToString();
      binding.region = chunk->GetValue(3, row).ToString();
      for (const auto& role : duckdb::ListValue::GetChildren(chunk->GetValue(4, row)))
        binding.role_chain.push_back(role.ToString());
      known_[{database, chunk->GetValue(0, row).ToString()}] = std::move(binding);
    }
  }
  return {};
}

std::optional<ipc::ExternalSchemaBinding> ExternalSchemas::Find(const Key& key,
                                                                const Changes& own) const {
  if (const auto mine = own.find(key); mine != own.end()) return mine->second;
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(key);
  if (found == known_.end()) return std::nullopt;
  return found->second;
}

void ExternalSchemas::Apply(const Changes& changes) {
  if (changes.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, binding] : changes) {
    if (binding) {
      known_[key] = *binding;
    } else {
      known_.erase(key);
    }
  }
}

Result<void> ExternalSchemas::Create(duckdb::Connection& connection, const std::string& database,
                                     const sql::ExternalSchemaDefinition& definition,
                                     Changes& own) const {
  ipc::ExternalSchemaBinding binding{definition.catalog_database, definition.catalog_id,
                                     definition.region, definition.role_chain};
  duckdb::vector<duckdb::Value> roles;
  for (const auto& role : definition.role_chain) roles.emplace_back(role);
  SKEP_TRY(Run(
      connection,
      "INSERT INTO " + TableOf(database) + " VALUES ($1, $2, $3, $4, $5, CAST(now() AS TIMESTAMP))",
      {duckdb::Value(definition.name), duckdb::Value(binding.catalog_database),
       duckdb::Value(binding.catalog_id), duckdb::Value(binding.region),
       duckdb::Value::LIST(duckdb::LogicalType::VARCHAR, std::move(roles))}));
  own[{database, definition.name}] = std::move(binding);
  return {};
}

Result<void> ExternalSchemas::Drop(duckdb::Connection& connection, const Key& key,
                                   Changes& own) const {
  SKEP_TRY(Run(connection, "DELETE FROM " + TableOf(key.first) + " WHERE name = $1",
               {duckdb::Value(key.second)}));
  own[key] = std::nullopt;
  return {};
}

}  // namespace skep::worker
