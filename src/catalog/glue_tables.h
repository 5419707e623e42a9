// Tables of external schemas out of the Glue objects in the control store: StorageDescriptor, SerDe
// and parameters become the format and options that a worker's readers understand. Reads the API's
// JSON shapes; writes nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/store.h"
#include "lake/lake_service.h"

namespace skep::catalog {

class GlueTableSource final : public lake::TableSource {
 public:
  explicit GlueTableSource(control::Store& store) : store_(store) {}
  Result<lake::CatalogTable> GetTable(std::string_view catalog_id, std::string_view database,
                                      std::string_view table) override;
  Result<std::vector<std::string>> ListTables(std::string_view catalog_id,
                                              std::string_view database) override;
  Result<void> Change(std::string_view catalog_id, std::string_view database,
                      std::string_view change) override;

 private:
  control::Store& store_;
};

// The pure half: a Glue Table and its partitions as JSON texts. Errors: kFeatureNotSupported,
// kDataException (not a usable table).
Result<lake::CatalogTable> DescribeGlueTable(const std::string& table_json,
                                             const std::vector<control::GluePartition>& partitions,
                                             uint64_t version);

}  // namespace skep::catalog
