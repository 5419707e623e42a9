// A script as its statements: each with its tree or its own error, so that one bad statement does
// not hide the others.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sql/ast/statement.h"

namespace skep::sql {

struct ParsedStatement {
  ast::Statement* tree = nullptr;  // nullptr: see error
  Error error;
  // Without blanks and comments around it and without its semicolon; within the script.
  std::string_view text;
  size_t offset = 0;  // of the text, in bytes
};

// Holds the trees. Their strings and `text` point into the script that was parsed, which has to
// outlive this.
struct ParsedScript {
  std::unique_ptr<ast::Arena> arena;
  std::vector<ParsedStatement> statements;  // empty ones are left out
};

// What follows the first statement that cannot be read. One that is merely not offered
// (kFeatureNotSupported) does not count.
enum class AfterError : uint8_t {
  kGoOn,
  kStop,  // it is the last one
};

// Parses all statements of a script, going on behind the next semicolon after an error. Errors of
// statements: kSyntaxError and kFeatureNotSupported with the 1-based character position in the
// script, kPayloadTooLarge above kMaxStatementBytes or kMaxTreeDepth. After
// kMaxErrors or kMaxStatements the rest of the script is one statement with its error. Cost:
// linear, some 40 MB/s.
ParsedScript ParseWholeScript(std::string_view script, AfterError after = AfterError::kGoOn);

inline constexpr size_t kMaxStatementBytes = 16u << 20;  // Redshift's limit (sql.md section 1)
inline constexpr size_t kMaxErrors = 100;
inline constexpr size_t kMaxStatements = 100'000;

}  // namespace skep::sql
