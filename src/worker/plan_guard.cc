#include "worker/plan_guard.h"

#include <algorithm>
#include <array>
#include <duckdb/catalog/catalog_entry/duck_table_entry.hpp>
#include <duckdb/execution/operator/persistent/physical_batch_insert.hpp>
#include <duckdb/execution/operator/persistent/physical_copy_to_file.hpp>
#include <duckdb/execution/operator/persistent/physical_delete.hpp>
#include <duckdb/execution/operator/persistent/physical_insert.hpp>
#include <duckdb/execution/operator/persistent/physical_merge_into.hpp>
#include <duckdb/execution/operator/persistent/physical_update.hpp>
#include <duckdb/execution/operator/scan/physical_table_scan.hpp>
#include <duckdb/execution/operator/schema/physical_alter.hpp>
#include <duckdb/execution/operator/schema/physical_create_schema.hpp>
#include <duckdb/execution/operator/schema/physical_create_table.hpp>
#include <duckdb/execution/operator/schema/physical_create_view.hpp>
#include <duckdb/execution/operator/schema/physical_drop.hpp>
#include <duckdb/main/prepared_statement_data.hpp>
#include <string_view>

#include "base/ids.h"
#include "base/log.h"
#include "sql/emit.h"
#include "worker/unload/unload_function.h"

