#include "worker/external_scan/xlsx_scan.h"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <optional>
#include <utility>

#include "base/text.h"
#include "worker/external_scan/file_format.h"
#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/sheet_shape.h"
#include "worker/external_scan/workbook.h"

namespace skep::external_scan {
namespace {

using duckdb::idx_t;

constexpr size_t kSampleRows = 20'000;
constexpr size_t kHeaderRows = 100;  // that are looked at for the header of a file
constexpr size_t kSampleCells = 4'000'000;
constexpr size_t kMaxInferredColumns = 4096;
constexpr size_t kChunkBytes = 32u << 20;  // a chunk of long texts has fewer rows

// From the beginning; `ended`: the sheet has no more of them.
std::vector<SheetRow> SampleOf(Workbook& workbook, size_t rows, bool& ended) {
  std::vector<SheetRow> sample;
  size_t cells = 0;
  SheetRow row;
  ended = false;
  while (sample.size() < rows && cells < kSampleCells) {
    if (!workbook.Next(row)) {
      ended = true;
      break;
    }
    cells += row.cells.size();
    sample.push_back(std::move(row));
  }
  return sample;
}

struct XlsxLocal final : duckdb::LocalTableFunctionState {};

class XlsxFile final : public duckdb::BaseFileReader {
 public:
  using Local = XlsxLocal;

  XlsxFile(duckdb::ClientContext& context, duckdb::OpenFileInfo info, const LakeTable* table)
      : BaseFileReader(std::move(info)),
        handle_(duckdb::FileSystem::GetFileSystem(context).OpenFile(
            file, duckdb::FileFlags::FILE_FLAGS_READ)) {
    if (table) {
      sheet_ = table->Option("sheet").value_or("");
      const std::string skip = table->Option("skip").value_or("0");
      std::from_chars(skip.data(), skip.data() + skip.size(), skip_);
      for (size_t i = 0; i < table->data_columns(); i++) AddColumn(table->names()[i]);
      return;
    }
    Named([&] {
      bool ended = false;
      Workbook workbook(*handle_, {});
      const SheetShape shape = ShapeOf(SampleOf(workbook, kSampleRows, ended));
      skip_ = shape.skip;
      for (const auto& column : shape.columns) AddColumn(column.name);
    });
  }

  std::string GetReaderType() const override { return "Xlsx"; }

  void PrepareReader(duckdb::ClientContext&, duckdb::GlobalTableFunctionState&) override {
    by_column_.assign(columns.size(), {});
    for (idx_t i = 0; i < column_ids.size(); i++)
      by_column_.at(static_cast<size_t>(column_ids[duckdb::MultiFileLocalIndex(i)].GetId()))
          .push_back(i);
  }

  // A sheet has one reader: its texts can be found from its beginning only.
  bool TryInitializeScan(duckdb::ClientContext&, duckdb::GlobalTableFunctionState&,
                         duckdb::LocalTableFunctionState&) override {
    const std::lock_guard lock(mutex_);
    return !std::exchange(taken_, true);
  }

  void PrepareScan(duckdb::ClientContext&, duckdb::GlobalTableFunctionState&,
                   duckdb::LocalTableFunctionState&) override {
    Named([&] {
      workbook_.emplace(*handle_, sheet_);
      bool ended = false;
      ahead_ = SampleOf(*workbook_, kHeaderRows, ended);
      next_ahead_ = 0;
      wanted_ = by_column_;
      FollowHeader(ShapeOf(ahead_));
    });
  }

  duckdb::AsyncResult Scan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&,
                           duckdb::LocalTableFunctionState&, duckdb::DataChunk& out) override {
    idx_t rows = 0;
    Named([&] {
      size_t bytes = 0;
      while (rows < STANDARD_VECTOR_SIZE && bytes < kChunkBytes && NextRow()) {
        if (context.IsInterrupted()) throw duckdb::InterruptException();
        if (row_.number <= skip_) continue;
        bytes += Write(out, rows++);
      }
    });
    out.SetCardinality(rows);
    return rows == 0 ? duckdb::SourceResultType::FINISHED
                     : duckdb::SourceResultType::HAVE_MORE_OUTPUT;
  }

 private:
  void AddColumn(const std::string& name) {
    columns.push_back(duckdb::MultiFileColumnDefinition::CreateFromNameAndType(
        name, duckdb::LogicalType::VARCHAR));
  }

