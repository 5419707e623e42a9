// Tables of external schemas out of the Glue objects of a data catalog: StorageDescriptor, SerDe
// and parameters become the format and options that a worker's readers understand. Reads the API's
// JSON shapes; writes nothing.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catalog/data_catalog.h"
#include "catalog/foreign_catalog.h"
#include "control/store.h"
#include "lake/lake_service.h"

namespace skep::catalog {

class GlueTableSource final : public lake::TableSource {
 public:
  // Tables of more partitions are described without them; they are found as they are asked for.
  static constexpr uint64_t kDescribedPartitions = 256;

  // Without a finder every table is described with all of its partitions; without a client foreign
  // catalogs are not known. What is given must outlive it.
  explicit GlueTableSource(control::Store& store, PartitionFinder finder = {},
                           GlueClient* foreign = nullptr)
      : store_(store), finder_(std::move(finder)), foreign_(foreign) {}
  Result<lake::CatalogTable> GetTable(const identity::Credentials& catalog,
                                      std::string_view database, std::string_view table) override;
  Result<lake::CatalogTable> DescribeTable(const identity::Credentials& catalog,
                                           std::string_view database,
                                           std::string_view table) override;
  Result<std::vector<std::string>> ListTables(const identity::Credentials& catalog,
                                              std::string_view database) override;
  Result<lake::CatalogPartitions> ListPartitions(const identity::Credentials& catalog,
                                                 std::string_view database, std::string_view table,
                                                 std::string_view filter) override;
  Result<std::vector<std::string>> Ask(const identity::Credentials& catalog,
                                       std::string_view database, std::string_view question,
                                       const lake::MayAct& may) override;
  Result<void> Change(const identity::Credentials& catalog, std::string_view database,
                      std::string_view change) override;

 private:
  // Errors: kInvalidRole (a foreign catalog).
  Result<std::unique_ptr<DataCatalog>> Open(const identity::Credentials& catalog);

  control::Store& store_;
  PartitionFinder finder_;
  GlueClient* foreign_;
};

// The pure half: a Glue Table and its partitions as JSON texts. Errors: kFeatureNotSupported,
// kDataException (not a usable table).
Result<lake::CatalogTable> DescribeGlueTable(const std::string& table_json,
                                             const std::vector<control::GluePartition>& partitions,
                                             uint64_t version);

}  // namespace skep::catalog
