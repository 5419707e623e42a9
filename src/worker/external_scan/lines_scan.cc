#include "worker/external_scan/lines_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <duckdb/common/file_system.hpp>
#include <duckdb/common/multi_file/multi_file_list.hpp>
#include <duckdb/common/multi_file/multi_file_options.hpp>
#include <duckdb/common/vector_operations/vector_operations.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <exception>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_list.h"
#include "worker/external_scan/lake_file_system.h"
#include "worker/external_scan/lines_format.h"

namespace skep::external_scan {
namespace {

using duckdb::idx_t;
using duckdb::LogicalTypeId;

constexpr size_t kReadBytes = 256u << 10;
constexpr size_t kMaxLineBytes = 4u << 20;
constexpr int32_t kSurplusCode = 156;  // of SVL_SPECTRUM_SCAN_ERROR

struct LinesBind final : duckdb::TableFunctionData {
  duckdb::shared_ptr<LakeTable> table;
  duckdb::shared_ptr<duckdb::MultiFileList> files;
  LinesFormat format;
  const LakeFileList& list() const { return files->Cast<LakeFileList>(); }
  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    auto copy = duckdb::make_uniq<LinesBind>();
    copy->table = table;
    copy->files = files->Copy();
    copy->format = format;
    return copy;
  }
  bool SupportStatementCache() const override { return false; }
};

// A value that was not taken as it was.
struct HandledValue {
  std::string location, column, original, modified;
  uint64_t line = 0;
  const char* action = "";
  int32_t code = 0;
};

struct LinesGlobal final : duckdb::GlobalTableFunctionState {
  static constexpr size_t kNoted = 10;  // of a scan

  duckdb::vector<duckdb::column_t> columns;
  std::atomic<size_t> next{0};
  size_t files = 0;
  duckdb::shared_ptr<LakeTable> table;
  std::atomic<size_t> noted{0};
  std::mutex mutex;
  std::vector<HandledValue> handled;

  idx_t MaxThreads() const override { return std::max<size_t>(files, 1); }
  void Note(HandledValue value) {
    const std::lock_guard lock(mutex);
    handled.push_back(std::move(value));
  }
  ~LinesGlobal() override {
    try {
      if (!handled.empty()) table->client().Note(table->scan(), Text());
    } catch (const std::exception&) {
      // It is a record alone: nothing depends on it.
    }
  }

 private:
  std::string Text() const {
    nlohmann::json errors = nlohmann::json::array();
    for (const HandledValue& value : handled)
      errors.push_back({{"location", value.location},
                        {"rowid", std::to_string(value.line)},
                        {"column", value.column},
                        {"original", value.original},
                        {"modified", value.modified},
                        {"action", value.action},
                        {"code", value.code}});
    // The members' order is the gateway's to rely on.
    return R"({"what":"note","errors":)" +
           errors.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "}";
  }
};

// A column of the file, gathered as text.
struct Gathered {
  size_t field = 0;  // in the line
  idx_t out = 0;     // in the chunk
  duckdb::LogicalType type;
  uint32_t length = 0;  // of CHAR and VARCHAR, bytes; 0: any
  duckdb::unique_ptr<duckdb::Vector> text;
};

struct LinesLocal final : duckdb::LocalTableFunctionState {
  LinesLocal(const LinesFormat& format, size_t columns) : splitter(format, columns) {}
  LineSplitter splitter;
  std::vector<Gathered> gathered;
  duckdb::unique_ptr<duckdb::FileHandle> handle;
  ipc::TableFile file;
  std::string buffer;  // read and not yet cut; lines before `at` are done with
  size_t at = 0;
  bool ended = true;
  uint64_t line = 0;
};

bool IsNumber(const duckdb::LogicalType& type) { return type.IsNumeric(); }

// Fills chunks from one thread's file.
class LinesReader {
 public:
  LinesReader(duckdb::ClientContext& context, const LinesBind& bind, LinesGlobal& global,
              LinesLocal& local)
      : context_(context), bind_(bind), format_(bind.format), global_(global), local_(local) {}

