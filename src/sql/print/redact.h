// Statements as logs and histories may keep them: passwords, keys and other secrets blanked, all
// else as it was written.
#pragma once

#include <string>
#include <string_view>

#include "sql/ast/statement.h"

namespace skep::sql {

// `text` is the statement's own text: it begins at statement.begin of its script. Each secret
// literal becomes '***'; strings that hold SQL themselves (bodies of routines) are searched too.
std::string Redact(const ast::Statement& statement, std::string_view text);

// A whole script: each statement as above, those that do not parse as below.
std::string RedactScript(std::string_view script);

// For text that does not parse, or was never parsed: whatever literal stands behind a word that
// announces a secret (password, credentials, secret_access_key, ...) is blanked, and so is anything
// that looks like a key id of AWS.
std::string RedactText(std::string_view text);

}  // namespace skep::sql
