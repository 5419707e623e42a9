// How a write to an Iceberg table is read for and committed: its metadata through the gateway, then
// manifest, manifest list and metadata as files of the same write, published by one change of the
// catalog. Another writer's commit in between is found by that change, and the append is made again
// on top of it.
#pragma once

#include <string>
#include <vector>

#include "worker/external_scan/lake_client.h"
#include "worker/unload/iceberg_metadata.h"
#include "worker/unload/slice_writer.h"

namespace skep::worker::unload {

// A table of an external schema, and whoever writes to it.
struct IcebergPlace {
  external_scan::LakeClient& client;
  const ipc::ExternalSchemaBinding& schema;
  const external_scan::Asker& asker;
  const sql::UnloadPlan& plan;
};

// Reads the metadata that the catalog names. Throws lake errors and what IcebergTarget::Read
// throws.
IcebergTarget ReadIcebergTarget(const IcebergPlace& place,
                                const external_scan::LakeClient::Interrupted& interrupted);

// Appends `files`, which the write `state` holds, to the table of `target`, or makes that table.
// Throws lake errors: kSerializationFailure when others are quicker again and again, or changed the
// table's columns or partitions.
void CommitIceberg(duckdb::ClientContext& context, const IcebergPlace& place,
                   const IcebergTarget& target, UnloadState& state,
                   const std::vector<DataFile>& files);

}  // namespace skep::worker::unload