  void Fill(duckdb::DataChunk& out) {
    while (true) {
      if (local_.handle == nullptr && !OpenNext()) return;
      const idx_t rows = Gather();
      if (rows > 0) {
        Finish(rows, out);
        if (out.size() > 0) return;
        continue;
      }
      local_.handle.reset();
    }
  }

 private:
  bool OpenNext() {
    const size_t number = global_.next++;
    if (number >= global_.files) return false;
    const duckdb::OpenFileInfo info = bind_.list().FileAt(number);
    local_.file = bind_.table->File(LakeFileNumber(info).value_or(UINT32_MAX));
    // What is packed otherwise says so in its path.
    const auto compression = format_.encoded ? duckdb::FileCompressionType::AUTO_DETECT
                             : format_.compression == "gzip" ? duckdb::FileCompressionType::GZIP
                             : format_.compression == "zstd" ? duckdb::FileCompressionType::ZSTD
                             : format_.compression == "none"
                                 ? duckdb::FileCompressionType::UNCOMPRESSED
                                 : duckdb::FileCompressionType::AUTO_DETECT;
    bind_.list().Prefetch(number + 1);
    local_.handle = duckdb::FileSystem::GetFileSystem(context_).OpenFile(
        info, duckdb::FileFlags::FILE_FLAGS_READ | compression);
    local_.buffer.clear();
    local_.at = 0;
    local_.line = 0;
    local_.ended = local_.file.size == 0;
    std::string_view ignored;
    for (uint64_t i = 0; i < format_.skip_lines; i++) {
      if (!NextLine(ignored)) break;
    }
    return true;
  }

  // The next line without its end; false at the file's.
  bool NextLine(std::string_view& line) {
    size_t searched = local_.at;
    while (true) {
      const size_t end = local_.buffer.find(format_.line_end, searched);
      if (end != std::string::npos) {
        line = std::string_view(local_.buffer).substr(local_.at, end - local_.at);
        local_.at = end + 1;
        break;
      }
      if (local_.ended) {
        if (local_.at >= local_.buffer.size()) return false;
        line = std::string_view(local_.buffer).substr(local_.at);
        local_.at = local_.buffer.size();
        break;
      }
      if (local_.buffer.size() - local_.at > kMaxLineBytes)
        Refuse(ErrorKind::kDataException, "a line is longer than 4 MB");
      local_.buffer.erase(0, local_.at);
      local_.at = 0;
      searched = local_.buffer.size();
      Read();
    }
    local_.line++;
    if (format_.line_end == '\n' && line.ends_with('\r')) line.remove_suffix(1);
    return true;
  }

  void Read() {
    const size_t have = local_.buffer.size();
    local_.buffer.resize(have + kReadBytes);
    const int64_t got = local_.handle->Read(local_.buffer.data() + have, kReadBytes);
    local_.buffer.resize(have + static_cast<size_t>(std::max<int64_t>(got, 0)));
    local_.ended = got <= 0;
  }

  idx_t Gather() {
    for (auto& column : local_.gathered)
      column.text = duckdb::make_uniq<duckdb::Vector>(duckdb::LogicalType::VARCHAR);
    idx_t rows = 0;
    std::string_view line;
    while (rows < STANDARD_VECTOR_SIZE && NextLine(line)) {
      if (TakeLine(line, rows)) rows++;
    }
    return rows;
  }