namespace skep::worker {
namespace {

using duckdb::PhysicalOperatorType;

// Table functions that a plan may hold: scans of tables, series, and what the catalog views are
// made of.
constexpr std::array<std::string_view, 41> kScans = {"seq_scan",
                                                     "rs_copy",
                                                     "rs_kept",
                                                     "rs_external_schemas",
                                                     "rs_external_databases",
                                                     "rs_external_tables",
                                                     "rs_external_columns",
                                                     "rs_external_partitions",
                                                     "rs_external_scans",
                                                     "rs_external_errors",
                                                     "rs_external_ddl",
                                                     "rs_show_databases",
                                                     "rs_show_schemas",
                                                     "rs_show_tables",
                                                     "rs_show_columns",
                                                     "index_scan",
                                                     "generate_series",
                                                     "range",
                                                     "repeat",
                                                     "unnest",
                                                     "lake_parquet",
                                                     "lake_csv",
                                                     "lake_json",
                                                     "lake_avro",
                                                     "lake_orc",
                                                     "lake_xlsx",
                                                     "lake_lines",
                                                     "lake_remote",
                                                     "duckdb_columns",
                                                     "duckdb_constraints",
                                                     "duckdb_databases",
                                                     "duckdb_schemas",
                                                     "duckdb_tables",
                                                     "duckdb_types",
                                                     "duckdb_views",
                                                     "duckdb_functions",
                                                     "duckdb_indexes",
                                                     "duckdb_sequences",
                                                     "duckdb_dependencies",
                                                     "pg_timezone_names",
                                                     "duckdb_table_sample"};

[[noreturn]] void Refuse(const std::string& what) {
  const std::string incident = NewUuid();
  log::Fault("plan_refused", {{"incident", incident}, {"what", what}});
  throw duckdb::PermissionException("permission denied (incident %s)", incident);
}

void CheckScan(const std::string& function) {
  if (std::ranges::find(kScans, function) == kScans.end()) Refuse("scan " + function);
}

// The databases that a plan may name: its own, and those of the workspace that it may read.
struct Databases {
  const std::string& own;
  const IsDatabase& readable;
};

void CheckName(const std::string& catalog, const std::string& schema, const std::string& name,
               const std::string& database) {
  const bool known =
      catalog == database || catalog == "temp" || catalog == sql::kLakeCatalog || catalog.empty();
  // Nothing of users is in the schemas that the engine makes in each database.
  if (!known || (catalog != "temp" && sql::IsReservedSchema(schema)))
    Refuse("table " + catalog + "." + schema + "." + name);
}

void CheckTable(const duckdb::TableCatalogEntry& table, const std::string& database) {
  CheckName(table.catalog.GetName(), table.schema.name, table.name, database);
}

void CheckScanned(const duckdb::TableCatalogEntry& table, const Databases& databases) {
  const std::string& catalog = table.catalog.GetName();
  CheckTable(table, databases.readable && databases.readable(catalog) ? catalog : databases.own);
}

// INSERT and CREATE TABLE AS are one operator; Cast knows it by one name only.
template <class Insert>
void CheckInsert(const Insert& insert, const std::string& database) {
  if (insert.insert_table) CheckTable(*insert.insert_table, database);
  if (insert.schema)
    CheckName(insert.schema->catalog.GetName(), insert.schema->name, "*", database);
}

// What a plan may be made of; the rest is refused, whatever it is.
bool IsHarmless(PhysicalOperatorType type) {
  using enum PhysicalOperatorType;
  switch (type) {
    case ORDER_BY:
    case LIMIT:
    case STREAMING_LIMIT:
    case LIMIT_PERCENT:
    case TOP_N:
    case WINDOW:
    case STREAMING_WINDOW:
    case UNNEST:
    case UNGROUPED_AGGREGATE:
    case HASH_GROUP_BY:
    case PERFECT_HASH_GROUP_BY:
    case PARTITIONED_AGGREGATE:
    case FILTER:
    case PROJECTION:
    case RESERVOIR_SAMPLE:
    case STREAMING_SAMPLE:
    case PIVOT:
    case DUMMY_SCAN:
    case COLUMN_DATA_SCAN:
    case CHUNK_SCAN:
    case RECURSIVE_CTE_SCAN:
    case RECURSIVE_RECURRING_CTE_SCAN:
    case CTE_SCAN:
    case DELIM_SCAN:
    case EXPRESSION_SCAN:
    case POSITIONAL_SCAN:
    case BLOCKWISE_NL_JOIN:
    case NESTED_LOOP_JOIN:
    case HASH_JOIN:
    case CROSS_PRODUCT:
    case PIECEWISE_MERGE_JOIN:
    case IE_JOIN:
    case LEFT_DELIM_JOIN:
    case RIGHT_DELIM_JOIN:
    case POSITIONAL_JOIN:
    case ASOF_JOIN:
    case UNION:
    case RECURSIVE_CTE:
    case RECURSIVE_KEY_CTE:
    case CTE:
    case EXPLAIN:
    case EXPLAIN_ANALYZE:
    case EMPTY_RESULT:
    case RESULT_COLLECTOR:
    case VERIFY_VECTOR:
    case TRANSACTION:
      return true;
    default:
      return false;
  }
}

void CheckOperator(const duckdb::PhysicalOperator& op, const Databases& databases) {
  const std::string& database = databases.own;
  switch (op.type) {
    case PhysicalOperatorType::TABLE_SCAN: {
      const auto& scan = op.Cast<duckdb::PhysicalTableScan>();
      CheckScan(scan.function.name);
      if (scan.function.get_bind_info && scan.bind_data) {
        const auto info = scan.function.get_bind_info(scan.bind_data.get());
        if (info.table) CheckScanned(*info.table, databases);
      }
      break;
    }
    case PhysicalOperatorType::INOUT_FUNCTION: {
      const auto shown = op.ParamsToString();
      const auto name = shown.find("Name");
      CheckScan(name == shown.end() ? "without a name" : name->second);
      break;
    }
    case PhysicalOperatorType::COPY_TO_FILE: {
      // Where its files go the gateway decides; no other copy function may run, and none to a path.
      const auto& copy = op.Cast<duckdb::PhysicalCopyToFile>();
      if (copy.function.name != unload::kUnloadFunction ||
          copy.file_path != unload::kUnloadTarget || copy.partition_output ||
          copy.per_thread_output || copy.rotate || copy.use_tmp_file)
        Refuse("copy to " + copy.function.name);
      break;
    }
    case PhysicalOperatorType::INSERT:
    case PhysicalOperatorType::CREATE_TABLE_AS:
      CheckInsert(static_cast<const duckdb::PhysicalInsert&>(op), database);
      break;
    case PhysicalOperatorType::BATCH_INSERT:
    case PhysicalOperatorType::BATCH_CREATE_TABLE_AS:
      CheckInsert(static_cast<const duckdb::PhysicalBatchInsert&>(op), database);
      break;
    case PhysicalOperatorType::DELETE_OPERATOR:
      CheckTable(op.Cast<duckdb::PhysicalDelete>().tableref, database);
      break;
    case PhysicalOperatorType::MERGE_INTO:
      for (const auto& action : op.Cast<duckdb::PhysicalMergeInto>().actions) {
        if (action->op) CheckOperator(*action->op, databases);
      }
      break;
    case PhysicalOperatorType::UPDATE:
      CheckTable(op.Cast<duckdb::PhysicalUpdate>().tableref, database);
      break;
    case PhysicalOperatorType::CREATE_TABLE: {
      const auto& create = op.Cast<duckdb::PhysicalCreateTable>();
      CheckName(create.schema.catalog.GetName(), create.schema.name, "*", database);
      break;
    }
    case PhysicalOperatorType::CREATE_VIEW: {
      const auto& info = *op.Cast<duckdb::PhysicalCreateView>().info;
      CheckName(info.catalog, info.schema, info.view_name, database);
      break;
    }
    case PhysicalOperatorType::CREATE_SCHEMA: {
      const auto& info = *op.Cast<duckdb::PhysicalCreateSchema>().info;
      CheckName(info.catalog, info.schema, "*", database);
      break;
    }
    case PhysicalOperatorType::DROP: {
      const auto& info = *op.Cast<duckdb::PhysicalDrop>().info;
      CheckName(info.catalog,
                info.type == duckdb::CatalogType::SCHEMA_ENTRY ? info.name : info.schema, info.name,
                database);
      break;
    }
    case PhysicalOperatorType::ALTER: {
      const auto& info = *op.Cast<duckdb::PhysicalAlter>().info;
      CheckName(info.catalog, info.schema, info.name, database);
      break;
    }
    default:
      if (!IsHarmless(op.type)) Refuse("operator " + duckdb::PhysicalOperatorToString(op.type));
  }
  for (const auto& child : op.GetChildren()) CheckOperator(child.get(), databases);
}

}  // namespace

void CheckPlan(duckdb::PreparedStatementData& data, const std::string& database,
               const IsDatabase& readable) {
  const auto known = [&](const std::string& name) {
    return name == database || name == "temp" || name == "system" || name == sql::kLakeCatalog ||
           (readable && readable(name));
  };
  for (const auto& [name, identity] : data.properties.read_databases) {
    if (!known(name)) Refuse("database " + name);
  }
  for (const auto& [name, modified] : data.properties.modified_databases) {
    if (name != database && name != "temp") Refuse("write to database " + name);
  }
  if (data.physical_plan) CheckOperator(data.physical_plan->Root(), {database, readable});
}

}  // namespace skep::worker
