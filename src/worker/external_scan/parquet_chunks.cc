#include "worker/external_scan/parquet_chunks.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <parquet_reader.hpp>

namespace skep::external_scan {
namespace {

using duckdb_parquet::ColumnChunk;
using duckdb_parquet::RowGroup;

void AddChunk(const ColumnChunk& chunk, uint64_t file_bytes, std::vector<ByteRange>& out) {
  const auto& meta = chunk.meta_data;
  int64_t first = meta.data_page_offset;
  if (meta.__isset.dictionary_page_offset) first = std::min(first, meta.dictionary_page_offset);
  if (meta.__isset.index_page_offset) first = std::min(first, meta.index_page_offset);
  const int64_t bytes = meta.total_compressed_size;
  if (first < 0 || bytes <= 0 || static_cast<uint64_t>(first) >= file_bytes) return;
  out.push_back({static_cast<uint64_t>(first), static_cast<uint64_t>(bytes)});
}

// The leaves below a column; of a struct those fields that are read.
void AddColumn(const duckdb::ParquetColumnSchema& column, const duckdb::ColumnIndex* index,
               const RowGroup& group, uint64_t file_bytes, std::vector<ByteRange>& out) {
  if (column.children.empty()) {
    if (column.column_index < group.columns.size())
      AddChunk(group.columns[column.column_index], file_bytes, out);
    return;
  }
  if (index && index->HasChildren() && column.type.id() == duckdb::LogicalTypeId::STRUCT) {
    for (const auto& child : index->GetChildIndexes()) {
      if (child.GetPrimaryIndex() < column.children.size())
        AddColumn(column.children[child.GetPrimaryIndex()], &child, group, file_bytes, out);
    }
    return;
  }
  for (const auto& child : column.children) AddColumn(child, nullptr, group, file_bytes, out);
}

bool Excluded(duckdb::ParquetReader& reader, size_t number) {
  if (!reader.filters) return false;
  const auto& metadata = *reader.GetFileMetadata();
  const auto& chunks = metadata.row_groups[number].columns;
  for (const auto& [index, filter] : reader.filters->filters) {
    if (index >= reader.column_ids.size()) continue;
    const auto id = reader.column_ids[duckdb::MultiFileLocalIndex(index)].GetId();
    if (id >= reader.root_schema->children.size()) continue;
    const auto& column = reader.root_schema->children[id];
    const bool leaf = column.schema_type == duckdb::ParquetColumnSchemaType::COLUMN &&
                      column.children.empty() && column.column_index < chunks.size();
    if (!leaf && column.schema_type != duckdb::ParquetColumnSchemaType::FILE_ROW_NUMBER) continue;
    const auto statistics = column.Stats(metadata, reader.parquet_options, number, chunks);
    if (statistics &&
        filter->CheckStatistics(*statistics) == duckdb::FilterPropagateResult::FILTER_ALWAYS_FALSE)
      return true;
  }
  return false;
}

bool IsNeeded(const duckdb::TableFilter& filter) {
  return filter.filter_type != duckdb::TableFilterType::OPTIONAL_FILTER;
}

// Whether a filter that decides is on the column: it is read of every group.
bool NeededBy(const duckdb::TableFilterSet& filters, size_t column) {
  const auto found = filters.filters.find(column);
  return found != filters.filters.end() && IsNeeded(*found->second);
}

// As the engine decides whether other columns wait for rows that pass.
bool Waits(const duckdb::TableFilterSet* filters) {
  return filters && std::ranges::any_of(filters->filters,
                                        [](const auto& entry) { return IsNeeded(*entry.second); });
}

}  // namespace

std::vector<PlannedGroup> ChunksOf(duckdb::BaseFileReader& base) {
  auto* reader = dynamic_cast<duckdb::ParquetReader*>(&base);
  if (!reader) return {};
  const auto* metadata = reader->GetFileMetadata();
  const uint64_t file_bytes = reader->GetFileSize();
  const bool waits = Waits(reader->filters.get());
  std::vector<PlannedGroup> groups;
  for (size_t g = 0; g < metadata->row_groups.size(); g++) {
    if (Excluded(*reader, g)) continue;
    const RowGroup& group = metadata->row_groups[g];
    PlannedGroup& planned = groups.emplace_back();
    for (size_t i = 0; i < reader->column_ids.size(); i++) {
      const auto id = reader->column_ids[duckdb::MultiFileLocalIndex(i)].GetId();
      if (id >= reader->root_schema->children.size()) continue;
      const auto& column = reader->root_schema->children[id];
      const bool certain = !waits || NeededBy(*reader->filters, i);
      AddColumn(column, i < reader->column_indexes.size() ? &reader->column_indexes[i] : nullptr,
                group, file_bytes, certain ? planned.certain : planned.on_demand);
    }
  }
  return groups;
}

uint64_t FooterGuess(uint64_t file_bytes) {
  constexpr uint64_t kRatio = 1000, kLeast = 16u << 10, kMost = 256u << 10;
  return std::min(file_bytes, std::bit_ceil(std::clamp(file_bytes / kRatio, kLeast, kMost)));
}

}  // namespace skep::external_scan