  // False for a row that is dropped.
  bool TakeLine(std::string_view line, idx_t row) {
    const auto& fields = local_.splitter.Split(line);
    const size_t columns = bind_.table->data_columns();
    if (fields.size() != columns && format_.column_count != Handling::kDisabled) {
      const char* action = format_.column_count == Handling::kDropRow ? "DROP_ROW" : "SET_TO_NULL";
      if (format_.column_count != Handling::kFail && Notes()) Note({}, line, {}, action, 0);
      if (format_.column_count == Handling::kDropRow) return false;
      if (format_.column_count == Handling::kFail)
        Refuse(ErrorKind::kDataException,
               fmt::format("line {} has {} fields, the table has {} columns", local_.line,
                           fields.size(), columns));
    }
    for (auto& column : local_.gathered) {
      // What is missing is NULL.
      const LineField field = column.field < fields.size() ? fields[column.field] : LineField();
      if (!TakeField(column, field, row)) return false;
    }
    return true;
  }

  bool TakeField(Gathered& column, LineField field, idx_t row) {
    auto& valid = duckdb::FlatVector::Validity(*column.text);
    valid.SetValid(row);
    const bool is_text = column.type.id() == LogicalTypeId::VARCHAR;
    // An empty field of a column that holds no text is NULL.
    if (!field || (field->empty() && !is_text)) {
      valid.SetInvalid(row);
      return true;
    }
    std::string made;
    size_t fault = 0;
    if (!IsUtf8(*field, fault)) {
      switch (format_.invalid_char) {
        case Handling::kDropRow:
          if (Notes()) Note(NameOf(column), *field, {}, "DROP_ROW", 0);
          return false;
        case Handling::kSetToNull:
          if (Notes()) Note(NameOf(column), *field, {}, "SET_TO_NULL", 0);
          valid.SetInvalid(row);
          return true;
        case Handling::kReplace:
          made = ReplaceInvalid(*field, format_.replacement);
          if (Notes()) Note(NameOf(column), *field, made, "REPLACE", 0);
          field = made;
          break;
        default:
          Refuse(ErrorKind::kDataException,
                 fmt::format("invalid UTF-8 in column {}, line {}", NameOf(column), local_.line));
      }
    }
    if (is_text && column.length > 0 && field->size() > column.length) {
      switch (format_.surplus_char) {
        case Handling::kDropRow:
          if (Notes()) Note(NameOf(column), *field, {}, "DROP_ROW", kSurplusCode);
          return false;
        case Handling::kSetToNull:
          if (Notes()) Note(NameOf(column), *field, {}, "SET_TO_NULL", kSurplusCode);
          valid.SetInvalid(row);
          return true;
        case Handling::kFail:
          Refuse(ErrorKind::kStringTooLong,
                 fmt::format("the value of column {}, line {}, is longer than {} bytes",
                             NameOf(column), local_.line, column.length));
        case Handling::kTruncate: {
          size_t end = column.length;
          while (end > 0 && (static_cast<unsigned char>((*field)[end]) & 0xc0) == 0x80) end--;
          if (Notes())
            Note(NameOf(column), *field, field->substr(0, end), "TRUNCATE", kSurplusCode);
          field = field->substr(0, end);
          break;
        }
        default:
          break;
      }
    }
    duckdb::FlatVector::GetData<duckdb::string_t>(*column.text)[row] =
        duckdb::StringVector::AddString(*column.text, field->data(), field->size());
    return true;
  }

