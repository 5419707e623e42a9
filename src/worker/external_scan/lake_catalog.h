// The catalog skep_lake, in which the engine finds external tables: "skep_lake"."<external
// schema>"."<table>". Schemas are those the worker knows (a callback); a table is opened at the
// gateway once per statement and never kept for the next, so that each statement sees the newest
// catalog. Read-only.
//
// Statements over these tables are bound anew at every execution: their scans refuse the engine's
// statement cache, so a prepared statement never runs on an old table. A cache of one's own must do
// the same: see ReadsLake.
#pragma once

#include <duckdb.hpp>
#include <functional>
#include <optional>
#include <string>

#include "ipc/messages.h"
#include "worker/external_scan/lake_client.h"

namespace duckdb {
struct StatementProperties;
}

namespace skep::external_scan {

// Called while a statement is bound, with the connection's lock held: must not run a query on that
// connection.
using SchemaLookup = std::function<std::optional<ipc::ExternalSchemaBinding>(
    duckdb::ClientContext&, const std::string& schema)>;
using AskerLookup = std::function<Asker(duckdb::ClientContext&)>;

inline constexpr const char* kLakeCatalog = "skep_lake";
// Of a table's entry: how many of its columns, the last ones, are partition keys.
inline constexpr const char* kPartitionKeysTag = "partition_keys";
inline constexpr const char* kIcebergTag = "iceberg";

// Of a table whose rows come from files, which have "$path" and "$size".
inline constexpr const char* kFilesTag = "files";

// Registers the file system of s3:// paths and attaches the catalog. Call once per instance, before
// it is locked down; the instance then needs allowed_directories to hold "s3://" if external access
// is off. `client` must outlive the instance. Without callbacks (scratch workers) there are no
// schemas, but files can be read. Throws duckdb::Exception.
void RegisterLake(duckdb::DatabaseInstance& instance, LakeClient& client, SchemaLookup schemas = {},
                  AskerLookup asker = {});

// True for a statement that reads an external table.
bool ReadsLake(const duckdb::StatementProperties& properties);

}  // namespace skep::external_scan
