// The SQL front's door: a script as statements, each with its tree and what routing needs to know
// of it. Used by the gateway (to route) and by the worker (before it emits). Knows nothing of
// engines, sockets or catalogs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sql/ast/statement_tag.h"
#include "sql/parse/script.h"

namespace skep::sql {

struct Statement {
  ast::NodeKind kind = ast::NodeKind::kDescribe;
  WorkClass work = WorkClass::kNothing;
  // Why it cannot run here, when it cannot: kFeatureNotSupported (0A000), naming the command.
  std::optional<Error> refusal;
  std::string_view
      text;  // within the script, without the final semicolon and surrounding blanks and comments
  size_t offset = 0;             // byte offset of text in the script
  std::string command;           // its tag, for messages: "COPY", "CREATE TABLE"
  uint32_t parameter_count = 0;  // highest $n
  bool temporary = false;        // makes a temporary table
  // SET, RESET, SHOW of a setting: name lower-case ("all" for RESET/SHOW ALL); value as Redshift
  // would show it; setting_default for SET x TO DEFAULT.
  std::string setting_name;
  std::string setting_value;
  bool setting_local = false;
  bool setting_default = false;
  bool setting_shown = false;      // SELECT SET_CONFIG(...): SET that answers a row with the value
  bool read_only = false;          // BEGIN READ ONLY
  bool changes_copy_jobs = false;  // COPY ... JOB CREATE, COPY JOB ALTER or DROP
  // nullptr when the parser itself refused it. Lives as long as `script`, and reads the script's
  // text, which has to outlive both.
  const ast::Statement* tree = nullptr;
  std::shared_ptr<const ParsedScript> script;
};

// Parses a script; empty statements are left out. `statements[i].text` points into `script`.
// Errors, of the first statement that has one: kSyntaxError with a 1-based character position in
// the script, kUndefinedParameter ($0), kPayloadTooLarge. Cost: one pass.
Result<std::vector<Statement>> ParseScript(std::string_view script);

}  // namespace skep::sql