  void Finish(idx_t rows, duckdb::DataChunk& out) {
    out.Reset();
    std::vector<bool> dropped(rows, false);
    for (auto& column : local_.gathered) {
      duckdb::Vector& into = out.data[column.out];
      if (column.type.id() == LogicalTypeId::VARCHAR) {
        into.Reference(*column.text);
        continue;
      }
      std::string ignored;
      duckdb::VectorOperations::DefaultTryCast(*column.text, into, rows, &ignored, false);
      if (IsNumber(column.type) && format_.numeric_overflow != Handling::kSetToNull &&
          format_.numeric_overflow != Handling::kDisabled)
        MindOverflows(column, into, rows, dropped);
    }
    const size_t keys = bind_.table->partition_keys(), data = bind_.table->data_columns();
    for (idx_t i = 0; i < global_.columns.size(); i++) {
      const auto column = global_.columns[i];
      if (column == kPathColumn) {
        out.data[i].Reference(duckdb::Value(local_.file.path));
      } else if (column == kSizeColumn) {
        out.data[i].Reference(duckdb::Value::BIGINT(static_cast<int64_t>(local_.file.size)));
      } else if (column == kFileIndexColumn) {
        out.data[i].Reference(duckdb::Value::UBIGINT(local_.file.number));
      } else if (duckdb::IsVirtualColumn(column)) {
        out.data[i].Reference(duckdb::Value(out.data[i].GetType()));
      } else if (column >= data && column < data + keys) {
        out.data[i].Reference(bind_.table->PartitionValue(local_.file.partition, column - data));
      }
    }
    out.SetCardinality(rows);
    if (std::ranges::find(dropped, true) == dropped.end()) return;
    duckdb::SelectionVector kept(rows);
    idx_t count = 0;
    for (idx_t row = 0; row < rows; row++) {
      if (!dropped[row]) kept.set_index(count++, row);
    }
    out.Slice(kept, count);
  }

  // A number that is one and does not fit: what is no number at all is NULL.
  void MindOverflows(const Gathered& column, duckdb::Vector& into, idx_t rows,
                     std::vector<bool>& dropped) {
    into.Flatten(rows);
    const auto& before = duckdb::FlatVector::Validity(*column.text);
    const auto& after = duckdb::FlatVector::Validity(into);
    for (idx_t row = 0; row < rows; row++) {
      if (!before.RowIsValid(row) || after.RowIsValid(row)) continue;
      const std::string text =
          duckdb::FlatVector::GetData<duckdb::string_t>(*column.text)[row].GetString();
      duckdb::Value number;
      std::string ignored;
      if (!duckdb::Value(text).DefaultTryCastAs(duckdb::LogicalType::DOUBLE, number, &ignored))
        continue;
      if (format_.numeric_overflow == Handling::kFail)
        Refuse(ErrorKind::kNumericOutOfRange,
               fmt::format("\"{}\" does not fit column {} ({})", text.substr(0, 100),
                           NameOf(column), column.type.ToString()));
      if (Notes()) Note(NameOf(column), text, {}, "DROP_ROW", 0);
      dropped[row] = true;
    }
  }

  // Whether there is room for one more record of a handled value; takes it.
  bool Notes() {
    return global_.noted.load(std::memory_order_relaxed) < LinesGlobal::kNoted &&
           global_.noted++ < LinesGlobal::kNoted;
  }
  void Note(std::string column, std::string_view original, std::string_view modified,
            const char* action, int32_t code) {
    constexpr size_t kShownBytes = 1024;
    global_.Note({local_.file.path, std::move(column), std::string(original.substr(0, kShownBytes)),
                  std::string(modified.substr(0, kShownBytes)), local_.line - 1, action, code});
  }

  std::string NameOf(const Gathered& column) const { return bind_.table->names()[column.field]; }

  [[noreturn]] void Refuse(ErrorKind kind, const std::string& what) const {
    ThrowLakeError({kind, local_.file.path + ": " + what, {}, {}, 0});
  }

