// Tables of external schemas out of the Glue objects in the control store: StorageDescriptor, SerDe
// and parameters become the format and options that a worker's readers understand. Reads the API's
// JSON shapes; writes nothing.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/store.h"
#include "lake/lake_service.h"

namespace skep::catalog {

// Partitions of a table that pass an expression of GetPartitions (empty: all), by its keys' names
// and types. Errors: kInvalidArgument (the expression).
using PartitionFinder = std::function<Result<std::vector<control::GluePartition>>(
    control::Store& store, const control::TableName& table,
    const std::vector<ipc::TableColumn>& keys, std::string_view expression)>;

class GlueTableSource final : public lake::TableSource {
 public:
  // Tables of more partitions are described without them; they are found as they are asked for.
  static constexpr uint64_t kDescribedPartitions = 256;

  // Without a finder every table is described with all of its partitions.
  explicit GlueTableSource(control::Store& store, PartitionFinder finder = {})
      : store_(store), finder_(std::move(finder)) {}
  Result<lake::CatalogTable> GetTable(std::string_view catalog_id, std::string_view database,
                                      std::string_view table) override;
  Result<lake::CatalogTable> DescribeTable(std::string_view catalog_id, std::string_view database,
                                           std::string_view table) override;
  Result<std::vector<std::string>> ListTables(std::string_view catalog_id,
                                              std::string_view database) override;
  Result<lake::CatalogPartitions> ListPartitions(std::string_view catalog_id,
                                                 std::string_view database, std::string_view table,
                                                 std::string_view filter) override;
  Result<std::vector<std::string>> Ask(std::string_view catalog_id, std::string_view database,
                                       std::string_view question, const lake::MayAct& may) override;
  Result<void> Change(std::string_view catalog_id, std::string_view database,
                      std::string_view change) override;

 private:
  Result<control::GlueTable> Find(std::string_view catalog_id, const std::string& database,
                                  const std::string& table);

  control::Store& store_;
  PartitionFinder finder_;
};

// The pure half: a Glue Table and its partitions as JSON texts. Errors: kFeatureNotSupported,
// kDataException (not a usable table).
Result<lake::CatalogTable> DescribeGlueTable(const std::string& table_json,
                                             const std::vector<control::GluePartition>& partitions,
                                             uint64_t version);

}  // namespace skep::catalog
