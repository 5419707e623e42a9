#include "worker/unload/iceberg_writer.h"

#include <fmt/format.h>

#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/copy_function_catalog_entry.hpp>
#include <duckdb/parser/keyword_helper.hpp>
#include <utility>

#include "worker/external_scan/lake_file_system.h"

namespace skep::worker::unload {
namespace {

using duckdb::idx_t;

constexpr uint64_t kRowGroupRows = 122'880 * 8;
constexpr uint64_t kRowGroupBytes = uint64_t{64} << 20;
constexpr size_t kKeptBytes = size_t{256} << 20;  // of a partition, before its file is written
constexpr size_t kMaxPartitions = 10'000;
constexpr size_t kCachedSources = 100'000;
constexpr size_t kBoundCharacters = 16;
constexpr size_t kMaxFolderBytes = 96;  // of one partition field

// "day=2026-01-01/": letters, digits, and few signs; what else there is in percents.
std::string FolderOf(const IcebergTarget& target, const std::vector<duckdb::Value>& values) {
  std::string folder;
  const auto append = [&folder](const std::string& text) {
    size_t bytes = 0;
    for (const char c : text) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
      folder += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<uint8_t>(c));
      if (++bytes >= kMaxFolderBytes) break;
    }
  };
  for (size_t i = 0; i < values.size(); i++) {
    append(target.partition[i].name);
    folder += '=';
    append(values[i].IsNull() ? "null" : values[i].ToString());
    folder += '/';
  }
  return folder;
}

// A column's figures of a file, from what the writer of Parquet counted.
ColumnFigures FiguresOf(const duckdb::CopyFunctionFileStatistics& all, const std::string& name,
                        const duckdb::LogicalType& type) {
  ColumnFigures figures;
  figures.values = all.row_count;
  const auto found = all.column_statistics.find(duckdb::KeywordHelper::WriteQuoted(name, '"'));
  if (found == all.column_statistics.end()) return figures;
  const auto get = [&](const char* what) {
    const auto one = found->second.find(what);
    return one == found->second.end() ? duckdb::Value() : one->second;
  };
  const auto number = [&](const char* what) {
    const duckdb::Value value = get(what);
    return value.IsNull() ? uint64_t{0} : value.GetValue<uint64_t>();
  };
  figures.bytes = number("column_size_bytes");
  figures.nulls = number("null_count");
  const duckdb::Value nan = get("has_nan"), least = get("min"), most = get("max");
  if (type.id() == duckdb::LogicalTypeId::BLOB || least.IsNull() || most.IsNull() ||
      (!nan.IsNull() && nan.GetValue<bool>()))
    return figures;
  if (type.id() == duckdb::LogicalTypeId::VARCHAR) {
    figures.least = LowerBound(least.GetValue<std::string>(), kBoundCharacters);
    figures.most = UpperBound(most.GetValue<std::string>(), kBoundCharacters);
    return figures;
  }
  const auto bound = [&](const duckdb::Value& value) -> std::optional<std::string> {
    duckdb::Value cast;
    std::string error;
    if (!value.DefaultTryCastAs(type, cast, &error, true)) return std::nullopt;
    return SingleValue(cast);
  };
  figures.least = bound(least);
  figures.most = bound(most);
  return figures;
}

}  // namespace

