#include "worker/external_scan/lake_reader.h"

#include <fmt/format.h>

#include <duckdb/parser/expression/constant_expression.hpp>

#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"
#include "worker/external_scan/parquet_chunks.h"

namespace skep::external_scan {
namespace {

constexpr size_t kFilesAhead = 8;

// A column or a field of a struct that a file lacks reads as NULL.
void DefaultToNull(duckdb::MultiFileColumnDefinition& column) {
  column.default_expression =
      duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(column.type));
  for (auto& child : column.children) DefaultToNull(child);
}

}  // namespace

duckdb::unique_ptr<duckdb::MultiFileReader> LakeReader::Create(
    const duckdb::TableFunction& function) {
  return duckdb::make_uniq<LakeReader>(function.function_info->Cast<LakeScanInfo>().table);
}

duckdb::unique_ptr<duckdb::MultiFileReader> LakeReader::Copy() const {
  return duckdb::make_uniq<LakeReader>(table_);
}

duckdb::shared_ptr<duckdb::MultiFileList> LakeReader::CreateFileList(
    duckdb::ClientContext& context, const duckdb::vector<std::string>&,
    const duckdb::FileGlobInput&) {
  return duckdb::make_shared_ptr<LakeFileList>(table_, InterruptOf(&context));
}

bool LakeReader::Bind(duckdb::MultiFileOptions&, duckdb::MultiFileList&,
                      duckdb::vector<duckdb::LogicalType>& types,
                      duckdb::vector<std::string>& names, duckdb::MultiFileReaderBindData& bind) {
  if (!table_->self_describing())
    return false;  // CSV and JSON bind on their option `columns`, without opening a file
  types = table_->types();
  names = table_->names();
  if (table_->iceberg()) {
    bind.schema = table_->iceberg()->Schema();
    bind.mapping = duckdb::MultiFileColumnMappingMode::BY_FIELD_ID;
    return true;
  }
  bind.schema = duckdb::MultiFileColumnDefinition::ColumnsFromNamesAndTypes(names, types);
  bind.mapping = duckdb::MultiFileColumnMappingMode::BY_NAME;
  for (auto& column : bind.schema) DefaultToNull(column);
  return true;
}

void LakeReader::BindOptions(duckdb::MultiFileOptions&, duckdb::MultiFileList&,
                             duckdb::vector<duckdb::LogicalType>& types,
                             duckdb::vector<std::string>& names,
                             duckdb::MultiFileReaderBindData& bind) {
  const size_t first = table_->data_columns(), end = table_->names().size();
  for (size_t i = first; i < end; i++) {
    if (!table_->self_describing()) {
      names.push_back(table_->names()[i]);
      types.push_back(table_->types()[i]);
    }
    // JSON's reader skips these, and GROUP BY uses that each file has one value.
    bind.hive_partitioning_indexes.emplace_back(table_->names()[i], i);
  }
}

duckdb::unique_ptr<duckdb::MultiFileReaderGlobalState> LakeReader::InitializeGlobalState(
    duckdb::ClientContext&, const duckdb::MultiFileOptions&, const duckdb::MultiFileReaderBindData&,
    const duckdb::MultiFileList& files, const duckdb::vector<duckdb::MultiFileColumnDefinition>&,
    const duckdb::vector<duckdb::ColumnIndex>&) {
  const auto& list = files.Cast<LakeFileList>();
  list.Expand();
  for (size_t i = 0; i < kFilesAhead; i++) list.Prefetch(i);
  return nullptr;
}

