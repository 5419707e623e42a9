#include "catalog/data_catalog.h"

namespace skep::catalog {

using control::GlueDatabase;
using control::GluePartition;
using control::GlueTable;

Result<std::vector<GlueDatabase>> StoredCatalog::ListDatabases() {
  return store_.ListGlueDatabases(account_);
}

Result<bool> StoredCatalog::HasDatabase(const std::string& name) {
  SKEP_TRY_ASSIGN(const auto found, store_.GetGlueDatabase(account_, name));
  return found.has_value();
}

Result<void> StoredCatalog::CreateDatabase(const GlueDatabase& database) {
  return store_.CreateGlueDatabase(database);
}

Result<bool> StoredCatalog::DeleteDatabase(const std::string& name) {
  return store_.DeleteGlueDatabase(account_, name);
}

Result<std::optional<GlueTable>> StoredCatalog::GetTable(const std::string& database,
                                                         const std::string& name) {
  return store_.GetGlueTable(account_, database, name);
}

Result<std::vector<GlueTable>> StoredCatalog::ListTables(const std::string& database) {
  return store_.ListGlueTables(account_, database);
}

Result<void> StoredCatalog::CreateTable(const GlueTable& table) {
  return store_.CreateGlueTable(table);
}

Result<bool> StoredCatalog::UpdateTable(const GlueTable& table) {
  return store_.UpdateGlueTable(table);
}

Result<bool> StoredCatalog::ReplaceTable(const GlueTable& table) {
  return store_.Glue().ReplaceTable(table, true);
}

Result<bool> StoredCatalog::DeleteTable(const std::string& database, const std::string& name) {
  return store_.DeleteGlueTable(account_, database, name);
}

Result<uint64_t> StoredCatalog::CountPartitions(const GlueTable& table, uint64_t) {
  if (finder_ == nullptr || !*finder_) return 0;  // they cannot be found one by one
  return store_.Glue().CountPartitions({account_, table.database, table.name});
}

Result<std::vector<GluePartition>> StoredCatalog::ListPartitions(
    const GlueTable& table, const std::vector<ipc::TableColumn>& keys,
    std::string_view expression) {
  if (expression.empty()) return store_.ListGluePartitions(account_, table.database, table.name);
  if (finder_ == nullptr || !*finder_)
    return Fail(ErrorKind::kFeatureNotSupported, "expressions over partitions are not supported");
  return (*finder_)(store_, {account_, table.database, table.name}, keys, expression);
}

Result<void> StoredCatalog::CreatePartitions(const GlueTable& table,
                                             const std::vector<GluePartition>& partitions) {
  return store_.CreateGluePartitions(table, partitions, false);
}

Result<bool> StoredCatalog::DeletePartition(const GlueTable& table,
                                            const std::vector<std::string>& values) {
  return store_.DeleteGluePartition(account_, table.database, table.name, values);
}

}  // namespace skep::catalog
