#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/glue/operations.h"
#include "base/text.h"

namespace skep::glue {
namespace {

constexpr const char* kKind = "column_statistics";

// What statistics belong to: a table, or one of its partitions.
struct Owner {
  control::GlueTable table;
  std::string parent;
  std::vector<std::string> columns;  // lower case
};

std::vector<std::string> ColumnsOf(const control::GlueTable& table) {
  std::vector<std::string> names;
  const Json json = Stored(table.json);
  const Json storage = json.value("StorageDescriptor", Json::object());
  for (const Json& list :
       {storage.value("Columns", Json::array()), json.value("PartitionKeys", Json::array())}) {
    for (const Json& column : list) names.push_back(Lower(Text(column, "Name")));
  }
  return names;
}

Answer<Owner> TableOwner(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  Owner owner{std::move(*table), {}, {}};
  owner.parent = control::TableParent(owner.table.database, owner.table.name);
  owner.columns = ColumnsOf(owner.table);
  return owner;
}

Answer<Owner> PartitionOwner(const CallState& call) {
  auto owner = TableOwner(call);
  if (!owner) return owner;
  const auto values = Texts(call.request, "PartitionValues");
  if (auto found = FindPartition(call, owner->table, values); !found)
    return std::unexpected(found.error());
  owner->parent = control::PartitionParent(owner->table.database, owner->table.name, values);
  return owner;
}

// The structure that the type names must be there.
Answer<void> CheckStatistics(const Json& statistics) {
  const Json& data = statistics["StatisticsData"];
  std::string member = Text(data, "Type");
  for (size_t i = 1; i < member.size(); i++) member[i] = Lower(member.substr(i, 1)).front();
  member += "ColumnStatisticsData";
  if (!data.contains(member))
    return InvalidInput(
        fmt::format("Statistics of type {} must have {}.", Text(data, "Type"), member));
  return {};
}

std::unexpected<Failure> NoColumn(const std::string& name) {
  return NotFound(fmt::format("Column {} not found.", name));
}

Answer<Json> Update(const CallState& call, const Answer<Owner>& owner) {
  if (!owner) return std::unexpected(owner.error());
  Json errors = Json::array();
  for (const Json& statistics : call.request["ColumnStatisticsList"]) {
    const std::string name = Lower(Text(statistics, "ColumnName"));
    Answer<void> kept = CheckStatistics(statistics);
    if (std::ranges::find(owner->columns, name) == owner->columns.end()) kept = NoColumn(name);
    if (kept) {
      Json json = statistics;
      json["ColumnName"] = name;
      const auto put =
          call.Glue().PutObject({owner->table.catalog_id, kKind, owner->parent, name, Dump(json)});
      if (!put) return Translated(put.error());
    } else {
      errors.push_back({{"ColumnStatistics", statistics}, {"Error", ErrorDetail(kept.error())}});
    }
  }
  return errors.empty() ? Json::object() : Json{{"Errors", errors}};
}

Answer<Json> Get(const CallState& call, const Answer<Owner>& owner) {
  if (!owner) return std::unexpected(owner.error());
  Json out = {{"ColumnStatisticsList", Json::array()}, {"Errors", Json::array()}};
  for (const std::string& given : Texts(call.request, "ColumnNames")) {
    const std::string name = Lower(given);
    const auto found = call.Glue().GetObject(owner->table.catalog_id, kKind, owner->parent, name);
    if (!found) return Translated(found.error());
    if (*found) {
      out["ColumnStatisticsList"].push_back(Stored((*found)->json));
    } else {
      const Failure none = NotFound(fmt::format("No statistics of column {} found.", name)).error();
      out["Errors"].push_back({{"ColumnName", given}, {"Error", ErrorDetail(none)}});
    }
  }
  return out;
}

Answer<Json> Delete(const CallState& call, const Answer<Owner>& owner) {
  if (!owner) return std::unexpected(owner.error());
  const std::string name = Lower(Text(call.request, "ColumnName"));
  const auto deleted =
      call.Glue().DeleteObject(owner->table.catalog_id, kKind, owner->parent, name);
  if (!deleted) return Translated(deleted.error());
  // Engines delete what columns may have before they write what they know.
  if (!*deleted && std::ranges::find(owner->columns, name) == owner->columns.end())
    return NoColumn(name);
  return Json::object();
}

Answer<Json> UpdateOfTable(const CallState& call) { return Update(call, TableOwner(call)); }
Answer<Json> GetOfTable(const CallState& call) { return Get(call, TableOwner(call)); }
Answer<Json> DeleteOfTable(const CallState& call) { return Delete(call, TableOwner(call)); }
Answer<Json> UpdateOfPartition(const CallState& call) { return Update(call, PartitionOwner(call)); }
Answer<Json> GetOfPartition(const CallState& call) { return Get(call, PartitionOwner(call)); }
Answer<Json> DeleteOfPartition(const CallState& call) { return Delete(call, PartitionOwner(call)); }

constexpr auto kOperations = std::to_array<Operation>({
    {"UpdateColumnStatisticsForTable", UpdateOfTable, true},
    {"GetColumnStatisticsForTable", GetOfTable},
    {"DeleteColumnStatisticsForTable", DeleteOfTable, true},
    {"UpdateColumnStatisticsForPartition", UpdateOfPartition, true},
    {"GetColumnStatisticsForPartition", GetOfPartition},
    {"DeleteColumnStatisticsForPartition", DeleteOfPartition, true},
});

}  // namespace

std::span<const Operation> ColumnStatisticsOperations() { return kOperations; }

}  // namespace skep::glue
