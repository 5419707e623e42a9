#include "worker/external_scan/lake_file_list.h"

#include <algorithm>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_columnref_expression.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <duckdb/planner/table_filter.hpp>
#include <duckdb/storage/statistics/node_statistics.hpp>
#include <numeric>

#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"
#include "worker/external_scan/parquet_chunks.h"
#include "worker/external_scan/partition_expression.h"

namespace skep::external_scan {
namespace {

// When the catalog has no count of rows: enough to make the other side of a join the one that is
// hashed.
constexpr uint64_t kRowsPerUnknownPartition = 1'000'000;
constexpr uint64_t kBytesPerRow = 64;

constexpr uint64_t kWholeFileAheadBytes = 128u << 10;
constexpr uint64_t kFooterAheadBytes = 256u << 10;  // of ORC
constexpr uint64_t kTextAheadBytes = 4u << 20;

// Columns of the chunk that filters are evaluated on: the partition keys, then these.
enum FileSlot : duckdb::idx_t { kPathSlot, kSizeSlot, kIndexSlot, kFileSlots };

}  // namespace

LakeFileList::LakeFileList(duckdb::shared_ptr<LakeTable> table, LakeClient::Interrupted interrupted)
    : table_(std::move(table)), interrupted_(std::move(interrupted)) {
  if (table_->late()) return;
  partitions_.emplace(table_->partition_count());
  std::iota(partitions_->begin(), partitions_->end(), 0u);
}

LakeFileList::LakeFileList(const LakeFileList& from, std::optional<Numbers> partitions,
                           std::optional<Numbers> files)
    : table_(from.table_),
      interrupted_(from.interrupted_),
      partitions_(std::move(partitions)),
      files_(std::move(files)) {}

const LakeFileList::Numbers& LakeFileList::PartitionsLocked() const {
  if (!partitions_) {
    partitions_.emplace(table_->FindPartitions("", interrupted_));
    std::iota(partitions_->begin(), partitions_->end(), 0u);
  }
  return *partitions_;
}

const LakeFileList::Numbers& LakeFileList::Partitions() const {
  const std::lock_guard lock(mutex_);
  return PartitionsLocked();
}

bool LakeFileList::partitions_known() const {
  const std::lock_guard lock(mutex_);
  return partitions_.has_value();
}

size_t LakeFileList::partitions() const {
  const std::lock_guard lock(mutex_);
  return partitions_ ? partitions_->size() : table_->partition_count();
}

const LakeFileList::Numbers& LakeFileList::Files() const {
  const std::lock_guard lock(mutex_);
  if (!files_) {
    const Numbers& partitions = PartitionsLocked();
    files_ = partitions.empty() ? Numbers() : table_->ListFiles(partitions, interrupted_);
  }
  return *files_;
}

duckdb::unique_ptr<LakeFileList> LakeFileList::Find(
    const duckdb::vector<const duckdb::Expression*>& filters) const {
  std::string text;
  for (const auto* filter : filters) {
    const auto one = PartitionExpression(*filter, *table_);
    if (one && text.size() + one->size() + 7 < kMaxPartitionExpression)
      text += (text.empty() ? "(" : " AND (") + *one + ")";
  }
  Numbers numbers(table_->FindPartitions(text, interrupted_));
  std::iota(numbers.begin(), numbers.end(), 0u);
  return duckdb::unique_ptr<LakeFileList>(
      new LakeFileList(*this, std::move(numbers), std::nullopt));
}

void LakeFileList::Expand() const { Files(); }

std::optional<size_t> LakeFileList::files_if_listed() const {
  const std::lock_guard lock(mutex_);
  if (!files_) return std::nullopt;
  return files_->size();
}

void LakeFileList::Prefetch(size_t at) const {
  const auto& files = Files();
  if (at >= files.size()) return;
  const ipc::TableFile file = table_->File(files[at]);
  const FileId id{table_->scan(), file.number, file.size};
  if (file.size <= kWholeFileAheadBytes) {
    table_->client().Prefetch(id, 0, file.size);
  } else if (table_->format() == "parquet") {
    const uint64_t footer = FooterGuess(file.size);
    table_->client().Prefetch(id, file.size - footer, footer);
  } else if (table_->format() == "orc" || table_->format() == "xlsx") {
    const uint64_t tail = std::min(file.size, kFooterAheadBytes);
    table_->client().Prefetch(id, file.size - tail, tail);
  } else {
    table_->client().Prefetch(id, 0, kTextAheadBytes);
  }
}

std::optional<duckdb::idx_t> LakeFileList::SlotOf(duckdb::column_t column) const {
  const size_t keys = table_->partition_keys();
  if (column == kPathColumn) return keys + kPathSlot;
  if (column == kSizeColumn) return keys + kSizeSlot;
  if (column == kFileIndexColumn) return keys + kIndexSlot;
  if (duckdb::IsVirtualColumn(column) || column < table_->data_columns()) return std::nullopt;
  return column - table_->data_columns();
}

// Turns references to columns into references to slots.
LakeFileList::Known LakeFileList::Rewrite(duckdb::unique_ptr<duckdb::Expression>& expression,
                                          const duckdb::MultiFilePushdownInfo& info) const {
  if (expression->IsVolatile() ||
      expression->GetExpressionClass() == duckdb::ExpressionClass::BOUND_SUBQUERY)
    return Known::kNothing;
  if (expression->GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF) {
    const auto& column = expression->Cast<duckdb::BoundColumnRefExpression>();
    if (column.binding.table_index != info.table_index) return Known::kNothing;
    const auto slot = SlotOf(info.column_ids[column.binding.column_index]);
    if (!slot) return Known::kNothing;
    expression = duckdb::make_uniq<duckdb::BoundReferenceExpression>(column.return_type, *slot);
    return *slot < table_->partition_keys() ? Known::kPartition : Known::kFile;
  }
  Known known = Known::kPartition;
  duckdb::ExpressionIterator::EnumerateChildren(*expression,
                                                [&](duckdb::unique_ptr<duckdb::Expression>& child) {
                                                  if (known != Known::kNothing)
                                                    known = std::max(known, Rewrite(child, info));
                                                });
  return known;
}

duckdb::unique_ptr<LakeFileList> LakeFileList::Prune(duckdb::ClientContext& context,
                                                     const duckdb::Expression& filter,
                                                     Known known) const {
  const size_t keys = table_->partition_keys();
  duckdb::vector<duckdb::LogicalType> types(
      table_->types().begin() + static_cast<ptrdiff_t>(table_->data_columns()),
      table_->types().end());
  types.insert(types.end(), {duckdb::LogicalType::VARCHAR, duckdb::LogicalType::BIGINT,
                             duckdb::LogicalType::UBIGINT});
  static_assert(kFileSlots == 3);
  duckdb::DataChunk chunk;
  chunk.Initialize(context, types);
  duckdb::ExpressionExecutor executor(context, filter);
  duckdb::SelectionVector selected(STANDARD_VECTOR_SIZE);

  const bool by_file = known == Known::kFile;
  const Numbers& all = by_file ? Files() : Partitions();
  Numbers left;
  for (size_t at = 0; at < all.size(); at += STANDARD_VECTOR_SIZE) {
    const size_t count = std::min<size_t>(STANDARD_VECTOR_SIZE, all.size() - at);
    chunk.Reset();
    for (size_t row = 0; row < count; row++) {
      uint32_t partition = all[at + row];
      if (by_file) {
        const ipc::TableFile file = table_->File(all[at + row]);
        partition = file.partition;
        chunk.SetValue(keys + kPathSlot, row, duckdb::Value(file.path));
        chunk.SetValue(keys + kSizeSlot, row,
                       duckdb::Value::BIGINT(static_cast<int64_t>(file.size)));
        chunk.SetValue(keys + kIndexSlot, row, duckdb::Value::UBIGINT(file.number));
      }
      for (size_t k = 0; k < keys; k++)
        chunk.SetValue(k, row, table_->PartitionValue(partition, k));
    }
    chunk.SetCardinality(count);
    const size_t matching = executor.SelectExpression(chunk, selected);
    for (size_t i = 0; i < matching; i++) left.push_back(all[at + selected.get_index(i)]);
  }

  if (by_file)
    return duckdb::unique_ptr<LakeFileList>(new LakeFileList(*this, Partitions(), std::move(left)));
  std::optional<Numbers> files;
  {
    // Listed before: keep the files of the partitions that are left.
    const std::lock_guard lock(mutex_);
    if (files_) {
      files.emplace();
      for (const uint32_t number : *files_) {
        if (std::ranges::binary_search(left, table_->File(number).partition))
          files->push_back(number);
      }
    }
  }
  return duckdb::unique_ptr<LakeFileList>(
      new LakeFileList(*this, std::move(left), std::move(files)));
}

duckdb::unique_ptr<duckdb::MultiFileList> LakeFileList::ComplexFilterPushdown(
    duckdb::ClientContext& context, const duckdb::MultiFileOptions&,
    duckdb::MultiFilePushdownInfo& info,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& filters) const {
  duckdb::unique_ptr<LakeFileList> pruned;
  std::string said;
  if (!partitions_known()) {
    // Ask the catalog for what all filters together leave, before each is looked at.
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> held;
    duckdb::vector<const duckdb::Expression*> over_keys;
    for (const auto& filter : filters) {
      auto rewritten = filter->Copy();
      if (Rewrite(rewritten, info) != Known::kPartition) continue;
      over_keys.push_back(rewritten.get());
      held.push_back(std::move(rewritten));
    }
    if (!over_keys.empty()) pruned = Find(over_keys);
  }
  // Partition keys first, so that a filter on "$path" lists only what they leave.
  for (const Known wanted : {Known::kPartition, Known::kFile}) {
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> rest;
    for (auto& filter : filters) {
      auto rewritten = filter->Copy();
      if (Rewrite(rewritten, info) != wanted) {
        rest.push_back(std::move(filter));
        continue;
      }
      const LakeFileList& current = pruned ? *pruned : *this;
      if (wanted == Known::kFile) current.Expand();
      duckdb::unique_ptr<LakeFileList> next;
      try {
        next = current.Prune(context, *rewritten, wanted);
      } catch (const std::exception&) {
        rest.push_back(
            std::move(filter));  // e.g. a failing cast: the scan reports it, if a row gets there
        continue;
      }
      said += (said.empty() ? "" : " AND ") + filter->ToString();
      pruned = std::move(next);  // decided for every row: the filter itself is done with
    }
    filters = std::move(rest);
  }
  if (!pruned) return nullptr;
  info.extra_info.file_filters =
      info.extra_info.file_filters.empty() ? said : info.extra_info.file_filters + " AND " + said;
  return pruned;
}

duckdb::unique_ptr<duckdb::MultiFileList> LakeFileList::DynamicFilterPushdown(
    duckdb::ClientContext& context, const duckdb::MultiFileOptions&,
    const duckdb::vector<std::string>&, const duckdb::vector<duckdb::LogicalType>&,
    const duckdb::vector<duckdb::column_t>& column_ids, duckdb::TableFilterSet& filters) const {
  duckdb::unique_ptr<LakeFileList> pruned;
  const size_t keys = table_->partition_keys();
  if (!partitions_known()) {
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> held;
    duckdb::vector<const duckdb::Expression*> over_keys;
    for (const auto& [index, filter] : filters.filters) {
      const auto slot = SlotOf(column_ids[index]);
      if (!slot || *slot >= keys) continue;
      held.push_back(filter->ToExpression(duckdb::BoundReferenceExpression(
          table_->types()[table_->data_columns() + *slot], *slot)));
      over_keys.push_back(held.back().get());
    }
    if (!over_keys.empty()) pruned = Find(over_keys);
  }
  for (const Known wanted : {Known::kPartition, Known::kFile}) {
    for (const auto& [index, filter] : filters.filters) {
      const auto slot = SlotOf(column_ids[index]);
      if (!slot || (*slot < keys ? Known::kPartition : Known::kFile) != wanted) continue;
      const duckdb::LogicalType type = *slot < keys
                                           ? table_->types()[table_->data_columns() + *slot]
                                       : *slot == keys + kPathSlot ? duckdb::LogicalType::VARCHAR
                                       : *slot == keys + kSizeSlot ? duckdb::LogicalType::BIGINT
                                                                   : duckdb::LogicalType::UBIGINT;
      const LakeFileList& current = pruned ? *pruned : *this;
      if (wanted == Known::kFile) current.Expand();
      try {
        const auto expression = filter->ToExpression(duckdb::BoundReferenceExpression(type, *slot));
        pruned = current.Prune(context, *expression, wanted);
      } catch (const std::exception&) {
        // The filter stays with the scan; nothing is lost but the pruning.
      }
    }
  }
  if (table_->iceberg()) {
    const LakeFileList& current = pruned ? *pruned : *this;
    Numbers left;
    for (const uint32_t number : current.Files()) {
      const IcebergFile* file = table_->iceberg()->Find(number);
      const bool excluded = file && std::ranges::any_of(filters.filters, [&](const auto& entry) {
                              const auto column = column_ids[entry.first];
                              return !duckdb::IsVirtualColumn(column) &&
                                     table_->iceberg()->Excludes(*file, column, *entry.second);
                            });
      if (!excluded) left.push_back(number);
    }
    if (left.size() < current.Files().size())
      pruned = duckdb::unique_ptr<LakeFileList>(
          new LakeFileList(*this, current.partitions_, std::move(left)));
  }
  return pruned;
}

duckdb::FileExpandResult LakeFileList::GetExpandResult() const {
  const auto files = files_if_listed();
  const bool none = partitions() == 0 || (files && *files == 0);
  return none ? duckdb::FileExpandResult::NO_FILES : duckdb::FileExpandResult::MULTIPLE_FILES;
}

duckdb::idx_t LakeFileList::GetTotalFileCount() const { return Files().size(); }

duckdb::vector<duckdb::OpenFileInfo> LakeFileList::GetAllFiles() const {
  duckdb::vector<duckdb::OpenFileInfo> all;
  for (size_t i = 0; i < Files().size(); i++) all.push_back(GetFile(i));
  return all;
}

duckdb::OpenFileInfo LakeFileList::GetFile(duckdb::idx_t at) const {
  const auto& files = Files();
  if (at >= files.size()) return duckdb::OpenFileInfo();
  const ipc::TableFile file = table_->File(files[at]);
  return DescribeLakeFile(table_->scan(), file, table_->names_files_in_path(),
                          table_->OwnCompression(file.path));
}

duckdb::unique_ptr<duckdb::NodeStatistics> LakeFileList::GetCardinality(
    duckdb::ClientContext&) const {
  const uint64_t total = table_->partition_count(), left = partitions();
  if (left == 0 || total == 0) return duckdb::make_uniq<duckdb::NodeStatistics>(0);
  uint64_t rows = 0;
  if (table_->description().rows > 0) {
    rows = static_cast<uint64_t>(static_cast<double>(table_->description().rows) *
                                 static_cast<double>(left) / static_cast<double>(total));
  } else if (files_if_listed()) {
    for (const uint32_t number : Files()) rows += table_->File(number).size / kBytesPerRow;
  } else {
    rows = left * kRowsPerUnknownPartition;
  }
  return duckdb::make_uniq<duckdb::NodeStatistics>(std::max<uint64_t>(rows, 1));
}

duckdb::unique_ptr<duckdb::MultiFileList> LakeFileList::Copy() const {
  const std::lock_guard lock(mutex_);
  return duckdb::unique_ptr<LakeFileList>(new LakeFileList(*this, partitions_, files_));
}

}  // namespace skep::external_scan