void IcebergTask::Bind(duckdb::ClientContext& context,
                       const duckdb::vector<duckdb::LogicalType>& types, const std::string& name) {
  table = name;
  bool same = types.size() == target.fields.size();
  for (size_t i = 0; same && i < types.size(); i++) same = types[i] == target.fields[i].type;
  if (!same) throw duckdb::InvalidInputException("external table \"%s\" has changed", table);
  auto& entry =
      duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::CopyFunctionCatalogEntry>(
          context, DEFAULT_SCHEMA, "parquet");
  parquet = entry.function;
  duckdb::vector<std::string> columns;
  for (const auto& field : target.fields) columns.push_back(field.name);
  duckdb::QueryResult::DeduplicateColumns(columns);
  duckdb::child_list_t<duckdb::Value> ids;
  for (size_t i = 0; i < columns.size(); i++)
    ids.emplace_back(columns[i], duckdb::Value::INTEGER(target.fields[i].id));
  duckdb::CopyInfo info;
  info.options["compression"] = {duckdb::Value(target.compression)};
  info.options["row_group_size"] = {duckdb::Value::UBIGINT(kRowGroupRows)};
  info.options["row_group_size_bytes"] = {duckdb::Value::UBIGINT(kRowGroupBytes)};
  info.options["field_ids"] = {duckdb::Value::STRUCT(std::move(ids))};
  duckdb::CopyFunctionBindInput input(info);
  parquet_options = parquet->copy_to_bind(context, input, columns, types);
  names.assign(columns.begin(), columns.end());
}

struct IcebergSlice::OpenFile {
  std::string name;  // below the table's location
  uint32_t number = 0;
  uint64_t rows = 0;
  std::vector<duckdb::Value> partition;
  duckdb::CopyFunctionFileStatistics statistics;
  duckdb::unique_ptr<duckdb::GlobalFunctionData> file;
  duckdb::unique_ptr<duckdb::LocalFunctionData> local;
};

IcebergSlice::IcebergSlice(const IcebergTask& task, UnloadState& state,
                           std::vector<DataFile>& files)
    : task_(task), state_(state), files_(files), slice_(state.slices++) {}

IcebergSlice::~IcebergSlice() = default;

void IcebergSlice::Write(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk) {
  if (chunk.size() == 0) return;
  if (!task_.target.partition.empty()) return Keep(context, chunk);
  if (file_ && task_.parquet->rotate_next_file(*file_->file, *task_.parquet_options,
                                               task_.target.file_bytes))
    Close(context);
  if (!file_) Open(context, {});
  Put(context, chunk);
}

void IcebergSlice::Finish(duckdb::ExecutionContext& context) {
  for (auto& partition : partitions_) Flush(context, partition);
  Close(context);
}

// The partition of a row; `raw` is what stands in the columns that say so.
size_t IcebergSlice::PartitionOf(const std::string& raw, const duckdb::DataChunk& chunk,
                                 idx_t row) {
  if (const auto known = by_source_.find(raw); known != by_source_.end()) return known->second;
  std::vector<duckdb::Value> values;
  std::string key;
  for (const auto& part : task_.target.partition) {
    values.push_back(part.transform.Apply(chunk.GetValue(part.source, row)));
    const auto bytes = SingleValue(values.back());
    key += bytes ? fmt::format("{}:", bytes->size()) + *bytes : std::string("-");
  }
  const auto [found, fresh] = by_values_.try_emplace(key, partitions_.size());
  if (fresh) {
    if (partitions_.size() >= kMaxPartitions)
      throw duckdb::NotImplementedException(
          "a statement writes to at most %llu partitions of an Iceberg table",
          static_cast<unsigned long long>(kMaxPartitions));
    partitions_.push_back({std::move(values), nullptr});
  }
  if (by_source_.size() >= kCachedSources) by_source_.clear();
  by_source_.emplace(raw, found->second);
  return found->second;
}

