#include "sql/parse/script.h"

#include <limits>
#include <optional>
#include <string>

#include "sql/ast/visit.h"
#include "sql/parse/statement.h"

namespace skep::sql {
namespace {

// Trees of fewer tokens cannot be too deep.
constexpr size_t kShallowTokens = kMaxTreeDepth;

size_t ByteOffset(std::string_view text, uint32_t position) {
  size_t offset = 0;
  for (uint32_t at = 1; offset < text.size(); offset++) {
    if ((static_cast<unsigned char>(text[offset]) & 0xc0) == 0x80) continue;
    if (at++ == position) break;
  }
  return offset;
}

class ScriptParser {
 public:
  ScriptParser(std::string_view script, AfterError after)
      : script_(script), stop_(after == AfterError::kStop) {
    result_.arena = std::make_unique<ast::Arena>();
  }

  ParsedScript Run() {
    if (script_.size() > std::numeric_limits<uint32_t>::max() / 2) {
      Add(script_, 0).error.kind = ErrorKind::kPayloadTooLarge;
      result_.statements.back().error.message = "the script is too large";
      return std::move(result_);
    }
    std::string_view readable = script_;
    while (true) {
      auto tokens = ReadTokens(readable, *result_.arena);
      if (tokens) {
        ParseTokens(readable, *tokens, 0);
        return std::move(result_);
      }
      if (!RecoverFromToken(readable, tokens.error())) return std::move(result_);
    }
  }

 private:
  ParsedStatement& Add(std::string_view text, size_t offset) {
    ParsedStatement statement;
    statement.text = text;
    statement.offset = offset;
    return result_.statements.emplace_back(std::move(statement));
  }

  // What stands before the bad token is parsed; its own statement gets the error. Then the script
  // goes on behind the next semicolon, everything before it blanked so that offsets stay.
  bool RecoverFromToken(std::string_view& readable, const Error& error) {
    size_t bad = ByteOffset(readable, error.position);
    while (true) {
      auto tokens = ReadTokens(readable.substr(0, bad), *result_.arena);
      if (!tokens) {  // the place was within a literal: go back to its beginning
        const size_t earlier = ByteOffset(readable, tokens.error().position);
        if (earlier >= bad) return false;
        bad = earlier;
        continue;
      }
      // The statement that is left open belongs to the error.
      size_t open = 0, last = 0;
      for (size_t i = 0; i + 1 < tokens->size(); i++) {
        if ((*tokens)[i].IsOperator(";")) open = i + 1;
        last = i + 1;
      }
      const size_t begin = open < last ? (*tokens)[open].begin : bad;
      size_t behind = readable.find(';', bad);
      // Behind an unterminated literal there is nothing that could be told from it.
      if (behind == std::string_view::npos || error.message.starts_with("unterminated"))
        behind = readable.size();
      if (tokens->size() > open) {
        tokens->resize(open);
        Token end;
        end.begin = end.end = static_cast<uint32_t>(begin);
        tokens->push_back(end);
      }
      ParseTokens(readable, *tokens, 0);
      if (errors_ >= kMaxErrors || stopped_) return false;
      std::string_view text = script_.substr(begin, behind - begin);
      while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
      Add(text, begin).error = error;
      result_.statements.back().error.position =
          CharacterPosition(script_, ByteOffset(readable, error.position));
      if (++errors_ >= kMaxErrors || stop_ || behind >= readable.size()) return false;
      std::string rest(readable);
      for (size_t i = 0; i <= behind; i++) rest[i] = ' ';
      readable = result_.arena->Copy(std::string_view(rest));
      return true;
    }
  }

  void ParseTokens(std::string_view readable, const std::vector<Token>& tokens, size_t first) {
    while (first + 1 < tokens.size()) {
      if (tokens[first].IsOperator(";")) {
        first++;
        continue;
      }
      size_t behind = first;
      while (behind + 1 < tokens.size() && !tokens[behind].IsOperator(";")) behind++;
      const size_t begin = tokens[first].begin;
      if (result_.statements.size() >= kMaxStatements) {
        ParsedStatement& rest = Add(script_.substr(begin), begin);
        rest.error.kind = ErrorKind::kPayloadTooLarge;
        rest.error.message = "the script has too many statements";
        stopped_ = true;
        return;
      }
      const size_t end = tokens[behind - 1].end;
      ParsedStatement& statement = Add(script_.substr(begin, end - begin), begin);
      if (end - begin > kMaxStatementBytes) {
        statement.error.kind = ErrorKind::kPayloadTooLarge;
        statement.error.message = "the statement is larger than 16 MB";
      } else {
        Parser parser(readable, tokens, *result_.arena);
        parser.Seek(first);
        ast::Statement* tree = ParseStatement(parser);
        if (!parser.failed() && !parser.AtEnd()) parser.Unexpected();
        if (!parser.failed() && behind - first > kShallowTokens &&
            ast::DepthOf(*tree, kMaxTreeDepth + 1) > kMaxTreeDepth)
          parser.Raise(ErrorKind::kPayloadTooLarge, "the statement is nested too deeply",
                       tokens[first].begin);
        if (!parser.failed())
          statement.tree = tree;
        else
          statement.error = *parser.error();
      }
      stopped_ =
          stop_ && !statement.tree && statement.error.kind != ErrorKind::kFeatureNotSupported;
      if (stopped_) return;
      if (!statement.tree && ++errors_ >= kMaxErrors && behind + 1 < tokens.size()) {
        statement.text = script_.substr(begin);
        return;
      }
      first = behind;
    }
  }

  std::string_view script_;
  ParsedScript result_;
  size_t errors_ = 0;
  bool stop_;
  bool stopped_ = false;
};

}  // namespace

ParsedScript ParseWholeScript(std::string_view script, AfterError after) {
  return ScriptParser(script, after).Run();
}

}  // namespace skep::sql
