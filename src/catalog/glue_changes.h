// What SQL changes in a data catalog: databases, tables and partitions, as the front writes it
// (sql/emit/external.cc).
#pragma once

#include <string>
#include <string_view>

#include "catalog/data_catalog.h"

namespace skep::catalog {

// `change` is JSON: "operation" (CreateDatabase, CreateTable, DropTable, AddPartitions,
// DropPartitions, SetLocation, SetProperties, PublishIceberg) with its members. Errors:
// kDuplicateTable, kSerializationFailure (PublishIceberg: other metadata meanwhile),
// kUndefinedTable, kUndefinedSchema, kDuplicateObject (a partition), kUndefinedObject (a
// partition), kInvalidArgument (values that are not the table's keys).
Result<void> ChangeCatalog(DataCatalog& catalog, std::string_view database,
                           std::string_view change);

}  // namespace skep::catalog
