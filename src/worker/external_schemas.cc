#include "worker/external_schemas.h"

#include <fmt/format.h>

#include "worker/engine_errors.h"

namespace skep::worker {
namespace {

std::string TableOf(const std::string& database) {
  return fmt::format("\"{}\".{}.external_schemas", database, sql::kHiddenSchema);
}

duckdb::Value ListOf(const std::vector<std::string>& texts) {
  duckdb::vector<duckdb::Value> values;
  for (const auto& text : texts) values.emplace_back(text);
  return duckdb::Value::LIST(duckdb::LogicalType::VARCHAR, std::move(values));
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
          "SELECT name, catalog_database, catalog_id, region, role_chain, catalog_roles, source, "
          "remote_schema, host, port, secret_arn FROM " +
              TableOf(database),
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
      if (const auto roles = chunk->GetValue(5, row); !roles.IsNull()) {
        for (const auto& role : duckdb::ListValue::GetChildren(roles))
          binding.catalog_roles.push_back(role.ToString());
      }
      if (const auto source = chunk->GetValue(6, row); !source.IsNull()) {
        binding.source = static_cast<ipc::SchemaSource>(source.GetValue<uint8_t>());
        binding.remote_schema = chunk->GetValue(7, row).ToString();
        binding.host = chunk->GetValue(8, row).ToString();
        binding.port = chunk->GetValue(9, row).GetValue<uint32_t>();
        binding.secret_arn = chunk->GetValue(10, row).ToString();
      }
      known_[{database, chunk->GetValue(0, row).ToString()}] = std::move(binding);
    }
  }
  return {};
}

std::optional<ipc::ExternalSchemaBinding> ExternalSchemas::Find(const Key& key,
                                                                const Changes& own) const {
  if (sql::IsAutoMounted(key.second))
    return ipc::ExternalSchemaBinding{
        key.second.substr(sql::kAutoMounted.size() + 1), {}, {}, {"default"}, {}};
  if (const auto mine = own.find(key); mine != own.end()) return mine->second;
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(key);
  if (found == known_.end()) return std::nullopt;
  return found->second;
}

std::map<std::string, ipc::ExternalSchemaBinding> ExternalSchemas::All(const std::string& database,
                                                                       const Changes& own) const {
  std::map<std::string, ipc::ExternalSchemaBinding> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, binding] : known_) {
      if (key.first == database) all[key.second] = binding;
    }
  }
  for (const auto& [key, binding] : own) {
    if (key.first != database) continue;
    all.erase(key.second);
    if (binding) all[key.second] = *binding;
  }
  return all;
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

ipc::ExternalSchemaBinding BindingOf(const sql::ExternalSchemaDefinition& definition) {
  ipc::ExternalSchemaBinding binding{definition.catalog_database, definition.catalog_id,
                                     definition.region, definition.role_chain,
                                     definition.catalog_roles};
  if (definition.source == sql::ExternalDefinitionSource::kPostgres)
    binding.source = ipc::SchemaSource::kPostgres;
  if (definition.source == sql::ExternalDefinitionSource::kRedshift)
    binding.source = ipc::SchemaSource::kRedshift;
  binding.remote_schema = definition.remote_schema;
  binding.host = definition.host;
  binding.port = definition.port;
  binding.secret_arn = definition.secret_arn;
  return binding;
}

Result<void> ExternalSchemas::Create(duckdb::Connection& connection, const std::string& database,
                                     const sql::ExternalSchemaDefinition& definition,
                                     Changes& own) const {
  ipc::ExternalSchemaBinding binding = BindingOf(definition);
  SKEP_TRY(Run(
      connection,
      "INSERT INTO " + TableOf(database) +
          " (name, catalog_database, catalog_id, region, role_chain, created, "
          "catalog_roles, source, remote_schema, host, port, secret_arn) VALUES "
          "($1, $2, $3, $4, $5, CAST(now() AS TIMESTAMP), $6, $7, $8, $9, $10, $11)",
      {duckdb::Value(definition.name), duckdb::Value(binding.catalog_database),
       duckdb::Value(binding.catalog_id), duckdb::Value(binding.region), ListOf(binding.role_chain),
       ListOf(binding.catalog_roles), duckdb::Value::UTINYINT(static_cast<uint8_t>(binding.source)),
       duckdb::Value(binding.remote_schema), duckdb::Value(binding.host),
       duckdb::Value::UINTEGER(binding.port), duckdb::Value(binding.secret_arn)}));
  own[{database, definition.name}] = std::move(binding);
  return {};
}

Result<void> ExternalSchemas::Alter(duckdb::Connection& connection, const std::string& database,
                                    const sql::ExternalSchemaDefinition& definition,
                                    Changes& own) const {
  const Key key{database, definition.name};
  auto binding = Find(key, own);
  if (!binding)
    return Fail(ErrorKind::kUndefinedSchema, "schema \"" + definition.name + "\" does not exist");
  if (!definition.role_chain.empty()) binding->role_chain = definition.role_chain;
  if (!definition.catalog_roles.empty()) binding->catalog_roles = definition.catalog_roles;
  SKEP_TRY(Run(
      connection,
      "UPDATE " + TableOf(database) + " SET role_chain = $2, catalog_roles = $3 WHERE name = $1",
      {duckdb::Value(definition.name), ListOf(binding->role_chain),
       ListOf(binding->catalog_roles)}));
  own[key] = std::move(*binding);
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
