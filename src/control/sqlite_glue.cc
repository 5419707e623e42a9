#include "control/sqlite_glue.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "control/partition_key.h"

namespace skep::control {
namespace {

// A walk that skips a group of partitions tries so many steps before it seeks: groups are often
// small, and a step costs a fraction of a seek.
constexpr int kStepsBeforeSeek = 32;

GlueTable ReadTable(sqlite3_stmt* s) {
  return {SqliteConnection::Text(s, 0), SqliteConnection::Text(s, 1), SqliteConnection::Text(s, 2),
          static_cast<uint64_t>(SqliteConnection::Int(s, 3)), SqliteConnection::Text(s, 4)};
}

GlueObject ReadObject(sqlite3_stmt* s) {
  return {SqliteConnection::Text(s, 0), SqliteConnection::Text(s, 1), SqliteConnection::Text(s, 2),
          SqliteConnection::Text(s, 3), SqliteConnection::Text(s, 4)};
}

// Bytes in the order of the values: false for what PartitionKey would escape, or sorts before its
// separator.
bool KeepsOrder(std::string_view value) {
  return std::ranges::all_of(value, [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
}

// The first key behind all that begin with `prefix`, which ends with a separator.
std::string Behind(std::string_view prefix) {
  std::string key(prefix);
  key.back() = '\x20';
  return key;
}

struct KeyRange {
  std::string from, to;  // from <= key < to
};

KeyRange RangeOf(const PartitionBounds& bounds) {
  const std::string equal = PartitionKey(bounds.equal);
  KeyRange range{equal, equal.empty() ? std::string(1, '\xff') : Behind(equal)};
  if (bounds.least && KeepsOrder(*bounds.least)) range.from = equal + *bounds.least;
  if (bounds.most && KeepsOrder(*bounds.most)) range.to = equal + *bounds.most + '\x20';
  if (!bounds.after.empty())
    range.from = std::max(range.from, PartitionKey(bounds.after) + std::string(1, '\0'));
  return range;
}

}  // namespace

std::string TableParent(std::string_view database, std::string_view table) {
  return std::string(database) + '\x1f' + std::string(table);
}

std::string PartitionParent(std::string_view database, std::string_view table,
                            const std::vector<std::string>& values) {
  return TableParent(database, table) + '\x1f' + PartitionKey(values);
}

// ---------------------------------------------------------------- tables

Result<bool> SqliteGlue::Raise(const GlueTable& table, std::optional<uint64_t> version,
                               bool archive) {
  const std::lock_guard lock(db_.mutex_);
  bool replaced = false;
  SKEP_TRY(db_.InTransaction([&]() -> Result<void> {
    std::optional<GlueTable> former;
    SKEP_TRY(db_.Run(
        "SELECT * FROM glue_tables WHERE catalog_id = ? AND database = ? AND name = ?",
        [&](sqlite3_stmt* s) { former = ReadTable(s); }, table.catalog_id, table.database,
        table.name));
    if (!former || (version && *version != former->version)) return {};
    replaced = true;
    if (archive) {
      SKEP_TRY(
          db_.Run("INSERT INTO glue_table_versions (catalog_id, database, table_name, version, "
                  "json) VALUES "
                  "(?,?,?,?,?)",
                  SqliteConnection::NoRow, former->catalog_id, former->database, former->name,
                  static_cast<int64_t>(former->version), former->json));
    }
    return db_.Run(
        "UPDATE glue_tables SET json = ?, version = version + 1 WHERE catalog_id = ? AND database "
        "= ? AND name = ?",
        SqliteConnection::NoRow, table.json, table.catalog_id, table.database, table.name);
  }));
  return replaced;
}

Result<bool> SqliteGlue::RaiseTable(const GlueTable& table) {
  return Raise(table, std::nullopt, true);
}

Result<bool> SqliteGlue::ReplaceTable(const GlueTable& table, bool archive) {
  return Raise(table, table.version, archive);
}

Result<std::optional<GlueTable>> SqliteGlue::GetTableVersion(const TableName& name,
                                                             uint64_t version) {
  return db_.One<GlueTable>(
      ReadTable,
      "SELECT catalog_id, database, table_name, version, json FROM glue_table_versions WHERE "
      "catalog_id = ? AND database = ? AND table_name = ? AND version = ?",
      name.catalog_id, name.database, name.table, static_cast<int64_t>(version));
}

Result<std::vector<GlueTable>> SqliteGlue::ListTableVersions(const TableName& name, uint64_t before,
                                                             uint32_t limit) {
  return db_.All<GlueTable>(
      ReadTable,
      "SELECT catalog_id, database, table_name, version, json FROM glue_table_versions WHERE "
      "catalog_id = ? AND database = ? AND table_name = ? AND version < ? ORDER BY version DESC "
      "LIMIT ?",
      name.catalog_id, name.database, name.table, static_cast<int64_t>(before),
      static_cast<int64_t>(limit));
}

Result<bool> SqliteGlue::DeleteTableVersion(const TableName& name, uint64_t version) {
  return db_.Touch(
      "DELETE FROM glue_table_versions WHERE catalog_id = ? AND database = ? AND table_name = ? "
      "AND "
      "version = ?",
      name.catalog_id, name.database, name.table, static_cast<int64_t>(version));
}

Result<std::vector<GlueTable>> SqliteGlue::ListAllTables(std::string_view catalog_id) {
  return db_.All<GlueTable>(
      ReadTable, "SELECT * FROM glue_tables WHERE catalog_id = ? ORDER BY database, name",
      catalog_id);
}

// ---------------------------------------------------------------- partitions

Result<std::vector<bool>> SqliteGlue::AddPartitions(const TableName& name,
                                                    const std::vector<GluePartition>& partitions) {
  const std::lock_guard lock(db_.mutex_);
  std::vector<bool> made;
  SKEP_TRY(db_.InTransaction([&]() -> Result<void> {
    for (const GluePartition& partition : partitions) {
      const std::string key = PartitionKey(partition.values);
      const int64_t before = sqlite3_total_changes64(db_.db_);
      SKEP_TRY(db_.Run(
          "INSERT INTO glue_partitions (catalog_id, database, table_name, key, json) VALUES "
          "(?,?,?,?,?) ON CONFLICT (catalog_id, database, table_name, key) DO NOTHING",
          SqliteConnection::NoRow, name.catalog_id, name.database, name.table, Bytes{key},
          partition.json));
      made.push_back(sqlite3_total_changes64(db_.db_) != before);
    }
    return {};
  }));
  return made;
}

Result<bool> SqliteGlue::ReplacePartition(const TableName& name,
                                          const std::vector<std::string>& old,
                                          const GluePartition& partition) {
  const std::string from = PartitionKey(old), to = PartitionKey(partition.values);
  return db_.Touch(
      "UPDATE glue_partitions SET key = ?, json = ? WHERE catalog_id = ? AND database = ? AND "
      "table_name = ? AND key = ?",
      Bytes{to}, partition.json, name.catalog_id, name.database, name.table, Bytes{from});
}

Result<std::vector<bool>> SqliteGlue::DeletePartitions(
    const TableName& name, const std::vector<std::vector<std::string>>& values) {
  const std::lock_guard lock(db_.mutex_);
  std::vector<bool> deleted;
  SKEP_TRY(db_.InTransaction([&]() -> Result<void> {
    for (const auto& one : values) {
      const std::string key = PartitionKey(one);
      SKEP_TRY(
          db_.Run("DELETE FROM glue_partitions WHERE catalog_id = ? AND database = ? AND "
                  "table_name = ? AND "
                  "key = ?",
                  SqliteConnection::NoRow, name.catalog_id, name.database, name.table, Bytes{key}));
      deleted.push_back(sqlite3_changes64(db_.db_) > 0);
    }
    return {};
  }));
  return deleted;
}

Result<std::vector<GluePartition>> SqliteGlue::GetPartitions(
    const TableName& name, const std::vector<std::vector<std::string>>& values) {
  const std::lock_guard lock(db_.mutex_);
  std::vector<GluePartition> found;
  for (const auto& one : values) {
    const std::string key = PartitionKey(one);
    SKEP_TRY(db_.Run(
        "SELECT json FROM glue_partitions WHERE catalog_id = ? AND database = ? AND table_name = ? "
        "AND key = ?",
        [&](sqlite3_stmt* s) { found.push_back({one, SqliteConnection::Text(s, 0)}); },
        name.catalog_id, name.database, name.table, Bytes{key}));
  }
  return found;
}

Result<uint64_t> SqliteGlue::CountPartitions(const TableName& name) {
  const std::lock_guard lock(db_.mutex_);
  uint64_t count = 0;
  SKEP_TRY(db_.RunWhile(
      "SELECT count(*) FROM glue_partitions WHERE catalog_id = ? AND database = ? AND table_name = "
      "?",
      [&](sqlite3_stmt* s) {
        count = static_cast<uint64_t>(sqlite3_column_int64(s, 0));
        return true;
      },
      name.catalog_id, name.database, name.table));
  return count;
}

Result<std::vector<std::vector<std::string>>> SqliteGlue::WalkPartitions(
    const TableName& name, const PartitionBounds& bounds,
    const std::function<PartitionStep(const std::vector<std::string>&)>& visit) {
  const std::lock_guard lock(db_.mutex_);
  std::vector<std::vector<std::string>> taken;
  std::vector<std::string> values;
  KeyRange range = RangeOf(bounds);
  while (range.from < range.to) {
    std::string skipped;  // what begins with this was skipped
    int steps = 0;
    bool again = false;  // from another place
    const auto row = [&](sqlite3_stmt* s) {
      const std::string_view key(static_cast<const char*>(sqlite3_column_blob(s, 0)),
                                 static_cast<size_t>(sqlite3_column_bytes(s, 0)));
      if (!skipped.empty() && key.starts_with(skipped)) {
        if (++steps < kStepsBeforeSeek) return true;
        range.from = Behind(skipped);
        again = true;
        return false;
      }
      ReadPartitionKey(key, values);
      const PartitionStep step = visit(values);
      skipped.clear();
      steps = 0;
      if (step.kind == PartitionStep::Kind::kTake) taken.push_back(values);
      if (step.kind == PartitionStep::Kind::kSkip && step.depth > 0)
        skipped = key.substr(0, PartitionKeyPrefix(key, step.depth));
      return step.kind != PartitionStep::Kind::kStop;
    };
    SKEP_TRY(db_.RunWhile(
        "SELECT key FROM glue_partitions WHERE catalog_id = ? AND database = ? AND table_name = ? "
        "AND key >= ? AND key < ? ORDER BY key",
        row, name.catalog_id, name.database, name.table, Bytes{range.from}, Bytes{range.to}));
    if (!again) break;
  }
  return taken;
}

// ---------------------------------------------------------------- small objects

Result<void> SqliteGlue::CreateObject(const GlueObject& o) {
  return db_.Change("INSERT INTO glue_objects VALUES (?,?,?,?,?)", o.catalog_id, o.kind, o.parent,
                    o.name, o.json);
}

Result<void> SqliteGlue::PutObject(const GlueObject& o) {
  return db_.Change(
      "INSERT INTO glue_objects VALUES (?,?,?,?,?) ON CONFLICT (catalog_id, kind, parent, name) DO "
      "UPDATE SET json = excluded.json",
      o.catalog_id, o.kind, o.parent, o.name, o.json);
}

Result<std::optional<GlueObject>> SqliteGlue::GetObject(std::string_view catalog_id,
                                                        std::string_view kind,
                                                        std::string_view parent,
                                                        std::string_view name) {
  return db_.One<GlueObject>(
      ReadObject,
      "SELECT * FROM glue_objects WHERE catalog_id = ? AND kind = ? AND parent = ? AND name = ?",
      catalog_id, kind, parent, name);
}

Result<std::vector<GlueObject>> SqliteGlue::ListObjects(std::string_view catalog_id,
                                                        std::string_view kind,
                                                        std::optional<std::string_view> parent) {
  if (!parent && catalog_id.empty()) {
    return db_.All<GlueObject>(
        ReadObject, "SELECT * FROM glue_objects WHERE kind = ? ORDER BY catalog_id, parent, name",
        kind);
  }
  if (!parent) {
    return db_.All<GlueObject>(
        ReadObject,
        "SELECT * FROM glue_objects WHERE catalog_id = ? AND kind = ? ORDER BY parent, name",
        catalog_id, kind);
  }
  return db_.All<GlueObject>(
      ReadObject,
      "SELECT * FROM glue_objects WHERE catalog_id = ? AND kind = ? AND parent = ? ORDER BY name",
      catalog_id, kind, *parent);
}

Result<bool> SqliteGlue::DeleteObject(std::string_view catalog_id, std::string_view kind,
                                      std::string_view parent, std::string_view name) {
  return db_.Touch(
      "DELETE FROM glue_objects WHERE catalog_id = ? AND kind = ? AND parent = ? AND name = ?",
      catalog_id, kind, parent, name);
}

Result<void> SqliteGlue::TrimObjects(std::string_view catalog_id, std::string_view kind,
                                     std::string_view parent, int64_t kept) {
  return db_.Change(
      "DELETE FROM glue_objects WHERE catalog_id = ?1 AND kind = ?2 AND parent = ?3 AND name <= "
      "(SELECT name FROM glue_objects WHERE catalog_id = ?1 AND kind = ?2 AND parent = ?3 ORDER BY "
      "name DESC LIMIT 1 OFFSET ?4)",
      catalog_id, kind, parent, kept);
}

}  // namespace skep::control
