// How a line of a text table becomes fields, and what becomes of values that do not fit: read from
// a table's options (catalog/glue_tables.cc). Source: the developer guide's "CREATE EXTERNAL
// TABLE", "TABLE PROPERTIES" (data handling); Hive's RegexSerDe and LazySimpleSerDe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/messages.h"
#include "worker/functions/regex.h"

namespace skep::external_scan {

// What is done with a value, or with its row.
enum class Handling : uint8_t { kDisabled, kFail, kSetToNull, kDropRow, kReplace, kTruncate };

struct LinesFormat {
  // Lines are matched as a whole, groups[i] is the group of column i (0: none); or cut at
  // `delimiter`.
  std::string regex;
  bool ignore_case = false;
  std::vector<uint32_t> groups;
  std::string delimiter = "\x01";
  char quote = 0, escape = 0;  // 0: none

  char line_end = '\n';
  uint64_t skip_lines = 0;
  std::optional<std::string> null_text;
  bool encoded = false;     // not UTF-8: decompression.h
  std::string compression;  // "gzip", "zstd", "none"; empty: by the file's name

  Handling invalid_char = Handling::kFail, numeric_overflow = Handling::kSetToNull,
           surplus_char = Handling::kDisabled, column_count = Handling::kDisabled;
  char replacement = '?';

  // Errors: kFeatureNotSupported (an option that is not read).
  static Result<LinesFormat> Read(const ipc::TableDescription& description);
};

// One field; nothing: NULL.
using LineField = std::optional<std::string_view>;

// Cuts lines into fields; one for each thread.
class LineSplitter {
 public:
  // Throws duckdb::InvalidInputException for a regular expression that does not compile.
  LineSplitter(const LinesFormat& format, size_t columns);

  // The fields of a line, in the order of the columns; valid until the next call. Of a line that
  // the expression does not match all are NULL. A line may have fewer or more fields than columns.
  const std::vector<LineField>& Split(std::string_view line);

 private:
  void Match(std::string_view line);
  void Cut(std::string_view line);

  const LinesFormat& format_;
  const size_t columns_;
  std::optional<worker::Regex> regex_;
  worker::RegexScratch scratch_;
  std::vector<LineField> fields_;
  std::vector<std::string> made_;  // fields that are not as the line has them
};

// Whether text is UTF-8; `first_fault` is where it is not.
bool IsUtf8(std::string_view text, size_t& first_fault);
// Each byte that is no UTF-8 as `replacement`.
std::string ReplaceInvalid(std::string_view text, char replacement);
// The length in "char(3)" and "varchar(20)"; 0 for other types.
uint32_t CharLengthOf(std::string_view glue_type);

}  // namespace skep::external_scan
