// Rows as records of text: delimited, CSV, of fixed width, or JSON, as UNLOAD writes them. Source:
// the developer guide's "UNLOAD", parameters; sql.md section 8. Knows nothing of files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sql/unload_plan.h"

namespace skep::worker::unload {

// A value as text; nullopt is NULL.
using Field = std::optional<std::string_view>;

enum class FieldKind : uint8_t {
  kText,     // a string in JSON
  kNumber,   // as it is in JSON
  kBoolean,  // t and f, also in JSON
  kJson,     // SUPER: as it is in JSON; NULL is JSON's
};

struct RecordColumn {
  std::string name;
  FieldKind kind = FieldKind::kText;
  bool character = false;  // CHAR, VARCHAR
};

class RecordFormat {
 public:
  RecordFormat(const sql::UnloadPlan& plan, std::vector<RecordColumn> columns);

  // The line of names. Only with HEADER.
  void AppendHeader(std::string& out) const;
  // Appends one record with its line end. Errors: kStringTooLong (a value wider than its column of
  // FIXEDWIDTH).
  Result<void> Append(const std::vector<Field>& fields, std::string& out) const;

 private:
  void AppendDelimited(std::string_view text, std::string& out) const;
  void AppendCsv(std::string_view text, std::string& out) const;
  Result<void> AppendFixed(size_t column, const Field& field, std::string& out) const;
  void AppendJson(const std::vector<Field>& fields, std::string& out) const;

  sql::UnloadPlan plan_;
  std::vector<RecordColumn> columns_;
  std::vector<std::string> keys_;  // "name": of JSON
  char delimiter_;
};

// Appends a JSON string with its quotes; bytes that are no UTF-8 stay as they are.
void AppendJsonString(std::string_view text, std::string& out);

// The folders that values name, "a=1/b=x/": special characters as %XX, as Hive writes them, NULL
// and the empty string as __HIVE_DEFAULT_PARTITION__.
std::string FolderOf(const std::vector<std::string>& names, const std::vector<Field>& values);

}  // namespace skep::worker::unload
