// An engine in memory with our functions, asked in its own SQL as the emitter writes it. Shared by
// the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <duckdb.hpp>
#include <initializer_list>
#include <memory>
#include <string>

#include "worker/functions/register.h"

namespace skep::worker {

class FunctionsTest : public testing::Test {
 protected:
  FunctionsTest() {
    duckdb::DBConfig config;
    config.SetOptionByName("threads", duckdb::Value::BIGINT(2));
    config.SetOptionByName("default_null_order", duckdb::Value("NULLS_LAST_ON_ASC_FIRST_ON_DESC"));
    config.SetOptionByName("preserve_insertion_order", duckdb::Value::BOOLEAN(false));
    database_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
    RegisterFunctions(*database_->instance);
    connection_ = std::make_unique<duckdb::Connection>(*database_);
    Ask("set TimeZone = 'UTC'");
  }

  // Rows as text: values parted by '|', rows by ' ; '. An error as "ERROR <its message>".
  std::string Ask(const std::string& sql) {
    const auto result = connection_->Query(sql);
    if (result->HasError()) return "ERROR " + result->GetErrorObject().RawMessage();
    std::string text;
    for (size_t row = 0; row < result->RowCount(); row++) {
      if (row > 0) text += " ; ";
      for (size_t column = 0; column < result->ColumnCount(); column++) {
        if (column > 0) text += "|";
        text += result->GetValue(column, row).ToString();
      }
    }
    return text;
  }
  struct Row {
    const char* expression;
    const char* value;
  };
  void Check(std::initializer_list<Row> rows) {
    for (const auto& row : rows)
      EXPECT_EQ(Ask(std::string("select ") + row.expression), row.value) << row.expression;
  }
  // The engine's type of the first column.
  std::string TypeOf(const std::string& expression) {
    const auto result = connection_->Query("select " + expression);
    return result->HasError() ? "ERROR " + result->GetErrorObject().RawMessage()
                              : result->types[0].ToString();
  }

  std::unique_ptr<duckdb::DuckDB> database_;
  std::unique_ptr<duckdb::Connection> connection_;
};

}  // namespace skep::worker
