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
  return FindSystem(schema, name) != nullptr;
}

std::string SystemRelationText(std::string_view schema, std::string_view name) {
  std::string text = QuoteName(schema) + "." + QuoteName(name);
  const SystemRelation* relation = FindSystem(schema, name);
  if (!relation || relation->condition.empty()) return text;
  return "(select " + std::string(relation->columns) + " from " + text + " where " +
         std::string(relation->condition) + ")";
}

}  // namespace skep::sql
