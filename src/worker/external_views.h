// The table functions behind the system views of external data (sql/emit/duckdb_catalog.cc):
// rs_external_schemas, _databases, _tables, _columns and _partitions tell what the role chains of
// the external schemas may see in their data catalogs, rs_external_scans what the workspace's scans
// cost, rs_external_ddl(schema, table, with_partitions) is SHOW EXTERNAL TABLE. All of it is asked
// of the gateway at each execution. A filter that names a schema or a table asks for that alone. A
// catalog that cannot be asked is left out of the views; of rs_external_ddl it is an error.
#pragma once

#include <duckdb.hpp>
#include <functional>
#include <map>
#include <string>

#include "ipc/messages.h"
#include "worker/external_scan/lake_client.h"

namespace skep::worker {

// Whose statement runs, and the external schemas that its session sees.
struct ExternalAsker {
  external_scan::Asker asker;
  std::string database;
  std::map<std::string, ipc::ExternalSchemaBinding> schemas;
};

// SVV_EXTERNAL_SCHEMAS.esoptions.
std::string ExternalOptions(const ipc::ExternalSchemaBinding& binding);

using ExternalAskerLookup = std::function<ExternalAsker(duckdb::ClientContext&)>;

void RegisterExternalViews(duckdb::DatabaseInstance& instance, external_scan::LakeClient& client,
                           ExternalAskerLookup asker);

}  // namespace skep::worker
