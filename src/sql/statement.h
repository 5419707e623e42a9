// The SQL front's door: split a script into statements and classify each. Used by the gateway (to
// route) and by the worker (before it emits). Knows nothing of engines, sockets or catalogs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace skep::sql {

inline constexpr size_t kMaxStatementBytes = 16u << 20;  // Redshift's limit (sql.md section 1)

enum class StatementKind : uint8_t {
  kEmpty,
  kSelect,
  kInsert,
  kUpdate,
  kDelete,
  kMerge,
  kCreateTable,
  kCreateTableAs,
  kCreateView,
  kCreateSchema,
  kCreateExternalSchema,
  kDropTable,
  kDropView,
  kDropSchema,
  kAlterTable,
  kTruncate,
  kComment,
  kBegin,
  kCommit,
  kRollback,
  kSet,
  kReset,
  kShow,
  kExplain,
  kAnalyze,
  kVacuum,
  kDeallocate,
  kDiscard,
  kUnsupported,  // recognised or not: refused with kFeatureNotSupported (0A000), the message names
                 // the command
};

// What routing needs to know of a kind.
enum class StatementClass : uint8_t {
  kNothing,
  kRead,
  kWrite,
  kDefinition,
  kTransaction,
  kSetting,
  kMaintenance,
  kUnsupported
};

struct Statement {
  StatementKind kind = StatementKind::kEmpty;
  std::string_view
      text;  // within the script, without the final semicolon and surrounding blanks and comments
  size_t offset = 0;             // byte offset of text in the script
  std::string command;           // for messages and tags: "COPY", "CREATE TABLE"
  uint32_t parameter_count = 0;  // highest $n
  bool returns_rows =
      false;               // SELECT, WITH, VALUES, SHOW, EXPLAIN, INSERT ... RETURNING is refused
  bool temporary = false;  // CREATE TEMP TABLE / #name
  // kSet, kReset, kShow: name lower-case ("all" for RESET/SHOW ALL); value as Redshift would show
  // it; is_default for SET x TO DEFAULT.
  std::string setting_name;
  std::string setting_value;
  bool setting_local = false;
  bool setting_default = false;
  // kBegin: "READ ONLY" seen
  bool read_only = false;
};

StatementClass ClassOf(StatementKind kind);

// Splits and classifies a script. `statements[i].text` points into `script`. Errors: kSyntaxError
// with a 1-based character position in the script (unterminated literal, comment, quoted
// identifier), kPayloadTooLarge above kMaxStatementBytes. Cost: one pass.
Result<std::vector<Statement>> ParseScript(std::string_view script);

}  // namespace skep::sql
