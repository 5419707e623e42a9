// Names that the engine's catalogs have beside the users' own: the lake's catalog, our hidden
// schema, and the system relations as users may see them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql/resolve/catalog.h"

namespace skep::sql {

// Name of the attached catalog under which external schemas appear to the engine: ext.t is emitted
// as "skep_lake"."ext"."t".
inline constexpr std::string_view kLakeCatalog = "skep_lake";
// The data catalog that the workspace's default role opens, as a database of its own: a table
// "awsdatacatalog"."db"."t" is "t" of the external schema "awsdatacatalog.db", which nobody makes.
inline constexpr std::string_view kAutoMounted = "awsdatacatalog";
// Whether a schema is one of these.
bool IsAutoMounted(std::string_view schema);
// Schema of hidden metadata tables inside each database file; user statements may never name it.
inline constexpr std::string_view kHiddenSchema = "skep_catalog";

// Whether a schema of this name belongs to the engine or to us and not to users. The engine
// compares names without regard to case, so the letters' case does not matter.
bool IsReservedSchema(std::string_view name);
// The column of the empty query that stands for a late-binding view in the engine.
inline constexpr std::string_view kLateBindingColumn = "late binding";

// The columns of a system view of ours; none for other relations.
std::vector<Column> SystemViewColumns(std::string_view schema, std::string_view name);

// Whether users may read this relation of pg_catalog or information_schema.
bool IsSystemRelation(std::string_view schema, std::string_view name);
// The relation as the engine reads it, without what belongs to the hidden schema.
std::string SystemRelationText(std::string_view schema, std::string_view name);

}  // namespace skep::sql
