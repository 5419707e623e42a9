// What plugs external tables into the engine's own Parquet, CSV and JSON readers: the schema comes
// from the catalog instead of a file, partition keys and "$path", "$size" are constants of each
// file, and the next files are fetched ahead.
#pragma once

#include <duckdb.hpp>
#include <duckdb/common/multi_file/multi_file_reader.hpp>
#include <duckdb/function/table_function.hpp>

#include "worker/external_scan/lake_file_list.h"
#include "worker/external_scan/lake_table.h"

namespace skep::external_scan {

// Carries the table to LakeReader::Create, which the engine calls with nothing but the function.
struct LakeScanInfo final : duckdb::TableFunctionInfo {
  explicit LakeScanInfo(duckdb::shared_ptr<LakeTable> t) : table(std::move(t)) {}
  duckdb::shared_ptr<LakeTable> table;
};

class LakeReader final : public duckdb::MultiFileReader {
 public:
  explicit LakeReader(duckdb::shared_ptr<LakeTable> table) : table_(std::move(table)) {}
  static duckdb::unique_ptr<duckdb::MultiFileReader> Create(const duckdb::TableFunction& function);

  duckdb::unique_ptr<duckdb::MultiFileReader> Copy() const override;
  duckdb::shared_ptr<duckdb::MultiFileList> CreateFileList(
      duckdb::ClientContext& context, const duckdb::vector<std::string>& paths,
      const duckdb::FileGlobInput& input) override;
  bool Bind(duckdb::MultiFileOptions& options, duckdb::MultiFileList& files,
            duckdb::vector<duckdb::LogicalType>& types, duckdb::vector<std::string>& names,
            duckdb::MultiFileReaderBindData& bind) override;
  void BindOptions(duckdb::MultiFileOptions& options, duckdb::MultiFileList& files,
                   duckdb::vector<duckdb::LogicalType>& types, duckdb::vector<std::string>& names,
                   duckdb::MultiFileReaderBindData& bind) override;
  duckdb::unique_ptr<duckdb::MultiFileReaderGlobalState> InitializeGlobalState(
      duckdb::ClientContext& context, const duckdb::MultiFileOptions& options,
      const duckdb::MultiFileReaderBindData& bind, const duckdb::MultiFileList& files,
      const duckdb::vector<duckdb::MultiFileColumnDefinition>& columns,
      const duckdb::vector<duckdb::ColumnIndex>& column_ids) override;
  // Names the file in what a broken one makes its reader say.
  duckdb::shared_ptr<duckdb::BaseFileReader> CreateReader(
      duckdb::ClientContext& context, duckdb::GlobalTableFunctionState& state,
      const duckdb::OpenFileInfo& file, duckdb::idx_t index,
      const duckdb::MultiFileBindData& bind) override;
  using MultiFileReader::CreateReader;
  duckdb::ReaderInitializeType InitializeReader(
      duckdb::MultiFileReaderData& data, const duckdb::MultiFileBindData& bind,
      const duckdb::vector<duckdb::MultiFileColumnDefinition>& columns,
      const duckdb::vector<duckdb::ColumnIndex>& column_ids,
      duckdb::optional_ptr<duckdb::TableFilterSet> filters, duckdb::ClientContext& context,
      duckdb::MultiFileGlobalState& state) override;
  void FinalizeBind(duckdb::MultiFileReaderData& data, const duckdb::MultiFileOptions& options,
                    const duckdb::MultiFileReaderBindData& bind,
                    const duckdb::vector<duckdb::MultiFileColumnDefinition>& columns,
                    const duckdb::vector<duckdb::ColumnIndex>& column_ids,
                    duckdb::ClientContext& context,
                    duckdb::optional_ptr<duckdb::MultiFileReaderGlobalState> state) override;

 private:
  duckdb::shared_ptr<LakeTable> table_;
};

}  // namespace skep::external_scan