  duckdb::ClientContext& context_;
  const LinesBind& bind_;
  const LinesFormat& format_;
  LinesGlobal& global_;
  LinesLocal& local_;
};

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> InitGlobal(
    duckdb::ClientContext&, duckdb::TableFunctionInitInput& input) {
  const auto& bind = input.bind_data->Cast<LinesBind>();
  auto global = duckdb::make_uniq<LinesGlobal>();
  global->columns = input.column_ids;
  global->table = bind.table;
  bind.list().Expand();
  global->files = bind.list().files_if_listed().value_or(0);
  return global;
}

duckdb::unique_ptr<duckdb::LocalTableFunctionState> InitLocal(duckdb::ExecutionContext&,
                                                              duckdb::TableFunctionInitInput& input,
                                                              duckdb::GlobalTableFunctionState*) {
  const auto& bind = input.bind_data->Cast<LinesBind>();
  const LakeTable& table = *bind.table;
  auto local = duckdb::make_uniq<LinesLocal>(bind.format, table.data_columns());
  for (idx_t i = 0; i < input.column_ids.size(); i++) {
    const auto column = input.column_ids[i];
    if (duckdb::IsVirtualColumn(column) || column >= table.data_columns()) continue;
    local->gathered.push_back({column, i, table.types()[column],
                               CharLengthOf(table.description().columns[column].type), nullptr});
  }
  return local;
}

void Run(duckdb::ClientContext& context, duckdb::TableFunctionInput& input,
         duckdb::DataChunk& out) {
  LinesReader(context, input.bind_data->Cast<LinesBind>(), input.global_state->Cast<LinesGlobal>(),
              input.local_state->Cast<LinesLocal>())
      .Fill(out);
}

void PushFilters(duckdb::ClientContext& context, duckdb::LogicalGet& get,
                 duckdb::FunctionData* data,
                 duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& filters) {
  auto& bind = data->Cast<LinesBind>();
  duckdb::MultiFilePushdownInfo info(get);
  auto pruned =
      bind.files->ComplexFilterPushdown(context, duckdb::MultiFileOptions(), info, filters);
  if (pruned) bind.files = std::move(pruned);
}

duckdb::unique_ptr<duckdb::NodeStatistics> Cardinality(duckdb::ClientContext& context,
                                                       const duckdb::FunctionData* data) {
  return data->Cast<LinesBind>().list().GetCardinality(context);
}

duckdb::virtual_column_map_t VirtualColumns(duckdb::ClientContext&,
                                            duckdb::optional_ptr<duckdb::FunctionData> data) {
  return data->Cast<LinesBind>().table->VirtualColumns();
}

duckdb::BindInfo BindInfoOf(const duckdb::optional_ptr<duckdb::FunctionData> data) {
  duckdb::BindInfo info(duckdb::ScanType::EXTERNAL);
  info.table = data->Cast<LinesBind>().table->entry.get();
  return info;
}

duckdb::InsertionOrderPreservingMap<std::string> Explain(
    duckdb::TableFunctionToStringInput& input) {
  duckdb::InsertionOrderPreservingMap<std::string> lines;
  const auto& list = input.bind_data->Cast<LinesBind>().list();
  lines["Table"] = list.table().QualifiedName();
  if (list.table().partition_keys() > 0)
    lines["Partitions"] = fmt::format("{}/{}", list.partitions(), list.table().partition_count());
  return lines;
}

}  // namespace

duckdb::TableFunction BindLinesScan(duckdb::ClientContext& context, LakeTable& table,
                                    duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  for (size_t i = 0; i < table.data_columns(); i++) {
    if (!table.types()[i].IsNested()) continue;
    ThrowLakeError(
        {ErrorKind::kFeatureNotSupported,
         fmt::format("external table {}: column {} of the type {} cannot be read from "
                     "text of this format",
                     table.QualifiedName(), table.names()[i], table.description().columns[i].type),
         {},
         {},
         0});
  }
  auto bind = duckdb::make_uniq<LinesBind>();
  bind->table = table.shared_from_this();
  bind->files = duckdb::make_shared_ptr<LakeFileList>(bind->table, InterruptOf(&context));
  bind->format = OrThrow(LinesFormat::Read(table.description()));
  // What does not compile is told before anything is read.
  const LineSplitter check(bind->format, table.data_columns());
  bind_data = std::move(bind);
  duckdb::TableFunction function("lake_lines", {}, Run, nullptr, InitGlobal, InitLocal);
  function.projection_pushdown = true;
  function.pushdown_complex_filter = PushFilters;
  function.cardinality = Cardinality;
  function.get_virtual_columns = VirtualColumns;
  function.get_bind_info = BindInfoOf;
  function.to_string = Explain;
  return function;
}

}  // namespace skep::external_scan
