#include "worker/external_scan/orc_scan.h"

#include <arrow/adapters/orc/adapter.h>
#include <arrow/buffer.h>
#include <arrow/c/bridge.h>
#include <arrow/io/interfaces.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <atomic>
#include <duckdb/function/table/arrow.hpp>
#include <exception>
#include <mutex>

#include "worker/external_scan/file_format.h"
#include "worker/external_scan/lake_errors.h"

namespace skep::external_scan {
namespace {

using arrow::adapters::orc::ORCFileReader;
using duckdb::idx_t;

// One object as Arrow reads it. What the engine's file system throws is kept and thrown again by
// Check: Arrow's reader would make a text of it.
class OrcObject final : public arrow::io::RandomAccessFile {
 public:
  OrcObject(duckdb::ClientContext& context, const duckdb::OpenFileInfo& file)
      : handle_(duckdb::FileSystem::GetFileSystem(context).OpenFile(
            file, duckdb::FileFlags::FILE_FLAGS_READ)),
        size_(static_cast<int64_t>(handle_->GetFileSize())) {}

  arrow::Status Close() override { return arrow::Status::OK(); }
  bool closed() const override { return false; }
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Result<int64_t> GetSize() override { return size_; }
  arrow::Status Seek(int64_t position) override {
    position_ = position;
    return arrow::Status::OK();
  }
  arrow::Result<int64_t> Read(int64_t bytes, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position_, bytes, out));
    position_ += read;
    return read;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t bytes) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::io::RandomAccessFile::ReadAt(position_, bytes));
    position_ += buffer->size();
    return buffer;
  }
  arrow::Result<int64_t> ReadAt(int64_t position, int64_t bytes, void* out) override {
    if (position < 0 || bytes < 0 || position > size_)
      return arrow::Status::IOError("the footer points beyond the end");
    bytes = std::min(bytes, size_ - position);
    try {
      handle_->Read(out, static_cast<idx_t>(bytes), static_cast<idx_t>(position));
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      return arrow::Status::IOError("unreadable");
    }
    return bytes;
  }
  using arrow::io::RandomAccessFile::ReadAt;

  void Check(const arrow::Status& status) {
    if (status.ok()) return;
    {
      const std::lock_guard lock(mutex_);
      if (failure_) std::rethrow_exception(failure_);
    }
    std::string reason = status.message();
    reason = reason.substr(0, std::min<size_t>(reason.find('\n'), 200));
    throw duckdb::InvalidInputException("%s is not a readable orc file: %s",
                                        PublicText(handle_->path), reason);
  }
  template <class Value>
  Value Get(arrow::Result<Value> result) {
    Check(result.status());
    return std::move(result).ValueUnsafe();
  }

 private:
  duckdb::unique_ptr<duckdb::FileHandle> handle_;
  int64_t size_, position_ = 0;
  std::mutex mutex_;
  std::exception_ptr failure_;
};

// The files' memory is counted neither by the engine nor by a pool of Arrow's; the process's limits
// hold it.
std::unique_ptr<ORCFileReader> Open(const std::shared_ptr<OrcObject>& object) {
  return object->Get(ORCFileReader::Open(object, arrow::system_memory_pool()));
}

bool IsUnnamed(const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); i++) {
    if (names[i] != "_col" + std::to_string(i)) return false;
  }
  return !names.empty();
}

class OrcFile;

struct OrcLocal final : duckdb::LocalTableFunctionState {
  const OrcFile* file = nullptr;  // of which the reader is
  std::shared_ptr<OrcObject> object;
  std::unique_ptr<ORCFileReader> reader;
  std::vector<int> included;     // fields of the file, ascending
  std::vector<size_t> place_of;  // by column of the output: its place in `included`

  std::shared_ptr<arrow::RecordBatchReader> batches;
  int64_t rows_left = 0;  // of the stripe; of a scan without columns, still to be told
  int64_t stripe = 0;
  duckdb::DataChunk fields;  // in the order of `included`
  duckdb::unique_ptr<duckdb::ArrowScanLocalState> conversion;
};

class OrcFile final : public duckdb::BaseFileReader {
 public:
  using Local = OrcLocal;

  OrcFile(duckdb::ClientContext& context, duckdb::OpenFileInfo info, const LakeTable* table)
      : BaseFileReader(std::move(info)), object_(std::make_shared<OrcObject>(context, file)) {
    const auto reader = Open(object_);
    const auto schema = object_->Get(reader->ReadSchema());
    duckdb::ArrowSchemaWrapper exported;
    object_->Check(arrow::ExportSchema(*schema, &exported.arrow_schema));
    duckdb::ArrowTableFunction::PopulateArrowTableSchema(context, fields_, exported.arrow_schema);
    auto names = schema->field_names();
    const bool by_place = table && (IsUnnamed(names) || table->Option("positional") == "true");
    for (size_t i = 0; i < names.size(); i++) {
      if (by_place && i < table->data_columns()) names[i] = table->names()[i];
      columns.push_back(duckdb::MultiFileColumnDefinition::CreateFromNameAndType(
          names[i], fields_.GetTypes()[i]));
    }
    stripes_ = reader->NumberOfStripes();
  }

