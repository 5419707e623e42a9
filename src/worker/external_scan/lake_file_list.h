// The files of an external table's scan, as a list that is filled late: it starts as the table's
// partitions, filters on partition keys shrink it without asking anyone, and only what survives is
// listed, when the scan starts or a filter on "$path" or "$size" needs it. Files that filters
// exclude are never opened.
#pragma once

#include <duckdb.hpp>
#include <duckdb/common/multi_file/multi_file_list.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "worker/external_scan/lake_table.h"

namespace skep::external_scan {

class LakeFileList final : public duckdb::MultiFileList {
 public:
  // All partitions of a table.
  LakeFileList(duckdb::shared_ptr<LakeTable> table, LakeClient::Interrupted interrupted);

  const LakeTable& table() const { return *table_; }
  // Lists now, if that has not happened yet. Throws lake errors.
  void Expand() const;
  // Those that are left; of a table whose partitions were not looked for yet, all of them.
  size_t partitions() const;
  // Files, when they are known without asking.
  std::optional<size_t> files_if_listed() const;
  duckdb::OpenFileInfo FileAt(size_t at) const { return GetFile(at); }
  // Starts to fetch what reading file `at` begins with. Never blocks.
  void Prefetch(size_t at) const;

  duckdb::unique_ptr<duckdb::MultiFileList> ComplexFilterPushdown(
      duckdb::ClientContext& context, const duckdb::MultiFileOptions& options,
      duckdb::MultiFilePushdownInfo& info,
      duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& filters) const override;
  duckdb::unique_ptr<duckdb::MultiFileList> DynamicFilterPushdown(
      duckdb::ClientContext& context, const duckdb::MultiFileOptions& options,
      const duckdb::vector<std::string>& names, const duckdb::vector<duckdb::LogicalType>& types,
      const duckdb::vector<duckdb::column_t>& column_ids,
      duckdb::TableFilterSet& filters) const override;
  duckdb::vector<duckdb::OpenFileInfo> GetAllFiles() const override;
  // Never SINGLE_FILE: readers would then rely on a first file that they did not open at bind.
  duckdb::FileExpandResult GetExpandResult() const override;
  duckdb::idx_t GetTotalFileCount() const override;
  duckdb::unique_ptr<duckdb::NodeStatistics> GetCardinality(
      duckdb::ClientContext& context) const override;
  duckdb::unique_ptr<duckdb::MultiFileList> Copy() const override;

 protected:
  duckdb::OpenFileInfo GetFile(duckdb::idx_t at) const override;

 private:
  using Numbers = duckdb::vector<uint32_t>;
  enum class Known { kPartition, kFile, kNothing };  // what must be known to decide a filter

  LakeFileList(const LakeFileList& from, std::optional<Numbers> partitions,
               std::optional<Numbers> files);
  const Numbers& Files() const;
  const Numbers& Partitions() const;
  const Numbers& PartitionsLocked() const;
  bool partitions_known() const;
  // A list of the partitions that the catalog finds for these filters (over slots): no fewer than
  // pass them.
  duckdb::unique_ptr<LakeFileList> Find(
      const duckdb::vector<const duckdb::Expression*>& filters) const;
  std::optional<duckdb::idx_t> SlotOf(duckdb::column_t column) const;
  Known Rewrite(duckdb::unique_ptr<duckdb::Expression>& expression,
                const duckdb::MultiFilePushdownInfo& info) const;
  // A list without what `filter` (over slots) excludes.
  duckdb::unique_ptr<LakeFileList> Prune(duckdb::ClientContext& context,
                                         const duckdb::Expression& filter, Known known) const;

  duckdb::shared_ptr<LakeTable> table_;
  LakeClient::Interrupted interrupted_;
  mutable std::mutex mutex_;
  mutable std::optional<Numbers> partitions_;  // nothing: not looked for yet
  mutable std::optional<Numbers> files_;
};

}  // namespace skep::external_scan