void IcebergSlice::Keep(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk) {
  std::vector<duckdb::UnifiedVectorFormat> formats(task_.target.partition.size());
  for (size_t i = 0; i < formats.size(); i++)
    chunk.data[task_.target.partition[i].source].ToUnifiedFormat(chunk.size(), formats[i]);
  std::unordered_map<size_t, std::vector<idx_t>> rows;  // by partition
  std::string raw;
  for (idx_t row = 0; row < chunk.size(); row++) {
    raw.clear();
    for (size_t i = 0; i < formats.size(); i++) {
      const auto& type = task_.target.fields[task_.target.partition[i].source].type;
      const idx_t at = formats[i].sel->get_index(row);
      if (!formats[i].validity.RowIsValid(at)) {
        raw += '\0';
        continue;
      }
      raw += '\1';
      if (type.InternalType() == duckdb::PhysicalType::VARCHAR) {
        const auto text = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(formats[i])[at];
        const auto size = static_cast<uint32_t>(text.GetSize());
        raw.append(reinterpret_cast<const char*>(&size), sizeof size);
        raw.append(text.GetData(), text.GetSize());
      } else {
        const size_t size = duckdb::GetTypeIdSize(type.InternalType());
        raw.append(reinterpret_cast<const char*>(formats[i].data) + at * size, size);
      }
    }
    rows[PartitionOf(raw, chunk, row)].push_back(row);
  }
  for (const auto& [number, of] : rows) {
    Partition& partition = partitions_[number];
    duckdb::SelectionVector selected(of.size());
    for (size_t i = 0; i < of.size(); i++) selected.set_index(i, of[i]);
    duckdb::DataChunk part;
    part.InitializeEmpty(chunk.GetTypes());
    part.Slice(chunk, selected, of.size());
    if (!partition.rows)
      partition.rows =
          duckdb::make_uniq<duckdb::ColumnDataCollection>(context.client, chunk.GetTypes());
    partition.rows->Append(part);
    if (partition.rows->SizeInBytes() >= kKeptBytes) Flush(context, partition);
  }
}

void IcebergSlice::Flush(duckdb::ExecutionContext& context, Partition& partition) {
  if (!partition.rows) return;
  Open(context, partition.values);
  for (auto& chunk : partition.rows->Chunks()) Put(context, chunk);
  Close(context);
  partition.rows.reset();
}

void IcebergSlice::Open(duckdb::ExecutionContext& context,
                        const std::vector<duckdb::Value>& partition) {
  file_ = std::make_unique<OpenFile>();
  file_->partition = partition;
  file_->name = "data/" + FolderOf(task_.target, partition) + state_.stem +
                fmt::format("{:04}_part_{:02}.parquet", slice_, parts_++);
  file_->number = state_.files++;
  file_->file = task_.parquet->copy_to_initialize_global(
      context.client, *task_.parquet_options,
      external_scan::NewFilePath(state_.write, file_->number, file_->name));
  task_.parquet->copy_to_get_written_statistics(context.client, *task_.parquet_options,
                                                *file_->file, file_->statistics);
  file_->local = task_.parquet->copy_to_initialize_local(context, *task_.parquet_options);
}

void IcebergSlice::Put(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk) {
  task_.parquet->copy_to_sink(context, *task_.parquet_options, *file_->file, *file_->local, chunk);
  file_->rows += chunk.size();
}

void IcebergSlice::Close(duckdb::ExecutionContext& context) {
  if (!file_) return;
  auto& options = *task_.parquet_options;
  task_.parquet->copy_to_combine(context, options, *file_->file, *file_->local);
  task_.parquet->copy_to_finalize(context.client, options, *file_->file);
  DataFile done;
  done.path = task_.target.location + "/" + file_->name;
  done.bytes = state_.client.WrittenBytes(state_.write, file_->number);
  done.rows = file_->rows;
  done.partition = std::move(file_->partition);
  for (size_t i = 0; i < task_.names.size(); i++) {
    const auto& field = task_.target.fields[i];
    auto figures = FiguresOf(file_->statistics, task_.names[i], field.type);
    if (field.required && figures.nulls > 0)
      throw duckdb::ConstraintException("NOT NULL constraint failed: %s.%s", task_.table,
                                        field.name);
    done.columns.emplace(field.id, std::move(figures));
  }
  file_.reset();
  const std::lock_guard lock(state_.mutex);
  files_.push_back(std::move(done));
}

}  // namespace skep::worker::unload
