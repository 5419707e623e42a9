#include "sql/emit/duckdb_catalog.h"

#include <algorithm>

#include "base/text.h"
#include "sql/quoting.h"

namespace skep::sql {
namespace {

struct SystemRelation {
  std::string_view schema, name;
  std::string_view condition;  // of the rows that users may see; empty: all of them
  std::string_view columns = "*";
};
constexpr SystemRelation kRelations[] = {
    {"information_schema", "columns", "table_schema <> 'skep_catalog'"},
    {"information_schema", "schemata", "schema_name <> 'skep_catalog'"},
    {"information_schema", "tables", "table_schema <> 'skep_catalog'"},
    {"information_schema", "views", "table_schema <> 'skep_catalog'"},
    {"pg_catalog", "pg_attrdef", ""},
    {"pg_catalog", "pg_attribute",
     "attrelid not in (select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on "
     "n.oid = c.relnamespace where n.nspname = 'skep_catalog')"},
    {"pg_catalog", "pg_class",
     "relnamespace not in (select oid from pg_catalog.pg_namespace where nspname = "
     "'skep_catalog')"},
    {"pg_catalog", "pg_constraint", ""},
    {"pg_catalog", "pg_database", ""},
    // What the engine calls a comment holds facts of ours (docs/adr/0005) beside the user's own.
    {"pg_catalog", "pg_description",
     "case when description like '{%' then json_extract_string(description, '$.comment') else "
     "description end is not null",
     "objoid, classoid, objsubid, case when description like '{%' then "
     "json_extract_string(description, '$.comment') else description end as description"},
    {"pg_catalog", "pg_namespace", "nspname <> 'skep_catalog'"},
    {"pg_catalog", "pg_tables", "schemaname <> 'skep_catalog'"},
    {"pg_catalog", "pg_type", ""},
    {"pg_catalog", "pg_views", "schemaname <> 'skep_catalog'"},
};

// Views of ours, over what the worker's functions answer: the columns as users see them.
struct SystemView {
  std::string_view name;
  std::string_view columns;  // "name:type,..."
  std::string_view text;
};
constexpr SystemView kViews[] = {
    {"stl_load_errors",
     "userid:int,slice:int,tbl:int,starttime:timestamp,session:int,query:int,filename:varchar(256),"
     "line_number:bigint,colname:varchar(127),type:varchar(20),col_length:varchar(10),position:int,"
     "raw_line:varchar(1024),raw_field_value:varchar(1024),err_code:int,err_reason:varchar(512),"
     "is_partial:int,start_offset:bigint,copy_job_id:bigint",
     "select 100::integer, 0::integer, 0::integer, loaded_at, process_id, query_id::integer, "
     "file_name, "
     "line_number, column_name, column_type, column_length, position, record, value, code, reason, "
     "0::integer, 0::bigint, null::bigint from rs_load_errors()"},
    {"sys_load_error_detail",
     "user_id:int,query_id:bigint,transaction_id:bigint,session_id:int,database_name:varchar(64),"
     "table_id:int,start_time:timestamp,file_name:varchar(256),line_number:bigint,"
     "column_name:varchar(127),column_type:varchar(20),column_length:varchar(10),position:int,"
     "error_code:int,error_message:varchar(512)",
     "select 100::integer, query_id, 0::bigint, process_id, current_database(), 0::integer, "
     "loaded_at, "
     "file_name, line_number, column_name, column_type, column_length, position, code, reason from "
     "rs_load_errors()"},
};

const SystemView* FindView(std::string_view schema, std::string_view name) {
  const auto it = std::ranges::find(kViews, name, &SystemView::name);
  return schema != "pg_catalog" || it == std::end(kViews) ? nullptr : it;
}

const SystemRelation* FindSystem(std::string_view schema, std::string_view name) {
  const auto it = std::ranges::find_if(
      kRelations, [&](const auto& r) { return r.schema == schema && r.name == name; });
  return it == std::end(kRelations) ? nullptr : it;
}

}  // namespace

bool IsReservedSchema(std::string_view name) {
  const std::string folded = Lower(name);
  return folded == kHiddenSchema || folded == kLakeCatalog || folded == "main" ||
         folded == "temp" || folded == "system" || folded == "information_schema" ||
         folded.starts_with("pg_");
}

bool IsSystemRelation(std::string_view schema, std::string_view name) {
  return FindSystem(schema, name) != nullptr || FindView(schema, name) != nullptr;
}

std::vector<Column> SystemViewColumns(std::string_view schema, std::string_view name) {
  std::vector<Column> columns;
  const SystemView* view = FindView(schema, name);
  for (std::string_view rest = view ? view->columns : std::string_view(); !rest.empty();) {
    const size_t end = std::min(rest.find(','), rest.size()), colon = rest.find(':');
    columns.push_back({std::string(rest.substr(0, colon)),
                       ParseCompactType(rest.substr(colon + 1, end - colon - 1))});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return columns;
}

std::string SystemRelationText(std::string_view schema, std::string_view name) {
  if (const SystemView* view = FindView(schema, name)) {
    std::string columns;
    for (const Column& column : SystemViewColumns(schema, name))
      columns += (columns.empty() ? "" : ", ") + QuoteName(column.name);
    return "(select * from (" + std::string(view->text) + ") as rows(" + columns + "))";
  }
  std::string text = QuoteName(schema) + "." + QuoteName(name);
  const SystemRelation* relation = FindSystem(schema, name);
  if (!relation || relation->condition.empty()) return text;
  return "(select " + std::string(relation->columns) + " from " + text + " where " +
         std::string(relation->condition) + ")";
}

}  // namespace skep::sql
