// The SQLite driver of GlueStore, on the control store's one connection.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/glue_store.h"
#include "control/sqlite_connection.h"

namespace skep::control {

class SqliteGlue final : public GlueStore {
 public:
  explicit SqliteGlue(SqliteConnection& connection) : db_(connection) {}

  // Replaces a table whatever version it has, and keeps that one. False: there is none.
  Result<bool> RaiseTable(const GlueTable& table);

  Result<bool> ReplaceTable(const GlueTable& table, bool archive) override;
  Result<std::optional<GlueTable>> GetTableVersion(const TableName& name,
                                                   uint64_t version) override;
  Result<std::vector<GlueTable>> ListTableVersions(const TableName& name, uint64_t before,
                                                   uint32_t limit) override;
  Result<bool> DeleteTableVersion(const TableName& name, uint64_t version) override;
  Result<std::vector<GlueTable>> ListAllTables(std::string_view catalog_id) override;

  Result<std::vector<bool>> AddPartitions(const TableName& name,
                                          const std::vector<GluePartition>& partitions) override;
  Result<bool> ReplacePartition(const TableName& name, const std::vector<std::string>& old,
                                const GluePartition& partition) override;
  Result<std::vector<bool>> DeletePartitions(
      const TableName& name, const std::vector<std::vector<std::string>>& values) override;
  Result<std::vector<GluePartition>> GetPartitions(
      const TableName& name, const std::vector<std::vector<std::string>>& values) override;
  Result<uint64_t> CountPartitions(const TableName& name) override;
  Result<std::vector<std::vector<std::string>>> WalkPartitions(
      const TableName& name, const PartitionBounds& bounds,
      const std::function<PartitionStep(const std::vector<std::string>&)>& visit) override;

  Result<void> CreateObject(const GlueObject& object) override;
  Result<void> PutObject(const GlueObject& object) override;
  Result<std::optional<GlueObject>> GetObject(std::string_view catalog_id, std::string_view kind,
                                              std::string_view parent,
                                              std::string_view name) override;
  Result<std::vector<GlueObject>> ListObjects(std::string_view catalog_id, std::string_view kind,
                                              std::optional<std::string_view> parent) override;
  Result<bool> DeleteObject(std::string_view catalog_id, std::string_view kind,
                            std::string_view parent, std::string_view name) override;
  Result<void> TrimObjects(std::string_view catalog_id, std::string_view kind,
                           std::string_view parent, int64_t kept) override;

 private:
  Result<bool> Raise(const GlueTable& table, std::optional<uint64_t> version, bool archive);

  SqliteConnection& db_;
};

}  // namespace skep::control
