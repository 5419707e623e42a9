// Fields of Avro records by the paths of a jsonpaths file, as expressions over the records'
// top-level fields. Source: the developer guide's "COPY from Avro format".
#pragma once

#include <duckdb.hpp>
#include <duckdb/planner/logical_operator.hpp>
#include <string>
#include <vector>

#include "ipc/messages.h"
#include "worker/copy/json_fields.h"

namespace skep::worker::copy {

// The top-level fields that the paths begin with, each once, as a table's columns. One that the
// file lacks is NULL: it is asked for by a name that no field has. Throws InvalidInputException (a
// path that begins with no name).
std::vector<ipc::TableColumn> RootsOf(const std::vector<JsonPath>& paths,
                                      const std::vector<ipc::InferredColumn>& fields);

// Over `records`, whose columns are RootsOf, one column for each path, of table `index`. What a
// path does not find is NULL.
duckdb::unique_ptr<duckdb::LogicalOperator> FollowPaths(
    duckdb::ClientContext& context, duckdb::unique_ptr<duckdb::LogicalOperator> records,
    duckdb::idx_t records_index, duckdb::idx_t index, const std::vector<JsonPath>& paths,
    const std::vector<ipc::TableColumn>& roots, const duckdb::vector<duckdb::LogicalType>& types);

}  // namespace skep::worker::copy
