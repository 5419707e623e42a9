// Tokens of Redshift SQL. One pass without recursion over the script; every token knows its place
// in it. Source of the forms: the developer guide's "Names and identifiers", "Literals" and
// "Operators".
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sql/ast/arena.h"

namespace skep::sql {

enum class TokenKind : uint8_t {
  kWord,        // unquoted identifier or keyword; value in lower case; may begin with '#'
  kQuotedName,  // "name"; value without quotes
  kString,      // 'text', E'text', $$text$$; value with escapes resolved
  kBitString,   // B'101', X'1F'; value without quotes, text tells which
  kInteger,
  kDecimal,    // 1.5
  kFloat,      // 1e10
  kParameter,  // $1; value is the digits
  kOperator,   // also punctuation
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  bool spaced = false;  // blanks or a comment stand before it
  uint32_t begin = 0;   // byte offsets in the script: [begin, end)
  uint32_t end = 0;
  std::string_view value;

  bool Is(std::string_view word) const { return kind == TokenKind::kWord && value == word; }
  bool IsOperator(std::string_view op) const { return kind == TokenKind::kOperator && value == op; }
};

// The tokens of a script, the last of them kEnd. Values point into the script or the arena. Errors:
// kSyntaxError (unterminated literal, name or comment; a character that begins nothing) with the
// 1-based character position in the script.
Result<std::vector<Token>> ReadTokens(std::string_view script, ast::Arena& arena);

// Character (not byte) position of a byte offset, counted from 1. Cost: linear in the offset.
uint32_t CharacterPosition(std::string_view text, size_t offset);

// The same of many offsets in one text, which must outlive it. Cost: constant.
class CharacterPositions {
 public:
  explicit CharacterPositions(std::string_view text);
  uint32_t At(size_t offset) const;

 private:
  static constexpr size_t kStride = 256;

  std::string_view text_;
  std::vector<uint32_t> before_;  // characters in front of each kStride bytes
};

}  // namespace skep::sql
