// Tokens of Redshift SQL. One pass, no recursion; every token knows where it stands in the user's
// text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::sql::thin {

enum class TokenKind : uint8_t {
  kWord,
  kQuotedName,
  kString,
  kNumber,
  kParameter,
  kOperator,
  kEnd
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;  // as written
  std::string value;      // word: lower case; quoted name: unquoted; string: its value; operator:
                          // itself; parameter: digits
  size_t offset = 0;      // byte offset in the script
  bool spaced = false;    // blanks or a comment stand before it

  bool Is(std::string_view word) const { return kind == TokenKind::kWord && value == word; }
  bool IsOperator(std::string_view op) const { return kind == TokenKind::kOperator && value == op; }
  bool IsName() const { return kind == TokenKind::kWord || kind == TokenKind::kQuotedName; }
};

// Splits a script into tokens; the last is kEnd. Errors: kSyntaxError (unterminated literal, name,
// comment; a character that begins nothing) with the 1-based character position in the script.
Result<std::vector<Token>> Tokenize(std::string_view script);

// Character (not byte) position of a byte offset, counted from 1.
uint32_t CharacterPosition(std::string_view text, size_t offset);

}  // namespace skep::sql::thin