  // By names when all of the table's are the header's, or the other way round.
  void FollowHeader(const SheetShape& shape) {
    if (!shape.header) return;
    std::vector<std::vector<idx_t>> wanted(shape.columns.size());
    size_t found = 0;
    for (size_t i = 0; i < columns.size(); i++) {
      const auto same = [&](const ipc::InferredColumn& column) {
        return Lower(column.name) == Lower(columns[i].name);
      };
      const auto place = std::ranges::find_if(shape.columns, same);
      if (place == shape.columns.end()) continue;
      found++;
      wanted[static_cast<size_t>(place - shape.columns.begin())] = by_column_[i];
    }
    if (found == 0 || found < std::min(columns.size(), shape.columns.size())) return;
    wanted_ = std::move(wanted);
    skip_ = shape.skip;
  }

  bool NextRow() {
    if (next_ahead_ == ahead_.size()) return workbook_->Next(row_);
    row_ = std::move(ahead_[next_ahead_++]);
    return true;
  }

  // Answers the bytes of its texts.
  size_t Write(duckdb::DataChunk& out, idx_t row) {
    size_t bytes = 0;
    for (const auto& places : by_column_) {
      for (const idx_t place : places) duckdb::FlatVector::SetNull(out.data[place], row, true);
    }
    for (const Cell& cell : row_.cells) {
      if (cell.column >= wanted_.size()) continue;
      const std::string_view value = cell.Value();
      for (const idx_t place : wanted_[cell.column]) {
        auto& vector = out.data[place];
        duckdb::FlatVector::SetNull(vector, row, false);
        duckdb::FlatVector::GetData<duckdb::string_t>(vector)[row] =
            duckdb::StringVector::AddString(vector, value.data(), value.size());
        bytes += value.size();
      }
    }
    return bytes;
  }

  // What the parts of a workbook throw does not name the file.
  template <class Act>
  void Named(const Act& act) const {
    NamingFile(file.path, "xlsx", act);
  }

  duckdb::unique_ptr<duckdb::FileHandle> handle_;
  std::string sheet_;
  uint64_t skip_ = 0;
  std::optional<Workbook> workbook_;
  SheetRow row_;
  std::vector<SheetRow> ahead_;  // rows that were looked at
  size_t next_ahead_ = 0;
  // By column of the table, and of the sheet: what it fills.
  std::vector<std::vector<idx_t>> by_column_, wanted_;
  std::mutex mutex_;
  bool taken_ = false;
};

}  // namespace

void RegisterXlsx(duckdb::DatabaseInstance& instance) {
  RegisterFormat<XlsxFile>(instance, "read_xlsx");
}

bool IsXlsx(duckdb::ClientContext& context, const std::string& path) {
  const auto handle =
      duckdb::FileSystem::GetFileSystem(context).OpenFile(path, duckdb::FileFlags::FILE_FLAGS_READ);
  try {
    const Workbook workbook(*handle, {});
    return true;
  } catch (const duckdb::InvalidInputException& e) {
    if (LakeErrorOf(duckdb::ErrorData(e))) throw;
    return false;
  }
}

ipc::InferReply InferXlsx(duckdb::ClientContext& context, const std::string& path) {
  const auto handle =
      duckdb::FileSystem::GetFileSystem(context).OpenFile(path, duckdb::FileFlags::FILE_FLAGS_READ);
  Workbook workbook(*handle, {});
  bool ended = false;
  const auto sample = SampleOf(workbook, kSampleRows, ended);
  SheetShape shape = ShapeOf(sample);
  if (shape.columns.size() > kMaxInferredColumns)
    throw duckdb::InvalidInputException("it has more than 4,096 columns");
  ipc::InferReply reply;
  reply.format = "xlsx";
  reply.columns = std::move(shape.columns);
  reply.header = shape.header;
  const uint64_t last = sample.empty() ? 0 : sample.back().number;
  for (const SheetRow& row : sample) reply.rows += row.number > shape.skip ? 1 : 0;
  if (!ended && workbook.last_row().value_or(0) > last) reply.rows += *workbook.last_row() - last;
  reply.properties = {{"sheet", workbook.sheet()},
                      {"skip.header.line.count", std::to_string(shape.skip)}};
  return reply;
}

}  // namespace skep::external_scan
