// The part of the control store that only the Glue Data Catalog needs: former versions of tables,
// partitions in numbers that do not fit a list, and the catalog's small objects (functions,
// connections, tags, ...). Calls block and commit before they return, as all of the store's do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::control {

struct GlueDatabase {
  std::string catalog_id, name;  // name lower-case
  std::string json;              // the API's Database structure
};
struct GlueTable {
  std::string catalog_id, database, name;
  uint64_t version = 0;
  std::string json;  // the API's Table structure
};
struct GluePartition {
  std::vector<std::string> values;
  std::string json;  // the API's Partition structure
};
// A small object of a catalog; `kind` says of which sort, `parent` what it belongs to. Objects
// whose parent is a database's name go with the database, those of TableParent() with the table,
// those of PartitionParent() with the partition.
struct GlueObject {
  std::string catalog_id, kind, parent, name;
  std::string json;
};
std::string TableParent(std::string_view database, std::string_view table);
std::string PartitionParent(std::string_view database, std::string_view table,
                            const std::vector<std::string>& values);

// Which table's partitions.
struct TableName {
  std::string_view catalog_id, database, table;
};

// Where a walk over partitions has anything to look for; all of it by bytes, not by declared types.
struct PartitionBounds {
  std::vector<std::string> equal;    // the first values are these,
  std::optional<std::string> least;  // and the one behind them is not less than this
  std::optional<std::string> most;   // and not more than this
  std::vector<std::string> after;    // the partition to continue behind; empty = from the first
};

// What a walk does after it has shown a partition's values.
struct PartitionStep {
  enum class Kind : uint8_t { kTake, kPass, kSkip, kStop } kind = Kind::kPass;
  size_t depth = 0;  // kSkip: all partitions that share so many first values are passed over
};

class GlueStore {
 public:
  virtual ~GlueStore() = default;

  // Puts `table` in the place of the version that it names and raises the version; keeps the former
  // one when `archive`. False: there is no such table, or it has another version by now.
  virtual Result<bool> ReplaceTable(const GlueTable& table, bool archive) = 0;
  // The former version, not the current one.
  virtual Result<std::optional<GlueTable>> GetTableVersion(const TableName&, uint64_t version) = 0;
  // Former versions below `before`, newest first.
  virtual Result<std::vector<GlueTable>> ListTableVersions(const TableName&, uint64_t before,
                                                           uint32_t limit) = 0;
  virtual Result<bool> DeleteTableVersion(const TableName&, uint64_t version) = 0;
  // Tables of a catalog, whatever their database, ordered by database and name.
  virtual Result<std::vector<GlueTable>> ListAllTables(std::string_view catalog_id) = 0;

  // One transaction; answers for each whether it was made (false: it was there). Error:
  // kUndefinedObject (no such table).
  virtual Result<std::vector<bool>> AddPartitions(const TableName&,
                                                  const std::vector<GluePartition>&) = 0;
  // Replaces the partition of the values `old`, which may be moved to other values. False: there is
  // none. Error: kDuplicateObject (the other values are taken).
  virtual Result<bool> ReplacePartition(const TableName&, const std::vector<std::string>& old,
                                        const GluePartition&) = 0;
  // One transaction; answers for each whether it was there.
  virtual Result<std::vector<bool>> DeletePartitions(
      const TableName&, const std::vector<std::vector<std::string>>& values) = 0;
  // Those of the named partitions that there are, in the order named.
  virtual Result<std::vector<GluePartition>> GetPartitions(
      const TableName&, const std::vector<std::vector<std::string>>& values) = 0;
  virtual Result<uint64_t> CountPartitions(const TableName&) = 0;
  // Shows partitions' values in order and answers those that were taken. Holds the store meanwhile:
  // `visit` computes and nothing else. Cost: one step through an index for each partition within
  // the bounds, less where whole groups are skipped.
  virtual Result<std::vector<std::vector<std::string>>> WalkPartitions(
      const TableName&, const PartitionBounds&,
      const std::function<PartitionStep(const std::vector<std::string>&)>& visit) = 0;

  // Error of CreateObject: kDuplicateObject.
  virtual Result<void> CreateObject(const GlueObject&) = 0;
  virtual Result<void> PutObject(const GlueObject&) = 0;  // inserts or replaces
  virtual Result<std::optional<GlueObject>> GetObject(std::string_view catalog_id,
                                                      std::string_view kind,
                                                      std::string_view parent,
                                                      std::string_view name) = 0;
  // Ordered by parent and name. No parent: those of all parents; then an empty catalog stands for
  // all.
  virtual Result<std::vector<GlueObject>> ListObjects(std::string_view catalog_id,
                                                      std::string_view kind,
                                                      std::optional<std::string_view> parent) = 0;
  virtual Result<bool> DeleteObject(std::string_view catalog_id, std::string_view kind,
                                    std::string_view parent, std::string_view name) = 0;
  // Keeps the last `kept` objects by name of a parent.
  virtual Result<void> TrimObjects(std::string_view catalog_id, std::string_view kind,
                                   std::string_view parent, int64_t kept) = 0;
};

}  // namespace skep::control
