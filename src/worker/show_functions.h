// The table functions behind SHOW DATABASES, SCHEMAS, TABLES and COLUMNS (sql/emit/shows.cc):
// rs_show_databases(), rs_show_schemas(database), rs_show_tables(database, schema) and
// rs_show_columns(database, schema, table). They tell of the databases of the workspace, of
// external schemas, and of awsdatacatalog; what is not the workspace's own is asked of the gateway
// at each execution. A name that leads nowhere is an error (kUndefinedDatabase, kUndefinedSchema,
// kUndefinedTable), as is a catalog that cannot be asked.
#pragma once

#include <duckdb.hpp>
#include <functional>
#include <string>

#include "base/error.h"
#include "worker/external_scan/lake_client.h"
#include "worker/external_views.h"

namespace skep::worker {

struct ShowSources {
  // Of the session's own database.
  ExternalAskerLookup asker;
  // The external schemas of any database of the workspace. Errors: kUndefinedDatabase.
  std::function<Result<std::map<std::string, ipc::ExternalSchemaBinding>>(
      duckdb::ClientContext&, const std::string& database)>
      schemas_of;
  std::function<std::vector<std::string>()> databases;
};

void RegisterShowFunctions(duckdb::DatabaseInstance& instance, external_scan::LakeClient& client,
                           ShowSources sources);

}  // namespace skep::worker