  std::string GetReaderType() const override { return "ORC"; }

  bool TryInitializeScan(duckdb::ClientContext&, duckdb::GlobalTableFunctionState&,
                         duckdb::LocalTableFunctionState& l) override {
    auto& local = l.Cast<OrcLocal>();
    if (next_stripe_ >= stripes_) return false;
    local.stripe = next_stripe_++;
    return true;
  }

  void PrepareScan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&,
                   duckdb::LocalTableFunctionState& l) override {
    auto& local = l.Cast<OrcLocal>();
    if (local.file != this) Enter(context, local);
    local.batches.reset();
    const auto stripe = local.reader->GetStripeInformation(local.stripe);
    local.rows_left = stripe.num_rows;
    if (local.included.empty() || stripe.num_rows == 0) return;
    object_->Check(local.reader->Seek(stripe.first_row_id));
    local.batches =
        local.object->Get(local.reader->NextStripeReader(STANDARD_VECTOR_SIZE, local.included));
  }

  duckdb::AsyncResult Scan(duckdb::ClientContext&, duckdb::GlobalTableFunctionState&,
                           duckdb::LocalTableFunctionState& l, duckdb::DataChunk& out) override {
    auto& local = l.Cast<OrcLocal>();
    if (local.rows_left <= 0) return duckdb::SourceResultType::FINISHED;
    if (local.included.empty()) {
      const int64_t rows = std::min<int64_t>(local.rows_left, STANDARD_VECTOR_SIZE);
      local.rows_left -= rows;
      out.SetCardinality(static_cast<idx_t>(rows));
      return duckdb::SourceResultType::HAVE_MORE_OUTPUT;
    }
    std::shared_ptr<arrow::RecordBatch> batch;
    local.object->Check(local.batches->ReadNext(&batch));
    if (!batch || batch->num_rows() == 0) {
      local.rows_left = 0;
      return duckdb::SourceResultType::FINISHED;
    }
    local.rows_left -= batch->num_rows();
    Convert(local, *batch, out);
    return duckdb::SourceResultType::HAVE_MORE_OUTPUT;
  }

  double GetProgressInFile(duckdb::ClientContext&) override {
    return stripes_ == 0
               ? 100.0
               : 100.0 * static_cast<double>(next_stripe_.load()) / static_cast<double>(stripes_);
  }

 private:
  // Each thread has a reader of its own: readers have a position.
  void Enter(duckdb::ClientContext& context, OrcLocal& local) {
    local.file = this;
    local.object = object_;
    local.reader = Open(object_);
    std::vector<int> wanted;
    for (idx_t i = 0; i < column_ids.size(); i++)
      wanted.push_back(static_cast<int>(column_ids[duckdb::MultiFileLocalIndex(i)].GetId()));
    local.included = wanted;
    std::ranges::sort(local.included);
    local.included.erase(std::ranges::unique(local.included).begin(), local.included.end());
    local.place_of.clear();
    for (const int field : wanted) {
      local.place_of.push_back(static_cast<size_t>(std::ranges::lower_bound(local.included, field) -
                                                   local.included.begin()));
    }
    if (local.included.empty()) return;
    duckdb::vector<duckdb::LogicalType> types;
    for (const int field : local.included)
      types.push_back(columns[static_cast<size_t>(field)].type);
    local.fields.Destroy();
    local.fields.Initialize(duckdb::BufferAllocator::Get(context), types);
    local.conversion = duckdb::make_uniq<duckdb::ArrowScanLocalState>(
        duckdb::make_uniq<duckdb::ArrowArrayWrapper>(), context);
    for (const int field : local.included)
      local.conversion->column_ids.push_back(static_cast<duckdb::column_t>(field));
  }

  void Convert(OrcLocal& local, const arrow::RecordBatch& batch, duckdb::DataChunk& out) const {
    auto chunk = duckdb::make_shared_ptr<duckdb::ArrowArrayWrapper>();
    local.object->Check(arrow::ExportRecordBatch(batch, &chunk->arrow_array));
    local.conversion->Reset();
    local.conversion->chunk = std::move(chunk);
    const auto rows = static_cast<idx_t>(batch.num_rows());
    local.fields.Reset();
    local.fields.SetCardinality(rows);
    duckdb::ArrowTableFunction::ArrowToDuckDB(*local.conversion, fields_.GetColumns(),
                                              local.fields);
    for (idx_t i = 0; i < local.place_of.size(); i++)
      out.data[i].Reference(local.fields.data[local.place_of[i]]);
    out.SetCardinality(rows);
  }

  std::shared_ptr<OrcObject> object_;
  duckdb::ArrowTableSchema fields_;
  int64_t stripes_ = 0;
  std::atomic<int64_t> next_stripe_{0};
};

}  // namespace

void RegisterOrc(duckdb::DatabaseInstance& instance) {
  RegisterFormat<OrcFile>(instance, "read_orc");
}

}  // namespace skep::external_scan
