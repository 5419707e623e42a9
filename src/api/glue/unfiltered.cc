// What engines that enforce Lake Formation's permissions ask. There are none here: every column is
// authorized, nothing is registered.
#include <array>

#include "api/glue/operations.h"

namespace skep::glue {
namespace {

Json ColumnNames(const Json& table) {
  Json names = Json::array();
  const Json storage = table.value("StorageDescriptor", Json::object());
  for (const Json& list :
       {storage.value("Columns", Json::array()), table.value("PartitionKeys", Json::array())}) {
    for (const Json& column : list) names.push_back(Text(column, "Name"));
  }
  return names;
}

Answer<Json> GetTableMetadata(const CallState& call) {
  auto table = call.Table("Name");
  if (!table) return std::unexpected(table.error());
  Json json = TableOf(*table);
  Json columns = ColumnNames(json);
  return Json{{"Table", std::move(json)},
              {"AuthorizedColumns", std::move(columns)},
              {"IsRegisteredWithLakeFormation", false},
              {"CellFilters", Json::array()},
              {"IsMultiDialectView", false},
              {"IsProtected", false},
              {"ResourceArn", call.Arn("table/" + table->database + "/" + table->name)}};
}

Json Unfiltered(const control::GlueTable& table, const control::GluePartition& partition,
                const Json& columns) {
  return {{"Partition", PartitionOf(table, partition)},
          {"AuthorizedColumns", columns},
          {"IsRegisteredWithLakeFormation", false}};
}

Answer<Json> GetPartitionMetadata(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  const auto found = FindPartition(call, *table, Texts(call.request, "PartitionValues"));
  if (!found) return std::unexpected(found.error());
  return Unfiltered(*table, *found, ColumnNames(TableOf(*table)));
}

Answer<Json> GetPartitionsMetadata(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  Json out = {{"UnfilteredPartitions", Json::array()}};
  const auto page = PartitionPage(call, *table, out);
  if (!page) return std::unexpected(page.error());
  const Json columns = ColumnNames(TableOf(*table));
  for (const auto& partition : *page)
    out["UnfilteredPartitions"].push_back(Unfiltered(*table, partition, columns));
  return out;
}

constexpr auto kOperations = std::to_array<Operation>({
    {"GetUnfilteredTableMetadata", GetTableMetadata},
    {"GetUnfilteredPartitionMetadata", GetPartitionMetadata},
    {"GetUnfilteredPartitionsMetadata", GetPartitionsMetadata},
});

}  // namespace

std::span<const Operation> UnfilteredOperations() { return kOperations; }

}  // namespace skep::glue
