#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/glue/operations.h"
#include "base/text.h"

namespace skep::glue {
namespace {

constexpr const char* kKind = "partition_index";
constexpr size_t kMaxIndexes = 3;

Answer<std::vector<control::GlueObject>> IndexesOf(const CallState& call,
                                                   const control::GlueTable& table) {
  auto found = call.Glue().ListObjects(table.catalog_id, kKind,
                                       control::TableParent(table.database, table.name));
  if (!found) return Translated(found.error());
  return std::move(*found);
}

Answer<Json> CreatePartitionIndex(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  if (auto kept = KeepPartitionIndex(call, *table, call.request["PartitionIndex"]); !kept)
    return std::unexpected(kept.error());
  return Json::object();
}

Json DescriptorOf(const control::GlueObject& index, const std::vector<PartitionKey>& keys) {
  Json out = {{"IndexName", index.name}, {"Keys", Json::array()}, {"IndexStatus", "ACTIVE"}};
  for (const std::string& name : Texts(Stored(index.json), "Keys")) {
    const auto key = std::ranges::find_if(
        keys, [&](const PartitionKey& k) { return Lower(k.name) == Lower(name); });
    out["Keys"].push_back({{"Name", name}, {"Type", key == keys.end() ? "string" : key->type}});
  }
  return out;
}

Answer<Json> GetPartitionIndexes(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  auto found = IndexesOf(call, *table);
  if (!found) return std::unexpected(found.error());
  Json out = {{"PartitionIndexDescriptorList", Json::array()}};
  const auto keys = KeysOf(*table);
  for (const auto& index : *found)
    out["PartitionIndexDescriptorList"].push_back(DescriptorOf(index, keys));
  return out;
}

Answer<Json> DeletePartitionIndex(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  const std::string name = Text(call.request, "IndexName");
  const auto deleted = call.Glue().DeleteObject(
      table->catalog_id, kKind, control::TableParent(table->database, table->name), name);
  if (!deleted) return Translated(deleted.error());
  if (!*deleted)
    return NotFound(fmt::format("Index with the given indexName : {} does not exist", name));
  return Json::object();
}

constexpr auto kOperations = std::to_array<Operation>({
    {"CreatePartitionIndex", CreatePartitionIndex, true},
    {"GetPartitionIndexes", GetPartitionIndexes},
    {"DeletePartitionIndex", DeletePartitionIndex, true},
});

}  // namespace

// Strings and numbers can be indexed, dates cannot.
Answer<void> CheckPartitionIndex(const std::vector<PartitionKey>& keys, const Json& index) {
  const auto names = Texts(index, "Keys");
  if (names.empty()) return InvalidInput("An index must have at least one key.");
  std::vector<std::string> seen;
  for (const std::string& name : names) {
    const auto key = std::ranges::find_if(
        keys, [&](const PartitionKey& k) { return Lower(k.name) == Lower(name); });
    if (key == keys.end())
      return InvalidInput(fmt::format("Key {} is not a partition key of the table.", name));
    const std::string type = Lower(key->type);
    if (type == "date" || type == "timestamp")
      return InvalidInput(fmt::format("Key {} of type {} cannot be indexed.", name, type));
    if (std::ranges::find(seen, Lower(name)) != seen.end())
      return InvalidInput(fmt::format("Key {} is given twice.", name));
    seen.push_back(Lower(name));
  }
  return {};
}

Answer<void> KeepPartitionIndex(const CallState& call, const control::GlueTable& table,
                                const Json& index) {
  if (auto checked = CheckPartitionIndex(KeysOf(table), index); !checked) return checked;
  const auto known = IndexesOf(call, table);
  if (!known) return std::unexpected(known.error());
  const std::string name = Text(index, "IndexName");
  for (const auto& other : *known) {
    if (other.name == name)
      return Exists(fmt::format("Index with the given name : {} already exists", name));
    if (Texts(Stored(other.json), "Keys") == Texts(index, "Keys"))
      return Exists("Index with the given keys already exists");
  }
  if (known->size() >= kMaxIndexes)
    return Refuse("ResourceNumberLimitExceededException",
                  fmt::format("A table has at most {} partition indexes.", kMaxIndexes));
  const auto made = call.Glue().CreateObject({table.catalog_id, kKind,
                                              control::TableParent(table.database, table.name),
                                              name, Dump(index)});
  if (!made) return Translated(made.error());
  return {};
}

std::span<const Operation> PartitionIndexOperations() { return kOperations; }

}  // namespace skep::glue
