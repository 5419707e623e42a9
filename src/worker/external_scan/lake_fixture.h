// An engine with external tables whose gateway is a fake, and files that the engine itself wrote.
// Shared by the tests of this folder.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <duckdb.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/external_scan/fake_gateway.h"
#include "worker/external_scan/lake_catalog.h"
#include "worker/external_scan/lake_errors.h"

namespace skep::external_scan {

class LakeFixture : public ::testing::Test {
 protected:
  LakeFixture() {
    std::string path = (std::filesystem::temp_directory_path() / "skep_scan_XXXXXX").string();
    root_ = ::mkdtemp(path.data());
    gateway_ = std::make_unique<FakeGateway>(root_);
    client_ = std::make_unique<LakeClient>(gateway_->TakeWorkerEnd());
    duckdb::DBConfig config;
    config.SetOptionByName("threads", duckdb::Value::INTEGER(2));
    config.SetOptionByName("autoload_known_extensions", duckdb::Value::BOOLEAN(false));
    database_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
    RegisterLake(
        *database_->instance, *client_,
        [](duckdb::ClientContext&,
           const std::string& schema) -> std::optional<ipc::ExternalSchemaBinding> {
          if (schema != "ext") return std::nullopt;
          return ipc::ExternalSchemaBinding{"glue_db", {}, "us-east-1", {}, {}};
        },
        [](duckdb::ClientContext&) { return Asker{"alice", "statement", 7, {}, {}, false}; });
    connection_ = std::make_unique<duckdb::Connection>(*database_);
    Run("SET enable_external_file_cache=false");
    Run("SET search_path='memory.main'");
  }
  ~LakeFixture() override {
    connection_.reset();
    database_.reset();
    client_.reset();
    gateway_.reset();
    std::filesystem::remove_all(root_);
  }

  // Runs SQL of which failure is a fault of the test.
  void Run(const std::string& sql) {
    const auto result = connection_->Query(sql);
    ASSERT_FALSE(result->HasError()) << sql << "\n" << result->GetError();
  }
  // Rows as text: values parted by '|', rows by ' ; '.
  std::string Ask(const std::string& sql) {
    const auto result = connection_->Query(sql);
    if (result->HasError()) return "ERROR " + result->GetError();
    return TextOf(*result);
  }
  static std::string TextOf(duckdb::MaterializedQueryResult& result) {
    std::string text;
    for (size_t row = 0; row < result.RowCount(); row++) {
      if (row > 0) text += " ; ";
      for (size_t column = 0; column < result.ColumnCount(); column++) {
        if (column > 0) text += "|";
        text += result.GetValue(column, row).ToString();
      }
    }
    return text;
  }
  // The lake's own error of a statement that must fail with one.
  Error Failure(const std::string& sql) {
    const auto result = connection_->Query(sql);
    EXPECT_TRUE(result->HasError()) << sql;
    if (!result->HasError()) return {};
    const auto error = LakeErrorOf(result->GetErrorObject());
    EXPECT_TRUE(error) << result->GetError();
    return error.value_or(Error{});
  }

  static ipc::TableDescription Describe(const std::string& name, const std::string& format,
                                        std::vector<ipc::TableColumn> columns,
                                        std::vector<ipc::TableColumn> keys = {}) {
    ipc::TableDescription d;
    d.name = name;
    d.format = format;
    d.columns = std::move(columns);
    d.partition_keys = std::move(keys);
    return d;
  }
  void AddPartition(FakeTable& table, std::vector<std::optional<std::string>> values,
                    const std::string& folder) {
    table.description.partitions.push_back({std::move(values)});
    table.folders.push_back(folder);
  }
  // Writes a file below the root: the result of `select`.
  void Write(const std::string& file, const std::string& select, const std::string& options) {
    std::filesystem::create_directories(std::filesystem::path(root_ + "/" + file).parent_path());
    Run("COPY (" + select + ") TO '" + root_ + "/" + file + "' (" + options + ")");
  }

  std::string root_;
  std::unique_ptr<FakeGateway> gateway_;
  std::unique_ptr<LakeClient> client_;
  std::unique_ptr<duckdb::DuckDB> database_;
  std::unique_ptr<duckdb::Connection> connection_;
};

}  // namespace skep::external_scan
