#include "worker/plan_guard.h"

#include <duckdb/catalog/catalog_entry/duck_table_entry.hpp>
#include <duckdb/execution/operator/persistent/physical_batch_insert.hpp>
#include <duckdb/execution/operator/persistent/physical_delete.hpp>
#include <duckdb/execution/operator/persistent/physical_insert.hpp>
#include <duckdb/execution/operator/persistent/physical_update.hpp>
#include <duckdb/execution/operator/scan/physical_table_scan.hpp>
#include <duckdb/main/prepared_statement_data.hpp>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/ids.h"
#include "base/log.h"
#include "sql/emit.h"

namespace skep::worker {
namespace {

using duckdb::PhysicalOperatorType;

// Table functions that a plan may hold: scans of tables, series, and what the catalog views are made of.
constexpr std::array<std::string_view, 22> kScans = {
    "seq_scan", "index_scan", "generate_series", "range", "repeat", "unnest", "lake_parquet", "lake_csv", "lake_json", "duckdb_columns",
    "duckdb_constraints", "duckdb_databases", "duckdb_schemas", "duckdb_tables", "duckdb_types", "duckdb_views", "duckdb_functions",
    "duckdb_indexes", "duckdb_sequences", "duckdb_dependencies", "pg_timezone_names", "duckdb_table_sample"};

[[noreturn]] void Refuse(const std::string& what) {
  const std::string incident = NewUuid();
  log::Fault("plan_refused", {{"incident", incident}, {"what", what}});
  throw duckdb::PermissionException("permission denied (incident %s)", incident);
}

void CheckTable(const duckdb::TableCatalogEntry& table, const std::string& database) {
  const std::string& schema = table.schema.name;
  const std::string& catalog = table.catalog.GetName();
  if (schema == sql::kHiddenSchema) Refuse("table " + catalog + "." + schema + "." + table.name);
  if (catalog != database && catalog != "temp" && catalog != sql::kLakeCatalog) Refuse("table " + catalog + "." + schema + "." + table.name);
}

void CheckOperator(const duckdb::PhysicalOperator& op, const std::string& database) {
  switch (op.type) {
    case PhysicalOperatorType::TABLE_SCAN: {
      const auto& scan = op.Cast<duckdb::PhysicalTableScan>();
      if (std::ranges::find(kScans, scan.function.name) == kScans.end()) Refuse("scan " + scan.function.name);
      if (scan.function.get_bind_info && scan.bind_data) {
        const auto info = scan.function.get_bind_info(scan.bind_data.get());
        if (info.table) CheckTable(*info.table, database);
      }
      break;
    }
    case PhysicalOperatorType::INSERT:
      if (const auto table = op.Cast<duckdb::PhysicalInsert>().insert_table) CheckTable(*table, database);
      break;
    case PhysicalOperatorType::BATCH_INSERT:
      if (const auto table = op.Cast<duckdb::PhysicalBatchInsert>().insert_table) CheckTable(*table, database);
      break;
    case PhysicalOperatorType::DELETE_OPERATOR: CheckTable(op.Cast<duckdb::PhysicalDelete>().tableref, database); break;
    case PhysicalOperatorType::UPDATE: CheckTable(op.Cast<duckdb::PhysicalUpdate>().tableref, database); break;
    case PhysicalOperatorType::COPY_TO_FILE:
    case PhysicalOperatorType::BATCH_COPY_TO_FILE:
    case PhysicalOperatorType::LOAD:
    case PhysicalOperatorType::ATTACH:
    case PhysicalOperatorType::DETACH:
    case PhysicalOperatorType::EXPORT:
    case PhysicalOperatorType::CREATE_SECRET:
    case PhysicalOperatorType::PRAGMA:
    case PhysicalOperatorType::SET:
    case PhysicalOperatorType::RESET:
    case PhysicalOperatorType::SET_VARIABLE: Refuse("operator " + duckdb::PhysicalOperatorToString(op.type)); break;
    default: break;
  }
  for (const auto& child : op.GetChildren()) CheckOperator(child.get(), database);
}

}  // namespace

void CheckPlan(duckdb::PreparedStatementData& data, const std::string& database) {
  const auto known = [&](const std::string& name) {
    return name == database || name == "temp" || name == "system" || name == sql::kLakeCatalog;
  };
  for (const auto& [name, identity] : data.properties.read_databases) {
    if (!known(name)) Refuse("database " + name);
  }
  for (const auto& [name, modified] : data.properties.modified_databases) {
    if (name != database && name != "temp") Refuse("write to database " + name);
  }
  if (data.physical_plan) CheckOperator(data.physical_plan->Root(), database);
}

}  // namespace skep::worker
