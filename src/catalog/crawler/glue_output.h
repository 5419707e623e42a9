// What a crawl writes into the catalog: structures of the Glue API as crawled tables have them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "catalog/crawler/plan.h"
#include "catalog/crawler/settings.h"

namespace skep::catalog {

// Parameters of a table, a partition or their storage descriptor.
nlohmann::json CrawledParameters(const PlannedTable& table, const Target& target,
                                 const std::string& crawler, uint64_t objects, uint64_t bytes,
                                 uint64_t rows);
nlohmann::json CrawledDescriptor(const PlannedTable& table, const Target& target,
                                 const std::string& crawler);

}  // namespace skep::catalog