duckdb::shared_ptr<duckdb::BaseFileReader> LakeReader::CreateReader(
    duckdb::ClientContext& context, duckdb::GlobalTableFunctionState& state,
    const duckdb::OpenFileInfo& file, duckdb::idx_t index, const duckdb::MultiFileBindData& bind) {
  try {
    return MultiFileReader::CreateReader(context, state, file, index, bind);
  } catch (const std::exception& e) {
    const duckdb::ErrorData error(e);
    const std::string path = PublicText(file.path), said = PublicText(error.RawMessage());
    switch (error.Type()) {
      case duckdb::ExceptionType::INTERRUPT:
      case duckdb::ExceptionType::OUT_OF_MEMORY:
      case duckdb::ExceptionType::FATAL:
      case duckdb::ExceptionType::INTERNAL:
        throw;
      default:
        break;
    }
    if (LakeErrorOf(error) || said.find(path) != std::string::npos) throw;
    ThrowLakeError(
        {ErrorKind::kDataException, fmt::format("{} is not readable: {}", path, said), {}, {}, 0});
  }
}

duckdb::ReaderInitializeType LakeReader::InitializeReader(
    duckdb::MultiFileReaderData& data, const duckdb::MultiFileBindData& bind,
    const duckdb::vector<duckdb::MultiFileColumnDefinition>& columns,
    const duckdb::vector<duckdb::ColumnIndex>& column_ids,
    duckdb::optional_ptr<duckdb::TableFilterSet> filters, duckdb::ClientContext& context,
    duckdb::MultiFileGlobalState& state) {
  if (data.reader->file_list_idx.IsValid())
    state.file_list.Cast<LakeFileList>().Prefetch(data.reader->file_list_idx.GetIndex() +
                                                  kFilesAhead);
  const auto done =
      MultiFileReader::InitializeReader(data, bind, columns, column_ids, filters, context, state);
  const auto number = LakeFileNumber(data.reader->file);
  if (done == duckdb::ReaderInitializeType::INITIALIZED && number) {
    if (auto groups = ChunksOf(*data.reader); !groups.empty())
      table_->client().PlanReads({table_->scan(), *number, table_->File(*number).size},
                                 std::move(groups));
  }
  return done;
}

void LakeReader::FinalizeBind(duckdb::MultiFileReaderData& data, const duckdb::MultiFileOptions&,
                              const duckdb::MultiFileReaderBindData&,
                              const duckdb::vector<duckdb::MultiFileColumnDefinition>&,
                              const duckdb::vector<duckdb::ColumnIndex>& column_ids,
                              duckdb::ClientContext& context,
                              duckdb::optional_ptr<duckdb::MultiFileReaderGlobalState>) {
  const auto number = LakeFileNumber(data.reader->file);
  if (!number)
    ThrowLakeError({ErrorKind::kExternalUnavailable,
                    fmt::format("{} was not listed", PublicText(data.reader->file.path)),
                    {},
                    {},
                    0});
  const ipc::TableFile file = table_->File(*number);
  if (table_->iceberg()) {
    // Migrated files have names instead of ids; to map by ids would answer NULL for all of them.
    for (const auto& column : data.reader->GetColumns()) {
      if (column.identifier.IsNull())
        throw duckdb::NotImplementedException(
            "%s has no field ids, as Iceberg's files have; such files are not supported",
            file.path);
    }
    data.reader->deletion_filter = table_->iceberg()->DeletesOf(*number, InterruptOf(&context));
  }
  for (size_t i = 0; i < column_ids.size(); i++) {
    const duckdb::MultiFileGlobalIndex index(i);
    const auto column = column_ids[i].GetPrimaryIndex();
    if (column == kPathColumn) {
      data.constant_map.Add(index, duckdb::Value(file.path));
    } else if (column == kSizeColumn) {
      data.constant_map.Add(index, duckdb::Value::BIGINT(static_cast<int64_t>(file.size)));
    } else if (column == kFileIndexColumn) {
      data.constant_map.Add(index, duckdb::Value::UBIGINT(file.number));
    } else if (!duckdb::IsVirtualColumn(column) && column >= table_->data_columns()) {
      data.constant_map.Add(
          index, table_->PartitionValue(file.partition, column - table_->data_columns()));
    }
  }
}

}  // namespace skep::external_scan
