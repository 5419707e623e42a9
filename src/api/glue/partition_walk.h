// The partitions of a table that pass an expression: one walk over their keys, bounded by what the
// expression says of the first ones.
#pragma once

#include <string_view>
#include <vector>

#include "api/glue/partition_filter.h"
#include "control/store.h"

namespace skep::glue {

// Values that are not written as their key's type is usually written (a date as 2026-1-5) are
// answered, too: whoever asks looks at them again. Errors: those of PartitionFilter::Parse and of
// the store.
Result<std::vector<control::GluePartition>> FindPartitions(control::Store& store,
                                                           const control::TableName& table,
                                                           const std::vector<PartitionKey>& keys,
                                                           std::string_view expression);

}  // namespace skep::glue
