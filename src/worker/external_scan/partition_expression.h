// A filter over partition keys as the Expression of Glue's GetPartitions, so that the catalog finds
// the partitions instead of listing them all. What it says may be less than the filter says, never
// more.
#pragma once

#include <duckdb.hpp>
#include <optional>
#include <string>

#include "worker/external_scan/lake_table.h"

namespace skep::external_scan {

inline constexpr size_t kMaxPartitionExpression = 2000;  // the catalog takes 2,048 characters

// References are BoundReferenceExpressions of keys. Nothing when the catalog cannot tell.
std::optional<std::string> PartitionExpression(const duckdb::Expression& filter,
                                               const LakeTable& table);

}  // namespace skep::external_scan
