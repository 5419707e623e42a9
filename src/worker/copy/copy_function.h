// rs_copy(plan varchar): the records of a COPY as rows of its columns. The plan is what the front
// wrote (sql/copy_plan.h); the objects come through the gateway. Rejected records go to the
// connection's LoadReport; when there are as many as MAXERROR the statement fails.
// rs_copy_parquet(plan varchar): the columns of Parquet files as c0, c1, ... by their places, read
// as an external table's are.
#pragma once

#include <duckdb.hpp>
#include <functional>
#include <string>

#include "worker/external_scan/lake_client.h"

namespace skep::worker::copy {

// `asker` tells whose statement runs in a context, and which keys it brought along.
void RegisterCopy(duckdb::DatabaseInstance& instance, external_scan::LakeClient& client,
                  std::function<external_scan::Asker(duckdb::ClientContext&)> asker);

}  // namespace skep::worker::copy
