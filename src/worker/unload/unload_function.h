// The engine's end of UNLOAD and of writes to external tables: the copy function rs_unload, whose
// option "plan" is a sql::UnloadPlan. Each of the engine's threads is a slice and writes files of
// its own; when all are done they become visible together.
#pragma once

#include <duckdb.hpp>
#include <functional>
#include <optional>
#include <string>

#include "ipc/messages.h"
#include "worker/external_scan/lake_client.h"

namespace skep::worker::unload {

inline constexpr const char* kUnloadFunction = "rs_unload";
// What COPY ... TO names as its target; where the files go is in the plan.
inline constexpr const char* kUnloadTarget = "s3://";

// Who runs a statement, and what an external schema is bound to.
struct UnloadHooks {
  std::function<external_scan::Asker(duckdb::ClientContext&)> asker;
  std::function<std::optional<ipc::ExternalSchemaBinding>(duckdb::ClientContext&,
                                                          const std::string& schema)>
      schema;
};

void RegisterUnload(duckdb::DatabaseInstance& instance, external_scan::LakeClient& client,
                    UnloadHooks hooks);

}  // namespace skep::worker::unload
