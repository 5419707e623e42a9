#include "worker/unload/slice_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"

namespace skep::worker::unload {
namespace {

using duckdb::idx_t;
using enum sql::UnloadFormat;

constexpr size_t kFlushBytes = 256u << 10;

duckdb::FileOpenFlags FlagsOf(const std::string& compression) {
  const auto flags =
      duckdb::FileFlags::FILE_FLAGS_WRITE | duckdb::FileFlags::FILE_FLAGS_FILE_CREATE_NEW;
  if (compression == "gzip") return flags | duckdb::FileCompressionType::GZIP;
  if (compression == "zstd") return flags | duckdb::FileCompressionType::ZSTD;
  return flags;
}

}  // namespace

UnloadState::~UnloadState() {
  if (!committed) client.AbortWrite(write);
}

struct SliceWriter::ParquetFile {
  duckdb::unique_ptr<duckdb::GlobalFunctionData> file;
  duckdb::unique_ptr<duckdb::LocalFunctionData> rows;
};

SliceWriter::SliceWriter(duckdb::ExecutionContext& context, const UnloadTask& task,
                         UnloadState& state)
    : task_(task), state_(state), slice_(state.slices++) {
  duckdb::vector<duckdb::LogicalType> types;
  Declared declared;
  const auto add = [&](idx_t i) {
    types.push_back(task_.types[i]);
    declared.push_back({task_.plan.columns[i].name, task_.plan.columns[i].type});
  };
  if (task_.plan.format != kParquet) {
    for (idx_t i = 0; i < task_.types.size(); i++) add(i);
    format_.emplace(task_.plan, task_.records);
  } else {
    for (const uint32_t i : task_.plan.partition) add(i);
  }
  if (!types.empty()) texts_.emplace(context.client, types, declared);
}

SliceWriter::~SliceWriter() = default;

void SliceWriter::Write(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk) {
  if (chunk.size() == 0) return;
  if (task_.plan.format != kParquet)
    WriteText(context, chunk);
  else if (task_.plan.partition.empty())
    WriteParquet(context, chunk);
  else
    WriteFolders(context, chunk);
}

void SliceWriter::Finish(duckdb::ExecutionContext& context) { Close(context); }

// A folder that comes back after another one gets another part.
void SliceWriter::Enter(duckdb::ExecutionContext& context, const std::vector<Field>& values) {
  if (is_open() && std::ranges::equal(values, values_)) return;
  Close(context);
  values_.assign(values.begin(), values.end());
  folder_ = FolderOf(task_.keys, values);
  PartitionValues kept;
  for (const Field& value : values)
    kept.push_back(value && !value->empty() ? std::optional(std::string(*value)) : std::nullopt);
  const std::lock_guard lock(state_.mutex);
  state_.folders.emplace(folder_, std::move(kept));
}

void SliceWriter::WriteText(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk) {
  std::vector<Field> row, values;
  texts_->Load(chunk);
  while (texts_->Next(row)) {
    if (!task_.plan.partition.empty()) {
      values.clear();
      for (const uint32_t i : task_.plan.partition) values.push_back(row[i]);
      Enter(context, values);
    }
    fields_.clear();
    for (const idx_t i : task_.written) fields_.push_back(row[i]);
    if (!is_open()) Open(context);
    const size_t before = pending_.size();
    external_scan::OrThrow(format_->Append(fields_, pending_));
    const auto in_file = static_cast<uint64_t>(text_->GetFileSize());
    if (rows_ > 0 && in_file + pending_.size() > task_.plan.max_file_bytes) {
      const std::string record = pending_.substr(before);
      pending_.resize(before);
      Close(context);
      Open(context);
      pending_ += record;
    }
    rows_++;
    if (pending_.size() >= kFlushBytes) Flush();
  }
}

void SliceWriter::WriteParquet(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk) {
  if (parquet_ && task_.parquet->rotate_next_file(*parquet_->file, *task_.parquet_options,
                                                  task_.plan.max_file_bytes))
    Close(context);
  if (!is_open()) Open(context);
  PutParquet(context, chunk);
}

void SliceWriter::PutParquet(duckdb::ExecutionContext& context, duckdb::DataChunk& rows) {
  duckdb::DataChunk data;
  duckdb::vector<duckdb::LogicalType> types;
  for (const idx_t i : task_.written) types.push_back(task_.types[i]);
  data.InitializeEmpty(types);
  for (idx_t i = 0; i < task_.written.size(); i++)
    data.data[i].Reference(rows.data[task_.written[i]]);
  data.SetCardinality(rows.size());
  task_.parquet->copy_to_sink(context, *task_.parquet_options, *parquet_->file, *parquet_->rows,
                              data);
  rows_ += rows.size();
}

// Parquet in folders: each run of rows of one folder by itself.
void SliceWriter::WriteFolders(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk) {
  duckdb::DataChunk keys;
  duckdb::vector<duckdb::LogicalType> types;
  for (const uint32_t i : task_.plan.partition) types.push_back(task_.types[i]);
  keys.InitializeEmpty(types);
  for (idx_t i = 0; i < types.size(); i++)
    keys.data[i].Reference(chunk.data[task_.plan.partition[i]]);
  keys.SetCardinality(chunk.size());
  texts_->Load(keys);
  struct Run {
    PartitionValues values;
    idx_t begin, end;
  };
  std::vector<Run> runs;
  for (idx_t row = 0; texts_->Next(fields_); row++) {
    if (runs.empty() || !std::ranges::equal(fields_, runs.back().values))
      runs.push_back({{fields_.begin(), fields_.end()}, row, row});
    runs.back().end = row + 1;
  }
  for (const Run& run : runs) {
    Enter(context, {run.values.begin(), run.values.end()});
    duckdb::SelectionVector rows(run.end - run.begin);
    for (idx_t i = 0; i < run.end - run.begin; i++) rows.set_index(i, run.begin + i);
    duckdb::DataChunk slice;
    slice.InitializeEmpty(chunk.GetTypes());
    slice.Slice(chunk, rows, run.end - run.begin);
    WriteParquet(context, slice);
  }
}

void SliceWriter::Open(duckdb::ExecutionContext& context) {
  const auto& plan = task_.plan;
  // Without PARALLEL names hold no slice, but a UNION ALL still has one for each of its branches.
  uint32_t part = 0;
  if (plan.parallel || !plan.table.empty()) {
    part = parts_[folder_]++;
  } else {
    const std::lock_guard lock(state_.mutex);
    part = state_.parts[folder_]++;
  }
  name_ = folder_ + state_.stem +
          (plan.parallel || !plan.table.empty() ? fmt::format("{:04}_part_{:02}", slice_, part)
                                                : fmt::format("{:03}", part)) +
          plan.extension;
  file_ = state_.files++;
  rows_ = 0;
  const std::string path = external_scan::NewFilePath(state_.write, file_, name_);
  if (plan.format == kParquet) {
    parquet_ = std::make_unique<ParquetFile>();
    parquet_->file =
        task_.parquet->copy_to_initialize_global(context.client, *task_.parquet_options, path);
    parquet_->rows = task_.parquet->copy_to_initialize_local(context, *task_.parquet_options);
    return;
  }
  text_ =
      duckdb::FileSystem::GetFileSystem(context.client).OpenFile(path, FlagsOf(plan.compression));
  pending_.clear();
  if (plan.compression == "bzip2") packer_ = std::make_unique<external_scan::Bzip2Packer>();
  if (plan.header) format_->AppendHeader(pending_);
}

void SliceWriter::Flush() {
  if (pending_.empty()) return;
  if (packer_) {
    std::string packed;
    packer_->Append(pending_, packed);
    pending_ = std::move(packed);
  }
  if (!pending_.empty()) text_->Write(pending_.data(), pending_.size());
  pending_.clear();
}

void SliceWriter::Close(duckdb::ExecutionContext& context) {
  if (!is_open()) return;
  if (text_) {
    Flush();
    if (packer_) {
      packer_->Finish(pending_);
      packer_.reset();
      text_->Write(pending_.data(), pending_.size());
      pending_.clear();
    }
    text_->Close();
    text_.reset();
  } else {
    auto& options = *task_.parquet_options;
    task_.parquet->copy_to_combine(context, options, *parquet_->file, *parquet_->rows);
    task_.parquet->copy_to_finalize(context.client, options, *parquet_->file);
    parquet_.reset();
  }
  const std::lock_guard lock(state_.mutex);
  state_.written.push_back({name_, state_.client.WrittenBytes(state_.write, file_),
                            rows_ + (task_.plan.header ? 1 : 0)});
}

}  // namespace skep::worker::unload
