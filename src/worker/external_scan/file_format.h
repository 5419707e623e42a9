// A format of ours among the engine's multi-file readers: what every such format has alike.
#pragma once

#include <duckdb.hpp>
#include <duckdb/common/multi_file/multi_file_function.hpp>
#include <duckdb/common/multi_file/multi_file_reader.hpp>
#include <duckdb/main/extension/extension_loader.hpp>
#include <string>

#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_list.h"
#include "worker/external_scan/lake_table.h"

namespace skep::external_scan {

// `File` is a BaseFileReader with a constructor (context, file, table) that reads the file's schema
// and nothing else; its `Local` is what a thread keeps while it reads. The table is null when the
// file is read by itself.
template <class File>
class FileFormat final : public duckdb::MultiFileReaderInterface {
 public:
  static duckdb::unique_ptr<duckdb::MultiFileReaderInterface> CreateInterface(
      duckdb::ClientContext&) {
    return duckdb::make_uniq<FileFormat>();
  }
  duckdb::unique_ptr<duckdb::MultiFileReaderInterface> Copy() override {
    return duckdb::make_uniq<FileFormat>();
  }
  void InitializeInterface(duckdb::ClientContext&, duckdb::MultiFileReader&,
                           duckdb::MultiFileList& files) override {
    if (const auto* list = dynamic_cast<const LakeFileList*>(&files)) table_ = &list->table();
  }
  duckdb::unique_ptr<duckdb::BaseFileReaderOptions> InitializeOptions(
      duckdb::ClientContext&, duckdb::optional_ptr<duckdb::TableFunctionInfo>) override {
    return duckdb::make_uniq<duckdb::BaseFileReaderOptions>();
  }
  bool ParseCopyOption(duckdb::ClientContext&, const std::string&,
                       const duckdb::vector<duckdb::Value>&, duckdb::BaseFileReaderOptions&,
                       duckdb::vector<std::string>&,
                       duckdb::vector<duckdb::LogicalType>&) override {
    return false;
  }
  bool ParseOption(duckdb::ClientContext&, const std::string&, const duckdb::Value&,
                   duckdb::MultiFileOptions&, duckdb::BaseFileReaderOptions&) override {
    return false;
  }
  duckdb::unique_ptr<duckdb::TableFunctionData> InitializeBindData(
      duckdb::MultiFileBindData&, duckdb::unique_ptr<duckdb::BaseFileReaderOptions>) override {
    auto bind = duckdb::make_uniq<Bind>();
    bind->table = table_;
    return bind;
  }
  // Without a table: the columns of the first file.
  void BindReader(duckdb::ClientContext& context, duckdb::vector<duckdb::LogicalType>& types,
                  duckdb::vector<std::string>& names, duckdb::MultiFileBindData& bind) override {
    const File first(context, bind.file_list->GetFirstFile(), nullptr);
    for (const auto& column : first.columns) {
      names.push_back(column.name);
      types.push_back(column.type);
    }
    bind.multi_file_reader->BindOptions(bind.file_options, *bind.file_list, types, names,
                                        bind.reader_bind);
  }
  duckdb::unique_ptr<duckdb::GlobalTableFunctionState> InitializeGlobalState(
      duckdb::ClientContext&, duckdb::MultiFileBindData&, duckdb::MultiFileGlobalState&) override {
    return duckdb::make_uniq<duckdb::GlobalTableFunctionState>();
  }
  duckdb::unique_ptr<duckdb::LocalTableFunctionState> InitializeLocalState(
      duckdb::ExecutionContext&, duckdb::GlobalTableFunctionState&) override {
    return duckdb::make_uniq<typename File::Local>();
  }
  duckdb::shared_ptr<duckdb::BaseFileReader> CreateReader(
      duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&,
      duckdb::BaseUnionData& data, const duckdb::MultiFileBindData& bind) override {
    return Reader(context, data.file, bind);
  }
  duckdb::shared_ptr<duckdb::BaseFileReader> CreateReader(
      duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&,
      const duckdb::OpenFileInfo& file, duckdb::idx_t,
      const duckdb::MultiFileBindData& bind) override {
    return Reader(context, file, bind);
  }
  duckdb::FileGlobInput GetGlobInput() override {
    return duckdb::FileGlobInput(duckdb::FileGlobOptions::DISALLOW_EMPTY);
  }

 private:
  struct Bind final : duckdb::TableFunctionData {
    const LakeTable* table = nullptr;  // of the list of files, which lives as long
  };

  static duckdb::shared_ptr<duckdb::BaseFileReader> Reader(duckdb::ClientContext& context,
                                                           const duckdb::OpenFileInfo& file,
                                                           const duckdb::MultiFileBindData& bind) {
    return duckdb::make_shared_ptr<File>(context, file,
                                         bind.bind_data->template Cast<Bind>().table);
  }

  const LakeTable* table_ = nullptr;
};

// Runs `act`; what it says of a file (InvalidInputException) names the file and its format then.
template <class Act>
void NamingFile(const std::string& path, const char* format, const Act& act) {
  try {
    act();
  } catch (const duckdb::InvalidInputException& e) {
    const duckdb::ErrorData error(e);
    if (LakeErrorOf(error)) throw;
    throw duckdb::InvalidInputException("%s is not a readable %s file: %s", PublicText(path),
                                        format, error.RawMessage());
  }
}

template <class File>
void RegisterFormat(duckdb::DatabaseInstance& instance, const std::string& function) {
  const duckdb::MultiFileFunction<FileFormat<File>> made(function);
  duckdb::ExtensionLoader loader(instance, "skep");
  loader.RegisterFunction(static_cast<const duckdb::TableFunction&>(made));
}

}  // namespace skep::external_scan
